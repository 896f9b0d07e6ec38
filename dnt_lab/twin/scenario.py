"""Scenarios: a name and a list of changes, made to a branch of a twin and to nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from dnt_lab.datasets._numbers import real, whole
from dnt_lab.physical import (
    EXTERNAL,
    INTERNAL,
    Configure,
    Demand,
    Fault,
    Handover,
    HandoverRule,
    Move,
    PhysicalNetwork,
    Radio,
    State,
    attach_best,
)
from dnt_lab.twin.network_twin import NetworkTwin

_GROWTH_RADIUS_M = 30.0


@dataclass(frozen=True)
class UserGrowth:
    """More users: newcomers resemble users that are there, stand near them, and attach to the best cell.

    Attributes
    ----------
    factor : float
        Users after over users before, at least 1.
    seed : int
        Draws whom each newcomer resembles and where it stands.
    """

    factor: float
    seed: int = 0

    def __post_init__(self):
        real("factor of user growth", self.factor, 1.0, 1000.0, strict=False)
        whole("seed", self.seed, 0)

    def grown(self, state: State, radio: Radio) -> State:
        """State with the newcomers after the users that were there."""
        rng = np.random.default_rng(self.seed)
        like = rng.integers(state.n_users, size=round((self.factor - 1) * state.n_users))
        columns = state.arrays()
        for name in (*INTERNAL, *EXTERNAL):
            columns[name] = np.concatenate([columns[name], columns[name][like]])
        grown = State.from_arrays(columns)
        angle, radius_m = rng.uniform(0, 2 * np.pi, len(like)), _GROWTH_RADIUS_M * np.sqrt(rng.random(len(like)))
        spot_m = state.position_m[like, :2] + radius_m[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        street = ~radio.scene.indoor(spot_m)  # a spot in a house: stand where the other one stands
        grown.position_m[state.n_users :][street, :2] = spot_m[street]
        attach_best(grown, radio)
        for name in ("serving", "beam"):
            getattr(grown, name)[: state.n_users] = getattr(state, name)
        return grown


@dataclass(frozen=True)
class Switch:
    """A user changes channel (band) or beam and stays with its cell; None leaves either as it is."""

    user: int
    channel: int | None = None
    beam: int | None = None

    def __post_init__(self):
        if self.channel is None and self.beam is None:
            raise ValueError(f"a switch of user {self.user} names neither channel nor beam; give at least one")

    def event(self, state: State) -> Handover:
        """The same as an event."""
        if isinstance(self.user, bool) or self.user not in range(state.n_users) or state.serving[self.user] < 0:
            raise ValueError(
                f"switch names user {self.user!r}, but that is no user with a cell, 0 ... {state.n_users - 1}"
            )
        old = (int(getattr(state, name)[self.user]) for name in ("channel", "beam"))
        new = (was if now is None else now for was, now in zip(old, (self.channel, self.beam), strict=True))
        return Handover(state.t_s, int(self.user), int(state.serving[self.user]), *new)


Change = Configure | Demand | Handover | Move | Fault | UserGrowth | Switch


@dataclass(frozen=True)
class Scenario:
    """A name and what changes.

    Attributes
    ----------
    name : str
        Name in the table.
    changes : sequence
        Events (`dnt_lab.physical.Configure`, `Demand`, `Handover`, `Move`), faults (`dnt_lab.physical.Fault`),
        `UserGrowth`, `Switch`. Users arrive first; the rest happens in the order given.

    Raises
    ------
    TypeError, ValueError
        If the name is empty, or a change is none of these.
    """

    name: str
    changes: Sequence[Change]

    def __post_init__(self):
        if not (isinstance(self.name, str) and self.name):
            raise ValueError(f"name of a scenario is {self.name!r}, but a non-empty string is needed")
        if isinstance(self.changes, Change) or not len(self.changes):
            raise ValueError(f"changes of scenario {self.name!r} must be a list of at least one change")
        for change in self.changes:
            if not isinstance(change, Change):
                raise TypeError(
                    f"scenario {self.name!r} holds {change!r}, but a change is an event, fault, growth or switch"
                )


def branch_of(
    twin: NetworkTwin,
    changes: Sequence[Change] = (),
    *,
    mobility: Callable[[State], object] | None = None,
    demand: Callable[[State], object] | None = None,
    handover: HandoverRule | None = None,
    seed: int = 0,
) -> PhysicalNetwork:
    """Make changes to a copy of a twin's state, in a simulator of its own.

    Parameters
    ----------
    twin : NetworkTwin
        Where to start; it stays as it is.
    changes : sequence
        As in `Scenario`.
    mobility, demand : functions from a State to a model, optional
        Models of the future; functions, because a branch may have more users than the twin.
    handover : HandoverRule, optional
        Handover rule of the branch.
    seed : int
        Seed of the branch.

    Returns
    -------
    PhysicalNetwork

    Raises
    ------
    TypeError, ValueError
        If a change does not fit the network.
    """
    state = twin.state
    for change in changes:
        if isinstance(change, UserGrowth):
            state = change.grown(state, twin.radio)
    models = [None if make is None else make(state) for make in (mobility, demand)]
    branch = PhysicalNetwork(state, twin.radio, *models, handover, seed)
    for change in changes:
        if isinstance(change, Fault):
            branch.inject(change)
        elif not isinstance(change, UserGrowth):
            branch.apply(change.event(branch.state) if isinstance(change, Switch) else change)
    return branch
