"""What an agent's screen shows for a call, and the sockets that carry it there."""
