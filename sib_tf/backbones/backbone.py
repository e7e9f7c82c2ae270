"""What every backbone has in common."""

import abc
import dataclasses
import re
from collections.abc import Sequence
from typing import ClassVar

import keras

from sib_tf.base.errors import UserError


@dataclasses.dataclass(frozen=True)
class Backbone(abc.ABC):
    """A network that can be built for images of one size, such as Conv-4 with 64 channels.

    A new one subclasses this in a file of its own and gets a name in `registry.BACKBONES`. Configs
    know it by that name and its sizes, the integers that come last in its constructor: "conv4_64".
    If the separator is a slash, one text comes there in their place, the name that a library has
    for one of many networks: "keras_hub/dinov2_small". The constructor is quick and refuses what
    cannot be built.

    Attributes:
        sizes: what comes after the separators in its names, for messages.
        separator: "_" before each integer or "/" before a text.
        example: one of its names, for messages.
        smallest: least H = W of the images that it can be built for.
        default_size: H = W of the images where none is asked for; 0: that must not be left open.
        pretrained: whether it comes with trained weights, and is of use without training.
        name: name of the network, as configs have it.
        image_size: H = W of the images that the network sees; 0 becomes `default_size`.

    Raises:
        UserError: if the images are too small.
    """

    sizes: ClassVar[tuple[str, ...]]
    separator: ClassVar[str] = "_"
    example: ClassVar[str]
    smallest: ClassVar[int] = 1
    default_size: ClassVar[int] = 0
    pretrained: ClassVar[bool] = False

    name: str
    image_size: int

    def __post_init__(self) -> None:
        if not self.image_size:
            object.__setattr__(self, "image_size", self.default_size)
        if self.image_size < self.smallest:
            raise UserError(
                f'crop_size={self.image_size} is too small for backbone="{self.name}": make it at '
                f"least {self.smallest}."
            )

    @property
    def network_name(self) -> str:
        """What the network is called in Keras and in reports."""
        return keras_name(self.name)

    @abc.abstractmethod
    def build(self) -> keras.Model:
        """A network with the name `network_name`.

        Returns:
            A model from standardised images [B, H, W, 3] to features [B, D].
        """

    def standardization(
        self, mean: Sequence[float], variance: Sequence[float]
    ) -> keras.layers.Layer:
        """The layer from pixels to what the network takes: here, of mean 0 and variance 1.

        A backbone that was trained elsewhere brings the constants of that training, such as
        `keras.layers.Rescaling(1 / 127.5, offset=-1)`, and may resize the images to its own size.

        Args:
            mean: mean of each of the 3 channels over the training images, on the scale 0..255.
            variance: variance of each of the 3 channels.

        Returns:
            A layer from images [B, H, W, 3], uint8 or float, 0..255, to float [B, H, W, 3].
        """
        return keras.layers.Normalization(mean=mean, variance=variance)


def keras_name(name: str) -> str:
    """A name as Keras can give it to a network: "keras_hub.dinov2_small", without slashes."""
    return re.sub(r"[^A-Za-z0-9_.-]+", ".", name)
