"""The versions of a model: which is loaded, which are unloaded, and when.

As in core/aspired_versions_manager.cc with the policy that preserves availability: the newest
version is wanted, and the one before it serves until that one is available.
"""

import threading
from pathlib import Path

import tensorflow as tf
from google.protobuf.message import Message
from tensorflow_serving.apis.get_model_status_pb2 import ModelVersionStatus

from tests.serving.model_server.servable import Servable
from tests.serving.model_server.status_error import StatusError


class Versions:
    """Polls a folder for numbered versions of a model and serves the newest.

    Args:
        base: folder of the numbered versions.
        batching: limits of a batch, a BatchingParameters message; None runs each request alone.
        poll_seconds: time between two looks at `base`, in seconds.

    Attributes:
        statuses: ModelVersionStatus of every version seen so far.
    """

    def __init__(self, base: Path, batching: Message | None, poll_seconds: float) -> None:
        self.statuses: dict[int, ModelVersionStatus] = {}
        self._base, self._batching, self._poll_seconds = base, batching, poll_seconds
        self._current: Servable | None = None
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._poll, daemon=True)
        self._thread.start()

    def get(self, version: int | None) -> Servable | None:
        """The version that is available, if it is the one asked for."""
        with self._lock:
            current = self._current
        return current if current and version in (None, current.version) else None

    def close(self) -> None:
        self._stopped.set()
        self._thread.join()
        if self._current:
            self._current.close()

    def _poll(self) -> None:
        while True:
            # Ignores other names, so that a version can be written under one and then renamed.
            found = [path for path in self._base.iterdir() if path.name.isdecimal()]
            newest = max(found, key=lambda path: int(path.name), default=None)
            if newest and int(newest.name) not in self.statuses:
                self._replace(newest)
            if self._stopped.wait(self._poll_seconds):
                return

    def _replace(self, folder: Path) -> None:
        version = int(folder.name)
        self._set(version, ModelVersionStatus.LOADING)
        try:
            servable = Servable(folder, self._batching)
        except (OSError, tf.errors.OpError, StatusError) as error:
            self._set(version, ModelVersionStatus.END, str(error))
            return
        with self._lock:
            old, self._current = self._current, servable
        self._set(version, ModelVersionStatus.AVAILABLE)
        if old:
            self._set(old.version, ModelVersionStatus.UNLOADING)
            old.close()
            self._set(old.version, ModelVersionStatus.END)

    def _set(self, version: int, state: int, error: str = "") -> None:
        status = ModelVersionStatus(version=version, state=state)
        status.status.error_message = error
        self.statuses[version] = status
