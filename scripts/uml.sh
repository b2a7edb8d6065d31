#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Build vmstore.ko for a User Mode Linux kernel, boot that, run a command.
#
#   uml.sh [options] -- COMMAND [ARGUMENT]...
#
#   --debug             with KASAN, UBSAN, lockdep, kmemleak and fail-nth
#   --add SRC[:DEST]    put a file or folder into the guest; DEST defaults to
#                       /test/NAME. Programs must be statically linked
#   --pull GUEST:HOST   copy a file out of the guest after the command
#   --param NAME=VALUE  a parameter of the module
#   --no-module         load nothing
#   --timeout S         give up after S seconds (default 300)
#   --log FILE          keep the kernel's log there
#
# UML has no MMU to lend: the module runs on its software machine, one CPU, at
# the host's speed. Command, output and exit status are as with vm.sh.

set -eu
. "$(dirname "$0")/lib.sh"

flavour=plain timeout=300 no_module='' log=''
add=() pull=() params=()
while [ $# -gt 0 ]; do
	case $1 in
	-h | --help) usage; exit 0 ;;
	--debug) flavour=debug ;;
	--add) need_arg "$1" $#; add+=("$2"); shift ;;
	--pull) need_arg "$1" $#; pull+=("$2"); shift ;;
	--param) need_arg "$1" $#; params+=("$2"); shift ;;
	--no-module) no_module=1 ;;
	--timeout) need_arg "$1" $#; timeout=$2; shift ;;
	--log) need_arg "$1" $#; log=$2; shift ;;
	--) shift; break ;;
	*) usage_error "unknown option '$1' (the command comes after --)" ;;
	esac
	shift
done
[ $# -gt 0 ] || usage_error "want a command after --"
for item in ${pull[@]+"${pull[@]}"}; do
	case $item in
	*:*) ;;
	*) usage_error "--pull wants GUEST:HOST, not '$item'" ;;
	esac
done
command -v busybox >/dev/null || die "busybox is missing: run 'make setup'"

make_tmp
hold_lock um
out=$("$VMSTORE_TOP/scripts/um-kernel.sh" "$flavour")
copy=$out-vmstore

build_um_module()
{
	copy_project "$copy"
	# The module users get: the suites have kernels of their own.
	make -C "$out" ARCH=um M="$copy" -j"$VMSTORE_JOBS" \
		CONFIG_VMSTORE_KUNIT_TEST=n modules \
		>"$VMSTORE_TMP/make.log" 2>&1 || {
		cat "$VMSTORE_TMP/make.log" >&2
		die "vmstore.ko does not build for UML"
	}
}

[ -n "$no_module" ] || build_um_module

root=$VMSTORE_TMP/root
make_guest_root "$root"
mkdir "$root/out"
[ -n "$no_module" ] || cp "$copy/vmstore.ko" "$root/vmstore.ko"
# Others may build while this one runs.
cp "$out/linux" "$VMSTORE_TMP/linux"
release_lock
for item in ${add[@]+"${add[@]}"}; do
	add_to_guest "$root" "$item"
done
quote_words ${params[@]+"${params[@]}"} >"$root/etc/params"
quote_words "$@" >"$root/etc/command"

# tty0 is the kernel's log, tty1 the command's terminal. The root file system
# is a folder of the host, so the status and what is pulled are just files.
cat >"$root/init" <<'INIT'
#!/bin/sh
/bin/busybox --install -s /bin
export PATH=/test:/bin HOME=/test TERM=linux
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t debugfs debugfs /sys/kernel/debug
mkdir -p /dev/shm
mount -t tmpfs tmpfs /dev/shm
finish()
{
	echo "$1" >/out/status
	sync
	poweroff -f
}
if [ -e /vmstore.ko ]; then
	eval "insmod /vmstore.ko $(cat /etc/params)" 2>/out/insmod ||
		finish 'insmod failed'
fi
cd /test
stty -F /dev/tty1 raw -echo
(eval "exec $(cat /etc/command)") </dev/null >/dev/tty1 2>&1
status=$?
cd /
if [ -e /vmstore.ko ]; then
	rmmod vmstore 2>/out/rmmod || status="$status rmmod failed"
	if grep '^vmstore ' /proc/modules >>/out/rmmod; then
		status="${status% rmmod failed} rmmod failed"
	fi
fi
if [ -e /sys/kernel/debug/kmemleak ]; then
	# Younger objects than five seconds are not reported, and a pointer may
	# have been in a register: hence the wait and the second scan.
	sleep 6
	echo scan >/sys/kernel/debug/kmemleak
	echo scan >/sys/kernel/debug/kmemleak
	cat /sys/kernel/debug/kmemleak >/out/kmemleak
fi
finish "$status"
INIT
chmod +x "$root/init"

klog=$VMSTORE_TMP/kernel.log
keep_log()
{
	local where=${log:-$VMSTORE_CACHE/um/$flavour.log}
	mkdir -p "$(dirname "$where")"
	tr -d '\r' <"$klog" >"$where"
	printf '%s\n' "$where"
}

give_up()
{
	local status=$1 where
	shift
	where=$(keep_log)
	printf 'uml.sh: %s (%s): log: %s\n' "$*" "$flavour" "$where" >&2
	exit "$status"
}

run_status=0
exec 3>"$klog"
{
	limited "$timeout" "$VMSTORE_TMP/linux" uml_dir="$VMSTORE_TMP" \
		mem=512M rootfstype=hostfs rootflags="$root" rw init=/init \
		con=null con0=null,fd:3 con1=null,fd:1 \
		</dev/null 2>&3 || run_status=$?
} 2>/dev/null # bash's word on a child that aborted
exec 3>&-

[ -z "$log" ] || keep_log >/dev/null
scan_kernel_log "$klog" || give_up 120 "the kernel reported trouble"
if [ ! -s "$root/out/status" ]; then
	tail -n 20 "$klog" >&2
	case $run_status in
	124 | 137) give_up 124 "not done after $timeout seconds" ;;
	*) give_up 123 "the kernel died ($run_status)" ;;
	esac
fi
if grep -q vmstore "$root/out/kmemleak" 2>/dev/null; then
	cat "$root/out/kmemleak" >&2
	give_up 120 "memory was leaked"
fi
for item in ${pull[@]+"${pull[@]}"}; do
	[ -e "$root/${item%%:*}" ] ||
		give_up 123 "the guest has no file ${item%%:*}"
	cp "$root/${item%%:*}" "${item#*:}"
done
read -r status what <"$root/out/status"
case "$status $what" in
'insmod failed')
	cat "$root/out/insmod" >&2
	give_up 121 "vmstore.ko cannot be loaded"
	;;
*'rmmod failed')
	cat "$root/out/rmmod" >&2
	give_up 122 "vmstore cannot be removed (the command's status: $status)"
	;;
esac
exit "$status"
