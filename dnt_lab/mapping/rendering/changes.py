r"""A city that lives, and four ways in which it changes without telling anybody.

===================  ===============================================================================================
kind                 what happens
===================  ===============================================================================================
`"new_building"`     a house of 25 m stands where none was; three users or more lose sight of their cell
`"moved_site"`       a site stands 25 to 50 m farther on, and its cells with it
`"changed_load"`     the users of a cell want 4 to 8 times as much, at least 0.3 of its capacity more
`"failed_link"`      a cell stops transmitting; who can be is served by others a second later
===================  ===============================================================================================

>>> pn = living_city(n_users=200, seed=1)
>>> change = inject(pn, "moved_site", seed=2)
>>> events = pn.step(5.0)
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import shapely

from dnt_lab.datasets import CityMap
from dnt_lab.datasets._checks import generator, one_of, whole
from dnt_lab.datasets._numbers import real
from dnt_lab.physical import Configure, PhysicalNetwork, Scene, random_fault
from dnt_lab.physical.kpis import NOMINAL_EFFICIENCY

CHANGES = ("new_building", "moved_site", "changed_load", "failed_link")
STEP_S = 5.0
"""Seconds from one report to the next."""
_TRIES = 2000
_HOUSE_M, _HOUSE_HEIGHT_M, _LEAST_HIDDEN = (8.0, 25.0), 25.0, 3
_MOVE_M = (25.0, 50.0)
_LEAST_EXTRA, _MOST_BEFORE = 0.3, 0.7  # a full cell cannot become fuller


@dataclass(frozen=True)
class Change:
    """What was done to a network.

    Attributes
    ----------
    kind : str
        One of `CHANGES`.
    where_m : tuple of float
        Place (x, y): of the house, of the site where it stands now, or of the cell.
    cell : int
        Cell concerned; of a moved site its first, -1 for a building.
    outline : shapely.Polygon, optional
        Of a new building.
    """

    kind: str
    where_m: tuple[float, float]
    cell: int = -1
    outline: shapely.Polygon | None = None


@dataclass(frozen=True, eq=False)
class SomeWalk:
    """Mobility of a network in which most devices stay where they are.

    Attributes
    ----------
    model : object with ``step(position_m, velocity_m_s, dt_s, rng)``
        How the others move, a model of `dnt_lab.physical`.
    walks : ndarray of bool, shape (U,)
        Who moves.
    """

    model: object
    walks: np.ndarray

    def step(self, position_m, velocity_m_s, dt_s: float, rng: np.random.Generator):
        """Positions and velocities (n, 3) after `dt_s` seconds."""
        position_m, velocity_m_s = position_m.copy(), velocity_m_s.copy()
        moved = self.model.step(position_m[self.walks], velocity_m_s[self.walks], dt_s, rng)
        position_m[self.walks], velocity_m_s[self.walks] = moved
        return position_m, velocity_m_s


def living_city(city="florence", n_users: int = 600, seed: int = 0, *, n_sites: int = 7, walking: float = 0.15):
    """Build a city network in ordinary life: some devices walk, all are active two minutes and silent two minutes.

    Parameters
    ----------
    city : str, CityMap or Scene
        Where.
    n_users, n_sites : int
        Size; three cells a site, one channel of 40 MHz.
    seed : int
        Seed of everything random.
    walking : float
        Share of devices that walk, 0 to 1.

    Returns
    -------
    PhysicalNetwork
        Settled: handovers that the start makes necessary are done.
    """
    walking = real("walking", walking, 0.0, 1.0, strict=False)
    seed = whole("seed", seed, 0)
    pn = PhysicalNetwork.from_city(city, n_sites, n_users, seed, n_beams=1, freq_hz=(3.5e9,), bandwidth_hz=40e6)
    pn.mobility = SomeWalk(pn.mobility, np.random.default_rng([seed, 2]).random(n_users) < walking)
    pn.demand.mean_on_s = pn.demand.mean_off_s = 120.0
    for _ in range(4):
        pn.step(STEP_S)
    return pn


def inject(pn: PhysicalNetwork, kind: str, seed) -> Change:
    """Change the network silently; no event tells of it.

    Parameters
    ----------
    pn : PhysicalNetwork
        From `living_city`; changed in place.
    kind : str
        One of `CHANGES`.
    seed : int or numpy.random.Generator
        Draws where and how much.

    Raises
    ------
    ValueError
        If there is no such kind, or no place for it is found.
    """
    one_of("kind of change", kind, CHANGES)
    return {
        "new_building": _new_building,
        "moved_site": _moved_site,
        "changed_load": _changed_load,
        "failed_link": _failed_link,
    }[kind](pn, generator(seed))


def _new_building(pn: PhysicalNetwork, rng) -> Change:
    scene, state = pn.radio.scene, pn.state
    if scene.city is None:
        raise ValueError("this network stands on an open field, but a new building needs a city map around it")
    served = np.flatnonzero(state.serving >= 0)
    start_m, end_m = state.cell_position_m[state.serving[served]], state.position_m[served]
    clear = ~scene.blocked(start_m, end_m)
    start_m, end_m = start_m[clear], end_m[clear]
    points = np.concatenate([state.position_m, state.cell_position_m])[:, :2]
    links = shapely.linestrings(np.stack([start_m[:, :2], end_m[:, :2]], axis=1))
    for centre in scene.outdoor_points(_TRIES, pn.bounds_m, rng):
        house = _house(centre, rng)
        if (
            shapely.contains_xy(house.buffer(1.0), points).any()
            or shapely.intersects(links, house).sum() < _LEAST_HIDDEN
        ):
            continue
        alone = CityMap("house", *(np.array([a]) for a in (house, _HOUSE_HEIGHT_M, 0.0, "itu_concrete")))
        if Scene(alone).blocked(start_m, end_m).sum() >= _LEAST_HIDDEN:
            _rebuild(pn, replace(pn.radio, scene=Scene(_joined(scene.city, alone))))
            return Change("new_building", tuple(centre.tolist()), outline=house)
    raise ValueError(f"none of {_TRIES} places hides {_LEAST_HIDDEN} users from their cells: let more users be there")


def _house(centre: np.ndarray, rng) -> shapely.Polygon:
    width_m, depth_m = rng.uniform(*_HOUSE_M, 2)
    angle = rng.uniform(0, np.pi)
    along, across = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    signs = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) / 2
    return shapely.Polygon(centre + signs[:, :1] * width_m * along + signs[:, 1:] * depth_m * across)


def _joined(city: CityMap, house: CityMap) -> CityMap:
    names = ("footprints", "height_m", "base_m", "material")
    return replace(city, **{name: np.concatenate([getattr(city, name), getattr(house, name)]) for name in names})


def _moved_site(pn: PhysicalNetwork, rng) -> Change:
    state = pn.state
    cell = int(rng.choice(_busy(state)))
    old_m = state.cell_position_m[cell]
    site = (state.cell_position_m == old_m).all(axis=1)
    for _ in range(_TRIES):
        distance_m, angle = rng.uniform(*_MOVE_M), rng.uniform(0, 2 * np.pi)
        new_m = old_m[:2] + distance_m * np.array([np.cos(angle), np.sin(angle)])
        if not pn.radio.scene.indoor(new_m[None])[0]:
            state.cell_position_m[site, :2] = new_m
            _rebuild(pn, pn.radio.with_cells(state.cell_position_m))
            return Change("moved_site", tuple(new_m.tolist()), int(np.argmax(site)))
    raise ValueError(f"there is no street {_MOVE_M[0]:g} to {_MOVE_M[1]:g} m around the site of cell {cell}")


def _changed_load(pn: PhysicalNetwork, rng) -> Change:
    capacity_bps = NOMINAL_EFFICIENCY * pn.state.bandwidth_hz.sum()
    for _ in range(_TRIES):
        fault = random_fault(pn.state, "overload", rng)
        mine = pn.state.serving == fault.cell
        extra = (fault.amount - 1) * pn.state.demand_bps[mine].sum() / capacity_bps
        if extra >= _LEAST_EXTRA and pn.kpis.load[fault.cell].mean() < _MOST_BEFORE:
            pn.inject(fault)
            return Change("changed_load", _place(pn, fault.cell), fault.cell)
    raise ValueError(
        "no cell has both room for more load and users who want something: build a network with more cells"
    )


def _failed_link(pn: PhysicalNetwork, rng) -> Change:
    fault = random_fault(pn.state, "link_failure", rng)
    pn.inject(fault)
    return Change("failed_link", _place(pn, fault.cell), fault.cell)


def _busy(state) -> np.ndarray:
    busy = np.unique(state.serving[state.serving >= 0])
    if len(busy) == 0:
        raise ValueError("no cell serves anybody, so no change would be felt")
    return busy


def _place(pn: PhysicalNetwork, cell: int) -> tuple[float, float]:
    return tuple(pn.state.cell_position_m[cell, :2].tolist())


def _rebuild(pn: PhysicalNetwork, radio) -> None:
    """Let the network go on with other physics; walkers see the same houses as rays."""
    pn.radio = radio
    if isinstance(pn.mobility, SomeWalk):
        pn.mobility = replace(pn.mobility, model=replace(pn.mobility.model, scene=radio.scene))
    pn.apply(Configure(pn.state.t_s, 0))  # changes nothing, but lets the network forget the old link budgets
