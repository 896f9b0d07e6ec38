"""Sums over the paths of each link: from a ragged table to arrays with a row a transmitter and a column a receiver."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.sparse import csr_array

from dnt_lab.raytracing.paths import Paths

_ENTRIES = 2**22  # numbers held at once: 64 MB of complex


def link_sum(paths: Paths, values: np.ndarray) -> np.ndarray:
    """Add `values`, shape (P,) or (P, n), over the paths of each link: shape (T, R) or (T, R, n), 0 without a path."""
    n_tx, n_rx = len(paths.tx_m), len(paths.rx_m)
    link = paths.tx * n_rx + paths.rx
    membership = csr_array((np.ones(len(paths)), (link, np.arange(len(paths)))), shape=(n_tx * n_rx, len(paths)))
    return (membership @ values).reshape(n_tx, n_rx, *values.shape[1:])


def link_sum_by_columns(paths: Paths, columns: Callable[[slice], np.ndarray], n_columns: int) -> np.ndarray:
    """Like `link_sum` with values too many to hold: ``columns(which)`` makes those of a slice; shape (T, R, n)."""
    step = max(1, _ENTRIES // max(len(paths), 1))
    parts = [link_sum(paths, columns(slice(first, first + step))) for first in range(0, n_columns, step)]
    return np.concatenate(parts, axis=-1)
