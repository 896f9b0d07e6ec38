"""Candidate twins: each answers for any position and time with a belief, from knowledge of its own kind.

- `map_twin`: values traced or measured on a grid, interpolated; as old as its grid. A radio map for planning.
- `channel_knowledge_twin`: samples along users' tracks, kriged; sharp near fresh ones, vague elsewhere.
- `statistical_twin`: TR 38.901 UMi; knows nothing of the place.

>>> twin = statistical_twin(tx_m=[0.0, 0.0, 10.0], freq_hz=28e9)
>>> twin.belief([[50.0, 0.0]], now_h=0.0).mean_db.round(1)
array([-105.])
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from dnt_lab.datasets._numbers import real
from dnt_lab.mapping.merging.belief import Belief, Samples, aged, unit_vectors
from dnt_lab.mapping.merging.kriging import fit_field, krige, smoothed
from dnt_lab.physical.pathloss import SHADOWING_DB, umi_db, umi_los_probability

BYTES_A_POINT = 3
"""Of a map: gain 1 (half dB), direction 1 (1.4 degrees), line of sight 1; the grid itself is a few numbers."""
_BYTES_OF_PARAMETERS = 16
_NEAREST = 4
_SOFT_M = 0.5  # a position on a grid point takes nearly all from it


@dataclass(frozen=True)
class Twin:
    """A candidate.

    Attributes
    ----------
    name : str
        What to call it in tables.
    belief : callable
        ``belief(xy_m (P, 2), now_h) -> Belief`` about P positions in metres at one time in hours.
    n_bytes : int
        What it costs to hand it over.
    """

    name: str
    belief: Callable[[np.ndarray, float], Belief]
    n_bytes: int


def map_twin(
    name: str, points_m, gain_db, los, turn_deg, std_db: float, *, made_h: float = 0.0, drift_db: float = 0.0
) -> Twin:
    """Twin that interpolates a grid, the nearer of the four nearest points counting more.

    Parameters
    ----------
    name : str
        What to call it.
    points_m : array_like, shape (G, 2)
        Points of the grid in metres, those indoors left out; 4 or more.
    gain_db, los, turn_deg : array_like, shape (G,)
        Path gain in dB, line of sight or not, direction of the strongest path in degrees as in `Samples`.
    std_db : float
        Deviation it claims when made.
    made_h : float
        When that was, in hours; before, it has no opinion.
    drift_db : float
        How fast the claim grows with age, as in `aged`.

    Raises
    ------
    ValueError
        If there are fewer than four points, a gain is not finite or a number is out of its range; when asked, if that
        is before `made_h`.
    """
    points_m, gain_db = np.asarray(points_m, float), np.asarray(gain_db, float)
    if points_m.shape != (len(gain_db), 2) or len(gain_db) < _NEAREST:
        raise ValueError(
            f"points_m has shape {points_m.shape}, but one (x, y) for each of {_NEAREST} or more gains is needed"
        )
    if not np.isfinite(gain_db).all():
        raise ValueError(f"gain_db holds {gain_db[~np.isfinite(gain_db)][0]}, but a map needs finite gains in dB")
    std_db, tree = real("std_db", std_db), cKDTree(points_m)
    values = np.column_stack([gain_db, np.asarray(los, float), unit_vectors(turn_deg)])

    def belief(xy_m, now_h: float) -> Belief:
        if now_h < made_h:
            raise ValueError(f"now_h is {now_h:g}, but the map {name!r} was made at hour {made_h:g}")
        distance_m, point = tree.query(np.asarray(xy_m, float), k=_NEAREST)
        share = (distance_m + _SOFT_M) ** -2
        share /= share.sum(axis=1, keepdims=True)
        mean_db, los_share, *departure = np.einsum("pk,pkv->vp", share, values[point])
        young = Belief(mean_db, np.full(len(mean_db), std_db), np.clip(los_share, 0, 1), np.stack(departure, axis=1))
        return aged(young, now_h - made_h, drift_db)

    return Twin(name, belief, BYTES_A_POINT * len(gain_db))


def channel_knowledge_twin(name: str, samples: Samples, tx_m, freq_hz: float) -> Twin:
    """Twin that kriges what samples say beyond TR 38.901.

    Line of sight and direction are those of the samples around, the standard counting like one sample more.

    Parameters
    ----------
    name : str
        What to call it.
    samples : Samples
        3 or more, all taken before it is asked; old ones count less, at the rate that they show.
    tx_m : array_like, shape (3,)
        Base station in metres.
    freq_hz : float
        Carrier frequency in Hz.

    Raises
    ------
    ValueError
        If there are fewer than three samples; when asked, if that is before one of them.
    """
    standard = statistical_twin(tx_m, freq_hz).belief
    expected = standard(samples.xy_m, 0.0)
    residual_db = samples.gain_db - expected.mean_db
    evidence = (samples.xy_m, samples.time_h, residual_db, samples.noise_db, expected.std_db)
    field = fit_field(*evidence)
    said = np.column_stack([samples.los, unit_vectors(samples.turn_deg)])

    def belief(xy_m, now_h: float) -> Belief:
        if now_h < samples.time_h.max():
            raise ValueError(f"now_h is {now_h:g}, but the twin {name!r} has samples of hour {samples.time_h.max():g}")
        prior = standard(xy_m, now_h)
        excess_db, std_db = krige(field, *evidence, xy_m, now_h, prior.std_db)
        seen = np.column_stack([prior.los, prior.departure])
        seen = smoothed(field, samples.xy_m, samples.time_h, said, xy_m, now_h, seen)
        return Belief(prior.mean_db + excess_db, np.maximum(std_db, 1e-3), seen[:, 0], seen[:, 1:])

    return Twin(name, belief, samples.n_bytes)


def statistical_twin(tx_m, freq_hz: float, name: str = "statistical") -> Twin:
    """Twin that knows the distance only: TR 38.901 UMi, its two states (LOS or not) mixed by their probability.

    The strongest path leaves straight at the user, as surely as there is a line of sight.

    Parameters
    ----------
    tx_m : array_like, shape (3,)
        Base station in metres.
    freq_hz : float
        Carrier frequency in Hz, 0.5e9 to 100e9.
    name : str
        What to call it.
    """
    tx_m = np.asarray(tx_m, float)

    def belief(xy_m, now_h: float) -> Belief:
        d2d_m = np.hypot(*(np.asarray(xy_m, float) - tx_m[:2]).T)
        p = umi_los_probability(d2d_m)
        share = np.stack([p, 1 - p])
        gain_db = -np.stack([umi_db(d2d_m, freq_hz, los, tx_m[2]) for los in (True, False)])
        mean_db = (share * gain_db).sum(axis=0)
        shadowing_db = np.array(SHADOWING_DB["umi"])[:, None]
        variance = (share * (shadowing_db**2 + (gain_db - mean_db) ** 2)).sum(axis=0)
        return Belief(mean_db, np.sqrt(variance), p, np.column_stack([p, np.zeros_like(p)]))

    return Twin(name, belief, _BYTES_OF_PARAMETERS)
