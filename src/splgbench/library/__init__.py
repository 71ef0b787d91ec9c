"""The instance library: what comes with the project, by name."""

from splgbench.library.names import library_names, library_summary, load

__all__ = ["library_names", "library_summary", "load"]
