"""Groups of clients with a head each, as every federation takes them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

import numpy as np

from dnt_lab.fl.devices import Connection


def checked_groups(groups, n_clients: int) -> np.ndarray:
    """Return the group of each client, shape (K,); all in group 0 if `groups` is None.

    Raises
    ------
    ValueError
        If there is not one whole number a client, or a group between 0 and the highest has no member.
    """
    if groups is None:
        return np.zeros(n_clients, dtype=int)
    groups = np.asarray(groups)
    if groups.shape != (n_clients,) or not np.issubdtype(groups.dtype, np.integer):
        raise ValueError(
            f"groups has shape {groups.shape} and type {groups.dtype}; {n_clients} whole numbers are needed."
        )
    found = np.unique(groups)
    if not np.array_equal(found, np.arange(len(found))):
        raise ValueError(f"groups holds {found[:9].tolist()}; it must hold 0 to G - 1, each at least once.")
    return groups.astype(int)


def by_group(groups: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Yield each group that occurs in `groups`, ascending, and the places where it does, ascending."""
    order = np.argsort(groups, kind="stable")
    found, first = np.unique(groups[order], return_index=True)
    yield from zip(found.tolist(), np.split(order, first)[1:], strict=True)


def checked_backhaul(backhaul: Connection | None, n_groups: int) -> Connection:
    """Return the connections of the heads to the cloud, each attribute of shape (G,); at once if there is none.

    Raises
    ------
    ValueError
        If an attribute has not one number, or one a head.
    """
    backhaul = Connection(np.inf, np.inf) if backhaul is None else backhaul
    parts = {f.name: np.asarray(getattr(backhaul, f.name)) for f in fields(Connection)}
    for name, value in parts.items():
        if value.shape not in ((), (1,), (n_groups,)):
            raise ValueError(
                f"{name} of backhaul has shape {value.shape}, but must be one number or ({n_groups},), one a head."
            )
    return Connection(**{name: np.broadcast_to(value, (n_groups,)) for name, value in parts.items()})
