// SPDX-License-Identifier: GPL-2.0-only
/* Exclusive handles, and clones of shared ones [5.6, 5.4]. */
#include "store_fixture.h"

/* UNUSED -> UNIQUE, H stays [O-UniqueFromUnused] */
TEST_F(store, from_unused)
{
	__u64 paddr = vt_free_paddr(self->fd);
	struct vmstore_op op = RUN_OK(self->fd, vt_unique(paddr));

	EXPECT_EQ(1, op.out.frame.id);
	EXPECT_EQ(paddr, op.out.frame.paddr);
	EXPECT_EQ(VMSTORE_RC_UNIQUE, vt_slot(self->fd, paddr).rc);
	EXPECT_EQ(VMSTORE_USAGE_FRAME, vt_slot(self->fd, paddr).usage);
	EXPECT_EQ(0, vt_count(self->fd, VMSTORE_DUMP_FRAMES));
	EXPECT_EQ(1, vt_count(self->fd, VMSTORE_DUMP_UNIQUES));
	EXPECT_EQ(self->info.out_free_slots - 1, vt_free_slots(self->fd));
	EXPECT_EQ(0, vt_accounting(self->fd));
}

TEST_F(store, from_unused_refused)
{
	__u64 size = self->info.out_region_size;
	__u64 space = RUN_OK(self->fd, vt_space_new()).out.id;
	__u64 shared = RUN_OK(self->fd, vt_alloc()).out.frame.paddr;
	__u64 paddr = vt_free_paddr(self->fd);

	RUN_OK(self->fd, vt_unique(paddr));
	RUN_ERR(self->fd, EINVAL, vt_unique(paddr + 1));
	RUN_ERR(self->fd, EINVAL, vt_unique(size + 1));
	RUN_ERR(self->fd, ERANGE, vt_unique(size));
	RUN_ERR(self->fd, ERANGE, vt_unique(-VT_PAGE));
	RUN_ERR(self->fd, EBUSY, vt_unique(paddr));
	RUN_ERR(self->fd, EBUSY, vt_unique(shared));
	RUN_ERR(self->fd, EBUSY, vt_unique(vt_space_rec(self->fd, space).root));
}

/* Nobody else gets at the frame */
TEST_F(store, excludes)
{
	__u64 space = RUN_OK(self->fd, vt_space_new()).out.id;
	__u64 paddr = vt_free_paddr(self->fd);
	__u64 id = RUN_OK(self->fd, vt_unique(paddr)).out.id;

	RUN_ERR(self->fd, EBUSY, vt_from_unused(paddr));
	RUN_ERR(self->fd, EBUSY, vt_from_in_use(paddr));
	RUN_ERR(self->fd, EBUSY, vt_segment(paddr, paddr + VT_PAGE));
	RUN_ERR(self->fd, EACCES, vt_load(space, VMSTORE_KERNEL_BASE + paddr, 8, 0));
	RUN_ERR(self->fd, EACCES, vt_kio_new(true, VMSTORE_KERNEL_BASE + paddr, 8));
	/* An exclusive handle is no handle */
	RUN_ERR(self->fd, ENOENT, vt_frame_drop(id));
	RUN_ERR(self->fd, ENOENT, vt_frame_clone(id));
	RUN_ERR(self->fd, ENOENT, vt_try_from_shared(id));
}

/* Teardown; what is left is the usage [O-UniqueDrop] */
TEST_F(store, drop)
{
	__u64 paddr = vt_free_paddr(self->fd);
	__u64 id = RUN_OK(self->fd, vt_unique(paddr)).out.id;
	struct vmstore_op op = RUN_OK(self->fd, vt_unique_drop(id));

	EXPECT_EQ(0, op.out.drop.id);
	EXPECT_EQ(paddr, op.out.drop.paddr);
	EXPECT_EQ(1, op.out.drop.freed);
	EXPECT_EQ(VMSTORE_RC_UNUSED, vt_slot(self->fd, paddr).rc);
	EXPECT_EQ(VMSTORE_USAGE_FRAME, vt_slot(self->fd, paddr).usage);
	EXPECT_EQ(0, vt_slot(self->fd, paddr).storage);
	RUN_ERR(self->fd, ENOENT, vt_unique_drop(id));
	RUN_ERR(self->fd, ENOENT, vt_unique_drop(0));
	RUN_ERR(self->fd, ENOENT, vt_unique_drop(id + 1));
	/* D10: the count decides, not the usage that is left */
	RUN_OK(self->fd, vt_unique(paddr));
}

/* UNIQUE -> 1, H + 1 [O-FromUnique], and 1 -> UNIQUE [O-TryFromShared] */
TEST_F(store, shared_and_back)
{
	__u64 paddr = vt_free_paddr(self->fd);
	__u64 unique = RUN_OK(self->fd, vt_unique(paddr)).out.id;
	struct vmstore_op frame = RUN_OK(self->fd, vt_from_unique(unique)), clone, op;

	EXPECT_EQ(paddr, frame.out.frame.paddr);
	EXPECT_EQ(1, vt_slot(self->fd, paddr).rc);
	EXPECT_EQ(1, vt_count(self->fd, VMSTORE_DUMP_FRAMES));
	EXPECT_EQ(0, vt_count(self->fd, VMSTORE_DUMP_UNIQUES));
	RUN_ERR(self->fd, ENOENT, vt_unique_drop(unique));
	RUN_ERR(self->fd, ENOENT, vt_from_unique(unique));

	/* Not while anybody else has it: the handle stays what it is */
	clone = RUN_OK(self->fd, vt_frame_clone(frame.out.id));
	EXPECT_EQ(paddr, clone.out.frame.paddr);
	EXPECT_EQ(2, vt_slot(self->fd, paddr).rc);
	RUN_ERR(self->fd, EBUSY, vt_try_from_shared(frame.out.id));
	RUN_ERR(self->fd, EBUSY, vt_try_from_shared(clone.out.id));
	RUN_OK(self->fd, vt_frame_drop(frame.out.id));
	op = RUN_OK(self->fd, vt_try_from_shared(clone.out.id));
	EXPECT_LT(unique, op.out.frame.id);
	EXPECT_EQ(paddr, op.out.frame.paddr);
	EXPECT_EQ(VMSTORE_RC_UNIQUE, vt_slot(self->fd, paddr).rc);
	RUN_ERR(self->fd, ENOENT, vt_frame_drop(clone.out.id));
	RUN_ERR(self->fd, ENOENT, vt_try_from_shared(clone.out.id));
	RUN_ERR(self->fd, ENOENT, vt_try_from_shared(0));
	EXPECT_EQ(0, vt_accounting(self->fd));
}

/* A leaf and a segment are others, too; and the content stays */
TEST_F(store, try_from_shared_of_others)
{
	__u64 space = RUN_OK(self->fd, vt_space_new()).out.id;
	__u64 cursor = RUN_OK(self->fd, vt_open_mut(space, 0, VT_PAGE)).out.id;
	struct vmstore_op frame = RUN_OK(self->fd, vt_alloc());
	__u64 id = frame.out.id, copy, window = VMSTORE_KERNEL_BASE + frame.out.frame.paddr;

	RUN_OK(self->fd, vt_write(space, window, 8, 0x1234, 0));
	copy = RUN_OK(self->fd, vt_frame_clone(id)).out.id;
	RUN_OK(self->fd, vt_map(cursor, copy, VT_RW));
	RUN_ERR(self->fd, EBUSY, vt_try_from_shared(id));
	RUN_OK(self->fd, vt_jump(cursor, 0));
	RUN_OK(self->fd, vt_unmap(cursor, VT_PAGE));
	RUN_OK(self->fd, vt_reap());
	copy = RUN_OK(self->fd, vt_frame_clone(id)).out.id;
	copy = RUN_OK(self->fd, vt_frame_to_segment(copy)).out.id;
	RUN_ERR(self->fd, EBUSY, vt_try_from_shared(id));
	RUN_OK(self->fd, vt_segment_drop(copy));
	id = RUN_OK(self->fd, vt_try_from_shared(id)).out.id;
	RUN_OK(self->fd, vt_from_unique(id));
	EXPECT_EQ(0x1234, RUN_OK(self->fd, vt_load(space, window, 8, 0)).out.access.value);
}

/* rc + 1 and H + 1 [O-FrameExtra] */
TEST_F(store, clone)
{
	struct vmstore_op frame = RUN_OK(self->fd, vt_alloc()), op;
	__u64 i;

	for (i = 2; i < 6; i++) {
		op = RUN_OK(self->fd, vt_frame_clone(frame.out.id));
		EXPECT_EQ(frame.out.id + i - 1, op.out.frame.id);
		EXPECT_EQ(frame.out.frame.paddr, op.out.frame.paddr);
		EXPECT_EQ(i, vt_slot(self->fd, frame.out.frame.paddr).rc);
	}
	RUN_OK(self->fd, vt_frame_drop(frame.out.id));
	RUN_ERR(self->fd, ENOENT, vt_frame_clone(frame.out.id));
	RUN_ERR(self->fd, ENOENT, vt_frame_clone(0));
	RUN_ERR(self->fd, ENOENT, vt_frame_clone(99));
	RUN_ERR(self->fd, EINVAL, vt_frame_clone(VMSTORE_REF(0)));
	EXPECT_EQ(0, vt_accounting(self->fd));
}

/* What one operation of a batch makes, the next one takes */
TEST_F(store, references)
{
	struct vmstore_op ops[] = {
		vt_unique(vt_free_paddr(self->fd)),
		vt_from_unique(VMSTORE_REF(0)),
		vt_frame_clone(VMSTORE_REF(1)),
		vt_frame_drop(VMSTORE_REF(1)),
		vt_try_from_shared(VMSTORE_REF(2)),
		vt_unique_drop(VMSTORE_REF(4)),
	};
	struct vmstore_run run;

	ASSERT_EQ(0, vt_run(self->fd, ops, ARRAY_SIZE(ops), 0, &run));
	EXPECT_EQ(0, run.out_failed);
	EXPECT_EQ(ARRAY_SIZE(ops), run.out_ran);
	EXPECT_EQ(self->info.out_free_slots, vt_free_slots(self->fd));
}

TEST_HARNESS_MAIN
