r"""CIFAR-FS, 5-way, WRN-28-10, K = 3, the paper's network; the shot is its argument.

    python -m jobs.pipeline --config=configs/cifar_fs_wrn_28_10.py:1 \
        --base=work/cifar_fs_wrn_28_10 --workdir=work/cifar_fs_wrn_28_10/1shot

Paper: 80.0 +- 0.6 at 1 shot, 85.3 +- 0.4 at 5. Ours: not run; it takes an accelerator.
"""

from ml_collections import ConfigDict

from configs import cifar_fs_conv4_64


def get_config(shot: str = "1") -> ConfigDict:
    config = cifar_fs_conv4_64.get_config(shot)
    config.backbone = "wrn_28_10"
    config.pretrain_epochs = 60
    config.pretrain_batch_size = 64
    config.pretrain_warmup_steps = 6000
    config.export_name = f"cifar_fs_wrn_28_10_{shot}shot"
    return config
