// SPDX-License-Identifier: GPL-2.0-only
/* Page tables: root, kernel half, linear window, walk, teardown [D16, Lk12, Lk13]. */

#include <kunit/test.h>
#include <linux/string.h>

#include "pt.h"

#define REGION_SIZE	(2 * VMS_BLOCK_SIZE)
#define NR_SLOTS	2048U
#define TAG		9ULL

static const struct vmstore_prop rw = {
	.flags = VMSTORE_PROP_R | VMSTORE_PROP_W,
	.priv = VMSTORE_PRIV_USER,
};

struct pt_fixture {
	struct vms_region region;
	struct vms_mmu mmu;
	struct vms_kernel_half kernel, other;	/* too large for the stack */
	struct vms_pt pt;
};

static int pt_test_init(struct kunit *test)
{
	struct pt_fixture *x = kunit_kzalloc(test, sizeof(*x), GFP_KERNEL);

	if (!x)
		return -ENOMEM;
	test->priv = x;
	KUNIT_ASSERT_EQ(test, vms_region_init(&x->region, REGION_SIZE, 0), 0);
	KUNIT_ASSERT_EQ(test, vms_mmu_init(&x->mmu, VMSTORE_MACHINE_SOFT, &x->region, 2), 0);
	KUNIT_ASSERT_EQ(test, vms_kernel_half_init(&x->kernel, &x->region), 0);
	x->mmu.kernel_pte = vms_kernel_half_pte(&x->kernel, &x->region);
	return 0;
}

static void pt_test_exit(struct kunit *test)
{
	struct pt_fixture *x = test->priv;

	if (!x)
		return;
	vms_mmu_exit(&x->mmu);
	vms_kernel_half_exit(&x->kernel);
	vms_region_exit(&x->region);
}

/* --- the kernel half ---------------------------------------------------------- */

static void pt_test_kernel_half(struct kunit *test)
{
	struct pt_fixture *x = test->priv;
	struct vms_region *r = &x->region;
	u64 *top = vms_node_entries(r, x->kernel.top);
	unsigned int i;

	KUNIT_EXPECT_EQ(test, x->kernel.nr_linear, 1U);
	KUNIT_EXPECT_EQ(test, r->slots[x->kernel.top].usage, VMSTORE_USAGE_PAGETABLE);
	KUNIT_EXPECT_EQ(test, vms_node(r, x->kernel.top)->level, 3);
	KUNIT_EXPECT_EQ(test, atomic64_read(&r->slots[x->kernel.top].paths), 1);
	KUNIT_EXPECT_EQ(test, vms_slot_rc(r, x->kernel.top), 1ULL);
	KUNIT_EXPECT_EQ(test, vms_pte_pa(top[0]), (u64)__pa(x->kernel.linear[0]));
	KUNIT_EXPECT_EQ(test, (int)vms_pte_kind(top[0]), (int)VMS_ENTRY_TABLE);
	for (i = 1; i < VMS_NR_ENTRIES; i++)
		KUNIT_EXPECT_EQ(test, top[i], 0ULL);
	KUNIT_EXPECT_EQ(test, vms_pte_pa(x->mmu.kernel_pte), vms_slot_pa(r, x->kernel.top));
	KUNIT_EXPECT_TRUE(test, vms_pte_well_formed(x->mmu.kernel_pte, 4));
}

/* D16: offset i is at base + i and nothing else is; Borrowed: no slot is counted */
static void pt_test_linear_window(struct kunit *test)
{
	struct pt_fixture *x = test->priv;
	struct vms_region *r = &x->region;
	struct vms_removed sum = {};
	struct vms_walk w;
	u32 i;

	KUNIT_ASSERT_EQ(test, vms_pt_init(&x->pt, &x->mmu, TAG), 0);
	for (i = 0; i < NR_SLOTS; i++) {
		u64 va = VMSTORE_KERNEL_BASE + vms_slot_paddr(i);
		u64 pte;

		KUNIT_ASSERT_EQ(test, vms_mmu_walk(&x->mmu, &x->pt.mroot, va, &w), 0);
		pte = w.pte[w.level];
		KUNIT_ASSERT_EQ(test, (int)vms_pte_kind(pte), (int)VMS_ENTRY_LEAF);
		KUNIT_ASSERT_EQ(test, vms_pte_pa(pte) + va % vms_page_size(w.level),
				vms_slot_pa(r, i));
		KUNIT_ASSERT_TRUE(test, w.write);
		KUNIT_ASSERT_EQ(test, vms_pte_prop(pte).flags & VMSTORE_PROP_X, 0);
		KUNIT_ASSERT_EQ(test, vms_pte_prop(pte).priv & VMSTORE_PRIV_USER, 0);
		KUNIT_ASSERT_EQ(test, atomic64_read(&r->slots[i].paths),
				(s64)(i == x->kernel.top || i == x->pt.root));
	}
	KUNIT_ASSERT_EQ(test, vms_mmu_walk(&x->mmu, &x->pt.mroot,
					   VMSTORE_KERNEL_BASE + REGION_SIZE, &w), 0);
	KUNIT_EXPECT_EQ(test, w.pte[w.level], 0ULL);
	KUNIT_ASSERT_EQ(test, vms_mmu_walk(&x->mmu, &x->pt.mroot, VMSTORE_KVIRT_BASE, &w), 0);
	KUNIT_EXPECT_EQ(test, w.pte[w.level], 0ULL);
	vms_pt_exit(&x->pt, &x->mmu, &sum);
}

/*
 * A region of 2.5 GiB whose blocks are scattered: only the frame of the top node is
 * memory, all else are addresses in tables.
 */
static void pt_test_linear_scattered(struct kunit *test)
{
	const u64 size = 5ULL << 29;
	const u32 nr = size >> VMS_BLOCK_SHIFT;
	struct pt_fixture *x = test->priv;
	struct vms_region r = x->region;
	struct vms_kernel_half *k = &x->other;
	u64 offset;
	u32 i;

	r.size = size;
	r.nr_blocks = nr;
	r.blocks = kunit_kcalloc(test, nr, sizeof(*r.blocks), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, r.blocks);
	for (i = 0; i < nr; i++) {
		r.blocks[i].pa = (7ULL * i + i % 3) << VMS_BLOCK_SHIFT;
		r.blocks[i].kva = x->region.blocks[i % 2].kva;
	}

	KUNIT_ASSERT_EQ(test, vms_kernel_half_init(k, &r), 0);
	KUNIT_EXPECT_EQ(test, k->nr_linear, 3U);
	for (offset = 0; offset < size; offset += vms_page_size(2)) {
		u64 pte = k->linear[offset >> 30][vms_pte_index(offset, 2)];

		KUNIT_ASSERT_TRUE(test, vms_pte_well_formed(pte, 2));
		KUNIT_ASSERT_EQ(test, vms_pte_pa(pte),
				r.blocks[offset >> VMS_BLOCK_SHIFT].pa +
				(offset & (VMS_BLOCK_SIZE - 1)));
	}
	for (i = 256; i < VMS_NR_ENTRIES; i++)
		KUNIT_EXPECT_EQ(test, k->linear[2][i], 0ULL);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, vms_pte_pa(vms_node_entries(&r, k->top)[i]),
				(u64)__pa(k->linear[i]));
	vms_kernel_half_exit(k);
	KUNIT_EXPECT_EQ(test, k->nr_linear, 0U);
}

static void pt_test_kernel_half_fails(struct kunit *test)
{
	struct pt_fixture *x = test->priv;
	struct vms_region big = x->region;
	struct vms_kernel_half *k = &x->other;
	u32 idx;

	big.size = (256ULL << 30) + VMS_BLOCK_SIZE;
	KUNIT_EXPECT_EQ(test, vms_kernel_half_init(k, &big), -EINVAL);
	KUNIT_EXPECT_EQ(test, k->nr_linear, 0U);
	while (!vms_slot_alloc(&x->region, VMSTORE_USAGE_FRAME, false, &idx))
		;
	KUNIT_EXPECT_EQ(test, vms_kernel_half_init(k, &x->region), -ENOMEM);
	KUNIT_EXPECT_EQ(test, k->nr_linear, 0U);
	vms_kernel_half_exit(k);
}

static void expect_linear(struct kunit *test, u64 va, u64 len, u32 want)
{
	struct pt_fixture *x = test->priv;
	u32 idx = 12345;

	KUNIT_EXPECT_EQ(test, vms_linear_slot(&x->region, va, len, &idx), 0);
	KUNIT_EXPECT_EQ(test, idx, want);
}

static void expect_not_linear(struct kunit *test, u64 va, u64 len)
{
	struct pt_fixture *x = test->priv;
	u32 idx = 12345;

	KUNIT_EXPECT_EQ(test, vms_linear_slot(&x->region, va, len, &idx), -EACCES);
	KUNIT_EXPECT_EQ(test, idx, 12345U);
}

static void pt_test_linear_slot(struct kunit *test)
{
	const u64 base = VMSTORE_KERNEL_BASE, end = base + REGION_SIZE;

	expect_linear(test, base, 1, 0);
	expect_linear(test, base, 4096, 0);
	expect_linear(test, base + 4095, 1, 0);
	expect_linear(test, base + 4096, 8, 1);
	expect_linear(test, base + VMS_BLOCK_SIZE - 1, 1, 1023);
	expect_linear(test, base + VMS_BLOCK_SIZE, 1, 1024);
	expect_linear(test, end - 8, 8, NR_SLOTS - 1);

	expect_not_linear(test, base - 1, 1);
	expect_not_linear(test, base - 4096, 8);
	expect_not_linear(test, base, 4097);
	expect_not_linear(test, base + 1, 4096);
	expect_not_linear(test, base + 4092, 8);
	expect_not_linear(test, end, 1);
	expect_not_linear(test, end - 4, 8);
	expect_not_linear(test, base, U64_MAX);
	expect_not_linear(test, U64_MAX, 1);
	expect_not_linear(test, VMSTORE_KVIRT_BASE, 8);
	expect_not_linear(test, 0, 8);
	expect_not_linear(test, VMSTORE_MAX_USERSPACE_VADDR, 8);
}

/* --- life of a page table ------------------------------------------------------- */

/* O-NewVmSpace: one slot UNUSED -> a live PageTable slot with the empty path */
static void pt_test_init_root(struct kunit *test)
{
	struct pt_fixture *x = test->priv;
	struct vms_region *r = &x->region;
	int free = atomic_read(&r->nr_free);
	struct vms_removed sum = {};
	u64 *entries;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, vms_pt_init(&x->pt, &x->mmu, TAG), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&r->nr_free), free - 1);
	KUNIT_EXPECT_EQ(test, x->pt.root % 2, 0U);
	KUNIT_EXPECT_EQ(test, vms_slot_rc(r, x->pt.root), 1ULL);
	KUNIT_EXPECT_EQ(test, r->slots[x->pt.root].usage, VMSTORE_USAGE_PAGETABLE);
	KUNIT_EXPECT_EQ(test, vms_node(r, x->pt.root)->level, 4);
	KUNIT_EXPECT_EQ(test, atomic64_read(&r->slots[x->pt.root].paths), 1);
	KUNIT_EXPECT_EQ(test, x->pt.mroot.tag, TAG);
	KUNIT_EXPECT_EQ(test, x->pt.mroot.pa, vms_slot_pa(r, x->pt.root));
	KUNIT_EXPECT_TRUE(test, bitmap_empty(x->pt.mroot.active.bits, VMS_MAX_CPUS));
	KUNIT_EXPECT_TRUE(test, bitmap_empty(x->pt.mroot.loaded.bits, VMS_MAX_CPUS));
	entries = vms_node_entries(r, x->pt.root);
	KUNIT_EXPECT_PTR_EQ(test, x->pt.mroot.entries, entries);
	/* P14: the user half is empty, the rest is the kernel half or nothing */
	for (i = 0; i < VMS_NR_ENTRIES; i++)
		KUNIT_EXPECT_EQ(test, entries[i], i == 256 ? x->mmu.kernel_pte : 0ULL);

	vms_pt_exit(&x->pt, &x->mmu, &sum);
	KUNIT_EXPECT_EQ(test, sum.nodes, 1ULL);
	KUNIT_EXPECT_EQ(test, sum.leaves, 0ULL);
	KUNIT_EXPECT_EQ(test, vms_slot_rc(r, x->pt.root), VMSTORE_RC_UNUSED);
	KUNIT_EXPECT_EQ(test, atomic64_read(&r->slots[x->pt.root].paths), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&r->nr_free), free);
}

static int failing_root_init(struct vms_mmu *m, struct vms_root *r)
{
	return -ENODEV;
}

static void pt_test_init_fails(struct kunit *test)
{
	struct pt_fixture *x = test->priv;
	struct vms_region *r = &x->region;
	struct vms_mmu_ops ops = *x->mmu.ops;
	const struct vms_mmu_ops *real = x->mmu.ops;
	int free = atomic_read(&r->nr_free), nodes = atomic_read(&r->nr_nodes);
	u32 idx;

	ops.root_init = failing_root_init;
	x->mmu.ops = &ops;
	KUNIT_EXPECT_EQ(test, vms_pt_init(&x->pt, &x->mmu, TAG), -ENODEV);
	x->mmu.ops = real;
	KUNIT_EXPECT_EQ(test, atomic_read(&r->nr_free), free);
	KUNIT_EXPECT_EQ(test, atomic_read(&r->nr_nodes), nodes);
	KUNIT_EXPECT_EQ(test, atomic64_read(&r->slots[x->pt.root].paths), 0);

	/* Odd slots are left, but a root wants an even one */
	while (!vms_slot_alloc(r, VMSTORE_USAGE_FRAME, true, &idx))
		;
	free = atomic_read(&r->nr_free);
	KUNIT_EXPECT_EQ(test, vms_pt_init(&x->pt, &x->mmu, TAG), -ENOMEM);
	KUNIT_EXPECT_EQ(test, atomic_read(&r->nr_free), free);
}

/* --- walk and teardown ------------------------------------------------------------ */

static const u64 leaf_vas[] = {
	0, VMS_PAGE_SIZE, 0x200000 - VMS_PAGE_SIZE, 0x200000, 0x40000000,
	0x00007f1234567000ULL, VMSTORE_USER_END - VMS_PAGE_SIZE,
};

/* Nodes: below the root 3 for [0, 2M), 1 for 2M, 2 for 1G, and 3 for each of the rest */
#define TREE_NODES	12
#define TREE_LEAVES	ARRAY_SIZE(leaf_vas)

static u32 child_of(struct kunit *test, u32 node, int level, u64 va)
{
	struct pt_fixture *x = test->priv;
	unsigned int i = vms_pte_index(va, level);
	u64 pte = vms_node_read(&x->region, node, i);
	u32 child = VMS_NO_SLOT;

	if (pte)
		return vms_entry_slot(&x->region, pte);
	KUNIT_ASSERT_EQ(test, vms_node_alloc(&x->region, level - 1, false, 0, &child), 0);
	vms_node_link(&x->region, node, i, child);
	return child;
}

static u32 leaf_node(struct kunit *test, u64 va)
{
	struct pt_fixture *x = test->priv;
	u32 node = x->pt.root;
	int level;

	for (level = 4; level > 1; level--)
		node = child_of(test, node, level, va);
	return node;
}

static void build_tree(struct kunit *test, u32 *frames)
{
	struct pt_fixture *x = test->priv;
	struct vms_region *r = &x->region;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, vms_pt_init(&x->pt, &x->mmu, TAG), 0);
	for (i = 0; i < TREE_LEAVES; i++) {
		u32 node = leaf_node(test, leaf_vas[i]);

		KUNIT_ASSERT_EQ(test, vms_slot_alloc(r, VMSTORE_USAGE_FRAME, false, &frames[i]), 0);
		atomic64_inc(&r->slots[frames[i]].paths);
		vms_node_set(r, node, vms_pte_index(leaf_vas[i], 1),
			     vms_pte_make_leaf(vms_slot_pa(r, frames[i]), 1, rw));
	}
}

struct visit {
	struct kunit *test;
	unsigned int nodes, leaves, stop_at;
	u64 last;
	int last_level;
	u32 *frames;
};

/* Pre-order: an ascending address, or the same one on the way down */
static void expect_forward(struct visit *v, int level, u64 va)
{
	if (v->nodes + v->leaves) {
		KUNIT_EXPECT_GE(v->test, va, v->last);
		if (va == v->last)
			KUNIT_EXPECT_LT(v->test, level, v->last_level);
	}
	KUNIT_EXPECT_EQ(v->test, va % vms_page_size(level), 0ULL);
	v->last = va;
	v->last_level = level;
}

static int visit_node(void *ctx, u32 node, int level, u64 va)
{
	struct visit *v = ctx;
	struct pt_fixture *x = v->test->priv;

	KUNIT_EXPECT_EQ(v->test, vms_node(&x->region, node)->level, level);
	/* A node's own span is one of the level above */
	expect_forward(v, level + 1, va);
	v->nodes++;
	return 0;
}

static int visit_leaf(void *ctx, u64 pte, int level, u64 va)
{
	struct visit *v = ctx;
	struct pt_fixture *x = v->test->priv;

	if (v->leaves == v->stop_at)
		return -ECANCELED;
	expect_forward(v, level, va);
	KUNIT_EXPECT_EQ(v->test, level, 1);
	KUNIT_EXPECT_EQ(v->test, va, leaf_vas[v->leaves]);
	KUNIT_EXPECT_EQ(v->test, vms_entry_slot(&x->region, pte), v->frames[v->leaves]);
	v->leaves++;
	return 0;
}

static void pt_test_walk(struct kunit *test)
{
	struct pt_fixture *x = test->priv;
	u32 frames[TREE_LEAVES];
	struct visit v = { .test = test, .stop_at = UINT_MAX, .frames = frames };
	struct visit cut = { .test = test, .stop_at = 2, .frames = frames };
	struct vms_removed sum = {};

	build_tree(test, frames);
	KUNIT_EXPECT_EQ(test, vms_pt_walk(&x->region, &x->pt, visit_node, visit_leaf, &v), 0);
	KUNIT_EXPECT_EQ(test, v.leaves, (unsigned int)TREE_LEAVES);
	KUNIT_EXPECT_EQ(test, v.nodes, TREE_NODES + 1U);

	/* A callback that returns non-zero ends it */
	KUNIT_EXPECT_EQ(test, vms_pt_walk(&x->region, &x->pt, NULL, visit_leaf, &cut), -ECANCELED);
	KUNIT_EXPECT_EQ(test, cut.leaves, 2U);
	KUNIT_EXPECT_EQ(test, vms_pt_walk(&x->region, &x->pt, NULL, NULL, NULL), 0);
	vms_pt_exit(&x->pt, &x->mmu, &sum);
}

static int count_visit(void *ctx, u32 node, int level, u64 va)
{
	++*(unsigned int *)ctx;
	return 0;
}

/* However broken the tables are, the walk stays in the region and ends */
static void pt_test_walk_broken(struct kunit *test)
{
	struct pt_fixture *x = test->priv;
	struct vms_region *r = &x->region;
	u32 frames[TREE_LEAVES];
	struct vms_removed sum = {};
	unsigned int n = 0;
	u32 low;
	u64 was;

	build_tree(test, frames);
	low = leaf_node(test, 0);
	/* A table below level 1, and one that is a loop */
	was = vms_node_set(r, low, 0, vms_pte_make_table(vms_slot_pa(r, x->pt.root)));
	KUNIT_EXPECT_EQ(test, vms_pt_walk(r, &x->pt, count_visit, NULL, &n), 0);
	KUNIT_EXPECT_EQ(test, n, TREE_NODES + 1U);
	vms_node_set(r, low, 0, was);

	/* A table that is not in the region */
	n = 0;
	vms_node_set(r, x->pt.root, 9, vms_pte_make_table(__pa(x->kernel.linear[0])));
	KUNIT_EXPECT_EQ(test, vms_pt_walk(r, &x->pt, count_visit, NULL, &n), 0);
	KUNIT_EXPECT_EQ(test, n, TREE_NODES + 1U);
	vms_node_set(r, x->pt.root, 9, 0);
	vms_pt_exit(&x->pt, &x->mmu, &sum);
}

/* D6: P and rc of every leaf fall, nodes end unused; the kernel half is untouched */
static void pt_test_teardown(struct kunit *test)
{
	struct pt_fixture *x = test->priv;
	struct vms_region *r = &x->region;
	int free = atomic_read(&r->nr_free);
	u32 frames[TREE_LEAVES];
	struct vms_removed sum = {};
	u64 *top_was = kunit_kzalloc(test, VMS_PAGE_SIZE, GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, top_was);
	memcpy(top_was, vms_node_entries(r, x->kernel.top), VMS_PAGE_SIZE);
	build_tree(test, frames);
	KUNIT_EXPECT_EQ(test, atomic_read(&r->nr_free), free - TREE_NODES - 1 - (int)TREE_LEAVES);
	/* Two frames have a handle besides */
	KUNIT_ASSERT_EQ(test, vms_slot_from_in_use(r, frames[0]), 0);
	KUNIT_ASSERT_EQ(test, vms_slot_from_in_use(r, frames[5]), 0);
	/* and one is mapped twice */
	KUNIT_ASSERT_EQ(test, vms_slot_from_in_use(r, frames[3]), 0);
	atomic64_inc(&r->slots[frames[3]].paths);
	vms_node_set(r, leaf_node(test, 0), 7,
		     vms_pte_make_leaf(vms_slot_pa(r, frames[3]), 1, rw));

	vms_pt_exit(&x->pt, &x->mmu, &sum);
	KUNIT_EXPECT_EQ(test, sum.leaves, TREE_LEAVES + 1ULL);
	KUNIT_EXPECT_EQ(test, sum.nodes, TREE_NODES + 1ULL);
	KUNIT_EXPECT_EQ(test, sum.freed, TREE_LEAVES - 2ULL);
	for (i = 0; i < TREE_LEAVES; i++) {
		KUNIT_EXPECT_EQ(test, atomic64_read(&r->slots[frames[i]].paths), 0);
		KUNIT_EXPECT_EQ(test, vms_slot_rc(r, frames[i]),
				i == 0 || i == 5 ? 1ULL : VMSTORE_RC_UNUSED);
		KUNIT_EXPECT_EQ(test, r->slots[frames[i]].usage, VMSTORE_USAGE_FRAME);
	}
	KUNIT_EXPECT_EQ(test, atomic_read(&r->nr_free), free - 2);
	KUNIT_EXPECT_EQ(test, atomic_read(&r->nr_nodes), 1);
	KUNIT_EXPECT_EQ(test, memcmp(top_was, vms_node_entries(r, x->kernel.top),
				     VMS_PAGE_SIZE), 0);
	KUNIT_EXPECT_EQ(test, vms_slot_rc(r, x->kernel.top), 1ULL);
}

/* The machine forgets the root before the first frame is released */
static u64 rc_at_root_exit;
static u32 frame_at_root_exit;

static void noting_root_exit(struct vms_mmu *m, struct vms_root *r)
{
	rc_at_root_exit = vms_slot_rc(m->region, frame_at_root_exit);
	vms_mmu_soft_ops.root_exit(m, r);
}

static void pt_test_teardown_order(struct kunit *test)
{
	struct pt_fixture *x = test->priv;
	const struct vms_mmu_ops *real = x->mmu.ops;
	struct vms_mmu_ops ops = *real;
	u32 frames[TREE_LEAVES];
	struct vms_removed sum = {};

	build_tree(test, frames);
	frame_at_root_exit = frames[0];
	rc_at_root_exit = 0;
	ops.root_exit = noting_root_exit;
	x->mmu.ops = &ops;
	vms_pt_exit(&x->pt, &x->mmu, &sum);
	x->mmu.ops = real;
	KUNIT_EXPECT_EQ(test, rc_at_root_exit, 1ULL);
	KUNIT_EXPECT_EQ(test, vms_slot_rc(&x->region, frames[0]), VMSTORE_RC_UNUSED);
}

static struct kunit_case pt_test_cases[] = {
	KUNIT_CASE(pt_test_kernel_half),
	KUNIT_CASE(pt_test_linear_window),
	KUNIT_CASE(pt_test_linear_scattered),
	KUNIT_CASE(pt_test_kernel_half_fails),
	KUNIT_CASE(pt_test_linear_slot),
	KUNIT_CASE(pt_test_init_root),
	KUNIT_CASE(pt_test_init_fails),
	KUNIT_CASE(pt_test_walk),
	KUNIT_CASE(pt_test_walk_broken),
	KUNIT_CASE(pt_test_teardown),
	KUNIT_CASE(pt_test_teardown_order),
	{}
};

static struct kunit_suite pt_test_suite = {
	.name = "vmstore-pt",
	.init = pt_test_init,
	.exit = pt_test_exit,
	.test_cases = pt_test_cases,
};

kunit_test_suite(pt_test_suite);
