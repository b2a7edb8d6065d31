// SPDX-License-Identifier: GPL-2.0-only
/*
 * The flusher as operations [O-Flusher, Tl1 to Tl7, Tl9 to Tl11], and what maps or unmaps
 * and leaves its requests pending. The machine keeps what nobody flushes, and answers only
 * when somebody waits.
 */

#include <linux/string.h>

#include "step.h"
#include "fixture.h"

#define VA	0x40000000ULL
#define PAGES	64
#define OLD	0x1111111111111111ULL
#define NEW	0x2222222222222222ULL

/* A space that is active on both CPUs, a cursor, a page with OLD in it, cached on CPU 1 */
struct ops {
	struct fx fx;
	u64 space, c, paddr;
};

static int tlb_ops_init(struct kunit *test)
{
	static const struct vmstore_setup setup = {
		.size = sizeof(setup),
		.region_size = FX_REGION,
		.mmio_size = FX_MMIO,
		.machine = VMSTORE_MACHINE_SOFT,
		.nr_cpus = 3,
		.check_mode = VMSTORE_CHECK_FULL,
	};
	struct ops *x = kunit_kzalloc(test, sizeof(*x), GFP_KERNEL);
	struct vms_store *s;
	int err;

	if (!x)
		return -ENOMEM;
	err = fx_init_with(test, &x->fx, &setup);
	if (err)
		return err;
	s = x->fx.s;
	x->space = fx_space_new(test, s);
	x->c = fx_open(test, s, true, x->space, VA, VA + PAGES * FX_PAGE);
	x->paddr = fx_map_new(test, s, x->c, VA);
	fx_activate(test, s, 0, x->space);
	fx_activate(test, s, 1, x->space);
	fx_store_value(test, s, 1, x->space, VA, 8, OLD);
	fx_late_begin(s);
	return 0;
}

static void tlb_ops_exit(struct kunit *test)
{
	struct ops *x = test->priv;

	if (x && x->fx.s)
		fx_late_end(x->fx.s);
	fx_exit(test);
}

/* --- what they say ------------------------------------------------------------------ */

static struct vmstore_out_tlb does(struct kunit *test, struct vmstore_op op)
{
	fx_does(test, fx_store(test), &op);
	KUNIT_EXPECT_EQ(test, op.out.tlb.id, 0ULL);
	return op.out.tlb;
}

static u32 issue(struct kunit *test, u64 va, u64 len)
{
	struct ops *x = test->priv;
	struct vmstore_out_tlb out = does(test, fx_op_issue(x->c, va, len));

	KUNIT_EXPECT_EQ(test, out.asked, 0ULL);
	KUNIT_EXPECT_EQ(test, out.waited, 0U);
	return out.pending;
}

/* Return: who was asked */
static u64 dispatch(struct kunit *test)
{
	struct ops *x = test->priv;
	struct vmstore_out_tlb out = does(test, fx_op_id(VMSTORE_OP_TLB_DISPATCH, x->c));

	KUNIT_EXPECT_EQ(test, out.pending, 0U);
	KUNIT_EXPECT_EQ(test, out.waited, 0U);
	return out.asked;
}

/* Return: for how many it waited */
static u32 sync(struct kunit *test)
{
	struct ops *x = test->priv;
	struct vmstore_out_tlb out = does(test, fx_op_id(VMSTORE_OP_TLB_SYNC, x->c));

	KUNIT_EXPECT_EQ(test, out.asked, 0ULL);
	return out.waited;
}

static void flush_local(struct kunit *test, u32 cpu, u64 va, u64 len)
{
	struct ops *x = test->priv;
	struct vmstore_op op = fx_op_flush_local(cpu, x->space, va, len);

	fx_does(test, fx_store(test), &op);
}

static u64 load(struct kunit *test, u32 cpu)
{
	struct ops *x = test->priv;

	return fx_load(test, fx_store(test), cpu, x->space, VA, 8);
}

static int load_fails(struct kunit *test, u32 cpu)
{
	struct ops *x = test->priv;
	struct vmstore_op op = fx_op_load(x->space, VA, 8);

	op.cpu = cpu;
	return fx_op(fx_store(test), &op);
}

static u64 rc(struct kunit *test)
{
	struct ops *x = test->priv;

	return vms_slot_rc(&fx_store(test)->region, vms_paddr_slot(x->paddr));
}

static s64 gathered(struct kunit *test)
{
	return atomic64_read(&fx_store(test)->tlb.gathered);
}

/* --- one after the other --------------------------------------------------------------- */

/* Tl2, Tl3: requests queue up, the 33rd makes one for everything of them; nothing is sent */
static void tlb_ops_issue(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	s64 dispatches = atomic64_read(&s->tlb.dispatches);
	s64 ops = atomic64_read(&s->tlb.flush_ops);
	u32 i;

	for (i = 1; i <= 32; i++)
		KUNIT_EXPECT_EQ(test, issue(test, VA + i * FX_PAGE, FX_PAGE), i);
	KUNIT_EXPECT_EQ(test, issue(test, VA, FX_PAGE), 33U);
	KUNIT_EXPECT_EQ(test, issue(test, VA, FX_PAGE), 33U);
	KUNIT_EXPECT_EQ(test, atomic64_read(&s->tlb.flush_ops), ops + 34);
	KUNIT_EXPECT_EQ(test, atomic64_read(&s->tlb.dispatches), dispatches);
	KUNIT_EXPECT_EQ(test, fx_late_waits(), 0U);
	KUNIT_EXPECT_EQ(test, load(test, 1), OLD);
}

/* A range of 32 pages is one request, one of 33 and one that says so are for everything */
static void tlb_ops_issue_everything(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, issue(test, VA, 32 * FX_PAGE), 1U);
	KUNIT_EXPECT_EQ(test, issue(test, VA, 33 * FX_PAGE), 33U);
	dispatch(test);
	KUNIT_EXPECT_EQ(test, issue(test, 0, 0), 33U);
	dispatch(test);
	/* Anywhere in the user half, also where the cursor is not */
	KUNIT_EXPECT_EQ(test, issue(test, VMSTORE_USER_END - FX_PAGE, FX_PAGE), 1U);
	KUNIT_EXPECT_EQ(test, issue(test, 0, VMSTORE_USER_END), 33U);
}

/* Tl4, Tl6, Tl10: asked are exactly those on which it is active; a wait is for all of them */
static void tlb_ops_dispatch(struct kunit *test)
{
	struct ops *x = test->priv;

	KUNIT_EXPECT_EQ(test, dispatch(test), 0ULL);	/* nothing pending */
	KUNIT_EXPECT_EQ(test, sync(test), 0U);
	issue(test, VA, FX_PAGE);
	KUNIT_EXPECT_EQ(test, dispatch(test), 3ULL);
	KUNIT_EXPECT_EQ(test, fx_late_waits(), 0U);
	KUNIT_EXPECT_EQ(test, sync(test), 2U);
	KUNIT_EXPECT_EQ(test, fx_late_waits(), 1U);
	KUNIT_EXPECT_EQ(test, sync(test), 0U);
	fx_activate(test, fx_store(test), 0, 0);
	fx_activate(test, fx_store(test), 2, x->space);
	issue(test, VA, FX_PAGE);
	KUNIT_EXPECT_EQ(test, dispatch(test), 6ULL);
	KUNIT_EXPECT_EQ(test, sync(test), 2U);
}

/* Tl6: what is pending stays so */
static void tlb_ops_sync_dispatches_nothing(struct kunit *test)
{
	struct ops *x = test->priv;

	issue(test, VA, FX_PAGE);
	dispatch(test);
	issue(test, VA, FX_PAGE);
	KUNIT_EXPECT_EQ(test, does(test, fx_op_id(VMSTORE_OP_TLB_SYNC, x->c)).pending, 1U);
	KUNIT_EXPECT_EQ(test, dispatch(test), 3ULL);
}

/* Tl9: a changed property is seen when it is flushed, and not before */
static void tlb_ops_protect(struct kunit *test)
{
	const struct vmstore_prop w = { .flags = VMSTORE_PROP_W }, none = {};
	struct vms_store *s = fx_store(test);
	struct ops *x = test->priv;
	struct vmstore_op op = fx_op_store(x->space, VA, 8, NEW);

	fx_jump(test, s, x->c, VA);
	fx_protect(test, s, x->c, FX_PAGE, none, w);
	op.cpu = 1;
	KUNIT_EXPECT_EQ(test, fx_op(s, &op), 0);
	issue(test, VA, FX_PAGE);
	KUNIT_EXPECT_EQ(test, fx_op(s, &op), 0);
	dispatch(test);
	KUNIT_EXPECT_EQ(test, fx_op(s, &op), 0);
	sync(test);
	KUNIT_EXPECT_EQ(test, fx_op(s, &op), -EFAULT);
	KUNIT_EXPECT_EQ(test, op.out.access.fault, (u32)(VMSTORE_FAULT_TAKEN |
			VMSTORE_FAULT_PRESENT | VMSTORE_FAULT_WRITE));
}

/* --- issue_with -------------------------------------------------------------------------- */

/* Tl3, Tl7: the queue holds the frame until all have flushed; it counts in H meanwhile */
static void tlb_ops_issue_with(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	struct ops *x = test->priv;
	u64 frame = fx_frame_from_in_use(test, s, x->paddr);

	KUNIT_EXPECT_EQ(test, rc(test), 2ULL);
	KUNIT_EXPECT_EQ(test, does(test, fx_op_issue_with(x->c, frame, VA, FX_PAGE)).pending, 1U);
	fx_fails(test, s, fx_op_id(VMSTORE_OP_FRAME_DROP, frame), -ENOENT);
	KUNIT_EXPECT_EQ(test, rc(test), 2ULL);
	KUNIT_EXPECT_EQ(test, gathered(test), 1);
	sync(test);				/* nothing was dispatched */
	KUNIT_EXPECT_EQ(test, rc(test), 2ULL);
	dispatch(test);
	KUNIT_EXPECT_EQ(test, rc(test), 2ULL);
	sync(test);
	KUNIT_EXPECT_EQ(test, rc(test), 1ULL);
	KUNIT_EXPECT_EQ(test, gathered(test), 0);
}

/* One more reference of the page's frame given to the queue. Return: requests pending */
static u32 give(struct kunit *test)
{
	struct ops *x = test->priv;
	u64 frame = fx_frame_from_in_use(test, fx_store(test), x->paddr);

	return does(test, fx_op_issue_with(x->c, frame, VA, FX_PAGE)).pending;
}

/* D4: a full gather is flushed everywhere, and then there is room */
static void tlb_ops_issue_with_full(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u32 i;

	s->mode = VMSTORE_CHECK_OFF;
	for (i = 0; i < VMS_GATHER_MAX; i++)
		give(test);
	KUNIT_EXPECT_EQ(test, rc(test), 1ULL + VMS_GATHER_MAX);
	KUNIT_EXPECT_EQ(test, fx_late_waits(), 0U);
	s->mode = VMSTORE_CHECK_FULL;
	KUNIT_EXPECT_EQ(test, give(test), 1U);
	KUNIT_EXPECT_EQ(test, fx_late_waits(), 1U);
	KUNIT_EXPECT_EQ(test, rc(test), 2ULL);
	KUNIT_EXPECT_EQ(test, gathered(test), 1);
}

/* --- who may, and what ----------------------------------------------------------------- */

static void tlb_ops_wrong_cursor(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	struct ops *x = test->priv;
	u64 ro = fx_open(test, s, false, x->space, 0, FX_PAGE);
	u64 frame = fx_frame_alloc(test, s, NULL);
	u64 id[] = { 0, x->c + 100, ro };
	int i;

	for (i = 0; i < ARRAY_SIZE(id); i++) {
		int err = id[i] == ro ? -EINVAL : -ENOENT;

		fx_fails(test, s, fx_op_issue(id[i], VA, FX_PAGE), err);
		fx_fails(test, s, fx_op_issue_with(id[i], frame, VA, FX_PAGE), err);
		fx_fails(test, s, fx_op_id(VMSTORE_OP_TLB_DISPATCH, id[i]), err);
		fx_fails(test, s, fx_op_id(VMSTORE_OP_TLB_SYNC, id[i]), err);
	}
	fx_fails(test, s, fx_op_issue_with(x->c, 0, VA, FX_PAGE), -ENOENT);
	fx_fails(test, s, fx_op_issue_with(x->c, frame + 1, VA, FX_PAGE), -ENOENT);
	fx_fails(test, s, fx_op_flush_local(0, 0, VA, FX_PAGE), -ENOENT);
	fx_fails(test, s, fx_op_flush_local(0, x->space + 1, VA, FX_PAGE), -ENOENT);
}

/* A cursor that an operation has is busy */
static void tlb_ops_busy(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	struct ops *x = test->priv;
	struct vms_cursor *c = vms_store_claim_cursor(s, x->c, true);
	u64 frame = fx_frame_alloc(test, s, NULL);

	KUNIT_ASSERT_FALSE(test, IS_ERR(c));
	fx_fails(test, s, fx_op_issue(x->c, VA, FX_PAGE), -EBUSY);
	fx_fails(test, s, fx_op_issue_with(x->c, frame, VA, FX_PAGE), -EBUSY);
	fx_fails(test, s, fx_op_id(VMSTORE_OP_TLB_DISPATCH, x->c), -EBUSY);
	fx_fails(test, s, fx_op_id(VMSTORE_OP_TLB_SYNC, x->c), -EBUSY);
	vms_cursor_unclaim(c);
}

static void tlb_ops_wrong_range(struct kunit *test)
{
	static const struct {
		u64 va, len;
		u16 flags;
		int err, local;
	} bad[] = {
		{ VA, 0, 0, -EINVAL, -EINVAL },
		{ VA + 1, FX_PAGE, 0, -EINVAL, -EINVAL },
		{ VA, FX_PAGE + 1, 0, -EINVAL, -EINVAL },
		{ VA, FX_PAGE, VMSTORE_OPF_ALL, -EINVAL, -EINVAL },
		{ VA, 0, VMSTORE_OPF_ALL, -EINVAL, -EINVAL },
		{ 0, FX_PAGE, VMSTORE_OPF_ALL, -EINVAL, -EINVAL },
		{ VMSTORE_USER_END, FX_PAGE, 0, -EACCES, -EACCES },
		{ VMSTORE_USER_END - FX_PAGE, 2 * FX_PAGE, 0, -EACCES, -EACCES },
		{ FX_PAGE, -FX_PAGE, 0, -EACCES, -EACCES },
		{ FX_PAGE, VMSTORE_USER_END, 0, -EACCES, -EACCES },
		{ -FX_PAGE, 2 * FX_PAGE, 0, -EACCES, -EACCES },
		{ VMSTORE_KERNEL_BASE - FX_PAGE, FX_PAGE, 0, -EACCES, -EACCES },
		{ VMSTORE_KERNEL_BASE, FX_PAGE, 0, -EACCES, 0 },
		{ VMSTORE_KVIRT_END - FX_PAGE, FX_PAGE, 0, -EACCES, 0 },
		{ VMSTORE_KVIRT_END - FX_PAGE, 2 * FX_PAGE, 0, -EACCES, -EACCES },
		{ VMSTORE_KVIRT_END, FX_PAGE, 0, -EACCES, -EACCES },
	};
	struct vms_store *s = fx_store(test);
	struct ops *x = test->priv;
	u64 frame = fx_frame_alloc(test, s, NULL);
	struct vmstore_op op;
	int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		op = fx_op_issue(x->c, bad[i].va, bad[i].len);
		op.flags = bad[i].flags;
		fx_fails(test, s, op, bad[i].err);
		op = fx_op_issue_with(x->c, frame, bad[i].va, bad[i].len);
		op.flags = bad[i].flags;
		fx_fails(test, s, op, bad[i].err);
		op = fx_op_flush_local(0, x->space, bad[i].va, bad[i].len);
		op.flags = bad[i].flags;
		if (bad[i].local)
			fx_fails(test, s, op, bad[i].local);
		else
			fx_does(test, s, &op);
	}
}

/* --- one CPU alone ------------------------------------------------------------------------- */

/* Tl1: what was cached is gone there, and only there; no request is done by it */
static void tlb_ops_flush_local(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	struct ops *x = test->priv;

	KUNIT_EXPECT_EQ(test, load(test, 0), OLD);
	fx_jump(test, s, x->c, VA);
	fx_unmap(test, s, x->c, FX_PAGE);
	flush_local(test, 1, VA + FX_PAGE, FX_PAGE);	/* another page */
	KUNIT_EXPECT_EQ(test, load(test, 1), OLD);
	flush_local(test, 1, VA, FX_PAGE);
	KUNIT_EXPECT_EQ(test, load_fails(test, 1), -EFAULT);
	KUNIT_EXPECT_EQ(test, load(test, 0), OLD);
	KUNIT_EXPECT_EQ(test, rc(test), 1ULL);
	flush_local(test, 0, 0, 0);
	KUNIT_EXPECT_EQ(test, load_fails(test, 0), -EFAULT);
	KUNIT_EXPECT_EQ(test, rc(test), 1ULL);
	KUNIT_EXPECT_EQ(test, fx_late_waits(), 0U);
	KUNIT_EXPECT_EQ(test, sync(test), 2U);
	KUNIT_EXPECT_EQ(test, rc(test), VMSTORE_RC_UNUSED);
}

/* More than 32 pages is everything; where it is not active nothing happens */
static void tlb_ops_flush_local_all(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	struct ops *x = test->priv;

	fx_jump(test, s, x->c, VA);
	fx_unmap(test, s, x->c, FX_PAGE);
	flush_local(test, 2, VA, FX_PAGE);
	KUNIT_EXPECT_EQ(test, load(test, 1), OLD);
	flush_local(test, 1, VA + FX_PAGE, 33 * FX_PAGE);
	KUNIT_EXPECT_EQ(test, load_fails(test, 1), -EFAULT);
}

/* --- deferred ------------------------------------------------------------------------- */

static void unmap_deferred(struct kunit *test, u64 len)
{
	struct ops *x = test->priv;
	struct vmstore_op op = fx_op_len(VMSTORE_OP_CURSOR_UNMAP, x->c, len);

	fx_jump(test, fx_store(test), x->c, VA);
	op.flags = VMSTORE_OPF_DEFER;
	fx_does(test, fx_store(test), &op);
}

static u32 pending(struct kunit *test)
{
	struct ops *x = test->priv;
	struct vmstore_rec_cursor *rec;
	size_t nr;

	rec = fx_dump(test, fx_store(test), VMSTORE_DUMP_CURSORS, &nr);
	KUNIT_ASSERT_GT(test, nr, 0);
	KUNIT_EXPECT_EQ(test, rec[0].id, x->c);
	return rec[0].pending;
}

/* Unmapped, kept, and nobody was asked; the frame is reused when all have flushed */
static void tlb_ops_unmap_deferred(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	s64 dispatches = atomic64_read(&s->tlb.dispatches);

	unmap_deferred(test, FX_PAGE);
	KUNIT_EXPECT_EQ(test, pending(test), 1U);
	KUNIT_EXPECT_EQ(test, atomic64_read(&s->tlb.dispatches), dispatches);
	KUNIT_EXPECT_EQ(test, load(test, 1), OLD);
	KUNIT_EXPECT_EQ(test, rc(test), 1ULL);
	KUNIT_EXPECT_EQ(test, dispatch(test), 3ULL);
	KUNIT_EXPECT_EQ(test, rc(test), 1ULL);
	KUNIT_EXPECT_EQ(test, sync(test), 2U);
	KUNIT_EXPECT_EQ(test, rc(test), VMSTORE_RC_UNUSED);
	KUNIT_EXPECT_EQ(test, load_fails(test, 1), -EFAULT);
}

/* Another frame in its place: the old one is seen until that is flushed */
static void tlb_ops_map_deferred(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	struct ops *x = test->priv;
	struct vmstore_op op;
	u64 paddr;

	op = fx_op_map(x->c, fx_frame_alloc(test, s, &paddr), fx_rw);
	op.flags = VMSTORE_OPF_DEFER;
	fx_store_value(test, s, 0, x->space, VMSTORE_KERNEL_BASE + paddr, 8, NEW);
	fx_jump(test, s, x->c, VA);
	fx_does(test, s, &op);
	KUNIT_EXPECT_EQ(test, op.out.map.replaced, 1U);
	KUNIT_EXPECT_EQ(test, load(test, 1), OLD);
	KUNIT_EXPECT_EQ(test, load(test, 0), NEW);
	/* In an empty place there is nothing to flush, and nothing is dispatched */
	fx_map_new(test, s, x->c, VA + FX_PAGE);
	KUNIT_EXPECT_EQ(test, pending(test), 1U);
	dispatch(test);
	sync(test);
	KUNIT_EXPECT_EQ(test, load(test, 1), NEW);
	KUNIT_EXPECT_EQ(test, rc(test), VMSTORE_RC_UNUSED);
}

/* Many at once, from handles and from a segment */
static void tlb_ops_map_many_deferred(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	struct ops *x = test->priv;
	struct vmstore_op op;
	u64 frames[2];

	fx_map_new(test, s, x->c, VA + FX_PAGE);
	frames[0] = fx_frame_alloc(test, s, NULL);
	frames[1] = fx_frame_alloc(test, s, NULL);
	fx_jump(test, s, x->c, VA);
	op = fx_op_map_frames(x->c, 2, fx_rw);
	op.flags = VMSTORE_OPF_DEFER;
	fx_does_with(test, s, &op, frames);
	KUNIT_EXPECT_EQ(test, pending(test), 2U);
	fx_jump(test, s, x->c, VA);
	op = fx_op_map_segment(x->c, fx_segment_from_unused(test, s, 0x400000, 0x402000), fx_rw);
	op.flags = VMSTORE_OPF_DEFER;
	fx_does(test, s, &op);
	KUNIT_EXPECT_EQ(test, pending(test), 4U);
	KUNIT_EXPECT_EQ(test, gathered(test), 4);
}

/* A table is one request for everything */
static void tlb_ops_table_deferred(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	struct ops *x = test->priv;
	struct vmstore_op op;

	fx_close(test, s, x->c);
	x->c = fx_open(test, s, true, x->space, VA, VA + vms_page_size(3));
	op = fx_op_len(VMSTORE_OP_CURSOR_UNMAP, x->c, vms_page_size(2));
	op.flags = VMSTORE_OPF_DEFER;
	fx_does(test, s, &op);
	KUNIT_EXPECT_EQ(test, op.out.unmap.nodes, 1ULL);
	KUNIT_EXPECT_EQ(test, pending(test), 33U);
	KUNIT_EXPECT_EQ(test, load(test, 1), OLD);
	dispatch(test);
	sync(test);
	KUNIT_EXPECT_EQ(test, load_fails(test, 1), -EFAULT);
	fx_reap(test, s);
	KUNIT_EXPECT_EQ(test, rc(test), VMSTORE_RC_UNUSED);
}

/* Tl11: an operation without the flag dispatches what was left pending before it, too */
static void tlb_ops_undeferred(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	struct ops *x = test->priv;

	unmap_deferred(test, FX_PAGE);
	fx_unmap(test, s, x->c, 0);
	KUNIT_EXPECT_EQ(test, pending(test), 0U);
	KUNIT_EXPECT_EQ(test, sync(test), 2U);
	KUNIT_EXPECT_EQ(test, rc(test), VMSTORE_RC_UNUSED);
}

/* The other ends of what is pending: flush, reap, drop, a slot wanted, too many entries */
static void tlb_ops_deferred_flush(struct kunit *test)
{
	struct ops *x = test->priv;

	unmap_deferred(test, FX_PAGE);
	fx_flush(test, fx_store(test), x->c, VA + FX_PAGE, FX_PAGE);
	KUNIT_EXPECT_EQ(test, rc(test), VMSTORE_RC_UNUSED);
	KUNIT_EXPECT_EQ(test, load_fails(test, 1), -EFAULT);
}

static void tlb_ops_deferred_reap(struct kunit *test)
{
	struct ops *x = test->priv;

	unmap_deferred(test, FX_PAGE);
	KUNIT_EXPECT_EQ(test, fx_reap(test, fx_store(test)).frames_freed, 1ULL);
	KUNIT_EXPECT_EQ(test, pending(test), 0U);
	KUNIT_EXPECT_EQ(test, load_fails(test, 1), -EFAULT);
	/* A request that holds nothing, too */
	issue(test, VA, FX_PAGE);
	fx_reap(test, fx_store(test));
	KUNIT_EXPECT_EQ(test, pending(test), 0U);
	KUNIT_EXPECT_EQ(test, fx_late_waits(), 2U);
	fx_jump(test, fx_store(test), x->c, VA);
}

static void tlb_ops_deferred_drop(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	struct ops *x = test->priv;

	unmap_deferred(test, FX_PAGE);
	fx_close(test, s, x->c);
	KUNIT_EXPECT_EQ(test, rc(test), 1ULL);
	KUNIT_EXPECT_EQ(test, fx_late_waits(), 0U);
	fx_reap(test, s);
	KUNIT_EXPECT_EQ(test, rc(test), VMSTORE_RC_UNUSED);
	KUNIT_EXPECT_EQ(test, load_fails(test, 1), -EFAULT);
}

static void tlb_ops_deferred_wanted(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	struct ops *x = test->priv;

	unmap_deferred(test, FX_PAGE);
	fx_frame_from_unused(test, s, x->paddr);
	KUNIT_EXPECT_EQ(test, fx_late_waits(), 1U);
	KUNIT_EXPECT_EQ(test, pending(test), 0U);
	KUNIT_EXPECT_EQ(test, load_fails(test, 1), -EFAULT);
}

static void tlb_ops_deferred_full(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	struct ops *x = test->priv;
	u32 i;

	s->mode = VMSTORE_CHECK_OFF;
	for (i = 0; i < VMS_GATHER_MAX; i++) {
		unmap_deferred(test, FX_PAGE);
		fx_map_new(test, s, x->c, VA);
	}
	KUNIT_EXPECT_EQ(test, gathered(test), (s64)VMS_GATHER_MAX);
	KUNIT_EXPECT_EQ(test, pending(test), 33U);
	KUNIT_EXPECT_EQ(test, fx_late_waits(), 0U);
	s->mode = VMSTORE_CHECK_FULL;
	unmap_deferred(test, FX_PAGE);
	KUNIT_EXPECT_EQ(test, gathered(test), 1);
	KUNIT_EXPECT_EQ(test, pending(test), 1U);
	KUNIT_EXPECT_EQ(test, fx_late_waits(), 1U);
	KUNIT_EXPECT_EQ(test, rc(test), VMSTORE_RC_UNUSED);
}

static struct kunit_case tlb_ops_test_cases[] = {
	KUNIT_CASE(tlb_ops_issue),
	KUNIT_CASE(tlb_ops_issue_everything),
	KUNIT_CASE(tlb_ops_dispatch),
	KUNIT_CASE(tlb_ops_sync_dispatches_nothing),
	KUNIT_CASE(tlb_ops_protect),
	KUNIT_CASE(tlb_ops_issue_with),
	KUNIT_CASE(tlb_ops_issue_with_full),
	KUNIT_CASE(tlb_ops_wrong_cursor),
	KUNIT_CASE(tlb_ops_busy),
	KUNIT_CASE(tlb_ops_wrong_range),
	KUNIT_CASE(tlb_ops_flush_local),
	KUNIT_CASE(tlb_ops_flush_local_all),
	KUNIT_CASE(tlb_ops_unmap_deferred),
	KUNIT_CASE(tlb_ops_map_deferred),
	KUNIT_CASE(tlb_ops_map_many_deferred),
	KUNIT_CASE(tlb_ops_table_deferred),
	KUNIT_CASE(tlb_ops_undeferred),
	KUNIT_CASE(tlb_ops_deferred_flush),
	KUNIT_CASE(tlb_ops_deferred_reap),
	KUNIT_CASE(tlb_ops_deferred_drop),
	KUNIT_CASE(tlb_ops_deferred_wanted),
	KUNIT_CASE(tlb_ops_deferred_full),
	{}
};

static struct kunit_suite tlb_ops_test_suite = {
	.name = "vmstore-tlb-ops",
	.init = tlb_ops_init,
	.exit = tlb_ops_exit,
	.test_cases = tlb_ops_test_cases,
};

kunit_test_suite(tlb_ops_test_suite);
