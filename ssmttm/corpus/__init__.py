"""Gathering music: sources, license evidence, audio, clips, splits."""
