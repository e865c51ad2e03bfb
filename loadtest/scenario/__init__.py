"""Scenarios: what a load is made of, how right and how fast its replies are."""
