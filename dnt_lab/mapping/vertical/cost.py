"""What mapping costs in bytes: the essentials of an environment against a clone of everything.

==================  ==============================================================================================
``essentials``      the raster as it is sent, and every position that is reported
``mesh``            the scene in full, deflated like the raster: vertices, triangles, a material a triangle
``attributes``      every position, and with it gain, line of sight, delay spread and beam as measured
``channels``        every position, and with it each path as measured: delay, complex gain and four angles
``learning``        the model down and up, each round of the training; nothing where the model was made elsewhere
==================  ==============================================================================================

A clone of everything is mesh and channels. Who sends attributes alone sends least for a while, since nothing is sent
of the place; but the twin then knows nothing of a link that was not measured.
"""

from __future__ import annotations

import zlib

import pandas as pd

from dnt_lab.mapping.vertical.task import MappingTask
from dnt_lab.raytracing import Scene

POSITION_BYTES = 8  # two floats
ATTRIBUTES_BYTES = 10  # two floats, a flag, a beam
PATH_BYTES = 28  # seven floats


def mapping_bytes(task: MappingTask, model_bytes: int = 0, rounds: int = 0) -> pd.DataFrame:
    """Bytes that the regions of a task send.

    Parameters
    ----------
    task : MappingTask
        Regions and their links; paths of up to two reflections are counted as measured.
    model_bytes, rounds : int
        Size of the model and rounds of its training; 0 for regions that are served by a model made elsewhere.

    Returns
    -------
    DataFrame
        A row a region: ``essentials``, ``mesh``, ``attributes``, ``channels`` and ``learning``, in bytes.
    """
    rows = {}
    for region, truth in zip(task.regions, task.truth, strict=True):
        positions = POSITION_BYTES * len(truth)
        rows[region.name] = {
            "essentials": len(region.raster.packed()) + positions,
            "mesh": len(packed_mesh(region.scenario.scene)),
            "attributes": ATTRIBUTES_BYTES * len(truth) + positions,
            "channels": PATH_BYTES * len(region.trace()) + positions,
            "learning": 2 * model_bytes * rounds,
        }
    return pd.DataFrame(rows).T.rename_axis("region")


def packed_mesh(scene: Scene) -> bytes:
    """Return a scene as it would be sent: floats, numbers of vertices, a material's number a triangle, deflated."""
    parts = (scene.vertices_m.astype("<f4"), scene.faces.astype("<u4"), scene.face_material.astype("u1"))
    return zlib.compress(b"".join(part.tobytes() for part in parts), 9)
