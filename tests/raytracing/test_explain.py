"""Explain: the factors of a path add up to its gain, and each is what a formula by hand says."""

import numpy as np
import pytest

from dnt_lab.physical.pathloss import free_space_db
from dnt_lab.raytracing import FixedLoss, Scene, diffuse, explain, trace
from dnt_lab.raytracing.nist import IEEE_802_11AY

TX_M, RX_M = [1.0, 1.5, 2.2], [[6.0, 3.0, 1.1], [4.0, 4.2, 0.7]]


@pytest.fixture(scope="module")
def room():
    return Scene.room((8.0, 5.0, 3.0), {"walls": "glass", "floor": "wood", "ceiling": "concrete"})


def test_factors_add_up_to_the_gain_of_every_path(room):
    paths = trace(room, TX_M, RX_M, 28e9, 3)
    table = explain(room, paths)
    np.testing.assert_allclose(table.groupby("path")["gain_db"].sum(), paths.gain_db, atol=1e-9)
    assert (table.groupby("path").size() == paths.order + 2).all()
    first = table.groupby("path").first()
    np.testing.assert_allclose(first["gain_db"], -free_space_db(paths.delay_s * 299_792_458.0, 28e9), atol=1e-9)
    bounces = table[table["material"].notna()]
    between = bounces[["te_db", "tm_db"]].agg(["min", "max"], axis=1)
    assert (bounces["gain_db"] >= between["min"] - 1e-9).all()  # a mixture of both
    assert (bounces["gain_db"] <= between["max"] + 1e-9).all()
    assert (table.loc[table["factor"] == "receiver", "gain_db"] <= 1e-9).all()
    named = table[table["material"].notna()].groupby("path")["factor"].agg(" > ".join)
    assert named.tolist() == paths.to_frame()["objects"][paths.order > 0].tolist()


def test_one_bounce_on_the_ground_is_a_tm_bounce_by_hand():
    ground = Scene.from_mesh(
        [[-50, -50, 0], [50, -50, 0], [50, 50, 0], [-50, 50, 0]], [[0, 1, 2], [0, 2, 3]], 0, ["metal"]
    )
    ground = ground.with_material("metal", FixedLoss(3.0))
    paths = trace(ground, [0.0, 0, 4], [12.0, 0, 4], 60e9, 1)
    bounce = explain(ground, paths[paths.order == 1]).iloc[1]
    assert bounce["incidence_deg"] == pytest.approx(np.degrees(np.arctan2(12, 8)))
    assert bounce[["gain_db", "tm_db"]].tolist() == pytest.approx([-3.0, -3.0])


def test_a_wall_met_by_a_level_ray_is_a_te_bounce(room):
    room = Scene.room((8.0, 5.0, 3.0), "concrete")
    paths = trace(room, [1.0, 1.0, 1.5], [5.0, 2.0, 1.5], 28e9, 1)
    table = explain(room, paths)
    side = table[table["factor"] == "wall-south"].iloc[0]
    assert side["gain_db"] == pytest.approx(side["te_db"], abs=1e-9)
    r_te, _ = room.materials[0].reflection(np.cos(np.radians([side["incidence_deg"]])), 28e9)
    assert side["te_db"] == pytest.approx(20 * np.log10(abs(r_te[0])))


def test_what_is_not_of_this_scene_is_refused(room):
    paths = trace(room, TX_M, RX_M, 28e9, 1)
    with pytest.raises(ValueError, match="paths are not those of this scene"):
        explain(Scene.room((8.0, 5.0, 3.0), "wood"), paths)
    with pytest.raises(ValueError, match="paths are not those of this scene"):
        explain(room.with_material("glass", FixedLoss(1.0, name="glass")), paths)
    with pytest.raises(ValueError, match="paths are not those of this scene"):
        explain(room, trace(room, TX_M, RX_M, 28e9, 1, polarised=False))
    with pytest.raises(ValueError, match="diffuse rays, but only traced paths have factors"):
        explain(room, diffuse(paths, IEEE_802_11AY["ConferenceRoom"], seed=1))


def test_no_path_has_no_factor(room):
    paths = trace(room, TX_M, RX_M, 28e9, 0)
    assert len(explain(room, paths[:0])) == 0
