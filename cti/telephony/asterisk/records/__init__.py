"""What Asterisk writes down itself: queue_log and call detail records, from files or from tables."""
