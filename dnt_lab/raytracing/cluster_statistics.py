"""What was measured of diffuse clusters: the numbers `diffuse` draws from.

Each of them is a pair (s, sigma) of a Rice law, drawn once for each cluster and side:

=================  ============================================  ======
symbol             meaning                                       unit
=================  ============================================  ======
``lambda_per_ns``  arrival rate of rays                          1/ns
``k_db``           how far the cluster starts below its cursor   dB
``gamma_ns``       power decay time                              ns
``sigma_s``        spread of ray powers around the decay         neper
=================  ============================================  ======
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dnt_lab.datasets._checks import one_of, whole

Rice = tuple[float, float]
"""Parameters (s, sigma) of ``sqrt((s + sigma N1)^2 + (sigma N2)^2)``; (s, 0) is the constant s."""


def _check_rice(owner, *names: str) -> None:
    for name in names:
        pair = np.asarray(getattr(owner, name), float)
        if pair.shape != (2,) or not (np.isfinite(pair).all() and (pair >= 0).all()):
            raise ValueError(f"{name} is {getattr(owner, name)!r}, but must be (s, sigma), two finite numbers >= 0")


@dataclass(frozen=True)
class Cursors:
    """Statistics of one side of a cluster, symbols as at the top of this module; `rays` are drawn a cluster."""

    rays: int = 0
    k_db: Rice = (0.0, 0.0)
    gamma_ns: Rice = (0.0, 0.0)
    sigma_s: Rice = (0.0, 0.0)
    lambda_per_ns: Rice = (0.0, 0.0)

    def __post_init__(self):
        whole("rays", self.rays, 0)
        _check_rice(self, "k_db", "gamma_ns", "sigma_s", "lambda_per_ns")
        if self.arrive and not any(self.gamma_ns):
            raise ValueError("gamma_ns is (0, 0) where rays arrive, but a power decay time above 0 ns is needed")

    @property
    def arrive(self) -> bool:
        """Whether there is a ray at all: a rate of (0, 0) means none, as in NIST's tables."""
        return self.rays > 0 and any(self.lambda_per_ns)


@dataclass(frozen=True)
class ClusterStatistics:
    """What a reflector adds to its mirror reflection.

    Attributes
    ----------
    pre, post : Cursors
        Rays before and after the cursor.
    azimuth_deg, elevation_deg : (s, sigma)
        Rice parameters of the standard deviation of ray angles around the cursor's, in degrees.
    angle_law : {"laplace", "gauss"}
        Law of these deviations.
    loss_db : (s, sigma), optional
        Rice parameters of the reflection loss, drawn by `random_reflection_loss`.
    mean_loss_db : float, optional
        Its measured mean, what the material itself takes off.
    """

    pre: Cursors = Cursors()
    post: Cursors = Cursors()
    azimuth_deg: Rice = (0.0, 0.0)
    elevation_deg: Rice = (0.0, 0.0)
    angle_law: str = "laplace"
    loss_db: Rice | None = None
    mean_loss_db: float | None = None

    def __post_init__(self):
        _check_rice(self, "azimuth_deg", "elevation_deg", *(["loss_db"] if self.loss_db is not None else []))
        one_of("angle_law", self.angle_law, ("laplace", "gauss"))
        for name in ("pre", "post"):
            if not isinstance(getattr(self, name), Cursors):
                raise TypeError(f"{name} is {getattr(self, name)!r}, but must be Cursors(...)")
        if (self.loss_db is None) != (self.mean_loss_db is None):
            raise ValueError(
                f"loss_db is {self.loss_db} and mean_loss_db is {self.mean_loss_db}, but both are needed, or none"
            )
        if self.mean_loss_db is not None and not 0 <= self.mean_loss_db < np.inf:
            raise ValueError(f"mean_loss_db is {self.mean_loss_db}, but must be a finite number of dB, 0 or more")
