"""Rules of a round: by hand, against torch.optim, and what holds for all of them."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dnt_lab import fl

RULES = [fl.fedavg(0.7), fl.fedprox(0.1), fl.fedavgm(0.5, 0.8), fl.fedadam(0.1)]
START = np.array([1.0, 2.0])
UPDATES = np.array([[1.0, 0.0], [3.0, -4.0]])  # weighted 1 to 3: d = (2.5, -3)
N = np.array([10, 30])


@st.composite
def rounds(draw):
    """A server's weights, updates of a few clients, and their numbers of samples."""
    k, p = draw(st.integers(1, 6)), draw(st.integers(1, 4))
    numbers = st.floats(-10, 10, width=32)
    n = draw(arrays(int, k, elements=st.integers(0, 1000)).filter(lambda n: n.sum() > 0))
    return draw(arrays(float, p, elements=numbers)), draw(arrays(float, (k, p), elements=numbers)), n


def test_fedavg_by_hand():
    rule = fl.fedavg()
    moved, state = rule.step(START, UPDATES, N, rule.init(START))
    np.testing.assert_allclose(moved, [3.5, -1.0], rtol=1e-15)
    assert state == {}
    np.testing.assert_allclose(fl.fedavg(0.1).step(START, UPDATES, N, {})[0], [1.25, 1.7], rtol=1e-15)


def test_fedavgm_by_hand():
    rule = fl.fedavgm(server_lr=0.5, momentum=0.8)
    one, state = rule.step(START, UPDATES, N, rule.init(START))
    two, state = rule.step(one, np.ones((1, 2)), [7], state)
    np.testing.assert_allclose(one, [2.25, 0.5], rtol=1e-15)
    np.testing.assert_allclose(state["v"], [0.8 * 2.5 + 1, 0.8 * -3 + 1], rtol=1e-15)
    np.testing.assert_allclose(two, [2.25 + 0.5 * 3.0, 0.5 + 0.5 * -1.4], rtol=1e-14)


def test_fedadam_by_hand():
    rule = fl.fedadam(server_lr=0.1, beta_1=0.5, beta_2=0.75, tau=1.0)
    one, state = rule.step(np.zeros(1), np.array([[4.0]]), [1], rule.init(np.zeros(1)))
    assert (state["m"], state["v"]) == (2.0, 4.0)
    np.testing.assert_allclose(one, [0.1 * 2 / (2 + 1)], rtol=1e-15)
    two, state = rule.step(one, np.array([[0.0]]), [1], state)
    assert (state["m"], state["v"]) == (1.0, 3.0)
    np.testing.assert_allclose(two, one + 0.1 / (np.sqrt(3) + 1), rtol=1e-15)


def test_fedavgm_is_the_momentum_of_torch_on_the_pseudo_gradient():
    rng = np.random.default_rng(0)
    rule, w = fl.fedavgm(0.3, 0.9), rng.normal(size=5)
    theirs = torch.tensor(w, requires_grad=True)
    optimiser = torch.optim.SGD([theirs], lr=0.3, momentum=0.9)
    state = rule.init(w)
    for _ in range(6):
        updates = rng.normal(size=(3, 5))
        w, state = rule.step(w, updates, [1, 2, 3], state)
        theirs.grad = -torch.from_numpy(np.array([1, 2, 3]) / 6 @ updates)
        optimiser.step()
    np.testing.assert_allclose(w, theirs.detach(), rtol=1e-12)


def test_fedadam_is_the_adam_of_torch_without_its_bias_correction():
    """Torch divides m by 1 - b1^t and v by 1 - b2^t; a learning rate and an epsilon of each step's own undo that."""
    rng = np.random.default_rng(1)
    lr, b1, b2, tau = 0.05, 0.9, 0.99, 1e-3
    rule, w = fl.fedadam(lr, b1, b2, tau), rng.normal(size=5)
    theirs = torch.tensor(w, requires_grad=True)
    optimiser = torch.optim.Adam([theirs], betas=(b1, b2))
    state = rule.init(w)
    for t in range(1, 7):
        updates = rng.normal(size=(2, 5))
        w, state = rule.step(w, updates, [1, 1], state)
        theirs.grad = -torch.from_numpy(updates.mean(axis=0))
        correction = np.sqrt(1 - b2**t)
        optimiser.param_groups[0] |= {"lr": lr * (1 - b1**t) / correction, "eps": tau / correction}
        optimiser.step()
    np.testing.assert_allclose(w, theirs.detach(), rtol=1e-12)


@given(rounds())
def test_fedavg_with_rate_1_is_the_weighted_mean_of_the_local_models(drawn):
    w, updates, n = drawn
    moved, _ = fl.fedavg().step(w, updates, n, {})
    local = w + updates
    np.testing.assert_allclose(moved, np.average(local, axis=0, weights=n), atol=1e-12)
    trained = local[n > 0]
    assert (moved >= trained.min(axis=0) - 1e-12).all() and (moved <= trained.max(axis=0) + 1e-12).all()


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=8).filter(any))
def test_weights_sum_to_one_and_are_the_shares_of_the_samples(n):
    weights = fl.weighted_mean(np.eye(len(n)), n)
    assert weights.sum() == pytest.approx(1, abs=1e-12)
    np.testing.assert_allclose(weights, np.array(n) / sum(n), rtol=1e-12)


@settings(max_examples=30)
@given(rounds(), st.randoms(use_true_random=False), st.sampled_from(RULES))
def test_neither_the_order_of_clients_nor_the_unit_of_samples_matters(drawn, random, rule):
    w, updates, n = drawn
    order = random.sample(range(len(n)), len(n))
    moved, state = rule.step(w, updates, n, rule.init(w))
    for other_updates, other_n in ((updates[order], n[order]), (updates, 12 * n)):
        again, other = rule.step(w, other_updates, other_n, rule.init(w))
        np.testing.assert_allclose(again, moved, atol=1e-12)
        for name, value in state.items():
            np.testing.assert_allclose(other[name], value, atol=1e-12)


@settings(max_examples=30)
@given(rounds(), st.sampled_from(RULES))
def test_a_step_is_pure(drawn, rule):
    w, updates, n = drawn
    state = rule.init(w)
    given_before = [part.copy() for part in (w, updates, n, *state.values())]
    for part in (w, updates, n, *state.values()):
        part.setflags(write=False)
    first, second = rule.step(w, updates, n, state), rule.step(w, updates, n, state)
    np.testing.assert_array_equal(first[0], second[0])
    for now, before in zip((w, updates, n, *state.values()), given_before, strict=True):
        np.testing.assert_array_equal(now, before)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_precision_is_that_of_the_weights_and_integers_are_not_cut_off(rule):
    for kind, expected in ((np.float32, np.float32), (np.float64, np.float64), (int, np.float64)):
        w, updates = np.array([0, 1], kind), np.array([[1, 0], [0, 0]], kind)
        moved, state = rule.step(w, updates, [1, 1], rule.init(w))
        assert {moved.dtype, *(value.dtype for value in state.values())} == {np.dtype(expected)}
        assert 0 < moved[0] < 1
    assert fl.weighted_mean(np.array([[0], [1]]), [1, 1]) == 0.5


def test_a_mean_of_float32_is_summed_in_float64():
    updates = np.full((10_000, 1), 0.1, np.float32)
    assert fl.weighted_mean(updates, np.ones(10_000)) == np.float32(0.1)


def test_fedprox_is_fedavg_on_the_server_and_hands_mu_to_the_clients():
    rule = fl.fedprox(0.01, server_lr=0.5)
    np.testing.assert_array_equal(rule.step(START, UPDATES, N, {})[0], fl.fedavg(0.5).step(START, UPDATES, N, {})[0])
    assert (rule.prox, fl.fedavg().prox) == (0.01, 0.0)


def test_names_tell_the_parameters():
    assert [rule.name for rule in RULES] == [
        "fedavg(0.7)",
        "fedprox(0.1, 1)",
        "fedavgm(0.5, 0.8)",
        "fedadam(0.1, 0.9, 0.99, 0.001)",
    ]


@pytest.mark.parametrize(
    ("updates", "n", "sentence"),
    [
        (np.zeros((0, 2)), [], r"updates have shape \(0, 2\) and n_samples \(0,\); \(K, P\) and \(K,\) are needed"),
        (np.zeros(2), [1], r"updates have shape \(2,\)"),
        (np.zeros((2, 1)), [1], r"and n_samples \(1,\)"),
        (
            np.zeros((2, 1)),
            [-1, 3],
            r"n_samples is \[-1\.  3\.\], but must hold finite numbers, 0 or more, and one above",
        ),
        (np.zeros((2, 1)), [0, 0], "one above 0"),
        (np.zeros((2, 1)), [np.nan, 1], "n_samples is .*nan"),
        (np.zeros((2, 1)), [np.inf, 1], "n_samples is .*inf"),
    ],
)
def test_updates_that_have_no_mean_are_refused(updates, n, sentence):
    with pytest.raises(ValueError, match=sentence):
        fl.weighted_mean(updates, n)


@pytest.mark.parametrize(
    ("make", "kind", "sentence"),
    [
        (lambda: fl.fedavg(0.0), ValueError, "server_lr is 0.0, but it must be over 0"),
        (lambda: fl.fedavg("1"), TypeError, "server_lr is '1', but a number is needed"),
        (lambda: fl.fedprox(-1.0), ValueError, "mu is -1.0, but it must be at least 0"),
        (lambda: fl.fedavgm(1.0, 1.5), ValueError, "momentum is 1.5, but it must be at least 0 and at most 1"),
        (lambda: fl.fedadam(np.nan), ValueError, "server_lr is nan"),
        (lambda: fl.fedadam(beta_1=-0.1), ValueError, "beta_1 is -0.1"),
        (lambda: fl.fedadam(beta_2=2), ValueError, "beta_2 is 2"),
        (lambda: fl.fedadam(tau=0), ValueError, "tau is 0, but it must be over 0"),
    ],
)
def test_bad_parameters_are_refused(make, kind, sentence):
    with pytest.raises(kind, match=sentence):
        make()
