"""Digital network twins: state, events, synchronisation, repository, what-if, planning."""

from dnt_lab.twin import comparison
from dnt_lab.twin.digital_network_twin import DigitalNetworkTwin, LocalTwin
from dnt_lab.twin.incremental import Incremental
from dnt_lab.twin.isolated import IsolatedTwins
from dnt_lab.twin.network_twin import NetworkTwin, Touched

__all__ = [
    "DigitalNetworkTwin",
    "Incremental",
    "IsolatedTwins",
    "LocalTwin",
    "NetworkTwin",
    "Touched",
    "comparison",
]
