"""One file for one `Traffic`: numpy's npz, written through a temporary file so that it is whole or not there."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np

from dnt_lab.datasets.traffic import Traffic

_FIELDS = ("values", "services", "start", "cell_ids", "source")


def save_npz(path: Path, **arrays) -> None:
    """Write arrays to `path`: first to ``path.tmp`` beside it, then in one step under its own name."""
    temporary = path.with_name(path.name + ".tmp")
    with open(temporary, "wb") as file:
        np.savez(file, **arrays)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def save_traffic(traffic: Traffic, path: str | Path, **extra) -> Path:
    """Write traffic to one file; `extra` arrays go along under their names. Return the path.

    A killed write leaves the old file, or none, but never half of one.
    """
    path = Path(path)
    extra |= {name: np.asarray(getattr(traffic, name)) for name in _FIELDS}
    save_npz(path, **extra)
    return path


def load_traffic(path: str | Path) -> Traffic:
    """Read what `save_traffic` or `convert_dataverse` wrote.

    Raises
    ------
    ValueError
        If the file is damaged or something else.
    """
    path = Path(path)
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as stored:
            found = {name: stored[name] for name in _FIELDS}
    except (zipfile.BadZipFile, EOFError, KeyError, ValueError, AttributeError, TypeError):
        raise ValueError(
            f"{path.name} is not a whole traffic file written by dnt_lab; convert or save it again."
        ) from None
    return Traffic(
        values=found["values"],
        services=tuple(str(name) for name in found["services"]),
        start=found["start"][()],
        cell_ids=found["cell_ids"],
        source=str(found["source"]),
    )
