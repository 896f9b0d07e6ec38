"""Lorries against Fresnel diffraction (scipy), vehicles against the geometry of their streets."""

import numpy as np
import pytest
from scipy.special import fresnel

from dnt_lab.twin import street
from dnt_lab.twin.street import drive, lorry_loss_db

LINES = [-120.0, -40.0, 40.0, 120.0]


def knife_edge_db(above_m, first_m, second_m, freq_hz):
    """Exact loss of a half-plane whose edge stands `above_m` over the ray (Fresnel integral, ITU-R P.526)."""
    nu = above_m * np.sqrt(2 * (1 / first_m + 1 / second_m) * freq_hz / 299_792_458.0)
    s, c = fresnel(nu)
    return -20 * np.log10(np.abs((1 + 1j) / 2 * ((0.5 - c) - 1j * (0.5 - s))))


@pytest.mark.parametrize("freq_hz", [3.5e9, 28e9])
@pytest.mark.parametrize(("above_m", "tolerance_db"), [(0.0, 0.01), (0.1, 1.3), (0.3, 1.6), (1.0, 1.3), (5.0, 0.5)])
def test_endless_lorry_is_a_knife_edge(monkeypatch, freq_hz, above_m, tolerance_db):
    monkeypatch.setattr(street, "LORRY_LENGTH_M", 1e7)
    monkeypatch.setattr(street, "LORRY_HEIGHT_M", 1e6)
    z = 1e6 - above_m
    loss = lorry_loss_db([20.0, 0, z], [0.0, 0, z], [8.0, 0.0], [0.0, 1.0], freq_hz)
    assert loss == pytest.approx(knife_edge_db(above_m, 8.0, 12.0, freq_hz), abs=tolerance_db)


def test_lorry_beside_or_behind_the_link_does_nothing():
    user, site = [0.0, 0.0, 1.5], [20.0, 0.0, 6.0]
    assert lorry_loss_db(site, user, [-3.0, 0.0], [0.0, 1.0], 28e9) == 0  # behind the user
    assert lorry_loss_db(site, user, [5.0, 3.0], [1.0, 0.0], 28e9) == 0  # parallel to the link
    assert lorry_loss_db(site, user, [2.0, 40.0], [0.0, 1.0], 28e9) < 0.01  # far to the side


def test_losses_are_reciprocal_and_broadcast():
    rng = np.random.default_rng(0)
    site, user = rng.uniform(-50, 50, (2, 40, 1, 3)) * [1, 1, 0] + [[[[0, 0, 6.0]]], [[[0, 0, 1.5]]]]
    lorry, angle = rng.uniform(-50, 50, (7, 2)), rng.uniform(0, 7, 7)
    axis = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    there, back = lorry_loss_db(site, user, lorry, axis, 28e9), lorry_loss_db(user, site, lorry, -axis, 28e9)
    assert there.shape == (40, 7) and (there > 3).any()
    np.testing.assert_allclose(there, back, atol=1e-9)


def test_higher_carriers_bend_less():
    ends = ([15.0, 8.0, 6.0], [0.0, 0.0, 1.5], [3.0, 3.5], [1.0, 0.0])
    assert lorry_loss_db(*ends, 28e9) > lorry_loss_db(*ends, 3.5e9) > 0


def test_vehicles_stay_on_their_lanes_and_never_jump():
    position, velocity = drive(LINES, 40, 600, 0.05, (5.0, 12.0), 0.0, seed=3)
    on_line = np.abs(position[..., None] - LINES).min(axis=-1).min(axis=-1)
    assert on_line.max() < 1e-9
    speed = np.linalg.norm(velocity, axis=-1)
    assert (speed >= 5).all() and (speed <= 12).all() and np.ptp(speed, axis=0).max() < 1e-12
    assert np.linalg.norm(np.diff(position, axis=0), axis=-1).max() <= 12 * 0.05 + 1e-9
    turned = (velocity[1:] * velocity[:-1]).sum(-1) < -1e-9
    assert not turned.any()  # nobody turns back
    assert np.abs(position).max() <= 120 + 1e-9


def test_lane_is_to_the_right():
    position, velocity = drive(LINES, 20, 5, 0.05, (5.0, 12.0), 3.5, seed=1)
    middle, _ = drive(LINES, 20, 5, 0.05, (5.0, 12.0), 0.0, seed=1)
    right = np.stack([velocity[..., 1], -velocity[..., 0]], -1) / np.linalg.norm(velocity, axis=-1, keepdims=True)
    np.testing.assert_allclose(position - middle, 3.5 * right, atol=1e-12)


@pytest.mark.parametrize(
    ("changes", "kind", "sentence"),
    [
        ({"lines_m": [0.0]}, ValueError, "at least two ascending"),
        ({"lines_m": [0.0, 10.0, 30.0]}, ValueError, "equally spaced"),
        ({"n_vehicles": 0}, ValueError, "n_vehicles is 0, but it must be at least 1"),
        ({"n_steps": 2.5}, TypeError, "n_steps is 2.5, but a whole number"),
        ({"speed_m_s": (0.0, 5.0)}, ValueError, "the lowest of speed_m_s is 0.0"),
        ({"speed_m_s": (6.0, 5.0)}, ValueError, "the highest of speed_m_s is 5.0, but it must be at least 6"),
    ],
)
def test_wrong_drives(changes, kind, sentence):
    good = {
        "lines_m": LINES,
        "n_vehicles": 2,
        "n_steps": 3,
        "dt_s": 0.1,
        "speed_m_s": (1.0, 2.0),
        "lane_m": 0.0,
        "seed": 0,
    }
    with pytest.raises(kind, match=sentence):
        drive(**good | changes)


def test_wrong_axis():
    with pytest.raises(ValueError, match=r"axis holds 2.0, but every value must be at least -1 and at most 1"):
        lorry_loss_db([20.0, 0, 6], [0.0, 0, 1.5], [5.0, 0.0], [0.0, 2.0], 28e9)
