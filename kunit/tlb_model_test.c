// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the model considers cached, what of it is stale, and T5 where nobody checks.
 *
 * Who puts the clauses to the test is inv_test.c.
 */

#include <linux/kernel.h>
#include <linux/string.h>

#include "inv/inv.h"
#include "step.h"
#include "wrong.h"
#include "fixture.h"

#define VA	(40ULL << 30)
#define PAGES	4

/**
 * struct world - a space with pages mapped from VA on
 * @fx: the store
 * @space: its id
 * @cursor: id of a cursor over VA and what is behind it
 * @paddr: what is mapped
 */
struct world {
	struct fx fx;
	u64 space;
	u64 cursor;
	u64 paddr[PAGES];
};

static int model_init_mode(struct kunit *test, u32 mode)
{
	const struct vmstore_setup setup = {
		.size = sizeof(setup),
		.region_size = FX_REGION,
		.mmio_size = FX_MMIO,
		.machine = VMSTORE_MACHINE_SOFT,
		.nr_cpus = 2,
		.check_mode = mode,
	};
	struct world *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);
	struct vms_store *s;
	int i, err;

	if (!w)
		return -ENOMEM;
	err = fx_init_with(test, &w->fx, &setup);
	if (err)
		return err;
	s = w->fx.s;
	w->space = fx_space_new(test, s);
	w->cursor = fx_open(test, s, true, w->space, VA, VA + vms_page_size(2));
	for (i = 0; i < PAGES; i++)
		w->paddr[i] = fx_map_new(test, s, w->cursor, VA + i * FX_PAGE);
	return 0;
}

static int model_init(struct kunit *test)
{
	return model_init_mode(test, VMSTORE_CHECK_FULL);
}

static int model_init_off(struct kunit *test)
{
	return model_init_mode(test, VMSTORE_CHECK_OFF);
}

static void model_exit(struct kunit *test)
{
	WRITE_ONCE(vms_wrong, VMS_WRONG_NONE);
	fx_exit(test);
}

static struct vms_tlb_model *model_of(struct kunit *test)
{
	return fx_store(test)->tlb.model;
}

static struct vms_gather *gather_of(struct kunit *test)
{
	struct world *w = test->priv;
	struct vms_cursor *c = xa_load(&w->fx.s->cursors.xa, w->cursor);

	return c->gather;
}

/* Load from page @i of @space */
static void look(struct kunit *test, u64 space, u32 i)
{
	fx_load(test, fx_store(test), 0, space, VA + i * FX_PAGE, 8);
}

static bool is_cached(struct kunit *test, u64 space, u64 va)
{
	const struct vms_tlb_model *model = model_of(test);
	u32 i;

	for (i = 0; i < model->nr; i++)
		if (model->mapping[i].space == space && model->mapping[i].va == va)
			return true;
	return false;
}

/* --- what is admitted ---------------------------------------------------------------- */

static void model_admits(struct kunit *test)
{
	struct world *w = test->priv;
	struct vms_store *s = w->fx.s;
	const struct vms_mapping *m = model_of(test)->mapping;
	u32 slot = vms_paddr_slot(w->paddr[1]);

	KUNIT_EXPECT_EQ(test, model_of(test)->nr, 0);
	look(test, w->space, 1);
	look(test, w->space, 1);
	fx_store_value(test, s, 1, w->space, VA + FX_PAGE + 8, 8, 1);
	KUNIT_ASSERT_EQ(test, model_of(test)->nr, 1);
	KUNIT_EXPECT_EQ(test, m->space, w->space);
	KUNIT_EXPECT_EQ(test, m->va, VA + FX_PAGE);
	KUNIT_EXPECT_EQ(test, m->level, 1);
	KUNIT_EXPECT_EQ(test, vms_pte_pa(m->pte), vms_slot_pa(&s->region, slot));
	KUNIT_EXPECT_EQ(test, m->pte & VMS_PTE_AD, 0);
	fx_expect_inv(test, s);
}

/* What faults uses no translation, and the linear window is not the model's */
static void model_leaves_out(struct kunit *test)
{
	struct world *w = test->priv;
	struct vms_store *s = w->fx.s;
	u64 paddr;

	fx_frame_alloc(test, s, &paddr);
	fx_fails(test, s, fx_op_load(w->space, VA + PAGES * FX_PAGE, 8), -EFAULT);
	fx_load(test, s, 0, w->space, VMSTORE_KERNEL_BASE + paddr, 8);
	KUNIT_EXPECT_EQ(test, model_of(test)->nr, 0);
}

/* Kernel areas are cached for all spaces at once, and large pages as such */
static void model_admits_areas(struct kunit *test)
{
	const struct vmstore_prop rw = { .flags = VMSTORE_PROP_R | VMSTORE_PROP_W };
	struct world *w = test->priv;
	struct vms_store *s = w->fx.s;
	u64 other = fx_space_new(test, s);
	u64 frame = fx_frame_alloc(test, s, NULL);
	u64 start = fx_kvirt_frames(test, s, FX_PAGE, 0, &frame, 1, rw).start;

	fx_load(test, s, 0, w->space, start, 8);
	fx_load(test, s, 1, other, start, 8);
	KUNIT_EXPECT_EQ(test, model_of(test)->nr, 1);
	KUNIT_EXPECT_TRUE(test, is_cached(test, VMS_KERNEL_TAG, start));
	fx_expect_inv(test, s);
}

/* T2 and T3 hold of all spaces together: the second one is left out */
static void model_is_disjoint(struct kunit *test)
{
	struct world *w = test->priv;
	struct vms_store *s = w->fx.s;
	u64 other = fx_space_new(test, s);
	u64 c = fx_open(test, s, true, other, VA, VA + vms_page_size(2));

	fx_map_new(test, s, c, VA);
	look(test, w->space, 0);
	look(test, other, 0);
	KUNIT_EXPECT_FALSE(test, is_cached(test, other, VA));

	fx_jump(test, s, c, VA + 8 * FX_PAGE);
	fx_map(test, s, c, fx_frame_from_in_use(test, s, w->paddr[0]), fx_rw);
	look(test, other, 8);
	KUNIT_EXPECT_FALSE(test, is_cached(test, other, VA + 8 * FX_PAGE));
	KUNIT_EXPECT_EQ(test, model_of(test)->nr, 1);

	/* when the first one goes they may come, one of them */
	fx_flush(test, s, w->cursor, VA, FX_PAGE);
	look(test, other, 0);
	look(test, other, 8);
	KUNIT_EXPECT_EQ(test, model_of(test)->nr, 2);
	look(test, w->space, 0);
	KUNIT_EXPECT_FALSE(test, is_cached(test, w->space, VA));
	fx_expect_inv(test, s);
}

/* A full set lets go of one */
static void model_is_bounded(struct kunit *test)
{
	struct world *w = test->priv;
	struct vms_store *s = w->fx.s;
	u32 i, nr = 0;

	for (i = PAGES; i <= VMS_TLB_MODEL_MAX; i++)
		fx_map_new(test, s, w->cursor, VA + i * FX_PAGE);
	for (i = 0; i <= VMS_TLB_MODEL_MAX; i++)
		look(test, w->space, i);
	KUNIT_EXPECT_EQ(test, model_of(test)->nr, VMS_TLB_MODEL_MAX);
	for (i = 0; i <= VMS_TLB_MODEL_MAX; i++)
		nr += is_cached(test, w->space, VA + i * FX_PAGE);
	KUNIT_EXPECT_EQ(test, nr, VMS_TLB_MODEL_MAX);
	KUNIT_EXPECT_TRUE(test, is_cached(test, w->space, VA + VMS_TLB_MODEL_MAX * FX_PAGE));
	fx_expect_inv(test, s);
}

/* --- what goes [Tl10] ------------------------------------------------------------------- */

static void flush_op(struct kunit *test, u64 tag, u64 start, u64 end)
{
	struct vms_flush *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, f);
	vms_flush_push(f, tag, start, end);
	vms_tlb_model_flush(model_of(test), f);
}

static void flush_all(struct kunit *test, bool global)
{
	struct vms_flush *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, f);
	f->all = true;
	f->global = global;
	vms_tlb_model_flush(model_of(test), f);
}

/* A request takes what it meets of its space, and nothing beside it */
static void model_flush_range(struct kunit *test)
{
	struct world *w = test->priv;
	u32 i;

	for (i = 0; i < 3; i++)
		look(test, w->space, i);
	flush_op(test, w->space, VA - FX_PAGE, VA);
	flush_op(test, w->space, VA + 3 * FX_PAGE, VA + 4 * FX_PAGE);
	flush_op(test, w->space + 1, VA, VA + 3 * FX_PAGE);
	KUNIT_EXPECT_EQ(test, model_of(test)->nr, 3);
	flush_op(test, w->space, VA + FX_PAGE, VA + 2 * FX_PAGE);
	KUNIT_EXPECT_EQ(test, model_of(test)->nr, 2);
	KUNIT_EXPECT_FALSE(test, is_cached(test, w->space, VA + FX_PAGE));
	flush_op(test, w->space, VA, VA + 3 * FX_PAGE);
	KUNIT_EXPECT_EQ(test, model_of(test)->nr, 0);
}

/* Everything is the user half of every space; the areas only with what is global */
static void model_flush_all(struct kunit *test)
{
	const struct vmstore_prop rw = { .flags = VMSTORE_PROP_R | VMSTORE_PROP_W };
	struct world *w = test->priv;
	struct vms_store *s = w->fx.s;
	u64 frame = fx_frame_alloc(test, s, NULL);
	u64 start = fx_kvirt_frames(test, s, FX_PAGE, 0, &frame, 1, rw).start;

	look(test, w->space, 0);
	fx_load(test, s, 0, w->space, start, 8);
	flush_all(test, false);
	KUNIT_EXPECT_EQ(test, model_of(test)->nr, 1);
	KUNIT_EXPECT_TRUE(test, is_cached(test, VMS_KERNEL_TAG, start));
	flush_all(test, true);
	KUNIT_EXPECT_EQ(test, model_of(test)->nr, 0);

	fx_load(test, s, 0, w->space, start, 8);
	flush_op(test, VMS_KERNEL_TAG, start, start + FX_PAGE);
	KUNIT_EXPECT_EQ(test, model_of(test)->nr, 0);
}

/* An unmap, a map over, and the drop of a space take theirs, and leave the rest */
static void model_follows(struct kunit *test)
{
	struct world *w = test->priv;
	struct vms_store *s = w->fx.s;
	u32 i;

	for (i = 0; i < 3; i++)
		look(test, w->space, i);
	fx_jump(test, s, w->cursor, VA);
	fx_unmap(test, s, w->cursor, FX_PAGE);
	KUNIT_EXPECT_FALSE(test, is_cached(test, w->space, VA));
	fx_map_new(test, s, w->cursor, VA + FX_PAGE);
	KUNIT_EXPECT_FALSE(test, is_cached(test, w->space, VA + FX_PAGE));
	KUNIT_EXPECT_TRUE(test, is_cached(test, w->space, VA + 2 * FX_PAGE));
	fx_close(test, s, w->cursor);
	KUNIT_EXPECT_EQ(test, model_of(test)->nr, 1);
	fx_space_drop(test, s, w->space);
	KUNIT_EXPECT_EQ(test, model_of(test)->nr, 0);
	fx_expect_inv(test, s);
}

/* --- what is stale [D5] ------------------------------------------------------------------- */

static void protect(struct kunit *test, u32 i)
{
	const struct vmstore_prop w_bit = { .flags = VMSTORE_PROP_W };
	struct world *w = test->priv;

	fx_jump(test, w->fx.s, w->cursor, VA + i * FX_PAGE);
	fx_protect(test, w->fx.s, w->cursor, FX_PAGE, (struct vmstore_prop) {}, w_bit);
}

/* The records of FLUSHES in one state */
static size_t nr_flushes(struct kunit *test, u32 state, struct vmstore_rec_flush *last)
{
	struct vmstore_rec_flush *rec;
	size_t i, nr, found = 0;

	rec = fx_dump(test, fx_store(test), VMSTORE_DUMP_FLUSHES, &nr);
	for (i = 0; i < nr; i++) {
		if (rec[i].state != state)
			continue;
		*last = rec[i];
		found++;
	}
	return found;
}

/* ProtectNext leaves the flush to its caller, and what it changed is known until then [Tl9] */
static void stale_changed(struct kunit *test)
{
	struct world *w = test->priv;
	struct vms_store *s = w->fx.s;
	struct vmstore_rec_flush rec = {};

	look(test, w->space, 0);
	look(test, w->space, 1);
	protect(test, 0);
	protect(test, 1);
	KUNIT_EXPECT_TRUE(test, is_cached(test, w->space, VA));
	KUNIT_EXPECT_EQ(test, nr_flushes(test, VMSTORE_FLUSH_CHANGED, &rec), 2);
	KUNIT_EXPECT_EQ(test, rec.space, w->space);
	KUNIT_EXPECT_EQ(test, rec.cursor, w->cursor);
	KUNIT_EXPECT_EQ(test, rec.start, VA + FX_PAGE);
	KUNIT_EXPECT_EQ(test, rec.end, VA + 2 * FX_PAGE);
	KUNIT_EXPECT_EQ(test, rec.all, 0);
	KUNIT_EXPECT_EQ(test, rec.cpus, 0);

	/* a request that covers one takes that one out */
	fx_flush(test, s, w->cursor, VA, FX_PAGE);
	KUNIT_EXPECT_FALSE(test, is_cached(test, w->space, VA));
	KUNIT_EXPECT_TRUE(test, is_cached(test, w->space, VA + FX_PAGE));
	KUNIT_EXPECT_EQ(test, nr_flushes(test, VMSTORE_FLUSH_CHANGED, &rec), 1);
	KUNIT_EXPECT_EQ(test, rec.start, VA + FX_PAGE);
	fx_flush(test, s, w->cursor, 0, 0);
	KUNIT_EXPECT_EQ(test, nr_flushes(test, VMSTORE_FLUSH_CHANGED, &rec), 0);
	KUNIT_EXPECT_EQ(test, model_of(test)->nr, 0);
	fx_expect_inv(test, s);
}

/* 32 ranges, then everything, which only a flush of everything takes out */
static void stale_many(struct kunit *test)
{
	struct world *w = test->priv;
	struct vms_store *s = w->fx.s;
	struct vmstore_rec_flush rec = {};
	u32 i;

	for (i = PAGES; i < 33; i++)
		fx_map_new(test, s, w->cursor, VA + i * FX_PAGE);
	for (i = 0; i < 32; i++)
		protect(test, i);
	KUNIT_EXPECT_EQ(test, nr_flushes(test, VMSTORE_FLUSH_CHANGED, &rec), 32);
	protect(test, 32);
	KUNIT_EXPECT_EQ(test, nr_flushes(test, VMSTORE_FLUSH_CHANGED, &rec), 1);
	KUNIT_EXPECT_EQ(test, rec.all, 1);
	fx_flush(test, s, w->cursor, VA, FX_PAGE);
	KUNIT_EXPECT_EQ(test, nr_flushes(test, VMSTORE_FLUSH_CHANGED, &rec), 1);
	fx_flush(test, s, w->cursor, VA, 33 * FX_PAGE);
	KUNIT_EXPECT_EQ(test, nr_flushes(test, VMSTORE_FLUSH_CHANGED, &rec), 0);
}

/* A cursor that goes leaves nothing stale behind that nobody was asked to flush */
static void stale_drop(struct kunit *test)
{
	struct world *w = test->priv;
	struct vms_store *s = w->fx.s;
	u64 asked;

	fx_activate(test, s, 1, w->space);
	look(test, w->space, 0);
	protect(test, 0);
	asked = atomic64_read(&s->tlb.ipis);
	fx_close(test, s, w->cursor);
	KUNIT_EXPECT_EQ(test, atomic64_read(&s->tlb.ipis), asked + 1);
	KUNIT_EXPECT_EQ(test, model_of(test)->nr, 0);

	/* and without a change it asks nobody */
	w->cursor = fx_open(test, s, true, w->space, VA, VA + vms_page_size(2));
	fx_close(test, s, w->cursor);
	KUNIT_EXPECT_EQ(test, atomic64_read(&s->tlb.ipis), asked + 1);
	fx_expect_inv(test, s);
}

/* What REAP takes from a cursor it flushes, whatever state it is in */
static void stale_reap(struct kunit *test)
{
	struct world *w = test->priv;
	struct vms_store *s = w->fx.s;
	struct vmstore_op op = fx_op_len(VMSTORE_OP_CURSOR_UNMAP, w->cursor, FX_PAGE);
	struct vmstore_rec_flush rec = {};

	look(test, w->space, 0);
	protect(test, 0);
	op.flags = VMSTORE_OPF_DEFER;
	fx_does(test, s, &op);
	KUNIT_EXPECT_EQ(test, nr_flushes(test, VMSTORE_FLUSH_CHANGED, &rec), 1);
	KUNIT_EXPECT_EQ(test, nr_flushes(test, VMSTORE_FLUSH_PENDING, &rec), 1);
	KUNIT_EXPECT_EQ(test, fx_reap(test, s).refs, 1);
	KUNIT_EXPECT_EQ(test, nr_flushes(test, VMSTORE_FLUSH_CHANGED, &rec), 0);
	KUNIT_EXPECT_EQ(test, nr_flushes(test, VMSTORE_FLUSH_PENDING, &rec), 0);
	KUNIT_EXPECT_EQ(test, model_of(test)->nr, 0);
	fx_expect_inv(test, s);
}

/* --- births --------------------------------------------------------------------------------- */

static void birth_counts_claims(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 paddr = 0x400000;
	struct vms_slot *slot = &s->region.slots[vms_paddr_slot(paddr)];
	u32 birth = slot->birth;
	u64 frame = fx_frame_from_unused(test, s, paddr);
	u64 unique;

	KUNIT_EXPECT_EQ(test, slot->birth, birth + 1);
	fx_frame_drop(test, s, fx_frame_clone(test, s, frame));
	unique = fx_try_from_shared(test, s, frame);
	KUNIT_EXPECT_EQ(test, slot->birth, birth + 1);
	fx_unique_drop(test, s, unique);
	KUNIT_EXPECT_EQ(test, slot->birth, birth + 1);
	fx_unique_drop(test, s, fx_unique_from_unused(test, s, paddr));
	KUNIT_EXPECT_EQ(test, slot->birth, birth + 2);
	fx_segment_drop(test, s, fx_segment_from_unused(test, s, paddr, paddr + FX_PAGE));
	KUNIT_EXPECT_EQ(test, slot->birth, birth + 3);
}

/* --- T5 at a release, in check mode off ------------------------------------------------------- */

/* Unmap page 0, dispatch nothing: its frame stays gathered */
static struct vms_slot *gather_page(struct kunit *test)
{
	struct world *w = test->priv;
	struct vmstore_op op = fx_op_len(VMSTORE_OP_CURSOR_UNMAP, w->cursor, FX_PAGE);

	fx_jump(test, w->fx.s, w->cursor, VA);
	op.flags = VMSTORE_OPF_DEFER;
	fx_does(test, w->fx.s, &op);
	KUNIT_ASSERT_EQ(test, gather_of(test)->nr, 1);
	return &w->fx.s->region.slots[vms_paddr_slot(w->paddr[0])];
}

/* The operation that finds it fails, the store is frozen, and the report says why */
static void expect_t5(struct kunit *test, struct vmstore_op op, const char *what)
{
	struct vms_store *s = fx_store(test);
	const struct vmstore_violation *v = &s->inv->violation[0];

	KUNIT_EXPECT_EQ(test, fx_op(s, &op), -EIO);
	KUNIT_EXPECT_TRUE(test, s->frozen);
	fx_fails(test, s, fx_op_simple(VMSTORE_OP_FRAME_ALLOC), -EIO);
	KUNIT_ASSERT_EQ(test, s->inv->nr_violations, 1);
	KUNIT_EXPECT_STREQ(test, v->clause, "T5");
	KUNIT_EXPECT_EQ(test, v->kind, VMSTORE_OBJ_SLOT);
	KUNIT_EXPECT_NOT_NULL(test, strstr(v->text, what));
	/* a check that follows counts it, once */
	KUNIT_EXPECT_GT(test, fx_check(test, s), 0);
	KUNIT_EXPECT_STREQ(test, v->clause, "T5");
	KUNIT_EXPECT_STREQ(test, s->inv->violation[s->inv->nr_stored - 1].clause, "I0");
}

static void release_good(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	struct vms_slot *slot = gather_page(test);

	KUNIT_EXPECT_NULL(test, model_of(test));
	KUNIT_EXPECT_EQ(test, fx_reap(test, s).frames_freed, 1);
	KUNIT_EXPECT_EQ(test, slot->rc.counter, VMS_RC_UNUSED);
	KUNIT_EXPECT_FALSE(test, s->frozen);
	fx_expect_inv(test, s);
}

static void release_reborn(struct kunit *test)
{
	gather_page(test)->birth++;
	expect_t5(test, fx_op_simple(VMSTORE_OP_REAP), "has a new owner");
}

/* What somebody else has is not dropped for him */
static void release_unused(struct kunit *test)
{
	struct vms_slot *slot = gather_page(test);

	slot->rc.counter = VMS_RC_UNIQUE;
	expect_t5(test, fx_op_simple(VMSTORE_OP_REAP), "has a new owner or none");
	KUNIT_EXPECT_EQ(test, slot->rc.counter, VMS_RC_UNIQUE);
}

static void release_unflushed(struct kunit *test)
{
	struct world *w = test->priv;
	struct vmstore_op op = fx_op_len(VMSTORE_OP_CURSOR_UNMAP, w->cursor, FX_PAGE);

	fx_jump(test, w->fx.s, w->cursor, VA);
	op.flags = VMSTORE_OPF_DEFER;
	WRITE_ONCE(vms_wrong, VMS_WRONG_RELEASED_EARLY);
	expect_t5(test, op, "before it was flushed");
}

/* A frame below a node that was cut off */
static void release_below(struct kunit *test)
{
	struct world *w = test->priv;
	struct vms_store *s = w->fx.s;
	struct vms_slot *slot = &s->region.slots[vms_paddr_slot(w->paddr[2])];
	u64 c;

	fx_close(test, s, w->cursor);
	c = fx_open(test, s, true, w->space, VA, VA + vms_page_size(3));
	fx_unmap(test, s, c, vms_page_size(2));
	KUNIT_EXPECT_EQ(test, slot->rc.counter, 1);
	slot->rc.counter = VMS_RC_UNUSED;
	expect_t5(test, fx_op_simple(VMSTORE_OP_REAP), "leads to what has no owner");
	KUNIT_EXPECT_EQ(test, slot->rc.counter, VMS_RC_UNUSED);
}

static struct kunit_case model_cases[] = {
	KUNIT_CASE(model_admits),
	KUNIT_CASE(model_leaves_out),
	KUNIT_CASE(model_admits_areas),
	KUNIT_CASE(model_is_disjoint),
	KUNIT_CASE(model_is_bounded),
	KUNIT_CASE(model_flush_range),
	KUNIT_CASE(model_flush_all),
	KUNIT_CASE(model_follows),
	KUNIT_CASE(stale_changed),
	KUNIT_CASE(stale_many),
	KUNIT_CASE(stale_drop),
	KUNIT_CASE(stale_reap),
	KUNIT_CASE(birth_counts_claims),
	{}
};

static struct kunit_suite model_suite = {
	.name = "vmstore-tlb-model",
	.init = model_init,
	.exit = model_exit,
	.test_cases = model_cases,
};

static struct kunit_case release_cases[] = {
	KUNIT_CASE(release_good),
	KUNIT_CASE(release_reborn),
	KUNIT_CASE(release_unused),
	KUNIT_CASE(release_unflushed),
	KUNIT_CASE(release_below),
	{}
};

static struct kunit_suite release_suite = {
	.name = "vmstore-tlb-release",
	.init = model_init_off,
	.exit = model_exit,
	.test_cases = release_cases,
};

kunit_test_suites(&model_suite, &release_suite);
