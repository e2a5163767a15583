"""Intervals, tests and fits on plain arrays."""
