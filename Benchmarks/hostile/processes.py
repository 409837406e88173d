"""The processes of an attack: who is attacked, who is there instead, who attacks, and who must not notice.

Node, sink and neighbours go before everything else on their cores (`ahead`), the attacker comes next, so that neither it nor
the rest of the machine is taken for the node.
"""

import contextlib
import json
import pathlib
import subprocess
import sys
import time

from harness import BUILD, Node, Process, Redis, wait_for_port
from hostile.attack import OTHER

#: Far below the defaults, so that a limit is reached in seconds by one process; the rest is as shipped.
FLAGS = ["--anonymous", "publish", "--compression", "on", "--namespaces", "closed: publish=nobody; past: history=100/1m recovery presence read-history=clients "
         "read-presence=clients",
         "--max-connections", "500", "--max-connections-per-user", "20", "--max-connections-per-address", "40",
         "--max-admin-connections", "100",
         "--max-connect-rate", "300", "--max-connect-rate-per-address", "50", "--max-pending-connections", "400",
         "--max-publish-rate", "250", "--max-queue-bytes", "256KiB", "--max-node-queue-bytes", "64MiB", "--slow-timeout", "1s",
         "--handshake-timeout", "1500ms", "--first-command-timeout", "1s", "--message-timeout", "600ms",
         "--close-timeout", "500ms", "--poll-gap", "500ms", "--ping-interval", "1s", "--pong-timeout", "700ms"]
#: All that attackers come from, one address apart: no limit by address holds for the others.
TRUSTED = ["--trusted-proxies", "127.0.0.0/16"]
#: Where they speak TLS, only the neighbours': a trusted peer of HTTP/2 carries the requests of many, and may fail as often as they do.
TRUSTED_OVER_TLS = ["--trusted-proxies", "127.0.0.0/24"]
NEIGHBOURS = 100


class Spoken(Process):
    """A child that answers lines with lines of JSON."""

    def __init__(self, command, core, env=None, ahead=0):
        super().__init__(command, core, env, ahead, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.name = pathlib.Path(str(command[0])).name

    def say(self, line):
        print(line, file=self.child.stdin, flush=True)

    def hear(self):
        line = self.child.stdout.readline()
        if not line:
            sys.exit(f"error: {self.name} ended")
        return json.loads(line)

    def __exit__(self, *rest):
        self.child.stdin.close()
        super().__exit__(*rest)


class Neighbours(Spoken):
    """Clients on the core of those who measure; they stay for the whole run."""

    def __init__(self, port, tls):
        super().__init__([BUILD / "neighbours", port, NEIGHBOURS, *(["tls"] if tls else [])], core=1, ahead=10)
        self.hear()


class Attacker(Spoken):
    """On the same core, behind them."""

    def __init__(self, name, token):
        program = pathlib.Path(__file__).with_name("attacker.py")
        super().__init__([sys.executable, program, name], core=1, env={"FANFARE_ATTACK_TOKEN": token}, ahead=5)


class Sink(Process):
    """Takes what is meant for a node, on the node's core."""

    def __init__(self, mode, port=17190):
        super().__init__([BUILD / "sink", port, mode], core=0, ahead=10)
        self.port = port
        wait_for_port(port)


@contextlib.contextmanager
def stage(keys, kind):
    """The node that is attacked, and the port where the neighbours are: the same, or that of another node on the same Redis."""
    own = TRUSTED_OVER_TLS + keys.certificate if kind == "tls" else TRUSTED
    flags = FLAGS + own + keys.flags
    with contextlib.ExitStack() as stack:
        def node(port, *more, ahead=10, **options):
            return stack.enter_context(
                Node(port, flags=flags + list(more), dev=False, ahead=ahead, rates=None, **options))

        def redis(core):
            return ["--redis", stack.enter_context(Redis(core=core, ahead=10)).url]

        match kind:
            case "redis":
                shared = redis(core=0)
                # Nodes have a machine each; here the one that is attacked has what Redis and the other one leave of their core.
                target = node(17100, *shared, ahead=0)
                yield target, node(17110, *shared).port
            case "cluster":
                # Redis has its messages at once, as on a machine of its own.
                shared = redis(core=1)
                node(OTHER, *shared, ahead=0, core=1)
                target = node(17100, *shared)
                # Until each has heard of the other, requests for what that one has get 503.
                last = time.monotonic() + 30
                while target.metric("fanfare_nodes") != 2:
                    if time.monotonic() > last:
                        raise TimeoutError("the nodes do not see each other")
                    time.sleep(0.1)
                time.sleep(8)
                yield target, target.port
            case _:
                target = node(17100)
                yield target, target.port
