"""One file per sequence mixer; the file name is its key."""
