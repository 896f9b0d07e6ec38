"""Paths made by hand, for tests that need to know every number in them."""

from pathlib import Path

import numpy as np

from dnt_lab.raytracing.paths import Paths, concatenate

DATA = Path(__file__).parents[2].parent / "shared" / "data"
"""Measured data beside the checkout; tests that use it skip where it is absent."""


def path_table(
    delay_s,
    gain=1.0,
    order=0,
    *,
    tx=0,
    rx=0,
    aod_deg=(90.0, 0.0),
    aoa_deg=(90.0, 180.0),
    material=0,
    materials=("wall",),
    n_tx=1,
    n_rx=1,
    freq_hz=60e9,
):
    """Paths with the given columns (numbers stand for all rows), sorted; every bounce is at the same `material`.

    All transmitters stand at the origin and all receivers at (0.29, 0, 0) metres: light needs 0.967 ns.
    """
    n = len(delay_s)

    def column(value, *shape):
        return np.array(np.broadcast_to(np.asarray(value), (n, *shape)))

    order = column(order)
    depth = order.max(initial=0)
    hit = np.where(np.arange(depth) < order[:, None], column(material)[:, None], -1)
    table = Paths(
        freq_hz=freq_hz,
        tx_m=np.zeros((n_tx, 3)),
        rx_m=np.tile([0.29, 0.0, 0.0], (n_rx, 1)),
        tx=column(tx),
        rx=column(rx),
        order=order,
        delay_s=np.asarray(delay_s, float),
        transfer=column(gain)[:, None, None] * np.eye(2, dtype=complex),
        aod_deg=column(aod_deg, 2).astype(float),
        aoa_deg=column(aoa_deg, 2).astype(float),
        points_m=np.where(hit[..., None] >= 0, 0.5, np.nan) * np.ones(3),
        object_index=np.where(hit >= 0, 0, -1),
        material_index=hit,
        diffuse=np.zeros(n, bool),
        objects=("room",),
        materials=tuple(materials),
    )
    return concatenate([table])
