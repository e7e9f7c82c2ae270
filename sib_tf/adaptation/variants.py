"""Models on the same minibatches, to see which part of the method does what."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from sib_tf.base.registry import Registry


@dataclasses.dataclass(frozen=True)
class Variant:
    """A model that is evaluated.

    Attributes:
        title: its name in reports and tables.
        changes: arguments of `ZeroShotClassifier` that it changes.
        transferred: whether xi and decoder come from a few-shot head that was trained elsewhere, in
            place of a training; lambda is then the class means, as it is there.
    """

    title: str
    changes: Mapping[str, Any]
    transferred: bool = False

    @property
    def takes_steps(self) -> bool:
        """Whether it has a xi."""
        return self.changes.get("num_steps") != 0


VARIANTS: Registry[Variant] = Registry("variants")
VARIANTS["plain"] = Variant("classifier without xi", {"num_steps": 0, "rotation_step_size": 0.0})
VARIANTS["init"] = Variant("SIB-Init", {"rotation_step_size": 0.0})
VARIANTS["rotation"] = Variant("SIB-Rot", {})
VARIANTS["transferred_init"] = Variant(
    "SIB-Init, xi trained elsewhere", {"rotation_step_size": 0.0}, transferred=True
)
VARIANTS["transferred_rotation"] = Variant("SIB-Rot, xi trained elsewhere", {}, transferred=True)
