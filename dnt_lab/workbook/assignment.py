"""Weave notebooks and their solutions into the source of an nbgrader course.

The source cell of an exercise holds the student's stub, then the solution between nbgrader's markers. The solution
redefines whatever the stub defined, and because the generated stub of a marked region is empty (`CONFIG`), the
released cell is the stub exactly as it stands in the workbook.
"""

import shutil
import tempfile
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path

from nbformat import NotebookNode

from dnt_lab.workbook import notebooks
from dnt_lab.workbook.exercises import find_exercises
from dnt_lab.workbook.refresh import strip

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
CONFIG = '''"""nbgrader course made by `dnt-lab assignment`; run nbgrader's commands in this folder."""

c = get_config()  # noqa: F821
c.CourseDirectory.course_id = "dnt_lab"
# Nothing in place of a solution: the student's stub stands above it already.
c.ClearSolutions.code_stub = {"python": ""}
c.ExecutePreprocessor.timeout = 300
'''


def write_course(paths: Sequence[Path], destination: Path) -> list[Path]:
    """Write an nbgrader course with one assignment per notebook, named by its number; return the notebooks written.

    Parameters
    ----------
    paths : sequence of Path
        Notebooks with solutions beside them.
    destination : Path
        A new or empty folder; it appears whole or not at all.

    Raises
    ------
    FileExistsError
        If `destination` holds something.
    FileNotFoundError
        If an exercise has no solution file.
    """
    if destination.exists() and (not destination.is_dir() or any(destination.iterdir())):
        raise FileExistsError(f"{destination} is not empty; give a new folder for the course")
    destination.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=destination.parent, prefix=".course-") as scratch:
        course = Path(scratch) / "course"
        for path in paths:
            folder = course / "source" / path.name[:2]
            folder.mkdir(parents=True)
            notebooks.write(woven(notebooks.read(path), path.parent), folder / path.name)
        notebooks.write_text(CONFIG, course / "nbgrader_config.py")
        if destination.exists():
            destination.rmdir()
        shutil.move(course, destination)
    return [destination / "source" / path.name[:2] / path.name for path in paths]


def woven(nb: NotebookNode, folder: Path) -> NotebookNode:
    """Return a copy of a notebook with each solution behind its stub, and no cell that would reveal one.

    Raises
    ------
    FileNotFoundError
        If an exercise has no solution file in ``folder/solutions``.
    """
    copy = strip(deepcopy(nb))
    for exercise in find_exercises(copy, folder):
        if not exercise.solution.exists():
            raise FileNotFoundError(f"exercise {exercise.name} has no solution: {exercise.solution.name} is missing")
        solution = exercise.solution.read_text(encoding="utf-8").strip("\n")
        cell = copy.cells[exercise.stub_index]
        cell.source = "\n".join([cell.source.rstrip(), BEGIN, solution, END])
    copy.cells = [cell for cell in copy.cells if not {"reveal", "navigation"} & set(cell.metadata.get("tags", ()))]
    for cell in copy.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return copy
