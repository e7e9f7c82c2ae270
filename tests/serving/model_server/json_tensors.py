"""Tensors in JSON, as in util/json_tensor.cc."""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf.meta_graph_pb2 import TensorInfo

from tests.serving.model_server.batching import Tensors
from tests.serving.model_server.status_error import invalid_argument

_JSON_TYPES = {
    dict: "Object", list: "Array", str: "String", type(None): "Null",
    int: "Number", float: "Number",
}  # fmt: skip


def parse_object(body: bytes) -> dict[str, Any]:
    """Parses the JSON object of a request."""
    if not body:
        raise invalid_argument("JSON Parse error: The document is empty")
    try:
        value = json.loads(body)
    except ValueError as error:
        raise invalid_argument(f"JSON Parse error: {error}") from None
    if not isinstance(value, dict):
        raise invalid_argument(f"JSON Value: {json.dumps(value)} Is not object")
    return value


def read_inputs(request: dict[str, Any], infos: Mapping[str, TensorInfo]) -> Tensors:
    """The tensors of a request in row ("instances") or columnar format ("inputs")."""
    if "instances" in request and "inputs" in request:
        raise invalid_argument(
            f"JSON Value: {json.dumps(request)} Not formatted correctly expecting only one of "
            "'inputs' or 'instances' keys to exist "
        )
    if "instances" in request:
        return _read_rows(request["instances"], infos)
    if "inputs" in request:
        return _read_columns(request["inputs"], infos)
    raise invalid_argument("Missing 'inputs' or 'instances' key")


def write_outputs(outputs: Tensors, rows: bool) -> dict[str, Any]:
    """The answer in the format of the request; a single output has no name."""
    alone = next(iter(outputs)) if len(outputs) == 1 else None
    values = {name: value.tolist() for name, value in outputs.items()}
    if not rows:
        return {"outputs": values[alone] if alone else values}
    if alone:
        return {"predictions": values[alone]}
    instances = zip(*values.values(), strict=True)
    return {"predictions": [dict(zip(values, instance, strict=True)) for instance in instances]}


def _read_columns(inputs: Any, infos: Mapping[str, TensorInfo]) -> Tensors:
    if not isinstance(inputs, dict) or _is_base64(inputs):
        if len(infos) > 1:
            raise invalid_argument(
                "inputs is a plain value/list, but expecting an object as multiple input tensors "
                "required as per tensorinfo_map"
            )
        inputs = {next(iter(infos)): inputs}
    for name in infos:
        if name not in inputs:
            raise invalid_argument(f"Missing named input: {name} in 'inputs' object.")
    return {name: _read_tensor(inputs[name], info) for name, info in infos.items()}


def _read_rows(instances: Any, infos: Mapping[str, TensorInfo]) -> Tensors:
    if not isinstance(instances, list) or not instances:
        raise invalid_argument("Excepting 'instances' to be an list/array")
    if len(infos) == 1 and not _is_named(instances[0]):
        name = next(iter(infos))
        instances = [{name: instance} for instance in instances]
    for index, instance in enumerate(instances):
        if not _is_named(instance) or instance.keys() != infos.keys():
            raise invalid_argument(
                f"Failed to process element: {index} of 'instances' list. JSON object: "
                f"{json.dumps(instance)} keys must be equal to: {','.join(sorted(infos))}"
            )
    columns = {name: [instance[name] for instance in instances] for name in infos}
    return {name: _read_tensor(columns[name], info) for name, info in infos.items()}


def _read_tensor(value: Any, info: TensorInfo) -> np.ndarray:
    """A tensor whose shape is that of the first element at each level."""
    shape, first = [], value
    while isinstance(first, list):
        shape.append(len(first))
        first = first[0] if first else None
    dtype = tf.as_dtype(info.dtype)
    flat = list(_elements(value, shape, 0, dtype))
    return np.array(flat, object if dtype == tf.string else dtype.as_numpy_dtype).reshape(shape)


def _elements(value: Any, shape: list[int], level: int, dtype: tf.DType):
    if not isinstance(value, list):
        if level != len(shape):
            raise invalid_argument(
                f"JSON Value: {json.dumps(value)} found at incorrect level: {level + 1} in the "
                f"JSON DOM. Expected at level: {len(shape)}"
            )
        yield _element(value, dtype)
        return
    if level >= len(shape):
        raise invalid_argument(
            f"Encountered list at unexpected level: {level} expected < {len(shape)}"
        )
    if len(value) != shape[level]:
        raise invalid_argument(
            f"Encountered list at unexpected size: {len(value)} at level: {level} "
            f"expected size: {shape[level]}"
        )
    for item in value:
        yield from _elements(item, shape, level + 1, dtype)


def _element(value: Any, dtype: tf.DType) -> Any:
    if dtype == tf.string:
        if isinstance(value, str):
            return value.encode()
        if isinstance(value, dict):
            return _decode_base64(value)
    elif type(value) is int or (type(value) is float and dtype.is_floating):
        return value
    raise invalid_argument(
        f"JSON Value: {json.dumps(value)} Type: {_JSON_TYPES.get(type(value), value)} is not of "
        f"expected type: {dtype.name}"
    )


def _decode_base64(value: dict[str, Any]) -> bytes:
    if not _is_base64(value):
        raise invalid_argument(
            f"JSON Value: {json.dumps(value)} not formatted correctly for base64 data"
        )
    try:
        return base64.b64decode(value["b64"], validate=True)
    except binascii.Error:
        raise invalid_argument("Unable to base64 decode") from None


def _is_base64(value: Any) -> bool:
    return isinstance(value, dict) and [*value] == ["b64"] and isinstance(value["b64"], str)


def _is_named(value: Any) -> bool:
    return isinstance(value, dict) and not _is_base64(value)
