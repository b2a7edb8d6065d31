// SPDX-License-Identifier: GPL-2.0-only
/* Segments: every errno, and what happens to the slots they cover [5.5]. */
#include "store_fixture.h"

/* A run of @nr frames that nobody has used; nodes are taken from the other end */
#define RUN(nr)		(self->info.out_region_size - self->info.out_mmio_size - (nr) * VT_PAGE)
#define NR		4
#define START		RUN(2 * NR)
#define END		(START + NR * VT_PAGE)

#define EXPECT_RC(want, start, end)	do {				\
	__u64 _p;							\
									\
	for (_p = (start); _p < (end); _p += VT_PAGE)			\
		EXPECT_EQ(want, vt_slot(self->fd, _p).rc);		\
} while (0)

#define EXPECT_SEGMENT(want_id, want_start, want_end)	do {		\
	__u64 _id = (want_id);						\
	struct vmstore_rec_segment _s = vt_segment_rec(self->fd, _id);	\
									\
	EXPECT_EQ(_id, _s.id);						\
	EXPECT_EQ(want_start, _s.start);				\
	EXPECT_EQ(want_end, _s.end);					\
} while (0)

/* UNUSED -> 1 and S + 1 at each slot, H stays [O-SegmentFromUnused] */
TEST_F(store, from_unused)
{
	struct vmstore_op op = RUN_OK(self->fd, vt_segment(START, END));

	EXPECT_EQ(1, op.out.segment.id);
	EXPECT_EQ(0, op.out.segment.second);
	EXPECT_EQ(START, op.out.segment.start);
	EXPECT_EQ(0, op.out.segment.middle);
	EXPECT_EQ(END, op.out.segment.end);
	EXPECT_SEGMENT(1, START, END);
	EXPECT_RC(1, START, END);
	EXPECT_RC(VMSTORE_RC_UNUSED, START - VT_PAGE, START);
	EXPECT_RC(VMSTORE_RC_UNUSED, END, END + VT_PAGE);
	EXPECT_EQ(VMSTORE_USAGE_FRAME, vt_slot(self->fd, START).usage);
	EXPECT_EQ(0, vt_slot(self->fd, START).paths);
	EXPECT_EQ(0, vt_count(self->fd, VMSTORE_DUMP_FRAMES));
	EXPECT_EQ(self->info.out_free_slots - NR, vt_free_slots(self->fd));
	EXPECT_EQ(0, vt_accounting(self->fd));
}

/* NotAligned, OutOfBound, empty, in this order; also what wraps */
TEST_F(store, from_unused_refused)
{
	__u64 size = self->info.out_region_size;

	RUN_ERR(self->fd, EINVAL, vt_segment(START + 1, END));
	RUN_ERR(self->fd, EINVAL, vt_segment(START, END - 1));
	RUN_ERR(self->fd, EINVAL, vt_segment(START, ~0ULL));
	RUN_ERR(self->fd, ERANGE, vt_segment(START, size + VT_PAGE));
	RUN_ERR(self->fd, ERANGE, vt_segment(START, -VT_PAGE));
	RUN_ERR(self->fd, ERANGE, vt_segment(START, END + (1ULL << 44)));
	RUN_ERR(self->fd, EINVAL, vt_segment(START, START));
	RUN_ERR(self->fd, EINVAL, vt_segment(END, START));
	RUN_ERR(self->fd, EINVAL, vt_segment(-VT_PAGE, VT_PAGE));
	RUN_ERR(self->fd, EINVAL, vt_segment(0, 0));
}

/* One frame that is in use, whatever for, and none is taken */
TEST_F(store, all_or_none)
{
	__u64 space = RUN_OK(self->fd, vt_space_new()).out.id;
	__u64 root = vt_space_rec(self->fd, space).root, i, id;

	for (i = 0; i < NR; i++) {
		id = RUN_OK(self->fd, vt_from_unused(START + i * VT_PAGE)).out.id;
		RUN_ERR(self->fd, EBUSY, vt_segment(START, END));
		RUN_OK(self->fd, vt_frame_drop(id));
		id = RUN_OK(self->fd, vt_unique(START + i * VT_PAGE)).out.id;
		RUN_ERR(self->fd, EBUSY, vt_segment(START, END));
		RUN_OK(self->fd, vt_unique_drop(id));
	}
	RUN_ERR(self->fd, EBUSY, vt_segment(root, root + VT_PAGE));
	RUN_OK(self->fd, vt_segment(START, END));
	RUN_ERR(self->fd, EBUSY, vt_segment(END - VT_PAGE, END + VT_PAGE));
	RUN_ERR(self->fd, EBUSY, vt_from_unused(END - VT_PAGE));
}

/* S - 1, and rc - 1 or teardown [O-SegmentDrop] */
TEST_F(store, drop)
{
	__u64 id = RUN_OK(self->fd, vt_segment(START, END)).out.id;
	struct vmstore_op op;

	RUN_OK(self->fd, vt_from_in_use(START + VT_PAGE));
	op = RUN_OK(self->fd, vt_segment_drop(id));
	EXPECT_EQ(0, op.out.segment_drop.id);
	EXPECT_EQ(START, op.out.segment_drop.start);
	EXPECT_EQ(END, op.out.segment_drop.end);
	EXPECT_EQ(NR - 1, op.out.segment_drop.frames_freed);
	EXPECT_RC(1, START + VT_PAGE, START + 2 * VT_PAGE);
	EXPECT_RC(VMSTORE_RC_UNUSED, START, START + VT_PAGE);
	/* Usage is sticky [1.5] */
	EXPECT_EQ(VMSTORE_USAGE_FRAME, vt_slot(self->fd, START).usage);
	EXPECT_EQ(0, vt_count(self->fd, VMSTORE_DUMP_SEGMENTS));
	RUN_ERR(self->fd, ENOENT, vt_segment_drop(id));
}

TEST_F(store, unknown_ids)
{
	static const __u16 ops[] = {
		VMSTORE_OP_SEGMENT_DROP, VMSTORE_OP_SEGMENT_SPLIT, VMSTORE_OP_SEGMENT_NEXT,
		VMSTORE_OP_SEGMENT_CLONE, VMSTORE_OP_SEGMENT_SLICE,
	};
	__u64 id = RUN_OK(self->fd, vt_segment(START, END)).out.id;
	size_t i;

	/* Handles and segments are counted each for themselves */
	RUN_OK(self->fd, vt_alloc());
	RUN_OK(self->fd, vt_alloc());
	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		RUN_ERR(self->fd, ENOENT, vt_op_id(ops[i], 0));
		RUN_ERR(self->fd, ENOENT, vt_op_id(ops[i], id + 1));
		RUN_ERR(self->fd, ENOENT, vt_op_id(ops[i], ~VMSTORE_REF_FLAG));
		/* No operation of the batch came before */
		RUN_ERR(self->fd, EINVAL, vt_op_id(ops[i], VMSTORE_REF(0)));
	}
	RUN_ERR(self->fd, ENOENT, vt_frame_to_segment(99));
}

/* Two for one, no slot changes [O-SegmentSplit] */
TEST_F(store, split)
{
	__u64 id = RUN_OK(self->fd, vt_segment(START, END)).out.id;
	struct vmstore_op op = RUN_OK(self->fd, vt_segment_split(id, VT_PAGE));

	EXPECT_LT(id, op.out.segment.id);
	EXPECT_LT(id, op.out.segment.second);
	EXPECT_NE(op.out.segment.id, op.out.segment.second);
	EXPECT_EQ(START, op.out.segment.start);
	EXPECT_EQ(START + VT_PAGE, op.out.segment.middle);
	EXPECT_EQ(END, op.out.segment.end);
	EXPECT_EQ(0, vt_segment_rec(self->fd, id).id);
	EXPECT_SEGMENT(op.out.segment.id, START, START + VT_PAGE);
	EXPECT_SEGMENT(op.out.segment.second, START + VT_PAGE, END);
	EXPECT_RC(1, START, END);
	EXPECT_EQ(0, vt_accounting(self->fd));
	RUN_OK(self->fd, vt_segment_drop(op.out.segment.second));
	EXPECT_RC(1, START, START + VT_PAGE);
	EXPECT_RC(VMSTORE_RC_UNUSED, START + VT_PAGE, END);
}

TEST_F(store, split_refused)
{
	__u64 id = RUN_OK(self->fd, vt_segment(START, END)).out.id;

	RUN_ERR(self->fd, EINVAL, vt_segment_split(id, 0));
	RUN_ERR(self->fd, EINVAL, vt_segment_split(id, 1));
	RUN_ERR(self->fd, EINVAL, vt_segment_split(id, VT_PAGE + 8));
	RUN_ERR(self->fd, EINVAL, vt_segment_split(id, NR * VT_PAGE));
	RUN_ERR(self->fd, EINVAL, vt_segment_split(id, (NR + 1) * VT_PAGE));
	RUN_ERR(self->fd, EINVAL, vt_segment_split(id, -VT_PAGE));
}

/* H + 1, S - 1, rc the same; the last one takes the segment along [O-SegmentNext] */
TEST_F(store, next)
{
	__u64 id = RUN_OK(self->fd, vt_segment(START, END)).out.id, i;
	struct vmstore_op op;

	for (i = 0; i < NR; i++) {
		if (i)
			EXPECT_SEGMENT(id, START + i * VT_PAGE, END);
		op = RUN_OK(self->fd, vt_segment_next(id));
		EXPECT_EQ(i + 1, op.out.frame.id);
		EXPECT_EQ(START + i * VT_PAGE, op.out.frame.paddr);
		EXPECT_RC(1, START, END);
		EXPECT_EQ(0, vt_accounting(self->fd));
	}
	EXPECT_EQ(0, vt_count(self->fd, VMSTORE_DUMP_SEGMENTS));
	RUN_ERR(self->fd, ENOENT, vt_segment_next(id));
}

/* rc + 1 and S + 1 at each slot [O-SegmentClone], [O-SegmentSlice] */
TEST_F(store, clone_and_slice)
{
	__u64 id = RUN_OK(self->fd, vt_segment(START, END)).out.id;
	struct vmstore_op copy = RUN_OK(self->fd, vt_segment_clone(id)), part;

	EXPECT_SEGMENT(copy.out.id, START, END);
	EXPECT_EQ(START, copy.out.segment.start);
	EXPECT_EQ(END, copy.out.segment.end);
	EXPECT_RC(2, START, END);
	part = RUN_OK(self->fd, vt_segment_slice(id, START + VT_PAGE, END - VT_PAGE));
	EXPECT_SEGMENT(part.out.id, START + VT_PAGE, END - VT_PAGE);
	EXPECT_SEGMENT(id, START, END);
	EXPECT_RC(2, START, START + VT_PAGE);
	EXPECT_RC(3, START + VT_PAGE, END - VT_PAGE);
	EXPECT_RC(2, END - VT_PAGE, END);
	EXPECT_EQ(0, vt_accounting(self->fd));
	EXPECT_EQ(0, RUN_OK(self->fd, vt_segment_drop(id)).out.segment_drop.frames_freed);
	EXPECT_EQ(2, RUN_OK(self->fd, vt_segment_drop(copy.out.id)).out.segment_drop.frames_freed);
	EXPECT_EQ(2, RUN_OK(self->fd, vt_segment_drop(part.out.id)).out.segment_drop.frames_freed);
	EXPECT_EQ(self->info.out_free_slots, vt_free_slots(self->fd));
}

TEST_F(store, slice_refused)
{
	__u64 id = RUN_OK(self->fd, vt_segment(START, END)).out.id;

	RUN_OK(self->fd, vt_segment(END, END + VT_PAGE));
	RUN_ERR(self->fd, EINVAL, vt_segment_slice(id, START + 1, END));
	RUN_ERR(self->fd, EINVAL, vt_segment_slice(id, START, END - 1));
	RUN_ERR(self->fd, EINVAL, vt_segment_slice(id, START, START));
	RUN_ERR(self->fd, EINVAL, vt_segment_slice(id, END, START));
	RUN_ERR(self->fd, EINVAL, vt_segment_slice(id, START - VT_PAGE, END));
	RUN_ERR(self->fd, EINVAL, vt_segment_slice(id, START, END + VT_PAGE));
	RUN_ERR(self->fd, EINVAL, vt_segment_slice(id, 0, VT_PAGE));
	RUN_ERR(self->fd, EINVAL, vt_segment_slice(id, START, -VT_PAGE));
}

/* H - 1 and S + 1, no slot changes; and back */
TEST_F(store, of_a_frame)
{
	struct vmstore_op frame = RUN_OK(self->fd, vt_alloc()), op;
	__u64 paddr = frame.out.frame.paddr;

	op = RUN_OK(self->fd, vt_frame_to_segment(frame.out.id));
	EXPECT_SEGMENT(op.out.id, paddr, paddr + VT_PAGE);
	EXPECT_EQ(paddr, op.out.segment.start);
	EXPECT_EQ(paddr + VT_PAGE, op.out.segment.end);
	EXPECT_RC(1, paddr, paddr + VT_PAGE);
	EXPECT_EQ(0, vt_count(self->fd, VMSTORE_DUMP_FRAMES));
	RUN_ERR(self->fd, ENOENT, vt_frame_drop(frame.out.id));
	RUN_ERR(self->fd, EINVAL, vt_segment_split(op.out.id, VT_PAGE));
	op = RUN_OK(self->fd, vt_segment_next(op.out.id));
	EXPECT_EQ(paddr, op.out.frame.paddr);
	EXPECT_EQ(1, RUN_OK(self->fd, vt_frame_drop(op.out.id)).out.drop.freed);
}

/* What one operation of a batch makes, the next one takes; of a split both parts */
TEST_F(store, references)
{
	struct vmstore_op ops[] = {
		vt_segment(START, END),
		vt_segment_split(VMSTORE_REF(0), VT_PAGE),
		vt_segment_drop(VMSTORE_REF(1)),
		vt_segment_clone(VMSTORE_REF_SECOND(1)),
		vt_segment_next(VMSTORE_REF_SECOND(1)),
		vt_frame_to_segment(VMSTORE_REF(4)),
		vt_segment_drop(VMSTORE_REF(5)),
		vt_segment_drop(VMSTORE_REF_SECOND(1)),
		vt_segment_drop(VMSTORE_REF(3)),
	};
	struct vmstore_run run;

	ASSERT_EQ(0, vt_run(self->fd, ops, ARRAY_SIZE(ops), 0, &run));
	EXPECT_EQ(ARRAY_SIZE(ops), run.out_ran);
	EXPECT_EQ(0, run.out_failed);
	EXPECT_EQ(START + VT_PAGE, ops[3].out.segment.start);
	EXPECT_EQ(self->info.out_free_slots, vt_free_slots(self->fd));
}

/* A second id is one of SPLIT alone, and of the type the argument takes */
TEST_F(store, bad_references)
{
	struct vmstore_op ops[] = {
		vt_segment(START, END),
		vt_segment_drop(VMSTORE_REF_SECOND(0)),		/* makes one only */
		vt_alloc(),
		vt_segment_drop(VMSTORE_REF(2)),		/* a handle */
		vt_frame_drop(VMSTORE_REF(0)),			/* a segment */
		vt_frame_drop(VMSTORE_REF_SECOND(2)),
		vt_segment_split(VMSTORE_REF(0), 0),		/* fails */
		vt_segment_drop(VMSTORE_REF_SECOND(6)),
		vt_unique(START - VT_PAGE),
		vt_frame_drop(VMSTORE_REF(8)),			/* an exclusive handle */
		vt_unique_drop(VMSTORE_REF(2)),
	};
	struct vmstore_run run;
	size_t i;

	ASSERT_EQ(0, vt_run(self->fd, ops, ARRAY_SIZE(ops), VMSTORE_RUN_KEEP_GOING, &run));
	for (i = 0; i < ARRAY_SIZE(ops); i++)
		EXPECT_EQ(i == 0 || i == 2 || i == 8 ? 0 : -EINVAL, ops[i].out_errno)
			TH_LOG("operation %zu", i);
}

/* Frames that are only gathered: reaped, then claimed [D4] */
TEST_F(store, gathered_frames)
{
	__u64 space = RUN_OK(self->fd, vt_space_new()).out.id;
	__u64 cursor = RUN_OK(self->fd, vt_open_mut(space, 0, VT_2M)).out.id;
	__u64 id = RUN_OK(self->fd, vt_segment(START, END)).out.id;

	RUN_OK(self->fd, vt_activate(space, 0));
	RUN_OK(self->fd, vt_map_segment(cursor, id, VT_RW));
	RUN_OK(self->fd, vt_load(space, 0, 8, 0));
	RUN_OK(self->fd, vt_jump(cursor, 0));
	RUN_OK(self->fd, vt_unmap(cursor, NR * VT_PAGE));
	RUN_OK(self->fd, vt_segment(START, END));
	RUN_OK(self->fd, vt_activate(0, 0));
}

TEST_HARNESS_MAIN
