"""Few-shot classification: its model, episodes, evaluation and report."""
