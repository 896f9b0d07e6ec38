"""Real Milan data where the user says it lies: one argument or one environment variable, whatever copy it is.

The simplest copy is a wide CSV, one row per local hour and one column per cell, as pandas writes
``traffic.to_frame("internet").to_csv("milan.csv.gz")``.
"""

from __future__ import annotations

import gzip
import os
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from dnt_lab.datasets._checks import one_of
from dnt_lab.datasets._day_totals import N_CELLS
from dnt_lab.datasets.dataverse import SOURCE
from dnt_lab.datasets.other_copies import read_fedda, read_kaggle
from dnt_lab.datasets.traffic import SERVICES, Traffic
from dnt_lab.datasets.traffic_file import load_traffic

VARIABLE = "DNT_LAB_MILAN"
_DAILY = "sms-call-internet-mi-*.txt"
_HOUR = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:00(?::00)?")
# Empty is no record. So many digits and no more, because larger numbers overflow float32 to infinity.
_AMOUNT = re.compile(r"(?:(?:[0-9]{1,18}(?:\.[0-9]*)?|\.[0-9]+)(?:[eE](?:-[0-9]+|\+?[01]?[0-9]))?)?")


def read_hourly_csv(path: str | Path, service: str = "internet") -> Traffic:
    """Read one service from a wide CSV: a row per hour, a column per cell.

    Parameters
    ----------
    path : str or Path
        A text file, or one packed with gzip whose name ends in ``.gz``. The first line is ``time`` and the ids of
        the cells (1 to 10,000, in any order); each line after it is the local start of an hour
        (``2013-11-01 00:00``) and the activity per cell, empty where there is no record. Hours follow one another.
    service : str
        What the numbers are: ``"sms"``, ``"call"`` or ``"internet"``; the file does not say it.

    Returns
    -------
    Traffic
        One service; cells ascending; NaN for an empty field.

    Raises
    ------
    ValueError
        If the file is cut off or not of this layout; the sentence names file and line.
    """
    path = Path(path)
    one_of("The service", service, SERVICES)
    lines = _fields_of_lines(path)
    ids = _ids_of(path.name, next(lines))
    first, rows = None, []
    for number, (time, *amounts) in enumerate(lines, 2):
        where = f"{path.name}, line {number}"
        if len(amounts) != len(ids):
            raise ValueError(f"{where}: {len(amounts) + 1} fields, but must be {len(ids) + 1} parted by ','.")
        hour = _hour_of(where, time)
        first = hour if first is None else first
        if hour != first + len(rows):
            due = str(first + len(rows)).replace("T", " ")
            raise ValueError(f"{where}: time is {time}, but must be {due}:00; no hour may be left out or come twice.")
        for cell, amount in zip(ids, amounts, strict=True):
            if not _AMOUNT.fullmatch(amount):
                raise ValueError(f"{where}: cell {cell} is {amount!r}, but must be a number, 0 or more, or empty.")
        rows.append(np.array([amount or "nan" for amount in amounts], dtype=np.float32))
    if not rows:
        raise ValueError(f"{path.name} has a header and no rows; get it again.")
    order = np.argsort(ids)
    return Traffic(np.stack(rows)[None, :, order], (service,), first, ids[order], SOURCE)


def own_traffic(path: str | Path | None = None) -> Traffic | None:
    """Return the user's own copy of the Milan data, or None if nobody says where it is.

    Parameters
    ----------
    path : str or Path, optional
        The file: ``.npz`` that `convert_dataverse` or `save_traffic` wrote; ``.h5`` of FedDA (`read_fedda`); ``.csv``
        of Kaggle (`read_kaggle`), known by its header; any other ``.csv`` or ``.csv.gz`` goes to `read_hourly_csv`
        as internet. If left out, what the environment variable ``DNT_LAB_MILAN`` says.

    Returns
    -------
    Traffic or None
        Its ``source`` says where the numbers come from.

    Raises
    ------
    FileNotFoundError
        If there is nothing at that place.
    ValueError
        If it is none of these files, or one that its reader refuses.
    """
    asked = VARIABLE if path is None else "path"
    path = os.environ.get(VARIABLE) or None if path is None else path
    if path is None:
        return None
    path = Path(path).expanduser()
    said = f"{asked} is {str(path)!r}"
    if not path.exists():
        raise FileNotFoundError(f"{said}, but nothing is there; name a file that ends in {', '.join(_READERS)}.")
    if path.match(_DAILY) or any(path.glob(_DAILY)):
        raise ValueError(
            f"{said}, the daily text files of Dataverse; run datasets.convert_dataverse(folder, 'milan.npz') once and "
            "name the file that it writes."
        )
    for ending, read in _READERS.items():
        if path.is_file() and path.name.lower().endswith(ending):
            return read(path)
    raise ValueError(f"{said}, but must be a file that ends in {', '.join(_READERS)}.")


def _read_csv(path: Path) -> Traffic:
    if next(_fields_of_lines(path))[:2] != ["datetime", "CellID"]:
        return read_hourly_csv(path)
    if path.suffix.lower() == ".gz":
        raise ValueError(f"{path.name} is Kaggle's file packed with gzip; unpack it and name the .csv.")
    return read_kaggle(path)


_READERS = {".npz": load_traffic, ".h5": read_fedda, ".csv": _read_csv, ".csv.gz": _read_csv}


def _fields_of_lines(path: Path) -> Iterator[list[str]]:
    """Yield the fields of each line; refuse a file that was cut off."""
    number, opener = 0, gzip.open if path.suffix.lower() == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8-sig") as file:  # spreadsheets write a byte-order mark
            for number, line in enumerate(file, 1):
                if not line.endswith("\n"):
                    raise ValueError(
                        f"{path.name}, line {number}: the last line has no end, so the file was cut off; get it again."
                    )
                yield line[:-1].split(",")
    except (EOFError, gzip.BadGzipFile, zlib.error, UnicodeDecodeError) as error:
        raise ValueError(
            f"{path.name} cannot be read after line {number} ({error}), so it is damaged or no text; get it again."
        ) from None
    if number == 0:
        raise ValueError(f"{path.name} is empty; get it again.")


def _ids_of(file_name: str, header: list[str]) -> np.ndarray:
    """Return the cell ids in the order of the columns."""
    where = f"{file_name}, line 1"
    time, *names = header
    if time != "time" or not names:
        raise ValueError(f"{where}: the header must be time,4142,4143,... (cell ids), but begins with {time[:40]!r}.")
    seen = set()
    for name in names:
        if not re.fullmatch("[1-9][0-9]{0,4}", name) or int(name) > N_CELLS:
            raise ValueError(f"{where}: {name!r} is no cell id, a whole number from 1 to {N_CELLS}.")
        if name in seen:
            raise ValueError(f"{where}: cell {name} has two columns, but must have one.")
        seen.add(name)
    return np.array(names, dtype=np.int64)


def _hour_of(where: str, time: str) -> np.datetime64:
    try:
        return np.datetime64(_HOUR.fullmatch(time)[0][:13], "h")
    except (TypeError, ValueError):
        raise ValueError(
            f"{where}: time is {time!r}, but must be a full local hour such as 2013-11-01 00:00."
        ) from None
