"""Variants of the problem that couple what the plain model leaves apart: one module each, found by the registry.

An extension is an entry of the package under `splgbench.extensions`. Its module names a class `extension` that follows
`splgbench.extensions.base.Extension`: it reads and validates the entry, states its rows in whole numbers
(`splgbench.coupling`), and judges and values volumes exactly. docs/extensions.md has the equations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from splgbench import registry
from splgbench.errors import InputError
from splgbench.extensions.base import DESCRIPTOR, Extension
from splgbench.instance import Instance


def with_extensions(instance: Instance, entries: Mapping[str, Any]) -> Instance:
    """The instance with the extensions of `entries`; those it had are gone.

    Parameters
    ----------
    entries : name of the extension to its entry, as the package has it.

    Raises
    ------
    InputError
        An extension is not known here, or its entry breaks a rule.
    """
    if not isinstance(entries, Mapping):
        raise InputError("splgbench.extensions must be an object", DESCRIPTOR)
    unknown = sorted(set(entries) - set(registry.names("extensions")))
    if unknown:
        names = ", ".join(map(str, unknown))
        raise InputError(f"has extensions this splgbench does not know, which may constrain: {names}", DESCRIPTOR)
    made: dict[str, Extension] = {}
    for name in sorted(entries):
        made[name] = registry.find("extensions", name).read(entries[name], instance, entries)
    return replace(instance, extensions=made)


def entries_of(instance: Instance) -> dict[str, Any]:
    """The entries of an instance's extensions, in canonical form, as `with_extensions` takes them."""
    return {name: extension.entry() for name, extension in instance.extensions.items()}


def carried(instance: Instance, keys: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """The entries of an instance's extensions for an instance whose keys are others or fewer.

    Parameters
    ----------
    keys : for "hospital", "group", "area" and "region" the new key of each old one; what is not named is gone.
    """
    entries = {name: extension.carried(keys) for name, extension in instance.extensions.items()}
    return {name: entry for name, entry in entries.items() if entry is not None}
