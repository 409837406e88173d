#!/usr/bin/env python3
"""Runs the scenarios, interleaved with the yardstick, and prints ratios.   make bench [SCENARIOS="single burst"]"""

import argparse
import json
import platform
import subprocess
import sys

import harness
import scenarios


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenario", nargs="*", help=f"one or more of: {', '.join(scenarios.ALL)} (default: all)")
    parser.add_argument("--runs", type=int, default=5, help="interleaved runs of each (default: 5)")
    parser.add_argument("--json", help="also write the results to this file")
    options = parser.parse_args()
    unknown = [name for name in options.scenario if name not in scenarios.ALL]
    if unknown:
        parser.error(f"no such scenario: {', '.join(unknown)}; there are {', '.join(scenarios.ALL)}")
    harness.build()
    harness.own_network()
    commit = subprocess.run(["git", "-C", harness.ROOT, "describe", "--always", "--dirty"], capture_output=True, text=True)
    print(f"commit {commit.stdout.strip()}, Linux {platform.release()}, medians of {options.runs} interleaved runs\n")
    results = {}
    for name in options.scenario or scenarios.ALL:
        print(f"{name}: {scenarios.ALL[name].__doc__.strip()}", flush=True)
        results[name] = scenarios.ALL[name](options.runs)
        for label, text in results[name]:
            print(f"  {label:<52} {text}", flush=True)
        print()
    if options.json:
        with open(options.json, "w") as file:
            json.dump(results, file, indent=1)


if __name__ == "__main__":
    sys.exit(main())
