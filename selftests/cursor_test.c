// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cursors: opening, what they cover and exclude, moving, looking [5.2, 6]. What they
 * change is in map_test.c.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "store_fixture.h"

/* --- opening --------------------------------------------------------------- */

static const struct bad_range {
	const char *why;
	__u64 start, end;
} bad_ranges[] = {
	{ "empty", 0x1000, 0x1000 },
	{ "empty at 0, and end is 0", 0, 0 },
	{ "end is 0", 0x1000, 0 },
	{ "end is 0, start is the last page", -VT_PAGE, 0 },
	{ "backwards", 0x2000, 0x1000 },
	{ "start misaligned", 0x1001, 0x3000 },
	{ "end misaligned", 0x1000, 0x2fff },
	{ "both misaligned", 0x1800, 0x2800 },
	{ "less than a page", 0x1000, 0x1001 },
	{ "one page too long", 0, VMSTORE_USER_END + VT_PAGE },
	{ "end misaligned behind the user half", 0, VMSTORE_USER_END + 1 },
	{ "behind the user half", VMSTORE_USER_END, VMSTORE_USER_END + VT_PAGE },
	{ "not canonical", 0x1000000000000, 0x1000000001000 },
	{ "not canonical, high", 0xffff7ffffffff000, 0xffff800000000000 },
	{ "linear window", VMSTORE_KERNEL_BASE, VMSTORE_KERNEL_BASE + VT_PAGE },
	{ "kernel areas", VMSTORE_KVIRT_BASE, VMSTORE_KVIRT_BASE + VT_2M },
	{ "last kernel page", -2 * VT_PAGE, -VT_PAGE },
	{ "all there is", 0, -VT_PAGE },
	{ "user to kernel", 0x1000, VMSTORE_KERNEL_BASE },
};

TEST_F(store, open_range)
{
	__u64 space = RUN_OK(self->fd, vt_space_new()).out.id;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad_ranges); i++) {
		const struct bad_range *bad = &bad_ranges[i];
		struct vmstore_op op = vt_open_ro(space, bad->start, bad->end);

		EXPECT_EQ(-EACCES, vt_refused(self->fd, &op))
			TH_LOG("read-only: %s", bad->why);
		op = vt_open_mut(space, bad->start, bad->end);
		EXPECT_EQ(-EACCES, vt_refused(self->fd, &op))
			TH_LOG("mutable: %s", bad->why);
	}
}

/*
 * The covering node is the lowest whose one entry would not do for the range [Lk3,
 * Lk5]; the path to it is made where it is missing
 */
static const struct cover {
	__u64 start, end;
	__u32 level;
} covers[] = {
	{ 0, VT_PAGE, 1 },
	{ 0, VT_2M, 1 },
	{ VT_2M - VT_PAGE, VT_2M, 1 },
	{ VMSTORE_USER_END - VT_PAGE, VMSTORE_USER_END, 1 },
	{ VMSTORE_USER_END - VT_2M, VMSTORE_USER_END, 1 },
	{ 0, VT_2M + VT_PAGE, 2 },
	{ VT_2M - VT_PAGE, VT_2M + VT_PAGE, 2 },
	{ 0, VT_1G, 2 },
	{ 3 * VT_1G, 4 * VT_1G, 2 },
	{ VT_1G - VT_PAGE, VT_1G + VT_PAGE, 3 },
	{ 0, VT_512G, 3 },
	{ 5 * VT_512G, 6 * VT_512G, 3 },
	{ VT_512G - VT_PAGE, VT_512G + VT_PAGE, 4 },
	{ 0, VMSTORE_USER_END, 4 },
	{ VT_PAGE, VMSTORE_USER_END - VT_PAGE, 4 },
};

TEST_F(store, open_covering_level)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(covers); i++) {
		const struct cover *c = &covers[i];
		__u64 space = RUN_OK(self->fd, vt_space_new()).out.id;
		struct vmstore_op op = RUN_OK(self->fd, vt_open_mut(space, c->start, c->end));
		struct vmstore_rec_cursor rec = vt_cursor_rec(self->fd, op.out.id);

		EXPECT_EQ(c->level, op.out.open.level)
			TH_LOG("[%#llx, %#llx)", c->start, c->end);
		EXPECT_EQ(4 - c->level, op.out.open.nodes_allocated);
		EXPECT_EQ(5 - c->level, vt_count_nodes(self->fd, space, 0));
		EXPECT_EQ(space, rec.space);
		EXPECT_EQ(c->start, rec.start);
		EXPECT_EQ(c->end, rec.end);
		EXPECT_EQ(c->start, rec.va);
		EXPECT_EQ(c->level, rec.level);
		EXPECT_EQ(c->level, rec.guard_level);
		EXPECT_EQ(1, rec.mut);
		EXPECT_EQ(0, rec.gathered);
		EXPECT_EQ(0, rec.pending);
		RUN_OK(self->fd, vt_cursor_drop(op.out.id));
		/* The path stays and the next one needs none */
		op = RUN_OK(self->fd, vt_open_ro(space, c->start, c->end));
		EXPECT_EQ(c->level, op.out.open.level);
		EXPECT_EQ(0, op.out.open.nodes_allocated);
		EXPECT_EQ(0, vt_cursor_rec(self->fd, op.out.id).mut);
		RUN_OK(self->fd, vt_cursor_drop(op.out.id));
		RUN_OK(self->fd, vt_space_drop(space));
	}
}

static long owned_nodes(int fd, __u64 cursor)
{
	struct vt_sec sec;
	long nr = 0;
	size_t i;

	if (vt_dump(fd, VMSTORE_DUMP_NODES, 1 << 16, &sec))
		return -1;
	for (i = 0; i < sec.nr; i++) {
		struct vmstore_rec_node *rec = (void *)sec.data;

		nr += rec[i].owner == cursor;
	}
	vt_sec_free(&sec);
	return nr;
}

/* A cursor owns its covering node and what exists below it in its range [Lk6, Lk9] */
TEST_F(store, owns_subtree)
{
	__u64 space = RUN_OK(self->fd, vt_space_new()).out.id;
	__u64 id;
	int i;

	for (i = 0; i < 4; i++) {
		id = RUN_OK(self->fd, vt_open_ro(space, i * VT_2M, (i + 1) * VT_2M)).out.id;
		EXPECT_EQ(1, owned_nodes(self->fd, id));
		RUN_OK(self->fd, vt_cursor_drop(id));
		EXPECT_EQ(0, owned_nodes(self->fd, id));
	}
	/* Level 2 covers the first two leaf tables, half of the third, not the fourth */
	id = RUN_OK(self->fd, vt_open_mut(space, VT_PAGE, 2 * VT_2M + VT_PAGE)).out.id;
	EXPECT_EQ(4, owned_nodes(self->fd, id));
	RUN_OK(self->fd, vt_cursor_drop(id));
	/* The root down to them: levels 4, 3, 2 and four of level 1 */
	id = RUN_OK(self->fd, vt_open_mut(space, 0, VMSTORE_USER_END)).out.id;
	EXPECT_EQ(7, owned_nodes(self->fd, id));
	RUN_OK(self->fd, vt_cursor_drop(id));
	EXPECT_EQ(7, owned_nodes(self->fd, 0) - 2)
		TH_LOG("the two nodes of the kernel page table have no owner either");
}

/* Two cursors that meet exclude each other, read-only ones too */
TEST_F(store, open_overlap)
{
	static const __u64 meet[][2] = {
		{ 4 * VT_2M, 5 * VT_2M },
		{ 4 * VT_2M, 4 * VT_2M + VT_PAGE },
		{ 5 * VT_2M - VT_PAGE, 5 * VT_2M },
		{ 4 * VT_2M - VT_PAGE, 4 * VT_2M + VT_PAGE },
		{ 4 * VT_2M + VT_PAGE, 8 * VT_2M },
		{ 0, VT_1G },
		{ 0, VMSTORE_USER_END },
	};
	__u64 space = RUN_OK(self->fd, vt_space_new()).out.id;
	int mut;
	size_t i;

	for (mut = 0; mut < 2; mut++) {
		struct vmstore_op op = vt_open_ro(space, 4 * VT_2M, 5 * VT_2M);

		if (mut)
			op.opcode = VMSTORE_OP_CURSOR_OPEN_MUT;
		op = RUN_OK(self->fd, op);
		for (i = 0; i < ARRAY_SIZE(meet); i++) {
			RUN_ERR(self->fd, EBUSY, vt_open_ro(space, meet[i][0], meet[i][1]));
			RUN_ERR(self->fd, EBUSY, vt_open_mut(space, meet[i][0], meet[i][1]));
		}
		RUN_OK(self->fd, vt_cursor_drop(op.out.id));
	}
}

/* An open cursor over much: nothing can be made below it [Lk7] */
TEST_F(store, open_below_wide_one)
{
	__u64 space = RUN_OK(self->fd, vt_space_new()).out.id;
	__u64 wide = RUN_OK(self->fd, vt_open_ro(space, 0, VT_1G)).out.id;

	RUN_ERR(self->fd, EBUSY, vt_open_ro(space, 0, VT_PAGE));
	RUN_ERR(self->fd, EBUSY, vt_open_mut(space, VT_1G - VT_PAGE, VT_1G));
	RUN_ERR(self->fd, EBUSY, vt_open_mut(space, VT_1G - VT_PAGE, VT_1G + VT_PAGE));
	/* Beside it there is room */
	RUN_OK(self->fd, vt_open_ro(space, VT_1G, 2 * VT_1G));
	RUN_OK(self->fd, vt_cursor_drop(wide));
	RUN_OK(self->fd, vt_open_ro(space, 0, VT_PAGE));
}

/* Ranges in different subtrees, and different spaces, do not meet */
TEST_F(store, open_disjoint)
{
	__u64 one = RUN_OK(self->fd, vt_space_new()).out.id;
	__u64 two = RUN_OK(self->fd, vt_space_new()).out.id;
	__u64 i;

	for (i = 0; i < 20; i++) {
		RUN_OK(self->fd, vt_open_mut(one, i * VT_2M, (i + 1) * VT_2M));
		RUN_OK(self->fd, vt_open_mut(two, i * VT_2M, (i + 1) * VT_2M));
	}
	EXPECT_EQ(40, vt_count(self->fd, VMSTORE_DUMP_CURSORS));
	EXPECT_EQ(20, vt_space_rec(self->fd, one).cursors);
	for (i = 1; i <= 40; i++)
		RUN_OK(self->fd, vt_cursor_drop(i));
	EXPECT_EQ(0, vt_count(self->fd, VMSTORE_DUMP_CURSORS));
}

TEST_F(store, open_without_memory)
{
	__u64 space = RUN_OK(self->fd, vt_space_new()).out.id;
	__u64 nr = vt_free_slots(self->fd), i;

	/* Two nodes can be had where three are wanted: none is kept */
	for (i = 0; i < nr - 2; i++)
		RUN_OK(self->fd, vt_alloc());
	RUN_ERR(self->fd, ENOMEM, vt_open_mut(space, 0, VT_PAGE));
	EXPECT_EQ(2, vt_free_slots(self->fd));
	RUN_OK(self->fd, vt_open_mut(space, 0, VT_1G));
}

TEST_F(store, drop)
{
	__u64 space = RUN_OK(self->fd, vt_space_new()).out.id;
	__u64 id = RUN_OK(self->fd, vt_open_mut(space, 0, VT_PAGE)).out.id;

	RUN_OK(self->fd, vt_cursor_drop(id));
	EXPECT_EQ(0, vt_count(self->fd, VMSTORE_DUMP_CURSORS));
	RUN_ERR(self->fd, ENOENT, vt_cursor_drop(id));
	RUN_ERR(self->fd, ENOENT, vt_query(id));
	RUN_ERR(self->fd, ENOENT, vt_find_next(id, 0));
	RUN_ERR(self->fd, ENOENT, vt_jump(id, 0));
	RUN_ERR(self->fd, ENOENT, vt_vaddr(id));
	RUN_ERR(self->fd, ENOENT, vt_unmap(id, 0));
}

/* --- moving and looking ---------------------------------------------------- */

/* A mutable cursor over [start, end) of a new space, a page mapped at each va given */
static struct vmstore_op mapped(int fd, __u64 start, __u64 end, const __u64 *va, int nr)
{
	struct vmstore_op op = vt_space_new(), got;
	int i, err = vt_run1(fd, &op);

	op = vt_open_mut(op.out.id, start, end);
	if (!err)
		err = vt_run1(fd, &op);
	for (i = 0; !err && i < nr; i++) {
		got = vt_jump(op.out.id, va[i]);
		err = vt_run1(fd, &got);
		got = vt_alloc();
		if (!err)
			err = vt_run1(fd, &got);
		got = vt_map(op.out.id, got.out.id, VT_RW);
		if (!err)
			err = vt_run1(fd, &got);
	}
	got = vt_jump(op.out.id, start);
	if (!err)
		err = vt_run1(fd, &got);
	op.out_errno = err;
	return op;
}

#define MAPPED(start, end, ...) ({					\
	const __u64 _va[] = { __VA_ARGS__ };				\
	struct vmstore_op _op = mapped(self->fd, start, end, _va,	\
				       ARRAY_SIZE(_va));	\
									\
	ASSERT_EQ(0, _op.out_errno);					\
	_op.out.id; })

/* An absent entry at level L: the span of that entry around the address [O-Query] */
TEST_F(store, query_absent)
{
	static const struct {
		__u64 end, at, start, stop;
		__u32 level;
	} rows[] = {
		{ VT_2M, 0x5000, 0x5000, 0x6000, 1 },
		{ VT_1G, 3 * VT_2M + 0x5000, 3 * VT_2M, 4 * VT_2M, 2 },
		{ VT_512G, 7 * VT_1G + 0x1000, 7 * VT_1G, 8 * VT_1G, 3 },
		{ VMSTORE_USER_END, 9 * VT_512G + VT_1G, 9 * VT_512G, 10 * VT_512G, 4 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		__u64 space = RUN_OK(self->fd, vt_space_new()).out.id;
		__u64 id = RUN_OK(self->fd, vt_open_ro(space, 0, rows[i].end)).out.id;
		struct vmstore_op op;

		RUN_OK(self->fd, vt_jump(id, rows[i].at));
		op = RUN_OK(self->fd, vt_query(id));
		EXPECT_EQ(0, op.out.query.id);
		EXPECT_EQ(0, op.out.query.found);
		EXPECT_EQ(rows[i].start, op.out.query.start);
		EXPECT_EQ(rows[i].stop, op.out.query.end);
		EXPECT_EQ(rows[i].level, op.out.query.level);
		EXPECT_EQ(0, op.out.query.paddr);
		/* It looks and does not move */
		EXPECT_EQ(rows[i].at, RUN_OK(self->fd, vt_vaddr(id)).out.va.va);
	}
	EXPECT_EQ(0, vt_count(self->fd, VMSTORE_DUMP_FRAMES));
}

/* A leaf: a new handle, H + 1 with rc + 1, P as it was */
TEST_F(store, query_leaf)
{
	__u64 id = MAPPED(0, VT_1G, VT_2M + VT_PAGE);
	struct vmstore_op op;
	__u64 frame;

	RUN_OK(self->fd, vt_jump(id, VT_2M + VT_PAGE));
	op = RUN_OK(self->fd, vt_query(id));
	frame = op.out.query.id;
	EXPECT_NE(0, frame);
	EXPECT_EQ(1, op.out.query.found);
	EXPECT_EQ(1, op.out.query.level);
	EXPECT_EQ(VT_2M + VT_PAGE, op.out.query.start);
	EXPECT_EQ(VT_2M + 2 * VT_PAGE, op.out.query.end);
	EXPECT_EQ(VMSTORE_PROP_R | VMSTORE_PROP_W,
		  op.out.query.prop.flags & ~(VMSTORE_PROP_ACCESSED | VMSTORE_PROP_DIRTY));
	EXPECT_EQ(VMSTORE_PRIV_USER, op.out.query.prop.priv);
	EXPECT_EQ(VMSTORE_CACHE_WB, op.out.query.prop.cache);
	EXPECT_EQ(2, vt_slot(self->fd, op.out.query.paddr).rc);
	EXPECT_EQ(1, vt_slot(self->fd, op.out.query.paddr).paths);
	EXPECT_EQ(1, vt_count(self->fd, VMSTORE_DUMP_FRAMES));
	/* Its level fell to that of the leaf, its address stayed */
	EXPECT_EQ(1, vt_cursor_rec(self->fd, id).level);
	EXPECT_EQ(VT_2M + VT_PAGE, vt_cursor_rec(self->fd, id).va);
	/* The handle is one like any other */
	op = RUN_OK(self->fd, vt_frame_drop(frame));
	EXPECT_EQ(0, op.out.drop.freed);
	EXPECT_EQ(1, vt_slot(self->fd, op.out.drop.paddr).rc);
}

TEST_F(store, peek_leaf)
{
	__u64 id = MAPPED(0, VT_2M, 0);
	struct vmstore_op look = RUN_OK(self->fd, vt_peek(id)), op;

	EXPECT_EQ(0, look.out.query.id);
	EXPECT_EQ(1, look.out.query.found);
	EXPECT_EQ(1, vt_slot(self->fd, look.out.query.paddr).rc);
	EXPECT_EQ(0, vt_count(self->fd, VMSTORE_DUMP_FRAMES));
	op = RUN_OK(self->fd, vt_query(id));
	EXPECT_EQ(look.out.query.paddr, op.out.query.paddr);
}

TEST_F(store, query_at_end)
{
	__u64 id = MAPPED(0, 2 * VT_PAGE, VT_PAGE);

	/* One past the end is where mapping the last page left it, too */
	RUN_OK(self->fd, vt_find_next(id, VT_PAGE));
	RUN_OK(self->fd, vt_jump(id, VT_PAGE));
	RUN_OK(self->fd, vt_unmap(id, VT_PAGE));
	EXPECT_EQ(2 * VT_PAGE, RUN_OK(self->fd, vt_vaddr(id)).out.va.va);
	RUN_ERR(self->fd, EACCES, vt_query(id));
	RUN_ERR(self->fd, EACCES, vt_peek(id));
	/* Nothing to search, and that is no error */
	EXPECT_EQ(0, RUN_OK(self->fd, vt_find_next(id, 0)).out.va.found);
	RUN_ERR(self->fd, EINVAL, vt_find_next(id, VT_PAGE));
	RUN_OK(self->fd, vt_jump(id, 0));
	RUN_OK(self->fd, vt_query(id));
}

TEST_F(store, find_next)
{
	__u64 id = MAPPED(0, VT_1G, 3 * VT_PAGE, 4 * VT_PAGE, 5 * VT_2M + VT_PAGE);
	struct vmstore_op op = RUN_OK(self->fd, vt_find_next(id, VT_1G));

	EXPECT_EQ(0, op.out.va.id);
	EXPECT_EQ(1, op.out.va.found);
	EXPECT_EQ(3 * VT_PAGE, op.out.va.va);
	EXPECT_EQ(1, op.out.va.level);
	/* It stays at the leaf it found */
	op = RUN_OK(self->fd, vt_find_next(id, VT_PAGE));
	EXPECT_EQ(1, op.out.va.found);
	EXPECT_EQ(3 * VT_PAGE, op.out.va.va);
	RUN_OK(self->fd, vt_jump(id, 5 * VT_PAGE));
	op = RUN_OK(self->fd, vt_find_next(id, VT_1G - 5 * VT_PAGE));
	EXPECT_EQ(1, op.out.va.found);
	EXPECT_EQ(5 * VT_2M + VT_PAGE, op.out.va.va);
	EXPECT_EQ(op.out.va.va, RUN_OK(self->fd, vt_vaddr(id)).out.va.va);
	/* It makes no handle and takes none */
	EXPECT_EQ(0, vt_count(self->fd, VMSTORE_DUMP_FRAMES));
}

/* The end of the length is not part of it */
TEST_F(store, find_next_length)
{
	__u64 id = MAPPED(0, VT_2M, 4 * VT_PAGE);
	struct vmstore_op op;

	op = RUN_OK(self->fd, vt_find_next(id, 0));
	EXPECT_EQ(0, op.out.va.found);
	EXPECT_EQ(0, op.out.va.va);
	op = RUN_OK(self->fd, vt_find_next(id, 4 * VT_PAGE));
	EXPECT_EQ(0, op.out.va.found);
	EXPECT_EQ(4 * VT_PAGE, op.out.va.va);
	/* Zero bytes from a leaf on hold no leaf */
	op = RUN_OK(self->fd, vt_find_next(id, 0));
	EXPECT_EQ(0, op.out.va.found);
	RUN_OK(self->fd, vt_jump(id, 0));
	op = RUN_OK(self->fd, vt_find_next(id, 5 * VT_PAGE));
	EXPECT_EQ(1, op.out.va.found);
	EXPECT_EQ(4 * VT_PAGE, op.out.va.va);
	RUN_OK(self->fd, vt_jump(id, 5 * VT_PAGE));
	op = RUN_OK(self->fd, vt_find_next(id, VT_2M - 5 * VT_PAGE));
	EXPECT_EQ(0, op.out.va.found);
	EXPECT_EQ(VT_2M, op.out.va.va);
}

TEST_F(store, find_next_refused)
{
	__u64 id = MAPPED(VT_PAGE, VT_2M, VT_PAGE);

	RUN_ERR(self->fd, EINVAL, vt_find_next(id, 1));
	RUN_ERR(self->fd, EINVAL, vt_find_next(id, VT_PAGE + 8));
	RUN_ERR(self->fd, EINVAL, vt_find_next(id, VT_2M));
	/* The sum wraps (D15) */
	RUN_ERR(self->fd, EINVAL, vt_find_next(id, -VT_PAGE));
	RUN_ERR(self->fd, EINVAL, vt_find_next(id, 1ULL << 63));
	RUN_OK(self->fd, vt_find_next(id, VT_2M - VT_PAGE));
}

/* Absent entries are skipped as a whole: it may end behind its length and its range */
TEST_F(store, find_next_overshoots)
{
	__u64 space = RUN_OK(self->fd, vt_space_new()).out.id;
	__u64 id = RUN_OK(self->fd, vt_open_ro(space, 0, VT_1G + VT_PAGE)).out.id;
	struct vmstore_op op = RUN_OK(self->fd, vt_find_next(id, VT_PAGE));

	EXPECT_EQ(0, op.out.va.found);
	EXPECT_LE(VT_PAGE, op.out.va.va);
	RUN_OK(self->fd, vt_jump(id, VT_1G));
	op = RUN_OK(self->fd, vt_find_next(id, VT_PAGE));
	EXPECT_EQ(0, op.out.va.found);
	EXPECT_LE(VT_1G + VT_PAGE, op.out.va.va);
	EXPECT_EQ(op.out.va.va, RUN_OK(self->fd, vt_vaddr(id)).out.va.va);
	RUN_ERR(self->fd, EACCES, vt_query(id));
	EXPECT_EQ(0, vt_check(self->fd));
	/* The reference aborts here; the guard node contains every address of the range */
	op = RUN_OK(self->fd, vt_jump(id, VT_PAGE));
	EXPECT_EQ(VT_PAGE, op.out.va.va);
	RUN_OK(self->fd, vt_query(id));
}

/* To the end of the user half, where the next address is not canonical */
TEST_F(store, find_next_to_end_of_user_half)
{
	__u64 id = MAPPED(0, VMSTORE_USER_END, VMSTORE_USER_END - VT_PAGE);
	struct vmstore_op op = RUN_OK(self->fd, vt_find_next(id, VMSTORE_USER_END));

	EXPECT_EQ(1, op.out.va.found);
	EXPECT_EQ(VMSTORE_USER_END - VT_PAGE, op.out.va.va);
	op = RUN_OK(self->fd, vt_unmap(id, VT_PAGE));
	EXPECT_EQ(1, op.out.unmap.removed);
	EXPECT_EQ(VMSTORE_USER_END, op.out.unmap.va);
	RUN_ERR(self->fd, EACCES, vt_query(id));
	RUN_ERR(self->fd, EACCES, vt_jump(id, VMSTORE_USER_END));
	RUN_OK(self->fd, vt_jump(id, 0));
	EXPECT_EQ(0, RUN_OK(self->fd, vt_find_next(id, VMSTORE_USER_END)).out.va.found);
}

/* A misaligned address is an abort, and tested first; another one outside is refused */
TEST_F(store, jump)
{
	__u64 space = RUN_OK(self->fd, vt_space_new()).out.id;
	__u64 id = RUN_OK(self->fd, vt_open_ro(space, VT_2M, 3 * VT_2M)).out.id;
	struct vmstore_op op;

	RUN_ERR(self->fd, EINVAL, vt_jump(id, VT_2M + 1));
	RUN_ERR(self->fd, EINVAL, vt_jump(id, 1));
	RUN_ERR(self->fd, EACCES, vt_jump(id, 0));
	RUN_ERR(self->fd, EACCES, vt_jump(id, VT_2M - VT_PAGE));
	RUN_ERR(self->fd, EACCES, vt_jump(id, 3 * VT_2M));
	RUN_ERR(self->fd, EACCES, vt_jump(id, VMSTORE_KERNEL_BASE));
	RUN_ERR(self->fd, EACCES, vt_jump(id, -VT_PAGE));
	op = RUN_OK(self->fd, vt_jump(id, 3 * VT_2M - VT_PAGE));
	EXPECT_EQ(3 * VT_2M - VT_PAGE, op.out.va.va);
	EXPECT_EQ(op.out.va.va, vt_cursor_rec(self->fd, id).va);
	op = RUN_OK(self->fd, vt_jump(id, VT_2M));
	EXPECT_EQ(VT_2M, RUN_OK(self->fd, vt_vaddr(id)).out.va.va);
}

/* Away from a table the level rises, never above that of the guard node */
TEST_F(store, jump_level)
{
	__u64 id = MAPPED(0, VT_1G, 0, VT_2M);

	RUN_OK(self->fd, vt_peek(id));
	EXPECT_EQ(1, vt_cursor_rec(self->fd, id).level);
	RUN_OK(self->fd, vt_jump(id, VT_PAGE));
	EXPECT_EQ(1, vt_cursor_rec(self->fd, id).level);
	RUN_OK(self->fd, vt_jump(id, VT_2M));
	EXPECT_EQ(2, vt_cursor_rec(self->fd, id).level);
	EXPECT_EQ(2, vt_cursor_rec(self->fd, id).guard_level);
	EXPECT_EQ(0, vt_check(self->fd));
}

/* --- waiting --------------------------------------------------------------- */

struct waiter {
	pthread_t thread;
	int fd;
	struct vmstore_op op;
	int ret;
	atomic_int tid;
	atomic_int done;
};

static void nothing(int sig VT_UNUSED)
{
}

static void *wait_for_range(void *arg)
{
	struct waiter *w = arg;

	w->tid = gettid();
	w->ret = vt_run(w->fd, &w->op, 1, 0, NULL);
	w->done = 1;
	return NULL;
}

/* Until the thread sleeps, or ended; a look at /proc, no guess about time */
static bool sleeps(struct waiter *w)
{
	char path[64], line[512], *p;
	int i;

	for (i = 0; i < 5000 && !w->done; i++) {
		FILE *f;

		usleep(1000);
		if (!w->tid)
			continue;
		snprintf(path, sizeof(path), "/proc/self/task/%d/stat", w->tid);
		f = fopen(path, "r");
		if (!f)
			return false;
		p = fgets(line, sizeof(line), f);
		fclose(f);
		p = p ? strrchr(line, ')') : NULL;
		if (p && p[1] == ' ' && p[2] == 'S')
			return true;
	}
	return false;
}

static int start_waiter(struct waiter *w, int fd, struct vmstore_op op)
{
	struct sigaction action = { .sa_handler = nothing };

	memset(w, 0, sizeof(*w));
	w->fd = fd;
	w->op = op;
	w->op.flags |= VMSTORE_OPF_WAIT;
	sigaction(SIGUSR1, &action, NULL);
	return pthread_create(&w->thread, NULL, wait_for_range, w);
}

/* With nobody in the way a waiting open is an open */
TEST_F(store, wait_not_needed)
{
	__u64 space = RUN_OK(self->fd, vt_space_new()).out.id;
	struct vmstore_op op = vt_open_mut(space, 0, VT_PAGE);

	op.flags = VMSTORE_OPF_WAIT;
	RUN_OK(self->fd, op);
}

/* What is wrong with the range is said at once */
TEST_F(store, wait_not_for_bad_range)
{
	__u64 space = RUN_OK(self->fd, vt_space_new()).out.id;
	struct vmstore_op op = vt_open_mut(space, 1, VT_PAGE);

	RUN_OK(self->fd, vt_open_mut(space, 0, VT_PAGE));
	op.flags = VMSTORE_OPF_WAIT;
	RUN_ERR(self->fd, EACCES, op);
}

TEST_F(store, wait_until_closed)
{
	__u64 space = RUN_OK(self->fd, vt_space_new()).out.id;
	__u64 id = RUN_OK(self->fd, vt_open_mut(space, 0, VT_2M)).out.id;
	struct waiter w;

	ASSERT_EQ(0, start_waiter(&w, self->fd, vt_open_mut(space, VT_PAGE, VT_1G)));
	EXPECT_TRUE(sleeps(&w));
	EXPECT_EQ(0, w.done);
	/* The store goes on meanwhile, and another range's end is not what it waits for */
	RUN_OK(self->fd, vt_map(id, RUN_OK(self->fd, vt_alloc()).out.id, VT_RW));
	RUN_OK(self->fd, vt_cursor_drop(RUN_OK(self->fd, vt_open_ro(space, VT_1G,
								    2 * VT_1G)).out.id));
	EXPECT_TRUE(sleeps(&w));
	EXPECT_EQ(0, w.done);
	RUN_OK(self->fd, vt_cursor_drop(id));
	ASSERT_EQ(0, pthread_join(w.thread, NULL));
	EXPECT_EQ(0, w.ret);
	EXPECT_EQ(0, w.op.out_errno);
	EXPECT_EQ(2, w.op.out.open.level);
	RUN_OK(self->fd, vt_cursor_drop(w.op.out.id));
}

/* The space it waits in cannot be dropped under it */
TEST_F(store, wait_holds_space)
{
	__u64 space = RUN_OK(self->fd, vt_space_new()).out.id;
	__u64 id = RUN_OK(self->fd, vt_open_ro(space, 0, VT_2M)).out.id;
	struct waiter w;

	ASSERT_EQ(0, start_waiter(&w, self->fd, vt_open_ro(space, 0, VT_2M)));
	EXPECT_TRUE(sleeps(&w));
	RUN_ERR(self->fd, EBUSY, vt_space_drop(space));
	RUN_OK(self->fd, vt_cursor_drop(id));
	ASSERT_EQ(0, pthread_join(w.thread, NULL));
	EXPECT_EQ(0, w.op.out_errno);
	RUN_OK(self->fd, vt_cursor_drop(w.op.out.id));
	RUN_OK(self->fd, vt_space_drop(space));
}

TEST_F(store, wait_ended_by_signal)
{
	__u64 space = RUN_OK(self->fd, vt_space_new()).out.id;
	struct vt_state before, after;
	struct waiter w;
	int i;

	RUN_OK(self->fd, vt_open_ro(space, 0, VT_2M));
	ASSERT_EQ(0, vt_state_read(self->fd, &before));
	ASSERT_EQ(0, start_waiter(&w, self->fd, vt_open_mut(space, 0, VT_2M)));
	EXPECT_TRUE(sleeps(&w));
	/* A signal that comes a moment too early is lost: hence more than one */
	for (i = 0; i < 5000 && !w.done; i++) {
		pthread_kill(w.thread, SIGUSR1);
		usleep(1000);
	}
	EXPECT_EQ(1, w.done);
	ASSERT_EQ(0, pthread_join(w.thread, NULL));
	EXPECT_TRUE(w.ret == 0 || w.ret == -EINTR);
	EXPECT_EQ(-EINTR, w.op.out_errno);
	EXPECT_EQ(0, w.op.out.id);
	ASSERT_EQ(0, vt_state_read(self->fd, &after));
	EXPECT_TRUE(vt_state_same(&before, &after));
	vt_state_free(&before);
	vt_state_free(&after);
}

TEST_HARNESS_MAIN
