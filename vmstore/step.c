// SPDX-License-Identifier: GPL-2.0-only
/*
 * The operations: each pairs its effect on slots and tables with its change of the
 * registries. Adding one is a function here and a row in vms_op_rows.
 */

#include <linux/err.h>
#include <linux/nospec.h>
#include <linux/slab.h>

#include "frame.h"
#include "step.h"
#include "inv/inv.h"

/* --- frames -------------------------------------------------------------------- */

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
		vms_registry_unreserve(&s->frames, id);
		return err;
	}
	vms_registry_insert(&s->frames, id, vms_frame_entry(idx));
	step->op->out.frame.id = id;
	step->op->out.frame.paddr = vms_slot_paddr(idx);
	return 0;
}

static int vms_op_frame_from_unused(struct vms_step *step)
{
	return vms_op_frame_new(step, vms_frame_from_unused);
}

static int vms_op_frame_from_in_use(struct vms_step *step)
{
	return vms_op_frame_new(step, vms_frame_from_in_use);
}

static int vms_frame_any(struct vms_region *r, u64 paddr, u32 *idx)
{
	return vms_frame_alloc(r, idx);
}

static int vms_op_frame_alloc(struct vms_step *step)
{
	return vms_op_frame_new(step, vms_frame_any);
}

static int vms_op_frame_drop(struct vms_step *step)
{
	struct vms_store *s = step->store;
	struct vmstore_out_drop *out = &step->op->out.drop;
	void *entry = vms_registry_extract(&s->frames, step->op->arg.id.id);
	u32 idx;

	if (!entry)
		return -ENOENT;
	idx = vms_frame_entry_slot(entry);
	out->freed = vms_slot_put(&s->region, idx);
	out->paddr = vms_slot_paddr(idx);
	return 0;
}

/* --- spaces -------------------------------------------------------------------- */

static int vms_op_space_new(struct vms_step *step)
{
	struct vms_store *s = step->store;
	struct vms_space *space = kzalloc(sizeof(*space), GFP_KERNEL_ACCOUNT);
	u64 id;
	int err;

	if (!space)
		return -ENOMEM;
	err = vms_registry_reserve(&s->spaces, &id);
	if (err)
		goto free;
	err = vms_space_init(space, &s->mmu, id);
	if (err)
		goto unreserve;
	vms_registry_insert(&s->spaces, id, space);
	step->op->out.id = id;
	return 0;

unreserve:
	vms_registry_unreserve(&s->spaces, id);
free:
	kfree(space);
	return err;
}

static int vms_op_space_drop(struct vms_step *step)
{
	struct vms_store *s = step->store;
	struct vmstore_out_space_drop *out = &step->op->out.space_drop;
	struct vms_space *space = vms_store_get_space(s, step->op->arg.id.id);
	struct vms_removed sum = {};

	if (!space)
		return -ENOENT;
	if (vms_space_kill(space)) {
		vms_space_put(space);
		return -EBUSY;
	}
	vms_registry_extract(&s->spaces, space->id);
	vms_space_exit(space, &s->mmu, &sum);
	kfree_rcu(space, rcu);
	out->leaves = sum.leaves;
	out->nodes = sum.nodes;
	out->frames_freed = sum.freed;
	return 0;
}

static int vms_op_space_activate(struct vms_step *step)
{
	struct vms_store *s = step->store;
	u64 id = step->op->arg.id.id;
	struct vms_space *space = NULL;
	int err;

	if (id) {
		space = vms_store_get_space(s, id);
		if (!space)
			return -ENOENT;
	}
	err = vms_space_activate(&s->act, &s->mmu, step->op->cpu, space);
	if (space)
		vms_space_put(space);
	return err;
}

/* --- cursors ------------------------------------------------------------------- */

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
		goto unreserve;
	atomic_inc(&space->cursors);
	vms_registry_insert(&s->cursors, c->id, c);
	out->id = c->id;
	out->level = c->guard_level;
	out->nodes_allocated = allocated;
	return 0;

unreserve:
	vms_registry_unreserve(&s->cursors, c->id);
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

static int vms_op_cursor_open(struct vms_step *step)
{
	return vms_op_open(step, false);
}

static int vms_op_cursor_open_mut(struct vms_step *step)
{
	return vms_op_open(step, true);
}

static int vms_op_cursor_drop(struct vms_step *step)
{
	struct vms_store *s = step->store;
	struct vms_cursor *c = vms_store_claim_cursor(s, step->op->arg.id.id, false);
	struct vms_removed sum = {};
	struct vms_space *space;

	if (IS_ERR(c))
		return PTR_ERR(c);
	space = c->space;
	vms_registry_extract(&s->cursors, c->id);
	vms_cursor_close(&s->region, c);
	if (c->mut) {
		struct vms_gather *g = vms_cursor_take_gather(c);

		vms_tlb_dispatch(&s->tlb, g, &space->pt.mroot);
		if (vms_gather_try_release(&s->tlb, g, &sum))
			kvfree_rcu(g, rcu);
		else
			vms_store_leave_gather(s, g);
	}
	kfree_rcu(c, rcu);
	atomic_dec(&space->cursors);
	atomic_inc(&space->released);
	wake_up_all(&space->wait);
	vms_space_put(space);
	return 0;
}

/* The clone of a frame found: its place first, then the count; a failure undoes the walk */
static int vms_query_clone(struct vms_store *s, struct vms_item *item, u64 *id)
{
	int err = vms_registry_reserve(&s->frames, id);

	if (err)
		return err;
	err = vms_slot_from_in_use(&s->region, item->slot);
	if (err) {
		vms_registry_unreserve(&s->frames, *id);
		return err;
	}
	vms_registry_insert(&s->frames, *id, vms_frame_entry(item->slot));
	return 0;
}

static int vms_op_cursor_query(struct vms_step *step)
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
		err = vms_query_clone(s, &item, &id);
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

static int vms_op_cursor_find_next(struct vms_step *step)
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

static int vms_op_cursor_jump(struct vms_step *step)
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

static int vms_op_cursor_vaddr(struct vms_step *step)
{
	struct vms_cursor *c = vms_store_claim_cursor(step->store, step->op->arg.id.id, false);

	if (IS_ERR(c))
		return PTR_ERR(c);
	vms_out_va(step, c, false);
	vms_cursor_unclaim(c);
	return 0;
}

/* With the handle in hand: nobody can drop it while its reference becomes a leaf's */
static int vms_map_held(struct vms_step *step, struct vms_cursor *c, u32 slot)
{
	struct vmstore_out_map *out = &step->op->out.map;
	struct vms_item old;
	u32 allocated;
	int err = vms_cursor_map(&step->store->tlb, c, slot, step->op->arg.map.prop,
				 &old, &allocated);

	if (err)
		return err;
	out->va = c->pos.va;
	out->nodes_allocated = allocated;
	out->replaced = old.found;
	if (old.found) {
		out->old_paddr = vms_slot_paddr(old.slot);
		out->old_prop = old.prop;
	}
	return 0;
}

static int vms_op_cursor_map(struct vms_step *step)
{
	const struct vmstore_arg_map *arg = &step->op->arg.map;
	struct vms_store *s = step->store;
	struct vms_cursor *c;
	void *entry;
	int err;

	if (arg->__reserved)
		return -EINVAL;
	c = vms_store_claim_cursor(s, arg->cursor, true);
	if (IS_ERR(c))
		return PTR_ERR(c);
	entry = vms_registry_hold(&s->frames, arg->frame);
	if (!entry) {
		vms_cursor_unclaim(c);
		return -ENOENT;
	}
	err = vms_map_held(step, c, vms_frame_entry_slot(entry));
	if (err)
		vms_registry_unhold(&s->frames, arg->frame, entry);
	else
		vms_registry_unreserve(&s->frames, arg->frame);
	vms_cursor_unclaim(c);
	return err;
}

static int vms_op_cursor_unmap(struct vms_step *step)
{
	const struct vmstore_arg_len *arg = &step->op->arg.len;
	struct vmstore_out_unmap *out = &step->op->out.unmap;
	struct vms_cursor *c = vms_store_claim_cursor(step->store, arg->cursor, true);
	struct vms_removed sum = {};
	int err;

	if (IS_ERR(c))
		return PTR_ERR(c);
	err = vms_cursor_unmap(&step->store->tlb, c, arg->len, &sum);
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

static int vms_op_cursor_protect_next(struct vms_step *step)
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

	if (arg->mask.cache || arg->mask.__reserved || arg->prop.__reserved ||
	    (arg->prop.cache && !change.set_cache) ||
	    !vms_prop_bits_defined(arg->prop) || !vms_prop_bits_defined(arg->mask))
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

static int vms_op_cursor_flush(struct vms_step *step)
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

static int vms_op_reap(struct vms_step *step)
{
	struct vmstore_out_reap *out = &step->op->out.reap;
	struct vms_removed sum = {};

	vms_store_reap(step->store, &sum);
	out->refs = sum.leaves;
	out->frames_freed = sum.freed;
	out->nodes = sum.nodes;
	return 0;
}

/* --- access -------------------------------------------------------------------- */

static int vms_access_check(const struct vmstore_arg_access *arg)
{
	if (arg->__reserved)
		return -EINVAL;
	if (arg->width != 1 && arg->width != 2 && arg->width != 4 && arg->width != 8)
		return -EINVAL;
	if (arg->va & (arg->width - 1))
		return -EINVAL;
	return 0;
}

/*
 * Through the linear window only a shared data frame can be reached. A reference is
 * held meanwhile, or it might become a node under the access.
 */
static int vms_access_linear(struct vms_step *step, struct vms_space *space,
			     struct vms_access *a)
{
	struct vms_store *s = step->store;
	u32 idx;
	int err = vms_linear_slot(&s->region, a->va, a->len, &idx);

	if (err)
		return err;
	err = vms_slot_from_in_use(&s->region, idx);
	if (err)
		return err == -EAGAIN ? err : -EACCES;
	err = vms_space_access(space, &s->mmu, step->op->cpu, a);
	vms_slot_put(&s->region, idx);
	return err;
}

static int vms_op_access(struct vms_step *step)
{
	const struct vmstore_arg_access *arg = &step->op->arg.access;
	struct vmstore_out_access *out = &step->op->out.access;
	struct vms_store *s = step->store;
	u64 value = arg->value;
	struct vms_access a = {
		.va = arg->va,
		.buf = &value,
		.len = arg->width,
		.write = step->op->flags & VMSTORE_OPF_WRITE,
	};
	struct vms_space *space;
	int err = vms_access_check(arg);

	if (err)
		return err;
	space = vms_store_get_space(s, arg->space);
	if (!space)
		return -ENOENT;
	if (!a.write)
		value = 0;
	if (a.va < VMSTORE_MAX_USERSPACE_VADDR)
		err = vms_space_access(space, &s->mmu, step->op->cpu, &a);
	else
		err = vms_access_linear(step, space, &a);
	vms_space_put(space);
	out->fault = a.fault;
	if (!err)
		out->value = value;
	return err;
}

/* --- the table ------------------------------------------------------------------- */

#define VMS_ROW(op, fn, argtype, ...)					\
	[VMSTORE_OP_##op] = {						\
		.name = #op, .run = fn, .arg_size = argtype, __VA_ARGS__ }

static const struct vms_op_row vms_op_rows[__VMSTORE_OP_MAX] = {
	VMS_ROW(FRAME_FROM_UNUSED, vms_op_frame_from_unused,
		sizeof(struct vmstore_arg_paddr), .id_out = VMS_ID_FRAME),
	VMS_ROW(FRAME_FROM_IN_USE, vms_op_frame_from_in_use,
		sizeof(struct vmstore_arg_paddr), .id_out = VMS_ID_FRAME),
	VMS_ROW(FRAME_ALLOC, vms_op_frame_alloc, 0, .id_out = VMS_ID_FRAME),
	VMS_ROW(FRAME_DROP, vms_op_frame_drop, sizeof(struct vmstore_arg_id),
		.id_arg = { VMS_ID_FRAME }),
	VMS_ROW(SPACE_NEW, vms_op_space_new, 0, .id_out = VMS_ID_SPACE),
	VMS_ROW(SPACE_DROP, vms_op_space_drop, sizeof(struct vmstore_arg_id),
		.id_arg = { VMS_ID_SPACE }),
	VMS_ROW(SPACE_ACTIVATE, vms_op_space_activate, sizeof(struct vmstore_arg_id),
		.id_arg = { VMS_ID_SPACE }),
	VMS_ROW(CURSOR_OPEN, vms_op_cursor_open, sizeof(struct vmstore_arg_open),
		.flags = VMSTORE_OPF_WAIT, .id_arg = { VMS_ID_SPACE },
		.id_out = VMS_ID_CURSOR),
	VMS_ROW(CURSOR_OPEN_MUT, vms_op_cursor_open_mut, sizeof(struct vmstore_arg_open),
		.flags = VMSTORE_OPF_WAIT, .id_arg = { VMS_ID_SPACE },
		.id_out = VMS_ID_CURSOR),
	VMS_ROW(CURSOR_DROP, vms_op_cursor_drop, sizeof(struct vmstore_arg_id),
		.id_arg = { VMS_ID_CURSOR }),
	VMS_ROW(CURSOR_QUERY, vms_op_cursor_query, sizeof(struct vmstore_arg_id),
		.flags = VMSTORE_OPF_PEEK, .id_arg = { VMS_ID_CURSOR },
		.id_out = VMS_ID_FRAME),
	VMS_ROW(CURSOR_FIND_NEXT, vms_op_cursor_find_next, sizeof(struct vmstore_arg_len),
		.id_arg = { VMS_ID_CURSOR }),
	VMS_ROW(CURSOR_JUMP, vms_op_cursor_jump, sizeof(struct vmstore_arg_jump),
		.id_arg = { VMS_ID_CURSOR }),
	VMS_ROW(CURSOR_VADDR, vms_op_cursor_vaddr, sizeof(struct vmstore_arg_id),
		.id_arg = { VMS_ID_CURSOR }),
	VMS_ROW(CURSOR_MAP, vms_op_cursor_map, sizeof(struct vmstore_arg_map),
		.id_arg = { VMS_ID_CURSOR, VMS_ID_FRAME }),
	VMS_ROW(CURSOR_UNMAP, vms_op_cursor_unmap, sizeof(struct vmstore_arg_len),
		.id_arg = { VMS_ID_CURSOR }),
	VMS_ROW(CURSOR_PROTECT_NEXT, vms_op_cursor_protect_next,
		sizeof(struct vmstore_arg_protect), .flags = VMSTORE_OPF_CACHE,
		.id_arg = { VMS_ID_CURSOR }),
	VMS_ROW(CURSOR_FLUSH, vms_op_cursor_flush, sizeof(struct vmstore_arg_flush),
		.id_arg = { VMS_ID_CURSOR }),
	VMS_ROW(REAP, vms_op_reap, 0),
	VMS_ROW(ACCESS, vms_op_access, sizeof(struct vmstore_arg_access),
		.flags = VMSTORE_OPF_WRITE, .id_arg = { VMS_ID_SPACE }),
};

/**
 * vms_op_row - the row of an opcode
 * @opcode: from a caller
 *
 * Return: the row, or NULL when the opcode is unknown.
 */
const struct vms_op_row *vms_op_row(u32 opcode)
{
	if (opcode >= __VMSTORE_OP_MAX)
		return NULL;
	opcode = array_index_nospec(opcode, __VMSTORE_OP_MAX);
	return vms_op_rows[opcode].run ? &vms_op_rows[opcode] : NULL;
}

/* What is wrong with an operation whatever the state of the store */
static int vms_step_validate(struct vms_store *s, const struct vms_op_row *row,
			     struct vmstore_op *op)
{
	if (!row || op->flags & ~row->flags)
		return -EOPNOTSUPP;
	if (op->__reserved || op->cpu >= s->mmu.nr_cpus)
		return -EINVAL;
	if (memchr_inv((u8 *)&op->arg + row->arg_size, 0, sizeof(op->arg) - row->arg_size))
		return -EINVAL;
	op->cpu = array_index_nospec(op->cpu, s->mmu.nr_cpus);
	return 0;
}

/* May the failure be for want of what is only gathered? */
static bool vms_step_wants_reap(struct vms_step *step, int err)
{
	if (err != -ENOMEM &&
	    !(err == -EBUSY && step->op->opcode == VMSTORE_OP_FRAME_FROM_UNUSED))
		return false;
	return vms_tlb_has_gathered(&step->store->tlb);
}

static int vms_step_locked(struct vms_step *step, const struct vms_op_row *row)
{
	struct vms_store *s = step->store;
	int err;

	if (READ_ONCE(s->frozen))
		return -EIO;
	err = row->run(step);
	if (vms_step_wants_reap(step, err)) {
		struct vms_removed sum = {};

		vms_store_reap(s, &sum);
		err = row->run(step);
	}
	atomic64_inc(&s->ops);
	atomic64_inc(&s->generation);
	if (s->mode == VMSTORE_CHECK_FULL && vms_inv_check(s))
		return -EIO;
	return err;
}

/*
 * Until a cursor of the space was closed, unless the attempt failed for another reason
 * after all. The store is not locked.
 */
static int vms_step_wait(struct vms_step *step, int err)
{
	struct vms_space *space = step->wait_space;

	if (err == -EBUSY)
		err = wait_event_interruptible(space->wait, atomic_read(&space->released) !=
					       step->wait_seq) ? -EINTR : 0;
	step->wait_space = NULL;
	vms_space_put(space);
	return err;
}

/**
 * vms_step - run one operation: the only way to change a store
 * @s: ready store
 * @op: the operation, its ids resolved; out_errno and out are written
 *
 * Process context, may sleep, for an unbounded time only with VMSTORE_OPF_WAIT.
 *
 * Return: op->out_errno.
 */
int vms_step(struct vms_store *s, struct vmstore_op *op)
{
	const struct vms_op_row *row = vms_op_row(op->opcode);
	struct vms_step step = { .store = s, .op = op };
	int err = vms_step_validate(s, row, op);

	memset(&op->out, 0, sizeof(op->out));
	while (!err) {
		err = vms_store_lock(s);
		if (err)
			break;
		err = vms_step_locked(&step, row);
		vms_store_unlock(s);
		if (!step.wait_space)
			break;
		err = vms_step_wait(&step, err);
	}
	op->out_errno = err;
	return err;
}
