"""The decoders, one file each."""
