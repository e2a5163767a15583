"""Whether a license is for the whole track, now, free, and not subject to somebody else's rights."""
