"""The comparison in one world: every way of keeping twins alive, and how much the weight of a stale update matters.

>>> world = draw_world("one", seed=1)
>>> compare(world)  # a row a system, columns as in `phases`
>>> compare_rules(world, mean_weight=0.15)  # weights of equal mean: what is left is their shape
"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from dnt_lab import fl
from dnt_lab.datasets._numbers import inner_share
from dnt_lab.mapping.continual.choice import choose_by_reports
from dnt_lab.mapping.continual.constants import running_constants
from dnt_lab.mapping.continual.scores import own_arrivals, phases
from dnt_lab.mapping.continual.twins import asynchronous, central, frozen, in_rounds
from dnt_lab.mapping.continual.world import World

RULES = {rule.name: rule for rule in (fl.constant(), fl.polynomial(0.5), fl.polynomial(1.0), fl.hinge(10.0, 4.0))}
"""Discounts of a stale update that `compare_rules` compares."""


def compare(world: World) -> pd.DataFrame:
    """Keep twins alive in every way.

    Returns
    -------
    DataFrame
        As `phases` returns it. Without learning: ``frozen``, ``two constants``, and ``frozen, corrected``, which is the
        first twin with two running constants on top. One model for all: ``central``, ``rounds``, ``global`` and
        ``global, buffered``, a buffer of half the BSs. Heads in buildings: ``rounds, local + global`` and ``local +
        global``, which meet in the cloud, ``local``, which do not, and ``local, corrected``. And every BS ``alone``,
        and the ``best by reports`` of ``local``, ``global`` and ``alone``.
    """
    rule, often = fl.fedasync(0.6, fl.polynomial(0.5)), world.learning.merge_every
    runs = {
        "frozen": frozen(world),
        "two constants": running_constants(world),
        "frozen, corrected": running_constants(world, base_db=world.predict_db(world.first)),
        "central": central(world),
        "rounds": in_rounds(world),
        "global": asynchronous(world, rule),
        "global, buffered": asynchronous(world, fl.fedbuff(len(world.campus) // 2)),
        "rounds, local + global": in_rounds(world, "buildings", often),
        "local + global": asynchronous(world, rule, "buildings", often),
        "local": asynchronous(world, rule, "buildings"),
        "alone": asynchronous(world, fl.fedasync(1.0, fl.constant()), "rooms"),
    }
    local = runs["local"]  # what is put right has been paid for
    runs["local, corrected"] = replace(
        local, predicted_db=running_constants(world, base_db=local.predicted_db).predicted_db
    )
    runs["best by reports"], _ = choose_by_reports(world, [runs[name] for name in ("local", "global", "alone")])
    return phases(world, runs)


def compare_rules(world: World, mean_weight: float, heads: str = "cloud") -> pd.DataFrame:
    """Compare discounts of stale updates that give arrivals the same mean weight.

    A discount does two things: it makes all steps smaller, and it makes those of stale updates smaller than others.
    The first can be had by a smaller ``alpha``. Here each discount gets the ``alpha`` with which its mean weight over
    arrivals is `mean_weight`, so what differs is the second. (Every arrival makes a version, so staleness is the same
    for all.)

    Parameters
    ----------
    world : World
        In which they run.
    mean_weight : float
        Between 0 and 1.
    heads : str
        One of `twins.HEADS`.

    Returns
    -------
    DataFrame, index ``system``
        As `phases` returns it, with a column ``alpha``; rows `RULES`.

    Raises
    ------
    ValueError
        If a discount is so steep that no ``alpha`` of at most 1 gives it that mean weight.
    """
    mean_weight = inner_share("mean_weight", mean_weight)
    plain = asynchronous(world, fl.fedasync(mean_weight, fl.constant()), heads)
    staleness = own_arrivals(plain.history)["staleness"].to_numpy()
    alphas = {name: mean_weight / float(rule(staleness).mean()) for name, rule in RULES.items()}
    for name, alpha in alphas.items():
        if alpha > 1:
            raise ValueError(f"mean_weight is {mean_weight:g}, but {name} gives {mean_weight / alpha:.3g} at most.")
    runs = {name: asynchronous(world, fl.fedasync(alphas[name], rule), heads) for name, rule in RULES.items()}
    return phases(world, runs).assign(alpha=alphas)
