"""The config files, every one of which can be run as it is."""

import importlib
import inspect
import pkgutil

import pytest

import configs
from sib_tf.experiments import families

MODULES = [
    importlib.import_module(f"configs.{module.name}")
    for module in pkgutil.iter_modules(configs.__path__)
    if not module.ispkg
]


@pytest.mark.parametrize("shot", ["1", "5"])
@pytest.mark.parametrize(
    "module",
    [module for module in MODULES if "shot" in inspect.signature(module.get_config).parameters],
    ids=lambda module: module.__name__,
)
def test_a_config_with_a_shot_is_that_of_its_name(module, shot):
    config = module.get_config(shot)
    assert families.steps(config)
    assert config.shot == int(shot)
    assert f"configs.{config.dataset}_{config.backbone}" == module.__name__


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_the_commands_of_a_config_name_its_own_file(module):
    file = module.__name__.replace(".", "/") + ".py"
    commands = [line for line in module.__doc__.splitlines() if "--config=" in line]
    assert commands
    for line in commands:
        assert f"--config={file}" in line
