#!/usr/bin/env python3
"""Writes agents/lm/nfc_{decompositions,combining}.cc from the Unicode data of this Python.

usage: make_nfc_tables.py FOLDER
"""

import pathlib
import sys
import unicodedata

CODES = [c for c in range(sys.maxunicode + 1) if not 0xAC00 <= c <= 0xD7A3]


def decompositions():
    """(composed, first, second or 0, composes again) for every canonical decomposition."""
    for code in CODES:
        parts = unicodedata.decomposition(chr(code))
        if parts and not parts.startswith("<"):
            values = [int(part, 16) for part in parts.split()]
            composes = len(values) == 2 and unicodedata.normalize("NFC", chr(code)) == chr(code)
            yield code, values[0], values[1] if len(values) == 2 else 0, int(composes)


def combining_ranges():
    """[first, last, class] of neighbouring code points with the same combining class."""
    ranges = []
    for code in CODES:
        kind = unicodedata.combining(chr(code))
        if kind and ranges and ranges[-1][1] == code - 1 and ranges[-1][2] == kind:
            ranges[-1][1] = code
        elif kind:
            ranges.append([code, code, kind])
    return ranges


def write_table(path, name, kind, rows):
    lines = [""]
    for row in rows:
        cell = "{" + ",".join(f"0x{v:X}" if v > 255 else str(v) for v in row) + "},"
        if len(lines[-1]) + len(cell) > 100:
            lines.append("")
        lines[-1] += cell
    head = [
        "// Made by scripts/make_nfc_tables.py from the Unicode character database, version",
        f"// {unicodedata.unidata_version}; not edited by hand.",
        "// clang-format off",
        '#include "agents/lm/nfc_tables.h"',
        "",
        "namespace turnhalle::lm {",
        "",
        f"extern const std::array<{kind}, {len(rows)}> {name} = {{{{",
    ]
    tail = ["}};", "", "}  // namespace turnhalle::lm"]
    path.write_text("\n".join(head + lines + tail) + "\n", encoding="ascii")


def main(arguments):
    if len(arguments) != 1:
        sys.exit(__doc__)
    folder = pathlib.Path(arguments[0])
    write_table(
        folder / "nfc_decompositions.cc",
        "nfc_decompositions",
        "NfcDecomposition",
        list(decompositions()),
    )
    write_table(
        folder / "nfc_combining.cc",
        "nfc_combining_ranges",
        "NfcCombiningRange",
        combining_ranges(),
    )


if __name__ == "__main__":
    main(sys.argv[1:])
