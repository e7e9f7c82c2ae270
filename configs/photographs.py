r"""A ready model for photographs of any classes: EfficientNet-Lite0 and the released general head.

    python -m jobs.pipeline --config=configs/photographs.py --workdir=work/photographs

Nothing is trained and no data set is needed. WORKDIR/export/photographs is the model:

    python -m jobs.predict --support=CLASS_FOLDERS --query=IMAGES --output=work/answers

`configs/exported.py` tells what accuracy to expect. Each other backbone takes a WORKDIR of its own,
--config.phi.backbone=keras_applications/ConvNeXtTiny or any of docs/backbones.md.
"""

from ml_collections import ConfigDict


def get_config() -> ConfigDict:
    config = ConfigDict()
    config.family = "ready"
    config.seed = 0  # of the images that a server is warmed up with
    config.phi = ConfigDict()
    config.phi.backbone = "efficientnet_lite0"
    config.phi.crop_size = 0  # the backbone's own
    config.phi.mirror = True
    config.model = ConfigDict({"file": "results/cifar_fs_conv4_64_general/1shot-seed0/model.keras"})
    config.export = ConfigDict({"name": "photographs"})
    return config
