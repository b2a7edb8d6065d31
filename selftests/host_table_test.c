// SPDX-License-Identifier: GPL-2.0-only
/*
 * Linux's own page tables are never written: the checksum that INFO gives of the top
 * level is the same before, under and after any load, in every store.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "vmstore_test.h"

FIXTURE(host) {
	int fd;
	__u64 sum;
};

FIXTURE_SETUP(host)
{
	const char *reason = vt_skip_reason(VMSTORE_MACHINE_LIVE);
	struct vmstore_info info;

	self->fd = -1;
	if (reason)
		SKIP(return, "%s", reason);
	self->fd = vt_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, vt_info(self->fd, &info));
	self->sum = info.out_host_table;
}

FIXTURE_TEARDOWN(host)
{
	if (self->fd >= 0)
		EXPECT_EQ(0, close(self->fd));
}

static __u64 host_table(int fd)
{
	struct vmstore_info info;

	return vt_info(fd, &info) ? 0 : info.out_host_table;
}

/* Map, access, fault, protect, unmap, in one batch that makes and drops its space */
static int load_once(int fd, __u32 cpu)
{
	__u64 va = 0x123456000ULL;
	struct vmstore_op ops[] = {
		vt_space_new(),
		vt_open_mut(VMSTORE_REF(0), va, va + 4 * VT_PAGE),
		vt_alloc(),
		vt_map(VMSTORE_REF(1), VMSTORE_REF(2), VT_RW),
		vt_activate(VMSTORE_REF(0), cpu),
		vt_write(VMSTORE_REF(0), va, 8, 1, cpu),
		vt_load(VMSTORE_REF(0), va + VT_PAGE, 8, cpu),	/* a fault */
		vt_jump(VMSTORE_REF(1), va),
		vt_protect(VMSTORE_REF(1), VT_PAGE, vt_prop(0, 0, 0),
			   vt_prop(VMSTORE_PROP_W, 0, 0)),
		vt_flush(VMSTORE_REF(1), va, VT_PAGE),
		vt_write(VMSTORE_REF(0), va, 8, 1, cpu),	/* another */
		vt_jump(VMSTORE_REF(1), va),
		vt_unmap(VMSTORE_REF(1), 4 * VT_PAGE),
		vt_cursor_drop(VMSTORE_REF(1)),
		vt_activate(0, cpu),
		vt_reap(),
		vt_space_drop(VMSTORE_REF(0)),
	};
	struct vmstore_run run;
	int err = vt_run(fd, ops, ARRAY_SIZE(ops), VMSTORE_RUN_KEEP_GOING, &run);

	return err ? err : run.out_failed == 2 ? 0 : -EPROTO;
}

TEST_F(host, not_zero)
{
	EXPECT_NE(0, self->sum);
}

TEST_F(host, same_in_every_store)
{
	int i;

	for (i = 0; i < 5; i++) {
		int fd = vt_store(VMSTORE_MACHINE_LIVE, VMSTORE_CHECK_OFF, VT_SMALL);

		ASSERT_LE(0, fd);
		EXPECT_EQ(self->sum, host_table(fd));
		EXPECT_EQ(0, close(fd));
		EXPECT_EQ(self->sum, host_table(self->fd));
	}
}

TEST_F(host, same_after_each_operation)
{
	struct vmstore_info info;
	int i;

	ASSERT_EQ(0, vt_setup(self->fd, VMSTORE_MACHINE_LIVE, VMSTORE_CHECK_OFF, VT_SMALL));
	EXPECT_EQ(self->sum, host_table(self->fd));
	ASSERT_EQ(0, vt_info(self->fd, &info));
	for (i = 0; i < 40; i++) {
		EXPECT_EQ(0, load_once(self->fd, i % info.out_nr_cpus));
		EXPECT_EQ(self->sum, host_table(self->fd));
	}
}

static atomic_int stop;

static void *keep_loading(void *arg)
{
	int i, err = 0;

	for (i = 0; i < 60 && !err; i++)
		err = load_once(*(int *)arg, i % 2);
	stop = 1;
	return (void *)(intptr_t)err;
}

TEST_F(host, same_under_load)
{
	__u64 looks = 0, wrong = 0;
	struct vmstore_info info;
	pthread_t thread;
	void *err;

	ASSERT_EQ(0, vt_setup(self->fd, VMSTORE_MACHINE_LIVE, VMSTORE_CHECK_OFF, VT_SMALL));
	ASSERT_EQ(0, vt_info(self->fd, &info));
	if (info.out_nr_cpus < 2)
		SKIP(return, "needs two CPUs");
	stop = 0;
	ASSERT_EQ(0, pthread_create(&thread, NULL, keep_loading, &self->fd));
	do {
		wrong += host_table(self->fd) != self->sum;
		looks++;
	} while (!stop);
	ASSERT_EQ(0, pthread_join(thread, &err));
	EXPECT_EQ(0, (intptr_t)err);
	EXPECT_EQ(0, wrong);
	EXPECT_LT(1, looks);
}

/* On a machine without tables of its own there is nothing to sum */
TEST(soft_only_has_none)
{
	const char *reason = vt_skip_reason(VMSTORE_MACHINE_DEFAULT);
	int fd;

	if (reason)
		SKIP(return, "%s", reason);
	if (vt_has_machine(VMSTORE_MACHINE_LIVE))
		SKIP(return, "the live machine exists here");
	fd = vt_open();
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, host_table(fd));
	EXPECT_EQ(0, close(fd));
}

TEST_HARNESS_MAIN
