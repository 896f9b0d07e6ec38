"""What a twin believes: path gain with an uncertainty, and where it can, line of sight and direction of departure.

>>> belief = Belief(mean_db=[-95.0, -110.0], std_db=[3.0, 8.0])
>>> aged(belief, age_h=24.0, drift_db=2.0).std_db.round(2)
array([3.61, 8.25])

And what the network tells: `Samples`, noisy measurements of users with a place, a time and a price in bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from dnt_lab.datasets._numbers import real, reals

BYTES_A_SAMPLE = 9
"""Place 2 x 2 (decimetres), time 2, gain 1 (half dB), direction 1 (1.4 degrees), line of sight 1."""


@dataclass(frozen=True, eq=False)
class Belief:
    """Gaussian beliefs about P positions, independent of what other twins believe.

    Attributes
    ----------
    mean_db, std_db : ndarray, shape (P,)
        Path gain and its standard deviation in dB; the latter is over 0.
    los : ndarray, shape (P,), or None
        Probability of a line of sight; None if the twin has no opinion.
    departure : ndarray, shape (P, 2), or None
        Horizontal direction in which the strongest path leaves the base station, seen along the straight line to the
        position: (1, 0) is straight at it, (0, 1) a right angle to the left. The length, 0 to 1, is the certainty.

    Raises
    ------
    ValueError
        If shapes do not fit, a mean is not finite, a deviation is not over 0 or a probability is not in 0..1.
    """

    mean_db: np.ndarray
    std_db: np.ndarray
    los: np.ndarray | None = None
    departure: np.ndarray | None = None

    def __post_init__(self):
        for name, columns in (("mean_db", ()), ("std_db", ()), ("los", ()), ("departure", (2,))):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, np.asarray(getattr(self, name), float))
                if getattr(self, name).shape != (*self.mean_db.shape[:1], *columns):
                    raise ValueError(
                        f"{name} has shape {getattr(self, name).shape} beside mean_db's {self.mean_db.shape}, "
                        f"but one value a position, {'(P, 2)' if columns else '(P,)'}, is needed"
                    )
        if not np.isfinite(self.mean_db).all():
            raise ValueError(f"mean_db holds {self.mean_db[~np.isfinite(self.mean_db)][0]}, but gains are finite dB")
        reals("std_db", self.std_db, strict=True)
        if self.los is not None:
            reals("los", self.los, 0.0, 1.0)

    def __len__(self) -> int:
        return len(self.mean_db)

    def __getitem__(self, rows) -> Belief:
        """Return the beliefs about some of the positions: a slice, a mask or row numbers."""
        parts = {f.name: getattr(self, f.name) for f in fields(self)}
        return Belief(**{name: part if part is None else part[rows] for name, part in parts.items()})


@dataclass(frozen=True, eq=False)
class Samples:
    """N measurements of users.

    Attributes
    ----------
    xy_m : ndarray, shape (N, 2)
        Where, in metres.
    time_h : ndarray, shape (N,)
        When, in hours.
    gain_db : ndarray, shape (N,)
        Measured path gain in dB.
    los : ndarray of bool, shape (N,)
        The receiver's guess whether there was a line of sight.
    turn_deg : ndarray, shape (N,)
        Measured azimuth of departure of the strongest path, from the straight line to the user, in degrees; NaN without
        any path.
    noise_db : float
        Standard deviation of the error of `gain_db`, known from the receivers' data sheet.
    """

    xy_m: np.ndarray
    time_h: np.ndarray
    gain_db: np.ndarray
    los: np.ndarray
    turn_deg: np.ndarray
    noise_db: float

    def __post_init__(self):
        n = len(self.gain_db)
        for name, shape in (("xy_m", (n, 2)), ("time_h", (n,)), ("gain_db", (n,)), ("los", (n,)), ("turn_deg", (n,))):
            if np.shape(getattr(self, name)) != shape:
                raise ValueError(f"{name} has shape {np.shape(getattr(self, name))}, but {shape} is needed")
        real("noise_db", self.noise_db)

    def __len__(self) -> int:
        return len(self.gain_db)

    def __getitem__(self, rows) -> Samples:
        """Return some of the samples: a slice, a mask or row numbers."""
        names = ("xy_m", "time_h", "gain_db", "los", "turn_deg")
        return Samples(*(getattr(self, name)[rows] for name in names), self.noise_db)

    def __add__(self, other: Samples) -> Samples:
        """Join two sets of samples of equal noise."""
        if other.noise_db != self.noise_db:
            raise ValueError(f"noise_db is {self.noise_db} and {other.noise_db}, but only equal noise is joined")
        names = ("xy_m", "time_h", "gain_db", "los", "turn_deg")
        parts = (np.concatenate([getattr(self, name), getattr(other, name)]) for name in names)
        return Samples(*parts, self.noise_db)

    @property
    def n_bytes(self) -> int:
        """What it costs to send them."""
        return BYTES_A_SAMPLE * len(self)


def aged(belief: Belief, age_h: float, drift_db: float) -> Belief:
    r"""Return what is left of a belief after some hours: the same mean, less certain.

    The world is taken for a random walk whose steps of a day have the deviation `drift_db`, so that
    :math:`\sigma^2 \to \sigma^2 + d^2 a / 24`: the prediction step of a Kalman filter at each position.

    Raises
    ------
    ValueError
        If the age or the drift is negative or not finite.
    """
    age_h, drift_db = real("age_h", age_h, strict=False), real("drift_db", drift_db, strict=False)
    return replace(belief, std_db=np.sqrt(belief.std_db**2 + drift_db**2 * age_h / 24))


def unit_vectors(turn_deg) -> np.ndarray:
    """Return directions as vectors (..., 2) of length 1; of length 0 where the angle is NaN."""
    turn_rad = np.deg2rad(turn_deg)
    return np.nan_to_num(np.stack([np.cos(turn_rad), np.sin(turn_rad)], axis=-1))
