// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the machine does to a store: CPUs that go and come back, suspend, regions from
 * one block to most of the memory, and stores coming and going on all CPUs at once.
 * Nothing may be lost, and no answer may be given that the ABI does not allow.
 *
 * Suspend is only ever tested (/sys/power/pm_test): the kernel goes down to a level
 * and comes back by itself, so that nobody has to wake the machine.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "free_memory.h"

/* The harness wants a limit; this one is for a kernel full of checkers on a busy host */
#define SECONDS	250

FIXTURE(hostile) {
	int fd;
	struct vmstore_info info;
};

FIXTURE_VARIANT(hostile) {
	__u32 machine;
	__u32 mode;
};

FIXTURE_VARIANT_ADD(hostile, default_full) {
	.machine = VMSTORE_MACHINE_DEFAULT,
	.mode = VMSTORE_CHECK_FULL,
};

FIXTURE_VARIANT_ADD(hostile, default_off) {
	.machine = VMSTORE_MACHINE_DEFAULT,
	.mode = VMSTORE_CHECK_OFF,
};

/* It runs on no CPU in particular: what is left of a suspend is the freezer */
FIXTURE_VARIANT_ADD(hostile, soft_off) {
	.machine = VMSTORE_MACHINE_SOFT,
	.mode = VMSTORE_CHECK_OFF,
};

FIXTURE_SETUP(hostile)
{
	const char *reason = vt_skip_reason(variant->machine);

	self->fd = -1;
	if (reason)
		SKIP(return, "%s", reason);
	self->fd = vt_store(variant->machine, variant->mode, VT_SMALL);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, vt_info(self->fd, &self->info));
}

FIXTURE_TEARDOWN(hostile)
{
	if (self->fd < 0)
		return;
	EXPECT_EQ(0, vt_settled(self->fd));
	EXPECT_EQ(0, close(self->fd));
}

/* --- files of the kernel ---------------------------------------------------- */

/* The first line of a file without its newline, or a negative errno */
static int read_line(const char *path, char *line, size_t len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, line, len - 1);
	if (n < 0)
		n = -errno;
	close(fd);
	if (n < 0)
		return n;
	line[n] = 0;
	line[strcspn(line, "\n")] = 0;
	return 0;
}

static int write_line(const char *path, const char *line)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, line, strlen(line)) < 0)
		err = -errno;
	close(fd);
	return err;
}

/* --- threads ---------------------------------------------------------------- */

#define NR_THREADS	4

/* A thread and what it is to do; helpers cannot use the harness's EXPECTs */
struct worker {
	pthread_t thread;
	int fd;
	int nr;
	__u32 nr_cpus;
	__u32 min_rounds;
	__u32 away;		/* CPU that may refuse, or nr_cpus for none */
	__u64 *spaces;
	long bad;		/* answers that may not be */
	int last_bad;		/* opcode of the last of them, and its errno */
	int last_errno;
	long refused;		/* because the CPU was away */
	long done;
	__u32 random;
};

static pthread_barrier_t barrier;
static atomic_bool stop;

static __u32 next_random(struct worker *w)
{
	w->random = w->random * 1664525 + 1013904223;
	return w->random >> 8;
}

static void note_bad(struct worker *w, const struct vmstore_op *op, int err)
{
	w->bad++;
	w->last_bad = op->opcode;
	w->last_errno = -err;
}

/*
 * Run one operation. The freezer ends a call as a signal does, without there being
 * one: before the operation, it is asked for again; of a wait it is the operation's
 * errno.
 */
static int run_one(struct worker *w, struct vmstore_op *op)
{
	struct vmstore_run run;
	int err;

	do {
		err = vt_run(w->fd, op, 1, 0, &run);
	} while (err == -EINTR && !run.out_ran);
	if (err)
		note_bad(w, op, err);
	return err ? err : op->out_errno;
}

/* Run one that must succeed, or fail with @ok, or be refused by a CPU that is away */
static int attempt(struct worker *w, struct vmstore_op op, int ok, struct vmstore_op *out)
{
	int err = run_one(w, &op);

	if (!err)
		w->done++;
	else if (err == -EINVAL && op.cpu == w->away && ok == EINVAL)
		w->refused++;
	else if (err != -ok || ok == EINVAL)
		note_bad(w, &op, err);
	if (out)
		*out = op;
	return err;
}

static bool start_all(struct worker *w, int fd, __u32 nr_cpus, void *(*fn)(void *))
{
	int i;

	for (i = 0; i < NR_THREADS; i++) {
		w[i].fd = fd;
		w[i].nr = i;
		w[i].nr_cpus = nr_cpus;
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
				i, w[i].bad, w[i].last_bad, w[i].last_errno);
		bad += w[i].bad;
	}
	return bad;
}

/* A value stored on one CPU is there on another */
static void work_access(struct worker *w, __u64 space, __u64 va)
{
	__u64 value = (__u64)next_random(w) << 32 | next_random(w);
	struct vmstore_op op;

	if (attempt(w, vt_write(space, va, 8, value, next_random(w) % w->nr_cpus),
		    EINVAL, NULL))
		return;
	if (!attempt(w, vt_load(space, va, 8, next_random(w) % w->nr_cpus), EINVAL, &op) &&
	    op.out.access.value != value)
		note_bad(w, &op, -EILSEQ);
}

/* Take the page away: after REAP no CPU may have it any more, also one that was away */
static void work_unmap(struct worker *w, __u64 cursor, __u64 space, __u64 va)
{
	struct vmstore_op op;

	attempt(w, vt_jump(cursor, va), 0, NULL);
	attempt(w, vt_protect(cursor, VT_PAGE, vt_prop(0, 0, 0),
			      vt_prop(VMSTORE_PROP_W, 0, 0)), 0, NULL);
	attempt(w, vt_flush(cursor, va, VT_PAGE), 0, NULL);
	attempt(w, vt_jump(cursor, va), 0, NULL);
	op = vt_unmap(cursor, VT_2M);
	/* Whoever has it cached may go on using it until REAP, or the cursor is closed */
	if (next_random(w) % 2)
		op.flags = VMSTORE_OPF_DEFER;
	attempt(w, op, 0, NULL);
	if (next_random(w) % 2)
		return;
	attempt(w, vt_reap(), 0, NULL);
	op = vt_load(space, va, 8, next_random(w) % w->nr_cpus);
	if (op.cpu == w->away)
		op.cpu = 0;
	if (run_one(w, &op) != -EFAULT)
		note_bad(w, &op, op.out_errno);
}

static void work_round(struct worker *w, __u64 va)
{
	__u64 space = w->spaces[next_random(w) % 2];
	struct vmstore_op open, op;
	__u32 i;

	if (attempt(w, vt_open_mut(space, va, va + VT_2M), 0, &open))
		return;
	/* A CPU may use what was there before, in the last round, until it is waited for */
	attempt(w, vt_reap(), 0, NULL);
	for (i = 0; i < 3; i++) {
		if (attempt(w, vt_alloc(), 0, &op))
			continue;
		attempt(w, vt_map(open.out.id, op.out.id, VT_RW), 0, NULL);
		work_access(w, space, va + i * VT_PAGE);
	}
	work_unmap(w, open.out.id, space, va);
	attempt(w, vt_cursor_drop(open.out.id), 0, NULL);
	/* To no space a CPU can be set at any time */
	i = next_random(w) % 3;
	op = vt_activate(i == 2 ? 0 : w->spaces[i], next_random(w) % w->nr_cpus);
	if (next_random(w) % 2)
		op.flags = VMSTORE_OPF_RESIDENT;
	attempt(w, op, i == 2 ? 0 : EINVAL, NULL);
}

/* In a subtree of its own, until told to stop */
static void *work(void *arg)
{
	struct worker *w = arg;
	__u32 i;

	for (i = 0; i < w->min_rounds || !atomic_load(&stop); i++) {
		work_round(w, w->nr * VT_1G);
		if (w->nr == 0 && i % 16 == 0 && vt_check(w->fd))
			w->bad++;
	}
	return NULL;
}

static bool start_working(struct worker *w, int fd, __u32 nr_cpus, __u64 *spaces, __u32 away)
{
	int i;

	for (i = 0; i < NR_THREADS; i++) {
		w[i].spaces = spaces;
		w[i].away = away;
		w[i].min_rounds = 4;
	}
	atomic_store(&stop, false);
	return start_all(w, fd, nr_cpus, work);
}

/*
 * All must have worked, and all that they took must be there again; what is wrong,
 * counted, or the errno of an operation
 */
static long done_working(struct worker *w, __u64 free_slots)
{
	struct worker mine = { .fd = w->fd };
	long wrong, refused = 0;
	__u32 i;

	atomic_store(&stop, true);
	wrong = join_all(w);
	for (i = 0; i < NR_THREADS; i++) {
		wrong += !w[i].done;
		refused += w[i].refused;
	}
	fprintf(stderr, "# %ld operations refused by a CPU that was away\n", refused);
	for (i = 0; i < w->nr_cpus; i++)
		attempt(&mine, vt_activate(0, i), 0, NULL);
	for (i = 0; i < 2; i++)
		attempt(&mine, vt_space_drop(w->spaces[i]), 0, NULL);
	attempt(&mine, vt_reap(), 0, NULL);
	if (mine.bad)
		fprintf(stderr, "# clearing up: opcode %d, errno %d\n", mine.last_bad,
			mine.last_errno);
	if (vt_free_slots(w->fd) != free_slots) {
		fprintf(stderr, "# %llu free slots of %llu\n", vt_free_slots(w->fd), free_slots);
		wrong++;
	}
	return wrong + mine.bad + labs(vt_check(w->fd));
}

/* --- CPUs that go and come back ---------------------------------------------- */

#define NR_TOGGLES	10

/* The kernel refuses with EBUSY while something else forbids hotplug for a moment */
static int cpu_set_online(__u32 cpu, bool online)
{
	char path[64];
	int err, i;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u/online", cpu);
	for (i = 0; i < 100; i++) {
		err = write_line(path, online ? "1" : "0");
		if (err != -EBUSY)
			break;
		usleep(10000);
	}
	return err;
}

/* A CPU of the store that may be switched off, and is on; 0 when there is none */
static __u32 removable_cpu(__u32 nr_cpus)
{
	char path[64], line[16];
	__u32 cpu;

	for (cpu = 1; cpu < nr_cpus; cpu++) {
		snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u/online", cpu);
		if (read_line(path, line, sizeof(line)) || access(path, W_OK))
			continue;
		/* It may have been left off by a test that failed */
		if (!strcmp(line, "1") || !cpu_set_online(cpu, true))
			return cpu;
	}
	return 0;
}

#define NO_CPU	"no CPU of the store can be switched off here"

/* Only the live machine runs on the CPUs of Linux */
static int refusal(const struct vmstore_info *info)
{
	return info->out_machine == VMSTORE_MACHINE_LIVE ? EINVAL : 0;
}

/*
 * The model knows nothing of hotplug: what is active on a CPU stays so while the CPU
 * is away, a flush need not wait for it, and when it is back it has nothing stale
 */
TEST_F_TIMEOUT(hostile, active_on_a_cpu_that_goes, SECONDS)
{
	__u32 cpu = removable_cpu(self->info.out_nr_cpus), i;
	__u64 space = RUN_OK(self->fd, vt_space_new()).out.id;
	__u64 other = RUN_OK(self->fd, vt_space_new()).out.id;
	__u64 cursor = RUN_OK(self->fd, vt_open_mut(space, 0, VT_1G)).out.id;
	struct vt_state before, after;
	int round;

	if (!cpu)
		SKIP(return, NO_CPU);
	for (round = 0; round < 4; round++) {
		RUN_OK(self->fd, vt_jump(cursor, 0));
		for (i = 0; i < 8; i++) {
			__u64 frame = RUN_OK(self->fd, vt_alloc()).out.id;

			RUN_OK(self->fd, vt_map(cursor, frame, VT_RW));
			RUN_OK(self->fd, vt_write(space, i * VT_PAGE, 8, 100 + i, cpu));
		}
		RUN_OK(self->fd, round < 2 ? vt_activate(space, cpu) : vt_resident(space, cpu));
		ASSERT_EQ(0, vt_state_read(self->fd, &before));
		ASSERT_EQ(0, cpu_set_online(cpu, false));
		ASSERT_EQ(0, vt_state_read(self->fd, &after));
		EXPECT_TRUE(vt_state_same(&before, &after));
		vt_state_free(&before);
		vt_state_free(&after);

		if (refusal(&self->info)) {
			RUN_ERR(self->fd, EINVAL, vt_load(space, 0, 8, cpu));
			RUN_ERR(self->fd, EINVAL, vt_activate(other, cpu));
		}
		EXPECT_EQ(100, RUN_OK(self->fd, vt_load(space, 0, 8, 0)).out.access.value);
		RUN_OK(self->fd, vt_jump(cursor, 4 * VT_PAGE));
		EXPECT_EQ(4, RUN_OK(self->fd, vt_unmap(cursor, 4 * VT_PAGE)).out.unmap.removed);
		RUN_OK(self->fd, vt_flush(cursor, 0, 0));
		EXPECT_EQ(0, vt_settled(self->fd));
		/* Once it comes back to the space, once to none */
		if (round % 2) {
			RUN_OK(self->fd, vt_activate(0, cpu));
			if (refusal(&self->info))
				RUN_ERR(self->fd, EINVAL, vt_activate(space, cpu));
		}

		ASSERT_EQ(0, cpu_set_online(cpu, true));
		EXPECT_EQ(round % 2 ? 0 : 1, vt_space_rec(self->fd, space).active >> cpu & 1);
		for (i = 0; i < 4; i++)
			EXPECT_EQ(100 + i, RUN_OK(self->fd, vt_load(space, i * VT_PAGE, 8, cpu))
				  .out.access.value);
		RUN_ERR(self->fd, EFAULT, vt_load(space, 4 * VT_PAGE, 8, cpu));
		RUN_OK(self->fd, vt_activate(other, cpu));
		RUN_OK(self->fd, vt_activate(0, cpu));
	}
}

/* A store is closed with a space active and a gather waiting on a CPU that is away */
TEST_F_TIMEOUT(hostile, closed_while_a_cpu_is_away, SECONDS)
{
	__u32 cpu = removable_cpu(self->info.out_nr_cpus), i;
	int round;

	if (!cpu)
		SKIP(return, NO_CPU);
	for (round = 0; round < 4; round++) {
		int fd = vt_store(variant->machine, variant->mode, VT_SMALL);
		struct vmstore_op unmap;
		__u64 space, cursor;

		ASSERT_LE(0, fd);
		space = RUN_OK(fd, vt_space_new()).out.id;
		cursor = RUN_OK(fd, vt_open_mut(space, 0, VT_1G)).out.id;
		RUN_OK(fd, round < 2 ? vt_activate(space, cpu) : vt_resident(space, cpu));
		for (i = 0; i < 8; i++) {
			__u64 frame = RUN_OK(fd, vt_alloc()).out.id;

			RUN_OK(fd, vt_map(cursor, frame, VT_RW));
			RUN_OK(fd, vt_write(space, i * VT_PAGE, 8, i, cpu));
		}
		RUN_OK(fd, vt_jump(cursor, 0));
		if (round % 2)
			ASSERT_EQ(0, cpu_set_online(cpu, false));
		unmap = vt_unmap(cursor, VT_2M);
		unmap.flags = round < 2 ? 0 : VMSTORE_OPF_DEFER;
		RUN_OK(fd, unmap);
		if (round == 2)
			RUN_OK(fd, vt_dispatch(cursor));
		if (!(round % 2))
			ASSERT_EQ(0, cpu_set_online(cpu, false));
		EXPECT_EQ(0, vt_check(fd));
		EXPECT_EQ(0, close(fd));
		ASSERT_EQ(0, cpu_set_online(cpu, true));
	}
}

/* In the middle of anything */
TEST_F_TIMEOUT(hostile, cpu_toggles_under_load, SECONDS)
{
	__u32 cpu = removable_cpu(self->info.out_nr_cpus), i;
	struct worker w[NR_THREADS] = {};
	__u64 spaces[2];

	if (!cpu)
		SKIP(return, NO_CPU);
	for (i = 0; i < 2; i++)
		spaces[i] = RUN_OK(self->fd, vt_space_new()).out.id;
	RUN_OK(self->fd, vt_resident(spaces[0], cpu));
	ASSERT_TRUE(start_working(w, self->fd, self->info.out_nr_cpus, spaces,
				  refusal(&self->info) ? cpu : self->info.out_nr_cpus));
	for (i = 0; i < vt_rounds(NR_TOGGLES); i++) {
		EXPECT_EQ(0, cpu_set_online(cpu, false));
		usleep(2000 + i * 777);
		EXPECT_EQ(0, cpu_set_online(cpu, true));
		usleep(2000 + i * 777);
	}
	EXPECT_EQ(0, done_working(w, self->info.out_free_slots));
}

/* --- suspend ----------------------------------------------------------------- */

#define PM_TEST		"/sys/power/pm_test"
#define PM_DELAY	"/sys/module/suspend/parameters/pm_test_delay"

/* How far down to go, on which way */
struct nap {
	const char *level;
	const char *state;
};

static const struct nap naps[] = {
	{ "freezer", "freeze" }, { "devices", "freeze" }, { "platform", "freeze" },
	{ "platform", "mem" }, { "processors", "mem" }, { "core", "mem" },
};

static bool file_has(const char *path, const char *word)
{
	char line[128];

	return !read_line(path, line, sizeof(line)) && strstr(line, word);
}

/*
 * Only what comes back by itself: suspend to idle ignores the two lowest levels and
 * would really sleep.
 */
static bool can_nap(const struct nap *nap)
{
	if (!file_has(PM_TEST, nap->level) || !file_has("/sys/power/state", nap->state))
		return false;
	return strcmp(nap->state, "mem") ||
	       (access("/sys/power/mem_sleep", F_OK) && errno == ENOENT) ||
	       file_has("/sys/power/mem_sleep", "[deep]");
}

/* Why there is no nap to be had, or NULL */
static const char *no_nap_reason(void)
{
	size_t i;

	if (access("/sys/power/state", W_OK))
		return "this kernel cannot suspend";
	if (access(PM_TEST, W_OK))
		return "no " PM_TEST ": the kernel lacks CONFIG_PM_SLEEP_DEBUG";
	for (i = 0; i < ARRAY_SIZE(naps); i++)
		if (can_nap(&naps[i]))
			return NULL;
	return "no level of " PM_TEST " that comes back by itself";
}

static int take_nap(const struct nap *nap)
{
	char delay[16] = "5";
	int err, i;

	/* Seconds it would stay down */
	if (!read_line(PM_DELAY, delay, sizeof(delay)))
		write_line(PM_DELAY, "0");
	err = write_line(PM_TEST, nap->level);
	/* EBUSY: something wakes the machine up, as an interrupt just then does */
	for (i = 0; !err && i < 100; i++) {
		err = write_line("/sys/power/state", nap->state);
		if (err != -EBUSY)
			break;
		err = 0;
		usleep(10000);
	}
	write_line(PM_TEST, "none");
	write_line(PM_DELAY, delay);
	if (err)
		fprintf(stderr, "# %s down to %s: %s\n", nap->state, nap->level, strerror(-err));
	return err ? err : i < 100 ? 0 : -EBUSY;
}

/*
 * The same, but that CPUs may have answered meanwhile what was asked of them before:
 * they do so at any time, and do not take it back
 */
static bool same_but_flushed(struct vt_state *before, struct vt_state *after)
{
	struct vmstore_rec_gathered *a = (void *)before->sec[VMSTORE_DUMP_TLB].data;
	struct vmstore_rec_gathered *b = (void *)after->sec[VMSTORE_DUMP_TLB].data;
	size_t i;

	for (i = 0; i < before->sec[VMSTORE_DUMP_TLB].nr; i++)
		if (i < after->sec[VMSTORE_DUMP_TLB].nr && b[i].flushed)
			a[i].flushed = b[i].flushed;
	return vt_state_same(before, after);
}

/* With mappings, cursors, handles, active spaces, gathers, and nobody at work */
TEST_F_TIMEOUT(hostile, suspend_keeps_everything, SECONDS)
{
	__u32 nr_cpus = self->info.out_nr_cpus, cpu, i;
	struct vt_state before, after;
	__u64 space, cursor;
	int taken = 0;

	if (no_nap_reason())
		SKIP(return, "%s", no_nap_reason());
	space = RUN_OK(self->fd, vt_space_new()).out.id;
	cursor = RUN_OK(self->fd, vt_open_mut(space, 0, VT_1G)).out.id;
	RUN_OK(self->fd, vt_open_ro(space, VT_1G, 2 * VT_1G));
	for (i = 0; i < 8; i++) {
		__u64 frame = RUN_OK(self->fd, vt_alloc()).out.id;

		RUN_OK(self->fd, vt_map(cursor, frame, VT_RW));
		/* Stored already and read on every CPU: no bit of an entry is left to be set */
		RUN_OK(self->fd, vt_write(space, i * VT_PAGE, 8, 100 + i, i % nr_cpus));
		for (cpu = 0; cpu < nr_cpus; cpu++)
			RUN_OK(self->fd, vt_load(space, i * VT_PAGE, 8, cpu));
	}
	for (cpu = 0; cpu < nr_cpus; cpu++)
		RUN_OK(self->fd, vt_resident(space, cpu));
	/* A subtree and leaves that wait to be released */
	RUN_OK(self->fd, vt_jump(cursor, VT_2M));
	RUN_OK(self->fd, vt_map(cursor, RUN_OK(self->fd, vt_alloc()).out.id, VT_RW));
	RUN_OK(self->fd, vt_jump(cursor, 6 * VT_PAGE));
	RUN_OK(self->fd, vt_unmap(cursor, 2 * VT_2M - 6 * VT_PAGE));
	RUN_OK(self->fd, vt_alloc());

	for (i = 0; i < ARRAY_SIZE(naps); i++) {
		__u32 page;

		if (!can_nap(&naps[i]))
			continue;
		ASSERT_EQ(0, vt_state_read(self->fd, &before));
		EXPECT_EQ(0, take_nap(&naps[i]))
			TH_LOG("%s down to %s", naps[i].state, naps[i].level);
		ASSERT_EQ(0, vt_state_read(self->fd, &after));
		EXPECT_TRUE(same_but_flushed(&before, &after))
			TH_LOG("%s down to %s", naps[i].state, naps[i].level);
		vt_state_free(&before);
		vt_state_free(&after);
		for (page = 0; page < 6 * nr_cpus; page++) {
			struct vmstore_op op = vt_load(space, page / nr_cpus * VT_PAGE, 8,
						       page % nr_cpus);

			EXPECT_EQ(100 + page / nr_cpus, RUN_OK(self->fd, op).out.access.value);
		}
		EXPECT_EQ(0, vt_check(self->fd));
		taken++;
	}
	vt_show("%d naps", taken);
	RUN_OK(self->fd, vt_reap());
	for (cpu = 0; cpu < nr_cpus; cpu++)
		RUN_ERR(self->fd, EFAULT, vt_load(space, 6 * VT_PAGE, 8, cpu));
	RUN_OK(self->fd, vt_cursor_drop(cursor));
}

/* Threads are stopped in the middle of anything, and go on when CPUs are back */
TEST_F_TIMEOUT(hostile, suspend_under_load, SECONDS)
{
	struct worker w[NR_THREADS] = {};
	__u64 spaces[2];
	size_t i;

	if (no_nap_reason())
		SKIP(return, "%s", no_nap_reason());
	for (i = 0; i < 2; i++)
		spaces[i] = RUN_OK(self->fd, vt_space_new()).out.id;
	ASSERT_TRUE(start_working(w, self->fd, self->info.out_nr_cpus, spaces,
				  self->info.out_nr_cpus));
	for (i = 0; i < ARRAY_SIZE(naps); i += 2) {
		if (!can_nap(&naps[i]) && !can_nap(&naps[++i % ARRAY_SIZE(naps)]))
			continue;
		EXPECT_EQ(0, take_nap(&naps[i]));
		usleep(5000);
	}
	EXPECT_EQ(0, done_working(w, self->info.out_free_slots));
}

/* The wait may end as by a signal; it is then gone on with, and nobody is forgotten */
static void *wait_for_range(void *arg)
{
	struct worker *w = arg;
	struct vmstore_op op;
	int err;

	pthread_barrier_wait(&barrier);
	do {
		op = vt_open_mut(w->spaces[0], 0, VT_PAGE);
		op.flags = VMSTORE_OPF_WAIT;
		err = run_one(w, &op);
		w->refused += err == -EINTR;
	} while (err == -EINTR);
	if (err) {
		note_bad(w, &op, err);
		return NULL;
	}
	w->done++;
	attempt(w, vt_cursor_drop(op.out.id), 0, NULL);
	return NULL;
}

TEST_F_TIMEOUT(hostile, suspend_while_waiting, SECONDS)
{
	struct worker w[NR_THREADS] = {};
	__u64 space, cursor;
	int i;

	if (no_nap_reason())
		SKIP(return, "%s", no_nap_reason());
	space = RUN_OK(self->fd, vt_space_new()).out.id;
	cursor = RUN_OK(self->fd, vt_open_mut(space, 0, VT_1G)).out.id;
	for (i = 0; i < NR_THREADS; i++)
		w[i].spaces = &space;
	pthread_barrier_init(&barrier, NULL, NR_THREADS + 1);
	ASSERT_TRUE(start_all(w, self->fd, self->info.out_nr_cpus, wait_for_range));
	pthread_barrier_wait(&barrier);
	usleep(20000);
	for (i = 0; i < (int)ARRAY_SIZE(naps); i++)
		if (can_nap(&naps[i]))
			break;
	EXPECT_EQ(0, take_nap(&naps[i]));
	EXPECT_EQ(1, vt_count(self->fd, VMSTORE_DUMP_CURSORS));
	RUN_OK(self->fd, vt_cursor_drop(cursor));
	EXPECT_EQ(0, join_all(w));
	for (i = 0; i < NR_THREADS; i++)
		EXPECT_EQ(2, w[i].done);
	EXPECT_EQ(0, vt_count(self->fd, VMSTORE_DUMP_CURSORS));
}

/* --- regions of all sizes ------------------------------------------------------ */

/* What SETUP allows, or 0 */
static __u64 max_region(void)
{
	struct vmstore_info info = {};
	int fd = vt_open();

	if (fd < 0)
		return 0;
	vt_info(fd, &info);
	close(fd);
	return info.out_max_region_size;
}

FIXTURE(region) {
	__u64 max;
};

FIXTURE_VARIANT(region) {
	__u32 machine;
};

FIXTURE_VARIANT_ADD(region, default_machine) {
	.machine = VMSTORE_MACHINE_DEFAULT,
};

FIXTURE_VARIANT_ADD(region, soft) {
	.machine = VMSTORE_MACHINE_SOFT,
};

FIXTURE_SETUP(region)
{
	const char *reason = vt_skip_reason(variant->machine);

	if (reason)
		SKIP(return, "%s", reason);
	self->max = max_region();
	ASSERT_LT(0, self->max);
}

FIXTURE_TEARDOWN(region)
{
}

/* Fill, read back through both halves, check; the errno of an operation or of CHECK */
static long use_region(int fd, __u64 size)
{
	const __u64 paddr[2] = { vt_free_paddr(fd), size - VT_PAGE };
	struct vmstore_op ops[] = {
		/* 0 */ vt_space_new(),
		/* 1 */ vt_open_mut(VMSTORE_REF(0), 0, VT_1G),
		/* 2 */ vt_from_unused(paddr[0]),
		/* 3 */ vt_from_unused(paddr[1]),
		/* 4 */ vt_map(VMSTORE_REF(1), VMSTORE_REF(2), VT_RW),
		/* 5 */ vt_map(VMSTORE_REF(1), VMSTORE_REF(3), VT_RW),
		/* 6 */ vt_write(VMSTORE_REF(0), 0, 8, ~paddr[0], 0),
		/* 7 */ vt_write(VMSTORE_REF(0), VT_PAGE, 8, ~paddr[1], 0),
		/* 8 */ vt_load(VMSTORE_REF(0), 0, 8, 0),
		/* 9 */ vt_load(VMSTORE_REF(0), VT_PAGE, 8, 0),
		/* 10 */ vt_load(VMSTORE_REF(0), VMSTORE_KERNEL_BASE + paddr[0], 8, 0),
		/* 11 */ vt_load(VMSTORE_REF(0), VMSTORE_KERNEL_BASE + paddr[1], 8, 0),
		/* 12 */ vt_jump(VMSTORE_REF(1), 0),
		/* 13 */ vt_unmap(VMSTORE_REF(1), 2 * VT_PAGE),
		/* 14 */ vt_reap(),
	};
	const __u32 nr = ARRAY_SIZE(ops);
	long err = vt_run(fd, ops, nr, 0, NULL);
	__u32 i;

	for (i = 0; !err && i < nr; i++) {
		err = ops[i].out_errno;
		if (err)
			fprintf(stderr, "# operation %u: %s\n", i, strerror(-err));
	}
	for (i = 8; !err && i < 12; i++)
		if (ops[i].out.access.value != ~paddr[i % 2])
			err = -EILSEQ;
	return err ? err : vt_check(fd);
}

/* A store of @size set up, used and closed; what SETUP said */
#define TRY_SIZE(machine, bytes) ({						\
	int _fd = vt_open(), _err;						\
	__u64 _size = (bytes);							\
	struct vmstore_info _info;						\
										\
	ASSERT_LE(0, _fd);							\
	_err = vt_setup(_fd, (machine), VMSTORE_CHECK_OFF, _size);		\
	if (!_err) {								\
		EXPECT_EQ(0, vt_info(_fd, &_info));				\
		EXPECT_EQ(_size, _info.out_region_size);			\
		EXPECT_EQ(_size / VT_PAGE, _info.out_nr_slots);			\
		EXPECT_EQ(0, use_region(_fd, _size))				\
			TH_LOG("region of %llu MiB", _size >> 20);		\
	}									\
	EXPECT_EQ(0, close(_fd));						\
	_err; })

TEST_F_TIMEOUT(region, small_sizes, SECONDS)
{
	static const int blocks[] = { 1, 2, 3, 4, 16 };
	long before = 0;
	size_t i, round;

	/* The first round fills caches that stay */
	for (round = 0; round < 2; round++) {
		before = vt_free_kib();
		for (i = 0; i < ARRAY_SIZE(blocks); i++) {
			__u64 size = blocks[i] * VMSTORE_BLOCK_SIZE;

			if (size <= self->max)
				EXPECT_EQ(0, TRY_SIZE(variant->machine, size));
		}
	}
	EXPECT_GT(vt_slack_kib(), vt_memory_lost(before));
}

TEST_F(region, above_the_maximum)
{
	const __u64 sizes[] = {
		self->max + VMSTORE_BLOCK_SIZE, 2 * self->max, VT_512G << 10, 1ULL << 62,
		1ULL << 63, ~(VMSTORE_BLOCK_SIZE - 1),
	};
	int fd = vt_open();
	size_t i;

	ASSERT_LE(0, fd);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		__u64 size = sizes[i];

		EXPECT_EQ(-ENOSPC, vt_setup(fd, variant->machine, VMSTORE_CHECK_OFF, size))
			TH_LOG("region of %#llx", size);
	}
	/* It is as if nobody had asked */
	EXPECT_EQ(0, vt_setup(fd, variant->machine, VMSTORE_CHECK_FULL, VT_SMALL));
	EXPECT_EQ(0, use_region(fd, VT_SMALL));
	EXPECT_EQ(0, close(fd));
}

/* --- many stores ------------------------------------------------------------------ */

FIXTURE(stores) {
	int unused;
};

FIXTURE_SETUP(stores)
{
	if (vt_skip_reason(VMSTORE_MACHINE_DEFAULT))
		SKIP(return, "%s", vt_skip_reason(VMSTORE_MACHINE_DEFAULT));
}

FIXTURE_TEARDOWN(stores)
{
}

/*
 * The largest there is, and from there down until memory suffices. A size that does
 * not fit is refused and costs nothing, also nothing of what all stores together may
 * have.
 */
TEST_F_TIMEOUT(stores, most_of_memory, SECONDS)
{
	__u64 available = (__u64)vt_meminfo("MemAvailable") << 10;
	__u64 size = max_region(), most = available / 8 * 7 & ~(VMSTORE_BLOCK_SIZE - 1);
	long lost = vt_slack_kib();
	int round, err;

	ASSERT_LT(0, size);

	if (size > most && most) {
		err = TRY_SIZE(VMSTORE_MACHINE_DEFAULT, size);
		EXPECT_TRUE(!err || err == -ENOMEM)
			TH_LOG("errno %d", err);
		size = most;
	}
	/* The first round may fill caches that stay */
	for (round = 0; round < 2 && lost >= vt_slack_kib(); round++) {
		long before = vt_free_kib();

		do {
			err = TRY_SIZE(VMSTORE_MACHINE_DEFAULT, size);
			if (err == -ENOMEM)
				size = size / 2 & ~(VMSTORE_BLOCK_SIZE - 1);
		} while (err == -ENOMEM && size);
		ASSERT_EQ(0, err);
		lost = vt_memory_lost(before);
	}
	vt_show("%llu MiB of %llu MiB available, %llu MiB allowed", size >> 20,
		available >> 20, max_region() >> 20);
	EXPECT_GT(vt_slack_kib(), lost);
}

/*
 * What all stores together may have is not for one beside others; when they are gone
 * it is. (Set apart by parameters, the two limits may leave room for both.)
 */
TEST_F_TIMEOUT(stores, share_a_limit, SECONDS)
{
	const __u32 machine = VMSTORE_MACHINE_SOFT;
	int fd = vt_store(machine, VMSTORE_CHECK_OFF, VT_SMALL);
	int err;

	ASSERT_LE(0, fd);
	err = TRY_SIZE(machine, max_region());
	EXPECT_TRUE(!err || err == -ENOSPC || err == -ENOMEM)
		TH_LOG("errno %d", err);
	EXPECT_EQ(0, use_region(fd, VT_SMALL));
	EXPECT_EQ(0, close(fd));
	EXPECT_NE(-ENOSPC, TRY_SIZE(machine, max_region()));
}

#define NR_VISITS	5	/* each kind once, and the first once more */

static const struct {
	__u32 machine;
	__u32 mode;
} kinds[] = {
	{ VMSTORE_MACHINE_DEFAULT, VMSTORE_CHECK_FULL },
	{ VMSTORE_MACHINE_SOFT, VMSTORE_CHECK_OFF },
	{ VMSTORE_MACHINE_DEFAULT, VMSTORE_CHECK_OFF },
	{ VMSTORE_MACHINE_SOFT, VMSTORE_CHECK_FULL },
};

/* The same address in each store holds what this store put there, on each CPU */
static void visit(struct worker *w, __u64 value)
{
	struct vmstore_op open, op;
	struct vmstore_info info;
	__u64 space;
	__u32 cpu, i;

	attempt(w, vt_space_new(), 0, &op);
	space = op.out.id;
	attempt(w, vt_open_mut(space, 0, VT_1G), 0, &open);
	if (vt_info(w->fd, &info))
		w->bad++;
	for (i = 0; i < 4; i++) {
		attempt(w, vt_alloc(), 0, &op);
		attempt(w, vt_map(open.out.id, op.out.id, VT_RW), 0, NULL);
		attempt(w, vt_write(space, i * VT_PAGE, 8, value + i, i % info.out_nr_cpus),
			0, NULL);
	}
	for (cpu = 0; cpu < info.out_nr_cpus; cpu++) {
		op = value / 10 % 2 ? vt_activate(space, cpu) : vt_resident(space, cpu);
		attempt(w, op, 0, NULL);
		for (i = 0; i < 4; i++)
			if (!attempt(w, vt_load(space, i * VT_PAGE, 8, cpu), 0, &op) &&
			    op.out.access.value != value + i)
				note_bad(w, &op, -EILSEQ);
	}
	attempt(w, vt_jump(open.out.id, 0), 0, NULL);
	attempt(w, vt_unmap(open.out.id, 2 * VT_PAGE), 0, NULL);
	w->bad += vt_settled(w->fd) != 0;
}

/* Each time another kind of store; half of them are closed with everything open */
static void *open_and_close(void *arg)
{
	struct worker *w = arg;
	cpu_set_t set;
	__u32 i;

	/* On a CPU of its own, as far as there are so many */
	CPU_ZERO(&set);
	CPU_SET(w->nr % sysconf(_SC_NPROCESSORS_ONLN), &set);
	sched_setaffinity(0, sizeof(set), &set);
	pthread_barrier_wait(&barrier);
	for (i = 0; i < NR_VISITS; i++) {
		__u32 kind = (w->nr + i) % ARRAY_SIZE(kinds);

		w->fd = vt_store(kinds[kind].machine, kinds[kind].mode,
				 (1 + i % 2) * VMSTORE_BLOCK_SIZE);
		if (w->fd < 0) {
			w->bad++;
			w->last_errno = -w->fd;
			continue;
		}
		visit(w, w->nr * 1000 + i * 10);
		if (i % 2)
			attempt(w, vt_activate(0, 0), 0, NULL);
		w->bad += close(w->fd) != 0;
	}
	return NULL;
}

TEST_F_TIMEOUT(stores, on_all_cpus, SECONDS)
{
	struct worker w[NR_THREADS] = {}, mine = {};
	long before = 0;
	int round, i, fd;

	/* One that lives through all of it, and must not notice */
	fd = vt_store(VMSTORE_MACHINE_DEFAULT, VMSTORE_CHECK_FULL, VT_SMALL);
	ASSERT_LE(0, fd);
	mine.fd = fd;
	visit(&mine, 7000);
	ASSERT_EQ(0, mine.bad);
	/* The first round fills caches that stay */
	for (round = 0; round < 2; round++) {
		struct vt_state then, now;

		before = vt_free_kib();
		ASSERT_EQ(0, vt_state_read(fd, &then));
		pthread_barrier_init(&barrier, NULL, NR_THREADS);
		ASSERT_TRUE(start_all(w, -1, 0, open_and_close));
		EXPECT_EQ(0, join_all(w));
		ASSERT_EQ(0, vt_state_read(fd, &now));
		EXPECT_TRUE(vt_state_same(&then, &now));
		vt_state_free(&then);
		vt_state_free(&now);
		for (i = 2; i < 4; i++)
			EXPECT_EQ(7000 + i, RUN_OK(fd, vt_load(1, i * VT_PAGE, 8, 0))
				  .out.access.value);
	}
	EXPECT_GT(vt_slack_kib(), vt_memory_lost(before));
	EXPECT_EQ(0, vt_settled(fd));
	EXPECT_EQ(0, close(fd));
}

TEST_HARNESS_MAIN
