"""What `jobs.tune` varies in a few-shot experiment with episodes of one size: fields of its config.

python -m jobs.tune --space=configs/search/few_shot.py --config=... --workdir=...
"""

import keras_tuner


def get_space() -> keras_tuner.HyperParameters:
    space = keras_tuner.HyperParameters()
    space.Float("meta.step_size", 3e-4, 1e-2, sampling="log")  # eta
    space.Int("meta.num_steps", 1, 5)  # K
    space.Float("meta.learning_rate", 3e-4, 1e-2, sampling="log")
    space.Choice("meta.synthetic_gradient", ["dense", "set"])
    space.Choice("meta.hidden_units", [16, 32, 64])
    space.Float("meta.l2", 1e-5, 5e-3, sampling="log")
    space.Choice("meta.query_shares", ["balanced", "mixture"])
    return space
