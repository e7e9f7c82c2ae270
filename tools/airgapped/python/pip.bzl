"""Empty targets for the third-party packages, which the interpreter already has."""

_REQUIREMENTS = """
def install_deps():
    pass

def requirement(name):
    return "@{hub}//:" + name.lower().replace("-", "_")
"""

def _hub(context):
    lines = context.read(context.attr.requirements_lock).split("\n")
    names = [line.split("==")[0].lower().replace("-", "_") for line in lines if "==" in line]
    context.file("requirements.bzl", _REQUIREMENTS.format(hub = context.name))
    context.file("BUILD", "\n".join([
        'py_library(name = "{}", visibility = ["//visibility:public"])'.format(name)
        for name in names
    ]))

_pip_hub = repository_rule(
    implementation = _hub,
    attrs = {"requirements_lock": attr.label(mandatory = True)},
)

def pip_parse(name, requirements_lock, **_):
    _pip_hub(name = name, requirements_lock = requirements_lock)
