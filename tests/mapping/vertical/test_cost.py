"""Bytes that mapping costs, counted again by hand."""

import zlib

import numpy as np

from dnt_lab.mapping.vertical import mapping_bytes
from dnt_lab.mapping.vertical.cost import packed_mesh


def test_bytes_of_each_region_by_hand(task):
    table = mapping_bytes(task, model_bytes=1000, rounds=7)
    assert table.index.tolist() == [region.name for region in task.regions] and table.index.name == "region"
    for region in task.regions:
        row, scene = table.loc[region.name], region.scenario.scene
        assert row.essentials == len(region.raster.packed()) + 18 * 2 * 4
        raw = zlib.decompress(packed_mesh(scene))
        assert row.mesh == len(packed_mesh(scene)) < len(raw)
        n = scene.vertices_m.size
        np.testing.assert_array_equal(np.frombuffer(raw[: 4 * n], "<f4"), scene.vertices_m.ravel().astype("f4"))
        np.testing.assert_array_equal(np.frombuffer(raw[4 * n : -len(scene)], "<u4"), scene.faces.ravel())
        np.testing.assert_array_equal(np.frombuffer(raw[-len(scene) :], "u1"), scene.face_material)
        assert row.attributes == 18 * (4 + 4 + 4 + 4 + 1 + 1)
        frame = region.trace().to_frame()
        assert row.channels == len(frame) * 4 * (1 + 2 + 4) + 18 * 2 * 4
        assert row.learning == 2 * 7 * 1000


def test_a_model_made_elsewhere_costs_nothing(task):
    table = mapping_bytes(task[2:])
    assert (table.learning == 0).all() and (table.drop(columns="learning") > 0).all(axis=None)
