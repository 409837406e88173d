#!/usr/bin/env python3
"""Holds the documents against themselves and the tree: what a merge that kept both sides leaves behind.   Deploy/docs_check.py

- A link leads to a file of the tree and a heading in it; a test suite that is named exists.
- A table's rows have as many cells as its head, and none stands there twice, neither as a whole nor by its key.
- No sentence stands twice within a few lines, in documents and in comments, and there are no marks of a conflict.
- Decisions are numbered upwards, each once; whatever cites one cites one that there is.
- docs/attacks.md has the attacks of Benchmarks/hostile, docs/fuzzing.md the targets of Fuzz.

It begins with examples of each, so that a check which finds nothing is noticed.
"""

import collections
import itertools
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
#: Columns whose cells name what a row is about, so that each may stand there once.
KEYS = {"attack", "code", "command", "event", "flag", "kind", "metric", "option", "promise", "rule", "target"}
#: As many equal words in a row, this many lines apart at most, are a passage that stands there twice.
WORDS, LINES = 10, 10
COMMENT = {".swift": "//", ".c": "//", ".h": "//", ".py": "#", ".conf": "#", ".yml": "#", "": "#"}
CONFLICT = re.compile(r"<{7} |={7}$|>{7} |\|{7} ")


def slug(heading):
    """The anchor of a heading, as GitHub makes it."""
    text = re.sub(r"\[([^]]*)]\([^)]*\)", r"\1", heading).replace("`", "").replace("*", "")
    return re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")


def outside_code(text):
    """Lines with their numbers, those of code blocks empty."""
    is_code = False
    for number, line in enumerate(text.split("\n"), 1):
        is_fence = line.lstrip().startswith("```")
        is_code ^= is_fence
        yield number, "" if is_code or is_fence else line


def links(text, anchors, own):
    """`anchors` says which headings a file has, `None` for no such file; `own` is the document's path."""
    for number, line in outside_code(text):
        for target in re.findall(r"]\(([^)\s]+)\)", line):
            path, _, anchor = target.partition("#")
            if re.match(r"\w+:", target):
                continue
            headings = anchors((own.parent / path) if path else own)
            if headings is None:
                yield number, f"no such file: {target}"
            elif anchor and anchor not in headings:
                yield number, f"no such heading: {target}"


def tables(text):
    for is_table, lines in itertools.groupby(outside_code(text), lambda line: line[1].startswith("|")):
        if not is_table:
            continue
        rows = [(number, [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]) for number, line in lines]
        head, seen, keys = rows[0][1], set(), set()
        for number, cells in rows[2:]:
            if len(cells) != len(head):
                yield number, f"{len(cells)} cells in a table of {len(head)}"
            if tuple(cells[:2]) in seen or (head[0] in KEYS and cells[0] in keys):
                yield number, f"a row that stands there twice: {cells[0]}"
            seen.add(tuple(cells[:2]))
            keys.add(cells[0])


def passages(lines):
    words = [(word, number) for number, line in lines for word in line.split()]
    yield from ((number, f"a word twice: {word}") for (before, _), (word, number) in zip(words, words[1:])
                if word == before and re.fullmatch("[A-Za-z]{3,}", word))
    seen, last = {}, -LINES
    for start in range(len(words) - WORDS + 1):
        run, number = tuple(word for word, _ in words[start:start + WORDS]), words[start][1]
        if run in seen and number - seen[run] <= LINES and number > last + LINES:
            yield number, f"the same as in line {seen[run]}: {' '.join(run)}"
            last = number
        seen[run] = number


def prose(text):
    return ((number, line) for number, line in outside_code(text) if not line.lstrip().startswith("|"))


def comments(text, mark):
    """Comments of a source, one at a time: those of neighbouring members may begin alike."""
    found = ((number, line.strip()) for number, line in enumerate(text.split("\n"), 1))
    for is_comment, lines in itertools.groupby(found, lambda line: line[1].startswith(mark)):
        if is_comment:
            yield [(number, line.lstrip("/#! ")) for number, line in lines]


def decisions(text):
    numbers = [int(number) for number in re.findall(r"^\*\*D(\d+) ·", text, re.MULTILINE)]
    for number, times in collections.Counter(numbers).items():
        if times > 1:
            yield 1, f"D{number} stands there {times} times"
    yield from ((1, f"D{later} stands behind D{earlier}") for earlier, later in zip(numbers, numbers[1:]) if later < earlier)
    named = {int(number) for number in re.findall(r"D(\d+)", text.partition("\n**D1 ")[0])}
    yield from ((1, f"D{number} is neither there nor named as never given")
                for number in range(1, max(numbers, default=0)) if number not in named.union(numbers))


def cited(text, numbers):
    for number, line in enumerate(text.split("\n"), 1):
        yield from ((number, f"no such decision: D{cited}") for cited in re.findall(r"\bD([1-9]\d{0,2})\b(?!\.)", line)
                    if int(cited) not in numbers)


def suites(text, sources):
    for number, line in enumerate(text.split("\n"), 1):
        yield from ((number, f"no such tests: {name}") for name in re.findall(r"`(\w+Tests)`", line) if name not in sources)


def column(text, name):
    """First cells of the table between these marks, or below this heading."""
    part = re.split(rf"^(?:<!-- {name} -->|## {name})$", text, flags=re.MULTILINE)[1]
    rows = itertools.takewhile(lambda line: line.startswith("|"), part.strip()[part.strip().index("|"):].split("\n"))
    return [row.split("|")[1].strip(" `") for row in list(rows)[2:]]


def differences(name, found, wanted):
    if found != wanted:
        missing, foreign = [row for row in wanted if row not in found], [row for row in found if row not in wanted]
        yield 1, f"the table of {name}: missing {missing}, foreign {foreign}; where both are empty, the order"


def sources():
    """What people write, by path; what fuzzing wrote is nobody's text."""
    folders = ["docs", "nginx", "Deploy", ".ci", "Benchmarks", "Sources", "Tests", "Fuzz/Harness", "Fuzz/Targets"]
    files = [*ROOT.iterdir(), *(file for folder in folders for file in sorted((ROOT / folder).rglob("*")))]
    return {file: file.read_text() for file in files
            if file.is_file() and (file.suffix in COMMENT or file.suffix == ".md")
            and not any(part.startswith(".") for part in file.relative_to(ROOT).parts if part != ".ci")}


def anchors(path):
    """Headings of a file; of one that is no document, and of a folder, none."""
    if not path.exists():
        return None
    lines = outside_code(path.read_text()) if path.suffix == ".md" else []
    return {slug(line.lstrip("#")) for _, line in lines if line.startswith("#")}


def attacks(text):
    sys.path.insert(0, str(ROOT / "Benchmarks"))
    from hostile import catalogue
    for table in ("answers", "figures"):
        yield from differences(table, column(text, table), list(catalogue.ALL))


def problems():
    texts = sources()
    numbers = {int(number) for number in re.findall(r"^\*\*D(\d+) ·", texts[ROOT / "docs/decisions.md"], re.MULTILINE)}
    tests = " ".join(str(file) for file in texts if "Tests" in file.parts) + " ".join(
        name for file, text in texts.items() if file.suffix == ".swift" for name in re.findall(r"struct (\w+Tests)\b", text))
    for file, text in texts.items():
        found = [(number, "a conflict that was not decided") for number, line in enumerate(text.split("\n"), 1)
                 if CONFLICT.match(line)]
        if file.suffix == ".md":
            found += [*links(text, anchors, file), *tables(text), *passages(prose(text)), *suites(text, tests)]
            found += cited(text, numbers) if file.name != "decisions.md" else decisions(text)
            found += attacks(text) if file.name == "attacks.md" else ()
        else:
            for block in comments(text, COMMENT[file.suffix]):
                found += [*passages(block), *cited("\n".join(line for _, line in block), numbers)]
        if file.name == "fuzzing.md":
            registry = texts[ROOT / "Fuzz/Harness/FuzzTarget.swift"].partition("static let all = [")[2].partition("]")[0]
            found += differences("targets", sorted(column(text, "Targets")), sorted(re.findall(r"\w+", registry)))
        yield from (f"{file.relative_to(ROOT)}:{number}: {problem}" for number, problem in found)


def examples():
    """Whether each check finds what it is for, and nothing in what is right; a list of those that do not."""
    own = pathlib.Path("a.md")
    page = {own: {"one"}, pathlib.Path("b.md"): set()}
    row, twin = "| metric | |\n|---|---|\n", "one two three four five six seven eight nine ten"
    wrong = {
        "a link to no file": links("[b](c.md)", page.get, own), "a link to no heading": links("[b](#two)", page.get, own),
        "a row twice": tables(row + "| a | 1 |\n| a | 2 |"), "a cell too many": tables(row + "| a | 1 | 2 |"),
        "a passage twice": passages(prose(f"{twin} is so.\n\n{twin} was so.")), "a word twice": passages(prose("the node\nnode")),
        "a comment twice": itertools.chain(*map(passages, comments(f"/// {twin} a\n/// {twin} b", "//"))),
        "a number twice": decisions("**D1 · a**\n\n**D1 · b**"),
        "a number too early": decisions("D1\n\n**D3 · a**\n\n**D2 · b**"),
        "a number left out": decisions("**D1 · a**\n\n**D3 · b**"), "no such decision": cited("// (D9)", {1}),
        "no such tests": suites("`GoneTests`", "HereTests"), "a missing row": differences("a", ["x"], ["x", "y"]),
        "a conflict": filter(CONFLICT.match, ["<<<<<<< HEAD"]),
    }
    right = {
        "links": links("[b](b.md) [c](#one) [d](https://a/b)\n```\n[e](f)\n```", page.get, own),
        "tables": tables(row + "| a | 1 |\n| b \\| c | 1 |"), "passages": passages(prose(f"{twin}\n```\n{twin}\n```")),
        "comments": itertools.chain(*map(passages, comments(f"/// {twin}\nlet a = 1\n/// {twin}", "//"))),
        "decisions": decisions("D2 was never given.\n\n**D1 · a**\n\n**D3 · b**"), "cited": cited("D1, 0xD9, D.9", {1}),
        "suites": suites("`HereTests`", "HereTests"), "rows": differences("a", ["x"], ["x"]),
    }
    return [f"not found: {name}" for name, found in wrong.items() if not list(found)] + [
        f"found in what is right: {name}: {problem}" for name, found in right.items() for problem in found]


def main():
    found = examples() or list(problems())
    print(*(found or ["ok documents"]), sep="\n")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
