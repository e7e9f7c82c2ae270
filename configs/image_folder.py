r"""Any folder of class folders, 5-way 1-shot, Conv-4-64, a set-wise synthetic gradient network.

    python -m jobs.pipeline --config=configs/image_folder.py --workdir=work/mine \
        --config.data.root=FOLDER_OF_CLASS_FOLDERS

The classes are divided into training, validation and test classes by `data.seed`, or by three
lists. It takes at least 15 classes of 13 images: 5 classes for each part, and more images to train
with than a batch of 64 holds. With so few, or few epochs, lower `phi.warmup_steps`, which the
command asks for.
The exported model tells apart any number of classes. Not in the paper.
"""

from ml_collections import ConfigDict, config_dict


def get_config() -> ConfigDict:
    config = ConfigDict()
    config.family = "few_shot"
    config.seed = 0  # weights, augmentation and episodes

    config.data = ConfigDict()
    config.data.name = "class_folders"
    config.data.root = ""
    config.data.image_size = 32
    config.data.seed = 0
    config.data.train_classes = ()  # all three lists or none
    config.data.validation_classes = ()
    config.data.test_classes = ()
    config.data.unreadable = "refuse"  # or "skip"

    config.phi = ConfigDict()
    config.phi.backbone = "conv4_32"
    config.phi.crop_size = 32  # at most data.image_size
    config.phi.crop_padding = 4
    config.phi.flip = True
    config.phi.color_jitter = 0.4
    config.phi.average_shift = 0  # pixels
    config.phi.epochs = 10
    config.phi.batch_size = 64
    config.phi.learning_rate = 0.1  # peak
    config.phi.warmup_steps = 200
    config.phi.l2 = 5e-4
    config.phi.precision = "float32"  # or "mixed_bfloat16"
    config.phi.selection_way = 5  # of the episodes that choose the epoch
    config.phi.selection_queries = 25  # few enough for small classes

    config.features = ConfigDict({"views": 2})

    config.episodes = ConfigDict()
    config.episodes.way = 5
    config.episodes.shot = 1
    config.episodes.queries_per_class = 5
    config.episodes.queries = config_dict.placeholder(int)  # in all, in place of queries_per_class
    config.episodes.dirichlet_alpha = 2.0

    config.meta = ConfigDict()
    config.meta.synthetic_gradient = "set"
    config.meta.hidden_units = config_dict.placeholder(int)  # None: the network's default
    config.meta.num_steps = 3  # K
    config.meta.step_size = 1e-3  # eta
    config.meta.query_shares = "mixture"
    config.meta.train_episodes = 10_000
    config.meta.validation_episodes = 600
    config.meta.steps = 10_000
    config.meta.episodes_per_step = 1
    config.meta.steps_per_call = 100
    config.meta.steps_per_epoch = 1000
    config.meta.learning_rate = 2e-2  # at first, then a cosine down to 0
    config.meta.l2 = 5e-4

    config.eval = ConfigDict()
    config.eval.episodes = 2000
    config.eval.query_shares = ("balanced", "dirichlet")
    config.eval.num_steps = 5
    config.eval.methods = ("prototypes", "sib")

    config.export = ConfigDict({"name": "image_folder"})
    return config
