"""Views: one wall by hand, mirrors and quarter turns, every lit pixel by exact rays, and who is in line of sight."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnt_lab.mapping.vertical import ACROSS, Raster, clear_of_obstacles, link_scalars, link_views
from dnt_lab.mapping.vertical.views import N_ALONG, SCALARS, SHAPE
from dnt_lab.physical import Scene as Surroundings
from dnt_lab.raytracing import trace
from tests.mapping.vertical.made import flat_raster, houses, region

MIDDLE = len(ACROSS) // 2
ALONG = -0.4 + 1.8 * (np.arange(N_ALONG) + 0.5) / N_ALONG  # middles of the columns
BS_M, USER_M = np.array([10.5, 20.5, 10.0]), np.array([[50.5, 20.5, 2.0]])


def with_wall(height_m, rows=slice(None), col=35):
    """A grid of 61 x 41 cells of 1 m with a wall, one cell thick, across the line from BS to user."""
    heights_m = np.zeros((41, 61))
    heights_m[rows, col] = height_m
    return flat_raster(heights_m)


def scalar(name, raster, bs_m=BS_M, user_m=USER_M):
    return float(link_scalars(raster, bs_m, user_m, 28e9)[0, SCALARS.index(name)])


def random_raster(seed, n=31):
    rng = np.random.default_rng(seed)
    height_m = np.where(rng.uniform(size=(n, n)) < 0.15, rng.uniform(1, 14, (n, n)).round(1), 0.0)
    return Raster(np.array([-n / 2, -n / 2]), 1.0, height_m, rng.uniform(0, 1, (n, n)) * (height_m > 0))


def test_one_wall_is_in_its_column_and_as_high_as_it_is_over_the_ray():
    """The wall covers 35 to 36 m, (24.5 to 25.5) / 40 of the way: in column 13, which samples there at 0.621875."""
    clearance, occupied, reflectivity, lit = link_views(with_wall(7.0), BS_M, USER_M)[0]
    column = int((0.625 + 0.4) / 1.8 * N_ALONG)
    samples = -0.4 + 1.8 * (np.arange(4 * N_ALONG) + 0.5) / (4 * N_ALONG)
    inside = samples[(samples * 40 >= 24.5) & (samples * 40 < 25.5)]
    assert column == 13 and inside == pytest.approx([0.621875])
    np.testing.assert_array_equal(occupied[MIDDLE], np.where(np.arange(N_ALONG) == column, 0.25, 0.0))
    np.testing.assert_array_equal(reflectivity[MIDDLE], np.where(np.arange(N_ALONG) == column, 0.5, 0.0))
    assert clearance[MIDDLE, column] == pytest.approx((7.0 - (10 - 8 * 0.621875)) / 8, abs=1e-6)
    # elsewhere the ground lies under the ray; the lowest of a column's four rays counts, which is level at either end
    lowest = np.clip(ALONG + 1.5 * 1.8 / N_ALONG / 4, 0, 1)
    ground = np.delete(-(10 - 8 * lowest) / 8, column)
    np.testing.assert_allclose(np.delete(clearance[MIDDLE], column), np.clip(ground, -1, 1), atol=1e-6)
    np.testing.assert_array_equal(np.flatnonzero(occupied.any(axis=0)), [column])
    assert not lit[MIDDLE, 8:16].any()  # on the way from one end to the other; a wall so thin is missed further out


def test_a_low_wall_leaves_the_link_lit_and_one_to_the_left_is_to_the_left():
    assert link_views(with_wall(4.0), BS_M, USER_M)[0, 3, MIDDLE, 10:17].all()  # passes under the ray
    to_the_left = link_views(with_wall(7.0, rows=slice(24, None)), BS_M, USER_M)[0, 1]
    blocked_rows = np.flatnonzero(to_the_left.any(axis=1))
    assert (ACROSS[blocked_rows] > 0).all() and blocked_rows.size
    # the wall starts 3.5 m left of the line: 0.0875 of its length
    assert ACROSS[blocked_rows[0]] == ACROSS[ACROSS > 0.0875].min()


@pytest.mark.parametrize("height_m", [0.5, 4.5, 5.0, 6.0, 9.0])
def test_direct_clearance_in_closed_form(height_m):
    """The ray falls 8 m on 40 m; a wall's highest rise over it is at its far edge, 25.5 m from the BS."""
    over_m = max(height_m - (10 - 8 * 25.5 / 40), -2.0)  # -2: the ground under the user
    step = 8 / 400  # the ray is sampled so finely
    got = np.arctanh(scalar("direct_clearance", with_wall(height_m))) / 5 * 8
    assert over_m - step <= got <= over_m + 1e-5
    assert clear_of_obstacles(with_wall(height_m), BS_M, USER_M)[0] == (over_m <= 0)


@pytest.mark.parametrize("height_m", [0.0, 5.5, 9.0, 10.5])
def test_ceiling_clearance_is_that_of_a_straight_ray_to_the_mirror_image(height_m):
    """Under a ceiling at 12 m the user's image is at 22 m: the ray rises 12 m, and falls by what is over 12."""
    raster = with_wall(height_m, col=40)
    room = Raster(raster.corner_m, 1.0, raster.height_m, raster.reflectivity, ceiling_m=12.0)
    s = np.linspace(0, 1, 100_001)
    straight_m = 10 + 12 * s
    folded_m = np.where(straight_m > 12, 24 - straight_m, straight_m)
    on_wall = (10.5 + 40 * s >= 40) & (10.5 + 40 * s < 41)
    over_m = (np.where(on_wall, height_m, 0.0) - folded_m).max()
    got = np.arctanh(np.clip(scalar("ceiling_clearance", room), -0.999999, 0.999999)) / 5 * 8
    assert got == pytest.approx(over_m, abs=12 / 400 + 1e-4)
    assert scalar("ceiling", room) == 1 and scalar("ceiling", raster) == scalar("ceiling_clearance", raster) == 0


def test_the_other_scalars_by_hand():
    raster = with_wall(0.0)
    assert scalar("log_distance", raster) == pytest.approx(np.log10(40 / 50))
    assert scalar("height_over_distance", raster) == pytest.approx(8 / 40)
    assert scalar("log_freq", raster) == pytest.approx(np.log10(28 / 60))
    assert link_scalars(raster, BS_M, USER_M, 60e9).shape == (1, len(SCALARS)) and SHAPE == (4, 17, 24)


@settings(max_examples=10)
@given(st.integers(0, 10**6))
def test_a_mirror_turns_rows_over(seed):
    """Reflected across a line along x through the grid's middle, left becomes right and the link stays."""
    raster, rng = random_raster(seed), np.random.default_rng(seed)
    across = Raster(raster.corner_m, 1.0, raster.height_m[::-1], raster.reflectivity[::-1])
    bs_m, user_m = np.array([-9.0, 0.0, 10.0]), np.array([[rng.uniform(-5, 15), 0.0, 1.5]])
    there, back = link_views(raster, bs_m, user_m), link_views(across, bs_m, user_m)
    np.testing.assert_array_equal(there, back[:, :, ::-1])
    assert (there != back).any()
    scalars = [link_scalars(one, bs_m, user_m, 28e9) for one in (raster, across)]
    np.testing.assert_array_equal(*scalars)


@settings(max_examples=10)
@given(st.integers(0, 10**6), st.integers(1, 3))
def test_a_quarter_turn_of_everything_changes_nothing(seed, quarters):
    raster, rng = random_raster(seed), np.random.default_rng(seed)
    height_m, reflectivity = (np.rot90(v, -quarters) for v in (raster.height_m, raster.reflectivity))
    turned = Raster(raster.corner_m, 1.0, height_m, reflectivity)
    # on odd 64ths of a metre no sample lies on the edge of a cell by accident of rounding
    ends_m = np.append(rng.integers(-800, 800, (5, 2)) * 2 + 1, np.zeros((5, 1)), axis=1) / 128
    ends_m[:, 2] = [10.0, 1.5, 1.5, 2.0, 2.0]
    c, s = np.round([np.cos(quarters * np.pi / 2), np.sin(quarters * np.pi / 2)])
    around_m = np.column_stack([c * ends_m[:, 0] - s * ends_m[:, 1], s * ends_m[:, 0] + c * ends_m[:, 1], ends_m[:, 2]])
    before, after = link_views(raster, ends_m[0], ends_m[1:]), link_views(turned, around_m[0], around_m[1:])
    assert (before == after).mean() > 0.999
    one, two = (link_scalars(r, e[0], e[1:], 28e9) for r, e in ((raster, ends_m), (turned, around_m)))
    np.testing.assert_allclose(one, two, atol=1e-5)


def test_lit_pixels_are_those_exact_rays_reach():
    """Both legs of each bent ray, short of the wall it turns at, against exact crossings with the same blocks.

    Eight points of a leg miss corners, so a tenth of these pixels is lit though it is not; none is dark that is lit.
    """
    blocks = houses((12, 4, 18, 12, 8.0), (20, 15, 24, 26, 12.0), (28, 6, 33, 10, 5.0), (5, 20, 12, 25, 9.0))
    place = region(blocks, (8.0, 14.0, 10.0), [[[34.0, 18.0, 1.5]], [[30.0, 3.0, 1.5]], [[16.0, 27.0, 1.5]]])
    bs_m, scene = place.bs_m, Surroundings(blocks)
    lit = link_views(place.raster, bs_m, place.track_m[:, 0])[:, 3] == 1
    np.testing.assert_array_equal(lit[:, :, ::2], lit[:, :, 1::2])
    exact = np.zeros((3, len(ACROSS), N_ALONG // 2), bool)
    for link, row, col in np.ndindex(exact.shape):
        end_m, aside = place.track_m[link, 0], ACROSS[row]
        share, (east_m, north_m, down_m) = -0.4 + 1.8 * (col + 0.5) / exact.shape[2], end_m - bs_m
        turn_m = bs_m + np.array([share * east_m - aside * north_m, share * north_m + aside * east_m, 0.0])
        first, second = (np.hypot(*(turn_m - end)[:2]) for end in (bs_m, end_m))
        turn_m[2] += down_m * first / (first + second)  # a wall that stands upright changes nothing of the fall
        ends_m = np.array([bs_m, end_m])
        exact[link, row, col] = not scene.blocked(ends_m, ends_m + 0.93 * (turn_m - ends_m)).any()
    assert 0.1 < exact.mean() < 0.9
    assert not (exact & ~lit[:, :, ::2]).any()
    assert (exact == lit[:, :, ::2]).mean() > 0.88


def test_line_of_sight_read_off_the_raster_is_that_of_exact_rays_and_of_traced_ones():
    blocks = houses((12, 4, 18, 12, 8.0), (20, 15, 24, 26, 12.0), (28, 6, 33, 10, 5.0), (5, 20, 12, 25, 9.0))
    rng = np.random.default_rng(1)
    user_m = np.column_stack([rng.uniform(1, 39, 400), rng.uniform(1, 29, 400), np.full(400, 1.5)])
    user_m = user_m[~Surroundings(blocks).indoor(user_m)]
    place = region(blocks, (8.0, 14.0, 10.0), user_m[None])
    clear = clear_of_obstacles(place.raster, place.bs_m, user_m)
    exact = ~Surroundings(blocks).blocked(np.broadcast_to(place.bs_m, user_m.shape), user_m)
    assert 0.3 < exact.mean() < 0.9
    assert (clear == exact).mean() > 0.98
    paths = place.trace(user_m, max_order=0)
    np.testing.assert_array_equal(np.isin(np.arange(len(user_m)), paths.rx), exact)


def test_line_of_sight_in_streets_and_rooms_is_that_of_the_tracer(task):
    agree = [
        clear_of_obstacles(region.raster, region.bs_m, region.track_m.reshape(-1, 3)) == truth.los
        for region, truth in zip(task.regions, task.truth, strict=True)
    ]
    assert np.concatenate(agree).mean() >= 0.98
    los = np.concatenate([truth.los for truth in task.truth])
    assert 0.1 < los.mean() < 0.95


def test_the_ceiling_is_clear_where_the_tracer_finds_its_bounce(task):
    """In a furnished room, the ray over the ceiling arrives where the ceiling clearance is below 0."""
    agree = []
    for room in task[2:].regions:
        user_m = room.track_m.reshape(-1, 3)
        paths = trace(room.scenario.scene, room.bs_m, user_m, room.freq_hz, 1, extrapolate=True)
        ceiling = paths.objects.index("ceiling")
        bounced = np.isin(np.arange(len(user_m)), paths.rx[(paths.order == 1) & (paths.object_index[:, 0] == ceiling)])
        clearance = link_scalars(room.raster, room.bs_m, user_m, 28e9)[:, SCALARS.index("ceiling_clearance")]
        agree.append((clearance <= 0) == bounced)
    assert np.concatenate(agree).mean() >= 0.97


def test_many_links_at_once_equal_one_by_one():
    raster, rng = random_raster(5), np.random.default_rng(5)
    user_m = np.column_stack([rng.uniform(-14, 14, (150, 2)), np.full(150, 1.5)])
    together = link_views(raster, BS_M * 0.1 + [0, 0, 9], user_m)
    alone = np.concatenate([link_views(raster, BS_M * 0.1 + [0, 0, 9], one[None]) for one in user_m[::7]])
    assert together.dtype == np.float32
    np.testing.assert_array_equal(together[::7], alone)
    assert link_views(raster, BS_M, np.zeros((0, 3))).shape == (0, *SHAPE)


def test_values_stay_in_their_ranges():
    raster = random_raster(6)
    user_m = np.column_stack([np.random.default_rng(6).uniform(-20, 20, (40, 2)), np.full(40, 1.5)])
    clearance, *rest = np.moveaxis(link_views(raster, np.array([0.3, 0.2, 10.0]), user_m), 1, 0)
    assert clearance.min() >= -1 and clearance.max() <= 1
    assert all(channel.min() >= 0 and channel.max() <= 1 for channel in rest)
    assert set(np.unique(rest[2])) == {0.0, 1.0}


@pytest.mark.parametrize("look", [link_views, clear_of_obstacles])
def test_links_without_a_direction_are_refused(look):
    raster = with_wall(3.0)
    with pytest.raises(ValueError, match=r"a user is at 12 m, but must be lower than the BS at 10 m"):
        look(raster, BS_M, np.array([[1.0, 1.0, 12.0]]))
    with pytest.raises(ValueError, match=r"right below the BS at \[10.5, 20.5\] m, where no link has a direction"):
        look(raster, BS_M, np.array([[10.5, 20.5, 1.0]]))
    for wrong in (np.array([1.0, 2.0, 1.0]), np.array([[np.nan, 2.0, 1.0]])):
        with pytest.raises(ValueError, match=r"user_m has shape .*, but finite positions \(R, 3\) in metres"):
            look(raster, BS_M, wrong)


def test_things_stand_on_the_raster_where_they_stand_in_the_scene(task):
    """The highest corner of each of the tracer's objects is the raster's height in the middle of its box."""
    for room in task[2:].regions:
        scene = room.scenario.scene
        for number, box in enumerate(room.scenario.boxes):
            mine = scene.face_object == scene.objects.index(f"obstacle-{number}")
            top_m = scene.vertices_m[scene.faces[mine]][..., 2].max()
            cell = room.raster.cells(np.array([box.x_m]), np.array([box.y_m]))
            assert room.raster.heights[cell] == pytest.approx(top_m, abs=0.006)
