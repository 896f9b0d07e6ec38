"""What a trace says about a map of positions: path gain, line of sight and the direction of the strongest path.

>>> found = traced(scene, tx_m=[0.0, 0.0, 10.0], xy_m=outdoor_m, freq_hz=28e9, scatter_db=30.0)
>>> found.gain_db, found.los, found.turn_deg
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dnt_lab.physical.pathloss import free_space_db
from dnt_lab.raytracing import Scene, trace

MAX_ORDER = 2
USER_HEIGHT_M = 1.5


@dataclass(frozen=True, eq=False)
class Traced:
    """P positions, as one base station reaches them.

    Attributes
    ----------
    gain_db : ndarray, shape (P,)
        Path gain in dB: the power of all paths and of the scattered rest.
    los : ndarray of bool, shape (P,)
        Whether the straight way is free.
    turn_deg : ndarray, shape (P,)
        Azimuth of departure of the strongest path in degrees, from the straight line to the position, -180 to 180; NaN
        without any path.
    """

    gain_db: np.ndarray
    los: np.ndarray
    turn_deg: np.ndarray


def traced(scene: Scene, tx_m, xy_m, freq_hz: float, scatter_db: float) -> Traced:
    """Trace users at 1.5 m with up to two reflections and add a scattered power so many dB below free space."""
    rx_m = np.column_stack([xy_m, np.full(len(xy_m), USER_HEIGHT_M)])
    paths = trace(scene, tx_m, rx_m, freq_hz, MAX_ORDER)
    scattered_db = -free_space_db(np.linalg.norm(rx_m - tx_m, axis=1), freq_hz) - scatter_db
    los, azimuth_deg = np.zeros(len(rx_m), bool), np.full(len(rx_m), np.nan)
    los[paths.rx[paths.order == 0]] = True
    weakest_first = np.argsort(np.abs(paths.gain))
    azimuth_deg[paths.rx[weakest_first]] = paths.aod_deg[weakest_first, 1]
    straight_deg = np.rad2deg(np.arctan2(*(rx_m - tx_m).T[1::-1]))
    turn_deg = (azimuth_deg - straight_deg + 180) % 360 - 180
    return Traced(10 * np.log10(paths.power()[0] + 10 ** (scattered_db / 10)), los, turn_deg)
