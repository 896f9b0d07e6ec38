"""Cells that carry an exercise: the stub a student fills, the check below it, and the way to a solution.

They carry nbgrader's metadata (schema 3), which is plain JSON: the student's notebook needs no nbgrader.
Exercise 2 of notebook 01 is called ``"1.2"`` in the text, ``01_2.py`` as a file and ``ex-01-2`` as a grade id.
"""

from textwrap import dedent

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from dnt_lab.workbook.names import exercise_key, exercise_name


def exercise_cell(exercise: str, source: str) -> NotebookNode:
    """Return the code cell a student fills in; `source` is the stub with ``...`` where the answer goes."""
    key = exercise_key(exercise).replace("_", "-")
    return _graded(f"ex-{key}", source, "exercise", grade=False, solution=True, locked=False)


def check_cell(exercise: str, source: str, points: int = 1) -> NotebookNode:
    """Return the code cell that checks an exercise with `checks.expect`; nbgrader grades by it.

    Raises
    ------
    ValueError
        If `source` does not check this exercise, or `points` is not a whole number >= 1.
    """
    key = exercise_key(exercise).replace("_", "-")
    if isinstance(points, bool) or not isinstance(points, int) or points < 1:
        raise ValueError(f"points of exercise {exercise} is {points!r}, but it must be a whole number >= 1")
    if f'expect("{exercise_name(key)}"' not in "".join(source.split()).replace("'", '"'):
        raise ValueError(f'check cell of exercise {exercise} must call checks.expect("{exercise_name(key)}", ...)')
    return _graded(f"check-{key}", source, "check", grade=True, solution=False, locked=True, points=points)


def reveal_cell(exercise: str) -> NotebookNode:
    """Return the folded way out: a cell whose commented line prints a solution when the student runs it."""
    name = exercise_name(exercise_key(exercise))
    source = f'# Stuck, or curious? Remove the # and run this cell.\n# workbook.reveal("{name}")'
    return new_code_cell(source, id=f"reveal-{exercise_key(exercise)}", metadata={"tags": ["reveal"]})


def parameters_cell(seed: int = 1) -> NotebookNode:
    """Return the cell that papermill overrides."""
    source = f'profile = "fast"  # "full" is the scale of the article\nseed = {seed}'
    return new_code_cell(source, id="parameters", metadata={"tags": ["parameters"]})


def hint_cell(exercise: str, hint: str) -> NotebookNode:
    """Return a markdown cell with a hint folded away."""
    key = exercise_key(exercise)
    source = f"<details><summary>Hint for {exercise_name(key)}</summary>\n\n{dedent(hint).strip()}\n\n</details>"
    return new_markdown_cell(source, id=f"hint-{key}")


def _graded(grade_id: str, source: str, tag: str, **flags) -> NotebookNode:
    nbgrader = {"grade_id": grade_id, "schema_version": 3, "task": False, "cell_type": "code", **flags}
    metadata = {"tags": [tag], "nbgrader": nbgrader}
    return new_code_cell(dedent(source).strip("\n"), id=grade_id, metadata=metadata)
