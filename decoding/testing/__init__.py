"""Engines without a model, to test decoders with."""
