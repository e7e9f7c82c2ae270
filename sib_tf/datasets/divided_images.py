"""The section `config.data` of images that are divided by class, whatever they are read from."""

import dataclasses
from collections.abc import Iterable
from typing import Any

from sib_tf.datasets.unreadable import POLICIES


@dataclasses.dataclass(frozen=True, kw_only=True)
class DividedImages:
    """How images are stored, and which classes are in which split.

    Attributes:
        image_size: H = W of the stored images, pixels; 0: as large as what phi looks at.
        seed: seed that divides the classes among the splits, unless they are listed.
        train_classes: names of the training classes; all three splits are listed or none.
        validation_classes: names of the validation classes.
        test_classes: names of the test classes.
        unreadable: "refuse" the data set if an image cannot be read, or "skip" the image.

    Raises:
        UserError: if `unreadable` is unknown.
    """

    image_size: int = 32
    seed: int = 0
    train_classes: tuple[str, ...] = ()
    validation_classes: tuple[str, ...] = ()
    test_classes: tuple[str, ...] = ()
    unreadable: str = "refuse"

    def __post_init__(self) -> None:
        POLICIES[self.unreadable]
        for field in ("train_classes", "validation_classes", "test_classes"):
            object.__setattr__(self, field, class_names(getattr(self, field)))

    @property
    def listed_classes(self) -> dict[str, tuple[str, ...]]:
        """The listed class names by split; all empty if the seed draws them."""
        return {
            "train": self.train_classes,
            "validation": self.validation_classes,
            "test": self.test_classes,
        }


def class_names(classes: Iterable[Any]) -> tuple[str, ...]:
    """Names of classes; a command line makes numbers of some."""
    return tuple(map(str, classes))
