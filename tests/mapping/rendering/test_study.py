"""The studies on a city so small that they take seconds; what they count is counted again here."""

import numpy as np
import pandas as pd
import pytest

from dnt_lab.mapping import rendering

METHODS = ("raw threshold", "own numbers", "dgi")


@pytest.fixture(scope="module")
def changes():
    return rendering.change_study([2], n_users=200, methods=METHODS, silent_share=0.5)


def test_every_kind_is_scored_by_every_method(changes):
    assert len(changes) == 4 * 3 and set(changes["kind"]) == set(rendering.CHANGES)
    assert changes[["auc", "auc_all", "auc_silent"]].stack().between(0, 1).all()
    assert (changes["changed"] > 0).all() and changes["unchanged"].between(25, 140).all()  # half of 200, and cells
    assert changes.loc[changes["method"] == "dgi", "auc"].mean() > 0.8


def test_of_the_silent_the_graph_knows_more_than_they_do_themselves(changes):
    mean = changes.groupby("method")["auc_silent"].mean()
    assert mean["dgi"] > mean["raw threshold"] + 0.05


def test_savings_are_in_order():
    table = rendering.saving_study([2], n_users=150, n_steps=5, methods=METHODS)
    assert set(table["method"]) == {*METHODS, "periodic", "random"}
    for _, curve in table.groupby("method"):
        assert curve["updates_saved"].is_monotonic_increasing
        assert curve["updates_saved"].between(0, 1).all() and (curve["fidelity_loss"] > -0.01).all()
    blind = table["method"].isin(["periodic", "random"])
    np.testing.assert_allclose(table["bytes_saved"][blind], table["updates_saved"][blind], atol=0.1)
    assert (table["bytes_saved"] < table["updates_saved"])[~blind].all()  # reports are paid for


def test_what_cannot_be_studied_is_refused():
    with pytest.raises(ValueError, match="silent_share is 1, but it must be at least 0"):
        rendering.change_study([2], 200, silent_share=1)
    with pytest.raises(ValueError, match="n_steps is 4, but must be 5 or more"):
        rendering.saving_study([2], n_steps=4)
    with pytest.raises(ValueError, match="method is 'svm', but must be one of 'raw threshold'"):
        rendering.fit_methods([], methods=["svm"])


def test_savings_at_a_loss_lie_between_the_settings_around_it():
    table = pd.DataFrame(
        {
            "seed": [1, 1, 1, 2, 2],
            "method": ["a", "a", "b", "a", "a"],
            "updates_saved": [0.4, 0.8, 0.5, 0.2, 0.3],
            "fidelity_loss": [0.02, 0.06, 0.2, 0.01, 0.04],
        }
    )
    found = rendering.saved_at_loss(table, 0.05)
    assert found.loc[1, "a"] == pytest.approx(0.7)
    assert found[["b"]].isna().all(axis=None) and np.isnan(found.loc[2, "a"])
    with pytest.raises(ValueError, match="loss is 0"):
        rendering.saved_at_loss(table, 0)


def test_history_is_as_long_as_asked(pairs):
    assert len(pairs) == 5 and all(twin.n_nodes == seen.n_nodes == 129 for twin, seen in pairs)
    with pytest.raises(ValueError, match="n_steps is 3, but must be 4 or more"):
        rendering.quiet_pairs(None, n_steps=3)
