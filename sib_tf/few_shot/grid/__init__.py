"""A grid of settings: how methods do with other ways, shots, numbers of queries and shares."""
