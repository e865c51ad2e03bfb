"""Scenarios for guidellm, the independent load generator that `loadtest.crosscheck` runs."""
