"""The versions that a planned run depends on."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from splgbench import registry
from splgbench.method_names import file_of
from splgbench.methods import Method, method
from splgbench.versions import versions

_PACKAGES = (
    "splgbench",
    "splgbench.rows",
    "splgbench.backends",
    "splgbench.formulations",
    "splgbench.decomposition",
    "splgbench.decompositions",
)


def planned_versions(name: str) -> dict[str, str]:
    """Versions of the engine, its code, the method's solver and, for a method in a file, the file's content."""
    found = {**versions(), "code": code_fingerprint(), **_solver_versions(method(name))}
    file = file_of(name)
    if file is not None:
        found[file.name] = _digest([file])
    return found


@cache
def code_fingerprint() -> str:
    """SHA-256, shortened, of the Python files that decide a result; a change of one makes every run a new one."""
    files: list[Path] = []
    for package in _PACKAGES:
        for folder in import_module(package).__path__:
            files += sorted(Path(folder).glob("*.py"))
    return _digest(files)


def _digest(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:12]


def _solver_versions(found: Method) -> dict[str, str]:
    """Those of the method's backend; of all backends for a method that does not say which it uses."""
    backend: Any = getattr(found, "backend", None)
    if hasattr(backend, "versions"):
        return dict(backend.versions())
    backends = [registry.find("backends", name) for name in registry.names("backends")]
    return {key: value for entry in backends if not entry.unavailable() for key, value in entry.versions().items()}
