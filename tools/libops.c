// SPDX-License-Identifier: GPL-2.0-only
/*
 * libvmstore: building operations, and running one at a time
 */
#include "libops.h"

/* --- builders -------------------------------------------------------------- */

static size_t add_len(struct vms_batch *batch, __u16 opcode, __u64 cursor,
		      __u64 len)
{
	struct vmstore_op *op = vms_batch_add(batch, opcode);

	if (op) {
		op->arg.len.cursor = cursor;
		op->arg.len.len = len;
	}
	return batch->nr - 1;
}

static size_t add_open(struct vms_batch *batch, __u16 opcode, __u64 space,
		       __u64 start, __u64 end, __u16 flags)
{
	struct vmstore_op *op = vms_batch_add(batch, opcode);

	if (op) {
		op->flags = flags;
		op->arg.open.space = space;
		op->arg.open.start = start;
		op->arg.open.end = end;
	}
	return batch->nr - 1;
}

size_t vms_batch_frame_from_unused(struct vms_batch *batch, __u64 paddr)
{
	return add_paddr(batch, VMSTORE_OP_FRAME_FROM_UNUSED, paddr);
}

size_t vms_batch_frame_from_in_use(struct vms_batch *batch, __u64 paddr)
{
	return add_paddr(batch, VMSTORE_OP_FRAME_FROM_IN_USE, paddr);
}

size_t vms_batch_frame_alloc(struct vms_batch *batch)
{
	vms_batch_add(batch, VMSTORE_OP_FRAME_ALLOC);
	return batch->nr - 1;
}

size_t vms_batch_frame_drop(struct vms_batch *batch, __u64 frame)
{
	return add_id(batch, VMSTORE_OP_FRAME_DROP, frame);
}

size_t vms_batch_space_new(struct vms_batch *batch)
{
	vms_batch_add(batch, VMSTORE_OP_SPACE_NEW);
	return batch->nr - 1;
}

size_t vms_batch_space_drop(struct vms_batch *batch, __u64 space)
{
	return add_id(batch, VMSTORE_OP_SPACE_DROP, space);
}

size_t vms_batch_space_activate(struct vms_batch *batch, __u64 space)
{
	return add_id(batch, VMSTORE_OP_SPACE_ACTIVATE, space);
}

size_t vms_batch_cursor_open(struct vms_batch *batch, __u64 space, __u64 start,
			     __u64 end, __u16 flags)
{
	return add_open(batch, VMSTORE_OP_CURSOR_OPEN, space, start, end,
			flags);
}

size_t vms_batch_cursor_open_mut(struct vms_batch *batch, __u64 space,
				 __u64 start, __u64 end, __u16 flags)
{
	return add_open(batch, VMSTORE_OP_CURSOR_OPEN_MUT, space, start, end,
			flags);
}

size_t vms_batch_cursor_drop(struct vms_batch *batch, __u64 cursor)
{
	return add_id(batch, VMSTORE_OP_CURSOR_DROP, cursor);
}

size_t vms_batch_query(struct vms_batch *batch, __u64 cursor, __u16 flags)
{
	struct vmstore_op *op = vms_batch_add(batch, VMSTORE_OP_CURSOR_QUERY);

	if (op) {
		op->flags = flags;
		op->arg.id.id = cursor;
	}
	return batch->nr - 1;
}

size_t vms_batch_find_next(struct vms_batch *batch, __u64 cursor, __u64 len)
{
	return add_len(batch, VMSTORE_OP_CURSOR_FIND_NEXT, cursor, len);
}

size_t vms_batch_jump(struct vms_batch *batch, __u64 cursor, __u64 va)
{
	struct vmstore_op *op = vms_batch_add(batch, VMSTORE_OP_CURSOR_JUMP);

	if (op) {
		op->arg.jump.cursor = cursor;
		op->arg.jump.va = va;
	}
	return batch->nr - 1;
}

size_t vms_batch_vaddr(struct vms_batch *batch, __u64 cursor)
{
	return add_id(batch, VMSTORE_OP_CURSOR_VADDR, cursor);
}

size_t vms_batch_map(struct vms_batch *batch, __u64 cursor, __u64 frame,
		     struct vmstore_prop prop)
{
	struct vmstore_op *op = vms_batch_add(batch, VMSTORE_OP_CURSOR_MAP);

	if (op) {
		op->arg.map.cursor = cursor;
		op->arg.map.frame = frame;
		op->arg.map.prop = prop;
	}
	return batch->nr - 1;
}

size_t vms_batch_unmap(struct vms_batch *batch, __u64 cursor, __u64 len)
{
	return add_len(batch, VMSTORE_OP_CURSOR_UNMAP, cursor, len);
}

size_t vms_batch_protect_next(struct vms_batch *batch, __u64 cursor, __u64 len,
			      struct vmstore_prop prop,
			      struct vmstore_prop mask, __u16 flags)
{
	struct vmstore_op *op;

	op = vms_batch_add(batch, VMSTORE_OP_CURSOR_PROTECT_NEXT);
	if (op) {
		op->flags = flags;
		op->arg.protect.cursor = cursor;
		op->arg.protect.len = len;
		op->arg.protect.prop = prop;
		op->arg.protect.mask = mask;
	}
	return batch->nr - 1;
}

size_t vms_batch_flush(struct vms_batch *batch, __u64 cursor, __u64 va,
		       __u64 len)
{
	struct vmstore_op *op = vms_batch_add(batch, VMSTORE_OP_CURSOR_FLUSH);

	if (op) {
		op->arg.flush.cursor = cursor;
		op->arg.flush.va = va;
		op->arg.flush.len = len;
	}
	return batch->nr - 1;
}

size_t vms_batch_reap(struct vms_batch *batch)
{
	vms_batch_add(batch, VMSTORE_OP_REAP);
	return batch->nr - 1;
}

size_t vms_batch_load(struct vms_batch *batch, __u64 space, __u64 va,
		      __u32 width)
{
	struct vmstore_op *op = vms_batch_add(batch, VMSTORE_OP_ACCESS);

	if (op) {
		op->arg.access.space = space;
		op->arg.access.va = va;
		op->arg.access.width = width;
	}
	return batch->nr - 1;
}

size_t vms_batch_write(struct vms_batch *batch, __u64 space, __u64 va,
		       __u32 width, __u64 value)
{
	struct vmstore_op *op = vms_batch_add(batch, VMSTORE_OP_ACCESS);

	if (op) {
		op->flags = VMSTORE_OPF_WRITE;
		op->arg.access.space = space;
		op->arg.access.va = va;
		op->arg.access.width = width;
		op->arg.access.value = value;
	}
	return batch->nr - 1;
}

/* --- single operations ----------------------------------------------------- */

int vms_frame_from_unused(struct vms_store *store, __u64 paddr, __u64 *frame)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_frame_from_unused(&batch, paddr);
	return single_id(store, &op, frame);
}

int vms_frame_from_in_use(struct vms_store *store, __u64 paddr, __u64 *frame)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_frame_from_in_use(&batch, paddr);
	return single_id(store, &op, frame);
}

int vms_frame_alloc(struct vms_store *store, __u64 *frame, __u64 *paddr)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);
	int ret;

	vms_batch_frame_alloc(&batch);
	ret = single_id(store, &op, frame);
	if (!ret && paddr)
		*paddr = op.out.frame.paddr;
	return ret;
}

int vms_frame_drop(struct vms_store *store, __u64 frame, bool *freed)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);
	int ret;

	vms_batch_frame_drop(&batch, frame);
	ret = vms_run_op(store, &op);
	if (!ret && freed)
		*freed = op.out.drop.freed;
	return ret;
}

int vms_space_new(struct vms_store *store, __u64 *space)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_space_new(&batch);
	return single_id(store, &op, space);
}

int vms_space_drop(struct vms_store *store, __u64 space,
		   struct vmstore_out_space_drop *out)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_space_drop(&batch, space);
	return single_out(store, &op, out);
}

int vms_space_activate(struct vms_store *store, __u64 space)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_space_activate(&batch, space);
	return vms_run_op(store, &op);
}

int vms_cursor_open(struct vms_store *store, __u64 space, __u64 start,
		    __u64 end, __u16 flags, __u64 *cursor)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_cursor_open(&batch, space, start, end, flags);
	return single_id(store, &op, cursor);
}

int vms_cursor_open_mut(struct vms_store *store, __u64 space, __u64 start,
			__u64 end, __u16 flags, __u64 *cursor)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_cursor_open_mut(&batch, space, start, end, flags);
	return single_id(store, &op, cursor);
}

int vms_cursor_drop(struct vms_store *store, __u64 cursor)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_cursor_drop(&batch, cursor);
	return vms_run_op(store, &op);
}

int vms_query(struct vms_store *store, __u64 cursor, __u16 flags,
	      struct vmstore_out_query *out)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_query(&batch, cursor, flags);
	return single_out(store, &op, out);
}

int vms_find_next(struct vms_store *store, __u64 cursor, __u64 len,
		  struct vmstore_out_va *out)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_find_next(&batch, cursor, len);
	return single_out(store, &op, out);
}

int vms_jump(struct vms_store *store, __u64 cursor, __u64 va)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_jump(&batch, cursor, va);
	return vms_run_op(store, &op);
}

int vms_vaddr(struct vms_store *store, __u64 cursor, __u64 *va)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);
	int ret;

	vms_batch_vaddr(&batch, cursor);
	ret = vms_run_op(store, &op);
	if (!ret && va)
		*va = op.out.va.va;
	return ret;
}

int vms_map(struct vms_store *store, __u64 cursor, __u64 frame,
	    struct vmstore_prop prop, struct vmstore_out_map *out)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_map(&batch, cursor, frame, prop);
	return single_out(store, &op, out);
}

int vms_unmap(struct vms_store *store, __u64 cursor, __u64 len,
	      struct vmstore_out_unmap *out)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_unmap(&batch, cursor, len);
	return single_out(store, &op, out);
}

int vms_protect_next(struct vms_store *store, __u64 cursor, __u64 len,
		     struct vmstore_prop prop, struct vmstore_prop mask,
		     __u16 flags, struct vmstore_out_protect *out)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_protect_next(&batch, cursor, len, prop, mask, flags);
	return single_out(store, &op, out);
}

int vms_flush(struct vms_store *store, __u64 cursor, __u64 va, __u64 len)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_flush(&batch, cursor, va, len);
	return vms_run_op(store, &op);
}

int vms_reap(struct vms_store *store, struct vmstore_out_reap *out)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_reap(&batch);
	return single_out(store, &op, out);
}

static int single_access(struct vms_store *store, struct vmstore_op *op,
			 __u64 *value, __u32 *fault)
{
	int ret = vms_run_op(store, op);

	if (!ret && value)
		*value = op->out.access.value;
	if (fault)
		*fault = op->out.access.fault;
	return ret;
}

int vms_load(struct vms_store *store, __u64 space, __u64 va, __u32 width,
	     __u64 *value, __u32 *fault)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_load(&batch, space, va, width);
	return single_access(store, &op, value, fault);
}

int vms_write(struct vms_store *store, __u64 space, __u64 va, __u32 width,
	      __u64 value, __u32 *fault)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_write(&batch, space, va, width, value);
	return single_access(store, &op, NULL, fault);
}
