// SPDX-License-Identifier: GPL-2.0-only
/*
 * Operations on segments [model 5.5]. An operation takes its segment out of the store and
 * puts it back or not: of two on one segment the loser gets -EBUSY.
 */

#include "ops.h"

static void vms_out_segment(struct vms_step *step, u64 id, struct vms_segment seg)
{
	step->op->out.segment = (struct vmstore_out_segment) {
		.id = id,
		.start = vms_segment_start(seg),
		.end = vms_segment_end(seg),
	};
}

int vms_op_segment_from_unused(struct vms_step *step)
{
	const struct vmstore_arg_range *arg = &step->op->arg.range;
	struct vms_store *s = step->store;
	struct vms_segment seg;
	u64 id;
	int err = vms_registry_reserve(&s->segments, &id);

	if (err)
		return err;
	err = vms_segment_from_unused(&s->region, arg->start, arg->end, &seg);
	if (err) {
		vms_registry_release(&s->segments, id);
		return err;
	}
	seg.nr += VMS_WRONG(SEGMENT_LONG);
	vms_op_must(vms_store_insert_segment(s, id, seg));
	vms_out_segment(step, id, seg);
	return 0;
}

int vms_op_segment_drop(struct vms_step *step)
{
	struct vms_store *s = step->store;
	struct vmstore_out_segment_drop *out = &step->op->out.segment_drop;
	u64 id = step->op->arg.id.id;
	struct vms_segment seg;
	int err = vms_store_extract_segment(s, id, &seg);

	if (err)
		return err;
	out->frames_freed = vms_segment_drop(&s->region, seg);
	out->start = vms_segment_start(seg);
	out->end = vms_segment_end(seg);
	vms_registry_release(&s->segments, id);
	return 0;
}

static int vms_segment_reserve_two(struct vms_store *s, u64 id[2])
{
	int err = vms_registry_reserve(&s->segments, &id[0]);

	if (err)
		return err;
	err = vms_registry_reserve(&s->segments, &id[1]);
	if (err)
		vms_registry_release(&s->segments, id[0]);
	return err;
}

int vms_op_segment_split(struct vms_step *step)
{
	const struct vmstore_arg_split *arg = &step->op->arg.split;
	struct vmstore_out_segment *out = &step->op->out.segment;
	struct vms_store *s = step->store;
	struct vms_segment seg, part[2];
	u64 id[2];
	int err = vms_store_extract_segment(s, arg->segment, &seg);

	if (err)
		return err;
	err = vms_segment_split(seg, arg->offset, part);
	if (!err)
		err = vms_segment_reserve_two(s, id);
	if (err) {
		vms_op_must(vms_store_insert_segment(s, arg->segment, seg));
		return err;
	}
	vms_op_must(vms_store_insert_segment(s, id[0], part[0]));
	vms_op_must(vms_store_insert_segment(s, id[1], part[1]));
	vms_registry_release(&s->segments, arg->segment);
	vms_out_segment(step, id[0], seg);
	out->second = id[1];
	out->middle = vms_segment_end(part[0]);
	return 0;
}

int vms_op_segment_next(struct vms_step *step)
{
	struct vms_store *s = step->store;
	u64 id = step->op->arg.id.id;
	struct vms_segment seg;
	u64 frame;
	u32 idx;
	int err = vms_store_extract_segment(s, id, &seg);

	if (err)
		return err;
	err = vms_registry_reserve(&s->frames, &frame);
	if (err) {
		vms_op_must(vms_store_insert_segment(s, id, seg));
		return err;
	}
	idx = seg.first++;
	if (VMS_WRONG(SEGMENT_NEXT_KEPT)) {
		seg.first--;
		seg.nr++;
	}
	vms_op_must(vms_store_insert_frame(s, frame, idx));
	if (--seg.nr)
		vms_op_must(vms_store_insert_segment(s, id, seg));
	else
		vms_registry_release(&s->segments, id);
	step->op->out.frame.id = frame;
	step->op->out.frame.paddr = vms_slot_paddr(idx);
	return 0;
}

/* One more segment of @part of what the caller has in hand */
static int vms_segment_share_part(struct vms_step *step, struct vms_segment part)
{
	struct vms_store *s = step->store;
	u64 id;
	int err = vms_registry_reserve(&s->segments, &id);

	if (err)
		return err;
	err = vms_segment_share(&s->region, part);
	if (err) {
		vms_registry_release(&s->segments, id);
		return err;
	}
	vms_op_must(vms_store_insert_segment(s, id, part));
	vms_out_segment(step, id, part);
	return 0;
}

int vms_op_segment_clone(struct vms_step *step)
{
	struct vms_store *s = step->store;
	u64 id = step->op->arg.id.id;
	struct vms_segment seg;
	int err = vms_store_extract_segment(s, id, &seg);

	if (err)
		return err;
	err = vms_segment_share_part(step, seg);
	vms_op_must(vms_store_insert_segment(s, id, seg));
	return err;
}

int vms_op_segment_slice(struct vms_step *step)
{
	const struct vmstore_arg_slice *arg = &step->op->arg.slice;
	struct vms_store *s = step->store;
	struct vms_segment seg, part;
	int err = vms_store_extract_segment(s, arg->segment, &seg);

	if (err)
		return err;
	err = vms_segment_slice(seg, arg->start, arg->end, &part);
	if (!err)
		err = vms_segment_share_part(step, part);
	vms_op_must(vms_store_insert_segment(s, arg->segment, seg));
	return err;
}

/* The handle's reference becomes the segment's: no slot changes */
int vms_op_frame_to_segment(struct vms_step *step)
{
	struct vms_store *s = step->store;
	u64 frame = step->op->arg.id.id;
	struct vms_segment seg = { .nr = 1 };
	u64 id;
	int err = vms_store_extract_frame(s, frame, &seg.first);

	if (err)
		return err;
	err = vms_registry_reserve(&s->segments, &id);
	if (err) {
		vms_op_must(vms_store_insert_frame(s, frame, seg.first));
		return err;
	}
	seg.nr -= VMS_WRONG(SEGMENT_EMPTY);
	vms_op_must(vms_store_insert_segment(s, id, seg));
	vms_registry_release(&s->frames, frame);
	vms_out_segment(step, id, seg);
	return 0;
}
