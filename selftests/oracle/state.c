// SPDX-License-Identifier: GPL-2.0-only
/* The state: life, slots, content of frames, canonical hash, invariant. */

#include <stdio.h>
#include <stdlib.h>

#include "model.h"

/* --- content of frames --------------------------------------------------------------- */

/* Of what nothing is known. Never written, never freed. */
static struct orc_page orc_unknown = { .refs = 1 };

void orc_page_get(struct orc_page *page)
{
	if (page && page != &orc_unknown)
		page->refs++;
}

void orc_page_put(struct orc_page *page)
{
	if (page && page != &orc_unknown && !--page->refs)
		free(page);
}

static void orc_set_page(struct orc_state *s, __u64 paddr, struct orc_page *page)
{
	struct orc_slot *slot = orc_slot(s, paddr);

	orc_page_put(slot->page);
	slot->page = page;
}

/* orc_zero - the frame is zero now */
void orc_zero(struct orc_state *s, __u64 paddr)
{
	orc_set_page(s, paddr, NULL);
}

/* orc_forget - nothing is known of the frame any more */
void orc_forget(struct orc_state *s, __u64 paddr)
{
	orc_set_page(s, paddr, &orc_unknown);
}

/* orc_forget_free - nor of any frame without users */
void orc_forget_free(struct orc_state *s)
{
	__u64 i;

	for (i = 0; i < s->config.first_mmio; i++) {
		const struct orc_slot *slot = orc_peek(s, i * ORC_PAGE);

		if (!slot || (!orc_users(slot) && !slot->uniques))
			orc_forget(s, i * ORC_PAGE);
	}
}

/* The page of @paddr, for its own use */
static struct orc_page *orc_own_page(struct orc_state *s, __u64 paddr)
{
	struct orc_slot *slot = orc_slot(s, paddr);
	struct orc_page *page = slot->page;

	if (page && page != &orc_unknown && page->refs == 1)
		return page;
	page = calloc(1, sizeof(*page));
	if (!page)
		abort();
	if (slot->page)
		memcpy(page, slot->page, sizeof(*page));
	else
		memset(page->known, 0xff, sizeof(page->known));
	page->refs = 1;
	orc_page_put(slot->page);
	slot->page = page;
	return page;
}

static bool orc_known(const struct orc_page *page, size_t at)
{
	return page->known[at / 8] & (1 << at % 8);
}

/* orc_store - write bytes that do not cross a page */
void orc_store(struct orc_state *s, __u64 paddr, const void *bytes, size_t len)
{
	struct orc_page *page = orc_own_page(s, paddr);
	size_t at = paddr % ORC_PAGE, i;

	memcpy(page->data + at, bytes, len);
	for (i = at; i < at + len; i++)
		page->known[i / 8] |= 1 << i % 8;
}

/* orc_blur - bytes that do not cross a page may have been written or not */
void orc_blur(struct orc_state *s, __u64 paddr, size_t len)
{
	struct orc_page *page = orc_own_page(s, paddr);
	size_t at = paddr % ORC_PAGE, i;

	for (i = at; i < at + len; i++)
		page->known[i / 8] &= ~(1 << i % 8);
}

/* orc_holds - may the frame have these bytes? They do not cross a page */
bool orc_holds(const struct orc_state *s, __u64 paddr, const void *bytes, size_t len)
{
	const struct orc_slot *slot = orc_peek(s, paddr);
	const __u8 *b = bytes;
	size_t at = paddr % ORC_PAGE, i;

	for (i = 0; i < len; i++) {
		if (!slot || !slot->page) {
			if (b[i])
				return false;
		} else if (orc_known(slot->page, at + i) && slot->page->data[at + i] != b[i]) {
			return false;
		}
	}
	return true;
}

/* orc_load - the bytes and for each whether it is known; true when all are */
bool orc_load(const struct orc_state *s, __u64 paddr, void *bytes, __u8 *known, size_t len)
{
	const struct orc_slot *slot = orc_peek(s, paddr);
	size_t at = paddr % ORC_PAGE, i;
	bool all = true;

	if (!slot || !slot->page) {
		memset(bytes, 0, len);
		memset(known, 1, len);
		return true;
	}
	memcpy(bytes, slot->page->data + at, len);
	for (i = 0; i < len; i++) {
		known[i] = orc_known(slot->page, at + i);
		all &= known[i];
	}
	return all;
}

/* --- slots --------------------------------------------------------------------------- */

/* orc_slot - the slot of a paddr of the region, to be changed */
struct orc_slot *orc_slot(struct orc_state *s, __u64 paddr)
{
	__u64 index = paddr / ORC_PAGE;
	struct orc_slot *slot = orc_find(&s->slots, index);

	if (slot)
		return slot;
	slot = orc_add(&s->slots, index);
	slot->usage = index >= s->config.first_mmio ? VMSTORE_USAGE_MMIO :
		      VMSTORE_USAGE_UNUSED;
	return slot;
}

/* orc_peek - the slot of a paddr, or NULL when it is as SETUP left it */
const struct orc_slot *orc_peek(const struct orc_state *s, __u64 paddr)
{
	return orc_find(&s->slots, paddr / ORC_PAGE);
}

static bool orc_slot_in_use(const struct orc_slot *slot)
{
	return orc_users(slot) || slot->uniques;
}

/* orc_count - add @by to a count; see ORC_COUNT() */
void orc_count(struct orc_state *s, __u64 paddr, size_t field, int by)
{
	struct orc_slot *slot = orc_slot(s, paddr);
	__u32 *count = (__u32 *)((char *)slot + field);
	bool was = orc_slot_in_use(slot);

	*count += by;
	s->in_use += orc_slot_in_use(slot) - was;
}

/* orc_free_slots - slots that are free once everything gathered is released */
__u64 orc_free_slots(const struct orc_state *s)
{
	return s->config.first_mmio - s->in_use - s->nodes;
}

/* orc_free_even - of the even ones as many at least are free then */
__u64 orc_free_even(const struct orc_state *s)
{
	__u64 nr = (s->config.first_mmio + 1) / 2;
	const struct orc_slot *slot;

	orc_for_each(slot, &s->slots)
		if (!(slot->index % 2) && (orc_slot_in_use(slot) ||
					   (slot->node && !s->moved)))
			nr--;
	/* Where the nodes are is not known */
	if (s->moved)
		nr = nr > s->nodes ? nr - s->nodes : 0;
	return nr;
}

/*
 * orc_reaped - everything gathered has been released
 * @s: state
 * @sure: by REAP; else only if there was anything
 */
void orc_reaped(struct orc_state *s, bool sure)
{
	struct orc_space *space;
	struct orc_cursor *c;
	struct orc_slot *slot;
	__u32 i;

	orc_for_each(slot, &s->slots)
		slot->gathered = 0;
	s->moved |= s->strays;
	s->strays = 0;
	/* All that was issued has been dispatched and flushed */
	orc_for_each(c, &s->cursors)
		if (sure)
			c->pending = 1;
	orc_for_each(space, &s->spaces)
		for (i = space->stale.nr; i--;) {
			struct orc_stale *stale = orc_at(&space->stale, i);

			if (stale->state != ORC_CHANGED && (sure || stale->held))
				orc_del(&space->stale, stale);
		}
}

/* --- life ---------------------------------------------------------------------------- */

struct orc_state *orc_new(const struct orc_config *config)
{
	struct orc_state *s = calloc(1, sizeof(*s));

	if (!s)
		abort();
	s->config = *config;
	orc_vec_init(&s->frames, sizeof(struct orc_frame));
	orc_vec_init(&s->segments, sizeof(struct orc_segment));
	orc_vec_init(&s->uniques, sizeof(struct orc_unique));
	orc_vec_init(&s->spaces, sizeof(struct orc_space));
	orc_vec_init(&s->cursors, sizeof(struct orc_cursor));
	orc_vec_init(&s->ios, sizeof(struct orc_io));
	orc_vec_init(&s->lists, sizeof(struct orc_list));
	orc_vec_init(&s->kvirts, sizeof(struct orc_kvirt));
	orc_vec_init(&s->slots, sizeof(struct orc_slot));
	s->moved = true;
	return s;
}

struct orc_state *orc_clone(const struct orc_state *s)
{
	struct orc_state *c = malloc(sizeof(*c));
	const struct orc_kvirt *from_area;
	const struct orc_space *from;
	struct orc_kvirt *area;
	struct orc_space *space;
	struct orc_slot *slot;
	struct orc_list *list;

	if (!c)
		abort();
	*c = *s;
	orc_vec_copy(&c->frames, &s->frames);
	orc_vec_copy(&c->segments, &s->segments);
	orc_vec_copy(&c->uniques, &s->uniques);
	orc_vec_copy(&c->spaces, &s->spaces);
	orc_vec_copy(&c->cursors, &s->cursors);
	orc_vec_copy(&c->ios, &s->ios);
	orc_vec_copy(&c->lists, &s->lists);
	orc_for_each(list, &c->lists)
		orc_list_copied(list);
	orc_vec_copy(&c->kvirts, &s->kvirts);
	orc_vec_copy(&c->slots, &s->slots);
	from = (void *)s->spaces.data;
	orc_for_each(space, &c->spaces) {
		orc_vec_copy(&space->leaves, &from->leaves);
		orc_vec_copy(&space->stale, &from->stale);
		from++;
	}
	from_area = (void *)s->kvirts.data;
	orc_for_each(area, &c->kvirts)
		orc_vec_copy(&area->leaves, &from_area++->leaves);
	orc_for_each(slot, &c->slots)
		orc_page_get(slot->page);
	return c;
}

void orc_free(struct orc_state *s)
{
	struct orc_kvirt *area;
	struct orc_space *space;
	struct orc_slot *slot;
	struct orc_list *list;

	if (!s)
		return;
	orc_for_each(list, &s->lists)
		free(list->paddr);
	orc_for_each(space, &s->spaces) {
		orc_vec_free(&space->leaves);
		orc_vec_free(&space->stale);
	}
	orc_for_each(area, &s->kvirts)
		orc_vec_free(&area->leaves);
	orc_for_each(slot, &s->slots)
		orc_page_put(slot->page);
	orc_vec_free(&s->frames);
	orc_vec_free(&s->segments);
	orc_vec_free(&s->uniques);
	orc_vec_free(&s->spaces);
	orc_vec_free(&s->cursors);
	orc_vec_free(&s->ios);
	orc_vec_free(&s->lists);
	orc_vec_free(&s->kvirts);
	orc_vec_free(&s->slots);
	free(s);
}

/* --- hash ---------------------------------------------------------------------------- */

/*
 * Of a set the sum of the hashes of its elements: no order. Cursors, readers and
 * writers belong to one space and are part of its hash, so that no id is needed.
 */
struct orc_hasher {
	__u64 h;
};

static __u64 orc_mix(__u64 x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

static void orc_put(struct orc_hasher *h, __u64 x)
{
	h->h = orc_mix(h->h + 0x9e3779b97f4a7c15ULL + x);
}

static __u64 orc_prop_word(struct vmstore_prop prop)
{
	return prop.flags | prop.cache << 8 | prop.priv << 16;
}

static __u64 orc_hash_cursors(const struct orc_state *s, __u64 space, __u64 seed,
			      unsigned int what)
{
	const struct orc_cursor *c;
	__u64 sum = 0;

	orc_for_each(c, &s->cursors) {
		struct orc_hasher h = { seed + 1 };

		if (c->space != space)
			continue;
		orc_put(&h, c->start);
		orc_put(&h, c->end);
		orc_put(&h, c->va);
		orc_put(&h, c->mut);
		if (what & ORC_HASH_TLB) {
			orc_put(&h, c->pending);
			orc_put(&h, c->asked);
		}
		sum += h.h;
	}
	return sum;
}

/* Those of a space, of a kernel area, or of the linear window; addresses from @base on */
static __u64 orc_hash_ios(const struct orc_state *s, __u64 space, __u64 area, __u64 base,
			  __u64 seed)
{
	const struct orc_io *io;
	__u64 sum = 0;

	orc_for_each(io, &s->ios) {
		struct orc_hasher h = { seed + 2 };

		if (io->space != space || io->area != area)
			continue;
		orc_put(&h, io->vaddr - base);
		orc_put(&h, io->len);
		orc_put(&h, io->cursor - base);
		orc_put(&h, io->end - base);
		orc_put(&h, io->writer);
		sum += h.h;
	}
	return sum;
}

static __u64 orc_hash_space(const struct orc_state *s, const struct orc_space *space,
			    __u64 seed, unsigned int what)
{
	struct orc_hasher h = { seed + 3 };
	const struct orc_stale *stale;
	const struct orc_cursor *c;
	const struct orc_leaf *leaf;
	__u64 sum = 0;

	orc_put(&h, space->active);
	if (what & ORC_HASH_NODES)
		orc_put(&h, space->nodes);
	orc_for_each(leaf, &space->leaves) {
		orc_put(&h, leaf->va);
		orc_put(&h, leaf->paddr);
		orc_put(&h, orc_prop_word(leaf->prop));
		if (what & ORC_HASH_TLB)
			orc_put(&h, leaf->must << 8 | leaf->may);
	}
	if (what & ORC_HASH_TLB)
		orc_for_each(stale, &space->stale) {
			struct orc_hasher one = { seed + 4 };

			orc_put(&one, stale->va);
			orc_put(&one, stale->paddr);
			orc_put(&one, stale->cpus);
			orc_put(&one, stale->len);
			orc_put(&one, stale->write << 3 | stale->held << 2 | stale->state);
			/* Which cursor it is does not count, but where that is */
			c = stale->state == ORC_CHANGED ? NULL :
			    orc_find(&s->cursors, stale->cursor);
			orc_put(&one, c ? c->start + 1 : 0);
			sum += one.h;
		}
	orc_put(&h, sum);
	orc_put(&h, orc_hash_cursors(s, space->id, seed, what));
	orc_put(&h, orc_hash_ios(s, space->id, 0, 0, seed));
	return h.h;
}

/* Where an area is does not count */
static __u64 orc_hash_kvirt(const struct orc_state *s, const struct orc_kvirt *area,
			    __u64 seed, unsigned int what)
{
	struct orc_hasher h = { seed + 8 };
	const struct orc_leaf *leaf;

	orc_put(&h, area->end - area->start);
	orc_for_each(leaf, &area->leaves) {
		orc_put(&h, leaf->va - area->start);
		orc_put(&h, leaf->paddr);
		orc_put(&h, orc_prop_word(leaf->prop));
		orc_put(&h, leaf->level);
		if (what & ORC_HASH_TLB)
			orc_put(&h, leaf->must << 8 | leaf->may);
	}
	orc_put(&h, orc_hash_ios(s, 0, area->id, area->start, seed));
	return h.h;
}

static __u64 orc_hash_list(const struct orc_list *l, __u64 seed)
{
	struct orc_hasher h = { seed + 7 };
	__u64 n;

	orc_put(&h, !!l->tag);
	orc_put(&h, l->cursor);
	orc_put(&h, l->index);
	for (n = 0; n < l->nr; n++)
		orc_put(&h, l->paddr[n]);
	return h.h;
}

static void orc_hash_page(struct orc_hasher *h, const struct orc_page *page)
{
	__u64 word;
	size_t i;

	orc_put(h, !!page);
	if (!page)
		return;
	for (i = 0; i < sizeof(page->known); i += sizeof(word)) {
		memcpy(&word, page->known + i, sizeof(word));
		orc_put(h, word);
	}
	for (i = 0; i < sizeof(page->data); i += sizeof(word)) {
		__u8 b[sizeof(word)];
		unsigned int k;

		for (k = 0; k < sizeof(word); k++)
			b[k] = orc_known(page, i + k) ? page->data[i + k] : 0;
		memcpy(&word, b, sizeof(word));
		orc_put(h, word);
	}
}

static __u64 orc_hash_slot(const struct orc_slot *slot, __u64 seed, unsigned int what)
{
	struct orc_hasher h = { seed + 5 };

	orc_put(&h, slot->index);
	orc_put(&h, (__u64)slot->handles << 32 | slot->leaves);
	orc_put(&h, (__u64)slot->segments << 32 | slot->pins);
	orc_put(&h, slot->uniques << 8 | slot->usage);
	if (what & ORC_HASH_TLB)
		orc_put(&h, slot->gathered);
	if (what & ORC_HASH_DATA)
		orc_hash_page(&h, slot->page);
	return h.h;
}

static __u64 orc_hash_seeded(const struct orc_state *s, unsigned int what, __u64 seed)
{
	const struct orc_segment *seg;
	const struct orc_kvirt *area;
	const struct orc_space *space;
	const struct orc_slot *slot;
	const struct orc_list *list;
	struct orc_hasher h = { seed };
	__u64 sum = 0;

	orc_for_each(seg, &s->segments) {
		struct orc_hasher one = { seed + 6 };

		orc_put(&one, seg->start);
		orc_put(&one, seg->end);
		sum += one.h;
	}
	orc_put(&h, sum);
	sum = 0;
	orc_for_each(space, &s->spaces)
		sum += orc_hash_space(s, space, seed, what);
	orc_put(&h, sum);
	sum = 0;
	orc_for_each(area, &s->kvirts)
		sum += orc_hash_kvirt(s, area, seed, what);
	orc_put(&h, sum);
	sum = 0;
	/* Handles, exclusive ones too, are no more than counts of their slot */
	orc_for_each(slot, &s->slots)
		if (orc_slot_in_use(slot) || slot->gathered || what & ORC_HASH_NODES)
			sum += orc_hash_slot(slot, seed, what);
	orc_put(&h, sum);
	orc_put(&h, orc_hash_ios(s, 0, 0, 0, seed));
	sum = 0;
	orc_for_each(list, &s->lists)
		sum += orc_hash_list(list, seed);
	orc_put(&h, sum);
	if (what & ORC_HASH_TLB)
		orc_put(&h, s->strays);
	return h.h;
}

__u64 orc_hash(const struct orc_state *s, unsigned int what)
{
	return orc_hash_seeded(s, what, 0);
}

bool orc_equal(const struct orc_state *a, const struct orc_state *b, unsigned int what)
{
	return orc_hash_seeded(a, what, 0) == orc_hash_seeded(b, what, 0) &&
	       orc_hash_seeded(a, what, 0x5bd1e995) == orc_hash_seeded(b, what, 0x5bd1e995);
}

/* --- invariant ----------------------------------------------------------------------- */

/* Take everything the registries and mappings name out of a copy's counts */
static void orc_uncount(const struct orc_state *s, struct orc_state *rest)
{
	const struct orc_segment *seg;
	const struct orc_unique *unique;
	const struct orc_frame *frame;
	const struct orc_kvirt *area;
	const struct orc_space *space;
	const struct orc_list *list;
	const struct orc_leaf *leaf;
	const struct orc_io *io;
	__u64 at;

	orc_for_each(frame, &s->frames)
		ORC_COUNT(rest, frame->paddr, handles, -1);
	orc_for_each(unique, &s->uniques)
		ORC_COUNT(rest, unique->paddr, uniques, -1);
	orc_for_each(list, &s->lists)
		for (at = 0; at < list->nr; at++)
			ORC_COUNT(rest, list->paddr[at], uniques, -1);
	orc_for_each(seg, &s->segments)
		for (at = seg->start; at < seg->end; at += ORC_PAGE)
			ORC_COUNT(rest, at, segments, -1);
	orc_for_each(space, &s->spaces)
		orc_for_each(leaf, &space->leaves)
			ORC_COUNT(rest, leaf->paddr, leaves, -1);
	orc_for_each(area, &s->kvirts)
		orc_for_each(leaf, &area->leaves)
			if (orc_tracked(s, leaf))
				ORC_COUNT(rest, leaf->paddr, leaves, -1);
	orc_for_each(io, &s->ios)
		if (!io->space && !io->area && io->len)
			for (at = (io->vaddr - VMSTORE_KERNEL_BASE) & -ORC_PAGE;
			     at < io->vaddr - VMSTORE_KERNEL_BASE + io->len; at += ORC_PAGE)
				ORC_COUNT(rest, at, pins, -1);
}

static bool orc_broken(struct orc_diff *diff, const char *clause, __u64 object)
{
	snprintf(diff->text, sizeof(diff->text), "the oracle's own state: %s, object %#llx",
		 clause, object);
	return false;
}

static bool orc_inv_registries(const struct orc_state *s, struct orc_diff *diff)
{
	const struct orc_cursor *c;
	const struct orc_segment *seg;
	const struct orc_frame *frame;
	const struct orc_kvirt *area;
	const struct orc_io *io;

	orc_for_each(c, &s->cursors) {
		if (!orc_find(&s->spaces, c->space))
			return orc_broken(diff, "S8", c->id);
		if (c->va < c->start || !orc_aligned(c->va))
			return orc_broken(diff, "C1", c->id);
	}
	orc_for_each(io, &s->ios) {
		if (io->space && !orc_find(&s->spaces, io->space))
			return orc_broken(diff, "S10", io->id);
		if (io->space && io->vaddr + io->len > VMSTORE_MAX_USERSPACE_VADDR)
			return orc_broken(diff, "S11", io->id);
		if (io->cursor > io->end)
			return orc_broken(diff, "V1", io->id);
	}
	orc_for_each(frame, &s->frames)
		if (!orc_aligned(frame->paddr) || frame->paddr >= orc_region_size(s))
			return orc_broken(diff, "S12", frame->id);
	orc_for_each(seg, &s->segments)
		if (!orc_aligned(seg->start) || !orc_aligned(seg->end) ||
		    seg->start >= seg->end || seg->end > orc_region_size(s))
			return orc_broken(diff, "S16", seg->id);
	orc_for_each(area, &s->kvirts)
		if (!orc_aligned(area->start) || !orc_aligned(area->end) ||
		    area->start < VMSTORE_KVIRT_BASE || area->start > area->end ||
		    area->end > VMSTORE_KVIRT_END)
			return orc_broken(diff, "K4 to K8", area->id);
	return true;
}

/* L2, L3, L7, L8 and L11: what a list has carries its tag; that nothing else does, U2 */
static bool orc_inv_lists(const struct orc_state *s, struct orc_diff *diff)
{
	const struct orc_slot *slot;
	const struct orc_list *list;
	__u64 listed = 0, n;

	orc_for_each(list, &s->lists) {
		if (list->nr && !list->tag)
			return orc_broken(diff, "L2", list->id);
		if (list->index > (list->cursor ? list->nr : 0))
			return orc_broken(diff, list->cursor ? "L8" : "L7", list->id);
		for (n = 0; n < list->nr; n++)
			if (orc_peek(s, list->paddr[n])->tag != list->tag)
				return orc_broken(diff, "L11", list->paddr[n]);
		listed += list->nr;
	}
	orc_for_each(slot, &s->slots)
		listed -= !!slot->tag;
	return !listed || orc_broken(diff, "L11", listed);
}

static bool orc_inv_slots(const struct orc_state *s, struct orc_diff *diff)
{
	struct orc_state *rest = orc_clone(s);
	const struct orc_slot *slot, *left;
	bool ok = true;

	orc_uncount(s, rest);
	left = (void *)rest->slots.data;
	orc_for_each(slot, &s->slots) {
		if (orc_slot_in_use(left))
			ok = orc_broken(diff, "A3", slot->index);
		if (orc_slot_in_use(slot) && slot->usage != VMSTORE_USAGE_FRAME)
			ok = orc_broken(diff, "S13", slot->index);
		if (slot->uniques > 1 || (slot->uniques && orc_users(slot)))
			ok = orc_broken(diff, "U2", slot->index);
		left++;
	}
	if (rest->in_use || rest->slots.nr != s->slots.nr)
		ok = orc_broken(diff, "A3", rest->in_use);
	orc_free(rest);
	return ok;
}

bool orc_inv(const struct orc_state *s, struct orc_diff *diff)
{
	diff->text[0] = 0;
	return orc_inv_registries(s, diff) && orc_inv_lists(s, diff) && orc_inv_slots(s, diff);
}
