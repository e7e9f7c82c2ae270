"""The sections and steps of released weights: exported as they are, without their data."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import keras

from sib_tf.base import digest, keras_file, storage
from sib_tf.base.errors import UserError
from sib_tf.experiments.configuration import Configuration
from sib_tf.experiments.export_settings import ExportSettings
from sib_tf.experiments.few_shot.release import write_export
from sib_tf.experiments.options import Options
from sib_tf.experiments.report_files import REPORT
from sib_tf.experiments.step import Context, Step
from sib_tf.few_shot.model import FewShotClassifier
from sib_tf.serving import model_card
from sib_tf.training import meta_training, pretraining

TITLE = "released model"
_FILES = (pretraining.BACKBONE, meta_training.MODEL, REPORT)


@dataclasses.dataclass(frozen=True)
class WeightsSettings:
    """Section `config.weights`: what `jobs.publish --weights` has written.

    Attributes:
        folder: folder of phi, the classifier and their report.
        sha256: digest of the three, by which exports of other weights are told apart; None if one
            is missing.
    """

    folder: str
    sha256: str | None = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        files = [self.path / name for name in _FILES]
        whole = all(file.is_file() for file in files)
        object.__setattr__(self, "sha256", digest.sha256(files) if whole else None)

    @property
    def path(self) -> Path:
        """The folder."""
        return storage.local(self.folder)


SECTIONS = {"weights": WeightsSettings, "export": ExportSettings}


def check(config: Configuration) -> None:
    """Refuses a folder that lacks a file.

    Raises:
        UserError: names the file.
    """
    folder = config.weights.path
    for name in _FILES:
        if not (folder / name).is_file():
            raise UserError(
                f"--weights={folder} holds no {name}: name a folder of results with weights."
            )


def steps(config: Configuration, options: Options) -> list[Step]:
    """The weights are exported."""
    del config, options
    return [Step("export", "export", reads=("seed", "weights", "export"), requires=(), run=_export)]


def _export(context: Context) -> dict[str, Any]:
    folder = context.config.weights.path
    phi, classifier, report = _read(folder)
    _refuse_other_features(folder, phi, classifier)
    try:
        card = model_card.render(context.config.export.name, report)
    except (KeyError, StopIteration, TypeError) as error:
        raise UserError(
            f"--weights={folder}: its {REPORT} is no report of few-shot classification "
            f"({error!r}): name a folder of results."
        ) from error
    return write_export(context, phi, classifier, card)


def _read(folder: Path) -> tuple[keras.Model, keras.Model, Any]:
    phi, classifier = (keras_file.load(folder / name) for name in _FILES[:2])
    try:
        return phi, classifier, json.loads((folder / REPORT).read_text())
    except ValueError as error:
        raise UserError(f"--weights={folder}: its {REPORT} is damaged ({error}).") from error


def _refuse_other_features(folder: Path, phi: keras.Model, classifier: keras.Model) -> None:
    if not isinstance(classifier, FewShotClassifier):
        raise UserError(f"--weights={folder}: its {meta_training.MODEL} is no few-shot classifier.")
    dim = phi.output_shape[-1]
    if classifier.feature_dim not in (None, dim):
        raise UserError(
            f"--weights={folder}: its {meta_training.MODEL} is for {classifier.feature_dim} "
            f"features, and its {pretraining.BACKBONE} makes {dim}: they are not of one training."
        )
