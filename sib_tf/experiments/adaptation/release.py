"""The model as users get it: exported, and tried on images of the target."""

from pathlib import Path
from typing import Any

from sib_tf.base import keras_file
from sib_tf.datasets import prepared
from sib_tf.experiments.adaptation.backbone import backbone_file
from sib_tf.experiments.adaptation.data import prepared_data, target_split
from sib_tf.experiments.adaptation.evaluation import report_of
from sib_tf.experiments.adaptation.head import exported_variant, model_file
from sib_tf.experiments.adaptation.minibatches import stored_minibatches
from sib_tf.experiments.step import Context, Step
from sib_tf.serving import model_card
from sib_tf.serving.predict import prediction
from sib_tf.serving.zero_shot import card, contract, export
from sib_tf.serving.zero_shot.exported_model import ZeroShotModel

_FOLDER = "export"


def export_step(trained: Step, evaluate: Step) -> Step:
    """Writes phi and the exported variant as one SavedModel, `NAME/1`."""
    return Step("export", _FOLDER, reads=("export",), requires=(trained, evaluate), run=_export)


def predict_step(exported: Step, minibatches: Step) -> Step:
    """Classifies the images of a minibatch of the target as users would classify theirs."""
    return Step("predict", "prediction", reads=(), requires=(exported, minibatches), run=_predict)


def _export(context: Context) -> dict[str, Any]:
    config, report = context.config, report_of(context)
    labelled = config.domains.labelled(config.data.domains)
    phi = keras_file.load(backbone_file(context, labelled))
    classifier = keras_file.load(model_file(context, exported_variant(config)))
    name = config.export.name
    model = context.folder / name / "1"
    export.export(model, phi, classifier, config.export.max_queries)
    contract.write(model, contract.Contract(report["classes"], report["minibatch"]))
    model_card.write(model, card.render(name, report))
    return {"classes": len(report["classes"])}


def _predict(context: Context) -> dict[str, Any]:
    images = context.folder / "images"
    _write_images(context, images)
    outcome = prediction.classify_unlabelled(
        ZeroShotModel(context.workdir / _FOLDER / context.config.export.name),
        query=images,
        output=context.folder,
    )
    return {"classified": len(outcome.task.query_files), "unreadable": outcome.unreadable}


def _write_images(context: Context, folder: Path) -> None:
    """The images of the first minibatch of the target as files."""
    builder = prepared.builder_of(prepared_data(context))
    table = stored_minibatches(context, "test")
    ids = table.ids[0][table.present[0]]
    folder.mkdir()
    encoded = prepared.read_encoded_images(builder, target_split(context.config), ids)
    for number, image in encoded.items():
        (folder / f"{number:05d}.png").write_bytes(image)
