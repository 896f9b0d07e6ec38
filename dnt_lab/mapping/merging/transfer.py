"""Transfer: what a twin of something similar saves a twin that has only begun to measure.

A new twin kriges n samples. The mean from which they deviate may be the standard, or the map of a source twin: of the
same place in another band, of the same place before a house was built, or, for a warning, of another place. The saving
is how many times as many samples the standard needs to reach the same error.

>>> curve = transfer_curve(seed=0)
>>> sample_ratio(curve, "other band")
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from dnt_lab.datasets import CityMap
from dnt_lab.datasets._checks import generator
from dnt_lab.mapping.merging.assimilation import assimilate
from dnt_lab.mapping.merging.belief import Samples
from dnt_lab.mapping.merging.candidates import map_twin, statistical_twin
from dnt_lab.mapping.merging.place import find_place
from dnt_lab.mapping.merging.scenario import (
    CLUTTER_DB,
    CLUTTER_RANGE_M,
    NOISE_DB,
    SCATTER_DB,
    built_scene,
    true_materials,
)
from dnt_lab.mapping.merging.study import score
from dnt_lab.mapping.merging.traced import traced
from dnt_lab.physical.shadowing import GaussianField

NEW_FREQ_HZ, OLD_FREQ_HZ = 60e9, 28e9
SIZES = (5, 10, 20, 40, 80, 160, 320)
SOURCES = ("standard", "other band", "before the change", "another place")
_CLAIM_DB = 6.0
_SPACING_M = 10.0
_ASSUMED = {"marble": "concrete", "brick": "concrete"}


def transfer_curve(seed, city: CityMap | str = "florence", sizes=SIZES) -> pd.DataFrame:
    """Error over samples, with and without a source.

    The new twin is of 60 GHz after the change; its samples are uniform outdoors, of one hour. The sources are traced at
    28 GHz after the change, at 60 GHz before it, and at 60 GHz with east and west confused, all with concrete walls.

    Parameters
    ----------
    seed : int or numpy.random.Generator
        Of place, materials, clutter, noise and samples.
    city : CityMap or str
        Where to look for the place.
    sizes : sequence of int
        Numbers of samples, 3 or more each.

    Returns
    -------
    DataFrame, index ``samples``
        RMSE in dB, a column a source of `SOURCES`.

    Raises
    ------
    ValueError, TypeError
        As in `find_place` and `assimilate`.
    """
    rng = generator(seed)
    place = find_place(city, rng)
    scene = built_scene(place.city_after, true_materials(rng))
    scatter_db, offset_db = rng.uniform(SCATTER_DB - 5, SCATTER_DB + 5), rng.uniform(-12, 12)
    field = GaussianField.draw(1, CLUTTER_RANGE_M, rng)

    def truth_db(xy_m):
        clutter = field.at(np.zeros((len(xy_m), 1), int), xy_m)[:, 0]
        return traced(scene, place.tx_m, xy_m, NEW_FREQ_HZ, scatter_db).gain_db + CLUTTER_DB * clutter

    n = max(sizes)
    xy_m = place.outdoor_m[rng.integers(len(place.outdoor_m), size=n)] + rng.uniform(-0.7, 0.7, (n, 2))
    gain_db = truth_db(xy_m) + NOISE_DB * rng.standard_normal(n)
    samples = Samples(xy_m, np.zeros(n), gain_db, np.zeros(n, bool), np.full(n, np.nan), NOISE_DB)
    wanted_db = truth_db(place.outdoor_m)
    sources = _sources(place, offset_db)
    rows = {}
    for size in sizes:
        seen = samples[:size]
        beliefs = {
            name: assimilate(source(place.outdoor_m, 0.0), place.outdoor_m, source(seen.xy_m, 0.0), seen, 0.0)
            for name, source in sources.items()
        }
        rows[size] = {name: score(belief, wanted_db)["rmse_db"] for name, belief in beliefs.items()}
    return pd.DataFrame(rows).T.rename_axis("samples")


def _sources(place, offset_db: float) -> dict:
    points_m = place.grid(_SPACING_M)

    def source(name, houses, freq_hz, added_db=0.0, mirror=False):
        found = traced(built_scene(houses, _ASSUMED), place.tx_m, points_m, freq_hz, SCATTER_DB)
        where_m = points_m if not mirror else [place.bounds_m[0] + place.bounds_m[2], 0.0] + points_m * [-1, 1]
        return map_twin(name, where_m, found.gain_db + added_db, found.los, found.turn_deg, _CLAIM_DB).belief

    carried_db = offset_db + 20 * np.log10(OLD_FREQ_HZ / NEW_FREQ_HZ)
    return {
        "standard": statistical_twin(place.tx_m, NEW_FREQ_HZ).belief,
        "other band": source("other band", place.city_after, OLD_FREQ_HZ, carried_db),
        "before the change": source("before the change", place.city, NEW_FREQ_HZ),
        "another place": source("another place", place.city, NEW_FREQ_HZ, mirror=True),
    }


def sample_ratio(curve: pd.DataFrame, source: str, at: int = 20, base: str = "standard") -> float:
    """Return how many times as many samples the base needs to be as good as a source with `at` of them.

    Errors are read off the curves between sizes on a logarithmic scale of samples, made falling by keeping the least
    error so far. Beyond the largest size the answer is a bound: at least so many times, if the base never gets there;
    at most so many times, if it is there from the start.

    Parameters
    ----------
    curve : DataFrame
        From `transfer_curve`.
    source, base : str
        Columns of it.
    at : int
        One of its sizes.

    Raises
    ------
    ValueError
        If the curve has no such column or size.
    """
    for name in (source, base):
        if name not in curve:
            raise ValueError(f"the curve has no source {name!r}, but {', '.join(curve)}")
    if at not in curve.index:
        raise ValueError(f"at is {at!r}, but the curve has {', '.join(map(str, curve.index))} samples")
    wanted_db, falling = curve.loc[at, source], curve[base].cummin().drop_duplicates()
    # np.interp needs rising abscissae, and clips at both ends, which are the bounds
    log_n = np.interp(-wanted_db, -falling.to_numpy(), np.log(falling.index.to_numpy(float)))
    return float(np.exp(log_n) / at)
