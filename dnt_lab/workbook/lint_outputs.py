"""Lint rules on what is stored with cells: outputs, execution counts, metadata, sizes.

A rule takes a notebook and its path and yields ``(cell index or None, sentence)`` for every breach.
"""

import re
from collections.abc import Callable
from pathlib import Path

from nbformat import NotebookNode

from dnt_lab.workbook.lint_tools import Breaches, code_cells, outputs, texts

MAX_LINES = 30
MAX_BYTES = 300_000
ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}\b")


def svg_figures(nb: NotebookNode, path: Path) -> Breaches:
    """image/svg+xml is compared text by text, image/png is not."""
    for index, output in outputs(nb):
        if "image/svg+xml" in output.get("data", {}):
            yield index, "an SVG output is compared text by text and differs between machines; show a PNG"


def raises_exception(nb: NotebookNode, path: Path) -> Breaches:
    """Nbval honours the tag, papermill fails at the end."""
    for index, cell in enumerate(nb.cells):
        if "raises-exception" in cell.metadata.get("tags", ()):
            yield index, "the tag raises-exception fails in papermill; show the error with try, except and print"


def addresses(nb: NotebookNode, path: Path) -> Breaches:
    """A memory address differs each run."""
    for index, text in texts(nb):
        if match := ADDRESS.search(text):
            yield index, f"the output holds the address {match[0]}; give the class a __repr__ without one"


def execution_counts(nb: NotebookNode, path: Path) -> Breaches:
    """Stored notebooks are fully executed, from top to bottom."""
    counts = [cell.execution_count for _, cell in code_cells(nb) if cell.source.strip()]
    if counts != list(range(1, len(counts) + 1)):
        yield None, f"execution counts are {counts}, but must run from 1 to {len(counts)}; run dnt-lab refresh"


def error_outputs(nb: NotebookNode, path: Path) -> Breaches:
    """A stored notebook shows neither warnings nor errors."""
    for index, output in outputs(nb):
        if output.get("name") == "stderr":
            yield index, f"the output holds stderr: {output.text.strip().splitlines()[-1]}; mend its cause"
        if output.output_type == "error":
            yield index, f"the cell failed with {output.ename}; mend it, or show the error with try, except and print"


def metadata_noise(nb: NotebookNode, path: Path) -> Breaches:
    """Metadata that changes from run to run fills diffs."""
    from dnt_lab.workbook.refresh import CELL_NOISE, NOTEBOOK_NOISE

    for name in NOTEBOOK_NOISE:
        if name in nb.metadata:
            yield None, f"the notebook's metadata holds {name}; run dnt-lab refresh"
    if "version" in nb.metadata.get("language_info", {}):
        yield None, "the notebook's metadata holds the version of Python; run dnt-lab refresh"
    if nb.metadata.get("kernelspec", {}).get("name") != "python3":
        yield None, "the kernel must be python3, which every Jupyter has; run dnt-lab refresh"
    for index, cell in enumerate(nb.cells):
        for name in CELL_NOISE:
            if name in cell.metadata:
                yield index, f"the cell's metadata holds {name}; run dnt-lab refresh"


def sizes(nb: NotebookNode, path: Path) -> Breaches:
    """A cell fits a screen; a notebook opens fast."""
    if (size := path.stat().st_size) >= MAX_BYTES:
        yield None, f"the file has {size // 1000} kB, but must stay below {MAX_BYTES // 1000} kB; show smaller figures"
    for index, cell in code_cells(nb):
        if (lines := len(cell.source.splitlines())) > MAX_LINES:
            yield index, f"the cell has {lines} lines, but at most {MAX_LINES} fit a screen; split it"


OUTPUT_RULES: dict[str, Callable[[NotebookNode, Path], Breaches]] = {
    "svg": svg_figures,
    "raises-exception": raises_exception,
    "address": addresses,
    "execution-count": execution_counts,
    "error-output": error_outputs,
    "metadata": metadata_noise,
    "size": sizes,
}
