"""Our load generator checked by an independent one: `python -m benchmarks crosscheck`."""
