"""License files, readmes and copyright files: what they say of the music, and what of something else."""
