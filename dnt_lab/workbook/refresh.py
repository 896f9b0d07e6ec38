"""Refresh stored outputs: navigation, execution in place, and metadata that would only make noise in a diff."""

import re
from collections.abc import Sequence
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

from dnt_lab.workbook import notebooks
from dnt_lab.workbook.processes import kernel_environment, no_orphans
from dnt_lab.workbook.runner import CELL_TIMEOUT_S, QUIET_KERNEL

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
NOTEBOOK_NOISE = ("papermill", "widgets")
CELL_NOISE = ("papermill", "execution", "trusted")


def refresh(path: Path, timeout_s: int = CELL_TIMEOUT_S) -> bool:
    """Execute one notebook in place, with navigation and clean metadata; return whether the file changed.

    Raises
    ------
    RuntimeError
        If a cell fails, or writes to stderr; the file is then left as it was.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError

    before = path.read_text(encoding="utf-8")
    nb = navigate(notebooks.read(path), path, notebooks.all_notebooks(path.parent))
    client = NotebookClient(
        nb, timeout=timeout_s, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}},
        extra_arguments=QUIET_KERNEL,
    )  # fmt: skip
    try:
        with kernel_environment(), no_orphans():
            client.execute()
    except (CellExecutionError, CellTimeoutError) as error:
        reason = f"{error.ename}: {error.evalue}" if isinstance(error, CellExecutionError) else "a cell took too long"
        raise RuntimeError(f"{path.name} was not refreshed: {reason}") from error
    for index, cell in enumerate(nb.cells):
        for output in cell.get("outputs", ()):
            if output.get("name") == "stderr":
                raise RuntimeError(
                    f"{path.name} was not refreshed: cell {index} wrote to stderr: {output.text.strip()}"
                )
    notebooks.write(strip(nb), path)
    return path.read_text(encoding="utf-8") != before


def strip(nb: NotebookNode) -> NotebookNode:
    """Remove the metadata that differs from run to run and from machine to machine; changes `nb` and returns it."""
    for name in NOTEBOOK_NOISE:
        nb.metadata.pop(name, None)
    nb.metadata["kernelspec"] = dict(KERNEL)
    nb.metadata.get("language_info", {}).pop("version", None)
    for cell in nb.cells:
        for name in CELL_NOISE:
            cell.metadata.pop(name, None)
    return nb


def navigate(nb: NotebookNode, path: Path, series: Sequence[Path]) -> NotebookNode:
    """Put the navigation cell at the end, in place of the one that is there; changes `nb` and returns it."""
    source = navigation(path, series)
    cells = [cell for cell in nb.cells if "navigation" not in cell.metadata.get("tags", ())]
    nb.cells = [*cells, new_markdown_cell(source, id="navigation", metadata={"tags": ["navigation"]})]
    return nb


def navigation(path: Path, series: Sequence[Path]) -> str:
    """Return the markdown that leads from one notebook to its neighbours and to the first one, the contents."""
    names = [p.name for p in series]
    here = names.index(path.name)
    links = []
    if here > 0:
        links.append(f"[Previous: {_title(series[here - 1])}]({names[here - 1]})")
        links.append(f"[Contents]({names[0]})")
    if here + 1 < len(series):
        links.append(f"[Next: {_title(series[here + 1])}]({names[here + 1]})")
    return "---\n" + (" | ".join(links) or f"[Contents]({names[0]})")


def _title(path: Path) -> str:
    first = notebooks.read(path).cells[0].source if notebooks.read(path).cells else ""
    match = re.search(r"^# (.+)$", first, re.MULTILINE)
    return match[1].strip() if match else path.stem
