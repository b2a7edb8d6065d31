// SPDX-License-Identifier: GPL-2.0-only
/*
 * The flusher as operations: issue, dispatch, sync, a flush of one CPU, and what maps or
 * unmaps and leaves its requests pending [O-Flusher, Tl1 to Tl7, Tl9 to Tl11].
 *
 * That a CPU does use what nobody flushed is not demanded here: a real one may drop it at
 * any time. That none does after the flush, and that nothing is reused before it, is.
 */
#include <signal.h>
#include <sys/wait.h>

#include "vmstore_test.h"

#define VA	0x40000000ULL
#define PAGES	64
#define COLLAPSED	33	/* out.tlb.pending: one request for everything */

FIXTURE(tlb) {
	int fd;
	struct vmstore_info info;
	__u64 space;
	__u64 cursor;		/* mutable, over PAGES pages, the first one mapped */
	__u64 paddr;		/* of that one */
	__u32 cpus;		/* the space is active on these first ones */
	__u64 active;		/* as a set of bits */
};

FIXTURE_VARIANT(tlb) {
	__u32 machine;
	__u32 mode;
};

FIXTURE_VARIANT_ADD(tlb, default_full) {
	.machine = VMSTORE_MACHINE_DEFAULT,
	.mode = VMSTORE_CHECK_FULL,
};

FIXTURE_VARIANT_ADD(tlb, default_step) {
	.machine = VMSTORE_MACHINE_DEFAULT,
	.mode = VMSTORE_CHECK_STEP,
};

FIXTURE_VARIANT_ADD(tlb, default_off) {
	.machine = VMSTORE_MACHINE_DEFAULT,
	.mode = VMSTORE_CHECK_OFF,
};

FIXTURE_VARIANT_ADD(tlb, soft_full) {
	.machine = VMSTORE_MACHINE_SOFT,
	.mode = VMSTORE_CHECK_FULL,
};

FIXTURE_SETUP(tlb)
{
	const char *reason = vt_skip_reason(variant->machine);
	struct vmstore_op frame;
	__u32 cpu;

	self->fd = -1;
	if (reason)
		SKIP(return, "%s", reason);
	self->fd = vt_store(variant->machine, variant->mode, VT_SMALL);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, vt_info(self->fd, &self->info));
	self->space = RUN_OK(self->fd, vt_space_new()).out.id;
	self->cursor = RUN_OK(self->fd, vt_open_mut(self->space, VA,
						    VA + PAGES * VT_PAGE)).out.id;
	frame = RUN_OK(self->fd, vt_alloc());
	self->paddr = frame.out.frame.paddr;
	RUN_OK(self->fd, vt_map(self->cursor, frame.out.id, VT_RW));
	self->cpus = self->info.out_machine_caps & VMSTORE_CAP_REMOTE ? 2 : 1;
	self->active = (1 << self->cpus) - 1;
	for (cpu = 0; cpu < self->cpus; cpu++)
		RUN_OK(self->fd, vt_activate(self->space, cpu));
	for (cpu = 0; cpu < self->cpus; cpu++)
		RUN_OK(self->fd, vt_load(self->space, VA, 8, cpu));
}

FIXTURE_TEARDOWN(tlb)
{
	if (self->fd < 0)
		return;
	EXPECT_EQ(0, vt_settled(self->fd));
	EXPECT_EQ(0, close(self->fd));
}

static struct vmstore_op everything(struct vmstore_op op)
{
	op.flags |= VMSTORE_OPF_ALL;
	return op;
}

static struct vmstore_op deferred(struct vmstore_op op)
{
	op.flags |= VMSTORE_OPF_DEFER;
	return op;
}

/* The outcome of one of the four operations on the queue; @id is never set */
#define TLB(what) ({							\
	struct vmstore_op _tlb = RUN_OK(self->fd, what);		\
									\
	EXPECT_EQ(0, _tlb.out.tlb.id);					\
	_tlb.out.tlb; })

#define PENDING_AFTER(what) ({						\
	__u32 _pending = TLB(what).pending;				\
									\
	_pending; })

#define ISSUE(va, len)	PENDING_AFTER(vt_issue(self->cursor, va, len))
#define ISSUE_ALL()	PENDING_AFTER(everything(vt_issue(self->cursor, 0, 0)))
#define PENDING()	(vt_cursor_rec(self->fd, self->cursor).pending)

/* Who was asked, and nothing is pending then */
#define DISPATCH() ({							\
	struct vmstore_out_tlb _sent = TLB(vt_dispatch(self->cursor));	\
									\
	EXPECT_EQ(0, _sent.pending);					\
	EXPECT_EQ(0, _sent.waited);					\
	_sent.asked; })

/* It cannot have waited for more than were asked */
#define SYNC() do {							\
	struct vmstore_out_tlb _done = TLB(vt_sync(self->cursor));	\
									\
	EXPECT_EQ(0, _done.asked);					\
	EXPECT_LE(_done.waited, self->cpus);				\
} while (0)

/* Unmapped, and nobody was asked */
#define UNMAP_DEFERRED() do {						\
	RUN_OK(self->fd, vt_jump(self->cursor, VA));			\
	EXPECT_EQ(1, RUN_OK(self->fd, deferred(vt_unmap(self->cursor,	\
			VT_PAGE))).out.unmap.removed);			\
} while (0)

#define EXPECT_KEPT()	EXPECT_EQ(1, vt_slot(self->fd, self->paddr).rc)

#define EXPECT_FREE()							\
	EXPECT_EQ(VMSTORE_RC_UNUSED, vt_slot(self->fd, self->paddr).rc)

/* No CPU reaches the page any more */
#define EXPECT_GONE() do {						\
	__u32 _cpu;							\
									\
	for (_cpu = 0; _cpu < self->cpus; _cpu++)			\
		RUN_ERR(self->fd, EFAULT, vt_load(self->space, VA, 8, _cpu));	\
} while (0)

/* --- the queue ------------------------------------------------------------------------ */

/* Tl2: 32 requests are as many, with the 33rd there is one for everything */
TEST_F(tlb, collapse)
{
	__u32 i;

	for (i = 1; i <= 32; i++)
		EXPECT_EQ(i, ISSUE(VA + i * VT_PAGE, VT_PAGE));
	EXPECT_EQ(32, PENDING());
	EXPECT_EQ(COLLAPSED, ISSUE(VA, VT_PAGE));
	EXPECT_EQ(COLLAPSED, ISSUE(VA, VT_PAGE));
	EXPECT_EQ(COLLAPSED, PENDING());
	EXPECT_EQ(self->active, DISPATCH());
	EXPECT_EQ(1, ISSUE(VA, VT_PAGE));
}

/* A range of 32 pages is one request, one of 33 is for everything */
TEST_F(tlb, long_range)
{
	EXPECT_EQ(1, ISSUE(VA, 32 * VT_PAGE));
	EXPECT_EQ(2, ISSUE(VA, VT_PAGE));
	EXPECT_EQ(COLLAPSED, ISSUE(VA, 33 * VT_PAGE));
	DISPATCH();
	EXPECT_EQ(COLLAPSED, ISSUE_ALL());
}

/* The range is of the space, not of the cursor; 0 to the end of the user half is one too */
TEST_F(tlb, any_range)
{
	EXPECT_EQ(1, ISSUE(0, VT_PAGE));
	EXPECT_EQ(2, ISSUE(VMSTORE_USER_END - VT_PAGE, VT_PAGE));
	EXPECT_EQ(COLLAPSED, ISSUE(0, VMSTORE_USER_END));
}

static void find_flushes(int fd, __u32 state, __u32 *nr, struct vmstore_rec_flush *last)
{
	const struct vmstore_rec_flush *rec;
	struct vt_sec sec;
	size_t i;

	*nr = 0;
	if (vt_dump(fd, VMSTORE_DUMP_FLUSHES, 1 << 12, &sec))
		return;
	rec = (void *)sec.data;
	for (i = 0; i < sec.nr; i++)
		if (rec[i].state == state) {
			++*nr;
			*last = rec[i];
		}
	vt_sec_free(&sec);
}

/* Tl3: nothing is sent, and a dump shows what is queued */
TEST_F(tlb, issue)
{
	struct vmstore_rec_flush rec = {};
	struct vmstore_info info;
	__u32 nr;

	ASSERT_EQ(0, vt_info(self->fd, &self->info));
	ISSUE(VA, 2 * VT_PAGE);
	find_flushes(self->fd, VMSTORE_FLUSH_PENDING, &nr, &rec);
	EXPECT_EQ(1, nr);
	EXPECT_EQ(self->cursor, rec.cursor);
	EXPECT_EQ(self->space, rec.space);
	EXPECT_EQ(VA, rec.start);
	EXPECT_EQ(VA + 2 * VT_PAGE, rec.end);
	EXPECT_EQ(0, rec.all);
	EXPECT_EQ(0, rec.cpus);
	ISSUE_ALL();
	find_flushes(self->fd, VMSTORE_FLUSH_PENDING, &nr, &rec);
	EXPECT_EQ(1, nr);
	EXPECT_EQ(1, rec.all);
	EXPECT_EQ(0, rec.end);
	ASSERT_EQ(0, vt_info(self->fd, &info));
	EXPECT_EQ(self->info.out_flush_ops + 2, info.out_flush_ops);
	EXPECT_EQ(self->info.out_dispatches, info.out_dispatches);
	EXPECT_EQ(self->info.out_ipis, info.out_ipis);
}

/* Tl4: asked are exactly the CPUs on which the space is active, and once */
TEST_F(tlb, dispatch)
{
	struct vmstore_info info;

	ASSERT_EQ(0, vt_info(self->fd, &self->info));
	ISSUE(VA, VT_PAGE);
	ISSUE(VA + VT_PAGE, VT_PAGE);
	EXPECT_EQ(self->active, DISPATCH());
	ASSERT_EQ(0, vt_info(self->fd, &info));
	EXPECT_EQ(self->info.out_dispatches + 1, info.out_dispatches);
	EXPECT_EQ(self->info.out_ipis + self->cpus, info.out_ipis);
	SYNC();
	RUN_OK(self->fd, vt_activate(0, 0));
	ISSUE(VA, VT_PAGE);
	EXPECT_EQ(self->active & ~1ULL, DISPATCH());
}

TEST_F(tlb, dispatch_nowhere)
{
	__u32 cpu;

	for (cpu = 0; cpu < self->cpus; cpu++)
		RUN_OK(self->fd, vt_activate(0, cpu));
	UNMAP_DEFERRED();
	EXPECT_KEPT();
	EXPECT_EQ(0, DISPATCH());
	EXPECT_FREE();		/* nobody to wait for */
}

/* Nothing pending, nothing sent: both do nothing */
TEST_F(tlb, nothing)
{
	struct vmstore_info info;

	ASSERT_EQ(0, vt_info(self->fd, &self->info));
	EXPECT_EQ(0, DISPATCH());
	EXPECT_EQ(0, TLB(vt_sync(self->cursor)).waited);
	ASSERT_EQ(0, vt_info(self->fd, &info));
	EXPECT_EQ(self->info.out_dispatches, info.out_dispatches);
	EXPECT_EQ(self->info.out_ipis, info.out_ipis);
}

/* Tl6: when sync is over everybody has flushed, and what is pending is so still */
TEST_F(tlb, sync)
{
	struct vmstore_rec_flush rec;
	__u32 nr;

	UNMAP_DEFERRED();
	DISPATCH();
	ISSUE(VA, VT_PAGE);
	EXPECT_EQ(1, TLB(vt_sync(self->cursor)).pending);
	EXPECT_GONE();
	EXPECT_EQ(1, PENDING());
	find_flushes(self->fd, VMSTORE_FLUSH_SENT, &nr, &rec);
	EXPECT_EQ(0, nr);
	EXPECT_EQ(0, TLB(vt_sync(self->cursor)).waited);
}

/* What was dispatched is shown with who has not flushed it yet, if anybody has not */
TEST_F(tlb, dump_sent)
{
	struct vmstore_rec_flush rec = { .cpus = 1 };
	__u32 nr;

	ISSUE(VA, VT_PAGE);
	DISPATCH();
	find_flushes(self->fd, VMSTORE_FLUSH_SENT, &nr, &rec);
	EXPECT_LE(nr, 1);
	EXPECT_NE(0, rec.cpus);
	EXPECT_EQ(0, rec.cpus & ~self->active);
	SYNC();
}

/* Tl9: a change of properties is flushed by who wants it seen */
TEST_F(tlb, protect)
{
	struct vmstore_prop w = vt_prop(VMSTORE_PROP_W, 0, 0), none = vt_prop(0, 0, 0);
	__u32 cpu;

	RUN_OK(self->fd, vt_jump(self->cursor, VA));
	RUN_OK(self->fd, vt_protect(self->cursor, VT_PAGE, none, w));
	EXPECT_EQ(0, PENDING());
	ISSUE(VA, VT_PAGE);
	DISPATCH();
	SYNC();
	for (cpu = 0; cpu < self->cpus; cpu++)
		RUN_ERR(self->fd, EFAULT, vt_write(self->space, VA, 8, 1, cpu));
}

/* --- issue_with ----------------------------------------------------------------------- */

/* Tl3, Tl7: the frame is the queue's until all have flushed, and counts in H */
TEST_F(tlb, issue_with)
{
	__u64 frame = RUN_OK(self->fd, vt_from_in_use(self->paddr)).out.id;
	struct vt_sec sec;

	EXPECT_EQ(1, TLB(vt_issue_with(self->cursor, frame, VA, VT_PAGE)).pending);
	RUN_ERR(self->fd, ENOENT, vt_frame_drop(frame));
	EXPECT_EQ(2, vt_slot(self->fd, self->paddr).rc);
	EXPECT_EQ(0, vt_check(self->fd));
	ASSERT_EQ(0, vt_dump(self->fd, VMSTORE_DUMP_TLB, 1 << 12, &sec));
	EXPECT_EQ(1, sec.nr);
	if (sec.nr == 1) {
		const struct vmstore_rec_gathered *rec = (void *)sec.data;

		EXPECT_EQ(self->paddr, rec->paddr);
		EXPECT_EQ(self->cursor, rec->cursor);
		EXPECT_EQ(0, rec->node);
		EXPECT_EQ(0, rec->flushed);
	}
	vt_sec_free(&sec);
	SYNC();		/* of nothing */
	EXPECT_EQ(2, vt_slot(self->fd, self->paddr).rc);
	DISPATCH();
	SYNC();
	EXPECT_EQ(1, vt_slot(self->fd, self->paddr).rc);
}

/* The last reference: not free, and nobody's, until the flush */
TEST_F(tlb, issue_with_last)
{
	struct vmstore_op got = RUN_OK(self->fd, vt_alloc());
	__u64 paddr = got.out.frame.paddr;

	TLB(everything(vt_issue_with(self->cursor, got.out.id, 0, 0)));
	EXPECT_EQ(1, vt_slot(self->fd, paddr).rc);
	EXPECT_EQ(VMSTORE_USAGE_FRAME, vt_slot(self->fd, paddr).usage);
	EXPECT_EQ(1, RUN_OK(self->fd, vt_reap()).out.reap.frames_freed);
	EXPECT_EQ(VMSTORE_RC_UNUSED, vt_slot(self->fd, paddr).rc);
	EXPECT_EQ(0, PENDING());
}

/* D4: more than a queue holds; it is flushed when it is full, and goes on */
TEST_F(tlb, issue_with_full)
{
	__u32 i;

	for (i = 0; i < 200; i++) {
		__u64 frame = RUN_OK(self->fd, vt_from_in_use(self->paddr)).out.id;

		TLB(vt_issue_with(self->cursor, frame, VA, VT_PAGE));
		ASSERT_LE(vt_slot(self->fd, self->paddr).rc, 65);
	}
	ASSERT_EQ(0, vt_info(self->fd, &self->info));
	EXPECT_EQ(200 % 64, self->info.out_gathered);
	EXPECT_EQ(200 % 64, PENDING());
	DISPATCH();
	SYNC();
	EXPECT_EQ(1, vt_slot(self->fd, self->paddr).rc);
}

/* --- what is refused -------------------------------------------------------------------- */

TEST_F(tlb, wrong_cursor)
{
	__u64 ro = RUN_OK(self->fd, vt_open_ro(self->space, 0, VT_PAGE)).out.id;
	__u64 frame = RUN_OK(self->fd, vt_alloc()).out.id;

	RUN_ERR(self->fd, EINVAL, vt_issue(ro, VA, VT_PAGE));
	RUN_ERR(self->fd, EINVAL, vt_issue_with(ro, frame, VA, VT_PAGE));
	RUN_ERR(self->fd, EINVAL, vt_dispatch(ro));
	RUN_ERR(self->fd, EINVAL, vt_sync(ro));
	RUN_ERR(self->fd, ENOENT, vt_issue(99, VA, VT_PAGE));
	RUN_ERR(self->fd, ENOENT, vt_issue_with(99, frame, VA, VT_PAGE));
	RUN_ERR(self->fd, ENOENT, vt_issue_with(self->cursor, 99, VA, VT_PAGE));
	RUN_ERR(self->fd, ENOENT, vt_dispatch(99));
	RUN_ERR(self->fd, ENOENT, vt_sync(99));
	RUN_ERR(self->fd, ENOENT, vt_flush_local(99, VA, VT_PAGE, 0));
	RUN_ERR(self->fd, ENOENT, vt_flush_local(0, VA, VT_PAGE, 0));
}

static const struct {
	__u64 va, len;
	__u16 flags;
	int err;
} bad[] = {
	{ VA, 0, 0, EINVAL },
	{ VA + 1, VT_PAGE, 0, EINVAL },
	{ VA, VT_PAGE - 1, 0, EINVAL },
	{ VA, VT_PAGE, VMSTORE_OPF_ALL, EINVAL },
	{ VA, 0, VMSTORE_OPF_ALL, EINVAL },
	{ VMSTORE_USER_END, VT_PAGE, 0, EACCES },
	{ VMSTORE_USER_END - VT_PAGE, 2 * VT_PAGE, 0, EACCES },
	{ VT_PAGE, -VT_PAGE, 0, EACCES },
	{ -2 * VT_PAGE, VT_PAGE, 0, EACCES },
};

TEST_F(tlb, wrong_range)
{
	__u64 frame = RUN_OK(self->fd, vt_alloc()).out.id;
	struct vmstore_op op;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		op = vt_issue(self->cursor, bad[i].va, bad[i].len);
		op.flags = bad[i].flags;
		RUN_ERR(self->fd, bad[i].err, op);
		op = vt_issue_with(self->cursor, frame, bad[i].va, bad[i].len);
		op.flags = bad[i].flags;
		RUN_ERR(self->fd, bad[i].err, op);
		op = vt_flush_local(self->space, bad[i].va, bad[i].len, 0);
		op.flags = bad[i].flags;
		RUN_ERR(self->fd, bad[i].err, op);
	}
	/* Only a queue knows nothing of the kernel half */
	RUN_ERR(self->fd, EACCES, vt_issue(self->cursor, VMSTORE_KVIRT_BASE, VT_PAGE));
	RUN_OK(self->fd, vt_flush_local(self->space, VMSTORE_KVIRT_BASE, VT_PAGE, 0));
	RUN_ERR(self->fd, EACCES, vt_flush_local(self->space, VMSTORE_KVIRT_END, VT_PAGE, 0));
}

TEST_F(tlb, wrong_flag)
{
	struct vmstore_prop w = vt_prop(VMSTORE_PROP_W, 0, 0);

	RUN_ERR(self->fd, EOPNOTSUPP, deferred(vt_issue(self->cursor, VA, VT_PAGE)));
	RUN_ERR(self->fd, EOPNOTSUPP, everything(vt_dispatch(self->cursor)));
	RUN_ERR(self->fd, EOPNOTSUPP, everything(vt_sync(self->cursor)));
	RUN_ERR(self->fd, EOPNOTSUPP, everything(vt_unmap(self->cursor, VT_PAGE)));
	RUN_ERR(self->fd, EOPNOTSUPP, deferred(vt_protect(self->cursor, VT_PAGE, w, w)));
	RUN_ERR(self->fd, EOPNOTSUPP, deferred(vt_flush(self->cursor, VA, VT_PAGE)));
	RUN_ERR(self->fd, EOPNOTSUPP, deferred(vt_cursor_drop(self->cursor)));
}

/* In a batch ids may be references */
TEST_F(tlb, references)
{
	struct vmstore_op ops[] = {
		vt_space_new(),
		vt_open_mut(VMSTORE_REF(0), VA, VA + VT_PAGE),
		vt_alloc(),
		vt_issue_with(VMSTORE_REF(1), VMSTORE_REF(2), VA, VT_PAGE),
		vt_issue(VMSTORE_REF(1), VA, VT_PAGE),
		vt_dispatch(VMSTORE_REF(1)),
		vt_sync(VMSTORE_REF(1)),
		vt_flush_local(VMSTORE_REF(0), VA, VT_PAGE, 0),
	};
	struct vmstore_run run = {};
	__u32 n = ARRAY_SIZE(ops);

	ASSERT_EQ(0, vt_run(self->fd, ops, n, 0, &run));
	EXPECT_EQ(n, run.out_ran);
	EXPECT_EQ(0, run.out_failed);
	EXPECT_EQ(1, ops[3].out.tlb.pending);
	EXPECT_EQ(2, ops[4].out.tlb.pending);
	EXPECT_EQ(0, ops[5].out.tlb.asked);
}

/* --- one CPU alone --------------------------------------------------------------------- */

/* Tl1: that CPU has nothing of the range; whoever else waits still waits */
TEST_F(tlb, flush_local)
{
	__u32 cpu = self->cpus - 1;
	struct vmstore_info info;

	UNMAP_DEFERRED();
	ASSERT_EQ(0, vt_info(self->fd, &self->info));
	RUN_OK(self->fd, vt_flush_local(self->space, VA, VT_PAGE, cpu));
	RUN_ERR(self->fd, EFAULT, vt_load(self->space, VA, 8, cpu));
	EXPECT_EQ(1, PENDING());
	EXPECT_KEPT();	/* flushed on one CPU */
	ASSERT_EQ(0, vt_info(self->fd, &info));
	EXPECT_EQ(self->info.out_flush_ops, info.out_flush_ops);
	EXPECT_EQ(self->info.out_ipis, info.out_ipis);
	EXPECT_EQ(self->active, DISPATCH());
	SYNC();
	EXPECT_FREE();
}

TEST_F(tlb, flush_local_all)
{
	__u32 cpu;

	UNMAP_DEFERRED();
	for (cpu = 0; cpu < self->cpus; cpu++)
		RUN_OK(self->fd, everything(vt_flush_local(self->space, 0, 0, cpu)));
	EXPECT_GONE();
	EXPECT_KEPT();	/* flushed everywhere, and nobody said so */
	/* More than 32 pages */
	RUN_OK(self->fd, vt_flush_local(self->space, 0, VMSTORE_USER_END, 0));
}

/* --- deferred -------------------------------------------------------------------------- */

TEST_F(tlb, unmap_deferred)
{
	UNMAP_DEFERRED();
	EXPECT_EQ(1, PENDING());
	EXPECT_EQ(0, vt_check(self->fd));
	EXPECT_KEPT();
	EXPECT_EQ(self->active, DISPATCH());
	SYNC();
	EXPECT_FREE();
	EXPECT_GONE();
}

TEST_F(tlb, map_deferred)
{
	struct vmstore_op got = RUN_OK(self->fd, vt_alloc()), op;
	__u32 cpu;

	RUN_OK(self->fd, vt_write(self->space, VMSTORE_KERNEL_BASE + got.out.frame.paddr, 8, 77,
				  0));
	RUN_OK(self->fd, vt_jump(self->cursor, VA));
	op = RUN_OK(self->fd, deferred(vt_map(self->cursor, got.out.id, VT_RW)));
	EXPECT_EQ(1, op.out.map.replaced);
	EXPECT_EQ(self->paddr, op.out.map.old_paddr);
	EXPECT_EQ(1, PENDING());
	/* Where nothing was, nothing is issued, and what is pending stays [Tl11] */
	got = RUN_OK(self->fd, vt_alloc());
	RUN_OK(self->fd, vt_map(self->cursor, got.out.id, VT_RW));
	EXPECT_EQ(1, PENDING());
	EXPECT_KEPT();
	DISPATCH();
	SYNC();
	for (cpu = 0; cpu < self->cpus; cpu++)
		EXPECT_EQ(77, RUN_OK(self->fd, vt_load(self->space, VA, 8,
						       cpu)).out.access.value);
	EXPECT_FREE();
}

TEST_F(tlb, map_many_deferred)
{
	__u64 frames[3], segment;
	int i;

	for (i = 0; i < 3; i++)
		frames[i] = RUN_OK(self->fd, vt_alloc()).out.id;
	RUN_OK(self->fd, vt_jump(self->cursor, VA));
	RUN_OK(self->fd, deferred(vt_map_frames(self->cursor, frames, 3, VT_RW)));
	EXPECT_EQ(1, PENDING());
	segment = RUN_OK(self->fd, vt_segment(VT_SMALL / 2, VT_SMALL / 2 + 3 * VT_PAGE)).out.id;
	RUN_OK(self->fd, vt_jump(self->cursor, VA));
	RUN_OK(self->fd, deferred(vt_map_segment(self->cursor, segment, VT_RW)));
	EXPECT_EQ(4, PENDING());
	ASSERT_EQ(0, vt_info(self->fd, &self->info));
	EXPECT_EQ(4, self->info.out_gathered);
}

/* A table that goes is one request for everything, and none of its frames is reused */
TEST_F(tlb, table_deferred)
{
	RUN_OK(self->fd, vt_cursor_drop(self->cursor));
	self->cursor = RUN_OK(self->fd, vt_open_mut(self->space, VA, VA + VT_1G)).out.id;
	EXPECT_EQ(1, RUN_OK(self->fd, deferred(vt_unmap(self->cursor,
							VT_2M))).out.unmap.nodes);
	EXPECT_EQ(COLLAPSED, PENDING());
	EXPECT_EQ(0, vt_check(self->fd));
	EXPECT_KEPT();	/* below a table that waits */
	DISPATCH();
	SYNC();
	EXPECT_GONE();
	RUN_OK(self->fd, vt_reap());
	EXPECT_FREE();
}

/* The other ends of what is pending */
TEST_F(tlb, deferred_then_undeferred)
{
	UNMAP_DEFERRED();
	RUN_OK(self->fd, vt_jump(self->cursor, VA));
	RUN_OK(self->fd, vt_unmap(self->cursor, VT_PAGE));
	EXPECT_EQ(0, PENDING());
	SYNC();
	EXPECT_FREE();
}

TEST_F(tlb, deferred_then_flush)
{
	UNMAP_DEFERRED();
	RUN_OK(self->fd, vt_flush(self->cursor, VA + VT_PAGE, VT_PAGE));
	EXPECT_EQ(0, PENDING());
	EXPECT_FREE();
	EXPECT_GONE();
}

TEST_F(tlb, deferred_then_reap)
{
	UNMAP_DEFERRED();
	EXPECT_EQ(1, RUN_OK(self->fd, vt_reap()).out.reap.frames_freed);
	EXPECT_EQ(0, PENDING());
	EXPECT_GONE();
}

TEST_F(tlb, deferred_then_drop)
{
	UNMAP_DEFERRED();
	RUN_OK(self->fd, vt_cursor_drop(self->cursor));
	RUN_OK(self->fd, vt_reap());
	EXPECT_FREE();
	EXPECT_GONE();
}

/* The very frame is wanted: flushed first, then handed out */
TEST_F(tlb, deferred_then_wanted)
{
	UNMAP_DEFERRED();
	RUN_OK(self->fd, vt_from_unused(self->paddr));
	EXPECT_EQ(0, PENDING());
	EXPECT_GONE();
}

/* No frame is left but the one that waits */
TEST_F(tlb, deferred_then_exhausted)
{
	struct vmstore_op op;
	__u64 paddr = 0;

	if (variant->mode == VMSTORE_CHECK_FULL)
		SKIP(return, "with a check of everything after each of some thousand operations");
	while (vt_free_slots(self->fd))
		RUN_OK(self->fd, vt_alloc());
	UNMAP_DEFERRED();
	for (op = vt_alloc(); !vt_run1(self->fd, &op); op = vt_alloc())
		paddr = op.out.frame.paddr;
	EXPECT_EQ(-ENOMEM, op.out_errno);
	EXPECT_EQ(self->paddr, paddr);
	EXPECT_EQ(0, PENDING());
	EXPECT_GONE();
}

/* Never more than a gather holds: one more flushes all of it first */
TEST_F(tlb, deferred_until_full)
{
	__u64 frame = RUN_OK(self->fd, vt_from_in_use(self->paddr)).out.id;
	__u32 i;

	RUN_OK(self->fd, vt_jump(self->cursor, VA));
	for (i = 0; i < 150; i++) {
		__u64 clone = RUN_OK(self->fd, vt_frame_clone(frame)).out.id;

		RUN_OK(self->fd, deferred(vt_map(self->cursor, clone, VT_RW)));
		RUN_OK(self->fd, vt_jump(self->cursor, VA));
		ASSERT_LE(vt_slot(self->fd, self->paddr).rc, 2 + 64);
	}
	ASSERT_EQ(0, vt_info(self->fd, &self->info));
	EXPECT_EQ(150 % 64, self->info.out_gathered);
	EXPECT_EQ(0, vt_check(self->fd));
}

/* --- the end with something pending --------------------------------------------------- */

static void leave_pending(int fd, __u64 space, __u64 cursor)
{
	struct vmstore_op ops[] = {
		vt_jump(cursor, VA),
		deferred(vt_unmap(cursor, VT_PAGE)),
		vt_alloc(),
		everything(vt_issue_with(cursor, VMSTORE_REF(2), 0, 0)),
		vt_dispatch(cursor),
		vt_alloc(),
		vt_issue_with(cursor, VMSTORE_REF(5), VA, VT_PAGE),
		vt_flush_local(space, VA, VT_PAGE, 0),
	};
	struct vmstore_run run = {};

	vt_run(fd, ops, ARRAY_SIZE(ops), 0, &run);
}

TEST_F(tlb, close_with_pending)
{
	leave_pending(self->fd, self->space, self->cursor);
	EXPECT_EQ(1, PENDING());
	EXPECT_EQ(0, close(self->fd));
	self->fd = -1;
}

/* A process that is killed closes its store, too */
TEST_F(tlb, killed_with_pending)
{
	int round, status, fds[2];
	pid_t pid;
	char c;

	for (round = 0; round < 10; round++) {
		ASSERT_EQ(0, pipe(fds));
		pid = fork();
		ASSERT_LE(0, pid);
		if (!pid) {
			close(fds[0]);
			leave_pending(self->fd, self->space, self->cursor);
			if (write(fds[1], "x", 1) != 1)
				_exit(1);
			for (;;)
				leave_pending(self->fd, self->space, self->cursor);
		}
		close(fds[1]);
		EXPECT_EQ(1, read(fds[0], &c, 1));
		kill(pid, SIGKILL);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_TRUE(WIFSIGNALED(status));
		close(fds[0]);
		EXPECT_EQ(0, vt_settled(self->fd));
	}
	leave_pending(self->fd, self->space, self->cursor);
	EXPECT_EQ(0, close(self->fd));
	self->fd = -1;
}

TEST_HARNESS_MAIN
