"""A scene and its rays in three dimensions, to be turned with mouse or keys; light, offline, and a picture where no
script runs.

>>> viz.scene_view(scene, paths, title="Seven rays reach the user", alt="Street canyon from the south-west; ...")

The view is a canvas with a script of its own inside an ``<iframe srcdoc sandbox>`` in ipywidgets' ``HTML``: scripts put
straight into such a widget do not run, and JupyterLab strips frames from stored ``text/html``. The frame may run
scripts but reach neither page nor network. Nothing of it is stored in the notebook: as with `Frames`, the output
carries the start picture as ``image/png``, which GitHub, print and nbconvert show.
"""

import html
import json
import re
from pathlib import Path

import ipywidgets
import numpy as np

from dnt_lab.viz._png import checked_png
from dnt_lab.viz._ray_looks import DIFFUSE, LOOKS
from dnt_lab.viz._view3d import View
from dnt_lab.viz.show import image_bundle

MAX_TRIANGLES = 40_000  # more do not turn smoothly
_FRAME_HEIGHT_PX = 540
_UNITS = 20_000  # across the scene: coordinates are sent as whole numbers
_TEMPLATE = Path(__file__).with_name("view3d.html")


class SceneView(ipywidgets.HTML):
    """A view that turns; made by `scene_view`.

    Attributes
    ----------
    png : bytes
        The view at the start, as a picture.
    alt : str
        Its alternative text.
    """

    def __init__(self, page: str, png: bytes, alt: str, words: str):
        self.png, self.alt, self._words = png, alt, words
        super().__init__(
            f'<iframe title="3-D view" sandbox="allow-scripts" srcdoc="{html.escape(page)}" '
            f'style="width: 100%; max-width: 900px; height: {_FRAME_HEIGHT_PX}px; border: 1px solid #dddddd;"></iframe>'
        )

    def __repr__(self) -> str:
        return self._words

    def _repr_mimebundle_(self, **kwargs):
        data, metadata = image_bundle(self.png, self.alt)
        return data | super()._repr_mimebundle_(**kwargs) | {"text/plain": repr(self)}, metadata


def scene_view(
    scene,
    paths=None,
    *,
    title: str,
    alt: str,
    start: int = 0,
    azimuth_deg: float = -120.0,
    elevation_deg: float = 45.0,
    bounds_m: tuple[float, float, float, float] | None = None,
) -> SceneView:
    """Show a scene in three dimensions, with the rays to one receiver at a time.

    Parameters
    ----------
    scene : raytracing.Scene
        A street canyon, a room, a city. Ceilings and the walls of rooms are of glass.
    paths : raytracing.Paths, optional
        Rays to draw; a slider chooses among the receivers, from whose position they are seen to move. Rays of diffuse
        clusters are left out, as in `draw_rays`.
    title : str
        What there is to see.
    alt : str
        Alternative text, as in `show`; it describes the start.
    start : int
        Receiver that is shown first, and in the picture.
    azimuth_deg, elevation_deg : float
        Direction from the scene to the eye at the start: counter-clockwise from +x (-90 is the south), and from 0 (the
        horizon) up to 90.
    bounds_m : (xmin, ymin, xmax, ymax), optional
        Leave out objects that do not reach inside; the ground ends there. All objects and ends of rays if left out.

    Returns
    -------
    SceneView
        A widget; put it on the last line of a cell.

    Raises
    ------
    TypeError
        If `scene` or `paths` is something else, or `alt` no string.
    ValueError
        If there are more than 40,000 triangles, no such receiver or direction, or title or alt text break a rule of
        `show`.
    """
    if not isinstance(title, str) or not title.strip():
        raise ValueError(f"title is {title!r}; it must say what there is to see.")
    if not (np.isfinite(azimuth_deg) and 0 <= elevation_deg <= 90):
        raise ValueError(
            f"the eye is at azimuth {azimuth_deg}, elevation {elevation_deg}; it must be degrees, and 0 to 90 up."
        )
    view = View.of(title, scene, paths, start, azimuth_deg, elevation_deg, bounds_m)
    n = len(view.mesh.faces)
    if n > MAX_TRIANGLES:
        raise ValueError(
            f"the view has {n:,} triangles; it must have at most {MAX_TRIANGLES:,} to turn smoothly. "
            "Choose a part of the scene with bounds_m."
        )
    png = checked_png(view.picture(), alt)
    return SceneView(_page(view, alt), png, alt, f"3-D view: {title} ({n:,} triangles, {len(view.rays)} rays)")


def _page(view: View, alt: str) -> str:
    """The HTML document with script and data."""
    unit_m = float(np.ptp(view.mesh.vertices_m, axis=0).max()) / _UNITS

    def whole(points_m):
        return np.rint((np.asarray(points_m) - view.camera.center_m) / unit_m).astype(int).ravel().tolist()

    solid = ~view.mesh.glass
    data = {
        "azimuth_deg": view.camera.azimuth_deg,
        "elevation_deg": view.camera.elevation_deg,
        "scale_px_m": view.camera.scale_px_m,
        "size_px": view.camera.size_px,
        "unit_m": unit_m,
        "vertices": whole(view.mesh.vertices_m),
        "faces": view.mesh.faces[solid].ravel().tolist(),
        "greys": view.greys[solid].tolist(),
        "edges": view.mesh.edges().ravel().tolist(),
        "floor": whole(view.mesh.vertices_m.min(axis=0))[2],
        "rays": [(ray.rx, ray.look, ray.width_px, whole(ray.corners_m)) for ray in view.rays],
        "looks": [{"name": look.name, "color": look.color, "dash": look.dash} for look in LOOKS[:DIFFUSE]],
        "tx_name": view.tx_name,
        "tx": [whole(place_m) for place_m in view.tx_m],
        "rx": [whole(place_m) for place_m in view.rx_m],
        "start": view.start,
    }
    # "<" as its number, so that no text can end the script
    parts = {"data": json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")}
    parts |= {"title": html.escape(view.title), "alt": html.escape(alt)}
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], _TEMPLATE.read_text("utf-8"))
