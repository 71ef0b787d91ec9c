"""How kernels are compiled, and how they take their arrays.

A kernel that Python calls takes tuples of arrays and hands their `addresses` to the kernels it calls: of an array of
one dimension its address is all they need, where numba would pass seven numbers. With some fifty arrays in every call
that is most of what there is to compile. Nothing but the caller keeps an array alive.
"""

from __future__ import annotations

from typing import Any

from numba import njit, types
from numba.extending import intrinsic

LEAN = {"cache": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True, "_nrt": False}
njit_entry = njit(cache=True, nogil=True, no_cfunc_wrapper=True, _nrt=False)
"""For kernels that Python calls, which holds all they write to. They are compiled anew for every kind of arrays, so
that Python passes one kind."""
njit_lean = njit(**LEAN)
"""For kernels that only others call. They make no arrays, and references to arrays are not counted.

A caller's code holds that of all it calls, compiled once more: few kernels that call each other are soon compiled.
"""
njit_inlined = njit(**LEAN, inline="always")
"""The same for kernels that are called once for every block or node, or from one place: they become part of the
caller before it is compiled."""


@intrinsic
def addresses(_context, values):  # type: ignore[no-untyped-def]
    """The same tuple with the address of every array in its place; numbers stay.

    Parameters
    ----------
    values : tuple of numbers and of arrays of one dimension whose entries lie next to each other.

    Returns
    -------
    NamedTuple
        Indexed like the arrays, but not from the end.
    """
    for value in values.types:
        if isinstance(value, types.Array) and not (value.ndim == 1 and value.is_c_contig):
            raise TypeError(f"{values}: {value} is not one row of numbers next to each other")
    passed = [types.CPointer(value.dtype) if isinstance(value, types.Array) else value for value in values.types]
    result = types.BaseTuple.from_types(passed, getattr(values, "instance_class", None))

    def lower(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        items: list[Any] = []
        for number, value in enumerate(values.types):
            item = builder.extract_value(arguments[0], number)
            if isinstance(value, types.Array):
                item = context.make_array(value)(context, builder, item).data
            items.append(item)
        return context.make_tuple(builder, result, items)

    return result(values), lower
