"""A link whose rays were found by hand: a street between two walls, mirrored at wall and ground."""

import numpy as np

from dnt_lab.raytracing.paths import Paths
from dnt_lab.raytracing.scene import Scene

TX_M = np.array([[-30.0, 0.0, 10.0]])
RX_M = np.array([[30.0, 0.0, 2.0], [0.0, 4.0, 2.0], [0.0, 16.0, 2.0]])  # the last stands behind the north wall
WALL_Y_M = 10.0
SPEED_OF_LIGHT_M_S = 299792458.0


def street() -> Scene:
    """Two houses along x, 20 m apart and 20 m high, on the ground."""
    return Scene.street_canyon(2 * WALL_Y_M, 100.0, 20.0, n_buildings=1)


def mirrored(tx_m, rx_m, *planes):
    """Points of reflection on planes (axis, position), in the order they are hit."""
    image = np.array(rx_m, float)
    images = [image]
    for axis, at in reversed(planes):
        image = image.copy()
        image[axis] = 2 * at - image[axis]
        images.insert(0, image)
    points, here = [], np.array(tx_m, float)
    for (axis, at), image in zip(planes, images, strict=False):
        here = here + (image - here) * (at - here[axis]) / (image[axis] - here[axis])
        points.append(here)
    return points


def link_paths() -> Paths:
    """Seven paths: four to receiver 0 and three to receiver 1 (one of them diffuse, one without gain)."""
    wall, ground = (1, WALL_Y_M), (2, 0.0)
    ways = [
        (0, (), False), (0, (wall,), False), (0, (ground,), False), (0, (wall, ground), False),
        (1, (), False), (1, (wall,), False), (1, (wall,), True),
    ]  # fmt: skip
    corners, points_m = [], np.full((len(ways), 2, 3), np.nan)
    for row, (rx, planes, _) in enumerate(ways):
        points = mirrored(TX_M[0], RX_M[rx], *planes)
        points_m[row, : len(points)] = np.reshape(points, (-1, 3))
        corners.append(np.array([TX_M[0], *points, RX_M[rx]]))
    length_m = np.array([np.linalg.norm(np.diff(c, axis=0), axis=1).sum() for c in corners])
    order = np.array([len(planes) for _, planes, _ in ways])
    transfer = np.zeros((len(ways), 2, 2), complex)
    transfer[:, 0, 0] = 1e-2 / length_m * 0.3**order
    transfer[5] = 0  # nothing arrives in this polarisation
    hit = np.where(np.isnan(points_m[..., 0]), -1, 0)
    return Paths(
        28e9, TX_M, RX_M, np.zeros(len(ways), int), np.array([rx for rx, _, _ in ways]), order,
        length_m / SPEED_OF_LIGHT_M_S, transfer, np.array([angles(c[1] - c[0]) for c in corners]),
        np.array([angles(c[-2] - c[-1]) for c in corners]), points_m, hit, hit,
        np.array([diffuse for _, _, diffuse in ways]), ("street",), ("concrete",),
    )  # fmt: skip


def angles(way):
    """Zenith and azimuth in degrees."""
    return np.rad2deg([np.arccos(way[2] / np.linalg.norm(way)), np.arctan2(way[1], way[0])])
