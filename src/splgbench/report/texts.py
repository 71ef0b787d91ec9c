"""Text from a store as one line: names and messages may hold anything."""

from __future__ import annotations

import re
import unicodedata

_INVISIBLE = ("Cc", "Cf", "Cs", "Co", "Cn")
"""Unicode categories of what has no shape of its own: controls, changes of direction, unpaired surrogates, ..."""


def one_line(text: str) -> str:
    """The text with single spaces where there was white space, and "?" for what has no shape."""
    words = " ".join(text.split())
    return "".join("?" if unicodedata.category(mark) in _INVISIBLE else mark for mark in words)


def counted(number: int, noun: str) -> str:
    """A number of things: 1 run, 2 runs."""
    return f"{number:,} {noun}{'s'[: number != 1]}"


def unbroken(title: str) -> str:
    """A title whose units stay with the word before them where a line ends."""
    return re.sub(r" (s|MB|%)(?=$|[ ,])", "\u00a0\\1", title)


def shortened(text: str, most: int) -> str:
    """At most `most` characters: of a longer text, beginning and end around an ellipsis."""
    if len(text) <= most:
        return text
    end = most // 2
    return f"{text[: most - end - 1]}\u2026{text[-end:]}"
