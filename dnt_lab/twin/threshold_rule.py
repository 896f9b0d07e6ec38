"""Threshold rules, the baseline of the fault study, and the score that twin and rules are given alike.

A rule raises an alarm where an indicator of a cell reaches a threshold: how far its received power, its load or its
radio link failures are from normal. Normal is what the cell reported before, or what the twin predicts. Thresholds are
tuned for the highest F1 on cases of their own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from dnt_lab.physical import FAULT_KINDS, Fault

STEP_S = 0.5
WARM_STEPS = 5
"""Steps before the fault; the threshold rule learns here what is normal."""
WATCH_STEPS = 20
"""Steps after the fault; who has not noticed by then has missed it."""
WINDOW = 10
"""Steps a decision looks back."""
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


def indicators(series: dict[str, np.ndarray]) -> dict[str, dict[str, np.ndarray]]:
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
    values = case.indicators[rule]
    raised = []
    for kind in FAULT_KINDS:
        over = values[kind] >= thresholds[kind]
        if kind == "wrong_tilt":
            over &= values[kind] < thresholds["tilt_below"]
        raised += [((t + 1) * STEP_S, cell, kind) for t, cell in np.argwhere(over).tolist()]
    return first_alarms(sorted(raised))


def first_alarms(alarms: Iterable[Alarm]) -> list[Alarm]:
    """Keep the first alarm of each cell and kind; `alarms` come in order of time."""
    first: dict[tuple[int, str], float] = {}
    for t_s, cell, kind in alarms:
        first.setdefault((cell, kind), t_s)
    return [(t_s, cell, kind) for (cell, kind), t_s in first.items()]


def tune(cases: list[Case], rule: str) -> dict[str, float]:
    """Find each kind's threshold with the highest F1 on `cases`, which all hold a fault, among its indicator's peaks.

    Kinds that lower the F1 of all kinds together are switched off (threshold inf). ``tilt_below`` ends a tilt's range.
    """
    thresholds, counts = {}, {}
    for kind in ("wrong_power", *(k for k in FAULT_KINDS if k != "wrong_power")):
        peaks, right = [], []
        for case in cases:
            values = case.indicators[rule][kind]
            if kind == "wrong_tilt":
                values = np.where(values < thresholds["tilt_below"], values, 0.0)
            peak = values.max(axis=0)
            if kind == "overload":
                peak[list(case.spread)] = 0.0
            peaks.append(peak)
            right.append((np.arange(len(peak)) == case.fault.cell) & (case.fault.kind == kind))
        peaks, right = np.concatenate(peaks), np.concatenate(right)
        order = np.argsort(-peaks, kind="stable")
        peaks, found = peaks[order], np.cumsum(right[order])
        f1 = 2 * found / (np.arange(1, len(order) + 1) + found[-1])
        can_be = (peaks > 0) & np.append(np.diff(peaks) != 0, True)  # equal peaks are over a threshold together
        best = int(np.argmax(np.where(can_be, f1, -1.0)))
        thresholds[kind], counts[kind] = float(peaks[best]), (best + 1, found[best])
        if kind == "wrong_power":
            thresholds["tilt_below"] = thresholds[kind]
    subsets = [kinds for n in range(len(FAULT_KINDS) + 1) for kinds in combinations(FAULT_KINDS, n)]

    def f1_together(kinds):
        n_alarms, n_right = (sum(counts[kind][i] for kind in kinds) for i in (0, 1))
        return 2 * n_right / (n_alarms + len(cases))

    kept = max(subsets, key=f1_together)
    return thresholds | {kind: np.inf for kind in FAULT_KINDS if kind not in kept}


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
