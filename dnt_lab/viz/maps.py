"""The map below a network: buildings as grey shapes, and a radio map between them.

>>> fig, ax = plt.subplots(figsize=viz.SIZES["map"])
>>> viz.draw_city(ax, datasets.load_city("florence"))
>>> viz.radio_map(ax, x_m, y_m, rsrp_dbm, label="RSRP (dBm)")
"""

import textwrap

import numpy as np
import shapely
from matplotlib.collections import PathCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.path import Path
from mpl_toolkits.axes_grid1.anchored_artists import AnchoredSizeBar

from dnt_lab.viz._checks import numbers, with_unit
from dnt_lab.viz._layers import LAYER, color_bar
from dnt_lab.viz.style import SEQUENTIAL

_GREYS = LinearSegmentedColormap.from_list("buildings", ["#f2f2f2", "#b8b8b8"])
_CHARACTER_PT = 4.7  # mean width at 9 pt


def draw_city(ax, city_map, *, bounds_m: tuple[float, float, float, float] | None = None) -> PathCollection:
    """Draw building outlines, darker the higher, with a scale bar and the map's attribution.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Axes of the map. Ticks go (the scale bar replaces them), the view is set.
    city_map : datasets.CityMap
        Anything with ``footprints`` (N,) shapely polygons in metres, ``height_m`` (N,) and ``attribution``.
    bounds_m : (xmin, ymin, xmax, ymax), optional
        The view; all buildings with a small margin if left out.

    Returns
    -------
    matplotlib.collections.PathCollection
        The buildings, one path each.

    Raises
    ------
    ValueError
        If there is no building, heights do not fit, or the view is empty.
    """
    if len(city_map.footprints) == 0:
        raise ValueError("the city map has no buildings; it must have at least one to be drawn.")
    height_m = numbers("height_m", city_map.height_m, (len(city_map.footprints),), allow_nan=False)
    xmin, ymin, xmax, ymax = _view(city_map.footprints, bounds_m)
    buildings = PathCollection(
        _paths(city_map.footprints),
        array=height_m,
        cmap=_GREYS,
        clim=(0.0, max(float(np.percentile(height_m, 98)), 1.0)),
        edgecolors="#a5a5a5",
        linewidths=0.4,
        zorder=LAYER["city"],
    )
    ax.add_collection(buildings, autolim=False)
    ax.set(xlim=(xmin, xmax), ylim=(ymin, ymax), xticks=[], yticks=[], aspect="equal")
    ax.grid(False)
    ax.spines[:].set_visible(False)
    # equal scales shrink the axes after a constrained layout has measured them; the compressed one expects that
    ax.figure.figure.set_layout_engine("compressed")
    _scale_bar(ax, _round_length_m(0.25 * (xmax - xmin)))
    if city_map.attribution:
        ax.annotate(
            _wrapped(city_map.attribution, ax),
            xy=(1, 0),
            xycoords="axes fraction",
            xytext=(0, -5),
            textcoords="offset points",
            ha="right",
            va="top",
            fontsize=9,
            color="#555555",
        )
    return buildings


def radio_map(ax, x_m, y_m, values, *, label: str, clim=None, cmap=SEQUENTIAL):
    """Draw a value on a regular grid (coverage, SINR, error) below the buildings.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Axes of the map.
    x_m, y_m : array_like, shapes (X,) and (Y,)
        Centres of the grid's columns and rows, evenly spaced and rising.
    values : array_like, shape (Y, X)
        The values; NaN stays white.
    label : str
        Label of the colour bar with its unit, such as "RSRP (dBm)".
    clim : (float, float), optional
        Range of colours.
    cmap : str
        Colour map; ``viz.DIVERGING`` with a symmetric `clim` for differences.

    Returns
    -------
    matplotlib.colorbar.Colorbar
        The colour bar.

    Raises
    ------
    ValueError
        If the grid is not regular, shapes do not fit, or the label lacks a unit.
    """
    (left, right), (bottom, top) = _edges("x_m", x_m), _edges("y_m", y_m)
    values = numbers("values", values, (len(y_m), len(x_m)))
    mapping, bar = color_bar(ax, values, with_unit("label", label), clim, cmap)
    ax.imshow(
        values,
        extent=(left, right, bottom, top),
        origin="lower",
        cmap=mapping.cmap,
        norm=mapping.norm,
        interpolation="nearest",
        zorder=LAYER["radio"],
    )
    ax.grid(False)
    return bar


def _paths(footprints) -> list[Path]:
    """One compound path a building. Holes stay open because normalised rings turn the other way than the outline."""
    parts, building = shapely.get_parts(shapely.normalize(footprints), return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    codes = np.full(len(xy), Path.LINETO, dtype=Path.code_type)
    starts = np.flatnonzero(np.diff(ring, prepend=-1))
    codes[starts] = Path.MOVETO
    codes[np.append(starts[1:], len(xy)) - 1] = Path.CLOSEPOLY
    cuts = np.flatnonzero(np.diff(building[part][ring])) + 1
    return [Path(v, c) for v, c in zip(np.split(xy, cuts), np.split(codes, cuts), strict=True)]


def _view(footprints, bounds_m) -> tuple[float, float, float, float]:
    if bounds_m is None:
        xmin, ymin, xmax, ymax = shapely.total_bounds(footprints)
        margin_m = 0.02 * max(xmax - xmin, ymax - ymin)
        return xmin - margin_m, ymin - margin_m, xmax + margin_m, ymax + margin_m
    box = numbers("bounds_m", bounds_m, (4,), allow_nan=False)
    if box[0] >= box[2] or box[1] >= box[3]:
        raise ValueError(
            f"bounds_m {tuple(bounds_m)} is empty; it must be (xmin, ymin, xmax, ymax) with xmin < xmax, ymin < ymax."
        )
    return tuple(box)


def _wrapped(text: str, ax) -> str:
    """Break a text of 9 pt so that it stays narrower than the axes, also after a colour bar has taken its share."""
    width_pt = ax.get_window_extent().width * 72 / ax.figure.dpi
    return textwrap.fill(text, max(24, int(0.7 * width_pt / _CHARACTER_PT)))


def _round_length_m(limit_m: float) -> float:
    power = 10.0 ** np.floor(np.log10(limit_m))
    return max(step * power for step in (1, 2, 5) if step * power <= limit_m)


def _scale_bar(ax, length_m: float) -> None:
    name = f"{length_m / 1000:g} km" if length_m >= 1000 else f"{length_m:g} m"
    bar = AnchoredSizeBar(ax.transData, length_m, name, "lower left", pad=0.4, borderpad=0.6, sep=3, size_vertical=0)
    bar.size_bar.get_children()[0].set(linewidth=2.5, edgecolor="#1a1a1a")
    bar.patch.set(facecolor="white", edgecolor="none", alpha=0.85)
    bar.set_zorder(LAYER["labels"])
    ax.add_artist(bar)


def _edges(name: str, centers_m) -> tuple[float, float]:
    centers = numbers(name, centers_m, allow_nan=False)
    steps = np.diff(centers)
    if centers.ndim != 1 or len(centers) < 2 or steps.min() <= 0 or not np.allclose(steps, steps[0], rtol=1e-3):
        raise ValueError(f"{name} is not a regular grid; it must be at least two rising, evenly spaced metres.")
    return centers[0] - steps[0] / 2, centers[-1] + steps[0] / 2
