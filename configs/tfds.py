r"""Any image classification of TFDS: EfficientNet-Lite0 as it comes, and a general head of its own.

    python -m jobs.pipeline --config=configs/tfds.py:oxford_flowers102 --workdir=work/flowers

The argument is the name of a data set as TensorFlow Datasets takes it, also with its config and
version, NAME/CONFIG:VERSION; --config.data.data_dir=FOLDER says where TFDS keeps it. One whose code
is not there is read from its prepared files, without an argument, in the folder of its version:

    python -m jobs.pipeline --config=configs/tfds.py --workdir=work/mine \
        --config.data.data_dir=tensorflow_datasets/NAME/CONFIG/VERSION

Its splits are joined, and its classes are divided into training, validation and test classes by
`data.seed`, or by three lists. All else is as in configs/image_folder.py. Not in the paper.
"""

from ml_collections import ConfigDict, config_dict


def get_config(dataset: str = "") -> ConfigDict:
    config = ConfigDict()
    config.family = "few_shot"
    config.seed = 0  # weights, augmentation and episodes
    config.manual_dir = ""

    config.data = ConfigDict()
    config.data.name = "tfds"
    config.data.dataset = dataset
    config.data.data_dir = ""  # TFDS' own
    config.data.image = ""  # the only one, or that of TFDS' own task
    config.data.label = ""  # likewise
    config.data.image_size = 0  # as large as what phi looks at
    config.data.seed = 0
    config.data.train_classes = ()  # all three lists or none
    config.data.validation_classes = ()
    config.data.test_classes = ()
    config.data.unreadable = "refuse"  # or "skip"

    config.phi = ConfigDict()
    config.phi.backbone = "efficientnet_lite0"
    config.phi.crop_size = 0  # the backbone's own; at most data.image_size
    config.phi.crop_padding = 16
    config.phi.flip = True
    config.phi.color_jitter = 0.4
    config.phi.average_shift = 0  # pixels
    config.phi.epochs = 0  # the weights that it comes with
    config.phi.batch_size = 32
    config.phi.learning_rate = 0.01  # peak
    config.phi.warmup_steps = 1
    config.phi.l2 = 5e-4
    config.phi.precision = "float32"  # or "mixed_bfloat16"
    config.phi.selection_way = 5  # of the episodes that choose the epoch
    config.phi.selection_queries = 25  # few enough for small classes

    config.features = ConfigDict({"views": 1})

    config.episodes = ConfigDict()
    config.episodes.way = 5
    config.episodes.shot = 1
    config.episodes.queries_per_class = 5
    config.episodes.queries = config_dict.placeholder(int)  # in all, in place of queries_per_class
    config.episodes.dirichlet_alpha = 2.0

    config.meta = ConfigDict()
    config.meta.synthetic_gradient = "general"
    config.meta.hidden_units = 48
    config.meta.initialization = "class_means"
    config.meta.num_steps = 5  # K
    config.meta.step_size = 0.075  # eta
    config.meta.query_shares = "varied"
    config.meta.ways = (2, 5)  # of training tasks, up to the number of training classes
    config.meta.shots = (1, 5)
    config.meta.queries = (1, 100)  # at most half of the images of the classes
    config.meta.feature_noise = 1.1
    config.meta.train_episodes = 10_000
    config.meta.validation_episodes = 600
    config.meta.steps = 5000
    config.meta.episodes_per_step = 1
    config.meta.steps_per_call = 100
    config.meta.steps_per_epoch = 1000
    config.meta.optimizer = "adam"
    config.meta.learning_rate = 2e-3  # at first, then a cosine down to 0
    config.meta.l2 = 0.0
    config.meta.clip_norm = 1.0

    config.eval = ConfigDict()
    config.eval.episodes = 2000
    config.eval.query_shares = ("balanced", "dirichlet")
    config.eval.num_steps = 5
    config.eval.methods = ("prototypes", "logistic_regression", "sib")

    config.export = ConfigDict({"name": "tfds"})
    return config
