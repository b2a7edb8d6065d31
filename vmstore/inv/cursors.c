// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cursors: CursorEntry::inv [model 3.6], and what structural_inv says of cursors.
 *
 * A guard object is a node on a cursor's path, a held lock byte is the cursor's id in
 * the node (cursor.h). Where the reference locks from the root, a cursor here owns the
 * lowest covering node and what lies below it in its range [D3]; barrier_va is the
 * range as requested.
 */

#include <linux/minmax.h>
#include <linux/sched.h>

#include "shadow.h"

/* The child at @va of a node, or VMS_NO_SLOT */
static u32 vms_child_at(struct vms_inv_ctx *ctx, u32 node, int level, u64 va)
{
	u64 pte = vms_inv_entry(ctx, node, vms_pte_index(va, level));

	return vms_pte_kind(pte) == VMS_ENTRY_TABLE ? vms_inv_target(ctx, pte) : VMS_NO_SLOT;
}

/* The node of @level that translates @va, by a fresh walk, or VMS_NO_SLOT */
static u32 vms_node_at(struct vms_inv_ctx *ctx, const struct vms_space *space, u64 va,
		       int level)
{
	u32 node = space->pt.root < ctx->store->region.nr_slots ? space->pt.root : VMS_NO_SLOT;
	int l;

	for (l = VMS_NR_LEVELS; l > level && node != VMS_NO_SLOT; l--)
		node = vms_child_at(ctx, node, l, va);
	return node;
}

static bool vms_cursor_levels_valid(const struct vms_cursor *c)
{
	return c->guard_level >= 1 && c->guard_level <= VMS_NR_LEVELS && c->pos.level >= 1;
}

/*
 * What a walk below the covering node does. With only what was touched to look at it
 * visits the touched nodes, and with @children those that a touched one leads to.
 */
struct vms_below {
	struct vms_inv_ctx *ctx;
	const struct vms_cursor *c;
	u64 start;		/* entries that do not meet [start, end) are left out */
	u64 end;
	u64 left;		/* nodes that may still be visited: it may be no tree */
	u64 owned;		/* nodes of the cursor */
	bool children;
	struct vms_verdict *v;
	void (*node)(struct vms_below *b, const struct vms_subject *sub);
	void (*leaf)(struct vms_below *b, const struct vms_subject *sub);
};

static void vms_below_walk(struct vms_below *b, const struct vms_subject *node)
{
	struct vms_inv_ctx *ctx = b->ctx;
	struct vms_subject e = *node;
	unsigned int end;

	if (!b->left) {
		vms_violate(b->v, 0, 0, "below the cursor is no tree");
		return;
	}
	b->left--;
	b->owned += vms_inv_slot(ctx, node->slot)->node.owner == b->c->id;
	if (b->node)
		b->node(b, node);
	if (node->level == 1 && !b->leaf)
		return;
	cond_resched();

	vms_inv_own_entries(ctx, node->slot, node->level, &e.index, &end);
	for (; e.index < end && !b->v->violated; e.index++) {
		u64 size = vms_page_size(node->level);

		e.va = node->va + e.index * size;
		if (e.va >= b->end || e.va + size <= b->start)
			continue;
		e.pte = vms_inv_entry(ctx, node->slot, e.index);
		if (!e.pte)
			continue;
		e.target = vms_inv_target(ctx, e.pte);
		if (vms_pte_kind(e.pte) == VMS_ENTRY_LEAF) {
			if (b->leaf)
				b->leaf(b, &e);
		} else if (e.target != VMS_NO_SLOT && node->level > 1 &&
			   vms_inv_slot(ctx, e.target)->usage == VMSTORE_USAGE_PAGETABLE) {
			const struct vms_subject child = {
				.slot = e.target,
				.space = node->space,
				.level = node->level - 1,
				.va = e.va,
				.parent = node->slot,
			};

			vms_below_walk(b, &child);
		}
	}
}

/* Is a node of @level at @va in the walk? */
static bool vms_below_reaches(const struct vms_below *b, const struct vms_space *space,
			      int level, u64 va)
{
	const struct vms_cursor *c = b->c;

	return space && c->space->pt.root == space->pt.root && level <= c->guard_level &&
	       vms_span_start(c->start, c->guard_level + 1) ==
	       vms_span_start(va, c->guard_level + 1) &&
	       va < b->end && va + vms_page_size(level + 1) > b->start;
}

static void vms_below_touched_node(struct vms_below *b, const struct vms_subject *node)
{
	const struct vms_node_copy *copy = b->ctx->store->inv->shadow->node[node->slot];
	struct vms_subject e = *node;

	if (b->node)
		b->node(b, node);
	for (e.index = 0; e.index < VMS_NR_ENTRIES && !b->v->violated; e.index++) {
		e.pte = copy->entries[e.index];
		if (!e.pte)
			continue;
		e.va = node->va + e.index * vms_page_size(node->level);
		e.target = vms_inv_target(b->ctx, e.pte);
		if (vms_pte_kind(e.pte) == VMS_ENTRY_LEAF) {
			if (b->leaf && test_bit(e.index, copy->changed))
				b->leaf(b, &e);
		} else if (b->children && e.target != VMS_NO_SLOT && node->level > 1 &&
			   vms_below_reaches(b, node->space, node->level - 1, e.va)) {
			const struct vms_subject child = {
				.slot = e.target,
				.space = node->space,
				.level = node->level - 1,
				.va = e.va,
				.parent = node->slot,
			};

			b->node(b, &child);
		}
	}
}

static void vms_below_touched(struct vms_below *b)
{
	const struct vms_touch *t = b->ctx->store->region.touch;
	const struct vms_shadow *sh = b->ctx->store->inv->shadow;
	struct vms_subject sub;
	u32 k;

	for (k = 0; k < t->nr_slots && !b->v->violated; k++) {
		const struct vms_node_copy *copy = sh->node[t->slot[k]];

		if (!copy || copy->gathered)
			continue;
		vms_shadow_subject(b->ctx->store, t->slot[k], &sub);
		if (vms_below_reaches(b, sub.space, sub.level, sub.va))
			vms_below_touched_node(b, &sub);
	}
}

/* Walk from the covering node on, that one included */
static void vms_below_cursor(struct vms_below *b)
{
	const struct vms_cursor *c = b->c;
	const struct vms_subject top = {
		.slot = vms_node_at(b->ctx, c->space, c->start, c->guard_level),
		.space = c->space,
		.level = c->guard_level,
		.va = vms_span_start(c->start, c->guard_level + 1),
		.parent = VMS_NO_SLOT,
	};

	if (b->ctx->touched) {
		vms_below_touched(b);
		return;
	}
	b->left = b->ctx->nr_nodes;
	if (top.slot != VMS_NO_SLOT)
		vms_below_walk(b, &top);
}

/* C1a to C1d, C1h, C1i: numbers; what the path is compared with must be valid first */
static void vms_clause_c1_position(const struct vms_cursor *c, struct vms_verdict *v)
{
	const struct vms_cursor_pos *pos = &c->pos;

	if (!vms_page_aligned(pos->va))
		vms_violate(v, 0, pos->va % VMS_PAGE_SIZE, "address is not aligned");
	if (pos->level < 1 || pos->level > VMS_NR_LEVELS)
		vms_violate(v, c->guard_level, pos->level, "level");
	if (c->guard_level < 1 || c->guard_level > VMS_NR_LEVELS)
		vms_violate(v, VMS_NR_LEVELS, c->guard_level, "guard level");
	if (pos->va > VMSTORE_USER_END)
		vms_violate(v, VMSTORE_USER_END, pos->va, "address is not in the user half");
	if (pos->va < c->start)
		vms_violate(v, c->start, pos->va, "address is before the range");
	if (pos->level > c->guard_level && pos->va < c->end)
		vms_violate(v, c->guard_level, pos->level, "popped too high, level");
	if (c->start >= c->end || c->end > VMSTORE_USER_END || !vms_page_aligned(c->start) ||
	    !vms_page_aligned(c->end))
		vms_violate(v, 0, 0, "range");
	if (vms_cursor_levels_valid(c) && vms_span_start(c->start, c->guard_level + 1) !=
	    vms_span_start(c->end - 1, c->guard_level + 1))
		vms_violate(v, 0, 0, "range exceeds the covering node");
}

/* C1e: against the tables as they are now, from the root */
static void vms_clause_c1_path(struct vms_inv_ctx *ctx, const struct vms_cursor *c,
			       struct vms_verdict *v)
{
	u32 node = vms_node_at(ctx, c->space, c->start, c->guard_level);
	int l;

	for (l = c->guard_level; l >= c->pos.level; l--) {
		if (l < c->guard_level)
			node = vms_child_at(ctx, node, l + 1, c->pos.va);
		if (node == VMS_NO_SLOT || c->pos.path[l] != node) {
			vms_violate(v, l, l, "path is not that of the tables");
			return;
		}
		if (vms_inv_slot(ctx, node)->node.level != l)
			vms_violate(v, l, vms_inv_slot(ctx, node)->node.level,
				    "level of a path node");
	}
}

/*
 * C1: (a) va page aligned, 1 <= level, guard_level <= 4; (b) root index of va in the
 * user half or its end; (c) va not before the range; (d) level <= guard_level or va past
 * the range; (e) the path is that of a fresh walk; (g) P14; (h) va and range in the same
 * half; (i) the range ends in the user half, and lies in the span of the covering node.
 * (f) is about proof records that do not exist here.
 */
static void vms_clause_c1(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	const struct vms_cursor *c = sub->cursor;

	vms_clause_c1_position(c, v);
	if (vms_cursor_levels_valid(c))
		vms_clause_c1_path(ctx, c, v);
	vms_clause_p14(ctx, sub, v);
	v->vacuous = false;
}

/*
 * C2: children_not_locked: what a cursor holds besides its path lies below its covering
 * node and in its range, and no other node is held. Of a node: who holds it is a live
 * cursor, and may.
 */
static void vms_clause_c2(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	u64 owner = vms_inv_slot(ctx, sub->slot)->node.owner;
	struct vms_below b = { .ctx = ctx };

	if (!vms_premise(v, owner))
		return;
	b.c = xa_load(&ctx->store->cursors.xa, owner);
	if (b.c) {
		b.start = b.c->start;
		b.end = b.c->end;
	}
	if (!b.c)
		vms_violate(v, 0, owner, "owner is no cursor");
	else if (!vms_below_reaches(&b, sub->space, sub->level, sub->va))
		vms_violate(v, 0, owner, "outside of the range of its owner");
	ctx->found_owners += v->violated;
}

/* The other half of C2, for S6: does @c hold a node that it cannot reach? */
static void vms_clause_c2_cursor(struct vms_inv_ctx *ctx, const struct vms_cursor *c,
				 struct vms_verdict *v)
{
	const struct vms_region *r = &ctx->store->region;
	struct vms_below b = {
		.ctx = ctx, .c = c, .start = c->start, .end = c->end, .v = v,
	};
	u64 held = 0;
	u32 idx;

	if (!ctx->found_owners)		/* rare: not a scan for each cursor */
		return;
	for (idx = 0; idx < r->nr_slots; idx++)
		held += r->slots[idx].usage == VMSTORE_USAGE_PAGETABLE &&
			vms_slot_rc(r, idx) != VMS_RC_UNUSED &&
			r->slots[idx].node.owner == c->id;
	vms_below_cursor(&b);
	if (held != b.owned)
		vms_violate(v, b.owned, held, "C2: nodes held");
}

static void vms_below_check_owner(struct vms_below *b, const struct vms_subject *sub)
{
	u64 owner = vms_inv_slot(b->ctx, sub->slot)->node.owner;

	if (owner != b->c->id)
		vms_violate(b->v, b->c->id, owner, "node in the range not owned, owner");
}

/*
 * C3: nodes_locked: for each level in level..guard_level the path node is in guards; and
 * the locks of the other nodes below, that meet the range, are held without an object
 */
static void vms_clause_c3(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	const struct vms_cursor *c = sub->cursor;
	struct vms_below b = {
		.ctx = ctx, .c = c, .start = c->start, .end = c->end, .v = v,
		.node = vms_below_check_owner,
		.children = true,
	};
	int l;

	if (!vms_premise(v, vms_cursor_levels_valid(c)))
		return;
	for (l = c->pos.level; l <= c->guard_level; l++) {
		u32 node = c->pos.path[l];
		u64 owner = node < ctx->store->region.nr_slots ?
			    vms_inv_slot(ctx, node)->node.owner : 0;

		if (owner != c->id)
			vms_violate(v, c->id, owner, "path node not owned, owner");
	}
	vms_below_cursor(&b);
}

/* C4: !popped_too_high: level <= guard_level between operations */
static void vms_clause_c4(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	const struct vms_cursor *c = sub->cursor;

	if (c->pos.level > c->guard_level)
		vms_violate(v, c->guard_level, c->pos.level, "level");
}

/*
 * C5: handle: level <= guard_level + 1, guard_level <= 4, va >= barrier_va.start,
 * va page aligned
 */
static void vms_clause_c5(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	const struct vms_cursor *c = sub->cursor;

	if (c->pos.level > c->guard_level + 1)
		vms_violate(v, c->guard_level + 1, c->pos.level, "level");
	if (c->guard_level > VMS_NR_LEVELS)
		vms_violate(v, VMS_NR_LEVELS, c->guard_level, "guard level");
	if (c->pos.va < c->start)
		vms_violate(v, c->start, c->pos.va, "address is before the range");
	if (!vms_page_aligned(c->pos.va))
		vms_violate(v, 0, c->pos.va % VMS_PAGE_SIZE, "address is not aligned");
}

/* C6: path[l] is set iff level <= l <= guard_level; handle and owner are one here */
static void vms_clause_c6(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	const struct vms_cursor *c = sub->cursor;
	int l;

	for (l = 0; l <= VMS_NR_LEVELS; l++) {
		bool want = l >= c->pos.level && l <= c->guard_level;
		bool set = c->pos.path[l] != VMS_NO_SLOT;

		if (set != want)
			vms_violate(v, want, set, "path node set");
	}
}

/* S6: cursors[id].inv(): C1 to C4 */
static void vms_clause_s6(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	vms_clause_c1(ctx, sub, v);
	vms_clause_c2_cursor(ctx, sub->cursor, v);
	vms_clause_c3(ctx, sub, v);
	vms_clause_c4(ctx, sub, v);
	v->vacuous = false;
}

static void vms_below_node_sound(struct vms_below *b, const struct vms_subject *sub)
{
	vms_clause_p10(b->ctx, sub, b->v);
	vms_clause_p13(b->ctx, sub, b->v);
}

static void vms_below_leaf_sound(struct vms_below *b, const struct vms_subject *sub)
{
	vms_clause_p11(b->ctx, sub, b->v);
	vms_clause_p12(b->ctx, sub, b->v);
}

/*
 * S7: cursors[id].owner.metaregion_sound(regions): P10 to P13 for the nodes from the
 * root to the covering node, and for every node and leaf below that
 */
static void vms_clause_s7(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	const struct vms_cursor *c = sub->cursor;
	struct vms_below b = {
		.ctx = ctx, .c = c, .end = VMSTORE_USER_END, .v = v,
		.node = vms_below_node_sound,
		.leaf = vms_below_leaf_sound,
	};
	int l;

	if (!vms_premise(v, vms_cursor_levels_valid(c)))
		return;
	for (l = VMS_NR_LEVELS; l > c->guard_level; l--) {
		const struct vms_subject node = {
			.slot = vms_node_at(ctx, c->space, c->start, l),
			.space = c->space,
			.level = l,
			.va = vms_span_start(c->start, l + 1),
		};

		if (node.slot != VMS_NO_SLOT)
			vms_below_node_sound(&b, &node);
	}
	vms_below_cursor(&b);
	v->vacuous = false;	/* P12's premise is not this clause's */
}

/* S8: cursors[id].vm_space in vm_spaces */
static void vms_clause_s8(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	const struct vms_space *space = sub->cursor->space;

	if (xa_load(&ctx->store->spaces.xa, space->id) != space)
		vms_violate(v, 0, space->id, "its space is not live");
}

const struct vms_clause vms_clauses_cursors[] = {
	{ "S6", VMS_SCOPE_CURSOR, vms_clause_s6, "cursor: C1 to C4" },
	{ "S7", VMS_SCOPE_CURSOR, vms_clause_s7, "cursor: what it reaches is sound, P10 to P13" },
	{ "S8", VMS_SCOPE_CURSOR, vms_clause_s8, "cursor: its space is live" },
	{ "C1", VMS_SCOPE_CURSOR, vms_clause_c1, "position, levels, path and range agree" },
	{ "C2", VMS_SCOPE_NODE, vms_clause_c2, "a node is owned only by a cursor over it" },
	{ "C3", VMS_SCOPE_CURSOR, vms_clause_c3, "path and all nodes in the range are owned" },
	{ "C4", VMS_SCOPE_CURSOR, vms_clause_c4, "level <= guard_level" },
	{ "C5", VMS_SCOPE_CURSOR, vms_clause_c5, "handle: levels, bounds and alignment" },
	{ "C6", VMS_SCOPE_CURSOR, vms_clause_c6, "path is set for level to guard_level" },
	{}
};
