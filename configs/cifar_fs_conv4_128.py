r"""CIFAR-FS, 5-way, Conv-4-128, K = 3, the paper's network; the shot is its argument.

    python -m jobs.pipeline --config=configs/cifar_fs_conv4_128.py:1 \
        --base=work/cifar_fs_conv4_128 --workdir=work/cifar_fs_conv4_128/1shot

Not in the paper. Not run.
"""

from ml_collections import ConfigDict

from configs import cifar_fs_conv4_64


def get_config(shot: str = "1") -> ConfigDict:
    config = cifar_fs_conv4_64.get_config(shot)
    config.backbone = "conv4_128"
    config.export_name = f"cifar_fs_conv4_128_{shot}shot"
    return config
