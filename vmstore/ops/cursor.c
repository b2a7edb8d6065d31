// SPDX-License-Identifier: GPL-2.0-only
/* Operations on cursors [model 5.2]. */

#include <linux/err.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "ops.h"

static void vms_cursor_free(struct vms_cursor *c)
{
	vms_gather_free(c->gather);
	kfree(c);
}

/* A cursor that owns nothing yet and that nobody sees */
static struct vms_cursor *vms_cursor_new(struct vms_store *s, struct vms_space *space,
					 const struct vmstore_arg_open *arg, bool mut)
{
	struct vms_cursor *c = kzalloc(sizeof(*c), GFP_KERNEL_ACCOUNT);

	if (!c)
		return NULL;
	c->space = space;
	c->start = arg->start;
	c->end = arg->end;
	c->mut = mut;
	if (!mut)
		return c;
	c->gather = vms_gather_alloc(&s->tlb);
	if (!c->gather) {
		kfree(c);
		return NULL;
	}
	return c;
}

/* The caller is a user of @space, and on success the cursor is instead */
static int vms_cursor_open_in(struct vms_step *step, struct vms_space *space, bool mut)
{
	struct vms_store *s = step->store;
	struct vmstore_out_open *out = &step->op->out.open;
	struct vms_cursor *c;
	u32 allocated;
	int err;

	c = vms_cursor_new(s, space, &step->op->arg.open, mut);
	if (!c)
		return -ENOMEM;
	err = vms_registry_reserve(&s->cursors, &c->id);
	if (err)
		goto free;
	if (mut) {
		c->gather->space = space->id;
		c->gather->cursor = c->id;
	}
	err = vms_cursor_open(&s->region, c, &allocated);
	if (err)
		goto release;
	atomic_inc(&space->cursors);
	err = vms_store_insert_cursor(s, c->id, c);
	vms_op_must(err);
	if (err) {	/* its nodes stay as they are, for the checker to see */
		atomic_dec(&space->cursors);
		goto release;
	}
	out->id = c->id;
	out->level = c->guard_level;
	out->nodes_allocated = allocated;
	return 0;

release:
	vms_registry_release(&s->cursors, c->id);
free:
	vms_cursor_free(c);
	return err;
}

static int vms_op_open(struct vms_step *step, bool mut)
{
	const struct vmstore_arg_open *arg = &step->op->arg.open;
	struct vms_space *space = vms_store_get_space(step->store, arg->space);
	int seq, err;

	if (!space)
		return -ENOENT;
	err = vms_cursor_check_range(arg->start, arg->end);
	if (err)
		goto put;
	seq = atomic_read(&space->released);
	err = vms_cursor_open_in(step, space, mut);
	if (!err)
		return 0;
	if (err == -EBUSY && step->op->flags & VMSTORE_OPF_WAIT) {
		step->wait_space = space;	/* still a user */
		step->wait_seq = seq;
		return err;
	}
put:
	vms_space_put(space);
	return err;
}

int vms_op_cursor_open(struct vms_step *step)
{
	return vms_op_open(step, false);
}

int vms_op_cursor_open_mut(struct vms_step *step)
{
	return vms_op_open(step, true);
}

int vms_op_cursor_drop(struct vms_step *step)
{
	struct vms_store *s = step->store;
	u64 id = step->op->arg.id.id;
	struct vms_cursor *c = vms_store_extract_cursor(s, id);
	struct vms_removed sum = {};
	struct vms_space *space;

	if (IS_ERR(c))
		return PTR_ERR(c);
	space = c->space;
	vms_cursor_close(&s->region, c);
	if (c->mut) {
		struct vms_gather *g = vms_cursor_take_gather(c);

		/* Nobody would be left to flush what was changed */
		if (!VMS_OMIT(DROP_DISPATCH)) {
			vms_tlb_issue_changed(&s->tlb, g);
			vms_tlb_dispatch(&s->tlb, g, &space->pt.mroot);
		}
		if (vms_gather_try_release(&s->tlb, g, &sum))
			vms_gather_free_rcu(g);
		else
			vms_store_leave_gather(s, g);
	}
	vms_registry_release(&s->cursors, id);
	kfree_rcu(c, rcu);
	atomic_dec(&space->cursors);
	atomic_inc(&space->released);
	wake_up_all(&space->wait);
	vms_space_put(space);
	return 0;
}

int vms_op_cursor_query(struct vms_step *step)
{
	struct vms_store *s = step->store;
	struct vmstore_out_query *out = &step->op->out.query;
	struct vms_cursor *c = vms_store_claim_cursor(s, step->op->arg.id.id, false);
	struct vms_cursor_pos was;
	struct vms_item item;
	u64 id = 0;
	int err;

	if (IS_ERR(c))
		return PTR_ERR(c);
	was = c->pos;
	err = vms_cursor_query(&s->region, c, &item);
	if (!err && item.found && !(step->op->flags & VMSTORE_OPF_PEEK)) {
		err = vms_op_clone_slot(s, item.slot, &id);
		if (err)
			c->pos = was;
	}
	vms_cursor_unclaim(c);
	if (err)
		return err;

	out->id = id;
	out->start = item.start;
	out->end = item.end;
	out->level = item.level;
	out->found = item.found;
	if (item.found) {
		out->paddr = vms_slot_paddr(item.slot);
		out->prop = item.prop;
	}
	return 0;
}

static void vms_out_va(struct vms_step *step, const struct vms_cursor *c, bool found)
{
	struct vmstore_out_va *out = &step->op->out.va;

	out->va = c->pos.va;
	out->level = c->pos.level;
	out->found = found;
}

int vms_op_cursor_find_next(struct vms_step *step)
{
	const struct vmstore_arg_len *arg = &step->op->arg.len;
	struct vms_cursor *c = vms_store_claim_cursor(step->store, arg->cursor, false);
	bool found;
	int err;

	if (IS_ERR(c))
		return PTR_ERR(c);
	err = vms_cursor_find_next(&step->store->region, c, arg->len, &found);
	if (!err)
		vms_out_va(step, c, found);
	vms_cursor_unclaim(c);
	return err;
}

int vms_op_cursor_jump(struct vms_step *step)
{
	const struct vmstore_arg_jump *arg = &step->op->arg.jump;
	struct vms_cursor *c = vms_store_claim_cursor(step->store, arg->cursor, false);
	int err;

	if (IS_ERR(c))
		return PTR_ERR(c);
	err = vms_cursor_jump(c, arg->va);
	if (!err)
		vms_out_va(step, c, false);
	vms_cursor_unclaim(c);
	return err;
}

int vms_op_cursor_vaddr(struct vms_step *step)
{
	struct vms_cursor *c = vms_store_claim_cursor(step->store, step->op->arg.id.id, false);

	if (IS_ERR(c))
		return PTR_ERR(c);
	vms_out_va(step, c, false);
	if (VMS_WRONG(UNDECLARED))
		vms_touch_slot(step->store->region.touch, c->pos.path[c->pos.level]);
	vms_cursor_unclaim(c);
	return 0;
}

static bool vms_op_defers(const struct vms_step *step)
{
	return step->op->flags & VMSTORE_OPF_DEFER && !VMS_WRONG(DEFER_IGNORED);
}

int vms_op_cursor_map(struct vms_step *step)
{
	const struct vmstore_arg_map *arg = &step->op->arg.map;
	struct vmstore_out_map *out = &step->op->out.map;
	struct vms_store *s = step->store;
	struct vms_frames frames = { .nr = 1 };
	struct vms_mapped mapped = {};
	struct vms_cursor *c;
	int err;

	if (arg->__reserved)
		return -EINVAL;
	c = vms_store_claim_cursor(s, arg->cursor, true);
	if (IS_ERR(c))
		return PTR_ERR(c);
	/* In hand, or somebody might drop it while its reference becomes a leaf's */
	err = vms_store_extract_frame(s, arg->frame, &frames.first);
	if (err)
		goto unclaim;
	err = vms_cursor_map(&s->tlb, c, &frames, arg->prop, vms_op_defers(step), &mapped);
	if (err) {
		vms_op_must(vms_store_insert_frame(s, arg->frame, frames.first));
		goto unclaim;
	}
	if (VMS_WRONG(HANDLE_KEPT))
		vms_op_must(vms_store_insert_frame(s, arg->frame, frames.first));
	else
		vms_registry_release(&s->frames, arg->frame);
	out->va = c->pos.va;
	out->nodes_allocated = mapped.nodes;
	out->replaced = mapped.replaced;
	if (mapped.replaced) {
		out->old_paddr = vms_slot_paddr(mapped.last.slot);
		out->old_prop = mapped.last.prop;
	}
unclaim:
	vms_cursor_unclaim(c);
	return err;
}

static void vms_out_map_many(struct vms_step *step, const struct vms_cursor *c, u32 nr,
			     const struct vms_mapped *mapped)
{
	step->op->out.map_many = (struct vmstore_out_map_many) {
		.va = c->pos.va,
		.mapped = nr,
		.replaced = mapped->replaced,
		.nodes_allocated = mapped->nodes,
	};
}

static int vms_map_frames(struct vms_step *step, struct vms_cursor *c, u32 *slot)
{
	const struct vmstore_arg_map_frames *arg = &step->op->arg.map_frames;
	const struct vms_frames frames = { .nr = arg->count, .slot = slot };
	struct vms_store *s = step->store;
	struct vms_mapped mapped = {};
	const u64 *id = step->data;
	int err = vms_op_extract_frames(s, id, slot, frames.nr);

	if (err)
		return err;
	err = vms_cursor_map(&s->tlb, c, &frames, arg->prop, vms_op_defers(step), &mapped);
	if (err) {
		vms_op_put_back_frames(s, id, slot, frames.nr);
		return err;
	}
	vms_op_release_frames(s, id, frames.nr);
	vms_out_map_many(step, c, frames.nr, &mapped);
	return 0;
}

int vms_op_cursor_map_frames(struct vms_step *step)
{
	const struct vmstore_arg_map_frames *arg = &step->op->arg.map_frames;
	struct vms_cursor *c = vms_store_claim_cursor(step->store, arg->cursor, true);
	u32 *slot;
	int err = -ENOMEM;

	if (IS_ERR(c))
		return PTR_ERR(c);
	slot = kvmalloc_array(max(arg->count, 1U), sizeof(*slot), GFP_KERNEL_ACCOUNT);
	if (slot)
		err = vms_map_frames(step, c, slot);
	kvfree(slot);
	vms_cursor_unclaim(c);
	return err;
}

int vms_op_cursor_map_segment(struct vms_step *step)
{
	const struct vmstore_arg_map_segment *arg = &step->op->arg.map_segment;
	struct vms_store *s = step->store;
	struct vms_mapped mapped = {};
	struct vms_segment seg;
	struct vms_cursor *c;
	int err;

	if (arg->__reserved)
		return -EINVAL;
	c = vms_store_claim_cursor(s, arg->cursor, true);
	if (IS_ERR(c))
		return PTR_ERR(c);
	err = vms_store_extract_segment(s, arg->segment, &seg);
	if (!err) {
		const struct vms_frames frames = { .nr = seg.nr, .first = seg.first };

		err = vms_cursor_map(&s->tlb, c, &frames, arg->prop, vms_op_defers(step), &mapped);
		if (err) {
			vms_op_must(vms_store_insert_segment(s, arg->segment, seg));
		} else {
			vms_registry_release(&s->segments, arg->segment);
			vms_out_map_many(step, c, seg.nr, &mapped);
		}
	}
	vms_cursor_unclaim(c);
	return err;
}

int vms_op_cursor_unmap(struct vms_step *step)
{
	const struct vmstore_arg_len *arg = &step->op->arg.len;
	struct vmstore_out_unmap *out = &step->op->out.unmap;
	struct vms_cursor *c = vms_store_claim_cursor(step->store, arg->cursor, true);
	struct vms_removed sum = {};
	int err;

	if (IS_ERR(c))
		return PTR_ERR(c);
	err = vms_cursor_unmap(&step->store->tlb, c, arg->len, vms_op_defers(step), &sum);
	if (!err) {
		out->va = c->pos.va;
		out->removed = sum.leaves;
		out->accessed = sum.accessed;
		out->dirty = sum.dirty;
		out->nodes = sum.nodes;
	}
	vms_cursor_unclaim(c);
	return err;
}

int vms_op_cursor_protect_next(struct vms_step *step)
{
	const struct vmstore_arg_protect *arg = &step->op->arg.protect;
	struct vmstore_out_protect *out = &step->op->out.protect;
	struct vms_prop_change change = {
		.prop = arg->prop,
		.mask = arg->mask,
		.set_cache = step->op->flags & VMSTORE_OPF_CACHE,
	};
	struct vmstore_prop now;
	struct vms_cursor *c;
	struct vms_item old;
	int err;

	if (!vms_op_change_valid(&change))
		return -EINVAL;
	c = vms_store_claim_cursor(step->store, arg->cursor, true);
	if (IS_ERR(c))
		return PTR_ERR(c);
	err = vms_cursor_protect_next(&step->store->region, c, arg->len, &change, &old, &now);
	if (!err) {
		out->va = c->pos.va;
		out->found = old.found;
		if (old.found) {
			out->start = old.start;
			out->end = old.end;
			out->old_prop = old.prop;
			out->new_prop = now;
		}
	}
	vms_cursor_unclaim(c);
	return err;
}

int vms_op_cursor_flush(struct vms_step *step)
{
	const struct vmstore_arg_flush *arg = &step->op->arg.flush;
	struct vms_cursor *c = vms_store_claim_cursor(step->store, arg->cursor, true);
	int err;

	if (IS_ERR(c))
		return PTR_ERR(c);
	err = vms_cursor_flush(&step->store->tlb, c, arg->va, arg->len);
	vms_cursor_unclaim(c);
	return err;
}

int vms_op_reap(struct vms_step *step)
{
	struct vmstore_out_reap *out = &step->op->out.reap;
	struct vms_removed sum = {};

	vms_store_reap(step->store, &sum);
	out->refs = sum.leaves;
	out->frames_freed = sum.freed;
	out->nodes = sum.nodes;
	return 0;
}
