"""Which data sets there are, where they come from, under which licence, and whether a copy is unharmed.

Bundled files have their checksums in ``data/checksums``. For downloads nobody here holds a checksum of the content;
the repository's own (MD5) is checked on arrival, and the SHA-256 of what arrived is written beside the files as
``checksums``, so that a later change is found.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dnt_lab.datasets._checks import one_of
from dnt_lab.datasets.data_files import CHECKSUMS, bundled, checksums, sha256_of

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class DataSet:
    """One row of the table.

    Attributes
    ----------
    about, licence, source : str
        What it is, its licence, where it comes from.
    file : str
        Name of the bundled file; empty for downloads.
    doi : str
        Where `fetch` gets it; empty if the user has to.
    size_bytes : int
        Of a download, about; 0 for bundled files, whose size is looked up.
    """

    about: str
    licence: str
    source: str
    file: str = ""
    doi: str = ""
    size_bytes: int = 0


_OSM = "OpenStreetMap, through the scenes of sionna-rt 2.2.0"
_MILAN = "Telecom Italia; Barlacchi et al., Scientific Data 2:150055, 2015"
DATA_SETS = {
    "munich": DataSet("building outlines of Munich", "ODbL 1.0", _OSM, file="munich_footprints.geojson"),
    "florence": DataSet("building outlines of Florence", "ODbL 1.0", _OSM, file="florence_footprints.geojson"),
    "etoile": DataSet("building outlines of Paris, Etoile", "ODbL 1.0", _OSM, file="etoile_footprints.geojson"),
    "milan-facts": DataSet("statistics of mobile traffic in Milan", "ODbL 1.0", _MILAN, file="milan_facts.json"),
    "milan-dataverse": DataSet(
        "62 daily text files, 10 min; read by convert_dataverse",
        "ODbL 1.0",
        "Harvard Dataverse, doi:10.7910/DVN/EGZHFV",
        doi="10.7910/DVN/EGZHFV",
        size_bytes=20_804_803_507,
    ),
    "milan-kaggle": DataSet(
        "1-7 Nov, hourly CSV; read by read_kaggle",
        "ODbL 1.0",
        "Kaggle, marcodena/mobile-phone-activity (account needed)",
    ),
    "milan-fedda": DataSet(
        "two months, hourly HDF5; read by read_fedda", "data ODbL 1.0", "GitHub, chuanting/FedDA, milano.h5"
    ),
}


def available() -> pd.DataFrame:
    """Return the table of data sets.

    Returns
    -------
    pandas.DataFrame
        Index: name. Columns: ``about``, ``bundled`` (comes with the package), ``fetchable`` (by `fetch`),
        ``licence``, ``source``, ``size_bytes`` (0 if unknown or lost) and ``sha256`` (empty for downloads).
    """
    import pandas as pd

    recorded = checksums()
    rows = {
        name: {
            "about": entry.about,
            "bundled": bool(entry.file),
            "fetchable": bool(entry.doi),
            "licence": entry.licence,
            "source": entry.source,
            "size_bytes": _size_of(bundled(entry.file)) if entry.file else entry.size_bytes,
            "sha256": recorded[entry.file] if entry.file else "",
        }
        for name, entry in DATA_SETS.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("name")


def _size_of(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def verify(name: str, folder: str | Path | None = None) -> int:
    """Compare the files of a data set with their recorded SHA-256; return how many there are.

    Parameters
    ----------
    name : str
        A name of `available`.
    folder : path, optional
        Where a download lies, with the ``checksums`` that `fetch` or `record_checksums` wrote. Not for bundled sets.

    Raises
    ------
    ValueError
        If a file differs or is not there, or nothing was recorded; the sentence names the file.
    """
    entry = DATA_SETS[one_of("The data set", name, DATA_SETS)]
    if entry.file:
        _compare(bundled(entry.file), checksums()[entry.file])
        return 1
    if folder is None:
        raise ValueError(f"{name} is a download: say in which folder it lies, verify({name!r}, folder).")
    recorded = read_checksums(folder)
    if not recorded:
        raise ValueError(f"{folder} has no file {CHECKSUMS}; write it once with record_checksums(folder).")
    for file, digest in recorded.items():
        _compare(Path(folder) / file, digest)
    return len(recorded)


def _compare(path: Path, digest: str) -> None:
    if not path.is_file():
        raise ValueError(f"{path.name} is not in {path.parent}; get it again.")
    if sha256_of(path) != digest:
        raise ValueError(f"{path.name} has changed: its SHA-256 is not the recorded {digest[:12]}...; get it again.")


def read_checksums(folder: str | Path) -> dict[str, str]:
    """Return what a folder's ``checksums`` records, as {file name: SHA-256}; empty if there is none."""
    path = Path(folder) / CHECKSUMS
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return {name: digest for digest, name in (line.split(maxsplit=1) for line in lines)}


def record_checksums(folder: str | Path, files: Iterable[str] | None = None) -> Path:
    """Write the SHA-256 of files (all if none is named) into the folder's ``checksums``; return its path.

    Use it once on a download of your own; `verify` then finds later changes.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder; name the one that holds the download.")
    names = [p.name for p in folder.iterdir() if p.is_file() and p.name != CHECKSUMS] if files is None else list(files)
    recorded = read_checksums(folder) | {name: sha256_of(folder / name) for name in names}
    temporary = folder / f"{CHECKSUMS}.tmp"
    temporary.write_text("".join(f"{recorded[name]}  {name}\n" for name in sorted(recorded)), encoding="utf-8")
    return temporary.replace(folder / CHECKSUMS)


def fetch(name: str, destination: str | Path, files: Iterable[str] | None = None) -> Path:
    """Download a data set into a folder; return the folder.

    Files that are there and whole are not fetched again, so an interrupted fetch can be repeated. Each arriving
    file is held against the repository's MD5, and its SHA-256 is recorded for `verify`.

    Parameters
    ----------
    name : str
        A name of `available` that is ``fetchable``.
    destination : str or Path
        The folder; made if it is not there.
    files : iterable of str, optional
        Only these file names; all of the set if left out (20 GB for ``milan-dataverse``).

    Raises
    ------
    ValueError
        If the set is bundled or cannot be fetched, a file name is unknown, or a download arrives damaged.
    ConnectionError
        If the repository does not answer.
    """
    entry = DATA_SETS[one_of("The data set", name, DATA_SETS)]
    if entry.file:
        raise ValueError(f"{name} comes with the package, nothing is to be fetched; its file is {bundled(entry.file)}.")
    if not entry.doi:
        raise ValueError(f"{name} cannot be fetched from here: download it yourself from {entry.source}.")
    import pooch
    import requests

    destination = Path(destination)
    store = pooch.create(path=destination, base_url=f"doi:{entry.doi}/")
    try:
        store.load_registry_from_doi()
        names = sorted(store.registry) if files is None else list(files)
        for file in names:
            one_of("The file", file, sorted(store.registry))
        for file in names:
            store.fetch(file)
            record_checksums(destination, [file])
    except requests.RequestException as error:
        raise ConnectionError(f"{entry.source} did not answer ({type(error).__name__}); try again later.") from error
    return destination
