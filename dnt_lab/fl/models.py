"""Small models whose weights for K clients lie in one array: `(K, P)`, a row a client.

A `Model` is two pure functions, as in fedjax: ``init(seed)`` draws one weight vector ``(P,)``, ``apply(weights, x)``
runs K models on K batches at once. Each product of a layer is one batched product over the clients, so a hundred small
models cost little more than one. Order, names and shapes of the parameters are those of the same model in
`torch.nn`, so that ``torch.nn.utils.vector_to_parameters(row, module)`` moves a client's row into a module.

>>> model = mlp(n_in=6, hidden=32)
>>> model.n_parameters
1313
>>> weights = torch.from_numpy(model.init(seed=0)).expand(50, -1)      # 50 clients start alike
>>> model.apply(weights, torch.zeros(50, 20, 6)).shape                 # a batch of 20 each
torch.Size([50, 20, 1])
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from dnt_lab.datasets._checks import generator, one_of, whole

Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True, eq=False)
class Model:
    """A model as data: the layout of its weights and how to run it.

    Attributes
    ----------
    name : str
        What it is, such as ``"gru(2, 16, 1)"``.
    input_shape : tuple of int
        Shape of one sample.
    shapes : dict of str to tuple of int
        Name and shape of each parameter, in the order of `torch.nn`.
    bounds : dict of str to float
        Half-width of the uniform distribution each parameter starts from (the rule of `torch.nn`).
    forward : callable
        ``forward(parameters, x)``: dict of (K, ...) tensors and (K, B, *input_shape) -> (K, B, outputs).
    forward_flops : float
        Floating-point operations of one sample forward; training counts three times as much.
    """

    name: str
    input_shape: tuple[int, ...]
    shapes: Shapes
    bounds: dict[str, float]
    forward: Callable[[dict[str, torch.Tensor], torch.Tensor], torch.Tensor]
    forward_flops: float

    def __repr__(self) -> str:
        return f"Model({self.name}: {self.n_parameters:,} parameters, {self.forward_flops:,.0f} FLOP a sample)"

    @property
    def sizes(self) -> list[int]:
        """Number of weights of each parameter."""
        return [math.prod(shape) for shape in self.shapes.values()]

    @property
    def n_parameters(self) -> int:
        """P, the number of weights."""
        return sum(self.sizes)

    @property
    def n_bytes(self) -> int:
        """Bytes of the weights as float32, which is what travels uncompressed."""
        return 4 * self.n_parameters

    def init(self, seed: int | np.random.Generator = 0) -> np.ndarray:
        """Draw one weight vector, shape (P,), float32."""
        rng = generator(seed)
        parts = [rng.uniform(-self.bounds[n], self.bounds[n], math.prod(s)) for n, s in self.shapes.items()]
        return np.concatenate(parts).astype(np.float32)

    def unpack(self, weights: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return the parameters by name, as views (K, *shape) of the weights (K, P)."""
        parts = weights.split(self.sizes, dim=1)  # one operation, so that its gradient is one concatenation
        named = zip(self.shapes.items(), parts, strict=True)
        return {name: part.view(-1, *shape) for (name, shape), part in named}

    def apply(self, weights: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """Run K models at once.

        Parameters
        ----------
        weights : torch.Tensor, shape (K, P)
            A row of weights a client.
        x : torch.Tensor, shape (K, B, *input_shape)
            A batch a client.

        Returns
        -------
        torch.Tensor, shape (K, B, outputs)
            Predictions.
        """
        return self.forward(self.unpack(weights), x)

    def predict(self, weights: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Run one model (P,), or one a client (K, P), on x of shape (K, N, *input_shape); no gradients.

        Raises
        ------
        ValueError, TypeError
            If a shape does not fit the model, or the weights are neither float32 nor float64.
        """
        x = np.asarray(x)
        if x.shape[2:] != self.input_shape:
            needed = ", ".join(map(str, self.input_shape))
            raise ValueError(f"x has shape {x.shape}, but {self.name} takes (K, N, {needed}).")
        weights = self.checked(weights, len(x))
        rows = torch.from_numpy(np.array(weights, ndmin=2)).expand(len(x), -1)
        with torch.no_grad():
            # torch takes no read-only or reversed arrays: those, and only those, are copied
            return self.apply(rows, torch.from_numpy(np.require(x, weights.dtype, ["C", "W"]))).numpy()

    def checked(self, weights: np.ndarray, k: int) -> np.ndarray:
        """Return the weights, (P,), (1, P) or (K, P), if they fit this model and K clients, else say so."""
        weights, p = np.asarray(weights), self.n_parameters
        if weights.dtype not in (np.float32, np.float64):
            raise TypeError(f"weights are {weights.dtype}, but must be float32 or float64.")
        if weights.shape not in ((p,), (1, p), (k, p)):
            raise ValueError(f"weights have shape {weights.shape}, but {self.name} needs ({p},) or ({k}, {p}).")
        return weights


def linear(p: dict[str, torch.Tensor], name: str, x: torch.Tensor) -> torch.Tensor:
    """Affine layer of K models: ``x W^T + b`` with ``name.weight`` (K, out, in) and ``name.bias`` (K, out)."""
    return torch.baddbmm(p[f"{name}.bias"].unsqueeze(1), x, p[f"{name}.weight"].transpose(1, 2))


def linear_layout(name: str, n_in: int, n_out: int) -> tuple[Shapes, dict[str, float], float]:
    """Return shapes, bounds and FLOPs of one affine layer."""
    shapes = {f"{name}.weight": (n_out, n_in), f"{name}.bias": (n_out,)}
    return shapes, dict.fromkeys(shapes, 1 / math.sqrt(n_in)), 2.0 * n_in * n_out


def mlp(n_in: int, hidden: int = 32, n_layers: int = 2, n_out: int = 1) -> Model:
    """Multilayer perceptron with ReLU; `torch.nn.Sequential(Linear, ReLU, ..., Linear)`.

    Parameters
    ----------
    n_in, hidden, n_out : int
        Width of input, hidden layers and output.
    n_layers : int
        Hidden layers; 0 gives a linear model.

    Returns
    -------
    Model
        Takes (K, B, n_in).

    Raises
    ------
    ValueError, TypeError
        If a size is not a whole number above 0 (`n_layers`: 0 or more).
    """
    n_in, hidden, n_out = whole("n_in", n_in, 1), whole("hidden", hidden, 1), whole("n_out", n_out, 1)
    widths = [n_in, *[hidden] * whole("n_layers", n_layers, 0), n_out]
    names = [str(2 * i) for i in range(len(widths) - 1)]  # the odd places in the Sequential hold the ReLUs
    shapes, bounds, flops = {}, {}, 0.0
    for name, a, b in zip(names, widths, widths[1:], strict=False):
        more = linear_layout(name, a, b)
        shapes, bounds, flops = shapes | more[0], bounds | more[1], flops + more[2]

    def forward(p, x):
        for name in names[:-1]:
            x = torch.relu(linear(p, name, x))
        return linear(p, names[-1], x)

    return Model(f"mlp({', '.join(map(str, widths))})", (n_in,), shapes, bounds, forward, flops)


def cnn(input_shape: tuple[int, ...], channels: tuple[int, int] = (8, 8), kernel: int = 3, n_out: int = 1) -> Model:
    """Two convolutions with ReLU and an affine layer; `torch.nn.Sequential(Conv, ReLU, Conv, ReLU, Flatten, Linear)`.

    K networks are one grouped convolution with K groups.

    Parameters
    ----------
    input_shape : tuple of int
        (channels, length) or (channels, rows, columns) of one sample.
    channels : (int, int)
        Output channels of the two convolutions.
    kernel : int
        Side of the kernels, odd; zero padding keeps length, rows and columns.
    n_out : int
        Number of outputs.

    Returns
    -------
    Model
        Takes (K, B, *input_shape).

    Raises
    ------
    ValueError, TypeError
        If a size is not a whole number above 0, the kernel is even, or the input has not two or three axes.
    """
    shape = tuple(whole("Each size of input_shape", size, 1) for size in input_shape)
    one_of("The number of axes of input_shape", len(shape), (2, 3))
    if whole("kernel", kernel, 1) % 2 == 0:
        raise ValueError(f"kernel is {kernel}, but must be odd, so that the output is as large as the input.")
    if len(channels) != 2:
        raise ValueError(f"channels is {channels}, but must be two numbers, the channels of the two convolutions.")
    first, second = (whole("Each of channels", c, 1) for c in channels)
    convolve = {2: torch.nn.functional.conv1d, 3: torch.nn.functional.conv2d}[len(shape)]
    window, places = (kernel,) * (len(shape) - 1), math.prod(shape[1:])
    shapes, bounds, flops = {}, {}, 0.0
    for name, a, b in (("0", shape[0], first), ("2", first, second)):
        more = {f"{name}.weight": (b, a, *window), f"{name}.bias": (b,)}
        fan_in = a * math.prod(window)
        shapes |= more
        bounds |= dict.fromkeys(more, 1 / math.sqrt(fan_in))
        flops += 2.0 * fan_in * b * places
    last = linear_layout("5", second * places, whole("n_out", n_out, 1))
    shapes, bounds, flops = shapes | last[0], bounds | last[1], flops + last[2]

    def forward(p, x):
        n_clients, batch = x.shape[:2]
        x = x.transpose(0, 1).flatten(1, 2)  # (B, K * channels, ...): a group a client
        for name in ("0", "2"):
            weight, bias = p[f"{name}.weight"].flatten(0, 1), p[f"{name}.bias"].flatten()
            x = torch.relu(convolve(x, weight, bias, padding=kernel // 2, groups=n_clients))
        return linear(p, "5", x.reshape(batch, n_clients, second * places).transpose(0, 1))

    name = f"cnn({' x '.join(map(str, shape))}, {first}, {second}, {n_out}; kernel {kernel})"
    return Model(name, shape, shapes, bounds, forward, flops)
