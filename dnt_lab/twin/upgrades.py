"""What to build next? Upgrades of a network, ranked by what they gain for what they cost.

An upgrade is tried on a copy of the twin. Users then attach to the cell they receive best, and each cell spreads them
over its channels by demand; the network as it is, is settled in the same way before the two are compared. The gain is
the time until the first cell is exhausted, in months; the rate of the worst 5 % of users is reported beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dnt_lab.datasets._numbers import real
from dnt_lab.physical import Configure, Radio, State, attach_best, evaluate
from dnt_lab.twin.growth import Growth
from dnt_lab.twin.network_twin import NetworkTwin
from dnt_lab.twin.planning import exhaustion_factor

KINDS = ("carrier", "power", "tilt", "site")


@dataclass(frozen=True)
class Upgrade:
    """One thing an operator may buy.

    Attributes
    ----------
    kind : str
        ``"carrier"``: another channel in all cells, at ``value`` Hz, as wide as the first one. ``"power"``: `cell`
        transmits ``value`` dB more. ``"tilt"``: the downtilt of `cell` becomes ``value`` degrees. ``"site"``: another
        site, with sectors and settings like those of cell 0's site, at ``value`` = (x, y) in metres.
    value : float or tuple of float
        How much or where; see `kind`.
    cost : float
        In any unit, over 0.
    cell : int, optional
        Which cell, for power and tilt.
    """

    kind: str
    value: float | tuple[float, float]
    cost: float
    cell: int | None = None

    def __post_init__(self):
        if self.kind not in KINDS:
            raise ValueError(f"kind of an upgrade is {self.kind!r}, but it must be one of {', '.join(KINDS)}")
        real("cost of an upgrade", self.cost)
        if self.kind == "site" and (np.shape(self.value) != (2,) or not np.isfinite(self.value).all()):
            raise ValueError(f"value of a new site is {self.value!r}, but a position (x, y) in metres is needed")
        if self.kind != "site":
            real(f"value of a {self.kind}", self.value, -np.inf)
        if (self.kind in ("power", "tilt")) != (self.cell is not None):
            need = "a cell must" if self.cell is None else "no cell can"
            raise ValueError(f"cell of a {self.kind} upgrade is {self.cell!r}, but {need} be named")

    @property
    def name(self) -> str:
        """What to call it in tables."""
        if self.kind == "carrier":
            return f"carrier at {self.value / 1e9:g} GHz"
        if self.kind == "site":
            return f"site at ({self.value[0]:g}, {self.value[1]:g}) m"
        return (
            f"bs-{self.cell} {self.value:+g} dB" if self.kind == "power" else f"bs-{self.cell} tilt {self.value:g} deg"
        )

    def apply(self, state: State, radio: Radio) -> tuple[State, Radio]:
        """Return a copy of the network with the upgrade, not settled yet.

        Raises
        ------
        ValueError
            If the upgrade does not fit the network.
        """
        state = state.copy()
        if self.kind == "carrier":
            wider = {
                "freq_hz": [*state.freq_hz, self.value],
                "bandwidth_hz": [*state.bandwidth_hz, state.bandwidth_hz[0]],
            }
            return State.from_arrays(state.arrays() | {name: np.array(column) for name, column in wider.items()}), radio
        if self.kind == "site":
            return _with_site(state, radio, self.value)
        event = Configure(state.t_s, self.cell, tilt_deg=self.value)
        if self.kind == "power":
            Configure(state.t_s, self.cell).check(state)
            event = Configure(state.t_s, self.cell, tx_power_dbm=float(state.tx_power_dbm[self.cell]) + self.value)
        event.check(state)
        event.write(state)
        return state, radio


def _with_site(state: State, radio: Radio, xy_m) -> tuple[State, Radio]:
    like = np.flatnonzero((state.cell_position_m == state.cell_position_m[0]).all(axis=1))
    columns = ("cell_position_m", "azimuth_deg", "tilt_deg", "tx_power_dbm", "on", "region")
    arrays = state.arrays()
    arrays |= {name: np.concatenate([arrays[name], arrays[name][like]]) for name in columns}
    arrays["cell_position_m"][-len(like) :, :2] = xy_m
    arrays["on"][-len(like) :] = True
    if (np.linalg.norm(state.cell_position_m[:, :2] - xy_m, axis=1) < 1e-6).any():
        raise ValueError(f"value of a new site is {tuple(xy_m)}, but a site stands there already")
    wider = State.from_arrays(arrays)
    return wider, radio.with_cells(wider.cell_position_m)


def settle(state: State, radio: Radio) -> State:
    """Return a copy in which users are on the cell they receive best, spread over its channels by demand."""
    state = state.copy()
    attach_best(state, radio)
    for cell in range(state.n_cells):
        users = np.flatnonzero(state.serving == cell)
        filled = np.zeros(state.n_channels)  # seconds of work a second, but for the efficiency
        for user in users[np.argsort(-state.demand_bps[users], kind="stable")]:
            state.channel[user] = np.argmin(filled)
            filled[state.channel[user]] += state.demand_bps[user] / state.bandwidth_hz[state.channel[user]]
    attach_best(state, radio)
    return state


def rank_upgrades(
    twin: NetworkTwin, candidates: Sequence[Upgrade], growth_per_month: Growth | float, *, max_factor: float = 64.0
) -> pd.DataFrame:
    """Try every upgrade alone.

    Parameters
    ----------
    twin : NetworkTwin
        Today's network; it is not changed.
    candidates : sequence of Upgrade
        What could be bought.
    growth_per_month : Growth or float
        Growth of demand, over 0.
    max_factor : float
        Growth is followed up to this factor, and no upgrade is credited with more.

    Returns
    -------
    DataFrame, one row an upgrade, the best first
        ``upgrade``, ``cost``, ``months`` (until the first cell is exhausted), ``worst_5_percent_mbps`` (rate),
        ``months_gained`` and ``gain_per_cost``. The row ``as it is`` stands among them with its gain of 0.
    """
    if not candidates:
        raise ValueError("candidates are empty, but at least one upgrade is needed to rank")
    trial = _Trial(twin, growth_per_month, max_factor)
    rows, as_it_is = trial.rows(candidates, ()), trial.row("as it is", 0.0, ())
    table = pd.DataFrame([*rows, as_it_is])
    table["months_gained"] = table["months"] - as_it_is["months"]
    table["gain_per_cost"] = table["months_gained"] / table["cost"].where(table["cost"] > 0, np.inf)
    return table.sort_values("gain_per_cost", ascending=False, kind="stable", ignore_index=True)


def greedy_plan(
    twin: NetworkTwin,
    candidates: Sequence[Upgrade],
    growth_per_month: Growth | float,
    budget: float,
    *,
    max_factor: float = 64.0,
) -> pd.DataFrame:
    """Buy, one after the other, what gains most months per cost, as long as the budget lasts and something gains.

    Returns
    -------
    DataFrame, one row a step
        ``upgrade``, ``cost``, ``months`` (until exhaustion with all bought so far) and ``worst_5_percent_mbps``; the
        first row is ``as it is``.
    """
    left, trial = real("budget", budget, strict=False), _Trial(twin, growth_per_month, max_factor)
    bought, open_ = [], list(candidates)
    steps = [trial.row("as it is", 0.0, ())]
    while open_ := [c for c in open_ if c.cost <= left]:
        rows = trial.rows(open_, bought)
        best = max(range(len(rows)), key=lambda i: (rows[i]["months"] - steps[-1]["months"]) / rows[i]["cost"])
        if rows[best]["months"] <= steps[-1]["months"]:
            break
        steps.append(rows[best])
        bought.append(open_.pop(best))
        left -= bought[-1].cost
    return pd.DataFrame(steps)


class _Trial:
    """Networks with upgrades, and what becomes of them."""

    def __init__(self, twin: NetworkTwin, growth_per_month: Growth | float, max_factor: float):
        self.growth, self.max_factor = Growth.of(growth_per_month), real("max_factor", max_factor, 1.0)
        if self.growth.per_month <= 0:
            raise ValueError(
                f"growth per month is {self.growth.per_month}, but upgrades gain time only if demand grows"
            )
        self.state, self.radio = twin.state, twin.radio

    def rows(self, candidates: Sequence[Upgrade], bought) -> list[dict]:
        return [self.row(c.name, c.cost, (*bought, c)) for c in candidates]

    def row(self, name: str, cost: float, upgrades: tuple[Upgrade, ...]) -> dict:
        state, radio = self.state, self.radio
        for upgrade in upgrades:
            state, radio = upgrade.apply(state, radio)
        state = settle(state, radio)
        factor = min(exhaustion_factor(state, radio, self.max_factor), self.max_factor)
        worst_mbps = np.percentile(evaluate(state, radio).rate_bps, 5) / 1e6
        months = float(self.growth.months_to(factor)[0])
        return {"upgrade": name, "cost": cost, "months": months, "worst_5_percent_mbps": float(worst_mbps)}
