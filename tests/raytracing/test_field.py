"""Delays, gains and polarisation against closed forms that were worked out without the tracer."""

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnt_lab.physical.pathloss import SPEED_OF_LIGHT_M_S as C
from dnt_lab.raytracing.field import angles_deg, spherical_basis, transfer_matrix, travel
from dnt_lab.raytracing.materials import FixedLoss, Material, itu_material
from dnt_lab.raytracing.scene import Scene
from dnt_lab.raytracing.trace import trace

FREQ_HZ = 28e9
EPSILON_0 = 8.8541878128e-12
seeds = st.integers(0, 2**32 - 1)


def plane(corners_m, material):
    return Scene.from_mesh(corners_m, [[0, 1, 2], [0, 2, 3]], 0, [material])


def ground(material, half_m=1e4):
    return plane(half_m * np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]]), material)


def wall(material, half_m=1e4):
    """In the plane y = 0."""
    return plane(half_m * np.array([[-1, 0, -1], [1, 0, -1], [1, 0, 1], [-1, 0, 1]]), material)


def free_space(length_m, freq_hz=FREQ_HZ):
    return C / freq_hz / (4 * np.pi * length_m)


def fresnel(material, cosine, freq_hz):
    """Half-space reflection by Snell's law, r_TE and r_TM."""
    eta = material.relative_permittivity - 1j * material.conductivity_s_per_m / (2 * np.pi * freq_hz * EPSILON_0)
    index = np.sqrt(eta)
    within = np.sqrt(1 - (np.sin(np.arccos(cosine)) / index) ** 2)
    te = (cosine - index * within) / (cosine + index * within)
    tm = (index * cosine - within) / (index * cosine + within)
    return te, tm


# free space


@settings(max_examples=20)
@given(st.floats(1e-2, 1e5), st.floats(1e8, 1e12), st.floats(-89, 89), st.floats(-180, 180))
def test_in_free_space_the_loss_is_friis_and_the_delay_the_distance(distance_m, freq_hz, elevation, azimuth):
    up, round_ = np.radians([elevation, azimuth])
    way = np.array([np.cos(up) * np.cos(round_), np.cos(up) * np.sin(round_), np.sin(up)])
    nothing = Scene.box([9e5, 9e5, 9e5], [9.1e5, 9.1e5, 9.1e5], Material(4.0))
    paths = trace(nothing, [0.0, 0.0, 0.0], distance_m * way, freq_hz, 0)
    assert paths.order.tolist() == [0]
    assert paths.delay_s[0] == pytest.approx(distance_m / C, rel=1e-12)
    loss_db = 20 * np.log10(4 * np.pi * distance_m * freq_hz / C)
    assert paths.gain_db[0] == pytest.approx(-loss_db, abs=1e-9)
    assert paths.transfer[0] / free_space(distance_m, freq_hz) == pytest.approx(np.diag([1, -1]), abs=1e-9)
    assert paths.aod_deg[0] == pytest.approx([90 - elevation, azimuth], abs=1e-6)
    assert paths.aoa_deg[0, 0] == pytest.approx(90 + elevation, abs=1e-6)
    assert (paths.aoa_deg[0, 1] - azimuth) % 360 == pytest.approx(180, abs=1e-6)


def test_101_4_db_over_a_hundred_metres_at_28_ghz():
    """The check value of TR 38.901's free space: 100 m on the ground, 10 m and 1.5 m high."""
    nothing = Scene.box([900, 900, 0], [901, 901, 1])
    paths = trace(nothing, [0.0, 0.0, 10.0], [100.0, 0.0, 1.5], FREQ_HZ, 0)
    assert paths.gain_db[0] == pytest.approx(-101.4222, abs=1e-4)


def test_straight_up_and_down_the_azimuth_is_zero_and_the_field_finite():
    for rx_m, zenith in (([0, 0, 9.0], 0), ([0, 0, -9.0], 180)):
        paths = trace(Scene.box([50, 50, 0], [51, 51, 1]), [0.0, 0.0, 0.0], rx_m, FREQ_HZ, 0)
        assert paths.aod_deg.tolist() == [[zenith, 0]]
        assert paths.aoa_deg.tolist() == [[180 - zenith, 0]]
        assert np.linalg.svd(paths.transfer[0])[1] == pytest.approx([free_space(9)] * 2)


def test_angles_and_bases_are_those_of_spherical_coordinates():
    rng = np.random.default_rng(1)
    k = rng.normal(size=(200, 3))
    k /= np.linalg.norm(k, axis=1, keepdims=True)
    zenith, azimuth = np.radians(angles_deg(k)).T
    back = np.column_stack([np.sin(zenith) * np.cos(azimuth), np.sin(zenith) * np.sin(azimuth), np.cos(zenith)])
    assert back == pytest.approx(k, abs=1e-12)
    theta, phi = spherical_basis(k).transpose(1, 0, 2)
    assert np.cross(theta, phi) == pytest.approx(k, abs=1e-12)  # right-handed
    assert phi[:, 2] == pytest.approx(0, abs=1e-15)
    assert (theta[:, 2] <= 0).all()  # towards larger zenith angles is down
    for west in ([-1.0, 0.0, 0.0], [-1.0, -0.0, 0.0], [-1.0, -1e-18, 0.0]):
        assert angles_deg(np.array(west)).tolist() == [90, 180]  # never -180


def test_lengths_and_directions_of_a_way():
    k, length_m = travel(np.array([[0.0, 0, 0], [3, 0, 4], [3, 2, 4], [3, 2, 4]]))
    assert length_m.tolist() == [5, 2, 0]
    assert k.tolist() == [[0.6, 0, 0.8], [0, 1, 0], [0, 0, 0]]


# one bounce


WALLS = [Material(5.24, 0.6), Material(2.0), Material(15.0, 3.0), Material(1.0, 1e7)]


@pytest.mark.parametrize("material", WALLS)
@pytest.mark.parametrize(("tx_height_m", "rx_height_m", "distance_m"), [(10, 1.5, 80), (3, 3, 5), (30, 1, 900)])
def test_two_ray_ground_model(material, tx_height_m, rx_height_m, distance_m):
    paths = trace(ground(material), [0, 0, tx_height_m], [distance_m, 0, rx_height_m], FREQ_HZ, 3)
    direct_m = np.hypot(distance_m, tx_height_m - rx_height_m)
    bounced_m = np.hypot(distance_m, tx_height_m + rx_height_m)
    assert paths.order.tolist() == [0, 1]
    assert paths.delay_s * C == pytest.approx([direct_m, bounced_m], rel=1e-12)
    foot_m = distance_m * tx_height_m / (tx_height_m + rx_height_m)
    assert paths.points_m[1, 0] == pytest.approx([foot_m, 0, 0], abs=1e-9)
    te, tm = fresnel(material, (tx_height_m + rx_height_m) / bounced_m, FREQ_HZ)
    # upright antennas see TM and level ones TE; a level axis turns round on the way back
    assert paths.transfer[0] == pytest.approx(free_space(direct_m) * np.diag([1, -1]), rel=1e-9, abs=1e-18)
    assert paths.transfer[1] == pytest.approx(free_space(bounced_m) * np.diag([tm, -te]), rel=1e-9, abs=1e-18)
    declination = np.degrees(np.arctan2(tx_height_m + rx_height_m, distance_m))
    assert paths.aod_deg[1] == pytest.approx([90 + declination, 0])
    assert paths.aoa_deg[1] == pytest.approx([90 + declination, 180])


def test_far_over_the_ground_power_falls_with_the_fourth_power_of_the_distance():
    """The plane-earth limit, h1 h2 / d^2, in which the carrier has no part."""
    for distance_m in (5000.0, 9000.0):
        paths = trace(ground(Material(5.0, 0.01)), [0, 0, 10], [distance_m, 0, 2], 1e9, 1)
        arrives = paths.transfer[:, 1, 1] * np.exp(-2j * np.pi * 1e9 * paths.delay_s)
        assert abs(arrives.sum()) == pytest.approx(10 * 2 / distance_m**2, rel=0.01)


@pytest.mark.parametrize("material", WALLS)
def test_a_wall_swaps_the_parts_of_the_polarisations(material):
    paths = trace(wall(material), [0, 4, 2], [7, 2, 2], FREQ_HZ, 1)
    length_m = np.hypot(7, 6)
    te, tm = fresnel(material, 6 / length_m, FREQ_HZ)
    assert paths.transfer[1] == pytest.approx(free_space(length_m) * np.diag([te, -tm]), rel=1e-9, abs=1e-18)


def test_at_brewsters_angle_a_wall_swallows_what_is_level():
    glass = Material(4.0)
    paths = trace(wall(glass), [0, 3, 2], [12, 3, 2], FREQ_HZ, 1)  # tan of the incidence is the index, 2
    assert abs(paths.transfer[1, 1, 1]) < 1e-12
    assert abs(paths.transfer[1, 0, 0]) == pytest.approx(0.6 * free_space(np.hypot(12, 6)))


def test_a_slanted_mirror_turns_the_polarisation():
    """A wave from the west is turned north by an upright mirror and up by a level one; at 45 degrees between, both."""
    half = np.sqrt(0.5)
    roll = np.array([[1, 0, 0], [0, half, -half], [0, half, half]])
    mirror = np.array([[-1, -1, -1], [1, 1, -1], [1, 1, 1], [-1, -1, 1]]) * [1.0, 1.0, 2.0]
    paths = trace(plane(mirror @ roll.T, Material(1.0, 1e7)), [-3, 0, 0], roll @ [0, 3.0, 0], FREQ_HZ, 1)
    size = np.abs(paths.transfer[paths.order == 1][0]) / free_space(6.0)
    # the mirror keeps the axis in its plane of incidence's normal, roll @ z, and turns x into roll @ y
    theta_in, phi_in = np.array([0, 0, -1.0]), np.array([0, 1.0, 0])
    across, out = roll @ [0, 0, 1.0], roll @ [0, 1.0, 0]
    along_in, along_out = np.cross(across, [1.0, 0, 0]), np.cross(across, out)
    theta_out, phi_out = spherical_basis(-out)
    want = [
        [abs(-(t @ across) * (r @ across) + (t @ along_in) * (r @ along_out)) for t in (theta_in, phi_in)]
        for r in (theta_out, phi_out)
    ]
    assert size == pytest.approx(np.array(want), abs=1e-3)
    assert size.min() > 0.3


@pytest.mark.parametrize("scene", [ground, wall])
def test_head_on_a_wall_sends_back_the_same_of_both_polarisations(scene):
    material = Material(5.24, 0.6)
    way = np.array([0, 0, 1.0]) if scene is ground else np.array([0, 1.0, 0])
    paths = trace(scene(material), 9 * way, 4 * way, FREQ_HZ, 1)
    te, tm = fresnel(material, 1.0, FREQ_HZ)
    assert te == pytest.approx(-tm)
    matrix = paths.transfer[1] / free_space(13)
    assert np.linalg.svd(matrix)[1] == pytest.approx([abs(te)] * 2)
    if scene is wall:
        assert matrix == pytest.approx(np.diag([te, te]), abs=1e-12)
        aside = trace(wall(material), 9 * way, 4 * way + [1e-7, 0, 0], FREQ_HZ, 1).transfer[1] / free_space(13)
        assert aside == pytest.approx(matrix, rel=1e-5, abs=1e-7)  # no jump where the plane of incidence is lost


def test_a_slab_and_an_itu_wall_reflect_what_their_material_says():
    brick = itu_material("brick", 0.2)
    paths = trace(wall(brick), [0, 4, 2], [7, 2, 2], FREQ_HZ, 1)
    te, tm = brick.reflection(np.array([6 / np.hypot(7, 6)]), FREQ_HZ)
    assert paths.transfer[1] == pytest.approx(free_space(np.hypot(7, 6)) * np.diag([te[0], -tm[0]]), abs=1e-18)


# several bounces


def images_in_a_box(size_m, tx_m, order):
    """Images (N, 3) that a box of mirrors makes: along an axis an even number of bounces shifts, an odd one flips."""
    numbers = [n for n in product(range(-order, order + 1), repeat=3) if np.abs(n).sum() == order]
    axes = [[k * side + (x if k % 2 == 0 else side - x) for k in range(-order, order + 1)] for side, x in
            zip(size_m, tx_m, strict=True)]  # fmt: skip
    return np.array([[axes[i][k + order] for i, k in enumerate(n)] for n in numbers])


@settings(max_examples=15)
@given(seed=seeds)
def test_an_empty_room_has_one_path_for_each_image_of_the_lattice(seed):
    rng = np.random.default_rng(seed)
    size_m = rng.uniform(2, 12, 3)
    tx_m, rx_m = rng.uniform(0.05, 0.95, (2, 3)) * size_m
    paths = trace(Scene.room(size_m, FixedLoss(3.0)), tx_m, rx_m, FREQ_HZ, 3)
    assert np.bincount(paths.order).tolist() == [1, 6, 18, 38]  # 4 k^2 + 2
    for order in range(4):
        images_m = images_in_a_box(size_m, tx_m, order)
        length_m = np.sort(np.linalg.norm(images_m - rx_m, axis=1))
        rows = paths.order == order
        assert np.sort(paths.delay_s[rows]) * C == pytest.approx(length_m, rel=1e-12)
        # the wave seems to come from the image
        way = (images_m - rx_m) / np.linalg.norm(images_m - rx_m, axis=1, keepdims=True)
        zenith, azimuth = np.radians(paths.aoa_deg[rows]).T
        seen = np.column_stack([np.sin(zenith) * np.cos(azimuth), np.sin(zenith) * np.sin(azimuth), np.cos(zenith)])
        assert np.sort(seen @ way.T, axis=1)[:, -1] == pytest.approx(1, abs=1e-9)
        norm = np.linalg.svd(paths.transfer[rows])[1]
        want = free_space(paths.delay_s[rows] * C) * 10 ** (-3 * order / 20)
        assert norm == pytest.approx(np.column_stack([want, want]), rel=1e-9)


@settings(max_examples=15)
@given(seed=seeds)
def test_mirrors_of_metal_turn_the_field_as_a_vector(seed):
    """At a perfect conductor the field along the wall changes its sign and the field across it does not."""
    rng = np.random.default_rng(seed)
    low_m = rng.uniform([1, 1, 0], [5, 3, 1])
    scene = Scene.room((8, 5, 3), FixedLoss(0.0)) + Scene.box(low_m, low_m + rng.uniform(0.5, 1.5, 3), FixedLoss(0.0))
    tx_m, rx_m = rng.uniform([0.1] * 3, [7.9, 4.9, 2.9], (2, 3))
    paths = trace(scene, tx_m, rx_m, FREQ_HZ, 3)
    for row, order in enumerate(paths.order):
        corners_m = np.vstack([tx_m, paths.points_m[row, :order], rx_m])
        k = np.diff(corners_m, axis=0)
        length_m = np.linalg.norm(k, axis=1)
        k /= length_m[:, None]
        turned = np.eye(3)
        for before, after in pairwise(k):
            normal = (after - before) / np.linalg.norm(after - before)
            turned = (2 * np.outer(normal, normal) - np.eye(3)) @ turned
        want = free_space(length_m.sum()) * spherical_basis(-k[-1]) @ turned @ spherical_basis(k[0]).T
        assert paths.transfer[row] == pytest.approx(want, rel=1e-9, abs=1e-9 * free_space(length_m.sum()))


@settings(max_examples=15)
@given(seed=seeds)
def test_walls_of_several_materials_act_in_the_order_of_travel(seed):
    rng = np.random.default_rng(seed)
    parts = {
        "floor": Material(3.0, 0.2),
        "ceiling": Material(7.0),
        "walls": Material(2.0, 1.0),
        "wall-east": Material(12.0),
    }
    room = Scene.room((8, 5, 3), parts)
    tx_m, rx_m = rng.uniform([0.1] * 3, [7.9, 4.9, 2.9], (2, 3))
    paths = trace(room, tx_m, rx_m, FREQ_HZ, 3)
    hit = [[room.objects[i] for i in row[row >= 0]] for row in paths.object_index]
    for row, names in enumerate(hit):
        corners_m = np.vstack([tx_m, paths.points_m[row, : len(names)], rx_m])
        k = np.diff(corners_m, axis=0)
        length_m = np.linalg.norm(k, axis=1)
        k /= length_m[:, None]
        field = spherical_basis(k[0]).T.astype(complex)
        for name, (before, after) in zip(names, pairwise(k), strict=True):
            normal = (after - before) / np.linalg.norm(after - before)
            te, tm = fresnel(parts.get(name, parts["walls"]), abs(normal @ before), FREQ_HZ)
            across = np.cross(before, normal) / np.linalg.norm(np.cross(before, normal))
            bounce = te * np.outer(across, across) + tm * np.outer(np.cross(across, after), np.cross(across, before))
            field = bounce @ field
        size = free_space(length_m.sum())
        assert paths.transfer[row] == pytest.approx(size * spherical_basis(-k[-1]) @ field, rel=1e-9, abs=1e-9 * size)
        assert [paths.materials[i] for i in paths.material_index[row, : len(names)]] == [
            room.materials[room.face_material[2 * room.objects.index(name)]].name for name in names
        ]


def test_the_scalar_model_takes_the_mean_of_both_polarisations():
    material, losses = Material(5.24, 0.6), FixedLoss(15.0)
    paths = trace(wall(material), [0, 4, 2], [7, 2, 2], FREQ_HZ, 1, polarised=False)
    te, tm = fresnel(material, 6 / np.hypot(7, 6), FREQ_HZ)
    want = free_space(np.hypot(7, 6)) * np.sqrt((abs(te) ** 2 + abs(tm) ** 2) / 2)
    assert paths.transfer[1] == pytest.approx(want * np.eye(2))
    room = trace(Scene.room((8, 5, 3), losses), [1, 1, 1], [6, 3, 2], FREQ_HZ, 3, polarised=False)
    length_m = room.delay_s * C
    assert room.gain_db == pytest.approx(20 * np.log10(free_space(length_m)) - 15 * room.order)
    assert (room.phase_rad == 0).all()


def test_another_speed_of_light_changes_delays_and_the_wavelength():
    one, other = (
        trace(Scene.room((8, 5, 3)), [1, 1, 1], [6, 3, 2], FREQ_HZ, 1, speed_of_light_m_s=c) for c in (C, 3e8)
    )
    assert other.delay_s * 3e8 == pytest.approx(one.delay_s * C)
    assert other.transfer == pytest.approx(one.transfer * 3e8 / C)


def test_without_numbers_of_bounces_all_rows_have_the_same():
    corners_m = np.array([[[0.0, 4, 2], [14 / 3, 0, 2], [7, 2, 2]]])
    k, length_m = travel(corners_m)
    normal, r = np.array([[[0.0, -1, 0]]]), np.array([[0.5 + 0.1j]])  # either side of the wall
    matrix = transfer_matrix(k, length_m, normal, r, -r, C / FREQ_HZ)
    assert matrix[0] == pytest.approx(free_space(np.hypot(7, 6)) * (0.5 + 0.1j) * np.eye(2), abs=1e-18)
