import json
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest
from nbformat.v4 import new_code_cell

from dnt_lab.workbook import notebooks, runner
from dnt_lab.workbook.claim_table import claims_of
from dnt_lab.workbook.processes import end, no_orphans
from dnt_lab.workbook.report import write_report
from dnt_lab.workbook.wrong_answers import run_wrong


def with_cell(path, source):
    """Add a code cell before the claims of a stored notebook."""
    nb = notebooks.read(path)
    nb.cells.insert(-4, new_code_cell(source))
    notebooks.write(nb, path)


def children():
    return set(psutil.Process().children(recursive=True))


def test_a_run_measures_and_keeps_the_executed_copy(one, tmp_path, monkeypatch):
    # 200 MB are held for half a second, in the notebook's folder, on one thread, with the parameters handed over
    with_cell(
        one,
        "import os, time\nheld = bytearray(200_000_000)\ntime.sleep(0.5)\n"
        "print(os.path.basename(os.getcwd()), os.environ['OMP_NUM_THREADS'], lab)",
    )
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    before = children()
    (outcome,) = runner.run([one], tmp_path / "out", {"profile": "full", "seed": 5})
    assert (outcome.status, outcome.error, outcome.attempts) == ("ok", None, 1)
    assert outcome.seconds > 0.5
    assert 200 + runner.SERVER_MIB < outcome.peak_mib < 900
    assert os.environ["OMP_NUM_THREADS"] == "4" and children() == before
    executed = notebooks.read(tmp_path / "out" / outcome.executed)
    said = [output.text for cell in executed.cells for output in cell.get("outputs", ()) if "text" in output]
    assert "notebooks 1 Settings(notebook='01', profile='full', seed=5)\n" in said
    assert claims_of(executed)[0]["value"] == 5
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["01_twins.ipynb"]
    assert "seed=5" not in one.read_text()


def test_a_failing_notebook_names_cell_and_error_and_the_others_still_run(workbook_folder, tmp_path):
    first, second = notebooks.all_notebooks(workbook_folder)
    with_cell(first, "1 / 0")
    failed, ok = runner.run([first, second], tmp_path)
    assert failed.status == "failed" and failed.executed == first.name
    assert failed.error.endswith("(1 / 0): ZeroDivisionError: division by zero") and "cell In [" in failed.error
    assert "ZeroDivisionError" in (tmp_path / first.name).read_text()
    assert ok.status == "ok"
    index = write_report([failed, ok], tmp_path, "fast", solved=False)
    page = index.read_text()
    assert "<h1>1 of 2 notebooks ok</h1>" in page and 'href="00_start.html"' in page and "ZeroDivisionError" in page
    assert '<th scope="row">A1</th>' in page
    report = json.loads((tmp_path / "report.json").read_text())
    assert [n["status"] for n in report["notebooks"]] == ["failed", "ok"] and report["claims"][0]["id"] == "A1"
    assert "ZeroDivisionError" in (tmp_path / "00_start.html").read_text()


def test_solved_copies_pass_and_a_wrong_solution_fails(one, tmp_path):
    (outcome,) = runner.run([one], tmp_path, solved=True)
    assert outcome.status == "ok"
    assert "1.2 ok" in (tmp_path / one.name).read_text() and "not attempted" not in (tmp_path / one.name).read_text()
    (one.parent / "solutions" / "01_1.py").write_text("count = 4\n")
    (outcome,) = runner.run([one], tmp_path, solved=True)
    assert outcome.status == "failed" and "CheckFailed: 1.1 try again: 4 is too large" in outcome.error


def test_wrong_answers_that_pass_or_break_the_notebook_are_reported(one):
    wrong = one.parent / "solutions" / "wrong"
    (wrong / "01_1_a.py").write_text("# refused: too small\ncount = 3\n")
    (wrong / "01_2_b.py").write_text("# refused: anything\nraise RuntimeError('typo')\n")
    (outcome,) = run_wrong([one])
    assert outcome.status == "failed"
    assert "01_1_a.py must be refused, but the check said: 1.1 ok" in outcome.error
    assert "with 01_2_b.py: cell In [" in outcome.error and "RuntimeError: typo" in outcome.error
    for path in wrong.iterdir():
        path.unlink()
    (outcome,) = run_wrong([one])
    assert outcome.error == "there are no wrong answers in solutions/wrong"


def test_a_timeout_is_tried_once_more(one, tmp_path):
    flag = tmp_path / "slept"
    with_cell(
        one, f"import os, time\nif not os.path.exists({str(flag)!r}):\n    open({str(flag)!r}, 'w')\n    time.sleep(60)"
    )
    (outcome,) = runner.run([one], tmp_path / "out", timeout_s=3)
    assert (outcome.status, outcome.attempts) == ("ok", 2)


def test_a_second_timeout_is_reported_with_the_cell(one, tmp_path):
    with_cell(one, "import time\ntime.sleep(60)")
    before = children()
    outcome = runner._attempt(one, tmp_path, {}, False, timeout_s=2, attempts=2)
    assert (outcome.status, outcome.attempts) == ("timed out", 2)
    assert outcome.error == "cell (import time) took longer than 2 s"
    assert (tmp_path / outcome.executed).exists() and children() == before


def test_a_dead_kernel_is_reported(one, tmp_path):
    with_cell(one, "import os\nos._exit(1)")
    (outcome,) = runner.run([one], tmp_path)
    assert outcome.status == "failed" and "(import os): the kernel died" in outcome.error


@pytest.mark.parametrize(
    ("seconds", "mib", "profile", "status", "sentence"),
    [
        (60.0, 900.0, "fast", "ok", None),
        (61.0, 100.0, "fast", "over budget", "took 61 s of 60 s of the profile fast"),
        (61.0, 950.0, "fast", "over budget", "took 61 s of 60 s and 950 MiB of 900 MiB of the profile fast"),
        (61.0, 950.0, "full", "ok", None),
    ],
)
def test_budgets_hold_in_the_profile_fast(one, tmp_path, monkeypatch, seconds, mib, profile, status, sentence):
    measured = runner.Outcome(one.name, "ok", seconds, mib)
    monkeypatch.setattr(runner, "_attempt", lambda *_, **__: measured)
    (outcome,) = runner.run([one], tmp_path, {"profile": profile})
    assert (outcome.status, outcome.error) == (status, sentence)


@pytest.mark.parametrize(
    ("parameters", "error", "sentence"),
    [
        ({"users": 3}, ValueError, "01_twins.ipynb has no parameter users; it has profile, seed"),
        ({"profile": "quick"}, ValueError, "profile is 'quick'"),
        ({"seed": -1}, ValueError, "seed is -1"),
        ({"seed": "one"}, TypeError, "seed is 'one'"),
    ],
)
def test_bad_parameters_are_refused_before_anything_runs(one, tmp_path, parameters, error, sentence):
    with pytest.raises(error, match=sentence):
        list(runner.run([one], tmp_path / "out", parameters))
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_no_kernel_and_no_half_file(one, tmp_path, number):
    with_cell(one, "import os, time\nprint('asleep')\ntime.sleep(300)")
    out = tmp_path / "out"
    command = [sys.executable, "-m", "dnt_lab.workbook.cli", "run", "01", "--output", str(out)]
    process = psutil.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    family = wait_for_the_sleeping_kernel(process, out)
    os.kill(process.pid, number)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130 and stderr.strip().endswith("stopped") and "Traceback" not in stderr
    assert psutil.wait_procs(family, timeout=5)[1] == []
    assert list(out.iterdir()) == []


def wait_for_the_sleeping_kernel(process, out):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if any("asleep" in path.read_text() for path in out.glob(".running-*/*.ipynb") if path.stat().st_size):
            return process.children(recursive=True)
        time.sleep(0.1)
    raise AssertionError(f"the notebook did not start: {process.communicate(timeout=1)}")


def test_orphans_are_ended_even_if_they_ignore_it():
    stubborn = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint(flush=True)\ntime.sleep(60)"
    with no_orphans():
        process = psutil.Popen([sys.executable, "-c", stubborn], stdout=subprocess.PIPE)
        process.stdout.readline()
        end({process}, patience_s=0.2)
        assert process.wait(5) == -signal.SIGKILL
    process.stdout.close()
