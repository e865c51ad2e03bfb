"""Smaller checkpoints, and what each costs and gains. Imports nothing of ours."""
