"""A vLLM server in which the decoder is chosen per request."""
