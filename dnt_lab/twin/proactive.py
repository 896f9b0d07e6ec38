"""Proactive against reactive protection of URLLC users (article, II-B.1).

Three measures carry a packet through a bad moment. Each takes time to start and costs resource units (1 = bare packet):

============  ==========================================================================  =====
measure       what it does to the packet                                                  units
============  ==========================================================================  =====
``resources`` four times the symbols: a lower code rate                                   4
``band``      a copy over the serving cell's 3.5 GHz carrier                              2
``beam``      a copy over the best beam of the cell measured best after the serving one   2
============  ==========================================================================  =====

The reactive network starts a measure once it has measured that the SINR fell. The proactive one also starts it when its
twin foresees a fall. Both take the same time to start a measure, and both hold it for the same time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from dnt_lab.datasets._numbers import inner_share, real, whole
from dnt_lab.twin import canyon as canyons
from dnt_lab.twin.urllc import packet_error, required_sinr

MEASURES = ("resources", "band", "beam")
STRATEGIES = ("never", "reactive", "reactive, same cost", "proactive", "perfect forecast", "always")
_UNITS = {"resources": 4, "band": 2, "beam": 2}


@dataclass(frozen=True)
class Protection:
    """Service and rules of protection.

    Attributes
    ----------
    n_bits, n_symbols : float
        Packet and the symbols of a bare one.
    target_error : float
        Packet error above which a user is in outage.
    margin_db : float
        A measure starts when the SINR, measured or foreseen, is within this margin of what the target needs.
    detect_s : float
        Time until a measured fall is believed.
    hold_s : float
        A measure goes on for so long after its last reason.
    resources_s, band_s, beam_s : float
        Time to start each measure.
    """

    n_bits: float = 256
    n_symbols: float = 128
    target_error: float = 1e-5
    margin_db: float = 2.0
    detect_s: float = 0.1
    hold_s: float = 0.3
    resources_s: float = 0.05
    band_s: float = 0.1
    beam_s: float = 0.2

    def __post_init__(self):
        required_sinr(self.n_bits, self.n_symbols, self.target_error)
        for name in ("margin_db", "detect_s", "hold_s", "resources_s", "band_s", "beam_s"):
            real(name, getattr(self, name), strict=False)


def study(
    canyon: canyons.Canyon | None = None,
    protection: Protection | None = None,
    n_seeds: int = 20,
    seed: int = 0,
    *,
    forecast: bool = True,
) -> pd.DataFrame:
    """Protect the users of a street canyon in every way.

    Parameters
    ----------
    canyon, protection
        Settings; the defaults are those of the notebook.
    n_seeds : int
        Independent runs, at least 2.
    seed : int
        Seed of all of them.
    forecast : bool
        False switches the twin off: what is proactive is then reactive.

    Returns
    -------
    DataFrame
        One row a measure, strategy and run: ``outage_s`` (time in outage, mean over users), ``lost`` (mean packet
        error: one minus the reliability) and ``units`` (mean resource units a packet).
    """
    canyon = canyon or canyons.Canyon()
    links = canyons.run(canyon, whole("n_seeds", n_seeds, 2), seed)
    if not forecast:
        links = [canyons.Links(run.sinr, run.serving, np.full_like(run.foreseen, np.inf)) for run in links]
    return compare(canyon, protection or Protection(), links)


def compare(canyon: canyons.Canyon, protection: Protection, links: list[canyons.Links]) -> pd.DataFrame:
    """Protect the users of given runs in every way; result as of `study`."""
    rows = _Rows(canyon, protection, links)
    return pd.concat([_compare(rows, measure, len(links)) for measure in MEASURES], ignore_index=True)


def summary(frame: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """Means over runs with intervals.

    Parameters
    ----------
    frame : DataFrame
        What `study` returned.
    level : float
        Confidence of the intervals (Student's t over runs).

    Returns
    -------
    DataFrame
        Indexed by measure and strategy: ``outage_s`` and ``saved_s`` (outage time saved against the reactive network
        in the same run), both with ``_low`` and ``_high``; ``reliability`` and ``units``.
    """
    level = inner_share("level", level)
    quantile = stats.t.ppf((1 + level) / 2, frame["run"].nunique() - 1)
    reactive = frame[frame["strategy"] == "reactive"].set_index(["measure", "run"])["outage_s"]
    saved = reactive.loc[pd.MultiIndex.from_frame(frame[["measure", "run"]])].to_numpy() - frame["outage_s"]
    groups = frame.assign(saved_s=saved).groupby(["measure", "strategy"], sort=False)
    mean, half = groups.mean(), quantile * groups.sem()
    table = pd.DataFrame(index=mean.index)
    for name in ("outage_s", "saved_s"):
        table[name], table[f"{name}_low"] = mean[name], mean[name] - half[name]
        table[f"{name}_high"] = mean[name] + half[name]
    return table.assign(reliability=1 - mean["lost"], units=mean["units"])


class _Rows:
    """All runs side by side: time down, users of all runs across."""

    def __init__(self, canyon: canyons.Canyon, protection: Protection, links: list[canyons.Links]):
        self.canyon, self.protection = canyon, protection
        self.serving = np.concatenate([run.serving for run in links], axis=1)
        self.sinr = np.concatenate([run.sinr for run in links], axis=1)
        self.own_sinr = self._of_serving(self.sinr[..., 0])
        foreseen = np.concatenate([run.foreseen for run in links], axis=1)
        self.foreseen = self._of_serving(np.moveaxis(foreseen, 3, 2)).min(axis=-1)
        self.worst_to_come = self.own_sinr.copy()
        for ahead in range(1, self.steps(canyon.horizon_s) + 1):
            self.worst_to_come[:-ahead] = np.minimum(self.worst_to_come[:-ahead], self.own_sinr[ahead:])

    def _of_serving(self, of_cells):
        index = self.serving.reshape(*self.serving.shape, *[1] * (of_cells.ndim - 2))
        return np.take_along_axis(of_cells, index, axis=2)[:, :, 0]

    def steps(self, time_s: float) -> int:
        return round(time_s / self.canyon.dt_s)

    def measured(self) -> np.ndarray:
        """SINR as the network believes it now."""
        return _late(self.own_sinr, self.steps(self.protection.detect_s))

    def errors(self, measure: str) -> tuple[np.ndarray, np.ndarray]:
        """Packet errors (T, rows) without and with a measure."""
        packet = (self.protection.n_bits, self.protection.n_symbols)
        bare = packet_error(self.own_sinr, *packet)
        if measure == "resources":
            return bare, packet_error(self.own_sinr, packet[0], _UNITS[measure] * packet[1])
        if measure == "band":
            return bare, bare * packet_error(self._of_serving(self.sinr[..., 1]), *packet)
        others = self.sinr[..., 0].copy()
        np.put_along_axis(others, self.serving[..., None], -np.inf, axis=2)
        known = _late(others, self.steps(self.protection.detect_s + self.protection.beam_s))
        np.put_along_axis(known, self.serving[..., None], -np.inf, axis=2)
        best = np.argmax(known, axis=2)[..., None]
        return bare, bare * packet_error(np.take_along_axis(others, best, axis=2)[..., 0], *packet)

    def active(self, reason: np.ndarray, measure: str) -> np.ndarray:
        """When a measure is on, given when there is a reason for it: later by its start-up time, longer by the hold."""
        start = self.steps(getattr(self.protection, f"{measure}_s"))
        held = reason.copy()
        for late in range(1, self.steps(self.protection.hold_s) + 1):
            held[late:] |= reason[:-late]
        on = np.zeros_like(held)
        on[start:] = held[: len(held) - start]
        return on


def _late(values, steps: int):
    return values[np.maximum(np.arange(len(values)) - steps, 0)]


def _compare(rows: _Rows, measure: str, n_runs: int) -> pd.DataFrame:
    rules = rows.protection
    needed = required_sinr(rules.n_bits, rules.n_symbols, rules.target_error)
    bare, helped = rows.errors(measure)
    measured, low = rows.measured(), needed * 10 ** (rules.margin_db / 10)
    reactive = measured < low
    on = {
        "never": np.zeros_like(reactive),
        "reactive": rows.active(reactive, measure),
        "proactive": rows.active(reactive | (rows.foreseen < low), measure),
        "perfect forecast": rows.active(rows.worst_to_come < low, measure),
        "always": np.ones_like(reactive),
    }
    on["reactive, same cost"] = _at_duty(rows, measure, measured, low, on["proactive"].mean())
    tables = []
    for strategy in STRATEGIES:
        error = np.where(on[strategy], helped, bare).reshape(len(bare), n_runs, -1)
        duty = on[strategy].reshape(error.shape).mean(axis=(0, 2))
        outage_s = (error > rules.target_error).mean(axis=2).sum(axis=0) * rows.canyon.dt_s
        part = {"outage_s": outage_s, "lost": error.mean(axis=(0, 2)), "units": 1 + (_UNITS[measure] - 1) * duty}
        tables.append(pd.DataFrame({"measure": measure, "strategy": strategy, "run": np.arange(n_runs), **part}))
    return pd.concat(tables)


def _at_duty(rows: _Rows, measure: str, measured, low: float, duty: float):
    """Reactive, with the threshold raised until it spends as much as `duty` (bisection in dB; never less)."""
    below_db, above_db = 0.0, 60.0
    for _ in range(30):
        middle_db = (below_db + above_db) / 2
        enough = rows.active(measured < low * 10 ** (middle_db / 10), measure).mean() >= duty
        below_db, above_db = (below_db, middle_db) if enough else (middle_db, above_db)
    return rows.active(measured < low * 10 ** (above_db / 10), measure)
