"""Where calls wait, and who gets them. So far it knows who waits; offering them to agents is the PBX's queues' work."""
