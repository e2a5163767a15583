"""Frozen text encoders: caption to token embeddings."""
