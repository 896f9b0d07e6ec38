"""How things of the workbook are called, and refusing what is not called so.

Exercise 2 of notebook 01 is ``"1.2"`` in the text, ``01_2`` in file names and ``ex-01-2`` as nbgrader's grade id.
"""

import re
from numbers import Integral


def exercise_key(exercise: str) -> str:
    """Return ``"01_2"`` for exercise ``"1.2"`` or ``"01.2"``.

    Raises
    ------
    ValueError
        If it is not notebook.exercise.
    """
    match = re.fullmatch(r"(\d{1,2})\.(\d{1,2})", exercise) if isinstance(exercise, str) else None
    if match is None:
        raise ValueError(f'exercise is {exercise!r}, but it must be notebook.exercise such as "1.2"')
    return f"{match[1].zfill(2)}_{int(match[2])}"


def exercise_name(key: str) -> str:
    """Return ``"1.2"`` for the key ``"01_2"`` or the grade id ``"check-01-2"``."""
    notebook, number = re.findall(r"\d+", key)
    return f"{int(notebook)}.{int(number)}"


def notebook_number(notebook: str | int) -> str:
    """Return a notebook's number as two digits, or say what a number looks like."""
    text = f"{notebook:02d}" if isinstance(notebook, Integral) and not isinstance(notebook, bool) else notebook
    if not isinstance(text, str) or not re.fullmatch(r"\d{1,2}", text):
        raise ValueError(f'notebook is {notebook!r}, but it must be a number from 0 to 99 such as "01"')
    return text.zfill(2)
