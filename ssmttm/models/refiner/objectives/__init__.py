"""What a refiner can be trained for: one file each, whose name is its key."""
