"""Asterisk 16 to 23: events over AMI (our own reader), commands over a second AMI account (pyst2)."""
