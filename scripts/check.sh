#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Run the tests; "make check" comes here.
#
#   check.sh [TIER]...       default: these, in this order
#
#   static   compilers' and checkers' warnings; the ABI header alone
#   build    the module against Debian's headers, the tools, the tests
#   tools    what the tools can test without a device
#   kunit    the KUnit suites in User Mode Linux
#   uml      the test programs in User Mode Linux
#   coverage lines and branches of vmstore/ that kunit and uml reach
#   x86      the KUnit suites in QEMU, real page tables
#   debug    kunit and uml once more with KASAN, UBSAN, lockdep, kmemleak
#   vm       the test programs in Debian guests, real page tables
#   trace    the requirements' table against what ran
#
# and, because they take long, only if they are named:
#
#   smp-debug  the KUnit suites and the test programs in QEMU, two processors,
#            with KASAN, UBSAN, lockdep, kmemleak and the other checkers
#   kcsan    the same, looking for data races
#   planted  bugs that are planted one at a time, each caught by the tests meant
#            for it (scripts/planted.sh)
#
# One line "pass|fail|skip TIER TEST [REASON]" per test goes to the results file
# in the cache; the last line shown is "N passed, N failed[, N skipped]". The
# exit status is 0 only if nothing failed and every tier ran something.

set -eu
. "$(dirname "$0")/lib.sh"

all="static build tools kunit uml coverage x86 debug vm trace"
more="smp-debug kcsan planted"
# Seconds one test program may take, and one guest.
program_seconds=300
guest_seconds=1500

case ${1-} in
-h | --help) usage; exit 0 ;;
esac
for tier in "$@"; do
	case " $all $more " in
	*" $tier "*) ;;
	*) usage_error "no such tier: $tier (there are: $all $more)" ;;
	esac
done

make_tmp
scripts=$VMSTORE_TOP/scripts
logs=$VMSTORE_CACHE/results
mkdir -p "$logs"
if [ $# = 0 ]; then
	# shellcheck disable=SC2086 # one word per tier
	set -- $all
	final=$logs/check.txt
else
	final=$logs/check-$(echo "$*" | tr ' ' -).txt
fi
results=$VMSTORE_TMP/results
: >"$results"

# note VERDICT TIER TEST [REASON]
note()
{
	printf '%s\n' "$*" >>"$results"
	[ "$1" = pass ] || printf '%s %s\n' "${1^^}" "${*:2}"
}

# collect TIER FILE: take over the lines "VERDICT TEST [REASON]" of a script.
collect()
{
	[ ! -e "$2" ] || sed "s/^\([a-z]*\) /\1 $1 /" "$2" >>"$results"
}

# attempt TIER TEST COMMAND...: one test that is a command's exit status.
attempt()
{
	local tier=$1 test=$2 status=0
	shift 2
	"$@" || status=$?
	if [ "$status" = 0 ]; then
		note pass "$tier" "$test"
		printf 'pass %s %s\n' "$tier" "$test"
	else
		note fail "$tier" "$test" "exit status $status"
	fi
}

# guest TIER COMMAND...: run all test programs in one boot of a guest.
guest() { guest_of "$1" guest . "${@:2}"; }

# guest_of TIER TEST REGEX COMMAND...: only those whose names match, in a guest
# that as a whole is the test TEST.
guest_of()
{
	local tier=$1 test=$2 regex=$3 dir name tools programs add=()
	shift 3
	if ! dir=$("$scripts/user.sh" selftests); then
		note fail "$tier" selftests "they do not build"
		return
	fi
	programs=$(make -s -C "$dir" list | tr ' ' '\n' | grep -P -- "$regex" || :)
	if [ -z "$programs" ]; then
		note fail "$tier" "$test" "there is no such test program"
		return
	fi
	for name in $programs; do
		add+=(--add "$dir/$name")
	done
	# One of them runs the examples that come with vmstorectl.
	if ! tools=$("$scripts/user.sh" tools); then
		note fail "$tier" tools "they do not build"
		return
	fi
	add+=(--add "$tools/vmstorectl" --add "$tools/examples")
	say "$tier: $(echo "$programs" | wc -w) test programs"
	# shellcheck disable=SC2086 # one word per program
	boot "$tier" "$test" "$programs" "$@" "${add[@]}" \
		--add "$scripts/run-tests.sh" -- \
		./run-tests.sh $program_seconds $programs
}

# boot TIER TEST PROGRAMS COMMAND...: run a guest in which those programs print
# TAP; the guest as a whole is the test TEST.
boot()
{
	local tier=$1 test=$2 programs=$3 status
	local tap=$VMSTORE_TMP/$tier.$test
	shift 3
	# shellcheck disable=SC2086 # one word per program
	{
		status=0
		"$@" || status=$?
		echo $status >"$tap.status"
	} | python3 "$scripts/ktap.py" "$tap" $programs || :
	collect "$tier" "$tap"
	# The guest itself: it booted, loaded and unloaded the module, and its
	# log holds no complaint.
	status=$(cat "$tap.status")
	if [ "$status" = 0 ]; then
		note pass "$tier" "$test"
	else
		note fail "$tier" "$test" "exit status $status, see its --help"
	fi
}

# scripted TIER SCRIPT...: a script that writes its own results.
scripted()
{
	local tier=$1 status=0
	shift
	"$@" --results "$VMSTORE_TMP/$tier" || status=$?
	collect "$tier" "$VMSTORE_TMP/$tier"
	if [ "$status" != 0 ] && ! grep -q "^fail $tier " "$results"; then
		note fail "$tier" run "$(basename "$1") ended with $status"
	fi
}

tier_static() { scripted static "$scripts/static.sh"; }

tier_build()
{
	local series
	for series in $VMSTORE_SERIES; do
		attempt build "module-$series" "$scripts/build.sh" "$series"
	done
	attempt build tools "$scripts/user.sh" tools
	attempt build selftests "$scripts/user.sh" selftests
}

tier_tools()
{
	local dir
	if ! dir=$("$scripts/user.sh" tools); then
		note fail tools build "the tools do not build"
		return
	fi
	{
		echo "### run tools"
		make -s -C "$dir" STATIC=1 check && status=0 || status=$?
		printf '\n### exit tools %d\n' "$status"
	} 2>&1 | python3 "$scripts/ktap.py" "$VMSTORE_TMP/tools" tools || :
	collect tools "$VMSTORE_TMP/tools"
}

tier_kunit() { scripted kunit "$scripts/kunit.sh"; }

tier_x86() { scripted x86 "$scripts/kunit.sh" --x86; }

tier_uml()
{
	guest uml "$scripts/uml.sh" --timeout $guest_seconds \
		--log "$logs/uml.log"
}

tier_coverage() { scripted coverage "$scripts/coverage.sh"; }

tier_debug()
{
	scripted debug-kunit "$scripts/kunit.sh" --debug
	guest debug-uml "$scripts/uml.sh" --debug --timeout $guest_seconds \
		--log "$logs/debug-uml.log"
}

# Where locks matter most: no other test's report may have switched lockdep off.
lock_tests='^(concurrency|life)_test$'

smp_guests()
{
	local tier=$1 kernel=$2 vm
	vm=("$scripts/vm.sh" --kernel "$kernel" --timeout "$guest_seconds")
	scripted "$tier-kunit" "$scripts/debug-kernel.sh" kunit "$kernel"
	guest_of "$tier" lock_guest "$lock_tests" "${vm[@]}" \
		--log "$logs/$tier-lock.log"
	guest_of "$tier" guest "^(?!$lock_tests)" "${vm[@]}" \
		--log "$logs/$tier.log"
}

tier_smp_debug() { smp_guests smp-debug debug; }

tier_kcsan() { smp_guests kcsan kcsan; }

tier_vm()
{
	local series mode vm
	for series in $VMSTORE_SERIES; do
		for mode in 4level 5level pti; do
			vm=("$scripts/vm.sh" --kernel "$series" --mode "$mode"
				--timeout "$guest_seconds")
			guest "vm-$series-$mode" "${vm[@]}" \
				--log "$logs/vm-$series-$mode.log"
			host_table "vm-$series-$mode" "$series" "${vm[@]}"
		done
	done
}

# host_table TIER SERIES COMMAND...: another module watches Linux's own page
# table while vmstore is loaded, works, and is unloaded. A boot of its own,
# because vmstore must not be there at first.
host_table()
{
	local tier=$1 series=$2 witness module dir
	shift 2
	if ! witness=$("$scripts/build.sh" "$series" selftests/hosttable) ||
		! module=$("$scripts/build.sh" "$series") ||
		! dir=$("$scripts/user.sh" selftests); then
		note fail "$tier" host_table "it does not build"
		return
	fi
	# shellcheck disable=SC2016 # the guest expands it
	boot "$tier" host_table_guest host_table "$@" --no-module \
		--log "$logs/$tier-host_table.log" \
		--add "$witness" --add "$module" --add "$dir/map_test" \
		--add "$dir/hosttable/host_table.sh" -- sh -c '
		echo "### run host_table"
		./host_table.sh ./map_test
		printf "\n### exit host_table %d\n" $?'
}

tier_planted() { scripted planted "$scripts/planted.sh"; }

tier_trace()
{
	local from=$results
	if [ ! -e "$scripts/traceability.py" ]; then
		note skip trace traceability "there is no scripts/traceability.py"
		return
	fi
	# Alone, it looks at what the last whole run left.
	[ -s "$from" ] || from=$logs/check.txt
	if [ ! -s "$from" ]; then
		note fail trace traceability "no results yet: run 'make check' once"
		return
	fi
	attempt trace traceability python3 "$scripts/traceability.py" "$from"
}

started=$SECONDS
"$scripts/setup.sh"
for tier in "$@"; do
	say "tier $tier"
	before=$(wc -l <"$results")
	began=$SECONDS
	"tier_${tier//-/_}"
	if [ "$(wc -l <"$results")" = "$before" ]; then
		note fail "$tier" run "no test ran"
	fi
	say "tier $tier took $((SECONDS - began)) s"
done
mv "$results" "$final"

count() { grep -c "^$1 " "$final" || :; }
passed=$(count pass) failed=$(count fail) skipped=$(count skip)
say "results: $final ($((SECONDS - started)) s)"
if [ "$failed" != 0 ]; then
	echo "Failed:"
	grep '^fail ' "$final" | sed 's/^fail /  /'
fi
if [ "$skipped" = 0 ]; then
	printf '%d passed, %d failed\n' "$passed" "$failed"
else
	printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
fi
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
