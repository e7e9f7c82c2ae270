r"""Any folder of class folders, 5-way 1-shot, Conv-4-64, a set-wise synthetic gradient network.

    python -m jobs.pipeline --config=configs/image_folder.py --workdir=work/mine \
        --config.data_dir=FOLDER_OF_CLASS_FOLDERS

The classes are cut into training, validation and test classes by `data_seed`, or by three lists. It
takes at least 15 classes of 26 images: 5 classes for each part, and a class may have to give an
episode its shot and all of its 25 queries. With so few, or few epochs, lower
`pretrain_warmup_steps`, which the command asks for.
The exported model tells apart any number of classes. Not in the paper.
"""

from ml_collections import ConfigDict

from configs import glyphs


def get_config() -> ConfigDict:
    config = glyphs.get_config()
    config.dataset = "image_folder"
    del config.images_per_class, config.classes
    config.data_dir = ""
    config.image_size = 32
    config.crop_size = 32  # not more than image_size
    config.train_classes = ()  # all three lists or none
    config.validation_classes = ()
    config.test_classes = ()

    config.pretrain_epochs = 10
    config.pretrain_warmup_steps = 200
    config.flip = True

    config.queries_per_class = 5
    config.synthetic_gradient = "set"
    config.train_query_shares = "mixture"
    config.train_episodes = 10_000
    config.train_steps = 10_000
    config.steps_per_epoch = 1000
    config.export_name = "image_folder"
    return config
