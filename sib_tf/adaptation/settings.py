"""Sections of a config of the zero-shot classification."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from sib_tf.adaptation.model import ZeroShotClassifier
from sib_tf.adaptation.start import STARTS, Start
from sib_tf.adaptation.variants import VARIANTS
from sib_tf.backbones.augmentation import Augmentation
from sib_tf.base.errors import UserError
from sib_tf.base.ranges import at_least, positive
from sib_tf.method.xi.registry import XI
from sib_tf.training import meta_training


@dataclasses.dataclass(frozen=True)
class DomainSettings:
    """Section `config.domains`: which domain nobody labels, and which ones are learned from.

    Attributes:
        target: domain to classify, without its labels.
        sources: labelled domains; none: all others. Leaving one out, to be the target, is how
            hyperparameters are chosen.

    Raises:
        UserError: if a source is named twice or is the target.
    """

    target: str
    sources: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.target in self.sources:
            raise UserError(f"sources={list(self.sources)} has the target among them.")
        if len(set(self.sources)) < len(self.sources):
            raise UserError(f"sources={list(self.sources)} names a domain twice.")

    def labelled(self, domains: Sequence[str]) -> tuple[str, ...]:
        """The labelled ones of all domains, in their order.

        Raises:
            UserError: if the target or a source is none of the domains.
        """
        for field, names in (("target", (self.target,)), ("sources", self.sources)):
            for name in names:
                if name not in domains:
                    known = ", ".join(domains)
                    raise UserError(f'config.domains.{field}="{name}" is no domain: use {known}.')
        chosen = self.sources or domains
        return tuple(name for name in domains if name in chosen and name != self.target)


@dataclasses.dataclass(frozen=True)
class FeatureSettings:
    """Section `config.features`: the cache of features.

    Attributes:
        views: V, views of each training image in the cache, of which meta-training draws one a use,
            each turned by four angles. Several are augmented; one is the plain image.
        color_jitter: strength of the augmentation of several views, see `Augmentation`; stronger
            than that of phi, it makes minibatches that phi has not solved.

    Raises:
        UserError: if there is no view, or the strength is negative.
    """

    views: int = 1
    color_jitter: float = 0.4

    def __post_init__(self) -> None:
        at_least(1, views=self.views)
        at_least(0, color_jitter=self.color_jitter)

    def augmentation(self, of_phi: Augmentation) -> Augmentation:
        """What makes the views: the augmentation that phi was trained with, at this strength."""
        return dataclasses.replace(of_phi, color_jitter=self.color_jitter)


@dataclasses.dataclass(frozen=True)
class MinibatchSettings:
    """Section `config.minibatches`: what a task is.

    Attributes:
        images: Q, images of a minibatch.

    Raises:
        UserError: if there are fewer than two, of which none tells anything of the other.
    """

    images: int

    def __post_init__(self) -> None:
        at_least(2, images=self.images)


@dataclasses.dataclass(frozen=True, kw_only=True)
class MetaSettings(meta_training.Settings):
    """Section `config.meta`: the model, and how it is meta-trained.

    Attributes:
        synthetic_gradient: name of xi in `XI`, such as "dense" or "set".
        hidden_units: units of the hidden layers of xi; None: its default.
        start: what lambda is at first, a name of `STARTS`.
        leave_one_out: whether a phi that was trained without a domain sees its minibatches, as with
            the target; lambda is then the start, and not learned.
        num_steps: K, synthetic-gradient steps.
        step_size: eta, of the synthetic-gradient steps.
        rotation_step_size: eta_0, of the step down the rotation loss.
        train_minibatches: number of training minibatches, which are used over and over again.

    Raises:
        UserError: if a number is out of range, or a name is unknown.
    """

    synthetic_gradient: str = "dense"
    hidden_units: int | None = None
    start: str = "classifier"
    leave_one_out: bool = False
    num_steps: int = 3
    step_size: float = 1e-3
    rotation_step_size: float = 0.1
    train_minibatches: int

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(1, num_steps=self.num_steps, train_minibatches=self.train_minibatches)
        positive(step_size=self.step_size)
        at_least(0, rotation_step_size=self.rotation_step_size)
        if self.hidden_units is not None:
            at_least(1, hidden_units=self.hidden_units)
        XI[self.synthetic_gradient]
        STARTS[self.start]

    def model(self, variant: str, starts: Sequence[Start]) -> ZeroShotClassifier:
        """A fresh model to meta-train.

        Args:
            variant: name in `VARIANTS`.
            starts: what pre-training has learned: with the phi of the target first, then with that
                of each labelled domain where these are left out.
        """
        theta = np.stack([STARTS[self.start](start) for start in starts])
        settings = {
            "num_steps": self.num_steps,
            "step_size": self.step_size,
            "rotation_step_size": self.rotation_step_size,
            "synthetic_gradient": self.synthetic_gradient,
            "hidden": self.hidden_units,
            "learned_start": not self.leave_one_out,
            **VARIANTS[variant].changes,
        }
        model = ZeroShotClassifier(*theta.shape[1:], starts=len(starts), **settings)
        model.initialization.set_weights([theta, np.stack([start.turns for start in starts])])
        model.anchors.assign(np.stack([start.anchors for start in starts]))
        model.decoder.set_weights([starts[0].scale, starts[0].bias])
        return model


@dataclasses.dataclass(frozen=True)
class EvaluationSettings:
    """Section `config.eval`: the evaluation on all images of the target.

    Attributes:
        num_steps: K up to which the models are evaluated, at least that of their training.
        variants: names in `VARIANTS` of the models that are made and evaluated; the last one is
            exported.

    Raises:
        UserError: if K is negative, or a variant is unknown or the last one takes no steps.
    """

    num_steps: int
    variants: tuple[str, ...] = ("plain", "init", "rotation", "transferred_rotation")

    def __post_init__(self) -> None:
        at_least(0, num_steps=self.num_steps)
        steps = [VARIANTS[name].takes_steps for name in self.variants]
        if True not in steps[-1:]:
            raise UserError(
                f'variants={list(self.variants)} must end in one that takes steps, "rotation".'
            )
