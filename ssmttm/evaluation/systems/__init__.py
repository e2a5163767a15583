"""What is scored besides the project's own models."""
