// SPDX-License-Identifier: GPL-2.0-only
/*
 * libvmstore: segments, exclusive handles, many frames at once
 */
#include <stdint.h>

#include "libops.h"

/* --- builders -------------------------------------------------------------- */

size_t vms_batch_frame_clone(struct vms_batch *batch, __u64 frame)
{
	return add_id(batch, VMSTORE_OP_FRAME_CLONE, frame);
}

size_t vms_batch_segment_drop(struct vms_batch *batch, __u64 segment)
{
	return add_id(batch, VMSTORE_OP_SEGMENT_DROP, segment);
}

size_t vms_batch_segment_next(struct vms_batch *batch, __u64 segment)
{
	return add_id(batch, VMSTORE_OP_SEGMENT_NEXT, segment);
}

size_t vms_batch_segment_clone(struct vms_batch *batch, __u64 segment)
{
	return add_id(batch, VMSTORE_OP_SEGMENT_CLONE, segment);
}

size_t vms_batch_frame_to_segment(struct vms_batch *batch, __u64 frame)
{
	return add_id(batch, VMSTORE_OP_FRAME_TO_SEGMENT, frame);
}

size_t vms_batch_unique_drop(struct vms_batch *batch, __u64 unique)
{
	return add_id(batch, VMSTORE_OP_UNIQUE_DROP, unique);
}

size_t vms_batch_from_unique(struct vms_batch *batch, __u64 unique)
{
	return add_id(batch, VMSTORE_OP_FROM_UNIQUE, unique);
}

size_t vms_batch_try_from_shared(struct vms_batch *batch, __u64 frame)
{
	return add_id(batch, VMSTORE_OP_TRY_FROM_SHARED, frame);
}

size_t vms_batch_segment_from_unused(struct vms_batch *batch, __u64 start,
				     __u64 end)
{
	struct vmstore_op *op;

	op = vms_batch_add(batch, VMSTORE_OP_SEGMENT_FROM_UNUSED);
	if (op) {
		op->arg.range.start = start;
		op->arg.range.end = end;
	}
	return batch->nr - 1;
}

size_t vms_batch_segment_split(struct vms_batch *batch, __u64 segment,
			       __u64 offset)
{
	struct vmstore_op *op = vms_batch_add(batch, VMSTORE_OP_SEGMENT_SPLIT);

	if (op) {
		op->arg.split.segment = segment;
		op->arg.split.offset = offset;
	}
	return batch->nr - 1;
}

size_t vms_batch_segment_slice(struct vms_batch *batch, __u64 segment,
			       __u64 start, __u64 end)
{
	struct vmstore_op *op = vms_batch_add(batch, VMSTORE_OP_SEGMENT_SLICE);

	if (op) {
		op->arg.slice.segment = segment;
		op->arg.slice.start = start;
		op->arg.slice.end = end;
	}
	return batch->nr - 1;
}

size_t vms_batch_unique_from_unused(struct vms_batch *batch, __u64 paddr)
{
	return add_paddr(batch, VMSTORE_OP_UNIQUE_FROM_UNUSED, paddr);
}

size_t vms_batch_map_frames(struct vms_batch *batch, __u64 cursor,
			    const __u64 *frames, __u32 count,
			    struct vmstore_prop prop)
{
	struct vmstore_op *op = vms_batch_add(batch, VMSTORE_OP_CURSOR_MAP_FRAMES);

	if (op) {
		op->arg.map_frames.cursor = cursor;
		op->arg.map_frames.frames = (uintptr_t)frames;
		op->arg.map_frames.count = count;
		op->arg.map_frames.prop = prop;
	}
	return batch->nr - 1;
}

size_t vms_batch_map_segment(struct vms_batch *batch, __u64 cursor,
			     __u64 segment, struct vmstore_prop prop)
{
	struct vmstore_op *op;

	op = vms_batch_add(batch, VMSTORE_OP_CURSOR_MAP_SEGMENT);
	if (op) {
		op->arg.map_segment.cursor = cursor;
		op->arg.map_segment.segment = segment;
		op->arg.map_segment.prop = prop;
	}
	return batch->nr - 1;
}

/* --- single operations ----------------------------------------------------- */

int vms_frame_clone(struct vms_store *store, __u64 frame, __u64 *clone)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_frame_clone(&batch, frame);
	return single_id(store, &op, clone);
}

int vms_segment_from_unused(struct vms_store *store, __u64 start, __u64 end,
			    __u64 *segment)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_segment_from_unused(&batch, start, end);
	return single_id(store, &op, segment);
}

int vms_segment_drop(struct vms_store *store, __u64 segment,
		     struct vmstore_out_segment_drop *out)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_segment_drop(&batch, segment);
	return single_out(store, &op, out);
}

int vms_segment_split(struct vms_store *store, __u64 segment, __u64 offset,
		      __u64 *first, __u64 *second)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);
	int ret;

	vms_batch_segment_split(&batch, segment, offset);
	ret = single_id(store, &op, first);
	if (!ret && second)
		*second = op.out.segment.second;
	return ret;
}

int vms_segment_next(struct vms_store *store, __u64 segment, __u64 *frame,
		     __u64 *paddr)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);
	int ret;

	vms_batch_segment_next(&batch, segment);
	ret = single_id(store, &op, frame);
	if (!ret && paddr)
		*paddr = op.out.frame.paddr;
	return ret;
}

int vms_segment_clone(struct vms_store *store, __u64 segment, __u64 *clone)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_segment_clone(&batch, segment);
	return single_id(store, &op, clone);
}

int vms_segment_slice(struct vms_store *store, __u64 segment, __u64 start,
		      __u64 end, __u64 *slice)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_segment_slice(&batch, segment, start, end);
	return single_id(store, &op, slice);
}

int vms_frame_to_segment(struct vms_store *store, __u64 frame, __u64 *segment)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_frame_to_segment(&batch, frame);
	return single_id(store, &op, segment);
}

int vms_unique_from_unused(struct vms_store *store, __u64 paddr, __u64 *unique)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_unique_from_unused(&batch, paddr);
	return single_id(store, &op, unique);
}

int vms_unique_drop(struct vms_store *store, __u64 unique)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_unique_drop(&batch, unique);
	return vms_run_op(store, &op);
}

int vms_from_unique(struct vms_store *store, __u64 unique, __u64 *frame)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_from_unique(&batch, unique);
	return single_id(store, &op, frame);
}

int vms_try_from_shared(struct vms_store *store, __u64 frame, __u64 *unique)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_try_from_shared(&batch, frame);
	return single_id(store, &op, unique);
}

int vms_map_frames(struct vms_store *store, __u64 cursor, const __u64 *frames,
		   __u32 count, struct vmstore_prop prop,
		   struct vmstore_out_map_many *out)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_map_frames(&batch, cursor, frames, count, prop);
	return single_out(store, &op, out);
}

int vms_map_segment(struct vms_store *store, __u64 cursor, __u64 segment,
		    struct vmstore_prop prop, struct vmstore_out_map_many *out)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_map_segment(&batch, cursor, segment, prop);
	return single_out(store, &op, out);
}
