"""Random numbers by name: who draws, and for what, decides them; the order of the drawing does not.

A stream belongs to (seed, purpose, client, job). So a client shuffles its samples in the same way alone, in a stack, in
another process or after a restart, and no state of a generator has to be kept or sent.
"""

from __future__ import annotations

import numpy as np

SHUFFLE, SAMPLE_CLIENTS, DROP_OUT, ROUND_OFF = range(4)


def stream(seed: int, purpose: int, client: int = 0, job: int = 0) -> np.random.Generator:
    """Return the Generator of (seed, purpose, client, job), all whole numbers, 0 or more."""
    # Philox is a counter: each (purpose, client, job) has 2**128 draws of its own (Salmon et al., SC 2011). Arrays,
    # since Philox takes lists as float64 once a number needs 64 bits, which mixes up neighbouring seeds.
    key, counter = (np.array(words, np.uint64) for words in ([seed, purpose], [0, 0, client, job]))
    return np.random.Generator(np.random.Philox(key=key, counter=counter))
