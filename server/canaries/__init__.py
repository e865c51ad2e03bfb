"""Canaries: the operator's own problems, asked again and again while nobody else asks, so that a
checkpoint that has become worse is seen before its users see it."""
