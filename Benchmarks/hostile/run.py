"""One attack from its first try to what is left of it."""

import typing

from harness import cpu_seconds, median, resident_bytes
from hostile import baseline, catalogue
from hostile.processes import Attacker, Sink

#: Publications a second among the neighbours, and for how long in each run.
RATE, SECONDS = 200, 2.5


class Strike(typing.NamedTuple):
    """What an attack on the node came to."""
    #: The neighbours' figures; `None` where nobody measured.
    heard: dict | None
    answers: dict
    #: Most memory above what there was before.
    peak: int
    cpu: float


class Run:
    """One attack, again and again, each time beside a control; `problems` are what is wrong."""

    def __init__(self, name, target, neighbours, base, token):
        self.name, self.attack = name, catalogue.ALL[name]
        self.target, self.neighbours, self.base, self.token = target, neighbours, base, token
        self.problems = []

    def result(self, runs):
        with Attacker(self.name, self.token) as attacker:
            cold, warm = self.warm_up(attacker), baseline.State(self.target)
            strikes = []
            quiet, controls, spent = self.measure(), [], []
            with Sink(self.attack.sink) as sink:
                for _ in range(runs):
                    before = cpu_seconds(self.target.pid)
                    controls.append(self.measure(attacker, f"{sink.port} {SECONDS}"))
                    spent.append(cpu_seconds(self.target.pid) - before)
                    attacker.hear()
                    strikes.append(self.strike(attacker))
        return self.describe(quiet, controls, strikes) | {
            "peak_bytes": max(strike.peak for strike in cold + strikes),
            "cpu_microseconds_per_visit": self.cost(strikes, spent),
            "memory_bytes": {"before": warm.memory, "after": self.settled_memory(warm)}, "problems": self.problems}

    def warm_up(self, attacker):
        """Attacks until memory has levelled off: what an allocator keeps for the next time is no loss, what grows is."""
        strikes = []
        while len(strikes) < 12:
            before = resident_bytes(self.target.pid)
            strikes.append(self.strike(attacker, is_measured=False))
            if resident_bytes(self.target.pid) - before < baseline.ALLOWANCE / 4:
                return strikes
        self.problems.append(f"memory does not level off: {before >> 10} KB after {len(strikes)} times")
        return strikes

    def describe(self, quiet, controls, strikes):
        struck = [strike.heard["p99_ms"] for strike in strikes]
        control = [heard["p99_ms"] for heard in controls]
        ratios = [with_attack / without for with_attack, without in zip(struck, control)]
        last = strikes[-1].answers
        return {
            "summary": self.attack.summary, "documented": self.attack.answer, "limit": self.attack.limit,
            "visits": self.attack.visits, "seconds": self.attack.over, "answers": last["answers"],
            "counters": list(dict.fromkeys([*self.attack.rises, *last["counters"]])), "late_seconds": last["late"],
            "p99_ms": {"quiet": quiet["p99_ms"], "control": median(control), "attack": median(struck)},
            "ratio": median(ratios), "ratios": ratios,
        }

    def cost(self, strikes, spent):
        """CPU of the node for each visit: what it used beyond what the neighbours alone cost it in the control."""
        more = median([strike.cpu - control for strike, control in zip(strikes, spent)])
        return more / self.attack.visits * 1e6

    def measure(self, attacker=None, order=None):
        """What the neighbours say, who have to have heard everything, while the attacker follows its order."""
        self.neighbours.say(f"measure {RATE} {SECONDS * 1000:.0f}")
        if attacker:
            attacker.say(order)
        heard = self.neighbours.hear()
        if heard["missing"] or heard["wrong"] or heard["gone"]:
            self.problems.append("neighbours: " + ", ".join(f"{heard[key]} {key}" for key in ("missing", "wrong", "gone")))
        return heard

    def strike(self, attacker, is_measured=True):
        """The attack on the node, and whether all is as it should be."""
        before = baseline.State(self.target)
        baseline.forget_peak(self.target.pid)
        port = self.target.admin_port if self.attack.admin else self.target.port
        order = f"{port} {SECONDS} check"
        heard = self.measure(attacker, order) if is_measured else attacker.say(order)
        cpu = cpu_seconds(self.target.pid) - before.cpu
        answers = attacker.hear()
        after = baseline.settle(self.target, self.base, is_done=lambda now: self.counted(now.risen(before)) == answers["counters"])
        self.judge(answers, before, after)
        return Strike(heard, answers, baseline.peak_bytes(self.target.pid) - before.memory, cpu)

    def counted(self, risen):
        """Counters of which the attack knows how far they rise."""
        return {name: count for name, count in risen.items() if name not in self.attack.beside}

    def judge(self, answers, before, after):
        if answers["wrongs"]:
            self.problems.append(f"{answers['wrongs']} wrong answers: {'; '.join(answers['wrong'])}")
        self.problems += [f"nobody got {answer}" for answer in self.attack.needs if answer not in answers["answers"]]
        self.problems += [f"{name} did not rise" for name in self.attack.rises if after.rise(before, name) <= 0]
        risen, expected = self.counted(after.risen(before)), answers["counters"]
        for name in sorted(risen.keys() | expected.keys()):
            if risen.get(name, 0) != expected.get(name, 0):
                self.problems.append(f"{name} rose by {risen.get(name, 0)}, not {expected.get(name, 0)}")
        self.problems += [f"left behind: {text}" for text in after.differences(self.base)]

    def settled_memory(self, warm):
        most = warm.memory + baseline.ALLOWANCE
        after = baseline.settle(self.target, self.base, is_done=lambda now: now.memory <= most)
        if after.memory > most:
            self.problems.append(f"memory {warm.memory >> 10} → {after.memory >> 10} KB")
        return after.memory
