"""The documentation site: `make docs` builds it, without a network, from the repository's root."""

from splgbench import splgbench_version

project = "splgbench"
author = "The splgbench developers"
release = splgbench_version()
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
root_doc = "docs/index"
include_patterns = [
    "docs/*.md",
    "docs/galleries/*.md",
    "docs/tutorials/*.md",
    "benchmarks/results/*.md",
    "instances/**/README.md",
    "BASELINE.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
]
exclude_patterns = [".venv", "build", ".git", ".mypy_cache", ".ruff_cache", "**/__pycache__", "**/*.egg-info"]
html_theme = "furo"
html_title = f"splgbench {release}"
html_extra_path = ["site"]
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False

# Pages say code by indenting it, equations among it: none of it is to be coloured as Python.
highlight_language = "text"
myst_heading_anchors = 3
# Links to folders and to files that are no pages are for readers of the repository.
suppress_warnings = ["myst.xref_missing", "misc.highlighting_failure"]

nb_execution_mode = "cache"
nb_execution_cache_path = "build/docs-notebooks"
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_merge_streams = True
nb_output_stderr = "remove"

autodoc_typehints = "description"
autodoc_member_order = "bysource"
napoleon_google_docstring = False
