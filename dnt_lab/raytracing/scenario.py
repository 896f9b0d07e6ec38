"""One scenario: a site with the things and people that stand about today, antennas, and the settings of the radio.

`dnt_lab.raytracing.scenarios` draws them at random; they can be written down by hand as well.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import shapely

from dnt_lab.raytracing.materials import Material
from dnt_lab.raytracing.paths import Paths
from dnt_lab.raytracing.scene import Scene
from dnt_lab.raytracing.trace import trace

BODY = Material(7.98, 36.4, name="body")
"""Dry skin at 60 GHz, a half-space since no wave comes through (Gabriel, Lau, Gabriel, Phys. Med. Biol. 41, 1996)."""

_SUNK_M = 0.05  # two faces in one plane, a box's and the ground's, would both be hit


@dataclass(frozen=True)
class Box:
    """An upright box on the ground.

    Attributes
    ----------
    kind : str
        "obstacle" or "blocker", a person.
    x_m, y_m : float
        Where its middle stands, in metres.
    length_m, width_m, height_m : float
        Its sides in metres; with azimuth 0, length lies along x.
    azimuth_deg : float
        How far it is turned, anticlockwise seen from above.
    material : material
        What it is made of.
    """

    kind: str
    x_m: float
    y_m: float
    length_m: float
    width_m: float
    height_m: float
    azimuth_deg: float
    material: object

    @property
    def outline(self) -> shapely.Polygon:
        """The ground it stands on."""
        corners_m = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) / 2 * (self.length_m, self.width_m)
        return shapely.Polygon(self._turned(corners_m))

    def scene(self, name: str) -> Scene:
        """Return the box as a scene of one object; it reaches 5 cm into the ground."""
        half_m = np.array([self.length_m / 2, self.width_m / 2])
        box = Scene.box([*-half_m, -_SUNK_M], [*half_m, self.height_m], self.material, name=name)
        vertices_m = box.vertices_m.copy()
        vertices_m[:, :2] = self._turned(vertices_m[:, :2])
        return replace(box, vertices_m=vertices_m)

    def _turned(self, xy_m: np.ndarray) -> np.ndarray:
        angle = np.deg2rad(self.azimuth_deg)
        along, across = (np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))
        return xy_m @ np.array([along, across]) + (self.x_m, self.y_m)


@dataclass(frozen=True, eq=False)
class Scenario:
    """One draw: everything `trace` needs, and the settings of the radio.

    Attributes
    ----------
    number : int
        Which draw of its seed it is.
    scene : Scene
        The site with its things and people.
    tx_m, rx_m : ndarray, shapes (T, 3) and (R, 3)
        Positions of access points and users in metres.
    walls : tuple of str
        What the site is made of in this draw; things and people are made of something else.
    boxes : tuple of Box
        The things and people.
    freq_hz, bandwidth_hz : float
        Carrier and bandwidth in Hz.
    n_beams : int
        Beams of an access point.
    extrapolate : bool
        Whether materials are used beyond the frequencies for which they were measured.
    """

    number: int
    scene: Scene
    tx_m: np.ndarray
    rx_m: np.ndarray
    walls: tuple[str, ...]
    boxes: tuple[Box, ...]
    freq_hz: float
    bandwidth_hz: float
    n_beams: int
    extrapolate: bool

    def __repr__(self) -> str:
        kinds = [box.kind for box in self.boxes]
        counts = {"AP": len(self.tx_m), "user": len(self.rx_m)} | {k: kinds.count(k) for k in ("obstacle", "blocker")}
        what = ", ".join(f"{n} {word}{'' if n == 1 else 's'}" for word, n in counts.items())
        return f"Scenario {self.number}({self.scene.name} at {self.freq_hz / 1e9:g} GHz: {what})"

    def trace(self, max_order: int = 2) -> Paths:
        """Return all paths with up to `max_order` reflections."""
        return trace(self.scene, self.tx_m, self.rx_m, self.freq_hz, max_order, extrapolate=self.extrapolate)
