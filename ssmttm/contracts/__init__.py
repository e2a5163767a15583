"""Contracts as tests: what every mixer, metric, embedder, codec, source and text encoder keeps to, ours and others'."""
