"""Embeddings against the dense matrix product, losses against their formulas, and the symmetries of a graph network."""

import numpy as np
import pytest
import torch

from dnt_lab.mapping import rendering
from dnt_lab.mapping.rendering import encoder as module

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def trained(pairs):
    return {
        kind: rendering.train_encoder([g for p in pairs for g in p], kind, seed=4, epochs=20)
        for kind in rendering.ENCODERS
    }


def weights(encoder):
    own, near = encoder.layer.lin_r.weight, encoder.layer.lin_l.weight
    return [w.detach().numpy() for w in (own, near, encoder.layer.lin_l.bias)]


@pytest.mark.parametrize("kind", rendering.ENCODERS)
def test_an_embedding_is_two_dense_products(trained, pairs, kind):
    seen = pairs[0][1]
    adjacency = np.zeros((seen.n_nodes, seen.n_nodes))
    adjacency[seen.edge_index[1], seen.edge_index[0]] = 1
    mean = adjacency / adjacency.sum(axis=1, keepdims=True) @ seen.features
    own, near, bias = weights(trained[kind])
    expected = seen.features @ own.T + mean @ near.T + bias
    np.testing.assert_allclose(trained[kind].embed(seen), expected, atol=1e-4)


def test_renamed_nodes_have_the_same_embeddings(trained, pairs):
    seen = pairs[0][1]
    order = np.random.default_rng(0).permutation(seen.n_nodes)
    place = np.argsort(order)
    renamed = rendering.Graph(seen.features[order], place[seen.edge_index], seen.n_users)
    np.testing.assert_allclose(trained["dgi"].embed(renamed), trained["dgi"].embed(seen)[order], atol=1e-5)


def test_the_same_weights_embed_a_graph_of_another_size(trained):
    small = rendering.living_city(n_users=30, seed=9, n_sites=2)
    twin, seen = rendering.quiet_pairs(small, n_steps=4)[0]
    assert trained["dgi"].embed(seen).shape == trained["dgi"].embed(twin).shape == (36, module.WIDTH)


def test_an_absent_edge_carries_nothing(trained, pairs):
    seen = pairs[0][1]
    target = 5
    heard = seen.edge_index[0][seen.edge_index[1] == target]
    silent = np.setdiff1d(np.arange(seen.n_nodes), [*heard, target])
    features = seen.features.copy()
    features[silent] += 100
    other = rendering.Graph(features, seen.edge_index, seen.n_users)
    np.testing.assert_array_equal(trained["dgi"].embed(other)[target], trained["dgi"].embed(seen)[target])


def test_the_loss_of_deep_graph_infomax_is_its_formula(pairs):
    graph = pairs[0][1]
    encoder = rendering.train_encoder([graph], "dgi", seed=7, epochs=1)
    # replay the one pass: the same stream of random numbers, the formula in numpy
    from torch_geometric.nn import DeepGraphInfomax, SAGEConv, Sequential

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(np.random.default_rng(7).integers(2**62)))
        layer = SAGEConv(len(rendering.FEATURES), module.WIDTH)
        activated = Sequential("x, edges", [(layer, "x, edges -> z"), torch.nn.PReLU(module.WIDTH)])
        model = DeepGraphInfomax(module.WIDTH, activated, module.summary, module.shuffled)
        x, edges = torch.from_numpy(graph.features), torch.from_numpy(graph.edge_index)
        wrong = module.shuffled(x, edges)[0]
        z, z_wrong, m = (t.detach().double().numpy() for t in (layer(x, edges), layer(wrong, edges), model.weight))
    h, h_wrong = (np.where(v > 0, v, 0.25 * v) for v in (z, z_wrong))  # PReLU as it starts
    s = 1 / (1 + np.exp(-h.mean(axis=0)))
    right, false = h @ m @ s, h_wrong @ m @ s
    expected = np.log1p(np.exp(-right)).mean() + np.log1p(np.exp(false)).mean()
    assert encoder.losses[0] == pytest.approx(expected, rel=1e-4)


def test_a_shuffle_keeps_users_users_and_cells_cells(pairs):
    x, edges = torch.from_numpy(pairs[0][1].features), torch.from_numpy(pairs[0][1].edge_index)
    torch.manual_seed(0)
    wrong, same = module.shuffled(x, edges)
    assert same is edges and not torch.equal(wrong, x)
    for part in (slice(None, 120), slice(120, None)):
        assert sorted(map(tuple, wrong[part].tolist())) == sorted(map(tuple, x[part].tolist()))


@pytest.mark.parametrize(("kind", "passes", "share"), [("dgi", 200, 0.85), ("gae", 60, 0.9)])
def test_learning_wins_the_game(pairs, kind, passes, share):
    losses = rendering.train_encoder([g for p in pairs for g in p], kind, seed=4, epochs=passes).losses
    assert len(losses) == passes and losses[-10:].mean() < share * 2 * np.log(2)  # guessing costs 2 ln 2


@pytest.mark.parametrize("kind", rendering.ENCODERS)
def test_the_same_seed_trains_the_same_encoder_and_disturbs_no_one(pairs, kind):
    graphs = [seen for _, seen in pairs[:2]]
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    first, again, other = (rendering.train_encoder(graphs, kind, seed, epochs=3) for seed in (5, 5, 6))
    assert torch.equal(torch.rand(3), expected)
    np.testing.assert_array_equal(first.embed(graphs[0]), again.embed(graphs[0]))
    assert not np.allclose(first.embed(graphs[0]), other.embed(graphs[0]))


def test_what_cannot_be_trained_is_refused(pairs):
    with pytest.raises(ValueError, match="kind of encoder is 'vgae', but must be one of 'dgi', 'gae', 'untrained'"):
        rendering.train_encoder([pairs[0][0]], "vgae")
    with pytest.raises(ValueError, match="graphs is empty, but an encoder learns from graphs of ordinary life"):
        rendering.train_encoder([], "dgi")
    with pytest.raises(ValueError, match="epochs is 0, but must be 1 or more"):
        rendering.train_encoder([pairs[0][0]], "gae", epochs=0)
