"""Captions from analysis: features, tags, templates."""
