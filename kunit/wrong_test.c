// SPDX-License-Identifier: GPL-2.0-only
/*
 * Deliberately wrong effects (wrong.h): a story of operations is run with each, in check
 * mode step and in full. Both must report, and report the same clauses; docs/wrong_effects.md
 * is what this prints.
 *
 * What no clause can see must show in the outcome of an operation instead.
 */

#include <linux/kernel.h>
#include <linux/string.h>

#include "inv/shadow.h"
#include "step.h"
#include "wrong.h"
#include "fixture.h"

#define MAX_OPS		288

#define WRONG_REGION	(2 * VMS_BLOCK_SIZE)

/* A leaf table of its own, and two that a cursor covers */
#define NARROW		(64 * vms_page_size(2))
#define WIDE		(3 * vms_page_size(3))
#define TABLE		vms_page_size(2)
#define CACHED		(65 * vms_page_size(2))

/**
 * struct story - operations run on a store, until it is frozen
 * @test: case
 * @s: store
 * @nr: operations run
 * @op: they, with their outcomes
 */
struct story {
	struct kunit *test;
	struct vms_store *s;
	u32 nr;
	struct vmstore_op op[MAX_OPS];
};

static const struct {
	const char *name;
	const char *text;
} effects[VMS_NR_WRONG] = {
	[VMS_WRONG_NONE] = {},	/* the others in the order of the enum */
#define EFFECT(name, text)	{ #name, text },
	VMS_WRONG_EFFECTS(EFFECT)
};

/* --- the story ------------------------------------------------------------------- */

/* Whatever comes of it; after the first violation nothing happens any more */
static const struct vmstore_op *tell_with(struct story *t, struct vmstore_op op, void *data)
{
	struct vmstore_op *now = &t->op[t->nr];

	KUNIT_ASSERT_LT(t->test, t->nr, MAX_OPS - 1);
	if (t->s->frozen) {
		*now = (struct vmstore_op) {};
		return now;
	}
	*now = op;
	/* that it is not a full check for want of a shadow */
	KUNIT_EXPECT_TRUE(t->test, t->s->inv->shadow->valid);
	vms_step(t->s, now, data);
	t->nr++;
	return now;
}

static const struct vmstore_op *tell(struct story *t, struct vmstore_op op)
{
	return tell_with(t, op, NULL);
}

static u64 tell_id(struct story *t, struct vmstore_op op)
{
	return tell(t, op)->out.id;
}

static u64 tell_alloc(struct story *t, u64 *paddr)
{
	const struct vmstore_op *op = tell(t, fx_op_simple(VMSTORE_OP_FRAME_ALLOC));

	*paddr = op->out.frame.paddr;
	return op->out.id;
}

static void tell_map(struct story *t, u64 cursor)
{
	u64 paddr;
	u64 frame = tell_alloc(t, &paddr);

	tell(t, fx_op_map(cursor, frame, fx_rw));
}

/* Handles that share, are dropped, and the last one */
static noinline_for_stack void tell_frames(struct story *t)
{
	u64 paddr, frame = tell_alloc(t, &paddr);
	u64 more = tell_id(t, fx_op_paddr(VMSTORE_OP_FRAME_FROM_IN_USE, paddr));
	u64 most = tell_id(t, fx_op_paddr(VMSTORE_OP_FRAME_FROM_IN_USE, paddr));

	tell(t, fx_op_id(VMSTORE_OP_FRAME_DROP, most));
	tell(t, fx_op_id(VMSTORE_OP_FRAME_DROP, more));
	tell(t, fx_op_id(VMSTORE_OP_FRAME_DROP, frame));
}

/* One leaf table: map, look, write, protect, map over, unmap; a frame behind each */
static noinline_for_stack void tell_narrow(struct story *t, u64 space)
{
	u64 c = tell_id(t, fx_op_open(true, space, NARROW, NARROW + 4 * FX_PAGE));
	struct vmstore_op op;
	u64 paddr;
	u32 i;

	for (i = 0; i < 3; i++) {
		tell_map(t, c);
		tell_alloc(t, &paddr);
	}
	tell(t, fx_op_id(VMSTORE_OP_CURSOR_VADDR, c));
	tell(t, fx_op_jump(c, NARROW + FX_PAGE));
	op = fx_op_id(VMSTORE_OP_CURSOR_QUERY, c);
	tell(t, fx_op_id(VMSTORE_OP_FRAME_DROP, tell_id(t, op)));
	for (i = 0; i < 3; i++)
		tell(t, fx_op_store(space, NARROW + i * FX_PAGE, 8, i));
	tell(t, fx_op_protect(c, FX_PAGE, (struct vmstore_prop) {},
			      (struct vmstore_prop) { .flags = VMSTORE_PROP_W }));
	tell_map(t, c);
	tell(t, fx_op_load(space, NARROW, 8));
	tell(t, fx_op_jump(c, NARROW));
	tell(t, fx_op_len(VMSTORE_OP_CURSOR_UNMAP, c, 2 * FX_PAGE));
	tell(t, fx_op_simple(VMSTORE_OP_REAP));
	tell(t, fx_op_id(VMSTORE_OP_CURSOR_DROP, c));
}

/* Translations that are cached, two of one frame; some are changed, one is flushed */
static noinline_for_stack void tell_cached(struct story *t, u64 space)
{
	const struct vmstore_prop w = { .flags = VMSTORE_PROP_W };
	u64 c = tell_id(t, fx_op_open(true, space, CACHED, CACHED + 4 * FX_PAGE));
	u64 paddr, frame = tell_alloc(t, &paddr);
	u64 more = tell_id(t, fx_op_paddr(VMSTORE_OP_FRAME_FROM_IN_USE, paddr));
	u32 i;

	tell(t, fx_op_map(c, frame, fx_rw));
	tell(t, fx_op_map(c, more, fx_rw));
	tell_map(t, c);
	for (i = 0; i < 3; i++)
		tell(t, fx_op_load(space, CACHED + i * FX_PAGE, 8));
	tell(t, fx_op_jump(c, CACHED));
	for (i = 0; i < 3; i++)
		tell(t, fx_op_protect(c, FX_PAGE, (struct vmstore_prop) {}, w));
	tell(t, fx_op_flush(c, CACHED, FX_PAGE));
	tell(t, fx_op_id(VMSTORE_OP_CURSOR_DROP, c));
}

/* Two leaf tables, the first there before the cursor, the second made and cut off */
static noinline_for_stack void tell_wide(struct story *t, u64 space)
{
	u64 c = tell_id(t, fx_op_open(true, space, WIDE + TABLE - 2 * FX_PAGE, WIDE + TABLE));

	tell_map(t, c);
	tell(t, fx_op_id(VMSTORE_OP_CURSOR_DROP, c));
	c = tell_id(t, fx_op_open(true, space, WIDE, WIDE + 2 * TABLE));
	tell(t, fx_op_jump(c, WIDE + TABLE - FX_PAGE));
	tell_map(t, c);
	tell_map(t, c);
	tell(t, fx_op_jump(c, WIDE + TABLE));
	tell(t, fx_op_len(VMSTORE_OP_CURSOR_UNMAP, c, TABLE));
	tell(t, fx_op_jump(c, WIDE));
	tell(t, fx_op_len(VMSTORE_OP_CURSOR_UNMAP, c, TABLE));
	tell(t, fx_op_id(VMSTORE_OP_CURSOR_DROP, c));
	tell(t, fx_op_simple(VMSTORE_OP_REAP));
}

#define HUGE		vms_page_size(2)
#define TAIL		(WRONG_REGION - HUGE)

/* An area of a frame, and readers in it */
static noinline_for_stack void tell_area(struct story *t, u64 space)
{
	const struct vmstore_prop rw = { .flags = VMSTORE_PROP_R | VMSTORE_PROP_W };
	struct vmstore_op op;
	u64 area, reader, start, paddr;
	u64 frame = tell_alloc(t, &paddr);

	op = *tell_with(t, fx_op_kvirt_frames(2 * FX_PAGE, FX_PAGE, 1, rw), &frame);
	area = op.out.id;
	start = op.out.kvirt.start + FX_PAGE;
	tell(t, fx_op_store(space, start, 8, 1));
	op = *tell(t, fx_op_kvirt_query(area, start));
	tell(t, fx_op_id(VMSTORE_OP_FRAME_DROP, op.out.id));
	reader = tell_id(t, fx_op_kio_new(false, start, 8));
	tell(t, fx_op_kvirt_query(area, start - FX_PAGE));
	tell(t, fx_op_id(VMSTORE_OP_READER_DROP, reader));
	reader = tell_id(t, fx_op_kio_new(true, start, 8));
	if (VMS_WRONG_ANY())	/* with a pin, this is -EBUSY */
		tell(t, fx_op_kvirt_unmap(area, FX_PAGE, FX_PAGE));
	tell(t, fx_op_id(VMSTORE_OP_WRITER_DROP, reader));
	tell(t, fx_op_id(VMSTORE_OP_KVIRT_DROP, area));
}

/* An area of device memory, whose large page is split twice */
static noinline_for_stack void tell_device(struct story *t)
{
	const struct vmstore_prop rw = { .flags = VMSTORE_PROP_R | VMSTORE_PROP_W };
	u64 area;

	area = tell_id(t, fx_op_kvirt_untracked(2 * HUGE, 0, TAIL, WRONG_REGION, rw));
	tell(t, fx_op_kvirt_protect(area, FX_PAGE, FX_PAGE, (struct vmstore_prop) {},
				    (struct vmstore_prop) { .flags = VMSTORE_PROP_W }));
	tell(t, fx_op_kvirt_unmap(area, HUGE - FX_PAGE, FX_PAGE));
	tell(t, fx_op_id(VMSTORE_OP_KVIRT_DROP, area));
	tell(t, fx_op_simple(VMSTORE_OP_REAP));
}

/* The exclusive handle of a new frame */
static u64 tell_unique(struct story *t)
{
	u64 paddr;

	return tell_id(t, fx_op_id(VMSTORE_OP_TRY_FROM_SHARED, tell_alloc(t, &paddr)));
}

static void tell_push(struct story *t, u32 opcode, u64 list)
{
	tell(t, fx_op_list_put(opcode, list, tell_unique(t)));
}

/* Round once, put in, take out, and not at the first place in the end */
static noinline_for_stack void tell_list_cursor(struct story *t, u64 list)
{
	int i;

	tell(t, fx_op_id(VMSTORE_OP_LIST_CURSOR_FRONT, list));
	for (i = 0; i < 6; i++)
		tell(t, fx_op_id(VMSTORE_OP_LIST_MOVE_NEXT, list));
	tell_push(t, VMSTORE_OP_LIST_CURSOR_INSERT_BEFORE, list);
	tell(t, fx_op_id(VMSTORE_OP_LIST_CURSOR_TAKE, list));
	tell(t, fx_op_id(VMSTORE_OP_LIST_MOVE_PREV, list));
	tell(t, fx_op_id(VMSTORE_OP_LIST_CURSOR_DROP, list));
}

/* Frames go into two lists and come out of one, at the ends and at a cursor */
static noinline_for_stack void tell_lists(struct story *t)
{
	u64 a = tell_id(t, fx_op_simple(VMSTORE_OP_LIST_NEW));
	u64 b = tell_id(t, fx_op_simple(VMSTORE_OP_LIST_NEW));
	int i;

	tell_push(t, VMSTORE_OP_LIST_PUSH_BACK, a);
	tell_push(t, VMSTORE_OP_LIST_PUSH_BACK, b);
	for (i = 0; i < 2; i++)
		tell_push(t, VMSTORE_OP_LIST_PUSH_FRONT, a);
	tell(t, fx_op_list_insert_at(a, tell_unique(t), 1));
	tell_list_cursor(t, a);
	tell(t, fx_op_list_at(VMSTORE_OP_LIST_TAKE_AT, a, 1));
	tell(t, fx_op_id(VMSTORE_OP_LIST_DROP, a));
	tell(t, fx_op_id(VMSTORE_OP_LIST_DROP, b));
}

#define SEGMENT		(WRONG_REGION / 2)

/* A segment cloned, split, taken apart; one of one page */
static noinline_for_stack void tell_segments(struct story *t)
{
	u64 seg = tell_id(t, fx_op_range(SEGMENT, SEGMENT + 4 * FX_PAGE));
	u64 more = tell_id(t, fx_op_id(VMSTORE_OP_SEGMENT_CLONE, seg));
	const struct vmstore_op *op = tell(t, fx_op_split(seg, 2 * FX_PAGE));
	u64 rest = op->out.segment.second;
	u64 paddr, frame;

	seg = op->out.id;
	frame = tell_id(t, fx_op_id(VMSTORE_OP_SEGMENT_NEXT, rest));
	tell(t, fx_op_id(VMSTORE_OP_FRAME_DROP, frame));
	tell(t, fx_op_id(VMSTORE_OP_SEGMENT_DROP, more));
	tell(t, fx_op_id(VMSTORE_OP_SEGMENT_DROP, seg));
	tell(t, fx_op_id(VMSTORE_OP_SEGMENT_DROP, rest));
	frame = tell_alloc(t, &paddr);
	seg = tell_id(t, fx_op_id(VMSTORE_OP_FRAME_TO_SEGMENT, frame));
	tell(t, fx_op_id(VMSTORE_OP_SEGMENT_DROP, seg));
}

/* One dropped, one made shared */
static noinline_for_stack void tell_uniques(struct story *t)
{
	u64 unique = tell_id(t, fx_op_paddr(VMSTORE_OP_UNIQUE_FROM_UNUSED, SEGMENT));

	tell(t, fx_op_id(VMSTORE_OP_UNIQUE_DROP, unique));
	unique = tell_id(t, fx_op_paddr(VMSTORE_OP_UNIQUE_FROM_UNUSED, SEGMENT));
	tell(t, fx_op_id(VMSTORE_OP_FRAME_DROP,
			 tell_id(t, fx_op_id(VMSTORE_OP_FROM_UNIQUE, unique))));
}

/* In the window, and of an active space, where two overlap */
static noinline_for_stack void tell_ios(struct story *t, u64 space)
{
	u64 reader, writer, paddr, frame = tell_alloc(t, &paddr);

	reader = tell_id(t, fx_op_kio_new(false, VMSTORE_KERNEL_BASE + paddr, 64));
	writer = tell_id(t, fx_op_kio_new(true, VMSTORE_KERNEL_BASE + paddr, 64));
	tell(t, fx_op_io_len(VMSTORE_OP_READER_SKIP, reader, 64));
	tell(t, fx_op_id(VMSTORE_OP_READER_DROP, reader));
	tell(t, fx_op_id(VMSTORE_OP_WRITER_DROP, writer));
	tell(t, fx_op_id(VMSTORE_OP_FRAME_DROP, frame));

	reader = tell_id(t, fx_op_io_new(false, space, NARROW, 64));
	writer = tell_id(t, fx_op_io_new(true, space, NARROW + 8, 64));
	tell(t, fx_op_id(VMSTORE_OP_WRITER_DROP, writer));
	tell(t, fx_op_id(VMSTORE_OP_READER_DROP, reader));
}

/* One request left pending by an unmap, one with a frame, and a flush of one CPU */
static noinline_for_stack void tell_flush(struct story *t, u64 space)
{
	u64 c = tell_id(t, fx_op_open(true, space, NARROW, NARROW + FX_PAGE));
	struct vmstore_op op = fx_op_len(VMSTORE_OP_CURSOR_UNMAP, c, FX_PAGE);
	u64 paddr;

	tell_map(t, c);
	tell(t, fx_op_jump(c, NARROW));
	op.flags = VMSTORE_OPF_DEFER;
	tell(t, op);
	tell(t, fx_op_issue_with(c, tell_alloc(t, &paddr), NARROW, FX_PAGE));
	tell(t, fx_op_issue(c, NARROW, FX_PAGE));
	tell(t, fx_op_id(VMSTORE_OP_TLB_DISPATCH, c));
	tell(t, fx_op_id(VMSTORE_OP_TLB_SYNC, c));
	tell(t, fx_op_flush_local(0, space, NARROW, FX_PAGE));
	tell(t, fx_op_id(VMSTORE_OP_CURSOR_DROP, c));
}

static noinline_for_stack void tell_all(struct story *t)
{
	u64 a = tell_id(t, fx_op_simple(VMSTORE_OP_SPACE_NEW));
	u64 b = tell_id(t, fx_op_simple(VMSTORE_OP_SPACE_NEW));

	tell_frames(t);
	tell_segments(t);
	tell_uniques(t);
	tell(t, fx_op_id(VMSTORE_OP_SPACE_ACTIVATE, a));
	tell_narrow(t, a);
	tell_cached(t, a);
	tell_ios(t, a);
	tell_flush(t, a);
	tell(t, fx_op_id(VMSTORE_OP_SPACE_ACTIVATE, 0));
	tell_wide(t, b);
	tell_area(t, b);
	tell_device(t);
	tell(t, fx_op_load(a, CACHED, 8));
	tell(t, fx_op_id(VMSTORE_OP_SPACE_DROP, a));
	tell(t, fx_op_id(VMSTORE_OP_SPACE_DROP, b));
	tell_lists(t);
}

/* --- running it -------------------------------------------------------------------- */

/* On a new store, whose shadow exists before anything is wrong */
static struct story *run_story(struct kunit *test, u32 mode, enum vms_wrong wrong)
{
	const struct vmstore_setup setup = {
		.size = sizeof(setup),
		.region_size = WRONG_REGION,
		.mmio_size = WRONG_REGION - TAIL,
		.machine = VMSTORE_MACHINE_SOFT,
		.nr_cpus = 2,
		.check_mode = mode,
	};
	struct story *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, t);
	t->test = test;
	t->s = vms_store_create();
	KUNIT_ASSERT_NOT_NULL(test, t->s);
	KUNIT_ASSERT_EQ(test, vms_store_setup(t->s, &setup), 0);
	fx_frame_alloc(test, t->s, NULL);
	WRITE_ONCE(vms_wrong, wrong);
	tell_all(t);
	WRITE_ONCE(vms_wrong, VMS_WRONG_NONE);
	return t;
}

/* Every clause that reported, in the order of the table */
static void reported(const struct story *t, char *ids, size_t room)
{
	const struct vms_clause *clause;
	int len = 0;
	u32 i;

	ids[0] = '\0';
	for (i = 0; (clause = vms_inv_clause(i)); i++)
		if (t->s->inv->count[i].violated)
			len += scnprintf(ids + len, room - len, " %s", clause->id);
}

static const char *last_op(const struct story *t)
{
	return t->nr ? vms_op_row(t->op[t->nr - 1].opcode)->name : "none";
}

/*
 * No clause speaks of them: which page is where, and what was dirty, is for the caller; an
 * exclusive frame may be forgotten [model 3.2]; to flush more than is asked for is no harm.
 */
static bool is_invisible(enum vms_wrong wrong)
{
	return wrong == VMS_WRONG_LEAF_OTHER_INDEX || wrong == VMS_WRONG_DIRTY_LOST ||
	       wrong == VMS_WRONG_UNIQUE_NOT_FREED || wrong == VMS_WRONG_DEFER_IGNORED;
}

/* The first operation with another outcome than in the story as it should be */
static const char *differs(const struct story *t, const struct story *right)
{
	u32 i;

	for (i = 0; i < min(t->nr, right->nr); i++)
		if (memcmp(&t->op[i].out, &right->op[i].out, sizeof(t->op[i].out)) ||
		    t->op[i].out_errno != right->op[i].out_errno)
			return vms_op_row(t->op[i].opcode)->name;
	return NULL;
}

static void expect_outcome(struct kunit *test, enum vms_wrong wrong, const struct story *step,
			   const struct story *full)
{
	struct story *right = run_story(test, VMSTORE_CHECK_STEP, VMS_WRONG_NONE);
	const char *op = differs(step, right);

	KUNIT_EXPECT_FALSE(test, step->s->frozen);
	KUNIT_EXPECT_FALSE(test, full->s->frozen);
	KUNIT_EXPECT_NOT_NULL(test, op);
	KUNIT_EXPECT_NOT_NULL(test, differs(full, right));
	kunit_info(test, "outcome: %s: %s: %s\n", effects[wrong].name, effects[wrong].text,
		   op ?: "none");
	vms_store_destroy(right->s);
}

static void wrong_test_effect(struct kunit *test)
{
	const enum vms_wrong wrong = *(const enum vms_wrong *)test->param_value;
	struct story *step = run_story(test, VMSTORE_CHECK_STEP, wrong);
	struct story *full = run_story(test, VMSTORE_CHECK_FULL, wrong);
	char in_step[160], in_full[160];

	reported(step, in_step, sizeof(in_step));
	reported(full, in_full, sizeof(in_full));
	KUNIT_EXPECT_STREQ(test, in_step, in_full);
	if (is_invisible(wrong)) {
		expect_outcome(test, wrong, step, full);
	} else {
		KUNIT_EXPECT_TRUE(test, step->s->frozen);
		KUNIT_EXPECT_TRUE(test, full->s->frozen);
		KUNIT_EXPECT_STREQ(test, last_op(step), last_op(full));
		/* docs/wrong_effects.md is made of these */
		kunit_info(test, "effect: %s: %s: %s:%s:%s\n", effects[wrong].name,
			   effects[wrong].text, last_op(step), in_step, in_full);
	}
	vms_store_destroy(step->s);
	vms_store_destroy(full->s);
}

/* Nothing is reported of the story as it should be, and every operation does its part */
static void wrong_test_none(struct kunit *test)
{
	static const u32 modes[] = { VMSTORE_CHECK_STEP, VMSTORE_CHECK_FULL };
	u32 i, k;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		struct story *t = run_story(test, modes[i], VMS_WRONG_NONE);

		KUNIT_EXPECT_FALSE(test, t->s->frozen);
		for (k = 0; k < t->nr; k++)
			KUNIT_EXPECT_EQ_MSG(test, t->op[k].out_errno, 0, "operation %u, %s", k,
					    vms_op_row(t->op[k].opcode)->name);
		KUNIT_EXPECT_EQ(test, fx_check(test, t->s), 0);
		vms_store_destroy(t->s);
	}
}

static const void *wrong_gen_params(const void *prev, char *desc)
{
	static enum vms_wrong wrong;

	wrong = prev ? wrong + 1 : VMS_WRONG_NONE + 1;
	if (wrong == VMS_NR_WRONG)
		return NULL;
	strscpy(desc, effects[wrong].text, KUNIT_PARAM_DESC_SIZE);
	return &wrong;
}

/* Also after a case that ended early */
static void wrong_test_exit(struct kunit *test)
{
	WRITE_ONCE(vms_wrong, VMS_WRONG_NONE);
}

static struct kunit_case wrong_test_cases[] = {
	KUNIT_CASE(wrong_test_none),
	KUNIT_CASE_PARAM(wrong_test_effect, wrong_gen_params),
	{}
};

static struct kunit_suite wrong_test_suite = {
	.name = "vmstore-wrong",
	.exit = wrong_test_exit,
	.test_cases = wrong_test_cases,
};

kunit_test_suite(wrong_test_suite);
