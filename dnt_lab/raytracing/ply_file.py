"""PLY files: points and polygons, as text or binary, little or big endian.

A file declares its elements line by line ("element vertex 8", then a "property" each) and then lists them. Read are x,
y, z of ``vertex`` and the corner list of ``face``; what else there is (colours, normals, edges) is skipped.

Source: G. Turk, The PLY Polygon File Format, 1994.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from dnt_lab.raytracing.mesh_checks import triangulated

_TYPES = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1", "short": "i2", "int16": "i2", "ushort": "u2",
    "uint16": "u2", "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4", "float": "f4", "float32": "f4",
    "double": "f8", "float64": "f8",
}  # fmt: skip
_FORMATS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}
_CORNER_LISTS = ("vertex_indices", "vertex_index")


@dataclass
class _Element:
    """What the header says of one kind of thing: properties are (name, type) or (name, type, type of its length)."""

    name: str
    count: int
    properties: list[tuple[str, ...]] = field(default_factory=list)


def read_ply(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (V, 3) and triangles (F, 3) of a PLY file.

    Raises
    ------
    ValueError
        If the file is no PLY file with vertices and faces; the sentence names the file and the place.
    """
    order, elements, body, header_lines = _header(path)
    values = {}
    rest = body.split(b"\n") if order == "" else body
    for element in elements:
        if order == "":
            values[element.name] = _from_text(path, element, rest, header_lines)
            rest, header_lines = rest[element.count :], header_lines + element.count
        else:
            values[element.name], rest = _from_bytes(path, element, rest, order)
    vertices_m = np.column_stack([_column(path, values, "vertex", (axis,)) for axis in "xyz"]).astype(float)
    faces, _ = triangulated(path.name, vertices_m, *_column(path, values, "face", _CORNER_LISTS))
    return vertices_m, faces


def write_ply(path: Path, vertices_m: np.ndarray, faces: np.ndarray) -> None:
    """Write vertices (V, 3) and triangles (F, 3) as binary, little endian, in double precision."""
    header = [
        "ply",
        "format binary_little_endian 1.0",
        f"element vertex {len(vertices_m)}",
        *(f"property double {axis}" for axis in "xyz"),
        f"element face {len(faces)}",
        "property list uchar int vertex_indices",
        "end_header\n",
    ]
    rows = np.zeros(len(faces), [("n", "u1"), ("corners", "<i4", 3)])
    rows["n"], rows["corners"] = 3, faces
    path.write_bytes("\n".join(header).encode() + vertices_m.astype("<f8").tobytes() + rows.tobytes())


def _header(path: Path):
    """Byte order ("" for text), elements, what follows the header, and the number of the header's lines."""
    data = path.read_bytes()
    end = data.find(b"end_header")
    start = data.find(b"\n", end) + 1
    if not data.startswith(b"ply") or end < 0 or start == 0:
        raise ValueError(f"{path.name} is no PLY file: it must start with 'ply' and have a line 'end_header'")
    lines = data[:end].decode("ascii", "replace").splitlines()
    order, elements = None, []
    for number, line in enumerate(lines, start=1):
        words = line.split() or [""]
        try:
            if words[0] == "format":
                order = _FORMATS[words[1]]
            elif words[0] == "element":
                elements.append(_Element(words[1], int(words[2])))
                if elements[-1].count < 0:
                    raise ValueError
            elif words[0] == "property" and words[1] == "list":
                elements[-1].properties.append((words[4], _TYPES[words[3]], _TYPES[words[2]]))
            elif words[0] == "property":
                elements[-1].properties.append((words[2], _TYPES[words[1]]))
        except (IndexError, KeyError, ValueError):
            raise ValueError(f"{path.name}, line {number}: {line.strip()!r} is no line of a PLY header") from None
    if order is None:
        raise ValueError(f"{path.name} declares no format, but 'format ascii 1.0' or a binary one is needed")
    return order, elements, data[start:], len(lines) + 1


def _from_text(path: Path, element: _Element, lines: list[bytes], before: int) -> dict:
    """Columns of an element of a text file, a line each; a list is (its values in a row, its lengths)."""
    rows = []
    for i in range(element.count):
        try:
            rows.append(_text_row(element, lines[i].split()))
        except (IndexError, ValueError):
            where = f"{path.name}, line {before + i + 1}"
            raise ValueError(f"{where}: {element.name} {i} of {element.count} is not whole") from None
    return _columns(element, rows)


def _text_row(element: _Element, words: list[bytes]) -> list[list]:
    """Values of each property of one line."""
    row, at = [], 0
    for _, kind, *length in element.properties:
        size, at = (int(words[at]), at + 1) if length else (1, at)
        if not 0 <= size <= len(words) - at:
            raise ValueError
        row.append([float(word) if kind[0] == "f" else int(word) for word in words[at : at + size]])
        at += size
    return row


def _from_bytes(path: Path, element: _Element, data: bytes, order: str) -> tuple[dict, bytes]:
    """Columns of an element of a binary file and what follows it; a list is (its values in a row, its lengths)."""
    try:
        first, _ = _byte_row(element, data, 0, order) if element.count else ([[] for _ in element.properties], 0)
        # mostly all lists are as long as the first row's, and the element is a table
        kinds = []
        for i, (_, kind, *length) in enumerate(element.properties):
            kinds += [(f"n{i}", order + length[0])] if length else []
            kinds += [(f"v{i}", order + kind, len(first[i]))]
        table = np.frombuffer(data, kinds, min(element.count, len(data) // np.dtype(kinds).itemsize))
        lists = [i for i, row in enumerate(element.properties) if len(row) == 3]
        if len(table) == element.count and all((table[f"n{i}"] == len(first[i])).all() for i in lists):
            columns = {}
            for i, (name, *_) in enumerate(element.properties):
                values = table[f"v{i}"].reshape(-1)
                columns[name] = (values, np.full(element.count, len(first[i]))) if i in lists else values
            return columns, data[table.nbytes :]
        rows, at = [], 0
        for _ in range(element.count):
            row, at = _byte_row(element, data, at, order)
            rows.append(row)
        return _columns(element, rows), data[at:]
    except ValueError:
        raise ValueError(f"{path.name} ends within its {element.count} elements {element.name!r}") from None


def _byte_row(element: _Element, data: bytes, at: int, order: str) -> tuple[list[list], int]:
    """Values of each property of the row that starts at byte `at`, and where the next one starts."""
    row = []
    for _, kind, *length in element.properties:
        size = 1
        if length:
            size = int(np.frombuffer(data, order + length[0], 1, at)[0])
            at += np.dtype(length[0]).itemsize
        if size < 0:
            raise ValueError
        values = np.frombuffer(data, order + kind, size, at) if size else np.empty(0)
        at += values.nbytes
        row.append(values.tolist())
    return row, at


def _columns(element: _Element, rows: list[list[list]]) -> dict:
    """Columns from rows; a list is (its values in a row, its lengths)."""
    columns = {}
    for i, (name, _, *length) in enumerate(element.properties):
        values = np.array([value for row in rows for value in row[i]])
        columns[name] = (values, np.array([len(row[i]) for row in rows], int)) if length else values
    return columns


def _column(path: Path, values: dict, element: str, names: tuple[str, ...]):
    """Find the element's first property of these names: an array, or (values, lengths) where `element` is face."""
    for name in names:
        column = values.get(element, {}).get(name)
        if column is not None and isinstance(column, tuple) == (element == "face"):
            return column
    raise ValueError(f"{path.name} has no {element!r} with {' or '.join(names)}, but a mesh needs it")
