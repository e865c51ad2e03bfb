"""How fast and how right a running server is, measured over HTTP against named peers."""
