#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# In a guest without vmstore: is Linux's own top-level table the same before insmod,
# under load and after rmmod? Needs hosttable.ko, vmstore.ko, and a program that puts
# load on /dev/vmstore, given as arguments.

dir=$(dirname "$0")
sum() { cat /sys/module/hosttable/parameters/sum; }
n=0
expect_same()
{
	n=$((n + 1))
	now=$(sum)
	if [ "$now" = "$before" ]; then
		echo "ok $n $1"
	else
		echo "not ok $n $1"
		echo "# before insmod $before, now $now"
	fi
}

echo "TAP version 13"
echo "1..4"
insmod "$dir/hosttable.ko" || { echo "Bail out! cannot load hosttable.ko"; exit 1; }
before=$(sum)
insmod "$dir/vmstore.ko" || { echo "Bail out! cannot load vmstore.ko"; exit 1; }
expect_same loaded
"$@" >/dev/null 2>&1 &
load=$!
same=1
rounds=0
while kill -0 $load 2>/dev/null; do
	[ "$(sum)" = "$before" ] || same=0
	rounds=$((rounds + 1))
done
wait $load
status=$?
n=$((n + 1))
if [ $same = 1 ] && [ $rounds -gt 1 ]; then
	echo "ok $n under_load"
else
	echo "not ok $n under_load"
fi
echo "# $rounds checksums while the load ran"
n=$((n + 1))
[ $status = 0 ] && echo "ok $n load_worked" || echo "not ok $n load_worked"
rmmod vmstore
expect_same unloaded
rmmod hosttable
