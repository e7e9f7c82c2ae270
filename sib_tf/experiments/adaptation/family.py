"""The sections and steps of a zero-shot classification of a new domain."""

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
from sib_tf.experiments.export_settings import ExportSettings
from sib_tf.experiments.given_file import FileSettings
from sib_tf.experiments.options import Options
from sib_tf.experiments.step import Step
from sib_tf.experiments.unrolling import refuse_fewer_steps

Domains = tuple[str, ...]

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
    networks = _networks(labelled, leave_one_out=config.meta.leave_one_out)
    data = build_dataset_step()
    phis = {domains: pretrain_step(data, domains) for domains in networks}

    def embed(domains: Domains, *splits: str) -> list[Step]:
        return [embed_step(data, phis[domains], domains, split) for split in splits]

    of_minibatches = [
        step
        for domain, seen_by in zip(labelled, networks[1:] or networks * len(labelled), strict=True)
        for step in embed(seen_by, *training_splits([domain]), *held_out_splits([domain]))
    ]
    target = target_split(config)
    of_report = [
        *embed(labelled, *held_out_splits(labelled), target),
        embed_by_batch_statistics_step(data, phis[labelled], labelled, target),
    ]
    train, validation, test = (
        build_minibatches_step(data, part, options) for part in ("train", "validation", "test")
    )
    before = [*phis.values(), *of_minibatches, train, validation]
    models = [
        transfer_step(phis[labelled], variant, labelled)
        if VARIANTS[variant].transferred
        else train_step(before, variant, networks)
        for variant in config.eval.variants
    ]
    evaluate = evaluate_step(models, of_report, test)
    exported = export_step(models[-1], evaluate)
    walk = [data, train, validation, test, *phis.values(), *of_minibatches, *of_report, *models]
    walk += [evaluate, exported, predict_step(exported, test)]
    # The same phi may see held-out images for training and for the report.
    return [*{step.folder: step for step in walk}.values()]


def _networks(labelled: Domains, *, leave_one_out: bool) -> list[Domains]:
    """The domains that each phi is trained on: all, and all others of each that is left out."""
    others = [tuple(other for other in labelled if other != domain) for domain in labelled]
    return [labelled, *(others if leave_one_out else ())]
