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

# A hard link must never be written to: that would change the fetched source.
append_by_rename()
{
	"$@" >"$um/src.new/edited"
	rm "$um/src.new/$file"
	mv "$um/src.new/edited" "$um/src.new/$file"
}

if [ ! -e "$um/src" ]; then
	say "linking the $VMSTORE_SOURCE_SERIES source for UML"
	mkdir -p "$um"
	rm -rf "$um/src.new"
	cp -al "$pristine" "$um/src.new"
	file=drivers/misc/Kconfig
	append_by_rename sed '$i source "drivers/misc/vmstore/Kconfig"' \
		"$pristine/$file"
	# shellcheck disable=SC2016 # make expands it
	file=drivers/misc/Makefile
	append_by_rename sed '$a obj-$(CONFIG_VMSTORE) += vmstore/' \
		"$pristine/$file"
	mv "$um/src.new" "$um/src"
fi

copy_project "$um/src/drivers/misc/vmstore"
printf '%s\n' "$um"
