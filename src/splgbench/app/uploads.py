"""Uploaded packages: counted while they come in, read and validated in a process of their own, never executed."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import unquote

from splgbench.errors import InputError

UPLOAD_LIMIT = 64 * 2**20
"""Bytes of an uploaded file."""
UNPACKED_LIMIT = 8
"""Times the upload limit that a package may hold when unpacked."""
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def safe_name(given: str) -> str:
    """A file name without a path, of letters, digits, dot, dash and underscore, ending in .zip.

    Parameters
    ----------
    given : as the browser sends it, percent-encoded.
    """
    stem = _UNSAFE.sub("-", Path(unquote(given).replace("\\", "/")).name.removesuffix(".zip")).strip(".-")[:80]
    return f"{stem or 'upload'}.zip"


async def receive(stream: AsyncIterator[bytes], stated: str | None, path: Path, limit: int) -> None:
    """Write an upload to a file.

    Parameters
    ----------
    stated : the size the browser states; None where it states none.
    limit : bytes that are taken; the file is removed once there are more.

    Raises
    ------
    InputError
        Too large, empty, or no zip.
    """
    too_large = InputError(f"must hold at most {limit // 2**20} MB", path.name)
    if stated is not None and stated.isdecimal() and int(stated) > limit:
        raise too_large
    size, first = 0, b""
    try:
        with path.open("wb") as target:
            async for chunk in stream:
                size += len(chunk)
                if size > limit:
                    raise too_large
                first = first or chunk[:4]
                target.write(chunk)
        if not first.startswith(b"PK"):
            raise InputError("must be a zip of an instance package (docs/package-format.md)", path.name)
    except BaseException:
        # Whoever goes away in the middle leaves nothing, either.
        path.unlink(missing_ok=True)
        raise
