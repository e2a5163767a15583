"""MTG-Jamendo: track tables, licenses, checksums, tar archives."""
