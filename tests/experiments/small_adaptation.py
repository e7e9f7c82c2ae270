"""A tiny zero-shot experiment, with which everything trains in seconds and learns nothing."""

from configs import pacs
from sib_tf.datasets.pacs import small_raw_files


def config(folder, target="sketch", raw=None):
    """The config, and its raw files in a folder."""
    small = pacs.get_config(f"target={target}")
    small.manual_dir = str(raw or small_raw_files.write_raw_files(folder, size=20))
    small.update_from_flattened_dict(
        {
            "data.image_size": 18,
            "phi.backbone": "conv4_4",
            "phi.crop_size": 16,
            "phi.crop_padding": 1,
            "phi.epochs": 1,
            "phi.batch_size": 8,
            "minibatches.images": 8,
            "meta.num_steps": 1,
            "meta.train_minibatches": 6,
            "meta.steps": 4,
            "meta.steps_per_epoch": 4,
            "meta.steps_per_call": 2,
            "eval.num_steps": 2,
        }
    )
    return small
