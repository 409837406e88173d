#!/usr/bin/env python3
"""The attacker, a process of its own: `attacker.py NAME`, then lines `PORT SECONDS` or `PORT SECONDS check` on its input.

FANFARE_ATTACK_TOKEN is a good token, for those who have one. Each line is one attack, its visits spread evenly; the answer is a line of JSON. Without `check` nobody is asked what was
answered: that is how it attacks the sink.
"""

import asyncio
import collections
import json
import os
import pathlib
import resource
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from hostile import catalogue  # noqa: E402
from hostile.visit import Visit  # noqa: E402


async def visit(attack, port, number, checks, end, tally):
    one = Visit(port, number)
    try:
        async with asyncio.timeout_at(end):
            await attack.script(one, number)
    except TimeoutError:
        one.wrong.append(f"no answer in time, after {one.got[-60:]!r}")
    except OSError as error:
        one.wrong.append(f"{error} after {one.got[-60:]!r}")
    finally:
        one.close()
    if checks:
        tally["answers"].update(one.answers)
        tally["counters"].update(one.counters)
        tally["wrong"] += one.wrong


async def attack_once(attack, port, seconds, checks):
    loop = asyncio.get_running_loop()
    tally = {"answers": collections.Counter(), "counters": collections.Counter(), "wrong": []}
    began = loop.time()
    # The sink answers nothing, so there visits end with the time; a server has some more for its last answers.
    end = began + seconds + (10 if checks else 0)
    step, due = attack.over / attack.visits, began
    visits = []
    for number in range(attack.visits):
        # Who is late does not make up for it with a crowd that nobody ordered.
        due = max(due + step, loop.time() - 0.05)
        if (wait := due - loop.time()) > 0.001:
            await asyncio.sleep(wait)
        visits.append(asyncio.create_task(visit(attack, port, number, checks, end, tally)))
    late = loop.time() - began - attack.over
    await asyncio.gather(*visits)
    return tally | {"late": round(max(0, late), 3), "wrong": tally["wrong"][:5], "wrongs": len(tally["wrong"])}


def main():
    attack = catalogue.ALL[sys.argv[1]]
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    # It shares its core with those who measure. Root has put them before it; else it steps back.
    if os.geteuid() != 0:
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    for line in sys.stdin:
        port, seconds, *check = line.split()
        began = time.process_time()
        result = asyncio.run(attack_once(attack, int(port), float(seconds), bool(check)))
        print(json.dumps(result | {"cpu": round(time.process_time() - began, 4)}), flush=True)


if __name__ == "__main__":
    main()
