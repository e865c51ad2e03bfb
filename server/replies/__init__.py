"""The replies that decoders gave, kept to be judged: without what was asked or said."""
