"""What the PBX wrote itself (queue_log, CDR) beside what we have: to fill in what we missed, and to compare."""
