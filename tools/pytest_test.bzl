"""Bazel tests that run pytest."""

load("@rules_python//python:defs.bzl", "py_test")

def pytest_test(name, srcs, deps = [], data = [], **kwargs):
    """A py_test that runs pytest on the tests of a package, in one process.

    Args:
        name: name of the target.
        srcs: the test files, *_test.py, and modules and conftest.py files in their folders.
        deps: targets that the tests import or start by name.
        data: files that the tests read.
        **kwargs: passed on to py_test.
    """
    py_test(
        name = name,
        srcs = srcs + ["//tools:run_pytest.py"],
        args = ["$(rootpath %s)" % src for src in srcs if src.endswith("_test.py")],
        data = data + [
            "//:conftest.py",
            "//:pyproject.toml",
        ],
        main = "//tools:run_pytest.py",
        deps = deps + ["//tools:run_pytest"],
        **kwargs
    )
