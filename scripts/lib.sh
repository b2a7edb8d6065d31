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
#   debug/, kcsan/                            what scripts/debug-kernel.sh builds
#   results/                                  what the last check wrote
#   static/                                   what each item of static.sh last passed with

VMSTORE_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
VMSTORE_CACHE=${VMSTORE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/vmstore}
VMSTORE_JOBS=${VMSTORE_JOBS:-$(nproc)}
VMSTORE_SERIES="6.1 6.12"
# What the UML kernels and the kselftest headers are built from.
VMSTORE_SOURCE_SERIES=6.12
export VMSTORE_TOP VMSTORE_CACHE VMSTORE_SOURCE_SERIES

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

# The kernels of debug-kernel.sh, wherever a series can be named.
is_debug_kernel()
{
	case $1 in
	debug | kcsan) ;;
	*) false ;;
	esac
}

check_kernel()
{
	is_debug_kernel "$1" || check_series "$1"
}

# kernel_path image|headers KERNEL: as "fetch.sh path", for any kernel.
kernel_path()
{
	local paths
	if ! is_debug_kernel "$2"; then
		"$VMSTORE_TOP/scripts/fetch.sh" path "$1" "$2"
		return
	fi
	paths=$("$VMSTORE_TOP/scripts/debug-kernel.sh" path "$2") || return
	case $1 in
	image) printf '%s\n' "${paths%%$'\n'*}" ;;
	headers) printf '%s\n' "${paths##*$'\n'}" ;;
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
	[ -z "$VMSTORE_CHILD" ] || kill "$VMSTORE_CHILD" 2>/dev/null || :
	[ -z "$VMSTORE_TMP" ] || rm -rf "$VMSTORE_TMP"
}

# limited SECONDS COMMAND...: run it with a limit, and not longer than this script. It
# is a process group of its own, for UML is many processes, and all of them must go.
VMSTORE_CHILD=
limited()
{
	local status=0
	timeout -k 5 "$@" &
	VMSTORE_CHILD=$!
	wait "$VMSTORE_CHILD" || status=$?
	VMSTORE_CHILD=
	return "$status"
}

# Two scripts at once must not build the same thing twice. The lock is kept until
# release_lock or the end of the script, and not by the commands it leaves behind.
hold_lock()
{
	mkdir -p "$VMSTORE_CACHE/lock"
	exec 9>"$VMSTORE_CACHE/lock/$1"
	if ! flock -n 9; then
		say "waiting for another script that holds '$1'"
		flock 9
	fi
}

release_lock()
{
	exec 9>&-
}

# The project copied to $1, without what git ignores. Objects built in the copy
# stay there, so that each kernel has its own and the tree stays clean. A file
# gets a new time stamp only if its contents changed, whatever its age here: make
# must see the change, and must not build everything each time.
copy_project()
{
	mkdir -p "$1"
	rsync -rlp --checksum --delete-after --exclude='/.git' \
		--filter=':- .gitignore' "$VMSTORE_TOP/" "$1/" >&2 # not a caller's output
}

# What a kernel prints when something is wrong with it. Plain names of checkers
# are not enough: they announce themselves at boot.
KERNEL_TROUBLE='BUG:|kernel BUG at|WARNING:|Oops|Kernel panic|Call Trace:'
KERNEL_TROUBLE+='|general protection|unable to handle|invalid opcode|divide error'
KERNEL_TROUBLE+='|double fault|UBSAN:|possible circular|possible recursive'
KERNEL_TROUBLE+='|inconsistent lock|suspicious RCU|INFO: (task|rcu|NMI|possible)'
KERNEL_TROUBLE+='|detected stall|self-detected|soft lockup|hard LOCKUP|blocked for more'
KERNEL_TROUBLE+='|while atomic|sleeping function|bad page|Bad page|refcount_t:'
KERNEL_TROUBLE+='|(list|lst)_(add|del).* corruption|new suspected memory leaks'
KERNEL_TROUBLE+='|ODEBUG:|stack-protector|irq [0-9]+: nobody cared'
KERNEL_TROUBLE+='|vmstore: unknown parameter'

# Races in the rest of Linux are not ours: leave out the reports of KCSAN (from
# one double line to the next) in which the module does not occur, or only as
# what an interrupt found running or as what sleeps: timers and the scheduler
# touch nothing of the module's.
drop_foreign_races()
{
	awk '
	/==============================/ && !inside { inside = 1; held = $0; count = 1; ours = 0; next }
	inside {
		held = held "\n" $0
		count++
		if (/ by (task|interrupt)/)
			aside = 0
		else if (/ (asm_[a-z0-9_]+|schedule|schedule_(hr)?timeout[a-z_]*|usleep_range_state|msleep)\+0x/)
			aside = 1
		else if (/\[vmstore\]/ && !aside)
			ours = 1
		if (count == 2 && !/BUG: KCSAN/) {
			print held
			inside = 0
		} else if (/==============================/) {
			if (ours)
				print held
			inside = 0
		}
		next
	}
	{ print }
	END { if (inside) print held }'
}

# scan_kernel_log FILE: print the lines of a kernel log that tell of trouble,
# with what follows them; fail if there are any.
scan_kernel_log()
{
	if tr -d '\r' <"$1" | grep -E -- "$KERNEL_TROUBLE" >/dev/null; then
		printf -- '---- trouble in the kernel log %s:\n' "$1" >&2
		tr -d '\r' <"$1" | grep -a -E -A 30 -- "$KERNEL_TROUBLE" |
			head -n 100 >&2
		printf -- '----\n' >&2
		return 1
	fi
}

# build_module KERNEL VARIANT[/FOLDER] [MAKE ARGUMENTS]: build a copy of the
# project, or of a module in a folder of it, against a kernel's headers and set
# MODULE_DIR to where it was built. A variant has its own copy, so that other
# flags do not rebuild everything each time.
build_module()
{
	local series=$1 variant=${2%%/*} folder=${2#*/} kdir
	[ "$folder" != "$variant" ] || folder=''
	shift 2
	kdir=$(kernel_path headers "$series")
	MODULE_DIR=$VMSTORE_CACHE/build/${kdir##*/}/$variant
	copy_project "$MODULE_DIR"
	MODULE_DIR=$MODULE_DIR${folder:+/$folder}
	make -C "$kdir" M="$MODULE_DIR" -j"$VMSTORE_JOBS" "$@" modules
}

# make_guest_root DIR: a root file system of busybox and empty folders. The first thing
# its init does is "/bin/busybox --install -s /bin": 400 links cost one process there.
make_guest_root()
{
	mkdir -p "$1"/{bin,etc,test,proc,sys,dev,tmp}
	cp "$(command -v busybox)" "$1/bin/busybox"
	ln -s busybox "$1/bin/sh"
}

# add_to_guest DIR SRC[:DEST]
add_to_guest()
{
	local src=${2%%:*} dest=${2#*:}
	[ "$2" != "$src" ] || dest=/test/$(basename "$src")
	[ -e "$src" ] || die "no such file: $src"
	if [ -f "$src" ] && readelf -l "$src" 2>/dev/null | grep -q INTERP; then
		die "$src is not linked statically: it cannot run in the guest"
	fi
	mkdir -p "$1/$(dirname "$dest")"
	cp -rL "$src" "$1/$dest"
}

# The words given, quoted for any POSIX shell.
quote_words()
{
	local word
	for word in "$@"; do
		printf "'%s' " "$(printf %s "$word" | sed "s/'/'\\\\''/g")"
	done
}
