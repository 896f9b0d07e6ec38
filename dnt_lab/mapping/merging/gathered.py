"""All that a merging twin holds at one hour: candidates, their beliefs, its reports, and what these say of them.

>>> held = gather(scenario, now_h=15.0)
>>> held.values("calibrated")  # of all coalitions, by the reports
>>> held.fused(choose(held.values("calibrated")))
>>> held.merged()  # maps fused, then corrected by all fresh measurements
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dnt_lab.mapping.merging.assimilation import assimilate
from dnt_lab.mapping.merging.belief import Belief, Samples
from dnt_lab.mapping.merging.candidates import Twin
from dnt_lab.mapping.merging.fusion import ErrorModel, averaged, fit_errors, fuse
from dnt_lab.mapping.merging.scenario import MergingScenario
from dnt_lab.mapping.merging.values import coalition_values

RECENT_H = 6.0
"""Reports count by exp(-age / RECENT_H) when coalitions are valued and errors learned."""


@dataclass(frozen=True, eq=False)
class Gathered:
    """What is known at one hour; nothing of it is the truth.

    Attributes
    ----------
    now_h : float
        The hour.
    where_m : ndarray, shape (P, 2)
        Positions asked for.
    twins : list of n Twin
        The candidates.
    here, there : list of n Belief
        Their beliefs about `where_m` and about the positions of the reports.
    reports, samples : Samples
        The merging twin's own measurements, and those that the channel-knowledge twin collected.
    weight : ndarray
        Of each report, by its age.
    errors : ErrorModel
        Of the candidates, by the reports.
    """

    now_h: float
    where_m: np.ndarray
    twins: list[Twin]
    here: list[Belief]
    there: list[Belief]
    reports: Samples
    samples: Samples
    weight: np.ndarray
    errors: ErrorModel

    @property
    def names(self) -> list[str]:
        """Names of the candidates."""
        return [twin.name for twin in self.twins]

    def values(self, rule: str = "calibrated") -> np.ndarray:
        """Value of every coalition by the reports, shape (2^n,); see `coalition_values`."""
        return coalition_values(self.there, self.reports, rule, weight=self.weight)

    def claimed(self, members=None) -> Belief:
        """Members fused as they claim."""
        return fuse(self.here, None, members)

    def averaged(self, members=None) -> Belief:
        """Members plainly averaged."""
        members = np.ones(len(self.twins), bool) if members is None else members
        return averaged([belief for belief, taken in zip(self.here, members, strict=True) if taken])

    def fused(self, members=None) -> Belief:
        """Members fused by what the reports say of their errors."""
        return fuse(self.here, self.errors, members)

    def fresh(self, members, samples: Samples) -> Belief:
        """`fused`, corrected by measurements."""
        at_samples = [twin.belief(samples.xy_m, self.now_h) for twin in self.twins]
        believed = fuse(at_samples, self.errors, members)
        return assimilate(self.fused(members), self.where_m, believed, samples, self.now_h)

    def merged(self) -> Belief:
        """All but the channel-knowledge twin fused, then corrected by its samples and the reports.

        Its belief stays out because a belief that has seen the samples already has no error left there to learn from.
        """
        return self.fresh(np.array([name != "channel knowledge" for name in self.names]), self.reports + self.samples)


def gather(scenario: MergingScenario, now_h: float) -> Gathered:
    """Collect what is known at one hour.

    Raises
    ------
    ValueError
        If there are too few reports until then.
    """
    reports, samples = (held[held.time_h <= now_h] for held in (scenario.reports, scenario.samples))
    twins = scenario.twins(now_h)
    here, there = ([twin.belief(xy_m, now_h) for twin in twins] for xy_m in (scenario.outdoor_m, reports.xy_m))
    weight = np.exp((reports.time_h - now_h) / RECENT_H)
    errors = fit_errors(there, reports, weight)
    return Gathered(now_h, scenario.outdoor_m, twins, here, there, reports, samples, weight, errors)
