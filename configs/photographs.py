r"""A ready model for photographs of any classes: EfficientNet-Lite0 and the released general head.

    python -m jobs.pipeline --config=configs/photographs.py --workdir=work/photographs

Nothing is trained and no data set is needed. WORKDIR/export/photographs is the model:

    python -m jobs.predict --support=CLASS_FOLDERS --query=IMAGES --output=work/answers

What accuracy to expect, if you have a folder of class folders with more images than a task has:

    python -m jobs.pipeline --config=configs/photographs.py --workdir=work/expected \
        --config.data.root=CLASS_FOLDERS --config.grid.ways="(5,)"

Each such folder takes a WORKDIR of its own, where grid/report.html tells it.
"""

from ml_collections import ConfigDict


def get_config() -> ConfigDict:
    config = ConfigDict()
    config.family = "ready"
    config.seed = 0  # of the episodes
    config.data = ConfigDict({"root": ""})
    config.phi = ConfigDict()
    config.phi.backbone = "efficientnet_lite0"
    config.phi.crop_size = 160
    config.phi.mirror = True
    config.model = ConfigDict({"file": "results/cifar_fs_conv4_64_general/1shot-seed0/model.keras"})
    config.grid = ConfigDict()
    config.grid.ways = (5,)
    config.grid.shots = (1, 5)
    config.grid.queries = (1, 15, 75, 300)
    config.grid.query_shares = ("balanced", "natural")
    config.grid.methods = ("prototypes", "logistic_regression", "sib")
    config.grid.episodes = 600
    config.grid.large_episodes = 600
    config.export = ConfigDict({"name": "photographs"})
    return config
