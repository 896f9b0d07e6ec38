"""Smaller updates: each is packed into real bytes, counted, and unpacked by the server.

- `qsgd` (Alistarh et al., NeurIPS 2017): Q(v_i) = ||v||_2 sign(v_i) l_i / s, s = 2^bits - 1, where l_i is
  s |v_i| / ||v||_2 rounded up or down at random so that E[Q(v)] = v. Bytes: the norm (4), then bits + 1 bits a weight.
- `top_k`: the share of largest |v_i|, as they are; the rest is zero. Bytes: 4 for each value and 2 or 4 for its place.
- `sign` (Seide et al., Interspeech 2014; Bernstein et al., ICML 2018): mean |v| times the sign. Bytes: 4, then a bit
  a weight.

The last two are biased, so a client adds what an update left out to its next one (error feedback, Karimireddy et al.,
ICML 2019).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from dnt_lab.datasets._checks import whole
from dnt_lab.datasets._numbers import real


@dataclass(frozen=True)
class Compression:
    """A way to pack updates.

    Attributes
    ----------
    name : str
        With its parameters.
    n_bytes : callable
        ``n_bytes(P)``: bytes of a packed update of P weights, whatever its values.
    encode : callable
        ``encode(updates (K, P), rngs)``: uint8 (K, n_bytes); `rngs` is one numpy Generator an update. Refuses with a
        ValueError what is not finite.
    decode : callable
        ``decode(payload (K, n_bytes), P)``: float32 (K, P), what the server sees. Refuses a payload of another length.
    feedback : bool
        Whether clients keep what was left out for their next update.
    """

    name: str
    n_bytes: Callable[[int], int]
    encode: Callable[[np.ndarray, Sequence[np.random.Generator]], np.ndarray]
    decode: Callable[[np.ndarray, int], np.ndarray]
    feedback: bool


def qsgd(bits: int = 8) -> Compression:
    """Stochastic quantisation to 2^bits - 1 levels and a sign, unbiased; `bits` from 1 to 16."""
    bits = whole("bits", bits, 1, 16)
    levels = 2**bits - 1

    def n_bytes(n_weights):
        return 4 - (-n_weights * (bits + 1) // 8)

    def encode(updates, rngs):
        v, norm = _float32(updates)
        scaled = levels * (np.abs(v) / np.where(norm > 0, norm, 1)[:, None])
        draws = np.array([rng.random(v.shape[1]) for rng in rngs]).reshape(v.shape)  # no update at all fits, too
        level = np.minimum(np.floor(scaled + draws), levels).astype(">u2")  # the highest bit first
        level_bits = np.unpackbits(level[..., None].view(np.uint8), axis=2)[..., -bits:]
        planes = np.concatenate([(v < 0)[..., None], level_bits], axis=2)
        return _with_header(norm, np.packbits(planes.reshape(len(v), v.shape[1] * (bits + 1)), axis=1))

    def decode(payload, n_weights):
        norm, packed = _header(payload, n_bytes(n_weights))
        flat = np.unpackbits(packed, axis=1, count=n_weights * (bits + 1))
        planes = flat.reshape(len(payload), n_weights, bits + 1)
        level_bits = np.zeros((len(payload), n_weights, 16), np.uint8)
        level_bits[..., -bits:] = planes[..., 1:]
        level = np.packbits(level_bits, axis=2).view(">u2")[..., 0]
        return (norm[:, None] * np.where(planes[..., 0], -1.0, 1.0) * level / levels).astype(np.float32)

    return Compression(f"qsgd({bits})", n_bytes, encode, decode, feedback=False)


def top_k(share: float = 0.1) -> Compression:
    """Keep the `share` of weights, in (0, 1], that changed most (at least one)."""
    share = real("share", share, 0.0, 1.0)

    def kept(n_weights):
        return max(1, round(share * n_weights))

    def place_type(n_weights):
        return np.dtype("<u2") if n_weights <= 2**16 else np.dtype("<u4")

    def n_bytes(n_weights):
        return kept(n_weights) * (4 + place_type(n_weights).itemsize)

    def encode(updates, rngs):
        v, _ = _float32(updates)
        n = v.shape[1]
        places = np.sort(np.argsort(-np.abs(v), axis=1, kind="stable")[:, : kept(n)], axis=1)
        values = np.take_along_axis(v, places, axis=1).astype("<f4")
        return np.concatenate([_as_bytes(values), _as_bytes(places.astype(place_type(n)))], axis=1)

    def decode(payload, n_weights):
        payload, cut = _checked(payload, n_bytes(n_weights)), 4 * kept(n_weights)
        values = np.ascontiguousarray(payload[:, :cut]).view("<f4")
        places = np.ascontiguousarray(payload[:, cut:]).view(place_type(n_weights))
        update = np.zeros((len(payload), n_weights), np.float32)
        np.put_along_axis(update, places.astype(np.int64), values, axis=1)
        return update

    return Compression(f"top_k({share:g})", n_bytes, encode, decode, feedback=True)


def sign() -> Compression:
    """Keep the signs (zero counts as plus) and the mean of |v|."""

    def n_bytes(n_weights):
        return 4 - (-n_weights // 8)

    def encode(updates, rngs):
        v, _ = _float32(updates)
        scale = np.abs(v).mean(axis=1, dtype=float).astype("<f4")
        return _with_header(scale, np.packbits(v < 0, axis=1))

    def decode(payload, n_weights):
        scale, packed = _header(payload, n_bytes(n_weights))
        negative = np.unpackbits(packed, axis=1, count=n_weights)
        return scale[:, None] * np.where(negative, np.float32(-1), np.float32(1))

    return Compression("sign()", n_bytes, encode, decode, feedback=True)


def _float32(updates) -> tuple[np.ndarray, np.ndarray]:
    """Return updates and their norms as float32, if all are finite."""
    updates = np.asarray(updates)
    if updates.ndim != 2:
        raise ValueError(f"updates have shape {updates.shape}; (K, P) is needed, a row an update.")
    with np.errstate(over="ignore"):  # what overflows is refused below
        v = updates.astype(np.float32)
        norm = np.linalg.norm(v.astype(float), axis=1).astype("<f4")
    if not np.isfinite(norm).all():
        row = np.flatnonzero(~np.isfinite(norm))[0]
        raise ValueError(f"update {row} has the norm {norm[row]}; a finite one is needed (has its training diverged?).")
    return v, norm


def _as_bytes(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values).view(np.uint8)


def _with_header(number: np.ndarray, packed: np.ndarray) -> np.ndarray:
    return np.concatenate([_as_bytes(number[:, None]), packed], axis=1)


def _checked(payload: np.ndarray, n_bytes: int) -> np.ndarray:
    if payload.ndim != 2 or payload.shape[1] != n_bytes or payload.dtype != np.uint8:
        raise ValueError(f"payload is {payload.dtype} of shape {payload.shape}; uint8 of (K, {n_bytes}) is needed.")
    return payload


def _header(payload: np.ndarray, n_bytes: int) -> tuple[np.ndarray, np.ndarray]:
    payload = _checked(payload, n_bytes)
    return np.ascontiguousarray(payload[:, :4]).view("<f4")[:, 0], payload[:, 4:]
