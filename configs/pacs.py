r"""PACS: images of a domain that nobody has labelled, after training on three that are; K = 3.

    python -m jobs.pipeline --config=configs/pacs.py:target=sketch \
        --base=work/pacs --workdir=work/pacs/sketch --config.manual_dir=FOLDER

Its argument is the domain: art_painting, cartoon, photo or sketch. FOLDER is as
sib_tf/datasets/pacs/README.md says. All targets and seeds share --base, with the data and phi.

Hyperparameters are chosen on a labelled domain that is left out and takes the place of the target:

    python -m jobs.pipeline --config=configs/pacs.py:target=cartoon,left_out=sketch \
        --base=work/pacs --workdir=work/pacs/cartoon_without_sketch --config.manual_dir=FOLDER
"""

from ml_collections import ConfigDict, config_dict

from sib_tf.base.errors import UserError
from sib_tf.base.variants import parse

_DOMAINS = ("art_painting", "cartoon", "photo", "sketch")


def get_config(variant: str = "") -> ConfigDict:
    target, left_out = parse(variant, target="sketch", left_out="")
    others = [name for name in _DOMAINS if name != target]
    if left_out not in ("", *others):
        raise UserError(
            f'left_out="{left_out}" is none of the other domains: use {", ".join(others)}.'
        )

    config = ConfigDict()
    config.family = "adaptation"
    config.seed = 0  # minibatches and the weights of xi; phi has a seed of its own
    config.manual_dir = ""

    config.data = ConfigDict({"name": "pacs", "image_size": 136})

    config.domains = ConfigDict({"target": target})
    config.domains.sources = tuple(name for name in others if name != left_out)

    config.phi = ConfigDict()
    config.phi.backbone = "efficientnet_lite0"
    config.phi.crop_size = 128
    config.phi.crop_padding = 4
    config.phi.flip = True
    config.phi.color_jitter = 0.4
    config.phi.turned = 0.3  # share of the images
    config.phi.rotation_weight = 0.5
    config.phi.epochs = 5
    config.phi.batch_size = 32
    config.phi.learning_rate = 3e-4  # at first, then a cosine down to 0
    config.phi.l2 = 1e-4
    config.phi.seed = 0

    config.features = ConfigDict({"views": 1, "color_jitter": 0.4})

    config.minibatches = ConfigDict({"images": 256})

    config.meta = ConfigDict()
    config.meta.synthetic_gradient = "set"
    config.meta.hidden_units = config_dict.placeholder(int)  # None: the network's default
    config.meta.start = "class_means"  # or "classifier"
    config.meta.leave_one_out = False
    config.meta.num_steps = 3  # K
    config.meta.step_size = 1e-3  # eta
    config.meta.rotation_step_size = 0.1  # eta_0
    config.meta.train_minibatches = 1000
    config.meta.steps = 2000
    config.meta.episodes_per_step = 1
    config.meta.steps_per_call = 20
    config.meta.steps_per_epoch = 200
    config.meta.learning_rate = 1e-3  # at first, then a cosine down to 0
    config.meta.l2 = 0.0
    config.meta.optimizer = "adam"
    config.meta.clip_norm = 1.0

    # Whose xi the variants "transferred_..." take.
    config.model = ConfigDict({"file": "results/cifar_fs_conv4_64_general/1shot-seed0/model.keras"})

    config.eval = ConfigDict({"num_steps": 5})
    config.eval.variants = (  # exports the last
        "plain",
        "init",
        "rotation",
        "transferred_init",
        "transferred_rotation",
    )

    config.export = ConfigDict({"name": f"pacs_{target}"})
    return config
