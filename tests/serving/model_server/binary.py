"""TensorFlow Serving itself, where it is installed."""

import subprocess
import tempfile
from pathlib import Path

COMMAND = "tensorflow_model_server"


class BinaryServer:
    """Runs the binary, with the arguments of `ModelServer`."""

    def __init__(
        self,
        base: Path,
        name: str,
        grpc_port: int,
        rest_port: int,
        batching: str | None = None,
        max_message_bytes: int = -1,
    ) -> None:
        options = [
            f"--port={grpc_port}",
            f"--rest_api_port={rest_port}",
            f"--model_name={name}",
            f"--model_base_path={base}",
            "--file_system_poll_wait_seconds=1",
            f"--grpc_channel_arguments=grpc.max_receive_message_length={max_message_bytes}",
        ]
        self._folder = tempfile.TemporaryDirectory()
        if batching:
            file = Path(self._folder.name) / "batching.config"
            file.write_text(batching)
            options += ["--enable_batching", f"--batching_parameters_file={file}"]
        self._process = subprocess.Popen([COMMAND, *options])

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()
        self._folder.cleanup()
