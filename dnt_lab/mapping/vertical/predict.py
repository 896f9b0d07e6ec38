r"""What the twin believes of a link: the model's outputs, read as probabilities.

The gain is a mixture of two Gaussians, with and without line of sight; its distribution function
:math:`F(g) = p\,\Phi((g-\mu_1)/\sigma_1) + (1-p)\,\Phi((g-\mu_0)/\sigma_0)` gives intervals, and the place of a
measured gain in it, which is uniform in 0 to 1 if the twin knows how much it does not know.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, ndtr, softmax

from dnt_lab.datasets._numbers import inner_share
from dnt_lab.fl import Model
from dnt_lab.mapping.vertical.attributes import N_BEAMS, beam_towards, direct_azimuth_deg
from dnt_lab.mapping.vertical.model import EXCESS_SCALE_DB, N_OUTPUTS, OUTPUTS
from dnt_lab.mapping.vertical.regions import Region
from dnt_lab.mapping.vertical.task import SPREAD_FLOOR_S, link_inputs

_TRACKS_AT_ONCE = 256  # what a link sees is 150 times as large as what is said of it
_HALVINGS = 40
_REACH = 12.0  # standard deviations from the farther mean within which every quantile lies


@dataclass(frozen=True, eq=False)
class Prediction:
    """Predicted attributes of R links.

    Attributes
    ----------
    state_gain_db, state_std_db : ndarray, shape (R, 2)
        Mean and standard deviation of the gain with (0) and without (1) line of sight.
    p_los, p_path : ndarray, shape (R,)
        Probability that the straight ray, or anything, arrives. Gains are those of a link on which something does, and
        are mixed with `p_los` as it is: both probabilities are high together.
    delay_spread_s : ndarray, shape (R,)
        Delay spread in seconds, if anything arrives.
    p_beam : ndarray, shape (R, 16)
        Probability that a beam is the best one.
    """

    state_gain_db: np.ndarray
    state_std_db: np.ndarray
    p_los: np.ndarray
    p_path: np.ndarray
    delay_spread_s: np.ndarray
    p_beam: np.ndarray

    def __len__(self) -> int:
        return len(self.p_los)

    @property
    def weights(self) -> np.ndarray:
        """Probability of either state, shape (R, 2)."""
        return np.stack([self.p_los, 1 - self.p_los], axis=1)

    @property
    def gain_db(self) -> np.ndarray:
        """Mean gain in dB, shape (R,)."""
        return (self.weights * self.state_gain_db).sum(axis=1)

    @property
    def std_db(self) -> np.ndarray:
        """Standard deviation of the gain in dB, shape (R,)."""
        second = (self.weights * (self.state_std_db**2 + self.state_gain_db**2)).sum(axis=1)
        return np.sqrt(np.maximum(second - self.gain_db**2, 0.0))

    @property
    def los(self) -> np.ndarray:
        """Whether line of sight is likelier than not, shape (R,)."""
        return self.p_los > 0.5

    @property
    def path(self) -> np.ndarray:
        """Whether it is likelier than not that anything arrives, shape (R,)."""
        return self.p_path > 0.5

    @property
    def best_beam(self) -> np.ndarray:
        """Likeliest best beam, shape (R,)."""
        return self.p_beam.argmax(axis=1)

    def place(self, gain_db: np.ndarray) -> np.ndarray:
        """Return the probability F(g) of a gain of `gain_db` or less, shape (R,)."""
        z = (np.asarray(gain_db)[:, None] - self.state_gain_db) / self.state_std_db
        return (self.weights * ndtr(z)).sum(axis=1)

    def quantile_db(self, level) -> np.ndarray:
        """Gain in dB that is not exceeded with probability `level`, a number or one a link, shape (R,)."""
        spread = _REACH * self.state_std_db
        low, high = (self.state_gain_db - spread).min(axis=1), (self.state_gain_db + spread).max(axis=1)
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            below = self.place(middle) < level
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return (low + high) / 2

    def interval_db(self, share: float) -> tuple[np.ndarray, np.ndarray]:
        """Bounds in dB between which the gain lies with probability `share`, as much missing on either side.

        Raises
        ------
        ValueError, TypeError
            If `share` is not between 0 and 1.
        """
        share = inner_share("share", share)
        return self.quantile_db((1 - share) / 2), self.quantile_db((1 + share) / 2)


def predict(model: Model, weights: np.ndarray, region: Region, reported_m: np.ndarray | None = None) -> Prediction:
    """Predict the attributes of users in a region from its raster and their tracks.

    Parameters
    ----------
    model : Model
        From `link_model`.
    weights : ndarray, shape (P,)
        Of the twin that serves the region.
    region : Region
        Where they are; of its physical side, only the BS's place and carrier are read.
    reported_m : ndarray, shape (N, T, 3), optional
        Tracks in metres, T as the model has it; those of the region if left out.

    Returns
    -------
    Prediction
        Of N T links, one track after the other.

    Raises
    ------
    ValueError, TypeError
        If a shape does not fit.
    """
    reported_m = region.reported_m if reported_m is None else np.asarray(reported_m, float)
    outputs = [np.empty((0, N_OUTPUTS), np.float32)]
    for first in range(0, len(reported_m), _TRACKS_AT_ONCE):
        inputs = link_inputs(region, reported_m[first : first + _TRACKS_AT_ONCE])
        outputs.append(model.predict(weights, inputs[None])[0].reshape(-1, N_OUTPUTS))
    return prediction_of(np.concatenate(outputs), region, reported_m.reshape(-1, 3))


def prediction_of(outputs: np.ndarray, region: Region, user_m: np.ndarray) -> Prediction:
    """Read outputs (R, 23) of the model for users (R, 3) as a `Prediction`."""
    outputs = outputs.astype(float)
    beams = softmax(outputs[:, len(OUTPUTS) :], axis=1)
    towards = beam_towards(direct_azimuth_deg(region.bs_m, user_m))
    from_north = (np.arange(N_BEAMS) - towards[:, None]) % N_BEAMS
    return Prediction(
        state_gain_db=-(outputs[:, :2] * EXCESS_SCALE_DB + region.free_space_db(user_m)[:, None]),
        state_std_db=np.exp(np.clip(outputs[:, 2:4], -4, 3)) * EXCESS_SCALE_DB,
        p_los=expit(outputs[:, 4]),
        p_path=expit(outputs[:, 5]),
        delay_spread_s=np.maximum(10 ** outputs[:, 6] * 1e-9 - SPREAD_FLOOR_S, 0.0),
        p_beam=np.take_along_axis(beams, from_north, axis=1),
    )
