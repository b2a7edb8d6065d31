// SPDX-License-Identifier: GPL-2.0-only
/* VMSTORE_DUMP_STORY: the operations a store remembers, and following it. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "vmstore_test.h"

#define REC_SIZE	sizeof(struct vmstore_rec_story)

FIXTURE(story) {
	int fd;
	struct vmstore_rec_story rec[VMSTORE_STORY_OPS + 1];
	__u32 nr;
	__u64 next;
	bool more;
};

FIXTURE_VARIANT(story) {
	__u32 machine;
	__u32 mode;
};

FIXTURE_VARIANT_ADD(story, default_full) {
	.machine = VMSTORE_MACHINE_DEFAULT,
	.mode = VMSTORE_CHECK_FULL,
};

FIXTURE_VARIANT_ADD(story, default_off) {
	.machine = VMSTORE_MACHINE_DEFAULT,
	.mode = VMSTORE_CHECK_OFF,
};

FIXTURE_VARIANT_ADD(story, soft_off) {
	.machine = VMSTORE_MACHINE_SOFT,
	.mode = VMSTORE_CHECK_OFF,
};

FIXTURE_SETUP(story)
{
	const char *reason = vt_skip_reason(variant->machine);

	self->fd = -1;
	if (reason)
		SKIP(return, "%s", reason);
	self->fd = vt_store(variant->machine, variant->mode, VT_SMALL);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(story)
{
	if (self->fd < 0)
		return;
	EXPECT_EQ(0, vt_settled(self->fd));
	EXPECT_EQ(0, close(self->fd));
}

/* At most @room records from *next on, which moves; how many, or -errno */
static int read_story(int fd, __u64 *next, __u32 flags, struct vmstore_rec_story *rec,
		      __u32 room, bool *more)
{
	struct vmstore_dump dump = {
		.size = sizeof(dump),
		.section = VMSTORE_DUMP_STORY,
		.flags = flags,
		.rec_size = REC_SIZE,
		.pos = { *next },
		.buf = (uintptr_t)rec,
		.buf_len = room * REC_SIZE,
	};
	int err = vt_ioctl(fd, VMSTORE_DUMP, &dump);

	if (err)
		return err;
	*next = dump.pos[0];
	if (more)
		*more = dump.out_more;
	return dump.out_len / REC_SIZE;
}

static __u64 executed(int fd)
{
	struct vmstore_info info;

	return vt_info(fd, &info) ? ~0ULL : info.out_ops;
}

/* --- what is in it --------------------------------------------------------- */

/* As the caller got it back, but with ids where there were references */
TEST_F(story, records)
{
	struct vmstore_op op[] = {
		vt_space_new(),
		vt_alloc(),
		vt_open_mut(VMSTORE_REF(0), 0, VT_PAGE),
		vt_map(VMSTORE_REF(2), VMSTORE_REF(1), VT_RW),
		vt_frame_drop(4711),
		vt_load(VMSTORE_REF(0), VT_PAGE, 8, 0),
	};
	struct vmstore_op want;
	__u32 i;

	ASSERT_EQ(0, vt_run(self->fd, op, ARRAY_SIZE(op), VMSTORE_RUN_KEEP_GOING, NULL));
	EXPECT_EQ(-ENOENT, op[4].out_errno);
	EXPECT_EQ(-EFAULT, op[5].out_errno);
	ASSERT_EQ(ARRAY_SIZE(op), read_story(self->fd, &self->next, 0, self->rec, 10,
					     &self->more));
	EXPECT_FALSE(self->more);
	EXPECT_EQ(ARRAY_SIZE(op) + 1, self->next);
	for (i = 0; i < ARRAY_SIZE(op); i++) {
		want = op[i];
		if (i == 2 || i == 5)
			want.arg.raw[0] = op[0].out.id;
		if (i == 3) {
			want.arg.map.cursor = op[2].out.id;
			want.arg.map.frame = op[1].out.id;
		}
		EXPECT_EQ(i + 1, self->rec[i].seq);
		EXPECT_EQ(0, self->rec[i].data_len);
		EXPECT_EQ(0, memcmp(&want, &self->rec[i].op, sizeof(want)))
			TH_LOG("operation %u", i);
	}
}

/* What was never executed has no number */
TEST_F(story, refused)
{
	struct vmstore_op op[] = {
		vt_op(0),
		vt_op(__VMSTORE_OP_MAX),
		vt_frame_drop(VMSTORE_REF(0)),
		vt_alloc(),
		vt_alloc(),
		vt_space_new(),
	};

	op[3].cpu = ~0U;
	op[4].flags = 0x8000;
	ASSERT_EQ(0, vt_run(self->fd, op, ARRAY_SIZE(op), VMSTORE_RUN_KEEP_GOING, NULL));
	ASSERT_EQ(1, read_story(self->fd, &self->next, 0, self->rec, 10, NULL));
	EXPECT_EQ(1, self->rec[0].seq);
	EXPECT_EQ(VMSTORE_OP_SPACE_NEW, self->rec[0].op.opcode);
	EXPECT_EQ(1, executed(self->fd));
}

/* The first bytes that were written or read, and how many they were */
TEST_F(story, bytes)
{
	struct vmstore_op op[] = {
		vt_alloc(),
		vt_op(VMSTORE_OP_KWRITER_NEW),
		vt_op(VMSTORE_OP_KREADER_NEW),
		vt_op(VMSTORE_OP_WRITER_WRITE_VAL),
		vt_op(VMSTORE_OP_READER_READ_VAL),
		vt_op(VMSTORE_OP_WRITER_WRITE_VAL),
	};
	__u8 in[200], out[5] = {}, zero[VMSTORE_STORY_DATA] = {};
	__u32 i;

	ASSERT_EQ(0, vt_run1(self->fd, &op[0]));
	for (i = 0; i < sizeof(in); i++)
		in[i] = i + 1;
	for (i = 1; i < 3; i++) {
		op[i].arg.kio_new.vaddr = VMSTORE_KERNEL_BASE + op[0].out.frame.paddr;
		op[i].arg.kio_new.len = 256;
		ASSERT_EQ(0, vt_run1(self->fd, &op[i]));
	}
	op[3].arg.io_data = (struct vmstore_arg_io_data) {
		op[1].out.id, (uintptr_t)in, sizeof(in)
	};
	op[4].arg.io_data = (struct vmstore_arg_io_data) {
		op[2].out.id, (uintptr_t)out, sizeof(out)
	};
	op[5].arg.io_data = (struct vmstore_arg_io_data) { 99, (uintptr_t)in, 7 };
	EXPECT_EQ(0, vt_run1(self->fd, &op[3]));
	EXPECT_EQ(0, vt_run1(self->fd, &op[4]));
	EXPECT_EQ(-ENOENT, vt_run1(self->fd, &op[5]));
	EXPECT_EQ(0, memcmp(out, in, sizeof(out)));

	ASSERT_EQ(6, read_story(self->fd, &self->next, 0, self->rec, 10, NULL));
	EXPECT_EQ(0, self->rec[1].data_len);
	EXPECT_EQ(sizeof(in), self->rec[3].data_len);
	EXPECT_EQ(0, memcmp(self->rec[3].data, in, VMSTORE_STORY_DATA));
	EXPECT_EQ(sizeof(out), self->rec[4].data_len);
	EXPECT_EQ(0, memcmp(self->rec[4].data, in, sizeof(out)));
	EXPECT_EQ(0, memcmp(self->rec[4].data + sizeof(out), zero,
			    VMSTORE_STORY_DATA - sizeof(out)));
	EXPECT_EQ(7, self->rec[5].data_len);
	EXPECT_EQ(0, memcmp(self->rec[5].data, in, 7));
	EXPECT_EQ(0, memcmp(self->rec[5].data + 7, zero, VMSTORE_STORY_DATA - 7));

	for (i = 1; i < 3; i++) {
		struct vmstore_op drop = vt_op_id(i == 1 ? VMSTORE_OP_WRITER_DROP :
						  VMSTORE_OP_READER_DROP, op[i].out.id);

		EXPECT_EQ(0, vt_run1(self->fd, &drop));
	}
}

/* --- how long it is remembered --------------------------------------------- */

static int run_many(int fd, __u32 nr)
{
	struct vmstore_op op;
	int err = 0;

	while (nr-- && !err) {
		op = vt_space_new();
		err = vt_run1(fd, &op);
		if (!err) {
			op = vt_space_drop(op.out.id);
			err = vt_run1(fd, &op);
		}
	}
	return err;
}

TEST_F(story, wraps)
{
	__u32 i;

	ASSERT_EQ(0, run_many(self->fd, VMSTORE_STORY_OPS / 2 + 20));
	ASSERT_EQ(VMSTORE_STORY_OPS, read_story(self->fd, &self->next, 0, self->rec,
						VMSTORE_STORY_OPS + 1, &self->more));
	EXPECT_FALSE(self->more);
	for (i = 0; i < VMSTORE_STORY_OPS; i++) {
		EXPECT_EQ(i + 41, self->rec[i].seq);
		EXPECT_EQ(i % 2 ? VMSTORE_OP_SPACE_DROP : VMSTORE_OP_SPACE_NEW,
			  self->rec[i].op.opcode);
	}
	EXPECT_EQ(VMSTORE_STORY_OPS + 41, self->next);
	/* From the middle, from what is gone, and from what is to come */
	self->next = 100;
	ASSERT_EQ(1, read_story(self->fd, &self->next, 0, self->rec, 1, &self->more));
	EXPECT_TRUE(self->more);
	EXPECT_EQ(100, self->rec[0].seq);
	EXPECT_EQ(101, self->next);
	self->next = 7;
	ASSERT_EQ(1, read_story(self->fd, &self->next, 0, self->rec, 1, &self->more));
	EXPECT_EQ(41, self->rec[0].seq);
	self->next = ~0ULL;
	EXPECT_EQ(0, read_story(self->fd, &self->next, 0, self->rec, 1, &self->more));
	EXPECT_FALSE(self->more);
	EXPECT_EQ(~0ULL, self->next);
}

/* Whoever goes on where the last call ended sees every number once */
TEST_F(story, follow)
{
	__u64 seen = 0;
	__u32 round;
	int i, nr;

	for (round = 0; round < 40; round++) {
		ASSERT_EQ(0, run_many(self->fd, round % 7));
		do {
			nr = read_story(self->fd, &self->next, 0, self->rec, 1 + round % 5,
					&self->more);
			ASSERT_LE(0, nr);
			for (i = 0; i < nr; i++)
				EXPECT_EQ(++seen, self->rec[i].seq);
		} while (self->more);
		EXPECT_EQ(executed(self->fd), seen);
	}
}

/* --- flags, and waiting ------------------------------------------------------ */

TEST_F(story, flags)
{
	struct vmstore_dump dump = {
		.size = sizeof(dump),
		.section = VMSTORE_DUMP_STORY,
		.rec_size = REC_SIZE,
		.buf = (uintptr_t)self->rec,
		.buf_len = sizeof(self->rec),
	};
	__u32 bit;

	for (bit = 2; bit; bit <<= 1) {
		dump.flags = bit;
		EXPECT_EQ(-EOPNOTSUPP, vt_ioctl(self->fd, VMSTORE_DUMP, &dump));
	}
	dump.flags = VMSTORE_DUMP_WAIT;
	dump.section = VMSTORE_DUMP_SPACES;
	dump.rec_size = sizeof(struct vmstore_rec_space);
	EXPECT_EQ(-EOPNOTSUPP, vt_ioctl(self->fd, VMSTORE_DUMP, &dump));
	dump.flags = 0;
	dump.section = VMSTORE_DUMP_STORY;
	EXPECT_EQ(-EINVAL, vt_ioctl(self->fd, VMSTORE_DUMP, &dump));
	dump.rec_size = REC_SIZE;
	dump.buf_len = REC_SIZE - 1;
	EXPECT_EQ(-EINVAL, vt_ioctl(self->fd, VMSTORE_DUMP, &dump));
	dump.buf_len = REC_SIZE;
	dump.buf = 0;
	EXPECT_EQ(0, run_many(self->fd, 1));
	EXPECT_EQ(-EFAULT, vt_ioctl(self->fd, VMSTORE_DUMP, &dump));
}

struct waiter {
	int fd;
	pthread_t thread;
	struct vmstore_rec_story rec;
	__u64 next;
	int ret;
};

static void *wait_for_op(void *arg)
{
	struct waiter *w = arg;

	w->ret = read_story(w->fd, &w->next, VMSTORE_DUMP_WAIT, &w->rec, 1, NULL);
	return NULL;
}

/* It does not set the store up: who runs the first operation may want to */
TEST(wait_before_setup)
{
	struct waiter w = { .fd = vt_open() };
	struct vmstore_op op = vt_space_new();
	struct vmstore_info info;
	int i;

	if (w.fd < 0)
		SKIP(return, "%s", vt_skip_reason(VMSTORE_MACHINE_SOFT));
	ASSERT_EQ(0, pthread_create(&w.thread, NULL, wait_for_op, &w));
	for (i = 0; i < 50; i++) {	/* it may be asleep by then, or not */
		ASSERT_EQ(0, vt_info(w.fd, &info));
		EXPECT_EQ(0, info.out_region_size);
		usleep(1000);
	}
	ASSERT_EQ(0, vt_setup(w.fd, VMSTORE_MACHINE_SOFT, VMSTORE_CHECK_FULL, VT_SMALL));
	ASSERT_EQ(0, vt_run1(w.fd, &op));
	ASSERT_EQ(0, pthread_join(w.thread, NULL));
	EXPECT_EQ(1, w.ret);
	EXPECT_EQ(1, w.rec.seq);
	EXPECT_EQ(VMSTORE_OP_SPACE_NEW, w.rec.op.opcode);
	EXPECT_EQ(0, close(w.fd));
}

static void nothing(int sig __attribute__((unused)))
{
}

/* A signal ends a wait that nothing else would end; nothing is set up, either */
TEST(wait_interrupted)
{
	struct sigaction action = { .sa_handler = nothing };
	struct itimerval timer = { .it_interval.tv_usec = 20000, .it_value.tv_usec = 20000 };
	struct waiter w = { .fd = vt_open() };
	struct vmstore_info info;

	if (w.fd < 0)
		SKIP(return, "%s", vt_skip_reason(VMSTORE_MACHINE_SOFT));
	ASSERT_EQ(0, sigaction(SIGALRM, &action, NULL));
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &timer, NULL));
	wait_for_op(&w);
	EXPECT_EQ(-EINTR, w.ret);
	timer = (struct itimerval) {};
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &timer, NULL));
	ASSERT_EQ(0, vt_info(w.fd, &info));
	EXPECT_EQ(0, info.out_region_size);
	EXPECT_EQ(0, close(w.fd));
}

/* --- others at work -------------------------------------------------------- */

#define NR_THREADS	4
#define PER_THREAD	2000

struct crowd {
	int fd;
	atomic_int left;
};

struct member {
	struct crowd *crowd;
	pthread_t thread;
	__u64 nr;
	int bad;
};

/* Operations that say who ran them, and in which order */
static void *run_numbered(void *arg)
{
	struct member *m = arg;
	struct vmstore_op op;
	__u64 i;

	for (i = 1; i <= PER_THREAD; i++) {
		op = vt_frame_drop((m->nr + 1) << 32 | i);
		m->bad += vt_run1(m->crowd->fd, &op) != -ENOENT;
	}
	atomic_fetch_sub(&m->crowd->left, 1);
	return NULL;
}

/* Threads are not disturbed by who follows them: he sees each in its own order */
TEST_F(story, threads)
{
	struct crowd crowd = { .fd = self->fd, .left = NR_THREADS };
	__u64 before[NR_THREADS] = {}, last = 0, seen = 0, who, which;
	struct member m[NR_THREADS];
	int i, nr, left;

	for (i = 0; i < NR_THREADS; i++) {
		m[i] = (struct member) { .crowd = &crowd, .nr = i };
		ASSERT_EQ(0, pthread_create(&m[i].thread, NULL, run_numbered, &m[i]));
	}
	do {
		left = atomic_load(&crowd.left);
		do {
			nr = read_story(self->fd, &self->next, 0, self->rec, VMSTORE_STORY_OPS,
					&self->more);
			ASSERT_LE(0, nr);
			for (i = 0; i < nr; i++) {
				const struct vmstore_rec_story *rec = &self->rec[i];

				who = (rec->op.arg.id.id >> 32) - 1;
				which = (__u32)rec->op.arg.id.id;
				ASSERT_GT(NR_THREADS, who);
				EXPECT_LT(last, rec->seq);
				EXPECT_LT(before[who], which);
				EXPECT_EQ(VMSTORE_OP_FRAME_DROP, rec->op.opcode);
				EXPECT_EQ(-ENOENT, rec->op.out_errno);
				before[who] = which;
				last = rec->seq;
				seen++;
			}
		} while (self->more);
		sched_yield();
	} while (left);
	for (i = 0; i < NR_THREADS; i++) {
		pthread_join(m[i].thread, NULL);
		EXPECT_EQ(0, m[i].bad);
	}
	EXPECT_EQ(NR_THREADS * PER_THREAD, last);
	EXPECT_EQ(NR_THREADS * PER_THREAD + 1, self->next);
	EXPECT_LE(VMSTORE_STORY_OPS, seen);
}

/* A store that is passed on has one story */
TEST_F(story, processes)
{
	pid_t pid = fork();
	int status, i;

	if (!pid)
		_exit(run_many(self->fd, 3) ? 1 : 0);
	ASSERT_LT(0, pid);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, status);
	ASSERT_EQ(0, run_many(self->fd, 2));
	ASSERT_EQ(10, read_story(self->fd, &self->next, 0, self->rec, 20, NULL));
	for (i = 0; i < 10; i++) {
		EXPECT_EQ(i + 1, self->rec[i].seq);
		EXPECT_EQ(0, self->rec[i].op.out_errno);
	}
}

TEST_HARNESS_MAIN
