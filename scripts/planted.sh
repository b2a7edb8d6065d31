#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Plant bugs, one at a time, and see that the tests catch each.
#
#   planted.sh [--results FILE] [--keep DIR] [--update] [NAME]...
#   planted.sh --list
#
#   (nothing)       all of kunit/planted/NAME.patch
#   --list          say what there is and which tier is meant to catch it
#   --update        write what caught each into the table of docs/planted.md
#   --keep DIR      keep the output of each run there, as DIR/NAME.log
#   --results FILE  append one "pass|fail|skip planted:NAME" line a bug
#
# Each patch is applied to a copy of the project and says in its header:
#
#   Kind:    what sort of bug it is
#   Tier:    which tests are meant to catch it, below
#   Run:     what of them to run
#   Expect:  an extended regular expression that a line of the output or of the
#            kernel's log must match; all must, if there are several
#   Gap:     no test catches it yet, and why: then that is no failure but a skip
#
# Tiers: kunit and debug-kunit run a suite, by scripts/kunit.sh; uml, debug-uml,
# smp-debug and kcsan run a test program, or vmstorectl, with its arguments in a
# guest. A bug is caught when they fail and every Expect is met. One that is not,
# and a patch that does not apply any more or does not build, is a failure.

set -eu
. "$(dirname "$0")/lib.sh"

patches=$VMSTORE_TOP/kunit/planted
doc=$VMSTORE_TOP/docs/planted.md
results='' keep='' list='' update=''
names=()
while [ $# -gt 0 ]; do
	case $1 in
	-h | --help) usage; exit 0 ;;
	--list) list=1 ;;
	--update) update=1 ;;
	--keep) need_arg "$1" $#; keep=$2; shift ;;
	--results) need_arg "$1" $#; results=$2; shift ;;
	-*) usage_error "unknown option '$1'" ;;
	*) names+=("$1") ;;
	esac
	shift
done

if [ ${#names[@]} = 0 ]; then
	for file in "$patches"/*.patch; do
		[ -e "$file" ] || die "there is no patch in kunit/planted"
		names+=("$(basename "$file" .patch)")
	done
fi
for name in "${names[@]}"; do
	[ -e "$patches/$name.patch" ] || usage_error "no such bug: $name"
done

# field PATCH NAME: its values, one a line.
field()
{
	sed -n -e '/^---/q' -e "s/^$2: *//p" "$1"
}

if [ -n "$list" ]; then
	for name in "${names[@]}"; do
		printf '%-22s %-20s %s\n' "$name" \
			"$(field "$patches/$name.patch" Kind)" \
			"$(field "$patches/$name.patch" Tier)"
	done
	exit 0
fi

make_tmp
copy=$VMSTORE_TMP/project
log=$VMSTORE_TMP/kernel.log
rows=$VMSTORE_TMP/rows
out=$VMSTORE_TMP/output
programs=$VMSTORE_TMP/programs
guest_seconds=900

# The test programs have no bug planted: built once, from the tree itself, and
# copied, because others build theirs in the same place.
build_programs()
{
	local dir
	mkdir -p "$programs"
	dir=$("$VMSTORE_TOP/scripts/user.sh" selftests)
	cp "$dir"/*_test "$programs/"
	dir=$("$VMSTORE_TOP/scripts/user.sh" tools)
	cp -r "$dir/vmstorectl" "$dir/examples" "$programs/"
}

# guest COMMAND... -- PROGRAM [ARGUMENT]...
guest()
{
	local command=()
	while [ "$1" != -- ]; do
		command+=("$1")
		shift
	done
	shift
	"${command[@]}" --timeout "$guest_seconds" --log "$log" \
		--add "$programs/$1" --add "$programs/examples" -- "$@"
}

# The module is built in the private copy: the cache's own would be what another
# check loads at the same time.
smp_guest()
{
	local kernel=$1 kdir
	shift
	kdir=$(kernel_path headers "$kernel")
	make -C "$kdir" M="$copy" -j"$VMSTORE_JOBS" CONFIG_VMSTORE_KUNIT_TEST=n \
		modules >&2 || return
	guest "$copy/scripts/vm.sh" --kernel "$kernel" --module "$copy/vmstore.ko" \
		-- "$@"
}

run_tier()
{
	local tier=$1
	shift
	case $tier in
	kunit) "$copy/scripts/kunit.sh" "$@" ;;
	debug-kunit) "$copy/scripts/kunit.sh" --debug "$@" ;;
	uml) guest "$copy/scripts/uml.sh" -- "$@" ;;
	debug-uml) guest "$copy/scripts/uml.sh" --debug -- "$@" ;;
	smp-debug) smp_guest debug "$@" ;;
	kcsan) smp_guest kcsan "$@" ;;
	esac
}

# tidy: lines of a log as they are shown, one after the other.
tidy()
{
	sed -e 's/^\(\[[ 0-9.:]*\]\)\? *//' -e 's|[^ ]*/vmstore/|vmstore/|' |
		paste -s -d ';' | sed 's/;/; /g'
}

# row NAME TIER LINES: one of the table in docs/planted.md.
row()
{
	local patch=$patches/$1.patch
	# shellcheck disable=SC2016 # the backticks are Markdown's
	printf '| `%s` | %s | %s | %s: `%s` | `%s` |\n' "$1" "$(field "$patch" Kind)" \
		"$(sed -e '1,/^$/d' -e '/^Kind:/q' "$patch" | sed '/^Kind:/d' |
			paste -s -d ' ' | sed 's/ *$//')" \
		"$2" "$(field "$patch" Run)" "${3//|/\\|}"
}

# update_doc: put the rows there are into the table, and leave the others.
update_doc()
{
	awk -F '`' -v new="$rows" '
	BEGIN {
		while ((getline line <new) > 0) {
			split(line, f, "`")
			name[++nr] = f[2]
			row[f[2]] = line
		}
	}
	/^<!-- planted: end/ {
		for (i = 1; i <= nr; i++)
			if (name[i] in row)
				print row[name[i]]
	}
	/^[|] `/ && $2 in row { print row[$2]; delete row[$2]; next }
	{ print }' "$doc" >"$VMSTORE_TMP/doc"
	cat "$VMSTORE_TMP/doc" >"$doc"
}

# try NAME: say on the standard output what caught it, or why nothing did.
try()
{
	local patch=$patches/$1.patch tier run expect status=0 line='' lines=()
	tier=$(field "$patch" Tier)
	read -ra run <<<"$(field "$patch" Run)"
	case $tier in
	kunit | debug-kunit | uml | debug-uml | smp-debug | kcsan) ;;
	*)
		echo "its tier is unknown: '$tier'"
		return 1
		;;
	esac
	if [ -z "$(field "$patch" Expect)" ]; then
		echo "it does not say what to expect"
		return 1
	fi
	rm -rf "$copy" "$log"
	copy_project "$copy"
	if ! patch -s -p1 -d "$copy" <"$patch" >"$out" 2>&1; then
		echo "the patch does not apply"
		return 1
	fi
	run_tier "$tier" "${run[@]}" >"$out" 2>&1 || status=$?
	[ ! -e "$log" ] || cat "$log" >>"$out"
	# Without colours, and any byte that is no text.
	sed -i -e 's/\x1b\[[0-9;]*m//g' -e 's/[^[:print:]\t]//g' "$out"
	if [ "$status" = 0 ]; then
		echo "NOT caught by $tier: $(field "$patch" Gap | grep . ||
			echo "nothing failed")"
		[ -z "$(field "$patch" Gap)" ] || return 77
		return 1
	fi
	while read -r expect; do
		if ! line=$(grep -a -m 1 -E -- "$expect" "$out"); then
			echo "$tier failed ($status), but nothing matches '$expect'"
			return 1
		fi
		lines+=("$line")
	done < <(field "$patch" Expect)
	line=$(printf '%s\n' "${lines[@]}" | tidy)
	row "$1" "$tier" "$line" >>"$rows"
	printf 'caught by %s: %s\n' "$tier" "$line"
}

build_programs
: >"$rows"
caught=0 failed=0 skipped=0
[ -z "$keep" ] || mkdir -p "$keep"
for name in "${names[@]}"; do
	began=$SECONDS status=0
	: >"$out"
	what=$(try "$name") || status=$?
	case $status in
	0) verdict=pass; caught=$((caught + 1)) ;;
	77) verdict=skip; skipped=$((skipped + 1)) ;;
	*)
		verdict=fail
		failed=$((failed + 1))
		tail -n 40 "$out" >&2
		;;
	esac
	[ -z "$keep" ] || cp "$out" "$keep/$name.log"
	printf '%s: %s\n' "$name" "$what"
	say "$name took $((SECONDS - began)) s"
	[ -z "$results" ] ||
		printf '%s planted:%s %s\n' "$verdict" "$name" "$what" >>"$results"
done
[ -z "$update" ] || update_doc
printf '%d caught, %d not, %d known not to be\n' "$caught" "$failed" "$skipped"
[ "$failed" = 0 ] && [ "$caught" -gt 0 ]
