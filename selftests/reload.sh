#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# In a guest without vmstore: load and unload it over and over. Needs vmstore.ko, and
# hostile_test for load on /dev/vmstore and for regions that only a parameter allows.
# VMSTORE_ROUNDS, percent, says how often (100: 20 times).

dir=$(dirname "$0")
dev=/dev/vmstore
rounds=$((${VMSTORE_ROUNDS:-100} / 5))
[ $rounds -ge 5 ] || rounds=5
n=0

echo "TAP version 13"
echo "1..7"

result()
{
	n=$((n + 1))
	if [ "$2" = 0 ]; then
		echo "ok $n $1"
	else
		echo "not ok $n $1"
	fi
}

# try COMMAND...: count it if it fails.
try()
{
	"$@" && return
	bad=$((bad + 1))
	echo "# round $round: failed: $*"
}

# refused COMMAND...: count it if it works.
refused()
{
	"$@" 2>/dev/null || return 0
	bad=$((bad + 1))
	echo "# round $round: not refused: $*"
}

loaded() { grep -q '^vmstore ' /proc/modules; }
load() { insmod "$dir/vmstore.ko" "$@"; }

# hostile [ARGUMENT]...: some of its tests; what went wrong, if something did.
hostile()
{
	"$dir/hostile_test" "$@" >"$dir/hostile.out" 2>&1 && return
	sed -e 's/^/# /' -e '/^# ok /d' -e '/^# # *\(RUN\|OK\) /d' "$dir/hostile.out"
	return 1
}

# Stores of all kinds on all CPUs, half of them closed with everything open.
use() { hostile -t on_all_cpus; }

# Free pages, KiB; those on the lists of the CPUs are free as well.
free_kib()
{
	awk '$1 == "MemFree:" { kib += $2 } $1 == "count:" { kib += $2 * 4 }
		END { print kib }' /proc/meminfo /proc/zoneinfo
}

# settle KIB: wait until that much is free, or until it does not become so.
settle()
{
	tries=0
	while [ "$(free_kib)" -lt "$1" ] && [ $tries -lt 30 ]; do
		sleep 0.1
		tries=$((tries + 1))
	done
}

# Loaded, opened, used in some of the rounds, unloaded. Without O_CREAT, or a file
# would be made where there is no device: hence "<".
bad=0
for round in $(seq $rounds); do
	try load
	try loaded
	try test -c $dev
	try sh -c ": <$dev"
	[ $((round % 5)) != 0 ] || try use
	try rmmod vmstore
	refused loaded
	refused test -e $dev
done
result rounds $bad

# A round that keeps anything of the module keeps a page at least. These keep what it
# is made of, or a store, if they keep more than this. Some of what was used before
# is still in caches of Linux, and of KASAN if that is there.
slack=2048
[ ! -e /sys/kernel/debug/kmemleak ] ||
	slack=$((slack + $(awk '$1 == "MemTotal:" { print $2 }' /proc/meminfo) / 32))
before=$(free_kib)
for round in $(seq $rounds); do
	load && true <$dev && rmmod vmstore
done
settle $((before - slack))
after=$(free_kib)
echo "# $before KiB free, $after KiB after $rounds more rounds"
[ "$after" -gt $((before - slack)) ]
result memory_comes_back $?

bad=0
round=0
try load
refused load
try loaded
result loaded_once $bad

# While a store is open, also while others come and go.
bad=0
exec 3<$dev
refused rmmod vmstore
use >"$dir/use.out" &
program=$!
for round in 1 2 3 4 5; do
	refused rmmod vmstore
	try loaded
done
try wait $program
cat "$dir/use.out"
refused rmmod vmstore
exec 3<&-
try rmmod vmstore
result refused_while_open $bad

# Whoever opens it just then gets a store or is told that there is no device.
bad=0
rm -f "$dir/opened"
# Not ":", which takes the shell with it when it cannot open.
while :; do
	true <$dev && echo >"$dir/opened"
done 2>/dev/null &
opener=$!
for round in $(seq $rounds); do
	try load
	tries=0
	# A store may be open at the moment.
	while ! rmmod vmstore 2>/dev/null && [ $tries -lt 1000 ]; do
		tries=$((tries + 1))
	done
	refused loaded
done
# It may have been elsewhere each time.
try load
tries=0
while [ ! -e "$dir/opened" ] && [ $tries -lt 100 ]; do
	sleep 0.1
	tries=$((tries + 1))
done
try test -e "$dir/opened"
try kill $opener
wait $opener 2>/dev/null
try rmmod vmstore
result opened_meanwhile $bad

# Regions as large as memory allows: most of the guest's has to be asked for.
bad=0
round=0
mib=$(($(awk '$1 == "MemTotal:" { print $2 }' /proc/meminfo) / 1024))
try load max_region_mib=$mib max_total_mib=$mib
try hostile -f region -f stores -T on_all_cpus
grep ' MiB of ' "$dir/hostile.out"
try rmmod vmstore
result regions_of_most_memory $bad

# A parameter that is not one is not loaded with half of it.
bad=0
refused load max_region_mib=many
refused loaded
try load max_region_mib=1 default_region_mib=1
try sh -c ": <$dev"
try rmmod vmstore
result parameters $bad
