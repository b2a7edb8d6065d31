/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Does all memory come back? Freeing may lag behind (RCU, lists of the CPUs), and what
 * else runs takes some too: so less is free only if it stays so, and by more than a
 * store that was lost would cost.
 */
#ifndef VMSTORE_FREE_MEMORY_H
#define VMSTORE_FREE_MEMORY_H

#include "vmstore_test.h"

/* vt_meminfo - a line of /proc/meminfo, KiB; -1 when it is not there */
static inline long vt_meminfo(const char *name)
{
	FILE *f = fopen("/proc/meminfo", "r");
	char line[128];
	long kib = -1;

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, name, strlen(name)) && line[strlen(name)] == ':')
			kib = atol(line + strlen(name) + 1);
	if (f)
		fclose(f);
	return kib;
}

/*
 * vt_free_kib - free memory, KiB
 *
 * Pages on the lists of the CPUs are free as well, and after a large region they are
 * more than what is looked for.
 */
static inline long vt_free_kib(void)
{
	FILE *f = fopen("/proc/zoneinfo", "r");
	long kib = vt_meminfo("MemFree");
	char line[128];
	long pages;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, " count: %ld", &pages) == 1)
			kib += pages * (long)(VT_PAGE / 1024);
	if (f)
		fclose(f);
	return kib;
}

/*
 * vt_slack_kib - what may be missing, KiB: one block, as a store that is lost costs more
 *
 * KASAN keeps what was freed, up to the 32nd part of all memory; such a kernel has
 * kmemleak too, which finds what is less.
 */
static inline long vt_slack_kib(void)
{
	long slack = VMSTORE_BLOCK_SIZE / 1024;

	if (!access("/sys/kernel/debug/kmemleak", F_OK))
		slack += vt_meminfo("MemTotal") / 32;
	return slack;
}

/* vt_memory_lost - what is missing of @before, KiB, once it does not get less */
static inline long vt_memory_lost(long before)
{
	const long slack = vt_slack_kib();
	long lost = 0;
	int i;

	for (i = 0; i < 300; i++) {
		lost = before - vt_free_kib();
		if (lost < slack)
			break;
		usleep(10000);
	}
	return lost;
}

#endif /* VMSTORE_FREE_MEMORY_H */
