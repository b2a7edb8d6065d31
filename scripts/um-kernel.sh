#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Build a User Mode Linux kernel in the cache, unless it is there; print its folder.
#
#   um-kernel.sh plain   what vmstore.ko and the test programs need
#   um-kernel.sh debug   with KASAN, UBSAN, lockdep, kmemleak and failing allocations
#   um-kernel.sh gcov    with the kernel's gcov
#
# vmstore is not built in. The configuration is kunit/um.config and, but for plain,
# kunit/um-NAME.config. The caller holds the lock "um".

set -eu
. "$(dirname "$0")/lib.sh"

case ${1-} in
-h | --help) usage; exit 0 ;;
plain | debug | gcov) ;;
*) usage_error "want plain, debug or gcov" ;;
esac
[ $# = 1 ] || usage_error "one kernel at a time"

make_tmp
name=$1
um=$("$VMSTORE_TOP/scripts/um-source.sh")
out=$um/$name
fragments=("$VMSTORE_TOP/kunit/um.config")
[ "$name" = plain ] || fragments+=("$VMSTORE_TOP/kunit/um-$name.config")

# Options that were asked for and did not arrive would make the kernel test less than
# it says.
check_config()
{
	local missing
	missing=$(grep '=y$' "$out/wanted.new" | while read -r option; do
		grep -q "^$option\$" "$out/.config" || printf '%s ' "$option"
	done)
	if [ -n "$missing" ]; then
		echo "not honoured by the kernel: $missing"
		return 1
	fi
}

build()
{
	cp "$out/wanted.new" "$out/.config" &&
		make -C "$um/src" ARCH=um O="$out" olddefconfig &&
		check_config &&
		make -C "$um/src" ARCH=um O="$out" -j"$VMSTORE_JOBS" all
}

mkdir -p "$out"
cat "${fragments[@]}" >"$out/wanted.new"
if ! cmp -s "$out/wanted.new" "$out/wanted" || [ ! -e "$out/linux" ]; then
	say "building the UML kernel ($name)"
	rm -f "$out/wanted"
	build >"$VMSTORE_TMP/make.log" 2>&1 || {
		tail -n 50 "$VMSTORE_TMP/make.log" >&2
		die "the UML kernel does not build"
	}
	# Last of all: what has this file is whole.
	mv "$out/wanted.new" "$out/wanted"
fi
printf '%s\n' "$out"
