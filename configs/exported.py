r"""An exported model on images of your own, beside other methods: what accuracy to expect.

    python -m jobs.evaluate --config=configs/exported.py --config.data.root=CLASS_FOLDERS \
        --workdir=work/expected

The folder holds one folder of images for each class, more of them than a task has. The model is
that of `make photographs`, or --config.model.folder=EXPORT. WORKDIR/grid/report.html tells its
accuracy with so many labels and queries, in equal shares and in those of the folders. Settings for
which there are too few images are left out. Each folder takes a WORKDIR of its own.
"""

from ml_collections import ConfigDict


def get_config() -> ConfigDict:
    config = ConfigDict()
    config.family = "exported"
    config.seed = 0  # of the episodes
    config.data = ConfigDict({"root": "", "unreadable": "refuse"})
    config.model = ConfigDict({"folder": "work/photographs/export/photographs"})
    config.grid = ConfigDict()
    config.grid.ways = (5,)
    config.grid.shots = (1, 5)
    config.grid.queries = (1, 15, 75, 300)
    config.grid.query_shares = ("balanced", "natural")
    config.grid.methods = ("prototypes", "logistic_regression", "sib")
    config.grid.episodes = 600
    config.grid.large_episodes = 600
    return config
