"""How a server's speed changes with clients and with branches: `python -m loadtest scale`."""
