import json
import os
import signal
import subprocess
import sys
import threading

import pytest
from click.testing import CliRunner

from dnt_lab import datasets
from dnt_lab.workbook import cli, compare_outputs, lab, notebooks, runner


@pytest.fixture
def call():
    """Return what a command line answers: exit code, standard output, standard error."""

    def invoke(*arguments):
        result = CliRunner().invoke(cli.main, [str(argument) for argument in arguments])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
        return result.exit_code, result.stdout, result.stderr

    return invoke


WRONG_CALLS = [
    (("fly",), 2, "No such command 'fly'"),
    (("run", "07"), 2, "there is no notebook 07; there are 00, 01"),
    (("run", "--profile", "quick"), 2, "'quick' is not one of 'fast', 'full'"),
    (("run", "-p", "users=3"), 2, "00_start.ipynb has no parameter users; it has profile, seed"),
    (("run", "-p", "seed"), 2, "-p seed is not NAME=VALUE"),
    (("run", "-p", "=3"), 2, "-p =3 is not NAME=VALUE"),
    (("run", "-p", "seed=-1"), 2, "seed is -1, but it must be 0 or more"),
    (("run", "-p", "seed=one"), 2, "seed is 'one', but it must be a whole number, 0 or more"),
    (("run", "-p", "profile=quick"), 2, 'profile is \'quick\', but it must be "fast" or "full"'),
    (("run", "--timeout", "0"), 2, "0 is not in the range x>=1"),
    (("run", "--solved", "--wrong"), 2, "--solved and --wrong exclude each other"),
    (("run", "--output", "a_file"), 2, "Directory 'a_file' is a file"),
    (("lab", "--port", "99999"), 2, "99999 is not in the range 1<=x<=65535"),
    (("check", "7"), 2, "there is no notebook 7; there are 00, 01"),
    (("lint", "x"), 2, "there is no notebook x"),
    (("refresh", "7"), 2, "there is no notebook 7"),
    (("claims", "gone.ipynb"), 2, "File 'gone.ipynb' does not exist"),
    (("claims", "a_file"), 1, "a_file is not a notebook"),
    (("assignment",), 2, "Missing argument 'DESTINATION'"),
    (("assignment", "course", "7"), 2, "there is no notebook 7"),
    (("assignment", "notebooks"), 1, "notebooks is not empty; give a new folder for the course"),
    (("data", "verify", "rome"), 1, "rome"),
    (("data", "fetch", "munich", "there"), 1, "munich comes with the package"),
    (("data", "verify", "milan-kaggle"), 1, "milan-kaggle is a download"),
]


@pytest.mark.parametrize(("arguments", "code", "sentence"), WRONG_CALLS)
def test_wrong_calls_get_one_sentence(workbook_folder, tmp_path, call, arguments, code, sentence):
    (tmp_path / "a_file").write_text("x")
    before = sorted(tmp_path.rglob("*"))
    exit_code, out, err = call(*arguments)
    assert (exit_code, out) == (code, "")
    assert sentence in err and err.count("Error: ") == 1 and "Traceback" not in err
    assert sorted(tmp_path.rglob("*")) == before


def test_outside_a_checkout_the_answer_is_clear(call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(notebooks, "__file__", str(tmp_path / "a" / "b" / "c.py"))
    for command in (["run"], ["lint"], ["check"], ["lab"], ["claims"], ["assignment", "course"]):
        code, _, err = call(*command)
        assert code == 1 and err.startswith("Error: no notebooks in ") and "dnt_lab checkout" in err


def test_help_is_fast_and_complete():
    out = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "dnt_lab.workbook.cli", "--help"], capture_output=True, text=True
    )
    assert out.returncode == 0
    for command in ("assignment", "check", "claims", "data", "doctor", "lab", "lint", "refresh", "run"):
        assert f"\n  {command} " in out.stdout
    for heavy in ("numpy", "nbformat", "papermill", "matplotlib", "torch", "rich", "nbgrader"):
        assert f" {heavy}\n" not in out.stderr
    assert CliRunner().invoke(cli.main, ["--version"]).stdout.startswith("dnt-lab, version ")


def test_run_writes_the_report_and_says_what_failed(workbook_folder, reduced, tmp_path, call):
    reduced(workbook_folder / "00_start.ipynb", "raise KeyError('<bs-7>')")
    code, out, err = call("run", "-p", "seed=3", "--output", "there", "--solved")
    assert code == 1
    assert "00_start.ipynb failed " in out and "01_twins.ipynb ok " in out and "report: there/index.html" in out
    assert "cell In [3] (raise KeyError('<bs-7>')): KeyError: '<bs-7>'; executed copy: there/00_start.ipynb" in err
    assert "TCP" not in err
    there = tmp_path / "there"
    page = (there / "index.html").read_text()
    assert "<h1>1 of 2 notebooks ok</h1>" in page and 'href="00_start.html"' in page and "&lt;bs-7&gt;" in page
    assert '<th scope="row">A1</th>' in page and "bs-7" in (there / "00_start.html").read_text()
    assert "1.2 ok" in (there / "01_twins.ipynb").read_text()
    report = json.loads((there / "report.json").read_text())
    assert [n["status"] for n in report["notebooks"]] == ["failed", "ok"] and report["claims"][0]["seed"] == 3
    assert sorted(p.suffix for p in there.iterdir()) == [".html"] * 3 + [".ipynb"] * 2 + [".json"]
    code, out, _ = call("claims", "there/01_twins.ipynb", "--json")
    assert code == 0 and [(c["id"], c["seed"]) for c in json.loads(out)] == [("A1", 3)]
    code, out, _ = call("claims")
    assert code == 0 and "It counts." in out and "masts: 3, 2 seeds" in out and "holds" in out


def test_run_wrong_refuses_all(one, call):
    code, out, err = call("run", "01", "--wrong")
    assert (code, err) == (0, "") and out.startswith("01_twins.ipynb ok ")
    assert not (one.parents[1] / "out").exists()


def test_lint_check_and_refresh_by_command(one, call, monkeypatch):
    code, out, _ = call("lint")
    assert code == 0 and "0 stored outputs are exempt" in out and "2 notebooks, 0 findings" in out
    nb = notebooks.read(one)
    nb.cells[3].source += ";"
    nb.cells[3].metadata["tags"] = ["nbval-ignore-output"]
    notebooks.write(nb, one)
    code, out, _ = call("lint", "1")
    assert (
        code == 1
        and "01_twins.ipynb cell 3: a semicolon" in out
        and "exempt from comparison\n  01_twins.ipynb cell 3\n" in out
    )
    monkeypatch.setattr(compare_outputs, "nbval", lambda paths, echo: echo("compared") or len(paths))
    assert call("check", "1") == (1, "compared\n", "")
    monkeypatch.setattr("dnt_lab.workbook.refresh.refresh", lambda path: path.name.startswith("01"))
    assert call("refresh") == (0, "00_start.ipynb unchanged\n01_twins.ipynb refreshed\n", "")


def test_data_is_listed_verified_and_fetched(call, monkeypatch, tmp_path):
    code, out, _ = call("data", "list")
    assert code == 0 and all(name in out for name in datasets.available().index)
    code, out, _ = call("data", "verify")
    assert code == 0 and "munich ok (1 file)" in out
    monkeypatch.setattr(datasets, "fetch", lambda name, destination, files: f"{name} {destination} {files}")
    assert call("data", "fetch", "x", "y", "--file", "z")[1] == "x y ('z',)\n"


def test_assignment_by_command(workbook_folder, call):
    code, out, _ = call("assignment", "course", "1")
    assert code == 0 and out.startswith("course/source/01/01_twins.ipynb\nnext: cd course && nbgrader")


def test_ctrl_c_is_said_and_has_its_own_exit_code(workbook_folder, call, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(runner, "check_parameters", interrupted)
    assert call("run") == (130, "", "stopped\n")


def test_lab_opens_notebook_00(workbook_folder, call, monkeypatch):
    command = lab.lab_command(workbook_folder, browser=False, port=8899)
    assert command[:3] == [sys.executable, "-m", "jupyterlab"]
    assert "--LabApp.default_url=/lab/tree/notebooks/00_start.ipynb" in command
    assert "--ServerApp.port_retries=0" in command and "--no-browser" in command
    assert not any("port" in word for word in lab.lab_command(workbook_folder))

    class Server:
        waits = iter([KeyboardInterrupt, KeyboardInterrupt, 3])

        def __init__(self, command, env):
            assert env["OMP_NUM_THREADS"] == "1" and command[-2:] == ["--no-browser", "--allow-root"]

        def wait(self):
            answer = next(self.waits)
            if answer is KeyboardInterrupt:
                raise KeyboardInterrupt
            return answer

    monkeypatch.setattr(lab.subprocess, "Popen", Server)
    assert call("lab", "--no-browser", "--", "--allow-root")[0] == 3


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_terminating_lab_terminates_the_server(workbook_folder, monkeypatch):
    sleeper = [sys.executable, "-c", "import time; time.sleep(60)"]
    monkeypatch.setattr(lab, "lab_command", lambda *_: sleeper)
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGTERM)).start()
    assert lab.serve(workbook_folder) == -signal.SIGTERM
