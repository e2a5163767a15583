"""Openly licensed music: finding it, proving its license, decoding it, cutting and splitting it."""
