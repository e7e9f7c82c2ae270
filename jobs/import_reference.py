r"""Takes phi and the classifier from checkpoints of the authors' released PyTorch code.

    python -m jobs.import_reference --config=configs/cifar_fs_conv4_64.py --workdir=work/released \
        --config.backbone=wrn_28_10 --backbone=netFeatBest.pth --classifier=netSIBBest.pth

Reads WORKDIR/data, writes WORKDIR/backbone as `pretrain` does and, with --classifier, WORKDIR/model
as `train` does; `python -m jobs.pipeline` then does the rest. K and eta are not taken from the
files but from the config. Needs PyTorch.
"""

from collections.abc import Sequence
from pathlib import Path

from absl import flags

from jobs import _app
from sib_tf import reference_import

_experiment = _app.define_experiment_flags()
_BACKBONE = flags.DEFINE_string(
    "backbone", None, "Checkpoint of the feature network, netFeat*.pth.", required=True
)
_CLASSIFIER = flags.DEFINE_string("classifier", None, "Checkpoint of the classifier, netSIB*.pth.")


def main(argv: Sequence[str]) -> None:
    """Converts what is not converted yet."""
    del argv  # The flags say it all.
    experiment = _experiment()
    reference_import.run(
        experiment.config,
        experiment.workdir,
        experiment.base,
        backbone=Path(_BACKBONE.value),
        classifier=Path(_CLASSIFIER.value) if _CLASSIFIER.value else None,
    )


if __name__ == "__main__":
    _app.run(main)
