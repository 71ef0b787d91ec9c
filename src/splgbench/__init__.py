"""splgbench: compare formulations, decompositions and solvers on the SPLG allocation problem."""

from splgbench.allocation import Allocation, read_allocation
from splgbench.checker import Verdict, Violation, check
from splgbench.errors import InputError, SplgbenchError
from splgbench.instance import Instance
from splgbench.isolation import solve_isolated
from splgbench.library import load
from splgbench.limits import Limits
from splgbench.methods import DEFAULT_METHOD, Method, method
from splgbench.package import read_package, write_package
from splgbench.polish import polish
from splgbench.result import Result, Status
from splgbench.verdict import verdict_line
from splgbench.versions import splgbench_version

__version__ = splgbench_version()


def solve(instance: Instance, method_name: str = DEFAULT_METHOD, **limits: float) -> Result:
    """Answer an instance in this process.

    Parameters
    ----------
    method_name : NAME[@BACKEND][:key=value,...].
    limits : fields of `Limits`, e.g. ``wall_time=60, threads=1``.
    """
    return method(method_name).solve(instance, Limits(**limits))  # type: ignore[arg-type]


__all__ = [
    "DEFAULT_METHOD",
    "Allocation",
    "InputError",
    "Instance",
    "Limits",
    "Method",
    "Result",
    "SplgbenchError",
    "Status",
    "Verdict",
    "Violation",
    "check",
    "load",
    "method",
    "polish",
    "read_allocation",
    "read_package",
    "solve",
    "solve_isolated",
    "verdict_line",
    "write_package",
]
