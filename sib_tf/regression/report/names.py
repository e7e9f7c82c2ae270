"""How the splits of a zero-shot regression are called."""

SPLITS = {"train": "training tasks", "test": "unseen tasks"}
BEST_CONSTANT = "best slope for all tasks"
