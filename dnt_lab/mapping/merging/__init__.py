"""Multi-twin merging: which of several twins of one place to take, and how to make one of them.

>>> from dnt_lab.mapping import merging
>>> scenario = merging.draw_scenario(seed=0)  # a place, its truth, and six candidate twins
>>> held = merging.gather(scenario, now_h=15.0)  # what the merging twin knows then
>>> values = held.values()  # of all 64 coalitions, by its own few reports
>>> merging.shapley(values)  # what each twin is worth
>>> fused = held.fused(merging.choose(values))  # the best coalition, fused by what the reports say of its errors
>>> merging.score(fused, scenario.truth(15.0).gain_db)["rmse_db"]

Where to read what: what a twin believes (`belief`) and how it comes to it (`candidates`, `kriging`); whom to take
(`coalition`, `values`); how to make one belief of several (`fusion`), and how fresh measurements correct it
(`assimilation`); a place to try it at (`place`, `traced`, `scenario`), all that is known there at one hour
(`gathered`), what it brings (`study`), and what a source twin saves (`transfer`).
"""

from dnt_lab.mapping.merging.assimilation import assimilate
from dnt_lab.mapping.merging.belief import Belief, Samples, aged
from dnt_lab.mapping.merging.candidates import Twin, channel_knowledge_twin, map_twin, statistical_twin
from dnt_lab.mapping.merging.coalition import Sampled, choose, members, shapley, shapley_sampled
from dnt_lab.mapping.merging.fusion import ErrorModel, as_claimed, averaged, fit_errors, fuse
from dnt_lab.mapping.merging.gathered import Gathered, gather
from dnt_lab.mapping.merging.kriging import Field, fit_field, krige
from dnt_lab.mapping.merging.place import Place, find_place
from dnt_lab.mapping.merging.scenario import MergingScenario, draw_scenario
from dnt_lab.mapping.merging.study import compare, compare_sight, over_time, score
from dnt_lab.mapping.merging.traced import Traced, traced
from dnt_lab.mapping.merging.transfer import sample_ratio, transfer_curve
from dnt_lab.mapping.merging.values import coalition_values

__all__ = [
    "Belief",
    "ErrorModel",
    "Field",
    "Gathered",
    "MergingScenario",
    "Place",
    "Sampled",
    "Samples",
    "Traced",
    "Twin",
    "aged",
    "as_claimed",
    "assimilate",
    "averaged",
    "channel_knowledge_twin",
    "choose",
    "coalition_values",
    "compare",
    "compare_sight",
    "draw_scenario",
    "find_place",
    "fit_errors",
    "fit_field",
    "fuse",
    "gather",
    "krige",
    "map_twin",
    "members",
    "over_time",
    "sample_ratio",
    "score",
    "shapley",
    "shapley_sampled",
    "statistical_twin",
    "traced",
    "transfer_curve",
]
