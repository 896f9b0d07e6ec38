"""The vertical model against modules of `torch.nn` with the same weights; its loss against the formulas in numpy."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, log_softmax
from torch import nn

from dnt_lab.mapping.vertical import link_loss, link_model
from dnt_lab.mapping.vertical.model import EXCESS_SCALE_DB, N_OUTPUTS, OUTPUTS, nll
from dnt_lab.mapping.vertical.task import N_FEATURES, TARGETS


class Modules(nn.Module):
    """The model as `torch.nn` has it, for one client."""

    def __init__(self, channels, hidden):
        super().__init__()
        first, second = channels
        self.cnn = nn.Sequential(
            nn.Conv2d(4, first, 3, (1, 2), 1), nn.ReLU(), nn.Conv2d(first, second, 3, 2, 1), nn.ReLU(), nn.Flatten(),
            nn.Linear(second * 9 * 6, hidden), nn.ReLU(),
        )  # fmt: skip
        self.lstm = nn.LSTM(hidden + 6 + 2, hidden, batch_first=True)
        self.head = nn.Linear(hidden, N_OUTPUTS)
        self.double()

    def forward(self, x):
        views, scalars = x[..., : 4 * 17 * 24], x[..., 4 * 17 * 24 :]
        z = self.cnn(views.reshape(-1, 4, 17, 24)).reshape(*x.shape[:2], -1)
        blocked = (scalars[..., 2:4] > 0).double()  # of the straight ray and of that off the ceiling
        return self.head(self.lstm(torch.cat([z, scalars, blocked], dim=-1))[0]).flatten(1)


def drawn(k, model, n_steps, batch=2, seed=0):
    rng = np.random.default_rng(seed)
    rows = np.stack([model.init(seed + i) for i in range(k)]).astype(float)
    x = rng.normal(size=(k, batch, n_steps, N_FEATURES))
    return rows, torch.tensor(x)


def drawn_targets(shape, seed=0):
    """Targets as a task has them: zeros without a path, whole beams."""
    rng = np.random.default_rng(seed)
    path = rng.uniform(size=shape) < 0.7
    los = path & (rng.uniform(size=shape) < 0.5)
    columns = (rng.normal(5, 12, shape), los, path, rng.normal(0, 1, shape), rng.integers(0, 16, shape))
    return np.stack(columns, axis=-1) * path[..., None]


def slow_loss(out, target):
    """Loss of one track, step by step, from its formulas; `OUTPUTS` and `TARGETS` by name."""
    total = 0.0
    for numbers, truth in zip(out.reshape(-1, N_OUTPUTS), target.reshape(-1, len(TARGETS)), strict=True):
        said, true = dict(zip(OUTPUTS, numbers, strict=False)), dict(zip(TARGETS, truth, strict=True))
        for name in ("los", "path"):
            p = expit(said[name])
            total -= np.log(p) if true[name] else np.log(1 - p)
        if not true["path"]:
            continue
        state = 0 if true["los"] else 1
        name = ("los", "nlos")[state]
        error = true["excess_db"] / EXCESS_SCALE_DB[state] - said[f"{name}_excess"]
        std = np.exp(np.clip(said[f"{name}_log_std"], -4, 3))
        total += 0.5 * error**2 + 0.1 * (0.5 * (error / std) ** 2 + np.log(std))
        total += 0.3 * (true["log_spread"] - said["log_spread"]) ** 2
        total -= 0.3 * log_softmax(numbers[len(OUTPUTS) :])[int(true["turned"])]
    return total / (len(out) / N_OUTPUTS)


def test_names_shapes_and_order_are_those_of_torch():
    model, modules = link_model(3, (3, 5), 7), Modules((3, 5), 7)
    assert list(model.shapes.items()) == [
        (name.removeprefix("lstm."), tuple(p.shape)) for name, p in modules.named_parameters()
    ]
    assert model.input_shape == (3, N_FEATURES) and model.name == "link_model(3 steps; 3, 5 channels; 7 hidden)"


@settings(max_examples=6)
@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 6), st.integers(1, 4), st.integers(1, 3))
def test_outputs_and_gradients_of_each_client_are_those_of_its_modules(first, second, hidden, n_steps, k):
    model, modules = link_model(n_steps, (first, second), hidden), Modules((first, second), hidden)
    rows, x = drawn(k, model, n_steps)
    weights = torch.tensor(rows, requires_grad=True)
    outputs = model.apply(weights, x)
    assert outputs.shape == (k, 2, n_steps * N_OUTPUTS)
    direction = torch.tensor(np.random.default_rng(1).normal(size=outputs.shape))
    (outputs * direction).sum().backward()
    for i in range(k):
        nn.utils.vector_to_parameters(torch.tensor(rows[i]), modules.parameters())
        modules.zero_grad()
        expected = modules(x[i])
        (expected * direction[i]).sum().backward()
        gradient = torch.cat([p.grad.flatten() for p in modules.parameters()])
        torch.testing.assert_close(outputs[i], expected, rtol=1e-9, atol=1e-11)
        torch.testing.assert_close(weights.grad[i], gradient, rtol=1e-8, atol=1e-10)


def test_many_clients_at_once_equal_one_by_one_and_nobody_asks_for_nothing():
    model = link_model(2, (3, 4), 5)
    rows, x = drawn(6, model, 2)
    together = model.predict(rows, x.numpy())
    alone = [model.predict(rows[i], x[i : i + 1].numpy())[0] for i in range(6)]
    np.testing.assert_allclose(together, alone, rtol=1e-10, atol=1e-12)
    assert model.predict(rows, x[:, :0].numpy()).shape == (6, 0, 2 * N_OUTPUTS)


def test_a_later_step_does_not_reach_back():
    """What the twin says of a step hangs on the steps up to it: a track can be followed as it comes."""
    model = link_model(4, (2, 3), 5)
    rows, x = drawn(1, model, 4)
    changed = x.clone()
    changed[:, :, 2:] += 1
    before, after = (model.predict(rows, v.numpy()).reshape(2, 4, N_OUTPUTS) for v in (x, changed))
    np.testing.assert_array_equal(before[:, :2], after[:, :2])
    assert (before[:, 2] != after[:, 2]).any()


@settings(max_examples=25)
@given(st.integers(0, 10**6), st.integers(1, 3), st.integers(1, 4))
def test_the_loss_is_that_of_its_formulas(seed, k, n_steps):
    out = np.random.default_rng(seed).normal(0, 2, (k, 2, n_steps * N_OUTPUTS))
    target = drawn_targets((k, 2, n_steps), seed).reshape(k, 2, -1)
    loss = link_loss(torch.tensor(out), torch.tensor(target))
    assert loss.shape == (k, 2)
    expected = [[slow_loss(out[i, j], target[i, j]) for j in range(2)] for i in range(k)]
    np.testing.assert_allclose(loss, expected, rtol=1e-9)


def test_standard_deviations_are_cut_where_they_would_explode():
    out = np.zeros((1, 1, N_OUTPUTS))
    out[..., 2] = -50.0
    target = np.zeros((1, 1, 5))
    target[0, 0, :3] = 3.0, 1.0, 1.0
    loss = link_loss(torch.tensor(out), torch.tensor(target)).item()
    assert loss == pytest.approx(slow_loss(out[0, 0], target[0, 0])) and loss < 200


def test_means_learn_from_squared_errors_and_standard_deviations_from_the_likelihood():
    out = torch.tensor(np.random.default_rng(3).normal(size=(1, 1, N_OUTPUTS)), requires_grad=True)
    target = torch.tensor([[[4.0, 0.0, 1.0, 0.2, 5.0]]], dtype=torch.double)
    link_loss(out, target).sum().backward()
    gradient, said = out.grad[0, 0], out.detach()[0, 0]
    error = 4.0 / EXCESS_SCALE_DB[1] - said[1]
    assert gradient[1] == pytest.approx(-error.item())  # nothing of the likelihood, whose slope is error / std^2
    assert gradient[3] == pytest.approx(0.1 * (1 - error.item() ** 2 * np.exp(-2 * said[3].item())))
    assert gradient[0] == gradient[2] == 0  # the other state learns nothing


def test_a_link_without_a_path_teaches_only_that_it_has_none():
    out = torch.tensor(np.random.default_rng(4).normal(size=(1, 1, N_OUTPUTS)), requires_grad=True)
    link_loss(out, torch.zeros(1, 1, 5, dtype=torch.double)).sum().backward()
    taught = np.flatnonzero(out.grad[0, 0].numpy())
    assert [OUTPUTS[i] for i in taught] == ["los", "path"]


def test_the_likelihood_is_least_at_the_true_standard_deviation():
    error = torch.tensor(np.random.default_rng(5).normal(0, 1.7, 200_000))
    candidates = torch.linspace(-1, 2, 301, dtype=torch.double)
    loss = torch.stack([nll(error, s).mean() for s in candidates])
    assert np.exp(candidates[loss.argmin()]) == pytest.approx(1.7, rel=0.02)


@pytest.mark.parametrize(("n_steps", "channels", "hidden"), [(1, (1, 1), 1), (8, (8, 12), 24), (3, (2, 5), 7)])
def test_operations_and_weights_counted_by_hand(n_steps, channels, hidden):
    """Two for each product and sum: 17 x 12 pixels of a first, 9 x 6 of a second picture, then 4 gates of each unit."""
    first, second = channels
    products = 9 * 4 * first * 17 * 12 + 9 * first * second * 9 * 6 + second * 9 * 6 * hidden
    products += 4 * hidden * (hidden + 6 + 2 + hidden) + hidden * N_OUTPUTS
    model = link_model(n_steps, channels, hidden)
    assert model.forward_flops == 2 * n_steps * products
    assert model.n_parameters == sum(p.numel() for p in Modules(channels, hidden).parameters())
    assert len(model.init(0)) == model.n_parameters and N_OUTPUTS == 23


def test_the_start_is_within_torchs_bounds():
    model, largest = link_model(1, (4, 4), 16), {}
    torch.manual_seed(0)
    for _ in range(60):
        for name, p in Modules((4, 4), 16).named_parameters():
            name = name.removeprefix("lstm.")
            largest[name] = max(largest.get(name, 0.0), p.abs().max().item())
    for name, bound in model.bounds.items():
        assert 0.93 * bound < largest[name] <= bound
    start = model.unpack(torch.tensor(model.init(1))[None])
    assert all(0.7 * b < start[name].abs().max() <= b for name, b in model.bounds.items() if start[name].numel() > 30)


def test_bad_sizes_are_refused():
    with pytest.raises(ValueError, match=r"n_steps is 0, but must be 1 or more"):
        link_model(0)
    with pytest.raises(ValueError, match=r"hidden is 0, but must be 1 or more"):
        link_model(hidden=0)
    with pytest.raises(TypeError, match=r"Each of channels is 1.5, but must be a whole number"):
        link_model(channels=(8, 1.5))
    model = link_model(2, (1, 1), 1)
    with pytest.raises(ValueError, match=r"x has shape \(1, 1, 3, 1638\), but link_model.* takes \(K, N, 2, 1638\)"):
        model.predict(model.init(0), np.zeros((1, 1, 3, N_FEATURES)))
