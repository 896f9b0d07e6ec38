"""Lint rules on exercises: each has a stub, a check, a hint, a way to its solution, and files that agree with it."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from nbformat import NotebookNode

from dnt_lab.workbook.exercises import Exercise, drift, find_exercises, refusal_words
from dnt_lab.workbook.lint_tools import Breaches, code_cells, tree_of

LEAST = 3
NBGRADER_KEYS = {"grade", "solution", "locked", "grade_id", "schema_version", "task"}


def enough(nb: NotebookNode, path: Path) -> Breaches:
    """At least three exercises, all of this notebook."""
    exercises = find_exercises(nb, path.parent)
    if len(exercises) < LEAST:
        yield None, f"there are {len(exercises)} exercises, but a notebook has at least {LEAST}"
    for exercise in exercises:
        if path.name[:2].isdigit() and int(exercise.name.partition(".")[0]) != int(path.name[:2]):
            yield exercise.stub_index, f"exercise {exercise.name} belongs to another notebook"


def checked(nb: NotebookNode, path: Path) -> Breaches:
    """Each exercise has a check that gives a hint and, unsolved, says so."""
    for exercise in find_exercises(nb, path.parent):
        if exercise.check_index is None:
            yield exercise.stub_index, f"exercise {exercise.name} has no check cell; build it with cells.check_cell"
            continue
        check = nb.cells[exercise.check_index]
        hints = [cell for cell in nb.cells if f"hint for {exercise.name}<" in cell.source.lower()]
        if "hint=" not in check.source.replace(" ", "") and not hints:
            yield exercise.check_index, f"exercise {exercise.name} has no hint; give its check hint=..."
        said = "".join(output.get("text", "") for output in check.outputs).strip()
        if said != f"{exercise.name} not attempted yet":
            yield (
                exercise.check_index,
                f"check {exercise.name} must say 'not attempted yet' unsolved, but says: {said}",
            )
        if not any(f'reveal("{exercise.name}")' in cell.source for cell in nb.cells):
            yield exercise.stub_index, f'no cell offers workbook.reveal("{exercise.name}"); add cells.reveal_cell'


def nbgrader_metadata(nb: NotebookNode, path: Path) -> Breaches:
    """The metadata nbgrader needs, with an id of its own for each cell."""
    seen = set()
    for index, cell in code_cells(nb):
        meta = cell.metadata.get("nbgrader")
        if meta is None:
            continue
        if missing := sorted(NBGRADER_KEYS - set(meta)):
            yield index, f"the nbgrader metadata lacks {', '.join(missing)}; build the cell with dnt_lab.workbook.cells"
        elif meta["grade_id"] in seen:
            yield index, f"the grade id {meta['grade_id']} is used twice"
        seen.add(meta.get("grade_id"))


def files(nb: NotebookNode, path: Path) -> Breaches:
    """Each exercise has a solution and at least one wrong answer that says how it is refused."""
    for exercise in find_exercises(nb, path.parent):
        where, name = exercise.stub_index, exercise.name
        if not exercise.solution.exists():
            yield where, f"exercise {name} has no solution file solutions/{exercise.solution.name}"
        else:
            solution = exercise.solution.read_text(encoding="utf-8")
            for line in drift(nb.cells[where].source, solution):
                yield where, f"the stub of {name} has drifted from its solution, which lacks the line: {line.strip()}"
        if not exercise.wrong:
            yield where, f"exercise {name} has no wrong answer solutions/wrong/{exercise.solution.stem}_a.py"
        yield from ((where, sentence) for sentence in _unusable(exercise))


def independent(nb: NotebookNode, path: Path) -> Breaches:
    """Later cells use the package's reference, never a student's answer, so that they run unsolved."""
    exercises = find_exercises(nb, path.parent)
    stubs = {e.stub_index for e in exercises}
    answers: set[str] = set()
    for index, cell in code_cells(nb):
        tree = tree_of(cell.source)
        if tree is None:
            continue
        if index not in stubs and "checks.expect(" not in cell.source:
            for name in sorted(answers & _names(tree, ast.Load) - _names(tree, ast.Store)):
                yield index, f"{name} is a student's answer; later cells must use the package's own"
        answers = answers | _names(tree, ast.Store) if index in stubs else answers - _names(tree, ast.Store)


EXERCISE_RULES: dict[str, Callable[[NotebookNode, Path], Breaches]] = {
    "exercise-count": enough,
    "exercise-check": checked,
    "nbgrader": nbgrader_metadata,
    "exercise-files": files,
    "exercise-independence": independent,
}


def _unusable(exercise: Exercise) -> Iterator[str]:
    for wrong in exercise.wrong:
        try:
            refusal_words(wrong)
        except ValueError as error:
            yield re.sub(r"\s+", " ", str(error))


def _names(tree: ast.Module, context: type) -> set[str]:
    """Return the names a cell loads anywhere, or stores at its top level (assignments, functions, classes)."""
    if context is ast.Load:
        own = {n.arg for n in ast.walk(tree) if isinstance(n, ast.arg)}
        return {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)} - own
    stored = {s.name for s in tree.body if isinstance(s, ast.FunctionDef | ast.ClassDef)}
    simple = [s for s in tree.body if not isinstance(s, ast.FunctionDef | ast.ClassDef)]
    walked = (n for s in simple for n in ast.walk(s))
    return stored | {n.id for n in walked if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
