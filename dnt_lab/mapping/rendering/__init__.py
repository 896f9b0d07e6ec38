r"""Horizontal mapping by GNN rendering: what changed in the network, and which nodes of the twin to update for it.

The twin holds a record of every node. Cheap, noisy reports say what the network is like now. Both make a graph; a graph
encoder, trained without labels on ordinary life, embeds the nodes of both; where the two embeddings of a node lie
farther apart than they ordinarily do, the twin asks for an update, elsewhere it keeps what it has.

>>> from dnt_lab.mapping import rendering
>>> pn = rendering.living_city("florence", n_users=600, seed=1)
>>> quiet = rendering.quiet_pairs(pn)
>>> encoder = rendering.train_encoder([seen for _, seen in quiet], "dgi", seed=1)
>>> detector = rendering.fit_detector(encoder.embed, quiet)
>>> trace = rendering.watch(pn, n_steps=60, changes={20: "new_building"}, seed=1)
>>> rule = rendering.by_score(detector.score, detector.threshold(0.4), trace.cell_position_m)
>>> twin = rendering.render(trace, rule)
>>> twin.updates_saved, twin.fidelity

Source: G. Liu et al., "Digital Network Twins for Next-generation Wireless", section III-A.2a.
"""

from dnt_lab.mapping.rendering.changes import CHANGES, STEP_S, Change, SomeWalk, inject, living_city
from dnt_lab.mapping.rendering.detect import (
    Detector,
    auc,
    difference_of,
    fit_detector,
    mahalanobis,
    one_hop,
    own,
    own_and_one_hop,
    raw_threshold,
)
from dnt_lab.mapping.rendering.encoder import ENCODERS, Encoder, train_encoder
from dnt_lab.mapping.rendering.graph import FEATURES, Graph, graph_edges, graph_pair
from dnt_lab.mapping.rendering.keep_or_update import (
    Rendering,
    Rule,
    Trace,
    always,
    at_random,
    by_score,
    periodically,
    render,
    watch,
)
from dnt_lab.mapping.rendering.study import (
    METHODS,
    change_study,
    fit_methods,
    quiet_pairs,
    saved_at_loss,
    saving_study,
)
from dnt_lab.mapping.rendering.telemetry import Record, Report, cheap_report, full_record, silenced
from dnt_lab.mapping.rendering.truth import Attributes, attributes, drift, rate_fidelity, sinr_fidelity

__all__ = [
    "CHANGES",
    "ENCODERS",
    "FEATURES",
    "METHODS",
    "STEP_S",
    "Attributes",
    "Change",
    "Detector",
    "Encoder",
    "Graph",
    "Record",
    "Rendering",
    "Report",
    "Rule",
    "SomeWalk",
    "Trace",
    "always",
    "at_random",
    "attributes",
    "auc",
    "by_score",
    "change_study",
    "cheap_report",
    "difference_of",
    "drift",
    "fit_detector",
    "fit_methods",
    "full_record",
    "graph_edges",
    "graph_pair",
    "inject",
    "living_city",
    "mahalanobis",
    "one_hop",
    "own",
    "own_and_one_hop",
    "periodically",
    "quiet_pairs",
    "rate_fidelity",
    "raw_threshold",
    "render",
    "saved_at_loss",
    "saving_study",
    "silenced",
    "sinr_fidelity",
    "train_encoder",
    "watch",
]
