"""An engine without a model, to test decoders with."""

from decoding.testing.table_engine import TableEngine

__all__ = ["TableEngine"]
