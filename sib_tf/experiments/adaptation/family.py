"""The sections and steps of a zero-shot classification of a new domain."""

from collections.abc import Sequence

from sib_tf.adaptation import pretraining
from sib_tf.adaptation.settings import (
    DomainSettings,
    EvaluationSettings,
    FeatureSettings,
    MetaSettings,
    MinibatchSettings,
)
from sib_tf.adaptation.variants import VARIANTS
from sib_tf.backbones.feature_network import refuse_large_crop
from sib_tf.base.errors import UserError
from sib_tf.datasets import sources
from sib_tf.experiments.adaptation.backbone import (
    embed_by_batch_statistics_step,
    embed_step,
    pretrain_step,
)
from sib_tf.experiments.adaptation.data import (
    build_dataset_step,
    held_out_splits,
    target_split,
    training_splits,
)
from sib_tf.experiments.adaptation.evaluation import evaluate_step
from sib_tf.experiments.adaptation.head import train_step, transfer_step
from sib_tf.experiments.adaptation.minibatches import build_minibatches_step
from sib_tf.experiments.adaptation.release import export_step, predict_step
from sib_tf.experiments.configuration import Configuration
from sib_tf.experiments.few_shot.given_file import FileSettings
from sib_tf.experiments.few_shot.release import ExportSettings
from sib_tf.experiments.options import Options
from sib_tf.experiments.step import Step
from sib_tf.experiments.unrolling import refuse_fewer_steps

TITLE = "zero-shot classification"
SECTIONS = {
    "data": sources.domain_source,
    "domains": DomainSettings,
    "phi": pretraining.Settings,
    "features": FeatureSettings,
    "minibatches": MinibatchSettings,
    "meta": MetaSettings,
    "model": FileSettings,
    "eval": EvaluationSettings,
    "export": ExportSettings,
}


def check(config: Configuration) -> None:
    """Refuses sections that do not fit each other, as far as one can tell without the data.

    Raises:
        UserError: names the field.
    """
    labelled = config.domains.labelled(config.data.domains)
    if not labelled:
        raise UserError("config.domains.sources has no labelled domain: name one.")
    if config.meta.leave_one_out and len(labelled) < 2:
        raise UserError("config.meta.leave_one_out needs two labelled domains: name another.")
    if config.data.image_size is None:
        raise UserError(
            "config.data.image_size is missing: phi needs images of one size, such as 136 pixels."
        )
    refuse_large_crop(config.phi.crop_size, config.data.image_size)
    refuse_fewer_steps(config)


def steps(config: Configuration, options: Options) -> list[Step]:
    """All steps, in an order in which they can run.

    Raises:
        UserError: if weights are given.
    """
    if options.weights:
        raise UserError("--weights is for few-shot classification: leave it out.")
    labelled = config.domains.labelled(config.data.domains)
    data = build_dataset_step()
    networks = [labelled, *(_others(labelled) if config.meta.leave_one_out else ())]
    phis = [pretrain_step(data, domains) for domains in networks]
    own = phis[1:] or [phis[0]] * len(labelled)
    seen_by = networks[1:] or [labelled] * len(labelled)
    splits = zip(training_splits(labelled), held_out_splits(labelled), strict=True)
    embedded = [
        embed_step(data, phi, network, split)
        for phi, network, parts in zip(own, seen_by, splits, strict=True)
        for split in parts
    ]
    minibatches = {
        part: build_minibatches_step(data, part, options)
        for part in ("train", "validation", "test")
    }
    target = target_split(config)
    shown = [embed_step(data, phis[0], labelled, split) for split in held_out_splits(labelled)]
    of_target = [
        embed_step(data, phis[0], labelled, target),
        embed_by_batch_statistics_step(data, phis[0], labelled, target),
    ]
    before = [*phis, *embedded, minibatches["train"], minibatches["validation"]]
    trained = [
        transfer_step(phis[0], variant, labelled)
        if VARIANTS[variant].transferred
        else train_step(before, variant, networks)
        for variant in config.eval.variants
    ]
    evaluate = evaluate_step(trained, [*shown, *of_target], minibatches["test"])
    exported = export_step(trained[-1], evaluate)
    walk = [
        data,
        *minibatches.values(),
        *phis,
        *embedded,
        *shown,
        *of_target,
        *trained,
        evaluate,
        exported,
        predict_step(exported, minibatches["test"]),
    ]
    # The same phi may see held-out images for training and for the report.
    return [*{step.folder: step for step in walk}.values()]


def _others(labelled: Sequence[str]) -> list[Sequence[str]]:
    """The other domains of each labelled one."""
    return [tuple(other for other in labelled if other != domain) for domain in labelled]
