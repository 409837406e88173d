#!/usr/bin/env python3
"""Runs the fuzz targets, each for some seconds, and says in one line what each of them did.

Every target begins with its corpus and the inputs that once broke it. What it finds stays in .build-fuzz/: new inputs in
corpus/, those that break something in findings/, libFuzzer's words in logs/."""
import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

HERE = Path(__file__).resolve().parent
WORK = HERE.parent / ".build-fuzz"
BINARY = HERE.parent / os.environ.get("FUZZ_BUILD", WORK.name) / "release" / "fanfare-fuzz"
# A single input may take so many seconds (of a clock: a machine may stand still), a run so much memory, one allocation so much: far
# above what any of them needs.
TIMEOUT, MEMORY, ALLOCATION = 30, 1024, 256
# What fuzz-corpus keeps for a target besides the hand-made inputs: so many, each of at most so many bytes.
CORPUS_FILES, CORPUS_FILE = 16, 512
ENVIRONMENT = {
    # Leaks: see `make sanitize`. A small quarantine and no stacks of allocations, for speed.
    "ASAN_OPTIONS": "detect_leaks=0:quarantine_size_mb=16:malloc_context_size=0",
    # Swift's own backtracer waits for somebody; libFuzzer prints the stack.
    "SWIFT_BACKTRACE": "enable=no",
}


def known_targets():
    """Names and longest inputs, as the program itself tells them."""
    lines = subprocess.run([BINARY], env=environment(""), capture_output=True, text=True, check=True).stdout
    return {name: int(size) for name, size in (line.split() for line in lines.splitlines())}


def environment(target):
    return os.environ | ENVIRONMENT | {"FUZZ_TARGET": target}


def paths(target):
    """Where inputs come from, the first one being where new ones go."""
    grown = WORK / "corpus" / target
    grown.mkdir(parents=True, exist_ok=True)
    return [grown] + [path for kind in ("Corpus", "Regressions") if (path := HERE / kind / target).is_dir()]


def call(target, arguments, seconds):
    """libFuzzer's exit code and words. Whatever it leaves behind, as a symbolizer that waits, ends with it."""
    log = WORK / "logs" / f"{target}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "wb") as words:
        process = subprocess.Popen(
            [BINARY, *map(str, arguments)], env=environment(target), stdin=subprocess.DEVNULL, stdout=words,
            stderr=words, start_new_session=True, cwd=WORK)
        running.add(process)
        try:
            code = process.wait(timeout=seconds + 120)
        except subprocess.TimeoutExpired:
            code = -1
        finally:
            end(process)
            running.discard(process)
    return code, log.read_text(errors="replace"), log


running = set()


def end(process):
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def limits(target, size):
    options = [f"-max_len={size}", f"-timeout={TIMEOUT}", f"-rss_limit_mb={MEMORY}", f"-malloc_limit_mb={ALLOCATION}"]
    dictionary = HERE / "Dictionaries" / f"{target}.dict"
    return options + ([f"-dict={dictionary}"] if dictionary.exists() else [])


def fuzz(target, size, seconds, seed):
    """Whether it found nothing; prints its line."""
    findings = WORK / "findings" / target
    findings.mkdir(parents=True, exist_ok=True)
    code, words, log = call(
        target,
        limits(target, size) + [f"-max_total_time={seconds}", f"-artifact_prefix={findings}/", "-print_final_stats=1",
                                f"-seed={seed}", "-reload=0", *paths(target)],
        seconds)
    executions, speed = figure(words, "number_of_executed_units"), figure(words, "average_exec_per_sec")
    covered = [int(number) for number in re.findall(r"cov: (\d+)", words)] or [0]
    new = f"+{covered[-1] - covered[0]}"
    line = f"{target:14} {executions:>12,} runs {speed:>9,}/s  coverage {covered[-1]:>6} ({new})"
    if code == 0:
        print(line, "ok", flush=True)
        return True
    print(line, f"FAILED\n{failure(target, code, words, log)}", flush=True)
    return False


def figure(words, name):
    found = re.search(rf"stat::{name}:\s+(\d+)", words)
    return int(found.group(1)) if found else 0


def failure(target, code, words, log):
    what = re.search(r"(Fatal error: .*|Swift runtime failure: .*|ERROR: (?:libFuzzer|AddressSanitizer): .*|.*runtime error.*)", words)
    artifact = re.search(r"Test unit written to (\S+)", words)
    lines = [f"  {what.group(1) if what else f'exit code {code}'}", f"  log: {log}"]
    if artifact:
        lines.append(f"  input: {artifact.group(1)}")
        lines.append(f"  again: make fuzz-input TARGET={target} INPUT={artifact.group(1)}")
    return "\n".join(lines)


def minimise(target, size):
    """Puts the few inputs that cover as much as all together into Corpus/, beside the hand-made ones."""
    kept, fresh = HERE / "Corpus" / target, WORK / "minimal" / target
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    kept.mkdir(parents=True, exist_ok=True)
    for path in kept.glob("found-*"):
        shutil.copy(path, paths(target)[0])
        path.unlink()
    for path in kept.iterdir():
        shutil.copy(path, fresh)
    code, _, log = call(target, limits(target, size) + ["-set_cover_merge=1", fresh, *paths(target)], 600)
    if code != 0:
        sys.exit(f"{target}: merging failed, see {log}")
    # libFuzzer writes them in the order of what each adds.
    found = [path for path in fresh.iterdir() if not (kept / path.name).exists()]
    found.sort(key=lambda path: path.stat().st_mtime_ns)
    chosen = [path for path in found if path.stat().st_size <= CORPUS_FILE][:CORPUS_FILES]
    for path in chosen:
        shutil.copy(path, kept / f"found-{path.name[:8]}")
    print(f"{target}: {len(list(kept.iterdir()))} inputs, {len(chosen)} of {len(found)} found", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--seed", type=int, default=0, help="the same number, the same inputs; 0: others each time")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1), help="targets at a time")
    parser.add_argument("--minimise", action="store_true", help="put the best of what was found into Fuzz/Corpus")
    parser.add_argument("--input", type=Path, help="run one target with this input only")
    parser.add_argument("targets", nargs="*")
    options = parser.parse_args()
    known = known_targets()
    if unknown := set(options.targets) - set(known):
        sys.exit(f"no such target: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    names = options.targets or list(known)
    if options.input:
        code, words, _ = call(names[0], limits(names[0], known[names[0]]) + [options.input.resolve()], 60)
        print(words if code else "it passes")
        sys.exit(1 if code else 0)
    if options.minimise:
        return [minimise(name, known[name]) for name in names]
    waiting, results, lock = list(names), [], threading.Lock()

    def work():
        while True:
            with lock:
                if not waiting:
                    return
                name = waiting.pop(0)
            results.append(fuzz(name, known[name], options.seconds, options.seed))

    threads = [threading.Thread(target=work, daemon=True) for _ in range(options.jobs)]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    finally:
        # Interrupted: libFuzzer's processes have sessions of their own and would go on.
        waiting.clear()
        for process in list(running):
            end(process)
    sys.exit(0 if all(results) and len(results) == len(names) else 1)


if __name__ == "__main__":
    main()
