// SPDX-License-Identifier: GPL-2.0-only
/*
 * A witness: a checksum of Linux's own top-level page table, by a module that shares
 * nothing with vmstore and can be loaded before it and after it.
 *
 *	cat /sys/module/hosttable/parameters/sum
 *
 * Covers the kernel half of the top level and, with 5 levels, the P4D page of its last
 * slot: all that a private root has in common with Linux. Accessed and dirty bits are
 * the hardware's, and slot 272 is the LDT of the process that happens to read: both
 * are left out.
 */

#include <linux/io.h>
#include <linux/module.h>
#include <linux/preempt.h>

#include <asm/processor-flags.h>
#include <asm/special_insns.h>

#define PA_MASK		GENMASK_ULL(51, 12)
#define AD_BITS		(BIT_ULL(5) | BIT_ULL(6))
#define PRESENT		BIT_ULL(0)
#define LDT_SLOT	272

static u64 sum_table(u64 sum, const u64 *table, int first)
{
	int i;

	for (i = first; i < 512; i++)
		if (i != LDT_SLOT)
			sum = sum * 31 + (READ_ONCE(table[i]) & ~AD_BITS) + i;
	return sum;
}

static u64 sum_top(void)
{
	const u64 *top;
	u64 sum, last;

	preempt_disable();
	top = __va(__native_read_cr3() & PA_MASK);
	sum = sum_table(1, top, 256);
	last = READ_ONCE(top[511]);
	if ((native_read_cr4() & X86_CR4_LA57) && (last & PRESENT))
		sum = sum_table(sum, __va(last & PA_MASK), 0);
	preempt_enable();
	return sum;
}

static int sum_get(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "%016llx\n", sum_top());
}

static const struct kernel_param_ops sum_ops = {
	.get = sum_get,
};

module_param_cb(sum, &sum_ops, NULL, 0400);
MODULE_PARM_DESC(sum, "Checksum of the kernel's top-level page table, now");

MODULE_DESCRIPTION("Checksum of the kernel's top-level page table, for vmstore's tests");
MODULE_AUTHOR("The vmstore developers");
MODULE_LICENSE("GPL");
