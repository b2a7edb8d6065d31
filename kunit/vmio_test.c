// SPDX-License-Identifier: GPL-2.0-only
/*
 * Readers and writers, on both machines: what each operation checks, moves and leaves
 * behind, above all when it faults after some bytes. The whole invariant is checked after
 * each of them.
 */

#include <linux/err.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "fixture.h"
#include "step.h"

#define VA		0x00007f1234567000ULL	/* two pages of data */
#define ABSENT		(VA + 2 * FX_PAGE)
#define READ_ONLY	(VA + 3 * FX_PAGE)
/* Frames in the window, half of them in the first block and half in the second */
#define NR_FRAMES	40
#define FIRST		(VMSTORE_KERNEL_BASE + VMS_BLOCK_SIZE - NR_FRAMES / 2 * FX_PAGE)

#define ABSENT_LOAD	VMSTORE_FAULT_TAKEN
#define ABSENT_STORE	(VMSTORE_FAULT_TAKEN | VMSTORE_FAULT_WRITE)
#define READ_ONLY_STORE	(ABSENT_STORE | VMSTORE_FAULT_PRESENT)

struct io_param {
	u32 machine;
	const char *name;
};

static const struct io_param io_params[] = {
	{ VMSTORE_MACHINE_SOFT, "soft" },
	{ VMSTORE_MACHINE_LIVE, "live" },
};

static void io_param_name(const struct io_param *p, char *desc)
{
	strscpy(desc, p->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(io, io_params, io_param_name);

/**
 * struct io_fixture - a space with some pages, frames in the window, and buffers
 * @fx: the store
 * @space: active on CPU 0; @page are its frames
 * @page: paddrs of the two pages at VA, and of the one at READ_ONLY
 * @frame: handles of the frames at FIRST
 * @in: bytes that differ
 * @out: zeroes
 */
struct io_fixture {
	struct fx fx;
	u64 space;
	u64 page[3];
	u64 frame[NR_FRAMES];
	u8 *in;
	u8 *out;
};

#define BUF_SIZE	(NR_FRAMES * FX_PAGE)

static int io_test_init(struct kunit *test)
{
	const struct io_param *p = test->param_value;
	u32 machine = p ? p->machine : VMSTORE_MACHINE_SOFT;
	const struct vmstore_setup setup = {
		.size = sizeof(setup),
		.region_size = 3 * VMS_BLOCK_SIZE,
		.mmio_size = FX_MMIO,
		.machine = machine,
		.check_mode = VMSTORE_CHECK_FULL,
	};
	struct io_fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);

	if (!f)
		return -ENOMEM;
	test->priv = f;
	if (!(vms_mmu_machines() & 1U << machine))
		return 0;
	return fx_init_with(test, &f->fx, &setup);
}

static void io_test_exit(struct kunit *test)
{
	struct io_fixture *f = test->priv;

	if (!f)
		return;
	kvfree(f->in);
	kvfree(f->out);
	fx_exit(test);
}

static void *frame_at(struct kunit *test, u64 paddr)
{
	return vms_slot_kva(&fx_store(test)->region, vms_paddr_slot(paddr)) + paddr % FX_PAGE;
}

/* The fixture, or skip the case */
static struct io_fixture *fixture(struct kunit *test)
{
	static const struct vmstore_prop ro = {
		.flags = VMSTORE_PROP_R, .priv = VMSTORE_PRIV_USER,
	};
	struct io_fixture *f = test->priv;
	struct vms_store *s = f->fx.s;
	u64 c, frame;
	u32 i;

	if (!s)
		kunit_skip(test, "this machine does not exist here");
	f->in = kvzalloc(BUF_SIZE, GFP_KERNEL);
	f->out = kvzalloc(BUF_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, f->in && f->out);
	for (i = 0; i < BUF_SIZE; i++)
		f->in[i] = i * 7 + i / 256 + 1;
	f->space = fx_space_new(test, s);
	c = fx_open(test, s, true, f->space, VA, VA + 4 * FX_PAGE);
	/* pages that follow each other lie apart in memory */
	f->page[1] = fx_map_new(test, s, c, VA + FX_PAGE);
	fx_frame_alloc(test, s, NULL);
	f->page[0] = fx_map_new(test, s, c, VA);
	frame = fx_frame_alloc(test, s, &f->page[2]);
	fx_jump(test, s, c, READ_ONLY);
	fx_map(test, s, c, frame, ro);
	fx_close(test, s, c);
	/* across the border of two blocks, which need not be adjacent */
	for (i = 0; i < NR_FRAMES; i++)
		f->frame[i] = fx_frame_from_unused(test, s, FIRST - VMSTORE_KERNEL_BASE +
						   i * FX_PAGE);
	fx_activate(test, s, 0, f->space);
	return f;
}

/* Where @va of the window is in memory */
static void *window_at(struct kunit *test, u64 va)
{
	return frame_at(test, va - VMSTORE_KERNEL_BASE);
}

static u64 rc_at(struct kunit *test, u64 paddr)
{
	return vms_slot_rc(&fx_store(test)->region, vms_paddr_slot(paddr));
}

static u64 new_reader(struct kunit *test, u64 vaddr, u64 len)
{
	struct io_fixture *f = test->priv;

	return fx_io_new(test, f->fx.s, 0, false, f->space, vaddr, len);
}

static u64 new_writer(struct kunit *test, u64 vaddr, u64 len)
{
	struct io_fixture *f = test->priv;

	return fx_io_new(test, f->fx.s, 0, true, f->space, vaddr, len);
}

/* Fill the two pages at VA */
static void fill_pages(struct kunit *test, const u8 *from)
{
	struct io_fixture *f = test->priv;

	memcpy(frame_at(test, f->page[0]), from, FX_PAGE);
	memcpy(frame_at(test, f->page[1]), from + FX_PAGE, FX_PAGE);
}

static void expect_at(struct kunit *test, u64 io, u64 cursor, u64 end)
{
	const struct vms_io *entry = xa_load(&fx_store(test)->ios.xa, io);

	KUNIT_ASSERT_NOT_NULL(test, entry);
	KUNIT_EXPECT_EQ(test, entry->cursor, cursor);
	KUNIT_EXPECT_EQ(test, entry->end, end);
	KUNIT_EXPECT_EQ(test, entry->claimed, 0UL);
}

/* Run an operation with data; its outcome must be @err with @done and @fault */
static struct vmstore_out_io run(struct kunit *test, struct vmstore_op op, void *data, int err,
				 u64 done, u32 fault)
{
	const char *name = vms_op_row(op.opcode)->name;

	KUNIT_EXPECT_EQ_MSG(test, vms_step(fx_store(test), &op, data), err, "%s", name);
	KUNIT_EXPECT_EQ_MSG(test, op.out.io.done, done, "%s", name);
	KUNIT_EXPECT_EQ_MSG(test, op.out.io.fault, fault, "%s", name);
	if (err) {
		KUNIT_EXPECT_EQ(test, op.out.io.cursor, 0);
		KUNIT_EXPECT_EQ(test, op.out.io.end, 0);
		KUNIT_EXPECT_EQ(test, op.out.io.id, 0);
	}
	return op.out.io;
}

/* --- making and dropping ----------------------------------------------------------- */

static void io_test_new(struct kunit *test)
{
	static const u64 ranges[][2] = {
		{ VA, 8 }, { 0, 0 }, { 0, 1 }, { ABSENT, FX_PAGE }, { VA + 3, 5 },
		{ VMSTORE_MAX_USERSPACE_VADDR, 0 }, { VMSTORE_MAX_USERSPACE_VADDR - 1, 1 },
		{ 0, VMSTORE_MAX_USERSPACE_VADDR },
	};
	struct io_fixture *f = fixture(test);
	struct vms_store *s = f->fx.s;
	struct vmstore_op op;
	u32 i, writer;
	u64 last = 0;

	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		for (writer = 0; writer < 2; writer++) {
			const struct vms_io *io;

			op = fx_op_io_new(writer, f->space, ranges[i][0], ranges[i][1]);
			fx_does(test, s, &op);
			KUNIT_EXPECT_GT(test, op.out.io.id, last);
			last = op.out.io.id;
			KUNIT_EXPECT_EQ(test, op.out.io.cursor, ranges[i][0]);
			KUNIT_EXPECT_EQ(test, op.out.io.end, ranges[i][0] + ranges[i][1]);
			KUNIT_EXPECT_EQ(test, op.out.io.done, 0);
			io = xa_load(&s->ios.xa, last);
			KUNIT_ASSERT_NOT_NULL(test, io);
			KUNIT_EXPECT_PTR_EQ(test, io->space,
					    (struct vms_space *)xa_load(&s->spaces.xa, f->space));
			KUNIT_EXPECT_EQ(test, io->writer, !!writer);
			KUNIT_EXPECT_EQ(test, io->vaddr, ranges[i][0]);
			KUNIT_EXPECT_EQ(test, io->len, ranges[i][1]);
			KUNIT_EXPECT_EQ(test, (int)io->view, (int)VMS_VIEW_NONE);
		}
	}
	KUNIT_EXPECT_EQ(test, atomic_read(&s->ios.count), 2 * (int)ARRAY_SIZE(ranges));
	fx_expect_inv(test, s);
}

static void io_test_new_errors(struct kunit *test)
{
	static const u64 ranges[][2] = {
		{ VMSTORE_MAX_USERSPACE_VADDR, 1 }, { VMSTORE_MAX_USERSPACE_VADDR + 1, 0 },
		{ 0, VMSTORE_MAX_USERSPACE_VADDR + 1 }, { VA, U64_MAX }, { U64_MAX, 1 },
		{ U64_MAX, U64_MAX }, { 1, U64_MAX }, { VMSTORE_KERNEL_BASE, 8 },
	};
	struct io_fixture *f = fixture(test);
	struct vms_store *s = f->fx.s;
	u64 other = fx_space_new(test, s);
	struct vmstore_op op;
	u32 i, writer;

	for (writer = 0; writer < 2; writer++) {
		for (i = 0; i < ARRAY_SIZE(ranges); i++)
			fx_fails(test, s, fx_op_io_new(writer, f->space, ranges[i][0],
						       ranges[i][1]), -EACCES);
		fx_fails(test, s, fx_op_io_new(writer, 99, VA, 8), -ENOENT);
		fx_fails(test, s, fx_op_io_new(writer, 0, VA, 8), -ENOENT);
		fx_fails(test, s, fx_op_io_new(writer, other, VA, 8), -EACCES);
		if (s->mmu.nr_cpus > 1) {
			op = fx_op_io_new(writer, f->space, VA, 8);
			op.cpu = 1;
			fx_fails(test, s, op, -EACCES);
		}
		s->ios.max = 0;
		fx_fails(test, s, fx_op_io_new(writer, f->space, VA, 8), -ENOSPC);
		fx_fails(test, s, fx_op_kio_new(writer, FIRST, 8), -ENOSPC);
		s->ios.max = VMS_MAX_IOS;
	}
	fx_activate(test, s, 0, 0);
	fx_fails(test, s, fx_op_io_new(false, f->space, VA, 8), -EACCES);
	fx_expect_inv(test, s);
}

/* S10, H1.r4: a space outlives its readers and writers */
static void io_test_space_is_busy(struct kunit *test)
{
	struct io_fixture *f = fixture(test);
	struct vms_store *s = f->fx.s;
	u64 reader = new_reader(test, VA, 8), writer = new_writer(test, VA, 8);

	fx_activate(test, s, 0, 0);
	fx_fails(test, s, fx_op_id(VMSTORE_OP_SPACE_DROP, f->space), -EBUSY);
	fx_io_drop(test, s, false, reader);
	fx_fails(test, s, fx_op_id(VMSTORE_OP_SPACE_DROP, f->space), -EBUSY);
	fx_io_drop(test, s, true, writer);
	fx_space_drop(test, s, f->space);
	fx_expect_inv(test, s);
}

static void io_test_drop(struct kunit *test)
{
	struct io_fixture *f = fixture(test);
	struct vms_store *s = f->fx.s;
	u64 id[4];

	id[0] = new_reader(test, VA, 8);
	id[1] = new_writer(test, VA, 8);
	id[2] = fx_kio_new(test, s, false, FIRST, 8);
	id[3] = fx_kio_new(test, s, true, FIRST, 8);
	fx_fails(test, s, fx_op_id(VMSTORE_OP_WRITER_DROP, id[0]), -EINVAL);
	fx_fails(test, s, fx_op_id(VMSTORE_OP_READER_DROP, id[1]), -EINVAL);
	fx_fails(test, s, fx_op_id(VMSTORE_OP_WRITER_DROP, id[2]), -EINVAL);
	fx_fails(test, s, fx_op_id(VMSTORE_OP_READER_DROP, id[3]), -EINVAL);
	fx_fails(test, s, fx_op_id(VMSTORE_OP_READER_DROP, 99), -ENOENT);
	fx_fails(test, s, fx_op_id(VMSTORE_OP_WRITER_DROP, 0), -ENOENT);
	fx_io_drop(test, s, false, id[0]);
	fx_io_drop(test, s, true, id[1]);
	fx_io_drop(test, s, false, id[2]);
	fx_io_drop(test, s, true, id[3]);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->ios.count), 0);
	fx_fails(test, s, fx_op_id(VMSTORE_OP_READER_DROP, id[0]), -ENOENT);
	fx_expect_inv(test, s);
}

/* --- kernel addresses ---------------------------------------------------------------- */

static void io_test_kernel_new(struct kunit *test)
{
	struct io_fixture *f = fixture(test);
	struct vms_store *s = f->fx.s;
	u64 first = FIRST - VMSTORE_KERNEL_BASE;
	u64 id[2], i;

	/* the last byte of the first frame to the first of the third */
	id[0] = fx_kio_new(test, s, false, FIRST + FX_PAGE - 1, FX_PAGE + 2);
	id[1] = fx_kio_new(test, s, true, FIRST + FX_PAGE, 1);
	KUNIT_EXPECT_EQ(test, rc_at(test, first), 2);
	KUNIT_EXPECT_EQ(test, rc_at(test, first + FX_PAGE), 3);
	KUNIT_EXPECT_EQ(test, rc_at(test, first + 2 * FX_PAGE), 2);
	KUNIT_EXPECT_EQ(test, rc_at(test, first + 3 * FX_PAGE), 1);
	expect_at(test, id[0], FIRST + FX_PAGE - 1, FIRST + 2 * FX_PAGE + 1);
	/* what is held stays when its handles go, and is what it was */
	for (i = 0; i < 3; i++)
		fx_frame_drop(test, s, f->frame[i]);
	KUNIT_EXPECT_EQ(test, rc_at(test, first), 1);
	fx_fails(test, s, fx_op_paddr(VMSTORE_OP_FRAME_FROM_UNUSED, first), -EBUSY);
	fx_expect_inv(test, s);
	/* a shorter rest holds no less */
	run(test, fx_op_io_len(VMSTORE_OP_READER_LIMIT, id[0], 0), NULL, 0, 0, 0);
	KUNIT_EXPECT_EQ(test, rc_at(test, first + 2 * FX_PAGE), 1);
	fx_io_drop(test, s, false, id[0]);
	KUNIT_EXPECT_EQ(test, rc_at(test, first), VMS_RC_UNUSED);
	KUNIT_EXPECT_EQ(test, rc_at(test, first + FX_PAGE), 1);
	fx_io_drop(test, s, true, id[1]);
	KUNIT_EXPECT_EQ(test, rc_at(test, first + FX_PAGE), VMS_RC_UNUSED);
	fx_expect_inv(test, s);
}

static void io_test_kernel_empty(struct kunit *test)
{
	struct io_fixture *f = fixture(test);
	struct vms_store *s = f->fx.s;
	u64 end = VMSTORE_KERNEL_BASE + s->region.size;

	fx_kio_new(test, s, false, VMSTORE_KERNEL_BASE, 0);
	fx_kio_new(test, s, true, end, 0);
	fx_kio_new(test, s, true, FIRST + 1, 0);
	KUNIT_EXPECT_EQ(test, rc_at(test, FIRST - VMSTORE_KERNEL_BASE), 1);
	fx_fails(test, s, fx_op_kio_new(false, end + 1, 0), -EACCES);
	fx_fails(test, s, fx_op_kio_new(false, 0, 0), -EACCES);
	fx_expect_inv(test, s);
}

static void io_test_kernel_errors(struct kunit *test)
{
	struct io_fixture *f = fixture(test);
	struct vms_store *s = f->fx.s;
	u64 end = VMSTORE_KERNEL_BASE + s->region.size;
	u64 last = FIRST + (NR_FRAMES - 1) * FX_PAGE;
	atomic64_t *rc = &s->region.slots[vms_paddr_slot(last - VMSTORE_KERNEL_BASE)].rc;
	u32 w;

	for (w = 0; w < 2; w++) {
		fx_fails(test, s, fx_op_kio_new(w, FIRST, U64_MAX), -EACCES);
		fx_fails(test, s, fx_op_kio_new(w, VA, 8), -EACCES);
		fx_fails(test, s, fx_op_kio_new(w, VMSTORE_KERNEL_BASE - 1, 2), -EACCES);
		fx_fails(test, s, fx_op_kio_new(w, end, 1), -EACCES);
		fx_fails(test, s, fx_op_kio_new(w, end - 1, 2), -EACCES);
		fx_fails(test, s, fx_op_kio_new(w, VMSTORE_KVIRT_BASE, 8), -EACCES);
		/* device memory */
		fx_fails(test, s, fx_op_kio_new(w, end - 1, 1), -EACCES);
		/* all frames and one more, which is free: none is held */
		fx_fails(test, s, fx_op_kio_new(w, FIRST, NR_FRAMES * FX_PAGE + 1), -EACCES);
		fx_fails(test, s, fx_op_kio_new(w, FIRST - 1, 2), -EACCES);
	}
	/* counts that no invariant would let be */
	s->mode = VMSTORE_CHECK_OFF;
	atomic64_set(rc, VMS_RC_MAX);
	fx_fails(test, s, fx_op_kio_new(true, FIRST, NR_FRAMES * FX_PAGE), -EOVERFLOW);
	atomic64_set(rc, 0);
	fx_fails(test, s, fx_op_kio_new(true, FIRST, NR_FRAMES * FX_PAGE), -EAGAIN);
	atomic64_set(rc, VMS_RC_UNIQUE);
	fx_fails(test, s, fx_op_kio_new(true, FIRST, NR_FRAMES * FX_PAGE), -EACCES);
	atomic64_set(rc, VMS_RC_MAX - 1);
	fx_kio_new(test, s, true, last, 1);
	fx_fails(test, s, fx_op_kio_new(true, last, 1), -EOVERFLOW);
	atomic64_set(rc, 2);
	fx_expect_inv(test, s);
}

/*
 * A kernel writer never reaches a node, a free slot, device memory: of all slots of a
 * store with everything in it, it gets exactly the shared data frames
 */
static void io_test_kernel_every_slot(struct kunit *test)
{
	struct io_fixture *f = fixture(test);
	struct vms_store *s = f->fx.s;
	u32 idx, allowed = 0, nodes = 0;

	new_writer(test, VA, 2 * FX_PAGE);
	fx_kio_new(test, s, true, FIRST, FX_PAGE);
	fx_expect_inv(test, s);
	s->mode = VMSTORE_CHECK_OFF;
	for (idx = 0; idx < s->region.nr_slots; idx++) {
		const struct vms_slot *slot = &s->region.slots[idx];
		u64 rc = vms_slot_rc(&s->region, idx);
		bool may = slot->usage == VMSTORE_USAGE_FRAME && rc > 0 && rc <= VMS_RC_MAX;
		struct vmstore_op op = fx_op_kio_new(true, VMSTORE_KERNEL_BASE +
						     vms_slot_paddr(idx), FX_PAGE);
		int err = fx_op(s, &op);

		if (err != (may ? 0 : -EACCES))
			KUNIT_FAIL(test, "slot %u: %d", idx, err);
		if (!err)
			fx_io_drop(test, s, true, op.out.io.id);
		KUNIT_EXPECT_EQ(test, vms_slot_rc(&s->region, idx), rc);
		allowed += !err;
		nodes += slot->usage == VMSTORE_USAGE_PAGETABLE && rc == 1;
	}
	KUNIT_EXPECT_EQ(test, allowed, NR_FRAMES + 4);	/* and 3 mapped, 1 between them */
	KUNIT_EXPECT_EQ(test, nodes, 2 + 4);
	fx_expect_inv(test, s);
}

/* --- position -------------------------------------------------------------------------- */

static void io_test_position(struct kunit *test)
{
	struct io_fixture *f = fixture(test);
	struct vms_store *s = f->fx.s;
	u32 w;

	for (w = 0; w < 2; w++) {
		u32 limit = w ? VMSTORE_OP_WRITER_LIMIT : VMSTORE_OP_READER_LIMIT;
		u32 skip = w ? VMSTORE_OP_WRITER_SKIP : VMSTORE_OP_READER_SKIP;
		u32 query = w ? VMSTORE_OP_WRITER_QUERY : VMSTORE_OP_READER_QUERY;
		u64 io = fx_io_new(test, s, 0, w, f->space, ABSENT, 100);
		struct vmstore_out_io out;

		/* no more than there is; nothing need be mapped */
		run(test, fx_op_io_len(limit, io, 101), NULL, 0, 0, 0);
		run(test, fx_op_io_len(limit, io, 100), NULL, 0, 0, 0);
		run(test, fx_op_io_len(limit, io, U64_MAX), NULL, 0, 0, 0);
		expect_at(test, io, ABSENT, ABSENT + 100);
		fx_fails(test, s, fx_op_io_len(skip, io, 101), -EINVAL);
		fx_fails(test, s, fx_op_io_len(skip, io, U64_MAX), -EINVAL);
		run(test, fx_op_io_len(skip, io, 0), NULL, 0, 0, 0);
		out = run(test, fx_op_io_len(skip, io, 30), NULL, 0, 0, 0);
		KUNIT_EXPECT_EQ(test, out.cursor, ABSENT + 30);
		KUNIT_EXPECT_EQ(test, out.end, ABSENT + 100);
		out = run(test, fx_op_io_len(limit, io, 50), NULL, 0, 0, 0);
		KUNIT_EXPECT_EQ(test, out.cursor, ABSENT + 30);
		KUNIT_EXPECT_EQ(test, out.end, ABSENT + 80);
		fx_fails(test, s, fx_op_io_len(skip, io, 51), -EINVAL);
		run(test, fx_op_io_len(skip, io, 50), NULL, 0, 0, 0);
		out = run(test, fx_op_id(query, io), NULL, 0, 0, 0);
		KUNIT_EXPECT_EQ(test, out.cursor, ABSENT + 80);
		KUNIT_EXPECT_EQ(test, out.end, ABSENT + 80);
		run(test, fx_op_io_len(limit, io, 0), NULL, 0, 0, 0);
		expect_at(test, io, ABSENT + 80, ABSENT + 80);
	}
	fx_expect_inv(test, s);
}

/* --- values ------------------------------------------------------------------------------ */

static void io_test_read_val(struct kunit *test)
{
	static const u64 lens[] = { 0, 1, 2, 3, 4, 8, 13, 100, FX_PAGE, FX_PAGE + 9, 2 * FX_PAGE };
	struct io_fixture *f = fixture(test);
	struct vmstore_out_io out;
	u64 from, io;
	u32 i;

	fill_pages(test, f->in);
	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		for (from = 0; from + lens[i] <= 2 * FX_PAGE; from += 1017) {
			io = new_reader(test, VA, 2 * FX_PAGE);
			run(test, fx_op_io_len(VMSTORE_OP_READER_SKIP, io, from), NULL, 0, 0, 0);
			memset(f->out, 0, lens[i] + 1);
			out = run(test, fx_op_io_data(VMSTORE_OP_READER_READ_VAL, io, lens[i]),
				  f->out, 0, lens[i], 0);
			KUNIT_EXPECT_EQ(test, memcmp(f->out, f->in + from, lens[i]), 0);
			KUNIT_EXPECT_EQ(test, f->out[lens[i]], 0);
			KUNIT_EXPECT_EQ(test, out.cursor, VA + from + lens[i]);
			KUNIT_EXPECT_EQ(test, out.end, VA + 2 * FX_PAGE);
			expect_at(test, io, VA + from + lens[i], VA + 2 * FX_PAGE);
			fx_io_drop(test, f->fx.s, false, io);
		}
	}
	fx_expect_inv(test, f->fx.s);
}

static void io_test_read_val_fails(struct kunit *test)
{
	static const u32 ks[] = { 0, 1, 3, 7, 8, 4095 };
	struct io_fixture *f = fixture(test);
	struct vms_store *s = f->fx.s;
	u64 io = new_reader(test, VA, 8);
	u32 i;

	fx_fails(test, s, fx_op_io_data(VMSTORE_OP_READER_READ_VAL, io, 9), -EINVAL);
	fx_fails(test, s, fx_op_io_data(VMSTORE_OP_READER_READ_VAL, io, U64_MAX), -EINVAL);
	fx_fails(test, s, fx_op_io_data(VMSTORE_OP_WRITER_WRITE_VAL, io, 8), -EINVAL);
	fx_fails(test, s, fx_op_io_data(VMSTORE_OP_READER_READ_VAL, 99, 8), -ENOENT);
	/* k bytes are on the last page, and the value is discarded */
	for (i = 0; i < ARRAY_SIZE(ks); i++) {
		io = new_reader(test, ABSENT - ks[i], 2 * FX_PAGE);
		run(test, fx_op_io_data(VMSTORE_OP_READER_READ_VAL, io, ks[i] + 1), f->out,
		    -EFAULT, ks[i], ABSENT_LOAD);
		expect_at(test, io, ABSENT - ks[i], ABSENT - ks[i] + 2 * FX_PAGE);
	}
	fx_expect_inv(test, s);
}

static void io_test_write_val(struct kunit *test)
{
	static const u64 lens[] = { 0, 1, 2, 3, 4, 8, 13, 100, FX_PAGE, FX_PAGE + 9, 2 * FX_PAGE };
	struct io_fixture *f = fixture(test);
	u64 from, io, k;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		for (from = 0; from + lens[i] <= 2 * FX_PAGE; from += 1017) {
			memset(f->out, 0xee, 2 * FX_PAGE);
			fill_pages(test, f->out);
			io = new_writer(test, VA, 2 * FX_PAGE);
			run(test, fx_op_io_len(VMSTORE_OP_WRITER_SKIP, io, from), NULL, 0, 0, 0);
			run(test, fx_op_io_data(VMSTORE_OP_WRITER_WRITE_VAL, io, lens[i]),
			    f->in, 0, lens[i], 0);
			expect_at(test, io, VA + from + lens[i], VA + 2 * FX_PAGE);
			memcpy(f->out + from, f->in, lens[i]);
			for (k = 0; k < 2; k++)
				KUNIT_EXPECT_EQ(test, memcmp(frame_at(test, f->page[k]),
							     f->out + k * FX_PAGE, FX_PAGE), 0);
			fx_io_drop(test, f->fx.s, true, io);
		}
	}
	fx_expect_inv(test, f->fx.s);
}

static void io_test_write_val_fails(struct kunit *test)
{
	static const u32 ks[] = { 0, 1, 3, 7, 8, 4095 };
	struct io_fixture *f = fixture(test);
	struct vms_store *s = f->fx.s;
	u64 io = new_writer(test, VA, 8);
	u8 *end = frame_at(test, f->page[1]) + FX_PAGE;
	u32 i;

	fx_fails(test, s, fx_op_io_data(VMSTORE_OP_WRITER_WRITE_VAL, io, 9), -EINVAL);
	fx_fails(test, s, fx_op_io_data(VMSTORE_OP_READER_READ_VAL, io, 8), -EINVAL);
	fx_fails(test, s, fx_op_io_data(VMSTORE_OP_READER_COLLECT, io, 8), -EINVAL);
	fx_fails(test, s, fx_op_io_data(VMSTORE_OP_WRITER_WRITE_VAL, 99, 8), -ENOENT);
	for (i = 0; i < ARRAY_SIZE(ks); i++) {
		io = new_writer(test, ABSENT - ks[i], 2 * FX_PAGE);
		memset(end - FX_PAGE, 0xee, FX_PAGE);
		run(test, fx_op_io_data(VMSTORE_OP_WRITER_WRITE_VAL, io, ks[i] + 1), f->in,
		    -EFAULT, ks[i], ABSENT_STORE);
		expect_at(test, io, ABSENT - ks[i], ABSENT - ks[i] + 2 * FX_PAGE);
		/* the bytes stay */
		KUNIT_EXPECT_EQ(test, memcmp(end - ks[i], f->in, ks[i]), 0);
	}
	io = new_writer(test, READ_ONLY, 8);
	run(test, fx_op_io_data(VMSTORE_OP_WRITER_WRITE_VAL, io, 8), f->in, -EFAULT, 0,
	    READ_ONLY_STORE);
	fx_expect_inv(test, s);
}

static void io_test_collect(struct kunit *test)
{
	struct io_fixture *f = fixture(test);
	struct vms_store *s = f->fx.s;
	u64 io;

	fill_pages(test, f->in);
	io = new_reader(test, VA + 5, FX_PAGE);
	fx_fails(test, s, fx_op_io_data(VMSTORE_OP_READER_COLLECT, io, FX_PAGE - 1), -EINVAL);
	fx_fails(test, s, fx_op_io_data(VMSTORE_OP_READER_COLLECT, io, 0), -EINVAL);
	/* only as much as there is */
	memset(f->out, 0, 2 * FX_PAGE);
	run(test, fx_op_io_data(VMSTORE_OP_READER_COLLECT, io, 2 * FX_PAGE), f->out, 0, FX_PAGE, 0);
	KUNIT_EXPECT_EQ(test, memcmp(f->out, f->in + 5, FX_PAGE), 0);
	KUNIT_EXPECT_EQ(test, f->out[FX_PAGE], 0);
	expect_at(test, io, VA + 5 + FX_PAGE, VA + 5 + FX_PAGE);
	run(test, fx_op_io_data(VMSTORE_OP_READER_COLLECT, io, 0), NULL, 0, 0, 0);
	/* more than is moved at once */
	io = new_reader(test, VA, VMSTORE_MAX_DATA + 1);
	fx_fails(test, s, fx_op_io_data(VMSTORE_OP_READER_COLLECT, io, 8), -ENOMEM);
	run(test, fx_op_io_len(VMSTORE_OP_READER_LIMIT, io, 3 * FX_PAGE), NULL, 0, 0, 0);
	run(test, fx_op_io_data(VMSTORE_OP_READER_COLLECT, io, 3 * FX_PAGE), f->out, -EFAULT,
	    2 * FX_PAGE, ABSENT_LOAD);
	expect_at(test, io, VA, VA + 3 * FX_PAGE);
	fx_expect_inv(test, s);
}

/* The value is read and written by the hardware, through the space's own table */
static void io_test_accessed_dirty(struct kunit *test)
{
	struct io_fixture *f = fixture(test);
	struct vms_store *s = f->fx.s;
	u64 reader = new_reader(test, VA, 8);
	u64 writer = new_writer(test, VA + FX_PAGE, 8);
	u64 other = fx_space_new(test, s);
	struct vmstore_rec_leaves *rec;
	size_t nr;
	u64 c;

	/* whatever is active by then */
	fx_activate(test, s, 0, other);
	run(test, fx_op_io_data(VMSTORE_OP_READER_READ_VAL, reader, 8), f->out, 0, 8, 0);
	run(test, fx_op_io_data(VMSTORE_OP_WRITER_WRITE_VAL, writer, 8), f->in, 0, 8, 0);
	KUNIT_EXPECT_EQ(test, memcmp(frame_at(test, f->page[1]), f->in, 8), 0);
	rec = fx_dump(test, s, VMSTORE_DUMP_LEAVES, &nr);
	KUNIT_ASSERT_EQ(test, nr, 3);
	KUNIT_EXPECT_EQ(test, rec[0].prop.flags, fx_rw.flags | VMSTORE_PROP_ACCESSED);
	KUNIT_EXPECT_EQ(test, rec[1].prop.flags,
			fx_rw.flags | VMSTORE_PROP_ACCESSED | VMSTORE_PROP_DIRTY);
	KUNIT_EXPECT_EQ(test, rec[2].prop.flags, (u8)VMSTORE_PROP_R);
	/* and as the table is by then */
	c = fx_open(test, s, true, f->space, VA, VA + FX_PAGE);
	fx_unmap(test, s, c, FX_PAGE);
	reader = fx_kio_new(test, s, false, FIRST, 8);
	fx_activate(test, s, 0, f->space);
	reader = new_reader(test, VA, 8);
	run(test, fx_op_io_data(VMSTORE_OP_READER_READ_VAL, reader, 8), f->out, -EFAULT, 0,
	    ABSENT_LOAD);
	fx_expect_inv(test, s);
}

static void io_test_kernel_values(struct kunit *test)
{
	struct io_fixture *f = fixture(test);
	struct vms_store *s = f->fx.s;
	u64 len = 20 * FX_PAGE - 3;
	u64 reader = fx_kio_new(test, s, false, FIRST + 3, len);
	u64 writer = fx_kio_new(test, s, true, FIRST + 3, len);
	u64 i;

	fx_activate(test, s, 0, 0);		/* needs no space */
	run(test, fx_op_io_data(VMSTORE_OP_WRITER_WRITE_VAL, writer, len), f->in, 0, len, 0);
	for (i = 0; i < len; i += 511)
		KUNIT_EXPECT_EQ(test, *(u8 *)window_at(test, FIRST + 3 + i), f->in[i]);
	run(test, fx_op_io_data(VMSTORE_OP_READER_READ_VAL, reader, 1), f->out, 0, 1, 0);
	run(test, fx_op_io_data(VMSTORE_OP_READER_COLLECT, reader, len), f->out + 1, 0, len - 1, 0);
	KUNIT_EXPECT_EQ(test, memcmp(f->out, f->in, len), 0);
	fx_expect_inv(test, s);
}

static void io_test_once(struct kunit *test)
{
	struct io_fixture *f = fixture(test);
	struct vms_store *s = f->fx.s;
	u64 user_reader = new_reader(test, VA, 64), user_writer = new_writer(test, VA, 64);
	u64 value = 0x1122334455667788ULL;
	u64 reader, writer;
	u32 width;

	for (width = 1; width <= 8; width *= 2) {
		struct vmstore_out_io out;
		u64 mask = width == 8 ? U64_MAX : BIT_ULL(8 * width) - 1;

		reader = fx_kio_new(test, s, false, FIRST + 8, width);
		writer = fx_kio_new(test, s, true, FIRST + 8, width);
		memset(window_at(test, FIRST), 0xee, 32);
		run(test, fx_op_io_value(VMSTORE_OP_WRITER_WRITE_ONCE, writer, width, value), NULL,
		    0, width, 0);
		KUNIT_EXPECT_EQ(test, *(u8 *)window_at(test, FIRST + 7), 0xee);
		KUNIT_EXPECT_EQ(test, *(u8 *)window_at(test, FIRST + 8 + width), 0xee);
		out = run(test, fx_op_io_value(VMSTORE_OP_READER_READ_ONCE, reader, width, 0),
			  NULL, 0, width, 0);
		KUNIT_EXPECT_EQ(test, out.value, value & mask);
		expect_at(test, reader, FIRST + 8 + width, FIRST + 8 + width);
		/* too short */
		fx_fails(test, s, fx_op_io_value(VMSTORE_OP_READER_READ_ONCE, reader, width, 0),
			 -EINVAL);
		fx_fails(test, s, fx_op_io_value(VMSTORE_OP_WRITER_WRITE_ONCE, writer, width, 1),
			 -EINVAL);
		fx_fails(test, s, fx_op_io_value(VMSTORE_OP_READER_READ_ONCE, user_reader, width,
						 0), -EINVAL);
		fx_fails(test, s, fx_op_io_value(VMSTORE_OP_WRITER_WRITE_ONCE, user_writer, width,
						 0), -EINVAL);
	}
	reader = fx_kio_new(test, s, false, FIRST + 1, 64);
	writer = fx_kio_new(test, s, true, FIRST + 1, 64);
	for (width = 0; width <= 16; width++) {
		if (width == 1)
			continue;	/* everywhere aligned */
		fx_fails(test, s, fx_op_io_value(VMSTORE_OP_READER_READ_ONCE, reader, width, 0),
			 -EINVAL);
		fx_fails(test, s, fx_op_io_value(VMSTORE_OP_WRITER_WRITE_ONCE, writer, width, 0),
			 -EINVAL);
	}
	fx_fails(test, s, fx_op_io_value(VMSTORE_OP_READER_READ_ONCE, reader, 1, 1), -EINVAL);
	fx_fails(test, s, fx_op_io_value(VMSTORE_OP_READER_READ_ONCE, writer, 1, 0), -EINVAL);
	fx_fails(test, s, fx_op_io_value(VMSTORE_OP_WRITER_WRITE_ONCE, 99, 1, 0), -ENOENT);
	fx_expect_inv(test, s);
}

/* --- filling -------------------------------------------------------------------- */

static void io_test_fill_zeros(struct kunit *test)
{
	static const u32 ks[] = { 0, 1, 8, 4095, 4096, 4097, 8191 };
	struct io_fixture *f = fixture(test);
	struct vms_store *s = f->fx.s;
	u64 io = new_writer(test, VA + 4000, 200);
	u8 *second = frame_at(test, f->page[1]);
	u32 i;

	fill_pages(test, f->in);
	run(test, fx_op_io_len(VMSTORE_OP_WRITER_FILL_ZEROS, io, 0), NULL, 0, 0, 0);
	run(test, fx_op_io_len(VMSTORE_OP_WRITER_FILL_ZEROS, io, 100), NULL, 0, 100, 0);
	expect_at(test, io, VA + 4100, VA + 4200);
	/* no more than is left */
	run(test, fx_op_io_len(VMSTORE_OP_WRITER_FILL_ZEROS, io, U64_MAX), NULL, 0, 100, 0);
	expect_at(test, io, VA + 4200, VA + 4200);
	run(test, fx_op_io_len(VMSTORE_OP_WRITER_FILL_ZEROS, io, 5), NULL, 0, 0, 0);
	KUNIT_EXPECT_NULL(test, memchr_inv(frame_at(test, f->page[0]) + 4000, 0, 96));
	KUNIT_EXPECT_NULL(test, memchr_inv(second, 0, 104));
	KUNIT_EXPECT_EQ(test, memcmp(frame_at(test, f->page[0]), f->in, 4000), 0);
	KUNIT_EXPECT_EQ(test, second[104], f->in[4200]);
	/* a fault: past what was done */
	for (i = 0; i < ARRAY_SIZE(ks); i++) {
		fill_pages(test, f->in);
		io = new_writer(test, ABSENT - ks[i], 1ULL << 36);
		run(test, fx_op_io_len(VMSTORE_OP_WRITER_FILL_ZEROS, io, 1ULL << 35), NULL,
		    -EFAULT, ks[i], ABSENT_STORE);
		expect_at(test, io, ABSENT, ABSENT - ks[i] + (1ULL << 36));
		KUNIT_EXPECT_NULL(test, memchr_inv(second + FX_PAGE - min_t(u32, ks[i], FX_PAGE),
						   0, min_t(u32, ks[i], FX_PAGE)));
		/* stands where it faults */
		run(test, fx_op_io_len(VMSTORE_OP_WRITER_FILL_ZEROS, io, 1), NULL, -EFAULT, 0,
		    ABSENT_STORE);
	}
	fx_fails(test, s, fx_op_io_len(VMSTORE_OP_WRITER_FILL_ZEROS, new_reader(test, VA, 8), 8),
		 -EINVAL);
	fx_expect_inv(test, s);
}

static void io_test_fill(struct kunit *test)
{
	struct io_fixture *f = fixture(test);
	struct vms_store *s = f->fx.s;
	u64 value = 0x1122334455667788ULL;
	u64 io, i;
	u32 width;

	for (width = 1; width <= 8; width *= 2) {
		u64 len = 17 * FX_PAGE + 3 * width;	/* more than one window takes */

		memset(window_at(test, FIRST), 0xee, FX_PAGE);
		io = fx_kio_new(test, s, true, FIRST + width, len);
		run(test, fx_op_io_value(VMSTORE_OP_WRITER_FILL, io, width, value), NULL, 0,
		    len / width, 0);
		expect_at(test, io, FIRST + width + len, FIRST + width + len);
		for (i = 0; i < len; i += width)
			if (memcmp(window_at(test, FIRST + width + i), &value, width))
				break;
		KUNIT_EXPECT_EQ(test, i, len);
		KUNIT_EXPECT_EQ(test, *(u8 *)window_at(test, FIRST + width - 1), 0xee);
		/* nothing is left: no element */
		run(test, fx_op_io_value(VMSTORE_OP_WRITER_FILL, io, width, value), NULL, 0, 0, 0);
		fx_io_drop(test, s, true, io);
	}
	io = fx_kio_new(test, s, true, FIRST + 4, 16);
	fx_fails(test, s, fx_op_io_value(VMSTORE_OP_WRITER_FILL, io, 8, 0), -EINVAL);
	io = fx_kio_new(test, s, true, FIRST + 8, 12);
	fx_fails(test, s, fx_op_io_value(VMSTORE_OP_WRITER_FILL, io, 8, 0), -EINVAL);
	for (width = 0; width <= 16; width++)
		if (width != 1 && width != 2 && width != 4)
			fx_fails(test, s, fx_op_io_value(VMSTORE_OP_WRITER_FILL, io, width, 0),
				 -EINVAL);
	fx_fails(test, s, fx_op_io_value(VMSTORE_OP_WRITER_FILL, new_writer(test, VA, 8), 1, 0),
		 -EINVAL);
	fx_fails(test, s, fx_op_io_value(VMSTORE_OP_WRITER_FILL, 99, 1, 0), -ENOENT);
	fx_expect_inv(test, s);
}

/* --- copies --------------------------------------------------------------------- */

static void io_test_read(struct kunit *test)
{
	static const u64 lens[][2] = {
		{ 0, 8 }, { 8, 0 }, { 1, 1 }, { 100, 70 }, { 70, 100 },
		{ 18 * FX_PAGE + 5, 19 * FX_PAGE },
	};
	struct io_fixture *f = fixture(test);
	struct vms_store *s = f->fx.s;
	u64 to = FIRST + NR_FRAMES / 2 * FX_PAGE;	/* in another block */
	struct vmstore_out_io out;
	u32 i, op;

	fx_activate(test, s, 0, 0);
	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		for (op = VMSTORE_OP_READ; op <= VMSTORE_OP_WRITE; op++) {
			u64 source = fx_kio_new(test, s, false, FIRST + 7, lens[i][0]);
			u64 dest = fx_kio_new(test, s, true, to + 11, lens[i][1]);
			u64 n = min(lens[i][0], lens[i][1]), k;

			for (k = 0; k < n; k += FX_PAGE)
				memset(window_at(test, to + k), 0xee, FX_PAGE);
			for (k = 0; k < n; k++)
				*(u8 *)window_at(test, FIRST + 7 + k) = f->in[k];
			out = run(test, fx_op_io_pair(op, source, dest), NULL, 0, n, 0);
			KUNIT_EXPECT_EQ(test, out.cursor, FIRST + 7 + n);
			KUNIT_EXPECT_EQ(test, out.end, FIRST + 7 + lens[i][0]);
			expect_at(test, source, FIRST + 7 + n, FIRST + 7 + lens[i][0]);
			expect_at(test, dest, to + 11 + n, to + 11 + lens[i][1]);
			for (k = 0; k < n; k++)
				if (*(u8 *)window_at(test, to + 11 + k) != f->in[k])
					break;
			KUNIT_EXPECT_EQ(test, k, n);
			fx_io_drop(test, s, false, source);
			fx_io_drop(test, s, true, dest);
		}
	}
	fx_expect_inv(test, s);
}

/* Which two each of the copies takes */
static void io_test_copy_kinds(struct kunit *test)
{
	struct io_fixture *f = fixture(test);
	struct vms_store *s = f->fx.s;
	u64 r = new_reader(test, VA, 8), w = new_writer(test, VA, 8);
	u64 kr = fx_kio_new(test, s, false, FIRST, 8), kw = fx_kio_new(test, s, true, FIRST, 8);
	u32 op;

	for (op = VMSTORE_OP_READ; op <= VMSTORE_OP_WRITE_FALLIBLE; op++) {
		bool fallible = op >= VMSTORE_OP_READ_FALLIBLE;

		fx_fails(test, s, fx_op_io_pair(op, kr, 99), -ENOENT);
		fx_fails(test, s, fx_op_io_pair(op, 99, kw), -ENOENT);
		fx_fails(test, s, fx_op_io_pair(op, w, r), -EINVAL);
		fx_fails(test, s, fx_op_io_pair(op, kr, kr), -EINVAL);
		fx_fails(test, s, fx_op_io_pair(op, kw, kw), -EINVAL);
		if (fallible) {
			fx_fails(test, s, fx_op_io_pair(op, kr, kw), -EINVAL);
		} else {
			fx_fails(test, s, fx_op_io_pair(op, r, kw), -EINVAL);
			fx_fails(test, s, fx_op_io_pair(op, kr, w), -EINVAL);
			fx_fails(test, s, fx_op_io_pair(op, r, w), -EINVAL);
		}
	}
	fx_expect_inv(test, s);
}

static void io_test_fallible(struct kunit *test)
{
	struct io_fixture *f = fixture(test);
	struct vms_store *s = f->fx.s;
	u64 r, w, kr, kw;
	u32 op;

	for (op = VMSTORE_OP_READ_FALLIBLE; op <= VMSTORE_OP_WRITE_FALLIBLE; op++) {
		/* space to kernel, over both pages */
		fill_pages(test, f->in);
		r = new_reader(test, VA + 1, 2 * FX_PAGE - 1);
		kw = fx_kio_new(test, s, true, FIRST, 4 * FX_PAGE);
		run(test, fx_op_io_pair(op, r, kw), NULL, 0, 2 * FX_PAGE - 1, 0);
		expect_at(test, r, ABSENT, ABSENT);
		expect_at(test, kw, FIRST + 2 * FX_PAGE - 1, FIRST + 4 * FX_PAGE);
		KUNIT_EXPECT_EQ(test, memcmp(window_at(test, FIRST), f->in + 1, FX_PAGE), 0);
		KUNIT_EXPECT_EQ(test, memcmp(window_at(test, FIRST + FX_PAGE),
					     f->in + 1 + FX_PAGE, FX_PAGE - 1), 0);
		/* kernel to space */
		kr = fx_kio_new(test, s, false, FIRST, FX_PAGE + 100);
		w = new_writer(test, VA + 3, 2 * FX_PAGE);
		run(test, fx_op_io_pair(op, kr, w), NULL, 0, FX_PAGE + 100, 0);
		expect_at(test, w, VA + 3 + FX_PAGE + 100, VA + 3 + 2 * FX_PAGE);
		KUNIT_EXPECT_EQ(test, memcmp(frame_at(test, f->page[0]) + 3, f->in + 1,
					     FX_PAGE - 3), 0);
		/* space to space */
		fill_pages(test, f->in);
		r = new_reader(test, VA, FX_PAGE);
		w = new_writer(test, VA + FX_PAGE, FX_PAGE);
		run(test, fx_op_io_pair(op, r, w), NULL, 0, FX_PAGE, 0);
		KUNIT_EXPECT_EQ(test, memcmp(frame_at(test, f->page[1]), f->in, FX_PAGE), 0);
	}
	fx_expect_inv(test, s);
}

/* After k bytes of one side or the other: both cursors are k further, and k arrived */
static void io_test_fallible_faults(struct kunit *test)
{
	static const u64 ks[] = { 0, 1, 8, 4095, 4096, 5000, 8192 };
	struct io_fixture *f = fixture(test);
	struct vms_store *s = f->fx.s;
	u64 r, w, kr, kw, k, i;
	u32 op, n;

	for (n = 0; n < ARRAY_SIZE(ks); n++) {
		op = n & 1 ? VMSTORE_OP_READ_FALLIBLE : VMSTORE_OP_WRITE_FALLIBLE;
		k = ks[n];
		/* the source faults */
		fill_pages(test, f->in);
		r = new_reader(test, ABSENT - k, 4 * FX_PAGE);
		kw = fx_kio_new(test, s, true, FIRST, 4 * FX_PAGE);
		for (i = 0; i < 4; i++)
			memset(window_at(test, FIRST + i * FX_PAGE), 0xee, FX_PAGE);
		run(test, fx_op_io_pair(op, r, kw), NULL, -EFAULT, k, ABSENT_LOAD);
		expect_at(test, r, ABSENT, ABSENT - k + 4 * FX_PAGE);
		expect_at(test, kw, FIRST + k, FIRST + 4 * FX_PAGE);
		for (i = 0; i < k; i++)
			if (*(u8 *)window_at(test, FIRST + i) != f->in[2 * FX_PAGE - k + i])
				break;
		KUNIT_EXPECT_EQ(test, i, k);
		KUNIT_EXPECT_EQ(test, *(u8 *)window_at(test, FIRST + k), 0xee);
		/* the destination faults */
		kr = fx_kio_new(test, s, false, FIRST, 4 * FX_PAGE);
		w = new_writer(test, ABSENT - k, 4 * FX_PAGE);
		run(test, fx_op_io_pair(op, kr, w), NULL, -EFAULT, k, ABSENT_STORE);
		expect_at(test, kr, FIRST + k, FIRST + 4 * FX_PAGE);
		expect_at(test, w, ABSENT, ABSENT - k + 4 * FX_PAGE);
	}
	/* both do: the one that comes first, at the same byte the source */
	r = new_reader(test, ABSENT - 8, FX_PAGE);
	w = new_writer(test, ABSENT - 5, FX_PAGE);
	run(test, fx_op_io_pair(VMSTORE_OP_READ_FALLIBLE, r, w), NULL, -EFAULT, 5, ABSENT_STORE);
	expect_at(test, r, ABSENT - 3, ABSENT - 8 + FX_PAGE);
	r = new_reader(test, ABSENT - 5, FX_PAGE);
	w = new_writer(test, ABSENT - 8, FX_PAGE);
	run(test, fx_op_io_pair(VMSTORE_OP_READ_FALLIBLE, r, w), NULL, -EFAULT, 5, ABSENT_LOAD);
	expect_at(test, w, ABSENT - 3, ABSENT - 8 + FX_PAGE);
	r = new_reader(test, ABSENT, FX_PAGE);
	w = new_writer(test, READ_ONLY, FX_PAGE);
	run(test, fx_op_io_pair(VMSTORE_OP_READ_FALLIBLE, r, w), NULL, -EFAULT, 0, ABSENT_LOAD);
	r = new_reader(test, VA, FX_PAGE);
	run(test, fx_op_io_pair(VMSTORE_OP_READ_FALLIBLE, r, w), NULL, -EFAULT, 0,
	    READ_ONLY_STORE);
	fx_expect_inv(test, s);
}

/* --- claims, the owner record, the helpers -------------------------------------- */

static void io_test_claimed(struct kunit *test)
{
	struct io_fixture *f = fixture(test);
	struct vms_store *s = f->fx.s;
	u64 r = fx_kio_new(test, s, false, FIRST, 8), w = fx_kio_new(test, s, true, FIRST, 8);
	struct vms_io *reader = xa_load(&s->ios.xa, r), *writer = xa_load(&s->ios.xa, w);
	u32 op;

	KUNIT_ASSERT_TRUE(test, vms_io_claim(reader) && vms_io_claim(writer));
	for (op = VMSTORE_OP_READER_DROP; op <= VMSTORE_OP_WRITER_WRITE_ONCE; op++) {
		bool of_writer = op == VMSTORE_OP_WRITER_DROP ||
				 (op >= VMSTORE_OP_WRITER_WRITE_VAL &&
				  op <= VMSTORE_OP_WRITER_QUERY) ||
				 op == VMSTORE_OP_WRITER_FILL || op == VMSTORE_OP_WRITER_WRITE_ONCE;
		struct vmstore_op busy = fx_op_id(op, of_writer ? w : r);

		if (op >= VMSTORE_OP_READ && op <= VMSTORE_OP_WRITE_FALLIBLE)
			busy.arg.io_pair.dest = w;
		if (op >= VMSTORE_OP_WRITER_FILL)
			busy.arg.io_value.width = 1;
		fx_fails(test, s, busy, -EBUSY);
	}
	/* of two, one is enough, and the other is let go */
	vms_io_unclaim(reader);
	fx_fails(test, s, fx_op_io_pair(VMSTORE_OP_READ, r, w), -EBUSY);
	expect_at(test, r, FIRST, FIRST + 8);
	KUNIT_ASSERT_TRUE(test, vms_io_claim(reader));
	vms_io_unclaim(writer);
	fx_fails(test, s, fx_op_io_pair(VMSTORE_OP_READ, r, w), -EBUSY);
	expect_at(test, w, FIRST, FIRST + 8);
	vms_io_unclaim(reader);
	run(test, fx_op_io_pair(VMSTORE_OP_READ, r, w), NULL, 0, 8, 0);
	fx_expect_inv(test, s);
}

static bool in_record(struct kunit *test, u64 io)
{
	const struct vms_io *entry = xa_load(&fx_store(test)->ios.xa, io);

	return !list_empty(&entry->link);
}

/* W5 to W7: who overlaps is left out of the record, and works all the same */
static void io_test_record(struct kunit *test)
{
	struct io_fixture *f = fixture(test);
	struct vms_store *s = f->fx.s;
	const struct vms_space *space = xa_load(&s->spaces.xa, f->space);
	u64 a = new_reader(test, VA, 100), b, c, d, e;

	KUNIT_EXPECT_TRUE(test, in_record(test, a));
	KUNIT_EXPECT_FALSE(test, space->shared_reader);
	/* touching is meeting */
	b = new_writer(test, VA + 100, 100);
	KUNIT_EXPECT_FALSE(test, in_record(test, b));
	c = new_writer(test, VA + 101, 100);
	KUNIT_EXPECT_TRUE(test, in_record(test, c));
	d = new_writer(test, VA + 201, 0);
	KUNIT_EXPECT_FALSE(test, in_record(test, d));
	/* a reader may overlap readers */
	e = new_reader(test, VA, 50);
	KUNIT_EXPECT_TRUE(test, in_record(test, e));
	KUNIT_EXPECT_TRUE(test, space->shared_reader);
	fx_expect_inv(test, s);
	/* what is left out writes and reads as well */
	run(test, fx_op_io_data(VMSTORE_OP_WRITER_WRITE_VAL, b, 100), f->in, 0, 100, 0);
	run(test, fx_op_io_data(VMSTORE_OP_WRITER_WRITE_VAL, c, 100), f->in, 0, 100, 0);
	KUNIT_EXPECT_EQ(test, memcmp(frame_at(test, f->page[0]) + 101, f->in, 100), 0);
	fx_io_drop(test, s, false, a);
	fx_io_drop(test, s, true, c);
	fx_io_drop(test, s, false, e);
	KUNIT_EXPECT_TRUE(test, list_empty(&space->ios));
	KUNIT_EXPECT_FALSE(test, space->shared_reader);
	/* in the order of addresses */
	a = new_reader(test, VA + 4000, 8);
	c = new_writer(test, VA, 8);
	d = new_reader(test, VA + 2000, 8);
	KUNIT_EXPECT_EQ(test, list_first_entry(&space->ios, struct vms_io, link)->id, c);
	KUNIT_EXPECT_EQ(test, list_last_entry(&space->ios, struct vms_io, link)->id, a);
	fx_expect_inv(test, s);
}

/* H5: extract_vm_io */
static void io_test_extract(struct kunit *test)
{
	struct io_fixture *f = fixture(test);
	struct vms_store *s = f->fx.s;
	u64 id = new_reader(test, VA, 8), other = new_writer(test, VA + 16, 8);
	struct vms_io *entry = xa_load(&s->ios.xa, id), *io = NULL;

	KUNIT_EXPECT_EQ(test, vms_store_extract_io(s, 99, &io), -ENOENT);
	KUNIT_EXPECT_NULL(test, io);
	s->frozen = true;
	KUNIT_EXPECT_EQ(test, vms_store_extract_io(s, id, &io), -EIO);
	s->frozen = false;
	KUNIT_EXPECT_PTR_EQ(test, (struct vms_io *)xa_load(&s->ios.xa, id), entry);
	KUNIT_EXPECT_EQ(test, vms_store_extract_io(s, id, &io), 0);
	KUNIT_EXPECT_PTR_EQ(test, io, entry);
	KUNIT_EXPECT_NULL(test, xa_load(&s->ios.xa, id));
	KUNIT_EXPECT_NOT_NULL(test, xa_load(&s->ios.xa, other));
	vms_registry_release(&s->ios, id);
	vms_io_exit(io, &s->region, &s->kvirts);
	kfree(io);
	fx_expect_inv(test, s);
}

/* H6: insert_vm_io */
static void io_test_insert(struct kunit *test)
{
	struct io_fixture *f = fixture(test);
	struct vms_store *s = f->fx.s;
	u64 taken = new_reader(test, VA, 8), id;
	struct vms_space *space = xa_load(&s->spaces.xa, f->space);
	struct vms_space *dead = kunit_kzalloc(test, sizeof(*dead), GFP_KERNEL);
	struct vms_io *io = kzalloc(sizeof(*io), GFP_KERNEL);

	KUNIT_ASSERT_TRUE(test, dead && io);
	dead->id = 99;
	KUNIT_ASSERT_EQ(test, vms_registry_reserve(&s->ios, &id), 0);
	KUNIT_ASSERT_TRUE(test, vms_space_get(space));
	KUNIT_ASSERT_EQ(test, vms_io_init_space(io, space, false, VA + 64, 8), 0);
	io->id = id;

	s->frozen = true;
	KUNIT_EXPECT_EQ(test, vms_store_insert_io(s, id, io), -EIO);
	s->frozen = false;
	KUNIT_EXPECT_EQ(test, vms_store_insert_io(s, taken, io), -EEXIST);
	io->cursor = io->end + 1;			/* V1 */
	KUNIT_EXPECT_EQ(test, vms_store_insert_io(s, id, io), -EINVAL);
	io->cursor = io->vaddr;
	io->view = VMS_VIEW_READ;			/* V3 */
	KUNIT_EXPECT_EQ(test, vms_store_insert_io(s, id, io), -EINVAL);
	io->view = VMS_VIEW_NONE;
	io->space = NULL;				/* V4 */
	KUNIT_EXPECT_EQ(test, vms_store_insert_io(s, id, io), -EINVAL);
	io->writer = true;				/* V5 */
	KUNIT_EXPECT_EQ(test, vms_store_insert_io(s, id, io), -EINVAL);
	io->writer = false;
	io->space = dead;
	KUNIT_EXPECT_EQ(test, vms_store_insert_io(s, id, io), -ENOENT);
	io->space = space;
	io->len = VMSTORE_MAX_USERSPACE_VADDR;
	KUNIT_EXPECT_EQ(test, vms_store_insert_io(s, id, io), -EINVAL);
	io->len = 8;
	KUNIT_EXPECT_NULL(test, xa_load(&s->ios.xa, id));
	KUNIT_EXPECT_EQ(test, vms_store_insert_io(s, id, io), 0);
	KUNIT_EXPECT_PTR_EQ(test, (struct vms_io *)xa_load(&s->ios.xa, id), io);
	fx_expect_inv(test, s);
}

/* A store can be closed with readers and writers in any state */
static void io_test_left_behind(struct kunit *test)
{
	struct io_fixture *f = fixture(test);
	struct vms_store *s = f->fx.s;

	new_reader(test, VA, 8);
	new_writer(test, VA, 8);
	fx_kio_new(test, s, false, FIRST, 8 * FX_PAGE);
	vms_io_claim(xa_load(&s->ios.xa, fx_kio_new(test, s, true, FIRST, 8 * FX_PAGE)));
	fx_expect_inv(test, s);
}

static struct kunit_case io_test_cases[] = {
	KUNIT_CASE_PARAM(io_test_new, io_gen_params),
	KUNIT_CASE_PARAM(io_test_new_errors, io_gen_params),
	KUNIT_CASE_PARAM(io_test_space_is_busy, io_gen_params),
	KUNIT_CASE_PARAM(io_test_drop, io_gen_params),
	KUNIT_CASE_PARAM(io_test_kernel_new, io_gen_params),
	KUNIT_CASE_PARAM(io_test_kernel_empty, io_gen_params),
	KUNIT_CASE_PARAM(io_test_kernel_errors, io_gen_params),
	KUNIT_CASE_PARAM(io_test_kernel_every_slot, io_gen_params),
	KUNIT_CASE_PARAM(io_test_position, io_gen_params),
	KUNIT_CASE_PARAM(io_test_read_val, io_gen_params),
	KUNIT_CASE_PARAM(io_test_read_val_fails, io_gen_params),
	KUNIT_CASE_PARAM(io_test_write_val, io_gen_params),
	KUNIT_CASE_PARAM(io_test_write_val_fails, io_gen_params),
	KUNIT_CASE_PARAM(io_test_collect, io_gen_params),
	KUNIT_CASE_PARAM(io_test_accessed_dirty, io_gen_params),
	KUNIT_CASE_PARAM(io_test_kernel_values, io_gen_params),
	KUNIT_CASE_PARAM(io_test_once, io_gen_params),
	KUNIT_CASE_PARAM(io_test_fill_zeros, io_gen_params),
	KUNIT_CASE_PARAM(io_test_fill, io_gen_params),
	KUNIT_CASE_PARAM(io_test_read, io_gen_params),
	KUNIT_CASE_PARAM(io_test_copy_kinds, io_gen_params),
	KUNIT_CASE_PARAM(io_test_fallible, io_gen_params),
	KUNIT_CASE_PARAM(io_test_fallible_faults, io_gen_params),
	KUNIT_CASE_PARAM(io_test_claimed, io_gen_params),
	KUNIT_CASE_PARAM(io_test_record, io_gen_params),
	KUNIT_CASE_PARAM(io_test_extract, io_gen_params),
	KUNIT_CASE_PARAM(io_test_insert, io_gen_params),
	KUNIT_CASE_PARAM(io_test_left_behind, io_gen_params),
	{}
};

static struct kunit_suite io_test_suite = {
	.name = "vmstore-vmio",
	.init = io_test_init,
	.exit = io_test_exit,
	.test_cases = io_test_cases,
};

kunit_test_suite(io_test_suite);
