// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is common to all operations: opcode, flags, CPU, reserved bytes, ids,
 * VMSTORE_REF, and how a batch goes on or stops.
 */
#include "op_recipes.h"
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
	[VMSTORE_OP_SPACE_ACTIVATE] = { "SPACE_ACTIVATE", VMSTORE_OPF_RESIDENT, 8, 1 },
	[VMSTORE_OP_CURSOR_OPEN] = { "CURSOR_OPEN", VMSTORE_OPF_WAIT, 24, 1 },
	[VMSTORE_OP_CURSOR_OPEN_MUT] = { "CURSOR_OPEN_MUT", VMSTORE_OPF_WAIT, 24, 1 },
	[VMSTORE_OP_CURSOR_DROP] = { "CURSOR_DROP", 0, 8, 1 },
	[VMSTORE_OP_CURSOR_QUERY] = { "CURSOR_QUERY", VMSTORE_OPF_PEEK, 8, 1 },
	[VMSTORE_OP_CURSOR_FIND_NEXT] = { "CURSOR_FIND_NEXT", 0, 16, 1 },
	[VMSTORE_OP_CURSOR_JUMP] = { "CURSOR_JUMP", 0, 16, 1 },
	[VMSTORE_OP_CURSOR_VADDR] = { "CURSOR_VADDR", 0, 8, 1 },
	[VMSTORE_OP_CURSOR_MAP] = { "CURSOR_MAP", VMSTORE_OPF_DEFER, 24, 2 },
	[VMSTORE_OP_CURSOR_UNMAP] = { "CURSOR_UNMAP", VMSTORE_OPF_DEFER, 16, 1 },
	[VMSTORE_OP_CURSOR_PROTECT_NEXT] = {
		"CURSOR_PROTECT_NEXT", VMSTORE_OPF_CACHE, 24, 1 },
	[VMSTORE_OP_CURSOR_FLUSH] = { "CURSOR_FLUSH", 0, 24, 1 },
	[VMSTORE_OP_REAP] = { "REAP", 0, 0, 0 },
	[VMSTORE_OP_ACCESS] = { "ACCESS", VMSTORE_OPF_WRITE, 32, 1 },
	[VMSTORE_OP_FRAME_CLONE] = { "FRAME_CLONE", 0, 8, 1 },
	[VMSTORE_OP_SEGMENT_FROM_UNUSED] = { "SEGMENT_FROM_UNUSED", 0, 16, 0 },
	[VMSTORE_OP_SEGMENT_DROP] = { "SEGMENT_DROP", 0, 8, 1 },
	[VMSTORE_OP_SEGMENT_SPLIT] = { "SEGMENT_SPLIT", 0, 16, 1 },
	[VMSTORE_OP_SEGMENT_NEXT] = { "SEGMENT_NEXT", 0, 8, 1 },
	[VMSTORE_OP_SEGMENT_CLONE] = { "SEGMENT_CLONE", 0, 8, 1 },
	[VMSTORE_OP_SEGMENT_SLICE] = { "SEGMENT_SLICE", 0, 24, 1 },
	[VMSTORE_OP_FRAME_TO_SEGMENT] = { "FRAME_TO_SEGMENT", 0, 8, 1 },
	[VMSTORE_OP_UNIQUE_FROM_UNUSED] = { "UNIQUE_FROM_UNUSED", 0, 8, 0 },
	[VMSTORE_OP_UNIQUE_DROP] = { "UNIQUE_DROP", 0, 8, 1 },
	[VMSTORE_OP_FROM_UNIQUE] = { "FROM_UNIQUE", 0, 8, 1 },
	[VMSTORE_OP_TRY_FROM_SHARED] = { "TRY_FROM_SHARED", 0, 8, 1 },
	[VMSTORE_OP_CURSOR_MAP_FRAMES] = { "CURSOR_MAP_FRAMES", VMSTORE_OPF_DEFER, 24, 1 },
	[VMSTORE_OP_CURSOR_MAP_SEGMENT] = { "CURSOR_MAP_SEGMENT", VMSTORE_OPF_DEFER, 24, 2 },
	[VMSTORE_OP_READER_NEW] = { "READER_NEW", 0, 24, 1 },
	[VMSTORE_OP_WRITER_NEW] = { "WRITER_NEW", 0, 24, 1 },
	[VMSTORE_OP_KREADER_NEW] = { "KREADER_NEW", 0, 16, 0 },
	[VMSTORE_OP_KWRITER_NEW] = { "KWRITER_NEW", 0, 16, 0 },
	[VMSTORE_OP_READER_DROP] = { "READER_DROP", 0, 8, 1 },
	[VMSTORE_OP_WRITER_DROP] = { "WRITER_DROP", 0, 8, 1 },
	[VMSTORE_OP_READER_READ_VAL] = { "READER_READ_VAL", 0, 24, 1 },
	[VMSTORE_OP_READER_COLLECT] = { "READER_COLLECT", 0, 24, 1 },
	[VMSTORE_OP_READER_LIMIT] = { "READER_LIMIT", 0, 16, 1 },
	[VMSTORE_OP_READER_SKIP] = { "READER_SKIP", 0, 16, 1 },
	[VMSTORE_OP_READER_QUERY] = { "READER_QUERY", 0, 8, 1 },
	[VMSTORE_OP_WRITER_WRITE_VAL] = { "WRITER_WRITE_VAL", 0, 24, 1 },
	[VMSTORE_OP_WRITER_FILL_ZEROS] = { "WRITER_FILL_ZEROS", 0, 16, 1 },
	[VMSTORE_OP_WRITER_LIMIT] = { "WRITER_LIMIT", 0, 16, 1 },
	[VMSTORE_OP_WRITER_SKIP] = { "WRITER_SKIP", 0, 16, 1 },
	[VMSTORE_OP_WRITER_QUERY] = { "WRITER_QUERY", 0, 8, 1 },
	[VMSTORE_OP_READ] = { "READ", 0, 16, 2 },
	[VMSTORE_OP_WRITE] = { "WRITE", 0, 16, 2 },
	[VMSTORE_OP_READ_FALLIBLE] = { "READ_FALLIBLE", 0, 16, 2 },
	[VMSTORE_OP_WRITE_FALLIBLE] = { "WRITE_FALLIBLE", 0, 16, 2 },
	[VMSTORE_OP_WRITER_FILL] = { "WRITER_FILL", 0, 24, 1 },
	[VMSTORE_OP_READER_READ_ONCE] = { "READER_READ_ONCE", 0, 24, 1 },
	[VMSTORE_OP_WRITER_WRITE_ONCE] = { "WRITER_WRITE_ONCE", 0, 24, 1 },
	[VMSTORE_OP_KVIRT_MAP_FRAMES] = { "KVIRT_MAP_FRAMES", 0, 32, 0 },
	[VMSTORE_OP_KVIRT_MAP_UNTRACKED] = { "KVIRT_MAP_UNTRACKED", 0, 40, 0 },
	[VMSTORE_OP_KVIRT_QUERY] = { "KVIRT_QUERY", VMSTORE_OPF_PEEK, 16, 1 },
	[VMSTORE_OP_KVIRT_DROP] = { "KVIRT_DROP", 0, 8, 1 },
	[VMSTORE_OP_KVIRT_UNMAP_RANGE] = { "KVIRT_UNMAP_RANGE", 0, 24, 1 },
	[VMSTORE_OP_KVIRT_PROTECT_RANGE] = { "KVIRT_PROTECT_RANGE", VMSTORE_OPF_CACHE, 32, 1 },
	[VMSTORE_OP_LIST_NEW] = { "LIST_NEW", 0, 0, 0 },
	[VMSTORE_OP_LIST_DROP] = { "LIST_DROP", 0, 8, 1 },
	[VMSTORE_OP_LIST_SIZE] = { "LIST_SIZE", 0, 8, 1 },
	[VMSTORE_OP_LIST_CONTAINS] = { "LIST_CONTAINS", 0, 16, 1 },
	[VMSTORE_OP_LIST_INSERT_AT] = { "LIST_INSERT_AT", 0, 24, 2 },
	[VMSTORE_OP_LIST_PUSH_FRONT] = { "LIST_PUSH_FRONT", 0, 16, 2 },
	[VMSTORE_OP_LIST_PUSH_BACK] = { "LIST_PUSH_BACK", 0, 16, 2 },
	[VMSTORE_OP_LIST_TAKE_AT] = { "LIST_TAKE_AT", 0, 16, 1 },
	[VMSTORE_OP_LIST_POP_FRONT] = { "LIST_POP_FRONT", 0, 8, 1 },
	[VMSTORE_OP_LIST_POP_BACK] = { "LIST_POP_BACK", 0, 8, 1 },
	[VMSTORE_OP_LIST_CURSOR_FRONT] = { "LIST_CURSOR_FRONT", 0, 8, 1 },
	[VMSTORE_OP_LIST_CURSOR_BACK] = { "LIST_CURSOR_BACK", 0, 8, 1 },
	[VMSTORE_OP_LIST_CURSOR_AT] = { "LIST_CURSOR_AT", 0, 16, 1 },
	[VMSTORE_OP_LIST_MOVE_NEXT] = { "LIST_MOVE_NEXT", 0, 8, 1 },
	[VMSTORE_OP_LIST_MOVE_PREV] = { "LIST_MOVE_PREV", 0, 8, 1 },
	[VMSTORE_OP_LIST_CURRENT] = { "LIST_CURRENT", 0, 8, 1 },
	[VMSTORE_OP_LIST_AS_LIST] = { "LIST_AS_LIST", 0, 8, 1 },
	[VMSTORE_OP_LIST_CURSOR_INSERT_BEFORE] = { "LIST_CURSOR_INSERT_BEFORE", 0, 16, 2 },
	[VMSTORE_OP_LIST_CURSOR_TAKE] = { "LIST_CURSOR_TAKE", 0, 8, 1 },
	[VMSTORE_OP_LIST_CURSOR_DROP] = { "LIST_CURSOR_DROP", 0, 8, 1 },
	[VMSTORE_OP_TLB_ISSUE] = { "TLB_ISSUE", VMSTORE_OPF_ALL, 24, 1 },
	[VMSTORE_OP_TLB_ISSUE_WITH] = { "TLB_ISSUE_WITH", VMSTORE_OPF_ALL, 32, 2 },
	[VMSTORE_OP_TLB_DISPATCH] = { "TLB_DISPATCH", 0, 8, 1 },
	[VMSTORE_OP_TLB_SYNC] = { "TLB_SYNC", 0, 8, 1 },
	[VMSTORE_OP_TLB_FLUSH_LOCAL] = { "TLB_FLUSH_LOCAL", VMSTORE_OPF_ALL, 24, 1 },
	[VMSTORE_OP_TLB_WATCH] = { "TLB_WATCH", 0, 24, 1 },
};

/* The next one after @opcode; 0 behind the last */
static __u16 next_opcode(__u16 opcode)
{
	while (++opcode < __VMSTORE_OP_MAX)
		if (rows[opcode].name)
			return opcode;
	return 0;
}

#define for_each_opcode(opcode) \
	for ((opcode) = next_opcode(0); (opcode); (opcode) = next_opcode(opcode))

#define VA	0x400000ULL

FIXTURE(op) {
	int fd;
	struct vmstore_info info;
	__u64 space;
	__u64 cursor;		/* mutable, over [VA, VA + 2 MiB), at a mapped page */
	__u64 frame;
	__u64 paddr;
	__u64 segment;		/* two pages, from a pool of free ones */
	__u64 unique;
	__u64 area;		/* of two pages, the first one mapped */
	__u64 area_start;
	__u64 list;		/* of one frame */
	__u64 cursor_list;	/* the same, with a cursor at it */
	__u64 pool;		/* paddr of the next of these */
	__u64 window;		/* address of a frame in the linear window */
	__u64 kreader;		/* over that frame */
	__u64 kwriter;
	__u64 reader;		/* over the mapped page; the space is active on CPU 0 */
	__u64 writer;
};

#define POOL	(VT_SMALL / 2)

/* What the last operation of a kind has used up */
#define NEW_SEGMENT() do {						\
	self->segment = RUN_OK(self->fd, VT_W(SEGMENT_FROM_UNUSED, self->pool,	\
					      self->pool + 2 * VT_PAGE, 0)).out.id;	\
	self->pool += 2 * VT_PAGE;					\
} while (0)

#define NEW_UNIQUE() do {						\
	self->unique = RUN_OK(self->fd, VT_W(UNIQUE_FROM_UNUSED, self->pool, 0,	\
					     0)).out.id;		\
	self->pool += VT_PAGE;						\
} while (0)

#define NEW_AREA() do {							\
	__u64 _frame = RUN_OK(self->fd, vt_alloc()).out.id;		\
	struct vmstore_op _map = vt_kvirt_map(2 * VT_PAGE, 0, &_frame, 1, VT_RW);	\
									\
	_map = RUN_OK(self->fd, _map);					\
	self->area = _map.out.kvirt.id;					\
	self->area_start = _map.out.kvirt.start;			\
} while (0)

/* A list with a frame, and an exclusive handle for the next one */
#define NEW_LIST(list) do {						\
	(list) = RUN_OK(self->fd, vt_list_new()).out.id;		\
	RUN_OK(self->fd, vt_list_put(VMSTORE_OP_LIST_PUSH_BACK, list, self->unique));	\
	NEW_UNIQUE();							\
} while (0)

#define NEW_CURSOR_LIST() do {						\
	NEW_LIST(self->cursor_list);					\
	RUN_OK(self->fd, vt_op_id(VMSTORE_OP_LIST_CURSOR_FRONT, self->cursor_list));	\
} while (0)

#define NEW_KERNEL_IOS() do {						\
	self->kreader = RUN_OK(self->fd, vt_kio_new(false, self->window, 64)).out.id;	\
	self->kwriter = RUN_OK(self->fd, vt_kio_new(true, self->window + 64, 64)).out.id; \
} while (0)

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
	self->pool = POOL;
	NEW_SEGMENT();
	NEW_UNIQUE();
	NEW_AREA();
	NEW_LIST(self->list);
	NEW_CURSOR_LIST();
	self->window = VMSTORE_KERNEL_BASE + RUN_OK(self->fd, vt_alloc()).out.frame.paddr;
	NEW_KERNEL_IOS();
	RUN_OK(self->fd, vt_activate(self->space, 0));
	self->reader = RUN_OK(self->fd, vt_io_new(false, self->space, VA, VT_PAGE)).out.id;
	self->writer = RUN_OK(self->fd, vt_io_new(true, self->space, VA, VT_PAGE)).out.id;
}

FIXTURE_TEARDOWN(op)
{
	if (self->fd < 0)
		return;
	EXPECT_EQ(0, vt_settled(self->fd));
	EXPECT_EQ(0, close(self->fd));
}

/* An operation of the opcode that would succeed on the fixture */
static struct vmstore_op good_op(struct _test_data_op *self, __u16 opcode)
{
	static char data[VT_PAGE];
	struct vmstore_prop none = {}, rw = VT_RW;
	struct vmstore_op op = vt_op(opcode);

	switch (opcode) {
	case VMSTORE_OP_FRAME_FROM_UNUSED:
		return vt_from_unused(vt_free_paddr(self->fd));
	case VMSTORE_OP_FRAME_FROM_IN_USE:
		return vt_from_in_use(self->paddr);
	case VMSTORE_OP_FRAME_DROP:
	case VMSTORE_OP_FRAME_CLONE:
	case VMSTORE_OP_FRAME_TO_SEGMENT:
	case VMSTORE_OP_TRY_FROM_SHARED:
		return vt_op_id(opcode, self->frame);
	case VMSTORE_OP_SPACE_DROP:
	case VMSTORE_OP_SPACE_ACTIVATE:
		return vt_op_id(opcode, self->space);
	case VMSTORE_OP_CURSOR_OPEN:
		return vt_open_ro(self->space, VA + VT_1G, VA + VT_1G + VT_PAGE);
	case VMSTORE_OP_CURSOR_OPEN_MUT:
		return vt_open_mut(self->space, VA + VT_1G, VA + VT_1G + VT_PAGE);
	case VMSTORE_OP_CURSOR_DROP:
	case VMSTORE_OP_CURSOR_QUERY:
	case VMSTORE_OP_CURSOR_VADDR:
		return vt_op_id(opcode, self->cursor);
	case VMSTORE_OP_CURSOR_FIND_NEXT:
		return vt_find_next(self->cursor, VT_PAGE);
	case VMSTORE_OP_CURSOR_JUMP:
		return vt_jump(self->cursor, VA + VT_PAGE);
	case VMSTORE_OP_CURSOR_MAP:
		return vt_map(self->cursor, self->frame, VT_RW);
	case VMSTORE_OP_CURSOR_UNMAP:
		return vt_unmap(self->cursor, VT_PAGE);
	case VMSTORE_OP_CURSOR_PROTECT_NEXT:
		return vt_protect(self->cursor, VT_PAGE, rw, none);
	case VMSTORE_OP_CURSOR_FLUSH:
		return vt_flush(self->cursor, VA, VT_PAGE);
	case VMSTORE_OP_TLB_ISSUE:
		return vt_issue(self->cursor, VA, VT_PAGE);
	case VMSTORE_OP_TLB_ISSUE_WITH:
		return vt_issue_with(self->cursor, self->frame, VA, VT_PAGE);
	case VMSTORE_OP_TLB_DISPATCH:
	case VMSTORE_OP_TLB_SYNC:
		return vt_op_id(opcode, self->cursor);
	case VMSTORE_OP_TLB_FLUSH_LOCAL:
		return vt_flush_local(self->space, VA, VT_PAGE, 0);
	case VMSTORE_OP_TLB_WATCH:
		return vt_watch(self->space, VA, 10, 0);
	case VMSTORE_OP_ACCESS:
		return vt_load(self->space, VA, 8, 0);
	case VMSTORE_OP_SEGMENT_FROM_UNUSED:
		return vt_words(opcode, self->pool, self->pool + VT_PAGE, 0);
	case VMSTORE_OP_SEGMENT_DROP:
	case VMSTORE_OP_SEGMENT_NEXT:
	case VMSTORE_OP_SEGMENT_CLONE:
		return vt_op_id(opcode, self->segment);
	case VMSTORE_OP_SEGMENT_SPLIT:
		return vt_words(opcode, self->segment, VT_PAGE, 0);
	case VMSTORE_OP_SEGMENT_SLICE:
		/* the last one made ends where the pool begins */
		return vt_words(opcode, self->segment, self->pool - VT_PAGE, self->pool);
	case VMSTORE_OP_UNIQUE_FROM_UNUSED:
		return vt_words(opcode, self->pool, 0, 0);
	case VMSTORE_OP_UNIQUE_DROP:
	case VMSTORE_OP_FROM_UNIQUE:
		return vt_op_id(opcode, self->unique);
	case VMSTORE_OP_CURSOR_MAP_FRAMES:
		op.arg.map_frames.cursor = self->cursor;
		op.arg.map_frames.frames = (uintptr_t)&self->frame;
		op.arg.map_frames.count = 1;
		op.arg.map_frames.prop = rw;
		return op;
	case VMSTORE_OP_CURSOR_MAP_SEGMENT:
		op.arg.map_segment.cursor = self->cursor;
		op.arg.map_segment.segment = self->segment;
		op.arg.map_segment.prop = rw;
		return op;
	case VMSTORE_OP_READER_NEW:
	case VMSTORE_OP_WRITER_NEW:
		return vt_io_new(opcode == VMSTORE_OP_WRITER_NEW, self->space, VA, VT_PAGE);
	case VMSTORE_OP_KREADER_NEW:
	case VMSTORE_OP_KWRITER_NEW:
		return vt_kio_new(opcode == VMSTORE_OP_KWRITER_NEW, self->window, VT_PAGE);
	case VMSTORE_OP_READER_DROP:
	case VMSTORE_OP_READER_QUERY:
		return vt_op_id(opcode, self->kreader);
	case VMSTORE_OP_WRITER_DROP:
	case VMSTORE_OP_WRITER_QUERY:
		return vt_op_id(opcode, self->kwriter);
	case VMSTORE_OP_READER_READ_VAL:
		return vt_io_data(opcode, self->kreader, data, 8);
	case VMSTORE_OP_READER_COLLECT:
		return vt_io_data(opcode, self->kreader, data, sizeof(data));
	case VMSTORE_OP_WRITER_WRITE_VAL:
		return vt_io_data(opcode, self->kwriter, data, 8);
	case VMSTORE_OP_READER_LIMIT:
	case VMSTORE_OP_READER_SKIP:
		return vt_io_len(opcode, self->kreader, 8);
	case VMSTORE_OP_WRITER_FILL_ZEROS:
	case VMSTORE_OP_WRITER_LIMIT:
	case VMSTORE_OP_WRITER_SKIP:
		return vt_io_len(opcode, self->kwriter, 8);
	case VMSTORE_OP_READ:
	case VMSTORE_OP_WRITE:
		return vt_io_pair(opcode, self->kreader, self->kwriter);
	case VMSTORE_OP_READ_FALLIBLE:
		return vt_io_pair(opcode, self->reader, self->kwriter);
	case VMSTORE_OP_WRITE_FALLIBLE:
		return vt_io_pair(opcode, self->kreader, self->writer);
	case VMSTORE_OP_READER_READ_ONCE:
		return vt_io_value(opcode, self->kreader, 8, 0);
	case VMSTORE_OP_WRITER_FILL:
	case VMSTORE_OP_WRITER_WRITE_ONCE:
		return vt_io_value(opcode, self->kwriter, 8, 1);
	case VMSTORE_OP_KVIRT_MAP_FRAMES:
		return vt_kvirt_map(VT_PAGE, 0, &self->frame, 1, rw);
	case VMSTORE_OP_KVIRT_MAP_UNTRACKED:
		return vt_kvirt_untracked(VT_PAGE, 0, 0, 0, rw);
	case VMSTORE_OP_KVIRT_QUERY:
		return vt_kvirt_query(self->area, self->area_start);
	case VMSTORE_OP_KVIRT_DROP:
		return vt_kvirt_drop(self->area);
	case VMSTORE_OP_KVIRT_UNMAP_RANGE:
		return vt_kvirt_unmap(self->area, 0, VT_PAGE);
	case VMSTORE_OP_KVIRT_PROTECT_RANGE:
		return vt_kvirt_protect(self->area, 0, VT_PAGE, rw, none);
	case VMSTORE_OP_LIST_CONTAINS:
	case VMSTORE_OP_LIST_CURSOR_AT:
		return vt_list_frame(opcode, self->list, POOL);
	case VMSTORE_OP_LIST_INSERT_AT:
	case VMSTORE_OP_LIST_PUSH_FRONT:
	case VMSTORE_OP_LIST_PUSH_BACK:
		return vt_list_put(opcode, self->list, self->unique);
	case VMSTORE_OP_LIST_CURSOR_INSERT_BEFORE:
		return vt_list_put(opcode, self->cursor_list, self->unique);
	case VMSTORE_OP_LIST_TAKE_AT:
		return vt_list_take_at(self->list, 0);
	case VMSTORE_OP_LIST_DROP:
	case VMSTORE_OP_LIST_SIZE:
	case VMSTORE_OP_LIST_POP_FRONT:
	case VMSTORE_OP_LIST_POP_BACK:
	case VMSTORE_OP_LIST_CURSOR_FRONT:
	case VMSTORE_OP_LIST_CURSOR_BACK:
		return vt_op_id(opcode, self->list);
	case VMSTORE_OP_LIST_MOVE_NEXT:
	case VMSTORE_OP_LIST_MOVE_PREV:
	case VMSTORE_OP_LIST_CURRENT:
	case VMSTORE_OP_LIST_AS_LIST:
	case VMSTORE_OP_LIST_CURSOR_TAKE:
	case VMSTORE_OP_LIST_CURSOR_DROP:
		return vt_op_id(opcode, self->cursor_list);
	default:
		return op;
	}
}

#define GOOD_OP(opcode)	good_op(self, opcode)

/* What keeps the space from being dropped, but the cursor */
static void leave_space(struct __test_metadata *_metadata, struct _test_data_op *self)
{
	RUN_OK(self->fd, vt_io_drop(false, self->reader));
	RUN_OK(self->fd, vt_io_drop(true, self->writer));
	RUN_OK(self->fd, vt_activate(0, 0));
}

static bool is_list(__u16 opcode)
{
	return opcode >= VMSTORE_OP_LIST_NEW && opcode <= VMSTORE_OP_LIST_CURSOR_DROP;
}

/* The operations the other tests of this file spoil do succeed as they are */
TEST_F(op, good)
{
	__u16 opcode;

	for_each_opcode(opcode) {
		__u64 id;

		/* Those that end what the others need come last */
		if (opcode == VMSTORE_OP_SPACE_DROP || opcode == VMSTORE_OP_CURSOR_DROP ||
		    opcode == VMSTORE_OP_FRAME_DROP)
			continue;
		id = RUN_OK(self->fd, GOOD_OP(opcode)).out.id;
		if (opcode >= VMSTORE_OP_READER_DROP &&
		    opcode <= VMSTORE_OP_WRITER_WRITE_ONCE)
			NEW_KERNEL_IOS();
		/* As they were before, for the next one */
		if (rows[opcode].nr_ids == 2 && is_list(opcode))
			NEW_UNIQUE();
		if (is_list(opcode) && opcode < VMSTORE_OP_LIST_MOVE_NEXT)
			NEW_LIST(self->list);
		else if (is_list(opcode))
			NEW_CURSOR_LIST();
		if (opcode == VMSTORE_OP_SEGMENT_FROM_UNUSED ||
		    opcode == VMSTORE_OP_UNIQUE_FROM_UNUSED)
			self->pool += VT_PAGE;
		if (opcode >= VMSTORE_OP_SEGMENT_FROM_UNUSED &&
		    opcode <= VMSTORE_OP_SEGMENT_SLICE)
			NEW_SEGMENT();
		if (opcode >= VMSTORE_OP_UNIQUE_FROM_UNUSED && opcode <= VMSTORE_OP_FROM_UNIQUE)
			NEW_UNIQUE();
		if (opcode == VMSTORE_OP_KVIRT_DROP)
			NEW_AREA();
		if (opcode == VMSTORE_OP_READER_NEW || opcode == VMSTORE_OP_WRITER_NEW)
			RUN_OK(self->fd, vt_io_drop(opcode == VMSTORE_OP_WRITER_NEW, id));
		/* Only a frame with no other handle becomes exclusive */
		if (opcode == VMSTORE_OP_FRAME_TO_SEGMENT || opcode == VMSTORE_OP_FROM_UNIQUE ||
		    opcode == VMSTORE_OP_TRY_FROM_SHARED ||
		    opcode == VMSTORE_OP_CURSOR_MAP_FRAMES ||
		    opcode == VMSTORE_OP_KVIRT_MAP_FRAMES ||
		    opcode == VMSTORE_OP_TLB_ISSUE_WITH)
			self->frame = RUN_OK(self->fd, vt_alloc()).out.id;
		if (opcode == VMSTORE_OP_CURSOR_MAP_FRAMES ||
		    opcode == VMSTORE_OP_CURSOR_MAP_SEGMENT)
			RUN_OK(self->fd, vt_jump(self->cursor, VA));
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
	leave_space(_metadata, self);
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

	for_each_opcode(opcode) {
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

	for_each_opcode(opcode) {
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

	for_each_opcode(opcode) {
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

	for_each_opcode(opcode) {
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

	for_each_opcode(opcode) {
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

	for_each_opcode(opcode) {
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
	EXPECT_EQ(5, last);
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
	leave_space(_metadata, self);
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

	for_each_opcode(opcode) {
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
