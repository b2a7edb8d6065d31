// SPDX-License-Identifier: GPL-2.0-only
/*
 * The calls of /dev/vmstore: sizes, flags, reserved fields, user pointers, SETUP,
 * INFO. What a call refuses leaves the store as it was.
 */
#include "layout.h"
#include "vmstore_test.h"

/* Room for the largest argument and a tail that the kernel does not know */
#define BIGGEST	256
#define TAIL	16

/* One of the calls, with arguments that succeed */
struct call {
	const char *name;
	unsigned long cmd;
	size_t size;
	size_t flags_at;	/* offset of the flags */
	size_t reserved_at;	/* offset of a reserved field, 0 = none */
	bool has_out;		/* writes back into its argument */
	void (*fill)(void *arg);
};

static struct vmstore_op call_op;
static struct vmstore_rec_slots call_rec[4];

static void fill_nothing(void *arg VT_UNUSED)
{
}

static void fill_run(void *arg)
{
	struct vmstore_run *run = arg;

	call_op = vt_alloc();
	run->ops = (uintptr_t)&call_op;
	run->count = 1;
	run->op_size = sizeof(call_op);
}

static void fill_dump(void *arg)
{
	struct vmstore_dump *dump = arg;

	dump->section = VMSTORE_DUMP_SLOTS;
	dump->rec_size = sizeof(call_rec[0]);
	dump->buf = (uintptr_t)call_rec;
	dump->buf_len = sizeof(call_rec);
}

static const struct call calls[] = {
	{ "INFO", VMSTORE_INFO, sizeof(struct vmstore_info),
	  offsetof(struct vmstore_info, flags), 0, true, fill_nothing },
	{ "SETUP", VMSTORE_SETUP, sizeof(struct vmstore_setup),
	  offsetof(struct vmstore_setup, flags), 0, false, fill_nothing },
	{ "RUN", VMSTORE_RUN, sizeof(struct vmstore_run),
	  offsetof(struct vmstore_run, flags), 0, true, fill_run },
	{ "CHECK", VMSTORE_CHECK, sizeof(struct vmstore_check),
	  offsetof(struct vmstore_check, flags),
	  offsetof(struct vmstore_check, __reserved), true, fill_nothing },
	{ "DUMP", VMSTORE_DUMP, sizeof(struct vmstore_dump),
	  offsetof(struct vmstore_dump, flags),
	  offsetof(struct vmstore_dump, __reserved), true, fill_dump },
};

#define NR_CALLS	(ARRAY_SIZE(calls))

FIXTURE(call) {
	int fd;
	union {
		char arg[BIGGEST];
		__u32 size;
		__u64 align;
	} u;
};

FIXTURE_VARIANT(call) {
	int nr;
};

FIXTURE_SETUP(call)
{
	const char *reason = vt_skip_reason(VMSTORE_MACHINE_DEFAULT);
	const struct call *call = &calls[variant->nr];

	self->fd = -1;
	if (reason)
		SKIP(return, "%s", reason);
	self->fd = vt_open();
	ASSERT_LE(0, self->fd);
	/* SETUP is tried on a store that is not there yet, the rest on one that is */
	if (call->cmd != VMSTORE_SETUP)
		ASSERT_EQ(0, vt_setup(self->fd, VMSTORE_MACHINE_DEFAULT,
				      VMSTORE_CHECK_FULL, VT_SMALL));
	memset(&self->u, 0, sizeof(self->u));
	call->fill(self->u.arg);
	self->u.size = call->size;
}

FIXTURE_TEARDOWN(call)
{
	if (self->fd >= 0)
		EXPECT_EQ(0, close(self->fd));
}

FIXTURE_VARIANT_ADD(call, info) { .nr = 0 };
FIXTURE_VARIANT_ADD(call, setup) { .nr = 1 };
FIXTURE_VARIANT_ADD(call, run) { .nr = 2 };
FIXTURE_VARIANT_ADD(call, check) { .nr = 3 };
FIXTURE_VARIANT_ADD(call, dump) { .nr = 4 };

/* A refused call neither makes the store nor runs anything */
static __u64 ops_run(int fd)
{
	struct vmstore_info info;

	return vt_info(fd, &info) ? ~0ULL : info.out_ops;
}

TEST_F(call, size_exact)
{
	const struct call *call = &calls[variant->nr];

	ASSERT_EQ(0, vt_ioctl(self->fd, call->cmd, self->u.arg));
	/* The size is the caller's */
	EXPECT_EQ(call->size, self->u.size);
}

TEST_F(call, size_short)
{
	const struct call *call = &calls[variant->nr];
	__u32 size;

	for (size = 0; size < call->size; size++) {
		self->u.size = size;
		ASSERT_EQ(-EINVAL, vt_ioctl(self->fd, call->cmd, self->u.arg))
			TH_LOG("size %u", size);
	}
	EXPECT_EQ(0, ops_run(self->fd));
	self->u.size = call->size;
	EXPECT_EQ(0, vt_ioctl(self->fd, call->cmd, self->u.arg));
}

TEST_F(call, size_long_zero_tail)
{
	const struct call *call = &calls[variant->nr];
	int i;

	self->u.size = call->size + TAIL;
	ASSERT_EQ(0, vt_ioctl(self->fd, call->cmd, self->u.arg));
	for (i = 0; i < TAIL; i++)
		EXPECT_EQ(0, self->u.arg[call->size + i]);
}

TEST_F(call, size_long_tail_set)
{
	const struct call *call = &calls[variant->nr];
	int i;

	for (i = 0; i < TAIL; i++) {
		self->u.size = call->size + TAIL;
		self->u.arg[call->size + i] = 1;
		ASSERT_EQ(-E2BIG, vt_ioctl(self->fd, call->cmd, self->u.arg))
			TH_LOG("byte %d of the tail", i);
		self->u.arg[call->size + i] = 0;
	}
	EXPECT_EQ(0, ops_run(self->fd));
}

/* Longer than any structure will ever be; what is behind it is not mapped */
TEST_F(call, size_absurd)
{
	const struct call *call = &calls[variant->nr];
	int err;

	self->u.size = 0xffffffff;
	err = vt_ioctl(self->fd, call->cmd, self->u.arg);
	EXPECT_TRUE(err == -E2BIG || err == -EFAULT)
		TH_LOG("errno %d", -err);
	EXPECT_EQ(0, ops_run(self->fd));
}

/* The argument ends at the end of its page: nothing behind it may be read */
TEST_F(call, at_end_of_page)
{
	const struct call *call = &calls[variant->nr];
	char *page = mmap(NULL, 2 * VT_PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *arg = page + VT_PAGE - call->size;

	ASSERT_NE(MAP_FAILED, page);
	ASSERT_EQ(0, munmap(page + VT_PAGE, VT_PAGE));
	memcpy(arg, self->u.arg, call->size);
	EXPECT_EQ(0, vt_ioctl(self->fd, call->cmd, arg));
}

TEST_F(call, flags_unknown)
{
	const struct call *call = &calls[variant->nr];
	__u32 *flags = (void *)(self->u.arg + call->flags_at);
	int bit, err;

	for (bit = 0; bit < 32; bit++) {
		*flags = 1u << bit;
		if (call->cmd == VMSTORE_RUN && *flags == VMSTORE_RUN_KEEP_GOING)
			continue;
		err = vt_ioctl(self->fd, call->cmd, self->u.arg);
		EXPECT_TRUE(err == -EINVAL || err == -EOPNOTSUPP)
			TH_LOG("flag %#x: errno %d", *flags, -err);
	}
	EXPECT_EQ(0, ops_run(self->fd));
}

TEST_F(call, reserved_set)
{
	const struct call *call = &calls[variant->nr];

	if (!call->reserved_at)
		SKIP(return, "%s has no reserved field", call->name);
	self->u.arg[call->reserved_at] = 1;
	EXPECT_EQ(-EINVAL, vt_ioctl(self->fd, call->cmd, self->u.arg));
	self->u.arg[call->reserved_at] = 0;
	self->u.arg[call->reserved_at + 3] = 0x80;
	EXPECT_EQ(-EINVAL, vt_ioctl(self->fd, call->cmd, self->u.arg));
}

TEST_F(call, bad_pointer)
{
	const struct call *call = &calls[variant->nr];
	char *page = mmap(NULL, VT_PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, page);
	ASSERT_EQ(0, munmap(page, VT_PAGE));
	EXPECT_EQ(-EFAULT, vt_ioctl(self->fd, call->cmd, NULL));
	EXPECT_EQ(-EFAULT, vt_ioctl(self->fd, call->cmd, page));
	EXPECT_EQ(-EFAULT, vt_ioctl(self->fd, call->cmd, (void *)0xffff888000000000));
	EXPECT_EQ(-EFAULT, vt_ioctl(self->fd, call->cmd, (void *)VMSTORE_KERNEL_BASE));
	EXPECT_EQ(-EFAULT, vt_ioctl(self->fd, call->cmd, (void *)0x8000000000000000));
	EXPECT_EQ(-EFAULT, vt_ioctl(self->fd, call->cmd, (void *)-8L));
	EXPECT_EQ(0, ops_run(self->fd));
}

/* Where the outcome cannot be written the caller is told so */
TEST_F(call, read_only_argument)
{
	const struct call *call = &calls[variant->nr];
	char *page = mmap(NULL, VT_PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, page);
	memcpy(page, self->u.arg, call->size);
	ASSERT_EQ(0, mprotect(page, VT_PAGE, PROT_READ));
	EXPECT_EQ(call->has_out ? -EFAULT : 0, vt_ioctl(self->fd, call->cmd, page));
}

/* --- calls that do not exist ----------------------------------------------- */

TEST(unknown_ioctl)
{
	const char *reason = vt_skip_reason(VMSTORE_MACHINE_DEFAULT);
	struct vmstore_info info = { .size = sizeof(info) };
	unsigned int nr;
	int fd;

	if (reason)
		SKIP(return, "%s", reason);
	fd = vt_open();
	ASSERT_LE(0, fd);
	for (nr = NR_CALLS; nr < 256; nr++)
		EXPECT_EQ(-ENOTTY, vt_ioctl(fd, _IO(VMSTORE_IOC_TYPE, nr), &info));
	EXPECT_EQ(-ENOTTY, vt_ioctl(fd, _IO(VMSTORE_IOC_TYPE + 1, 0), &info));
	/* Size and direction are part of the number and are 0 */
	EXPECT_EQ(-ENOTTY, vt_ioctl(fd, _IOWR(VMSTORE_IOC_TYPE, 0, struct vmstore_info),
				    &info));
	EXPECT_EQ(0, close(fd));
}

TEST(no_read_no_write_no_map)
{
	const char *reason = vt_skip_reason(VMSTORE_MACHINE_DEFAULT);
	char byte = 0;
	int fd;

	if (reason)
		SKIP(return, "%s", reason);
	fd = vt_open();
	ASSERT_LE(0, fd);
	EXPECT_EQ(-1, read(fd, &byte, 1));
	EXPECT_EQ(-1, write(fd, &byte, 1));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, VT_PAGE, PROT_READ, MAP_SHARED, fd, 0));
	EXPECT_EQ(0, close(fd));
}

/* --- INFO ------------------------------------------------------------------ */

FIXTURE(fresh) {
	int fd;
	struct vmstore_info info;
};

FIXTURE_SETUP(fresh)
{
	const char *reason = vt_skip_reason(VMSTORE_MACHINE_DEFAULT);

	self->fd = -1;
	if (reason)
		SKIP(return, "%s", reason);
	self->fd = vt_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, vt_info(self->fd, &self->info));
}

FIXTURE_TEARDOWN(fresh)
{
	if (self->fd >= 0)
		EXPECT_EQ(0, close(self->fd));
}

TEST_F(fresh, info_constants)
{
	struct vmstore_info *info = &self->info;

	EXPECT_EQ(VMSTORE_ABI_VERSION, info->out_abi_version);
	EXPECT_LE(__VMSTORE_OP_MAX, info->out_nr_opcodes);
	EXPECT_EQ(VMSTORE_MAX_BATCH, info->out_max_batch);
	EXPECT_LT(0, info->out_nr_clauses);
	EXPECT_LE(VMSTORE_BLOCK_SIZE, info->out_max_region_size);
	EXPECT_EQ(0, info->out_default_region_size % VMSTORE_BLOCK_SIZE);
	EXPECT_LE(VMSTORE_BLOCK_SIZE, info->out_default_region_size);
	EXPECT_LE(info->out_default_region_size, info->out_max_region_size);
}

/* The soft machine is everywhere; the default is one that can be had */
TEST_F(fresh, info_machines)
{
	struct vmstore_info *info = &self->info;
	__u32 live = info->out_machines & (1u << VMSTORE_MACHINE_LIVE);

	EXPECT_TRUE(info->out_machines & (1u << VMSTORE_MACHINE_SOFT));
	EXPECT_EQ(live ? VMSTORE_MACHINE_LIVE : VMSTORE_MACHINE_SOFT, info->out_machine);
	/* What it models is told of the machine a store has */
	ASSERT_EQ(0, vt_setup(self->fd, VMSTORE_MACHINE_DEFAULT, VMSTORE_CHECK_OFF, VT_SMALL));
	ASSERT_EQ(0, vt_info(self->fd, info));
	EXPECT_EQ(live ? VMSTORE_MACHINE_LIVE : VMSTORE_MACHINE_SOFT, info->out_machine);
	EXPECT_EQ(!!live, !!(info->out_machine_caps & VMSTORE_CAP_HW_WALK));
}

TEST_F(fresh, info_before_setup)
{
	struct vmstore_info again;

	EXPECT_EQ(0, self->info.out_region_size);
	EXPECT_EQ(0, self->info.out_mmio_size);
	EXPECT_EQ(0, self->info.out_nr_slots);
	EXPECT_EQ(0, self->info.out_free_slots);
	EXPECT_EQ(0, self->info.out_ops);
	EXPECT_EQ(0, self->info.out_frozen);
	EXPECT_EQ(0, self->info.out_max_nodes);
	EXPECT_EQ(0, self->info.out_gathered);
	/* Looking does not make the store */
	ASSERT_EQ(0, vt_info(self->fd, &again));
	EXPECT_EQ(0, again.out_region_size);
	EXPECT_EQ(0, vt_setup(self->fd, VMSTORE_MACHINE_SOFT, VMSTORE_CHECK_OFF, 0));
}

TEST_F(fresh, info_after_setup)
{
	struct vmstore_setup setup = {
		.size = sizeof(setup),
		.region_size = 2 * VMSTORE_BLOCK_SIZE,
		.mmio_size = 5 * VT_PAGE,
		.machine = VMSTORE_MACHINE_SOFT,
		.nr_cpus = 7,
		.check_mode = VMSTORE_CHECK_FULL,
	};
	struct vmstore_info info;

	ASSERT_EQ(0, vt_ioctl(self->fd, VMSTORE_SETUP, &setup));
	ASSERT_EQ(0, vt_info(self->fd, &info));
	EXPECT_EQ(setup.region_size, info.out_region_size);
	EXPECT_EQ(setup.mmio_size, info.out_mmio_size);
	EXPECT_EQ(VMSTORE_MACHINE_SOFT, info.out_machine);
	EXPECT_EQ(7, info.out_nr_cpus);
	EXPECT_EQ(VMSTORE_CHECK_FULL, info.out_check_mode);
	EXPECT_EQ(setup.region_size / VT_PAGE, info.out_nr_slots);
	EXPECT_LE(info.out_free_slots, info.out_nr_slots - 5);
	EXPECT_LT(0, info.out_free_slots);
	EXPECT_EQ(0, info.out_ops);
	EXPECT_EQ(0, info.out_frozen);
	EXPECT_FALSE(info.out_machine_caps & VMSTORE_CAP_HW_WALK);
}

/* Failed operations count too */
TEST_F(fresh, info_counts_ops)
{
	struct vmstore_op op = vt_alloc();
	struct vmstore_info info;

	ASSERT_EQ(0, vt_setup(self->fd, VMSTORE_MACHINE_DEFAULT, VMSTORE_CHECK_FULL,
			      VT_SMALL));
	EXPECT_EQ(0, vt_run1(self->fd, &op));
	op = vt_frame_drop(4711);
	EXPECT_EQ(-ENOENT, vt_run1(self->fd, &op));
	ASSERT_EQ(0, vt_info(self->fd, &info));
	EXPECT_EQ(2, info.out_ops);
}

/* --- SETUP ----------------------------------------------------------------- */

TEST_F(fresh, setup_defaults)
{
	struct vmstore_info info;

	ASSERT_EQ(0, vt_setup(self->fd, VMSTORE_MACHINE_DEFAULT, VMSTORE_CHECK_OFF, 0));
	ASSERT_EQ(0, vt_info(self->fd, &info));
	EXPECT_EQ(self->info.out_default_region_size, info.out_region_size);
	EXPECT_EQ(0, info.out_mmio_size);
	EXPECT_EQ(self->info.out_machine, info.out_machine);
	EXPECT_LT(0, info.out_nr_cpus);
}

TEST_F(fresh, setup_soft_cpus)
{
	struct vmstore_info info;

	ASSERT_EQ(0, vt_setup(self->fd, VMSTORE_MACHINE_SOFT, VMSTORE_CHECK_OFF, VT_SMALL));
	ASSERT_EQ(0, vt_info(self->fd, &info));
	EXPECT_EQ(4, info.out_nr_cpus);
}

/* Any seed is one */
TEST_F(fresh, setup_soft_seed)
{
	struct vmstore_setup setup = {
		.size = sizeof(setup),
		.region_size = VT_SMALL,
		.machine = VMSTORE_MACHINE_SOFT,
		.seed = 0xffffffff,
	};

	EXPECT_EQ(0, vt_ioctl(self->fd, VMSTORE_SETUP, &setup));
}

TEST_F(fresh, setup_twice)
{
	struct vmstore_info before, after;

	ASSERT_EQ(0, vt_setup(self->fd, VMSTORE_MACHINE_SOFT, VMSTORE_CHECK_FULL,
			      VT_SMALL));
	ASSERT_EQ(0, vt_info(self->fd, &before));
	EXPECT_EQ(-EBUSY, vt_setup(self->fd, VMSTORE_MACHINE_SOFT, VMSTORE_CHECK_OFF,
				   2 * VT_SMALL));
	ASSERT_EQ(0, vt_info(self->fd, &after));
	EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));
}

/* The first operation makes a store of all defaults */
TEST_F(fresh, setup_after_first_op)
{
	struct vmstore_op op = vt_alloc();
	struct vmstore_info info;

	EXPECT_EQ(0, vt_run1(self->fd, &op));
	ASSERT_EQ(0, vt_info(self->fd, &info));
	EXPECT_EQ(self->info.out_default_region_size, info.out_region_size);
	EXPECT_EQ(VMSTORE_CHECK_OFF, info.out_check_mode);
	EXPECT_EQ(-EBUSY, vt_setup(self->fd, VMSTORE_MACHINE_SOFT, VMSTORE_CHECK_OFF, 0));
}

static const struct bad_setup {
	const char *why;
	struct vmstore_setup setup;
	int err;
	int or_err;
} bad_setups[] = {
	{ "less than a block", { .region_size = 4096 }, EINVAL },
	{ "one byte", { .region_size = 1 }, EINVAL },
	{ "a block less a page", { .region_size = VMSTORE_BLOCK_SIZE - 4096 }, EINVAL },
	{ "no multiple", { .region_size = VMSTORE_BLOCK_SIZE + 4096 }, EINVAL },
	{ "half a block more", { .region_size = VMSTORE_BLOCK_SIZE * 3 / 2 }, EINVAL },
	{ "far too large", { .region_size = 1ULL << 62 }, ENOSPC },
	{ "as large as can be", { .region_size = -VMSTORE_BLOCK_SIZE }, ENOSPC },
	{ "MMIO misaligned",
	  { .region_size = VMSTORE_BLOCK_SIZE, .mmio_size = 100 }, EINVAL },
	{ "MMIO is all", { .region_size = VMSTORE_BLOCK_SIZE,
	  .mmio_size = VMSTORE_BLOCK_SIZE }, EINVAL },
	{ "MMIO is more than all", { .region_size = VMSTORE_BLOCK_SIZE,
	  .mmio_size = 2 * VMSTORE_BLOCK_SIZE }, EINVAL },
	{ "MMIO wraps", { .region_size = VMSTORE_BLOCK_SIZE,
	  .mmio_size = -4096ULL }, EINVAL },
	{ "MMIO is more than the default", { .mmio_size = 1ULL << 40 }, EINVAL },
	{ "unknown machine", { .machine = 3 }, EINVAL, EOPNOTSUPP },
	{ "machine with high bit", { .machine = 0x80000000 }, EINVAL, EOPNOTSUPP },
	{ "too many CPUs", { .machine = VMSTORE_MACHINE_SOFT, .nr_cpus = 65 }, EINVAL },
	{ "CPUs negative", { .machine = VMSTORE_MACHINE_SOFT, .nr_cpus = -1 }, EINVAL },
	{ "a seed for the CPU's own", { .machine = VMSTORE_MACHINE_LIVE, .seed = 1 }, EINVAL,
	  EOPNOTSUPP },
	{ "unknown check mode", { .check_mode = 1000 }, EINVAL },
	{ "check mode negative", { .check_mode = -1 }, EINVAL },
};

TEST_F(fresh, setup_refused)
{
	struct vmstore_info info;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad_setups); i++) {
		const struct bad_setup *bad = &bad_setups[i];
		struct vmstore_setup setup = bad->setup;
		int err;

		setup.size = sizeof(setup);
		err = vt_ioctl(self->fd, VMSTORE_SETUP, &setup);
		EXPECT_TRUE(err && (err == -bad->err || err == -bad->or_err))
			TH_LOG("%s: errno %d", bad->why, -err);
	}
	/* Nothing has happened: it can still be set up */
	ASSERT_EQ(0, vt_info(self->fd, &info));
	EXPECT_EQ(0, info.out_region_size);
	EXPECT_EQ(0, vt_setup(self->fd, VMSTORE_MACHINE_DEFAULT, VMSTORE_CHECK_FULL,
			      VT_SMALL));
}

TEST_F(fresh, setup_above_maximum)
{
	__u64 size = self->info.out_max_region_size + VMSTORE_BLOCK_SIZE;

	size -= size % VMSTORE_BLOCK_SIZE;
	EXPECT_EQ(-ENOSPC, vt_setup(self->fd, VMSTORE_MACHINE_SOFT, VMSTORE_CHECK_OFF,
				    size));
	EXPECT_EQ(0, vt_setup(self->fd, VMSTORE_MACHINE_SOFT, VMSTORE_CHECK_OFF, VT_SMALL));
}

TEST_F(fresh, setup_live)
{
	struct vmstore_setup setup = {
		.size = sizeof(setup),
		.machine = VMSTORE_MACHINE_LIVE,
		.nr_cpus = 1,
	};

	if (!vt_has_machine(VMSTORE_MACHINE_LIVE)) {
		setup.nr_cpus = 0;
		EXPECT_EQ(-EOPNOTSUPP, vt_ioctl(self->fd, VMSTORE_SETUP, &setup));
		return;
	}
	/* Its CPUs are the real ones */
	EXPECT_EQ(-EINVAL, vt_ioctl(self->fd, VMSTORE_SETUP, &setup));
	setup.nr_cpus = 0;
	EXPECT_EQ(0, vt_ioctl(self->fd, VMSTORE_SETUP, &setup));
}

/* A region with room for next to nothing is refused or works: never anything else */
TEST_F(fresh, setup_nearly_all_mmio)
{
	struct vmstore_op op = vt_alloc();
	__u64 pages;

	for (pages = 1; pages <= 6; pages++) {
		struct vmstore_setup setup = {
			.size = sizeof(setup),
			.region_size = VMSTORE_BLOCK_SIZE,
			.mmio_size = VMSTORE_BLOCK_SIZE - pages * VT_PAGE,
			.check_mode = VMSTORE_CHECK_FULL,
		};
		int fd = vt_open();
		int err;

		ASSERT_LE(0, fd);
		err = vt_ioctl(fd, VMSTORE_SETUP, &setup);
		EXPECT_TRUE(!err || err == -ENOMEM)
			TH_LOG("%llu pages: errno %d", pages, -err);
		if (!err) {
			while (!err)
				err = vt_run1(fd, &op);
			EXPECT_EQ(-ENOMEM, err);
			op = vt_space_new();
			EXPECT_NE(0, vt_run1(fd, &op));
		}
		EXPECT_EQ(0, close(fd));
	}
}

/* --- RUN: its own arguments ------------------------------------------------ */

FIXTURE(run) {
	int fd;
	struct vmstore_op op[4];
	struct vmstore_run run;
};

FIXTURE_SETUP(run)
{
	const char *reason = vt_skip_reason(VMSTORE_MACHINE_DEFAULT);
	int i;

	self->fd = -1;
	if (reason)
		SKIP(return, "%s", reason);
	self->fd = vt_store(VMSTORE_MACHINE_DEFAULT, VMSTORE_CHECK_FULL, VT_SMALL);
	ASSERT_LE(0, self->fd);
	for (i = 0; i < 4; i++)
		self->op[i] = vt_alloc();
	self->run = (struct vmstore_run) {
		.size = sizeof(self->run),
		.ops = (uintptr_t)self->op,
		.count = 4,
		.op_size = sizeof(self->op[0]),
	};
}

FIXTURE_TEARDOWN(run)
{
	if (self->fd < 0)
		return;
	EXPECT_EQ(0, vt_settled(self->fd));
	EXPECT_EQ(0, close(self->fd));
}

TEST_F(run, op_size_wrong)
{
	static const __u32 sizes[] = {
		0, 1, 8, 64, sizeof(struct vmstore_op) - 8, sizeof(struct vmstore_op) - 1,
		sizeof(struct vmstore_op) + 1, 0x80000000, 0xffffffff,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		self->run.op_size = sizes[i];
		EXPECT_NE(0, vt_ioctl(self->fd, VMSTORE_RUN, &self->run))
			TH_LOG("op_size %u", sizes[i]);
	}
	self->run.op_size = sizeof(struct vmstore_op) - 8;
	EXPECT_EQ(-EINVAL, vt_ioctl(self->fd, VMSTORE_RUN, &self->run));
	EXPECT_EQ(0, ops_run(self->fd));
}

TEST_F(run, count_too_large)
{
	static const __u32 counts[] = {
		VMSTORE_MAX_BATCH + 1, 0x02000000, 0x80000000, 0xffffffff,
	};
	size_t i;
	int err;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		self->run.count = counts[i];
		err = vt_ioctl(self->fd, VMSTORE_RUN, &self->run);
		EXPECT_TRUE(err == -EINVAL || err == -E2BIG)
			TH_LOG("count %u: errno %d", counts[i], -err);
	}
	EXPECT_EQ(0, ops_run(self->fd));
}

TEST_F(run, count_zero)
{
	self->run.count = 0;
	self->run.out_ran = 77;
	self->run.out_failed = 77;
	EXPECT_EQ(0, vt_ioctl(self->fd, VMSTORE_RUN, &self->run));
	EXPECT_EQ(0, self->run.out_ran);
	EXPECT_EQ(0, self->run.out_failed);
	EXPECT_EQ(0, ops_run(self->fd));
}

TEST_F(run, longest_batch)
{
	struct vmstore_op *ops = calloc(VMSTORE_MAX_BATCH, sizeof(*ops));
	struct vmstore_run run;

	/* The first one fails: this is about the array, not about the operations */
	ASSERT_NE(NULL, ops);
	ASSERT_EQ(0, vt_run(self->fd, ops, VMSTORE_MAX_BATCH, 0, &run));
	EXPECT_EQ(1, run.out_ran);
	EXPECT_EQ(1, run.out_failed);
	EXPECT_EQ(-EOPNOTSUPP, ops[0].out_errno);
	EXPECT_EQ(-ECANCELED, ops[1].out_errno);
	EXPECT_EQ(-ECANCELED, ops[VMSTORE_MAX_BATCH - 1].out_errno);
	free(ops);
}

TEST_F(run, ops_misaligned)
{
	static char room[5 * sizeof(struct vmstore_op)] __attribute__((aligned(8)));
	int shift;

	for (shift = 1; shift < 8; shift++) {
		memcpy(room + shift, self->op, sizeof(self->op));
		self->run.ops = (uintptr_t)room + shift;
		EXPECT_EQ(-EINVAL, vt_ioctl(self->fd, VMSTORE_RUN, &self->run));
	}
	EXPECT_EQ(0, ops_run(self->fd));
}

TEST_F(run, ops_bad_pointer)
{
	static const __u64 bad[] = {
		0, 4096, 0x00007ffffffff000, 0x0000800000000000, VMSTORE_KERNEL_BASE,
		0xffff888000000000, 0xfffffffffffffff8, 0x8000000000000000,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		self->run.ops = bad[i];
		EXPECT_EQ(-EFAULT, vt_ioctl(self->fd, VMSTORE_RUN, &self->run))
			TH_LOG("ops %#llx", bad[i]);
	}
	EXPECT_EQ(0, ops_run(self->fd));
}

/* -ECANCELED is written everywhere before the first operation: none has run */
TEST_F(run, ops_read_only)
{
	char *page = mmap(NULL, VT_PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, page);
	memcpy(page, self->op, sizeof(self->op));
	ASSERT_EQ(0, mprotect(page, VT_PAGE, PROT_READ));
	self->run.ops = (uintptr_t)page;
	EXPECT_EQ(-EFAULT, vt_ioctl(self->fd, VMSTORE_RUN, &self->run));
	EXPECT_EQ(0, ops_run(self->fd));
	EXPECT_EQ(0, memcmp(page, self->op, sizeof(self->op)));
}

TEST_F(run, ops_partly_unmapped)
{
	char *page = mmap(NULL, 2 * VT_PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, page);
	ASSERT_EQ(0, munmap(page + VT_PAGE, VT_PAGE));
	self->run.ops = (uintptr_t)page + VT_PAGE - 2 * sizeof(self->op[0]);
	memcpy((void *)(uintptr_t)self->run.ops, self->op, 2 * sizeof(self->op[0]));
	EXPECT_EQ(-EFAULT, vt_ioctl(self->fd, VMSTORE_RUN, &self->run));
	EXPECT_EQ(0, ops_run(self->fd));
	self->run.count = 2;
	EXPECT_EQ(0, vt_ioctl(self->fd, VMSTORE_RUN, &self->run));
	EXPECT_EQ(2, ops_run(self->fd));
}

TEST_HARNESS_MAIN
