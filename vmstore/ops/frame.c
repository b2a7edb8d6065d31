// SPDX-License-Identifier: GPL-2.0-only
/* Operations on handles of frames [model 5.4]. */

#include "../frame.h"
#include "ops.h"

/* Whatever takes the reference, the handle's place is there before it */
static int vms_op_frame_new(struct vms_step *step,
			    int (*take)(struct vms_region *r, u64 paddr, u32 *idx))
{
	struct vms_store *s = step->store;
	u64 id;
	u32 idx;
	int err = vms_registry_reserve(&s->frames, &id);

	if (err)
		return err;
	err = take(&s->region, step->op->arg.paddr.paddr, &idx);
	if (err) {
		vms_registry_release(&s->frames, id);
		return err;
	}
	vms_op_must(vms_store_insert_frame(s, id, idx));
	step->op->out.frame.id = id;
	step->op->out.frame.paddr = vms_slot_paddr(idx);
	return 0;
}

int vms_op_frame_from_unused(struct vms_step *step)
{
	return vms_op_frame_new(step, vms_frame_from_unused);
}

int vms_op_frame_from_in_use(struct vms_step *step)
{
	return vms_op_frame_new(step, vms_frame_from_in_use);
}

static int vms_frame_any(struct vms_region *r, u64 paddr, u32 *idx)
{
	return vms_frame_alloc(r, idx);
}

int vms_op_frame_alloc(struct vms_step *step)
{
	return vms_op_frame_new(step, vms_frame_any);
}

int vms_op_frame_drop(struct vms_step *step)
{
	struct vms_store *s = step->store;
	struct vmstore_out_drop *out = &step->op->out.drop;
	u64 id = step->op->arg.id.id;
	u32 idx;
	int err = vms_store_extract_frame(s, id, &idx);

	if (err)
		return err;
	out->freed = vms_slot_put(&s->region, idx);
	out->paddr = vms_slot_paddr(idx);
	vms_registry_release(&s->frames, id);
	return 0;
}

struct vms_frame_clone {
	struct vms_region *r;
	u32 idx;
};

/* The handle cannot be dropped meanwhile, so its frame is shared data */
static int vms_frame_clone_entry(void *entry, void *arg)
{
	struct vms_frame_clone *clone = arg;

	clone->idx = vms_frame_entry_slot(entry);
	return vms_slot_from_in_use(clone->r, clone->idx);
}

/* Any number of threads may clone one handle: it is never in anybody's hand */
int vms_op_frame_clone(struct vms_step *step)
{
	struct vms_store *s = step->store;
	struct vms_frame_clone clone = { .r = &s->region };
	u64 id;
	int err = vms_registry_reserve(&s->frames, &id);

	if (err)
		return err;
	err = vms_registry_with(&s->frames, step->op->arg.id.id, vms_frame_clone_entry, &clone);
	if (err) {
		vms_registry_release(&s->frames, id);
		return err;
	}
	vms_op_must(vms_store_insert_frame(s, id, clone.idx));
	step->op->out.frame.id = id;
	step->op->out.frame.paddr = vms_slot_paddr(clone.idx);
	return 0;
}

/* --- for operations that take or give several ------------------------------------- */

/* vms_op_put_back_frames - put the first @nr handles back */
void vms_op_put_back_frames(struct vms_store *s, const u64 *id, const u32 *slot, u32 nr)
{
	while (nr--)
		vms_op_must(vms_store_insert_frame(s, id[nr], slot[nr]));
}

/**
 * vms_op_extract_frames - take all handles out of the store, or none
 * @s: locked store
 * @id: which
 * @slot: out: their slots
 * @nr: how many
 *
 * One that comes twice is in hand already.
 *
 * Return: 0; -ENOENT; -EBUSY another operation has one; -EINVAL one comes twice.
 */
int vms_op_extract_frames(struct vms_store *s, const u64 *id, u32 *slot, u32 nr)
{
	u32 i, k;
	int err;

	for (i = 0; i < nr; i++) {
		err = vms_store_extract_frame(s, id[i], &slot[i]);
		if (err)
			break;
	}
	if (i == nr)
		return 0;
	for (k = 0; err == -EBUSY && k < i; k++)
		if (id[k] == id[i])
			err = -EINVAL;
	vms_op_put_back_frames(s, id, slot, i);
	return err;
}

/* vms_op_release_frames - handles in hand are gone, for their references are leaves' now */
void vms_op_release_frames(struct vms_store *s, const u64 *id, u32 nr)
{
	while (nr--)
		vms_registry_release(&s->frames, id[nr]);
}

/**
 * vms_op_clone_slot - a handle of a frame that was found mapped
 * @s: locked store
 * @slot: its slot
 * @id: out: the handle
 *
 * Its place first, then the count.
 *
 * Return: 0; -ENOSPC, -ENOMEM; or as vms_slot_from_in_use().
 */
int vms_op_clone_slot(struct vms_store *s, u32 slot, u64 *id)
{
	int err = vms_registry_reserve(&s->frames, id);

	if (err)
		return err;
	err = vms_slot_from_in_use(&s->region, slot);
	if (err) {
		vms_registry_release(&s->frames, *id);
		return err;
	}
	vms_op_must(vms_store_insert_frame(s, *id, slot));
	return 0;
}
