"""The message BatchingParameters of TensorFlow Serving.

tensorflow-serving-api lacks it. The fields are those of
servables/tensorflow/session_bundle_config.proto that the server here knows.
"""

import functools

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format
from google.protobuf.message import Message

_INT64 = {
    "type": descriptor_pb2.FieldDescriptorProto.TYPE_MESSAGE,
    "type_name": ".google.protobuf.Int64Value",
}
_OPTIONAL = descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL
_BOOL = {"type": descriptor_pb2.FieldDescriptorProto.TYPE_BOOL}
_FIELDS = (
    ("max_batch_size", 1, _INT64),
    ("batch_timeout_micros", 2, _INT64),
    ("max_enqueued_batches", 3, _INT64),
    ("num_batch_threads", 4, _INT64),
    ("pad_variable_length_inputs", 7, _BOOL),
)


def parse(text: str) -> Message:
    """Parses the text of a file of parameters.

    Raises:
        text_format.ParseError: if the text is not a BatchingParameters message.
    """
    return text_format.Parse(text, _message_class()())


@functools.cache  # the pool accepts a message only once
def _message_class() -> type[Message]:
    file = descriptor_pb2.FileDescriptorProto(
        name="batching_parameters.proto",
        package="tensorflow.serving",
        syntax="proto3",
        dependency=["google/protobuf/wrappers.proto"],
    )
    message = file.message_type.add(name="BatchingParameters")
    for name, number, kind in _FIELDS:
        message.field.add(name=name, number=number, label=_OPTIONAL, **kind)
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(file.SerializeToString())
    descriptor = pool.FindMessageTypeByName("tensorflow.serving.BatchingParameters")
    return message_factory.GetMessageClass(descriptor)
