"""Run notebooks with wrong answers in them and see that every check refuses them, in the words it promises."""

import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from dnt_lab.workbook import notebooks
from dnt_lab.workbook.exercises import find_exercises
from dnt_lab.workbook.processes import PeakMemory
from dnt_lab.workbook.runner import CELL_TIMEOUT_S, SERVER_MIB, Outcome, execute
from dnt_lab.workbook.solve import accepted_wrongly, wrong_copy


def run_wrong(paths: Sequence[Path], timeout_s: int = CELL_TIMEOUT_S) -> Iterator[Outcome]:
    """Run each notebook once with all its wrong answers and yield whether all of them were refused.

    Nothing is kept of the runs but the outcome.
    """
    for path in (path.resolve() for path in paths):
        began = time.perf_counter()
        with tempfile.TemporaryDirectory(prefix="dnt-lab-") as scratch, PeakMemory() as memory:
            complaints = list(_complaints(path, Path(scratch), timeout_s))
        status = "failed" if complaints else "ok"
        seconds, peak_mib = round(time.perf_counter() - began, 2), round(memory.mib + SERVER_MIB, 1)
        yield Outcome(path.name, status, seconds, peak_mib, error="; ".join(complaints) or None)


def _complaints(path: Path, scratch: Path, timeout_s: int) -> Iterator[str]:
    source, target = scratch / path.name, scratch / f"executed_{path.name}"
    nb = notebooks.read(path)
    checked = [exercise for exercise in find_exercises(nb, path.parent) if exercise.check_index is not None]
    answers = [(exercise.name, file) for exercise in checked for file in exercise.wrong]
    if not answers:
        yield "there are no wrong answers in solutions/wrong"
        return
    notebooks.write(wrong_copy(nb, path.parent), source)
    _, error = execute(source, target, path.parent, {}, strict=False, timeout_s=timeout_s)
    if error:
        yield error
    executed = notebooks.read(target)
    yield from filter(None, (accepted_wrongly(executed, file, name) for name, file in answers))
