"""Digital network twins: state, events, synchronisation, repository, what-if, planning."""

from dnt_lab.twin import canyon, comparison, proactive, queueing, slicing, urllc
from dnt_lab.twin.agent import Scope
from dnt_lab.twin.digital_network_twin import DigitalNetworkTwin, LocalTwin
from dnt_lab.twin.freshness import AgeMeter, divergence
from dnt_lab.twin.growth import Growth, estimate_growth
from dnt_lab.twin.incremental import Incremental
from dnt_lab.twin.isolated import IsolatedTwins
from dnt_lab.twin.link import Arrival, Link, LinkStats
from dnt_lab.twin.network_twin import NetworkTwin, Touched
from dnt_lab.twin.planning import exhaustion, exhaustion_factor
from dnt_lab.twin.policies import AgeOptimal, EventTriggered, Periodic, Randomised, whittle_index
from dnt_lab.twin.receiver import Receiver
from dnt_lab.twin.repository import ConflictError, Repository, RepositoryError
from dnt_lab.twin.state_diff import diff_states
from dnt_lab.twin.sync import Synchroniser
from dnt_lab.twin.sync_study import Recording, policy_study
from dnt_lab.twin.upgrades import Upgrade, greedy_plan, rank_upgrades, settle

__all__ = [
    "AgeMeter",
    "AgeOptimal",
    "Arrival",
    "ConflictError",
    "DigitalNetworkTwin",
    "EventTriggered",
    "Growth",
    "Incremental",
    "IsolatedTwins",
    "Link",
    "LinkStats",
    "LocalTwin",
    "NetworkTwin",
    "Periodic",
    "Randomised",
    "Receiver",
    "Recording",
    "Repository",
    "RepositoryError",
    "Scope",
    "Synchroniser",
    "Touched",
    "Upgrade",
    "canyon",
    "comparison",
    "diff_states",
    "divergence",
    "estimate_growth",
    "exhaustion",
    "exhaustion_factor",
    "greedy_plan",
    "policy_study",
    "proactive",
    "queueing",
    "rank_upgrades",
    "settle",
    "slicing",
    "urllc",
    "whittle_index",
]
