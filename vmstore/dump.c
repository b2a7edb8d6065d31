// SPDX-License-Identifier: GPL-2.0-only
/*
 * State for people and the oracle. A section is written record by record until the
 * buffer is full; then pos says where the first record that found no room begins, and
 * the next call goes on there. Records are the same however small the buffer is.
 */

#include <linux/kernel.h>
#include <linux/nospec.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "dump.h"

#define VMS_DUMP_LAST		U64_MAX		/* pos[0] of what comes after all ids */

/* Return: false when there is no room; then the section goes on from @pos0, @pos1 */
static bool vms_dump_put(struct vms_dump_out *out, const void *rec, size_t size,
			 u64 pos0, u64 pos1)
{
	if (out->len - out->used < size) {
		out->more = true;
		out->pos[0] = pos0;
		out->pos[1] = pos1;
		return false;
	}
	memcpy(out->buf + out->used, rec, size);
	out->used += size;
	return true;
}

/* --- registries ---------------------------------------------------------------- */

static void vms_dump_spaces(struct vms_store *s, struct vms_dump_out *out)
{
	struct vms_space *space;
	unsigned long id;

	xa_for_each_start(&s->spaces.xa, id, space, out->pos[0]) {
		struct vmstore_rec_space rec = {
			.id = id,
			.root = vms_slot_paddr(space->pt.root),
			.cursors = atomic_read(&space->cursors),
		};

		bitmap_to_arr64(&rec.active, space->pt.mroot.active.bits, 64);
		if (!vms_dump_put(out, &rec, sizeof(rec), id, 0))
			return;
	}
}

static void vms_dump_cursors(struct vms_store *s, struct vms_dump_out *out)
{
	struct vms_cursor *c;
	unsigned long id;

	xa_for_each_start(&s->cursors.xa, id, c, out->pos[0]) {
		struct vmstore_rec_cursor rec = {
			.id = id,
			.space = c->space->id,
			.start = c->start,
			.end = c->end,
			.va = c->pos.va,
			.mut = c->mut,
			.level = c->pos.level,
			.guard_level = c->guard_level,
		};

		if (c->gather) {
			rec.gathered = c->gather->nr;
			rec.pending = c->gather->pending.nr + c->gather->pending.all;
		}
		if (!vms_dump_put(out, &rec, sizeof(rec), id, 0))
			return;
	}
}

static void vms_dump_frames(struct vms_store *s, struct vms_dump_out *out)
{
	unsigned long id;
	void *entry;

	xa_for_each_start(&s->frames.xa, id, entry, out->pos[0]) {
		const struct vmstore_rec_frame rec = {
			.id = id,
			.paddr = vms_slot_paddr(vms_frame_entry_slot(entry)),
		};

		if (!vms_dump_put(out, &rec, sizeof(rec), id, 0))
			return;
	}
}

/* --- slots ----------------------------------------------------------------------- */

static void vms_dump_slot_rec(const struct vms_slot *slot, struct vmstore_rec_slots *rec)
{
	*rec = (struct vmstore_rec_slots) {
		.rc = atomic64_read(&slot->rc),
		.paths = atomic64_read(&slot->paths),
		.in_list = slot->in_list,
		.usage = slot->usage,
		.storage = slot->storage,
		.type = slot->type != VMS_TYPE_NONE,
	};
	if (slot->type != VMS_TYPE_NODE)
		return;
	rec->level = slot->node.level;
	rec->nr_children = slot->node.nr_children;
	rec->stray = slot->node.stray;
	rec->owner = slot->node.owner;
}

static void vms_dump_slots(struct vms_store *s, struct vms_dump_out *out)
{
	const struct vms_region *r = &s->region;
	struct vmstore_rec_slots rec, next;
	u64 first = out->pos[0];

	if (first >= r->nr_slots)
		return;
	first = array_index_nospec(first, r->nr_slots);
	while (first < r->nr_slots) {
		u64 n = 1;

		vms_dump_slot_rec(&r->slots[first], &rec);
		while (r->slots[first].type != VMS_TYPE_NODE && first + n < r->nr_slots) {
			vms_dump_slot_rec(&r->slots[first + n], &next);
			if (r->slots[first + n].type == VMS_TYPE_NODE ||
			    memcmp(&rec, &next, sizeof(rec)))
				break;
			n++;
		}
		rec.paddr = vms_slot_paddr(first);
		rec.nr = n;
		if (!vms_dump_put(out, &rec, sizeof(rec), first, 0))
			return;
		first += n;
		cond_resched();
	}
}

/* --- tables ------------------------------------------------------------------------ */

/**
 * struct vms_dump_walk - a walk of all tables, in order of spaces and addresses
 * @s: store
 * @out: where records go
 * @space: id of the space being walked, 0 = kernel half
 * @from: where to begin in this space
 * @run: leaves that are one record so far, if nr is not 0
 * @node: called before the entries of a node
 * @leaf: called for a leaf
 *
 * Both return false when there is no room. A subtree that ends before @from is skipped.
 */
struct vms_dump_walk {
	struct vms_store *s;
	struct vms_dump_out *out;
	u64 space;
	u64 from;
	struct vmstore_rec_leaves run;
	bool (*node)(struct vms_dump_walk *w, u32 node, int level, u64 va);
	bool (*leaf)(struct vms_dump_walk *w, u64 pte, int level, u64 va);
};

/* pos[0] of the space being walked */
static u64 vms_dump_where(const struct vms_dump_walk *w)
{
	return w->space ?: VMS_DUMP_LAST;
}

/* The store may be frozen for what its tables are like: follow nothing but nodes */
static bool vms_dump_child(struct vms_dump_walk *w, u64 pte, int level, u32 *child)
{
	const struct vms_region *r = &w->s->region;

	return level > 1 && !vms_region_slot_of_pa(r, vms_pte_pa(pte), child) &&
	       r->slots[*child].usage == VMSTORE_USAGE_PAGETABLE;
}

/* Return: false when there is no room */
static bool vms_dump_tree(struct vms_dump_walk *w, u32 node, int level, u64 va)
{
	unsigned int end = level == VMS_NR_LEVELS ? VMS_USER_ROOT_ENTRIES : VMS_NR_ENTRIES;
	unsigned int i = node == w->s->kernel.top ? VMS_LINEAR_ENTRIES : 0;
	u64 from = vms_span_start(w->from, 1);
	u64 size = vms_page_size(level);
	u32 child;

	if (w->node && !w->node(w, node, level, va))
		return false;
	if (from >= va + i * size)
		i = vms_pte_index(from, level);
	for (; i < end; i++) {
		u64 pte = vms_node_read(&w->s->region, node, i);
		u64 at = va + i * size;
		bool room = true;

		switch (vms_pte_kind(pte)) {
		case VMS_ENTRY_NONE:
			break;
		case VMS_ENTRY_TABLE:
			if (vms_dump_child(w, pte, level, &child))
				room = vms_dump_tree(w, child, level - 1, at);
			break;
		case VMS_ENTRY_LEAF:
			room = !w->leaf || w->leaf(w, pte, level, at);
			break;
		}
		if (!room)
			return false;
	}
	cond_resched();
	return true;
}

/* Write the run out */
static bool vms_dump_run(struct vms_dump_walk *w)
{
	if (w->run.nr && !vms_dump_put(w->out, &w->run, sizeof(w->run), vms_dump_where(w),
				       w->run.va))
		return false;
	w->run.nr = 0;
	return true;
}

static void vms_dump_tables(struct vms_dump_walk *w)
{
	struct vms_store *s = w->s;
	u64 first = w->out->pos[0];
	struct vms_space *space;
	unsigned long id;

	if (first != VMS_DUMP_LAST) {
		xa_for_each_start(&s->spaces.xa, id, space, first) {
			w->space = id;
			w->from = id == first ? w->out->pos[1] : 0;
			if (!vms_dump_tree(w, space->pt.root, VMS_NR_LEVELS, 0) ||
			    !vms_dump_run(w))
				return;
		}
	}
	w->space = 0;
	w->from = first == VMS_DUMP_LAST ? w->out->pos[1] : 0;
	if (vms_dump_tree(w, s->kernel.top, VMS_NR_LEVELS - 1, VMSTORE_KERNEL_BASE))
		vms_dump_run(w);
}

/* Of two nodes with one address the upper one comes first, so this only grows */
static u64 vms_dump_node_key(int level, u64 va)
{
	return va + VMS_NR_LEVELS - level;
}

static bool vms_dump_node(struct vms_dump_walk *w, u32 node, int level, u64 va)
{
	const struct vms_node_meta *meta = vms_node(&w->s->region, node);
	const struct vmstore_rec_node rec = {
		.space = w->space,
		.va = va,
		.paddr = vms_slot_paddr(node),
		.owner = meta->owner,
		.level = level,
		.nr_children = meta->nr_children,
	};
	u64 key = vms_dump_node_key(level, va);

	return key < w->from ||
	       vms_dump_put(w->out, &rec, sizeof(rec), vms_dump_where(w), key);
}

static void vms_dump_nodes(struct vms_store *s, struct vms_dump_out *out)
{
	struct vms_dump_walk w = { .s = s, .out = out, .node = vms_dump_node };

	vms_dump_tables(&w);
}

/* Does @leaf go on where @run ends? */
static bool vms_dump_extends(const struct vmstore_rec_leaves *run,
			     const struct vmstore_rec_leaves *leaf)
{
	u64 size = run->nr * vms_page_size(leaf->level);

	return run->nr && leaf->level == run->level && leaf->va == run->va + size &&
	       leaf->paddr == run->paddr + size &&
	       !memcmp(&leaf->prop, &run->prop, sizeof(run->prop));
}

static bool vms_dump_leaf(struct vms_dump_walk *w, u64 pte, int level, u64 va)
{
	struct vmstore_rec_leaves leaf = {
		.space = w->space,
		.va = va,
		.nr = 1,
		.prop = vms_pte_prop(pte),
		.level = level,
	};
	u32 idx;

	/* Of a leaf that is not the region's not even the machine address is told */
	if (vms_region_slot_of_pa(&w->s->region, vms_pte_pa(pte), &idx))
		leaf.paddr = U64_MAX;
	else
		leaf.paddr = vms_slot_paddr(idx);

	if (vms_dump_extends(&w->run, &leaf)) {
		w->run.nr++;
		return true;
	}
	if (!vms_dump_run(w))
		return false;
	w->run = leaf;
	return true;
}

static void vms_dump_leaves(struct vms_store *s, struct vms_dump_out *out)
{
	struct vms_dump_walk w = { .s = s, .out = out, .leaf = vms_dump_leaf };

	vms_dump_tables(&w);
}

/* --- gathers ------------------------------------------------------------------------ */

/*
 * The entries of @g, which are number @base and up of what has pos[0] @where, without
 * those below number @from. Return: false when there is no room.
 */
static bool vms_dump_gather(struct vms_store *s, struct vms_dump_out *out,
			    const struct vms_gather *g, u64 where, u64 base, u64 from)
{
	bool flushed = vms_flush_empty(&g->pending) && vms_tlb_flushed(&s->tlb, g);
	u32 i;

	for (i = 0; i < g->nr; i++) {
		const struct vmstore_rec_gathered rec = {
			.space = g->space,
			.cursor = g->cursor,
			.paddr = vms_slot_paddr(g->entry[i].slot),
			.node = g->entry[i].node,
			.flushed = flushed,
		};

		if (base + i < from)
			continue;
		if (!vms_dump_put(out, &rec, sizeof(rec), where, base + i))
			return false;
	}
	return true;
}

/* Gathers of cursors by their id, then those whose cursor is gone as one sequence */
static void vms_dump_tlb(struct vms_store *s, struct vms_dump_out *out)
{
	u64 first = out->pos[0];
	u64 base = 0;
	struct vms_gather *g;
	struct vms_cursor *c;
	unsigned long id;

	if (first != VMS_DUMP_LAST) {
		xa_for_each_start(&s->cursors.xa, id, c, first) {
			u64 from = id == first ? out->pos[1] : 0;

			if (c->gather && !vms_dump_gather(s, out, c->gather, id, 0, from))
				return;
		}
	}
	list_for_each_entry(g, &s->left, link) {
		u64 from = first == VMS_DUMP_LAST ? out->pos[1] : 0;

		if (!vms_dump_gather(s, out, g, VMS_DUMP_LAST, base, from))
			return;
		base += g->nr;
	}
}

/* --- the sections --------------------------------------------------------------------- */

/**
 * struct vms_dump_section - one section
 * @rec_size: size of its records
 * @run: writes records from out->pos on
 */
struct vms_dump_section {
	size_t rec_size;
	void (*run)(struct vms_store *s, struct vms_dump_out *out);
};

static const struct vms_dump_section vms_dump_sections[] = {
	[VMSTORE_DUMP_SPACES] = { sizeof(struct vmstore_rec_space), vms_dump_spaces },
	[VMSTORE_DUMP_CURSORS] = { sizeof(struct vmstore_rec_cursor), vms_dump_cursors },
	[VMSTORE_DUMP_FRAMES] = { sizeof(struct vmstore_rec_frame), vms_dump_frames },
	[VMSTORE_DUMP_SLOTS] = { sizeof(struct vmstore_rec_slots), vms_dump_slots },
	[VMSTORE_DUMP_NODES] = { sizeof(struct vmstore_rec_node), vms_dump_nodes },
	[VMSTORE_DUMP_LEAVES] = { sizeof(struct vmstore_rec_leaves), vms_dump_leaves },
	[VMSTORE_DUMP_TLB] = { sizeof(struct vmstore_rec_gathered), vms_dump_tlb },
};

static const struct vms_dump_section *vms_dump_find(u32 section)
{
	if (section >= ARRAY_SIZE(vms_dump_sections))
		return NULL;
	section = array_index_nospec(section, ARRAY_SIZE(vms_dump_sections));
	return vms_dump_sections[section].run ? &vms_dump_sections[section] : NULL;
}

/**
 * vms_dump_rec_size - size of the records of a section
 * @section: enum vmstore_section, from a caller
 *
 * Return: bytes, or 0 when there is no such section.
 */
size_t vms_dump_rec_size(u32 section)
{
	const struct vms_dump_section *sec = vms_dump_find(section);

	return sec ? sec->rec_size : 0;
}

/**
 * vms_dump - write a section, or as much of it as there is room for
 * @s: ready store with no operation in flight; the caller holds its locks
 * @section: enum vmstore_section, from a caller
 * @out: buf, len with room for one record at least, and pos set: 0, or what the call
 *	before left there
 *
 * No kernel pointer and no machine address is written. May sleep.
 *
 * Return: 0, or -EINVAL: no such section, or no room for one record.
 */
int vms_dump(struct vms_store *s, u32 section, struct vms_dump_out *out)
{
	const struct vms_dump_section *sec = vms_dump_find(section);

	if (!sec || out->len < sec->rec_size)
		return -EINVAL;
	out->used = 0;
	out->more = false;
	sec->run(s, out);
	return 0;
}
