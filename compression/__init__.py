"""Smaller checkpoints out of large ones; imports none of our other packages."""
