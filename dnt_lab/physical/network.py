"""The physical network: the simulator that stands for reality.

A twin never reads it. It sends events (`PhysicalNetwork.step`) and measurements (`PhysicalNetwork.measure`), both of
which cross a `dnt_lab.twin.Link` first; only an evaluator, who asks how wrong a twin is, looks at `state` and `kpis`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from dnt_lab.datasets._checks import generator, whole
from dnt_lab.physical import layout
from dnt_lab.physical.antenna import best_beam
from dnt_lab.physical.demand import OnOff
from dnt_lab.physical.events import Demand, Event, Handover, Move, check_type
from dnt_lab.physical.faults import Fault, overloaded_bps
from dnt_lab.physical.handover import HandoverRule
from dnt_lab.physical.kpis import Kpis, derive, evaluate, serving_angle_deg
from dnt_lab.physical.mobility import GaussMarkov, RandomWaypoint
from dnt_lab.physical.objects import NetworkObject, describe
from dnt_lab.physical.radio import Radio
from dnt_lab.physical.scene import Scene
from dnt_lab.physical.state import State


class PhysicalNetwork:
    """Users that move, talk and hand over in a radio network.

    Parameters
    ----------
    state : State
        Where things start; copied.
    radio : Radio
        Physics.
    mobility : object with ``step(position_m, velocity_m_s, dt_s, rng)``, or None
        A model of `dnt_lab.physical.mobility`; None stands still.
    demand : object with ``step(t_s, dt_s, rng)``, or None
        A model of `dnt_lab.physical.demand`; None keeps demands as they are.
    handover : HandoverRule, optional
        Handover rule.
    seed : int or Generator
        Randomness of mobility, demand and measurement noise.
    bounds_m : tuple of float, optional
        Area of the network, for pictures.

    Raises
    ------
    ValueError
        If `state` and `radio` are of different networks.
    """

    def __init__(self, state: State, radio: Radio, mobility=None, demand=None, handover=None, seed=0, bounds_m=None):
        radio.check(state)
        self.state, self.radio, self.mobility, self.demand = state.copy(), radio, mobility, demand
        self.handover = handover or HandoverRule()
        self.rng = generator(seed)
        self._noise_rng = self.rng.spawn(1)[0]  # who measures does not change what happens
        self._offered_bps, self._overload = self.state.demand_bps.copy(), np.ones(state.n_users)
        xy = np.concatenate([state.position_m[:, :2], state.cell_position_m[:, :2]])
        self.bounds_m = bounds_m or (*xy.min(0).tolist(), *xy.max(0).tolist())
        self.failures = np.zeros(state.n_cells, np.int64)
        self._kpis: Kpis | None = None

    @classmethod
    def from_city(
        cls, city="florence", n_sites=7, n_users=120, seed=0, *, spacing_m=180.0, n_beams=8, **settings
    ) -> PhysicalNetwork:
        """Build a network in the streets of a map; `settings` go to `dnt_lab.physical.layout.make_state`.

        Parameters
        ----------
        city : str, CityMap or Scene
            Name of a bundled city, or a map.
        n_sites, n_users : int
            Size; three sectors a site unless ``n_sectors`` says otherwise.
        seed : int
            Seed of everything random.
        spacing_m : float
            Distance between sites.
        n_beams : int
            Beams of each sector's codebook.
        """
        scene = Scene.of(city)
        state, peak_bps, bounds = layout.in_city(scene, n_sites, n_users, spacing_m, seed, **settings)
        radio = Radio(state.cell_position_m, scene=scene, seed=seed, n_beams=n_beams)
        return cls._started(state, radio, GaussMarkov(bounds, scene=scene), peak_bps, seed, bounds)

    @classmethod
    def open_field(
        cls, n_sites=7, n_users=60, seed=0, *, spacing_m=200.0, n_heard=None, n_beams=1, scenario="umi", **settings
    ) -> PhysicalNetwork:
        """Build a network on open ground, LOS drawn by the standard's probability; `settings` go to ``make_state``."""
        state, peak_bps, bounds = layout.on_field(n_sites, n_users, spacing_m, seed, **settings)
        radio = Radio(
            state.cell_position_m, scenario=scenario, seed=seed, n_heard=n_heard, tile_m=spacing_m, n_beams=n_beams
        )
        return cls._started(state, radio, RandomWaypoint(bounds), peak_bps, seed, bounds)

    @classmethod
    def _started(cls, state, radio, mobility, peak_bps, seed, bounds) -> PhysicalNetwork:
        rng, demand = np.random.default_rng([seed, 1]), OnOff(peak_bps)
        state.demand_bps[:] = demand.start(rng)
        layout.attach_best(state, radio)
        return cls(state, radio, mobility, demand, seed=rng, bounds_m=bounds)

    @property
    def kpis(self) -> Kpis:
        """Indicators of the present state (for evaluators, not for twins)."""
        if self._kpis is None:
            self._kpis = evaluate(self.state, self.radio)
        return self._kpis

    def __getitem__(self, name: str) -> NetworkObject:
        """Card of ``"ue-<number>"`` or ``"bs-<number>"``."""
        return describe(name, self.state, self.kpis, self.radio.quantum_mw(self.state))

    def step(self, dt_s: float) -> list[Event]:
        """Let `dt_s` seconds pass.

        Returns
        -------
        list of Event
            What changed, in the order: moves, demands, handovers. This is what the network can tell a twin.
        """
        if not 0 < dt_s < np.inf:
            raise ValueError(f"dt_s is {dt_s}, but time moves on by a finite number of seconds over 0")
        state, before, offered_before_bps = self.state, self.state.copy(), self._offered_bps
        state.t_s += dt_s
        if self.mobility is not None:
            state.position_m, state.velocity_m_s = self.mobility.step(
                state.position_m, state.velocity_m_s, dt_s, self.rng
            )
        if self.demand is not None:
            self._offered_bps = np.array(self.demand.step(state.t_s, dt_s, self.rng), np.int64)
            state.demand_bps = overloaded_bps(self._offered_bps, self._overload)
        self._kpis = None
        self._hand_over(dt_s)
        return list(self._changes(before, offered_before_bps))

    def _hand_over(self, dt_s: float) -> None:
        state, radio, kpis = self.state, self.radio, self.kpis
        cells = radio.tile_cells[kpis.tile]
        with np.errstate(divide="ignore"):
            power_db = 10 * np.log10(kpis.heard_q)
        target, failed = self.handover.step(state, cells, power_db, kpis.sinr_db, dt_s)
        np.add.at(self.failures, state.serving[failed & (state.serving >= 0)], 1)
        moved = np.flatnonzero(target != state.serving)
        state.serving[moved] = target[moved]
        if radio.n_beams > 1:  # beam tracking: every step, every user is given the beam that points at it
            state.beam = best_beam(serving_angle_deg(state, radio, np.arange(state.n_users)), radio.n_beams)
        angle = serving_angle_deg(state, radio, np.arange(state.n_users))
        self._kpis = derive(state, radio, kpis.tile, kpis.heard_q, angle)

    def _changes(self, before: State, offered_before_bps: np.ndarray):
        now = self.state
        changed = (now.position_m != before.position_m).any(1) | (now.velocity_m_s != before.velocity_m_s).any(1)
        for u in np.flatnonzero(changed).tolist():
            yield Move(now.t_s, u, tuple(now.position_m[u].tolist()), tuple(now.velocity_m_s[u].tolist()))
        for u in np.flatnonzero(self._offered_bps != offered_before_bps).tolist():
            yield Demand(now.t_s, u, int(self._offered_bps[u]))
        changed = (now.serving != before.serving) | (now.channel != before.channel) | (now.beam != before.beam)
        for u in np.flatnonzero(changed).tolist():
            yield Handover(now.t_s, u, int(now.serving[u]), int(now.channel[u]), int(now.beam[u]))

    def snapshot(self) -> State:
        """Report everything at once: the inventory a twin starts from."""
        return self.state.copy()

    def apply(self, event: Event) -> None:
        """Carry out a command, such as a twin's: hand a user over, switch its channel or beam, configure a cell.

        Raises
        ------
        TypeError, ValueError
            If the command does not fit the network; nothing is changed then.
        """
        check_type(event)
        event.check(self.state)
        if isinstance(event, Handover):
            self.radio.check_beam(event.beam)
        event.write(self.state)
        if isinstance(event, Demand):
            self._offered_bps[event.user], self._overload[event.user] = event.demand_bps, 1.0
        self._kpis = None

    def inject(self, fault: Fault) -> None:
        """Break something silently: no event tells of it.

        An overload stays with the users attached to the cell now; events go on to report what they would offer without.

        Raises
        ------
        ValueError
            If the fault does not fit the network; nothing is changed then.
        """
        if fault.kind == "overload":
            fault.check(self.state)
            factor = np.where(self.state.serving == fault.cell, fault.amount, self._overload)
            self.state.demand_bps, self._overload = overloaded_bps(self._offered_bps, factor), factor
        else:
            fault.write(self.state)
        self._kpis = None

    def measure(self, noise_db: float = 1.0, n_neighbours: int = 3) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Take the measurements a network can report.

        A user with a live link reports its serving cell and the neighbours it receives best (TS 38.331, 5.5.5).
        A cell reports its counters.

        Parameters
        ----------
        noise_db : float
            Standard deviation of the measurement error of powers.
        n_neighbours : int
            Neighbours in a user's report, strongest first.

        Returns
        -------
        users : DataFrame, one row a user
            ``serving``, ``rsrp_dbm`` (received power of the serving cell at full load), ``sinr_db``, ``rate_bps``; for
            neighbour i = 1 ... n also ``neighbour_i`` (-1: none) and ``neighbour_i_rsrp_dbm`` (NaN: none).
        cells : DataFrame, one row a cell
            ``users``, ``load`` (mean over channels), ``demand_bps`` (traffic its users offer), ``failures`` (radio link
            failures so far).
        """
        if not 0 <= noise_db < np.inf:
            raise ValueError(f"noise_db is {noise_db}, but a standard deviation is finite and at least 0 dB")
        n_neighbours = whole("n_neighbours", n_neighbours, 0)
        state, kpis = self.state, self.kpis
        with np.errstate(divide="ignore"):
            heard_dbm = 10 * np.log10(kpis.heard_q * self.radio.quantum_mw(state))
        heard_dbm += self._noise_rng.normal(0, noise_db, heard_dbm.shape)
        mine = self.radio.tile_cells[kpis.tile] == state.serving[:, None]
        rsrp_dbm = np.where(mine, heard_dbm, -np.inf).max(axis=1)
        users = {
            "serving": state.serving,
            "rsrp_dbm": rsrp_dbm,
            "sinr_db": kpis.sinr_db + self._noise_rng.normal(0, noise_db, state.n_users),
            "rate_bps": kpis.rate_bps,
        }
        others_dbm = np.where(mine | ~np.isfinite(rsrp_dbm)[:, None], -np.inf, heard_dbm)
        per_cell = {
            "users": kpis.attached.sum(axis=1),
            "load": kpis.load.mean(axis=1),
            "demand_bps": kpis.demand_sum_bps.sum(axis=1),
            "failures": self.failures,
        }
        return pd.DataFrame(users | self._strongest(others_dbm, n_neighbours)), pd.DataFrame(per_cell)

    def _strongest(self, power_dbm: np.ndarray, n: int) -> dict[str, np.ndarray]:
        """The `n` cells each user hears best, as columns of a report."""
        order = np.argsort(-power_dbm, axis=1, kind="stable")[:, :n]
        best_dbm = np.take_along_axis(power_dbm, order, axis=1)
        cells = np.take_along_axis(self.radio.tile_cells[self.kpis.tile], order, axis=1)
        columns = {}
        for i, (cell, dbm) in enumerate(zip(cells.T, best_dbm.T, strict=True), start=1):
            columns[f"neighbour_{i}"] = np.where(np.isfinite(dbm), cell, -1)
            columns[f"neighbour_{i}_rsrp_dbm"] = np.where(np.isfinite(dbm), dbm, np.nan)
        return columns

    def __repr__(self):
        size = f"{self.state.n_users} users, {self.state.n_cells} cells"
        return f"PhysicalNetwork({size}, {self.radio}, t = {self.state.t_s:g} s)"
