// SPDX-License-Identifier: GPL-2.0-only
/* Segments [model 5.5]: effects on slots, S, and the operations with their handles. */

#include "fixture.h"
#include "segment.h"

#define SEG	0x3fe000ULL	/* two pages below the end of a block, so it spans two */
#define NR	4
#define SEG_END	(SEG + NR * FX_PAGE)

static struct vms_slot *slot_of(struct vms_store *s, u64 paddr)
{
	return &s->region.slots[vms_paddr_slot(paddr)];
}

static u64 rc_of(struct vms_store *s, u64 paddr)
{
	return vms_slot_rc(&s->region, vms_paddr_slot(paddr));
}

static void expect_rc(struct kunit *test, u64 start, u64 end, u64 rc)
{
	u64 paddr;

	for (paddr = start; paddr < end; paddr += FX_PAGE)
		KUNIT_EXPECT_EQ_MSG(test, rc_of(fx_store(test), paddr), rc, "%#llx", paddr);
}

static void expect_segment(struct kunit *test, u64 id, u64 start, u64 end)
{
	void *entry = vms_registry_load(&fx_store(test)->segments, id);
	struct vms_segment seg;

	KUNIT_ASSERT_NOT_NULL(test, entry);
	seg = vms_segment_of_entry(entry);
	KUNIT_EXPECT_EQ(test, vms_segment_start(seg), start);
	KUNIT_EXPECT_EQ(test, vms_segment_end(seg), end);
}

static void expect_gone(struct kunit *test, u64 id)
{
	KUNIT_EXPECT_NULL(test, vms_registry_load(&fx_store(test)->segments, id));
}

/* A SegmentId is a plain value: every range fits */
static void segment_test_entry(struct kunit *test)
{
	static const struct vms_segment segs[] = {
		{ 0, 1 }, { 1, 0 }, { 0, S32_MAX }, { S32_MAX, 1 }, { S32_MAX, S32_MAX },
		{ 12345, 678 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(segs); i++) {
		struct vms_segment seg = vms_segment_of_entry(vms_segment_entry(segs[i]));

		KUNIT_EXPECT_EQ(test, seg.first, segs[i].first);
		KUNIT_EXPECT_EQ(test, seg.nr, segs[i].nr);
	}
}

/* O-SegmentFromUnused: rc 1, usage Frame, S + 1 at each slot; H stays */
static void segment_test_from_unused(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	struct vmstore_op op = fx_op_range(SEG, SEG_END);
	int nr_free = atomic_read(&s->region.nr_free);
	u64 paddr;

	fx_does(test, s, &op);
	KUNIT_EXPECT_EQ(test, op.out.segment.id, 1ULL);
	KUNIT_EXPECT_EQ(test, op.out.segment.second, 0ULL);
	KUNIT_EXPECT_EQ(test, op.out.segment.start, SEG);
	KUNIT_EXPECT_EQ(test, op.out.segment.middle, 0ULL);
	KUNIT_EXPECT_EQ(test, op.out.segment.end, SEG_END);
	expect_segment(test, op.out.id, SEG, SEG_END);
	expect_rc(test, SEG, SEG_END, 1);
	for (paddr = SEG; paddr < SEG_END; paddr += FX_PAGE) {
		KUNIT_EXPECT_EQ(test, slot_of(s, paddr)->usage, VMSTORE_USAGE_FRAME);
		KUNIT_EXPECT_TRUE(test, slot_of(s, paddr)->storage);
		KUNIT_EXPECT_EQ(test, atomic64_read(&slot_of(s, paddr)->paths), 0);
	}
	KUNIT_EXPECT_EQ(test, rc_of(s, SEG - FX_PAGE), VMSTORE_RC_UNUSED);
	KUNIT_EXPECT_EQ(test, rc_of(s, SEG_END), VMSTORE_RC_UNUSED);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->region.nr_free), nr_free - NR);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->frames.count), 0);
	fx_expect_inv(test, s);
}

/* As much as there is without nodes, up to the device memory */
static void segment_test_large(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 start = VMS_BLOCK_SIZE / 2, end = FX_REGION - FX_MMIO;
	u64 id = fx_segment_from_unused(test, s, start, end);

	expect_rc(test, start, end, 1);
	fx_fails(test, s, fx_op_paddr(VMSTORE_OP_FRAME_FROM_UNUSED, end - FX_PAGE), -EBUSY);
	KUNIT_EXPECT_EQ(test, fx_segment_drop(test, s, id).frames_freed,
			(end - start) / FX_PAGE);
	fx_expect_empty(test, s);
	fx_expect_inv(test, s);
}

/* NotAligned, OutOfBound, empty: found in this order, before a slot is looked at */
static void segment_test_from_unused_errors(struct kunit *test)
{
	struct vms_store *s = fx_store(test);

	fx_frame_from_unused(test, s, SEG);
	fx_fails(test, s, fx_op_range(SEG + 1, SEG_END), -EINVAL);
	fx_fails(test, s, fx_op_range(SEG, SEG_END + 1), -EINVAL);
	fx_fails(test, s, fx_op_range(SEG, U64_MAX), -EINVAL);
	fx_fails(test, s, fx_op_range(SEG, FX_REGION + FX_PAGE), -ERANGE);
	fx_fails(test, s, fx_op_range(SEG, -FX_PAGE), -ERANGE);
	fx_fails(test, s, fx_op_range(-FX_PAGE, -FX_PAGE), -ERANGE);
	fx_fails(test, s, fx_op_range(FX_REGION + FX_PAGE, FX_REGION), -EINVAL);
	fx_fails(test, s, fx_op_range(SEG, SEG), -EINVAL);
	fx_fails(test, s, fx_op_range(0, 0), -EINVAL);
	fx_fails(test, s, fx_op_range(SEG_END, SEG), -EINVAL);
	fx_fails(test, s, fx_op_range(-FX_PAGE, 0), -EINVAL);
	fx_expect_inv(test, s);
}

/* All or none: what is in use may be the first, in the middle, or the last */
static void segment_test_all_or_none(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u32 i;

	/* Usage is part of what must not change [D10] */
	fx_segment_drop(test, s, fx_segment_from_unused(test, s, SEG, SEG + FX_PAGE));
	for (i = 0; i < NR; i++) {
		u64 frame = fx_frame_from_unused(test, s, SEG + i * FX_PAGE);

		fx_fails(test, s, fx_op_range(SEG, SEG_END), -EBUSY);
		fx_frame_drop(test, s, frame);
		frame = fx_unique_from_unused(test, s, SEG + i * FX_PAGE);
		fx_fails(test, s, fx_op_range(SEG, SEG_END), -EBUSY);
		fx_unique_drop(test, s, frame);
	}
	/* Neither a node nor device memory can be had */
	fx_fails(test, s, fx_op_range(0, vms_slot_paddr(s->kernel.top + 1)), -EBUSY);
	fx_fails(test, s, fx_op_range(FX_REGION - FX_MMIO - FX_PAGE, FX_REGION), -EBUSY);
	fx_segment_from_unused(test, s, SEG, SEG_END);
	fx_fails(test, s, fx_op_range(SEG_END - FX_PAGE, SEG_END + FX_PAGE), -EBUSY);
	fx_expect_inv(test, s);
}

/* A slot in flight: the effect alone, for the checker rightly calls it a violation */
static void segment_test_busy_slot(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	struct vms_slot *slot = slot_of(s, SEG + 2 * FX_PAGE);
	int nr_free = atomic_read(&s->region.nr_free);
	struct vms_segment seg;

	atomic64_set(&slot->rc, 0);
	KUNIT_EXPECT_EQ(test, vms_segment_from_unused(&s->region, SEG, SEG_END, &seg), -EAGAIN);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->region.nr_free), nr_free);
	KUNIT_EXPECT_EQ(test, rc_of(s, SEG), VMSTORE_RC_UNUSED);
	KUNIT_EXPECT_EQ(test, rc_of(s, SEG + FX_PAGE), VMSTORE_RC_UNUSED);
	KUNIT_EXPECT_EQ(test, rc_of(s, SEG + 3 * FX_PAGE), VMSTORE_RC_UNUSED);
	atomic64_set(&slot->rc, VMSTORE_RC_UNUSED);
	fx_expect_inv(test, s);
}

/* What is left of nodes is not shown, what is left of data is */
static void segment_test_content(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 id = fx_segment_from_unused(test, s, SEG, SEG_END);
	u32 first = vms_paddr_slot(SEG);

	*(u64 *)vms_slot_kva(&s->region, first) = 1;
	*(u64 *)vms_slot_kva(&s->region, first + 1) = 2;
	fx_segment_drop(test, s, id);
	slot_of(s, SEG + FX_PAGE)->usage = VMSTORE_USAGE_PAGETABLE;
	fx_segment_from_unused(test, s, SEG, SEG_END);
	KUNIT_EXPECT_EQ(test, *(u64 *)vms_slot_kva(&s->region, first), 1ULL);
	KUNIT_EXPECT_EQ(test, *(u64 *)vms_slot_kva(&s->region, first + 1), 0ULL);
	fx_expect_inv(test, s);
}

/* O-SegmentDrop: S - 1 and rc - 1, or teardown, at each slot */
static void segment_test_drop(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 id = fx_segment_from_unused(test, s, SEG, SEG_END);
	u64 frame = fx_frame_from_in_use(test, s, SEG + FX_PAGE);
	struct vmstore_op op = fx_op_id(VMSTORE_OP_SEGMENT_DROP, id);

	KUNIT_EXPECT_EQ(test, rc_of(s, SEG + FX_PAGE), 2ULL);
	fx_does(test, s, &op);
	KUNIT_EXPECT_EQ(test, op.out.segment_drop.id, 0ULL);
	KUNIT_EXPECT_EQ(test, op.out.segment_drop.start, SEG);
	KUNIT_EXPECT_EQ(test, op.out.segment_drop.end, SEG_END);
	KUNIT_EXPECT_EQ(test, op.out.segment_drop.frames_freed, NR - 1ULL);
	KUNIT_EXPECT_EQ(test, rc_of(s, SEG), VMSTORE_RC_UNUSED);
	KUNIT_EXPECT_EQ(test, slot_of(s, SEG)->usage, VMSTORE_USAGE_FRAME);
	KUNIT_EXPECT_FALSE(test, slot_of(s, SEG)->storage);
	KUNIT_EXPECT_EQ(test, rc_of(s, SEG + FX_PAGE), 1ULL);
	expect_gone(test, id);
	fx_frame_drop(test, s, frame);
	fx_expect_empty(test, s);
	fx_expect_inv(test, s);
}

/* Ids nobody has, and one another operation has in hand */
static void segment_test_ids(struct kunit *test)
{
	static const u32 ops[] = {
		VMSTORE_OP_SEGMENT_DROP, VMSTORE_OP_SEGMENT_SPLIT, VMSTORE_OP_SEGMENT_NEXT,
		VMSTORE_OP_SEGMENT_CLONE, VMSTORE_OP_SEGMENT_SLICE,
	};
	struct vms_store *s = fx_store(test);
	u64 gone = fx_segment_from_unused(test, s, SEG, SEG_END), id;
	struct vms_segment seg;
	unsigned int i;

	fx_segment_drop(test, s, gone);
	id = fx_segment_from_unused(test, s, SEG, SEG_END);
	fx_frame_from_unused(test, s, 0x5000);	/* handle 1: another id space */
	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		fx_fails(test, s, fx_op_id(ops[i], 0), -ENOENT);
		fx_fails(test, s, fx_op_id(ops[i], gone), -ENOENT);
		fx_fails(test, s, fx_op_id(ops[i], id + 1), -ENOENT);
		fx_fails(test, s, fx_op_id(ops[i], U64_MAX), -ENOENT);
	}
	s->mode = VMSTORE_CHECK_OFF;
	KUNIT_EXPECT_EQ(test, vms_store_extract_segment(s, id, &seg), 0);
	for (i = 0; i < ARRAY_SIZE(ops); i++)
		fx_fails(test, s, fx_op_id(ops[i], id), -EBUSY);
	KUNIT_EXPECT_EQ(test, vms_store_insert_segment(s, id, seg), 0);
	s->mode = VMSTORE_CHECK_FULL;
	fx_segment_drop(test, s, id);
	fx_expect_inv(test, s);
}

/* O-SegmentSplit: two fresh ids for one, no slot changes */
static void segment_test_split(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 id = fx_segment_from_unused(test, s, SEG, SEG_END);
	struct fx_shot *shot = fx_shoot(test, s);
	struct vmstore_out_segment out = fx_segment_split(test, s, id, FX_PAGE);

	fx_expect_unchanged_but(test, s, shot, VMSTORE_DUMP_SEGMENTS);
	KUNIT_EXPECT_GT(test, out.id, id);
	KUNIT_EXPECT_GT(test, out.second, id);
	KUNIT_EXPECT_NE(test, out.second, out.id);
	KUNIT_EXPECT_EQ(test, out.start, SEG);
	KUNIT_EXPECT_EQ(test, out.middle, SEG + FX_PAGE);
	KUNIT_EXPECT_EQ(test, out.end, SEG_END);
	expect_gone(test, id);
	expect_segment(test, out.id, SEG, SEG + FX_PAGE);
	expect_segment(test, out.second, SEG + FX_PAGE, SEG_END);
	expect_rc(test, SEG, SEG_END, 1);
	/* The parts go their own ways */
	KUNIT_EXPECT_EQ(test, fx_segment_drop(test, s, out.id).frames_freed, 1ULL);
	expect_rc(test, SEG + FX_PAGE, SEG_END, 1);
	KUNIT_EXPECT_EQ(test, fx_segment_drop(test, s, out.second).frames_freed, NR - 1ULL);
	fx_expect_empty(test, s);
	fx_expect_inv(test, s);
}

static void segment_test_split_errors(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 id = fx_segment_from_unused(test, s, SEG, SEG_END);
	u64 one = fx_segment_from_unused(test, s, 0x5000, 0x6000);

	fx_fails(test, s, fx_op_split(id, 0), -EINVAL);
	fx_fails(test, s, fx_op_split(id, 1), -EINVAL);
	fx_fails(test, s, fx_op_split(id, FX_PAGE + 1), -EINVAL);
	fx_fails(test, s, fx_op_split(id, NR * FX_PAGE), -EINVAL);
	fx_fails(test, s, fx_op_split(id, (NR + 1) * FX_PAGE), -EINVAL);
	fx_fails(test, s, fx_op_split(id, -FX_PAGE), -EINVAL);
	fx_fails(test, s, fx_op_split(one, FX_PAGE), -EINVAL);
	/* No room for one more, nor for the second of two */
	s->segments.max = 2;
	fx_fails(test, s, fx_op_split(id, FX_PAGE), -ENOSPC);
	s->segments.max = 3;
	fx_fails(test, s, fx_op_split(id, FX_PAGE), -ENOSPC);
	s->segments.max = 4;
	fx_segment_split(test, s, id, FX_PAGE);
	fx_expect_inv(test, s);
}

/* O-SegmentNext: H + 1 and S - 1 at the first page, rc the same; the id stays */
static void segment_test_next(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 id = fx_segment_from_unused(test, s, SEG, SEG_END);
	u64 frames[NR], i;

	for (i = 0; i < NR; i++) {
		struct vmstore_out_frame out = fx_segment_next(test, s, id);

		frames[i] = out.id;
		KUNIT_EXPECT_EQ(test, out.paddr, SEG + i * FX_PAGE);
		expect_rc(test, SEG, SEG_END, 1);
		if (i < NR - 1)
			expect_segment(test, id, SEG + (i + 1) * FX_PAGE, SEG_END);
	}
	/* An empty one is none [S16] */
	expect_gone(test, id);
	fx_fails(test, s, fx_op_id(VMSTORE_OP_SEGMENT_NEXT, id), -ENOENT);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->segments.count), 0);
	for (i = 0; i < NR; i++)
		KUNIT_EXPECT_TRUE(test, fx_frame_drop(test, s, frames[i]));
	fx_expect_empty(test, s);

	id = fx_segment_from_unused(test, s, SEG, SEG_END);
	s->frames.max = 0;
	fx_fails(test, s, fx_op_id(VMSTORE_OP_SEGMENT_NEXT, id), -ENOSPC);
	fx_expect_inv(test, s);
}

/* O-SegmentClone: rc + 1 and S + 1 at each slot */
static void segment_test_clone(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 id = fx_segment_from_unused(test, s, SEG, SEG_END);
	struct vmstore_op op = fx_op_id(VMSTORE_OP_SEGMENT_CLONE, id);

	fx_does(test, s, &op);
	KUNIT_EXPECT_NE(test, op.out.id, id);
	KUNIT_EXPECT_EQ(test, op.out.segment.start, SEG);
	KUNIT_EXPECT_EQ(test, op.out.segment.end, SEG_END);
	expect_segment(test, id, SEG, SEG_END);
	expect_segment(test, op.out.id, SEG, SEG_END);
	expect_rc(test, SEG, SEG_END, 2);
	KUNIT_EXPECT_EQ(test, fx_segment_drop(test, s, id).frames_freed, 0ULL);
	expect_rc(test, SEG, SEG_END, 1);
	KUNIT_EXPECT_EQ(test, fx_segment_drop(test, s, op.out.id).frames_freed, (u64)NR);
	fx_expect_empty(test, s);
	fx_expect_inv(test, s);
}

/* O-SegmentSlice: the same for a part, in paddrs */
static void segment_test_slice(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 id = fx_segment_from_unused(test, s, SEG, SEG_END);
	u64 part = fx_segment_slice(test, s, id, SEG + FX_PAGE, SEG + 3 * FX_PAGE);
	u64 all = fx_segment_slice(test, s, id, SEG, SEG_END);

	expect_segment(test, id, SEG, SEG_END);
	expect_segment(test, part, SEG + FX_PAGE, SEG + 3 * FX_PAGE);
	expect_segment(test, all, SEG, SEG_END);
	KUNIT_EXPECT_EQ(test, rc_of(s, SEG), 2ULL);
	KUNIT_EXPECT_EQ(test, rc_of(s, SEG + FX_PAGE), 3ULL);
	KUNIT_EXPECT_EQ(test, rc_of(s, SEG + 2 * FX_PAGE), 3ULL);
	KUNIT_EXPECT_EQ(test, rc_of(s, SEG + 3 * FX_PAGE), 2ULL);
	fx_segment_drop(test, s, all);
	KUNIT_EXPECT_EQ(test, fx_segment_drop(test, s, id).frames_freed, 2ULL);
	KUNIT_EXPECT_EQ(test, fx_segment_drop(test, s, part).frames_freed, 2ULL);
	fx_expect_empty(test, s);
	fx_expect_inv(test, s);
}

static void segment_test_slice_errors(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 id = fx_segment_from_unused(test, s, SEG, SEG_END);

	fx_segment_from_unused(test, s, SEG_END, SEG_END + FX_PAGE);
	fx_fails(test, s, fx_op_slice(id, SEG + 1, SEG_END), -EINVAL);
	fx_fails(test, s, fx_op_slice(id, SEG, SEG_END - 1), -EINVAL);
	fx_fails(test, s, fx_op_slice(id, SEG, SEG), -EINVAL);
	fx_fails(test, s, fx_op_slice(id, SEG_END, SEG), -EINVAL);
	fx_fails(test, s, fx_op_slice(id, SEG - FX_PAGE, SEG_END), -EINVAL);
	/* Frames that are there, but not of this segment */
	fx_fails(test, s, fx_op_slice(id, SEG, SEG_END + FX_PAGE), -EINVAL);
	fx_fails(test, s, fx_op_slice(id, SEG_END, SEG_END + FX_PAGE), -EINVAL);
	fx_fails(test, s, fx_op_slice(id, SEG, -FX_PAGE), -EINVAL);
	s->segments.max = 2;
	fx_fails(test, s, fx_op_slice(id, SEG, SEG_END), -ENOSPC);
	fx_fails(test, s, fx_op_id(VMSTORE_OP_SEGMENT_CLONE, id), -ENOSPC);
	fx_expect_inv(test, s);
}

/* One saturated slot anywhere: nothing is counted up */
static void segment_test_saturated(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 id = fx_segment_from_unused(test, s, SEG, SEG_END), paddr, copy;

	s->mode = VMSTORE_CHECK_OFF;
	for (paddr = SEG; paddr < SEG_END; paddr += FX_PAGE) {
		atomic64_set(&slot_of(s, paddr)->rc, VMSTORE_RC_MAX);
		fx_fails(test, s, fx_op_id(VMSTORE_OP_SEGMENT_CLONE, id), -EOVERFLOW);
		fx_fails(test, s, fx_op_slice(id, SEG, SEG_END), -EOVERFLOW);
		fx_fails(test, s, fx_op_slice(id, paddr, paddr + FX_PAGE), -EOVERFLOW);
		/* No reference is made */
		if (paddr == SEG)
			fx_segment_drop(test, s, fx_segment_slice(test, s, id, SEG + FX_PAGE,
								  SEG_END));
		atomic64_set(&slot_of(s, paddr)->rc, VMSTORE_RC_MAX - 1);
		copy = fx_segment_clone(test, s, id);
		KUNIT_EXPECT_EQ(test, rc_of(s, paddr), VMSTORE_RC_MAX);
		fx_segment_drop(test, s, copy);
		atomic64_set(&slot_of(s, paddr)->rc, 1);
	}
	s->mode = VMSTORE_CHECK_FULL;
	fx_expect_inv(test, s);
}

/* A handle becomes a segment of one page: H - 1, S + 1, no slot changes */
static void segment_test_of_frame(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 frame = fx_frame_from_unused(test, s, SEG);
	struct vmstore_op op = fx_op_id(VMSTORE_OP_FRAME_TO_SEGMENT, frame);
	u32 slot;

	fx_fails(test, s, fx_op_id(VMSTORE_OP_FRAME_TO_SEGMENT, frame + 1), -ENOENT);
	s->segments.max = 0;
	fx_fails(test, s, op, -ENOSPC);
	s->segments.max = 1;
	s->mode = VMSTORE_CHECK_OFF;
	KUNIT_EXPECT_EQ(test, vms_store_extract_frame(s, frame, &slot), 0);
	fx_fails(test, s, op, -EBUSY);
	KUNIT_EXPECT_EQ(test, vms_store_insert_frame(s, frame, slot), 0);
	s->mode = VMSTORE_CHECK_FULL;

	fx_does(test, s, &op);
	KUNIT_EXPECT_EQ(test, op.out.segment.start, SEG);
	KUNIT_EXPECT_EQ(test, op.out.segment.end, SEG + FX_PAGE);
	expect_segment(test, op.out.id, SEG, SEG + FX_PAGE);
	KUNIT_EXPECT_EQ(test, rc_of(s, SEG), 1ULL);
	fx_fails(test, s, fx_op_id(VMSTORE_OP_FRAME_DROP, frame), -ENOENT);
	/* And back */
	frame = fx_segment_next(test, s, op.out.id).id;
	KUNIT_EXPECT_TRUE(test, fx_frame_drop(test, s, frame));
	fx_expect_empty(test, s);
	fx_expect_inv(test, s);
}

/* A covered frame may be mapped and have handles: H, P and S at one slot */
static void segment_test_with_others(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 space = fx_space_new(test, s);
	u64 cursor = fx_open(test, s, true, space, 0x10000, 0x20000);
	u64 id = fx_segment_from_unused(test, s, SEG, SEG_END);
	u64 copy = fx_segment_clone(test, s, id);
	u64 frame = fx_segment_next(test, s, copy).id;

	fx_map(test, s, cursor, frame, fx_rw);
	frame = fx_frame_from_in_use(test, s, SEG);
	KUNIT_EXPECT_EQ(test, rc_of(s, SEG), 3ULL);	/* H 1, P 1, S 1 */
	KUNIT_EXPECT_EQ(test, fx_segment_drop(test, s, id).frames_freed, 0ULL);
	KUNIT_EXPECT_EQ(test, fx_segment_drop(test, s, copy).frames_freed, NR - 1ULL);
	KUNIT_EXPECT_EQ(test, rc_of(s, SEG), 2ULL);
	KUNIT_EXPECT_FALSE(test, fx_frame_drop(test, s, frame));
	fx_close(test, s, cursor);
	KUNIT_EXPECT_EQ(test, fx_space_drop(test, s, space).frames_freed, 1ULL);
	fx_expect_empty(test, s);
	fx_expect_inv(test, s);
}

static struct kunit_case segment_test_cases[] = {
	KUNIT_CASE(segment_test_entry),
	KUNIT_CASE(segment_test_from_unused),
	KUNIT_CASE(segment_test_large),
	KUNIT_CASE(segment_test_from_unused_errors),
	KUNIT_CASE(segment_test_all_or_none),
	KUNIT_CASE(segment_test_busy_slot),
	KUNIT_CASE(segment_test_content),
	KUNIT_CASE(segment_test_drop),
	KUNIT_CASE(segment_test_ids),
	KUNIT_CASE(segment_test_split),
	KUNIT_CASE(segment_test_split_errors),
	KUNIT_CASE(segment_test_next),
	KUNIT_CASE(segment_test_clone),
	KUNIT_CASE(segment_test_slice),
	KUNIT_CASE(segment_test_slice_errors),
	KUNIT_CASE(segment_test_saturated),
	KUNIT_CASE(segment_test_of_frame),
	KUNIT_CASE(segment_test_with_others),
	{}
};

static struct kunit_suite segment_test_suite = {
	.name = "vmstore-segment",
	.init = fx_init,
	.exit = fx_exit,
	.test_cases = segment_test_cases,
};

kunit_test_suite(segment_test_suite);
