"""Downloads that survive the real internet: one engine for all sources."""
