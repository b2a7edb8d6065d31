/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A recipe for every operation: the least that has to be there, and the operation. For
 * tests that go over all operations that the module knows, as failnth_test does.
 *
 * Whoever adds an opcode adds a row, in the order of enum vmstore_opcode; an opcode
 * without one fails failnth_test, also where no allocation can be made to fail.
 * Several rows for one opcode are welcome: one for each way through it that needs
 * other memory.
 */
#ifndef VMSTORE_OP_RECIPES_H
#define VMSTORE_OP_RECIPES_H

#include "vmstore_test.h"

#define VT_RECIPE_OPS	16	/* longest recipe */
#define VT_RECIPE_VA	0x10000000ULL

/*
 * struct vt_recipe - a batch for an empty store of VT_SMALL bytes that has to succeed
 * @opcode: what the last operation of it is, and what the recipe is for
 * @nr: operations
 * @device: bytes of device memory, at the end of the region
 * @area: if not 0, the second word of the last operation is an offset into the area that
 *	operation @area - 1 made: where that lies is known only when it was run
 */
struct vt_recipe {
	const char *name;
	__u16 opcode;
	__u32 nr;
	__u64 device;
	__u32 area;
	struct vmstore_op ops[VT_RECIPE_OPS];
};

#define VT_R(k)		VMSTORE_REF(k)

/* An operation by the words of its arguments */
static inline struct vmstore_op vt_words(__u16 opcode, __u64 a, __u64 b, __u64 c)
{
	struct vmstore_op op = vt_op(opcode);

	op.arg.raw[0] = a;
	op.arg.raw[1] = b;
	op.arg.raw[2] = c;
	return op;
}

#define VT_W(op, ...)	vt_words(VMSTORE_OP_##op, __VA_ARGS__)

#define VT_RECIPE(op, ...)						\
	{ .name = #op, .opcode = VMSTORE_OP_##op,			\
	  .nr = sizeof((struct vmstore_op []) { __VA_ARGS__ }) /	\
		sizeof(struct vmstore_op),				\
	  .ops = { __VA_ARGS__ } }

/* Device memory: a page, and a page of 2 MiB */
#define VT_RECIPE_HUGE		(VT_SMALL - VT_2M)
#define VT_RECIPE_DEVICE	(VT_RECIPE_HUGE - VT_PAGE)
#define VT_RECIPE_WITH_DEVICE(op, ...)					\
	{ .name = #op, .opcode = VMSTORE_OP_##op,			\
	  .nr = sizeof((struct vmstore_op []) { __VA_ARGS__ }) /	\
		sizeof(struct vmstore_op),				\
	  .device = VT_SMALL - VT_RECIPE_DEVICE,			\
	  .ops = { __VA_ARGS__ } }

/* The same behind a page that is mapped in an active space: operations 0 to 4 */
#define VT_RECIPE_MAPPED(op, ...)					\
	VT_RECIPE(op, vt_space_new(),					\
		  vt_open_mut(VT_R(0), VT_RECIPE_VA, VT_RECIPE_VA + VT_2M),	\
		  vt_alloc(), vt_map(VT_R(1), VT_R(2), VT_RW),		\
		  vt_activate(VT_R(0), 0), __VA_ARGS__)

/* vt_recipe - the recipe number @i; false when there are not so many */
static inline bool vt_recipe(size_t i, struct vt_recipe *out)
{
	/* Handles are numbered from 1; a batch of one operation can refer to no other */
	static const __u64 frames[3] = { 1, 2, 3 };
	static __u64 data[VT_PAGE / 8];
	const __u64 va = VT_RECIPE_VA, last = VT_SMALL - VT_PAGE;
	const __u64 prev = last - VT_PAGE, kva = VMSTORE_KERNEL_BASE + last;
	const __u64 buf = (uintptr_t)data;
	const struct vmstore_op map_frames = {
		.opcode = VMSTORE_OP_CURSOR_MAP_FRAMES,
		.arg.map_frames = { VT_R(1), (uintptr_t)frames, VT_RW, 2 },
	}, map_segment = {
		.opcode = VMSTORE_OP_CURSOR_MAP_SEGMENT,
		.arg.map_segment = { VT_R(1), VT_R(2), VT_RW, 0 },
	}, kvirt_map = {
		.opcode = VMSTORE_OP_KVIRT_MAP_FRAMES,
		.arg.kvirt_frames = { VT_2M, (uintptr_t)frames, VT_PAGE, VT_RW, 2 },
	};
	const __u64 device = VT_RECIPE_DEVICE;
	const struct vmstore_op both = vt_kvirt_untracked(VT_2M + 2 * VT_PAGE, VT_PAGE, device,
							  VT_SMALL, VT_RW);
	const struct vmstore_prop w = vt_prop(VMSTORE_PROP_W, 0, 0), none = vt_prop(0, 0, 0);
	const __u32 width = 8;
	const struct vt_recipe recipes[] = {
		VT_RECIPE(FRAME_FROM_UNUSED, vt_from_unused(last)),
		VT_RECIPE(FRAME_FROM_IN_USE, vt_from_unused(last), vt_from_in_use(last)),
		VT_RECIPE(FRAME_ALLOC, vt_alloc()),
		VT_RECIPE(FRAME_DROP, vt_alloc(), vt_frame_drop(VT_R(0))),
		VT_RECIPE(SPACE_NEW, vt_space_new()),
		VT_RECIPE(SPACE_DROP, vt_space_new(), vt_open_mut(VT_R(0), va, va + VT_2M),
			  vt_alloc(), vt_map(VT_R(1), VT_R(2), VT_RW),
			  vt_cursor_drop(VT_R(1)), vt_space_drop(VT_R(0))),
		VT_RECIPE(SPACE_ACTIVATE, vt_space_new(), vt_activate(VT_R(0), 0)),
		VT_RECIPE(SPACE_ACTIVATE, vt_space_new(), vt_resident(VT_R(0), 0)),
		/* Three nodes are missing on the way down, or none */
		VT_RECIPE(CURSOR_OPEN, vt_space_new(), vt_open_ro(VT_R(0), va, va + VT_PAGE)),
		VT_RECIPE(CURSOR_OPEN, vt_space_new(), vt_open_ro(VT_R(0), 0, VT_512G)),
		VT_RECIPE(CURSOR_OPEN_MUT, vt_space_new(),
			  vt_open_mut(VT_R(0), va, va + VT_PAGE)),
		VT_RECIPE(CURSOR_OPEN_MUT, vt_space_new(), vt_open_mut(VT_R(0), 0, VT_512G)),
		VT_RECIPE(CURSOR_DROP, vt_space_new(), vt_open_mut(VT_R(0), va, va + VT_2M),
			  vt_alloc(), vt_map(VT_R(1), VT_R(2), VT_RW),
			  vt_activate(VT_R(0), 0), vt_jump(VT_R(1), va),
			  vt_unmap(VT_R(1), VT_PAGE), vt_cursor_drop(VT_R(1))),
		VT_RECIPE(CURSOR_QUERY, vt_space_new(), vt_open_mut(VT_R(0), va, va + VT_2M),
			  vt_alloc(), vt_map(VT_R(1), VT_R(2), VT_RW), vt_jump(VT_R(1), va),
			  vt_query(VT_R(1))),
		VT_RECIPE(CURSOR_FIND_NEXT, vt_space_new(),
			  vt_open_mut(VT_R(0), va, va + VT_2M),
			  vt_alloc(), vt_map(VT_R(1), VT_R(2), VT_RW), vt_jump(VT_R(1), va),
			  vt_find_next(VT_R(1), VT_PAGE)),
		VT_RECIPE(CURSOR_JUMP, vt_space_new(), vt_open_ro(VT_R(0), va, va + VT_1G),
			  vt_jump(VT_R(1), va + VT_2M)),
		VT_RECIPE(CURSOR_VADDR, vt_space_new(), vt_open_ro(VT_R(0), va, va + VT_1G),
			  vt_vaddr(VT_R(1))),
		/* Below tables that are there, below none, and in place of another frame */
		VT_RECIPE(CURSOR_MAP, vt_space_new(), vt_open_mut(VT_R(0), va, va + VT_2M),
			  vt_alloc(), vt_map(VT_R(1), VT_R(2), VT_RW)),
		VT_RECIPE(CURSOR_MAP, vt_space_new(), vt_open_mut(VT_R(0), 0, VT_512G),
			  vt_alloc(), vt_map(VT_R(1), VT_R(2), VT_RW)),
		VT_RECIPE(CURSOR_MAP, vt_space_new(), vt_open_mut(VT_R(0), va, va + VT_2M),
			  vt_alloc(), vt_alloc(), vt_map(VT_R(1), VT_R(2), VT_RW),
			  vt_activate(VT_R(0), 0), vt_write(VT_R(0), va, 8, 1, 0),
			  vt_jump(VT_R(1), va), vt_map(VT_R(1), VT_R(3), VT_RW)),
		/* A leaf, and a whole subtree */
		VT_RECIPE(CURSOR_UNMAP, vt_space_new(), vt_open_mut(VT_R(0), va, va + VT_2M),
			  vt_alloc(), vt_map(VT_R(1), VT_R(2), VT_RW), vt_jump(VT_R(1), va),
			  vt_unmap(VT_R(1), VT_PAGE)),
		VT_RECIPE(CURSOR_UNMAP, vt_space_new(), vt_open_mut(VT_R(0), va, va + VT_1G),
			  vt_alloc(), vt_map(VT_R(1), VT_R(2), VT_RW),
			  vt_activate(VT_R(0), 0), vt_write(VT_R(0), va, 8, 1, 0),
			  vt_jump(VT_R(1), va + VT_2M), vt_jump(VT_R(1), va),
			  vt_unmap(VT_R(1), 2 * VT_2M)),
		VT_RECIPE(CURSOR_PROTECT_NEXT, vt_space_new(),
			  vt_open_mut(VT_R(0), va, va + VT_2M),
			  vt_alloc(), vt_map(VT_R(1), VT_R(2), VT_RW), vt_jump(VT_R(1), va),
			  vt_protect(VT_R(1), VT_PAGE, VT_RO, VT_RW)),
		VT_RECIPE(CURSOR_FLUSH, vt_space_new(), vt_open_mut(VT_R(0), va, va + VT_2M),
			  vt_activate(VT_R(0), 0), vt_flush(VT_R(1), va, VT_PAGE)),
		VT_RECIPE(REAP, vt_space_new(), vt_open_mut(VT_R(0), va, va + VT_1G),
			  vt_alloc(), vt_map(VT_R(1), VT_R(2), VT_RW),
			  vt_activate(VT_R(0), 0), vt_jump(VT_R(1), va + VT_2M),
			  vt_jump(VT_R(1), va), vt_unmap(VT_R(1), 2 * VT_2M), vt_reap()),
		VT_RECIPE(ACCESS, vt_space_new(), vt_open_mut(VT_R(0), va, va + VT_2M),
			  vt_alloc(), vt_map(VT_R(1), VT_R(2), VT_RW),
			  vt_write(VT_R(0), va, 8, 1, 0)),
		VT_RECIPE(ACCESS, vt_space_new(), vt_from_unused(last),
			  vt_load(VT_R(0), kva, 8, 0)),
		VT_RECIPE(FRAME_CLONE, vt_alloc(), VT_W(FRAME_CLONE, VT_R(0), 0, 0)),
		VT_RECIPE(SEGMENT_FROM_UNUSED, VT_W(SEGMENT_FROM_UNUSED, prev, VT_SMALL, 0)),
		VT_RECIPE(SEGMENT_DROP, VT_W(SEGMENT_FROM_UNUSED, prev, VT_SMALL, 0),
			  VT_W(SEGMENT_DROP, VT_R(0), 0, 0)),
		VT_RECIPE(SEGMENT_SPLIT, VT_W(SEGMENT_FROM_UNUSED, prev, VT_SMALL, 0),
			  VT_W(SEGMENT_SPLIT, VT_R(0), VT_PAGE, 0)),
		VT_RECIPE(SEGMENT_NEXT, VT_W(SEGMENT_FROM_UNUSED, prev, VT_SMALL, 0),
			  VT_W(SEGMENT_NEXT, VT_R(0), 0, 0)),
		VT_RECIPE(SEGMENT_CLONE, VT_W(SEGMENT_FROM_UNUSED, prev, VT_SMALL, 0),
			  VT_W(SEGMENT_CLONE, VT_R(0), 0, 0)),
		VT_RECIPE(SEGMENT_SLICE, VT_W(SEGMENT_FROM_UNUSED, prev, VT_SMALL, 0),
			  VT_W(SEGMENT_SLICE, VT_R(0), prev, last)),
		VT_RECIPE(FRAME_TO_SEGMENT, vt_alloc(),
			  VT_W(FRAME_TO_SEGMENT, VT_R(0), 0, 0)),
		VT_RECIPE(UNIQUE_FROM_UNUSED, VT_W(UNIQUE_FROM_UNUSED, last, 0, 0)),
		VT_RECIPE(UNIQUE_DROP, VT_W(UNIQUE_FROM_UNUSED, last, 0, 0),
			  VT_W(UNIQUE_DROP, VT_R(0), 0, 0)),
		VT_RECIPE(FROM_UNIQUE, VT_W(UNIQUE_FROM_UNUSED, last, 0, 0),
			  VT_W(FROM_UNIQUE, VT_R(0), 0, 0)),
		VT_RECIPE(TRY_FROM_SHARED, vt_alloc(), VT_W(TRY_FROM_SHARED, VT_R(0), 0, 0)),
		VT_RECIPE(CURSOR_MAP_FRAMES, vt_space_new(),
			  vt_open_mut(VT_R(0), va, va + VT_1G), vt_alloc(), vt_alloc(),
			  map_frames),
		VT_RECIPE(CURSOR_MAP_SEGMENT, vt_space_new(),
			  vt_open_mut(VT_R(0), va, va + VT_1G),
			  VT_W(SEGMENT_FROM_UNUSED, prev, VT_SMALL, 0), map_segment),
		VT_RECIPE_MAPPED(READER_NEW, VT_W(READER_NEW, VT_R(0), va, VT_PAGE)),
		VT_RECIPE_MAPPED(WRITER_NEW, VT_W(WRITER_NEW, VT_R(0), va, VT_PAGE)),
		VT_RECIPE(KREADER_NEW, vt_from_unused(last),
			  VT_W(KREADER_NEW, kva, VT_PAGE, 0)),
		VT_RECIPE(KWRITER_NEW, vt_from_unused(last),
			  VT_W(KWRITER_NEW, kva, VT_PAGE, 0)),
		VT_RECIPE(READER_DROP, vt_from_unused(last), VT_W(KREADER_NEW, kva, VT_PAGE, 0),
			  VT_W(READER_DROP, VT_R(1), 0, 0)),
		VT_RECIPE(WRITER_DROP, vt_from_unused(last), VT_W(KWRITER_NEW, kva, VT_PAGE, 0),
			  VT_W(WRITER_DROP, VT_R(1), 0, 0)),
		VT_RECIPE_MAPPED(READER_READ_VAL, VT_W(READER_NEW, VT_R(0), va, VT_PAGE),
				 VT_W(READER_READ_VAL, VT_R(5), buf, 8)),
		VT_RECIPE_MAPPED(READER_COLLECT, VT_W(READER_NEW, VT_R(0), va, VT_PAGE),
				 VT_W(READER_COLLECT, VT_R(5), buf, VT_PAGE)),
		VT_RECIPE_MAPPED(READER_LIMIT, VT_W(READER_NEW, VT_R(0), va, VT_PAGE),
				 VT_W(READER_LIMIT, VT_R(5), 8, 0)),
		VT_RECIPE_MAPPED(READER_SKIP, VT_W(READER_NEW, VT_R(0), va, VT_PAGE),
				 VT_W(READER_SKIP, VT_R(5), 8, 0)),
		VT_RECIPE_MAPPED(READER_QUERY, VT_W(READER_NEW, VT_R(0), va, VT_PAGE),
				 VT_W(READER_QUERY, VT_R(5), 0, 0)),
		VT_RECIPE_MAPPED(WRITER_WRITE_VAL, VT_W(WRITER_NEW, VT_R(0), va, VT_PAGE),
				 VT_W(WRITER_WRITE_VAL, VT_R(5), buf, 8)),
		VT_RECIPE_MAPPED(WRITER_FILL_ZEROS, VT_W(WRITER_NEW, VT_R(0), va, VT_PAGE),
				 VT_W(WRITER_FILL_ZEROS, VT_R(5), 64, 0)),
		VT_RECIPE_MAPPED(WRITER_LIMIT, VT_W(WRITER_NEW, VT_R(0), va, VT_PAGE),
				 VT_W(WRITER_LIMIT, VT_R(5), 8, 0)),
		VT_RECIPE_MAPPED(WRITER_SKIP, VT_W(WRITER_NEW, VT_R(0), va, VT_PAGE),
				 VT_W(WRITER_SKIP, VT_R(5), 8, 0)),
		VT_RECIPE_MAPPED(WRITER_QUERY, VT_W(WRITER_NEW, VT_R(0), va, VT_PAGE),
				 VT_W(WRITER_QUERY, VT_R(5), 0, 0)),
		VT_RECIPE(READ, vt_from_unused(last), vt_from_unused(prev),
			  VT_W(KREADER_NEW, kva, VT_PAGE, 0),
			  VT_W(KWRITER_NEW, kva - VT_PAGE, VT_PAGE, 0),
			  VT_W(READ, VT_R(2), VT_R(3), 0)),
		VT_RECIPE(WRITE, vt_from_unused(last), vt_from_unused(prev),
			  VT_W(KREADER_NEW, kva, VT_PAGE, 0),
			  VT_W(KWRITER_NEW, kva - VT_PAGE, VT_PAGE, 0),
			  VT_W(WRITE, VT_R(2), VT_R(3), 0)),
		VT_RECIPE_MAPPED(READ_FALLIBLE, vt_from_unused(last),
				 VT_W(READER_NEW, VT_R(0), va, VT_PAGE),
				 VT_W(KWRITER_NEW, kva, VT_PAGE, 0),
				 VT_W(READ_FALLIBLE, VT_R(6), VT_R(7), 0)),
		VT_RECIPE_MAPPED(WRITE_FALLIBLE, vt_from_unused(last),
				 VT_W(KREADER_NEW, kva, VT_PAGE, 0),
				 VT_W(WRITER_NEW, VT_R(0), va, VT_PAGE),
				 VT_W(WRITE_FALLIBLE, VT_R(6), VT_R(7), 0)),
		VT_RECIPE(WRITER_FILL, vt_from_unused(last),
			  VT_W(KWRITER_NEW, kva, VT_PAGE, 0),
			  VT_W(WRITER_FILL, VT_R(1), 7, width)),
		VT_RECIPE(READER_READ_ONCE, vt_from_unused(last),
			  VT_W(KREADER_NEW, kva, VT_PAGE, 0),
			  VT_W(READER_READ_ONCE, VT_R(1), 0, width)),
		VT_RECIPE(WRITER_WRITE_ONCE, vt_from_unused(last),
			  VT_W(KWRITER_NEW, kva, VT_PAGE, 0),
			  VT_W(WRITER_WRITE_ONCE, VT_R(1), 7, width)),
		VT_RECIPE(KVIRT_MAP_FRAMES, vt_alloc(), vt_alloc(), kvirt_map),
		/* Where tables are already */
		VT_RECIPE(KVIRT_MAP_FRAMES, vt_alloc(), vt_alloc(), vt_alloc(), kvirt_map,
			  vt_kvirt_map(VT_PAGE, 0, &frames[2], 1, VT_RW)),
		VT_RECIPE_WITH_DEVICE(KVIRT_MAP_UNTRACKED,
				      vt_kvirt_untracked(VT_PAGE, 0, device,
							 device + VT_PAGE, VT_RW)),
		VT_RECIPE_WITH_DEVICE(KVIRT_MAP_UNTRACKED, both),
		{ .name = "KVIRT_QUERY", .opcode = VMSTORE_OP_KVIRT_QUERY, .nr = 4, .area = 3,
		  .ops = { vt_alloc(), vt_alloc(), kvirt_map,
			   vt_kvirt_query(VT_R(2), VT_PAGE) } },
		VT_RECIPE(KVIRT_DROP, vt_alloc(), vt_alloc(), kvirt_map,
			  vt_kvirt_drop(VT_R(2))),
		VT_RECIPE_WITH_DEVICE(KVIRT_DROP, both, vt_kvirt_drop(VT_R(0))),
		/* A leaf; all of a table; a page of 2 MiB that is split */
		VT_RECIPE(KVIRT_UNMAP_RANGE, vt_alloc(), vt_alloc(), kvirt_map,
			  vt_kvirt_unmap(VT_R(2), VT_PAGE, VT_PAGE)),
		VT_RECIPE(KVIRT_UNMAP_RANGE, vt_alloc(), vt_alloc(), kvirt_map,
			  vt_kvirt_unmap(VT_R(2), 0, VT_2M)),
		VT_RECIPE_WITH_DEVICE(KVIRT_UNMAP_RANGE, both,
				      vt_kvirt_unmap(VT_R(0), 4 * VT_PAGE, 3 * VT_PAGE)),
		VT_RECIPE(KVIRT_PROTECT_RANGE, vt_alloc(), vt_alloc(), kvirt_map,
			  vt_kvirt_protect(VT_R(2), VT_PAGE, VT_PAGE, none, w)),
		VT_RECIPE_WITH_DEVICE(KVIRT_PROTECT_RANGE, both,
				      vt_kvirt_protect(VT_R(0), 4 * VT_PAGE, 3 * VT_PAGE,
						       none, w)),
		VT_RECIPE(LIST_NEW, vt_list_new()),
		VT_RECIPE(LIST_DROP, vt_list_new(), VT_W(UNIQUE_FROM_UNUSED, last, 0, 0),
			  VT_W(LIST_PUSH_BACK, VT_R(0), VT_R(1), 0),
			  VT_W(LIST_DROP, VT_R(0), 0, 0)),
		VT_RECIPE(LIST_SIZE, vt_list_new(), VT_W(LIST_SIZE, VT_R(0), 0, 0)),
		VT_RECIPE(LIST_CONTAINS, vt_list_new(), VT_W(UNIQUE_FROM_UNUSED, last, 0, 0),
			  VT_W(LIST_PUSH_BACK, VT_R(0), VT_R(1), 0),
			  VT_W(LIST_CONTAINS, VT_R(0), last, 0)),
		VT_RECIPE(LIST_INSERT_AT, vt_list_new(),
			  VT_W(UNIQUE_FROM_UNUSED, last, 0, 0),
			  VT_W(LIST_INSERT_AT, VT_R(0), VT_R(1), 0)),
		VT_RECIPE(LIST_PUSH_FRONT, vt_list_new(),
			  VT_W(UNIQUE_FROM_UNUSED, last, 0, 0),
			  VT_W(LIST_PUSH_FRONT, VT_R(0), VT_R(1), 0)),
		VT_RECIPE(LIST_PUSH_BACK, vt_list_new(),
			  VT_W(UNIQUE_FROM_UNUSED, last, 0, 0),
			  VT_W(LIST_PUSH_BACK, VT_R(0), VT_R(1), 0)),
		VT_RECIPE(LIST_TAKE_AT, vt_list_new(), VT_W(UNIQUE_FROM_UNUSED, last, 0, 0),
			  VT_W(LIST_PUSH_BACK, VT_R(0), VT_R(1), 0),
			  VT_W(LIST_TAKE_AT, VT_R(0), 0, 0)),
		VT_RECIPE(LIST_POP_FRONT, vt_list_new(),
			  VT_W(UNIQUE_FROM_UNUSED, last, 0, 0),
			  VT_W(LIST_PUSH_BACK, VT_R(0), VT_R(1), 0),
			  VT_W(LIST_POP_FRONT, VT_R(0), 0, 0)),
		VT_RECIPE(LIST_POP_BACK, vt_list_new(), VT_W(UNIQUE_FROM_UNUSED, last, 0, 0),
			  VT_W(LIST_PUSH_BACK, VT_R(0), VT_R(1), 0),
			  VT_W(LIST_POP_BACK, VT_R(0), 0, 0)),
		VT_RECIPE(LIST_CURSOR_FRONT, vt_list_new(),
			  VT_W(UNIQUE_FROM_UNUSED, last, 0, 0),
			  VT_W(LIST_PUSH_BACK, VT_R(0), VT_R(1), 0),
			  VT_W(LIST_CURSOR_FRONT, VT_R(0), 0, 0)),
		VT_RECIPE(LIST_CURSOR_BACK, vt_list_new(),
			  VT_W(UNIQUE_FROM_UNUSED, last, 0, 0),
			  VT_W(LIST_PUSH_BACK, VT_R(0), VT_R(1), 0),
			  VT_W(LIST_CURSOR_BACK, VT_R(0), 0, 0)),
		VT_RECIPE(LIST_CURSOR_AT, vt_list_new(),
			  VT_W(UNIQUE_FROM_UNUSED, last, 0, 0),
			  VT_W(LIST_PUSH_BACK, VT_R(0), VT_R(1), 0),
			  VT_W(LIST_CURSOR_AT, VT_R(0), last, 0)),
		VT_RECIPE(LIST_MOVE_NEXT, vt_list_new(),
			  VT_W(LIST_CURSOR_FRONT, VT_R(0), 0, 0),
			  VT_W(LIST_MOVE_NEXT, VT_R(0), 0, 0)),
		VT_RECIPE(LIST_MOVE_PREV, vt_list_new(),
			  VT_W(LIST_CURSOR_FRONT, VT_R(0), 0, 0),
			  VT_W(LIST_MOVE_PREV, VT_R(0), 0, 0)),
		VT_RECIPE(LIST_CURRENT, vt_list_new(),
			  VT_W(LIST_CURSOR_FRONT, VT_R(0), 0, 0),
			  VT_W(LIST_CURRENT, VT_R(0), 0, 0)),
		VT_RECIPE(LIST_AS_LIST, vt_list_new(),
			  VT_W(LIST_CURSOR_FRONT, VT_R(0), 0, 0),
			  VT_W(LIST_AS_LIST, VT_R(0), 0, 0)),
		VT_RECIPE(LIST_CURSOR_INSERT_BEFORE, vt_list_new(),
			  VT_W(UNIQUE_FROM_UNUSED, last, 0, 0),
			  VT_W(LIST_CURSOR_FRONT, VT_R(0), 0, 0),
			  VT_W(LIST_CURSOR_INSERT_BEFORE, VT_R(0), VT_R(1), 0)),
		VT_RECIPE(LIST_CURSOR_TAKE, vt_list_new(),
			  VT_W(UNIQUE_FROM_UNUSED, last, 0, 0),
			  VT_W(LIST_PUSH_BACK, VT_R(0), VT_R(1), 0),
			  VT_W(LIST_CURSOR_FRONT, VT_R(0), 0, 0),
			  VT_W(LIST_CURSOR_TAKE, VT_R(0), 0, 0)),
		VT_RECIPE(LIST_CURSOR_DROP, vt_list_new(),
			  VT_W(LIST_CURSOR_FRONT, VT_R(0), 0, 0),
			  VT_W(LIST_CURSOR_DROP, VT_R(0), 0, 0)),
		VT_RECIPE_MAPPED(TLB_ISSUE, vt_issue(VT_R(1), va, VT_PAGE)),
		VT_RECIPE_MAPPED(TLB_ISSUE_WITH, vt_alloc(),
				 vt_issue_with(VT_R(1), VT_R(5), va, VT_PAGE)),
		VT_RECIPE_MAPPED(TLB_DISPATCH, vt_issue(VT_R(1), va, VT_PAGE),
				 vt_dispatch(VT_R(1))),
		VT_RECIPE_MAPPED(TLB_SYNC, vt_issue(VT_R(1), va, VT_PAGE),
				 vt_dispatch(VT_R(1)), vt_sync(VT_R(1))),
		VT_RECIPE_MAPPED(TLB_FLUSH_LOCAL, vt_flush_local(VT_R(0), va, VT_PAGE, 0)),
		VT_RECIPE_MAPPED(TLB_WATCH, vt_watch(VT_R(0), va, 100, 0)),
	};

	if (i >= ARRAY_SIZE(recipes))
		return false;
	*out = recipes[i];
	return true;
}

#endif /* VMSTORE_OP_RECIPES_H */
