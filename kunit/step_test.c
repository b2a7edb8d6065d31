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
#include "inv/shadow.h"

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
	[7] = { "SPACE_ACTIVATE", 64, 8, { VMS_ID_SPACE } },
	[8] = { "CURSOR_OPEN", 1, 24, { VMS_ID_SPACE }, VMS_ID_CURSOR },
	[9] = { "CURSOR_OPEN_MUT", 1, 24, { VMS_ID_SPACE }, VMS_ID_CURSOR },
	[10] = { "CURSOR_DROP", 0, 8, { VMS_ID_CURSOR } },
	[11] = { "CURSOR_QUERY", 4, 8, { VMS_ID_CURSOR }, VMS_ID_FRAME },
	[12] = { "CURSOR_FIND_NEXT", 0, 16, { VMS_ID_CURSOR } },
	[13] = { "CURSOR_JUMP", 0, 16, { VMS_ID_CURSOR } },
	[14] = { "CURSOR_VADDR", 0, 8, { VMS_ID_CURSOR } },
	[15] = { "CURSOR_MAP", 32, 24, { VMS_ID_CURSOR, VMS_ID_FRAME } },
	[16] = { "CURSOR_UNMAP", 32, 16, { VMS_ID_CURSOR } },
	[17] = { "CURSOR_PROTECT_NEXT", 8, 24, { VMS_ID_CURSOR } },
	[18] = { "CURSOR_FLUSH", 0, 24, { VMS_ID_CURSOR } },
	[19] = { "REAP", 0, 0, {} },
	[20] = { "ACCESS", 2, 32, { VMS_ID_SPACE } },
	[21] = { "FRAME_CLONE", 0, 8, { VMS_ID_FRAME }, VMS_ID_FRAME },
	[22] = { "SEGMENT_FROM_UNUSED", 0, 16, {}, VMS_ID_SEGMENT },
	[23] = { "SEGMENT_DROP", 0, 8, { VMS_ID_SEGMENT } },
	[24] = { "SEGMENT_SPLIT", 0, 16, { VMS_ID_SEGMENT }, VMS_ID_SEGMENT },
	[25] = { "SEGMENT_NEXT", 0, 8, { VMS_ID_SEGMENT }, VMS_ID_FRAME },
	[26] = { "SEGMENT_CLONE", 0, 8, { VMS_ID_SEGMENT }, VMS_ID_SEGMENT },
	[27] = { "SEGMENT_SLICE", 0, 24, { VMS_ID_SEGMENT }, VMS_ID_SEGMENT },
	[28] = { "FRAME_TO_SEGMENT", 0, 8, { VMS_ID_FRAME }, VMS_ID_SEGMENT },
	[29] = { "UNIQUE_FROM_UNUSED", 0, 8, {}, VMS_ID_UNIQUE },
	[30] = { "UNIQUE_DROP", 0, 8, { VMS_ID_UNIQUE } },
	[31] = { "FROM_UNIQUE", 0, 8, { VMS_ID_UNIQUE }, VMS_ID_FRAME },
	[32] = { "TRY_FROM_SHARED", 0, 8, { VMS_ID_FRAME }, VMS_ID_UNIQUE },
	[33] = { "CURSOR_MAP_FRAMES", 32, 24, { VMS_ID_CURSOR } },
	[34] = { "CURSOR_MAP_SEGMENT", 32, 24, { VMS_ID_CURSOR, VMS_ID_SEGMENT } },
	[35] = { "READER_NEW", 0, 24, { VMS_ID_SPACE }, VMS_ID_IO },
	[36] = { "WRITER_NEW", 0, 24, { VMS_ID_SPACE }, VMS_ID_IO },
	[37] = { "KREADER_NEW", 0, 16, {}, VMS_ID_IO },
	[38] = { "KWRITER_NEW", 0, 16, {}, VMS_ID_IO },
	[39] = { "READER_DROP", 0, 8, { VMS_ID_IO } },
	[40] = { "WRITER_DROP", 0, 8, { VMS_ID_IO } },
	[41] = { "READER_READ_VAL", 0, 24, { VMS_ID_IO } },
	[42] = { "READER_COLLECT", 0, 24, { VMS_ID_IO } },
	[43] = { "READER_LIMIT", 0, 16, { VMS_ID_IO } },
	[44] = { "READER_SKIP", 0, 16, { VMS_ID_IO } },
	[45] = { "READER_QUERY", 0, 8, { VMS_ID_IO } },
	[46] = { "WRITER_WRITE_VAL", 0, 24, { VMS_ID_IO } },
	[47] = { "WRITER_FILL_ZEROS", 0, 16, { VMS_ID_IO } },
	[48] = { "WRITER_LIMIT", 0, 16, { VMS_ID_IO } },
	[49] = { "WRITER_SKIP", 0, 16, { VMS_ID_IO } },
	[50] = { "WRITER_QUERY", 0, 8, { VMS_ID_IO } },
	[51] = { "READ", 0, 16, { VMS_ID_IO, VMS_ID_IO } },
	[52] = { "WRITE", 0, 16, { VMS_ID_IO, VMS_ID_IO } },
	[53] = { "READ_FALLIBLE", 0, 16, { VMS_ID_IO, VMS_ID_IO } },
	[54] = { "WRITE_FALLIBLE", 0, 16, { VMS_ID_IO, VMS_ID_IO } },
	[55] = { "WRITER_FILL", 0, 24, { VMS_ID_IO } },
	[56] = { "READER_READ_ONCE", 0, 24, { VMS_ID_IO } },
	[57] = { "WRITER_WRITE_ONCE", 0, 24, { VMS_ID_IO } },
	[58] = { "KVIRT_MAP_FRAMES", 0, 32, {}, VMS_ID_KVIRT },
	[59] = { "KVIRT_MAP_UNTRACKED", 0, 40, {}, VMS_ID_KVIRT },
	[60] = { "KVIRT_QUERY", 4, 16, { VMS_ID_KVIRT }, VMS_ID_FRAME },
	[61] = { "KVIRT_DROP", 0, 8, { VMS_ID_KVIRT } },
	[62] = { "KVIRT_UNMAP_RANGE", 0, 24, { VMS_ID_KVIRT } },
	[63] = { "KVIRT_PROTECT_RANGE", 8, 32, { VMS_ID_KVIRT } },
	[64] = { "LIST_NEW", 0, 0, {}, VMS_ID_LIST },
	[65] = { "LIST_DROP", 0, 8, { VMS_ID_LIST } },
	[66] = { "LIST_SIZE", 0, 8, { VMS_ID_LIST } },
	[67] = { "LIST_CONTAINS", 0, 16, { VMS_ID_LIST } },
	[68] = { "LIST_INSERT_AT", 0, 24, { VMS_ID_LIST, VMS_ID_UNIQUE } },
	[69] = { "LIST_PUSH_FRONT", 0, 16, { VMS_ID_LIST, VMS_ID_UNIQUE } },
	[70] = { "LIST_PUSH_BACK", 0, 16, { VMS_ID_LIST, VMS_ID_UNIQUE } },
	[71] = { "LIST_TAKE_AT", 0, 16, { VMS_ID_LIST }, VMS_ID_UNIQUE },
	[72] = { "LIST_POP_FRONT", 0, 8, { VMS_ID_LIST }, VMS_ID_UNIQUE },
	[73] = { "LIST_POP_BACK", 0, 8, { VMS_ID_LIST }, VMS_ID_UNIQUE },
	[74] = { "LIST_CURSOR_FRONT", 0, 8, { VMS_ID_LIST } },
	[75] = { "LIST_CURSOR_BACK", 0, 8, { VMS_ID_LIST } },
	[76] = { "LIST_CURSOR_AT", 0, 16, { VMS_ID_LIST } },
	[77] = { "LIST_MOVE_NEXT", 0, 8, { VMS_ID_LIST } },
	[78] = { "LIST_MOVE_PREV", 0, 8, { VMS_ID_LIST } },
	[79] = { "LIST_CURRENT", 0, 8, { VMS_ID_LIST } },
	[80] = { "LIST_AS_LIST", 0, 8, { VMS_ID_LIST } },
	[81] = { "LIST_CURSOR_INSERT_BEFORE", 0, 16, { VMS_ID_LIST, VMS_ID_UNIQUE } },
	[82] = { "LIST_CURSOR_TAKE", 0, 8, { VMS_ID_LIST }, VMS_ID_UNIQUE },
	[83] = { "LIST_CURSOR_DROP", 0, 8, { VMS_ID_LIST } },
	[84] = { "TLB_ISSUE", 16, 24, { VMS_ID_CURSOR } },
	[85] = { "TLB_ISSUE_WITH", 16, 32, { VMS_ID_CURSOR, VMS_ID_FRAME } },
	[86] = { "TLB_DISPATCH", 0, 8, { VMS_ID_CURSOR } },
	[87] = { "TLB_SYNC", 0, 8, { VMS_ID_CURSOR } },
	[88] = { "TLB_FLUSH_LOCAL", 16, 24, { VMS_ID_SPACE } },
	[89] = { "TLB_WATCH", 0, 24, { VMS_ID_SPACE } },
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
	struct vmstore_op bad;
	struct fx_shot *shot;
	u32 op, bit;

	fx_fails(test, s, fx_op_simple(0), -EOPNOTSUPP);
	fx_fails(test, s, fx_op_simple(__VMSTORE_OP_MAX), -EOPNOTSUPP);
	fx_fails(test, s, fx_op_simple(0xffff), -EOPNOTSUPP);
	/* Each flag an operation does not know */
	for (op = 1; op < __VMSTORE_OP_MAX; op++) {
		shot = fx_shoot(test, s);
		for (bit = 0; bit < 16; bit++) {
			if (rows[op].flags >> bit & 1)
				continue;
			bad = op_flags(fx_op_simple(op), 1U << bit);
			KUNIT_EXPECT_EQ(test, fx_op(s, &bad), -EOPNOTSUPP);
		}
		fx_expect_unchanged(test, s, shot);
	}
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
	KUNIT_EXPECT_EQ(test, atomic64_read(&s->story.last), 0);
}

/* --- after it ----------------------------------------------------------------------------- */

/* The outcome of a failed operation is zero, whatever was there */
static void step_test_outcome_cleared(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u32 i;

	for (i = 0; i <= __VMSTORE_OP_MAX; i++) {
		struct vmstore_op op = fx_op_simple(i);

		if (i == VMSTORE_OP_FRAME_FROM_UNUSED || i == VMSTORE_OP_UNIQUE_FROM_UNUSED)
			op.arg.paddr.paddr = 1;
		if (i == VMSTORE_OP_FRAME_ALLOC || i == VMSTORE_OP_SPACE_NEW ||
		    i == VMSTORE_OP_LIST_NEW)
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
	KUNIT_EXPECT_EQ(test, atomic64_read(&s->story.last), 2);
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

struct late {
	u64 space, id, paddr;
};

/* One frame that is only gathered: unmapped, but CPU 1 has not flushed */
static struct late *make_late(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	struct late *l = kunit_kzalloc(test, sizeof(*l), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, l);
	l->space = fx_space_new(test, s);
	fx_activate(test, s, 1, l->space);
	l->id = fx_open(test, s, true, l->space, VA, VA + FX_PAGE);
	l->paddr = fx_map_new(test, s, l->id, VA);
	fx_load(test, s, 1, l->space, VA, 8);
	fx_late_begin(s);
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
	fx_late_end(s);
	fx_expect_inv(test, s);
}

/* D4: asked for by address, a gathered frame is reaped and claimed */
static void step_test_reap_for_claim(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	struct late *l = make_late(test);
	struct vmstore_op op;

	fx_frame_from_unused(test, s, l->paddr);
	KUNIT_EXPECT_EQ(test, fx_late_waits(), 1U);
	KUNIT_EXPECT_EQ(test, atomic64_read(&s->tlb.gathered), 0);
	/* The CPU that could see it has flushed before */
	op = fx_op_load(l->space, VA, 8);
	op.cpu = 1;
	KUNIT_EXPECT_EQ(test, fx_op(s, &op), -EFAULT);
	end_late(test, l);
}

/* The same for an exclusive handle and for a segment that has it in the middle */
static void step_test_reap_for_unique(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	struct late *l = make_late(test);

	fx_unique_from_unused(test, s, l->paddr);
	KUNIT_EXPECT_EQ(test, fx_late_waits(), 1U);
	end_late(test, l);
}

static void step_test_reap_for_segment(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	struct late *l = make_late(test);

	fx_segment_from_unused(test, s, l->paddr, l->paddr + 4 * FX_PAGE);
	KUNIT_EXPECT_EQ(test, fx_late_waits(), 1U);
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
	KUNIT_EXPECT_EQ(test, fx_late_waits(), 1U);
	KUNIT_EXPECT_EQ(test, fx_op(s, &op), -EBUSY);
	KUNIT_EXPECT_EQ(test, fx_late_waits(), 1U);
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
	KUNIT_EXPECT_EQ(test, fx_late_waits(), 0U);
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
	KUNIT_EXPECT_EQ(test, fx_late_waits(), 0U);
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
	KUNIT_EXPECT_EQ(test, fx_late_waits(), 1U);
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
	KUNIT_EXPECT_EQ(test, fx_late_waits(), 1U);
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
	KUNIT_EXPECT_EQ(test, fx_late_waits(), 1U);
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

/* One that another freezes the store under: what it has made does not get in, nor is it lost */
static void step_test_frozen_meanwhile(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 space = fx_space_new(test, s);
	struct vmstore_op ops[] = {
		fx_op_simple(VMSTORE_OP_SPACE_NEW),
		fx_op_open(false, space, VA, VA + FX_PAGE),
		fx_op_open(true, space, 0, FX_PAGE),
		fx_op_kvirt_untracked(FX_PAGE, 0, 0, 0, fx_rw),
	};
	u32 i;

	WRITE_ONCE(s->frozen, true);
	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		struct vms_step step = { .store = s, .op = &ops[i] };
		const struct vms_op_row *row = vms_op_row(ops[i].opcode);
		/* vms_step() says so of any operation then */
		int err = ops[i].opcode == VMSTORE_OP_KVIRT_MAP_UNTRACKED ? 0 : -EIO;

		KUNIT_EXPECT_EQ_MSG(test, row->run(&step), err, "%s", row->name);
	}
	KUNIT_EXPECT_EQ(test, atomic_read(&s->spaces.count), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->cursors.count), 0);
	KUNIT_EXPECT_NULL(test, vms_registry_load(&s->areas, 1));
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
	vms_step(w->s, &w->op, NULL);
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
	/* Its attempts were no operations: one more than the six above */
	KUNIT_EXPECT_EQ(test, atomic64_read(&s->story.last), 7);
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
	KUNIT_EXPECT_EQ(test, atomic64_read(&s->story.last), 2);
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
	/* N-MAX_USERSPACE_VADDR: the last user page, what is not canonical, what is Linux's */
	static const u64 out_of_reach[] = {
		VMSTORE_MAX_USERSPACE_VADDR, VMSTORE_USER_END - 8, VMSTORE_USER_END,
		VMSTORE_KERNEL_BASE - 8, VMSTORE_KERNEL_BASE + FX_REGION, VMSTORE_KVIRT_END,
		0xffffffff81000000ULL,
	};
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
	/* Where areas may be there is none */
	fx_fails(test, s, fx_op_load(space, VMSTORE_KVIRT_BASE, 8), -EFAULT);
	fx_fails(test, s, fx_op_load(space, VMSTORE_KVIRT_END - 8, 8), -EFAULT);
	for (i = 0; i < ARRAY_SIZE(out_of_reach); i++)
		fx_fails(test, s, fx_op_load(space, out_of_reach[i], 8), -EACCES);
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

#define RANDOM_STEPS	FX_ROUNDS(6000)
#define RANDOM_DATA	63		/* a mask: most bytes of data */
#define RANDOM_HANDLES	(RANDOM_DATA / sizeof(u64) + 1)

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
	switch (type) {
	case VMS_ID_FRAME:
		return &s->frames;
	case VMS_ID_SPACE:
		return &s->spaces;
	case VMS_ID_IO:
		return &s->ios;
	case VMS_ID_SEGMENT:
		return &s->segments;
	case VMS_ID_UNIQUE:
		return &s->uniques;
	case VMS_ID_KVIRT:
		return &s->areas;
	case VMS_ID_LIST:
		return &s->lists;
	default:
		return &s->cursors;
	}
}

/* Near the start of a segment, if there is such a one */
static u64 random_page_of(struct vms_store *s, u64 segment, u64 r)
{
	void *entry = vms_registry_load(&s->segments, segment);

	return (entry ? vms_segment_start(vms_segment_of_entry(entry)) : 0x300000) +
	       (r & 1) * FX_PAGE;
}

/* In an area or a page behind it, if there is such a one */
static u64 random_addr_of(struct vms_store *s, u64 id, u64 r)
{
	const struct vms_kvirt *area = vms_registry_load(&s->areas, id);

	if (!area)
		return VMSTORE_KVIRT_BASE + (r & 31) * FX_PAGE;
	return area->start + r % (area->end - area->start + FX_PAGE);
}

/* Few ids, pages and addresses, so that they meet; now and then one that is wrong */
static struct vmstore_op random_op(struct vms_store *s, struct rnd_state *rnd,
				   u64 data[RANDOM_HANDLES])
{
	static const u64 spans[] = { 0, 1, 2, 8, 512, 600, 1 << 18, (1 << 18) + 1 };
	/* More of what builds up */
	static const u8 often[] = {
		VMSTORE_OP_FRAME_ALLOC, VMSTORE_OP_CURSOR_MAP, VMSTORE_OP_CURSOR_MAP,
		VMSTORE_OP_CURSOR_JUMP, VMSTORE_OP_ACCESS, VMSTORE_OP_ACCESS,
		VMSTORE_OP_CURSOR_OPEN_MUT, VMSTORE_OP_CURSOR_DROP,
		VMSTORE_OP_SEGMENT_FROM_UNUSED, VMSTORE_OP_SEGMENT_FROM_UNUSED,
		VMSTORE_OP_SEGMENT_SPLIT, VMSTORE_OP_SEGMENT_SPLIT,
		VMSTORE_OP_UNIQUE_FROM_UNUSED, VMSTORE_OP_CURSOR_MAP_FRAMES,
		VMSTORE_OP_KVIRT_MAP_FRAMES, VMSTORE_OP_KVIRT_MAP_FRAMES,
		VMSTORE_OP_SPACE_ACTIVATE, VMSTORE_OP_READER_NEW, VMSTORE_OP_WRITER_NEW,
		VMSTORE_OP_KREADER_NEW, VMSTORE_OP_KWRITER_NEW, VMSTORE_OP_READ_FALLIBLE,
		VMSTORE_OP_WRITE, VMSTORE_OP_WRITE_FALLIBLE,
		VMSTORE_OP_LIST_INSERT_AT, VMSTORE_OP_LIST_CURSOR_INSERT_BEFORE,
		VMSTORE_OP_LIST_CURSOR_DROP,
	};
	const u32 nr = __VMSTORE_OP_MAX;
	u64 r = prandom_u32_state(rnd), va;
	struct vmstore_op op;
	u32 i = r % (nr - 1 + ARRAY_SIZE(often)) + 1;

	if (i >= nr)
		i = often[i - nr];
	va = (r >> 11 & 1) << 30 | (r >> 13 & 1) << 21 | (r >> 8 & 7) << 12;
	op = fx_op_simple(i);
	op.cpu = r & 1;
	if (r >> 1 & 1)
		op.flags = rows[i].flags & ~VMSTORE_OPF_WAIT;
	if (rows[i].arg[0] != VMS_ID_NONE)
		op.arg.raw[0] = random_id(registry_of(s, rows[i].arg[0]), rnd);
	if (rows[i].arg[1] != VMS_ID_NONE)
		op.arg.raw[1] = random_id(registry_of(s, rows[i].arg[1]), rnd);
	r = prandom_u32_state(rnd);
	switch (i) {
	case VMSTORE_OP_FRAME_FROM_UNUSED:
	case VMSTORE_OP_FRAME_FROM_IN_USE:
	case VMSTORE_OP_UNIQUE_FROM_UNUSED:
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
		op.arg.map.prop.flags = VMSTORE_PROP_R | (r >> 8 & VMSTORE_PROP_W);
		break;
	case VMSTORE_OP_SEGMENT_FROM_UNUSED:
		op.arg.range.start = (r & 31) * FX_PAGE + 0x300000;
		op.arg.range.end = op.arg.range.start + (r >> 8 & 7) * FX_PAGE;
		break;
	case VMSTORE_OP_SEGMENT_SPLIT:
		op.arg.split.offset = (r & 3) * FX_PAGE;
		break;
	case VMSTORE_OP_SEGMENT_SLICE:
		op.arg.slice.start = random_page_of(s, op.arg.slice.segment, r);
		op.arg.slice.end = op.arg.slice.start + (r >> 8 & 3) * FX_PAGE;
		break;
	case VMSTORE_OP_CURSOR_MAP_FRAMES:
		op.arg.map_frames.count = r & 3;
		op.arg.map_frames.prop.flags = VMSTORE_PROP_R;
		for (i = 0; i < op.arg.map_frames.count; i++)
			data[i] = random_id(&s->frames, rnd);
		break;
	case VMSTORE_OP_CURSOR_MAP_SEGMENT:
		op.arg.map_segment.prop.flags = VMSTORE_PROP_R;
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
	case VMSTORE_OP_TLB_ISSUE:
	case VMSTORE_OP_TLB_FLUSH_LOCAL:
		op.arg.flush.va = op.flags ? 0 : va;
		op.arg.flush.len = op.flags ? 0 : spans[r & 7] * FX_PAGE;
		break;
	case VMSTORE_OP_TLB_ISSUE_WITH:
		op.arg.issue_with.va = op.flags ? 0 : va;
		op.arg.issue_with.len = op.flags ? 0 : spans[r & 7] * FX_PAGE;
		break;
	case VMSTORE_OP_TLB_WATCH:
		op.arg.watch.va = va;
		op.arg.watch.width = 8;
		op.arg.watch.loads = r & 7;
		break;
	case VMSTORE_OP_ACCESS:
		op.arg.access.va = r & 3 ? va : random_addr_of(s, random_id(&s->areas, rnd),
							       r & ~7ULL);
		op.arg.access.width = 8;
		break;
	case VMSTORE_OP_READER_NEW:
	case VMSTORE_OP_WRITER_NEW:
		op.arg.io_new.vaddr = va;
		op.arg.io_new.len = spans[r & 7] * FX_PAGE;
		break;
	case VMSTORE_OP_KREADER_NEW:
	case VMSTORE_OP_KWRITER_NEW:
		op.arg.kio_new.vaddr = VMSTORE_KERNEL_BASE + 0x300000 + (r & 31) * FX_PAGE;
		if (r >> 20 & 1)
			op.arg.kio_new.vaddr = random_addr_of(s, random_id(&s->areas, rnd), r);
		op.arg.kio_new.len = r >> 5 & (FX_PAGE | RANDOM_DATA);
		break;
	case VMSTORE_OP_READER_READ_VAL:
	case VMSTORE_OP_READER_COLLECT:
	case VMSTORE_OP_WRITER_WRITE_VAL:
		op.arg.io_data.len = r & RANDOM_DATA;
		break;
	case VMSTORE_OP_READER_LIMIT:
	case VMSTORE_OP_READER_SKIP:
	case VMSTORE_OP_WRITER_FILL_ZEROS:
	case VMSTORE_OP_WRITER_LIMIT:
	case VMSTORE_OP_WRITER_SKIP:
		op.arg.io_len.n = r & RANDOM_DATA;
		break;
	case VMSTORE_OP_LIST_CONTAINS:
	case VMSTORE_OP_LIST_CURSOR_AT:
		op.arg.list_frame.paddr = (r & 31) * FX_PAGE + 0x300000;
		break;
	case VMSTORE_OP_LIST_TAKE_AT:
		op.arg.list_at.n = r & 3;
		break;
	case VMSTORE_OP_LIST_INSERT_AT:
		op.arg.list_insert.n = r & 3;
		break;
	case VMSTORE_OP_WRITER_FILL:
	case VMSTORE_OP_READER_READ_ONCE:
	case VMSTORE_OP_WRITER_WRITE_ONCE:
		op.arg.io_value.width = 1 << (r & 3);
		break;
	case VMSTORE_OP_KVIRT_MAP_FRAMES:
		op.arg.kvirt_frames.area_size = (r >> 2 & 7) * FX_PAGE;
		op.arg.kvirt_frames.map_offset = (r >> 5 & 3) * FX_PAGE;
		op.arg.kvirt_frames.prop.flags = VMSTORE_PROP_R | (r >> 8 & VMSTORE_PROP_W);
		op.arg.kvirt_frames.count = r & 3;
		for (i = 0; i < op.arg.kvirt_frames.count; i++)
			data[i] = random_id(&s->frames, rnd);
		break;
	case VMSTORE_OP_KVIRT_MAP_UNTRACKED:
		op.arg.kvirt_untracked.area_size = spans[r & 7] * FX_PAGE;
		op.arg.kvirt_untracked.start = FX_REGION - (1 + (r >> 3 & 15)) * FX_PAGE;
		op.arg.kvirt_untracked.end = op.arg.kvirt_untracked.start +
					     (r >> 7 & 3) * FX_PAGE;
		op.arg.kvirt_untracked.prop.flags = VMSTORE_PROP_R | (r >> 9 & VMSTORE_PROP_W);
		break;
	case VMSTORE_OP_KVIRT_QUERY:
		op.arg.kvirt_addr.addr = random_addr_of(s, op.arg.kvirt_addr.area, r);
		break;
	case VMSTORE_OP_KVIRT_UNMAP_RANGE:
		op.arg.kvirt_range.offset = (r & 3) * FX_PAGE;
		op.arg.kvirt_range.len = (r >> 2 & 3) * FX_PAGE;
		break;
	case VMSTORE_OP_KVIRT_PROTECT_RANGE:
		op.arg.kvirt_protect.offset = (r & 3) * FX_PAGE;
		op.arg.kvirt_protect.len = (r >> 2 & 3) * FX_PAGE;
		op.arg.kvirt_protect.mask.flags = r >> 8 & ~VMSTORE_PROP_AVAIL1;
		op.arg.kvirt_protect.prop.flags = (r >> 16 & ~VMSTORE_PROP_AVAIL1) | 1;
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

/* With a full check after every @every steps; @worked counts successes by opcode */
static void run_random(struct kunit *test, u64 seed, u32 every, u32 *worked)
{
	struct vms_store *s = fx_store(test);
	u64 data[RANDOM_HANDLES] = {};
	struct rnd_state rnd;
	u32 i;

	prandom_seed_state(&rnd, seed);
	s->spaces.max = 4;
	s->cursors.max = 6;
	s->frames.max = 12;
	s->ios.max = 16;
	s->segments.max = 6;
	s->uniques.max = 4;
	s->areas.max = 5;
	s->lists.max = 3;
	for (i = 0; i < RANDOM_STEPS; i++) {
		struct vmstore_op op = random_op(s, &rnd, data);
		int err = vms_step(s, &op, data);

		if (!is_documented(err)) {
			KUNIT_FAIL(test, "step %u: %s: error %d", i, rows[op.opcode].name, err);
			break;
		}
		worked[op.opcode] += !err;
		if (!(i % every) && fx_check(test, s))
			break;
	}
	fx_expect_inv(test, s);
}

static const u64 random_seeds[] = { 0x5eed0003, 0x5eed0009 };

static void random_seed_name(const u64 *seed, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%#llx", *seed);
}

KUNIT_ARRAY_PARAM(random_seed, random_seeds, random_seed_name);

static void step_test_random(struct kunit *test)
{
	u32 worked[__VMSTORE_OP_MAX] = {}, i;

	run_random(test, *(const u64 *)test->param_value, RANDOM_STEPS, worked);
	if (RANDOM_STEPS < 3000)	/* too few for all of them */
		return;
	/* Each of them succeeded at times, or the mixture is a bad one */
	for (i = 1; i < __VMSTORE_OP_MAX; i++)
		KUNIT_EXPECT_GT_MSG(test, worked[i], 0U, "%s", rows[i].name);
}

/* Checked for what was touched only; now and then a full check finds nothing else */
static void step_test_random_touched(struct kunit *test)
{
	u32 worked[__VMSTORE_OP_MAX] = {};

	fx_store(test)->mode = VMSTORE_CHECK_STEP;
	run_random(test, *(const u64 *)test->param_value, 64, worked);
	KUNIT_EXPECT_TRUE(test, fx_store(test)->inv->shadow->valid);
}

static struct kunit_case step_test_cases[] = {
	KUNIT_CASE(step_test_table),
	KUNIT_CASE(step_test_unknown),
	KUNIT_CASE(step_test_validate),
	KUNIT_CASE(step_test_outcome_cleared),
	KUNIT_CASE(step_test_counters),
	KUNIT_CASE(step_test_unchecked),
	KUNIT_CASE(step_test_reap_for_claim),
	KUNIT_CASE(step_test_reap_for_unique),
	KUNIT_CASE(step_test_reap_for_segment),
	KUNIT_CASE(step_test_reap_in_vain),
	KUNIT_CASE(step_test_no_reap),
	KUNIT_CASE(step_test_reap_for_alloc),
	KUNIT_CASE(step_test_reap_for_open),
	KUNIT_CASE(step_test_reap_for_map),
	KUNIT_CASE(step_test_freeze),
	KUNIT_CASE(step_test_frozen_meanwhile),
	KUNIT_CASE(step_test_wait),
	KUNIT_CASE(step_test_wait_interrupted),
	KUNIT_CASE(step_test_wait_errors),
	KUNIT_CASE(step_test_access_errors),
	KUNIT_CASE(step_test_access_last_page),
	KUNIT_CASE(step_test_access_linear),
	KUNIT_CASE(step_test_linear_is_identity),
	KUNIT_CASE_PARAM(step_test_random, random_seed_gen_params),
	KUNIT_CASE_PARAM(step_test_random_touched, random_seed_gen_params),
	{}
};

static struct kunit_suite step_test_suite = {
	.name = "vmstore-step",
	.init = fx_init,
	.exit = fx_exit,
	.test_cases = step_test_cases,
};

kunit_test_suite(step_test_suite);
