"""Replaces rules_python by the native rules of old Bazel releases."""

py_binary = native.py_binary
py_library = native.py_library
py_test = native.py_test
