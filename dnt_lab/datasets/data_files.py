"""Where the small data files that come with the package lie, and whether they are unharmed.

An editable install reads the repository's ``data/``; a wheel carries the same folder as ``dnt_lab/_data``.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]
CHECKSUMS = "checksums"


def data_folder() -> Path:
    """Return the folder of the bundled data, in a wheel or in a checkout.

    Raises
    ------
    FileNotFoundError
        If neither place has the data (a copy of the package without its data).
    """
    for folder in (_PACKAGE / "_data", _PACKAGE.parent / "data"):
        if (folder / CHECKSUMS).is_file():
            return folder
    raise FileNotFoundError(
        f"The bundled data is neither in {_PACKAGE / '_data'} nor in {_PACKAGE.parent / 'data'}: "
        "install dnt_lab again from its wheel or from a whole checkout."
    )


def bundled(name: str) -> Path:
    """Return the path of one bundled data file, such as ``"florence_footprints.geojson"``.

    Raises
    ------
    ValueError
        If no bundled file has that name; the sentence lists those that exist.
    """
    known = checksums()
    if name not in known:
        raise ValueError(f"{name!r} is not a bundled data file; those are {', '.join(sorted(known))}.")
    return data_folder() / name


def checksums() -> dict[str, str]:
    """Return the recorded SHA-256 of every bundled file, as {file name: hex digest}."""
    lines = (data_folder() / CHECKSUMS).read_text(encoding="utf-8").splitlines()
    return {name: digest for digest, name in (line.split() for line in lines)}


def sha256_of(path: Path, chunk_bytes: int = 1 << 22) -> str:
    """Return the SHA-256 of a file as a hex digest, reading `chunk_bytes` at a time."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(chunk_bytes):
            digest.update(chunk)
    return digest.hexdigest()
