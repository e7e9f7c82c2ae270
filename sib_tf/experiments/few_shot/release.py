"""The model as users get it: exported, and tried on images."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from sib_tf.base import keras_file
from sib_tf.base.errors import UserError
from sib_tf.base.ranges import at_least
from sib_tf.datasets import prepared
from sib_tf.experiments.few_shot.backbone import backbone_file
from sib_tf.experiments.few_shot.classifier import model_file
from sib_tf.experiments.few_shot.data import prepared_data
from sib_tf.experiments.few_shot.evaluation import kept_episode, report_of
from sib_tf.experiments.step import Context, Step
from sib_tf.serving import export, model_card, query_limit, warmup
from sib_tf.serving.exported_model import ExportedModel
from sib_tf.serving.predict import prediction
from sib_tf.serving.predict.image_task import image_task
from sib_tf.serving.predict.task import read_task
from sib_tf.serving.predict.task_files import find_files

_FOLDER = "export"


@dataclasses.dataclass(frozen=True)
class ExportSettings:
    """Section `config.export`: the SavedModel.

    Attributes:
        name: name of the model, under which a server knows it; without slashes.
        max_queries: most queries of an episode that the model takes in one request.

    Raises:
        UserError: if the name is empty or a path, or no query is allowed.
    """

    name: str
    max_queries: int = query_limit.DEFAULT

    def __post_init__(self) -> None:
        at_least(1, max_queries=self.max_queries)
        if not self.name or Path(self.name).name != self.name:
            raise UserError(f"name={self.name!r} must be a single word, without slashes.")


def export_step(train: Step, evaluate: Step) -> Step:
    """Writes phi and classifier as one SavedModel, `NAME/1`."""
    return Step("export", _FOLDER, reads=("export",), requires=(train, evaluate), run=_export)


def predict_step(evaluate: Step, exported: Step) -> Step:
    """Classifies the images of the episode in the report as users would classify theirs."""
    return Step("predict", "prediction", reads=(), requires=(evaluate, exported), run=_predict)


def _export(context: Context) -> dict[str, Any]:
    phi = keras_file.load(backbone_file(context))
    classifier = keras_file.load(model_file(context))
    if classifier.xi.any_way:
        classifier = classifier.for_any_way()
    name = context.config.export.name
    model = context.folder / name / "1"
    export.export(model, phi, classifier)
    model_card.write(model, model_card.render(name, report_of(context), _classes(context)))
    warmup.write(model, *_example(kept_episode(context), phi.input_shape[1:3]))
    return {"way": classifier.way}


def _classes(context: Context) -> dict[str, list[str]]:
    """Names of the classes of each split."""
    builder = prepared.builder_of(prepared_data(context))
    names = prepared.class_names(builder)
    return {
        split: [names[label] for label in np.unique(prepared.read_labels(builder, split))]
        for split in prepared.SPLITS
    }


def _example(folder: Path, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Support images, their labels and query images of the kept episode."""
    files = find_files(folder / "support", folder / "query", num_classes=None)
    task = image_task(read_task(files, size, lambda images: images))
    return task.support_images, task.support_labels, task.query_images


def _predict(context: Context) -> dict[str, Any]:
    episode = kept_episode(context)
    outcome = prediction.classify_folder(
        model=ExportedModel(context.workdir / _FOLDER / context.config.export.name),
        support=episode / "support",
        query=episode / "query",
        output=context.folder,
    )
    return {"classified": len(outcome.task.query_files), "unreadable": outcome.unreadable}
