"""Two revisions as importable folders, in seconds: what a wheel of each would hold, without installing anything.

The environment's solvers serve both. A folder is named by its contents, so a revision is built once.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
import tempfile
import tomllib
from pathlib import Path, PurePosixPath

_ONE_TIME = 1_000_000_000
"""Modification time of every file: numba's caches are good for files of the same time and size."""

_LOOK_BACK = 3
"""How many of the folders built last may have compiled already what a new one needs."""


class GateError(Exception):
    """The gate cannot do its work; the message says why."""


def git(root: Path, *arguments: str, index: Path | None = None) -> str:
    """What git answers.

    Raises
    ------
    GateError
        It fails.
    """
    environment = os.environ if index is None else {**os.environ, "GIT_INDEX_FILE": str(index)}
    done = subprocess.run(["git", *arguments], cwd=root, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise GateError(f"git {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout.strip()


def commit_of(root: Path, revision: str) -> str:
    """The commit of a revision, in full."""
    return git(root, "rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}")


def tree_of(root: Path, revision: str | None) -> str:
    """The git tree of a revision; None stands for the working copy, with what is not committed."""
    if revision is not None:
        return git(root, "rev-parse", f"{commit_of(root, revision)}^{{tree}}")
    with tempfile.TemporaryDirectory() as folder:
        index = Path(folder) / "index"
        git(root, "read-tree", "HEAD", index=index)
        git(root, "add", "--all", index=index)
        return git(root, "write-tree", index=index)


def built(root: Path, tree: str, cache: Path) -> Path:
    """A folder from which the tree's splgbench can be imported.

    Raises
    ------
    GateError
        The tree is none of this project.
    """
    target = cache / tree
    if target.exists():
        return target
    done = subprocess.run(["git", "archive", tree], cwd=root, capture_output=True, check=False)
    if done.returncode:
        raise GateError(f"git archive {tree}: {done.stderr.decode().strip()}")
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as folder, tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        place = _places(archive)
        made = Path(folder) / "tree"
        for member in archive:
            to = _placed(PurePosixPath(member.name), place)
            content = archive.extractfile(member) if member.isfile() and to is not None else None
            if content is None or to is None:
                continue
            file = made / to
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content.read())
            os.utime(file, (_ONE_TIME, _ONE_TIME))
        try:
            made.rename(target)
        except OSError:
            if not target.exists():
                raise
            return target  # another run of the gate was quicker
    others = [folder for folder in cache.iterdir() if folder != target and (folder / "splgbench").exists()]
    for other in sorted(others, key=lambda folder: folder.stat().st_mtime, reverse=True)[:_LOOK_BACK]:
        if share_compiled(other, target):
            break
    return target


def _places(archive: tarfile.TarFile) -> dict[PurePosixPath, PurePosixPath]:
    """Folder in the project to folder in a wheel, the longest first."""
    try:
        project = archive.extractfile("pyproject.toml")
    except KeyError:
        project = None
    if project is None:
        raise GateError("the revision has no pyproject.toml")
    packages = tomllib.loads(project.read().decode())["tool"]["setuptools"]["package-dir"]
    places = {PurePosixPath(path): PurePosixPath(*name.split(".")) for name, path in packages.items()}
    return dict(sorted(places.items(), key=lambda entry: -len(entry[0].parts)))


def _placed(file: PurePosixPath, places: dict[PurePosixPath, PurePosixPath]) -> PurePosixPath | None:
    for source, target in places.items():
        if file.is_relative_to(source):
            return target / file.relative_to(source)
    return None


def share_compiled(source: Path, target: Path) -> bool:
    """Copy what numba has compiled from one folder to the other, where all that it compiles is the same in both.

    Returns
    -------
    bool
        Whether it is the same.
    """
    if _compiled_files(source) != _compiled_files(target):
        return False
    for pattern in ("*.nbi", "*.nbc"):
        for file in source.rglob(pattern):
            copy = target / file.relative_to(source)
            if not copy.exists():
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(file, copy)
    return True


def _compiled_files(folder: Path) -> dict[Path, bytes]:
    contents = {file.relative_to(folder): file.read_bytes() for file in folder.rglob("*.py")}
    return {file: text for file, text in contents.items() if b"njit" in text}
