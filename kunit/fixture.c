// SPDX-License-Identifier: GPL-2.0-only
/* What the suites share: see fixture.h. */

#include <linux/string.h>

#include "dump.h"
#include "step.h"
#include "inv/inv.h"
#include "fixture.h"

const struct vmstore_prop fx_rw = {
	.flags = VMSTORE_PROP_R | VMSTORE_PROP_W,
	.priv = VMSTORE_PRIV_USER,
};

/**
 * fx_init_with - make the store of a test case
 * @test: whose priv becomes @fx
 * @fx: zeroed, lives as long as the case
 * @setup: as for VMSTORE_SETUP
 *
 * Return: 0 or what made the store fail.
 */
int fx_init_with(struct kunit *test, struct fx *fx, const struct vmstore_setup *setup)
{
	test->priv = fx;
	fx->s = vms_store_create();
	if (!fx->s)
		return -ENOMEM;
	return vms_store_setup(fx->s, setup);
}

/**
 * fx_init - .init of a suite: a small store on two simulated CPUs, which checks its
 *	whole invariant after every operation
 * @test: case
 *
 * Return: 0 or what made the store fail.
 */
int fx_init(struct kunit *test)
{
	static const struct vmstore_setup setup = {
		.size = sizeof(setup),
		.region_size = FX_REGION,
		.mmio_size = FX_MMIO,
		.machine = VMSTORE_MACHINE_SOFT,
		.nr_cpus = 2,
		.check_mode = VMSTORE_CHECK_FULL,
	};
	struct fx *fx = kunit_kzalloc(test, sizeof(*fx), GFP_KERNEL);

	return fx ? fx_init_with(test, fx, &setup) : -ENOMEM;
}

/* fx_exit - .exit of a suite, also after an init that failed */
void fx_exit(struct kunit *test)
{
	struct fx *fx = test->priv;

	if (fx && fx->s)
		vms_store_destroy(fx->s);
}

/* --- operations as data ------------------------------------------------------ */

struct vmstore_op fx_op_simple(u32 opcode)
{
	return (struct vmstore_op) { .opcode = opcode };
}

struct vmstore_op fx_op_id(u32 opcode, u64 id)
{
	return (struct vmstore_op) { .opcode = opcode, .arg.id.id = id };
}

struct vmstore_op fx_op_paddr(u32 opcode, u64 paddr)
{
	return (struct vmstore_op) { .opcode = opcode, .arg.paddr.paddr = paddr };
}

struct vmstore_op fx_op_len(u32 opcode, u64 cursor, u64 len)
{
	return (struct vmstore_op) {
		.opcode = opcode,
		.arg.len = { .cursor = cursor, .len = len },
	};
}

struct vmstore_op fx_op_open(bool mut, u64 space, u64 start, u64 end)
{
	return (struct vmstore_op) {
		.opcode = mut ? VMSTORE_OP_CURSOR_OPEN_MUT : VMSTORE_OP_CURSOR_OPEN,
		.arg.open = { .space = space, .start = start, .end = end },
	};
}

struct vmstore_op fx_op_jump(u64 cursor, u64 va)
{
	return (struct vmstore_op) {
		.opcode = VMSTORE_OP_CURSOR_JUMP,
		.arg.jump = { .cursor = cursor, .va = va },
	};
}

struct vmstore_op fx_op_map(u64 cursor, u64 frame, struct vmstore_prop prop)
{
	return (struct vmstore_op) {
		.opcode = VMSTORE_OP_CURSOR_MAP,
		.arg.map = { .cursor = cursor, .frame = frame, .prop = prop },
	};
}

struct vmstore_op fx_op_protect(u64 cursor, u64 len, struct vmstore_prop prop,
				struct vmstore_prop mask)
{
	return (struct vmstore_op) {
		.opcode = VMSTORE_OP_CURSOR_PROTECT_NEXT,
		.arg.protect = { .cursor = cursor, .len = len, .prop = prop, .mask = mask },
	};
}

struct vmstore_op fx_op_flush(u64 cursor, u64 va, u64 len)
{
	return (struct vmstore_op) {
		.opcode = VMSTORE_OP_CURSOR_FLUSH,
		.arg.flush = { .cursor = cursor, .va = va, .len = len },
	};
}

/* Without @len everything */
struct vmstore_op fx_op_issue(u64 cursor, u64 va, u64 len)
{
	return (struct vmstore_op) {
		.opcode = VMSTORE_OP_TLB_ISSUE,
		.flags = len ? 0 : VMSTORE_OPF_ALL,
		.arg.flush = { cursor, va, len },
	};
}

struct vmstore_op fx_op_issue_with(u64 cursor, u64 frame, u64 va, u64 len)
{
	return (struct vmstore_op) {
		.opcode = VMSTORE_OP_TLB_ISSUE_WITH,
		.flags = len ? 0 : VMSTORE_OPF_ALL,
		.arg.issue_with = { cursor, frame, va, len },
	};
}

struct vmstore_op fx_op_flush_local(u32 cpu, u64 space, u64 va, u64 len)
{
	return (struct vmstore_op) {
		.opcode = VMSTORE_OP_TLB_FLUSH_LOCAL,
		.flags = len ? 0 : VMSTORE_OPF_ALL,
		.cpu = cpu,
		.arg.flush_local = { space, va, len },
	};
}

struct vmstore_op fx_op_range(u64 start, u64 end)
{
	return (struct vmstore_op) {
		.opcode = VMSTORE_OP_SEGMENT_FROM_UNUSED,
		.arg.range = { .start = start, .end = end },
	};
}

struct vmstore_op fx_op_split(u64 segment, u64 offset)
{
	return (struct vmstore_op) {
		.opcode = VMSTORE_OP_SEGMENT_SPLIT,
		.arg.split = { .segment = segment, .offset = offset },
	};
}

struct vmstore_op fx_op_slice(u64 segment, u64 start, u64 end)
{
	return (struct vmstore_op) {
		.opcode = VMSTORE_OP_SEGMENT_SLICE,
		.arg.slice = { .segment = segment, .start = start, .end = end },
	};
}

/* The handles are the data it is run with */
struct vmstore_op fx_op_map_frames(u64 cursor, u32 count, struct vmstore_prop prop)
{
	return (struct vmstore_op) {
		.opcode = VMSTORE_OP_CURSOR_MAP_FRAMES,
		.arg.map_frames = { .cursor = cursor, .count = count, .prop = prop },
	};
}

/* The handles are the data */
struct vmstore_op fx_op_kvirt_frames(u64 size, u64 offset, u32 count, struct vmstore_prop prop)
{
	return (struct vmstore_op) {
		.opcode = VMSTORE_OP_KVIRT_MAP_FRAMES,
		.arg.kvirt_frames = {
			.area_size = size, .map_offset = offset, .count = count, .prop = prop,
		},
	};
}

struct vmstore_op fx_op_kvirt_untracked(u64 size, u64 offset, u64 start, u64 end,
					struct vmstore_prop prop)
{
	return (struct vmstore_op) {
		.opcode = VMSTORE_OP_KVIRT_MAP_UNTRACKED,
		.arg.kvirt_untracked = {
			.area_size = size, .map_offset = offset, .start = start, .end = end,
			.prop = prop,
		},
	};
}

struct vmstore_op fx_op_kvirt_query(u64 area, u64 addr)
{
	return (struct vmstore_op) {
		.opcode = VMSTORE_OP_KVIRT_QUERY,
		.arg.kvirt_addr = { .area = area, .addr = addr },
	};
}

struct vmstore_op fx_op_kvirt_unmap(u64 area, u64 offset, u64 len)
{
	return (struct vmstore_op) {
		.opcode = VMSTORE_OP_KVIRT_UNMAP_RANGE,
		.arg.kvirt_range = { .area = area, .offset = offset, .len = len },
	};
}

struct vmstore_op fx_op_kvirt_protect(u64 area, u64 offset, u64 len, struct vmstore_prop prop,
				      struct vmstore_prop mask)
{
	return (struct vmstore_op) {
		.opcode = VMSTORE_OP_KVIRT_PROTECT_RANGE,
		.arg.kvirt_protect = {
			.area = area, .offset = offset, .len = len, .prop = prop, .mask = mask,
		},
	};
}

struct vmstore_op fx_op_map_segment(u64 cursor, u64 segment, struct vmstore_prop prop)
{
	return (struct vmstore_op) {
		.opcode = VMSTORE_OP_CURSOR_MAP_SEGMENT,
		.arg.map_segment = { .cursor = cursor, .segment = segment, .prop = prop },
	};
}

struct vmstore_op fx_op_load(u64 space, u64 va, u32 width)
{
	return (struct vmstore_op) {
		.opcode = VMSTORE_OP_ACCESS,
		.arg.access = { .space = space, .va = va, .width = width },
	};
}

struct vmstore_op fx_op_store(u64 space, u64 va, u32 width, u64 value)
{
	return (struct vmstore_op) {
		.opcode = VMSTORE_OP_ACCESS,
		.flags = VMSTORE_OPF_WRITE,
		.arg.access = { .space = space, .va = va, .width = width, .value = value },
	};
}

struct vmstore_op fx_op_io_new(bool writer, u64 space, u64 vaddr, u64 len)
{
	return (struct vmstore_op) {
		.opcode = writer ? VMSTORE_OP_WRITER_NEW : VMSTORE_OP_READER_NEW,
		.arg.io_new = { .space = space, .vaddr = vaddr, .len = len },
	};
}

struct vmstore_op fx_op_kio_new(bool writer, u64 vaddr, u64 len)
{
	return (struct vmstore_op) {
		.opcode = writer ? VMSTORE_OP_KWRITER_NEW : VMSTORE_OP_KREADER_NEW,
		.arg.kio_new = { .vaddr = vaddr, .len = len },
	};
}

struct vmstore_op fx_op_io_data(u32 opcode, u64 io, u64 len)
{
	return (struct vmstore_op) {
		.opcode = opcode,
		.arg.io_data = { .io = io, .len = len },
	};
}

struct vmstore_op fx_op_io_len(u32 opcode, u64 io, u64 n)
{
	return (struct vmstore_op) { .opcode = opcode, .arg.io_len = { .io = io, .n = n } };
}

struct vmstore_op fx_op_io_pair(u32 opcode, u64 source, u64 dest)
{
	return (struct vmstore_op) {
		.opcode = opcode,
		.arg.io_pair = { .source = source, .dest = dest },
	};
}

struct vmstore_op fx_op_io_value(u32 opcode, u64 io, u32 width, u64 value)
{
	return (struct vmstore_op) {
		.opcode = opcode,
		.arg.io_value = { .io = io, .width = width, .value = value },
	};
}

struct vmstore_op fx_op_list_frame(u32 opcode, u64 list, u64 paddr)
{
	return (struct vmstore_op) {
		.opcode = opcode,
		.arg.list_frame = { .list = list, .paddr = paddr },
	};
}

struct vmstore_op fx_op_list_at(u32 opcode, u64 list, u64 n)
{
	return (struct vmstore_op) {
		.opcode = opcode,
		.arg.list_at = { .list = list, .n = n },
	};
}

struct vmstore_op fx_op_list_put(u32 opcode, u64 list, u64 unique)
{
	return (struct vmstore_op) {
		.opcode = opcode,
		.arg.list_insert = { .list = list, .unique = unique },
	};
}

struct vmstore_op fx_op_list_insert_at(u64 list, u64 unique, u64 n)
{
	struct vmstore_op op = fx_op_list_put(VMSTORE_OP_LIST_INSERT_AT, list, unique);

	op.arg.list_insert.n = n;
	return op;
}

/* fx_op - run one operation; its errno */
int fx_op(struct vms_store *s, struct vmstore_op *op)
{
	return vms_step(s, op, NULL);
}

/* fx_does_with - run one operation with data that must succeed, or the case ends */
void fx_does_with(struct kunit *test, struct vms_store *s, struct vmstore_op *op, void *data)
{
	int err = vms_step(s, op, data);

	KUNIT_ASSERT_EQ_MSG(test, err, 0, "%s", vms_op_row(op->opcode)->name);
}

/* fx_does - the same without data */
void fx_does(struct kunit *test, struct vms_store *s, struct vmstore_op *op)
{
	fx_does_with(test, s, op, NULL);
}

/* fx_fails_with - run one operation with data that must fail with @err, change nothing */
void fx_fails_with(struct kunit *test, struct vms_store *s, struct vmstore_op op, void *data,
		   int err)
{
	const struct vms_op_row *row = vms_op_row(op.opcode);
	struct fx_shot *shot = fx_shoot(test, s);
	int got = vms_step(s, &op, data);

	KUNIT_EXPECT_EQ_MSG(test, got, err, "%s", row ? row->name : "unknown opcode");
	KUNIT_EXPECT_EQ(test, got, op.out_errno);
	fx_expect_unchanged(test, s, shot);
}

/* fx_fails - the same without data */
void fx_fails(struct kunit *test, struct vms_store *s, struct vmstore_op op, int err)
{
	fx_fails_with(test, s, op, NULL, err);
}

/* --- operations that succeed ---------------------------------------------------- */

u64 fx_frame_alloc(struct kunit *test, struct vms_store *s, u64 *paddr)
{
	struct vmstore_op op = fx_op_simple(VMSTORE_OP_FRAME_ALLOC);

	fx_does(test, s, &op);
	if (paddr)
		*paddr = op.out.frame.paddr;
	return op.out.id;
}

u64 fx_frame_from_unused(struct kunit *test, struct vms_store *s, u64 paddr)
{
	struct vmstore_op op = fx_op_paddr(VMSTORE_OP_FRAME_FROM_UNUSED, paddr);

	fx_does(test, s, &op);
	return op.out.id;
}

u64 fx_frame_from_in_use(struct kunit *test, struct vms_store *s, u64 paddr)
{
	struct vmstore_op op = fx_op_paddr(VMSTORE_OP_FRAME_FROM_IN_USE, paddr);

	fx_does(test, s, &op);
	return op.out.id;
}

/* Return: true when it was the last reference */
bool fx_frame_drop(struct kunit *test, struct vms_store *s, u64 frame)
{
	struct vmstore_op op = fx_op_id(VMSTORE_OP_FRAME_DROP, frame);

	fx_does(test, s, &op);
	return op.out.drop.freed;
}

/* An operation on @id alone that gives an id */
static u64 fx_id_of(struct kunit *test, struct vms_store *s, u32 opcode, u64 id)
{
	struct vmstore_op op = fx_op_id(opcode, id);

	fx_does(test, s, &op);
	return op.out.id;
}

u64 fx_frame_clone(struct kunit *test, struct vms_store *s, u64 frame)
{
	return fx_id_of(test, s, VMSTORE_OP_FRAME_CLONE, frame);
}

u64 fx_segment_from_unused(struct kunit *test, struct vms_store *s, u64 start, u64 end)
{
	struct vmstore_op op = fx_op_range(start, end);

	fx_does(test, s, &op);
	return op.out.id;
}

struct vmstore_out_segment_drop fx_segment_drop(struct kunit *test, struct vms_store *s,
						u64 segment)
{
	struct vmstore_op op = fx_op_id(VMSTORE_OP_SEGMENT_DROP, segment);

	fx_does(test, s, &op);
	return op.out.segment_drop;
}

struct vmstore_out_segment fx_segment_split(struct kunit *test, struct vms_store *s,
					    u64 segment, u64 offset)
{
	struct vmstore_op op = fx_op_split(segment, offset);

	fx_does(test, s, &op);
	return op.out.segment;
}

struct vmstore_out_frame fx_segment_next(struct kunit *test, struct vms_store *s,
					 u64 segment)
{
	struct vmstore_op op = fx_op_id(VMSTORE_OP_SEGMENT_NEXT, segment);

	fx_does(test, s, &op);
	return op.out.frame;
}

u64 fx_segment_clone(struct kunit *test, struct vms_store *s, u64 segment)
{
	return fx_id_of(test, s, VMSTORE_OP_SEGMENT_CLONE, segment);
}

u64 fx_segment_slice(struct kunit *test, struct vms_store *s, u64 segment, u64 start,
		     u64 end)
{
	struct vmstore_op op = fx_op_slice(segment, start, end);

	fx_does(test, s, &op);
	return op.out.id;
}

u64 fx_frame_to_segment(struct kunit *test, struct vms_store *s, u64 frame)
{
	return fx_id_of(test, s, VMSTORE_OP_FRAME_TO_SEGMENT, frame);
}

u64 fx_unique_from_unused(struct kunit *test, struct vms_store *s, u64 paddr)
{
	struct vmstore_op op = fx_op_paddr(VMSTORE_OP_UNIQUE_FROM_UNUSED, paddr);

	fx_does(test, s, &op);
	return op.out.id;
}

void fx_unique_drop(struct kunit *test, struct vms_store *s, u64 unique)
{
	fx_id_of(test, s, VMSTORE_OP_UNIQUE_DROP, unique);
}

u64 fx_from_unique(struct kunit *test, struct vms_store *s, u64 unique)
{
	return fx_id_of(test, s, VMSTORE_OP_FROM_UNIQUE, unique);
}

u64 fx_try_from_shared(struct kunit *test, struct vms_store *s, u64 frame)
{
	return fx_id_of(test, s, VMSTORE_OP_TRY_FROM_SHARED, frame);
}

u64 fx_list_new(struct kunit *test, struct vms_store *s)
{
	struct vmstore_op op = fx_op_simple(VMSTORE_OP_LIST_NEW);

	fx_does(test, s, &op);
	return op.out.list.id;
}

/* An operation on a list that wants nothing else */
struct vmstore_out_list fx_list(struct kunit *test, struct vms_store *s, u32 opcode, u64 list)
{
	struct vmstore_op op = fx_op_id(opcode, list);

	fx_does(test, s, &op);
	return op.out.list;
}

/* A free frame becomes the last one of a list */
struct vmstore_out_list fx_list_push(struct kunit *test, struct vms_store *s, u64 list,
				     u64 paddr)
{
	u64 unique = fx_unique_from_unused(test, s, paddr);
	struct vmstore_op op = fx_op_list_put(VMSTORE_OP_LIST_PUSH_BACK, list, unique);

	fx_does(test, s, &op);
	return op.out.list;
}

/* Return: how many frames that freed */
u64 fx_list_drop(struct kunit *test, struct vms_store *s, u64 list)
{
	struct vmstore_op op = fx_op_id(VMSTORE_OP_LIST_DROP, list);

	fx_does(test, s, &op);
	return op.out.list_drop.frames_freed;
}

u64 fx_space_new(struct kunit *test, struct vms_store *s)
{
	struct vmstore_op op = fx_op_simple(VMSTORE_OP_SPACE_NEW);

	fx_does(test, s, &op);
	return op.out.id;
}

struct vmstore_out_space_drop fx_space_drop(struct kunit *test, struct vms_store *s,
					    u64 space)
{
	struct vmstore_op op = fx_op_id(VMSTORE_OP_SPACE_DROP, space);

	fx_does(test, s, &op);
	return op.out.space_drop;
}

void fx_activate(struct kunit *test, struct vms_store *s, u32 cpu, u64 space)
{
	struct vmstore_op op = fx_op_id(VMSTORE_OP_SPACE_ACTIVATE, space);

	op.cpu = cpu;
	fx_does(test, s, &op);
}

u64 fx_open(struct kunit *test, struct vms_store *s, bool mut, u64 space, u64 start,
	    u64 end)
{
	struct vmstore_op op = fx_op_open(mut, space, start, end);

	fx_does(test, s, &op);
	return op.out.id;
}

void fx_close(struct kunit *test, struct vms_store *s, u64 cursor)
{
	struct vmstore_op op = fx_op_id(VMSTORE_OP_CURSOR_DROP, cursor);

	fx_does(test, s, &op);
}

struct vmstore_out_query fx_query(struct kunit *test, struct vms_store *s, u64 cursor,
				  bool peek)
{
	struct vmstore_op op = fx_op_id(VMSTORE_OP_CURSOR_QUERY, cursor);

	op.flags = peek ? VMSTORE_OPF_PEEK : 0;
	fx_does(test, s, &op);
	return op.out.query;
}

struct vmstore_out_va fx_find_next(struct kunit *test, struct vms_store *s, u64 cursor,
				   u64 len)
{
	struct vmstore_op op = fx_op_len(VMSTORE_OP_CURSOR_FIND_NEXT, cursor, len);

	fx_does(test, s, &op);
	return op.out.va;
}

struct vmstore_out_va fx_jump(struct kunit *test, struct vms_store *s, u64 cursor, u64 va)
{
	struct vmstore_op op = fx_op_jump(cursor, va);

	fx_does(test, s, &op);
	return op.out.va;
}

struct vmstore_out_va fx_vaddr(struct kunit *test, struct vms_store *s, u64 cursor)
{
	struct vmstore_op op = fx_op_id(VMSTORE_OP_CURSOR_VADDR, cursor);

	fx_does(test, s, &op);
	return op.out.va;
}

struct vmstore_out_map fx_map(struct kunit *test, struct vms_store *s, u64 cursor,
			      u64 frame, struct vmstore_prop prop)
{
	struct vmstore_op op = fx_op_map(cursor, frame, prop);

	fx_does(test, s, &op);
	return op.out.map;
}

struct vmstore_out_map_many fx_map_frames(struct kunit *test, struct vms_store *s,
					  u64 cursor, u64 *frames, u32 count,
					  struct vmstore_prop prop)
{
	struct vmstore_op op = fx_op_map_frames(cursor, count, prop);

	fx_does_with(test, s, &op, frames);
	return op.out.map_many;
}

struct vmstore_out_kvirt fx_kvirt_frames(struct kunit *test, struct vms_store *s, u64 size,
					 u64 offset, u64 *frames, u32 count,
					 struct vmstore_prop prop)
{
	struct vmstore_op op = fx_op_kvirt_frames(size, offset, count, prop);

	fx_does_with(test, s, &op, frames);
	return op.out.kvirt;
}

struct vmstore_out_kvirt fx_kvirt_untracked(struct kunit *test, struct vms_store *s, u64 size,
					    u64 offset, u64 start, u64 end,
					    struct vmstore_prop prop)
{
	struct vmstore_op op = fx_op_kvirt_untracked(size, offset, start, end, prop);

	fx_does(test, s, &op);
	return op.out.kvirt;
}

struct vmstore_out_query fx_kvirt_query(struct kunit *test, struct vms_store *s, u64 area,
					u64 addr, bool peek)
{
	struct vmstore_op op = fx_op_kvirt_query(area, addr);

	op.flags = peek ? VMSTORE_OPF_PEEK : 0;
	fx_does(test, s, &op);
	return op.out.query;
}

struct vmstore_out_kvirt_unmap fx_kvirt_drop(struct kunit *test, struct vms_store *s, u64 area)
{
	struct vmstore_op op = fx_op_id(VMSTORE_OP_KVIRT_DROP, area);

	fx_does(test, s, &op);
	return op.out.kvirt_unmap;
}

struct vmstore_out_kvirt_unmap fx_kvirt_unmap(struct kunit *test, struct vms_store *s, u64 area,
					      u64 offset, u64 len)
{
	struct vmstore_op op = fx_op_kvirt_unmap(area, offset, len);

	fx_does(test, s, &op);
	return op.out.kvirt_unmap;
}

struct vmstore_out_kvirt_protect fx_kvirt_protect(struct kunit *test, struct vms_store *s,
						  u64 area, u64 offset, u64 len,
						  struct vmstore_prop prop,
						  struct vmstore_prop mask)
{
	struct vmstore_op op = fx_op_kvirt_protect(area, offset, len, prop, mask);

	fx_does(test, s, &op);
	return op.out.kvirt_protect;
}

struct vmstore_out_map_many fx_map_segment(struct kunit *test, struct vms_store *s,
					   u64 cursor, u64 segment,
					   struct vmstore_prop prop)
{
	struct vmstore_op op = fx_op_map_segment(cursor, segment, prop);

	fx_does(test, s, &op);
	return op.out.map_many;
}

/* fx_map_new - map a fresh frame at @va, which must be in the range; its paddr */
u64 fx_map_new(struct kunit *test, struct vms_store *s, u64 cursor, u64 va)
{
	u64 paddr;
	u64 frame = fx_frame_alloc(test, s, &paddr);

	fx_jump(test, s, cursor, va);
	fx_map(test, s, cursor, frame, fx_rw);
	return paddr;
}

struct vmstore_out_unmap fx_unmap(struct kunit *test, struct vms_store *s, u64 cursor,
				  u64 len)
{
	struct vmstore_op op = fx_op_len(VMSTORE_OP_CURSOR_UNMAP, cursor, len);

	fx_does(test, s, &op);
	return op.out.unmap;
}

struct vmstore_out_protect fx_protect(struct kunit *test, struct vms_store *s, u64 cursor,
				      u64 len, struct vmstore_prop prop,
				      struct vmstore_prop mask)
{
	struct vmstore_op op = fx_op_protect(cursor, len, prop, mask);

	fx_does(test, s, &op);
	return op.out.protect;
}

void fx_flush(struct kunit *test, struct vms_store *s, u64 cursor, u64 va, u64 len)
{
	struct vmstore_op op = fx_op_flush(cursor, va, len);

	fx_does(test, s, &op);
}

struct vmstore_out_reap fx_reap(struct kunit *test, struct vms_store *s)
{
	struct vmstore_op op = fx_op_simple(VMSTORE_OP_REAP);

	fx_does(test, s, &op);
	return op.out.reap;
}

u64 fx_io_new(struct kunit *test, struct vms_store *s, u32 cpu, bool writer, u64 space,
	      u64 vaddr, u64 len)
{
	struct vmstore_op op = fx_op_io_new(writer, space, vaddr, len);

	op.cpu = cpu;
	fx_does(test, s, &op);
	return op.out.io.id;
}

u64 fx_kio_new(struct kunit *test, struct vms_store *s, bool writer, u64 vaddr, u64 len)
{
	struct vmstore_op op = fx_op_kio_new(writer, vaddr, len);

	fx_does(test, s, &op);
	return op.out.io.id;
}

void fx_io_drop(struct kunit *test, struct vms_store *s, bool writer, u64 io)
{
	struct vmstore_op op = fx_op_id(writer ? VMSTORE_OP_WRITER_DROP :
						 VMSTORE_OP_READER_DROP, io);

	fx_does(test, s, &op);
}

u64 fx_load(struct kunit *test, struct vms_store *s, u32 cpu, u64 space, u64 va, u32 width)
{
	struct vmstore_op op = fx_op_load(space, va, width);

	op.cpu = cpu;
	fx_does(test, s, &op);
	return op.out.access.value;
}

void fx_store_value(struct kunit *test, struct vms_store *s, u32 cpu, u64 space, u64 va,
		    u32 width, u64 value)
{
	struct vmstore_op op = fx_op_store(space, va, width, value);

	op.cpu = cpu;
	fx_does(test, s, &op);
	/* Nothing was loaded */
	KUNIT_EXPECT_EQ(test, op.out.access.value, 0ULL);
}

/* --- a machine that answers late ------------------------------------------------- */

/* One case runs at a time */
static struct {
	struct vms_mmu_ops ops;
	struct vms_cpuset kicked;
	unsigned int waits;
} fx_late;

static int fx_late_kick(struct vms_mmu *m, const struct vms_cpuset *cpus)
{
	bitmap_or(fx_late.kicked.bits, fx_late.kicked.bits, cpus->bits, VMS_MAX_CPUS);
	return 0;
}

static int fx_late_wait(struct vms_mmu *m, const struct vms_cpuset *cpus)
{
	fx_late.waits++;
	vms_mmu_soft_ops.kick(m, &fx_late.kicked);
	bitmap_zero(fx_late.kicked.bits, VMS_MAX_CPUS);
	return vms_mmu_soft_ops.wait(m, cpus);
}

void fx_late_begin(struct vms_store *s)
{
	bitmap_zero(fx_late.kicked.bits, VMS_MAX_CPUS);
	fx_late.waits = 0;
	fx_late.ops = vms_mmu_soft_ops;
	fx_late.ops.kick = fx_late_kick;
	fx_late.ops.wait = fx_late_wait;
	s->mmu.ops = &fx_late.ops;
}

void fx_late_end(struct vms_store *s)
{
	s->mmu.ops = &vms_mmu_soft_ops;
}

/* fx_late_waits - how often somebody waited since fx_late_begin() */
unsigned int fx_late_waits(void)
{
	return fx_late.waits;
}

/* --- the state ------------------------------------------------------------------- */

static void fx_lock(struct kunit *test, struct vms_store *s)
{
	int err = vms_store_lock_quiet(s);

	KUNIT_ASSERT_EQ(test, err, 0);
}

/* fx_check - check the invariant; how many violations this found */
u64 fx_check(struct kunit *test, struct vms_store *s)
{
	u64 found;

	fx_lock(test, s);
	found = vms_inv_check(s);
	vms_store_unlock_quiet(s);
	return found;
}

/* fx_expect_inv - the invariant holds now and has held after each checked operation */
void fx_expect_inv(struct kunit *test, struct vms_store *s)
{
	u64 i, found = fx_check(test, s);

	KUNIT_EXPECT_EQ(test, found, 0);
	KUNIT_EXPECT_EQ(test, s->inv->nr_violations, 0);
	KUNIT_EXPECT_FALSE(test, s->frozen);
	for (i = 0; i < s->inv->nr_stored; i++)
		kunit_err(test, "%s %s\n", s->inv->violation[i].clause,
			  s->inv->violation[i].text);
}

/* Tables that areas have left behind, empty, but for the top of the kernel half */
static int fx_kernel_nodes(struct vms_store *s, u32 node, int level)
{
	unsigned int i = node == s->kernel.top ? VMS_LINEAR_ENTRIES : 0;
	int nr = 1;

	for (; level > 1 && i < VMS_NR_ENTRIES; i++) {
		u64 pte = vms_node_read(&s->region, node, i);

		if (vms_pte_kind(pte) == VMS_ENTRY_TABLE)
			nr += fx_kernel_nodes(s, vms_entry_slot(&s->region, pte), level - 1);
	}
	return nr;
}

/* fx_expect_empty - nothing but the kernel half and its root are left, all is reaped */
void fx_expect_empty(struct kunit *test, struct vms_store *s)
{
	int nodes, nr_free;

	fx_reap(test, s);
	nodes = 1 + fx_kernel_nodes(s, s->kernel.top, 3);
	nr_free = atomic_read(&s->region.nr_free);
	KUNIT_EXPECT_EQ(test, nr_free, (int)s->region.first_mmio - nodes);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->region.nr_nodes), nodes);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->frames.count), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->segments.count), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->uniques.count), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->cursors.count), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->spaces.count), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->ios.count), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->areas.count), 0);
	KUNIT_EXPECT_TRUE(test, mtree_empty(&s->kvirts.tree));
	KUNIT_EXPECT_EQ(test, atomic_read(&s->lists.count), 0);
}

/* One call of vms_dump(); the records written */
static size_t fx_dump_part(struct kunit *test, struct vms_store *s, u32 section,
			   struct vms_dump_out *out)
{
	int err;

	fx_lock(test, s);
	err = vms_dump(s, section, out);
	vms_store_unlock_quiet(s);
	KUNIT_ASSERT_EQ(test, err, 0);
	return out->used / vms_dump_rec_size(section);
}

/**
 * fx_dump - read a whole section
 * @test: case, which frees the result
 * @s: store
 * @section: enum vmstore_section
 * @nr: out: records
 *
 * Return: the records, to be freed with kunit_kfree() or by the end of the case.
 */
void *fx_dump(struct kunit *test, struct vms_store *s, u32 section, size_t *nr)
{
	size_t size = vms_dump_rec_size(section);
	struct vms_dump_out out = { .len = 64 * size };
	void *scratch = kunit_kzalloc(test, out.len, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, scratch);
	out.buf = scratch;
	*nr = 0;
	do {
		*nr += fx_dump_part(test, s, section, &out);
	} while (out.more);
	kunit_kfree(test, scratch);

	out = (struct vms_dump_out) { .len = (*nr + 1) * size };
	out.buf = kunit_kzalloc(test, out.len, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, out.buf);
	*nr = fx_dump_part(test, s, section, &out);
	KUNIT_ASSERT_FALSE(test, out.more);
	return out.buf;
}

#define FX_SECTIONS	16	/* more than there are */

/* A copy of the whole state, as dumped */
struct fx_shot {
	size_t nr[FX_SECTIONS];
	void *rec[FX_SECTIONS];
};

/* Does @b go on where @a ends? */
static bool fx_leaves_join(const struct vmstore_rec_leaves *a, const struct vmstore_rec_leaves *b)
{
	u64 len = a->nr * vms_page_size(a->level);

	return a->space == b->space && a->level == b->level && a->va + len == b->va &&
	       a->paddr + len == b->paddr && !memcmp(&a->prop, &b->prop, sizeof(a->prop));
}

/* Leaves as they are, whether or not a CPU has walked to them by itself */
static void fx_forget_accessed(struct vmstore_rec_leaves *rec, size_t *nr)
{
	size_t i, n = 0;

	for (i = 0; i < *nr; i++) {
		rec[i].prop.flags &= ~VMSTORE_PROP_ACCESSED;
		if (n && fx_leaves_join(&rec[n - 1], &rec[i]))
			rec[n - 1].nr += rec[i].nr;
		else
			rec[n++] = rec[i];
	}
	*nr = n;
}

/* fx_shoot - remember the state, for one fx_expect_unchanged() */
struct fx_shot *fx_shoot(struct kunit *test, struct vms_store *s)
{
	struct fx_shot *shot = kunit_kzalloc(test, sizeof(*shot), GFP_KERNEL);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, shot);
	KUNIT_ASSERT_EQ(test, vms_dump_rec_size(FX_SECTIONS), 0);
	for (i = 0; i < FX_SECTIONS; i++)
		/* What a CPU has cached is not the store's */
		if (vms_dump_rec_size(i) && !vms_dump_is_live(i) && i != VMSTORE_DUMP_CACHED)
			shot->rec[i] = fx_dump(test, s, i, &shot->nr[i]);
	fx_forget_accessed(shot->rec[VMSTORE_DUMP_LEAVES], &shot->nr[VMSTORE_DUMP_LEAVES]);
	return shot;
}

/**
 * fx_expect_unchanged_but - all sections but one are what they were
 * @test: case
 * @s: store
 * @shot: the state then, which is freed
 * @changed: enum vmstore_section: expected to differ; 0 = none
 */
void fx_expect_unchanged_but(struct kunit *test, struct vms_store *s, struct fx_shot *shot,
			     u32 changed)
{
	struct fx_shot *now = fx_shoot(test, s);
	u32 i;

	for (i = 1; i < FX_SECTIONS; i++) {
		bool same = now->nr[i] == shot->nr[i] &&
			    (!shot->nr[i] || !memcmp(now->rec[i], shot->rec[i],
						     shot->nr[i] * vms_dump_rec_size(i)));

		KUNIT_EXPECT_EQ_MSG(test, same, i != changed, "section %u", i);
		if (now->rec[i])
			kunit_kfree(test, now->rec[i]);
		if (shot->rec[i])
			kunit_kfree(test, shot->rec[i]);
	}
	kunit_kfree(test, now);
	kunit_kfree(test, shot);
}

/* fx_expect_unchanged - the state is what it was at @shot, which is freed */
void fx_expect_unchanged(struct kunit *test, struct vms_store *s, struct fx_shot *shot)
{
	fx_expect_unchanged_but(test, s, shot, 0);
}
