#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Measure which lines and branches of vmstore/ the tests reach.
#
#   coverage.sh [--results FILE] [--update]
#
#   --results FILE  append "pass|fail tests", "... lines" and "... branches"
#   --update        bring the tables of docs/coverage.md up to date
#
# The module, with the KUnit suites, is built with gcov for a UML kernel with
# fail-nth. One boot loads it, which runs the suites, then runs the programs of
# selftests/ and removes the module. Prints a table by file and what was not
# reached; the full list, with branches, is coverage.txt in the cache's results.
#
# Fails below 90 % of the lines or 80 % of the branches, and if a test fails.

set -eu
. "$(dirname "$0")/lib.sh"

results='' update=''
while [ $# -gt 0 ]; do
	case $1 in
	-h | --help) usage; exit 0 ;;
	--results) need_arg "$1" $#; results=$2; shift ;;
	--update) update=1 ;;
	*) usage_error "unknown option '$1'" ;;
	esac
	shift
done
command -v busybox >/dev/null || die "busybox is missing: run 'make setup'"

# Seconds the guest may take, and one program in it.
guest_seconds=1500
program_seconds=300

make_tmp
scripts=$VMSTORE_TOP/scripts
logs=$VMSTORE_CACHE/results
mkdir -p "$logs"
: >"$VMSTORE_TMP/results"
# In a subshell, so that only the kernel keeps others waiting.
out=$(hold_lock um && "$scripts/um-kernel.sh" gcov)
hold_lock coverage
copy=$out-vmstore
notes=$out-notes

note()
{
	printf '%s\n' "$*" >>"$VMSTORE_TMP/results"
}

make_quietly()
{
	make "$@" >"$VMSTORE_TMP/make.log" 2>&1 || {
		tail -n 50 "$VMSTORE_TMP/make.log" >&2
		die "the build for coverage failed"
	}
}

# Bringing the copy up to date removes the compiler's notes of what is in each
# object, while the objects stay: so the notes are kept elsewhere.
keep_notes()
{
	mkdir -p "$copy" "$notes"
	rsync -rt --prune-empty-dirs --include='*/' --include='*.gcno' \
		--exclude='*' "$copy/" "$notes/"
}

# Without early inlining, each function is counted once, and not again wherever
# it was inlined.
build_module_with_gcov()
{
	keep_notes
	copy_project "$copy"
	make_quietly -C "$out" ARCH=um M="$copy" -j"$VMSTORE_JOBS" \
		GCOV_PROFILE=y KCFLAGS=-fno-early-inlining modules
	keep_notes
}

# What uml.sh boots, but the suites run when the module is loaded, and what was
# counted is read after its exit.
make_root()
{
	local root=$1 tests tools name
	tests=$("$scripts/user.sh" selftests)
	tools=$("$scripts/user.sh" tools)
	make_guest_root "$root"
	mkdir "$root/out"
	cp "$copy/vmstore.ko" "$root/vmstore.ko"
	programs=$(make -s -C "$tests" list)
	for name in $programs; do
		add_to_guest "$root" "$tests/$name"
	done
	add_to_guest "$root" "$tools/vmstorectl"
	add_to_guest "$root" "$tools/examples"
	add_to_guest "$root" "$tests/litmus"
	add_to_guest "$root" "$scripts/run-tests.sh"
	# Doing the same more often reaches no more lines.
	# shellcheck disable=SC2086 # one word per program
	quote_words env VMSTORE_ROUNDS=20 ./run-tests.sh $program_seconds \
		$programs >"$root/etc/command"
	cat >"$root/init" <<'INIT'
#!/bin/sh
/bin/busybox --install -s /bin
export PATH=/test:/bin HOME=/test TERM=linux
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t debugfs debugfs /sys/kernel/debug
mkdir -p /dev/shm
mount -t tmpfs tmpfs /dev/shm
insmod /vmstore.ko || echo "not ok insmod" >>/out/trouble
cd /test
(eval "exec $(cat /etc/command)") </dev/null >/out/programs 2>&1
cd /
rmmod vmstore || echo "not ok rmmod" >>/out/trouble
cd /sys/kernel/debug/gcov
# Not cp: these files say that they are empty.
find . -name '*.gcda' | while read -r file; do
	mkdir -p "/out/gcda/${file%/*}"
	cat "$file" >"/out/gcda/$file"
done
cd /
echo done >/out/status
sync
poweroff -f
INIT
	chmod +x "$root/init"
}

run_guest()
{
	local root=$1 klog=$VMSTORE_TMP/kernel.log status=0
	exec 3>"$klog"
	{
		limited "$guest_seconds" "$VMSTORE_TMP/linux" \
			uml_dir="$VMSTORE_TMP" mem=512M rootfstype=hostfs \
			rootflags="$root" rw init=/init \
			con=null con0=null,fd:3 </dev/null 2>&3 >&3 || status=$?
	} 2>/dev/null # bash's word on a child that aborted
	exec 3>&-
	tr -d '\r' <"$klog" >"$logs/coverage.log"
	if [ ! -s "$root/out/status" ]; then
		tail -n 30 "$logs/coverage.log" >&2
		die "the guest did not finish ($status)"
	fi
}

# A test that fails here also fails elsewhere, where it is reported in full.
check_tests()
{
	local root=$1 status=0
	# shellcheck disable=SC2086 # one word per program
	python3 "$scripts/ktap.py" "$VMSTORE_TMP/tap" $programs \
		<"$root/out/programs" || status=1
	[ ! -e "$root/out/trouble" ] || status=1
	grep -E '^ *not ok' "$logs/coverage.log" && status=1
	scan_kernel_log "$logs/coverage.log" || status=1
	if ! grep -q -E '^\[.*\] *ok .* vmstore|^ *ok .* vmstore' \
		"$logs/coverage.log"; then
		warn "no KUnit suite ran"
		status=1
	fi
	if [ "$status" = 0 ]; then
		note pass tests
	else
		note fail tests "see $logs/coverage.log"
	fi
	return $status
}

# One line of JSON an object.
read_counts()
{
	local data=$VMSTORE_TMP/data
	cp -r "$notes" "$data"
	[ -d "$1/out/gcda/$copy" ] || die "the kernel counted nothing"
	cp -r "$1/out/gcda/$copy/." "$data"
	(
		cd "$data"
		find . -name '*.gcda' | sort | while read -r file; do
			gcov --json-format --stdout --branch-probabilities "$file"
		done
	) >"$VMSTORE_TMP/counts" 2>"$VMSTORE_TMP/gcov.err"
	if grep -q -i -E 'mismatch|cannot|corrupt' "$VMSTORE_TMP/gcov.err"; then
		cat "$VMSTORE_TMP/gcov.err" >&2
		die "gcov cannot read what was counted"
	fi
}

build_module_with_gcov
make_root "$VMSTORE_TMP/root"
# Others may build while this one runs.
cp "$out/linux" "$VMSTORE_TMP/linux"
release_lock
say "running the suites and $(echo "$programs" | wc -w) test programs"
run_guest "$VMSTORE_TMP/root"
status=0
check_tests "$VMSTORE_TMP/root" || status=1
read_counts "$VMSTORE_TMP/root"
python3 "$scripts/coverage.py" --source "$copy" --counts "$VMSTORE_TMP/counts" \
	--doc "$VMSTORE_TOP/docs/coverage.md" ${update:+--update} \
	--report "$logs/coverage.txt" --results "$VMSTORE_TMP/results" || status=1
[ -z "$results" ] || cat "$VMSTORE_TMP/results" >>"$results"
exit "$status"
