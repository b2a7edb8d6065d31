#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Build vmstore.ko against Debian's headers, or for a kernel of debug-kernel.sh
# (then with the KUnit suites in it), in a copy of the project.
#
#   build.sh [--verbose] 6.1|6.12|debug|kcsan [FOLDER]
#
# FOLDER holds another module of the project, to build instead; its name is the
# module's. Prints the path of the module. What make says is shown if it fails.

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
[ $# = 1 ] || [ $# = 2 ] || usage_error "want one kernel series"
check_kernel "$1"
folder=${2-}
[ -z "$folder" ] || [ -e "$VMSTORE_TOP/$folder/Kbuild" ] ||
	die "no module in $folder"

make_tmp
hold_lock "build-$1"
if [ -n "$verbose" ]; then
	build_module "$1" "module/$folder" >&2
else
	build_module "$1" "module/$folder" >"$VMSTORE_TMP/make.log" 2>&1 || {
		cat "$VMSTORE_TMP/make.log" >&2
		die "the module does not build against the $1 headers"
	}
fi
name=${folder##*/}
printf '%s\n' "$MODULE_DIR/${name:-vmstore}.ko"
