"""Charts of twins that learn traffic: clusters on Milan's grid, costs made of parts, systems against plain rules.

Clusters differ by colour and marker, parts of a cost by lightness, so that both are told apart in grey.
"""

import matplotlib.pyplot as plt
import numpy as np

from dnt_lab.datasets import Traffic
from dnt_lab.datasets.traffic import CELL_M, GRID_SIDE
from dnt_lab.viz._checks import numbers, points, with_unit
from dnt_lab.viz.charts import MAX_ROWS, bars
from dnt_lab.viz.style import CYCLE, MARKERS

_PART_COLORS = ("#00664b", "#cc79a7", "#e8e8e8")  # from dark to light, and none of them a twin's
_LINE_STYLES = (":", "--", "-.", "-")


def cluster_map(ax, position_m, labels, *, city: Traffic | None = None) -> None:
    """Draw base stations over Milan's grid, a colour and a marker a cluster.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Axes to draw on; in kilometres east and north of the grid's south-west corner.
    position_m : array_like, shape (K, 2)
        Where they stand, metres.
    labels : array_like of int, shape (K,)
        Cluster of each, 0 to 48.
    city : Traffic, optional
        Its mean activity over services and hours, as lightness on a logarithmic scale: dark is busy.

    Raises
    ------
    ValueError, TypeError
        If shapes do not fit, a label is out of range, or `city` is something else.
    """
    position_km = points("position_m", position_m) / 1000
    labels = np.asarray(labels)
    if labels.shape != (len(position_km),) or labels.dtype.kind not in "iu":
        raise ValueError(f"labels has shape {labels.shape} ({labels.dtype}); {len(position_km)} whole numbers needed.")
    most = len(CYCLE) * len(MARKERS) - 1
    if len(labels) and not 0 <= labels.min() <= labels.max() <= most:
        raise ValueError(f"labels runs from {labels.min()} to {labels.max()}; it must be within 0 to {most}.")
    if city is not None:
        _draw_activity(ax, city)
    for c in np.unique(labels):
        look = {"color": CYCLE[c % len(CYCLE)], "marker": MARKERS[(c + c // len(CYCLE)) % len(MARKERS)]}
        x, y = position_km[labels == c].T
        name = f"cluster {c} ({len(x)})"
        ax.plot(x, y, linestyle="", ms=9, mec="white", mew=1.2, zorder=3, label=name, **look)
    side_km = GRID_SIDE * CELL_M / 1000
    ax.set(xlim=(0, side_km), ylim=(0, side_km), xlabel="east (km)", ylabel="north (km)", aspect="equal")


def stacked_bars(ax, table, *, label: str, decimals: int | None = None) -> None:
    """Draw horizontal bars of up to three parts each, from dark to light.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Axes to draw on; the first row is at the top.
    table : pandas.DataFrame
        A bar a row, a part a column; the columns' names go into the legend, ``_s`` cut off and ``_`` as a space.
    label : str
        Label of the value axis with its unit.
    decimals : int, optional
        Write each bar's sum with so many decimals.

    Raises
    ------
    ValueError
        If there are no or too many rows or parts, a part is negative or missing, or the label lacks a unit.
    """
    if not 1 <= table.shape[1] <= len(_PART_COLORS) or not 1 <= len(table) <= MAX_ROWS:
        allowed = f"1 to {MAX_ROWS} rows and 1 to {len(_PART_COLORS)} parts"
        raise ValueError(f"table has shape {table.shape}; there must be {allowed}.")
    parts = numbers("table", table, table.shape, allow_nan=False)
    if (parts < 0).any():
        raise ValueError(f"table holds {parts.min():g}; a part of a bar must be 0 or more.")
    rows, ends = np.arange(len(table)), np.cumsum(parts, axis=1)
    for i, name in enumerate(table.columns):
        text = str(name).removesuffix("_s").replace("_", " ")
        ax.barh(rows, parts[:, i], left=ends[:, i] - parts[:, i], height=0.66, label=text, color=_PART_COLORS[i])
    if decimals is not None:
        for row, end in zip(rows, ends[:, -1], strict=True):
            ax.annotate(f"{end:.{decimals}f}", (end, row), (6, 0), textcoords="offset points", va="center")
        ax.margins(x=0.15)
    ax.set(xlabel=with_unit("label", label), ylim=(len(table) - 0.4, -0.6))
    ax.set_yticks(rows, [str(name) for name in table.index])
    ax.grid(False, axis="y")


def bars_and_lines(ax, table, lines, *, label: str, roles=None) -> None:
    """Draw rows of a table as bars with intervals, and others as vertical lines across them to compare with.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Axes to draw on.
    table : pandas.DataFrame
        A row a system: columns ``mean``, ``low`` and ``high``.
    lines : sequence of str
        Rows drawn as lines, at most four; all others are bars, in their order.
    label : str
        Label of the value axis with its unit.
    roles : sequence of str, optional
        Roles of ``viz.COLORS``, one a bar.

    Raises
    ------
    ValueError
        If a line is not a row, there are too many, a column is missing, or no row is left for a bar.
    """
    lines = list(lines)
    missing = [name for name in lines if name not in table.index] + [
        name for name in ("mean", "low", "high") if name not in table.columns
    ]
    if missing or len(lines) > len(_LINE_STYLES):
        raise ValueError(
            f"lines is {lines} and the table has rows {list(table.index)} and columns {list(table.columns)}; at most "
            f"{len(_LINE_STYLES)} of its rows can be lines, and the columns must be mean, low and high."
        )
    shown = table.drop(index=lines)
    bars(ax, shown.index, shown["mean"], shown["low"], shown["high"], label=label, roles=roles)
    for name, style in zip(lines, _LINE_STYLES, strict=False):
        ax.axvline(table.loc[name, "mean"], color="#1a1a1a", linestyle=style, linewidth=1.8, zorder=2.5, label=name)


def _draw_activity(ax, city: Traffic) -> None:
    if not isinstance(city, Traffic):
        raise TypeError(f"city is a {type(city).__name__}; it must be a Traffic.")
    mean = np.nansum(city.values, axis=(0, 1), dtype=float) / np.prod(city.values.shape[:2])  # no record: nothing
    row, col = city.row_col
    west, south = col.min() * CELL_M / 1000, row.min() * CELL_M / 1000
    east, north = (col.max() + 1) * CELL_M / 1000, (row.max() + 1) * CELL_M / 1000
    grid = city.on_grid(np.log10(np.maximum(mean, 1e-3)))
    low, high = np.nanquantile(grid, (0.02, 0.998))
    # up to a middle grey, so that every marker stands out
    greys = {"cmap": plt.get_cmap("Greys", 9), "vmin": low, "vmax": low + 1.8 * (high - low)}
    ax.imshow(grid, extent=(west, east, south, north), origin="lower", interpolation="nearest", zorder=0, **greys)
    ax.grid(False)
