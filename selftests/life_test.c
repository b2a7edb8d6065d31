// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of a store: who may open one, sharing it, signals, death in the middle of
 * anything, and that all memory comes back.
 */
#include <linux/capability.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include "free_memory.h"

#define NR_LONG		20000	/* operations of a batch that is not meant to end */

FIXTURE(life) {
	int unused;
};

FIXTURE_VARIANT(life) {
	__u32 machine;
	__u32 mode;
};

FIXTURE_VARIANT_ADD(life, default_full) {
	.machine = VMSTORE_MACHINE_DEFAULT,
	.mode = VMSTORE_CHECK_FULL,
};

FIXTURE_VARIANT_ADD(life, default_off) {
	.machine = VMSTORE_MACHINE_DEFAULT,
	.mode = VMSTORE_CHECK_OFF,
};

FIXTURE_VARIANT_ADD(life, default_step) {
	.machine = VMSTORE_MACHINE_DEFAULT,
	.mode = VMSTORE_CHECK_STEP,
};

FIXTURE_VARIANT_ADD(life, soft_full) {
	.machine = VMSTORE_MACHINE_SOFT,
	.mode = VMSTORE_CHECK_FULL,
};

FIXTURE_SETUP(life)
{
	const char *reason = vt_skip_reason(variant->machine);

	if (reason)
		SKIP(return, "%s", reason);
}

FIXTURE_TEARDOWN(life)
{
}

/* Open, set up; the file descriptor */
#define STORE() ({							\
	int _fd = vt_store(variant->machine, variant->mode, VT_SMALL);	\
									\
	ASSERT_LE(0, _fd);						\
	_fd; })

/*
 * A batch of @nr operations: map, store, and unmap every other time, over and over; where
 * the space is resident, and half of the flushes are still to be asked for
 */
static struct vmstore_op *long_batch(__u32 nr)
{
	struct vmstore_op *ops = calloc(nr, sizeof(*ops));
	__u32 i;

	if (!ops)
		return NULL;
	ops[0] = vt_space_new();
	ops[1] = vt_open_mut(VMSTORE_REF(0), 0, VT_1G);
	ops[2] = vt_resident(VMSTORE_REF(0), 0);
	for (i = 3; i + 6 <= nr; i += 6) {
		__u64 va = i / 6 % 128 * VT_PAGE;

		ops[i] = vt_alloc();
		ops[i + 1] = vt_jump(VMSTORE_REF(1), va);
		ops[i + 2] = vt_map(VMSTORE_REF(1), VMSTORE_REF(i), VT_RW);
		ops[i + 3] = vt_write(VMSTORE_REF(0), va, 8, i, 0);
		ops[i + 4] = vt_jump(VMSTORE_REF(1), va);
		ops[i + 5] = vt_unmap(VMSTORE_REF(1), i % 12 < 6 ? VT_PAGE : 0);
		ops[i + 5].flags = i % 24 < 6 ? VMSTORE_OPF_DEFER : 0;
	}
	for (; i < nr; i++)
		ops[i] = vt_vaddr(VMSTORE_REF(1));
	return ops;
}

/* --- signals and death ----------------------------------------------------- */

static void nothing(int sig VT_UNUSED)
{
}

/* Signals for ever, so that none is lost by coming before the call */
static void start_alarms(void)
{
	struct itimerval every = { { 0, 5000 }, { 0, 5000 } };
	struct sigaction action = { .sa_handler = nothing };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
}

static void stop_alarms(void)
{
	struct itimerval never = {};

	setitimer(ITIMER_REAL, &never, NULL);
}

/* Ended between two operations: what has run is told, the rest was not touched */
TEST_F(life, signal_ends_batch)
{
	int fd = STORE(), err = 0;
	struct vmstore_op *ops = calloc(VMSTORE_MAX_BATCH, sizeof(*ops));
	struct vmstore_run run;
	__u32 i, round;

	ASSERT_NE(NULL, ops);
	start_alarms();
	/* A batch may be over before the signal comes; then the next one is longer */
	for (round = 0; round < 200 && err != -EINTR; round++) {
		for (i = 0; i < VMSTORE_MAX_BATCH; i++)
			ops[i] = vt_vaddr(4711);
		err = vt_run(fd, ops, VMSTORE_MAX_BATCH, VMSTORE_RUN_KEEP_GOING, &run);
	}
	stop_alarms();
	EXPECT_EQ(-EINTR, err);
	EXPECT_GT(VMSTORE_MAX_BATCH, run.out_ran);
	EXPECT_EQ(run.out_ran, run.out_failed);
	for (i = 0; i < VMSTORE_MAX_BATCH; i++)
		ASSERT_EQ(i < run.out_ran ? -ENOENT : -ECANCELED, ops[i].out_errno)
			TH_LOG("operation %u of %u run", i, run.out_ran);
	free(ops);
	EXPECT_EQ(0, vt_settled(fd));
	EXPECT_EQ(0, close(fd));
}

/* Goes on where it was stopped, as a program would */
TEST_F(life, signal_and_resume)
{
	enum { NR = 500 };
	int fd = STORE(), err = -EINTR;
	struct vmstore_op *ops = calloc(NR, sizeof(*ops));
	struct vmstore_run run;
	__u32 i, done = 0;

	ASSERT_NE(NULL, ops);
	for (i = 0; i < NR; i++)
		ops[i] = vt_alloc();
	start_alarms();
	while (err == -EINTR) {
		err = vt_run(fd, ops + done, NR - done, 0, &run);
		done += run.out_ran;
	}
	stop_alarms();
	EXPECT_EQ(0, err);
	EXPECT_EQ(NR, done);
	/* Each ran once */
	for (i = 0; i < NR; i++)
		EXPECT_EQ(i + 1, ops[i].out.id);
	EXPECT_EQ(NR, vt_count(fd, VMSTORE_DUMP_FRAMES));
	free(ops);
	EXPECT_EQ(0, close(fd));
}

/* Run a child with its own store that works until it is killed */
static pid_t start_worker(__u32 machine, __u32 mode, int *fd_out, bool shared)
{
	int fd = vt_store(machine, mode, VT_SMALL);
	pid_t pid;

	if (fd < 0)
		return -1;
	pid = fork();
	if (!pid) {
		struct vmstore_op *ops = long_batch(NR_LONG);

		while (ops)
			vt_run(fd, ops, NR_LONG, VMSTORE_RUN_KEEP_GOING, NULL);
		_exit(1);
	}
	if (shared)
		*fd_out = fd;
	else
		close(fd);
	return pid;
}

/* At some time after it began to work; which, is left to chance */
static void kill_worker(pid_t pid, int round, int *status)
{
	usleep(1000 + round * 1777);
	kill(pid, SIGKILL);
	waitpid(pid, status, 0);
}

/* SIGKILL in the middle of a batch: the last reference of the store goes with it */
TEST_F(life, killed_with_its_store)
{
	int round, status;

	for (round = 0; round < (int)vt_rounds(12); round++) {
		pid_t pid = start_worker(variant->machine, variant->mode, NULL, false);

		ASSERT_LT(0, pid);
		kill_worker(pid, round, &status);
		EXPECT_TRUE(WIFSIGNALED(status));
	}
}

/* The store goes on when another process has it too, and is in order */
TEST_F(life, killed_while_shared)
{
	int round, status, fd;

	for (round = 0; round < (int)vt_rounds(8); round++) {
		pid_t pid = start_worker(variant->machine, variant->mode, &fd, true);
		struct vmstore_op op = vt_alloc();

		ASSERT_LT(0, pid);
		kill_worker(pid, round, &status);
		EXPECT_TRUE(WIFSIGNALED(status));
		EXPECT_EQ(0, vt_settled(fd));
		EXPECT_EQ(0, vt_run1(fd, &op));
		EXPECT_EQ(0, close(fd));
	}
}

/* A waiting open is no shelter */
TEST_F(life, killed_while_waiting)
{
	int fd = STORE(), status, i;
	__u64 space = RUN_OK(fd, vt_space_new()).out.id;
	pid_t pid;

	RUN_OK(fd, vt_open_mut(space, 0, VT_PAGE));
	for (i = 0; i < 4; i++) {
		pid = fork();
		ASSERT_LE(0, pid);
		if (!pid) {
			struct vmstore_op op = vt_open_mut(space, 0, VT_PAGE);

			op.flags = VMSTORE_OPF_WAIT;
			vt_run(fd, &op, 1, 0, NULL);
			_exit(1);
		}
		kill_worker(pid, i * 5, &status);
		EXPECT_TRUE(WIFSIGNALED(status));
		EXPECT_EQ(0, vt_settled(fd));
		EXPECT_EQ(1, vt_count(fd, VMSTORE_DUMP_CURSORS));
	}
	EXPECT_EQ(0, close(fd));
}

/* --- close ----------------------------------------------------------------- */

/* With cursors, mappings, active spaces, handles and a full gather */
static int fill_store(int fd, __u32 nr_cpus)
{
	struct vmstore_op *ops = calloc(400, sizeof(*ops));
	__u32 n = 0, i, err = 0;

	if (!ops)
		return -ENOMEM;
	ops[n++] = vt_space_new();
	ops[n++] = vt_open_mut(VMSTORE_REF(0), 0, VT_1G);
	ops[n++] = vt_open_ro(VMSTORE_REF(0), VT_1G, VT_1G + VT_PAGE);
	for (i = 0; i < nr_cpus && i < 8; i++)
		ops[n++] = i % 2 ? vt_resident(VMSTORE_REF(0), i) : vt_activate(VMSTORE_REF(0), i);
	for (i = 0; i < 80; i++) {
		ops[n] = vt_alloc();
		ops[n + 1] = vt_map(VMSTORE_REF(1), VMSTORE_REF(n), VT_RW);
		ops[n + 2] = vt_write(VMSTORE_REF(0), i * VT_PAGE, 8, i, i % nr_cpus);
		n += 3;
	}
	ops[n++] = vt_jump(VMSTORE_REF(1), 8 * VT_PAGE);
	/* As many as a gather holds, so that nothing is released on the way; some not flushed */
	ops[n++] = vt_unmap(VMSTORE_REF(1), 32 * VT_PAGE);
	ops[n] = vt_unmap(VMSTORE_REF(1), 32 * VT_PAGE);
	ops[n++].flags = VMSTORE_OPF_DEFER;
	ops[n++] = vt_alloc();
	err = vt_run(fd, ops, n, 0, NULL);
	for (i = 0; !err && i < n; i++)
		err = ops[i].out_errno;
	free(ops);
	return err;
}

TEST_F(life, close_with_everything_open)
{
	struct vmstore_info info;
	int i;

	for (i = 0; i < 4; i++) {
		int fd = STORE();

		ASSERT_EQ(0, vt_info(fd, &info));
		ASSERT_EQ(0, fill_store(fd, info.out_nr_cpus));
		EXPECT_EQ(0, vt_check(fd));
		EXPECT_EQ(0, close(fd));
	}
}

TEST_F(life, close_untouched)
{
	int i;

	for (i = 0; i < (int)vt_rounds(20); i++) {
		int fd = vt_open();

		ASSERT_LE(0, fd);
		EXPECT_EQ(0, close(fd));
		EXPECT_EQ(0, close(STORE()));
	}
}

/* --- sharing --------------------------------------------------------------- */

static int wait_for(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_F(life, fork_shares_store)
{
	int fd = STORE();
	__u64 space = RUN_OK(fd, vt_space_new()).out.id;
	pid_t pid = fork();

	ASSERT_LE(0, pid);
	if (!pid) {
		struct vmstore_op op = vt_open_mut(space, 0, VT_PAGE);
		int err = vt_run1(fd, &op);

		op = vt_alloc();
		err = err ? err : vt_run1(fd, &op);
		_exit(err ? 1 : 0);
	}
	EXPECT_EQ(0, wait_for(pid));
	/* What the child opened is the store's, not the child's */
	EXPECT_EQ(1, vt_count(fd, VMSTORE_DUMP_CURSORS));
	RUN_ERR(fd, EBUSY, vt_open_mut(space, 0, VT_PAGE));
	RUN_OK(fd, vt_cursor_drop(1));
	RUN_OK(fd, vt_frame_drop(1));
	EXPECT_EQ(0, vt_settled(fd));
	EXPECT_EQ(0, close(fd));
}

/* The first opener closes; the store lives as long as somebody has it */
TEST_F(life, store_outlives_opener)
{
	int fd = STORE(), to_child[2];
	pid_t pid;
	char byte;

	ASSERT_EQ(0, pipe(to_child));
	RUN_OK(fd, vt_alloc());
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		struct vmstore_op op = vt_frame_drop(1);

		close(to_child[1]);
		_exit(read(to_child[0], &byte, 1) == 0 && !vt_run1(fd, &op) &&
		      !vt_settled(fd) ? 0 : 1);
	}
	close(to_child[0]);
	EXPECT_EQ(0, close(fd));
	close(to_child[1]);
	EXPECT_EQ(0, wait_for(pid));
}

static int send_fd(int sock, int fd)
{
	char control[CMSG_SPACE(sizeof(fd))] = {}, byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	return sendmsg(sock, &msg, 0) == 1 ? 0 : -errno;
}

static int receive_fd(int sock)
{
	char control[CMSG_SPACE(sizeof(int))], byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	int fd = -1;

	if (recvmsg(sock, &msg, 0) == 1 && CMSG_FIRSTHDR(&msg))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

TEST_F(life, passed_to_another_process)
{
	int sock[2], fd;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sock))
		SKIP(return, "this kernel has no Unix sockets");
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		struct vmstore_op op = vt_alloc();

		fd = receive_fd(sock[1]);
		_exit(fd >= 0 && !vt_run1(fd, &op) && op.out.id == 2 ? 0 : 1);
	}
	fd = STORE();
	RUN_OK(fd, vt_alloc());
	ASSERT_EQ(0, send_fd(sock[0], fd));
	EXPECT_EQ(0, wait_for(pid));
	EXPECT_EQ(2, vt_count(fd, VMSTORE_DUMP_FRAMES));
	EXPECT_EQ(0, close(fd));
}

/* A store that only a message in flight refers to goes when the socket goes */
TEST_F(life, lost_in_flight)
{
	int sock[2], fd = STORE();

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sock))
		SKIP(return, "this kernel has no Unix sockets");
	RUN_OK(fd, vt_space_new());
	ASSERT_EQ(0, send_fd(sock[0], fd));
	EXPECT_EQ(0, close(fd));
	EXPECT_EQ(0, close(sock[0]));
	EXPECT_EQ(0, close(sock[1]));
}

/* Many stores side by side, each with ids and memory of its own */
TEST_F(life, many_stores)
{
	enum { NR = 16 };
	int fd[NR], i;

	for (i = 0; i < NR; i++)
		fd[i] = STORE();
	for (i = 0; i < NR; i++) {
		struct vmstore_op ops[] = {
			vt_space_new(),
			vt_open_mut(VMSTORE_REF(0), 0, VT_PAGE),
			vt_alloc(),
			vt_map(VMSTORE_REF(1), VMSTORE_REF(2), VT_RW),
			vt_write(VMSTORE_REF(0), 0, 8, 1000 + i, 0),
		};

		ASSERT_EQ(0, vt_run(fd[i], ops, 5, 0, NULL));
		EXPECT_EQ(0, ops[4].out_errno);
		EXPECT_EQ(1, ops[0].out.id);
		EXPECT_EQ(1, ops[1].out.id);
	}
	for (i = 0; i < NR; i++)
		EXPECT_EQ(1000 + i, RUN_OK(fd[i], vt_load(1, 0, 8, 0)).out.access.value);
	for (i = 0; i < NR; i += 2)
		EXPECT_EQ(0, close(fd[i]));
	for (i = 1; i < NR; i += 2) {
		EXPECT_EQ(1000 + i, RUN_OK(fd[i], vt_load(1, 0, 8, 0)).out.access.value);
		EXPECT_EQ(0, vt_settled(fd[i]));
		EXPECT_EQ(0, close(fd[i]));
	}
}

/* --- memory ---------------------------------------------------------------- */

/* What was used before is free after */
TEST_F(life, memory_comes_back)
{
	const int stores = 8 + vt_rounds(32);
	struct vmstore_info info;
	long before = 0;
	int i, round;

	/* The first round fills caches that stay */
	for (round = 0; round < 2; round++) {
		before = vt_free_kib();
		for (i = 0; i < stores; i++) {
			int fd = STORE();

			ASSERT_EQ(0, vt_info(fd, &info));
			if (variant->mode == VMSTORE_CHECK_OFF || i % 8 == 0)
				ASSERT_EQ(0, fill_store(fd, info.out_nr_cpus));
			ASSERT_EQ(0, close(fd));
		}
	}
	EXPECT_GT(vt_slack_kib(), vt_memory_lost(before));
}

/* --- who may -------------------------------------------------------------- */

TEST(node_mode)
{
	struct stat st;

	if (vt_skip_reason(VMSTORE_MACHINE_DEFAULT))
		SKIP(return, "%s", vt_skip_reason(VMSTORE_MACHINE_DEFAULT));
	ASSERT_EQ(0, stat(VT_DEVICE, &st));
	EXPECT_TRUE(S_ISCHR(st.st_mode));
	EXPECT_EQ(0600, st.st_mode & 07777);
	EXPECT_EQ(0, st.st_uid);
	EXPECT_EQ(0, st.st_gid);
}

/* Without CAP_SYS_ADMIN, and still root for the file system */
static int drop_sys_admin(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data))
		return -errno;
	data[0].effective &= ~(1u << CAP_SYS_ADMIN);
	data[0].permitted &= ~(1u << CAP_SYS_ADMIN);
	data[0].inheritable &= ~(1u << CAP_SYS_ADMIN);
	return syscall(SYS_capset, &header, data) ? -errno : 0;
}

TEST(open_without_capability)
{
	pid_t pid;

	if (vt_skip_reason(VMSTORE_MACHINE_DEFAULT))
		SKIP(return, "%s", vt_skip_reason(VMSTORE_MACHINE_DEFAULT));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(drop_sys_admin() ? 2 : vt_open() == -EPERM ? 0 : 1);
	EXPECT_EQ(0, wait_for(pid));
}

/* It is asked at open; who was given an open store may use it */
TEST(use_without_capability)
{
	pid_t pid;
	int fd;

	if (vt_skip_reason(VMSTORE_MACHINE_DEFAULT))
		SKIP(return, "%s", vt_skip_reason(VMSTORE_MACHINE_DEFAULT));
	fd = vt_store(VMSTORE_MACHINE_DEFAULT, VMSTORE_CHECK_FULL, VT_SMALL);
	ASSERT_LE(0, fd);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		struct vmstore_op op = vt_space_new();

		_exit(drop_sys_admin() ? 2 : vt_run1(fd, &op) ? 1 : 0);
	}
	EXPECT_EQ(0, wait_for(pid));
	EXPECT_EQ(0, close(fd));
}

/* --- the module ------------------------------------------------------------ */

static bool is_module(void)
{
	struct stat st;

	/* Only what can be unloaded has a reference count */
	return !stat("/sys/module/vmstore/refcnt", &st);
}

/* An open store holds the module */
TEST(unload_refused_while_open)
{
	int fd;

	if (vt_skip_reason(VMSTORE_MACHINE_DEFAULT))
		SKIP(return, "%s", vt_skip_reason(VMSTORE_MACHINE_DEFAULT));
	if (!is_module())
		SKIP(return, "vmstore is not a module here");
	fd = vt_open();
	ASSERT_LE(0, fd);
	EXPECT_EQ(-1, syscall(SYS_delete_module, "vmstore", O_NONBLOCK));
	EXPECT_TRUE(errno == EWOULDBLOCK || errno == EBUSY)
		TH_LOG("errno %d", errno);
	EXPECT_EQ(0, vt_setup(fd, VMSTORE_MACHINE_DEFAULT, VMSTORE_CHECK_OFF, VT_SMALL));
	EXPECT_EQ(-1, syscall(SYS_delete_module, "vmstore", O_NONBLOCK));
	EXPECT_EQ(0, close(fd));
	fd = vt_open();
	EXPECT_LE(0, fd);
	EXPECT_EQ(0, close(fd));
}

TEST_HARNESS_MAIN
