"""The models, evaluated on all images of the target."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sib_tf.adaptation import evaluation
from sib_tf.adaptation.model import ZeroShotClassifier
from sib_tf.adaptation.report import html_report, names, table
from sib_tf.base import keras_file
from sib_tf.datasets import prepared
from sib_tf.experiments import report_files
from sib_tf.experiments.adaptation.backbone import (
    stored_features,
    stored_features_by_batch_statistics,
    stored_start,
)
from sib_tf.experiments.adaptation.data import prepared_data, target_split
from sib_tf.experiments.adaptation.head import exported_variant, model_file
from sib_tf.experiments.adaptation.minibatches import stored_minibatches
from sib_tf.experiments.adaptation.shown import shown
from sib_tf.experiments.step import Context, Step

_FOLDER = "evaluation"


def evaluate_step(trained: Sequence[Step], embedded: Sequence[Step], minibatches: Step) -> Step:
    """Evaluates the classifier of pre-training, AdaBN and all models; writes the report."""
    return Step(
        "evaluate",
        _FOLDER,
        reads=("eval",),
        requires=(*trained, *embedded, minibatches),
        run=_run,
        report=True,
    )


def report_of(context: Context) -> dict[str, Any]:
    """The content of the report."""
    return json.loads((context.workdir / _FOLDER / report_files.REPORT).read_text())


def _run(context: Context) -> dict[str, Any]:
    config = context.config
    models = {name: keras_file.load(model_file(context, name)) for name in config.eval.variants}
    labels, found = _predictions(context, models)
    exported = exported_variant(config)
    steps = (0, config.meta.num_steps)
    content = {
        **_facts(context),
        "step_size": models[exported].step_size,
        "images": len(labels),
        "exported": exported,
        "results": [
            row
            for method, probabilities in found.items()
            for row in evaluation.rows(method, probabilities, labels)
        ],
        "differences": [*evaluation.differences(exported, steps[-1], found, labels)],
        "confusion": {k: evaluation.confusion(found[exported][k], labels).tolist() for k in steps},
    }
    title = "Accuracy on the target"
    report_files.write(context.folder, content, table.markdown(content), title)
    before, after = (found[exported][k].argmax(axis=1) for k in steps)
    html_report.write(context.folder / "report.html", content, shown(context, before, after))
    return {"images": len(labels)}


def _predictions(
    context: Context, models: Mapping[str, ZeroShotClassifier]
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Labels of the target's images, int [n], and what each method says, float [K+1, n, N]."""
    config = context.config
    labelled, target = config.domains.labelled(config.data.domains), target_split(config)
    features = stored_features(context, labelled, target)
    own = stored_features_by_batch_statistics(context, labelled, target)
    start, minibatches = stored_start(context, labelled), stored_minibatches(context, "test")
    found = {
        names.SOURCE_ONLY: evaluation.of_start(start, features),
        names.BATCH_STATISTICS: evaluation.of_start(start, own),
    }
    for variant, model in models.items():
        most = config.eval.num_steps if model.num_steps else 0
        found[variant] = evaluation.classify(model, features, minibatches, most)
    return features.labels, found


def _facts(context: Context) -> dict[str, Any]:
    """What the report says of the experiment."""
    config = context.config
    return {
        "dataset": config.data.name,
        "target": config.domains.target,
        "sources": config.domains.labelled(config.data.domains),
        "classes": list(prepared.class_names(prepared.builder_of(prepared_data(context)))),
        "backbone": config.phi.backbone,
        "minibatch": config.minibatches.images,
        "seed": config.seed,
        "num_steps": config.meta.num_steps,
    }
