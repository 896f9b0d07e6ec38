"""Two other copies of the Milan data that people have at hand: Kaggle's hourly CSV and FedDA's HDF5.

Both become the same `Traffic` as the original: local time, in place by cell id, summed over country codes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from dnt_lab.datasets._checks import whole
from dnt_lab.datasets._day_totals import ACTIVITY, N_CELLS, DayTotals, service_names
from dnt_lab.datasets._text_blocks import BLOCK_BYTES, parse_block, read_blocks, refuse_where
from dnt_lab.datasets.dataverse import SOURCE
from dnt_lab.datasets.traffic import SERVICES, Traffic

_HEADER = b"datetime,CellID,countrycode,smsin,smsout,callin,callout,internet"
_KINDS = {"datetime": "text", "CellID": "int", "countrycode": "int"} | dict.fromkeys(ACTIVITY, "amount")
_FEDDA = {"sms": "sms", "call": "call", "net": "internet"}


def read_kaggle(
    paths: str | Path | Iterable[str | Path], *, merge: bool = True, block_bytes: int = BLOCK_BYTES
) -> Traffic:
    """Read the hourly CSV files of Kaggle's ``marcodena/mobile-phone-activity`` (1 to 7 November 2013).

    Parameters
    ----------
    paths : path or iterable of paths
        Files with the header ``datetime,CellID,countrycode,smsin,smsout,callin,callout,internet``, local time, one
        row per hour, cell and country code. Hours must not be in two files.
    merge : bool
        Whether to add in and out: services sms, call, internet; else the five columns.
    block_bytes : int
        How much text to hold at a time.

    Returns
    -------
    Traffic
        Whole days from the first to the last; the cells that occur; NaN for a cell's hour without a row.

    Raises
    ------
    ValueError
        If a file is cut off or not of this layout; the sentence names file and line.
    """
    paths = [Path(paths)] if isinstance(paths, str | Path) else [Path(path) for path in paths]
    if not paths:
        raise ValueError("read_kaggle got no file; name at least one CSV.")
    days: dict[int, DayTotals] = {}
    owner: dict[int, str] = {}
    for path in paths:
        for hour, cell, amounts in _kaggle_rows(path, block_bytes):
            for h in np.unique(hour).tolist():
                if owner.setdefault(h, path.name) != path.name:
                    moment = np.datetime64(h, "h")
                    raise ValueError(f"{path.name} has the hour {moment} that {owner[h]} has too; give each hour once.")
            for day in np.unique(hour // 24).tolist():
                rows = hour // 24 == day
                totals = days.setdefault(day, DayTotals(per_hour=1))
                totals.add(hour[rows] % 24, cell[rows], [amount[rows] for amount in amounts])
    if not days:
        raise ValueError(f"{paths[0].name} has a header and no rows; get it again.")
    first, last = min(days), max(days)
    whole(f"The span of {paths[0].name} and the files after it, in days,", last - first + 1, 1, 366)
    values = np.full((len(service_names(merge)), 24 * (last - first + 1), N_CELLS), np.nan, dtype=np.float32)
    for day, totals in days.items():
        values[:, 24 * (day - first) : 24 * (day - first + 1)] = totals.hours(merge)
    seen = ~np.isnan(values[0]).all(axis=0)
    start = np.datetime64(first, "D").astype("datetime64[h]")
    return Traffic(values[:, :, seen], service_names(merge), start, np.flatnonzero(seen) + 1, SOURCE)


def _kaggle_rows(path: Path, block_bytes: int):
    """Yield (hours since 1970 local, cell ids, five columns) block by block."""
    import pandas as pd

    for line, block in read_blocks(path, hashlib.sha256(), block_bytes):
        if line == 1:
            header, _, block = block.partition(b"\n")
            if header.strip() != _HEADER:
                raise ValueError(f"{path.name}, line 1: the header must be {_HEADER.decode()}.")
            line = 2
            if not block:
                continue
        table = parse_block(block, path.name, line, ",", _KINDS)
        cell, text = table["CellID"].to_numpy(), table["datetime"]
        refuse_where((cell < 1) | (cell > N_CELLS), table["CellID"], path.name, line, f"1 to {N_CELLS}")
        moments = pd.to_datetime(text.cat.categories, format="%Y-%m-%d %H:%M:%S", errors="coerce")
        broken = np.append(moments.isna() | (moments != moments.floor("h")), True)  # the last is an empty field (-1)
        refuse_where(broken[text.cat.codes], text, path.name, line, "a full hour such as 2013-11-01 00:00:00")
        hours = moments.to_numpy().astype("datetime64[h]").astype(np.int64)[text.cat.codes]
        yield hours, cell, [table[name].to_numpy() for name in ACTIVITY]


def read_fedda(path: str | Path, *, block_hours: int = 168) -> Traffic:
    """Read the HDF5 file of FedDA (Zhang et al., IEEE INFOCOM 2021, "Dual attention-based federated learning").

    Datasets: ``idx`` (unix seconds UTC of each hour), ``cell`` (ids of the cells that count; id c is column c - 1),
    ``sms``, ``call``, ``net`` (hours x columns; NaN is no activity, so 0).

    Parameters
    ----------
    path : str or Path
        Usually named ``milano.h5``.
    block_hours : int
        How many hours to hold beside the result.

    Returns
    -------
    Traffic
        Hours in order, NaN for hours that are not in the file.

    Raises
    ------
    ValueError
        If the file is damaged or not of this layout.
    """
    import h5py

    path = Path(path)
    try:
        with h5py.File(path, "r") as file:
            hour, cells = _fedda_axes(path.name, file)
            first = hour.min()
            whole(f"The span of {path.name}, in hours,", hour.max() - first + 1, 1, 366 * 24)
            values = np.full((len(SERVICES), hour.max() - first + 1, len(cells)), np.nan, dtype=np.float32)
            for out, name in zip(values, _FEDDA, strict=True):
                for at in range(0, len(hour), block_hours):
                    block = file[name][at : at + block_hours].astype(np.float32)[:, cells - 1]
                    if np.any(block < 0) or np.any(np.isinf(block)):
                        raise ValueError(f"{path.name}: {name} has a value that is negative or infinite.")
                    out[hour[at : at + block_hours] - first] = np.nan_to_num(block)
    except OSError as error:
        if not path.is_file():
            raise
        raise ValueError(f"{path.name} is not a whole HDF5 file ({error}); get it again.") from None
    return Traffic(values, SERVICES, np.datetime64(int(first), "h"), cells, SOURCE)


def _fedda_axes(file_name: str, file) -> tuple[np.ndarray, np.ndarray]:
    """Return the local hours since 1970 of the rows, and the ascending cell ids."""
    absent = [name for name in ("idx", "cell", *_FEDDA) if name not in file]
    if absent:
        raise ValueError(f"{file_name} has no dataset {', '.join(absent)}; idx, cell, sms, call and net are needed.")
    seconds, cells = file["idx"][()].ravel(), np.unique(file["cell"][()].ravel())
    if seconds.size == 0 or np.any(seconds % 3600 != 0) or len(np.unique(seconds)) != len(seconds):
        raise ValueError(f"{file_name}: idx must be the unix seconds of different full hours.")
    if cells.size == 0 or cells[0] < 1 or cells[-1] > N_CELLS:
        raise ValueError(f"{file_name}: cell must hold ids from 1 to {N_CELLS}.")
    for name in _FEDDA:
        shape = file[name].shape
        if len(shape) != 2 or shape[0] != len(seconds) or shape[1] < cells[-1]:
            raise ValueError(
                f"{file_name}: {name} has shape {shape}, but {len(seconds)} hours and a column for cell {cells[-1]} "
                "are needed."
            )
    return seconds.astype(np.int64) // 3600 + 1, cells.astype(np.int64)
