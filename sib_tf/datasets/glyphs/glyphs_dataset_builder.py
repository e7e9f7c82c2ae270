"""The TFDS builder of `glyphs`."""

import dataclasses
import functools
import io
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import tensorflow_datasets as tfds
from PIL import Image

from sib_tf.base.errors import UserError
from sib_tf.beam import counters
from sib_tf.datasets.glyphs.characters import CHARACTERS
from sib_tf.datasets.glyphs.fonts import faces_with
from sib_tf.datasets.glyphs.rendering import IMAGE_SIZE, render
from sib_tf.datasets.pieces import PiecewiseBuilder

if TYPE_CHECKING:
    import apache_beam as beam


@dataclasses.dataclass(eq=False, kw_only=True)
class GlyphsConfig(tfds.core.BuilderConfig):
    """Which images to draw; the name follows from the other fields.

    Attributes:
        seed: seed of all randomness. Image `i` of a character depends on the seed, the character
            and `i` alone.
        images_per_class: number of images of each character.
        classes: number of characters to use from the start of the train, validation and test lists.
    """

    name: str = dataclasses.field(init=False, default="")
    seed: int = 0
    images_per_class: int = 200
    classes: tuple[int, int, int] = tuple(map(len, CHARACTERS.values()))

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise UserError(f"glyphs: seed={self.seed} is negative; use 0 or more")
        if self.images_per_class < 1:
            raise UserError(f"glyphs: images_per_class={self.images_per_class}; use 1 or more")
        limits = tuple(map(len, CHARACTERS.values()))
        if len(self.classes) != len(limits) or not all(
            1 <= count <= limit for count, limit in zip(self.classes, limits, strict=True)
        ):
            raise UserError(f"glyphs: classes={self.classes}; give three counts from 1 to {limits}")
        counts = "_".join(map(str, self.classes))
        self.name = f"seed_{self.seed}_images_{self.images_per_class}_classes_{counts}"
        self.description = (
            f"{self.images_per_class} images of each of {sum(self.classes)} characters, "
            f"seed {self.seed}."
        )

    def characters(self) -> dict[str, str]:
        """The characters of each split."""
        return {
            split: characters[:count]
            for (split, characters), count in zip(CHARACTERS.items(), self.classes, strict=True)
        }


@dataclasses.dataclass(frozen=True)
class Settings:
    """Section `config.data`: glyphs, which are drawn as they are prepared.

    Attributes:
        name: "glyphs".
        seed: seed of all images.
        images_per_class: number of images of each character.
        classes: numbers of characters of the train, validation and test split.
    """

    name: str
    seed: int = 0
    images_per_class: int = 200
    classes: tuple[int, int, int] = tuple(map(len, CHARACTERS.values()))

    def builder(self, folder: Path) -> "Builder":
        """The builder, to prepare or to read the data set in a folder.

        Raises:
            UserError: if a field is out of range; names it.
        """
        parameters = GlyphsConfig(
            seed=self.seed, images_per_class=self.images_per_class, classes=self.classes
        )
        return Builder(config=parameters, data_dir=folder)


class Builder(PiecewiseBuilder):
    """Draws the images; a piece is a character."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES: ClassVar[dict[str, str]] = {"1.0.0": "Initial release."}
    BUILDER_CONFIGS: ClassVar[list[GlyphsConfig]] = [GlyphsConfig()]

    def __init__(self, *, config: GlyphsConfig | str | None = None, **kwargs: Any) -> None:
        # TFDS refuses a config that has the name of a listed one but is another object.
        if isinstance(config, GlyphsConfig):
            config = self.builder_configs.get(config.name, config)
        super().__init__(config=config, **kwargs)

    def _info(self) -> tfds.core.DatasetInfo:
        characters = "".join(self.builder_config.characters().values())
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(
                        shape=(IMAGE_SIZE, IMAGE_SIZE, 3), encoding_format="png"
                    ),
                    "label": tfds.features.ClassLabel(names=map(class_name, characters)),
                    "id": tfds.features.Text(),
                }
            ),
            supervised_keys=("image", "label"),
        )

    def _split_generators(
        self, dl_manager: tfds.download.DownloadManager
    ) -> "dict[str, beam.PTransform | Iterator[Any]]":
        del dl_manager
        return {
            split: self._generate_examples(characters)
            for split, characters in self.builder_config.characters().items()
        }

    def _generate_examples(self, characters: str) -> "beam.PTransform | Iterator[Any]":
        config = self.builder_config
        draw = functools.partial(
            character_examples, seed=config.seed, count=config.images_per_class
        )
        return self.examples(list(characters), draw)


def class_name(character: str) -> str:
    """A label that says which character it is, such as `U+0041_LATIN_CAPITAL_LETTER_A`."""
    return f"{_code_point(character)}_{unicodedata.name(character).replace(' ', '_')}"


def character_examples(
    character: str, seed: int, count: int
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Draws the first `count` images of a character, each from a generator of its own."""
    faces = faces_with(character)
    for index in range(count):
        rng = np.random.default_rng([seed, ord(character), index])
        key = f"{_code_point(character)}/{index:03d}"
        counters.counter("images").inc()
        yield (
            key,
            {
                "image": _encode_png(render(character, faces, rng)),
                "label": class_name(character),
                "id": key,
            },
        )


def _code_point(character: str) -> str:
    return f"U+{ord(character):04X}"


def _encode_png(image: np.ndarray) -> bytes:
    # TFDS would encode through a TensorFlow op, which takes 1.6 times as long.
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "png")
    return buffer.getvalue()
