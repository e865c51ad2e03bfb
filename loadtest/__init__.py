"""Loads on a running server, over HTTP: how fast it is, how right, and what it withstands."""
