"""Digital network twins: state, events, synchronisation, repository, what-if, planning."""

from dnt_lab.twin import canyon, comparison, proactive, queueing, slicing, urllc
from dnt_lab.twin.agent import Scope
from dnt_lab.twin.diagnosis import Diagnosis, diagnose
from dnt_lab.twin.diagnosis_study import FaultStudy, fault_study
from dnt_lab.twin.digital_network_twin import DigitalNetworkTwin, LocalTwin
from dnt_lab.twin.freshness import AgeMeter, divergence
from dnt_lab.twin.growth import Growth, estimate_growth
from dnt_lab.twin.incremental import Incremental
from dnt_lab.twin.indicators import SLA, network_kpis
from dnt_lab.twin.isolated import IsolatedTwins
from dnt_lab.twin.link import Arrival, Link, LinkStats
from dnt_lab.twin.network_twin import NetworkTwin, Touched
from dnt_lab.twin.observation import Observation, observe
from dnt_lab.twin.planning import exhaustion, exhaustion_factor
from dnt_lab.twin.policies import AgeOptimal, EventTriggered, Periodic, Randomised, whittle_index
from dnt_lab.twin.receiver import Receiver
from dnt_lab.twin.repository import ConflictError, Repository, RepositoryError
from dnt_lab.twin.scenario import Scenario, Switch, UserGrowth
from dnt_lab.twin.state_diff import diff_states
from dnt_lab.twin.sync import Synchroniser
from dnt_lab.twin.sync_study import Recording, policy_study
from dnt_lab.twin.upgrades import Upgrade, greedy_plan, rank_upgrades, settle
from dnt_lab.twin.whatif import n_minus_one, what_if

__all__ = [
    "SLA",
    "AgeMeter",
    "AgeOptimal",
    "Arrival",
    "ConflictError",
    "Diagnosis",
    "DigitalNetworkTwin",
    "EventTriggered",
    "FaultStudy",
    "Growth",
    "Incremental",
    "IsolatedTwins",
    "Link",
    "LinkStats",
    "LocalTwin",
    "NetworkTwin",
    "Observation",
    "Periodic",
    "Randomised",
    "Receiver",
    "Recording",
    "Repository",
    "RepositoryError",
    "Scenario",
    "Scope",
    "Switch",
    "Synchroniser",
    "Touched",
    "Upgrade",
    "UserGrowth",
    "canyon",
    "comparison",
    "diagnose",
    "diff_states",
    "divergence",
    "estimate_growth",
    "exhaustion",
    "exhaustion_factor",
    "fault_study",
    "greedy_plan",
    "n_minus_one",
    "network_kpis",
    "observe",
    "policy_study",
    "proactive",
    "queueing",
    "rank_upgrades",
    "settle",
    "slicing",
    "urllc",
    "what_if",
    "whittle_index",
]
