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

# The litmus language and the explorer, too.
./litmus ../../selftests/litmus >"$tmp/out" 2>"$tmp/err"
status=$?
sed 's/^/    /' "$tmp/out"
result $status 'litmus tests: language and model'

# --- litmus ---------------------------------------------------------------------

suite=../../selftests/litmus
ends 0 'litmus: the verdicts of the suite' $ctl litmus --explore-only $suite
out 'litmus: an outcome, its verdict, and that it is stale' \
	'^  required  *stale  r0=a r1=a$'
out 'litmus: how many tests' '^[0-9]* tests: 0 with a forbidden outcome, 0 whose'
empty 'litmus: nothing to complain of'
ends 0 'litmus: JSON' $ctl --json litmus -e $suite/Local-unmap.litmus
out 'litmus: JSON has outcomes' '"outcome": "r0=a r1=absent"'
is_json 'litmus: JSON is JSON'
sed 's/^allowed/forbidden/' $suite/Local-unmap.litmus >"$tmp/wrong.litmus"
ends 1 'litmus: a wrong verdict' $ctl litmus -e "$tmp/wrong.litmus"
err 'litmus: its line' 'wrong.litmus:14: error: the model allows what is forbidden here: r0=a'
sed 's/^map/mop/' $suite/Local-unmap.litmus >"$tmp/wrong.litmus"
ends 65 'litmus: a wrong word' $ctl litmus -e "$tmp/wrong.litmus"
err 'litmus: the right one' "no operation is called 'mop'; did you mean 'map'?"
ends 66 'litmus: no file' $ctl litmus -e "$tmp/none.litmus"
ends 66 'litmus: an empty folder' $ctl litmus -e .
ends 64 'litmus: no rounds' $ctl litmus --rounds=0 $suite
ends 64 'litmus: a wrong machine' $ctl litmus --machine=fast $suite
ends 69 'litmus: no device' $ctl litmus --device=/nonexistent $suite/Local-unmap.litmus

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

cat >"$tmp/tell.vms" <<'END'
# SPDX-License-Identifier: GPL-2.0-only
#
# What this is about
#  and more of it

setup region=8M # not told
s = space-new

	# A frame
f = frame-alloc		-> paddr=0	# nor this
frame-drop frame=f -> freed=1
frame-drop frame=f -> ENOENT
check
# The end
END
cat >"$tmp/tell.txt" <<'END'
What this is about
 and more of it

    setup region=8M -> ok
    s = space-new -> ok id=1

A frame
    f = frame-alloc -> ok paddr=0
    frame-drop frame=f -> ok freed=1
    frame-drop frame=f -> ENOENT
    check -> ok
The end
END
ends 0 'tell' $ctl run --tell "$tmp/tell.vms"
sed -i '$d' "$tmp/out"
same 'comments, statements as written, outcomes' "$tmp/tell.txt"
ends 0 'tell as JSON' $ctl -j run -t "$tmp/tell.vms"
out 'JSON has its steps, too' '"op": "frame-drop"'
is_json 'and is JSON'

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

# --- the story of a violation -----------------------------------------------------------

# The operations up to the violation, one that failed among them, and a name given twice.
cat >"$tmp/story.vms" <<'END'
setup region=8M machine=soft cpus=4
s = space-new
a = frame-alloc
a = frame-alloc
c = cursor-open-mut space=s start=4M end=4M+16k
cursor-map cursor=c frame=a prop=rwu
frame-drop frame=99 -> ENOENT
access space=s va=4M+4k -> EFAULT
access space=s va=4M value=7 write @cpu 1
END
cat >"$tmp/story.txt" <<'END'
# the last 8 operations, a script for vmstorectl run
setup region=8192k machine=soft cpus=4 check=full
s1 = space-new
f1 = frame-alloc -> paddr=0
f2 = frame-alloc -> paddr=0x1000
c1 = cursor-open-mut space=s1 start=0x400000 end=0x404000 -> level=1 nodes_allocated=0
cursor-map cursor=c1 frame=f2 prop=rwu -> va=0x401000 replaced=0 old_paddr=0 nodes_allocated=0
frame-drop frame=99 -> ENOENT
access space=s1 va=0x401000 -> EFAULT fault=taken+user
access space=s1 va=0x400000 value=0x7 write @cpu 1 -> value=0
END
VMSTORE_FAKE_FREEZE=8
export VMSTORE_FAKE_FREEZE
for command in run check dump; do
	ends 2 "$command: a violation" $ctl $command "$tmp/story.vms"
	sed -n '/^# the last/,$p' "$tmp/err" >"$tmp/out"
	same "$command tells how it came about" "$tmp/story.txt"
done
cp "$tmp/story.txt" "$tmp/again.vms"
ends 2 'the story is a script' $ctl run "$tmp/again.vms"
sed -n '/^# the last/,$p' "$tmp/err" >"$tmp/out"
same 'which tells the same story' "$tmp/story.txt"
for command in run check dump; do
	ends 2 "$command: a story as JSON" $ctl -j $command "$tmp/story.vms"
	out "$command: JSON has its numbers" '"seq": 8'
	is_json "$command: a story is JSON"
done
unset VMSTORE_FAKE_FREEZE
ends 0 'no violation, no story' $ctl dump "$tmp/story.vms"
empty 'none at all'
ends 0 'unless it is asked for' $ctl dump -s story "$tmp/story.vms"
same 'the story' "$tmp/story.txt"

# More than a store remembers: the beginning is missing, and its ids have no names.
{
	echo 's = space-new'
	echo 'f = frame-alloc'
	for i in $(seq 1 300); do
		echo "space-activate space=s"
	done
	echo 'c = cursor-open-mut space=s start=4M end=8M'
	echo 'cursor-map cursor=c frame=f prop=rwu'
} >"$tmp/long.vms"
ends 0 'a long story' $ctl dump -s story "$tmp/long.vms"
out 'it says that its beginning is missing' '^# 48 operations are missing here;'
out 'an id from there is a number' '^space-activate space=1$'
out 'a later one has a name' '^cursor-map cursor=c1 frame=1 prop=rwu '

# --- record ---------------------------------------------------------------------------

# recorded STATUS NAME COMMAND...: what it does to a store that is its own
recorded()
{
	rm -f "$tmp/state" "$tmp/rec.vms"
	VMSTORE_FAKE_STATE=$tmp/state
	export VMSTORE_FAKE_STATE
	want=$1 name=$2
	shift 2
	ends "$want" "$name" $ctl record "$tmp/rec.vms" -- "$@"
	unset VMSTORE_FAKE_STATE
}

recorded 0 'a recording' $ctl run "$tmp/good.vms"
sed -n '2,$p' "$tmp/story.txt" | head -1 >"$tmp/want"
head -1 "$tmp/rec.vms" >"$tmp/out"
same 'it begins with the store' "$tmp/want"
ends 0 'it can be run' $ctl run "$tmp/rec.vms"
out 'and has every operation' ': 11 operations run, all as expected'
cp "$tmp/rec.vms" "$tmp/first.vms"
recorded 0 'a recording of the recording' $ctl run "$tmp/first.vms"
cp "$tmp/rec.vms" "$tmp/out"
same 'is the recording' "$tmp/first.vms"
cat >"$tmp/other.vms" <<'END'
setup region=4M
s = space-new
c = cursor-open-mut space=s start=4M end=8M
cursor-open space=s start=4M end=8M -> EBUSY
END
recorded 0 'several commands, one store' \
	sh -c "$ctl run $tmp/story.vms && $ctl run $tmp/other.vms"
ends 0 'one script' $ctl run "$tmp/rec.vms"
out 'of them all' ': 11 operations run, all as expected'
recorded 3 "the command's status" sh -c 'exit 3'
recorded 143 'a command that is killed' sh -c 'kill $$'
recorded 127 'a command that is not there' "$tmp/none"
err 'says so' 'cannot run .*/none: No such file'
recorded 0 'a command that does nothing' true
[ -e "$tmp/rec.vms" ] && [ ! -s "$tmp/rec.vms" ]
result $? 'an empty script'
VMSTORE_FAKE_ASLEEP=1
export VMSTORE_FAKE_ASLEEP
recorded 1 'a command that is too fast' $ctl run "$tmp/long.vms"
err 'how much is missing' 'rec.vms is not complete: 48 operations came too fast'
recorded 0 'one that is not' $ctl run "$tmp/good.vms"
unset VMSTORE_FAKE_ASLEEP
for i in $(seq 200); do
	echo frame-alloc
done >"$tmp/200.vms"
recorded 0 'a long recording that is followed' sh -c "
	for lines in 201 401 601; do
		$ctl run $tmp/200.vms
		until [ \"\$(wc -l <$tmp/rec.vms)\" = \$lines ]; do sleep 0.01; done
	done"
ends 0 'is complete' $ctl run "$tmp/rec.vms"
out 'indeed' ': 600 operations run, all as expected'
VMSTORE_FAKE_FREEZE=5
export VMSTORE_FAKE_FREEZE
recorded 2 'a violation while recording' sh -c "$ctl run $tmp/good.vms; :"
err 'it says so' 'violated by the last operation in'
[ "$(wc -l <"$tmp/rec.vms")" = 6 ]
result $? 'with which the script ends'
unset VMSTORE_FAKE_FREEZE
VMSTORE_FAKE_STATE=$tmp/state2
export VMSTORE_FAKE_STATE
ends 0 'a store made before' $ctl record -s 'region=16M machine=soft' "$tmp/rec.vms" -- \
	$ctl run "$tmp/good.vms"
out 'the command runs in it' ': 11 operations run'
unset VMSTORE_FAKE_STATE
grep -q '^setup region=16384k ' "$tmp/rec.vms"
result $? 'it is as was asked'
ends 64 'a wrong setup' $ctl record -s 'regoin=16M' "$tmp/rec.vms" -- true
err 'which word' "did you mean 'region'?"
ends 69 'a store that cannot be made' $ctl record -s 'region=1M' "$tmp/rec.vms" -- true
ends 71 'a file that cannot be written' $ctl record "$tmp/none/rec.vms" -- true
ends 64 'no command to record' $ctl record "$tmp/rec.vms"
ends 64 'no file to record to' $ctl record
VMSTORE_FD=77
export VMSTORE_FD
ends 69 'no store where there should be one' $ctl run "$tmp/good.vms"
err 'which variable' 'VMSTORE_FD is not the number of an open file'
VMSTORE_FD=x
ends 69 'nonsense where there should be one' $ctl run "$tmp/good.vms"
unset VMSTORE_FD

# --- kernel areas ---------------------------------------------------------------------

# Where an area lies is the module's choice; a script says where in an area.
cat >"$tmp/areas.vms" <<'END'
setup region=8M machine=soft cpus=4
s = space-new
f = frame-alloc
g = frame-from-in-use paddr=f.paddr
c = cursor-open-mut space=s start=4M end=4M+4k
cursor-map cursor=c frame=g prop=rwu
area = kvirt-map-frames size=16k frames=f offset=4k prop=rw -> leaves=1
access space=s va=area+4k value=0x1234 write
access space=s va=4M -> value=0x1234
access space=s va=0xffff800000000000+f.paddr -> value=0x1234
access space=s va=area -> EFAULT fault=taken
h = kvirt-query area=area va=area+4k+8 -> found=1 paddr=f.paddr start=area+4k end=area+8k
kvirt-query area=area va=area.start+8k -> found=0
kvirt-query area=area va=area.end -> EINVAL
kreader-new va=area+4k len=8 -> EOPNOTSUPP
kvirt-unmap-range area=area offset=0 len=8k -> removed=1
other = kvirt-map-frames size=4k frames=h prop=rx
kvirt-drop area=area
access space=s va=area+4k -> EFAULT
access space=s va=other -> value=0x1234
kvirt-map-frames size=4k frames=- offset=4k prop=r -> EINVAL
END
cat >"$tmp/areas.txt" <<'END'
setup region=8192k machine=soft cpus=4 check=full
s1 = space-new
f1 = frame-alloc -> paddr=0
f2 = frame-from-in-use paddr=0 -> paddr=0
c1 = cursor-open-mut space=s1 start=0x400000 end=0x401000 -> level=1 nodes_allocated=0
cursor-map cursor=c1 frame=f2 prop=rwu -> va=0x401000 replaced=0 old_paddr=0 nodes_allocated=0
k1 = kvirt-map-frames size=0x4000 frames=f1 offset=0x1000 prop=rw -> leaves=1 huge=0
access space=s1 va=k1+0x1000 value=0x1234 write -> value=0
access space=s1 va=0x400000 -> value=0x1234
access space=s1 va=0xffff800000000000 -> value=0x1234
access space=s1 va=k1 -> EFAULT fault=taken
f3 = kvirt-query area=k1 va=k1+0x1008 -> found=1 start=k1+0x1000 end=k1+0x2000 paddr=0 level=1 untracked=0
kvirt-query area=k1 va=k1+0x2000 -> found=0 paddr=0 untracked=0
kvirt-query area=k1 va=k1+0x4000 -> EINVAL
kreader-new va=k1+0x1000 len=0x8 -> EOPNOTSUPP
kvirt-unmap-range area=k1 offset=0 len=0x2000 -> removed=1 split=0
k2 = kvirt-map-frames size=0x1000 frames=f3 prop=rx -> leaves=1 huge=0
kvirt-drop area=k1 -> removed=0 split=0
access space=s1 va=k1+0x1000 -> EFAULT fault=taken
access space=s1 va=k2 -> value=0x1234
kvirt-map-frames size=0x1000 frames=- offset=0x1000 prop=r -> EINVAL
END
ends 0 'areas' $ctl run --echo "$tmp/areas.vms"
out 'the echo has addresses' '^ *8  access space=1 va=0xffff804000001000 value=0x1234 write'
recorded 0 'a recording of areas' $ctl run "$tmp/areas.vms"
cp "$tmp/rec.vms" "$tmp/out"
same 'has addresses in them' "$tmp/areas.txt"
VMSTORE_FAKE_PLACE=0xffff804123456000
export VMSTORE_FAKE_PLACE
ends 0 'areas that lie elsewhere' $ctl run --echo "$tmp/areas.vms"
out 'elsewhere indeed' '^ *8  access space=1 va=0xffff804123457000 value=0x1234 write'
recorded 0 'a recording that is run there' $ctl run "$tmp/areas.txt"
cp "$tmp/rec.vms" "$tmp/out"
same 'is the recording' "$tmp/areas.txt"

# Of more handles than a store remembers of one operation the statement is a comment.
{
	for i in $(seq 13); do
		echo "f$i = frame-alloc"
	done
	echo 'k = kvirt-map-frames size=64k frames=f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13 prop=r'
	echo 'kvirt-query area=k va=k+4k peek'
	echo 'j = kvirt-map-frames size=4k frames=- prop=r'
	echo 'kvirt-query area=j va=j'
} >"$tmp/many.vms"
ends 0 'more frames than are remembered' $ctl dump -s story "$tmp/many.vms"
out 'it says so' '^# of the next frames only 96 of 104 bytes are known$'
out 'the area has no name' '^kvirt-query area=1 va=0xffff804123457000 peek -> found=1 '
out 'the next one has' '^kvirt-query area=k2 va=k2 -> found=0 '
cp "$tmp/out" "$tmp/again.vms"
ends 0 'it is a script' $ctl run -n "$tmp/again.vms"
unset VMSTORE_FAKE_PLACE

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

cat >"$tmp/kernel.vms" <<'END'
setup region=8M
s = space-new
c = cursor-open-mut space=s start=4M end=4M+4k
a = frame-alloc
a2 = frame-clone frame=a -> EOPNOTSUPP
a2 = frame-from-in-use paddr=a.paddr
b = frame-alloc
d = frame-alloc
cursor-map cursor=c frame=a2 prop=rwu
one = kvirt-map-frames size=16k frames=a,b offset=4k prop=rw
two = kvirt-map-frames size=1M frames=d prop=rx
kvirt-map-frames size=4k frames=- prop=r
END
cat >"$tmp/kernel.txt" <<'END'
kernel half  root 40000, linear window ffff800000000000-ffff800000800000, areas 3
    L3 ffff800000000000-ffff808000000000  node 30000, 1 entry
      L2 ffff804000000000-ffff804040000000  node 20000, 1 entry
        L1 ffff804000000000-ffff804000200000  node 10000, 1 entry
          ffff804000001000-ffff804000003000  rw-----  -> 0-2000  2 x 4k  area 1+1000
          ffff804000005000-ffff804000006000  r-x----  -> 2000-3000  1 x 4k  area 2+0
space 1  root 140000
  L4 0000000000000000-0000800000000000  node 142000, 1 entry
    L3 0000000000000000-0000008000000000  node 132000, 1 entry
      L2 0000000000000000-0000000040000000  node 122000, 1 entry
        L1 0000000000400000-0000000000600000  node 112000, 1 entry
          0000000000400000-0000000000401000  rw-u---  -> 0-1000  1 x 4k

kernel areas  3
  area 1  ffff804000000000-ffff804000004000  16k
    +0-1000  not mapped
    +1000-3000  rw-----  -> 0-2000  2 x 4k
    +3000-4000  not mapped
  area 2  ffff804000005000-ffff804000105000  1M, kept by 1 reader or writer
    +0-1000  r-x----  -> 2000-3000  1 x 4k
    +1000-100000  not mapped
  area 3  ffff804000106000-ffff804000107000  4k
    +0-1000  not mapped
END
ends 0 'dump of the kernel half' $ctl dump -s tables -s areas "$tmp/kernel.vms"
same 'areas are in the tables, and a list' "$tmp/kernel.txt"
ends 0 'dump of one space' $ctl dump -s tables -S 1 "$tmp/kernel.vms"
out 'begins with it' '^space 1 '
[ "$(wc -l <"$tmp/out")" = 6 ]
result $? 'and leaves the kernel half out'
ends 0 'dump of areas as JSON' $ctl dump -j "$tmp/kernel.vms"
out 'JSON has them' '"pins": 1'

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
for command in '' info run check dump tlb record replay; do
	ends 0 "help of '$command'" $ctl $command --help
	out "example of '$command'" 'vmstorectl .*[a-z]'
done
ends 0 'list of operations' $ctl run --list
out 'an operation' '^cursor-map cursor= frame= prop= \[defer\] -> va replaced'
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

# --- tlb ---------------------------------------------------------------------------

cat >"$tmp/tlb.txt" <<'END'
flushes owed
  space     cursor    state     range                              by
  1         1         changed   0000000000400000-0000000000401000
  1         1         pending   everything
  kernel    -         sent      ffff804000000000-ffff804000001000  cpu 0, 2

cached
  by        space     translations  tables  idle  stale
  model     1         1             -       -     0
  cpu 0     1         1             -       -     0
  cpu 1     1         2             -       -     2
  cpu 2     1         1             2       -     2
  cpu 3     kernel    1             1       -     1
  cpu 3     1         1             -       1     0

stale
  cpu 1     1         0000000000400000-0000000000401000  rw-u---  -> 5000  stale: another frame
  cpu 1     1         0000000000800000-0000000000801000  rw-u---  -> 4000  stale: nothing is mapped
  cpu 2     1         0000000000000000-0000000040000000  table    -> L2 7000  stale: another table
  cpu 2     1         0000000000400000-0000000000401000  r--u---  -> 4000  stale: another property
  cpu 3     kernel    ffff804000000000-ffff804000001000  rw-u---  -> 4000  global  stale: nothing is mapped
END
ends 0 'what is cached' env VMSTORE_FAKE_TLB=1 $ctl tlb "$tmp/scatter.vms"
same 'the tables' "$tmp/tlb.txt"
ends 0 'all that is cached' env VMSTORE_FAKE_TLB=1 $ctl tlb --all "$tmp/scatter.vms"
out 'what the table says, too' \
	'^  cpu 0     1         0000000000400000-0000000000401000  rw-uad-  -> 4000$'
out 'what nobody uses any more' '  -> 4000  idle$'
out 'under every root' '  -> 4000  global  stale: nothing is mapped$'
out 'a table of the window' '  table    -> L1 window$'
ends 0 'what is cached, as JSON' env VMSTORE_FAKE_TLB=1 $ctl tlb --json "$tmp/scatter.vms"
out 'the model has it' '"cpu": null'
out 'what is wrong with it' '"stale": "another frame"'
out 'a flush that CPUs owe' '"state": "sent"'
is_json 'what is cached is JSON'
ends 0 'nothing is cached' $ctl tlb
out 'nobody owes a flush' '^  none$'
ends 64 'two files' $ctl tlb a b
ends 66 'no such file' $ctl tlb /nonexistent

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
