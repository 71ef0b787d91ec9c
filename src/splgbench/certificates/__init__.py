"""Certificates: a result's value and bounds, proved again in whole numbers and independent of what found them."""

from splgbench.certificates.certificate import (
    Certificate,
    DualPart,
    RefutedError,
    Verified,
    parse_certificate,
    read_certificate,
)
from splgbench.certificates.verify import verify

__all__ = ["Certificate", "DualPart", "RefutedError", "Verified", "parse_certificate", "read_certificate", "verify"]
