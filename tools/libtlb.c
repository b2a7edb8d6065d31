// SPDX-License-Identifier: GPL-2.0-only
/*
 * libvmstore: flush requests
 */
#include "libops.h"

/* Everything is a flag of the operation. */
static __u16 flags_of(__u64 len)
{
	return len ? 0 : VMSTORE_OPF_ALL;
}

size_t vms_batch_tlb_issue(struct vms_batch *batch, __u64 cursor, __u64 va,
			   __u64 len)
{
	struct vmstore_op *op = vms_batch_add(batch, VMSTORE_OP_TLB_ISSUE);

	if (op) {
		op->flags = flags_of(len);
		op->arg.flush.cursor = cursor;
		op->arg.flush.va = va;
		op->arg.flush.len = len;
	}
	return batch->nr - 1;
}

size_t vms_batch_tlb_issue_with(struct vms_batch *batch, __u64 cursor,
				__u64 frame, __u64 va, __u64 len)
{
	struct vmstore_op *op = vms_batch_add(batch, VMSTORE_OP_TLB_ISSUE_WITH);

	if (op) {
		op->flags = flags_of(len);
		op->arg.issue_with.cursor = cursor;
		op->arg.issue_with.frame = frame;
		op->arg.issue_with.va = va;
		op->arg.issue_with.len = len;
	}
	return batch->nr - 1;
}

size_t vms_batch_tlb_dispatch(struct vms_batch *batch, __u64 cursor)
{
	return add_id(batch, VMSTORE_OP_TLB_DISPATCH, cursor);
}

size_t vms_batch_tlb_sync(struct vms_batch *batch, __u64 cursor)
{
	return add_id(batch, VMSTORE_OP_TLB_SYNC, cursor);
}

size_t vms_batch_tlb_flush_local(struct vms_batch *batch, __u64 space,
				 __u64 va, __u64 len)
{
	struct vmstore_op *op = vms_batch_add(batch, VMSTORE_OP_TLB_FLUSH_LOCAL);

	if (op) {
		op->flags = flags_of(len);
		op->arg.flush_local.space = space;
		op->arg.flush_local.va = va;
		op->arg.flush_local.len = len;
	}
	return batch->nr - 1;
}

size_t vms_batch_tlb_watch(struct vms_batch *batch, __u64 space, __u64 va,
			   __u32 width, __u32 loads)
{
	struct vmstore_op *op = vms_batch_add(batch, VMSTORE_OP_TLB_WATCH);

	if (op) {
		op->arg.watch.space = space;
		op->arg.watch.va = va;
		op->arg.watch.width = width;
		op->arg.watch.loads = loads;
	}
	return batch->nr - 1;
}

int vms_tlb_issue(struct vms_store *store, __u64 cursor, __u64 va, __u64 len,
		  struct vmstore_out_tlb *out)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_tlb_issue(&batch, cursor, va, len);
	return single_out(store, &op, out);
}

int vms_tlb_issue_with(struct vms_store *store, __u64 cursor, __u64 frame,
		       __u64 va, __u64 len, struct vmstore_out_tlb *out)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_tlb_issue_with(&batch, cursor, frame, va, len);
	return single_out(store, &op, out);
}

int vms_tlb_dispatch(struct vms_store *store, __u64 cursor,
		     struct vmstore_out_tlb *out)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_tlb_dispatch(&batch, cursor);
	return single_out(store, &op, out);
}

int vms_tlb_sync(struct vms_store *store, __u64 cursor,
		 struct vmstore_out_tlb *out)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_tlb_sync(&batch, cursor);
	return single_out(store, &op, out);
}

int vms_tlb_flush_local(struct vms_store *store, __u64 space, __u64 va,
			__u64 len)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_tlb_flush_local(&batch, space, va, len);
	return vms_run_op(store, &op);
}

int vms_tlb_watch(struct vms_store *store, __u64 space, __u64 va, __u32 width,
		  __u32 loads, struct vmstore_out_watch *out)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_tlb_watch(&batch, space, va, width, loads);
	return single_out(store, &op, out);
}
