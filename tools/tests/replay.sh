#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Test replay without a device: what it makes of logs (traces/*.strace, with what
# a dry run must print in traces/*.expect), and that it accepts a device that
# behaves and notices one that does not (replay_device.c). Prints TAP.
#
#   replay.sh            test
#   replay.sh --update   write traces/*.expect anew: look at the difference!

cd "$(dirname "$0")" || exit 1
unset REPLAY_DEVICE_BUG
export NO_COLOR=1
ctl=$PWD/vmstorectl-replay
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

count=0
failed=0

# result STATUS NAME: one line of TAP, with what was printed if it failed.
result()
{
	count=$((count + 1))
	if [ "$1" = 0 ]; then
		echo "ok $count - $2"
		return
	fi
	failed=1
	echo "not ok $count - $2"
	sed 's/^/# /' "$tmp/out"
}

dry_run()
{
	(cd traces && "$ctl" replay --dry-run --maps "$1.strace") 2>&1
}

# ends STATUS NAME OPTIONS...: a replay ends so.
ends()
{
	want=$1
	name=$2
	shift 2
	"$ctl" replay --no-picture "$@" >"$tmp/out" 2>&1
	status=$?
	[ "$status" = "$want" ] || echo "status $status, not $want" >>"$tmp/out"
	[ "$status" = "$want" ]
	result $? "$name"
}

# says NAME PATTERN: the last command printed a line with it.
says()
{
	grep -q -e "$2" "$tmp/out"
	result $? "$1"
}

# notices BUG TRACE STATUS PATTERN: a device with this bug is found out.
notices()
{
	REPLAY_DEVICE_BUG=$1
	export REPLAY_DEVICE_BUG
	ends "$3" "$1: a wrong device is noticed" "traces/$2.strace"
	unset REPLAY_DEVICE_BUG
	says "$1: and it is said where and what" "$4"
}

traces=
for trace in traces/*.strace; do
	traces="$traces $(basename "$trace" .strace)"
done
if [ "${1-}" = --update ]; then
	for trace in $traces; do
		dry_run "$trace" >"traces/$trace.expect"
	done
	exit
fi

echo 'TAP version 13'

for trace in $traces; do
	dry_run "$trace" >"$tmp/got"
	diff "traces/$trace.expect" "$tmp/got" >"$tmp/out" 2>&1
	result $? "$trace: the dry run prints what is expected"
done

for trace in $traces; do
	ends 0 "$trace: replayed" "traces/$trace.strace"
	says "$trace: as expected" \
	     '^violations 0, differences 0, leaked frames 0$'
done

ends 0 'all pages written after forks' --cow-writes 1 traces/fork.strace
ends 0 'little memory' --region 4M traces/python.strace
says 'little memory: as expected' '^violations 0, differences 0, leaked frames 0$'
says 'little memory: mappings are scaled' 'mappings larger than the free frames'
ends 0 'pages dropped after a fork, little memory' --region 4M traces/dontneed-fork.strace
says 'pages dropped after a fork, little memory: as expected' '^violations 0, differences 0, leaked frames 0$'
ends 0 'a check after each call' --check-every 1 traces/fork.strace
says 'a check after each call: most clauses' 'clauses .*evaluated'
ends 0 'a line for each call' --verbose traces/vfork.strace
says 'a line for each call: with its line and process' '^ *7 *30 vfork'
ends 0 'JSON' --json traces/fork.strace
if command -v python3 >/dev/null; then
	python3 -m json.tool "$tmp/out" >/dev/null
	result $? 'JSON that can be read'
else
	count=$((count + 1))
	echo "ok $count - JSON that can be read # SKIP no python3 here"
fi

notices unmap fork 1 'line 10: pid 21: munmap: space 2 va 0x7f0000012000 (access after unmap): access on CPU 1: expected fault (absent, read), found ok'
notices protect protnone 1 'line 6: .*(store to a read-only page): .*expected fault (protection, write), found ok'
notices zero dontneed 1 'line 5: .*(read of a fresh page): .*expected 0x0000000000000000'
notices cow fork 1 'line 7: .*fork: .*(read on the other side of a fork)'
notices leak protnone 1 'leaked frames [1-9]'
notices query mremap 1 'line 4: .*mremap: .*(read of a value that must be kept)'
notices fault protnone 1 'expected fault (absent, read), found fault (protection, read)'
notices freeze fork 2 'X0'

: >"$tmp/empty"
ends 65 'an empty file' "$tmp/empty"
echo 'hello' >"$tmp/no-log"
ends 65 'a file that is no log' "$tmp/no-log"
says 'a file that is no log: its line is named' ':1: malformed: no call'
ends 66 'no file' "$tmp/missing"
ends 64 'no argument'
ends 64 'a wrong machine' --machine none traces/fork.strace

echo "1..$count"
exit $failed
