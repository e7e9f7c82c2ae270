"""A tiny zero-shot experiment, with which everything trains in seconds and learns nothing."""

from configs import pacs


def config(raw):
    """The config; `raw` is a folder that `small_raw_files.write_raw_files` has written."""
    small = pacs.get_config("target=sketch")
    small.manual_dir = str(raw)
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
            "eval.variants": ("plain", "rotation", "transferred_rotation"),
            "meta.train_minibatches": 6,
            "meta.steps": 4,
            "meta.steps_per_epoch": 4,
            "meta.steps_per_call": 2,
            "eval.num_steps": 2,
        }
    )
    return small
