"""Scores on plain arrays, and the embedders that feed them."""
