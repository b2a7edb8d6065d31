#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Build vmstorectl and the test programs, statically, in a copy of the project.
#
#   user.sh tools | selftests
#
# Prints the folder they are in.

set -eu
. "$(dirname "$0")/lib.sh"

case ${1-} in
-h | --help) usage; exit 0 ;;
tools | selftests) part=$1 ;;
*) usage_error "want tools or selftests" ;;
esac
[ -e "$VMSTORE_TOP/$part/Makefile" ] || die "there is no $part/Makefile"

make_tmp
hold_lock user
copy=$VMSTORE_CACHE/build/user
copy_project "$copy"
set -- STATIC=1
if [ "$part" = selftests ]; then
	source=$("$VMSTORE_TOP/scripts/fetch.sh" path source "$VMSTORE_SOURCE_SERIES")
	set -- "$@" KSELFTEST="$source/tools/testing/selftests"
fi
make -C "$copy/$part" -j"$VMSTORE_JOBS" "$@" >"$VMSTORE_TMP/make.log" 2>&1 || {
	cat "$VMSTORE_TMP/make.log" >&2
	die "$part does not build"
}
printf '%s\n' "$copy/$part"
