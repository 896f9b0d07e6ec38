from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from dnt_lab import workbook
from dnt_lab.workbook import claim_table, notebooks, session
from dnt_lab.workbook.claim_table import CLAIMS_MIME, claims_of, collect

CLAIM = workbook.Claim("A3", "All <others> notice.", "SINR error, dB", 1.2345, True, "Because.", (1.04, 1.55), 20)


class Shape(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.text = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs).get("scope")))

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture
def table():
    workbook.start("01", "fast", 4)
    return workbook.claims(CLAIM, replace(CLAIM, id="A4", holds=None, value=None, interval=None, seeds=1))


def test_values_are_rounded_to_what_is_reproducible():
    assert (CLAIM.value, CLAIM.interval) == (1.2, (1.0, 1.6))
    assert CLAIM.result() == "SINR error, dB: 1.2 (1 to 1.6), 20 seeds"
    assert replace(CLAIM, value=123456.0).result().startswith("SINR error, dB: 120000 ")
    assert replace(CLAIM, value=1.234e-7, digits=3, interval=None).result() == "SINR error, dB: 1.23e-7, 20 seeds"
    assert replace(CLAIM, value=np.int64(14), interval=None, seeds=1).result() == "SINR error, dB: 14"
    assert replace(CLAIM, value=True, interval=None, seeds=1).result() == "SINR error, dB: True"
    assert replace(CLAIM, holds=np.bool_(False)).holds is False


def test_the_table_is_accessible_html(table):
    shape = Shape()
    shape.feed(table._repr_mimebundle_()["text/html"])
    assert ("caption", None) in shape.tags
    assert [scope for tag, scope in shape.tags if tag == "th"] == ["col"] * 5 + ["row"] * 2
    assert "All <others> notice." in shape.text  # escaped, so that it is text and not a tag
    assert "holds" in shape.text and "not testable here" in shape.text


def test_the_same_output_is_machine_readable_and_plain(table):
    bundle = table._repr_mimebundle_()
    first, second = bundle[CLAIMS_MIME]
    assert first["value"] == 1.2 and first["interval"] == [1.0, 1.6] and first["holds"] is True
    assert (first["notebook"], first["profile"], first["seed"], first["seeds"]) == ("01", "fast", 4, 20)
    assert second["holds"] is None and second["result"] == "SINR error, dB"
    assert "A3 holds: All <others> notice." in bundle["text/plain"]


def test_claims_are_collected_from_executed_notebooks(executed_workbook, tmp_path):
    paths = notebooks.all_notebooks(executed_workbook)
    records = collect(paths)
    assert [(r["id"], r["notebook"], r["value"]) for r in records] == [("A1", "00", 3), ("A1", "01", 3)]
    assert claims_of(notebooks.read(paths[0])) == records[:1]
    (tmp_path / "x.ipynb").write_text("{")
    with pytest.raises(ValueError, match=r"x\.ipynb is not a notebook"):
        collect([tmp_path / "x.ipynb"])


@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        ({"id": "A23"}, ValueError, "claim id is 'A23', but it must be one of A1 to A22"),
        ({"article": " "}, ValueError, "article of claim A3 is ' ', but it must be a sentence"),
        ({"why": None}, ValueError, "why of claim A3 is None"),
        ({"holds": "yes"}, TypeError, "holds of claim A3 is 'yes', but it must be True, False or None"),
        ({"holds": 1}, TypeError, "holds of claim A3 is 1"),
        ({"value": [1]}, TypeError, "value of claim A3 is a list, but it must be a number or a text"),
        ({"interval": (2, 1)}, ValueError, "interval of claim A3 is (2, 1), but the low end must come first"),
        ({"seeds": 0}, ValueError, "seeds of claim A3 is 0, but it must be a whole number >= 1"),
        ({"digits": 1.5}, ValueError, "digits of claim A3 is 1.5"),
    ],
)
def test_bad_claims_are_refused(change, error, sentence):
    with pytest.raises(error) as caught:
        replace(CLAIM, **change)
    assert sentence in str(caught.value)


def test_bad_tables_are_refused(monkeypatch):
    workbook.start("01")
    assert workbook.claims([CLAIM]).claims == (CLAIM,)
    with pytest.raises(ValueError, match="got no claim"):
        workbook.claims()
    with pytest.raises(ValueError, match="got no claim"):
        workbook.claims([])
    with pytest.raises(TypeError, match="takes Claim objects, got a dict"):
        workbook.claims({"id": "A1"})
    monkeypatch.setattr(session, "_started", [])
    with pytest.raises(RuntimeError, match="has not been started"):
        claim_table.claims(CLAIM)
