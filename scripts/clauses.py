#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Make tables of what the suites vmstore-inv, vmstore-wrong and vmstore-kill* print.

usage: clauses.py [--update] --docs DIR LOG

LOG is a kernel's. Writes, or with no --update compares, DIR/clauses.md,
DIR/wrong_effects.md and DIR/kill_table.md. Prints "pass|fail clauses:NAME" lines.
"""

import argparse
import pathlib
import re
import sys

LINE = re.compile(
    r"# \w+: (clause|impossible|corruption|effect|outcome|kill|survivor|elsewhere|live): (.*?)\s*$", re.M
)

CLAUSES = """\
# Clauses and corruptions

Made by `scripts/clauses.sh --update` of what the KUnit suite `vmstore-inv` prints; do
not edit. Each corruption is a state that a case of `kunit/inv_test.c` makes of a small
world that is in order; the case fails unless exactly the clauses of its row report. Where
a row names more than one, they cannot be told apart in that state; the reason is a
comment beside the case. I0 is the conjunction of all and always reports; R5, R6 and S1
are conjunctions of R1 to R15.

"""

EFFECTS = """\
# Wrong effects

Made by `scripts/clauses.sh --update` of what the KUnit suite `vmstore-wrong` prints; do
not edit. Each effect of `vmstore/wrong.h` is switched on, alone, while one story of
operations runs on a new store, once in check mode step and once in full. The case fails
unless both report, after the same operation, and the same clauses.

"""

OUTCOMES = """\

No clause can see these: which page is at which address and what was dirty is the
caller's business. The case wants them to show in the outcome of an operation.

"""

KILLS = """\
# Kill table

Made by `scripts/clauses.sh --update` of what the KUnit suites `vmstore-kill` and
`vmstore-kill-live` print; do not edit. Each site of `vmstore/omit.h` is left out, alone,
while a scene is played, those of the first table on the simulated machine, and what then
goes wrong is in the last column. The same scene goes well with nothing left out, or the case
fails. It fails, too, where a site is left out and nothing goes wrong.

"""

ELSEWHERE = """\

Left out, these show with several processors only, and the case skips without: it runs with
`scripts/kunit.sh --x86`.

"""

LIVE = """\

These only the live machine has. The suite `vmstore-kill-live` holds one processor in a
window, or in the handler of an interrupt, while another one takes a page away. The access that
goes wrong, or does not, is one of the real MMU, so the cases skip in User Mode Linux: they
run with `scripts/kunit.sh --x86`.

"""

SURVIVORS = """\

Left out, these change nothing that can be seen; the case fails if one of them does.

"""


def row(*cells):
    """One row of a table."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def head(*cells):
    """The first two rows."""
    return row(*cells) + "|" + "---|" * len(cells) + "\n"


def fields(line, n):
    """The N fields of a line; the texts in it have no colon followed by a blank."""
    return [field.strip() for field in line.split(":", n - 1)]


def clauses(found):
    """docs/clauses.md."""
    why = dict(fields(line, 2) for line in found["impossible"])
    states = [fields(line, 2) for line in found["corruption"]]
    text = CLAUSES + "## By clause\n\n" + head("Clause", "Says", "Reports, alone or with others")
    for line in found["clause"]:
        clause, says = fields(line, 2)
        by = [name for name, ids in states if clause in ids.split()]
        if clause == "I0":
            by = ["every state below"]
        if clause in why:
            by = [f"cannot be violated: {why[clause]}"]
        text += row(clause, says, "; ".join(by))
    text += "\n## By corruption\n\n" + head("State", "Reported, besides I0")
    for name, ids in states:
        text += row(name, " ".join(i for i in ids.split() if i != "I0"))
    total = f"{len(found['clause'])} clauses, {len(states)} corruptions"
    return text + f"\n{total}, {len(why)} clauses that no state violates.\n", total


def effects(found):
    """docs/wrong_effects.md."""
    text = EFFECTS + head("Effect", "What is wrong", "Seen after", "Step reports", "Full reports")
    for line in found["effect"]:
        name, what, seen, step, full = fields(line, 5)
        text += row(f"`{name}`", what, seen, step, full)
    text += OUTCOMES + head("Effect", "What is wrong", "Outcome that differs")
    for line in found["outcome"]:
        name, what, seen = fields(line, 3)
        text += row(f"`{name}`", what, seen)
    return text, f"{len(found['effect'])} effects reported by step and by full alike"


def kills(found):
    """docs/kill_table.md."""
    text = KILLS + head("Site", "Left out", "Scene", "Goes wrong")
    for line in found["kill"]:
        name, what, scene, seen = fields(line, 4)
        text += row(f"`{name}`", what, scene, seen)
    text += ELSEWHERE + head("Site", "Left out", "Scene", "Why not here")
    for line in found["elsewhere"]:
        name, what, scene, why = fields(line, 4)
        text += row(f"`{name}`", what, scene, why)
    text += LIVE + head("Site", "Left out", "Scene")
    for line in found["live"]:
        name, what, scene = fields(line, 3)
        text += row(f"`{name}`", what, scene)
    text += SURVIVORS + head("Site", "Left out", "Why nothing goes wrong")
    for line in found["survivor"]:
        name, what, why = fields(line, 3)
        text += row(f"`{name}`", what, why)
    needed = sum(len(found[kind]) for kind in ("kill", "elsewhere", "live"))
    total = f"{needed} sites that something needs"
    return text + f"\n{total}, {len(found['survivor'])} that nothing does.\n", total


def main():
    """See the top of the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--docs", type=pathlib.Path, required=True)
    parser.add_argument("log", type=pathlib.Path)
    args = parser.parse_args()

    found = {}
    for kind, rest in LINE.findall(args.log.read_text(errors="replace")):
        lines = found.setdefault(kind, [])
        if rest not in lines:
            lines.append(rest)
    status = 0
    for name, make in (
        ("clauses", clauses), ("wrong_effects", effects), ("kill_table", kills)
    ):
        path = args.docs / f"{name}.md"
        try:
            text, total = make(found)
        except KeyError as missing:
            print(f"fail clauses:{name} the suite printed no line '{missing.args[0]}:'")
            status = 1
            continue
        if args.update:
            path.write_text(text)
        if path.exists() and path.read_text() == text:
            print(f"pass clauses:{name} {total}")
        else:
            print(f"fail clauses:{name} {path.name} is out of date: --update")
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
