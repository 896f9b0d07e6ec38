r"""Two queues a slice is sized by.

- Packets of equal size, random arrivals, one server (M/D/1): how likely is a delay too long? Of the wait W,
  :math:`P(W > x) \le e^{-\theta x}` with :math:`\lambda (e^{\theta D} - 1) = \theta`, D the service time. The rate of
  decay is exact. (J. F. C. Kingman, "A martingale inequality in the theory of queues", 1964.)
- Sessions that need a channel each and are refused if none is free (M/G/n/n): Erlang's B formula,
  :math:`B_n = a B_{n-1} / (n + a B_{n-1}), B_0 = 1`. (A. K. Erlang, 1917.)
"""

from __future__ import annotations

import numpy as np
from scipy.special import lambertw, wrightomega

from dnt_lab.datasets._numbers import real, reals, whole


def md1_late(arrivals_per_s, service_s, delay_s: float) -> np.ndarray:
    """Bound on the probability that a packet stays longer than `delay_s` in an M/D/1 queue (wait and service).

    Parameters
    ----------
    arrivals_per_s, service_s : array_like
        Rate of arrivals and time to serve one packet; broadcast together.
    delay_s : float
        Delay not to be exceeded.

    Returns
    -------
    ndarray
        Probability; 1 where the queue is overloaded or the service alone takes longer.
    """
    arrivals, service_s = reals("arrivals_per_s", arrivals_per_s), reals("service_s", service_s, strict=True)
    delay_s = real("delay_s", delay_s)
    load = arrivals * service_s
    busy = np.where((load > 0) & (load < 1), load, 0.5)
    decay = -busy - lambertw(-busy * np.exp(-busy), -1).real  # theta D
    bound = np.where(load > 0, np.exp(-decay * (delay_s / service_s - 1)), 0.0)
    return np.where((load < 1) & (service_s <= delay_s), bound, 1.0)


def md1_service_s(arrivals_per_s, delay_s: float, late: float) -> np.ndarray:
    r"""Longest service time for which `md1_late` is at most `late`, in closed form.

    With :math:`a = \lambda d`, :math:`k = \ln(1/\epsilon)` and Lambert's W the service time is
    :math:`D = d z/(1 + z)`, :math:`z = -1 - (a + W_{-1}(-a e^{-(a+k)}))/k`.
    """
    arrivals = reals("arrivals_per_s", arrivals_per_s)
    delay_s, k = real("delay_s", delay_s), -np.log(real("late", late, 0.0, 0.5))
    a = np.maximum(arrivals * delay_s, 1e-300)
    w = wrightomega(np.log(a) - a - k - 1j * np.pi).real  # W_-1 of a number that would underflow
    z = -1 - (a + w) / k
    return np.where(arrivals > 0, delay_s * z / (1 + z), delay_s)


def erlang_b(offered_erlang, n_channels: int) -> np.ndarray:
    """Probability that a session finds all `n_channels` channels taken.

    Examples
    --------
    >>> round(float(erlang_b(4.461, 10)), 4)
    0.01
    """
    offered = reals("offered_erlang", offered_erlang)
    blocked = np.ones_like(offered)
    for n in range(1, whole("n_channels", n_channels, 0) + 1):
        blocked = offered * blocked / (n + offered * blocked)
    return blocked


def erlang_b_channels(offered_erlang, blocked: float) -> np.ndarray:
    """Fewest channels for which at most a share `blocked` of the sessions is refused."""
    offered, blocked = reals("offered_erlang", offered_erlang, high=1e5), real("blocked", blocked, 0.0, 1.0)
    channels, now, n = np.zeros(offered.shape, np.int64), np.where(offered > 0, 1.0, 0.0), 0
    while (wanting := now > blocked).any():
        n += 1
        now = offered * now / (n + offered * now)
        channels[wanting] = n
    return channels
