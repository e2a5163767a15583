"""One file per source of music, all under one contract."""
