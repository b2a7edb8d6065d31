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

#include "inv/inv.h"
#include "fixture.h"

#define WORLD_REGION	(4 * VMS_BLOCK_SIZE)
#define WORLD_MMIO	VMS_BLOCK_SIZE
#define MAX_POKES	32
#define MAX_CLAUSES	96

/* Two pages of the narrow cursor's leaf table, and the range of the wide cursor */
#define NARROW		(64 * vms_page_size(2))
#define WIDE		(3 * vms_page_size(3))
#define WIDE_END	(WIDE + 4 * vms_page_size(2))
/* Of the space without cursors: pages mapped, and a leaf table that is empty */
#define PAGES		(16 * vms_page_size(2))
#define EMPTY		(17 * vms_page_size(2))

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
 * @handle: id of a handle inserted, 0 = none
 * @a: space with cursors
 * @b: space without
 * @narrow: cursor whose covering node is a leaf table
 * @wide: cursor over a level-2 node with leaf tables
 * @narrow_node: covering node of @narrow
 * @wide_leafs: a leaf table in the range of @wide
 * @leafs: leaf table of @b that maps
 * @empty: leaf table of @b that is empty
 * @above: level-2 node of both
 * @kernel: level-2 node in the upper half of the kernel half
 * @mapped: frame that only @b maps, at PAGES
 * @shared: frame that @b maps and that has a handle
 * @held: frame with a handle only
 * @free: slot never used
 * @huge: 2 MiB of slots never used, aligned
 */
struct world {
	struct fx fx;
	struct kunit *test;
	struct poke poke[MAX_POKES];
	u32 nr_pokes;
	u64 handle;
	struct vms_space *a, *b;
	struct vms_cursor *narrow, *wide;
	u32 narrow_node, wide_leafs;
	u32 leafs, empty, above, kernel;
	u32 mapped, shared, held, free, huge;
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

/* A kernel area's table, as an operation on areas would make it */
static void make_kernel_node(struct world *w)
{
	struct vms_region *r = &w->fx.s->region;

	KUNIT_ASSERT_EQ(w->test, vms_node_alloc(r, 2, false, 0, &w->kernel), 0);
	vms_node_link(r, w->fx.s->kernel.top, VMS_LINEAR_ENTRIES, w->kernel);
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
	make_kernel_node(w);

	w->a = xa_load(&s->spaces.xa, a);
	w->b = xa_load(&s->spaces.xa, b);
	w->narrow_node = node_at(w, w->a, NARROW, 1);
	w->wide_leafs = node_at(w, w->a, WIDE, 1);
	w->leafs = node_at(w, w->b, PAGES, 1);
	w->empty = node_at(w, w->b, EMPTY, 1);
	w->above = node_at(w, w->b, PAGES, 2);
	w->huge = vms_paddr_slot(2 * VMS_BLOCK_SIZE);
	w->free = w->huge - 16;
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

	POKE(w, g->entry[g->nr], ((struct vms_gathered) { idx, node }));
	POKE(w, g->nr, g->nr + 1);
}

static void poke_handle(struct world *w, u32 idx)
{
	struct vms_store *s = w->fx.s;

	KUNIT_ASSERT_EQ(w->test, vms_registry_reserve(&s->frames, &w->handle), 0);
	vms_registry_insert(&s->frames, w->handle, vms_frame_entry(idx));
}

static void undo(struct world *w)
{
	while (w->nr_pokes) {
		struct poke *p = &w->poke[--w->nr_pokes];

		memcpy(p->at, p->was, p->size);
	}
	if (w->handle)
		vms_registry_extract(&w->fx.s->frames, w->handle);
	w->handle = 0;
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
	POKE(w, slot_of(w, w->free)->in_list, 1);
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
	POKE(w, slot_of(w, w->held)->in_list, 1);
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
	POKE(w, slot_of(w, w->free)->in_list, 1);
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

static void r16_usage_mmio(struct world *w)
{
	POKE(w, slot_of(w, w->free)->usage, VMSTORE_USAGE_MMIO);
}

static void r16_mmio_usage(struct world *w)
{
	POKE(w, slot_of(w, w->fx.s->region.first_mmio)->usage, VMSTORE_USAGE_FRAME);
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
	POKE(w, slot_of(w, w->free)->in_list, 1);
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
	poke_entry(w, w->kernel, VMSTORE_KVIRT_BASE, 2,
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
	poke_entry(w, w->kernel, VMSTORE_KVIRT_BASE, 2,
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

/* The same table under an id that is not registered */
static void s8_unknown(struct world *w)
{
	struct vms_space *other = kunit_kzalloc(w->test, sizeof(*other), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(w->test, other);
	memcpy(other, w->narrow->space, sizeof(*other));
	other->id = 0xdead;
	POKE(w, w->narrow->space, other);
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
	{ "a block is missing", r3_block_missing, "R3" },
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
	{ "self out of the table", r12_self_outside, "R12 R15 S2" },
	{ "self of another slot", r15_self_other, "R15 S2" },
	{ "path that does not exist", r14_path_too_many, "R14" },
	{ "RAM with usage MMIO", r16_usage_mmio, "R16" },
	{ "device memory with usage Frame", r16_mmio_usage, "R16" },
	{ "node with one reference too many", r17_node_rc, "R17" },
	{ "kernel frame that nobody holds", r17_kernel_rc, "R17" },
	/* nobody who reaches the node also means nobody who owes its drop */
	{ "node that is lost", g1_lost, "G1 R17" },
	{ "node linked and gathered", g1_linked_and_gathered, "G1" },
	{ "handle out of the region", s12_outside, "S12" },
	{ "handle of a kernel frame", s13_not_frame, "S13" },
	{ "wrong number of handles", s14_count, "S14" },
	{ "more handles than allowed", s14_limit, "S14" },
	{ "unused and gathered", a1_gathered, "A1" },
	/*
	 * A data frame that is unused though it has a user has no count that could be
	 * right, and no storage, or R7 would report.
	 */
	{ "unused with a handle", a1_handle, "A1 A3a A3c A3d" },
	{ "frame without a user", a2_no_user, "A2" },
	{ "busy frame", a2_busy, "A2" },
	/* UNIQUE is no number of users */
	{ "unique with a handle", a3b_unique, "A3b A3c" },
	{ "one reference too many, a handle", a3c_handle_too_many, "A3c" },
	{ "one reference too many, a leaf", a3c_leaf_too_many, "A3c" },
	{ "one reference too few", a3c_too_few, "A3c" },
	/* a frame whose count is right is shared, and R9 wants storage there */
	{ "user without storage", a3d_no_storage, "A3d R9" },
	/* what makes a node no child of one parent is that it is found twice */
	{ "node linked twice", p1_linked_twice, "P1 G1" },
	/* the stored level is all a node keeps of its place */
	{ "wrong level of a child", p2_level, "P2 P10" },
	{ "wrong level of a root", p5_level, "P5 P10" },
	{ "unknown bit in a leaf", p3_bit, "P3" },
	{ "unknown bit in a table entry", p3_table_bit, "P3" },
	/* an address that is no frame's is neither aligned nor in bounds */
	{ "leaf out of the region", p3_address, "P3 P7 P8" },
	{ "a node is mapped", p4_node_mapped, "P4" },
	{ "machine walks another root", p5_other_root, "P5" },
	/* what only that table reaches is used by nobody */
	{ "root out of the region", p5_outside, "P5 G1 R14 R17 A2 A3c" },
	{ "stray and reachable", p6_stray, "P6" },
	/* no recount exceeds 512 */
	{ "more children than entries", p6_children, "P6 P13" },
	{ "huge user leaf", p7_huge_user_leaf, "P7" },
	/* larger than any region: most of its pages are no slot */
	{ "leaf in a root", p7_leaf_in_root, "P7 P8 P12" },
	/* P7 says of the leaf what P8 says of the mapping */
	{ "huge leaf misaligned", p8_misaligned, "P7 P8" },
	{ "node with two paths", p10_paths, "P10" },
	{ "node with rc 0", p10_rc, "P10" },
	{ "node with a frame's type", p10_type, "P10" },
	{ "mapped with rc 0", p11_rc, "P11" },
	/* a node that no table reaches */
	{ "mapped with a node's usage", p11_usage, "P11 G1" },
	/* fewer paths than leaves are also not as many */
	{ "path not recorded", p11_path, "P11 R14" },
	{ "huge leaf over free frames", p12_sub_pages, "P12" },
	{ "child that does not exist", p13_children, "P13" },
	{ "child of a root that does not exist", p13_root, "P13" },
	{ "kernel half not in the root", p14_kernel_missing, "P14" },
	{ "borrowed entry is a leaf", p14_leaf, "P14" },
	{ "window over another block", d16_other_block, "D16" },
	{ "window for user mode", d16_property, "D16" },
	{ "window beyond the region", d16_beyond, "D16" },
	{ "window without its table", d16_no_table, "D16" },
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

/* S1, R5 and R6 are conjunctions of other clauses of slots, I0 is that of all */
static bool must_report(const struct inv_case *c, const char *id)
{
	if (!strcmp(id, "I0"))
		return true;
	if (!strcmp(id, "S1"))
		return has_region(c, 1, 15);
	if (!strcmp(id, "R5"))
		return has_region(c, 7, 15);
	if (!strcmp(id, "R6"))
		return has_region(c, 7, 14);
	return has_word(c->clauses, id);
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
	u32 i;

	make_world(w);
	fx_expect_inv(test, s);

	c->corrupt(w);
	found = fx_check(test, s);
	for (i = 0; (clause = vms_inv_clause(i)); i++) {
		u64 violated = s->inv->count[i].violated;

		reported += violated;
		KUNIT_EXPECT_EQ_MSG(test, !!violated, must_report(c, clause->id), "%s",
				    clause->id);
	}
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
	}
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
	expect_count(test, "R7", r->nr_slots, r->nr_slots - 1);
	expect_count(test, "R9", r->nr_slots, 1);	/* top of the kernel half */
	expect_count(test, "R10", r->nr_slots, r->nr_slots);
	expect_count(test, "A1", r->nr_slots, r->nr_slots - 1);
	expect_count(test, "A2", r->nr_slots, 0);
	expect_count(test, "A3c", r->nr_slots, 0);
	expect_count(test, "G1", r->nr_slots, 1);
	expect_count(test, "S12", 0, 0);
	expect_count(test, "P10", 1, 1);
	expect_count(test, "P5", 0, 0);
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
	expect_count(test, "S12", 2, 2);
	expect_count(test, "S13", 2, 2);
	expect_count(test, "A2", r->nr_slots, 6);	/* 5 leaves, 1 frame held */
	expect_count(test, "A3c", r->nr_slots, 6);
	expect_count(test, "R14", r->nr_slots, 5);
	expect_count(test, "R9", r->nr_slots, nodes + 6);
	expect_count(test, "G1", r->nr_slots, nodes);
	expect_count(test, "P6", nodes, nodes);
	expect_count(test, "P7", 5, 5);
	expect_count(test, "P12", 5, 0);
	expect_count(test, "P5", 2, 2);
	/* an entry for each node but roots and top, and for each leaf */
	expect_count(test, "P3", nodes - 3 + 5, nodes - 3 + 5);
	expect_count(test, "P2", nodes - 3 + 5, nodes - 3);
	expect_count(test, "C1", 2, 2);
	/* the two covering nodes, and two leaf tables below the wide one */
	expect_count(test, "C2", nodes, 4);
}

/* A clause that is never put to the test proves nothing: only these may be like that */
static void inv_not_vacuous(struct kunit *test)
{
	static const char * const vacuous =
		"R8 "	/* nothing makes a slot unique yet */
		"R11 "	/* rc 0 is an operation in flight */
		"P12";	/* user leaves are small, there are no areas yet */
	struct world *w = test->priv;
	const struct vms_clause *clause;
	u32 i;

	make_world(w);
	fx_expect_inv(test, w->fx.s);
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
	KUNIT_EXPECT_EQ(test, fx_check(test, s), 2);
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
	p7_huge_user_leaf(w);
	fx_check(test, s);
	KUNIT_EXPECT_EQ(test, v->kind, VMSTORE_OBJ_LEAF);
	KUNIT_EXPECT_EQ(test, v->object, EMPTY + vms_page_size(2));
	KUNIT_EXPECT_EQ(test, v->space, w->b->id);
	undo(w);

	s->inv->nr_violations = 0;
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
	KUNIT_ASSERT_LE(test, inv->nr_violations, VMS_INV_MAX_VIOLATIONS);
	for (i = 0; i < inv->nr_violations; i++) {
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
	KUNIT_EXPECT_EQ(test, fx_check(test, s), 101);
	KUNIT_EXPECT_EQ(test, s->inv->nr_violations, 101);
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
	for (i = 0; i < min_t(u64, s->inv->nr_violations, VMS_INV_MAX_VIOLATIONS); i++)
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
	{}
};

static struct kunit_suite inv_test_suite = {
	.name = "vmstore-inv",
	.init = inv_test_init,
	.exit = fx_exit,
	.test_cases = inv_test_cases,
};

kunit_test_suite(inv_test_suite);
