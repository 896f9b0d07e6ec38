"""What each system costs, from counts alone: no training is needed to see what another link or computer would change.

Per BS and job, with F operations, M bytes of the model, rate R and latency L: t_train = F / speed, and
t_message = 8 M / R + L, once down and once up. With clusters a BS talks to its head over the edge link, and every
`merge_every` rounds each of the C heads sends and fetches one model over the cloud link.

The sums equal what the simulated federations log; a test holds them to it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from dnt_lab.cases.traffic.setting import Equipment, Learning

TWINS = ("V-twin w/o clusters", "V-twin", "H-twin w/o clusters", "H-twin")
SYSTEMS = (*TWINS, "centralised", "local only")


def cost_table(
    learning: Learning, equipment: Equipment, n_sites: int, n_train: int, seed: int, n_clusters: int | None = None
) -> pd.DataFrame:
    """Return training and communication time of all systems.

    Parameters
    ----------
    learning, equipment : Learning, Equipment
        What is done, and on what.
    n_sites, n_train : int
        BSs, and hours of their training part.
    seed : int
        Of the BSs' speeds.
    n_clusters : int, optional
        If it is not ``learning.n_clusters``.

    Returns
    -------
    pandas.DataFrame
        A row a system; columns ``training_s``, ``communication_s``, ``cost_s`` (their sum), all sums over the nodes.
        The H-twin's contain the V-twin's that it starts from.
    """
    c = learning.n_clusters if n_clusters is None else n_clusters
    model = learning.model()
    slowness = float(np.sum(1 / equipment.devices(n_sites, seed, clustered=False).speed_flops))
    starts_h = learning.update_period_h * np.arange(learning.n_updates)
    samples = np.minimum(learning.update_hours, n_train + starts_h)
    build_s = slowness * learning.rounds * learning.training.flops(model, n_train)
    update_s = slowness * learning.update.flops(model, samples).sum()
    cloud, edge = (
        link.up_s(model.n_bytes) + link.down_s(model.n_bytes) for link in (equipment.cloud(), equipment.edge())
    )

    def messages(times: int, clustered: bool) -> float:
        if not clustered:
            return times * n_sites * cloud
        return times * n_sites * edge + times // learning.merge_every * c * cloud

    rows = {}
    for clustered in (False, True):
        name = "" if clustered else " w/o clusters"
        build_m, update_m = messages(learning.rounds, clustered), messages(learning.n_updates, clustered)
        rows[f"V-twin{name}"] = (build_s, build_m)
        rows[f"H-twin{name}"] = (build_s + update_s, build_m + update_m)
    upload_s = equipment.cloud().up_s(equipment.record_bytes * n_train)
    all_flops = n_sites * learning.rounds * learning.training.flops(model, n_train)
    rows["centralised"] = (all_flops / equipment.server_flops, n_sites * upload_s)
    rows["local only"] = (build_s, 0.0)
    table = pd.DataFrame(rows, index=["training_s", "communication_s"]).T.loc[list(SYSTEMS)]
    return table.assign(cost_s=table.sum(axis=1))


def saving(table: pd.DataFrame) -> float:
    """Return the share of the H-twin's cost that clusters save, in [.., 1]."""
    return float(1 - table.loc["H-twin", "cost_s"] / table.loc["H-twin w/o clusters", "cost_s"])
