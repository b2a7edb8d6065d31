// SPDX-License-Identifier: GPL-2.0-only
/*
 * Residency: CPUs that keep using a space while others change its tables. What they have
 * cached may be seen until they have flushed, and never after; a frame has no new owner
 * before that.
 *
 * A CPU may lose what it has cached at any time: that something stale is seen is only
 * asked for once in many times.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>

#include "vmstore_test.h"

/* The harness wants a limit; this one is for a kernel full of checkers on a busy host */
#define SECONDS		500

#define VA		0x40000000ULL
#define CPU		1	/* where the space is resident; the test itself is on CPU 0 */

#define EXPERIMENTS	100
#define ATTEMPTS	50	/* at most so many for each one that counts */
#define REUSES		10000

#define KCSAN		"/sys/module/kcsan"	/* where the kernel has it */

FIXTURE(resident) {
	int fd;
	struct vmstore_info info;
	__u64 space;
	__u64 cursor;
	cpu_set_t cpus;
};

FIXTURE_VARIANT(resident) {
	__u32 machine;
	__u32 mode;
};

FIXTURE_VARIANT_ADD(resident, default_off) {
	.machine = VMSTORE_MACHINE_DEFAULT,
	.mode = VMSTORE_CHECK_OFF,
};

FIXTURE_VARIANT_ADD(resident, default_step) {
	.machine = VMSTORE_MACHINE_DEFAULT,
	.mode = VMSTORE_CHECK_STEP,
};

FIXTURE_VARIANT_ADD(resident, default_full) {
	.machine = VMSTORE_MACHINE_DEFAULT,
	.mode = VMSTORE_CHECK_FULL,
};

FIXTURE_VARIANT_ADD(resident, soft_off) {
	.machine = VMSTORE_MACHINE_SOFT,
	.mode = VMSTORE_CHECK_OFF,
};

FIXTURE_SETUP(resident)
{
	const char *reason = vt_skip_reason(variant->machine);
	cpu_set_t first;

	self->fd = -1;
	if (reason)
		SKIP(return, "%s", reason);
	self->fd = vt_store(variant->machine, variant->mode, VT_SMALL);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, vt_info(self->fd, &self->info));
	/* Whoever wakes up on the CPU of a window ends the window */
	sched_getaffinity(0, sizeof(self->cpus), &self->cpus);
	CPU_ZERO(&first);
	CPU_SET(0, &first);
	sched_setaffinity(0, sizeof(first), &first);
	self->space = RUN_OK(self->fd, vt_space_new()).out.id;
	self->cursor = RUN_OK(self->fd, vt_open_mut(self->space, VA, VA + VT_2M)).out.id;
}

FIXTURE_TEARDOWN(resident)
{
	if (self->fd < 0)
		return;
	sched_setaffinity(0, sizeof(self->cpus), &self->cpus);
	EXPECT_EQ(0, vt_settled(self->fd));
	EXPECT_EQ(0, close(self->fd));
}

/* Why a test of two CPUs cannot run, or NULL; @watch: with a watch beside other operations */
static const char *no_two_cpus(const struct vmstore_info *info, bool watch)
{
	if (!(info->out_machine_caps & VMSTORE_CAP_REMOTE))
		return "the machine has one CPU";
	if (watch && info->out_check_mode != VMSTORE_CHECK_OFF)
		return "operations wait for a watch in this mode";
	return NULL;
}

static struct vmstore_op deferred(struct vmstore_op op)
{
	op.flags |= VMSTORE_OPF_DEFER;
	return op;
}

static __u64 linear(__u64 paddr)
{
	return VMSTORE_KERNEL_BASE + paddr;
}

/* A frame with a value in it */
static struct vmstore_out_frame new_frame(int fd, __u64 space, __u64 value)
{
	struct vmstore_op alloc = vt_alloc(), op;

	if (vt_run1(fd, &alloc))
		return (struct vmstore_out_frame) {};
	op = vt_write(space, linear(alloc.out.frame.paddr), 8, value, 0);
	if (vt_run1(fd, &op))
		return (struct vmstore_out_frame) {};
	return alloc.out.frame;
}

#define NEW_FRAME(value) ({							\
	struct vmstore_out_frame _f = new_frame(self->fd, self->space, (value));	\
										\
	ASSERT_LT(0, _f.id);							\
	_f.id; })

/* --- what it is to be resident ------------------------------------------------ */

TEST_F_TIMEOUT(resident, on_every_cpu, SECONDS)
{
	__u32 nr_cpus = self->info.out_nr_cpus, cpu, round;
	__u64 host = self->info.out_host_table;
	struct vmstore_info info;

	RUN_OK(self->fd, vt_map(self->cursor, NEW_FRAME(7), VT_RW));
	for (round = 0; round < vt_rounds(20); round++) {
		for (cpu = 0; cpu < nr_cpus; cpu++)
			RUN_OK(self->fd, vt_resident(self->space, cpu));
		for (cpu = 0; cpu < nr_cpus; cpu++) {
			__u64 value = round * 100 + cpu;

			RUN_OK(self->fd, vt_write(self->space, VA + 8, 8, value, cpu));
			EXPECT_EQ(value, RUN_OK(self->fd, vt_load(self->space, VA + 8, 8,
								  (cpu + 1) % nr_cpus))
				  .out.access.value);
			RUN_ERR(self->fd, EFAULT, vt_load(self->space, VA + VT_PAGE, 8, cpu));
		}
		/* Resident no more, and still active */
		RUN_OK(self->fd, vt_activate(self->space, 0));
		EXPECT_EQ(7, RUN_OK(self->fd, vt_load(self->space, VA, 8, 0)).out.access.value);
		RUN_ERR(self->fd, EBUSY, vt_space_drop(self->space));
		for (cpu = 0; cpu < nr_cpus; cpu++)
			RUN_OK(self->fd, vt_activate(0, cpu));
	}
	ASSERT_EQ(0, vt_info(self->fd, &info));
	EXPECT_EQ(host, info.out_host_table);
}

/* It can be dropped as soon as it is active nowhere: nobody is left in its tables */
TEST_F_TIMEOUT(resident, dropped_at_once, SECONDS)
{
	__u32 cpu = CPU % self->info.out_nr_cpus, round;

	for (round = 0; round < vt_rounds(200); round++) {
		__u64 space = RUN_OK(self->fd, vt_space_new()).out.id;
		__u64 cursor = RUN_OK(self->fd, vt_open_mut(space, VA, VA + VT_PAGE)).out.id;

		RUN_OK(self->fd, vt_map(cursor, NEW_FRAME(round), VT_RW));
		RUN_OK(self->fd, vt_resident(space, cpu));
		if (round % 3)
			EXPECT_EQ(round, RUN_OK(self->fd, vt_load(space, VA, 8, cpu))
				  .out.access.value);
		RUN_OK(self->fd, vt_cursor_drop(cursor));
		/* Another takes its place, or none */
		RUN_OK(self->fd, vt_resident(round % 2 ? self->space : 0, cpu));
		RUN_OK(self->fd, vt_space_drop(space));
	}
	RUN_OK(self->fd, vt_activate(0, cpu));
}

/* Their roots have windows in turn */
TEST_F_TIMEOUT(resident, many_stores_on_one_cpu, SECONDS)
{
	enum { NR = 4 };
	__u32 cpu = CPU % self->info.out_nr_cpus, round;
	__u64 space[NR];
	int fd[NR], i;

	for (i = 0; i < NR; i++) {
		__u64 cursor, frame;

		fd[i] = vt_store(variant->machine, variant->mode, VT_SMALL);
		ASSERT_LE(0, fd[i]);
		space[i] = RUN_OK(fd[i], vt_space_new()).out.id;
		cursor = RUN_OK(fd[i], vt_open_mut(space[i], VA, VA + VT_PAGE)).out.id;
		frame = new_frame(fd[i], space[i], 1000 + i).id;
		RUN_OK(fd[i], vt_map(cursor, frame, VT_RW));
		RUN_OK(fd[i], vt_resident(space[i], cpu));
	}
	for (round = 0; round < vt_rounds(100); round++)
		for (i = 0; i < NR; i++)
			EXPECT_EQ(1000 + i, RUN_OK(fd[i], vt_load(space[i], VA, 8, cpu))
				  .out.access.value);
	/* Half of them end as they are */
	for (i = 0; i < NR; i++) {
		if (i % 2)
			RUN_OK(fd[i], vt_activate(0, cpu));
		EXPECT_EQ(0, vt_check(fd[i]));
		EXPECT_EQ(0, close(fd[i]));
	}
}

/* --- TLB_WATCH ------------------------------------------------------------------- */

static __u32 loads(const struct vmstore_watch_count *c)
{
	return c->same + c->other + c->fault;
}

TEST_F(resident, watch)
{
	__u32 cpu = CPU % self->info.out_nr_cpus, kind;
	struct vmstore_out_frame f = new_frame(self->fd, self->space, 0x1122334455667788);
	struct vmstore_op op;

	RUN_OK(self->fd, vt_map(self->cursor, f.id, VT_RO));
	RUN_ERR(self->fd, EACCES, vt_watch(self->space, VA, 10, cpu));
	/* Active, resident, and the kernel half, where there is no page, and a byte */
	for (kind = 0; kind < 5; kind++) {
		RUN_OK(self->fd, kind ? vt_resident(self->space, cpu) :
				 vt_activate(self->space, cpu));
		op = vt_watch(self->space, kind == 2 ? linear(f.paddr) :
			      kind == 3 ? VA + VT_PAGE : VA, 100, cpu);
		if (kind == 4)
			op.arg.watch.width = 1;
		op = RUN_OK(self->fd, op);
		EXPECT_EQ(kind == 3 ? 0 : kind == 4 ? 0x88 : 0x1122334455667788,
			  op.out.watch.first);
		EXPECT_EQ(kind == 3 ? VMSTORE_FAULT_TAKEN : 0, op.out.watch.first_fault);
		EXPECT_EQ(kind == 3 ? 0 : 100, op.out.watch.before.same);
		EXPECT_EQ(kind == 3 ? 100 : 0, op.out.watch.before.fault);
		EXPECT_EQ(100, loads(&op.out.watch.before));
		EXPECT_EQ(0, op.out.watch.before.stale);
		EXPECT_EQ(0, loads(&op.out.watch.after));
		EXPECT_EQ(0, op.out.watch.flushes);
		EXPECT_EQ(0, op.out.id);
	}
	RUN_ERR(self->fd, EINVAL, vt_watch(self->space, VA, 0, cpu));
	RUN_ERR(self->fd, EINVAL, vt_watch(self->space, VA, VMSTORE_MAX_LOADS + 1, cpu));
	RUN_ERR(self->fd, EINVAL, vt_watch(self->space, VA + 4, 1, cpu));
	RUN_ERR(self->fd, ENOENT, vt_watch(self->space + 1, VA, 1, cpu));
	RUN_ERR(self->fd, EACCES, vt_watch(self->space, linear(self->info.out_region_size), 1,
					   cpu));
	RUN_ERR(self->fd, EACCES, vt_watch(self->space, 1ULL << 62, 1, cpu));
	op = vt_watch(self->space, VA, 1, cpu);
	op.arg.watch.width = 3;
	RUN_ERR(self->fd, EINVAL, op);
	RUN_OK(self->fd, vt_activate(0, cpu));
}

/* A thread that watches; helpers cannot use the harness's EXPECTs */
struct watcher {
	pthread_t thread;
	pthread_barrier_t begun;
	int fd;
	struct vmstore_op op;
	int err;
	atomic_bool over;
};

static void nothing(int sig VT_UNUSED)
{
}

static void *watch(void *arg)
{
	struct watcher *w = arg;
	struct vmstore_run run;

	pthread_barrier_wait(&w->begun);
	w->err = vt_run(w->fd, &w->op, 1, 0, &run);
	if (!w->err)
		w->err = w->op.out_errno;
	atomic_store(&w->over, true);
	return NULL;
}

static bool start_watch(struct watcher *w, int fd, __u64 space)
{
	const struct sigaction action = { .sa_handler = nothing };

	sigaction(SIGUSR1, &action, NULL);
	w->fd = fd;
	w->op = vt_watch(space, VA, VMSTORE_MAX_LOADS, CPU);
	atomic_store(&w->over, false);
	pthread_barrier_init(&w->begun, NULL, 2);
	if (pthread_create(&w->thread, NULL, watch, w))
		return false;
	pthread_barrier_wait(&w->begun);
	return true;
}

/* -EINTR when the operation had not begun; before the call a signal ends nothing at all */
static int end_watch(struct watcher *w)
{
	while (!atomic_load(&w->over)) {
		pthread_kill(w->thread, SIGUSR1);
		usleep(500);
	}
	pthread_join(w->thread, NULL);
	return w->err;
}

static void nap(__u32 most, __u32 round)
{
	usleep(50 + round * 7919 % most);
}

/*
 * The experiment: CPU 1 uses a page, CPU 0 moves it, waits, and asks for the flush. Before
 * the handler CPU 1 may see either frame, after it the new one alone.
 */
TEST_F_TIMEOUT(resident, moved_under_watch, SECONDS)
{
	const __u32 experiments = EXPERIMENTS;
	__u32 done = 0, stale = 0, fresh = 0, round;
	unsigned long long stale_loads = 0, after = 0;

	if (no_two_cpus(&self->info, true))
		SKIP(return, "%s", no_two_cpus(&self->info, true));
	RUN_OK(self->fd, vt_resident(self->space, CPU));
	RUN_OK(self->fd, vt_map(self->cursor, NEW_FRAME(1000), VT_RW));
	for (round = 0; done < experiments && round < ATTEMPTS * experiments; round++) {
		const struct vmstore_out_watch *out;
		struct watcher w;

		RUN_OK(self->fd, vt_jump(self->cursor, VA));
		ASSERT_TRUE(start_watch(&w, self->fd, self->space));
		nap(2000, round);
		RUN_OK(self->fd, deferred(vt_map(self->cursor, NEW_FRAME(1001 + round), VT_RW)));
		nap(500, round);
		RUN_OK(self->fd, vt_dispatch(self->cursor));
		RUN_OK(self->fd, vt_sync(self->cursor));
		nap(500, round);
		if (end_watch(&w) == -EINTR)
			continue;
		ASSERT_EQ(0, w.err);
		EXPECT_EQ(1001 + round, RUN_OK(self->fd, vt_load(self->space, VA, 8, CPU))
			  .out.access.value);
		RUN_OK(self->fd, vt_reap());

		out = &w.op.out.watch;
		EXPECT_EQ(0, out->before.fault + out->after.fault);
		/* It began too late, or ended too early, to see what this is about */
		if (out->first != 1000 + round || !out->flushes)
			continue;
		EXPECT_EQ(0, out->after.same);
		EXPECT_EQ(0, out->after.stale);
		done++;
		stale += !!out->before.stale;
		fresh += !!out->before.other;
		stale_loads += out->before.stale;
		after += out->after.other;
	}
	vt_show("%u experiments of %u: in %u the old frame was seen before the handler, lost in %u",
		done, round, stale, fresh);
	vt_show("%llu loads of it, and %llu after the handler", stale_loads, after);
	EXPECT_EQ(experiments, done);
	EXPECT_LT(0, stale);
	EXPECT_LT(0, after);
	if (self->info.out_machine_caps & VMSTORE_CAP_KEEPS)
		EXPECT_LT(done / 2, stale);
	RUN_OK(self->fd, vt_activate(0, CPU));
}

/* --- frames that are used again -------------------------------------------------- */

/*
 * One frame: mapped and used, unmapped without a flush, seen through what is cached, asked
 * for and filled with what the old mapping must not show.
 */
struct reuse {
	struct vmstore_op ops[9];
};

static int reuse_once(int fd, __u64 space, __u64 cursor, __u64 paddr, __u64 *frame,
		      __u64 value, struct reuse *r)
{
	const struct reuse fresh = { {
		/* 0 */ vt_jump(cursor, VA),
		/* 1 */ vt_map(cursor, *frame, VT_RW),
		/* 2 */ vt_write(space, VA, 8, value, 0),
		/* 3 */ vt_jump(cursor, VA),
		/* From here to 6 in one window, or nothing stale is seen */
		/* 4 */ vt_load(space, VA, 8, CPU),
		/* 5 */ deferred(vt_unmap(cursor, VT_PAGE)),
		/* 6 */ vt_load(space, VA, 8, CPU),
		/* 7 */ vt_from_unused(paddr),
		/* 8 */ vt_write(space, linear(paddr), 8, ~value, 0),
	} };
	int err;

	*r = fresh;
	err = vt_run(fd, r->ops, ARRAY_SIZE(r->ops), VMSTORE_RUN_KEEP_GOING, NULL);
	*frame = r->ops[7].out.id;
	return err;
}

TEST_F_TIMEOUT(resident, frame_reused, SECONDS)
{
	const __u32 reuses = vt_rounds(variant->mode == VMSTORE_CHECK_OFF ? REUSES : REUSES / 20);
	__u64 paddr = vt_free_paddr(self->fd), frame, value;
	__u32 stale = 0, round, i;
	struct vmstore_op last;
	struct reuse r;

	if (no_two_cpus(&self->info, false))
		SKIP(return, "%s", no_two_cpus(&self->info, false));
	if (variant->mode == VMSTORE_CHECK_FULL)
		SKIP(return, "the whole invariant after each of so many operations");
	frame = RUN_OK(self->fd, vt_from_unused(paddr)).out.id;
	RUN_OK(self->fd, vt_resident(self->space, CPU));
	for (round = 0; stale < reuses && round < ATTEMPTS * reuses; round++) {
		value = 0x5000000000000000 + round;
		ASSERT_EQ(0, reuse_once(self->fd, self->space, self->cursor, paddr, &frame,
					value, &r));
		for (i = 0; i < ARRAY_SIZE(r.ops); i++)
			if (i != 6)
				ASSERT_EQ(0, r.ops[i].out_errno)
					TH_LOG("round %u, operation %u", round, i);
		ASSERT_EQ(value, r.ops[4].out.access.value);
		/* What it has cached, or nothing */
		if (r.ops[6].out_errno) {
			ASSERT_EQ(-EFAULT, r.ops[6].out_errno);
		} else {
			ASSERT_EQ(value, r.ops[6].out.access.value);
			stale++;
		}
		last = vt_load(self->space, VA, 8, CPU);
		ASSERT_EQ(-EFAULT, vt_run1(self->fd, &last))
			TH_LOG("round %u: %#llx", round, last.out.access.value);
	}
	vt_show("frames used again: %u rounds, in %u of them the stale translation was seen first",
		round, stale);
	RUN_OK(self->fd, vt_activate(0, CPU));
	if (variant->mode != VMSTORE_CHECK_OFF && stale < reuses && !access(KCSAN, F_OK))
		SKIP(return, "under KCSAN an operation with its check takes longer than a window");
	EXPECT_EQ(reuses, stale);
}

/* The same while CPU 1 does not stop to look: the new owner's poison is never there */
TEST_F_TIMEOUT(resident, frame_reused_under_watch, SECONDS)
{
	__u64 paddr = vt_free_paddr(self->fd), frame;
	unsigned long long stale = 0, faults = 0;
	__u32 round;

	if (no_two_cpus(&self->info, true))
		SKIP(return, "%s", no_two_cpus(&self->info, true));
	frame = RUN_OK(self->fd, vt_from_unused(paddr)).out.id;
	RUN_OK(self->fd, vt_resident(self->space, CPU));
	for (round = 0; round < vt_rounds(300); round++) {
		const struct vmstore_out_watch *out;
		__u64 value = 0x5000000000000000 + round;
		struct watcher w;

		RUN_OK(self->fd, vt_jump(self->cursor, VA));
		RUN_OK(self->fd, vt_write(self->space, linear(paddr), 8, value, 0));
		RUN_OK(self->fd, vt_map(self->cursor, frame, VT_RW));
		ASSERT_TRUE(start_watch(&w, self->fd, self->space));
		nap(1500, round);
		RUN_OK(self->fd, vt_jump(self->cursor, VA));
		RUN_OK(self->fd, deferred(vt_unmap(self->cursor, VT_PAGE)));
		nap(300, round);
		frame = RUN_OK(self->fd, vt_from_unused(paddr)).out.id;
		RUN_OK(self->fd, vt_write(self->space, linear(paddr), 8, ~value, 0));
		nap(300, round);
		if (end_watch(&w) == -EINTR)
			continue;
		ASSERT_EQ(0, w.err);
		out = &w.op.out.watch;
		EXPECT_EQ(0, out->before.other + out->after.other)
			TH_LOG("round %u: the poison of the next owner was seen", round);
		EXPECT_EQ(0, out->after.same);
		stale += out->before.stale;
		faults += out->before.fault + out->after.fault;
	}
	vt_show("frames used again: %llu stale loads, %llu faults", stale, faults);
	EXPECT_LT(0, stale);
	EXPECT_LT(0, faults);
	RUN_OK(self->fd, vt_activate(0, CPU));
}

/* A table is cut off, and its frame becomes data: nobody walks it any more */
TEST_F_TIMEOUT(resident, table_reused_under_watch, SECONDS)
{
	unsigned long long stale = 0, faults = 0;
	__u32 round;

	if (no_two_cpus(&self->info, true))
		SKIP(return, "%s", no_two_cpus(&self->info, true));
	RUN_OK(self->fd, vt_cursor_drop(self->cursor));
	/* So that the level-1 table is within the range, and goes as a whole */
	self->cursor = RUN_OK(self->fd, vt_open_mut(self->space, VA, VA + VT_1G)).out.id;
	RUN_OK(self->fd, vt_resident(self->space, CPU));
	for (round = 0; round < vt_rounds(200); round++) {
		const struct vmstore_out_watch *out;
		__u64 frames[8], n, i;
		struct watcher w;

		RUN_OK(self->fd, vt_jump(self->cursor, VA));
		RUN_OK(self->fd, vt_map(self->cursor, NEW_FRAME(1000 + round), VT_RW));
		ASSERT_TRUE(start_watch(&w, self->fd, self->space));
		nap(1500, round);
		RUN_OK(self->fd, vt_jump(self->cursor, VA));
		EXPECT_EQ(1, RUN_OK(self->fd, deferred(vt_unmap(self->cursor, VT_2M)))
			  .out.unmap.removed);
		nap(300, round);
		/* The table is among them, if it is free */
		for (n = 0; n < ARRAY_SIZE(frames); n++)
			frames[n] = NEW_FRAME(~0ULL);
		RUN_OK(self->fd, vt_reap());
		for (i = 0; i < n; i++)
			RUN_OK(self->fd, vt_frame_drop(frames[i]));
		nap(300, round);
		if (end_watch(&w) == -EINTR)
			continue;
		ASSERT_EQ(0, w.err);
		out = &w.op.out.watch;
		EXPECT_EQ(0, out->before.other + out->after.other);
		EXPECT_EQ(0, out->after.same);
		stale += out->before.stale;
		faults += out->before.fault + out->after.fault;
	}
	vt_show("tables used again: %llu stale loads, %llu faults", stale, faults);
	EXPECT_LT(0, stale);
	EXPECT_LT(0, faults);
	RUN_OK(self->fd, vt_activate(0, CPU));
}

TEST_HARNESS_MAIN
