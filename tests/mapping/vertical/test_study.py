"""The whole comparison, very small: who learns from what, and that each number is the one its name says."""

import numpy as np
import pytest

from dnt_lab.mapping.vertical import (
    LinkAttributes,
    Recipe,
    baseline_gains_db,
    calibration_gap,
    clear_of_obstacles,
    f1,
    joined,
    link_scores,
    predict,
    rmse_db,
    stretch_factor,
    stretched,
    study,
    train_twins,
)

RECIPE = Recipe(rounds=2, own_rounds=1)


@pytest.fixture(scope="module")
def tasks():
    return study.draw_tasks(2, 1, 3, n_tracks=4)


@pytest.fixture(scope="module")
def twins(tasks):
    return train_twins(tasks[0], 2, 3, RECIPE)


@pytest.fixture(scope="module")
def found(tasks, twins):
    return study.vertical_scores(twins, *tasks)


def test_unseen_streets_are_in_a_city_nobody_learned_from(tasks):
    assert [repr(task) for task in tasks] == [
        "MappingTask(2 streets, 2 rooms, 128 links)",
        "MappingTask(6 streets, 6 rooms, 384 links)",
        "MappingTask(1 streets, 1 rooms, 64 links)",
    ]
    cities = [{r.name.split("-")[0] for r in task.regions if r.kind == "street"} for task in tasks]
    assert cities == [{"munich", "florence"}, {"munich", "florence"}, {study.UNSEEN_CITY}]
    places = [region.track_m[0, 0].tolist() for task in tasks for region in task.regions]
    assert len(np.unique(places, axis=0)) == len(places)


@pytest.fixture(scope="module")
def asked(tasks, twins):
    """What is asked about, what is true of it, and what the twins say: without the two tracks that choose a twin."""
    rest = tasks[2].tracks(slice(2, None))
    serving = twins.serving(tasks[2])
    said = [predict(twins.model, weights, region) for weights, region in zip(serving, rest.regions, strict=True)]
    return rest, joined(rest.truth), joined(said)


def test_the_table_is_each_systems_error_on_the_unseen_regions(tasks, asked, found):
    (rest, truth, said), (table, scores) = asked, found
    gains_db = {"vertical": said.gain_db} | baseline_gains_db(tasks[0], rest)
    street = np.repeat([region.kind == "street" for region in rest.regions], 16)
    assert table.index.tolist() == list(gains_db) and table.index.name == "system"
    for name, gain_db in gains_db.items():
        expected = [rmse_db(gain_db, truth, among) for among in (None, street, ~street)]
        np.testing.assert_allclose(table.loc[name, ["all", "street", "room"]], expected)
    assert scores["rmse_db"] == pytest.approx(table.loc["vertical", "all"])
    best = table.loc[["free_space", "tr_38_901", "nearest"], "all"].min()
    assert scores["ratio"] == pytest.approx(table.loc["vertical", "all"] / best)


def test_doubt_is_set_right_on_regions_that_are_not_asked_about(tasks, twins, asked, found):
    _, truth, said = asked
    factor = stretch_factor(joined(study.predictions(twins, tasks[1])), joined(tasks[1].truth))
    scores = found[1]
    assert scores["stretch"] == factor
    assert scores["gap_before"] == calibration_gap(said, truth)
    assert scores["gap_after"] == calibration_gap(stretched(said, factor), truth)
    for name, score in link_scores(stretched(said, factor), truth).items():
        assert scores[name] == pytest.approx(score, nan_ok=True)
    assert all(type(score) is float for score in scores.values())


def test_what_geometry_says_without_learning_stands_beside_the_twins(asked, found):
    rest, truth, _ = asked
    clear, hits = [], []
    cloned = joined([LinkAttributes.of(r.trace(r.reported_m.reshape(-1, 3))) for r in rest.regions])
    both = cloned.path & truth.path
    error_db = cloned.gain_db[both] - truth.gain_db[both]
    assert found[1]["clone_rmse_db"] == pytest.approx(np.sqrt(np.mean(error_db**2)))
    assert found[1]["los_f1_clone"] == pytest.approx(f1(cloned.los, truth.los))
    for region, true in zip(rest.regions, rest.truth, strict=True):
        for user_m, best in zip(region.reported_m.reshape(-1, 3), true.best_beam, strict=True):
            clear.append(clear_of_obstacles(region.raster, region.bs_m, user_m[None])[0])
            angle = np.rad2deg(np.arctan2(*(user_m - region.bs_m)[1::-1]))
            if best >= 0:
                off = (22.5 * best - angle + 180) % 360 - 180
                hits.append(abs(off) <= 11.25)
    assert found[1]["los_f1_raster"] == pytest.approx(f1(np.array(clear), truth.los))
    assert found[1]["beam_hit_direct"] == pytest.approx(np.mean(hits))
    assert found[1]["path_f1_always"] == pytest.approx(f1(truth.path | True, truth.path))


def test_each_region_is_asked_of_the_twin_that_serves_it(tasks, twins):
    test = tasks[2]
    model, serving = twins.model, twins.serving(test)
    for k, said in enumerate(study.predictions(twins, test)):
        direct = model.predict(serving[k], test.inputs[k][None])[0].reshape(len(said), -1)
        np.testing.assert_allclose(said.p_los, 1 / (1 + np.exp(-direct[:, 4])), rtol=1e-5)


def test_the_study_is_its_three_parts_in_one(tasks, found, monkeypatch):
    asked = []
    monkeypatch.setattr(study, "draw_tasks", lambda *sizes: asked.append(sizes) or tasks)
    table, scores = study.vertical_study(2, 1, 3, recipe=RECIPE, n_tracks=2)
    assert asked == [(2, 1, 3, 2)]
    assert scores == pytest.approx(found[1], nan_ok=True) and table.equals(found[0])
