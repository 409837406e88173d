"""What an attack is; the modules beside this one register theirs with `@attack`."""

import dataclasses
from typing import Awaitable, Callable

from hostile.visit import Visit


@dataclasses.dataclass(frozen=True)
class Attack:
    #: One visit: a connection and its number.
    script: Callable[[Visit, int], Awaitable[None]]
    #: Visits of one attack, and over how many seconds they begin.
    visits: int
    over: float
    #: What the sink does in the control: "close" where the node ends a visit at once, "stay" where it waits.
    sink: str
    #: Answers of which there has to be at least one.
    needs: tuple[str, ...]
    #: Counters that have to rise, by whatever; names without labels stand for all of their labels.
    rises: tuple[str, ...]
    #: Counters that may rise by any number: how far a visit gets before it is cut is a matter of timing.
    beside: tuple[str, ...]
    #: Whether the node under attack speaks TLS.
    tls: bool
    #: Whether the node under attack is one of two on a Redis, and the neighbours are on the other.
    redis: bool
    #: Whether it is the node's admin port that is attacked.
    admin: bool
    #: Whether another node of its cluster stands beside it, at `OTHER`.
    cluster: bool
    #: The documented answer, and the setting that decides it: for people.
    answer: str
    limit: str

    @property
    def kind(self):
        """What stands on the core that is attacked."""
        return "tls" if self.tls else "redis" if self.redis else "cluster" if self.cluster else "plain"

    @property
    def summary(self):
        return self.script.__doc__


#: The port of that node. What it does is nobody's figure: it stands behind everyone on the attacker's core.
OTHER = 17102

ALL: dict[str, Attack] = {}


def attack(answer, limit, visits=400, over=2.0, sink="close", needs=(), rises=(), beside=(), tls=False, redis=False,
           admin=False, cluster=False):
    def register(script):
        name = script.__name__.replace("_", "-")
        ALL[name] = Attack(script, visits, over, sink, tuple(needs), tuple(rises), tuple(beside), tls, redis, admin, cluster, answer,
                           limit)
        return script
    return register
