"""The image encoders of Keras Hub: DINOv2, SigLIP, CLIP, ViT, ConvNets and others."""

import contextlib
import dataclasses
import importlib
import math
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import ClassVar

import keras

from sib_tf.backbones.backbone import Backbone, keras_name
from sib_tf.base.errors import UserError, first_line
from sib_tf.base.near_matches import did_you_mean


@dataclasses.dataclass(frozen=True)
class KerasHubEncoder(Backbone):
    """A preset's encoder, behind its image converter, which resizes to the size it was trained on.

    The features are

    - of models of images and texts, such as SigLIP and CLIP, their embedding of the image;
    - of other transformers, such as DINOv2 and ViT, the output at the class token, or the mean over
      the patches if there is no such token, as in Swin;
    - of convolutional networks, the mean of the last feature map over the image.

    Keras Hub, the extra `hub`, downloads presets once. Models of images and texts compute in the
    precision that their preset was saved in.

    Attributes:
        preset: its name, `kaggle://` or `hf://` handle, or folder.

    Raises:
        UserError: if Keras Hub is not installed or knows no such preset.
    """

    sizes: ClassVar[tuple[str, ...]] = ("PRESET",)
    separator: ClassVar[str] = "/"
    example: ClassVar[str] = "keras_hub/dinov2_small"
    pretrained: ClassVar[bool] = True

    preset: str

    def __post_init__(self) -> None:
        with self._explained():
            presets = _hub().models.Backbone.presets
        if not (self.preset in presets or "://" in self.preset or Path(self.preset).is_dir()):
            near = did_you_mean(self.preset, presets) or "one of https://keras.io/keras_hub/presets"
            raise UserError(
                f'backbone="{self.name}": "{self.preset}" is neither a preset of Keras Hub nor a '
                f"folder: use {near}."
            )
        super().__post_init__()

    @property
    def network_name(self) -> str:
        """With a folder's last part alone: where it lies is nothing for a report."""
        folder = Path(self.preset)
        return keras_name(f"keras_hub/{folder.name}") if folder.is_dir() else super().network_name

    @property
    def default_size(self) -> int:
        """H = W of the images that it was trained on, where the preset says it."""
        height, _ = self.standardization().image_size or (0, 0)
        return height

    def build(self) -> keras.Model:
        """With the weights of the preset.

        Raises:
            UserError: if they cannot be downloaded or read, or are not of an encoder of images.
        """
        size, _ = self.standardization().image_size or (self.image_size, self.image_size)
        images = keras.Input((size, size, 3), name="images")
        precision = keras.config.dtype_policy().name  # not that which the preset was saved in
        with self._explained():
            encoder = _hub().models.Backbone.from_preset(self.preset, dtype=precision)
            features = _features(encoder, images)
        return keras.Model(images, features, name=self.network_name)

    def standardization(self, *_: object) -> keras.layers.Layer:
        """The preset's image converter, which also resizes.

        Raises:
            UserError: if it cannot be downloaded or read, or the preset has none.
        """
        with self._explained():
            return _hub().layers.ImageConverter.from_preset(self.preset)

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """Says in one line what cannot be had."""
        try:
            yield
        except ImportError as error:  # Keras Hub's text names what it needs to download
            raise UserError(
                f'backbone="{self.name}" needs Keras Hub ({first_line(error)}): run '
                "`pip install keras-hub`, which is the extra `hub`."
            ) from error
        except Exception as error:  # each of the sites that hold presets has exceptions of its own
            raise UserError(
                f'backbone="{self.name}" cannot be loaded as an encoder of images '
                f"({first_line(error)}): connect to the network, or name the folder of a preset "
                "for images."
            ) from error


def _hub() -> ModuleType:
    """Keras Hub, which is imported only where a config asks for it."""
    return importlib.import_module("keras_hub")


def _features(encoder: keras.Model, images: keras.KerasTensor) -> keras.KerasTensor:
    """What an encoder makes of images [B, H, W, 3], as [B, D]."""
    if hasattr(encoder, "get_vision_embeddings"):  # it also encodes texts
        return encoder.get_vision_embeddings(images)
    if len(encoder.inputs) != 1:
        raise ValueError(f"{type(encoder).__name__} takes more than images")
    outputs = encoder(keras.tree.map_structure(lambda _: images, encoder.input))
    if len(outputs.shape) == 4:
        return keras.layers.GlobalAveragePooling2D(name="features")(outputs)
    return _pooled(outputs) if len(outputs.shape) == 3 else outputs


def _pooled(tokens: keras.KerasTensor) -> keras.KerasTensor:
    """The class token of [B, T, D], which comes first; the mean if there are patches alone."""
    if math.isqrt(tokens.shape[1]) ** 2 == tokens.shape[1]:
        return keras.layers.GlobalAveragePooling1D(name="features")(tokens)
    return tokens[:, 0]
