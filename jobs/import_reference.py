r"""Converts checkpoints of the authors' released PyTorch code to weights of ours.

    python -m jobs.import_reference --config=configs/cifar_fs.py:wrn_28_10,shot=1 \
        --backbone=netFeatBest.pth --classifier=netSIBBest.pth --output=work/released

Writes OUTPUT/backbone.keras and, with --classifier, OUTPUT/model.keras; `python -m jobs.pipeline
--weights=OUTPUT` then does the rest. The K and eta of the config must be those that the classifier
was trained with. Needs PyTorch.
"""

from collections.abc import Sequence

from absl import flags

from sib_tf.base import storage
from sib_tf.experiments import families
from sib_tf.experiments.reference import conversion

from . import _app

_config = _app.define_config_flag()
_BACKBONE = flags.DEFINE_string(
    "backbone", None, "Checkpoint of the feature network, netFeat*.pth.", required=True
)
_CLASSIFIER = flags.DEFINE_string("classifier", None, "Checkpoint of the classifier, netSIB*.pth.")
_OUTPUT = flags.DEFINE_string("output", None, "Folder to write.", required=True)


def main(argv: Sequence[str]) -> None:
    """Converts the checkpoints."""
    del argv  # There are only flags.
    conversion.convert(
        storage.local(_OUTPUT.value),
        families.read(_config()),
        backbone=storage.local(_BACKBONE.value),
        classifier=storage.local(_CLASSIFIER.value) if _CLASSIFIER.value else None,
    )


if __name__ == "__main__":
    _app.run(main)
