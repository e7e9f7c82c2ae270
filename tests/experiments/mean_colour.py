"""A backbone that is built at once, for experiments with a ready model."""

import dataclasses
from typing import ClassVar

import keras

from sib_tf.backbones.backbone import Backbone


@dataclasses.dataclass(frozen=True)
class MeanColour(Backbone):
    """The mean of each channel, -1 .. 1, as if it came with trained weights."""

    sizes: ClassVar = ()
    example: ClassVar = "mean_colour"
    pretrained: ClassVar = True

    def build(self):
        images = keras.Input((self.image_size, self.image_size, 3))
        return keras.Model(images, keras.ops.mean(images, axis=(1, 2)), name=self.name)

    def standardization(self, mean, variance):
        return keras.layers.Rescaling(1 / 127.5, offset=-1)
