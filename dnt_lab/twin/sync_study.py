"""Which synchronisation policy keeps a twin truest for its bytes: the same recorded lives, by policy and by budget."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd
from scipy import stats

from dnt_lab.physical import Event, Kpis, PhysicalNetwork, State
from dnt_lab.twin.link import Link
from dnt_lab.twin.network_twin import NetworkTwin
from dnt_lab.twin.policies import Policy
from dnt_lab.twin.sync import Synchroniser

_MEASURES = {
    "bytes": "bytes_s",
    "aoi_mean_s": "aoi_mean_s",
    "aoi_p95_s": "aoi_p95_s",
    "position_error_m": "position_error_m",
    "serving_mismatch": "serving_mismatch",
    "sinr_error_db": "sinr_error_db",
}


class Recording:
    """A stretch of a physical network's life, to be replayed as often as one likes: what comes is the same each time.

    Parameters
    ----------
    network : PhysicalNetwork
        It lives through `n_steps` steps now.
    n_steps : int
        Number of steps.
    dt_s : float
        Their length.

    Attributes
    ----------
    radio : Radio
        Physics of the network.
    state, kpis : State, Kpis
        The network at the present moment of the replay.
    """

    def __init__(self, network: PhysicalNetwork, n_steps: int, dt_s: float = 1.0):
        if isinstance(n_steps, bool) or not isinstance(n_steps, int) or n_steps < 1:
            raise ValueError(f"n_steps is {n_steps!r}, but a recording needs a whole number of steps from 1 on")
        self.radio, self.dt_s = network.radio, dt_s
        self._moments: list[tuple[State, Kpis, list[Event]]] = [(network.snapshot(), network.kpis, [])]
        for _ in range(n_steps):
            events = network.step(dt_s)
            self._moments.append((network.snapshot(), network.kpis, events))
        self.rewind()

    def rewind(self) -> Recording:
        """Go back to the start."""
        self._now = 0
        return self

    @property
    def state(self) -> State:
        """State at the present moment."""
        return self._moments[self._now][0]

    @property
    def kpis(self) -> Kpis:
        """Indicators at the present moment."""
        return self._moments[self._now][1]

    def snapshot(self) -> State:
        """Copy of the state at the present moment."""
        return self.state.copy()

    def step(self, dt_s: float) -> list[Event]:
        """Replay one step.

        Raises
        ------
        ValueError
            If `dt_s` is not the recorded step, or the recording has ended.
        """
        if dt_s != self.dt_s:
            raise ValueError(f"dt_s is {dt_s}, but this recording has steps of {self.dt_s} s")
        if self._now + 1 == len(self._moments):
            raise ValueError(f"the recording ends after {self._now} steps; rewind() starts it again")
        self._now += 1
        return self._moments[self._now][2]

    def __len__(self):
        return len(self._moments) - 1

    def __repr__(self):
        return f"Recording({len(self)} steps of {self.dt_s:g} s, {self.state.n_users} users, at step {self._now})"


def policy_study(
    make_network: Callable[[int], PhysicalNetwork],
    policies: dict[str, Policy],
    budgets_bytes_s: Sequence[float],
    *,
    seeds: Sequence[int] = range(5),
    n_steps: int = 60,
    dt_s: float = 1.0,
    warm_up: int = 10,
    make_link: Callable[[int], Link | Sequence[Link]] = lambda seed: Link(seed=seed),
    **settings,
) -> pd.DataFrame:
    """Run every policy at every budget over the same recorded lives of several networks.

    Parameters
    ----------
    make_network : callable
        Physical network of a seed, for example ``PhysicalNetwork.from_city`` with settings.
    policies : dict of Policy
        Policies by name.
    budgets_bytes_s : sequence of float
        Byte budgets, inf for none.
    seeds : sequence of int
        One network, link and run each; at least 2, so that there is an interval.
    n_steps, dt_s : int, float
        Length of a run.
    warm_up : int
        First steps, which profit from the twin's perfect start, left out of the measures.
    make_link : callable
        Link of a seed; a perfect one by default.
    **settings
        Further settings of `Synchroniser`.

    Returns
    -------
    DataFrame, one row a policy and budget
        ``policy``, ``budget_bytes_s`` and, for ``bytes_s``, ``aoi_mean_s``, ``aoi_p95_s``, ``position_error_m``,
        ``serving_mismatch`` and ``sinr_error_db``, the mean over seeds of the mean over steps, with its 95 % interval
        by Student's t, ``<measure>_low`` and ``<measure>_high``.

    Raises
    ------
    ValueError
        If there is no policy or budget, fewer than 2 seeds, or nothing left after the warm-up.
    """
    if not policies or not len(budgets_bytes_s):
        raise ValueError(
            f"{len(policies)} policies and {len(budgets_bytes_s)} budgets are given, but one of each is needed"
        )
    if len(seeds) < 2:
        raise ValueError(f"{len(seeds)} seed is given, but an interval needs at least 2")
    if not 0 <= warm_up < n_steps:
        raise ValueError(f"warm_up is {warm_up}, but it must leave some of the {n_steps} steps")
    rows = []
    for seed in seeds:
        recording = Recording(make_network(seed), n_steps, dt_s)
        for name, policy in policies.items():
            for budget in budgets_bytes_s:
                twin = NetworkTwin.mirror(recording.rewind())
                link = make_link(seed)
                sync = Synchroniser(recording, twin, policy, link, budget_bytes_s=budget, seed=seed, **settings)
                measured = sync.run(n_steps, dt_s).iloc[warm_up:][list(_MEASURES)].mean().rename(_MEASURES)
                measured["bytes_s"] /= dt_s
                rows.append({"policy": name, "budget_bytes_s": budget, **measured})
    by = ["policy", "budget_bytes_s"]
    runs = pd.DataFrame(rows).groupby(by, sort=False)
    mean, half = runs.mean(), runs.sem() * stats.t.ppf(0.975, len(seeds) - 1)
    table = pd.concat([mean, (mean - half).add_suffix("_low"), (mean + half).add_suffix("_high")], axis=1)
    order = [column for name in _MEASURES.values() for column in (name, f"{name}_low", f"{name}_high")]
    return table[order].reset_index()
