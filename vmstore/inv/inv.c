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
#include <linux/list_sort.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "shadow.h"
#include "../trace.h"

static const struct vms_clause *const vms_families[] = {
	vms_clauses_regions,
	vms_clauses_tables,
	vms_clauses_cursors,
	vms_clauses_io,
	vms_clauses_kernel,
	vms_clauses_lists,
	vms_clauses_tlb,
	vms_clauses_touched,
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
	spin_lock_init(&inv->lock);
	inv->recount = kvcalloc(s->region.nr_slots, sizeof(*inv->recount), VMS_GFP_LARGE);
	inv->row = kvcalloc(nr, sizeof(*inv->row), GFP_KERNEL_ACCOUNT);
	inv->count = kvcalloc(nr, sizeof(*inv->count), GFP_KERNEL_ACCOUNT);
	inv->violation = kvcalloc(VMS_INV_MAX_VIOLATIONS + nr, sizeof(*inv->violation),
				  GFP_KERNEL_ACCOUNT);
	if (!inv->recount || !inv->row || !inv->count || !inv->violation) {
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
	vms_shadow_exit(s);
	kvfree(s->inv->violation);
	kvfree(s->inv->count);
	kvfree(s->inv->row);
	kvfree(s->inv->recount);
	kvfree(s->inv);
	s->inv = NULL;
}

/* --- recording -------------------------------------------------------------- */

/* The same of an entry of a registry */
static int vms_inv_name_word(const struct vms_subject *sub, struct vmstore_violation *r)
{
	static const struct {
		const char *name;
		u32 kind;
	} objects[VMS_SHADOW_NR] = {
		[VMS_SHADOW_SPACES] = { "space", VMSTORE_OBJ_SPACE },
		[VMS_SHADOW_CURSORS] = { "cursor", VMSTORE_OBJ_CURSOR },
		[VMS_SHADOW_FRAMES] = { "frame", VMSTORE_OBJ_FRAME },
		[VMS_SHADOW_SEGMENTS] = { "segment", VMSTORE_OBJ_SEGMENT },
		[VMS_SHADOW_UNIQUES] = { "unique", VMSTORE_OBJ_UNIQUE },
		[VMS_SHADOW_IOS] = { "reader or writer", VMSTORE_OBJ_IO },
		[VMS_SHADOW_KVIRTS] = { "area", VMSTORE_OBJ_KVIRT },
		[VMS_SHADOW_LISTS] = { "list", VMSTORE_OBJ_LIST },
	};

	r->kind = objects[sub->kind].kind;
	r->object = sub->id;
	return scnprintf(r->text, sizeof(r->text), "%s %llu", objects[sub->kind].name, sub->id);
}

/* Which object the record names, and how the text begins */
static int vms_inv_name(const struct vms_clause *c, const struct vms_subject *sub,
			struct vmstore_violation *r)
{
	size_t room = sizeof(r->text);

	r->space = sub->space ? sub->space->id : 0;
	switch (c->scope) {
	case VMS_SCOPE_SLOT:
	case VMS_SCOPE_COPY:
	case VMS_SCOPE_MARKED:
		r->kind = VMSTORE_OBJ_SLOT;
		r->object = vms_slot_paddr(sub->slot);
		return scnprintf(r->text, room, "slot %#llx", r->object);
	case VMS_SCOPE_FRAME:
		r->kind = VMSTORE_OBJ_FRAME;
		r->object = sub->id;
		return scnprintf(r->text, room, "frame %llu", r->object);
	case VMS_SCOPE_SEGMENT:
		r->kind = VMSTORE_OBJ_SEGMENT;
		r->object = sub->id;
		return scnprintf(r->text, room, "segment %llu", r->object);
	case VMS_SCOPE_UNIQUE:
		r->kind = VMSTORE_OBJ_UNIQUE;
		r->object = sub->id;
		return scnprintf(r->text, room, "unique %llu", r->object);
	case VMS_SCOPE_TABLE:
		if (!sub->space) {
			r->kind = VMSTORE_OBJ_NODE;
			r->object = vms_slot_paddr(sub->slot);
			return scnprintf(r->text, room, "kernel table");
		}
		fallthrough;
	case VMS_SCOPE_SPACE:
		r->kind = VMSTORE_OBJ_SPACE;
		r->object = sub->id;
		return scnprintf(r->text, room, "space %llu", r->object);
	case VMS_SCOPE_CURSOR:
		r->kind = VMSTORE_OBJ_CURSOR;
		r->object = sub->id;
		return scnprintf(r->text, room, "cursor %llu", r->object);
	case VMS_SCOPE_IO:
		r->kind = VMSTORE_OBJ_IO;
		r->object = sub->id;
		return scnprintf(r->text, room, "%s %llu",
				 sub->io && sub->io->writer ? "writer" : "reader", r->object);
	case VMS_SCOPE_KVIRT:
		r->kind = VMSTORE_OBJ_KVIRT;
		r->object = sub->id;
		return scnprintf(r->text, room, "area %llu", r->object);
	case VMS_SCOPE_LIST:
		r->kind = VMSTORE_OBJ_LIST;
		r->object = sub->id;
		return scnprintf(r->text, room, "list %llu", r->object);
	case VMS_SCOPE_WORD:
		return vms_inv_name_word(sub, r);
	case VMS_SCOPE_NODE:
	case VMS_SCOPE_REMOVED:
		r->kind = VMSTORE_OBJ_NODE;
		r->object = vms_slot_paddr(sub->slot);
		return scnprintf(r->text, room, "node %#llx", r->object);
	case VMS_SCOPE_ENTRY:
		r->kind = VMSTORE_OBJ_NODE;
		r->object = vms_slot_paddr(sub->slot);
		return scnprintf(r->text, room, "node %#llx entry %u", r->object, sub->index);
	case VMS_SCOPE_GATHER:
		r->kind = VMSTORE_OBJ_CURSOR;
		r->object = sub->id;
		return scnprintf(r->text, room, "gather of cursor %llu", r->object);
	case VMS_SCOPE_MAPPING:
		r->kind = VMSTORE_OBJ_LEAF;
		r->object = sub->va;
		r->space = sub->id;
		return scnprintf(r->text, room, "cached %#llx", r->object);
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

/* The first ones are kept, and of each clause the first one */
static void vms_inv_record(struct vms_inv_ctx *ctx, const struct vms_clause *c, bool first,
			   const struct vms_subject *sub, const struct vms_verdict *v)
{
	struct vms_inv *inv = ctx->store->inv;
	struct vmstore_violation *r;
	size_t room;
	int n;

	ctx->found++;
	if (inv->nr_violations++ >= VMS_INV_MAX_VIOLATIONS && !first)
		return;
	r = &inv->violation[inv->nr_stored++];
	memset(r, 0, sizeof(*r));
	strscpy(r->clause, c->id, sizeof(r->clause));
	r->expected = v->expected;
	r->found = v->found;
	n = vms_inv_name(c, sub, r);
	trace_vmstore_violation(r);
	room = sizeof(r->text);
	n += scnprintf(r->text + n, room - n, ": %s", v->what);
	if (v->expected == v->found)	/* numbers would say nothing */
		return;
	n += vms_inv_print_number(r->text + n, room - n, ": ", v->found);
	vms_inv_print_number(r->text + n, room - n, ", must be ", v->expected);
}

static const struct vms_inv_row *vms_inv_row_of(const struct vms_inv *inv, const char *id)
{
	const struct vms_inv_row *row = inv->row;

	while (strcmp(row->clause->id, id))
		row++;
	return row;
}

/**
 * vms_inv_report_t5 - an operation has found T5 violated when it released a reference
 * @s: locked store, in any check mode
 * @slot: of what was to be released
 * @what: a few words
 *
 * Freezes the store. Any context.
 */
void vms_inv_report_t5(struct vms_store *s, u32 slot, const char *what)
{
	const struct vms_inv_row *row = vms_inv_row_of(s->inv, "T5");
	const struct vms_subject sub = { .slot = slot };
	const struct vms_verdict v = { .violated = true, .what = what };
	struct vms_inv_ctx ctx = { .store = s };
	unsigned long irq;

	spin_lock_irqsave(&s->inv->lock, irq);
	vms_inv_record(&ctx, row->clause, !s->inv->count[row->nr].violated++, &sub, &v);
	s->inv->at_release++;
	spin_unlock_irqrestore(&s->inv->lock, irq);
	WRITE_ONCE(s->frozen, true);
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
	if (likely(!v.violated))
		return !v.vacuous;
	if (ctx->touched)	/* the full check that follows records it */
		ctx->found++;
	else
		vms_inv_record(ctx, row->clause, !count->violated++, sub, &v);
	return !v.vacuous;
}

/**
 * vms_inv_eval_scope - evaluate every clause of a scope
 * @ctx: check
 * @scope: which
 * @sub: for this
 */
void vms_inv_eval_scope(struct vms_inv_ctx *ctx, enum vms_scope scope,
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
	const struct vms_subject root = {
		.slot = ctx->store->kernel_pt.root,
		.level = VMS_NR_LEVELS,
		.parent = VMS_NO_SLOT,
	};
	const struct vms_subject top = {
		.slot = ctx->store->kernel.top,
		.level = VMS_NR_LEVELS - 1,
		.va = VMSTORE_KERNEL_BASE,
		.parent = VMS_NO_SLOT,
	};

	vms_inv_eval_scope(ctx, VMS_SCOPE_TABLE, &root);
	ctx->next_va = 0;
	if (root.slot < ctx->store->region.nr_slots)
		vms_inv_walk(ctx, &root);
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

		vms_inv_eval_scope(ctx, VMS_SCOPE_TABLE, &sub);
		ctx->next_va = 0;
		ctx->found_tree = 0;
		ctx->found_overlap = 0;
		ctx->found_record = 0;
		if (sub.slot < s->region.nr_slots)
			vms_inv_walk(ctx, &sub);
		vms_inv_eval_scope(ctx, VMS_SCOPE_SPACE, &sub);
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

/* S as differences between neighbours; a range that leaves the region ends with it */
static void vms_inv_add_cover(struct vms_inv_ctx *ctx, const struct vms_subject *seg)
{
	u32 nr_slots = ctx->store->region.nr_slots;

	if (seg->slot >= nr_slots || !seg->nr)
		return;
	ctx->recount[seg->slot].s++;
	if (seg->nr < nr_slots - seg->slot)
		ctx->recount[seg->slot + seg->nr].s--;
}

static void vms_inv_count_segments(struct vms_inv_ctx *ctx)
{
	struct vms_store *s = ctx->store;
	unsigned long id;
	void *entry;
	u32 i;

	xa_for_each(&s->segments.xa, id, entry) {
		struct vms_segment seg = vms_segment_of_entry(entry);
		const struct vms_subject sub = {
			.slot = seg.first,
			.nr = seg.nr,
			.id = id,
		};

		vms_inv_add_cover(ctx, &sub);
		vms_inv_eval_scope(ctx, VMS_SCOPE_SEGMENT, &sub);
		if (!(++ctx->nr_segments % 1024))
			cond_resched();
	}
	for (i = 1; ctx->nr_segments && i < s->region.nr_slots; i++)
		ctx->recount[i].s += ctx->recount[i - 1].s;
}

static void vms_inv_count_uniques(struct vms_inv_ctx *ctx)
{
	struct vms_store *s = ctx->store;
	unsigned long id;
	void *entry;
	u64 nr = 0;

	xa_for_each(&s->uniques.xa, id, entry) {
		const struct vms_subject sub = {
			.slot = vms_frame_entry_slot(entry),
			.id = id,
		};

		if (sub.slot < s->region.nr_slots)
			ctx->recount[sub.slot].u++;
		vms_inv_eval_scope(ctx, VMS_SCOPE_UNIQUE, &sub);
		if (!(++nr % 1024))
			cond_resched();
	}
}

static void vms_inv_count_handle(struct vms_inv_ctx *ctx, u32 idx)
{
	if (vms_inv_tracked(ctx, idx))
		ctx->recount[idx].h++;
}

/* Each frame a kernel reader or writer holds is one more handle of the module */
static void vms_inv_count_ios(struct vms_inv_ctx *ctx)
{
	struct vms_store *s = ctx->store;
	u32 first, nr, i;
	struct vms_io *io;
	unsigned long id;

	xa_for_each(&s->ios.xa, id, io) {
		if (io->view == VMS_VIEW_NONE ||
		    vms_linear_range(&s->region, io->vaddr, io->len, &first, &nr))
			continue;
		for (i = 0; i < nr; i++)
			vms_inv_count_handle(ctx, first + i);
		cond_resched();
	}
}

/* A slot that is a link already is counted and not gone on from: every walk ends */
static void vms_inv_count_links(struct vms_inv_ctx *ctx, u64 id, const struct vms_list *list)
{
	struct vms_store *s = ctx->store;
	u32 at = list->first;
	u32 nr = 0;

	while (at < s->region.nr_slots) {
		ctx->recount[at].list = id;
		if (ctx->recount[at].l++)
			break;
		at = s->region.slots[at].link.next;
		if (!(++nr % 1024))
			cond_resched();
	}
}

static void vms_inv_count_lists(struct vms_inv_ctx *ctx)
{
	struct vms_list *list;
	unsigned long id;

	xa_for_each(&ctx->store->lists.xa, id, list) {
		vms_inv_count_links(ctx, id, list);
		cond_resched();
	}
}

static void vms_inv_count_gathered(struct vms_inv_ctx *ctx, u32 idx)
{
	if (!vms_inv_tracked(ctx, idx))
		return;
	ctx->recount[idx].h++;
	ctx->recount[idx].gathered++;
}

/* Leaves of a cut-off subtree are handles of the gather [D4] */
static void vms_inv_count_removed(struct vms_inv_ctx *ctx, u32 node, int level)
{
	const struct vms_subject sub = { .slot = node, .level = level };
	unsigned int i;

	ctx->recount[node].gathered++;
	if (ctx->recount[node].node_refs++)
		return;
	vms_inv_eval_scope(ctx, VMS_SCOPE_REMOVED, &sub);
	if (vms_inv_slot(ctx, node)->usage != VMSTORE_USAGE_PAGETABLE)
		return;
	for (i = 0; i < VMS_NR_ENTRIES; i++) {
		u64 pte = vms_inv_entry(ctx, node, i);
		u32 target;

		if (!pte)
			continue;
		target = vms_inv_target(ctx, pte);
		if (vms_pte_kind(pte) == VMS_ENTRY_LEAF)
			vms_inv_count_gathered(ctx, target);
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
		const struct vms_gathered *e = &g->entry[i];

		if (e->slot >= r->nr_slots)
			continue;
		ctx->recount[e->slot].named++;
		ctx->recount[e->slot].lives += vms_life(e->birth, e->node);
		if (e->node)
			vms_inv_count_removed(ctx, e->slot,
					      min_t(int, r->slots[e->slot].node.level,
						    VMS_NR_LEVELS - 1));
		else
			vms_inv_count_gathered(ctx, e->slot);
	}
	vms_inv_eval_gather(ctx, g);
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
	key.word[5] = (u64)count->l << 32 | count->s;
	key.word[6] = count->list;
	key.word[7] = !count->gathered ? 0 : (u64)count->gathered << 2 | slot->node.stray << 1 |
					     vms_inv_lives_on(ctx, idx);
	return key;
}

static bool vms_inv_same_key(const struct vms_slot_key *a, const struct vms_slot_key *b)
{
	return !((a->word[0] ^ b->word[0]) | (a->word[1] ^ b->word[1]) |
		 (a->word[2] ^ b->word[2]) | (a->word[3] ^ b->word[3]) |
		 (a->word[4] ^ b->word[4]) | (a->word[5] ^ b->word[5]) |
		 (a->word[6] ^ b->word[6]) | (a->word[7] ^ b->word[7]));
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

#define VMS_INV_NR_GOOD		5	/* free, mapped, held, node, listed */

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

static void vms_inv_eval_ios(struct vms_inv_ctx *ctx)
{
	struct vms_store *s = ctx->store;
	struct vms_io *io;
	unsigned long id;

	xa_for_each(&s->ios.xa, id, io) {
		const struct vms_subject sub = {
			.slot = VMS_NO_SLOT,
			.id = id,
			.space = io->space,
			.io = io,
		};

		vms_inv_eval_scope(ctx, VMS_SCOPE_IO, &sub);
		cond_resched();
	}
}

static void vms_inv_eval_areas(struct vms_inv_ctx *ctx)
{
	struct vms_store *s = ctx->store;
	struct vms_kvirt *area;
	unsigned long id;

	xa_for_each(&s->areas.xa, id, area) {
		const struct vms_subject sub = {
			.slot = VMS_NO_SLOT,
			.id = id,
			.area = area,
		};

		ctx->nr_areas++;
		vms_inv_eval_scope(ctx, VMS_SCOPE_KVIRT, &sub);
		cond_resched();
	}
}

static void vms_inv_eval_one_list(struct vms_inv_ctx *ctx, u64 id, struct vms_list *list,
				  const struct vms_list *twin)
{
	const struct vms_subject sub = {
		.slot = VMS_NO_SLOT,
		.id = id,
		.list = list,
		.twin = twin,
	};

	vms_inv_eval_scope(ctx, VMS_SCOPE_LIST, &sub);
	if (!twin)
		list->seen_tag = list->tag;
}

/* By tag, and among equal ones those without a cursor first */
static int vms_inv_cmp_tags(void *priv, const struct list_head *a, const struct list_head *b)
{
	const struct vms_list *x = list_entry(a, struct vms_list, by_tag);
	const struct vms_list *y = list_entry(b, struct vms_list, by_tag);

	if (x->tag != y->tag)
		return x->tag < y->tag ? -1 : 1;
	return x->out - y->out;
}

/* Sorted, lists with one tag are neighbours */
static void vms_inv_sort_lists(struct vms_inv_ctx *ctx, struct list_head *sorted)
{
	struct vms_list *list;
	unsigned long id;

	xa_for_each(&ctx->store->lists.xa, id, list) {
		INIT_LIST_HEAD(&list->by_tag);
		if (list->tag)
			list_add_tail(&list->by_tag, sorted);
	}
	list_sort(NULL, sorted, vms_inv_cmp_tags);
}

static void vms_inv_eval_lists(struct vms_inv_ctx *ctx)
{
	struct vms_list *list, *twin;
	LIST_HEAD(sorted);
	unsigned long id;

	vms_inv_sort_lists(ctx, &sorted);
	xa_for_each(&ctx->store->lists.xa, id, list) {
		twin = NULL;
		if (list->tag && list->by_tag.prev != &sorted)
			twin = list_prev_entry(list, by_tag);
		if (twin && twin->tag != list->tag)
			twin = NULL;
		vms_inv_eval_one_list(ctx, id, list, twin);
		cond_resched();
	}
	xa_for_each(&ctx->store->lists.xa, id, list)
		INIT_LIST_HEAD(&list->by_tag);
}

/**
 * vms_inv_eval_list - evaluate the clauses of scope LIST for one list
 * @ctx: check of what was touched
 * @id: of the list, which may be gone
 *
 * It is walked as a whole. Its tag is compared with those of all others only when it was
 * not before: who got the same one since was touched as well.
 */
void vms_inv_eval_list(struct vms_inv_ctx *ctx, u64 id)
{
	struct vms_list *list = xa_load(&ctx->store->lists.xa, id);
	struct vms_list *twin = NULL;
	unsigned long other;

	if (!list)
		return;
	if (list->tag && list->tag != list->seen_tag) {
		xa_for_each(&ctx->store->lists.xa, other, twin)
			if (twin != list && twin->tag == list->tag)
				break;
	}
	vms_inv_eval_one_list(ctx, id, list, twin);
}

static void vms_inv_eval_mappings(struct vms_inv_ctx *ctx)
{
	struct vms_tlb_model *model = ctx->store->tlb.model;
	u32 i;

	for (i = 0; model && i < model->nr; i++)
		vms_inv_eval_mapping(ctx, &model->mapping[i]);
}

/* With the recount of the shadow; true when a clause is violated */
static bool vms_inv_touched_violates(struct vms_store *s)
{
	struct vms_inv_ctx ctx = {
		.store = s,
		.recount = s->inv->shadow->recount,
		.touched = true,
	};

	vms_inv_eval_touched(&ctx);
	return ctx.found;
}

/* What comes of a full check; the memory of the shadow may be lacking until now */
static void vms_inv_conclude(struct vms_inv_ctx *ctx, bool valid)
{
	struct vms_store *s = ctx->store;

	if (ctx->found)
		WRITE_ONCE(s->frozen, true);
	if (!s->inv->shadow)
		return;
	if (ctx->found)		/* what is wrong now would be right later */
		vms_inv_forget(s);
	else if (valid)
		vms_shadow_commit(s);
	else
		vms_shadow_rebuild(s);
}

/**
 * vms_inv_check - recompute everything and evaluate every clause
 * @s: ready store with no operation in flight; the caller holds its locks
 *
 * Violations are recorded in @s->inv and freeze the store. May sleep; allocates nothing
 * but for the shadow, and does without.
 *
 * Return: violations found by this check.
 */
u64 vms_inv_check(struct vms_store *s)
{
	const struct vms_subject store = { .slot = VMS_NO_SLOT };
	struct vms_inv_ctx ctx = {
		.store = s,
		.recount = s->inv->recount,
		.found = s->inv->at_release,
	};
	bool valid = s->inv->shadow && vms_shadow_update(s);

	s->inv->at_release = 0;
	memset(ctx.recount, 0, s->region.nr_slots * sizeof(*ctx.recount));
	vms_inv_count_frames(&ctx);
	vms_inv_count_segments(&ctx);
	vms_inv_count_uniques(&ctx);
	vms_inv_count_ios(&ctx);
	vms_inv_count_lists(&ctx);
	vms_inv_walk_kernel(&ctx);
	vms_inv_walk_spaces(&ctx);
	vms_inv_count_gathers(&ctx);
	vms_inv_eval_slots(&ctx);
	vms_inv_eval_linear(&ctx);
	vms_inv_eval_cursors(&ctx);
	vms_inv_eval_ios(&ctx);
	vms_inv_eval_areas(&ctx);
	vms_inv_eval_lists(&ctx);
	vms_inv_eval_mappings(&ctx);
	if (valid) {
		vms_inv_eval_copies(&ctx);
		vms_inv_eval_marked(&ctx);
	}
	vms_inv_eval_scope(&ctx, VMS_SCOPE_STORE, &store);
	vms_inv_conclude(&ctx, valid);
	return ctx.found;
}

/**
 * vms_inv_check_op - the check after an operation, as the mode of the store wants it
 * @s: store in mode step or full, otherwise as vms_inv_check()
 *
 * Return: violations found.
 */
u64 vms_inv_check_op(struct vms_store *s)
{
	if (s->mode == VMSTORE_CHECK_STEP && !s->inv->at_release && vms_shadow_update(s) &&
	    !vms_inv_touched_violates(s)) {
		vms_shadow_commit(s);
		return 0;
	}
	return vms_inv_check(s);
}

/**
 * vms_inv_forget - take the store as it is for the old state
 * @s: store in mode step or full
 *
 * For who has changed it past the operations. The next check is a full one, and none of
 * what changed until then has to have been touched. May sleep.
 */
void vms_inv_forget(struct vms_store *s)
{
	struct vms_gather_seen *seen, *next;

	if (!s->inv->shadow)
		return;
	s->inv->shadow->valid = false;
	list_for_each_entry_safe(seen, next, &s->region.touch->gathers, touched)
		if (!seen->of)
			vms_gather_seen_free(seen);
	vms_touch_clear(s->region.touch);
}
