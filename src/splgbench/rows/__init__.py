"""Row families: one small function each, which appends columns or rows to a `ModelBuilder`.

Every family has the signature ``family(model, offers)`` and names its equation.
"""

from collections.abc import Callable

from splgbench.model import ModelBuilder
from splgbench.offers import Offers

RowFamily = Callable[[ModelBuilder, Offers], None]

__all__ = ["RowFamily"]
