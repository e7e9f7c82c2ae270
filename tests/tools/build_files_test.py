"""The BUILD files say what the Python files import, and a check says so where they do not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools import build_files

ROOT = Path(__file__).parents[2]


@pytest.fixture
def tree(tmp_path):
    """A project of a job above a library, whose package `maths` lets only the library see it."""
    write(
        tmp_path,
        {
            "third_party/BUILD": '_PACKAGES = {"numpy": ["numpy"]}',
            "jobs/add.py": 'from sib_tf import numbers\nif __name__ == "__main__":\n    numbers',
            "sib_tf/__init__.py": '"""The library."""',
            "sib_tf/numbers.py": "import json\n\nfrom sib_tf.maths.sums import add",
            "sib_tf/BUILD": 'package(default_visibility = ["//jobs:__pkg__"])\n',
            "sib_tf/maths/sums.py": "def add():\n    import numpy.linalg",
            "sib_tf/maths/BUILD": 'package(default_visibility = ["//sib_tf:__pkg__"])\n',
        },
    )
    write_build_files(tmp_path)
    return tmp_path


def write(root, files):
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def write_build_files(root):
    for file, text in build_files.Tree(root).updated().items():
        file.write_text(text)


def problems(root):
    return build_files.Tree(root).problems()


@pytest.mark.skipif("TEST_TMPDIR" in os.environ, reason="Bazel hands a test but its own files")
def test_the_build_files_of_this_project_say_what_its_files_import():
    tree = build_files.Tree(ROOT)
    behind = [file for file, text in tree.updated().items() if file.read_text() != text]
    assert not behind, "run `python -m tools.build_files --write`"
    assert not tree.problems()


NUMBERS = """load("@rules_python//python:defs.bzl", "py_library")

package(default_visibility = ["//jobs:__pkg__"])

py_library(
    name = "sib_tf",
    srcs = ["__init__.py"],
)

py_library(
    name = "numbers",
    srcs = ["numbers.py"],
    deps = [
        ":sib_tf",
        "//sib_tf/maths:sums",
    ],
)
"""

ADD_TEST = """load("@rules_python//python:defs.bzl", "py_library")
load("//tools:pytest_test.bzl", "pytest_test")

pytest_test(
    name = "add_test",
    size = "medium",
    srcs = ["add_test.py"],
    deps = [":helper"],
)

py_library(
    name = "helper",
    srcs = ["helper.py"],
)
"""


def test_a_target_depends_on_what_its_file_imports(tree):
    assert (tree / "sib_tf/BUILD").read_text() == NUMBERS
    assert '    deps = ["//third_party:numpy"],\n' in (tree / "sib_tf/maths/BUILD").read_text()
    assert problems(tree) == []


def test_a_program_and_a_test_have_rules_of_their_own(tree):
    write(tree, {"tests/add_test.py": "from helper import x", "tests/helper.py": ""})
    write_build_files(tree)
    assert (tree / "tests/BUILD").read_text() == ADD_TEST
    assert "py_binary(" in (tree / "jobs/BUILD").read_text()


def test_packages_may_share_a_name_as_those_of_google_do(tree):
    write(tree, {"third_party/BUILD": '_PACKAGES = {"google.protobuf": ["protobuf"]}'})
    write(tree, {"sib_tf/maths/sums.py": "from google.protobuf import json_format"})
    write_build_files(tree)
    assert '"//third_party:google.protobuf"' in (tree / "sib_tf/maths/BUILD").read_text()
    write(tree, {"sib_tf/maths/sums.py": "from google.cloud import storage"})
    assert "imports google: write into" in problems(tree)[0]


def test_targets_without_python_files_stay(tree):
    file = tree / "sib_tf/BUILD"
    text = file.read_text() + '\nfilegroup(\n    name = "about",\n    srcs = ["README.md"],\n)\n'
    file.write_text(text)
    write_build_files(tree)
    assert file.read_text() == text


def test_what_people_wrote_stays(tree):
    file = tree / "sib_tf/BUILD"
    by_hand = '    srcs = ["numbers.py"],\n    visibility = [":__pkg__"],\n'
    file.write_text(file.read_text().replace('    srcs = ["numbers.py"],\n', by_hand) + "\n# End\n")
    (tree / "sib_tf/numbers.py").write_text("")
    write_build_files(tree)
    written = file.read_text()
    assert f'{by_hand}    deps = [":sib_tf"],\n)' in written
    assert written.endswith("\n# End\n")


def test_the_target_of_a_deleted_file_goes(tree):
    before = (tree / "sib_tf/BUILD").read_text()
    write(tree, {"sib_tf/more.py": "import sib_tf.numbers"})
    write_build_files(tree)
    assert (tree / "sib_tf/BUILD").read_text() != before
    (tree / "sib_tf/more.py").unlink()
    write_build_files(tree)
    assert (tree / "sib_tf/BUILD").read_text() == before


def test_an_import_against_the_visibility_is_refused(tree):
    write(tree, {"sib_tf/maths/sums.py": "from jobs import add"})
    assert problems(tree) == [
        "//sib_tf/maths:sums imports jobs.add, which jobs/BUILD hides from sib_tf/maths: do "
        "without, or widen the visibility there."
    ]


@pytest.mark.parametrize(
    ("visibility", "package", "visible"),
    [
        ("//visibility:public", "jobs", True),
        ("//:__subpackages__", "jobs", True),
        ("//jobs:__pkg__", "jobs", True),
        ("//jobs:__pkg__", "jobs/more", False),
        ("//jobs:__subpackages__", "jobs/more", True),
        ("//jobs:__subpackages__", "jobs_of_others", False),
        ("//visibility:private", "jobs", False),
        ("//visibility:private", "sib_tf", True),
    ],
)
def test_visibility_is_that_of_bazel(visibility, package, visible):
    target = build_files.Target("sib_tf", "numbers", ("numbers.py",), (visibility,), "")
    assert target.is_visible_in(package) == visible


def test_a_package_that_nobody_provides_is_named(tree):
    write(tree, {"sib_tf/numbers.py": "import torch.nn"})
    assert problems(tree) == [
        "//sib_tf:numbers imports torch: write into third_party/BUILD which package has it."
    ]


def test_the_command_names_what_is_behind_and_mends_it(tree):
    def command(*args):
        return subprocess.run(
            [sys.executable, build_files.__file__, *args],
            cwd=tree,
            capture_output=True,
            text=True,
            check=False,
        )

    assert command().returncode == 0
    write(tree, {"sib_tf/numbers.py": ""})
    found = command()
    assert found.returncode == 1
    assert found.stderr == ("sib_tf/BUILD is behind: run `python -m tools.build_files --write`.\n")
    assert command("--write").returncode == 0
    assert command().returncode == 0
