"""The model as users get it: exported, and tried on images."""

from typing import Any

import keras
import numpy as np

from sib_tf.base import keras_file
from sib_tf.datasets import prepared
from sib_tf.experiments.few_shot.backbone import backbone_file
from sib_tf.experiments.few_shot.classifier import model_file
from sib_tf.experiments.few_shot.data import prepared_data
from sib_tf.experiments.few_shot.evaluation import kept_episode, report_of
from sib_tf.experiments.step import Context, Step
from sib_tf.few_shot.model import FewShotClassifier
from sib_tf.serving import export, model_card, warmup
from sib_tf.serving.exported_model import ExportedModel
from sib_tf.serving.predict import prediction

_FOLDER = "export"


def export_step(train: Step, evaluate: Step) -> Step:
    """Writes phi and classifier as one SavedModel, `NAME/1`."""
    return Step("export", _FOLDER, reads=("export",), requires=(train, evaluate), run=_export)


def predict_step(evaluate: Step, exported: Step) -> Step:
    """Classifies the images of the episode in the report as users would classify theirs."""
    return Step("predict", "prediction", reads=(), requires=(evaluate, exported), run=_predict)


def _export(context: Context) -> dict[str, Any]:
    phi = keras_file.load(backbone_file(context))
    classifier = keras_file.load(model_file(context))
    name = context.config.export.name
    card = model_card.render(name, report_of(context), _classes(context))
    return write_export(context, phi, classifier, card)


def write_export(
    context: Context, phi: keras.Model, classifier: FewShotClassifier, card: str
) -> dict[str, Any]:
    """Writes phi and classifier, for any number of classes if it can, as `NAME/1`.

    Args:
        context: that of the step, which reads "seed" and "export".
        phi: frozen backbone, images [B, H, W, 3], values 0..255, to features [B, D].
        classifier: classifier of such features.
        card: the model card.

    Returns:
        Counts of the step: the number of classes, None if any.
    """
    config = context.config
    if classifier.xi.any_way:
        classifier = classifier.for_any_way()
    model = context.folder / config.export.name / "1"
    export.export(model, phi, classifier, config.export.max_queries)
    model_card.write(model, card)
    warmup.write(model, seed=config.seed)
    return {"way": classifier.way}


def _classes(context: Context) -> dict[str, list[str]]:
    """Names of the classes of each split."""
    builder = prepared.builder_of(prepared_data(context))
    names = prepared.class_names(builder)
    return {
        split: [names[label] for label in np.unique(prepared.read_labels(builder, split))]
        for split in prepared.SPLITS
    }


def _predict(context: Context) -> dict[str, Any]:
    episode = kept_episode(context)
    outcome = prediction.classify_folder(
        model=ExportedModel(context.workdir / _FOLDER / context.config.export.name),
        support=episode / "support",
        query=episode / "query",
        output=context.folder,
    )
    return {"classified": len(outcome.task.query_files), "unreadable": outcome.unreadable}
