"""How right each decoder is on a data set, asked over HTTP, and what it costs."""
