"""A world that all systems share: one campus, one stream of reports, one set of devices, one first twin.

>>> world = draw_world("wave", seed=1)
>>> world
World(Campus(24 rooms in 4 buildings, 24 of which change), Measurements(...), mlp(6, 16, 16, 1))
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dnt_lab import fl
from dnt_lab.datasets._checks import generator, whole
from dnt_lab.datasets._numbers import real
from dnt_lab.mapping.continual.campus import HORIZON_S, Campus, draw_campus
from dnt_lab.mapping.continual.measurements import UNIT_DB, Measurements, measure

HOURS_S = np.arange(0.0, HORIZON_S + 1, 3600.0)
"""When twins are judged: every full hour, shape (37,)."""


@dataclass(frozen=True)
class Learning:
    """How twins learn.

    Attributes
    ----------
    hidden : int
        Units of each of two hidden layers.
    first_rounds : int
        Rounds of federated averaging that make the first twin of the reports before time 0.
    first, update : fl.LocalTraining
        A BS's job in such a round, and in an update afterwards.
    period_s : float
        Seconds from the start of one job of a BS to that of its next, if the last one is done by then.
    newest : int
        An update learns from the newest so many reports.
    merge_every : int
        Rounds' worth of arrivals at a building's head from one meeting with the cloud to the next.
    """

    hidden: int = 16
    first_rounds: int = 30
    first: fl.LocalTraining = fl.LocalTraining(4, 16, 0.03)
    update: fl.LocalTraining = fl.LocalTraining(2, 16, 0.03)
    period_s: float = 1800.0
    newest: int = 32
    merge_every: int = 4

    def __post_init__(self):
        for name in ("hidden", "first_rounds", "newest", "merge_every"):
            whole(name, getattr(self, name), 1)
        real("period_s", self.period_s)


@dataclass(frozen=True, eq=False)
class World:
    """What systems share.

    Attributes
    ----------
    campus : Campus
        The rooms; its truth is for judging only.
    measured : Measurements
        All that twins learn from.
    learning : Learning
        How they do.
    model : fl.Model
        From the scalars of a link to its excess loss.
    devices : fl.Devices
        The BSs' computers and links.
    first : ndarray, shape (P,)
        Weights of the first twin, the vertical one: all systems start from it.
    seed : int
        Of shuffling and drop-outs.
    """

    campus: Campus
    measured: Measurements
    learning: Learning
    model: fl.Model
    devices: fl.Devices
    first: np.ndarray
    seed: int

    def __repr__(self) -> str:
        return f"World({self.campus}, {self.measured}, {self.model.name})"

    def predict_db(self, weights: np.ndarray) -> np.ndarray:
        """Return the excess loss of all links (K, R) by one model (P,) or one a room (K, P)."""
        return UNIT_DB * self.model.predict(weights, self.campus.inputs)[..., 0]


def draw_world(drift: str, seed, *, learning: Learning = Learning(), n_buildings: int = 4, n_rooms: int = 6) -> World:
    """Draw a campus, its reports and its devices, and learn the first twin.

    Small cells sleep to save energy, so a message waits until its BS is awake: 5 minutes in the median; of six BSs one
    waits longer than 14 minutes, and one less than 2. One update in ten never arrives. These are assumptions.

    Parameters
    ----------
    drift : str
        One of `campus.DRIFTS`; all else that is drawn does not hang on it.
    seed : int or Generator
        Of everything.
    learning : Learning
        How twins learn.
    n_buildings, n_rooms : int
        Buildings, and rooms of each.

    Raises
    ------
    ValueError, TypeError
        If a number is out of range or there is no such drift.
    """
    rng = generator(seed)
    campus = draw_campus(drift, rng, n_buildings=n_buildings, n_rooms=n_rooms)
    devices = _sleepers(len(campus), rng)
    number = int(rng.integers(2**31))
    measured = measure(campus, rng)
    model = fl.mlp(campus.inputs.shape[-1], learning.hidden)
    everyone = np.arange(len(campus))
    known = measured.client_data(campus).newest(everyone, np.zeros(len(campus)))
    federation = fl.Federation(model, known, fl.fedavg(), learning.first, seed=number)
    federation.run(learning.first_rounds)
    return World(campus, measured, learning, model, devices, federation.weights[0], number)


def _sleepers(n: int, rng) -> fl.Devices:
    asleep_s = 300 * np.exp(rng.standard_normal(n))
    speed_flops = 1e6 * np.exp(0.5 * rng.standard_normal(n))  # what a small cell spares for its twin
    return fl.Devices(speed_flops, fl.Connection(1e6, 1e6, asleep_s), drop_probability=0.1)
