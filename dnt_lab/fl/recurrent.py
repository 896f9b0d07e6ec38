"""GRU and LSTM for K clients at once, weights and gates laid out as in `torch.nn`.

With x_t the input and h the hidden state, and * elementwise:

- LSTM (Hochreiter and Schmidhuber 1997; Gers et al. 2000): i, f, o = sigmoid(W x_t + b + U h + c), g = tanh(...);
  cell <- f * cell + i * g; h <- o * tanh(cell). Gates in the order i, f, g, o.
- GRU (Cho et al. 2014, with the reset gate after the product, as in cuDNN): r, z = sigmoid(W x_t + b + U h + c);
  n = tanh(W x_t + b + r * (U h + c)); h <- (1 - z) * n + z * h. Gates in the order r, z, n.

Only the last hidden state is used: ``output = linear(h_T)``.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch

from dnt_lab.datasets._checks import whole
from dnt_lab.fl.models import Model, linear, linear_layout


def gru(n_in: int, hidden: int = 16, n_out: int = 1, *, n_steps: int = 3) -> Model:
    """Gated recurrent unit and an affine layer on its last state; `torch.nn.GRU` and `torch.nn.Linear`.

    Parameters
    ----------
    n_in, hidden, n_out : int
        Inputs a time step, hidden units, outputs.
    n_steps : int
        Time steps of a sample.

    Returns
    -------
    Model
        Takes (K, B, n_steps, n_in).

    Raises
    ------
    ValueError, TypeError
        If a size is not a whole number above 0.
    """
    return _recurrent("gru", 3, _gru_state, n_in, hidden, n_out, n_steps)


def lstm(n_in: int, hidden: int = 16, n_out: int = 1, *, n_steps: int = 3) -> Model:
    """Long short-term memory and an affine layer on its last state; `torch.nn.LSTM` and `torch.nn.Linear`.

    Parameters, result and errors are those of `gru`.
    """
    return _recurrent("lstm", 4, _lstm_state, n_in, hidden, n_out, n_steps)


def _recurrent(kind: str, n_gates: int, last_state: Callable, n_in, hidden, n_out, n_steps) -> Model:
    sizes = {"n_in": n_in, "hidden": hidden, "n_out": n_out, "n_steps": n_steps}
    n_in, hidden, n_out, n_steps = (whole(name, value, 1) for name, value in sizes.items())
    rows = n_gates * hidden
    cell = {"weight_ih_l0": (rows, n_in), "weight_hh_l0": (rows, hidden), "bias_ih_l0": (rows,), "bias_hh_l0": (rows,)}
    head, head_bounds, head_flops = linear_layout("head", hidden, n_out)
    bounds = dict.fromkeys(cell, 1 / math.sqrt(hidden)) | head_bounds
    flops = 2.0 * rows * (n_in + hidden) * n_steps + head_flops

    def forward(p, x):
        return linear(p, "head", last_state(p, x, hidden))

    return Model(f"{kind}({n_in}, {hidden}, {n_out})", (n_steps, n_in), cell | head, bounds, forward, flops)


def _gates_of_input(p, x, bias) -> tuple[torch.Tensor, ...]:
    """Return ``W x_t + b`` of all time steps at once: T tensors (K, B, gates * hidden)."""
    n_clients, batch, n_steps, n_in = x.shape
    flat = x.transpose(1, 2).reshape(n_clients, n_steps * batch, n_in)
    gates = torch.baddbmm(bias.unsqueeze(1), flat, p["weight_ih_l0"].transpose(1, 2))
    return gates.view(n_clients, n_steps, batch, gates.shape[-1]).unbind(1)


def _gru_state(p, x, hidden: int) -> torch.Tensor:
    recurrent, bias = p["weight_hh_l0"].transpose(1, 2), p["bias_hh_l0"].unsqueeze(1)
    h = x.new_zeros(*x.shape[:2], hidden)
    for from_input in _gates_of_input(p, x, p["bias_ih_l0"]):
        rz_input, n_input = from_input.split((2 * hidden, hidden), dim=-1)
        rz_state, n_state = torch.baddbmm(bias, h, recurrent).split((2 * hidden, hidden), dim=-1)
        r, z = torch.sigmoid(rz_input + rz_state).chunk(2, dim=-1)
        n = torch.tanh(torch.addcmul(n_input, r, n_state))
        h = torch.lerp(n, h, z)
    return h


def _lstm_state(p, x, hidden: int) -> torch.Tensor:
    return lstm_states(p, x, hidden)[:, :, -1]


def lstm_states(p: dict[str, torch.Tensor], x: torch.Tensor, hidden: int) -> torch.Tensor:
    """Hidden states of an LSTM after each step: (K, B, T, n_in) -> (K, B, T, hidden); names as in `torch.nn.LSTM`."""
    recurrent = p["weight_hh_l0"].transpose(1, 2)
    h = c = x.new_zeros(*x.shape[:2], hidden)
    states = []
    for from_input in _gates_of_input(p, x, p["bias_ih_l0"] + p["bias_hh_l0"]):
        gates = torch.baddbmm(from_input, h, recurrent)
        i_f, g, o = gates.split((2 * hidden, hidden, hidden), dim=-1)
        i, f = torch.sigmoid(i_f).chunk(2, dim=-1)
        c = torch.addcmul(i * torch.tanh(g), f, c)
        h = torch.sigmoid(o) * torch.tanh(c)
        states.append(h)
    return torch.stack(states, dim=2)
