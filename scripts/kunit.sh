#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Build the KUnit suites into a kernel and run them.
#
#   kunit.sh [--x86 | --debug] [--results FILE] [GLOB]
#
#   (nothing)       in User Mode Linux
#   --debug         there, with KASAN, UBSAN, lockdep and the other checkers
#   --x86           in QEMU, two processors, real page tables
#   --results FILE  append one "pass|fail|skip SUITE:CASE" line a case
#   GLOB            run only suites (or suite.case) that match
#
# Fails if a case fails, if no case ran, and if the kernel's log holds a report
# that KUnit itself does not see (lockdep, a warning, sleeping in atomic).

set -eu
. "$(dirname "$0")/lib.sh"

flavour=um results='' glob=''
while [ $# -gt 0 ]; do
	case $1 in
	-h | --help) usage; exit 0 ;;
	--debug) flavour=debug ;;
	--x86) flavour=x86 ;;
	--results) need_arg "$1" $#; results=$2; shift ;;
	-*) usage_error "unknown option '$1'" ;;
	*) glob=$1 ;;
	esac
	shift
done

make_tmp
hold_lock um
um=$("$VMSTORE_TOP/scripts/um-source.sh")
build=$um/kunit-$flavour
conf=$VMSTORE_TOP/kunit
# uml_dir: where a UML kernel puts its control socket; else it is $HOME/.uml.
case $flavour in
um) args=(--kunitconfig="$conf/um.config"
	--kernel_args="uml_dir=$VMSTORE_TMP") ;;
debug) args=(--kunitconfig="$conf/um.config"
	--kunitconfig="$conf/um-debug.config"
	--kernel_args="uml_dir=$VMSTORE_TMP") ;;
x86) args=(--arch=x86_64 --kunitconfig="$conf/x86.config"
	--qemu_args='-smp 2 -cpu max,la57=off') ;;
esac
json=$VMSTORE_TMP/kunit.json
log=$build/test.log

rm -f "$log"
status=0
# In the folder of the source: kunit.py looks for it around itself, and would
# take this tree for a kernel's if started here.
(
	cd "$um/src"
	exec timeout -k 10 2400 python3 tools/testing/kunit/kunit.py run \
		--build_dir="$build" "${args[@]}" \
		--jobs="$VMSTORE_JOBS" --timeout=600 --json="$json" \
		${glob:+"$glob"}
) </dev/null || status=$?

if [ ! -s "$json" ]; then
	die "the suites did not run (kunit.py said $status); is there a" \
		"compile error above? The kernel's log: $log"
fi
python3 "$VMSTORE_TOP/scripts/kunit_results.py" "$json" \
	>"$VMSTORE_TMP/results" || status=1
scan_kernel_log "$log" || {
	echo "fail kernel-log:clean see $log" >>"$VMSTORE_TMP/results"
	status=1
}
[ -z "$results" ] || cat "$VMSTORE_TMP/results" >>"$results"

count() { grep -c "^$1 " "$VMSTORE_TMP/results" || :; }
printf 'kunit-%s: %d passed, %d failed, %d skipped\n' "$flavour" \
	"$(count pass)" "$(count fail)" "$(count skip)"
if [ "$(count pass)" = 0 ]; then
	die "no test passed: that cannot be right"
fi
[ "$(count fail)" = 0 ] || status=1
exit "$status"
