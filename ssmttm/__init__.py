"""ssmttm: a data-and-benchmark toolkit for state-space text-to-music models."""

__version__ = "0.1.0"
