"""A small exported model, for experiments that start from one."""

import keras

from sib_tf.serving.export import export
from tests.experiments import small_head


def save(folder, size=16, **fields):
    """Exports the mean of each channel, in place of a backbone, and a head with `fields`."""
    images = keras.Input((size, size, 3))
    phi = keras.Model(images, keras.ops.mean(images, axis=(1, 2)) / 127.5 - 1)
    head = keras.saving.load_model(small_head.save(folder, **fields))
    export(folder / "export/1", phi, head)
    return str(folder / "export")
