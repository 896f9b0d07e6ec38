"""Copies of a notebook with its exercises solved, or answered wrongly on purpose, to test that the checks can tell.

Wrong answers go in by rounds: the first wrong answer of every exercise in one copy, the second in the next. That is
allowed because later cells never use a student's answer, and it costs one run a round instead of one per answer.
"""

from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path

from nbformat import NotebookNode

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


def wrong_copies(nb: NotebookNode, folder: Path) -> list[tuple[NotebookNode, dict[str, Path]]]:
    """Return copies that hold every wrong answer once, each with the file that went into each exercise."""
    exercises = find_exercises(nb, folder)
    rounds = []
    for turn in range(max((len(e.wrong) for e in exercises), default=0)):
        here = [e for e in exercises if turn < len(e.wrong)]
        files = {e.name: e.wrong[turn] for e in here}
        rounds.append((_with_sources(nb, {e.stub_index: e.wrong[turn] for e in here}), files))
    return rounds


def check_lines(nb: NotebookNode, folder: Path) -> dict[str, str]:
    """Return what the check of each exercise printed in an executed notebook."""
    lines = {}
    for exercise in find_exercises(nb, folder):
        if exercise.check_index is not None:
            outputs = nb.cells[exercise.check_index].outputs
            lines[exercise.name] = "".join(out.text for out in outputs if out.output_type == "stream").strip()
    return lines


def accepted_wrongly(lines: Mapping[str, str], files: Mapping[str, Path]) -> list[str]:
    """Return a sentence for each wrong answer that was not refused, or not with the words its file asks for."""
    complaints = []
    for exercise, path in files.items():
        line = lines.get(exercise, "")
        try:
            missing = [word for word in refusal_words(path) if word.casefold() not in line.casefold()]
        except ValueError as error:
            complaints.append(str(error))
            continue
        if not line.startswith(f"{exercise} try again"):
            complaints.append(f"{path.name} must be refused, but the check said: {line or 'nothing'}")
        elif missing:
            complaints.append(f"the refusal of {path.name} does not say {' and '.join(map(repr, missing))}: {line}")
    return complaints


def _with_sources(nb: NotebookNode, files: Mapping[int, Path]) -> NotebookNode:
    copy = deepcopy(nb)
    for index, path in files.items():
        copy.cells[index].source = path.read_text(encoding="utf-8").strip("\n")
    for cell in copy.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return copy
