// SPDX-License-Identifier: GPL-2.0-only
/* Frame lists [model 5.8]: effects on slots, and the operations. */

#include "step.h"
#include "fixture.h"

#define FRAME(n)	(0x400000ULL + (n) * FX_PAGE)	/* where no node will be */

static struct vms_slot *slot_of(struct vms_store *s, u64 paddr)
{
	return &s->region.slots[vms_paddr_slot(paddr)];
}

static struct vms_list *list_of(struct vms_store *s, u64 id)
{
	return xa_load(&s->lists.xa, id);
}

/* The frames of a list, as numbers of FRAME(), from the dump: in order, and no others */
static void expect_list(struct kunit *test, u64 id, const char *frames)
{
	struct vms_store *s = fx_store(test);
	struct vmstore_rec_list *rec;
	size_t nr, i;
	u64 k = 0;

	rec = fx_dump(test, s, VMSTORE_DUMP_LISTS, &nr);
	for (i = 0; i < nr; i++) {
		if (rec[i].id != id || !rec[i].nr)
			continue;
		KUNIT_EXPECT_EQ(test, rec[i].nr, strlen(frames));
		KUNIT_EXPECT_EQ(test, rec[i].index, k);
		KUNIT_ASSERT_LT(test, k, strlen(frames));
		KUNIT_EXPECT_EQ(test, rec[i].paddr, FRAME(frames[k] - '0'));
		k++;
	}
	KUNIT_EXPECT_EQ_MSG(test, k, strlen(frames), "%s", frames);
	kunit_kfree(test, rec);
	fx_expect_inv(test, s);
}

/* A list of the first @nr frames */
static u64 make_list(struct kunit *test, u32 nr)
{
	struct vms_store *s = fx_store(test);
	u64 list = fx_list_new(test, s);
	u32 i;

	for (i = 0; i < nr; i++)
		fx_list_push(test, s, list, FRAME(i));
	return list;
}

static u64 unique_of(struct kunit *test, u32 n)
{
	return fx_unique_from_unused(test, fx_store(test), FRAME(n));
}

static struct vmstore_out_list does(struct kunit *test, struct vmstore_op op)
{
	fx_does(test, fx_store(test), &op);
	return op.out.list;
}

static void expect_at(struct kunit *test, struct vmstore_out_list out, u64 index, u64 nr,
		      u32 frame)
{
	KUNIT_EXPECT_EQ(test, out.id, 0ULL);
	KUNIT_EXPECT_EQ(test, out.nr, nr);
	KUNIT_EXPECT_EQ(test, out.index, index);
	KUNIT_EXPECT_EQ(test, out.found, 1U);
	KUNIT_EXPECT_EQ(test, out.paddr, FRAME(frame));
}

static void expect_none(struct kunit *test, struct vmstore_out_list out, u64 index, u64 nr)
{
	KUNIT_EXPECT_EQ(test, out.id, 0ULL);
	KUNIT_EXPECT_EQ(test, out.nr, nr);
	KUNIT_EXPECT_EQ(test, out.index, index);
	KUNIT_EXPECT_EQ(test, out.found, 0U);
	KUNIT_EXPECT_EQ(test, out.paddr, 0ULL);
}

/* O-LNew: empty, no tag; ids are its own */
static void list_test_new(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 list = fx_list_new(test, s);
	struct vmstore_out_list out;

	KUNIT_EXPECT_EQ(test, list, 1ULL);
	KUNIT_EXPECT_EQ(test, fx_list_new(test, s), 2ULL);
	out = fx_list(test, s, VMSTORE_OP_LIST_SIZE, list);
	KUNIT_EXPECT_EQ(test, out.nr, 0ULL);
	KUNIT_EXPECT_EQ(test, out.tag, 0ULL);
	s->lists.max = 2;
	fx_fails(test, s, fx_op_simple(VMSTORE_OP_LIST_NEW), -ENOSPC);
	fx_list_drop(test, s, list);
	fx_fails(test, s, fx_op_id(VMSTORE_OP_LIST_SIZE, list), -ENOENT);
	KUNIT_EXPECT_EQ(test, fx_list_new(test, s), 3ULL);
	fx_expect_inv(test, s);
}

/* O-LInsertAt and what is the same at the ends: rc stays UNIQUE, the slot is a link */
static void list_test_insert(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 list = fx_list_new(test, s);
	u64 unique = unique_of(test, 0);
	struct vmstore_op op = fx_op_list_put(VMSTORE_OP_LIST_PUSH_BACK, list, unique);
	struct vmstore_out_list out;
	int i;

	*(u64 *)vms_slot_kva(&s->region, vms_paddr_slot(FRAME(0))) = 7;
	out = does(test, op);
	KUNIT_EXPECT_EQ(test, out.id, 0ULL);
	KUNIT_EXPECT_EQ(test, out.found, 1U);
	KUNIT_EXPECT_EQ(test, out.paddr, FRAME(0));
	KUNIT_EXPECT_EQ(test, out.nr, 1ULL);
	KUNIT_EXPECT_EQ(test, out.tag, 1ULL);
	KUNIT_EXPECT_EQ(test, slot_of(s, FRAME(0))->in_list, 1ULL);
	KUNIT_EXPECT_EQ(test, slot_of(s, FRAME(0))->type, VMS_TYPE_LINK);
	KUNIT_EXPECT_EQ(test, slot_of(s, FRAME(0))->usage, VMSTORE_USAGE_FRAME);
	KUNIT_EXPECT_TRUE(test, slot_of(s, FRAME(0))->storage);
	KUNIT_EXPECT_EQ(test, slot_of(s, FRAME(0))->rc.counter, (s64)VMS_RC_UNIQUE);
	/* it is private memory, and stays what it is */
	KUNIT_EXPECT_EQ(test, *(u64 *)vms_slot_kva(&s->region, vms_paddr_slot(FRAME(0))), 7);
	/* the handle is consumed */
	KUNIT_EXPECT_EQ(test, atomic_read(&s->uniques.count), 0);
	fx_fails(test, s, fx_op_id(VMSTORE_OP_UNIQUE_DROP, unique), -ENOENT);
	fx_fails(test, s, op, -ENOENT);

	does(test, fx_op_list_put(VMSTORE_OP_LIST_PUSH_FRONT, list, unique_of(test, 1)));
	expect_list(test, list, "10");
	does(test, fx_op_list_put(VMSTORE_OP_LIST_PUSH_BACK, list, unique_of(test, 2)));
	expect_list(test, list, "102");		/* behind the last [D11] */
	does(test, fx_op_list_insert_at(list, unique_of(test, 3), 1));
	expect_list(test, list, "1302");
	does(test, fx_op_list_insert_at(list, unique_of(test, 4), 0));
	expect_list(test, list, "41302");
	does(test, fx_op_list_insert_at(list, unique_of(test, 5), 5));
	expect_list(test, list, "413025");
	out = does(test, fx_op_list_insert_at(list, unique_of(test, 6), 5));
	expect_list(test, list, "4130265");
	KUNIT_EXPECT_EQ(test, out.nr, 7ULL);
	KUNIT_EXPECT_EQ(test, out.tag, 1ULL);
	for (i = 0; i < 7; i++)
		KUNIT_EXPECT_EQ(test, slot_of(s, FRAME(i))->in_list, 1ULL);
}

static void list_test_insert_errors(struct kunit *test)
{
	static const u32 puts[] = {
		VMSTORE_OP_LIST_INSERT_AT, VMSTORE_OP_LIST_PUSH_FRONT, VMSTORE_OP_LIST_PUSH_BACK,
	};
	struct vms_store *s = fx_store(test);
	u64 list = make_list(test, 2), unique = unique_of(test, 2), empty;
	u64 frame = fx_frame_from_unused(test, s, 0x6000);
	struct vmstore_op op;
	int i;
	u32 slot;

	for (i = 0; i < ARRAY_SIZE(puts); i++) {
		fx_fails(test, s, fx_op_list_put(puts[i], 0, unique), -ENOENT);
		fx_fails(test, s, fx_op_list_put(puts[i], list + 1, unique), -ENOENT);
		fx_fails(test, s, fx_op_list_put(puts[i], list, 0), -ENOENT);
		fx_fails(test, s, fx_op_list_put(puts[i], list, U64_MAX), -ENOENT);
		/* a shared handle is none of these */
		fx_fails(test, s, fx_op_list_put(puts[i], list, frame), -ENOENT);
	}
	/* a place that is none, whatever the handle is */
	fx_fails(test, s, fx_op_list_insert_at(list, unique, 3), -EINVAL);
	fx_fails(test, s, fx_op_list_insert_at(list, unique, U64_MAX), -EINVAL);
	fx_fails(test, s, fx_op_list_insert_at(list, unique + 1, 3), -EINVAL);
	/* only INSERT_AT has a place */
	op = fx_op_list_put(VMSTORE_OP_LIST_PUSH_BACK, list, unique);
	op.arg.list_insert.n = 1;
	fx_fails(test, s, op, -EINVAL);

	s->mode = VMSTORE_CHECK_OFF;
	KUNIT_EXPECT_EQ(test, vms_store_extract_unique(s, unique, &slot), 0);
	for (i = 0; i < ARRAY_SIZE(puts); i++)
		fx_fails(test, s, fx_op_list_put(puts[i], list, unique), -EBUSY);
	KUNIT_EXPECT_EQ(test, vms_store_insert_unique(s, unique, slot), 0);
	s->mode = VMSTORE_CHECK_FULL;

	/* no tag is left for a first frame; a list that has one needs none */
	empty = fx_list_new(test, s);
	atomic64_set(&s->last_tag, S64_MAX);
	fx_fails(test, s, fx_op_list_put(VMSTORE_OP_LIST_PUSH_BACK, empty, unique), -EOVERFLOW);
	KUNIT_EXPECT_EQ(test, atomic64_read(&s->last_tag), S64_MAX);
	does(test, fx_op_list_put(VMSTORE_OP_LIST_PUSH_BACK, list, unique));
	expect_list(test, list, "012");
}

/* Every list has a tag of its own for ever, also when it is empty again */
static void list_test_tags(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 a = fx_list_new(test, s), b = fx_list_new(test, s);

	KUNIT_EXPECT_EQ(test, fx_list_push(test, s, b, FRAME(0)).tag, 1ULL);
	KUNIT_EXPECT_EQ(test, fx_list_push(test, s, a, FRAME(1)).tag, 2ULL);
	fx_unique_drop(test, s, fx_list(test, s, VMSTORE_OP_LIST_POP_BACK, b).id);
	KUNIT_EXPECT_EQ(test, fx_list(test, s, VMSTORE_OP_LIST_SIZE, b).tag, 1ULL);
	KUNIT_EXPECT_EQ(test, fx_list_push(test, s, b, FRAME(0)).tag, 1ULL);
	KUNIT_EXPECT_EQ(test, fx_list_drop(test, s, b), 1ULL);
	b = fx_list_new(test, s);
	KUNIT_EXPECT_EQ(test, fx_list_push(test, s, b, FRAME(0)).tag, 3ULL);
	fx_expect_inv(test, s);
}

/* O-LTakeAt and the ends: the frame is loose again, with a new handle */
static void list_test_take(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 list = make_list(test, 6);
	struct vmstore_out_list out;

	out = does(test, fx_op_list_at(VMSTORE_OP_LIST_TAKE_AT, list, 4));
	KUNIT_EXPECT_EQ(test, out.id, 7ULL);
	KUNIT_EXPECT_EQ(test, out.found, 1U);
	KUNIT_EXPECT_EQ(test, out.paddr, FRAME(4));
	KUNIT_EXPECT_EQ(test, out.nr, 5ULL);
	KUNIT_EXPECT_EQ(test, slot_of(s, FRAME(4))->in_list, 0ULL);
	KUNIT_EXPECT_EQ(test, slot_of(s, FRAME(4))->type, VMS_TYPE_FRAME);
	KUNIT_EXPECT_EQ(test, slot_of(s, FRAME(4))->link.prev, VMS_NO_SLOT);
	KUNIT_EXPECT_EQ(test, slot_of(s, FRAME(4))->link.next, VMS_NO_SLOT);
	KUNIT_EXPECT_EQ(test, slot_of(s, FRAME(4))->rc.counter, (s64)VMS_RC_UNIQUE);
	expect_list(test, list, "01235");
	fx_frame_drop(test, s, fx_from_unique(test, s, out.id));

	out = does(test, fx_op_list_at(VMSTORE_OP_LIST_TAKE_AT, list, 1));
	KUNIT_EXPECT_EQ(test, out.paddr, FRAME(1));
	expect_list(test, list, "0235");
	out = fx_list(test, s, VMSTORE_OP_LIST_POP_FRONT, list);
	KUNIT_EXPECT_EQ(test, out.paddr, FRAME(0));
	expect_list(test, list, "235");
	out = fx_list(test, s, VMSTORE_OP_LIST_POP_BACK, list);
	KUNIT_EXPECT_EQ(test, out.paddr, FRAME(5));
	expect_list(test, list, "23");
	s->uniques.max = 3;
	fx_fails(test, s, fx_op_id(VMSTORE_OP_LIST_POP_FRONT, list), -ENOSPC);
	s->uniques.max = 8;
	fx_list(test, s, VMSTORE_OP_LIST_POP_FRONT, list);
	fx_list(test, s, VMSTORE_OP_LIST_POP_FRONT, list);
	expect_list(test, list, "");
	KUNIT_EXPECT_EQ(test, atomic_read(&s->uniques.count), 5);
}

/* What is not there is none, and no handle */
static void list_test_take_none(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 list = make_list(test, 2), empty = fx_list_new(test, s);

	s->uniques.max = 0;	/* none is wanted */
	expect_none(test, does(test, fx_op_list_at(VMSTORE_OP_LIST_TAKE_AT, list, 2)), 0, 2);
	expect_none(test, does(test, fx_op_list_at(VMSTORE_OP_LIST_TAKE_AT, list, U64_MAX)),
		    0, 2);
	expect_none(test, does(test, fx_op_list_at(VMSTORE_OP_LIST_TAKE_AT, empty, 0)), 0, 0);
	expect_none(test, fx_list(test, s, VMSTORE_OP_LIST_POP_FRONT, empty), 0, 0);
	expect_none(test, fx_list(test, s, VMSTORE_OP_LIST_POP_BACK, empty), 0, 0);
	fx_list(test, s, VMSTORE_OP_LIST_CURSOR_BACK, list);
	fx_list(test, s, VMSTORE_OP_LIST_MOVE_NEXT, list);
	expect_none(test, fx_list(test, s, VMSTORE_OP_LIST_CURSOR_TAKE, list), 2, 2);
	expect_list(test, list, "01");
}

/* O-LContains: by the tag, false of what is no frame */
static void list_test_contains(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 list = make_list(test, 2), other = fx_list_new(test, s);
	const u64 no[] = {
		FRAME(2), FRAME(3), FRAME(4), FRAME(0) + 1, FX_REGION, U64_MAX,
		-FX_PAGE, FX_REGION - FX_PAGE, vms_slot_paddr(s->kernel.top),
	};
	struct vmstore_out_list out;
	u32 i;

	/* of nobody; loose; of another list */
	unique_of(test, 3);
	fx_list_push(test, s, other, FRAME(4));
	for (i = 0; i < ARRAY_SIZE(no); i++) {
		out = does(test, fx_op_list_frame(VMSTORE_OP_LIST_CONTAINS, list, no[i]));
		KUNIT_EXPECT_EQ_MSG(test, out.found, 0U, "%llx", no[i]);
		KUNIT_EXPECT_EQ(test, out.paddr, 0ULL);
		KUNIT_EXPECT_EQ(test, out.nr, 2ULL);
	}
	for (i = 0; i < 2; i++) {
		out = does(test, fx_op_list_frame(VMSTORE_OP_LIST_CONTAINS, list, FRAME(i)));
		KUNIT_EXPECT_EQ(test, out.found, 1U);
		KUNIT_EXPECT_EQ(test, out.paddr, FRAME(i));
	}
	/* a list that never had a frame has no tag, and in_list is 0 at most slots */
	other = fx_list_new(test, s);
	out = does(test, fx_op_list_frame(VMSTORE_OP_LIST_CONTAINS, other, FRAME(2)));
	KUNIT_EXPECT_EQ(test, out.found, 0U);
	fx_expect_inv(test, s);
}

/* O-LDrop: every frame is torn down */
static void list_test_drop(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 list = make_list(test, 5);
	int i;

	KUNIT_EXPECT_EQ(test, fx_list_drop(test, s, list), 5ULL);
	for (i = 0; i < 5; i++) {
		KUNIT_EXPECT_EQ(test, slot_of(s, FRAME(i))->rc.counter, (s64)VMS_RC_UNUSED);
		KUNIT_EXPECT_EQ(test, slot_of(s, FRAME(i))->in_list, 0ULL);
		KUNIT_EXPECT_EQ(test, slot_of(s, FRAME(i))->type, VMS_TYPE_NONE);
	}
	fx_fails(test, s, fx_op_id(VMSTORE_OP_LIST_DROP, list), -ENOENT);
	KUNIT_EXPECT_EQ(test, fx_list_drop(test, s, fx_list_new(test, s)), 0ULL);
	fx_expect_empty(test, s);
	fx_expect_inv(test, s);
}

/* O-LMoveNext, O-LMovePrev: round through the place past the last one */
static void list_test_cursor_move(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 list = make_list(test, 3);
	int i;

	expect_at(test, fx_list(test, s, VMSTORE_OP_LIST_CURSOR_FRONT, list), 0, 3, 0);
	expect_at(test, fx_list(test, s, VMSTORE_OP_LIST_CURRENT, list), 0, 3, 0);
	for (i = 1; i < 3; i++)
		expect_at(test, fx_list(test, s, VMSTORE_OP_LIST_MOVE_NEXT, list), i, 3, i);
	expect_none(test, fx_list(test, s, VMSTORE_OP_LIST_MOVE_NEXT, list), 3, 3);
	expect_none(test, fx_list(test, s, VMSTORE_OP_LIST_CURRENT, list), 3, 3);
	expect_at(test, fx_list(test, s, VMSTORE_OP_LIST_MOVE_NEXT, list), 0, 3, 0);
	expect_none(test, fx_list(test, s, VMSTORE_OP_LIST_MOVE_PREV, list), 3, 3);
	for (i = 2; i >= 0; i--)
		expect_at(test, fx_list(test, s, VMSTORE_OP_LIST_MOVE_PREV, list), i, 3, i);
	expect_none(test, fx_list(test, s, VMSTORE_OP_LIST_CURSOR_DROP, list), 0, 3);
	expect_at(test, fx_list(test, s, VMSTORE_OP_LIST_CURSOR_BACK, list), 2, 3, 2);
	fx_expect_inv(test, s);
}

/* Of an empty list there is one place only */
static void list_test_cursor_empty(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 list = fx_list_new(test, s);

	expect_none(test, fx_list(test, s, VMSTORE_OP_LIST_CURSOR_FRONT, list), 0, 0);
	expect_none(test, fx_list(test, s, VMSTORE_OP_LIST_MOVE_NEXT, list), 0, 0);
	expect_none(test, fx_list(test, s, VMSTORE_OP_LIST_MOVE_PREV, list), 0, 0);
	expect_none(test, fx_list(test, s, VMSTORE_OP_LIST_CURRENT, list), 0, 0);
	expect_none(test, fx_list(test, s, VMSTORE_OP_LIST_CURSOR_TAKE, list), 0, 0);
	expect_none(test, fx_list(test, s, VMSTORE_OP_LIST_CURSOR_DROP, list), 0, 0);
	expect_none(test, fx_list(test, s, VMSTORE_OP_LIST_CURSOR_BACK, list), 0, 0);
	/* what goes in before that place is the first one, and the cursor behind it */
	does(test, fx_op_list_put(VMSTORE_OP_LIST_CURSOR_INSERT_BEFORE, list,
				  unique_of(test, 0)));
	expect_none(test, fx_list(test, s, VMSTORE_OP_LIST_CURRENT, list), 1, 1);
	expect_list(test, list, "0");
}

/* O-LCursorAt: at the frame named, or no cursor */
static void list_test_cursor_at(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 list = make_list(test, 4), other = fx_list_new(test, s);
	const u64 no[] = { FRAME(4), FRAME(5), FRAME(1) + 8, FX_REGION, U64_MAX };
	struct vmstore_op op;
	u32 i;

	fx_list_push(test, s, other, FRAME(5));
	for (i = 0; i < ARRAY_SIZE(no); i++) {
		op = fx_op_list_frame(VMSTORE_OP_LIST_CURSOR_AT, list, no[i]);
		expect_none(test, does(test, op), 0, 4);
		KUNIT_EXPECT_FALSE(test, list_of(s, list)->out);
	}
	for (i = 0; i < 4; i++) {
		op = fx_op_list_frame(VMSTORE_OP_LIST_CURSOR_AT, list, FRAME(i));
		expect_at(test, does(test, op), i, 4, i);
		fx_list(test, s, VMSTORE_OP_LIST_CURSOR_DROP, list);
	}
	fx_expect_inv(test, s);
}

/* O-LCursorInsertBefore: the cursor stays at its frame; past the end it appends */
static void list_test_cursor_insert(struct kunit *test)
{
	const u32 put = VMSTORE_OP_LIST_CURSOR_INSERT_BEFORE;
	struct vms_store *s = fx_store(test);
	u64 list = make_list(test, 2), unique;
	struct vmstore_out_list out;

	fx_list(test, s, VMSTORE_OP_LIST_CURSOR_BACK, list);
	/* as the reference pushes at the back: before the last one [D11] */
	out = does(test, fx_op_list_put(put, list, unique_of(test, 2)));
	expect_at(test, out, 2, 3, 2);
	expect_at(test, fx_list(test, s, VMSTORE_OP_LIST_CURRENT, list), 2, 3, 1);
	expect_list(test, list, "021");
	fx_list(test, s, VMSTORE_OP_LIST_MOVE_NEXT, list);
	does(test, fx_op_list_put(put, list, unique_of(test, 3)));
	expect_none(test, fx_list(test, s, VMSTORE_OP_LIST_CURRENT, list), 4, 4);
	expect_list(test, list, "0213");
	fx_list(test, s, VMSTORE_OP_LIST_MOVE_NEXT, list);
	does(test, fx_op_list_put(put, list, unique_of(test, 4)));
	expect_at(test, fx_list(test, s, VMSTORE_OP_LIST_CURRENT, list), 1, 5, 0);
	expect_list(test, list, "40213");
	unique = unique_of(test, 5);
	fx_fails(test, s, fx_op_list_put(put, list, unique + 1), -ENOENT);
	fx_list(test, s, VMSTORE_OP_LIST_CURSOR_DROP, list);
	fx_fails(test, s, fx_op_list_put(put, list, unique), -EINVAL);
	expect_list(test, list, "40213");
}

/* O-LCursorTake: the cursor is at the following frame then */
static void list_test_cursor_take(struct kunit *test)
{
	const u32 take = VMSTORE_OP_LIST_CURSOR_TAKE;
	struct vms_store *s = fx_store(test);
	u64 list = make_list(test, 4);
	struct vmstore_out_list out;

	fx_list(test, s, VMSTORE_OP_LIST_CURSOR_FRONT, list);
	fx_list(test, s, VMSTORE_OP_LIST_MOVE_NEXT, list);
	out = fx_list(test, s, take, list);
	KUNIT_EXPECT_EQ(test, out.id, 5ULL);
	KUNIT_EXPECT_EQ(test, out.paddr, FRAME(1));
	KUNIT_EXPECT_EQ(test, out.index, 1ULL);
	expect_at(test, fx_list(test, s, VMSTORE_OP_LIST_CURRENT, list), 1, 3, 2);
	expect_list(test, list, "023");
	fx_list(test, s, VMSTORE_OP_LIST_MOVE_NEXT, list);
	KUNIT_EXPECT_EQ(test, fx_list(test, s, take, list).paddr, FRAME(3));
	expect_none(test, fx_list(test, s, VMSTORE_OP_LIST_CURRENT, list), 2, 2);
	expect_list(test, list, "02");
	fx_list(test, s, VMSTORE_OP_LIST_MOVE_NEXT, list);
	KUNIT_EXPECT_EQ(test, fx_list(test, s, take, list).paddr, FRAME(0));
	expect_at(test, fx_list(test, s, VMSTORE_OP_LIST_CURRENT, list), 0, 1, 2);
	s->uniques.max = 0;
	fx_fails(test, s, fx_op_id(take, list), -ENOSPC);
	s->uniques.max = 8;
	KUNIT_EXPECT_EQ(test, fx_list(test, s, take, list).paddr, FRAME(2));
	expect_none(test, fx_list(test, s, VMSTORE_OP_LIST_CURRENT, list), 0, 0);
	fx_list(test, s, VMSTORE_OP_LIST_CURSOR_DROP, list);
	expect_list(test, list, "");
}

/* Operations on a list without a cursor, and on one with */
static const u32 of_held[] = {
	VMSTORE_OP_LIST_DROP, VMSTORE_OP_LIST_SIZE, VMSTORE_OP_LIST_CONTAINS,
	VMSTORE_OP_LIST_INSERT_AT, VMSTORE_OP_LIST_PUSH_FRONT, VMSTORE_OP_LIST_PUSH_BACK,
	VMSTORE_OP_LIST_TAKE_AT, VMSTORE_OP_LIST_POP_FRONT, VMSTORE_OP_LIST_POP_BACK,
	VMSTORE_OP_LIST_CURSOR_FRONT, VMSTORE_OP_LIST_CURSOR_BACK, VMSTORE_OP_LIST_CURSOR_AT,
};

static const u32 of_out[] = {
	VMSTORE_OP_LIST_MOVE_NEXT, VMSTORE_OP_LIST_MOVE_PREV, VMSTORE_OP_LIST_CURRENT,
	VMSTORE_OP_LIST_AS_LIST, VMSTORE_OP_LIST_CURSOR_INSERT_BEFORE,
	VMSTORE_OP_LIST_CURSOR_TAKE, VMSTORE_OP_LIST_CURSOR_DROP,
};

/* All of them fail, on a list that exists or not */
static void expect_all_fail(struct kunit *test, const u32 *opcode, size_t nr, u64 list,
			    u64 unique, int err)
{
	struct vms_store *s = fx_store(test);

	for (; nr--; opcode++) {
		bool puts = vms_op_row(*opcode)->id_arg[1] == VMS_ID_UNIQUE;

		fx_fails(test, s, puts ? fx_op_list_put(*opcode, list, unique) :
					 fx_op_id(*opcode, list), err);
	}
}

/* A list has a cursor or is held, and each operation wants one of the two [L7] */
static void list_test_states(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 list = make_list(test, 2), unique = unique_of(test, 2);
	struct vmstore_out_list as_list;
	struct vms_list *in_hand;

	expect_all_fail(test, of_out, ARRAY_SIZE(of_out), list, unique, -EINVAL);
	fx_list(test, s, VMSTORE_OP_LIST_CURSOR_BACK, list);
	expect_all_fail(test, of_held, ARRAY_SIZE(of_held), list, unique, -EBUSY);
	as_list = fx_list(test, s, VMSTORE_OP_LIST_AS_LIST, list);
	expect_none(test, as_list, 1, 2);
	KUNIT_EXPECT_EQ(test, as_list.tag, 1ULL);

	expect_all_fail(test, of_held, ARRAY_SIZE(of_held), list + 1, unique, -ENOENT);
	expect_all_fail(test, of_out, ARRAY_SIZE(of_out), 0, unique, -ENOENT);
	fx_list(test, s, VMSTORE_OP_LIST_CURSOR_DROP, list);
	expect_list(test, list, "01");

	/* another operation has it in hand, whichever way it is */
	s->mode = VMSTORE_CHECK_OFF;
	KUNIT_EXPECT_EQ(test, vms_store_extract_list(s, list, true, &in_hand), -EINVAL);
	KUNIT_EXPECT_EQ(test, vms_store_extract_list(s, list, false, &in_hand), 0);
	expect_all_fail(test, of_held, ARRAY_SIZE(of_held), list, unique, -EBUSY);
	expect_all_fail(test, of_out, ARRAY_SIZE(of_out), list, unique, -EBUSY);
	KUNIT_EXPECT_EQ(test, vms_store_insert_list(s, list, in_hand), 0);
	KUNIT_EXPECT_EQ(test, vms_store_insert_list(s, list, in_hand), -EEXIST);
	KUNIT_EXPECT_EQ(test, vms_store_insert_list(s, list + 1, in_hand), -EINVAL);
	s->mode = VMSTORE_CHECK_FULL;
	expect_list(test, list, "01");
}

/* A listed frame is nobody else's, whichever way he comes [D8] */
static void list_test_excludes(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 space = fx_space_new(test, s);
	struct vmstore_op op = fx_op_load(space, VMSTORE_KERNEL_BASE + FRAME(0), 8);

	make_list(test, 1);
	fx_fails(test, s, fx_op_paddr(VMSTORE_OP_FRAME_FROM_UNUSED, FRAME(0)), -EBUSY);
	fx_fails(test, s, fx_op_paddr(VMSTORE_OP_FRAME_FROM_IN_USE, FRAME(0)), -EBUSY);
	fx_fails(test, s, fx_op_paddr(VMSTORE_OP_UNIQUE_FROM_UNUSED, FRAME(0)), -EBUSY);
	fx_fails(test, s, fx_op_range(FRAME(0), FRAME(1)), -EBUSY);
	fx_fails(test, s, fx_op_kio_new(false, VMSTORE_KERNEL_BASE + FRAME(0), 8), -EACCES);
	KUNIT_EXPECT_EQ(test, fx_op(s, &op), -EACCES);
	fx_expect_inv(test, s);
}

/* In mode step a list costs what it has, not what the store has; the same verdicts */
static void list_test_step_mode(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	struct vmstore_op size;
	u64 list, unique;
	u32 i;

	s->mode = VMSTORE_CHECK_STEP;
	list = make_list(test, 8);
	for (i = 0; i < 4; i++) {
		fx_list(test, s, VMSTORE_OP_LIST_CURSOR_FRONT, list);
		fx_list(test, s, VMSTORE_OP_LIST_MOVE_PREV, list);
		fx_list(test, s, VMSTORE_OP_LIST_MOVE_PREV, list);
		unique = fx_list(test, s, VMSTORE_OP_LIST_CURSOR_TAKE, list).id;
		fx_list(test, s, VMSTORE_OP_LIST_CURSOR_DROP, list);
		does(test, fx_op_list_insert_at(list, unique, i));
	}
	expect_list(test, list, "76540123");
	/* what changed past the operations is seen when its list is touched */
	slot_of(s, FRAME(6))->link.prev = VMS_NO_SLOT;
	size = fx_op_id(VMSTORE_OP_LIST_SIZE, list);
	KUNIT_EXPECT_EQ(test, fx_op(s, &size), -EIO);
	KUNIT_EXPECT_TRUE(test, s->frozen);
}

static struct kunit_case list_test_cases[] = {
	KUNIT_CASE(list_test_new),
	KUNIT_CASE(list_test_insert),
	KUNIT_CASE(list_test_insert_errors),
	KUNIT_CASE(list_test_tags),
	KUNIT_CASE(list_test_take),
	KUNIT_CASE(list_test_take_none),
	KUNIT_CASE(list_test_contains),
	KUNIT_CASE(list_test_drop),
	KUNIT_CASE(list_test_cursor_move),
	KUNIT_CASE(list_test_cursor_empty),
	KUNIT_CASE(list_test_cursor_at),
	KUNIT_CASE(list_test_cursor_insert),
	KUNIT_CASE(list_test_cursor_take),
	KUNIT_CASE(list_test_states),
	KUNIT_CASE(list_test_excludes),
	KUNIT_CASE(list_test_step_mode),
	{}
};

static struct kunit_suite list_test_suite = {
	.name = "vmstore-list",
	.init = fx_init,
	.exit = fx_exit,
	.test_cases = list_test_cases,
};

kunit_test_suite(list_test_suite);
