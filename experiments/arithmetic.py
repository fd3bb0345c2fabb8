"""What the last digits of a number depend on, beside this project's code and the make of the processor."""

import platform
import sys

import numpy as np
import scipy


def arithmetic() -> dict[str, str]:
    """Versions, by what has them.

    Logarithms and powers are the C library's: with another one some draws and some scores differ in their last digit.
    """
    return {
        "Python": ".".join(map(str, sys.version_info[:2])),
        "NumPy": np.__version__,
        "SciPy": scipy.__version__,
        "C library": " ".join(platform.libc_ver()).strip() or f"{platform.system()} {platform.release()}",
    }
