"""What is scored besides the project's own models: sets of prompts with their references, and other systems' audio."""
