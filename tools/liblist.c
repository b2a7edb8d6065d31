// SPDX-License-Identifier: GPL-2.0-only
/*
 * libvmstore: frame lists
 */
#include "libops.h"

/* --- builders -------------------------------------------------------------- */

static size_t add_frame(struct vms_batch *batch, __u16 opcode, __u64 list, __u64 paddr)
{
	struct vmstore_op *op = vms_batch_add(batch, opcode);

	if (op) {
		op->arg.list_frame.list = list;
		op->arg.list_frame.paddr = paddr;
	}
	return batch->nr - 1;
}

static size_t add_unique(struct vms_batch *batch, __u16 opcode, __u64 list, __u64 unique,
			 __u64 n)
{
	struct vmstore_op *op = vms_batch_add(batch, opcode);

	if (op) {
		op->arg.list_insert.list = list;
		op->arg.list_insert.unique = unique;
		op->arg.list_insert.n = n;
	}
	return batch->nr - 1;
}

size_t vms_batch_list_new(struct vms_batch *batch)
{
	vms_batch_add(batch, VMSTORE_OP_LIST_NEW);
	return batch->nr - 1;
}

size_t vms_batch_list_drop(struct vms_batch *batch, __u64 list)
{
	return add_id(batch, VMSTORE_OP_LIST_DROP, list);
}

size_t vms_batch_list_size(struct vms_batch *batch, __u64 list)
{
	return add_id(batch, VMSTORE_OP_LIST_SIZE, list);
}

size_t vms_batch_list_contains(struct vms_batch *batch, __u64 list, __u64 paddr)
{
	return add_frame(batch, VMSTORE_OP_LIST_CONTAINS, list, paddr);
}

size_t vms_batch_list_insert_at(struct vms_batch *batch, __u64 list,
				__u64 unique, __u64 n)
{
	return add_unique(batch, VMSTORE_OP_LIST_INSERT_AT, list, unique, n);
}

size_t vms_batch_list_push_front(struct vms_batch *batch, __u64 list,
				 __u64 unique)
{
	return add_unique(batch, VMSTORE_OP_LIST_PUSH_FRONT, list, unique, 0);
}

size_t vms_batch_list_push_back(struct vms_batch *batch, __u64 list,
				__u64 unique)
{
	return add_unique(batch, VMSTORE_OP_LIST_PUSH_BACK, list, unique, 0);
}

size_t vms_batch_list_take_at(struct vms_batch *batch, __u64 list, __u64 n)
{
	struct vmstore_op *op = vms_batch_add(batch, VMSTORE_OP_LIST_TAKE_AT);

	if (op) {
		op->arg.list_at.list = list;
		op->arg.list_at.n = n;
	}
	return batch->nr - 1;
}

size_t vms_batch_list_pop_front(struct vms_batch *batch, __u64 list)
{
	return add_id(batch, VMSTORE_OP_LIST_POP_FRONT, list);
}

size_t vms_batch_list_pop_back(struct vms_batch *batch, __u64 list)
{
	return add_id(batch, VMSTORE_OP_LIST_POP_BACK, list);
}

size_t vms_batch_list_cursor_front(struct vms_batch *batch, __u64 list)
{
	return add_id(batch, VMSTORE_OP_LIST_CURSOR_FRONT, list);
}

size_t vms_batch_list_cursor_back(struct vms_batch *batch, __u64 list)
{
	return add_id(batch, VMSTORE_OP_LIST_CURSOR_BACK, list);
}

size_t vms_batch_list_cursor_at(struct vms_batch *batch, __u64 list,
				__u64 paddr)
{
	return add_frame(batch, VMSTORE_OP_LIST_CURSOR_AT, list, paddr);
}

size_t vms_batch_list_move_next(struct vms_batch *batch, __u64 list)
{
	return add_id(batch, VMSTORE_OP_LIST_MOVE_NEXT, list);
}

size_t vms_batch_list_move_prev(struct vms_batch *batch, __u64 list)
{
	return add_id(batch, VMSTORE_OP_LIST_MOVE_PREV, list);
}

size_t vms_batch_list_current(struct vms_batch *batch, __u64 list)
{
	return add_id(batch, VMSTORE_OP_LIST_CURRENT, list);
}

size_t vms_batch_list_as_list(struct vms_batch *batch, __u64 list)
{
	return add_id(batch, VMSTORE_OP_LIST_AS_LIST, list);
}

size_t vms_batch_list_cursor_insert_before(struct vms_batch *batch, __u64 list,
					   __u64 unique)
{
	return add_unique(batch, VMSTORE_OP_LIST_CURSOR_INSERT_BEFORE, list, unique,
			  0);
}

size_t vms_batch_list_cursor_take(struct vms_batch *batch, __u64 list)
{
	return add_id(batch, VMSTORE_OP_LIST_CURSOR_TAKE, list);
}

size_t vms_batch_list_cursor_drop(struct vms_batch *batch, __u64 list)
{
	return add_id(batch, VMSTORE_OP_LIST_CURSOR_DROP, list);
}

/* --- single operations ----------------------------------------------------- */

/* One that takes its list alone */
static int single_list(struct vms_store *store, __u16 opcode, __u64 list,
		       struct vmstore_out_list *out)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	add_id(&batch, opcode, list);
	return single_out(store, &op, out);
}

int vms_list_new(struct vms_store *store, __u64 *list)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_list_new(&batch);
	return single_id(store, &op, list);
}

int vms_list_drop(struct vms_store *store, __u64 list, __u64 *freed)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);
	int ret;

	vms_batch_list_drop(&batch, list);
	ret = vms_run_op(store, &op);
	if (!ret && freed)
		*freed = op.out.list_drop.frames_freed;
	return ret;
}

int vms_list_size(struct vms_store *store, __u64 list,
		  struct vmstore_out_list *out)
{
	return single_list(store, VMSTORE_OP_LIST_SIZE, list, out);
}

int vms_list_contains(struct vms_store *store, __u64 list, __u64 paddr,
		      struct vmstore_out_list *out)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_list_contains(&batch, list, paddr);
	return single_out(store, &op, out);
}

int vms_list_insert_at(struct vms_store *store, __u64 list, __u64 unique,
		       __u64 n, struct vmstore_out_list *out)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_list_insert_at(&batch, list, unique, n);
	return single_out(store, &op, out);
}

int vms_list_push_front(struct vms_store *store, __u64 list, __u64 unique,
			struct vmstore_out_list *out)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_list_push_front(&batch, list, unique);
	return single_out(store, &op, out);
}

int vms_list_push_back(struct vms_store *store, __u64 list, __u64 unique,
		       struct vmstore_out_list *out)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_list_push_back(&batch, list, unique);
	return single_out(store, &op, out);
}

int vms_list_take_at(struct vms_store *store, __u64 list, __u64 n,
		     struct vmstore_out_list *out)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_list_take_at(&batch, list, n);
	return single_out(store, &op, out);
}

int vms_list_pop_front(struct vms_store *store, __u64 list,
		       struct vmstore_out_list *out)
{
	return single_list(store, VMSTORE_OP_LIST_POP_FRONT, list, out);
}

int vms_list_pop_back(struct vms_store *store, __u64 list,
		      struct vmstore_out_list *out)
{
	return single_list(store, VMSTORE_OP_LIST_POP_BACK, list, out);
}

int vms_list_cursor_front(struct vms_store *store, __u64 list,
			  struct vmstore_out_list *out)
{
	return single_list(store, VMSTORE_OP_LIST_CURSOR_FRONT, list, out);
}

int vms_list_cursor_back(struct vms_store *store, __u64 list,
			 struct vmstore_out_list *out)
{
	return single_list(store, VMSTORE_OP_LIST_CURSOR_BACK, list, out);
}

int vms_list_cursor_at(struct vms_store *store, __u64 list, __u64 paddr,
		       struct vmstore_out_list *out)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_list_cursor_at(&batch, list, paddr);
	return single_out(store, &op, out);
}

int vms_list_move_next(struct vms_store *store, __u64 list,
		       struct vmstore_out_list *out)
{
	return single_list(store, VMSTORE_OP_LIST_MOVE_NEXT, list, out);
}

int vms_list_move_prev(struct vms_store *store, __u64 list,
		       struct vmstore_out_list *out)
{
	return single_list(store, VMSTORE_OP_LIST_MOVE_PREV, list, out);
}

int vms_list_current(struct vms_store *store, __u64 list,
		     struct vmstore_out_list *out)
{
	return single_list(store, VMSTORE_OP_LIST_CURRENT, list, out);
}

int vms_list_as_list(struct vms_store *store, __u64 list,
		     struct vmstore_out_list *out)
{
	return single_list(store, VMSTORE_OP_LIST_AS_LIST, list, out);
}

int vms_list_cursor_insert_before(struct vms_store *store, __u64 list,
				  __u64 unique, struct vmstore_out_list *out)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_list_cursor_insert_before(&batch, list, unique);
	return single_out(store, &op, out);
}

int vms_list_cursor_take(struct vms_store *store, __u64 list,
			 struct vmstore_out_list *out)
{
	return single_list(store, VMSTORE_OP_LIST_CURSOR_TAKE, list, out);
}

int vms_list_cursor_drop(struct vms_store *store, __u64 list,
			 struct vmstore_out_list *out)
{
	return single_list(store, VMSTORE_OP_LIST_CURSOR_DROP, list, out);
}
