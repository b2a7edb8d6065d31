// SPDX-License-Identifier: GPL-2.0-only
/* Exclusive handles [model 5.6]: effects on slots, and the operations. */

#include "fixture.h"

#define FRAME	0x400000ULL	/* where no node will be */

static struct vms_slot *slot_of(struct vms_store *s, u64 paddr)
{
	return &s->region.slots[vms_paddr_slot(paddr)];
}

static u64 rc_of(struct vms_store *s, u64 paddr)
{
	return vms_slot_rc(&s->region, vms_paddr_slot(paddr));
}

static struct vmstore_op op_from_unused(u64 paddr)
{
	return fx_op_paddr(VMSTORE_OP_UNIQUE_FROM_UNUSED, paddr);
}

/* O-UniqueFromUnused: UNUSED -> UNIQUE, usage Frame, H unchanged */
static void unique_test_from_unused(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	struct vmstore_op op = op_from_unused(FRAME);

	fx_does(test, s, &op);
	KUNIT_EXPECT_EQ(test, op.out.frame.id, 1ULL);
	KUNIT_EXPECT_EQ(test, op.out.frame.paddr, FRAME);
	KUNIT_EXPECT_EQ(test, rc_of(s, FRAME), VMSTORE_RC_UNIQUE);
	KUNIT_EXPECT_EQ(test, slot_of(s, FRAME)->usage, VMSTORE_USAGE_FRAME);
	KUNIT_EXPECT_TRUE(test, slot_of(s, FRAME)->storage);
	KUNIT_EXPECT_NE(test, slot_of(s, FRAME)->type, VMS_TYPE_NONE);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->frames.count), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->uniques.count), 1);
	fx_expect_inv(test, s);
}

static void unique_test_from_unused_errors(struct kunit *test)
{
	struct vms_store *s = fx_store(test);

	fx_unique_from_unused(test, s, FRAME);
	fx_frame_from_unused(test, s, 0x6000);
	fx_fails(test, s, op_from_unused(FRAME + 1), -EINVAL);
	fx_fails(test, s, op_from_unused(FX_REGION + 8), -EINVAL);
	fx_fails(test, s, op_from_unused(FX_REGION), -ERANGE);
	fx_fails(test, s, op_from_unused(-FX_PAGE), -ERANGE);
	/* Unique, InUse, a node, what is not allocatable */
	fx_fails(test, s, op_from_unused(FRAME), -EBUSY);
	fx_fails(test, s, op_from_unused(0x6000), -EBUSY);
	fx_fails(test, s, op_from_unused(vms_slot_paddr(s->kernel.top)), -EBUSY);
	fx_fails(test, s, op_from_unused(FX_REGION - FX_MMIO), -EBUSY);
	s->uniques.max = 1;
	fx_fails(test, s, op_from_unused(0x7000), -ENOSPC);
	fx_expect_inv(test, s);
}

/* Nobody else gets at the frame, whichever way he comes */
static void unique_test_excludes(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 unique = fx_unique_from_unused(test, s, FRAME);
	u64 space = fx_space_new(test, s);
	struct vmstore_op op = fx_op_load(space, VMSTORE_KERNEL_BASE + FRAME, 8);

	fx_fails(test, s, fx_op_paddr(VMSTORE_OP_FRAME_FROM_UNUSED, FRAME), -EBUSY);
	fx_fails(test, s, fx_op_paddr(VMSTORE_OP_FRAME_FROM_IN_USE, FRAME), -EBUSY);
	fx_fails(test, s, fx_op_range(FRAME, FRAME + FX_PAGE), -EBUSY);
	/* An exclusive handle is no handle */
	fx_fails(test, s, fx_op_id(VMSTORE_OP_FRAME_DROP, unique), -ENOENT);
	fx_fails(test, s, fx_op_id(VMSTORE_OP_FRAME_CLONE, unique), -ENOENT);
	KUNIT_EXPECT_EQ(test, fx_op(s, &op), -EACCES);
	fx_expect_inv(test, s);
}

/* D10: what decides is rc, not the usage that is left of the last owner */
static void unique_test_used_before(struct kunit *test)
{
	struct vms_store *s = fx_store(test);

	fx_frame_drop(test, s, fx_frame_from_unused(test, s, FRAME));
	KUNIT_EXPECT_EQ(test, slot_of(s, FRAME)->usage, VMSTORE_USAGE_FRAME);
	fx_unique_drop(test, s, fx_unique_from_unused(test, s, FRAME));
	/* A node's entries are not shown */
	slot_of(s, FRAME)->usage = VMSTORE_USAGE_PAGETABLE;
	*(u64 *)vms_slot_kva(&s->region, vms_paddr_slot(FRAME)) = 1;
	fx_unique_from_unused(test, s, FRAME);
	KUNIT_EXPECT_EQ(test, slot_of(s, FRAME)->usage, VMSTORE_USAGE_FRAME);
	KUNIT_EXPECT_EQ(test, *(u64 *)vms_slot_kva(&s->region, vms_paddr_slot(FRAME)), 0ULL);
	fx_expect_inv(test, s);
}

/* O-UniqueDrop: teardown; usage stays */
static void unique_test_drop(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 unique = fx_unique_from_unused(test, s, FRAME);
	struct vmstore_op op = fx_op_id(VMSTORE_OP_UNIQUE_DROP, unique);

	fx_does(test, s, &op);
	KUNIT_EXPECT_EQ(test, op.out.drop.id, 0ULL);
	KUNIT_EXPECT_EQ(test, op.out.drop.paddr, FRAME);
	KUNIT_EXPECT_EQ(test, op.out.drop.freed, 1U);
	KUNIT_EXPECT_EQ(test, rc_of(s, FRAME), VMSTORE_RC_UNUSED);
	KUNIT_EXPECT_EQ(test, slot_of(s, FRAME)->usage, VMSTORE_USAGE_FRAME);
	KUNIT_EXPECT_FALSE(test, slot_of(s, FRAME)->storage);
	KUNIT_EXPECT_EQ(test, slot_of(s, FRAME)->type, VMS_TYPE_NONE);
	fx_fails(test, s, op, -ENOENT);
	fx_expect_empty(test, s);
	fx_expect_inv(test, s);
}

/* O-FromUnique: UNIQUE -> 1, the handle changes its kind */
static void unique_test_share(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 unique = fx_unique_from_unused(test, s, FRAME);
	struct vmstore_op op = fx_op_id(VMSTORE_OP_FROM_UNIQUE, unique);

	s->frames.max = 0;
	fx_fails(test, s, op, -ENOSPC);
	s->frames.max = 4;
	fx_does(test, s, &op);
	KUNIT_EXPECT_EQ(test, op.out.frame.paddr, FRAME);
	KUNIT_EXPECT_EQ(test, rc_of(s, FRAME), 1ULL);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->frames.count), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->uniques.count), 0);
	fx_fails(test, s, fx_op_id(VMSTORE_OP_UNIQUE_DROP, unique), -ENOENT);
	KUNIT_EXPECT_TRUE(test, fx_frame_drop(test, s, op.out.id));
	fx_expect_empty(test, s);
	fx_expect_inv(test, s);
}

/* O-TryFromShared: 1 -> UNIQUE, and the content is the owner's still */
static void unique_test_try(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 frame = fx_frame_from_unused(test, s, FRAME), copy;
	struct vmstore_op op = fx_op_id(VMSTORE_OP_TRY_FROM_SHARED, frame);

	*(u64 *)vms_slot_kva(&s->region, vms_paddr_slot(FRAME)) = 7;
	copy = fx_frame_clone(test, s, frame);
	fx_fails(test, s, op, -EBUSY);
	fx_frame_drop(test, s, copy);
	s->uniques.max = 0;
	fx_fails(test, s, op, -ENOSPC);
	s->uniques.max = 4;
	fx_does(test, s, &op);
	KUNIT_EXPECT_EQ(test, op.out.frame.paddr, FRAME);
	KUNIT_EXPECT_EQ(test, rc_of(s, FRAME), VMSTORE_RC_UNIQUE);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->frames.count), 0);
	KUNIT_EXPECT_EQ(test, *(u64 *)vms_slot_kva(&s->region, vms_paddr_slot(FRAME)), 7ULL);
	fx_fails(test, s, fx_op_id(VMSTORE_OP_FRAME_DROP, frame), -ENOENT);
	frame = fx_from_unique(test, s, op.out.id);
	KUNIT_EXPECT_EQ(test, rc_of(s, FRAME), 1ULL);
	fx_expect_inv(test, s);
}

/* Any other user is one too many: a segment, a leaf, one that waits to be released */
static void unique_test_try_shared(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 space = fx_space_new(test, s);
	u64 cursor = fx_open(test, s, true, space, 0x10000, 0x20000);
	u64 frame = fx_frame_from_unused(test, s, FRAME);
	u64 segment = fx_frame_to_segment(test, s, fx_frame_clone(test, s, frame));

	fx_fails(test, s, fx_op_id(VMSTORE_OP_TRY_FROM_SHARED, frame), -EBUSY);
	fx_segment_drop(test, s, segment);
	fx_map(test, s, cursor, fx_frame_clone(test, s, frame), fx_rw);
	fx_fails(test, s, fx_op_id(VMSTORE_OP_TRY_FROM_SHARED, frame), -EBUSY);
	fx_jump(test, s, cursor, 0x10000);
	fx_unmap(test, s, cursor, FX_PAGE);
	fx_reap(test, s);
	fx_try_from_shared(test, s, frame);
	fx_expect_inv(test, s);
}

/* Ids nobody has, and those another operation has in hand */
static void unique_test_ids(struct kunit *test)
{
	static const u32 ops[] = { VMSTORE_OP_UNIQUE_DROP, VMSTORE_OP_FROM_UNIQUE };
	struct vms_store *s = fx_store(test);
	u64 frame = fx_frame_from_unused(test, s, 0x6000);
	u64 id = fx_unique_from_unused(test, s, FRAME);
	unsigned int i;
	u32 slot;

	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		fx_fails(test, s, fx_op_id(ops[i], 0), -ENOENT);
		fx_fails(test, s, fx_op_id(ops[i], id + 1), -ENOENT);
		fx_fails(test, s, fx_op_id(ops[i], U64_MAX), -ENOENT);
	}
	fx_fails(test, s, fx_op_id(VMSTORE_OP_TRY_FROM_SHARED, 0), -ENOENT);
	fx_fails(test, s, fx_op_id(VMSTORE_OP_TRY_FROM_SHARED, frame + 1), -ENOENT);

	s->mode = VMSTORE_CHECK_OFF;
	KUNIT_EXPECT_EQ(test, vms_store_extract_unique(s, id, &slot), 0);
	for (i = 0; i < ARRAY_SIZE(ops); i++)
		fx_fails(test, s, fx_op_id(ops[i], id), -EBUSY);
	KUNIT_EXPECT_EQ(test, vms_store_insert_unique(s, id, slot), 0);
	KUNIT_EXPECT_EQ(test, vms_store_extract_frame(s, frame, &slot), 0);
	fx_fails(test, s, fx_op_id(VMSTORE_OP_TRY_FROM_SHARED, frame), -EBUSY);
	fx_fails(test, s, fx_op_id(VMSTORE_OP_FRAME_CLONE, frame), -EBUSY);
	fx_fails(test, s, fx_op_id(VMSTORE_OP_FRAME_DROP, frame), -EBUSY);
	KUNIT_EXPECT_EQ(test, vms_store_insert_frame(s, frame, slot), 0);
	s->mode = VMSTORE_CHECK_FULL;
	fx_expect_inv(test, s);
}

/* An exclusive handle may be forgotten: a UNIQUE slot without one is no violation [3.2] */
static void unique_test_forgotten(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 id = fx_unique_from_unused(test, s, FRAME);
	u32 slot;

	KUNIT_EXPECT_EQ(test, vms_store_extract_unique(s, id, &slot), 0);
	vms_registry_release(&s->uniques, id);
	fx_expect_inv(test, s);
	vms_slot_put_unique(&s->region, slot);
	fx_expect_empty(test, s);
}

static struct kunit_case unique_test_cases[] = {
	KUNIT_CASE(unique_test_from_unused),
	KUNIT_CASE(unique_test_from_unused_errors),
	KUNIT_CASE(unique_test_excludes),
	KUNIT_CASE(unique_test_used_before),
	KUNIT_CASE(unique_test_drop),
	KUNIT_CASE(unique_test_share),
	KUNIT_CASE(unique_test_try),
	KUNIT_CASE(unique_test_try_shared),
	KUNIT_CASE(unique_test_ids),
	KUNIT_CASE(unique_test_forgotten),
	{}
};

static struct kunit_suite unique_test_suite = {
	.name = "vmstore-unique",
	.init = fx_init,
	.exit = fx_exit,
	.test_cases = unique_test_cases,
};

kunit_test_suite(unique_test_suite);
