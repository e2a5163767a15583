"""Reading what MTG-Jamendo publishes: track tables, licenses, checksums, tar archives."""
