"""The config files, each of which can be run unchanged."""

import importlib
import pkgutil
import re

import pytest

import configs
from configs import cifar_fs, glyphs, mini_imagenet
from sib_tf.base.errors import UserError
from sib_tf.experiments import families

MODULES = [
    importlib.import_module(f"configs.{module.name}")
    for module in pkgutil.iter_modules(configs.__path__)
    if not module.ispkg
]
COMMANDS = [
    (module, config)
    for module in MODULES
    for config in re.findall(r"--config=(\S*)", module.__doc__)
]


@pytest.mark.parametrize("shot", [1, 5])
@pytest.mark.parametrize("backbone", ["conv4_64", "conv4_128", "wrn_28_10"])
@pytest.mark.parametrize("module", [cifar_fs, mini_imagenet], ids=lambda module: module.__name__)
def test_the_argument_selects_backbone_and_shot(module, backbone, shot):
    config = module.get_config(f"{backbone},shot={shot}")
    assert families.steps(config)
    assert module.__name__ == f"configs.{config.data.name}"
    assert (config.phi.backbone, config.episodes.shot) == (backbone, shot)
    assert config.export.name.endswith(f"_{shot}shot")


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_a_config_needs_no_argument(module):
    assert families.steps(module.get_config())


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_a_config_says_how_to_run_it(module):
    assert module in [documented for documented, _ in COMMANDS]


@pytest.mark.parametrize(("module", "config"), COMMANDS)
def test_the_commands_of_a_config_run_its_own_file(module, config):
    file, *argument = config.split(":", 1)
    assert file == module.__name__.replace(".", "/") + ".py"
    assert families.steps(module.get_config(*argument))


def test_an_unknown_argument_is_refused():
    with pytest.raises(UserError, match=r"size=big is unknown: use tiny"):
        glyphs.get_config("big")
    with pytest.raises(UserError, match="way=5 does not fit: give each of backbone, shot"):
        cifar_fs.get_config("conv4_64,way=5")
