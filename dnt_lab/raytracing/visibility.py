r"""Visibility: which polygons of a beam stand wholly behind another one.

Seen from the image :math:`I` through its window (the last mirror, with corner :math:`c` and sides :math:`a, b`), a
point :math:`x` lies at :math:`(u, v)` in the window and at the depth :math:`t`, in units of the window's distance:

.. math:: x = I + t\,(c + u\,a + v\,b - I)

A polygon is hidden if one convex polygon, nowhere as deep as its nearest corner, covers the rectangle of (u, v) in
which it shows. The largest few polygons of a beam hide nearly all that can be hidden: a street's façade leaves
one in ten. What several polygons hide only together is kept, so nothing is dropped that could be seen.
"""

from __future__ import annotations

import numpy as np

_SCREENS = 16  # polygons of each beam that are tried as covers
_MARGIN = 1e-9  # of the window's side and of the depth: covers must reach so much farther and stand so much nearer


def not_hidden(corners_m: np.ndarray, image_m: np.ndarray, window_m: np.ndarray, beam: np.ndarray) -> np.ndarray:
    """Tell which polygons may be seen.

    Parameters
    ----------
    corners_m : ndarray, shape (P, 4, 3)
        Polygons that reach into beams, beyond the window at least in part; in metres.
    image_m, window_m : ndarray, shapes (S, 3) and (S, 4, 3)
        Where each beam comes from, and the corners of what it passes first.
    beam : ndarray of int, shape (P,)
        Whose beam each polygon stands in; rising.

    Returns
    -------
    ndarray of bool, shape (P,)
        False where the polygon is hidden.
    """
    sides = np.stack([window_m[:, 1] - window_m[:, 0], window_m[:, 3] - window_m[:, 0], window_m[:, 0] - image_m], 2)
    to_window = np.linalg.inv(sides)
    edge = np.einsum("sij,scj->ics", to_window, window_m - image_m[:, None])[:2]
    place = np.einsum("pij,pcj->icp", to_window[beam], corners_m - image_m[beam, None])  # u t, v t, t
    whole = (place[2] >= 1).all(axis=0)
    lines = _inner_sides(place[:2], np.where(whole, place[2], 1.0))
    place = _beyond_window(place)
    near, far = place[2].min(axis=0), place[2].max(axis=0)
    place = place[:2] / np.maximum(place[2], 1.0)  # less than 1 only where nothing is beyond: never hidden
    low = np.maximum(place.min(axis=1), edge.min(axis=1)[:, beam])
    high = np.minimum(place.max(axis=1), edge.max(axis=1)[:, beam])
    # what lies in the window's own plane, a road on the ground or a neighbour's wall in line, stands before nothing
    screen = np.where(whole & (far > 1 + _MARGIN), (high - low).prod(axis=0) / np.sqrt(np.maximum(far, 1.0)), -1.0)
    order = np.lexsort((-screen, beam))
    first = np.searchsorted(beam, np.arange(len(image_m) + 1))
    seen, left = np.ones(len(beam), bool), np.arange(len(beam))
    for k in range(_SCREENS):
        at = first[beam[left]] + k
        tried = at < first[beam[left] + 1]
        polygon, cover = left[tried], order[at[tried]]
        hidden = (screen[cover] >= 0) & (far[cover] < (1 - _MARGIN) * near[polygon])
        polygon, cover = polygon[hidden], cover[hidden]
        for slope_u, slope_v, offset in lines:
            u, v = slope_u[cover], slope_v[cover]
            least = offset[cover] + np.minimum(u * low[0][polygon], u * high[0][polygon])
            least += np.minimum(v * low[1][polygon], v * high[1][polygon])
            inside = least >= _MARGIN
            polygon, cover = polygon[inside], cover[inside]
        seen[polygon] = False
        left = left[seen[left]]
    return seen


def _beyond_window(place: np.ndarray) -> np.ndarray:
    """Points (3, 8, P), as (u t, v t, t), whose hull is the part with t >= 1 of polygons (3, 4, P)."""
    depth, step = place[2], np.roll(place, -1, axis=1) - place
    share = np.divide(1 - depth, step[2], out=np.full_like(depth, -1.0), where=step[2] != 0)
    good = np.concatenate([depth >= 1, (share >= 0) & (share <= 1)])
    points = np.concatenate([place, place + share * step], axis=1)
    first = np.take_along_axis(points, good.argmax(axis=0)[None, None], axis=1)
    return np.where(good, points, first)


def _inner_sides(place: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """Lines (4, 3, P) along the sides of polygons: ``l[0] u + l[1] v + l[2]`` is the distance inwards."""
    u, v = place / depth
    step_u, step_v = np.roll(u, -1, axis=0) - u, np.roll(v, -1, axis=0) - v
    turn = np.sign((u * step_v - v * step_u).sum(axis=0))
    length = np.hypot(step_u, step_v)
    scale = turn / np.where(length > 0, length, 1.0)
    slope_u, slope_v = -step_v * scale, step_u * scale
    # the side that a triangle lacks bounds nothing
    offset = np.where(length > 0, -(slope_u * u + slope_v * v), np.inf)
    return np.stack([slope_u, slope_v, offset], axis=1)


def windows_around(eye_m: np.ndarray, distance_m: float, cuts: int = 4) -> np.ndarray:
    """Corners (N, 4, 3) of windows that close a cube around an eye, each face cut into `cuts` by `cuts`."""
    edges = np.linspace(-1.0, 1.0, cuts + 1)
    u, v = (a.ravel() for a in np.meshgrid(edges[:-1], edges[:-1]))
    size = 2.0 / cuts
    flat = np.stack([np.stack([u + i * size, v + j * size], axis=1) for i, j in ((0, 0), (1, 0), (1, 1), (0, 1))], 1)
    faces = [np.insert(flat, axis, side, axis=2) for axis in range(3) for side in (-1.0, 1.0)]
    return eye_m + distance_m * np.concatenate(faces)
