#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Install the Debian packages that building and testing need, and fetch kernels.
#
#   setup.sh [KIND:SERIES]...    as for fetch.sh; default: all of them
#
# Packages that are there already are left alone; run it as often as you like.
# No kernel is installed: fetched ones are unpacked in the cache.

set -eu
. "$(dirname "$0")/lib.sh"

packages="
	build-essential gcc-multilib bc bison flex perl pkg-config python3
	rsync xz-utils
	libelf-dev libssl-dev dwarves
	sparse shellcheck
	clang lld llvm clang-tidy coccinelle
	qemu-system-x86 busybox-static cpio
	strace libjson-c-dev
"
everything="headers:6.1 headers:6.12 image:6.1 image:6.12 source:6.12"

case ${1-} in
-h | --help) usage; exit 0 ;;
-*) usage_error "unknown option '$1'" ;;
esac

missing=''
for package in $packages; do
	case $(dpkg-query -W -f='${Status}' "$package" 2>/dev/null) in
	'install ok installed') ;;
	*) missing="$missing $package" ;;
	esac
done
if [ -n "$missing" ]; then
	say "installing:$missing"
	# shellcheck disable=SC2086 # one word per package
	install() {
		as_root env DEBIAN_FRONTEND=noninteractive \
			apt-get install -q -y --no-install-recommends $missing
	}
	install </dev/null >&2 || {
		as_root apt-get update -q >&2
		install </dev/null >&2
	} || die "apt-get cannot install:$missing"
fi

[ $# -gt 0 ] || eval "set -- $everything"
for item in "$@"; do
	"$VMSTORE_TOP/scripts/fetch.sh" "${item%%:*}" "${item#*:}"
done
