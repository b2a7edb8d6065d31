#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Build the module, with its KUnit suites, with clang; or let clang-tidy read it.
#
#   clang.sh build   LLVM=1 W=1; fails on a warning
#   clang.sh tidy    the checks of .clang-tidy, in all files; fails on a finding
#
# Debian's headers carry gcc's configuration, and make LLVM=1 with them quietly
# uses gcc. So a tree is prepared for clang from the kernel's source, with the
# configuration kunit/x86-debug-base.config; no kernel is built. It is kept in
# the cache under a name made of the source's version, the configuration and the
# compiler.

set -eu
. "$(dirname "$0")/lib.sh"

# key FRAGMENT: all that decides what the tree will be.
key()
{
	{
		printf '%s\n' "$source"
		clang --version
		ld.lld --version
		cat "$1"
	} | sha256sum | cut -c 1-12
}

prepare()
{
	make -C "$source" LLVM=1 ARCH=x86_64 O="$tree" \
		KCONFIG_ALLCONFIG="$fragment" allnoconfig
	if ! grep -q '^CONFIG_CC_IS_CLANG=y$' "$tree/.config" ||
		! grep -q '^CONFIG_KUNIT=y$' "$tree/.config"; then
		echo "the configuration is not what was asked for"
		return 1
	fi
	make -C "$source" LLVM=1 ARCH=x86_64 O="$tree" -j"$VMSTORE_JOBS" \
		modules_prepare
}

# Leave the tree in $tree, and the project's copy in $copy.
prepare_once()
{
	local began=$SECONDS fragment=$VMSTORE_TOP/kunit/x86-debug-base.config
	local top
	source=$("$VMSTORE_TOP/scripts/fetch.sh" path source "$VMSTORE_SOURCE_SERIES")
	top=$VMSTORE_CACHE/clang/$(basename "$(dirname "$source")")
	top=$top-$(key "$fragment")
	tree=$top/tree
	copy=$top/module
	[ ! -e "$top/prepared" ] || return 0
	say "preparing a kernel tree for clang"
	rm -rf "$top"
	mkdir -p "$tree"
	prepare >"$VMSTORE_TMP/make.log" 2>&1 || {
		tail -n 50 "$VMSTORE_TMP/make.log" >&2
		die "the tree for clang cannot be prepared"
	}
	# Last of all: what has this file is whole.
	date >"$top/prepared"
	say "prepared it in $((SECONDS - began)) s"
}

# There is no kernel, so no symbol is known: modpost must say so and go on.
make_module()
{
	copy_project "$copy"
	make -C "$tree" LLVM=1 W=1 M="$copy" -j"$VMSTORE_JOBS" \
		KBUILD_MODPOST_WARN=1 modules
}

build()
{
	local status=0
	# Warnings come only when a file is compiled.
	rm -rf "$copy"
	make_module >"$VMSTORE_TMP/make.log" 2>&1 || status=$?
	grep -v -E -e 'modpost: "[^"]*" \[[^]]*\] undefined!' \
		-e 'modpost: suppressed [0-9]+ unresolved symbol warnings' \
		-e 'WARNING: Module.symvers is missing' \
		"$VMSTORE_TMP/make.log" >"$VMSTORE_TMP/said" || :
	cat "$VMSTORE_TMP/said"
	if grep -q -E 'warning:|WARNING:|error:' "$VMSTORE_TMP/said"; then
		status=1
	fi
	return $status
}

# A fifth of the analyzer's usual number of states takes less than half of the
# time, and only few functions have more.
tidy()
{
	local file files=()
	# What was compiled, and how, is in files that make leaves.
	make_module >"$VMSTORE_TMP/make.log" 2>&1 || {
		cat "$VMSTORE_TMP/make.log"
		return 1
	}
	# Kbuild compiles in the tree, not in the module's folder, and from
	# there "generated/autoconf.h" is found.
	python3 -B "$source/scripts/clang-tools/gen_compile_commands.py" \
		-d "$tree" -o "$VMSTORE_TMP/compile_commands.json" "$copy"
	while read -r file; do
		[ ! -e "${file%.c}.o" ] || files+=("$file")
	done < <(find "$copy" -name '*.c' ! -name '*.mod.c' | sort)
	[ ${#files[@]} -gt 0 ] || die "nothing was compiled"
	printf '%s\n' "${files[@]}" |
		xargs -n 1 -P "$VMSTORE_JOBS" clang-tidy --quiet \
			-p "$VMSTORE_TMP" --header-filter="^$copy/" \
			--extra-arg=-Xclang --extra-arg=-analyzer-config \
			--extra-arg=-Xclang --extra-arg=max-nodes=50000 \
			2>"$VMSTORE_TMP/stderr" >"$VMSTORE_TMP/said" && return
	# How the analyzer comes to it is long; what it is comes last.
	cat "$VMSTORE_TMP/said"
	grep -E '(error|warning):' "$VMSTORE_TMP/said" || :
	# It counts the warnings in the kernel's headers there, and shows none.
	grep -v -E '^[0-9]+ warnings? (generated|treated)' "$VMSTORE_TMP/stderr" || :
	return 1
}

case ${1-} in
-h | --help) usage; exit 0 ;;
build | tidy) action=$1 ;;
*) usage_error "want build or tidy" ;;
esac
[ $# = 1 ] || usage_error "too many arguments"
for program in clang ld.lld llvm-ar clang-tidy; do
	command -v "$program" >/dev/null ||
		die "$program is missing: run 'make setup'"
done

make_tmp
hold_lock clang
prepare_once
"$action"
