"""Glyphs in miniature: every step of the pipeline in half a minute, for tests.

python -m jobs.pipeline --config=configs/glyphs_tiny.py --workdir=work/tiny
"""

from ml_collections import ConfigDict

from configs import glyphs


def get_config() -> ConfigDict:
    config = glyphs.get_config()
    config.classes = (24, 5, 5)
    config.images_per_class = 80
    config.backbone = "conv4_16"
    config.pretrain_epochs = 14
    config.pretrain_batch_size = 64
    config.pretrain_learning_rate = 0.3
    config.pretrain_warmup_steps = 20
    config.views = 2
    config.train_episodes = 1000
    config.validation_episodes = 50
    config.test_episodes = 100
    config.train_steps = 3000
    config.steps_per_epoch = 1500
    config.eval_num_steps = 3
    config.export_name = "glyphs_tiny"
    return config
