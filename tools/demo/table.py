# SPDX-License-Identifier: Apache-2.0
"""The demo's table: columns of text, in colour on a terminal (NO_COLOR is respected).

Entry points: Palette, render_table, and the printers of sizes and times. Every byte that came from
a job is printed only after plain().
"""

import os
from typing import List, Sequence, TextIO

_CODES = {"good": "32", "bad": "1;31", "dim": "2", "bold": "1"}


class Palette:
    def __init__(self, stream: TextIO):
        self.on = stream.isatty() and "NO_COLOR" not in os.environ

    def paint(self, style: str, text: str) -> str:
        return f"\033[{_CODES[style]}m{text}\033[0m" if self.on and style in _CODES else text


def plain(text: str) -> str:
    """Printable ASCII only: a job's bytes must not drive the reader's terminal."""
    return "".join(c if " " <= c <= "~" else "?" for c in text)


def seconds(value: float) -> str:
    return f"{value:.3f} s" if value < 10 else f"{value:.1f} s"


def size(value: float) -> str:
    return f"{value / 2**20:.1f} MiB"


def render_table(header: Sequence[str], rows: Sequence[Sequence[str]], styles: Sequence[str],
                 palette: Palette, right: Sequence[int] = ()) -> str:
    """One line per row; columns in `right` are aligned to the right."""
    widths = [max(len(row[c]) for row in [header, *rows]) for c in range(len(header))]

    def line(cells: Sequence[str]) -> str:
        parts = [cell.rjust(widths[c]) if c in right else cell.ljust(widths[c])
                 for c, cell in enumerate(cells)]
        return "  ".join(parts).rstrip()

    lines: List[str] = [palette.paint("bold", line(header)),
                        palette.paint("dim", "  ".join("-" * width for width in widths))]
    lines += [palette.paint(style, line(row)) for row, style in zip(rows, styles)]
    return "\n".join(lines)
