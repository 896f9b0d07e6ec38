"""Faults: what goes wrong in a network without anybody saying so.

A fault changes the physical network silently: no event tells the twin. It must notice by what it measures.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dnt_lab.physical.state import State

FAULT_KINDS = ("link_failure", "wrong_tilt", "wrong_power", "missing_neighbour", "overload")


@dataclass(frozen=True)
class Fault:
    """One fault of one cell.

    Attributes
    ----------
    kind : str
        ``"link_failure"`` (the cell stops transmitting), ``"wrong_tilt"`` (`amount` degrees off), ``"wrong_power"``
        (`amount` dB off), ``"missing_neighbour"`` (no handover to cell `amount`), ``"overload"`` (demand of the cell's users
        times `amount`).
    cell : int
        Culprit.
    amount : float
        How wrong; see `kind`.
    """

    kind: str
    cell: int
    amount: float = 0.0

    def __post_init__(self):
        if self.kind not in FAULT_KINDS:
            raise ValueError(f"fault kind is {self.kind!r}, but it must be one of {', '.join(FAULT_KINDS)}")
        if not np.isfinite(self.amount):
            raise ValueError(f"amount of a fault is {self.amount}, but it must be finite")

    def write(self, state: State) -> None:
        """Write the fault into `state`.

        Raises
        ------
        ValueError
            If the cell, or for a missing neighbour the other cell, does not exist, or an overload factor is negative.
        """
        cells = [self.cell] + ([int(self.amount)] if self.kind == "missing_neighbour" else [])
        for cell in cells:
            if not 0 <= cell < state.n_cells:
                raise ValueError(f"fault names cell {cell}, but this network has cells 0 ... {state.n_cells - 1}")
        if self.kind == "link_failure":
            state.on[self.cell] = False
        elif self.kind == "wrong_tilt":
            state.tilt_deg[self.cell] += self.amount
        elif self.kind == "wrong_power":
            state.tx_power_dbm[self.cell] += self.amount
        elif self.kind == "missing_neighbour":
            state.missing_neighbours = np.concatenate([state.missing_neighbours, [cells]])
        else:
            if self.amount < 0:
                raise ValueError(f"overload factor is {self.amount}, but it must be at least 0")
            mine = state.serving == self.cell
            state.demand_bps[mine] = np.rint(state.demand_bps[mine] * self.amount).astype(np.int64)


def random_fault(state: State, kind: str, seed) -> Fault:
    """Draw a fault of the given kind at a cell that serves somebody, severe enough to matter.

    Tilts go 10 to 20 degrees up or down, powers 6 to 12 dB down, demand 4 to 8 times up; a missing neighbour is one of the
    three nearest other sites' cells.
    """
    rng = np.random.default_rng(seed)
    busy = np.unique(state.serving[state.serving >= 0])
    if len(busy) == 0:
        raise ValueError("no cell serves anybody, so no fault would be felt")
    cell = int(rng.choice(busy))
    if kind == "wrong_tilt":
        return Fault(kind, cell, float(rng.uniform(10, 20) * rng.choice([-1, 1])))
    if kind == "wrong_power":
        return Fault(kind, cell, float(-rng.uniform(6, 12)))
    if kind == "overload":
        return Fault(kind, cell, float(rng.uniform(4, 8)))
    if kind == "missing_neighbour":
        distance = np.linalg.norm(state.cell_position_m - state.cell_position_m[cell], axis=1)
        near = np.argsort(np.where(distance > 0, distance, np.inf), kind="stable")[: min(9, state.n_cells - 1)]
        return Fault(kind, cell, float(rng.choice(near)))
    return Fault(kind, cell)
