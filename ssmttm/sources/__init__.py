"""Where candidate tracks come from: one file or folder per source, named by the source's key."""
