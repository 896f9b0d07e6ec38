import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from dnt_lab.datasets import available, bundled, data_files, fetch, record_checksums, verify

DAYS = {f"sms-call-internet-mi-2013-11-0{day}.txt": f"content of day {day}\n".encode() for day in (1, 2)}


def test_the_table_lists_licence_source_and_checksum():
    table = available()
    assert table.index[table["bundled"]].tolist() == ["munich", "florence", "etoile", "milan-facts"]
    assert table.index[table["fetchable"]].tolist() == ["milan-dataverse"]
    assert table["licence"].str.contains("ODbL").all()
    assert (table["source"] != "").all()
    path = bundled("florence_footprints.geojson")
    assert table.loc["florence", "size_bytes"] == path.stat().st_size
    assert table.loc["florence", "sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("name", ["munich", "florence", "etoile", "milan-facts"])
def test_bundled_sets_are_unharmed(name):
    assert verify(name) == 1


def test_a_changed_or_lost_bundled_file_is_found(tmp_path, monkeypatch):
    folder = tmp_path / "dnt_lab" / "_data"
    folder.mkdir(parents=True)
    monkeypatch.setattr(data_files, "_PACKAGE", tmp_path / "dnt_lab")
    (folder / "checksums").write_text(f"{'0' * 64}  etoile_footprints.geojson\n")
    with pytest.raises(ValueError, match=r"etoile_footprints\.geojson is not in .*; get it again"):
        verify("etoile")
    (folder / "etoile_footprints.geojson").write_text("{}")
    with pytest.raises(ValueError, match=r"etoile_footprints\.geojson has changed: its SHA-256 is not the recorded"):
        verify("etoile")


def test_a_download_is_recorded_once_and_later_changes_are_found(tmp_path):
    (tmp_path / "milano.h5").write_bytes(b"first")
    record_checksums(tmp_path)
    assert verify("milan-fedda", tmp_path) == 1
    (tmp_path / "milano.h5").write_bytes(b"second")
    with pytest.raises(ValueError, match=r"milano\.h5 has changed"):
        verify("milan-fedda", tmp_path)
    (tmp_path / "milano.h5").unlink()
    with pytest.raises(ValueError, match=r"milano\.h5 is not in"):
        verify("milan-fedda", tmp_path)


class Dataverse(BaseHTTPRequestHandler):
    """The two answers of a Dataverse that pooch asks for: the list of files with MD5, and a file by its number."""

    def do_GET(self):
        self.server.asked.append(self.path)
        if self.path.startswith("/api/datasets/:persistentId"):
            files = [
                {"dataFile": {"id": i, "filename": name, "md5": hashlib.md5(content).hexdigest()}}
                for i, (name, content) in enumerate(self.server.contents.items())
            ]
            return self._answer(json.dumps({"data": {"latestVersion": {"files": files}}}).encode())
        if self.path.startswith("/api/access/datafile/"):
            content = list(self.server.contents.values())[int(self.path.rsplit("/", 1)[1])]
            return self._answer(self.server.spoil(content))
        return self.send_error(404)

    def _answer(self, content):
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args):
        pass


@pytest.fixture
def dataverse(monkeypatch):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Dataverse)
    server.contents, server.asked, server.spoil = DAYS, [], lambda content: content
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    address = f"http://127.0.0.1:{server.server_address[1]}/dataset.xhtml"
    monkeypatch.setattr("pooch.downloaders.doi_to_url", lambda doi, **_: address)
    for proxy in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(proxy, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def files_asked(server):
    return [path for path in server.asked if "datafile" in path]


def test_fetch_brings_records_and_does_not_fetch_twice(dataverse, tmp_path):
    folder = fetch("milan-dataverse", tmp_path / "milan")
    assert {p.name: p.read_bytes() for p in folder.iterdir() if p.name != "checksums"} == DAYS
    assert verify("milan-dataverse", folder) == 2
    assert len(files_asked(dataverse)) == 2
    fetch("milan-dataverse", folder)
    assert len(files_asked(dataverse)) == 2


def test_an_interrupted_fetch_goes_on(dataverse, tmp_path):
    first, second = DAYS
    fetch("milan-dataverse", tmp_path, files=[first])
    assert not (tmp_path / second).exists()
    fetch("milan-dataverse", tmp_path)
    assert len(files_asked(dataverse)) == 2
    assert verify("milan-dataverse", tmp_path) == 2


def test_a_download_that_arrives_damaged_is_refused_and_not_kept(dataverse, tmp_path):
    dataverse.spoil = lambda content: content[:-3]
    with pytest.raises(ValueError, match="hash of downloaded file"):
        fetch("milan-dataverse", tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == []


def test_a_file_that_the_set_does_not_have_is_refused(dataverse, tmp_path):
    with pytest.raises(ValueError, match=r"The file is 'other\.txt', but must be one of 'sms-call"):
        fetch("milan-dataverse", tmp_path, files=["other.txt"])


def test_a_silent_repository_is_said_in_one_sentence(monkeypatch, tmp_path):
    import requests

    def silent(doi, **_):
        raise requests.ConnectTimeout

    monkeypatch.setattr("pooch.downloaders.doi_to_url", silent)
    with pytest.raises(ConnectionError, match=r"Harvard Dataverse, doi:.* did not answer \(ConnectTimeout\)"):
        fetch("milan-dataverse", tmp_path)


bad_input = [
    (lambda folder: verify("rome"), "The data set is 'rome', but must be one of 'munich', 'florence'"),
    (lambda folder: fetch("rome", folder), "The data set is 'rome'"),
    (lambda folder: fetch("munich", folder), "munich comes with the package, nothing is to be fetched"),
    (lambda folder: fetch("milan-kaggle", folder), "cannot be fetched from here: download it yourself from Kaggle"),
    (lambda folder: verify("milan-dataverse"), "is a download: say in which folder it lies"),
    (lambda folder: verify("milan-dataverse", folder), "has no file checksums; write it once with record_checksums"),
    (lambda folder: record_checksums(folder / "gone"), "gone is not a folder"),
]


@pytest.mark.parametrize(("call", "sentence"), bad_input)
def test_a_wrong_call_is_refused(tmp_path, call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call(tmp_path)
