"""A server that does what TensorFlow Serving does, for tests on machines without it.

It speaks the same services over gRPC and HTTP, and runs SavedModels in the same kind of session.
Behaviour and messages follow TensorFlow Serving's sources, which are named where they matter.
"""

from tests.serving.model_server.server import ModelServer

__all__ = ["ModelServer"]
