"""A user's own images, classified."""
