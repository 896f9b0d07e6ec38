"""Why a path has the gain it has: free space, each bounce, and how the receiver's antenna takes what arrives."""

from __future__ import annotations

import numpy as np
import pandas as pd

from dnt_lab.raytracing.field import reflection_coefficients, transfer_matrix
from dnt_lab.raytracing.legs import legs_of
from dnt_lab.raytracing.paths import Paths

_FOREIGN = "paths are not those of this scene: trace them in it, with polarisation, and with the same materials"


def explain(scene, paths: Paths, *, extrapolate: bool = False) -> pd.DataFrame:
    """Split the gains of specular paths between vertical antennas into their factors.

    Parameters
    ----------
    scene : Scene
        Where the paths were traced.
    paths : Paths
        Polarised specular paths.
    extrapolate : bool
        As in `trace`.

    Returns
    -------
    pandas.DataFrame
        A row a factor, in the order of travel. ``path`` is the row of `paths`; ``factor`` is "free space", the object
        of a bounce, or "receiver": what is lost since the field has turned away from the antenna's. ``gain_db`` adds up
        to ``paths.gain_db``. A bounce also has its ``material``, the angle to the wall's normal, ``incidence_deg``, and
        ``te_db`` and ``tm_db``, what the wall would leave of a field across and in the plane of incidence.

    Raises
    ------
    ValueError
        If the paths hold diffuse rays, or are not those of this scene between vertical antennas.

    Examples
    --------
    >>> from dnt_lab.raytracing import Scene, trace
    >>> room = Scene.room((8.0, 5.0, 3.0), "concrete")
    >>> paths = trace(room, [1.0, 2.5, 1.5], [6.0, 2.5, 1.5], 28e9, max_order=1)
    >>> explain(room, paths[paths.order == 0]).gain_db.round(1).tolist()
    [-75.4, 0.0]
    """
    if paths.diffuse.any():
        raise ValueError("paths holds diffuse rays, but only traced paths have factors: paths[~paths.diffuse]")
    if (paths.objects, paths.materials) != (scene.objects, tuple(material.name for material in scene.materials)):
        raise ValueError(_FOREIGN)
    orders = set(paths.order.tolist()) or {0}
    tables = [_of_one_order(scene, paths, np.flatnonzero(paths.order == k), k, extrapolate) for k in orders]
    table = pd.concat(tables, ignore_index=True)
    total_db = table.groupby("path")["gain_db"].sum().to_numpy()
    if not np.allclose(total_db, paths.gain_db, atol=1e-6):
        raise ValueError(_FOREIGN)
    return table.sort_values(["path", "step"], kind="stable", ignore_index=True).drop(columns="step")


def _of_one_order(scene, paths: Paths, rows, order: int, extrapolate: bool) -> pd.DataFrame:
    """Factors of paths with the same number of bounces."""
    k, length_m, normal, cosine, material, wavelength_m = legs_of(paths, rows, order)
    r = reflection_coefficients(
        scene.materials, material.ravel(), cosine.ravel(), paths.freq_hz, extrapolate=extrapolate
    ).reshape(2, *material.shape)
    # up to each bounce: the part of the path so far, as a receiver takes it that takes both polarisations
    parts = [transfer_matrix(k, length_m, normal[:, :n], *r[..., :n], wavelength_m)[:, :, 0] for n in range(order + 1)]
    levels = [np.ones(len(rows)), *(np.linalg.norm(part, axis=1) for part in parts), np.abs(parts[-1][:, 0])]
    names = [np.array(scene.objects, object)[paths.object_index[rows, i]] for i in range(order)]
    kinds = [np.array([m.name for m in scene.materials], object)[material[:, i]] for i in range(order)]
    with np.errstate(divide="ignore"):
        levels_db = 20 * np.log10(levels)
        te_tm_db = 20 * np.log10(np.abs(r))
    factors = [("free space", None, np.nan, np.nan, np.nan)]
    factors += [
        (names[i], kinds[i], np.degrees(np.arccos(cosine[:, i])), te_tm_db[0, :, i], te_tm_db[1, :, i])
        for i in range(order)
    ]
    factors.append(("receiver", None, np.nan, np.nan, np.nan))
    columns = ("factor", "material", "incidence_deg", "te_db", "tm_db")
    return pd.concat(
        [
            pd.DataFrame({"path": rows, "step": step, **dict(zip(columns, factor, strict=True)), "gain_db": gain_db})
            for step, (factor, gain_db) in enumerate(zip(factors, np.diff(levels_db, axis=0), strict=True))
        ]
    )
