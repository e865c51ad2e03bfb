"""Scenarios for guidellm, the independent load generator that `benchmarks.crosscheck` runs."""
