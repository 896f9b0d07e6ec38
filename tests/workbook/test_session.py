import os
import subprocess
import sys

import pytest

from dnt_lab import workbook
from dnt_lab.workbook import session


def test_start_returns_frozen_settings_and_says_nothing(capsys):
    lab = workbook.start(1, "full", 7)
    assert repr(lab) == "Settings(notebook='01', profile='full', seed=7)"
    assert lab.full and lab.pick(fast=1, full=2) == 2
    assert workbook.start("01").pick(fast=1, full=2) == 1
    with pytest.raises(AttributeError):
        lab.seed = 3
    assert capsys.readouterr() == ("", "")


def test_start_caps_threads(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "8")

    class Torch:
        threads = 8

        @classmethod
        def set_num_threads(cls, n):
            cls.threads = n

    monkeypatch.setitem(sys.modules, "torch", Torch)
    workbook.start("01")
    assert os.environ["OMP_NUM_THREADS"] == "1" and Torch.threads == 1


@pytest.mark.parametrize(
    ("arguments", "error", "sentence"),
    [
        (("01", "quick", 1), ValueError, 'profile is \'quick\', but it must be "fast" or "full"'),
        (("01", None, 1), ValueError, "profile is None"),
        (("01", "fast", -1), ValueError, "seed is -1, but it must be 0 or more"),
        (("01", "fast", 1.5), TypeError, "seed is 1.5, but it must be a whole number"),
        (("01", "fast", True), TypeError, "seed is True"),
        (("one", "fast", 1), ValueError, "notebook is 'one', but it must be a number from 0 to 99"),
        ((100, "fast", 1), ValueError, "notebook is 100"),
        ((None, "fast", 1), ValueError, "notebook is None"),
    ],
)
def test_start_refuses(arguments, error, sentence):
    with pytest.raises(error) as caught:
        workbook.start(*arguments)
    assert sentence in str(caught.value) or sentence in str(caught.value).replace("'100'", "100")


def test_current_needs_a_start(monkeypatch):
    monkeypatch.setattr(session, "_started", [])
    with pytest.raises(RuntimeError, match="has not been started"):
        session.current()


def test_importing_the_workbook_is_light():
    code = (
        "import sys; from dnt_lab import workbook; from dnt_lab.workbook import checks, cli;"
        "print([m for m in ('numpy', 'nbformat', 'matplotlib', 'torch', 'papermill', 'nbgrader') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
