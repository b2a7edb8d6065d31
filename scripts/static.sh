#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Everything that is found without running the module.
#
#   static.sh [--results FILE] [--again] [ITEM]...
#
#   warnings-SERIES  gcc with W=1 and sparse, no warning (6.1, 6.12; um: with the
#                  KUnit suites)
#   clang          clang with W=1, no warning
#   clang-tidy     the checks of .clang-tidy
#   cocci          the semantic patches that come with the kernel
#   checkpatch     checkpatch.pl --strict
#   kernel-doc     comments that document match what they document
#   uapi-c99, uapi-c++11   the ABI header compiles alone
#   scripts        shellcheck
#
#   --results FILE  append one "pass|fail ITEM" line each
#   --again         also what is known to pass
#
# An item that has passed passes again as long as what it reads, its tools and these
# scripts are the same: then it is not run. The cache remembers that.
#
# docs/static.md says what was tried besides, and why it was left out.

set -eu
. "$(dirname "$0")/lib.sh"

results='' again=''
while [ $# -gt 0 ]; do
	case $1 in
	-h | --help) usage; exit 0 ;;
	--results) need_arg "$1" $#; results=$2; shift ;;
	--again) again=1 ;;
	-*) usage_error "unknown option '$1'" ;;
	*) break ;;
	esac
	shift
done
[ $# -gt 0 ] || set -- warnings-6.1 warnings-6.12 warnings-um clang clang-tidy cocci \
	checkpatch kernel-doc uapi-c99 uapi-c++11 scripts

make_tmp
hold_lock static
cd "$VMSTORE_TOP"
source=$("$VMSTORE_TOP/scripts/fetch.sh" path source "$VMSTORE_SOURCE_SERIES")

# sources PATTERN...: the project's files that match, without what was built.
sources()
{
	local pattern
	for pattern in "$@"; do
		find . -path ./.git -prune -o -path "./$pattern" \
			! -name '*.mod.c' -type f -print
	done | sort -u
}

# inputs ITEM: all that decides whether it passes.
inputs()
{
	local files tool
	case $1 in
	warnings-* | clang | clang-tidy | cocci)
		files=$(sources 'include/*.h' 'vmstore/*.[ch]' 'kunit/*.[ch]' \
			'kunit/*.config' '*_main.c' 'Kbuild' 'Kconfig' \
			'selftests/hosttable/*.c' '.clang-tidy' 'scripts/*.sh')
		;;
	*) files=$(sources '*.[ch]' '*.sh' '.ci/run') ;;
	esac
	printf '%s\n' "$source"
	for tool in $VMSTORE_SERIES; do
		"$VMSTORE_TOP/scripts/fetch.sh" path headers "$tool"
	done
	for tool in gcc sparse clang clang-tidy spatch perl shellcheck; do
		command -v "$tool" && "$tool" --version
	done
	# shellcheck disable=SC2086 # one word per file
	sha256sum $files
}

# Warnings come only when a file is compiled, so nothing old may be left.
fresh_build()
{
	local series=$1 um
	shift
	if [ "$series" != um ]; then
		rm -rf "$VMSTORE_CACHE"/build/*/static
		build_module "$series" static "$@"
		return
	fi
	um=$(hold_lock um && "$VMSTORE_TOP/scripts/um-kernel.sh" plain)
	rm -rf "$um-static"
	copy_project "$um-static"
	make -C "$um" ARCH=um M="$um-static" -j"$VMSTORE_JOBS" "$@" modules
}

# Fail on a warning as on an error. gcc's and sparse's, and make's own.
build_without_warning()
{
	local status=0
	fresh_build "$@" >"$VMSTORE_TMP/make.log" 2>&1 || status=$?
	cat "$VMSTORE_TMP/make.log"
	if grep -q -E 'warning:|WARNING:|error:' "$VMSTORE_TMP/make.log"; then
		status=1
	fi
	return $status
}

# Kernel code has no exception. What user space compiles cannot have the kernel's
# BIT(), __aligned(), strscpy() and static_assert(), which these four ask for.
user_space_ignores=BIT_MACRO,PREFER_DEFINED_ATTRIBUTE_MACRO,STRCPY,CAMELCASE
user_space_ignores+=,MACRO_ARG_REUSE # tables of offsetof() and loops over an array

checkpatch()
{
	local kernel user status=0
	local checkpatch=(perl "$source/scripts/checkpatch.pl" --no-tree
		--strict --quiet --show-types)
	user=$(sources 'include/uapi/*.h' 'tools/*.[ch]' 'selftests/*.[ch]' |
		grep -v '/hosttable/')
	kernel=$(sources '*.[ch]' | grep -v -x -F "$user" | grep -v -e '/trace.h$' -e '/wrong.h$' \
		-e '/omit.h$' -e '/compat.h$')
	if [ -z "$kernel" ] || [ -z "$user" ]; then
		die "no C files found"
	fi
	# It leaves a cache of names where it runs, so not here.
	ln -sfn "$VMSTORE_TOP" "$VMSTORE_TMP/vmstore"
	cd "$VMSTORE_TMP"
	kernel=${kernel//.\//vmstore/}
	user=${user//.\//vmstore/}
	# shellcheck disable=SC2086 # one word per file
	"${checkpatch[@]}" -f $kernel || status=1
	# shellcheck disable=SC2086
	"${checkpatch[@]}" --ignore $user_space_ignores -f $user || status=1
	# Trace events look as they do everywhere.
	"${checkpatch[@]}" --ignore PARENTHESIS_ALIGNMENT,OPEN_ENDED_LINE \
		-f vmstore/vmstore/trace.h || status=1
	# Tables that are used with several macros.
	"${checkpatch[@]}" --ignore COMPLEX_MACRO,MACRO_ARG_REUSE,MACRO_ARG_UNUSED \
		-f vmstore/vmstore/wrong.h vmstore/vmstore/omit.h || status=1
	# The one place for differences between kernels.
	"${checkpatch[@]}" --ignore LINUX_VERSION_CODE,CONSTANT_COMPARISON \
		-f vmstore/vmstore/compat.h || status=1
	return $status
}

kernel_doc()
{
	local files
	files=$(sources 'include/*.h' 'vmstore/*.[ch]' '*_main.c' 'tools/libvmstore.h')
	# shellcheck disable=SC2086
	perl "$source/scripts/kernel-doc" -none -Wall -Werror $files
}

uapi()
{
	printf '#include <linux/vmstore.h>\nint main(void) { return 0; }\n' |
		"$@" -pedantic -Wall -Wextra -Werror -Iinclude/uapi \
			-fsyntax-only -
}

# These advise a helper instead of code that works, or do not finish in time, or
# take the sum of an address and an offset for a mistake.
cocci_left_out='add_namespace|array_size|badty|boolconv|flexible_array|kvmalloc'
cocci_left_out+='|memdup_user|minmax|orplus|returnvar|semicolon|string_choices'
cocci_left_out+='|struct_size|swap'

# Kernel code only: what they look for is the kernel's, and the kernel's helpers
# are what they advise.
cocci()
{
	local file patches copy=$VMSTORE_TMP/cocci
	command -v spatch >/dev/null || die "spatch is missing: run 'make setup'"
	rm -rf "$copy"
	mkdir "$copy"
	sources 'include/*.h' 'vmstore/*.[ch]' 'kunit/*.[ch]' '*_main.c' \
		'selftests/hosttable/*.c' |
		while read -r file; do
			mkdir -p "$copy/${file%/*}"
			cp "$file" "$copy/$file"
		done
	# Some are in part OCaml, for which Debian has no compiler at hand.
	patches=$(grep -rLE '^@[^@]*script:ocaml' "$source/scripts/coccinelle" \
		--include='*.cocci' |
		grep -v -E "/($cocci_left_out)\.cocci\$" | sort)
	[ -n "$patches" ] || die "no semantic patches found"
	# Each prints what it found, and ends with 0 whatever that was.
	# shellcheck disable=SC2016 # the inner shell expands it
	printf '%s\n' "$patches" | xargs -n 1 -P "$VMSTORE_JOBS" sh -c '
		spatch -D report --very-quiet --no-show-diff --cocci-file "$2" \
			--dir "$1" >"$1/${2##*/}.said" 2>"$1/${2##*/}.err" || {
			echo "spatch ended with $?: $2"
			cat "$1/${2##*/}.err"
		} >>"$1/${2##*/}.said"
	' sh "$copy"
	cat "$copy"/*.said | sed "s,^$copy/,,"
	! cat "$copy"/*.said | grep -q .
}

check_scripts()
{
	local files
	files=$(sources 'scripts/*.sh')
	# shellcheck disable=SC2086
	shellcheck -x -P scripts $files .ci/run
}

run_item()
{
	case $1 in
	warnings-*) build_without_warning "${1#*-}" W=1 C=1 ;;
	clang) "$VMSTORE_TOP/scripts/clang.sh" build ;;
	clang-tidy) "$VMSTORE_TOP/scripts/clang.sh" tidy ;;
	cocci) cocci ;;
	checkpatch) checkpatch ;;
	kernel-doc) kernel_doc ;;
	uapi-c99) uapi gcc -std=c99 -x c ;;
	uapi-c++11) uapi g++ -std=c++11 -x c++ ;;
	scripts) check_scripts ;;
	*) die "no such item: $1" ;;
	esac
}

failed=0
passed=$VMSTORE_CACHE/static
mkdir -p "$passed"
for item in "$@"; do
	verdict=pass
	inputs "$item" 2>&1 | sha256sum >"$VMSTORE_TMP/inputs"
	if [ -z "$again" ] && cmp -s "$VMSTORE_TMP/inputs" "$passed/$item"; then
		printf 'pass static:%s (as before: nothing has changed)\n' "$item"
		[ -z "$results" ] || printf 'pass %s\n' "$item" >>"$results"
		continue
	fi
	# In the background, because set -e is off in a condition.
	run_item "$item" >"$VMSTORE_TMP/out" 2>&1 &
	wait $! || verdict=fail
	if [ $verdict = fail ]; then
		failed=$((failed + 1))
		grep -v -E '^ *(CC|LD|AR|CHECK|MODPOST|BTF|UPD|CALL|DESCEND) ' \
			"$VMSTORE_TMP/out" | tail -n 200 || :
	elif inputs "$item" 2>&1 | sha256sum | cmp -s - "$VMSTORE_TMP/inputs"; then
		# Nobody has changed a file meanwhile.
		cp "$VMSTORE_TMP/inputs" "$passed/$item"
	fi
	printf '%s static:%s\n' "$verdict" "$item"
	[ -z "$results" ] || printf '%s %s\n' "$verdict" "$item" >>"$results"
done
[ "$failed" = 0 ] || die "$failed of $# items failed"
