// SPDX-License-Identifier: GPL-2.0-only
/* Address spaces and cursors [5.1, 5.2]. */

#include "model.h"

/* R is demanded, WC, WP and SHARED have no encoding [1.6, design.md 5] */
bool orc_prop_encodable(struct vmstore_prop prop)
{
	return (prop.flags & VMSTORE_PROP_R) && !(prop.flags & 0x20) &&
	       prop.cache <= VMSTORE_CACHE_UC && !prop.__reserved &&
	       !(prop.priv & ~(VMSTORE_PRIV_USER | VMSTORE_PRIV_GLOBAL));
}

/* --- spaces -------------------------------------------------------------------------- */

void orc_space_new(struct orc_step *t)
{
	struct orc_space *space;

	/* The root is a node at an even slot [design.md 6] */
	orc_need_slots(t, 1);
	if (!orc_free_even(t->s))
		orc_may_refuse(t, ENOMEM);
	if (!orc_goes(t)) {
		if (t->op->out_errno == -ENOMEM)
			orc_reaped(t->s, false);
		return;
	}
	space = orc_add(&t->s->spaces, orc_fresh(t, ORC_SPACE, t->op->out.id));
	orc_vec_init(&space->leaves, sizeof(struct orc_leaf));
	orc_vec_init(&space->stale, sizeof(struct orc_stale));
	space->nodes = 1;
	t->s->nodes++;
	t->s->moved = true;
	t->want.out.id = space->id;
}

static bool orc_space_in_use(const struct orc_state *s, const struct orc_space *space)
{
	const struct orc_cursor *c;
	const struct orc_io *io;

	if (space->active)
		return true;
	orc_for_each(c, &s->cursors)
		if (c->space == space->id)
			return true;
	orc_for_each(io, &s->ios)
		if (io->space == space->id)
			return true;
	return false;
}

/* Frames that lose their last user: exactly those, but for what is gathered */
static __u64 orc_drop_leaves(struct orc_step *t, struct orc_space *space, __u64 reported)
{
	__u64 sure = 0, maybe = 0;
	struct orc_leaf *leaf;

	orc_for_each(leaf, &space->leaves) {
		struct orc_slot *slot;

		ORC_COUNT(t->s, leaf->paddr, leaves, -1);
		slot = orc_slot(t->s, leaf->paddr);
		if (orc_users(slot))
			continue;
		if (slot->gathered)
			maybe++;
		else
			sure++;
	}
	return reported >= sure && reported <= sure + maybe ? reported : sure;
}

void orc_space_drop(struct orc_step *t)
{
	struct vmstore_out_space_drop *out = &t->want.out.space_drop;
	struct orc_space *space = orc_get(t, &t->s->spaces, t->op->arg.id.id);

	if (space && orc_space_in_use(t->s, space))
		orc_refuse(t, EBUSY);
	if (!orc_goes(t))
		return;
	out->leaves = space->leaves.nr;
	out->nodes = space->nodes;
	out->frames_freed = orc_drop_leaves(t, space, t->op->out.space_drop.frames_freed);
	t->s->nodes -= space->nodes;
	t->s->moved = true;
	orc_vec_free(&space->leaves);
	orc_vec_free(&space->stale);
	orc_del(&t->s->spaces, space);
}

void orc_space_activate(struct orc_step *t)
{
	__u64 id = t->op->arg.id.id;
	__u64 bit = 1ULL << t->op->cpu;
	struct orc_space *space;

	if (id)
		orc_get(t, &t->s->spaces, id);
	if (!orc_goes(t))
		return;
	orc_for_each(space, &t->s->spaces) {
		if (space->id == id) {
			space->active |= bit;
		} else if (space->active & bit) {
			space->active &= ~bit;
			/* A CPU outside the set holds nothing of the space [Tl8] */
			orc_stale_left(space, t->op->cpu);
		}
	}
}

/* --- opening and closing ------------------------------------------------------------- */

/* Level of the smallest table that spans the range [Lk3] */
unsigned int orc_covering_level(__u64 start, __u64 end)
{
	unsigned int level = 1;

	while (level < VMSTORE_NR_LEVELS &&
	       start / orc_span(level + 1) != (end - 1) / orc_span(level + 1))
		level++;
	return level;
}

static bool orc_meet(__u64 a, __u64 a_end, __u64 b, __u64 b_end)
{
	return a < b_end && b < a_end;
}

/* What the table a range is covered by spans */
static __u64 orc_cover_start(__u64 start, unsigned int level)
{
	return start & ~(orc_span(level + 1) - 1);
}

static __u64 orc_cover_end(__u64 start, unsigned int level)
{
	return orc_cover_start(start, level) + orc_span(level + 1);
}

enum orc_meeting { ORC_APART, ORC_MEET, ORC_BELOW };

/*
 * Can a range be opened beside cursor @c of the space? A cursor owns its covering table
 * and of the tables below those that meet its range [Lk6]. Ranges that meet exclude
 * each other, and so do those that share a table. A range below the covering table of
 * @c in tables that do not meet its range: it depends on which of them exist.
 */
static enum orc_meeting orc_beside(const struct orc_cursor *c, __u64 start, __u64 end,
				   unsigned int level)
{
	__u64 from = orc_cover_start(start, level), to = orc_cover_end(start, level);
	__u64 c_from = orc_cover_start(c->start, c->level);
	__u64 c_to = orc_cover_end(c->start, c->level);

	if (!orc_meet(from, to, c_from, c_to))
		return ORC_APART;
	if (level == c->level)
		return ORC_MEET;
	if (level > c->level)
		return orc_meet(start, end, c_from, c_to) ? ORC_MEET : ORC_APART;
	return orc_meet(from, to, c->start, c->end) ? ORC_MEET : ORC_BELOW;
}

static void orc_may_open(struct orc_step *t, const struct orc_space *space, __u64 start,
			 __u64 end)
{
	unsigned int level = orc_covering_level(start, end);
	const struct orc_cursor *c;

	orc_for_each(c, &t->s->cursors) {
		if (!space || c->space != space->id)
			continue;
		switch (orc_beside(c, start, end, level)) {
		case ORC_APART:
			break;
		case ORC_MEET:
			orc_refuse(t, EBUSY);
			return;
		case ORC_BELOW:
			orc_may_refuse(t, EBUSY);
			break;
		}
	}
	if (orc_free_slots(t->s) < VMSTORE_NR_LEVELS - level)
		orc_may_refuse(t, ENOMEM);
}

static void orc_nodes_made(struct orc_step *t, struct orc_space *space, __u64 nr, __u64 most)
{
	if (nr > most)
		orc_differ(t, "%llu nodes made, at most %llu are missing", nr, most);
	if (!nr)
		return;
	space->nodes += nr;
	t->s->nodes += nr;
	t->s->moved = true;
}

/* orc_no_nodes - a slot that was taken for a node and given back may have been wiped */
void orc_no_nodes(struct orc_step *t)
{
	if (t->op->out_errno != -ENOMEM)
		return;
	orc_reaped(t->s, false);
	orc_forget_free(t->s);
}

static void orc_open(struct orc_step *t, bool mut)
{
	const struct vmstore_arg_open *arg = &t->op->arg.open;
	struct orc_space *space = orc_get(t, &t->s->spaces, arg->space);
	struct orc_cursor *c;

	if (arg->start >= arg->end || arg->end > VMSTORE_USER_END || !orc_aligned(arg->start) ||
	    !orc_aligned(arg->end))
		orc_refuse(t, EACCES);
	else
		orc_may_open(t, space, arg->start, arg->end);
	if (!orc_goes(t)) {
		orc_no_nodes(t);
		return;
	}
	c = orc_add(&t->s->cursors, orc_fresh(t, ORC_CURSOR, t->op->out.open.id));
	c->space = arg->space;
	c->start = arg->start;
	c->end = arg->end;
	c->va = arg->start;
	c->mut = mut;
	c->pending = 1;
	c->level = orc_covering_level(arg->start, arg->end);
	orc_nodes_made(t, space, t->op->out.open.nodes_allocated,
		       VMSTORE_NR_LEVELS - c->level);
	t->want.out.open.id = c->id;
	t->want.out.open.level = c->level;
	t->want.out.open.nodes_allocated = t->op->out.open.nodes_allocated;
}

void orc_cursor_open(struct orc_step *t)
{
	orc_open(t, false);
}

void orc_cursor_open_mut(struct orc_step *t)
{
	orc_open(t, true);
}

void orc_cursor_drop(struct orc_step *t)
{
	struct orc_cursor *c = orc_get_cursor(t, t->op->arg.id.id, false);

	if (!orc_goes(t))
		return;
	/* What is pending is dispatched, and nobody waits */
	orc_dispatch(t->s, c);
	orc_del(&t->s->cursors, c);
}

/* --- where a cursor is --------------------------------------------------------------- */

static struct orc_space *orc_space_of(struct orc_step *t, const struct orc_cursor *c)
{
	return orc_find(&t->s->spaces, c->space);
}

/* The first leaf at or after @va and below @end, or NULL */
static struct orc_leaf *orc_first_leaf(struct orc_space *space, __u64 va, __u64 end)
{
	__u32 i = orc_lower(&space->leaves, va);
	struct orc_leaf *leaf;

	if (i == space->leaves.nr)
		return NULL;
	leaf = orc_at(&space->leaves, i);
	return leaf->va < end ? leaf : NULL;
}

/* The level a cursor says it is at is that of a node on its path */
static __u32 orc_level(struct orc_step *t, const struct orc_cursor *c, __u32 reported)
{
	if (!reported || reported > c->level)
		orc_differ(t, "level %u, not 1 to %u", reported, c->level);
	return reported;
}

static void orc_check_len(struct orc_step *t, const struct orc_cursor *c, __u64 len)
{
	if (!orc_aligned(len) || (c && (c->va > c->end || len > c->end - c->va)))
		orc_refuse(t, EINVAL);
}

/*
 * Where a cursor stands that looked through everything below @end: there, or at the end
 * of an entry of a higher table, all of which is empty.
 */
static __u64 orc_past(struct orc_step *t, const struct orc_cursor *c, __u64 end,
		      __u64 reported)
{
	if (end == c->va || reported <= end || reported % orc_span(2) ||
	    reported > orc_cover_end(c->start, c->level) ||
	    orc_first_leaf(orc_space_of(t, c), end, reported))
		return end;
	return reported;
}

void orc_cursor_query(struct orc_step *t)
{
	const struct vmstore_out_query *got = &t->op->out.query;
	struct vmstore_out_query *want = &t->want.out.query;
	struct orc_cursor *c = orc_get_cursor(t, t->op->arg.id.id, false);
	struct orc_leaf *leaf;
	struct orc_space *space;
	struct orc_frame *f;

	if (c && c->va >= c->end)
		orc_refuse(t, EACCES);
	if (!orc_goes(t))
		return;
	space = orc_space_of(t, c);
	leaf = orc_find(&space->leaves, c->va);
	want->level = leaf ? 1 : orc_level(t, c, got->level);
	if (orc_differs(t))
		return;
	want->start = c->va & ~(orc_span(want->level) - 1);
	want->end = want->start + orc_span(want->level);
	if (!leaf) {
		if (orc_first_leaf(space, want->start, want->end))
			orc_differ(t, "nothing in [%#llx, %#llx), where a leaf is", want->start,
				   want->end);
		return;
	}
	want->found = 1;
	want->paddr = leaf->paddr;
	want->prop = leaf->prop;
	orc_adopt_ad(t, leaf, got->prop);
	want->prop.flags |= leaf->must;
	if (t->op->flags & VMSTORE_OPF_PEEK)
		return;
	want->id = orc_fresh(t, ORC_FRAME, got->id);
	f = orc_add(&t->s->frames, want->id);
	f->paddr = leaf->paddr;
	ORC_COUNT(t->s, leaf->paddr, handles, 1);
}

void orc_cursor_find_next(struct orc_step *t)
{
	const struct vmstore_arg_len *arg = &t->op->arg.len;
	struct orc_cursor *c = orc_get_cursor(t, arg->cursor, false);
	struct orc_leaf *leaf;

	orc_check_len(t, c, arg->len);
	if (!orc_goes(t))
		return;
	leaf = orc_first_leaf(orc_space_of(t, c), c->va, c->va + arg->len);
	c->va = leaf ? leaf->va : orc_past(t, c, c->va + arg->len, t->op->out.va.va);
	t->want.out.va.va = c->va;
	t->want.out.va.found = !!leaf;
	t->want.out.va.level = leaf ? 1 : orc_level(t, c, t->op->out.va.level);
}

void orc_cursor_jump(struct orc_step *t)
{
	const struct vmstore_arg_jump *arg = &t->op->arg.jump;
	struct orc_cursor *c = orc_get_cursor(t, arg->cursor, false);

	/* In this order */
	if (!orc_aligned(arg->va))
		orc_refuse(t, EINVAL);
	else if (c && (arg->va < c->start || arg->va >= c->end))
		orc_refuse(t, EACCES);
	if (!orc_goes(t))
		return;
	c->va = arg->va;
	t->want.out.va.va = c->va;
	t->want.out.va.level = orc_level(t, c, t->op->out.va.level);
}

void orc_cursor_vaddr(struct orc_step *t)
{
	struct orc_cursor *c = orc_get_cursor(t, t->op->arg.id.id, false);

	if (!orc_goes(t))
		return;
	t->want.out.va.va = c->va;
	t->want.out.va.level = orc_level(t, c, t->op->out.va.level);
}

/* --- mapping ------------------------------------------------------------------------- */

/* Tables below the covering one that mapping [va, va + len) may need */
static __u64 orc_most_nodes(const struct orc_cursor *c, __u64 va, __u64 len)
{
	unsigned int level;
	__u64 nr = 0;

	for (level = 1; len && level < c->level; level++)
		nr += (va + len - 1) / orc_span(level + 1) - va / orc_span(level + 1) + 1;
	return nr;
}

static void orc_may_map(struct orc_step *t, const struct orc_cursor *c, __u64 pages,
			struct vmstore_prop prop)
{
	if (!orc_prop_encodable(prop))
		orc_refuse(t, EINVAL);
	if (!c)
		return;
	/* Nothing to map ends past the range too, where the cursor is past it */
	if (c->va > c->end || pages > (c->end - c->va) / ORC_PAGE)
		orc_refuse(t, EINVAL);
	else if (orc_free_slots(t->s) < orc_most_nodes(c, c->va, pages * ORC_PAGE))
		orc_may_refuse(t, ENOMEM);
}

/* The reference of a leaf that goes is gathered, and a flush issued */
static void orc_leaf_removed(struct orc_step *t, const struct orc_cursor *c,
			     const struct orc_leaf *leaf)
{
	struct orc_space *space = orc_space_of(t, c);

	ORC_COUNT(t->s, leaf->paddr, leaves, -1);
	orc_slot(t->s, leaf->paddr)->gathered++;
	orc_stale_add(space, leaf->va, leaf->paddr, leaf->prop.flags & VMSTORE_PROP_W, true);
	orc_stale_issue(space, c, leaf->va, leaf->va + ORC_PAGE);
}

/* @nr requests were issued by a map, which dispatches all unless it defers or has none */
static void orc_map_requests(struct orc_step *t, struct orc_cursor *c, __u64 nr)
{
	orc_queue(t->s, c, nr);
	if (nr && !(t->op->flags & VMSTORE_OPF_DEFER))
		orc_dispatch(t->s, c);
}

/* Map one page at the cursor and move on; true when a leaf was there, then its copy */
static bool orc_map_page(struct orc_step *t, struct orc_cursor *c, __u64 paddr,
			 struct vmstore_prop prop, struct orc_leaf *was)
{
	struct orc_space *space = orc_space_of(t, c);
	struct orc_leaf *leaf = orc_find(&space->leaves, c->va);
	bool replaced = leaf;

	if (leaf) {
		*was = *leaf;
		orc_leaf_removed(t, c, leaf);
	} else {
		leaf = orc_add(&space->leaves, c->va);
	}
	ORC_COUNT(t->s, paddr, leaves, 1);
	leaf->paddr = paddr;
	leaf->level = 1;
	leaf->must = prop.flags & ORC_AD;
	leaf->may = leaf->must | VMSTORE_PROP_ACCESSED;
	leaf->prop = prop;
	leaf->prop.flags &= ~ORC_AD;
	c->va += ORC_PAGE;
	return replaced;
}

void orc_cursor_map(struct orc_step *t)
{
	const struct vmstore_arg_map *arg = &t->op->arg.map;
	const struct vmstore_out_map *got = &t->op->out.map;
	struct vmstore_out_map *want = &t->want.out.map;
	struct orc_cursor *c = orc_get_cursor(t, arg->cursor, true);
	struct orc_frame *f = orc_get(t, &t->s->frames, arg->frame);
	struct orc_leaf was;
	__u64 most;

	if (arg->__reserved)
		orc_refuse(t, EINVAL);
	orc_may_map(t, c, 1, arg->prop);
	if (!orc_goes(t)) {
		orc_no_nodes(t);
		return;
	}
	/* Beside another leaf of its table nothing is missing */
	most = orc_first_leaf(orc_space_of(t, c), orc_cover_start(c->va, 1),
			      orc_cover_end(c->va, 1)) ? 0 :
	       orc_most_nodes(c, c->va, ORC_PAGE);
	want->replaced = orc_map_page(t, c, f->paddr, arg->prop, &was);
	if (want->replaced) {
		want->old_paddr = was.paddr;
		orc_adopt_ad(t, &was, got->old_prop);
		want->old_prop = was.prop;
		want->old_prop.flags |= was.must;
	}
	ORC_COUNT(t->s, f->paddr, handles, -1);
	orc_del(&t->s->frames, f);
	want->va = c->va;
	orc_map_requests(t, c, want->replaced);
	orc_nodes_made(t, orc_space_of(t, c), got->nodes_allocated, most);
	want->nodes_allocated = got->nodes_allocated;
}

static void orc_many_mapped(struct orc_step *t, struct orc_cursor *c, __u64 start,
			    __u64 replaced)
{
	struct vmstore_out_map_many *want = &t->want.out.map_many;

	want->va = c->va;
	want->mapped = (c->va - start) / ORC_PAGE;
	want->replaced = replaced;
	orc_map_requests(t, c, replaced);
	want->nodes_allocated = t->op->out.map_many.nodes_allocated;
	orc_nodes_made(t, orc_space_of(t, c), want->nodes_allocated,
		       orc_most_nodes(c, start, c->va - start));
}

/* orc_may_consume - handles that an operation takes */
void orc_may_consume(struct orc_step *t, const __u64 *ids, __u32 nr)
{
	__u32 i, k;

	for (i = 0; i < nr; i++) {
		if (!orc_find(&t->s->frames, ids[i])) {
			orc_refuse(t, ENOENT);
			return;
		}
		for (k = 0; k < i; k++)
			if (ids[k] == ids[i]) {
				/* Not said whether the second one is still there */
				orc_refuse(t, EINVAL);
				return;
			}
	}
}

void orc_cursor_map_frames(struct orc_step *t)
{
	const struct vmstore_arg_map_frames *arg = &t->op->arg.map_frames;
	const __u64 *ids = (const __u64 *)(uintptr_t)arg->frames;
	struct orc_cursor *c = orc_get_cursor(t, arg->cursor, true);
	struct orc_leaf was;
	__u64 start, replaced = 0;
	__u32 i;

	if (arg->count > VMSTORE_MAX_DATA / sizeof(*ids))
		orc_refuse(t, EINVAL);
	else if (arg->count && !ids)
		orc_refuse(t, EFAULT);
	else
		orc_may_consume(t, ids, arg->count);
	orc_may_map(t, c, arg->count, arg->prop);
	if (!orc_goes(t)) {
		orc_no_nodes(t);
		return;
	}
	start = c->va;
	for (i = 0; i < arg->count; i++) {
		struct orc_frame *f = orc_find(&t->s->frames, ids[i]);

		replaced += orc_map_page(t, c, f->paddr, arg->prop, &was);
		ORC_COUNT(t->s, f->paddr, handles, -1);
		orc_del(&t->s->frames, f);
	}
	orc_many_mapped(t, c, start, replaced);
}

void orc_cursor_map_segment(struct orc_step *t)
{
	const struct vmstore_arg_map_segment *arg = &t->op->arg.map_segment;
	struct orc_cursor *c = orc_get_cursor(t, arg->cursor, true);
	struct orc_segment *seg = orc_get(t, &t->s->segments, arg->segment);
	struct orc_leaf was;
	__u64 start, replaced = 0, at;

	if (arg->__reserved)
		orc_refuse(t, EINVAL);
	if (seg)
		orc_may_map(t, c, (seg->end - seg->start) / ORC_PAGE, arg->prop);
	else if (!orc_prop_encodable(arg->prop))
		orc_refuse(t, EINVAL);
	if (!orc_goes(t)) {
		orc_no_nodes(t);
		return;
	}
	start = c->va;
	for (at = seg->start; at < seg->end; at += ORC_PAGE) {
		replaced += orc_map_page(t, c, at, arg->prop, &was);
		ORC_COUNT(t->s, at, segments, -1);
	}
	orc_del(&t->s->segments, seg);
	orc_many_mapped(t, c, start, replaced);
}

/* --- unmapping and changing ---------------------------------------------------------- */

/* Remove the leaves below @end; how many of them had which of ACCESSED and DIRTY */
static void orc_unmap_leaves(struct orc_step *t, const struct orc_cursor *c, __u64 end,
			     struct vmstore_out_unmap *least, struct vmstore_out_unmap *most)
{
	struct orc_space *space = orc_space_of(t, c);
	struct orc_leaf *leaf;

	while ((leaf = orc_first_leaf(space, c->va, end))) {
		least->removed++;
		least->accessed += !!(leaf->must & VMSTORE_PROP_ACCESSED);
		most->accessed += !!(leaf->may & VMSTORE_PROP_ACCESSED);
		least->dirty += !!(leaf->must & VMSTORE_PROP_DIRTY);
		most->dirty += !!(leaf->may & VMSTORE_PROP_DIRTY);
		orc_leaf_removed(t, c, leaf);
		orc_del(&space->leaves, leaf);
	}
}

static __u64 orc_within(__u64 x, __u64 least, __u64 most)
{
	return x < least ? least : x > most ? most : x;
}

/* A table is one request for more pages than one may have [Tl2] */
static void orc_unmap_requests(struct orc_step *t, struct orc_cursor *c, __u64 end)
{
	const struct vmstore_out_unmap *want = &t->want.out.unmap;
	struct orc_space *space = orc_space_of(t, c);

	if (want->nodes) {
		orc_stale_add_hole(space, c->va, end);
		orc_stale_issue(space, c, c->va, end);
	}
	orc_queue(t->s, c, want->removed);
	if (want->nodes)
		orc_queue_all(c);
	if (!(t->op->flags & VMSTORE_OPF_DEFER))
		orc_dispatch(t->s, c);
}

void orc_cursor_unmap(struct orc_step *t)
{
	const struct vmstore_arg_len *arg = &t->op->arg.len;
	const struct vmstore_out_unmap *got = &t->op->out.unmap;
	struct vmstore_out_unmap *want = &t->want.out.unmap, most = {}, least = {};
	struct orc_cursor *c = orc_get_cursor(t, arg->cursor, true);
	struct orc_space *space;
	__u64 end;

	orc_check_len(t, c, arg->len);
	if (!orc_goes(t))
		return;
	space = orc_space_of(t, c);
	end = c->va + arg->len;
	orc_unmap_leaves(t, c, end, &least, &most);
	want->removed = least.removed;
	want->accessed = orc_within(got->accessed, least.accessed, most.accessed);
	want->dirty = orc_within(got->dirty, least.dirty, most.dirty);
	/* Only tables that lie in the range as a whole, and never the covering one */
	want->nodes = orc_within(got->nodes, 0, orc_most_nodes(c, c->va, arg->len));
	if (want->nodes >= space->nodes)
		orc_differ(t, "%llu nodes removed of %llu", got->nodes, space->nodes);
	space->nodes -= want->nodes;
	t->s->nodes -= want->nodes;
	t->s->strays += want->nodes;
	t->s->moved |= want->nodes;
	orc_unmap_requests(t, c, end);
	c->va = orc_past(t, c, end, got->va);
	want->va = c->va;
}

/* orc_change_valid - does the change lead to a property that can be encoded? */
bool orc_change_valid(struct vmstore_prop prop, struct vmstore_prop mask, bool cache)
{
	const __u8 priv = VMSTORE_PRIV_USER | VMSTORE_PRIV_GLOBAL | VMSTORE_PRIV_SHARED;
	const struct vmstore_prop any = {
		.flags = (VMSTORE_PROP_R & ~mask.flags) | (prop.flags & mask.flags),
		.priv = prop.priv & mask.priv,
		.cache = cache ? prop.cache : VMSTORE_CACHE_WB,
	};

	return !mask.cache && !mask.__reserved && !prop.__reserved &&
	       (cache || !prop.cache) && !((prop.flags | mask.flags) & 0x20) &&
	       !((prop.priv | mask.priv) & ~priv) && orc_prop_encodable(any);
}

/* orc_change - of a leaf */
void orc_change(struct orc_leaf *leaf, struct vmstore_prop prop, struct vmstore_prop mask,
		bool cache)
{
	__u8 flags = mask.flags & ~ORC_AD, ad = mask.flags & ORC_AD;

	leaf->prop.flags = (leaf->prop.flags & ~flags) | (prop.flags & flags);
	leaf->prop.priv = (leaf->prop.priv & ~mask.priv) | (prop.priv & mask.priv);
	if (cache)
		leaf->prop.cache = prop.cache;
	leaf->must = (leaf->must & ~ad) | (prop.flags & ad);
	leaf->may = (leaf->may & ~ad) | (prop.flags & ad);
}

void orc_cursor_protect_next(struct orc_step *t)
{
	const struct vmstore_arg_protect *arg = &t->op->arg.protect;
	const struct vmstore_out_protect *got = &t->op->out.protect;
	struct vmstore_out_protect *want = &t->want.out.protect;
	bool cache = t->op->flags & VMSTORE_OPF_CACHE;
	struct orc_cursor *c = orc_get_cursor(t, arg->cursor, true);
	struct orc_leaf *leaf, was;
	struct orc_space *space;

	if (!orc_change_valid(arg->prop, arg->mask, cache))
		orc_refuse(t, EINVAL);
	orc_check_len(t, c, arg->len);
	if (!orc_goes(t))
		return;
	space = orc_space_of(t, c);
	leaf = orc_first_leaf(space, c->va, c->va + arg->len);
	if (!leaf) {
		c->va = orc_past(t, c, c->va + arg->len, got->va);
		want->va = c->va;
		return;
	}
	orc_adopt_ad(t, leaf, got->old_prop);
	was = *leaf;
	want->old_prop = was.prop;
	want->old_prop.flags |= was.must;
	orc_change(leaf, arg->prop, arg->mask, cache);
	want->new_prop = leaf->prop;
	want->new_prop.flags |= leaf->must;
	leaf->may |= VMSTORE_PROP_ACCESSED;
	/* Nothing is flushed: what was cached may be used on */
	if ((was.prop.flags ^ leaf->prop.flags) & VMSTORE_PROP_W || was.must & ~leaf->must)
		orc_stale_add(space, leaf->va, leaf->paddr, was.prop.flags & VMSTORE_PROP_W,
			      false);
	want->found = 1;
	want->start = leaf->va;
	want->end = leaf->va + ORC_PAGE;
	c->va = want->end;
	want->va = c->va;
}

void orc_cursor_flush(struct orc_step *t)
{
	const struct vmstore_arg_flush *arg = &t->op->arg.flush;
	struct orc_cursor *c = orc_get_cursor(t, arg->cursor, true);

	if (!orc_aligned(arg->va) || !orc_aligned(arg->len))
		orc_refuse(t, EINVAL);
	else if (arg->va > VMSTORE_USER_END || arg->len > VMSTORE_USER_END - arg->va)
		orc_refuse(t, EACCES);
	if (!orc_goes(t))
		return;
	if (arg->len)
		orc_stale_flushed(orc_space_of(t, c), arg->va, arg->va + arg->len);
	else
		orc_stale_flushed(orc_space_of(t, c), 0, VMSTORE_USER_END);
	orc_dispatch(t->s, c);
	orc_stale_synced(orc_space_of(t, c), c);
	c->asked = 0;
}

void orc_reap(struct orc_step *t)
{
	const struct vmstore_out_reap *got = &t->op->out.reap;
	struct vmstore_out_reap *want = &t->want.out.reap;
	const struct orc_slot *slot;
	__u64 refs = 0, frames = 0;

	if (!orc_goes(t))
		return;
	orc_for_each(slot, &t->s->slots) {
		refs += slot->gathered;
		frames += slot->gathered && !orc_users(slot);
	}
	want->refs = orc_within(got->refs, 0, refs);
	want->frames_freed = orc_within(got->frames_freed, 0, frames);
	want->nodes = orc_within(got->nodes, 0, t->s->strays);
	orc_reaped(t->s, true);
}
