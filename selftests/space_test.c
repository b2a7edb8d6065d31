// SPDX-License-Identifier: GPL-2.0-only
/* Address spaces: new, drop, active on CPUs [5.1]. */
#include "store_fixture.h"

/* One slot UNUSED -> 1, usage PageTable, one path: the empty one [O-NewVmSpace] */
TEST_F(store, new)
{
	struct vmstore_rec_slots slot;
	struct vmstore_rec_space rec;
	struct vmstore_op op;

	op = RUN_OK(self->fd, vt_space_new());
	EXPECT_EQ(1, op.out.id);
	EXPECT_EQ(1, vt_count(self->fd, VMSTORE_DUMP_SPACES));
	rec = vt_space_rec(self->fd, 1);
	EXPECT_EQ(1, rec.id);
	EXPECT_EQ(0, rec.active);
	EXPECT_EQ(0, rec.cursors);
	slot = vt_slot(self->fd, rec.root);
	EXPECT_EQ(1, slot.nr);
	EXPECT_EQ(1, slot.rc);
	EXPECT_EQ(1, slot.paths);
	EXPECT_EQ(VMSTORE_USAGE_PAGETABLE, slot.usage);
	EXPECT_EQ(1, slot.storage);
	EXPECT_EQ(1, slot.type);
	EXPECT_EQ(4, slot.level);
	EXPECT_EQ(0, slot.nr_children);
	EXPECT_EQ(0, slot.stray);
	EXPECT_EQ(0, slot.owner);
	EXPECT_EQ(self->info.out_free_slots - 1, vt_free_slots(self->fd));
	EXPECT_EQ(1, vt_count_nodes(self->fd, 1, 0));
	EXPECT_EQ(0, vt_count_leaves(self->fd, 1));
}

TEST_F(store, many)
{
	struct vmstore_op op;
	__u64 i;

	for (i = 1; i <= 100; i++) {
		op = RUN_OK(self->fd, vt_space_new());
		EXPECT_EQ(i, op.out.id);
	}
	EXPECT_EQ(100, vt_count(self->fd, VMSTORE_DUMP_SPACES));
	for (i = 1; i <= 100; i += 2)
		RUN_OK(self->fd, vt_space_drop(i));
	EXPECT_EQ(50, vt_count(self->fd, VMSTORE_DUMP_SPACES));
	EXPECT_EQ(self->info.out_free_slots - 50, vt_free_slots(self->fd));
}

TEST_F(store, drop_empty)
{
	__u64 space = RUN_OK(self->fd, vt_space_new()).out.id;
	struct vmstore_op op = RUN_OK(self->fd, vt_space_drop(space));

	EXPECT_EQ(0, op.out.space_drop.id);
	EXPECT_EQ(0, op.out.space_drop.leaves);
	EXPECT_EQ(1, op.out.space_drop.nodes);
	EXPECT_EQ(0, op.out.space_drop.frames_freed);
	EXPECT_EQ(0, vt_count(self->fd, VMSTORE_DUMP_SPACES));
	RUN_OK(self->fd, vt_reap());
	EXPECT_EQ(self->info.out_free_slots, vt_free_slots(self->fd));
}

#define VA	0x7f0000000000ULL

/* Every leaf P - 1 and rc - 1, every node UNUSED [O-DropVmSpace, D6] */
TEST_F(store, drop_tears_down)
{
	__u64 space = RUN_OK(self->fd, vt_space_new()).out.id;
	__u64 cursor = RUN_OK(self->fd, vt_open_mut(space, VA, VA + 2 * VT_2M)).out.id;
	struct vmstore_op kept = RUN_OK(self->fd, vt_alloc()), op;
	int i;

	/* Ten frames mapped here alone, one mapped twice that has a handle too */
	for (i = 0; i < 10; i++) {
		__u64 frame = RUN_OK(self->fd, vt_alloc()).out.id;

		RUN_OK(self->fd, vt_map(cursor, frame, VT_RW));
	}
	for (i = 0; i < 2; i++) {
		__u64 more = RUN_OK(self->fd, vt_from_in_use(kept.out.frame.paddr)).out.id;

		RUN_OK(self->fd, vt_jump(cursor, VA + VT_2M + i * VT_PAGE));
		RUN_OK(self->fd, vt_map(cursor, more, VT_RO));
	}
	EXPECT_EQ(12, vt_count_leaves(self->fd, space));
	/* Root, one node each of level 3 and 2, two leaf tables */
	EXPECT_EQ(5, vt_count_nodes(self->fd, space, 0));
	RUN_ERR(self->fd, EBUSY, vt_space_drop(space));
	RUN_OK(self->fd, vt_cursor_drop(cursor));

	op = RUN_OK(self->fd, vt_space_drop(space));
	EXPECT_EQ(12, op.out.space_drop.leaves);
	EXPECT_EQ(5, op.out.space_drop.nodes);
	EXPECT_EQ(10, op.out.space_drop.frames_freed);
	RUN_OK(self->fd, vt_reap());
	EXPECT_EQ(1, vt_slot(self->fd, kept.out.frame.paddr).rc);
	EXPECT_EQ(0, vt_slot(self->fd, kept.out.frame.paddr).paths);
	EXPECT_EQ(self->info.out_free_slots - 1, vt_free_slots(self->fd));
	EXPECT_EQ(0, vt_accounting(self->fd));
}

/* No cursor outlives its space [S8, H1] */
TEST_F(store, drop_busy_with_cursor)
{
	__u64 space = RUN_OK(self->fd, vt_space_new()).out.id;
	__u64 one = RUN_OK(self->fd, vt_open_ro(space, 0, VT_PAGE)).out.id;
	__u64 two = RUN_OK(self->fd, vt_open_mut(space, VA, VA + VT_PAGE)).out.id;

	RUN_ERR(self->fd, EBUSY, vt_space_drop(space));
	EXPECT_EQ(2, vt_space_rec(self->fd, space).cursors);
	RUN_OK(self->fd, vt_cursor_drop(one));
	RUN_ERR(self->fd, EBUSY, vt_space_drop(space));
	RUN_OK(self->fd, vt_cursor_drop(two));
	RUN_OK(self->fd, vt_space_drop(space));
	RUN_ERR(self->fd, ENOENT, vt_space_drop(space));
	RUN_ERR(self->fd, ENOENT, vt_open_ro(space, 0, VT_PAGE));
}

/* Nor is a space dropped that some CPU has active */
TEST_F(store, drop_busy_while_active)
{
	__u64 space = RUN_OK(self->fd, vt_space_new()).out.id;
	__u64 other = RUN_OK(self->fd, vt_space_new()).out.id;
	__u32 last = self->info.out_nr_cpus - 1;

	RUN_OK(self->fd, vt_activate(space, 0));
	RUN_OK(self->fd, vt_activate(space, last));
	RUN_ERR(self->fd, EBUSY, vt_space_drop(space));
	RUN_OK(self->fd, vt_activate(0, 0));
	if (last) {
		RUN_ERR(self->fd, EBUSY, vt_space_drop(space));
		RUN_OK(self->fd, vt_activate(other, last));
	}
	RUN_OK(self->fd, vt_space_drop(space));
	if (last) {
		RUN_ERR(self->fd, EBUSY, vt_space_drop(other));
		RUN_OK(self->fd, vt_activate(0, last));
	}
	RUN_OK(self->fd, vt_space_drop(other));
}

/* One space at most per CPU, one CPU set per space [O-Activate] */
TEST_F(store, activate)
{
	__u64 one = RUN_OK(self->fd, vt_space_new()).out.id;
	__u64 two = RUN_OK(self->fd, vt_space_new()).out.id;
	__u32 nr = self->info.out_nr_cpus < 64 ? self->info.out_nr_cpus : 64;
	__u32 cpu;

	for (cpu = 0; cpu < nr; cpu++) {
		RUN_OK(self->fd, vt_activate(one, cpu));
		EXPECT_TRUE(vt_space_rec(self->fd, one).active & 1ULL << cpu);
	}
	/* Again is nothing new */
	RUN_OK(self->fd, vt_activate(one, 0));
	EXPECT_EQ(nr, (__u32)__builtin_popcountll(vt_space_rec(self->fd, one).active));
	RUN_OK(self->fd, vt_activate(two, 0));
	EXPECT_EQ(1, vt_space_rec(self->fd, two).active);
	EXPECT_FALSE(vt_space_rec(self->fd, one).active & 1);
	for (cpu = 0; cpu < nr; cpu++)
		RUN_OK(self->fd, vt_activate(0, cpu));
	EXPECT_EQ(0, vt_space_rec(self->fd, one).active);
	EXPECT_EQ(0, vt_space_rec(self->fd, two).active);
	/* None active, and none again */
	RUN_OK(self->fd, vt_activate(0, 0));
	RUN_ERR(self->fd, ENOENT, vt_activate(two + 1, 0));
}

/* A root has an even slot: bit 12 of the root register stays clear [design 6] */
TEST_F(store, root_is_even)
{
	int i;

	for (i = 0; i < 10; i++) {
		__u64 space = RUN_OK(self->fd, vt_space_new()).out.id;

		EXPECT_EQ(0, vt_space_rec(self->fd, space).root % (2 * VT_PAGE));
		RUN_OK(self->fd, vt_alloc());
	}
}

TEST_F(store, new_without_memory)
{
	__u64 free_slots = vt_free_slots(self->fd), i;

	for (i = 0; i < free_slots; i++)
		RUN_OK(self->fd, vt_alloc());
	RUN_ERR(self->fd, ENOMEM, vt_space_new());
	EXPECT_EQ(0, vt_count(self->fd, VMSTORE_DUMP_SPACES));
}

TEST_HARNESS_MAIN
