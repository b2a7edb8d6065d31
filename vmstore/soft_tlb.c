// SPDX-License-Identifier: GPL-2.0-only
/* Translations and tables a simulated CPU caches: see soft_tlb.h. */

#include <linux/io.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/nospec.h>

#include "soft_tlb.h"

/* What was not used for so many lookups may be evicted at random */
#define VMS_SOFT_LONG_UNUSED	256

static bool vms_is_kernel(u64 va)
{
	return va >= VMSTORE_KERNEL_BASE;
}

static bool vms_soft_made_under(const struct vms_soft_tlb *t,
				const struct vms_soft_load *load, u64 tag, u64 nr)
{
	/* Without the flush by a load the tag alone counts */
	return load->root && load->root->tag == tag &&
	       (load->nr == nr || (VMS_OMIT(LOAD_FLUSH) && nr > t->flushed));
}

/* May @e translate now? */
static bool vms_soft_entry_valid(const struct vms_soft_tlb *t, const struct vms_soft_entry *e)
{
	return e->global || vms_soft_made_under(t, &t->now, e->tag, e->load);
}

/* May it ever again? */
static bool vms_soft_usable(const struct vms_soft_tlb *t, u64 tag, u64 load)
{
	return vms_soft_made_under(t, &t->now, tag, load) ||
	       vms_soft_made_under(t, &t->active, tag, load);
}

/**
 * vms_soft_load - load a root and flush its tag
 * @t: what the CPU caches
 * @r: root, NULL = none
 */
void vms_soft_load(struct vms_soft_tlb *t, struct vms_root *r)
{
	t->now = (struct vms_soft_load) { .root = r, .nr = ++t->loads };
}

/* --- translations ------------------------------------------------------------------- */

/* First entry of the set that may hold a translation of @va by a leaf at @level */
static struct vms_soft_entry *vms_soft_set(struct vms_soft_tlb *t, u64 va, int level)
{
	u64 set = va / vms_page_size(level) % VMS_SOFT_SETS;

	return &t->entry[set * VMS_SOFT_WAYS];
}

static struct vms_soft_entry *vms_soft_find(struct vms_soft_tlb *t, u64 va, int level)
{
	struct vms_soft_entry *e = vms_soft_set(t, va, level);
	struct vms_soft_entry *end = e + VMS_SOFT_WAYS;
	u64 start = vms_span_start(va, level);

	for (; e < end; e++)
		if (e->level == level && e->va == start && vms_soft_entry_valid(t, e))
			return e;
	return NULL;
}

/**
 * vms_soft_lookup - the translation an access uses
 * @t: what the CPU caches
 * @va: address
 * @large_first: which of two, if a page of either size is cached
 *
 * Return: an entry, or NULL: walk.
 */
struct vms_soft_entry *vms_soft_lookup(struct vms_soft_tlb *t, u64 va, bool large_first)
{
	struct vms_soft_entry *large = t->nr_large ? vms_soft_find(t, va, 2) : NULL;
	struct vms_soft_entry *e;

	t->clock++;
	e = large && large_first ? large : vms_soft_find(t, va, 1) ?: large;
	if (e)
		e->used = t->clock;
	return e;
}

/* vms_soft_drop - forget a translation */
void vms_soft_drop(struct vms_soft_tlb *t, struct vms_soft_entry *e)
{
	t->nr--;
	t->nr_large -= e->level > 1;
	t->nr_global -= e->global;
	e->level = 0;
}

/* An entry of the set for @new: a free one, else one of no use, else the next victim */
static struct vms_soft_entry *vms_soft_room(struct vms_soft_tlb *t,
					    const struct vms_soft_entry *new)
{
	struct vms_soft_entry *set = vms_soft_set(t, new->va, new->level);
	struct vms_soft_entry *e, *useless = NULL;

	for (e = set; e < set + VMS_SOFT_WAYS; e++) {
		if (!e->level)
			return e;
		if (!e->global && !vms_soft_usable(t, e->tag, e->load))
			useless = e;
	}
	if (!useless)
		useless = set + t->victim[(set - t->entry) / VMS_SOFT_WAYS]++ % VMS_SOFT_WAYS;
	vms_soft_drop(t, useless);
	return useless;
}

/**
 * vms_soft_fill - cache a translation
 * @t: what the CPU caches; a translation of the same page that is there stays
 * @new: translation; its tag, load and time are filled in
 */
void vms_soft_fill(struct vms_soft_tlb *t, const struct vms_soft_entry *new)
{
	struct vms_soft_entry *e;

	if (vms_soft_find(t, new->va, new->level))
		return;
	e = vms_soft_room(t, new);
	*e = *new;
	e->tag = t->now.root->tag;
	e->load = t->now.nr;
	e->used = t->clock;
	t->nr++;
	t->nr_large += e->level > 1;
	t->nr_global += e->global;
}

/**
 * vms_soft_evict - lose a translation that was long not used, if there is one
 * @t: what the CPU caches
 * @random: number
 */
void vms_soft_evict(struct vms_soft_tlb *t, u32 random)
{
	u32 i;

	for (i = 0; t->nr && i < VMS_SOFT_ENTRIES; i++) {
		struct vms_soft_entry *e = &t->entry[(random + i) % VMS_SOFT_ENTRIES];

		if (e->level && t->clock - e->used > VMS_SOFT_LONG_UNUSED) {
			vms_soft_drop(t, e);
			return;
		}
	}
}

/* --- tables -------------------------------------------------------------------------- */

static bool vms_soft_table_covers(const struct vms_soft_tlb *t,
				  const struct vms_soft_table *e, u64 va)
{
	return e->level && e->va == vms_span_start(va, e->level) &&
	       vms_soft_made_under(t, &t->now, e->tag, e->load);
}

/**
 * vms_soft_table_lookup - where a walk begins
 * @t: what the CPU caches
 * @va: address
 *
 * Return: the lowest table on the way that is cached, or NULL: at the root.
 */
const struct vms_soft_table *vms_soft_table_lookup(const struct vms_soft_tlb *t, u64 va)
{
	const struct vms_soft_table *e, *low = NULL;

	if (!t->nr_tables)
		return NULL;
	for (e = t->table; e < t->table + VMS_SOFT_TABLES; e++)
		if (vms_soft_table_covers(t, e, va) && (!low || e->level < low->level))
			low = e;
	return low;
}

/**
 * vms_soft_tables_fill - cache the tables a walk went through
 * @t: what the CPU caches
 * @va: address walked to
 * @w: walk; accessed is set in all these entries
 */
void vms_soft_tables_fill(struct vms_soft_tlb *t, u64 va, const struct vms_walk *w)
{
	int level;

	for (level = w->first; level > w->level; level--) {
		struct vms_soft_table *e = &t->table[t->next_table++ % VMS_SOFT_TABLES];

		t->nr_tables += !e->level;
		*e = (struct vms_soft_table) {
			.tag = t->now.root->tag,
			.load = t->now.nr,
			.va = vms_span_start(va, level),
			.table = PTR_ALIGN_DOWN(w->entry[level - 1], VMS_PAGE_SIZE),
			.level = level,
		};
	}
}

static void vms_soft_table_drop(struct vms_soft_tlb *t, struct vms_soft_table *e)
{
	t->nr_tables--;
	e->level = 0;
}

/* vms_soft_tables_forget - what a fault does to the tables on the way to @va */
void vms_soft_tables_forget(struct vms_soft_tlb *t, u64 va)
{
	struct vms_soft_table *e;

	for (e = t->table; t->nr_tables && e < t->table + VMS_SOFT_TABLES; e++)
		if (vms_soft_table_covers(t, e, va))
			vms_soft_table_drop(t, e);
}

/* All tables of a tag, as INVLPG does whatever its address; with @any of all tags */
static void vms_soft_tables_flush(struct vms_soft_tlb *t, u64 tag, bool any)
{
	struct vms_soft_table *e;

	for (e = t->table; t->nr_tables && e < t->table + VMS_SOFT_TABLES; e++)
		if (e->level && (any || e->tag == tag))
			vms_soft_table_drop(t, e);
}

/* --- flushing ------------------------------------------------------------------------ */

/* The kernel half is below every root: a flush there is one for all tags */
static bool vms_soft_op_hits(const struct vms_flush_op *op, const struct vms_soft_entry *e)
{
	return op->start < e->va + vms_page_size(e->level) && e->va < op->end &&
	       (op->tag == e->tag || vms_is_kernel(e->va));
}

static void vms_soft_flush_set(struct vms_soft_tlb *t, const struct vms_flush_op *op, u64 va,
			       int level)
{
	struct vms_soft_entry *e = vms_soft_set(t, va, level);
	struct vms_soft_entry *end = e + VMS_SOFT_WAYS;

	for (; e < end; e++)
		if (e->level && vms_soft_op_hits(op, e))
			vms_soft_drop(t, e);
}

/* Like so many INVLPG */
static void vms_soft_flush_op(struct vms_soft_tlb *t, const struct vms_flush_op *op)
{
	u64 va;

	for (va = op->start; t->nr && va < op->end; va += VMS_PAGE_SIZE) {
		vms_soft_flush_set(t, op, va, 1);
		if (t->nr_large)
			vms_soft_flush_set(t, op, va, 2);
	}
	vms_soft_tables_flush(t, op->tag, vms_is_kernel(op->start));
}

static void vms_soft_flush_global(struct vms_soft_tlb *t)
{
	struct vms_soft_entry *e;

	for (e = t->entry; t->nr_global && e < t->entry + VMS_SOFT_ENTRIES; e++)
		if (e->level && e->global)
			vms_soft_drop(t, e);
}

/**
 * vms_soft_tlb_flush - forget what is to be flushed
 * @t: what the CPU caches
 * @f: what
 */
void vms_soft_tlb_flush(struct vms_soft_tlb *t, const struct vms_flush *f)
{
	u32 i;

	for (i = 0; i < f->nr; i++)
		vms_soft_flush_op(t, &f->ops[i]);
	if (!f->all)
		return;
	t->flushed = t->loads;
	t->active.nr = ++t->loads;
	t->now.nr = t->now.root == t->active.root ? t->active.nr : ++t->loads;
	if (f->global)
		vms_soft_flush_global(t);
}

/* vms_soft_tlb_forget_tag - the root of @tag is gone for good */
void vms_soft_tlb_forget_tag(struct vms_soft_tlb *t, u64 tag)
{
	struct vms_soft_entry *e;

	for (e = t->entry; t->nr && e < t->entry + VMS_SOFT_ENTRIES; e++)
		if (e->level && !e->global && e->tag == tag)
			vms_soft_drop(t, e);
	vms_soft_tables_flush(t, tag, false);
}

/* --- showing it ---------------------------------------------------------------------- */

static void vms_soft_show_entry(const struct vms_soft_tlb *t, const struct vms_soft_entry *e,
				struct vms_cached *c)
{
	*c = (struct vms_cached) {
		.tag = e->tag,
		.va = e->va,
		.pte = e->pte,
		.level = e->level,
		.global = e->global,
		.usable = e->global || vms_soft_usable(t, e->tag, e->load),
	};
}

static void vms_soft_show_table(const struct vms_soft_tlb *t, const struct vms_soft_table *e,
				struct vms_cached *c)
{
	*c = (struct vms_cached) {
		.tag = e->tag,
		.va = e->va,
		.pte = vms_pte_make_table(__pa(e->table)),
		.level = e->level,
		.usable = vms_soft_usable(t, e->tag, e->load),
	};
}

/**
 * vms_soft_tlb_cached - the next thing that is cached
 * @t: what the CPU caches
 * @pos: where to go on, a caller's number; 0 at first
 * @c: out
 *
 * Return: false when there is no more.
 */
bool vms_soft_tlb_cached(const struct vms_soft_tlb *t, u32 *pos, struct vms_cached *c)
{
	while (*pos < VMS_SOFT_ENTRIES && t->nr) {
		const struct vms_soft_entry *e =
			&t->entry[array_index_nospec(*pos, VMS_SOFT_ENTRIES)];

		++*pos;
		if (e->level && (e->global || e->load > t->flushed)) {
			vms_soft_show_entry(t, e, c);
			return true;
		}
	}
	*pos = max_t(u32, *pos, VMS_SOFT_ENTRIES);
	while (*pos < VMS_SOFT_ENTRIES + VMS_SOFT_TABLES) {
		const struct vms_soft_table *e =
			&t->table[array_index_nospec(*pos - VMS_SOFT_ENTRIES, VMS_SOFT_TABLES)];

		++*pos;
		if (e->level && e->load > t->flushed) {
			vms_soft_show_table(t, e, c);
			return true;
		}
	}
	return false;
}
