"""Comparison tables, figures and the report page."""
