"""Collections: documents and solved problems that requests may draw on, kept and searched."""
