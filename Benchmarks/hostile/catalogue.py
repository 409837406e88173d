"""All attacks by name, in the order in which they run."""

from hostile import bad_bytes, crowds, patience, rates  # noqa: F401
from hostile.attack import ALL  # noqa: F401
