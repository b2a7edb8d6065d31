// SPDX-License-Identifier: GPL-2.0-only
/*
 * Operations as such: the table, what is checked before each, outcomes and counters,
 * reaping when slots run out, freezing, waiting, access, and all of them at random.
 */

#include <linux/kthread.h>
#include <linux/delay.h>
#include <linux/prandom.h>
#include <linux/sched/signal.h>
#include <linux/string.h>

#include "fixture.h"
#include "step.h"
#include "inv/inv.h"

#define VA	0x00007f1234567000ULL
#define VALUE	0x1122334455667788ULL

static struct vmstore_op op_flags(struct vmstore_op op, u16 flags)
{
	op.flags = flags;
	return op;
}

/* --- the table ---------------------------------------------------------------------- */

/* From the description of the ABI, not from the table */
static const struct {
	const char *name;
	u16 flags;
	u16 arg_size;
	enum vms_id_type arg[2], out;
} rows[] = {
	[1] = { "FRAME_FROM_UNUSED", 0, 8, {}, VMS_ID_FRAME },
	[2] = { "FRAME_FROM_IN_USE", 0, 8, {}, VMS_ID_FRAME },
	[3] = { "FRAME_ALLOC", 0, 0, {}, VMS_ID_FRAME },
	[4] = { "FRAME_DROP", 0, 8, { VMS_ID_FRAME } },
	[5] = { "SPACE_NEW", 0, 0, {}, VMS_ID_SPACE },
	[6] = { "SPACE_DROP", 0, 8, { VMS_ID_SPACE } },
	[7] = { "SPACE_ACTIVATE", 0, 8, { VMS_ID_SPACE } },
	[8] = { "CURSOR_OPEN", 1, 24, { VMS_ID_SPACE }, VMS_ID_CURSOR },
	[9] = { "CURSOR_OPEN_MUT", 1, 24, { VMS_ID_SPACE }, VMS_ID_CURSOR },
	[10] = { "CURSOR_DROP", 0, 8, { VMS_ID_CURSOR } },
	[11] = { "CURSOR_QUERY", 4, 8, { VMS_ID_CURSOR }, VMS_ID_FRAME },
	[12] = { "CURSOR_FIND_NEXT", 0, 16, { VMS_ID_CURSOR } },
	[13] = { "CURSOR_JUMP", 0, 16, { VMS_ID_CURSOR } },
	[14] = { "CURSOR_VADDR", 0, 8, { VMS_ID_CURSOR } },
	[15] = { "CURSOR_MAP", 0, 24, { VMS_ID_CURSOR, VMS_ID_FRAME } },
	[16] = { "CURSOR_UNMAP", 0, 16, { VMS_ID_CURSOR } },
	[17] = { "CURSOR_PROTECT_NEXT", 8, 24, { VMS_ID_CURSOR } },
	[18] = { "CURSOR_FLUSH", 0, 24, { VMS_ID_CURSOR } },
	[19] = { "REAP", 0, 0, {} },
	[20] = { "ACCESS", 2, 32, { VMS_ID_SPACE } },
};

static void step_test_table(struct kunit *test)
{
	u32 i;

	KUNIT_EXPECT_EQ(test, (u32)ARRAY_SIZE(rows), (u32)__VMSTORE_OP_MAX);
	for (i = 1; i < __VMSTORE_OP_MAX; i++) {
		const struct vms_op_row *row = vms_op_row(i);

		KUNIT_ASSERT_NOT_NULL(test, row);
		KUNIT_EXPECT_STREQ(test, row->name, rows[i].name);
		KUNIT_EXPECT_TRUE(test, row->run);
		KUNIT_EXPECT_EQ(test, row->flags, rows[i].flags);
		KUNIT_EXPECT_EQ(test, row->arg_size, rows[i].arg_size);
		KUNIT_EXPECT_EQ(test, (int)row->id_arg[0], (int)rows[i].arg[0]);
		KUNIT_EXPECT_EQ(test, (int)row->id_arg[1], (int)rows[i].arg[1]);
		KUNIT_EXPECT_EQ(test, (int)row->id_out, (int)rows[i].out);
	}
	KUNIT_EXPECT_NULL(test, vms_op_row(0));
	KUNIT_EXPECT_NULL(test, vms_op_row(__VMSTORE_OP_MAX));
	KUNIT_EXPECT_NULL(test, vms_op_row(U32_MAX));
}

/* --- before the operation -------------------------------------------------------------- */

static void step_test_unknown(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u32 op, bit;

	fx_fails(test, s, fx_op_simple(0), -EOPNOTSUPP);
	fx_fails(test, s, fx_op_simple(__VMSTORE_OP_MAX), -EOPNOTSUPP);
	fx_fails(test, s, fx_op_simple(0xffff), -EOPNOTSUPP);
	/* Each flag an operation does not know */
	for (op = 1; op < __VMSTORE_OP_MAX; op++)
		for (bit = 0; bit < 16; bit++)
			if (!(rows[op].flags >> bit & 1))
				fx_fails(test, s, op_flags(fx_op_simple(op), 1U << bit),
					 -EOPNOTSUPP);
}

/* Reserved fields, the CPU, and every byte of the arguments an operation does not have */
static void step_test_validate(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	struct vmstore_op op;
	u32 i, byte;

	for (i = 1; i < __VMSTORE_OP_MAX; i++) {
		op = fx_op_simple(i);
		op.__reserved = 1;
		fx_fails(test, s, op, -EINVAL);
		op = fx_op_simple(i);
		op.cpu = 2;
		fx_fails(test, s, op, -EINVAL);
		op.cpu = U32_MAX;
		fx_fails(test, s, op, -EINVAL);
		for (byte = rows[i].arg_size; byte < sizeof(op.arg); byte++) {
			op = fx_op_simple(i);
			((u8 *)&op.arg)[byte] = 0x80;
			KUNIT_EXPECT_EQ(test, fx_op(s, &op), -EINVAL);
		}
	}
	KUNIT_EXPECT_EQ(test, atomic64_read(&s->ops), 0);
}

/* --- after it ----------------------------------------------------------------------------- */

/* The outcome of a failed operation is zero, whatever was there */
static void step_test_outcome_cleared(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u32 i;

	for (i = 0; i <= __VMSTORE_OP_MAX; i++) {
		struct vmstore_op op = fx_op_simple(i);

		if (i == VMSTORE_OP_FRAME_FROM_UNUSED)
			op.arg.paddr.paddr = 1;
		if (i == VMSTORE_OP_FRAME_ALLOC || i == VMSTORE_OP_SPACE_NEW)
			op.__reserved = 1;
		if (i == VMSTORE_OP_SPACE_ACTIVATE)
			op.arg.id.id = 99;
		memset(&op.out, 0xff, sizeof(op.out));
		op.out_errno = 77;
		if (i == VMSTORE_OP_REAP) {
			fx_does(test, s, &op);
			KUNIT_EXPECT_EQ(test, op.out_errno, 0);
		} else {
			KUNIT_EXPECT_LT(test, fx_op(s, &op), 0);
			KUNIT_EXPECT_LT(test, op.out_errno, 0);
		}
		KUNIT_EXPECT_NULL(test, memchr_inv(&op.out, 0, sizeof(op.out)));
	}
}

/* Operations executed count, the failed ones too; refused ones do not */
static void step_test_counters(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 generation = atomic64_read(&s->generation);

	fx_space_new(test, s);
	fx_fails(test, s, fx_op_id(VMSTORE_OP_FRAME_DROP, 1), -ENOENT);
	fx_fails(test, s, fx_op_simple(0), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, atomic64_read(&s->ops), 2);
	KUNIT_EXPECT_EQ(test, (u64)atomic64_read(&s->generation), generation + 2);
}

/* Without checks the operations are the same */
static void step_test_unchecked(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 space, id;

	s->mode = VMSTORE_CHECK_OFF;
	space = fx_space_new(test, s);
	id = fx_open(test, s, true, space, VA, VA + FX_PAGE);
	fx_map_new(test, s, id, VA);
	fx_store_value(test, s, 0, space, VA, 8, VALUE);
	KUNIT_EXPECT_EQ(test, fx_load(test, s, 1, space, VA, 8), VALUE);
	fx_close(test, s, id);
	fx_space_drop(test, s, space);
	fx_expect_empty(test, s);
	fx_expect_inv(test, s);
}

/* --- slots that are only gathered -------------------------------------------------------- */

/* A machine that answers no kick before somebody waits for it */
static struct vms_cpuset late_kicks;
static unsigned int late_waits;

static int late_kick(struct vms_mmu *m, const struct vms_cpuset *cpus)
{
	bitmap_or(late_kicks.bits, late_kicks.bits, cpus->bits, VMS_MAX_CPUS);
	return 0;
}

static int late_wait(struct vms_mmu *m, const struct vms_cpuset *cpus)
{
	late_waits++;
	vms_mmu_soft_ops.kick(m, &late_kicks);
	bitmap_zero(late_kicks.bits, VMS_MAX_CPUS);
	return vms_mmu_soft_ops.wait(m, cpus);
}

struct late {
	struct vms_mmu_ops ops;
	u64 space, id, paddr;
};

/* One frame that is only gathered: unmapped, but CPU 1 has not flushed */
static struct late *make_late(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	struct late *l = kunit_kzalloc(test, sizeof(*l), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, l);
	bitmap_zero(late_kicks.bits, VMS_MAX_CPUS);
	late_waits = 0;
	l->ops = vms_mmu_soft_ops;
	l->ops.kick = late_kick;
	l->ops.wait = late_wait;
	l->space = fx_space_new(test, s);
	fx_activate(test, s, 1, l->space);
	l->id = fx_open(test, s, true, l->space, VA, VA + FX_PAGE);
	l->paddr = fx_map_new(test, s, l->id, VA);
	fx_load(test, s, 1, l->space, VA, 8);
	s->mmu.ops = &l->ops;
	fx_jump(test, s, l->id, VA);
	KUNIT_EXPECT_EQ(test, fx_unmap(test, s, l->id, FX_PAGE).removed, 1ULL);
	KUNIT_EXPECT_EQ(test, vms_slot_rc(&s->region, vms_paddr_slot(l->paddr)), 1ULL);
	KUNIT_EXPECT_EQ(test, atomic64_read(&s->tlb.gathered), 1);
	return l;
}

static void end_late(struct kunit *test, struct late *l)
{
	struct vms_store *s = fx_store(test);

	fx_reap(test, s);
	s->mmu.ops = &vms_mmu_soft_ops;
	fx_expect_inv(test, s);
}

/* D4: asked for by address, a gathered frame is reaped and claimed */
static void step_test_reap_for_claim(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	struct late *l = make_late(test);
	struct vmstore_op op;

	fx_frame_from_unused(test, s, l->paddr);
	KUNIT_EXPECT_EQ(test, late_waits, 1U);
	KUNIT_EXPECT_EQ(test, atomic64_read(&s->tlb.gathered), 0);
	/* The CPU that could see it has flushed before */
	op = fx_op_load(l->space, VA, 8);
	op.cpu = 1;
	KUNIT_EXPECT_EQ(test, fx_op(s, &op), -EFAULT);
	end_late(test, l);
}

/* One that is in use otherwise: reaped once, and then it is busy all the same */
static void step_test_reap_in_vain(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	struct late *l = make_late(test);
	struct vmstore_op op = fx_op_paddr(VMSTORE_OP_FRAME_FROM_UNUSED,
					   vms_slot_paddr(s->kernel.top));

	KUNIT_EXPECT_EQ(test, fx_op(s, &op), -EBUSY);
	KUNIT_EXPECT_EQ(test, late_waits, 1U);
	KUNIT_EXPECT_EQ(test, fx_op(s, &op), -EBUSY);
	KUNIT_EXPECT_EQ(test, late_waits, 1U);
	end_late(test, l);
}

/* Other failures are no reason to reap */
static void step_test_no_reap(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	struct late *l = make_late(test);

	fx_fails(test, s, fx_op_paddr(VMSTORE_OP_FRAME_FROM_UNUSED, 1), -EINVAL);
	fx_fails(test, s, fx_op_paddr(VMSTORE_OP_FRAME_FROM_UNUSED, FX_REGION), -ERANGE);
	fx_fails(test, s, fx_op_paddr(VMSTORE_OP_FRAME_FROM_IN_USE, 0x300000), -ENOENT);
	fx_fails(test, s, fx_op_id(VMSTORE_OP_SPACE_DROP, l->space), -EBUSY);
	fx_fails(test, s, fx_op_open(true, l->space, VA, VA + FX_PAGE), -EBUSY);
	KUNIT_EXPECT_EQ(test, late_waits, 0U);
	KUNIT_EXPECT_EQ(test, atomic64_read(&s->tlb.gathered), 1);
	end_late(test, l);
}

static void use_up(struct kunit *test)
{
	struct vms_store *s = fx_store(test);

	s->mode = VMSTORE_CHECK_OFF;
	while (atomic_read(&s->region.nr_free))
		fx_frame_alloc(test, s, NULL);
	s->mode = VMSTORE_CHECK_FULL;
	KUNIT_EXPECT_EQ(test, late_waits, 0U);
}

/* When no slot is left, the gathered one is reaped: for a frame, */
static void step_test_reap_for_alloc(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	struct late *l = make_late(test);
	u64 paddr;

	use_up(test);
	fx_frame_alloc(test, s, &paddr);
	KUNIT_EXPECT_EQ(test, paddr, l->paddr);
	KUNIT_EXPECT_EQ(test, late_waits, 1U);
	fx_fails(test, s, fx_op_simple(VMSTORE_OP_FRAME_ALLOC), -ENOMEM);
	end_late(test, l);
}

/* for a node on the way to a covering node, */
static void step_test_reap_for_open(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	struct late *l = make_late(test);
	struct vmstore_op op = fx_op_open(true, l->space, VA + (1ULL << 21),
					  VA + (1ULL << 21) + FX_PAGE);

	use_up(test);
	fx_does(test, s, &op);
	KUNIT_EXPECT_EQ(test, op.out.open.nodes_allocated, 1U);
	KUNIT_EXPECT_EQ(test, late_waits, 1U);
	end_late(test, l);
}

/* and for a table that a map needs, also from another cursor */
static void step_test_reap_for_map(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	struct late *l = make_late(test);
	u64 other = fx_open(test, s, true, l->space, 0, 1ULL << 30);
	u64 frame = fx_frame_alloc(test, s, NULL);

	use_up(test);
	KUNIT_EXPECT_EQ(test, fx_map(test, s, other, frame, fx_rw).nodes_allocated, 1U);
	KUNIT_EXPECT_EQ(test, late_waits, 1U);
	end_late(test, l);
}

/* --- freezing ----------------------------------------------------------------------------- */

/* The operation after which a clause is false says so, and then none runs any more */
static void step_test_freeze(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	struct vmstore_op op = fx_op_simple(VMSTORE_OP_SPACE_NEW);
	struct fx_shot *shot;
	u32 i;

	fx_frame_from_unused(test, s, 0x300000);
	atomic64_set(&s->region.slots[0x300].rc, 2);
	KUNIT_EXPECT_EQ(test, fx_op(s, &op), -EIO);
	KUNIT_EXPECT_TRUE(test, s->frozen);
	KUNIT_EXPECT_GT(test, s->inv->nr_violations, 0ULL);

	shot = fx_shoot(test, s);
	for (i = 1; i < __VMSTORE_OP_MAX; i++) {
		op = fx_op_simple(i);
		KUNIT_EXPECT_EQ(test, fx_op(s, &op), -EIO);
		KUNIT_EXPECT_EQ(test, op.out_errno, -EIO);
	}
	/* What is no operation is refused as ever */
	op = fx_op_simple(0);
	KUNIT_EXPECT_EQ(test, fx_op(s, &op), -EOPNOTSUPP);
	fx_expect_unchanged(test, s, shot);
	/* The check still works, and still finds it */
	KUNIT_EXPECT_GT(test, fx_check(test, s), 0ULL);
}

/* --- waiting for a range ------------------------------------------------------------------- */

struct waiter {
	struct vms_store *s;
	struct vmstore_op op;
	struct completion done;
	struct task_struct *task;
};

static int wait_for_range(void *arg)
{
	struct waiter *w = arg;

	allow_signal(SIGINT);
	vms_step(w->s, &w->op);
	complete(&w->done);
	while (!kthread_should_stop()) {	/* so that task stays good */
		set_current_state(TASK_INTERRUPTIBLE);
		if (!kthread_should_stop())
			schedule();
		__set_current_state(TASK_RUNNING);
		flush_signals(current);
	}
	return 0;
}

static struct waiter *start_waiter(struct kunit *test, struct vmstore_op op)
{
	struct waiter *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, w);
	w->s = fx_store(test);
	w->op = op_flags(op, VMSTORE_OPF_WAIT);
	init_completion(&w->done);
	w->task = kthread_run(wait_for_range, w, "vmstore-test");
	KUNIT_ASSERT_FALSE(test, IS_ERR(w->task));
	return w;
}

/* Until it sleeps on the space, or the case gives up */
static void until_it_waits(struct kunit *test, u64 space)
{
	struct vms_space *sp = xa_load(&fx_store(test)->spaces.xa, space);
	unsigned int i;

	for (i = 0; i < 500 && !wq_has_sleeper(&sp->wait); i++)
		msleep(20);
	KUNIT_EXPECT_TRUE(test, wq_has_sleeper(&sp->wait));
}

static void end_waiter(struct kunit *test, struct waiter *w)
{
	wait_for_completion(&w->done);
	kthread_stop(w->task);
}

/* OPF_WAIT: gets the range as soon as it is free; not after any close */
static void step_test_wait(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 space = fx_space_new(test, s);
	u64 first = fx_open(test, s, true, space, VA, VA + FX_PAGE);
	u64 other = fx_open(test, s, true, space, 0, FX_PAGE);
	struct waiter *w = start_waiter(test, fx_op_open(true, space, VA, VA + FX_PAGE));

	until_it_waits(test, space);
	KUNIT_EXPECT_FALSE(test, completion_done(&w->done));
	/* The waiter is a user of the space */
	fx_fails(test, s, fx_op_id(VMSTORE_OP_SPACE_DROP, space), -EBUSY);
	fx_close(test, s, other);
	until_it_waits(test, space);
	KUNIT_EXPECT_FALSE(test, completion_done(&w->done));
	fx_close(test, s, first);
	end_waiter(test, w);
	KUNIT_EXPECT_EQ(test, w->op.out_errno, 0);
	KUNIT_EXPECT_NE(test, w->op.out.open.id, 0ULL);
	fx_close(test, s, w->op.out.open.id);
	fx_space_drop(test, s, space);
	fx_expect_empty(test, s);
}

/* A signal ends the wait; nothing is left of it */
static void step_test_wait_interrupted(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 space = fx_space_new(test, s);
	u64 first = fx_open(test, s, false, space, VA, VA + FX_PAGE);
	struct waiter *w = start_waiter(test, fx_op_open(false, space, 0, VMSTORE_USER_END));

	until_it_waits(test, space);
	send_sig(SIGINT, w->task, 1);
	end_waiter(test, w);
	KUNIT_EXPECT_EQ(test, w->op.out_errno, -EINTR);
	KUNIT_EXPECT_EQ(test, w->op.out.id, 0ULL);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->cursors.count), 1);
	fx_close(test, s, first);
	fx_space_drop(test, s, space);
	fx_expect_empty(test, s);
}

/* Nothing to wait for: an error that no close can mend */
static void step_test_wait_errors(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 space = fx_space_new(test, s);

	fx_fails(test, s, op_flags(fx_op_open(true, space, 1, 2), VMSTORE_OPF_WAIT), -EACCES);
	fx_fails(test, s, op_flags(fx_op_open(true, space + 1, 0, FX_PAGE), VMSTORE_OPF_WAIT),
		 -ENOENT);
	KUNIT_EXPECT_EQ(test, atomic_read(&((struct vms_space *)
			xa_load(&s->spaces.xa, space))->users), 0);
}

/* --- access ----------------------------------------------------------------------------------- */

static void step_test_access_errors(struct kunit *test)
{
	static const u32 widths[] = { 0, 3, 5, 6, 7, 9, 16, U32_MAX };
	struct vms_store *s = fx_store(test);
	u64 space = fx_space_new(test, s);
	struct vmstore_op op;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(widths); i++)
		fx_fails(test, s, fx_op_load(space, VA, widths[i]), -EINVAL);
	fx_fails(test, s, fx_op_load(space, VA + 1, 2), -EINVAL);
	fx_fails(test, s, fx_op_load(space, VA + 4, 8), -EINVAL);
	fx_fails(test, s, fx_op_store(space, VA + 2, 4, 0), -EINVAL);
	op = fx_op_load(space, VA, 8);
	op.arg.access.__reserved = 1;
	fx_fails(test, s, op, -EINVAL);
	fx_fails(test, s, fx_op_load(space + 1, VA, 8), -ENOENT);
	fx_fails(test, s, fx_op_load(0, VA, 8), -ENOENT);
	/* N-MAX_USERSPACE_VADDR: the last user page, what is not canonical, what is Linux's */
	fx_fails(test, s, fx_op_load(space, VMSTORE_MAX_USERSPACE_VADDR, 8), -EACCES);
	fx_fails(test, s, fx_op_load(space, VMSTORE_USER_END - 8, 8), -EACCES);
	fx_fails(test, s, fx_op_load(space, VMSTORE_USER_END, 8), -EACCES);
	fx_fails(test, s, fx_op_load(space, VMSTORE_KERNEL_BASE - 8, 8), -EACCES);
	fx_fails(test, s, fx_op_load(space, VMSTORE_KERNEL_BASE + FX_REGION, 8), -EACCES);
	fx_fails(test, s, fx_op_load(space, VMSTORE_KVIRT_BASE, 8), -EACCES);
	fx_fails(test, s, fx_op_load(space, 0xffffffff81000000ULL, 8), -EACCES);
}

/* The last user page can be mapped, but not accessed [1.2] */
static void step_test_access_last_page(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 space = fx_space_new(test, s);
	u64 id = fx_open(test, s, true, space, VMSTORE_USER_END - 2 * FX_PAGE, VMSTORE_USER_END);

	fx_map_new(test, s, id, VMSTORE_USER_END - FX_PAGE);
	fx_map_new(test, s, id, VMSTORE_USER_END - 2 * FX_PAGE);
	fx_fails(test, s, fx_op_load(space, VMSTORE_USER_END - FX_PAGE, 8), -EACCES);
	KUNIT_EXPECT_EQ(test, fx_load(test, s, 0, space, VMSTORE_MAX_USERSPACE_VADDR - 8, 8),
			0ULL);
}

/* Through the window only a shared data frame is reached: nobody writes a node */
static void step_test_access_linear(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 space = fx_space_new(test, s), base = VMSTORE_KERNEL_BASE;
	u64 frame = fx_frame_from_unused(test, s, 0x300000);
	u64 *word = vms_slot_kva(&s->region, 0x300);

	*word = 0;
	fx_store_value(test, s, 0, space, base + 0x300000, 8, VALUE);
	KUNIT_EXPECT_EQ(test, *word, VALUE);
	KUNIT_EXPECT_EQ(test, fx_load(test, s, 1, space, base + 0x300004, 4), VALUE >> 32);
	KUNIT_EXPECT_EQ(test, vms_slot_rc(&s->region, 0x300), 1ULL);

	fx_fails(test, s, fx_op_load(space, base + vms_slot_paddr(s->kernel.top), 8), -EACCES);
	fx_fails(test, s, fx_op_store(space, base + vms_slot_paddr(s->kernel.top), 8, 0), -EACCES);
	fx_fails(test, s, fx_op_load(space, base + 0x301000, 8), -EACCES);
	fx_fails(test, s, fx_op_load(space, base + FX_REGION - FX_MMIO, 8), -EACCES);
	fx_fails(test, s, fx_op_load(space, base + FX_REGION - 8, 8), -EACCES);
	fx_frame_drop(test, s, frame);
	fx_fails(test, s, fx_op_load(space, base + 0x300000, 8), -EACCES);
}

/* D16: the window shows offset i at base + i, in every block */
static void step_test_linear_is_identity(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 space = fx_space_new(test, s), paddr, *word;

	s->mode = VMSTORE_CHECK_OFF;
	for (paddr = 0x100000; paddr < FX_REGION - FX_MMIO; paddr += 0x3f000) {
		fx_frame_from_unused(test, s, paddr);
		fx_store_value(test, s, 0, space, VMSTORE_KERNEL_BASE + paddr + 8, 8, paddr);
		word = vms_slot_kva(&s->region, vms_paddr_slot(paddr));
		KUNIT_EXPECT_EQ(test, word[1], paddr);
	}
	s->mode = VMSTORE_CHECK_FULL;
	fx_expect_inv(test, s);
}

/* --- at random ------------------------------------------------------------------ */

#define RANDOM_STEPS	3000

/* One of those that live, or now and then any number */
static u64 random_id(struct vms_registry *reg, struct rnd_state *rnd)
{
	u64 last = atomic64_read(&reg->last) + 2;
	unsigned long id = prandom_u32_state(rnd) % last, any = id;

	if (prandom_u32_state(rnd) % 8 == 0)
		return any;
	if (!xa_find(&reg->xa, &id, ULONG_MAX, XA_PRESENT)) {
		id = 0;
		xa_find(&reg->xa, &id, ULONG_MAX, XA_PRESENT);
	}
	return id;
}

static struct vms_registry *registry_of(struct vms_store *s, enum vms_id_type type)
{
	return type == VMS_ID_FRAME ? &s->frames : type == VMS_ID_SPACE ? &s->spaces :
									  &s->cursors;
}

/* Few ids, pages and addresses, so that they meet; now and then one that is wrong */
static struct vmstore_op random_op(struct vms_store *s, struct rnd_state *rnd)
{
	static const u64 spans[] = { 0, 1, 2, 8, 512, 600, 1 << 18, (1 << 18) + 1 };
	/* More of what builds up */
	static const u8 often[] = {
		VMSTORE_OP_FRAME_ALLOC, VMSTORE_OP_CURSOR_MAP, VMSTORE_OP_CURSOR_MAP,
		VMSTORE_OP_CURSOR_JUMP, VMSTORE_OP_ACCESS, VMSTORE_OP_ACCESS,
		VMSTORE_OP_CURSOR_OPEN_MUT, VMSTORE_OP_CURSOR_DROP,
	};
	u64 r = prandom_u32_state(rnd), va;
	struct vmstore_op op;
	u32 i = r % (__VMSTORE_OP_MAX - 1 + ARRAY_SIZE(often)) + 1;

	if (i >= __VMSTORE_OP_MAX)
		i = often[i - __VMSTORE_OP_MAX];
	va = (r >> 11 & 1) << 30 | (r >> 13 & 1) << 21 | (r >> 8 & 7) << 12;
	op = fx_op_simple(i);
	op.cpu = r & 1;
	if (r >> 1 & 1)
		op.flags = rows[i].flags & ~VMSTORE_OPF_WAIT;
	if (rows[i].arg[0] != VMS_ID_NONE)
		op.arg.raw[0] = random_id(registry_of(s, rows[i].arg[0]), rnd);
	r = prandom_u32_state(rnd);
	switch (i) {
	case VMSTORE_OP_FRAME_FROM_UNUSED:
	case VMSTORE_OP_FRAME_FROM_IN_USE:
		op.arg.paddr.paddr = (r & 31) * FX_PAGE + 0x300000;
		break;
	case VMSTORE_OP_CURSOR_OPEN:
	case VMSTORE_OP_CURSOR_OPEN_MUT:
		op.arg.open.start = va;
		op.arg.open.end = va + spans[r & 7] * FX_PAGE;
		break;
	case VMSTORE_OP_CURSOR_JUMP:
		op.arg.jump.va = va;
		break;
	case VMSTORE_OP_CURSOR_FIND_NEXT:
	case VMSTORE_OP_CURSOR_UNMAP:
		op.arg.len.len = spans[r & 7] * FX_PAGE;
		break;
	case VMSTORE_OP_CURSOR_MAP:
		op.arg.map.frame = random_id(&s->frames, rnd);
		op.arg.map.prop.flags = VMSTORE_PROP_R | (r >> 8 & VMSTORE_PROP_W);
		break;
	case VMSTORE_OP_CURSOR_PROTECT_NEXT:
		op.arg.protect.len = spans[r & 7] * FX_PAGE;
		op.arg.protect.mask.flags = r >> 8;
		op.arg.protect.prop.flags = r >> 16 | 1;
		break;
	case VMSTORE_OP_CURSOR_FLUSH:
		op.arg.flush.va = va;
		op.arg.flush.len = spans[r & 7] * FX_PAGE;
		break;
	case VMSTORE_OP_ACCESS:
		op.arg.access.va = va;
		op.arg.access.width = 8;
		break;
	}
	return op;
}

/* Sd3: any sequence of operations keeps the invariant; no error is out of the table */
static bool is_documented(int err)
{
	static const int errs[] = {
		0, -EINVAL, -ENOMEM, -EFAULT, -EACCES, -ERANGE, -EBUSY, -ENOENT, -ENOSPC,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(errs); i++)
		if (err == errs[i])
			return true;
	return false;
}

static void step_test_random(struct kunit *test)
{
	const u64 seed = 0x5eed0006;
	struct vms_store *s = fx_store(test);
	u32 worked[__VMSTORE_OP_MAX] = {}, i;
	struct rnd_state rnd;

	kunit_info(test, "seed %#llx", seed);
	prandom_seed_state(&rnd, seed);
	s->spaces.max = 4;
	s->cursors.max = 6;
	s->frames.max = 12;
	for (i = 0; i < RANDOM_STEPS; i++) {
		struct vmstore_op op = random_op(s, &rnd);
		int err = fx_op(s, &op);

		if (!is_documented(err)) {
			KUNIT_FAIL(test, "step %u: %s: error %d", i, rows[op.opcode].name, err);
			break;
		}
		worked[op.opcode] += !err;
	}
	fx_expect_inv(test, s);
	/* Each of them succeeded at times, or the mixture is a bad one */
	for (i = 1; i < __VMSTORE_OP_MAX; i++)
		KUNIT_EXPECT_GT_MSG(test, worked[i], 0U, "%s", rows[i].name);
}

static struct kunit_case step_test_cases[] = {
	KUNIT_CASE(step_test_table),
	KUNIT_CASE(step_test_unknown),
	KUNIT_CASE(step_test_validate),
	KUNIT_CASE(step_test_outcome_cleared),
	KUNIT_CASE(step_test_counters),
	KUNIT_CASE(step_test_unchecked),
	KUNIT_CASE(step_test_reap_for_claim),
	KUNIT_CASE(step_test_reap_in_vain),
	KUNIT_CASE(step_test_no_reap),
	KUNIT_CASE(step_test_reap_for_alloc),
	KUNIT_CASE(step_test_reap_for_open),
	KUNIT_CASE(step_test_reap_for_map),
	KUNIT_CASE(step_test_freeze),
	KUNIT_CASE(step_test_wait),
	KUNIT_CASE(step_test_wait_interrupted),
	KUNIT_CASE(step_test_wait_errors),
	KUNIT_CASE(step_test_access_errors),
	KUNIT_CASE(step_test_access_last_page),
	KUNIT_CASE(step_test_access_linear),
	KUNIT_CASE(step_test_linear_is_identity),
	KUNIT_CASE(step_test_random),
	{}
};

static struct kunit_suite step_test_suite = {
	.name = "vmstore-step",
	.init = fx_init,
	.exit = fx_exit,
	.test_cases = step_test_cases,
};

kunit_test_suite(step_test_suite);
