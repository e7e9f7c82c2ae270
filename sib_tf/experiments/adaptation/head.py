"""The models, meta-trained on stored features and minibatches."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from sib_tf.adaptation.batches import FeatureRows, evaluation_batches, training_batches
from sib_tf.base.errors import UserError
from sib_tf.experiments.adaptation.backbone import stored_features, stored_start
from sib_tf.experiments.adaptation.data import held_out_splits, training_splits
from sib_tf.experiments.adaptation.minibatches import stored_minibatches
from sib_tf.experiments.configuration import Configuration
from sib_tf.experiments.given_file import given_head
from sib_tf.experiments.step import Context, Step
from sib_tf.training import meta_training


def train_step(requires: Sequence[Step], variant: str, networks: Sequence[Sequence[str]]) -> Step:
    """Meta-trains a variant of the model.

    Args:
        requires: steps of phi, features and minibatches.
        variant: name in `VARIANTS`.
        networks: domains that each phi was trained on: of that for the target, then, where domains
            are left out, of that for each labelled domain.
    """
    return Step(
        "train",
        _folder(variant),
        reads=("meta",),
        requires=requires,
        run=_run,
        resumes=True,
    ).with_options(variant=variant, networks=networks)


def transfer_step(phi: Step, variant: str, domains: Sequence[str]) -> Step:
    """Makes a model with xi and decoder of the few-shot head of `config.model`; nothing is trained.

    Args:
        phi: step of phi.
        variant: name in `VARIANTS`.
        domains: domains that phi was trained on.
    """
    return Step(
        "train",
        _folder(variant),
        reads=("meta", "model"),
        requires=(phi,),
        run=_transfer,
    ).with_options(variant=variant, domains=domains)


def model_file(context: Context, variant: str) -> Path:
    """The saved model."""
    return context.workdir / _folder(variant) / meta_training.MODEL


def exported_variant(config: Configuration) -> str:
    """The variant that users get."""
    return config.eval.variants[-1]


def _folder(variant: str) -> str:
    return f"model/{variant}"


def _run(context: Context, variant: str, networks: Sequence[Sequence[str]]) -> dict[str, Any]:
    config = context.config
    labelled = config.domains.labelled(config.data.domains)
    # Which phi sees the images of each labelled domain.
    starts = range(1, len(networks)) if networks[1:] else [0] * len(labelled)
    seen_by = [networks[start] for start in starts]
    keras.utils.set_random_seed(config.seed)
    model = config.meta.model(variant, [stored_start(context, network) for network in networks])
    features = _rows(context, seen_by, training_splits(labelled))
    minibatches = stored_minibatches(context, "train")
    return meta_training.train(
        context.folder,
        model,
        config.meta,
        batches=lambda first_step: training_batches(
            features,
            minibatches,
            steps_per_call=config.meta.steps_per_call,
            minibatches_per_step=config.meta.episodes_per_step,
            seed=config.seed,
            starts=starts,
            first_step=first_step,
        ),
        validation=evaluation_batches(
            _rows(context, seen_by, held_out_splits(labelled)),
            stored_minibatches(context, "validation"),
            starts,
        ),
    )


def _transfer(context: Context, variant: str, domains: Sequence[str]) -> dict[str, Any]:
    config = context.config
    head = given_head(config.model.file)
    if not head.xi.any_way:
        raise UserError(
            f"config.model.file={config.model.file} holds a head for one number of classes: name a "
            "general one."
        )
    settings = dataclasses.replace(
        config.meta,
        synthetic_gradient=head.synthetic_gradient,
        hidden_units=head.hidden,
        step_size=head.step_size,
        start="class_means",
    )
    model = settings.model(variant, [stored_start(context, domains)])
    model.xi.set_weights(head.xi.get_weights())
    model.decoder.set_weights(head.decoder.get_weights())
    model.save(context.folder / meta_training.MODEL)
    return {"copied_from": config.model.file}


def _rows(context: Context, seen_by: Sequence[Sequence[str]], splits: Sequence[str]) -> FeatureRows:
    return FeatureRows(
        [
            stored_features(context, network, split)
            for network, split in zip(seen_by, splits, strict=True)
        ]
    )
