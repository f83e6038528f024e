"""Stories still to come."""
