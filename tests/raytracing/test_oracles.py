"""Paths that other tools found: the NIST Q-D realization software indoors, Sionna RT in a street."""

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from dnt_lab.raytracing.materials import FixedLoss, Material
from dnt_lab.raytracing.scene import Scene

from .brute_force import trace_pruned
from .path_tables import DATA

L_ROOM = DATA / "oracles" / "l_room" / "l_room_even.npz"
CANYON = DATA / "oracles" / "street_canyon" / "street_canyon_28ghz.npz"


def oracle(path):
    if not path.exists():
        pytest.skip(f"{path.name} is not in the folder shared/data beside the checkout")
    with np.load(path, allow_pickle=False) as file:
        return dict(file)


def turned_deg(a, b):
    """Angle between azimuths, 0 to 180 degrees."""
    return np.abs((a - b + 180) % 360 - 180)


def assert_matched(differences, tolerances):
    """Each row has a partner of its own among the columns, with all differences (rows, columns) within tolerances."""
    share = sum(difference / tolerance for difference, tolerance in zip(differences, tolerances, strict=True))
    pairs = linear_sum_assignment(np.minimum(share, 1e9))
    assert len(pairs[0]) == len(share)
    worst = [difference[pairs].max(initial=0) for difference in differences]
    assert (np.array(worst) <= tolerances).all(), worst


def apart(reference, ours, away=lambda a, b: np.abs(a - b)):
    return away(np.asarray(reference, float)[:, None], np.asarray(ours, float)[None])


@pytest.fixture(scope="module", params=[False, True], ids=["held against all", "pruned"])
def l_room(request):
    z = oracle(L_ROOM)
    corners_m = z["triangles_m"].reshape(-1, 3)
    room = Scene.from_mesh(corners_m, np.arange(len(corners_m)).reshape(-1, 3), 0, [FixedLoss(15.0)], name="L-Room")
    return z, trace_pruned(request.param, room, z["tx_m"], z["rx_m"], 60e9, 2, polarised=False, speed_of_light_m_s=3e8)


def test_l_room_has_as_many_paths_at_every_step(l_room):
    z, paths = l_room
    want = np.diff(z["offset"])
    want[z["step"] == 90] = 17  # there two points are on an edge, where the other tool's test is strict
    assert np.array_equal(np.bincount(paths.rx, minlength=len(want)), want)
    assert not paths.diffuse.any()


def test_l_room_has_the_same_delays_gains_and_angles(l_room):
    z, paths = l_room
    for row, (first, last) in enumerate(zip(z["offset"][:-1], z["offset"][1:], strict=True)):
        link, want = paths.link(row), {name: z[name][first:last] for name in z if len(z[name]) == z["offset"][-1]}
        assert_matched(
            [
                1e9 * apart(want["delay_s"], link.delay_s),
                apart(want["gain_db"], link.gain_db),
                apart(want["aod_el_deg"], link.aod_deg[:, 0]),
                apart(want["aod_az_deg"], link.aod_deg[:, 1], turned_deg),
                apart(want["aoa_el_deg"], link.aoa_deg[:, 0]),
                apart(want["aoa_az_deg"], link.aoa_deg[:, 1], turned_deg),
                apart(want["order"], link.order),
            ],
            [1e-4, 1e-4, 1e-3, 1e-3, 1e-3, 1e-3, 0.1],
        )


@pytest.fixture(scope="module", params=[False, True], ids=["held against all", "pruned"])
def canyon(request):
    z = oracle(CANYON)
    numbers = zip(*(z[name].tolist() for name in ("eps_r", "sigma_s_per_m", "thickness_m", "object_name")), strict=True)
    scene = Scene.from_mesh(
        z["vertices_m"], z["faces"], z["face_object"], [Material(*row) for row in numbers],
        face_object=z["face_object"], objects=z["object_name"].tolist(),
    )  # fmt: skip
    return z, trace_pruned(request.param, scene, z["tx_m"], z["rx_m"], float(z["frequency_hz"]), 3)


def test_street_canyon_has_as_many_paths_of_each_order(canyon):
    z, paths = canyon
    assert np.bincount(paths.rx).tolist() == [7, 4, 6, 4]
    assert sorted(zip(paths.rx, paths.order, strict=True)) == sorted(zip(z["rx"], z["order"], strict=True))


def test_street_canyon_has_the_same_paths(canyon):
    z, paths = canyon
    for row in range(len(z["rx_m"])):
        link, chosen = paths.link(row), z["rx"] == row
        want = {name: z[name][chosen] for name in z if len(np.atleast_1d(z[name])) == len(chosen)}
        phase = np.abs(np.angle(want["a"][:, None] / link.gain[None]))
        place_m, ours_m = np.nan_to_num(want["points_m"])[:, None], np.nan_to_num(link.points_m)[None]
        assert_matched(
            [
                1e9 * apart(want["tau_s"], link.delay_s),
                apart(want["gain_db"], link.gain_db),
                phase,
                apart(np.degrees(want["aod_theta_rad"]), link.aod_deg[:, 0]),
                apart(np.degrees(want["aod_phi_rad"]), link.aod_deg[:, 1], turned_deg),
                apart(np.degrees(want["aoa_theta_rad"]), link.aoa_deg[:, 0]),
                apart(np.degrees(want["aoa_phi_rad"]), link.aoa_deg[:, 1], turned_deg),
                np.abs(place_m - ours_m).max(axis=(2, 3)),
                (want["bounce_object"][:, None] != link.object_index[None]).any(axis=2),
            ],
            [1e-3, 0.05, 0.01, 0.01, 0.01, 0.01, 0.01, 1e-3, 0.1],
        )


def test_what_a_street_canyon_is_made_of_is_told(canyon):
    z, paths = canyon
    hit = paths.material_index >= 0
    assert np.array_equal(hit, np.arange(3) < paths.order[:, None])
    assert np.array_equal(paths.object_index[hit], paths.material_index[hit])  # each object has its material here
    assert paths.objects == paths.materials == tuple(z["object_name"].tolist())
