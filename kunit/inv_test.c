// SPDX-License-Identifier: GPL-2.0-only
/*
 * The checker: each clause is violated by a state made for it, and only it reports, or
 * it and those that cannot be told from it there; a good state is never reported; and
 * the counts of what was put to the test are true.
 *
 * A case pokes the state of a small world. The world then gets back what it had, and
 * the checker must be content again: it keeps nothing from one check to the next.
 */

#include <linux/kernel.h>
#include <linux/prandom.h>
#include <linux/string.h>

#include "inv/shadow.h"
#include "fixture.h"

#define WORLD_REGION	(4 * VMS_BLOCK_SIZE)
#define WORLD_MMIO	VMS_BLOCK_SIZE
#define MAX_POKES	32
#define MAX_CLAUSES	128
/* A tag that no list of the world has */
#define NO_TAG		99

/* Two pages of the narrow cursor's leaf table, and the range of the wide cursor */
#define NARROW		(64 * vms_page_size(2))
#define WIDE		(3 * vms_page_size(3))
#define WIDE_END	(WIDE + 4 * vms_page_size(2))
/* Of the space without cursors: pages mapped, and a leaf table that is empty */
#define PAGES		(16 * vms_page_size(2))
#define EMPTY		(17 * vms_page_size(2))
/* In the area of device memory, behind its one 2 MiB page: nothing is mapped there */
#define SPOT		(VMSTORE_KVIRT_BASE + vms_page_size(2))
/* Two readers of it, two writers behind them; a page each, a page between them */
#define IOS		(18 * vms_page_size(2))

struct poke {
	void *at;
	size_t size;
	u8 was[sizeof(struct vms_cursor_pos)];
};

/**
 * struct world - what the cases poke
 * @fx: the store
 * @test: case
 * @poke: what was poked, to be undone in reverse order
 * @nr_pokes: how often
 * @handle: id inserted into
 * @registry: this registry; NULL = none
 * @a: space with cursors
 * @b: space without
 * @narrow: cursor whose covering node is a leaf table
 * @wide: cursor over a level-2 node with leaf tables
 * @narrow_node: covering node of @narrow
 * @wide_leafs: a leaf table in the range of @wide
 * @leafs: leaf table of @b that maps
 * @empty: leaf table of @b that is empty
 * @above: level-2 node of both
 * @kernel: level-2 node of the kernel areas
 * @kernel_leafs: leaf table below it, of @tracked
 * @device: area of 6 MiB from VMSTORE_KVIRT_BASE on, device memory in the first 2 MiB
 * @tracked: area of two pages, a frame in the first, which @awriter may write
 * @hollow: area of two pages, nothing mapped
 * @in_area: the frame in @tracked
 * @awriter: writer in it
 * @mapped: frame that only @b maps, at PAGES
 * @shared: frame that @b maps and that has a handle
 * @held: frame with a handle only
 * @segment: frame in a segment of two
 * @unique: frame with an exclusive handle
 * @free: slot never used
 * @huge: 2 MiB of slots never used, aligned
 * @reader: readers of @b, which is active, in its record
 * @writer: writers of @b, the same
 * @of_a: reader of @a, which is active nowhere
 * @viewed: frame with a handle that @kreader and @kwriter hold too
 * @kreader: kernel reader of it
 * @kwriter: kernel writer of a part of it
 * @list: frame list without a cursor, of @link
 * @other: another one, of one frame
 * @empty_list: one that never had any
 * @out: one with a cursor, of @out_link
 * @empty_out: one that never had any, with a cursor
 * @link: slots of @list, in order
 * @out_link: slots of @out; the cursor is at the second
 * @model: what is cached: the two pages that @wide maps
 */
struct world {
	struct fx fx;
	struct kunit *test;
	struct poke poke[MAX_POKES];
	u32 nr_pokes;
	u64 handle;
	struct vms_registry *registry;
	struct vms_space *a, *b;
	struct vms_cursor *narrow, *wide;
	u32 narrow_node, wide_leafs;
	u32 leafs, empty, above, kernel, kernel_leafs;
	u32 mapped, shared, held, segment, unique, free, huge, viewed, in_area;
	struct vms_kvirt *device, *tracked, *hollow;
	struct vms_io *reader[2], *writer[2], *of_a, *kreader, *kwriter, *awriter;
	struct vms_list *list, *other, *empty_list, *out, *empty_out;
	u32 link[3], out_link[2];
	struct vms_tlb_model *model;
};

/* --- the world ----------------------------------------------------------------- */

static u32 node_at(struct world *w, struct vms_space *space, u64 va, int level)
{
	struct vms_region *r = &w->fx.s->region;
	u32 node = space->pt.root;
	int l;

	for (l = VMS_NR_LEVELS; l > level; l--)
		node = vms_entry_slot(r, vms_node_read(r, node, vms_pte_index(va, l)));
	return node;
}

/* The child of a node at @va */
static u32 child_at(struct world *w, u32 node, u64 va, int level)
{
	struct vms_region *r = &w->fx.s->region;

	return vms_entry_slot(r, vms_node_read(r, node, vms_pte_index(va, level)));
}

static void make_areas(struct world *w)
{
	const struct vmstore_prop rw = { .flags = VMSTORE_PROP_R | VMSTORE_PROP_W };
	u64 tail = WORLD_REGION - WORLD_MMIO, paddr;
	struct vms_store *s = w->fx.s;
	struct vmstore_out_kvirt a;
	u64 frame;

	a = fx_kvirt_untracked(w->test, s, 3 * vms_page_size(2), 0, tail,
			       tail + vms_page_size(2), rw);
	KUNIT_ASSERT_EQ(w->test, a.start, VMSTORE_KVIRT_BASE);
	w->device = xa_load(&s->areas.xa, a.id);
	frame = fx_frame_alloc(w->test, s, &paddr);
	w->in_area = vms_paddr_slot(paddr);
	a = fx_kvirt_frames(w->test, s, 2 * FX_PAGE, 0, &frame, 1, rw);
	w->tracked = xa_load(&s->areas.xa, a.id);
	w->awriter = xa_load(&s->ios.xa, fx_kio_new(w->test, s, true, a.start, FX_PAGE));
	w->kernel = child_at(w, s->kernel.top, a.start, 3);
	w->kernel_leafs = child_at(w, w->kernel, a.start, 2);
	a = fx_kvirt_frames(w->test, s, 2 * FX_PAGE, 0, NULL, 0, rw);
	w->hollow = xa_load(&s->areas.xa, a.id);
}

static struct vms_io *make_io(struct world *w, bool writer, u64 space, u64 vaddr)
{
	struct vms_store *s = w->fx.s;

	return xa_load(&s->ios.xa, fx_io_new(w->test, s, 0, writer, space, vaddr, FX_PAGE));
}

static void make_ios(struct world *w)
{
	struct vms_store *s = w->fx.s;
	u64 window;
	int i;

	fx_frame_alloc(w->test, s, &window);
	w->viewed = vms_paddr_slot(window);
	window += VMSTORE_KERNEL_BASE;

	fx_activate(w->test, s, 0, w->a->id);
	w->of_a = make_io(w, false, w->a->id, IOS);
	fx_activate(w->test, s, 0, w->b->id);
	for (i = 0; i < 2; i++) {
		w->reader[i] = make_io(w, false, w->b->id, IOS + 2 * i * FX_PAGE);
		w->writer[i] = make_io(w, true, w->b->id, IOS + (4 + 2 * i) * FX_PAGE);
	}
	w->kreader = xa_load(&s->ios.xa, fx_kio_new(w->test, s, false, window, FX_PAGE));
	w->kwriter = xa_load(&s->ios.xa, fx_kio_new(w->test, s, true, window + 8, 100));
}

static struct vms_list *make_list(struct world *w, u32 slot, u32 *link, u32 nr)
{
	struct vms_store *s = w->fx.s;
	u64 id = fx_list_new(w->test, s);
	u32 i;

	for (i = 0; i < nr; i++) {
		link[i] = slot - 2 * i;
		fx_list_push(w->test, s, id, vms_slot_paddr(link[i]));
	}
	return xa_load(&s->lists.xa, id);
}

/* Lists have the ids 1 to 5; tags 1, 2 and 3 are those of @list, @other and @out */
static void make_lists(struct world *w)
{
	u32 slot = w->huge - 64, only;

	w->list = make_list(w, slot, w->link, 3);
	w->other = make_list(w, slot - 6, &only, 1);
	w->out = make_list(w, slot - 8, w->out_link, 2);
	w->empty_list = make_list(w, 0, NULL, 0);
	w->empty_out = make_list(w, 0, NULL, 0);
	fx_list(w->test, w->fx.s, VMSTORE_OP_LIST_CURSOR_BACK, 3);
	fx_list(w->test, w->fx.s, VMSTORE_OP_LIST_CURSOR_FRONT, 5);
}

static void make_cached(struct world *w)
{
	struct vms_store *s = w->fx.s;

	fx_load(w->test, s, 1, w->a->id, WIDE, 8);
	fx_load(w->test, s, 1, w->a->id, WIDE + vms_page_size(2), 8);
	w->model = s->tlb.model;
	KUNIT_ASSERT_EQ(w->test, w->model->nr, 2);
}

static void make_world(struct world *w)
{
	struct kunit *test = w->test;
	struct vms_store *s = w->fx.s;
	u64 a = fx_space_new(test, s);
	u64 b = fx_space_new(test, s);
	u64 paddr, held, c;

	c = fx_open(test, s, true, b, PAGES, PAGES + 4 * FX_PAGE);
	w->mapped = vms_paddr_slot(fx_map_new(test, s, c, PAGES));
	paddr = fx_map_new(test, s, c, PAGES + FX_PAGE);
	fx_close(test, s, c);
	fx_frame_from_in_use(test, s, paddr);
	w->shared = vms_paddr_slot(paddr);
	fx_frame_alloc(test, s, &held);
	w->held = vms_paddr_slot(held);
	c = fx_open(test, s, false, b, EMPTY, EMPTY + FX_PAGE);
	fx_close(test, s, c);

	c = fx_open(test, s, true, a, NARROW, NARROW + 2 * FX_PAGE);
	w->narrow = xa_load(&s->cursors.xa, c);
	fx_map_new(test, s, c, NARROW);
	c = fx_open(test, s, true, a, WIDE, WIDE_END);
	w->wide = xa_load(&s->cursors.xa, c);
	fx_map_new(test, s, c, WIDE);
	fx_map_new(test, s, c, WIDE + vms_page_size(2));
	make_areas(w);

	w->a = xa_load(&s->spaces.xa, a);
	w->b = xa_load(&s->spaces.xa, b);
	w->narrow_node = node_at(w, w->a, NARROW, 1);
	w->wide_leafs = node_at(w, w->a, WIDE, 1);
	w->leafs = node_at(w, w->b, PAGES, 1);
	w->empty = node_at(w, w->b, EMPTY, 1);
	w->above = node_at(w, w->b, PAGES, 2);
	w->huge = vms_paddr_slot(2 * VMS_BLOCK_SIZE);
	w->free = w->huge - 16;
	make_ios(w);
	w->segment = w->huge - 32;
	w->unique = w->huge - 48;
	fx_segment_from_unused(test, s, vms_slot_paddr(w->segment),
			       vms_slot_paddr(w->segment + 2));
	fx_unique_from_unused(test, s, vms_slot_paddr(w->unique));
	make_lists(w);
	make_cached(w);
}

static int inv_test_init(struct kunit *test)
{
	static const struct vmstore_setup setup = {
		.size = sizeof(setup),
		.region_size = WORLD_REGION,
		.mmio_size = WORLD_MMIO,
		.machine = VMSTORE_MACHINE_SOFT,
		.nr_cpus = 2,
		.check_mode = VMSTORE_CHECK_FULL,
	};
	struct world *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);

	if (!w)
		return -ENOMEM;
	w->test = test;
	return fx_init_with(test, &w->fx, &setup);
}

static struct vms_slot *slot_of(struct world *w, u32 idx)
{
	return &w->fx.s->region.slots[idx];
}

static u64 *entry_of(struct world *w, u32 node, u64 va, int level)
{
	return &vms_node_entries(&w->fx.s->region, node)[vms_pte_index(va, level)];
}

static u64 pa_of(struct world *w, u32 idx)
{
	return vms_slot_pa(&w->fx.s->region, idx);
}

/* --- poking ----------------------------------------------------------------------- */

static void poke_bytes(struct world *w, void *at, const void *value, size_t size)
{
	struct poke *p = &w->poke[w->nr_pokes];

	KUNIT_ASSERT_LT(w->test, w->nr_pokes, MAX_POKES);
	KUNIT_ASSERT_LE(w->test, size, sizeof(p->was));
	p->at = at;
	p->size = size;
	memcpy(p->was, at, size);
	memcpy(at, value, size);
	w->nr_pokes++;
}

#define POKE(w, where, value) do {					\
	typeof(where) __new = (value);					\
									\
	poke_bytes(w, &(where), &__new, sizeof(__new));			\
} while (0)

static void poke_rc(struct world *w, u32 idx, u64 rc)
{
	POKE(w, slot_of(w, idx)->rc.counter, rc);
}

static void poke_paths(struct world *w, u32 idx, u64 paths)
{
	POKE(w, slot_of(w, idx)->paths.counter, paths);
}

/* A free slot that looks allocated */
static void poke_live(struct world *w, u32 idx, u64 rc, u8 usage, u8 type)
{
	poke_rc(w, idx, rc);
	POKE(w, slot_of(w, idx)->usage, usage);
	POKE(w, slot_of(w, idx)->type, type);
	POKE(w, slot_of(w, idx)->storage, true);
}

/* An entry that was none, and its count */
static void poke_entry(struct world *w, u32 node, u64 va, int level, u64 pte)
{
	KUNIT_ASSERT_EQ(w->test, *entry_of(w, node, va, level), 0);
	POKE(w, *entry_of(w, node, va, level), pte);
	POKE(w, slot_of(w, node)->node.nr_children,
	     slot_of(w, node)->node.nr_children + 1);
}

static void poke_gather(struct world *w, u32 idx, bool node)
{
	struct vms_gather *g = w->narrow->gather;

	POKE(w, g->entry[g->nr],
	     ((struct vms_gathered) { idx, slot_of(w, idx)->birth, node }));
	POKE(w, g->nr, g->nr + 1);
}

static void poke_insert(struct world *w, struct vms_registry *reg, void *entry)
{
	KUNIT_ASSERT_NULL(w->test, w->registry);
	KUNIT_ASSERT_EQ(w->test, vms_registry_reserve(reg, &w->handle), 0);
	KUNIT_ASSERT_EQ(w->test, vms_registry_insert(reg, w->handle, entry), 0);
	w->registry = reg;
}

static void poke_handle(struct world *w, u32 idx)
{
	poke_insert(w, &w->fx.s->frames, vms_frame_entry(idx));
}

static void poke_segment(struct world *w, u32 first, u32 nr)
{
	const struct vms_segment seg = { .first = first, .nr = nr };

	poke_insert(w, &w->fx.s->segments, vms_segment_entry(seg));
}

static void poke_unique(struct world *w, u32 idx)
{
	poke_insert(w, &w->fx.s->uniques, vms_frame_entry(idx));
}

static void undo(struct world *w)
{
	while (w->nr_pokes) {
		struct poke *p = &w->poke[--w->nr_pokes];

		memcpy(p->at, p->was, p->size);
	}
	if (w->registry) {
		vms_registry_extract(w->registry, w->handle);
		vms_registry_release(w->registry, w->handle);
	}
	w->registry = NULL;
	w->fx.s->frozen = false;
}

/* --- states that violate a clause --------------------------------------------------- */

static void r2_slot_missing(struct world *w)
{
	POKE(w, w->fx.s->region.nr_slots, w->fx.s->region.nr_slots - 1);
}

static void r3_block_missing(struct world *w)
{
	POKE(w, w->fx.s->region.nr_blocks, w->fx.s->region.nr_blocks - 1);
}

static void r4_region_shorter(struct world *w)
{
	POKE(w, w->fx.s->region.size, w->fx.s->region.size - FX_PAGE);
}

static void r7_storage(struct world *w)
{
	POKE(w, slot_of(w, w->free)->storage, true);
}

static void r7_type(struct world *w)
{
	POKE(w, slot_of(w, w->free)->type, VMS_TYPE_FRAME);
}

static void r7_in_list(struct world *w)
{
	POKE(w, slot_of(w, w->free)->in_list, NO_TAG);
}

static void r7_paths(struct world *w)
{
	poke_paths(w, w->free, 1);
}

static void r8_no_storage(struct world *w)
{
	poke_rc(w, w->free, VMS_RC_UNIQUE);
}

static void r8_paths(struct world *w)
{
	poke_live(w, w->free, VMS_RC_UNIQUE, VMSTORE_USAGE_FRAME, VMS_TYPE_FRAME);
	poke_paths(w, w->free, 1);
}

static void r9_no_type(struct world *w)
{
	POKE(w, slot_of(w, w->held)->type, VMS_TYPE_NONE);
}

static void r9_in_list(struct world *w)
{
	POKE(w, slot_of(w, w->held)->in_list, NO_TAG);
}

static void r10_first(struct world *w)
{
	poke_rc(w, w->free, VMS_RC_MAX + 1);
}

static void r10_last(struct world *w)
{
	poke_rc(w, w->free, VMS_RC_UNIQUE - 1);
}

static void r11_in_list(struct world *w)
{
	poke_rc(w, w->free, 0);
	POKE(w, slot_of(w, w->free)->in_list, NO_TAG);
}

static void r12_self_outside(struct world *w)
{
	POKE(w, slot_of(w, w->free)->self, w->fx.s->region.nr_slots);
}

static void r14_path_too_many(struct world *w)
{
	poke_paths(w, w->held, 1);
}

static void r15_self_other(struct world *w)
{
	POKE(w, slot_of(w, w->free)->self, w->free + 1);
}

static void r15_self_other_node(struct world *w)
{
	POKE(w, slot_of(w, w->empty)->self, w->empty + 1);
}

static void r16_usage_mmio(struct world *w)
{
	POKE(w, slot_of(w, w->free)->usage, VMSTORE_USAGE_MMIO);
}

static void r16_mmio_usage(struct world *w)
{
	POKE(w, slot_of(w, w->fx.s->region.nr_slots - 1)->usage, VMSTORE_USAGE_FRAME);
}

static void r17_node_rc(struct world *w)
{
	poke_rc(w, w->empty, 2);
}

static void r17_kernel_rc(struct world *w)
{
	poke_live(w, w->free, 1, VMSTORE_USAGE_KERNEL, VMS_TYPE_FRAME);
}

static void g1_lost(struct world *w)
{
	poke_live(w, w->free, 1, VMSTORE_USAGE_PAGETABLE, VMS_TYPE_NODE);
}

static void g1_linked_and_gathered(struct world *w)
{
	poke_gather(w, w->empty, true);
	poke_rc(w, w->empty, 2);
}

static void s3_unique_in_list(struct world *w)
{
	poke_live(w, w->free, VMS_RC_UNIQUE, VMSTORE_USAGE_FRAME, VMS_TYPE_FRAME);
	POKE(w, slot_of(w, w->free)->in_list, NO_TAG);
}

static void s12_outside(struct world *w)
{
	poke_handle(w, w->fx.s->region.nr_slots);
}

static void s13_not_frame(struct world *w)
{
	poke_live(w, w->free, 1, VMSTORE_USAGE_KERNEL, VMS_TYPE_FRAME);
	poke_handle(w, w->free);
}

static void s14_count(struct world *w)
{
	POKE(w, w->fx.s->frames.count.counter, w->fx.s->frames.count.counter + 1);
}

static void s14_limit(struct world *w)
{
	POKE(w, w->fx.s->frames.max, 0);
}

static void s15_count(struct world *w)
{
	POKE(w, w->fx.s->segments.count.counter, w->fx.s->segments.count.counter - 1);
}

static void s15_limit(struct world *w)
{
	POKE(w, w->fx.s->segments.max, 0);
}

static void s16_empty(struct world *w)
{
	poke_segment(w, w->segment, 0);
}

static void s16_outside(struct world *w)
{
	poke_segment(w, w->fx.s->region.nr_slots, 1);
}

static void s16_end_outside(struct world *w)
{
	poke_segment(w, w->fx.s->region.nr_slots - 1, 2);
}

static void s17_not_frame(struct world *w)
{
	poke_live(w, w->free, 1, VMSTORE_USAGE_KERNEL, VMS_TYPE_FRAME);
	poke_segment(w, w->free, 1);
}

static void u1_outside(struct world *w)
{
	poke_unique(w, w->fx.s->region.nr_slots);
}

static void u2_usage(struct world *w)
{
	POKE(w, slot_of(w, w->unique)->usage, VMSTORE_USAGE_KERNEL);
}

static void u2_shared(struct world *w)
{
	poke_rc(w, w->unique, 1);
}

static void u2_in_list(struct world *w)
{
	POKE(w, slot_of(w, w->unique)->in_list, NO_TAG);
}

static void u2_paths(struct world *w)
{
	poke_paths(w, w->unique, 1);
}

static void u3_twice(struct world *w)
{
	poke_unique(w, w->unique);
}

static void a1_segment(struct world *w)
{
	poke_segment(w, w->free, 1);
}

static void a3b_segment(struct world *w)
{
	poke_rc(w, w->segment + 1, VMS_RC_UNIQUE);
}

static void a3c_segment_too_many(struct world *w)
{
	poke_rc(w, w->segment, 2);
}

static void a3c_segment_twice(struct world *w)
{
	poke_segment(w, w->segment + 1, 1);
}

static void a1_gathered(struct world *w)
{
	poke_gather(w, w->free, false);
}

static void a1_handle(struct world *w)
{
	POKE(w, slot_of(w, w->free)->usage, VMSTORE_USAGE_FRAME);
	poke_handle(w, w->free);
}

static void a2_no_user(struct world *w)
{
	poke_live(w, w->free, 1, VMSTORE_USAGE_FRAME, VMS_TYPE_FRAME);
}

static void a2_busy(struct world *w)
{
	poke_live(w, w->free, 0, VMSTORE_USAGE_FRAME, VMS_TYPE_FRAME);
}

static void a3b_unique(struct world *w)
{
	poke_rc(w, w->held, VMS_RC_UNIQUE);
}

static void a3c_handle_too_many(struct world *w)
{
	poke_rc(w, w->held, 2);
}

static void a3c_leaf_too_many(struct world *w)
{
	poke_rc(w, w->mapped, 2);
}

static void a3c_too_few(struct world *w)
{
	poke_rc(w, w->shared, 1);
}

static void a3d_no_storage(struct world *w)
{
	POKE(w, slot_of(w, w->held)->storage, false);
}

static void p1_linked_twice(struct world *w)
{
	poke_entry(w, w->above, EMPTY + vms_page_size(2), 2,
		   vms_pte_make_table(pa_of(w, w->empty)));
	poke_rc(w, w->empty, 2);
}

static void p2_level(struct world *w)
{
	POKE(w, slot_of(w, w->empty)->node.level, 2);
}

static void p3_bit(struct world *w)
{
	POKE(w, *entry_of(w, w->leafs, PAGES, 1),
	     *entry_of(w, w->leafs, PAGES, 1) | BIT_ULL(3));
}

static void p3_table_bit(struct world *w)
{
	POKE(w, *entry_of(w, w->above, EMPTY, 2),
	     *entry_of(w, w->above, EMPTY, 2) | VMS_PTE_NX);
}

static void p3_address(struct world *w)
{
	struct vms_region *r = &w->fx.s->region;

	poke_entry(w, w->empty, EMPTY, 1,
		   vms_pte_make_leaf(r->blocks[r->nr_blocks - 1].pa + VMS_BLOCK_SIZE, 1,
				     fx_rw));
}

static void p4_node_mapped(struct world *w)
{
	POKE(w, slot_of(w, w->mapped)->type, VMS_TYPE_NODE);
}

static void p5_other_root(struct world *w)
{
	POKE(w, w->b->pt.mroot.pa, pa_of(w, w->a->pt.root));
}

static void p5_level(struct world *w)
{
	POKE(w, slot_of(w, w->b->pt.root)->node.level, 3);
}

/* The whole table is lost with its root */
static void p5_outside(struct world *w)
{
	POKE(w, w->b->pt.root, w->fx.s->region.nr_slots);
}

static void p6_stray(struct world *w)
{
	POKE(w, slot_of(w, w->empty)->node.stray, true);
}

static void p6_children(struct world *w)
{
	POKE(w, slot_of(w, w->empty)->node.nr_children, VMS_NR_ENTRIES + 1);
}

static void p7_leaf_in_root(struct world *w)
{
	poke_entry(w, w->b->pt.root, vms_page_size(4), 4,
		   vms_pte_make_leaf(pa_of(w, w->fx.s->region.first_mmio), 4, fx_rw));
}

/* Aligned device memory: nothing but the item rule speaks against it */
static void p7_huge_user_leaf(struct world *w)
{
	poke_entry(w, w->above, EMPTY + vms_page_size(2), 2,
		   vms_pte_make_leaf(pa_of(w, w->fx.s->region.first_mmio), 2, fx_rw));
}

static void p8_misaligned(struct world *w)
{
	poke_entry(w, w->kernel, SPOT, 2,
		   vms_pte_make_leaf(pa_of(w, w->fx.s->region.first_mmio + 1), 2, fx_rw));
}

static void p10_paths(struct world *w)
{
	poke_paths(w, w->empty, 2);
}

static void p10_rc(struct world *w)
{
	poke_rc(w, w->empty, 0);
}

static void p10_type(struct world *w)
{
	POKE(w, slot_of(w, w->empty)->type, VMS_TYPE_FRAME);
}

static void p11_rc(struct world *w)
{
	POKE(w, slot_of(w, w->mapped)->usage, VMSTORE_USAGE_KERNEL);
	poke_rc(w, w->mapped, 0);
}

static void p11_usage(struct world *w)
{
	POKE(w, slot_of(w, w->mapped)->usage, VMSTORE_USAGE_PAGETABLE);
}

static void p11_path(struct world *w)
{
	poke_paths(w, w->mapped, 0);
}

/* The frame at its head is in order, those behind it are free */
static void p12_sub_pages(struct world *w)
{
	poke_entry(w, w->kernel, SPOT, 2,
		   vms_pte_make_leaf(pa_of(w, w->huge), 2, fx_rw));
	poke_live(w, w->huge, 1, VMSTORE_USAGE_FRAME, VMS_TYPE_FRAME);
	poke_paths(w, w->huge, 1);
}

static void p13_children(struct world *w)
{
	POKE(w, slot_of(w, w->empty)->node.nr_children, 1);
}

static void p13_root(struct world *w)
{
	u32 root = w->b->pt.root;

	POKE(w, slot_of(w, root)->node.nr_children, slot_of(w, root)->node.nr_children + 1);
}

static void p14_kernel_missing(struct world *w)
{
	POKE(w, *entry_of(w, w->b->pt.root, VMSTORE_KERNEL_BASE, 4), 0);
}

static void p14_leaf(struct world *w)
{
	POKE(w, vms_node_entries(&w->fx.s->region, w->b->pt.root)[300],
	     vms_pte_make_leaf(pa_of(w, w->free), 4, fx_rw));
}

static void d16_other_block(struct world *w)
{
	u64 *window = w->fx.s->kernel.linear[0];

	POKE(w, window[0], window[2]);
}

static void d16_property(struct world *w)
{
	u64 *window = w->fx.s->kernel.linear[0];

	POKE(w, window[1], window[1] | VMS_PTE_USER);
}

static void d16_beyond(struct world *w)
{
	u64 *window = w->fx.s->kernel.linear[0];

	POKE(w, window[VMS_NR_ENTRIES - 1], window[0]);
}

static void d16_no_table(struct world *w)
{
	POKE(w, vms_node_entries(&w->fx.s->region, w->fx.s->kernel.top)[0], 0);
}

static void c1_range(struct world *w)
{
	POKE(w, w->narrow->end, NARROW + 2 * vms_page_size(2));
}

static void c1_range_misaligned(struct world *w)
{
	POKE(w, w->narrow->end, w->narrow->end - 8);
}

static void c1_user_half(struct world *w)
{
	POKE(w, w->narrow->pos.va, VMSTORE_USER_END + FX_PAGE);
}

static void c1_level(struct world *w)
{
	POKE(w, w->narrow->pos.level, 0);
}

static void c1_guard_level(struct world *w)
{
	POKE(w, w->narrow->guard_level, VMS_NR_LEVELS + 1);
}

static void c1_before(struct world *w)
{
	POKE(w, w->narrow->start, NARROW + FX_PAGE);
	POKE(w, w->narrow->pos.va, NARROW);
}

static void c1_path(struct world *w)
{
	POKE(w, w->narrow->pos.path[1], w->wide_leafs);
}

static void c1_path_level(struct world *w)
{
	POKE(w, slot_of(w, w->narrow_node)->node.level, 2);
}

static void c2_outside(struct world *w)
{
	POKE(w, slot_of(w, w->empty)->node.owner, w->narrow->id);
}

static void c2_dead_owner(struct world *w)
{
	POKE(w, slot_of(w, w->empty)->node.owner, 0xdead);
}

static void c3_path(struct world *w)
{
	POKE(w, slot_of(w, w->narrow_node)->node.owner, 0);
}

static void c3_below(struct world *w)
{
	POKE(w, slot_of(w, w->wide_leafs)->node.owner, 0);
}

/* Above the covering node, as no path says */
static void poke_popped(struct world *w, u64 va, int level)
{
	struct vms_cursor_pos pos = {
		.va = va,
		.level = level,
		.path = { [0 ... VMS_NR_LEVELS] = VMS_NO_SLOT },
	};

	POKE(w, w->narrow->pos, pos);
}

static void c4_popped(struct world *w)
{
	poke_popped(w, NARROW + 2 * FX_PAGE, 2);
}

static void c4_popped_inside(struct world *w)
{
	poke_popped(w, NARROW, 2);
}

static void c5_popped_twice(struct world *w)
{
	poke_popped(w, NARROW + 2 * FX_PAGE, 3);
}

static void c5_misaligned(struct world *w)
{
	POKE(w, w->narrow->pos.va, NARROW + 8);
}

static void c6_above(struct world *w)
{
	POKE(w, w->narrow->pos.path[2], node_at(w, w->a, NARROW, 2));
}

static void s7_below(struct world *w)
{
	POKE(w, slot_of(w, w->wide_leafs)->node.nr_children, 0);
}

static void s7_above(struct world *w)
{
	poke_paths(w, w->a->pt.root, 0);
}

static void s7_leaf(struct world *w)
{
	u64 pte = *entry_of(w, w->wide_leafs, WIDE, 1);

	poke_paths(w, vms_entry_slot(&w->fx.s->region, pte), 0);
}

/* Nothing is wrong with the states of these five, but that nobody said they would change */
static void g2_record(struct world *w)
{
	POKE(w, slot_of(w, w->free)->usage, VMSTORE_USAGE_FRAME);
}

static void g2_meta(struct world *w)
{
	POKE(w, slot_of(w, w->free)->node.level, 1);
}

static void g2_entry(struct world *w)
{
	POKE(w, *entry_of(w, w->leafs, PAGES, 1),
	     *entry_of(w, w->leafs, PAGES, 1) & ~VMS_PTE_WRITE);
}

static void g3_cursor(struct world *w)
{
	POKE(w, w->narrow->pos.va, NARROW);
}

static void g4_kind(struct world *w)
{
	POKE(w, w->fx.s->region.touch->declared, VMS_TOUCH_CURSORS);
	POKE(w, w->fx.s->region.touch->kinds, VMS_TOUCH_CURSORS | VMS_TOUCH_ACTIVATION);
}

/* Cut off and gathered as unmap does it, which stays so */
static u32 gather_leafs(struct world *w)
{
	struct vms_removed sum = {};
	u32 cut = vms_node_unlink(&w->fx.s->region, w->above, vms_pte_index(PAGES, 2), &sum);

	vms_gather_add(&w->fx.s->tlb, w->narrow->gather, cut, true);
	return cut;
}

static void g5_not_stray(struct world *w)
{
	POKE(w, slot_of(w, gather_leafs(w))->node.stray, false);
}

static void g5_owned(struct world *w)
{
	POKE(w, slot_of(w, gather_leafs(w))->node.owner, w->narrow->id);
}

static void g5_path(struct world *w)
{
	poke_paths(w, gather_leafs(w), 1);
}

/* One more of space @a is cached; @stale: a flush that is wanted will take it out */
static void poke_cached(struct world *w, u64 va, u64 pte, bool stale)
{
	struct vms_mapping new = *w->model->mapping;

	new.va = va;
	new.pte = pte;
	POKE(w, w->model->mapping[w->model->nr], new);
	POKE(w, w->model->nr, w->model->nr + 1);
	POKE(w, w->narrow->gather->changed.all, stale);
}

static u64 other_leaf(struct world *w)
{
	return vms_pte_make_leaf(pa_of(w, w->held), 1, fx_rw);
}

static void t1_misaligned(struct world *w)
{
	POKE(w, w->model->mapping[0].va, w->model->mapping[0].va + 8);
}

static void t1_outside(struct world *w)
{
	poke_cached(w, WIDE + FX_PAGE,
		    other_leaf(w) ^ pa_of(w, w->held) ^ (VMS_PTE_PA_MASK & ~(VMS_BLOCK_SIZE - 1)),
		    true);
}

static void t2_meet(struct world *w)
{
	poke_cached(w, WIDE, other_leaf(w), true);
}

static void t3_meet(struct world *w)
{
	poke_cached(w, WIDE + FX_PAGE, w->model->mapping[0].pte, true);
}

static void t4_nowhere(struct world *w)
{
	poke_cached(w, WIDE + FX_PAGE, other_leaf(w), false);
}

static void t4_property(struct world *w)
{
	POKE(w, w->model->mapping[0].pte, w->model->mapping[0].pte ^ VMS_PTE_WRITE);
}

static void t4_other_space(struct world *w)
{
	POKE(w, w->model->mapping[0].space, w->b->id);
}

static void t4_no_space(struct world *w)
{
	POKE(w, w->model->mapping[0].space, 0xdead);
}

static void t5_node_reborn(struct world *w)
{
	u32 cut = gather_leafs(w);

	POKE(w, slot_of(w, cut)->birth, slot_of(w, cut)->birth + 1);
}

static void t5_frame_reborn(struct world *w)
{
	poke_gather(w, w->held, false);
	poke_rc(w, w->held, slot_of(w, w->held)->rc.counter + 1);
	POKE(w, slot_of(w, w->held)->birth, slot_of(w, w->held)->birth + 1);
}

static void t5_below(struct world *w)
{
	gather_leafs(w);
	POKE(w, slot_of(w, w->mapped)->usage, VMSTORE_USAGE_KERNEL);
}

/* As if the slot had been unused at the last check */
static void g9_claimed(struct world *w)
{
	vms_touch_slot(w->fx.s->region.touch, w->held);
	POKE(w, w->fx.s->inv->shadow->slot[w->held].rc, VMS_RC_UNUSED);
}

static void poke_owing(struct world *w)
{
	POKE(w, w->narrow->gather->wait_seq[1], 1000);
}

static void g10_nothing(struct world *w)
{
	poke_owing(w);
}

/* The same table under an id that is not registered */
static void s8_unknown(struct world *w)
{
	struct vms_space *other = kunit_kzalloc(w->test, sizeof(*other), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(w->test, other);
	memcpy(other, w->narrow->space, sizeof(*other));
	other->id = 0xdead;
	POKE(w, w->narrow->space, other);
}

static void p5_kernel_root(struct world *w)
{
	POKE(w, w->fx.s->kernel_pt.mroot.pa, pa_of(w, w->b->pt.root));
}

static void p14_kernel_user_half(struct world *w)
{
	poke_entry(w, w->fx.s->kernel_pt.root, vms_page_size(4), 4,
		   vms_pte_make_table(pa_of(w, w->empty)));
	poke_rc(w, w->empty, 2);
}

static void v1_past_end(struct world *w)
{
	POKE(w, w->of_a->cursor, w->of_a->end + 1);
}

static void v3_view(struct world *w)
{
	POKE(w, w->of_a->view, VMS_VIEW_READ);
}

static void v4_other_view(struct world *w)
{
	POKE(w, w->kreader->view, VMS_VIEW_WRITE);
}

static void v4_no_view(struct world *w)
{
	POKE(w, w->kreader->view, VMS_VIEW_NONE);
}

static void v5_other_view(struct world *w)
{
	POKE(w, w->kwriter->view, VMS_VIEW_READ);
}

static void v5_other_usage(struct world *w)
{
	POKE(w, slot_of(w, w->viewed)->usage, VMSTORE_USAGE_KERNEL);
}

static void v6_before(struct world *w)
{
	POKE(w, w->of_a->cursor, w->of_a->vaddr - 1);
}

static void v6_after(struct world *w)
{
	POKE(w, w->of_a->end, w->of_a->end + 1);
}

/* The same space under an id that is not registered */
static void s10_unknown(struct world *w)
{
	struct vms_space *other = kunit_kzalloc(w->test, sizeof(*other), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(w->test, other);
	memcpy(other, w->of_a->space, sizeof(*other));
	other->id = 0xdead;
	POKE(w, w->of_a->space, other);
}

static void s11_wraps(struct world *w)
{
	POKE(w, w->of_a->len, U64_MAX);
}

static void s11_one_too_many(struct world *w)
{
	POKE(w, w->of_a->len, VMSTORE_MAX_USERSPACE_VADDR - w->of_a->vaddr + 1);
}

static void w2_machine(struct world *w)
{
	POKE(w, w->b->pt.mroot.active.bits[0], 3UL);
}

static void w2_store(struct world *w)
{
	POKE(w, w->fx.s->act.space[0], w->a);
}

static void w4_past_end(struct world *w)
{
	POKE(w, w->writer[1]->cursor, w->writer[1]->end + 1);
}

/* Up to where the next one begins: to touch is to meet */
static void poke_longer(struct world *w, struct vms_io *io)
{
	POKE(w, io->len, 2 * FX_PAGE);
	POKE(w, io->end, io->vaddr + 2 * FX_PAGE);
}

static void w5_meet(struct world *w)
{
	poke_longer(w, w->reader[1]);
}

static void w6_meet(struct world *w)
{
	poke_longer(w, w->reader[0]);
}

static void w7_meet(struct world *w)
{
	poke_longer(w, w->writer[0]);
}

static void w8_other_table(struct world *w)
{
	POKE(w, w->writer[0]->pt, &w->a->pt);
}

static void w8_other_id(struct world *w)
{
	POKE(w, w->writer[0]->id, w->writer[1]->id);
}

static void w9_other_space(struct world *w)
{
	POKE(w, w->reader[0]->space, w->a);
}

static void k3_paths(struct world *w)
{
	poke_paths(w, w->kernel_leafs, 2);
}

static void k4_below(struct world *w)
{
	POKE(w, w->hollow->start, VMSTORE_KVIRT_BASE - FX_PAGE);
}

static void k5_above(struct world *w)
{
	POKE(w, w->hollow->end, VMSTORE_KVIRT_END + FX_PAGE);
}

static void k6_misaligned(struct world *w)
{
	POKE(w, w->hollow->start, w->hollow->start + 8);
}

static void k7_misaligned(struct world *w)
{
	POKE(w, w->hollow->end, w->hollow->end - 8);
}

static void k8_turned_round(struct world *w)
{
	POKE(w, w->hollow->start, w->hollow->end + FX_PAGE);
}

static void k9_count(struct world *w)
{
	POKE(w, w->fx.s->areas.count.counter, 4);
}

static void k9_limit(struct world *w)
{
	POKE(w, w->fx.s->areas.max, 2);
}

static void g6_no_guard(struct world *w)
{
	POKE(w, w->hollow->last, w->hollow->last - 1);
}

static void g6_overlap(struct world *w)
{
	POKE(w, w->hollow->start, w->device->end - FX_PAGE);
}

static void g7_outside(struct world *w)
{
	poke_entry(w, w->kernel_leafs, w->tracked->end, 1,
		   vms_pte_make_leaf(pa_of(w, w->fx.s->region.first_mmio), 1, fx_rw));
}

static void g8_pin_too_many(struct world *w)
{
	POKE(w, w->hollow->pins.counter, 1);
}

static u64 *tracked_entry(struct world *w)
{
	return entry_of(w, w->kernel_leafs, w->tracked->start, 1);
}

static void d17_unmarked(struct world *w)
{
	POKE(w, *tracked_entry(w), *tracked_entry(w) & ~VMS_PTE_AVAIL1);
}

static void d17_marked(struct world *w)
{
	poke_entry(w, w->kernel_leafs, w->tracked->start + FX_PAGE, 1,
		   vms_pte_make_leaf(pa_of(w, w->fx.s->region.first_mmio), 1, fx_rw) |
		   VMS_PTE_AVAIL1);
}

static void v5_read_only(struct world *w)
{
	POKE(w, *tracked_entry(w), *tracked_entry(w) & ~VMS_PTE_WRITE);
}

static void v5_other_area(struct world *w)
{
	POKE(w, w->awriter->area, w->device);
}

static void v5_not_pinned(struct world *w)
{
	POKE(w, w->tracked->pins.counter, 0);
}

static void l2_no_tag(struct world *w)
{
	POKE(w, w->other->tag, 0);
}

static void l2_other_tag(struct world *w)
{
	POKE(w, slot_of(w, w->link[1])->in_list, NO_TAG);
}

static void l3_shared(struct world *w)
{
	poke_rc(w, w->link[1], 1);
}

static void l3_usage(struct world *w)
{
	POKE(w, slot_of(w, w->link[1])->usage, VMSTORE_USAGE_KERNEL);
}

static void l3_type(struct world *w)
{
	POKE(w, slot_of(w, w->link[1])->type, VMS_TYPE_FRAME);
}

static void l3_prev(struct world *w)
{
	POKE(w, slot_of(w, w->link[2])->link.prev, w->link[0]);
}

static void l3_next(struct world *w)
{
	POKE(w, slot_of(w, w->link[0])->link.next, w->link[2]);
}

static void l3_circle(struct world *w)
{
	POKE(w, slot_of(w, w->link[2])->link.next, w->link[0]);
}

static void l3_outside(struct world *w)
{
	POKE(w, slot_of(w, w->link[2])->link.next, w->fx.s->region.nr_slots);
}

static void l3_last(struct world *w)
{
	POKE(w, w->list->last, w->link[1]);
}

static void l3_number(struct world *w)
{
	POKE(w, w->list->nr, 2);
}

static void l3_twice(struct world *w)
{
	POKE(w, w->other->first, w->link[0]);
}

static void l4_before(struct world *w)
{
	POKE(w, slot_of(w, w->unique)->link.prev, w->link[0]);
}

static void l4_behind(struct world *w)
{
	POKE(w, slot_of(w, w->unique)->link.next, w->link[0]);
}

static void l5_tag(struct world *w)
{
	POKE(w, w->empty_list->tag, w->list->tag);
}

static void l7_index(struct world *w)
{
	POKE(w, w->list->index, 1);
}

static void l7_at(struct world *w)
{
	POKE(w, w->list->at, w->link[0]);
}

static void l8_index(struct world *w)
{
	POKE(w, w->out->index, 3);
	POKE(w, w->out->at, VMS_NO_SLOT);
}

static void l8_at(struct world *w)
{
	POKE(w, w->out->at, w->out_link[0]);
}

static void l8_prev(struct world *w)
{
	POKE(w, slot_of(w, w->out_link[1])->link.prev, VMS_NO_SLOT);
}

static void l9_tag(struct world *w)
{
	POKE(w, w->empty_list->tag, w->out->tag);
}

static void l10_tag(struct world *w)
{
	POKE(w, w->empty_out->tag, w->out->tag);
}

static void l11_no_link(struct world *w)
{
	poke_live(w, w->free, VMS_RC_UNIQUE, VMSTORE_USAGE_FRAME, VMS_TYPE_FRAME);
	POKE(w, slot_of(w, w->free)->in_list, w->list->tag);
}

static void l11_loose(struct world *w)
{
	POKE(w, slot_of(w, w->unique)->in_list, w->out->tag);
}

static void g2_link(struct world *w)
{
	POKE(w, slot_of(w, w->free)->link.next, w->free);
}

static void g3_list(struct world *w)
{
	POKE(w, w->empty_list->tag, NO_TAG);
}

/**
 * struct inv_case - a state and who must report it
 * @name: of the state
 * @corrupt: makes it
 * @clauses: those that report, besides I0, and besides the conjunctions of R
 */
struct inv_case {
	const char *name;
	void (*corrupt)(struct world *w);
	const char *clauses;
};

/*
 * Where more than one clause is named, they cannot be told apart in that state, for the
 * reason given; many of these have a state of their own elsewhere in the table.
 */
static const struct inv_case inv_cases[] = {
	{ "a slot is missing", r2_slot_missing, "R2" },
	/* that of device memory, which is mapped in an area */
	{ "a block is missing", r3_block_missing, "R3 P3 P7 P8 K2" },
	/* more slots than the region has frames are not as many as it has */
	{ "region is shorter", r4_region_shorter, "R2 R4" },
	{ "unused with storage", r7_storage, "R7" },
	{ "unused with a type", r7_type, "R7" },
	/* S3 forbids at every slot what R7, R9 and R11 forbid at theirs */
	{ "unused in a list", r7_in_list, "R7 S3" },
	{ "shared in a list", r9_in_list, "R9 S3" },
	{ "busy in a list", r11_in_list, "R11 S3" },
	{ "unique in a list", s3_unique_in_list, "S3" },
	/* a path at an unused slot is one that no leaf has, too */
	{ "unused with a path", r7_paths, "R7 R14" },
	{ "unique without storage", r8_no_storage, "R8" },
	{ "unique with a path", r8_paths, "R8 R14" },
	{ "shared without a type", r9_no_type, "R9" },
	{ "rc just above the maximum", r10_first, "R10" },
	{ "rc just below unique", r10_last, "R10" },
	/* the stored index is all a slot keeps of its address, its place and its cells */
	{ "self out of the table", r12_self_outside, "R12 R15 S2 S2h" },
	{ "self of another slot", r15_self_other, "R15 S2 S2h" },
	/* S2h leaves live nodes out */
	{ "self of another node", r15_self_other_node, "R15 S2" },
	{ "path that does not exist", r14_path_too_many, "R14" },
	{ "RAM with usage MMIO", r16_usage_mmio, "R16" },
	{ "device memory with usage Frame", r16_mmio_usage, "R16" },
	{ "node with one reference too many", r17_node_rc, "R17" },
	{ "kernel frame that nobody holds", r17_kernel_rc, "R17" },
	/* nobody who reaches the node also means nobody who owes its drop */
	{ "node that is lost", g1_lost, "G1 R17" },
	/* what is linked is not stray */
	{ "node linked and gathered", g1_linked_and_gathered, "G1 T5" },
	{ "handle out of the region", s12_outside, "S12" },
	{ "handle of a kernel frame", s13_not_frame, "S13" },
	{ "wrong number of handles", s14_count, "S14" },
	{ "more handles than allowed", s14_limit, "S14" },
	{ "wrong number of segments", s15_count, "S15" },
	{ "more segments than allowed", s15_limit, "S15" },
	{ "empty segment", s16_empty, "S16" },
	{ "segment out of the region", s16_outside, "S16" },
	/* it covers device memory as well, which is never in use */
	{ "segment beyond the region", s16_end_outside, "S16 S17 A1" },
	{ "kernel frame in a segment", s17_not_frame, "S17" },
	/* L4 says of a loose handle what U1 and U2 say, L6 what U3 does: they are these */
	{ "exclusive handle out of the region", u1_outside, "U1 L4" },
	{ "exclusive handle of a kernel frame", u2_usage, "U2 L4" },
	/* a data frame that is shared by nobody */
	{ "exclusive handle of a shared frame", u2_shared, "U2 L4 A2" },
	{ "exclusive handle of a listed frame", u2_in_list, "U2 L4 S3" },
	/* R8 says of the slot what U2 says of the handle; no leaf has the path */
	{ "exclusive handle of a mapped frame", u2_paths, "U2 R8 R14" },
	{ "two exclusive handles of a frame", u3_twice, "U3 L6" },
	/* and is not what was gathered */
	{ "unused and gathered", a1_gathered, "A1 T5" },
	/* a slot never used has no usage, so no data frame's */
	{ "unused and in a segment", a1_segment, "A1 S17" },
	/*
	 * A data frame that is unused though it has a user has no count that could be
	 * right, and no storage, or R7 would report.
	 */
	{ "unused with a handle", a1_handle, "A1 A3a A3c A3d" },
	{ "frame without a user", a2_no_user, "A2" },
	{ "busy frame", a2_busy, "A2" },
	/* UNIQUE is no number of users */
	{ "unique with a handle", a3b_unique, "A3b A3c" },
	{ "unique and in a segment", a3b_segment, "A3b A3c" },
	{ "one reference too many, a segment", a3c_segment_too_many, "A3c" },
	{ "one segment too many", a3c_segment_twice, "A3c" },
	{ "one reference too many, a handle", a3c_handle_too_many, "A3c" },
	{ "one reference too many, a leaf", a3c_leaf_too_many, "A3c" },
	{ "one reference too few", a3c_too_few, "A3c" },
	/* a frame whose count is right is shared, and R9 wants storage there */
	{ "user without storage", a3d_no_storage, "A3d R9" },
	/* what makes a node no child of one parent is that it is found twice */
	{ "node linked twice", p1_linked_twice, "P1 G1 W1 S5" },
	/* the stored level is all a node keeps of its place */
	{ "wrong level of a child", p2_level, "P2 P10" },
	{ "wrong level of a root", p5_level, "P5 P10" },
	{ "unknown bit in a leaf", p3_bit, "P3" },
	{ "unknown bit in a table entry", p3_table_bit, "P3" },
	/* an address that is no frame's is neither aligned nor in bounds */
	{ "leaf out of the region", p3_address, "P3 P7 P8 W1 S5" },
	{ "a node is mapped", p4_node_mapped, "P4" },
	/* W3 says of an active space what P5 says of all */
	{ "machine walks another root", p5_other_root, "P5 W3 S5" },
	/* K2 is the conjunction of P1 to P7 in the kernel half, K3 that of P10 to P13 */
	{ "machine walks another kernel root", p5_kernel_root, "P5 K2" },
	/* what only that table reaches is used by nobody */
	{ "root out of the region", p5_outside, "P5 G1 R14 R17 A2 A3c" },
	{ "stray and reachable", p6_stray, "P6 W1 S5" },
	/* no recount exceeds 512 */
	{ "more children than entries", p6_children, "P6 P13 W1 S5" },
	{ "huge user leaf", p7_huge_user_leaf, "P7 W1 S5" },
	/* larger than any region: most of its pages are no slot */
	{ "leaf in a root", p7_leaf_in_root, "P7 P8 P12 W1 S5" },
	/* P7 says of the leaf what P8 says of the mapping */
	{ "huge leaf misaligned", p8_misaligned, "P7 P8 K2" },
	{ "node with two paths", p10_paths, "P10" },
	{ "node with rc 0", p10_rc, "P10" },
	{ "node with a frame's type", p10_type, "P10" },
	{ "mapped with rc 0", p11_rc, "P11" },
	/* a node that no table reaches */
	{ "mapped with a node's usage", p11_usage, "P11 G1" },
	/* fewer paths than leaves are also not as many */
	{ "path not recorded", p11_path, "P11 R14" },
	/* and leaves of level 2 are for device memory */
	{ "huge leaf over free frames", p12_sub_pages, "P12 K3 D17" },
	{ "child that does not exist", p13_children, "P13" },
	{ "child of a root that does not exist", p13_root, "P13" },
	{ "kernel half not in the root", p14_kernel_missing, "P14" },
	{ "borrowed entry is a leaf", p14_leaf, "P14" },
	/* a kernel reader and a kernel writer have their frame there */
	{ "window over another block", d16_other_block, "D16 V2 S9" },
	{ "window for user mode", d16_property, "D16" },
	{ "window beyond the region", d16_beyond, "D16" },
	{ "window without its table", d16_no_table, "D16 V2 S9" },
	/* S6 is the conjunction of C1 to C4 */
	{ "range exceeds the covering node", c1_range, "C1 S6" },
	{ "range misaligned", c1_range_misaligned, "C1 S6" },
	{ "address in the kernel half", c1_user_half, "C1 S6" },
	/* what the levels say of the path is C6 */
	{ "level 0", c1_level, "C1 C6 S6" },
	{ "covering node above the root", c1_guard_level, "C1 C5 C6 S6" },
	/* C5 says of the handle what C1 says of the owner: C1 is the stronger one */
	{ "address before the range", c1_before, "C1 C5 S6" },
	{ "address misaligned", c5_misaligned, "C1 C5 S6" },
	/* a node that is not on the cursor's way is not its own either */
	{ "path of another cursor", c1_path, "C1 C3 S6" },
	/* the stored level is all a node keeps of its place */
	{ "wrong level of a path node", c1_path_level, "C1 S6 P2 P10 S7" },
	{ "node owned from outside", c2_outside, "C2 S6" },
	/* no cursor is to blame */
	{ "node owned by nobody", c2_dead_owner, "C2" },
	{ "path node not owned", c3_path, "C3 S6" },
	{ "node in the range not owned", c3_below, "C3 S6" },
	{ "popped too high", c4_popped, "C4 S6" },
	{ "popped too high in the range", c4_popped_inside, "C1 C4 S6" },
	{ "popped above the handle's bound", c5_popped_twice, "C4 C5 S6" },
	{ "path above the covering node", c6_above, "C6" },
	/* S7 is P10 to P13 on what a cursor reaches */
	{ "children wrong below a cursor", s7_below, "P13 S7" },
	{ "paths wrong above a cursor", s7_above, "P10 S7" },
	{ "path not recorded below a cursor", s7_leaf, "P11 R14 S7" },
	{ "cursor of an unknown space", s8_unknown, "S8" },
	/* the space that has the table finds it again, no tree any more */
	{ "kernel table with a user half", p14_kernel_user_half, "P1 P2 P10 P14 G1 W1 S5 K2 K3" },
	/* S9 is the conjunction of V1 to V5; V6 says of the handle what V1 says of the owner */
	{ "past its end", v1_past_end, "V1 V6 S9" },
	/* no address of a space is in the window */
	{ "of a space, with a view", v3_view, "V2 V3 S9" },
	{ "kernel reader with a write view", v4_other_view, "V4 S9" },
	/* whose frame is then held by nobody */
	{ "kernel reader without a view", v4_no_view, "V4 S9 A3c" },
	{ "kernel writer with a read view", v5_other_view, "V5 S9" },
	/* both have the frame, and so has a handle */
	{ "kernel frame in a view", v5_other_usage, "V4 V5 S9 S13" },
	{ "before its range", v6_before, "V6" },
	{ "past its range", v6_after, "V6" },
	{ "reader of an unknown space", s10_unknown, "S10" },
	{ "range that wraps", s11_wraps, "S11" },
	{ "range past the user half", s11_one_too_many, "S11" },
	/* S5 is the conjunction of W1 to W9 */
	{ "active for the machine alone", w2_machine, "W2 S5" },
	{ "active for the store alone", w2_store, "W2 S5" },
	{ "in a record, past its end", w4_past_end, "V1 V6 S9 W4 S5" },
	{ "a reader meets a writer", w5_meet, "W5 S5" },
	{ "a reader meets a reader", w6_meet, "W6 S5" },
	{ "a writer meets a writer", w7_meet, "W7 S5" },
	{ "writer through another table", w8_other_table, "W8 S5" },
	{ "writer with another id", w8_other_id, "W8 S5" },
	{ "reader of another space", w9_other_space, "W9 S5" },
	{ "kernel node with two paths", k3_paths, "P10 K3" },
	{ "area below all areas", k4_below, "K4" },
	{ "area above all areas", k5_above, "K5" },
	{ "start of an area misaligned", k6_misaligned, "K6" },
	{ "end of an area misaligned", k7_misaligned, "K7" },
	{ "area turned round", k8_turned_round, "K8" },
	{ "wrong number of areas", k9_count, "K9" },
	{ "more areas than allowed", k9_limit, "K9" },
	{ "area without a guard page", g6_no_guard, "G6" },
	{ "area over another", g6_overlap, "G6" },
	{ "leaf in a guard page", g7_outside, "G7" },
	{ "pin that nobody holds", g8_pin_too_many, "G8" },
	{ "tracked leaf not marked", d17_unmarked, "D17" },
	{ "untracked leaf marked", d17_marked, "D17" },
	{ "writer over a page it may not write", v5_read_only, "V5 S9" },
	{ "writer outside of its area", v5_other_area, "V5 S9" },
	{ "writer in an area that is not pinned", v5_not_pinned, "V5 S9 G8" },
	/* the tag of a link is in_list of its slot, for L2, L3 and L11 alike */
	{ "list without a tag", l2_no_tag, "L2 L3 L11" },
	{ "link with another tag", l2_other_tag, "L2 L3 L11" },
	/* a data frame that is shared by nobody, and in a list */
	{ "link that is shared", l3_shared, "L3 R9 A2" },
	{ "link in a kernel frame", l3_usage, "L3" },
	{ "link with a frame's type", l3_type, "L3" },
	{ "link behind another than its own", l3_prev, "L3" },
	/* what nothing leads to is no link and carries the tag */
	{ "link left out", l3_next, "L3 L11 S3" },
	{ "links in a circle", l3_circle, "L3" },
	{ "link beyond the region", l3_outside, "L3" },
	{ "last link is not the last", l3_last, "L3" },
	{ "number of links wrong", l3_number, "L3" },
	/* the second list has links with the tag of the first, and its own is lost */
	{ "link of two lists", l3_twice, "L2 L3 L11 S3" },
	{ "loose handle with a link before", l4_before, "L4" },
	{ "loose handle with a link behind", l4_behind, "L4" },
	{ "two lists with a tag", l5_tag, "L5" },
	{ "no cursor but a number", l7_index, "L7" },
	{ "no cursor but a link", l7_at, "L7" },
	{ "cursor beyond the end", l8_index, "L8" },
	{ "cursor at another link", l8_at, "L8" },
	{ "cursor over broken links", l8_prev, "L8" },
	{ "list and cursor with a tag", l9_tag, "L9" },
	{ "two cursors with a tag", l10_tag, "L10" },
	/* S3 wants no tag at all where there is no link, L11 none that a list has */
	{ "tag of a list at no link", l11_no_link, "L11 S3" },
	{ "tag of a list at a loose handle", l11_loose, "L11 S3 U2 L4" },
	{ "record not touched", g2_record, "G2" },
	{ "link not touched", g2_link, "G2" },
	{ "list not touched", g3_list, "G3" },
	{ "node's metadata not touched", g2_meta, "G2" },
	{ "entry not touched", g2_entry, "G2" },
	{ "cursor not touched", g3_cursor, "G3" },
	{ "kind not declared", g4_kind, "G4" },
	/* S4 is the conjunction of T1 to T3 */
	{ "cached and misaligned", t1_misaligned, "T1 S4" },
	{ "cached and out of the region", t1_outside, "T1 S4" },
	{ "cached twice at one address", t2_meet, "T2 S4" },
	{ "cached twice from one frame", t3_meet, "T3 S4" },
	{ "cached and nowhere mapped", t4_nowhere, "T4" },
	{ "cached with another property", t4_property, "T4" },
	{ "cached of another space", t4_other_space, "T4" },
	{ "cached of no space", t4_no_space, "T4" },
	{ "gathered node has a new owner", t5_node_reborn, "T5" },
	{ "gathered frame has a new owner", t5_frame_reborn, "T5" },
	{ "kernel frame below a gathered node", t5_below, "T5" },
	{ "claimed, and no new birth", g9_claimed, "G9" },
	{ "a flush is owed of nothing", g10_nothing, "G10" },
	/* T5 wants it of every node that is gathered, G5 of what a gather cut off */
	{ "gathered node not stray", g5_not_stray, "G5 T5" },
	{ "gathered node owned", g5_owned, "G5" },
	{ "gathered node with a path", g5_path, "G5" },
};

/* Clauses that no data can violate, and why */
static const struct {
	const char *id;
	const char *why;
} inv_impossible[] = {
	{ "R1", "the number of slots is that of an array, which is finite" },
	{ "R13", "slots have a size that is a multiple of 64, in an array aligned to pages" },
	{ "P9", "a leaf's address is its place in a tree of fixed depth: places are disjoint" },
};

static void inv_case_name(const struct inv_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(inv, inv_cases, inv_case_name);

/* Is @id one of the words of @list? */
static bool has_word(const char *list, const char *id)
{
	size_t len = strlen(id);
	const char *at = list;

	while ((at = strstr(at, id))) {
		if ((at == list || at[-1] == ' ') && (at[len] == ' ' || !at[len]))
			return true;
		at += len;
	}
	return false;
}

/* Does one of R@first to R@last have to report? */
static bool has_region(const struct inv_case *c, int first, int last)
{
	char id[4];
	int i;

	for (i = first; i <= last; i++) {
		snprintf(id, sizeof(id), "R%d", i);
		if (has_word(c->clauses, id))
			return true;
	}
	return false;
}

/* S1, K1, L1, R5 and R6 are conjunctions of other clauses of slots, I0 is that of all */
static bool must_report(const struct inv_case *c, const char *id)
{
	if (!strcmp(id, "I0"))
		return true;
	if (!strcmp(id, "S1") || !strcmp(id, "K1") || !strcmp(id, "L1"))
		return has_region(c, 1, 15);
	if (!strcmp(id, "R5"))
		return has_region(c, 7, 15);
	if (!strcmp(id, "R6"))
		return has_region(c, 7, 14);
	return has_word(c->clauses, id);
}

/* Is it about changes that nobody declared? The other states are such changes, too */
static bool is_undeclared(const struct inv_case *c)
{
	return has_word(c->clauses, "G2") || has_word(c->clauses, "G3") ||
	       has_word(c->clauses, "G4") || has_word(c->clauses, "G9");
}

/* A check after a poke: that it was one is not the point */
static u64 check_poked(struct kunit *test, struct vms_store *s)
{
	vms_inv_forget(s);
	return fx_check(test, s);
}

/* --- the cases ------------------------------------------------------------------------ */

static void inv_reports(struct kunit *test)
{
	const struct inv_case *c = test->param_value;
	struct world *w = test->priv;
	struct vms_store *s = w->fx.s;
	const struct vmstore_violation *first = &s->inv->violation[0];
	const struct vms_clause *clause;
	u64 found, reported = 0;
	char ids[160] = "";
	int len = 0;
	u32 i;

	make_world(w);
	fx_expect_inv(test, s);

	c->corrupt(w);
	found = is_undeclared(c) ? fx_check(test, s) : check_poked(test, s);
	for (i = 0; (clause = vms_inv_clause(i)); i++) {
		u64 violated = s->inv->count[i].violated;

		reported += violated;
		KUNIT_EXPECT_EQ_MSG(test, !!violated, must_report(c, clause->id), "%s",
				    clause->id);
		if (violated)
			len += scnprintf(ids + len, sizeof(ids) - len, " %s", clause->id);
	}
	/* docs/clauses.md is made of these */
	kunit_info(test, "corruption: %s:%s\n", c->name, ids);
	KUNIT_EXPECT_EQ(test, found, reported);
	KUNIT_EXPECT_EQ(test, s->inv->nr_violations, found);
	KUNIT_EXPECT_TRUE(test, s->frozen);
	KUNIT_EXPECT_TRUE(test, must_report(c, first->clause));
	KUNIT_EXPECT_GT(test, strlen(first->text), 0);
	if (test->status == KUNIT_FAILURE)
		for (i = 0; i < min_t(u64, found, VMS_INV_MAX_VIOLATIONS); i++)
			kunit_info(test, "%s %s\n", first[i].clause, first[i].text);

	undo(w);
	KUNIT_EXPECT_EQ(test, fx_check(test, s), 0);
	KUNIT_EXPECT_FALSE(test, s->frozen);
}

/* Every clause has a state that violates it, or a reason why there is none */
static void inv_covers_every_clause(struct kunit *test)
{
	const struct vms_clause *clause;
	u32 i, k;

	for (i = 0; (clause = vms_inv_clause(i)); i++) {
		bool covered = false;
		bool impossible = false;

		for (k = 0; k < ARRAY_SIZE(inv_cases); k++)
			covered |= must_report(&inv_cases[k], clause->id);
		for (k = 0; k < ARRAY_SIZE(inv_impossible); k++)
			impossible |= !strcmp(inv_impossible[k].id, clause->id);
		KUNIT_EXPECT_NE_MSG(test, covered, impossible, "%s", clause->id);
		kunit_info(test, "clause: %s: %s\n", clause->id, clause->text);
	}
	for (k = 0; k < ARRAY_SIZE(inv_impossible); k++)
		kunit_info(test, "impossible: %s: %s\n", inv_impossible[k].id,
			   inv_impossible[k].why);
	KUNIT_EXPECT_EQ(test, i, vms_inv_nr_clauses());
	KUNIT_EXPECT_LT(test, i, MAX_CLAUSES);
}

/* Ids fit the record, texts too, and no id is there twice */
static void inv_table(struct kunit *test)
{
	const struct vms_clause *clause;
	struct vmstore_clause rec;
	u32 i, k;

	for (i = 0; (clause = vms_inv_clause(i)); i++) {
		KUNIT_EXPECT_LT(test, strlen(clause->id), sizeof(rec.id));
		KUNIT_EXPECT_LT_MSG(test, strlen(clause->text), sizeof(rec.text), "%s",
				    clause->id);
		KUNIT_EXPECT_LT(test, clause->scope, VMS_NR_SCOPES);
		KUNIT_EXPECT_NOT_NULL(test, clause->eval);
		for (k = 0; k < i; k++)
			KUNIT_EXPECT_STRNEQ(test, clause->id, vms_inv_clause(k)->id);
	}
}

/* --- states that are good ---------------------------------------------------------------- */

static void inv_empty_store(struct kunit *test)
{
	struct vms_store *s = fx_store(test);

	fx_expect_inv(test, s);
	fx_expect_inv(test, s);
	fx_expect_empty(test, s);
}

/* Frames and subtrees that wait for a flush are handles of their gather [D4] */
static void inv_gathered(struct kunit *test)
{
	struct world *w = test->priv;
	struct vms_store *s = w->fx.s;
	u64 space = fx_space_new(test, s);
	u64 c;
	int i;

	fx_activate(test, s, 0, space);
	c = fx_open(test, s, true, space, 0, 2 * vms_page_size(2));
	for (i = 0; i < 8; i++)
		fx_map_new(test, s, c, vms_page_size(2) - 4 * FX_PAGE + i * FX_PAGE);
	fx_jump(test, s, c, 0);
	/* single leaves of the first table, the second as a whole */
	fx_unmap(test, s, c, vms_page_size(2) - FX_PAGE);
	fx_expect_inv(test, s);
	fx_jump(test, s, c, vms_page_size(2));
	fx_unmap(test, s, c, vms_page_size(2));
	fx_expect_inv(test, s);
	fx_close(test, s, c);
	fx_expect_inv(test, s);
	fx_reap(test, s);
	fx_activate(test, s, 0, 0);
	fx_space_drop(test, s, space);
	fx_expect_inv(test, s);
	fx_expect_empty(test, s);
}

/* Such a gather must have been seen: make one that nobody can have released yet */
static void inv_counts_gathered_subtree(struct kunit *test)
{
	struct world *w = test->priv;
	struct vms_region *r = &w->fx.s->region;
	struct vms_removed sum = {};
	u32 cut;

	make_world(w);
	cut = vms_node_unlink(r, w->above, vms_pte_index(PAGES, 2), &sum);
	KUNIT_EXPECT_EQ(test, cut, w->leafs);
	KUNIT_EXPECT_EQ(test, sum.leaves, 2);
	/* not gathered: a node and two references are lost */
	KUNIT_EXPECT_GT(test, fx_check(test, w->fx.s), 0);
	w->fx.s->frozen = false;
	vms_gather_add(&w->fx.s->tlb, w->narrow->gather, cut, true);
	KUNIT_EXPECT_EQ(test, fx_check(test, w->fx.s), 0);
	fx_reap(test, w->fx.s);
	KUNIT_EXPECT_EQ(test, fx_check(test, w->fx.s), 0);
	KUNIT_EXPECT_EQ(test, slot_of(w, w->mapped)->rc.counter, VMS_RC_UNUSED);
	KUNIT_EXPECT_EQ(test, slot_of(w, w->shared)->rc.counter, 1);
}

/* --- counts ---------------------------------------------------------------------------------- */

static const struct vms_clause_count *count_of(struct vms_store *s, const char *id)
{
	const struct vms_clause *clause;
	u32 i;

	for (i = 0; (clause = vms_inv_clause(i)); i++)
		if (!strcmp(clause->id, id))
			return &s->inv->count[i];
	return NULL;
}

/* What one check adds to a count */
static struct vms_clause_count count_once(struct kunit *test, struct vms_store *s,
					  const char *id)
{
	struct vms_clause_count before = *count_of(s, id);
	struct vms_clause_count after;

	KUNIT_EXPECT_EQ(test, fx_check(test, s), 0);
	after = *count_of(s, id);
	return (struct vms_clause_count) {
		.evaluated = after.evaluated - before.evaluated,
		.not_vacuous = after.not_vacuous - before.not_vacuous,
		.violated = after.violated - before.violated,
	};
}

static void expect_count(struct kunit *test, const char *id, u64 evaluated, u64 not_vacuous)
{
	struct vms_clause_count n = count_once(test, fx_store(test), id);

	KUNIT_EXPECT_EQ_MSG(test, n.evaluated, evaluated, "%s", id);
	KUNIT_EXPECT_EQ_MSG(test, n.not_vacuous, not_vacuous, "%s", id);
	KUNIT_EXPECT_EQ_MSG(test, n.violated, 0, "%s", id);
}

static void inv_counts_empty(struct kunit *test)
{
	struct vms_region *r = &fx_store(test)->region;

	expect_count(test, "I0", 1, 1);
	expect_count(test, "R5", r->nr_slots, r->nr_slots);
	expect_count(test, "R7", r->nr_slots, r->nr_slots - 2);
	/* top of the kernel half, root of the kernel page table */
	expect_count(test, "R9", r->nr_slots, 2);
	expect_count(test, "R10", r->nr_slots, r->nr_slots);
	expect_count(test, "A1", r->nr_slots, r->nr_slots - 2);
	expect_count(test, "A2", r->nr_slots, 0);
	expect_count(test, "A3c", r->nr_slots, 0);
	expect_count(test, "G1", r->nr_slots, 2);
	expect_count(test, "S12", 0, 0);
	expect_count(test, "P10", 2, 2);
	expect_count(test, "P5", 1, 1);
	expect_count(test, "S5", 0, 0);
	expect_count(test, "S9", 0, 0);
	expect_count(test, "P11", 0, 0);
	expect_count(test, "C1", 0, 0);
	/* 256 entries of the top node, 512 of the one table: 1 and 8 are not none */
	expect_count(test, "D16", 768, 1 + WORLD_REGION / vms_page_size(2));
}

static void inv_counts_world(struct kunit *test)
{
	struct world *w = test->priv;
	struct vms_region *r = &w->fx.s->region;
	u64 nodes;

	make_world(w);
	nodes = atomic_read(&r->nr_nodes);
	expect_count(test, "S12", 3, 3);
	expect_count(test, "S13", 3, 3);
	/* 6 tracked leaves, 2 frames held, 2 in a segment */
	expect_count(test, "A2", r->nr_slots, 10);
	expect_count(test, "A3c", r->nr_slots, 10);
	expect_count(test, "S16", 1, 1);
	expect_count(test, "S17", r->nr_slots, 2);
	expect_count(test, "U1", 1, 1);
	expect_count(test, "U2", 1, 1);
	expect_count(test, "U3", 1, 1);
	/* the exclusive handle, and six links */
	expect_count(test, "R8", r->nr_slots, 7);
	expect_count(test, "L1", 1, 1);
	expect_count(test, "L2", 5, 3);
	expect_count(test, "L3", 5, 3);
	expect_count(test, "L4", 1, 1);
	expect_count(test, "L5", 5, 2);
	expect_count(test, "L6", 1, 1);
	expect_count(test, "L7", 5, 3);
	expect_count(test, "L8", 5, 2);
	expect_count(test, "L9", 5, 3);
	expect_count(test, "L10", 5, 1);
	expect_count(test, "L11", r->nr_slots, 6);
	expect_count(test, "S3", r->nr_slots, r->nr_slots - 6);
	expect_count(test, "R14", r->nr_slots, 6);
	expect_count(test, "R9", r->nr_slots, nodes + 10);
	expect_count(test, "G1", r->nr_slots, nodes);
	expect_count(test, "P6", nodes, nodes);
	expect_count(test, "P7", 7, 7);
	expect_count(test, "P12", 7, 1);
	expect_count(test, "D17", 7, 2);
	expect_count(test, "G7", 7, 2);
	expect_count(test, "K4", 3, 3);
	expect_count(test, "G6", 3, 3);
	expect_count(test, "P5", 3, 3);
	/* an entry for each node but roots and top, and for each leaf */
	expect_count(test, "P3", nodes - 4 + 7, nodes - 4 + 7);
	expect_count(test, "P2", nodes - 4 + 7, nodes - 4);
	expect_count(test, "C1", 2, 2);
	/* the two covering nodes, and two leaf tables below the wide one */
	expect_count(test, "C2", nodes, 4);
	expect_count(test, "S9", 8, 8);
	expect_count(test, "S10", 8, 5);
	expect_count(test, "V2", 8, 3);
	expect_count(test, "V3", 8, 5);
	expect_count(test, "V4", 8, 1);
	expect_count(test, "V5", 8, 2);
	/* one of the two spaces is active */
	expect_count(test, "W1", 2, 2);
	expect_count(test, "W2", 2, 1);
	expect_count(test, "W5", 2, 1);
	expect_count(test, "W6", 2, 1);
	expect_count(test, "S5", 2, 2);
	expect_count(test, "S4", 1, 1);
	expect_count(test, "T1", 2, 2);
	expect_count(test, "T2", 2, 2);
	expect_count(test, "T3", 2, 2);
	expect_count(test, "T4", 2, 2);
	expect_count(test, "T5", r->nr_slots, 0);
	/* the gathers of both cursors */
	expect_count(test, "G10", 2, 0);
}

/* A clause that is never put to the test proves nothing: only these may be like that */
static void inv_not_vacuous(struct kunit *test)
{
	static const char * const vacuous =
		"R11";	/* rc 0 is an operation in flight */
	struct world *w = test->priv;
	const struct vms_clause *clause;
	u32 i;

	make_world(w);
	gather_leafs(w);
	poke_owing(w);
	POKE(w, w->narrow->gather->sent.all, true);
	fx_expect_inv(test, w->fx.s);
	/* a slot that is claimed, seen by the check of its operation */
	fx_frame_alloc(test, w->fx.s, NULL);
	undo(w);
	for (i = 0; (clause = vms_inv_clause(i)); i++)
		KUNIT_EXPECT_EQ_MSG(test, !w->fx.s->inv->count[i].not_vacuous,
				    has_word(vacuous, clause->id), "%s", clause->id);
}

/* --- records -------------------------------------------------------------------------------- */

static void inv_record(struct kunit *test)
{
	struct world *w = test->priv;
	struct vms_store *s = w->fx.s;
	const struct vmstore_violation *v = &s->inv->violation[0];
	char text[sizeof(v->text)];

	make_world(w);
	poke_rc(w, w->shared, 3);
	KUNIT_EXPECT_EQ(test, check_poked(test, s), 2);
	KUNIT_EXPECT_STREQ(test, v->clause, "A3c");
	KUNIT_EXPECT_EQ(test, v->kind, VMSTORE_OBJ_SLOT);
	KUNIT_EXPECT_EQ(test, v->object, vms_slot_paddr(w->shared));
	KUNIT_EXPECT_EQ(test, v->space, 0);
	KUNIT_EXPECT_EQ(test, v->expected, 2);
	KUNIT_EXPECT_EQ(test, v->found, 3);
	snprintf(text, sizeof(text), "slot %#llx: rc is not H+P+S: 3, must be 2", v->object);
	KUNIT_EXPECT_STREQ(test, v->text, text);
	KUNIT_EXPECT_STREQ(test, v[1].clause, "I0");
	KUNIT_EXPECT_EQ(test, v[1].kind, VMSTORE_OBJ_STORE);
	KUNIT_EXPECT_STREQ(test, v[1].text, "store: violations: 1, must be 0");
	undo(w);
}

static void inv_record_place(struct kunit *test)
{
	struct world *w = test->priv;
	struct vms_store *s = w->fx.s;
	const struct vmstore_violation *v = &s->inv->violation[0];

	make_world(w);
	p13_children(w);
	fx_check(test, s);
	KUNIT_EXPECT_EQ(test, v->kind, VMSTORE_OBJ_NODE);
	KUNIT_EXPECT_EQ(test, v->object, vms_slot_paddr(w->empty));
	KUNIT_EXPECT_EQ(test, v->space, w->b->id);
	undo(w);

	s->inv->nr_violations = 0;
	s->inv->nr_stored = 0;
	p7_huge_user_leaf(w);
	fx_check(test, s);
	KUNIT_EXPECT_EQ(test, v->kind, VMSTORE_OBJ_LEAF);
	KUNIT_EXPECT_EQ(test, v->object, EMPTY + vms_page_size(2));
	KUNIT_EXPECT_EQ(test, v->space, w->b->id);
	undo(w);

	s->inv->nr_violations = 0;
	s->inv->nr_stored = 0;
	c6_above(w);
	fx_check(test, s);
	KUNIT_EXPECT_EQ(test, v->kind, VMSTORE_OBJ_CURSOR);
	KUNIT_EXPECT_EQ(test, v->object, w->narrow->id);
	KUNIT_EXPECT_EQ(test, v->space, w->a->id);
	undo(w);
}

/* No machine address gets into a record, whatever an entry holds */
static void inv_record_hides_addresses(struct kunit *test)
{
	struct world *w = test->priv;
	const struct vms_inv *inv = w->fx.s->inv;
	u64 i;

	make_world(w);
	p3_bit(w);
	p3_address(w);
	d16_other_block(w);
	d16_property(w);
	p14_leaf(w);
	fx_check(test, w->fx.s);
	KUNIT_ASSERT_GT(test, inv->nr_stored, 0);
	for (i = 0; i < inv->nr_stored; i++) {
		KUNIT_EXPECT_FALSE(test, inv->violation[i].found & VMS_PTE_PA_MASK);
		KUNIT_EXPECT_FALSE(test, inv->violation[i].expected & VMS_PTE_PA_MASK);
	}
	undo(w);
}

/* All are counted, the first ones are kept */
static void inv_record_many(struct kunit *test)
{
	struct world *w = test->priv;
	struct vms_store *s = w->fx.s;
	u32 i;

	make_world(w);
	for (i = 0; i < 100; i++)
		slot_of(w, w->huge + i)->usage = VMSTORE_USAGE_MMIO;
	KUNIT_EXPECT_EQ(test, check_poked(test, s), 101);
	KUNIT_EXPECT_EQ(test, s->inv->nr_violations, 101);
	/* the first ones, and the first of each clause behind them */
	KUNIT_EXPECT_EQ(test, s->inv->nr_stored, VMS_INV_MAX_VIOLATIONS + 1);
	KUNIT_EXPECT_STREQ(test, s->inv->violation[VMS_INV_MAX_VIOLATIONS].clause, "I0");
	KUNIT_EXPECT_EQ(test, count_of(s, "R16")->violated, 100);
	KUNIT_EXPECT_EQ(test, s->inv->violation[VMS_INV_MAX_VIOLATIONS - 1].object,
			vms_slot_paddr(w->huge + VMS_INV_MAX_VIOLATIONS - 1));
	/* a later check adds to what was found */
	KUNIT_EXPECT_EQ(test, fx_check(test, s), 101);
	KUNIT_EXPECT_EQ(test, s->inv->nr_violations, 202);
	for (i = 0; i < 100; i++)
		slot_of(w, w->huge + i)->usage = VMSTORE_USAGE_UNUSED;
	KUNIT_EXPECT_EQ(test, fx_check(test, s), 0);
}

/* A frozen store refuses operations, and the one that is checked says so */
static void inv_freezes(struct kunit *test)
{
	struct world *w = test->priv;
	struct vms_store *s = w->fx.s;
	struct vmstore_op op = fx_op_simple(VMSTORE_OP_FRAME_ALLOC);

	make_world(w);
	a3c_handle_too_many(w);
	KUNIT_EXPECT_EQ(test, fx_op(s, &op), -EIO);	/* done, and found wanting */
	KUNIT_EXPECT_TRUE(test, s->frozen);
	fx_fails(test, s, fx_op_simple(VMSTORE_OP_FRAME_ALLOC), -EIO);
	KUNIT_EXPECT_GT(test, fx_check(test, s), 0);
	undo(w);
}

/* --- tables that are broken beyond repair ----------------------------------------------- */

static void inv_cycle(struct kunit *test)
{
	struct world *w = test->priv;
	u64 table;
	unsigned int i;

	make_world(w);
	/* every entry of the wide cursor's covering node leads to the root */
	table = vms_pte_make_table(pa_of(w, w->a->pt.root));
	for (i = 0; i < VMS_NR_ENTRIES; i++)
		vms_node_entries(&w->fx.s->region, w->wide->pos.path[2])[i] = table;
	KUNIT_EXPECT_GT(test, fx_check(test, w->fx.s), 0);
	KUNIT_EXPECT_GT(test, count_of(w->fx.s, "P1")->violated, 0);
}

static void inv_self_table(struct kunit *test)
{
	struct world *w = test->priv;

	make_world(w);
	POKE(w, *entry_of(w, w->leafs, PAGES, 1), vms_pte_make_table(pa_of(w, w->leafs)));
	KUNIT_EXPECT_GT(test, fx_check(test, w->fx.s), 0);
	KUNIT_EXPECT_GT(test, count_of(w->fx.s, "P3")->violated, 0);
	undo(w);
	KUNIT_EXPECT_EQ(test, fx_check(test, w->fx.s), 0);
}

/* One subtree linked often below a cursor: no walk takes it for so many */
static void inv_no_tree_below(struct kunit *test)
{
	struct world *w = test->priv;
	struct vms_store *s = w->fx.s;
	u64 space = fx_space_new(test, s);
	u64 id = fx_open(test, s, true, space, 0, 32 * vms_page_size(3));
	const struct vms_cursor *c = xa_load(&s->cursors.xa, id);
	bool found = false;
	u32 top, below;
	u64 i;

	fx_map_new(test, s, id, 0);
	top = node_at(w, c->space, 0, 3);
	below = node_at(w, c->space, 0, 2);
	for (i = 1; i <= MAX_POKES / 2; i++)
		poke_entry(w, top, i * vms_page_size(3), 3,
			   vms_pte_make_table(pa_of(w, below)));
	KUNIT_EXPECT_GT(test, fx_check(test, s), 0);
	for (i = 0; i < s->inv->nr_stored; i++)
		found |= !!strstr(s->inv->violation[i].text, "is no tree");
	KUNIT_EXPECT_TRUE(test, found);
	KUNIT_EXPECT_GT(test, count_of(s, "P1")->violated, 0);
	KUNIT_EXPECT_GT(test, count_of(s, "S7")->violated, 0);
	undo(w);
	KUNIT_EXPECT_EQ(test, fx_check(test, s), 0);
}

/* Any bytes in a table are reported, and end no check */
static void inv_garbage(struct kunit *test)
{
	struct world *w = test->priv;
	struct rnd_state rnd;
	u32 nodes[4];
	u64 *entries, *saved;
	int i;

	make_world(w);
	nodes[0] = w->leafs;
	nodes[1] = w->above;
	nodes[2] = w->wide_leafs;
	nodes[3] = w->kernel;
	saved = kunit_kzalloc(test, VMS_PAGE_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, saved);
	prandom_seed_state(&rnd, 0x5eed0002);
	for (i = 0; i < 64; i++) {
		entries = vms_node_entries(&w->fx.s->region, nodes[i % ARRAY_SIZE(nodes)]);
		memcpy(saved, entries, VMS_PAGE_SIZE);
		prandom_bytes_state(&rnd, entries, VMS_PAGE_SIZE);
		KUNIT_EXPECT_GT(test, fx_check(test, w->fx.s), 0);
		memcpy(entries, saved, VMS_PAGE_SIZE);
		KUNIT_EXPECT_EQ(test, fx_check(test, w->fx.s), 0);
	}
	w->fx.s->frozen = false;
}

/* So do addresses of the region with any other bits */
static void inv_garbage_in_region(struct kunit *test)
{
	struct world *w = test->priv;
	struct vms_region *r = &w->fx.s->region;
	struct rnd_state rnd;
	int i;

	make_world(w);
	prandom_seed_state(&rnd, 0x5eed0003);
	for (i = 0; i < 256; i++) {
		u32 idx = prandom_u32_state(&rnd) % r->nr_slots;
		u64 bits = (u64)prandom_u32_state(&rnd) << 32 | prandom_u32_state(&rnd);
		unsigned int at = prandom_u32_state(&rnd) % VMS_NR_ENTRIES;
		u32 node = i & 1 ? w->leafs : w->above;
		u64 *entry = &vms_node_entries(r, node)[at];

		POKE(w, *entry, (bits & ~VMS_PTE_PA_MASK) | vms_slot_pa(r, idx));
		KUNIT_EXPECT_GT(test, fx_check(test, w->fx.s), 0);
		undo(w);
		KUNIT_EXPECT_EQ(test, fx_check(test, w->fx.s), 0);
	}
}

/* Links that lead anywhere are reported, and end no check */
static void inv_garbage_links(struct kunit *test)
{
	struct world *w = test->priv;
	u32 nr_slots = w->fx.s->region.nr_slots;
	struct rnd_state rnd;
	int i;

	make_world(w);
	prandom_seed_state(&rnd, 0x5eed0004);
	for (i = 0; i < 128; i++) {
		const struct vms_link link = {
			.prev = prandom_u32_state(&rnd) % (2 * nr_slots),
			.next = prandom_u32_state(&rnd) % (2 * nr_slots),
		};
		u32 idx = i & 1 ? w->link[i / 2 % 3] : w->out_link[i / 2 % 2];

		POKE(w, slot_of(w, idx)->link, link);
		KUNIT_EXPECT_GT(test, fx_check(test, w->fx.s), 0);
		undo(w);
		KUNIT_EXPECT_EQ(test, fx_check(test, w->fx.s), 0);
	}
}

static struct kunit_case inv_test_cases[] = {
	KUNIT_CASE_PARAM(inv_reports, inv_gen_params),
	KUNIT_CASE(inv_covers_every_clause),
	KUNIT_CASE(inv_table),
	KUNIT_CASE(inv_empty_store),
	KUNIT_CASE(inv_gathered),
	KUNIT_CASE(inv_counts_gathered_subtree),
	KUNIT_CASE(inv_counts_empty),
	KUNIT_CASE(inv_counts_world),
	KUNIT_CASE(inv_not_vacuous),
	KUNIT_CASE(inv_record),
	KUNIT_CASE(inv_record_place),
	KUNIT_CASE(inv_record_hides_addresses),
	KUNIT_CASE(inv_record_many),
	KUNIT_CASE(inv_freezes),
	KUNIT_CASE(inv_cycle),
	KUNIT_CASE(inv_self_table),
	KUNIT_CASE(inv_no_tree_below),
	KUNIT_CASE(inv_garbage),
	KUNIT_CASE(inv_garbage_in_region),
	KUNIT_CASE(inv_garbage_links),
	{}
};

static struct kunit_suite inv_test_suite = {
	.name = "vmstore-inv",
	.init = inv_test_init,
	.exit = fx_exit,
	.test_cases = inv_test_cases,
};

kunit_test_suite(inv_test_suite);
