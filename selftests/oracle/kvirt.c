// SPDX-License-Identifier: GPL-2.0-only
/* Kernel areas [5.7]. */

#include <stdint.h>

#include "model.h"

#define ORC_2M	(ORC_PAGE << 9)

/* --- what is where ------------------------------------------------------------------- */

/* orc_kvirt_of - the area in which all of [va, va + len) lies, or NULL */
struct orc_kvirt *orc_kvirt_of(const struct orc_state *s, __u64 va, __u64 len)
{
	struct orc_kvirt *area;

	orc_for_each(area, &s->kvirts)
		if (va >= area->start && va <= area->end && len <= area->end - va)
			return area;
	return NULL;
}

/* orc_kvirt_leaf - the leaf of the area that translates @va, or NULL */
struct orc_leaf *orc_kvirt_leaf(const struct orc_kvirt *area, __u64 va)
{
	__u32 i = orc_lower(&area->leaves, va + 1);
	struct orc_leaf *leaf;

	if (!i)
		return NULL;
	leaf = orc_at(&area->leaves, i - 1);
	return va - leaf->va < orc_span(leaf->level) ? leaf : NULL;
}

/* orc_kvirt_target - where an access of the page of @va goes, in whatever area */
struct orc_target orc_kvirt_target(const struct orc_state *s, __u64 va)
{
	const struct orc_kvirt *area = orc_kvirt_of(s, va, 1);
	const struct orc_leaf *leaf = area ? orc_kvirt_leaf(area, va) : NULL;
	struct orc_target target = {};

	if (!leaf)
		return target;
	target.mapped = true;
	target.write = leaf->prop.flags & VMSTORE_PROP_W;
	target.paddr = leaf->paddr + ((va - leaf->va) & -ORC_PAGE);
	return target;
}

/* orc_kvirt_accessed - the hardware's bits after an access that succeeded */
void orc_kvirt_accessed(const struct orc_state *s, __u64 va, bool write)
{
	const struct orc_kvirt *area = orc_kvirt_of(s, va, 1);
	struct orc_leaf *leaf = area ? orc_kvirt_leaf(area, va) : NULL;
	__u8 bits = VMSTORE_PROP_ACCESSED | (write ? VMSTORE_PROP_DIRTY : 0);

	if (!leaf)
		return;
	leaf->may |= bits;
	leaf->must |= bits;
}

/* orc_kvirt_pins - readers and writers in it */
__u64 orc_kvirt_pins(const struct orc_state *s, const struct orc_kvirt *area)
{
	const struct orc_io *io;
	__u64 pins = 0;

	orc_for_each(io, &s->ios)
		pins += io->area == area->id;
	return pins;
}

/* orc_tracked - is the leaf counted? One of device memory is not [1.5, D17] */
bool orc_tracked(const struct orc_state *s, const struct orc_leaf *leaf)
{
	return leaf->paddr / ORC_PAGE < s->config.first_mmio;
}

/* orc_kernel_nodes - nodes of the kernel half */
__u64 orc_kernel_nodes(const struct orc_state *s)
{
	const struct orc_space *space;
	__u64 nr = s->nodes;

	orc_for_each(space, &s->spaces)
		nr -= space->nodes;
	return nr;
}

/* Tables below the top one that [va, va + len) is translated by, at most */
static __u64 orc_tables(__u64 va, __u64 len)
{
	__u64 nr = 0;
	unsigned int level;

	for (level = 1; len && level <= 2; level++)
		nr += (va + len - 1) / orc_span(level + 1) - va / orc_span(level + 1) + 1;
	return nr;
}

/* --- making -------------------------------------------------------------------------- */

/* The largest run of addresses that no area has; an empty one ends a run and begins one */
static __u64 orc_largest_gap(const struct orc_state *s)
{
	const struct orc_kvirt *area, *next;
	__u64 largest = 0, from = VMSTORE_KVIRT_BASE, to;
	__u32 i;

	for (i = 0; i <= s->kvirts.nr; i++) {
		to = VMSTORE_KVIRT_END;
		orc_for_each(next, &s->kvirts)
			if (next->start >= from && next->end > from && next->start < to)
				to = next->start;
		if (to - from > largest)
			largest = to - from;
		if (i == s->kvirts.nr)
			break;
		area = orc_at(&s->kvirts, i);
		from = area->end;
	}
	return largest;
}

/*
 * Are there addresses for an area of this size? How it is aligned, and how wide a guard
 * is, is the module's: within some pages of what fits both are possible.
 */
static void orc_may_find_room(struct orc_step *t, __u64 size)
{
	const __u64 all = VMSTORE_KVIRT_END - VMSTORE_KVIRT_BASE, slack = 2 * ORC_2M;
	const struct orc_kvirt *area;
	__u64 used = 0, largest;

	orc_for_each(area, &t->s->kvirts)
		used += area->end - area->start + slack;
	/* One of the gaps is at least as large as all are on average */
	if (used < all && size <= all && size + slack <= (all - used) / (t->s->kvirts.nr + 1))
		return;
	largest = orc_largest_gap(t->s);
	if (size > largest)
		orc_refuse(t, ENOMEM);
	else if (slack > largest || size > largest - slack)
		orc_may_refuse(t, ENOMEM);
}

/* @len bytes from @map_offset on in an area of @area_size; @empty: none need be there */
static bool orc_may_make(struct orc_step *t, __u64 area_size, __u64 map_offset, __u64 len,
			 struct vmstore_prop prop, bool empty)
{
	if (!orc_prop_encodable(prop) || (prop.flags & VMSTORE_PROP_AVAIL1))
		orc_refuse(t, EINVAL);
	if (!orc_aligned(area_size) || !orc_aligned(map_offset) ||
	    (empty ? map_offset > area_size : map_offset >= area_size) ||
	    len > area_size - map_offset) {
		orc_refuse(t, EINVAL);
		return false;
	}
	orc_may_find_room(t, area_size);
	return true;
}

/* A table more at both ends, wherever the area lies */
static void orc_may_make_tables(struct orc_step *t, __u64 len)
{
	if (len && orc_free_slots(t->s) < orc_tables(VMSTORE_KVIRT_BASE, len) + 2)
		orc_may_refuse(t, ENOMEM);
}

/* The area the module made, if its addresses are good */
static struct orc_kvirt *orc_new_kvirt(struct orc_step *t, __u64 size, __u64 mapped_at,
				       __u64 len)
{
	const struct vmstore_out_kvirt *got = &t->op->out.kvirt;
	struct vmstore_out_kvirt *want = &t->want.out.kvirt;
	const struct orc_kvirt *other;
	struct orc_kvirt *area;

	if (!orc_aligned(got->start) || got->start < VMSTORE_KVIRT_BASE ||
	    got->start > VMSTORE_KVIRT_END || size > VMSTORE_KVIRT_END - got->start)
		orc_differ(t, "an area of %#llx bytes at %#llx", size, got->start);
	orc_for_each(other, &t->s->kvirts)
		if (got->start < other->end + ORC_PAGE &&
		    other->start < got->start + size + ORC_PAGE)
			orc_differ(t, "the area at %#llx meets that at %#llx", got->start,
				   other->start);
	if (got->nodes_allocated > orc_tables(got->start + mapped_at, len))
		orc_differ(t, "%llu nodes made for %#llx bytes", got->nodes_allocated, len);
	area = orc_add(&t->s->kvirts, orc_fresh(t, ORC_KVIRT, got->id));
	orc_vec_init(&area->leaves, sizeof(struct orc_leaf));
	area->start = got->start;
	area->end = got->start + size;
	want->id = area->id;
	want->start = area->start;
	want->end = area->end;
	want->nodes_allocated = got->nodes_allocated;
	t->s->nodes += got->nodes_allocated;
	t->s->moved |= got->nodes_allocated;
	return area;
}

static void orc_map_leaf(struct orc_step *t, struct orc_kvirt *area, __u64 va, __u64 paddr,
			 unsigned int level, struct vmstore_prop prop)
{
	struct orc_leaf *leaf = orc_add(&area->leaves, va);

	leaf->paddr = paddr;
	leaf->level = level;
	leaf->must = prop.flags & ORC_AD;
	leaf->may = leaf->must | VMSTORE_PROP_ACCESSED;
	leaf->prop = prop;
	leaf->prop.flags &= ~ORC_AD;
	t->want.out.kvirt.leaves++;
	t->want.out.kvirt.huge += level > 1;
}

void orc_kvirt_map_frames(struct orc_step *t)
{
	const struct vmstore_arg_kvirt_frames *arg = &t->op->arg.kvirt_frames;
	const __u64 *ids = (const __u64 *)(uintptr_t)arg->frames;
	__u64 len = arg->count * ORC_PAGE;
	struct orc_kvirt *area;
	__u32 i;

	if (arg->count > VMSTORE_MAX_DATA / sizeof(*ids))
		orc_refuse(t, EINVAL);
	else if (arg->count && !ids)
		orc_refuse(t, EFAULT);
	else
		orc_may_consume(t, ids, arg->count);
	if (orc_may_make(t, arg->area_size, arg->map_offset, len, arg->prop, false))
		orc_may_make_tables(t, len);
	if (!orc_goes(t)) {
		orc_no_nodes(t);
		return;
	}
	area = orc_new_kvirt(t, arg->area_size, arg->map_offset, len);
	for (i = 0; i < arg->count; i++) {
		struct orc_frame *f = orc_find(&t->s->frames, ids[i]);

		orc_map_leaf(t, area, area->start + arg->map_offset + i * ORC_PAGE, f->paddr, 1,
			     arg->prop);
		ORC_COUNT(t->s, f->paddr, leaves, 1);
		ORC_COUNT(t->s, f->paddr, handles, -1);
		orc_del(&t->s->frames, f);
	}
}

/* Does the range hold a whole aligned page of 2 MiB? */
static bool orc_holds_huge(__u64 start, __u64 end)
{
	__u64 first = (start + ORC_2M - 1) & -ORC_2M;

	return first < end && end - first >= ORC_2M;
}

void orc_kvirt_map_untracked(struct orc_step *t)
{
	const struct vmstore_arg_kvirt_untracked *arg = &t->op->arg.kvirt_untracked;
	bool empty = arg->start == arg->end;
	struct orc_kvirt *area;
	__u64 at, va;

	if (arg->__reserved || !orc_aligned(arg->start) || !orc_aligned(arg->end) ||
	    arg->start > arg->end ||
	    (!empty && arg->start / ORC_PAGE < t->s->config.first_mmio))
		orc_refuse(t, EINVAL);
	if (arg->end > orc_region_size(t->s))
		orc_refuse(t, ERANGE);
	if (arg->start <= arg->end &&
	    orc_may_make(t, arg->area_size, arg->map_offset, arg->end - arg->start, arg->prop,
			 empty))
		orc_may_make_tables(t, arg->end - arg->start);
	if (!orc_goes(t)) {
		orc_no_nodes(t);
		return;
	}
	area = orc_new_kvirt(t, arg->area_size, arg->map_offset, arg->end - arg->start);
	va = area->start + arg->map_offset;
	if (orc_holds_huge(arg->start, arg->end) && (va - arg->start) % ORC_2M)
		orc_differ(t, "%#llx at %#llx: no page of 2 MiB fits", arg->start, va);
	for (at = arg->start; at < arg->end && !orc_differs(t);) {
		unsigned int level = !(at % ORC_2M) && !(va % ORC_2M) &&
				     arg->end - at >= ORC_2M ? 2 : 1;

		orc_map_leaf(t, area, va, at, level, arg->prop);
		at += orc_span(level);
		va += orc_span(level);
	}
	t->s->unsure += t->want.out.kvirt.huge;
	t->s->strays += t->want.out.kvirt.huge;
	t->s->moved |= t->want.out.kvirt.huge;
}

/* --- looking ------------------------------------------------------------------------- */

/* Nothing is at @addr: is what the module says of the entry there true? */
static void orc_absent(struct orc_step *t, __u64 addr)
{
	struct vmstore_out_query *want = &t->want.out.query;
	const struct orc_kvirt *area;
	__u32 level = t->op->out.query.level;

	if (!level || level > 3) {
		orc_differ(t, "level %u", level);
		return;
	}
	want->level = level;
	want->start = addr & -orc_span(level);
	want->end = want->start + orc_span(level);
	orc_for_each(area, &t->s->kvirts) {
		__u32 i = orc_lower(&area->leaves, want->start);
		const struct orc_leaf *leaf = orc_at(&area->leaves, i);

		if (i < area->leaves.nr && leaf->va < want->end)
			orc_differ(t, "nothing in [%#llx, %#llx), where a leaf is",
				   want->start, want->end);
	}
}

void orc_kvirt_query(struct orc_step *t)
{
	const struct vmstore_arg_kvirt_addr *arg = &t->op->arg.kvirt_addr;
	const struct vmstore_out_query *got = &t->op->out.query;
	struct vmstore_out_query *want = &t->want.out.query;
	struct orc_kvirt *area = orc_get(t, &t->s->kvirts, arg->area);
	struct orc_leaf *leaf;
	struct orc_frame *f;

	/* The end is outside, as the seed has it */
	if (area && (arg->addr < area->start || arg->addr >= area->end))
		orc_refuse(t, EINVAL);
	if (!orc_goes(t))
		return;
	leaf = orc_kvirt_leaf(area, arg->addr);
	if (!leaf) {
		orc_absent(t, arg->addr);
		return;
	}
	want->level = leaf->level;
	want->start = leaf->va;
	want->end = leaf->va + orc_span(leaf->level);
	want->found = 1;
	want->paddr = leaf->paddr;
	want->prop = leaf->prop;
	orc_adopt_ad(t, leaf, got->prop);
	want->prop.flags |= leaf->must;
	want->untracked = !orc_tracked(t->s, leaf);
	if (want->untracked || t->op->flags & VMSTORE_OPF_PEEK)
		return;
	want->id = orc_fresh(t, ORC_FRAME, got->id);
	f = orc_add(&t->s->frames, want->id);
	f->paddr = leaf->paddr;
	ORC_COUNT(t->s, leaf->paddr, handles, 1);
}

/* --- removing and changing ----------------------------------------------------------- */

/* A page of 2 MiB becomes 512 small ones, equal to it but for the address */
static void orc_split_leaf(struct orc_step *t, struct orc_kvirt *area, struct orc_leaf *leaf)
{
	struct orc_leaf was = *leaf;
	__u32 i;

	orc_del(&area->leaves, leaf);
	was.level = 1;
	for (i = 0; i < 512; i++) {
		leaf = orc_add(&area->leaves, was.va);
		*leaf = was;
		was.va += ORC_PAGE;
		was.paddr += ORC_PAGE;
	}
	t->s->nodes++;
	t->s->moved = true;
}

/* The page of 2 MiB that lies on both sides of @va, or NULL */
static struct orc_leaf *orc_across(const struct orc_kvirt *area, __u64 va)
{
	struct orc_leaf *leaf = orc_kvirt_leaf(area, va);

	return leaf && leaf->va < va ? leaf : NULL;
}

/* How many pages of 2 MiB lie in the range in part */
static __u32 orc_nr_splits(const struct orc_kvirt *area, __u64 start, __u64 end)
{
	const struct orc_leaf *first = orc_across(area, start), *last = orc_across(area, end);

	if (start == end)
		return 0;
	return !!first + (last && last != first);
}

static void orc_split_ends(struct orc_step *t, struct orc_kvirt *area, __u64 start, __u64 end)
{
	struct orc_leaf *leaf;

	if (start == end)
		return;
	leaf = orc_across(area, start);
	if (leaf)
		orc_split_leaf(t, area, leaf);
	leaf = orc_across(area, end);
	if (leaf)
		orc_split_leaf(t, area, leaf);
}

/* A part of an area nobody holds, with slots for what it splits */
static void orc_may_change_range(struct orc_step *t, const struct orc_kvirt *area,
				 __u64 offset, __u64 len)
{
	if (!orc_aligned(offset) || !orc_aligned(len))
		orc_refuse(t, EINVAL);
	if (!area)
		return;
	if (offset > area->end - area->start || len > area->end - area->start - offset)
		orc_refuse(t, EINVAL);
	else
		orc_need_slots(t, orc_nr_splits(area, area->start + offset,
						area->start + offset + len));
	if (orc_kvirt_pins(t->s, area))
		orc_refuse(t, EBUSY);
}

static struct orc_leaf *orc_leaf_in(const struct orc_kvirt *area, __u64 start, __u64 end)
{
	__u32 i = orc_lower(&area->leaves, start);
	struct orc_leaf *leaf = orc_at(&area->leaves, i);

	return i < area->leaves.nr && leaf->va < end ? leaf : NULL;
}

static __u64 orc_bounded(__u64 x, __u64 least, __u64 most)
{
	return x < least ? least : x > most ? most : x;
}

/* Remove all leaves of the range; what held the frames is gathered */
static void orc_unmap_area(struct orc_step *t, struct orc_kvirt *area, __u64 start, __u64 end)
{
	const struct vmstore_out_kvirt_unmap *got = &t->op->out.kvirt_unmap;
	struct vmstore_out_kvirt_unmap *want = &t->want.out.kvirt_unmap, most = {};
	struct orc_leaf *leaf;
	__u64 nodes;

	while ((leaf = orc_leaf_in(area, start, end))) {
		want->removed++;
		want->accessed += !!(leaf->must & VMSTORE_PROP_ACCESSED);
		most.accessed += !!(leaf->may & VMSTORE_PROP_ACCESSED);
		want->dirty += !!(leaf->must & VMSTORE_PROP_DIRTY);
		most.dirty += !!(leaf->may & VMSTORE_PROP_DIRTY);
		if (orc_tracked(t->s, leaf)) {
			ORC_COUNT(t->s, leaf->paddr, leaves, -1);
			orc_slot(t->s, leaf->paddr)->gathered++;
		}
		orc_del(&area->leaves, leaf);
	}
	want->accessed = orc_bounded(got->accessed, want->accessed, most.accessed);
	want->dirty = orc_bounded(got->dirty, want->dirty, most.dirty);
	nodes = orc_kernel_nodes(t->s);
	want->nodes = orc_bounded(got->nodes, 0, orc_tables(start, end - start));
	if (want->nodes && want->nodes >= nodes)
		orc_differ(t, "%llu nodes removed of %llu", got->nodes, nodes);
	t->s->nodes -= want->nodes;
	t->s->strays += want->nodes;
	t->s->moved |= want->nodes;
}

void orc_kvirt_drop(struct orc_step *t)
{
	struct orc_kvirt *area = orc_get(t, &t->s->kvirts, t->op->arg.id.id);

	if (area && orc_kvirt_pins(t->s, area))
		orc_refuse(t, EBUSY);
	if (!orc_goes(t))
		return;
	orc_unmap_area(t, area, area->start, area->end);
	orc_vec_free(&area->leaves);
	orc_del(&t->s->kvirts, area);
}

void orc_kvirt_unmap_range(struct orc_step *t)
{
	const struct vmstore_arg_kvirt_range *arg = &t->op->arg.kvirt_range;
	struct orc_kvirt *area = orc_get(t, &t->s->kvirts, arg->area);
	__u64 start, end;

	orc_may_change_range(t, area, arg->offset, arg->len);
	if (!orc_goes(t)) {
		orc_no_nodes(t);
		return;
	}
	start = area->start + arg->offset;
	end = start + arg->len;
	t->want.out.kvirt_unmap.split = orc_nr_splits(area, start, end);
	orc_split_ends(t, area, start, end);
	orc_unmap_area(t, area, start, end);
}

void orc_kvirt_protect_range(struct orc_step *t)
{
	const struct vmstore_arg_kvirt_protect *arg = &t->op->arg.kvirt_protect;
	struct vmstore_out_kvirt_protect *want = &t->want.out.kvirt_protect;
	struct orc_kvirt *area = orc_get(t, &t->s->kvirts, arg->area);
	bool cache = t->op->flags & VMSTORE_OPF_CACHE;
	__u64 start, end;
	__u32 i;

	if (!orc_change_valid(arg->prop, arg->mask, cache) ||
	    ((arg->prop.flags | arg->mask.flags) & VMSTORE_PROP_AVAIL1))
		orc_refuse(t, EINVAL);
	orc_may_change_range(t, area, arg->offset, arg->len);
	if (!orc_goes(t)) {
		orc_no_nodes(t);
		return;
	}
	start = area->start + arg->offset;
	end = start + arg->len;
	want->split = orc_nr_splits(area, start, end);
	orc_split_ends(t, area, start, end);
	for (i = orc_lower(&area->leaves, start); i < area->leaves.nr; i++) {
		struct orc_leaf *leaf = orc_at(&area->leaves, i);

		if (leaf->va >= end)
			break;
		orc_change(leaf, arg->prop, arg->mask, cache);
		leaf->may |= VMSTORE_PROP_ACCESSED;
		want->changed++;
	}
}
