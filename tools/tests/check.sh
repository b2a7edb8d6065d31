#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Test vmstorectl against a fake device: what it prints, and its exit status.
# Prints TAP.

cd "$(dirname "$0")" || exit 1
unset NO_COLOR VMSTORE_FAKE_FREEZE
ctl=./vmstorectl-fake
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

count=0
failed=0

# result STATUS NAME: one line of TAP, with what the command printed if it failed.
result()
{
	count=$((count + 1))
	if [ "$1" = 0 ]; then
		echo "ok $count - $2"
		return
	fi
	failed=1
	echo "not ok $count - $2"
	sed 's/^/# out: /' "$tmp/out"
	sed 's/^/# err: /' "$tmp/err"
}

# ends STATUS NAME COMMAND...: the command ends so; its script is our input.
ends()
{
	want=$1
	name=$2
	shift 2
	"$@" >"$tmp/out" 2>"$tmp/err"
	status=$?
	[ "$status" = "$want" ] || echo "status $status, not $want" >>"$tmp/err"
	[ "$status" = "$want" ]
	result $? "$name"
}

# out NAME PATTERN, err NAME PATTERN: a line of what the last command printed.
out()
{
	grep -q -e "$2" "$tmp/out"
	result $? "$1"
}

err()
{
	grep -q -e "$2" "$tmp/err"
	result $? "$1"
}

# same NAME FILE: the last command printed just this.
same()
{
	diff "$2" "$tmp/out" >"$tmp/err" 2>&1
	result $? "$1"
}

# empty NAME: the last command printed no errors.
empty()
{
	[ ! -s "$tmp/err" ]
	result $? "$1"
}

is_json()
{
	if ! command -v python3 >/dev/null; then
		count=$((count + 1))
		echo "ok $count - $1 # SKIP no python3 here"
		return
	fi
	python3 -m json.tool "$tmp/out" >"$tmp/tool" 2>"$tmp/err"
	result $? "$1"
}

echo 'TAP version 13'

# The library and the parser, as one test of this document.
./selftest >"$tmp/out" 2>"$tmp/err"
status=$?
sed 's/^/    /' "$tmp/out"
result $status 'library and script parser'

# --- run ------------------------------------------------------------------------

cat >"$tmp/good.vms" <<'END'
setup region=8M machine=soft
s = space-new
f = frame-alloc
c = cursor-open-mut space=s start=4M end=4M+16k
cursor-map cursor=c frame=f prop=rwu -> va=4M+4k replaced=0
access space=s va=4M value=0x1234 write
access space=s va=4M -> value=0x1234
access space=s va=4M+4k -> EFAULT fault=taken+user
cursor-open-mut space=s start=4M end=8M -> EBUSY
g = frame-from-in-use paddr=f.paddr -> id!=f.id
frame-drop frame=g -> freed=0
frame-from-unused paddr=f.paddr -> EBUSY
check
END

ends 0 'a good script' $ctl run "$tmp/good.vms"
out 'summary' ': 11 operations run, 1 check, all as expected$'
empty 'no errors'
ends 0 'from standard input' $ctl run - <"$tmp/good.vms"
out 'standard input has a name' '^<stdin>: 11 operations'
ends 0 'another machine' $ctl run -m soft "$tmp/good.vms"
ends 64 'an unknown machine' $ctl run -m fast "$tmp/good.vms"
ends 0 'parse only' $ctl run -n --device=/nonexistent "$tmp/good.vms"
ends 0 'echo' $ctl run --echo "$tmp/good.vms"
out 'echo has names, ids and outcomes' \
	'^ *4  c = cursor-open-mut space=1 start=0x400000 end=0x404000 -> ok id=1 level=1'
out 'echo of a failure' '^ *8  access space=1 va=0x401000 -> EFAULT fault=taken+user$'
ends 0 'JSON' $ctl --json run --echo "$tmp/good.vms"
out 'JSON has steps' '"va": "0x401000"'
is_json 'JSON is JSON'

cat >"$tmp/bad.vms" <<'END'
f = frame-alloc
frame-drop frame=77
frame-drop frame=f
END

ends 1 'an operation that fails' $ctl run --echo "$tmp/bad.vms"
err 'which line' 'bad.vms:2: error: unexpected outcome'
err 'what was expected' '| expected  ok$'
err 'what was found, and what it means' '| found     ENOENT: the frame is not in use'
out 'nothing runs behind it' ': 2 operations run, 1 unexpected$'
ends 1 'keep going' $ctl run -k "$tmp/bad.vms"
out 'keep going goes on' ': 3 operations run, 1 unexpected$'

printf 'frame-alloc -> paddr=4096\nframe-alloc\n' >"$tmp/field.vms"
ends 1 'another field than expected' $ctl run "$tmp/field.vms"
err 'field expected' '| expected  paddr=0x1000$'
err 'field found' '| found     paddr=0$'
out 'nothing runs behind it either' ': 1 operation run, 1 unexpected$'

ends 1 'its state' $ctl dump -s handles "$tmp/field.vms"
out 'nothing has run behind it indeed' '^handles  1$'

printf 'frame-alloc -> ENOMEM\n' >"$tmp/unfailed.vms"
ends 1 'success where failure is expected' $ctl run "$tmp/unfailed.vms"
err 'success found' '| found     ok$'

cat >"$tmp/skip.vms" <<'END'
f = frame-from-unused paddr=1 -> EINVAL
frame-drop frame=f
END
ends 1 'a name without an outcome' $ctl run "$tmp/skip.vms"
err 'says why' "not run: 'f' of line 1 did not succeed"

printf 'frame-alloc -> any\nframe-drop frame=9 -> any\n' >"$tmp/any.vms"
ends 0 'any outcome' $ctl run "$tmp/any.vms"
printf 'setup region=1M -> EINVAL\nframe-alloc\n' >"$tmp/setup.vms"
ends 0 'setup that must fail' $ctl run "$tmp/setup.vms"
printf 'setup region=1M\n' >"$tmp/setup.vms"
ends 1 'setup that fails' $ctl run "$tmp/setup.vms"
err 'says what setup wants' 'multiple of 4M'

# Long scripts are long batches, with references across their borders.
awk 'BEGIN {
	print "setup region=16M"; print "s = space-new"
	for (i = 0; i < 200000; i++)
		print "a = frame-from-in-use paddr=0 -> any"
}' >"$tmp/many.vms"
sed -i '3,$s/.*/space-activate space=s/' "$tmp/many.vms"
ends 0 'a script longer than a batch' $ctl run "$tmp/many.vms"
out 'all of it ran' ': 200001 operations run'

# --- mistakes ---------------------------------------------------------------------

printf 'cursor-mop cursor=1\nframe-drop fram=1\n' >"$tmp/wrong.vms"
ends 65 'a wrong script' $ctl run "$tmp/wrong.vms"
err 'position and suggestion' \
	"wrong.vms:1:1: error: no operation is called 'cursor-mop'; did you mean 'cursor-map'?"
err 'the line' '^    1 | cursor-mop cursor=1$'
err 'the caret' '^      | ^~~~~~~~~~$'
err 'the second mistake, too' 'wrong.vms:2:12:'
err 'how many' '2 errors, nothing was run'
ends 66 'a script that is not there' $ctl run "$tmp/none.vms"
ends 66 'a folder is no script' $ctl run "$tmp"
printf 'frame-alloc\0\n' >"$tmp/nul.vms"
ends 65 'a NUL byte' $ctl run "$tmp/nul.vms"
head -c 20000 /dev/urandom >"$tmp/noise.vms"
ends 65 'noise' $ctl run -n "$tmp/noise.vms"

# --- check and freeze ---------------------------------------------------------------

ends 0 'check without a script' $ctl check
out 'table of clauses' '^A1  *1024 '
out 'verdict' '^the invariant holds, 2 clauses$'
ends 0 'check quietly' $ctl check -q "$tmp/good.vms"
[ "$(wc -l <"$tmp/out")" = 1 ]
result $? 'only the verdict'
ends 1 'check of a script that fails' $ctl check "$tmp/bad.vms"
VMSTORE_FAKE_FREEZE=3
export VMSTORE_FAKE_FREEZE
ends 2 'a violation in run' $ctl run "$tmp/good.vms"
err 'the violation' 'violated: A1, slot 0x3000: expected 0x2, found 0x1'
ends 2 'a violation in check' $ctl check "$tmp/good.vms"
out 'the violation in the table' '^A1 .* 1  rc == H + P + S'
ends 2 'a violation in dump' $ctl dump "$tmp/good.vms"
VMSTORE_FAKE_FREEZE=11
ends 2 'a violation by the last operation' $ctl run "$tmp/good.vms"
ends 2 'a violation as JSON' $ctl check --json "$tmp/good.vms"
out 'JSON has the violation' '"clause": "A1"'
unset VMSTORE_FAKE_FREEZE

# --- dump ---------------------------------------------------------------------------

# 3 MiB of frames that follow each other, mapped from the middle of a node on.
{
	echo 'setup region=16M'
	echo 's = space-new'
	echo 'c = cursor-open-mut space=s start=7M end=12M'
	for i in $(seq 0 199); do
		echo "f$i = frame-from-unused paddr=$((i * 4))k"
		echo "cursor-map cursor=c frame=f$i prop=rwu"
	done
	echo 'cursor-jump cursor=c va=0x800000'
	for i in $(seq 200 229); do
		echo "f$i = frame-from-unused paddr=$((i * 4))k"
		echo "cursor-map cursor=c frame=f$i prop=rxu"
	done
	echo 'h = frame-alloc'
} >"$tmp/tree.vms"
cat >"$tmp/scatter.vms" <<'END'
s = space-new
c = cursor-open-mut space=s start=4M end=6M
f = frame-from-unused paddr=16k
g = frame-from-unused paddr=8k
cursor-map cursor=c frame=f prop=rwu
cursor-map cursor=c frame=g prop=rwu
END
ends 0 'dump' $ctl dump "$tmp/tree.vms"
out 'a space' '^space 1  root '
out 'merged leaves' \
	'^  *0000000000700000-00000000007c8000  rw-u---  -> 0-c8000  200 x 4k$'
out 'leaves of another property' \
	'^  *0000000000800000-000000000081e000  r-xu---  -> c8000-e6000  30 x 4k$'
out 'mapped frames in the map' '^ *0  m\{64\}  and 2 more lines$'
out 'free frames in the map' '^ *100000  \.\{64\}  and 59 more lines$'
out 'legend' '^  m 230 frame, mapped once$'
out 'handles' '^  frame 231  e6000$'
ends 0 'dump of scattered frames' $ctl dump -s tables "$tmp/scatter.vms"
out 'a line for each' '^  *0000000000400000-0000000000401000  rw-u---  -> 4000-5000  1 x 4k$'
ends 0 'compact dump of scattered frames' $ctl dump -c -s tables "$tmp/scatter.vms"
out 'one line for both' '^  *0000000000400000-0000000000402000  rw-u---  -> scattered  2 x 4k$'
ends 0 'dump of one section' $ctl dump -s handles "$tmp/tree.vms"
[ "$(wc -l <"$tmp/out")" = 2 ]
result $? 'only that section'
ends 0 'dump of another space' $ctl dump -s tables -S 9 "$tmp/tree.vms"
[ ! -s "$tmp/out" ]
result $? 'nothing of the first'
ends 0 'dump of nothing' $ctl dump
ends 0 'dump as JSON' $ctl dump -j "$tmp/tree.vms"
is_json 'dump is JSON'

# pages N: map so many new frames, one behind the other.
pages()
{
	for _ in $(seq "$1"); do
		echo 'f = frame-alloc'
		echo 'cursor-map cursor=c frame=f prop=rwu'
	done
}

{
	echo 's = space-new'
	echo 'c = cursor-open-mut space=s start=4M end=1G'
	pages 200
	echo 'cursor-jump cursor=c va=6M'
	pages 800
	echo 'cursor-jump cursor=c va=12M'
	pages 1
} >"$tmp/tree.vms"
cat >"$tmp/tree.txt" <<'END'
space 1  root 140000
  L4 0000000000000000-0000800000000000  node 142000, 1 entry
    L3 0000000000000000-0000008000000000  node 132000, 1 entry
      L2 0000000000000000-0000000040000000  node 122000, 1 entry
        L1 0000000000400000-0000000000600000  node 112000, 1 entry
          0000000000400000-00000000004c8000  rw-u---  -> 0-c8000  200 x 4k
        L1 0000000000600000-0000000000800000  node 113000, 1 entry
          0000000000600000-0000000000800000  rw-u---  -> c8000-2c8000  512 x 4k
        L1 0000000000800000-0000000000a00000  node 114000, 1 entry
          0000000000800000-0000000000920000  rw-u---  -> 2c8000-3e8000  288 x 4k
        L1 0000000000c00000-0000000000e00000  node 116000, 1 entry
          0000000000c00000-0000000000c01000  rw-u---  -> 3e8000-3e9000  1 x 4k
END
ends 0 'dump of a tree' $ctl dump -s tables "$tmp/tree.vms"
same 'the whole tree' "$tmp/tree.txt"

{
	echo 'setup region=16M'
	echo 's = space-new'
	echo 'c = cursor-open-mut space=s start=4M end=1G'
	pages 1600
} >"$tmp/tree.vms"
cat >"$tmp/tree.txt" <<'END'
space 1  root 140000
  L4 0000000000000000-0000800000000000  node 142000, 1 entry
    L3 0000000000000000-0000008000000000  node 132000, 1 entry
      L2 0000000000000000-0000000040000000  node 122000, 1 entry
        L1 0000000000400000-0000000000a00000  3 full nodes 112000..114000
          0000000000400000-0000000000a00000  rw-u---  -> 0-600000  1536 x 4k
        L1 0000000000a00000-0000000000c00000  node 115000, 1 entry
          0000000000a00000-0000000000a40000  rw-u---  -> 600000-640000  64 x 4k
END
ends 0 'dump of full nodes' $ctl dump -s tables "$tmp/tree.vms"
same 'full nodes are one line' "$tmp/tree.txt"

# --- options --------------------------------------------------------------------------

ends 0 'info' $ctl info
out 'size as text' 'region, default  *4M$'
ends 0 'info as JSON' $ctl info -j
out 'a capability' '"keeps"'
ends 0 'version' $ctl --version
out 'version is a number' '^vmstorectl [0-9]'
for command in '' info run check dump replay; do
	ends 0 "help of '$command'" $ctl $command --help
	out "example of '$command'" 'vmstorectl .*[a-z]'
done
ends 0 'list of operations' $ctl run --list
out 'an operation' '^cursor-map cursor= frame= prop= -> va replaced'
ends 0 'help, the command' $ctl help
ends 64 'no command' $ctl
ends 64 'an unknown command' $ctl dmup
err 'the command meant' "did you mean 'dump'?"
ends 64 'an unknown option' $ctl run --bogus
ends 64 'no file' $ctl run
ends 64 'two files' $ctl run a b
ends 64 'an unknown section' $ctl dump -s table
err 'the section meant' "did you mean 'tables'?"
ends 69 'no device' $ctl --device=/nonexistent info
err 'what to do' 'insmod vmstore.ko'
ends 69 'not a device of ours' $ctl --device=/dev/null info
ends 71 'output that cannot be written' sh -c "$ctl info >/dev/full"

# --- examples ---------------------------------------------------------------------------

for script in ../examples/*.vms; do
	ends 0 "syntax of $(basename "$script")" $ctl run -n "$script"
done

# --- replay -----------------------------------------------------------------------------

# Its tests print TAP of their own, here one test of this document each.
for script in replay*.sh; do
	[ -e "$script" ] || continue
	"./$script" >"$tmp/out" 2>"$tmp/err"
	status=$?
	sed 's/^/    /' "$tmp/out"
	result $status "$script"
done

echo "1..$count"
exit $failed
