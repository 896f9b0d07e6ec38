import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from dnt_lab.datasets import bundled
from dnt_lab.datasets.data_files import checksums, data_folder

ROOT = Path(__file__).resolve().parents[2]


def test_a_checkout_reads_the_folder_data():
    assert data_folder() == ROOT / "data"
    assert bundled("milan_facts.json") == ROOT / "data" / "milan_facts.json"


def test_checksums_cover_every_data_file_and_match():
    files = {p.name for p in (ROOT / "data").iterdir()} - {"README.md", "checksums"}
    assert set(checksums()) == files
    for name, digest in checksums().items():
        assert hashlib.sha256((ROOT / "data" / name).read_bytes()).hexdigest() == digest


def test_the_readme_speaks_of_every_data_file():
    text = (ROOT / "data" / "README.md").read_text()
    assert [name for name in checksums() if name not in text] == []
    assert "(c) OpenStreetMap contributors, ODbL 1.0; converted from the sionna-rt 2.2.0 scenes" in text


def test_a_wheel_reads_the_data_inside_the_package(tmp_path):
    wheel = pytest.importorskip("hatchling.builders.wheel", reason="needs hatchling to build a wheel")
    built = next(wheel.WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"]))
    place = tmp_path / "site"
    zipfile.ZipFile(built).extractall(place)
    code = (
        "from dnt_lab.datasets import bundled, load_city; print(len(load_city('etoile')), bundled('milan_facts.json'))"
    )
    environment = os.environ | {"PYTHONPATH": str(place)}
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert answer.stdout.split() == ["279", str(place / "dnt_lab" / "_data" / "milan_facts.json")]


def test_a_package_without_its_data_says_where_it_looked(monkeypatch, tmp_path):
    monkeypatch.setattr("dnt_lab.datasets.data_files._PACKAGE", tmp_path / "dnt_lab")
    with pytest.raises(FileNotFoundError, match=r"neither in .*_data nor in .*data: install dnt_lab again"):
        data_folder()


def test_importing_datasets_leaves_heavy_libraries_alone():
    code = (
        "import sys, dnt_lab.datasets; "
        "print([m for m in ('pandas', 'h5py', 'pooch', 'requests', 'torch', 'matplotlib') if m in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
