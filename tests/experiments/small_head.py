"""A head with fresh weights, for experiments that start from one."""

import keras

from sib_tf import FewShotClassifier


def save(folder, **fields):
    """Writes a general head, or one with other `fields`; returns the file."""
    keras.utils.set_random_seed(0)
    general = {"synthetic_gradient": "general", "initialization": "class_means", "num_steps": 1}
    head = FewShotClassifier(**{"way": None, "feature_dim": None, **general, **fields})
    head.save(folder / "head.keras")
    return str(folder / "head.keras")
