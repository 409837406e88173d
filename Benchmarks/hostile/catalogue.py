"""All attacks by name, in the order in which they run."""

from hostile import bad_bytes, patience, queues, streams, reads, polls, crowds, addresses, emulation, socketio, sockjs, stomp, rates, operators, tls, http2  # noqa: F401, I001
from hostile.attack import ALL  # noqa: F401
