"""Who is calling: contacts, the connectors that find them, and the look-up with its time budget."""
