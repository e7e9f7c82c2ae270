"""Glyphs in miniature: every step of the pipeline in half a minute, for tests; accuracy is poor.

python -m jobs.pipeline --config=configs/glyphs_tiny.py --workdir=work/tiny
"""

from ml_collections import ConfigDict

from configs import glyphs


def get_config() -> ConfigDict:
    config = glyphs.get_config()
    config.classes = (8, 5, 5)
    config.images_per_class = 90
    config.backbone = "conv4_16"
    config.pretrain_epochs = 2
    config.pretrain_batch_size = 64
    config.pretrain_warmup_steps = 5
    config.views = 2
    config.train_episodes = 200
    config.validation_episodes = 50
    config.test_episodes = 100
    config.train_steps = 200
    config.steps_per_call = 20
    config.steps_per_epoch = 100
    config.eval_num_steps = 3
    config.export_name = "glyphs_tiny"
    return config
