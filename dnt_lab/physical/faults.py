"""Faults: what goes wrong in a network without anybody saying so.

A fault changes the physical network silently: no event tells the twin. It must notice by what it measures.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dnt_lab.datasets._checks import generator
from dnt_lab.physical.events import Configure
from dnt_lab.physical.state import MAX_DEMAND_BPS, State

FAULT_KINDS = ("link_failure", "wrong_tilt", "wrong_power", "missing_neighbour", "overload")


@dataclass(frozen=True)
class Fault:
    """One fault of one cell.

    Attributes
    ----------
    kind : str
        ``"link_failure"`` (the cell stops transmitting), ``"wrong_tilt"`` (`amount` degrees off), ``"wrong_power"``
        (`amount` dB off), ``"missing_neighbour"`` (no handover to cell `amount`), ``"overload"`` (demand of the cell's
        users times `amount`).
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
        if isinstance(self.amount, str) or not np.isfinite(self.amount):
            raise ValueError(f"amount of a fault is {self.amount!r}, but it must be a finite number")
        if self.kind == "overload" and self.amount < 0:
            raise ValueError(f"overload factor is {self.amount}, but it must be at least 0")

    def check(self, state: State) -> None:
        """Raise ValueError if the cell, or for a missing neighbour the other cell, is not in `state`."""
        for cell in (self.cell, self.amount) if self.kind == "missing_neighbour" else (self.cell,):
            if isinstance(cell, bool) or cell not in range(state.n_cells):
                raise ValueError(f"fault names cell {cell!r}, but this network has cells 0 ... {state.n_cells - 1}")
        if self.kind == "missing_neighbour" and self.cell == self.amount:
            raise ValueError(f"fault names cell {self.cell} twice, but a missing neighbour is another cell")

    def write(self, state: State) -> None:
        """Write the fault into `state`.

        Raises
        ------
        ValueError
            If the fault does not fit, or a setting or a demand would leave its range; nothing is changed then.
        """
        self.check(state)
        if self.kind == "link_failure":
            state.on[self.cell] = False
        elif self.kind == "missing_neighbour":
            pair = np.array([[self.cell, self.amount]], np.int64)
            state.missing_neighbours = np.unique(np.concatenate([state.missing_neighbours, pair]), axis=0)
        elif self.kind == "overload":
            mine = state.serving == self.cell
            state.demand_bps[mine] = overloaded_bps(state.demand_bps[mine], self.amount)
        else:
            name = {"wrong_tilt": "tilt_deg", "wrong_power": "tx_power_dbm"}[self.kind]
            setting = Configure(0.0, self.cell, **{name: float(getattr(state, name)[self.cell] + self.amount)})
            setting.check(state)
            setting.write(state)


def overloaded_bps(demand_bps: np.ndarray, factor) -> np.ndarray:
    """Demands times a factor, in whole bits; raises ValueError if one leaves its range."""
    more_bps = demand_bps * factor
    if (more_bps > MAX_DEMAND_BPS).any():
        raise ValueError(f"an overload to {more_bps.max():g} bit/s is beyond {MAX_DEMAND_BPS:g} bit/s for one user")
    return np.rint(more_bps).astype(np.int64)


def random_fault(state: State, kind: str, seed) -> Fault:
    """Draw a fault of the given kind at a cell that serves somebody, severe enough to matter.

    Tilts go 10 to 20 degrees up or down, powers 6 to 12 dB down, demand 4 to 8 times up; a missing neighbour is one of
    the nine nearest cells of other sites.
    """
    rng = generator(seed)
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
        near = np.argsort(np.where(distance > 0, distance, np.inf), kind="stable")[: min(9, np.sum(distance > 0))]
        if len(near) == 0:
            raise ValueError("all cells stand at one site, so none has a neighbour to miss")
        return Fault(kind, cell, float(rng.choice(near)))
    return Fault(kind, cell)
