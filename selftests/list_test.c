// SPDX-License-Identifier: GPL-2.0-only
/* Frame lists: every operation, every errno, and what happens to the slots [5.8]. */
#include "store_fixture.h"

#include <pthread.h>

#define START	(VT_SMALL / 2)
#define AT(n)	(START + (n) * VT_PAGE)

static struct vmstore_op of(__u16 opcode, __u64 list)
{
	return vt_op_id(opcode, list);
}

/* The frames of a list as the dump has them, in order: "021" is AT(0), AT(2), AT(1) */
static bool is_list(int fd, __u64 list, const char *frames)
{
	const struct vmstore_rec_list *rec;
	size_t i, k = 0, len = strlen(frames);
	struct vt_sec sec;
	bool same = true;

	if (vt_dump(fd, VMSTORE_DUMP_LISTS, 1 << 16, &sec))
		return false;
	rec = (const void *)sec.data;
	for (i = 0; i < sec.nr; i++) {
		if (rec[i].id != list)
			continue;
		same &= rec[i].nr == len;
		if (!rec[i].nr) {
			same &= rec[i].paddr == ~0ULL && !rec[i].index;
			continue;
		}
		same &= k < len && rec[i].index == k && rec[i].paddr == AT(frames[k] - '0');
		k++;
	}
	vt_sec_free(&sec);
	return same && k == len && !vt_settled(fd);
}

/* An exclusive handle of the nth frame */
#define UNIQUE(n)	(RUN_OK(self->fd, vt_unique(AT(n))).out.id)

/* It becomes the last one of a list */
static struct vmstore_op push(struct __test_metadata *_metadata, int fd, __u64 list, __u32 n)
{
	__u64 unique = RUN_OK(fd, vt_unique(AT(n))).out.id;

	return RUN_OK(fd, vt_list_put(VMSTORE_OP_LIST_PUSH_BACK, list, unique));
}

/* A new list of the first @nr frames */
static __u64 make(struct __test_metadata *_metadata, int fd, __u32 nr)
{
	__u64 list = RUN_OK(fd, vt_list_new()).out.list.id;
	__u32 i;

	for (i = 0; i < nr; i++)
		push(_metadata, fd, list, i);
	return list;
}

#define PUSH(list, n)	push(_metadata, self->fd, list, n)
#define LIST(nr)	make(_metadata, self->fd, nr)

/* What an operation said of the list and its cursor; @frame -1: of none */
#define EXPECT_OUT(op, want_index, want_nr, frame) do {			\
	const struct vmstore_out_list __out = (op).out.list;		\
									\
	EXPECT_EQ(want_nr, (int)__out.nr);				\
	EXPECT_EQ(want_index, (int)__out.index);			\
	EXPECT_EQ((frame) >= 0, (int)__out.found);			\
	EXPECT_EQ((frame) >= 0 ? AT(frame) : 0, __out.paddr);		\
} while (0)

/* Empty, without a tag [O-LNew, O-LSize, O-LIsEmpty] */
TEST_F(store, new)
{
	struct vmstore_op op = RUN_OK(self->fd, vt_list_new());
	__u64 list = op.out.list.id;

	EXPECT_EQ(1, list);
	EXPECT_EQ(2, RUN_OK(self->fd, vt_list_new()).out.id);
	op = RUN_OK(self->fd, of(VMSTORE_OP_LIST_SIZE, list));
	EXPECT_OUT(op, 0, 0, -1);
	EXPECT_EQ(0, op.out.list.id);
	EXPECT_EQ(0, op.out.list.tag);
	EXPECT_TRUE(is_list(self->fd, list, ""));
	op = PUSH(list, 0);
	EXPECT_OUT(op, 0, 1, 0);
	EXPECT_OUT(RUN_OK(self->fd, of(VMSTORE_OP_LIST_SIZE, list)), 0, 1, -1);
}

/* In at every place; push_back is behind the last one [O-LInsertAt, D11] */
TEST_F(store, insert)
{
	__u64 list = LIST(1), unique = UNIQUE(1), i;
	struct vmstore_op op;

	op = RUN_OK(self->fd, vt_list_put(VMSTORE_OP_LIST_PUSH_FRONT, list, unique));
	EXPECT_OUT(op, 0, 2, 1);
	EXPECT_EQ(1, op.out.list.tag);
	EXPECT_EQ(VMSTORE_RC_UNIQUE, vt_slot(self->fd, AT(1)).rc);
	EXPECT_EQ(1, vt_slot(self->fd, AT(1)).in_list);
	EXPECT_EQ(VMSTORE_USAGE_FRAME, vt_slot(self->fd, AT(1)).usage);
	/* The handle is consumed */
	EXPECT_EQ(0, vt_count(self->fd, VMSTORE_DUMP_UNIQUES));
	RUN_ERR(self->fd, ENOENT, vt_unique_drop(unique));
	RUN_ERR(self->fd, ENOENT, vt_from_unique(unique));
	RUN_ERR(self->fd, ENOENT, vt_list_put(VMSTORE_OP_LIST_PUSH_BACK, list, unique));
	EXPECT_TRUE(is_list(self->fd, list, "10"));
	PUSH(list, 2);
	RUN_OK(self->fd, vt_list_insert_at(list, UNIQUE(3), 1));
	RUN_OK(self->fd, vt_list_insert_at(list, UNIQUE(4), 0));
	RUN_OK(self->fd, vt_list_insert_at(list, UNIQUE(5), 5));
	RUN_OK(self->fd, vt_list_insert_at(list, UNIQUE(6), 5));
	EXPECT_TRUE(is_list(self->fd, list, "4130265"));
	for (i = 0; i < 7; i++)
		EXPECT_EQ(1, RUN_OK(self->fd, vt_list_frame(VMSTORE_OP_LIST_CONTAINS, list,
							    AT(i))).out.list.found);
}

TEST_F(store, insert_refused)
{
	__u64 list = LIST(2), unique = UNIQUE(2);
	__u64 frame = RUN_OK(self->fd, vt_alloc()).out.id;
	__u16 op;

	for (op = VMSTORE_OP_LIST_INSERT_AT; op <= VMSTORE_OP_LIST_PUSH_BACK; op++) {
		RUN_ERR(self->fd, ENOENT, vt_list_put(op, 0, unique));
		RUN_ERR(self->fd, ENOENT, vt_list_put(op, list + 1, unique));
		RUN_ERR(self->fd, ENOENT, vt_list_put(op, list, 0));
		RUN_ERR(self->fd, ENOENT, vt_list_put(op, list, unique + 1));
		/* A shared handle is no exclusive one */
		RUN_ERR(self->fd, ENOENT, vt_list_put(op, list, frame));
		RUN_ERR(self->fd, EINVAL, vt_list_put(op, list, VMSTORE_REF(0)));
	}
	RUN_ERR(self->fd, EINVAL, vt_list_insert_at(list, unique, 3));
	RUN_ERR(self->fd, EINVAL, vt_list_insert_at(list, unique, ~0ULL));
	RUN_OK(self->fd, vt_list_insert_at(list, unique, 2));
	EXPECT_TRUE(is_list(self->fd, list, "012"));
}

/* Out again, loose and with a new handle; none where there is none [O-LTakeAt] */
TEST_F(store, take)
{
	__u64 list = LIST(5);
	struct vmstore_op op = RUN_OK(self->fd, vt_list_take_at(list, 3));

	EXPECT_OUT(op, 0, 4, 3);
	EXPECT_EQ(6, op.out.list.id);
	EXPECT_EQ(0, vt_slot(self->fd, AT(3)).in_list);
	EXPECT_EQ(VMSTORE_RC_UNIQUE, vt_slot(self->fd, AT(3)).rc);
	EXPECT_TRUE(is_list(self->fd, list, "0124"));
	RUN_OK(self->fd, vt_from_unique(op.out.list.id));
	EXPECT_EQ(1, vt_slot(self->fd, AT(3)).rc);

	EXPECT_OUT(RUN_OK(self->fd, vt_list_take_at(list, 1)), 0, 3, 1);
	EXPECT_OUT(RUN_OK(self->fd, of(VMSTORE_OP_LIST_POP_FRONT, list)), 0, 2, 0);
	EXPECT_OUT(RUN_OK(self->fd, vt_list_take_at(list, 2)), 0, 2, -1);
	EXPECT_OUT(RUN_OK(self->fd, vt_list_take_at(list, ~0ULL)), 0, 2, -1);
	EXPECT_OUT(RUN_OK(self->fd, of(VMSTORE_OP_LIST_POP_BACK, list)), 0, 1, 4);
	EXPECT_OUT(RUN_OK(self->fd, of(VMSTORE_OP_LIST_POP_BACK, list)), 0, 0, 2);
	op = RUN_OK(self->fd, of(VMSTORE_OP_LIST_POP_BACK, list));
	EXPECT_OUT(op, 0, 0, -1);
	EXPECT_EQ(0, op.out.id);
	EXPECT_OUT(RUN_OK(self->fd, of(VMSTORE_OP_LIST_POP_FRONT, list)), 0, 0, -1);
	EXPECT_EQ(4, vt_count(self->fd, VMSTORE_DUMP_UNIQUES));
	/* The tag is the list's for ever */
	EXPECT_EQ(1, PUSH(list, 6).out.list.tag);
	EXPECT_TRUE(is_list(self->fd, list, "6"));
}

/* What is no frame, free, loose or in another list is not in this one [O-LContains] */
TEST_F(store, contains)
{
	__u64 list = LIST(2), other = RUN_OK(self->fd, vt_list_new()).out.id;
	const __u64 size = self->info.out_region_size;
	const __u64 no[] = { AT(2), AT(3), AT(4), AT(0) + 1, size, ~0ULL, -VT_PAGE };
	struct vmstore_op op;
	size_t i;

	RUN_OK(self->fd, vt_unique(AT(3)));
	PUSH(other, 4);
	for (i = 0; i < ARRAY_SIZE(no); i++) {
		op = vt_list_frame(VMSTORE_OP_LIST_CONTAINS, list, no[i]);
		EXPECT_OUT(RUN_OK(self->fd, op), 0, 2, -1);
		op = vt_list_frame(VMSTORE_OP_LIST_CURSOR_AT, list, no[i]);
		EXPECT_OUT(RUN_OK(self->fd, op), 0, 2, -1);
	}
	op = vt_list_frame(VMSTORE_OP_LIST_CONTAINS, list, AT(1));
	EXPECT_OUT(RUN_OK(self->fd, op), 0, 2, 1);
	EXPECT_OUT(RUN_OK(self->fd, of(VMSTORE_OP_LIST_SIZE, list)), 0, 2, -1);
}

/* Every frame of it is free again [O-LDrop] */
TEST_F(store, drop)
{
	__u64 list = LIST(3), i;

	EXPECT_EQ(3, RUN_OK(self->fd, of(VMSTORE_OP_LIST_DROP, list)).out.list_drop.frames_freed);
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(VMSTORE_RC_UNUSED, vt_slot(self->fd, AT(i)).rc);
		EXPECT_EQ(0, vt_slot(self->fd, AT(i)).in_list);
		EXPECT_EQ(0, vt_slot(self->fd, AT(i)).storage);
	}
	EXPECT_EQ(self->info.out_free_slots, vt_free_slots(self->fd));
	EXPECT_EQ(0, vt_count(self->fd, VMSTORE_DUMP_LISTS));
	RUN_ERR(self->fd, ENOENT, of(VMSTORE_OP_LIST_DROP, list));
	RUN_ERR(self->fd, ENOENT, of(VMSTORE_OP_LIST_DROP, 0));
	list = RUN_OK(self->fd, vt_list_new()).out.id;
	EXPECT_EQ(0, RUN_OK(self->fd, of(VMSTORE_OP_LIST_DROP, list)).out.list_drop.frames_freed);
}

/* Round through the place past the last one [O-LMoveNext, O-LMovePrev, O-LCurrent] */
TEST_F(store, cursor_moves)
{
	__u64 list = LIST(3);
	int i;

	EXPECT_OUT(RUN_OK(self->fd, of(VMSTORE_OP_LIST_CURSOR_FRONT, list)), 0, 3, 0);
	for (i = 1; i < 3; i++)
		EXPECT_OUT(RUN_OK(self->fd, of(VMSTORE_OP_LIST_MOVE_NEXT, list)), i, 3, i);
	EXPECT_OUT(RUN_OK(self->fd, of(VMSTORE_OP_LIST_MOVE_NEXT, list)), 3, 3, -1);
	EXPECT_OUT(RUN_OK(self->fd, of(VMSTORE_OP_LIST_CURRENT, list)), 3, 3, -1);
	EXPECT_OUT(RUN_OK(self->fd, of(VMSTORE_OP_LIST_MOVE_NEXT, list)), 0, 3, 0);
	EXPECT_OUT(RUN_OK(self->fd, of(VMSTORE_OP_LIST_MOVE_PREV, list)), 3, 3, -1);
	for (i = 2; i >= 0; i--)
		EXPECT_OUT(RUN_OK(self->fd, of(VMSTORE_OP_LIST_MOVE_PREV, list)), i, 3, i);
	EXPECT_OUT(RUN_OK(self->fd, of(VMSTORE_OP_LIST_AS_LIST, list)), 0, 3, -1);
	EXPECT_OUT(RUN_OK(self->fd, of(VMSTORE_OP_LIST_CURSOR_DROP, list)), 0, 3, -1);
	EXPECT_OUT(RUN_OK(self->fd, of(VMSTORE_OP_LIST_CURSOR_BACK, list)), 2, 3, 2);
	RUN_OK(self->fd, of(VMSTORE_OP_LIST_CURSOR_DROP, list));
	EXPECT_OUT(RUN_OK(self->fd, vt_list_frame(VMSTORE_OP_LIST_CURSOR_AT, list, AT(1))),
		   1, 3, 1);
}

/* The cursor stays at its frame [O-LCursorInsertBefore], or is at the next [O-LCursorTake] */
TEST_F(store, cursor_edits)
{
	const __u16 put = VMSTORE_OP_LIST_CURSOR_INSERT_BEFORE;
	const __u16 take = VMSTORE_OP_LIST_CURSOR_TAKE;
	__u64 list = LIST(2);
	struct vmstore_op op;

	RUN_OK(self->fd, of(VMSTORE_OP_LIST_CURSOR_BACK, list));
	EXPECT_OUT(RUN_OK(self->fd, vt_list_put(put, list, UNIQUE(2))), 2, 3, 2);
	EXPECT_OUT(RUN_OK(self->fd, of(VMSTORE_OP_LIST_CURRENT, list)), 2, 3, 1);
	RUN_OK(self->fd, of(VMSTORE_OP_LIST_MOVE_NEXT, list));
	EXPECT_OUT(RUN_OK(self->fd, vt_list_put(put, list, UNIQUE(3))), 4, 4, 3);
	EXPECT_OUT(RUN_OK(self->fd, of(VMSTORE_OP_LIST_CURRENT, list)), 4, 4, -1);
	EXPECT_TRUE(is_list(self->fd, list, "0213"));
	EXPECT_OUT(RUN_OK(self->fd, of(take, list)), 4, 4, -1);
	RUN_OK(self->fd, of(VMSTORE_OP_LIST_MOVE_NEXT, list));
	RUN_OK(self->fd, of(VMSTORE_OP_LIST_MOVE_NEXT, list));
	op = RUN_OK(self->fd, of(take, list));
	EXPECT_OUT(op, 1, 3, 2);
	EXPECT_LT(0, op.out.id);
	EXPECT_OUT(RUN_OK(self->fd, of(VMSTORE_OP_LIST_CURRENT, list)), 1, 3, 1);
	EXPECT_TRUE(is_list(self->fd, list, "013"));
	RUN_ERR(self->fd, ENOENT, vt_list_put(put, list, 4711));
	RUN_OK(self->fd, vt_list_put(put, list, op.out.id));
	EXPECT_TRUE(is_list(self->fd, list, "0213"));
}

/* Each operation wants a list with a cursor, or one without [L7] */
TEST_F(store, states)
{
	__u64 list = LIST(2), unique = UNIQUE(2);
	__u16 op;

	for (op = VMSTORE_OP_LIST_MOVE_NEXT; op <= VMSTORE_OP_LIST_CURSOR_DROP; op++) {
		struct vmstore_op one = of(op, list);

		if (op == VMSTORE_OP_LIST_CURSOR_INSERT_BEFORE)
			one = vt_list_put(op, list, unique);
		RUN_ERR(self->fd, EINVAL, one);
		one.arg.id.id = list + 1;
		RUN_ERR(self->fd, ENOENT, one);
	}
	RUN_OK(self->fd, of(VMSTORE_OP_LIST_CURSOR_FRONT, list));
	for (op = VMSTORE_OP_LIST_DROP; op <= VMSTORE_OP_LIST_CURSOR_AT; op++) {
		struct vmstore_op one = of(op, list);

		if (op >= VMSTORE_OP_LIST_INSERT_AT && op <= VMSTORE_OP_LIST_PUSH_BACK)
			one = vt_list_put(op, list, unique);
		RUN_ERR(self->fd, EBUSY, one);
		one.arg.id.id = list + 1;
		RUN_ERR(self->fd, ENOENT, one);
	}
	RUN_OK(self->fd, of(VMSTORE_OP_LIST_CURSOR_DROP, list));
	EXPECT_TRUE(is_list(self->fd, list, "01"));
}

/* Nobody else gets at a frame that is in a list, and its content stays [D8] */
TEST_F(store, excludes)
{
	__u64 space = RUN_OK(self->fd, vt_space_new()).out.id;
	__u64 window = VMSTORE_KERNEL_BASE + AT(0), list, id;

	id = RUN_OK(self->fd, vt_from_unused(AT(0))).out.id;
	RUN_OK(self->fd, vt_write(space, window, 8, 0x1234, 0));
	id = RUN_OK(self->fd, vt_try_from_shared(id)).out.id;
	list = RUN_OK(self->fd, vt_list_new()).out.id;
	RUN_OK(self->fd, vt_list_put(VMSTORE_OP_LIST_PUSH_BACK, list, id));
	RUN_ERR(self->fd, EBUSY, vt_from_unused(AT(0)));
	RUN_ERR(self->fd, EBUSY, vt_from_in_use(AT(0)));
	RUN_ERR(self->fd, EBUSY, vt_unique(AT(0)));
	RUN_ERR(self->fd, EBUSY, vt_segment(AT(0), AT(1)));
	RUN_ERR(self->fd, EACCES, vt_load(space, window, 8, 0));
	RUN_ERR(self->fd, EACCES, vt_kio_new(false, window, 8));
	id = RUN_OK(self->fd, of(VMSTORE_OP_LIST_POP_FRONT, list)).out.id;
	RUN_OK(self->fd, vt_from_unique(id));
	EXPECT_EQ(0x1234, RUN_OK(self->fd, vt_load(space, window, 8, 0)).out.access.value);
}

/* A batch names what it makes: the list, and what comes out of it */
TEST_F(store, references)
{
	struct vmstore_op ops[] = {
		vt_list_new(),
		vt_unique(AT(0)),
		vt_unique(AT(1)),
		vt_list_put(VMSTORE_OP_LIST_PUSH_BACK, VMSTORE_REF(0), VMSTORE_REF(1)),
		vt_list_insert_at(VMSTORE_REF(0), VMSTORE_REF(2), 0),
		of(VMSTORE_OP_LIST_POP_FRONT, VMSTORE_REF(0)),
		vt_unique_drop(VMSTORE_REF(5)),
		of(VMSTORE_OP_LIST_CURSOR_FRONT, VMSTORE_REF(0)),
		of(VMSTORE_OP_LIST_CURSOR_TAKE, VMSTORE_REF(0)),
		of(VMSTORE_OP_LIST_CURSOR_TAKE, VMSTORE_REF(0)),
		/* none came out: there is nothing to refer to */
		vt_unique_drop(VMSTORE_REF(9)),
		vt_unique_drop(VMSTORE_REF(8)),
		of(VMSTORE_OP_LIST_CURSOR_DROP, VMSTORE_REF(0)),
		of(VMSTORE_OP_LIST_DROP, VMSTORE_REF(0)),
	};
	struct vmstore_run run;
	size_t i;

	ASSERT_EQ(0, vt_run(self->fd, ops, ARRAY_SIZE(ops), VMSTORE_RUN_KEEP_GOING, &run));
	EXPECT_EQ(1, run.out_failed);
	for (i = 0; i < ARRAY_SIZE(ops); i++)
		EXPECT_EQ(i == 10 ? -EINVAL : 0, ops[i].out_errno)
			TH_LOG("operation %zu", i);
	EXPECT_EQ(self->info.out_free_slots, vt_free_slots(self->fd));
}

/* Walking is as long as the list, and nothing else is: ends and a cursor's neighbours */
TEST_F(store, long_list)
{
	enum { NR = 200 };
	__u64 list = RUN_OK(self->fd, vt_list_new()).out.id;
	int i;

	for (i = 0; i < NR; i++) {
		__u64 unique = RUN_OK(self->fd, vt_unique(AT(i))).out.id;

		RUN_OK(self->fd, vt_list_insert_at(list, unique, i / 2));
	}
	RUN_OK(self->fd, of(VMSTORE_OP_LIST_CURSOR_FRONT, list));
	for (i = 0; i < NR; i++)
		RUN_OK(self->fd, of(VMSTORE_OP_LIST_MOVE_NEXT, list));
	EXPECT_OUT(RUN_OK(self->fd, of(VMSTORE_OP_LIST_CURRENT, list)), NR, NR, -1);
	RUN_OK(self->fd, of(VMSTORE_OP_LIST_CURSOR_DROP, list));
	EXPECT_EQ(0, vt_settled(self->fd));
	EXPECT_EQ(NR, RUN_OK(self->fd, of(VMSTORE_OP_LIST_DROP, list)).out.list_drop.frames_freed);
}

/* --- threads ----------------------------------------------------------------------- */

struct racer {
	pthread_t thread;
	int fd;
	__u64 list;
	__u64 handles;	/* held in the end */
	__u64 bad;
};

/* On one list: what goes in comes out, or the other thread has the list meanwhile */
static void *race(void *arg)
{
	struct racer *r = arg;
	__u64 mine = 0;
	__u32 i;

	for (i = 0; i < vt_rounds(2000); i++) {
		struct vmstore_op op = of(i & 1 ? VMSTORE_OP_LIST_POP_FRONT :
						  VMSTORE_OP_LIST_POP_BACK, r->list);
		int err;

		if (mine)
			op = vt_list_put(i & 2 ? VMSTORE_OP_LIST_PUSH_FRONT :
						 VMSTORE_OP_LIST_PUSH_BACK, r->list, mine);
		err = vt_run1(r->fd, &op);
		if (err && err != -EBUSY)
			r->bad++;
		else if (!err)
			mine = mine ? 0 : op.out.list.id;
	}
	r->handles = !!mine;
	return NULL;
}

TEST(threads)
{
	const char *reason = vt_skip_reason(VMSTORE_MACHINE_DEFAULT);
	struct racer r[4] = {};
	struct vmstore_op op;
	__u64 list, left = 8;
	int fd, i;

	if (reason)
		SKIP(return, "%s", reason);
	fd = vt_store(VMSTORE_MACHINE_DEFAULT, VMSTORE_CHECK_OFF, VT_SMALL);
	ASSERT_LE(0, fd);
	list = RUN_OK(fd, vt_list_new()).out.id;
	for (i = 0; i < 8; i++) {
		op = RUN_OK(fd, vt_unique(AT(i)));
		RUN_OK(fd, vt_list_put(VMSTORE_OP_LIST_PUSH_BACK, list, op.out.id));
	}
	for (i = 0; i < 4; i++) {
		r[i].fd = fd;
		r[i].list = list;
		ASSERT_EQ(0, pthread_create(&r[i].thread, NULL, race, &r[i]));
	}
	for (i = 0; i < 4; i++) {
		pthread_join(r[i].thread, NULL);
		EXPECT_EQ(0, r[i].bad);
		left -= r[i].handles;
	}
	op = RUN_OK(fd, of(VMSTORE_OP_LIST_SIZE, list));
	EXPECT_EQ(left, op.out.list.nr);
	EXPECT_EQ(8 - left, (__u64)vt_count(fd, VMSTORE_DUMP_UNIQUES));
	EXPECT_EQ(0, vt_settled(fd));
	close(fd);
}

TEST_HARNESS_MAIN
