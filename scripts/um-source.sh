#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Make the kernel source that kunit.py builds: hard links to the fetched one,
# and this project copied in as drivers/misc/vmstore. Print the folder that
# holds it (src/) and the build folders of the kernels made from it.
#
# Run it again to bring the copy up to date. The caller holds the lock "um".

set -eu
. "$(dirname "$0")/lib.sh"

case ${1-} in
'') ;;
-h | --help) usage; exit 0 ;;
*) usage_error "no arguments wanted" ;;
esac

pristine=$("$VMSTORE_TOP/scripts/fetch.sh" path source "$VMSTORE_SOURCE_SERIES")
version=$(basename "$(dirname "$pristine")")
um=$VMSTORE_CACHE/um/$version

# edit FILE SED-SCRIPT: a hard link must never be written to, that would change
# the fetched source; so write a new file and rename it.
edit()
{
	sed "$2" "$pristine/$1" >"$um/edited"
	! cmp -s "$pristine/$1" "$um/edited" || die "nothing to edit in $1"
	mv -f "$um/edited" "$um/src.new/$1"
}

if [ ! -e "$um/src" ]; then
	say "linking the $VMSTORE_SOURCE_SERIES source for UML"
	mkdir -p "$um"
	rm -rf "$um/src.new"
	cp -al "$pristine" "$um/src.new"
	# shellcheck disable=SC2016 # sed's $ and make's
	edit drivers/misc/Kconfig '$i source "drivers/misc/vmstore/Kconfig"'
	# shellcheck disable=SC2016
	edit drivers/misc/Makefile '$a obj-$(CONFIG_VMSTORE) += vmstore/'
	# Where the host has AMX, its register set is larger than this kernel
	# knows, and no user program runs ("ptrace set fp regs failed"). The
	# set also lies on the kernel's stacks: hence KERNEL_STACK_ORDER in the
	# configurations.
	edit arch/x86/um/user-offsets.c 's/HOST_FP_SIZE, 2696/HOST_FP_SIZE, 11008/'
	mv "$um/src.new" "$um/src"
fi

mkdir -p "$um/src/drivers/misc/vmstore"
copy_project "$um/src/drivers/misc/vmstore"
printf '%s\n' "$um"
