"""AdaBN: BatchNorm by the statistics of the target, the simplest adaptation that needs no label."""

import keras

from sib_tf.base.lookup import Rows

_BATCH = 100  # images


def adapt(phi: keras.Model, images: Rows) -> None:
    """Replaces the running averages in all BatchNorm layers by those over some images.

    Mean and variance are averaged over batches, each of which is normalised by its own, as in
    training.

    Args:
        phi: as `feature_network.save_frozen` has written it; changed in place.
        images: uint8 [n, H, W, 3], in random order.

    Source: Li et al., "Revisiting Batch Normalization For Practical Domain Adaptation", 2016.
    """
    network = phi.layers[-1].layer  # inside of `Frozen`
    layers = [
        layer
        for layer in network._flatten_layers()
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    for layer in layers:
        layer.trainable = True
    for number, start in enumerate(range(0, len(images), _BATCH)):
        for layer in layers:
            layer.momentum = number / (number + 1)  # so that all batches weigh the same
        network(images[start : start + _BATCH], training=True)
    for layer in layers:
        layer.trainable = False
