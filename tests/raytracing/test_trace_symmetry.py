"""What physics promises of every scene: reciprocity, no preferred place or direction, mirrors, and no energy won."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnt_lab.datasets import street_grid
from dnt_lab.physical.pathloss import SPEED_OF_LIGHT_M_S
from dnt_lab.raytracing.angles import unit_vector
from dnt_lab.raytracing.materials import FixedLoss, Material
from dnt_lab.raytracing.scene import Scene
from dnt_lab.raytracing.trace import trace

FREQ_HZ = 28e9
many = settings(max_examples=20)
seeds = st.integers(0, 2**32 - 1)


def place(seed):
    """A scene of closed bodies and open plates, a transmitter, a few receivers, and the dice."""
    rng = np.random.default_rng(seed)
    if seed % 2:
        plan = street_grid(2, 2, 20.0, 10.0, (5.0, 20.0), seed=rng)
        scene = Scene.from_city(plan, roof="wood", ground="concrete")
        nodes_m = np.column_stack([rng.uniform(-4.9, 4.9, 4), rng.uniform(-25, 25, 4), rng.uniform(0.5, 20, 4)])
        nodes_m[2:, :2] = nodes_m[2:, 1::-1]
    else:
        scene = Scene.room((8, 5, 3), {"walls": "concrete", "floor": "wood"})
        low_m = rng.uniform([1, 1, 0], [5, 3, 1])
        scene = scene + Scene.box(low_m, low_m + rng.uniform(0.3, 1.5, 3), Material(3.0, 0.5))
        nodes_m = rng.uniform([0.2] * 3, [7.8, 4.8, 2.8], (4, 3))
    corners_m = nodes_m[0] + 2 + rng.normal(size=(3, 3))
    sail = Scene.from_mesh(corners_m, [[0, 1, 2]], 0, ["glass"], name="sail")
    return scene + sail, nodes_m[0], nodes_m[1:], rng


def partners(paths, others, change):
    """Row numbers in `others` of the same ways, whose points (k, 3) are ``change(points)``; there are no others."""
    assert len(paths) == len(others)
    rows = []
    for row, order in enumerate(paths.order):
        want_m = change(paths.points_m[row, :order])
        same = [
            other
            for other in np.flatnonzero((others.order == order) & (others.rx == paths.rx[row]))
            if np.abs(others.points_m[other, :order] - want_m).max(initial=0) < 1e-6
        ]
        assert len(same) == 1
        rows += same
    return np.array(rows, int)


def close(ours, theirs, size):
    """Matrices (P, 2, 2) are equal to a billionth of the sizes (P,)."""
    return (np.abs(ours - theirs).max(axis=(1, 2), initial=0) <= 1e-9 * size).all()


def sizes(paths):
    """Largest amplitude of each path over all polarisations."""
    return np.linalg.svd(paths.transfer)[1][:, 0]


@many
@given(seeds)
def test_who_hears_is_heard_alike(seed):
    scene, tx_m, rx_m, _ = place(seed)
    there = trace(scene, tx_m, rx_m, FREQ_HZ)
    back = trace(scene, rx_m, tx_m, FREQ_HZ)
    for row in range(len(rx_m)):
        ours, theirs = there.link(row), back.link(0, row)
        rows = partners(replace(ours, rx=0 * ours.rx), theirs, lambda points_m: points_m[::-1])
        theirs = theirs[rows]
        assert np.allclose(ours.delay_s, theirs.delay_s, rtol=1e-12, atol=0)
        assert close(ours.transfer, theirs.transfer.transpose(0, 2, 1), sizes(ours))
        assert np.allclose(unit_vector(ours.aod_deg), unit_vector(theirs.aoa_deg), atol=1e-9)
        assert np.allclose(unit_vector(ours.aoa_deg), unit_vector(theirs.aod_deg), atol=1e-9)


@many
@given(seeds)
def test_no_place_and_no_direction_of_the_compass_is_preferred(seed):
    scene, tx_m, rx_m, rng = place(seed)
    angle, shift_m = rng.uniform(-np.pi, np.pi), rng.uniform(-1e4, 1e4, 3)
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])

    def moved(points_m):
        return points_m @ turn.T + shift_m

    here = trace(scene, tx_m, rx_m, FREQ_HZ)
    there = trace(replace(scene, vertices_m=moved(scene.vertices_m)), moved(tx_m), moved(rx_m), FREQ_HZ)
    there = there[partners(here, there, moved)]
    assert np.allclose(here.delay_s, there.delay_s, rtol=1e-9, atol=0)
    # a centimetre-long wave and coordinates of ten kilometres: phases hold to 1e-6, gains of slabs with them
    assert (np.abs(here.transfer - there.transfer).max(axis=(1, 2)) <= 1e-6 * sizes(here)).all()
    for ours_deg, theirs_deg in ((here.aod_deg, there.aod_deg), (here.aoa_deg, there.aoa_deg)):
        assert np.allclose(theirs_deg[:, 0], ours_deg[:, 0], atol=1e-6)
        assert np.allclose((theirs_deg - ours_deg)[:, 1] % 360, np.degrees(angle) % 360, atol=1e-5)


@many
@given(seeds)
def test_upside_down_or_aslant_the_same_ways_have_the_same_strength(seed):
    """Polarisations mix when all is turned, singular values of the transfer do not change."""
    scene, tx_m, rx_m, rng = place(seed)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    here = trace(scene, tx_m, rx_m, FREQ_HZ)
    there = trace(replace(scene, vertices_m=scene.vertices_m @ turn.T), turn @ tx_m, rx_m @ turn.T, FREQ_HZ)
    there = there[partners(here, there, lambda points_m: points_m @ turn.T)]
    strength = np.linalg.svd(here.transfer)[1]
    assert (np.abs(strength - np.linalg.svd(there.transfer)[1]) <= 1e-8 * strength[:, :1]).all()


@many
@given(seeds)
def test_in_a_mirrored_scene_all_is_mirrored(seed):
    scene, tx_m, rx_m, _ = place(seed)
    flip = np.array([1.0, -1.0, 1.0])
    here = trace(scene, tx_m, rx_m, FREQ_HZ)
    there = trace(replace(scene, vertices_m=scene.vertices_m * flip), tx_m * flip, rx_m * flip, FREQ_HZ)
    there = there[partners(here, there, lambda points_m: points_m * flip)]
    assert np.allclose(here.delay_s, there.delay_s, rtol=1e-12, atol=0)
    sign = np.array([[1, -1], [-1, 1]])  # the level axis turns round
    assert close(here.transfer, sign * there.transfer, sizes(here))
    assert np.array_equal(here.object_index, there.object_index)
    assert np.allclose(unit_vector(here.aod_deg) * flip, unit_vector(there.aod_deg), atol=1e-9)
    assert np.allclose(unit_vector(here.aoa_deg) * flip, unit_vector(there.aoa_deg), atol=1e-9)


@many
@given(seeds)
def test_a_scene_of_another_size_at_another_wavelength_is_the_same_scene(seed):
    scene, tx_m, rx_m, rng = place(seed)
    glass = Material(5.0)  # without losses nothing depends on the frequency but phases and free space
    scene = replace(scene, materials=tuple(replace(glass, name=material.name) for material in scene.materials))
    scale = rng.uniform(0.01, 100)
    here = trace(scene, tx_m, rx_m, FREQ_HZ)
    there = trace(replace(scene, vertices_m=scene.vertices_m * scale), tx_m * scale, rx_m * scale, FREQ_HZ / scale)
    there = there[partners(here, replace(there, points_m=there.points_m / scale), lambda points_m: points_m)]
    assert np.allclose(here.delay_s * scale, there.delay_s, rtol=1e-9, atol=0)
    assert (np.abs(here.transfer - there.transfer).max(axis=(1, 2)) <= 1e-6 * sizes(here)).all()


@many
@given(seeds)
def test_no_wall_sends_back_more_than_it_gets(seed):
    scene, tx_m, rx_m, _ = place(seed)
    paths = trace(scene, tx_m, rx_m, FREQ_HZ)
    length_m = paths.delay_s * SPEED_OF_LIGHT_M_S
    free_space = SPEED_OF_LIGHT_M_S / FREQ_HZ / (4 * np.pi * length_m)
    strength = np.linalg.svd(paths.transfer)[1]
    assert (strength <= free_space[:, None] * (1 + 1e-12)).all()
    assert (np.abs(paths.gain) <= free_space * (1 + 1e-12)).all()
    line_of_sight = paths.order == 0
    assert np.allclose(strength[line_of_sight], free_space[line_of_sight, None], rtol=1e-12)
    direct_m = np.linalg.norm(rx_m - tx_m, axis=1)[paths.rx]
    assert (length_m >= direct_m * (1 - 1e-12)).all()
    # and what each bounce takes at least shows in the sum
    lossy = replace(scene, materials=tuple(FixedLoss(6.0, name=m.name) for m in scene.materials))
    strength = np.linalg.svd(trace(lossy, tx_m, rx_m, FREQ_HZ).transfer)[1]
    assert np.allclose(strength, (free_space * 10 ** (-6 * paths.order / 20))[:, None], rtol=1e-9)


@many
@given(seeds)
def test_every_bounce_obeys_the_law_of_reflection_on_the_face_it_names(seed):
    scene, tx_m, rx_m, _ = place(seed)
    paths = trace(scene, tx_m, rx_m, FREQ_HZ)
    corners_m = scene.vertices_m[scene.faces]
    normals = np.cross(corners_m[:, 1] - corners_m[:, 0], corners_m[:, 2] - corners_m[:, 0])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    for row, order in enumerate(paths.order):
        way_m = np.diff(np.vstack([tx_m, paths.points_m[row, :order], rx_m[paths.rx[row]]]), axis=0)
        assert np.linalg.norm(way_m, axis=1).sum() == pytest.approx(paths.delay_s[row] * SPEED_OF_LIGHT_M_S, rel=1e-12)
        k = way_m / np.linalg.norm(way_m, axis=1, keepdims=True)
        assert unit_vector(paths.aod_deg[row]) == pytest.approx(k[0], abs=1e-9)
        assert unit_vector(paths.aoa_deg[row]) == pytest.approx(-k[-1], abs=1e-9)
        for step in range(order):
            point_m = paths.points_m[row, step]
            here = (scene.face_object == paths.object_index[row, step]) & (
                np.abs(np.einsum("fj,fj->f", normals, point_m - corners_m[:, 0])) < 1e-7
            )
            mirrored = k[step] - 2 * (normals[here] @ k[step])[:, None] * normals[here]
            fits = np.abs(mirrored - k[step + 1]).max(axis=1) < 1e-7
            assert fits.any()
            assert (scene.face_material[here][fits] == paths.material_index[row, step]).any()
