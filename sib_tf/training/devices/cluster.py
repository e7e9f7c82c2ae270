"""The workers of a distributed training, as the environment variable TF_CONFIG names them."""

import dataclasses
import json
import os

from sib_tf.base.errors import UserError

_VARIABLE = "TF_CONFIG"
_EXAMPLE = (
    '{"cluster": {"worker": ["HOST:PORT", "HOST:PORT"]}, "task": {"type": "worker", "index": 0}}'
)


@dataclasses.dataclass(frozen=True)
class Cluster:
    """All workers, and which of them this process is.

    Attributes:
        addresses: HOST:PORT of each worker; the first is the chief.
        index: number of this process among them.
    """

    addresses: tuple[str, ...]
    index: int

    @property
    def is_chief(self) -> bool:
        """Whether this process is the one that writes results."""
        return self.index == 0


def from_environment() -> Cluster:
    """What TF_CONFIG says, of workers and at most one chief.

    Raises:
        UserError: it is missing or makes no sense; TensorFlow itself would go on alone, fail with a
            traceback or wait for an hour.
    """
    text = os.environ.get(_VARIABLE)
    if not text:
        raise _refusal("is not set")
    try:
        content = json.loads(text)
        jobs = dict(content["cluster"])
        kind, index = content["task"]["type"], int(content["task"]["index"])
    except (ValueError, TypeError, KeyError) as error:
        raise _refusal(f"cannot be read ({error!r})") from None
    if jobs.keys() - {"chief", "worker"}:
        raise _refusal(f"has jobs other than chief and worker: {sorted(jobs)}")
    chiefs, workers = (_addresses(jobs, job) for job in ("chief", "worker"))
    addresses = chiefs + workers
    if len(chiefs) > 1:
        raise _refusal("has more than one chief")
    if len(set(addresses)) < len(addresses):
        raise _refusal("names an address twice")
    if kind not in jobs or not 0 <= index < len(jobs[kind]):
        raise _refusal(f"has no {kind} {index} in its cluster, which it says this task is")
    return Cluster(addresses, index + (len(chiefs) if kind == "worker" else 0))


def _addresses(jobs: dict, job: str) -> tuple[str, ...]:
    """HOST:PORT of each task of a job."""
    addresses = jobs.get(job, [])
    if not isinstance(addresses, list):
        raise _refusal(f"has no list of addresses for {job}")
    for address in addresses:
        host, _, port = str(address).rpartition(":")
        if not host or not port.isdecimal():
            raise _refusal(f"has the address {address!r}, which is not HOST:PORT")
    return tuple(addresses)


def _refusal(reason: str) -> UserError:
    return UserError(
        f"--strategy=multi_worker: {_VARIABLE} {reason}. Set it on each worker, such as to "
        f"'{_EXAMPLE}', with its own index."
    )
