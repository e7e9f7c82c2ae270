r"""A trained head on features of your own, beside other methods, in a grid of settings.

    python -m jobs.evaluate --config=configs/features.py --config.data.file=FEATURES.npz \
        --config.model.file=MODEL.keras --workdir=work/mine

The first file is what `np.savez(file, features=features, labels=labels)` writes: features [n, D] of
any network, labels [n]. The second is a general head, WORKDIR/model/model.keras of its training.
Settings for which there are too few images are left out.
"""

from ml_collections import ConfigDict


def get_config() -> ConfigDict:
    config = ConfigDict()
    config.family = "features"
    config.seed = 0  # of the episodes
    config.data = ConfigDict({"file": ""})
    config.model = ConfigDict({"file": ""})
    config.grid = ConfigDict()
    config.grid.ways = (5,)
    config.grid.shots = (1, 5)
    config.grid.queries = (1, 5, 15, 75, 300)
    config.grid.query_shares = ("balanced", "dirichlet")
    config.grid.dirichlet_alpha = 2.0
    config.grid.methods = ("prototypes", "logistic_regression", "sib")
    config.grid.episodes = 600
    config.grid.large_episodes = 200
    return config
