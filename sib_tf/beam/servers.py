"""Servers that a pipeline is sent to: found missing at once, where Beam waits for minutes."""

import socket
from urllib.parse import urlsplit

import grpc
from apache_beam.portability.api import beam_job_api_pb2, beam_job_api_pb2_grpc

from sib_tf.base.errors import UserError

_SECONDS_TO_ANSWER = 5


def require(flag: str, address: str) -> None:
    """Asks whether anybody listens at an address.

    Args:
        flag: the option that names it, for the message.
        address: HOST:PORT, possibly with a scheme such as tcp://.

    Raises:
        UserError: if nobody does.
    """
    try:
        parts = urlsplit(address if "//" in address else f"//{address}")
        if parts.hostname is None:  # which would be this machine
            raise ValueError("it names no host")
        where = parts.hostname, parts.port
        socket.create_connection(where, timeout=_SECONDS_TO_ANSWER).close()
    except (OSError, TypeError, ValueError) as error:
        raise UserError(
            f"{flag}={address} does not answer ({error}): start the server, or correct HOST:PORT."
        ) from None


def job_server_options(address: str) -> list[str]:
    """Asks a job server for the names of its options, besides Beam's.

    Raises:
        UserError: if none runs at that address.
    """
    require("--job_endpoint", address)
    try:
        with grpc.insecure_channel(address) as channel:
            answer = beam_job_api_pb2_grpc.JobServiceStub(channel).DescribePipelineOptions(
                beam_job_api_pb2.DescribePipelineOptionsRequest(), timeout=_SECONDS_TO_ANSWER
            )
    except grpc.RpcError as error:
        raise UserError(
            f"--job_endpoint={address} is no job server of Beam ({error.code().name}): correct "
            "HOST:PORT."
        ) from None
    return [option.name for option in answer.options]
