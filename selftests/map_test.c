// SPDX-License-Identifier: GPL-2.0-only
/* What mutable cursors change: map, unmap, protect [5.2]. */
#include "vmstore_test.h"

#define VA	0x40000000ULL	/* the first address of a level-2 node */

FIXTURE(map) {
	int fd;
	struct vmstore_info info;
	__u64 space;
	__u64 cursor;		/* mutable, over one level-2 node */
};

FIXTURE_VARIANT(map) {
	__u32 machine;
	__u32 mode;
};

FIXTURE_VARIANT_ADD(map, default_full) {
	.machine = VMSTORE_MACHINE_DEFAULT,
	.mode = VMSTORE_CHECK_FULL,
};

FIXTURE_VARIANT_ADD(map, default_step) {
	.machine = VMSTORE_MACHINE_DEFAULT,
	.mode = VMSTORE_CHECK_STEP,
};

FIXTURE_VARIANT_ADD(map, soft_full) {
	.machine = VMSTORE_MACHINE_SOFT,
	.mode = VMSTORE_CHECK_FULL,
};

FIXTURE_SETUP(map)
{
	const char *reason = vt_skip_reason(variant->machine);

	self->fd = -1;
	if (reason)
		SKIP(return, "%s", reason);
	self->fd = vt_store(variant->machine, variant->mode, VT_SMALL);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, vt_info(self->fd, &self->info));
	self->space = RUN_OK(self->fd, vt_space_new()).out.id;
	self->cursor = RUN_OK(self->fd, vt_open_mut(self->space, VA, VA + VT_1G)).out.id;
}

FIXTURE_TEARDOWN(map)
{
	if (self->fd < 0)
		return;
	EXPECT_EQ(0, vt_settled(self->fd));
	EXPECT_EQ(0, close(self->fd));
}

/* Map a new frame at @va; its address */
#define MAP_NEW(va, prop) ({						\
	struct vmstore_op _got;						\
									\
	RUN_OK(self->fd, vt_jump(self->cursor, va));			\
	_got = RUN_OK(self->fd, vt_alloc());				\
	RUN_OK(self->fd, vt_map(self->cursor, _got.out.id, prop));	\
	_got.out.frame.paddr; })

/* How many things wait to be released: what is counted in H without a handle */
static __u64 gathered(int fd)
{
	struct vmstore_info info;

	return vt_info(fd, &info) ? ~0ULL : info.out_gathered;
}

/* --- map ------------------------------------------------------------------- */

/* rc as it was, P + 1, H - 1: the handle's reference becomes the leaf's [O-Map] */
TEST_F(map, map)
{
	struct vmstore_op frame = RUN_OK(self->fd, vt_alloc()), op;
	__u64 paddr = frame.out.frame.paddr;

	op = RUN_OK(self->fd, vt_map(self->cursor, frame.out.id, VT_RW));
	EXPECT_EQ(0, op.out.map.id);
	EXPECT_EQ(VA + VT_PAGE, op.out.map.va);
	EXPECT_EQ(0, op.out.map.replaced);
	EXPECT_EQ(0, op.out.map.old_paddr);
	EXPECT_EQ(1, op.out.map.nodes_allocated);
	EXPECT_EQ(1, vt_slot(self->fd, paddr).rc);
	EXPECT_EQ(1, vt_slot(self->fd, paddr).paths);
	EXPECT_EQ(VMSTORE_USAGE_FRAME, vt_slot(self->fd, paddr).usage);
	EXPECT_EQ(0, vt_count(self->fd, VMSTORE_DUMP_FRAMES));
	EXPECT_EQ(1, vt_count_leaves(self->fd, self->space));
	EXPECT_EQ(0, vt_accounting(self->fd));
	/* The handle is consumed */
	RUN_ERR(self->fd, ENOENT, vt_frame_drop(frame.out.id));
	RUN_ERR(self->fd, ENOENT, vt_map(self->cursor, frame.out.id, VT_RW));
}

TEST_F(map, map_advances)
{
	__u64 i;

	/* Across the end of a leaf table */
	RUN_OK(self->fd, vt_jump(self->cursor, VA + VT_2M - 3 * VT_PAGE));
	for (i = 0; i < 6; i++) {
		__u64 frame = RUN_OK(self->fd, vt_alloc()).out.id;
		struct vmstore_op op = RUN_OK(self->fd, vt_map(self->cursor, frame, VT_RW));

		EXPECT_EQ(VA + VT_2M - (2 - i) * VT_PAGE, op.out.map.va);
		EXPECT_EQ(i == 0 || i == 3, op.out.map.nodes_allocated);
	}
	EXPECT_EQ(6, vt_count_leaves(self->fd, self->space));
	EXPECT_EQ(2, vt_count_nodes(self->fd, self->space, 1));
}

/* Missing tables are made on the way down, and are the cursor's from birth [Lk8] */
TEST_F(map, map_makes_tables)
{
	__u64 wide = RUN_OK(self->fd, vt_space_new()).out.id;
	__u64 id = RUN_OK(self->fd, vt_open_mut(wide, 0, VMSTORE_USER_END)).out.id;
	struct vt_sec sec;
	size_t i;

	EXPECT_EQ(3, RUN_OK(self->fd, vt_map(id, RUN_OK(self->fd, vt_alloc()).out.id,
					     VT_RW)).out.map.nodes_allocated);
	RUN_OK(self->fd, vt_jump(id, VT_1G));
	EXPECT_EQ(2, RUN_OK(self->fd, vt_map(id, RUN_OK(self->fd, vt_alloc()).out.id,
					     VT_RW)).out.map.nodes_allocated);
	EXPECT_EQ(6, vt_count_nodes(self->fd, wide, 0));
	ASSERT_EQ(0, vt_dump(self->fd, VMSTORE_DUMP_NODES, 1 << 16, &sec));
	for (i = 0; i < sec.nr; i++) {
		struct vmstore_rec_node *rec = (void *)sec.data;

		if (rec[i].space == wide)
			EXPECT_EQ(id, rec[i].owner);
	}
	vt_sec_free(&sec);
}

/* The last page that can be mapped, one that no access may reach [1.2] */
TEST_F(map, map_last_page)
{
	__u64 id = RUN_OK(self->fd, vt_open_mut(self->space, VMSTORE_USER_END - VT_PAGE,
						VMSTORE_USER_END)).out.id;
	__u64 frame = RUN_OK(self->fd, vt_alloc()).out.id;
	struct vmstore_op op = RUN_OK(self->fd, vt_map(id, frame, VT_RW));

	EXPECT_EQ(VMSTORE_USER_END, op.out.map.va);
	EXPECT_EQ(0, vt_check(self->fd));
}

/* P counts installed leaves, in one space and in several [2.8, D2] */
TEST_F(map, map_same_frame)
{
	__u64 other = RUN_OK(self->fd, vt_space_new()).out.id;
	__u64 id = RUN_OK(self->fd, vt_open_mut(other, VA, VA + VT_2M)).out.id;
	__u64 paddr = MAP_NEW(VA, VT_RW);
	__u64 i;

	for (i = 2; i <= 4; i++) {
		__u64 frame = RUN_OK(self->fd, vt_from_in_use(paddr)).out.id;

		RUN_OK(self->fd, vt_map(self->cursor, frame, VT_RO));
		EXPECT_EQ(i, vt_slot(self->fd, paddr).rc);
		EXPECT_EQ(i, vt_slot(self->fd, paddr).paths);
	}
	/* At the same address of another space */
	RUN_OK(self->fd, vt_map(id, RUN_OK(self->fd, vt_from_in_use(paddr)).out.id, VT_RW));
	EXPECT_EQ(5, vt_slot(self->fd, paddr).paths);
	EXPECT_EQ(0, vt_accounting(self->fd));
	RUN_OK(self->fd, vt_cursor_drop(id));
	RUN_OK(self->fd, vt_space_drop(other));
	EXPECT_EQ(4, vt_slot(self->fd, paddr).rc);
	EXPECT_EQ(4, vt_slot(self->fd, paddr).paths);
}

/* A leaf that is there is replaced; what it was is told, and what became of it */
TEST_F(map, map_replaces)
{
	struct vmstore_prop prop = vt_prop(VMSTORE_PROP_R | VMSTORE_PROP_AVAIL2,
					   VMSTORE_CACHE_UC, VMSTORE_PRIV_USER);
	__u64 old = MAP_NEW(VA, prop), frame;
	struct vmstore_op op;

	RUN_OK(self->fd, vt_jump(self->cursor, VA));
	op = RUN_OK(self->fd, vt_alloc());
	frame = op.out.frame.paddr;
	op = RUN_OK(self->fd, vt_map(self->cursor, op.out.id, VT_RW));
	EXPECT_EQ(1, op.out.map.replaced);
	EXPECT_EQ(old, op.out.map.old_paddr);
	EXPECT_EQ(prop.flags, op.out.map.old_prop.flags & ~VMSTORE_PROP_ACCESSED);
	EXPECT_EQ(prop.cache, op.out.map.old_prop.cache);
	EXPECT_EQ(prop.priv, op.out.map.old_prop.priv);
	EXPECT_EQ(0, op.out.map.nodes_allocated);
	EXPECT_EQ(1, vt_count_leaves(self->fd, self->space));
	EXPECT_EQ(0, vt_slot(self->fd, old).paths);
	EXPECT_EQ(1, vt_slot(self->fd, frame).paths);
	RUN_OK(self->fd, vt_reap());
	EXPECT_EQ(VMSTORE_RC_UNUSED, vt_slot(self->fd, old).rc);
	EXPECT_EQ(0, gathered(self->fd));
}

/* Accessed and dirty bits of what was replaced are not lost */
TEST_F(map, map_replaces_accessed_dirty)
{
	struct vmstore_op op;
	int i;

	for (i = 0; i < 3; i++)
		MAP_NEW(VA + i * VT_PAGE, VT_RW);
	RUN_OK(self->fd, vt_load(self->space, VA + VT_PAGE, 8, 0));
	RUN_OK(self->fd, vt_write(self->space, VA + 2 * VT_PAGE, 8, 1, 0));
	for (i = 0; i < 3; i++) {
		__u64 frame = RUN_OK(self->fd, vt_alloc()).out.id;

		RUN_OK(self->fd, vt_jump(self->cursor, VA + i * VT_PAGE));
		op = RUN_OK(self->fd, vt_map(self->cursor, frame, VT_RW));
		/* A CPU may set accessed on its own account, but dirty never */
		if (i)
			EXPECT_TRUE(op.out.map.old_prop.flags & VMSTORE_PROP_ACCESSED);
		EXPECT_EQ(i == 2, !!(op.out.map.old_prop.flags & VMSTORE_PROP_DIRTY));
	}
}

/* A frame put over itself: the old leaf's reference waits, the new one's counts */
TEST_F(map, map_over_itself)
{
	__u64 paddr = MAP_NEW(VA, VT_RW);
	__u64 frame = RUN_OK(self->fd, vt_from_in_use(paddr)).out.id;
	struct vmstore_op op;

	RUN_OK(self->fd, vt_jump(self->cursor, VA));
	op = RUN_OK(self->fd, vt_map(self->cursor, frame, VT_RO));
	EXPECT_EQ(paddr, op.out.map.old_paddr);
	EXPECT_EQ(1, vt_slot(self->fd, paddr).paths);
	RUN_OK(self->fd, vt_reap());
	EXPECT_EQ(1, vt_slot(self->fd, paddr).rc);
	EXPECT_EQ(1, vt_slot(self->fd, paddr).paths);
}

TEST_F(map, map_refused)
{
	__u64 frame = RUN_OK(self->fd, vt_alloc()).out.id;
	__u64 ro = RUN_OK(self->fd, vt_open_ro(self->space, 0, VT_PAGE)).out.id;
	__u64 one = RUN_OK(self->fd, vt_open_mut(self->space, 2 * VT_2M,
						 2 * VT_2M + VT_PAGE)).out.id;

	RUN_ERR(self->fd, EINVAL, vt_map(ro, frame, VT_RW));
	RUN_ERR(self->fd, ENOENT, vt_map(4711, frame, VT_RW));
	RUN_ERR(self->fd, ENOENT, vt_map(self->cursor, frame + 1, VT_RW));
	/* Past the end */
	RUN_OK(self->fd, vt_map(one, frame, VT_RW));
	frame = RUN_OK(self->fd, vt_alloc()).out.id;
	RUN_ERR(self->fd, EINVAL, vt_map(one, frame, VT_RW));
}

static const struct bad_prop {
	const char *why;
	struct vmstore_prop prop;
} bad_props[] = {
	{ "nothing", {} },
	{ "no R", { VMSTORE_PROP_W, VMSTORE_CACHE_WB, VMSTORE_PRIV_USER } },
	{ "no R but the rest", { 0xde, VMSTORE_CACHE_WB, 3 } },
	{ "undefined flag", { VMSTORE_PROP_R | 0x20, VMSTORE_CACHE_WB, 1 } },
	{ "write-combining", { VMSTORE_PROP_R, VMSTORE_CACHE_WC, 1 } },
	{ "write-protected", { VMSTORE_PROP_R, VMSTORE_CACHE_WP, 1 } },
	{ "undefined cache policy", { VMSTORE_PROP_R, 5, 1 } },
	{ "undefined cache policy, wrapping", { VMSTORE_PROP_R, 0x80, 1 } },
	{ "cache policy of all bits", { VMSTORE_PROP_R, 0xff, 1 } },
	{ "shared with the host", { VMSTORE_PROP_R, 0, VMSTORE_PRIV_SHARED } },
	{ "shared and user", { VMSTORE_PROP_R, 0, VMSTORE_PRIV_SHARED | 1 } },
	{ "undefined privileged flag", { VMSTORE_PROP_R, 0, 0x04 } },
	{ "undefined privileged flag 0x40", { VMSTORE_PROP_R, 0, 0x41 } },
	{ "reserved", { VMSTORE_PROP_R, 0, 1, 1 } },
};

#define NR_BAD_PROPS	(ARRAY_SIZE(bad_props))

TEST_F(map, map_property_refused)
{
	__u64 frame = RUN_OK(self->fd, vt_alloc()).out.id;
	size_t i;

	for (i = 0; i < NR_BAD_PROPS; i++) {
		struct vmstore_op op = vt_map(self->cursor, frame, bad_props[i].prop);

		EXPECT_EQ(-EINVAL, vt_refused(self->fd, &op))
			TH_LOG("%s", bad_props[i].why);
	}
	RUN_OK(self->fd, vt_map(self->cursor, frame, VT_RW));
}

/* Every property that can be encoded reads back as it was written [N-PageProperty] */
TEST_F(map, map_every_property)
{
	__u64 frame = RUN_OK(self->fd, vt_alloc()).out.id;
	struct vmstore_op *ops = calloc(3, sizeof(*ops));
	__u32 flags, cache, priv;

	ASSERT_NE(NULL, ops);
	for (flags = 0; flags < 256; flags++) {
		if (!(flags & VMSTORE_PROP_R) || flags & 0x20)
			continue;
		for (cache = VMSTORE_CACHE_WB; cache <= VMSTORE_CACHE_UC; cache++) {
			/* The four privileged ones take turns: each meets every other */
			priv = (flags >> 1 ^ cache) & 3;
			ops[0] = vt_map(self->cursor, frame, vt_prop(flags, cache, priv));
			ops[1] = vt_jump(self->cursor, VA);
			ops[2] = vt_query(self->cursor);
			ASSERT_EQ(0, vt_run(self->fd, ops, 3, 0, NULL));
			ASSERT_EQ(0, ops[2].out_errno);
			EXPECT_EQ(flags, ops[2].out.query.prop.flags);
			EXPECT_EQ(cache, ops[2].out.query.prop.cache);
			EXPECT_EQ(priv, ops[2].out.query.prop.priv);
			frame = ops[2].out.query.id;
		}
	}
	free(ops);
}

TEST_F(map, map_without_memory)
{
	__u64 nr = vt_free_slots(self->fd), i;
	__u64 frame = 0;

	for (i = 0; i < nr; i++)
		frame = RUN_OK(self->fd, vt_alloc()).out.id;
	RUN_ERR(self->fd, ENOMEM, vt_map(self->cursor, frame, VT_RW));
	/* One slot more is the leaf table */
	RUN_OK(self->fd, vt_frame_drop(frame - 1));
	RUN_OK(self->fd, vt_map(self->cursor, frame, VT_RW));
}

/* --- unmap ----------------------------------------------------------------- */

TEST_F(map, unmap_part_of_table)
{
	__u64 paddr[4];
	struct vmstore_op op;
	int i;

	for (i = 0; i < 4; i++)
		paddr[i] = MAP_NEW(VA + i * VT_PAGE, VT_RW);
	RUN_OK(self->fd, vt_jump(self->cursor, VA + VT_PAGE));
	op = RUN_OK(self->fd, vt_unmap(self->cursor, 2 * VT_PAGE));
	EXPECT_EQ(0, op.out.unmap.id);
	EXPECT_EQ(2, op.out.unmap.removed);
	EXPECT_EQ(0, op.out.unmap.nodes);
	EXPECT_EQ(VA + 3 * VT_PAGE, op.out.unmap.va);
	EXPECT_EQ(2, vt_count_leaves(self->fd, self->space));
	EXPECT_EQ(1, vt_count_nodes(self->fd, self->space, 1));
	/* P falls at once, rc when the flush is done */
	EXPECT_EQ(0, vt_slot(self->fd, paddr[1]).paths);
	RUN_OK(self->fd, vt_reap());
	EXPECT_EQ(1, vt_slot(self->fd, paddr[0]).rc);
	EXPECT_EQ(VMSTORE_RC_UNUSED, vt_slot(self->fd, paddr[1]).rc);
	EXPECT_EQ(VMSTORE_RC_UNUSED, vt_slot(self->fd, paddr[2]).rc);
	EXPECT_EQ(1, vt_slot(self->fd, paddr[3]).rc);
}

/* rc - P is constant: a handle keeps the frame [O-Unmap] */
TEST_F(map, unmap_keeps_handles)
{
	__u64 paddr = MAP_NEW(VA, VT_RW);

	RUN_OK(self->fd, vt_from_in_use(paddr));
	RUN_OK(self->fd, vt_jump(self->cursor, VA));
	EXPECT_EQ(1, RUN_OK(self->fd, vt_unmap(self->cursor, VT_PAGE)).out.unmap.removed);
	RUN_OK(self->fd, vt_reap());
	EXPECT_EQ(1, vt_slot(self->fd, paddr).rc);
	EXPECT_EQ(0, vt_slot(self->fd, paddr).paths);
}

/* A child table whose whole span is in the range goes as a whole, an empty one too */
TEST_F(map, unmap_whole_tables)
{
	__u64 nr = vt_free_slots(self->fd);
	struct vmstore_op op;
	int i;

	for (i = 0; i < 5; i++)
		MAP_NEW(VA + i * VT_PAGE, VT_RW);
	for (i = 0; i < 3; i++)
		MAP_NEW(VA + VT_2M + i * VT_PAGE, VT_RW);
	/* A third table, emptied */
	MAP_NEW(VA + 2 * VT_2M, VT_RW);
	RUN_OK(self->fd, vt_jump(self->cursor, VA + 2 * VT_2M));
	RUN_OK(self->fd, vt_unmap(self->cursor, VT_PAGE));
	EXPECT_EQ(3, vt_count_nodes(self->fd, self->space, 1));

	RUN_OK(self->fd, vt_jump(self->cursor, VA));
	op = RUN_OK(self->fd, vt_unmap(self->cursor, VT_1G));
	EXPECT_EQ(8, op.out.unmap.removed);
	EXPECT_EQ(3, op.out.unmap.nodes);
	EXPECT_LE(VA + VT_1G, op.out.unmap.va);
	EXPECT_EQ(0, vt_count_nodes(self->fd, self->space, 1));
	EXPECT_EQ(0, vt_count_leaves(self->fd, self->space));
	/* The guard node is not the cursor's to remove */
	EXPECT_EQ(1, vt_count_nodes(self->fd, self->space, 2));
	RUN_OK(self->fd, vt_reap());
	EXPECT_EQ(nr, vt_free_slots(self->fd));
	/* And all can be mapped again */
	MAP_NEW(VA, VT_RW);
}

/* Tables above leaf tables go with all below them */
TEST_F(map, unmap_high_tables)
{
	__u64 space = RUN_OK(self->fd, vt_space_new()).out.id;
	__u64 id = RUN_OK(self->fd, vt_open_mut(space, 0, VMSTORE_USER_END)).out.id;
	__u64 nr = vt_free_slots(self->fd), i;
	struct vmstore_op op;

	for (i = 0; i < 6; i++) {
		RUN_OK(self->fd, vt_jump(id, i * 37 * VT_1G));
		RUN_OK(self->fd, vt_map(id, RUN_OK(self->fd, vt_alloc()).out.id, VT_RW));
	}
	/* One of level 3, six of level 2, six of level 1 below the root */
	EXPECT_EQ(14, vt_count_nodes(self->fd, space, 0));
	/* A new cursor stands in the guard node; a table one stands in is no child of it */
	RUN_OK(self->fd, vt_cursor_drop(id));
	id = RUN_OK(self->fd, vt_open_mut(space, 0, VMSTORE_USER_END)).out.id;
	op = RUN_OK(self->fd, vt_unmap(id, VMSTORE_USER_END));
	EXPECT_EQ(6, op.out.unmap.removed);
	EXPECT_EQ(13, op.out.unmap.nodes);
	EXPECT_EQ(VMSTORE_USER_END, op.out.unmap.va);
	EXPECT_EQ(1, vt_count_nodes(self->fd, space, 0));
	RUN_OK(self->fd, vt_reap());
	EXPECT_EQ(nr, vt_free_slots(self->fd));
}

/* Half of one table, one as a whole, half of a third */
TEST_F(map, unmap_mixed)
{
	struct vmstore_op op;
	int i;

	for (i = 0; i < 12; i++)
		MAP_NEW(VA + i * (VT_2M / 4), VT_RW);
	RUN_OK(self->fd, vt_jump(self->cursor, VA + VT_2M / 2));
	op = RUN_OK(self->fd, vt_unmap(self->cursor, 2 * VT_2M));
	EXPECT_EQ(8, op.out.unmap.removed);
	EXPECT_EQ(1, op.out.unmap.nodes);
	EXPECT_EQ(4, vt_count_leaves(self->fd, self->space));
	EXPECT_EQ(2, vt_count_nodes(self->fd, self->space, 1));
	RUN_OK(self->fd, vt_jump(self->cursor, VA));
	EXPECT_EQ(1, RUN_OK(self->fd, vt_find_next(self->cursor, VT_PAGE)).out.va.found);
	RUN_OK(self->fd, vt_jump(self->cursor, VA + VT_2M / 2));
	op = RUN_OK(self->fd, vt_find_next(self->cursor, 3 * VT_2M));
	EXPECT_EQ(VA + 2 * VT_2M + VT_2M / 2, op.out.va.va);
}

/* More than any queue or gather holds [Tl2, D4] */
TEST_F(map, unmap_many)
{
	__u64 nr = vt_free_slots(self->fd);
	struct vmstore_op op;
	int i;

	RUN_OK(self->fd, vt_activate(self->space, 0));
	for (i = 0; i < 200; i++) {
		RUN_OK(self->fd, vt_map(self->cursor, RUN_OK(self->fd, vt_alloc()).out.id,
					VT_RW));
		if (!(i % 16))
			RUN_OK(self->fd, vt_load(self->space, VA + i * VT_PAGE, 8, 0));
	}
	RUN_OK(self->fd, vt_jump(self->cursor, VA));
	/* Not the whole table: leaf by leaf */
	op = RUN_OK(self->fd, vt_unmap(self->cursor, VT_2M - VT_PAGE));
	EXPECT_EQ(200, op.out.unmap.removed);
	EXPECT_EQ(0, op.out.unmap.nodes);
	EXPECT_LE(13, op.out.unmap.accessed);
	EXPECT_EQ(0, op.out.unmap.dirty);
	RUN_OK(self->fd, vt_reap());
	EXPECT_EQ(nr - 1, vt_free_slots(self->fd));
	RUN_OK(self->fd, vt_activate(0, 0));
}

TEST_F(map, unmap_counts_accessed_dirty)
{
	struct vmstore_op op;
	int i;

	for (i = 0; i < 10; i++)
		MAP_NEW(VA + i * VT_PAGE, VT_RW);
	for (i = 0; i < 4; i++)
		RUN_OK(self->fd, vt_load(self->space, VA + i * VT_PAGE, 4, 0));
	for (i = 3; i < 6; i++)
		RUN_OK(self->fd, vt_write(self->space, VA + i * VT_PAGE, 4, 7, 0));
	RUN_OK(self->fd, vt_jump(self->cursor, VA));
	op = RUN_OK(self->fd, vt_unmap(self->cursor, VT_2M));
	EXPECT_EQ(10, op.out.unmap.removed);
	/* A CPU may set accessed on its own account, but dirty never */
	EXPECT_LE(6, op.out.unmap.accessed);
	EXPECT_EQ(3, op.out.unmap.dirty);
}

TEST_F(map, unmap_nothing)
{
	struct vmstore_op op = RUN_OK(self->fd, vt_unmap(self->cursor, 0));

	EXPECT_EQ(VA, op.out.unmap.va);
	EXPECT_EQ(0, op.out.unmap.removed);
	op = RUN_OK(self->fd, vt_unmap(self->cursor, VT_PAGE));
	EXPECT_EQ(0, op.out.unmap.removed);
	EXPECT_EQ(0, op.out.unmap.nodes);
	EXPECT_LE(VA + VT_PAGE, op.out.unmap.va);
}

TEST_F(map, unmap_refused)
{
	__u64 ro = RUN_OK(self->fd, vt_open_ro(self->space, 0, VT_PAGE)).out.id;

	MAP_NEW(VA, VT_RW);
	RUN_OK(self->fd, vt_jump(self->cursor, VA));
	RUN_ERR(self->fd, EINVAL, vt_unmap(ro, VT_PAGE));
	RUN_ERR(self->fd, EINVAL, vt_unmap(self->cursor, 1));
	RUN_ERR(self->fd, EINVAL, vt_unmap(self->cursor, VT_1G + VT_PAGE));
	RUN_ERR(self->fd, EINVAL, vt_unmap(self->cursor, -VA));
	RUN_ERR(self->fd, EINVAL, vt_unmap(self->cursor, -VT_PAGE));
	RUN_ERR(self->fd, EINVAL, vt_unmap(self->cursor, 1ULL << 63));
}

/* Asking for a frame that is only gathered releases it first [D4] */
TEST_F(map, gathered_frame_can_be_claimed)
{
	__u64 paddr = MAP_NEW(VA, VT_RW);

	RUN_OK(self->fd, vt_activate(self->space, self->info.out_nr_cpus - 1));
	RUN_OK(self->fd, vt_jump(self->cursor, VA));
	RUN_OK(self->fd, vt_unmap(self->cursor, VT_PAGE));
	RUN_OK(self->fd, vt_from_unused(paddr));
	EXPECT_EQ(1, vt_slot(self->fd, paddr).rc);
	RUN_OK(self->fd, vt_activate(0, self->info.out_nr_cpus - 1));
}

/* The same for the last slot of the region: in the end all of it can be used again */
TEST_F(map, gathered_memory_can_be_allocated)
{
	__u64 nr = vt_free_slots(self->fd), i;

	for (i = 0; i < 100; i++)
		RUN_OK(self->fd, vt_map(self->cursor, RUN_OK(self->fd, vt_alloc()).out.id,
					VT_RW));
	RUN_OK(self->fd, vt_jump(self->cursor, VA));
	RUN_OK(self->fd, vt_unmap(self->cursor, VT_2M));
	/* All but the leaf table the cursor stands in, which is no child of it */
	for (i = 0; i < nr - 1; i++)
		RUN_OK(self->fd, vt_alloc());
	RUN_ERR(self->fd, ENOMEM, vt_alloc());
}

/* What a cursor gathered outlives it until it may be released */
TEST_F(map, gather_outlives_cursor)
{
	__u64 nr = vt_free_slots(self->fd);
	int i;

	RUN_OK(self->fd, vt_activate(self->space, 0));
	for (i = 0; i < 5; i++)
		MAP_NEW(VA + i * VT_2M, VT_RW);
	RUN_OK(self->fd, vt_jump(self->cursor, VA));
	RUN_OK(self->fd, vt_unmap(self->cursor, VT_1G));
	RUN_OK(self->fd, vt_cursor_drop(self->cursor));
	RUN_OK(self->fd, vt_reap());
	EXPECT_EQ(0, gathered(self->fd));
	EXPECT_EQ(0, vt_count(self->fd, VMSTORE_DUMP_TLB));
	EXPECT_EQ(nr, vt_free_slots(self->fd));
	RUN_OK(self->fd, vt_activate(0, 0));
}

/* --- protect --------------------------------------------------------------- */

TEST_F(map, protect)
{
	struct vmstore_prop ro = vt_prop(0, 0, 0), mask = vt_prop(VMSTORE_PROP_W, 0, 0);
	__u64 paddr = MAP_NEW(VA + 3 * VT_PAGE, VT_RW);
	struct vmstore_op op;

	MAP_NEW(VA + 4 * VT_PAGE, VT_RW);
	RUN_OK(self->fd, vt_jump(self->cursor, VA));
	op = RUN_OK(self->fd, vt_protect(self->cursor, VT_1G, ro, mask));
	EXPECT_EQ(0, op.out.protect.id);
	EXPECT_EQ(1, op.out.protect.found);
	EXPECT_EQ(VA + 3 * VT_PAGE, op.out.protect.start);
	EXPECT_EQ(VA + 4 * VT_PAGE, op.out.protect.end);
	EXPECT_EQ(VA + 4 * VT_PAGE, op.out.protect.va);
	EXPECT_EQ(VMSTORE_PROP_R | VMSTORE_PROP_W,
		  op.out.protect.old_prop.flags & ~VMSTORE_PROP_ACCESSED);
	EXPECT_EQ(VMSTORE_PROP_R, op.out.protect.new_prop.flags & ~VMSTORE_PROP_ACCESSED);
	EXPECT_EQ(VMSTORE_PRIV_USER, op.out.protect.new_prop.priv);
	/* One leaf per call; neither rc nor paths move */
	EXPECT_EQ(1, vt_slot(self->fd, paddr).rc);
	EXPECT_EQ(1, vt_slot(self->fd, paddr).paths);
	op = RUN_OK(self->fd, vt_peek(self->cursor));
	EXPECT_TRUE(op.out.query.prop.flags & VMSTORE_PROP_W);
	RUN_OK(self->fd, vt_jump(self->cursor, VA + 3 * VT_PAGE));
	op = RUN_OK(self->fd, vt_peek(self->cursor));
	EXPECT_FALSE(op.out.query.prop.flags & VMSTORE_PROP_W);
	EXPECT_EQ(paddr, op.out.query.paddr);
}

/* Bits of the mask are replaced, the others stay, in flags and in priv */
TEST_F(map, protect_mask)
{
	struct vmstore_prop was = vt_prop(VMSTORE_PROP_R | VMSTORE_PROP_X | VMSTORE_PROP_AVAIL1,
					  VMSTORE_CACHE_WT, VMSTORE_PRIV_USER);
	struct vmstore_op op;

	MAP_NEW(VA, was);
	RUN_OK(self->fd, vt_jump(self->cursor, VA));
	op = RUN_OK(self->fd, vt_protect(self->cursor, VT_PAGE,
					 vt_prop(VMSTORE_PROP_W | VMSTORE_PROP_AVAIL2, 0,
						 VMSTORE_PRIV_GLOBAL),
					 vt_prop(VMSTORE_PROP_W | VMSTORE_PROP_X, 0,
						 VMSTORE_PRIV_GLOBAL)));
	EXPECT_EQ(VMSTORE_PROP_R | VMSTORE_PROP_W | VMSTORE_PROP_AVAIL1,
		  op.out.protect.new_prop.flags & ~VMSTORE_PROP_ACCESSED);
	EXPECT_EQ(VMSTORE_PRIV_USER | VMSTORE_PRIV_GLOBAL, op.out.protect.new_prop.priv);
	EXPECT_EQ(VMSTORE_CACHE_WT, op.out.protect.new_prop.cache);
	/* No mask, no change */
	RUN_OK(self->fd, vt_jump(self->cursor, VA));
	op = RUN_OK(self->fd, vt_protect(self->cursor, VT_PAGE, vt_prop(0, 0, 0),
					 vt_prop(0, 0, 0)));
	EXPECT_EQ(op.out.protect.old_prop.flags, op.out.protect.new_prop.flags);
	EXPECT_EQ(op.out.protect.old_prop.priv, op.out.protect.new_prop.priv);
}

TEST_F(map, protect_cache)
{
	struct vmstore_prop none = vt_prop(0, 0, 0);
	struct vmstore_op op;

	MAP_NEW(VA, VT_RW);
	RUN_OK(self->fd, vt_jump(self->cursor, VA));
	op = vt_protect(self->cursor, VT_PAGE, vt_prop(0, VMSTORE_CACHE_UC, 0), none);
	op.flags = VMSTORE_OPF_CACHE;
	op = RUN_OK(self->fd, op);
	EXPECT_EQ(VMSTORE_CACHE_WB, op.out.protect.old_prop.cache);
	EXPECT_EQ(VMSTORE_CACHE_UC, op.out.protect.new_prop.cache);
	RUN_OK(self->fd, vt_jump(self->cursor, VA));
	EXPECT_EQ(VMSTORE_CACHE_UC, RUN_OK(self->fd, vt_peek(self->cursor)).out.query.prop.cache);
	op = vt_protect(self->cursor, VT_PAGE, vt_prop(0, VMSTORE_CACHE_WC, 0), none);
	op.flags = VMSTORE_OPF_CACHE;
	RUN_ERR(self->fd, EINVAL, op);
	op.arg.protect.prop.cache = VMSTORE_CACHE_WP;
	RUN_ERR(self->fd, EINVAL, op);
}

/* What the hardware has set is carried over, unless the mask asks for it */
TEST_F(map, protect_carries_accessed_dirty)
{
	__u8 ad = VMSTORE_PROP_ACCESSED | VMSTORE_PROP_DIRTY;
	struct vmstore_op op;

	MAP_NEW(VA, VT_RW);
	RUN_OK(self->fd, vt_write(self->space, VA, 8, 1, 0));
	RUN_OK(self->fd, vt_jump(self->cursor, VA));
	op = RUN_OK(self->fd, vt_protect(self->cursor, VT_PAGE, vt_prop(0, 0, 0),
					 vt_prop(VMSTORE_PROP_W, 0, 0)));
	EXPECT_EQ(ad, op.out.protect.old_prop.flags & ad);
	EXPECT_EQ(ad, op.out.protect.new_prop.flags & ad);
	RUN_OK(self->fd, vt_jump(self->cursor, VA));
	op = RUN_OK(self->fd, vt_protect(self->cursor, VT_PAGE, vt_prop(0, 0, 0),
					 vt_prop(VMSTORE_PROP_DIRTY, 0, 0)));
	EXPECT_EQ(ad, op.out.protect.old_prop.flags & ad);
	EXPECT_EQ(VMSTORE_PROP_ACCESSED, op.out.protect.new_prop.flags & ad);
}

TEST_F(map, protect_none_found)
{
	struct vmstore_prop none = vt_prop(0, 0, 0);
	struct vmstore_op op = RUN_OK(self->fd, vt_protect(self->cursor, VT_1G, none, none));

	EXPECT_EQ(0, op.out.protect.found);
	EXPECT_LE(VA + VT_1G, op.out.protect.va);
	EXPECT_EQ(0, op.out.protect.start);
	RUN_OK(self->fd, vt_jump(self->cursor, VA));
	MAP_NEW(VA + VT_PAGE, VT_RW);
	RUN_OK(self->fd, vt_jump(self->cursor, VA));
	/* The leaf lies behind the length */
	op = RUN_OK(self->fd, vt_protect(self->cursor, VT_PAGE, none, none));
	EXPECT_EQ(0, op.out.protect.found);
	op = RUN_OK(self->fd, vt_protect(self->cursor, 0, none, none));
	EXPECT_EQ(0, op.out.protect.found);
	EXPECT_EQ(VA + VT_PAGE, op.out.protect.va);
}

TEST_F(map, protect_property_refused)
{
	struct vmstore_op op;
	size_t i;

	MAP_NEW(VA, VT_RW);
	RUN_OK(self->fd, vt_jump(self->cursor, VA));
	for (i = 0; i < NR_BAD_PROPS; i++) {
		op = vt_protect(self->cursor, VT_PAGE, bad_props[i].prop,
				vt_prop(0xff, 0, 0xff));
		op.flags = VMSTORE_OPF_CACHE;
		EXPECT_EQ(-EINVAL, vt_refused(self->fd, &op))
			TH_LOG("%s", bad_props[i].why);
	}
	/* R may not go, whatever else the mask says */
	RUN_ERR(self->fd, EINVAL, vt_protect(self->cursor, VT_PAGE, vt_prop(0, 0, 0),
					     vt_prop(VMSTORE_PROP_R, 0, 0)));
	RUN_ERR(self->fd, EINVAL, vt_protect(self->cursor, VT_PAGE, vt_prop(1, 0, 0),
					     vt_prop(1, VMSTORE_CACHE_WT, 0)));
	op = vt_protect(self->cursor, VT_PAGE, vt_prop(1, 0, 0), vt_prop(1, 0, 0));
	op.arg.protect.mask.__reserved = 1;
	RUN_ERR(self->fd, EINVAL, op);
}

TEST_F(map, protect_refused)
{
	struct vmstore_prop none = vt_prop(0, 0, 0);
	__u64 ro = RUN_OK(self->fd, vt_open_ro(self->space, 0, VT_PAGE)).out.id;

	MAP_NEW(VA, VT_RW);
	RUN_OK(self->fd, vt_jump(self->cursor, VA));
	RUN_ERR(self->fd, EINVAL, vt_protect(ro, VT_PAGE, none, none));
	RUN_ERR(self->fd, EINVAL, vt_protect(self->cursor, 8, none, none));
	RUN_ERR(self->fd, EINVAL, vt_protect(self->cursor, VT_1G + VT_PAGE, none, none));
	RUN_ERR(self->fd, EINVAL, vt_protect(self->cursor, -VA, none, none));
	RUN_ERR(self->fd, EINVAL, vt_protect(self->cursor, -VT_PAGE, none, none));
}

TEST_F(map, flush_refused)
{
	__u64 ro = RUN_OK(self->fd, vt_open_ro(self->space, 0, VT_PAGE)).out.id;

	RUN_ERR(self->fd, EINVAL, vt_flush(ro, VA, VT_PAGE));
	RUN_ERR(self->fd, EINVAL, vt_flush(self->cursor, VA + 1, VT_PAGE));
	RUN_ERR(self->fd, EINVAL, vt_flush(self->cursor, VA, VT_PAGE - 1));
	RUN_ERR(self->fd, EACCES, vt_flush(self->cursor, VMSTORE_KERNEL_BASE, VT_PAGE));
	RUN_ERR(self->fd, EACCES, vt_flush(self->cursor, VA, -VT_PAGE));
	RUN_ERR(self->fd, EACCES, vt_flush(self->cursor, VMSTORE_USER_END, VT_PAGE));
	RUN_OK(self->fd, vt_flush(self->cursor, 0, 0));
	RUN_OK(self->fd, vt_flush(self->cursor, 0, VMSTORE_USER_END));
	RUN_OK(self->fd, vt_flush(self->cursor, VA, VT_PAGE));
}

/* --- many at once ------------------------------------------------------------ */

#define MANY	600	/* more than a leaf table and than a gather hold */

/* @nr new handles */
#define ALLOC_MANY(ids, nr)	do {					\
	__u32 _i;							\
									\
	for (_i = 0; _i < (nr); _i++)					\
		(ids)[_i] = RUN_OK(self->fd, vt_alloc()).out.id;	\
} while (0)

/* As many O-Map as there are handles, in their order */
TEST_F(map, frames)
{
	struct vmstore_op a = RUN_OK(self->fd, vt_alloc()), b = RUN_OK(self->fd, vt_alloc());
	__u64 ids[] = { b.out.id, a.out.id }, at = VA + VT_2M - VT_PAGE;
	struct vmstore_op op;

	/* Across the end of a leaf table */
	RUN_OK(self->fd, vt_jump(self->cursor, at));
	op = RUN_OK(self->fd, vt_map_frames(self->cursor, ids, 2, VT_RW));
	EXPECT_EQ(0, op.out.map_many.id);
	EXPECT_EQ(at + 2 * VT_PAGE, op.out.map_many.va);
	EXPECT_EQ(2, op.out.map_many.mapped);
	EXPECT_EQ(0, op.out.map_many.replaced);
	EXPECT_EQ(2, op.out.map_many.nodes_allocated);
	EXPECT_EQ(0, vt_count(self->fd, VMSTORE_DUMP_FRAMES));
	EXPECT_EQ(1, vt_slot(self->fd, a.out.frame.paddr).rc);
	EXPECT_EQ(1, vt_slot(self->fd, a.out.frame.paddr).paths);
	RUN_OK(self->fd, vt_jump(self->cursor, at));
	EXPECT_EQ(b.out.frame.paddr, RUN_OK(self->fd, vt_peek(self->cursor)).out.query.paddr);
	RUN_OK(self->fd, vt_jump(self->cursor, at + VT_PAGE));
	EXPECT_EQ(a.out.frame.paddr, RUN_OK(self->fd, vt_peek(self->cursor)).out.query.paddr);
	EXPECT_EQ(0, vt_accounting(self->fd));
}

/* All or none: wherever in the list the wrong one is */
TEST_F(map, frames_refused)
{
	__u64 ro = RUN_OK(self->fd, vt_open_ro(self->space, 0, VT_PAGE)).out.id;
	__u64 ids[4], was;
	int i;

	ALLOC_MANY(ids, 4);
	for (i = 0; i < 4; i++) {
		was = ids[i];
		ids[i] = 99;
		RUN_ERR(self->fd, ENOENT, vt_map_frames(self->cursor, ids, 4, VT_RW));
		ids[i] = VMSTORE_REF(0);
		RUN_ERR(self->fd, EINVAL, vt_map_frames(self->cursor, ids, 4, VT_RW));
		ids[i] = ids[(i + 1) % 4];
		RUN_ERR(self->fd, EINVAL, vt_map_frames(self->cursor, ids, 4, VT_RW));
		ids[i] = was;
	}
	RUN_ERR(self->fd, EINVAL, vt_map_frames(self->cursor, ids, 4, vt_user(0)));
	RUN_ERR(self->fd, EINVAL, vt_map_frames(self->cursor, ids, 4,
						vt_prop(1, VMSTORE_CACHE_WC, 0)));
	RUN_ERR(self->fd, ENOENT, vt_map_frames(0, ids, 4, VT_RW));
	RUN_ERR(self->fd, EINVAL, vt_map_frames(ro, ids, 1, VT_RW));
	/* One page too many for the range */
	RUN_OK(self->fd, vt_jump(self->cursor, VA + VT_1G - 3 * VT_PAGE));
	RUN_ERR(self->fd, EINVAL, vt_map_frames(self->cursor, ids, 4, VT_RW));
	RUN_OK(self->fd, vt_map_frames(self->cursor, ids, 3, VT_RW));
	RUN_ERR(self->fd, EINVAL, vt_map_frames(self->cursor, ids + 3, 1, VT_RW));
}

/* None is fine, and then nobody looks at the pointer */
TEST_F(map, frames_none)
{
	struct vmstore_op op = RUN_OK(self->fd, vt_map_frames(self->cursor, NULL, 0, VT_RW));

	EXPECT_EQ(VA, op.out.map_many.va);
	EXPECT_EQ(0, op.out.map_many.mapped);
	op = RUN_OK(self->fd, vt_map_frames(self->cursor, (void *)1, 0, VT_RW));
	EXPECT_EQ(0, op.out.map_many.nodes_allocated);
	EXPECT_EQ(0, vt_count_leaves(self->fd, self->space));
}

/* Pointers and lengths that are not what they should be */
TEST_F(map, frames_bad_data)
{
	__u64 id = RUN_OK(self->fd, vt_alloc()).out.id;
	__u64 *page = mmap(NULL, 2 * VT_PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	__u64 *last = page + VT_PAGE / sizeof(*page) - 1;

	ASSERT_NE(MAP_FAILED, page);
	ASSERT_EQ(0, munmap(page + VT_PAGE / sizeof(*page), VT_PAGE));
	*last = id;
	RUN_ERR(self->fd, EFAULT, vt_map_frames(self->cursor, NULL, 1, VT_RW));
	RUN_ERR(self->fd, EFAULT, vt_map_frames(self->cursor, (void *)-8, 1, VT_RW));
	RUN_ERR(self->fd, EFAULT,
		vt_map_frames(self->cursor, (void *)(1UL << (8 * sizeof(long) - 1)), 1, VT_RW));
	/* Ends in memory that is not there */
	RUN_ERR(self->fd, EFAULT, vt_map_frames(self->cursor, last, 2, VT_RW));
	/* More than an operation moves */
	RUN_ERR(self->fd, EINVAL, vt_map_frames(self->cursor, page,
						VMSTORE_MAX_DATA / sizeof(__u64) + 1, VT_RW));
	RUN_ERR(self->fd, EINVAL, vt_map_frames(self->cursor, page, ~0U, VT_RW));
	/* Where the list lies makes no difference */
	memmove((char *)last - 3, last, sizeof(*last));
	RUN_OK(self->fd, vt_map_frames(self->cursor, (void *)((char *)last - 3), 1, VT_RW));
	munmap(page, VT_PAGE);
}

/* Handles that the same batch made */
TEST_F(map, frames_of_the_batch)
{
	__u64 ids[] = { VMSTORE_REF(2), VMSTORE_REF(0) };
	__u64 late[] = { VMSTORE_REF(3) }, other[] = { VMSTORE_REF(1) };
	__u64 start = self->info.out_region_size / 2;
	struct vmstore_op ops[] = {
		vt_alloc(),
		vt_segment(start, start + VT_PAGE),
		vt_alloc(),
		vt_map_frames(self->cursor, late, 1, VT_RW),	/* itself */
		vt_map_frames(self->cursor, other, 1, VT_RW),	/* a segment */
		vt_map_frames(self->cursor, ids, 2, VT_RW),
		vt_map_segment(self->cursor, VMSTORE_REF(1), VT_RW),
		vt_map_frames(self->cursor, ids, 2, VT_RW),	/* consumed */
	};
	static const int want[] = { 0, 0, 0, -EINVAL, -EINVAL, 0, 0, -ENOENT };
	struct vmstore_run run;
	size_t i;

	ASSERT_EQ(0, vt_run(self->fd, ops, ARRAY_SIZE(ops), VMSTORE_RUN_KEEP_GOING, &run));
	for (i = 0; i < ARRAY_SIZE(ops); i++)
		EXPECT_EQ(want[i], ops[i].out_errno)
			TH_LOG("operation %zu", i);
	EXPECT_EQ(3, vt_count_leaves(self->fd, self->space));
}

/* More leaves replaced than a gather holds: flushed, released, and on [D4] */
TEST_F(map, frames_over_frames)
{
	__u64 ids[MANY], space, cursor;
	struct vmstore_op op;
	int fd = vt_store(variant->machine, VMSTORE_CHECK_STEP, 4 * VT_SMALL);
	__u32 round, i;

	ASSERT_LE(0, fd);
	space = RUN_OK(fd, vt_space_new()).out.id;
	cursor = RUN_OK(fd, vt_open_mut(space, VA, VA + VT_1G)).out.id;
	RUN_OK(fd, vt_activate(space, 0));
	for (round = 0; round < 2; round++) {
		for (i = 0; i < MANY; i++)
			ids[i] = RUN_OK(fd, vt_alloc()).out.id;
		RUN_OK(fd, vt_jump(cursor, VA));
		op = RUN_OK(fd, vt_map_frames(cursor, ids, MANY, VT_RW));
		EXPECT_EQ(MANY, op.out.map_many.mapped);
		EXPECT_EQ(round ? MANY : 0, op.out.map_many.replaced);
		EXPECT_EQ(round ? 0 : 2, op.out.map_many.nodes_allocated);
		/* So that a translation that is kept would be seen */
		for (i = 0; i < MANY; i++)
			RUN_OK(fd, vt_write(space, VA + i * VT_PAGE, 8, round * MANY + i, 0));
	}
	for (i = 0; i < MANY; i++)
		EXPECT_EQ(MANY + i, RUN_OK(fd, vt_load(space, VA + i * VT_PAGE, 8,
						       0)).out.access.value);
	RUN_OK(fd, vt_activate(0, 0));
	EXPECT_EQ(MANY, vt_count_leaves(fd, space));
	EXPECT_EQ(0, vt_settled(fd));
	close(fd);
}

/* Per page S - 1 and P + 1, rc the same; the segment is consumed */
TEST_F(map, segment)
{
	__u64 start = self->info.out_region_size / 2, end = start + 5 * VT_PAGE, paddr;
	__u64 id = RUN_OK(self->fd, vt_segment(start, end)).out.id;
	struct vmstore_op op;

	RUN_OK(self->fd, vt_jump(self->cursor, VA + VT_2M - 2 * VT_PAGE));
	op = RUN_OK(self->fd, vt_map_segment(self->cursor, id, VT_RO));
	EXPECT_EQ(VA + VT_2M + 3 * VT_PAGE, op.out.map_many.va);
	EXPECT_EQ(5, op.out.map_many.mapped);
	EXPECT_EQ(0, op.out.map_many.replaced);
	EXPECT_EQ(2, op.out.map_many.nodes_allocated);
	for (paddr = start; paddr < end; paddr += VT_PAGE) {
		EXPECT_EQ(1, vt_slot(self->fd, paddr).rc);
		EXPECT_EQ(1, vt_slot(self->fd, paddr).paths);
	}
	EXPECT_EQ(0, vt_count(self->fd, VMSTORE_DUMP_SEGMENTS));
	EXPECT_EQ(5, vt_count_leaves(self->fd, self->space));
	EXPECT_EQ(0, vt_accounting(self->fd));
	RUN_ERR(self->fd, ENOENT, vt_map_segment(self->cursor, id, VT_RO));
	RUN_OK(self->fd, vt_jump(self->cursor, VA + VT_2M - 2 * VT_PAGE));
	EXPECT_EQ(start, RUN_OK(self->fd, vt_peek(self->cursor)).out.query.paddr);
	EXPECT_EQ(5, RUN_OK(self->fd, vt_unmap(self->cursor, 5 * VT_PAGE)).out.unmap.removed);
	RUN_OK(self->fd, vt_reap());
	EXPECT_EQ(VMSTORE_RC_UNUSED, vt_slot(self->fd, start).rc);
}

TEST_F(map, segment_refused)
{
	__u64 start = self->info.out_region_size / 2;
	__u64 id = RUN_OK(self->fd, vt_segment(start, start + 4 * VT_PAGE)).out.id;
	__u64 ro = RUN_OK(self->fd, vt_open_ro(self->space, 0, VT_2M)).out.id;
	struct vmstore_op op = vt_map_segment(self->cursor, id, VT_RW);

	op.arg.map_segment.__reserved = 1;
	RUN_ERR(self->fd, EINVAL, op);
	RUN_ERR(self->fd, ENOENT, vt_map_segment(self->cursor, 0, VT_RW));
	RUN_ERR(self->fd, ENOENT, vt_map_segment(self->cursor, id + 1, VT_RW));
	RUN_ERR(self->fd, ENOENT, vt_map_segment(0, id, VT_RW));
	RUN_ERR(self->fd, EINVAL, vt_map_segment(ro, id, VT_RW));
	RUN_ERR(self->fd, EINVAL, vt_map_segment(self->cursor, id, vt_user(VMSTORE_PROP_W)));
	RUN_OK(self->fd, vt_jump(self->cursor, VA + VT_1G - 3 * VT_PAGE));
	RUN_ERR(self->fd, EINVAL, vt_map_segment(self->cursor, id, VT_RW));
	RUN_OK(self->fd, vt_jump(self->cursor, VA + VT_1G - 4 * VT_PAGE));
	RUN_OK(self->fd, vt_map_segment(self->cursor, id, VT_RW));
}

TEST_HARNESS_MAIN
