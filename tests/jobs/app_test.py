"""Flags of the jobs, and errors in them."""

import os
from pathlib import Path

import pytest

from jobs import _app
from sib_tf.base.errors import UserError
from tests.running import job


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "own"), [("build_episodes", "--num_shards"), ("pipeline", "--weights")]
)
def test_help_shows_shared_and_own_flags(name, own):
    result = job(name, "--help")
    for flag in ("--config", "--workdir", "--base", own):
        assert f"  {flag}:" in result.stdout
    assert result.stderr == ""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("args", "words"),
    [
        (
            ["--config=configs/glyphs.py:tiny", "--config.meta.stepsize=1"],
            "error: --config has no field 'stepsize'. Did you mean \"step_size\" instead of "
            '"stepsize"?',
        ),
        (
            ["--config=configs/spinning_lines.py", "--config.nope=1"],
            "error: --config has no field 'nope'. See the config file for its fields.",
        ),
        (
            ["--config=configs/glyphs.py:huge"],
            "error: --config=configs/glyphs.py:huge: size=huge is unknown: use tiny, or no "
            "argument.",
        ),
        (
            ["--config=configs/cifar_fs.py:shot=x"],
            "error: --config=configs/cifar_fs.py:shot=x: shot=x must be of type int.",
        ),
        (
            ["--config=configs/glyphs.py:tiny", "--config.data.classes[9]=3"],
            "error: --config=configs/glyphs.py:tiny --config.data.classes[9]=3 cannot be loaded: "
            "IndexError: tuple index out of range",
        ),
        (
            ["--config=configs/glyphs.py:tiny", "--workdir="],
            "error: flag --workdir=: is empty: name a folder. See --help.",
        ),
    ],
)
def test_an_error_in_a_config_is_one_line(tmp_path, args, words):
    result = job("export", f"--workdir={tmp_path}", *args)
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert result.stderr.splitlines()[-1] == words


@pytest.mark.slow
@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("def get_config(:", "SyntaxError: invalid syntax (broken.py, line 1)"),
        ("import absent_module", "ModuleNotFoundError: No module named 'absent_module'"),
    ],
)
def test_a_config_file_that_does_not_run_is_named(tmp_path, program, words):
    file = tmp_path / "broken.py"
    file.write_text(program)
    result = job("export", f"--config={file}", f"--workdir={tmp_path}")
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert result.stderr.splitlines()[-1] == f"error: --config={file} cannot be loaded: {words}"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "args", "words"),
    [
        ("pipeline", ["--", "--direct_num_worker=2"], "--direct_num_worker=2 is not a Beam option"),
        ("train", ["stray"], "stray is not a flag, and nothing else is expected. See --help."),
    ],
)
def test_unknown_arguments_are_refused(tmp_path, name, args, words):
    result = job(name, "--config=configs/glyphs.py:tiny", f"--workdir={tmp_path}", *args)
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1].startswith(f"error: {words}")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_an_empty_output_of_predict_is_refused(tmp_path):
    folder = str(tmp_path)
    args = [f"--model={folder}", f"--support={folder}", f"--query={folder}", "--output="]
    result = job("predict", *args)
    assert result.returncode == 1
    words = "error: flag --output=: is empty: name a folder. See --help."
    assert result.stderr.splitlines()[-1] == words


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flag", "words"),
    [
        ("--rest", "--rest is a way to ask a server: name --server. See --help."),
        ("--timeout=60", "--timeout is the time that a server has: name --server. See --help."),
    ],
)
def test_a_server_flag_without_a_server_is_refused(flag, words):
    folders = [f"--{name}=folder" for name in ("model", "support", "query", "output")]
    result = job("predict", *folders, flag)
    assert result.returncode == 1
    line = result.stderr.splitlines()[-1]
    assert line.startswith("error: ")
    assert words in line


def test_paths_are_relative_to_the_folder_of_bazel_run(tmp_path, monkeypatch):
    monkeypatch.chdir("/")  # restores the current folder after the test
    monkeypatch.setenv("BUILD_WORKING_DIRECTORY", str(tmp_path))
    monkeypatch.setattr(_app.app, "run", lambda *args, **kwargs: None)
    _app.run(None)
    assert Path.cwd() == tmp_path


@pytest.mark.slow
def test_every_missing_flag_is_named():
    result = job("predict")
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    line = result.stderr.splitlines()[-1]
    assert line.startswith("error: ")
    assert all(f"--{name}" in line for name in ("query", "output"))


def test_an_interrupted_job_says_so_and_exits_as_in_a_shell(monkeypatch, capsys):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(_app.app, "run", interrupt)
    with pytest.raises(SystemExit, match="130"):
        _app.run(interrupt)
    assert capsys.readouterr().err == "interrupted: the same command goes on.\n"


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (OSError(), "error: OSError"),
        (OSError(2, "No such file or directory", "a.png"), "error: [Errno 2] No such file or "),
        (UserError("a.png cannot be read: remove it."), "error: a.png cannot be read: remove it."),
    ],
)
def test_bad_input_ends_in_one_line_and_exit_code_1(monkeypatch, capsys, error, line):
    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr(_app.app, "run", fail)
    with pytest.raises(SystemExit) as ended:
        _app.run(fail)
    assert ended.value.code == 1
    printed = capsys.readouterr().err
    assert printed.startswith(line)
    assert printed.count("\n") == 1


def test_names_that_are_not_utf8_are_printed(monkeypatch, capsys):
    monkeypatch.setattr(_app.app, "run", lambda *args, **kwargs: print(os.fsdecode(b"caf\xe9")))
    _app.run(None)
    assert capsys.readouterr().out == "caf\\udce9\n"


@pytest.mark.slow
def test_home_is_expanded_in_flags_and_config(tmp_path):
    config = tmp_path / "tiny.py"
    config.write_text("from configs.photographs import get_config")
    job(
        "pipeline",
        "--config=~/tiny.py",
        "--workdir=~/work",
        "--config.model.file=~/absent.keras",
        cwd=tmp_path,
        HOME=str(tmp_path),
    )
    assert (tmp_path / "work" / "backbone").is_dir()
    assert not (tmp_path / "~").exists()
