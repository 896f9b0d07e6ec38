"""What if? Branch the twin, change the branch, let it run, compare; the network and its twin never notice.

Each scenario is tried in a simulator of its own that starts from a copy of the twin's state. Baseline and scenarios run
with the same seed, so that a difference is the change's doing, not chance's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from dnt_lab.datasets._numbers import real, whole
from dnt_lab.physical import HandoverRule, PhysicalNetwork, State
from dnt_lab.twin.indicators import SLA, network_kpis, rescue
from dnt_lab.twin.network_twin import NetworkTwin
from dnt_lab.twin.scenario import Scenario, branch_of


def what_if(
    twin: NetworkTwin,
    scenarios: Sequence[Scenario],
    *,
    sla: SLA | None = None,
    run_s: float = 0.0,
    step_s: float = 1.0,
    mobility: Callable[[State], object] | None = None,
    demand: Callable[[State], object] | None = None,
    handover: Callable[[], HandoverRule] = HandoverRule,
    seed: int = 0,
) -> pd.DataFrame:
    """Predict what each scenario would do to the network.

    Parameters
    ----------
    twin : NetworkTwin
        Where to start; it stays as it is.
    scenarios : sequence of Scenario
        What to try, each by itself.
    sla : SLA, optional
        Limits to judge by.
    run_s : float
        Seconds to run forward. 0 looks at once: users of a cell that is down attach to the best cell they hear, nobody
        else moves. Over 0 the handover rule decides, and indicators are means over the steps.
    step_s : float
        Length of a step.
    mobility, demand : functions from a State to a model, optional
        Models of the future, such as ``lambda state: RandomWaypoint(bounds_m)``; None leaves users and demands alone.
    handover : function that makes a HandoverRule
        Handover rule of the branches.
    seed : int
        Seed of all branches.

    Returns
    -------
    DataFrame
        Index ``scenario``, ``kpi`` (those of `network_kpis`, ``handovers`` and ``failures``); columns ``baseline``,
        ``predicted``, ``difference``, ``verdict`` (``"met"``, ``"violated"``, or ``""`` without a limit).

    Raises
    ------
    TypeError, ValueError
        If a scenario does not fit the network, two have one name, or a setting is wrong.
    """
    scenarios, sla = _checked(scenarios), sla or SLA()
    run_s, step_s = real("run_s", run_s, strict=False), real("step_s", step_s)
    for name, make in (("mobility", mobility), ("demand", demand)):
        if make is not None and not callable(make):
            raise TypeError(f"{name} is {make!r}, but a function from a State to a model is needed: lambda state: ...")
    whole("seed", seed, 0)
    run = {"n_steps": round(run_s / step_s + 0.499), "step_s": step_s, "outage_sinr_db": sla.outage_sinr_db}
    future = {"mobility": mobility, "demand": demand, "seed": seed}
    baseline = _run(branch_of(twin, **future, handover=handover()), twin.state.serving, **run)
    rows = []
    for scenario in scenarios:
        branch = branch_of(twin, scenario.changes, **future, handover=handover())
        for kpi, predicted in _run(branch, twin.state.serving, **run).items():
            row = (baseline[kpi], predicted, predicted - baseline[kpi], sla.verdict(kpi, predicted))
            rows.append((scenario.name, kpi, *row))
    columns = ["scenario", "kpi", "baseline", "predicted", "difference", "verdict"]
    return pd.DataFrame(rows, columns=columns).set_index(["scenario", "kpi"])


def _checked(scenarios) -> list[Scenario]:
    if isinstance(scenarios, Scenario):
        scenarios = [scenarios]
    names = [s.name for s in scenarios if isinstance(s, Scenario)]
    if not names or len(names) < len(scenarios):
        raise TypeError(f"scenarios is {scenarios!r}, but a list of at least one Scenario is needed")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"two scenarios are called {twice[0]!r}; give each a name of its own")
    return list(scenarios)


def _run(branch: PhysicalNetwork, before: np.ndarray, n_steps: int, step_s: float, outage_sinr_db: float) -> dict:
    """Indicators of a branch, at once or as means over steps; `before` is who served whom before the change."""
    state, n = branch.state, len(before)
    if n_steps == 0:
        kpis, orphans = rescue(state, branch.radio, branch.kpis)
        moved = (state.serving[:n] != before).sum() - (orphans < n).sum()
        result = network_kpis(state, branch.radio, kpis, outage_sinr_db)
        return result | {"handovers": float(moved), "failures": float(len(orphans))}
    each, moved = [], (state.serving[:n] != before).sum()
    for _ in range(n_steps):
        serving = state.serving.copy()
        branch.step(step_s)
        moved += (state.serving != serving).sum()
        each.append(network_kpis(state, branch.radio, branch.kpis, outage_sinr_db))
    failures = float(branch.failures.sum())
    return pd.DataFrame(each).mean().to_dict() | {"handovers": float(moved) - failures, "failures": failures}


def n_minus_one(twin: NetworkTwin, *, by: str = "cell", sla: SLA | None = None) -> pd.DataFrame:
    """Fail each cell (or site) in turn; its users attach to the best cell that is left.

    Parameters
    ----------
    twin : NetworkTwin
        Where to start; it stays as it is.
    by : {"cell", "site"}
        What fails.
    sla : SLA, optional
        Limits to judge by.

    Returns
    -------
    DataFrame
        Index ``failed`` (cell names); columns: users that lost their cell (``users``), the indicators of `network_kpis`
        afterwards, ``lost_mbit_s`` (throughput lost), ``verdict``. The severest failure first: most throughput lost,
        then highest load.

    Raises
    ------
    ValueError
        If `by` is neither, or there are no users.
    """
    if by not in ("cell", "site"):
        raise ValueError(f"by is {by!r}, but 'cell' or 'site' fails")
    sla, state, radio = sla or SLA(), twin.state, twin.radio
    baseline = network_kpis(state, radio, twin.kpis, sla.outage_sinr_db)
    part = np.arange(state.n_cells)
    if by == "site":
        part = np.unique(state.cell_position_m, axis=0, return_inverse=True)[1].reshape(-1)
    heard_cells = radio.tile_cells[twin.kpis.tile]
    rows = []
    for number in dict.fromkeys(part.tolist()):
        failed = np.flatnonzero(part == number)
        branch = state.copy()
        branch.on[failed] = False
        heard_q = np.where(np.isin(heard_cells, failed), 0.0, twin.kpis.heard_q)
        kpis, orphans = rescue(branch, radio, replace(twin.kpis, heard_q=heard_q))
        row = {"failed": ", ".join(f"bs-{cell}" for cell in failed), "users": len(orphans)}
        after = network_kpis(branch, radio, kpis, sla.outage_sinr_db)
        lost = round(baseline["throughput_mbit_s"] - after["throughput_mbit_s"], 6)  # ties must be ties: whole bits
        rows.append(row | after | {"lost_mbit_s": lost, "verdict": sla.verdict_of_all(after)})
    table = pd.DataFrame(rows).set_index("failed")
    return table.sort_values(["lost_mbit_s", "max_load"], ascending=False, kind="stable")
