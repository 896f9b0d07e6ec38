r"""Coalitions: what each of n players adds to what they reach together, and which of them to take.

A game is the value of every coalition, an array of :math:`2^n` numbers: coalition c holds player i if bit i of c is
set. The Shapley value of a player is what it adds on average when all join in random order,

.. math:: \phi_i = \sum_{S \not\ni i} \frac{|S|!\,(n-|S|-1)!}{n!} \left(v(S \cup i) - v(S)\right),

the only rule that hands out exactly :math:`v(N) - v(\emptyset)`, gives equals the same, gives nothing to who adds
nothing, and adds up over games (Shapley 1953).

>>> left_glove_and_two_right = (members(3)[:, 0] & members(3)[:, 1:].any(axis=1)).astype(float)
>>> shapley(left_glove_and_two_right).round(3)
array([0.667, 0.167, 0.167])
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln

from dnt_lab.datasets._checks import generator, one_of, whole

MAX_PLAYERS = 20
_CHUNK = 2**16  # coalitions asked for at a time


def members(n: int) -> np.ndarray:
    """Return who is in which coalition, bool of shape (2^n, n), in the order of the coalitions' numbers.

    Raises
    ------
    ValueError, TypeError
        If n is not a whole number, 1 to 20.
    """
    n = whole("n", n, 1, MAX_PLAYERS)
    return (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(bool)


def shapley(values) -> np.ndarray:
    """Return the Shapley value of each player, exactly.

    Parameters
    ----------
    values : array_like, shape (2^n,)
        Value of each coalition in the order of `members`, the empty one first.

    Returns
    -------
    ndarray, shape (n,)

    Raises
    ------
    ValueError
        If the values are not 2^n finite numbers, n from 1 to 20.
    """
    values, n = _game(values)
    size = np.bitwise_count(np.arange(2**n))
    k = np.arange(n)
    weight = np.exp(gammaln(k + 1) + gammaln(n - k) - gammaln(n + 1))
    found = np.empty(n)
    for i in range(n):
        # axis 1 tells whether player i is in
        pairs, sizes = values.reshape(-1, 2, 2**i), size.reshape(-1, 2, 2**i)[:, 0]
        found[i] = (weight[sizes] * (pairs[:, 1] - pairs[:, 0])).sum()
    return found


@dataclass(frozen=True, eq=False)
class Sampled:
    """A sampled Shapley value.

    Attributes
    ----------
    value, standard_error : ndarray, shape (n,)
        Estimate and its standard error for each player.
    n_permutations : int
        Orders of joining that were tried.
    """

    value: np.ndarray
    standard_error: np.ndarray
    n_permutations: int


def shapley_sampled(
    value: Callable[[np.ndarray], np.ndarray], n: int, n_permutations: int, seed, *, antithetic: bool = True
) -> Sampled:
    """Estimate the Shapley value from random orders of joining.

    Parameters
    ----------
    value : callable
        ``value(members (M, n) of bool) -> (M,)``.
    n : int
        Number of players, 1 or more.
    n_permutations : int
        Orders to try, 4 or more; even if `antithetic`.
    seed : int or numpy.random.Generator
        Of the orders.
    antithetic : bool
        Try every order backwards too. Who joins early in one joins late in the other, so that their mean varies less
        where what a player adds falls (or rises) with the size of the coalition.

    Returns
    -------
    Sampled

    Raises
    ------
    ValueError, TypeError
        If a number is out of its range or `value` does not return a finite number a coalition.

    Notes
    -----
    Castro, Gomez and Tejada, Computers & Operations Research 36 (2009) 1726-1730; antithetic: Mitchell et al., JMLR 23
    (2022) 43.
    """
    n, n_permutations = whole("n", n, 1), whole("n_permutations", n_permutations, 4)
    if antithetic and n_permutations % 2:
        raise ValueError(f"n_permutations is {n_permutations}, but orders tried both ways need an even number")
    rng = generator(seed)
    order = rng.permuted(np.tile(np.arange(n), (n_permutations // (1 + antithetic), 1)), axis=1)
    both = [order, order[:, ::-1]] if antithetic else [order]
    added = np.mean([_added(value, way, n) for way in both], axis=0)
    return Sampled(added.mean(axis=0), added.std(axis=0, ddof=1) / np.sqrt(len(added)), n_permutations)


def _added(value, order: np.ndarray, n: int) -> np.ndarray:
    """What each player added in each order, shape of `order`."""
    found = np.empty(order.shape)
    step = max(1, _CHUNK // (n + 1))
    for rows in (slice(first, first + step) for first in range(0, len(order), step)):
        place = order[rows].argsort(axis=1)
        joined = place[:, None] < np.arange(n + 1)[:, None]
        worth = np.asarray(value(joined.reshape(-1, n)), float)
        if worth.shape != (len(place) * (n + 1),) or not np.isfinite(worth).all():
            raise ValueError(f"value returned {worth!s:.60}, but one finite number a coalition is needed")
        steps = np.diff(worth.reshape(len(place), n + 1), axis=1)
        found[rows] = np.take_along_axis(steps, place, axis=1)
    return found


def choose(values, rule: str = "best", cost=0.0) -> np.ndarray:
    """Return whom to take.

    Parameters
    ----------
    values : array_like, shape (2^n,)
        Value of each coalition in the order of `members`.
    rule : str
        ``"best"``: the coalition of the highest value after costs, tried out of all; ``"shapley"``: all players whose
        Shapley value is over their cost; ``"greedy"``: join whoever adds most, until nobody adds more than its cost;
        ``"single"``: the best one alone. The smallest of equals.
    cost : float or array_like, shape (n,)
        Cost of each player in the unit of the values.

    Returns
    -------
    ndarray of bool, shape (n,)
        May be empty, unless the rule is "single".

    Raises
    ------
    ValueError
        If the values are not 2^n finite numbers, a cost is not finite or there is no such rule.
    """
    values, n = _game(values)
    cost = np.broadcast_to(np.asarray(cost, float), (n,))
    if not np.isfinite(cost).all():
        raise ValueError(f"cost holds {cost.tolist()}, but finite numbers in the unit of the values are needed")
    everyone = members(n)
    one_of("rule", rule, ("best", "shapley", "greedy", "single"))
    if rule == "shapley":
        return shapley(values) > cost
    net = values - everyone @ cost
    if rule == "single":
        return everyone[1 << int(np.argmax(net[1 << np.arange(n)]))]
    if rule == "best":
        ranked = np.lexsort((everyone.sum(axis=1), -net))
        return everyone[ranked[0]]
    taken = 0
    while len(others := [taken | 1 << i for i in range(n) if not taken >> i & 1]):
        best = max(others, key=lambda coalition: net[coalition])
        if net[best] <= net[taken]:
            break
        taken = best
    return everyone[taken]


def _game(values) -> tuple[np.ndarray, int]:
    values = np.asarray(values, float)
    n = max(values.size, 1).bit_length() - 1
    if values.shape != (2**n,) or not 1 <= n <= MAX_PLAYERS or not np.isfinite(values).all():
        raise ValueError(
            f"values have shape {values.shape}{'' if np.isfinite(values).all() else ' and are not all finite'}, but "
            f"2^n finite numbers, one a coalition of n players, n from 1 to {MAX_PLAYERS}, are needed"
        )
    return values, n
