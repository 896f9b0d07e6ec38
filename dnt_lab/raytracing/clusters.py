r"""Diffuse clusters: a rough wall answers with a bundle of weak rays around its mirror reflection.

Quasi-deterministic (Q-D) means: the mirror reflections are traced, the rays around them drawn from measured statistics.
Each reflected path is the *cursor* of a cluster; rays before it are pre-cursors, rays after it post-cursors, both with
statistics of the path's last reflector. A cluster and side has a rate :math:`\lambda`, distance K, decay :math:`\gamma`
and spread :math:`\sigma_S`, all drawn from `ClusterStatistics`. Gaps between rays are exponential with rate
:math:`\lambda`, and a ray at time t from a cursor of gain :math:`G_0` has the gain, in dB,

.. math:: G = G_0 - K + 10 \log_{10}(e)\,(-t/\gamma + S), \quad S \sim N(0, \sigma_S^2).

Angles of departure and arrival scatter around the cursor's, phases are uniform. Rays that would be stronger than their
cursor, weaker than a threshold, or ahead of the straight way are dropped.

Source: the model of NIST's Q-D realization software (usnistgov/qd-realization).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from dnt_lab.datasets._checks import generator
from dnt_lab.physical.pathloss import SPEED_OF_LIGHT_M_S
from dnt_lab.raytracing.angles import folded
from dnt_lab.raytracing.cluster_statistics import ClusterStatistics, Cursors, Rice
from dnt_lab.raytracing.paths import Paths, concatenate

_DB_PER_NEPER = 10 * np.log10(np.e)


def diffuse(
    paths: Paths,
    statistics: ClusterStatistics | Mapping[str, ClusterStatistics | None],
    seed,
    *,
    threshold_db: float = -25.0,
) -> Paths:
    """Surround every reflected path with the rays of its cluster.

    Parameters
    ----------
    paths : Paths
        Specular paths, as traced.
    statistics : ClusterStatistics or mapping from material name
        One for all, or that of each material; a path takes those of its last reflector. None for a material: smooth,
        no cluster. The line of sight has no cluster.
    seed : int or numpy.random.Generator
        The same paths and seed give the same rays.
    threshold_db : float
        Rays this far below their cursor are dropped; ``-inf`` keeps all.

    Returns
    -------
    Paths
        `paths` and the diffuse rays, sorted. A ray has the order, points and objects of its cursor, and its Jones
        matrix scaled and turned by the ray's gain and phase.

    Raises
    ------
    ValueError
        If there are diffuse rays already, a material has no statistics or the threshold is not below 0.
    TypeError
        If `statistics` holds something else.
    """
    if not threshold_db < 0:
        raise ValueError(f"threshold_db is {threshold_db}, but must be below 0 dB: rays are weaker than their cursor")
    _refuse_diffuse(paths)
    rng = generator(seed)
    cursors = paths[paths.order > 0]
    last = cursors.material_index[np.arange(len(cursors)), cursors.order - 1]
    kinds, kind = _kinds(statistics, last, paths.materials)
    sides = [_side(cursors, kinds, kind, side, rng, threshold_db) for side in ("pre", "post")]
    return concatenate([paths, *sides])


def random_reflection_loss(paths: Paths, statistics, seed) -> Paths:
    """Draw each bounce's reflection loss from Rice(`loss_db`) instead of taking its mean.

    For paths traced with materials of the fixed loss `mean_loss_db`; NIST does so wherever clusters are on. Parameters
    and errors as in `diffuse`; a material whose statistics are None keeps its loss.

    Returns
    -------
    Paths
        The same paths with other gains.
    """
    _refuse_diffuse(paths)
    rng = generator(seed)
    path, bounce = np.nonzero(np.arange(paths.material_index.shape[1]) < paths.order[:, None])
    kinds, kind = _kinds(statistics, paths.material_index[path, bounce], paths.materials)
    if any(one.loss_db is None for one in kinds):
        raise ValueError("statistics without loss_db were given, but a random reflection loss needs its (s, sigma)")
    known = kind >= 0
    more_db = np.zeros(len(path))
    mean_db = np.array([one.mean_loss_db for one in kinds] or [0.0])[kind[known]]
    more_db[known] = _rice(rng, [one.loss_db for one in kinds], kind[known]) - mean_db
    change_db = np.bincount(path, -more_db, minlength=len(paths))
    return replace(paths, transfer=paths.transfer * 10 ** (change_db / 20)[:, None, None])


def _refuse_diffuse(paths: Paths) -> None:
    if paths.diffuse.any():
        raise ValueError(f"paths hold {paths.diffuse.sum()} diffuse rays, but clusters grow from traced paths only")


def _kinds(statistics, material: np.ndarray, names: tuple[str, ...]) -> tuple[list[ClusterStatistics], np.ndarray]:
    """Return a list of the different statistics, and which one each of the `material` numbers has (-1: none)."""
    if isinstance(statistics, ClusterStatistics):
        return [statistics], np.zeros(len(material), int)
    if not isinstance(statistics, Mapping):
        raise TypeError(f"statistics are {statistics!r}, but must be ClusterStatistics or a dict of them by material")
    if (material < 0).any():
        raise ValueError(
            "paths do not say what they hit, but statistics by material need material_index; give one for all"
        )
    hit, place = np.unique(material, return_inverse=True)
    missing = [names[number] for number in hit if names[number] not in statistics]
    if missing:
        raise ValueError(
            f"statistics have no entry for {', '.join(missing)}, but each reflecting material needs one, or None"
        )
    found = [statistics[names[number]] for number in hit]
    wrong = [one for one in found if not (one is None or isinstance(one, ClusterStatistics))]
    if wrong:
        raise TypeError(f"statistics hold {wrong[0]!r}, but each entry must be ClusterStatistics or None")
    row = np.cumsum([one is not None for one in found], dtype=int) - 1
    row_of_hit = np.where([one is None for one in found], -1, row)
    return [one for one in found if one is not None], row_of_hit[place]


def _rice(rng: np.random.Generator, pairs: list[Rice], row: np.ndarray) -> np.ndarray:
    """One Rice draw for each of `row`, with the parameters ``pairs[row]``."""
    s, sigma = np.asarray(pairs, float).reshape(-1, 2)[row].T
    first, second = rng.standard_normal((2, len(row)))
    return np.hypot(s + sigma * first, sigma * second)


def _side(cursors: Paths, kinds, kind: np.ndarray, side: str, rng, threshold_db: float) -> Paths:
    """Rays of one side of all clusters at once: a row a cursor, a column a ray, until the dropped ones go."""
    sides: list[Cursors] = [getattr(one, side) for one in kinds]
    active = (kind >= 0) & np.array([one.arrive for one in sides] or [False])[kind]
    cursors, kind = cursors[active], kind[active]
    rate, k_db, gamma_ns, sigma_s = (
        _rice(rng, [getattr(one, name) for one in sides], kind)[:, None]
        for name in ("lambda_per_ns", "k_db", "gamma_ns", "sigma_s")
    )
    rays = np.array([one.rays for one in sides] or [0])[kind]
    shape = (len(cursors), rays.max(initial=0))
    after_ns = np.cumsum(rng.standard_exponential(shape) / rate, axis=1)
    gain_db = -k_db + _DB_PER_NEPER * (sigma_s * rng.standard_normal(shape) - after_ns / gamma_ns)
    delay_s = cursors.delay_s[:, None] + (1e-9 if side == "post" else -1e-9) * after_ns
    straight_m = np.linalg.norm(cursors.tx_m[cursors.tx] - cursors.rx_m[cursors.rx], axis=1)
    kept = (gain_db < 0) & (gain_db > threshold_db) & (delay_s >= straight_m[:, None] / SPEED_OF_LIGHT_M_S)
    kept &= np.arange(shape[1]) < rays[:, None]
    cluster = np.nonzero(kept)[0]
    turn = np.exp(2j * np.pi * rng.random(len(cluster)))
    around = cursors[cluster]
    return replace(
        around,
        delay_s=delay_s[kept],
        transfer=around.transfer * (10 ** (gain_db[kept] / 20) * turn)[:, None, None],
        aod_deg=_scattered(around.aod_deg, kinds, kind, cluster, rng),
        aoa_deg=_scattered(around.aoa_deg, kinds, kind, cluster, rng),
        diffuse=np.ones(len(cluster), bool),
    )


def _scattered(angle_deg: np.ndarray, kinds, kind: np.ndarray, cluster: np.ndarray, rng) -> np.ndarray:
    """Angles of rays around their cursor's; the spreads are those of the cluster, drawn for this end of the link."""
    spread_deg = np.stack(
        [_rice(rng, [getattr(one, name) for one in kinds], kind) for name in ("elevation_deg", "azimuth_deg")], axis=-1
    )
    gaussian = np.array([one.angle_law == "gauss" for one in kinds] or [False])[kind]
    unit = np.where(
        gaussian[cluster, None],
        rng.standard_normal(angle_deg.shape),
        rng.laplace(scale=np.sqrt(0.5), size=angle_deg.shape),  # a Laplace law's standard deviation is scale * sqrt 2
    )
    return folded(angle_deg + unit * spread_deg[cluster])
