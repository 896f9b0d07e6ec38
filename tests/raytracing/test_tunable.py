"""Tunable models: against closed forms and against tracing anew with the changed walls; materials found from power."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnt_lab.raytracing.calibration import Parameter, calibrate
from dnt_lab.raytracing.materials import FixedLoss, ItuMaterial, Material
from dnt_lab.raytracing.scene import Scene
from dnt_lab.raytracing.trace import trace
from dnt_lab.raytracing.tunable import EXPONENT, LOSS_PER_M, OFFSET, LogDistance, TracedPower

FREQ_HZ = 28e9
PERMITTIVITY = Parameter("concrete.relative_permittivity", 4.0, 1.5, 12.0)
CEILING_LOSS = Parameter("ceiling.loss_db", 10.0, 0.0, 30.0)


def room(concrete=None, ceiling=None):
    walls = concrete or Material(4.0, 0.1, name="concrete")
    ceiling = ceiling or FixedLoss(10.0, name="ceiling")
    return Scene.room((8.0, 5.0, 3.0), {"walls": walls, "floor": "wood", "ceiling": ceiling})


def traced(scene, n=25, seed=0, order=2, **settings):
    rx_m = np.random.default_rng(seed).uniform((0.5, 0.5, 0.5), (7.5, 4.5, 2.5), (n, 3))
    return trace(scene, [[1.0, 2.5, 2.5], [6.0, 1.0, 2.0]], rx_m, FREQ_HZ, order, **settings)


def test_free_space_and_its_parameters_by_hand():
    model = LogDistance([1.0, 10.0, 100.0], 60e9, (OFFSET, EXPONENT, LOSS_PER_M))
    friis_db = -20 * np.log10(4 * np.pi * np.array([1.0, 10.0, 100.0]) * 60e9 / 299792458)
    np.testing.assert_allclose(model.predict_db({}), friis_db, atol=1e-9)
    changed = model.predict_db({"offset_db": 7.0, "exponent": 3.0, "loss_db_per_m": 0.1})
    np.testing.assert_allclose(changed - friis_db, [7 - 0.1, 7 - 10 - 1, 7 - 20 - 10], atol=1e-9)


def test_two_ray_ground_by_hand():
    ground = Material(6.0, 0.2, name="ground")
    corners_m = [[-500, -500, 0], [500, -500, 0], [500, 500, 0], [-500, 500, 0]]
    scene = Scene.from_mesh(corners_m, [[0, 1, 2], [0, 2, 3]], 0, [ground])
    paths = trace(scene, [0.0, 0.0, 10.0], [[60.0, 80.0, 2.0]], FREQ_HZ, 1)
    model = TracedPower(paths, scene.materials, (OFFSET, Parameter("ground.relative_permittivity", 6.0, 1.0, 20.0)))
    direct_m, bounced_m = np.hypot(100.0, 8.0), np.hypot(100.0, 12.0)
    sine, cosine = 100.0 / bounced_m, 12.0 / bounced_m
    for permittivity in (3.0, 6.0, 15.0):
        eta = permittivity - 0.2j / (2 * np.pi * FREQ_HZ * 8.8541878128e-12)
        root = np.sqrt(eta - sine**2)
        r_tm = (eta * cosine - root) / (eta * cosine + root)  # a vertical antenna's wave lies in the plane of incidence
        power = (299792458 / FREQ_HZ / 4 / np.pi) ** 2 * (direct_m**-2 + np.abs(r_tm) ** 2 * bounced_m**-2)
        predicted_db = model.predict_db({"offset_db": 5.0, "ground.relative_permittivity": permittivity})
        assert predicted_db[0] == pytest.approx(5 + 10 * np.log10(power), abs=1e-9)


@settings(max_examples=10, deadline=None)
@given(st.floats(1.5, 12), st.floats(0, 3), st.floats(0, 25), st.floats(0.001, 0.02), st.integers(0, 99))
def test_it_predicts_what_a_new_trace_gives(permittivity, conductivity, loss_db, thickness_m, seed):
    scene = room(Material(4.0, 0.1, 0.01, name="concrete"))
    thickness = Parameter("concrete.thickness_m", 0.01, 0.01, 0.012)
    model = TracedPower(traced(scene, n=4, seed=seed), scene.materials, (OFFSET, CEILING_LOSS, thickness))
    values = {
        "offset_db": -3.0, "ceiling.loss_db": loss_db, "concrete.relative_permittivity": permittivity,
        "concrete.conductivity_s_per_m": conductivity, "concrete.thickness_m": thickness_m,
    }  # fmt: skip
    again = traced(
        room(Material(permittivity, conductivity, thickness_m, "concrete"), FixedLoss(loss_db, name="ceiling")), 4, seed
    )
    np.testing.assert_allclose(model.gain(values), again.gain, rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(model.predict_db(values), 10 * np.log10(again.power()).ravel() - 3, atol=1e-9)


def test_a_material_of_the_table_is_tuned_from_its_values_and_third_order_holds():
    scene = room(ItuMaterial("concrete", None), ItuMaterial("plasterboard", None, "ceiling"))
    paths = traced(scene, n=3, order=3)
    model = TracedPower(paths, scene.materials, (PERMITTIVITY,))
    sigma = 0.0462 * 28**0.7822
    again = traced(scene.with_material("concrete", Material(9.0, sigma)), n=3, order=3)
    np.testing.assert_allclose(model.gain({"concrete.relative_permittivity": 9.0}), again.gain, rtol=1e-9, atol=1e-15)


def test_scalar_paths_are_tuned_as_scalar():
    scene = room()
    model = TracedPower(traced(scene, n=4, polarised=False), scene.materials, (PERMITTIVITY,), polarised=False)
    changed = room(Material(7.0, 0.1, name="concrete"), FixedLoss(3.0, name="ceiling"))
    again = traced(changed, n=4, polarised=False)
    gain = model.gain({"concrete.relative_permittivity": 7.0, "ceiling.loss_db": 3.0})
    np.testing.assert_allclose(gain, again.gain, rtol=1e-9)


def test_links_without_a_path_predict_nothing():
    box = Scene.box((4.0, -5.0, -5.0), (5.0, 5.0, 5.0), "concrete")
    paths = trace(box, [0.0, 0.0, 0.0], [[3.0, 0.0, 0.0], [9.0, 0.0, 0.0]], FREQ_HZ, 1)
    predicted_db = TracedPower(paths, box.materials, (OFFSET,)).predict_db({})
    assert np.isfinite(predicted_db[0])
    assert predicted_db[1] == -np.inf


def test_materials_are_found_from_power_with_outliers():
    truth = room(Material(5.5, 0.1, name="concrete"), FixedLoss(7.0, name="ceiling"))
    believed = room()
    noise, bad = np.random.default_rng(1), slice(None, None, 7)
    true_paths, paths = traced(truth, n=60), traced(believed, n=60)
    true_paths, paths = true_paths[true_paths.order > 0], paths[paths.order > 0]  # a screen takes the line of sight
    measured_db = 10 * np.log10(true_paths.power()).ravel() + 4 + 0.3 * noise.normal(size=120)
    measured_db[bad] -= 15
    offset = Parameter("offset_db", 0.0, -30.0, 30.0)
    model = TracedPower(paths, believed.materials, (offset, PERMITTIVITY, CEILING_LOSS))
    found = calibrate(model, measured_db)
    assert np.all(np.abs(found.value - [4.0, 5.5, 7.0]) < 3 * found.std_error)
    assert np.all(found.std_error < [1.0, 1.5, 1.5])
    assert found.noise_db == pytest.approx(0.3, abs=0.1)
    assert found.outlier[bad].all()
    assert found.notes == ()


def test_a_wall_no_path_meets_is_named():
    scene = room() + Scene.box((20, 20, 0), (21, 21, 1), "brick")
    offset, brick = Parameter("offset_db", 0.0, -30.0, 30.0), Parameter("brick.loss_db", 9.0, 0.0, 30.0)
    model = TracedPower(traced(scene), scene.materials, (offset, brick))
    found = calibrate(model, model.predict_db({}) + 1)
    assert found.notes == ("brick.loss_db is not identifiable: none of the measurements depends on it",)


@pytest.mark.parametrize(
    ("parameter", "sentence"),
    [
        (Parameter("brick.loss_db", 1, 0, 9), "'brick.loss_db' belongs to no material of the scene; 'offset_db' or"),
        (Parameter("exponent", 2, 1, 6), "'exponent' belongs to no material of the scene"),
        (Parameter("concrete.colour", 1, 0, 9), "'colour' is no number of Material"),
        (Parameter("concrete.thickness_m", 1, 0, 9), "'thickness_m' is no number of Material.* that can be tuned"),
        (Parameter("ceiling.relative_permittivity", 2, 1, 9), "'relative_permittivity' is no number of FixedLoss"),
        (
            Parameter("wood.relative_permittivity", 2, 1, 9),
            r"from 1 to 9 holds 37\.4 ripples .* make the wall a half-sp",
        ),
        (Parameter("wood.thickness_m", 0.1, 0.05, 0.1), r"from 0\.05 to 0\.1 holds 13\.2 ripples of the echo"),
    ],
)
def test_unknown_and_hopeless_parameters_are_refused(parameter, sentence):
    scene = room()
    with pytest.raises(ValueError, match=sentence):
        TracedPower(traced(scene, n=2), scene.materials, (parameter,))


def test_paths_of_other_walls_and_diffuse_ones_are_refused():
    scene = room()
    paths = traced(scene, n=2)
    with pytest.raises(ValueError, match="paths differ from those which these materials give"):
        TracedPower(paths, room(Material(6.0, 0.1, name="concrete")).materials, (OFFSET,))
    with pytest.raises(ValueError, match="polarised as in the trace, not True"):
        TracedPower(traced(scene, n=2, polarised=False), scene.materials, (OFFSET,))
    paths.diffuse[-1] = True
    with pytest.raises(ValueError, match=r"but walls are tuned on specular paths: paths\[~paths.diffuse\]"):
        TracedPower(paths, scene.materials, (OFFSET,))


def test_bad_distances_and_parameters_are_refused():
    with pytest.raises(
        ValueError, match=r"wall\.loss_db is no parameter of LogDistance, which has offset_db, exponent"
    ):
        LogDistance([1.0], 60e9, (Parameter("wall.loss_db", 1, 0, 9),))
    with pytest.raises(ValueError, match="finite d3d_m > 0 and freq_hz > 0"):
        LogDistance([0.0], 60e9)
