"""How good is diagnosis? Inject faults by the hundred and count what the twin and a threshold rule make of them.

Each case is a small network of its own with moving users and changing demand. It runs healthy for a while, then a
fault is injected silently; a healthy case just goes on. The twin gets all events and, every step, noisy measurements.
Two threshold rules get the same: one compares each cell with what it reported while all was well, the other with what
the twin predicts for it.

An alarm is a pair (cell, kind), counted once a case, when it is first raised. It is right if it names the cell and the
kind of the fault of its case. All other alarms are false, those at the right cell with the wrong kind as well; only an
overload at a cell to which overloaded users have gone since is neither, for the cell is overloaded indeed.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dnt_lab.datasets._numbers import whole
from dnt_lab.physical import FAULT_KINDS, Fault, PhysicalNetwork, RandomWaypoint, random_fault
from dnt_lab.physical.kpis import NOMINAL_EFFICIENCY
from dnt_lab.twin.diagnosis import ALARM_NATS, diagnose
from dnt_lab.twin.network_twin import NetworkTwin
from dnt_lab.twin.observation import Observation, observe
from dnt_lab.twin.threshold_rule import (
    RULES,
    STEP_S,
    WARM_STEPS,
    WATCH_STEPS,
    WINDOW,
    Case,
    first_alarms,
    indicators,
    rule_alarms,
    score,
    tune,
)

SPEED_M_S = (2.0, 10.0)
"""Lowest and highest speed of the users: cyclists to cars in town."""


@dataclass(frozen=True, eq=False)
class FaultStudy:
    """Outcome of a study.

    Attributes
    ----------
    table : DataFrame
        By method (``"twin"`` and `RULES`) and kind (and ``"all"``): ``faults``, ``alarms``, ``right``, ``precision``,
        ``recall``, ``f1``, ``median_detect_s`` (over the faults found).
    false_alarms_per_min : dict of str to float
        By method, false alarms per minute of a healthy network.
    thresholds : dict of str to (dict of str to float)
        What the rules' thresholds were tuned to, by rule and kind.
    """

    table: pd.DataFrame
    false_alarms_per_min: dict[str, float]
    thresholds: dict[str, dict[str, float]]


def fault_study(n_faults: int = 200, n_healthy: int = 40, seed: int = 0, n_tuning: int = 60) -> FaultStudy:
    """Inject faults of all kinds in turn; score diagnosis by the twin against threshold rules.

    Parameters
    ----------
    n_faults, n_healthy : int
        Cases with a fault, at least one a kind, and without.
    seed : int
        Seed; networks, users, faults and noise of each case hang on it and on the case's number.
    n_tuning : int
        Further faults, on other seeds, on which the rule's thresholds are set to the highest F1 of each kind.

    Returns
    -------
    FaultStudy

    Raises
    ------
    TypeError, ValueError
        If there is less than one case of each kind, or of none.
    """
    least = len(FAULT_KINDS)
    whole("n_faults", n_faults, least), whole("n_healthy", n_healthy), whole("n_tuning", n_tuning, least)
    whole("seed", seed, 0)
    tuning = _cases(n_tuning, 0, [seed, 1])
    thresholds = {rule: tune(tuning, rule) for rule in RULES}
    cases = _cases(n_faults, n_healthy, [seed, 0])
    alarms = {"twin": [case.alarms for case in cases]}
    alarms |= {rule: [rule_alarms(case, rule, thresholds[rule]) for case in cases] for rule in RULES}
    table = pd.concat({name: score(cases, raised) for name, raised in alarms.items()}, names=["method", "kind"])
    healthy_min = n_healthy * WATCH_STEPS * STEP_S / 60
    false = {name: sum(map(len, raised[n_faults:])) / healthy_min for name, raised in alarms.items()}
    return FaultStudy(table, false, thresholds)


def _cases(n_faults: int, n_healthy: int, seed: list[int]) -> list[Case]:
    kinds = [FAULT_KINDS[i % len(FAULT_KINDS)] for i in range(n_faults)] + [None] * n_healthy
    return [run_case(kind, [*seed, i]) for i, kind in enumerate(kinds)]


def run_case(kind: str | None, seed, *, noise_db: float = 1.0, alarm_nats: float = ALARM_NATS) -> Case:
    """Run one small network, healthy at first, then with a fault of the given kind (None: healthy throughout).

    Raises
    ------
    ValueError
        If there is no such kind.
    """
    if kind not in (*FAULT_KINDS, None):
        raise ValueError(f"kind is {kind!r}, but it must be None or one of {', '.join(FAULT_KINDS)}")
    rng = np.random.default_rng(seed)
    pn = PhysicalNetwork.open_field(n_sites=7, n_users=50, seed=int(rng.integers(2**31)))
    pn.mobility = RandomWaypoint(pn.bounds_m, speed_m_s=SPEED_M_S)
    twin = NetworkTwin.mirror(pn)
    fault, surging, spread = None, [], set()
    seen, causes, reported = [], [], []
    for step in range(-WARM_STEPS, WATCH_STEPS):
        if step == 0 and kind is not None:
            fault = noticeable_fault(pn, kind, rng)
            surging = np.flatnonzero((pn.state.serving == fault.cell) & (kind == "overload"))
            pn.inject(fault)
        twin.apply_all(pn.step(STEP_S))
        spread.update(pn.state.serving[surging].tolist())
        users, cells = pn.measure(noise_db, n_neighbours=6)
        seen = [*seen[1 - WINDOW :], observe(twin, users, cells)]
        reported.append(_reported(twin, seen[-1], users, cells))
        if step >= 0:
            found = diagnose(twin, seen, handover=pn.handover, alarm_nats=alarm_nats).causes
            causes += [((step + 1) * STEP_S, *row) for row in zip(found["cell"], found["kind"], strict=True)]
    spread -= {fault.cell} if fault is not None else set()
    series = {name: np.array([r[name] for r in reported]) for name in reported[0]}
    return Case(fault, frozenset(spread), first_alarms(causes), indicators(series))


def noticeable_fault(pn: PhysicalNetwork, kind: str, rng: np.random.Generator) -> Fault:
    """Draw a fault that makes a difference: nobody can notice a missing neighbour nobody needs.

    An overload adds at least a tenth of the cell's nominal capacity. A missing neighbour is drawn among the A3
    handovers that this very network, left alone, would make in the first half of the time it is watched.
    """
    if kind == "missing_neighbour":
        needed = _coming_handovers(pn)
        if needed:
            cell, target = needed[rng.integers(len(needed))]
            return Fault(kind, cell, float(target))
    for _ in range(100):
        fault = random_fault(pn.state, kind, rng)
        mine = pn.state.serving == fault.cell
        extra_bps = (fault.amount - 1) * pn.state.demand_bps[mine].sum()
        if kind != "overload" or extra_bps >= 0.1 * NOMINAL_EFFICIENCY * pn.state.bandwidth_hz.sum():
            return fault
    raise ValueError("in 100 draws no cell had traffic enough for an overload that matters; let users offer more")


def _coming_handovers(pn: PhysicalNetwork) -> list[tuple[int, int]]:
    """Let a copy of the network run ahead; list the relations it uses, radio link failures apart."""
    ahead, needed = copy.deepcopy(pn), []
    for _ in range(WATCH_STEPS // 2):
        before, failures = ahead.state.serving.copy(), ahead.failures.copy()
        ahead.step(STEP_S)
        by_a3 = (ahead.state.serving != before) & (ahead.failures == failures)[before]
        needed += list(zip(before[by_a3].tolist(), ahead.state.serving[by_a3].tolist(), strict=True))
    return needed


def _reported(twin: NetworkTwin, seen: Observation, users, cells) -> dict[str, np.ndarray]:
    """What a rule sees of each cell (B,) at one step."""
    live = np.isfinite(users["rsrp_dbm"].to_numpy())
    serving, rsrp_dbm = users["serving"].to_numpy()[live], users["rsrp_dbm"].to_numpy()[live]
    attached = np.bincount(serving, minlength=len(cells))
    with np.errstate(invalid="ignore"):  # NaN: nobody there
        return {
            "rsrp_dbm": np.bincount(serving, rsrp_dbm, minlength=len(cells)) / attached,
            "residual_db": seen.residual_db / seen.reports,
            "load": seen.load,
            "excess_load": seen.load - twin.kpis.load.mean(axis=1),
            "users": cells["users"].to_numpy(float),
            "failures": cells["failures"].to_numpy(float),
        }
