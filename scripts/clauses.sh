#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Which clause reports which corruption, which wrong effect is noticed how, and what every
# flush, interrupt, wait, barrier and quarantine is for.
#
#   clauses.sh [--results FILE] [--last | --update]
#
#   --results FILE  append "pass|fail clauses:..." lines
#   --last          of what kunit.sh ran last, all suites it must have been
#   --update        write docs/clauses.md, docs/wrong_effects.md and docs/kill_table.md
#
# Runs the KUnit suites vmstore-inv, vmstore-wrong and vmstore-kill* in User Mode Linux and
# makes the tables of what they print. Without --update it fails where the documents say
# something else.

set -eu
. "$(dirname "$0")/lib.sh"

results='' update='' last=''
while [ $# -gt 0 ]; do
	case $1 in
	-h | --help) usage; exit 0 ;;
	--results) need_arg "$1" $#; results=$2; shift ;;
	--last) last=1 ;;
	--update) update=--update ;;
	*) usage_error "unknown option '$1'" ;;
	esac
	shift
done

make_tmp
scripts=$VMSTORE_TOP/scripts
um=$(hold_lock um && "$scripts/um-source.sh")
status=0
if [ -n "$last" ]; then
	cp "$um/kunit-um/test.log" "$VMSTORE_TMP/log"
else
	for suite in vmstore-inv vmstore-wrong "vmstore-kill*"; do
		"$scripts/kunit.sh" "$suite" || status=1
		cat "$um/kunit-um/test.log" >>"$VMSTORE_TMP/log"
	done
fi
python3 "$scripts/clauses.py" $update --docs "$VMSTORE_TOP/docs" "$VMSTORE_TMP/log" \
	>"$VMSTORE_TMP/results" || status=1
cat "$VMSTORE_TMP/results"
[ -z "$results" ] || cat "$VMSTORE_TMP/results" >>"$results"
exit "$status"
