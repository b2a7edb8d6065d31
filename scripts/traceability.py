#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Check docs/traceability.csv against the tests that ran.

    traceability.py RESULTS [--due WORD]... [--table FILE]

RESULTS holds the lines "pass|fail|skip TIER TEST [REASON]" of a whole
"make check". Every row of the table whose due column is one of the words
given (default: those in DUE below) must name at least one test, and every
test any row names must have passed in some tier and failed in none.

The column "tests" names tests as they are in RESULTS, without the tier and
separated by blanks: vmstore-region:rc_states is a KUnit case, frame:drop a
case of a program in selftests/. A * stands for any characters.

Exit status: 0, or 1 with a line for each thing that is missing.
"""

import argparse
import csv
import fnmatch
import pathlib
import sys

# What must have evidence by now; later issues add their word.
DUE = ["skeleton", "vmstore", "kvmstore", "tlb"]


def read_results(path):
    """Test name -> set of the verdicts it got in all tiers."""
    verdicts = {}
    for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines():
        words = line.split(None, 3)
        if len(words) >= 3:
            verdicts.setdefault(words[2], set()).add(words[0])
    return verdicts


def matching(name, verdicts):
    if "*" in name:
        return [t for t in verdicts if fnmatch.fnmatchcase(t, name)]
    return [name] if name in verdicts else []


def problems_of(row, due, verdicts):
    tests = row["tests"].split()
    if row["due"] in due and not tests:
        yield "no test is named"
    for name in tests:
        found = matching(name, verdicts)
        if not found:
            yield f"{name} does not exist or did not run"
        for test in found:
            if "fail" in verdicts[test]:
                yield f"{test} failed"
            elif "pass" not in verdicts[test]:
                yield f"{test} was skipped everywhere"


def main():
    top = pathlib.Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        epilog="\n".join(__doc__.splitlines()[2:]),
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results")
    parser.add_argument("--due", action="append")
    parser.add_argument("--table", default=top / "docs" / "traceability.csv")
    args = parser.parse_args()

    due = args.due or DUE
    verdicts = read_results(args.results)
    checked = bad = 0
    with open(args.table, newline="", encoding="utf-8") as table:
        for row in csv.DictReader(table):
            if row["due"] not in due and not row["tests"]:
                continue
            checked += 1
            for problem in problems_of(row, due, verdicts):
                bad += 1
                print(f"{row['id']}: {problem}")
    print(f"{checked} items checked, {bad} problems")
    return 1 if bad or not checked else 0


if __name__ == "__main__":
    sys.exit(main())
