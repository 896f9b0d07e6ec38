"""Local training: equal to `torch.optim.SGD` on one client after the other, whoever trains beside them."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from dnt_lab.fl import ClientData, LocalTraining, cnn, gru, lstm, mlp, squared_error, train
from dnt_lab.fl._random import SHUFFLE, stream


class LastState(nn.Module):
    def __init__(self, cell, hidden):
        super().__init__()
        self.cell, self.head = cell, nn.Linear(hidden, 1)

    def forward(self, x):
        return self.head(self.cell(x)[0][:, -1])


def modules():
    conv = [nn.Conv1d(2, 8, 3, padding=1), nn.ReLU(), nn.Conv1d(8, 8, 3, padding=1), nn.ReLU()]
    return {
        "mlp": (mlp(4, 5, 1), nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 1))),
        "cnn": (cnn((2, 3)), nn.Sequential(*conv, nn.Flatten(), nn.Linear(24, 1))),
        "gru": (gru(2, 6), LastState(nn.GRU(2, 6, batch_first=True), 6)),
        "lstm": (lstm(2, 6), LastState(nn.LSTM(2, 6, batch_first=True), 6)),
    }


def samples(model, n_samples, seed=0, dtype=float):
    rng = np.random.default_rng(seed)
    parts = [(rng.normal(size=(n, *model.input_shape)), rng.normal(size=(n, 1))) for n in n_samples]
    return ClientData.stack([(x.astype(dtype), y.astype(dtype)) for x, y in parts])


def one_after_the_other(module, weights, data, how, seed, jobs):
    """Train with torch's optimiser and autograd; only the order of the samples is ours."""
    trained = []
    for k, (start, n) in enumerate(zip(torch.tensor(weights), data.n_samples, strict=True)):
        module.to(start.dtype)
        nn.utils.vector_to_parameters(start.clone(), module.parameters())
        parameters = list(module.parameters())
        sent = [p.detach().clone() for p in parameters]
        sgd = torch.optim.SGD(parameters, lr=how.lr, momentum=how.momentum)
        x, y, rng = torch.tensor(data.x[k]), torch.tensor(data.y[k]), stream(seed, SHUFFLE, k, jobs[k])
        for _ in range(how.epochs):
            for batch in torch.tensor(rng.permutation(n)).split(how.batch_size) if n else ():
                loss = nn.functional.mse_loss(module(x[batch]), y[batch])
                loss = loss + how.prox / 2 * sum((p - q).square().sum() for p, q in zip(parameters, sent, strict=True))
                sgd.zero_grad()
                loss.backward()
                sgd.step()
        trained.append(nn.utils.parameters_to_vector(parameters).detach().numpy())
    return np.array(trained)


@pytest.mark.parametrize(("dtype", "atol"), [(np.float32, 1e-6), (np.float64, 1e-12)])
@pytest.mark.parametrize("prox", [0.0, 0.3])
@pytest.mark.parametrize("name", ["mlp", "cnn", "gru", "lstm"])
def test_training_equals_torchs_optimiser_on_one_client_after_the_other(name, prox, dtype, atol):
    model, module = modules()[name]
    data = samples(model, [7, 0, 1, 20, 6, 12], dtype=dtype)
    how, jobs = LocalTraining(epochs=3, batch_size=6, lr=0.05, momentum=0.8, prox=prox), [0, 1, 2, 3, 0, 9]
    start = np.stack([model.init(seed) for seed in range(6)]).astype(dtype)
    expected = one_after_the_other(module, start, data, how, seed=5, jobs=jobs)
    trained = train(model, start, data, how, seed=5, jobs=np.array(jobs))
    assert trained.dtype == dtype
    np.testing.assert_allclose(trained, expected, rtol=0, atol=atol)
    np.testing.assert_array_equal(trained[1], start[1])
    assert (np.abs(trained - start).max(axis=1)[[0, 2, 3, 4, 5]] > 0.01).all()


def test_two_steps_by_hand():
    """One sample x = 2, y = 1 and the model w x + b from (0, 0): gradients are 2 (w x + b - y) (x, 1)."""
    data = ClientData.stack([(np.array([[2.0]]), np.array([[1.0]]))])
    model = mlp(1, n_layers=0)
    first = train(model, np.zeros(2), data, LocalTraining(epochs=1, lr=0.05, momentum=0.5))
    np.testing.assert_allclose(first, [[0.2, 0.1]])
    # the second gradient is 2 (.5 - 1) (2, 1) = (-2, -1); v = .5 (-4, -2) + (-2, -1) = (-4, -2)
    np.testing.assert_allclose(train(model, np.zeros(2), data, LocalTraining(2, lr=0.05, momentum=0.5)), [[0.4, 0.2]])
    # with mu = 3, (-2, -1) + 3 (.2, .1) = (-1.4, -.7); v = (-3.4, -1.7)
    held = train(model, np.zeros(2), data, LocalTraining(2, lr=0.05, momentum=0.5, prox=3.0))
    np.testing.assert_allclose(held, [[0.37, 0.185]])


@pytest.mark.parametrize("mu", [0.0, 0.5, 5.0])
def test_many_steps_on_all_samples_reach_the_closed_form(mu):
    """Least squares, and with FedProx the ridge around the weights that were sent."""
    model = mlp(3, n_layers=0)
    data = samples(model, [30, 8, 15])
    sent = np.random.default_rng(4).normal(size=(3, 4))
    how = LocalTraining(epochs=1200, batch_size=30, lr=0.1, momentum=0.0, prox=mu)
    trained = train(model, sent, data, how)
    for k, n in enumerate(data.n_samples):
        a = np.column_stack([data.x[k, :n], np.ones(n)])
        # the gradient 2/n A^T (A w - y) + mu (w - sent) is zero
        expected = np.linalg.solve(2 / n * a.T @ a + mu * np.eye(4), 2 / n * a.T @ data.y[k, :n, 0] + mu * sent[k])
        np.testing.assert_allclose(trained[k], expected, atol=1e-8)


def test_several_stacks_equal_one_by_one():
    """250 clients are three stacks, each sorted by the number of samples."""
    model = mlp(3, 4, 1)
    n = np.random.default_rng(0).integers(0, 30, 250)
    data, how = samples(model, n), LocalTraining(epochs=2, batch_size=8, lr=0.05)
    start = np.random.default_rng(1).normal(0, 0.3, (250, model.n_parameters))
    together = train(model, start, data, how, seed=3)
    for k in range(0, 250, 9):
        alone = train(model, start[k], data[k], how, seed=3, clients=[k])
        np.testing.assert_allclose(together[k], alone[0], rtol=0, atol=1e-12)
    single = train(model, start.astype(np.float32), data, how, seed=3)
    np.testing.assert_allclose(single, together, rtol=0, atol=2e-6)


@settings(max_examples=20)
@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=6),
    st.integers(1, 5),
    st.randoms(use_true_random=False),
    st.booleans(),
)
def test_a_client_does_not_depend_on_who_trains_beside_it(n_samples, batch_size, random, recurrent):
    model = gru(1, 3, n_steps=2) if recurrent else mlp(2, 3)
    data = samples(model, n_samples)
    start = np.random.default_rng(1).normal(size=(len(data), model.n_parameters))
    how, jobs = LocalTraining(2, batch_size, lr=0.03), np.arange(len(data)) % 3
    together = train(model, start, data, how, seed=2, jobs=jobs)
    some = np.array(random.sample(range(len(data)), random.randint(1, len(data))))
    apart = train(model, start[some], data[some], how, seed=2, clients=some, jobs=jobs[some])
    np.testing.assert_allclose(apart, together[some], rtol=0, atol=1e-12)


def test_every_pass_takes_each_sample_once_in_an_order_of_its_own():
    seen = []

    def recording(prediction, target):
        seen.append(target[..., 0].numpy().copy())
        return squared_error(prediction, target)

    model, ids = mlp(1, 2, 1), np.arange(100, 110.0).reshape(1, 10, 1)
    how = LocalTraining(epochs=2, batch_size=4, lr=1e-6, loss=recording)
    data = ClientData(np.zeros((1, 10, 1)), ids, [10])
    train(model, np.zeros(model.n_parameters), data, how, seed=1)
    assert [batch.shape[1] for batch in seen] == [4, 4, 2, 4, 4, 2]
    assert len(seen) == how.n_steps(10)
    first, second = np.concatenate(seen[:3], axis=1)[0], np.concatenate(seen[3:], axis=1)[0]
    assert sorted(first) == sorted(second) == list(ids.ravel())
    assert (first != second).any() and (first != ids.ravel()).any()
    for other in ({"seed": 2}, {"seed": 1, "jobs": 1}, {"seed": 1, "clients": [1]}):
        seen.clear()
        train(model, np.zeros(model.n_parameters), data, how, **other)
        assert (np.concatenate(seen[:3], axis=1)[0] != first).any()


def test_what_lies_behind_a_clients_last_sample_is_never_read():
    model = mlp(2, 3)
    data = samples(model, [3, 8, 0])
    spoilt = ClientData(data.x.copy(), data.y.copy(), data.n_samples)
    spoilt.x[0, 3:] = spoilt.y[0, 3:] = spoilt.x[2] = np.nan
    how = LocalTraining(epochs=2, batch_size=5)
    expected = train(model, model.init(), data, how)
    np.testing.assert_array_equal(train(model, model.init(), spoilt, how), expected)


def test_nothing_given_is_changed_and_one_start_serves_all():
    model = mlp(2, 3)
    data, start = samples(model, [3, 8]), model.init()
    before = start.copy(), data.x.copy(), data.y.copy()
    for array in (start, data.x, data.y):
        array.flags.writeable = False
    trained = train(model, start, data)
    for array, copy in zip((start, data.x, data.y), before, strict=True):
        np.testing.assert_array_equal(array, copy)
    np.testing.assert_array_equal(trained, train(model, np.stack([start, start]), data))
    np.testing.assert_array_equal(trained, train(model, np.asfortranarray(np.stack([start, start])), data))


def test_no_clients_and_no_samples_are_fine():
    model = gru(2, 3)
    data = samples(model, [4, 2])
    assert train(model, model.init(), data[[]]).shape == (0, model.n_parameters)
    empty = ClientData(data.x[:, :0], data.y[:, :0], [0, 0])
    np.testing.assert_array_equal(train(model, model.init(), empty), [model.init()] * 2)


def test_another_loss_is_averaged_over_the_batch_as_well():
    data = ClientData.stack([(np.array([[1.0], [3.0]]), np.array([[5.0], [-5.0]]))])

    def absolute_error(prediction, target):
        return (prediction - target).abs().mean(dim=-1)

    how = LocalTraining(lr=0.1, loss=absolute_error)
    # the gradient of (|w + b - 5| + |3 w + b + 5|) / 2 at 0 is ((-1 + 3) / 2, 0)
    np.testing.assert_allclose(train(mlp(1, n_layers=0), np.zeros(2), data, how), [[-0.1, 0.0]])


def test_squared_error_is_a_mean_over_outputs():
    assert squared_error(torch.tensor([[[1.0, 2.0]]]), torch.tensor([[[0.0, 5.0]]])).tolist() == [[5.0]]


def test_steps_and_operations_of_a_job():
    how = LocalTraining(epochs=2, batch_size=20)
    np.testing.assert_array_equal(how.n_steps([0, 1, 20, 21, 40]), [0, 2, 2, 4, 4])
    model = lstm(3, 16, n_steps=6)
    # three times forward, twice over 21 samples
    assert how.flops(model, 21) == 3 * 2 * 21 * (8 * 16 * (3 + 16) * 6 + 2 * 16)
    np.testing.assert_array_equal(how.flops(model, [0, 1, 2]), how.flops(model, 1) * np.arange(3))


@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        ({"epochs": 0}, ValueError, "epochs is 0, but must be 1 or more"),
        ({"epochs": 1.0}, TypeError, r"epochs is 1\.0, but must be a whole number"),
        ({"batch_size": 0}, ValueError, "batch_size is 0"),
        ({"lr": 0.0}, ValueError, r"lr is 0\.0, but it must be over 0"),
        ({"lr": np.nan}, ValueError, "lr is nan"),
        ({"lr": "fast"}, TypeError, "lr is 'fast', but a number is needed"),
        ({"momentum": -0.1}, ValueError, r"momentum is -0\.1, but it must be at least 0 and at most 1"),
        ({"momentum": 1.1}, ValueError, r"momentum is 1\.1"),
        ({"prox": -1.0}, ValueError, r"prox is -1\.0, but it must be at least 0"),
        ({"prox": np.inf}, ValueError, "prox is inf"),
    ],
)
def test_bad_settings_are_refused(change, error, sentence):
    with pytest.raises(error, match=sentence):
        LocalTraining(**change)


@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        ({"model": mlp(4)}, ValueError, r"a sample has shape \(3,\), but mlp\(4, 32, 32, 1\) takes \(4,\)"),
        ({"model": mlp(3, 1, 1, n_out=2)}, ValueError, r"weights have shape \(6,\), but .* needs \(8,\) or \(2, 8\)"),
        ({"weights": np.zeros((3, 6))}, ValueError, r"weights have shape \(3, 6\)"),
        ({"weights": np.zeros(6, int)}, TypeError, "weights are int64, but must be float32 or float64"),
        ({"weights": np.zeros(8), "model": mlp(3, 1, 1, 2)}, ValueError, "the model gives 2 outputs, but y has 1"),
        (
            {"how": LocalTraining(loss=lambda p, t: p - t)},
            ValueError,
            r"gives shape \(2, 4, 1\); \(2, 4\) is needed",
        ),
        ({"seed": -1}, ValueError, "seed is -1, but must be 0 or more"),
        ({"seed": 1.0}, TypeError, r"seed is 1\.0, but must be a whole number"),
        ({"clients": [0, 1, 2]}, ValueError, r"clients is array\(\[0, 1, 2\]\); it must hold 2 whole numbers"),
        ({"clients": [0.0, 1.0]}, ValueError, "clients is .* 0 or more, one a client"),
        ({"jobs": [0, -1]}, ValueError, "jobs is .*; it must hold 2 whole numbers"),
        ({"jobs": None}, ValueError, "jobs is .*; it must hold 2 whole numbers"),
    ],
)
def test_what_does_not_fit_is_refused(change, error, sentence):
    model = mlp(3, 1, 1)
    arguments = {"model": model, "weights": np.zeros(6), "data": samples(model, [4, 2])}
    with pytest.raises(error, match=sentence):
        train(**{**arguments, **change})


def test_samples_may_be_read_only_or_run_backwards():
    model, rng = mlp(2, n_layers=0), np.random.default_rng(3)
    x, y = rng.normal(size=(2, 6, 2)).astype(np.float32), rng.normal(size=(2, 6, 1)).astype(np.float32)
    plain = ClientData(x[:, ::-1].copy(), y[:, ::-1].copy(), np.array([6, 6]))
    x.setflags(write=False)
    y.setflags(write=False)
    odd = ClientData(x[:, ::-1], y[:, ::-1], np.array([6, 6]))
    np.testing.assert_array_equal(train(model, model.init(0), odd), train(model, model.init(0), plain))
