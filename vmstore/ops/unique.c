// SPDX-License-Identifier: GPL-2.0-only
/* Operations on exclusive handles [model 5.6]. */

#include "../unique.h"
#include "ops.h"

static void vms_out_handle(struct vms_step *step, u64 id, u32 idx)
{
	step->op->out.frame.id = id;
	step->op->out.frame.paddr = vms_slot_paddr(idx);
}

int vms_op_unique_from_unused(struct vms_step *step)
{
	struct vms_store *s = step->store;
	u64 id;
	u32 idx;
	int err = vms_registry_reserve(&s->uniques, &id);

	if (err)
		return err;
	err = vms_unique_from_unused(&s->region, step->op->arg.paddr.paddr, &idx);
	if (err) {
		vms_registry_release(&s->uniques, id);
		return err;
	}
	vms_op_must(vms_store_insert_unique(s, id, idx));
	vms_out_handle(step, id, idx);
	return 0;
}

int vms_op_unique_drop(struct vms_step *step)
{
	struct vms_store *s = step->store;
	struct vmstore_out_drop *out = &step->op->out.drop;
	u64 id = step->op->arg.id.id;
	u32 idx;
	int err = vms_store_extract_unique(s, id, &idx);

	if (err)
		return err;
	if (!VMS_WRONG(UNIQUE_NOT_FREED))
		vms_slot_put_unique(&s->region, idx);
	vms_registry_release(&s->uniques, id);
	out->paddr = vms_slot_paddr(idx);
	out->freed = 1;
	return 0;
}

int vms_op_from_unique(struct vms_step *step)
{
	struct vms_store *s = step->store;
	u64 unique = step->op->arg.id.id;
	u64 frame;
	u32 idx;
	int err = vms_store_extract_unique(s, unique, &idx);

	if (err)
		return err;
	err = vms_registry_reserve(&s->frames, &frame);
	if (err) {
		vms_op_must(vms_store_insert_unique(s, unique, idx));
		return err;
	}
	vms_slot_share_unique(&s->region, idx);
	vms_op_must(vms_store_insert_frame(s, frame, idx));
	if (VMS_WRONG(UNIQUE_KEPT))
		vms_op_must(vms_store_insert_unique(s, unique, idx));
	else
		vms_registry_release(&s->uniques, unique);
	vms_out_handle(step, frame, idx);
	return 0;
}

int vms_op_try_from_shared(struct vms_step *step)
{
	struct vms_store *s = step->store;
	u64 frame = step->op->arg.id.id;
	u64 unique;
	u32 idx;
	int err = vms_store_extract_frame(s, frame, &idx);

	if (err)
		return err;
	err = vms_registry_reserve(&s->uniques, &unique);
	if (err)
		goto insert;
	err = vms_slot_try_unique(&s->region, idx);
	if (err)
		goto release;
	vms_op_must(vms_store_insert_unique(s, unique, idx));
	vms_registry_release(&s->frames, frame);
	vms_out_handle(step, unique, idx);
	return 0;

release:
	vms_registry_release(&s->uniques, unique);
insert:
	vms_op_must(vms_store_insert_frame(s, frame, idx));
	return err;
}
