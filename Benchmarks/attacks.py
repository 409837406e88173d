#!/usr/bin/env python3
"""Attacks one node while neighbours listen: is the answer the documented one, do the neighbours hear everything, as soon
as before, and does the node hold afterwards what it held?   make attack [ATTACKS="bomb ping-flood"] [RUNS=5]

Fails when an answer is wrong, a neighbour missed something, or something is not given back. Latency only fails it with
--strict.
"""

import argparse
import json
import platform
import subprocess
import sys

import harness
from hostile import baseline, catalogue
from hostile.processes import Attacker, Neighbours, Sink, node
from keys import Keys

RATE, MILLISECONDS = 200, 2500
#: Most that the neighbours' p99 may be, held against the same attack on the sink.
BAR = 1.2


class Run:
    """One attack in all its runs: what it found, and what is wrong."""

    def __init__(self, name, runs, target, neighbours, base):
        self.name, self.attack = name, catalogue.ALL[name]
        self.runs, self.target, self.neighbours, self.base = runs, target, neighbours, base
        self.problems = []

    def result(self):
        with Attacker(self.name) as attacker:
            _, _, cold, _ = self.strike(attacker, is_measured=False)
            warm = baseline.State(self.target)
            quiet = self.measure()
            with Sink(self.attack.sink) as sink:
                pairs = []
                for _ in range(self.runs):
                    control, spent = self.control(attacker, sink)
                    pairs.append((control, *self.strike(attacker), spent))
            after = self.settled_memory(warm)
        ratios = [struck["p99_ms"] / control["p99_ms"] for control, struck, *_ in pairs]
        answers = pairs[-1][2]["answers"]
        cost = harness.median([used - spent for *_, used, spent in pairs])
        return {
            "summary": self.attack.summary, "visits": self.attack.visits, "seconds": self.attack.over,
            "answers": answers, "documented": self.attack.answer, "limit": self.attack.limit,
            "p99_ms": {"quiet": quiet["p99_ms"], "control": harness.median([c["p99_ms"] for c, *_ in pairs]),
                       "attack": harness.median([s["p99_ms"] for _, s, *_ in pairs])},
            "ratio": harness.median(ratios), "ratios": ratios, "peak_bytes": max(cold, *(peak for *_, peak, _, _ in pairs)),
            "cpu_microseconds_per_visit": cost / self.attack.visits * 1e6,
            "memory_bytes": {"before": warm.memory, "after": after}, "problems": self.problems,
        }

    def measure(self):
        self.neighbours.say(f"measure {RATE} {MILLISECONDS}")
        return self.heard()

    def heard(self):
        """What the neighbours say; they have to have heard everything."""
        result = self.neighbours.hear()
        if result["missing"] or result["wrong"] or result["gone"]:
            self.problems.append("neighbours: " + ", ".join(f"{result[key]} {key}" for key in ("missing", "wrong", "gone")))
        return result

    def control(self, attacker, sink):
        """The same attack on somebody who does not care; what the neighbours hear, and the CPU of the node meanwhile."""
        before = harness.cpu_seconds(self.target.pid)
        self.neighbours.say(f"measure {RATE} {MILLISECONDS}")
        attacker.say(f"{sink.port} {MILLISECONDS / 1000}")
        heard = self.heard()
        attacker.hear()
        return heard, harness.cpu_seconds(self.target.pid) - before

    def strike(self, attacker, is_measured=True):
        """The attack; what the neighbours heard, the answers, the most memory above before, and the CPU of the node."""
        before = baseline.State(self.target)
        baseline.forget_peak(self.target.pid)
        if is_measured:
            self.neighbours.say(f"measure {RATE} {MILLISECONDS}")
        attacker.say(f"{self.target.port} {MILLISECONDS / 1000} check")
        heard = self.heard() if is_measured else None
        answers = attacker.hear()
        used = harness.cpu_seconds(self.target.pid) - before.cpu
        peak = baseline.peak_bytes(self.target.pid) - before.memory
        after = baseline.settle(self.target, self.base, is_done=lambda now: now.risen(before) == answers["counters"])
        self.judge(answers, before, after)
        return heard, answers, peak, used

    def judge(self, answers, before, after):
        if answers["wrongs"]:
            self.problems.append(f"{answers['wrongs']} wrong answers: {'; '.join(answers['wrong'])}")
        for answer in self.attack.needs:
            if answer not in answers["answers"]:
                self.problems.append(f"nobody got {answer}")
        risen, expected = after.risen(before), answers["counters"]
        for name in sorted(risen.keys() | expected.keys()):
            if risen.get(name, 0) != expected.get(name, 0):
                self.problems.append(f"{name} rose by {risen.get(name, 0)}, not {expected.get(name, 0)}")
        self.problems += [f"left behind: {text}" for text in after.differences(self.base)]

    def settled_memory(self, warm):
        after = baseline.settle(self.target, self.base, is_done=lambda now: now.memory <= warm.memory + baseline.ALLOWANCE)
        if after.memory > warm.memory + baseline.ALLOWANCE:
            self.problems.append(f"memory {warm.memory >> 10} → {after.memory >> 10} KB")
        return after.memory


HEAD = (f"{'attack':<15}{'visits':>7}{'p99 quiet':>11}{'control':>9}{'attack':>8}{'ratio':>7}  {'':<11}{'CPU each':>9}"
        f"{'peak':>8}{'after':>8}  answers")


def line(name, result):
    p99, memory = result["p99_ms"], result["memory_bytes"]
    answers = ", ".join(f"{answer}: {count}" for answer, count in result["answers"].items())
    verdict = "ok" if result["ratio"] <= BAR else "MISSED"
    return (f"{name:<15}{result['visits']:>7}{p99['quiet']:>8.2f} ms{p99['control']:>9.2f}{p99['attack']:>8.2f}"
            f"{result['ratio']:>7.2f}  {harness.spread(result['ratios']):<11}{result['cpu_microseconds_per_visit']:>6.0f} µs"
            f"{result['peak_bytes'] / 1e6:>5.1f} MB{(memory['after'] - memory['before']) / 1e6:>5.1f} MB  {answers}  {verdict}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("attack", nargs="*", help=f"one or more of: {', '.join(catalogue.ALL)} (default: all)")
    parser.add_argument("--runs", type=int, default=5, help="interleaved runs of each (default: 5)")
    parser.add_argument("--json", help="also write the results to this file")
    parser.add_argument("--strict", action="store_true", help=f"fail where p99 is above {BAR} times the control's")
    parser.add_argument("--markdown", action="store_true", help="print the table of docs/attacks.md and attack nobody")
    options = parser.parse_args()
    if unknown := [name for name in options.attack if name not in catalogue.ALL]:
        parser.error(f"no such attack: {', '.join(unknown)}; there are {', '.join(catalogue.ALL)}")
    if options.markdown:
        return print(markdown())
    harness.build()
    harness.own_network()
    commit = subprocess.run(["git", "-C", harness.ROOT, "describe", "--always", "--dirty"], capture_output=True, text=True)
    print(f"commit {commit.stdout.strip()}, Linux {platform.release()}, medians of {options.runs} interleaved runs\n\n{HEAD}")
    results = attack_all(options.attack or catalogue.ALL, options.runs)
    if options.json:
        with open(options.json, "w") as file:
            json.dump(results, file, indent=1)
    missed = [name for name, result in results.items() if result["ratio"] > BAR]
    return any(result["problems"] for result in results.values()) or (options.strict and bool(missed))


def attack_all(names, runs):
    results = {}
    with Keys() as keys, node(keys) as target, Neighbours(target.port) as neighbours:
        base = baseline.State(target)
        for name in names:
            results[name] = Run(name, runs, target, neighbours, base).result()
            print(line(name, results[name]), flush=True)
            for problem in results[name]["problems"]:
                print(f"  WRONG: {problem}", flush=True)
    return results


def markdown():
    rows = [f"| `{name}` | {attack.summary} | {attack.answer} | {attack.limit} |" for name, attack in catalogue.ALL.items()]
    return "\n".join(["| attack | what | answer | decided by |", "|---|---|---|---|", *rows])


if __name__ == "__main__":
    sys.exit(main())
