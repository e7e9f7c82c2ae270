"""Records of finished steps, compared with what a config asks for."""

import dataclasses
import json

import pytest

from sib_tf.base.errors import UserError
from sib_tf.experiments import records
from sib_tf.experiments.configuration import Configuration
from sib_tf.experiments.records import fingerprint, refuse_other, refuse_other_inputs


def test_another_config_is_refused_with_its_first_field_and_the_remedy(tmp_path):
    written = {"phi.epochs": 4, "seed": 1, "phi.flip": True}
    refuse_other(tmp_path, written, {"phi": {"epochs": 4}})
    with pytest.raises(UserError) as error:
        refuse_other(tmp_path, written, {"seed": 2, "phi": {"epochs": 9}}, remedy="delete it")
    assert str(error.value) == (
        f"{tmp_path} was written with config.phi.epochs=4, not 9: delete it."
    )


def test_an_unrecorded_field_without_a_default_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"config\.phi\.epochs=None, not 4: delete it or pass"):
        refuse_other(tmp_path, {"seed": 1}, {"phi": {"epochs": 4}})


def test_another_data_set_is_named_before_the_fields_that_go_with_it(tmp_path):
    written = {"average_shift": 2, "data.name": "cifar_fs"}
    wanted = {"average_shift": 4, "data": {"name": "mini_imagenet"}}
    with pytest.raises(UserError, match=r"config\.data\.name='cifar_fs', not 'mini_imagenet'"):
        refuse_other(tmp_path, written, wanted)


def test_only_changed_inputs_are_refused(tmp_path):
    refuse_other_inputs(tmp_path, {"data": "1", "gone": "2"}, {"data": "1", "new": "3"})
    with pytest.raises(UserError, match="was made from an earlier data: delete it, then run the"):
        refuse_other_inputs(tmp_path, {"data": "1"}, {"data": "2"})


def test_the_fingerprint_tells_configs_apart_but_not_their_order():
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    assert fingerprint({"a": 1, "b": 2}) != fingerprint({"a": 2, "b": 1})
    nested = {"phi": {"flip": True, "epochs": 4}}
    assert fingerprint(nested) == fingerprint({"phi": {"epochs": 4, "flip": True}})
    assert fingerprint(nested) != fingerprint({"phi": {"flip": True, "epochs": 5}})
    assert fingerprint(nested) != fingerprint({"meta": nested["phi"]})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Section:
    epochs: int
    shares: tuple[str, ...] = ("balanced",)
    units: int | None = None


def test_defaults_and_records_have_types_of_json():
    config = Configuration({"seed": 1, "phi": Section(epochs=7, shares=("even", "odd"))})
    assert config.defaults() == {"phi.shares": ["balanced"], "phi.units": None}
    phi = {"epochs": 7, "shares": ["even", "odd"], "units": None}
    assert config.record(["phi", "seed"]) == {"seed": 1, "phi": phi}
    assert config.record(["phi.shares", "phi.units"]) == {
        "phi": {"shares": ["even", "odd"], "units": None}
    }
    # A field in addition to its section adds nothing, in either order.
    assert config.record(["phi.epochs", "phi"]) == config.record(["phi"]) == {"phi": phi}


def test_a_record_is_read_with_its_fields_by_path(tmp_path):
    file = tmp_path / "step.json"
    content = {"config": {"seed": 1, "phi": {"epochs": 4}}, "inputs": {"data": "7"}, "seconds": 2}
    file.write_text(json.dumps(content))
    assert records.read(file) == {**content, "config": {"seed": 1, "phi.epochs": 4}}


def test_a_run_without_an_id_is_identified_by_its_fingerprint():
    assert records.run_id({"fingerprint": "7"}) == "7"
    assert records.run_id({"fingerprint": "7", "run": "8"}) == "8"


@pytest.mark.parametrize(
    "content", ["", "[]", "7", "{}", '{"config": {}}', '{"inputs": {}, "config": [3]}']
)
def test_an_invalid_record_is_refused(tmp_path, content):
    file = tmp_path / "data/step.json"
    file.parent.mkdir()
    file.write_text(content)
    with pytest.raises(UserError, match=r"data exists but holds no readable step\.json: move it"):
        records.read(file)
