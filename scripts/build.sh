#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Build vmstore.ko against Debian's headers, in a copy of the project.
#
#   build.sh [--verbose] 6.1|6.12
#
# Prints the path of the module. What make says is shown if it fails.

set -eu
. "$(dirname "$0")/lib.sh"

verbose=''
while [ $# -gt 0 ]; do
	case $1 in
	-h | --help) usage; exit 0 ;;
	--verbose) verbose=1 ;;
	-*) usage_error "unknown option '$1'" ;;
	*) break ;;
	esac
	shift
done
[ $# = 1 ] || usage_error "want one kernel series"
check_series "$1"

make_tmp
hold_lock "build-$1"
if [ -n "$verbose" ]; then
	build_module "$1" module >&2
else
	build_module "$1" module >"$VMSTORE_TMP/make.log" 2>&1 || {
		cat "$VMSTORE_TMP/make.log" >&2
		die "vmstore.ko does not build against the $1 headers"
	}
fi
printf '%s\n' "$MODULE_DIR/vmstore.ko"
