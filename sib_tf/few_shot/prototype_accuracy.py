"""How well features suit few-shot tasks, which is what chooses phi."""

import keras
import numpy as np

from sib_tf.backbones.feature_network import embed
from sib_tf.base.lookup import Rows
from sib_tf.few_shot.episodes.reader import EpisodeTable
from sib_tf.few_shot.model import FewShotClassifier


class PrototypeAccuracy:
    """Callable: phi -> mean accuracy of plain cosine prototypes (K = 0) on fixed episodes.

    Args:
        images: images, uint8 [n, H, W, 3].
        episodes: episodes of these images.
    """

    def __init__(self, images: Rows, episodes: EpisodeTable) -> None:
        self._images, self._episodes = images, episodes

    def __call__(self, phi: keras.Model) -> float:
        """Embeds the images by phi, [B, H, W, 3] to [B, D], and classifies every episode."""
        return prototype_accuracy(embed(phi, self._images), self._episodes)


def prototype_accuracy(features: np.ndarray, episodes: EpisodeTable) -> float:
    """Mean accuracy of plain cosine prototypes (K = 0), features [n, D], over all episodes."""
    prototypes = FewShotClassifier(episodes.classes.shape[1], features.shape[-1], num_steps=0)
    logits = prototypes(
        {
            "support_features": features[episodes.support_ids],
            "support_labels": episodes.support_labels,
            "query_features": features[episodes.query_ids],
        }
    )
    return float(np.mean(np.argmax(logits, axis=-1) == episodes.query_labels))
