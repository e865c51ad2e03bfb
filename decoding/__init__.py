"""Decoders: how a reply is found in what a language model would say.

A decoder is an immutable value whose fields are its hyperparameters. Its one method, `run`,
works over an `Engine` that it is handed and returns an `Outcome`. Nothing here knows vLLM, HTTP
or a tokenizer.
"""
