"""Service indicators of a whole network, the agreement that judges them, and who picks up users of a dead cell."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from dnt_lab.datasets._numbers import real
from dnt_lab.physical import Kpis, Radio, State, antenna, coupled_load, evaluate
from dnt_lab.physical.kpis import derive, serving_angle_deg

OUTAGE_SINR_DB = -8.0
"""A user below this SINR is out of sync, as in `dnt_lab.physical.HandoverRule`."""


def network_kpis(
    state: State, radio: Radio, kpis: Kpis | None = None, outage_sinr_db: float = OUTAGE_SINR_DB
) -> dict[str, float]:
    """Indicators of a network as its users feel it.

    Parameters
    ----------
    state : State
        Network with at least one user.
    radio : Radio
        Physics.
    kpis : Kpis, optional
        What `dnt_lab.physical.evaluate` derives, if it is known already.
    outage_sinr_db : float
        SINR below which a user is in outage.

    Returns
    -------
    dict
        ``median_sinr_db``; ``p5_rate_mbit_s``, the rate that 95 % of the users exceed; ``outage_share`` of the users;
        ``max_load`` of any cell and channel when interference and load agree (`dnt_lab.physical.coupled_load`);
        ``throughput_mbit_s``, the demand that is carried: all of it up to load 1, ``1 / load`` of it beyond.

    Raises
    ------
    ValueError
        If there are no users.
    """
    if state.n_users == 0:
        raise ValueError("the network has no users, so nobody feels its quality; at least one user is needed")
    kpis = kpis or evaluate(state, radio)
    load = coupled_load(state, radio, kpis)
    return {
        "median_sinr_db": float(np.median(kpis.sinr_db)),
        "p5_rate_mbit_s": float(np.quantile(kpis.rate_bps, 0.05) / 1e6),
        "throughput_mbit_s": float((kpis.demand_sum_bps / np.maximum(load, 1.0)).sum() / 1e6),
        "outage_share": float((kpis.sinr_db < outage_sinr_db).mean()),
        "max_load": float(load.max()),
    }


@dataclass(frozen=True)
class SLA:
    """Service level agreement: limits on indicators; None leaves an indicator free.

    Attributes
    ----------
    min_p5_rate_mbit_s : float or None
        Least rate of the worst 5 % of the users.
    max_outage_share : float or None
        Largest share of users below `outage_sinr_db`.
    max_load : float or None
        Largest load of any cell and channel.
    outage_sinr_db : float
        SINR that counts as served.
    """

    min_p5_rate_mbit_s: float | None = None
    max_outage_share: float | None = None
    max_load: float | None = None
    outage_sinr_db: float = OUTAGE_SINR_DB

    def __post_init__(self):
        highest = {"max_outage_share": 1.0}
        for field in fields(self)[:3]:
            value = getattr(self, field.name)
            if value is not None:
                real(field.name, value, 0.0, highest.get(field.name, np.inf), strict=False)
        real("outage_sinr_db", self.outage_sinr_db, -100.0, 100.0, strict=False)

    def verdict(self, kpi: str, value: float) -> str:
        """``"met"``, ``"violated"``, or ``""`` if the agreement does not speak of the indicator."""
        if kpi == "p5_rate_mbit_s" and self.min_p5_rate_mbit_s is not None:
            return "met" if value >= self.min_p5_rate_mbit_s else "violated"
        limit = {"outage_share": self.max_outage_share, "max_load": self.max_load}.get(kpi)
        return "" if limit is None else ("met" if value <= limit else "violated")

    def verdict_of_all(self, kpis: dict[str, float]) -> str:
        """``"violated"`` if any indicator is, ``"met"`` if some are spoken of and none is violated, else ``""``."""
        verdicts = {self.verdict(name, value) for name, value in kpis.items()} - {""}
        return "violated" if "violated" in verdicts else "".join(verdicts)


def rescue(state: State, radio: Radio, kpis: Kpis) -> tuple[Kpis, np.ndarray]:
    """Attach users of cells that are down to the best cell they hear; `state` is changed, `kpis` is not.

    Returns
    -------
    Kpis
        Indicators afterwards, from the same link budgets.
    ndarray of int
        The users.
    """
    orphans = np.flatnonzero((state.serving >= 0) & ~state.on[state.serving])
    heard_q = kpis.heard_q[orphans]
    best = heard_q.argmax(axis=1)[:, None]
    cells = np.take_along_axis(radio.tile_cells[kpis.tile[orphans]], best, axis=1)[:, 0]
    state.serving[orphans] = np.where(np.take_along_axis(heard_q, best, axis=1)[:, 0] > 0, cells, -1)
    angle = serving_angle_deg(state, radio, np.arange(state.n_users))
    state.beam[orphans] = antenna.best_beam(angle[orphans], radio.n_beams)
    return derive(state, radio, kpis.tile, kpis.heard_q, angle), orphans
