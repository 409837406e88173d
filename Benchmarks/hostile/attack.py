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
    #: Whether the node under attack speaks TLS.
    tls: bool
    #: Whether it is the node's admin port that is attacked.
    admin: bool
    #: The documented answer, and the setting that decides it: for people.
    answer: str
    limit: str

    @property
    def summary(self):
        return self.script.__doc__


ALL: dict[str, Attack] = {}


def attack(answer, limit, visits=400, over=2.0, sink="close", needs=(), rises=(), tls=False, admin=False):
    def register(script):
        name = script.__name__.replace("_", "-")
        ALL[name] = Attack(script, visits, over, sink, tuple(needs), tuple(rises), tls, admin, answer, limit)
        return script
    return register
