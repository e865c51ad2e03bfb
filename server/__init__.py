"""HTTP in front, vLLM beneath: this package translates between them and `decoding`."""
