r"""mini-ImageNet, 5-way, Conv-4-128, K = 3, the paper's network; the shot is its argument.

    python -m jobs.pipeline --config=configs/mini_imagenet_conv4_128.py:1 --config.manual_dir=DIR \
        --base=work/mini_imagenet_conv4_128 --workdir=work/mini_imagenet_conv4_128/1shot

Not run.
"""

from ml_collections import ConfigDict

from configs import mini_imagenet_conv4_64


def get_config(shot: str = "1") -> ConfigDict:
    config = mini_imagenet_conv4_64.get_config(shot)
    config.backbone = "conv4_128"
    config.export_name = f"mini_imagenet_conv4_128_{shot}shot"
    return config
