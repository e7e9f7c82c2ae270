"""Few-shot classification: its model, episodes, methods to compare, evaluation and report."""
