"""The two sides together are a `Federation`, whatever the rule and the compression; each refuses what does not fit."""

import numpy as np
import pytest

from dnt_lab import fl
from dnt_lab.fl.sides import ClientSide, ServerSide

from . import linear

RULES = [fl.fedavg(0.7), fl.fedprox(0.3), fl.fedavgm(0.5, 0.8), fl.fedadam(0.05)]
COMPRESSIONS = [None, fl.qsgd(4), fl.top_k(0.4), fl.sign()]
HOW = fl.LocalTraining(epochs=2, batch_size=4, lr=0.05)
N_SAMPLES = (20, 1, 7, 12, 0)
SEED, ROUNDS = 3, 5


def rounds_of_sides(data, rule, compression, backwards=True):
    """Let a server and one side a client speak with each other, answers coming in backwards."""
    server = ServerSide(linear.MODEL, rule, SEED, linear.START, compression)
    client = ClientSide(linear.MODEL, HOW, SEED, compression)
    residuals = [None] * len(data)
    for job in range(1, ROUNDS + 1):
        replies = []
        for k in range(len(data))[:: -1 if backwards else 1]:
            sent, residuals[k] = client.reply(k, data[k], server.weights, job, rule.prox, residuals[k])
            replies.append((k, data.n_samples[k], sent))
        server.step(replies)
    return server.weights


@pytest.mark.parametrize("compression", COMPRESSIONS, ids=lambda c: c.name if c else "plain")
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_both_sides_together_are_a_federation(rule, compression):
    data = linear.clients(N_SAMPLES)
    whole = fl.Federation(linear.MODEL, data, rule, HOW, compression=compression, initial=linear.START, seed=SEED)
    whole.run(ROUNDS)
    found = rounds_of_sides(data, rule, compression)
    np.testing.assert_allclose(found, whole.weights[0], rtol=1e-12)
    assert np.abs(found - linear.START).max() > 0.01


def test_the_order_of_the_answers_changes_no_bit():
    data = linear.clients(N_SAMPLES)
    there, back = (rounds_of_sides(data, fl.fedadam(), fl.top_k(0.4), backwards) for backwards in (False, True))
    np.testing.assert_array_equal(there, back)


def test_what_travels_compressed_are_the_bytes_that_virtual_time_counts():
    data, model = linear.clients((9,)), fl.mlp(linear.N_IN, hidden=8)
    for compression in COMPRESSIONS[1:]:
        side = ClientSide(model, HOW, SEED, compression)
        sent, left_out = side.reply(0, data, model.init(1), job=1, prox=0.0, residual=None)
        assert sent.nbytes == compression.n_bytes(model.n_parameters)
        assert (left_out is not None) == compression.feedback


def test_who_is_missing_is_missing():
    updates, rule = np.array([[1.0, 2, 3], [4, 5, 6], [7, 8, 10]]), fl.fedavg()
    server = ServerSide(linear.MODEL, rule, initial=linear.START)
    server.step([(2, 3, updates[2]), (0, 1, updates[0])])
    np.testing.assert_allclose(server.weights, linear.START + (updates[0] + 3 * updates[2]) / 4)


def test_a_server_refuses_answers_that_do_not_fit():
    server = ServerSide(linear.MODEL, fl.fedavg(), initial=linear.START)
    good = np.zeros(3)
    with pytest.raises(ValueError, match="two nodes are client 1; every node needs a partition-id of its own"):
        server.step([(1, 5, good), (0, 5, good), (1, 5, good)])
    for bad, told in ((np.zeros(4), r"float64 of shape \(4,\)"), (good.astype("f4"), r"float32 of shape \(3,\)")):
        with pytest.raises(ValueError, match=rf"client 1 sent {told}, but float64 of shape \(3,\) is needed; give"):
            server.step([(0, 5, good), (1, 5, bad)])
    server = ServerSide(linear.MODEL, fl.fedavg(), compression=fl.sign())
    with pytest.raises(ValueError, match=r"client 0 sent float64 of shape \(3,\), but uint8 of shape \(5,\) is needed"):
        server.step([(0, 5, good)])


def test_a_server_refuses_rules_without_rounds_and_weights_that_are_not_finite():
    with pytest.raises(TypeError, match=r"strategy is fedasync\(.*, but rounds need a Strategy such"):
        ServerSide(linear.MODEL, fl.fedasync())
    with pytest.raises(ValueError, match="initial holds NaN or infinity; finite weights are needed"):
        ServerSide(linear.MODEL, fl.fedavg(), initial=np.array([0.0, np.nan, 0.0]))
    with pytest.raises(ValueError, match=r"weights have shape \(4,\)"):
        ServerSide(linear.MODEL, fl.fedavg(), initial=np.zeros(4))


def test_a_client_whose_training_diverges_says_so_instead_of_sending():
    side = ClientSide(linear.MODEL, linear.full_batch(lr=1e200, epochs=3), SEED, None)
    with pytest.raises(
        ValueError, match=r"training of client 7 diverged to NaN or infinity; a smaller lr than 1e\+200"
    ):
        side.reply(7, linear.clients((3,)), linear.START, 1, 0.0, None)


def test_a_client_refuses_the_samples_of_others_or_of_the_future_and_another_mu():
    side = ClientSide(linear.MODEL, fl.LocalTraining(prox=0.1), SEED, None)
    with pytest.raises(ValueError, match=r"data_of\(7\) holds 2 clients; it must hold the samples of one"):
        side.reply(7, linear.clients((3, 4)), linear.START, 1, 0.0, None)
    own = linear.clients((3,))
    with pytest.raises(
        ValueError, match=r"data_of\(7\) holds samples known after 0 s, but rounds use every sample; give"
    ):
        side.reply(7, fl.ClientData(own.x, own.y, own.n_samples, np.array([[0, 0, 9]])), linear.START, 1, 0.0, None)
    with pytest.raises(ValueError, match=r"how.prox is 0.1, but the server wants 0.2; leave it at 0"):
        side.reply(7, own, linear.START, 1, 0.2, None)
