"""Local training: K clients take their own steps of stochastic gradient descent (SGD), all at once.

A client's steps do not depend on who trains beside it: its batches come from a stream of its own, and it stands still
when others have more samples. So `train` with K rows gives what K runs with one row give, up to rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from dnt_lab.datasets._checks import whole
from dnt_lab.datasets._numbers import real
from dnt_lab.fl._random import SHUFFLE, stream
from dnt_lab.fl.client_data import ClientData
from dnt_lab.fl.models import Model

# What does not fit into the processor's cache gains nothing; of large models that is so for few clients already.
CLIENTS_AT_ONCE, WEIGHTS_AT_ONCE = 100, 400_000
Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def squared_error(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Squared error of each sample, mean over its outputs: (K, B, outputs) -> (K, B)."""
    if prediction.shape != target.shape:
        raise ValueError(f"the model gives {prediction.shape[-1]} outputs, but y has {target.shape[-1]}.")
    return (prediction - target).square().mean(dim=-1)


@dataclass(frozen=True)
class LocalTraining:
    """What a client does with the model it was sent.

    Attributes
    ----------
    epochs : int
        Passes over the client's samples.
    batch_size : int
        Samples a step; the last batch of a pass may be smaller.
    lr : float
        Learning rate.
    momentum : float
        Of SGD, in [0, 1]; starts at zero in every job.
    prox : float
        mu of FedProx (Li et al., MLSys 2020): adds mu/2 ||w - w_sent||^2 to the loss; 0 leaves it out.
    loss : callable
        ``loss(prediction, target)``: (K, B, outputs) twice -> (K, B).

    Raises
    ------
    ValueError, TypeError
        If a number is out of range.
    """

    epochs: int = 1
    batch_size: int = 20
    lr: float = 0.01
    momentum: float = 0.9
    prox: float = 0.0
    loss: Loss = squared_error

    def __post_init__(self):
        whole("epochs", self.epochs, 1)
        whole("batch_size", self.batch_size, 1)
        real("lr", self.lr)
        real("momentum", self.momentum, 0.0, 1.0, strict=False)
        real("prox", self.prox, 0.0, strict=False)

    def n_steps(self, n_samples):
        """Steps of a job of a client with so many samples."""
        return self.epochs * -(-np.asarray(n_samples) // self.batch_size)

    def flops(self, model: Model, n_samples):
        """Floating-point operations of a job: 3 x forward, since the way back costs twice the way there."""
        return 3.0 * model.forward_flops * self.epochs * np.asarray(n_samples)


def train(
    model: Model,
    weights: np.ndarray,
    data: ClientData,
    how: LocalTraining = LocalTraining(),
    *,
    seed: int = 0,
    clients: np.ndarray | None = None,
    jobs: np.ndarray | int = 0,
) -> np.ndarray:
    """Train K clients at once, each from its own weights on its own samples.

    Parameters
    ----------
    model : Model
        What they train.
    weights : numpy.ndarray, shape (P,) or (K, P)
        Where each starts; float64 weights are trained in float64.
    data : ClientData
        Samples of the K clients.
    how : LocalTraining
        Epochs, batches, learning rate.
    seed : int
        Of the shuffling.
    clients, jobs : numpy.ndarray of int, shape (K,), or int
        Number of each client (0 to K - 1 if left out) and of its job; with the seed they name the shuffling.

    Returns
    -------
    numpy.ndarray, shape (K, P)
        Trained weights; a client without samples keeps its own.

    Raises
    ------
    ValueError, TypeError
        If shapes do not fit one another, the weights are neither float32 nor float64, or the seed or the number of a
        client or job is not a whole number, 0 or more.
    """
    k = len(data)
    if data.x.shape[2:] != model.input_shape:
        raise ValueError(f"a sample has shape {data.x.shape[2:]}, but {model.name} takes {model.input_shape}.")
    seed = whole("seed", seed, 0)
    clients = _numbers("clients", np.arange(k) if clients is None else clients, k)
    jobs = _numbers("jobs", jobs, k)
    trained = np.array(np.broadcast_to(model.checked(weights, k), (k, model.n_parameters)))
    longest_first = np.argsort(-data.n_samples, kind="stable")  # so that those who still step are the first rows
    at_once = max(1, min(CLIENTS_AT_ONCE, WEIGHTS_AT_ONCE // model.n_parameters))
    for start in range(0, k, at_once):
        rows = longest_first[start : start + at_once]
        order = _sample_order(seed, clients[rows], jobs[rows], data.n_samples[rows], how.epochs)
        trained[rows] = _train_stack(model, trained[rows], data[rows], order, how)
    return trained


def _numbers(name: str, values, k: int) -> np.ndarray:
    values = np.asarray(values)
    if values.shape not in ((), (k,)) or values.dtype.kind not in "iu" or (values < 0).any():
        raise ValueError(f"{name} is {values!r:.60}; it must hold {k} whole numbers, 0 or more, one a client.")
    return np.broadcast_to(values, (k,))


def _sample_order(seed: int, clients, jobs, n_samples, epochs: int) -> np.ndarray:
    """Return the order in which each client takes its samples, shape (K, epochs, N), zero behind the last."""
    order = np.zeros((len(clients), epochs, n_samples.max(initial=0)), dtype=np.int64)
    for row, (client, job, n) in enumerate(zip(clients.tolist(), jobs.tolist(), n_samples.tolist(), strict=True)):
        rng = stream(seed, SHUFFLE, client, job)
        for epoch in range(epochs):
            order[row, epoch, :n] = rng.permutation(n)
    return order


def _train_stack(model: Model, start: np.ndarray, data: ClientData, order: np.ndarray, how: LocalTraining):
    """Step through one stack, whose rows are sorted by their number of samples, the longest first."""
    weights = torch.from_numpy(start)
    x, y = (
        torch.from_numpy(part.astype(start.dtype, order="C")) for part in (data.x, data.y)
    )  # whatever their strides
    sent, velocity = weights.clone(), torch.zeros_like(weights)
    for epoch in range(how.epochs):
        for first in range(0, order.shape[2], how.batch_size):
            active = int(np.count_nonzero(data.n_samples > first))
            left = torch.from_numpy(data.n_samples[:active, None] - first)
            batch = torch.from_numpy(order[:active, epoch, first : first + how.batch_size])
            there = (torch.arange(batch.shape[1]) < left).to(weights.dtype)  # a quotient of whole numbers is float32
            share = there / left.clamp(max=batch.shape[1])  # mean over what is there
            rows = torch.arange(active)[:, None]
            now = weights[:active].requires_grad_()
            loss = how.loss(model.apply(now, x[rows, batch]), y[rows, batch])
            if loss.shape != batch.shape:
                raise ValueError(f"loss gives shape {tuple(loss.shape)}; {tuple(batch.shape)} is needed, one a sample.")
            (grad,) = torch.autograd.grad((loss * share).sum(), now)
            now = now.detach()
            if how.prox:
                grad.add_(now - sent[:active], alpha=how.prox)
            velocity[:active].mul_(how.momentum).add_(grad)
            now.sub_(velocity[:active], alpha=how.lr)  # shares its memory with `weights`
    return weights.numpy()
