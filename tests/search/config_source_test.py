"""A config written as source code is the same config."""

import importlib
from pathlib import Path

import pytest
from ml_collections import config_dict

import configs
from sib_tf.search.config_source import source

NAMES = sorted(file.stem for file in Path(configs.__file__).parent.glob("[a-z]*.py"))


@pytest.mark.parametrize("name", NAMES)
def test_every_config_survives_the_round_trip(name):
    config = importlib.import_module(f"configs.{name}").get_config()
    namespace = {}
    exec(source(config, "As it was."), namespace)
    again = namespace["get_config"]()
    assert again.to_dict() == config.to_dict()
    assert {k: again.get_type(k) for k in again} == {k: config.get_type(k) for k in config}


def test_an_unset_field_keeps_its_type():
    config = config_dict.ConfigDict({"queries": config_dict.placeholder(int), "one": ("a",)})
    assert source(config, "Two fields.") == (
        '"""Two fields."""\n\n'
        "from ml_collections import ConfigDict, config_dict\n\n\n"
        "def get_config() -> ConfigDict:\n"
        "    config = ConfigDict()\n"
        '    config.one = ("a",)\n'
        "    config.queries = config_dict.placeholder(int)\n"
        "    return config\n"
    )
