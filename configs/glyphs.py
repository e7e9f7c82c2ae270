"""Rendered glyphs, 5-way 1-shot, Conv-4-32, a head for any number of classes, shots and queries.

    python -m jobs.pipeline --config=configs/glyphs.py --workdir=work/glyphs

The data set renders itself; two cores take some four minutes. Not in the paper. In miniature and
with the paper's network, every step in half a minute, for tests:

    python -m jobs.pipeline --config=configs/glyphs.py:tiny --workdir=work/tiny
"""

from ml_collections import ConfigDict, config_dict

from sib_tf.base.errors import UserError


def get_config(size: str = "full") -> ConfigDict:
    config = ConfigDict()
    config.family = "few_shot"
    config.seed = 0  # weights, augmentation and episodes

    config.data = ConfigDict()
    config.data.name = "glyphs"
    config.data.seed = 0
    config.data.images_per_class = 200
    config.data.classes = (96, 24, 30)  # of train, validation and test

    config.phi = ConfigDict()
    config.phi.backbone = "conv4_32"
    config.phi.crop_size = 32
    config.phi.crop_padding = 4
    config.phi.flip = False  # a mirrored letter is another letter
    config.phi.color_jitter = 0.4
    config.phi.average_shift = 0  # pixels
    config.phi.epochs = 4
    config.phi.batch_size = 64
    config.phi.learning_rate = 0.1  # peak
    config.phi.warmup_steps = 100
    config.phi.l2 = 5e-4
    config.phi.precision = "float32"  # or "mixed_bfloat16"
    config.phi.selection_way = 5  # of the episodes that choose the epoch
    config.phi.selection_queries = 75

    config.features = ConfigDict({"views": 2})

    config.episodes = ConfigDict()
    config.episodes.way = 5
    config.episodes.shot = 1
    config.episodes.queries_per_class = 15
    config.episodes.queries = config_dict.placeholder(int)  # in all, in place of queries_per_class
    config.episodes.dirichlet_alpha = 2.0

    config.meta = ConfigDict()
    config.meta.synthetic_gradient = "general"
    config.meta.hidden_units = 48
    config.meta.initialization = "class_means"
    config.meta.num_steps = 5  # K
    config.meta.step_size = 0.075  # eta
    config.meta.query_shares = "mixture"
    config.meta.ways = (3, 8)  # of training episodes
    config.meta.shots = (1, 3)
    config.meta.queries = (20, 150)
    config.meta.train_episodes = 3000
    config.meta.validation_episodes = 600
    config.meta.steps = 3000
    config.meta.episodes_per_step = 1
    config.meta.steps_per_call = 100
    config.meta.steps_per_epoch = 500
    config.meta.optimizer = "adam"
    config.meta.learning_rate = 5e-3  # at first, then a cosine down to 0
    config.meta.l2 = 0.0
    config.meta.clip_norm = 1.0

    config.eval = ConfigDict()
    config.eval.episodes = 2000
    config.eval.query_shares = ("balanced", "dirichlet")
    config.eval.num_steps = 5
    config.eval.methods = ("prototypes", "sib")

    config.export = ConfigDict({"name": "glyphs"})
    if size == "tiny":
        _shrink(config)
    elif size != "full":
        raise UserError(f"size={size} is unknown: use tiny, or no argument.")
    return config


def _shrink(config: ConfigDict) -> None:
    config.data.classes = (24, 5, 5)
    config.data.images_per_class = 80
    config.phi.backbone = "conv4_16"
    config.phi.epochs = 14
    config.phi.learning_rate = 0.3
    config.phi.warmup_steps = 20
    config.meta = ConfigDict()
    config.meta.synthetic_gradient = "dense"
    config.meta.hidden_units = config_dict.placeholder(int)  # None: the network's default
    config.meta.num_steps = 3
    config.meta.step_size = 1e-3
    config.meta.query_shares = "balanced"
    config.meta.train_episodes = 1000
    config.meta.validation_episodes = 50
    config.meta.steps = 3000
    config.meta.episodes_per_step = 1
    config.meta.steps_per_call = 100
    config.meta.steps_per_epoch = 1500
    config.meta.learning_rate = 2e-2
    config.meta.l2 = 5e-4
    config.eval.episodes = 100
    config.eval.num_steps = 3
    config.export.name = "glyphs_tiny"
