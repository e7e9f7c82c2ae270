r"""CIFAR-FS, 5-way, K = 3, the paper's network. Its argument: backbone and shot.

    python -m jobs.pipeline --config=configs/cifar_fs.py:conv4_64,shot=1 \
        --base=work/cifar_fs_conv4_64 --workdir=work/cifar_fs_conv4_64/1shot
    python -m jobs.pipeline --config=configs/cifar_fs.py:conv4_64,shot=5 \
        --base=work/cifar_fs_conv4_64 --workdir=work/cifar_fs_conv4_64/5shot

`head=general` meta-trains one head for any way, shot and number of queries in place of the paper's
and evaluates it beside other methods in a grid of settings:

    python -m jobs.pipeline --config=configs/cifar_fs.py:conv4_64,head=general \
        --base=work/cifar_fs_conv4_64 --workdir=work/cifar_fs_conv4_64/general

The archive is downloaded, or taken from --config.manual_dir=DIR. Both share the backbone.

    backbone    paper, 1 shot    5 shots          ours, and the time
    conv4_64    68.7 +- 0.6      77.1 +- 0.4      docs/results.md
    conv4_128   not in the paper                  not run
    wrn_28_10   80.0 +- 0.6      85.3 +- 0.4      not run, needs an accelerator
"""

from ml_collections import ConfigDict, config_dict

from sib_tf.base.errors import UserError
from sib_tf.base.variants import parse


def get_config(variant: str = "") -> ConfigDict:
    backbone, shot, head = parse(variant, backbone="conv4_64", shot=1, head="paper")
    wide = backbone.startswith("wrn")

    config = ConfigDict()
    config.family = "few_shot"
    config.seed = 0  # weights, augmentation and episodes
    config.manual_dir = ""

    config.data = ConfigDict({"name": "cifar_fs"})

    config.phi = ConfigDict()
    config.phi.backbone = backbone
    config.phi.crop_size = 32
    config.phi.crop_padding = 4
    config.phi.flip = True
    config.phi.color_jitter = 0.4
    config.phi.average_shift = 2  # pixels
    config.phi.epochs = 60 if wide else 25
    config.phi.batch_size = 64
    config.phi.learning_rate = 0.1  # peak
    config.phi.warmup_steps = 6000 if wide else 1000
    config.phi.l2 = 5e-4
    config.phi.precision = "float32"  # or "mixed_bfloat16"
    config.phi.selection_way = 5  # of the episodes that choose the epoch
    config.phi.selection_queries = 75

    config.features = ConfigDict({"views": 1})

    config.episodes = ConfigDict()
    config.episodes.way = 5
    config.episodes.shot = shot
    config.episodes.queries_per_class = 15
    config.episodes.queries = config_dict.placeholder(int)  # in all, in place of queries_per_class
    config.episodes.dirichlet_alpha = 2.0

    config.meta = ConfigDict()
    config.meta.synthetic_gradient = "dense"
    config.meta.hidden_units = config_dict.placeholder(int)  # None: the network's default
    config.meta.num_steps = 3  # K
    config.meta.step_size = 1e-3  # eta
    config.meta.query_shares = "balanced"
    config.meta.train_episodes = 20_000
    config.meta.validation_episodes = 1000
    config.meta.steps = 50_000
    config.meta.episodes_per_step = 1
    config.meta.steps_per_call = 100
    config.meta.steps_per_epoch = 5000
    config.meta.learning_rate = 2e-3  # at first, then a cosine down to 0
    config.meta.l2 = 5e-4

    config.eval = ConfigDict()
    config.eval.episodes = 2000
    config.eval.query_shares = ("balanced", "dirichlet")
    config.eval.num_steps = 5
    config.eval.methods = ("prototypes", "sib")

    name = "cifar_fs" if backbone == "conv4_64" else f"cifar_fs_{backbone}"
    config.export = ConfigDict({"name": f"{name}_{shot}shot"})
    if head == "general":
        _generalize(config)
    elif head != "paper":
        raise UserError(f"head={head} is unknown: use paper or general.")
    return config


def _generalize(config: ConfigDict) -> None:
    """One head for episodes of any size, in place of the paper's."""
    config.meta.synthetic_gradient = "general"
    config.meta.hidden_units = 48
    config.meta.initialization = "class_means"
    config.meta.step_size = 0.075
    config.meta.query_shares = "varied"
    config.meta.ways = (2, 20)
    config.meta.shots = (1, 10)
    config.meta.queries = (1, 600)
    config.meta.train_episodes = 40_000
    config.meta.feature_noise = 1.1
    config.meta.num_steps = 5
    config.meta.steps = 20_000
    config.meta.optimizer = "adam"
    config.meta.learning_rate = 2e-3
    config.meta.l2 = 0.0
    config.meta.clip_norm = 1.0
    methods = ("prototypes", "logistic_regression", "bd_cspn", "laplacian_shot", "pt_map", "sib")
    config.eval.methods = methods
    config.grid = ConfigDict({"ways": (2, 5, 10, 20), "methods": methods})
    config.export.name = f"{config.data.name}_general"
