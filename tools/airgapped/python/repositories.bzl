"""Takes the repositories that a build needs from folders of Debian and of this project."""

_REPOSITORIES = {
    "bazel_skylib": "/usr/share/bazel/tools/skylib",
    "platforms": "/usr/share/bazel/tools/platforms",
    "remote_coverage_tools": "tools/airgapped",
    "rules_cc": "tools/airgapped",
    "rules_java": "/usr/share/bazel/rules/java",
    "rules_proto": "/usr/share/bazel/rules/proto",
}

# buildifier: disable=unnamed-macro
def py_repositories():
    for name, path in _REPOSITORIES.items():
        native.local_repository(name = name, path = path)

def python_register_toolchains(**_):
    pass  # Bazel looks for python3 on the PATH.
