"""A workbook of two tiny notebooks that keep every rule, executed once and copied for each test."""

import shutil
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from dnt_lab.workbook import cells, notebooks
from dnt_lab.workbook.refresh import refresh, strip

BADGE = "[![Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2/gh/a/b/HEAD?urlpath=lab/tree/notebooks/{})"
STUBS = {
    1: ("count = ...", 'checks.expect("{n}.1", count, equals=3, hint="count the masts")', "count = 3"),
    2: (
        "def power_db(ratio):\n    # ten times the logarithm\n    return ...",
        'import math\nchecks.expect("{n}.2", power_db, cases=[(10, 10), (1, 0)], hint="log10")',
        "import math\n\n\ndef power_db(ratio):\n    return 10 * math.log10(ratio)",
    ),
    3: (
        "plan = ...",
        'checks.expect("{n}.3", plan, holds={{"both cells keep a user": lambda p: min(p) >= 1}}, hint="share")',
        "plan = [1, 2]",
    ),
}
WRONG = {
    "1_a": "# refused: too large; masts\ncount = 4",
    "2_a": "# refused: should be 10\ndef power_db(ratio):\n    return 20 * ratio",
    "3_a": "# refused: both cells keep a user\nplan = [0, 3]",
}


def build(name: str):
    """Return an unexecuted notebook that keeps the rules."""
    number = int(name[:2])
    nb = new_notebook()
    nb.cells = [
        new_markdown_cell(f"# Notebook {number}\n\nOne promise. {BADGE.format(name)}\n\n5 min, prerequisites: none."),
        new_markdown_cell("## Objectives\n\nYou will be able to count."),
        cells.parameters_cell(),
        new_code_cell(
            "from dnt_lab import workbook\nfrom dnt_lab.workbook import checks\n\n"
            f'lab = workbook.start("{name[:2]}", profile, seed)'
        ),
    ]
    for k, (stub, check, _) in STUBS.items():
        nb.cells += [
            new_markdown_cell(f"## Exercise {number}.{k}"),
            cells.exercise_cell(f"{number}.{k}", stub),
            cells.check_cell(f"{number}.{k}", check.format(n=number), points=2),
            cells.reveal_cell(f"{number}.{k}"),
        ]
    nb.cells += [
        new_markdown_cell("## Claims"),
        new_code_cell(
            'workbook.claims(workbook.Claim("A1", "It counts.", "masts", lab.pick(3, 5), True, "We counted.", seeds=2))'
        ),
        new_markdown_cell("## References\n\nNobody."),
    ]
    return strip(nb)


def reduce_to(path: Path, source: str) -> None:
    """Leave of a stored notebook title, parameters and one code cell: a kernel that imports nothing is quick."""
    nb = notebooks.read(path)
    nb.cells = [nb.cells[0], nb.cells[2], new_code_cell(source)]
    notebooks.write(nb, path)


def write_solutions(folder: Path, number: int) -> None:
    wrong = folder / "solutions" / "wrong"
    wrong.mkdir(parents=True, exist_ok=True)
    for k, (_, _, solution) in STUBS.items():
        (folder / "solutions" / f"{number:02d}_{k}.py").write_text(solution + "\n")
    for key, source in WRONG.items():
        (wrong / f"{number:02d}_{key}.py").write_text(source + "\n")


@pytest.fixture(scope="session")
def executed_workbook(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("workbook") / "notebooks"
    folder.mkdir()
    for name in ("00_start.ipynb", "01_twins.ipynb"):
        notebooks.write(build(name), folder / name)
        write_solutions(folder, int(name[:2]))
    for path in notebooks.all_notebooks(folder):
        refresh(path)
    return folder


@pytest.fixture
def workbook_folder(executed_workbook, tmp_path, monkeypatch) -> Path:
    """Return a fresh copy of the executed notebooks, in the current folder's ``notebooks``."""
    folder = tmp_path / "notebooks"
    shutil.copytree(executed_workbook, folder)
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.fixture
def one(workbook_folder) -> Path:
    """Return the path of a notebook that keeps every rule."""
    return workbook_folder / "01_twins.ipynb"


@pytest.fixture
def reduced() -> callable:
    """Return a function that leaves one code cell of a notebook: ``reduced(path, source)``."""
    return reduce_to


@pytest.fixture
def blank() -> callable:
    """Return the builder of unexecuted notebooks."""
    return build
