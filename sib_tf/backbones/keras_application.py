"""The models of keras.applications, trained on ImageNet."""

import dataclasses
import inspect
from typing import ClassVar

import keras

from sib_tf.backbones.backbone import Backbone
from sib_tf.base.errors import UserError, first_line
from sib_tf.base.near_matches import did_you_mean

# H = W that they were trained on: 224 if not here.
_TRAINED_ON = {
    "EfficientNetB1": 240,
    "EfficientNetB2": 260,
    "EfficientNetB3": 300,
    "EfficientNetB4": 380,
    "EfficientNetB5": 456,
    "EfficientNetB6": 528,
    "EfficientNetB7": 600,
    "EfficientNetV2B1": 240,
    "EfficientNetV2B2": 260,
    "EfficientNetV2B3": 300,
    "EfficientNetV2L": 480,
    "EfficientNetV2M": 480,
    "EfficientNetV2S": 384,
    "InceptionResNetV2": 299,
    "InceptionV3": 299,
    "NASNetLarge": 331,
    "Xception": 299,
}
_SMALLEST = {"InceptionResNetV2": 75, "InceptionV3": 75, "Xception": 71}  # 32 if not here


def models() -> list[str]:
    """The names of all models."""
    return [name for name, _ in inspect.getmembers(keras.applications, inspect.isfunction)]


@dataclasses.dataclass(frozen=True)
class KerasApplication(Backbone):
    """A model without its classifier, behind the preprocessing of its module.

    The features are the mean of the last feature map over the image. Keras downloads the weights
    once, into `~/.keras/models`, or where the environment variable KERAS_HOME says.

    Attributes:
        model: its name in keras.applications.

    Raises:
        UserError: if there is no such model.
    """

    sizes: ClassVar[tuple[str, ...]] = ("MODEL",)
    separator: ClassVar[str] = "/"
    example: ClassVar[str] = "keras_applications/MobileNetV2"
    pretrained: ClassVar[bool] = True

    model: str

    def __post_init__(self) -> None:
        if self.model not in models():
            near = did_you_mean(self.model, models()) or ", ".join(models())
            raise UserError(
                f'backbone="{self.name}": keras.applications has no "{self.model}": use {near}.'
            )
        super().__post_init__()

    @property
    def smallest(self) -> int:
        """Least H = W that Keras builds it for."""
        return _SMALLEST.get(self.model, 32)

    @property
    def default_size(self) -> int:
        """H = W of the images that it was trained on."""
        return _TRAINED_ON.get(self.model, 224)

    def build(self) -> keras.Model:
        """With the weights that Keras downloads.

        Raises:
            UserError: if the weights cannot be downloaded or read.
        """
        build = getattr(keras.applications, self.model)
        shape = (self.image_size, self.image_size, 3)
        try:
            network = build(input_shape=shape, include_top=False, pooling="avg", weights="imagenet")
        except Exception as error:  # that is what Keras raises if a download fails
            raise UserError(
                f'backbone="{self.name}": Keras did not get its weights ({first_line(error)}): '
                "connect to the network, or copy ~/.keras/models from a machine that has them."
            ) from error
        # Not by its argument `name`, from which some builders derive the name of the file.
        return keras.Model(network.input, network.output, name=self.network_name)

    def standardization(self, *_: object) -> keras.Model:
        """Its module's `preprocess_input`; of some models that does nothing, for they have it."""
        module = inspect.getmodule(getattr(keras.applications, self.model))
        images = keras.Input((self.image_size, self.image_size, 3))
        return keras.Model(images, module.preprocess_input(images), name="preprocessing")
