#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Run test programs one after the other, in a guest, with marks between them
# that ktap.py reads.
#
#   run-tests.sh SECONDS PROGRAM...
#
# SECONDS is how long each may take.

set -u
seconds=$1
shift
for program; do
	echo "### run $program"
	timeout "$seconds" "./$program"
	status=$?
	# A program that was killed may have left half a line.
	printf '\n### exit %s %d\n' "$program" "$status"
done
