// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the machines: each case runs on the soft one and, where it exists, on the
 * live one. Tables are written by hand, so nothing above mmu.h is needed.
 */

#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kthread.h>
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
	KUNIT_ASSERT_EQ(test, vms_mmu_init(&f->m, machine, &f->region, 0), 0);
	f->kicks = kunit_kzalloc(test, f->m.nr_cpus * sizeof(*f->kicks), GFP_KERNEL);
	f->linear = (u64 *)get_zeroed_page(GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, f->kicks && f->linear);
	f->m.on_kick = mmu_on_kick;
	f->flush.all = true;

	/* The kernel half: a linear window of 4 MiB and one table for areas */
	f->linear[0] = vms_pte_make_leaf(vms_slot_pa(&f->region, 0), 2, rw);
	f->linear[1] = vms_pte_make_leaf(vms_slot_pa(&f->region, 512), 2, rw);
	top = table(f, SLOT_KERNEL);
	top[0] = vms_pte_make_table(__pa(f->linear));
	top[vms_pte_index(KVA, 3)] = table_pte(f, SLOT_KL2);
	table(f, SLOT_KL2)[vms_pte_index(KVA, 2)] = table_pte(f, SLOT_KL1);
	f->m.kernel_pte = table_pte(f, SLOT_KERNEL);

	link_tables(f, SLOT_ROOT_A, SLOT_L3_A, SLOT_L2_A, SLOT_L1_A);
	link_tables(f, SLOT_ROOT_B, SLOT_L3_B, SLOT_L2_B, SLOT_L1_B);
	KUNIT_ASSERT_EQ(test, init_root(f, &f->a, SLOT_ROOT_A, 1), 0);
	KUNIT_ASSERT_EQ(test, init_root(f, &f->b, SLOT_ROOT_B, 2), 0);
	f->roots = true;

	*word(f, SLOT_DATA) = VALUE;
	*word(f, SLOT_OTHER) = OTHER_VALUE;
	return 0;
}

static void mmu_test_exit(struct kunit *test)
{
	struct fixture *f = test->priv;
	u32 cpu;

	if (!f || !f->m.ops)
		return;
	if (f->roots) {
		for (cpu = 0; cpu < f->m.nr_cpus; cpu++)
			f->m.ops->set_root(&f->m, cpu, NULL, 0);
		f->m.ops->root_exit(&f->m, &f->a);
		f->m.ops->root_exit(&f->m, &f->b);
	}
	vms_mmu_exit(&f->m);
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
	KUNIT_EXPECT_EQ(test, *entry(f, SLOT_L1_A, VA), leaf_pte(f, SLOT_DATA, ro));
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
	expect_error(test, 0, &f->a, VA + 4092, 8, -EINVAL);
	expect_error(test, 0, &f->a, VA + 4095, 2, -EINVAL);
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

/* A kick is a promise; only a wait makes sure, or the CPU's own next access */
static void mmu_test_kick_is_late(struct kunit *test)
{
	struct fixture *f = fixture(test, VMSTORE_CAP_REMOTE | VMSTORE_CAP_KEEPS);
	struct vms_cpuset set = {};
	int i, before, at_once = 0;

	set_bit(1, set.bits);
	for (i = 0; i < 200; i++) {
		before = atomic_read(&f->kicks[1]);
		f->m.ops->kick(&f->m, &set);
		at_once += atomic_read(&f->kicks[1]) - before;
		if (i & 1)
			expect_fault(test, 1, &f->a, VA, false, ABSENT_LOAD);
		else
			f->m.ops->wait(&f->m, &set);
		KUNIT_EXPECT_EQ(test, atomic_read(&f->kicks[1]), before + 1);
	}
	KUNIT_EXPECT_GT(test, at_once, 10);
	KUNIT_EXPECT_LT(test, at_once, 150);
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
	KUNIT_CASE_PARAM(mmu_test_ill_formed, mmu_gen_params),
	KUNIT_CASE_PARAM(mmu_test_temporary, mmu_gen_params),
	KUNIT_CASE_PARAM(mmu_test_stale, mmu_gen_params),
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
	KUNIT_CASE_PARAM(mmu_test_storm, mmu_gen_params),
	{}
};

static struct kunit_suite mmu_test_suite = {
	.name = "vmstore-mmu",
	.init = mmu_test_init,
	.exit = mmu_test_exit,
	.test_cases = mmu_test_cases,
};

kunit_test_suite(mmu_test_suite);
