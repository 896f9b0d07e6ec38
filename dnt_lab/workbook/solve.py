"""Copies of a notebook with its exercises solved, or answered wrongly on purpose, to test that the checks can tell.

All wrong answers go into one copy, each followed by a check of its own, so that one run tries them all. That is allowed
because later cells never use a student's answer.
"""

from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from dnt_lab.workbook.exercises import find_exercises, refusal_words


def solved_copy(nb: NotebookNode, folder: Path) -> NotebookNode:
    """Return a copy of a notebook from `folder` in which each stub is replaced by its solution file.

    Raises
    ------
    FileNotFoundError
        If an exercise has no solution file.
    """
    exercises = find_exercises(nb, folder)
    for exercise in exercises:
        if not exercise.solution.exists():
            raise FileNotFoundError(f"exercise {exercise.name} has no solution: {exercise.solution.name} is missing")
    return _with_sources(nb, {e.stub_index: e.solution for e in exercises})


def wrong_copy(nb: NotebookNode, folder: Path) -> NotebookNode:
    """Return a copy in which each wrong answer stands before a check of its own."""
    wrong = {e.check_index: e.wrong for e in find_exercises(nb, folder)}
    copy, cells = _with_sources(nb, {}), []
    for index, cell in enumerate(copy.cells):
        for path in wrong.get(index, ()):
            cells.append(new_code_cell(path.read_text(encoding="utf-8").strip("\n"), id=f"{path.stem}-answer"))
            cells.append(new_code_cell(cell.source, id=f"{path.stem}-check"))
        cells += [] if wrong.get(index) else [cell]
    copy.cells = cells
    return copy


def accepted_wrongly(executed: NotebookNode, path: Path, exercise: str) -> str | None:
    """Return why the wrong answer in `path` was not refused as its file asks for, in an executed `wrong_copy`.

    None if it was, or if the run stopped before its turn.
    """
    cells = {cell.id: cell for cell in executed.cells}
    try:
        words = refusal_words(path)
    except ValueError as error:
        return str(error)
    stopped = next((out for out in cells[f"{path.stem}-answer"].outputs if out.output_type == "error"), None)
    if stopped:
        return f"{path.name} stopped with {stopped.ename}: {stopped.evalue}"
    check = cells[f"{path.stem}-check"]
    if check.execution_count is None:
        return None
    line = "".join(out.text for out in check.outputs if out.output_type == "stream").strip()
    if not line.startswith(f"{exercise} try again"):
        return f"{path.name} must be refused, but the check said: {line or 'nothing'}"
    missing = [word for word in words if word.casefold() not in line.casefold()]
    return f"the refusal of {path.name} does not say {' and '.join(map(repr, missing))}: {line}" if missing else None


def _with_sources(nb: NotebookNode, files: Mapping[int, Path]) -> NotebookNode:
    copy = deepcopy(nb)
    for index, path in files.items():
        copy.cells[index].source = path.read_text(encoding="utf-8").strip("\n")
    for cell in copy.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return copy
