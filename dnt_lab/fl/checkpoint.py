"""One file that holds where a federation is, written in one step: a killed run goes on from its last one.

Nothing of the configuration is stored but a digest of it: build the same `Federation` again and hand it the file.
Random numbers need no place here, since they belong to (seed, client, job), not to a moment.
"""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import numpy as np

from dnt_lab.datasets.traffic_file import save_npz


def save(federation, path: str | Path) -> None:
    """Write a federation's state; a kill leaves the old file or the new one."""
    arrays: list[np.ndarray] = []
    skeleton = _taken_apart(federation._state(), arrays)
    text = json.dumps({"identity": _digest(federation), "state": skeleton})
    save_npz(Path(path), skeleton=np.array(text), **{f"a{i}": array for i, array in enumerate(arrays)})


def restore(federation, path: str | Path) -> bool:
    """Set a federation to the state in a file; return whether there was one.

    Raises
    ------
    ValueError
        If the file is damaged, or was written by a federation with another configuration. Nothing is changed then.
    """
    path = Path(path)
    if not path.exists():
        return False
    content = io.BytesIO(path.read_bytes())
    try:
        with np.load(content, allow_pickle=False) as stored:
            told = json.loads(str(stored["skeleton"]))
            identity, state = told["identity"], _put_together(told["state"], stored)
    except Exception:  # what zip, numpy and JSON say to damaged bytes has no common kind
        raise ValueError(f"{path.name} is not a whole checkpoint; delete it to start afresh.") from None
    if identity != _digest(federation):
        raise ValueError(
            f"{path.name} belongs to a federation with another model, data, strategy, seed or other setting; "
            "use the same ones, or another file."
        )
    federation._set_state(state)
    return True


def _digest(federation) -> str:
    digest = hashlib.sha256()
    for part in federation._identity():
        digest.update(np.ascontiguousarray(part).data if isinstance(part, np.ndarray) else repr(part).encode())
        digest.update(b"|")
    return digest.hexdigest()


def _taken_apart(value, arrays: list[np.ndarray]):
    """Return `value` as JSON can hold it; arrays go to `arrays` and leave their number."""
    if isinstance(value, np.ndarray):
        arrays.append(value)
        return {"array": len(arrays) - 1}
    if isinstance(value, dict):
        return {"dict": {name: _taken_apart(part, arrays) for name, part in value.items()}}
    if isinstance(value, list | tuple):
        return [_taken_apart(part, arrays) for part in value]
    return value.item() if isinstance(value, np.generic) else value


def _put_together(value, stored):
    if isinstance(value, list):
        return [_put_together(part, stored) for part in value]
    if isinstance(value, dict) and "array" in value:
        return stored[f"a{value['array']}"]
    if isinstance(value, dict):
        return {name: _put_together(part, stored) for name, part in value["dict"].items()}
    return value
