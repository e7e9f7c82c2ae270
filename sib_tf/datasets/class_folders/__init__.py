"""Any folder of class folders as a TFDS data set with class-disjoint splits."""

from sib_tf.datasets.class_folders.class_folders_dataset_builder import Builder, ClassFoldersConfig

__all__ = ["Builder", "ClassFoldersConfig"]
