// SPDX-License-Identifier: GPL-2.0-only
/*
 * Failing allocations: every allocation on the path of every operation and of every
 * call fails once. It then says -ENOMEM and has changed nothing, and the same again
 * succeeds; or the kernel found memory elsewhere and it succeeds at once.
 *
 * It runs over the recipes of op_recipes.h; that there is one for each operation is
 * tested everywhere, the rest needs a kernel with CONFIG_FAULT_INJECTION, as the debug
 * kernels are. What was struck is printed, so that a path with nothing is seen.
 */
#include "op_recipes.h"

#define FAIL_NTH	"/proc/thread-self/fail-nth"

/* Enough for any path; a sweep that does not end is a failure */
#define MAX_SITES	200

/* The harness wants a limit; this one is for a kernel full of checkers on a busy host */
#define SECONDS	1000

#define MAX_OPCODES	256

/* --- the switch ------------------------------------------------------------------ */

static int write_word(const char *path, const char *word)
{
	int fd = open(path, O_WRONLY);
	int err = fd < 0 || write(fd, word, strlen(word)) < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return err;
}

/* Allocations that may sleep are spared by default, and each failure is a stack trace */
static bool allow_all(void)
{
	write_word("/sys/kernel/debug/failslab/verbose", "0");
	write_word("/sys/kernel/debug/fail_page_alloc/verbose", "0");
	return !write_word("/sys/kernel/debug/failslab/ignore-gfp-wait", "N") &&
	       !write_word("/sys/kernel/debug/fail_page_alloc/ignore-gfp-wait", "N") &&
	       !write_word("/sys/kernel/debug/fail_page_alloc/min-order", "0") &&
	       !access(FAIL_NTH, W_OK);
}

static int fail_fd = -1;

static void arm(int n)
{
	char word[16];
	int len = snprintf(word, sizeof(word), "%d", n);

	if (pwrite(fail_fd, word, len, 0) != len)
		perror("# " FAIL_NTH);
}

/* Return: true when the failure asked for has happened */
static bool disarm(void)
{
	char word[16] = "";
	bool struck = pread(fail_fd, word, sizeof(word) - 1, 0) > 0 && !atoi(word);

	arm(0);
	return struck;
}

/*
 * Some users of memory ask twice, first without sleeping: the xarray does. So a second
 * switch lets two allocations in a row fail, after as many bytes as are asked for.
 */
#define FAILSLAB	"/sys/kernel/debug/failslab/"

/* Open all the time: opening a file while allocations fail would be struck itself */
static int probability_fd = -1, times_fd = -1, make_it_fail_fd = -1;

static bool open_pair(void)
{
	probability_fd = open(FAILSLAB "probability", O_WRONLY);
	times_fd = open(FAILSLAB "times", O_WRONLY);
	make_it_fail_fd = open("/proc/thread-self/make-it-fail", O_WRONLY);
	return probability_fd >= 0 && times_fd >= 0 && make_it_fail_fd >= 0 &&
	       !write_word(FAILSLAB "task-filter", "Y") &&
	       !write_word(FAILSLAB "interval", "1");
}

static void put_word(int fd, const char *word)
{
	if (write(fd, word, strlen(word)) < 0)
		perror("# failslab");
}

static void arm_pair(int bytes)
{
	char word[16];

	snprintf(word, sizeof(word), "%d", bytes);
	write_word(FAILSLAB "space", word);
	put_word(times_fd, "2");
	put_word(make_it_fail_fd, "1");
	put_word(probability_fd, "100");
}

static bool disarm_pair(void)
{
	char word[16] = "";
	int fd;

	put_word(probability_fd, "0");
	put_word(make_it_fail_fd, "0");
	fd = open(FAILSLAB "times", O_RDONLY);
	if (fd >= 0) {
		if (read(fd, word, sizeof(word) - 1) < 0)
			perror("# failslab");
		close(fd);
	}
	return word[0] && atoi(word) != 2;
}

struct strike {
	void (*arm)(int where);
	bool (*disarm)(void);
	int first;
	int step;
	int max;
};

static const struct strike one_allocation = { arm, disarm, 1, 1, MAX_SITES };

/* Bytes from one pair to the next; not more than what an xarray asks for at once */
#define PAIR_STEP	96
#define PAIR_STEP_MAX	480

/* --- operations -------------------------------------------------------------------- */

/* An empty store, and in it what the recipe needs; a file descriptor or a negative errno */
static int prepare(struct vt_recipe *r, __u32 machine)
{
	int fd = vt_store_device(machine, VMSTORE_CHECK_FULL, VT_SMALL, r->device);
	__u32 i;
	int err;

	if (fd < 0)
		return fd;
	err = vt_run(fd, r->ops, r->nr - 1, 0, NULL);
	for (i = 0; !err && i < r->nr - 1; i++)
		err = r->ops[i].out_errno;
	if (!err)
		return fd;
	close(fd);
	return err;
}

/* The last operation as it would stand alone: references become ids */
static struct vmstore_op alone(const struct vt_recipe *r)
{
	struct vmstore_op op = r->ops[r->nr - 1];
	size_t k;

	for (k = 0; k < ARRAY_SIZE(op.arg.raw); k++) {
		__u64 ref = op.arg.raw[k] ^ VMSTORE_REF_FLAG;

		if (ref < r->nr)	/* and no address of the kernel half */
			op.arg.raw[k] = r->ops[ref].out.id;
	}
	if (r->area)
		op.arg.raw[1] += r->ops[r->area - 1].out.kvirt.start;
	return op;
}

enum sweep { SWEEP_FAILED = -1, SWEEP_END, SWEEP_ENOMEM, SWEEP_CALL, SWEEP_ABSORBED };

/*
 * Let allocations of the recipe's operation fail at @where. Before the operation ran,
 * it was the call's own memory that was missing.
 */
static enum sweep strike_op(const struct strike *strike, struct vt_recipe r, int where)
{
	struct vt_state before, after;
	struct vmstore_op op, again;
	bool struck, ran, same = false;
	int fd = prepare(&r, VMSTORE_MACHINE_DEFAULT);
	int err;

	if (fd < 0) {
		fprintf(stderr, "# %s: no store: %s\n", r.name, strerror(-fd));
		return SWEEP_FAILED;
	}
	op = alone(&r);
	again = op;
	vt_state_read(fd, &before);
	strike->arm(where);
	err = vt_run(fd, &op, 1, 0, NULL);
	struck = strike->disarm();
	ran = !err;
	if (!err)
		err = op.out_errno;
	vt_state_read(fd, &after);
	if (struck && err == -ENOMEM) {
		same = vt_state_same(&before, &after);
		err = same ? vt_run1(fd, &again) : -VT_CHANGED;
	}
	vt_state_free(&before);
	vt_state_free(&after);
	if (!err && vt_check(fd))
		err = -EIO;
	close(fd);
	if (err) {
		fprintf(stderr, "# %s, allocation %d: error %d\n", r.name, where, err);
		return SWEEP_FAILED;
	}
	if (!struck)
		return SWEEP_END;
	return !same ? SWEEP_ABSORBED : ran ? SWEEP_ENOMEM : SWEEP_CALL;
}

/* Does the module know the opcode? Whatever it does then, it does to a store of its own */
static bool is_known(__u32 opcode)
{
	int fd = vt_store(VMSTORE_MACHINE_SOFT, VMSTORE_CHECK_OFF, VT_SMALL);
	struct vmstore_op op = vt_op(opcode);
	int err = fd < 0 ? fd : vt_run1(fd, &op);

	if (fd >= 0)
		close(fd);
	return err != -EOPNOTSUPP;
}

/* Sites of one opcode, over all its recipes */
struct sites {
	const char *name;
	int enomem;
	int absorbed;
	int call;
};

/* Return: false when an operation did not behave */
static bool sweep_all(const struct strike *strike, struct sites *sites)
{
	struct vt_recipe r;
	enum sweep s;
	size_t i;
	int at;

	for (i = 0; vt_recipe(i, &r); i++) {
		struct sites *of = &sites[r.opcode];

		if (!is_known(r.opcode))
			continue;
		of->name = r.name;
		for (at = strike->first; at <= strike->max; at += strike->step) {
			s = strike_op(strike, r, at);
			if (s == SWEEP_FAILED)
				return false;
			if (s == SWEEP_END)
				break;
			of->enomem += s == SWEEP_ENOMEM;
			of->absorbed += s == SWEEP_ABSORBED;
			of->call += s == SWEEP_CALL;
		}
		if (at > strike->max)
			return false;
	}
	return true;
}

/* A line each, so that an operation without a site is seen */
static void show_sites(const struct sites *sites, const char *strike)
{
	size_t i;

	for (i = 0; i < MAX_OPCODES; i++)
		if (sites[i].name)
			vt_show("%s: %-26s %2d -ENOMEM, %2d absorbed; of the call: %d",
				strike, sites[i].name, sites[i].enomem, sites[i].absorbed,
				sites[i].call);
}

FIXTURE(recipes) {
	__u32 nr_opcodes;
};

FIXTURE_VARIANT(recipes) {
	__u32 machine;
};

FIXTURE_VARIANT_ADD(recipes, default_machine) {
	.machine = VMSTORE_MACHINE_DEFAULT,
};

FIXTURE_VARIANT_ADD(recipes, soft) {
	.machine = VMSTORE_MACHINE_SOFT,
};

FIXTURE_SETUP(recipes)
{
	const char *reason = vt_skip_reason(variant->machine);
	struct vmstore_info info;
	int fd;

	if (reason)
		SKIP(return, "%s", reason);
	fd = vt_open();
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, vt_info(fd, &info));
	close(fd);
	self->nr_opcodes = info.out_nr_opcodes;
}

FIXTURE_TEARDOWN(recipes)
{
}

/* An operation without one is one that nobody lets fail */
TEST_F(recipes, every_operation_has_one_that_works)
{
	bool has[MAX_OPCODES] = {};
	struct vt_recipe r;
	size_t i;
	__u32 k;

	ASSERT_GE(MAX_OPCODES, self->nr_opcodes);
	for (i = 0; vt_recipe(i, &r); i++) {
		struct vmstore_op last;
		int fd;

		if (!is_known(r.opcode))
			continue;
		ASSERT_EQ(r.opcode, r.ops[r.nr - 1].opcode)
			TH_LOG("the last operation is not %s", r.name);
		fd = prepare(&r, variant->machine);
		ASSERT_LE(0, fd)
			TH_LOG("what comes before %s: %s", r.name, strerror(-fd));
		last = alone(&r);
		EXPECT_EQ(0, vt_run1(fd, &last))
			TH_LOG("%s", r.name);
		EXPECT_EQ(0, vt_check(fd));
		EXPECT_EQ(0, close(fd));
		has[r.opcode] = true;
	}
	for (k = 1; k < self->nr_opcodes; k++)
		EXPECT_TRUE(has[k] || !is_known(k))
			TH_LOG("opcode %u has no recipe in op_recipes.h", k);
}

FIXTURE(failnth) {
	int unused;
};

FIXTURE_SETUP(failnth)
{
	const char *reason = vt_skip_reason(VMSTORE_MACHINE_DEFAULT);

	if (reason)
		SKIP(return, "%s", reason);
	if (!allow_all())
		SKIP(return, "no fault injection by " FAIL_NTH " here");
	fail_fd = open(FAIL_NTH, O_RDWR);
	ASSERT_GE(fail_fd, 0);
}

FIXTURE_TEARDOWN(failnth)
{
	if (fail_fd >= 0)
		close(fail_fd);
}

TEST_F_TIMEOUT(failnth, ops, SECONDS)
{
	struct sites sites[MAX_OPCODES] = {};

	ASSERT_TRUE(sweep_all(&one_allocation, sites));
	show_sites(sites, "one allocation");
}

TEST_F_TIMEOUT(failnth, ops_two_in_a_row, SECONDS)
{
	const int step = PAIR_STEP * 100 / vt_rounds(100);
	const struct strike two_in_a_row = {
		arm_pair, disarm_pair, 0, step < PAIR_STEP_MAX ? step : PAIR_STEP_MAX,
		PAIR_STEP * MAX_SITES,
	};
	struct sites sites[MAX_OPCODES] = {};

	if (!open_pair())
		SKIP(return, "failslab has no task filter here");
	ASSERT_TRUE(sweep_all(&two_in_a_row, sites));
	show_sites(sites, "two in a row");
	/*
	 * The place of a new id is in an xarray. Which allocation is number n differs
	 * from run to run, as the debug kernel allocates too, so only here, where each
	 * is struck many times, something can be demanded.
	 */
	EXPECT_GT(sites[VMSTORE_OP_FRAME_ALLOC].enomem, 0);
	EXPECT_GT(sites[VMSTORE_OP_SPACE_NEW].enomem, 0);
	EXPECT_GT(sites[VMSTORE_OP_CURSOR_OPEN_MUT].enomem, 0);
}

/* --- calls ------------------------------------------------------------------------- */

static int call_setup(int fd)
{
	return vt_setup(fd, VMSTORE_MACHINE_DEFAULT, VMSTORE_CHECK_FULL, VT_SMALL);
}

static int call_run(int fd)
{
	struct vmstore_op op = vt_vaddr(4711);

	return vt_run(fd, &op, 1, 0, NULL);
}

static int call_check(int fd)
{
	struct vmstore_check check = { .size = sizeof(check) };
	int err = vt_ioctl(fd, VMSTORE_CHECK, &check);

	return !err && check.out_violations ? -EIO : err;
}

static int call_dump(int fd)
{
	struct vmstore_rec_slots rec[8];
	struct vmstore_dump dump = {
		.size = sizeof(dump),
		.section = VMSTORE_DUMP_SLOTS,
		.rec_size = sizeof(rec[0]),
		.buf = (uintptr_t)rec,
		.buf_len = sizeof(rec),
	};

	return vt_ioctl(fd, VMSTORE_DUMP, &dump);
}

static int call_info(int fd)
{
	struct vmstore_info info;

	return vt_info(fd, &info);
}

/* A call, to a store that is set up or to one that is not */
struct call {
	const char *name;
	int (*run)(int fd);
	bool first;		/* it may set the store up */
};

/* An empty file, or a store with something in it */
static int prepare_call(const struct call *call)
{
	struct vt_recipe r;
	size_t i;

	if (call->first)
		return vt_open();
	for (i = 0; vt_recipe(i, &r); i++)
		if (r.opcode == VMSTORE_OP_CURSOR_UNMAP)
			break;
	return prepare(&r, VMSTORE_MACHINE_DEFAULT);
}

/*
 * Is it as before? A first call can fail after it has set the store up, which leaves
 * one that is as if it had just been: all is free or reserved, no record of anything.
 */
static bool call_changed_nothing(const struct call *call, int fd, struct vt_state *before)
{
	struct vmstore_info info;
	struct vt_state after;
	bool same;

	if (call->first)
		return !vt_info(fd, &info) &&
		       (!info.out_region_size || (!info.out_ops && !vt_check(fd)));
	if (vt_state_read(fd, &after))
		return false;
	same = vt_state_same(before, &after);
	vt_state_free(&after);
	return same;
}

/* Let allocation number @nth of a call fail; 1 when it was -ENOMEM, 0, or < 0 at the end */
static int strike_call(const struct call *call, int nth, int *error)
{
	struct vt_state before = {};
	int fd = prepare_call(call);
	bool struck;
	int err;

	*error = fd < 0 ? fd : 0;
	if (fd < 0)
		return -1;
	if (!call->first)
		*error = vt_state_read(fd, &before);
	arm(nth);
	err = call->run(fd);
	struck = disarm();
	if (err && err != -ENOMEM)
		*error = err;
	else if (err && !call_changed_nothing(call, fd, &before))
		*error = -VT_CHANGED;
	else if (err)
		*error = call->run(fd);
	if (!*error && call->run != call_info)
		*error = vt_check(fd);
	vt_state_free(&before);
	close(fd);
	return struck ? !!err : -1;
}

/* Return: sites with -ENOMEM, or -1 when something is wrong */
static int sweep_call(const struct call *call)
{
	int nth, got, error = 0, sites = 0, absorbed = 0;

	for (nth = 1; nth <= MAX_SITES; nth++) {
		got = strike_call(call, nth, &error);
		if (error) {
			fprintf(stderr, "# %s, allocation %d: error %d\n", call->name, nth,
				error);
			return -1;
		}
		if (got < 0)
			break;
		sites += got;
		absorbed += !got;
	}
	vt_show("one allocation: %-26s %2d -ENOMEM, %2d absorbed", call->name, sites, absorbed);
	return nth <= MAX_SITES ? sites : -1;
}

TEST_F_TIMEOUT(failnth, open_call, SECONDS)
{
	int nth, sites = 0;

	for (nth = 1; nth <= MAX_SITES; nth++) {
		bool struck;
		int fd;

		arm(nth);
		fd = vt_open();
		struck = disarm();
		if (fd >= 0)
			close(fd);
		else
			sites++;
		if (fd < 0)
			ASSERT_EQ(-ENOMEM, fd);
		if (!struck)
			break;
	}
	vt_show("one allocation: %-26s %2d -ENOMEM", "open", sites);
	ASSERT_LE(nth, MAX_SITES);
	EXPECT_GT(sites, 0);
}

TEST_F_TIMEOUT(failnth, setup_call, SECONDS)
{
	const struct call call = { "SETUP", call_setup, true };

	EXPECT_GT(sweep_call(&call), 5);
}

/* Without SETUP the first call makes the store, and can make it later if not now */
TEST_F_TIMEOUT(failnth, first_call, SECONDS)
{
	static const struct call first[] = {
		{ "RUN, the first call", call_run, true },
		{ "CHECK, the first call", call_check, true },
		{ "DUMP, the first call", call_dump, true },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(first); i++)
		EXPECT_GT(sweep_call(&first[i]), 5);
}

TEST_F_TIMEOUT(failnth, run_and_dump_call, SECONDS)
{
	const struct call run = { "RUN", call_run, false };
	const struct call dump = { "DUMP", call_dump, false };

	EXPECT_GT(sweep_call(&run), 0);
	EXPECT_GT(sweep_call(&dump), 0);
}

/* These allocate nothing, so that they work when memory is short */
TEST_F_TIMEOUT(failnth, check_and_info_call, SECONDS)
{
	const struct call check = { "CHECK", call_check, false };
	const struct call info = { "INFO", call_info, false };

	EXPECT_EQ(0, sweep_call(&check));
	EXPECT_EQ(0, sweep_call(&info));
}

TEST_HARNESS_MAIN
