// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cursors [model 5.2, 6, D3]: ranges, ownership, every operation on a cursor, and all of
 * them at random against a flat array.
 *
 * The store checks its whole invariant after each operation; fx_fails() expects that a
 * failed one has changed nothing.
 */

#include <linux/prandom.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "dump.h"
#include "fixture.h"
#include "step.h"

#define L1		VMS_PAGE_SIZE
#define L2		(2ULL << 20)
#define L3		BIT_ULL(30)
#define L4		(512ULL << 30)
#define END		VMSTORE_USER_END
#define VA		0x00007f1234567000ULL

static const struct vmstore_prop ro = {
	.flags = VMSTORE_PROP_R,
	.priv = VMSTORE_PRIV_USER,
};

static u64 rc_of(struct vms_store *s, u64 paddr)
{
	return vms_slot_rc(&s->region, vms_paddr_slot(paddr));
}

static s64 paths_of(struct vms_store *s, u64 paddr)
{
	return atomic64_read(&s->region.slots[vms_paddr_slot(paddr)].paths);
}

static struct vms_cursor *cursor_of(struct kunit *test, u64 id)
{
	struct vms_cursor *c = xa_load(&fx_store(test)->cursors.xa, id);

	KUNIT_ASSERT_NOT_NULL(test, c);
	return c;
}

static struct vms_space *space_of(struct kunit *test, u64 id)
{
	struct vms_space *space = xa_load(&fx_store(test)->spaces.xa, id);

	KUNIT_ASSERT_NOT_NULL(test, space);
	return space;
}

/*
 * An operation that makes nodes ready and then fails gives them back, and an unused
 * slot remembers its last usage [1.5]: that, and no more, may differ afterwards.
 */
static void expect_same_slot(struct kunit *test, const struct vms_slot *was,
			     const struct vms_slot *now)
{
	u64 rc = atomic64_read(&was->rc);

	KUNIT_EXPECT_EQ(test, (u64)atomic64_read(&now->rc), rc);
	KUNIT_EXPECT_EQ(test, atomic64_read(&now->paths), atomic64_read(&was->paths));
	KUNIT_EXPECT_EQ(test, now->in_list, was->in_list);
	KUNIT_EXPECT_EQ(test, now->type, was->type);
	KUNIT_EXPECT_EQ(test, now->storage, was->storage);
	if (rc == VMSTORE_RC_UNUSED)
		return;
	KUNIT_EXPECT_EQ(test, now->usage, was->usage);
	KUNIT_EXPECT_EQ(test, now->node.owner, was->node.owner);
	KUNIT_EXPECT_EQ(test, now->node.nr_children, was->node.nr_children);
	KUNIT_EXPECT_EQ(test, now->node.stray, was->node.stray);
}

static void fails_with_nodes(struct kunit *test, struct vmstore_op op, int err)
{
	static const u32 sections[] = {
		VMSTORE_DUMP_SPACES, VMSTORE_DUMP_CURSORS, VMSTORE_DUMP_FRAMES,
		VMSTORE_DUMP_NODES, VMSTORE_DUMP_LEAVES, VMSTORE_DUMP_TLB,
	};
	struct vms_store *s = fx_store(test);
	size_t len = s->region.nr_slots * sizeof(*s->region.slots);
	struct vms_slot *was = kvmalloc(len, GFP_KERNEL);
	void *rec[ARRAY_SIZE(sections)], *now;
	size_t nr[ARRAY_SIZE(sections)], nr_now;
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, was);
	memcpy(was, s->region.slots, len);
	for (i = 0; i < ARRAY_SIZE(sections); i++)
		rec[i] = fx_dump(test, s, sections[i], &nr[i]);
	KUNIT_EXPECT_EQ(test, fx_op(s, &op), err);
	for (i = 0; i < s->region.nr_slots; i++)
		if (memcmp(&was[i], &s->region.slots[i], sizeof(*was)))
			expect_same_slot(test, &was[i], &s->region.slots[i]);
	for (i = 0; i < ARRAY_SIZE(sections); i++) {
		now = fx_dump(test, s, sections[i], &nr_now);
		KUNIT_EXPECT_EQ(test, nr_now, nr[i]);
		if (nr_now == nr[i])
			KUNIT_EXPECT_EQ(test, memcmp(now, rec[i], nr_now *
						     vms_dump_rec_size(sections[i])), 0);
		kunit_kfree(test, now);
		kunit_kfree(test, rec[i]);
	}
	kvfree(was);
}

/* A space with one frame mapped at each address; closed again */
static u64 space_with(struct kunit *test, const u64 *vas, unsigned int nr)
{
	struct vms_store *s = fx_store(test);
	u64 space = fx_space_new(test, s);
	u64 cursor = fx_open(test, s, true, space, 0, END);
	unsigned int i;

	for (i = 0; i < nr; i++)
		fx_map_new(test, s, cursor, vas[i]);
	fx_close(test, s, cursor);
	return space;
}

/* --- opening -------------------------------------------------------------------- */

static void cursor_test_open_errors(struct kunit *test)
{
	static const u64 bad[][2] = {
		{ 0, 0 }, { L1, L1 }, { 2 * L1, L1 }, { L1, 0 }, { END, END },
		{ END - L1, END + L1 }, { END, END + L1 }, { 0, U64_MAX }, { 0, ~0xfffULL },
		{ VMSTORE_KERNEL_BASE, VMSTORE_KERNEL_BASE + L1 }, { ~0xfffULL, 0 },
		{ 1, L1 }, { 0, L1 - 1 }, { 0, 1 }, { 8, L1 + 8 }, { L1 / 2, 2 * L1 },
	};
	struct vms_store *s = fx_store(test);
	u64 space = fx_space_new(test, s);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		fx_fails(test, s, fx_op_open(false, space, bad[i][0], bad[i][1]), -EACCES);
		fx_fails(test, s, fx_op_open(true, space, bad[i][0], bad[i][1]), -EACCES);
	}
	fx_fails(test, s, fx_op_open(true, space + 1, 0, L1), -ENOENT);
	fx_fails(test, s, fx_op_open(true, 0, 0, L1), -ENOENT);
}

/* Lk3, Lk5: the lowest node that covers the range, and what was missing on the way */
static void expect_level(struct kunit *test, u64 space, u64 start, u64 end, u32 level,
			 u32 allocated)
{
	struct vms_store *s = fx_store(test);
	struct vmstore_op op = fx_op_open(true, space, start, end);
	struct vms_cursor *c;
	u32 l;

	fx_does(test, s, &op);
	KUNIT_EXPECT_EQ(test, op.out.open.level, level);
	KUNIT_EXPECT_EQ(test, op.out.open.nodes_allocated, allocated);
	c = cursor_of(test, op.out.id);
	KUNIT_EXPECT_EQ(test, c->start, start);
	KUNIT_EXPECT_EQ(test, c->end, end);
	KUNIT_EXPECT_EQ(test, c->pos.va, start);
	KUNIT_EXPECT_EQ(test, c->pos.level, (int)level);
	/* C6: a node for the level it stands at and no other */
	for (l = 1; l <= 4; l++)
		KUNIT_EXPECT_EQ(test, c->pos.path[l] != VMS_NO_SLOT, l == level);
	fx_close(test, s, op.out.id);
}

static void cursor_test_covering_level(struct kunit *test)
{
	static const struct {
		u64 start, end;
		u32 level;
	} ranges[] = {
		{ 0, L1, 1 }, { 0, L2, 1 }, { 3 * L1, 5 * L1, 1 }, { L2 - L1, L2, 1 },
		{ END - L1, END, 1 }, { VA, VA + L1, 1 },
		{ L2 - L1, L2 + L1, 2 }, { 0, L2 + L1, 2 }, { 0, L3, 2 }, { L2, 2 * L2 + L1, 2 },
		{ L3 - L1, L3 + L1, 3 }, { 0, L3 + L1, 3 }, { 0, L4, 3 }, { END - L4, END, 3 },
		{ L4 - L1, L4 + L1, 4 }, { 0, L4 + L1, 4 }, { 0, END, 4 }, { L1, END, 4 },
	};
	struct vms_store *s = fx_store(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		u64 space = fx_space_new(test, s);

		expect_level(test, space, ranges[i].start, ranges[i].end, ranges[i].level,
			     4 - ranges[i].level);
		/* What the first one made is there for the second */
		expect_level(test, space, ranges[i].start, ranges[i].end, ranges[i].level, 0);
		fx_space_drop(test, s, space);
	}
	fx_expect_empty(test, s);
}

/* Smallest level whose node spans the range, by comparing spans */
static u32 reference_level(u64 start, u64 end)
{
	u32 level;

	for (level = 1; level < 4; level++)
		if (start / vms_page_size(level + 1) == (end - 1) / vms_page_size(level + 1))
			break;
	return level;
}

static u64 random_u64(struct rnd_state *rnd)
{
	u64 high = prandom_u32_state(rnd);

	return high << 32 | prandom_u32_state(rnd);
}

/* An address with 12 to 47 bits, so that all levels are met */
static u64 random_va(struct rnd_state *rnd)
{
	return (random_u64(rnd) & (END - 1)) >> prandom_u32_state(rnd) % 35 & ~0xfffULL;
}

static void cursor_test_covering_random(struct kunit *test)
{
	const u64 seed = 0x5eed0002;
	struct vms_store *s = fx_store(test);
	struct rnd_state rnd;
	unsigned int i;

	kunit_info(test, "seed %#llx", seed);
	prandom_seed_state(&rnd, seed);
	for (i = 0; i < 300; i++) {
		u64 space = fx_space_new(test, s);
		u64 start = random_va(&rnd);
		u64 end = min(start + L1 + random_va(&rnd), END);
		u32 level = reference_level(start, end);

		expect_level(test, space, start, end, level, 4 - level);
		fx_space_drop(test, s, space);
	}
}

/* --- ownership -------------------------------------------------------------------- */

/* All nodes of a space */
struct nodes {
	struct kunit *test;
	unsigned int nr;
	struct {
		u64 va;
		int level;
		u64 owner;
	} node[512];
};

static int note_node(void *ctx, u32 node, int level, u64 va)
{
	struct nodes *n = ctx;
	struct vms_store *s = fx_store(n->test);

	if (n->nr == ARRAY_SIZE(n->node))
		return -ENOSPC;
	n->node[n->nr].va = va;
	n->node[n->nr].level = level;
	n->node[n->nr++].owner = vms_node(&s->region, node)->owner;
	return 0;
}

static void find_nodes(struct kunit *test, u64 space, struct nodes *n)
{
	n->test = test;
	n->nr = 0;
	KUNIT_ASSERT_EQ(test, vms_pt_walk(&fx_store(test)->region, &space_of(test, space)->pt,
					  note_node, NULL, n), 0);
}

static bool meets(u64 a, u64 a_end, u64 b, u64 b_end)
{
	return a < b_end && b < a_end;
}

/* Is a node among those a cursor over [start, end) owns? D3 */
static bool reference_owns(u64 start, u64 end, u64 va, int level)
{
	int guard = reference_level(start, end);
	u64 cover = vms_span_start(start, guard + 1);

	return level <= guard && va >= cover && va - cover < vms_page_size(guard + 1) &&
	       meets(va, va + vms_page_size(level + 1), start, end);
}

static void expect_owners(struct kunit *test, struct nodes *n, u64 space, u64 id, u64 start,
			  u64 end)
{
	unsigned int i;

	find_nodes(test, space, n);
	for (i = 0; i < n->nr; i++) {
		bool mine = id && reference_owns(start, end, n->node[i].va, n->node[i].level);

		KUNIT_EXPECT_EQ_MSG(test, n->node[i].owner, mine ? id : 0ULL,
				    "node %#llx of level %d, cursor %#llx to %#llx",
				    n->node[i].va, n->node[i].level, start, end);
	}
}

static const u64 spread[] = {
	0, L1, L2 - L1, L2, 2 * L2, 5 * L2, L3 - L1, L3, L3 + L2, 2 * L3, L4 - L1, L4, L4 + L3,
	3 * L4, VA, END - L1,
};

static const u64 ranges[][2] = {
	{ 0, L1 }, { 0, L2 }, { L1, 2 * L1 }, { L2 - L1, L2 }, { L2 - L1, L2 + L1 },
	{ L2, 2 * L2 }, { 0, 2 * L2 }, { 2 * L2, 3 * L2 }, { 2 * L2, 6 * L2 }, { 5 * L2, L3 },
	{ 0, L3 }, { L3, L3 + L1 }, { L3, 2 * L3 }, { L3 - L1, L3 + L1 }, { L2, L3 + L2 },
	{ L3, 3 * L3 }, { 0, L4 }, { 2 * L3, L4 }, { L4 - L1, L4 + L1 }, { L4, 2 * L4 },
	{ L4 + L3, L4 + 2 * L3 }, { 3 * L4, 4 * L4 }, { 0, END }, { L4, END }, { VA, VA + L1 },
	{ VA - L2, VA + L2 }, { END - L1, END }, { END - L3, END }, { 7 * L4, 7 * L4 + L1 },
	{ 7 * L4, 9 * L4 },
};

/* Lk6, Lk9, C3: owned are exactly the covering node and what meets the range below it */
static void cursor_test_owned_nodes(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	struct nodes *n = kunit_kzalloc(test, sizeof(*n), GFP_KERNEL);
	u64 space = space_with(test, spread, ARRAY_SIZE(spread));
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, n);
	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		u64 id = fx_open(test, s, i & 1, space, ranges[i][0], ranges[i][1]);

		expect_owners(test, n, space, id, ranges[i][0], ranges[i][1]);
		fx_close(test, s, id);
		expect_owners(test, n, space, 0, 0, 0);
	}
}

/* Lk8: tables made by a map are the cursor's from birth, those cut off are nobody's */
static void cursor_test_born_owned(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	struct nodes *n = kunit_kzalloc(test, sizeof(*n), GFP_KERNEL);
	u64 space = fx_space_new(test, s);
	u64 id = fx_open(test, s, true, space, L3, END);

	KUNIT_ASSERT_NOT_NULL(test, n);
	fx_map_new(test, s, id, L3);
	expect_owners(test, n, space, id, L3, END);
	KUNIT_EXPECT_EQ(test, n->nr, 4U);
	fx_map_new(test, s, id, VA);
	fx_map_new(test, s, id, VA + L2);
	expect_owners(test, n, space, id, L3, END);
	KUNIT_EXPECT_EQ(test, n->nr, 8U);
	fx_jump(test, s, id, L4);
	fx_unmap(test, s, id, END - L4);
	expect_owners(test, n, space, id, L3, END);
	KUNIT_EXPECT_EQ(test, n->nr, 4U);
	fx_close(test, s, id);
	expect_owners(test, n, space, 0, 0, 0);
}

static u64 *reference_node(struct nodes *n, u64 va, int level)
{
	unsigned int i;

	for (i = 0; i < n->nr; i++)
		if (n->node[i].va == va && n->node[i].level == level)
			return &n->node[i].owner;
	return NULL;
}

/* Would a cursor over [start, end) find something owned? By the list of nodes */
static bool reference_busy(struct nodes *n, u64 start, u64 end)
{
	int guard = reference_level(start, end), level;
	u64 *parent = NULL;
	unsigned int i;

	for (level = 4; level >= guard; level--) {
		u64 *owner = reference_node(n, vms_span_start(start, level + 1), level);

		/* It would have to be linked into @parent [Lk7] */
		if (!owner)
			return *parent;
		parent = owner;
	}
	for (i = 0; i < n->nr; i++)
		if (n->node[i].owner &&
		    reference_owns(start, end, n->node[i].va, n->node[i].level))
			return true;
	return false;
}

static void expect_pair(struct kunit *test, struct nodes *n, u64 space, const u64 *a,
			const u64 *b, bool mut)
{
	struct vms_store *s = fx_store(test);
	u64 first = fx_open(test, s, mut, space, a[0], a[1]), second;
	bool busy;

	find_nodes(test, space, n);
	busy = reference_busy(n, b[0], b[1]);
	/* Whatever the tables: ranges that overlap exclude each other */
	if (meets(a[0], a[1], b[0], b[1]))
		KUNIT_EXPECT_TRUE(test, busy);
	if (busy) {
		fails_with_nodes(test, fx_op_open(!mut, space, b[0], b[1]), -EBUSY);
		fx_close(test, s, first);
		return;
	}
	second = fx_open(test, s, !mut, space, b[0], b[1]);
	fx_close(test, s, first);
	expect_owners(test, n, space, second, b[0], b[1]);
	fx_close(test, s, second);
}

static void range_name(const u64 (*range)[2], char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%#llx to %#llx", (*range)[0], (*range)[1]);
}

KUNIT_ARRAY_PARAM(range, ranges, range_name);

/* Every pair of ranges, read-only and mutable, over tables that are all there */
static void cursor_test_pairs_full(struct kunit *test)
{
	const u64 (*first)[2] = test->param_value;
	struct nodes *n = kunit_kzalloc(test, sizeof(*n), GFP_KERNEL);
	u64 space = space_with(test, spread, ARRAY_SIZE(spread));
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, n);
	for (i = 0; i < ARRAY_SIZE(ranges); i++)
		expect_pair(test, n, space, *first, ranges[i], (first - ranges + i) & 1);
}

/* The same over tables that are not there yet */
static void cursor_test_pairs_empty(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	const u64 (*first)[2] = test->param_value;
	struct nodes *n = kunit_kzalloc(test, sizeof(*n), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, n);
	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		u64 space = fx_space_new(test, s);

		expect_pair(test, n, space, *first, ranges[i], (first - ranges + i) & 1);
		fx_space_drop(test, s, space);
	}
	fx_expect_empty(test, s);
}

/* Disjoint ranges under different tables do not know of each other */
static void cursor_test_many(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 space = fx_space_new(test, s), id[32];
	unsigned int i;

	for (i = 0; i < 32; i++)
		id[i] = fx_open(test, s, true, space, i * L2, (i + 1) * L2);
	for (i = 0; i < 32; i++)
		fx_map_new(test, s, id[i], i * L2 + i * L1);
	fx_fails(test, s, fx_op_open(false, space, 0, L3), -EBUSY);
	fx_fails(test, s, fx_op_open(false, space, 31 * L2, 32 * L2), -EBUSY);
	for (i = 0; i < 32; i++)
		fx_close(test, s, id[i * 7 % 32]);
	fx_close(test, s, fx_open(test, s, false, space, 0, L3));
	KUNIT_EXPECT_EQ(test, fx_space_drop(test, s, space).leaves, 32ULL);
	fx_expect_empty(test, s);
}

/* Another space is another tree */
static void cursor_test_two_spaces(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 a = fx_space_new(test, s), b = fx_space_new(test, s);

	fx_open(test, s, true, a, 0, END);
	fx_open(test, s, true, b, 0, END);
	fails_with_nodes(test, fx_op_open(true, a, 0, L1), -EBUSY);
}

/* The claim: one operation at a time works on a cursor; the loser changes nothing */
static void cursor_test_claimed(struct kunit *test)
{
	const struct vmstore_prop none = {};
	struct vms_store *s = fx_store(test);
	u64 space = fx_space_new(test, s);
	u64 id = fx_open(test, s, true, space, VA, VA + L1);
	u64 frame = fx_frame_alloc(test, s, NULL);
	struct vms_cursor *c = cursor_of(test, id);

	KUNIT_ASSERT_TRUE(test, vms_cursor_claim(c));
	KUNIT_EXPECT_FALSE(test, vms_cursor_claim(c));
	fx_fails(test, s, fx_op_id(VMSTORE_OP_CURSOR_DROP, id), -EBUSY);
	fx_fails(test, s, fx_op_id(VMSTORE_OP_CURSOR_QUERY, id), -EBUSY);
	fx_fails(test, s, fx_op_id(VMSTORE_OP_CURSOR_VADDR, id), -EBUSY);
	fx_fails(test, s, fx_op_len(VMSTORE_OP_CURSOR_FIND_NEXT, id, 0), -EBUSY);
	fx_fails(test, s, fx_op_len(VMSTORE_OP_CURSOR_UNMAP, id, 0), -EBUSY);
	fx_fails(test, s, fx_op_jump(id, VA), -EBUSY);
	fx_fails(test, s, fx_op_map(id, frame, fx_rw), -EBUSY);
	fx_fails(test, s, fx_op_protect(id, 0, none, none), -EBUSY);
	fx_fails(test, s, fx_op_flush(id, VA, L1), -EBUSY);
	vms_cursor_unclaim(c);
	fx_close(test, s, id);
}

static void expect_unknown(struct kunit *test, u64 id, u64 frame, int err)
{
	const struct vmstore_prop none = {};
	struct vms_store *s = fx_store(test);

	fx_fails(test, s, fx_op_len(VMSTORE_OP_CURSOR_UNMAP, id, 0), err);
	fx_fails(test, s, fx_op_map(id, frame, fx_rw), err);
	fx_fails(test, s, fx_op_protect(id, 0, none, none), err);
	fx_fails(test, s, fx_op_flush(id, VA, L1), err);
	if (err != -ENOENT)
		return;
	fx_fails(test, s, fx_op_id(VMSTORE_OP_CURSOR_DROP, id), err);
	fx_fails(test, s, fx_op_id(VMSTORE_OP_CURSOR_QUERY, id), err);
	fx_fails(test, s, fx_op_id(VMSTORE_OP_CURSOR_VADDR, id), err);
	fx_fails(test, s, fx_op_len(VMSTORE_OP_CURSOR_FIND_NEXT, id, 0), err);
	fx_fails(test, s, fx_op_jump(id, VA), err);
}

/* The kind of a handle is part of the check [5.0, D13]; so is that it exists */
static void cursor_test_wrong_cursor(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 space = fx_space_new(test, s);
	u64 id = fx_open(test, s, false, space, VA, VA + L1);
	u64 frame = fx_frame_alloc(test, s, NULL);

	expect_unknown(test, id, frame, -EINVAL);	/* read-only */
	expect_unknown(test, id + 1, frame, -ENOENT);
	expect_unknown(test, 0, frame, -ENOENT);
	fx_close(test, s, id);
	expect_unknown(test, id, frame, -ENOENT);
}

/* --- moving and looking ------------------------------------------------------------ */

static void cursor_test_jump(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 space = space_with(test, spread, ARRAY_SIZE(spread));
	u64 id = fx_open(test, s, false, space, L1, 2 * L3);
	unsigned int i;

	fx_fails(test, s, fx_op_jump(id, L1 + 1), -EINVAL);
	fx_fails(test, s, fx_op_jump(id, U64_MAX), -EINVAL);	/* alignment first */
	fx_fails(test, s, fx_op_jump(id, 0), -EACCES);
	fx_fails(test, s, fx_op_jump(id, 2 * L3), -EACCES);
	fx_fails(test, s, fx_op_jump(id, VMSTORE_KERNEL_BASE), -EACCES);
	for (i = 0; i < ARRAY_SIZE(spread); i++) {
		if (spread[i] < L1 || spread[i] >= 2 * L3)
			continue;
		KUNIT_EXPECT_EQ(test, fx_jump(test, s, id, spread[i]).va, spread[i]);
		KUNIT_EXPECT_EQ(test, fx_vaddr(test, s, id).va, spread[i]);
		KUNIT_EXPECT_EQ(test, fx_query(test, s, id, true).start, spread[i]);
		KUNIT_EXPECT_EQ(test, fx_vaddr(test, s, id).level, 1U);
		/* There and back, through what is above both */
		KUNIT_EXPECT_EQ(test, fx_jump(test, s, id, 2 * L3 - L1).va, 2 * L3 - L1);
		KUNIT_EXPECT_LE(test, fx_vaddr(test, s, id).level, 3U);
		KUNIT_EXPECT_EQ(test, fx_query(test, s, id, true).found, 0U);
	}
}

/* The gap in jump: a cursor past the end of its node can come back */
static void cursor_test_jump_back(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 space = fx_space_new(test, s);
	u64 id = fx_open(test, s, true, space, L2 - L1, L2);
	u64 whole = fx_open(test, s, true, space, END - L1, END);

	fx_map_new(test, s, id, L2 - L1);
	KUNIT_EXPECT_EQ(test, fx_vaddr(test, s, id).va, L2);
	fx_fails(test, s, fx_op_id(VMSTORE_OP_CURSOR_QUERY, id), -EACCES);
	fx_jump(test, s, id, L2 - L1);
	KUNIT_EXPECT_EQ(test, fx_query(test, s, id, true).found, 1U);

	fx_find_next(test, s, whole, L1);
	KUNIT_EXPECT_EQ(test, fx_vaddr(test, s, whole).va, END);
	KUNIT_EXPECT_EQ(test, fx_jump(test, s, whole, END - L1).va, END - L1);
}

/* O-Query: the slot around the address at the level where the path ends */
static void cursor_test_query_absent(struct kunit *test)
{
	static const struct {
		u64 va, start, end;
		u32 level;
	} want[] = {
		{ 5 * L4 + 3 * L3 + L1, 5 * L4, 6 * L4, 4 },
		{ 7 * L3 + L2 + L1, 7 * L3, 8 * L3, 3 },
		{ 9 * L2 + 3 * L1, 9 * L2, 10 * L2, 2 },
		{ 9 * L1, 9 * L1, 10 * L1, 1 },
	};
	struct vms_store *s = fx_store(test);
	u64 va = 0, space = space_with(test, &va, 1);
	u64 id = fx_open(test, s, false, space, 0, END);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(want); i++) {
		struct vmstore_out_query out;

		fx_jump(test, s, id, want[i].va);
		out = fx_query(test, s, id, false);
		KUNIT_EXPECT_EQ(test, out.found, 0U);
		KUNIT_EXPECT_EQ(test, out.id, 0ULL);
		KUNIT_EXPECT_EQ(test, out.start, want[i].start);
		KUNIT_EXPECT_EQ(test, out.end, want[i].end);
		KUNIT_EXPECT_EQ(test, out.level, want[i].level);
		KUNIT_EXPECT_EQ(test, out.paddr, 0ULL);
		/* The address stays, the level may fall */
		KUNIT_EXPECT_EQ(test, fx_vaddr(test, s, id).va, want[i].va);
		KUNIT_EXPECT_EQ(test, fx_vaddr(test, s, id).level, want[i].level);
	}
	KUNIT_EXPECT_EQ(test, atomic_read(&s->frames.count), 0);
}

/* A leaf: its frame is cloned, rc and H together; PEEK makes no handle */
static void cursor_test_query_leaf(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 space = fx_space_new(test, s);
	u64 id = fx_open(test, s, true, space, VA, VA + 2 * L1);
	u64 paddr = fx_map_new(test, s, id, VA);
	struct vmstore_out_query out;

	fx_jump(test, s, id, VA);
	out = fx_query(test, s, id, true);
	KUNIT_EXPECT_EQ(test, out.found, 1U);
	KUNIT_EXPECT_EQ(test, out.id, 0ULL);
	KUNIT_EXPECT_EQ(test, out.paddr, paddr);
	KUNIT_EXPECT_EQ(test, out.start, VA);
	KUNIT_EXPECT_EQ(test, out.end, VA + L1);
	KUNIT_EXPECT_EQ(test, out.prop.flags, fx_rw.flags);
	KUNIT_EXPECT_EQ(test, out.prop.priv, fx_rw.priv);
	KUNIT_EXPECT_EQ(test, rc_of(s, paddr), 1ULL);

	out = fx_query(test, s, id, false);
	KUNIT_EXPECT_NE(test, out.id, 0ULL);
	KUNIT_EXPECT_EQ(test, rc_of(s, paddr), 2ULL);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->frames.count), 1);
	KUNIT_EXPECT_FALSE(test, fx_frame_drop(test, s, out.id));
	KUNIT_EXPECT_EQ(test, rc_of(s, paddr), 1ULL);
}

/* query_panic_condition: a saturated count is an error and the cursor has not moved */
static void cursor_test_query_saturated(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 space = fx_space_new(test, s);
	u64 id = fx_open(test, s, true, space, 0, END);
	u64 paddr = fx_map_new(test, s, id, VA);
	struct vms_slot *slot = &s->region.slots[vms_paddr_slot(paddr)];
	struct vmstore_op op = fx_op_id(VMSTORE_OP_CURSOR_QUERY, id);
	struct vms_cursor_pos was;

	fx_jump(test, s, id, 0);
	fx_jump(test, s, id, VA);
	was = cursor_of(test, id)->pos;
	s->mode = VMSTORE_CHECK_OFF;
	atomic64_set(&slot->rc, VMSTORE_RC_MAX);
	KUNIT_EXPECT_EQ(test, fx_op(s, &op), -EOVERFLOW);
	KUNIT_EXPECT_EQ(test, op.out.id, 0ULL);
	KUNIT_EXPECT_EQ(test, atomic64_read(&slot->rc), (s64)VMSTORE_RC_MAX);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->frames.count), 0);
	KUNIT_EXPECT_EQ(test, memcmp(&was, &cursor_of(test, id)->pos, sizeof(was)), 0);
	op.flags = VMSTORE_OPF_PEEK;
	KUNIT_EXPECT_EQ(test, fx_op(s, &op), 0);
	atomic64_set(&slot->rc, 1);
	s->mode = VMSTORE_CHECK_FULL;
	fx_expect_inv(test, s);
}

/* D7, D15: lengths that are misaligned, past the range, or wrap */
static void cursor_test_len_errors(struct kunit *test)
{
	const struct vmstore_prop none = {};
	static const u64 bad[] = {
		1, L1 - 1, L1 + 8, 5 * L1, END, ~0xfffULL, U64_MAX, -VA, -VA + L1,
	};
	struct vms_store *s = fx_store(test);
	u64 space = fx_space_new(test, s);
	u64 id = fx_open(test, s, true, space, VA, VA + 4 * L1);
	unsigned int i;

	fx_map_new(test, s, id, VA);
	fx_jump(test, s, id, VA);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		fx_fails(test, s, fx_op_len(VMSTORE_OP_CURSOR_FIND_NEXT, id, bad[i]), -EINVAL);
		fx_fails(test, s, fx_op_len(VMSTORE_OP_CURSOR_UNMAP, id, bad[i]), -EINVAL);
		fx_fails(test, s, fx_op_protect(id, bad[i], none, none), -EINVAL);
	}
	fx_jump(test, s, id, VA + L1);
	fx_fails(test, s, fx_op_len(VMSTORE_OP_CURSOR_FIND_NEXT, id, 4 * L1), -EINVAL);
	fx_fails(test, s, fx_op_len(VMSTORE_OP_CURSOR_UNMAP, id, 4 * L1), -EINVAL);

	/* Past the range nothing but 0 at its very end is allowed */
	KUNIT_EXPECT_EQ(test, fx_find_next(test, s, id, 3 * L1).va, VA + 4 * L1);
	KUNIT_EXPECT_EQ(test, fx_find_next(test, s, id, 0).found, 0U);
	fx_fails(test, s, fx_op_len(VMSTORE_OP_CURSOR_FIND_NEXT, id, L1), -EINVAL);
}

/* O-FindNext: the first leaf within the length, and there it stays */
static void cursor_test_find_next(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 space = space_with(test, spread, ARRAY_SIZE(spread));
	u64 id = fx_open(test, s, false, space, 0, END);
	struct vmstore_out_va out;
	unsigned int i;

	/* One after the other, in order */
	for (i = 0; i < ARRAY_SIZE(spread); i++) {
		out = fx_find_next(test, s, id, END - fx_vaddr(test, s, id).va);
		KUNIT_EXPECT_EQ(test, out.found, 1U);
		KUNIT_EXPECT_EQ(test, out.va, spread[i]);
		out = fx_find_next(test, s, id, L1);	/* still there */
		KUNIT_EXPECT_EQ(test, out.va, spread[i]);
		KUNIT_EXPECT_EQ(test, out.found, 1U);
		if (spread[i] + L1 < END)
			fx_jump(test, s, id, spread[i] + L1);
	}
	/* The end of the length does not belong to it */
	fx_jump(test, s, id, 2 * L1);
	out = fx_find_next(test, s, id, L2 - 3 * L1);
	KUNIT_EXPECT_EQ(test, out.found, 0U);
	KUNIT_EXPECT_EQ(test, out.va, L2 - L1);
	fx_jump(test, s, id, 2 * L1);
	out = fx_find_next(test, s, id, L2 - 2 * L1);
	KUNIT_EXPECT_EQ(test, out.found, 1U);
	KUNIT_EXPECT_EQ(test, out.va, L2 - L1);
	/* No length: no move, even on a leaf */
	out = fx_find_next(test, s, id, 0);
	KUNIT_EXPECT_EQ(test, out.found, 0U);
	KUNIT_EXPECT_EQ(test, out.va, L2 - L1);
}

/* Absent slots and empty tables are passed as a whole; it may end past the length */
static void cursor_test_find_next_overshoots(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 space = fx_space_new(test, s), id;
	struct vmstore_out_va out;

	/* Leaves an empty chain of tables behind */
	fx_close(test, s, fx_open(test, s, true, space, 3 * L2, 3 * L2 + L1));
	id = fx_open(test, s, false, space, 0, L3 + L2);
	out = fx_find_next(test, s, id, L1);
	KUNIT_EXPECT_EQ(test, out.found, 0U);
	KUNIT_EXPECT_GE(test, out.va, L1);
	fx_jump(test, s, id, 3 * L2);
	out = fx_find_next(test, s, id, L1);
	KUNIT_EXPECT_EQ(test, out.found, 0U);
	KUNIT_EXPECT_GE(test, out.va, 3 * L2 + L1);
	fx_jump(test, s, id, L3);
	out = fx_find_next(test, s, id, L2);
	KUNIT_EXPECT_EQ(test, out.found, 0U);
	KUNIT_EXPECT_GE(test, out.va, L3 + L2);
	/* Past the end of the range: only a jump leads back */
	if (out.va > L3 + L2)
		fx_fails(test, s, fx_op_len(VMSTORE_OP_CURSOR_FIND_NEXT, id, 0), -EINVAL);
	fx_fails(test, s, fx_op_id(VMSTORE_OP_CURSOR_QUERY, id), -EACCES);
	KUNIT_EXPECT_EQ(test, fx_jump(test, s, id, 0).va, 0ULL);
}

/* --- map -------------------------------------------------------------------------- */

/* O-Map: H - 1, P + 1, rc the same; tables as far as they are missing */
static void cursor_test_map(struct kunit *test)
{
	static const u64 starts[] = { VA, VA & ~(L2 - 1), VA & ~(L3 - 1), VA & ~(L4 - 1) };
	static const u64 ends[] = { VA + L1, VA + L2, VA + L3, END };
	struct vms_store *s = fx_store(test);
	unsigned int i;

	for (i = 0; i < 4; i++) {
		u64 space = fx_space_new(test, s), paddr;
		u64 id = fx_open(test, s, true, space, starts[i], ends[i]);
		u64 frame = fx_frame_alloc(test, s, &paddr);
		struct vmstore_out_map out;

		fx_jump(test, s, id, VA);
		out = fx_map(test, s, id, frame, fx_rw);
		KUNIT_EXPECT_EQ(test, out.va, VA + L1);
		KUNIT_EXPECT_EQ(test, out.replaced, 0U);
		KUNIT_EXPECT_EQ(test, out.nodes_allocated,
				reference_level(starts[i], ends[i]) - 1);
		KUNIT_EXPECT_EQ(test, rc_of(s, paddr), 1ULL);
		KUNIT_EXPECT_EQ(test, paths_of(s, paddr), 1);
		KUNIT_EXPECT_EQ(test, atomic_read(&s->frames.count), 0);
		fx_fails(test, s, fx_op_id(VMSTORE_OP_FRAME_DROP, frame), -ENOENT);
		fx_jump(test, s, id, VA);
		KUNIT_EXPECT_EQ(test, fx_query(test, s, id, true).paddr, paddr);
		fx_close(test, s, id);
		fx_space_drop(test, s, space);
	}
	fx_expect_empty(test, s);
}

static void cursor_test_map_errors(struct kunit *test)
{
	static const struct vmstore_prop bad[] = {
		{}, { .flags = VMSTORE_PROP_W }, { .flags = 0x21 },
		{ .flags = VMSTORE_PROP_R, .cache = VMSTORE_CACHE_WC },
		{ .flags = VMSTORE_PROP_R, .cache = VMSTORE_CACHE_WP },
		{ .flags = VMSTORE_PROP_R, .cache = 5 },
		{ .flags = VMSTORE_PROP_R, .priv = VMSTORE_PRIV_SHARED },
		{ .flags = VMSTORE_PROP_R, .priv = 4 },
		{ .flags = VMSTORE_PROP_R, .__reserved = 1 },
	};
	struct vms_store *s = fx_store(test);
	u64 space = fx_space_new(test, s);
	u64 id = fx_open(test, s, true, space, VA, VA + L1);
	u64 frame = fx_frame_alloc(test, s, NULL);
	struct vmstore_op op = fx_op_map(id, frame, fx_rw);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		fx_fails(test, s, fx_op_map(id, frame, bad[i]), -EINVAL);
	fx_fails(test, s, fx_op_map(id, frame + 1, fx_rw), -ENOENT);
	fx_fails(test, s, fx_op_map(id, 0, fx_rw), -ENOENT);
	op.arg.map.__reserved = 1;
	fx_fails(test, s, op, -EINVAL);

	/* At the end of the range: no room */
	fx_map(test, s, id, frame, fx_rw);
	frame = fx_frame_alloc(test, s, NULL);
	fx_fails(test, s, fx_op_map(id, frame, fx_rw), -EINVAL);
	/* The handle has stayed */
	KUNIT_EXPECT_TRUE(test, fx_frame_drop(test, s, frame));
}

/* The leaf that was there is handed to the gather, and comes out with A and D */
static void cursor_test_map_over(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 space = fx_space_new(test, s);
	u64 id = fx_open(test, s, true, space, VA, VA + L1);
	u64 old = fx_map_new(test, s, id, VA), new;
	u64 frame = fx_frame_alloc(test, s, &new);
	struct vmstore_out_map out;

	fx_activate(test, s, 0, space);
	fx_activate(test, s, 1, space);
	fx_store_value(test, s, 0, space, VA, 8, 1);
	fx_store_value(test, s, 1, space, VA, 8, 1);
	fx_jump(test, s, id, VA);
	out = fx_map(test, s, id, frame, ro);
	KUNIT_EXPECT_EQ(test, out.replaced, 1U);
	KUNIT_EXPECT_EQ(test, out.old_paddr, old);
	KUNIT_EXPECT_EQ(test, out.old_prop.flags, (u8)(fx_rw.flags | VMSTORE_PROP_ACCESSED |
						       VMSTORE_PROP_DIRTY));
	KUNIT_EXPECT_EQ(test, out.old_prop.priv, fx_rw.priv);
	KUNIT_EXPECT_EQ(test, out.nodes_allocated, 0U);
	KUNIT_EXPECT_EQ(test, paths_of(s, old), 0);
	KUNIT_EXPECT_EQ(test, paths_of(s, new), 1);
	fx_reap(test, s);
	KUNIT_EXPECT_EQ(test, rc_of(s, old), VMSTORE_RC_UNUSED);
	KUNIT_EXPECT_EQ(test, rc_of(s, new), 1ULL);
	KUNIT_EXPECT_EQ(test, fx_load(test, s, 0, space, VA, 8), 0ULL);
	KUNIT_EXPECT_EQ(test, fx_load(test, s, 1, space, VA, 8), 0ULL);
}

/* Mapping a frame over itself: one path goes, one comes */
static void cursor_test_map_same(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 space = fx_space_new(test, s);
	u64 id = fx_open(test, s, true, space, VA, VA + L1);
	u64 paddr = fx_map_new(test, s, id, VA);
	struct vmstore_out_map out;

	fx_jump(test, s, id, VA);
	out = fx_map(test, s, id, fx_frame_from_in_use(test, s, paddr), ro);
	KUNIT_EXPECT_EQ(test, out.old_paddr, paddr);
	KUNIT_EXPECT_EQ(test, paths_of(s, paddr), 1);
	fx_reap(test, s);
	KUNIT_EXPECT_EQ(test, rc_of(s, paddr), 1ULL);
}

/* Leave exactly @n slots unused */
static void leave_free(struct kunit *test, int n)
{
	struct vms_store *s = fx_store(test);

	s->mode = VMSTORE_CHECK_OFF;
	while (atomic_read(&s->region.nr_free) > n)
		fx_frame_alloc(test, s, NULL);
	s->mode = VMSTORE_CHECK_FULL;
}

/* D14: a chain that lacks its first, second or last node changes nothing */
static void cursor_test_map_no_nodes(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 space = fx_space_new(test, s);
	u64 id = fx_open(test, s, true, space, 0, END);
	u64 frame = fx_frame_alloc(test, s, NULL), spare[3];
	unsigned int i;

	for (i = 0; i < 3; i++)
		spare[i] = fx_frame_alloc(test, s, NULL);
	leave_free(test, 0);
	fx_jump(test, s, id, VA);
	for (i = 0; i < 3; i++) {
		fails_with_nodes(test, fx_op_map(id, frame, fx_rw), -ENOMEM);
		KUNIT_EXPECT_EQ(test, atomic_read(&s->region.nr_free), (int)i);
		fx_frame_drop(test, s, spare[i]);
	}
	KUNIT_EXPECT_EQ(test, fx_map(test, s, id, frame, fx_rw).nodes_allocated, 3U);
	fx_expect_inv(test, s);
}

/* The same for the way to the covering node */
static void cursor_test_open_no_nodes(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 space = fx_space_new(test, s), spare[3];
	unsigned int i;

	for (i = 0; i < 3; i++)
		spare[i] = fx_frame_alloc(test, s, NULL);
	leave_free(test, 0);
	for (i = 0; i < 3; i++) {
		fails_with_nodes(test, fx_op_open(true, space, VA, VA + L1), -ENOMEM);
		fails_with_nodes(test, fx_op_open(false, space, VA, VA + L1), -ENOMEM);
		KUNIT_EXPECT_EQ(test, atomic_read(&s->region.nr_free), (int)i);
		fx_frame_drop(test, s, spare[i]);
	}
	fx_open(test, s, true, space, VA, VA + L1);
	fx_expect_inv(test, s);
}

/* --- unmap -------------------------------------------------------------------------- */

/* Every leaf in the length, counted, with what the hardware had set */
static void cursor_test_unmap(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 space = fx_space_new(test, s), paddr[4];
	u64 id = fx_open(test, s, true, space, VA, VA + 8 * L1);
	struct vmstore_out_unmap out;
	unsigned int i;

	for (i = 0; i < 4; i++)
		paddr[i] = fx_map_new(test, s, id, VA + 2 * i * L1);
	fx_load(test, s, 0, space, VA, 8);
	fx_store_value(test, s, 0, space, VA + 2 * L1, 8, 1);
	fx_jump(test, s, id, VA);
	out = fx_unmap(test, s, id, 5 * L1);
	KUNIT_EXPECT_EQ(test, out.removed, 3ULL);
	KUNIT_EXPECT_EQ(test, out.accessed, 2ULL);
	KUNIT_EXPECT_EQ(test, out.dirty, 1ULL);
	KUNIT_EXPECT_EQ(test, out.nodes, 0ULL);
	KUNIT_EXPECT_GE(test, out.va, VA + 5 * L1);
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, paths_of(s, paddr[i]), i == 3 ? 1 : 0);
	fx_reap(test, s);
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, rc_of(s, paddr[i]), i == 3 ? 1ULL : VMSTORE_RC_UNUSED);

	fx_jump(test, s, id, VA);
	KUNIT_EXPECT_EQ(test, fx_unmap(test, s, id, 0).removed, 0ULL);
	KUNIT_EXPECT_EQ(test, fx_vaddr(test, s, id).va, VA);
	KUNIT_EXPECT_EQ(test, fx_unmap(test, s, id, 6 * L1).removed, 0ULL);
}

/* A table whose whole span is in the range goes as a whole; others lose their leaves */
static void cursor_test_unmap_tables(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	static const u64 vas[] = { 0, L2 - L1, L2, 2 * L2 - L1, 2 * L2, 3 * L2, L3 - L1, L3 };
	u64 space = space_with(test, vas, ARRAY_SIZE(vas));
	u64 id = fx_open(test, s, true, space, 0, L4);
	struct vmstore_out_unmap out;

	/* [L1, 3 * L2): the tables of the second and third 2 MiB go, the first stays */
	fx_jump(test, s, id, L1);
	out = fx_unmap(test, s, id, 3 * L2 - L1);
	KUNIT_EXPECT_EQ(test, out.removed, 4ULL);
	KUNIT_EXPECT_EQ(test, out.nodes, 2ULL);
	fx_jump(test, s, id, 0);
	KUNIT_EXPECT_EQ(test, fx_query(test, s, id, true).found, 1U);
	fx_jump(test, s, id, L2);
	KUNIT_EXPECT_EQ(test, fx_query(test, s, id, true).level, 2U);
	/*
	 * Now the whole first GiB: one table of level 2 with three of level 1. From above:
	 * a table that the cursor is in is no child of its node.
	 */
	fx_jump(test, s, id, L3);
	fx_jump(test, s, id, 0);
	out = fx_unmap(test, s, id, L3);
	KUNIT_EXPECT_EQ(test, out.removed, 3ULL);
	KUNIT_EXPECT_EQ(test, out.nodes, 4ULL);
	KUNIT_EXPECT_EQ(test, out.va, L3);
	KUNIT_EXPECT_EQ(test, fx_query(test, s, id, true).found, 1U);
	fx_reap(test, s);
	fx_close(test, s, id);
	KUNIT_EXPECT_EQ(test, fx_space_drop(test, s, space).nodes, 4ULL);
	fx_expect_empty(test, s);
}

/* The tables that the cursor stands in stay, but every mapping in them goes */
static void cursor_test_unmap_from_within(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	static const u64 vas[] = { 0, L1, L2 };
	u64 space = space_with(test, vas, ARRAY_SIZE(vas));
	u64 id = fx_open(test, s, true, space, 0, L3);
	struct vmstore_out_unmap out;

	fx_query(test, s, id, true);
	KUNIT_EXPECT_EQ(test, fx_vaddr(test, s, id).level, 1U);
	out = fx_unmap(test, s, id, L3);
	KUNIT_EXPECT_EQ(test, out.removed, 3ULL);
	KUNIT_EXPECT_GE(test, out.nodes, 1ULL);
	fx_jump(test, s, id, 0);
	KUNIT_EXPECT_EQ(test, fx_find_next(test, s, id, L3).found, 0U);
}

/* Empty tables are reclaimed too, and count for no mapping */
static void cursor_test_unmap_empty_table(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 space = fx_space_new(test, s), id;
	struct vmstore_out_unmap out;

	fx_close(test, s, fx_open(test, s, true, space, VA, VA + L1));
	id = fx_open(test, s, true, space, 0, END);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->region.nr_nodes), 6);
	out = fx_unmap(test, s, id, END);
	KUNIT_EXPECT_EQ(test, out.removed, 0ULL);
	KUNIT_EXPECT_EQ(test, out.nodes, 3ULL);
	fx_reap(test, s);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->region.nr_nodes), 3);
}

/* Lk10, Lk11: what was cut off is stray until it is released, and then unused */
static void cursor_test_unmap_stray(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 va = VA, space = space_with(test, &va, 1);
	struct vms_region *r = &s->region;
	u32 node = space_of(test, space)->pt.root, cut[3];
	u64 id = fx_open(test, s, true, space, 0, END);
	unsigned int i;
	int level;

	for (level = 4; level > 1; level--) {
		node = vms_entry_slot(r, vms_node_read(r, node, vms_pte_index(VA, level)));
		cut[4 - level] = node;
		KUNIT_EXPECT_EQ(test, vms_node(r, node)->owner, id);
	}
	KUNIT_EXPECT_EQ(test, fx_unmap(test, s, id, END).nodes, 3ULL);
	for (i = 0; i < 3; i++) {
		if (vms_slot_rc(r, cut[i]) == VMSTORE_RC_UNUSED)
			continue;	/* a grace period may have passed already */
		KUNIT_EXPECT_TRUE(test, vms_node(r, cut[i])->stray);
		KUNIT_EXPECT_EQ(test, vms_node(r, cut[i])->owner, 0ULL);
	}
	fx_reap(test, s);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, vms_slot_rc(r, cut[i]), VMSTORE_RC_UNUSED);
}

#define MANY	(3 * VMS_GATHER_MAX + 7)

/* D4: more leaves than a gather holds, cached on two CPUs; none is seen afterwards */
static void cursor_test_unmap_many(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 space = fx_space_new(test, s), va = VA & ~(L2 - 1);
	u64 id = fx_open(test, s, true, space, va, va + MANY * L1);
	struct vmstore_op op;
	unsigned int i;

	s->mode = VMSTORE_CHECK_OFF;
	fx_activate(test, s, 0, space);
	fx_activate(test, s, 1, space);
	for (i = 0; i < MANY; i++) {
		fx_map_new(test, s, id, va + i * L1);
		fx_store_value(test, s, i & 1, space, va + i * L1, 8, i);
	}
	s->mode = VMSTORE_CHECK_FULL;
	fx_jump(test, s, id, va);
	KUNIT_EXPECT_EQ(test, fx_unmap(test, s, id, MANY * L1).removed, (u64)MANY);
	KUNIT_EXPECT_LE(test, atomic64_read(&s->tlb.gathered), (s64)VMS_GATHER_MAX);
	fx_flush(test, s, id, va, MANY * L1);
	for (i = 0; i < MANY; i++) {
		op = fx_op_load(space, va + i * L1, 8);
		op.cpu = i & 1;
		KUNIT_EXPECT_EQ(test, fx_op(s, &op), -EFAULT);
	}
	fx_reap(test, s);
	KUNIT_EXPECT_EQ(test, atomic64_read(&s->tlb.gathered), 0);
	fx_activate(test, s, 0, 0);
	fx_activate(test, s, 1, 0);
	fx_close(test, s, id);
	fx_space_drop(test, s, space);
	fx_expect_empty(test, s);
}

static void alloc_many(struct kunit *test, u64 *frames, unsigned int nr)
{
	while (nr--)
		frames[nr] = fx_frame_alloc(test, fx_store(test), NULL);
}

/* As many O-Map as there are handles, across leaf tables; all nodes at once */
static void cursor_test_map_frames(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 space = fx_space_new(test, s), va = L3 - 2 * L1, frames[5], paddr[5];
	u64 id = fx_open(test, s, true, space, 0, 2 * L3);
	struct vmstore_out_map_many out;
	unsigned int i;

	for (i = 0; i < 5; i++)
		frames[i] = fx_frame_alloc(test, s, &paddr[i]);
	fx_jump(test, s, id, va);
	out = fx_map_frames(test, s, id, frames, 5, ro);
	KUNIT_EXPECT_EQ(test, out.id, 0ULL);
	KUNIT_EXPECT_EQ(test, out.va, va + 5 * L1);
	KUNIT_EXPECT_EQ(test, out.mapped, 5ULL);
	KUNIT_EXPECT_EQ(test, out.replaced, 0ULL);
	KUNIT_EXPECT_EQ(test, out.nodes_allocated, 4ULL);	/* two of level 2, two of 1 */
	KUNIT_EXPECT_EQ(test, atomic_read(&s->frames.count), 0);
	for (i = 0; i < 5; i++) {
		struct vmstore_out_query at;

		fx_jump(test, s, id, va + i * L1);
		at = fx_query(test, s, id, true);
		KUNIT_EXPECT_EQ(test, at.paddr, paddr[i]);
		KUNIT_EXPECT_EQ(test, at.prop.flags, ro.flags);
		KUNIT_EXPECT_EQ(test, rc_of(s, paddr[i]), 1ULL);
		KUNIT_EXPECT_EQ(test, paths_of(s, paddr[i]), 1);
	}
	/* No handles are none to map */
	out = fx_map_frames(test, s, id, NULL, 0, ro);
	KUNIT_EXPECT_EQ(test, out.mapped, 0ULL);
	KUNIT_EXPECT_EQ(test, out.va, va + 4 * L1);
	fx_expect_inv(test, s);
}

/* The whole range of a cursor whose covering node is a leaf table, up to its end */
static void cursor_test_map_frames_to_the_end(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 space = fx_space_new(test, s), frames[4];
	u64 id = fx_open(test, s, true, space, L2 - 4 * L1, L2);

	alloc_many(test, frames, 4);
	KUNIT_EXPECT_EQ(test, fx_map_frames(test, s, id, frames, 4, ro).va, L2);
	alloc_many(test, frames, 1);
	fx_fails_with(test, s, fx_op_map_frames(id, 1, ro), frames, -EINVAL);
	KUNIT_EXPECT_EQ(test, fx_map_frames(test, s, id, NULL, 0, ro).va, L2);
	fx_expect_inv(test, s);
}

static void cursor_test_map_frames_errors(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 space = fx_space_new(test, s), frames[4], was;
	u64 id = fx_open(test, s, true, space, VA, VA + 3 * L1);
	u64 reader = fx_open(test, s, false, space, 0, L1);
	const struct vmstore_prop bad = {};
	unsigned int i;
	u32 slot;

	alloc_many(test, frames, 4);
	/* One page too many for the range, one handle unknown, twice, or in another hand */
	fx_fails_with(test, s, fx_op_map_frames(id, 4, ro), frames, -EINVAL);
	for (i = 0; i < 3; i++) {
		was = frames[i];
		frames[i] = 99;
		fx_fails_with(test, s, fx_op_map_frames(id, 3, ro), frames, -ENOENT);
		frames[i] = frames[(i + 1) % 3];
		fx_fails_with(test, s, fx_op_map_frames(id, 3, ro), frames, -EINVAL);
		frames[i] = was;
		s->mode = VMSTORE_CHECK_OFF;
		KUNIT_EXPECT_EQ(test, vms_store_extract_frame(s, was, &slot), 0);
		fx_fails_with(test, s, fx_op_map_frames(id, 3, ro), frames, -EBUSY);
		KUNIT_EXPECT_EQ(test, vms_store_insert_frame(s, was, slot), 0);
		s->mode = VMSTORE_CHECK_FULL;
	}
	fx_fails_with(test, s, fx_op_map_frames(id, 3, bad), frames, -EINVAL);
	fx_fails_with(test, s, fx_op_map_frames(id, 0, bad), frames, -EINVAL);
	fx_fails_with(test, s, fx_op_map_frames(reader, 1, ro), frames, -EINVAL);
	fx_fails_with(test, s, fx_op_map_frames(99, 1, ro), frames, -ENOENT);
	KUNIT_EXPECT_EQ(test, fx_map_frames(test, s, id, frames, 3, ro).mapped, 3ULL);
	fx_expect_inv(test, s);
}

/* D14: one node too few, whichever it is, and nothing has changed */
static void cursor_test_map_frames_no_nodes(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 space = fx_space_new(test, s), frames[4], spare[4];
	u64 id = fx_open(test, s, true, space, 0, 2 * L3);
	unsigned int i;

	alloc_many(test, frames, 4);
	alloc_many(test, spare, 4);
	leave_free(test, 0);
	fx_jump(test, s, id, L3 - 2 * L1);
	for (i = 0; i < 4; i++) {
		struct vmstore_op op = fx_op_map_frames(id, 4, ro);
		int nr_free = atomic_read(&s->region.nr_free);

		KUNIT_EXPECT_EQ(test, vms_step(s, &op, frames), -ENOMEM);
		KUNIT_EXPECT_EQ(test, atomic_read(&s->region.nr_free), nr_free);
		KUNIT_EXPECT_EQ(test, fx_vaddr(test, s, id).va, L3 - 2 * L1);
		fx_frame_drop(test, s, spare[i]);
	}
	KUNIT_EXPECT_EQ(test, fx_map_frames(test, s, id, frames, 4, ro).nodes_allocated, 4ULL);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->region.nr_free), 0);
	fx_expect_inv(test, s);
}

/* D4: more leaves replaced than a gather holds, cached on two CPUs; none is seen after */
static void cursor_test_map_frames_over_many(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 space = fx_space_new(test, s), va = VA & ~(L2 - 1), dispatches;
	u64 id = fx_open(test, s, true, space, va, va + MANY * L1);
	u64 *frames = kunit_kzalloc(test, MANY * sizeof(*frames), GFP_KERNEL);
	struct vmstore_out_map_many out;
	unsigned int i, round;

	KUNIT_ASSERT_NOT_NULL(test, frames);
	s->mode = VMSTORE_CHECK_OFF;
	fx_activate(test, s, 0, space);
	fx_activate(test, s, 1, space);
	for (round = 0; round < 2; round++) {
		alloc_many(test, frames, MANY);
		fx_jump(test, s, id, va);
		dispatches = atomic64_read(&s->tlb.dispatches);
		out = fx_map_frames(test, s, id, frames, MANY, fx_rw);
		KUNIT_EXPECT_EQ(test, out.mapped, (u64)MANY);
		KUNIT_EXPECT_EQ(test, out.replaced, round ? (u64)MANY : 0ULL);
		dispatches = atomic64_read(&s->tlb.dispatches) - dispatches;
		KUNIT_EXPECT_EQ(test, dispatches,
				round ? (u64)DIV_ROUND_UP(MANY, VMS_GATHER_MAX) : 0ULL);
		for (i = 0; i < MANY; i++)
			fx_store_value(test, s, i & 1, space, va + i * L1, 8,
				       round * MANY + i);
	}
	s->mode = VMSTORE_CHECK_FULL;
	KUNIT_EXPECT_LE(test, atomic64_read(&s->tlb.gathered), (s64)VMS_GATHER_MAX);
	fx_expect_inv(test, s);
	for (i = 0; i < MANY; i++)
		KUNIT_EXPECT_EQ(test, fx_load(test, s, ~i & 1, space, va + i * L1, 8),
				(u64)MANY + i);
	fx_activate(test, s, 0, 0);
	fx_activate(test, s, 1, 0);
	fx_close(test, s, id);
	fx_space_drop(test, s, space);
	fx_expect_empty(test, s);
}

/* Per page S - 1 and P + 1, over the end of a block; the segment is consumed */
static void cursor_test_map_segment(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 space = fx_space_new(test, s), start = VMS_BLOCK_SIZE - 2 * L1, paddr;
	u64 id = fx_open(test, s, true, space, 0, L3);
	u64 segment = fx_segment_from_unused(test, s, start, start + 5 * L1);
	struct vmstore_out_map_many out;

	fx_jump(test, s, id, L2 - 3 * L1);
	out = fx_map_segment(test, s, id, segment, fx_rw);
	KUNIT_EXPECT_EQ(test, out.va, L2 + 2 * L1);
	KUNIT_EXPECT_EQ(test, out.mapped, 5ULL);
	KUNIT_EXPECT_EQ(test, out.replaced, 0ULL);
	KUNIT_EXPECT_EQ(test, out.nodes_allocated, 2ULL);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->segments.count), 0);
	for (paddr = start; paddr < start + 5 * L1; paddr += L1) {
		KUNIT_EXPECT_EQ(test, rc_of(s, paddr), 1ULL);
		KUNIT_EXPECT_EQ(test, paths_of(s, paddr), 1);
		fx_jump(test, s, id, L2 - 3 * L1 + paddr - start);
		KUNIT_EXPECT_EQ(test, fx_query(test, s, id, true).paddr, paddr);
	}
	fx_fails(test, s, fx_op_map_segment(id, segment, fx_rw), -ENOENT);
	fx_expect_inv(test, s);
}

static void cursor_test_map_segment_errors(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 space = fx_space_new(test, s);
	u64 id = fx_open(test, s, true, space, VA, VA + 3 * L1);
	u64 reader = fx_open(test, s, false, space, 0, L1);
	u64 segment = fx_segment_from_unused(test, s, 0x500000, 0x504000);
	struct vmstore_op op = fx_op_map_segment(id, segment, fx_rw);
	const struct vmstore_prop bad = {};
	struct vms_segment seg;

	fx_fails(test, s, op, -EINVAL);			/* a page too many */
	op.arg.map_segment.__reserved = 1;
	fx_fails(test, s, op, -EINVAL);
	fx_fails(test, s, fx_op_map_segment(id, segment, bad), -EINVAL);
	fx_fails(test, s, fx_op_map_segment(id, segment + 1, fx_rw), -ENOENT);
	fx_fails(test, s, fx_op_map_segment(99, segment, fx_rw), -ENOENT);
	fx_fails(test, s, fx_op_map_segment(reader, segment, fx_rw), -EINVAL);
	fx_segment_next(test, s, segment);
	s->mode = VMSTORE_CHECK_OFF;
	KUNIT_EXPECT_EQ(test, vms_store_extract_segment(s, segment, &seg), 0);
	fx_fails(test, s, fx_op_map_segment(id, segment, fx_rw), -EBUSY);
	KUNIT_EXPECT_EQ(test, vms_store_insert_segment(s, segment, seg), 0);
	s->mode = VMSTORE_CHECK_FULL;
	KUNIT_EXPECT_EQ(test, fx_map_segment(test, s, id, segment, fx_rw).mapped, 3ULL);
	fx_expect_inv(test, s);
}

/* And more tables than it holds */
static void cursor_test_unmap_many_tables(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 space = fx_space_new(test, s);
	u64 id = fx_open(test, s, true, space, 0, L3 - L1);
	struct vmstore_out_unmap out;
	unsigned int i;

	s->mode = VMSTORE_CHECK_OFF;
	for (i = 0; i < MANY; i++)
		fx_map_new(test, s, id, i * L2 + i * L1);
	s->mode = VMSTORE_CHECK_FULL;
	fx_jump(test, s, id, 0);
	out = fx_unmap(test, s, id, L3 - L1);
	KUNIT_EXPECT_EQ(test, out.removed, (u64)MANY);
	KUNIT_EXPECT_EQ(test, out.nodes, (u64)MANY);
	fx_close(test, s, id);
	fx_space_drop(test, s, space);
	fx_expect_empty(test, s);
}

/* What a closed cursor could not release stays gathered and is reaped later */
static void cursor_test_close_leaves_gather(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 space = fx_space_new(test, s), left = 0;
	unsigned int round;

	fx_activate(test, s, 1, space);
	for (round = 0; round < 16; round++) {
		u64 id = fx_open(test, s, true, space, VA, VA + L1);
		u64 paddr = fx_map_new(test, s, id, VA);

		fx_load(test, s, 1, space, VA, 8);
		fx_jump(test, s, id, VA);
		KUNIT_EXPECT_EQ(test, fx_unmap(test, s, id, L1).removed, 1ULL);
		fx_close(test, s, id);
		if (rc_of(s, paddr) == 1) {
			left++;
			KUNIT_EXPECT_FALSE(test, list_empty(&s->left));
			KUNIT_EXPECT_EQ(test, fx_reap(test, s).frames_freed, 1ULL);
		}
		KUNIT_EXPECT_EQ(test, rc_of(s, paddr), VMSTORE_RC_UNUSED);
		KUNIT_EXPECT_TRUE(test, list_empty(&s->left));
	}
	/* The machine answers late often enough, else this case shows nothing */
	KUNIT_EXPECT_GT(test, left, 0ULL);
}

/* --- protect and flush --------------------------------------------------------------- */

static void cursor_test_protect(struct kunit *test)
{
	const struct vmstore_prop w = { .flags = VMSTORE_PROP_W }, none = {};
	const struct vmstore_prop ad = { .flags = VMSTORE_PROP_ACCESSED | VMSTORE_PROP_DIRTY };
	struct vms_store *s = fx_store(test);
	u64 space = fx_space_new(test, s);
	u64 id = fx_open(test, s, true, space, VA, VA + 4 * L1);
	u64 paddr = fx_map_new(test, s, id, VA + 2 * L1);
	struct vmstore_out_protect out;
	struct vmstore_op op;

	fx_store_value(test, s, 0, space, VA + 2 * L1, 8, 1);
	fx_jump(test, s, id, VA);
	out = fx_protect(test, s, id, 4 * L1, none, w);
	KUNIT_EXPECT_EQ(test, out.found, 1U);
	KUNIT_EXPECT_EQ(test, out.start, VA + 2 * L1);
	KUNIT_EXPECT_EQ(test, out.end, VA + 3 * L1);
	KUNIT_EXPECT_EQ(test, out.va, VA + 3 * L1);
	KUNIT_EXPECT_EQ(test, out.old_prop.flags, (u8)(fx_rw.flags | ad.flags));
	KUNIT_EXPECT_EQ(test, out.new_prop.flags, (u8)(VMSTORE_PROP_R | ad.flags));
	KUNIT_EXPECT_EQ(test, out.new_prop.priv, fx_rw.priv);
	KUNIT_EXPECT_EQ(test, rc_of(s, paddr), 1ULL);
	KUNIT_EXPECT_EQ(test, paths_of(s, paddr), 1);

	/* Only one leaf a call, and none past it */
	out = fx_protect(test, s, id, L1, none, w);
	KUNIT_EXPECT_EQ(test, out.found, 0U);
	KUNIT_EXPECT_GE(test, out.va, VA + 4 * L1);

	/* A and D are flags like others; the cache policy wants its flag */
	fx_jump(test, s, id, VA + 2 * L1);
	op = fx_op_protect(id, L1, (struct vmstore_prop) { .cache = VMSTORE_CACHE_UC }, ad);
	fx_fails(test, s, op, -EINVAL);
	op.flags = VMSTORE_OPF_CACHE;
	fx_does(test, s, &op);
	KUNIT_EXPECT_EQ(test, op.out.protect.new_prop.flags, VMSTORE_PROP_R);
	KUNIT_EXPECT_EQ(test, op.out.protect.new_prop.cache, VMSTORE_CACHE_UC);
	fx_jump(test, s, id, VA + 2 * L1);
	KUNIT_EXPECT_EQ(test, fx_query(test, s, id, true).prop.cache, VMSTORE_CACHE_UC);
}

/* D7: encodability is checked, before anything and whether a leaf is there or not */
static void cursor_test_protect_errors(struct kunit *test)
{
	static const struct {
		struct vmstore_prop prop, mask;
		u16 flags;
	} bad[] = {
		{ {}, { .flags = VMSTORE_PROP_R } },
		{ { .flags = 0x20 }, { .flags = 0x20 } },
		{ { .priv = VMSTORE_PRIV_SHARED }, { .priv = VMSTORE_PRIV_SHARED } },
		{ { .priv = 4 }, { .priv = 4 } },
		{ { .cache = VMSTORE_CACHE_WC }, {}, VMSTORE_OPF_CACHE },
		{ { .cache = VMSTORE_CACHE_WP }, {}, VMSTORE_OPF_CACHE },
		{ { .cache = VMSTORE_CACHE_UC }, {} },
		{ {}, { .cache = 1 } }, { {}, { .__reserved = 1 } }, { { .__reserved = 1 }, {} },
	};
	struct vms_store *s = fx_store(test);
	u64 space = fx_space_new(test, s);
	u64 id = fx_open(test, s, true, space, VA, VA + 2 * L1);
	unsigned int i, k;

	fx_map_new(test, s, id, VA);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		for (k = 0; k < 2; k++) {
			struct vmstore_op op = fx_op_protect(id, L1, bad[i].prop, bad[i].mask);

			op.flags = bad[i].flags;
			fx_jump(test, s, id, VA + k * L1);
			fx_fails(test, s, op, -EINVAL);
		}
}

static void expect_store(struct kunit *test, u64 space, u32 cpu, int err)
{
	struct vms_store *s = fx_store(test);
	struct vmstore_op op = fx_op_store(space, VA, 8, 5);

	op.cpu = cpu;
	KUNIT_EXPECT_EQ(test, fx_op(s, &op), err);
}

/* Tl7: ProtectNext flushes nothing; the flush is what makes the change seen */
static void cursor_test_protect_then_flush(struct kunit *test)
{
	const struct vmstore_prop w = { .flags = VMSTORE_PROP_W }, none = {};
	struct vms_store *s = fx_store(test);
	u64 space = fx_space_new(test, s), whole;
	u64 id = fx_open(test, s, true, space, VA, VA + L1);
	u32 cpu;

	fx_map_new(test, s, id, VA);
	for (whole = 0; whole < 2; whole++) {
		u64 ops = atomic64_read(&s->tlb.flush_ops);

		for (cpu = 0; cpu < 2; cpu++) {
			fx_activate(test, s, cpu, space);
			expect_store(test, space, cpu, 0);
		}
		fx_jump(test, s, id, VA);
		fx_protect(test, s, id, L1, none, w);
		KUNIT_EXPECT_EQ(test, atomic64_read(&s->tlb.flush_ops), (s64)ops);
		/* Dirty in the TLB already: the stale permission still lets it through */
		expect_store(test, space, 0, 0);
		expect_store(test, space, 1, 0);
		fx_flush(test, s, id, VA, whole ? 0 : L1);
		expect_store(test, space, 0, -EFAULT);
		expect_store(test, space, 1, -EFAULT);
		fx_jump(test, s, id, VA);
		fx_protect(test, s, id, L1, w, w);
		fx_flush(test, s, id, 0, 0);
	}
}

static void cursor_test_flush_errors(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 space = fx_space_new(test, s);
	u64 id = fx_open(test, s, true, space, VA, VA + L1);

	fx_fails(test, s, fx_op_flush(id, VA + 1, L1), -EINVAL);
	fx_fails(test, s, fx_op_flush(id, VA, 1), -EINVAL);
	fx_fails(test, s, fx_op_flush(id, U64_MAX, L1), -EINVAL);
	fx_fails(test, s, fx_op_flush(id, END, L1), -EACCES);
	fx_fails(test, s, fx_op_flush(id, VA, END), -EACCES);
	fx_fails(test, s, fx_op_flush(id, VA, ~0xfffULL), -EACCES);
	fx_fails(test, s, fx_op_flush(id, VMSTORE_KERNEL_BASE, L1), -EACCES);
	/* The space, not only the range of the cursor */
	fx_flush(test, s, id, 0, END);
	fx_flush(test, s, id, END - L1, L1);
}

/* --- at random, against a flat array -------------------------------------------------- */

#define FLAT_PAGES	1536U
#define FLAT_START	(L3 - 700 * L1)		/* three tables and a 1 GiB boundary */
#define FLAT_MAX	600U			/* pages mapped at a time */
#define FLAT_STEPS	FX_ROUNDS(1200)

/* What is mapped, by page; paddr + 1, 0 = nothing */
struct flat {
	struct kunit *test;
	struct vms_store *s;
	struct rnd_state rnd;
	u64 space, id, va;
	unsigned int mapped;
	struct {
		u64 frame;
		struct vmstore_prop prop;
	} page[FLAT_PAGES];
};

static u32 flat_random(struct flat *f, u32 n)
{
	return prandom_u32_state(&f->rnd) % n;
}

static u64 flat_va(u32 page)
{
	return FLAT_START + page * L1;
}

static u32 flat_page(u64 va)
{
	return (va - FLAT_START) / L1;
}

/* The first page mapped in [from, to), or to */
static u32 flat_next(const struct flat *f, u32 from, u32 to)
{
	while (from < to && !f->page[from].frame)
		from++;
	return from;
}

/* A CPU may walk there at any time: accessed is set perhaps, and from then on for sure */
static void flat_expect_prop(struct flat *f, struct vmstore_prop got, u32 page)
{
	f->page[page].prop.flags |= got.flags & VMSTORE_PROP_ACCESSED;
	KUNIT_EXPECT_EQ(f->test, memcmp(&got, &f->page[page].prop, sizeof(got)), 0);
}

static void flat_jump(struct flat *f)
{
	f->va = flat_va(flat_random(f, FLAT_PAGES));
	KUNIT_EXPECT_EQ(f->test, fx_jump(f->test, f->s, f->id, f->va).va, f->va);
}

static struct vmstore_prop flat_random_prop(struct flat *f)
{
	return (struct vmstore_prop) {
		.flags = VMSTORE_PROP_R | (flat_random(f, 256) & 0xde),
		.cache = flat_random(f, 3),
		.priv = flat_random(f, 4),
	};
}

static void flat_map(struct flat *f)
{
	struct vmstore_prop prop = flat_random_prop(f);
	u32 page = flat_page(f->va), other = flat_random(f, FLAT_PAGES);
	u64 paddr = f->page[other].frame - 1, frame;
	struct vmstore_out_map out;

	/* Sometimes one that is mapped already */
	if (f->page[other].frame && flat_random(f, 4) == 0) {
		frame = fx_frame_from_in_use(f->test, f->s, paddr);
	} else {
		frame = fx_frame_alloc(f->test, f->s, &paddr);
		*(u64 *)vms_slot_kva(&f->s->region, vms_paddr_slot(paddr)) = paddr;
	}
	out = fx_map(f->test, f->s, f->id, frame, prop);
	KUNIT_EXPECT_EQ(f->test, out.va, f->va + L1);
	KUNIT_EXPECT_EQ(f->test, out.replaced, (u32)!!f->page[page].frame);
	if (f->page[page].frame) {
		KUNIT_EXPECT_EQ(f->test, out.old_paddr, f->page[page].frame - 1);
		flat_expect_prop(f, out.old_prop, page);
	}
	f->mapped += !f->page[page].frame;
	f->page[page].frame = paddr + 1;
	f->page[page].prop = prop;
	f->va += L1;
}

static void flat_query(struct flat *f)
{
	bool peek = flat_random(f, 2);
	struct vmstore_out_query out = fx_query(f->test, f->s, f->id, peek);
	u32 page = flat_page(f->va);

	KUNIT_EXPECT_EQ(f->test, out.found, (u32)!!f->page[page].frame);
	if (out.found) {
		KUNIT_EXPECT_EQ(f->test, out.start, f->va);
		KUNIT_EXPECT_EQ(f->test, out.end, f->va + L1);
		KUNIT_EXPECT_EQ(f->test, out.paddr, f->page[page].frame - 1);
		flat_expect_prop(f, out.prop, page);
		KUNIT_EXPECT_EQ(f->test, !!out.id, !peek);
		if (!peek)
			fx_frame_drop(f->test, f->s, out.id);
		return;
	}
	/* An absent slot is absent as a whole */
	KUNIT_EXPECT_LE(f->test, out.start, f->va);
	KUNIT_EXPECT_GT(f->test, out.end, f->va);
	KUNIT_EXPECT_EQ(f->test, out.end - out.start, vms_page_size(out.level));
	KUNIT_EXPECT_EQ(f->test, out.start % vms_page_size(out.level), 0ULL);
	page = flat_page(max(out.start, FLAT_START));
	KUNIT_EXPECT_GE(f->test, flat_va(flat_next(f, page, FLAT_PAGES)),
			min(out.end, flat_va(FLAT_PAGES)));
}

/* A length in pages from the current address; all of them at times */
static u32 flat_len(struct flat *f)
{
	u32 left = FLAT_PAGES - flat_page(f->va);

	return flat_random(f, 8) ? flat_random(f, min(left + 1, 200U)) : left;
}

static void flat_find_next(struct flat *f)
{
	u32 from = flat_page(f->va), len = flat_len(f);
	u32 next = flat_next(f, from, from + len);
	struct vmstore_out_va out = fx_find_next(f->test, f->s, f->id, len * L1);

	KUNIT_EXPECT_EQ(f->test, out.found, (u32)(next < from + len));
	if (out.found)
		KUNIT_EXPECT_EQ(f->test, out.va, flat_va(next));
	else
		KUNIT_EXPECT_GE(f->test, out.va, flat_va(from + len));
	f->va = out.va;
}

static void flat_unmap(struct flat *f)
{
	u32 from = flat_page(f->va), len = flat_len(f), page;
	u64 removed = 0, accessed = 0, dirty = 0;
	struct vmstore_out_unmap out = fx_unmap(f->test, f->s, f->id, len * L1);

	for (page = from; page < from + len; page++) {
		if (!f->page[page].frame)
			continue;
		removed++;
		accessed += !!(f->page[page].prop.flags & VMSTORE_PROP_ACCESSED);
		dirty += !!(f->page[page].prop.flags & VMSTORE_PROP_DIRTY);
		f->page[page].frame = 0;
	}
	KUNIT_EXPECT_EQ(f->test, out.removed, removed);
	KUNIT_EXPECT_GE(f->test, out.accessed, accessed);
	KUNIT_EXPECT_LE(f->test, out.accessed, removed);
	KUNIT_EXPECT_EQ(f->test, out.dirty, dirty);
	KUNIT_EXPECT_GE(f->test, out.va, flat_va(from + len));
	f->mapped -= removed;
	f->va = out.va;
}

static void flat_protect(struct flat *f)
{
	u32 from = flat_page(f->va), len = flat_len(f);
	u32 next = flat_next(f, from, from + len);
	struct vmstore_prop prop = flat_random_prop(f), mask = flat_random_prop(f), *now;
	struct vmstore_out_protect out;

	prop.cache = 0;
	mask.cache = 0;
	out = fx_protect(f->test, f->s, f->id, len * L1, prop, mask);
	f->va = out.va;
	KUNIT_EXPECT_EQ(f->test, out.found, (u32)(next < from + len));
	if (!out.found) {
		KUNIT_EXPECT_GE(f->test, out.va, flat_va(from + len));
		return;
	}
	KUNIT_EXPECT_EQ(f->test, out.start, flat_va(next));
	KUNIT_EXPECT_EQ(f->test, out.end, flat_va(next + 1));
	KUNIT_EXPECT_EQ(f->test, out.va, flat_va(next + 1));
	flat_expect_prop(f, out.old_prop, next);
	now = &f->page[next].prop;
	now->flags = (now->flags & ~mask.flags) | (prop.flags & mask.flags);
	now->priv = (now->priv & ~mask.priv) | (prop.priv & mask.priv);
	flat_expect_prop(f, out.new_prop, next);
	/* Or what a CPU has cached would be right too */
	fx_flush(f->test, f->s, f->id, flat_random(f, 2) ? out.start : 0,
		 flat_random(f, 2) ? 0 : END - out.start);
}

/* A load or store on either CPU, which has the space active or not */
static void flat_access(struct flat *f)
{
	u32 page = flat_random(f, FLAT_PAGES);
	struct vmstore_prop *prop = &f->page[page].prop;
	u64 paddr = f->page[page].frame - 1;
	bool write = flat_random(f, 2);
	struct vmstore_op op = write ? fx_op_store(f->space, flat_va(page), 8, paddr) :
				       fx_op_load(f->space, flat_va(page), 8);
	bool fault = !f->page[page].frame || (write && !(prop->flags & VMSTORE_PROP_W));

	op.cpu = flat_random(f, 2);
	KUNIT_EXPECT_EQ(f->test, fx_op(f->s, &op), fault ? -EFAULT : 0);
	if (fault)
		return;
	if (!write)
		KUNIT_EXPECT_EQ(f->test, op.out.access.value, paddr);
	prop->flags |= VMSTORE_PROP_ACCESSED | (write ? VMSTORE_PROP_DIRTY : 0);
}

static void flat_reopen(struct flat *f)
{
	fx_close(f->test, f->s, f->id);
	f->id = fx_open(f->test, f->s, true, f->space, FLAT_START, flat_va(FLAT_PAGES));
	f->va = FLAT_START;
	fx_activate(f->test, f->s, flat_random(f, 2), flat_random(f, 2) ? f->space : 0);
}

static void flat_step(struct flat *f)
{
	u32 what = flat_random(f, 100);

	if (f->va >= flat_va(FLAT_PAGES) || what < 15)
		flat_jump(f);
	else if (what < 45 && f->mapped < FLAT_MAX)
		flat_map(f);
	else if (what < 55)
		flat_query(f);
	else if (what < 65)
		flat_find_next(f);
	else if (what < 70)
		flat_unmap(f);
	else if (what < 80)
		flat_protect(f);
	else if (what < 98)
		flat_access(f);
	else
		flat_reopen(f);
}

/* Every page at the end, by a new cursor */
static void flat_compare(struct flat *f)
{
	u32 page = 0;

	flat_reopen(f);
	while (f->va < flat_va(FLAT_PAGES)) {
		struct vmstore_out_va out = fx_find_next(f->test, f->s, f->id,
							 flat_va(FLAT_PAGES) - f->va);

		page = flat_next(f, page, FLAT_PAGES);
		KUNIT_ASSERT_EQ(f->test, out.found, (u32)(page < FLAT_PAGES));
		if (!out.found)
			break;
		f->va = out.va;
		KUNIT_ASSERT_EQ(f->test, out.va, flat_va(page));
		flat_query(f);
		page++;
		f->va += L1;
		if (f->va < flat_va(FLAT_PAGES))
			fx_jump(f->test, f->s, f->id, f->va);
	}
}

static void cursor_test_random(struct kunit *test)
{
	static const u64 seeds[] = { 0x5eed0003, 0x5eed0004, 0x5eed0005 };
	struct vms_store *s = fx_store(test);
	unsigned int i, step;

	for (i = 0; i < ARRAY_SIZE(seeds); i++) {
		struct flat *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);

		KUNIT_ASSERT_NOT_NULL(test, f);
		kunit_info(test, "seed %#llx", seeds[i]);
		f->test = test;
		f->s = s;
		prandom_seed_state(&f->rnd, seeds[i]);
		f->space = fx_space_new(test, s);
		f->va = FLAT_START;
		f->id = fx_open(test, s, true, f->space, FLAT_START, flat_va(FLAT_PAGES));
		for (step = 0; step < FLAT_STEPS; step++)
			flat_step(f);
		flat_compare(f);
		fx_activate(test, s, 0, 0);
		fx_activate(test, s, 1, 0);
		fx_close(test, s, f->id);
		KUNIT_EXPECT_EQ(test, fx_space_drop(test, s, f->space).leaves, (u64)f->mapped);
		fx_expect_empty(test, s);
		fx_expect_inv(test, s);
		kunit_kfree(test, f);
	}
}

static struct kunit_case cursor_test_cases[] = {
	KUNIT_CASE(cursor_test_open_errors),
	KUNIT_CASE(cursor_test_covering_level),
	KUNIT_CASE(cursor_test_covering_random),
	KUNIT_CASE(cursor_test_owned_nodes),
	KUNIT_CASE(cursor_test_born_owned),
	KUNIT_CASE_PARAM(cursor_test_pairs_full, range_gen_params),
	KUNIT_CASE_PARAM(cursor_test_pairs_empty, range_gen_params),
	KUNIT_CASE(cursor_test_many),
	KUNIT_CASE(cursor_test_two_spaces),
	KUNIT_CASE(cursor_test_claimed),
	KUNIT_CASE(cursor_test_wrong_cursor),
	KUNIT_CASE(cursor_test_jump),
	KUNIT_CASE(cursor_test_jump_back),
	KUNIT_CASE(cursor_test_query_absent),
	KUNIT_CASE(cursor_test_query_leaf),
	KUNIT_CASE(cursor_test_query_saturated),
	KUNIT_CASE(cursor_test_len_errors),
	KUNIT_CASE(cursor_test_find_next),
	KUNIT_CASE(cursor_test_find_next_overshoots),
	KUNIT_CASE(cursor_test_map),
	KUNIT_CASE(cursor_test_map_errors),
	KUNIT_CASE(cursor_test_map_over),
	KUNIT_CASE(cursor_test_map_same),
	KUNIT_CASE(cursor_test_map_no_nodes),
	KUNIT_CASE(cursor_test_open_no_nodes),
	KUNIT_CASE(cursor_test_unmap),
	KUNIT_CASE(cursor_test_unmap_tables),
	KUNIT_CASE(cursor_test_unmap_from_within),
	KUNIT_CASE(cursor_test_unmap_empty_table),
	KUNIT_CASE(cursor_test_unmap_stray),
	KUNIT_CASE(cursor_test_unmap_many),
	KUNIT_CASE(cursor_test_unmap_many_tables),
	KUNIT_CASE(cursor_test_map_frames),
	KUNIT_CASE(cursor_test_map_frames_to_the_end),
	KUNIT_CASE(cursor_test_map_frames_errors),
	KUNIT_CASE(cursor_test_map_frames_no_nodes),
	KUNIT_CASE(cursor_test_map_frames_over_many),
	KUNIT_CASE(cursor_test_map_segment),
	KUNIT_CASE(cursor_test_map_segment_errors),
	KUNIT_CASE(cursor_test_close_leaves_gather),
	KUNIT_CASE(cursor_test_protect),
	KUNIT_CASE(cursor_test_protect_errors),
	KUNIT_CASE(cursor_test_protect_then_flush),
	KUNIT_CASE(cursor_test_flush_errors),
	KUNIT_CASE(cursor_test_random),
	{}
};

static struct kunit_suite cursor_test_suite = {
	.name = "vmstore-cursor",
	.init = fx_init,
	.exit = fx_exit,
	.test_cases = cursor_test_cases,
};

kunit_test_suite(cursor_test_suite);
