"""What is on record: facts as they happened, interactions derived from them, people and customers."""
