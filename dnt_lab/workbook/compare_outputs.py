"""Run notebooks and compare every stored output with the fresh one, with nbval in its strict mode."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from dnt_lab.workbook.processes import kernel_environment, stream

SETTINGS = Path(__file__).parent / "nbval"
CELL_TIMEOUT_S = 300


def nbval(paths: Sequence[Path], echo: Callable[[str], None]) -> int:
    """Compare the stored outputs of notebooks with fresh ones; hand nbval's words to `echo`, return its exit code.

    Its own settings apply, not those of the folder it is called from: a project that turns warnings into errors
    would make nbval itself fail.
    """
    command = [
        sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env",
        f"--nbval-sanitize-with={SETTINGS / 'sanitize.cfg'}", f"--nbval-cell-timeout={CELL_TIMEOUT_S}",
        "-c", str(SETTINGS / "pytest.ini"), f"--rootdir={paths[0].parent}", "-p", "no:cacheprovider",
        "--color=yes" if sys.stdout.isatty() else "--color=no", *map(str, paths),
    ]  # fmt: skip
    with kernel_environment():
        return stream(command, echo)
