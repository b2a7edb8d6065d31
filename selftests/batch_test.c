// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is common to all operations: opcode, flags, CPU, reserved bytes, ids,
 * VMSTORE_REF, and how a batch goes on or stops.
 */
#include "vmstore_test.h"

/* An operation as the ABI describes it */
static const struct row {
	const char *name;
	__u16 flags;
	size_t arg_size;
	int nr_ids;		/* leading u64 of the arguments that are ids */
} rows[__VMSTORE_OP_MAX] = {
	[VMSTORE_OP_FRAME_FROM_UNUSED] = { "FRAME_FROM_UNUSED", 0, 8, 0 },
	[VMSTORE_OP_FRAME_FROM_IN_USE] = { "FRAME_FROM_IN_USE", 0, 8, 0 },
	[VMSTORE_OP_FRAME_ALLOC] = { "FRAME_ALLOC", 0, 0, 0 },
	[VMSTORE_OP_FRAME_DROP] = { "FRAME_DROP", 0, 8, 1 },
	[VMSTORE_OP_SPACE_NEW] = { "SPACE_NEW", 0, 0, 0 },
	[VMSTORE_OP_SPACE_DROP] = { "SPACE_DROP", 0, 8, 1 },
	[VMSTORE_OP_SPACE_ACTIVATE] = { "SPACE_ACTIVATE", 0, 8, 1 },
	[VMSTORE_OP_CURSOR_OPEN] = { "CURSOR_OPEN", VMSTORE_OPF_WAIT, 24, 1 },
	[VMSTORE_OP_CURSOR_OPEN_MUT] = { "CURSOR_OPEN_MUT", VMSTORE_OPF_WAIT, 24, 1 },
	[VMSTORE_OP_CURSOR_DROP] = { "CURSOR_DROP", 0, 8, 1 },
	[VMSTORE_OP_CURSOR_QUERY] = { "CURSOR_QUERY", VMSTORE_OPF_PEEK, 8, 1 },
	[VMSTORE_OP_CURSOR_FIND_NEXT] = { "CURSOR_FIND_NEXT", 0, 16, 1 },
	[VMSTORE_OP_CURSOR_JUMP] = { "CURSOR_JUMP", 0, 16, 1 },
	[VMSTORE_OP_CURSOR_VADDR] = { "CURSOR_VADDR", 0, 8, 1 },
	[VMSTORE_OP_CURSOR_MAP] = { "CURSOR_MAP", 0, 24, 2 },
	[VMSTORE_OP_CURSOR_UNMAP] = { "CURSOR_UNMAP", 0, 16, 1 },
	[VMSTORE_OP_CURSOR_PROTECT_NEXT] = {
		"CURSOR_PROTECT_NEXT", VMSTORE_OPF_CACHE, 24, 1 },
	[VMSTORE_OP_CURSOR_FLUSH] = { "CURSOR_FLUSH", 0, 24, 1 },
	[VMSTORE_OP_REAP] = { "REAP", 0, 0, 0 },
	[VMSTORE_OP_ACCESS] = { "ACCESS", VMSTORE_OPF_WRITE, 32, 1 },
};

#define VA	0x400000ULL

FIXTURE(op) {
	int fd;
	struct vmstore_info info;
	__u64 space;
	__u64 cursor;		/* mutable, over [VA, VA + 2 MiB), at a mapped page */
	__u64 frame;
	__u64 paddr;
};

FIXTURE_VARIANT(op) {
	__u32 machine;
};

FIXTURE_VARIANT_ADD(op, default_full) { .machine = VMSTORE_MACHINE_DEFAULT };
FIXTURE_VARIANT_ADD(op, soft_full) { .machine = VMSTORE_MACHINE_SOFT };

FIXTURE_SETUP(op)
{
	const char *reason = vt_skip_reason(variant->machine);
	struct vmstore_op got;

	self->fd = -1;
	if (reason)
		SKIP(return, "%s", reason);
	self->fd = vt_store(variant->machine, VMSTORE_CHECK_FULL, VT_SMALL);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, vt_info(self->fd, &self->info));
	self->space = RUN_OK(self->fd, vt_space_new()).out.id;
	self->cursor = RUN_OK(self->fd, vt_open_mut(self->space, VA, VA + VT_2M)).out.id;
	got = RUN_OK(self->fd, vt_alloc());
	RUN_OK(self->fd, vt_map(self->cursor, got.out.id, VT_RW));
	RUN_OK(self->fd, vt_jump(self->cursor, VA));
	got = RUN_OK(self->fd, vt_alloc());
	self->frame = got.out.id;
	self->paddr = got.out.frame.paddr;
}

FIXTURE_TEARDOWN(op)
{
	if (self->fd < 0)
		return;
	EXPECT_EQ(0, vt_settled(self->fd));
	EXPECT_EQ(0, close(self->fd));
}

/* An operation of the opcode that would succeed on the fixture */
static struct vmstore_op good_op(int fd, __u16 opcode, __u64 space, __u64 cursor,
				 __u64 frame, __u64 paddr)
{
	struct vmstore_prop none = {}, rw = VT_RW;

	switch (opcode) {
	case VMSTORE_OP_FRAME_FROM_UNUSED:
		return vt_from_unused(vt_free_paddr(fd));
	case VMSTORE_OP_FRAME_FROM_IN_USE:
		return vt_from_in_use(paddr);
	case VMSTORE_OP_FRAME_DROP:
		return vt_frame_drop(frame);
	case VMSTORE_OP_SPACE_DROP:
	case VMSTORE_OP_SPACE_ACTIVATE:
		return vt_op_id(opcode, space);
	case VMSTORE_OP_CURSOR_OPEN:
		return vt_open_ro(space, VA + VT_1G, VA + VT_1G + VT_PAGE);
	case VMSTORE_OP_CURSOR_OPEN_MUT:
		return vt_open_mut(space, VA + VT_1G, VA + VT_1G + VT_PAGE);
	case VMSTORE_OP_CURSOR_DROP:
	case VMSTORE_OP_CURSOR_QUERY:
	case VMSTORE_OP_CURSOR_VADDR:
		return vt_op_id(opcode, cursor);
	case VMSTORE_OP_CURSOR_FIND_NEXT:
		return vt_find_next(cursor, VT_PAGE);
	case VMSTORE_OP_CURSOR_JUMP:
		return vt_jump(cursor, VA + VT_PAGE);
	case VMSTORE_OP_CURSOR_MAP:
		return vt_map(cursor, frame, VT_RW);
	case VMSTORE_OP_CURSOR_UNMAP:
		return vt_unmap(cursor, VT_PAGE);
	case VMSTORE_OP_CURSOR_PROTECT_NEXT:
		return vt_protect(cursor, VT_PAGE, rw, none);
	case VMSTORE_OP_CURSOR_FLUSH:
		return vt_flush(cursor, VA, VT_PAGE);
	case VMSTORE_OP_ACCESS:
		return vt_load(space, VA, 8, 0);
	default:
		return vt_op(opcode);
	}
}

#define GOOD_OP(opcode) \
	good_op(self->fd, opcode, self->space, self->cursor, self->frame, self->paddr)

/* The operations the other tests of this file spoil do succeed as they are */
TEST_F(op, good)
{
	__u16 opcode;

	for (opcode = 1; opcode < __VMSTORE_OP_MAX; opcode++) {
		/* The two that end what the others need come last */
		if (opcode == VMSTORE_OP_SPACE_DROP || opcode == VMSTORE_OP_CURSOR_DROP ||
		    opcode == VMSTORE_OP_FRAME_DROP)
			continue;
		RUN_OK(self->fd, GOOD_OP(opcode));
		if (opcode == VMSTORE_OP_CURSOR_MAP) {
			/* It has consumed the handle and moved on */
			self->frame = RUN_OK(self->fd, vt_alloc()).out.id;
			RUN_OK(self->fd, vt_jump(self->cursor, VA));
		} else if (opcode == VMSTORE_OP_CURSOR_OPEN ||
			   opcode == VMSTORE_OP_CURSOR_OPEN_MUT) {
			RUN_OK(self->fd, vt_cursor_drop(self->cursor + opcode - 7));
		} else if (opcode == VMSTORE_OP_CURSOR_UNMAP) {
			RUN_OK(self->fd, vt_jump(self->cursor, VA));
			RUN_OK(self->fd, vt_map(self->cursor, self->frame, VT_RW));
			RUN_OK(self->fd, vt_jump(self->cursor, VA));
			self->frame = RUN_OK(self->fd, vt_alloc()).out.id;
		}
	}
	RUN_OK(self->fd, GOOD_OP(VMSTORE_OP_CURSOR_DROP));
	RUN_OK(self->fd, GOOD_OP(VMSTORE_OP_FRAME_DROP));
	RUN_OK(self->fd, vt_activate(0, 0));
	RUN_OK(self->fd, GOOD_OP(VMSTORE_OP_SPACE_DROP));
}

TEST_F(op, opcode_unknown)
{
	RUN_ERR(self->fd, EOPNOTSUPP, vt_op(0));
	RUN_ERR(self->fd, EOPNOTSUPP, vt_op(self->info.out_nr_opcodes));
	RUN_ERR(self->fd, EOPNOTSUPP, vt_op(self->info.out_nr_opcodes + 1));
	RUN_ERR(self->fd, EOPNOTSUPP, vt_op(0x8001));
	RUN_ERR(self->fd, EOPNOTSUPP, vt_op(0xffff));
}

/* Flags that no opcode knows, and those that another one knows */
TEST_F(op, flag_unknown)
{
	__u16 opcode;
	int bit;

	for (opcode = 1; opcode < __VMSTORE_OP_MAX; opcode++) {
		for (bit = 0; bit < 16; bit++) {
			struct vmstore_op op = GOOD_OP(opcode);

			if (rows[opcode].flags & 1 << bit)
				continue;
			op.flags = 1 << bit;
			EXPECT_EQ(-EOPNOTSUPP, vt_run1(self->fd, &op))
				TH_LOG("%s: flag %#x", rows[opcode].name, 1 << bit);
		}
	}
}

TEST_F(op, reserved_set)
{
	__u16 opcode;

	for (opcode = 1; opcode < __VMSTORE_OP_MAX; opcode++) {
		struct vmstore_op op = GOOD_OP(opcode);

		op.__reserved = 0x01000000;
		EXPECT_EQ(-EINVAL, vt_refused(self->fd, &op))
			TH_LOG("%s", rows[opcode].name);
	}
}

/* Each byte of the union that the opcode does not use */
TEST_F(op, bytes_beyond_arguments)
{
	__u16 opcode;
	size_t at;

	for (opcode = 1; opcode < __VMSTORE_OP_MAX; opcode++) {
		for (at = rows[opcode].arg_size; at < sizeof(((struct vmstore_op *)0)->arg); at++) {
			struct vmstore_op op = GOOD_OP(opcode);

			((char *)&op.arg)[at] = 0x40;
			EXPECT_EQ(-EINVAL, vt_run1(self->fd, &op))
				TH_LOG("%s: byte %zu", rows[opcode].name, at);
		}
	}
}

TEST_F(op, bytes_beyond_arguments_change_nothing)
{
	__u16 opcode;

	for (opcode = 1; opcode < __VMSTORE_OP_MAX; opcode++) {
		struct vmstore_op op = GOOD_OP(opcode);

		op.arg.raw[5] = 1ULL << 63;
		EXPECT_EQ(-EINVAL, vt_refused(self->fd, &op))
			TH_LOG("%s", rows[opcode].name);
	}
}

TEST_F(op, argument_reserved)
{
	struct vmstore_op op = vt_map(self->cursor, self->frame, VT_RW);

	op.arg.map.__reserved = 1;
	RUN_ERR(self->fd, EINVAL, op);
	op = vt_load(self->space, VA, 8, 0);
	op.arg.access.__reserved = 0x80000000;
	RUN_ERR(self->fd, EINVAL, op);
}

TEST_F(op, cpu_out_of_range)
{
	__u16 opcode;

	for (opcode = 1; opcode < __VMSTORE_OP_MAX; opcode++) {
		struct vmstore_op op = GOOD_OP(opcode);

		op.cpu = self->info.out_nr_cpus;
		EXPECT_EQ(-EINVAL, vt_refused(self->fd, &op))
			TH_LOG("%s", rows[opcode].name);
		op.cpu = 0xffffffff;
		EXPECT_EQ(-EINVAL, vt_refused(self->fd, &op))
			TH_LOG("%s", rows[opcode].name);
	}
}

static const __u64 no_ids[] = { 0, 4711, 1ULL << 32, 1ULL << 62, VMSTORE_REF_FLAG - 1 };

TEST_F(op, id_unknown)
{
	__u16 opcode;
	size_t i;
	int k;

	for (opcode = 1; opcode < __VMSTORE_OP_MAX; opcode++) {
		for (k = 0; k < rows[opcode].nr_ids; k++) {
			for (i = 0; i < ARRAY_SIZE(no_ids); i++) {
				struct vmstore_op op = GOOD_OP(opcode);

				/* No space is a request like any other */
				if (opcode == VMSTORE_OP_SPACE_ACTIVATE && !no_ids[i])
					continue;
				op.arg.raw[k] = no_ids[i];
				EXPECT_EQ(-ENOENT, vt_refused(self->fd, &op))
					TH_LOG("%s: id %#llx", rows[opcode].name,
					       no_ids[i]);
			}
		}
	}
}

/*
 * Ids are counted per type from 1 [N-VmSpaceId, N-CursorId, N-FrameId]: what is a
 * cursor or a frame is no space
 */
TEST_F(op, id_of_other_type)
{
	struct vmstore_op op;
	__u64 last;

	EXPECT_EQ(1, self->space);
	EXPECT_EQ(1, self->cursor);
	EXPECT_EQ(2, self->frame);
	last = RUN_OK(self->fd, vt_alloc()).out.id;
	EXPECT_EQ(3, last);
	for (op.opcode = VMSTORE_OP_SPACE_DROP;
	     op.opcode <= VMSTORE_OP_CURSOR_FLUSH; op.opcode++) {
		__u16 opcode = op.opcode;

		op = GOOD_OP(opcode);
		op.arg.raw[0] = last;
		EXPECT_EQ(-ENOENT, vt_refused(self->fd, &op))
			TH_LOG("%s", rows[opcode].name);
		op.opcode = opcode;
	}
}

/* An id is never given out again */
TEST_F(op, ids_not_reused)
{
	__u64 id;

	RUN_OK(self->fd, vt_frame_drop(self->frame));
	RUN_ERR(self->fd, ENOENT, vt_frame_drop(self->frame));
	id = RUN_OK(self->fd, vt_from_unused(self->paddr)).out.id;
	EXPECT_LT(self->frame, id);
	RUN_OK(self->fd, vt_cursor_drop(self->cursor));
	RUN_ERR(self->fd, ENOENT, vt_cursor_drop(self->cursor));
	id = RUN_OK(self->fd, vt_open_ro(self->space, VA, VA + VT_2M)).out.id;
	EXPECT_LT(self->cursor, id);
	RUN_OK(self->fd, vt_cursor_drop(id));
	RUN_OK(self->fd, vt_space_drop(self->space));
	RUN_ERR(self->fd, ENOENT, vt_space_drop(self->space));
	id = RUN_OK(self->fd, vt_space_new()).out.id;
	EXPECT_LT(self->space, id);
}

/* --- batches --------------------------------------------------------------- */

TEST_F(op, refs_link_a_batch)
{
	struct vmstore_op ops[] = {
		vt_space_new(),
		vt_open_mut(VMSTORE_REF(0), VA, VA + VT_PAGE),
		vt_alloc(),
		vt_map(VMSTORE_REF(1), VMSTORE_REF(2), VT_RW),
		vt_cursor_drop(VMSTORE_REF(1)),
		vt_write(VMSTORE_REF(0), VA, 8, 0x1122334455667788, 0),
		vt_load(VMSTORE_REF(0), VA, 8, 0),
		vt_space_drop(VMSTORE_REF(0)),
	};
	struct vmstore_run run;
	int i;

	ASSERT_EQ(0, vt_run(self->fd, ops, 8, 0, &run));
	EXPECT_EQ(8, run.out_ran);
	EXPECT_EQ(0, run.out_failed);
	for (i = 0; i < 8; i++)
		EXPECT_EQ(0, ops[i].out_errno)
			TH_LOG("op %d", i);
	EXPECT_EQ(0x1122334455667788, ops[6].out.access.value);
	/* The argument is the caller's and stays what it was */
	EXPECT_EQ(VMSTORE_REF(0), ops[7].arg.id.id);
}

static const struct dangling {
	const char *why;
	struct vmstore_op first;
	__u64 ref;
} danglings[] = {
	{ "itself", { .opcode = VMSTORE_OP_SPACE_NEW }, VMSTORE_REF(1) },
	{ "a later one", { .opcode = VMSTORE_OP_SPACE_NEW }, VMSTORE_REF(2) },
	{ "behind the batch", { .opcode = VMSTORE_OP_SPACE_NEW }, VMSTORE_REF(3) },
	{ "far behind", { .opcode = VMSTORE_OP_SPACE_NEW }, VMSTORE_REF(1ULL << 32) },
	{ "out of this world", { .opcode = VMSTORE_OP_SPACE_NEW }, ~0ULL },
	{ "one that failed", { .opcode = VMSTORE_OP_SPACE_NEW, .flags = 0x8000 },
	  VMSTORE_REF(0) },
	{ "one without id", { .opcode = VMSTORE_OP_REAP }, VMSTORE_REF(0) },
	{ "an id of another type", { .opcode = VMSTORE_OP_FRAME_ALLOC }, VMSTORE_REF(0) },
};

TEST_F(op, refs_dangling)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(danglings); i++) {
		struct vmstore_op ops[3] = {
			danglings[i].first,
			vt_space_drop(danglings[i].ref),
			vt_space_new(),
		};
		struct vmstore_run run;

		ASSERT_EQ(0, vt_run(self->fd, ops, 3, VMSTORE_RUN_KEEP_GOING, &run));
		EXPECT_EQ(-EINVAL, ops[1].out_errno)
			TH_LOG("reference to %s", danglings[i].why);
		EXPECT_EQ(0, ops[1].out.id);
		EXPECT_EQ(3, run.out_ran);
		EXPECT_EQ(0, ops[2].out_errno);
	}
}

TEST_F(op, refs_dangling_in_every_argument)
{
	__u16 opcode;
	int k;

	for (opcode = 1; opcode < __VMSTORE_OP_MAX; opcode++) {
		for (k = 0; k < rows[opcode].nr_ids; k++) {
			struct vmstore_op op = GOOD_OP(opcode);

			op.arg.raw[k] = VMSTORE_REF(0);
			EXPECT_EQ(-EINVAL, vt_refused(self->fd, &op))
				TH_LOG("%s: argument %d", rows[opcode].name, k);
		}
	}
}

/* What only looks makes no handle, and so there is none to refer to */
TEST_F(op, refs_to_peek)
{
	struct vmstore_op ops[] = {
		vt_peek(self->cursor),
		vt_frame_drop(VMSTORE_REF(0)),
		vt_query(self->cursor),
		vt_frame_drop(VMSTORE_REF(2)),
		vt_frame_drop(VMSTORE_REF(2)),
	};
	struct vmstore_run run;

	ASSERT_EQ(0, vt_run(self->fd, ops, 5, VMSTORE_RUN_KEEP_GOING, &run));
	EXPECT_EQ(0, ops[0].out_errno);
	EXPECT_EQ(0, ops[0].out.id);
	EXPECT_EQ(-EINVAL, ops[1].out_errno);
	EXPECT_EQ(0, ops[2].out_errno);
	EXPECT_EQ(0, ops[3].out_errno);
	/* The reference is good, what it names is gone */
	EXPECT_EQ(-ENOENT, ops[4].out_errno);
	EXPECT_EQ(2, run.out_failed);
}

/* Ids are read from what the kernel made, not from what the caller scribbles */
TEST_F(op, refs_ignore_stale_out)
{
	struct vmstore_op ops[] = {
		vt_find_next(self->cursor, VT_PAGE),
		vt_space_drop(VMSTORE_REF(0)),
	};

	memset(&ops[0].out, 0x11, sizeof(ops[0].out));
	ops[0].out.id = self->space;
	ASSERT_EQ(0, vt_run(self->fd, ops, 2, 0, NULL));
	EXPECT_EQ(0, ops[0].out_errno);
	EXPECT_EQ(-EINVAL, ops[1].out_errno);
}

TEST_F(op, stops_at_first_failure)
{
	struct vmstore_op ops[] = {
		vt_alloc(), vt_frame_drop(4711), vt_alloc(), vt_alloc(),
	};
	__u64 handles = vt_count(self->fd, VMSTORE_DUMP_FRAMES);
	struct vmstore_run run;

	ASSERT_EQ(0, vt_run(self->fd, ops, 4, 0, &run));
	EXPECT_EQ(2, run.out_ran);
	EXPECT_EQ(1, run.out_failed);
	EXPECT_EQ(0, ops[0].out_errno);
	EXPECT_EQ(-ENOENT, ops[1].out_errno);
	EXPECT_EQ(-ECANCELED, ops[2].out_errno);
	EXPECT_EQ(-ECANCELED, ops[3].out_errno);
	EXPECT_EQ(handles + 1, vt_count(self->fd, VMSTORE_DUMP_FRAMES));
}

TEST_F(op, keeps_going)
{
	struct vmstore_op ops[] = {
		vt_alloc(), vt_frame_drop(4711), vt_op(0), vt_alloc(),
	};
	__u64 handles = vt_count(self->fd, VMSTORE_DUMP_FRAMES);
	struct vmstore_run run;

	ASSERT_EQ(0, vt_run(self->fd, ops, 4, VMSTORE_RUN_KEEP_GOING, &run));
	EXPECT_EQ(4, run.out_ran);
	EXPECT_EQ(2, run.out_failed);
	EXPECT_EQ(0, ops[0].out_errno);
	EXPECT_EQ(-ENOENT, ops[1].out_errno);
	EXPECT_EQ(-EOPNOTSUPP, ops[2].out_errno);
	EXPECT_EQ(0, ops[3].out_errno);
	EXPECT_EQ(handles + 2, vt_count(self->fd, VMSTORE_DUMP_FRAMES));
}

/* A batch longer than what fits into one page, or into any buffer of the kernel */
TEST_F(op, long_batch_in_order)
{
	enum { NR = 300 };
	struct vmstore_op *ops = calloc(2 * NR, sizeof(*ops));
	struct vmstore_run run;
	int i;

	ASSERT_NE(NULL, ops);
	for (i = 0; i < NR; i++) {
		ops[i] = vt_alloc();
		/* Back across the whole batch */
		ops[NR + i] = vt_frame_drop(VMSTORE_REF(NR - 1 - i));
	}
	ASSERT_EQ(0, vt_run(self->fd, ops, 2 * NR, 0, &run));
	EXPECT_EQ(2 * NR, run.out_ran);
	EXPECT_EQ(0, run.out_failed);
	for (i = 1; i < NR; i++)
		EXPECT_EQ(ops[i - 1].out.id + 1, ops[i].out.id);
	for (i = 0; i < NR; i++) {
		EXPECT_EQ(1, ops[NR + i].out.drop.freed);
		EXPECT_EQ(ops[NR - 1 - i].out.frame.paddr, ops[NR + i].out.drop.paddr);
	}
	free(ops);
}

TEST_HARNESS_MAIN
