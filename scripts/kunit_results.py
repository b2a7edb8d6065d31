#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Print one "pass|fail|skip SUITE:CASE" line per case of a kunit.py JSON file.

usage: kunit_results.py FILE

A case that crashed, or that has no result, is a failure.
"""

import json
import sys

VERDICT = {"PASS": "pass", "SKIP": "skip"}


def cases(group, path):
    """Yield (status, name) of every case below a group."""
    for case in group.get("test_cases", []):
        yield case["status"], ":".join(path + [case["name"]])
    for sub in group.get("sub_groups", []):
        yield from cases(sub, path + [sub["name"]])


def main():
    if len(sys.argv) != 2 or sys.argv[1] in ("-h", "--help"):
        print(__doc__.strip())
        return 0 if len(sys.argv) == 2 else 2
    with open(sys.argv[1], encoding="utf-8") as file:
        report = json.load(file)
    for status, name in cases(report, []):
        verdict = VERDICT.get(status, "fail")
        reason = "" if verdict == "pass" else " " + status.lower()
        print(f"{verdict} {name.replace(' ', '_')}{reason}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
