"""What mapping costs in bytes: the essentials of an environment against a clone of everything.

========================  ========================================================================================
``essentials``            the raster as it is sent, and every position that is reported
``mesh``                  the scene in full: vertices (3 floats), triangles (3 numbers), a material a triangle
``attributes``            the measured attributes of every link at every step: gain, line of sight, delay spread, beam
``channels``              the channel of every link at every step: delay, complex gain and four angles of each path
========================  ========================================================================================

A clone of everything is mesh and channels; whoever only copies attributes saves the twin its model, and pays for every
link anew.
"""

from __future__ import annotations

import pandas as pd

from dnt_lab.mapping.vertical.task import MappingTask

POSITION_BYTES = 12  # three floats
ATTRIBUTES_BYTES = 10  # two floats, a flag, a beam
PATH_BYTES = 28  # seven floats


def mapping_bytes(task: MappingTask, model_bytes: int = 0, rounds: int = 0) -> pd.DataFrame:
    """Bytes that the regions of a task send.

    Parameters
    ----------
    task : MappingTask
        Regions and their links.
    model_bytes, rounds : int
        Size of the model and rounds of its training, both ways, which the essentials need besides; 0 for regions
        that are served by a model made elsewhere.

    Returns
    -------
    DataFrame
        A row a region: ``essentials``, ``mesh``, ``attributes``, ``channels`` and ``learning``, in bytes.
    """
    rows = []
    for region, truth in zip(task.regions, task.truth, strict=True):
        scene = region.scenario.scene
        n_paths = len(region.trace())
        rows.append(
            {
                "region": region.name,
                "essentials": len(region.raster.packed()) + POSITION_BYTES * len(truth),
                "mesh": 12 * len(scene.vertices_m) + 13 * len(scene.faces),
                "attributes": ATTRIBUTES_BYTES * len(truth),
                "channels": PATH_BYTES * n_paths,
                "learning": 2 * model_bytes * rounds,
            }
        )
    return pd.DataFrame(rows).set_index("region")
