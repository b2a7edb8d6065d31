// SPDX-License-Identifier: GPL-2.0-only
/* Kernel virtual areas [model 5.7]: addresses, tracked and untracked leaves, pins. */

#include <linux/err.h>

#include "fixture.h"
#include "inv/inv.h"

#define HUGE	0x200000ULL
#define REGION	(4 * VMS_BLOCK_SIZE)
/* Begins in the middle of a 2 MiB page, ends with the region: one whole one in it */
#define TAIL	(REGION - HUGE - 16 * FX_PAGE)
#define TAIL_HUGE	(REGION - HUGE)

#define MANY	1100

static const struct vmstore_prop rw = { .flags = VMSTORE_PROP_R | VMSTORE_PROP_W };
static const struct vmstore_prop ro = { .flags = VMSTORE_PROP_R };
static const struct vmstore_prop w_mask = { .flags = VMSTORE_PROP_W };
static const struct vmstore_prop none;

/**
 * struct fixture - a store with device memory, and a space to look from
 * @fx: the store
 * @space: one space, active on CPU 0
 * @frame: handles, as many as a case wants
 * @paddr: their frames
 */
struct fixture {
	struct fx fx;
	u64 space;
	u64 frame[MANY];
	u64 paddr[MANY];
};

static int kvirt_test_init(struct kunit *test)
{
	const struct vmstore_setup setup = {
		.size = sizeof(setup),
		.region_size = REGION,
		.mmio_size = REGION - TAIL,
		.check_mode = VMSTORE_CHECK_STEP,
	};
	struct fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	int err;

	if (!f)
		return -ENOMEM;
	err = fx_init_with(test, &f->fx, &setup);
	if (err)
		return err;
	f->space = fx_space_new(test, f->fx.s);
	fx_activate(test, f->fx.s, 0, f->space);
	return 0;
}

/* Also that nothing is lost */
static void end(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct vms_store *s = f->fx.s;

	fx_expect_inv(test, s);
	fx_activate(test, s, 0, 0);
	fx_space_drop(test, s, f->space);
	fx_expect_empty(test, s);
	fx_expect_inv(test, s);
}

static void alloc(struct kunit *test, u32 nr)
{
	struct fixture *f = test->priv;
	u32 i;

	KUNIT_ASSERT_LE(test, nr, MANY);
	for (i = 0; i < nr; i++)
		f->frame[i] = fx_frame_alloc(test, f->fx.s, &f->paddr[i]);
}

static struct vmstore_out_kvirt map(struct kunit *test, u64 size, u64 offset, u32 nr,
				    struct vmstore_prop prop)
{
	struct fixture *f = test->priv;

	alloc(test, nr);
	return fx_kvirt_frames(test, f->fx.s, size, offset, f->frame, nr, prop);
}

static u64 rc(struct kunit *test, u64 paddr)
{
	return vms_slot_rc(&fx_store(test)->region, vms_paddr_slot(paddr));
}

static u64 paths(struct kunit *test, u64 paddr)
{
	return atomic64_read(&fx_store(test)->region.slots[vms_paddr_slot(paddr)].paths);
}

static u64 load(struct kunit *test, u64 va)
{
	struct fixture *f = test->priv;

	return fx_load(test, f->fx.s, 0, f->space, va, 8);
}

static void store(struct kunit *test, u64 va, u64 value)
{
	struct fixture *f = test->priv;

	fx_store_value(test, f->fx.s, 0, f->space, va, 8, value);
}

static void faults(struct kunit *test, struct vmstore_op op)
{
	fx_fails(test, fx_store(test), op, -EFAULT);
}

static struct vmstore_op op_load(struct kunit *test, u64 va)
{
	struct fixture *f = test->priv;

	return fx_op_load(f->space, va, 8);
}

static struct vmstore_op op_store(struct kunit *test, u64 va)
{
	struct fixture *f = test->priv;

	return fx_op_store(f->space, va, 8, 0);
}

/* O-KMapFrames: H - 1, P + 1, rc same for each; O-KDrop: P - 1, rc - 1, all gone */
static void kvirt_test_map_frames(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct vms_store *s = f->fx.s;
	struct vmstore_out_kvirt_unmap gone;
	struct vmstore_out_kvirt a;
	u32 i;

	a = map(test, 8 * FX_PAGE, 2 * FX_PAGE, 3, rw);
	KUNIT_EXPECT_EQ(test, a.id, 1ULL);
	KUNIT_EXPECT_GE(test, a.start, VMSTORE_KVIRT_BASE);
	KUNIT_EXPECT_EQ(test, a.end - a.start, 8 * FX_PAGE);
	KUNIT_EXPECT_EQ(test, a.leaves, 3ULL);
	KUNIT_EXPECT_EQ(test, a.huge, 0ULL);
	KUNIT_EXPECT_EQ(test, a.nodes_allocated, 2ULL);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->frames.count), 0);
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_EQ(test, rc(test, f->paddr[i]), 1ULL);
		KUNIT_EXPECT_EQ(test, paths(test, f->paddr[i]), 1ULL);
		store(test, a.start + (2 + i) * FX_PAGE, i + 10);
		KUNIT_EXPECT_EQ(test, load(test, VMSTORE_KERNEL_BASE + f->paddr[i]), i + 10);
	}
	/* In front of what is mapped, behind it, and the guard */
	faults(test, op_load(test, a.start + FX_PAGE));
	faults(test, op_load(test, a.start + 5 * FX_PAGE));
	faults(test, op_load(test, a.end));
	fx_expect_inv(test, s);

	gone = fx_kvirt_drop(test, s, a.id);
	KUNIT_EXPECT_EQ(test, gone.removed, 3ULL);
	KUNIT_EXPECT_EQ(test, gone.accessed, 3ULL);
	KUNIT_EXPECT_EQ(test, gone.dirty, 3ULL);
	KUNIT_EXPECT_EQ(test, gone.split, 0ULL);
	faults(test, op_load(test, a.start + 2 * FX_PAGE));
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, rc(test, f->paddr[i]), VMSTORE_RC_UNUSED);
	fx_fails(test, s, fx_op_id(VMSTORE_OP_KVIRT_DROP, a.id), -ENOENT);
	end(test);
}

/* One frame by several handles, and in a space at the same time */
static void kvirt_test_one_frame(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct vms_store *s = f->fx.s;
	struct vmstore_out_kvirt a;
	u64 va = FX_PAGE, window, c, id[3];

	alloc(test, 1);
	id[0] = f->frame[0];
	id[1] = fx_frame_clone(test, s, id[0]);
	id[2] = fx_frame_clone(test, s, id[0]);
	window = VMSTORE_KERNEL_BASE + f->paddr[0];
	c = fx_open(test, s, true, f->space, va, va + FX_PAGE);
	fx_map(test, s, c, id[2], fx_rw);
	a = fx_kvirt_frames(test, s, 2 * FX_PAGE, 0, id, 2, rw);
	KUNIT_EXPECT_EQ(test, rc(test, f->paddr[0]), 3ULL);
	KUNIT_EXPECT_EQ(test, paths(test, f->paddr[0]), 3ULL);

	store(test, va, 1);
	KUNIT_EXPECT_EQ(test, load(test, a.start), 1ULL);
	store(test, a.start + FX_PAGE + 8, 2);
	KUNIT_EXPECT_EQ(test, load(test, va + 8), 2ULL);
	KUNIT_EXPECT_EQ(test, load(test, window + 8), 2ULL);
	store(test, window + 16, 3);
	KUNIT_EXPECT_EQ(test, load(test, a.start + 16), 3ULL);
	KUNIT_EXPECT_EQ(test, load(test, va + 16), 3ULL);

	fx_kvirt_drop(test, s, a.id);
	KUNIT_EXPECT_EQ(test, rc(test, f->paddr[0]), 1ULL);
	fx_close(test, s, c);
	end(test);
}

/* Each error of KVIRT_MAP_FRAMES; nothing changes */
static void kvirt_test_map_frames_errors(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct vms_store *s = f->fx.s;
	struct vmstore_prop avail1 = { .flags = VMSTORE_PROP_R | VMSTORE_PROP_AVAIL1 };
	struct vmstore_prop wc = { .flags = VMSTORE_PROP_R, .cache = VMSTORE_CACHE_WC };
	u64 twice[2], unknown[2];

	alloc(test, 2);
	twice[0] = f->frame[0];
	twice[1] = f->frame[0];
	unknown[0] = f->frame[0];
	unknown[1] = 12345;
	fx_fails_with(test, s, fx_op_kvirt_frames(FX_PAGE + 1, 0, 1, rw), f->frame, -EINVAL);
	fx_fails_with(test, s, fx_op_kvirt_frames(FX_PAGE, 1, 0, rw), f->frame, -EINVAL);
	fx_fails_with(test, s, fx_op_kvirt_frames(FX_PAGE, FX_PAGE, 0, rw), NULL, -EINVAL);
	fx_fails_with(test, s, fx_op_kvirt_frames(0, 0, 0, rw), NULL, -EINVAL);
	fx_fails_with(test, s, fx_op_kvirt_frames(2 * FX_PAGE, FX_PAGE, 2, rw), f->frame,
		      -EINVAL);
	fx_fails_with(test, s, fx_op_kvirt_frames(2 * FX_PAGE, -FX_PAGE, 2, rw), f->frame,
		      -EINVAL);
	fx_fails_with(test, s, fx_op_kvirt_frames(2 * FX_PAGE, 0, 2, none), f->frame, -EINVAL);
	fx_fails_with(test, s, fx_op_kvirt_frames(2 * FX_PAGE, 0, 2, avail1), f->frame, -EINVAL);
	fx_fails_with(test, s, fx_op_kvirt_frames(2 * FX_PAGE, 0, 2, wc), f->frame, -EINVAL);
	fx_fails_with(test, s, fx_op_kvirt_frames(2 * FX_PAGE, 0, 2, rw), twice, -EINVAL);
	fx_fails_with(test, s, fx_op_kvirt_frames(2 * FX_PAGE, 0, 2, rw), unknown, -ENOENT);
	/* No such addresses: as many as there are, more, and so many that they wrap */
	fx_fails_with(test, s, fx_op_kvirt_frames(VMSTORE_KVIRT_END - VMSTORE_KVIRT_BASE, 0, 2,
						  rw), f->frame, -ENOMEM);
	fx_fails_with(test, s, fx_op_kvirt_frames(1ULL << 47, 0, 2, rw), f->frame, -ENOMEM);
	fx_fails_with(test, s, fx_op_kvirt_frames(-FX_PAGE, 0, 2, rw), f->frame, -ENOMEM);
	fx_frame_drop(test, s, f->frame[0]);
	fx_frame_drop(test, s, f->frame[1]);
	end(test);
}

/* All but one page of all addresses, then what is left */
static void kvirt_test_addresses(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 all = VMSTORE_KVIRT_END - VMSTORE_KVIRT_BASE;
	struct vmstore_out_kvirt a, b;

	a = fx_kvirt_frames(test, s, all - 3 * FX_PAGE, 0, NULL, 0, rw);
	KUNIT_EXPECT_EQ(test, a.start, VMSTORE_KVIRT_BASE);
	fx_fails(test, s, fx_op_kvirt_frames(2 * FX_PAGE, 0, 0, rw), -ENOMEM);
	b = fx_kvirt_frames(test, s, FX_PAGE, 0, NULL, 0, rw);
	KUNIT_EXPECT_EQ(test, b.start, a.end + FX_PAGE);
	KUNIT_EXPECT_EQ(test, b.end, VMSTORE_KVIRT_END - FX_PAGE);
	fx_fails(test, s, fx_op_kvirt_untracked(0, 0, 0, 0, rw), -ENOMEM);
	fx_expect_inv(test, s);
	fx_kvirt_drop(test, s, a.id);
	fx_kvirt_drop(test, s, b.id);
	/* Again, whole: nothing of it was lost */
	a = fx_kvirt_frames(test, s, all - FX_PAGE, 0, NULL, 0, rw);
	fx_kvirt_drop(test, s, a.id);
	end(test);
}

/* Take all free slots; the handles are an array that the case owns */
static u64 *fill(struct kunit *test, u32 *nr)
{
	struct vms_store *s = fx_store(test);
	u64 *id = kunit_kcalloc(test, s->region.nr_slots, sizeof(*id), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, id);
	for (*nr = 0;; (*nr)++) {
		struct vmstore_op op = fx_op_simple(VMSTORE_OP_FRAME_ALLOC);

		if (fx_op(s, &op))
			break;
		id[*nr] = op.out.id;
	}
	return id;
}

/* Each lack of a node is found before the first change */
static void kvirt_test_no_nodes(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct vms_store *s = f->fx.s;
	struct vmstore_out_kvirt a, b;
	u32 nr, i;
	u64 *all;

	/* Its 2 MiB page can be split, if there is a node */
	b = fx_kvirt_untracked(test, s, HUGE, 0, TAIL_HUGE, REGION, rw);
	KUNIT_EXPECT_EQ(test, b.huge, 1ULL);
	alloc(test, 2);
	all = fill(test, &nr);
	fx_fails(test, s, fx_op_kvirt_unmap(b.id, FX_PAGE, FX_PAGE), -ENOMEM);
	fx_fails(test, s, fx_op_kvirt_protect(b.id, FX_PAGE, FX_PAGE, none, w_mask), -ENOMEM);
	fx_fails(test, s, fx_op_kvirt_unmap(b.id, HUGE / 2, HUGE / 2), -ENOMEM);
	fx_fails(test, s, fx_op_kvirt_protect(b.id, 0, HUGE / 2, none, w_mask), -ENOMEM);
	/* A table of level 1; that of level 2 is there */
	fx_fails_with(test, s, fx_op_kvirt_frames(2 * FX_PAGE, 0, 2, rw), f->frame, -ENOMEM);
	/* And two of level 1, if it lies across their border */
	fx_frame_drop(test, s, all[--nr]);
	fx_fails_with(test, s, fx_op_kvirt_frames(2 * HUGE, HUGE - 2 * FX_PAGE, 2, rw),
		      f->frame, -ENOMEM);
	a = fx_kvirt_frames(test, s, 2 * HUGE, 0, f->frame, 2, rw);
	KUNIT_EXPECT_EQ(test, a.nodes_allocated, 1ULL);
	fx_kvirt_drop(test, s, a.id);
	fx_kvirt_drop(test, s, b.id);
	for (i = 0; i < nr; i++)
		fx_frame_drop(test, s, all[i]);
	end(test);
}

static void expect_query(struct kunit *test, u64 area, u64 addr, u64 paddr,
			 struct vmstore_prop prop)
{
	struct vms_store *s = fx_store(test);
	struct vmstore_out_query q = fx_kvirt_query(test, s, area, addr, true);

	KUNIT_EXPECT_EQ(test, q.found, 1U);
	KUNIT_EXPECT_EQ(test, q.paddr, paddr);
	KUNIT_EXPECT_EQ(test, q.prop.flags & ~(VMSTORE_PROP_ACCESSED | VMSTORE_PROP_DIRTY),
			prop.flags);
	KUNIT_EXPECT_EQ(test, q.prop.priv, prop.priv);
	KUNIT_EXPECT_EQ(test, q.prop.cache, prop.cache);
	KUNIT_EXPECT_EQ(test, q.id, 0ULL);
}

static void expect_hole(struct kunit *test, u64 area, u64 addr)
{
	struct vmstore_out_query q = fx_kvirt_query(test, fx_store(test), area, addr, false);

	KUNIT_EXPECT_EQ(test, q.found, 0U);
	KUNIT_EXPECT_EQ(test, q.id, 0ULL);
	KUNIT_EXPECT_LE(test, q.start, addr);
	KUNIT_EXPECT_GT(test, q.end, addr);
}

/*
 * step_query [O-KQuery]: the requires, the ensures, and what the clone of a tracked leaf
 * does: H + 1, rc + 1, in frames
 */
static void kvirt_test_query(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct vms_store *s = f->fx.s;
	struct vmstore_out_query q;
	struct vmstore_out_kvirt a;

	a = map(test, 4 * FX_PAGE, FX_PAGE, 1, rw);
	/* requires: id in kvirt_areas, start <= addr < end */
	fx_fails(test, s, fx_op_kvirt_query(a.id + 1, a.start), -ENOENT);
	fx_fails(test, s, fx_op_kvirt_query(a.id, a.start - 1), -EINVAL);
	fx_fails(test, s, fx_op_kvirt_query(a.id, a.end), -EINVAL);
	fx_fails(test, s, fx_op_kvirt_query(a.id, 0), -EINVAL);
	fx_fails(test, s, fx_op_kvirt_query(a.id, U64_MAX), -EINVAL);
	/* query_none_ensures */
	expect_hole(test, a.id, a.start);
	expect_hole(test, a.id, a.start + 2 * FX_PAGE);
	expect_hole(test, a.id, a.end - 1);
	/* query_some_ensures, at every byte of the page */
	expect_query(test, a.id, a.start + FX_PAGE, f->paddr[0], rw);
	expect_query(test, a.id, a.start + 2 * FX_PAGE - 1, f->paddr[0], rw);
	KUNIT_EXPECT_EQ(test, rc(test, f->paddr[0]), 1ULL);
	q = fx_kvirt_query(test, s, a.id, a.start + FX_PAGE + 5, false);
	KUNIT_EXPECT_NE(test, q.id, 0ULL);
	KUNIT_EXPECT_EQ(test, q.start, a.start + FX_PAGE);
	KUNIT_EXPECT_EQ(test, q.end, a.start + 2 * FX_PAGE);
	KUNIT_EXPECT_EQ(test, q.level, 1U);
	KUNIT_EXPECT_EQ(test, q.untracked, 0U);
	KUNIT_EXPECT_FALSE(test, q.prop.flags & VMSTORE_PROP_AVAIL1);
	KUNIT_EXPECT_EQ(test, rc(test, f->paddr[0]), 2ULL);
	KUNIT_EXPECT_EQ(test, paths(test, f->paddr[0]), 1ULL);
	KUNIT_EXPECT_PTR_EQ(test, vms_registry_load(&s->frames, q.id),
			    vms_frame_entry(vms_paddr_slot(f->paddr[0])));
	fx_expect_inv(test, s);
	/* It outlives the area */
	fx_kvirt_drop(test, s, a.id);
	KUNIT_EXPECT_EQ(test, rc(test, f->paddr[0]), 1ULL);
	fx_frame_drop(test, s, q.id);
	end(test);
}

/* query_panic_condition: saturated is an error; a look needs no count */
static void kvirt_test_query_saturated(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct vms_store *s = f->fx.s;
	struct vmstore_out_kvirt a = map(test, FX_PAGE, 0, 1, rw);
	atomic64_t *count = &s->region.slots[vms_paddr_slot(f->paddr[0])].rc;
	struct vmstore_op op = fx_op_kvirt_query(a.id, a.start);

	/* Past the checker: nobody has that many references */
	WRITE_ONCE(s->mode, VMSTORE_CHECK_OFF);
	atomic64_set(count, VMS_RC_MAX);
	KUNIT_EXPECT_EQ(test, fx_op(s, &op), -EOVERFLOW);
	KUNIT_EXPECT_EQ(test, (u64)atomic64_read(count), VMS_RC_MAX);
	op.flags = VMSTORE_OPF_PEEK;
	KUNIT_EXPECT_EQ(test, fx_op(s, &op), 0);
	atomic64_set(count, 1);
	WRITE_ONCE(s->mode, VMSTORE_CHECK_STEP);
	vms_inv_forget(s);
	fx_kvirt_drop(test, s, a.id);
	end(test);
}

/* O-KMapUntracked: no count changes, the largest pages that fit, AVAIL1 nowhere */
static void kvirt_test_untracked(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	struct vmstore_out_query q;
	struct vmstore_out_kvirt a;

	a = fx_kvirt_untracked(test, s, 2 * HUGE, 3 * FX_PAGE, TAIL, REGION, rw);
	KUNIT_EXPECT_EQ(test, a.leaves, 17ULL);
	KUNIT_EXPECT_EQ(test, a.huge, 1ULL);
	KUNIT_EXPECT_EQ(test, (a.start + 3 * FX_PAGE) % HUGE, TAIL % HUGE);
	KUNIT_EXPECT_EQ(test, rc(test, TAIL), VMSTORE_RC_UNUSED);
	KUNIT_EXPECT_EQ(test, paths(test, TAIL_HUGE), 0ULL);
	q = fx_kvirt_query(test, s, a.id, a.start + 19 * FX_PAGE + 5 * FX_PAGE + 7, false);
	KUNIT_EXPECT_EQ(test, q.id, 0ULL);
	KUNIT_EXPECT_EQ(test, q.untracked, 1U);
	KUNIT_EXPECT_EQ(test, q.level, 2U);
	KUNIT_EXPECT_EQ(test, q.paddr, TAIL_HUGE);
	KUNIT_EXPECT_EQ(test, q.start, a.start + 19 * FX_PAGE);
	KUNIT_EXPECT_EQ(test, q.end, a.start + 19 * FX_PAGE + HUGE);
	expect_query(test, a.id, a.start + 3 * FX_PAGE, TAIL, rw);
	expect_hole(test, a.id, a.start);
	store(test, a.start + 3 * FX_PAGE, 77);
	store(test, a.start + 19 * FX_PAGE + HUGE - 8, 88);
	KUNIT_EXPECT_EQ(test, load(test, a.start + 3 * FX_PAGE), 77ULL);
	KUNIT_EXPECT_EQ(test, load(test, a.start + 19 * FX_PAGE + HUGE - 8), 88ULL);
	fx_expect_inv(test, s);
	KUNIT_EXPECT_EQ(test, fx_kvirt_drop(test, s, a.id).removed, 17ULL);
	faults(test, op_load(test, a.start + 3 * FX_PAGE));
	end(test);
}

static void kvirt_test_untracked_errors(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	struct vmstore_prop avail1 = { .flags = VMSTORE_PROP_R | VMSTORE_PROP_AVAIL1 };
	struct vmstore_op op;

	fx_fails(test, s, fx_op_kvirt_untracked(HUGE, 0, TAIL + 1, REGION, rw), -EINVAL);
	fx_fails(test, s, fx_op_kvirt_untracked(HUGE, 0, TAIL, TAIL + 1, rw), -EINVAL);
	fx_fails(test, s, fx_op_kvirt_untracked(HUGE + 1, 0, TAIL, TAIL, rw), -EINVAL);
	fx_fails(test, s, fx_op_kvirt_untracked(HUGE, 1, TAIL, TAIL, rw), -EINVAL);
	fx_fails(test, s, fx_op_kvirt_untracked(HUGE, 0, TAIL + FX_PAGE, TAIL, rw), -EINVAL);
	fx_fails(test, s, fx_op_kvirt_untracked(HUGE, 0, TAIL, REGION, rw), -EINVAL);
	fx_fails(test, s, fx_op_kvirt_untracked(HUGE, HUGE, TAIL, TAIL + FX_PAGE, rw), -EINVAL);
	fx_fails(test, s, fx_op_kvirt_untracked(HUGE, 0, TAIL, TAIL + FX_PAGE, none), -EINVAL);
	fx_fails(test, s, fx_op_kvirt_untracked(HUGE, 0, TAIL, TAIL + FX_PAGE, avail1), -EINVAL);
	/* tracked memory, also in part */
	fx_fails(test, s, fx_op_kvirt_untracked(HUGE, 0, TAIL - FX_PAGE, TAIL + FX_PAGE, rw),
		 -EINVAL);
	fx_fails(test, s, fx_op_kvirt_untracked(HUGE, 0, 0, FX_PAGE, rw), -EINVAL);
	fx_fails(test, s, fx_op_kvirt_untracked(HUGE, 0, REGION - FX_PAGE, REGION + FX_PAGE, rw),
		 -ERANGE);
	fx_fails(test, s, fx_op_kvirt_untracked(HUGE, 0, -2 * FX_PAGE, -FX_PAGE, rw), -ERANGE);
	op = fx_op_kvirt_untracked(HUGE, 0, TAIL, TAIL, rw);
	op.arg.kvirt_untracked.__reserved = 1;
	fx_fails(test, s, op, -EINVAL);
	end(test);
}

/* An empty range makes an area without mappings, which may be empty too [K8] */
static void kvirt_test_empty(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	struct vmstore_out_kvirt a, b, c;

	a = fx_kvirt_untracked(test, s, 0, 0, TAIL, TAIL, rw);
	b = fx_kvirt_untracked(test, s, FX_PAGE, 0, 0, 0, rw);
	c = fx_kvirt_frames(test, s, FX_PAGE, 0, NULL, 0, rw);
	KUNIT_EXPECT_EQ(test, a.start, a.end);
	KUNIT_EXPECT_GE(test, b.start, a.end + FX_PAGE);
	KUNIT_EXPECT_GE(test, c.start, b.end + FX_PAGE);
	KUNIT_EXPECT_EQ(test, c.nodes_allocated, 0ULL);
	fx_fails(test, s, fx_op_kvirt_query(a.id, a.start), -EINVAL);
	expect_hole(test, b.id, b.start);
	fx_expect_inv(test, s);
	KUNIT_EXPECT_EQ(test, fx_kvirt_unmap(test, s, a.id, 0, 0).removed, 0ULL);
	fx_fails(test, s, fx_op_kvirt_unmap(a.id, 0, FX_PAGE), -EINVAL);
	fx_kvirt_drop(test, s, b.id);
	fx_kvirt_drop(test, s, a.id);
	fx_kvirt_drop(test, s, c.id);
	end(test);
}

/* A table that an area left behind, empty, gives way to a 2 MiB page */
static void kvirt_test_huge_over_table(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct vms_store *s = f->fx.s;
	struct vmstore_out_kvirt a, b;

	a = map(test, FX_PAGE, 0, 1, rw);
	store(test, a.start, 1);
	fx_kvirt_drop(test, s, a.id);
	b = fx_kvirt_untracked(test, s, HUGE, 0, TAIL_HUGE, REGION, rw);
	KUNIT_EXPECT_EQ(test, b.start, a.start);
	KUNIT_EXPECT_EQ(test, b.huge, 1ULL);
	store(test, b.start, 5);
	KUNIT_EXPECT_EQ(test, load(test, b.start), 5ULL);
	fx_expect_inv(test, s);
	fx_kvirt_drop(test, s, b.id);
	/* And the other way round */
	a = map(test, FX_PAGE, 0, 1, rw);
	KUNIT_EXPECT_EQ(test, a.start, b.start);
	KUNIT_EXPECT_EQ(test, load(test, a.start), 0ULL);
	fx_kvirt_drop(test, s, a.id);
	end(test);
}

/* KVIRT_UNMAP_RANGE over the border of tables; what is left stays */
static void kvirt_test_unmap_range(struct kunit *test)
{
	static const u32 sizes[] = { 1, 511, 512, 513, 1025 };
	struct fixture *f = test->priv;
	struct vms_store *s = f->fx.s;
	u32 i, k;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		u32 nr = sizes[i], from = nr / 3, to = nr - nr / 3;
		struct vmstore_out_kvirt a = map(test, nr * FX_PAGE, 0, nr, rw);
		struct vmstore_out_kvirt_unmap out;

		KUNIT_EXPECT_EQ(test, a.leaves, (u64)nr);
		for (k = 0; k < nr; k++)
			store(test, a.start + k * FX_PAGE, k);
		out = fx_kvirt_unmap(test, s, a.id, from * FX_PAGE, (to - from) * FX_PAGE);
		KUNIT_EXPECT_EQ(test, out.removed, (u64)to - from);
		KUNIT_EXPECT_EQ(test, out.dirty, (u64)to - from);
		for (k = 0; k < nr; k++) {
			if (k < from || k >= to)
				KUNIT_EXPECT_EQ(test, load(test, a.start + k * FX_PAGE), (u64)k);
			else if (k == from || k + 1 == to)
				faults(test, op_load(test, a.start + k * FX_PAGE));
		}
		fx_expect_inv(test, s);
		out = fx_kvirt_drop(test, s, a.id);
		KUNIT_EXPECT_EQ(test, out.removed, (u64)nr - (to - from));
		fx_reap(test, s);
		for (k = 0; k < nr; k++)
			KUNIT_EXPECT_EQ(test, rc(test, f->paddr[k]), VMSTORE_RC_UNUSED);
	}
	end(test);
}

static void kvirt_test_range_errors(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	struct vmstore_prop avail1 = { .flags = VMSTORE_PROP_AVAIL1 };
	struct vmstore_prop r = { .flags = VMSTORE_PROP_R };
	struct vmstore_out_kvirt a = map(test, 2 * FX_PAGE, 0, 2, rw);
	struct vmstore_op op;

	fx_fails(test, s, fx_op_kvirt_unmap(a.id + 1, 0, 0), -ENOENT);
	fx_fails(test, s, fx_op_kvirt_unmap(a.id, 1, FX_PAGE), -EINVAL);
	fx_fails(test, s, fx_op_kvirt_unmap(a.id, 0, 1), -EINVAL);
	fx_fails(test, s, fx_op_kvirt_unmap(a.id, FX_PAGE, 2 * FX_PAGE), -EINVAL);
	fx_fails(test, s, fx_op_kvirt_unmap(a.id, 3 * FX_PAGE, 0), -EINVAL);
	fx_fails(test, s, fx_op_kvirt_unmap(a.id, FX_PAGE, -FX_PAGE), -EINVAL);
	fx_fails(test, s, fx_op_kvirt_protect(a.id + 1, 0, 0, none, none), -ENOENT);
	fx_fails(test, s, fx_op_kvirt_protect(a.id, 1, FX_PAGE, none, none), -EINVAL);
	fx_fails(test, s, fx_op_kvirt_protect(a.id, 0, 3 * FX_PAGE, none, none), -EINVAL);
	fx_fails(test, s, fx_op_kvirt_protect(a.id, 0, FX_PAGE, none, avail1), -EINVAL);
	fx_fails(test, s, fx_op_kvirt_protect(a.id, 0, FX_PAGE, avail1, none), -EINVAL);
	/* R may not be taken away, nor a policy set that is none */
	fx_fails(test, s, fx_op_kvirt_protect(a.id, 0, FX_PAGE, none, r), -EINVAL);
	op = fx_op_kvirt_protect(a.id, 0, FX_PAGE, none, none);
	op.arg.kvirt_protect.prop.cache = VMSTORE_CACHE_WT;
	fx_fails(test, s, op, -EINVAL);
	op.flags = VMSTORE_OPF_CACHE;
	fx_does(test, s, &op);
	op.arg.kvirt_protect.prop.cache = VMSTORE_CACHE_WC;
	fx_fails(test, s, op, -EINVAL);
	fx_kvirt_drop(test, s, a.id);
	end(test);
}

/* KVIRT_PROTECT_RANGE: the new permission counts at once, on every CPU, global or not */
static void kvirt_test_protect(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct vms_store *s = f->fx.s;
	struct vmstore_prop global = rw;
	struct vmstore_out_kvirt a;
	u32 nr, cpu, k;

	for (nr = 1; nr <= 80; nr += 79) {	/* a single flush, and one of everything */
		global.priv = VMSTORE_PRIV_GLOBAL;
		a = map(test, (nr + 1) * FX_PAGE, 0, nr + 1, global);
		for (cpu = 0; cpu < min(s->mmu.nr_cpus, 2U); cpu++)
			for (k = 0; k <= nr; k++)
				fx_store_value(test, s, cpu, f->space, a.start + k * FX_PAGE, 8,
					       k);
		KUNIT_EXPECT_EQ(test, fx_kvirt_protect(test, s, a.id, 0, nr * FX_PAGE, none,
						       w_mask).changed, (u64)nr);
		expect_query(test, a.id, a.start, f->paddr[0],
			     (struct vmstore_prop) { .flags = ro.flags, .priv = global.priv });
		for (cpu = 0; cpu < min(s->mmu.nr_cpus, 2U); cpu++) {
			struct vmstore_op op = op_store(test, a.start + (nr - 1) * FX_PAGE);

			op.cpu = cpu;
			faults(test, op);
			fx_store_value(test, s, cpu, f->space, a.start + nr * FX_PAGE, 8, 1);
			KUNIT_EXPECT_EQ(test, fx_load(test, s, cpu, f->space, a.start, 8), 0ULL);
		}
		fx_expect_inv(test, s);
		fx_kvirt_drop(test, s, a.id);
		for (cpu = 0; cpu < min(s->mmu.nr_cpus, 2U); cpu++) {
			struct vmstore_op op = op_load(test, a.start + nr * FX_PAGE);

			op.cpu = cpu;
			faults(test, op);
		}
	}
	end(test);
}

/* A part of a 2 MiB page: the rest translates as before */
static void kvirt_test_split(struct kunit *test)
{
	static const struct {
		u64 offset, len;
		u64 changed, split;
	} parts[] = {
		{ 0, FX_PAGE, 1, 1 },
		{ HUGE - FX_PAGE, FX_PAGE, 1, 1 },
		{ 5 * FX_PAGE, 7 * FX_PAGE, 7, 1 },
		{ 0, HUGE, 1, 0 },
		{ HUGE / 2, HUGE, 256, 1 },	/* and a hole behind it */
	};
	struct vms_store *s = fx_store(test);
	u32 i;

	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		u64 first = parts[i].offset, last = min(first + parts[i].len, HUGE) - FX_PAGE;
		struct vmstore_out_kvirt a;
		struct vmstore_out_kvirt_protect p;
		struct vmstore_out_kvirt_unmap u;

		a = fx_kvirt_untracked(test, s, 2 * HUGE, 0, TAIL_HUGE, REGION, rw);
		store(test, a.start, 1);
		store(test, a.start + first, 2);
		store(test, a.start + last + 8, 3);
		p = fx_kvirt_protect(test, s, a.id, first, parts[i].len, none, w_mask);
		KUNIT_EXPECT_EQ(test, p.changed, parts[i].changed);
		KUNIT_EXPECT_EQ(test, p.split, parts[i].split);
		faults(test, op_store(test, a.start + first));
		faults(test, op_store(test, a.start + last));
		KUNIT_EXPECT_EQ(test, load(test, a.start + first), 2ULL);
		if (first)
			store(test, a.start + first - 8, 4);
		if (last + FX_PAGE < HUGE)
			store(test, a.start + last + FX_PAGE, 5);
		fx_expect_inv(test, s);
		fx_kvirt_drop(test, s, a.id);

		a = fx_kvirt_untracked(test, s, 2 * HUGE, 0, TAIL_HUGE, REGION, rw);
		KUNIT_EXPECT_EQ(test, load(test, a.start + first), 2ULL);
		u = fx_kvirt_unmap(test, s, a.id, first, parts[i].len);
		KUNIT_EXPECT_EQ(test, u.removed, parts[i].changed);
		KUNIT_EXPECT_EQ(test, u.split, parts[i].split);
		faults(test, op_load(test, a.start + first));
		faults(test, op_load(test, a.start + last));
		if (first)
			expect_query(test, a.id, a.start + first - 1, TAIL_HUGE + first - FX_PAGE,
				     rw);
		if (last + FX_PAGE < HUGE)
			KUNIT_EXPECT_EQ(test, load(test, a.start + last + FX_PAGE), 5ULL);
		fx_expect_inv(test, s);
		fx_kvirt_drop(test, s, a.id);
		fx_reap(test, s);
	}
	end(test);
}

/* Readers and writers of an area pin it: nothing in it changes until they are gone */
static void kvirt_test_pins(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct vms_store *s = f->fx.s;
	struct vmstore_op op;
	struct vmstore_out_kvirt a;
	u64 reader, writer, value = 0x1122334455667788ULL;

	a = map(test, 4 * FX_PAGE, 0, 3, rw);
	fx_kvirt_protect(test, s, a.id, 2 * FX_PAGE, FX_PAGE, none, w_mask);
	/* Not all of it mapped, not writable, not in the area, in none */
	fx_fails(test, s, fx_op_kio_new(false, a.start, 4 * FX_PAGE), -EACCES);
	fx_fails(test, s, fx_op_kio_new(true, a.start, 3 * FX_PAGE), -EACCES);
	fx_fails(test, s, fx_op_kio_new(false, a.start + 3 * FX_PAGE, 1), -EACCES);
	fx_fails(test, s, fx_op_kio_new(false, a.start, 5 * FX_PAGE), -EACCES);
	fx_fails(test, s, fx_op_kio_new(false, a.start, U64_MAX), -EACCES);
	fx_fails(test, s, fx_op_kio_new(false, a.end + 16 * FX_PAGE, 8), -EACCES);
	fx_fails(test, s, fx_op_kio_new(false, VMSTORE_KVIRT_END - 8, 8), -EACCES);

	reader = fx_kio_new(test, s, false, a.start + 1, 3 * FX_PAGE - 1);
	writer = fx_kio_new(test, s, true, a.start + FX_PAGE - 4, 8);
	KUNIT_EXPECT_EQ(test, rc(test, f->paddr[0]), 1ULL);
	fx_fails(test, s, fx_op_id(VMSTORE_OP_KVIRT_DROP, a.id), -EBUSY);
	fx_fails(test, s, fx_op_kvirt_unmap(a.id, 0, FX_PAGE), -EBUSY);
	fx_fails(test, s, fx_op_kvirt_protect(a.id, 0, FX_PAGE, none, w_mask), -EBUSY);
	expect_query(test, a.id, a.start, f->paddr[0], rw);

	/* Across a page, seen through the reader and by an access */
	op = fx_op_io_data(VMSTORE_OP_WRITER_WRITE_VAL, writer, 8);
	fx_does_with(test, s, &op, &value);
	KUNIT_EXPECT_EQ(test, fx_load(test, s, 0, f->space, a.start + FX_PAGE, 4),
			value >> 32);
	value = 0;
	op = fx_op_io_len(VMSTORE_OP_READER_SKIP, reader, FX_PAGE - 5);
	fx_does(test, s, &op);
	op = fx_op_io_data(VMSTORE_OP_READER_READ_VAL, reader, 8);
	fx_does_with(test, s, &op, &value);
	KUNIT_EXPECT_EQ(test, value, 0x1122334455667788ULL);
	fx_expect_inv(test, s);

	fx_io_drop(test, s, false, reader);
	fx_fails(test, s, fx_op_id(VMSTORE_OP_KVIRT_DROP, a.id), -EBUSY);
	fx_io_drop(test, s, true, writer);
	/* An empty one pins as well */
	reader = fx_kio_new(test, s, false, a.end, 0);
	fx_fails(test, s, fx_op_id(VMSTORE_OP_KVIRT_DROP, a.id), -EBUSY);
	fx_io_drop(test, s, false, reader);
	fx_kvirt_drop(test, s, a.id);
	end(test);
}

/* Two operations on one area: the second finds it claimed */
static void kvirt_test_claimed(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	struct vmstore_out_kvirt a = map(test, FX_PAGE, 0, 1, rw);
	struct vms_kvirt *area = vms_store_claim_kvirt(s, a.id);

	KUNIT_ASSERT_FALSE(test, IS_ERR(area));
	fx_fails(test, s, fx_op_id(VMSTORE_OP_KVIRT_DROP, a.id), -EBUSY);
	fx_fails(test, s, fx_op_kvirt_query(a.id, a.start), -EBUSY);
	fx_fails(test, s, fx_op_kvirt_unmap(a.id, 0, FX_PAGE), -EBUSY);
	fx_fails(test, s, fx_op_kvirt_protect(a.id, 0, FX_PAGE, none, none), -EBUSY);
	fx_fails(test, s, fx_op_kio_new(false, a.start, 8), -EBUSY);
	vms_kvirt_unclaim(area);
	fx_kvirt_drop(test, s, a.id);
	end(test);
}

/* Areas that share a table, dropped in any order; addresses are used again */
static void kvirt_test_reuse(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct vms_store *s = f->fx.s;
	struct vmstore_out_kvirt a[8];
	u32 round, i;

	alloc(test, 8);
	for (i = 0; i < 8; i++)
		a[i] = fx_kvirt_frames(test, s, FX_PAGE, 0, &f->frame[i], 1, rw);
	for (round = 0; round < 20; round++) {
		i = round * 5 % 8;
		store(test, a[i].start, round);
		fx_kvirt_drop(test, s, a[i].id);
		faults(test, op_load(test, a[i].start));
		f->frame[i] = fx_frame_alloc(test, s, &f->paddr[i]);
		store(test, VMSTORE_KERNEL_BASE + f->paddr[i], 100 + round);
		a[i] = fx_kvirt_frames(test, s, FX_PAGE, 0, &f->frame[i], 1, rw);
		/* The first range that is free: the one just given back */
		KUNIT_EXPECT_EQ(test, load(test, a[i].start), 100ULL + round);
	}
	fx_expect_inv(test, s);
	for (i = 0; i < 8; i++)
		fx_kvirt_drop(test, s, a[i].id);
	end(test);
}

/* No area of another store, nor its addresses */
static void kvirt_test_stores(struct kunit *test)
{
	const struct vmstore_setup setup = {
		.size = sizeof(setup),
		.region_size = VMS_BLOCK_SIZE,
		.check_mode = VMSTORE_CHECK_FULL,
	};
	struct fixture *f = test->priv;
	struct vms_store *other = vms_store_create();
	struct vmstore_out_kvirt a, b;
	u64 frame, space;

	KUNIT_ASSERT_NOT_NULL(test, other);
	KUNIT_ASSERT_EQ(test, vms_store_setup(other, &setup), 0);
	frame = fx_frame_alloc(test, other, NULL);
	space = fx_space_new(test, other);
	a = map(test, FX_PAGE, 0, 1, rw);
	b = fx_kvirt_frames(test, other, FX_PAGE, 0, &frame, 1, rw);
	KUNIT_EXPECT_EQ(test, a.start, b.start);
	store(test, a.start, 1);
	fx_store_value(test, other, 0, space, b.start, 8, 2);
	KUNIT_EXPECT_EQ(test, load(test, a.start), 1ULL);
	KUNIT_EXPECT_EQ(test, fx_load(test, other, 0, space, b.start, 8), 2ULL);
	/* Torn down with everything in it */
	vms_store_destroy(other);
	KUNIT_EXPECT_EQ(test, load(test, a.start), 1ULL);
	fx_kvirt_drop(test, f->fx.s, a.id);
	end(test);
}

static struct kunit_case kvirt_test_cases[] = {
	KUNIT_CASE(kvirt_test_map_frames),
	KUNIT_CASE(kvirt_test_one_frame),
	KUNIT_CASE(kvirt_test_map_frames_errors),
	KUNIT_CASE(kvirt_test_addresses),
	KUNIT_CASE(kvirt_test_no_nodes),
	KUNIT_CASE(kvirt_test_query),
	KUNIT_CASE(kvirt_test_query_saturated),
	KUNIT_CASE(kvirt_test_untracked),
	KUNIT_CASE(kvirt_test_untracked_errors),
	KUNIT_CASE(kvirt_test_empty),
	KUNIT_CASE(kvirt_test_huge_over_table),
	KUNIT_CASE(kvirt_test_unmap_range),
	KUNIT_CASE(kvirt_test_range_errors),
	KUNIT_CASE(kvirt_test_protect),
	KUNIT_CASE(kvirt_test_split),
	KUNIT_CASE(kvirt_test_pins),
	KUNIT_CASE(kvirt_test_claimed),
	KUNIT_CASE(kvirt_test_reuse),
	KUNIT_CASE(kvirt_test_stores),
	{}
};

static struct kunit_suite kvirt_test_suite = {
	.name = "vmstore-kvirt",
	.init = kvirt_test_init,
	.exit = fx_exit,
	.test_cases = kvirt_test_cases,
};

kunit_test_suite(kvirt_test_suite);
