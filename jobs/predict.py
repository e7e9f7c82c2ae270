"""Classifies a folder of images given a few images of every class.

    python -m jobs.predict --model EXPORT --support CLASS_FOLDERS --query IMAGES --output FOLDER

EXPORT is an exported model, CLASS_FOLDERS holds one folder of images per class. FOLDER gets
`predictions.csv` and `contact_sheet.png`.

Classes are taken in the order of their folders' names. The answers of the paper's network
(`config.synthetic_gradient="dense"`) depend on that order for some images, those of "set" do not.
"""

from collections.abc import Sequence
from pathlib import Path

from absl import flags

from jobs import _app
from sib_tf.prediction import predict

_MODEL = flags.DEFINE_string(
    "model", None, "Folder of an exported model, or of one version of it.", required=True
)
_SUPPORT = flags.DEFINE_string(
    "support", None, "Folder with one folder of images per class.", required=True
)
_QUERY = flags.DEFINE_string("query", None, "Folder of the images to classify.", required=True)
_OUTPUT = flags.DEFINE_string("output", None, "Folder to write the results to.", required=True)
_app.refuse_empty("model", "support", "query", "output")


def main(argv: Sequence[str]) -> None:
    """Predicts and says where the results are."""
    del argv  # The flags say it all.
    counts = predict(
        model_dir=Path(_MODEL.value),
        support=Path(_SUPPORT.value),
        query=Path(_QUERY.value),
        output=Path(_OUTPUT.value),
    )
    print(
        f"Classified {counts.classified} images, skipped {counts.unreadable} unreadable: "
        f"see {_OUTPUT.value}"
    )


if __name__ == "__main__":
    _app.run(main)
