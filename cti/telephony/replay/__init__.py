"""Recorded PBX bytes played again: for ``cti replay``, the demo, and tests."""
