"""Documents and solved problems that requests draw on: read, kept and searched."""
