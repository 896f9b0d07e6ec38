"""The physical network: users, cells, radio, mobility, traffic, faults.

>>> from dnt_lab import physical
>>> pn = physical.PhysicalNetwork.open_field(n_sites=7, n_users=60, seed=1)
>>> events = pn.step(1.0)
>>> pn["ue-17"].internal["kind"]
'sensor'
"""

from dnt_lab.physical import antenna, pathloss
from dnt_lab.physical.coupling import coupled_load
from dnt_lab.physical.demand import FollowTraffic, OnOff
from dnt_lab.physical.events import Configure, Demand, Event, Handover, Move, decode, encode
from dnt_lab.physical.faults import FAULT_KINDS, Fault, random_fault
from dnt_lab.physical.handover import HandoverRule
from dnt_lab.physical.kpis import Kpis, evaluate
from dnt_lab.physical.layout import attach_best, hexagon, make_state
from dnt_lab.physical.mobility import GaussMarkov, RandomWaypoint, TraceReplay
from dnt_lab.physical.network import PhysicalNetwork
from dnt_lab.physical.objects import NetworkObject, describe
from dnt_lab.physical.radio import Radio
from dnt_lab.physical.scene import Scene
from dnt_lab.physical.state import EXTERNAL, INTERNAL, NOWHERE, State

__all__ = [
    "EXTERNAL",
    "FAULT_KINDS",
    "INTERNAL",
    "NOWHERE",
    "Configure",
    "Demand",
    "Event",
    "Fault",
    "FollowTraffic",
    "GaussMarkov",
    "Handover",
    "HandoverRule",
    "Kpis",
    "Move",
    "NetworkObject",
    "OnOff",
    "PhysicalNetwork",
    "Radio",
    "RandomWaypoint",
    "Scene",
    "State",
    "TraceReplay",
    "antenna",
    "attach_best",
    "coupled_load",
    "decode",
    "describe",
    "encode",
    "evaluate",
    "hexagon",
    "make_state",
    "pathloss",
    "random_fault",
]
