"""A parallel projection, and what hides what in it (a depth buffer). `view3d.html` does the same in the browser.

Parallel: lengths keep their scale, and a wall cannot be closer than the camera.
"""

from dataclasses import dataclass

import numpy as np

BACKGROUND = -1
_STEP_PX = 2.0  # between two points of a line that are tested for being hidden
_SLACK_PX = 3.0  # a point of a wall, which lies between pixels, is not hidden by that wall


@dataclass(frozen=True)
class Camera:
    """Where the scene is seen from.

    Attributes
    ----------
    azimuth_deg, elevation_deg : float
        Direction from the scene to the eye: counter-clockwise from +x, and up from the horizon.
    center_m : ndarray, shape (3,)
        What lies in the middle of the picture.
    scale_px_m : float
        Pixels per metre.
    size_px : (int, int)
        Width and height of the picture.
    """

    azimuth_deg: float
    elevation_deg: float
    center_m: np.ndarray
    scale_px_m: float
    size_px: tuple[int, int]

    @classmethod
    def around(cls, points_m, azimuth_deg: float, elevation_deg: float, size_px: tuple[int, int]) -> "Camera":
        """Camera that sees all points (N, 3), with a margin."""
        center_m = (points_m.min(axis=0) + points_m.max(axis=0)) / 2
        near = cls(azimuth_deg, elevation_deg, center_m, 1.0, (0, 0))
        reach_m = np.abs(near.project(points_m)[:, :2]).max(axis=0)
        return cls(azimuth_deg, elevation_deg, center_m, 0.46 * float((np.array(size_px) / reach_m).min()), size_px)

    def project(self, points_m) -> np.ndarray:
        """Return column, row from below (pixels) and nearness (metres) of points (..., 3)."""
        azimuth, elevation = np.deg2rad([self.azimuth_deg, self.elevation_deg])
        (sin_a, sin_e), (cos_a, cos_e) = np.sin([azimuth, elevation]), np.cos([azimuth, elevation])
        axes = np.array(
            [[-sin_a, cos_a, 0], [-sin_e * cos_a, -sin_e * sin_a, cos_e], [cos_e * cos_a, cos_e * sin_a, sin_e]]
        )
        seen = (np.asarray(points_m) - self.center_m) @ axes.T
        seen[..., :2] = seen[..., :2] * self.scale_px_m + np.array(self.size_px) / 2
        return seen


def nearest(seen, faces, size_px) -> tuple[np.ndarray, np.ndarray]:
    """Nearness in metres and number of the triangle at each pixel (rows from below); `BACKGROUND` where there is none.

    Parameters
    ----------
    seen : ndarray, shape (V, 3)
        Projected corners.
    faces : ndarray of int, shape (F, 3)
        Triangles.
    size_px : (int, int)
        Width and height.
    """
    depth, face = np.full(size_px[::-1], -np.inf), np.full(size_px[::-1], BACKGROUND)
    corners = seen[faces]
    low = np.maximum(np.ceil(corners[..., :2].min(axis=1) - 0.5), 0).astype(int)
    high = np.minimum(np.floor(corners[..., :2].max(axis=1) - 0.5) + 1, size_px).astype(int)
    for number in np.flatnonzero((low < high).all(axis=1)):
        (ax, ay, an), (bx, by, bn), (cx, cy, cn) = corners[number].tolist()
        double_area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
        if abs(double_area) < 1e-9:
            continue  # seen edge on
        (left, bottom), (right, top) = low[number], high[number]
        x, y = np.arange(left, right) + 0.5 - ax, np.arange(bottom, top)[:, None] + 0.5 - ay
        to_b = (x * (cy - ay) - y * (cx - ax)) / double_area
        to_c = (y * (bx - ax) - x * (by - ay)) / double_area
        near = an + to_b * (bn - an) + to_c * (cn - an)
        window = (slice(bottom, top), slice(left, right))
        wins = (to_b >= 0) & (to_c >= 0) & (to_b + to_c <= 1) & (near > depth[window])
        depth[window][wins], face[window][wins] = near[wins], number
    return depth, face


def visible_parts(segments, depth, scale_px_m: float) -> np.ndarray:
    """Cut projected segments (S, 2, 3) into the parts (M, 2, 2) that nothing hides."""
    start, way = segments[:, 0], segments[:, 1] - segments[:, 0]
    count = 2 + (np.hypot(*way[:, :2].T) / _STEP_PX).astype(int)
    of, last = np.repeat(np.arange(len(start)), count), np.cumsum(count) - 1
    share = np.arange(len(of)) - np.repeat(last + 1 - count, count)
    points = start[of] + (share / (count[of] - 1))[:, None] * way[of]
    column, row = np.clip(points[:, :2].astype(int), 0, np.array(depth.shape[::-1]) - 1).T
    shown = points[:, 2] >= depth[row, column] - _SLACK_PX / scale_px_m
    joined = shown[:-1] & shown[1:] & (of[:-1] == of[1:])  # from each point to the next
    turns = np.flatnonzero(np.diff(np.concatenate([[False], joined, [False]]))).reshape(-1, 2)
    return points[turns, :2]
