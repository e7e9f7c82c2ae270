"""How well features suit few-shot tasks, which is what chooses phi."""

import keras
import numpy as np

from sib_tf.backbones.feature_network import embed
from sib_tf.few_shot.episodes.reader import EpisodeTable
from sib_tf.method.decoders import CosineClassifier
from sib_tf.method.initializations.prototypes import PrototypeInitialization


class PrototypeAccuracy:
    """Callable: phi -> mean accuracy of plain cosine prototypes (K = 0) on fixed episodes.

    Args:
        images: images of a split, uint8 [n, H, W, 3].
        episodes: episodes of that split.
    """

    def __init__(self, images: np.ndarray, episodes: EpisodeTable) -> None:
        self._images, self._episodes = images, episodes

    def __call__(self, phi: keras.Model) -> float:
        """Embeds the images by phi, [B, H, W, 3] to [B, D], and classifies every episode."""
        return prototype_accuracy(embed(phi, self._images), self._episodes)


def prototype_accuracy(features: np.ndarray, episodes: EpisodeTable) -> float:
    """Mean accuracy of plain cosine prototypes (K = 0), features [n, D], over all episodes."""
    initialization, decoder = PrototypeInitialization(), CosineClassifier()
    way = episodes.classes.shape[1]
    theta = initialization(features[episodes.support_ids], episodes.support_labels, way=way)
    logits = decoder(features[episodes.query_ids], theta)
    return float(np.mean(np.argmax(logits, axis=-1) == episodes.query_labels))
