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
# Nobody else may rebuild what is going to run.
hold_lock "kunit-$flavour"
source=$("$VMSTORE_TOP/scripts/fetch.sh" path source "$VMSTORE_SOURCE_SERIES")
um=$VMSTORE_CACHE/um/$(basename "$(dirname "$source")")
build=$um/kunit-$flavour
conf=$VMSTORE_TOP/kunit
# uml_dir: where a UML kernel puts its control socket; else it is $HOME/.uml.
exec=(--kernel_args="uml_dir=$VMSTORE_TMP")
um_args=(--kunitconfig="$conf/um.config" --kunitconfig="$conf/um-kunit.config")
case $flavour in
um) args=("${um_args[@]}") ;;
debug) args=("${um_args[@]}" --kunitconfig="$conf/um-debug.config") ;;
x86)
	args=(--arch=x86_64 --kunitconfig="$conf/x86.config"
		--qemu_args='-smp 2 -cpu max,la57=off')
	exec=(--kernel_args=notsc) # see vm.sh
	;;
esac
json=$VMSTORE_TMP/kunit.json
log=$build/test.log

# In the folder of the source: kunit.py looks for it around itself, and would
# take this tree for a kernel's if started here.
kunit()
{
	(cd "$um/src" && exec timeout -k 10 2400 python3 \
		tools/testing/kunit/kunit.py "$@" --build_dir="$build" \
		"${args[@]}") </dev/null
}

# begin_with NAME: copy the UML kernel of that name, which is wanted anyhow: then only the
# suites are compiled. But not its configuration: that comes from kunit.py.
begin_with()
{
	local other
	other=$("$VMSTORE_TOP/scripts/um-kernel.sh" "$1") || return
	[ ! -e "$build" ] || return 0
	rm -rf "$build.new"
	cp -a "$other" "$build.new" &&
		rm -f "$build.new/wanted" "$build.new/.config" &&
		mv "$build.new" "$build"
}

# The source is one for all flavours; so it is kept while one is built from it.
build_kernel()
{
	(
		hold_lock um
		case $flavour in
		um) begin_with plain ;;
		debug) begin_with debug ;;
		x86) "$VMSTORE_TOP/scripts/um-source.sh" >/dev/null ;;
		esac && kunit build --jobs="$VMSTORE_JOBS"
	)
}

rm -f "$log"
status=0
build_kernel || status=$?
if [ "$status" = 0 ]; then
	kunit exec --timeout=1800 --json="$json" "${exec[@]}" \
		${glob:+"$glob"} || status=$?
fi

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
