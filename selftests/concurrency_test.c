// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads on one store. How far they get in each other's way is chance; what they may
 * be told is not, and in the end everything must add up. Bounded by counts, never by
 * time.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "store_fixture.h"

/* Without checks operations run side by side */
FIXTURE_VARIANT_ADD(store, default_off) {
	.machine = VMSTORE_MACHINE_DEFAULT,
	.mode = VMSTORE_CHECK_OFF,
};

FIXTURE_VARIANT_ADD(store, soft_off) {
	.machine = VMSTORE_MACHINE_SOFT,
	.mode = VMSTORE_CHECK_OFF,
};

#define NR_THREADS	4

/* A thread and what it is to do; helpers cannot use the harness's EXPECTs */
struct worker {
	pthread_t thread;
	int fd;
	int nr;			/* which one */
	__u32 nr_cpus;
	__u32 rounds;
	__u64 *spaces;
	__u64 *paddr;
	__u32 nr_frames;
	long bad;		/* answers that may not be */
	int last_bad;		/* the last of them */
	__u64 done;		/* what it got through */
	__u32 random;
};

static pthread_barrier_t barrier;
static atomic_int inside;

static __u32 next_random(struct worker *w)
{
	w->random = w->random * 1664525 + 1013904223;
	return w->random >> 8;
}

/* Run one operation; an errno that is neither 0 nor listed is bad */
static int attempt(struct worker *w, struct vmstore_op *op, int ok1, int ok2)
{
	int err = vt_run1(w->fd, op);

	if (!err)
		w->done++;
	if (err && err != -ok1 && err != -ok2) {
		w->bad++;
		w->last_bad = op->opcode * 1000 - err;
	}
	return err;
}

/*
 * The same for an operation on a cursor of the thread's own. Somebody else's REAP may
 * hold the cursor for a moment; own_cursor_is_never_busy is about that.
 */
static int attempt_own(struct worker *w, struct vmstore_op *op)
{
	while (vt_run1(w->fd, op) == -EBUSY)
		sched_yield();
	if (op->out_errno) {
		w->bad++;
		w->last_bad = op->opcode * 1000 - op->out_errno;
	} else {
		w->done++;
	}
	return op->out_errno;
}

/* All threads at once; false when one could not be started */
static bool start_all(struct worker *w, int fd, const struct vmstore_info *info,
		      void *(*fn)(void *))
{
	int i;

	for (i = 0; i < NR_THREADS; i++) {
		w[i].fd = fd;
		w[i].nr = i;
		w[i].nr_cpus = info->out_nr_cpus;
		w[i].random = 4711 + i;
		if (pthread_create(&w[i].thread, NULL, fn, &w[i]))
			return false;
	}
	return true;
}

/* How many answers all of them got that may not be */
static long join_all(struct worker *w)
{
	long bad = 0;
	int i;

	for (i = 0; i < NR_THREADS; i++) {
		pthread_join(w[i].thread, NULL);
		if (w[i].bad)
			fprintf(stderr, "# thread %d: %ld bad answers, last: opcode %d, errno %d\n",
				i, w[i].bad, w[i].last_bad / 1000, w[i].last_bad % 1000);
		bad += w[i].bad;
	}
	return bad;
}

/* --- ranges ---------------------------------------------------------------- */

/* All of them have a mutable cursor at the same time, or the barrier never opens */
static void *hold_own_subtree(void *arg)
{
	struct worker *w = arg;
	__u64 va = w->nr * VT_2M, i;
	struct vmstore_op op = vt_open_mut(w->spaces[0], va, va + VT_2M);
	__u64 cursor;

	attempt(w, &op, 0, 0);
	cursor = op.out.id;
	pthread_barrier_wait(&barrier);
	for (i = 0; i < 40; i++) {
		op = vt_alloc();
		attempt(w, &op, 0, 0);
		op = vt_map(cursor, op.out.id, VT_RW);
		attempt(w, &op, 0, 0);
		op = vt_write(w->spaces[0], va + i * VT_PAGE, 8, va + i, w->nr % w->nr_cpus);
		attempt(w, &op, 0, 0);
	}
	pthread_barrier_wait(&barrier);
	for (i = 0; i < 40; i++) {
		op = vt_load(w->spaces[0], va + i * VT_PAGE, 8, w->nr % w->nr_cpus);
		attempt(w, &op, 0, 0);
		w->bad += op.out.access.value != va + i;
	}
	op = vt_cursor_drop(cursor);
	attempt(w, &op, 0, 0);
	return NULL;
}

TEST_F(store, disjoint_at_the_same_time)
{
	__u64 space = RUN_OK(self->fd, vt_space_new()).out.id;
	struct worker w[NR_THREADS] = {};
	int i;

	for (i = 0; i < NR_THREADS; i++)
		w[i].spaces = &space;
	pthread_barrier_init(&barrier, NULL, NR_THREADS);
	ASSERT_TRUE(start_all(w, self->fd, &self->info, hold_own_subtree));
	EXPECT_EQ(0, join_all(w));
	EXPECT_EQ(40 * NR_THREADS, vt_count_leaves(self->fd, space));
	/* What they touched and how often, each of them all of it */
	for (i = 0; i < NR_THREADS; i++)
		EXPECT_EQ(2 + 4 * 40, w[i].done);
}

/* One at a time in a range, and nobody is left waiting when it is free */
static void *wait_for_turn(void *arg)
{
	struct worker *w = arg;
	__u32 i;

	for (i = 0; i < w->rounds; i++) {
		struct vmstore_op op = vt_open_mut(w->spaces[0], 0, VT_PAGE);
		struct vmstore_op drop;

		if (w->nr % 2)
			op = vt_open_ro(w->spaces[0], 0, VT_1G);
		op.flags = VMSTORE_OPF_WAIT;
		if (attempt(w, &op, 0, 0))
			break;
		w->bad += atomic_fetch_add(&inside, 1) != 0;
		sched_yield();
		atomic_fetch_sub(&inside, 1);
		drop = vt_cursor_drop(op.out.id);
		attempt(w, &drop, 0, 0);
	}
	return NULL;
}

TEST_F(store, overlapping_wait)
{
	__u64 space = RUN_OK(self->fd, vt_space_new()).out.id;
	struct worker w[NR_THREADS] = {};
	int i;

	inside = 0;
	for (i = 0; i < NR_THREADS; i++) {
		w[i].spaces = &space;
		w[i].rounds = vt_rounds(50);
	}
	ASSERT_TRUE(start_all(w, self->fd, &self->info, wait_for_turn));
	EXPECT_EQ(0, join_all(w));
	for (i = 0; i < NR_THREADS; i++)
		EXPECT_EQ(2 * w[i].rounds, w[i].done);
	EXPECT_EQ(0, vt_count(self->fd, VMSTORE_DUMP_CURSORS));
}

static void *grab_or_leave(void *arg)
{
	struct worker *w = arg;
	__u32 i;

	for (i = 0; i < w->rounds; i++) {
		__u64 start = next_random(w) % 8 * VT_PAGE;
		struct vmstore_op op = vt_open_mut(w->spaces[0], start, start + VT_PAGE +
						   next_random(w) % 3 * VT_2M);

		if (attempt(w, &op, EBUSY, 0))
			continue;
		w->bad += atomic_fetch_add(&inside, 1) != 0;
		sched_yield();
		atomic_fetch_sub(&inside, 1);
		op = vt_cursor_drop(op.out.id);
		attempt(w, &op, 0, 0);
	}
	return NULL;
}

TEST_F(store, overlapping_busy)
{
	__u64 space = RUN_OK(self->fd, vt_space_new()).out.id;
	struct worker w[NR_THREADS] = {};
	__u64 done = 0;
	int i;

	inside = 0;
	for (i = 0; i < NR_THREADS; i++) {
		w[i].spaces = &space;
		w[i].rounds = vt_rounds(200);
	}
	ASSERT_TRUE(start_all(w, self->fd, &self->info, grab_or_leave));
	EXPECT_EQ(0, join_all(w));
	for (i = 0; i < NR_THREADS; i++)
		done += w[i].done;
	EXPECT_LT(0, done);
	EXPECT_EQ(0, vt_count(self->fd, VMSTORE_DUMP_CURSORS));
}

/* --- one object, many threads ---------------------------------------------- */

/* Two threads on one cursor: one works, the other one is told so */
static void *share_cursor(void *arg)
{
	struct worker *w = arg;
	__u32 i;

	for (i = 0; i < w->rounds; i++) {
		struct vmstore_op op;

		switch (next_random(w) % 5) {
		case 0:
			op = vt_jump(1, next_random(w) % 64 * VT_PAGE);
			attempt(w, &op, EBUSY, 0);
			break;
		case 1:
			op = vt_alloc();
			attempt(w, &op, 0, 0);
			op = vt_map(1, op.out.id, VT_RW);
			/* Past the end is where the others may have moved it */
			attempt(w, &op, EBUSY, EINVAL);
			break;
		case 2:
			op = vt_query(1);
			if (attempt(w, &op, EBUSY, EACCES) || !op.out.id)
				break;
			op = vt_frame_drop(op.out.id);
			attempt(w, &op, 0, 0);
			break;
		case 3:
			op = vt_find_next(1, VT_PAGE);
			attempt(w, &op, EBUSY, EINVAL);
			break;
		case 4:
			op = vt_unmap(1, 4 * VT_PAGE);
			attempt(w, &op, EBUSY, EINVAL);
			break;
		}
	}
	return NULL;
}

TEST_F(store, one_cursor)
{
	__u64 space = RUN_OK(self->fd, vt_space_new()).out.id;
	struct worker w[NR_THREADS] = {};
	int i;

	RUN_OK(self->fd, vt_open_mut(space, 0, 64 * VT_PAGE));
	for (i = 0; i < NR_THREADS; i++)
		w[i].rounds = vt_rounds(120);
	ASSERT_TRUE(start_all(w, self->fd, &self->info, share_cursor));
	EXPECT_EQ(0, join_all(w));
	RUN_OK(self->fd, vt_cursor_drop(1));
}

/* A handle goes to exactly one of those who drop or map it */
static void *fight_for_handles(void *arg)
{
	struct worker *w = arg;
	__u64 id;

	for (id = 1; id <= w->rounds; id++) {
		struct vmstore_op op = vt_frame_drop(id);

		if (w->nr % 2) {
			op = vt_jump(w->nr, id % 32 * VT_PAGE + w->nr * VT_2M);
			attempt(w, &op, 0, 0);
			w->done--;
			op = vt_map(w->nr, id, VT_RW);
		}
		/* Somebody may have it in hand at the moment, or had it before */
		attempt(w, &op, ENOENT, EBUSY);
	}
	return NULL;
}

TEST_F(store, one_handle)
{
	enum { NR = 150 };
	__u64 space = RUN_OK(self->fd, vt_space_new()).out.id;
	struct worker w[NR_THREADS] = {};
	__u64 done = 0, left;
	int i;

	/* Cursor i belongs to thread i */
	for (i = 1; i < NR_THREADS; i++)
		RUN_OK(self->fd, vt_open_mut(space, i * VT_2M, (i + 1) * VT_2M));
	for (i = 0; i < NR; i++)
		RUN_OK(self->fd, vt_alloc());
	for (i = 0; i < NR_THREADS; i++)
		w[i].rounds = NR;
	ASSERT_TRUE(start_all(w, self->fd, &self->info, fight_for_handles));
	EXPECT_EQ(0, join_all(w));
	for (i = 0; i < NR_THREADS; i++)
		done += w[i].done;
	left = vt_count(self->fd, VMSTORE_DUMP_FRAMES);
	EXPECT_EQ(NR, done + left);
}

/* Clones of one handle come and go, and the last of them does not free the frame */
static void *clone_and_drop(void *arg)
{
	struct worker *w = arg;
	__u32 i;

	for (i = 0; i < w->rounds; i++) {
		struct vmstore_op op = vt_op_id(VMSTORE_OP_FRAME_CLONE, 1);

		if (attempt(w, &op, 0, 0))
			continue;
		w->bad += op.out.frame.paddr != w->paddr[0];
		op = vt_op_id(VMSTORE_OP_FRAME_DROP, op.out.id);
		if (next_random(w) % 4 == 0)
			op = vt_op_id(VMSTORE_OP_FRAME_TO_SEGMENT, op.arg.id.id);
		if (attempt(w, &op, 0, 0))
			continue;
		w->bad += op.opcode == VMSTORE_OP_FRAME_DROP && op.out.drop.freed;
		if (op.opcode == VMSTORE_OP_FRAME_DROP)
			continue;
		op = vt_op_id(VMSTORE_OP_SEGMENT_DROP, op.out.id);
		if (!attempt(w, &op, 0, 0))
			w->bad += op.out.segment_drop.frames_freed != 0;
	}
	return NULL;
}

TEST_F(store, one_frame_many_clones)
{
	__u64 paddr = RUN_OK(self->fd, vt_alloc()).out.frame.paddr;
	struct worker w[NR_THREADS] = {};
	int i;

	for (i = 0; i < NR_THREADS; i++) {
		w[i].paddr = &paddr;
		w[i].rounds = 150;
	}
	ASSERT_TRUE(start_all(w, self->fd, &self->info, clone_and_drop));
	EXPECT_EQ(0, join_all(w));
	EXPECT_EQ(1, vt_slot(self->fd, paddr).rc);
	EXPECT_EQ(0, vt_check(self->fd));
	EXPECT_TRUE(RUN_OK(self->fd, vt_frame_drop(1)).out.drop.freed);
}

/* Parts of one segment are cut off, taken apart and dropped by everybody */
static void *slice_and_split(void *arg)
{
	struct worker *w = arg;
	__u32 i;

	for (i = 0; i < w->rounds; i++) {
		__u64 start = w->paddr[0] + next_random(w) % 8 * VT_PAGE;
		struct vmstore_op op = vt_op(VMSTORE_OP_SEGMENT_SLICE);
		struct vmstore_op part;

		op.arg.slice.segment = 1;
		op.arg.slice.start = start;
		op.arg.slice.end = start + 8 * VT_PAGE;
		/* Another thread has the segment in hand: model 5.0, EBUSY */
		if (attempt(w, &op, EBUSY, 0))
			continue;
		part = vt_op(VMSTORE_OP_SEGMENT_SPLIT);
		part.arg.split.segment = op.out.id;
		part.arg.split.offset = (1 + next_random(w) % 7) * VT_PAGE;
		if (attempt(w, &part, 0, 0))
			continue;
		op = vt_op_id(VMSTORE_OP_SEGMENT_NEXT, part.out.segment.second);
		if (!attempt(w, &op, 0, 0)) {
			w->bad += op.out.frame.paddr != part.out.segment.middle;
			op = vt_frame_drop(op.out.id);
			attempt(w, &op, 0, 0);
		}
		op = vt_op_id(VMSTORE_OP_SEGMENT_DROP, part.out.segment.id);
		attempt(w, &op, 0, 0);
		op = vt_op_id(VMSTORE_OP_SEGMENT_DROP, part.out.segment.second);
		/* It had one page, and SEGMENT_NEXT took that */
		attempt(w, &op, part.out.segment.end - part.out.segment.middle == VT_PAGE ?
			ENOENT : 0, 0);
	}
	return NULL;
}

TEST_F(store, one_segment_many_parts)
{
	struct vmstore_op op = vt_op(VMSTORE_OP_SEGMENT_FROM_UNUSED);
	struct worker w[NR_THREADS] = {};
	__u64 start = 64 * VT_PAGE;
	__u64 done = 0;
	int i;

	op.arg.range.start = start;
	op.arg.range.end = start + 16 * VT_PAGE;
	EXPECT_EQ(1, RUN_OK(self->fd, op).out.id);
	for (i = 0; i < NR_THREADS; i++) {
		w[i].paddr = &start;
		w[i].rounds = 80;
	}
	ASSERT_TRUE(start_all(w, self->fd, &self->info, slice_and_split));
	EXPECT_EQ(0, join_all(w));
	for (i = 0; i < NR_THREADS; i++)
		done += w[i].done;
	EXPECT_LT(0, done);
	for (i = 0; i < 16; i++)
		EXPECT_EQ(1, vt_slot(self->fd, start + i * VT_PAGE).rc);
	EXPECT_EQ(0, vt_check(self->fd));
	op = vt_op_id(VMSTORE_OP_SEGMENT_DROP, 1);
	EXPECT_EQ(16, RUN_OK(self->fd, op).out.segment_drop.frames_freed);
	EXPECT_EQ(self->info.out_free_slots, vt_free_slots(self->fd));
}

/*
 * The only handle of a frame becomes exclusive for one thread at a time, and never while
 * somebody else has another one
 */
static _Atomic __u64 only_handle;

static void *own_or_share(void *arg)
{
	struct worker *w = arg;
	struct vmstore_op op;
	__u32 i;

	for (i = 0; i < w->rounds; i++) {
		if (w->nr % 2) {
			/* It is exclusive: EBUSY. In between: EAGAIN */
			op = vt_from_in_use(w->paddr[0]);
			if (attempt(w, &op, EBUSY, EAGAIN))
				continue;
			w->bad += atomic_load(&inside) != 0;
			op = vt_frame_drop(op.out.id);
			attempt(w, &op, 0, 0);
			continue;
		}
		/* Another one has a handle: EBUSY. Somebody was faster: ENOENT */
		op = vt_op_id(VMSTORE_OP_TRY_FROM_SHARED, atomic_load(&only_handle));
		if (attempt(w, &op, EBUSY, ENOENT)) {
			sched_yield();
			continue;
		}
		w->bad += atomic_fetch_add(&inside, 1) != 0;
		sched_yield();
		atomic_fetch_sub(&inside, 1);
		op = vt_op_id(VMSTORE_OP_FROM_UNIQUE, op.out.id);
		if (!attempt(w, &op, 0, 0))
			atomic_store(&only_handle, op.out.id);
	}
	return NULL;
}

TEST_F(store, one_owner)
{
	struct vmstore_op op = RUN_OK(self->fd, vt_alloc());
	__u64 paddr = op.out.frame.paddr;
	struct worker w[NR_THREADS] = {};
	int i;

	inside = 0;
	only_handle = op.out.id;
	for (i = 0; i < NR_THREADS; i++) {
		w[i].paddr = &paddr;
		w[i].rounds = 150;
	}
	ASSERT_TRUE(start_all(w, self->fd, &self->info, own_or_share));
	EXPECT_EQ(0, join_all(w));
	EXPECT_EQ(0, vt_count(self->fd, VMSTORE_DUMP_UNIQUES));
	EXPECT_EQ(1, vt_count(self->fd, VMSTORE_DUMP_FRAMES));
	EXPECT_EQ(1, vt_slot(self->fd, paddr).rc);
	EXPECT_EQ(0, vt_check(self->fd));
	EXPECT_TRUE(RUN_OK(self->fd, vt_frame_drop(only_handle)).out.drop.freed);
}

/* --- kernel areas ---------------------------------------------------------- */

#define AREA_PAGES	4

/* Make an area of its own with new frames in it; its id, or 0 */
static __u64 make_area(struct worker *w, __u64 *start)
{
	__u64 ids[AREA_PAGES];
	struct vmstore_op op;
	__u32 i;

	for (i = 0; i < AREA_PAGES; i++) {
		op = vt_alloc();
		if (attempt(w, &op, 0, 0))
			return 0;
		ids[i] = op.out.id;
	}
	op = vt_kvirt_map((AREA_PAGES + 1) * VT_PAGE, 0, ids, AREA_PAGES, VT_RW);
	if (attempt(w, &op, 0, 0))
		return 0;
	*start = op.out.kvirt.start;
	return op.out.id;
}

static void use_area(struct worker *w, __u64 area, __u64 start, __u64 value)
{
	__u64 space = w->spaces[0];
	struct vmstore_op op;
	__u32 i;

	for (i = 0; i < AREA_PAGES; i++) {
		op = vt_write(space, start + i * VT_PAGE, 8, value + i,
			      next_random(w) % w->nr_cpus);
		attempt(w, &op, 0, 0);
	}
	op = vt_kvirt_protect(area, VT_PAGE, VT_PAGE, VT_RO, vt_prop(VMSTORE_PROP_W, 0, 0));
	if (!attempt(w, &op, 0, 0))
		w->bad += op.out.kvirt_protect.changed != 1;
	/* What it took away no CPU permits, whatever the others are doing */
	op = vt_write(space, start + VT_PAGE, 8, 0, next_random(w) % w->nr_cpus);
	w->bad += vt_run1(w->fd, &op) != -EFAULT;
	op = vt_kvirt_unmap(area, 2 * VT_PAGE, VT_PAGE);
	if (!attempt(w, &op, 0, 0))
		w->bad += op.out.kvirt_unmap.removed != 1;
	for (i = 0; i < AREA_PAGES; i++) {
		op = vt_load(space, start + i * VT_PAGE, 8, next_random(w) % w->nr_cpus);
		if (i == 2)
			w->bad += vt_run1(w->fd, &op) != -EFAULT;
		else if (!attempt(w, &op, 0, 0))
			w->bad += op.out.access.value != value + i;
	}
}

static void *work_in_own_area(void *arg)
{
	struct worker *w = arg;
	struct vmstore_op op;
	__u64 area, start;
	__u32 i;

	for (i = 0; i < w->rounds; i++) {
		area = make_area(w, &start);
		if (!area)
			continue;
		use_area(w, area, start, (__u64)w->nr << 32 | i);
		op = vt_kvirt_query(area, start);
		if (!attempt(w, &op, 0, 0)) {
			op = vt_frame_drop(op.out.id);
			if (!attempt(w, &op, 0, 0))
				w->bad += op.out.drop.freed;
		}
		op = vt_kvirt_drop(area);
		if (!attempt(w, &op, 0, 0))
			w->bad += op.out.kvirt_unmap.removed != AREA_PAGES - 1;
	}
	return NULL;
}

/* Areas of different threads share tables, and nobody is told so */
TEST_F(store, areas_side_by_side)
{
	__u64 space = RUN_OK(self->fd, vt_space_new()).out.id;
	struct worker w[NR_THREADS] = {};
	__u64 nodes;
	int i;

	for (i = 0; i < NR_THREADS; i++) {
		w[i].spaces = &space;
		w[i].rounds = vt_rounds(variant->mode == VMSTORE_CHECK_FULL ? 12 : 60);
	}
	ASSERT_TRUE(start_all(w, self->fd, &self->info, work_in_own_area));
	EXPECT_EQ(0, join_all(w));
	EXPECT_EQ(0, vt_count(self->fd, VMSTORE_DUMP_KVIRTS));
	EXPECT_EQ(0, vt_count_leaves(self->fd, 0));
	EXPECT_EQ(0, vt_count(self->fd, VMSTORE_DUMP_FRAMES));
	EXPECT_EQ(0, vt_settled(self->fd));
	/* But for tables, which may stay */
	nodes = vt_count_nodes(self->fd, 0, 0) + vt_count_nodes(self->fd, space, 0);
	EXPECT_EQ(self->info.out_nr_slots - nodes, vt_free_slots(self->fd));
}

static _Atomic __u64 area_start;

/* One works, the others are told so; a reader or writer keeps it as it is */
static void *share_area(void *arg)
{
	struct worker *w = arg;
	__u32 i;

	for (i = 0; i < w->rounds; i++) {
		__u64 page = next_random(w) % 64 * VT_PAGE;
		__u64 va = atomic_load(&area_start) + page;
		struct vmstore_op op;

		switch (next_random(w) % 6) {
		case 0:
			op = vt_kvirt_query(1, va);
			if (attempt(w, &op, EBUSY, 0) || !op.out.id)
				break;
			op = vt_frame_drop(op.out.id);
			attempt(w, &op, 0, 0);
			break;
		case 1:
			op = vt_kvirt_protect(1, page, VT_PAGE, next_random(w) % 2 ? VT_RW : VT_RO,
					      vt_prop(VMSTORE_PROP_W, 0, 0));
			attempt(w, &op, EBUSY, 0);
			break;
		case 2:
			if (next_random(w) % 4)
				break;
			op = vt_kvirt_unmap(1, page, VT_PAGE);
			attempt(w, &op, EBUSY, 0);
			break;
		case 3:
			op = vt_kio_new(next_random(w) % 2, va, 8);
			/* It is not mapped any more, or read-only */
			if (attempt(w, &op, EBUSY, EACCES))
				break;
			op = vt_io_drop(op.opcode == VMSTORE_OP_KWRITER_NEW, op.out.io.id);
			attempt(w, &op, 0, 0);
			break;
		default:
			op = vt_load(w->spaces[0], va, 8, next_random(w) % w->nr_cpus);
			attempt(w, &op, EFAULT, 0);
			break;
		}
	}
	return NULL;
}

TEST_F(store, one_area)
{
	__u64 space = RUN_OK(self->fd, vt_space_new()).out.id, ids[64];
	struct worker w[NR_THREADS] = {};
	struct vmstore_op op;
	long left;
	int i;

	for (i = 0; i < 64; i++)
		ids[i] = RUN_OK(self->fd, vt_alloc()).out.id;
	op = RUN_OK(self->fd, vt_kvirt_map(64 * VT_PAGE, 0, ids, 64, VT_RW));
	ASSERT_EQ(1, op.out.id);
	area_start = op.out.kvirt.start;
	for (i = 0; i < NR_THREADS; i++) {
		w[i].spaces = &space;
		w[i].rounds = vt_rounds(variant->mode == VMSTORE_CHECK_FULL ? 60 : 200);
	}
	ASSERT_TRUE(start_all(w, self->fd, &self->info, share_area));
	EXPECT_EQ(0, join_all(w));
	EXPECT_EQ(0, vt_count(self->fd, VMSTORE_DUMP_FRAMES));
	left = vt_count_leaves(self->fd, 0);
	/* Nothing is pinned, and what is left of it goes */
	EXPECT_EQ(left, RUN_OK(self->fd, vt_kvirt_drop(1)).out.kvirt_unmap.removed);
}

static void map_in_area(struct worker *w, __u64 frame)
{
	struct vmstore_op op = vt_kvirt_map(VT_PAGE, 0, &frame, 1, VT_RW);
	__u64 area, start;

	if (attempt(w, &op, 0, 0))
		return;
	area = op.out.id;
	start = op.out.kvirt.start;
	op = vt_write(w->spaces[0], start + 8 * w->nr, 8, w->random, w->nr % w->nr_cpus);
	attempt(w, &op, 0, 0);
	op = vt_load(w->spaces[0], start + 8 * w->nr, 8, (w->nr + 1) % w->nr_cpus);
	if (!attempt(w, &op, 0, 0))
		w->bad += op.out.access.value != w->random;
	op = vt_kvirt_drop(area);
	attempt(w, &op, 0, 0);
}

static void map_in_space(struct worker *w, __u64 frame, __u64 cursor)
{
	__u64 va = w->nr * VT_2M;
	struct vmstore_op op = vt_jump(cursor, va);

	attempt_own(w, &op);
	op = vt_map(cursor, frame, VT_RW);
	attempt_own(w, &op);
	op = vt_write(w->spaces[0], va + 8 * w->nr, 8, w->random, w->nr % w->nr_cpus);
	attempt(w, &op, 0, 0);
	op = vt_load(w->spaces[0], va + 8 * w->nr, 8, (w->nr + 1) % w->nr_cpus);
	if (!attempt(w, &op, 0, 0))
		w->bad += op.out.access.value != w->random;
	op = vt_jump(cursor, va);
	attempt_own(w, &op);
	op = vt_unmap(cursor, VT_PAGE);
	attempt_own(w, &op);
}

static void *map_one_frame(void *arg)
{
	struct worker *w = arg;
	__u64 va = w->nr * VT_2M, cursor = 0;
	struct vmstore_op op;
	__u32 i;

	if (w->nr % 2) {
		op = vt_open_mut(w->spaces[0], va, va + VT_2M);
		attempt(w, &op, 0, 0);
		cursor = op.out.id;
	}
	for (i = 0; i < w->rounds; i++) {
		next_random(w);
		op = vt_from_in_use(w->paddr[0]);
		if (attempt(w, &op, 0, 0))
			continue;
		if (cursor)
			map_in_space(w, op.out.id, cursor);
		else
			map_in_area(w, op.out.id);
	}
	op = vt_cursor_drop(cursor);
	if (cursor)
		attempt_own(w, &op);
	return NULL;
}

/* Mapped and unmapped in areas and in a space at once; each has its eight bytes of it */
TEST_F(store, one_frame_in_areas_and_a_space)
{
	__u64 space = RUN_OK(self->fd, vt_space_new()).out.id;
	__u64 paddr = RUN_OK(self->fd, vt_alloc()).out.frame.paddr;
	struct worker w[NR_THREADS] = {};
	int i;

	for (i = 0; i < NR_THREADS; i++) {
		w[i].spaces = &space;
		w[i].paddr = &paddr;
		w[i].rounds = vt_rounds(variant->mode == VMSTORE_CHECK_FULL ? 20 : 80);
	}
	ASSERT_TRUE(start_all(w, self->fd, &self->info, map_one_frame));
	EXPECT_EQ(0, join_all(w));
	EXPECT_EQ(0, vt_settled(self->fd));
	EXPECT_EQ(1, vt_slot(self->fd, paddr).rc);
	EXPECT_EQ(0, vt_slot(self->fd, paddr).paths);
	/* What each wrote last is there */
	for (i = 0; i < NR_THREADS; i++)
		EXPECT_EQ(w[i].random, RUN_OK(self->fd, vt_load(space, VMSTORE_KERNEL_BASE + paddr +
							       8 * i, 8, 0)).out.access.value);
}

/* --- all at once ----------------------------------------------------------- */

#define NR_SPACES	3
#define NR_FRAMES	6

/* With its requests left pending, or not */
static __u16 maybe_deferred(struct worker *w)
{
	return next_random(w) % 2 ? VMSTORE_OPF_DEFER : 0;
}

static void hammer_flush(struct worker *w, __u64 cursor, __u64 space, __u64 va)
{
	struct vmstore_op op = vt_flush_local(space, va, VT_PAGE, next_random(w) % w->nr_cpus);

	attempt(w, &op, 0, 0);
	op = vt_from_in_use(w->paddr[next_random(w) % w->nr_frames]);
	if (!attempt(w, &op, 0, 0)) {
		op = vt_issue_with(cursor, op.out.id, va, VT_PAGE);
		attempt_own(w, &op);
	}
	op = vt_issue(cursor, va, 8 * VT_PAGE);
	attempt_own(w, &op);
	op = next_random(w) % 2 ? vt_dispatch(cursor) : vt_sync(cursor);
	attempt_own(w, &op);
}

static void hammer_cursor(struct worker *w, __u64 cursor, __u64 space, __u64 va)
{
	struct vmstore_op op;
	int i;

	for (i = 0; i < 6; i++) {
		op = vt_from_in_use(w->paddr[next_random(w) % w->nr_frames]);
		attempt(w, &op, 0, 0);
		if (op.out_errno)
			continue;
		op = vt_map(cursor, op.out.id, next_random(w) % 2 ? VT_RW : VT_RO);
		op.flags = maybe_deferred(w);
		attempt_own(w, &op);
	}
	op = vt_load(space, va, 8, next_random(w) % w->nr_cpus);
	attempt(w, &op, EFAULT, 0);
	op = vt_jump(cursor, va + next_random(w) % 6 * VT_PAGE);
	attempt_own(w, &op);
	op = vt_query(cursor);
	if (!attempt_own(w, &op) && op.out.id) {
		op = vt_frame_drop(op.out.id);
		attempt(w, &op, 0, 0);
	}
	op = vt_protect(cursor, VT_PAGE, vt_prop(0, 0, 0), vt_prop(VMSTORE_PROP_W, 0, 0));
	attempt_own(w, &op);
	hammer_flush(w, cursor, space, va);
	op = vt_flush(cursor, va, 8 * VT_PAGE);
	attempt_own(w, &op);
	if (next_random(w) % 3) {
		op = vt_jump(cursor, va);
		attempt_own(w, &op);
		op = vt_unmap(cursor, next_random(w) % 2 ? VT_2M : 4 * VT_PAGE);
		op.flags = maybe_deferred(w);
		attempt_own(w, &op);
	}
}

static void *hammer(void *arg)
{
	struct worker *w = arg;
	__u32 i;

	for (i = 0; i < w->rounds; i++) {
		__u64 space = w->spaces[next_random(w) % NR_SPACES];
		__u64 va = next_random(w) % 4 * VT_2M;
		struct vmstore_op op = vt_open_mut(space, va, va + VT_2M);

		op.flags = next_random(w) % 2 ? VMSTORE_OPF_WAIT : 0;
		if (attempt(w, &op, EBUSY, 0))
			continue;
		hammer_cursor(w, op.out.id, space, va);
		op = vt_cursor_drop(op.out.id);
		attempt_own(w, &op);
		switch (next_random(w) % 4) {
		case 0:
			op = vt_reap();
			attempt(w, &op, 0, 0);
			break;
		case 1:
			op = vt_activate(next_random(w) % 2 ? space : 0,
					 next_random(w) % w->nr_cpus);
			attempt(w, &op, 0, 0);
			break;
		case 2:
			w->bad += i % 8 == 0 && vt_check(w->fd) != 0;
			break;
		}
	}
	return NULL;
}

/* Shared frames in several spaces, mapped, looked at and unmapped by all at once */
TEST_F(store, hammer)
{
	__u64 spaces[NR_SPACES], paddr[NR_FRAMES];
	struct worker w[NR_THREADS] = {};
	__u32 cpu;
	int i;

	for (i = 0; i < NR_SPACES; i++)
		spaces[i] = RUN_OK(self->fd, vt_space_new()).out.id;
	for (i = 0; i < NR_FRAMES; i++)
		paddr[i] = RUN_OK(self->fd, vt_alloc()).out.frame.paddr;
	for (i = 0; i < NR_THREADS; i++) {
		w[i].spaces = spaces;
		w[i].paddr = paddr;
		w[i].nr_frames = NR_FRAMES;
		/* A check of everything after each operation takes its time */
		w[i].rounds = vt_rounds(variant->mode == VMSTORE_CHECK_FULL ? 12 : 40);
	}
	ASSERT_TRUE(start_all(w, self->fd, &self->info, hammer));
	EXPECT_EQ(0, join_all(w));
	EXPECT_EQ(0, vt_settled(self->fd));
	EXPECT_EQ(NR_FRAMES, vt_count(self->fd, VMSTORE_DUMP_FRAMES));

	/* Nothing is left when all is given back */
	for (cpu = 0; cpu < self->info.out_nr_cpus; cpu++)
		RUN_OK(self->fd, vt_activate(0, cpu));
	for (i = 0; i < NR_SPACES; i++)
		RUN_OK(self->fd, vt_space_drop(spaces[i]));
	RUN_OK(self->fd, vt_reap());
	for (i = 0; i < NR_FRAMES; i++) {
		EXPECT_EQ(1, vt_slot(self->fd, paddr[i]).rc);
		RUN_OK(self->fd, vt_frame_drop(i + 1));
	}
	EXPECT_EQ(self->info.out_free_slots, vt_free_slots(self->fd));
}

/*
 * One thread reaps, the others work, each on a cursor that nobody else knows; each
 * round cuts off a table, so that there is something to wait for
 */
static void *reap_or_work(void *arg)
{
	struct worker *w = arg;
	__u64 va = w->nr * VT_1G;
	struct vmstore_op op = vt_open_mut(w->spaces[0], va, va + VT_1G);
	__u64 cursor;
	__u32 i;

	if (w->nr)
		attempt(w, &op, 0, 0);
	cursor = op.out.id;
	pthread_barrier_wait(&barrier);
	for (i = 0; i < w->rounds; i++) {
		op = vt_reap();
		if (w->nr) {
			op = vt_alloc();
			attempt(w, &op, 0, 0);
			op = vt_map(cursor, op.out.id, VT_RW);
			attempt(w, &op, 0, 0);
			op = vt_jump(cursor, va + VT_2M);
			attempt(w, &op, 0, 0);
			op = vt_jump(cursor, va);
			attempt(w, &op, 0, 0);
			op = vt_unmap(cursor, VT_2M);
			attempt(w, &op, 0, 0);
			op = vt_jump(cursor, va);
		}
		attempt(w, &op, 0, 0);
	}
	return NULL;
}

TEST_F(store, own_cursor_is_never_busy)
{
	__u64 space = RUN_OK(self->fd, vt_space_new()).out.id;
	struct worker w[NR_THREADS] = {};
	int i;

	for (i = 0; i < NR_THREADS; i++) {
		w[i].spaces = &space;
		w[i].rounds = vt_rounds(!i ? 20 : variant->mode == VMSTORE_CHECK_FULL ?
					30 : 150);
	}
	pthread_barrier_init(&barrier, NULL, NR_THREADS);
	ASSERT_TRUE(start_all(w, self->fd, &self->info, reap_or_work));
	EXPECT_EQ(0, join_all(w));
}

static void *fill_and_free(void *arg)
{
	struct worker *w = arg;
	__u64 ids[64];
	__u32 i, k, n;

	for (i = 0; i < w->rounds; i++) {
		for (n = 0; n < 64; n++) {
			struct vmstore_op op = vt_alloc();

			if (attempt(w, &op, ENOMEM, 0))
				break;
			ids[n] = op.out.id;
		}
		for (k = 0; k < n; k++) {
			struct vmstore_op op = vt_frame_drop(ids[k]);

			attempt(w, &op, 0, 0);
		}
	}
	return NULL;
}

/* With 100 frames for all of them: none is lost, none is given out twice */
TEST_F(store, exhaustion)
{
	__u64 nr = self->info.out_free_slots - 100, i;
	struct vmstore_op *ops = calloc(nr, sizeof(*ops));
	struct worker w[NR_THREADS] = {};

	ASSERT_NE(NULL, ops);
	for (i = 0; i < nr; i++)
		ops[i] = vt_alloc();
	ASSERT_EQ(0, vt_run(self->fd, ops, nr, 0, NULL));
	free(ops);
	for (i = 0; i < NR_THREADS; i++)
		w[i].rounds = 2;
	ASSERT_TRUE(start_all(w, self->fd, &self->info, fill_and_free));
	EXPECT_EQ(0, join_all(w));
	EXPECT_EQ(100, vt_free_slots(self->fd));
}

/* Spaces come and go while others use them */
static void *make_and_drop_spaces(void *arg)
{
	struct worker *w = arg;
	__u32 i;

	for (i = 0; i < w->rounds; i++) {
		struct vmstore_op op = vt_space_new();
		__u64 space;

		if (attempt(w, &op, ENOMEM, 0))
			continue;
		space = op.out.id;
		/* Whoever is first; ids are known to all, they count up */
		op = vt_open_mut(space - next_random(w) % 3, 0, VT_PAGE);
		if (!attempt(w, &op, ENOENT, EBUSY)) {
			op = vt_cursor_drop(op.out.id);
			attempt(w, &op, 0, 0);
		}
		op = vt_activate(space, w->nr % w->nr_cpus);
		attempt(w, &op, ENOENT, EBUSY);
		op = vt_load(space - next_random(w) % 3, 0, 8, w->nr % w->nr_cpus);
		attempt(w, &op, ENOENT, EFAULT);
		op = vt_activate(0, w->nr % w->nr_cpus);
		attempt(w, &op, 0, 0);
		op = vt_space_drop(space - next_random(w) % 3);
		attempt(w, &op, ENOENT, EBUSY);
	}
	return NULL;
}

TEST_F(store, spaces_come_and_go)
{
	struct worker w[NR_THREADS] = {};
	int i;

	/* So that all ids the threads guess are ids */
	for (i = 0; i < 3; i++)
		RUN_OK(self->fd, vt_space_new());
	for (i = 0; i < NR_THREADS; i++)
		w[i].rounds = vt_rounds(20);
	ASSERT_TRUE(start_all(w, self->fd, &self->info, make_and_drop_spaces));
	EXPECT_EQ(0, join_all(w));
}

/* --- the store itself ------------------------------------------------------ */

static void *set_up(void *arg)
{
	struct worker *w = arg;
	int err;

	pthread_barrier_wait(&barrier);
	err = vt_setup(w->fd, VMSTORE_MACHINE_SOFT, VMSTORE_CHECK_OFF, VT_SMALL);
	w->done = !err;
	w->bad = err && err != -EBUSY;
	return NULL;
}

/* One SETUP wins */
TEST_F(store, one_setup)
{
	int fd = self->fd, round, i;

	for (round = 0; round < (int)vt_rounds(10); round++) {
		struct worker w[NR_THREADS] = {};
		__u64 done = 0;

		self->fd = vt_open();
		ASSERT_LE(0, self->fd);
		pthread_barrier_init(&barrier, NULL, NR_THREADS);
		ASSERT_TRUE(start_all(w, self->fd, &self->info, set_up));
		EXPECT_EQ(0, join_all(w));
		for (i = 0; i < NR_THREADS; i++)
			done += w[i].done;
		EXPECT_EQ(1, done);
		EXPECT_EQ(0, close(self->fd));
	}
	self->fd = fd;
}

static void *look(void *arg)
{
	struct worker *w = arg;
	struct vmstore_info info;
	struct vt_sec sec;
	__u32 i, section;

	for (i = 0; i < w->rounds; i++) {
		w->bad += vt_info(w->fd, &info) != 0;
		vt_for_each_section(section) {
			w->bad += vt_dump(w->fd, section, 512, &sec) != 0;
			vt_sec_free(&sec);
		}
		w->bad += vt_check(w->fd) != 0;
	}
	return NULL;
}

static void *look_or_work(void *arg)
{
	struct worker *w = arg;

	if (w->nr)
		return hammer(arg);
	w->rounds = vt_rounds(6);
	return look(arg);
}

/* INFO, DUMP and CHECK while others work: each call sees one sound state */
TEST_F(store, look_while_working)
{
	__u64 spaces[NR_SPACES], paddr[NR_FRAMES];
	struct worker w[NR_THREADS] = {};
	int i;

	for (i = 0; i < NR_SPACES; i++)
		spaces[i] = RUN_OK(self->fd, vt_space_new()).out.id;
	for (i = 0; i < NR_FRAMES; i++)
		paddr[i] = RUN_OK(self->fd, vt_alloc()).out.frame.paddr;
	for (i = 0; i < NR_THREADS; i++) {
		w[i].spaces = spaces;
		w[i].paddr = paddr;
		w[i].nr_frames = NR_FRAMES;
		w[i].rounds = vt_rounds(15);
	}
	ASSERT_TRUE(start_all(w, self->fd, &self->info, look_or_work));
	EXPECT_EQ(0, join_all(w));
}

TEST_HARNESS_MAIN
