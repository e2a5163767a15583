"""One file per audio embedder; the file name is its key."""
