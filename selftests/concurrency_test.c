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
		w[i].rounds = 50;
	}
	ASSERT_TRUE(start_all(w, self->fd, &self->info, wait_for_turn));
	EXPECT_EQ(0, join_all(w));
	for (i = 0; i < NR_THREADS; i++)
		EXPECT_EQ(100, w[i].done);
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
		w[i].rounds = 200;
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
		w[i].rounds = 120;
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

/* --- all at once ----------------------------------------------------------- */

#define NR_SPACES	3
#define NR_FRAMES	6

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
	op = vt_flush(cursor, va, 8 * VT_PAGE);
	attempt_own(w, &op);
	if (next_random(w) % 3) {
		op = vt_jump(cursor, va);
		attempt_own(w, &op);
		op = vt_unmap(cursor, next_random(w) % 2 ? VT_2M : 4 * VT_PAGE);
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
		w[i].rounds = variant->mode == VMSTORE_CHECK_FULL ? 12 : 40;
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
		w[i].rounds = i ? variant->mode == VMSTORE_CHECK_FULL ? 30 : 150 : 20;
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
		w[i].rounds = 20;
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

	for (round = 0; round < 10; round++) {
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
		for (section = 1; section <= VT_NR_SECTIONS; section++) {
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
	w->rounds = 6;
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
		w[i].rounds = 15;
	}
	ASSERT_TRUE(start_all(w, self->fd, &self->info, look_or_work));
	EXPECT_EQ(0, join_all(w));
}

TEST_HARNESS_MAIN
