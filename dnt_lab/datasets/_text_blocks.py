"""Large delimited text files, a block of whole lines at a time, refused by file name and line number.

Counting separators per line first lets pandas' C parser do the reading while a short or long line is still found;
pandas alone would quietly fill a short one.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

BLOCK_BYTES = 1 << 22
_LONGEST_LINE = 4096


def read_blocks(path: Path, digest, block_bytes: int = BLOCK_BYTES) -> Iterator[tuple[int, bytes]]:
    """Yield (number of the first line, whole lines) and feed every byte to `digest` on the way.

    Raises
    ------
    ValueError
        If the file is empty or its last line has no line end, that is, if it was cut off.
    """
    line, rest = 1, b""
    with open(path, "rb") as file:
        while chunk := file.read(block_bytes):
            digest.update(chunk)
            whole, end, tail = (rest + chunk).rpartition(b"\n")
            if end:
                yield line, whole + end
                line += whole.count(b"\n") + 1
            rest = tail
            if len(rest) > max(block_bytes, _LONGEST_LINE):
                raise ValueError(
                    f"{path.name}, line {line}: {len(rest)} bytes without a line end; this is no text file."
                )
    if rest:
        raise ValueError(f"{path.name}, line {line}: the last line has no end, so the file was cut off; get it again.")
    if line == 1:
        raise ValueError(f"{path.name} is empty; get it again.")


def parse_block(block: bytes, file_name: str, first_line: int, separator: str, kinds: dict[str, str]) -> pd.DataFrame:
    """Read a block of whole lines into typed columns.

    Parameters
    ----------
    block : bytes
        Whole lines.
    file_name : str
        For messages.
    first_line : int
        Number of the block's first line, for messages.
    separator : str
        One character.
    kinds : dict of str to str
        Column names in order, each ``"int"`` (must be there), ``"amount"`` (0 or more, empty is 0) or ``"text"``.

    Returns
    -------
    pandas.DataFrame
        One row per line, in the order of the file.

    Raises
    ------
    ValueError
        If a line has too few or too many fields, or a field is not of its kind.
    """
    import pandas as pd

    _refuse_uneven_lines(block, file_name, first_line, separator, len(kinds))
    types = {"int": np.int64, "amount": np.float64, "text": "category"}
    names = list(kinds)
    options = {"sep": separator, "header": None, "names": names, "quoting": csv.QUOTE_NONE, "skip_blank_lines": False}
    try:
        table = pd.read_csv(
            io.BytesIO(block),
            dtype={name: types[kind] for name, kind in kinds.items()},
            na_values=[""],
            keep_default_na=False,
            **options,
        )
    except (ValueError, OverflowError):  # some field is not a number: read again as text to find out which
        table = pd.read_csv(io.BytesIO(block), dtype=str, keep_default_na=False, encoding_errors="replace", **options)
        raise _bad_field(table, file_name, first_line, kinds) from None
    for name, kind in kinds.items():
        if kind == "amount":
            refuse_where(~(table[name].fillna(0.0) >= 0) | np.isinf(table[name]), table[name], file_name, first_line)
    return table.fillna({name: 0.0 for name, kind in kinds.items() if kind == "amount"})


def refuse_where(bad, column: pd.Series, file_name: str, first_line: int, right: str = "a number, 0 or more") -> None:
    """Raise for the first line where `bad` holds, naming the file, the line, the column and the value."""
    bad = np.asarray(bad)
    if bad.any():
        at = int(bad.argmax())
        raise ValueError(
            f"{file_name}, line {first_line + at}: {column.name} is {column.iloc[at]}, but must be {right}."
        )


def _refuse_uneven_lines(block: bytes, file_name: str, first_line: int, separator: str, n_fields: int) -> None:
    text = np.frombuffer(block, dtype=np.uint8)
    ends = np.flatnonzero(text == ord("\n"))
    starts = np.concatenate([[0], ends[:-1] + 1])
    fields = np.add.reduceat(text == ord(separator), starts, dtype=np.int64) + 1
    bad = fields != n_fields
    if bad.any():
        at = int(bad.argmax())
        raise ValueError(
            f"{file_name}, line {first_line + at}: {fields[at]} fields, but must be {n_fields} parted by {separator!r}."
        )


def _bad_field(table: pd.DataFrame, file_name: str, first_line: int, kinds: dict[str, str]) -> ValueError:
    import pandas as pd

    right = {"int": "a whole number", "amount": "a number, 0 or more, or empty"}
    for name, kind in kinds.items():
        if kind == "text":
            continue
        if kind == "int":
            bad = ~table[name].str.fullmatch(r"-?\d{1,18}").to_numpy(dtype=bool)
        else:
            bad = (pd.to_numeric(table[name], errors="coerce").isna() & (table[name] != "")).to_numpy()
        if bad.any():
            at = int(bad.argmax())
            value = table[name].iloc[at]
            return ValueError(f"{file_name}, line {first_line + at}: {name} is {value!r}, but must be {right[kind]}.")
    return ValueError(f"{file_name}, lines {first_line} to {first_line + len(table) - 1}: a field cannot be read.")
