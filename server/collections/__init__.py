"""Collections over HTTP and from the command line: what `retrieval` keeps, by tenant."""
