"""A merging scenario: the truth of one place over some hours, what is measured there, and six candidate twins.

The truth is traced with materials, a level of scattering and a clutter (parked cars, trees) that no twin is told. At
`change_h` a house is built. Measurements are noisy; twins are made of them and of traces with assumed materials:

==================  ================================================================  =============================
twin                what it holds                                                     what is wrong with it
==================  ================================================================  =============================
radio map           traced a month ago at every 10 m                                  does not know the new house
channel knowledge   samples along tracks, up to now                                   vague elsewhere
statistical         TR 38.901 UMi                                                     knows nothing of the place
other band          traced at 3.5 GHz at every 16 m, again at `refresh_h`             an unknown offset, coarse
stale map           traced a year ago, when 3 of 10 houses were not there             an older city
mirrored map        the radio map with east and west confused                         claims to be certain
==================  ================================================================  =============================

The tracer knows mirror reflections only. For what walls scatter and edges bend, every position gets a power of
`SCATTER_DB` below free space on top (twins assume this level, the truth draws its own), so that none is without any.
Half of the outdoor positions (back yards, side streets) have nothing else: that they are dark is what a map for
planning has to know.

>>> scenario = draw_scenario(seed=0)
>>> [twin.name for twin in scenario.twins(now_h=5.0)]
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from dnt_lab.datasets import CityMap
from dnt_lab.datasets._checks import generator, whole
from dnt_lab.mapping.merging.belief import Samples
from dnt_lab.mapping.merging.candidates import Twin, channel_knowledge_twin, map_twin, statistical_twin
from dnt_lab.mapping.merging.place import Place, find_place
from dnt_lab.mapping.merging.traced import Traced, traced
from dnt_lab.physical.mobility import GaussMarkov
from dnt_lab.physical.scene import Scene
from dnt_lab.physical.shadowing import GaussianField
from dnt_lab.raytracing import Material
from dnt_lab.raytracing import Scene as TracedScene

FREQ_HZ, OTHER_FREQ_HZ = 28e9, 3.5e9
SCATTER_DB, OTHER_SCATTER_DB = 30.0, 22.0
NOISE_DB, AZIMUTH_NOISE_DEG, WRONG_LOS = 2.0, 3.0, 0.05
CLUTTER_DB, CLUTTER_RANGE_M, CLUTTER_MEMORY_H = 3.0, 15.0, 12.0
MONTH_H, YEAR_H = 720.0, 8760.0
DRIFT_DB = 0.5  # a day, of maps
_TRACKS_AN_HOUR, _STEPS, _STEP_S = 2, 8, 4.0
_REPORTS_AN_HOUR = 8
_DRIVE_TEST = 40
_OTHER_CLAIM_DB, _MIRRORED_CLAIM_DB = 6.0, 2.0
_GONE = 0.3


@dataclass(frozen=True, eq=False)
class MergingScenario:
    """One place, its truth and its measurements.

    Attributes
    ----------
    place : Place
        Houses, base station and the grid of positions.
    hours : int
        Length; twins can be asked at hours 0 to ``hours - 1``.
    change_h, refresh_h : int
        When the house is built, and when the other band's twin has been traced again.
    samples : Samples
        Channel samples along tracks, 16 an hour, which the channel-knowledge twin collects.
    reports : Samples
        The merging twin's own measurements anywhere outdoors, 8 an hour.
    """

    place: Place
    hours: int
    change_h: int
    refresh_h: int
    samples: Samples
    reports: Samples
    _truth: tuple[Traced, Traced]
    _clutter: GaussianField
    _maps: dict[str, tuple]
    _std_db: float

    @property
    def outdoor_m(self) -> np.ndarray:
        """Positions at which twins are held against the truth, shape (P, 2)."""
        return self.place.outdoor_m

    def truth(self, now_h: float) -> Traced:
        """What is really there at `outdoor_m` at one hour: for evaluators, never for twins."""
        still = self._truth[int(now_h >= self.change_h)]
        return replace(still, gain_db=still.gain_db + clutter_db(self._clutter, self.outdoor_m, now_h))

    def twins(self, now_h: float) -> list[Twin]:
        """The six candidates as they are at one hour."""
        names = {"radio map": -MONTH_H, "other band": 0.0, "stale map": -YEAR_H, "mirrored map": 0.0}
        claims_db = {"other band": _OTHER_CLAIM_DB, "mirrored map": _MIRRORED_CLAIM_DB}
        maps = dict(self._maps)
        if now_h >= self.refresh_h:
            maps["other band"], names["other band"] = maps["other band again"], float(self.refresh_h)
        radio, other, stale, mirrored = (
            map_twin(name, *maps[name], claims_db.get(name, self._std_db), made_h=made_h, drift_db=DRIFT_DB)
            for name, made_h in names.items()
        )
        return [radio, self._channel_knowledge(now_h), self._statistical, other, stale, mirrored]

    @cached_property
    def _statistical(self) -> Twin:
        return statistical_twin(self.place.tx_m, FREQ_HZ)

    def _channel_knowledge(self, now_h: float) -> Twin:
        seen = self.samples[self.samples.time_h <= now_h]
        return channel_knowledge_twin("channel knowledge", seen, self.place.tx_m, FREQ_HZ)


def draw_scenario(
    seed, city: CityMap | str = "florence", *, hours: int = 16, change_h: int = 8, refresh_h: int = 12
) -> MergingScenario:
    """Draw a place, trace its truth and the maps, and measure.

    Parameters
    ----------
    seed : int or numpy.random.Generator
        Of the place, materials, clutter, tracks and noise.
    city : CityMap or str
        Where to look for the place.
    hours : int
        Hours to measure, 1 or more.
    change_h, refresh_h : int
        First hour with the new house, and first hour at which the other band's twin knows it.

    Raises
    ------
    ValueError, TypeError
        If an hour is negative or no whole number, or as in `find_place`.
    """
    hours = whole("hours", hours, 1)
    change_h, refresh_h = whole("change_h", change_h, 0), whole("refresh_h", refresh_h, change_h)
    rng = generator(seed)
    place = find_place(city, rng)
    scatter_db = rng.uniform(SCATTER_DB - 5, SCATTER_DB + 5)
    materials = true_materials(rng)
    clutter = GaussianField.draw(hours + 1, CLUTTER_RANGE_M, rng)
    scenes = [built_scene(houses, materials) for houses in (place.city, place.city_after)]

    def truth(which: int, xy_m) -> Traced:
        return traced(scenes[which], place.tx_m, xy_m, FREQ_HZ, scatter_db)

    def measured(xy_m, time_h) -> Samples:
        before, after = truth(0, xy_m), truth(1, xy_m)
        gain_db, los, turn_deg = (
            np.where(time_h >= change_h, getattr(after, name), getattr(before, name))
            for name in ("gain_db", "los", "turn_deg")
        )
        gain_db = gain_db + clutter_db(clutter, xy_m, time_h) + NOISE_DB * rng.standard_normal(len(xy_m))
        return Samples(
            xy_m, time_h, np.round(2 * gain_db) / 2, los ^ (rng.random(len(xy_m)) < WRONG_LOS),
            turn_deg + AZIMUTH_NOISE_DEG * rng.standard_normal(len(xy_m)), NOISE_DB,
        )  # fmt: skip

    samples = measured(*_tracks(place, hours, rng))
    reports = measured(
        place.outdoor_m[rng.integers(len(place.outdoor_m), size=_REPORTS_AN_HOUR * hours)]
        + rng.uniform(-0.7, 0.7, (_REPORTS_AN_HOUR * hours, 2)),
        np.repeat(np.arange(float(hours)), _REPORTS_AN_HOUR),
    )
    maps = _maps(place, rng)
    drive_m = place.outdoor_m[rng.integers(len(place.outdoor_m), size=_DRIVE_TEST)]
    drive_db = truth(0, drive_m).gain_db + (CLUTTER_DB**2 + NOISE_DB**2) ** 0.5 * rng.standard_normal(_DRIVE_TEST)
    error_db = drive_db - map_twin("radio map", *maps["radio map"], 1.0).belief(drive_m, 0.0).mean_db
    std_db = float(np.sqrt(max((error_db**2).mean() - NOISE_DB**2, 1.0)))
    return MergingScenario(
        place, hours, change_h, refresh_h, samples, reports, (truth(0, place.outdoor_m), truth(1, place.outdoor_m)),
        clutter, maps, std_db,
    )  # fmt: skip


def true_materials(rng: np.random.Generator) -> dict[str, Material]:
    """Draw what walls and ground are really made of."""
    return {name: Material(rng.uniform(3, 8), rng.uniform(0.02, 0.5)) for name in ("marble", "brick", "concrete")}


def built_scene(houses: CityMap, materials: dict) -> TracedScene:
    """Scene of houses with other materials in place of those of the map."""
    scene = TracedScene.from_city(houses)
    for name in {material.name for material in scene.materials} & set(materials):
        scene = scene.with_material(name, materials[name])
    return scene


def _maps(place: Place, rng: np.random.Generator) -> dict[str, tuple]:
    """Grid, gains, lines of sight and directions of every map, traced with concrete walls."""
    assumed = {"marble": "concrete", "brick": "concrete"}
    offset_db = rng.uniform(-12, 12) + 20 * np.log10(OTHER_FREQ_HZ / FREQ_HZ)
    built = rng.random(len(place.city)) >= _GONE
    old_city = replace(
        place.city,
        **{name: getattr(place.city, name)[built] for name in ("footprints", "height_m", "base_m", "material")},
    )

    def grid_map(houses, spacing_m, freq_hz=FREQ_HZ, scatter_db=SCATTER_DB):
        points_m = place.grid(spacing_m)
        found = traced(built_scene(houses, assumed), place.tx_m, points_m, freq_hz, scatter_db)
        return points_m, found.gain_db, found.los, found.turn_deg

    def other_band(houses):
        points_m, gain_db, *rest = grid_map(houses, 16.0, OTHER_FREQ_HZ, OTHER_SCATTER_DB)
        return points_m, gain_db + offset_db, *rest

    points_m, gain_db, los, turn_deg = radio = grid_map(place.city, 10.0)
    east_west = np.array([place.bounds_m[0] + place.bounds_m[2], 0.0])
    return {
        "radio map": radio,
        "other band": other_band(place.city),
        "other band again": other_band(place.city_after),
        "stale map": grid_map(old_city, 10.0),
        "mirrored map": (east_west + points_m * [-1, 1], gain_db, los, -turn_deg),
    }


def _tracks(place: Place, hours: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Where and when users on their way are heard: two an hour, eight times each."""
    n = _TRACKS_AN_HOUR * hours
    walk = GaussMarkov(place.bounds_m, scene=Scene(place.city_after))
    start_m = place.outdoor_m[rng.integers(len(place.outdoor_m), size=n)]
    position_m, velocity_m_s = np.column_stack([start_m, np.full(n, 1.5)]), np.zeros((n, 3))
    heard = []
    for _ in range(_STEPS):
        position_m, velocity_m_s = walk.step(position_m, velocity_m_s, _STEP_S, rng)
        heard.append(position_m[:, :2])
    return np.concatenate(heard), np.tile(np.repeat(np.arange(float(hours)), _TRACKS_AN_HOUR), _STEPS)


def clutter_db(field: GaussianField, xy_m, time_h) -> np.ndarray:
    """Clutter at places and times in dB: a process with memory whose news of every hour are a field of their own."""
    xy_m = np.asarray(xy_m, float)
    time_h = np.broadcast_to(np.asarray(time_h, int), len(xy_m))
    keep = np.exp(-1 / CLUTTER_MEMORY_H)
    site = np.arange(time_h.max() + 2)
    share = np.where(site, np.sqrt(1 - keep**2), 1.0) * keep ** np.maximum(time_h[:, None] + 1 - site, 0.0)
    share = np.where(site <= time_h[:, None] + 1, share, 0.0)
    return CLUTTER_DB * (share * field.at(np.broadcast_to(site, share.shape), xy_m)).sum(axis=1)
