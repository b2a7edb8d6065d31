// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frame lists: ListStore::inv [model 3.11].
 *
 * The reference keeps lists in a store of their own; here they share the slots, and the
 * loose handles are the exclusive handles [D8]. A list that has a cursor is one of the
 * reference's `cursors`, the others are its `lists`. The tag of a list is its list_id.
 *
 * Every clause walks the list from its head through the links, as far as they lead; what
 * the list says of its length is compared and not believed. Wherever they lead, a walk
 * ends: L3's at the first link whose neighbours do not agree, which a circle has, the
 * others after as many links as there are slots.
 */

#include <linux/minmax.h>
#include <linux/sched.h>

#include "inv.h"

/* --- links ------------------------------------------------------------------------- */

/* Of link @k in slot @at, behind @prev: L3 */
static void vms_link_check(struct vms_inv_ctx *ctx, u32 at, u32 prev,
			   const struct vms_list *list, struct vms_verdict *v)
{
	const struct vms_slot *slot = vms_inv_slot(ctx, at);

	if (ctx->recount[at].l != 1)
		vms_violate(v, 1, ctx->recount[at].l, "times a slot is a link");
	if (atomic64_read(&slot->rc) != VMS_RC_UNIQUE)
		vms_violate(v, VMS_RC_UNIQUE, atomic64_read(&slot->rc), "rc of a link");
	if (slot->usage != VMSTORE_USAGE_FRAME)
		vms_violate(v, VMSTORE_USAGE_FRAME, slot->usage, "usage of a link");
	if (slot->in_list != list->tag)
		vms_violate(v, list->tag, slot->in_list, "in_list of a link");
	if (!slot->storage || slot->type != VMS_TYPE_LINK)
		vms_violate(v, VMS_TYPE_LINK, slot->type, "storage of a link");
	if (slot->link.prev != prev)
		vms_violate(v, prev, slot->link.prev, "a link's slot before it");
}

/*
 * L3: for link k: rc == UNIQUE, usage == Frame, il == list_id, storage is a link; prev is
 * none iff k == 0, else link k-1; next is none iff last, else link k+1; distinct links have
 * distinct slots. The list knows its ends and how many there are.
 */
static void vms_list_wired(struct vms_inv_ctx *ctx, const struct vms_list *list,
			   struct vms_verdict *v)
{
	u32 nr_slots = ctx->store->region.nr_slots;
	u32 at = list->first;
	u32 prev = VMS_NO_SLOT;
	u32 nr = 0;

	while (at < nr_slots) {
		vms_link_check(ctx, at, prev, list, v);
		if (v->violated)
			return;
		prev = at;
		at = vms_inv_slot(ctx, at)->link.next;
		if (!(++nr % 1024))
			cond_resched();
	}
	if (at != VMS_NO_SLOT)
		vms_violate(v, nr_slots, at, "link beyond the last slot");
	if (list->last != prev)
		vms_violate(v, prev, list->last, "slot of the last link");
	if (list->nr != nr)
		vms_violate(v, nr, list->nr, "number of links");
}

/* L2: not empty implies list_id != 0; every link's tag == list_id */
static void vms_list_tagged(struct vms_inv_ctx *ctx, const struct vms_list *list,
			    struct vms_verdict *v)
{
	u32 nr_slots = ctx->store->region.nr_slots;
	u32 at = list->first;
	u32 nr = 0;

	if (at != VMS_NO_SLOT && !list->tag)
		vms_violate(v, 0, 0, "not empty, and no tag");
	while (at < nr_slots && nr < nr_slots) {
		u64 tag = vms_inv_slot(ctx, at)->in_list;

		if (tag != list->tag)
			vms_violate(v, list->tag, tag, "tag of a link");
		at = vms_inv_slot(ctx, at)->link.next;
		if (!(++nr % 1024))
			cond_resched();
	}
}

/* The slot of link @index, VMS_NO_SLOT where the links end */
static u32 vms_list_find(struct vms_inv_ctx *ctx, const struct vms_list *list, u32 index)
{
	u32 nr_slots = ctx->store->region.nr_slots;
	u32 at = list->first;
	u32 nr = 0;

	while (at < nr_slots && nr < min(index, nr_slots)) {
		at = vms_inv_slot(ctx, at)->link.next;
		if (!(++nr % 1024))
			cond_resched();
	}
	return at;
}

/* --- lists ------------------------------------------------------------------------- */

/* L1: regions.inv(): R1 to R15, all of them evaluated before this */
static void vms_clause_l1(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	if (!vms_premise(v, atomic_read(&ctx->store->lists.count)))
		return;
	if (ctx->found_regions)
		vms_violate(v, 0, 0, "one of R1 to R15 is violated");
}

static void vms_clause_l2(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	if (vms_premise(v, !sub->list->out))
		vms_list_tagged(ctx, sub->list, v);
}

static void vms_clause_l3(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	if (vms_premise(v, !sub->list->out))
		vms_list_wired(ctx, sub->list, v);
}

/* L5: two held lists with the same non-zero id are the same list */
static void vms_clause_l5(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	if (!vms_premise(v, !sub->list->out && sub->list->tag))
		return;
	if (sub->twin && !sub->twin->out)
		vms_violate(v, sub->list->tag, sub->list->tag, "tag of another list");
}

/* L7: a list has a cursor or is held, not both: what has none has no place of one */
static void vms_clause_l7(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	if (!vms_premise(v, !sub->list->out))
		return;
	if (sub->list->at != VMS_NO_SLOT)
		vms_violate(v, VMS_NO_SLOT, sub->list->at, "no cursor, at slot");
	if (sub->list->index)
		vms_violate(v, 0, sub->list->index, "no cursor, at link");
}

/* L8: each cursor: its list satisfies L2 and L3; 0 <= index <= len; it is at that link */
static void vms_clause_l8(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	const struct vms_list *list = sub->list;
	u32 at;

	if (!vms_premise(v, list->out))
		return;
	vms_list_tagged(ctx, list, v);
	vms_list_wired(ctx, list, v);
	if (list->index > list->nr)
		vms_violate(v, list->nr, list->index, "cursor beyond the end");
	at = vms_list_find(ctx, list, list->index);
	if (list->at != at)
		vms_violate(v, at, list->at, "slot the cursor is at");
}

/* L9: no held list and no list with a cursor share a non-zero id */
static void vms_clause_l9(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	if (!vms_premise(v, sub->list->tag))
		return;
	if (sub->twin && sub->twin->out != sub->list->out)
		vms_violate(v, sub->list->tag, sub->list->tag, "tag of a list, and a cursor");
}

/* L10: two cursors with the same non-zero list id are the same cursor */
static void vms_clause_l10(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			   struct vms_verdict *v)
{
	if (!vms_premise(v, sub->list->out && sub->list->tag))
		return;
	if (sub->twin && sub->twin->out)
		vms_violate(v, sub->list->tag, sub->list->tag, "tag of another cursor");
}

/* --- loose handles ------------------------------------------------------------------- */

/*
 * L4: each loose handle: valid slot, rc == UNIQUE, usage == Frame, storage initialised,
 * a drop is owed, prev and next none, il == 0. That it is in the registry owes the drop.
 */
static void vms_clause_l4(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	const struct vms_slot *slot;

	if (sub->slot >= ctx->store->region.nr_slots) {
		vms_violate(v, ctx->store->region.nr_slots, sub->slot,
			    "slot beyond the end of the region");
		return;
	}
	slot = vms_inv_slot(ctx, sub->slot);
	if (atomic64_read(&slot->rc) != VMS_RC_UNIQUE)
		vms_violate(v, VMS_RC_UNIQUE, atomic64_read(&slot->rc), "rc of the slot");
	if (slot->usage != VMSTORE_USAGE_FRAME)
		vms_violate(v, VMSTORE_USAGE_FRAME, slot->usage, "usage of the slot");
	if (!slot->storage)
		vms_violate(v, 1, 0, "storage initialised");
	if (slot->link.prev != VMS_NO_SLOT)
		vms_violate(v, VMS_NO_SLOT, slot->link.prev, "slot before it");
	if (slot->link.next != VMS_NO_SLOT)
		vms_violate(v, VMS_NO_SLOT, slot->link.next, "slot behind it");
	if (slot->in_list)
		vms_violate(v, 0, slot->in_list, "in_list of the slot");
}

/* L6: distinct loose handles use distinct slots */
static void vms_clause_l6(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	u32 u;

	if (!vms_premise(v, sub->slot < ctx->store->region.nr_slots))
		return;
	u = ctx->recount[sub->slot].u;	/* up to this handle */
	if (u != 1)
		vms_violate(v, 1, u, "loose handles of the slot");
}

/* --- slots --------------------------------------------------------------------------- */

/* Is there a list with this tag? Only asked where something is wrong */
static bool vms_inv_has_tag(const struct vms_inv_ctx *ctx, u64 tag)
{
	const struct vms_list *list;
	unsigned long id;

	xa_for_each(&ctx->store->lists.xa, id, list)
		if (list->tag == tag)
			return true;
	return false;
}

/*
 * L11: every link's slot carries the id of its list; and of a non-zero id of a list every
 * slot that carries it is a link of that list
 */
static void vms_clause_l11(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			   struct vms_verdict *v)
{
	const struct vms_recount *count = &ctx->recount[sub->slot];
	u64 tag = vms_inv_slot(ctx, sub->slot)->in_list;
	const struct vms_list *list;

	if (!vms_premise(v, tag || count->l))
		return;
	if (!count->l) {
		if (vms_inv_has_tag(ctx, tag))
			vms_violate(v, 0, tag, "no link, in_list");
		return;
	}
	list = xa_load(&ctx->store->lists.xa, count->list);
	if (list && tag != list->tag)
		vms_violate(v, list->tag, tag, "link, in_list");
}

const struct vms_clause vms_clauses_lists[] = {
	{ "L2", VMS_SCOPE_LIST, vms_clause_l2, "list: not empty has a tag, which its links carry" },
	{ "L3", VMS_SCOPE_LIST, vms_clause_l3,
	  "list: links UNIQUE, Frame, tagged, distinct, wired both ways" },
	{ "L4", VMS_SCOPE_UNIQUE, vms_clause_l4,
	  "loose handle: UNIQUE, Frame, storage, no neighbours, no list" },
	{ "L5", VMS_SCOPE_LIST, vms_clause_l5, "list: no other list has its tag" },
	{ "L6", VMS_SCOPE_UNIQUE, vms_clause_l6, "loose handle: the only one of its slot" },
	{ "L7", VMS_SCOPE_LIST, vms_clause_l7, "list without a cursor: has no place of one" },
	{ "L8", VMS_SCOPE_LIST, vms_clause_l8, "cursor: its list satisfies L2, L3, it is in it" },
	{ "L9", VMS_SCOPE_LIST, vms_clause_l9, "list and cursor: no two have one tag" },
	{ "L10", VMS_SCOPE_LIST, vms_clause_l10, "cursor: no other cursor has its list's tag" },
	{ "L11", VMS_SCOPE_SLOT, vms_clause_l11, "in_list is the tag of the list it is a link of" },
	/* behind R1 to R15 */
	{ "L1", VMS_SCOPE_STORE, vms_clause_l1, "lists: regions.inv holds" },
	{}
};
