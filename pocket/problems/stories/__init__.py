"""Hand-written templates, one module for each use."""
