"""Campuses and worlds without a ray tracer: losses are planted, so tests know what has to come out."""

from dataclasses import replace

import numpy as np

from dnt_lab import fl
from dnt_lab.mapping import continual as c

HOUR_S = 3600.0
SMALL = c.Learning(hidden=4, first_rounds=1, update=fl.LocalTraining(1, 16, 0.05))


def campus(changes_h=(np.inf, 10.5), n_links=20, seed=0, building=None):
    """One room for each time of change; the last 8 links are held out, and link 0 of room 0 hears nothing."""
    rng, k = np.random.default_rng(seed), len(changes_h)
    inputs = rng.normal(size=(k, n_links, 6)).astype(np.float32)
    before_db = rng.normal(0, 4, (k, n_links))
    before_db[0, 0] = np.nan
    changes_s = HOUR_S * np.array(changes_h, float)
    after_db = np.where(np.isfinite(changes_s)[:, None], before_db - 6, before_db)
    building = np.arange(k) if building is None else np.array(building)
    held_out = np.arange(n_links) >= n_links - 8
    return c.Campus([None] * k, building, changes_s, inputs, before_db, after_db, held_out)


def world(place=None, asleep_s=1200.0, drop=0.0, learning=SMALL, seed=0, measured=None, **measuring):
    """A world on a planted campus, with devices that train at once."""
    place = campus() if place is None else place
    measured = c.measure(place, seed, **({"rates_per_h": (4.0, 8.0)} | measuring)) if measured is None else measured
    devices = fl.Devices(np.full(len(place), 1e12), fl.Connection(np.inf, np.inf, asleep_s), drop_probability=drop)
    model = fl.mlp(6, learning.hidden)
    return c.World(place, measured, learning, model, devices, model.init(seed), seed)


def with_other_reports_after(before, time_s):
    """The same world, but all reports after a time say something else."""
    measured = before.measured
    other_db = np.where(measured.time_s > time_s, measured.excess_db + 30, measured.excess_db)
    return replace(before, measured=replace(measured, excess_db=other_db))
