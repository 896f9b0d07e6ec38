"""Link attributes: what a twin wants to know of a link, read off traced paths (truth) or predicted.

==================  ==================================================================================  ======
attribute           meaning                                                                             unit
==================  ==================================================================================  ======
``gain_db``         incoherent sum of all paths' powers, the mean over a small area; NaN without a path  dB
``los``             the straight ray arrives                                                            --
``path``            anything arrives (with specular reflections only, some links have nothing)          --
``delay_spread_s``  root mean square delay spread; NaN without a path                                   s
``best_beam``       beam of the BS that collects the most power; -1 without a path                      --
==================  ==================================================================================  ======

The BS has a ring of 16 beams, 22.5 degrees apart, each with the pattern of TR 38.901, Table 7.3-1, cut to its width.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from dnt_lab.physical.antenna import wrap_deg
from dnt_lab.raytracing import Paths, delay_spread_s

N_BEAMS = 16
BEAM_DEG = 360.0 / N_BEAMS
_FLOOR_DB = 20.0


@dataclass(frozen=True, eq=False)
class LinkAttributes:
    """Attributes of R links, arrays (R,), as in this module's head.

    Attributes
    ----------
    gain_db, delay_spread_s : ndarray, shape (R,)
        NaN without a path.
    los, path : ndarray of bool, shape (R,)
        Whether the straight ray, or anything, arrives.
    beam_gain_db : ndarray, shape (R, 16)
        Gain through each beam; NaN without a path.
    """

    gain_db: np.ndarray
    delay_spread_s: np.ndarray
    los: np.ndarray
    path: np.ndarray
    beam_gain_db: np.ndarray

    def __len__(self) -> int:
        return len(self.gain_db)

    def __getitem__(self, rows) -> LinkAttributes:
        """Return the attributes of some links (a mask, a slice or numbers)."""
        return LinkAttributes(*(getattr(self, f.name)[rows] for f in fields(self)))

    @property
    def best_beam(self) -> np.ndarray:
        """The beam of most power, the first of equals; -1 without a path; shape (R,)."""
        return np.where(self.path, np.where(self.path[:, None], self.beam_gain_db, 0.0).argmax(axis=1), -1)

    @classmethod
    def of(cls, paths: Paths) -> LinkAttributes:
        """Attributes of all links of one transmitter.

        Raises
        ------
        ValueError
            If the paths are those of several transmitters.
        """
        if len(paths.tx_m) != 1:
            raise ValueError(f"the paths start at {len(paths.tx_m)} transmitters, but attributes are those of one BS.")
        power, n = paths.power()[0], len(paths.rx_m)
        los, path = np.zeros(n, bool), power > 0
        los[paths.rx[paths.order == 0]] = True
        by_beam = np.zeros((n, N_BEAMS))
        np.add.at(by_beam, paths.rx, (np.abs(paths.gain) ** 2)[:, None] * beam_pattern(paths.aod_deg[:, 1]))
        with np.errstate(divide="ignore"):
            gain_db, beam_db = 10 * np.log10(power), 10 * np.log10(by_beam)
        gain_db[~path], beam_db[~path] = np.nan, np.nan
        return cls(gain_db, delay_spread_s(paths)[0], los, path, beam_db)


def beam_pattern(azimuth_deg: np.ndarray) -> np.ndarray:
    r"""Power gain of the 16 beams, relative to their middle, in directions (P,): shape (P, 16).

    :math:`10^{-\min(12 (\varphi / \varphi_{3dB})^2, 20) / 10}` with :math:`\varphi_{3dB} = 22.5` degrees.
    """
    off_deg = wrap_deg(np.asarray(azimuth_deg)[:, None] - BEAM_DEG * np.arange(N_BEAMS))
    return 10 ** (-np.minimum(12 * (off_deg / BEAM_DEG) ** 2, _FLOOR_DB) / 10)


def direct_azimuth_deg(bs_m: np.ndarray, user_m: np.ndarray) -> np.ndarray:
    """Azimuth in which the BS sees users (R, 3), in degrees, shape (R,)."""
    east, north = (user_m - bs_m)[:, :2].T
    return np.rad2deg(np.arctan2(north, east))


def beam_towards(azimuth_deg: np.ndarray) -> np.ndarray:
    """Beam whose middle is nearest to a direction, 0 to 15."""
    return np.round(np.asarray(azimuth_deg) / BEAM_DEG).astype(int) % N_BEAMS


def turned(best_beam: np.ndarray, direct_deg: np.ndarray) -> np.ndarray:
    """How many beams the best one lies left of the one towards the user, 0 to 15: what does not hang on north."""
    return (best_beam - beam_towards(direct_deg)) % N_BEAMS
