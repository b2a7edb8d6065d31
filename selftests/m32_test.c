// SPDX-License-Identifier: GPL-2.0-only
/*
 * A 32-bit caller: structures, batches with references, 64-bit numbers and pointers
 * mean the same to it, and it can go on with what a 64-bit process began.
 */
#include "layout.h"
#include "store_fixture.h"

TEST(is_32_bits)
{
	EXPECT_EQ(4, sizeof(void *));
	EXPECT_EQ(4, sizeof(long));
	/* layout.h has compared every structure; these two are what calls are made of */
	EXPECT_EQ(128, sizeof(struct vmstore_op));
	EXPECT_EQ(32, sizeof(struct vmstore_run));
}

TEST_F(store, info_and_setup)
{
	EXPECT_EQ(VMSTORE_ABI_VERSION, self->info.out_abi_version);
	EXPECT_EQ(__VMSTORE_OP_MAX, self->info.out_nr_opcodes);
	EXPECT_EQ(VT_SMALL, self->info.out_region_size);
	EXPECT_EQ(VT_SMALL / VT_PAGE, self->info.out_nr_slots);
	EXPECT_EQ(vt_check_mode(variant->mode), self->info.out_check_mode);
	EXPECT_EQ(-EBUSY, vt_setup(self->fd, variant->machine, variant->mode, VT_SMALL));
}

/* A size that 32 bits cannot say is not taken for what is left of it in 32 bits */
TEST_F(store, large_numbers)
{
	int fd = vt_open();

	ASSERT_LE(0, fd);
	EXPECT_EQ(-ENOSPC, vt_setup(fd, variant->machine, variant->mode,
				    (1ULL << 50) + VT_SMALL));
	EXPECT_EQ(0, vt_setup(fd, variant->machine, variant->mode, VT_SMALL));
	EXPECT_EQ(0, close(fd));
	RUN_ERR(self->fd, ERANGE, vt_from_unused((1ULL << 40) + VT_PAGE));
	RUN_ERR(self->fd, ENOENT, vt_frame_drop((1ULL << 32) + 1));
}

/* Every kind of operation, each with the ids of earlier ones, addresses above 4 GiB */
TEST_F(store, batch)
{
	const __u64 va = 0x7abcde000000ULL, value = 0xfedcba9876543210ULL;
	struct vmstore_op ops[] = {
		/* 0 */ vt_space_new(),
		/* 1 */ vt_open_mut(VMSTORE_REF(0), va, va + VT_2M),
		/* 2 */ vt_alloc(),
		/* 3 */ vt_from_unused(VT_SMALL - VT_PAGE),
		/* 4 */ vt_from_in_use(VT_SMALL - VT_PAGE),
		/* 5 */ vt_map(VMSTORE_REF(1), VMSTORE_REF(2), VT_RW),
		/* 6 */ vt_map(VMSTORE_REF(1), VMSTORE_REF(3), VT_RW),
		/* 7 */ vt_activate(VMSTORE_REF(0), 0),
		/* 8 */ vt_write(VMSTORE_REF(0), va, 8, value, 0),
		/* 9 */ vt_load(VMSTORE_REF(0), va, 8, 0),
		/* 10 */ vt_load(VMSTORE_REF(0), va + 4, 4, 0),
		/* 11 */ vt_write(VMSTORE_REF(0), va + VT_PAGE, 8, ~value, 0),
		/* 12 */ vt_load(VMSTORE_REF(0),
				 VMSTORE_KERNEL_BASE + VT_SMALL - VT_PAGE, 8, 0),
		/* 13 */ vt_jump(VMSTORE_REF(1), va),
		/* 14 */ vt_find_next(VMSTORE_REF(1), VT_2M),
		/* 15 */ vt_query(VMSTORE_REF(1)),
		/* 16 */ vt_frame_drop(VMSTORE_REF(15)),
		/* 17 */ vt_protect(VMSTORE_REF(1), VT_PAGE, vt_prop(0, 0, 0),
				    vt_prop(VMSTORE_PROP_W, 0, 0)),
		/* 18 */ vt_flush(VMSTORE_REF(1), va, VT_PAGE),
		/* 19 */ vt_vaddr(VMSTORE_REF(1)),
		/* 20 */ vt_unmap(VMSTORE_REF(1), VT_2M - VT_PAGE),
		/* 21 */ vt_reap(),
		/* 22 */ vt_frame_drop(VMSTORE_REF(4)),
		/* 23 */ vt_cursor_drop(VMSTORE_REF(1)),
		/* 24 */ vt_open_ro(VMSTORE_REF(0), va, va + VT_PAGE),
		/* 25 */ vt_peek(VMSTORE_REF(24)),
	};
	struct vmstore_run run;
	__u32 i;

	ASSERT_EQ(0, vt_run(self->fd, ops, ARRAY_SIZE(ops), 0, &run));
	EXPECT_EQ(ARRAY_SIZE(ops), run.out_ran);
	EXPECT_EQ(0, run.out_failed);
	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		int err = ops[i].out_errno;

		EXPECT_EQ(0, err)
			TH_LOG("operation %u", i);
	}
	EXPECT_EQ(1, ops[0].out.id);
	EXPECT_EQ(VT_SMALL - VT_PAGE, ops[3].out.frame.paddr);
	EXPECT_EQ(value, ops[9].out.access.value);
	EXPECT_EQ(value >> 32, ops[10].out.access.value);
	EXPECT_EQ(~value, ops[12].out.access.value);
	EXPECT_EQ(va, ops[14].out.va.va);
	EXPECT_EQ(va + VT_PAGE, ops[15].out.query.end);
	EXPECT_EQ(ops[2].out.frame.paddr, ops[15].out.query.paddr);
	EXPECT_EQ(va, ops[17].out.protect.start);
	EXPECT_EQ(va + VT_PAGE, ops[19].out.va.va);
	EXPECT_EQ(1, ops[20].out.unmap.removed);
	EXPECT_EQ(1, ops[22].out.drop.freed);
	EXPECT_EQ(VMSTORE_PROP_R, ops[25].out.query.prop.flags & (VMSTORE_PROP_R | VMSTORE_PROP_W));
	EXPECT_EQ(1, vt_count_leaves(self->fd, 1));
	RUN_ERR(self->fd, EFAULT, vt_write(1, va, 8, 0, 0));
}

TEST_F(store, batch_stops_or_keeps_going)
{
	struct vmstore_op ops[3] = { vt_alloc(), vt_frame_drop(4711), vt_alloc() };
	struct vmstore_run run;

	EXPECT_EQ(0, vt_run(self->fd, ops, 3, 0, &run));
	EXPECT_EQ(2, run.out_ran);
	EXPECT_EQ(1, run.out_failed);
	EXPECT_EQ(-ENOENT, ops[1].out_errno);
	EXPECT_EQ(-ECANCELED, ops[2].out_errno);
	EXPECT_EQ(0, vt_run(self->fd, ops, 3, VMSTORE_RUN_KEEP_GOING, &run));
	EXPECT_EQ(3, run.out_ran);
	EXPECT_EQ(3, ops[2].out.id);
}

TEST_F(store, check_and_dump)
{
	struct vmstore_clause *clauses = calloc(self->info.out_nr_clauses, sizeof(*clauses));
	struct vmstore_check check = {
		.size = sizeof(check),
		.clauses = (uintptr_t)clauses,
		.nr_clauses = self->info.out_nr_clauses,
	};
	struct vt_sec small, large;
	__u32 i;

	ASSERT_NE(NULL, clauses);
	RUN_OK(self->fd, vt_space_new());
	for (i = 0; i < 20; i++)
		RUN_OK(self->fd, vt_alloc());
	EXPECT_EQ(0, vt_ioctl(self->fd, VMSTORE_CHECK, &check));
	EXPECT_EQ(0, check.out_violations);
	EXPECT_EQ(self->info.out_nr_clauses, check.out_stored_clauses);
	for (i = 0; i < check.out_stored_clauses; i++)
		EXPECT_EQ(0, clauses[i].violated);
	free(clauses);

	ASSERT_EQ(0, vt_dump(self->fd, VMSTORE_DUMP_FRAMES, 1 << 16, &large));
	ASSERT_EQ(0, vt_dump(self->fd, VMSTORE_DUMP_FRAMES, 48, &small));
	EXPECT_EQ(20, large.nr);
	EXPECT_LT(large.pages, small.pages);
	ASSERT_EQ(large.len, small.len);
	EXPECT_EQ(0, memcmp(large.data, small.data, large.len));
	vt_sec_free(&large);
	vt_sec_free(&small);
	EXPECT_EQ(0, vt_accounting(self->fd));
}

/* A pointer is 64 bits wide and is not cut to 32: what is above 4 GiB is not below */
TEST_F(store, pointers_are_not_cut)
{
	struct vmstore_op op = vt_alloc();
	struct vmstore_run run = {
		.size = sizeof(run),
		.ops = (uintptr_t)&op,
		.count = 1,
		.op_size = sizeof(op),
	};
	struct vmstore_rec_space rec;
	struct vmstore_dump dump = {
		.size = sizeof(dump),
		.section = VMSTORE_DUMP_SPACES,
		.rec_size = sizeof(rec),
		.buf = (uintptr_t)&rec | 1ULL << 32,
		.buf_len = sizeof(rec),
	};

	EXPECT_EQ(0, vt_ioctl(self->fd, VMSTORE_RUN, &run));
	run.ops |= 1ULL << 32;
	EXPECT_EQ(-EFAULT, vt_ioctl(self->fd, VMSTORE_RUN, &run));
	run.ops |= 1ULL << 63;
	EXPECT_EQ(-EFAULT, vt_ioctl(self->fd, VMSTORE_RUN, &run));
	EXPECT_EQ(1, vt_count(self->fd, VMSTORE_DUMP_FRAMES));
	RUN_OK(self->fd, vt_space_new());
	EXPECT_EQ(-EFAULT, vt_ioctl(self->fd, VMSTORE_DUMP, &dump));
}

/* It was given to this program by the one that runs it: m32_run.c */
TEST(store_of_a_64_bit_process)
{
	const char *number = getenv("M32_STORE");
	struct vmstore_info info;
	int fd;

	if (!number)
		SKIP(return, "%s", vt_skip_reason(VMSTORE_MACHINE_DEFAULT) ?: "none was given");
	fd = atoi(number);
	ASSERT_EQ(0, vt_info(fd, &info));
	EXPECT_EQ(VT_SMALL, info.out_region_size);
	EXPECT_EQ(0x0123456789abcdefULL, RUN_OK(fd, vt_load(1, 0, 8, 0)).out.access.value);
	EXPECT_EQ(1, RUN_OK(fd, vt_frame_drop(2)).out.drop.freed);
	RUN_OK(fd, vt_jump(1, 0));
	EXPECT_EQ(1, RUN_OK(fd, vt_unmap(1, VT_PAGE)).out.unmap.removed);
	EXPECT_EQ(0, vt_settled(fd));
	EXPECT_EQ(0, vt_count(fd, VMSTORE_DUMP_FRAMES));
}

TEST_HARNESS_MAIN
