r"""When does a cell run out of resources? Exhaustion dates from the growth of demand.

A cell pools its channels (carrier aggregation). It is exhausted once its load, the mean over its channels weighted by
bandwidth, is over 1: its users ask for more time than there is.

- Uncoupled, with interference as it is today, load grows as demand does: it reaches 1 at the factor
  :math:`C/D_0 = 1/\rho_0`, and so after :math:`t = \ln(C/D_0) / \ln(1+g)` months.
- Coupled, busier neighbours disturb more, so cells are busier still: the factor solves :math:`\rho_b(f) = 1` with the
  loads of `dnt_lab.physical.coupled_load`, which rise faster than f. The date is never later than the uncoupled one.

Demand may grow because everyone asks for more (``by="demand"``) or because there are more users (``by="users"``).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from functools import lru_cache

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from dnt_lab.datasets._numbers import real
from dnt_lab.physical import EXTERNAL, INTERNAL, Radio, State, attach_best, coupled_load, evaluate
from dnt_lab.twin.growth import Growth
from dnt_lab.twin.network_twin import NetworkTwin

_MAX_ITERATIONS = 5000  # near its critical load a network takes long to settle


def exhaustion(
    twin: NetworkTwin,
    growth_per_month: Growth | float,
    *,
    by: str = "demand",
    coupled: bool = True,
    max_factor: float = 16.0,
    confidence: float = 0.95,
    seed=0,
) -> pd.DataFrame:
    """Date at which each cell runs out of resources.

    Parameters
    ----------
    twin : NetworkTwin
        Its state is today's; it is not changed.
    growth_per_month : Growth or float
        Growth of the total demand; a `Growth` from `estimate_growth` gives an interval.
    by : {"demand", "users"}
        What grows: the demand of every user, or the number of users, each new one near an old one that it resembles.
    coupled : bool
        Whether interference grows with the loads; by demand only may it be switched off.
    max_factor : float
        Growth is followed up to this factor; a cell that lasts longer has factor inf.
    confidence : float
        Of the interval.
    seed : int or Generator
        Draws the new users.

    Returns
    -------
    DataFrame, one row a cell
        ``load`` (today's), ``factor`` (of demand or users at which it is exhausted), ``months``, ``earliest`` and
        ``latest``.

    Raises
    ------
    ValueError
        If an argument is out of range.
    """
    growth, state = Growth.of(growth_per_month), twin.state
    max_factor = real("max_factor", max_factor, 1.0)
    if by not in ("demand", "users"):
        raise ValueError(f"by is {by!r}, but growth is by 'demand' or by 'users'")
    if by == "users" and not coupled:
        raise ValueError("coupled is False, but new users change interference: only growth by demand can leave it out")
    if by == "demand":
        load_at = lru_cache(None)(demand_growth(state, twin.radio))
        today = load_at(1.0)
        factor = _critical(load_at, np.geomspace(1.0, max_factor, 24), _solve) if coupled else _alone(today, max_factor)
    else:
        n_new = int(np.ceil((max_factor - 1) * state.n_users))
        load_with = lru_cache(None)(user_growth(state, twin.radio, n_new, seed))
        counts = np.unique(np.linspace(0, n_new, 24).round().astype(int)).tolist()
        today = load_with(0)
        factor = 1 + _critical(load_with, counts, _count) / max(state.n_users, 1)
    table = {"load": today, "factor": factor}
    table |= dict(zip(("months", "earliest", "latest"), growth.months_to(factor, confidence), strict=True))
    return pd.DataFrame(table, index=pd.Index([f"bs-{b}" for b in range(state.n_cells)], name="cell"))


def demand_growth(state: State, radio: Radio) -> Callable[[float], np.ndarray]:
    """Return the coupled loads of the cells (B,) as a function of the factor by which everyone's demand grew."""
    kpis, grown = evaluate(state, radio), state.copy()

    def load_at(factor: float) -> np.ndarray:
        grown.demand_bps = np.rint(state.demand_bps * factor).astype(np.int64)
        return _pooled(coupled_load(grown, radio, kpis, _MAX_ITERATIONS), state)

    return load_at


def user_growth(state: State, radio: Radio, n_new: int, seed=0) -> Callable[[int], np.ndarray]:
    """Return the coupled loads of the cells (B,) as a function of the number of new users, up to `n_new`.

    New user k is the same whatever their number: it takes after a user drawn at random in kind, channel and demand,
    stands some metres away from it outdoors, and is attached to the cell it receives best.
    """
    rng = np.random.default_rng(seed)
    parent = np.concatenate([np.arange(state.n_users), rng.integers(state.n_users, size=n_new)])
    users = {name: getattr(state, name)[parent] for name in (*INTERNAL, *EXTERNAL)}
    near_m = users["position_m"][state.n_users :] + [1, 1, 0] * rng.normal(0, 10.0, (n_new, 3))
    outdoor = ~radio.scene.indoor(near_m)
    users["position_m"][state.n_users :][outdoor] = near_m[outdoor]
    crowd = State.from_arrays(state.arrays() | users)
    attach_best(crowd, radio)
    crowd.serving[: state.n_users], crowd.beam[: state.n_users] = state.serving, state.beam
    kpis, demand_bps = evaluate(crowd, radio), crowd.demand_bps.copy()

    def load_with(count: int) -> np.ndarray:
        crowd.demand_bps = np.where(np.arange(len(parent)) < state.n_users + count, demand_bps, 0)
        return _pooled(coupled_load(crowd, radio, kpis, _MAX_ITERATIONS), state)

    return load_with


def exhaustion_factor(state: State, radio: Radio, max_factor: float = 16.0) -> float:
    """Factor of demand at which the first cell of the whole network is exhausted; inf if none is up to `max_factor`."""
    load_at = demand_growth(state, radio)
    if load_at(1.0).max() > 1:
        return 1.0
    if load_at(max_factor).max() <= 1:
        return np.inf
    return _solve(lambda f: load_at(f).max(), 1.0, max_factor)


def _pooled(load, state: State) -> np.ndarray:
    return load @ state.bandwidth_hz / state.bandwidth_hz.sum()


def _alone(load, max_factor: float) -> np.ndarray:
    """Factor at which a load that grows in proportion reaches 1."""
    with np.errstate(divide="ignore"):
        factor = np.maximum(1 / load, 1.0)
    return np.where(factor <= max_factor, factor, np.inf)


def _critical(load_at: Callable, grid, solve: Callable) -> np.ndarray:
    """Where the load of each cell passes 1, (B,): in which step of `grid`, then `solve` in that step."""
    grid = [g.item() if isinstance(g, np.generic) else g for g in grid]
    over = np.array([load_at(x) > 1 for x in grid])
    first = np.where(over.any(axis=0), over.argmax(axis=0), len(grid))
    critical = np.where(first == 0, float(grid[0]), np.inf)
    for b in np.flatnonzero((first > 0) & (first < len(grid))).tolist():
        critical[b] = solve(lambda x, b=b: load_at(x)[b], grid[first[b] - 1], grid[first[b]])
    return critical


def _solve(load: Callable, low: float, high: float) -> float:
    return brentq(lambda f: load(f) - 1, low, high, xtol=1e-6, rtol=1e-7)


def _count(load: Callable, low: int, high: int) -> int:
    return low + 1 + bisect_left(range(low + 1, high), True, key=lambda k: load(k) > 1)
