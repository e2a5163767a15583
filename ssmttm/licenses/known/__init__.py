"""The licenses that exist, and how their names and addresses look."""
