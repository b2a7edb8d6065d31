// SPDX-License-Identifier: GPL-2.0-only
/*
 * Readers and writers through the ABI [model 5.3]: data to and from the caller's memory
 * and between them, every errno, what a fault leaves behind, and two threads on one.
 *
 * The bytes are looked at by other ways than those under test: with ACCESS, and through
 * the linear window.
 */

#include <pthread.h>

#include "op_recipes.h"
#include "vmstore_test.h"

#define REGION		(3 * VMSTORE_BLOCK_SIZE)
#define VA		0x00007f1234567000ULL	/* two pages of data */
#define ABSENT		(VA + 2 * VT_PAGE)
#define READ_ONLY	(VA + 3 * VT_PAGE)
#define NR_FRAMES	40ULL
/* Frames in the linear window, half of them in the first block and half in the second */
#define PADDR		(VMSTORE_BLOCK_SIZE - NR_FRAMES / 2 * VT_PAGE)
#define WINDOW		(VMSTORE_KERNEL_BASE + PADDR)

#define ABSENT_LOAD	VMSTORE_FAULT_TAKEN
#define ABSENT_STORE	(VMSTORE_FAULT_TAKEN | VMSTORE_FAULT_WRITE)
#define READ_ONLY_STORE	(ABSENT_STORE | VMSTORE_FAULT_PRESENT)

FIXTURE(io) {
	int fd;
	struct vmstore_info info;
	__u64 space;		/* active on CPU 0 */
	__u64 cursor;		/* over the pages */
	__u64 frame[NR_FRAMES];
	__u8 *in;		/* bytes that differ */
	__u8 *out;		/* a page more than NR_FRAMES, zeroes */
};

FIXTURE_VARIANT(io) {
	__u32 machine;
	__u32 mode;
};

FIXTURE_VARIANT_ADD(io, default_full) {
	.machine = VMSTORE_MACHINE_DEFAULT,
	.mode = VMSTORE_CHECK_FULL,
};

FIXTURE_VARIANT_ADD(io, soft_full) {
	.machine = VMSTORE_MACHINE_SOFT,
	.mode = VMSTORE_CHECK_FULL,
};

static void fill(__u8 *buf, size_t len, __u32 seed)
{
	size_t i;

	for (i = 0; i < len; i++)
		buf[i] = (i + seed) * 7 + (i >> 8) + 1;
}

FIXTURE_SETUP(io)
{
	const char *reason = vt_skip_reason(variant->machine);
	__u64 frame, i;

	self->fd = -1;
	if (reason)
		SKIP(return, "%s", reason);
	self->fd = vt_store(variant->machine, variant->mode, REGION);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, vt_info(self->fd, &self->info));
	self->in = malloc(NR_FRAMES * VT_PAGE);
	self->out = calloc(NR_FRAMES + 1, VT_PAGE);
	ASSERT_NE(NULL, self->in);
	ASSERT_NE(NULL, self->out);
	fill(self->in, NR_FRAMES * VT_PAGE, 0);

	self->space = RUN_OK(self->fd, vt_space_new()).out.id;
	self->cursor = RUN_OK(self->fd, vt_open_mut(self->space, VA, VA + VT_2M)).out.id;
	for (i = 0; i < 2; i++) {
		frame = RUN_OK(self->fd, vt_alloc()).out.id;
		RUN_OK(self->fd, vt_map(self->cursor, frame, VT_RW));
	}
	frame = RUN_OK(self->fd, vt_alloc()).out.id;
	RUN_OK(self->fd, vt_jump(self->cursor, READ_ONLY));
	RUN_OK(self->fd, vt_map(self->cursor, frame, VT_RO));
	for (i = 0; i < NR_FRAMES; i++)
		self->frame[i] = RUN_OK(self->fd, vt_from_unused(PADDR + i * VT_PAGE)).out.id;
	RUN_OK(self->fd, vt_activate(self->space, 0));
}

FIXTURE_TEARDOWN(io)
{
	if (self->fd < 0)
		return;
	EXPECT_EQ(0, vt_settled(self->fd));
	EXPECT_EQ(0, close(self->fd));
	free(self->in);
	free(self->out);
}

#define NEW(writer, vaddr, len) \
	(RUN_OK(self->fd, vt_io_new(writer, self->space, vaddr, len)).out.io.id)
#define KNEW(writer, vaddr, len) \
	(RUN_OK(self->fd, vt_kio_new(writer, vaddr, len)).out.io.id)

/* What DUMP says of one; id is 0 when it is not there */
static struct vmstore_rec_io io_rec(int fd, __u64 io)
{
	struct vmstore_rec_io found = {};
	struct vt_sec sec;
	size_t i;

	if (vt_dump(fd, VMSTORE_DUMP_IOS, 1 << 16, &sec))
		return found;
	for (i = 0; i < sec.nr; i++) {
		struct vmstore_rec_io *rec = (void *)sec.data;

		if (rec[i].id == io)
			found = rec[i];
	}
	vt_sec_free(&sec);
	return found;
}

/* Does [cursor, end) remain of it? */
#define EXPECT_AT(io, from, to) do {					\
	struct vmstore_rec_io _rec = io_rec(self->fd, io);		\
									\
	EXPECT_EQ(io, _rec.id);						\
	EXPECT_EQ(from, _rec.cursor);					\
	EXPECT_EQ(to, _rec.end);					\
} while (0)

/* Fails with EFAULT after @k bytes; what else it leaves is the caller's to say */
#define RUN_FAULT(what, k, bits) do {					\
	struct vmstore_op _op = (what);					\
									\
	EXPECT_EQ(-EFAULT, vt_run1(self->fd, &_op))			\
		TH_LOG("opcode %u", _op.opcode);			\
	EXPECT_EQ(k, _op.out.io.done);					\
	EXPECT_EQ(bits, _op.out.io.fault);				\
	EXPECT_EQ(0, _op.out.io.id);					\
	EXPECT_EQ(0, _op.out.io.cursor);				\
	EXPECT_EQ(0, _op.out.io.end);					\
	EXPECT_EQ(0, _op.out.io.value);					\
} while (0)

/* Succeeds with @n bytes moved */
#define RUN_DONE(what, n) ({						\
	struct vmstore_op _did = RUN_OK(self->fd, what);		\
									\
	EXPECT_EQ(n, _did.out.io.done)					\
		TH_LOG("opcode %u", _did.opcode);			\
	EXPECT_EQ(0, _did.out.io.fault);				\
	_did; })

/* One byte of a space, or of the window, as ACCESS sees it; -1 = it does not */
static int byte_at(int fd, __u64 space, __u64 va)
{
	struct vmstore_op op = vt_load(space, va, 1, 0);

	return vt_run1(fd, &op) ? -1 : (int)op.out.access.value;
}

#define BYTE(va)	byte_at(self->fd, self->space, va)

/* Put bytes where the pages, or the frames of the window, are */
static bool put_bytes(int fd, __u64 space, __u64 va, const __u8 *buf, __u64 len)
{
	__u64 i;

	for (i = 0; i < len; i++) {
		struct vmstore_op op = vt_write(space, va + i, 1, buf[i], 0);

		if (vt_run1(fd, &op))
			return false;
	}
	return true;
}

#define PUT(va, buf, len) \
	ASSERT_TRUE(put_bytes(self->fd, self->space, va, buf, len))

/* --- making and dropping ------------------------------------------------------------ */

TEST_F(io, new)
{
	static const __u64 ranges[][2] = {
		{ VA, 8 }, { 0, 0 }, { 0, 1 }, { ABSENT, VT_PAGE }, { VA + 3, 5 },
		{ VMSTORE_MAX_USERSPACE_VADDR, 0 }, { VMSTORE_MAX_USERSPACE_VADDR - 1, 1 },
		{ 0, VMSTORE_MAX_USERSPACE_VADDR },
	};
	__u64 last = 0;
	size_t i;
	int w;

	for (w = 0; w < 2; w++) {
		for (i = 0; i < ARRAY_SIZE(ranges); i++) {
			__u64 vaddr = ranges[i][0], len = ranges[i][1];
			struct vmstore_op op = RUN_OK(self->fd, vt_io_new(w, self->space, vaddr,
									  len));
			struct vmstore_rec_io rec = io_rec(self->fd, op.out.id);

			EXPECT_EQ(last + 1, op.out.io.id);
			last = op.out.io.id;
			EXPECT_EQ(vaddr, op.out.io.cursor);
			EXPECT_EQ(vaddr + len, op.out.io.end);
			EXPECT_EQ(0, op.out.io.done);
			EXPECT_EQ(self->space, rec.space);
			EXPECT_EQ(vaddr, rec.vaddr);
			EXPECT_EQ(len, rec.len);
			EXPECT_EQ(w, rec.writer);
		}
	}
	EXPECT_EQ((long)last, vt_count(self->fd, VMSTORE_DUMP_IOS));
}

TEST_F(io, new_refused)
{
	static const __u64 ranges[][2] = {
		{ VMSTORE_MAX_USERSPACE_VADDR, 1 }, { VMSTORE_MAX_USERSPACE_VADDR + 1, 0 },
		{ 0, VMSTORE_MAX_USERSPACE_VADDR + 1 }, { VA, ~0ULL }, { ~0ULL, 1 },
		{ ~0ULL, ~0ULL }, { 1, ~0ULL }, { WINDOW, 8 }, { VMSTORE_USER_END, 0 },
	};
	__u64 other = RUN_OK(self->fd, vt_space_new()).out.id;
	struct vmstore_op op;
	size_t i;
	int w;

	for (w = 0; w < 2; w++) {
		for (i = 0; i < ARRAY_SIZE(ranges); i++)
			RUN_ERR(self->fd, EACCES, vt_io_new(w, self->space, ranges[i][0],
							    ranges[i][1]));
		RUN_ERR(self->fd, ENOENT, vt_io_new(w, 4711, VA, 8));
		RUN_ERR(self->fd, EACCES, vt_io_new(w, other, VA, 8));
		op = vt_io_new(w, self->space, VA, 8);
		op.cpu = 1;
		if (self->info.out_nr_cpus > 1)
			RUN_ERR(self->fd, EACCES, op);
	}
	RUN_OK(self->fd, vt_activate(0, 0));
	RUN_ERR(self->fd, EACCES, vt_io_new(false, self->space, VA, 8));
}

TEST_F(io, drop)
{
	__u64 id[4];
	int i;

	id[0] = NEW(false, VA, 8);
	id[1] = NEW(true, VA, 8);
	id[2] = KNEW(false, WINDOW, 8);
	id[3] = KNEW(true, WINDOW, 8);
	for (i = 0; i < 4; i++) {
		RUN_ERR(self->fd, EINVAL, vt_io_drop(!(i & 1), id[i]));
		RUN_OK(self->fd, vt_io_drop(i & 1, id[i]));
		RUN_ERR(self->fd, ENOENT, vt_io_drop(i & 1, id[i]));
	}
	EXPECT_EQ(0, vt_count(self->fd, VMSTORE_DUMP_IOS));
}

/* A space with a reader or writer is not dropped [S10] */
TEST_F(io, space_is_busy)
{
	__u64 reader = NEW(false, VA, 8), writer = NEW(true, VA, 8);

	RUN_OK(self->fd, vt_activate(0, 0));
	RUN_OK(self->fd, vt_cursor_drop(self->cursor));
	RUN_ERR(self->fd, EBUSY, vt_space_drop(self->space));
	RUN_OK(self->fd, vt_io_drop(false, reader));
	RUN_ERR(self->fd, EBUSY, vt_space_drop(self->space));
	RUN_OK(self->fd, vt_io_drop(true, writer));
	RUN_OK(self->fd, vt_space_drop(self->space));
}

/* --- kernel addresses ------------------------------------------------------------------ */

TEST_F(io, kernel_new)
{
	__u64 reader, writer;
	int i;

	/* the last byte of the first frame to the first of the third */
	reader = KNEW(false, WINDOW + VT_PAGE - 1, VT_PAGE + 2);
	writer = KNEW(true, WINDOW + VT_PAGE, 1);
	EXPECT_EQ(0, io_rec(self->fd, reader).space);
	EXPECT_EQ(2, vt_slot(self->fd, PADDR).rc);
	EXPECT_EQ(3, vt_slot(self->fd, PADDR + VT_PAGE).rc);
	EXPECT_EQ(2, vt_slot(self->fd, PADDR + 2 * VT_PAGE).rc);
	EXPECT_EQ(1, vt_slot(self->fd, PADDR + 3 * VT_PAGE).rc);
	for (i = 0; i < 3; i++) {
		struct vmstore_op op = RUN_OK(self->fd, vt_frame_drop(self->frame[i]));

		EXPECT_EQ(0, op.out.drop.freed);
		RUN_ERR(self->fd, EBUSY, vt_from_unused(PADDR + i * VT_PAGE));
	}
	RUN_OK(self->fd, vt_io_drop(false, reader));
	EXPECT_EQ(VMSTORE_RC_UNUSED, vt_slot(self->fd, PADDR).rc);
	EXPECT_EQ(1, vt_slot(self->fd, PADDR + VT_PAGE).rc);
	RUN_OK(self->fd, vt_io_drop(true, writer));
	EXPECT_EQ(VMSTORE_RC_UNUSED, vt_slot(self->fd, PADDR + VT_PAGE).rc);
}

TEST_F(io, kernel_refused)
{
	__u64 end = VMSTORE_KERNEL_BASE + REGION;
	int w;

	for (w = 0; w < 2; w++) {
		RUN_ERR(self->fd, EACCES, vt_kio_new(w, WINDOW, ~0ULL));
		RUN_ERR(self->fd, EACCES, vt_kio_new(w, VA, 8));
		RUN_ERR(self->fd, EACCES, vt_kio_new(w, 0, 0));
		RUN_ERR(self->fd, EACCES, vt_kio_new(w, VMSTORE_KERNEL_BASE - 1, 2));
		RUN_ERR(self->fd, EACCES, vt_kio_new(w, end, 1));
		RUN_ERR(self->fd, EACCES, vt_kio_new(w, end + 1, 0));
		RUN_ERR(self->fd, EACCES, vt_kio_new(w, end - 1, 2));
		RUN_ERR(self->fd, EACCES, vt_kio_new(w, VMSTORE_KVIRT_BASE, 8));
		/* the kernel's own direct map and text */
		RUN_ERR(self->fd, EACCES, vt_kio_new(w, 0xffff888000000000ULL, 8));
		RUN_ERR(self->fd, EACCES, vt_kio_new(w, 0xffffffff81000000ULL, 8));
		RUN_ERR(self->fd, EACCES, vt_kio_new(w, ~0ULL, 1));
		/* one more, which is free: none is held */
		RUN_ERR(self->fd, EACCES, vt_kio_new(w, WINDOW, NR_FRAMES * VT_PAGE + 1));
		RUN_ERR(self->fd, EACCES, vt_kio_new(w, WINDOW - 1, 2));
	}
	/* an empty one holds nothing, but has its place */
	RUN_OK(self->fd, vt_kio_new(false, VMSTORE_KERNEL_BASE, 0));
	RUN_OK(self->fd, vt_kio_new(true, end, 0));
	EXPECT_EQ(1, vt_slot(self->fd, PADDR).rc);
}

/* A store with something of everything, not checked: this goes over all slots */
static int crowded_store(struct __test_metadata *_metadata, __u32 machine)
{
	int fd = vt_store(machine, VMSTORE_CHECK_OFF, REGION);
	__u64 space, cursor, frame, i;

	ASSERT_LE(0, fd);
	space = RUN_OK(fd, vt_space_new()).out.id;
	cursor = RUN_OK(fd, vt_open_mut(space, VA, VA + VT_2M)).out.id;
	for (i = 0; i < 3; i++) {
		frame = RUN_OK(fd, vt_alloc()).out.id;
		RUN_OK(fd, vt_map(cursor, frame, VT_RW));
	}
	for (i = 0; i < NR_FRAMES; i++)
		RUN_OK(fd, vt_from_unused(PADDR + i * VT_PAGE));
	RUN_OK(fd, vt_words(VMSTORE_OP_UNIQUE_FROM_UNUSED, PADDR - VT_PAGE, 0, 0));
	RUN_OK(fd, vt_words(VMSTORE_OP_SEGMENT_FROM_UNUSED, PADDR - 5 * VT_PAGE,
			    PADDR - 2 * VT_PAGE, 0));
	RUN_OK(fd, vt_kio_new(true, WINDOW, VT_PAGE));
	return fd;
}

#define CROWDED_FRAMES	(NR_FRAMES + 3 + 3)

/* Try a kernel writer over a slot, and write through it; its errno */
static int try_slot(int fd, __u64 paddr, __u64 value)
{
	struct vmstore_op ops[] = {
		vt_kio_new(true, VMSTORE_KERNEL_BASE + paddr, VT_PAGE),
		vt_io_value(VMSTORE_OP_WRITER_WRITE_ONCE, VMSTORE_REF(0), 8, value),
		vt_io_drop(true, VMSTORE_REF(0)),
	};

	if (vt_run(fd, ops, ARRAY_SIZE(ops), 0, NULL))
		return -VT_CALL;
	return ops[0].out_errno ? ops[0].out_errno : ops[1].out_errno ? ops[1].out_errno :
								       ops[2].out_errno;
}

static __u64 first_word(int fd, __u64 paddr)
{
	__u64 word = ~0ULL;
	struct vmstore_op ops[] = {
		vt_kio_new(false, VMSTORE_KERNEL_BASE + paddr, 8),
		vt_io_data(VMSTORE_OP_READER_READ_VAL, VMSTORE_REF(0), &word, 8),
		vt_io_drop(false, VMSTORE_REF(0)),
	};

	return vt_run(fd, ops, ARRAY_SIZE(ops), 0, NULL) ? ~0ULL : word;
}

/*
 * Over all slots of a store: a kernel writer never reaches a node, a free slot, device
 * memory, an exclusive frame or another store, and every shared data frame
 */
TEST_F(io, kernel_every_slot)
{
	int fd = crowded_store(_metadata, variant->machine);
	int other = crowded_store(_metadata, variant->machine);
	__u64 nodes = 0, frames = 0, uniques = 0, slots = 0, k;
	struct vt_sec sec;
	size_t i;

	for (k = 0; k < NR_FRAMES; k++)
		ASSERT_EQ(0, try_slot(other, PADDR + k * VT_PAGE, 1000 + k));
	ASSERT_EQ(0, vt_dump(fd, VMSTORE_DUMP_SLOTS, 1 << 16, &sec));
	for (i = 0; i < sec.nr; i++) {
		struct vmstore_rec_slots *rec = (void *)sec.data;
		bool used, may;

		rec += i;
		used = rec->rc && rec->rc <= VMSTORE_RC_MAX;
		may = used && rec->usage == VMSTORE_USAGE_FRAME;
		nodes += used && rec->usage == VMSTORE_USAGE_PAGETABLE;
		uniques += rec->rc == VMSTORE_RC_UNIQUE;
		for (k = 0; k < rec->nr; k++, slots++) {
			__u64 paddr = rec->paddr + k * VT_PAGE;

			frames += may;
			ASSERT_EQ(may ? 0 : -EACCES, try_slot(fd, paddr, ~paddr))
				TH_LOG("slot %#llx", paddr);
			if (may)
				EXPECT_EQ(~paddr, first_word(fd, paddr));
		}
	}
	vt_sec_free(&sec);
	EXPECT_EQ(CROWDED_FRAMES, frames);
	EXPECT_EQ(6, nodes);
	EXPECT_EQ(1, uniques);
	EXPECT_EQ(REGION / VT_PAGE, slots);
	for (k = 0; k < NR_FRAMES; k++)
		EXPECT_EQ(1000 + k, first_word(other, PADDR + k * VT_PAGE));
	EXPECT_EQ(0, vt_check(fd));
	EXPECT_EQ(0, vt_check(other));
	EXPECT_EQ(0, close(fd));
	EXPECT_EQ(0, close(other));
}

/* --- position ---------------------------------------------------------------------------- */

TEST_F(io, position)
{
	struct vmstore_op op;
	int w;

	for (w = 0; w < 2; w++) {
		__u16 limit = w ? VMSTORE_OP_WRITER_LIMIT : VMSTORE_OP_READER_LIMIT;
		__u16 skip = w ? VMSTORE_OP_WRITER_SKIP : VMSTORE_OP_READER_SKIP;
		__u16 query = w ? VMSTORE_OP_WRITER_QUERY : VMSTORE_OP_READER_QUERY;
		__u64 io = NEW(w, ABSENT, 100), other = NEW(!w, ABSENT, 100);

		RUN_OK(self->fd, vt_io_len(limit, io, 101));
		RUN_OK(self->fd, vt_io_len(limit, io, ~0ULL));
		RUN_ERR(self->fd, EINVAL, vt_io_len(skip, io, 101));
		RUN_ERR(self->fd, EINVAL, vt_io_len(skip, io, ~0ULL));
		op = RUN_OK(self->fd, vt_io_len(skip, io, 30));
		EXPECT_EQ(ABSENT + 30, op.out.io.cursor);
		EXPECT_EQ(ABSENT + 100, op.out.io.end);
		op = RUN_OK(self->fd, vt_io_len(limit, io, 50));
		EXPECT_EQ(ABSENT + 30, op.out.io.cursor);
		EXPECT_EQ(ABSENT + 80, op.out.io.end);
		RUN_ERR(self->fd, EINVAL, vt_io_len(skip, io, 51));
		RUN_OK(self->fd, vt_io_len(skip, io, 50));
		op = RUN_OK(self->fd, vt_op_id(query, io));
		EXPECT_EQ(ABSENT + 80, op.out.io.cursor);
		EXPECT_EQ(ABSENT + 80, op.out.io.end);
		EXPECT_EQ(0, op.out.io.done);
		RUN_OK(self->fd, vt_io_len(skip, io, 0));
		/* of the other kind, and of none */
		RUN_ERR(self->fd, EINVAL, vt_io_len(limit, other, 1));
		RUN_ERR(self->fd, EINVAL, vt_io_len(skip, other, 1));
		RUN_ERR(self->fd, EINVAL, vt_op_id(query, other));
		RUN_ERR(self->fd, ENOENT, vt_io_len(limit, 4711, 1));
	}
}

/* --- data to and from the caller ------------------------------------------------ */

TEST_F(io, values)
{
	static const __u64 lens[] = { 0, 1, 2, 4, 7, 8, 100, VT_PAGE, VT_PAGE + 9, 2 * VT_PAGE };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		__u64 from = 2 * VT_PAGE - lens[i] < 4090 ? 2 * VT_PAGE - lens[i] : 4090;
		__u64 n = lens[i], k;
		__u64 w = NEW(true, VA, 2 * VT_PAGE), r = NEW(false, VA, 2 * VT_PAGE);
		struct vmstore_op op;

		fill(self->in, n, i);
		RUN_OK(self->fd, vt_io_len(VMSTORE_OP_WRITER_SKIP, w, from));
		RUN_OK(self->fd, vt_io_len(VMSTORE_OP_READER_SKIP, r, from));
		op = RUN_DONE(vt_io_data(VMSTORE_OP_WRITER_WRITE_VAL, w, self->in, n), n);
		EXPECT_EQ(VA + from + n, op.out.io.cursor);
		EXPECT_EQ(VA + 2 * VT_PAGE, op.out.io.end);
		for (k = 0; k < n; k += 1 + n / 16)
			EXPECT_EQ(self->in[k], BYTE(VA + from + k));
		memset(self->out, 0x5a, n + 1);
		RUN_DONE(vt_io_data(VMSTORE_OP_READER_READ_VAL, r, self->out, n), n);
		EXPECT_EQ(0, memcmp(self->in, self->out, n));
		EXPECT_EQ(0x5a, self->out[n]);
		EXPECT_AT(r, VA + from + n, VA + 2 * VT_PAGE);
	}
}

/* The MMU walked the space's own table, whatever was active by then */
TEST_F(io, through_the_own_table)
{
	__u64 r = NEW(false, VA, 8), w = NEW(true, VA + VT_PAGE, 8);
	__u64 other = RUN_OK(self->fd, vt_space_new()).out.id;
	struct vmstore_op op;

	RUN_OK(self->fd, vt_activate(other, 0));
	RUN_DONE(vt_io_data(VMSTORE_OP_WRITER_WRITE_VAL, w, self->in, 8), 8);
	RUN_DONE(vt_io_data(VMSTORE_OP_READER_READ_VAL, r, self->out, 8), 8);
	EXPECT_EQ(self->in[7], BYTE(VA + VT_PAGE + 7));
	RUN_OK(self->fd, vt_jump(self->cursor, VA));
	op = RUN_OK(self->fd, vt_peek(self->cursor));
	EXPECT_EQ(VMSTORE_PROP_ACCESSED, op.out.query.prop.flags &
		  (VMSTORE_PROP_ACCESSED | VMSTORE_PROP_DIRTY));
	RUN_OK(self->fd, vt_jump(self->cursor, VA + VT_PAGE));
	op = RUN_OK(self->fd, vt_peek(self->cursor));
	EXPECT_TRUE(op.out.query.prop.flags & VMSTORE_PROP_DIRTY);
	/* a page that is gone, and one that may not be written any more */
	RUN_OK(self->fd, vt_protect(self->cursor, VT_PAGE, VT_RO, vt_user(VMSTORE_PROP_W)));
	RUN_OK(self->fd, vt_flush(self->cursor, VA, 2 * VT_PAGE));
	RUN_OK(self->fd, vt_activate(self->space, 0));
	w = NEW(true, VA + VT_PAGE, 8);
	RUN_FAULT(vt_io_data(VMSTORE_OP_WRITER_WRITE_VAL, w, self->in, 8), 0, READ_ONLY_STORE);
	RUN_OK(self->fd, vt_jump(self->cursor, VA));
	RUN_OK(self->fd, vt_unmap(self->cursor, VT_PAGE));
	RUN_OK(self->fd, vt_reap());
	r = NEW(false, VA, 8);
	RUN_FAULT(vt_io_data(VMSTORE_OP_READER_READ_VAL, r, self->out, 8), 0, ABSENT_LOAD);
}

/* The end of the page is in the middle of the value: rewound, and the bytes stay */
TEST_F(io, value_faults)
{
	static const __u64 ks[] = { 0, 1, 3, 7, 8, 100, 4095 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ks); i++) {
		__u64 k = ks[i];
		__u64 w = NEW(true, ABSENT - k, VT_PAGE), r = NEW(false, ABSENT - k, VT_PAGE);

		fill(self->in, k + 1, i);
		RUN_FAULT(vt_io_data(VMSTORE_OP_WRITER_WRITE_VAL, w, self->in, k + 1), k,
			  ABSENT_STORE);
		EXPECT_AT(w, ABSENT - k, ABSENT - k + VT_PAGE);
		if (k) {
			EXPECT_EQ(self->in[0], BYTE(ABSENT - k));
			EXPECT_EQ(self->in[k - 1], BYTE(ABSENT - 1));
		}
		memset(self->out, 0x5a, k + 1);
		RUN_FAULT(vt_io_data(VMSTORE_OP_READER_READ_VAL, r, self->out, k + 1), k,
			  ABSENT_LOAD);
		EXPECT_EQ(0x5a, self->out[0]);
		EXPECT_EQ(0x5a, self->out[k]);
		EXPECT_AT(r, ABSENT - k, ABSENT - k + VT_PAGE);
		RUN_FAULT(vt_io_data(VMSTORE_OP_READER_COLLECT, r, self->out, VT_PAGE), k,
			  ABSENT_LOAD);
		EXPECT_AT(r, ABSENT - k, ABSENT - k + VT_PAGE);
	}
	RUN_FAULT(vt_io_data(VMSTORE_OP_WRITER_WRITE_VAL, NEW(true, READ_ONLY, 8), self->in, 8),
		  0, READ_ONLY_STORE);
}

TEST_F(io, value_refused)
{
	__u64 r = NEW(false, VA, 8), w = NEW(true, VA, 8);
	__u8 *bad = mmap(NULL, VT_PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, bad);
	/* too short */
	RUN_ERR(self->fd, EINVAL, vt_io_data(VMSTORE_OP_READER_READ_VAL, r, self->out, 9));
	RUN_ERR(self->fd, EINVAL, vt_io_data(VMSTORE_OP_WRITER_WRITE_VAL, w, self->in, 9));
	/* more than is moved at once */
	RUN_ERR(self->fd, EINVAL, vt_io_data(VMSTORE_OP_READER_READ_VAL, r, self->out,
					     VMSTORE_MAX_DATA + 1));
	RUN_ERR(self->fd, EINVAL, vt_io_data(VMSTORE_OP_WRITER_WRITE_VAL, w, self->in, ~0ULL));
	/* the other kind, and none */
	RUN_ERR(self->fd, EINVAL, vt_io_data(VMSTORE_OP_READER_READ_VAL, w, self->out, 8));
	RUN_ERR(self->fd, EINVAL, vt_io_data(VMSTORE_OP_READER_COLLECT, w, self->out, 8));
	RUN_ERR(self->fd, EINVAL, vt_io_data(VMSTORE_OP_WRITER_WRITE_VAL, r, self->in, 8));
	RUN_ERR(self->fd, ENOENT, vt_io_data(VMSTORE_OP_READER_READ_VAL, 4711, self->out, 8));
	/* memory of the caller that is not there, or may not be written: no fault of the space */
	RUN_ERR(self->fd, EFAULT, vt_io_data(VMSTORE_OP_READER_READ_VAL, r, NULL, 8));
	RUN_ERR(self->fd, EFAULT, vt_io_data(VMSTORE_OP_READER_READ_VAL, r, bad, 8));
	RUN_ERR(self->fd, EFAULT, vt_io_data(VMSTORE_OP_READER_COLLECT, r, bad, 8));
	RUN_ERR(self->fd, EFAULT, vt_io_data(VMSTORE_OP_WRITER_WRITE_VAL, w, NULL, 8));
	RUN_ERR(self->fd, EFAULT, vt_io_data(VMSTORE_OP_WRITER_WRITE_VAL, w,
					     (void *)(uintptr_t)WINDOW, 8));
	ASSERT_EQ(0, munmap(bad, VT_PAGE));
	/* nothing to move needs no memory */
	RUN_DONE(vt_io_data(VMSTORE_OP_READER_READ_VAL, r, NULL, 0), 0);
	RUN_DONE(vt_io_data(VMSTORE_OP_WRITER_WRITE_VAL, w, NULL, 0), 0);
}

TEST_F(io, collect)
{
	__u64 r;

	PUT(VA + 4000, self->in, 200);
	r = NEW(false, VA + 4000, 200);
	RUN_ERR(self->fd, EINVAL, vt_io_data(VMSTORE_OP_READER_COLLECT, r, self->out, 199));
	RUN_ERR(self->fd, EINVAL, vt_io_data(VMSTORE_OP_READER_COLLECT, r, NULL, 0));
	/* room for more */
	memset(self->out, 0x5a, 300);
	RUN_DONE(vt_io_data(VMSTORE_OP_READER_COLLECT, r, self->out, 300), 200);
	EXPECT_EQ(0, memcmp(self->in, self->out, 200));
	EXPECT_EQ(0x5a, self->out[200]);
	EXPECT_AT(r, VA + 4200, VA + 4200);
	RUN_DONE(vt_io_data(VMSTORE_OP_READER_COLLECT, r, self->out, 8), 0);
	/* more remains than is moved at once */
	r = NEW(false, VA, VMSTORE_MAX_DATA + 1);
	RUN_ERR(self->fd, ENOMEM, vt_io_data(VMSTORE_OP_READER_COLLECT, r, self->out, 8));
}

TEST_F(io, kernel_values)
{
	__u64 n = NR_FRAMES * VT_PAGE - 5, k;
	__u64 w = KNEW(true, WINDOW + 5, n), r = KNEW(false, WINDOW + 5, n);

	RUN_OK(self->fd, vt_activate(0, 0));		/* needs no space */
	RUN_DONE(vt_io_data(VMSTORE_OP_WRITER_WRITE_VAL, w, self->in, n), n);
	for (k = 0; k < n; k += 4097)
		EXPECT_EQ(self->in[k], BYTE(WINDOW + 5 + k));
	RUN_DONE(vt_io_data(VMSTORE_OP_READER_COLLECT, r, self->out, n), n);
	EXPECT_EQ(0, memcmp(self->in, self->out, n));
}

TEST_F(io, once)
{
	__u64 value = 0x1122334455667788ULL;
	__u64 r, w;
	__u32 width;

	for (width = 1; width <= 8; width *= 2) {
		struct vmstore_op op;

		w = KNEW(true, WINDOW + 8, width);
		r = KNEW(false, WINDOW + 8, width);
		RUN_DONE(vt_io_value(VMSTORE_OP_WRITER_WRITE_ONCE, w, width, value), width);
		op = RUN_DONE(vt_io_value(VMSTORE_OP_READER_READ_ONCE, r, width, 0), width);
		EXPECT_EQ(value & (~0ULL >> (64 - 8 * width)), op.out.io.value);
		EXPECT_EQ((int)(value & 0xff), BYTE(WINDOW + 8));
		RUN_ERR(self->fd, EINVAL, vt_io_value(VMSTORE_OP_READER_READ_ONCE, r, width, 0));
		RUN_ERR(self->fd, EINVAL, vt_io_value(VMSTORE_OP_WRITER_WRITE_ONCE, w, width, 0));
	}
	r = KNEW(false, WINDOW + 1, 64);
	w = KNEW(true, WINDOW + 1, 64);
	for (width = 0; width < 20; width++) {
		if (width == 1)
			continue;
		RUN_ERR(self->fd, EINVAL, vt_io_value(VMSTORE_OP_READER_READ_ONCE, r, width, 0));
		RUN_ERR(self->fd, EINVAL, vt_io_value(VMSTORE_OP_WRITER_WRITE_ONCE, w, width, 0));
	}
	RUN_ERR(self->fd, EINVAL, vt_io_value(VMSTORE_OP_READER_READ_ONCE, r, 1, 1));
	RUN_ERR(self->fd, EINVAL, vt_io_value(VMSTORE_OP_READER_READ_ONCE, w, 1, 0));
	RUN_ERR(self->fd, EINVAL, vt_io_value(VMSTORE_OP_WRITER_WRITE_ONCE, r, 1, 0));
	/* a space may fault: not its */
	RUN_ERR(self->fd, EINVAL, vt_io_value(VMSTORE_OP_READER_READ_ONCE, NEW(false, VA, 8), 1,
					      0));
	RUN_ERR(self->fd, EINVAL, vt_io_value(VMSTORE_OP_WRITER_WRITE_ONCE, NEW(true, VA, 8), 1,
					      0));
}

/* --- filling -------------------------------------------------------------------- */

TEST_F(io, fill_zeros)
{
	static const __u64 ks[] = { 0, 1, 8, 4095, 4096, 5000, 8192 };
	__u64 w = NEW(true, VA + 4000, 200), i;

	PUT(VA + 3990, self->in, 220);
	RUN_DONE(vt_io_len(VMSTORE_OP_WRITER_FILL_ZEROS, w, 0), 0);
	RUN_DONE(vt_io_len(VMSTORE_OP_WRITER_FILL_ZEROS, w, 100), 100);
	EXPECT_EQ(self->in[9], BYTE(VA + 3999));
	EXPECT_EQ(0, BYTE(VA + 4000));
	EXPECT_EQ(0, BYTE(VA + 4099));
	EXPECT_EQ(self->in[110], BYTE(VA + 4100));
	RUN_DONE(vt_io_len(VMSTORE_OP_WRITER_FILL_ZEROS, w, ~0ULL), 100);
	EXPECT_EQ(0, BYTE(VA + 4199));
	EXPECT_EQ(self->in[210], BYTE(VA + 4200));
	RUN_DONE(vt_io_len(VMSTORE_OP_WRITER_FILL_ZEROS, w, 1), 0);
	for (i = 0; i < ARRAY_SIZE(ks); i++) {
		w = NEW(true, ABSENT - ks[i], 1ULL << 36);
		RUN_FAULT(vt_io_len(VMSTORE_OP_WRITER_FILL_ZEROS, w, 1ULL << 35), ks[i],
			  ABSENT_STORE);
		EXPECT_AT(w, ABSENT, ABSENT - ks[i] + (1ULL << 36));
	}
	RUN_ERR(self->fd, EINVAL, vt_io_len(VMSTORE_OP_WRITER_FILL_ZEROS, NEW(false, VA, 8), 8));
}

TEST_F(io, fill)
{
	__u64 value = 0x1122334455667788ULL;
	__u64 w;
	__u32 width;

	for (width = 1; width <= 8; width *= 2) {
		__u64 n = 33 * VT_PAGE + width;

		w = KNEW(true, WINDOW + 8, n);
		RUN_DONE(vt_io_value(VMSTORE_OP_WRITER_FILL, w, width, value), n / width);
		EXPECT_AT(w, WINDOW + 8 + n, WINDOW + 8 + n);
		EXPECT_EQ((int)(value & 0xff), BYTE(WINDOW + 8));
		EXPECT_EQ((int)(value >> (8 * (width - 1)) & 0xff), BYTE(WINDOW + 8 + n - 1));
		RUN_DONE(vt_io_value(VMSTORE_OP_WRITER_FILL, w, width, value), 0);
	}
	RUN_ERR(self->fd, EINVAL, vt_io_value(VMSTORE_OP_WRITER_FILL, KNEW(true, WINDOW + 4, 16),
					      8, 0));
	RUN_ERR(self->fd, EINVAL, vt_io_value(VMSTORE_OP_WRITER_FILL, KNEW(true, WINDOW, 12),
					      8, 0));
	RUN_ERR(self->fd, EINVAL, vt_io_value(VMSTORE_OP_WRITER_FILL, KNEW(true, WINDOW, 12),
					      3, 0));
	RUN_ERR(self->fd, EINVAL, vt_io_value(VMSTORE_OP_WRITER_FILL, KNEW(false, WINDOW, 8),
					      8, 0));
	RUN_ERR(self->fd, EINVAL, vt_io_value(VMSTORE_OP_WRITER_FILL, NEW(true, VA, 8), 8, 0));
}

/* --- copies --------------------------------------------------------------------- */

/* Over many pages, and from one block of the region into another */
TEST_F(io, copies)
{
	static const __u64 lens[][2] = {
		{ 0, 8 }, { 8, 0 }, { 1, 1 }, { 100, 70 }, { 70, 100 },
		{ 19 * VT_PAGE + 5, 19 * VT_PAGE + 9 },
	};
	__u64 to = WINDOW + NR_FRAMES / 2 * VT_PAGE;
	__u64 all = KNEW(true, WINDOW, NR_FRAMES / 2 * VT_PAGE);
	size_t i;
	__u16 op;

	RUN_DONE(vt_io_data(VMSTORE_OP_WRITER_WRITE_VAL, all, self->in,
			    NR_FRAMES / 2 * VT_PAGE), NR_FRAMES / 2 * VT_PAGE);
	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		for (op = VMSTORE_OP_READ; op <= VMSTORE_OP_WRITE; op++) {
			__u64 n = lens[i][0] < lens[i][1] ? lens[i][0] : lens[i][1];
			__u64 r = KNEW(false, WINDOW + 7, lens[i][0]);
			__u64 w = KNEW(true, to + 11, lens[i][1]);
			__u64 back = KNEW(false, to + 11, n);
			struct vmstore_op did;

			did = RUN_DONE(vt_io_pair(op, r, w), n);
			EXPECT_EQ(WINDOW + 7 + n, did.out.io.cursor);
			EXPECT_EQ(WINDOW + 7 + lens[i][0], did.out.io.end);
			EXPECT_AT(w, to + 11 + n, to + 11 + lens[i][1]);
			RUN_DONE(vt_io_data(VMSTORE_OP_READER_COLLECT, back, self->out, n), n);
			EXPECT_EQ(0, memcmp(self->in + 7, self->out, n));
			RUN_OK(self->fd, vt_io_drop(false, r));
			RUN_OK(self->fd, vt_io_drop(true, w));
			RUN_OK(self->fd, vt_io_drop(false, back));
		}
	}
}

TEST_F(io, copy_kinds)
{
	__u64 r = NEW(false, VA, 8), w = NEW(true, VA, 8);
	__u64 kr = KNEW(false, WINDOW, 8), kw = KNEW(true, WINDOW, 8);
	__u16 op;

	for (op = VMSTORE_OP_READ; op <= VMSTORE_OP_WRITE_FALLIBLE; op++) {
		bool fallible = op >= VMSTORE_OP_READ_FALLIBLE;

		RUN_ERR(self->fd, ENOENT, vt_io_pair(op, 4711, kw));
		RUN_ERR(self->fd, ENOENT, vt_io_pair(op, kr, 4711));
		RUN_ERR(self->fd, EINVAL, vt_io_pair(op, kw, kr));
		RUN_ERR(self->fd, EINVAL, vt_io_pair(op, kr, kr));
		RUN_ERR(self->fd, EINVAL, vt_io_pair(op, kw, kw));
		if (fallible) {
			RUN_ERR(self->fd, EINVAL, vt_io_pair(op, kr, kw));
		} else {
			RUN_ERR(self->fd, EINVAL, vt_io_pair(op, r, kw));
			RUN_ERR(self->fd, EINVAL, vt_io_pair(op, kr, w));
			RUN_ERR(self->fd, EINVAL, vt_io_pair(op, r, w));
		}
	}
}

TEST_F(io, fallible)
{
	__u64 kr, kw, r, w, n = 2 * VT_PAGE - 3, k;

	/* space to kernel */
	w = NEW(true, VA, 2 * VT_PAGE);
	RUN_DONE(vt_io_data(VMSTORE_OP_WRITER_WRITE_VAL, w, self->in, 2 * VT_PAGE), 2 * VT_PAGE);
	r = NEW(false, VA + 3, 2 * VT_PAGE - 3);
	kw = KNEW(true, WINDOW + 1, 20 * VT_PAGE);
	RUN_DONE(vt_io_pair(VMSTORE_OP_READ_FALLIBLE, r, kw), n);
	EXPECT_AT(r, ABSENT, ABSENT);
	EXPECT_AT(kw, WINDOW + 1 + n, WINDOW + 1 + 20 * VT_PAGE);
	kr = KNEW(false, WINDOW + 1, n);
	RUN_DONE(vt_io_data(VMSTORE_OP_READER_COLLECT, kr, self->out, n), n);
	EXPECT_EQ(0, memcmp(self->in + 3, self->out, n));
	/* kernel to space, one byte further */
	kr = KNEW(false, WINDOW + 1, n);
	w = NEW(true, VA + 2, 2 * VT_PAGE);
	RUN_DONE(vt_io_pair(VMSTORE_OP_WRITE_FALLIBLE, kr, w), n);
	for (k = 0; k < n; k += 777)
		EXPECT_EQ(self->in[3 + k], BYTE(VA + 2 + k));
	/* space to space */
	r = NEW(false, VA + 2, 2000);
	w = NEW(true, VA + 5000, 2000);
	RUN_DONE(vt_io_pair(VMSTORE_OP_READ_FALLIBLE, r, w), 2000);
	EXPECT_EQ(self->in[3], BYTE(VA + 5000));
	EXPECT_EQ(self->in[3 + 1999], BYTE(VA + 6999));
}

/* After k bytes of one side or the other both are k further, and k bytes arrived */
TEST_F(io, fallible_faults)
{
	static const __u64 ks[] = { 0, 1, 8, 4095, 4096, 5000, 8192 };
	__u64 kr, kw, r, w, k, i;

	for (i = 0; i < ARRAY_SIZE(ks); i++) {
		k = ks[i];
		w = NEW(true, ABSENT - k, k);
		RUN_DONE(vt_io_data(VMSTORE_OP_WRITER_WRITE_VAL, w, self->in, k), k);
		/* the source */
		r = NEW(false, ABSENT - k, 3 * VT_PAGE);
		kw = KNEW(true, WINDOW, 4 * VT_PAGE);
		RUN_FAULT(vt_io_pair(VMSTORE_OP_READ_FALLIBLE, r, kw), k, ABSENT_LOAD);
		EXPECT_AT(r, ABSENT, ABSENT - k + 3 * VT_PAGE);
		EXPECT_AT(kw, WINDOW + k, WINDOW + 4 * VT_PAGE);
		kr = KNEW(false, WINDOW, k);
		RUN_DONE(vt_io_data(VMSTORE_OP_READER_COLLECT, kr, self->out, k), k);
		EXPECT_EQ(0, memcmp(self->in, self->out, k));
		/* the destination */
		kr = KNEW(false, WINDOW + 1, 4 * VT_PAGE);
		w = NEW(true, ABSENT - k, 3 * VT_PAGE);
		RUN_FAULT(vt_io_pair(VMSTORE_OP_WRITE_FALLIBLE, kr, w), k, ABSENT_STORE);
		EXPECT_AT(kr, WINDOW + 1 + k, WINDOW + 1 + 4 * VT_PAGE);
		EXPECT_AT(w, ABSENT, ABSENT - k + 3 * VT_PAGE);
		if (k > 1)
			EXPECT_EQ(self->in[k - 1], BYTE(ABSENT - 2));
	}
	/* both: the one that comes first */
	r = NEW(false, ABSENT - 8, VT_PAGE);
	w = NEW(true, ABSENT - 5, VT_PAGE);
	RUN_FAULT(vt_io_pair(VMSTORE_OP_READ_FALLIBLE, r, w), 5, ABSENT_STORE);
	EXPECT_AT(r, ABSENT - 3, ABSENT - 8 + VT_PAGE);
	r = NEW(false, ABSENT - 5, VT_PAGE);
	w = NEW(true, ABSENT - 8, VT_PAGE);
	RUN_FAULT(vt_io_pair(VMSTORE_OP_READ_FALLIBLE, r, w), 5, ABSENT_LOAD);
	EXPECT_AT(w, ABSENT - 3, ABSENT - 8 + VT_PAGE);
}

/* --- in a batch ----------------------------------------------------------------- */

TEST_F(io, references)
{
	struct vmstore_op ops[] = {
		vt_io_new(true, self->space, VA, 16),
		vt_io_new(false, self->space, VA, 16),
		vt_kio_new(true, WINDOW, 16),
		vt_kio_new(false, WINDOW, 16),
		vt_io_data(VMSTORE_OP_WRITER_WRITE_VAL, VMSTORE_REF(0), self->in, 16),
		vt_io_pair(VMSTORE_OP_READ_FALLIBLE, VMSTORE_REF(1), VMSTORE_REF(2)),
		vt_io_data(VMSTORE_OP_READER_COLLECT, VMSTORE_REF(3), self->out, 16),
		vt_io_drop(false, VMSTORE_REF(3)),
		/* a space is no reader */
		vt_io_new(false, VMSTORE_REF(0), VA, 16),
	};
	struct vmstore_run run;
	size_t i;

	ASSERT_EQ(0, vt_run(self->fd, ops, ARRAY_SIZE(ops), VMSTORE_RUN_KEEP_GOING, &run));
	EXPECT_EQ(1, run.out_failed);
	for (i = 0; i < ARRAY_SIZE(ops) - 1; i++)
		EXPECT_EQ(0, ops[i].out_errno)
			TH_LOG("%zu", i);
	EXPECT_EQ(-EINVAL, ops[i].out_errno);
	EXPECT_EQ(0, memcmp(self->in, self->out, 16));
}

/* --- two threads ---------------------------------------------------------------- */

struct reader_thread {
	int fd;
	__u64 io;
	__u64 *seen;		/* how often each value was read */
	__u64 bad;
	__u64 busy;
};

#define NR_VALUES	(NR_FRAMES / 2 * VT_PAGE / 8)

static void *read_all(void *arg)
{
	struct reader_thread *t = arg;

	for (;;) {
		__u64 value = ~0ULL;
		struct vmstore_op op = vt_io_data(VMSTORE_OP_READER_READ_VAL, t->io, &value, 8);
		int err = vt_run1(t->fd, &op);

		if (err == -EBUSY) {
			t->busy++;
			continue;
		}
		if (err == -EINVAL)	/* nothing is left */
			return NULL;
		if (err || value >= NR_VALUES) {
			t->bad++;
			return NULL;
		}
		__atomic_add_fetch(&t->seen[value], 1, __ATOMIC_RELAXED);
	}
}

/* One reader, two threads: a claim bit, so each value is read once, by one of them */
static void two_threads(struct __test_metadata *_metadata, __u32 machine)
{
	int fd = vt_store(machine, VMSTORE_CHECK_OFF, REGION);
	__u64 *seen = calloc(NR_VALUES, 8), *values = malloc(NR_VALUES * 8);
	struct reader_thread t[2];
	pthread_t thread[2];
	__u64 i, w, r;

	ASSERT_LE(0, fd);
	ASSERT_NE(NULL, seen);
	ASSERT_NE(NULL, values);
	for (i = 0; i < NR_FRAMES / 2; i++)
		RUN_OK(fd, vt_from_unused(PADDR + i * VT_PAGE));
	for (i = 0; i < NR_VALUES; i++)
		values[i] = i;
	w = RUN_OK(fd, vt_kio_new(true, WINDOW, NR_VALUES * 8)).out.id;
	r = RUN_OK(fd, vt_kio_new(false, WINDOW, NR_VALUES * 8)).out.id;
	RUN_OK(fd, vt_io_data(VMSTORE_OP_WRITER_WRITE_VAL, w, values, NR_VALUES * 8));
	for (i = 0; i < 2; i++) {
		t[i] = (struct reader_thread) { .fd = fd, .io = r, .seen = seen };
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, read_all, &t[i]));
	}
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, pthread_join(thread[i], NULL));
		EXPECT_EQ(0, t[i].bad);
	}
	for (i = 0; i < NR_VALUES; i++)
		if (seen[i] != 1)
			break;
	EXPECT_EQ(NR_VALUES, i);
	TH_LOG("busy %llu and %llu times", t[0].busy, t[1].busy);
	EXPECT_EQ(0, vt_settled(fd));
	EXPECT_EQ(0, close(fd));
	free(seen);
	free(values);
}

TEST_F(io, two_threads)
{
	two_threads(_metadata, variant->machine);
}

struct copy_thread {
	int fd;
	__u64 source, dest;
	__u32 rounds;
	__u64 bad;
};

static void *copy_often(void *arg)
{
	struct copy_thread *t = arg;
	__u32 i;

	for (i = 0; i < t->rounds; i++) {
		struct vmstore_op op = vt_io_pair(VMSTORE_OP_READ, t->source, t->dest);
		int err = vt_run1(t->fd, &op);

		t->bad += err && err != -EBUSY;
	}
	return NULL;
}

/* Two pairs that share a reader, made in both orders of ids: nobody waits for ever */
static void two_pairs(struct __test_metadata *_metadata, __u32 machine)
{
	int fd = vt_store(machine, VMSTORE_CHECK_OFF, REGION);
	struct copy_thread t[2];
	pthread_t thread[2];
	__u64 i, r, w[2];

	ASSERT_LE(0, fd);
	for (i = 0; i < 3; i++)
		RUN_OK(fd, vt_from_unused(PADDR + i * VT_PAGE));
	w[0] = RUN_OK(fd, vt_kio_new(true, WINDOW + VT_PAGE, VT_PAGE)).out.id;
	r = RUN_OK(fd, vt_kio_new(false, WINDOW, 16)).out.id;
	w[1] = RUN_OK(fd, vt_kio_new(true, WINDOW + 2 * VT_PAGE, VT_PAGE)).out.id;
	for (i = 0; i < 2; i++) {
		t[i] = (struct copy_thread) {
			.fd = fd, .source = r, .dest = w[i], .rounds = vt_rounds(2000),
		};
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, copy_often, &t[i]));
	}
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, pthread_join(thread[i], NULL));
		EXPECT_EQ(0, t[i].bad);
	}
	/* what they copied together is what the reader had, once */
	EXPECT_EQ(16, io_rec(fd, w[0]).cursor - (WINDOW + VT_PAGE) +
		      io_rec(fd, w[1]).cursor - (WINDOW + 2 * VT_PAGE));
	EXPECT_EQ(0, vt_settled(fd));
	EXPECT_EQ(0, close(fd));
}

TEST_F(io, two_pairs)
{
	two_pairs(_metadata, variant->machine);
}

TEST_HARNESS_MAIN
