"""Zero-shot regression, "spinning lines": its tasks, model, evaluation and report."""
