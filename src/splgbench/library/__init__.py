"""The instance library: what comes with the project, by name."""

from splgbench.library.names import library_names, load

__all__ = ["library_names", "load"]
