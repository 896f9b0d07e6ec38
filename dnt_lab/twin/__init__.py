"""Digital network twins: state, events, synchronisation, repository, what-if, planning."""

from dnt_lab.twin import comparison
from dnt_lab.twin.agent import Scope
from dnt_lab.twin.digital_network_twin import DigitalNetworkTwin, LocalTwin
from dnt_lab.twin.freshness import AgeMeter, divergence
from dnt_lab.twin.incremental import Incremental
from dnt_lab.twin.isolated import IsolatedTwins
from dnt_lab.twin.link import Arrival, Link, LinkStats
from dnt_lab.twin.network_twin import NetworkTwin, Touched
from dnt_lab.twin.policies import AgeOptimal, EventTriggered, Periodic, Randomised, whittle_index
from dnt_lab.twin.receiver import Receiver
from dnt_lab.twin.repository import ConflictError, Repository, RepositoryError
from dnt_lab.twin.state_diff import diff_states
from dnt_lab.twin.sync import Synchroniser
from dnt_lab.twin.sync_study import Recording, policy_study

__all__ = [
    "AgeMeter",
    "AgeOptimal",
    "Arrival",
    "ConflictError",
    "DigitalNetworkTwin",
    "EventTriggered",
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
    "comparison",
    "diff_states",
    "divergence",
    "policy_study",
    "whittle_index",
]
