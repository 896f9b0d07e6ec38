"""The package as others get it: its wheel, its import, its version, its files."""

import re
import subprocess
import sys
import tomllib
import zipfile
from functools import cache
from pathlib import Path

import pytest
import yaml

import dnt_lab

ROOT = Path(__file__).parents[2]
TEXT_SUFFIXES = {".py", ".md", ".toml", ".yml", ".txt", ".cff", ".ipynb", ".json", ".csv", ".cfg", ""}


@cache
def tracked_files() -> tuple[Path, ...]:
    """All files git knows of, or would: what the next clone contains."""
    git = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(git, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("not a git checkout")
    return tuple(path for line in done.stdout.splitlines() if (path := ROOT / line).is_file())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)], cwd=ROOT, check=True)
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def test_the_wheel_holds_the_code_and_the_data(wheel):
    names = wheel.namelist()
    maps = sorted(path.name for path in (ROOT / "data").glob("*.geojson"))
    assert maps
    assert sorted(n.removeprefix("dnt_lab/_data/") for n in names if n.endswith(".geojson")) == maps
    for path in tracked_files():
        if path.is_relative_to(ROOT / "dnt_lab"):
            assert path.relative_to(ROOT).as_posix() in names
    assert {name.split("/")[0] for name in names} == {"dnt_lab", f"dnt_lab-{dnt_lab.__version__}.dist-info"}


def test_an_installed_wheel_finds_its_data(wheel, tmp_path):
    wheel.extractall(tmp_path)
    program = "import dnt_lab, dnt_lab.datasets as d; print(dnt_lab.__file__); print(len(d.load_city('florence')))"
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    where, n_buildings = done.stdout.split()
    assert Path(where).is_relative_to(tmp_path)
    assert int(n_buildings) > 100


def test_import_of_the_top_package_is_cheap():
    program = "import sys; before = set(sys.modules); import dnt_lab; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert "dnt_lab" in loaded
    assert not loaded & {"torch", "torch_geometric", "matplotlib", "pandas", "numpy", "scipy", "seaborn"}


def test_one_version_everywhere():
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"]
    released = re.search(r"^## \[(\d+\.\d+\.\d+)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)[1]
    assert {pyproject, citation, released} == {dnt_lab.__version__}


def test_licence_and_citation_agree():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["cff-version"] == "1.2.0"
    assert citation["license"] == "MIT"
    assert (ROOT / "LICENSE").read_text().startswith("MIT License")


def test_no_file_names_a_machine():
    """No home or scratch folder and no package mirror: they mean something on one machine only."""
    foreign = re.compile(
        r"(?<![\w.])/(?:work|root|home/(?!me/)\w+|Users/\w+|opt/pypi|opt/wheels)/|file:///|https?://[\w.]*(?:pypi|pythonhosted)"
    )
    found = []
    for path in tracked_files():
        if path.suffix in TEXT_SUFFIXES and path != Path(__file__):
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                if match := foreign.search(line):
                    found.append(f"{path.relative_to(ROOT)}:{number}: {match[0]}")
    assert not found


def test_nothing_generated_is_tracked():
    parts = {part for path in tracked_files() for part in path.relative_to(ROOT).parts}
    assert not parts & {"__pycache__", ".venv", ".ipynb_checkpoints", "out", ".pytest_cache", ".ruff_cache"}


def test_every_module_can_be_read_in_one_sitting():
    long = {p.name: n for p in (ROOT / "dnt_lab").rglob("*.py") if (n := len(p.read_text().splitlines())) > 400}
    assert not long


def test_every_module_says_what_it_is():
    silent = [
        p.relative_to(ROOT) for p in (ROOT / "dnt_lab").rglob("*.py") if not p.read_text().startswith(('"""', 'r"""'))
    ]
    assert not silent
