"""A scene in parallel projection with the rays to one receiver: what there is to draw, and the drawing as a figure."""

from dataclasses import dataclass

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from dnt_lab.viz._camera import Camera, nearest, visible_parts
from dnt_lab.viz._mesh import Mesh, box_around, mesh_of
from dnt_lab.viz._png import GREYS
from dnt_lab.viz._ray_looks import (
    HALO,
    LOOKS,
    RX_NAME,
    TX_NAME,
    checked_paths,
    checked_row,
    looks_of,
    polylines,
    range_db,
)
from dnt_lab.viz.style import COLORS

SIZE_PX = (720, 400)
THIN_PX, THICK_PX = 1.2, 3.2
MAX_TX_NAMES = 3
PIXELS_PER_INCH = 100
_TITLE_PX, _LEGEND_PX = 35, 40
_MARGIN = 0.06


@dataclass(frozen=True)
class Ray:
    """A ray: its receiver, the number of its look, its width, and its corners (K, 3)."""

    rx: int
    look: int
    width_px: float
    corners_m: np.ndarray


@dataclass(frozen=True, eq=False)
class View:
    """All that is drawn.

    Attributes
    ----------
    title : str
        What there is to see.
    mesh : Mesh
        The scene.
    tx_m, rx_m : ndarray, shapes (T, 3) and (R, 3)
        Transmitters and receivers in metres; none if no paths are shown.
    rays : list of Ray
        Those to all receivers, in the order of drawing.
    start : int
        The receiver that is shown first.
    camera : Camera
        The eye at the start.
    """

    title: str
    mesh: Mesh
    tx_m: np.ndarray
    rx_m: np.ndarray
    rays: list[Ray]
    start: int
    camera: Camera

    @classmethod
    def of(cls, title, scene, paths, start, azimuth_deg, elevation_deg, bounds_m) -> "View":
        """Take what is drawn out of a scene and its paths; see `scene_view`."""
        tx_m, rx_m, rays = np.zeros((0, 3)), np.zeros((0, 3)), []
        if paths is not None:
            start = checked_row("start", start, len(checked_paths(paths).rx_m))
            tx_m, rx_m, rays = paths.tx_m, paths.rx_m, _rays(paths)
        ends_m = np.concatenate([tx_m, rx_m])
        bounds_m = _box(scene, ends_m) if bounds_m is None else bounds_m
        mesh, box = mesh_of(scene, bounds_m), np.asarray(bounds_m, float)
        ends_m = ends_m[((ends_m[:, :2] >= box[:2]) & (ends_m[:, :2] <= box[2:])).all(axis=1)]
        camera = Camera.around(np.concatenate([mesh.vertices_m, ends_m]), azimuth_deg, elevation_deg, SIZE_PX)
        return cls(title, mesh, tx_m, rx_m, rays, start, camera)

    @property
    def greys(self) -> np.ndarray:
        """Grey of each triangle, 0 to 255: the ground light, walls by where they face, roofs between."""
        wall = 163 + 41 * np.abs(self.mesh.normal @ [0.8, 0.6, 0.0])
        grey = np.where(self.mesh.ground, 245, np.where(self.mesh.plate >= 0, 224, wall))
        step = 255 / (GREYS - 1)  # those that the PNG's palette holds
        return (np.round(grey / step) * step).round().astype(int)

    @property
    def tx_name(self) -> str:
        """What stands beside a transmitter: nothing if there are many."""
        return TX_NAME if len(self.tx_m) <= MAX_TX_NAMES else ""

    def picture(self) -> Figure:
        """The view at the start, as the browser draws it."""
        width, height = self.camera.size_px
        whole = height + _TITLE_PX + _LEGEND_PX
        fig = Figure(figsize=(width / PIXELS_PER_INCH, whole / PIXELS_PER_INCH), dpi=PIXELS_PER_INCH, layout="none")
        ax = fig.add_axes((0, _LEGEND_PX / whole, 1, height / whole))
        ax.set(xlim=(0, width), ylim=(0, height))
        ax.set_axis_off()
        ax.set_title(self.title, loc="left", x=0.01, pad=6)
        depth_m = self._draw_scene(ax)
        rays = [ray for ray in self.rays if ray.rx == self.start]
        for ray in rays:
            self._draw_ray(ax, ray, depth_m)
        self._draw_ends(ax, reached=bool(rays))
        for look in sorted({ray.look for ray in rays}):
            kind = LOOKS[look]
            ax.plot([], [], color=kind.color, linestyle=kind.linestyle, lw=1.9, label=kind.name)
        if rays:
            fig.legend(loc="lower left", ncols=len(LOOKS), borderaxespad=0.3, columnspacing=1.4)
        return fig

    def _draw_scene(self, ax) -> np.ndarray:
        width, height = self.camera.size_px
        seen, solid = self.camera.project(self.mesh.vertices_m), ~self.mesh.glass
        depth_m, face = nearest(seen, self.mesh.faces[solid], self.camera.size_px)
        grey = np.append(self.greys[solid], 255)[face]  # the last one is the background
        ax.imshow(grey, cmap="gray", vmin=0, vmax=255, extent=(0, width, 0, height), aspect="auto", zorder=0)
        edges = visible_parts(seen[self.mesh.edges()], depth_m, self.camera.scale_px_m)
        ax.add_collection(LineCollection(edges, colors="#777777", linewidths=0.6, zorder=1), autolim=False)
        return depth_m

    def _draw_ray(self, ax, ray: Ray, depth_m) -> None:
        """What is hidden shows through faintly."""
        look, seen, points = LOOKS[ray.look], self.camera.project(ray.corners_m), 72 / PIXELS_PER_INCH
        pen = {"color": look.color, "linestyle": look.linestyle}
        ax.plot(*seen.T[:2], **pen, lw=0.8 * points * ray.width_px, alpha=0.35, zorder=2)
        parts = visible_parts(np.stack([seen[:-1], seen[1:]], axis=1), depth_m, self.camera.scale_px_m)
        ax.plot(*parts.T, **pen, lw=points * ray.width_px, zorder=3)

    def _draw_ends(self, ax, reached: bool) -> None:
        """Transmitters and the receiver, each with a line down to show above what it stands; others as dots."""
        others = self.camera.project(np.delete(self.rx_m, slice(self.start, self.start + 1), axis=0))
        ax.plot(*others.T[:2], "o", mfc="white", mec="#777777", ms=3, mew=0.8, zorder=2)
        look = {"color": COLORS["physical"], "mec": "white", "mew": 1.0}
        dark = look if reached else {"mfc": "white", "mec": COLORS["bad"], "mew": 1.8}
        ends = [(place_m, "^", self.tx_name, 7, look) for place_m in self.tx_m]
        ends += [(place_m, "o", RX_NAME, -15, dark) for place_m in self.rx_m[self.start : self.start + 1]]
        for place_m, marker, name, up_pt, look in ends:
            foot_m = [*place_m[:2], self.mesh.vertices_m[:, 2].min()]
            foot, head = self.camera.project([foot_m, place_m])[:, :2]
            ax.plot(*np.transpose([foot, head]), color="#555555", lw=0.9, linestyle=(0, (2, 3)), zorder=3)
            ax.plot(*head, marker, ms=9, zorder=4, **look)
            ax.annotate(name, head, (8, up_pt), textcoords="offset points", weight="bold", zorder=5, path_effects=HALO)


def _box(scene, ends_m) -> np.ndarray:
    """The area of all that stands on the ground, and of the antennas."""
    mesh = mesh_of(scene)
    standing = ~mesh.ground if (~mesh.ground).any() else mesh.ground
    return box_around(np.concatenate([mesh.vertices_m[mesh.faces[standing]].reshape(-1, 3), ends_m]), _MARGIN)


def _rays(paths) -> list[Ray]:
    """The rays, many reflections first, so that the line of sight lies on top as on the map; strong upon weak."""
    rows, look = np.flatnonzero(np.isfinite(paths.gain_db) & ~paths.diffuse), looks_of(paths)
    rows = rows[np.lexsort((paths.gain_db[rows], -look[rows]))]
    low_db, high_db = range_db(paths.gain_db[rows], None)
    strength = np.clip((paths.gain_db[rows] - low_db) / (high_db - low_db), 0, 1)
    width_px = (THIN_PX + (THICK_PX - THIN_PX) * strength).round(1)
    return [
        Ray(int(paths.rx[row]), int(look[row]), float(width), line)
        for row, width, line in zip(rows, width_px, polylines(paths, rows), strict=True)
    ]
