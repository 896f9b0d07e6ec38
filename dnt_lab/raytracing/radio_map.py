r"""Radio map: received power, best server and SINR on a grid, exact at the points of the grid.

A value belongs to the **centre of its cell** and to nothing else: it is what `trace` gives for a receiver there. It is
no mean over the cell; a finer grid shows more points, not truer ones. The power of a link is the incoherent sum

.. math:: P = P_{tx} + 10 \lg \sum_i |g_i|^2

over its paths, the mean over a small area or a wide band; ``coherent=True`` takes
:math:`|\sum_i g_i e^{-j 2 \pi f \tau_i}|^2`, which is one carrier's power at that very point, with its fading. Antennas
are isotropic and vertical, so that transmit powers stand for EIRP.

======================  =====================================================================  ====
symbol                  meaning                                                                unit
======================  =====================================================================  ====
``power_dbm``           received power; -inf where no path arrives, NaN indoors                dBm
``best_server``         transmitter with the most power; -1 where there is none                --
``sinr_db``             best server over noise and all other transmitters, at full power        dB
======================  =====================================================================  ====
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from dnt_lab.datasets._checks import metres, one_of, whole
from dnt_lab.physical.radio import THERMAL_NOISE_DBM_HZ
from dnt_lab.physical.scene import checked_bounds
from dnt_lab.raytracing.inside import bodies_around
from dnt_lab.raytracing.link_sums import link_sum
from dnt_lab.raytracing.trace import trace


@dataclass(frozen=True, eq=False)
class RadioMap:
    """Power of T transmitters at Y x X points.

    Attributes
    ----------
    x_m, y_m : ndarray, shapes (X,) and (Y,)
        Centres of the cells in metres.
    height_m : float
        Height of all points in metres.
    tx_m : ndarray, shape (T, 3)
        Transmitters.
    power_dbm : ndarray, shape (T, Y, X)
        Received power in dBm.
    indoor : ndarray of bool, shape (Y, X)
        True where the point lies inside a body (a building) without a transmitter in it.
    noise_dbm : float
        Noise power in dBm.
    """

    x_m: np.ndarray
    y_m: np.ndarray
    height_m: float
    tx_m: np.ndarray
    power_dbm: np.ndarray
    indoor: np.ndarray
    noise_dbm: float

    def __repr__(self) -> str:
        n_tx, n_y, n_x = self.power_dbm.shape
        served = (self.best_server >= 0).sum() / max((~self.indoor).sum(), 1)
        return f"RadioMap({n_x} x {n_y} points, {n_tx} transmitters, {served:.0%} of outdoor points served)"

    @property
    def best_server(self) -> np.ndarray:
        """Number of the strongest transmitter, the first of equals; -1 where nothing arrives; shape (Y, X)."""
        best = np.where(np.isnan(self.power_dbm), -np.inf, self.power_dbm)
        return np.where(np.isneginf(best).all(axis=0), -1, best.argmax(axis=0))

    @property
    def sinr_db(self) -> np.ndarray:
        """Signal to interference and noise of the best server in dB, shape (Y, X); -inf where there is none."""
        power_mw = 10 ** (self.power_dbm / 10)
        serving = np.arange(len(power_mw))[:, None, None] == self.best_server
        signal, others = (np.where(mask, power_mw, 0.0).sum(axis=0) for mask in (serving, ~serving))
        with np.errstate(divide="ignore"):
            sinr_db = 10 * np.log10(signal / (others + 10 ** (self.noise_dbm / 10)))
        return np.where(self.indoor, np.nan, sinr_db)

    def to_frame(self) -> pd.DataFrame:
        """Return a table, a row a point: x_m, y_m, indoor, best_server, sinr_db and a column of power a transmitter."""
        x_m, y_m = np.meshgrid(self.x_m, self.y_m)
        columns = {"x_m": x_m, "y_m": y_m, "indoor": self.indoor, "best_server": self.best_server}
        columns |= {"sinr_db": self.sinr_db} | {f"power_dbm_{t}": p for t, p in enumerate(self.power_dbm)}
        return pd.DataFrame({name: values.ravel() for name, values in columns.items()})

    def plot(self, what: str = "power", ax=None):
        """Draw the best server's ``"power"``, the ``"sinr"`` or the best ``"server"``; return the axes.

        Cells are drawn in the colour of their centre; white is indoors or without any path.

        Raises
        ------
        ValueError
            If `what` is none of the three.
        """
        import matplotlib.pyplot as plt

        server = self.best_server
        values, label = {
            "power": (self.power_dbm.max(axis=0), "received power (dBm)"),
            "sinr": (self.sinr_db, "SINR (dB)"),
            "server": (np.where(server < 0, np.nan, server), "best server"),
        }[one_of("what", what, ("power", "sinr", "server"))]
        ax = ax or plt.gca()
        mesh = ax.pcolormesh(self.x_m, self.y_m, np.ma.masked_invalid(values), shading="nearest")
        ax.plot(*self.tx_m.T[:2], "^", color="white", markeredgecolor="black", ms=9)
        ax.figure.colorbar(mesh, ax=ax, label=label)
        ax.set(xlabel="x (m)", ylabel="y (m)", aspect="equal")
        return ax


def radio_map(
    scene, tx_m, freq_hz, bounds_m, spacing_m, *, height_m=1.5, tx_power_dbm=30.0, max_order=2, coherent=False,
    bandwidth_hz=100e6, noise_figure_db=7.0, chunk=2048, **trace_settings,
) -> RadioMap:  # fmt: skip
    """Trace a grid of receivers.

    Parameters
    ----------
    scene : Scene
        Triangles and their materials.
    tx_m : array_like, shape (3,) or (T, 3)
        Transmitters in metres.
    freq_hz : float
        Carrier frequency in Hz.
    bounds_m : (xmin, ymin, xmax, ymax)
        Area in metres, filled with whole cells from its lower left corner.
    spacing_m : float
        Side of a cell in metres.
    height_m : float
        Height of the points in metres.
    tx_power_dbm : float or array_like, shape (T,)
        Transmit powers in dBm.
    max_order : int
        Most reflections, 0 to 3.
    coherent : bool
        Add amplitudes with their phases instead of powers.
    bandwidth_hz, noise_figure_db : float
        Noise is -174 dBm/Hz over the bandwidth, raised by the receiver's noise figure in dB.
    chunk : int
        Receivers to trace at a time; it bounds the memory and changes no value.
    **trace_settings
        Further settings of `trace`.

    Returns
    -------
    RadioMap

    Raises
    ------
    TypeError, ValueError
        If the bounds hold no cell, a transmitter stands at a point of the grid, or an argument is out of its range.
    """
    low_m, high_m = checked_bounds(bounds_m)
    spacing_m, chunk = metres("spacing_m", spacing_m), whole("chunk", chunk, 1)
    n_x, n_y = np.floor((high_m - low_m) / spacing_m + 1e-9).astype(int)
    if not n_x or not n_y:
        raise ValueError(f"bounds_m {tuple(bounds_m)} hold no cell of {spacing_m:g} m: make them larger or it smaller")
    if not 0 < bandwidth_hz < np.inf or not np.isfinite(noise_figure_db):
        raise ValueError(
            f"bandwidth_hz is {bandwidth_hz} and noise_figure_db {noise_figure_db}, but a finite bandwidth over 0 Hz "
            "and a finite number of dB are needed"
        )
    tx_m = np.atleast_2d(np.asarray(tx_m, float))
    if tx_m.ndim != 2 or tx_m.shape[1] != 3 or not np.isfinite(tx_m).all():
        raise ValueError(f"tx_m is {tx_m.tolist()}, but transmitters need finite coordinates (3,) or (T, 3) in metres")
    tx_power_dbm = np.asarray(tx_power_dbm, float)
    if tx_power_dbm.shape not in ((), (len(tx_m),)) or not np.isfinite(tx_power_dbm).all():
        raise ValueError(
            f"tx_power_dbm is {tx_power_dbm.tolist()}, but one finite power, or one a transmitter, is needed"
        )
    x_m, y_m = (low_m[i] + (np.arange(n) + 0.5) * spacing_m for i, n in enumerate((n_x, n_y)))
    points_m = np.stack([*np.meshgrid(x_m, y_m), np.full((n_y, n_x), float(height_m))], axis=-1).reshape(-1, 3)

    point, around = bodies_around(scene.polygons, points_m)
    indoor = np.zeros(len(points_m), bool)
    indoor[point[~np.isin(around, bodies_around(scene.polygons, tx_m)[1])]] = True
    power = np.full((len(tx_m), len(points_m)), np.nan)
    outdoor = np.flatnonzero(~indoor)
    for rows in (outdoor[first : first + chunk] for first in range(0, len(outdoor), chunk)):
        paths = trace(scene, tx_m, points_m[rows], freq_hz, max_order, **trace_settings)
        if coherent:
            carrier = np.exp(-2j * np.pi * paths.freq_hz * paths.delay_s)
            power[:, rows] = np.abs(link_sum(paths, paths.gain * carrier)) ** 2
        else:
            power[:, rows] = paths.power()
    with np.errstate(divide="ignore"):
        power_dbm = np.atleast_1d(tx_power_dbm)[:, None] + 10 * np.log10(power)
    noise_dbm = THERMAL_NOISE_DBM_HZ + noise_figure_db + 10 * np.log10(bandwidth_hz)
    return RadioMap(
        x_m, y_m, float(height_m), tx_m, power_dbm.reshape(-1, n_y, n_x), indoor.reshape(n_y, n_x), float(noise_dbm)
    )
