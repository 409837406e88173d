#!/usr/bin/env python3
"""Attacks one node while neighbours listen: is the answer the documented one, do the neighbours hear everything, as soon
as before, and does the node hold afterwards what it held?   make attack [ATTACKS="bomb ping-flood"] [RUNS=5]

Fails when an answer is wrong, a neighbour missed something, or something is not given back. Latency fails it only with
--strict. docs/attacks.md says how to read the figures.
"""

import argparse
import json
import platform
import subprocess
import sys

import harness
from hostile import baseline, catalogue, tables
from hostile.processes import Neighbours, stage
from hostile.run import Run
from keys import Keys


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("attack", nargs="*", help=f"one or more of: {', '.join(catalogue.ALL)} (default: all)")
    parser.add_argument("--runs", type=int, default=5, help="interleaved runs of each (default: 5)")
    parser.add_argument("--json", help="also write the results to this file")
    parser.add_argument("--strict", action="store_true", help=f"fail where p99 is above {tables.BAR} times the control's")
    parser.add_argument("--markdown", metavar="JSON", help="print the tables of docs/attacks.md from such a file, and stop")
    found = parser.parse_args()
    if unknown := [name for name in found.attack if name not in catalogue.ALL]:
        parser.error(f"no such attack: {', '.join(unknown)}; there are {', '.join(catalogue.ALL)}")
    return found


def attack(names, runs):
    """Those of one kind at a time: each has a node of its own, from its first attack to its last."""
    results = {}
    for kind in ("plain", "tls", "redis", "cluster"):
        if found := [name for name in names if catalogue.ALL[name].kind == kind]:
            results |= strike(found, runs, kind)
    return results


def strike(names, runs, kind):
    results = {}
    with Keys() as keys, stage(keys, kind) as (target, port), Neighbours(port, kind == "tls") as neighbours:
        base, token = baseline.State(target), keys.token("HS256")
        for name in names:
            results[name] = Run(name, target, neighbours, base, token).result(runs)
            print(tables.line(name, results[name]), flush=True)
            for problem in results[name]["problems"]:
                print(f"  WRONG: {problem}", flush=True)
    return results


def main():
    asked = options()
    if asked.markdown:
        with open(asked.markdown) as file:
            results = json.load(file)
        return print(tables.answers(results), tables.figures(results), sep="\n\n")
    harness.build()
    harness.own_network()
    commit = subprocess.run(["git", "-C", harness.ROOT, "describe", "--always", "--dirty"], capture_output=True, text=True)
    print(f"commit {commit.stdout.strip()}, Linux {platform.release()}, medians of {asked.runs} interleaved runs\n")
    print(tables.HEAD, flush=True)
    results = attack(asked.attack or catalogue.ALL, asked.runs)
    if asked.json:
        with open(asked.json, "w") as file:
            json.dump(results, file, indent=1)
    missed = any(result["ratio"] > tables.BAR for result in results.values())
    return any(result["problems"] for result in results.values()) or (asked.strict and missed)


if __name__ == "__main__":
    sys.exit(main())
