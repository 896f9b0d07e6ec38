"""The environment files agree: pyproject.toml (pip), constraints.txt (the pins), environment.yml (conda), binder/."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = set(PROJECT["optional-dependencies"])
CONDA_NAMES = {
    "torch": "pytorch-cpu",
    "torch-geometric": "pytorch_geometric",
    "matplotlib": "matplotlib-base",
    "seaborn": "seaborn-base",
    "jupyter-client": "jupyter_client",
}
CONDA_FILES = ["environment.yml", "binder/environment.yml"]


def conda_packages(file: str) -> dict[str, str]:
    """Map each conda package a file asks for to its version range, as written."""
    lines = yaml.safe_load((ROOT / file).read_text())["dependencies"]
    return dict(re.fullmatch(r"([\w.-]+?)\s*([<>=!].*)?", line).groups(default="") for line in lines)


def requirements(*extras: str) -> list[Requirement]:
    optional = PROJECT["optional-dependencies"]
    return [Requirement(line) for group in (PROJECT["dependencies"], *(optional[e] for e in extras)) for line in group]


def pins() -> dict[str, Version]:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line and not line.startswith("#")]
    return {canonicalize_name(name): Version(version) for name, version in (line.split("==") for line in lines)}


@pytest.mark.parametrize("file", CONDA_FILES)
def test_conda_file_has_the_four_parts_conda_reads_and_one_channel(file):
    content = yaml.safe_load((ROOT / file).read_text())
    assert set(content) == {"name", "channels", "dependencies"}
    assert content["name"] == "dnt_lab"
    assert content["channels"] == ["conda-forge"]


@pytest.mark.parametrize("file", CONDA_FILES)
def test_conda_file_installs_nothing_by_path_or_through_pip(file):
    lines = yaml.safe_load((ROOT / file).read_text())["dependencies"]
    assert all(isinstance(line, str) for line in lines), "a pip: section would hide packages from conda's solver"
    assert not [line for line in lines if line.startswith(("-e", "-r", ".", "/")) or "@" in line]


@pytest.mark.parametrize("file", CONDA_FILES)
def test_every_package_in_a_conda_file_says_what_it_is_for(file):
    lines = [line for line in (ROOT / file).read_text().splitlines() if line.startswith("  - ")]
    dependencies = [line for line in lines if "conda-forge" not in line]
    silent = [line for line in dependencies if "#" not in line and not line.startswith("  - python=")]
    assert not silent


def test_conda_users_get_what_pip_users_get():
    asked = conda_packages("environment.yml")
    expected = {CONDA_NAMES.get(r.name, r.name): r.specifier for r in requirements()}
    given = {name: SpecifierSet(text) for name, text in asked.items() if name not in ("python", "pip")}
    assert given == expected
    assert SpecifierSet(asked["python"]) == SpecifierSet(PROJECT["requires-python"])


def test_binder_gets_what_conda_users_get_with_one_python():
    binder, root = conda_packages("binder/environment.yml"), conda_packages("environment.yml")
    python = binder.pop("python")
    assert re.fullmatch(r"=3\.\d+", python), "Binder reads only `python=X.Y`; anything else gives its own default"
    assert Version(python[1:]) in SpecifierSet(root.pop("python"))
    assert binder == root


@pytest.mark.parametrize("name", ["postBuild", "start"])
def test_binder_scripts_run_and_stop_at_the_first_error(name):
    script = ROOT / "binder" / name
    lines = script.read_text().splitlines()
    assert lines[0] == "#!/bin/bash"
    assert os.access(script, os.X_OK)
    assert "set -euo pipefail" in lines


def test_binder_installs_the_package_and_caps_threads():
    assert "pip install --no-cache-dir --no-deps -e ." in (ROOT / "binder/postBuild").read_text()
    start = (ROOT / "binder/start").read_text()
    assert "OMP_NUM_THREADS=1" in start
    assert start.rstrip().endswith('exec "$@"')


def test_there_is_one_folder_for_binder():
    assert not (ROOT / ".binder").exists()
    assert not (ROOT / "binder/environment.yml").is_symlink()


def test_repo2docker_accepts_the_repository(tmp_path):
    for file in [*ROOT.glob("binder/*"), ROOT / "pyproject.toml"]:
        target = tmp_path / file.relative_to(ROOT)
        target.parent.mkdir(exist_ok=True)
        shutil.copy2(file, target)
    command = [sys.executable, "-m", "repo2docker", "--no-build", "--debug", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "python=3.11" in done.stderr
    assert "./binder/postBuild" in done.stdout


def test_pins_lie_in_the_ranges_of_pyproject():
    pinned, asked = pins(), requirements(*EXTRAS)
    missing = [r.name for r in asked if canonicalize_name(r.name) not in pinned]
    assert not missing
    outside = [str(r) for r in asked if pinned[canonicalize_name(r.name)] not in r.specifier]
    assert not outside


def test_pins_say_which_extras_they_were_made_with():
    first = (ROOT / "constraints.txt").read_text().splitlines()[0]
    named = re.search(r"'\.\[([\w,]+)\]'", first)
    assert named, first
    assert set(named[1].split(",")) == EXTRAS


def test_pins_are_plain_names_and_versions():
    assert pins()["torch"] == Version("2.13.0")
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    strange = [line for line in lines if not re.fullmatch(r"#.*|[\w.-]+==[\w.]+", line)]
    assert not strange


def test_this_environment_is_the_pinned_one():
    from importlib.metadata import PackageNotFoundError, version

    different = {}
    for name, pin in pins().items():
        try:
            found = Version(version(name))
        except PackageNotFoundError:  # pins also name packages of other platforms
            continue
        if Version(found.public) != pin:
            different[name] = f"{found} installed, {pin} pinned"
    if os.environ.get("CI"):
        assert not different
    elif different:
        pytest.skip(f"not the pinned environment: {different}")
