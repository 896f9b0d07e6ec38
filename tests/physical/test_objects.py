"""Cards of network objects: what they say, in text and in HTML."""

import numpy as np
import pytest

from dnt_lab.physical import Configure, Handover, NetworkObject, PhysicalNetwork


@pytest.fixture(scope="module")
def network():
    network = PhysicalNetwork.open_field(n_users=20, seed=1)
    network.apply(Handover(0.0, 5, -1, 0))
    network.step(1.0)
    return network


def test_every_user_and_cell_has_a_card_that_agrees_with_state_and_kpis(network):
    state, kpis = network.state, network.kpis
    for u in range(20):
        card = network[f"ue-{u}"]
        assert card.internal["kind"] == state.kind[u]
        assert card.internal["mobility"] == f"{np.linalg.norm(state.velocity_m_s[u]):.1f} m/s"
        assert card.external["serving BS"] == (f"bs-{state.serving[u]}" if state.serving[u] >= 0 else "none")
        assert card.external["rate"] == f"{kpis.rate_bps[u] / 1e6:.2f} Mbit/s"
        assert card.external["SINR"] == f"{kpis.sinr_db[u]:.1f} dB"
        interference_mw = kpis.interference_q[u] * network.radio.quantum_mw(state)
        assert card.external["interference"] == f"{10 * np.log10(interference_mw):.1f} dBm"
    users = sum(network[f"bs-{b}"].external["users"] for b in range(21))
    assert users == (state.serving >= 0).sum()


def test_the_article_splits_internal_from_external_properties(network):
    user, cell = network["ue-3"], network["bs-3"]
    assert list(user.internal) == ["kind", "dimension", "location", "mobility"]
    assert list(user.external) == ["serving BS", "channel", "beam", "demand", "interference", "SINR", "rate"]
    assert list(cell.internal) == ["location", "boresight", "downtilt"]
    assert list(cell.external) == ["on", "transmit power", "users", "load", "region"]
    assert user.external["channel"] in ("0 (3.5 GHz)", "1 (3.51 GHz)")
    assert cell.external["transmit power"] == "38 dBm"


def test_text_and_html(network):
    card = network["ue-3"]
    text = repr(card).splitlines()
    assert text[0] == "ue-3" and text[1].strip() == "internal"
    assert any(line.split() == ["kind", *card.internal["kind"].split()] for line in text)
    page = card._repr_html_()
    assert page.count("<tr>") == 2 + 4 + 7 and page.count("scope='row'") == 11
    assert "<caption><b>ue-3</b></caption>" in page


def test_html_escapes_what_it_shows():
    page = NetworkObject("<ue>", {"kind": "<script>"}, {})._repr_html_()
    assert "<script>" not in page and "&lt;script&gt;" in page and "&lt;ue&gt;" in page


def test_cards_of_omnidirectional_silent_cells_and_lone_users():
    network = PhysicalNetwork.open_field(n_sites=1, n_users=1, seed=1, n_sectors=1)
    network.apply(Configure(0.0, 0, on=False))
    assert network["bs-0"].internal["boresight"] == "omnidirectional"
    assert network["bs-0"].external["on"] is False
    assert network["ue-0"].external["interference"] == "none"
    assert network["bs-0"].internal["location"] == "(0, 0, 10) m"


@pytest.mark.parametrize(
    "name", ["ue-20", "bs-21", "ue", "ue-", "ue--1", "ue-1.0", "ue-x", "ue-²", "gnb-1", "", 3, None, ("ue", 1)]
)
def test_unknown_names_say_what_is_known(network, name):
    with pytest.raises(KeyError, match=r"no object is called .*; this network has ue-0 ... ue-19 and bs-0 ... bs-20"):
        network[name]
