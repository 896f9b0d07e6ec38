import platform
from importlib import metadata

import pytest
from click.testing import CliRunner

from dnt_lab import datasets
from dnt_lab.workbook import cli, doctor


def said(status):
    return [f"{finding.what} | {finding.mend}" for finding in doctor.examine() if finding.status == status]


def test_a_whole_machine_misses_nothing(workbook_folder):
    result = CliRunner().invoke(cli.main, ["doctor"])
    assert result.exit_code == 0 and "missing" not in result.stdout
    assert f"ok       Python {platform.python_version()}" in result.stdout
    assert "ok       bundled data munich" in result.stdout


def no_package(name):
    raise metadata.PackageNotFoundError(name)


def changed(name):
    raise ValueError(f"{name} has changed")


@pytest.mark.parametrize(
    ("target", "name", "value", "sentence"),
    [
        (platform, "python_version", lambda: "3.9.1", "Python 3.9.1 is not <3.14,>=3.11 | install a Python"),
        (
            metadata,
            "version",
            lambda name: "0.0.1",
            "package numpy is 0.0.1, not <3,>=2.1 | in the checkout, run",
        ),
        (metadata, "version", no_package, "package numpy is not installed | in the checkout, run: make venv"),
        (datasets, "verify", changed, "bundled data munich: munich has changed | restore the folder data"),
        (doctor, "MIN_FREE_MIB", 10**9, "of memory free, a notebook needs 1000000000 | close other programs"),
    ],
)
def test_what_is_missing_comes_with_how_to_mend_it(workbook_folder, monkeypatch, target, name, value, sentence):
    monkeypatch.setattr(target, name, value)
    assert any(sentence in line for line in said("missing")), said("missing")
    assert CliRunner().invoke(cli.main, ["doctor"]).exit_code == 1


def test_a_missing_or_foreign_kernel_is_found(workbook_folder, monkeypatch, tmp_path):
    from jupyter_client.kernelspec import KernelSpec, KernelSpecManager, NoSuchKernel

    monkeypatch.setattr(KernelSpecManager, "get_kernel_spec", lambda *_: KernelSpec(argv=[str(tmp_path), "-m", "x"]))
    assert any("not this Python | run: " in line and "ipykernel install" in line for line in said("missing"))
    monkeypatch.setattr(KernelSpecManager, "get_kernel_spec", lambda *_: KernelSpec(argv=["python", "-m", "x"]))
    assert said("missing") == []

    def none(*_):
        raise NoSuchKernel("python3")

    monkeypatch.setattr(KernelSpecManager, "get_kernel_spec", none)
    assert any(line.startswith("Jupyter has no kernel python3 | run: ") for line in said("missing"))


def test_missing_notebooks_are_found(monkeypatch, tmp_path):
    from dnt_lab.workbook import notebooks

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(notebooks, "__file__", str(tmp_path / "a" / "b" / "c.py"))
    assert any(line.startswith("no notebooks in ") and "checkout" in line for line in said("missing"))


def test_what_is_only_good_to_know_is_a_note(workbook_folder, monkeypatch):
    monkeypatch.setattr(doctor.shutil, "which", lambda name: None if "chrom" in name else f"/bin/{name}")
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    notes = " ".join(said("note"))
    assert "no Chromium" in notes and "OMP_NUM_THREADS is not 1" in notes and "writes no bytecode" in notes
    monkeypatch.setattr(metadata, "version", no_package)
    assert "no nbgrader; only grading needs it | pip install nbgrader" in said("note")
