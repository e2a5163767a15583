"""Published metric packages, each in an environment of its own, whose numbers stand beside ours."""
