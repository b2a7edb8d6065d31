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
			rec.pending = vms_flush_count(&c->gather->pending);
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

static void vms_dump_segments(struct vms_store *s, struct vms_dump_out *out)
{
	unsigned long id;
	void *entry;

	xa_for_each_start(&s->segments.xa, id, entry, out->pos[0]) {
		struct vms_segment seg = vms_segment_of_entry(entry);
		const struct vmstore_rec_segment rec = {
			.id = id,
			.start = vms_segment_start(seg),
			.end = vms_segment_end(seg),
		};

		if (!vms_dump_put(out, &rec, sizeof(rec), id, 0))
			return;
	}
}

static void vms_dump_uniques(struct vms_store *s, struct vms_dump_out *out)
{
	unsigned long id;
	void *entry;

	xa_for_each_start(&s->uniques.xa, id, entry, out->pos[0]) {
		const struct vmstore_rec_unique rec = {
			.id = id,
			.paddr = vms_slot_paddr(vms_frame_entry_slot(entry)),
		};

		if (!vms_dump_put(out, &rec, sizeof(rec), id, 0))
			return;
	}
}

static void vms_dump_ios(struct vms_store *s, struct vms_dump_out *out)
{
	struct vms_io *io;
	unsigned long id;

	xa_for_each_start(&s->ios.xa, id, io, out->pos[0]) {
		const struct vmstore_rec_io rec = {
			.id = id,
			.space = io->space ? io->space->id : 0,
			.vaddr = io->vaddr,
			.len = io->len,
			.cursor = io->cursor,
			.end = io->end,
			.writer = io->writer,
		};

		if (!vms_dump_put(out, &rec, sizeof(rec), id, 0))
			return;
	}
}

static void vms_dump_kvirts(struct vms_store *s, struct vms_dump_out *out)
{
	struct vms_kvirt *area;
	unsigned long id;

	xa_for_each_start(&s->areas.xa, id, area, out->pos[0]) {
		const struct vmstore_rec_kvirt rec = {
			.id = id,
			.start = area->start,
			.end = area->end,
			.pins = atomic_read(&area->pins),
		};

		if (!vms_dump_put(out, &rec, sizeof(rec), id, 0))
			return;
	}
}

/* From link number @from on. Return: false when there is no room */
static bool vms_dump_links(struct vms_store *s, struct vms_dump_out *out, u64 id,
			   const struct vms_list *list, u64 from)
{
	struct vmstore_rec_list rec = {
		.id = id,
		.tag = list->tag,
		.nr = list->nr,
		.paddr = U64_MAX,
		.at = list->index,
		.cursor = list->out,
	};
	u32 at = list->first;

	if (at == VMS_NO_SLOT)
		return from || vms_dump_put(out, &rec, sizeof(rec), id, 0);
	/* The store may be frozen for what its links are like: no more than there are slots */
	while (at < s->region.nr_slots && rec.index < s->region.nr_slots) {
		rec.paddr = vms_slot_paddr(at);
		if (rec.index >= from && !vms_dump_put(out, &rec, sizeof(rec), id, rec.index))
			return false;
		at = s->region.slots[at].link.next;
		if (!(++rec.index % 1024))
			cond_resched();
	}
	return true;
}

static void vms_dump_lists(struct vms_store *s, struct vms_dump_out *out)
{
	u64 first = out->pos[0];
	struct vms_list *list;
	unsigned long id;

	xa_for_each_start(&s->lists.xa, id, list, first)
		if (!vms_dump_links(s, out, id, list, id == first ? out->pos[1] : 0))
			return;
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
	if (vms_dump_tree(w, s->kernel_pt.root, VMS_NR_LEVELS, 0) &&
	    vms_dump_tree(w, s->kernel.top, VMS_NR_LEVELS - 1, VMSTORE_KERNEL_BASE))
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

/* Of what is not the region's not even the machine address is told */
static u64 vms_dump_paddr(struct vms_store *s, u64 pte)
{
	u32 idx;

	if (vms_region_slot_of_pa(&s->region, vms_pte_pa(pte), &idx))
		return U64_MAX;
	return vms_slot_paddr(idx);
}

/* As callers see it: how the kernel half marks what it counts is not theirs */
static struct vmstore_prop vms_dump_prop(u64 pte, u64 space)
{
	struct vmstore_prop prop = vms_pte_prop(pte);

	if (!space)
		prop.flags &= ~VMSTORE_PROP_AVAIL1;
	return prop;
}

static bool vms_dump_leaf(struct vms_dump_walk *w, u64 pte, int level, u64 va)
{
	struct vmstore_rec_leaves leaf = {
		.space = w->space,
		.va = va,
		.paddr = vms_dump_paddr(w->s, pte),
		.nr = 1,
		.prop = vms_dump_prop(pte, w->space),
		.level = level,
	};

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

/* Where a section about gathers stands */
struct vms_dump_at {
	u64 where;		/* pos[0] */
	u64 nr;			/* records there so far */
	u64 from;		/* of these, skipped */
};

/* Return: false when there is no room */
static bool vms_dump_put_at(struct vms_dump_out *out, struct vms_dump_at *at,
			    const void *rec, size_t size)
{
	if (at->nr >= at->from && !vms_dump_put(out, rec, size, at->where, at->nr))
		return false;
	at->nr++;
	return true;
}

typedef bool (*vms_dump_gather_fn)(struct vms_store *s, struct vms_dump_out *out,
				   struct vms_dump_at *at, const struct vms_gather *g);

/* Gathers of cursors by their id, then those whose cursor is gone as one sequence */
static void vms_dump_gathers(struct vms_store *s, struct vms_dump_out *out,
			     vms_dump_gather_fn dump)
{
	u64 first = out->pos[0];
	struct vms_dump_at left = { VMS_DUMP_LAST, 0, first == VMS_DUMP_LAST ? out->pos[1] : 0 };
	struct vms_gather *g;
	struct vms_cursor *c;
	unsigned long id;

	if (first != VMS_DUMP_LAST) {
		xa_for_each_start(&s->cursors.xa, id, c, first) {
			struct vms_dump_at at = { id, 0, id == first ? out->pos[1] : 0 };

			if (c->gather && !dump(s, out, &at, c->gather))
				return;
		}
	}
	list_for_each_entry(g, &s->left, link)
		if (!dump(s, out, &left, g))
			return;
}

static bool vms_dump_gathered(struct vms_store *s, struct vms_dump_out *out,
			      struct vms_dump_at *at, const struct vms_gather *g)
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

		if (!vms_dump_put_at(out, at, &rec, sizeof(rec)))
			return false;
	}
	return true;
}

static void vms_dump_tlb(struct vms_store *s, struct vms_dump_out *out)
{
	vms_dump_gathers(s, out, vms_dump_gathered);
}

/* The requests of a queue; what they have in common is in @rec */
static bool vms_dump_requests(struct vms_dump_out *out, struct vms_dump_at *at,
			      const struct vms_flush *f, struct vmstore_rec_flush rec)
{
	u32 i;

	rec.all = f->all;
	if (f->all)
		return vms_dump_put_at(out, at, &rec, sizeof(rec));
	for (i = 0; i < f->nr; i++) {
		rec.start = f->ops[i].start;
		rec.end = f->ops[i].end;
		if (!vms_dump_put_at(out, at, &rec, sizeof(rec)))
			return false;
	}
	return true;
}

static bool vms_dump_gather_flushes(struct vms_store *s, struct vms_dump_out *out,
				    struct vms_dump_at *at, const struct vms_gather *g)
{
	struct vmstore_rec_flush rec = {
		.cursor = g->cursor,
		.space = g->space,
		.state = VMSTORE_FLUSH_CHANGED,
	};

	if (!vms_dump_requests(out, at, &g->changed, rec))
		return false;
	rec.state = VMSTORE_FLUSH_PENDING;
	if (!vms_dump_requests(out, at, &g->pending, rec))
		return false;
	if (vms_tlb_flushed(&s->tlb, g))
		return true;
	rec.state = VMSTORE_FLUSH_SENT;
	rec.cpus = vms_tlb_owing(&s->tlb, g);
	return vms_dump_requests(out, at, &g->sent, rec);
}

static void vms_dump_flushes(struct vms_store *s, struct vms_dump_out *out)
{
	vms_dump_gathers(s, out, vms_dump_gather_flushes);
}

/* --- what is cached --------------------------------------------------------------------- */

static bool vms_dump_put_cached(struct vms_store *s, struct vms_dump_out *out, u32 cpu,
				const struct vms_cached *c, u64 pos0, u64 pos1)
{
	bool table = vms_pte_kind(c->pte) != VMS_ENTRY_LEAF;
	struct vmstore_rec_cached rec = {
		.space = c->va < VMSTORE_KERNEL_BASE ? c->tag : VMS_KERNEL_TAG,
		.va = c->va,
		.paddr = vms_dump_paddr(s, c->pte),
		.level = c->level,
		.cpu = cpu,
		.flags = (table ? VMSTORE_CACHED_TABLE : 0) |
			 (c->global ? VMSTORE_CACHED_GLOBAL : 0) |
			 (c->usable ? 0 : VMSTORE_CACHED_IDLE),
	};

	if (!table)
		rec.prop = vms_dump_prop(c->pte, rec.space);
	return vms_dump_put(out, &rec, sizeof(rec), pos0, pos1);
}

/* From mapping number @from on; pos[0] is 0. Return: false when there is no room */
static bool vms_dump_model(struct vms_store *s, struct vms_dump_out *out, u64 from)
{
	const struct vms_tlb_model *model = s->tlb.model;

	for (; model && from < model->nr; from++) {
		const struct vms_mapping *m =
			&model->mapping[array_index_nospec(from, VMS_TLB_MODEL_MAX)];
		const struct vms_cached c = {
			.tag = m->space, .va = m->va, .pte = m->pte, .level = m->level,
			.usable = true,
		};

		if (!vms_dump_put_cached(s, out, VMSTORE_CPU_MODEL, &c, 0, from))
			return false;
	}
	return true;
}

/* From a place in a CPU's caches on; pos[0] is one more than the CPU's number */
static bool vms_dump_cpu(struct vms_store *s, struct vms_dump_out *out, u32 cpu, u32 at)
{
	struct vms_cached c;
	u32 here = at;

	while (s->mmu.ops->cached(&s->mmu, cpu, &at, &c)) {
		if (!vms_dump_put_cached(s, out, cpu, &c, cpu + 1, here))
			return false;
		here = at;
	}
	return true;
}

/* What the model has, then what each CPU holds, if the machine knows */
static void vms_dump_cached(struct vms_store *s, struct vms_dump_out *out)
{
	u64 cpu = out->pos[0], at = out->pos[1];

	if (!cpu) {
		if (!vms_dump_model(s, out, at))
			return;
		cpu = 1;
		at = 0;
	}
	for (; s->mmu.ops->cached && cpu <= s->mmu.nr_cpus; cpu++, at = 0)
		if (at <= U32_MAX &&
		    !vms_dump_cpu(s, out, array_index_nospec(cpu - 1, s->mmu.nr_cpus), at))
			return;
}

/* --- the last operations ---------------------------------------------------------------- */

static void vms_dump_story(struct vms_store *s, struct vms_dump_out *out)
{
	struct vmstore_rec_story rec;
	u64 seq = out->pos[0];

	for (; vms_story_read(&s->story, &seq, &rec); seq++)
		if (!vms_dump_put(out, &rec, sizeof(rec), seq, 0))
			return;
	out->pos[0] = seq;
	out->pos[1] = 0;
}

/* --- the sections --------------------------------------------------------------------- */

/**
 * struct vms_dump_section - one section
 * @rec_size: size of its records
 * @run: writes records from out->pos on
 * @live: needs no quiet store
 */
struct vms_dump_section {
	size_t rec_size;
	void (*run)(struct vms_store *s, struct vms_dump_out *out);
	bool live;
};

static const struct vms_dump_section vms_dump_sections[] = {
	[VMSTORE_DUMP_SPACES] = { sizeof(struct vmstore_rec_space), vms_dump_spaces },
	[VMSTORE_DUMP_CURSORS] = { sizeof(struct vmstore_rec_cursor), vms_dump_cursors },
	[VMSTORE_DUMP_FRAMES] = { sizeof(struct vmstore_rec_frame), vms_dump_frames },
	[VMSTORE_DUMP_SLOTS] = { sizeof(struct vmstore_rec_slots), vms_dump_slots },
	[VMSTORE_DUMP_NODES] = { sizeof(struct vmstore_rec_node), vms_dump_nodes },
	[VMSTORE_DUMP_LEAVES] = { sizeof(struct vmstore_rec_leaves), vms_dump_leaves },
	[VMSTORE_DUMP_TLB] = { sizeof(struct vmstore_rec_gathered), vms_dump_tlb },
	[VMSTORE_DUMP_SEGMENTS] = { sizeof(struct vmstore_rec_segment), vms_dump_segments },
	[VMSTORE_DUMP_UNIQUES] = { sizeof(struct vmstore_rec_unique), vms_dump_uniques },
	[VMSTORE_DUMP_IOS] = { sizeof(struct vmstore_rec_io), vms_dump_ios },
	[VMSTORE_DUMP_KVIRTS] = { sizeof(struct vmstore_rec_kvirt), vms_dump_kvirts },
	[VMSTORE_DUMP_LISTS] = { sizeof(struct vmstore_rec_list), vms_dump_lists },
	[VMSTORE_DUMP_FLUSHES] = { sizeof(struct vmstore_rec_flush), vms_dump_flushes },
	[VMSTORE_DUMP_CACHED] = { sizeof(struct vmstore_rec_cached), vms_dump_cached },
	[VMSTORE_DUMP_STORY] = { sizeof(struct vmstore_rec_story), vms_dump_story, true },
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
 * vms_dump_is_live - can a section be read while operations run?
 * @section: enum vmstore_section, from a caller
 *
 * Return: true for VMSTORE_DUMP_STORY.
 */
bool vms_dump_is_live(u32 section)
{
	const struct vms_dump_section *sec = vms_dump_find(section);

	return sec && sec->live;
}

/**
 * vms_dump - write a section, or as much of it as there is room for
 * @s: ready store; unless the section is live with no operation in flight, and the
 *	caller holds its locks
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
