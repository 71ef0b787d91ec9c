"""The instance library: what comes with the project, by name."""

from splgbench.library.names import by_number, library_names, library_summary, load

__all__ = ["by_number", "library_names", "library_summary", "load"]
