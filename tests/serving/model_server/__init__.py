"""A replacement for TensorFlow Serving, for tests on machines without it.

It speaks the same services over gRPC and HTTP, and runs SavedModels in the same kind of session.
Behaviour and messages follow the source files of TensorFlow Serving that docstrings name.
"""

from tests.serving.model_server.server import ModelServer

__all__ = ["ModelServer"]
