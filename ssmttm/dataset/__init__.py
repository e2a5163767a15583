"""From tracks to a released data set: clips, duplicates, splits, credits, the data card."""
