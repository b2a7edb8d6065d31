// SPDX-License-Identifier: GPL-2.0-only
/*
 * The TLB model: T1 to T4 of what is cached, T5 of what was removed and is not known
 * flushed [model 3.8, D5], and S4.
 */

#include "shadow.h"

/* --- cached translations ------------------------------------------------------------ */

/**
 * vms_inv_eval_mapping - evaluate the clauses of scope MAPPING for a cached translation
 * @ctx: check
 * @m: of the store's model
 */
void vms_inv_eval_mapping(struct vms_inv_ctx *ctx, struct vms_mapping *m)
{
	const struct vms_subject sub = {
		.slot = VMS_NO_SLOT,
		.id = m->space,
		.mapping = m,
		.level = m->level,
		.va = m->va,
		.pte = m->pte,
		.target = vms_inv_target(ctx, m->pte),
	};

	vms_inv_eval_scope(ctx, VMS_SCOPE_MAPPING, &sub);
}

/* T1: every cached mapping satisfies P8 */
static void vms_clause_t1(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	vms_clause_p8(ctx, sub, v);
	ctx->found_cached += v->violated;
}

/* Another mapping of the set that @meets @sub's, or NULL */
static const struct vms_mapping *
vms_mapping_find(const struct vms_inv_ctx *ctx, const struct vms_subject *sub,
		 bool (*meets)(const struct vms_mapping *a, const struct vms_mapping *b))
{
	const struct vms_tlb_model *model = ctx->store->tlb.model;
	u32 i;

	for (i = 0; i < model->nr; i++)
		if (&model->mapping[i] != sub->mapping && meets(&model->mapping[i], sub->mapping))
			return &model->mapping[i];
	return NULL;
}

/* T2: distinct cached mappings have disjoint VA ranges */
static void vms_clause_t2(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	if (!vms_premise(v, ctx->store->tlb.model->nr > 1))
		return;
	if (vms_mapping_find(ctx, sub, vms_mapping_meets_va))
		vms_violate(v, 0, 0, "meets another one's addresses");
	ctx->found_cached += v->violated;
}

/* T3: distinct cached mappings have disjoint PA ranges */
static void vms_clause_t3(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	if (!vms_premise(v, ctx->store->tlb.model->nr > 1))
		return;
	if (vms_mapping_find(ctx, sub, vms_mapping_meets_pa))
		vms_violate(v, 0, 0, "meets another one's frames");
	ctx->found_cached += v->violated;
}

/* The table its space has, or none if there is no such space; *level becomes the top's */
static u32 vms_mapping_top(const struct vms_inv_ctx *ctx, const struct vms_mapping *m, int *level)
{
	struct vms_store *s = ctx->store;
	const struct vms_space *space;

	if (m->space == VMS_KERNEL_TAG) {
		*level = VMS_NR_LEVELS - 1;
		return s->kernel.top;
	}
	*level = VMS_NR_LEVELS;
	space = xa_load(&s->spaces.xa, m->space);
	return space ? space->pt.root : VMS_NO_SLOT;
}

/* Is it a leaf of its page table? */
static bool vms_mapping_in_table(struct vms_inv_ctx *ctx, const struct vms_mapping *m)
{
	int level;
	u32 node = vms_mapping_top(ctx, m, &level);

	for (; node < ctx->store->region.nr_slots && level >= 1; level--) {
		u64 pte = vms_inv_entry(ctx, node, vms_pte_index(m->va, level));

		if (level == m->level)
			return pte == m->pte;
		if (vms_pte_kind(pte) != VMS_ENTRY_TABLE)
			return false;
		node = vms_inv_target(ctx, pte);
	}
	return false;
}

/* Will the flush that a range of @g wants, or has asked for, take it out? */
static bool vms_gather_covers(const struct vms_gather *g, const struct vms_mapping *m)
{
	u64 end = vms_mapping_end(m);

	return g->space == m->space && (vms_flush_covers(&g->changed, m->va, end) ||
					vms_flush_covers(&g->pending, m->va, end));
}

/* Is it in a stale range? What is dispatched is cached no more, says the model [Tl10] */
static bool vms_mapping_is_stale(const struct vms_inv_ctx *ctx, const struct vms_mapping *m)
{
	struct vms_store *s = ctx->store;
	const struct vms_gather *g;
	const struct vms_cursor *c;
	unsigned long id;

	list_for_each_entry(g, &s->left, link)
		if (vms_gather_covers(g, m))
			return true;
	xa_for_each(&s->cursors.xa, id, c)
		if (c->gather && vms_gather_covers(c->gather, m))
			return true;
	return false;
}

/*
 * T4: a cached mapping is in the page-table view; until a flush, if its range is stale, it
 * need not be [D5]
 */
static void vms_clause_t4(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	struct vms_mapping *m = sub->mapping;

	m->gone = !vms_mapping_in_table(ctx, m);
	if (m->gone && !vms_mapping_is_stale(ctx, m))
		vms_violate(v, 0, 0, "is no leaf of its space and no stale range");
}

/* S4: tlb_model.inv: T1 to T3 */
static void vms_clause_s4(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	if (!vms_premise(v, ctx->store->tlb.model && ctx->store->tlb.model->nr))
		return;
	if (ctx->found_cached)
		vms_violate(v, 0, ctx->found_cached, "violations of T1 to T3");
}

/* --- removed and not released ----------------------------------------------------------- */

/**
 * vms_inv_eval_gather - evaluate the clauses of scope GATHER
 * @ctx: check
 * @g: gather that somebody keeps
 */
void vms_inv_eval_gather(struct vms_inv_ctx *ctx, const struct vms_gather *g)
{
	const struct vms_subject sub = { .slot = VMS_NO_SLOT, .id = g->cursor, .gather = g };

	vms_inv_eval_scope(ctx, VMS_SCOPE_GATHER, &sub);
}

/*
 * T5: no frame or node named by a translation in the removed-but-unflushed set, or reachable
 * through one, is UNUSED or has a new owner. Of all that is gathered, flushed or not: it is
 * a shared data frame or a stray node, and what a gather names is in the life that it had
 * when it was removed. The same is asked once more of what is released, and that it is
 * flushed: vms_gather_release().
 */
static void vms_clause_t5(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	const struct vms_recount *count = &ctx->recount[sub->slot];
	const struct vms_slot *slot = vms_inv_slot(ctx, sub->slot);
	u64 rc = vms_slot_rc(&ctx->store->region, sub->slot);
	bool node = slot->usage == VMSTORE_USAGE_PAGETABLE;

	if (!vms_premise(v, count->gathered))
		return;
	if (!vms_rc_is_shared(rc))
		vms_violate(v, 1, rc, "gathered, rc");
	if (!node && slot->usage != VMSTORE_USAGE_FRAME)
		vms_violate(v, VMSTORE_USAGE_FRAME, slot->usage, "gathered, usage");
	if (node && !slot->node.stray)
		vms_violate(v, 1, 0, "gathered node, stray");
	if (!vms_inv_lives_on(ctx, sub->slot))
		vms_violate(v, 0, 0, "gathered, and has a new owner");
}

/*
 * G9 [D5]: a slot that was claimed since the last check has another birth, or T5 would take
 * the new owner for the old one
 */
static void vms_clause_g9(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	const struct vms_slot_copy *was = &ctx->store->inv->shadow->slot[sub->slot];
	u64 rc = vms_slot_rc(&ctx->store->region, sub->slot);

	if (!vms_premise(v, was->rc == VMS_RC_UNUSED && rc != VMS_RC_UNUSED))
		return;
	if (vms_inv_slot(ctx, sub->slot)->birth == was->birth)
		vms_violate(v, 0, 0, "claimed, and has the birth of its last owner");
}

/* G10 [D5]: as long as a CPU owes a flush, what it is to flush is known as stale */
static void vms_clause_g10(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			   struct vms_verdict *v)
{
	if (!vms_premise(v, !vms_tlb_flushed(&ctx->store->tlb, sub->gather)))
		return;
	if (vms_flush_empty(&sub->gather->sent))
		vms_violate(v, 0, 0, "a CPU owes a flush of nothing");
}

const struct vms_clause vms_clauses_tlb[] = {
	{ "S4", VMS_SCOPE_STORE, vms_clause_s4, "tlb_model.inv holds: T1 to T3" },
	{ "T1", VMS_SCOPE_MAPPING, vms_clause_t1, "cached: size, alignment, bounds as P8" },
	{ "T2", VMS_SCOPE_MAPPING, vms_clause_t2, "cached: addresses disjoint" },
	{ "T3", VMS_SCOPE_MAPPING, vms_clause_t3, "cached: frames disjoint" },
	{ "T4", VMS_SCOPE_MAPPING, vms_clause_t4, "cached: a leaf of its space, or stale" },
	{ "T5", VMS_SCOPE_SLOT, vms_clause_t5, "gathered: live and with the same owner" },
	{ "G9", VMS_SCOPE_MARKED, vms_clause_g9, "a slot that is claimed has a new birth" },
	{ "G10", VMS_SCOPE_GATHER, vms_clause_g10, "gather: what a CPU owes is stale" },
	{}
};
