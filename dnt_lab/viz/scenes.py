"""A triangle scene seen from above, in the look of `draw_city`: roofs as grey shapes, darker the higher.

The ceiling of a room is taken off, as architects do, so that one looks in; thin walls are lines.
"""

from types import SimpleNamespace

import numpy as np
import shapely
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap
from mpl_toolkits.axes_grid1.anchored_artists import AnchoredSizeBar

from dnt_lab.viz._layers import LAYER
from dnt_lab.viz._mesh import Mesh, box_around, mesh_of
from dnt_lab.viz.maps import draw_city

_WALL = "#6e6e6e"
_INDOORS = LinearSegmentedColormap.from_list("indoors", ["#ebebeb", "#a3a3a3"])  # a floor against the white page


def draw_scene(ax, scene, *, bounds_m: tuple[float, float, float, float] | None = None) -> None:
    """Draw the outlines of a scene's objects from above, with a scale bar and the map's attribution.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Axes of the map. Ticks go (the scale bar replaces them), the view is set.
    scene : raytracing.Scene
        A street canyon, a room, a city: anything with ``vertices_m``, ``faces``, ``face_object``, ``attribution``.
    bounds_m : (xmin, ymin, xmax, ymax), optional
        The view; all objects but the ground, with a small margin, if left out.

    Raises
    ------
    TypeError
        If `scene` has no mesh.
    ValueError
        If the view is empty or shows nothing.
    """
    mesh = mesh_of(scene, bounds_m)
    indoors, ground = mesh.lid.any(), mesh.ground
    roof = (mesh.plate >= 0) & ~mesh.lid & ~ground
    shown = roof | ground if indoors or not roof.any() else roof  # a floor is grey, a street is white
    if bounds_m is None:
        bounds_m = box_around(mesh.vertices_m[mesh.faces[~ground if (~ground).any() else ground]].reshape(-1, 3), 0.02)
    outlines, top_m = _outlines(mesh, shown) if shown.any() else ([shapely.box(*bounds_m)], [0.0])
    city = SimpleNamespace(footprints=outlines, height_m=top_m, attribution=getattr(scene, "attribution", ""))
    plan = draw_city(ax, city, bounds_m=tuple(bounds_m))
    plan.set_visible(shown.any())  # walls alone have no outline, yet the map needs its scale
    if indoors:
        plan.set_cmap(_INDOORS)
    (scale,) = (artist for artist in ax.artists if isinstance(artist, AnchoredSizeBar))
    scale.loc, scale.pad = AnchoredSizeBar.codes["upper left"], 0.0
    scale.set_bbox_to_anchor((0.0, 0.0), ax.transAxes)  # below the map: rays reach into every corner of a room
    thin = (mesh.plate < 0) & ~np.isin(mesh.faces, mesh.faces[roof]).any(axis=1)  # no roof's wall
    lines_m = mesh.vertices_m[mesh.faces[thin]][..., :2]
    ax.add_collection(LineCollection(lines_m, colors=_WALL, linewidths=2.0, zorder=LAYER["city"]), autolim=False)


def _outlines(mesh: Mesh, shown: np.ndarray):
    """Polygons of plates and their heights above the lowest point in metres, lowest first."""
    numbers = np.unique(mesh.plate[shown])
    triangles = shapely.polygons(mesh.vertices_m[mesh.faces][..., :2])
    top_m = np.array([mesh.vertices_m[mesh.faces[mesh.plate == n], 2].max() for n in numbers])
    order = np.argsort(top_m, kind="stable")
    outlines = np.array([shapely.union_all(triangles[mesh.plate == n]) for n in numbers[order]], dtype=object)
    return outlines, top_m[order] - mesh.vertices_m[:, 2].min()
