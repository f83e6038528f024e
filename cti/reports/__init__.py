"""Figures over the record, one file each: what is counted, how it is counted, and as a table for a file."""
