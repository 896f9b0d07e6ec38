"""GRU and LSTM: equal to `torch.nn` with the same weights, step by step, forward and backward."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from dnt_lab.fl import gru, lstm
from dnt_lab.fl.recurrent import lstm_states

MAKERS = {"gru": (gru, nn.GRU), "lstm": (lstm, nn.LSTM)}
each_kind = pytest.mark.parametrize("kind", MAKERS)


def module_of(kind, n_in, hidden, n_out):
    """Return `torch.nn`'s cell with an affine layer on its last state."""

    class WithHead(MAKERS[kind][1]):
        def __init__(self):
            super().__init__(n_in, hidden, batch_first=True, dtype=torch.double)
            self.head = nn.Linear(hidden, n_out, dtype=torch.double)

        def forward(self, x):
            return self.head(super().forward(x)[0][:, -1])

    return WithHead()


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


@each_kind
def test_names_shapes_and_order_are_those_of_torch(kind):
    model, module = MAKERS[kind][0](3, 5, 2), module_of(kind, 3, 5, 2)
    assert list(model.shapes.items()) == [(name, tuple(p.shape)) for name, p in module.named_parameters()]
    assert model.input_shape == (3, 3) and model.name == f"{kind}(3, 5, 2)"


@settings(max_examples=15)
@given(
    st.sampled_from(list(MAKERS)),
    st.integers(1, 4),
    st.integers(1, 6),
    st.integers(1, 3),
    st.integers(1, 5),
    st.integers(1, 4),
)
def test_outputs_and_gradients_of_each_client_are_those_of_its_module(kind, n_in, hidden, n_out, n_steps, k):
    model, module = MAKERS[kind][0](n_in, hidden, n_out, n_steps=n_steps), module_of(kind, n_in, hidden, n_out)
    rng = np.random.default_rng(n_in + 10 * hidden)
    rows, x = rng.normal(size=(k, model.n_parameters)), torch.tensor(rng.normal(size=(k, 3, n_steps, n_in)))
    weights = torch.tensor(rows, requires_grad=True)
    outputs = model.apply(weights, x)
    direction = torch.tensor(rng.normal(size=outputs.shape))
    (outputs * direction).sum().backward()
    for i in range(k):
        nn.utils.vector_to_parameters(torch.tensor(rows[i]), module.parameters())
        module.zero_grad()
        expected = module(x[i])
        (expected * direction[i]).sum().backward()
        gradient = torch.cat([p.grad.flatten() for p in module.parameters()])
        torch.testing.assert_close(outputs[i], expected, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(weights.grad[i], gradient, rtol=1e-10, atol=1e-12)


@settings(max_examples=15)
@given(st.integers(1, 4), st.integers(1, 6), st.integers(1, 5), st.integers(1, 4))
def test_states_of_every_step_and_their_gradients_are_those_of_torch(n_in, hidden, n_steps, k):
    rng = np.random.default_rng(n_in + 10 * hidden)
    cell = nn.LSTM(n_in, hidden, batch_first=True, dtype=torch.double)
    shapes = {name: tuple(p.shape) for name, p in cell.named_parameters()}
    p = {name: torch.tensor(rng.normal(size=(k, *shape)), requires_grad=True) for name, shape in shapes.items()}
    x = torch.tensor(rng.normal(size=(k, 3, n_steps, n_in)))
    states = lstm_states(p, x, hidden)
    assert states.shape == (k, 3, n_steps, hidden)
    direction = torch.tensor(rng.normal(size=states.shape))
    (states * direction).sum().backward()
    for i in range(k):
        nn.utils.vector_to_parameters(torch.cat([v[i].detach().flatten() for v in p.values()]), cell.parameters())
        cell.zero_grad()
        expected, _ = cell(x[i])
        (expected * direction[i]).sum().backward()
        torch.testing.assert_close(states[i], expected, rtol=1e-12, atol=1e-12)
        for name, own in cell.named_parameters():
            torch.testing.assert_close(p[name].grad[i], own.grad, rtol=1e-10, atol=1e-12)


def test_two_steps_of_a_single_unit_by_hand():
    """One input, one hidden unit, and each gate's formula written out."""
    rng = np.random.default_rng(2)
    x = np.array([0.7, -1.2])
    w, u, b, c = rng.normal(size=(4, 3))
    h = 0.0
    for x_t in x:
        r, z = (sigmoid(w[g] * x_t + b[g] + u[g] * h + c[g]) for g in (0, 1))
        n = np.tanh(w[2] * x_t + b[2] + r * (u[2] * h + c[2]))
        h = (1 - z) * n + z * h
    weights = np.concatenate([w, u, b, c, [2.0], [0.5]])
    output = gru(1, 1, n_steps=2).predict(weights, x.reshape(1, 1, 2, 1))
    assert output.item() == pytest.approx(2 * h + 0.5, rel=1e-12)

    w, u, b, c = rng.normal(size=(4, 4))
    h = cell = 0.0
    for x_t in x:
        gates = w * x_t + b + u * h + c
        i, f, g, o = sigmoid(gates[0]), sigmoid(gates[1]), np.tanh(gates[2]), sigmoid(gates[3])
        cell = f * cell + i * g
        h = o * np.tanh(cell)
    weights = np.concatenate([w, u, b, c, [2.0], [0.5]])
    output = lstm(1, 1, n_steps=2).predict(weights, x.reshape(1, 1, 2, 1))
    assert output.item() == pytest.approx(2 * h + 0.5, rel=1e-12)


@each_kind
def test_many_clients_at_once_equal_one_by_one(kind):
    model = MAKERS[kind][0](2, 4, n_steps=5)
    rng = np.random.default_rng(0)
    rows, x = rng.normal(size=(7, model.n_parameters)), rng.normal(size=(7, 3, 5, 2))
    alone = [model.predict(rows[i], x[i : i + 1])[0] for i in range(7)]
    np.testing.assert_allclose(model.predict(rows, x), alone, rtol=1e-12, atol=1e-14)
    assert model.predict(rows, x[:, :0]).shape == (7, 0, 1)


@each_kind
def test_the_start_is_within_torchs_bounds(kind):
    model, module = MAKERS[kind][0](3, 16), module_of(kind, 3, 16, 1)
    torch.manual_seed(0)
    largest = dict.fromkeys(model.shapes, 0.0)
    for _ in range(200):
        module.reset_parameters()
        module.head.reset_parameters()
        largest = {name: max(largest[name], p.abs().max().item()) for name, p in module.named_parameters()}
    for name, bound in model.bounds.items():
        assert bound == 1 / 4
        assert 0.95 * bound < largest[name] <= bound
    assert np.abs(model.init(0)).max() == pytest.approx(1 / 4, rel=0.01)


def test_operations_by_the_formulas_of_a_time_step():
    n_in, hidden, n_out, n_steps = 3, 16, 2, 5
    head = 2 * hidden * n_out
    assert gru(n_in, hidden, n_out, n_steps=n_steps).forward_flops == 6 * hidden * (n_in + hidden) * n_steps + head
    assert lstm(n_in, hidden, n_out, n_steps=n_steps).forward_flops == 8 * hidden * (n_in + hidden) * n_steps + head


@each_kind
@pytest.mark.parametrize("size", ["n_in", "hidden", "n_out", "n_steps"])
def test_bad_sizes_are_refused(kind, size):
    with pytest.raises(ValueError, match=f"{size} is 0, but must be 1 or more"):
        MAKERS[kind][0](**{"n_in": 2, size: 0})
    with pytest.raises(TypeError, match=rf"{size} is 1\.5, but must be a whole number"):
        MAKERS[kind][0](**{"n_in": 2, size: 1.5})
