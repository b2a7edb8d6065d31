#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Read the TAP of several test programs; write one result line per test.

usage: ktap.py RESULTS PROGRAM... < OUTPUT

OUTPUT holds, for each program, "### run PROGRAM", what the program printed
(one TAP document) and "### exit PROGRAM STATUS". To the file RESULTS are
appended lines "pass|fail|skip PROGRAM:TEST [REASON]", where frame_test's test
global.drop is called frame:drop. A line is shown for each program, and the lines
with "## " that it printed; if something failed all of them, without those of
what went well.

What a program did not say is a failure too: a test of its plan that has no
result, an exit status that tells of an error its lines do not, a program that
never ran.
"""

import re
import sys
import time

RESULT = re.compile(r"(not )?ok\b\s*(\d+)?\s*(?:-\s*)?([^#]*)(?:#\s*(.*))?$")
PLAN = re.compile(r"1\.\.(\d+)(?:\s*#\s*(SKIP\b.*))?", re.I)
# What the harness prints of a test that went well.
FINE = re.compile(r"ok |#\s+(RUN|OK)\s")
KSFT_SKIP = 4


class Program:
    """One program's TAP document."""

    def __init__(self, name):
        self.name = name
        self.title = re.sub(r"_test$", "", name)
        self.lines = []
        self.results = []
        self.plan = None
        self.began = time.monotonic()

    def add(self, verdict, test, reason=""):
        test = re.sub(r"\s+", "_", test.strip()) or "unnamed"
        test = re.sub(r"^global\.", "", test)
        self.results.append((verdict, test, " ".join(reason.split())))

    def feed(self, line):
        self.lines.append(line)
        plan = PLAN.match(line)
        if plan:
            self.plan = int(plan.group(1))
            if plan.group(2):
                self.add("skip", "all", plan.group(2)[4:])
            return
        if line.startswith("Bail out!"):
            self.add("fail", "bail_out", line[9:])
            return
        result = RESULT.match(line)
        if not result:
            return
        failed, number, name, directive = result.groups()
        directive = directive or ""
        if directive[:4].upper() == "SKIP":
            self.add("skip", name or number, directive[4:])
        else:
            self.add("fail" if failed else "pass", name or number or "")

    def finish(self, status):
        """status is the program's exit status, or None if it never ended."""
        said = len(self.results)
        if status is None:
            self.add("fail", "not_ended", "the guest stopped meanwhile")
        elif self.plan is None:
            if status == KSFT_SKIP and not said:
                self.add("skip", "all", " ".join(self.lines[-1:]))
            else:
                self.add("fail", "no_plan", f"no TAP, exit status {status}")
        elif self.plan > said:
            self.add("fail", "incomplete", f"{said} of {self.plan} reported")
        bad = any(verdict == "fail" for verdict, _, _ in self.results)
        if status not in (0, None, KSFT_SKIP) and not bad:
            self.add("fail", "exit_status", f"it is {status}")
        if not self.results:
            self.add("fail", "empty", "no test ran")

    def count(self, verdict):
        return sum(1 for result in self.results if result[0] == verdict)

    def report(self, out):
        for verdict, test, reason in self.results:
            line = f"{verdict} {self.title}:{test} {reason}"
            out.write(line.rstrip() + "\n")
        out.flush()
        if self.count("fail"):
            print(f"---- {self.name} printed:")
            print("\n".join(line for line in self.lines
                            if line and not FINE.match(line)))
            for verdict, test, reason in self.results:
                if verdict == "fail":
                    print(f"FAILED {self.title}:{test} {reason}")
        else:
            for line in self.lines:
                if line.startswith("## "):
                    print(line)
        print(f"{self.name}: {self.count('pass')} passed, "
              f"{self.count('fail')} failed, {self.count('skip')} skipped "
              f"({time.monotonic() - self.began:.0f} s)", flush=True)


def main():
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        print(__doc__.strip())
        return 0 if len(sys.argv) > 1 else 2
    wanted = sys.argv[2:]
    failed = False
    program = None
    with open(sys.argv[1], "a", encoding="utf-8") as out:

        def end(status):
            nonlocal failed, program
            program.finish(status)
            program.report(out)
            failed = failed or program.count("fail") > 0
            if program.name in wanted:
                wanted.remove(program.name)
            program = None

        stream = open(sys.stdin.fileno(), encoding="utf-8", errors="replace")
        for line in stream:
            line = line.rstrip("\r\n")
            words = line.split()
            if words[:2] == ["###", "run"] and len(words) == 3:
                if program:
                    end(None)
                program = Program(words[2])
            elif words[:2] == ["###", "exit"] and len(words) == 4 and program:
                end(int(words[3]))
            elif program:
                program.feed(line)
            else:
                print(line, flush=True)
        if program:
            end(None)
        for name in wanted[:]:
            out.write(f"fail {Program(name).title}:not_run\n")
            print(f"FAILED {name}: it never ran")
            failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
