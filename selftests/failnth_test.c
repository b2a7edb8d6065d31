// SPDX-License-Identifier: GPL-2.0-only
/*
 * Failing allocations: every allocation on the path of every operation and of every
 * ioctl fails once. The call then says -ENOMEM and has changed nothing, and the same
 * call succeeds afterwards; or the kernel found memory elsewhere and it succeeds at
 * once.
 *
 * It runs over a corpus, one batch in which every opcode that the module knows occurs:
 * an operation added later only has to be added there, and until it is, the test of
 * completeness fails. Needs a kernel with CONFIG_FAIL_NTH, as the debug kernel is.
 */
#include "vmstore_test.h"

#define VA	0x10000000ULL
#define FAIL_NTH	"/proc/thread-self/fail-nth"

/* Enough for any path; a sweep that does not end is a failure */
#define MAX_SITES	200

static const struct vmstore_op *corpus(size_t *n)
{
	static struct vmstore_op ops[32];
	static size_t count;
	const struct vmstore_op made[] = {
		/* 0 */ vt_space_new(),
		/* 1 */ vt_alloc(),
		/* 2 */ vt_alloc(),
		/* 3 */ vt_from_unused(VT_SMALL - VT_PAGE),
		/* 4 */ vt_from_in_use(VT_SMALL - VT_PAGE),
		/* 5 */ vt_open_ro(VMSTORE_REF(0), VA, VA + VT_PAGE),
		/* 6 */ vt_cursor_drop(VMSTORE_REF(5)),
		/* 7 */ vt_open_mut(VMSTORE_REF(0), VA, VA + VT_1G),
		/* 8 */ vt_map(VMSTORE_REF(7), VMSTORE_REF(1), VT_RW),
		/* 9 */ vt_map(VMSTORE_REF(7), VMSTORE_REF(2), VT_RW),
		/* 10 */ vt_activate(VMSTORE_REF(0), 0),
		/* 11 */ vt_write(VMSTORE_REF(0), VA, 8, 1, 0),
		/* 12 */ vt_load(VMSTORE_REF(0), VA, 8, 0),
		/* 13 */ vt_jump(VMSTORE_REF(7), VA),
		/* 14 */ vt_find_next(VMSTORE_REF(7), VT_PAGE),
		/* 15 */ vt_query(VMSTORE_REF(7)),
		/* 16 */ vt_vaddr(VMSTORE_REF(7)),
		/* 17 */ vt_protect(VMSTORE_REF(7), VT_PAGE, VT_RO, VT_RW),
		/* 18 */ vt_flush(VMSTORE_REF(7), VA, VT_PAGE),
		/* 19 */ vt_jump(VMSTORE_REF(7), VA),
		/* 20 */ vt_map(VMSTORE_REF(7), VMSTORE_REF(3), VT_RW),
		/* 21 */ vt_jump(VMSTORE_REF(7), VA),
		/* 22 */ vt_unmap(VMSTORE_REF(7), 2 * VT_2M),
		/* 23 */ vt_reap(),
		/* 24 */ vt_frame_drop(VMSTORE_REF(4)),
		/* 25 */ vt_cursor_drop(VMSTORE_REF(7)),
		/* 26 */ vt_activate(0, 0),
		/* 27 */ vt_space_drop(VMSTORE_REF(0)),
	};

	if (!count) {
		count = ARRAY_SIZE(made);
		memcpy(ops, made, sizeof(made));
	}
	*n = count;
	return ops;
}

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
static const struct strike two_in_a_row = { arm_pair, disarm_pair, 0, 96, 96 * MAX_SITES };

/* --- one call ---------------------------------------------------------------------- */

/* A store in which the first @nr operations of the corpus have run */
static int prepare(size_t nr, struct vmstore_op *ops)
{
	size_t n;
	const struct vmstore_op *all = corpus(&n);
	int fd = vt_store(VMSTORE_MACHINE_DEFAULT, VMSTORE_CHECK_FULL, VT_SMALL);

	memcpy(ops, all, n * sizeof(*ops));
	if (fd < 0 || !nr)
		return fd;
	if (vt_run(fd, ops, nr, 0, NULL) || ops[nr - 1].out_errno) {
		close(fd);
		return -EINVAL;
	}
	return fd;
}

/* The operation as it would stand alone: references become ids */
static struct vmstore_op alone(const struct vmstore_op *ops, size_t i)
{
	struct vmstore_op op = ops[i];
	int k;

	for (k = 0; k < 2; k++)
		if (op.arg.raw[k] & VMSTORE_REF_FLAG)
			op.arg.raw[k] = ops[op.arg.raw[k] & ~VMSTORE_REF_FLAG].out.id;
	return op;
}

enum sweep { SWEEP_FAILED = -1, SWEEP_END, SWEEP_ENOMEM, SWEEP_CALL, SWEEP_ABSORBED };

/* Let allocations of operation @i fail at @where */
static enum sweep strike_op(const struct strike *strike, size_t i, int where)
{
	struct vmstore_op ops[32], op, again;
	struct vt_state before, after;
	bool struck, ran, same = false;
	int fd = prepare(i, ops);
	int err;

	if (fd < 0) {
		fprintf(stderr, "# operation %zu: no store: %s\n", i, strerror(-fd));
		return SWEEP_FAILED;
	}
	op = alone(ops, i);
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
		fprintf(stderr, "# operation %zu, allocation %d: error %d\n", i, where, err);
		return SWEEP_FAILED;
	}
	if (!struck)
		return SWEEP_END;
	/* Before the operation ran, it was the call's own memory that was missing */
	return !same ? SWEEP_ABSORBED : ran ? SWEEP_ENOMEM : SWEEP_CALL;
}

/* Sites of one opcode, over all its operations in the corpus */
struct sites {
	int ops;
	int enomem;
	int absorbed;
};

FIXTURE(failnth) {
	__u32 nr_opcodes;
};

FIXTURE_SETUP(failnth)
{
	struct vmstore_info info;
	int fd;

	if (!allow_all())
		SKIP(return, "no fault injection by " FAIL_NTH " here");
	fd = vt_open();
	ASSERT_GE(fd, 0);
	ASSERT_EQ(0, vt_info(fd, &info));
	close(fd);
	self->nr_opcodes = info.out_nr_opcodes;
	fail_fd = open(FAIL_NTH, O_RDWR);
	ASSERT_GE(fail_fd, 0);
}

FIXTURE_TEARDOWN(failnth)
{
	if (fail_fd >= 0)
		close(fail_fd);
}

/* Return: false when an operation did not behave; the sites are printed */
static bool sweep_all(const struct strike *strike, __u32 nr_opcodes, struct sites *sites)
{
	size_t n, i;
	const struct vmstore_op *all = corpus(&n);
	enum sweep s = SWEEP_END;
	__u32 op;
	int at;

	for (i = 0; i < n; i++) {
		struct sites *of = &sites[all[i].opcode];

		of->ops++;
		for (at = strike->first; at <= strike->max; at += strike->step) {
			s = strike_op(strike, i, at);
			if (s == SWEEP_FAILED)
				return false;
			if (s == SWEEP_END)
				break;
			of->enomem += s == SWEEP_ENOMEM;
			of->absorbed += s == SWEEP_ABSORBED;
		}
		if (s != SWEEP_END)
			return false;
	}
	for (op = 1; op < nr_opcodes; op++)
		printf("# opcode %2u: %d operations, %d sites -ENOMEM, %d absorbed\n", op,
		       sites[op].ops, sites[op].enomem, sites[op].absorbed);
	return true;
}

TEST_F_TIMEOUT(failnth, ops, 600)
{
	struct sites sites[256] = {};
	__u32 op;

	ASSERT_TRUE(sweep_all(&one_allocation, self->nr_opcodes, sites));
	/* An opcode that the corpus has not is one that nobody tried */
	for (op = 1; op < self->nr_opcodes; op++)
		EXPECT_GT(sites[op].ops, 0);
}

TEST_F_TIMEOUT(failnth, ops_two_in_a_row, 600)
{
	struct sites sites[256] = {};

	if (!open_pair())
		SKIP(return, "failslab has no task filter here");
	ASSERT_TRUE(sweep_all(&two_in_a_row, self->nr_opcodes, sites));
	/*
	 * The place of a new id is in an xarray. Which allocation is number n differs
	 * from run to run, as the debug kernel allocates too, so only here, where each
	 * is struck many times, something can be demanded.
	 */
	EXPECT_GT(sites[VMSTORE_OP_FRAME_ALLOC].enomem, 0);
	EXPECT_GT(sites[VMSTORE_OP_SPACE_NEW].enomem, 0);
	EXPECT_GT(sites[VMSTORE_OP_CURSOR_OPEN_MUT].enomem, 0);
}

/* --- the calls --------------------------------------------------------------------- */

TEST_F_TIMEOUT(failnth, open_call, 100)
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
	printf("# open: %d sites\n", sites);
	ASSERT_LE(nth, MAX_SITES);
	EXPECT_GT(sites, 0);
}

TEST_F_TIMEOUT(failnth, setup_call, 200)
{
	int nth, sites = 0;

	for (nth = 1; nth <= MAX_SITES; nth++) {
		struct vmstore_info info;
		int fd = vt_open();
		bool struck;
		int err;

		ASSERT_GE(fd, 0);
		arm(nth);
		err = vt_setup(fd, VMSTORE_MACHINE_DEFAULT, VMSTORE_CHECK_FULL, VT_SMALL);
		struck = disarm();
		if (err) {
			ASSERT_EQ(-ENOMEM, err);
			ASSERT_EQ(0, vt_info(fd, &info));
			ASSERT_EQ(0, info.out_region_size);
			err = vt_setup(fd, VMSTORE_MACHINE_DEFAULT, VMSTORE_CHECK_FULL,
				       VT_SMALL);
			sites++;
		}
		ASSERT_EQ(0, err);
		ASSERT_EQ(0, vt_check(fd));
		close(fd);
		if (!struck)
			break;
	}
	printf("# SETUP: %d sites\n", sites);
	ASSERT_LE(nth, MAX_SITES);
	EXPECT_GT(sites, 5);
}

/* Without SETUP the first call makes the store, and can make it later if not now */
TEST_F_TIMEOUT(failnth, first_call, 100)
{
	struct vmstore_rec_slots rec[8];
	struct vmstore_op op = vt_reap();
	union {
		__u32 size;
		struct vmstore_check check;
		struct vmstore_dump dump;
		struct vmstore_run run;
	} arg, first[] = {
		{ .check = { .size = sizeof(arg.check) } },
		{ .dump = { .size = sizeof(arg.dump), .section = VMSTORE_DUMP_SLOTS,
			    .rec_size = sizeof(rec[0]), .buf = (uintptr_t)rec,
			    .buf_len = sizeof(rec) } },
		{ .run = { .size = sizeof(arg.run), .ops = (uintptr_t)&op, .count = 1,
			   .op_size = sizeof(op) } },
	};
	static const unsigned long cmd[] = { VMSTORE_CHECK, VMSTORE_DUMP, VMSTORE_RUN };
	struct vmstore_info info;
	int i, fd, err;

	for (i = 0; i < 3; i++) {
		fd = vt_open();
		ASSERT_GE(fd, 0);
		arg = first[i];
		arm(1);
		err = vt_ioctl(fd, cmd[i], &arg);
		EXPECT_TRUE(disarm());
		EXPECT_EQ(-ENOMEM, err);
		ASSERT_EQ(0, vt_info(fd, &info));
		EXPECT_EQ(0, info.out_region_size);
		arg = first[i];
		EXPECT_EQ(0, vt_ioctl(fd, cmd[i], &arg));
		EXPECT_EQ(0, vt_check(fd));
		close(fd);
	}
}

TEST_F_TIMEOUT(failnth, dump_call, 100)
{
	struct vmstore_rec_slots rec[8];
	int nth, sites = 0;
	struct vmstore_op ops[32];
	int fd = prepare(10, ops);

	ASSERT_GE(fd, 0);
	for (nth = 1; nth <= MAX_SITES; nth++) {
		struct vmstore_dump dump = {
			.size = sizeof(dump),
			.section = VMSTORE_DUMP_SLOTS,
			.rec_size = sizeof(rec[0]),
			.buf = (uintptr_t)rec,
			.buf_len = sizeof(rec),
		};
		bool struck;
		int err;

		arm(nth);
		err = vt_ioctl(fd, VMSTORE_DUMP, &dump);
		struck = disarm();
		if (err)
			ASSERT_EQ(-ENOMEM, err);
		sites += !!err;
		if (!struck)
			break;
	}
	printf("# DUMP: %d sites\n", sites);
	EXPECT_GT(sites, 0);
	EXPECT_EQ(0, vt_check(fd));
	close(fd);
}

TEST_F_TIMEOUT(failnth, check_call, 100)
{
	int nth, sites = 0;
	struct vmstore_op ops[32];
	int fd = prepare(10, ops);

	ASSERT_GE(fd, 0);
	for (nth = 1; nth <= MAX_SITES; nth++) {
		struct vmstore_check check = { .size = sizeof(check) };
		bool struck;
		int err;

		arm(nth);
		err = vt_ioctl(fd, VMSTORE_CHECK, &check);
		struck = disarm();
		ASSERT_EQ(0, check.out_violations);
		if (err)
			ASSERT_EQ(-ENOMEM, err);
		sites += !!err;
		if (!struck)
			break;
	}
	/* A check allocates nothing, so that it can run when memory is short */
	printf("# CHECK: %d sites\n", sites);
	EXPECT_EQ(0, sites);
	close(fd);
}

TEST_HARNESS_MAIN
