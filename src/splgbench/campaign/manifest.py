"""What a session of a campaign ran under."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import splgbench
from splgbench import registry
from splgbench.campaign.fingerprint import code_fingerprint
from splgbench.campaign.plan import Plan
from splgbench.generator.screening import machine
from splgbench.processes import machine_memory_mb
from splgbench.versions import versions


def now() -> str:
    """The time as ISO 8601, in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def make_manifest(plan: Plan, executor: str, workers: int, command: str) -> dict[str, Any]:
    """Versions, machine, seeds and instances of a session.

    Parameters
    ----------
    executor, workers : what runs the cells.
    command : the command line.
    """
    campaign = plan.campaign
    backends = {name: registry.find("backends", name) for name in registry.names("backends")}
    return {
        "campaign": campaign.name,
        "began": now(),
        "command": command,
        "executor": executor,
        "workers": workers,
        "shard": plan.shard,
        "cells": len(plan.cells),
        "seeds": sorted({seed for seed, _ in campaign.variations}),
        "permutations": [permutation for _, permutation in campaign.variations],
        "repeats": campaign.repeats,
        "methods": list(campaign.methods),
        "instances": {entry["instance"]: digest for digest, entry in plan.instances.items()},
        "versions": {
            **versions(),
            **{key: value for backend in backends.values() for key, value in _versions_of(backend).items()},
        },
        "code": code_fingerprint(),
        "git_commit": git_commit(),
        "machine": host(),
        "campaign_file": campaign.text,
    }


@cache
def host() -> dict[str, Any]:
    """The machine of this process."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "name": platform.node(),
        "processor": machine(),
        "cores": cores,
        "memory_mb": machine_memory_mb(),
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def git_commit() -> str | None:
    """The commit of the checkout that splgbench runs from, with "+changes" where files differ; None without one."""
    folder = Path(splgbench.__file__).parent
    try:
        commit = _git(folder, "rev-parse", "HEAD")
        tracked = _git(folder, "ls-files", "--error-unmatch", "__init__.py")
        changes = _git(folder, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return None
    return (commit + ("+changes" if changes else "")) if tracked else None


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=10, check=True)
    return done.stdout.strip()


def _versions_of(backend: Any) -> dict[str, str]:
    return {} if backend.unavailable() else dict(backend.versions())
