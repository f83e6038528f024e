"""The room where agents' states are kept true against three sides: desktops, PBX and record."""
