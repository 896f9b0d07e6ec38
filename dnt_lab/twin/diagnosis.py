r"""Diagnosis: the twin knows what should be, measurements say what is; the difference names the culprit.

Per cell, every kind of fault is a hypothesis about counters or about residuals :math:`r` = measured - predicted power:

==================  ================================================================================================
kind                under this hypothesis
==================  ================================================================================================
wrong_power         :math:`r = a`, the same near and far
wrong_tilt          :math:`r = G(\theta; t + a) - G(\theta; t)`: residuals follow the pattern over depression angles
link_failure        reports of the cell that the twin is sure of do not come, not one
missing_neighbour   users stay, or go elsewhere, although a neighbour is stronger than a handover needs
overload            the cell's users offer :math:`a` times the traffic the twin knows of
==================  ================================================================================================

Scores are log-likelihood ratios against "healthy" in nats, less the BIC price :math:`\frac12\ln n` of a fitted amount
(Schwarz 1978) and :math:`\ln T` for the onset, tried at each of T instants. So they compare across kinds, and one
threshold serves all.

The twin must know the propagation (`dnt_lab.twin.NetworkTwin.mirror` does): one with a shadowing map of its own takes
the difference for wrong powers. Measurement errors up to about 3 dB are borne; larger ones bias who is reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from dnt_lab.physical import HandoverRule
from dnt_lab.physical.kpis import NOMINAL_EFFICIENCY
from dnt_lab.twin.network_twin import NetworkTwin
from dnt_lab.twin.observation import TILTS_DEG, Observation

ALARM_NATS = 6.0
"""Score from which a cause is reported; chosen on the tuning seeds of `dnt_lab.twin.diagnosis_study`."""
MATERIAL = {"wrong_power": 3.0, "wrong_tilt": 5.0, "overload": 2.0}
"""Least dB, degrees and factor worth a visit to the site."""
_CLEAR_NATS = 3.0  # power or tilt is named only if it explains the residuals this much better than the other
_LOST_REPORT = 0.05  # share of reports the twin is sure of that a healthy cell may still miss
_WRONG_TWIN = 0.005  # chance that the twin errs about which of two cells is the stronger
_COUNTER_SIGMA = 0.2  # a traffic counter and the twin's sum may differ by 20 % (natural log)
_LEAST_SHARE = 0.05  # of a cell's nominal capacity: less excess traffic overloads nothing
_RADIO = ("link_failure", "wrong_power", "wrong_tilt")


@dataclass(frozen=True, repr=False)
class Diagnosis:
    """Ranked causes.

    Attributes
    ----------
    causes : DataFrame
        One row a cause, the likeliest first: ``cell``, ``kind`` (one of `dnt_lab.physical.FAULT_KINDS`), ``amount``
        (dB, degrees, neighbour cell or factor; NaN for a link failure), ``score`` in nats, ``evidence``, a sentence.
    """

    causes: pd.DataFrame

    @property
    def healthy(self) -> bool:
        """True if no cause was found."""
        return self.causes.empty

    def __repr__(self):
        if self.healthy:
            return "Diagnosis: the network behaves as its twin predicts"
        lines = [f"{row.score:8.1f}  bs-{row.cell} {row.kind}: {row.evidence}" for row in self.causes.itertuples()]
        return "\n".join(["Diagnosis (score in nats)", *lines])


def diagnose(
    twin: NetworkTwin,
    observations: Sequence[Observation],
    *,
    handover: HandoverRule | None = None,
    alarm_nats: float = ALARM_NATS,
) -> Diagnosis:
    """Name what is wrong in the network from what it measured and what its twin predicted.

    Parameters
    ----------
    twin : NetworkTwin
        What should be: the intended configuration.
    observations : sequence of Observation
        A short window of `dnt_lab.twin.observe` results, oldest first; 5 to 15 steps suffice.
    handover : HandoverRule, optional
        The handover settings as intended.
    alarm_nats : float
        Least score of a cause.

    Returns
    -------
    Diagnosis

    Raises
    ------
    TypeError, ValueError
        If there are no observations, or they are of another network or out of order.
    """
    _check(twin, observations, alarm_nats)
    sigma_db = _noise_db(observations)
    found = [
        *_link_failure(observations),
        *_power_or_tilt(twin, observations, sigma_db),
        *_missing_neighbour(observations, handover or HandoverRule(), sigma_db),
        *_overload(twin, observations),
    ]
    found = sorted((cause for cause in found if cause[3] >= alarm_nats), key=lambda cause: -cause[3])
    ranked, blamed = [], set()
    for cell, kind, amount, score, text in found:
        # a cell has one radio fault, the likeliest; where there is one, the twin errs about who is the stronger
        if (kind in _RADIO and cell in blamed) or (kind == "missing_neighbour" and blamed & {cell, amount}):
            continue
        if kind in _RADIO:
            blamed.add(cell)
        ranked.append((int(cell), kind, float(amount), float(score), text))
    return Diagnosis(pd.DataFrame(ranked, columns=["cell", "kind", "amount", "score", "evidence"]))


def _check(twin, observations, alarm_nats) -> None:
    if isinstance(observations, Observation) or not all(isinstance(o, Observation) for o in observations):
        raise TypeError("observations must be a list of Observation: collect observe(twin, users, cells) step by step")
    if not len(observations):
        raise ValueError("there are no observations: collect observe(twin, users, cells) for some steps first")
    if not alarm_nats > 0:
        raise ValueError(f"alarm_nats is {alarm_nats}, but a score that raises an alarm is over 0")
    sizes = {o.reports.size for o in observations} | {twin.state.n_cells}
    if len(sizes) > 1:
        raise ValueError(f"observations and twin have {' and '.join(map(str, sorted(sizes)))} cells; take one network")
    if any(later.t_s < earlier.t_s for earlier, later in pairwise(observations)):
        raise ValueError("observations are out of order: sort them by t_s, oldest first")


def _since(observations, name: str) -> np.ndarray:
    """Sums of a column from each instant to the last, (T, ...)."""
    return np.cumsum(np.array([getattr(o, name) for o in observations])[::-1], axis=0)[::-1]


def _noise_db(observations) -> float:
    """Measurement error from the scatter of residuals around each cell's mean, where the median cell is healthy."""
    n, first, second = (_since(observations, name)[0] for name in ("reports", "residual_db", "residual_sq"))
    known = n >= 3
    if not known.any():
        return 1.0
    spread = (second[known] - first[known] ** 2 / n[known]) / (n[known] - 1)
    return float(np.sqrt(max(np.median(spread), 0.01)))


def _link_failure(observations):
    """Count the reports due since the last one that came."""
    due = np.array([o.due for o in observations])
    missed = (due * (_since(observations, "reports") == 0)).sum(axis=0)
    for cell in np.flatnonzero(missed):
        text = f"{missed[cell]} reports of bs-{cell} were due and none came: nobody hears it any more."
        yield cell, "link_failure", np.nan, -missed[cell] * np.log(_LOST_REPORT), text


def _power_or_tilt(twin, observations, sigma_db):
    """Test a constant offset against the pattern of another tilt, by least squares, for every onset."""
    n, total_db, pattern_sq, product = (
        _since(observations, name) for name in ("reports", "residual_db", "pattern_sq", "pattern_residual")
    )
    price = 0.5 * np.log(np.maximum(n, 1)) + np.log(len(n))
    mean_db = total_db / np.maximum(n, 1)
    offset_db = np.copysign(np.maximum(np.abs(mean_db), MATERIAL["wrong_power"]), mean_db)
    power = (2 * offset_db * total_db - n * offset_db**2) / (2 * sigma_db**2) - price  # (T, B)
    tilt = (2 * product - pattern_sq) / (2 * sigma_db**2) - price[..., None]  # (T, B, tilts)
    tilt[..., np.abs(TILTS_DEG) < MATERIAL["wrong_tilt"]] = -np.inf
    onset, tilt_onset = power.argmax(axis=0), tilt.max(axis=2).argmax(axis=0)
    for cell in np.flatnonzero(n[0]):
        k, m = onset[cell], tilt_onset[cell]
        j = tilt[m, cell].argmax()
        lead = tilt[m, cell, j] - power[k, cell]
        if lead > _CLEAR_NATS:
            meant = twin.state.tilt_deg[cell]
            text = (
                f"{n[m, cell]} reports of bs-{cell} differ from the twin as a tilt of {meant + TILTS_DEG[j]:g} degrees "
                f"instead of {meant:g} would have it."
            )
            yield cell, "wrong_tilt", TILTS_DEG[j], tilt[m, cell, j], text
        elif lead < -_CLEAR_NATS:
            shift = f"{abs(mean_db[k, cell]):.1f} dB {'below' if mean_db[k, cell] < 0 else 'above'}"
            text = f"{n[k, cell]} reports of bs-{cell}, near and far, lie {shift} what the twin predicts."
            yield cell, "wrong_power", mean_db[k, cell], power[k, cell], text


def _missing_neighbour(observations, handover, sigma_db):
    """Look for handovers that were due and did not happen, or led elsewhere than to the strongest cell."""
    stays, latest = [], {}
    excesses: dict[tuple[int, int], list[float]] = {}
    for earlier, later in pairwise([observations[0], *observations]):
        for user, cell, neighbour, predicted_db, measured_db in later.stronger:
            came_from = earlier.serving[user]
            if predicted_db > handover.hysteresis_db:
                start_s = earlier.t_s if came_from == cell else later.t_s  # time to trigger starts anew on arrival
                who = (user, cell, neighbour)
                if who not in latest or latest[who][-1][1] != earlier.t_s:  # no stay that goes on: a new one
                    latest[who] = []
                    stays.append((cell, neighbour, latest[who]))
                latest[who].append((start_s, later.t_s, measured_db))
            if came_from not in (cell, neighbour, -1) and predicted_db > 0:
                excesses.setdefault((came_from, neighbour), []).append(max(measured_db, 0.0) ** 2)
    for cell, neighbour, stay in stays:
        start_s, end_s, measured_db = np.array(stay).T
        if end_s[-1] - start_s[0] >= handover.time_to_trigger_s:
            excess_db = max(measured_db.mean() - handover.hysteresis_db, 0.0)
            excesses.setdefault((cell, neighbour), []).append(len(stay) * excess_db**2)
    for (cell, neighbour), squares in excesses.items():
        # a margin is the difference of two measurements: variance 2 sigma^2
        score = sum(squares) / (4 * sigma_db**2) - np.log(_WRONG_TWIN) * any(squares) - 0.5 * np.log(len(squares))
        text = (
            f"{len(squares)} time(s) a user of bs-{cell} stayed or went elsewhere though bs-{neighbour} was stronger: "
            "no handover leads there."
        )
        yield cell, "missing_neighbour", neighbour, score, text


def _overload(twin, observations):
    """Compare offered traffic with the sum of the demands the twin knows."""
    measured, known = (_since(observations, name)[0] / len(observations) for name in ("offered_bps", "known_bps"))
    capacity_bps = twin.state.bandwidth_hz.sum() * NOMINAL_EFFICIENCY
    for cell in np.flatnonzero(measured - known > _LEAST_SHARE * capacity_bps):
        factor = measured[cell] / known[cell] if known[cell] else np.inf
        if factor >= MATERIAL["overload"]:
            text = (
                f"users of bs-{cell} offer {measured[cell] / 1e6:.1f} Mbit/s where the twin knows of "
                f"{known[cell] / 1e6:.1f}; its load is {observations[-1].load[cell]:.2f}."
            )
            yield cell, "overload", factor, (np.log(min(factor, 100.0)) / _COUNTER_SIGMA) ** 2 / 2, text
