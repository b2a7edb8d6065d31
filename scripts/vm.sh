#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Boot a Debian kernel in QEMU, load vmstore.ko, run a command, unload it.
#
#   vm.sh [options] -- COMMAND [ARGUMENT]...
#   vm.sh [options] --shell
#
#   --kernel 6.1|6.12   Debian's kernel of that series (default 6.12), or
#   --kernel debug|kcsan  one of debug-kernel.sh, 4level only
#   --mode MODE         4level (default), 5level, pti (4-level) or pti5
#   --cpus N            processors (default 2)
#   --mem SIZE          memory (default 1G)
#   --add SRC[:DEST]    put a file or folder into the guest; DEST defaults to
#                       /test/NAME. Programs must be statically linked
#   --pull GUEST:HOST   copy a file out of the guest after the command
#   --module FILE       load this vmstore.ko instead of building one
#   --param NAME=VALUE  a parameter of the module
#   --no-module         load nothing
#   --append WORDS      more kernel parameters
#   --accel tcg|kvm     how QEMU runs the guest (default tcg)
#   --timeout S         give up after S seconds (default 300)
#   --log FILE          keep the kernel's log there
#
# The command runs in /test as root, with /test and busybox in its PATH. Its
# output (both streams) appears here as it comes; the kernel's goes to the log.
# Exit status: the command's, or
#
#   120  the kernel reported a bug, a warning, a stall, a leak, ...
#   121  the module could not be loaded
#   122  the module could not be removed afterwards
#   123  the guest died before the command was done
#   124  time is up

set -eu
. "$(dirname "$0")/lib.sh"

kernel=6.12 mode=4level cpus=2 mem=1G accel=tcg timeout=300
module='' no_module='' shell='' append='' log=''
add=() pull=() params=()
while [ $# -gt 0 ]; do
	case $1 in
	-h | --help) usage; exit 0 ;;
	--kernel) need_arg "$1" $#; kernel=$2; shift ;;
	--mode) need_arg "$1" $#; mode=$2; shift ;;
	--cpus) need_arg "$1" $#; cpus=$2; shift ;;
	--mem) need_arg "$1" $#; mem=$2; shift ;;
	--add) need_arg "$1" $#; add+=("$2"); shift ;;
	--pull) need_arg "$1" $#; pull+=("$2"); shift ;;
	--module) need_arg "$1" $#; module=$2; shift ;;
	--param) need_arg "$1" $#; params+=("$2"); shift ;;
	--no-module) no_module=1 ;;
	--append) need_arg "$1" $#; append="$append $2"; shift ;;
	--accel) need_arg "$1" $#; accel=$2; shift ;;
	--timeout) need_arg "$1" $#; timeout=$2; shift ;;
	--log) need_arg "$1" $#; log=$2; shift ;;
	--shell) shell=1 ;;
	--) shift; break ;;
	*) usage_error "unknown option '$1' (the command comes after --)" ;;
	esac
	shift
done
check_kernel "$kernel"
cpu=max,la57=off
case $mode in
4level) ;;
5level) cpu=max ;;
pti) append="$append pti=on" ;;
pti5) cpu=max; append="$append pti=on" ;;
*) usage_error "unknown mode '$mode'" ;;
esac
# On a busy host the guest measures its TSC wrongly, by a factor of 50 at times, and
# then all that waits for so long ends at once: time limits, the freezer of suspend.
append="$append notsc"
case $kernel in
debug) append="$append page_poison=1" ;;
# Watch more accesses than by default, for a shorter time: what runs here is
# small, and most of the time would go into waiting.
kcsan) append="$append kcsan.early_enable=1 kcsan.skip_watch=500"
	append="$append kcsan.udelay_task=20 kcsan.udelay_interrupt=10" ;;
esac
if is_debug_kernel "$kernel" && [ "$mode" != 4level ]; then
	usage_error "the $kernel kernel has no mode '$mode'"
fi
if [ -n "$shell" ]; then
	[ $# = 0 ] || usage_error "--shell takes no command"
	[ -t 0 ] || usage_error "--shell needs a terminal"
	set -- setsid -c sh -l
	timeout=0
else
	[ $# -gt 0 ] || usage_error "want a command after --"
fi
for tool in qemu-system-x86_64 cpio busybox; do
	command -v $tool >/dev/null || die "$tool is missing: run 'make setup'"
done
bios=/usr/share/qemu/qboot.rom
[ -e "$bios" ] || die "$bios is missing: run 'make setup'"

image=$(kernel_path image "$kernel")
if [ -z "$module$no_module" ]; then
	module=$("$VMSTORE_TOP/scripts/build.sh" "$kernel")
fi

make_tmp
root=$VMSTORE_TMP/root
make_guest_root "$root"
[ -n "$no_module" ] || cp "$module" "$root/vmstore.ko"
for item in ${add[@]+"${add[@]}"}; do
	add_to_guest "$root" "$item"
done
{
	for item in ${pull[@]+"${pull[@]}"}; do
		case $item in
		*:*) printf '%s\n' "${item%%:*}" ;;
		*) usage_error "--pull wants GUEST:HOST, not '$item'" ;;
		esac
	done
} >"$root/etc/pull"
quote_words ${params[@]+"${params[@]}"} >"$root/etc/params"
quote_words "$@" >"$root/etc/command"

# ttyS0 is the kernel's log, ttyS1 the command's terminal; what is to come
# back, and first of all the command's status, leaves through ttyS2 as a tar
# file. The last thing the guest does is to write to the exit port, so a guest
# that only died is told from one that was done.
cat >"$root/init" <<'INIT'
#!/bin/sh
/bin/busybox --install -s /bin
export PATH=/test:/bin HOME=/test TERM=${TERM:-linux}
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t debugfs debugfs /sys/kernel/debug
mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null
mkdir -p /dev/shm /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /tmp
stty -F /dev/ttyS2 raw -echo
mkdir /out
finish()
{
	echo "$1" >/out/status
	(cd / && tar -cf /dev/ttyS2 out $(while read -r f; do
		[ ! -e "$f" ] || echo "${f#/}"; done </etc/pull)) 2>/dev/null
	# Only a close waits until the port has sent everything: tar did that.
	printf '\20' | dd of=/dev/port bs=1 seek=244 2>/dev/null
	poweroff -f
}
if [ -e /vmstore.ko ]; then
	eval "insmod /vmstore.ko $(cat /etc/params)" 2>/out/insmod ||
		finish 'insmod failed'
fi
leaks=/sys/kernel/debug/kmemleak
cd /test
if [ -e /etc/shell ]; then
	stty -F /dev/ttyS1 sane $(cat /etc/shell)
else
	stty -F /dev/ttyS1 raw -echo
fi
(eval "exec $(cat /etc/command)") </dev/ttyS1 >/dev/ttyS1 2>&1
status=$?
cd /
if [ -e /vmstore.ko ]; then
	# Whoever has leaked will have no name when the module is gone.
	[ ! -e $leaks ] || grep '\[vmstore\]' /proc/kallsyms >/out/symbols
	rmmod vmstore 2>/out/rmmod || status="$status rmmod failed"
	if grep '^vmstore ' /proc/modules >>/out/rmmod; then
		status="${status% rmmod failed} rmmod failed"
	fi
fi
if [ -e $leaks ]; then
	# Objects younger than five seconds are not reported, nor those that
	# have changed since the scan before.
	sleep 6
	echo scan >$leaks
	echo scan >$leaks
	cat $leaks >/out/leaks
fi
finish "$status"
INIT
chmod +x "$root/init"
if [ -n "$shell" ]; then
	stty size | sed 's/\(.*\) \(.*\)/rows \1 cols \2/' >"$root/etc/shell"
fi
(cd "$root" && find . | cpio -o -H newc -R 0:0 --quiet) >"$VMSTORE_TMP/initrd"

klog=$VMSTORE_TMP/kernel.log
: >"$klog"
keep_log()
{
	local where=${log:-$VMSTORE_CACHE/vm/$kernel-$mode.log}
	mkdir -p "$(dirname "$where")"
	tr -d '\r' <"$klog" >"$where"
	printf '%s\n' "$where"
}

# Give up with a status of our own, and show the end of the kernel's log.
give_up()
{
	local status=$1 where
	shift
	where=$(keep_log)
	printf 'vm.sh: %s (%s %s): %s\n' "$*" "$kernel" "$mode" "log: $where" >&2
	exit "$status"
}

# Print what kmemleak found; the addresses without a name are the module's.
show_leaks()
{
	[ -s "$VMSTORE_TMP/out/leaks" ] || return 0
	cat "$VMSTORE_TMP/out/leaks" >&2
	[ -s "$VMSTORE_TMP/out/symbols" ] || return 0
	{
		sed -n 's/^ *0x\([0-9a-f]\{16\}\)$/\1 ~/p' "$VMSTORE_TMP/out/leaks"
		cat "$VMSTORE_TMP/out/symbols"
	} | sort | awk '
	$2 == "~" { printf "0x%s is in %s\n", $1, name; next }
	{ name = $3 " " $4 }' >&2
}

[ -z "$shell" ] || say "leave the guest with 'exit'"
qemu_status=0 whole=''
# shellcheck disable=SC2054 # commas within a word are for QEMU
run=(qemu-system-x86_64 -accel "$accel" -cpu "$cpu" -smp "$cpus" -m "$mem"
	-bios "$bios" -nodefaults -no-user-config -no-reboot -display none
	-kernel "$image" -initrd "$VMSTORE_TMP/initrd"
	-append "console=ttyS0 loglevel=7 oops=panic panic=-1$append"
	-serial "file:$klog"
	-chardev "stdio,id=command,signal=off" -serial chardev:command
	-serial "file:$VMSTORE_TMP/out.tar"
	-device isa-debug-exit,iobase=0xf4,iosize=4)
if [ -n "$shell" ]; then
	"${run[@]}" || qemu_status=$?
else
	timeout --foreground -k 5 "$timeout" "${run[@]}" </dev/null ||
		qemu_status=$?
fi

[ -z "$log" ] || keep_log >/dev/null
tar -xf "$VMSTORE_TMP/out.tar" -C "$VMSTORE_TMP" 2>/dev/null && whole=1
show_leaks
if [ "$kernel" = kcsan ]; then
	tr -d '\r' <"$klog" | drop_foreign_races >"$VMSTORE_TMP/races.log"
	scanned=$VMSTORE_TMP/races.log
else
	scanned=$klog
fi
scan_kernel_log "$scanned" || give_up 120 "the kernel reported trouble"
case $qemu_status in
33) ;; # (0x10 << 1) | 1: the guest wrote to the exit port
124 | 137)
	tail -n 20 "$klog" >&2
	give_up 124 "not done after $timeout seconds"
	;;
*)
	tail -n 20 "$klog" >&2
	give_up 123 "the guest died (QEMU: $qemu_status)"
	;;
esac

[ -n "$whole" ] ||
	give_up 123 "what came out of the guest is not whole"
[ ! -s "$VMSTORE_TMP/out/leaks" ] || give_up 120 "memory was leaked"
for item in ${pull[@]+"${pull[@]}"}; do
	[ -e "$VMSTORE_TMP/${item%%:*}" ] ||
		give_up 123 "the guest has no file ${item%%:*}"
	cp "$VMSTORE_TMP/${item%%:*}" "${item#*:}"
done
read -r status what <"$VMSTORE_TMP/out/status"
case "$status $what" in
'insmod failed')
	cat "$VMSTORE_TMP/out/insmod" >&2
	grep -a -i vmstore "$klog" >&2 || :
	give_up 121 "vmstore.ko cannot be loaded"
	;;
*'rmmod failed')
	cat "$VMSTORE_TMP/out/rmmod" >&2
	give_up 122 "vmstore cannot be removed (the command's status: $status)"
	;;
esac
exit "$status"
