"""Music inside Debian packages: getting packages, opening them, reading their copyright."""
