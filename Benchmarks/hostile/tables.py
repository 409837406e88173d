"""What was found, for a terminal and for docs/attacks.md."""

import re

from harness import spread

#: Most that the neighbours' p99 may be, held against the same attack on the sink.
BAR = 1.2
HEAD = (f"{'attack':<15}{'visits':>7}{'p99 quiet':>11}{'control':>9}{'attack':>8}{'ratio':>7}  {'':<11}{'CPU each':>9}"
        f"{'peak':>8}{'after':>8}  answers")


def line(name, result):
    p99, answers = result["p99_ms"], ", ".join(f"{answer}: {count}" for answer, count in result["answers"].items())
    return (f"{name:<15}{result['visits']:>7}{p99['quiet']:>8.2f} ms{p99['control']:>9.2f}{p99['attack']:>8.2f}"
            f"{result['ratio']:>7.2f}  {spread(result['ratios']):<11}{result['cpu_microseconds_per_visit']:>6.0f} µs"
            f"{result['peak_bytes'] / 1e6:>5.1f} MB{kept(result):>5.0f} KB  {answers}"
            f"{'' if result['ratio'] <= BAR else '  MISSED'}")


def kept(result):
    """Memory that was not given back, in KB."""
    return (result["memory_bytes"]["after"] - result["memory_bytes"]["before"]) / 1024


def short(counter):
    """`disconnects{code="1002"}`: a counter without what all have."""
    return re.sub(r"^fanfare_|_total", "", counter)


def quoted(text):
    """The settings in it as code."""
    return re.sub(r"(--[\w-]+)", r"`\1`", text)


def answers(results):
    rows = [[f"`{name}`", result["summary"], quoted(result["documented"]),
             ", ".join(f"`{short(counter)}`" for counter in sorted(result["counters"])) or "–",
             quoted(result["limit"])] for name, result in results.items()]
    return table(["attack", "what", "answer", "counted in", "decided by"], rows)


def figures(results):
    rows = [[f"`{name}`", f"{result['visits']} in {result['seconds']:g} s",
             " / ".join(f"{result['p99_ms'][key]:.2f}" for key in ("quiet", "control", "attack")),
             f"**{result['ratio']:.2f}** ({spread(result['ratios'])})", f"{result['cpu_microseconds_per_visit']:.0f} µs",
             f"{result['peak_bytes'] / 1e6:.1f} MB", f"{kept(result):.0f} KB"] for name, result in results.items()]
    return table(["attack", "visits", "p99 in ms: quiet / sink / node", "node / sink", "node's CPU each", "memory at most",
                  "memory kept"], rows)


def table(head, rows):
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [head, ["---"] * len(head), *rows])
