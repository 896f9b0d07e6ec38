"""Measured power against position: what a twin's channel is held to.

A table of readings, as a receiver on a walk writes it. The base antenna stands at the origin, x is east, y is north, z
is up. The power may be relative: then only differences count, and a calibration fits the offset.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

_COLUMNS = ("north_m", "east_m", "down_m", "power_db_median")


@dataclass(frozen=True, eq=False)
class PowerMeasurements:
    """N readings of received power.

    Attributes
    ----------
    position_m : ndarray, shape (N, 3)
        Receiver (east, north, up) of the base antenna, in metres.
    power_db : ndarray, shape (N,)
        Received power in dB, absolute or relative.
    run : ndarray of str, shape (N,)
        Which walk a reading belongs to. Neighbours on one walk are no independent trials: hold out whole runs.
    """

    position_m: np.ndarray
    power_db: np.ndarray
    run: np.ndarray

    def __len__(self) -> int:
        return len(self.power_db)

    def __repr__(self) -> str:
        runs = len(np.unique(self.run))
        if not len(self):
            return "PowerMeasurements(empty)"
        near, far = self.distance_m.min(), self.distance_m.max()
        return f"PowerMeasurements({len(self):,} readings on {runs} runs, {near:.1f} to {far:.1f} m from the antenna)"

    @property
    def distance_m(self) -> np.ndarray:
        """Straight distance to the base antenna in metres, shape (N,)."""
        return np.linalg.norm(self.position_m, axis=1)

    def __getitem__(self, rows) -> PowerMeasurements:
        """Return the chosen readings: a slice, a mask (N,) or row numbers."""
        rows = np.atleast_1d(np.arange(len(self))[rows])
        return PowerMeasurements(self.position_m[rows], self.power_db[rows], self.run[rows])

    def aligned(self, width_m: float = 1.0, quantile: float = 0.9, at_least: int = 30) -> PowerMeasurements:
        """Return one reading for each ring of distance: the beam as it is when it points well.

        A directive antenna carried by hand points aside most of the time, and always to lose. A high quantile over the
        readings of a ring stands for the aligned beam.

        Parameters
        ----------
        width_m : float
            Width of a ring in metres.
        quantile : float
            In (0, 1).
        at_least : int
            Rings with fewer readings are left out.

        Returns
        -------
        PowerMeasurements
            A row a ring at the mean distance of its readings, put on the x axis; `run` is ``"aligned"``.

        Raises
        ------
        ValueError
            If the width is not over 0, the quantile not between 0 and 1, or no ring holds enough readings.
        """
        if not 0 < width_m < np.inf or not 0 < quantile < 1:
            raise ValueError(
                f"width_m is {width_m} and quantile is {quantile}, but a width over 0 m and a quantile between 0 and 1 "
                "are needed"
            )
        readings = pd.DataFrame({"distance_m": self.distance_m, "power_db": self.power_db})
        rings = readings.groupby(np.floor(self.distance_m / width_m))
        table = rings.agg({"distance_m": "mean", "power_db": lambda power_db: power_db.quantile(quantile)})
        table = table[rings.size() >= at_least]
        if table.empty:
            raise ValueError(
                f"no ring of {width_m:g} m holds {at_least} readings; make width_m larger or at_least smaller"
            )
        position_m = np.zeros((len(table), 3))
        position_m[:, 0] = table["distance_m"]
        return PowerMeasurements(position_m, table["power_db"].to_numpy(), np.full(len(table), "aligned"))


def read_power_measurements(path: str | Path) -> PowerMeasurements:
    """Read a CSV (also compressed) with a row a position.

    Parameters
    ----------
    path : str or Path
        Columns ``run``, ``north_m``, ``east_m``, ``down_m`` (receiver relative to the base antenna, metres) and
        ``power_db_median`` (dB); a column ``distance_m`` is checked against the position, others are not read. This is
        the layout of the 60.48 GHz walks of UNAL Bogota (open field and greenhouses, JuliansCastro,
        mmWave_5G_characterization) after a median over the readings at each position.

    Returns
    -------
    PowerMeasurements
        In the order of the file.

    Raises
    ------
    ValueError
        If the file is damaged, lacks a column, or a row holds no number; the sentence names file and line.
    """
    path = Path(path)
    try:
        table = pd.read_csv(path, dtype=str, skip_blank_lines=False, keep_default_na=False)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError, EOFError, OSError) as error:
        if not path.is_file():
            raise
        raise ValueError(f"{path.name} is not a whole CSV file ({error}); get it again.") from None
    missing = [name for name in ("run", *_COLUMNS) if name not in table]
    if missing:
        raise ValueError(
            f"{path.name} has no column {', '.join(missing)}; run, {', '.join(_COLUMNS)} are needed (metres and dB)."
        )
    names = [*_COLUMNS, *(["distance_m"] if "distance_m" in table else [])]
    numbers = table[names].apply(pd.to_numeric, errors="coerce").to_numpy(float)
    row, column = np.nonzero(~np.isfinite(numbers))
    if len(row):
        raise ValueError(
            f"{path.name}, line {row[0] + 2}: {names[column[0]]} is {table[names[column[0]]][row[0]]!r}, "
            "but must be a finite number."
        )
    measured = PowerMeasurements(numbers[:, [1, 0, 2]] * (1, 1, -1), numbers[:, 3], table["run"].to_numpy(str))
    if "distance_m" in table:
        wrong = np.flatnonzero(np.abs(measured.distance_m - numbers[:, 4]) > 0.01)
        if len(wrong):
            raise ValueError(
                f"{path.name}, line {wrong[0] + 2}: distance_m is {numbers[wrong[0], 4]:g}, but north, east and down "
                f"give {measured.distance_m[wrong[0]]:g} m; check the units."
            )
    return measured
