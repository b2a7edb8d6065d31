// SPDX-License-Identifier: GPL-2.0-only
/*
 * libvmstore: kernel areas
 */
#include <stdint.h>

#include "libops.h"

/* --- builders -------------------------------------------------------------- */

size_t vms_batch_kvirt_map_frames(struct vms_batch *batch, __u64 size, __u64 offset,
				  const __u64 *frames, __u32 count,
				  struct vmstore_prop prop)
{
	struct vmstore_op *op = vms_batch_add(batch, VMSTORE_OP_KVIRT_MAP_FRAMES);

	if (op) {
		op->arg.kvirt_frames.area_size = size;
		op->arg.kvirt_frames.map_offset = offset;
		op->arg.kvirt_frames.frames = (uintptr_t)frames;
		op->arg.kvirt_frames.count = count;
		op->arg.kvirt_frames.prop = prop;
	}
	return batch->nr - 1;
}

size_t vms_batch_kvirt_map_untracked(struct vms_batch *batch, __u64 size, __u64 offset,
				     __u64 start, __u64 end, struct vmstore_prop prop)
{
	struct vmstore_op *op = vms_batch_add(batch, VMSTORE_OP_KVIRT_MAP_UNTRACKED);

	if (op) {
		op->arg.kvirt_untracked.area_size = size;
		op->arg.kvirt_untracked.map_offset = offset;
		op->arg.kvirt_untracked.start = start;
		op->arg.kvirt_untracked.end = end;
		op->arg.kvirt_untracked.prop = prop;
	}
	return batch->nr - 1;
}

size_t vms_batch_kvirt_query(struct vms_batch *batch, __u64 area, __u64 va, __u16 flags)
{
	struct vmstore_op *op = vms_batch_add(batch, VMSTORE_OP_KVIRT_QUERY);

	if (op) {
		op->flags = flags;
		op->arg.kvirt_addr.area = area;
		op->arg.kvirt_addr.addr = va;
	}
	return batch->nr - 1;
}

size_t vms_batch_kvirt_drop(struct vms_batch *batch, __u64 area)
{
	return add_id(batch, VMSTORE_OP_KVIRT_DROP, area);
}

size_t vms_batch_kvirt_unmap_range(struct vms_batch *batch, __u64 area, __u64 offset,
				   __u64 len)
{
	struct vmstore_op *op = vms_batch_add(batch, VMSTORE_OP_KVIRT_UNMAP_RANGE);

	if (op) {
		op->arg.kvirt_range.area = area;
		op->arg.kvirt_range.offset = offset;
		op->arg.kvirt_range.len = len;
	}
	return batch->nr - 1;
}

size_t vms_batch_kvirt_protect_range(struct vms_batch *batch, __u64 area, __u64 offset,
				     __u64 len, struct vmstore_prop prop,
				     struct vmstore_prop mask, __u16 flags)
{
	struct vmstore_op *op = vms_batch_add(batch, VMSTORE_OP_KVIRT_PROTECT_RANGE);

	if (op) {
		op->flags = flags;
		op->arg.kvirt_protect.area = area;
		op->arg.kvirt_protect.offset = offset;
		op->arg.kvirt_protect.len = len;
		op->arg.kvirt_protect.prop = prop;
		op->arg.kvirt_protect.mask = mask;
	}
	return batch->nr - 1;
}

/* --- single operations ----------------------------------------------------- */

int vms_kvirt_map_frames(struct vms_store *store, __u64 size, __u64 offset,
			 const __u64 *frames, __u32 count, struct vmstore_prop prop,
			 struct vmstore_out_kvirt *out)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_kvirt_map_frames(&batch, size, offset, frames, count, prop);
	return single_out(store, &op, out);
}

int vms_kvirt_map_untracked(struct vms_store *store, __u64 size, __u64 offset,
			    __u64 start, __u64 end, struct vmstore_prop prop,
			    struct vmstore_out_kvirt *out)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_kvirt_map_untracked(&batch, size, offset, start, end, prop);
	return single_out(store, &op, out);
}

int vms_kvirt_query(struct vms_store *store, __u64 area, __u64 va, __u16 flags,
		    struct vmstore_out_query *out)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_kvirt_query(&batch, area, va, flags);
	return single_out(store, &op, out);
}

int vms_kvirt_drop(struct vms_store *store, __u64 area, struct vmstore_out_kvirt_unmap *out)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_kvirt_drop(&batch, area);
	return single_out(store, &op, out);
}

int vms_kvirt_unmap_range(struct vms_store *store, __u64 area, __u64 offset, __u64 len,
			  struct vmstore_out_kvirt_unmap *out)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_kvirt_unmap_range(&batch, area, offset, len);
	return single_out(store, &op, out);
}

int vms_kvirt_protect_range(struct vms_store *store, __u64 area, __u64 offset, __u64 len,
			    struct vmstore_prop prop, struct vmstore_prop mask, __u16 flags,
			    struct vmstore_out_kvirt_protect *out)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_kvirt_protect_range(&batch, area, offset, len, prop, mask, flags);
	return single_out(store, &op, out);
}
