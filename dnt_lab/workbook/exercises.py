"""Exercises of a notebook and their files: solutions, wrong answers, and the guard against drift between them.

``notebooks/solutions/01_2.py`` is the code that replaces the stub of exercise 1.2. Beside it,
``notebooks/solutions/wrong/01_2_a.py``, ``01_2_b.py`` ... are plausible wrong answers; their first line,
``# refused: too small; decibel``, lists what the check must say of them, separated by semicolons.
"""

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dnt_lab.workbook.names import exercise_key, exercise_name

if TYPE_CHECKING:
    from nbformat import NotebookNode


@dataclass(frozen=True)
class Exercise:
    """One exercise: where its cells are in the notebook, and its files."""

    name: str
    stub_index: int
    check_index: int | None
    solution: Path
    wrong: tuple[Path, ...]


def find_exercises(nb: "NotebookNode", folder: Path) -> list[Exercise]:
    """Return the exercises of a notebook that lives in `folder`, in order; its files may be missing."""
    ids: dict[str, int] = {}
    for index, cell in enumerate(nb.cells):
        if grade_id := _grade_id(cell):
            ids.setdefault(grade_id, index)
    found = []
    for grade_id, index in ids.items():
        if not grade_id.startswith("ex-"):
            continue
        key = grade_id.removeprefix("ex-").replace("-", "_")
        solutions = folder / "solutions"
        wrong = tuple(sorted((solutions / "wrong").glob(f"{key}_*.py")))
        check = ids.get(grade_id.replace("ex-", "check-", 1))
        found.append(Exercise(exercise_name(key), index, check, solutions / f"{key}.py", wrong))
    return found


def refusal_words(wrong: Path) -> list[str]:
    """Return what the check must say of a wrong answer, from its file's first line.

    Raises
    ------
    ValueError
        If the first line does not say so.
    """
    first_line = wrong.read_text(encoding="utf-8").partition("\n")[0]
    words = [word.strip() for word in first_line.partition("# refused:")[2].split(";") if word.strip()]
    if not words:
        raise ValueError(f"{wrong.name} must begin with '# refused: words of the refusal; more words'")
    return words


def drift(stub: str, solution: str) -> list[str]:
    """Return the lines of a stub that are neither in its solution (in order) nor a placeholder or comment.

    A stub is its solution with some lines replaced by ``...``; whatever else differs was changed in one of the two
    and forgotten in the other.
    """
    old, new = stub.strip().splitlines(), solution.strip().splitlines()
    matcher = difflib.SequenceMatcher(a=old, b=new, autojunk=False)
    changed = [line for tag, a, b, _, _ in matcher.get_opcodes() if tag != "equal" for line in old[a:b]]
    return [line for line in changed if line.strip() and "..." not in line and not line.strip().startswith("#")]


def reveal(exercise: str) -> None:
    """Print a solution of an exercise.

    Parameters
    ----------
    exercise : str
        Notebook and exercise, ``"1.2"``.

    Raises
    ------
    ValueError
        If `exercise` is not notebook.exercise.
    """
    from dnt_lab.workbook.notebooks import notebooks_folder

    key = exercise_key(exercise)
    try:
        folder = notebooks_folder() / "solutions"
    except FileNotFoundError as error:
        print(f"The solutions are beside the notebooks, but there are {error}.")
        return
    if (path := folder / f"{key}.py").exists():
        print(path.read_text(encoding="utf-8").rstrip())
        return
    same = ", ".join(exercise_name(p.stem) for p in sorted(folder.glob(f"{key[:2]}_*.py")))
    print(f"There is no solution of {exercise}; notebook {key[:2]} has solutions of {same or 'no exercise'}.")


def _grade_id(cell: "NotebookNode") -> str | None:
    return cell.metadata.get("nbgrader", {}).get("grade_id")
