"""One file per kind of model that the loop trains."""
