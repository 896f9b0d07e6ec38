"""The step runner itself: a failure is counted and does not stop the rest, a hung step is ended with its children."""

import importlib.util
import sys
from pathlib import Path

import psutil
import pytest

PATH = Path(__file__).parents[1] / "everything.py"


@pytest.fixture
def everything(monkeypatch):
    spec = importlib.util.spec_from_file_location("everything", PATH)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "everything", module)
    spec.loader.exec_module(module)
    return module


def python(everything, name: str, program: str, **options):
    return everything.Step(name, f"the step {name}", [sys.executable, "-c", program], **options)


def run_main(everything, monkeypatch, steps, *arguments) -> int:
    monkeypatch.setattr(everything, "STEPS", steps)
    monkeypatch.setattr(sys, "argv", ["everything.py", *arguments])
    return everything.main()


def test_a_failed_step_does_not_stop_the_others(everything, monkeypatch, capfd):
    steps = [
        python(everything, "good", "print('one')"),
        python(everything, "bad", "raise SystemExit(3)"),
        python(everything, "absent", "pass", skip="nothing to test"),
        python(everything, "later", "print('still', 'here')"),
    ]
    steps[2].command[-1] = "raise SystemExit(5)"
    assert run_main(everything, monkeypatch, steps) == 1
    lines = capfd.readouterr().out.strip().splitlines()
    assert "still here" in lines
    assert lines[-1] == "2 passed, 1 failed, 1 skipped"
    assert any("failed: exit code 3" in line and "bad" in line for line in lines)
    assert any("skipped: nothing to test" in line for line in lines)


def test_only_the_named_steps_run_and_an_unknown_name_is_refused(everything, monkeypatch, capfd):
    steps = [python(everything, "first", "raise SystemExit(1)"), python(everything, "second", "pass")]
    assert run_main(everything, monkeypatch, steps, "second") == 0
    assert capfd.readouterr().out.endswith("1 passed, 0 failed\n")
    with pytest.raises(SystemExit) as stopped:
        run_main(everything, monkeypatch, steps, "third")
    assert stopped.value.code == 2
    assert "there is no step third; there are first, second" in capfd.readouterr().err


def test_exit_code_5_is_a_failure_where_nothing_may_be_skipped(everything):
    assert everything.run(python(everything, "empty", "raise SystemExit(5)")) == "failed: exit code 5"


def test_a_missing_program_is_named(everything):
    assert everything.run(everything.Step("gone", "", ["no-such-program"])) == "failed: no-such-program is missing"


def test_a_hung_step_is_ended_with_its_children(everything, tmp_path):
    note = tmp_path / "child"
    program = (
        "import subprocess, sys, time, pathlib;"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
        f"pathlib.Path({str(note)!r}).write_text(str(child.pid)); time.sleep(60)"
    )
    outcome = everything.run(python(everything, "hung", program, minutes=0.03))
    assert outcome == "failed: stopped after 0.03 minutes"
    child = int(note.read_text())
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE


def test_every_step_has_a_time_limit_that_lets_ci_end(everything):
    assert len({step.name for step in everything.STEPS}) == len(everything.STEPS)
    assert all(0 < step.minutes <= 20 for step in everything.STEPS)
