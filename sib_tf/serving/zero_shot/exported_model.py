"""A SavedModel that was written by `zero_shot.export`, in this process."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from sib_tf.backbones.feature_network import in_batches
from sib_tf.base.errors import UserError
from sib_tf.serving import versions
from sib_tf.serving.exported_model import BATCH, Answers, dealt_out
from sib_tf.serving.zero_shot import contract


class ZeroShotModel:
    """A SavedModel that classifies unlabelled images of one domain.

    Attributes:
        image_size: height and width of the images that the model takes, in pixels.
        class_names: names of its classes, by label.
    """

    def __init__(self, folder: Path) -> None:
        """Loads the model.

        Args:
            folder: folder of numbered versions, of which the newest is taken, or of one version.

        Raises:
            UserError: if the folder holds no SavedModel, or one that needs labelled images.
        """
        version = versions.newest(folder)
        if not (version / contract.FILE).exists():
            raise UserError(
                f"{version}: classifies with the help of labelled images; give some by --support"
            )
        with versions.loading(version):
            self._model = tf.saved_model.load(str(version))
            self._embed = self._model.signatures["embed"]
            self._classify = self._model.signatures["turned"]
            self.class_names, self._minibatch = contract.read(version)
        _, arguments = self._embed.structured_input_signature
        self.image_size: tuple[int, int] = tuple(arguments["images"].shape[1:3])

    def features(self, images: np.ndarray) -> np.ndarray:
        """Features float32 [n, T, D] of images uint8 [n, H, W, 3]."""
        return in_batches(lambda batch: self._embed(images=batch)["features"], images, BATCH)

    def classify_features(self, features: np.ndarray) -> Answers:
        """Classifies images by their features [Q, T, D].

        They are dealt out to minibatches about as large as in training, as cards are: they may be
        sorted by class.
        """
        hands = max(1, len(features) // self._minibatch)
        return dealt_out(features, hands, self._together)

    def _together(self, features: np.ndarray) -> Answers:
        outputs = self._classify(features=tf.constant(features)[tf.newaxis])
        return Answers(*(outputs[name].numpy()[0] for name in Answers._fields))
