// SPDX-License-Identifier: GPL-2.0-only
/* Operations on kernel virtual areas [model 5.7]. */

#include <linux/err.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/slab.h>

#include "ops.h"

/* AVAIL1 is the module's mark of what it counts: callers neither see nor set it */
static bool vms_kvirt_prop_valid(struct vmstore_prop prop)
{
	return vms_prop_encodable(prop) && !(prop.flags & VMSTORE_PROP_AVAIL1);
}

/* Do @len bytes fit from @offset on? */
static bool vms_kvirt_fits(u64 size, u64 offset, u64 len)
{
	return vms_page_aligned(size) && vms_page_aligned(offset) && vms_page_aligned(len) &&
	       offset <= size && len <= size - offset;
}

static void vms_kvirt_leave(struct vms_store *s, struct vms_gather *left)
{
	if (left)
		vms_store_leave_gather(s, left);
}

/* --- making one --------------------------------------------------------------------- */

/* With an id in hand and addresses, nothing mapped */
static int vms_kvirt_new(struct vms_store *s, u64 size, u64 phase, struct vms_kvirt **area)
{
	u64 id;
	int err = vms_registry_reserve(&s->areas, &id);

	if (err)
		return err;
	*area = vms_kvirt_alloc(&s->kvirts, size, phase);
	if (!*area) {
		vms_registry_release(&s->areas, id);
		return -ENOMEM;
	}
	(*area)->id = id;
	return 0;
}

static void vms_kvirt_cancel(struct vms_store *s, struct vms_kvirt *area)
{
	vms_registry_release(&s->areas, area->id);
	vms_kvirt_free(&s->kvirts, area);
}

/* It is complete: from now on others may work on it */
static void vms_kvirt_publish(struct vms_step *step, struct vms_kvirt *area, u64 leaves,
			      const struct vms_mapped *mapped)
{
	step->op->out.kvirt = (struct vmstore_out_kvirt) {
		.id = area->id,
		.start = area->start,
		.end = area->end,
		.leaves = leaves,
		.huge = mapped->huge,
		.nodes_allocated = mapped->nodes,
	};
	vms_op_must(vms_store_insert_kvirt(step->store, area->id, area));
	vms_kvirt_unclaim(area);
}

static int vms_kvirt_make_tracked(struct vms_step *step, u32 *slot)
{
	const struct vmstore_arg_kvirt_frames *arg = &step->op->arg.kvirt_frames;
	const struct vms_frames frames = { .nr = arg->count, .slot = slot };
	struct vms_store *s = step->store;
	struct vms_mapped mapped = {};
	const u64 *id = step->data;
	struct vms_kvirt *area;
	int err = vms_op_extract_frames(s, id, slot, frames.nr);

	if (err)
		return err;
	err = vms_kvirt_new(s, arg->area_size, VMS_KVIRT_ANY_PHASE, &area);
	if (err)
		goto put_back;
	err = vms_kvirt_map_frames(&s->kvirts, area, arg->map_offset, &frames, arg->prop,
				   &mapped);
	if (err) {
		vms_kvirt_cancel(s, area);
		goto put_back;
	}
	vms_op_release_frames(s, id, frames.nr);
	vms_kvirt_publish(step, area, frames.nr, &mapped);
	return 0;

put_back:
	vms_op_put_back_frames(s, id, slot, frames.nr);
	return err;
}

int vms_op_kvirt_map_frames(struct vms_step *step)
{
	const struct vmstore_arg_kvirt_frames *arg = &step->op->arg.kvirt_frames;
	u64 len = (u64)arg->count << VMS_PAGE_SHIFT;
	u32 *slot;
	int err = -ENOMEM;

	if (!vms_kvirt_fits(arg->area_size, arg->map_offset, len) ||
	    arg->map_offset == arg->area_size || !vms_kvirt_prop_valid(arg->prop))
		return -EINVAL;
	slot = kvmalloc_array(max(arg->count, 1U), sizeof(*slot), GFP_KERNEL_ACCOUNT);
	if (slot)
		err = vms_kvirt_make_tracked(step, slot);
	kvfree(slot);
	return err;
}

static int vms_kvirt_check_untracked(const struct vms_region *r,
				     const struct vmstore_arg_kvirt_untracked *arg)
{
	if (arg->__reserved || arg->start > arg->end || !vms_page_aligned(arg->start) ||
	    !vms_kvirt_fits(arg->area_size, arg->map_offset, arg->end - arg->start) ||
	    !vms_kvirt_prop_valid(arg->prop))
		return -EINVAL;
	if (arg->end > r->size)
		return -ERANGE;
	if (arg->start < arg->end && vms_paddr_slot(arg->start) < r->first_mmio)
		return -EINVAL;
	return 0;
}

int vms_op_kvirt_map_untracked(struct vms_step *step)
{
	const struct vmstore_arg_kvirt_untracked *arg = &step->op->arg.kvirt_untracked;
	struct vms_store *s = step->store;
	struct vms_mapped mapped = {};
	struct vms_gather *left;
	struct vms_kvirt *area;
	u32 first, nr;
	u64 huge;
	int err = vms_kvirt_check_untracked(&s->region, arg);

	if (err)
		return err;
	/* Of an empty range, which may begin at the end of the region, none is looked at */
	first = array_index_nospec(vms_paddr_slot(arg->start), s->region.nr_slots);
	nr = vms_paddr_slot(arg->end - arg->start);
	err = vms_kvirt_new(s, arg->area_size,
			    vms_kvirt_phase(arg->start, nr, arg->map_offset), &area);
	if (err)
		return err;
	err = vms_kvirt_map_untracked(&s->kvirts, area, arg->map_offset, first, nr, arg->prop,
				      &mapped, &left);
	vms_kvirt_leave(s, left);
	if (err) {
		vms_kvirt_cancel(s, area);
		return err;
	}
	huge = vms_page_size(VMS_MAX_LEAF_LEVEL) >> VMS_PAGE_SHIFT;
	vms_kvirt_publish(step, area, nr - mapped.huge * (huge - 1), &mapped);
	return 0;
}

/* --- looking ------------------------------------------------------------------------- */

/* On a claimed area */
static int vms_kvirt_look(struct vms_step *step, struct vms_kvirt *area)
{
	struct vmstore_out_query *out = &step->op->out.query;
	u64 addr = step->op->arg.kvirt_addr.addr;
	struct vms_store *s = step->store;
	struct vms_item item;
	bool tracked;
	u64 id = 0;
	int err;

	if (addr < area->start || addr >= area->end)
		return -EINVAL;
	err = vms_kvirt_query(&s->kvirts, area, addr, &item);
	if (err)
		return err;
	tracked = item.found && item.slot < s->region.first_mmio;
	if (tracked && !(step->op->flags & VMSTORE_OPF_PEEK))
		err = vms_op_clone_slot(s, item.slot, &id);
	if (err)
		return err;
	out->id = id;
	out->start = item.start;
	out->end = item.end;
	out->level = item.level;
	out->found = item.found;
	out->untracked = item.found && !tracked;
	if (item.found) {
		out->paddr = vms_slot_paddr(item.slot);
		out->prop = item.prop;
	}
	return 0;
}

int vms_op_kvirt_query(struct vms_step *step)
{
	struct vms_kvirt *area = vms_store_claim_kvirt(step->store,
						       step->op->arg.kvirt_addr.area);
	int err;

	if (IS_ERR(area))
		return PTR_ERR(area);
	err = vms_kvirt_look(step, area);
	vms_kvirt_unclaim(area);
	return err;
}

/* --- changing ------------------------------------------------------------------------ */

/* To change what is mapped in it: nobody may rely on that */
static struct vms_kvirt *vms_kvirt_claim_to_change(struct vms_store *s, u64 id)
{
	struct vms_kvirt *area = vms_store_claim_kvirt(s, id);

	if (IS_ERR(area) || !atomic_read(&area->pins) || VMS_WRONG(AREA_PIN_IGNORED))
		return area;
	vms_kvirt_unclaim(area);
	return ERR_PTR(-EBUSY);
}

static void vms_kvirt_out_unmap(struct vms_step *step, const struct vms_removed *sum)
{
	step->op->out.kvirt_unmap = (struct vmstore_out_kvirt_unmap) {
		.removed = sum->leaves,
		.accessed = sum->accessed,
		.dirty = sum->dirty,
		.nodes = sum->nodes,
		.split = sum->split,
	};
}

/* What a claimed area has mapped goes, then the area */
static int vms_kvirt_tear_down(struct vms_step *step, struct vms_kvirt *area)
{
	struct vms_store *s = step->store;
	struct vms_removed sum = {};
	struct vms_gather *left;
	u64 id = area->id;
	int err = vms_store_extract_kvirt(s, id, &area);

	if (err)
		return err;
	err = vms_kvirt_unmap(&s->kvirts, area, 0, area->end - area->start, &sum, &left);
	vms_kvirt_leave(s, left);
	if (err) {
		vms_op_must(vms_store_insert_kvirt(s, id, area));
		return err;
	}
	vms_kvirt_out_unmap(step, &sum);
	vms_registry_release(&s->areas, id);
	vms_kvirt_free(&s->kvirts, area);
	return 0;
}

int vms_op_kvirt_drop(struct vms_step *step)
{
	struct vms_kvirt *area = vms_kvirt_claim_to_change(step->store, step->op->arg.id.id);
	int err;

	if (IS_ERR(area))
		return PTR_ERR(area);
	err = vms_kvirt_tear_down(step, area);
	if (err)
		vms_kvirt_unclaim(area);	/* else it stays claimed */
	return err;
}

int vms_op_kvirt_unmap_range(struct vms_step *step)
{
	const struct vmstore_arg_kvirt_range *arg = &step->op->arg.kvirt_range;
	struct vms_store *s = step->store;
	struct vms_removed sum = {};
	struct vms_gather *left = NULL;
	struct vms_kvirt *area = vms_kvirt_claim_to_change(s, arg->area);
	int err = -EINVAL;

	if (IS_ERR(area))
		return PTR_ERR(area);
	if (vms_kvirt_fits(area->end - area->start, arg->offset, arg->len))
		err = vms_kvirt_unmap(&s->kvirts, area, arg->offset, arg->len, &sum, &left);
	vms_kvirt_leave(s, left);
	if (!err)
		vms_kvirt_out_unmap(step, &sum);
	vms_kvirt_unclaim(area);
	return err;
}

int vms_op_kvirt_protect_range(struct vms_step *step)
{
	const struct vmstore_arg_kvirt_protect *arg = &step->op->arg.kvirt_protect;
	const struct vms_prop_change change = {
		.prop = arg->prop,
		.mask = arg->mask,
		.set_cache = step->op->flags & VMSTORE_OPF_CACHE,
	};
	struct vmstore_out_kvirt_protect *out = &step->op->out.kvirt_protect;
	struct vms_store *s = step->store;
	struct vms_protected sum = {};
	struct vms_kvirt *area;
	int err = -EINVAL;

	if (!vms_op_change_valid(&change) || !vms_prop_change_encodable(&change) ||
	    (arg->prop.flags | arg->mask.flags) & VMSTORE_PROP_AVAIL1)
		return -EINVAL;
	area = vms_kvirt_claim_to_change(s, arg->area);
	if (IS_ERR(area))
		return PTR_ERR(area);
	if (vms_kvirt_fits(area->end - area->start, arg->offset, arg->len))
		err = vms_kvirt_protect(&s->kvirts, area, arg->offset, arg->len, &change, &sum);
	if (!err) {
		out->changed = sum.changed;
		out->split = sum.split;
	}
	vms_kvirt_unclaim(area);
	return err;
}
