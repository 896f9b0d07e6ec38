"""Digital network twins: state, events, synchronisation, repository, what-if, planning."""

from dnt_lab.twin.incremental import Incremental
from dnt_lab.twin.network_twin import NetworkTwin, Touched

__all__ = ["Incremental", "NetworkTwin", "Touched"]
