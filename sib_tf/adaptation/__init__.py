"""Zero-shot classification of a new domain: pre-training, minibatches, model and report."""
