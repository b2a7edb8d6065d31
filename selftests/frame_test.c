// SPDX-License-Identifier: GPL-2.0-only
/* Frames and their handles: every errno, and what happens to the slot [5.4]. */
#include "store_fixture.h"

#define EXPECT_SLOT(want_rc, want_usage, paddr)	do {			\
	struct vmstore_rec_slots _s = vt_slot(self->fd, paddr);	\
									\
	EXPECT_EQ(want_rc, _s.rc);					\
	EXPECT_EQ(want_usage, _s.usage);				\
	EXPECT_EQ(_s.rc != VMSTORE_RC_UNUSED, _s.storage);		\
	EXPECT_EQ(_s.rc != VMSTORE_RC_UNUSED, _s.type);			\
	EXPECT_EQ(0, _s.in_list);					\
} while (0)

/* UNUSED -> 1, usage Frame, H + 1 [O-FrameFromUnused] */
TEST_F(store, from_unused)
{
	__u64 paddr = vt_free_paddr(self->fd);
	struct vmstore_op op;

	EXPECT_SLOT(VMSTORE_RC_UNUSED, VMSTORE_USAGE_UNUSED, paddr);
	op = RUN_OK(self->fd, vt_from_unused(paddr));
	EXPECT_EQ(1, op.out.frame.id);
	EXPECT_EQ(paddr, op.out.frame.paddr);
	EXPECT_SLOT(1, VMSTORE_USAGE_FRAME, paddr);
	EXPECT_EQ(0, vt_slot(self->fd, paddr).paths);
	EXPECT_EQ(1, vt_count(self->fd, VMSTORE_DUMP_FRAMES));
	EXPECT_EQ(self->info.out_free_slots - 1, vt_free_slots(self->fd));
	EXPECT_EQ(0, vt_accounting(self->fd));
}

/* NotAligned comes before OutOfBound */
TEST_F(store, from_unused_misaligned)
{
	__u64 size = self->info.out_region_size;

	RUN_ERR(self->fd, EINVAL, vt_from_unused(1));
	RUN_ERR(self->fd, EINVAL, vt_from_unused(vt_free_paddr(self->fd) + 8));
	RUN_ERR(self->fd, EINVAL, vt_from_unused(VT_PAGE - 1));
	RUN_ERR(self->fd, EINVAL, vt_from_unused(size + 1));
	RUN_ERR(self->fd, EINVAL, vt_from_unused(~0ULL));
}

/* Also addresses that a 32-bit slot index would wrap back into the region */
TEST_F(store, from_unused_out_of_bound)
{
	__u64 size = self->info.out_region_size;
	__u64 paddr = vt_free_paddr(self->fd);

	RUN_ERR(self->fd, ERANGE, vt_from_unused(size));
	RUN_ERR(self->fd, ERANGE, vt_from_unused(size + VT_PAGE));
	RUN_ERR(self->fd, ERANGE, vt_from_unused(paddr + (1ULL << 32)));
	RUN_ERR(self->fd, ERANGE, vt_from_unused(paddr + (1ULL << 44)));
	RUN_ERR(self->fd, ERANGE, vt_from_unused(1ULL << 63));
	RUN_ERR(self->fd, ERANGE, vt_from_unused(-VT_PAGE));
}

TEST_F(store, from_unused_in_use)
{
	__u64 paddr = RUN_OK(self->fd, vt_alloc()).out.frame.paddr;
	__u64 space = RUN_OK(self->fd, vt_space_new()).out.id;

	RUN_ERR(self->fd, EBUSY, vt_from_unused(paddr));
	/* A page-table node is in use as well */
	RUN_ERR(self->fd, EBUSY, vt_from_unused(vt_space_rec(self->fd, space).root));
}

/* rc + 1, H + 1, nothing else [O-FrameFromInUse] */
TEST_F(store, from_in_use)
{
	struct vmstore_op first = RUN_OK(self->fd, vt_alloc()), op;
	__u64 paddr = first.out.frame.paddr;
	__u64 i;

	for (i = 2; i <= 5; i++) {
		op = RUN_OK(self->fd, vt_from_in_use(paddr));
		EXPECT_EQ(first.out.id + i - 1, op.out.id);
		EXPECT_EQ(paddr, op.out.frame.paddr);
		EXPECT_SLOT(i, VMSTORE_USAGE_FRAME, paddr);
		EXPECT_EQ(i, vt_count(self->fd, VMSTORE_DUMP_FRAMES));
	}
	EXPECT_EQ(self->info.out_free_slots - 1, vt_free_slots(self->fd));
	EXPECT_EQ(0, vt_accounting(self->fd));
}

TEST_F(store, from_in_use_refused)
{
	__u64 size = self->info.out_region_size;
	__u64 paddr = vt_free_paddr(self->fd);
	__u64 space = RUN_OK(self->fd, vt_space_new()).out.id;
	__u64 node = vt_space_rec(self->fd, space).root;

	RUN_ERR(self->fd, EINVAL, vt_from_in_use(1));
	RUN_ERR(self->fd, EINVAL, vt_from_in_use(size + 1));
	RUN_ERR(self->fd, ERANGE, vt_from_in_use(size));
	RUN_ERR(self->fd, ERANGE, vt_from_in_use(node + (1ULL << 44)));
	RUN_ERR(self->fd, ERANGE, vt_from_in_use(-VT_PAGE));
	paddr = vt_free_paddr(self->fd);
	RUN_ERR(self->fd, ENOENT, vt_from_in_use(paddr));
	/* The model: success implies usage Frame. A node is Unused to this call */
	RUN_ERR(self->fd, ENOENT, vt_from_in_use(node));
}

/* A freed slot is Unused, whatever it was */
TEST_F(store, from_in_use_after_free)
{
	struct vmstore_op op = RUN_OK(self->fd, vt_alloc());

	RUN_OK(self->fd, vt_frame_drop(op.out.id));
	RUN_ERR(self->fd, ENOENT, vt_from_in_use(op.out.frame.paddr));
}

/* n -> n - 1, and 1 -> UNUSED with the storage gone [O-FrameDrop] */
TEST_F(store, drop)
{
	struct vmstore_op one = RUN_OK(self->fd, vt_alloc()), two, op;
	__u64 paddr = one.out.frame.paddr;

	two = RUN_OK(self->fd, vt_from_in_use(paddr));
	op = RUN_OK(self->fd, vt_frame_drop(one.out.id));
	EXPECT_EQ(0, op.out.drop.id);
	EXPECT_EQ(paddr, op.out.drop.paddr);
	EXPECT_EQ(0, op.out.drop.freed);
	EXPECT_SLOT(1, VMSTORE_USAGE_FRAME, paddr);
	op = RUN_OK(self->fd, vt_frame_drop(two.out.id));
	EXPECT_EQ(paddr, op.out.drop.paddr);
	EXPECT_EQ(1, op.out.drop.freed);
	/* Usage is sticky [1.5] */
	EXPECT_SLOT(VMSTORE_RC_UNUSED, VMSTORE_USAGE_FRAME, paddr);
	EXPECT_EQ(0, vt_count(self->fd, VMSTORE_DUMP_FRAMES));
	EXPECT_EQ(self->info.out_free_slots, vt_free_slots(self->fd));
}

TEST_F(store, drop_refused)
{
	__u64 id = RUN_OK(self->fd, vt_alloc()).out.id;

	RUN_ERR(self->fd, ENOENT, vt_frame_drop(0));
	RUN_ERR(self->fd, ENOENT, vt_frame_drop(id + 1));
	RUN_OK(self->fd, vt_frame_drop(id));
	RUN_ERR(self->fd, ENOENT, vt_frame_drop(id));
}

/* The free slot decides, not the usage it kept (D10) */
TEST_F(store, reuse_keeps_working)
{
	__u64 paddr = vt_free_paddr(self->fd);
	int i;

	for (i = 0; i < 20; i++) {
		struct vmstore_op op = RUN_OK(self->fd, vt_from_unused(paddr));

		EXPECT_EQ(i + 1, op.out.id);
		RUN_OK(self->fd, vt_frame_drop(op.out.id));
	}
	EXPECT_SLOT(VMSTORE_RC_UNUSED, VMSTORE_USAGE_FRAME, paddr);
}

/* A node's slot keeps PageTable when freed and becomes Frame with the next claim */
TEST_F(store, node_slot_becomes_frame)
{
	__u64 space = RUN_OK(self->fd, vt_space_new()).out.id;
	__u64 paddr = vt_space_rec(self->fd, space).root;

	EXPECT_SLOT(1, VMSTORE_USAGE_PAGETABLE, paddr);
	RUN_OK(self->fd, vt_space_drop(space));
	RUN_OK(self->fd, vt_reap());
	EXPECT_SLOT(VMSTORE_RC_UNUSED, VMSTORE_USAGE_PAGETABLE, paddr);
	RUN_OK(self->fd, vt_from_unused(paddr));
	EXPECT_SLOT(1, VMSTORE_USAGE_FRAME, paddr);
}

/* Whatever a frame held before, ALLOC hands it out zeroed */
TEST_F(store, alloc_zeroes)
{
	__u64 space = RUN_OK(self->fd, vt_space_new()).out.id;
	__u64 nr = vt_free_slots(self->fd), i;

	for (i = 0; i < nr; i++) {
		__u64 paddr = RUN_OK(self->fd, vt_alloc()).out.frame.paddr;
		__u64 va = VMSTORE_KERNEL_BASE + paddr;

		if (i % 64)
			continue;
		EXPECT_EQ(0, RUN_OK(self->fd, vt_load(space, va, 8, 0)).out.access.value);
		RUN_OK(self->fd, vt_write(space, va, 8, ~0ULL, 0));
		RUN_OK(self->fd, vt_write(space, va + VT_PAGE - 8, 8, ~0ULL, 0));
	}
	for (i = 1; i <= nr; i++)
		RUN_OK(self->fd, vt_frame_drop(i));
	for (i = 0; i < nr; i++) {
		__u64 va = VMSTORE_KERNEL_BASE +
			   RUN_OK(self->fd, vt_alloc()).out.frame.paddr;

		if (i % 8)
			continue;
		EXPECT_EQ(0, RUN_OK(self->fd, vt_load(space, va, 8, 0)).out.access.value);
		EXPECT_EQ(0, RUN_OK(self->fd, vt_load(space, va + VT_PAGE - 8, 8,
						      0)).out.access.value);
	}
}

static int paddr_cmp(const void *a, const void *b)
{
	const __u64 *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* All of the region can be had, each frame once, and given back */
TEST_F(store, exhaustion)
{
	__u64 nr = self->info.out_free_slots, last, i;
	__u64 *paddr = calloc(nr, sizeof(*paddr));
	struct vmstore_op op;

	ASSERT_NE(NULL, paddr);
	for (i = 0; i < nr; i++) {
		paddr[i] = RUN_OK(self->fd, vt_alloc()).out.frame.paddr;
		EXPECT_EQ(0, paddr[i] % VT_PAGE);
		EXPECT_LT(paddr[i], self->info.out_region_size);
	}
	EXPECT_EQ(0, vt_free_slots(self->fd));
	RUN_ERR(self->fd, ENOMEM, vt_alloc());
	RUN_ERR(self->fd, ENOMEM, vt_space_new());
	RUN_ERR(self->fd, EBUSY, vt_from_unused(paddr[0]));
	/* One back, one out: the very one */
	RUN_OK(self->fd, vt_frame_drop(nr / 2));
	op = RUN_OK(self->fd, vt_alloc());
	last = op.out.id;
	EXPECT_EQ(paddr[nr / 2 - 1], op.out.frame.paddr);
	RUN_ERR(self->fd, ENOMEM, vt_alloc());
	EXPECT_EQ(0, vt_accounting(self->fd));

	qsort(paddr, nr, sizeof(*paddr), paddr_cmp);
	for (i = 1; i < nr; i++)
		EXPECT_LT(paddr[i - 1], paddr[i]);
	EXPECT_EQ(nr, vt_count(self->fd, VMSTORE_DUMP_FRAMES));
	for (i = 1; i <= nr; i++)
		RUN_OK(self->fd, vt_frame_drop(i == nr / 2 ? last : i));
	EXPECT_EQ(self->info.out_free_slots, vt_free_slots(self->fd));
	RUN_OK(self->fd, vt_space_new());
	free(paddr);
}

/* --- device memory --------------------------------------------------------- */

FIXTURE(mmio) {
	int fd;
	struct vmstore_info info;
};

#define MMIO_PAGES	16

FIXTURE_SETUP(mmio)
{
	struct vmstore_setup setup = {
		.size = sizeof(setup),
		.region_size = VT_SMALL,
		.mmio_size = MMIO_PAGES * VT_PAGE,
		.check_mode = vt_check_mode(VMSTORE_CHECK_FULL),
	};
	const char *reason = vt_skip_reason(VMSTORE_MACHINE_DEFAULT);

	self->fd = -1;
	if (reason)
		SKIP(return, "%s", reason);
	self->fd = vt_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, vt_ioctl(self->fd, VMSTORE_SETUP, &setup));
	ASSERT_EQ(0, vt_info(self->fd, &self->info));
}

FIXTURE_TEARDOWN(mmio)
{
	if (self->fd < 0)
		return;
	EXPECT_EQ(0, vt_settled(self->fd));
	EXPECT_EQ(0, close(self->fd));
}

/* The tail is device memory, free for ever and never counted [1.5, R16, D17] */
TEST_F(mmio, tail)
{
	__u64 start = VT_SMALL - MMIO_PAGES * VT_PAGE;
	struct vmstore_rec_slots slot = vt_slot(self->fd, start);

	EXPECT_EQ(start, slot.paddr);
	EXPECT_EQ(MMIO_PAGES, slot.nr);
	EXPECT_EQ(VMSTORE_USAGE_MMIO, slot.usage);
	EXPECT_EQ(VMSTORE_RC_UNUSED, slot.rc);
	EXPECT_NE(VMSTORE_USAGE_MMIO, vt_slot(self->fd, start - VT_PAGE).usage);
}

TEST_F(mmio, refused)
{
	__u64 start = VT_SMALL - MMIO_PAGES * VT_PAGE;

	RUN_ERR(self->fd, EBUSY, vt_from_unused(start));
	RUN_ERR(self->fd, EBUSY, vt_from_unused(VT_SMALL - VT_PAGE));
	RUN_ERR(self->fd, ENOENT, vt_from_in_use(start));
	RUN_OK(self->fd, vt_from_unused(start - VT_PAGE));
}

TEST_F(mmio, never_allocated)
{
	__u64 start = VT_SMALL - MMIO_PAGES * VT_PAGE, i;

	for (i = 0; i < self->info.out_free_slots; i++)
		EXPECT_GT(start, RUN_OK(self->fd, vt_alloc()).out.frame.paddr);
	RUN_ERR(self->fd, ENOMEM, vt_alloc());
	EXPECT_EQ(VMSTORE_RC_UNUSED, vt_slot(self->fd, start).rc);
}

TEST_HARNESS_MAIN
