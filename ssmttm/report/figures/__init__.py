"""The page's figures, and their static form."""
