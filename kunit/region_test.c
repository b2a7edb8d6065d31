// SPDX-License-Identifier: GPL-2.0-only
/*
 * The region: slots, the states of a reference count [model 1.3, 1.4, 1.5, 5.4], the
 * search for a free slot, and the way back from a machine address.
 */

#include <kunit/test.h>
#include <linux/bitmap.h>
#include <linux/kthread.h>
#include <linux/prandom.h>
#include <linux/string.h>

#include "region.h"

#define REGION_SIZE	(2 * VMS_BLOCK_SIZE)
#define MMIO_SIZE	(16 * VMS_PAGE_SIZE)
#define NR_SLOTS	2048U
#define FIRST_MMIO	(NR_SLOTS - 16)
#define RANDOM_SEED	0x5eed0001

static int region_test_init(struct kunit *test)
{
	struct vms_region *r = kunit_kzalloc(test, sizeof(*r), GFP_KERNEL);

	if (!r)
		return -ENOMEM;
	test->priv = r;
	return vms_region_init(r, REGION_SIZE, MMIO_SIZE);
}

static void region_test_exit(struct kunit *test)
{
	if (test->priv)
		vms_region_exit(test->priv);
}

static void set_rc(struct vms_region *r, u32 idx, u64 rc)
{
	atomic64_set(&r->slots[idx].rc, rc);
}

/* Everything a failed operation on a slot must leave alone */
struct region_shot {
	struct vms_slot slot;
	bool free;
	int nr_free, nr_nodes;
};

static struct region_shot shoot(struct vms_region *r, u32 idx)
{
	struct region_shot shot = {
		.slot = r->slots[idx],
		.free = test_bit(idx, r->free_map),
		.nr_free = atomic_read(&r->nr_free),
		.nr_nodes = atomic_read(&r->nr_nodes),
	};

	return shot;
}

static void expect_unchanged(struct kunit *test, struct vms_region *r, u32 idx,
			     const struct region_shot *was)
{
	KUNIT_EXPECT_EQ(test, memcmp(&r->slots[idx], &was->slot, sizeof(was->slot)), 0);
	KUNIT_EXPECT_EQ(test, test_bit(idx, r->free_map), was->free);
	KUNIT_EXPECT_EQ(test, atomic_read(&r->nr_free), was->nr_free);
	KUNIT_EXPECT_EQ(test, atomic_read(&r->nr_nodes), was->nr_nodes);
}

static void expect_refused(struct kunit *test, u32 idx, u64 rc, int unused_err,
			   int in_use_err)
{
	struct vms_region *r = test->priv;
	struct region_shot was;

	set_rc(r, idx, rc);
	was = shoot(r, idx);
	KUNIT_EXPECT_EQ(test, vms_slot_from_unused(r, idx, VMSTORE_USAGE_FRAME), unused_err);
	expect_unchanged(test, r, idx, &was);
	KUNIT_EXPECT_EQ(test, vms_slot_can_share(r, idx), in_use_err);
	KUNIT_EXPECT_EQ(test, vms_slot_from_in_use(r, idx), in_use_err);
	expect_unchanged(test, r, idx, &was);
}

/* F-MetaRegionOwners.slot_owners, R2, R5, R7: every slot of a new region */
static void region_test_new(struct kunit *test)
{
	struct vms_region *r = test->priv;
	u32 i;

	KUNIT_EXPECT_EQ(test, r->size, REGION_SIZE);
	KUNIT_EXPECT_EQ(test, r->nr_slots, NR_SLOTS);
	KUNIT_EXPECT_EQ(test, r->first_mmio, FIRST_MMIO);
	KUNIT_EXPECT_EQ(test, atomic_read(&r->nr_free), (int)FIRST_MMIO);
	KUNIT_EXPECT_EQ(test, atomic_read(&r->nr_nodes), 0);
	for (i = 0; i < NR_SLOTS; i++) {
		struct vms_slot *slot = &r->slots[i];

		KUNIT_ASSERT_EQ(test, vms_slot_rc(r, i), VMSTORE_RC_UNUSED);
		KUNIT_ASSERT_EQ(test, atomic64_read(&slot->paths), 0);
		KUNIT_ASSERT_EQ(test, slot->in_list, 0ULL);
		KUNIT_ASSERT_EQ(test, slot->self, i);
		KUNIT_ASSERT_EQ(test, (u64)slot % 64, 0ULL);
		KUNIT_ASSERT_FALSE(test, slot->storage);
		KUNIT_ASSERT_EQ(test, slot->type, VMS_TYPE_NONE);
		/* R16: the tail is MMIO, and nothing else is */
		KUNIT_ASSERT_EQ(test, slot->usage, i < FIRST_MMIO ? VMSTORE_USAGE_UNUSED :
								    VMSTORE_USAGE_MMIO);
		KUNIT_ASSERT_EQ(test, test_bit(i, r->free_map), i < FIRST_MMIO);
		KUNIT_ASSERT_NULL(test, memchr_inv(vms_slot_kva(r, i), 0, VMS_PAGE_SIZE));
	}
}

static void region_test_blocks(struct kunit *test)
{
	struct vms_region *r = test->priv;
	u32 i;

	KUNIT_EXPECT_EQ(test, r->nr_blocks, 2U);
	for (i = 0; i < r->nr_blocks; i++) {
		KUNIT_EXPECT_EQ(test, r->blocks[i].pa % VMS_BLOCK_SIZE, 0ULL);
		KUNIT_EXPECT_EQ(test, r->blocks[i].pa, (u64)__pa(r->blocks[i].kva));
		if (i)
			KUNIT_EXPECT_GT(test, r->blocks[i].pa, r->blocks[i - 1].pa);
	}
}

static void region_test_init_errors(struct kunit *test)
{
	static const u64 bad[][2] = {
		{ 0, 0 }, { VMS_PAGE_SIZE, 0 }, { VMS_BLOCK_SIZE - 1, 0 },
		{ VMS_BLOCK_SIZE + VMS_PAGE_SIZE, 0 }, { VMS_BLOCK_SIZE, 1 },
		{ VMS_BLOCK_SIZE, VMS_PAGE_SIZE - 1 }, { VMS_BLOCK_SIZE, VMS_BLOCK_SIZE },
		{ VMS_BLOCK_SIZE, 2 * VMS_BLOCK_SIZE }, { VMS_BLOCK_SIZE, -VMS_PAGE_SIZE },
		{ -VMS_BLOCK_SIZE, 0 }, { 1ULL << 43, 0 },
	};
	struct vms_region r = {};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		KUNIT_EXPECT_EQ(test, vms_region_init(&r, bad[i][0], bad[i][1]), -EINVAL);
		KUNIT_EXPECT_NULL(test, r.slots);
	}
	vms_region_exit(&r);	/* never initialised: nothing happens */

	/* All but one page may be device memory */
	KUNIT_EXPECT_EQ(test, vms_region_init(&r, VMS_BLOCK_SIZE,
					      VMS_BLOCK_SIZE - VMS_PAGE_SIZE), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&r.nr_free), 1);
	vms_region_exit(&r);
	KUNIT_EXPECT_NULL(test, r.slots);
	vms_region_exit(&r);
}

/* N-frame_to_index, N-index_to_frame, N-has_safe_slot */
static void region_test_paddr(struct kunit *test)
{
	struct vms_region *r = test->priv;
	u32 i;

	for (i = 0; i < NR_SLOTS; i++) {
		u64 paddr = vms_slot_paddr(i);

		KUNIT_ASSERT_EQ(test, paddr, i * 4096ULL);
		KUNIT_ASSERT_EQ(test, vms_paddr_slot(paddr), i);
		KUNIT_ASSERT_EQ(test, vms_paddr_slot(paddr + 4095), i);
		KUNIT_ASSERT_TRUE(test, vms_region_has_safe_slot(r, paddr));
		KUNIT_ASSERT_FALSE(test, vms_region_has_safe_slot(r, paddr + 1));
		KUNIT_ASSERT_FALSE(test, vms_region_has_safe_slot(r, paddr + 4095));
	}
	KUNIT_EXPECT_FALSE(test, vms_region_has_safe_slot(r, REGION_SIZE));
	KUNIT_EXPECT_FALSE(test, vms_region_has_safe_slot(r, -VMS_PAGE_SIZE));
}

/* Model 1.4: UNUSED -> 1 -> 2 -> 1 -> UNUSED, all fields on the way */
static void region_test_rc_life(struct kunit *test)
{
	struct vms_region *r = test->priv;
	struct vms_slot *slot = &r->slots[7];

	KUNIT_EXPECT_EQ(test, vms_slot_from_unused(r, 7, VMSTORE_USAGE_FRAME), 0);
	KUNIT_EXPECT_EQ(test, vms_slot_rc(r, 7), 1ULL);
	KUNIT_EXPECT_EQ(test, slot->usage, VMSTORE_USAGE_FRAME);
	KUNIT_EXPECT_EQ(test, slot->type, VMS_TYPE_FRAME);
	KUNIT_EXPECT_TRUE(test, slot->storage);
	KUNIT_EXPECT_EQ(test, slot->in_list, 0ULL);
	KUNIT_EXPECT_FALSE(test, test_bit(7, r->free_map));
	KUNIT_EXPECT_EQ(test, atomic_read(&r->nr_free), (int)FIRST_MMIO - 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&r->nr_nodes), 0);

	KUNIT_EXPECT_EQ(test, vms_slot_can_share(r, 7), 0);
	KUNIT_EXPECT_EQ(test, vms_slot_from_in_use(r, 7), 0);
	KUNIT_EXPECT_EQ(test, vms_slot_rc(r, 7), 2ULL);

	KUNIT_EXPECT_FALSE(test, vms_slot_put(r, 7));
	KUNIT_EXPECT_EQ(test, vms_slot_rc(r, 7), 1ULL);
	KUNIT_EXPECT_TRUE(test, slot->storage);

	KUNIT_EXPECT_TRUE(test, vms_slot_put(r, 7));
	KUNIT_EXPECT_EQ(test, vms_slot_rc(r, 7), VMSTORE_RC_UNUSED);
	KUNIT_EXPECT_FALSE(test, slot->storage);
	KUNIT_EXPECT_EQ(test, slot->type, VMS_TYPE_NONE);
	KUNIT_EXPECT_TRUE(test, test_bit(7, r->free_map));
	KUNIT_EXPECT_EQ(test, atomic_read(&r->nr_free), (int)FIRST_MMIO);
}

/* Model 1.5, D10: a free slot keeps its usage until it is claimed again */
static void region_test_usage_is_sticky(struct kunit *test)
{
	struct vms_region *r = test->priv;
	struct vms_slot *slot = &r->slots[3];

	KUNIT_EXPECT_EQ(test, vms_slot_from_unused(r, 3, VMSTORE_USAGE_PAGETABLE), 0);
	KUNIT_EXPECT_EQ(test, slot->type, VMS_TYPE_NODE);
	KUNIT_EXPECT_EQ(test, atomic_read(&r->nr_nodes), 1);
	KUNIT_EXPECT_TRUE(test, vms_slot_put(r, 3));
	KUNIT_EXPECT_EQ(test, slot->usage, VMSTORE_USAGE_PAGETABLE);
	KUNIT_EXPECT_EQ(test, atomic_read(&r->nr_nodes), 0);
	KUNIT_EXPECT_EQ(test, vms_slot_from_in_use(r, 3), -ENOENT);

	KUNIT_EXPECT_EQ(test, vms_slot_from_unused(r, 3, VMSTORE_USAGE_FRAME), 0);
	KUNIT_EXPECT_EQ(test, slot->usage, VMSTORE_USAGE_FRAME);
	KUNIT_EXPECT_TRUE(test, vms_slot_put(r, 3));
	KUNIT_EXPECT_EQ(test, slot->usage, VMSTORE_USAGE_FRAME);
	KUNIT_EXPECT_EQ(test, atomic_read(&r->max_nodes), 1);
}

/* Entries hold machine addresses: no data frame shows what a node left behind */
static void region_test_content(struct kunit *test)
{
	struct vms_region *r = test->priv;
	u8 *page = vms_slot_kva(r, 3);

	KUNIT_EXPECT_EQ(test, vms_slot_from_unused(r, 3, VMSTORE_USAGE_FRAME), 0);
	memset(page, 0x5a, VMS_PAGE_SIZE);
	KUNIT_EXPECT_TRUE(test, vms_slot_put(r, 3));
	KUNIT_EXPECT_EQ(test, vms_slot_from_unused(r, 3, VMSTORE_USAGE_FRAME), 0);
	/* A data frame claimed again holds what it held */
	KUNIT_EXPECT_EQ(test, page[0], 0x5a);
	KUNIT_EXPECT_TRUE(test, vms_slot_put(r, 3));

	KUNIT_EXPECT_EQ(test, vms_slot_from_unused(r, 3, VMSTORE_USAGE_PAGETABLE), 0);
	memset(page, 0xa5, VMS_PAGE_SIZE);
	KUNIT_EXPECT_TRUE(test, vms_slot_put(r, 3));
	KUNIT_EXPECT_EQ(test, vms_slot_from_unused(r, 3, VMSTORE_USAGE_FRAME), 0);
	KUNIT_EXPECT_NULL(test, memchr_inv(page, 0, VMS_PAGE_SIZE));
}

/* O-FrameDrop: paths and in_list are no business of a put */
static void region_test_put_keeps(struct kunit *test)
{
	struct vms_region *r = test->priv;

	KUNIT_EXPECT_EQ(test, vms_slot_from_unused(r, 3, VMSTORE_USAGE_FRAME), 0);
	atomic64_set(&r->slots[3].paths, 5);
	r->slots[3].in_list = 9;
	KUNIT_EXPECT_TRUE(test, vms_slot_put(r, 3));
	KUNIT_EXPECT_EQ(test, atomic64_read(&r->slots[3].paths), 5);
	KUNIT_EXPECT_EQ(test, r->slots[3].in_list, 9ULL);
	KUNIT_EXPECT_EQ(test, r->slots[3].self, 3U);
}

/* Every state that refuses, with its error, and nothing changes */
static void region_test_rc_errors(struct kunit *test)
{
	struct vms_region *r = test->priv;
	struct region_shot was = shoot(r, 5);

	/* Unused: nothing to share */
	KUNIT_EXPECT_EQ(test, vms_slot_can_share(r, 5), -ENOENT);
	KUNIT_EXPECT_EQ(test, vms_slot_from_in_use(r, 5), -ENOENT);
	expect_unchanged(test, r, 5, &was);

	KUNIT_ASSERT_EQ(test, vms_slot_from_unused(r, 5, VMSTORE_USAGE_FRAME), 0);
	expect_refused(test, 5, 0, -EAGAIN, -EAGAIN);
	expect_refused(test, 5, VMSTORE_RC_UNIQUE, -EBUSY, -EBUSY);
	expect_refused(test, 5, VMSTORE_RC_MAX, -EBUSY, -EOVERFLOW);
	/* Never seen, but if it were it must not be taken for a count */
	expect_refused(test, 5, VMSTORE_RC_MAX + 1, -EBUSY, -EOVERFLOW);
	expect_refused(test, 5, VMSTORE_RC_UNIQUE - 1, -EBUSY, -EOVERFLOW);

	/* The last count that can be raised */
	set_rc(r, 5, VMSTORE_RC_MAX - 1);
	KUNIT_EXPECT_EQ(test, vms_slot_from_in_use(r, 5), 0);
	KUNIT_EXPECT_EQ(test, vms_slot_rc(r, 5), VMSTORE_RC_MAX);
	KUNIT_EXPECT_EQ(test, vms_slot_from_in_use(r, 5), -EOVERFLOW);
	KUNIT_EXPECT_FALSE(test, vms_slot_put(r, 5));
	KUNIT_EXPECT_EQ(test, vms_slot_rc(r, 5), VMSTORE_RC_MAX - 1);

	/* In use: cannot be claimed */
	set_rc(r, 5, 1);
	was = shoot(r, 5);
	KUNIT_EXPECT_EQ(test, vms_slot_from_unused(r, 5, VMSTORE_USAGE_FRAME), -EBUSY);
	KUNIT_EXPECT_EQ(test, vms_slot_from_unused(r, 5, VMSTORE_USAGE_PAGETABLE), -EBUSY);
	expect_unchanged(test, r, 5, &was);
}

/* O-FrameFromInUse, the gap: success means that it is a data frame */
static void region_test_share_node(struct kunit *test)
{
	struct vms_region *r = test->priv;
	struct region_shot was;

	KUNIT_ASSERT_EQ(test, vms_slot_from_unused(r, 5, VMSTORE_USAGE_PAGETABLE), 0);
	was = shoot(r, 5);
	KUNIT_EXPECT_EQ(test, vms_slot_can_share(r, 5), -ENOENT);
	KUNIT_EXPECT_EQ(test, vms_slot_from_in_use(r, 5), -ENOENT);
	expect_unchanged(test, r, 5, &was);
}

/* D17: the tail is never handed out, and stays UNUSED for ever */
static void region_test_mmio_tail(struct kunit *test)
{
	struct vms_region *r = test->priv;
	u32 i;

	for (i = FIRST_MMIO; i < NR_SLOTS; i++) {
		struct region_shot was = shoot(r, i);

		KUNIT_EXPECT_EQ(test, vms_slot_from_unused(r, i, VMSTORE_USAGE_FRAME), -EBUSY);
		KUNIT_EXPECT_EQ(test, vms_slot_from_in_use(r, i), -ENOENT);
		expect_unchanged(test, r, i, &was);
	}
	KUNIT_EXPECT_EQ(test, vms_slot_from_unused(r, FIRST_MMIO - 1, VMSTORE_USAGE_FRAME), 0);
}

static void region_test_shared_counts(struct kunit *test)
{
	KUNIT_EXPECT_FALSE(test, vms_rc_is_shared(0));
	KUNIT_EXPECT_TRUE(test, vms_rc_is_shared(1));
	KUNIT_EXPECT_TRUE(test, vms_rc_is_shared(VMSTORE_RC_MAX));
	KUNIT_EXPECT_FALSE(test, vms_rc_is_shared(VMSTORE_RC_MAX + 1));
	KUNIT_EXPECT_FALSE(test, vms_rc_is_shared(VMSTORE_RC_UNIQUE));
	KUNIT_EXPECT_FALSE(test, vms_rc_is_shared(VMSTORE_RC_UNUSED));
}

/* Alloc takes each slot once, then says so and changes nothing */
static void region_test_exhaustion(struct kunit *test)
{
	struct vms_region *r = test->priv;
	DECLARE_BITMAP(seen, NR_SLOTS);
	struct region_shot was;
	u32 i, idx = 0;

	bitmap_zero(seen, NR_SLOTS);
	for (i = 0; i < FIRST_MMIO; i++) {
		KUNIT_ASSERT_EQ(test, vms_slot_alloc(r, VMSTORE_USAGE_FRAME, false, &idx), 0);
		KUNIT_ASSERT_LT(test, idx, FIRST_MMIO);
		KUNIT_ASSERT_FALSE(test, test_bit(idx, seen));
		__set_bit(idx, seen);
	}
	KUNIT_EXPECT_EQ(test, atomic_read(&r->nr_free), 0);
	was = shoot(r, 100);
	KUNIT_EXPECT_EQ(test, vms_slot_alloc(r, VMSTORE_USAGE_FRAME, false, &idx), -ENOMEM);
	KUNIT_EXPECT_EQ(test, vms_slot_alloc(r, VMSTORE_USAGE_FRAME, true, &idx), -ENOMEM);
	expect_unchanged(test, r, 100, &was);

	/* The only free one is found from wherever the last search ended */
	for (i = 0; i < FIRST_MMIO; i += 97) {
		KUNIT_EXPECT_TRUE(test, vms_slot_put(r, i));
		KUNIT_ASSERT_EQ(test, vms_slot_alloc(r, VMSTORE_USAGE_FRAME, false, &idx), 0);
		KUNIT_EXPECT_EQ(test, idx, i);
	}
}

/* A root has physical bit 12 clear: an even slot, as blocks are aligned */
static void region_test_even(struct kunit *test)
{
	struct vms_region *r = test->priv;
	u32 i, idx = 0;

	for (i = 0; i < FIRST_MMIO / 2; i++) {
		KUNIT_ASSERT_EQ(test, vms_slot_alloc(r, VMSTORE_USAGE_PAGETABLE, true, &idx), 0);
		KUNIT_ASSERT_EQ(test, idx % 2, 0U);
		KUNIT_ASSERT_EQ(test, vms_slot_pa(r, idx) & BIT_ULL(12), 0ULL);
	}
	KUNIT_EXPECT_EQ(test, vms_slot_alloc(r, VMSTORE_USAGE_PAGETABLE, true, &idx), -ENOMEM);
	KUNIT_EXPECT_EQ(test, atomic_read(&r->nr_free), (int)FIRST_MMIO / 2);
	KUNIT_EXPECT_EQ(test, vms_slot_alloc(r, VMSTORE_USAGE_PAGETABLE, false, &idx), 0);
	KUNIT_EXPECT_EQ(test, idx % 2, 1U);
	KUNIT_EXPECT_EQ(test, atomic_read(&r->nr_nodes), (int)FIRST_MMIO / 2 + 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&r->max_nodes), (int)FIRST_MMIO / 2 + 1);
}

/* A freed slot comes back only after all others had their turn */
static void region_test_rotation(struct kunit *test)
{
	struct vms_region *r = test->priv;
	DECLARE_BITMAP(seen, NR_SLOTS);
	u32 i, idx = 0;

	bitmap_zero(seen, NR_SLOTS);
	for (i = 0; i < FIRST_MMIO; i++) {
		KUNIT_ASSERT_EQ(test, vms_slot_alloc(r, VMSTORE_USAGE_FRAME, false, &idx), 0);
		KUNIT_ASSERT_FALSE(test, test_bit(idx, seen));
		__set_bit(idx, seen);
		KUNIT_ASSERT_TRUE(test, vms_slot_put(r, idx));
	}
	KUNIT_EXPECT_EQ(test, vms_slot_alloc(r, VMSTORE_USAGE_FRAME, false, &idx), 0);
	KUNIT_EXPECT_TRUE(test, test_bit(idx, seen));
}

/* The map of free slots is a hint: the count decides */
static void region_test_wrong_hints(struct kunit *test)
{
	struct vms_region *r = test->priv;
	u32 idx = 0;

	KUNIT_ASSERT_EQ(test, vms_slot_from_unused(r, 0, VMSTORE_USAGE_FRAME), 0);
	set_bit(0, r->free_map);
	set_rc(r, 1, 0);		/* in flight elsewhere */
	set_rc(r, 2, VMSTORE_RC_UNIQUE);
	KUNIT_EXPECT_EQ(test, vms_slot_alloc(r, VMSTORE_USAGE_FRAME, false, &idx), 0);
	KUNIT_EXPECT_EQ(test, idx, 3U);
	KUNIT_EXPECT_EQ(test, vms_slot_rc(r, 0), 1ULL);
	KUNIT_EXPECT_EQ(test, vms_slot_rc(r, 1), 0ULL);
	KUNIT_EXPECT_EQ(test, vms_slot_rc(r, 2), VMSTORE_RC_UNIQUE);
}

static void expect_no_slot(struct kunit *test, const struct vms_region *r, u64 pa)
{
	u32 idx = 12345;

	KUNIT_EXPECT_EQ(test, vms_region_slot_of_pa(r, pa, &idx), -ERANGE);
	KUNIT_EXPECT_EQ(test, idx, 12345U);
}

static void region_test_slot_of_pa(struct kunit *test)
{
	struct vms_region *r = test->priv;
	u64 end = r->blocks[r->nr_blocks - 1].pa + VMS_BLOCK_SIZE;
	u32 i, idx;

	for (i = 0; i < NR_SLOTS; i++) {
		idx = VMS_NO_SLOT;
		KUNIT_ASSERT_EQ(test, vms_region_slot_of_pa(r, vms_slot_pa(r, i), &idx), 0);
		KUNIT_ASSERT_EQ(test, idx, i);
		KUNIT_ASSERT_EQ(test, vms_slot_pa(r, i), (u64)__pa(vms_slot_kva(r, i)));
	}
	expect_no_slot(test, r, 0);
	expect_no_slot(test, r, r->blocks[0].pa - VMS_PAGE_SIZE);
	expect_no_slot(test, r, r->blocks[0].pa + 1);
	expect_no_slot(test, r, r->blocks[0].pa + VMS_PAGE_SIZE - 1);
	expect_no_slot(test, r, end);
	expect_no_slot(test, r, end + (1ULL << 40));
	expect_no_slot(test, r, ~0xfffULL);
	expect_no_slot(test, r, U64_MAX);
}

/* Number of the slot by looking at every block, or VMS_NO_SLOT */
static u32 reference_slot(const struct vms_region *r, u64 pa)
{
	u32 i;

	for (i = 0; i < r->nr_blocks; i++)
		if (pa >= r->blocks[i].pa && pa < r->blocks[i].pa + VMS_BLOCK_SIZE)
			return i * 1024 + (pa - r->blocks[i].pa) / 4096;
	return VMS_NO_SLOT;
}

static void expect_as_reference(struct kunit *test, const struct vms_region *r, u64 pa)
{
	u32 want = reference_slot(r, pa), idx = 0;
	int err = vms_region_slot_of_pa(r, pa, &idx);

	if (want == VMS_NO_SLOT)
		KUNIT_EXPECT_EQ(test, err, -ERANGE);
	else if (err || idx != want)
		KUNIT_FAIL(test, "pa %#llx: error %d, slot %u, not %u", pa, err, idx, want);
}

/* Blocks are sorted, but need not follow each other: made up, never touched */
static void region_test_scattered_blocks(struct kunit *test)
{
	/* In blocks from the first: neighbours, gaps, a far one, the last of memory */
	static const u64 at[] = { 10, 11, 12, 14, 15, 17, 40, 41, 1000, 1001, (1 << 30) - 1 };
	struct vms_block blocks[ARRAY_SIZE(at)] = {};
	struct vms_region r = { .blocks = blocks };
	struct rnd_state rnd;
	u64 pa;
	u32 i, nr;

	for (i = 0; i < ARRAY_SIZE(at); i++)
		blocks[i].pa = at[i] * VMS_BLOCK_SIZE;

	/* Each prefix is a region too */
	for (nr = 1; nr <= ARRAY_SIZE(at); nr++) {
		r.nr_blocks = nr;
		for (pa = 8 * VMS_BLOCK_SIZE; pa < 45 * VMS_BLOCK_SIZE; pa += VMS_BLOCK_SIZE) {
			expect_as_reference(test, &r, pa);
			expect_as_reference(test, &r, pa + VMS_PAGE_SIZE);
			expect_as_reference(test, &r, pa - VMS_PAGE_SIZE);
		}
		for (i = 0; i < ARRAY_SIZE(at); i++) {
			expect_as_reference(test, &r, blocks[i].pa - VMS_PAGE_SIZE);
			expect_as_reference(test, &r, blocks[i].pa);
			expect_as_reference(test, &r, blocks[i].pa + VMS_BLOCK_SIZE / 2);
			expect_as_reference(test, &r, blocks[i].pa + VMS_BLOCK_SIZE);
		}
	}

	kunit_info(test, "seed %#x", RANDOM_SEED);
	prandom_seed_state(&rnd, RANDOM_SEED);
	for (i = 0; i < 10000; i++) {
		pa = prandom_u32_state(&rnd) % 1010 * VMS_BLOCK_SIZE +
		     prandom_u32_state(&rnd) % 1024 * VMS_PAGE_SIZE;
		expect_as_reference(test, &r, pa);
	}
}

/* Every frame of scattered blocks has an address of its own, and back */
static void region_test_scattered_slots(struct kunit *test)
{
	struct vms_block blocks[] = { { .pa = VMS_BLOCK_SIZE }, { .pa = 5 * VMS_BLOCK_SIZE },
				      { .pa = 6 * VMS_BLOCK_SIZE } };
	struct vms_region r = { .blocks = blocks, .nr_blocks = 3 };
	u32 i, idx;

	for (i = 0; i < 3 * 1024; i++) {
		idx = VMS_NO_SLOT;
		KUNIT_ASSERT_EQ(test, vms_slot_pa(&r, i),
				blocks[i / 1024].pa + i % 1024 * 4096ULL);
		KUNIT_ASSERT_EQ(test, vms_region_slot_of_pa(&r, vms_slot_pa(&r, i), &idx), 0);
		KUNIT_ASSERT_EQ(test, idx, i);
	}
}

#define REGION_THREADS	4
#define REGION_ROUNDS	2000

struct region_thread {
	struct vms_region *r;
	struct task_struct *task;
	struct completion done;
	u32 clashes;
};

/* Each thread marks what it has claimed; another's mark there is a double claim */
static int region_thread(void *arg)
{
	struct region_thread *t = arg;
	u32 held[8], i, k;

	for (i = 0; i < REGION_ROUNDS; i++) {
		for (k = 0; k < ARRAY_SIZE(held); k++) {
			if (vms_slot_alloc(t->r, VMSTORE_USAGE_FRAME, k & 1, &held[k])) {
				t->clashes++;
				break;
			}
			t->clashes += *(u64 *)vms_slot_kva(t->r, held[k]);
			*(u64 *)vms_slot_kva(t->r, held[k]) = 1;
			t->clashes += !!vms_slot_from_in_use(t->r, held[k]);
			t->clashes += vms_slot_put(t->r, held[k]);
		}
		while (k--) {
			*(u64 *)vms_slot_kva(t->r, held[k]) = 0;
			t->clashes += !vms_slot_put(t->r, held[k]);
		}
		cond_resched();
	}
	complete(&t->done);
	return 0;
}

/* The same slots claimed and put back by several threads: no claim is given twice */
static void region_test_threads(struct kunit *test)
{
	struct vms_region *r = test->priv;
	struct region_thread *t;
	u32 i;

	t = kunit_kcalloc(test, REGION_THREADS, sizeof(*t), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, t);
	/* Few slots: they meet */
	for (i = 64; i < FIRST_MMIO; i++)
		KUNIT_ASSERT_EQ(test, vms_slot_from_unused(r, i, VMSTORE_USAGE_FRAME), 0);
	for (i = 0; i < REGION_THREADS; i++) {
		t[i].r = r;
		init_completion(&t[i].done);
		t[i].task = kthread_run(region_thread, &t[i], "vmstore-test/%u", i);
		KUNIT_EXPECT_FALSE(test, IS_ERR(t[i].task));
	}
	for (i = 0; i < REGION_THREADS; i++) {
		if (!IS_ERR(t[i].task))
			wait_for_completion(&t[i].done);
		KUNIT_EXPECT_EQ(test, t[i].clashes, 0U);
	}
	KUNIT_EXPECT_EQ(test, atomic_read(&r->nr_free), 64);
	for (i = 0; i < 64; i++)
		KUNIT_EXPECT_EQ(test, vms_slot_rc(r, i), VMSTORE_RC_UNUSED);
}

static struct kunit_case region_test_cases[] = {
	KUNIT_CASE(region_test_new),
	KUNIT_CASE(region_test_blocks),
	KUNIT_CASE(region_test_init_errors),
	KUNIT_CASE(region_test_paddr),
	KUNIT_CASE(region_test_rc_life),
	KUNIT_CASE(region_test_usage_is_sticky),
	KUNIT_CASE(region_test_content),
	KUNIT_CASE(region_test_put_keeps),
	KUNIT_CASE(region_test_rc_errors),
	KUNIT_CASE(region_test_share_node),
	KUNIT_CASE(region_test_mmio_tail),
	KUNIT_CASE(region_test_shared_counts),
	KUNIT_CASE(region_test_exhaustion),
	KUNIT_CASE(region_test_even),
	KUNIT_CASE(region_test_rotation),
	KUNIT_CASE(region_test_wrong_hints),
	KUNIT_CASE(region_test_slot_of_pa),
	KUNIT_CASE(region_test_scattered_blocks),
	KUNIT_CASE(region_test_scattered_slots),
	KUNIT_CASE(region_test_threads),
	{}
};

static struct kunit_suite region_test_suite = {
	.name = "vmstore-region",
	.init = region_test_init,
	.exit = region_test_exit,
	.test_cases = region_test_cases,
};

kunit_test_suite(region_test_suite);
