"""What a data set was asked for, as plain JSON, so that two requests can be compared and the difference be named."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields

import numpy as np
import shapely

import dnt_lab
from dnt_lab.raytracing.scenarios import ScenarioSpace
from dnt_lab.raytracing.scene import Scene


def recipe(space: ScenarioSpace, **settings) -> dict:
    """Return the settings, the space and the versions that decide a data set's bytes, as JSON would read them back."""
    whole = settings | {
        "space": {part.name: _plain(getattr(space, part.name)) for part in fields(space)},
        "versions": {"dnt_lab": dnt_lab.__version__, "numpy": np.__version__},
    }
    return json.loads(json.dumps(whole))


def difference(before: Mapping, now: Mapping) -> str:
    """Say in which of its parts ``now`` is not ``before``; empty if they are equal."""
    before, now = _leaves(before), _leaves(now)
    changed = next((name for name in before | now if before.get(name) != now.get(name)), None)
    return "" if changed is None else f"{changed} was {before.get(changed)!r} and is now {now.get(changed)!r}"


def _leaves(tree: Mapping, prefix: str = "") -> dict:
    """Return what is in nested mappings under dotted names: ``space.n_users``."""
    leaves = {}
    for name, value in tree.items():
        leaves |= _leaves(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {prefix + name: value}
    return leaves


def _plain(value):
    """Return numbers and texts as they are, collections piece by piece, and the rest as a text or a digest."""
    if isinstance(value, Scene):
        arrays = (value.vertices_m, value.faces, value.face_object, value.face_material)
        content = b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)
        return {
            "name": value.name,
            "materials": [repr(material) for material in value.materials],
            "sha256": hashlib.sha256(content).hexdigest(),
        }
    if isinstance(value, shapely.Geometry):
        return {"area_m2": value.area, "sha256": hashlib.sha256(shapely.to_wkb(value)).hexdigest()}
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, tuple | list | np.ndarray):
        return [_plain(one) for one in value]
    if isinstance(value, np.generic):
        return value.item()
    return value if isinstance(value, str | int | float) else repr(value)
