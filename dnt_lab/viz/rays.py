"""Rays on a map: the ways a wave takes from a transmitter to a receiver, seen from above.

>>> viz.draw_scene(ax, scene)
>>> viz.draw_rays(ax, raytracing.trace(scene, tx_m, rx_m, 28e9), rx=3)

Three things tell a ray: the colour and the dashes its number of reflections (the line of sight is solid), the width its
gain. All three panels of a link, map, `power_delay` and `angles`, use the same colours and markers.
"""

import matplotlib as mpl
import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.colors import ListedColormap
from matplotlib.patheffects import withStroke

from dnt_lab.viz._checks import points
from dnt_lab.viz._layers import LAYER, color_bar
from dnt_lab.viz._ray_looks import (
    DARK_NAME,
    DIFFUSE,
    LOOKS,
    RX_NAME,
    TX_NAME,
    checked_paths,
    checked_row,
    looks_of,
    polylines,
    range_db,
)
from dnt_lab.viz.style import COLORS, SEQUENTIAL

THIN_PT, THICK_PT = 1.1, 2.8
_HALO_PT = 1.6
# strong is dark, as ink is; the yellow end would vanish on white
GAIN_COLORS = ListedColormap(mpl.colormaps[SEQUENTIAL](np.linspace(0.86, 0.0, 256)), name="gain")


def draw_rays(ax, paths, *, tx: int | None = None, rx: int | None = None, color: str = "order", gain_range_db=None):
    """Draw the rays of one or more links from above, with transmitters and receivers.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Axes of a map in metres, best after `draw_scene` or `draw_city`.
    paths : raytracing.Paths
        The paths. Rays of diffuse clusters lie around their specular path and are not drawn, nor are paths without
        gain.
    tx, rx : int, optional
        Draw only the links of this transmitter and of this receiver; all if left out.
    color : {"order", "gain"}
        What the colour tells. With "gain" a colour bar is added; dashes still tell the order.
    gain_range_db : (float, float), optional
        Gains of the thinnest and of the thickest ray, in dB; the strongest that is drawn and 40 dB less if left out.
        Give it where several pictures are compared.

    Returns
    -------
    matplotlib.colorbar.Colorbar or None
        The colour bar if colours tell the gain.

    Raises
    ------
    TypeError
        If `paths` is something else.
    ValueError
        If a transmitter or receiver does not exist, or `color` or the range is wrong.

    Notes
    -----
    All parts have names, so ``ax.legend()`` explains them. Seen from above, a ray that the ground reflects lies under
    the line of sight: only the point of reflection, a small ring, tells of it.
    """
    rows, shown_tx, shown_rx = _chosen(checked_paths(paths), tx, rx)
    if color not in ("order", "gain"):
        raise ValueError(f"color is {color!r}; it must be 'order' or 'gain'.")
    gain_db, look = paths.gain_db[rows], looks_of(paths)[rows]
    low_db, high_db = range_db(gain_db, gain_range_db)
    width_pt = THIN_PT + (THICK_PT - THIN_PT) * np.clip((gain_db - low_db) / (high_db - low_db), 0, 1)
    mapping = bar = None
    if color == "gain":
        mapping, bar = color_bar(ax, gain_db, "path gain (dB)", (low_db, high_db), GAIN_COLORS)
    lines = [line[:, :2] for line in polylines(paths, rows)]
    for number, kind in enumerate(LOOKS[:DIFFUSE]):
        of = np.flatnonzero(look == number)
        if not len(of):
            continue
        colors = mapping.to_rgba(gain_db[of]) if mapping else kind.color
        rays = LineCollection(
            [lines[i] for i in of],
            colors=colors,
            linewidths=width_pt[of],
            linestyles=[kind.linestyle],
            capstyle="butt",
            zorder=LAYER["links"] - 0.1 * number,  # the line of sight on top
            path_effects=[withStroke(linewidth=width_pt[of].max() + _HALO_PT, foreground="white", alpha=0.8)],
        )
        ax.add_collection(rays, autolim=False)
        turns = np.concatenate([lines[i][1:-1] for i in of])
        ax.plot(
            *turns.T, "o", mfc="white", mec="#444444" if mapping else kind.color, ms=3.6, mew=1.0,
            zorder=LAYER["links"] + 0.6,
        )  # fmt: skip
        ax.plot([], [], color="#444444" if mapping else kind.color, linestyle=kind.linestyle, lw=1.9, label=kind.name)
    _draw_ends(ax, points("tx_m", paths.tx_m)[shown_tx], points("rx_m", paths.rx_m)[shown_rx], shown_rx, paths.rx[rows])
    ax.set_aspect("equal")
    return bar


def _chosen(paths, tx, rx):
    """Rows to draw, strongest last, and the numbers of transmitters and receivers to mark."""
    numbers, keep = [], np.isfinite(paths.gain_db) & ~paths.diffuse
    for name, number, of, count in (("tx", tx, paths.tx, len(paths.tx_m)), ("rx", rx, paths.rx, len(paths.rx_m))):
        if number is None:
            numbers.append(np.arange(count))
        else:
            numbers.append(np.array([checked_row(name, number, count)]))
            keep = keep & (of == number)
    rows = np.flatnonzero(keep)
    return rows[np.argsort(paths.gain_db[rows], kind="stable")], *numbers


def _draw_ends(ax, tx_m, rx_m, shown_rx, reached) -> None:
    look = {"linestyle": "", "mec": "white", "mew": 1.0}
    ax.plot(*tx_m.T, "^", ms=10, color=COLORS["physical"], zorder=LAYER["cells"], label=TX_NAME, **look)
    lit = np.isin(shown_rx, reached)
    if lit.any():
        ax.plot(*rx_m[lit].T, "o", ms=8.5, color=COLORS["physical"], zorder=LAYER["users"], label=RX_NAME, **look)
    if not lit.all():
        dark = look | {"mfc": "white", "mec": COLORS["bad"], "mew": 1.8}
        ax.plot(*rx_m[~lit].T, "o", ms=7.5, zorder=LAYER["users"], label=DARK_NAME, **dark)
