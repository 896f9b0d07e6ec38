"""Linear regression by hand, for tests: clients of a linear model, and what its gradient and its solutions are.

The weights of ``fl.mlp(n_in, n_layers=0)`` are the slopes and then the constant, which here is a column of ones. All
numbers are float64, so that what differs by more than rounding is seen.
"""

import numpy as np

from dnt_lab import fl

N_IN = 2
MODEL = fl.mlp(N_IN, n_layers=0)
START = np.array([0.3, -0.2, 0.1])
FULL_BATCH = 1000  # samples a step, more than any client has


def clients(n_samples, seed=0):
    """Return data of clients that follow lines of their own."""
    rng = np.random.default_rng(seed)
    drawn = []
    for n in n_samples:
        x = rng.normal(size=(n, N_IN))
        drawn.append((x, x @ rng.normal(size=(N_IN, 1)) + rng.normal() + 0.1 * rng.normal(size=(n, 1))))
    return fl.ClientData.stack(drawn)


def full_batch(lr=0.1, epochs=1, prox=0.0):
    """Return local training by plain gradient descent, `epochs` steps a job."""
    return fl.LocalTraining(epochs=epochs, batch_size=FULL_BATCH, lr=lr, momentum=0.0, prox=prox)


def samples(data, client):
    """Return the inputs, with a column of ones, and the targets of one client: (n, 3), (n,)."""
    n = data.n_samples[client]
    return np.column_stack([data.x[client, :n], np.ones(n)]), data.y[client, :n, 0]


def pooled(data):
    """Return inputs and targets of all clients as one."""
    parts = [samples(data, k) for k in range(len(data))]
    return np.vstack([x for x, _ in parts]), np.concatenate([y for _, y in parts])


def gradient(w, x, y):
    """Gradient of the mean squared error of ``x w``."""
    return 2 * x.T @ (x @ w - y) / len(y)


def solution(x, y):
    """Least squares."""
    return np.linalg.lstsq(x, y, rcond=None)[0]


def local_steps(w, x, y, lr, epochs):
    """Gradient descent of one client; returns its model."""
    for _ in range(epochs):
        w = w - lr * gradient(w, x, y)
    return w


def devices(sample_s, down_s=0.0, up_s=0.0, **rest):
    """Return devices that need so many seconds a sample, and for an uncompressed model on its way down and up."""
    flops, bits = 3 * MODEL.forward_flops, 8 * MODEL.n_bytes
    with np.errstate(divide="ignore"):
        speed, down, up = (np.divide(a, s) for a, s in ((flops, sample_s), (bits, down_s), (bits, up_s)))
    return fl.Devices(speed, fl.Connection(up, down), **rest)
