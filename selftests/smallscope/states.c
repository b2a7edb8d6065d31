// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>

#include "states.h"

/* --- the set ------------------------------------------ */

static __u64 *states_slot(__u64 *keys, __u32 room, __u64 hash)
{
	__u32 i = hash & (room - 1);

	while (keys[i] && keys[i] != hash)
		i = (i + 1) & (room - 1);
	return &keys[i];
}

static void states_grow(struct states *states)
{
	__u32 room = states->room_keys ? 2 * states->room_keys : 1 << 12, i;
	__u64 *keys = calloc(room, sizeof(*keys));

	if (!keys)
		abort();
	for (i = 0; i < states->room_keys; i++)
		if (states->keys[i])
			*states_slot(keys, room, states->keys[i]) = states->keys[i];
	free(states->keys);
	states->keys = keys;
	states->room_keys = room;
}

bool states_add(struct states *states, __u64 hash)
{
	__u64 *slot;

	if (2 * states->nr_keys >= states->room_keys)
		states_grow(states);
	slot = states_slot(states->keys, states->room_keys, hash);
	if (*slot)
		return false;
	*slot = hash;
	states->nr_keys++;
	return true;
}

struct record *states_record(struct states *states, __u32 parent, __u32 depth, __u64 hash)
{
	struct record *record;

	if (states->nr == states->room) {
		states->room = states->room ? states->room + states->room / 2 : 1024;
		states->records = realloc(states->records,
					  states->room * sizeof(*states->records));
		if (!states->records)
			abort();
	}
	record = &states->records[states->nr++];
	*record = (struct record) { .parent = parent, .depth = depth, .hash = hash };
	return record;
}

void states_free(struct states *states)
{
	free(states->keys);
	free(states->records);
	memset(states, 0, sizeof(*states));
}

/* --- the hash ------------------------------------------ */

#define ELSEWHERE	(~0ULL)

static __u64 mix(__u64 h, __u64 x)
{
	h += 0x9e3779b97f4a7c15ULL + x;
	h = (h ^ h >> 30) * 0xbf58476d1ce4e5b9ULL;
	h = (h ^ h >> 27) * 0x94d049bb133111ebULL;
	return h ^ h >> 31;
}

static __u64 in_window(const struct part *part, __u64 paddr)
{
	return paddr >= part->base && paddr <= part->end ? paddr - part->base : ELSEWHERE;
}

/* A frame of the window, or of the device memory that may begin where that ends */
static __u64 in_device(const struct part *part, __u64 paddr)
{
	return paddr >= part->device ? paddr - part->device + (1ULL << 48) :
				       in_window(part, paddr);
}

/* An address in the linear window moves with the frames; one in an area with that */
static __u64 in_linear(const struct part *part, const struct orc_io *io, __u64 vaddr)
{
	const struct orc_kvirt *area = orc_find(&part->s->kvirts, io->area);

	if (area)
		return vaddr - area->start;
	return io->space ? vaddr : in_window(part, vaddr - VMSTORE_KERNEL_BASE);
}

/* Elements with ids after @since are the tail */
static void *own_first(const struct part *part, const struct orc_vec *v, enum orc_id kind)
{
	return orc_at(v, orc_lower(v, part->since[kind] + 1));
}

static const char *own_end(const struct orc_vec *v)
{
	return orc_at(v, v->nr);
}

#define for_each_own(e, part, v, kind) \
	for ((e) = own_first(part, v, kind); (char *)(e) < own_end(v); (e)++)

static __u64 hash_cursors(const struct part *part, __u64 space)
{
	const struct orc_cursor *c;
	__u64 sum = 0, h;

	for_each_own(c, part, &part->s->cursors, ORC_CURSOR) {
		if (c->space != space)
			continue;
		h = mix(mix(1, c->start), c->end);
		/* Of flush requests it matters whether there may be any */
		sum += mix(mix(mix(h, c->va), c->mut), c->pending > 1);
	}
	return sum;
}

static __u64 hash_ios(const struct part *part, __u64 space, __u64 area)
{
	const struct orc_io *io;
	__u64 sum = 0, h;

	for_each_own(io, part, &part->s->ios, ORC_IO) {
		if (io->space != space || io->area != area)
			continue;
		h = mix(mix(2, in_linear(part, io, io->vaddr)), io->len);
		h = mix(mix(h, io->cursor - io->vaddr), io->end - io->vaddr);
		sum += mix(h, io->writer);
	}
	return sum;
}

static __u64 hash_space(const struct part *part, const struct orc_space *space)
{
	__u64 h = mix(mix(3, !!space->active), space->nodes);
	const struct orc_leaf *leaf;

	orc_for_each(leaf, &space->leaves) {
		h = mix(mix(h, leaf->va), in_window(part, leaf->paddr));
		h = mix(h, leaf->prop.flags | leaf->prop.cache << 8 | leaf->prop.priv << 16);
	}
	return mix(mix(h, hash_cursors(part, space->id)), hash_ios(part, space->id, 0));
}

/* Wherever it is */
static __u64 hash_area(const struct part *part, const struct orc_kvirt *area)
{
	__u64 h = mix(8, area->end - area->start);
	const struct orc_leaf *leaf;

	orc_for_each(leaf, &area->leaves) {
		h = mix(mix(h, leaf->va - area->start), in_device(part, leaf->paddr));
		h = mix(mix(h, leaf->level), leaf->prop.flags | leaf->prop.cache << 8 |
			leaf->prop.priv << 16);
	}
	return mix(h, hash_ios(part, 0, area->id));
}

static __u64 hash_list(const struct part *part, const struct orc_list *l)
{
	__u64 h = mix(mix(mix(7, !!l->tag), l->cursor), l->index), n;

	for (n = 0; n < l->nr; n++)
		h = mix(h, in_window(part, l->paddr[n]));
	return h;
}

__u64 part_hash(const struct part *part)
{
	const struct orc_kvirt *area;
	const struct orc_segment *seg;
	const struct orc_unique *u;
	const struct orc_frame *f;
	const struct orc_space *space;
	const struct orc_list *l;
	__u64 sum = 0;

	for_each_own(f, part, &part->s->frames, ORC_FRAME)
		sum += mix(4, in_window(part, f->paddr));
	for_each_own(u, part, &part->s->uniques, ORC_UNIQUE)
		sum += mix(5, in_window(part, u->paddr));
	for_each_own(seg, part, &part->s->segments, ORC_SEGMENT)
		sum += mix(mix(6, in_window(part, seg->start)), in_window(part, seg->end));
	for_each_own(space, part, &part->s->spaces, ORC_SPACE)
		sum += hash_space(part, space);
	for_each_own(l, part, &part->s->lists, ORC_LIST)
		sum += hash_list(part, l);
	for_each_own(area, part, &part->s->kvirts, ORC_KVIRT)
		sum += hash_area(part, area);
	return mix(sum, hash_ios(part, 0, 0)) | 1;
}

/* --- limits ------------------------------------------ */

static __u32 count(const struct part *part, const struct orc_vec *v, enum orc_id kind)
{
	return v->nr - orc_lower(v, part->since[kind] + 1);
}

static bool frames_within(const struct part *part, const struct limits *limits)
{
	const struct orc_frame *f, *other;

	for_each_own(f, part, &part->s->frames, ORC_FRAME) {
		__u32 nr = 0;

		if (in_window(part, f->paddr) == ELSEWHERE)
			return false;
		for_each_own(other, part, &part->s->frames, ORC_FRAME)
			nr += other->paddr == f->paddr;
		if (nr > limits->per_frame)
			return false;
	}
	return count(part, &part->s->frames, ORC_FRAME) +
	       count(part, &part->s->uniques, ORC_UNIQUE) <= limits->frames;
}

bool part_within(const struct part *part, const struct limits *limits)
{
	return count(part, &part->s->spaces, ORC_SPACE) <= limits->spaces &&
	       count(part, &part->s->cursors, ORC_CURSOR) <= limits->cursors &&
	       count(part, &part->s->uniques, ORC_UNIQUE) <= limits->uniques &&
	       count(part, &part->s->segments, ORC_SEGMENT) <= limits->segments &&
	       count(part, &part->s->ios, ORC_IO) <= limits->ios &&
	       count(part, &part->s->lists, ORC_LIST) <= limits->lists &&
	       count(part, &part->s->kvirts, ORC_KVIRT) <= limits->areas &&
	       frames_within(part, limits);
}
