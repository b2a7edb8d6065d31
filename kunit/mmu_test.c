// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the machines: each case runs on the soft one and, where it exists, on the
 * live one. Tables are written by hand, so nothing above mmu.h is needed.
 */

#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "mmu.h"

/* Slots of the fixture's region */
enum {
	SLOT_ROOT_A = 0,	/* roots are at even slots */
	SLOT_L3_A,
	SLOT_ROOT_B,
	SLOT_L3_B,
	SLOT_L2_A,
	SLOT_L1_A,
	SLOT_L2_B,
	SLOT_L1_B,
	SLOT_KERNEL,		/* level-3 node of the kernel half */
	SLOT_KL2,		/* below it, for areas */
	SLOT_KL1,
	SLOT_L1_NEW,		/* takes the place of SLOT_L1_A */
	SLOT_DATA = 16,
	SLOT_OTHER,
};

#define VA		0x00007f1234567000ULL
#define VA_NEXT		(VA + VMS_PAGE_SIZE)
#define KVA		VMSTORE_KVIRT_BASE
#define VALUE		0x1122334455667788ULL
#define OTHER_VALUE	0x99aabbccddeeff00ULL

#define ABSENT_LOAD	VMSTORE_FAULT_TAKEN
#define ABSENT_STORE	(VMSTORE_FAULT_TAKEN | VMSTORE_FAULT_WRITE)
#define READ_ONLY_STORE	(ABSENT_STORE | VMSTORE_FAULT_PRESENT)

#define ROUNDS		500
#define THREADS		4

static const struct vmstore_prop rw = {
	.flags = VMSTORE_PROP_R | VMSTORE_PROP_W,
	.priv = VMSTORE_PRIV_USER,
};

static const struct vmstore_prop ro = {
	.flags = VMSTORE_PROP_R,
	.priv = VMSTORE_PRIV_USER,
};

static const struct vmstore_prop global_rw = {
	.flags = VMSTORE_PROP_R | VMSTORE_PROP_W,
	.priv = VMSTORE_PRIV_GLOBAL,
};

struct mmu_param {
	u32 machine;
	const char *name;
};

static const struct mmu_param mmu_params[] = {
	{ VMSTORE_MACHINE_SOFT, "soft" },
	{ VMSTORE_MACHINE_LIVE, "live" },
};

static void mmu_param_name(const struct mmu_param *p, char *desc)
{
	strscpy(desc, p->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(mmu, mmu_params, mmu_param_name);

struct fixture {
	struct vms_mmu m;
	struct vms_region region;
	struct vms_root a, b;
	u64 *linear;			/* level-2 table outside the region */
	struct vms_flush flush;		/* what on_kick does */
	atomic_t *kicks;		/* on_kick calls, by CPU */
	atomic64_t last[2];		/* rounds of the kick storm seen by a CPU */
	atomic64_t round;
	bool roots;
};

static void mmu_on_kick(struct vms_mmu *m, int cpu)
{
	struct fixture *f = container_of(m, struct fixture, m);

	if (cpu < 2)
		atomic64_set(&f->last[cpu], atomic64_read(&f->round));
	m->ops->flush(m, cpu, &f->flush);
	atomic_inc(&f->kicks[cpu]);
}

static u64 *table(struct fixture *f, u32 slot)
{
	return vms_slot_kva(&f->region, slot);
}

static u64 table_pte(struct fixture *f, u32 slot)
{
	return vms_pte_make_table(vms_slot_pa(&f->region, slot));
}

static u64 leaf_pte(struct fixture *f, u32 slot, struct vmstore_prop prop)
{
	return vms_pte_make_leaf(vms_slot_pa(&f->region, slot), 1, prop);
}

static u64 *word(struct fixture *f, u32 slot)
{
	return vms_slot_kva(&f->region, slot);
}

/* The level-1 entry of @va in the tables of A, B or the kernel half */
static u64 *entry(struct fixture *f, u32 l1, u64 va)
{
	return &table(f, l1)[vms_pte_index(va, 1)];
}

static void set_entry(struct fixture *f, u32 l1, u64 va, u64 pte)
{
	/* Pairs with the acquire of the software walk */
	smp_store_release(entry(f, l1, va), pte);
}

static void link_tables(struct fixture *f, u32 root, u32 l3, u32 l2, u32 l1)
{
	table(f, root)[vms_pte_index(VA, 4)] = table_pte(f, l3);
	table(f, l3)[vms_pte_index(VA, 3)] = table_pte(f, l2);
	table(f, l2)[vms_pte_index(VA, 2)] = table_pte(f, l1);
}

static int init_root(struct fixture *f, struct vms_root *r, u32 slot, u64 tag)
{
	r->pa = vms_slot_pa(&f->region, slot);
	r->entries = table(f, slot);
	r->tag = tag;
	return f->m.ops->root_init(&f->m, r);
}

/* The machine, and two roots over the tables */
static void start(struct kunit *test, u32 machine, u32 nr_cpus, u32 seed)
{
	struct fixture *f = test->priv;

	f->m.seed = seed;
	KUNIT_ASSERT_EQ(test, vms_mmu_init(&f->m, machine, &f->region, nr_cpus), 0);
	f->kicks = kunit_kzalloc(test, f->m.nr_cpus * sizeof(*f->kicks), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f->kicks);
	f->m.on_kick = mmu_on_kick;
	f->flush = (struct vms_flush) { .all = true };
	f->m.kernel_pte = table_pte(f, SLOT_KERNEL);
	KUNIT_ASSERT_EQ(test, init_root(f, &f->a, SLOT_ROOT_A, 1), 0);
	KUNIT_ASSERT_EQ(test, init_root(f, &f->b, SLOT_ROOT_B, 2), 0);
	f->roots = true;
}

static void stop(struct fixture *f)
{
	u32 cpu;

	if (f->roots) {
		for (cpu = 0; cpu < f->m.nr_cpus; cpu++)
			f->m.ops->set_root(&f->m, cpu, NULL, 0);
		f->m.ops->root_exit(&f->m, &f->a);
		f->m.ops->root_exit(&f->m, &f->b);
		f->roots = false;
	}
	vms_mmu_exit(&f->m);
}

/* A new soft machine over the same tables, with accessed and dirty as they are */
static void restart(struct kunit *test, u32 nr_cpus, u32 seed)
{
	struct fixture *f = test->priv;

	stop(f);
	start(test, VMSTORE_MACHINE_SOFT, nr_cpus, seed);
}

static int mmu_test_init(struct kunit *test)
{
	const struct mmu_param *p = test->param_value;
	u32 machine = p ? p->machine : VMSTORE_MACHINE_SOFT;
	struct fixture *f;
	u64 *top;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	if (!f)
		return -ENOMEM;
	test->priv = f;
	if (!(vms_mmu_machines() & 1U << machine))
		return 0;
	KUNIT_ASSERT_EQ(test, vms_region_init(&f->region, VMS_BLOCK_SIZE, 0), 0);
	f->linear = (u64 *)get_zeroed_page(GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f->linear);

	/* The kernel half: a linear window of 4 MiB and one table for areas */
	f->linear[0] = vms_pte_make_leaf(vms_slot_pa(&f->region, 0), 2, rw);
	f->linear[1] = vms_pte_make_leaf(vms_slot_pa(&f->region, 512), 2, rw);
	top = table(f, SLOT_KERNEL);
	top[0] = vms_pte_make_table(__pa(f->linear));
	top[vms_pte_index(KVA, 3)] = table_pte(f, SLOT_KL2);
	table(f, SLOT_KL2)[vms_pte_index(KVA, 2)] = table_pte(f, SLOT_KL1);

	link_tables(f, SLOT_ROOT_A, SLOT_L3_A, SLOT_L2_A, SLOT_L1_A);
	link_tables(f, SLOT_ROOT_B, SLOT_L3_B, SLOT_L2_B, SLOT_L1_B);
	*word(f, SLOT_DATA) = VALUE;
	*word(f, SLOT_OTHER) = OTHER_VALUE;
	start(test, machine, 0, 0);
	return 0;
}

static void mmu_test_exit(struct kunit *test)
{
	struct fixture *f = test->priv;

	if (!f || !f->m.ops)
		return;
	stop(f);
	free_page((unsigned long)f->linear);
	vms_region_exit(&f->region);
}

/* The fixture, or skip the case */
static struct fixture *fixture(struct kunit *test, u32 caps)
{
	struct fixture *f = test->priv;

	if (!f->m.ops)
		kunit_skip(test, "this machine does not exist here");
	if (caps & ~f->m.caps)
		kunit_skip(test, "the machine lacks capability 0x%x",
			   caps & ~f->m.caps);
	return f;
}

static int do_access(struct fixture *f, int cpu, struct vms_root *r, u64 va, void *buf,
		     size_t len, bool write, struct vms_access *a)
{
	*a = (struct vms_access) {
		.va = va, .buf = buf, .len = len, .write = write,
		.done = 77, .fault = 77,
	};
	return f->m.ops->access(&f->m, cpu, r, a);
}

static void expect_read(struct kunit *test, int cpu, struct vms_root *r, u64 va,
			u64 value)
{
	struct fixture *f = test->priv;
	struct vms_access a;
	u64 got = 0;

	KUNIT_EXPECT_EQ(test, do_access(f, cpu, r, va, &got, 8, false, &a), 0);
	KUNIT_EXPECT_EQ(test, a.fault, 0U);
	KUNIT_EXPECT_EQ(test, a.done, (size_t)8);
	KUNIT_EXPECT_EQ(test, got, value);
	KUNIT_EXPECT_TRUE(test, bitmap_empty(r->loaded.bits, VMS_MAX_CPUS));
}

static void expect_write(struct kunit *test, int cpu, struct vms_root *r, u64 va,
			 u64 value)
{
	struct fixture *f = test->priv;
	struct vms_access a;

	KUNIT_EXPECT_EQ(test, do_access(f, cpu, r, va, &value, 8, true, &a), 0);
	KUNIT_EXPECT_EQ(test, a.fault, 0U);
	KUNIT_EXPECT_EQ(test, a.done, (size_t)8);
}

static void expect_fault(struct kunit *test, int cpu, struct vms_root *r, u64 va,
			 bool write, u32 fault)
{
	struct fixture *f = test->priv;
	struct vms_access a;
	u64 buf = VALUE;

	KUNIT_EXPECT_EQ(test, do_access(f, cpu, r, va, &buf, 8, write, &a), 0);
	KUNIT_EXPECT_EQ(test, a.fault, fault);
	KUNIT_EXPECT_EQ(test, a.done, (size_t)0);
	KUNIT_EXPECT_EQ(test, buf, VALUE);
}

static void expect_error(struct kunit *test, int cpu, struct vms_root *r, u64 va,
			 size_t len, int err)
{
	struct fixture *f = test->priv;
	struct vms_access a;
	u64 buf[2] = { VALUE, VALUE };

	KUNIT_EXPECT_EQ(test, do_access(f, cpu, r, va, buf, len, true, &a), err);
	KUNIT_EXPECT_EQ(test, a.fault, 0U);
	KUNIT_EXPECT_EQ(test, a.done, (size_t)0);
}

static void set_root(struct kunit *test, int cpu, struct vms_root *r)
{
	struct fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, f->m.ops->set_root(&f->m, cpu, r, 0), 0);
}

/* What the CPUs do when they are kicked next */
static void want_flush(struct fixture *f, u64 tag, u64 va)
{
	f->flush = (struct vms_flush) {
		.nr = 1, .ops[0] = { tag, va, va + VMS_PAGE_SIZE },
	};
}

static void kick_and_wait(struct kunit *test, int cpu)
{
	struct fixture *f = test->priv;
	struct vms_cpuset set = {};
	int before = atomic_read(&f->kicks[cpu]);

	set_bit(cpu, set.bits);
	cpus_read_lock();
	KUNIT_EXPECT_EQ(test, f->m.ops->kick(&f->m, &set), 0);
	KUNIT_EXPECT_EQ(test, f->m.ops->wait(&f->m, &set), 0);
	cpus_read_unlock();
	KUNIT_EXPECT_EQ(test, atomic_read(&f->kicks[cpu]), before + 1);
}

static void mmu_test_widths(struct kunit *test)
{
	struct fixture *f = fixture(test, 0);
	static const size_t lens[] = { 1, 2, 4, 8, 0, 3, 7, 13, 100, 4096 };
	u8 *in = kunit_kzalloc(test, VMS_PAGE_SIZE, GFP_KERNEL);
	u8 *out = kunit_kzalloc(test, VMS_PAGE_SIZE, GFP_KERNEL);
	u8 *frame = (u8 *)word(f, SLOT_DATA);
	struct vms_access a;
	unsigned int i, j;

	KUNIT_ASSERT_TRUE(test, in && out);
	set_entry(f, SLOT_L1_A, VA, leaf_pte(f, SLOT_DATA, rw));
	for (i = 0; i < VMS_PAGE_SIZE; i++)
		in[i] = i * 7 + i / 256;
	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		for (j = 0; j <= 16 && j + lens[i] <= VMS_PAGE_SIZE; j += 8) {
			memset(frame, 0xee, VMS_PAGE_SIZE);
			memset(out, 0, VMS_PAGE_SIZE);
			KUNIT_EXPECT_EQ(test, do_access(f, 0, &f->a, VA + j, in,
							lens[i], true, &a), 0);
			KUNIT_EXPECT_EQ(test, a.done, lens[i]);
			KUNIT_EXPECT_EQ(test, memcmp(frame + j, in, lens[i]), 0);
			if (j)
				KUNIT_EXPECT_EQ(test, frame[j - 1], (u8)0xee);
			if (j + lens[i] < VMS_PAGE_SIZE)
				KUNIT_EXPECT_EQ(test, frame[j + lens[i]], (u8)0xee);
			KUNIT_EXPECT_EQ(test, do_access(f, 0, &f->a, VA + j, out,
							lens[i], false, &a), 0);
			KUNIT_EXPECT_EQ(test, a.done, lens[i]);
			KUNIT_EXPECT_EQ(test, memcmp(out, in, lens[i]), 0);
		}
	}
}

/* An unaligned start and end */
static void mmu_test_unaligned(struct kunit *test)
{
	struct fixture *f = fixture(test, 0);
	u8 *frame = (u8 *)word(f, SLOT_DATA);
	char text[] = "unaligned text of some length";
	char back[sizeof(text)];
	struct vms_access a;
	unsigned int at;

	set_entry(f, SLOT_L1_A, VA, leaf_pte(f, SLOT_DATA, rw));
	for (at = 0; at < 17; at++) {
		KUNIT_EXPECT_EQ(test, do_access(f, 0, &f->a, VA + at, text,
						sizeof(text), true, &a), 0);
		KUNIT_EXPECT_EQ(test, memcmp(frame + at, text, sizeof(text)), 0);
		memset(back, 0, sizeof(back));
		KUNIT_EXPECT_EQ(test, do_access(f, 0, &f->a, VA + at, back,
						sizeof(back), false, &a), 0);
		KUNIT_EXPECT_STREQ(test, (char *)back, (char *)text);
	}
}

static void mmu_test_absent(struct kunit *test)
{
	struct fixture *f = fixture(test, 0);
	static const u32 node[] = {
		0, SLOT_L1_A, SLOT_L2_A, SLOT_L3_A, SLOT_ROOT_A,
	};
	int level;

	/* Nothing at level 1, then nothing at 2, at 3, at 4 */
	for (level = 1; level <= VMS_NR_LEVELS; level++) {
		table(f, node[level])[vms_pte_index(VA, level)] = 0;
		expect_fault(test, 0, &f->a, VA, false, ABSENT_LOAD);
		expect_fault(test, 0, &f->a, VA, true, ABSENT_STORE);
	}
	expect_fault(test, 0, &f->a, KVA, false, ABSENT_LOAD);
	expect_fault(test, 0, &f->a, KVA, true, ABSENT_STORE);
	expect_fault(test, 0, &f->a, VMSTORE_KERNEL_BASE + f->region.size, false, ABSENT_LOAD);
	expect_fault(test, 0, &f->a, 0, false, ABSENT_LOAD);
	expect_fault(test, 0, &f->a, VMSTORE_USER_END - 8, true, ABSENT_STORE);
}

static void mmu_test_read_only(struct kunit *test)
{
	struct fixture *f = fixture(test, 0);

	set_entry(f, SLOT_L1_A, VA, leaf_pte(f, SLOT_DATA, ro));
	expect_fault(test, 0, &f->a, VA, true, READ_ONLY_STORE);
	/* Not even accessed, but a CPU may walk there for other reasons */
	KUNIT_EXPECT_EQ(test, *entry(f, SLOT_L1_A, VA) & ~VMS_PTE_ACCESSED,
			leaf_pte(f, SLOT_DATA, ro));
	expect_read(test, 0, &f->a, VA, VALUE);
	expect_fault(test, 0, &f->a, VA, true, READ_ONLY_STORE);
	KUNIT_EXPECT_FALSE(test, vms_pte_dirty(*entry(f, SLOT_L1_A, VA)));
	KUNIT_EXPECT_EQ(test, *word(f, SLOT_DATA), VALUE);

	/* The kernel half too */
	set_entry(f, SLOT_KL1, KVA, leaf_pte(f, SLOT_DATA, ro));
	expect_read(test, 0, &f->a, KVA, VALUE);
	expect_fault(test, 0, &f->a, KVA, true, READ_ONLY_STORE);
}

/* The USER bit decides nothing */
static void mmu_test_supervisor(struct kunit *test)
{
	struct fixture *f = fixture(test, 0);

	set_entry(f, SLOT_L1_A, VA, leaf_pte(f, SLOT_DATA, global_rw));
	expect_read(test, 0, &f->a, VA, VALUE);
	set_entry(f, SLOT_KL1, KVA, leaf_pte(f, SLOT_DATA, rw));
	expect_write(test, 0, &f->a, KVA, OTHER_VALUE);
	expect_read(test, 0, &f->a, VA, OTHER_VALUE);
}

static void mmu_test_accessed_dirty(struct kunit *test)
{
	struct fixture *f = fixture(test, 0);
	u64 pte = leaf_pte(f, SLOT_DATA, rw);

	set_entry(f, SLOT_L1_A, VA, pte);
	expect_read(test, 0, &f->a, VA, VALUE);
	KUNIT_EXPECT_EQ(test, *entry(f, SLOT_L1_A, VA), pte | VMS_PTE_ACCESSED);
	KUNIT_EXPECT_EQ(test, table(f, SLOT_L2_A)[vms_pte_index(VA, 2)],
			table_pte(f, SLOT_L1_A) | VMS_PTE_ACCESSED);
	KUNIT_EXPECT_EQ(test, table(f, SLOT_ROOT_A)[vms_pte_index(VA, 4)],
			table_pte(f, SLOT_L3_A) | VMS_PTE_ACCESSED);
	KUNIT_EXPECT_EQ(test, *entry(f, SLOT_L1_A, VA_NEXT), 0ULL);
	expect_write(test, 0, &f->a, VA, 1);
	KUNIT_EXPECT_EQ(test, *entry(f, SLOT_L1_A, VA), pte | VMS_PTE_AD);

	set_entry(f, SLOT_KL1, KVA, leaf_pte(f, SLOT_OTHER, rw));
	expect_write(test, 0, &f->a, KVA, 1);
	KUNIT_EXPECT_EQ(test, *entry(f, SLOT_KL1, KVA),
			leaf_pte(f, SLOT_OTHER, rw) | VMS_PTE_AD);
}

/* A store through a cached clean translation looks at the tables again */
static void mmu_test_dirty_walk(struct kunit *test)
{
	struct fixture *f = fixture(test, 0);

	set_root(test, 0, &f->a);
	set_entry(f, SLOT_L1_A, VA, leaf_pte(f, SLOT_DATA, rw));
	expect_read(test, 0, &f->a, VA, VALUE);
	expect_write(test, 0, &f->a, VA, 5);
	KUNIT_EXPECT_TRUE(test, vms_pte_dirty(*entry(f, SLOT_L1_A, VA)));

	set_entry(f, SLOT_L1_A, VA_NEXT, leaf_pte(f, SLOT_DATA, rw));
	expect_read(test, 0, &f->a, VA_NEXT, 5);
	set_entry(f, SLOT_L1_A, VA_NEXT, 0);
	expect_fault(test, 0, &f->a, VA_NEXT, true, ABSENT_STORE);
	expect_fault(test, 0, &f->a, VA_NEXT, false, ABSENT_LOAD);
}

static void mmu_test_linear(struct kunit *test)
{
	struct fixture *f = fixture(test, 0);
	u64 paddr;

	set_entry(f, SLOT_L1_A, VA, leaf_pte(f, SLOT_DATA, rw));
	expect_write(test, 0, &f->a, VA + 8, 42);
	expect_read(test, 0, &f->a, VMSTORE_KERNEL_BASE + vms_slot_paddr(SLOT_DATA) + 8, 42);
	expect_read(test, 0, &f->b, VMSTORE_KERNEL_BASE + vms_slot_paddr(SLOT_DATA) + 8, 42);
	expect_write(test, 0, &f->b, VMSTORE_KERNEL_BASE + vms_slot_paddr(SLOT_DATA), 43);
	KUNIT_EXPECT_EQ(test, *word(f, SLOT_DATA), 43ULL);
	KUNIT_EXPECT_TRUE(test, vms_pte_dirty(f->linear[0]));

	/* All of the region, both of its 2 MiB leaves */
	for (paddr = SLOT_OTHER * VMS_PAGE_SIZE; paddr < f->region.size;
	     paddr += 61 * VMS_PAGE_SIZE) {
		*word(f, vms_paddr_slot(paddr)) = ~paddr;
		expect_read(test, 0, &f->a, VMSTORE_KERNEL_BASE + paddr, ~paddr);
	}
}

static void mmu_test_refused(struct kunit *test)
{
	struct fixture *f = fixture(test, 0);
	u64 slot_end = VMSTORE_KERNEL_BASE + (1ULL << 39);

	set_entry(f, SLOT_L1_A, VA, leaf_pte(f, SLOT_DATA, rw));
	expect_error(test, 0, &f->a, VA, VMS_ACCESS_MAX + 1, -EINVAL);
	expect_error(test, 0, &f->a, VA, SIZE_MAX, -EINVAL);
	expect_error(test, 0, &f->a, VMSTORE_USER_END - 4, 8, -EINVAL);
	expect_error(test, 0, &f->a, slot_end - 4, 8, -EINVAL);
	expect_error(test, f->m.nr_cpus, &f->a, VA, 8, -EINVAL);
	expect_error(test, -1, &f->a, VA, 8, -EINVAL);
	expect_error(test, 0, &f->a, VMSTORE_USER_END, 8, -EINVAL);
	expect_error(test, 0, &f->a, 0x0000ffffffffffffULL & ~7ULL, 8, -EINVAL);
	expect_error(test, 0, &f->a, VMSTORE_KERNEL_BASE - 8, 8, -EINVAL);
	expect_error(test, 0, &f->a, slot_end, 8, -EINVAL);
	expect_error(test, 0, &f->a, 0xffff888000000000ULL, 8, -EINVAL);
	expect_error(test, 0, &f->a, 0xffffffff81000000ULL, 8, -EINVAL);
	expect_error(test, 0, &f->a, ~7ULL, 8, -EINVAL);
	KUNIT_EXPECT_EQ(test, f->m.ops->set_root(&f->m, f->m.nr_cpus, &f->a, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, f->m.ops->set_root(&f->m, -1, &f->a, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, f->m.ops->set_root(&f->m, 0, &f->a, 0x80), -EINVAL);
	KUNIT_EXPECT_EQ(test, *word(f, SLOT_DATA), VALUE);
}

/* Two pages that follow each other in va and not in memory; room for them and more */
static u8 *across(struct kunit *test, u8 **out)
{
	struct fixture *f = test->priv;
	u8 *in = kunit_kzalloc(test, VMS_ACCESS_MAX, GFP_KERNEL);
	unsigned int i;

	*out = kunit_kzalloc(test, VMS_ACCESS_MAX, GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, in && *out);
	for (i = 0; i < VMS_ACCESS_MAX; i++)
		in[i] = i * 7 + i / 256;
	set_entry(f, SLOT_L1_A, VA, leaf_pte(f, SLOT_OTHER, rw));
	set_entry(f, SLOT_L1_A, VA_NEXT, leaf_pte(f, SLOT_DATA, rw));
	return in;
}

static void mmu_test_crosses_pages(struct kunit *test)
{
	static const struct {
		size_t from, len;
	} spans[] = {
		{ 4095, 2 }, { 4092, 8 }, { 4088, 16 }, { 4090, 13 }, { 0, 8192 },
		{ 1, 8191 }, { 3, 8186 }, { 4096, 4096 }, { 2048, 4096 },
	};
	struct fixture *f = fixture(test, 0);
	u8 *first = (u8 *)word(f, SLOT_OTHER), *second = (u8 *)word(f, SLOT_DATA);
	struct vms_access a;
	u8 *in, *out;
	unsigned int i;

	in = across(test, &out);
	for (i = 0; i < ARRAY_SIZE(spans); i++) {
		size_t from = spans[i].from, len = spans[i].len;
		size_t head = from < 4096 ? min_t(size_t, len, 4096 - from) : 0;
		size_t at = from < 4096 ? 0 : from - 4096;

		memset(first, 0xee, VMS_PAGE_SIZE);
		memset(second, 0xee, VMS_PAGE_SIZE);
		memset(out, 0, VMS_ACCESS_MAX);
		KUNIT_EXPECT_EQ(test, do_access(f, 0, &f->a, VA + from, in, len, true, &a), 0);
		KUNIT_EXPECT_EQ(test, a.done, len);
		KUNIT_EXPECT_EQ(test, a.fault, 0U);
		KUNIT_EXPECT_EQ(test, memcmp(first + from, in, head), 0);
		KUNIT_EXPECT_EQ(test, memcmp(second + at, in + head, len - head), 0);
		if (from && head)
			KUNIT_EXPECT_EQ(test, first[from - 1], 0xee);
		if (at + len - head < VMS_PAGE_SIZE)
			KUNIT_EXPECT_EQ(test, second[at + len - head], 0xee);
		KUNIT_EXPECT_EQ(test, do_access(f, 0, &f->a, VA + from, out, len, false, &a), 0);
		KUNIT_EXPECT_EQ(test, a.done, len);
		KUNIT_EXPECT_EQ(test, memcmp(out, in, len), 0);
		KUNIT_EXPECT_EQ(test, out[len], 0);
	}
}

/* As much as one window takes, over two leaves of the window of the region */
static void mmu_test_longest(struct kunit *test)
{
	struct fixture *f = fixture(test, 0);
	u32 first = 512 - 7;
	struct vms_access a;
	u8 *in, *out;
	unsigned int i;

	in = across(test, &out);
	KUNIT_EXPECT_EQ(test, do_access(f, 0, &f->a,
					VMSTORE_KERNEL_BASE + vms_slot_paddr(first),
					in, VMS_ACCESS_MAX, true, &a), 0);
	KUNIT_EXPECT_EQ(test, a.done, VMS_ACCESS_MAX);
	for (i = 0; i < VMS_ACCESS_MAX / VMS_PAGE_SIZE; i++)
		KUNIT_EXPECT_EQ(test, memcmp(word(f, first + i), in + i * VMS_PAGE_SIZE,
					     VMS_PAGE_SIZE), 0);
	KUNIT_EXPECT_EQ(test, do_access(f, 0, &f->b,
					VMSTORE_KERNEL_BASE + vms_slot_paddr(first),
					out, VMS_ACCESS_MAX, false, &a), 0);
	KUNIT_EXPECT_EQ(test, memcmp(in, out, VMS_ACCESS_MAX), 0);
}

/* The end of the first page is in the middle of what is accessed: so far and no further */
static void mmu_test_fault_after(struct kunit *test)
{
	static const size_t lens[] = { 2, 4, 8, 13, 64, 4096, 5000 };
	struct fixture *f = fixture(test, 0);
	u8 *first = (u8 *)word(f, SLOT_OTHER), *second = (u8 *)word(f, SLOT_DATA);
	struct vms_access a;
	u8 *in, *out;
	unsigned int i;
	size_t k;

	in = across(test, &out);
	memset(second, 0xdd, VMS_PAGE_SIZE);
	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		size_t len = lens[i];

		for (k = 1; k < len && k <= VMS_PAGE_SIZE; k += 1 + len / 16) {
			u64 va = VA_NEXT - k;

			set_entry(f, SLOT_L1_A, VA_NEXT, 0);
			memset(first, 0xee, VMS_PAGE_SIZE);
			KUNIT_EXPECT_EQ(test, do_access(f, 0, &f->a, va, in, len, true, &a), 0);
			KUNIT_EXPECT_EQ(test, a.done, k);
			KUNIT_EXPECT_EQ(test, a.fault, (u32)ABSENT_STORE);
			KUNIT_EXPECT_EQ(test, memcmp(first + VMS_PAGE_SIZE - k, in, k), 0);
			memset(out, 0xcc, len);
			KUNIT_EXPECT_EQ(test, do_access(f, 0, &f->a, va, out, len, false, &a), 0);
			KUNIT_EXPECT_EQ(test, a.done, k);
			KUNIT_EXPECT_EQ(test, a.fault, (u32)ABSENT_LOAD);
			KUNIT_EXPECT_EQ(test, memcmp(out, in, k), 0);
			KUNIT_EXPECT_EQ(test, out[k], 0xcc);

			set_entry(f, SLOT_L1_A, VA_NEXT, leaf_pte(f, SLOT_DATA, ro));
			KUNIT_EXPECT_EQ(test, do_access(f, 0, &f->a, va, in, len, true, &a), 0);
			KUNIT_EXPECT_EQ(test, a.done, k);
			KUNIT_EXPECT_EQ(test, a.fault, (u32)READ_ONLY_STORE);
		}
	}
	for (k = 0; k < VMS_PAGE_SIZE; k++)
		KUNIT_EXPECT_EQ(test, second[k], 0xdd);
}

/* Entries vmstore never writes: no access takes place, the live machine survives */
static void mmu_test_ill_formed(struct kunit *test)
{
	struct fixture *f = fixture(test, 0);
	u64 outside = __pa(f->linear);
	u64 good = leaf_pte(f, SLOT_DATA, rw);
	u64 bad[] = {
		good | BIT_ULL(51),			/* reserved address bit */
		good | VMS_PTE_PS,			/* PAT at level 1 */
		good | BIT_ULL(8),			/* hardware G */
		good & ~VMS_PTE_LEAF,			/* a table at level 1 */
		good & ~VMS_PTE_PRESENT,
		vms_pte_make_leaf(outside, 1, rw),	/* not in the region */
		vms_pte_make_leaf(0, 1, rw),
		BIT_ULL(62),
	};
	u64 *l2 = &table(f, SLOT_L2_A)[vms_pte_index(VA, 2)];
	u64 *l3 = &table(f, SLOT_L3_A)[vms_pte_index(VA, 3)];
	u64 keep = *l2;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		set_entry(f, SLOT_L1_A, VA, bad[i]);
		expect_error(test, 0, &f->a, VA, 8, -EIO);
		KUNIT_EXPECT_EQ(test, *entry(f, SLOT_L1_A, VA), bad[i]);
	}
	set_entry(f, SLOT_L1_A, VA, good);
	expect_read(test, 0, &f->a, VA, VALUE);

	/* A level-2 leaf that is not aligned has reserved bits */
	*l2 = vms_pte_make_leaf(vms_slot_pa(&f->region, SLOT_DATA), 2, rw);
	expect_error(test, 0, &f->a, VA, 8, -EIO);
	*l2 = vms_pte_make_table(outside);
	expect_error(test, 0, &f->a, VA, 8, -EIO);
	*l2 = table_pte(f, SLOT_L1_A) | VMS_PTE_NX;
	expect_error(test, 0, &f->a, VA, 8, -EIO);
	*l2 = keep;
	*l3 = vms_pte_make_leaf(vms_slot_pa(&f->region, 0), 3, rw);
	expect_error(test, 0, &f->a, VA, 8, -EIO);
	KUNIT_EXPECT_EQ(test, *word(f, SLOT_DATA), VALUE);
}

/* On a CPU where the root is not active nothing is kept */
static void mmu_test_temporary(struct kunit *test)
{
	struct fixture *f = fixture(test, 0);

	set_entry(f, SLOT_L1_A, VA, leaf_pte(f, SLOT_DATA, rw));
	expect_read(test, 0, &f->a, VA, VALUE);
	set_entry(f, SLOT_L1_A, VA, leaf_pte(f, SLOT_OTHER, rw));
	expect_read(test, 0, &f->a, VA, OTHER_VALUE);
	set_entry(f, SLOT_L1_A, VA, 0);
	expect_fault(test, 0, &f->a, VA, false, ABSENT_LOAD);
}

static void mmu_test_stale(struct kunit *test)
{
	struct fixture *f = fixture(test, VMSTORE_CAP_KEEPS);

	set_root(test, 0, &f->a);
	set_entry(f, SLOT_L1_A, VA, leaf_pte(f, SLOT_DATA, rw));
	expect_read(test, 0, &f->a, VA, VALUE);
	set_entry(f, SLOT_L1_A, VA, leaf_pte(f, SLOT_OTHER, rw));
	expect_read(test, 0, &f->a, VA, VALUE);

	/* Neither another page nor another root */
	want_flush(f, f->a.tag, VA_NEXT);
	kick_and_wait(test, 0);
	want_flush(f, f->b.tag, VA);
	kick_and_wait(test, 0);
	expect_read(test, 0, &f->a, VA, VALUE);

	want_flush(f, f->a.tag, VA);
	kick_and_wait(test, 0);
	expect_read(test, 0, &f->a, VA, OTHER_VALUE);

	set_entry(f, SLOT_L1_A, VA, 0);
	expect_read(test, 0, &f->a, VA, OTHER_VALUE);
	f->flush = (struct vms_flush) { .all = true };
	kick_and_wait(test, 0);
	expect_fault(test, 0, &f->a, VA, false, ABSENT_LOAD);

	/* An absent entry is not cached */
	set_entry(f, SLOT_L1_A, VA, leaf_pte(f, SLOT_DATA, rw));
	expect_read(test, 0, &f->a, VA, VALUE);
}

/* One CPU flushes: it has nothing of the range any more, and has answered no kick by that */
static void mmu_test_flush_local(struct kunit *test)
{
	struct fixture *f = fixture(test, 0);
	const struct vms_mmu_ops *ops = f->m.ops;

	set_root(test, 0, &f->a);
	set_entry(f, SLOT_L1_A, VA, leaf_pte(f, SLOT_DATA, rw));
	expect_read(test, 0, &f->a, VA, VALUE);
	set_entry(f, SLOT_L1_A, VA, leaf_pte(f, SLOT_OTHER, rw));
	want_flush(f, f->a.tag, VA);
	KUNIT_EXPECT_EQ(test, ops->flush_local(&f->m, 0, &f->flush), 0);
	expect_read(test, 0, &f->a, VA, OTHER_VALUE);
	set_entry(f, SLOT_L1_A, VA, 0);
	f->flush = (struct vms_flush) { .all = true };
	KUNIT_EXPECT_EQ(test, ops->flush_local(&f->m, 0, &f->flush), 0);
	expect_fault(test, 0, &f->a, VA, false, ABSENT_LOAD);
	KUNIT_EXPECT_EQ(test, atomic_read(&f->kicks[0]), 0);
	KUNIT_EXPECT_EQ(test, ops->flush_local(&f->m, -1, &f->flush), -EINVAL);
	KUNIT_EXPECT_EQ(test, ops->flush_local(&f->m, f->m.nr_cpus, &f->flush), -EINVAL);
}

/* An access to another inactive root leaves what is cached of the active one */
static void mmu_test_keeps_over_temporary(struct kunit *test)
{
	struct fixture *f = fixture(test, VMSTORE_CAP_KEEPS);

	set_root(test, 0, &f->a);
	set_entry(f, SLOT_L1_A, VA, leaf_pte(f, SLOT_DATA, rw));
	set_entry(f, SLOT_L1_B, VA, leaf_pte(f, SLOT_OTHER, rw));
	expect_read(test, 0, &f->a, VA, VALUE);
	expect_read(test, 0, &f->b, VA, OTHER_VALUE);
	set_entry(f, SLOT_L1_A, VA, 0);
	set_entry(f, SLOT_L1_B, VA, 0);
	expect_fault(test, 0, &f->b, VA, false, ABSENT_LOAD);
	expect_read(test, 0, &f->a, VA, VALUE);
}

/* A permission taken away or given is not seen before the flush */
static void mmu_test_stale_permission(struct kunit *test)
{
	struct fixture *f = fixture(test, VMSTORE_CAP_KEEPS);

	set_root(test, 0, &f->a);
	set_entry(f, SLOT_L1_A, VA, leaf_pte(f, SLOT_DATA, rw));
	expect_write(test, 0, &f->a, VA, 1);
	set_entry(f, SLOT_L1_A, VA, leaf_pte(f, SLOT_DATA, ro));
	expect_write(test, 0, &f->a, VA, 2);
	KUNIT_EXPECT_EQ(test, *word(f, SLOT_DATA), 2ULL);
	want_flush(f, f->a.tag, VA);
	kick_and_wait(test, 0);
	expect_fault(test, 0, &f->a, VA, true, READ_ONLY_STORE);

	expect_read(test, 0, &f->a, VA, 2);
	set_entry(f, SLOT_L1_A, VA, leaf_pte(f, SLOT_DATA, rw));
	expect_fault(test, 0, &f->a, VA, true, READ_ONLY_STORE);
	/* The fault dropped the entry */
	expect_write(test, 0, &f->a, VA, 3);
}

/* More translations than fit: some go, none is wrong, and a flush gets the rest */
static void mmu_test_evict(struct kunit *test)
{
	struct fixture *f = fixture(test, VMSTORE_CAP_KEEPS);
	u64 base = VA & ~(vms_page_size(2) - 1);
	unsigned int i, stale = 0;
	struct vms_access a;
	u64 got;

	set_root(test, 0, &f->a);
	set_entry(f, SLOT_KL1, KVA, leaf_pte(f, SLOT_DATA, rw));
	for (i = 0; i < VMS_NR_ENTRIES; i++)
		table(f, SLOT_L1_A)[i] = leaf_pte(f, SLOT_DATA, rw);
	for (i = 0; i < VMS_NR_ENTRIES; i++)
		expect_read(test, 0, &f->a, base + i * VMS_PAGE_SIZE, VALUE);
	expect_read(test, 0, &f->a, KVA, VALUE);
	for (i = 0; i < VMS_NR_ENTRIES; i++)
		table(f, SLOT_L1_A)[i] = leaf_pte(f, SLOT_OTHER, rw);
	for (i = 0; i < VMS_NR_ENTRIES; i++) {
		KUNIT_EXPECT_EQ(test, do_access(f, 0, &f->a, base + i * VMS_PAGE_SIZE,
						&got, 8, false, &a), 0);
		KUNIT_EXPECT_TRUE(test, got == VALUE || got == OTHER_VALUE);
		stale += got == VALUE;
	}
	KUNIT_EXPECT_GT(test, stale, VMS_NR_ENTRIES / 2U);
	KUNIT_EXPECT_LT(test, stale, (unsigned int)VMS_NR_ENTRIES);
	f->flush = (struct vms_flush) { .all = true };
	kick_and_wait(test, 0);
	for (i = 0; i < VMS_NR_ENTRIES; i++)
		expect_read(test, 0, &f->a, base + i * VMS_PAGE_SIZE, OTHER_VALUE);
}

static void mmu_test_large_page(struct kunit *test)
{
	struct fixture *f = fixture(test, 0);
	u64 *l2 = &table(f, SLOT_KL2)[vms_pte_index(KVA, 2) + 1];
	u64 va = KVA + vms_page_size(2);

	set_root(test, 0, &f->a);
	*l2 = vms_pte_make_leaf(vms_slot_pa(&f->region, 512), 2, rw);
	*word(f, 512 + 77) = 77;
	*word(f, 77) = 78;
	expect_read(test, 0, &f->a, va + 77 * VMS_PAGE_SIZE, 77);
	KUNIT_EXPECT_TRUE(test, vms_pte_accessed(*l2));
	*l2 = vms_pte_make_leaf(vms_slot_pa(&f->region, 0), 2, rw);
	if (f->m.caps & VMSTORE_CAP_KEEPS)
		expect_read(test, 0, &f->a, va + 77 * VMS_PAGE_SIZE, 77);
	/* Any address in the page will do */
	want_flush(f, f->a.tag, va + 300 * VMS_PAGE_SIZE);
	kick_and_wait(test, 0);
	expect_read(test, 0, &f->a, va + 77 * VMS_PAGE_SIZE, 78);
}

static void mmu_test_two_cpus(struct kunit *test)
{
	struct fixture *f = fixture(test, VMSTORE_CAP_REMOTE);
	bool keeps = f->m.caps & VMSTORE_CAP_KEEPS;
	int cpu;

	set_entry(f, SLOT_L1_A, VA, leaf_pte(f, SLOT_DATA, rw));
	for (cpu = 0; cpu < 2; cpu++) {
		set_root(test, cpu, &f->a);
		expect_read(test, cpu, &f->a, VA, VALUE);
	}
	set_entry(f, SLOT_L1_A, VA, leaf_pte(f, SLOT_OTHER, rw));
	want_flush(f, f->a.tag, VA);
	kick_and_wait(test, 0);
	expect_read(test, 0, &f->a, VA, OTHER_VALUE);
	expect_read(test, 1, &f->a, VA, keeps ? VALUE : OTHER_VALUE);
	kick_and_wait(test, 1);
	expect_read(test, 1, &f->a, VA, OTHER_VALUE);
	expect_write(test, 1, &f->a, VA, 9);
	expect_read(test, 0, &f->a, VA, 9);
}

/* A kick is a promise; only a wait makes sure */
static void mmu_test_kick_is_late(struct kunit *test)
{
	struct fixture *f = fixture(test, VMSTORE_CAP_REMOTE | VMSTORE_CAP_KEEPS);
	struct vms_cpuset set = {};
	int i, before, at_once = 0, later = 0;

	set_bit(1, set.bits);
	for (i = 0; i < 200; i++) {
		before = atomic_read(&f->kicks[1]);
		f->m.ops->kick(&f->m, &set);
		at_once += atomic_read(&f->kicks[1]) - before;
		expect_fault(test, 1, &f->a, VA, false, ABSENT_LOAD);
		later += atomic_read(&f->kicks[1]) == before;
		f->m.ops->wait(&f->m, &set);
		KUNIT_EXPECT_EQ(test, atomic_read(&f->kicks[1]), before + 1);
	}
	KUNIT_EXPECT_GT(test, at_once, 10);
	KUNIT_EXPECT_LT(test, at_once, 150);
	KUNIT_EXPECT_GT(test, later, 10);
	KUNIT_EXPECT_EQ(test, atomic_read(&f->kicks[0]), 0);

	/* Several kicks may be answered by one call */
	before = atomic_read(&f->kicks[1]);
	for (i = 0; i < 3; i++)
		f->m.ops->kick(&f->m, &set);
	f->m.ops->wait(&f->m, &set);
	KUNIT_EXPECT_GE(test, atomic_read(&f->kicks[1]), before + 1);
	KUNIT_EXPECT_LE(test, atomic_read(&f->kicks[1]), before + 3);
}

static void mmu_test_root_switch(struct kunit *test)
{
	struct fixture *f = fixture(test, 0);

	set_entry(f, SLOT_L1_A, VA, leaf_pte(f, SLOT_DATA, rw));
	set_entry(f, SLOT_L1_B, VA, leaf_pte(f, SLOT_OTHER, rw));
	set_root(test, 0, &f->a);
	expect_read(test, 0, &f->a, VA, VALUE);
	set_root(test, 0, &f->b);
	expect_read(test, 0, &f->b, VA, OTHER_VALUE);
	set_entry(f, SLOT_L1_A, VA, leaf_pte(f, SLOT_OTHER, rw));
	set_root(test, 0, &f->a);
	expect_read(test, 0, &f->a, VA, OTHER_VALUE);

	set_entry(f, SLOT_L1_A, VA, leaf_pte(f, SLOT_DATA, rw));
	set_root(test, 0, NULL);
	expect_read(test, 0, &f->a, VA, VALUE);
}

static void mmu_test_active_bits(struct kunit *test)
{
	struct fixture *f = fixture(test, VMSTORE_CAP_REMOTE);

	set_root(test, 0, &f->a);
	set_root(test, 1, &f->a);
	KUNIT_EXPECT_EQ(test, bitmap_weight(f->a.active.bits, VMS_MAX_CPUS), 2);
	set_root(test, 1, &f->b);
	KUNIT_EXPECT_TRUE(test, test_bit(0, f->a.active.bits));
	KUNIT_EXPECT_FALSE(test, test_bit(1, f->a.active.bits));
	KUNIT_EXPECT_TRUE(test, test_bit(1, f->b.active.bits));
	set_root(test, 1, &f->b);
	KUNIT_EXPECT_TRUE(test, test_bit(1, f->b.active.bits));
	set_root(test, 1, NULL);
	set_root(test, 0, NULL);
	set_root(test, 0, NULL);
	KUNIT_EXPECT_TRUE(test, bitmap_empty(f->a.active.bits, VMS_MAX_CPUS));
	KUNIT_EXPECT_TRUE(test, bitmap_empty(f->b.active.bits, VMS_MAX_CPUS));
}

static void mmu_test_global(struct kunit *test)
{
	struct fixture *f = fixture(test, VMSTORE_CAP_GLOBAL | VMSTORE_CAP_KEEPS);

	set_root(test, 0, &f->a);
	set_entry(f, SLOT_KL1, KVA, leaf_pte(f, SLOT_DATA, global_rw));
	expect_read(test, 0, &f->a, KVA, VALUE);
	set_entry(f, SLOT_KL1, KVA, leaf_pte(f, SLOT_OTHER, global_rw));
	set_root(test, 0, &f->b);
	expect_read(test, 0, &f->b, KVA, VALUE);
	f->flush = (struct vms_flush) { .all = true };
	kick_and_wait(test, 0);
	expect_read(test, 0, &f->b, KVA, VALUE);
	want_flush(f, 0, KVA);
	kick_and_wait(test, 0);
	expect_read(test, 0, &f->b, KVA, OTHER_VALUE);

	/* In the user half the bit means nothing to the machine */
	set_entry(f, SLOT_L1_B, VA, leaf_pte(f, SLOT_DATA, global_rw));
	expect_read(test, 0, &f->b, VA, VALUE);
	set_root(test, 0, &f->a);
	expect_fault(test, 0, &f->a, VA, false, ABSENT_LOAD);
}

/* Frames must not show what the machine put into a root */
static void mmu_test_root_exit(struct kunit *test)
{
	struct fixture *f = fixture(test, 0);
	u64 *root = table(f, SLOT_ROOT_B);
	unsigned int i, left = 0;

	KUNIT_EXPECT_EQ(test, root[256], f->m.kernel_in_root ? f->m.kernel_pte : 0);
	expect_fault(test, 0, &f->b, VA, false, ABSENT_LOAD);
	f->m.ops->root_exit(&f->m, &f->b);
	for (i = VMS_USER_ROOT_ENTRIES; i < VMS_NR_ENTRIES; i++)
		left += !!root[i];
	KUNIT_EXPECT_EQ(test, left, 0U);
	KUNIT_EXPECT_EQ(test, init_root(f, &f->b, SLOT_ROOT_B, 3), 0);
}

static void mmu_test_host_table(struct kunit *test)
{
	struct fixture *f = fixture(test, VMSTORE_CAP_HW_WALK);
	u64 before = vms_mmu_live_host_table();
	int i;

	KUNIT_EXPECT_NE(test, before, 0ULL);
	set_entry(f, SLOT_L1_A, VA, leaf_pte(f, SLOT_DATA, rw));
	for (i = 0; i < 1000; i++)
		expect_read(test, i % num_online_cpus(), &f->a, VA, VALUE);
	KUNIT_EXPECT_EQ(test, vms_mmu_live_host_table(), before);
}

/* Several threads kick and wait: a wait ends only after an on_kick that began later */
struct storm {
	struct fixture *f;
	struct completion done;
	unsigned int missed;
};

static int mmu_storm_thread(void *arg)
{
	struct storm *s = arg;
	struct fixture *f = s->f;
	struct vms_cpuset set = {};
	int i, cpu;

	set_bit(0, set.bits);
	set_bit(1, set.bits);
	for (i = 0; i < ROUNDS; i++) {
		u64 round = atomic64_inc_return(&f->round);

		cpus_read_lock();
		f->m.ops->kick(&f->m, &set);
		f->m.ops->wait(&f->m, &set);
		cpus_read_unlock();
		for (cpu = 0; cpu < 2; cpu++)
			s->missed += atomic64_read(&f->last[cpu]) < round;
		cond_resched();
	}
	complete(&s->done);
	return 0;
}

static void mmu_test_storm(struct kunit *test)
{
	struct fixture *f = fixture(test, VMSTORE_CAP_REMOTE);
	struct storm *s = kunit_kzalloc(test, THREADS * sizeof(*s), GFP_KERNEL);
	struct task_struct *task;
	int i, started;

	KUNIT_ASSERT_TRUE(test, s);
	set_entry(f, SLOT_L1_A, VA, leaf_pte(f, SLOT_DATA, rw));
	for (started = 0; started < THREADS; started++) {
		s[started].f = f;
		init_completion(&s[started].done);
		task = kthread_run(mmu_storm_thread, &s[started], "vmstore-storm");
		if (IS_ERR(task))
			break;
	}
	for (i = 0; i < ROUNDS; i++) {
		expect_read(test, i & 1, &f->a, VA, VALUE);
		cond_resched();
	}
	for (i = 0; i < started; i++)
		wait_for_completion(&s[i].done);
	KUNIT_EXPECT_EQ(test, started, THREADS);
	for (i = 0; i < started; i++)
		KUNIT_EXPECT_EQ(test, s[i].missed, 0U);
}

/* --- what only the soft machine models -------------------------------------------------- */

struct held {
	unsigned int entries, tables;	/* of a root, of any load */
	unsigned int usable;		/* of these */
};

/* What a CPU has cached of a root; with @va not 0 of that page alone */
static struct held held(struct fixture *f, int cpu, u64 tag, u64 va)
{
	struct held n = {};
	struct vms_cached c;
	u32 pos = 0;

	while (f->m.ops->cached(&f->m, cpu, &pos, &c)) {
		if (c.tag != tag || (va && vms_span_start(va, c.level) != c.va))
			continue;
		if (vms_pte_kind(c.pte) == VMS_ENTRY_LEAF)
			n.entries++;
		else
			n.tables++;
		n.usable += c.usable;
	}
	return n;
}

/* What is cached of a root that is left stays, for nothing: the next load flushes it */
static void mmu_test_tagged(struct kunit *test)
{
	struct fixture *f = fixture(test, VMSTORE_CAP_TAGGED);

	set_entry(f, SLOT_L1_A, VA, leaf_pte(f, SLOT_DATA, rw));
	set_entry(f, SLOT_L1_B, VA, leaf_pte(f, SLOT_OTHER, rw));
	set_root(test, 0, &f->a);
	expect_read(test, 0, &f->a, VA, VALUE);
	KUNIT_EXPECT_EQ(test, held(f, 0, f->a.tag, VA).entries, 1U);
	KUNIT_EXPECT_GT(test, held(f, 0, f->a.tag, VA).usable, 0U);
	set_root(test, 0, &f->b);
	expect_read(test, 0, &f->b, VA, OTHER_VALUE);
	KUNIT_EXPECT_EQ(test, held(f, 0, f->a.tag, VA).entries, 1U);
	KUNIT_EXPECT_EQ(test, held(f, 0, f->a.tag, VA).usable, 0U);
	set_entry(f, SLOT_L1_A, VA, leaf_pte(f, SLOT_OTHER, rw));
	set_root(test, 0, &f->a);
	expect_read(test, 0, &f->a, VA, OTHER_VALUE);

	/* A window is a load, too; what was active before it is not loaded again */
	set_entry(f, SLOT_L1_A, VA, leaf_pte(f, SLOT_DATA, rw));
	expect_read(test, 0, &f->b, VA, OTHER_VALUE);
	KUNIT_EXPECT_EQ(test, held(f, 0, f->b.tag, VA).usable, 0U);
	set_entry(f, SLOT_L1_B, VA, 0);
	expect_fault(test, 0, &f->b, VA, false, ABSENT_LOAD);
	expect_read(test, 0, &f->a, VA, OTHER_VALUE);

	/* A flush finds it by its tag */
	set_root(test, 0, NULL);
	want_flush(f, f->a.tag, VA);
	kick_and_wait(test, 0);
	KUNIT_EXPECT_EQ(test, held(f, 0, f->a.tag, VA).entries, 0U);
	f->m.ops->root_exit(&f->m, &f->b);
	KUNIT_EXPECT_EQ(test, held(f, 0, f->b.tag, 0).entries, 0U);
	KUNIT_EXPECT_EQ(test, held(f, 0, f->b.tag, 0).tables, 0U);
	KUNIT_EXPECT_EQ(test, init_root(f, &f->b, SLOT_ROOT_B, 3), 0);
}

/* Another table in the place of that of A's pages around VA */
static void replace_table(struct fixture *f)
{
	table(f, SLOT_L2_A)[vms_pte_index(VA, 2)] = table_pte(f, SLOT_L1_NEW);
}

/* A table that was walked through is walked through on, until any page of the tag is flushed */
static void mmu_test_tables(struct kunit *test)
{
	struct fixture *f = fixture(test, VMSTORE_CAP_PSC);

	set_entry(f, SLOT_L1_A, VA, leaf_pte(f, SLOT_DATA, rw));
	set_entry(f, SLOT_L1_A, VA_NEXT, leaf_pte(f, SLOT_DATA, rw));
	set_entry(f, SLOT_L1_NEW, VA_NEXT, leaf_pte(f, SLOT_OTHER, rw));
	set_root(test, 0, &f->a);
	expect_read(test, 0, &f->a, VA, VALUE);
	KUNIT_EXPECT_EQ(test, held(f, 0, f->a.tag, VA).tables, 3U);
	replace_table(f);
	expect_read(test, 0, &f->a, VA_NEXT, VALUE);

	/* Not of another root */
	want_flush(f, f->b.tag, VA);
	kick_and_wait(test, 0);
	set_entry(f, SLOT_L1_A, VA + 2 * VMS_PAGE_SIZE, leaf_pte(f, SLOT_DATA, rw));
	expect_read(test, 0, &f->a, VA + 2 * VMS_PAGE_SIZE, VALUE);

	/* Wherever the page is */
	want_flush(f, f->a.tag, VA_NEXT);
	kick_and_wait(test, 0);
	expect_read(test, 0, &f->a, VA_NEXT, OTHER_VALUE);
	expect_fault(test, 0, &f->a, VA + 3 * VMS_PAGE_SIZE, false, ABSENT_LOAD);
}

/* Everything, and what is flushed in the kernel half, is of all tags */
static void mmu_test_tables_all(struct kunit *test)
{
	struct fixture *f = fixture(test, VMSTORE_CAP_PSC);
	int i;

	set_root(test, 0, &f->a);
	set_entry(f, SLOT_KL1, KVA, leaf_pte(f, SLOT_DATA, rw));
	for (i = 0; i < 2; i++) {
		expect_read(test, 0, &f->a, KVA, VALUE);
		KUNIT_EXPECT_EQ(test, held(f, 0, f->a.tag, KVA).tables, 3U);
		if (i)
			f->flush = (struct vms_flush) { .all = true };
		else
			want_flush(f, VMS_KERNEL_TAG, KVA);
		/* Nothing is active: nobody walks on */
		set_root(test, 0, NULL);
		kick_and_wait(test, 0);
		KUNIT_EXPECT_EQ(test, held(f, 0, f->a.tag, 0).tables, 0U);
		set_root(test, 0, &f->a);
	}
}

/* A table of before makes a fault, as it does in hardware; the fault has dropped it then */
static void mmu_test_tables_fault(struct kunit *test)
{
	struct fixture *f = fixture(test, VMSTORE_CAP_PSC);

	set_entry(f, SLOT_L1_A, VA, leaf_pte(f, SLOT_DATA, rw));
	set_entry(f, SLOT_L1_NEW, VA_NEXT, leaf_pte(f, SLOT_OTHER, rw));
	set_root(test, 0, &f->a);
	expect_read(test, 0, &f->a, VA, VALUE);
	replace_table(f);
	expect_fault(test, 0, &f->a, VA_NEXT, false, ABSENT_LOAD);
	expect_read(test, 0, &f->a, VA_NEXT, OTHER_VALUE);
	set_entry(f, SLOT_L1_A, VA + 2 * VMS_PAGE_SIZE, leaf_pte(f, SLOT_DATA, rw));
	expect_fault(test, 0, &f->a, VA + 2 * VMS_PAGE_SIZE, false, ABSENT_LOAD);
	expect_read(test, 0, &f->a, VA, VALUE);
}

/* A CPU that does nothing walks where others are: accessed, never dirty, never a fault */
static void mmu_test_speculates(struct kunit *test)
{
	struct fixture *f = fixture(test, VMSTORE_CAP_REMOTE | VMSTORE_CAP_KEEPS |
				    VMSTORE_CAP_TAGGED);
	u64 pte = leaf_pte(f, SLOT_DATA, rw);
	unsigned int i, walked = 0;

	set_root(test, 1, &f->a);
	for (i = 0; i < 1000; i++) {
		set_entry(f, SLOT_L1_A, VA, pte);
		/* Under another root, so that it is not this access */
		expect_fault(test, 0, &f->b, VA, i & 1, i & 1 ? ABSENT_STORE : ABSENT_LOAD);
		if (!held(f, 1, f->a.tag, VA).entries) {
			KUNIT_EXPECT_EQ(test, *entry(f, SLOT_L1_A, VA), pte);
			continue;
		}
		walked++;
		KUNIT_EXPECT_EQ(test, *entry(f, SLOT_L1_A, VA), pte | VMS_PTE_ACCESSED);
		want_flush(f, f->a.tag, VA);
		set_entry(f, SLOT_L1_A, VA, 0);
		kick_and_wait(test, 1);
		KUNIT_EXPECT_EQ(test, held(f, 1, f->a.tag, VA).entries, 0U);
	}
	KUNIT_EXPECT_GT(test, walked, 10U);
	KUNIT_EXPECT_LT(test, walked, 500U);

	/* Nothing of a root that is neither active nor loaded */
	set_root(test, 1, NULL);
	set_entry(f, SLOT_L1_A, VA, pte);
	for (i = 0; i < 1000; i++)
		expect_fault(test, 0, &f->b, VA, false, ABSENT_LOAD);
	KUNIT_EXPECT_EQ(test, *entry(f, SLOT_L1_A, VA), pte);
}

/* What was flushed is walked to again at once, by chance: the flush comes after the change */
static void mmu_test_speculates_flushed(struct kunit *test)
{
	struct fixture *f = fixture(test, VMSTORE_CAP_REMOTE | VMSTORE_CAP_KEEPS |
				    VMSTORE_CAP_TAGGED);
	u64 pte = leaf_pte(f, SLOT_DATA, rw);
	unsigned int i, before = 0, after = 0;

	set_root(test, 1, &f->a);
	for (i = 0; i < 400; i++) {
		set_entry(f, SLOT_L1_A, VA, pte);
		want_flush(f, f->a.tag, VA);
		f->m.ops->flush(&f->m, 1, &f->flush);
		after += held(f, 1, f->a.tag, VA).entries;
		set_entry(f, SLOT_L1_A, VA, 0);
		f->m.ops->flush(&f->m, 1, &f->flush);
		before += held(f, 1, f->a.tag, VA).entries;
	}
	KUNIT_EXPECT_GT(test, after, 10U);
	KUNIT_EXPECT_EQ(test, before, 0U);
}

/* What is used stays, what was long not used may go */
static void mmu_test_evicts(struct kunit *test)
{
	struct fixture *f = fixture(test, VMSTORE_CAP_KEEPS | VMSTORE_CAP_TAGGED);
	unsigned int i;

	set_root(test, 0, &f->a);
	set_entry(f, SLOT_L1_A, VA, leaf_pte(f, SLOT_DATA, rw));
	set_entry(f, SLOT_L1_A, VA_NEXT, leaf_pte(f, SLOT_OTHER, rw));
	expect_read(test, 0, &f->a, VA, VALUE);
	expect_read(test, 0, &f->a, VA_NEXT, OTHER_VALUE);
	set_entry(f, SLOT_L1_A, VA, 0);
	set_entry(f, SLOT_L1_A, VA_NEXT, 0);
	for (i = 0; i < 100000 && held(f, 0, f->a.tag, VA_NEXT).entries; i++)
		expect_read(test, 0, &f->a, VA, VALUE);
	KUNIT_EXPECT_GT(test, i, 200U);
	KUNIT_EXPECT_LT(test, i, 100000U);
	expect_fault(test, 0, &f->a, VA_NEXT, false, ABSENT_LOAD);
}

/* Of a large page and a small one either is used */
static void mmu_test_two_sizes(struct kunit *test)
{
	struct fixture *f = fixture(test, VMSTORE_CAP_KEEPS | VMSTORE_CAP_PSC);
	u64 *l2 = &table(f, SLOT_KL2)[vms_pte_index(KVA, 2)];
	unsigned int i, large = 0, small = 0;
	struct vms_access a;
	u64 got;

	set_root(test, 0, &f->a);
	*word(f, 512) = OTHER_VALUE;
	set_entry(f, SLOT_KL1, KVA, leaf_pte(f, SLOT_DATA, rw));
	expect_read(test, 0, &f->a, KVA, VALUE);
	/* A page beside it leads to the large one */
	*l2 = vms_pte_make_leaf(vms_slot_pa(&f->region, 512), 2, rw);
	do_access(f, 0, &f->a, KVA + 8 * VMS_PAGE_SIZE, &got, 8, false, &a);
	for (i = 0; i < 64; i++) {
		do_access(f, 0, &f->a, KVA, &got, 8, false, &a);
		large += got == OTHER_VALUE;
		small += got == VALUE;
	}
	KUNIT_EXPECT_EQ(test, large + small, 64U);
	KUNIT_EXPECT_GT(test, large, 0U);
	KUNIT_EXPECT_GT(test, small, 0U);
	want_flush(f, VMS_KERNEL_TAG, KVA);
	kick_and_wait(test, 0);
	expect_read(test, 0, &f->a, KVA, OTHER_VALUE);
}

/* As many CPUs as there may be: each has its own, and answers for itself */
static void mmu_test_64_cpus(struct kunit *test)
{
	struct fixture *f = fixture(test, VMSTORE_CAP_TAGGED);
	int cpu;

	restart(test, 64, 0);
	set_entry(f, SLOT_L1_A, VA, leaf_pte(f, SLOT_DATA, rw));
	for (cpu = 0; cpu < 64; cpu++) {
		set_root(test, cpu, &f->a);
		expect_read(test, cpu, &f->a, VA, VALUE);
	}
	set_entry(f, SLOT_L1_A, VA, leaf_pte(f, SLOT_OTHER, rw));
	want_flush(f, f->a.tag, VA);
	for (cpu = 1; cpu < 64; cpu += 2)
		kick_and_wait(test, cpu);
	for (cpu = 0; cpu < 64; cpu++)
		expect_read(test, cpu, &f->a, VA, cpu & 1 ? OTHER_VALUE : VALUE);
}

static u64 mix(u64 hash, u64 x)
{
	return (hash ^ x) * 0x100000001b3ULL;
}

/* Some of everything on a new machine; what came of it, as one number */
static u64 run_seed(struct kunit *test, u32 seed)
{
	struct fixture *f = test->priv;
	struct vms_root *root[] = { &f->a, &f->b, NULL };
	struct vms_cpuset set = {};
	u64 hash = 0, got;
	struct vms_cached c;
	struct vms_access a;
	u32 pos = 0, i;

	restart(test, 4, seed);
	memset(table(f, SLOT_L1_A), 0, VMS_PAGE_SIZE);
	for (i = 0; i < 4000; i++) {
		int cpu = i % 4;
		u64 va = VA + (i / 5 % 3) * VMS_PAGE_SIZE;

		set.bits[0] = 1 << (i / 7 % 4);
		set_entry(f, SLOT_L1_A, va, i & 8 ? leaf_pte(f, SLOT_DATA + (i & 1), rw) : 0);
		want_flush(f, f->a.tag, va);
		if (!(i % 11))
			set_root(test, cpu, root[i / 11 % 3]);
		if (!(i % 3))
			f->m.ops->kick(&f->m, &set);
		got = 0;
		do_access(f, cpu, root[i / 33 % 2], va, &got, 8, false, &a);
		hash = mix(mix(hash, got), a.fault);
		hash = mix(hash, atomic_read(&f->kicks[cpu]));
		hash = mix(hash, *entry(f, SLOT_L1_A, va) & ~VMS_PTE_PA_MASK);
	}
	for (i = 0; i < 4; i++)
		for (pos = 0; f->m.ops->cached(&f->m, i, &pos, &c);)
			hash = mix(mix(hash, c.va), c.level);
	return hash;
}

/* The same seed does the same, another one something else */
static void mmu_test_seed(struct kunit *test)
{
	fixture(test, VMSTORE_CAP_TAGGED);
	KUNIT_EXPECT_EQ(test, run_seed(test, 7), run_seed(test, 7));
	KUNIT_EXPECT_EQ(test, run_seed(test, 8), run_seed(test, 8));
	KUNIT_EXPECT_NE(test, run_seed(test, 7), run_seed(test, 8));
	KUNIT_EXPECT_EQ(test, run_seed(test, 0), run_seed(test, 0));
}

/* --- residency --------------------------------------------------------------- */

#define LAST_CPU	1	/* where roots are resident; the test itself is on another */

/*
 * The fixture of a machine with two CPUs. On its own CPU the test would interrupt the
 * windows whenever it wakes up.
 */
static struct fixture *resident_fixture(struct kunit *test)
{
	struct fixture *f = fixture(test, VMSTORE_CAP_REMOTE);

	KUNIT_ASSERT_EQ(test, set_cpus_allowed_ptr(current, cpumask_of(0)), 0);
	set_entry(f, SLOT_L1_A, VA, leaf_pte(f, SLOT_DATA, rw));
	set_entry(f, SLOT_L1_B, VA, leaf_pte(f, SLOT_OTHER, rw));
	return f;
}

static void make_resident(struct kunit *test, struct vms_mmu *m, struct vms_root *r)
{
	KUNIT_EXPECT_EQ(test, m->ops->set_root(m, LAST_CPU, r, VMS_ROOT_RESIDENT), 0);
	KUNIT_EXPECT_TRUE(test, test_bit(LAST_CPU, r->active.bits));
}

static u64 load(struct kunit *test, struct vms_mmu *m, struct vms_root *r, u64 va)
{
	u64 got = 0;
	struct vms_access a = { .va = va, .buf = &got, .len = 8 };

	KUNIT_EXPECT_EQ(test, m->ops->access(m, LAST_CPU, r, &a), 0);
	KUNIT_EXPECT_EQ(test, a.fault, 0U);
	return got;
}

static void expect_gone(struct kunit *test, const struct vms_root *r)
{
	KUNIT_EXPECT_TRUE(test, bitmap_empty(r->active.bits, VMS_MAX_CPUS));
	KUNIT_EXPECT_TRUE(test, bitmap_empty(r->loaded.bits, VMS_MAX_CPUS));
}

/* What it has cached stays until it is flushed, or lost; never longer */
static void mmu_test_resident_stale(struct kunit *test)
{
	struct fixture *f = resident_fixture(test);
	unsigned int i, stale = 0;
	u64 got;

	make_resident(test, &f->m, &f->a);
	for (i = 0; i < ROUNDS; i++) {
		set_entry(f, SLOT_L1_A, VA, leaf_pte(f, SLOT_DATA, rw));
		want_flush(f, f->a.tag, VA);
		kick_and_wait(test, LAST_CPU);
		KUNIT_EXPECT_EQ(test, load(test, &f->m, &f->a, VA), VALUE);

		set_entry(f, SLOT_L1_A, VA, leaf_pte(f, SLOT_OTHER, rw));
		got = load(test, &f->m, &f->a, VA);
		KUNIT_EXPECT_TRUE(test, got == VALUE || got == OTHER_VALUE);
		stale += got == VALUE;

		f->flush.all = i % 2;
		kick_and_wait(test, LAST_CPU);
		KUNIT_EXPECT_EQ(test, load(test, &f->m, &f->a, VA), OTHER_VALUE);
		cond_resched();
	}
	kunit_info(test, "stale in %u rounds of %u", stale, ROUNDS);
	KUNIT_EXPECT_GT(test, stale, 0U);
	set_root(test, LAST_CPU, NULL);
	expect_gone(test, &f->a);
}

/* A window of another root, and one of the same, within a resident window */
static void mmu_test_resident_nested(struct kunit *test)
{
	struct fixture *f = resident_fixture(test);
	u64 host = vms_mmu_live_host_table();
	unsigned int i;

	set_entry(f, SLOT_KL1, KVA, leaf_pte(f, SLOT_OTHER, rw));
	make_resident(test, &f->m, &f->a);
	for (i = 0; i < ROUNDS; i++) {
		KUNIT_EXPECT_EQ(test, load(test, &f->m, &f->a, VA), VALUE);
		KUNIT_EXPECT_EQ(test, load(test, &f->m, &f->b, VA), OTHER_VALUE);
		KUNIT_EXPECT_EQ(test, load(test, &f->m, &f->b, KVA), OTHER_VALUE);
		expect_gone(test, &f->b);
		expect_fault(test, LAST_CPU, &f->b, VA_NEXT, true, ABSENT_STORE);
		expect_fault(test, LAST_CPU, &f->a, VA_NEXT, false, ABSENT_LOAD);
		cond_resched();
	}
	KUNIT_EXPECT_EQ(test, vms_mmu_live_host_table(), host);
}

/* No window of a root is open when it is active no more: it may be torn down */
static void mmu_test_resident_moves(struct kunit *test)
{
	struct fixture *f = resident_fixture(test);
	unsigned int i;

	for (i = 0; i < ROUNDS / 4; i++) {
		make_resident(test, &f->m, &f->a);
		if (i % 3)
			KUNIT_EXPECT_EQ(test, load(test, &f->m, &f->a, VA), VALUE);
		make_resident(test, &f->m, &f->b);
		expect_gone(test, &f->a);
		if (i % 5)
			KUNIT_EXPECT_EQ(test, load(test, &f->m, &f->b, VA), OTHER_VALUE);
		/* Active, and resident no more */
		set_root(test, LAST_CPU, &f->b);
		KUNIT_EXPECT_TRUE(test, bitmap_empty(f->b.loaded.bits, VMS_MAX_CPUS));
		KUNIT_EXPECT_TRUE(test, test_bit(LAST_CPU, f->b.active.bits));
		set_root(test, LAST_CPU, i % 2 ? NULL : &f->a);
		expect_gone(test, &f->b);
		cond_resched();
	}
}

/* Two stores, and both of their roots resident on one CPU: windows in turn */
static void mmu_test_resident_two(struct kunit *test)
{
	struct fixture *f = resident_fixture(test);
	struct vms_mmu *other = kunit_kzalloc(test, sizeof(*other), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_TRUE(test, other);
	KUNIT_ASSERT_EQ(test, vms_mmu_init(other, f->m.ops->kind, &f->region, 0), 0);
	make_resident(test, &f->m, &f->a);
	make_resident(test, other, &f->b);
	for (i = 0; i < ROUNDS / 10; i++) {
		KUNIT_EXPECT_EQ(test, load(test, &f->m, &f->a, VA), VALUE);
		KUNIT_EXPECT_EQ(test, load(test, other, &f->b, VA), OTHER_VALUE);
		cond_resched();
	}
	KUNIT_EXPECT_EQ(test, other->ops->set_root(other, LAST_CPU, NULL, 0), 0);
	expect_gone(test, &f->b);
	KUNIT_EXPECT_EQ(test, load(test, &f->m, &f->a, VA), VALUE);
	vms_mmu_exit(other);
}

static void init_watch(struct vms_watch *w, u64 va, u32 loads)
{
	*w = (struct vms_watch) {
		.va = va, .width = 8, .loads = loads, .until = jiffies + 60 * HZ,
	};
}

static u32 watch_sum(const struct vms_watch_count *c)
{
	return c->same + c->other + c->fault;
}

static void expect_quiet_watch(struct kunit *test, struct vms_root *r)
{
	struct fixture *f = test->priv;
	struct vms_watch w;

	init_watch(&w, VA, 1000);
	KUNIT_EXPECT_EQ(test, f->m.ops->watch(&f->m, LAST_CPU, r, &w), 0);
	KUNIT_EXPECT_EQ(test, w.first, VALUE);
	KUNIT_EXPECT_EQ(test, w.done, 1000U);
	KUNIT_EXPECT_EQ(test, w.before.same, 1000U);
	KUNIT_EXPECT_EQ(test, w.before.stale, 0U);
	KUNIT_EXPECT_EQ(test, w.flushes, 0ULL);

	init_watch(&w, VA_NEXT, 10);
	KUNIT_EXPECT_EQ(test, f->m.ops->watch(&f->m, LAST_CPU, r, &w), 0);
	KUNIT_EXPECT_EQ(test, w.first_fault, ABSENT_LOAD);
	KUNIT_EXPECT_EQ(test, w.before.fault, 10U);
	KUNIT_EXPECT_EQ(test, w.done, 10U);
}

static void mmu_test_watch(struct kunit *test)
{
	struct fixture *f = resident_fixture(test);
	u64 *l2 = &table(f, SLOT_L2_A)[vms_pte_index(VA, 2)];
	struct vms_watch w;

	expect_quiet_watch(test, &f->a);
	set_root(test, LAST_CPU, &f->a);
	expect_quiet_watch(test, &f->a);
	make_resident(test, &f->m, &f->a);
	expect_quiet_watch(test, &f->a);

	/* Time is up, or there is nothing to do */
	init_watch(&w, VA, 1000);
	w.until = jiffies;
	KUNIT_EXPECT_EQ(test, f->m.ops->watch(&f->m, LAST_CPU, &f->a, &w), 0);
	KUNIT_EXPECT_EQ(test, w.done, 0U);
	init_watch(&w, VMSTORE_USER_END, 1);
	KUNIT_EXPECT_EQ(test, f->m.ops->watch(&f->m, LAST_CPU, &f->a, &w), -EINVAL);
	init_watch(&w, VA, 1);
	KUNIT_EXPECT_EQ(test, f->m.ops->watch(&f->m, f->m.nr_cpus, &f->a, &w), -EINVAL);
	*l2 |= VMS_PTE_NX;
	KUNIT_EXPECT_EQ(test, f->m.ops->watch(&f->m, LAST_CPU, &f->a, &w), -EIO);
	KUNIT_EXPECT_EQ(test, w.done, 0U);
}

/* A watch by a thread of its own */
struct watcher {
	struct fixture *f;
	struct vms_watch w;
	struct completion over;
	int err;
};

static int mmu_watch_thread(void *arg)
{
	struct watcher *t = arg;

	t->err = t->f->m.ops->watch(&t->f->m, LAST_CPU, &t->f->a, &t->w);
	complete(&t->over);
	return 0;
}

/* Let it go on for some loads */
static void watch_more(struct watcher *t, u32 loads)
{
	u32 from = READ_ONCE(t->w.done);

	while (READ_ONCE(t->w.done) - from < loads && !completion_done(&t->over))
		usleep_range(50, 100);
}

/* While it is watched, the page is moved, and later flushed */
static void watch_move(struct kunit *test, struct watcher *t)
{
	struct fixture *f = t->f;
	struct task_struct *task;

	set_entry(f, SLOT_L1_A, VA, leaf_pte(f, SLOT_DATA, rw));
	want_flush(f, f->a.tag, VA);
	kick_and_wait(test, LAST_CPU);
	init_watch(&t->w, VA, U32_MAX);
	init_completion(&t->over);
	task = kthread_run(mmu_watch_thread, t, "vmstore-watch");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	watch_more(t, 1);
	set_entry(f, SLOT_L1_A, VA, leaf_pte(f, SLOT_OTHER, rw));
	watch_more(t, 10);
	kick_and_wait(test, LAST_CPU);
	watch_more(t, 10);
	WRITE_ONCE(t->w.until, jiffies);
	wait_for_completion(&t->over);
	KUNIT_EXPECT_EQ(test, t->err, 0);
}

/* Before the handler both may be seen, after it the new page alone */
static void mmu_test_watch_flushed(struct kunit *test)
{
	struct watcher *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	unsigned int i, stale = 0, after = 0;

	KUNIT_ASSERT_TRUE(test, t);
	t->f = resident_fixture(test);
	make_resident(test, &t->f->m, &t->f->a);
	for (i = 0; i < 20; i++) {
		watch_move(test, t);
		KUNIT_EXPECT_EQ(test, t->w.first, VALUE);
		KUNIT_EXPECT_EQ(test, watch_sum(&t->w.before) + watch_sum(&t->w.after),
				t->w.done);
		KUNIT_EXPECT_EQ(test, t->w.before.fault, 0U);
		KUNIT_EXPECT_EQ(test, t->w.after.same, 0U);
		KUNIT_EXPECT_EQ(test, t->w.after.fault, 0U);
		KUNIT_EXPECT_EQ(test, t->w.flushes, 1ULL);
		stale += t->w.before.stale;
		after += t->w.after.other;
	}
	kunit_info(test, "%u stale loads, %u after the flush", stale, after);
	KUNIT_EXPECT_GT(test, stale, 0U);
	KUNIT_EXPECT_GT(test, after, 0U);
}

static void mmu_test_choice(struct kunit *test)
{
	struct vms_region *r = kunit_kzalloc(test, sizeof(*r), GFP_KERNEL);
	struct vms_mmu *m = kunit_kzalloc(test, sizeof(*m), GFP_KERNEL);
	bool live = vms_mmu_machines() & 1U << VMSTORE_MACHINE_LIVE;

	KUNIT_ASSERT_TRUE(test, r && m);
	KUNIT_EXPECT_TRUE(test, vms_mmu_machines() & 1U << VMSTORE_MACHINE_SOFT);
	KUNIT_EXPECT_FALSE(test, vms_mmu_machines() & 1U << VMSTORE_MACHINE_DEFAULT);

	KUNIT_EXPECT_EQ(test, vms_mmu_init(m, 3, r, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, vms_mmu_init(m, VMSTORE_MACHINE_SOFT, r, 65), -EINVAL);
	KUNIT_EXPECT_EQ(test, vms_mmu_init(m, VMSTORE_MACHINE_LIVE, r, 1),
			live ? -EINVAL : -EOPNOTSUPP);
	m->seed = 1;
	KUNIT_EXPECT_EQ(test, vms_mmu_init(m, VMSTORE_MACHINE_LIVE, r, 0),
			live ? -EINVAL : -EOPNOTSUPP);
	m->seed = 0;
	vms_mmu_exit(m);

	KUNIT_EXPECT_EQ(test, vms_mmu_init(m, VMSTORE_MACHINE_SOFT, r, 1), 0);
	KUNIT_EXPECT_EQ(test, m->nr_cpus, 1U);
	KUNIT_EXPECT_EQ(test, m->caps & VMSTORE_CAP_REMOTE, 0U);
	vms_mmu_exit(m);
	KUNIT_EXPECT_EQ(test, vms_mmu_init(m, VMSTORE_MACHINE_SOFT, r, 64), 0);
	KUNIT_EXPECT_EQ(test, m->nr_cpus, 64U);
	KUNIT_EXPECT_EQ(test, m->caps & VMSTORE_CAP_REMOTE, (u32)VMSTORE_CAP_REMOTE);
	vms_mmu_exit(m);
	vms_mmu_exit(m);

	KUNIT_EXPECT_EQ(test, vms_mmu_init(m, VMSTORE_MACHINE_DEFAULT, r, 0), 0);
	KUNIT_EXPECT_EQ(test, m->ops->kind,
			(u32)(live ? VMSTORE_MACHINE_LIVE : VMSTORE_MACHINE_SOFT));
	KUNIT_EXPECT_EQ(test, m->nr_cpus, live ? nr_cpu_ids : 4);
	vms_mmu_exit(m);
}

static struct kunit_case mmu_test_cases[] = {
	KUNIT_CASE(mmu_test_choice),
	KUNIT_CASE_PARAM(mmu_test_widths, mmu_gen_params),
	KUNIT_CASE_PARAM(mmu_test_unaligned, mmu_gen_params),
	KUNIT_CASE_PARAM(mmu_test_absent, mmu_gen_params),
	KUNIT_CASE_PARAM(mmu_test_read_only, mmu_gen_params),
	KUNIT_CASE_PARAM(mmu_test_supervisor, mmu_gen_params),
	KUNIT_CASE_PARAM(mmu_test_accessed_dirty, mmu_gen_params),
	KUNIT_CASE_PARAM(mmu_test_dirty_walk, mmu_gen_params),
	KUNIT_CASE_PARAM(mmu_test_linear, mmu_gen_params),
	KUNIT_CASE_PARAM(mmu_test_refused, mmu_gen_params),
	KUNIT_CASE_PARAM(mmu_test_crosses_pages, mmu_gen_params),
	KUNIT_CASE_PARAM(mmu_test_longest, mmu_gen_params),
	KUNIT_CASE_PARAM(mmu_test_fault_after, mmu_gen_params),
	KUNIT_CASE_PARAM(mmu_test_ill_formed, mmu_gen_params),
	KUNIT_CASE_PARAM(mmu_test_temporary, mmu_gen_params),
	KUNIT_CASE_PARAM(mmu_test_stale, mmu_gen_params),
	KUNIT_CASE_PARAM(mmu_test_flush_local, mmu_gen_params),
	KUNIT_CASE_PARAM(mmu_test_keeps_over_temporary, mmu_gen_params),
	KUNIT_CASE_PARAM(mmu_test_stale_permission, mmu_gen_params),
	KUNIT_CASE_PARAM(mmu_test_evict, mmu_gen_params),
	KUNIT_CASE_PARAM(mmu_test_large_page, mmu_gen_params),
	KUNIT_CASE_PARAM(mmu_test_two_cpus, mmu_gen_params),
	KUNIT_CASE_PARAM(mmu_test_kick_is_late, mmu_gen_params),
	KUNIT_CASE_PARAM(mmu_test_root_switch, mmu_gen_params),
	KUNIT_CASE_PARAM(mmu_test_active_bits, mmu_gen_params),
	KUNIT_CASE_PARAM(mmu_test_global, mmu_gen_params),
	KUNIT_CASE_PARAM(mmu_test_root_exit, mmu_gen_params),
	KUNIT_CASE_PARAM(mmu_test_host_table, mmu_gen_params),
	KUNIT_CASE_PARAM(mmu_test_tagged, mmu_gen_params),
	KUNIT_CASE_PARAM(mmu_test_tables, mmu_gen_params),
	KUNIT_CASE_PARAM(mmu_test_tables_all, mmu_gen_params),
	KUNIT_CASE_PARAM(mmu_test_tables_fault, mmu_gen_params),
	KUNIT_CASE_PARAM(mmu_test_speculates, mmu_gen_params),
	KUNIT_CASE_PARAM(mmu_test_speculates_flushed, mmu_gen_params),
	KUNIT_CASE_PARAM(mmu_test_evicts, mmu_gen_params),
	KUNIT_CASE_PARAM(mmu_test_two_sizes, mmu_gen_params),
	KUNIT_CASE_PARAM(mmu_test_64_cpus, mmu_gen_params),
	KUNIT_CASE_PARAM(mmu_test_seed, mmu_gen_params),
	KUNIT_CASE_PARAM(mmu_test_storm, mmu_gen_params),
	KUNIT_CASE_PARAM(mmu_test_resident_stale, mmu_gen_params),
	KUNIT_CASE_PARAM(mmu_test_resident_nested, mmu_gen_params),
	KUNIT_CASE_PARAM(mmu_test_resident_moves, mmu_gen_params),
	KUNIT_CASE_PARAM(mmu_test_resident_two, mmu_gen_params),
	KUNIT_CASE_PARAM(mmu_test_watch, mmu_gen_params),
	KUNIT_CASE_PARAM(mmu_test_watch_flushed, mmu_gen_params),
	{}
};

static struct kunit_suite mmu_test_suite = {
	.name = "vmstore-mmu",
	.init = mmu_test_init,
	.exit = mmu_test_exit,
	.test_cases = mmu_test_cases,
};

kunit_test_suite(mmu_test_suite);
