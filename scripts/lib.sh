# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Common parts of the scripts in this folder; sourced, never run.
#
# Everything downloaded or built outside the tree lives in one cache folder,
# $VMSTORE_CACHE:
#
#   dist/<kind>-<series>-<package version>/   unpacked Debian packages
#   <kind>-<series>                           link to the one in use
#   src/, um/, build/, vm/                    kernels and modules built from them
#   results/                                  what the last check wrote

VMSTORE_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
VMSTORE_CACHE=${VMSTORE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/vmstore}
VMSTORE_JOBS=${VMSTORE_JOBS:-$(nproc)}
VMSTORE_SERIES="6.1 6.12"
# What the UML kernels and the kselftest headers are built from.
VMSTORE_SOURCE_SERIES=6.12
export VMSTORE_TOP VMSTORE_CACHE

# A parallel make of the caller would hand its job server to ours, which the
# kernel's build then reports as a broken descriptor.
unset MAKEFLAGS MFLAGS MAKELEVEL

# Messages are parsed by other scripts.
export LC_ALL=C

say() { printf '==> %s\n' "$*" >&2; }
warn() { printf '%s: warning: %s\n' "${0##*/}" "$*" >&2; }

die()
{
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# The header comment of the calling script is its manual.
usage()
{
	sed -n -e '1,/^$/{/^#!/d;/SPDX-License-Identifier/d;/^#$/s/.*//p;s/^# //p}' "$0" |
		sed -e '/./,$!d'
}

usage_error()
{
	printf '%s: %s\nTry: %s --help\n' "${0##*/}" "$1" "$0" >&2
	exit 2
}

need_arg()
{
	[ "$2" -ge 2 ] || usage_error "$1 needs a value"
}

as_root()
{
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "need to be root for: $* (run as root, or install sudo)"
	fi
}

check_series()
{
	case " $VMSTORE_SERIES " in
	*" $1 "*) ;;
	*) die "unknown kernel series '$1': use one of: $VMSTORE_SERIES" ;;
	esac
}

# A private folder below the cache, removed when the script ends.
VMSTORE_TMP=
make_tmp()
{
	mkdir -p "$VMSTORE_CACHE/tmp"
	VMSTORE_TMP=$(mktemp -d "$VMSTORE_CACHE/tmp/${0##*/}.XXXXXX")
	trap cleanup_tmp EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
}

cleanup_tmp()
{
	[ -z "$VMSTORE_TMP" ] || rm -rf "$VMSTORE_TMP"
}

# Two scripts at once must not build the same thing twice: hold_lock NAME keeps
# the lock until the script ends, with_lock NAME CMD... only while CMD runs.
hold_lock()
{
	mkdir -p "$VMSTORE_CACHE/lock"
	exec 9>"$VMSTORE_CACHE/lock/$1"
	if ! flock -n 9; then
		say "waiting for another script that holds '$1'"
		flock 9
	fi
}

# The project, as the commit plus what is changed in it, copied to $1. Objects
# stay in the copy, so that each kernel has its own and the tree stays clean;
# unchanged files keep their time stamps, so that make builds only what changed.
copy_project()
{
	mkdir -p "$1"
	rsync -a --delete \
		--filter='P *.o' --filter='P *.ko' --filter='P *.mod' \
		--filter='P *.mod.c' --filter='P .*.cmd' --filter='P *.a' \
		--filter='P Module.symvers' --filter='P modules.order' \
		--exclude='/.git/' --exclude='*.o' --exclude='*.ko' \
		--exclude='*.mod' --exclude='*.mod.c' --exclude='.*.cmd' \
		--exclude='*.a' --exclude='Module.symvers' \
		--exclude='modules.order' --exclude='/docs/' \
		"$VMSTORE_TOP/" "$1/"
}
