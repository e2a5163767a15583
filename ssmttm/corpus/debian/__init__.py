"""What the Debian source is made of: getting packages, opening them, reading their copyright."""
