"""What the pictures of a report are drawn from, out of a working directory."""

import numpy as np

from sib_tf.adaptation.report import changed_images
from sib_tf.adaptation.report.shown import Shown
from sib_tf.datasets import prepared
from sib_tf.experiments.adaptation.backbone import (
    stored_features,
    stored_features_by_batch_statistics,
)
from sib_tf.experiments.adaptation.data import held_out_splits, prepared_data, target_split
from sib_tf.experiments.step import Context

_IMAGES, _POINTS = 18, 150  # images shown, and points of each domain in the plane


def shown(context: Context, before: np.ndarray, after: np.ndarray) -> Shown:
    """Images of the target whose label changes, and points of all domains.

    Args:
        context: that of the evaluation.
        before: labels of all images of the target before the first step, int [n].
        after: labels after the last, int [n].
    """
    builder = prepared.builder_of(prepared_data(context))
    target = target_split(context.config)
    truth = prepared.read_labels(builder, target)
    chosen = changed_images.choose(before, after, truth, _IMAGES)
    domains, domain_of, features = _points(context)
    return Shown(
        prepared.class_names(builder),
        prepared.read_images(builder, target, chosen),
        before[chosen],
        after[chosen],
        truth[chosen],
        domains,
        domain_of,
        features,
    )


def _points(context: Context) -> tuple[list[str], np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Names of the domains, the domain of each point, int [p], and both features, [p, D]."""
    config = context.config
    labelled, target = config.domains.labelled(config.data.domains), target_split(config)
    held_out = [
        stored_features(context, labelled, split).features[0, :_POINTS]
        for split in held_out_splits(labelled)
    ]
    of_target = [
        stored(context, labelled, target).features[0, :_POINTS]
        for stored in (stored_features, stored_features_by_batch_statistics)
    ]
    sizes = [len(part) for part in (*held_out, of_target[0])]
    both = tuple(np.concatenate([*held_out, part]) for part in of_target)
    return [*labelled, config.domains.target], np.repeat(np.arange(len(sizes)), sizes), both
