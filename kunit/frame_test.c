// SPDX-License-Identifier: GPL-2.0-only
/* Frames [model 5.4]: effects on slots, and the operations with their handles. */

#include <linux/string.h>

#include "fixture.h"
#include "frame.h"

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
	return fx_op_paddr(VMSTORE_OP_FRAME_FROM_UNUSED, paddr);
}

static struct vmstore_op op_from_in_use(u64 paddr)
{
	return fx_op_paddr(VMSTORE_OP_FRAME_FROM_IN_USE, paddr);
}

/* O-FrameFromUnused: UNUSED -> 1, usage Frame, H + 1 */
static void frame_test_from_unused(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	struct vmstore_op op = op_from_unused(0x5000);

	fx_does(test, s, &op);
	KUNIT_EXPECT_EQ(test, op.out.frame.id, 1ULL);
	KUNIT_EXPECT_EQ(test, op.out.frame.paddr, 0x5000ULL);
	KUNIT_EXPECT_EQ(test, rc_of(s, 0x5000), 1ULL);
	KUNIT_EXPECT_EQ(test, slot_of(s, 0x5000)->usage, VMSTORE_USAGE_FRAME);
	KUNIT_EXPECT_TRUE(test, slot_of(s, 0x5000)->storage);
	KUNIT_EXPECT_EQ(test, atomic64_read(&slot_of(s, 0x5000)->paths), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->frames.count), 1);
	fx_expect_inv(test, s);
}

/* NotAligned is found before OutOfBound, and both before the slot is looked at */
static void frame_test_from_unused_errors(struct kunit *test)
{
	struct vms_store *s = fx_store(test);

	fx_frame_from_unused(test, s, 0x5000);
	fx_fails(test, s, op_from_unused(0x5001), -EINVAL);
	fx_fails(test, s, op_from_unused(0x5fff), -EINVAL);
	fx_fails(test, s, op_from_unused(FX_REGION + 8), -EINVAL);
	fx_fails(test, s, op_from_unused(U64_MAX), -EINVAL);
	fx_fails(test, s, op_from_unused(FX_REGION), -ERANGE);
	fx_fails(test, s, op_from_unused(-FX_PAGE), -ERANGE);
	fx_fails(test, s, op_from_unused(1ULL << 44), -ERANGE);
	/* InUse: a frame, a node, what is not allocatable */
	fx_fails(test, s, op_from_unused(0x5000), -EBUSY);
	fx_fails(test, s, op_from_unused(vms_slot_paddr(s->kernel.top)), -EBUSY);
	fx_fails(test, s, op_from_unused(FX_REGION - FX_MMIO), -EBUSY);
	fx_fails(test, s, op_from_unused(FX_REGION - FX_PAGE), -EBUSY);
	fx_expect_inv(test, s);
}

/* O-FrameFromInUse: rc + 1 and H + 1, several handles of one frame */
static void frame_test_from_in_use(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 first = fx_frame_from_unused(test, s, 0x5000);
	u64 second = fx_frame_from_in_use(test, s, 0x5000);
	u64 third = fx_frame_from_in_use(test, s, 0x5000);

	KUNIT_EXPECT_NE(test, first, second);
	KUNIT_EXPECT_NE(test, second, third);
	KUNIT_EXPECT_EQ(test, rc_of(s, 0x5000), 3ULL);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->frames.count), 3);
	fx_expect_inv(test, s);
}

static void frame_test_from_in_use_errors(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 frame = fx_frame_from_unused(test, s, 0x5000);

	fx_fails(test, s, op_from_in_use(0x5001), -EINVAL);
	fx_fails(test, s, op_from_in_use(FX_REGION + 1), -EINVAL);
	fx_fails(test, s, op_from_in_use(FX_REGION), -ERANGE);
	fx_fails(test, s, op_from_in_use(-FX_PAGE), -ERANGE);
	fx_fails(test, s, op_from_in_use(0x6000), -ENOENT);
	/* Not a data frame: the gap of the reference */
	fx_fails(test, s, op_from_in_use(vms_slot_paddr(s->kernel.top)), -ENOENT);
	fx_fails(test, s, op_from_in_use(FX_REGION - FX_MMIO), -ENOENT);
	/* Used once, free again */
	KUNIT_EXPECT_TRUE(test, fx_frame_drop(test, s, frame));
	fx_fails(test, s, op_from_in_use(0x5000), -ENOENT);
	fx_expect_inv(test, s);
}

/*
 * States that no operation leads to here, made by hand: the effects alone, because
 * the checker rightly calls them violations.
 */
static void frame_test_other_states(struct kunit *test)
{
	static const struct {
		u64 rc;
		int unused_err, in_use_err;
	} states[] = {
		{ 0, -EAGAIN, -EAGAIN },
		{ VMSTORE_RC_UNIQUE, -EBUSY, -EBUSY },
		{ VMSTORE_RC_MAX, -EBUSY, -EOVERFLOW },
	};
	struct vms_store *s = fx_store(test);
	struct vms_slot *slot = slot_of(s, 0x5000);
	unsigned int i;
	u32 idx;

	fx_frame_from_unused(test, s, 0x5000);
	for (i = 0; i < ARRAY_SIZE(states); i++) {
		atomic64_set(&slot->rc, states[i].rc);
		KUNIT_EXPECT_EQ(test, vms_frame_from_unused(&s->region, 0x5000, &idx),
				states[i].unused_err);
		KUNIT_EXPECT_EQ(test, vms_frame_from_in_use(&s->region, 0x5000, &idx),
				states[i].in_use_err);
		KUNIT_EXPECT_EQ(test, rc_of(s, 0x5000), states[i].rc);
	}
	atomic64_set(&slot->rc, 1);
	fx_expect_inv(test, s);
}

/* The same through the operation: no handle is made, no id is shown */
static void frame_test_saturated(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	struct vmstore_op op = op_from_in_use(0x5000);

	fx_frame_from_unused(test, s, 0x5000);
	s->mode = VMSTORE_CHECK_OFF;
	atomic64_set(&slot_of(s, 0x5000)->rc, VMSTORE_RC_MAX);
	KUNIT_EXPECT_EQ(test, fx_op(s, &op), -EOVERFLOW);
	KUNIT_EXPECT_EQ(test, op.out.id, 0ULL);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->frames.count), 1);
	atomic64_set(&slot_of(s, 0x5000)->rc, VMSTORE_RC_MAX - 1);
	KUNIT_EXPECT_EQ(test, fx_op(s, &op), 0);
	KUNIT_EXPECT_EQ(test, rc_of(s, 0x5000), VMSTORE_RC_MAX);
	atomic64_set(&slot_of(s, 0x5000)->rc, 2);
	s->mode = VMSTORE_CHECK_FULL;
	fx_expect_inv(test, s);
}

static void frame_test_alloc(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 paddr = 0, other = 0;
	u32 next = atomic_read(&s->region.hint);

	memset(vms_slot_kva(&s->region, next), 0x5a, FX_PAGE);
	fx_frame_alloc(test, s, &paddr);
	KUNIT_EXPECT_EQ(test, paddr, vms_slot_paddr(next));
	KUNIT_EXPECT_NULL(test, memchr_inv(vms_slot_kva(&s->region, next), 0, FX_PAGE));
	KUNIT_EXPECT_EQ(test, rc_of(s, paddr), 1ULL);
	fx_frame_alloc(test, s, &other);
	KUNIT_EXPECT_NE(test, other, paddr);
	fx_expect_inv(test, s);
}

static void frame_test_alloc_fails(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 paddr = 0, frame = 0;
	u32 i, nr = atomic_read(&s->region.nr_free);

	s->mode = VMSTORE_CHECK_OFF;	/* 2000 checks show no more than one */
	for (i = 0; i < nr; i++)
		frame = fx_frame_alloc(test, s, &paddr);
	s->mode = VMSTORE_CHECK_FULL;
	fx_fails(test, s, fx_op_simple(VMSTORE_OP_FRAME_ALLOC), -ENOMEM);
	fx_fails(test, s, op_from_unused(paddr), -EBUSY);
	KUNIT_EXPECT_TRUE(test, fx_frame_drop(test, s, frame));
	fx_frame_from_unused(test, s, paddr);
	fx_fails(test, s, fx_op_simple(VMSTORE_OP_FRAME_ALLOC), -ENOMEM);
	fx_expect_inv(test, s);
}

/* O-FrameDrop: H - 1; the last one tears down, and only usage is left [1.5] */
static void frame_test_drop(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 first = fx_frame_from_unused(test, s, 0x5000);
	u64 second = fx_frame_from_in_use(test, s, 0x5000);
	struct vmstore_op op = fx_op_id(VMSTORE_OP_FRAME_DROP, first);

	fx_does(test, s, &op);
	KUNIT_EXPECT_EQ(test, op.out.drop.paddr, 0x5000ULL);
	KUNIT_EXPECT_EQ(test, op.out.drop.freed, 0U);
	KUNIT_EXPECT_EQ(test, op.out.drop.id, 0ULL);
	KUNIT_EXPECT_EQ(test, rc_of(s, 0x5000), 1ULL);
	KUNIT_EXPECT_TRUE(test, slot_of(s, 0x5000)->storage);
	fx_expect_inv(test, s);

	op = fx_op_id(VMSTORE_OP_FRAME_DROP, second);
	fx_does(test, s, &op);
	KUNIT_EXPECT_EQ(test, op.out.drop.freed, 1U);
	KUNIT_EXPECT_EQ(test, rc_of(s, 0x5000), VMSTORE_RC_UNUSED);
	KUNIT_EXPECT_FALSE(test, slot_of(s, 0x5000)->storage);
	KUNIT_EXPECT_EQ(test, slot_of(s, 0x5000)->type, VMS_TYPE_NONE);
	KUNIT_EXPECT_EQ(test, slot_of(s, 0x5000)->usage, VMSTORE_USAGE_FRAME);
	fx_expect_empty(test, s);
	fx_expect_inv(test, s);
}

static void frame_test_drop_errors(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 frame = fx_frame_from_unused(test, s, 0x5000);
	u64 space = fx_space_new(test, s);

	fx_fails(test, s, fx_op_id(VMSTORE_OP_FRAME_DROP, 0), -ENOENT);
	fx_fails(test, s, fx_op_id(VMSTORE_OP_FRAME_DROP, frame + 1), -ENOENT);
	fx_fails(test, s, fx_op_id(VMSTORE_OP_FRAME_DROP, U64_MAX), -ENOENT);
	fx_frame_drop(test, s, frame);
	fx_fails(test, s, fx_op_id(VMSTORE_OP_FRAME_DROP, frame), -ENOENT);
	/* The id spaces are separate */
	KUNIT_EXPECT_EQ(test, space, 1ULL);
	fx_fails(test, s, fx_op_id(VMSTORE_OP_FRAME_DROP, space), -ENOENT);
	fx_expect_inv(test, s);
}

/* O-FrameExtra, clone: rc + 1 and H + 1, of a handle and not of an address */
static void frame_test_clone(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 frame = fx_frame_from_unused(test, s, 0x5000);
	struct vmstore_op op = fx_op_id(VMSTORE_OP_FRAME_CLONE, frame);

	fx_does(test, s, &op);
	KUNIT_EXPECT_NE(test, op.out.frame.id, frame);
	KUNIT_EXPECT_EQ(test, op.out.frame.paddr, 0x5000ULL);
	KUNIT_EXPECT_EQ(test, rc_of(s, 0x5000), 2ULL);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->frames.count), 2);
	KUNIT_EXPECT_FALSE(test, fx_frame_drop(test, s, frame));
	fx_fails(test, s, fx_op_id(VMSTORE_OP_FRAME_CLONE, frame), -ENOENT);
	fx_fails(test, s, fx_op_id(VMSTORE_OP_FRAME_CLONE, 0), -ENOENT);
	fx_fails(test, s, fx_op_id(VMSTORE_OP_FRAME_CLONE, U64_MAX), -ENOENT);
	s->frames.max = 1;
	fx_fails(test, s, fx_op_id(VMSTORE_OP_FRAME_CLONE, op.out.id), -ENOSPC);
	fx_expect_inv(test, s);
}

static void frame_test_clone_saturated(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 frame = fx_frame_from_unused(test, s, 0x5000);
	struct vmstore_op op = fx_op_id(VMSTORE_OP_FRAME_CLONE, frame);

	s->mode = VMSTORE_CHECK_OFF;
	atomic64_set(&slot_of(s, 0x5000)->rc, VMSTORE_RC_MAX);
	fx_fails(test, s, op, -EOVERFLOW);
	atomic64_set(&slot_of(s, 0x5000)->rc, VMSTORE_RC_MAX - 1);
	fx_does(test, s, &op);
	KUNIT_EXPECT_EQ(test, rc_of(s, 0x5000), VMSTORE_RC_MAX);
	atomic64_set(&slot_of(s, 0x5000)->rc, 2);
	s->mode = VMSTORE_CHECK_FULL;
	fx_expect_inv(test, s);
}

/* A frame with a handle and two leaves: three references, whoever goes first */
static void frame_test_counts_add_up(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 space = fx_space_new(test, s);
	u64 cursor = fx_open(test, s, true, space, 0x10000, 0x20000);
	u64 frame[3], i;

	frame[0] = fx_frame_from_unused(test, s, FRAME);
	frame[1] = fx_frame_from_in_use(test, s, FRAME);
	frame[2] = fx_frame_from_in_use(test, s, FRAME);
	for (i = 0; i < 2; i++) {
		fx_map(test, s, cursor, frame[i], fx_rw);
		KUNIT_EXPECT_EQ(test, rc_of(s, FRAME), 3ULL);
		KUNIT_EXPECT_EQ(test, atomic64_read(&slot_of(s, FRAME)->paths), (s64)i + 1);
	}
	KUNIT_EXPECT_FALSE(test, fx_frame_drop(test, s, frame[2]));
	KUNIT_EXPECT_EQ(test, rc_of(s, FRAME), 2ULL);
	/* A new handle of a frame that only leaves hold */
	fx_frame_drop(test, s, fx_frame_from_in_use(test, s, FRAME));
	fx_jump(test, s, cursor, 0x10000);
	KUNIT_EXPECT_EQ(test, fx_unmap(test, s, cursor, 0x2000).removed, 2ULL);
	fx_reap(test, s);
	KUNIT_EXPECT_EQ(test, rc_of(s, FRAME), VMSTORE_RC_UNUSED);
	fx_expect_inv(test, s);
}

static struct kunit_case frame_test_cases[] = {
	KUNIT_CASE(frame_test_from_unused),
	KUNIT_CASE(frame_test_from_unused_errors),
	KUNIT_CASE(frame_test_from_in_use),
	KUNIT_CASE(frame_test_from_in_use_errors),
	KUNIT_CASE(frame_test_other_states),
	KUNIT_CASE(frame_test_saturated),
	KUNIT_CASE(frame_test_alloc),
	KUNIT_CASE(frame_test_alloc_fails),
	KUNIT_CASE(frame_test_drop),
	KUNIT_CASE(frame_test_drop_errors),
	KUNIT_CASE(frame_test_clone),
	KUNIT_CASE(frame_test_clone_saturated),
	KUNIT_CASE(frame_test_counts_add_up),
	{}
};

static struct kunit_suite frame_test_suite = {
	.name = "vmstore-frame",
	.init = fx_init,
	.exit = fx_exit,
	.test_cases = frame_test_cases,
};

kunit_test_suite(frame_test_suite);
