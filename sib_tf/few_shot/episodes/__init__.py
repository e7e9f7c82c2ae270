"""Episodes: which examples a task is made of, how they are stored and read."""
