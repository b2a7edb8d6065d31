#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Run the tests; "make check" comes here.
#
#   check.sh [--again] [TIER]...       default: all but the last three
#
#   static     compilers' and checkers' warnings; the ABI header alone
#   build      the module against Debian's headers, the tools, the tests
#   tools      what the tools can test without a device
#   kunit      the KUnit suites in User Mode Linux
#   uml        the test programs in User Mode Linux
#   coverage   lines and branches of vmstore/ that kunit and uml reach
#   x86        the KUnit suites in QEMU, real page tables
#   debug      kunit and uml once more with KASAN, UBSAN, lockdep, kmemleak
#   vm         the test programs in Debian guests, real page tables
#   trace      the requirements' table against what ran
#
# and, only if they are named, because they take long:
#
#   smp-debug  the KUnit suites and the test programs in QEMU, two processors,
#              with KASAN, UBSAN, lockdep, kmemleak and the other checkers
#   kcsan      the same, looking for data races
#   planted    bugs that are planted one at a time, each caught by the tests meant
#              for it (scripts/planted.sh)
#
# A job of kunit, uml, coverage, x86, debug, vm, smp-debug and kcsan that has passed is
# not run again, and its results are taken over, as long as nothing that it reads has
# changed: the sources concerned, these scripts, kernels and compilers. With --again it
# is. On a new machine everything runs.
#
# Tests that do the same over and over do it $VMSTORE_ROUNDS percent of their usual
# number of times; the default is 100, and less in debug, smp-debug, kcsan and those
# guests of vm that differ from another one in the mode of paging only.
#
# A tier is one job or several, and as many jobs as there are processors run at
# once (or $VMSTORE_PARALLEL); what a job prints begins with its name. One line
# "pass|fail|skip JOB TEST [REASON]" per test goes to the results file in the
# cache; the last line shown is "N passed, N failed[, N skipped]". The exit status
# is 0 only if nothing failed and every job ran something.

set -eu
. "$(dirname "$0")/lib.sh"

all="static build tools kunit uml coverage x86 debug vm trace"
more="smp-debug kcsan planted"
# Seconds one test program may take, and one guest; and how many times as long where
# everything is watched.
program_seconds=900
guest_seconds=2700
slow_times=4
# What VMSTORE_ROUNDS is in the slow guests, percent, and in Debian guests that repeat.
few_rounds=20
again_rounds=10
# The Debian guests with full figures: each kernel and each number of levels once.
full_guests="6.12-4level 6.1-5level"

again=''
case ${1-} in
-h | --help) usage; exit 0 ;;
--again) again=1; shift ;;
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
# What each job last passed with, and what it wrote then.
kept=$VMSTORE_CACHE/passed
mkdir -p "$logs" "$kept"
if [ $# = 0 ]; then
	# shellcheck disable=SC2086 # one word per tier
	set -- $all
	final=$logs/check.txt
else
	final=$logs/check-$(echo "$*" | tr ' ' -).txt
fi

# --- jobs -----------------------------------------------------------------------

slots=${VMSTORE_PARALLEL:-$(nproc)}
# All jobs there were, and the process groups of those that run.
names=()
declare -A running=()
# The job this is, and what it writes to.
job='' results=''

# job NAME COMMAND [ARGUMENT]...: run it beside others as soon as there is room. It
# calls note() for each of its tests.
job()
{
	job=$1
	shift
	[ ${#running[@]} -lt "$slots" ] || end_one
	results=$VMSTORE_TMP/results.$job
	: >"$results"
	names+=("$job")
	say "$job"
	# A process group of its own: it is stopped as a whole, if it has to be.
	set -m
	{ run_job "$@" 2>&1 | sed -u "s/^/$job: /"; } </dev/null &
	set +m
	running[$!]=$job
}

# sources_of JOB: folders and files of the project that it reads; none for a job that is
# run each time.
sources_of()
{
	local module='Kbuild Kconfig vmstore_main.c include vmstore'
	case $1 in
	kunit) echo "$module kunit docs/clauses.md docs/kill_table.md docs/wrong_effects.md" ;;
	x86 | *-kunit) echo "$module kunit" ;;
	coverage) echo "$module kunit selftests tools docs/coverage.md" ;;
	uml | debug-uml | vm-* | smp-debug* | kcsan*)
		echo "$module $(cd "$VMSTORE_TOP" && echo kunit/*.config) selftests tools" ;;
	esac
}

# inputs_of JOB: all that decides what it finds.
inputs_of()
{
	local series paths tool
	paths=$(sources_of "$1")
	[ -n "$paths" ] || return 0
	printf '%s rounds\n' "$rounds"
	for series in $VMSTORE_SERIES; do
		"$scripts/fetch.sh" path headers "$series"
		"$scripts/fetch.sh" path image "$series"
	done
	"$scripts/fetch.sh" path source "$VMSTORE_SOURCE_SERIES"
	for tool in gcc ld qemu-system-x86_64; do
		"$tool" --version
	done
	# shellcheck disable=SC2086 # one word per path
	(cd "$VMSTORE_TOP" && find $paths scripts -type f ! -name '*.o' ! -name '*.cmd' \
		! -name '*.mod*' ! -name '*.ko' ! -name '*.pyc' | sort | xargs sha256sum)
}

# Take over what the job wrote when it passed, if it would do the same again.
as_before()
{
	[ -z "$again" ] && [ -s "$VMSTORE_TMP/inputs.$job" ] &&
		cmp -s "$VMSTORE_TMP/inputs.$job" "$kept/$job.inputs" || return 1
	cp "$kept/$job" "$results"
	printf 'as before: nothing has changed since it passed (%s)\n' \
		"$(date -r "$kept/$job" '+%F %H:%M')"
}

# A job may be as before the next time, unless a source was changed while it ran.
keep()
{
	rm -f "$kept/$job.inputs"
	if [ -s "$VMSTORE_TMP/inputs.$job" ] && ! grep -q '^fail ' "$results" &&
		inputs_of "$job" | cmp -s - "$VMSTORE_TMP/inputs.$job"; then
		cp "$results" "$kept/$job"
		cp "$VMSTORE_TMP/inputs.$job" "$kept/$job.inputs"
	fi
}

run_job()
{
	local began=$SECONDS
	inputs_of "$job" >"$VMSTORE_TMP/inputs.$job"
	! as_before || return 0
	"$@" || note fail run "ended with $?"
	[ -s "$results" ] || note fail run "no test ran"
	keep
	# Not in a subshell, which has no children yet.
	times >"$VMSTORE_TMP/times.$job"
	printf 'took %d s, %d s of processor time\n' $((SECONDS - began)) \
		"$(awk -F '[ ms]+' 'NR == 2 { printf "%d", 60 * ($1 + $3) + $2 + $4 }' \
			"$VMSTORE_TMP/times.$job")"
}

end_one()
{
	local ended=''
	wait -n -p ended || :
	unset "running[$ended]"
}

end_all()
{
	while [ ${#running[@]} -gt 0 ]; do
		end_one
	done
}

# What all jobs wrote, in the order they were started.
all_results()
{
	local name
	for name in ${names[@]+"${names[@]}"}; do
		cat "$VMSTORE_TMP/results.$name"
	done
}

stop_jobs()
{
	local group
	trap '' INT TERM HUP
	for group in "${!running[@]}"; do
		kill -TERM -- "-$group" 2>/dev/null || :
	done
	wait
	exit 143
}
trap stop_jobs INT TERM HUP

# note VERDICT TEST [REASON]
note()
{
	printf '%s %s %s\n' "$1" "$job" "${*:2}" >>"$results"
	[ "$1" = pass ] || printf '%s %s\n' "${1^^}" "${*:2}"
}

# collect FILE: take over the lines "VERDICT TEST [REASON]" of a script.
collect()
{
	[ ! -e "$1" ] || sed "s/^\([a-z]*\) /\1 $job /" "$1" >>"$results"
}

# attempt TEST COMMAND...: one test that is a command's exit status.
attempt()
{
	local test=$1 status=0
	shift
	"$@" || status=$?
	if [ "$status" = 0 ]; then
		note pass "$test"
		printf 'pass %s\n' "$test"
	else
		note fail "$test" "exit status $status"
	fi
}

# guest COMMAND...: run all test programs in one boot of a guest.
guest() { guest_of . "$@"; }

# guest_of REGEX COMMAND...: only those whose names match.
guest_of()
{
	local regex=$1 dir name tools programs add=()
	shift
	if ! dir=$("$scripts/user.sh" selftests); then
		note fail selftests "they do not build"
		return
	fi
	programs=$(make -s -C "$dir" list | tr ' ' '\n' | grep -P -- "$regex" || :)
	if [ -z "$programs" ]; then
		note fail guest "there is no such test program"
		return
	fi
	for name in $programs; do
		add+=(--add "$dir/$name")
	done
	# One of them runs the examples that come with vmstorectl.
	if ! tools=$("$scripts/user.sh" tools); then
		note fail tools "they do not build"
		return
	fi
	add+=(--add "$tools/vmstorectl" --add "$tools/examples" --add "$dir/litmus")
	# shellcheck disable=SC2086 # one word per program
	boot guest "$programs" "$@" "${add[@]}" \
		--add "$scripts/run-tests.sh" -- \
		env VMSTORE_ROUNDS="$rounds" ./run-tests.sh $program_seconds $programs
}

# boot TEST PROGRAMS COMMAND...: run a guest in which those programs print
# TAP, which is kept beside its log; the guest as a whole is the test TEST.
boot()
{
	local test=$1 programs=$2 status tap=$VMSTORE_TMP/$job.tap
	shift 2
	# shellcheck disable=SC2086 # one word per program
	{
		status=0
		"$@" || status=$?
		echo $status >"$tap.status"
	} | tee "$logs/$job.tap" | python3 "$scripts/ktap.py" "$tap" $programs || :
	collect "$tap"
	# The guest itself: it booted, loaded and unloaded the module, and its
	# log holds no complaint.
	status=$(cat "$tap.status")
	if [ "$status" = 0 ]; then
		note pass "$test"
	else
		note fail "$test" "exit status $status, see its --help"
	fi
}

# scripted SCRIPT...: a script that writes its own results.
scripted()
{
	local status=0
	rm -f "$VMSTORE_TMP/$job.results"
	"$@" --results "$VMSTORE_TMP/$job.results" || status=$?
	collect "$VMSTORE_TMP/$job.results"
	if [ "$status" != 0 ] && ! grep -q "^fail $job " "$results"; then
		note fail run "$(basename "$1") ended with $status"
	fi
}

# --- tiers ----------------------------------------------------------------------

tier_static() { job static scripted "$scripts/static.sh"; }

tier_build() { job build build_all; }

build_all()
{
	local series
	for series in $VMSTORE_SERIES; do
		attempt "module-$series" "$scripts/build.sh" "$series"
	done
	attempt tools "$scripts/user.sh" tools
	attempt selftests "$scripts/user.sh" selftests
}

tier_tools() { job tools check_tools; }

check_tools()
{
	local dir
	if ! dir=$("$scripts/user.sh" tools); then
		note fail build "the tools do not build"
		return
	fi
	{
		echo "### run tools"
		make -s -C "$dir" STATIC=1 check && status=0 || status=$?
		printf '\n### exit tools %d\n' "$status"
	} 2>&1 | python3 "$scripts/ktap.py" "$VMSTORE_TMP/tools.tap" tools || :
	collect "$VMSTORE_TMP/tools.tap"
}

tier_kunit() { job kunit check_kunit; }

# The suites, and the tables in docs/ that are made of what they print.
check_kunit()
{
	scripted "$scripts/kunit.sh"
	scripted "$scripts/clauses.sh" --last
}

tier_x86() { job x86 scripted "$scripts/kunit.sh" --x86; }

tier_uml()
{
	job uml guest "$scripts/uml.sh" --timeout $guest_seconds --log "$logs/uml.log"
}

tier_coverage() { job coverage scripted "$scripts/coverage.sh"; }

tier_debug()
{
	job debug-kunit scripted "$scripts/kunit.sh" --debug
	rounds=${VMSTORE_ROUNDS:-$few_rounds}
	job debug-uml guest "$scripts/uml.sh" --debug --timeout $guest_seconds \
		--log "$logs/debug-uml.log"
	rounds=${VMSTORE_ROUNDS:-100}
}

# Where locks matter most: no other test's report may have switched lockdep off.
lock_tests='^(concurrency|life|hostile)_test$'

smp_guests()
{
	local tier=$1 kernel=$2 vm
	local program_seconds=$((slow_times * program_seconds))
	vm=("$scripts/vm.sh" --kernel "$kernel"
		--timeout $((slow_times * guest_seconds)))
	rounds=${VMSTORE_ROUNDS:-$few_rounds}
	job "$tier" guest_of "^(?!$lock_tests)" "${vm[@]}" --log "$logs/$tier.log"
	job "$tier-lock" guest_of "$lock_tests" "${vm[@]}" \
		--log "$logs/$tier-lock.log"
	job "$tier-kunit" scripted "$scripts/debug-kernel.sh" kunit "$kernel"
	job "$tier-reload" reload "$kernel" "${vm[@]}" --log "$logs/$tier-reload.log"
	rounds=${VMSTORE_ROUNDS:-100}
}

tier_smp_debug() { smp_guests smp-debug debug; }

tier_kcsan() { smp_guests kcsan kcsan; }

tier_vm()
{
	local series mode name vm
	# The longest first, so that all processors are busy to the end.
	for name in $full_guests; do
		vm_guest "${name%-*}" "${name#*-}"
	done
	for series in $VMSTORE_SERIES; do
		for mode in 4level 5level pti; do
			case " $full_guests " in
			*" $series-$mode "*) ;;
			*) vm_guest "$series" "$mode" $again_rounds ;;
			esac
			name=vm-$series-$mode-host
			vm=("$scripts/vm.sh" --kernel "$series" --mode "$mode"
				--timeout "$guest_seconds")
			job "$name" host_table "$series" "${vm[@]}" \
				--log "$logs/$name.log"
		done
		name=vm-$series-reload
		job "$name" reload "$series" "$scripts/vm.sh" --kernel "$series" \
			--timeout "$guest_seconds" --log "$logs/$name.log"
	done
}

# vm_guest SERIES MODE [ROUNDS]: all programs in a Debian guest.
vm_guest()
{
	local name=vm-$1-$2 rounds=${VMSTORE_ROUNDS:-${3:-100}}
	job "$name" guest "$scripts/vm.sh" --kernel "$1" --mode "$2" \
		--timeout "$guest_seconds" --log "$logs/$name.log"
}

# host_table SERIES COMMAND...: another module watches Linux's own page table
# while vmstore is loaded, works, and is unloaded. A boot of its own, because vmstore
# must not be there at first.
host_table()
{
	local series=$1 witness module dir
	shift
	if ! witness=$("$scripts/build.sh" "$series" selftests/hosttable) ||
		! module=$("$scripts/build.sh" "$series") ||
		! dir=$("$scripts/user.sh" selftests); then
		note fail host_table "it does not build"
		return
	fi
	# shellcheck disable=SC2016 # the guest expands it
	boot host_table_guest host_table "$@" --no-module \
		--add "$witness" --add "$module" --add "$dir/map_test" \
		--add "$dir/hosttable/host_table.sh" -- sh -c '
		echo "### run host_table"
		./host_table.sh ./map_test
		printf "\n### exit host_table %d\n" $?'
}

# reload KERNEL COMMAND...: the module is loaded and unloaded over and over.
reload()
{
	local kernel=$1 module dir
	shift
	if ! module=$("$scripts/build.sh" "$kernel") ||
		! dir=$("$scripts/user.sh" selftests); then
		note fail reload "it does not build"
		return
	fi
	# shellcheck disable=SC2016 # the guest expands it
	boot reload_guest reload "$@" --no-module --add "$module" --add "$dir/hostile_test" \
		--add "$dir/reload.sh" -- env VMSTORE_ROUNDS="$rounds" sh -c '
		echo "### run reload"
		./reload.sh
		printf "\n### exit reload %d\n" $?'
}

tier_planted() { job planted scripted "$scripts/planted.sh"; }

# It looks at what the others left; alone, at what the last whole run left.
tier_trace()
{
	local from=$VMSTORE_TMP/all
	end_all
	all_results >"$from"
	[ -s "$from" ] || from=$logs/check.txt
	job trace trace "$from"
}

trace()
{
	if [ ! -s "$1" ]; then
		note fail traceability "no results yet: run 'make check' once"
		return
	fi
	attempt traceability python3 "$scripts/traceability.py" "$1"
}

rounds=${VMSTORE_ROUNDS:-100}
"$scripts/setup.sh"
for tier in "$@"; do
	"tier_${tier//-/_}"
done
end_all
all_results >"$final"

count() { grep -c "^$1 " "$final" || :; }
passed=$(count pass) failed=$(count fail) skipped=$(count skip)
say "results: $final ($SECONDS s)"
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
