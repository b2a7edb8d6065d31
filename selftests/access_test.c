// SPDX-License-Identifier: GPL-2.0-only
/*
 * Accesses through the MMU: what is mapped is reached, what is not faults, and what
 * was changed and flushed is seen on every CPU.
 */
#include "vmstore_test.h"

#define VA	0x200000000ULL
#define NR	8		/* pages mapped at VA */

FIXTURE(access) {
	int fd;
	struct vmstore_info info;
	__u64 space;
	__u64 cursor;		/* mutable, over one level-2 node */
	__u64 paddr[NR];
};

FIXTURE_VARIANT(access) {
	__u32 machine;
	__u32 mode;
};

FIXTURE_VARIANT_ADD(access, default_full) {
	.machine = VMSTORE_MACHINE_DEFAULT,
	.mode = VMSTORE_CHECK_FULL,
};

FIXTURE_VARIANT_ADD(access, default_off) {
	.machine = VMSTORE_MACHINE_DEFAULT,
	.mode = VMSTORE_CHECK_OFF,
};

FIXTURE_VARIANT_ADD(access, default_step) {
	.machine = VMSTORE_MACHINE_DEFAULT,
	.mode = VMSTORE_CHECK_STEP,
};

FIXTURE_VARIANT_ADD(access, soft_full) {
	.machine = VMSTORE_MACHINE_SOFT,
	.mode = VMSTORE_CHECK_FULL,
};

FIXTURE_SETUP(access)
{
	const char *reason = vt_skip_reason(variant->machine);
	int i;

	self->fd = -1;
	if (reason)
		SKIP(return, "%s", reason);
	self->fd = vt_store(variant->machine, variant->mode, VT_SMALL);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, vt_info(self->fd, &self->info));
	self->space = RUN_OK(self->fd, vt_space_new()).out.id;
	self->cursor = RUN_OK(self->fd, vt_open_mut(self->space, VA, VA + VT_1G)).out.id;
	for (i = 0; i < NR; i++) {
		struct vmstore_op op = RUN_OK(self->fd, vt_alloc());

		self->paddr[i] = op.out.frame.paddr;
		RUN_OK(self->fd, vt_map(self->cursor, op.out.id, VT_RW));
	}
}

FIXTURE_TEARDOWN(access)
{
	if (self->fd < 0)
		return;
	EXPECT_EQ(0, vt_settled(self->fd));
	EXPECT_EQ(0, close(self->fd));
}

/* The CPUs worth trying: all of a small machine, some of a large one */
static __u32 cpus_tried(const struct vmstore_info *info)
{
	return info->out_nr_cpus < 8 ? info->out_nr_cpus : 8;
}

#define LOAD(space, va, width, cpu) \
	RUN_OK(self->fd, vt_load(space, va, width, cpu)).out.access.value

/* Whether an access faults says the architecture; USER is that of a kernel's access */
#define EXPECT_FAULT(bits, what) do {					\
	struct vmstore_op _f = (what);					\
									\
	EXPECT_EQ(-EFAULT, vt_run1(self->fd, &_f));			\
	EXPECT_EQ(VMSTORE_FAULT_TAKEN | (bits), _f.out.access.fault);	\
	EXPECT_EQ(0, _f.out.access.value);				\
} while (0)

TEST_F(access, widths)
{
	static const __u32 widths[] = { 1, 2, 4, 8 };
	__u64 value = 0xfedcba9876543210, mask;
	size_t i;

	RUN_OK(self->fd, vt_write(self->space, VA, 8, 0x1111111111111111, 0));
	for (i = 0; i < 4; i++) {
		__u64 va = VA + 64 * i + widths[i];

		mask = widths[i] == 8 ? ~0ULL : (1ULL << (8 * widths[i])) - 1;
		RUN_OK(self->fd, vt_write(self->space, va, widths[i], value & mask, 0));
		EXPECT_EQ(value & mask, LOAD(self->space, va, widths[i], 0));
	}
	/* Little endian, and no byte more than asked for */
	RUN_OK(self->fd, vt_write(self->space, VA + 2048, 8, value, 0));
	for (i = 0; i < 8; i++)
		EXPECT_EQ(value >> (8 * i) & 0xff, LOAD(self->space, VA + 2048 + i, 1, 0));
	RUN_OK(self->fd, vt_write(self->space, VA + 2050, 2, 0xffff, 0));
	EXPECT_EQ(0xfedcba98ffff3210, LOAD(self->space, VA + 2048, 8, 0));
	/* The last bytes of a page */
	RUN_OK(self->fd, vt_write(self->space, VA + VT_PAGE - 8, 8, value, 0));
	EXPECT_EQ(0xfe, LOAD(self->space, VA + VT_PAGE - 1, 1, 0));
}

TEST_F(access, width_refused)
{
	static const __u32 widths[] = { 0, 3, 5, 6, 7, 9, 16, 4096, 0x80000000, -1 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(widths); i++)
		RUN_ERR(self->fd, EINVAL, vt_load(self->space, VA, widths[i], 0));
}

TEST_F(access, misaligned)
{
	RUN_ERR(self->fd, EINVAL, vt_load(self->space, VA + 1, 2, 0));
	RUN_ERR(self->fd, EINVAL, vt_load(self->space, VA + 2, 4, 0));
	RUN_ERR(self->fd, EINVAL, vt_load(self->space, VA + 4, 8, 0));
	RUN_ERR(self->fd, EINVAL, vt_write(self->space, VA + VT_PAGE - 4, 8, 1, 0));
	RUN_OK(self->fd, vt_load(self->space, VA + 1, 1, 0));
}

/* Each page has its own value: no two addresses lead to the same frame by mistake */
TEST_F(access, unique_values)
{
	enum { TABLES = 4, PAGES = 16 };
	__u32 cpus = cpus_tried(&self->info);
	int t, p;

	for (t = 0; t < TABLES; t++) {
		RUN_OK(self->fd, vt_jump(self->cursor, VA + (t + 1) * 3 * VT_2M));
		for (p = 0; p < PAGES; p++)
			RUN_OK(self->fd, vt_map(self->cursor,
						RUN_OK(self->fd, vt_alloc()).out.id, VT_RW));
	}
	for (t = 0; t < TABLES; t++)
		for (p = 0; p < PAGES; p++)
			RUN_OK(self->fd, vt_write(self->space,
						  VA + (t + 1) * 3 * VT_2M + p * VT_PAGE,
						  8, 0xabcd0000 + t * 100 + p,
						  (t + p) % cpus));
	for (t = 0; t < TABLES; t++)
		for (p = 0; p < PAGES; p++)
			EXPECT_EQ(0xabcd0000 + t * 100 + p,
				  LOAD(self->space, VA + (t + 1) * 3 * VT_2M + p * VT_PAGE,
				       8, (t + p + 1) % cpus));
}

TEST_F(access, every_cpu)
{
	__u32 cpu;

	for (cpu = 0; cpu < self->info.out_nr_cpus; cpu++) {
		RUN_OK(self->fd, vt_write(self->space, VA + 8 * (cpu % 512), 8, cpu + 1, cpu));
		EXPECT_EQ(cpu + 1, LOAD(self->space, VA + 8 * (cpu % 512), 8,
					(cpu + 1) % self->info.out_nr_cpus));
	}
}

/* --- faults ---------------------------------------------------------------- */

TEST_F(access, absent_faults)
{
	__u32 cpu;

	for (cpu = 0; cpu < cpus_tried(&self->info); cpu++) {
		/* No entry, no leaf table, no table at all */
		EXPECT_FAULT(0, vt_load(self->space, VA + NR * VT_PAGE, 8, cpu));
		EXPECT_FAULT(0, vt_load(self->space, VA + VT_2M, 8, cpu));
		EXPECT_FAULT(0, vt_load(self->space, VA + VT_1G, 8, cpu));
		EXPECT_FAULT(0, vt_load(self->space, 0, 8, cpu));
		EXPECT_FAULT(0, vt_load(self->space, VMSTORE_MAX_USERSPACE_VADDR - 8, 8,
					cpu));
		EXPECT_FAULT(VMSTORE_FAULT_WRITE,
			     vt_write(self->space, VA + NR * VT_PAGE, 4, 1, cpu));
		EXPECT_FAULT(VMSTORE_FAULT_WRITE,
			     vt_write(self->space, VA + VT_512G, 1, 1, cpu));
	}
}

TEST_F(access, fault_changes_nothing)
{
	struct vmstore_op op = vt_load(self->space, VA + NR * VT_PAGE, 8, 0);

	EXPECT_EQ(-EFAULT, vt_refused(self->fd, &op));
}

TEST_F(access, read_only_faults_on_write)
{
	__u64 va = VA + NR * VT_PAGE;
	struct vmstore_op op = RUN_OK(self->fd, vt_alloc());
	__u32 cpu;

	RUN_OK(self->fd, vt_map(self->cursor, op.out.id, VT_RO));
	for (cpu = 0; cpu < cpus_tried(&self->info); cpu++) {
		EXPECT_EQ(0, LOAD(self->space, va, 8, cpu));
		EXPECT_FAULT(VMSTORE_FAULT_PRESENT | VMSTORE_FAULT_WRITE,
			     vt_write(self->space, va, 8, 0x4711, cpu));
		EXPECT_EQ(0, LOAD(self->space, va, 8, cpu));
	}
	RUN_OK(self->fd, vt_jump(self->cursor, va));
	op = RUN_OK(self->fd, vt_peek(self->cursor));
	EXPECT_FALSE(op.out.query.prop.flags & VMSTORE_PROP_DIRTY);
}

/* Below, at and above what user accesses may reach [1.2] */
TEST_F(access, address_refused)
{
	static const __u64 bad[] = {
		VMSTORE_MAX_USERSPACE_VADDR, VMSTORE_USER_END - 8, VMSTORE_USER_END,
		0x0001000000000000, 0x8000000000000000, 0xffff7ffffffffff8,
		VMSTORE_KVIRT_BASE - 8, VMSTORE_KVIRT_END,
		0xffff888000000000, 0xffffffff81000000, -8ULL,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct vmstore_op op = vt_load(self->space, bad[i], 8, 0);

		EXPECT_EQ(-EACCES, vt_refused(self->fd, &op))
			TH_LOG("load %#llx", bad[i]);
		EXPECT_EQ(0, op.out.access.fault);
		op = vt_write(self->space, bad[i], 1, 1, 0);
		EXPECT_EQ(-EACCES, vt_refused(self->fd, &op))
			TH_LOG("store %#llx", bad[i]);
	}
}

/* Where areas may be and none is, nothing is mapped: also right behind the linear window */
TEST_F(access, no_area_there)
{
	const __u64 empty[] = {
		VMSTORE_KVIRT_BASE, VMSTORE_KVIRT_END - 8,
		VMSTORE_KVIRT_BASE + self->info.out_region_size - VT_PAGE,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(empty); i++) {
		EXPECT_FAULT(0, vt_load(self->space, empty[i], 8, 0));
		EXPECT_FAULT(VMSTORE_FAULT_WRITE, vt_write(self->space, empty[i], 1, 1, 0));
	}
}

/* The last user page can be mapped and never accessed */
TEST_F(access, top_user_page)
{
	__u64 va = VMSTORE_MAX_USERSPACE_VADDR;
	__u64 id = RUN_OK(self->fd, vt_open_mut(self->space, va - VT_PAGE,
						VMSTORE_USER_END)).out.id;
	int i;

	for (i = 0; i < 2; i++)
		RUN_OK(self->fd, vt_map(id, RUN_OK(self->fd, vt_alloc()).out.id, VT_RW));
	RUN_OK(self->fd, vt_write(self->space, va - 8, 8, 1, 0));
	RUN_ERR(self->fd, EACCES, vt_load(self->space, va, 8, 0));
	RUN_ERR(self->fd, EACCES, vt_write(self->space, va + VT_PAGE - 8, 8, 1, 0));
}

/* --- after a change -------------------------------------------------------- */

TEST_F(access, after_unmap)
{
	__u32 cpus = cpus_tried(&self->info), cpu;

	RUN_OK(self->fd, vt_activate(self->space, 0));
	for (cpu = 0; cpu < cpus; cpu++)
		RUN_OK(self->fd, vt_load(self->space, VA + VT_PAGE, 8, cpu));
	RUN_OK(self->fd, vt_jump(self->cursor, VA + VT_PAGE));
	RUN_OK(self->fd, vt_unmap(self->cursor, VT_PAGE));
	/* Dispatched, not waited for: the flush is what waits */
	RUN_OK(self->fd, vt_flush(self->cursor, VA + VT_PAGE, VT_PAGE));
	for (cpu = 0; cpu < cpus; cpu++) {
		EXPECT_FAULT(0, vt_load(self->space, VA + VT_PAGE, 8, cpu));
		RUN_OK(self->fd, vt_load(self->space, VA, 8, cpu));
		RUN_OK(self->fd, vt_load(self->space, VA + 2 * VT_PAGE, 8, cpu));
	}
	RUN_OK(self->fd, vt_activate(0, 0));
}

TEST_F(access, after_unmap_of_tables)
{
	__u32 cpus = cpus_tried(&self->info), cpu;

	for (cpu = 0; cpu < cpus; cpu++) {
		RUN_OK(self->fd, vt_activate(self->space, cpu));
		RUN_OK(self->fd, vt_load(self->space, VA, 8, cpu));
	}
	RUN_OK(self->fd, vt_jump(self->cursor, VA));
	RUN_OK(self->fd, vt_unmap(self->cursor, VT_1G));
	RUN_OK(self->fd, vt_reap());
	for (cpu = 0; cpu < cpus; cpu++) {
		EXPECT_FAULT(0, vt_load(self->space, VA, 8, cpu));
		RUN_OK(self->fd, vt_activate(0, cpu));
	}
}

TEST_F(access, after_protect)
{
	__u32 cpus = cpus_tried(&self->info), cpu;

	for (cpu = 0; cpu < cpus; cpu++)
		RUN_OK(self->fd, vt_write(self->space, VA, 8, cpu, cpu));
	RUN_OK(self->fd, vt_jump(self->cursor, VA));
	RUN_OK(self->fd, vt_protect(self->cursor, VT_PAGE, vt_prop(0, 0, 0),
				    vt_prop(VMSTORE_PROP_W, 0, 0)));
	RUN_OK(self->fd, vt_flush(self->cursor, VA, VT_PAGE));
	for (cpu = 0; cpu < cpus; cpu++) {
		EXPECT_FAULT(VMSTORE_FAULT_PRESENT | VMSTORE_FAULT_WRITE,
			     vt_write(self->space, VA, 8, 4711, cpu));
		EXPECT_EQ(cpus - 1, LOAD(self->space, VA, 8, cpu));
	}
	/* And back */
	RUN_OK(self->fd, vt_jump(self->cursor, VA));
	RUN_OK(self->fd, vt_protect(self->cursor, VT_PAGE, vt_prop(VMSTORE_PROP_W, 0, 0),
				    vt_prop(VMSTORE_PROP_W, 0, 0)));
	RUN_OK(self->fd, vt_flush(self->cursor, 0, 0));
	for (cpu = 0; cpu < cpus; cpu++)
		RUN_OK(self->fd, vt_write(self->space, VA, 8, cpu, cpu));
}

/* With the space active everywhere */
TEST_F(access, after_protect_active)
{
	__u32 cpus = cpus_tried(&self->info), cpu;

	for (cpu = 0; cpu < cpus; cpu++) {
		RUN_OK(self->fd, vt_activate(self->space, cpu));
		RUN_OK(self->fd, vt_write(self->space, VA, 8, cpu, cpu));
	}
	RUN_OK(self->fd, vt_jump(self->cursor, VA));
	RUN_OK(self->fd, vt_protect(self->cursor, VT_PAGE, vt_prop(0, 0, 0),
				    vt_prop(VMSTORE_PROP_W, 0, 0)));
	RUN_OK(self->fd, vt_flush(self->cursor, VA, VT_PAGE));
	for (cpu = 0; cpu < cpus; cpu++) {
		EXPECT_FAULT(VMSTORE_FAULT_PRESENT | VMSTORE_FAULT_WRITE,
			     vt_write(self->space, VA, 8, 4711, cpu));
		RUN_OK(self->fd, vt_activate(0, cpu));
	}
}

/* The frame put over another is what every CPU sees once it is flushed */
TEST_F(access, after_replace)
{
	__u32 cpus = cpus_tried(&self->info), cpu;
	struct vmstore_op op = RUN_OK(self->fd, vt_alloc());

	RUN_OK(self->fd, vt_write(self->space, VA, 8, 111, 0));
	RUN_OK(self->fd, vt_write(self->space, VMSTORE_KERNEL_BASE + op.out.frame.paddr, 8,
				  222, 0));
	for (cpu = 0; cpu < cpus; cpu++) {
		RUN_OK(self->fd, vt_activate(self->space, cpu));
		EXPECT_EQ(111, LOAD(self->space, VA, 8, cpu));
	}
	RUN_OK(self->fd, vt_jump(self->cursor, VA));
	RUN_OK(self->fd, vt_map(self->cursor, op.out.id, VT_RW));
	RUN_OK(self->fd, vt_flush(self->cursor, VA, VT_PAGE));
	for (cpu = 0; cpu < cpus; cpu++) {
		EXPECT_EQ(222, LOAD(self->space, VA, 8, cpu));
		RUN_OK(self->fd, vt_activate(0, cpu));
	}
}

/*
 * Map and Unmap have dispatched their flush themselves: once it is waited for, no CPU
 * reaches what was there, although nobody asked for a flush [Tl9, Tl11]
 */
TEST_F(access, after_change_and_reap)
{
	__u32 cpus = cpus_tried(&self->info), cpu;
	struct vmstore_op op = RUN_OK(self->fd, vt_alloc());

	RUN_OK(self->fd, vt_write(self->space, VA, 8, 111, 0));
	for (cpu = 0; cpu < cpus; cpu++) {
		RUN_OK(self->fd, vt_activate(self->space, cpu));
		EXPECT_EQ(111, LOAD(self->space, VA, 8, cpu));
		RUN_OK(self->fd, vt_load(self->space, VA + VT_PAGE, 8, cpu));
	}
	RUN_OK(self->fd, vt_jump(self->cursor, VA));
	RUN_OK(self->fd, vt_map(self->cursor, op.out.id, VT_RW));
	RUN_OK(self->fd, vt_unmap(self->cursor, VT_PAGE));
	RUN_OK(self->fd, vt_reap());
	for (cpu = 0; cpu < cpus; cpu++) {
		EXPECT_EQ(0, LOAD(self->space, VA, 8, cpu));
		EXPECT_FAULT(0, vt_load(self->space, VA + VT_PAGE, 8, cpu));
		RUN_OK(self->fd, vt_activate(0, cpu));
	}
}

/* A frame that has a new owner is reached by no old translation [T5] */
TEST_F(access, reused_frame_is_out_of_reach)
{
	__u32 cpus = cpus_tried(&self->info), cpu;
	__u64 alias = VMSTORE_KERNEL_BASE + self->paddr[0];
	int round;

	for (cpu = 0; cpu < cpus; cpu++) {
		RUN_OK(self->fd, vt_activate(self->space, cpu));
		RUN_OK(self->fd, vt_write(self->space, VA, 8, 1, cpu));
	}
	for (round = 0; round < 2; round++) {
		RUN_OK(self->fd, vt_jump(self->cursor, VA));
		if (!round) {
			/* Another frame over it; asking for the old one reaps */
			RUN_OK(self->fd, vt_map(self->cursor,
						RUN_OK(self->fd, vt_alloc()).out.id, VT_RW));
			RUN_OK(self->fd, vt_from_unused(self->paddr[0]));
		} else {
			RUN_OK(self->fd, vt_unmap(self->cursor, VT_PAGE));
		}
		RUN_OK(self->fd, vt_write(self->space, alias, 8, 0x5ec4e7, 0));
		for (cpu = 0; cpu < cpus; cpu++) {
			struct vmstore_op op = vt_write(self->space, VA, 8, cpu, cpu);
			int err = vt_run1(self->fd, &op);

			EXPECT_TRUE(!err || (round && err == -EFAULT));
			EXPECT_EQ(0x5ec4e7, LOAD(self->space, alias, 8, cpu));
		}
	}
	for (cpu = 0; cpu < cpus; cpu++)
		RUN_OK(self->fd, vt_activate(0, cpu));
}

/* --- accessed and dirty bits ----------------------------------------------- */

static __u32 leaf_flags(int fd, __u64 va)
{
	struct vt_sec sec;
	__u32 flags = 0;
	size_t i;

	if (vt_dump(fd, VMSTORE_DUMP_LEAVES, 1 << 16, &sec))
		return 0;
	for (i = 0; i < sec.nr; i++) {
		struct vmstore_rec_leaves *rec = (void *)sec.data;

		rec += i;
		if (va >= rec->va && va < rec->va + rec->nr * VT_PAGE)
			flags = rec->prop.flags;
	}
	vt_sec_free(&sec);
	return flags;
}

TEST_F(access, sets_accessed_dirty)
{
	__u32 ad = VMSTORE_PROP_ACCESSED | VMSTORE_PROP_DIRTY;
	struct vmstore_op op;

	/* What is mapped with the bits clear has at most what a CPU may guess */
	EXPECT_FALSE(leaf_flags(self->fd, VA) & VMSTORE_PROP_DIRTY);
	RUN_OK(self->fd, vt_load(self->space, VA, 8, 0));
	EXPECT_EQ(VMSTORE_PROP_ACCESSED, leaf_flags(self->fd, VA) & ad);
	RUN_OK(self->fd, vt_write(self->space, VA + VT_PAGE, 8, 1, 0));
	EXPECT_EQ(ad, leaf_flags(self->fd, VA + VT_PAGE) & ad);
	RUN_OK(self->fd, vt_jump(self->cursor, VA));
	op = RUN_OK(self->fd, vt_peek(self->cursor));
	EXPECT_EQ(VMSTORE_PROP_ACCESSED, op.out.query.prop.flags & ad);
	RUN_OK(self->fd, vt_jump(self->cursor, VA + VT_PAGE));
	op = RUN_OK(self->fd, vt_peek(self->cursor));
	EXPECT_EQ(ad, op.out.query.prop.flags & ad);
	/* A store after a load sets dirty too */
	RUN_OK(self->fd, vt_write(self->space, VA, 8, 1, 0));
	EXPECT_EQ(ad, leaf_flags(self->fd, VA) & ad);
	EXPECT_EQ(0, vt_check(self->fd));
}

/* --- the linear window ----------------------------------------------------- */

/* Region offset i is at the base + i: another way to the same bytes [D16] */
TEST_F(access, linear_alias)
{
	__u32 cpus = cpus_tried(&self->info);
	int i;

	for (i = 0; i < NR; i++) {
		__u64 va = VA + i * VT_PAGE + 8 * i;
		__u64 alias = VMSTORE_KERNEL_BASE + self->paddr[i] + 8 * i;

		RUN_OK(self->fd, vt_write(self->space, va, 8, 1000 + i, i % cpus));
		EXPECT_EQ(1000 + i, LOAD(self->space, alias, 8, (i + 1) % cpus));
		RUN_OK(self->fd, vt_write(self->space, alias, 4, 2000 + i, i % cpus));
		EXPECT_EQ(2000 + i, LOAD(self->space, va, 8, (i + 1) % cpus));
	}
	/* No leaf of the model: nothing became accessed by it */
	EXPECT_EQ(0, vt_check(self->fd));
}

TEST_F(access, linear_refused)
{
	__u64 base = VMSTORE_KERNEL_BASE;
	__u64 root = vt_space_rec(self->fd, self->space).root;
	__u64 freed;
	struct vmstore_op op;

	/* A node must never be written, nor read, through the window */
	RUN_ERR(self->fd, EACCES, vt_load(self->space, base + root, 8, 0));
	RUN_ERR(self->fd, EACCES, vt_write(self->space, base + root, 8, ~0ULL, 0));
	RUN_ERR(self->fd, EACCES, vt_load(self->space, base + vt_free_paddr(self->fd), 8, 0));
	RUN_ERR(self->fd, EACCES,
		vt_load(self->space, base + self->info.out_region_size, 8, 0));
	RUN_ERR(self->fd, EACCES, vt_load(self->space, VMSTORE_KVIRT_BASE - VT_PAGE, 8, 0));
	/* Freed is free, whatever was there */
	op = RUN_OK(self->fd, vt_alloc());
	freed = op.out.frame.paddr;
	RUN_OK(self->fd, vt_write(self->space, base + freed, 8, 1, 0));
	RUN_OK(self->fd, vt_frame_drop(op.out.id));
	RUN_ERR(self->fd, EACCES, vt_load(self->space, base + freed, 8, 0));
}

/* Every node of the tables, the one of the kernel half too */
TEST_F(access, linear_refuses_every_node)
{
	struct vt_sec sec;
	size_t i;

	ASSERT_EQ(0, vt_dump(self->fd, VMSTORE_DUMP_NODES, 1 << 16, &sec));
	EXPECT_LT(4, sec.nr);
	for (i = 0; i < sec.nr; i++) {
		struct vmstore_rec_node *rec = (void *)sec.data;

		RUN_ERR(self->fd, EACCES,
			vt_write(self->space, VMSTORE_KERNEL_BASE + rec[i].paddr, 8, 0, 0));
	}
	vt_sec_free(&sec);
}

TEST_F(access, linear_refuses_mmio)
{
	struct vmstore_setup setup = {
		.size = sizeof(setup),
		.region_size = VT_SMALL,
		.mmio_size = VT_2M,
		.machine = variant->machine,
	};
	struct vmstore_op op = vt_space_new();
	int fd = vt_open();

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, vt_ioctl(fd, VMSTORE_SETUP, &setup));
	ASSERT_EQ(0, vt_run1(fd, &op));
	op = vt_load(op.out.id, VMSTORE_KERNEL_BASE + VT_2M, 8, 0);
	EXPECT_EQ(-EACCES, vt_run1(fd, &op));
	EXPECT_EQ(0, close(fd));
}

/* --- spaces ---------------------------------------------------------------- */

/* The same address of two spaces leads to two frames, active or not */
TEST_F(access, two_spaces)
{
	__u32 cpus = cpus_tried(&self->info), cpu, round;
	__u64 two = RUN_OK(self->fd, vt_space_new()).out.id;
	__u64 id = RUN_OK(self->fd, vt_open_mut(two, VA, VA + VT_2M)).out.id;

	RUN_OK(self->fd, vt_map(id, RUN_OK(self->fd, vt_alloc()).out.id, VT_RW));
	RUN_OK(self->fd, vt_write(self->space, VA, 8, 1, 0));
	RUN_OK(self->fd, vt_write(two, VA, 8, 2, 0));
	for (round = 0; round < 3; round++) {
		for (cpu = 0; cpu < cpus; cpu++) {
			EXPECT_EQ(1, LOAD(self->space, VA, 8, cpu));
			EXPECT_EQ(2, LOAD(two, VA, 8, cpu));
			/* Only one of them has a second page */
			RUN_OK(self->fd, vt_load(self->space, VA + VT_PAGE, 8, cpu));
			EXPECT_FAULT(0, vt_load(two, VA + VT_PAGE, 8, cpu));
			RUN_OK(self->fd, vt_activate(round ? 0 : two, cpu));
		}
	}
}

/* A space that reuses the memory of a dropped one sees nothing of it */
TEST_F(access, space_after_space)
{
	__u32 cpus = cpus_tried(&self->info), cpu;
	int round;

	for (round = 0; round < 4; round++) {
		__u64 space = RUN_OK(self->fd, vt_space_new()).out.id;
		__u64 id = RUN_OK(self->fd, vt_open_mut(space, VA, VA + VT_2M)).out.id;

		for (cpu = 0; cpu < cpus; cpu++)
			EXPECT_FAULT(0, vt_load(space, VA, 8, cpu));
		RUN_OK(self->fd, vt_map(id, RUN_OK(self->fd, vt_alloc()).out.id, VT_RW));
		for (cpu = 0; cpu < cpus; cpu++) {
			RUN_OK(self->fd, vt_activate(space, cpu));
			RUN_OK(self->fd, vt_write(space, VA, 8, round, cpu));
			RUN_OK(self->fd, vt_activate(0, cpu));
		}
		RUN_OK(self->fd, vt_cursor_drop(id));
		RUN_OK(self->fd, vt_space_drop(space));
	}
}

/* Pages without USER are the kernel's, and it is the kernel that looks */
TEST_F(access, supervisor_page)
{
	__u64 va = VA + NR * VT_PAGE;

	RUN_OK(self->fd, vt_map(self->cursor, RUN_OK(self->fd, vt_alloc()).out.id,
				vt_prop(VMSTORE_PROP_R | VMSTORE_PROP_W, 0, 0)));
	RUN_OK(self->fd, vt_write(self->space, va, 8, 4711, 0));
	EXPECT_EQ(4711, LOAD(self->space, va, 8, 0));
}

TEST_HARNESS_MAIN
