"""Which twin serves a room: the one that foretold its newest reports best, before it had learned from them.

>>> runs = [asynchronous(world, rule), asynchronous(world, rule, "buildings"), asynchronous(world, rule, "rooms")]
>>> chosen, which = choose_by_reports(world, runs, newest=16)
>>> (which == 0).mean(axis=1)  # share of rooms, by the hour, that the global twin serves
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from dnt_lab.datasets._checks import whole
from dnt_lab.mapping.continual.twins import Run
from dnt_lab.mapping.continual.world import HOURS_S, World


def choose_by_reports(world: World, runs: Sequence[Run], newest: int = 16) -> tuple[Run, np.ndarray]:
    """Serve each room by the run whose predictions came closest to its newest reports.

    A report is compared with what a twin said of its link at the last full hour before, so no twin is judged by what
    it has learned from. Reports before time 0, from which all twins started, do not count; until the first one comes,
    and of equals, the first run serves.

    Parameters
    ----------
    world : World
        Whose reports decide.
    runs : sequence of Run
        Among which to choose; all of them are kept alive and paid for.
    newest : int
        Reports that count, 1 or more.

    Returns
    -------
    chosen : Run
        Its `history` is empty; its bytes are those of all runs.
    which : ndarray of int, shape (37, K)
        Number of the run that serves each room at each hour.

    Raises
    ------
    ValueError, TypeError
        If there is no run or `newest` is not a whole number above 0.
    """
    newest, measured = whole("newest", newest, 1), world.measured
    if not runs:
        raise ValueError("there is no run, but one at least is needed to choose from.")
    predicted_db = np.stack([run.predicted_db for run in runs])
    which = np.zeros((len(HOURS_S), len(measured)), int)
    for k, n in enumerate(measured.n_reports):
        time_s, link = measured.time_s[k, :n], measured.link[k, :n]
        hour = np.searchsorted(HOURS_S, time_s, side="left") - 1  # a model of this very moment may know the report
        squared = (predicted_db[:, np.maximum(hour, 0), k, link] - measured.excess_db[k, :n]) ** 2
        for i, now_s in enumerate(HOURS_S):
            reports = measured.newest(k, now_s, newest)
            reports = reports[hour[reports] >= 0]
            if len(reports):
                which[i, k] = squared[:, reports].mean(axis=1).argmin()
    rows = np.arange(len(HOURS_S))[:, None], np.arange(len(measured))
    sent = {name: sum(getattr(run, name) for run in runs) for name in ("cloud_bytes", "edge_bytes")}
    return Run(predicted_db[which, *rows], pd.DataFrame(), **sent), which
