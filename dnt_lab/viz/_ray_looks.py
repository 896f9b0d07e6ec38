"""How rays look, on maps, in delay and angle plots and in the 3-D view: colour, dash and marker tell the order.

The line of sight is ink, and each reflection a step paler with shorter dashes, as it is weaker: many rays of high order
recede behind the few that matter, also in grey.
"""

from dataclasses import dataclass
from numbers import Integral

import numpy as np
from matplotlib.patheffects import withStroke

from dnt_lab.viz._checks import numbers
from dnt_lab.viz.style import CYCLE


@dataclass(frozen=True)
class Look:
    """One kind of ray."""

    name: str
    color: str
    dash: tuple[float, ...]  # lengths on and off in points; () is solid
    marker: str

    @property
    def linestyle(self):
        """What matplotlib takes."""
        return (0, self.dash) if self.dash else "-"


LOOKS = (
    Look("line of sight", CYCLE[2], (), "o"),
    Look("1 reflection", CYCLE[0], (7, 1.5), "s"),
    Look("2 reflections", CYCLE[1], (3.5, 1.5), "^"),
    Look("3 or more reflections", CYCLE[3], (1.3, 1.3), "D"),
    Look("diffuse", CYCLE[4], (1, 2.5), "v"),
)
DIFFUSE = len(LOOKS) - 1
SPAN_DB = 40.0
HALO = (withStroke(linewidth=3, foreground="white"),)
TX_NAME, RX_NAME, DARK_NAME = "transmitter", "receiver", "receiver without a path"


def looks_of(paths) -> np.ndarray:
    """Number of the look of each path, shape (P,)."""
    return np.where(paths.diffuse, DIFFUSE, np.minimum(paths.order, DIFFUSE - 1))


def checked_paths(paths):
    """Return the paths; raise TypeError if a ray cannot be drawn from them."""
    for name in ("tx_m", "rx_m", "tx", "rx", "order", "points_m", "gain_db", "diffuse"):
        if not hasattr(paths, name):
            raise TypeError(f"paths is a {type(paths).__name__} without {name}; it must be a raytracing.Paths.")
    return paths


def checked_row(name: str, number, count: int) -> int:
    """Return the number of a transmitter or receiver; raise ValueError if there is none such."""
    if isinstance(number, bool) or not isinstance(number, Integral) or not 0 <= number < count:
        raise ValueError(f"{name} is {number!r}; it must be a row number from 0 to {count - 1}.")
    return int(number)


def checked_range(name: str, given) -> tuple[float, float]:
    """Return (low, high); raise ValueError if it is none."""
    low, high = numbers(name, given, (2,), allow_nan=False).tolist()
    if low >= high:
        raise ValueError(f"{name} is {tuple(given)}; it must be (low, high) with low below high.")
    return low, high


def range_db(gain_db: np.ndarray, given) -> tuple[float, float]:
    """Return the given range of gains, or the strongest and what lies 40 dB below it."""
    if given is not None:
        return checked_range("gain_range_db", given)
    strongest = float(gain_db.max()) if len(gain_db) else 0.0
    return strongest - SPAN_DB, strongest


def polylines(paths, rows: np.ndarray) -> list[np.ndarray]:
    """Corners (2 + order, 3) of chosen paths, from transmitter to receiver in metres."""
    lines = []
    for row in rows:
        points_m = paths.points_m[row]
        points_m = points_m[~np.isnan(points_m).any(axis=-1)]
        lines.append(np.concatenate([paths.tx_m[paths.tx[row]][None], points_m, paths.rx_m[paths.rx[row]][None]]))
    return lines
