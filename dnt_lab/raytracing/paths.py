"""Paths: a table with one row for each way a wave takes from a transmitter to a receiver.

A scene has links with no path and links with fifty, so the table is ragged: row ``p`` belongs to transmitter ``tx[p]``
and receiver ``rx[p]``. There is no padding to skip and no delay of -1.

=================  ==================================================================  ==========
symbol             meaning                                                             unit
=================  ==================================================================  ==========
``delay_s``        travel time                                                         s
``transfer``       Jones matrix [[vv, vh], [hv, hh]], receiver's row, sender's column  --
``gain``           amplitude from a vertical to a vertical antenna, ``transfer[0, 0]``  --
``aod_deg``        angle of departure (zenith, azimuth)                                degrees
``aoa_deg``        angle of arrival (zenith, azimuth), towards where the wave is from  degrees
=================  ==================================================================  ==========

The zenith angle is 0 upwards and 180 downwards, azimuth is atan2(y, x) in (-180, 180]. Amplitudes carry what happens
in space and at walls; the phase of travelling, exp(-j 2 pi f delay), is added once, when a channel is built.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import pandas as pd

_PER_PATH = (
    "tx", "rx", "order", "delay_s", "transfer", "aod_deg", "aoa_deg", "points_m", "object_index", "material_index",
    "diffuse",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Paths:
    """P paths between T transmitters and R receivers, sorted by transmitter, receiver, delay and order.

    Attributes
    ----------
    freq_hz : float
        Carrier frequency in Hz.
    tx_m, rx_m : ndarray, shapes (T, 3) and (R, 3)
        Positions of transmitters and receivers in metres.
    tx, rx : ndarray of int, shape (P,)
        Whose path it is: rows of `tx_m` and `rx_m`.
    order : ndarray of int, shape (P,)
        Number of reflections, 0 for the line of sight (LOS).
    delay_s : ndarray, shape (P,)
        Travel time in seconds.
    transfer : ndarray of complex, shape (P, 2, 2)
        Amplitude from the transmitter's (theta, phi) to the receiver's (theta, phi) polarisation.
    aod_deg, aoa_deg : ndarray, shape (P, 2)
        Zenith and azimuth of departure and of arrival, in degrees.
    points_m : ndarray, shape (P, K, 3)
        Interaction points from transmitter to receiver in metres; NaN behind the last.
    object_index, material_index : ndarray of int, shape (P, K)
        What was hit at each point, numbers of `objects` and `materials`; -1 behind the last.
    diffuse : ndarray of bool, shape (P,)
        True for rays of a diffuse cluster; their points and objects are those of the specular path they surround.
    objects, materials : tuple of str
        Names in the scene.
    """

    freq_hz: float
    tx_m: np.ndarray
    rx_m: np.ndarray
    tx: np.ndarray
    rx: np.ndarray
    order: np.ndarray
    delay_s: np.ndarray
    transfer: np.ndarray
    aod_deg: np.ndarray
    aoa_deg: np.ndarray
    points_m: np.ndarray
    object_index: np.ndarray
    material_index: np.ndarray
    diffuse: np.ndarray
    objects: tuple[str, ...] = ()
    materials: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.delay_s)

    def __repr__(self) -> str:
        kinds = [f"{(self.order[~self.diffuse] == k).sum()} of order {k}" for k in range(self.points_m.shape[1] + 1)]
        kinds += [f"{self.diffuse.sum()} diffuse"] if self.diffuse.any() else []
        lit = len(np.unique(self.tx * len(self.rx_m) + self.rx))
        return (
            f"Paths({len(self)} at {self.freq_hz / 1e9:g} GHz: {', '.join(kinds)}; "
            f"{lit} of {len(self.tx_m) * len(self.rx_m)} links have one)"
        )

    @property
    def gain(self) -> np.ndarray:
        """Complex amplitude between vertically polarised isotropic antennas, shape (P,)."""
        return self.transfer[:, 0, 0]

    @property
    def gain_db(self) -> np.ndarray:
        """Path gain ``20 log10 |gain|`` in dB, shape (P,); -inf where nothing arrives in this polarisation."""
        with np.errstate(divide="ignore"):
            return 20 * np.log10(np.abs(self.gain))

    @property
    def phase_rad(self) -> np.ndarray:
        """Phase of `gain` in radians, without that of travelling, shape (P,)."""
        return np.angle(self.gain)

    def polarised(self, tx, rx) -> np.ndarray:
        """Complex amplitude between antennas of other polarisations.

        Parameters
        ----------
        tx, rx : array_like of complex, shape (2,)
            Jones vectors (theta, phi): (1, 0) is vertical, (0, 1) horizontal, (1, 1j)/sqrt(2) circular.

        Returns
        -------
        ndarray of complex, shape (P,)
            ``conj(rx) . transfer . tx``.

        Raises
        ------
        ValueError
            If a vector has not two finite parts or is not of length 1.
        """
        vectors = [np.asarray(v, complex) for v in (tx, rx)]
        for name, vector in zip(("tx", "rx"), vectors, strict=True):
            if vector.shape != (2,) or not np.isclose(np.linalg.norm(vector), 1.0, atol=1e-6):
                raise ValueError(f"{name} is {vector.tolist()}, but a Jones vector (theta, phi) of length 1 is needed")
        return np.einsum("i,pij,j->p", vectors[1].conj(), self.transfer, vectors[0])

    def __getitem__(self, rows) -> Paths:
        """Return the chosen paths: a slice, a mask (P,) or row numbers; transmitters and receivers stay."""
        rows = np.atleast_1d(np.arange(len(self))[rows])
        return replace(self, **{name: getattr(self, name)[rows] for name in _PER_PATH})

    def link(self, rx: int, tx: int = 0) -> Paths:
        """Return the paths of one link, earliest first.

        Raises
        ------
        ValueError
            If there is no such transmitter or receiver.
        """
        for name, value, count in (("tx", tx, len(self.tx_m)), ("rx", rx, len(self.rx_m))):
            if not 0 <= value < count:
                raise ValueError(f"{name} is {value}, but must be a row number from 0 to {count - 1}")
        return self[(self.tx == tx) & (self.rx == rx)]

    def power(self) -> np.ndarray:
        """Sum of ``|gain|^2`` over the paths of each link, shape (T, R); 0 where there is none."""
        total = np.zeros((len(self.tx_m), len(self.rx_m)))
        np.add.at(total, (self.tx, self.rx), np.abs(self.gain) ** 2)
        return total

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas table, a row a path, with units in the column names."""
        names = np.array([*self.objects, ""], object)
        steps = self.object_index if len(self.objects) else np.full_like(self.object_index, -1)
        return pd.DataFrame(
            {
                "tx": self.tx,
                "rx": self.rx,
                "order": self.order,
                "delay_ns": self.delay_s * 1e9,
                "gain_db": self.gain_db,
                "phase_rad": self.phase_rad,
                "aod_zenith_deg": self.aod_deg[:, 0],
                "aod_azimuth_deg": self.aod_deg[:, 1],
                "aoa_zenith_deg": self.aoa_deg[:, 0],
                "aoa_azimuth_deg": self.aoa_deg[:, 1],
                "diffuse": self.diffuse,
                "objects": [" > ".join(names[row[row >= 0]]) for row in steps],
            }
        )

    def save(self, path: str | Path) -> Path:
        """Write everything to a ``.npz`` file and return its path; `load` reads it back."""
        path = Path(path)
        path = path if path.suffix == ".npz" else path.with_name(f"{path.name}.npz")  # "28.5 GHz" keeps its half
        np.savez_compressed(path, **{field.name: getattr(self, field.name) for field in fields(self)})
        return path

    @classmethod
    def load(cls, path: str | Path) -> Paths:
        """Read what `save` wrote.

        Raises
        ------
        ValueError
            If the file holds no paths.
        """
        with np.load(path, allow_pickle=False) as file:
            missing = [field.name for field in fields(cls) if field.name not in file]
            if missing:
                raise ValueError(f"{Path(path).name} holds no paths: it lacks {', '.join(missing)}")
            parts = {field.name: file[field.name] for field in fields(cls)}
        parts |= {name: tuple(parts[name].tolist()) for name in ("objects", "materials")}
        return cls(**parts | {"freq_hz": float(parts["freq_hz"])})

    def plot(self, ax=None):
        """Draw gain over delay, a stem a path, one colour and marker an order; return the axes."""
        import matplotlib.pyplot as plt

        ax = ax or plt.gca()
        shown = np.isfinite(self.gain_db)
        floor_db = np.floor(self.gain_db[shown].min() / 10) * 10 if shown.any() else -100.0
        groups = [(f"order {k}", ~self.diffuse & (self.order == k)) for k in range(self.points_m.shape[1] + 1)]
        for number, (label, rows) in enumerate([*groups, ("diffuse", self.diffuse)]):
            rows = rows & shown
            if rows.any():
                delay_ns, gain_db = self.delay_s[rows] * 1e9, self.gain_db[rows]
                color = ("C2", "C0", "C1", "C3", "C4")[number % 5]
                ax.vlines(delay_ns, floor_db, gain_db, colors=color, lw=1)
                ax.plot(delay_ns, gain_db, "os^Dv"[number % 5], color=color, ms=5, label=label)
        ax.set(xlabel="delay (ns)", ylabel="path gain (dB)")
        if shown.any():
            ax.legend()
        return ax


NO_PATHS = (
    *np.zeros((3, 0), int), np.zeros(0), np.zeros((0, 2, 2), complex), *np.zeros((2, 0, 2)), np.zeros((0, 0, 3)),
    *np.zeros((2, 0, 0), int), np.zeros(0, bool),
)  # fmt: skip
"""What an empty table has in its columns, from `tx` to `diffuse`."""


def concatenate(parts: list[Paths]) -> Paths:
    """Join paths between the same transmitters and receivers into one sorted table.

    Raises
    ------
    ValueError
        If there is nothing to join, or the parts differ in frequency, nodes or names.
    """
    if not parts:
        raise ValueError("there are no paths to join, but at least one Paths is needed")
    first = parts[0]
    for part in parts[1:]:
        same = part.freq_hz == first.freq_hz and (part.objects, part.materials) == (first.objects, first.materials)
        if not (same and np.array_equal(part.tx_m, first.tx_m) and np.array_equal(part.rx_m, first.rx_m)):
            raise ValueError("the parts differ in frequency, nodes or names, but only paths of one setting are joined")
    whole = joined(parts)
    return whole[np.lexsort((whole.order, whole.delay_s, whole.rx, whole.tx))]


def joined(parts: list[Paths]) -> Paths:
    """Paths of one setting, one part after the other."""
    if len(parts) == 1:
        return parts[0]
    depth = max(part.points_m.shape[1] for part in parts)
    columns = {name: np.concatenate([_deepened(getattr(p, name), name, depth) for p in parts]) for name in _PER_PATH}
    return replace(parts[0], **columns)


def _deepened(values: np.ndarray, name: str, depth: int) -> np.ndarray:
    """Pad the axis of interactions to `depth`."""
    if name not in ("points_m", "object_index", "material_index") or values.shape[1] == depth:
        return values
    padding = np.full((len(values), depth - values.shape[1], *values.shape[2:]), np.nan if name == "points_m" else -1)
    return np.concatenate([values, padding.astype(values.dtype)], axis=1)
