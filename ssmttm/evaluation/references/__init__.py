"""Captions to evaluate on, their reference clips, and whether these leak into the training music."""
