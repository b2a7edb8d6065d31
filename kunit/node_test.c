// SPDX-License-Identifier: GPL-2.0-only
/* Page-table nodes [O-PtPrimitives, Lk1, Lk4, Lk8, Lk10]. */

#include <kunit/test.h>
#include <linux/string.h>

#include "node.h"

#define MMIO_SIZE	(16 * VMS_PAGE_SIZE)
#define FIRST_MMIO	(1024U - 16)
#define OWNER		77ULL
#define OTHER		78ULL

static const struct vmstore_prop rw = {
	.flags = VMSTORE_PROP_R | VMSTORE_PROP_W,
	.priv = VMSTORE_PRIV_USER,
};

static int node_test_init(struct kunit *test)
{
	struct vms_region *r = kunit_kzalloc(test, sizeof(*r), GFP_KERNEL);

	if (!r)
		return -ENOMEM;
	test->priv = r;
	return vms_region_init(r, VMS_BLOCK_SIZE, MMIO_SIZE);
}

static void node_test_exit(struct kunit *test)
{
	if (test->priv)
		vms_region_exit(test->priv);
}

static u32 new_node(struct kunit *test, int level)
{
	u32 idx = VMS_NO_SLOT;

	KUNIT_ASSERT_EQ(test, vms_node_alloc(test->priv, level, false, 0, &idx), 0);
	return idx;
}

/* A frame with one reference, mapped by entry @i of a level-1 @node */
static u32 new_leaf(struct kunit *test, u32 node, unsigned int i, u64 bits)
{
	struct vms_region *r = test->priv;
	u32 idx = VMS_NO_SLOT;

	KUNIT_ASSERT_EQ(test, vms_slot_alloc(r, VMSTORE_USAGE_FRAME, false, &idx), 0);
	atomic64_inc(&r->slots[idx].paths);
	vms_node_set(r, node, i, vms_pte_make_leaf(vms_slot_pa(r, idx), 1, rw) | bits);
	return idx;
}

static u64 paths(struct vms_region *r, u32 idx)
{
	return atomic64_read(&r->slots[idx].paths);
}

static u16 children(struct vms_region *r, u32 node)
{
	return vms_node(r, node)->nr_children;
}

/* P13 */
static void expect_counted(struct kunit *test, u32 node)
{
	struct vms_region *r = test->priv;
	unsigned int i, n = 0;

	for (i = 0; i < VMS_NR_ENTRIES; i++)
		n += vms_pte_kind(vms_node_read(r, node, i)) != VMS_ENTRY_NONE;
	KUNIT_EXPECT_EQ(test, (unsigned int)children(r, node), n);
}

static void expect_removed(struct kunit *test, const struct vms_removed *got,
			   struct vms_removed want)
{
	KUNIT_EXPECT_EQ(test, got->leaves, want.leaves);
	KUNIT_EXPECT_EQ(test, got->accessed, want.accessed);
	KUNIT_EXPECT_EQ(test, got->dirty, want.dirty);
	KUNIT_EXPECT_EQ(test, got->nodes, want.nodes);
	KUNIT_EXPECT_EQ(test, got->freed, want.freed);
}

/* F-PageTablePageMeta: what a node is born with, on a frame full of junk */
static void node_test_alloc(struct kunit *test)
{
	struct vms_region *r = test->priv;
	int level;

	for (level = 1; level <= 4; level++) {
		u32 next = atomic_read(&r->hint), idx = VMS_NO_SLOT;
		struct vms_node_meta *meta = vms_node(r, next);

		memset(vms_slot_kva(r, next), 0xa5, VMS_PAGE_SIZE);
		meta->nr_children = 99;
		meta->stray = true;
		meta->owner = OTHER;
		KUNIT_EXPECT_EQ(test, vms_node_alloc(r, level, false, OWNER, &idx), 0);
		KUNIT_ASSERT_EQ(test, idx, next);
		KUNIT_EXPECT_EQ(test, vms_slot_rc(r, idx), 1ULL);
		KUNIT_EXPECT_EQ(test, r->slots[idx].usage, VMSTORE_USAGE_PAGETABLE);
		KUNIT_EXPECT_EQ(test, r->slots[idx].type, VMS_TYPE_NODE);
		KUNIT_EXPECT_TRUE(test, r->slots[idx].storage);
		KUNIT_EXPECT_EQ(test, paths(r, idx), 0ULL);
		KUNIT_EXPECT_EQ(test, meta->level, level);
		KUNIT_EXPECT_EQ(test, meta->nr_children, 0);
		KUNIT_EXPECT_FALSE(test, meta->stray);
		KUNIT_EXPECT_EQ(test, meta->owner, OWNER);
		KUNIT_EXPECT_NULL(test, memchr_inv(vms_node_entries(r, idx), 0, VMS_PAGE_SIZE));
	}
	KUNIT_EXPECT_EQ(test, atomic_read(&r->nr_nodes), 4);
}

static void node_test_alloc_fails(struct kunit *test)
{
	struct vms_region *r = test->priv;
	u32 idx, i;

	for (i = 0; i < FIRST_MMIO; i += 2)
		KUNIT_ASSERT_EQ(test, vms_slot_from_unused(r, i, VMSTORE_USAGE_FRAME), 0);
	KUNIT_EXPECT_EQ(test, vms_node_alloc(r, 4, true, 0, &idx), -ENOMEM);
	for (i = 1; i < FIRST_MMIO; i += 2)
		KUNIT_ASSERT_EQ(test, vms_slot_from_unused(r, i, VMSTORE_USAGE_FRAME), 0);
	KUNIT_EXPECT_EQ(test, vms_node_alloc(r, 1, false, 0, &idx), -ENOMEM);
	KUNIT_EXPECT_EQ(test, atomic_read(&r->nr_nodes), 0);
}

static void node_test_link(struct kunit *test)
{
	struct vms_region *r = test->priv;
	u32 parent = new_node(test, 2), child = new_node(test, 1);

	vms_node_link(r, parent, 511, child);
	KUNIT_EXPECT_EQ(test, vms_node_read(r, parent, 511),
			vms_pte_make_table(vms_slot_pa(r, child)));
	KUNIT_EXPECT_EQ(test, vms_entry_slot(r, vms_node_read(r, parent, 511)), child);
	KUNIT_EXPECT_EQ(test, children(r, parent), 1);
	KUNIT_EXPECT_EQ(test, children(r, child), 0);
	KUNIT_EXPECT_EQ(test, paths(r, child), 1ULL);	/* the one path of a node */
	KUNIT_EXPECT_EQ(test, vms_slot_rc(r, child), 1ULL);
	expect_counted(test, parent);
}

/* Replace entry: nr_children moves between none and not none only; A and D come out */
static void node_test_set(struct kunit *test)
{
	struct vms_region *r = test->priv;
	u32 node = new_node(test, 1);
	u64 a = vms_pte_make_leaf(vms_slot_pa(r, 100), 1, rw);
	u64 b = vms_pte_make_leaf(vms_slot_pa(r, 101), 1, rw);

	KUNIT_EXPECT_EQ(test, vms_node_set(r, node, 3, 0), 0ULL);
	KUNIT_EXPECT_EQ(test, children(r, node), 0);
	KUNIT_EXPECT_EQ(test, vms_node_set(r, node, 3, a), 0ULL);
	KUNIT_EXPECT_EQ(test, children(r, node), 1);
	vms_node_entries(r, node)[3] |= VMS_PTE_AD;	/* as the walker does */
	KUNIT_EXPECT_EQ(test, vms_node_set(r, node, 3, b), a | VMS_PTE_AD);
	KUNIT_EXPECT_EQ(test, children(r, node), 1);
	KUNIT_EXPECT_EQ(test, vms_node_set(r, node, 4, a), 0ULL);
	KUNIT_EXPECT_EQ(test, children(r, node), 2);
	KUNIT_EXPECT_EQ(test, vms_node_set(r, node, 3, 0), b);
	KUNIT_EXPECT_EQ(test, children(r, node), 1);
	KUNIT_EXPECT_EQ(test, vms_node_read(r, node, 3), 0ULL);
	expect_counted(test, node);
	/* No reference and no path is its business */
	KUNIT_EXPECT_EQ(test, vms_slot_rc(r, 100), VMSTORE_RC_UNUSED);
	KUNIT_EXPECT_EQ(test, paths(r, 100), 0ULL);
}

static void node_test_own(struct kunit *test)
{
	struct vms_region *r = test->priv;
	u32 node = new_node(test, 1);

	KUNIT_EXPECT_EQ(test, vms_node_try_own(r, node, OWNER), 0);
	KUNIT_EXPECT_EQ(test, vms_node(r, node)->owner, OWNER);
	KUNIT_EXPECT_EQ(test, vms_node_try_own(r, node, OTHER), -EBUSY);
	KUNIT_EXPECT_EQ(test, vms_node_try_own(r, node, OWNER), -EBUSY);
	KUNIT_EXPECT_EQ(test, vms_node(r, node)->owner, OWNER);
	vms_node_disown(r, node);
	KUNIT_EXPECT_EQ(test, vms_node(r, node)->owner, 0ULL);
	KUNIT_EXPECT_EQ(test, vms_node_try_own(r, node, OTHER), 0);
	vms_node_disown(r, node);

	/* Lk4: what is stray can never be owned, and says so before all else */
	vms_node(r, node)->stray = true;
	KUNIT_EXPECT_EQ(test, vms_node_try_own(r, node, OWNER), -ESTALE);
	KUNIT_EXPECT_EQ(test, vms_node(r, node)->owner, 0ULL);
	vms_node(r, node)->owner = OTHER;
	KUNIT_EXPECT_EQ(test, vms_node_try_own(r, node, OWNER), -ESTALE);
}

static void expect_not_linked(struct kunit *test, u32 parent, u32 child, int err)
{
	struct vms_region *r = test->priv;
	u64 was = vms_node_read(r, parent, 9);
	u16 n = children(r, parent);

	KUNIT_EXPECT_EQ(test, vms_node_link_unowned(r, parent, 9, child), err);
	KUNIT_EXPECT_EQ(test, vms_node_read(r, parent, 9), was);
	KUNIT_EXPECT_EQ(test, children(r, parent), n);
	KUNIT_EXPECT_EQ(test, paths(r, child), 0ULL);
}

/* Lk1, Lk3: linking into a node that nobody owns */
static void node_test_link_unowned(struct kunit *test)
{
	struct vms_region *r = test->priv;
	u32 parent = new_node(test, 2), child = new_node(test, 1), late = new_node(test, 1);

	vms_node(r, parent)->owner = OTHER;
	expect_not_linked(test, parent, child, -EBUSY);
	vms_node(r, parent)->owner = 0;
	vms_node(r, parent)->stray = true;
	expect_not_linked(test, parent, child, -ESTALE);
	vms_node(r, parent)->stray = false;

	KUNIT_EXPECT_EQ(test, vms_node_link_unowned(r, parent, 9, child), 0);
	KUNIT_EXPECT_EQ(test, vms_entry_slot(r, vms_node_read(r, parent, 9)), child);
	KUNIT_EXPECT_EQ(test, paths(r, child), 1ULL);
	KUNIT_EXPECT_EQ(test, vms_node(r, parent)->owner, 0ULL);
	expect_counted(test, parent);

	expect_not_linked(test, parent, late, -EEXIST);
	vms_node_set(r, parent, 9, vms_pte_make_leaf(0, 2, rw));
	expect_not_linked(test, parent, late, -EEXIST);
}

/* What @va (an offset in the span of the entry) translates to, level by level */
static u64 walk(struct vms_region *r, u64 pte, int level, u64 va, struct vmstore_prop *prop)
{
	while (vms_pte_kind(pte) == VMS_ENTRY_TABLE) {
		level--;
		pte = vms_node_read(r, vms_entry_slot(r, pte), vms_pte_index(va, level));
	}
	*prop = vms_pte_prop(pte);
	return vms_pte_pa(pte) + (va & (vms_page_size(level) - 1));
}

/* Each 4 KiB of the entry translates to @pa onwards with @prop */
static void expect_translates(struct kunit *test, u32 parent, unsigned int i, int level,
			      u64 pa, struct vmstore_prop prop, u64 step)
{
	struct vms_region *r = test->priv;
	struct vmstore_prop got;
	u64 va;

	for (va = 0; va < vms_page_size(level); va += step) {
		KUNIT_ASSERT_EQ(test, walk(r, vms_node_read(r, parent, i), level, va, &got),
				pa + va);
		KUNIT_ASSERT_EQ(test, memcmp(&got, &prop, sizeof(got)), 0);
	}
}

static void expect_split(struct kunit *test, int level, u64 pa, struct vmstore_prop prop)
{
	struct vms_region *r = test->priv;
	u32 parent = new_node(test, level), child = new_node(test, level - 1);
	u32 head = level == 2 ? vms_paddr_slot(0) : VMS_NO_SLOT;
	u64 step = level == 2 ? VMS_PAGE_SIZE : 37 * VMS_PAGE_SIZE;
	unsigned int i;

	vms_node_set(r, parent, 5, vms_pte_make_leaf(pa, level, prop));
	expect_translates(test, parent, 5, level, pa, prop, step);
	vms_node_split(r, parent, 5, child);
	expect_translates(test, parent, 5, level, pa, prop, step);

	KUNIT_EXPECT_EQ(test, vms_entry_slot(r, vms_node_read(r, parent, 5)), child);
	KUNIT_EXPECT_EQ(test, children(r, parent), 1);
	KUNIT_EXPECT_EQ(test, children(r, child), 512);
	KUNIT_EXPECT_EQ(test, paths(r, child), 1ULL);
	expect_counted(test, parent);
	expect_counted(test, child);
	for (i = 0; i < VMS_NR_ENTRIES; i++)
		KUNIT_ASSERT_TRUE(test, vms_pte_well_formed(vms_node_read(r, child, i),
							    level - 1));
	/* Huge leaves are untracked: no count moves */
	if (head != VMS_NO_SLOT) {
		KUNIT_EXPECT_EQ(test, vms_slot_rc(r, head + 511), VMSTORE_RC_UNUSED);
		KUNIT_EXPECT_EQ(test, paths(r, head + 511), 0ULL);
	}
	vms_slot_put(r, parent);
	vms_slot_put(r, child);
}

/* 5.9 split: the total translation stays, at both levels, for various properties */
static void node_test_split(struct kunit *test)
{
	static const struct vmstore_prop props[] = {
		{ .flags = VMSTORE_PROP_R },
		{ .flags = VMSTORE_PROP_R | VMSTORE_PROP_W | VMSTORE_PROP_X,
		  .priv = VMSTORE_PRIV_USER },
		{ .flags = VMSTORE_PROP_R | VMSTORE_PROP_ACCESSED | VMSTORE_PROP_AVAIL2,
		  .cache = VMSTORE_CACHE_UC, .priv = VMSTORE_PRIV_GLOBAL },
		{ .flags = VMSTORE_PROP_R | VMSTORE_PROP_W | VMSTORE_PROP_ACCESSED |
			   VMSTORE_PROP_DIRTY | VMSTORE_PROP_AVAIL1,
		  .cache = VMSTORE_CACHE_WT },
	};
	struct vms_region *r = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(props); i++) {
		expect_split(test, 2, vms_slot_pa(r, 0), props[i]);
		expect_split(test, 3, 7ULL << 30, props[i]);
	}
}

/* A piece of a split 1 GiB leaf is a 2 MiB leaf that can be split again */
static void node_test_split_twice(struct kunit *test)
{
	struct vms_region *r = test->priv;
	u32 top = new_node(test, 3), mid = new_node(test, 2), low = new_node(test, 1);
	u64 pa = 3ULL << 30;

	vms_node_set(r, top, 0, vms_pte_make_leaf(pa, 3, rw));
	vms_node_split(r, top, 0, mid);
	vms_node_split(r, mid, 511, low);
	expect_translates(test, top, 0, 3, pa, rw, 37 * VMS_PAGE_SIZE);
	expect_translates(test, mid, 511, 2, pa + 511 * vms_page_size(2), rw, VMS_PAGE_SIZE);
}

static void node_test_unlink_leaf(struct kunit *test)
{
	struct vms_region *r = test->priv;
	u32 node = new_node(test, 1);
	u32 clean = new_leaf(test, node, 0, 0);
	u32 dirty = new_leaf(test, node, 511, VMS_PTE_AD);
	struct vms_removed sum = {};

	KUNIT_EXPECT_EQ(test, vms_node_unlink(r, node, 511, &sum), dirty);
	expect_removed(test, &sum, (struct vms_removed) {
		.leaves = 1, .accessed = 1, .dirty = 1 });
	KUNIT_EXPECT_EQ(test, paths(r, dirty), 0ULL);
	KUNIT_EXPECT_EQ(test, vms_slot_rc(r, dirty), 1ULL);	/* the caller's now */
	KUNIT_EXPECT_EQ(test, vms_node_read(r, node, 511), 0ULL);
	KUNIT_EXPECT_EQ(test, children(r, node), 1);

	KUNIT_EXPECT_EQ(test, vms_node_unlink(r, node, 0, &sum), clean);
	expect_removed(test, &sum, (struct vms_removed) {
		.leaves = 2, .accessed = 1, .dirty = 1 });
	KUNIT_EXPECT_EQ(test, children(r, node), 0);
	KUNIT_EXPECT_FALSE(test, vms_node(r, node)->stray);
}

/* Level 3 above two tables of level 2, one empty, above two of level 1; three leaves */
struct subtree {
	u32 root, top, mid, empty, low[2], frame[3];
};

static void build_subtree(struct kunit *test, struct subtree *t)
{
	struct vms_region *r = test->priv;
	unsigned int i;

	t->root = new_node(test, 4);
	t->top = new_node(test, 3);
	t->mid = new_node(test, 2);
	t->empty = new_node(test, 2);
	vms_node_link(r, t->root, 8, t->top);
	vms_node_link(r, t->top, 0, t->mid);
	vms_node_link(r, t->top, 511, t->empty);
	for (i = 0; i < 2; i++) {
		t->low[i] = new_node(test, 1);
		vms_node_link(r, t->mid, 100 * i, t->low[i]);
	}
	t->frame[0] = new_leaf(test, t->low[0], 0, VMS_PTE_ACCESSED);
	t->frame[1] = new_leaf(test, t->low[0], 511, VMS_PTE_AD);
	t->frame[2] = new_leaf(test, t->low[1], 77, 0);
	/* One frame has another user, a handle */
	KUNIT_ASSERT_EQ(test, vms_slot_from_in_use(r, t->frame[1]), 0);
	for (i = 0; i < 2; i++)
		KUNIT_ASSERT_EQ(test, vms_node_try_own(r, t->low[i], OWNER), 0);
	KUNIT_ASSERT_EQ(test, vms_node_try_own(r, t->top, OWNER), 0);
}

/* Lk10: the entry goes as a whole; all below is stray, disowned, and still readable */
static void node_test_unlink_table(struct kunit *test)
{
	struct vms_region *r = test->priv;
	struct vms_removed sum = {};
	struct subtree t;
	unsigned int i;

	build_subtree(test, &t);
	KUNIT_EXPECT_EQ(test, vms_node_unlink(r, t.root, 8, &sum), t.top);
	expect_removed(test, &sum, (struct vms_removed) {
		.leaves = 3, .accessed = 2, .dirty = 1, .nodes = 5 });
	KUNIT_EXPECT_EQ(test, vms_node_read(r, t.root, 8), 0ULL);
	KUNIT_EXPECT_EQ(test, children(r, t.root), 0);
	KUNIT_EXPECT_FALSE(test, vms_node(r, t.root)->stray);

	{
		const u32 cut[] = { t.top, t.mid, t.empty, t.low[0], t.low[1] };

		for (i = 0; i < ARRAY_SIZE(cut); i++) {
			KUNIT_EXPECT_TRUE(test, vms_node(r, cut[i])->stray);
			KUNIT_EXPECT_EQ(test, vms_node(r, cut[i])->owner, 0ULL);
			KUNIT_EXPECT_EQ(test, paths(r, cut[i]), 0ULL);
			KUNIT_EXPECT_EQ(test, vms_slot_rc(r, cut[i]), 1ULL);
			KUNIT_EXPECT_EQ(test, vms_node_try_own(r, cut[i], OTHER), -ESTALE);
			expect_counted(test, cut[i]);
		}
	}
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_EQ(test, paths(r, t.frame[i]), 0ULL);
		KUNIT_EXPECT_EQ(test, vms_slot_rc(r, t.frame[i]), i == 1 ? 2ULL : 1ULL);
	}
	/* A lock-free walker that was on its way still finds whole tables [Lk11] */
	KUNIT_EXPECT_EQ(test, vms_entry_slot(r, vms_node_read(r, t.top, 0)), t.mid);
	KUNIT_EXPECT_EQ(test, vms_entry_slot(r, vms_node_read(r, t.low[1], 77)), t.frame[2]);
}

static void node_test_unlink_empty_table(struct kunit *test)
{
	struct vms_region *r = test->priv;
	u32 parent = new_node(test, 2), child = new_node(test, 1);
	struct vms_removed sum = {};

	vms_node_link(r, parent, 1, child);
	KUNIT_EXPECT_EQ(test, vms_node_unlink(r, parent, 1, &sum), child);
	expect_removed(test, &sum, (struct vms_removed) { .nodes = 1 });
	KUNIT_EXPECT_TRUE(test, vms_node(r, child)->stray);
}

/* 5.9 drop: nodes end unused, leaves give their reference back */
static void node_test_release(struct kunit *test)
{
	struct vms_region *r = test->priv;
	struct vms_removed cut = {}, sum = {};
	struct subtree t;

	build_subtree(test, &t);
	vms_node_unlink(r, t.root, 8, &cut);
	vms_node_release(r, t.top, &sum);
	expect_removed(test, &sum, (struct vms_removed) {
		.leaves = 3, .nodes = 5, .freed = 2 });
	KUNIT_EXPECT_EQ(test, vms_slot_rc(r, t.frame[0]), VMSTORE_RC_UNUSED);
	KUNIT_EXPECT_EQ(test, vms_slot_rc(r, t.frame[1]), 1ULL);
	KUNIT_EXPECT_EQ(test, vms_slot_rc(r, t.frame[2]), VMSTORE_RC_UNUSED);
	KUNIT_EXPECT_EQ(test, vms_slot_rc(r, t.top), VMSTORE_RC_UNUSED);
	KUNIT_EXPECT_EQ(test, vms_slot_rc(r, t.low[1]), VMSTORE_RC_UNUSED);
	KUNIT_EXPECT_EQ(test, atomic_read(&r->nr_nodes), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&r->nr_free), (int)FIRST_MMIO - 2);
}

/* The upper half of a root is shared: it is not the root's to drop [Lk12, P14] */
static void node_test_release_root(struct kunit *test)
{
	struct vms_region *r = test->priv;
	u32 root = new_node(test, 4), mine = new_node(test, 3), shared = new_node(test, 3);
	struct vms_removed sum = {};

	vms_node_link(r, root, 255, mine);
	vms_node_link(r, root, 256, shared);
	vms_node_release(r, root, &sum);
	expect_removed(test, &sum, (struct vms_removed) { .nodes = 2 });
	KUNIT_EXPECT_EQ(test, vms_slot_rc(r, mine), VMSTORE_RC_UNUSED);
	KUNIT_EXPECT_EQ(test, vms_slot_rc(r, shared), 1ULL);
}

/* Device memory is not counted, but its leaves are removed like others */
static void node_test_untracked(struct kunit *test)
{
	struct vms_region *r = test->priv;
	u32 node = new_node(test, 1);
	struct vms_removed sum = {}, put = {};

	vms_node_set(r, node, 0, vms_pte_make_leaf(vms_slot_pa(r, FIRST_MMIO), 1, rw));
	vms_node_set(r, node, 1, vms_pte_make_leaf(vms_slot_pa(r, 1023), 1, rw));
	KUNIT_EXPECT_EQ(test, vms_node_unlink(r, node, 0, &sum), FIRST_MMIO);
	expect_removed(test, &sum, (struct vms_removed) { .leaves = 1 });
	vms_node_leaf_put(r, FIRST_MMIO, &put);
	vms_node_leaf_put(r, VMS_NO_SLOT, &put);
	vms_node_release(r, node, &put);
	expect_removed(test, &put, (struct vms_removed) { .nodes = 1 });
	KUNIT_EXPECT_EQ(test, paths(r, FIRST_MMIO), 0ULL);
	KUNIT_EXPECT_EQ(test, vms_slot_rc(r, FIRST_MMIO), VMSTORE_RC_UNUSED);
	KUNIT_EXPECT_EQ(test, vms_slot_rc(r, 1023), VMSTORE_RC_UNUSED);
}

static struct kunit_case node_test_cases[] = {
	KUNIT_CASE(node_test_alloc),
	KUNIT_CASE(node_test_alloc_fails),
	KUNIT_CASE(node_test_link),
	KUNIT_CASE(node_test_set),
	KUNIT_CASE(node_test_own),
	KUNIT_CASE(node_test_link_unowned),
	KUNIT_CASE(node_test_split),
	KUNIT_CASE(node_test_split_twice),
	KUNIT_CASE(node_test_unlink_leaf),
	KUNIT_CASE(node_test_unlink_table),
	KUNIT_CASE(node_test_unlink_empty_table),
	KUNIT_CASE(node_test_release),
	KUNIT_CASE(node_test_release_root),
	KUNIT_CASE(node_test_untracked),
	{}
};

static struct kunit_suite node_test_suite = {
	.name = "vmstore-node",
	.init = node_test_init,
	.exit = node_test_exit,
	.test_cases = node_test_cases,
};

kunit_test_suite(node_test_suite);
