// SPDX-License-Identifier: GPL-2.0-only
/* The shadow of a store: see shadow.h. */

#include <linux/jhash.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "shadow.h"

/* --- life -------------------------------------------------------------------- */

static void vms_shadow_free(struct vms_shadow *sh)
{
	int reg;

	kvfree(sh->node);
	kvfree(sh->slot);
	kvfree(sh->recount);
	for (reg = 0; reg < VMS_SHADOW_NR; reg++)
		xa_destroy(&sh->word[reg]);
	kvfree(sh);
}

/**
 * vms_shadow_init - a shadow that is not valid yet
 * @s: store with a checker
 *
 * May sleep.
 *
 * Return: 0 or -ENOMEM; then there is none.
 */
int vms_shadow_init(struct vms_store *s)
{
	struct vms_shadow *sh = kvzalloc(sizeof(*sh), GFP_KERNEL_ACCOUNT);
	u32 n = s->region.nr_slots;
	int reg;

	if (!sh)
		return -ENOMEM;
	for (reg = 0; reg < VMS_SHADOW_NR; reg++)
		xa_init_flags(&sh->word[reg], XA_FLAGS_ACCOUNT);
	sh->recount = kvcalloc(n, sizeof(*sh->recount), VMS_GFP_LARGE);
	sh->slot = kvcalloc(n, sizeof(*sh->slot), VMS_GFP_LARGE);
	sh->node = kvcalloc(n, sizeof(*sh->node), VMS_GFP_LARGE);
	if (!sh->recount || !sh->slot || !sh->node) {
		vms_shadow_free(sh);
		return -ENOMEM;
	}
	s->inv->shadow = sh;
	return 0;
}

static void vms_node_copy_free(struct vms_shadow *sh, u32 idx)
{
	struct vms_node_copy *node = sh->node[idx];

	if (!node)
		return;
	sh->node[idx] = NULL;
	free_page((unsigned long)node->entries);
	kfree(node);
}

static void vms_shadow_free_nodes(struct vms_store *s)
{
	u32 idx;

	for (idx = 0; idx < s->region.nr_slots; idx++) {
		vms_node_copy_free(s->inv->shadow, idx);
		if (!(idx % 1024))
			cond_resched();
	}
}

/* vms_shadow_exit - free the shadow, if there is one */
void vms_shadow_exit(struct vms_store *s)
{
	if (!s->inv->shadow)
		return;
	vms_shadow_free_nodes(s);
	vms_shadow_free(s->inv->shadow);
	s->inv->shadow = NULL;
}

/* --- edges -------------------------------------------------------------------- */

static void vms_shadow_recounted(struct vms_store *s, u32 idx)
{
	__vms_touch_slot(s->region.touch, idx, VMS_MARK_COUNT);
}

/* A reference that a gather holds, or a node below what it names */
static void vms_shadow_count_gathered(struct vms_store *s, u32 idx, int n)
{
	s->inv->shadow->recount[idx].h += n;
	s->inv->shadow->recount[idx].gathered += n;
}

static struct vms_node_copy *vms_node_copy_alloc(struct vms_shadow *sh, u32 idx)
{
	struct vms_node_copy *node = kzalloc(sizeof(*node), GFP_KERNEL_ACCOUNT);

	if (!node)
		return NULL;
	node->entries = (u64 *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!node->entries) {
		kfree(node);
		return NULL;
	}
	sh->node[idx] = node;
	return node;
}

static void vms_shadow_add_entry(struct vms_store *s, u32 idx, unsigned int i, u64 pte);
static void vms_shadow_del_entry(struct vms_store *s, u32 idx, unsigned int i);

/* The entries of the page table itself; gathered nodes have no root among them */
static void vms_shadow_own_entries(struct vms_store *s, u32 idx, unsigned int *first,
				   unsigned int *end)
{
	const struct vms_node_copy *node = s->inv->shadow->node[idx];
	const struct vms_inv_ctx ctx = { .store = s };

	vms_inv_own_entries(&ctx, idx, node->level, first, end);
}

static u64 vms_shadow_read(struct vms_store *s, u32 idx, unsigned int i)
{
	return vms_inv_mask(READ_ONCE(vms_node_entries(&s->region, idx)[i]));
}

/* One more edge to a node. The first one enters it, as the full check does */
static void vms_shadow_add_node(struct vms_store *s, u32 idx, const struct vms_node_copy *place)
{
	struct vms_shadow *sh = s->inv->shadow;
	struct vms_node_copy *node;
	unsigned int i, end;

	vms_shadow_recounted(s, idx);
	sh->recount[idx].gathered += place->gathered;
	if (sh->recount[idx].node_refs++ ||
	    s->region.slots[idx].usage != VMSTORE_USAGE_PAGETABLE)
		return;
	node = vms_node_copy_alloc(sh, idx);
	if (!node) {
		sh->valid = false;
		return;
	}
	node->gathered = place->gathered;
	node->level = place->level;
	node->index = place->index;
	node->parent = place->parent;
	node->space = place->space;
	vms_shadow_own_entries(s, idx, &i, &end);
	for (; i < end; i++)
		vms_shadow_add_entry(s, idx, i, vms_shadow_read(s, idx, i));
	cond_resched();
}

static void vms_shadow_del_node(struct vms_store *s, u32 idx, bool gathered)
{
	struct vms_shadow *sh = s->inv->shadow;
	unsigned int i;

	vms_shadow_recounted(s, idx);
	sh->recount[idx].gathered -= gathered;
	if (--sh->recount[idx].node_refs || !sh->node[idx])
		return;
	for (i = 0; i < VMS_NR_ENTRIES; i++)
		vms_shadow_del_entry(s, idx, i);
	vms_node_copy_free(sh, idx);
	cond_resched();
}

static void vms_shadow_count_leaf(struct vms_store *s, const struct vms_node_copy *node,
				  u32 target, int n)
{
	if (target >= s->region.first_mmio)	/* VMS_NO_SLOT too */
		return;
	if (node->gathered)
		vms_shadow_count_gathered(s, target, n);
	else
		s->inv->shadow->recount[target].p += n;
	vms_shadow_recounted(s, target);
}

static void vms_shadow_add_entry(struct vms_store *s, u32 idx, unsigned int i, u64 pte)
{
	struct vms_node_copy *node = s->inv->shadow->node[idx];
	const struct vms_inv_ctx ctx = { .store = s };
	u32 target;

	node->entries[i] = pte;
	if (!pte)
		return;
	__set_bit(i, node->changed);
	target = vms_inv_target(&ctx, pte);
	if (vms_pte_kind(pte) == VMS_ENTRY_LEAF) {
		vms_shadow_count_leaf(s, node, target, 1);
	} else if (target != VMS_NO_SLOT && node->level > 1) {
		const struct vms_node_copy place = {
			.gathered = node->gathered,
			.level = node->level - 1,
			.index = i,
			.parent = idx,
			.space = node->space,
		};

		vms_shadow_add_node(s, target, &place);
	}
}

static void vms_shadow_del_entry(struct vms_store *s, u32 idx, unsigned int i)
{
	struct vms_node_copy *node = s->inv->shadow->node[idx];
	const struct vms_inv_ctx ctx = { .store = s };
	u64 pte = node->entries[i];
	u32 target;

	if (!pte)
		return;
	node->entries[i] = 0;
	target = vms_inv_target(&ctx, pte);
	if (vms_pte_kind(pte) == VMS_ENTRY_LEAF)
		vms_shadow_count_leaf(s, node, target, -1);
	else if (target != VMS_NO_SLOT && node->level > 1)
		vms_shadow_del_node(s, target, node->gathered);
}

/* --- nodes --------------------------------------------------------------------- */

static void vms_shadow_nodes_del(struct vms_store *s)
{
	struct vms_shadow *sh = s->inv->shadow;
	const struct vms_touch *t = s->region.touch;
	unsigned int i, end;
	u32 k;

	/* The list grows meanwhile, by slots that are recounted */
	for (k = 0; k < t->nr_slots; k++) {
		u32 idx = t->slot[k];

		if (!(t->mark[idx] & VMS_MARK_NODE) || !sh->node[idx])
			continue;
		vms_shadow_own_entries(s, idx, &i, &end);
		for (; i < end; i++)
			if (sh->node[idx]->entries[i] != vms_shadow_read(s, idx, i))
				vms_shadow_del_entry(s, idx, i);
	}
}

static void vms_shadow_nodes_add(struct vms_store *s)
{
	struct vms_shadow *sh = s->inv->shadow;
	const struct vms_touch *t = s->region.touch;
	unsigned int i, end;
	u32 k;

	for (k = 0; k < t->nr_slots; k++) {
		u32 idx = t->slot[k];

		if (!(t->mark[idx] & VMS_MARK_NODE) || !sh->node[idx])
			continue;
		vms_shadow_own_entries(s, idx, &i, &end);
		for (; i < end; i++) {
			u64 pte = vms_shadow_read(s, idx, i);

			if (sh->node[idx]->entries[i] != pte)
				vms_shadow_add_entry(s, idx, i, pte);
		}
	}
}

/* --- gathers ------------------------------------------------------------------- */

/* Does anybody still have it, who will release what it holds? */
static bool vms_gather_is_kept(struct vms_store *s, const struct vms_gather *g)
{
	const struct vms_cursor *c;

	if (!g->cursor)
		return !list_empty(&g->link);
	c = xa_load(&s->cursors.xa, g->cursor);
	return c && c->gather == g;
}

static void vms_shadow_count_named(struct vms_store *s, const struct vms_gathered *e, int n)
{
	struct vms_recount *recount = s->inv->shadow->recount;
	const struct vms_region *r = &s->region;

	if (e->slot >= r->nr_slots)
		return;
	recount[e->slot].named += n;
	recount[e->slot].lives += n * vms_life(e->birth, e->node);
	vms_shadow_recounted(s, e->slot);
	if (!e->node) {
		if (e->slot < r->first_mmio)
			vms_shadow_count_gathered(s, e->slot, n);
	} else if (n > 0) {
		const struct vms_node_copy place = {
			.gathered = true,
			.level = min_t(int, r->slots[e->slot].node.level, VMS_NR_LEVELS - 1),
			.parent = VMS_NO_SLOT,
		};

		vms_shadow_add_node(s, e->slot, &place);
	} else {
		vms_shadow_del_node(s, e->slot, true);
	}
}

static u32 vms_gather_now(struct vms_store *s, const struct vms_gather_seen *seen)
{
	if (!seen->of || !vms_gather_is_kept(s, seen->of))
		return 0;
	return min_t(u32, seen->of->nr, VMS_GATHER_MAX);
}

static bool vms_gathered_same(const struct vms_gathered *a, const struct vms_gathered *b)
{
	return a->slot == b->slot && a->birth == b->birth && a->node == b->node;
}

/* A gather grows and shrinks at its end */
static void vms_shadow_gathers_del(struct vms_store *s)
{
	struct vms_gather_seen *seen;

	list_for_each_entry(seen, &s->region.touch->gathers, touched) {
		u32 now = vms_gather_now(s, seen);
		u32 same = 0;

		while (same < min(now, seen->nr) &&
		       vms_gathered_same(&seen->entry[same], &seen->of->entry[same]))
			same++;
		while (seen->nr > same)
			vms_shadow_count_named(s, &seen->entry[--seen->nr], -1);
	}
}

static void vms_shadow_gathers_add(struct vms_store *s)
{
	struct vms_gather_seen *seen, *next;

	list_for_each_entry_safe(seen, next, &s->region.touch->gathers, touched) {
		u32 now = vms_gather_now(s, seen);

		for (; seen->nr < now; seen->nr++) {
			seen->entry[seen->nr] = seen->of->entry[seen->nr];
			vms_shadow_count_named(s, &seen->entry[seen->nr], 1);
		}
		if (!seen->of)
			vms_gather_seen_free(seen);
	}
}

/* --- registries ---------------------------------------------------------------- */

static const u32 vms_shadow_kind[VMS_SHADOW_NR] = {
	[VMS_SHADOW_SPACES] = VMS_TOUCH_SPACES,
	[VMS_SHADOW_CURSORS] = VMS_TOUCH_CURSORS,
	[VMS_SHADOW_FRAMES] = VMS_TOUCH_FRAMES,
	[VMS_SHADOW_SEGMENTS] = VMS_TOUCH_SEGMENTS,
	[VMS_SHADOW_UNIQUES] = VMS_TOUCH_UNIQUES,
	[VMS_SHADOW_IOS] = VMS_TOUCH_IOS,
	[VMS_SHADOW_KVIRTS] = VMS_TOUCH_KVIRTS,
	[VMS_SHADOW_LISTS] = VMS_TOUCH_LISTS,
};

/* vms_shadow_registry - the registry that has a copy under this number */
struct vms_registry *vms_shadow_registry(struct vms_store *s, enum vms_shadow_reg reg)
{
	switch (reg) {
	case VMS_SHADOW_SPACES:
		return &s->spaces;
	case VMS_SHADOW_CURSORS:
		return &s->cursors;
	case VMS_SHADOW_SEGMENTS:
		return &s->segments;
	case VMS_SHADOW_UNIQUES:
		return &s->uniques;
	case VMS_SHADOW_IOS:
		return &s->ios;
	case VMS_SHADOW_KVIRTS:
		return &s->areas;
	case VMS_SHADOW_LISTS:
		return &s->lists;
	default:
		return &s->frames;
	}
}

/* All that says where a cursor stands; it changes only while the cursor is claimed */
static u32 vms_cursor_hash(const struct vms_cursor *c)
{
	u32 hash = jhash2(c->pos.path, ARRAY_SIZE(c->pos.path), c->pos.level);

	hash = jhash(&c->pos.va, sizeof(c->pos.va), hash);
	hash = jhash(&c->start, sizeof(c->start), hash);
	hash = jhash(&c->end, sizeof(c->end), hash);
	return jhash_3words(c->guard_level, c->mut, c->space->id, hash);
}

/* The slots [first, first + nr) that an entry has a reference of each of: 31 bits each */
static void *vms_word_of_range(u32 first, u32 nr)
{
	return xa_mk_value((u64)first << 31 | nr);
}

/* The covering node, and a hash of the rest */
static void *vms_word_of_cursor(const struct vms_cursor *c)
{
	u64 guard = c->guard_level <= VMS_NR_LEVELS ? c->pos.path[c->guard_level] & S32_MAX : 0;

	return xa_mk_value(guard << 31 | (vms_cursor_hash(c) & S32_MAX));
}

static void *vms_word_of_io(struct vms_store *s, const struct vms_io *io)
{
	u32 first, nr;

	if (io->view == VMS_VIEW_NONE ||
	    vms_linear_range(&s->region, io->vaddr, io->len, &first, &nr))
		return vms_word_of_range(0, 0);
	return vms_word_of_range(first, nr);
}

/* First page and pages of an area, 26 bits each, and what there is room for of its pins */
#define VMS_AREA_BITS		26
#define VMS_AREA_PIN_BITS	10

static void *vms_word_of_kvirt(const struct vms_kvirt *area)
{
	u64 first = (area->start - VMSTORE_KVIRT_BASE) >> VMS_PAGE_SHIFT;
	u64 nr = (area->end - area->start) >> VMS_PAGE_SHIFT;

	BUILD_BUG_ON((VMSTORE_KVIRT_END - VMSTORE_KVIRT_BASE) >> VMS_PAGE_SHIFT >
		     GENMASK_ULL(VMS_AREA_BITS - 1, 0));
	return xa_mk_value((first & GENMASK_ULL(VMS_AREA_BITS - 1, 0)) <<
			   (VMS_AREA_BITS + VMS_AREA_PIN_BITS) |
			   (nr & GENMASK_ULL(VMS_AREA_BITS - 1, 0)) << VMS_AREA_PIN_BITS |
			   (atomic_read(&area->pins) & GENMASK_ULL(VMS_AREA_PIN_BITS - 1, 0)));
}

/*
 * The first link, two bits of the number of links, and a hash of the rest: the list with
 * its cursor, and which slots are its links in which order. Links that lead nowhere or in
 * a circle end it. Whatever is put in or taken out changes these two bits, so that no
 * collision of hashes hides it from the recount.
 */
#define VMS_LIST_HASH_BITS	30
#define VMS_LIST_FIRST_SHIFT	32

static void *vms_word_of_list(struct vms_store *s, const struct vms_list *list)
{
	const u32 what[] = { list->last, list->nr, list->out, list->at, list->index };
	u32 hash = jhash(&list->tag, sizeof(list->tag), jhash2(what, ARRAY_SIZE(what), 0));
	u32 at = list->first;
	u32 nr;

	for (nr = 0; at < s->region.nr_slots && nr < s->region.nr_slots; nr++) {
		hash = jhash_1word(at, hash);
		at = s->region.slots[at].link.next;
		if (!(nr % 1024))
			cond_resched();
	}
	return xa_mk_value((u64)(list->first & S32_MAX) << VMS_LIST_FIRST_SHIFT |
			   (u32)(list->nr << VMS_LIST_HASH_BITS) |
			   (hash & GENMASK(VMS_LIST_HASH_BITS - 1, 0)));
}

/**
 * vms_shadow_word - what an entry of a registry says, as an xarray value
 * @s: store
 * @reg: which registry
 * @entry: of it, or NULL
 *
 * Return: the value, NULL for NULL.
 */
void *vms_shadow_word(struct vms_store *s, enum vms_shadow_reg reg, const void *entry)
{
	if (!entry)
		return NULL;
	switch (reg) {
	case VMS_SHADOW_SPACES:
		return xa_mk_value(((const struct vms_space *)entry)->pt.root);
	case VMS_SHADOW_CURSORS:
		return vms_word_of_cursor(entry);
	case VMS_SHADOW_SEGMENTS: {
		struct vms_segment seg = vms_segment_of_entry(entry);

		return vms_word_of_range(seg.first, seg.nr);
	}
	case VMS_SHADOW_IOS:
		return vms_word_of_io(s, entry);
	case VMS_SHADOW_KVIRTS:
		return vms_word_of_kvirt(entry);
	case VMS_SHADOW_LISTS:
		return vms_word_of_list(s, entry);
	default:
		return vms_word_of_range(vms_frame_entry_slot(entry), 1);
	}
}

static void vms_shadow_count_root(struct vms_store *s, u32 root, u64 space, int n)
{
	const struct vms_node_copy place = {
		.level = VMS_NR_LEVELS,
		.parent = VMS_NO_SLOT,
		.space = space,
	};

	if (root >= s->region.nr_slots)
		return;
	if (n > 0)
		vms_shadow_add_node(s, root, &place);
	else
		vms_shadow_del_node(s, root, false);
}

/* One counter of a recount, for a kind of what refers to slots */
static u32 *vms_shadow_counter(struct vms_recount *count, enum vms_shadow_reg reg)
{
	switch (reg) {
	case VMS_SHADOW_SEGMENTS:
		return &count->s;
	case VMS_SHADOW_UNIQUES:
		return &count->u;
	default:
		return &count->h;
	}
}

static void vms_shadow_count_range(struct vms_store *s, enum vms_shadow_reg reg, u64 range,
				   int n)
{
	u32 first = range >> 31;
	u32 nr = range & S32_MAX;
	u32 i;

	for (i = 0; i < nr && first + i < s->region.nr_slots; i++) {
		*vms_shadow_counter(&s->inv->shadow->recount[first + i], reg) += n;
		vms_shadow_recounted(s, first + i);
		if (!(i % 1024))
			cond_resched();
	}
}

/* Links as they are now; a slot that is a link already is not gone on from */
static void vms_shadow_add_links(struct vms_store *s, u64 id, u32 at)
{
	struct vms_recount *recount = s->inv->shadow->recount;
	u32 nr = 0;

	while (at < s->region.nr_slots) {
		recount[at].list = id;
		vms_shadow_recounted(s, at);
		if (recount[at].l++)
			break;
		at = s->region.slots[at].link.next;
		if (!(++nr % 1024))
			cond_resched();
	}
}

/* Links as they were at the last check, which found them in order */
static void vms_shadow_del_links(struct vms_store *s, u32 at)
{
	const struct vms_shadow *sh = s->inv->shadow;
	u32 nr = 0;

	while (at < s->region.nr_slots && sh->recount[at].l) {
		sh->recount[at].l--;
		sh->recount[at].list = 0;
		vms_shadow_recounted(s, at);
		at = sh->slot[at].link.next;
		if (!(++nr % 1024))
			cond_resched();
	}
}

static void vms_shadow_count_list(struct vms_store *s, u64 id, u32 first, int n)
{
	if (n > 0)
		vms_shadow_add_links(s, id, first);
	else
		vms_shadow_del_links(s, first);
}

/* What a word means for the recount */
static void vms_shadow_count_word(struct vms_store *s, enum vms_shadow_reg reg, u64 id,
				  const void *word, int n)
{
	s->inv->shadow->nr[reg] += n;
	switch (reg) {
	case VMS_SHADOW_CURSORS:
	case VMS_SHADOW_KVIRTS:
		break;
	case VMS_SHADOW_SPACES:
		vms_shadow_count_root(s, xa_to_value(word), id, n);
		break;
	case VMS_SHADOW_LISTS:
		vms_shadow_count_list(s, id, xa_to_value(word) >> VMS_LIST_FIRST_SHIFT, n);
		break;
	default:
		vms_shadow_count_range(s, reg, xa_to_value(word), n);
	}
}

/*
 * A cursor that is gone has let go of its nodes. Had it not, they would not have been
 * touched: so let them be looked at.
 */
static void vms_shadow_owned(struct vms_store *s, u32 idx, u64 owner)
{
	const struct vms_shadow *sh = s->inv->shadow;
	const struct vms_node_copy *node = idx < s->region.nr_slots ? sh->node[idx] : NULL;
	const struct vms_inv_ctx ctx = { .store = s };
	unsigned int i;

	if (!node || sh->slot[idx].owner != owner)
		return;
	vms_shadow_recounted(s, idx);
	for (i = 0; node->level > 1 && i < VMS_NR_ENTRIES; i++)
		if (vms_pte_kind(node->entries[i]) == VMS_ENTRY_TABLE)
			vms_shadow_owned(s, vms_inv_target(&ctx, node->entries[i]), owner);
	cond_resched();
}

/*
 * The leaves of an area that is gone are gone. Had they stayed, they would not have been
 * touched: so let them be looked at.
 */
static void vms_shadow_mapped(struct vms_store *s, u32 idx, int level, u64 va, u64 start,
			      u64 end)
{
	struct vms_node_copy *node = s->inv->shadow->node[idx];
	const struct vms_inv_ctx ctx = { .store = s };
	u64 size = vms_page_size(level);
	unsigned int i;

	if (!node || node->gathered)
		return;
	for (i = start > va ? vms_pte_index(start, level) : 0;
	     i < VMS_NR_ENTRIES && va + i * size < end; i++) {
		u64 pte = node->entries[i];
		u32 child = vms_inv_target(&ctx, pte);

		if (vms_pte_kind(pte) == VMS_ENTRY_LEAF) {
			__set_bit(i, node->changed);
			vms_shadow_recounted(s, idx);
		} else if (pte && level > 1 && child != VMS_NO_SLOT) {
			vms_shadow_mapped(s, child, level - 1, va + i * size, start, end);
		}
	}
	cond_resched();
}

static void vms_shadow_area_gone(struct vms_store *s, u64 word)
{
	u64 first = word >> (VMS_AREA_BITS + VMS_AREA_PIN_BITS);
	u64 nr = word >> VMS_AREA_PIN_BITS & GENMASK_ULL(VMS_AREA_BITS - 1, 0);
	u64 start = VMSTORE_KVIRT_BASE + (first << VMS_PAGE_SHIFT);

	vms_shadow_mapped(s, s->kernel.top, VMS_NR_LEVELS - 1, VMSTORE_KERNEL_BASE, start,
			  start + (nr << VMS_PAGE_SHIFT));
}

static void vms_shadow_id_del(struct vms_store *s, enum vms_shadow_reg reg, u64 id)
{
	struct xarray *words = &s->inv->shadow->word[reg];
	const void *word = xa_load(words, id);
	const void *entry = xa_load(&vms_shadow_registry(s, reg)->xa, id);

	if (!word || word == vms_shadow_word(s, reg, entry))
		return;
	if (reg == VMS_SHADOW_CURSORS && !entry)
		vms_shadow_owned(s, xa_to_value(word) >> 31, id);
	if (reg == VMS_SHADOW_KVIRTS && !entry)
		vms_shadow_area_gone(s, xa_to_value(word));
	vms_shadow_count_word(s, reg, id, word, -1);
	xa_erase(words, id);
}

static void vms_shadow_id_add(struct vms_store *s, enum vms_shadow_reg reg, u64 id)
{
	struct xarray *words = &s->inv->shadow->word[reg];
	const void *entry = xa_load(&vms_shadow_registry(s, reg)->xa, id);
	void *word;

	if (!entry || xa_load(words, id))
		return;
	word = vms_shadow_word(s, reg, entry);
	if (xa_is_err(xa_store(words, id, word, GFP_KERNEL_ACCOUNT))) {
		s->inv->shadow->valid = false;
		return;
	}
	vms_shadow_count_word(s, reg, id, word, 1);
}

static void vms_shadow_ids(struct vms_store *s, void (*fn)(struct vms_store *s,
							   enum vms_shadow_reg reg, u64 id))
{
	const struct vms_touch *t = s->region.touch;
	int reg;
	u32 i;

	for (i = 0; i < t->nr_ids; i++)
		for (reg = 0; reg < VMS_SHADOW_NR; reg++)
			if (t->id[i].kind == vms_shadow_kind[reg])
				fn(s, reg, t->id[i].id);
}

/* --- as a whole ----------------------------------------------------------------- */

/**
 * vms_shadow_update - let the recount follow what was touched
 * @s: store with no operation in flight
 *
 * What went goes first, so that what moved is never there twice. Records of slots stay
 * as they were until vms_shadow_commit(). May be called again before that. May sleep.
 *
 * Return: true when the shadow is valid.
 */
bool vms_shadow_update(struct vms_store *s)
{
	struct vms_shadow *sh = s->inv->shadow;

	if (s->region.touch->overflow)
		sh->valid = false;
	if (!sh->valid)
		return false;
	vms_shadow_gathers_del(s);
	vms_shadow_ids(s, vms_shadow_id_del);
	vms_shadow_nodes_del(s);
	vms_shadow_ids(s, vms_shadow_id_add);
	vms_shadow_nodes_add(s);
	vms_shadow_gathers_add(s);
	return sh->valid;
}

/**
 * vms_shadow_copy_slot - the record of a slot
 * @r: region
 * @idx: slot
 *
 * Return: a copy of it.
 */
struct vms_slot_copy vms_shadow_copy_slot(const struct vms_region *r, u32 idx)
{
	const struct vms_slot *slot = &r->slots[idx];

	return (struct vms_slot_copy) {
		.rc = atomic64_read(&slot->rc),
		.paths = atomic64_read(&slot->paths),
		.in_list = slot->in_list,
		.link = slot->link,
		.owner = slot->node.owner,
		.self = slot->self,
		.birth = slot->birth,
		.nr_children = slot->node.nr_children,
		.usage = slot->usage,
		.type = slot->type,
		.storage = slot->storage,
		.level = slot->node.level,
		.stray = slot->node.stray,
	};
}

/* vms_shadow_commit - what was touched has been checked: from now on it is the old state */
void vms_shadow_commit(struct vms_store *s)
{
	struct vms_shadow *sh = s->inv->shadow;
	struct vms_touch *t = s->region.touch;
	struct vms_gather_seen *seen, *next;
	u32 k;

	for (k = 0; k < t->nr_slots; k++) {
		u32 idx = t->slot[k];

		if (t->mark[idx] & (VMS_MARK_SLOT | VMS_MARK_NODE))
			sh->slot[idx] = vms_shadow_copy_slot(&s->region, idx);
		if (sh->node[idx])
			bitmap_zero(sh->node[idx]->changed, VMS_NR_ENTRIES);
	}
	list_for_each_entry_safe(seen, next, &t->gathers, touched)
		list_del_init(&seen->touched);
	for (k = 0; k < s->tlb.model->nr; k++)
		s->tlb.model->mapping[k].fresh = false;
	vms_touch_clear(t);
}

static void vms_shadow_touch_gather(struct vms_store *s, struct vms_gather *g)
{
	/* One made in mode off has no copy yet */
	if (!g->seen && vms_gather_watch(g, s->region.touch)) {
		s->inv->shadow->valid = false;
		return;
	}
	g->seen->nr = 0;
	vms_gather_touch(g);
}

static void vms_shadow_touch_gathers(struct vms_store *s)
{
	struct vms_gather *g;
	struct vms_cursor *c;
	unsigned long id;

	list_for_each_entry(g, &s->left, link)
		vms_shadow_touch_gather(s, g);
	xa_for_each(&s->cursors.xa, id, c)
		if (c->gather)
			vms_shadow_touch_gather(s, c->gather);
}

/**
 * vms_shadow_rebuild - make the shadow anew from the store as it is
 * @s: store with no operation in flight, that was just found in order
 *
 * It stays invalid if memory is lacking. May sleep.
 */
void vms_shadow_rebuild(struct vms_store *s)
{
	const struct vms_node_copy kernel = {
		.level = VMS_NR_LEVELS - 1,
		.parent = VMS_NO_SLOT,
	};
	struct vms_shadow *sh = s->inv->shadow;
	unsigned long id;
	void *entry;
	int reg;
	u32 idx;

	vms_shadow_free_nodes(s);
	memset(sh->recount, 0, s->region.nr_slots * sizeof(*sh->recount));
	sh->valid = true;
	for (idx = 0; idx < s->region.nr_slots; idx++)
		sh->slot[idx] = vms_shadow_copy_slot(&s->region, idx);
	for (reg = 0; reg < VMS_SHADOW_NR; reg++) {
		xa_destroy(&sh->word[reg]);
		sh->nr[reg] = 0;
		xa_for_each(&vms_shadow_registry(s, reg)->xa, id, entry)
			vms_shadow_id_add(s, reg, id);
		cond_resched();
	}
	vms_shadow_count_root(s, s->kernel_pt.root, 0, 1);
	vms_shadow_add_node(s, s->kernel.top, &kernel);
	vms_shadow_touch_gathers(s);
	vms_shadow_gathers_add(s);
	vms_shadow_commit(s);
}

/**
 * vms_shadow_subject - where a node is
 * @s: store
 * @idx: slot of a node that has a copy and is not gathered
 * @sub: out: as for a clause of scope NODE
 */
void vms_shadow_subject(struct vms_store *s, u32 idx, struct vms_subject *sub)
{
	const struct vms_shadow *sh = s->inv->shadow;
	const struct vms_node_copy *node = sh->node[idx];
	const struct vms_node_copy *up = node;
	u32 top = idx;
	int l;

	*sub = (struct vms_subject) {
		.slot = idx,
		.id = node->space,
		.space = node->space ? xa_load(&s->spaces.xa, node->space) : NULL,
		.level = node->level,
		.parent = node->parent,
	};
	/* Were it no tree, the edge that was recorded could be gone */
	for (l = node->level; up && up->parent != VMS_NO_SLOT && l < VMS_NR_LEVELS; l++) {
		sub->va += up->index * vms_page_size(up->level + 1);
		top = up->parent;
		up = sh->node[top];
	}
	if (top == s->kernel.top)
		sub->va += VMSTORE_KERNEL_BASE;
}
