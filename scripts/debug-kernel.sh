#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Build an SMP x86-64 kernel that checks what runs in it, in the cache.
#
#   debug-kernel.sh build debug|kcsan   build it unless the cache has it
#   debug-kernel.sh path debug|kcsan    the same; print its bzImage and, on a
#                                       second line, the KDIR to give to make
#   debug-kernel.sh kunit debug|kcsan [--results FILE]
#                                       load vmstore.ko with its KUnit suites
#
#   debug   KASAN, UBSAN, lockdep with RCU, sleeping in atomic, kmemleak,
#           DEBUG_VM, DEBUG_PAGEALLOC, DEBUG_OBJECTS, fault injection
#   kcsan   data races
#
# The fragments kunit/x86-debug-base.config and kunit/x86-NAME.config are merged
# over allnoconfig. A kernel is kept under a name made of the source's version,
# the fragments and the compiler, so a change of one of them builds another; it
# is pruned to what booting and external modules need.
#
# kunit fails if a case fails, if no case ran, or as vm.sh does; --results
# appends one "pass|fail|skip SUITE:CASE" line a case.

set -eu
. "$(dirname "$0")/lib.sh"

# key FRAGMENT...: all that decides what the kernel will be.
key()
{
	{
		printf '%s\n' "$source"
		"${CC:-gcc}" --version
		"${LD:-ld}" --version
		cat "$@"
	} | sha256sum | cut -c 1-12
}

# A kernel without an option that was asked for tests less than it says.
check_config()
{
	grep -h '=' "$VMSTORE_TMP/wanted" | grep -v '^#' | while read -r option; do
		grep -q "^$option\$" "$out/.config" || printf '%s ' "$option"
	done
}

configure()
{
	local missing
	mkdir -p "$out"
	make -C "$source" ARCH=x86_64 O="$out" \
		KCONFIG_ALLCONFIG="$VMSTORE_TMP/wanted" allnoconfig
	missing=$(check_config)
	if [ -n "$missing" ]; then
		echo "not honoured by the kernel: $missing"
		return 1
	fi
}

# Drop what only a relink of the kernel needs. An interrupted build goes on
# where it was: nothing is pruned before all is there.
prune()
{
	find "$out" \( -name '*.o' -o -name '*.a' -o -name '.*.cmd' -o \
		-name 'vmlinux' -o -name 'vmlinux.bin*' -o -name '*.lds' \
		! -name module.lds -o -name '.tmp_*' \) -type f -delete
}

# Leave the kernel in $out.
build()
{
	local flavour=$1 began=$SECONDS old
	source=$("$VMSTORE_TOP/scripts/fetch.sh" path source "$VMSTORE_SOURCE_SERIES")
	cat "$VMSTORE_TOP/kunit/x86-debug-base.config" \
		"$VMSTORE_TOP/kunit/x86-$flavour.config" >"$VMSTORE_TMP/wanted"
	out=$VMSTORE_CACHE/$flavour/$(basename "$(dirname "$source")")
	out=$out-$(key "$VMSTORE_TMP/wanted")
	[ ! -e "$out/built" ] || return 0
	hold_lock "$flavour-kernel"
	[ ! -e "$out/built" ] || { release_lock; return 0; }
	say "building the $flavour kernel (some minutes)"
	{ configure && make -C "$source" ARCH=x86_64 O="$out" \
		-j"$VMSTORE_JOBS" bzImage modules &&
		cp "$out/arch/x86/boot/bzImage" "$out/bzImage" &&
		prune; } >"$VMSTORE_TMP/make.log" 2>&1 || {
		tail -n 50 "$VMSTORE_TMP/make.log" >&2
		die "the $flavour kernel does not build"
	}
	# Last of all: what has this file is whole.
	date >"$out/built"
	# Builds that were given up, with fragments or a source of before.
	for old in "$VMSTORE_CACHE/$flavour"/*; do
		[ -e "$old/built" ] || rm -rf "$old"
	done
	release_lock
	say "built the $flavour kernel in $((SECONDS - began)) s"
}

# Boot $1 with the suites enabled; leave the result lines in $VMSTORE_TMP/results.
run_suites()
{
	local flavour=$1 module klog=$VMSTORE_TMP/kernel.log size wanted ran
	local keep=$VMSTORE_CACHE/vm/$flavour-kunit.log status=0
	local append=kunit.enable=1

	module=$("$VMSTORE_TOP/scripts/build.sh" "$flavour")
	# A pointer for each suite is in this section.
	size=$(readelf -SW "$module" | sed -n \
		's/.* \.kunit_test_suites *[A-Z]* *[0-9a-f]* [0-9a-f]* \([0-9a-f]*\) .*/\1/p')
	wanted=$((0x${size:-0} / 8))
	[ "$wanted" != 0 ] || die "there is no KUnit suite in $module"

	# insmod sleeps while a case runs, and KUnit gives each 300 s.
	[ "$flavour" = kcsan ] ||
		append="$append sysctl.kernel.hung_task_timeout_secs=300"
	"$VMSTORE_TOP/scripts/vm.sh" --kernel "$flavour" --module "$module" \
		--append "$append" --timeout "$timeout" --log "$klog" -- \
		true || status=$?
	[ -e "$klog" ] || die "the guest was not started ($status)"
	mkdir -p "${keep%/*}"
	cp "$klog" "$keep"

	# The boot had a plan of its own, for no suite.
	{
		printf 'KTAP version 1\n1..%d\n' "$wanted"
		sed -e 's/^\[[ 0-9.]*\] //' "$klog" |
			sed -n '/^    KTAP version 1/,$p'
	} >"$VMSTORE_TMP/ktap"
	source=$("$VMSTORE_TOP/scripts/fetch.sh" path source "$VMSTORE_SOURCE_SERIES")
	(
		cd "$source"
		exec python3 -B tools/testing/kunit/kunit.py parse \
			--json="$VMSTORE_TMP/kunit.json" "$VMSTORE_TMP/ktap"
	) </dev/null || :
	if [ -s "$VMSTORE_TMP/kunit.json" ]; then
		python3 "$VMSTORE_TOP/scripts/kunit_results.py" \
			"$VMSTORE_TMP/kunit.json"
	fi >"$VMSTORE_TMP/results"
	ran=$(grep -c -E '^(not )?ok [0-9]+ ' "$VMSTORE_TMP/ktap" || :)
	if [ "$ran" != "$wanted" ]; then
		echo "fail kunit:suites $ran of $wanted ended"
	fi >>"$VMSTORE_TMP/results"
	if [ "$status" != 0 ]; then
		echo "fail kernel-log:clean vm.sh ended with $status, see $keep"
	fi >>"$VMSTORE_TMP/results"
}

count() { grep -c "^$1 " "$VMSTORE_TMP/results" || :; }

case ${1-} in
-h | --help) usage; exit 0 ;;
build | path | kunit) ;;
*) usage_error "want build, path or kunit" ;;
esac
action=$1
case ${2-} in
debug | kcsan) flavour=$2 ;;
*) usage_error "want debug or kcsan" ;;
esac
shift 2

make_tmp
case $action in
build)
	[ $# = 0 ] || usage_error "too many arguments"
	build "$flavour"
	;;
path)
	[ $# = 0 ] || usage_error "too many arguments"
	build "$flavour"
	printf '%s\n' "$out/bzImage" "$out"
	;;
kunit)
	results='' timeout=7200
	while [ $# -gt 0 ]; do
		case $1 in
		--results) need_arg "$1" $#; results=$2; shift ;;
		*) usage_error "unknown option '$1'" ;;
		esac
		shift
	done
	run_suites "$flavour"
	[ -z "$results" ] || cat "$VMSTORE_TMP/results" >>"$results"
	printf 'kunit-%s: %d passed, %d failed, %d skipped\n' "$flavour" \
		"$(count pass)" "$(count fail)" "$(count skip)"
	[ "$(count pass)" != 0 ] || die "no test passed: that cannot be right"
	[ "$(count fail)" = 0 ]
	;;
esac
