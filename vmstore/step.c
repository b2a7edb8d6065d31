// SPDX-License-Identifier: GPL-2.0-only
/*
 * One operation, from its number to its outcome. Adding one is a function in ops/ and a
 * row in vms_op_rows.
 */

#include <linux/nospec.h>

#include "step.h"
#include "trace.h"
#include "inv/inv.h"
#include "ops/ops.h"

/* --- the table ------------------------------------------------------------------- */

#define VMS_ROW(op, fn, argtype, ...)					\
	[VMSTORE_OP_##op] = {						\
		.name = #op, .run = fn, .arg_size = argtype, __VA_ARGS__ }

/* What a handle and its slot are */
#define VMS_TOUCHES_FRAME	(VMS_TOUCH_FRAMES | VMS_TOUCH_SLOTS)
/* A page table as a whole */
#define VMS_TOUCHES_SPACE	(VMS_TOUCH_SPACES | VMS_TOUCH_TABLES | VMS_TOUCH_SLOTS)
/* Nodes made and owned on the way down */
#define VMS_TOUCHES_OPEN	(VMS_TOUCH_CURSORS | VMS_TOUCH_TABLES | VMS_TOUCH_SLOTS)
/* Leaves, what they map, and what they mapped before */
#define VMS_TOUCHES_MAP		(VMS_TOUCH_CURSORS | VMS_TOUCH_REAP)

/* Segments and their slots */
#define VMS_TOUCHES_SEGMENT	(VMS_TOUCH_SEGMENTS | VMS_TOUCH_SLOTS)

/* Leaves of an area, and what changing one flushes and releases */
#define VMS_TOUCHES_KVIRT	(VMS_TOUCH_KVIRTS | VMS_TOUCH_REAP)
/* A list, the slots of its links, and what names one that goes in or comes out */
#define VMS_TOUCHES_LISTED	(VMS_TOUCH_LISTS | VMS_TOUCH_UNIQUES | VMS_TOUCH_SLOTS)

/* Without the place that LIST_INSERT_AT has */
#define VMS_LIST_PUT_SIZE	offsetof(struct vmstore_arg_list_insert, n)

static u64 vms_map_frames_len(const struct vmstore_op *op)
{
	return (u64)op->arg.map_frames.count * sizeof(u64);
}

static u64 vms_kvirt_frames_len(const struct vmstore_op *op)
{
	return (u64)op->arg.kvirt_frames.count * sizeof(u64);
}

static const struct vms_op_row vms_op_rows[__VMSTORE_OP_MAX] = {
	VMS_ROW(FRAME_FROM_UNUSED, vms_op_frame_from_unused,
		sizeof(struct vmstore_arg_paddr), .id_out = VMS_ID_FRAME, .reap_busy = true,
		.touches = VMS_TOUCHES_FRAME),
	VMS_ROW(FRAME_FROM_IN_USE, vms_op_frame_from_in_use,
		sizeof(struct vmstore_arg_paddr), .id_out = VMS_ID_FRAME,
		.touches = VMS_TOUCHES_FRAME),
	VMS_ROW(FRAME_ALLOC, vms_op_frame_alloc, 0, .id_out = VMS_ID_FRAME,
		.touches = VMS_TOUCHES_FRAME),
	VMS_ROW(FRAME_DROP, vms_op_frame_drop, sizeof(struct vmstore_arg_id),
		.id_arg = { VMS_ID_FRAME },
		.touches = VMS_TOUCHES_FRAME),
	VMS_ROW(SPACE_NEW, vms_op_space_new, 0, .id_out = VMS_ID_SPACE,
		.touches = VMS_TOUCHES_SPACE),
	VMS_ROW(SPACE_DROP, vms_op_space_drop, sizeof(struct vmstore_arg_id),
		.id_arg = { VMS_ID_SPACE },
		.touches = VMS_TOUCHES_SPACE | VMS_TOUCH_TLB),
	VMS_ROW(SPACE_ACTIVATE, vms_op_space_activate, sizeof(struct vmstore_arg_id),
		.flags = VMSTORE_OPF_RESIDENT, .id_arg = { VMS_ID_SPACE },
		.touches = VMS_TOUCH_ACTIVATION),
	VMS_ROW(CURSOR_OPEN, vms_op_cursor_open, sizeof(struct vmstore_arg_open),
		.flags = VMSTORE_OPF_WAIT, .id_arg = { VMS_ID_SPACE },
		.id_out = VMS_ID_CURSOR,
		.touches = VMS_TOUCHES_OPEN),
	VMS_ROW(CURSOR_OPEN_MUT, vms_op_cursor_open_mut, sizeof(struct vmstore_arg_open),
		.flags = VMSTORE_OPF_WAIT, .id_arg = { VMS_ID_SPACE },
		.id_out = VMS_ID_CURSOR,
		.touches = VMS_TOUCHES_OPEN),
	VMS_ROW(CURSOR_DROP, vms_op_cursor_drop, sizeof(struct vmstore_arg_id),
		.id_arg = { VMS_ID_CURSOR },
		.touches = VMS_TOUCH_CURSORS | VMS_TOUCH_REAP),
	VMS_ROW(CURSOR_QUERY, vms_op_cursor_query, sizeof(struct vmstore_arg_id),
		.flags = VMSTORE_OPF_PEEK, .id_arg = { VMS_ID_CURSOR },
		.id_out = VMS_ID_FRAME,
		.touches = VMS_TOUCH_CURSORS | VMS_TOUCHES_FRAME),
	VMS_ROW(CURSOR_FIND_NEXT, vms_op_cursor_find_next, sizeof(struct vmstore_arg_len),
		.id_arg = { VMS_ID_CURSOR },
		.touches = VMS_TOUCH_CURSORS),
	VMS_ROW(CURSOR_JUMP, vms_op_cursor_jump, sizeof(struct vmstore_arg_jump),
		.id_arg = { VMS_ID_CURSOR },
		.touches = VMS_TOUCH_CURSORS),
	VMS_ROW(CURSOR_VADDR, vms_op_cursor_vaddr, sizeof(struct vmstore_arg_id),
		.id_arg = { VMS_ID_CURSOR },
		.touches = VMS_TOUCH_CURSORS),
	VMS_ROW(CURSOR_MAP, vms_op_cursor_map, sizeof(struct vmstore_arg_map),
		.flags = VMSTORE_OPF_DEFER, .id_arg = { VMS_ID_CURSOR, VMS_ID_FRAME },
		.touches = VMS_TOUCHES_MAP | VMS_TOUCH_FRAMES),
	VMS_ROW(CURSOR_UNMAP, vms_op_cursor_unmap, sizeof(struct vmstore_arg_len),
		.flags = VMSTORE_OPF_DEFER,
		.id_arg = { VMS_ID_CURSOR },
		.touches = VMS_TOUCHES_MAP),
	VMS_ROW(CURSOR_PROTECT_NEXT, vms_op_cursor_protect_next,
		sizeof(struct vmstore_arg_protect), .flags = VMSTORE_OPF_CACHE,
		.id_arg = { VMS_ID_CURSOR },
		.touches = VMS_TOUCH_CURSORS | VMS_TOUCH_TABLES | VMS_TOUCH_GATHERS),
	VMS_ROW(CURSOR_FLUSH, vms_op_cursor_flush, sizeof(struct vmstore_arg_flush),
		.id_arg = { VMS_ID_CURSOR },
		.touches = VMS_TOUCH_CURSORS | VMS_TOUCH_REAP),
	VMS_ROW(REAP, vms_op_reap, 0,
		.touches = VMS_TOUCH_REAP),
	VMS_ROW(ACCESS, vms_op_access, sizeof(struct vmstore_arg_access),
		.flags = VMSTORE_OPF_WRITE, .id_arg = { VMS_ID_SPACE },
		.touches = VMS_TOUCH_SLOTS | VMS_TOUCH_TLB),
	VMS_ROW(FRAME_CLONE, vms_op_frame_clone, sizeof(struct vmstore_arg_id),
		.id_arg = { VMS_ID_FRAME }, .id_out = VMS_ID_FRAME,
		.touches = VMS_TOUCHES_FRAME),
	VMS_ROW(SEGMENT_FROM_UNUSED, vms_op_segment_from_unused,
		sizeof(struct vmstore_arg_range), .id_out = VMS_ID_SEGMENT, .reap_busy = true,
		.touches = VMS_TOUCHES_SEGMENT),
	VMS_ROW(SEGMENT_DROP, vms_op_segment_drop, sizeof(struct vmstore_arg_id),
		.id_arg = { VMS_ID_SEGMENT },
		.touches = VMS_TOUCHES_SEGMENT),
	VMS_ROW(SEGMENT_SPLIT, vms_op_segment_split, sizeof(struct vmstore_arg_split),
		.id_arg = { VMS_ID_SEGMENT }, .id_out = VMS_ID_SEGMENT,
		.touches = VMS_TOUCH_SEGMENTS),
	VMS_ROW(SEGMENT_NEXT, vms_op_segment_next, sizeof(struct vmstore_arg_id),
		.id_arg = { VMS_ID_SEGMENT }, .id_out = VMS_ID_FRAME,
		.touches = VMS_TOUCH_SEGMENTS | VMS_TOUCH_FRAMES),
	VMS_ROW(SEGMENT_CLONE, vms_op_segment_clone, sizeof(struct vmstore_arg_id),
		.id_arg = { VMS_ID_SEGMENT }, .id_out = VMS_ID_SEGMENT,
		.touches = VMS_TOUCHES_SEGMENT),
	VMS_ROW(SEGMENT_SLICE, vms_op_segment_slice, sizeof(struct vmstore_arg_slice),
		.id_arg = { VMS_ID_SEGMENT }, .id_out = VMS_ID_SEGMENT,
		.touches = VMS_TOUCHES_SEGMENT),
	VMS_ROW(FRAME_TO_SEGMENT, vms_op_frame_to_segment, sizeof(struct vmstore_arg_id),
		.id_arg = { VMS_ID_FRAME }, .id_out = VMS_ID_SEGMENT,
		.touches = VMS_TOUCH_SEGMENTS | VMS_TOUCH_FRAMES),
	VMS_ROW(UNIQUE_FROM_UNUSED, vms_op_unique_from_unused,
		sizeof(struct vmstore_arg_paddr), .id_out = VMS_ID_UNIQUE, .reap_busy = true,
		.touches = VMS_TOUCH_UNIQUES | VMS_TOUCH_SLOTS),
	VMS_ROW(UNIQUE_DROP, vms_op_unique_drop, sizeof(struct vmstore_arg_id),
		.id_arg = { VMS_ID_UNIQUE },
		.touches = VMS_TOUCH_UNIQUES | VMS_TOUCH_SLOTS),
	VMS_ROW(FROM_UNIQUE, vms_op_from_unique, sizeof(struct vmstore_arg_id),
		.id_arg = { VMS_ID_UNIQUE }, .id_out = VMS_ID_FRAME,
		.touches = VMS_TOUCH_UNIQUES | VMS_TOUCHES_FRAME),
	VMS_ROW(TRY_FROM_SHARED, vms_op_try_from_shared, sizeof(struct vmstore_arg_id),
		.id_arg = { VMS_ID_FRAME }, .id_out = VMS_ID_UNIQUE,
		.touches = VMS_TOUCH_UNIQUES | VMS_TOUCHES_FRAME),
	VMS_ROW(CURSOR_MAP_FRAMES, vms_op_cursor_map_frames,
		sizeof(struct vmstore_arg_map_frames), .flags = VMSTORE_OPF_DEFER,
		.id_arg = { VMS_ID_CURSOR },
		.data = VMS_DATA_FRAMES, .data_len = vms_map_frames_len,
		.touches = VMS_TOUCHES_MAP | VMS_TOUCH_FRAMES),
	VMS_ROW(CURSOR_MAP_SEGMENT, vms_op_cursor_map_segment,
		sizeof(struct vmstore_arg_map_segment), .flags = VMSTORE_OPF_DEFER,
		.id_arg = { VMS_ID_CURSOR, VMS_ID_SEGMENT },
		.touches = VMS_TOUCHES_MAP | VMS_TOUCH_SEGMENTS),
	VMS_ROW(READER_NEW, vms_op_reader_new, sizeof(struct vmstore_arg_io_new),
		.id_arg = { VMS_ID_SPACE }, .id_out = VMS_ID_IO,
		.touches = VMS_TOUCH_IOS | VMS_TOUCH_SPACES),
	VMS_ROW(WRITER_NEW, vms_op_writer_new, sizeof(struct vmstore_arg_io_new),
		.id_arg = { VMS_ID_SPACE }, .id_out = VMS_ID_IO,
		.touches = VMS_TOUCH_IOS | VMS_TOUCH_SPACES),
	VMS_ROW(KREADER_NEW, vms_op_kreader_new, sizeof(struct vmstore_arg_kio_new),
		.id_out = VMS_ID_IO,
		.touches = VMS_TOUCH_IOS | VMS_TOUCH_SLOTS | VMS_TOUCH_KVIRTS |
			   VMS_TOUCH_TABLES),
	VMS_ROW(KWRITER_NEW, vms_op_kwriter_new, sizeof(struct vmstore_arg_kio_new),
		.id_out = VMS_ID_IO,
		.touches = VMS_TOUCH_IOS | VMS_TOUCH_SLOTS | VMS_TOUCH_KVIRTS |
			   VMS_TOUCH_TABLES),
	VMS_ROW(READER_DROP, vms_op_reader_drop, sizeof(struct vmstore_arg_id),
		.id_arg = { VMS_ID_IO },
		.touches = VMS_TOUCH_IOS | VMS_TOUCH_SPACES | VMS_TOUCH_SLOTS |
			   VMS_TOUCH_KVIRTS),
	VMS_ROW(WRITER_DROP, vms_op_writer_drop, sizeof(struct vmstore_arg_id),
		.id_arg = { VMS_ID_IO },
		.touches = VMS_TOUCH_IOS | VMS_TOUCH_SPACES | VMS_TOUCH_SLOTS |
			   VMS_TOUCH_KVIRTS),
	VMS_ROW(READER_READ_VAL, vms_op_reader_read_val, sizeof(struct vmstore_arg_io_data),
		.id_arg = { VMS_ID_IO }, .data = VMS_DATA_OUT, .data_len = vms_op_io_data_len,
		.touches = VMS_TOUCH_IOS),
	VMS_ROW(READER_COLLECT, vms_op_reader_collect, sizeof(struct vmstore_arg_io_data),
		.id_arg = { VMS_ID_IO }, .data = VMS_DATA_OUT, .data_len = vms_op_io_data_len,
		.touches = VMS_TOUCH_IOS),
	VMS_ROW(READER_LIMIT, vms_op_reader_limit, sizeof(struct vmstore_arg_io_len),
		.id_arg = { VMS_ID_IO },
		.touches = VMS_TOUCH_IOS),
	VMS_ROW(READER_SKIP, vms_op_reader_skip, sizeof(struct vmstore_arg_io_len),
		.id_arg = { VMS_ID_IO },
		.touches = VMS_TOUCH_IOS),
	VMS_ROW(READER_QUERY, vms_op_reader_query, sizeof(struct vmstore_arg_id),
		.id_arg = { VMS_ID_IO },
		.touches = VMS_TOUCH_IOS),
	VMS_ROW(WRITER_WRITE_VAL, vms_op_writer_write_val, sizeof(struct vmstore_arg_io_data),
		.id_arg = { VMS_ID_IO }, .data = VMS_DATA_IN, .data_len = vms_op_io_data_len,
		.touches = VMS_TOUCH_IOS),
	VMS_ROW(WRITER_FILL_ZEROS, vms_op_writer_fill_zeros, sizeof(struct vmstore_arg_io_len),
		.id_arg = { VMS_ID_IO },
		.touches = VMS_TOUCH_IOS),
	VMS_ROW(WRITER_LIMIT, vms_op_writer_limit, sizeof(struct vmstore_arg_io_len),
		.id_arg = { VMS_ID_IO },
		.touches = VMS_TOUCH_IOS),
	VMS_ROW(WRITER_SKIP, vms_op_writer_skip, sizeof(struct vmstore_arg_io_len),
		.id_arg = { VMS_ID_IO },
		.touches = VMS_TOUCH_IOS),
	VMS_ROW(WRITER_QUERY, vms_op_writer_query, sizeof(struct vmstore_arg_id),
		.id_arg = { VMS_ID_IO },
		.touches = VMS_TOUCH_IOS),
	VMS_ROW(READ, vms_op_io_read, sizeof(struct vmstore_arg_io_pair),
		.id_arg = { VMS_ID_IO, VMS_ID_IO },
		.touches = VMS_TOUCH_IOS),
	VMS_ROW(WRITE, vms_op_io_read, sizeof(struct vmstore_arg_io_pair),
		.id_arg = { VMS_ID_IO, VMS_ID_IO },
		.touches = VMS_TOUCH_IOS),
	VMS_ROW(READ_FALLIBLE, vms_op_io_read_fallible, sizeof(struct vmstore_arg_io_pair),
		.id_arg = { VMS_ID_IO, VMS_ID_IO },
		.touches = VMS_TOUCH_IOS),
	VMS_ROW(WRITE_FALLIBLE, vms_op_io_read_fallible, sizeof(struct vmstore_arg_io_pair),
		.id_arg = { VMS_ID_IO, VMS_ID_IO },
		.touches = VMS_TOUCH_IOS),
	VMS_ROW(WRITER_FILL, vms_op_writer_fill, sizeof(struct vmstore_arg_io_value),
		.id_arg = { VMS_ID_IO },
		.touches = VMS_TOUCH_IOS),
	VMS_ROW(READER_READ_ONCE, vms_op_reader_read_once, sizeof(struct vmstore_arg_io_value),
		.id_arg = { VMS_ID_IO },
		.touches = VMS_TOUCH_IOS),
	VMS_ROW(WRITER_WRITE_ONCE, vms_op_writer_write_once,
		sizeof(struct vmstore_arg_io_value), .id_arg = { VMS_ID_IO },
		.touches = VMS_TOUCH_IOS),
	VMS_ROW(KVIRT_MAP_FRAMES, vms_op_kvirt_map_frames,
		sizeof(struct vmstore_arg_kvirt_frames), .id_out = VMS_ID_KVIRT,
		.data = VMS_DATA_FRAMES, .data_len = vms_kvirt_frames_len,
		.touches = VMS_TOUCHES_KVIRT | VMS_TOUCH_FRAMES),
	VMS_ROW(KVIRT_MAP_UNTRACKED, vms_op_kvirt_map_untracked,
		sizeof(struct vmstore_arg_kvirt_untracked), .id_out = VMS_ID_KVIRT,
		.touches = VMS_TOUCHES_KVIRT),
	VMS_ROW(KVIRT_QUERY, vms_op_kvirt_query, sizeof(struct vmstore_arg_kvirt_addr),
		.flags = VMSTORE_OPF_PEEK, .id_arg = { VMS_ID_KVIRT }, .id_out = VMS_ID_FRAME,
		.touches = VMS_TOUCH_KVIRTS | VMS_TOUCH_TABLES | VMS_TOUCHES_FRAME),
	VMS_ROW(KVIRT_DROP, vms_op_kvirt_drop, sizeof(struct vmstore_arg_id),
		.id_arg = { VMS_ID_KVIRT },
		.touches = VMS_TOUCHES_KVIRT),
	VMS_ROW(KVIRT_UNMAP_RANGE, vms_op_kvirt_unmap_range,
		sizeof(struct vmstore_arg_kvirt_range), .id_arg = { VMS_ID_KVIRT },
		.touches = VMS_TOUCHES_KVIRT),
	VMS_ROW(KVIRT_PROTECT_RANGE, vms_op_kvirt_protect_range,
		sizeof(struct vmstore_arg_kvirt_protect), .flags = VMSTORE_OPF_CACHE,
		.id_arg = { VMS_ID_KVIRT },
		.touches = VMS_TOUCHES_KVIRT),
	VMS_ROW(LIST_NEW, vms_op_list_new, 0, .id_out = VMS_ID_LIST,
		.touches = VMS_TOUCH_LISTS),
	VMS_ROW(LIST_DROP, vms_op_list_drop, sizeof(struct vmstore_arg_id),
		.id_arg = { VMS_ID_LIST },
		.touches = VMS_TOUCH_LISTS | VMS_TOUCH_SLOTS),
	VMS_ROW(LIST_SIZE, vms_op_list_size, sizeof(struct vmstore_arg_id),
		.id_arg = { VMS_ID_LIST },
		.touches = VMS_TOUCH_LISTS),
	VMS_ROW(LIST_CONTAINS, vms_op_list_contains,
		sizeof(struct vmstore_arg_list_frame),
		.id_arg = { VMS_ID_LIST },
		.touches = VMS_TOUCH_LISTS),
	VMS_ROW(LIST_INSERT_AT, vms_op_list_insert_at,
		sizeof(struct vmstore_arg_list_insert),
		.id_arg = { VMS_ID_LIST, VMS_ID_UNIQUE },
		.touches = VMS_TOUCHES_LISTED),
	VMS_ROW(LIST_PUSH_FRONT, vms_op_list_push_front, VMS_LIST_PUT_SIZE,
		.id_arg = { VMS_ID_LIST, VMS_ID_UNIQUE },
		.touches = VMS_TOUCHES_LISTED),
	VMS_ROW(LIST_PUSH_BACK, vms_op_list_push_back, VMS_LIST_PUT_SIZE,
		.id_arg = { VMS_ID_LIST, VMS_ID_UNIQUE },
		.touches = VMS_TOUCHES_LISTED),
	VMS_ROW(LIST_TAKE_AT, vms_op_list_take_at, sizeof(struct vmstore_arg_list_at),
		.id_arg = { VMS_ID_LIST }, .id_out = VMS_ID_UNIQUE,
		.touches = VMS_TOUCHES_LISTED),
	VMS_ROW(LIST_POP_FRONT, vms_op_list_pop_front, sizeof(struct vmstore_arg_id),
		.id_arg = { VMS_ID_LIST }, .id_out = VMS_ID_UNIQUE,
		.touches = VMS_TOUCHES_LISTED),
	VMS_ROW(LIST_POP_BACK, vms_op_list_pop_back, sizeof(struct vmstore_arg_id),
		.id_arg = { VMS_ID_LIST }, .id_out = VMS_ID_UNIQUE,
		.touches = VMS_TOUCHES_LISTED),
	VMS_ROW(LIST_CURSOR_FRONT, vms_op_list_cursor_front,
		sizeof(struct vmstore_arg_id),
		.id_arg = { VMS_ID_LIST },
		.touches = VMS_TOUCH_LISTS),
	VMS_ROW(LIST_CURSOR_BACK, vms_op_list_cursor_back, sizeof(struct vmstore_arg_id),
		.id_arg = { VMS_ID_LIST },
		.touches = VMS_TOUCH_LISTS),
	VMS_ROW(LIST_CURSOR_AT, vms_op_list_cursor_at,
		sizeof(struct vmstore_arg_list_frame),
		.id_arg = { VMS_ID_LIST },
		.touches = VMS_TOUCH_LISTS),
	VMS_ROW(LIST_MOVE_NEXT, vms_op_list_move_next, sizeof(struct vmstore_arg_id),
		.id_arg = { VMS_ID_LIST },
		.touches = VMS_TOUCH_LISTS),
	VMS_ROW(LIST_MOVE_PREV, vms_op_list_move_prev, sizeof(struct vmstore_arg_id),
		.id_arg = { VMS_ID_LIST },
		.touches = VMS_TOUCH_LISTS),
	VMS_ROW(LIST_CURRENT, vms_op_list_current, sizeof(struct vmstore_arg_id),
		.id_arg = { VMS_ID_LIST },
		.touches = VMS_TOUCH_LISTS),
	VMS_ROW(LIST_AS_LIST, vms_op_list_as_list, sizeof(struct vmstore_arg_id),
		.id_arg = { VMS_ID_LIST },
		.touches = VMS_TOUCH_LISTS),
	VMS_ROW(LIST_CURSOR_INSERT_BEFORE, vms_op_list_cursor_insert_before,
		VMS_LIST_PUT_SIZE,
		.id_arg = { VMS_ID_LIST, VMS_ID_UNIQUE },
		.touches = VMS_TOUCHES_LISTED),
	VMS_ROW(LIST_CURSOR_TAKE, vms_op_list_cursor_take, sizeof(struct vmstore_arg_id),
		.id_arg = { VMS_ID_LIST }, .id_out = VMS_ID_UNIQUE,
		.touches = VMS_TOUCHES_LISTED),
	VMS_ROW(LIST_CURSOR_DROP, vms_op_list_cursor_drop, sizeof(struct vmstore_arg_id),
		.id_arg = { VMS_ID_LIST },
		.touches = VMS_TOUCH_LISTS),
	VMS_ROW(TLB_ISSUE, vms_op_tlb_issue, sizeof(struct vmstore_arg_flush),
		.flags = VMSTORE_OPF_ALL, .id_arg = { VMS_ID_CURSOR },
		.touches = VMS_TOUCH_CURSORS | VMS_TOUCH_GATHERS),
	VMS_ROW(TLB_ISSUE_WITH, vms_op_tlb_issue_with,
		sizeof(struct vmstore_arg_issue_with), .flags = VMSTORE_OPF_ALL,
		.id_arg = { VMS_ID_CURSOR, VMS_ID_FRAME },
		.touches = VMS_TOUCH_CURSORS | VMS_TOUCH_FRAMES | VMS_TOUCH_REAP),
	VMS_ROW(TLB_DISPATCH, vms_op_tlb_dispatch, sizeof(struct vmstore_arg_id),
		.id_arg = { VMS_ID_CURSOR },
		.touches = VMS_TOUCH_CURSORS | VMS_TOUCH_REAP),
	VMS_ROW(TLB_SYNC, vms_op_tlb_sync, sizeof(struct vmstore_arg_id),
		.id_arg = { VMS_ID_CURSOR },
		.touches = VMS_TOUCH_CURSORS | VMS_TOUCH_REAP),
	VMS_ROW(TLB_FLUSH_LOCAL, vms_op_tlb_flush_local,
		sizeof(struct vmstore_arg_flush_local), .flags = VMSTORE_OPF_ALL,
		.id_arg = { VMS_ID_SPACE }),
	VMS_ROW(TLB_WATCH, vms_op_tlb_watch, sizeof(struct vmstore_arg_watch),
		.id_arg = { VMS_ID_SPACE },
		.touches = VMS_TOUCH_SLOTS),
};

/**
 * vms_op_row - the row of an opcode
 * @opcode: from a caller
 *
 * Return: the row, or NULL when the opcode is unknown.
 */
const struct vms_op_row *vms_op_row(u32 opcode)
{
	if (opcode >= __VMSTORE_OP_MAX)
		return NULL;
	opcode = array_index_nospec(opcode, __VMSTORE_OP_MAX);
	return vms_op_rows[opcode].run ? &vms_op_rows[opcode] : NULL;
}

/* What is wrong with an operation whatever the state of the store */
static int vms_step_validate(struct vms_store *s, const struct vms_op_row *row,
			     struct vmstore_op *op)
{
	if (!row || op->flags & ~row->flags)
		return -EOPNOTSUPP;
	if (op->__reserved || op->cpu >= s->mmu.nr_cpus)
		return -EINVAL;
	if (memchr_inv((u8 *)&op->arg + row->arg_size, 0, sizeof(op->arg) - row->arg_size))
		return -EINVAL;
	op->cpu = array_index_nospec(op->cpu, s->mmu.nr_cpus);
	return 0;
}

/* May the failure be for want of what is only gathered? */
static bool vms_step_wants_reap(struct vms_step *step, const struct vms_op_row *row, int err)
{
	if (err != -ENOMEM && !(err == -EBUSY && row->reap_busy))
		return false;
	return vms_tlb_has_gathered(&step->store->tlb);
}

/* Was that only an attempt? */
static bool vms_step_will_wait(const struct vms_step *step, int err)
{
	return step->wait_space && err == -EBUSY;
}

/* Under the lock that makes the order of numbers that of effects */
static void vms_step_tell(struct vms_step *step, const struct vms_op_row *row, int err)
{
	struct vms_story *story = &step->store->story;
	struct vmstore_op *op = step->op;
	u64 len = 0;

	op->out_errno = err;
	if (step->data && row->data == VMS_DATA_OUT)
		len = err ? 0 : op->out.io.done;
	else if (step->data && row->data != VMS_DATA_NONE)
		len = row->data_len(op);
	vms_story_add(story, op, step->data, len);
	if (READ_ONCE(step->store->frozen))
		vms_story_end(story);
}

static int vms_step_locked(struct vms_step *step, const struct vms_op_row *row)
{
	struct vms_store *s = step->store;
	int err;

	if (READ_ONCE(s->frozen))
		return -EIO;
	vms_touch_declare(s->region.touch, row->touches);
	err = row->run(step);
	if (vms_step_wants_reap(step, row, err)) {
		struct vms_removed sum = {};

		vms_store_reap(s, &sum);
		vms_touch_also(s->region.touch, VMS_TOUCH_REAP);
		err = row->run(step);
	}
	atomic64_inc(&s->generation);
	if (s->mode != VMSTORE_CHECK_OFF)
		vms_inv_check_op(s);
	if (READ_ONCE(s->frozen))	/* by the check, or by a release (T5) */
		err = -EIO;
	if (!vms_step_will_wait(step, err))
		vms_step_tell(step, row, err);
	return err;
}

/*
 * Until a cursor of the space was closed, unless the attempt failed for another reason
 * after all. The store is not locked.
 */
static int vms_step_wait(struct vms_step *step, int err)
{
	struct vms_space *space = step->wait_space;

	if (vms_step_will_wait(step, err))
		err = wait_event_interruptible(space->wait, atomic_read(&space->released) !=
					       step->wait_seq) ? -EINTR : 0;
	step->wait_space = NULL;
	vms_space_put(space);
	return err;
}

/**
 * vms_step - run one operation: the only way to change a store
 * @s: ready store
 * @op: the operation, its ids resolved; out_errno and out are written
 * @data: kernel memory that stands for what the operation's user pointer names, as
 *	many bytes as its row's data_len() says; NULL for none
 *
 * Process context, may sleep, for an unbounded time only with VMSTORE_OPF_WAIT.
 *
 * Return: op->out_errno.
 */
int vms_step(struct vms_store *s, struct vmstore_op *op, void *data)
{
	const struct vms_op_row *row = vms_op_row(op->opcode);
	struct vms_step step = { .store = s, .op = op, .data = data };
	int err = vms_step_validate(s, row, op);

	memset(&op->out, 0, sizeof(op->out));
	if (row)
		trace_vmstore_op_begin(op, row->name);
	while (!err) {
		err = vms_store_lock(s);
		if (err)
			break;
		err = vms_step_locked(&step, row);
		vms_store_unlock(s);
		if (!step.wait_space)
			break;
		err = vms_step_wait(&step, err);
	}
	op->out_errno = err;
	if (row)
		trace_vmstore_op_end(op, row->name);
	return err;
}
