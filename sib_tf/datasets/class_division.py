"""Cuts the classes of a data set into three disjoint splits."""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol, runtime_checkable

from sib_tf.base.commands import ready_model
from sib_tf.base.errors import UserError
from sib_tf.datasets.prepared import SPLITS

_VALIDATION_SHARE = 0.16
_TEST_SHARE = 0.20
_FEWEST = 5  # of every split where there are enough: an episode mostly takes five classes


@runtime_checkable
class Dividing(Protocol):
    """A builder that knows the classes of each split before it reads an image."""

    def classes_by_split(self) -> dict[str, tuple[str, ...]]:
        """The names of the classes of each split, see `split_classes`."""


def split_classes(
    classes: Collection[str], seed: int, listed: Mapping[str, Sequence[str]]
) -> dict[str, tuple[str, ...]]:
    """Cuts classes into train, validation and test.

    Args:
        classes: names of all classes, in any order.
        seed: seed of the draw of the splits, if none is listed: 64/16/20 percent, but at least 5
            classes each, or a third of the classes if there are fewer than 15.
        listed: class names by split. All three splits list classes or none does; a class that no
            split lists is left out.

    Returns:
        Sorted class names by split. A draw depends on the names and the seed alone.

    Raises:
        UserError: if there are fewer than 3 classes, only some splits are listed, or a class is
            listed twice or unknown.
    """
    if len(classes) < len(SPLITS):
        raise UserError(
            f"{len(classes)} classes cannot make three splits without a class in common; "
            f"there must be at least 3. {ready_model()}"
        )
    if not any(listed.values()):
        return _draw(classes, seed)
    _check_listed(classes, listed)
    return {split: tuple(sorted(listed[split])) for split in SPLITS}


def _draw(classes: Collection[str], seed: int) -> dict[str, tuple[str, ...]]:
    shuffled = _shuffle(classes, seed)
    fewest = min(_FEWEST, len(classes) // len(SPLITS))
    num_test = max(fewest, round(_TEST_SHARE * len(classes)))
    num_validation = max(fewest, round(_VALIDATION_SHARE * len(classes)))
    test = shuffled[:num_test]
    validation = shuffled[num_test : num_test + num_validation]
    train = shuffled[num_test + num_validation :]
    return {
        split: tuple(sorted(names))
        for split, names in zip(SPLITS, (train, validation, test), strict=True)
    }


def _shuffle(classes: Iterable[str], seed: int) -> list[str]:
    # Ordering by a hash, unlike a random generator, gives every version of every library the
    # same splits, and with them comparable results.
    return sorted(classes, key=lambda name: hashlib.sha256(f"{seed}/{name}".encode()).digest())


def _check_listed(classes: Collection[str], listed: Mapping[str, Sequence[str]]) -> None:
    split_of: dict[str, str] = {}
    for split in SPLITS:
        if not listed[split]:
            raise UserError(
                f"{split}_classes: is empty although another split lists classes; "
                "list all three splits or none"
            )
        for name in listed[split]:
            if name not in classes:
                raise UserError(
                    f"{split}_classes: there is no class {name!r}; correct the name or add it"
                )
            if name in split_of:
                raise UserError(
                    f"{split}_classes: class {name!r} is already in {split_of[name]}_classes; "
                    "list every class once"
                )
            split_of[name] = split
