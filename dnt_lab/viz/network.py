"""A network on its map: cells with their sectors, users coloured by a value, who is linked to whom.

Each verb takes the axes first and draws one thing, in metres, with equal scales. Draw `draw_city` first, it sets the
view; the layers sort themselves (radio map, buildings, links, sectors, users).

>>> viz.draw_city(ax, datasets.load_city("florence"))
>>> viz.draw_links(ax, state.position_m, state.cell_position_m, state.serving)
>>> viz.draw_cells(ax, state.cell_position_m, state.azimuth_deg)
>>> viz.draw_users(ax, state.position_m, sinr_db, label="SINR (dB)")
"""

import matplotlib as mpl
import numpy as np
from matplotlib.collections import LineCollection, PatchCollection
from matplotlib.patches import Wedge
from matplotlib.patheffects import withStroke

from dnt_lab.viz._checks import numbers, points, with_unit
from dnt_lab.viz._layers import LAYER, color_bar
from dnt_lab.viz.style import COLORS, CYCLE, MARKERS, SEQUENTIAL

_HALO = (withStroke(linewidth=2.5, foreground="white"),)


def draw_cells(
    ax,
    position_m,
    azimuth_deg,
    *,
    labels=None,
    colors=None,
    on=None,
    radius_m: float = 60.0,
    beamwidth_deg: float = 65.0,
) -> None:
    """Draw cells as a triangle at the site and a wedge to where the sector looks.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Axes of the map.
    position_m : array_like, shape (B, 2) or (B, 3)
        Antenna positions; sectors of one site share theirs.
    azimuth_deg : array_like, shape (B,)
        Boresights, counter-clockwise from +x as in TR 38.901; NaN for an omnidirectional cell (a full circle).
    labels : sequence of str, length B, optional
        Names, written at the wedge's end.
    colors : sequence of colours, length B, optional
        One colour a cell; all dark if left out.
    on : array_like of bool, shape (B,), optional
        False where the cell is down: drawn as an empty dashed wedge with a cross.
    radius_m : float
        Radius of the wedge. It is a sign, not the coverage.
    beamwidth_deg : float
        Opening of the wedge, 65 degrees as in TR 38.901's antenna.

    Raises
    ------
    ValueError
        If lengths do not fit or the radius is not positive.
    """
    xy = points("position_m", position_m)
    azimuth_deg = numbers("azimuth_deg", azimuth_deg, (len(xy),))
    if not radius_m > 0:
        raise ValueError(f"radius_m is {radius_m}; it must be a positive length in metres.")
    colors = _one_each("colors", colors, [COLORS["physical"]] * len(xy))
    labels = _one_each("labels", labels, [""] * len(xy))
    on = np.asarray(_one_each("on", on, [True] * len(xy)), dtype=bool)
    for cell, center in enumerate(xy):
        omni = np.isnan(azimuth_deg[cell])
        half_deg = 180.0 if omni else beamwidth_deg / 2
        middle_deg = 90.0 if omni else azimuth_deg[cell]
        wedge = Wedge(center, radius_m, middle_deg - half_deg, middle_deg + half_deg)
        face = mpl.colors.to_rgba(colors[cell], 0.35 if on[cell] else 0.0)
        edge = colors[cell] if on[cell] else COLORS["bad"]
        style = "-" if on[cell] else "--"
        ax.add_collection(
            PatchCollection([wedge], facecolor=[face], edgecolor=edge, linestyle=style, zorder=LAYER["cells"]),
            autolim=False,
        )
        marker = {"marker": "^", "ms": 8} if on[cell] else {"marker": "X", "ms": 9}
        ax.plot(*center, color=edge, mec="white", mew=1.0, zorder=LAYER["cells"] + 0.5, linestyle="", **marker)
        if labels[cell]:
            tip = center + 1.28 * radius_m * np.array([np.cos(np.deg2rad(middle_deg)), np.sin(np.deg2rad(middle_deg))])
            _label(ax, labels[cell], tip, ha="center", va="center", weight="bold")
    ax.set_aspect("equal")


def draw_users(
    ax, position_m, values=None, *, label: str | None = None, groups=None, clim=None, cmap=SEQUENTIAL, highlight=None
):
    """Draw users as points: colour tells a value, shape a group such as the serving cell.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Axes of the map.
    position_m : array_like, shape (U, 2) or (U, 3)
        Positions.
    values : array_like, shape (U,), optional
        What the colour tells; NaN (no service) is drawn as an empty ring.
    label : str
        Label of the colour bar with its unit, such as "SINR (dB)"; needed with `values`.
    groups : array_like of int, shape (U,), optional
        Marker shape, modulo seven; negative (no cell) as group 0.
    clim : (float, float), optional
        Range of colours; the data's if left out. Give it where several maps are compared.
    cmap : str
        Colour map.
    highlight : dict of int to str, optional
        Users to ring and name, such as ``{17: "user 17"}``.

    Returns
    -------
    matplotlib.colorbar.Colorbar or None
        The colour bar if values are given.

    Raises
    ------
    ValueError
        If lengths do not fit, the label lacks a unit, or a highlighted user does not exist.
    """
    xy = points("position_m", position_m)
    groups = np.zeros(len(xy), dtype=int) if groups is None else np.maximum(np.asarray(groups, dtype=int), 0)
    if groups.shape != (len(xy),):
        raise ValueError(f"groups has shape {groups.shape}; it must be ({len(xy)},), one number a user.")
    if values is None:
        values, bar = np.zeros(len(xy)), None
        mapping = mpl.cm.ScalarMappable(cmap=mpl.colors.ListedColormap([CYCLE[0]]))
    else:
        values = numbers("values", values, (len(xy),))
        mapping, bar = color_bar(ax, values, with_unit("label", label), clim, cmap)
    rgba = mapping.to_rgba(values)
    rgba[np.isnan(values)] = (1.0, 1.0, 1.0, 1.0)
    edges = np.where(np.isnan(values), COLORS["bad"], "#222222")
    for group in np.unique(groups):
        of = groups == group
        ax.scatter(
            *xy[of].T,
            s=34,
            c=rgba[of],
            marker=MARKERS[group % len(MARKERS)],
            edgecolors=edges[of],
            linewidths=0.7,
            zorder=LAYER["users"],
        )
    for user, name in (highlight or {}).items():
        if not 0 <= user < len(xy):
            raise ValueError(f"highlight names user {user}; it must be one of 0 to {len(xy) - 1}.")
        ax.scatter(*xy[user], s=150, facecolors="none", edgecolors=COLORS["bad"], linewidths=2, zorder=LAYER["users"])
        _label(ax, name, xy[user], xytext=(9, 7), weight="bold")
    ax.set_aspect("equal")
    return bar


def draw_links(ax, user_position_m, cell_position_m, serving, *, color="#555555", linewidth: float = 0.8) -> None:
    """Draw a thin line from each user to the cell that serves it.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Axes of the map.
    user_position_m : array_like, shape (U, 2) or (U, 3)
        Users.
    cell_position_m : array_like, shape (B, 2) or (B, 3)
        Cells.
    serving : array_like of int, shape (U,)
        Index of the serving cell; negative for none (no line).
    color : colour
        Of all lines.
    linewidth : float
        In points.

    Raises
    ------
    ValueError
        If lengths do not fit or a serving cell does not exist.
    """
    users, cells = points("user_position_m", user_position_m), points("cell_position_m", cell_position_m)
    serving = np.asarray(serving)
    if serving.shape != (len(users),) or not np.issubdtype(serving.dtype, np.integer):
        raise ValueError(f"serving is {serving.dtype} {serving.shape}; it must be ({len(users)},) whole numbers.")
    if len(serving) and serving.max() >= len(cells):
        raise ValueError(f"serving names cell {serving.max()}; it must be below {len(cells)}, the number of cells.")
    of = serving >= 0
    ends = np.stack([users[of], cells[serving[of]]], axis=1)
    ax.add_collection(
        LineCollection(ends, colors=color, linewidths=linewidth, alpha=0.7, zorder=LAYER["links"]), autolim=False
    )
    ax.set_aspect("equal")


def _one_each(name: str, given, default: list):
    if given is None:
        return default
    if len(given) != len(default):
        raise ValueError(f"{name} has {len(given)} items; it must have {len(default)}, one per cell.")
    return given


def _label(ax, text: str, xy, *, xytext=(0, 0), **kwargs) -> None:
    note = ax.annotate(
        text,
        xy,
        xytext,
        textcoords="offset points",
        fontsize=9,
        zorder=LAYER["labels"],
        annotation_clip=True,
        **kwargs,
    )
    note.set(path_effects=_HALO, in_layout=False)
