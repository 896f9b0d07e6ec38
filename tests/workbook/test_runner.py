import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from dnt_lab.workbook import notebooks, runner
from dnt_lab.workbook.processes import end, no_orphans
from dnt_lab.workbook.wrong_answers import run_wrong


def children():
    return set(psutil.Process().children(recursive=True))


def test_a_run_measures_and_keeps_the_executed_copy(one, reduced, tmp_path, monkeypatch):
    # 200 MB are held for half a second, in the notebook's folder, on one thread, with the parameters handed over
    reduced(
        one,
        "import os, time\nheld = bytearray(200_000_000)\ntime.sleep(0.5)\n"
        "print(os.path.basename(os.getcwd()), os.environ['OMP_NUM_THREADS'], profile, seed)",
    )
    stored = one.read_bytes()
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    before = children()
    (outcome,) = runner.run([one], tmp_path / "out", {"profile": "full", "seed": 5})
    assert (outcome.status, outcome.error, outcome.attempts) == ("ok", None, 1)
    assert outcome.seconds > 0.5
    assert 200 + runner.SERVER_MIB < outcome.peak_mib < 900
    assert os.environ["OMP_NUM_THREADS"] == "4" and children() == before
    executed = notebooks.read(tmp_path / "out" / outcome.executed)
    assert executed.cells[-1].outputs[0].text == "notebooks 1 full 5\n"
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["01_twins.ipynb"]
    assert one.read_bytes() == stored


def test_a_wrong_solution_fails_in_the_solved_copy(one, tmp_path):
    (one.parent / "solutions" / "01_2.py").write_text("def power_db(ratio):\n    return ratio\n")
    (outcome,) = runner.run([one], tmp_path, solved=True)
    assert outcome.status == "failed" and "CheckFailed: 1.2 try again: power_db(1) should be 0, got 1" in outcome.error
    assert "1.1 ok" in (tmp_path / one.name).read_text()


def test_wrong_answers_that_pass_or_break_the_notebook_are_reported(one):
    wrong = one.parent / "solutions" / "wrong"
    (wrong / "01_1_a.py").write_text("# refused: too small\ncount = 3\n")
    (wrong / "01_2_b.py").write_text("# refused: anything\nraise RuntimeError('typo')\n")
    (wrong / "01_3_a.py").write_text("plan = [0, 3]\n")
    (outcome,) = run_wrong([one])
    assert outcome.status == "failed"
    assert "01_1_a.py must be refused, but the check said: 1.1 ok" in outcome.error
    assert "01_3_a.py must begin with '# refused:" in outcome.error
    assert "01_2_b.py stopped with RuntimeError: typo" in outcome.error
    for path in wrong.iterdir():
        path.unlink()
    (outcome,) = run_wrong([one])
    assert outcome.error == "there are no wrong answers in solutions/wrong"


def test_a_timeout_is_tried_once_more_and_a_failure_is_not(one, tmp_path, monkeypatch):
    ends = ["timed out", "ok", "failed"]

    def attempt(path, *_, attempts=1):
        return runner.Outcome(path.name, ends.pop(0), 1.0, 200.0, attempts)

    monkeypatch.setattr(runner, "_attempt", attempt)
    outcomes = list(runner.run([one, one], tmp_path))
    assert [(o.status, o.attempts) for o in outcomes] == [("ok", 2), ("failed", 1)] and ends == []


def test_a_cell_that_takes_too_long_is_named_and_its_kernel_ended(one, reduced, tmp_path):
    reduced(one, "import time\ntime.sleep(60)")
    before = children()
    outcome = runner._attempt(one, tmp_path, {}, False, timeout_s=2)
    assert outcome.status == "timed out" and outcome.error == "cell (import time) took longer than 2 s"
    assert (tmp_path / outcome.executed).exists() and children() == before


def test_a_dead_kernel_is_reported(one, reduced, tmp_path):
    reduced(one, "import os\nos._exit(1)")
    (outcome,) = runner.run([one], tmp_path)
    assert outcome.status == "failed" and "(import os): the kernel died" in outcome.error


def test_a_missing_solution_fails_only_its_own_notebook(workbook_folder, tmp_path, monkeypatch):
    paths = notebooks.all_notebooks(workbook_folder)
    (workbook_folder / "solutions" / "00_1.py").unlink()
    monkeypatch.setattr(runner, "execute", lambda *_: ("ok", None))
    first, second = runner.run(paths, tmp_path, solved=True)
    assert (first.status, first.error) == ("failed", "exercise 0.1 has no solution: 00_1.py is missing")
    assert (second.status, second.error) == ("ok", None)


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
def test_an_interrupt_leaves_no_kernel_and_no_half_file(one, reduced, tmp_path, number):
    asleep, out = tmp_path / "asleep", tmp_path / "out"
    reduced(one, f"import os, time\nos.mkdir({str(asleep)!r})\ntime.sleep(300)")
    command = [sys.executable, "-m", "dnt_lab.workbook.cli", "run", "01", "--output", str(out)]
    process = psutil.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not asleep.exists():
        assert process.poll() is None and time.monotonic() < deadline, process.communicate(timeout=1)
        time.sleep(0.1)
    family = process.children(recursive=True)
    assert family and list(out.glob(".running-*/01_twins.ipynb"))
    os.kill(process.pid, number)
    _, stderr = process.communicate(timeout=30)
    # A shell shows 130 for both; CPython ends itself by SIGINT if the interrupt struck inside an exec of a string.
    assert process.returncode in (130, -signal.SIGINT)
    assert stderr == "stopped\n"
    assert psutil.wait_procs(family, timeout=5)[1] == []
    assert list(out.iterdir()) == []


def test_orphans_are_ended_even_if_they_ignore_it():
    stubborn = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint(flush=True)\ntime.sleep(60)"
    with no_orphans():
        process = psutil.Popen([sys.executable, "-c", stubborn], stdout=subprocess.PIPE)
        process.stdout.readline()
        end({process}, patience_s=0.2)
        assert process.wait(5) == -signal.SIGKILL
    process.stdout.close()
