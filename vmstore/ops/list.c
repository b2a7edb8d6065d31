// SPDX-License-Identifier: GPL-2.0-only
/*
 * Operations on frame lists [model 5.8]. An operation takes its list out of the store and
 * puts it back or not: of two on one list the loser gets -EBUSY, whatever the two are.
 *
 * Loose handles are the exclusive handles there are anyway: what goes into a list consumes
 * one, what comes out has a new one. Of an operation that cannot be done the list is looked
 * at first, then the place, then the handle, then whether there is a tag.
 */

#include <linux/err.h>
#include <linux/slab.h>

#include "../list.h"
#include "ops.h"

/* The list that the operation names, with a cursor or without */
static int vms_list_begin(struct vms_step *step, bool out, struct vms_list **list)
{
	return vms_store_extract_list(step->store, step->op->arg.id.id, out, list);
}

/* Put it back, as it was or not */
static void vms_list_return(struct vms_step *step, struct vms_list *list)
{
	vms_op_must(vms_store_insert_list(step->store, step->op->arg.id.id, list));
}

/* The end of an operation that succeeds; @slot is the frame it is about, if any */
static int vms_list_end(struct vms_step *step, struct vms_list *list, u32 slot)
{
	struct vmstore_out_list *out = &step->op->out.list;

	out->nr = list->nr;
	out->index = list->index;
	out->tag = list->tag;
	if (slot != VMS_NO_SLOT) {
		out->paddr = vms_slot_paddr(slot);
		out->found = 1;
	}
	vms_list_return(step, list);
	return 0;
}

int vms_op_list_new(struct vms_step *step)
{
	struct vms_store *s = step->store;
	struct vms_list *list = kmalloc(sizeof(*list), GFP_KERNEL_ACCOUNT);
	u64 id;
	int err;

	if (!list)
		return -ENOMEM;
	err = vms_registry_reserve(&s->lists, &id);
	if (err) {
		kfree(list);
		return err;
	}
	vms_list_init(list);
	vms_op_must(vms_store_insert_list(s, id, list));
	step->op->out.list.id = id;
	return 0;
}

int vms_op_list_drop(struct vms_step *step)
{
	struct vms_store *s = step->store;
	struct vms_list *list;
	int err = vms_list_begin(step, false, &list);

	if (err)
		return err;
	step->op->out.list_drop.frames_freed = vms_list_drop(&s->region, list);
	vms_registry_release(&s->lists, step->op->arg.id.id);
	kfree(list);
	return 0;
}

static int vms_list_look(struct vms_step *step, bool out)
{
	struct vms_list *list;
	int err = vms_list_begin(step, out, &list);

	return err ? err : vms_list_end(step, list, out ? list->at : VMS_NO_SLOT);
}

int vms_op_list_size(struct vms_step *step)
{
	return vms_list_look(step, false);
}

int vms_op_list_current(struct vms_step *step)
{
	return vms_list_look(step, true);
}

/* What O-LSize is without a cursor */
int vms_op_list_as_list(struct vms_step *step)
{
	struct vms_list *list;
	int err = vms_list_begin(step, true, &list);

	return err ? err : vms_list_end(step, list, VMS_NO_SLOT);
}

int vms_op_list_contains(struct vms_step *step)
{
	u64 paddr = step->op->arg.list_frame.paddr;
	struct vms_list *list;
	u32 slot;
	int err = vms_list_begin(step, false, &list);

	if (err)
		return err;
	if (!vms_list_has(&step->store->region, list, paddr, &slot))
		slot = VMS_NO_SLOT;
	return vms_list_end(step, list, slot);
}

/* --- in and out ------------------------------------------------------------------ */

/* Its own tag, with the first frame; no other list gets it any more */
static int vms_list_mint(struct vms_store *s, struct vms_list *list)
{
	s64 last;

	if (list->tag || VMS_WRONG(LIST_NO_TAG))
		return 0;
	last = atomic64_fetch_add_unless(&s->last_tag, 1, S64_MAX);
	if (last == S64_MAX)
		return -EOVERFLOW;
	list->tag = VMS_WRONG(LIST_TAG_AGAIN) ? 1 : last + 1;
	return 0;
}

/* Put the frame of the handle named in before a link, VMS_NO_SLOT = behind the last */
static int vms_list_put(struct vms_step *step, struct vms_list *list, u32 before)
{
	struct vms_store *s = step->store;
	u64 unique = step->op->arg.list_insert.unique;
	u32 slot;
	int err = vms_store_extract_unique(s, unique, &slot);

	if (err)
		goto put_back;
	err = vms_list_mint(s, list);
	if (err)
		goto insert;
	vms_list_insert(&s->region, list, before, slot);
	if (VMS_WRONG(LIST_UNIQUE_KEPT))
		vms_op_must(vms_store_insert_unique(s, unique, slot));
	else
		vms_registry_release(&s->uniques, unique);
	return vms_list_end(step, list, slot);

insert:
	vms_op_must(vms_store_insert_unique(s, unique, slot));
put_back:
	vms_list_return(step, list);
	return err;
}

int vms_op_list_insert_at(struct vms_step *step)
{
	u64 n = step->op->arg.list_insert.n;
	struct vms_list *list;
	int err = vms_list_begin(step, false, &list);

	if (err)
		return err;
	if (n > list->nr) {
		vms_list_return(step, list);
		return -EINVAL;
	}
	return vms_list_put(step, list, vms_list_at(&step->store->region, list, n));
}

int vms_op_list_push_front(struct vms_step *step)
{
	struct vms_list *list;
	int err = vms_list_begin(step, false, &list);

	return err ? err : vms_list_put(step, list, list->first);
}

/* Behind the last one [D11] */
int vms_op_list_push_back(struct vms_step *step)
{
	struct vms_list *list;
	int err = vms_list_begin(step, false, &list);

	return err ? err : vms_list_put(step, list, VMS_NO_SLOT);
}

int vms_op_list_cursor_insert_before(struct vms_step *step)
{
	struct vms_list *list;
	int err = vms_list_begin(step, true, &list);

	return err ? err : vms_list_put(step, list, list->at);
}

/* Take a link out, if there is one */
static int vms_list_give(struct vms_step *step, struct vms_list *list, u32 slot)
{
	struct vms_store *s = step->store;
	u64 unique;
	int err;

	if (slot == VMS_NO_SLOT)
		return vms_list_end(step, list, slot);
	err = vms_registry_reserve(&s->uniques, &unique);
	if (err) {
		vms_list_return(step, list);
		return err;
	}
	vms_list_take(&s->region, list, slot);
	vms_op_must(vms_store_insert_unique(s, unique, slot));
	step->op->out.list.id = unique;
	return vms_list_end(step, list, slot);
}

int vms_op_list_take_at(struct vms_step *step)
{
	struct vms_list *list;
	int err = vms_list_begin(step, false, &list);

	if (err)
		return err;
	return vms_list_give(step, list, vms_list_at(&step->store->region, list,
						     step->op->arg.list_at.n));
}

int vms_op_list_pop_front(struct vms_step *step)
{
	struct vms_list *list;
	int err = vms_list_begin(step, false, &list);

	return err ? err : vms_list_give(step, list, list->first);
}

int vms_op_list_pop_back(struct vms_step *step)
{
	struct vms_list *list;
	int err = vms_list_begin(step, false, &list);

	return err ? err : vms_list_give(step, list, list->last);
}

int vms_op_list_cursor_take(struct vms_step *step)
{
	struct vms_list *list;
	int err = vms_list_begin(step, true, &list);

	return err ? err : vms_list_give(step, list, list->at);
}

/* --- cursors ---------------------------------------------------------------------- */

int vms_op_list_cursor_front(struct vms_step *step)
{
	struct vms_list *list;
	int err = vms_list_begin(step, false, &list);

	if (err)
		return err;
	vms_list_cursor_front(list);
	return vms_list_end(step, list, list->at);
}

int vms_op_list_cursor_back(struct vms_step *step)
{
	struct vms_list *list;
	int err = vms_list_begin(step, false, &list);

	if (err)
		return err;
	vms_list_cursor_back(list);
	return vms_list_end(step, list, list->at);
}

/* On a miss there is no cursor then either */
int vms_op_list_cursor_at(struct vms_step *step)
{
	u64 paddr = step->op->arg.list_frame.paddr;
	struct vms_region *r = &step->store->region;
	struct vms_list *list;
	u32 slot;
	int err = vms_list_begin(step, false, &list);

	if (err)
		return err;
	if (vms_list_has(r, list, paddr, &slot))
		vms_list_cursor_at(r, list, slot);
	return vms_list_end(step, list, list->at);
}

int vms_op_list_move_next(struct vms_step *step)
{
	struct vms_list *list;
	int err = vms_list_begin(step, true, &list);

	if (err)
		return err;
	vms_list_cursor_next(&step->store->region, list);
	return vms_list_end(step, list, list->at);
}

int vms_op_list_move_prev(struct vms_step *step)
{
	struct vms_list *list;
	int err = vms_list_begin(step, true, &list);

	if (err)
		return err;
	vms_list_cursor_prev(&step->store->region, list);
	return vms_list_end(step, list, list->at);
}

int vms_op_list_cursor_drop(struct vms_step *step)
{
	struct vms_list *list;
	int err = vms_list_begin(step, true, &list);

	if (err)
		return err;
	vms_list_cursor_drop(list);
	return vms_list_end(step, list, VMS_NO_SLOT);
}
