"""All attacks by name, in the order in which they run."""

from hostile import addresses, bad_bytes, crowds, patience, rates, tls  # noqa: F401
from hostile.attack import ALL  # noqa: F401
