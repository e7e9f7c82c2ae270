"""The call Predict, as in servables/tensorflow/predict_util.cc."""

import tensorflow as tf
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef
from tensorflow_serving.apis.predict_pb2 import PredictRequest, PredictResponse

from tests.serving.model_server.batching import Tensors
from tests.serving.model_server.status_error import failed_precondition, invalid_argument


def predict(servable, request: PredictRequest) -> PredictResponse:
    """Answers a request.

    Raises:
        StatusError: if the request is invalid.
    """
    name = request.model_spec.signature_name or "serving_default"
    if name not in servable.signatures:
        raise failed_precondition(f'Serving signature key "{name}" not found.')
    signature = servable.signatures[name]
    inputs = _inputs(signature, request)
    _check_filter(signature, request)
    if request.output_filter:
        outputs = servable.run_alone(name, inputs, list(request.output_filter))
    else:
        outputs = servable.run(name, inputs)
    response = PredictResponse()
    response.model_spec.name = request.model_spec.name
    response.model_spec.signature_name = name
    response.model_spec.version.value = servable.version
    for alias, value in outputs.items():
        response.outputs[alias].CopyFrom(tf.make_tensor_proto(value))
    return response


def _inputs(signature: SignatureDef, request: PredictRequest) -> Tensors:
    sent, wanted = sorted(request.inputs), sorted(signature.inputs)
    if len(sent) != len(wanted):
        raise invalid_argument(
            f"input size does not match signature: {len(sent)}!={len(wanted)} "
            f"len({{{','.join(sent)}}}) != len({{{','.join(wanted)}}}). "
            f"Sent extra: {{{','.join(sorted({*sent} - {*wanted}))}}}. "
            f"Missing but required: {{{','.join(sorted({*wanted} - {*sent}))}}}."
        )
    tensors = {}
    for alias in wanted:
        if alias not in request.inputs:
            raise invalid_argument(
                f"Signature input alias: {alias}(feed name: {signature.inputs[alias].name}) not "
                "found in request and no default value provided. Inputs expected to be in the "
                f"request {{{','.join(sent)}}}, or default input alias set: "
            )
        try:
            tensors[alias] = tf.make_ndarray(request.inputs[alias])
        except (TypeError, ValueError):
            raise invalid_argument(f"tensor parsing error: {alias}") from None
    return tensors


def _check_filter(signature: SignatureDef, request: PredictRequest) -> None:
    for alias in request.output_filter:
        if alias not in signature.outputs:
            raise invalid_argument(
                f"output tensor alias not found in signature: {alias} Outputs expected to be in "
                f"the set {{{','.join(sorted(signature.outputs))}}}."
            )
