"""The processes of an attack: who is attacked, who is there instead, who attacks, and who must not notice.

Node, sink and neighbours go before everything else on their cores (`ahead`), the attacker comes next, so that neither it nor
the rest of the machine is taken for the node.
"""

import json
import pathlib
import subprocess
import sys

from harness import BUILD, Node, Process, wait_for_port

#: Far below the defaults, so that a limit is reached in seconds by one process; the rest is as shipped.
FLAGS = ["--anonymous", "publish", "--compression", "on", "--namespaces", "closed: publish=nobody; past: history=100/1m recovery presence read-history=clients "
         "read-presence=clients",
         "--max-connections", "500", "--max-connections-per-user", "20", "--max-connections-per-address", "40",
         # All that attackers come from, one address apart: no limit by address holds for the others.
         "--trusted-proxies", "127.0.0.0/16", "--max-admin-connections", "100",
         "--max-connect-rate", "300", "--max-connect-rate-per-address", "50", "--max-pending-connections", "400",
         "--max-publish-rate", "250", "--max-queue-bytes", "256KiB", "--max-node-queue-bytes", "64MiB", "--slow-timeout", "1s",
         "--handshake-timeout", "1500ms", "--first-command-timeout", "1s", "--message-timeout", "600ms",
         "--close-timeout", "500ms", "--poll-gap", "500ms", "--ping-interval", "1s", "--pong-timeout", "700ms"]
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


def node(keys, tls):
    return Node(17100, flags=FLAGS + keys.flags + (keys.certificate if tls else []), dev=False, ahead=10, rates=None)
