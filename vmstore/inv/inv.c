// SPDX-License-Identifier: GPL-2.0-only
/*
 * The checker: recount, evaluate, record.
 *
 * The tables are walked once, and the clauses about nodes and leaves are evaluated on
 * the way; slots, cursors and the store follow, when the recount is complete
 * [model 10.3]. Nothing is allocated, and nothing read is trusted: an address that is
 * not in the region is not followed, a node is entered once, and no walk goes below
 * level 1.
 */

#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "inv.h"

static const struct vms_clause *const vms_families[] = {
	vms_clauses_regions,
	vms_clauses_tables,
	vms_clauses_cursors,
	vms_clauses_accounting,
};

/**
 * vms_inv_clause - a clause by its number
 * @i: number
 *
 * Return: the clause, or NULL when there are not so many.
 */
const struct vms_clause *vms_inv_clause(u32 i)
{
	const struct vms_clause *c;
	int family;

	for (family = 0; family < ARRAY_SIZE(vms_families); family++)
		for (c = vms_families[family]; c->id; c++)
			if (!i--)
				return c;
	return NULL;
}

/* vms_inv_nr_clauses - how many there are */
u32 vms_inv_nr_clauses(void)
{
	u32 n = 0;

	while (vms_inv_clause(n))
		n++;
	return n;
}

static void vms_inv_sort_rows(struct vms_inv *inv, u32 nr)
{
	u32 used = 0;
	u32 scope, i;

	for (scope = 0; scope < VMS_NR_SCOPES; scope++) {
		inv->scope[scope] = used;
		for (i = 0; i < nr; i++) {
			const struct vms_clause *c = vms_inv_clause(i);

			if (c->scope == scope)
				inv->row[used++] = (struct vms_inv_row) { c, i };
		}
	}
	inv->scope[VMS_NR_SCOPES] = used;
}

/**
 * vms_inv_init - make the checker of a store
 * @s: store whose region exists
 *
 * All memory a check needs is allocated here. May sleep.
 *
 * Return: 0 or -ENOMEM; then nothing is held.
 */
int vms_inv_init(struct vms_store *s)
{
	u32 nr = vms_inv_nr_clauses();
	struct vms_inv *inv = kvzalloc(sizeof(*inv), GFP_KERNEL_ACCOUNT);

	if (!inv)
		return -ENOMEM;
	s->inv = inv;
	inv->recount = kvcalloc(s->region.nr_slots, sizeof(*inv->recount), VMS_GFP_LARGE);
	inv->row = kvcalloc(nr, sizeof(*inv->row), GFP_KERNEL_ACCOUNT);
	inv->count = kvcalloc(nr, sizeof(*inv->count), GFP_KERNEL_ACCOUNT);
	if (!inv->recount || !inv->row || !inv->count) {
		vms_inv_exit(s);
		return -ENOMEM;
	}
	vms_inv_sort_rows(inv, nr);
	return 0;
}

/**
 * vms_inv_exit - free the checker
 * @s: store, also one without a checker
 */
void vms_inv_exit(struct vms_store *s)
{
	if (!s->inv)
		return;
	kvfree(s->inv->count);
	kvfree(s->inv->row);
	kvfree(s->inv->recount);
	kvfree(s->inv);
	s->inv = NULL;
}

/* --- recording -------------------------------------------------------------- */

/* Which object the record names, and how the text begins */
static int vms_inv_name(const struct vms_clause *c, const struct vms_subject *sub,
			struct vmstore_violation *r)
{
	size_t room = sizeof(r->text);

	r->space = sub->space ? sub->space->id : 0;
	switch (c->scope) {
	case VMS_SCOPE_SLOT:
		r->kind = VMSTORE_OBJ_SLOT;
		r->object = vms_slot_paddr(sub->slot);
		return scnprintf(r->text, room, "slot %#llx", r->object);
	case VMS_SCOPE_FRAME:
		r->kind = VMSTORE_OBJ_FRAME;
		r->object = sub->id;
		return scnprintf(r->text, room, "frame %llu", r->object);
	case VMS_SCOPE_SPACE:
		r->kind = VMSTORE_OBJ_SPACE;
		r->object = sub->id;
		return scnprintf(r->text, room, "space %llu", r->object);
	case VMS_SCOPE_CURSOR:
		r->kind = VMSTORE_OBJ_CURSOR;
		r->object = sub->id;
		return scnprintf(r->text, room, "cursor %llu", r->object);
	case VMS_SCOPE_NODE:
		r->kind = VMSTORE_OBJ_NODE;
		r->object = vms_slot_paddr(sub->slot);
		return scnprintf(r->text, room, "node %#llx", r->object);
	case VMS_SCOPE_ENTRY:
		r->kind = VMSTORE_OBJ_NODE;
		r->object = vms_slot_paddr(sub->slot);
		return scnprintf(r->text, room, "node %#llx entry %u", r->object, sub->index);
	case VMS_SCOPE_LEAF:
	case VMS_SCOPE_LINEAR:
		r->kind = VMSTORE_OBJ_LEAF;
		r->object = sub->va;
		return scnprintf(r->text, room, "leaf %#llx", r->object);
	default:
		r->kind = VMSTORE_OBJ_STORE;
		return scnprintf(r->text, room, "store");
	}
}

static int vms_inv_print_number(char *buf, size_t room, const char *before, u64 n)
{
	/* Sentinels and addresses are no counts */
	return scnprintf(buf, room, n > 0xffff ? "%s%#llx" : "%s%llu", before, n);
}

static void vms_inv_record(struct vms_inv_ctx *ctx, const struct vms_clause *c,
			   const struct vms_subject *sub, const struct vms_verdict *v)
{
	struct vms_inv *inv = ctx->store->inv;
	struct vmstore_violation *r;
	size_t room;
	int n;

	ctx->found++;
	if (inv->nr_violations++ >= VMS_INV_MAX_VIOLATIONS)
		return;
	r = &inv->violation[inv->nr_violations - 1];
	memset(r, 0, sizeof(*r));
	strscpy(r->clause, c->id, sizeof(r->clause));
	r->expected = v->expected;
	r->found = v->found;
	n = vms_inv_name(c, sub, r);
	room = sizeof(r->text);
	n += scnprintf(r->text + n, room - n, ": %s", v->what);
	if (v->expected == v->found)	/* numbers would say nothing */
		return;
	n += vms_inv_print_number(r->text + n, room - n, ": ", v->found);
	vms_inv_print_number(r->text + n, room - n, ", must be ", v->expected);
}

/* Return: true when the premise held */
static bool vms_inv_eval(struct vms_inv_ctx *ctx, const struct vms_inv_row *row,
			 const struct vms_subject *sub)
{
	struct vms_clause_count *count = &ctx->store->inv->count[row->nr];
	struct vms_verdict v = {};

	row->clause->eval(ctx, sub, &v);
	count->evaluated++;
	count->not_vacuous += !v.vacuous;
	if (unlikely(v.violated)) {
		count->violated++;
		vms_inv_record(ctx, row->clause, sub, &v);
	}
	return !v.vacuous;
}

static void vms_inv_eval_scope(struct vms_inv_ctx *ctx, enum vms_scope scope,
			       const struct vms_subject *sub)
{
	const struct vms_inv *inv = ctx->store->inv;
	u32 i;

	for (i = inv->scope[scope]; i < inv->scope[scope + 1]; i++)
		vms_inv_eval(ctx, &inv->row[i], sub);
}

/* --- tables ------------------------------------------------------------------ */

/**
 * vms_inv_own_entries - which entries of a node belong to the page table it is in
 * @ctx: check
 * @node: slot of the node
 * @level: its level
 * @first: out
 * @end: out: one past the last
 *
 * The rest of a root is the machine's (P14), the lower half of the kernel half's top
 * node is the linear window (D16): neither counts as children, neither is walked.
 */
void vms_inv_own_entries(const struct vms_inv_ctx *ctx, u32 node, int level,
			 unsigned int *first, unsigned int *end)
{
	*first = node == ctx->store->kernel.top ? VMS_LINEAR_ENTRIES : 0;
	*end = level == VMS_NR_LEVELS ? VMS_USER_ROOT_ENTRIES : VMS_NR_ENTRIES;
}

/**
 * vms_inv_mask - an entry without what the hardware sets
 * @pte: entry, anything
 *
 * Return: the entry; ACCESSED is masked in a table, ACCESSED and DIRTY in a leaf.
 */
u64 vms_inv_mask(u64 pte)
{
	if (!(pte & VMS_PTE_PRESENT))
		return pte;
	return pte & ~(vms_pte_kind(pte) == VMS_ENTRY_LEAF ? VMS_PTE_AD : VMS_PTE_ACCESSED);
}

/**
 * vms_inv_entry - an entry of a node without what the hardware sets
 * @ctx: check
 * @node: slot of the node, in range
 * @i: index
 *
 * Return: as vms_inv_mask().
 */
u64 vms_inv_entry(struct vms_inv_ctx *ctx, u32 node, unsigned int i)
{
	return vms_inv_mask(vms_node_read(&ctx->store->region, node, i));
}

/**
 * vms_inv_target - the slot an entry points at
 * @ctx: check
 * @pte: the entry, anything
 *
 * Return: the slot, or VMS_NO_SLOT when the address is not that of a frame.
 */
u32 vms_inv_target(const struct vms_inv_ctx *ctx, u64 pte)
{
	u32 idx;

	if (vms_region_slot_of_pa(&ctx->store->region, vms_pte_pa(pte), &idx))
		return VMS_NO_SLOT;
	return idx;
}

/*
 * MMIO frames are not counted, so their paths are not recorded either [D17]; nor is
 * VMS_NO_SLOT
 */
static bool vms_inv_tracked(const struct vms_inv_ctx *ctx, u32 idx)
{
	return idx < ctx->store->region.first_mmio;
}

static void vms_inv_walk(struct vms_inv_ctx *ctx, const struct vms_subject *node);

static void vms_inv_walk_entry(struct vms_inv_ctx *ctx, const struct vms_subject *e)
{
	vms_inv_eval_scope(ctx, VMS_SCOPE_ENTRY, e);
	if (vms_pte_kind(e->pte) == VMS_ENTRY_LEAF) {
		if (vms_inv_tracked(ctx, e->target))
			ctx->recount[e->target].p++;
		vms_inv_eval_scope(ctx, VMS_SCOPE_LEAF, e);
		ctx->next_va = e->va + vms_page_size(e->level);
	} else if (e->target != VMS_NO_SLOT && e->level > 1) {
		const struct vms_subject child = {
			.slot = e->target,
			.space = e->space,
			.level = e->level - 1,
			.va = e->va,
			.parent = e->slot,
		};

		vms_inv_walk(ctx, &child);
	}
}

/* What is not a node, or was seen already, is reported and not entered */
static void vms_inv_walk(struct vms_inv_ctx *ctx, const struct vms_subject *node)
{
	const u64 *entries = vms_slot_kva(&ctx->store->region, node->slot);
	struct vms_subject e = *node;
	unsigned int end;

	ctx->nr_nodes++;
	ctx->recount[node->slot].node_refs++;
	vms_inv_eval_scope(ctx, VMS_SCOPE_NODE, node);
	if (ctx->recount[node->slot].node_refs > 1 ||
	    vms_inv_slot(ctx, node->slot)->usage != VMSTORE_USAGE_PAGETABLE)
		return;

	vms_inv_own_entries(ctx, node->slot, node->level, &e.index, &end);
	for (; e.index < end; e.index++) {
		e.pte = READ_ONCE(entries[e.index]);
		if (!e.pte)
			continue;
		e.pte = vms_inv_mask(e.pte);
		e.va = node->va + e.index * vms_page_size(node->level);
		e.target = vms_inv_target(ctx, e.pte);
		vms_inv_walk_entry(ctx, &e);
	}
	cond_resched();
}

static void vms_inv_walk_kernel(struct vms_inv_ctx *ctx)
{
	const struct vms_subject top = {
		.slot = ctx->store->kernel.top,
		.level = VMS_NR_LEVELS - 1,
		.va = VMSTORE_KERNEL_BASE,
		.parent = VMS_NO_SLOT,
	};

	ctx->next_va = VMSTORE_KERNEL_BASE;
	vms_inv_walk(ctx, &top);
}

static void vms_inv_walk_spaces(struct vms_inv_ctx *ctx)
{
	struct vms_store *s = ctx->store;
	struct vms_space *space;
	unsigned long id;

	xa_for_each(&s->spaces.xa, id, space) {
		struct vms_subject sub = {
			.slot = space->pt.root,
			.id = id,
			.space = space,
			.level = VMS_NR_LEVELS,
			.parent = VMS_NO_SLOT,
		};

		vms_inv_eval_scope(ctx, VMS_SCOPE_SPACE, &sub);
		ctx->next_va = 0;
		if (sub.slot < s->region.nr_slots)
			vms_inv_walk(ctx, &sub);
	}
}

/* --- handles and gathers ------------------------------------------------------ */

static void vms_inv_count_frames(struct vms_inv_ctx *ctx)
{
	struct vms_store *s = ctx->store;
	unsigned long id;
	void *entry;

	xa_for_each(&s->frames.xa, id, entry) {
		const struct vms_subject sub = {
			.slot = vms_frame_entry_slot(entry),
			.id = id,
		};

		if (sub.slot < s->region.nr_slots)
			ctx->recount[sub.slot].h++;
		vms_inv_eval_scope(ctx, VMS_SCOPE_FRAME, &sub);
		if (!(++ctx->nr_frames % 1024))
			cond_resched();
	}
}

static void vms_inv_count_handle(struct vms_inv_ctx *ctx, u32 idx)
{
	if (vms_inv_tracked(ctx, idx))
		ctx->recount[idx].h++;
}

/* Leaves of a cut-off subtree are handles of the gather [D4] */
static void vms_inv_count_removed(struct vms_inv_ctx *ctx, u32 node, int level)
{
	unsigned int i;

	if (ctx->recount[node].node_refs++ ||
	    vms_inv_slot(ctx, node)->usage != VMSTORE_USAGE_PAGETABLE)
		return;
	for (i = 0; i < VMS_NR_ENTRIES; i++) {
		u64 pte = vms_inv_entry(ctx, node, i);
		u32 target;

		if (!pte)
			continue;
		target = vms_inv_target(ctx, pte);
		if (vms_pte_kind(pte) == VMS_ENTRY_LEAF)
			vms_inv_count_handle(ctx, target);
		else if (target != VMS_NO_SLOT && level > 1)
			vms_inv_count_removed(ctx, target, level - 1);
	}
	cond_resched();
}

static void vms_inv_count_gather(struct vms_inv_ctx *ctx, const struct vms_gather *g)
{
	struct vms_region *r = &ctx->store->region;
	u32 i;

	for (i = 0; i < g->nr && i < VMS_GATHER_MAX; i++) {
		u32 idx = g->entry[i].slot;

		if (idx >= r->nr_slots)
			continue;
		if (g->entry[i].node)
			vms_inv_count_removed(ctx, idx, min_t(int, r->slots[idx].node.level,
							      VMS_NR_LEVELS - 1));
		else
			vms_inv_count_handle(ctx, idx);
	}
}

static void vms_inv_count_gathers(struct vms_inv_ctx *ctx)
{
	struct vms_store *s = ctx->store;
	struct vms_gather *g;
	struct vms_cursor *c;
	unsigned long id;

	list_for_each_entry(g, &s->left, link)
		vms_inv_count_gather(ctx, g);
	xa_for_each(&s->cursors.xa, id, c)
		if (c->gather)
			vms_inv_count_gather(ctx, c->gather);
}

/* --- slots ---------------------------------------------------------------------- */

static struct vms_slot_key vms_inv_slot_key(const struct vms_inv_ctx *ctx, u32 idx)
{
	const struct vms_slot *slot = vms_inv_slot(ctx, idx);
	const struct vms_recount *count = &ctx->recount[idx];
	struct vms_slot_key key;

	key.word[0] = atomic64_read(&slot->rc);
	key.word[1] = atomic64_read(&slot->paths);
	key.word[2] = slot->in_list;
	key.word[3] = (u64)count->h << 32 | count->p;
	key.word[4] = (u64)count->node_refs << 32 | slot->usage << 16 | slot->type << 8 |
		      slot->storage << 2 | !vms_inv_tracked(ctx, idx) << 1 |
		      (slot->self == idx);
	return key;
}

static bool vms_inv_same_key(const struct vms_slot_key *a, const struct vms_slot_key *b)
{
	return !((a->word[0] ^ b->word[0]) | (a->word[1] ^ b->word[1]) |
		 (a->word[2] ^ b->word[2]) | (a->word[3] ^ b->word[3]) |
		 (a->word[4] ^ b->word[4]));
}

/**
 * struct vms_inv_good - a slot that violated nothing
 * @key: what it was like
 * @valid: this is in use
 * @held: bit per clause whose premise held
 * @more: slots equal to it that were not evaluated
 */
struct vms_inv_good {
	struct vms_slot_key key;
	bool valid;
	u64 held;
	u64 more;
};

#define VMS_INV_NR_GOOD		4	/* free, mapped, held, node */

/* Count what @good stands for */
static void vms_inv_count_good(struct vms_inv_ctx *ctx, const struct vms_inv_good *good)
{
	struct vms_inv *inv = ctx->store->inv;
	u32 first = inv->scope[VMS_SCOPE_SLOT];
	u32 i;

	for (i = first; good->more && i < inv->scope[VMS_SCOPE_SLOT + 1]; i++) {
		struct vms_clause_count *count = &inv->count[inv->row[i].nr];

		count->evaluated += good->more;
		if (good->held & BIT_ULL(i - first))
			count->not_vacuous += good->more;
	}
}

/* Return: bit per clause whose premise held */
static u64 vms_inv_eval_slot(struct vms_inv_ctx *ctx, u32 idx)
{
	const struct vms_inv *inv = ctx->store->inv;
	const struct vms_subject sub = { .slot = idx };
	u32 first = inv->scope[VMS_SCOPE_SLOT];
	u64 held = 0;
	u32 i;

	for (i = first; i < inv->scope[VMS_SCOPE_SLOT + 1]; i++)
		if (vms_inv_eval(ctx, &inv->row[i], &sub))
			held |= BIT_ULL(i - first);
	return held;
}

/* A slot that equals a good one in all that clauses look at is as good */
static void vms_inv_eval_slots(struct vms_inv_ctx *ctx)
{
	struct vms_inv_good good[VMS_INV_NR_GOOD] = {};
	u32 nr_slots = ctx->store->region.nr_slots;
	u32 last = 0, oldest = 0;
	u32 idx, i;

	for (idx = 0; idx < nr_slots; idx++) {
		struct vms_slot_key key = vms_inv_slot_key(ctx, idx);
		u64 found = ctx->found;

		if (!(idx % 1024))
			cond_resched();
		for (i = 0; i < VMS_INV_NR_GOOD; i++, last = (last + 1) % VMS_INV_NR_GOOD)
			if (good[last].valid && vms_inv_same_key(&good[last].key, &key))
				break;
		if (i < VMS_INV_NR_GOOD) {
			good[last].more++;
			continue;
		}
		vms_inv_count_good(ctx, &good[oldest]);
		good[oldest] = (struct vms_inv_good) {
			.key = key,
			.held = vms_inv_eval_slot(ctx, idx),
		};
		good[oldest].valid = ctx->found == found;
		last = oldest;
		oldest = (oldest + 1) % VMS_INV_NR_GOOD;
	}
	for (i = 0; i < VMS_INV_NR_GOOD; i++)
		vms_inv_count_good(ctx, &good[i]);
}

/* --- the rest --------------------------------------------------------------------- */

static void vms_inv_eval_linear(struct vms_inv_ctx *ctx)
{
	const struct vms_kernel_half *k = &ctx->store->kernel;
	struct vms_subject sub = { .slot = k->top };
	u32 n;

	sub.level = 3;
	for (sub.index = 0; sub.index < VMS_LINEAR_ENTRIES; sub.index++) {
		sub.pte = vms_inv_entry(ctx, k->top, sub.index);
		sub.va = VMSTORE_KERNEL_BASE + sub.index * vms_page_size(3);
		vms_inv_eval_scope(ctx, VMS_SCOPE_LINEAR, &sub);
	}
	sub.level = 2;
	for (n = 0; n < k->nr_linear * VMS_NR_ENTRIES; n++) {
		u64 pte = READ_ONCE(k->linear[n / VMS_NR_ENTRIES][n % VMS_NR_ENTRIES]);

		sub.index = n;
		sub.pte = vms_inv_mask(pte);
		sub.va = VMSTORE_KERNEL_BASE + n * vms_page_size(2);
		vms_inv_eval_scope(ctx, VMS_SCOPE_LINEAR, &sub);
	}
}

static void vms_inv_eval_cursors(struct vms_inv_ctx *ctx)
{
	struct vms_store *s = ctx->store;
	struct vms_cursor *c;
	unsigned long id;

	xa_for_each(&s->cursors.xa, id, c) {
		const struct vms_subject sub = {
			.slot = VMS_NO_SLOT,
			.id = id,
			.space = c->space,
			.cursor = c,
		};

		vms_inv_eval_scope(ctx, VMS_SCOPE_CURSOR, &sub);
		cond_resched();
	}
}

/**
 * vms_inv_check - recompute everything and evaluate every clause
 * @s: ready store with no operation in flight; the caller holds its locks
 *
 * Violations are recorded in @s->inv and freeze the store. May sleep, allocates
 * nothing.
 *
 * Return: violations found by this check.
 */
u64 vms_inv_check(struct vms_store *s)
{
	const struct vms_subject store = { .slot = VMS_NO_SLOT };
	struct vms_inv_ctx ctx = {
		.store = s,
		.recount = s->inv->recount,
	};

	memset(ctx.recount, 0, s->region.nr_slots * sizeof(*ctx.recount));
	vms_inv_count_frames(&ctx);
	vms_inv_walk_kernel(&ctx);
	vms_inv_walk_spaces(&ctx);
	vms_inv_count_gathers(&ctx);
	vms_inv_eval_slots(&ctx);
	vms_inv_eval_linear(&ctx);
	vms_inv_eval_cursors(&ctx);
	vms_inv_eval_scope(&ctx, VMS_SCOPE_STORE, &store);
	if (ctx.found)
		WRITE_ONCE(s->frozen, true);
	return ctx.found;
}
