"""Bytes to call events, and commands back: one folder for each kind of PBX."""
