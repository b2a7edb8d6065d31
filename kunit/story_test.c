// SPDX-License-Identifier: GPL-2.0-only
/*
 * The story of a store: what is in it, in which order, how long it is remembered, how it
 * ends; writers that overtake each other, and a reader beside them.
 */

#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/string.h>

#include "dump.h"
#include "step.h"
#include "fixture.h"

#define VA	(5ULL << 30)

/* --- a store's story ------------------------------------------------------------- */

/* Records from @seq on, read as VMSTORE_DUMP reads them: without a lock */
static struct vmstore_rec_story *read_from(struct kunit *test, u64 seq, size_t room,
					   struct vms_dump_out *out)
{
	*out = (struct vms_dump_out) {
		.len = room * sizeof(struct vmstore_rec_story),
		.pos = { seq },
	};
	out->buf = kunit_kzalloc(test, out->len, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, out->buf);
	KUNIT_ASSERT_EQ(test, vms_dump(fx_store(test), VMSTORE_DUMP_STORY, out), 0);
	return out->buf;
}

static size_t nr_read(const struct vms_dump_out *out)
{
	return out->used / sizeof(struct vmstore_rec_story);
}

static void expect_rec(struct kunit *test, const struct vmstore_rec_story *rec, u64 seq,
		       const struct vmstore_op *op)
{
	KUNIT_EXPECT_EQ(test, rec->seq, seq);
	KUNIT_EXPECT_EQ(test, rec->data_len, 0ULL);
	KUNIT_EXPECT_FALSE(test, memcmp(&rec->op, op, sizeof(*op)));
	KUNIT_EXPECT_NULL(test, memchr_inv(rec->data, 0, sizeof(rec->data)));
}

/* What succeeded and what failed, as its caller got it back; not what was refused */
static void story_test_records(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	struct vmstore_op op[] = {
		fx_op_simple(VMSTORE_OP_SPACE_NEW),
		fx_op_paddr(VMSTORE_OP_FRAME_FROM_UNUSED, 0x300000),
		fx_op_id(VMSTORE_OP_FRAME_DROP, 77),
		fx_op_open(true, 1, VA, VA + FX_PAGE),
		fx_op_map(1, 1, fx_rw),
		fx_op_load(1, VA + FX_PAGE, 8),
	};
	struct vmstore_op refused = fx_op_simple(VMSTORE_OP_SPACE_NEW);
	struct vmstore_rec_story *rec;
	struct vms_dump_out out;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(op); i++) {
		fx_op(s, &op[i]);
		refused.cpu = U32_MAX;
		KUNIT_EXPECT_EQ(test, fx_op(s, &refused), -EINVAL);
	}
	KUNIT_EXPECT_EQ(test, op[2].out_errno, -ENOENT);
	KUNIT_EXPECT_EQ(test, op[4].out_errno, 0);
	KUNIT_EXPECT_EQ(test, op[5].out_errno, -EFAULT);

	rec = read_from(test, 0, 10, &out);
	KUNIT_ASSERT_EQ(test, nr_read(&out), ARRAY_SIZE(op));
	KUNIT_EXPECT_FALSE(test, out.more);
	KUNIT_EXPECT_EQ(test, out.pos[0], ARRAY_SIZE(op) + 1ULL);
	for (i = 0; i < ARRAY_SIZE(op); i++)
		expect_rec(test, &rec[i], i + 1, &op[i]);
	KUNIT_EXPECT_NE(test, rec[5].op.out.access.fault, 0U);
}

static void run_some(struct kunit *test, u32 nr)
{
	while (nr--)
		fx_fails(test, fx_store(test), fx_op_id(VMSTORE_OP_FRAME_DROP, 77), -ENOENT);
}

/* Only the last ones are remembered, and the numbers tell */
static void story_test_wraps(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	struct vmstore_op op = fx_op_simple(VMSTORE_OP_SPACE_NEW);
	struct vmstore_rec_story *rec;
	struct vms_dump_out out;
	u32 i;

	/* not one by one with a check each: this is about numbers */
	s->mode = VMSTORE_CHECK_OFF;
	for (i = 0; i < 2 * VMSTORE_STORY_OPS + 7; i++)
		fx_op(s, &op);
	rec = read_from(test, 1, VMSTORE_STORY_OPS + 1, &out);
	KUNIT_ASSERT_EQ(test, nr_read(&out), VMSTORE_STORY_OPS);
	for (i = 0; i < VMSTORE_STORY_OPS; i++) {
		KUNIT_EXPECT_EQ(test, rec[i].seq, VMSTORE_STORY_OPS + 8ULL + i);
		KUNIT_EXPECT_EQ(test, rec[i].op.out.id, rec[i].seq);
	}
	KUNIT_EXPECT_EQ(test, out.pos[0], 2ULL * VMSTORE_STORY_OPS + 8);
	KUNIT_EXPECT_FALSE(test, out.more);
	s->mode = VMSTORE_CHECK_FULL;
	fx_expect_inv(test, s);
}

/* Whoever goes on where the last call ended misses nothing and sees nothing twice */
static void story_test_follow(struct kunit *test)
{
	struct vmstore_rec_story *rec;
	struct vms_dump_out out;
	u64 next = 0, seen = 0;
	u32 round;

	read_from(test, 0, 1, &out);
	KUNIT_EXPECT_EQ(test, out.used, 0);
	KUNIT_EXPECT_FALSE(test, out.more);
	for (round = 0; round < 12; round++) {
		run_some(test, round % 4);
		do {
			rec = read_from(test, next, 1 + round % 3, &out);
			for (; nr_read(&out); out.used -= sizeof(*rec))
				KUNIT_EXPECT_EQ(test, rec++->seq, ++seen);
			next = out.pos[0];
		} while (out.more);
		KUNIT_EXPECT_EQ(test, seen, (u64)atomic64_read(&fx_store(test)->story.last));
	}
	/* Numbers to come, and nonsense: nothing, and the number is kept */
	read_from(test, seen + 1, 1, &out);
	KUNIT_EXPECT_EQ(test, out.used, 0);
	KUNIT_EXPECT_EQ(test, out.pos[0], seen + 1);
	read_from(test, U64_MAX, 1, &out);
	KUNIT_EXPECT_EQ(test, out.used, 0);
	KUNIT_EXPECT_EQ(test, out.pos[0], U64_MAX);
}

/* It ends with the operation after which a clause is false */
static void story_test_violation(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	struct vmstore_op op = fx_op_simple(VMSTORE_OP_SPACE_NEW);
	struct vmstore_rec_story *rec;
	struct vms_dump_out out;

	fx_frame_from_unused(test, s, 0x300000);
	atomic64_set(&s->region.slots[0x300].rc, 2);
	KUNIT_EXPECT_EQ(test, fx_op(s, &op), -EIO);
	KUNIT_EXPECT_EQ(test, vms_story_wait(&s->story, 3), 0);
	op = fx_op_simple(VMSTORE_OP_FRAME_ALLOC);
	KUNIT_EXPECT_EQ(test, fx_op(s, &op), -EIO);

	rec = read_from(test, 0, 4, &out);
	KUNIT_ASSERT_EQ(test, nr_read(&out), 2U);
	KUNIT_EXPECT_EQ(test, rec[0].op.opcode, VMSTORE_OP_FRAME_FROM_UNUSED);
	KUNIT_EXPECT_EQ(test, rec[0].op.arg.paddr.paddr, 0x300000ULL);
	KUNIT_EXPECT_EQ(test, rec[1].op.opcode, VMSTORE_OP_SPACE_NEW);
	KUNIT_EXPECT_EQ(test, rec[1].op.out_errno, -EIO);
	KUNIT_EXPECT_EQ(test, atomic64_read(&s->story.last), 2);
}

/* --- a bare ring -------------------------------------------------------------------- */

static struct vms_story *new_story(struct kunit *test)
{
	struct vms_story *story = kunit_kzalloc(test, sizeof(*story), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, story);
	vms_story_init(story);
	KUNIT_ASSERT_EQ(test, vms_story_begin(story), 0);
	return story;
}

static void add_plain(struct vms_story *story)
{
	const struct vmstore_op op = { .opcode = VMSTORE_OP_REAP };

	vms_story_add(story, &op, NULL, 0);
}

/* The number found from @seq on, or 0; *next is where to go on */
static u64 found_from(struct vms_story *story, u64 seq, u64 *next)
{
	struct vmstore_rec_story rec;
	bool found = vms_story_read(story, &seq, &rec);

	*next = seq + found;
	return found ? rec.seq : 0;
}

/* Of data the first bytes, and how many there were; what was there before is gone */
static void story_test_data(struct kunit *test)
{
	static const size_t len[] = { 0, 1, 7, 8, 9, VMSTORE_STORY_DATA - 1,
				      VMSTORE_STORY_DATA, VMSTORE_STORY_DATA + 1, 300 };
	const struct vmstore_op op = { .opcode = VMSTORE_OP_WRITER_WRITE_VAL };
	struct vms_story *story = new_story(test);
	struct vmstore_rec_story rec;
	u8 data[300];
	u64 seq = 0;
	u32 i, k;

	for (k = 0; k < VMSTORE_STORY_OPS; k++) {	/* every entry is used once before */
		memset(data, 0xff, sizeof(data));
		vms_story_add(story, &op, data, sizeof(data));
	}
	for (i = 0; i < ARRAY_SIZE(len); i++) {
		size_t kept = min_t(size_t, len[i], VMSTORE_STORY_DATA);

		memset(data, 0x11 + i, sizeof(data));
		vms_story_add(story, &op, data, len[i]);
		seq = VMSTORE_STORY_OPS + 1 + i;
		KUNIT_ASSERT_TRUE(test, vms_story_read(story, &seq, &rec));
		KUNIT_EXPECT_EQ(test, rec.data_len, (u64)len[i]);
		KUNIT_EXPECT_FALSE(test, memcmp(rec.data, data, kept));
		KUNIT_EXPECT_NULL(test, memchr_inv(rec.data + kept, 0, sizeof(rec.data) - kept));
	}
	vms_story_exit(story);
}

/* A record that is being written is waited for: nothing behind it is read before */
static void story_test_unfinished(struct kunit *test)
{
	struct vms_story *story = new_story(test);
	u64 next;
	u32 i;

	for (i = 0; i < 3; i++)
		add_plain(story);
	story->entry[2].mark = 2 * 2 + 1;	/* number 2, still being written */
	KUNIT_EXPECT_EQ(test, found_from(story, 0, &next), 1ULL);
	KUNIT_EXPECT_EQ(test, found_from(story, next, &next), 0ULL);
	KUNIT_EXPECT_EQ(test, next, 2ULL);
	story->entry[2].mark = 0;		/* number 2, not even begun */
	KUNIT_EXPECT_EQ(test, found_from(story, next, &next), 0ULL);
	KUNIT_EXPECT_EQ(test, next, 2ULL);
	story->entry[2].mark = 2 * 2;
	KUNIT_EXPECT_EQ(test, found_from(story, next, &next), 2ULL);
	KUNIT_EXPECT_EQ(test, found_from(story, next, &next), 3ULL);
	vms_story_exit(story);
}

/* Who is overtaken by a round gives up, on either side; the reader sees the gap */
static void story_test_overtaken(struct kunit *test)
{
	struct vms_story *story = new_story(test);
	const u64 n = VMSTORE_STORY_OPS;
	u64 next;
	u32 i;

	for (i = 0; i < n + 3; i++) {
		if (i == n)	/* number 1 hangs in the middle of its record */
			story->entry[1].mark = 2 * 1 + 1;
		add_plain(story);
	}
	KUNIT_EXPECT_EQ(test, found_from(story, n, &next), n);
	KUNIT_EXPECT_EQ(test, found_from(story, next, &next), n + 2);
	KUNIT_EXPECT_EQ(test, story->entry[1].mark, 3ULL);
	/* It ends; its entry is of use again */
	story->entry[1].mark = 2 * 1;
	KUNIT_EXPECT_EQ(test, found_from(story, n + 1, &next), n + 2);
	for (i = 0; i < n; i++)
		add_plain(story);
	KUNIT_EXPECT_EQ(test, found_from(story, 2 * n + 1, &next), 2 * n + 1);

	/* A later one was faster: number 3n + 5 finds 4n + 5 in its entry */
	for (i = 0; i < n + 1; i++)
		add_plain(story);
	story->entry[5].mark = 2 * (4 * n + 5);
	add_plain(story);
	KUNIT_ASSERT_EQ(test, (u64)atomic64_read(&story->last), 3 * n + 5);
	KUNIT_EXPECT_EQ(test, story->entry[5].mark, 2 * (4 * n + 5));
	KUNIT_EXPECT_EQ(test, found_from(story, 3 * n + 5, &next), 0ULL);
	KUNIT_EXPECT_EQ(test, next, 3 * n + 6);
	vms_story_exit(story);
}

/* --- waiting -------------------------------------------------------------------------- */

/* So that the task stays good, and its code in place */
static int until_stopped(void)
{
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

struct waiter {
	struct vms_story *story;
	u64 seq;
	struct completion done;
	struct task_struct *task;
};

static int wait_for_story(void *arg)
{
	struct waiter *w = arg;

	if (!vms_story_wait(w->story, w->seq))
		complete(&w->done);
	return until_stopped();
}

static void start_waiter(struct kunit *test, struct waiter *w, struct vms_story *story, u64 seq)
{
	u32 i;

	w->story = story;
	w->seq = seq;
	init_completion(&w->done);
	w->task = kthread_run(wait_for_story, w, "vmstore-test");
	KUNIT_ASSERT_FALSE(test, IS_ERR(w->task));
	for (i = 0; i < 500 && !wq_has_sleeper(&story->wait); i++)
		msleep(20);
	KUNIT_EXPECT_TRUE(test, wq_has_sleeper(&story->wait));
	KUNIT_EXPECT_FALSE(test, completion_done(&w->done));
}

static void end_waiter(struct waiter *w)
{
	wait_for_completion(&w->done);
	kthread_stop(w->task);
}

/* It wakes for the number wanted or a later one, and when the story ends */
static void story_test_wait(struct kunit *test)
{
	struct vms_story *story = new_story(test);
	struct waiter *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, w);
	start_waiter(test, w, story, 0);
	add_plain(story);
	end_waiter(w);
	/* What is there is not waited for */
	KUNIT_EXPECT_EQ(test, vms_story_wait(story, 0), 0);
	KUNIT_EXPECT_EQ(test, vms_story_wait(story, 1), 0);

	start_waiter(test, w, story, 3);
	add_plain(story);
	msleep(20);
	KUNIT_EXPECT_FALSE(test, completion_done(&w->done));
	add_plain(story);
	end_waiter(w);

	start_waiter(test, w, story, 4);
	vms_story_end(story);
	end_waiter(w);
	KUNIT_EXPECT_EQ(test, vms_story_wait(story, U64_MAX), 0);
	vms_story_exit(story);
}

/* --- side by side ---------------------------------------------------------------------- */

#define WRITERS		4
#define WRITES		20000

struct crowd {
	struct vms_story *story;
	atomic_t running;
};

/* Each record is one value all over: a torn one is not */
static int write_records(void *arg)
{
	struct crowd *crowd = arg;
	struct vmstore_op op = { .opcode = VMSTORE_OP_REAP };
	u8 data[VMSTORE_STORY_DATA];
	u32 i;

	for (i = 0; i < WRITES; i++) {
		memset(&op.arg, i, sizeof(op.arg));
		memset(&op.out, i, sizeof(op.out));
		memset(data, i, sizeof(data));
		vms_story_add(crowd->story, &op, data, sizeof(data));
		if (!(i % 64))
			cond_resched();
	}
	atomic_dec(&crowd->running);
	return until_stopped();
}

static bool is_whole(const struct vmstore_rec_story *rec)
{
	u8 value = rec->data[0];

	return rec->op.opcode == VMSTORE_OP_REAP && rec->data_len == sizeof(rec->data) &&
	       !memchr_inv(rec->data, value, sizeof(rec->data)) &&
	       !memchr_inv(&rec->op.arg, value, sizeof(rec->op.arg)) &&
	       !memchr_inv(&rec->op.out, value, sizeof(rec->op.out));
}

static void story_test_concurrent(struct kunit *test)
{
	struct crowd *crowd = kunit_kzalloc(test, sizeof(*crowd), GFP_KERNEL);
	u64 seq = 0, before = 0, read = 0, torn = 0, backward = 0;
	struct task_struct *task[WRITERS];
	struct vmstore_rec_story rec;
	bool more;
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, crowd);
	crowd->story = new_story(test);
	atomic_set(&crowd->running, WRITERS);
	for (i = 0; i < WRITERS; i++) {
		task[i] = kthread_run(write_records, crowd, "vmstore-test");
		KUNIT_ASSERT_FALSE(test, IS_ERR(task[i]));
	}
	do {
		more = atomic_read(&crowd->running);
		while (vms_story_read(crowd->story, &seq, &rec)) {
			torn += !is_whole(&rec);
			backward += rec.seq <= before;
			before = rec.seq;
			read++;
			seq++;
		}
		cond_resched();
	} while (more);
	for (i = 0; i < WRITERS; i++)
		kthread_stop(task[i]);
	KUNIT_EXPECT_EQ(test, torn, 0ULL);
	KUNIT_EXPECT_EQ(test, backward, 0ULL);
	KUNIT_EXPECT_EQ(test, (u64)atomic64_read(&crowd->story->last), (u64)WRITERS * WRITES);
	KUNIT_EXPECT_EQ(test, seq, (u64)WRITERS * WRITES + 1);
	KUNIT_EXPECT_GT(test, read, 0ULL);
	vms_story_exit(crowd->story);
}

static struct kunit_case story_test_cases[] = {
	KUNIT_CASE(story_test_records),
	KUNIT_CASE(story_test_wraps),
	KUNIT_CASE(story_test_follow),
	KUNIT_CASE(story_test_violation),
	KUNIT_CASE(story_test_data),
	KUNIT_CASE(story_test_unfinished),
	KUNIT_CASE(story_test_overtaken),
	KUNIT_CASE(story_test_wait),
	KUNIT_CASE(story_test_concurrent),
	{}
};

static struct kunit_suite story_test_suite = {
	.name = "vmstore-story",
	.init = fx_init,
	.exit = fx_exit,
	.test_cases = story_test_cases,
};

kunit_test_suite(story_test_suite);
