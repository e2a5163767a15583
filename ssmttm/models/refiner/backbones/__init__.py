"""The networks that a refiner can be built of: one file each, whose name is its key."""
