"""The original Milan data: 62 daily text files from Harvard Dataverse (doi:10.7910/DVN/EGZHFV) into one small file.

Layout of ``sms-call-internet-mi-YYYY-MM-DD.txt`` (Barlacchi et al., Scientific Data 2:150055, 2015): tab-separated
without a header; square id, start of the 10 minutes (ms UTC), country code, SMS-in, SMS-out, Call-in, Call-out,
Internet. One row per square, interval and country code; an empty field means no activity. A file holds one local day.

The files are large (265-359 MB each). They are read in blocks, never whole; each finished day is kept at once, so a
killed conversion goes on at the day where it stopped. Measured on a made-up day of 303 MB: 11 s and 152 MiB at most,
Python and pandas included.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dnt_lab.datasets._checks import whole
from dnt_lab.datasets._day_totals import ACTIVITY, N_CELLS, DayTotals, service_names
from dnt_lab.datasets._text_blocks import BLOCK_BYTES, parse_block, read_blocks, refuse_where
from dnt_lab.datasets.data_files import sha256_of
from dnt_lab.datasets.traffic import Traffic
from dnt_lab.datasets.traffic_file import load_traffic, save_npz, save_traffic

if TYPE_CHECKING:
    import pandas as pd

SOURCE = "Telecom Italia Big Data Challenge (Barlacchi et al., 2015), doi:10.7910/DVN/EGZHFV, ODbL 1.0"
_NAME = re.compile(r"sms-call-internet-mi-(\d{4}-\d{2}-\d{2})\.txt")
_KINDS = {"square id": "int", "time interval": "int", "country code": "int"} | dict.fromkeys(ACTIVITY, "amount")
_SLOT_MS, _DAY_MS, _UTC_OFFSET_MS = 600_000, 86_400_000, 3_600_000  # local time is UTC + 1 h in the whole period


def read_dataverse_day(path: str | Path, *, merge: bool = True, block_bytes: int = BLOCK_BYTES) -> tuple[Traffic, dict]:
    """Read one daily file.

    Parameters
    ----------
    path : str or Path
        A file named ``sms-call-internet-mi-YYYY-MM-DD.txt``.
    merge : bool
        Whether to add in and out: services sms, call, internet; else smsin, smsout, callin, callout, internet.
    block_bytes : int
        How much text to hold at a time.

    Returns
    -------
    traffic : Traffic
        24 local hours of all 10,000 cells, in place by cell id; NaN where a cell has no record in an hour. An hour
        with some of its six intervals is the sum of those.
    record : dict
        File name, SHA-256, number of rows, and the cell-hours without a record and with some only.

    Raises
    ------
    ValueError
        If the file is cut off or not of this layout; the sentence names file and line.
    """
    path = Path(path)
    day = _day_of(path)
    first_ms = (day - dt.date(1970, 1, 1)).days * _DAY_MS - _UTC_OFFSET_MS
    totals, digest, rows = DayTotals(per_hour=6), hashlib.sha256(), 0
    for line, block in read_blocks(path, digest, block_bytes):
        table = parse_block(block, path.name, line, "\t", _KINDS)
        cell, since = table["square id"].to_numpy(), table["time interval"].to_numpy() - first_ms
        refuse_where((cell < 1) | (cell > N_CELLS), table["square id"], path.name, line, f"1 to {N_CELLS}")
        outside = (since < 0) | (since >= _DAY_MS) | (since % _SLOT_MS != 0)
        refuse_where(
            outside, table["time interval"], path.name, line, f"the ms of a 10-minute start on {day} local time"
        )
        totals.add(since // _SLOT_MS, cell, [table[name].to_numpy() for name in ACTIVITY])
        rows += len(table)
    absent, partial = totals.gaps()
    record = {"file": path.name, "sha256": digest.hexdigest(), "rows": rows, "absent": absent, "partial": partial}
    start = np.datetime64(day, "h")
    return Traffic(totals.hours(merge), service_names(merge), start, np.arange(1, N_CELLS + 1), SOURCE), record


def convert_dataverse(
    folder: str | Path,
    cache: str | Path,
    *,
    merge: bool = True,
    block_bytes: int = BLOCK_BYTES,
    progress: Callable[[str], None] | None = None,
) -> pd.DataFrame:
    """Convert a folder of daily files into one file that `load_traffic` reads.

    Finished days wait in ``<cache>.parts``; a run that was killed goes on at the day where it stopped. Days whose
    file has not changed since (by SHA-256) are not read again, also when days were added after a finished run.

    Parameters
    ----------
    folder : str or Path
        Has some or all of the 62 files; other files in it are left alone.
    cache : str or Path
        The file to write, for example ``milan.npz``. It appears, whole, at the end.
    merge, block_bytes
        As in `read_dataverse_day`.
    progress : callable, optional
        Called with one line per day.

    Returns
    -------
    pandas.DataFrame
        A row per day: file, sha256, rows, absent and partial cell-hours, and status: ``converted``, ``reused``,
        ``changed`` (converted again because the file is no longer the one read before) or ``kept`` (converted
        before; its file is gone).

    Raises
    ------
    ValueError
        If there is no daily file, or one is refused; days finished before are kept.
    """
    import pandas as pd

    folder, cache = Path(folder), Path(cache)
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder; name the one with the sms-call-internet-mi-*.txt files.")
    files = {_day_of(path): path for path in sorted(folder.glob("sms-call-internet-mi-*.txt"))}
    if not files:
        raise ValueError(f"{folder} has no file named sms-call-internet-mi-YYYY-MM-DD.txt.")
    parts = cache.with_name(cache.name + ".parts")
    parts.mkdir(parents=True, exist_ok=True)
    earlier = _finished_days(cache, parts, merge)
    days = sorted(files.keys() | earlier.keys())
    whole("The span from the first to the last daily file, in days,", (days[-1] - days[0]).days + 1, 1, 366)
    rows = []
    for day in days:
        rows.append(_one_day(files.get(day), parts / f"{day}.npz", earlier.get(day), merge, block_bytes))
        if progress:
            progress(f"{rows[-1]['file']}: {rows[-1]['status']}")
    _assemble(cache, parts, days, merge, rows)
    shutil.rmtree(parts)
    return pd.DataFrame(rows, index=pd.Index(days, name="day"))


def conversion_report(cache: str | Path) -> pd.DataFrame:
    """Return what `convert_dataverse` recorded of each day's source: file, sha256, rows, absent, partial."""
    import pandas as pd

    load_traffic(cache)
    with np.load(cache) as stored:
        if "report" not in stored:
            raise ValueError(f"{Path(cache).name} holds traffic that was not converted from daily files.")
        records = json.loads(str(stored["report"]))
    return pd.DataFrame(records.values(), index=pd.Index(map(dt.date.fromisoformat, records), name="day"))


def _day_of(path: Path) -> dt.date:
    match = _NAME.fullmatch(path.name)
    try:
        return dt.date.fromisoformat(match[1])
    except (TypeError, ValueError):
        raise ValueError(f"{path.name} must be named sms-call-internet-mi-YYYY-MM-DD.txt after its day.") from None


def _finished_days(cache: Path, parts: Path, merge: bool) -> dict[dt.date, dict]:
    """Return the records of days converted before; days of a finished cache are laid out as parts again."""
    if cache.exists():
        traffic, report = load_traffic(cache), conversion_report(cache)
        if traffic.services != service_names(merge):
            raise ValueError(f"{cache.name} holds {traffic.services}; choose another name for merge={merge}.")
        for day, record in report.iterrows():
            if not (parts / f"{day}.npz").exists():
                at = (np.datetime64(day, "h") - traffic.start).astype(int)
                values = np.full((len(traffic.services), 24, N_CELLS), np.nan, dtype=np.float32)
                values[:, :, traffic.cell_ids - 1] = traffic.values[:, at : at + 24]
                _save_part(parts / f"{day}.npz", values, record.to_dict())
    found = {}
    for part in parts.glob("*.npz"):
        with np.load(part) as stored:
            if len(stored["values"]) == len(service_names(merge)):
                found[dt.date.fromisoformat(part.stem)] = json.loads(str(stored["record"]))
    return found


def _one_day(path: Path | None, part: Path, earlier: dict | None, merge: bool, block_bytes: int) -> dict:
    if path is None:
        return earlier | {"status": "kept"}
    if earlier and earlier["sha256"] == sha256_of(path):
        return earlier | {"status": "reused"}
    traffic, record = read_dataverse_day(path, merge=merge, block_bytes=block_bytes)
    _save_part(part, traffic.values, record)
    return record | {"status": "changed" if earlier else "converted"}


def _save_part(part: Path, values: np.ndarray, record: dict) -> None:
    save_npz(part, values=values, record=np.asarray(json.dumps(record)))


def _assemble(cache: Path, parts: Path, days: list[dt.date], merge: bool, rows: list[dict]) -> None:
    """Lay the days on one time axis (a day without a file is NaN), leave out cells never seen, and write."""
    n_days = (days[-1] - days[0]).days + 1
    values = np.full((len(service_names(merge)), 24 * n_days, N_CELLS), np.nan, dtype=np.float32)
    for day in days:
        at = 24 * (day - days[0]).days
        with np.load(parts / f"{day}.npz") as stored:
            values[:, at : at + 24] = stored["values"]
    seen = ~np.isnan(values[0]).all(axis=0)
    values = values if seen.all() else values[:, :, seen]
    traffic = Traffic(values, service_names(merge), np.datetime64(days[0], "h"), np.flatnonzero(seen) + 1, SOURCE)
    records = {str(day): {k: v for k, v in row.items() if k != "status"} for day, row in zip(days, rows, strict=True)}
    save_traffic(traffic, cache, report=json.dumps(records))
