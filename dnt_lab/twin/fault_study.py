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

from dnt_lab.physical import FAULT_KINDS, Fault, PhysicalNetwork, RandomWaypoint, random_fault
from dnt_lab.physical.kpis import NOMINAL_EFFICIENCY
from dnt_lab.twin.diagnosis import ALARM_NATS, diagnose
from dnt_lab.twin.network_twin import NetworkTwin
from dnt_lab.twin.observation import Observation, observe

STEP_S = 0.5
WARM_STEPS = 6
"""Steps before the fault; the threshold rule learns here what is normal."""
WATCH_STEPS = 24
"""Steps after the fault; who has not noticed by then has missed it."""
WINDOW = 10
"""Steps a decision looks back."""
SPEED_M_S = (2.0, 10.0)
"""Lowest and highest speed of the users: cyclists to cars in town."""

RULES = ("threshold on the past", "threshold on the twin")
Alarm = tuple[float, int, str]
"""Seconds since the injection, cell, kind."""


@dataclass(frozen=True, eq=False)
class Case:
    """One run.

    Attributes
    ----------
    fault : Fault or None
        What was injected; None in a healthy run.
    spread : frozenset of int
        Cells to which users of an overload have gone.
    alarms : list of (t_s, cell, kind)
        The twin's alarms, seconds since the injection.
    indicators : dict of str to (dict of str to ndarray, shape (WATCH_STEPS, B))
        What the rules compare with thresholds, by rule (`RULES`) and kind.
    """

    fault: Fault | None
    spread: frozenset[int]
    alarms: list[Alarm]
    indicators: dict[str, dict[str, np.ndarray]]


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
    ValueError
        If there are too few cases.
    """
    least = len(FAULT_KINDS)
    for name, n, low in (("n_faults", n_faults, least), ("n_healthy", n_healthy, 1), ("n_tuning", n_tuning, least)):
        if isinstance(n, bool) or not isinstance(n, int) or n < low:
            raise ValueError(f"{name} is {n!r}, but a study needs a whole number of at least {low}")
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
    fault, surging, spread, seen, causes, reported = None, [], set(), [], [], []
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
    return Case(fault, frozenset(spread), _first(causes), _indicators(series))


def noticeable_fault(pn: PhysicalNetwork, kind: str, rng: np.random.Generator) -> Fault:
    """Draw a fault that makes a difference: nobody can notice a missing neighbour nobody needs.

    An overload adds at least a tenth of the cell's nominal capacity. A missing neighbour is drawn among the A3 handovers
    that this very network, left alone, would make in the first half of the time it is watched.
    """
    if kind == "missing_neighbour":
        needed = _coming_handovers(pn)
        if needed:
            cell, target = needed[rng.integers(len(needed))]
            return Fault(kind, cell, float(target))
    while True:
        fault = random_fault(pn.state, kind, rng)
        mine = pn.state.serving == fault.cell
        extra_bps = (fault.amount - 1) * pn.state.demand_bps[mine].sum()
        if kind != "overload" or extra_bps >= 0.1 * NOMINAL_EFFICIENCY * pn.state.bandwidth_hz.sum():
            return fault


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


def _indicators(series: dict[str, np.ndarray]) -> dict[str, dict[str, np.ndarray]]:
    """What the rules compare with thresholds: the last half window, against the warm-up or against the twin."""
    frame = {name: pd.DataFrame(values) for name, values in series.items()}
    normal = {name: f.iloc[:WARM_STEPS].mean().to_numpy() for name, f in frame.items()}
    recent = {name: f.rolling(WINDOW // 2, min_periods=1).mean()[WARM_STEPS:].to_numpy() for name, f in frame.items()}
    shared = {
        "link_failure": np.where(recent["users"] == 0, normal["users"], 0.0),
        "missing_neighbour": recent["failures"] - normal["failures"],
    }
    shift_db = np.nan_to_num(np.abs(recent["rsrp_dbm"] - normal["rsrp_dbm"]))
    residual_db = np.nan_to_num(np.abs(recent["residual_db"]))
    against_past = {"wrong_tilt": shift_db, "wrong_power": shift_db, "overload": recent["load"] - normal["load"]}
    against_twin = {"wrong_tilt": residual_db, "wrong_power": residual_db, "overload": recent["excess_load"]}
    return dict(zip(RULES, (shared | against_past, shared | against_twin), strict=True))


def rule_alarms(case: Case, rule: str, thresholds: dict[str, float]) -> list[Alarm]:
    """List when a cell's indicator of a kind first reaches the kind's threshold.

    Where power and tilt share an indicator, a small shift speaks for the tilt, a large one for the power.
    """
    indicators = case.indicators[rule]
    raised = []
    for kind in FAULT_KINDS:
        over = indicators[kind] >= thresholds[kind]
        if kind == "wrong_tilt":
            over &= indicators["wrong_power"] < thresholds["wrong_power"]
        raised += [((t + 1) * STEP_S, cell, kind) for t, cell in np.argwhere(over).tolist()]
    return _first(sorted(raised))


def _first(alarms) -> list[Alarm]:
    first: dict[tuple[int, str], float] = {}
    for t_s, cell, kind in alarms:
        first.setdefault((cell, kind), t_s)
    return [(t_s, cell, kind) for (cell, kind), t_s in first.items()]


def tune(cases: list[Case], rule: str) -> dict[str, float]:
    """Find each kind's threshold with the highest F1 on `cases`, among the peaks of its indicator.

    A kind whose alarms lower the F1 of all kinds together is switched off (threshold inf).
    """
    thresholds = {}
    for kind in ("wrong_power", *(k for k in FAULT_KINDS if k != "wrong_power")):
        peaks, right = [], []
        for case in cases:
            values = case.indicators[rule][kind]
            if kind == "wrong_tilt":
                values = np.where(values < thresholds["wrong_power"], values, 0.0)
            peak = values.max(axis=0)
            if kind == "overload":
                peak[list(case.spread)] = 0.0
            peaks.append(peak)
            right.append((np.arange(len(peak)) == case.fault.cell) & (case.fault.kind == kind))
        peaks, right = np.concatenate(peaks), np.concatenate(right)
        order = np.argsort(-peaks, kind="stable")
        f1 = 2 * np.cumsum(right[order]) / (np.arange(1, len(order) + 1) + right.sum())
        thresholds[kind] = float(peaks[order][np.argmax(np.where(peaks[order] > 0, f1, 0.0))])
    return thresholds
    for kind in FAULT_KINDS:
        without = thresholds | {kind: np.inf}
        if _f1(cases, rule, without) > _f1(cases, rule, thresholds):
            thresholds = without
    return thresholds


def _f1(cases: list[Case], rule: str, thresholds: dict[str, float]) -> float:
    return score(cases, [rule_alarms(case, rule, thresholds) for case in cases]).loc["all", "f1"]


def score(cases: list[Case], alarms: list[list[Alarm]]) -> pd.DataFrame:
    """Precision, recall, F1 and time to detect by kind, and in all."""
    rows = {kind: {"faults": 0, "alarms": 0, "right": 0, "delay_s": []} for kind in FAULT_KINDS}
    for case, raised in zip(cases, alarms, strict=True):
        if case.fault is not None:
            rows[case.fault.kind]["faults"] += 1
        for t_s, cell, kind in raised:
            if kind == "overload" and cell in case.spread:
                continue
            rows[kind]["alarms"] += 1
            if case.fault is not None and (cell, kind) == (case.fault.cell, case.fault.kind):
                rows[kind]["right"] += 1
                rows[kind]["delay_s"].append(t_s)
    table = pd.DataFrame.from_dict(rows, orient="index")
    table.loc["all"] = table.sum()
    found = table["right"].astype(float)
    table["precision"] = found / table["alarms"].clip(lower=1).astype(float)
    table["recall"] = found / table["faults"].clip(lower=1).astype(float)
    table["f1"] = 2 * found / (table["alarms"] + table["faults"]).clip(lower=1).astype(float)
    table["median_detect_s"] = [float(np.median(d)) if d else np.nan for d in table.pop("delay_s")]
    return table.astype({"faults": int, "alarms": int, "right": int})
