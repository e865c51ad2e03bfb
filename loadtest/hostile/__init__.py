"""Hostile input against a running server: what it answers, and whether it goes on answering."""
