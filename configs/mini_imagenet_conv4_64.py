r"""mini-ImageNet, 5-way, Conv-4-64, K = 3, the paper's network; the shot is its argument.

    python -m jobs.pipeline --config=configs/mini_imagenet_conv4_64.py:1 --config.manual_dir=DIR \
        --base=work/mini_imagenet_conv4_64 --workdir=work/mini_imagenet_conv4_64/1shot
    python -m jobs.pipeline --config=configs/mini_imagenet_conv4_64.py:5 --config.manual_dir=DIR \
        --base=work/mini_imagenet_conv4_64 --workdir=work/mini_imagenet_conv4_64/5shot

DIR holds `mini-imagenet/` with images/*.jpg, train.csv, val.csv and test.csv. Both share the
backbone.
No figure of the paper in results/paper.json. Ours and the time: the table of README.md.
"""

from ml_collections import ConfigDict, config_dict


def get_config(shot: str = "1") -> ConfigDict:
    config = ConfigDict()
    config.seed = 0  # weights, augmentation and episodes

    config.dataset = "mini_imagenet"
    config.manual_dir = ""

    # phi: a cosine classifier over the training classes
    config.backbone = "conv4_64"
    config.pretrain_epochs = 50
    config.pretrain_batch_size = 64
    config.pretrain_learning_rate = 0.1  # peak
    config.pretrain_warmup_steps = 1000
    config.pretrain_precision = "float32"  # or "mixed_bfloat16"
    config.l2 = 5e-4  # in the gradient, of pre-training and meta-training
    config.crop_size = 80
    config.crop_padding = 8
    config.flip = True  # in training; and phi averages an image and its mirror image
    config.color_jitter = 0.4
    config.average_shift = 4  # pixels; phi averages the image and four shifted by so many
    config.views = 1  # of each training image in the feature cache; several are augmented

    # Episodes
    config.way = 5
    config.shot = int(shot)
    config.queries_per_class = 15
    config.queries = config_dict.placeholder(int)  # in all; set it instead of queries_per_class
    config.dirichlet_alpha = 2.0
    config.train_query_shares = "balanced"
    config.test_query_shares = ("balanced", "dirichlet")
    config.train_episodes = 20_000
    config.validation_episodes = 1000
    config.test_episodes = 2000

    # Meta-training
    config.synthetic_gradient = "dense"
    config.hidden_units = config_dict.placeholder(int)  # as many as suit it if left out
    config.num_steps = 3  # K
    config.step_size = 1e-3  # eta
    config.train_steps = 50_000
    config.episodes_per_step = 1
    config.steps_per_call = 100
    config.steps_per_epoch = 5000
    config.learning_rate = 2e-3  # at first, then a cosine down to 0
    config.train_l2 = config_dict.placeholder(float)  # of meta-training alone, in place of l2

    config.eval_num_steps = 5  # evaluate after 0 .. 5 steps
    config.export_name = f"mini_imagenet_{shot}shot"
    return config
