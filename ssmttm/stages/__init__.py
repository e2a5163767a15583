"""One file per stage: paths in, paths out, thin over the libraries."""
