#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Make tables of what gcov counted in vmstore/.

usage: coverage.py --source DIR --counts FILE --report FILE
                   [--doc FILE [--update]] [--results FILE]

COUNTS holds what "gcov --json-format --stdout" printed, one line an object.
The totals by file and the functions with lines that never ran are printed; the
report has each such line, and each branch that went one way only. DOC explains
in lines "- `function()`: text" why something is not reached: what it does not
explain is told. --update rewrites the part of DOC between the marks.

A branch is one way out of a condition. Not counted are those that a macro of the
kernel brings along and no test should take: the condition of WARN_ON() and its
relatives, what fails only if the module is wrong.

Exit status: 0 if the totals are at least the goals, else 1.
"""

import argparse
import collections
import datetime
import json
import pathlib
import re
import sys

GOALS = {"lines": 90, "branches": 80}
NOT_A_CONDITION = re.compile(
    r"\b(WARN_ON|WARN_ON_ONCE|WARN|WARN_ONCE|BUG_ON|BUILD_BUG_ON|"
    r"lockdep_assert\w*|might_sleep|pr_\w+)\s*\("
)
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
EXPLAINED = re.compile(r"^- ((?:`\w+\(\)`(?:, | and )?)+)", re.M)


class Line:
    """A line of source that has code, over all objects it is part of."""

    def __init__(self):
        self.count = 0
        self.function = ""
        # Number of branches -> how often each was taken: an inline function
        # can be compiled to something else in another object.
        self.shapes = {}

    def add(self, entry):
        self.count += entry["count"]
        self.function = entry.get("function_name", self.function)
        taken = [b["count"] for b in entry["branches"]]
        if taken:
            old = self.shapes.get(len(taken), [0] * len(taken))
            self.shapes[len(taken)] = [a + b for a, b in zip(old, taken)]

    def branches(self):
        """The branches of the form that tests reached most of."""
        return max(
            self.shapes.values(),
            key=lambda t: (sum(map(bool, t)) / len(t), len(t)),
            default=[],
        )


class File:
    """A file of vmstore/ and its lines."""

    def __init__(self, name, text):
        self.name = name
        self.text = text
        self.lines = collections.defaultdict(Line)

    def code(self, number):
        return self.text[number - 1].strip()

    def branches(self, number):
        if NOT_A_CONDITION.search(self.text[number - 1]):
            return []
        return self.lines[number].branches()

    def missed(self):
        return sorted(n for n, line in self.lines.items() if not line.count)

    def totals(self):
        taken = [c for n in self.lines for c in self.branches(n)]
        return collections.Counter(
            lines=len(self.lines),
            lines_hit=len(self.lines) - len(self.missed()),
            branches=len(taken),
            branches_hit=sum(map(bool, taken)),
        )


def read_counts(counts, source):
    """Path below source -> File, for what is in vmstore/."""
    files = {}
    for text in counts.read_text(encoding="utf-8").splitlines():
        unit = json.loads(text)
        for record in unit["files"]:
            path = source / unit["current_working_directory"] / record["file"]
            try:
                name = str(path.resolve().relative_to(source))
            except ValueError:
                continue
            if not name.startswith("vmstore/"):
                continue
            if name not in files:
                lines = (source / name).read_text(encoding="utf-8")
                files[name] = File(name, lines.splitlines())
            for entry in record["lines"]:
                files[name].lines[entry["line_number"]].add(entry)
    return [files[name] for name in sorted(files)]


def percent(part, whole):
    return 100 * part / whole if whole else 100


def table(files):
    """The table by file, as Markdown that can also be read as it is."""
    rows = [(f.name, f.totals()) for f in files]
    rows.append(("total", sum((t for _, t in rows), collections.Counter())))
    out = [
        f"| {'file':<24} | lines | covered | branches | covered |",
        f"|{'-' * 26}|------:|--------:|---------:|--------:|",
    ]
    for name, t in rows:
        hit = percent(t["lines_hit"], t["lines"])
        taken = percent(t["branches_hit"], t["branches"])
        out.append(
            f"| {name:<24} | {t['lines']:>5} | {hit:>5.1f} % "
            f"| {t['branches']:>8} | {taken:>5.1f} % |"
        )
    return out, rows[-1][1]


def runs(file):
    """Uncovered lines as (function, first, last), without covered ones between."""
    with_code = sorted(file.lines)
    found = []
    for number in file.missed():
        function = file.lines[number].function
        position = with_code.index(number)
        before = with_code[position - 1] if position else None
        if found and found[-1][2] == before and found[-1][0] == function:
            found[-1] = (function, found[-1][1], number)
        else:
            found.append((function, number, number))
    return found


def report(files, head):
    """Everything that was not reached, with the source."""
    out = list(head)
    for file in files:
        for function, first, last in runs(file):
            out += ["", f"{file.name}:{first}: {function}() not reached"]
            out += [f"\t{file.text[n - 1]}" for n in range(first, last + 1)]
    out.append("")
    for file in files:
        for number in sorted(file.lines):
            taken = file.branches(number)
            missed = [str(i) for i, c in enumerate(taken) if not c]
            if missed and file.lines[number].count:
                out.append(
                    f"{file.name}:{number}: {file.lines[number].function}() "
                    f"branch {','.join(missed)} of {len(taken)}: "
                    f"{file.code(number)}"
                )
    return out


def by_function(files):
    """(file, function) -> number of lines never run."""
    missed = collections.Counter()
    for file in files:
        for number in file.missed():
            missed[file.name, file.lines[number].function] += 1
    return missed


def explained(doc):
    names = set()
    if doc and doc.exists():
        for match in EXPLAINED.finditer(doc.read_text(encoding="utf-8")):
            names.update(re.findall(r"`(\w+)\(\)`", match.group(1)))
    return names


def update(doc, lines):
    text = doc.read_text(encoding="utf-8")
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        sys.exit(f"coverage.py: {doc} wants one '{BEGIN}' and one '{END}'")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    body = "\n".join([BEGIN, *lines, END])
    doc.write_text(before + body + after, encoding="utf-8")


def judge(totals, results):
    """Say whether the totals are what they should be."""
    good = True
    for what, goal in GOALS.items():
        got = percent(totals[what + "_hit"], totals[what])
        verdict = "pass" if got >= goal else "fail"
        good = good and got >= goal
        print(f"{verdict} {what}: {got:.1f} %, wanted {goal} %")
        if results:
            with results.open("a", encoding="utf-8") as out:
                reason = "" if got >= goal else f" {got:.1f}_%_of_{goal}_%"
                print(f"{verdict} {what}{reason}", file=out)
    return good


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--source", type=pathlib.Path, required=True)
    parser.add_argument("--counts", type=pathlib.Path, required=True)
    parser.add_argument("--report", type=pathlib.Path, required=True)
    parser.add_argument("--doc", type=pathlib.Path)
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--results", type=pathlib.Path)
    args = parser.parse_args()

    files = read_counts(args.counts, args.source.resolve())
    if not files:
        sys.exit("coverage.py: nothing of vmstore/ was counted")
    rows, totals = table(files)
    missed = by_function(files)
    names = explained(args.doc)

    listed = [
        f"| `{function}()` | {file.removeprefix('vmstore/')} | {count} |"
        for (file, function), count in sorted(missed.items())
    ]
    print("\n".join(rows))
    print("\nLines that no test reached:")
    for (file, function), count in sorted(missed.items()):
        mark = "" if function in names else "  not explained"
        print(f"  {file:<24} {function + '()':<32} {count:>3}{mark}")
    report_lines = report(files, rows)
    args.report.write_text("\n".join(report_lines) + "\n", encoding="utf-8")
    if args.update and args.doc:
        update(
            args.doc,
            [
                f"On {datetime.date.today()}:",
                "",
                *rows,
                "",
                "| function | file | lines not reached |",
                "|---|---|--:|",
                *listed,
            ],
        )
    for name in sorted(names - {function for _, function in missed}):
        print(f"coverage.py: note: {name}() is explained, and covered")
    return 0 if judge(totals, args.results) else 1


if __name__ == "__main__":
    sys.exit(main())
