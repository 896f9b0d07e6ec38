"""The whole comparison, very small: who learns from what, and that each number is the one its name says."""

import numpy as np
import pytest

from dnt_lab.mapping.vertical import (
    Recipe,
    baseline_gains_db,
    calibration_gap,
    joined,
    link_scores,
    rmse_db,
    stretch_factor,
    stretched,
    study,
    train_twins,
)

RECIPE = Recipe(rounds=2, own_rounds=1)


@pytest.fixture(scope="module")
def tasks():
    return study.draw_tasks(2, 1, 3, n_tracks=2)


@pytest.fixture(scope="module")
def twins(tasks):
    return train_twins(tasks[0], 2, 3, RECIPE)


@pytest.fixture(scope="module")
def found(tasks, twins):
    return study.vertical_scores(twins, *tasks)


def test_unseen_streets_are_in_a_city_nobody_learned_from(tasks):
    assert [repr(task) for task in tasks] == [
        "MappingTask(2 streets, 2 rooms, 64 links)",
        "MappingTask(6 streets, 6 rooms, 192 links)",
        "MappingTask(1 streets, 1 rooms, 32 links)",
    ]
    cities = [{r.name.split("-")[0] for r in task.regions if r.kind == "street"} for task in tasks]
    assert cities == [{"munich", "florence"}, {"munich", "florence"}, {study.UNSEEN_CITY}]
    places = [region.track_m[0, 0].tolist() for task in tasks for region in task.regions]
    assert len(np.unique(places, axis=0)) == len(places)


def test_the_table_is_each_systems_error_on_the_unseen_regions(tasks, twins, found):
    (train, _, test), (table, scores) = tasks, found
    truth = joined(test.truth)
    gains_db = {"vertical": joined(study.predictions(twins, test)).gain_db} | baseline_gains_db(train, test)
    street = np.repeat([region.kind == "street" for region in test.regions], 16)
    assert table.index.tolist() == list(gains_db) and table.index.name == "system"
    for name, gain_db in gains_db.items():
        expected = [rmse_db(gain_db, truth, among) for among in (None, street, ~street)]
        np.testing.assert_allclose(table.loc[name, ["all", "street", "room"]], expected)
    assert scores["rmse_db"] == pytest.approx(table.loc["vertical", "all"])
    best = table.loc[["free_space", "tr_38_901", "nearest"], "all"].min()
    assert scores["ratio"] == pytest.approx(table.loc["vertical", "all"] / best)


def test_doubt_is_set_right_on_regions_that_are_not_asked_about(tasks, twins, found):
    _, held_out, test = tasks
    said, truth = joined(study.predictions(twins, test)), joined(test.truth)
    factor = stretch_factor(joined(study.predictions(twins, held_out)), joined(held_out.truth))
    scores = found[1]
    assert scores["stretch"] == factor
    assert scores["gap_before"] == calibration_gap(said, truth)
    assert scores["gap_after"] == calibration_gap(stretched(said, factor), truth)
    for name, score in link_scores(stretched(said, factor), truth).items():
        assert scores[name] == pytest.approx(score, nan_ok=True)
    assert all(type(score) is float for score in scores.values())


def test_each_region_is_asked_of_the_twin_that_serves_it(tasks, twins):
    test = tasks[2]
    model, serving = twins.model, twins.serving(test)
    for k, said in enumerate(study.predictions(twins, test)):
        direct = model.predict(serving[k], test.inputs[k][None])[0].reshape(16, -1)
        np.testing.assert_allclose(said.p_los, 1 / (1 + np.exp(-direct[:, 4])), rtol=1e-5)


def test_the_study_is_its_three_parts_in_one(tasks, found, monkeypatch):
    asked = []
    monkeypatch.setattr(study, "draw_tasks", lambda *sizes: asked.append(sizes) or tasks)
    table, scores = study.vertical_study(2, 1, 3, recipe=RECIPE, n_tracks=2)
    assert asked == [(2, 1, 3, 2)]
    assert scores == pytest.approx(found[1], nan_ok=True) and table.equals(found[0])
