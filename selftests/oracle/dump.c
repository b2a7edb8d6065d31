// SPDX-License-Identifier: GPL-2.0-only
/*
 * The whole state against a dump. What is predicted must be there, no more and no less;
 * nodes must be a sound tree for the mappings, owned by those whose range they meet;
 * what is gathered must have been removed before.
 */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "model.h"

struct orc_view {
	struct orc_state *s;
	const struct orc_dump *dump;
	struct orc_diff *diff;
};

static __attribute__((format(printf, 2, 3)))
bool orc_unlike(struct orc_view *v, const char *fmt, ...)
{
	va_list args;
	int n;

	if (v->diff->text[0])
		return false;
	n = snprintf(v->diff->text, sizeof(v->diff->text), "dump: ");
	va_start(args, fmt);
	vsnprintf(v->diff->text + n, sizeof(v->diff->text) - n, fmt, args);
	va_end(args);
	return false;
}

#define SAME(v, what, id, got, want)						\
	((__u64)(got) == (__u64)(want) ||					\
	 orc_unlike(v, "%s %#llx: " #got " is %#llx, must be %#llx", what,	\
		    (__u64)(id), (__u64)(got), (__u64)(want)))

static bool orc_same_nr(struct orc_view *v, const char *what, __u32 section, size_t want)
{
	return v->dump->nr[section] == want ||
	       orc_unlike(v, "%zu %ss, must be %zu", v->dump->nr[section], what, want);
}

/* --- registries ---------------------------------------------------------------------- */

static bool orc_compare_spaces(struct orc_view *v)
{
	const struct vmstore_rec_space *rec = v->dump->rec[VMSTORE_DUMP_SPACES];
	const struct orc_space *space;
	const struct orc_cursor *c;

	if (!orc_same_nr(v, "space", VMSTORE_DUMP_SPACES, v->s->spaces.nr))
		return false;
	orc_for_each(space, &v->s->spaces) {
		__u64 cursors = 0;

		orc_for_each(c, &v->s->cursors)
			cursors += c->space == space->id;
		if (!SAME(v, "space", space->id, rec->id, space->id) ||
		    !SAME(v, "space", space->id, rec->active, space->active) ||
		    !SAME(v, "space", space->id, rec->cursors, cursors))
			return false;
		rec++;
	}
	return true;
}

/* Only what was issued or deferred is pending between operations [Tl11] */
static bool orc_compare_pending(struct orc_view *v, struct orc_cursor *c, __u32 pending)
{
	if (pending > ORC_MAX_PENDING || !(c->pending & 1ULL << pending))
		return orc_unlike(v, "cursor %llu: %u requests pending, may be %#llx", c->id,
				  pending, c->pending);
	c->pending = 1ULL << pending;
	return true;
}

static bool orc_compare_cursors(struct orc_view *v)
{
	const struct vmstore_rec_cursor *rec = v->dump->rec[VMSTORE_DUMP_CURSORS];
	struct orc_cursor *c;

	if (!orc_same_nr(v, "cursor", VMSTORE_DUMP_CURSORS, v->s->cursors.nr))
		return false;
	orc_for_each(c, &v->s->cursors) {
		if (!SAME(v, "cursor", c->id, rec->id, c->id) ||
		    !SAME(v, "cursor", c->id, rec->space, c->space) ||
		    !SAME(v, "cursor", c->id, rec->start, c->start) ||
		    !SAME(v, "cursor", c->id, rec->end, c->end) ||
		    !SAME(v, "cursor", c->id, rec->va, c->va) ||
		    !SAME(v, "cursor", c->id, rec->mut, c->mut) ||
		    !SAME(v, "cursor", c->id, rec->guard_level, c->level) ||
		    !orc_compare_pending(v, c, rec->pending))
			return false;
		if (!rec->level || rec->level > c->level)
			return orc_unlike(v, "cursor %llu: level %u of %u", c->id, rec->level,
					  c->level);
		rec++;
	}
	return true;
}

static bool orc_compare_frames(struct orc_view *v)
{
	const struct vmstore_rec_frame *rec = v->dump->rec[VMSTORE_DUMP_FRAMES];
	const struct orc_frame *f;

	if (!orc_same_nr(v, "handle", VMSTORE_DUMP_FRAMES, v->s->frames.nr))
		return false;
	orc_for_each(f, &v->s->frames) {
		if (!SAME(v, "handle", f->id, rec->id, f->id) ||
		    !SAME(v, "handle", f->id, rec->paddr, f->paddr))
			return false;
		rec++;
	}
	return true;
}

static bool orc_compare_segments(struct orc_view *v)
{
	const struct vmstore_rec_segment *rec = v->dump->rec[VMSTORE_DUMP_SEGMENTS];
	const struct orc_segment *seg;

	if (!orc_same_nr(v, "segment", VMSTORE_DUMP_SEGMENTS, v->s->segments.nr))
		return false;
	orc_for_each(seg, &v->s->segments) {
		if (!SAME(v, "segment", seg->id, rec->id, seg->id) ||
		    !SAME(v, "segment", seg->id, rec->start, seg->start) ||
		    !SAME(v, "segment", seg->id, rec->end, seg->end))
			return false;
		rec++;
	}
	return true;
}

static bool orc_compare_uniques(struct orc_view *v)
{
	const struct vmstore_rec_unique *rec = v->dump->rec[VMSTORE_DUMP_UNIQUES];
	const struct orc_unique *u;

	if (!orc_same_nr(v, "exclusive handle", VMSTORE_DUMP_UNIQUES, v->s->uniques.nr))
		return false;
	orc_for_each(u, &v->s->uniques) {
		if (!SAME(v, "exclusive handle", u->id, rec->id, u->id) ||
		    !SAME(v, "exclusive handle", u->id, rec->paddr, u->paddr))
			return false;
		rec++;
	}
	return true;
}

static bool orc_compare_lists(struct orc_view *v)
{
	const struct vmstore_rec_list *rec = v->dump->rec[VMSTORE_DUMP_LISTS];
	const struct orc_list *l;
	size_t want = 0;
	__u64 n;

	orc_for_each(l, &v->s->lists)
		want += l->nr ?: 1;
	if (!orc_same_nr(v, "link", VMSTORE_DUMP_LISTS, want))
		return false;
	orc_for_each(l, &v->s->lists)
		for (n = 0; n < (l->nr ?: 1); n++, rec++)
			if (!SAME(v, "list", l->id, rec->id, l->id) ||
			    !SAME(v, "list", l->id, rec->tag, l->tag) ||
			    !SAME(v, "list", l->id, rec->nr, l->nr) ||
			    !SAME(v, "list", l->id, rec->index, n) ||
			    !SAME(v, "list", l->id, rec->paddr, l->nr ? l->paddr[n] : -1ULL) ||
			    !SAME(v, "list", l->id, rec->cursor, l->cursor) ||
			    !SAME(v, "list", l->id, rec->at, l->index))
				return false;
	return true;
}

static bool orc_compare_ios(struct orc_view *v)
{
	const struct vmstore_rec_io *rec = v->dump->rec[VMSTORE_DUMP_IOS];
	const struct orc_io *io;

	if (!orc_same_nr(v, "reader or writer", VMSTORE_DUMP_IOS, v->s->ios.nr))
		return false;
	orc_for_each(io, &v->s->ios) {
		if (!SAME(v, "io", io->id, rec->id, io->id) ||
		    !SAME(v, "io", io->id, rec->space, io->space) ||
		    !SAME(v, "io", io->id, rec->vaddr, io->vaddr) ||
		    !SAME(v, "io", io->id, rec->len, io->len) ||
		    !SAME(v, "io", io->id, rec->cursor, io->cursor) ||
		    !SAME(v, "io", io->id, rec->end, io->end) ||
		    !SAME(v, "io", io->id, rec->writer, io->writer))
			return false;
		rec++;
	}
	return true;
}

static bool orc_compare_kvirts(struct orc_view *v)
{
	const struct vmstore_rec_kvirt *rec = v->dump->rec[VMSTORE_DUMP_KVIRTS];
	const struct orc_kvirt *area;

	if (!orc_same_nr(v, "area", VMSTORE_DUMP_KVIRTS, v->s->kvirts.nr))
		return false;
	orc_for_each(area, &v->s->kvirts) {
		if (!SAME(v, "area", area->id, rec->id, area->id) ||
		    !SAME(v, "area", area->id, rec->start, area->start) ||
		    !SAME(v, "area", area->id, rec->end, area->end) ||
		    !SAME(v, "area", area->id, rec->pins, orc_kvirt_pins(v->s, area)))
			return false;
		rec++;
	}
	return true;
}

/* --- mappings ------------------------------------------------------------------------ */

static bool orc_compare_leaf(struct orc_view *v, const struct vmstore_rec_leaves *rec, __u64 i,
			     struct orc_leaf *leaf)
{
	__u64 offset = i * orc_span(leaf->level);
	__u8 ad = rec->prop.flags & ORC_AD;

	if (!SAME(v, "leaf", leaf->va, rec->va + offset, leaf->va) ||
	    !SAME(v, "leaf", leaf->va, rec->paddr + offset, leaf->paddr) ||
	    !SAME(v, "leaf", leaf->va, rec->level, leaf->level) ||
	    !SAME(v, "leaf", leaf->va, rec->prop.flags & ~ORC_AD, leaf->prop.flags) ||
	    !SAME(v, "leaf", leaf->va, rec->prop.cache, leaf->prop.cache) ||
	    !SAME(v, "leaf", leaf->va, rec->prop.priv, leaf->prop.priv))
		return false;
	if (leaf->must & ~ad || ad & ~leaf->may)
		return orc_unlike(v, "leaf %#llx: accessed, dirty %#x, must have %#x, may %#x",
				  leaf->va, ad, leaf->must, leaf->may);
	leaf->must = ad;
	return true;
}

/* Leaf number @i of record @r */
struct orc_at_leaf {
	size_t r;
	__u64 i;
};

static bool orc_compare_leaves_of(struct orc_view *v, struct orc_at_leaf *at, __u64 space,
				  const struct orc_vec *leaves)
{
	const struct vmstore_rec_leaves *rec = v->dump->rec[VMSTORE_DUMP_LEAVES];
	struct orc_leaf *leaf;

	orc_for_each(leaf, leaves) {
		if (at->r == v->dump->nr[VMSTORE_DUMP_LEAVES] || rec[at->r].space != space)
			return orc_unlike(v, "no leaf at %#llx of space %llu", leaf->va, space);
		if (!orc_compare_leaf(v, &rec[at->r], at->i, leaf))
			return false;
		if (++at->i == rec[at->r].nr) {
			at->r++;
			at->i = 0;
		}
	}
	return true;
}

/* The area whose leaves come next: the first one from @from on */
static const struct orc_kvirt *orc_next_area(const struct orc_state *s, __u64 from)
{
	const struct orc_kvirt *area, *next = NULL;

	orc_for_each(area, &s->kvirts)
		if (area->leaves.nr && area->start >= from &&
		    (!next || area->start < next->start))
			next = area;
	return next;
}

/* By space, the kernel half last; by address */
static bool orc_compare_leaves(struct orc_view *v)
{
	const struct vmstore_rec_leaves *rec = v->dump->rec[VMSTORE_DUMP_LEAVES];
	const struct orc_kvirt *area;
	const struct orc_space *space;
	struct orc_at_leaf at = {};

	orc_for_each(space, &v->s->spaces)
		if (!orc_compare_leaves_of(v, &at, space->id, &space->leaves))
			return false;
	for (area = orc_next_area(v->s, 0); area; area = orc_next_area(v->s, area->end))
		if (!orc_compare_leaves_of(v, &at, 0, &area->leaves))
			return false;
	return (at.r == v->dump->nr[VMSTORE_DUMP_LEAVES] && !at.i) ||
	       orc_unlike(v, "a leaf at %#llx of space %llu",
			  rec[at.r].va + at.i * orc_span(rec[at.r].level), rec[at.r].space);
}

/* --- nodes --------------------------------------------------------------------------- */

/* Who must own a node: the cursor whose covering table it is, or is below and meets */
static __u64 orc_node_owner(const struct orc_state *s, const struct vmstore_rec_node *rec)
{
	__u64 end = rec->va + orc_span(rec->level + 1);
	const struct orc_cursor *c;

	orc_for_each(c, &s->cursors) {
		__u64 base = c->start & ~(orc_span(c->level + 1) - 1);

		if (c->space != rec->space || rec->level > c->level ||
		    (rec->va & ~(orc_span(c->level + 1) - 1)) != base)
			continue;
		if (rec->level == c->level || (rec->va < c->end && c->start < end))
			return c->id;
	}
	return 0;
}

/*
 * The path from the root to the record before; records come in pre-order. @children
 * counts what a node on the path has been seen to have.
 */
struct orc_path {
	const struct vmstore_rec_node *node[VMSTORE_NR_LEVELS + 1];
	__u32 children[VMSTORE_NR_LEVELS + 1];
};

/* Leaves of @level that lie in [va, end) */
static __u32 orc_leaves_within(const struct orc_vec *leaves, __u64 va, __u64 end, __u32 level)
{
	__u32 i, nr = 0;

	for (i = orc_lower(leaves, va); i < leaves->nr; i++) {
		const struct orc_leaf *leaf = orc_at(leaves, i);

		if (leaf->va >= end)
			break;
		nr += leaf->level == level;
	}
	return nr;
}

/* The leaves that are entries of this table */
static __u32 orc_leaves_of_node(const struct orc_state *s, const struct vmstore_rec_node *node)
{
	__u64 end = node->va + orc_span(node->level + 1);
	const struct orc_kvirt *area;
	const struct orc_space *space;
	__u32 nr = 0;

	if (node->level > 2)
		return 0;
	if (node->space) {
		space = orc_find(&s->spaces, node->space);
		return orc_leaves_within(&space->leaves, node->va, end, node->level);
	}
	orc_for_each(area, &s->kvirts)
		if (area->start < end && node->va < area->end)
			nr += orc_leaves_within(&area->leaves, node->va, end, node->level);
	return nr;
}

static bool orc_leave_node(struct orc_view *v, struct orc_path *path, __u32 level)
{
	const struct vmstore_rec_node *node = path->node[level];

	if (!node)
		return true;
	path->children[level] += orc_leaves_of_node(v->s, node);
	path->node[level] = NULL;
	return SAME(v, "node", node->paddr, node->nr_children, path->children[level]);
}

static bool orc_leave_nodes(struct orc_view *v, struct orc_path *path, __u32 up_to)
{
	__u32 level;

	for (level = 1; level <= up_to; level++)
		if (!orc_leave_node(v, path, level))
			return false;
	return true;
}

static bool orc_enter_node(struct orc_view *v, struct orc_path *path,
			   const struct vmstore_rec_node *rec)
{
	/*
	 * The kernel half begins below the roots. The store has a root of its own for it, which
	 * has no other half [decisions.md].
	 */
	const __u32 top = rec->space ? VMSTORE_NR_LEVELS : VMSTORE_NR_LEVELS - 1;
	const struct vmstore_rec_node *parent;

	if (!rec->level || rec->level > VMSTORE_NR_LEVELS ||
	    (!rec->space && rec->level == top && rec->va != VMSTORE_KERNEL_BASE))
		return orc_unlike(v, "node %#llx: level %u", rec->paddr, rec->level);
	if (!orc_leave_nodes(v, path, rec->level))
		return false;
	if (rec->va % orc_span(rec->level + 1) && rec->level < VMSTORE_NR_LEVELS)
		return orc_unlike(v, "node %#llx: at %#llx", rec->paddr, rec->va);
	if (rec->level < top) {
		parent = path->node[rec->level + 1];
		if (!parent || parent->space != rec->space ||
		    rec->va - parent->va >= orc_span(rec->level + 2))
			return orc_unlike(v, "node %#llx is not below one of level %u",
					  rec->paddr, rec->level + 1);
		path->children[rec->level + 1]++;
	}
	path->node[rec->level] = rec;
	path->children[rec->level] = 0;
	return SAME(v, "node", rec->paddr, rec->owner, orc_node_owner(v->s, rec));
}

static bool orc_node_at(const struct orc_dump *dump, __u64 space, __u64 va, __u32 level)
{
	const struct vmstore_rec_node *rec = dump->rec[VMSTORE_DUMP_NODES];
	size_t lo = 0, hi = dump->nr[VMSTORE_DUMP_NODES];

	/* By space, those of the kernel half last; by address; the higher level first */
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct vmstore_rec_node *m = &rec[mid];

		if (m->space - 1 > space - 1 ||
		    (m->space == space && (m->va > va || (m->va == va && m->level <= level))))
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo < dump->nr[VMSTORE_DUMP_NODES] && rec[lo].space == space &&
	       rec[lo].va == va && rec[lo].level == level;
}

/* Every leaf has its table; with the shape of the tree that is all of its path */
static bool orc_compare_paths(struct orc_view *v)
{
	const struct orc_kvirt *area;
	const struct orc_space *space;
	const struct orc_leaf *leaf;
	__u64 seen;

	orc_for_each(space, &v->s->spaces) {
		seen = 1;
		orc_for_each(leaf, &space->leaves) {
			__u64 va = leaf->va & ~(orc_span(2) - 1);

			if (va == seen)
				continue;
			seen = va;
			if (!orc_node_at(v->dump, space->id, va, 1))
				return orc_unlike(v, "no table for the leaf at %#llx",
						  leaf->va);
		}
	}
	orc_for_each(area, &v->s->kvirts) {
		seen = 1;
		orc_for_each(leaf, &area->leaves) {
			__u64 va = leaf->va & ~(orc_span(leaf->level + 1) - 1);

			if (va == seen)
				continue;
			seen = va;
			if (!orc_node_at(v->dump, 0, va, leaf->level))
				return orc_unlike(v, "no table for the leaf at %#llx",
						  leaf->va);
		}
	}
	return true;
}

static bool orc_compare_nodes(struct orc_view *v)
{
	const struct vmstore_rec_node *rec = v->dump->rec[VMSTORE_DUMP_NODES];
	size_t nr = v->dump->nr[VMSTORE_DUMP_NODES], i;
	const struct orc_space *space;
	struct orc_path path = {};
	__u64 count = 0;

	/* Of a new store: those of the kernel half, of which the oracle keeps the number */
	if (!v->s->nodes)
		v->s->nodes = nr;
	if (nr < v->s->nodes && v->s->nodes - nr <= v->s->unsure)
		v->s->nodes = nr;
	v->s->unsure = 0;
	if (!orc_same_nr(v, "node", VMSTORE_DUMP_NODES, v->s->nodes))
		return false;
	for (i = 0; i < nr; i++) {
		if (i && rec[i].space != rec[i - 1].space &&
		    !orc_leave_nodes(v, &path, VMSTORE_NR_LEVELS))
			return false;
		if (rec[i].space && !orc_find(&v->s->spaces, rec[i].space))
			return orc_unlike(v, "node %#llx of space %llu, which is gone",
					  rec[i].paddr, rec[i].space);
		if (!orc_enter_node(v, &path, &rec[i]))
			return false;
	}
	if (!orc_leave_nodes(v, &path, VMSTORE_NR_LEVELS))
		return false;
	i = 0;
	orc_for_each(space, &v->s->spaces) {
		for (count = 0; i < nr && rec[i].space == space->id; i++)
			count++;
		if (!SAME(v, "space", space->id, count, space->nodes))
			return false;
	}
	/* What is left is the kernel half's */
	if (i == nr || rec[i].space)
		return orc_unlike(v, "no kernel half");
	return orc_compare_paths(v);
}

/* --- slots --------------------------------------------------------------------------- */

static bool orc_compare_data_slot(struct orc_view *v, const struct vmstore_rec_slots *rec,
				  struct orc_slot *slot)
{
	__u64 users = orc_users(slot), paddr = slot->index * ORC_PAGE;

	if (!SAME(v, "slot", paddr, rec->usage, VMSTORE_USAGE_FRAME) ||
	    !SAME(v, "slot", paddr, rec->paths, slot->leaves) ||
	    !SAME(v, "slot", paddr, rec->storage, 1) || !SAME(v, "slot", paddr, rec->type, 1))
		return false;
	if (slot->uniques)
		return SAME(v, "slot", paddr, rec->rc, VMSTORE_RC_UNIQUE);
	if (rec->rc < users || rec->rc - users > slot->gathered)
		return orc_unlike(v, "slot %#llx: rc %llu, users %llu, gathered at most %u",
				  paddr, rec->rc, users, slot->gathered);
	slot->gathered = rec->rc - users;
	return true;
}

/* A slot without users is a node, a removed node, gathered, or free */
static bool orc_compare_other_slot(struct orc_view *v, const struct vmstore_rec_slots *rec,
				   __u64 paddr, __u64 *nodes, __u64 *strays)
{
	const struct orc_slot *known = orc_peek(v->s, paddr);
	struct orc_slot *slot;
	__u8 was = known ? known->usage : VMSTORE_USAGE_UNUSED;

	if (paddr / ORC_PAGE >= v->s->config.first_mmio)
		return SAME(v, "slot", paddr, rec->rc, VMSTORE_RC_UNUSED) &&
		       SAME(v, "slot", paddr, rec->usage, VMSTORE_USAGE_MMIO) &&
		       SAME(v, "slot", paddr, rec->paths, 0);
	if (rec->rc != VMSTORE_RC_UNUSED && rec->usage == VMSTORE_USAGE_PAGETABLE) {
		slot = orc_slot(v->s, paddr);
		if (slot->node && rec->stray)
			v->s->moved = true;
		slot->node = !rec->stray;
		slot->usage = VMSTORE_USAGE_PAGETABLE;
		slot->gathered = 0;
		*(rec->stray ? strays : nodes) += 1;
		return SAME(v, "slot", paddr, rec->rc, 1) &&
		       SAME(v, "slot", paddr, rec->paths, !rec->stray) &&
		       SAME(v, "slot", paddr, rec->storage, 1) &&
		       SAME(v, "slot", paddr, rec->type, 1);
	}
	if (rec->rc != VMSTORE_RC_UNUSED)
		return orc_compare_data_slot(v, rec, orc_slot(v->s, paddr));
	if (rec->usage != was && !(v->s->moved && rec->usage == VMSTORE_USAGE_PAGETABLE))
		return orc_unlike(v, "slot %#llx: usage %u, was %u", paddr, rec->usage, was);
	if (known || rec->usage != was) {
		slot = orc_slot(v->s, paddr);
		slot->usage = rec->usage;
		slot->node = false;
		slot->gathered = 0;
	}
	return SAME(v, "slot", paddr, rec->paths, 0) &&
	       SAME(v, "slot", paddr, rec->storage, 0) && SAME(v, "slot", paddr, rec->type, 0);
}

static bool orc_compare_slots(struct orc_view *v)
{
	const struct vmstore_rec_slots *rec = v->dump->rec[VMSTORE_DUMP_SLOTS];
	size_t nr = v->dump->nr[VMSTORE_DUMP_SLOTS], i;
	__u64 at = 0, nodes = 0, strays = 0, k;

	for (i = 0; i < nr; i++) {
		if (!SAME(v, "slot", at, rec[i].paddr, at))
			return false;
		for (k = 0; k < rec[i].nr; k++, at += ORC_PAGE) {
			const struct orc_slot *slot = orc_peek(v->s, at);

			if (!SAME(v, "slot", at, rec[i].in_list, slot ? slot->tag : 0))
				return false;
			if (slot && (orc_users(slot) || slot->uniques)) {
				if (!orc_compare_data_slot(v, &rec[i], orc_slot(v->s, at)))
					return false;
			} else if (!orc_compare_other_slot(v, &rec[i], at, &nodes, &strays)) {
				return false;
			}
		}
	}
	if (at != orc_region_size(v->s))
		return orc_unlike(v, "slots up to %#llx", at);
	if (nodes != v->s->nodes)
		return orc_unlike(v, "%llu node slots, %llu nodes", nodes, v->s->nodes);
	if (strays > v->s->strays)
		return orc_unlike(v, "%llu removed nodes, at most %llu", strays, v->s->strays);
	v->s->strays = strays;
	return true;
}

/* What waits was removed: counted as gathered, or a stray node */
static bool orc_compare_gathered(struct orc_view *v)
{
	const struct vmstore_rec_gathered *rec = v->dump->rec[VMSTORE_DUMP_TLB];
	size_t nr = v->dump->nr[VMSTORE_DUMP_TLB], i, nodes = 0;
	__u32 *left = calloc(v->s->config.nr_slots, sizeof(*left));
	const struct orc_slot *slot;
	bool ok = true;

	if (!left)
		abort();
	orc_for_each(slot, &v->s->slots)
		left[slot->index] = slot->gathered;
	for (i = 0; ok && i < nr; i++) {
		if (rec[i].paddr >= orc_region_size(v->s))
			ok = orc_unlike(v, "gathered %#llx", rec[i].paddr);
		else if (rec[i].node)
			nodes++;
		else if (!left[rec[i].paddr / ORC_PAGE]--)
			ok = orc_unlike(v, "gathered %#llx has no such reference",
					rec[i].paddr);
	}
	if (ok && nodes > v->s->strays)
		ok = orc_unlike(v, "%zu nodes gathered, %llu removed", nodes, v->s->strays);
	if (ok && !nodes && v->s->strays)
		ok = orc_unlike(v, "%llu removed nodes that nothing holds", v->s->strays);
	/* Without removed nodes every gathered reference is shown by itself */
	for (i = 0; ok && !nodes && i < v->s->config.nr_slots; i++)
		if (left[i])
			ok = orc_unlike(v, "slot %#llx: %u references that nothing holds",
					i * ORC_PAGE, left[i]);
	free(left);
	return ok;
}

/* A request is one for everything or for a range as [Tl2] has them */
static bool orc_flush_sound(const struct vmstore_rec_flush *rec)
{
	if (rec->all)
		return !rec->start && !rec->end;
	return orc_aligned(rec->start) && orc_aligned(rec->end) && rec->start < rec->end &&
	       rec->end - rec->start <= 32 * ORC_PAGE;
}

/* Those of a cursor that are pending are as many as it says; the others somebody owes */
static bool orc_compare_flushes(struct orc_view *v)
{
	const struct vmstore_rec_flush *rec = v->dump->rec[VMSTORE_DUMP_FLUSHES];
	size_t nr = v->dump->nr[VMSTORE_DUMP_FLUSHES], i;
	__u64 cpus = v->s->config.nr_cpus < 64 ? (1ULL << v->s->config.nr_cpus) - 1 : ~0ULL;
	const struct orc_cursor *c;

	for (i = 0; i < nr; i++) {
		c = orc_find(&v->s->cursors, rec[i].cursor);
		if (!orc_flush_sound(&rec[i]) || (rec[i].cursor && !c) ||
		    (c && c->space != rec[i].space))
			return orc_unlike(v, "request %zu of cursor %llu for [%#llx, %#llx)", i,
					  rec[i].cursor, rec[i].start, rec[i].end);
		if (rec[i].state == VMSTORE_FLUSH_PENDING ? !c || rec[i].cpus :
		    rec[i].state == VMSTORE_FLUSH_SENT ? !rec[i].cpus || rec[i].cpus & ~cpus :
							 !c || rec[i].cpus)
			return orc_unlike(v, "request %zu in state %u, CPUs %#llx", i,
					  rec[i].state, rec[i].cpus);
	}
	orc_for_each(c, &v->s->cursors) {
		__u64 pending = 0;

		for (i = 0; i < nr; i++)
			if (rec[i].cursor == c->id && rec[i].state == VMSTORE_FLUSH_PENDING)
				pending += rec[i].all ? ORC_MAX_PENDING : 1;
		if (c->pending != 1ULL << pending)
			return orc_unlike(v, "cursor %llu: %llu requests", c->id, pending);
	}
	return true;
}

bool orc_compare(struct orc_state *s, const struct orc_dump *dump, struct orc_diff *diff)
{
	struct orc_view v = { .s = s, .dump = dump, .diff = diff };

	diff->text[0] = 0;
	if (!orc_compare_spaces(&v) || !orc_compare_cursors(&v) || !orc_compare_frames(&v) ||
	    !orc_compare_segments(&v) || !orc_compare_uniques(&v) || !orc_compare_ios(&v) ||
	    !orc_compare_lists(&v) || !orc_compare_kvirts(&v) ||
	    !orc_compare_leaves(&v) || !orc_compare_nodes(&v) || !orc_compare_slots(&v) ||
	    !orc_compare_gathered(&v) || !orc_compare_flushes(&v))
		return false;
	s->moved = false;
	return true;
}
