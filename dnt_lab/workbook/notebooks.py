"""Where the notebooks are, which of them is meant, and reading and writing them without half files."""

import os
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

import nbformat

PATTERN = re.compile(r"\d\d_\w+\.ipynb")


def notebooks_folder() -> Path:
    """Return the folder of the workbook's notebooks.

    It is the current folder or ``./notebooks`` if they hold notebooks, else that of the checkout from which
    dnt_lab is imported.

    Raises
    ------
    FileNotFoundError
        If none of them holds a notebook.
    """
    checkout = Path(__file__).resolve().parents[2]
    for folder in (Path.cwd() / "notebooks", Path.cwd(), checkout / "notebooks"):
        if folder.is_dir() and any(PATTERN.fullmatch(path.name) for path in folder.iterdir()):
            return folder
    raise FileNotFoundError(
        f"no notebooks in {Path.cwd()} or its folder notebooks; go to the folder of the dnt_lab checkout and try again"
    )


def all_notebooks(folder: Path) -> list[Path]:
    """Return the numbered notebooks of a folder, in order."""
    return sorted(path for path in folder.iterdir() if PATTERN.fullmatch(path.name))


def select(folder: Path, numbers: Sequence[str] = ()) -> list[Path]:
    """Return the notebooks with these numbers (``"1"``, ``"01"`` or a file name), or all of them.

    Raises
    ------
    LookupError
        If there is no such notebook; says which there are.
    """
    present = {path.name[:2]: path for path in all_notebooks(folder)}
    chosen = []
    for number in numbers:
        name = Path(number).name
        path = present.get(number.zfill(2)) or next((p for p in present.values() if name in (p.name, p.stem)), None)
        if path is None:
            raise LookupError(f"there is no notebook {number}; there are {', '.join(present)}")
        chosen.append(path)
    return sorted(set(chosen)) or list(present.values())


def read(path: Path) -> nbformat.NotebookNode:
    """Return a notebook.

    Raises
    ------
    ValueError
        If the file cannot be read as a notebook.
    """
    try:
        return nbformat.read(path, as_version=4)
    except FileNotFoundError:
        raise ValueError(f"{path} does not exist") from None
    except Exception as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"{path} is not a notebook: {reason}") from error


def write(nb: nbformat.NotebookNode, path: Path) -> None:
    """Write a notebook; whoever looks sees the old file or the whole new one."""
    write_text(nbformat.writes(nb) + "\n", path)


def write_text(text: str, path: Path) -> None:
    """Write a text file; whoever looks sees the old file or the whole new one."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
