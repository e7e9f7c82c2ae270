"""Glyphs, 5-way 1-shot, Conv-4-32, the paper's synthetic gradient network.

    python -m jobs.pipeline --config=configs/glyphs.py --workdir=work/glyphs

The data set renders itself; two cores take some four minutes. Not in the paper.
"""

from ml_collections import ConfigDict, config_dict


def get_config() -> ConfigDict:
    config = ConfigDict()
    config.seed = 0  # weights, augmentation and episodes

    config.dataset = "glyphs"
    config.data_seed = 0
    config.images_per_class = 200
    config.classes = (96, 24, 30)  # of train, validation and test

    # phi: a cosine classifier over the training classes
    config.backbone = "conv4_32"
    config.pretrain_epochs = 4
    config.pretrain_batch_size = 64
    config.pretrain_learning_rate = 0.1  # peak
    config.pretrain_warmup_steps = 100
    config.pretrain_precision = "float32"  # or "mixed_bfloat16"
    config.l2 = 5e-4  # in the gradient, of pre-training and meta-training
    config.crop_size = 32  # what phi sees of an image, its centre
    config.crop_padding = 4
    config.flip = False  # a mirrored letter is another letter
    config.color_jitter = 0.4
    config.average_shift = 0  # pixels; phi averages over images shifted by so many
    config.views = 2  # of each training image in the feature cache; several are augmented

    # Episodes
    config.way = 5
    config.shot = 1
    config.queries_per_class = 15
    config.queries = config_dict.placeholder(int)  # in all; set it instead of queries_per_class
    config.dirichlet_alpha = 2.0
    config.train_query_shares = "balanced"
    config.test_query_shares = ("balanced", "dirichlet")
    config.train_episodes = 5000
    config.validation_episodes = 600
    config.test_episodes = 2000

    # Meta-training
    config.synthetic_gradient = "dense"
    config.hidden_units = config_dict.placeholder(int)  # as many as suit it if left out
    config.num_steps = 3  # K
    config.step_size = 1e-3  # eta
    config.train_steps = 3000
    config.episodes_per_step = 1
    config.steps_per_call = 100
    config.steps_per_epoch = 500
    config.learning_rate = 2e-2  # at first, then a cosine down to 0
    config.train_l2 = config_dict.placeholder(float)  # of meta-training alone, in place of l2

    config.eval_num_steps = 5  # evaluate after 0 .. 5 steps
    config.export_name = "glyphs"
    return config
