"""Decoders over recorded samples, without a model."""
