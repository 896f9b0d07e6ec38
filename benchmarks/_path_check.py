"""Which paths two tracers share, and whether a path that only one has is one: an exhaustive check in float64.

The check knows no tree, no polygons and no beams: it mirrors the transmitter in the planes of the triangles that the
path touches and holds every segment against every triangle. A path whose answer changes when a segment or a point moves
by a millimetre is "on an edge": float32 cannot decide it.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

_SAME_DELAY_S = 1e-11  # 3 mm
_SAME_POINT_M = 0.05
_EDGE_M = 1e-3
_TOUCH_M = 1e-6  # a segment's ends lie on the triangles it starts from


def has(paths, others) -> np.ndarray:
    """Tell which of `paths` are in `others` too: same receiver, order, delay and points; shape (P,)."""
    found = np.zeros(len(paths), bool)
    by_link = {}
    for row, link in enumerate(zip(others.rx.tolist(), others.order.tolist(), strict=True)):
        by_link.setdefault(link, []).append(row)
    for row, link in enumerate(zip(paths.rx.tolist(), paths.order.tolist(), strict=True)):
        rows = np.array(by_link.get(link, []), int)
        rows = rows[np.abs(others.delay_s[rows] - paths.delay_s[row]) < _SAME_DELAY_S]
        apart_m = np.abs(others.points_m[rows, : link[1]] - paths.points_m[row, : link[1]])
        found[row] = (apart_m < _SAME_POINT_M).all(axis=(1, 2)).any()
    return found


def is_copy(paths) -> np.ndarray:
    """Tell which paths were listed before, with the same receiver, order, delay and points; shape (P,)."""
    place = np.round(np.nan_to_num(paths.points_m) / _SAME_POINT_M).reshape(len(paths), -1)
    key = np.column_stack([paths.rx, paths.order, np.round(paths.delay_s / _SAME_DELAY_S), place])
    copy = np.ones(len(paths), bool)
    copy[np.unique(key, axis=0, return_index=True)[1]] = False
    return copy


def verdicts(scene, paths) -> np.ndarray:
    """Tell of each path whether it is "valid", "invalid" or "on an edge"; shape (P,)."""
    check = _Check(scene)
    return np.array([check(paths, row) for row in range(len(paths))], object)


class _Check:
    def __init__(self, scene):
        self.corners_m = scene.vertices_m[scene.faces]
        self.edges = np.roll(self.corners_m, -1, axis=1) - self.corners_m
        self.normal = np.cross(self.edges[:, 0], self.edges[:, 1])
        self.normal /= np.linalg.norm(self.normal, axis=1, keepdims=True)
        self.offset_m = np.einsum("fj,fj->f", self.normal, self.corners_m[:, 0])
        inward = np.cross(self.normal[:, None], self.edges)
        self.inward = inward / np.linalg.norm(inward, axis=-1, keepdims=True)

    def __call__(self, paths, row: int) -> str:
        ends_m = paths.tx_m[paths.tx[row]], paths.rx_m[paths.rx[row]]
        corners_m = np.vstack([ends_m[0], paths.points_m[row, : paths.order[row]], ends_m[1]])
        mirrors = [self._mirror(*corners_m[k - 1 : k + 2]) for k in range(1, len(corners_m) - 1)]
        corners_m = self._exact(*ends_m, mirrors)
        if corners_m is None:
            return "invalid"
        answers = [self._on_mirror(mirror, at_m) for mirror, at_m in zip(mirrors, corners_m[1:-1], strict=True)]
        for k, (start_m, end_m) in enumerate(pairwise(corners_m)):
            answers.append(self._free(start_m, end_m, mirrors[max(k - 1, 0) : k + 1]))
        if not all(any(answer) for answer in answers):
            return "invalid"
        return "valid" if all(all(answer) for answer in answers) else "on an edge"

    def _mirror(self, before_m, at_m, after_m) -> int:
        """The triangle near the point whose normal halves the angle between the two segments."""
        halving = sum((way / np.linalg.norm(way) for way in (before_m - at_m, after_m - at_m)), np.zeros(3))
        miss_m = np.maximum(self._past_m(at_m), np.abs(self.normal @ at_m - self.offset_m))
        near = np.flatnonzero(miss_m <= max(_SAME_POINT_M, miss_m.min()))
        return int(near[np.abs(self.normal[near] @ halving).argmax()])

    def _past_m(self, point_m) -> np.ndarray:
        """By how many metres a point lies past the nearest edge of each triangle; negative inside."""
        return -np.einsum("fej,fej->fe", self.inward, point_m - self.corners_m).min(axis=1)

    def _exact(self, tx_m, rx_m, mirrors):
        """Corners of the path by the image method, or None if a mirror has both neighbours not on one side."""
        images = [tx_m]
        for mirror in mirrors:
            n, d = self.normal[mirror], self.offset_m[mirror]
            images.append(images[-1] - 2 * (n @ images[-1] - d) * n)
        corners = [rx_m]
        for mirror, image_m in zip(mirrors[::-1], images[:0:-1], strict=True):
            here, there = (self.normal[mirror] @ point - self.offset_m[mirror] for point in (corners[0], image_m))
            if here * there >= 0:
                return None
            corners.insert(0, corners[0] + here / (here - there) * (image_m - corners[0]))
        return np.array([tx_m, *corners])

    def _coplanar(self, mirror: int) -> np.ndarray:
        """Which triangles lie in the plane of one of them."""
        off_m = np.einsum("fej,j->fe", self.corners_m, self.normal[mirror]) - self.offset_m[mirror]
        return (np.abs(off_m) < _TOUCH_M).all(axis=1)

    def _on_mirror(self, mirror: int, point_m) -> list[bool]:
        """Whether a point lies in the surface of its mirror, and when moved by a millimetre each way."""
        plane = self._coplanar(mirror)
        places = point_m + _steps(self.normal[mirror])
        return [bool((self._past_m(place)[plane] <= _TOUCH_M).any()) for place in places]

    def _free(self, start_m, end_m, mirrors) -> list[bool]:
        """Whether no triangle cuts a segment between its mirrors, and when moved sideways by a millimetre."""
        other = ~np.any([self._coplanar(mirror) for mirror in mirrors] + [np.zeros(len(self.normal), bool)], axis=0)
        answers = []
        for step_m in _steps(end_m - start_m):
            a, b = (self.normal @ (point + step_m) - self.offset_m for point in (start_m, end_m))
            crossed = np.flatnonzero(other & (np.minimum(a, b) < -_TOUCH_M) & (np.maximum(a, b) > _TOUCH_M))
            at_m = start_m + step_m + (a[crossed] / (a[crossed] - b[crossed]))[:, None] * (end_m - start_m)
            towards = at_m[:, None] - self.corners_m[crossed]
            past_m = -np.einsum("fej,fej->fe", self.inward[crossed], towards).min(axis=1)
            answers.append(not (past_m <= _TOUCH_M).any())
        return answers


def _steps(direction) -> np.ndarray:
    """No step, and four of a millimetre across a direction, shape (5, 3)."""
    one = np.cross(direction, np.eye(3)[np.abs(direction).argmin()])
    two = np.cross(direction, one)
    one, two = (_EDGE_M * step / np.linalg.norm(step) for step in (one, two))
    return np.array([0 * one, one, -one, two, -two])
