"""MLPs and CNNs: one client's row moved into a `torch.nn` module gives the same outputs, gradients and start."""

import copy
import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from dnt_lab.fl import cnn, mlp


def sequential_mlp(n_in, hidden, n_layers, n_out):
    widths = [n_in, *[hidden] * n_layers, n_out]
    layers = [layer for a, b in pairwise(widths) for layer in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*layers[:-1])


def sequential_cnn(input_shape, channels, kernel, n_out):
    conv = {2: nn.Conv1d, 3: nn.Conv2d}[len(input_shape)]
    first, second = channels
    return nn.Sequential(
        conv(input_shape[0], first, kernel, padding="same"),
        nn.ReLU(),
        conv(first, second, kernel, padding="same"),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(second * math.prod(input_shape[1:]), n_out),
    )


PAIRS = {
    "linear": (mlp(5, n_layers=0, n_out=2), sequential_mlp(5, 1, 0, 2)),
    "mlp": (mlp(6, 7, 2), sequential_mlp(6, 7, 2, 1)),
    "deep mlp": (mlp(3, 4, 5, n_out=3), sequential_mlp(3, 4, 5, 3)),
    "cnn over time": (cnn((2, 9)), sequential_cnn((2, 9), (8, 8), 3, 1)),
    "cnn on a map": (cnn((3, 4, 6), (2, 5), 5, 2), sequential_cnn((3, 4, 6), (2, 5), 5, 2)),
    "kernel of one": (cnn((1, 2), (3, 1), 1), sequential_cnn((1, 2), (3, 1), 1, 1)),
}
each_pair = pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS.keys())


def drawn(model, k, batch=3, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(0, 0.5, (k, model.n_parameters)), rng.normal(size=(k, batch, *model.input_shape))


@each_pair
def test_names_shapes_and_order_are_those_of_torch(pair):
    model, module = pair
    assert list(model.shapes.items()) == [(name, tuple(p.shape)) for name, p in module.state_dict().items()]
    assert model.n_parameters == sum(p.numel() for p in module.parameters())
    assert model.n_bytes == sum(p.numel() * p.element_size() for p in module.parameters())


@each_pair
def test_outputs_and_gradients_of_each_client_are_those_of_its_module(pair):
    model, module = pair
    module = copy.deepcopy(module).double()
    rows, x = drawn(model, k=4)
    weights, inputs = torch.tensor(rows, requires_grad=True), torch.tensor(x)
    outputs = model.apply(weights, inputs)
    direction = torch.tensor(np.random.default_rng(1).normal(size=outputs.shape))
    (outputs * direction).sum().backward()
    for k in range(4):
        nn.utils.vector_to_parameters(torch.tensor(rows[k]), module.parameters())
        module.zero_grad()
        expected = module(inputs[k])
        (expected * direction[k]).sum().backward()
        gradient = torch.cat([p.grad.flatten() for p in module.parameters()])
        torch.testing.assert_close(outputs[k], expected, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(weights.grad[k], gradient, rtol=1e-11, atol=1e-12)


@each_pair
def test_the_start_is_uniform_within_torchs_bounds(pair):
    model, module = pair
    first = model.init(seed=3)
    assert first.dtype == np.float32 and first.shape == (model.n_parameters,)
    np.testing.assert_array_equal(first, model.init(np.random.default_rng(3)))
    assert (first != model.init(seed=4)).mean() > 0.99
    torch.manual_seed(0)
    theirs = []
    for _ in range(200):
        for layer in module:
            if hasattr(layer, "reset_parameters"):
                layer.reset_parameters()
        theirs.append(nn.utils.parameters_to_vector(module.parameters()).detach().numpy())
    for draws in (np.stack(theirs), np.stack([model.init(seed) for seed in range(200)])):
        parts = np.split(draws.astype(float), np.cumsum(model.sizes)[:-1], axis=1)
        for bound, part in zip(model.bounds.values(), parts, strict=True):
            # the largest of n uniform draws is on average 1 / (n + 1) of the bound below it
            assert bound * (1 - 10 / part.size) <= np.abs(part).max() <= bound * (1 + 1e-6)
            assert part.std() == pytest.approx(bound / math.sqrt(3), rel=4 / math.sqrt(part.size))
            assert part.mean() == pytest.approx(0, abs=4 * bound / math.sqrt(3 * part.size))


@each_pair
def test_operations_are_those_torch_counts(pair):
    model, module = pair
    with FlopCounterMode(display=False) as counter:
        module(torch.zeros(5, *model.input_shape))
    assert counter.get_total_flops() == 5 * model.forward_flops


def test_operations_by_hand():
    assert mlp(6, 32, 2).forward_flops == 2 * (6 * 32 + 32 * 32 + 32)
    # 2 k c_in c_out a position, 10 positions, and the affine layer
    assert cnn((2, 10), (4, 8), kernel=3).forward_flops == 2 * 3 * (2 * 4 + 4 * 8) * 10 + 2 * 80
    assert cnn((2, 5, 2), (4, 8), kernel=3).forward_flops == 2 * 9 * (2 * 4 + 4 * 8) * 10 + 2 * 80


@settings(max_examples=25)
@given(st.integers(1, 6), st.integers(1, 5), st.sampled_from(list(PAIRS)), st.integers(0, 9))
def test_many_clients_at_once_equal_one_by_one(k, batch, name, seed):
    model = PAIRS[name][0]
    rows, x = drawn(model, k, batch, seed)
    together = model.predict(rows, x)
    alone = [model.predict(rows[i], x[i : i + 1])[0] for i in range(k)]
    np.testing.assert_allclose(together, alone, rtol=1e-12, atol=1e-12)


def test_one_model_serves_all_clients_as_a_vector_or_a_row():
    model = mlp(4, 3)
    rows, x = drawn(model, k=5)
    repeated = model.predict(np.tile(rows[0], (5, 1)), x)
    np.testing.assert_allclose(model.predict(rows[0], x), repeated, rtol=1e-14)
    np.testing.assert_allclose(model.predict(rows[:1], x), repeated, rtol=1e-14)


def test_the_precision_is_that_of_the_weights():
    model = mlp(4, 3)
    rows, x = drawn(model, k=2)
    single, double = model.predict(rows.astype(np.float32), x), model.predict(rows, x.astype(np.float32))
    assert single.dtype == np.float32 and double.dtype == np.float64
    np.testing.assert_allclose(single, double, rtol=1e-5, atol=1e-6)


def test_arrays_torch_does_not_take_are_copied_and_none_is_changed():
    model = mlp(4, 3)
    rows, x = drawn(model, k=3, batch=6)
    expected = model.predict(rows, x)
    for array in (rows, x):
        array.flags.writeable = False
    np.testing.assert_array_equal(model.predict(rows, x), expected)
    np.testing.assert_array_equal(model.predict(rows, x[:, ::-1]), expected[:, ::-1])
    assert model.predict(rows, np.ones((3, 2, 4), dtype=int)).dtype == np.float64


@each_pair
def test_nothing_is_predicted_for_no_samples(pair):
    model, module = pair
    n_out = list(module.state_dict().values())[-1].numel()
    assert model.predict(model.init(), np.zeros((3, 0, *model.input_shape))).shape == (3, 0, n_out)


def test_repr_says_what_it_is():
    assert repr(mlp(6)) == "Model(mlp(6, 32, 32, 1): 1,313 parameters, 2,496 FLOP a sample)"
    assert cnn((2, 9), kernel=5).name == "cnn(2 x 9, 8, 8, 1; kernel 5)"


@pytest.mark.parametrize(
    ("make", "error", "sentence"),
    [
        (lambda: mlp(0), ValueError, "n_in is 0, but must be 1 or more"),
        (lambda: mlp(2.0), TypeError, r"n_in is 2\.0, but must be a whole number, 1 or more"),
        (lambda: mlp(2, 0), ValueError, "hidden is 0"),
        (lambda: mlp(2, n_layers=-1), ValueError, "n_layers is -1, but must be 0 or more"),
        (lambda: mlp(2, n_out=True), TypeError, "n_out is True"),
        (lambda: cnn((2,)), ValueError, "number of axes of input_shape is 1, but must be one of 2, 3"),
        (lambda: cnn((2, 0)), ValueError, "Each size of input_shape is 0, but must be 1 or more"),
        (lambda: cnn((2, 9), kernel=4), ValueError, "kernel is 4, but must be odd"),
        (lambda: cnn((2, 9), (8, 0)), ValueError, "Each of channels is 0"),
        (lambda: cnn((2, 9), (8,)), ValueError, r"channels is \(8,\), but must be two numbers"),
        (lambda: cnn((2, 9), n_out=0), ValueError, "n_out is 0"),
        (lambda: mlp(2).init(-1), TypeError, "seed is -1"),
    ],
)
def test_bad_sizes_are_refused(make, error, sentence):
    with pytest.raises(error, match=sentence):
        make()


@pytest.mark.parametrize(
    ("weights", "x", "error", "sentence"),
    [
        (np.zeros(12), np.zeros((2, 5, 3)), ValueError, r"have shape \(12,\), but mlp\(3, 2, 1\) needs \(11,\)"),
        (np.zeros((3, 11)), np.zeros((2, 5, 3)), ValueError, r"have shape \(3, 11\), .* \(11,\) or \(2, 11\)"),
        (np.zeros((1, 2, 11)), np.zeros((2, 5, 3)), ValueError, r"weights have shape \(1, 2, 11\)"),
        (np.float32(0), np.zeros((2, 5, 3)), ValueError, r"weights have shape \(\)"),
        (np.zeros(11, int), np.zeros((2, 5, 3)), TypeError, "weights are int64, but must be float32 or float64"),
        (np.zeros(11, np.float16), np.zeros((2, 5, 3)), TypeError, "weights are float16"),
        (np.zeros(11), np.zeros((5, 3)), ValueError, r"x has shape \(5, 3\), but mlp\(3, 2, 1\) takes \(K, N, 3\)"),
        (np.zeros(11), np.zeros((2, 5, 4)), ValueError, r"x has shape \(2, 5, 4\)"),
    ],
)
def test_weights_and_inputs_that_do_not_fit_are_refused(weights, x, error, sentence):
    with pytest.raises(error, match=sentence):
        mlp(3, 2, 1).predict(weights, x)
