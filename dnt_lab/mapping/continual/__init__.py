"""Continual mapping: local twins and a global twin that learn on while walls change behind their back.

>>> from dnt_lab import fl
>>> from dnt_lab.mapping import continual
>>> world = continual.draw_world("one", seed=1)  # four buildings, in one of which walls are lined with metal
>>> runs = {
...     "frozen": continual.frozen(world),
...     "global twin": continual.asynchronous(world, fl.fedasync(0.6, fl.polynomial(0.5))),
...     "local twins": continual.asynchronous(world, fl.fedasync(0.6, fl.polynomial(0.5)), heads="buildings"),
... }
>>> continual.phases(world, runs)  # errors before a change, soon after it, late after it, and where nothing changes

The world: `campus`, `measurements`, `world`; who learns in it: `twins`, `constants`, `choice`; how well: `scores`,
`study`.
"""

from dnt_lab.mapping.continual.campus import DRIFTS, HORIZON_S, WARM_UP_S, Campus, draw_campus, with_walls
from dnt_lab.mapping.continual.choice import choose_by_reports
from dnt_lab.mapping.continual.constants import running_constants
from dnt_lab.mapping.continual.measurements import Measurements, measure
from dnt_lab.mapping.continual.scores import phase_masks, phases, recovery_s, room_errors_db
from dnt_lab.mapping.continual.study import RULES, compare, compare_rules
from dnt_lab.mapping.continual.twins import HEADS, Run, asynchronous, central, frozen, in_rounds
from dnt_lab.mapping.continual.world import Learning, World, draw_world

__all__ = [
    "DRIFTS",
    "HEADS",
    "HORIZON_S",
    "RULES",
    "WARM_UP_S",
    "Campus",
    "Learning",
    "Measurements",
    "Run",
    "World",
    "asynchronous",
    "central",
    "choose_by_reports",
    "compare",
    "compare_rules",
    "draw_campus",
    "draw_world",
    "frozen",
    "in_rounds",
    "measure",
    "phase_masks",
    "phases",
    "recovery_s",
    "room_errors_db",
    "running_constants",
    "with_walls",
]
