"""Reflectors measured at 60 GHz: a few losses to start with, and a reader for NIST's tables.

`MEASURED_60GHZ` holds the mean reflection losses of two rooms; they need no file. Diffuse clusters need NIST's
material libraries, which stay with NIST: ``src/material_libraries/*.csv`` of the Q-D realization software. The floors
of those tables repeat the ceilings, so they are stand-ins and not listed here.

Sources: usnistgov/qd-realization, material libraries of the lecture room and the data center (National Institute of
Standards and Technology); A. Maltsev et al., "Channel models for IEEE 802.11ay", doc. IEEE 802.11-15/1150r9.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path

from dnt_lab.raytracing.cluster_statistics import ClusterStatistics, Cursors
from dnt_lab.raytracing.fresnel import EPSILON_0_F_PER_M
from dnt_lab.raytracing.materials import FixedLoss, Material

FREQ_HZ = 60e9
"""Centre of the measurements."""
FREQ_RANGE_HZ = (57e9, 66e9)
"""Where the losses are taken to hold: channels 1 to 4 of the 60 GHz band."""

_MEAN_LOSS_DB = {
    "LectureRoom/RightWall": 10.80,
    "LectureRoom/TopWall": 9.27,
    "LectureRoom/LeftWall": 10.70,
    "LectureRoom/BottomWall": 9.84,
    "LectureRoom/Tables": 6.58,
    "LectureRoom/Ceiling": 6.9,
    "DataCenter/Ceiling": 10.0,
    "DataCenter/Racktop": 7.77,
    "DataCenter/Curtain": 1.64,
    "DataCenter/WallandColumn": 7.53,
    "DataCenter/Rackside": 15.82,
}
MEASURED_60GHZ = {name: FixedLoss(loss_db, FREQ_RANGE_HZ, name) for name, loss_db in _MEAN_LOSS_DB.items()}
"""Materials of fixed loss by "room/reflector"."""


def _ieee_802_11ay(n_pre, k_pre, gamma_pre, lambda_pre, n_post, k_post, gamma_post, lambda_post, sigma_deg):
    def side(rays, k_db, gamma_ns, per_ns):
        return Cursors(rays, k_db=(k_db, 0.0), gamma_ns=(gamma_ns, 0.0), lambda_per_ns=(per_ns, 0.0))

    spread = (sigma_deg, 0.0)
    pre, post = side(n_pre, k_pre, gamma_pre, lambda_pre), side(n_post, k_post, gamma_post, lambda_post)
    return ClusterStatistics(pre, post, azimuth_deg=spread, elevation_deg=spread, angle_law="gauss")


IEEE_802_11AY = {
    "OpenAreaHotspot": _ieee_802_11ay(0, 0, 0, 0, 4, 4, 4.5, 0.31, 5),
    "StreetCanyon": _ieee_802_11ay(0, 0, 0, 0, 4, 4, 4.5, 0.31, 5),
    "HotelLobby": _ieee_802_11ay(0, 0, 0, 0, 6, 10, 4.5, 0.31, 5),
    "LivingRoom": _ieee_802_11ay(6, 11.5, 1.25, 0.29, 8, 10.9, 8.7, 1.0, 10),
    "ConferenceRoom": _ieee_802_11ay(6, 10, 3.7, 0.37, 8, 14.2, 4.5, 0.31, 5),
    "EnterpriseCubicle": _ieee_802_11ay(6, 5, 3.7, 0.37, 8, 10, 4.5, 0.31, 5),
}
"""Clusters of IEEE 802.11ay by scenario, all parameters fixed and angles Gaussian. The standard's model has no floor
under weak rays (``threshold_db=-inf``) and, at NIST, redraws a ray ahead of the straight way; `diffuse` drops it."""


@dataclass(frozen=True)
class NistLibrary:
    """One material library.

    Attributes
    ----------
    materials : dict of str to FixedLoss or Material
        By reflector. A `FixedLoss` has the mean reflection loss and refuses frequencies outside 57-66 GHz. A `Material`
        (a half-space) comes from a permittivity at 60 GHz and cannot tell other frequencies: do not use it there.
    statistics : dict of str to ClusterStatistics
        By reflector; empty where the library holds permittivities only.
    """

    materials: dict[str, FixedLoss | Material]
    statistics: dict[str, ClusterStatistics]


def read_nist_library(path: str | Path) -> NistLibrary:
    """Read a material library of NIST's Q-D realization from the user's own copy.

    Two kinds exist: measured statistics (columns ``n_Precursor`` ... ``mu_RL``, in dB, ns, 1/ns and degrees) and
    complex permittivities (column ``RelativePermittivity``). The sign of an imaginary part varies between rows and
    does not matter for power: losses are its magnitude.

    Parameters
    ----------
    path : str or Path
        The ``.csv`` file.

    Returns
    -------
    NistLibrary
        Materials and, if measured, cluster statistics.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If columns are missing, a reflector is named twice, or a value is no number or not possible.
    """
    path = Path(path)
    with open(path, newline="", encoding="utf-8-sig") as file:
        table = csv.DictReader(file, skipinitialspace=True)
        columns = table.fieldnames or []
        rows = [row for row in table if any(row.values())]
    parse, needed = (_permittivity, _PERMITTIVITY) if "RelativePermittivity" in columns else (_measured, _MEASURED)
    missing = [name for name in ("Reflector", *needed) if name not in columns]
    if missing or not rows:
        raise ValueError(
            f"{path.name} lacks {', '.join(missing) or 'rows'}, but a material library of NIST Q-D has a row a "
            "reflector with either its cluster statistics or RelativePermittivity"
        )
    materials, statistics = {}, {}
    for row in rows:
        name = row["Reflector"]
        if name in materials:
            raise ValueError(f"{path.name} names the reflector {name} twice, but each has one row")
        try:
            materials[name], found = parse(name, row)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path.name}, reflector {name}: {error}") from None
        if found is not None:
            statistics[name] = found
    return NistLibrary(materials, statistics)


_SIDES = ("K", "gamma", "sigmaS", "lambda")
_PERMITTIVITY = ("RelativePermittivity",)
_MEASURED = (
    *(f"{rice}_{name}_{side}cursor" for name in _SIDES for side in ("Pre", "Post") for rice in ("s", "sigma")),
    *(f"{rice}_{name}" for name in ("sigmaAlphaAz", "sigmaAlphaEl", "RL") for rice in ("s", "sigma")),
    *("n_Precursor", "n_Postcursor", "mu_RL"),
)


def _number(kind: type, column: str, row: dict):
    try:
        return kind((row[column] or "").replace(" ", ""))
    except ValueError:
        raise ValueError(f"{column} is {row[column]!r}, but must be a number such as {kind(4)}") from None


def _permittivity(name: str, row: dict) -> tuple[Material, None]:
    eps_r = _number(complex, "RelativePermittivity", row)
    return Material(eps_r.real, abs(eps_r.imag) * 2 * math.pi * FREQ_HZ * EPSILON_0_F_PER_M, name=name), None


def _measured(name: str, row: dict) -> tuple[FixedLoss, ClusterStatistics]:
    number = {column: _number(float, column, row) for column in _MEASURED}

    def rice(column):
        return number[f"s_{column}"], number[f"sigma_{column}"]

    def side(which):
        rays = number[f"n_{which}"]
        return Cursors(int(rays) if rays.is_integer() else rays, *(rice(f"{symbol}_{which}") for symbol in _SIDES))

    statistics = ClusterStatistics(
        pre=side("Precursor"),
        post=side("Postcursor"),
        azimuth_deg=rice("sigmaAlphaAz"),
        elevation_deg=rice("sigmaAlphaEl"),
        loss_db=rice("RL"),
        mean_loss_db=number["mu_RL"],
    )
    return FixedLoss(number["mu_RL"], FREQ_RANGE_HZ, name), statistics
