"""Run notebooks headless with papermill: executed copies, seconds, peak memory, and which cell failed with what.

One Python process runs them one after the other (starting papermill costs seconds, a further notebook about one).
An executed copy appears under its name only once it is finished; a run that is cut leaves nothing behind.
"""

import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dnt_lab.workbook import notebooks
from dnt_lab.workbook.processes import PeakMemory, kernel_environment, no_orphans
from dnt_lab.workbook.session import check_profile, check_seed

BUDGET_S = 60.0
BUDGET_MIB = 900.0
# A notebook is never alone: a Binder session also holds JupyterLab's server (measured 95 to 110 MiB).
SERVER_MIB = 110.0
CELL_TIMEOUT_S = 300
# The kernel's own log, on the runner's stderr: that loopback is not encrypted, that its shutdown interrupted it.
# Errors of cells are not in it; they are outputs of the notebook.
QUIET_KERNEL = ["--IPKernelApp.log_level=CRITICAL"]


@dataclass(frozen=True)
class Outcome:
    """How the run of one notebook ended.

    Attributes
    ----------
    notebook : str
        File name.
    status : {"ok", "failed", "timed out", "over budget"}
        ``"over budget"``: it ran, but beyond the seconds or memory of the profile ``"fast"``.
    seconds : float
        Wall time of the last attempt, kernel start included.
    peak_mib : float
        Peak memory of the kernel and its children plus `SERVER_MIB` for JupyterLab's server.
    attempts : int
        2 if the first attempt timed out.
    error : str or None
        One sentence: which cell, which error; or what the budget is.
    executed : str or None
        File name of the executed copy in the output folder.
    """

    notebook: str
    status: str
    seconds: float
    peak_mib: float
    attempts: int = 1
    error: str | None = None
    executed: str | None = None


def check_parameters(paths: Sequence[Path], parameters: Mapping[str, Any]) -> None:
    """Refuse parameters that a notebook does not have, or that `workbook.start` would refuse.

    Raises
    ------
    ValueError, TypeError
        With the notebook's own parameters; papermill alone would only log a wrong name.
    """
    from papermill import inspect_notebook

    if "profile" in parameters:
        check_profile(parameters["profile"])
    if "seed" in parameters:
        check_seed(parameters["seed"])
    for path in paths:
        notebooks.read(path)
        known = list(inspect_notebook(path))
        for name in parameters:
            if name not in known:
                raise ValueError(f"{path.name} has no parameter {name}; it has {', '.join(known) or 'none'}")


def run(
    paths: Sequence[Path],
    output: Path,
    parameters: Mapping[str, Any] | None = None,
    solved: bool = False,
    timeout_s: int = CELL_TIMEOUT_S,
) -> Iterator[Outcome]:
    """Run notebooks one after the other and yield how each ended; a failing one does not stop the others.

    Parameters
    ----------
    paths : sequence of Path
        The notebooks; each runs in its own folder.
    output : Path
        Folder of the executed copies, made if missing.
    parameters : mapping, optional
        Values for the parameters cell.
    solved : bool
        Run solved copies, with checks that raise.
    timeout_s : int
        Longest time a cell may take (nbclient counts whole seconds); a notebook that exceeds it is tried once more.
    """
    parameters = dict(parameters or {})
    check_parameters(paths, parameters)
    output = output.resolve()  # the run changes folder to each notebook's
    output.mkdir(parents=True, exist_ok=True)
    fast = parameters.get("profile", "fast") == "fast"
    for path in (path.resolve() for path in paths):
        outcome = _attempt(path, output, parameters, solved, timeout_s)
        if outcome.status == "timed out":
            outcome = _attempt(path, output, parameters, solved, timeout_s, attempts=2)
        yield _within_budget(outcome) if fast and outcome.status == "ok" else outcome


def _attempt(path: Path, output: Path, parameters: dict, solved: bool, timeout_s: int, attempts: int = 1) -> Outcome:
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(dir=output, prefix=".running-") as scratch, PeakMemory() as memory:
        target = Path(scratch) / path.name
        try:
            source = _solved_file(path, Path(scratch)) if solved else path
        except FileNotFoundError as error:
            status, sentence = "failed", str(error)
        else:
            status, sentence = execute(source, target, path.parent, parameters, solved, timeout_s)
        executed = None
        if target.exists():
            os.replace(target, output / path.name)
            executed = path.name
    seconds = time.perf_counter() - began
    return Outcome(
        path.name, status, round(seconds, 2), round(memory.mib + SERVER_MIB, 1), attempts, sentence, executed
    )


def _solved_file(path: Path, folder: Path) -> Path:
    from dnt_lab.workbook.solve import solved_copy

    source = folder / f"solved_{path.name}"
    notebooks.write(solved_copy(notebooks.read(path), path.parent), source)
    return source


def execute(
    source: Path, target: Path, cwd: Path, parameters: dict, strict: bool, timeout_s: int
) -> tuple[str, str | None]:
    """Execute the notebook `source` into `target`; return its status and, unless it is ok, what went wrong.

    The kernel and whatever it started have ended when this returns or raises.
    """
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    try:
        with kernel_environment(strict), no_orphans():
            papermill.execute_notebook(
                source, target, parameters, cwd=cwd, progress_bar=False, execution_timeout=timeout_s,
                kernel_name="python3", extra_arguments=QUIET_KERNEL,
            )  # fmt: skip
    except papermill.PapermillExecutionError as error:
        what = f"{error.ename}: {(error.evalue.splitlines() or [''])[0]}".rstrip(": ")
        return "failed", f"cell In [{error.exec_count}] ({_first_line(error.source)}): {what}"
    except CellTimeoutError:
        return "timed out", f"{_running_cell(target)} took longer than {timeout_s} s"
    except DeadKernelError:
        return "failed", f"{_running_cell(target)}: the kernel died, most often for lack of memory"
    return "ok", None


def _running_cell(target: Path) -> str:
    # papermill notes when it began each cell; the last one it began was running when all ended.
    cells = [cell for cell in notebooks.read(target).cells if cell.cell_type == "code"]
    begun = [cell for cell in cells if cell.metadata.get("papermill", {}).get("start_time")]
    return f"cell ({_first_line(begun[-1].source)})" if begun else "the first cell"


def _first_line(source: str) -> str:
    lines = [line.strip() for line in source.splitlines() if line.strip()]
    return next((line for line in lines if not line.startswith("#")), "".join(lines[:1]))


def _within_budget(outcome: Outcome) -> Outcome:
    over = []
    if outcome.seconds > BUDGET_S:
        over.append(f"{outcome.seconds:.0f} s of {BUDGET_S:.0f} s")
    if outcome.peak_mib > BUDGET_MIB:
        over.append(f"{outcome.peak_mib:.0f} MiB of {BUDGET_MIB:.0f} MiB")
    if not over:
        return outcome
    return replace(outcome, status="over budget", error=f"took {' and '.join(over)} of the profile fast")
