// SPDX-License-Identifier: GPL-2.0-only
/*
 * Check mode step: the clauses for what an operation touched; and, in a full check, that
 * it touched nothing else [design 7].
 *
 * What a clause looks at beyond its own object was touched too if it changed, and then
 * the clause is evaluated for that. Clauses about all that a cursor reaches (S7, C3) are
 * evaluated for the touched part of it: see vms_below_cursor().
 */

#include <linux/sched.h>
#include <linux/string.h>

#include "shadow.h"

/* --- what is evaluated -------------------------------------------------------- */

static void vms_touched_cursor(struct vms_inv_ctx *ctx, u64 id)
{
	struct vms_cursor *c = xa_load(&ctx->store->cursors.xa, id);
	const struct vms_subject sub = {
		.slot = VMS_NO_SLOT,
		.id = id,
		.space = c ? c->space : NULL,
		.cursor = c,
	};

	if (c)
		vms_inv_eval_scope(ctx, VMS_SCOPE_CURSOR, &sub);
}

static void vms_touched_space(struct vms_inv_ctx *ctx, u64 id)
{
	struct vms_space *space = xa_load(&ctx->store->spaces.xa, id);
	const struct vms_subject sub = {
		.slot = space ? space->pt.root : VMS_NO_SLOT,
		.id = id,
		.space = space,
		.level = VMS_NR_LEVELS,
		.parent = VMS_NO_SLOT,
	};

	if (!space)
		return;
	vms_inv_eval_scope(ctx, VMS_SCOPE_TABLE, &sub);
	vms_inv_eval_scope(ctx, VMS_SCOPE_SPACE, &sub);
}

/* The store's own page table */
static void vms_touched_kernel(struct vms_inv_ctx *ctx)
{
	const struct vms_subject sub = {
		.slot = ctx->store->kernel_pt.root,
		.level = VMS_NR_LEVELS,
		.parent = VMS_NO_SLOT,
	};

	vms_inv_eval_scope(ctx, VMS_SCOPE_TABLE, &sub);
}

static void vms_touched_io(struct vms_inv_ctx *ctx, u64 id)
{
	const struct vms_io *io = xa_load(&ctx->store->ios.xa, id);
	const struct vms_subject sub = {
		.slot = VMS_NO_SLOT,
		.id = id,
		.space = io ? io->space : NULL,
		.io = io,
	};

	if (!io)
		return;
	vms_inv_eval_scope(ctx, VMS_SCOPE_IO, &sub);
	if (io->space)
		vms_touched_space(ctx, io->space->id);
}

/* An area, and whatever relies on what is mapped in it */
static void vms_touched_kvirt(struct vms_inv_ctx *ctx, u64 id)
{
	struct vms_kvirt *area = xa_load(&ctx->store->areas.xa, id);
	const struct vms_subject sub = { .slot = VMS_NO_SLOT, .id = id, .area = area };
	struct vms_io *io;
	unsigned long io_id;

	if (!area)
		return;
	vms_inv_eval_scope(ctx, VMS_SCOPE_KVIRT, &sub);
	if (!atomic_read(&area->pins))
		return;
	xa_for_each(&ctx->store->ios.xa, io_id, io)
		if (io->area == area)
			vms_touched_io(ctx, io_id);
}

static void vms_touched_frame(struct vms_inv_ctx *ctx, u64 id)
{
	const void *entry = xa_load(&ctx->store->frames.xa, id);
	const struct vms_subject sub = {
		.slot = entry ? vms_frame_entry_slot(entry) : VMS_NO_SLOT,
		.id = id,
	};

	if (entry)
		vms_inv_eval_scope(ctx, VMS_SCOPE_FRAME, &sub);
}

static void vms_touched_segment(struct vms_inv_ctx *ctx, u64 id)
{
	const void *entry = xa_load(&ctx->store->segments.xa, id);
	struct vms_segment seg;
	struct vms_subject sub = { .id = id };

	if (!entry)
		return;
	seg = vms_segment_of_entry(entry);
	sub.slot = seg.first;
	sub.nr = seg.nr;
	vms_inv_eval_scope(ctx, VMS_SCOPE_SEGMENT, &sub);
}

static void vms_touched_unique(struct vms_inv_ctx *ctx, u64 id)
{
	const void *entry = xa_load(&ctx->store->uniques.xa, id);
	const struct vms_subject sub = {
		.slot = entry ? vms_frame_entry_slot(entry) : VMS_NO_SLOT,
		.id = id,
	};

	if (entry)
		vms_inv_eval_scope(ctx, VMS_SCOPE_UNIQUE, &sub);
}

/* The lists of links that changed, whether or not their list did */
static void vms_touched_links(struct vms_inv_ctx *ctx)
{
	const struct vms_touch *t = ctx->store->region.touch;
	u64 last = 0;
	u32 k;

	for (k = 0; k < t->nr_slots && !ctx->found; k++) {
		u64 id = ctx->recount[t->slot[k]].list;

		if (!id || id == last || !(t->mark[t->slot[k]] & VMS_MARK_SLOT))
			continue;
		last = id;
		vms_inv_eval_list(ctx, id);
	}
}

static void vms_touched_entry(struct vms_inv_ctx *ctx, const struct vms_subject *node,
			      unsigned int i)
{
	struct vms_subject e = *node;

	e.index = i;
	e.pte = ctx->store->inv->shadow->node[node->slot]->entries[i];
	if (!e.pte)
		return;
	e.va = node->va + i * vms_page_size(node->level);
	e.target = vms_inv_target(ctx, e.pte);
	ctx->next_va = e.va;	/* that leaves are disjoint says their place */
	vms_inv_eval_scope(ctx, VMS_SCOPE_ENTRY, &e);
	if (vms_pte_kind(e.pte) == VMS_ENTRY_LEAF)
		vms_inv_eval_scope(ctx, VMS_SCOPE_LEAF, &e);
}

/* A node, its entries that changed, and the entry that leads to it */
static void vms_touched_node(struct vms_inv_ctx *ctx, u32 idx)
{
	const struct vms_shadow *sh = ctx->store->inv->shadow;
	const struct vms_node_copy *node = sh->node[idx];
	struct vms_subject sub, up;
	unsigned int i;

	vms_shadow_subject(ctx->store, idx, &sub);
	if (node->gathered) {
		vms_inv_eval_scope(ctx, VMS_SCOPE_REMOVED, &sub);
		return;
	}
	vms_inv_eval_scope(ctx, VMS_SCOPE_NODE, &sub);
	for_each_set_bit(i, node->changed, VMS_NR_ENTRIES)
		vms_touched_entry(ctx, &sub, i);
	if (node->parent != VMS_NO_SLOT && sh->node[node->parent]) {
		vms_shadow_subject(ctx->store, node->parent, &up);
		vms_touched_entry(ctx, &up, node->index);
	} else if (node->space) {
		vms_touched_space(ctx, node->space);
	} else if (idx == ctx->store->kernel_pt.root) {
		vms_touched_kernel(ctx);
	}
}

/* Who owned it before, and who does now: mostly the same one for all of a subtree */
static void vms_touched_owners(struct vms_inv_ctx *ctx, u32 idx, u64 *last)
{
	u64 owner[2] = {
		ctx->store->inv->shadow->slot[idx].owner,
		vms_inv_slot(ctx, idx)->node.owner,
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(owner); i++) {
		if (!owner[i] || owner[i] == *last)
			continue;
		*last = owner[i];
		vms_touched_cursor(ctx, owner[i]);
	}
}

static void vms_touched_id(struct vms_inv_ctx *ctx, const struct vms_touched_id *id)
{
	switch (id->kind) {
	case VMS_TOUCH_FRAMES:
		vms_touched_frame(ctx, id->id);
		break;
	case VMS_TOUCH_SPACES:
	case VMS_TOUCH_ACTIVATION:
		vms_touched_space(ctx, id->id);
		break;
	case VMS_TOUCH_IOS:
		vms_touched_io(ctx, id->id);
		break;
	case VMS_TOUCH_SEGMENTS:
		vms_touched_segment(ctx, id->id);
		break;
	case VMS_TOUCH_UNIQUES:
		vms_touched_unique(ctx, id->id);
		break;
	case VMS_TOUCH_CURSORS:
		vms_touched_cursor(ctx, id->id);
		break;
	case VMS_TOUCH_KVIRTS:
		vms_touched_kvirt(ctx, id->id);
		break;
	case VMS_TOUCH_LISTS:
		vms_inv_eval_list(ctx, id->id);
		break;
	}
}

/* The gathers marked, unless nobody has them any more */
static void vms_touched_gathers(struct vms_inv_ctx *ctx)
{
	const struct vms_gather_seen *seen;

	list_for_each_entry(seen, &ctx->store->region.touch->gathers, touched)
		if (seen->of)
			vms_inv_eval_gather(ctx, seen->of);
}

/*
 * Cached translations that are new, those whose node was touched, and those that were stale
 * and perhaps are not any more. One whose table was cut off lay in a node that was touched.
 */
static void vms_touched_mappings(struct vms_inv_ctx *ctx)
{
	const struct vms_touch *t = ctx->store->region.touch;
	struct vms_tlb_model *model = ctx->store->tlb.model;
	u32 i;

	for (i = 0; i < model->nr; i++) {
		struct vms_mapping *m = &model->mapping[i];

		if (m->fresh || m->gone || t->mark[m->node] & VMS_MARK_NODE)
			vms_inv_eval_mapping(ctx, m);
	}
}

/**
 * vms_inv_eval_marked - evaluate the clauses of scope MARKED
 * @ctx: check, whose shadow is up to date
 */
void vms_inv_eval_marked(struct vms_inv_ctx *ctx)
{
	const struct vms_touch *t = ctx->store->region.touch;
	u32 k;

	for (k = 0; k < t->nr_slots; k++) {
		const struct vms_subject sub = { .slot = t->slot[k] };

		if (t->mark[sub.slot] & VMS_MARK_SLOT)
			vms_inv_eval_scope(ctx, VMS_SCOPE_MARKED, &sub);
	}
}

/**
 * vms_inv_eval_touched - evaluate the clauses for what the touch set names
 * @ctx: check of what was touched, whose shadow is up to date
 *
 * Ends early when a clause is violated. May sleep.
 */
void vms_inv_eval_touched(struct vms_inv_ctx *ctx)
{
	const struct vms_touch *t = ctx->store->region.touch;
	const struct vms_shadow *sh = ctx->store->inv->shadow;
	const struct vms_subject store = { .slot = VMS_NO_SLOT };
	u64 last = 0;
	u32 k;

	ctx->nr_frames = sh->nr[VMS_SHADOW_FRAMES];
	ctx->nr_segments = sh->nr[VMS_SHADOW_SEGMENTS];
	ctx->nr_areas = sh->nr[VMS_SHADOW_KVIRTS];
	for (k = 0; k < t->nr_slots; k++) {
		const struct vms_subject sub = { .slot = t->slot[k] };

		vms_inv_eval_scope(ctx, VMS_SCOPE_SLOT, &sub);
		if (sh->node[sub.slot])
			vms_touched_node(ctx, sub.slot);
		if (!(k % 256))
			cond_resched();
	}
	for (k = 0; k < t->nr_ids && !ctx->found; k++)
		vms_touched_id(ctx, &t->id[k]);
	for (k = 0; k < t->nr_slots && !ctx->found; k++)
		if (t->mark[t->slot[k]] & VMS_MARK_NODE)
			vms_touched_owners(ctx, t->slot[k], &last);
	vms_touched_links(ctx);
	vms_inv_eval_marked(ctx);
	vms_touched_gathers(ctx);
	vms_touched_mappings(ctx);
	vms_inv_eval_scope(ctx, VMS_SCOPE_STORE, &store);
}

/**
 * vms_inv_eval_copies - compare the store with the shadow
 * @ctx: full check, whose recount is complete; the shadow is up to date
 */
void vms_inv_eval_copies(struct vms_inv_ctx *ctx)
{
	struct vms_store *s = ctx->store;
	struct vms_subject sub = { .slot = 0 };
	unsigned long id;
	void *entry;

	for (; sub.slot < s->region.nr_slots; sub.slot++) {
		vms_inv_eval_scope(ctx, VMS_SCOPE_COPY, &sub);
		if (!(sub.slot % 1024))
			cond_resched();
	}
	for (sub.kind = 0; sub.kind < VMS_SHADOW_NR; sub.kind++) {
		xa_for_each(&vms_shadow_registry(s, sub.kind)->xa, id, entry) {
			sub.id = id;
			vms_inv_eval_scope(ctx, VMS_SCOPE_WORD, &sub);
		}
		xa_for_each(&s->inv->shadow->word[sub.kind], id, entry) {
			sub.id = id;
			if (!xa_load(&vms_shadow_registry(s, sub.kind)->xa, id))
				vms_inv_eval_scope(ctx, VMS_SCOPE_WORD, &sub);
		}
		cond_resched();
	}
}

/* --- the clauses ------------------------------------------------------------------ */

/* The record of a slot, but for the metadata of a node */
static void vms_copy_check_slot(const struct vms_slot_copy *was, const struct vms_slot_copy *now,
				struct vms_verdict *v)
{
	if (now->rc != was->rc)
		vms_violate(v, was->rc, now->rc, "not touched, rc");
	if (now->paths != was->paths)
		vms_violate(v, was->paths, now->paths, "not touched, paths");
	if (now->in_list != was->in_list)
		vms_violate(v, was->in_list, now->in_list, "not touched, in_list");
	if (now->link.prev != was->link.prev)
		vms_violate(v, was->link.prev, now->link.prev, "not touched, link before");
	if (now->link.next != was->link.next)
		vms_violate(v, was->link.next, now->link.next, "not touched, link behind");
	if (now->usage != was->usage)
		vms_violate(v, was->usage, now->usage, "not touched, usage");
	if (now->type != was->type)
		vms_violate(v, was->type, now->type, "not touched, type tag");
	if (now->storage != was->storage)
		vms_violate(v, was->storage, now->storage, "not touched, storage initialised");
	if (now->self != was->self)
		vms_violate(v, was->self, now->self, "not touched, stored index");
	if (now->birth != was->birth)
		vms_violate(v, was->birth, now->birth, "not touched, birth");
}

/* What the slot keeps as a node, also of one that is none any more */
static void vms_copy_check_meta(const struct vms_slot_copy *was, const struct vms_slot_copy *now,
				struct vms_verdict *v)
{
	if (now->owner != was->owner)
		vms_violate(v, was->owner, now->owner, "not touched, owner");
	if (now->nr_children != was->nr_children)
		vms_violate(v, was->nr_children, now->nr_children, "not touched, nr_children");
	if (now->level != was->level)
		vms_violate(v, was->level, now->level, "not touched, level");
	if (now->stray != was->stray)
		vms_violate(v, was->stray, now->stray, "not touched, stray");
}

static void vms_copy_check_entries(struct vms_inv_ctx *ctx, u32 idx, struct vms_verdict *v)
{
	const struct vms_node_copy *node = ctx->store->inv->shadow->node[idx];
	unsigned int i, end;

	if (!node)
		return;
	vms_inv_own_entries(ctx, idx, node->level, &i, &end);
	for (; i < end; i++)
		if (node->entries[i] != vms_inv_entry(ctx, idx, i))
			vms_violate(v, i, i, "not touched, an entry");
}

/*
 * G2 [design 7]: what changed since the last check was touched. Of a slot: its record and
 * its entries are those of the last check where they are not marked, and its counts are
 * those the marked changes lead to.
 */
static void vms_clause_g2(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	const struct vms_shadow *sh = ctx->store->inv->shadow;
	struct vms_slot_copy now = vms_shadow_copy_slot(&ctx->store->region, sub->slot);
	u8 mark = ctx->store->region.touch->mark[sub->slot];

	if (!(mark & VMS_MARK_SLOT))
		vms_copy_check_slot(&sh->slot[sub->slot], &now, v);
	if (!(mark & VMS_MARK_NODE))
		vms_copy_check_meta(&sh->slot[sub->slot], &now, v);
	vms_copy_check_entries(ctx, sub->slot, v);
	if (memcmp(&sh->recount[sub->slot], &ctx->recount[sub->slot], sizeof(*ctx->recount)))
		vms_violate(v, 0, 0, "not touched, who refers to it");
}

/* G3 [design 7]: the same of an entry of a registry */
static void vms_clause_g3(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	struct vms_store *s = ctx->store;
	const void *was = xa_load(&s->inv->shadow->word[sub->kind], sub->id);
	const void *entry = xa_load(&vms_shadow_registry(s, sub->kind)->xa, sub->id);
	const void *now = vms_shadow_word(s, sub->kind, entry);

	if (was != now)
		vms_violate(v, !!was, !!now, "not touched, the registry's entry");
}

/* G4 [design 7]: an operation touches only the kinds that its row declares */
static void vms_clause_g4(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	static const char * const what[] = {
		"slots touched, and not declared",
		"tables touched, and not declared",
		"gathers touched, and not declared",
		"handles touched, and not declared",
		"spaces touched, and not declared",
		"cursors touched, and not declared",
		"segments touched, and not declared",
		"exclusive handles touched, and not declared",
		"readers or writers touched, and not declared",
		"activation touched, and not declared",
		"areas touched, and not declared",
		"frame lists touched, and not declared",
		"cached translations touched, and not declared",
	};
	const struct vms_touch *t = ctx->store->region.touch;
	u32 undeclared;

	if (!vms_premise(v, t && t->declared != U32_MAX))
		return;
	undeclared = t->kinds & ~t->declared;
	if (undeclared)
		vms_violate(v, 0, 0, what[__ffs(undeclared)]);
}

/*
 * G5 [D4, Lk10]: a node that was cut off is stray, owned by nobody and at no path, and
 * its gather's reference is what keeps it
 */
static void vms_clause_g5(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	const struct vms_slot *slot = vms_inv_slot(ctx, sub->slot);

	if (!slot->node.stray)
		vms_violate(v, 1, 0, "gathered, stray");
	if (slot->node.owner)
		vms_violate(v, 0, slot->node.owner, "gathered, owner");
	if (atomic64_read(&slot->paths))
		vms_violate(v, 0, atomic64_read(&slot->paths), "gathered, paths recorded");
	if (atomic64_read(&slot->rc) != 1)
		vms_violate(v, 1, atomic64_read(&slot->rc), "gathered, rc");
}

const struct vms_clause vms_clauses_touched[] = {
	{ "G2", VMS_SCOPE_COPY, vms_clause_g2, "slot: nothing changed that was not touched" },
	{ "G3", VMS_SCOPE_WORD, vms_clause_g3, "registry: no entry changed that was not touched" },
	{ "G4", VMS_SCOPE_STORE, vms_clause_g4, "only kinds were touched that the row declares" },
	{ "G5", VMS_SCOPE_REMOVED, vms_clause_g5,
	  "gathered node: stray, unowned, at no path, rc 1" },
	{}
};
