"""The language model and its parts."""
