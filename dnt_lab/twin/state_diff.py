"""What changed between two states, object by object."""

from __future__ import annotations

import numpy as np
import pandas as pd

from dnt_lab.physical import EXTERNAL, INTERNAL, State

_COLUMNS = {
    "ue": INTERNAL + EXTERNAL,
    "bs": ("cell_position_m", "azimuth_deg", "tilt_deg", "tx_power_dbm", "on", "region"),
    "channel": ("freq_hz", "bandwidth_hz"),
}


def diff_states(before: State, after: State) -> pd.DataFrame:
    """List every property that differs.

    Parameters
    ----------
    before, after : State
        Two states, of equal size or not; an object that only one of them has is None in the other.

    Returns
    -------
    DataFrame
        ``object`` (``"ue-17"``, ``"bs-3"``, ``"channel-0"``, ``"network"``), ``property``, ``before``, ``after``;
        vectors as tuples. Empty where the states are equal.
    """
    rows = [
        (f"{prefix}-{i}", name, _cell(old, i), _cell(new, i))
        for prefix, names in _COLUMNS.items()
        for name in names
        for old, new in [(getattr(before, name), getattr(after, name))]
        for i in _changed(old, new)
    ]
    old, new = ({tuple(pair) for pair in s.missing_neighbours.tolist()} for s in (before, after))
    if before.t_s != after.t_s:
        rows.append(("network", "t_s", before.t_s, after.t_s))
    if not np.array_equal(before.missing_neighbours, after.missing_neighbours):
        rows.append(("network", "missing_neighbours", sorted(old), sorted(new)))
    return pd.DataFrame(rows, columns=["object", "property", "before", "after"], dtype=object)


def _changed(old: np.ndarray, new: np.ndarray) -> list[int]:
    n = min(len(old), len(new))
    same = old[:n] == new[:n]
    if old.dtype.kind == "f":
        same |= np.isnan(old[:n]) & np.isnan(new[:n])
    changed = ~same.reshape(n, -1).all(axis=1)
    return [*np.flatnonzero(changed).tolist(), *range(n, max(len(old), len(new)))]


def _cell(column: np.ndarray, i: int):
    if i >= len(column):
        return None
    value = column[i].tolist()
    return tuple(value) if isinstance(value, list) else value
