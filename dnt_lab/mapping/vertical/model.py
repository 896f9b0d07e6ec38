r"""The vertical model: a convolutional network sees each step, an LSTM remembers the track.

A step's view goes through two convolutions (3 x 3, strides (1, 2) and 2, ReLU) and an affine layer; joined with its
scalars, and with a 0 or 1 for the sign of either clearance, it enters the LSTM, whose state gives, through a last
affine layer, the 23 numbers of `OUTPUTS`:

- excess loss is a mixture of two Gaussians, :math:`p\,N(\mu_1, \sigma_1^2) + (1 - p)\,N(\mu_0, \sigma_0^2)`, with and
  without line of sight, since a link that may be blocked has two likely gains and none between them;
- p, and the probability that anything arrives, are logits; delay spread is a mean; the best beam is a choice of 16.

As all models of `dnt_lab.fl` it runs K clients at once, with the layout of `torch.nn.Sequential(Conv2d, ReLU, Conv2d,
ReLU, Flatten, Linear, ReLU)`, `torch.nn.LSTM` and `torch.nn.Linear`.
"""

from __future__ import annotations

import math

import torch
from torch.nn import functional

from dnt_lab.datasets._checks import whole
from dnt_lab.fl import Model
from dnt_lab.fl.models import linear, linear_layout
from dnt_lab.fl.recurrent import lstm_states
from dnt_lab.mapping.vertical.attributes import N_BEAMS
from dnt_lab.mapping.vertical.task import N_FEATURES, TARGETS
from dnt_lab.mapping.vertical.views import SCALARS, SHAPE

OUTPUTS = ("los_excess", "nlos_excess", "los_log_std", "nlos_log_std", "los", "path", "log_spread")
"""What the first columns mean; the beams follow."""
EXCESS_SCALE_DB = (3.0, 10.0)
"""Unit of excess loss in the model, with and without line of sight."""
N_OUTPUTS = len(OUTPUTS) + N_BEAMS
_STRIDES = ((1, 2), (2, 2))
_CLEARANCES = [SCALARS.index(name) for name in ("direct_clearance", "ceiling_clearance")]


def link_model(n_steps: int = 8, channels: tuple[int, int] = (8, 12), hidden: int = 24) -> Model:
    """CNN and LSTM from tracks (K, B, T, F) to outputs (K, B, 23 T).

    Parameters
    ----------
    n_steps : int
        Steps T of a track.
    channels : (int, int)
        Of the two convolutions.
    hidden : int
        Units of the affine layer behind them, and of the LSTM.

    Raises
    ------
    ValueError, TypeError
        If a size is not a whole number above 0.
    """
    n_steps, hidden = whole("n_steps", n_steps, 1), whole("hidden", hidden, 1)
    first, second = (whole("Each of channels", c, 1) for c in channels)
    shapes, bounds, flops, size = {}, {}, 0.0, SHAPE[1:]
    for name, a, b, stride in (("cnn.0", SHAPE[0], first, _STRIDES[0]), ("cnn.2", first, second, _STRIDES[1])):
        size = [-(-n // s) for n, s in zip(size, stride, strict=True)]
        layer = {f"{name}.weight": (b, a, 3, 3), f"{name}.bias": (b,)}
        shapes, bounds = shapes | layer, bounds | dict.fromkeys(layer, 1 / math.sqrt(9 * a))
        flops += 2.0 * 9 * a * b * math.prod(size)
    dense = linear_layout("cnn.5", second * math.prod(size), hidden)
    rows, n_in = 4 * hidden, hidden + len(SCALARS) + len(_CLEARANCES)
    cell = {"weight_ih_l0": (rows, n_in), "weight_hh_l0": (rows, hidden), "bias_ih_l0": (rows,), "bias_hh_l0": (rows,)}
    head = linear_layout("head", hidden, N_OUTPUTS)
    shapes |= dense[0] | cell | head[0]
    bounds |= dense[1] | dict.fromkeys(cell, 1 / math.sqrt(hidden)) | head[1]
    flops += dense[2] + 2.0 * rows * (n_in + hidden) + head[2]

    def forward(p, x):
        k, batch = x.shape[:2]
        views, scalars = x.split([math.prod(SHAPE), len(SCALARS)], dim=-1)
        z = views.reshape(k, batch * n_steps, *SHAPE).transpose(0, 1).flatten(1, 2)  # a group a client
        for name, stride in (("cnn.0", _STRIDES[0]), ("cnn.2", _STRIDES[1])):
            weight, bias = p[f"{name}.weight"].flatten(0, 1), p[f"{name}.bias"].flatten()
            z = torch.relu(functional.conv2d(z, weight, bias, stride, padding=1, groups=k))
        z = z.unflatten(1, (k, second)).flatten(2).transpose(0, 1)
        z = torch.relu(linear(p, "cnn.5", z)).reshape(k, batch, n_steps, hidden)
        blocked = (scalars[..., _CLEARANCES] > 0).to(z.dtype)
        states = lstm_states(p, torch.cat([z, scalars, blocked], dim=-1), hidden)
        return linear(p, "head", states.reshape(k, batch * n_steps, hidden)).reshape(k, batch, n_steps * N_OUTPUTS)

    name = f"link_model({n_steps} steps; {first}, {second} channels; {hidden} hidden)"
    return Model(name, (n_steps, N_FEATURES), shapes, bounds, forward, n_steps * flops)


def link_loss(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    r"""Loss of each track, mean over its steps: (K, B, 23 T) and (K, B, 5 T) -> (K, B).

    Cross-entropy of line of sight, of anything arriving and of the best beam; squared error of the delay spread and of
    the excess loss *of the true state*, in units of `EXCESS_SCALE_DB`; and a Gaussian log-likelihood that teaches the
    standard deviations alone. A likelihood that also taught the means would care least for the links it is worst at
    (Seitzer et al., "On the pitfalls of heteroscedastic uncertainty estimation", ICLR 2022).
    """
    out = prediction.unflatten(-1, (-1, N_OUTPUTS))
    excess_db, los, path, log_spread, turned = target.unflatten(-1, (-1, len(TARGETS))).unbind(-1)
    loss = _bce(out[..., 4], los) + _bce(out[..., 5], path)
    for state, mine in enumerate((los, path - los)):
        error = excess_db / EXCESS_SCALE_DB[state] - out[..., state]
        log_std = out[..., 2 + state].clamp(-4, 3)
        loss = loss + mine * (0.5 * error.square() + 0.1 * nll(error.detach(), log_std))
    loss = loss + path * 0.3 * (log_spread - out[..., 6]).square()
    beams = out[..., len(OUTPUTS) :].log_softmax(-1)
    chosen = beams.gather(-1, turned.long().unsqueeze(-1)).squeeze(-1)
    return (loss - 0.3 * path * chosen).mean(-1)


def nll(error: torch.Tensor, log_std: torch.Tensor) -> torch.Tensor:
    """Negative log-likelihood of a Gaussian without its constant."""
    return 0.5 * error.square() * torch.exp(-2 * log_std) + log_std


def _bce(logit, truth):
    return functional.binary_cross_entropy_with_logits(logit, truth, reduction="none")
