"""What `jobs.tune` varies."""
