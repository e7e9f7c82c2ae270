"""The ready model of `configs/photographs.py`, exported for a benchmark."""

from pathlib import Path

import keras

from configs import photographs
from sib_tf.backbones import feature_network, registry
from sib_tf.serving import query_limit
from sib_tf.serving.export import export


def export_ready_model(folder: Path, max_queries: int = query_limit.DEFAULT) -> keras.Model:
    """Exports the ready model to a folder.

    Returns:
        phi, from images [B, H, W, 3], values 0..255, to features [B, D].
    """
    config = photographs.get_config()
    backbone = registry.find(config.phi.backbone, config.phi.crop_size).build()
    phi = feature_network.averaged(backbone, shift=0, mirror=config.phi.mirror)
    head = keras.saving.load_model(config.model.file)
    export(folder, phi, head.for_any_way(), max_queries)
    return phi
