"""Scores on plain arrays, the embedders that feed them, the references and the systems that are scored."""
