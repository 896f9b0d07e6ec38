r"""A graph encoder that learns without labels: Deep Graph Infomax, or a graph auto-encoder.

One layer of GraphSAGE turns a node's features x and the mean of those it listens to into an embedding

.. math:: z_v = W_1 x_v + W_2 \frac{1}{|N(v)|}\sum_{u \in N(v)} x_u + b

Deep Graph Infomax (DGI) trains it to tell the true graph from one whose rows are shuffled (among users, among cells).
Every node is judged by how well :math:`h_v = \mathrm{PReLU}(z_v)` goes with the graph's summary s, the mean of all h
through a sigmoid:

.. math:: -\frac1N\sum_v \log\sigma(h_v^T M s) - \frac1N\sum_v \log(1-\sigma(\tilde h_v^T M s))

The graph auto-encoder (GAE) trains it to tell edges from pairs without one by :math:`\sigma(h_u^T h_v)`. Learning needs
the PReLU: without it, true and shuffled rows have the same mean score, and the loss stays at 2 ln 2. The embedding is z
all the same: where h is flat, a change would count for less.

>>> encoder = train_encoder([seen for _, seen in quiet_pairs], "dgi", seed=1)
>>> encoder.embed(seen).shape
(621, 10)

Sources: P. Velickovic et al., "Deep Graph Infomax", ICLR 2019; T. Kipf, M. Welling, "Variational graph auto-encoders",
2016; W. Hamilton, R. Ying, J. Leskovec, "Inductive representation learning on large graphs", NIPS 2017.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from dnt_lab.datasets._checks import generator, one_of, whole
from dnt_lab.mapping.rendering.graph import FEATURES, Graph

ENCODERS = ("dgi", "gae", "untrained")
WIDTH = 10
"""Numbers in an embedding."""
_LEARNING_RATE = 5e-3


@dataclass(frozen=True, eq=False)
class Encoder:
    """A trained encoder.

    Attributes
    ----------
    layer : torch.nn.Module
        ``layer(x, edge_index)`` embeds nodes.
    losses : ndarray, shape (epochs,)
        Loss of each pass; empty if untrained.
    """

    layer: torch.nn.Module
    losses: np.ndarray

    def embed(self, graph: Graph) -> np.ndarray:
        """Embeddings (N, `WIDTH`) of a graph of any size."""
        with torch.no_grad():
            return self.layer(*_tensors(graph)).numpy()


def train_encoder(graphs: Sequence[Graph], kind: str = "dgi", seed=0, epochs: int = 400) -> Encoder:
    """Train on graphs of ordinary life; nobody says what changed in them.

    Parameters
    ----------
    graphs : sequence of Graph
        Taken in turn, one a pass.
    kind : str
        ``"dgi"``, ``"gae"``, or ``"untrained"``: random weights, the baseline that tells what learning adds.
    seed : int or numpy.random.Generator
        Start weights, shuffles, pairs without an edge.
    epochs : int
        Passes.

    Raises
    ------
    TypeError, ValueError
        If there is no such kind, or there are no graphs to learn from.
    """
    one_of("kind of encoder", kind, ENCODERS)
    epochs, rng = whole("epochs", epochs, 1), generator(seed)
    if kind != "untrained" and not len(graphs):
        raise ValueError("graphs is empty, but an encoder learns from graphs of ordinary life: give one at least")
    # here, because its import takes as long as all else together
    from torch_geometric.nn import GAE, DeepGraphInfomax, SAGEConv, Sequential

    with torch.random.fork_rng(devices=[]):  # PyTorch Geometric draws from the global stream only
        torch.manual_seed(int(rng.integers(2**62)))
        layer = SAGEConv(len(FEATURES), WIDTH)
        if kind == "untrained":
            return Encoder(layer.eval(), np.empty(0))
        activated = Sequential("x, edges", [(layer, "x, edges -> z"), torch.nn.PReLU(WIDTH)])
        if kind == "dgi":
            model = DeepGraphInfomax(WIDTH, activated, summary=summary, corruption=shuffled)
            losses = _train(model, lambda x, edges: model.loss(*model(x, edges)), graphs, epochs)
        else:
            model = GAE(activated)
            losses = _train(
                model,
                lambda x, edges: model.recon_loss(model.encode(x, edges), edges, _pairs(x, edges)),
                graphs,
                epochs,
            )
    return Encoder(layer.eval(), losses)


def summary(z: torch.Tensor, *_, **__) -> torch.Tensor:
    """What a whole graph is like: the mean embedding (d,) of its nodes (N, d) through a sigmoid."""
    return torch.sigmoid(z.mean(dim=0))


def shuffled(x: torch.Tensor, edge_index: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The same edges with the features of other nodes of the same kind."""
    order = torch.arange(len(x))
    for kind in (x[:, -1] < 0.5, x[:, -1] > 0.5):
        rows = torch.nonzero(kind).ravel()
        order[rows] = rows[torch.randperm(len(rows))]
    return x[order], edge_index


def _pairs(x: torch.Tensor, edge_index: torch.Tensor) -> torch.Tensor:
    """As many random pairs of nodes as there are edges; in a sparse graph hardly any of them is one."""
    return torch.randint(len(x), edge_index.shape)


def _train(model: torch.nn.Module, loss_of, graphs: Sequence[Graph], epochs: int) -> np.ndarray:
    optimiser, losses = torch.optim.Adam(model.parameters(), lr=_LEARNING_RATE), []
    batches = [_tensors(graph) for graph in graphs]
    for epoch in range(epochs):
        optimiser.zero_grad()
        loss = loss_of(*batches[epoch % len(batches)])
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return np.array(losses)


def _tensors(graph: Graph) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.from_numpy(graph.features), torch.from_numpy(graph.edge_index)
