"""Errors with a status code of gRPC."""

import grpc
import tensorflow as tf


class StatusError(Exception):
    """A status that is not OK.

    Attributes:
        code: status code.
        message: text for the client.
    """

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def not_found(message: str) -> StatusError:
    return StatusError(grpc.StatusCode.NOT_FOUND, message)


def invalid_argument(message: str) -> StatusError:
    return StatusError(grpc.StatusCode.INVALID_ARGUMENT, message)


def failed_precondition(message: str) -> StatusError:
    return StatusError(grpc.StatusCode.FAILED_PRECONDITION, message)


def unavailable(message: str) -> StatusError:
    return StatusError(grpc.StatusCode.UNAVAILABLE, message)


def of_tensorflow(error: tf.errors.OpError) -> StatusError:
    """Converts an error of TensorFlow, whose codes are those of gRPC."""
    code = next(code for code in grpc.StatusCode if code.value[0] == error.error_code)
    return StatusError(code, error.message)
