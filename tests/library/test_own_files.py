"""Own files in the place of the shipped ones, through the names of the collections."""

from __future__ import annotations

from pathlib import Path

import pytest

from splgbench.errors import InputError
from splgbench.library.names import derive
from splgbench.package import package_files

RAW = Path(__file__).parents[2] / "instances" / "raw"


def test_own_swiss_key_figures_of_the_shipped_content_give_the_shipped_instance() -> None:
    own = derive("basel-2022", RAW / "bag_kennzahlen_2022")
    assert package_files(own) == package_files(derive("basel-2022"))


def test_key_figures_of_another_year_are_missed() -> None:
    with pytest.raises(InputError, match="1999"):
        derive("switzerland-1999", RAW / "bag_kennzahlen_2022")
