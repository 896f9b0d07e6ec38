r"""Permittivity and conductivity of building materials over frequency: ITU-R P.2040-4.

:math:`\varepsilon_r = a f^b` and :math:`\sigma = c f^d` in S/m with f in GHz, for each range of frequencies. Where
ranges of one material overlap, the first row of the table that holds the frequency counts.

Source: ITU-R P.2040-4, Table 3, as coded in sionna-rt 2.2.0 (``radio_materials/itu.py``). Other editions differ:
P.2040-1 gives concrete a permittivity of 5.31.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class ItuRow(NamedTuple):
    """One row of the table: the range in GHz in which it holds, and a, b, c, d."""

    low_ghz: float
    high_ghz: float
    a: float
    b: float
    c: float
    d: float


_TABLE = {
    "vacuum": ((0.001, 100, 1, 0, 0, 0),),
    "concrete": ((1, 100, 5.24, 0, 0.0462, 0.7822), (110, 330, 5.17, 0, 0.0145, 1.09)),
    "brick": ((1, 40, 3.91, 0, 0.0238, 0.16), (110, 330, 4.15, 0, 0.0006, 1.5712)),
    "plasterboard": (
        (1, 100, 2.73, 0, 0.0085, 0.9395),
        (110, 330, 2.56, 0, 0.0001, 1.7799),
        (100, 400, 2.65, 0, 0.0002, 1.598),
    ),
    "wood": (
        (0.001, 100, 1.99, 0, 0.0047, 1.0718),
        (110, 330, 1.82, 0, 0.0040, 1.0761),
        (100, 400, 2.1183, 0, 0.0055, 1.1113),
    ),
    "glass": (
        (0.1, 100, 6.31, 0, 0.0036, 1.3394),
        (220, 450, 5.79, 0, 0.0004, 1.658),
        (100, 400, 6.5767, 0, 0.0012, 1.4697),
    ),
    "clear_acrylic": ((110, 330, 2.58, 0, 0.0001, 1.6524),),
    "ceiling_board": (
        (1, 100, 1.48, 0, 0.0011, 1.0750),
        (220, 450, 1.52, 0, 0.0029, 1.029),
        (100, 400, 1.2567, 0, 0.00013, 1.454),
    ),
    "chipboard": ((1, 100, 2.58, 0, 0.0217, 0.7800), (100, 200, 2.16, 0, 0.0023, 1.359)),
    "plywood": ((1, 40, 2.71, 0, 0.33, 0), (110, 330, 1.94, 0, 0.0067, 0.9982), (100, 400, 2.17, 0, 0.0063, 1.045)),
    "marble": (
        (1, 60, 7.074, 0, 0.0055, 0.9262),
        (110, 330, 7.94, 0, 0.0001, 1.7330),
        (100, 400, 8.62, 0, 0.0027, 1.15),
    ),
    "floorboard": (
        (50, 100, 3.66, 0, 0.0044, 1.3515),
        (220, 300, 5.27, 0, 2.22e-17, 7.3413),
        (300, 400, 5.27, 0, 0.0003, 2.0298),
        (400, 450, 5.27, 0, 49.8726, 0),
        (100, 400, 3.1575, 0, 0.001675, 1.32775),
    ),
    "vinyl_tile": ((1, 40, 3.62, 0, 0.0051, 0.8422),),
    "carpet_tile": ((1, 40, 2.08, 0, 0.0009, 0.82),),
    "asphalt_concrete": ((1, 40, 4.83, 0, 0.0108, 1.3969),),
    "metal": ((1, 100, 1, 0, 1e7, 0),),
    "very_dry_ground": ((1, 10, 3, 0, 0.00015, 2.52),),
    "medium_dry_ground": ((1, 10, 15, -0.1, 0.035, 1.63),),
    "wet_ground": ((1, 10, 30, -0.4, 0.15, 1.30),),
}

ITU_ROWS = {name: tuple(ItuRow(*row) for row in rows) for name, rows in _TABLE.items()}
"""Rows of the table by material."""

ITU_MATERIALS = tuple(ITU_ROWS)
"""Names of the materials."""


def itu_values(name: str, freq_hz: float, *, extrapolate: bool = False) -> tuple[float, float]:
    """Relative permittivity and conductivity in S/m of a material at one frequency.

    Parameters
    ----------
    name : str
        One of `ITU_MATERIALS`.
    freq_hz : float
        Frequency in Hz, above 0.
    extrapolate : bool
        True takes the formula of the nearest range (as a ratio of frequencies) outside all of them.

    Raises
    ------
    ValueError
        If the table does not hold at `freq_hz` and `extrapolate` is False.

    Examples
    --------
    >>> itu_values("metal", 28e9)
    (1.0, 10000000.0)
    """
    f_ghz, rows = freq_hz / 1e9, ITU_ROWS[name]
    away = [abs(np.log(np.clip(f_ghz, row.low_ghz, row.high_ghz) / f_ghz)) for row in rows]
    if min(away) > 0 and not extrapolate:
        ranges = " and ".join(f"{row.low_ghz:g}-{row.high_ghz:g}" for row in rows)
        raise ValueError(
            f"{name} is not defined at {f_ghz:g} GHz, but in {ranges} GHz (ITU-R P.2040-4); extrapolate=True takes the "
            "nearest range's formula"
        )
    row = rows[int(np.argmin(away))]
    return float(row.a * f_ghz**row.b), float(row.c * f_ghz**row.d)
