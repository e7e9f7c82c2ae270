"""The data sets that a config can name: each folder here that holds a TFDS builder.

The module of a builder, NAME/NAME_dataset_builder.py, has a frozen dataclass `Settings` besides:
the section `config.data` of that data set, with `name` and what its content depends on, and a
method `builder(folder)`.
"""

import dataclasses
import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import tensorflow_datasets as tfds

import sib_tf.datasets
from sib_tf.base import sections, storage
from sib_tf.base.errors import UserError


class Source(Protocol):
    """The section `config.data`."""

    name: str

    def builder(self, folder: Path) -> tfds.core.DatasetBuilder:
        """The builder of the data set, to prepare or to read it in a folder.

        Raises:
            UserError: if the fields do not describe a data set; names the field.
        """


class DomainSource(Source, Protocol):
    """The section `config.data` of images of the same classes in several domains.

    Attributes:
        domains: names of the domains, of which each has the splits `DOMAIN_train`,
            `DOMAIN_crossval` and `DOMAIN_test`.
        image_size: H = W of the stored images, pixels; None: as they are.
    """

    domains: Sequence[str]
    image_size: int | None


def source(**fields: Any) -> Source:
    """The section of a config, as the data set of its `name` documents and checks it.

    Raises:
        UserError: if the name is missing or unknown, its splits share their classes, or a field
            does not fit it; names the field.
    """
    return _source(fields, in_domains=False)


def domain_source(**fields: Any) -> DomainSource:
    """The same for a data set of several domains.

    Raises:
        UserError: if the name is missing or unknown, the data set has no domains, or a field does
            not fit it; names the field.
    """
    return _source(fields, in_domains=True)


def _source(fields: Mapping[str, Any], *, in_domains: bool) -> Any:
    name = fields.get("name")
    if name not in names():
        raise UserError(f'config.data.name="{name}" is unknown: use one of {names()}.')
    module = importlib.import_module(f"sib_tf.datasets.{name}.{name}_dataset_builder")
    if hasattr(module.Settings, "domains") != in_domains:
        wanted = "domains of the same classes" if in_domains else "splits of different classes"
        raise UserError(f'config.data.name="{name}" has no {wanted}: take another data set.')
    return sections.build(module.Settings, "data", fields)


def of_size(section: Source, image_size: int) -> Source:
    """The section with this H = W of its images, if it leaves their size open, by 0."""
    if getattr(section, "image_size", None) != 0:
        return section
    return dataclasses.replace(section, image_size=image_size)


def title(section: Source) -> str:
    """What a reader knows the data set by: its name, or the name that it has in TFDS."""
    return getattr(section, "dataset", "") or section.name


def names() -> list[str]:
    """All data sets, sorted."""
    return sorted(
        module.name for module in pkgutil.iter_modules(sib_tf.datasets.__path__) if module.ispkg
    )


def manual_dir(folder: str | None) -> Path | None:
    """The folder of the files of a data set that users download themselves; None if not given.

    Raises:
        UserError: if there is no such folder.
    """
    if not folder:
        return None
    found = storage.local(folder).resolve()
    if not found.is_dir():
        raise UserError(f"config.manual_dir={folder} is no folder: correct it, or leave it out.")
    return found
