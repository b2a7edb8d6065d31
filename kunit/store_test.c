// SPDX-License-Identifier: GPL-2.0-only
/* The store: set-up, limits, registries, helpers [model 2.1, 4], teardown. */

#include <linux/err.h>

#include "fixture.h"

#define VA	0x00007f1234567000ULL

static const struct vmstore_setup small = {
	.size = sizeof(small),
	.region_size = FX_REGION,
	.machine = VMSTORE_MACHINE_SOFT,
	.nr_cpus = 2,
	.check_mode = VMSTORE_CHECK_FULL,
};

/* --- set-up ------------------------------------------------------------------------- */

static void expect_setup(struct kunit *test, struct vms_store *s, struct vmstore_setup args,
			 int err)
{
	KUNIT_EXPECT_EQ(test, vms_store_setup(s, &args), err);
	KUNIT_EXPECT_EQ(test, vms_store_ready(s), !err);
}

#define WITH(field, value) \
	({ struct vmstore_setup args = small; args.field = (value); args; })

static void store_test_setup_errors(struct kunit *test)
{
	struct vms_store *s = vms_store_create();
	bool live = vms_mmu_machines() & 1U << VMSTORE_MACHINE_LIVE;

	KUNIT_ASSERT_NOT_NULL(test, s);
	KUNIT_EXPECT_FALSE(test, vms_store_ready(s));
	expect_setup(test, s, WITH(region_size, VMS_BLOCK_SIZE + 1), -EINVAL);
	expect_setup(test, s, WITH(region_size, VMS_PAGE_SIZE), -EINVAL);
	expect_setup(test, s, WITH(region_size, VMS_BLOCK_SIZE + VMS_PAGE_SIZE), -EINVAL);
	expect_setup(test, s, WITH(mmio_size, 1), -EINVAL);
	expect_setup(test, s, WITH(mmio_size, FX_REGION), -EINVAL);
	expect_setup(test, s, WITH(mmio_size, FX_REGION + VMS_PAGE_SIZE), -EINVAL);
	expect_setup(test, s, WITH(machine, VMSTORE_MACHINE_SOFT + 1), -EINVAL);
	expect_setup(test, s, WITH(machine, U32_MAX), -EINVAL);
	expect_setup(test, s, WITH(check_mode, VMSTORE_CHECK_STEP + 1), -EINVAL);
	expect_setup(test, s, WITH(nr_cpus, VMS_SOFT_MAX_CPUS + 1), -EINVAL);
	expect_setup(test, s, WITH(machine, VMSTORE_MACHINE_LIVE), live ? -EINVAL : -EOPNOTSUPP);
	expect_setup(test, s, WITH(region_size, vms_store_max_region() + VMS_BLOCK_SIZE), -ENOSPC);
	expect_setup(test, s, WITH(region_size, -VMS_BLOCK_SIZE), -ENOSPC);

	/* After all that it can still be had, once */
	expect_setup(test, s, small, 0);
	KUNIT_EXPECT_EQ(test, vms_store_setup(s, &small), -EBUSY);
	KUNIT_EXPECT_EQ(test, vms_store_make_ready(s), 0);
	KUNIT_EXPECT_EQ(test, s->region.size, FX_REGION);
	KUNIT_EXPECT_EQ(test, s->mode, (u32)VMSTORE_CHECK_FULL);
	fx_space_new(test, s);
	vms_store_destroy(s);
}

static void store_test_defaults(struct kunit *test)
{
	struct vms_store *s = vms_store_create();

	KUNIT_ASSERT_NOT_NULL(test, s);
	KUNIT_EXPECT_EQ(test, vms_store_make_ready(s), 0);
	KUNIT_EXPECT_TRUE(test, vms_store_ready(s));
	KUNIT_EXPECT_EQ(test, vms_store_make_ready(s), 0);
	KUNIT_EXPECT_EQ(test, vms_store_setup(s, &small), -EBUSY);
	KUNIT_EXPECT_EQ(test, s->region.size, vms_store_default_region());
	KUNIT_EXPECT_EQ(test, s->region.first_mmio, s->region.nr_slots);
	KUNIT_EXPECT_EQ(test, s->mode, (u32)VMSTORE_CHECK_OFF);
	fx_expect_inv(test, s);
	vms_store_destroy(s);

	KUNIT_EXPECT_EQ(test, vms_store_default_region() % VMS_BLOCK_SIZE, 0ULL);
	KUNIT_EXPECT_EQ(test, vms_store_max_region() % VMS_BLOCK_SIZE, 0ULL);
	KUNIT_EXPECT_LE(test, vms_store_default_region(), vms_store_max_region());
}

static void store_test_never_set_up(struct kunit *test)
{
	struct vms_store *s = vms_store_create();

	KUNIT_ASSERT_NOT_NULL(test, s);
	vms_store_destroy(s);
}

/*
 * What a store is charged comes back when it fails late or is closed: else the sum of
 * these would be more than all stores may have.
 */
static void store_test_charge(struct kunit *test)
{
	u64 size = vms_store_max_region() / 16 & ~(VMS_BLOCK_SIZE - 1);
	unsigned int i;

	if (!size || size > 256ULL << 20)
		kunit_skip(test, "the limit is too low or too high to be reached here");
	for (i = 0; i < 40; i++) {	/* 20 sixteenths either way */
		struct vms_store *s = vms_store_create();

		KUNIT_ASSERT_NOT_NULL(test, s);
		if (i & 1)
			expect_setup(test, s, WITH(region_size, size), 0);
		/* Found by the machine, when the region is there already */
		else
			KUNIT_EXPECT_EQ(test, vms_store_setup(s, &(struct vmstore_setup) {
				.region_size = size, .machine = VMSTORE_MACHINE_SOFT,
				.nr_cpus = VMS_SOFT_MAX_CPUS + 1 }), -EINVAL);
		vms_store_destroy(s);
	}
}

/* All stores together are limited, too */
static void store_test_total_limit(struct kunit *test)
{
	u64 size = vms_store_max_region() / 2 & ~(VMS_BLOCK_SIZE - 1);
	struct vms_store *a = vms_store_create(), *b = vms_store_create();

	KUNIT_ASSERT_NOT_NULL(test, a);
	KUNIT_ASSERT_NOT_NULL(test, b);
	expect_setup(test, a, small, 0);
	/* Refused by the sum, before any memory is taken */
	expect_setup(test, b, WITH(region_size, vms_store_max_region()), -ENOSPC);
	if (size <= 64ULL << 20)
		expect_setup(test, b, WITH(region_size, size), 0);
	vms_store_destroy(a);
	vms_store_destroy(b);
}

/* Stores never see each other */
static void store_test_two_stores(struct kunit *test)
{
	struct vms_store *a = fx_store(test), *b = vms_store_create();
	u64 frame;

	KUNIT_ASSERT_NOT_NULL(test, b);
	expect_setup(test, b, small, 0);
	KUNIT_EXPECT_EQ(test, fx_space_new(test, a), 1ULL);
	KUNIT_EXPECT_EQ(test, fx_space_new(test, b), 1ULL);
	frame = fx_frame_from_unused(test, a, 0x100000);
	KUNIT_EXPECT_EQ(test, fx_frame_from_unused(test, b, 0x100000), frame);
	*(u64 *)vms_slot_kva(&a->region, 256) = 1;
	KUNIT_EXPECT_EQ(test, *(u64 *)vms_slot_kva(&b->region, 256), 0ULL);
	fx_frame_drop(test, a, frame);
	KUNIT_EXPECT_EQ(test, vms_slot_rc(&b->region, 256), 1ULL);
	vms_store_destroy(b);
	fx_expect_inv(test, a);
}

/* --- registries ---------------------------------------------------------------------- */

/* A FrameId is a plain value: every slot fits */
static void store_test_frame_entry(struct kunit *test)
{
	static const u32 slots[] = { 0, 1, 4095, S32_MAX };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(slots); i++) {
		KUNIT_EXPECT_EQ(test, vms_frame_entry_slot(vms_frame_entry(slots[i])), slots[i]);
		KUNIT_EXPECT_NOT_NULL(test, vms_frame_entry(slots[i]));
	}
}

/* A cap of the store: ENOSPC, nothing changes, and room again after a drop */
static void store_test_limits(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 space, frame, cursor;

	s->frames.max = 2;
	s->spaces.max = 1;
	s->cursors.max = 1;
	frame = fx_frame_from_unused(test, s, 0x100000);
	fx_frame_from_in_use(test, s, 0x100000);
	fx_fails(test, s, fx_op_simple(VMSTORE_OP_FRAME_ALLOC), -ENOSPC);
	fx_fails(test, s, fx_op_paddr(VMSTORE_OP_FRAME_FROM_UNUSED, 0x200000), -ENOSPC);
	fx_fails(test, s, fx_op_paddr(VMSTORE_OP_FRAME_FROM_IN_USE, 0x100000), -ENOSPC);
	space = fx_space_new(test, s);
	fx_fails(test, s, fx_op_simple(VMSTORE_OP_SPACE_NEW), -ENOSPC);
	cursor = fx_open(test, s, true, space, VA, VA + VMS_PAGE_SIZE);
	fx_fails(test, s, fx_op_open(false, space, 0, VMS_PAGE_SIZE), -ENOSPC);

	/* A query that has no room for the clone changes nothing */
	fx_map(test, s, cursor, frame, fx_rw);
	fx_frame_from_in_use(test, s, 0x100000);
	fx_jump(test, s, cursor, VA);
	fx_fails(test, s, fx_op_id(VMSTORE_OP_CURSOR_QUERY, cursor), -ENOSPC);

	fx_close(test, s, cursor);
	cursor = fx_open(test, s, false, space, 0, VMS_PAGE_SIZE);
	fx_close(test, s, cursor);
	fx_space_drop(test, s, space);
	KUNIT_EXPECT_GT(test, fx_space_new(test, s), space);
	fx_expect_inv(test, s);
}

/* --- lookups and locks ----------------------------------------------------------------- */

static void store_test_get_space(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 id = fx_space_new(test, s);
	struct vms_space *space;

	KUNIT_EXPECT_NULL(test, vms_store_get_space(s, 0));
	KUNIT_EXPECT_NULL(test, vms_store_get_space(s, id + 1));
	space = vms_store_get_space(s, id);
	KUNIT_ASSERT_NOT_NULL(test, space);
	KUNIT_EXPECT_EQ(test, space->id, id);
	KUNIT_EXPECT_EQ(test, atomic_read(&space->users), 1);
	fx_fails(test, s, fx_op_id(VMSTORE_OP_SPACE_DROP, id), -EBUSY);
	vms_space_put(space);
	fx_space_drop(test, s, id);
	KUNIT_EXPECT_NULL(test, vms_store_get_space(s, id));
}

static void store_test_claim_cursor(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 space = fx_space_new(test, s);
	u64 id = fx_open(test, s, false, space, VA, VA + VMS_PAGE_SIZE);
	struct vms_cursor *c;

	KUNIT_EXPECT_EQ(test, PTR_ERR(vms_store_claim_cursor(s, 0, false)), (long)-ENOENT);
	KUNIT_EXPECT_EQ(test, PTR_ERR(vms_store_claim_cursor(s, id + 1, true)), (long)-ENOENT);
	KUNIT_EXPECT_EQ(test, PTR_ERR(vms_store_claim_cursor(s, id, true)), (long)-EINVAL);
	c = vms_store_claim_cursor(s, id, false);
	KUNIT_ASSERT_FALSE(test, IS_ERR(c));
	KUNIT_EXPECT_EQ(test, c->id, id);
	KUNIT_EXPECT_EQ(test, PTR_ERR(vms_store_claim_cursor(s, id, false)), (long)-EBUSY);
	/* The kind is looked at first */
	KUNIT_EXPECT_EQ(test, PTR_ERR(vms_store_claim_cursor(s, id, true)), (long)-EINVAL);
	vms_cursor_unclaim(c);
	c = vms_store_claim_cursor(s, id, false);
	KUNIT_ASSERT_FALSE(test, IS_ERR(c));
	vms_cursor_unclaim(c);
}

static void store_test_locks(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u32 mode;

	for (mode = VMSTORE_CHECK_OFF; mode <= VMSTORE_CHECK_FULL; mode++) {
		s->mode = mode;
		KUNIT_EXPECT_EQ(test, vms_store_lock(s), 0);
		KUNIT_EXPECT_EQ(test, mutex_is_locked(&s->serial), mode != VMSTORE_CHECK_OFF);
		vms_store_unlock(s);
		KUNIT_EXPECT_EQ(test, vms_store_lock_quiet(s), 0);
		KUNIT_EXPECT_EQ(test, mutex_is_locked(&s->serial), mode != VMSTORE_CHECK_OFF);
		vms_store_unlock_quiet(s);
		KUNIT_EXPECT_FALSE(test, mutex_is_locked(&s->serial));
	}
}

/* --- reap ------------------------------------------------------------------------------- */

/* A mutable cursor with one frame in its gather, which no CPU has to flush */
static u64 gathered_cursor(struct kunit *test, u64 space, u64 va, u64 *paddr)
{
	struct vms_store *s = fx_store(test);
	u64 id = fx_open(test, s, true, space, va, va + VMS_PAGE_SIZE);
	struct vms_cursor *c = xa_load(&s->cursors.xa, id);
	struct vms_removed sum = {};
	u32 slot;

	*paddr = fx_map_new(test, s, id, va);
	slot = vms_paddr_slot(*paddr);
	/* What unmap does, but for the release at its end */
	vms_node_unlink(&s->region, c->pos.path[1], vms_pte_index(va, 1), &sum);
	vms_gather_add(&s->tlb, c->gather, slot, false);
	vms_tlb_issue(&s->tlb, c->gather, &c->space->pt.mroot, va, va + VMS_PAGE_SIZE);
	return id;
}

/* D4: gathered frames count in H; reap empties open cursors but one at work */
static void store_test_reap(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 space = fx_space_new(test, s), paddr[2], id[2];
	struct vms_removed sum = {};
	struct vms_cursor *busy;
	struct vms_gather *g;
	unsigned int i;

	for (i = 0; i < 2; i++)
		id[i] = gathered_cursor(test, space, i << 21, &paddr[i]);
	fx_expect_inv(test, s);
	busy = vms_store_claim_cursor(s, id[0], true);
	KUNIT_ASSERT_FALSE(test, IS_ERR(busy));
	g = vms_cursor_take_gather(busy);
	vms_store_reap(s, &sum);
	KUNIT_EXPECT_EQ(test, sum.leaves, 1ULL);
	KUNIT_EXPECT_EQ(test, sum.freed, 1ULL);
	KUNIT_EXPECT_EQ(test, sum.nodes, 0ULL);
	KUNIT_EXPECT_EQ(test, vms_slot_rc(&s->region, vms_paddr_slot(paddr[0])), 1ULL);
	KUNIT_EXPECT_EQ(test, vms_slot_rc(&s->region, vms_paddr_slot(paddr[1])),
			VMSTORE_RC_UNUSED);
	vms_cursor_give_gather(busy, g);
	/* That an operation has claimed the cursor does not keep its gather */
	KUNIT_EXPECT_EQ(test, fx_reap(test, s).refs, 1ULL);
	vms_cursor_unclaim(busy);
	KUNIT_EXPECT_EQ(test, fx_reap(test, s).refs, 0ULL);
	fx_expect_inv(test, s);
}

/* --- teardown in any state ---------------------------------------------------------------- */

static struct vms_store *busy_store(struct kunit *test)
{
	struct vms_store *s = vms_store_create();
	u64 space[2], id, paddr, i;

	KUNIT_ASSERT_NOT_NULL(test, s);
	expect_setup(test, s, small, 0);
	for (i = 0; i < 2; i++) {
		space[i] = fx_space_new(test, s);
		fx_activate(test, s, i, space[i]);
		id = fx_open(test, s, true, space[i], 0, 1ULL << 30);
		paddr = fx_map_new(test, s, id, 0);
		fx_map_new(test, s, id, 5ULL << 21);
		fx_frame_from_in_use(test, s, paddr);
		fx_load(test, s, i, space[i], 0, 8);
		fx_jump(test, s, id, 0);
		fx_unmap(test, s, id, 1ULL << 21);
		if (i)
			fx_close(test, s, id);
	}
	fx_open(test, s, false, space[1], VA, VA + VMS_PAGE_SIZE);
	fx_frame_alloc(test, s, NULL);
	return s;
}

/* Whatever lives: active spaces, cursors at work, gathers, handles, broken slots */
static void store_test_destroy(struct kunit *test)
{
	unsigned int state;

	for (state = 0; state < 4; state++) {
		struct vms_store *s = busy_store(test);
		unsigned long id = 0;
		struct vms_cursor *c;
		struct vms_space *space;

		if (state == 1)
			xa_for_each(&s->cursors.xa, id, c)
				vms_cursor_claim(c);
		if (state == 2) {	/* frozen by a count gone wrong */
			atomic64_set(&s->region.slots[s->region.first_mmio - 1].rc, 5);
			KUNIT_EXPECT_NE(test, fx_check(test, s), 0ULL);
		}
		if (state == 3) {	/* tables full of rubbish */
			xa_for_each(&s->spaces.xa, id, space)
				memset(vms_node_entries(&s->region, space->pt.root), 0xa5, 2048);
		}
		vms_store_destroy(s);
	}
}

/* --- helpers [model 4] ------------------------------------------------------------------ */

/* A world in which every registry has something */
struct helped {
	u64 space, other, cursor, frame, segment, unique;
};

static struct helped make_helped(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	struct helped h = {
		.space = fx_space_new(test, s),
		.other = fx_space_new(test, s),
	};

	h.cursor = fx_open(test, s, true, h.space, VA, VA + VMS_PAGE_SIZE);
	h.frame = fx_frame_from_unused(test, s, 0x400000);
	h.segment = fx_segment_from_unused(test, s, 0x500000, 0x504000);
	h.unique = fx_unique_from_unused(test, s, 0x600000);
	return h;
}

/* What @call says of a store that was frozen */
#define EXPECT_FROZEN(test, store, err, call)	do {			\
	bool *__frozen = &(store)->frozen;				\
									\
	WRITE_ONCE(*__frozen, true);					\
	KUNIT_EXPECT_EQ(test, (int)(call), err);			\
	WRITE_ONCE(*__frozen, false);					\
} while (0)

/* H1, H2: out and in again; the rest of the store does not change */
static void store_test_helpers_space(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	struct helped h = make_helped(test);
	struct vms_space *entry = vms_registry_load(&s->spaces, h.other), *space;
	struct fx_shot *shot = fx_shoot(test, s), *before = fx_shoot(test, s);
	struct vms_space *copy = kunit_kzalloc(test, sizeof(*copy), GFP_KERNEL);
	u32 root;

	KUNIT_ASSERT_NOT_NULL(test, copy);
	EXPECT_FROZEN(test, s, -EIO, PTR_ERR(vms_store_extract_space(s, h.other)));
	KUNIT_EXPECT_EQ(test, PTR_ERR(vms_store_extract_space(s, 99)), (long)-ENOENT);
	/* A cursor refers to it */
	KUNIT_EXPECT_EQ(test, PTR_ERR(vms_store_extract_space(s, h.space)), (long)-EBUSY);
	fx_activate(test, s, 0, h.other);
	KUNIT_EXPECT_EQ(test, PTR_ERR(vms_store_extract_space(s, h.other)), (long)-EBUSY);
	fx_activate(test, s, 0, 0);
	fx_expect_unchanged(test, s, before);

	space = vms_store_extract_space(s, h.other);
	KUNIT_ASSERT_PTR_EQ(test, space, entry);
	KUNIT_EXPECT_NULL(test, vms_registry_load(&s->spaces, h.other));
	KUNIT_EXPECT_NULL(test, vms_store_get_space(s, h.other));

	EXPECT_FROZEN(test, s, -EIO, vms_store_insert_space(s, h.other, space));
	/* owner.inv: its id, its root */
	KUNIT_EXPECT_EQ(test, vms_store_insert_space(s, h.space, space), -EINVAL);
	root = space->pt.root;
	space->pt.root = s->region.nr_slots;
	KUNIT_EXPECT_EQ(test, vms_store_insert_space(s, h.other, space), -EINVAL);
	space->pt.root = vms_paddr_slot(0x400000);	/* no node */
	KUNIT_EXPECT_EQ(test, vms_store_insert_space(s, h.other, space), -EINVAL);
	space->pt.root = root;
	memcpy(copy, space, sizeof(*copy));
	copy->id = h.space;
	KUNIT_EXPECT_EQ(test, vms_store_insert_space(s, h.space, copy), -EEXIST);
	KUNIT_EXPECT_NULL(test, vms_registry_load(&s->spaces, h.other));

	KUNIT_EXPECT_EQ(test, vms_store_insert_space(s, h.other, space), 0);
	KUNIT_EXPECT_PTR_EQ(test, vms_registry_load(&s->spaces, h.other), (void *)entry);
	fx_expect_unchanged(test, s, shot);
	fx_expect_inv(test, s);
	fx_space_drop(test, s, h.other);
}

/* H3, H4 */
static void store_test_helpers_cursor(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	struct helped h = make_helped(test);
	struct vms_cursor *entry = vms_registry_load(&s->cursors, h.cursor), *c;
	struct fx_shot *shot = fx_shoot(test, s);
	struct vms_space *unknown = kunit_kzalloc(test, sizeof(*unknown), GFP_KERNEL);
	struct vms_cursor_pos pos;
	struct vms_space *space;
	u64 id;

	KUNIT_ASSERT_NOT_NULL(test, unknown);
	unknown->id = 99;
	EXPECT_FROZEN(test, s, -EIO, PTR_ERR(vms_store_extract_cursor(s, h.cursor)));
	KUNIT_EXPECT_EQ(test, PTR_ERR(vms_store_extract_cursor(s, 99)), (long)-ENOENT);
	KUNIT_ASSERT_TRUE(test, vms_cursor_claim(entry));
	KUNIT_EXPECT_EQ(test, PTR_ERR(vms_store_extract_cursor(s, h.cursor)), (long)-EBUSY);
	vms_cursor_unclaim(entry);

	c = vms_store_extract_cursor(s, h.cursor);
	KUNIT_ASSERT_PTR_EQ(test, c, entry);
	KUNIT_EXPECT_NULL(test, vms_registry_load(&s->cursors, h.cursor));

	EXPECT_FROZEN(test, s, -EIO, vms_store_insert_cursor(s, h.cursor, c));
	KUNIT_ASSERT_EQ(test, vms_registry_reserve(&s->cursors, &id), 0);
	KUNIT_EXPECT_EQ(test, vms_store_insert_cursor(s, id, c), -EINVAL);
	vms_registry_release(&s->cursors, id);
	/* entry.inv: C1, C3, C4, C6 */
	pos = c->pos;
	c->pos.va = c->start - VMS_PAGE_SIZE;
	KUNIT_EXPECT_EQ(test, vms_store_insert_cursor(s, h.cursor, c), -EINVAL);
	c->pos.va = c->start + 8;
	KUNIT_EXPECT_EQ(test, vms_store_insert_cursor(s, h.cursor, c), -EINVAL);
	c->pos = pos;
	c->pos.level = c->guard_level + 1;
	KUNIT_EXPECT_EQ(test, vms_store_insert_cursor(s, h.cursor, c), -EINVAL);
	c->pos = pos;
	c->pos.path[4] = c->space->pt.root;
	KUNIT_EXPECT_EQ(test, vms_store_insert_cursor(s, h.cursor, c), -EINVAL);
	/* entry.owner.metaregion_sound: a path node that is none, or not its own */
	c->pos = pos;
	c->pos.path[c->guard_level] = vms_paddr_slot(0x400000);
	KUNIT_EXPECT_EQ(test, vms_store_insert_cursor(s, h.cursor, c), -EINVAL);
	c->pos.path[c->guard_level] = c->space->pt.root;
	KUNIT_EXPECT_EQ(test, vms_store_insert_cursor(s, h.cursor, c), -EINVAL);
	c->pos = pos;
	/* entry.vm_space live */
	space = c->space;
	c->space = unknown;
	KUNIT_EXPECT_EQ(test, vms_store_insert_cursor(s, h.cursor, c), -ENOENT);
	c->space = space;
	KUNIT_EXPECT_NULL(test, vms_registry_load(&s->cursors, h.cursor));

	KUNIT_EXPECT_EQ(test, vms_store_insert_cursor(s, h.cursor, c), 0);
	KUNIT_EXPECT_EQ(test, vms_store_insert_cursor(s, h.cursor, c), -EEXIST);
	KUNIT_EXPECT_PTR_EQ(test, vms_registry_load(&s->cursors, h.cursor), (void *)c);
	vms_cursor_unclaim(c);
	fx_expect_unchanged(test, s, shot);
	fx_expect_inv(test, s);
}

/* H7, H8: between the two halves of a step structural_inv holds, and accounting not */
static void store_test_helpers_frame(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	struct helped h = make_helped(test);
	struct fx_shot *shot = fx_shoot(test, s), *before = fx_shoot(test, s);
	u64 id;
	u32 slot;

	KUNIT_EXPECT_EQ(test, vms_store_extract_frame(s, 99, &slot), -ENOENT);
	KUNIT_EXPECT_EQ(test, vms_store_extract_frame(s, h.frame, &slot), 0);
	KUNIT_EXPECT_EQ(test, slot, vms_paddr_slot(0x400000));
	KUNIT_EXPECT_NULL(test, vms_registry_load(&s->frames, h.frame));
	KUNIT_EXPECT_EQ(test, vms_store_extract_frame(s, h.frame, &slot), -EBUSY);
	fx_expect_unchanged_but(test, s, before, VMSTORE_DUMP_FRAMES);

	/* has_safe_slot, usage Frame */
	KUNIT_EXPECT_EQ(test, vms_store_insert_frame(s, h.frame, s->region.nr_slots), -EINVAL);
	KUNIT_EXPECT_EQ(test, vms_store_insert_frame(s, h.frame, U32_MAX), -EINVAL);
	KUNIT_EXPECT_EQ(test, vms_store_insert_frame(s, h.frame, s->kernel.top), -EINVAL);
	KUNIT_EXPECT_EQ(test, vms_store_insert_frame(s, h.frame, s->region.nr_slots - 1), -EINVAL);
	KUNIT_EXPECT_NULL(test, vms_registry_load(&s->frames, h.frame));
	KUNIT_EXPECT_EQ(test, vms_store_insert_frame(s, h.frame, slot), 0);
	KUNIT_EXPECT_EQ(test, vms_store_insert_frame(s, h.frame, slot), -EEXIST);
	KUNIT_EXPECT_EQ(test, vms_store_insert_frame(s, h.frame + 1, slot), -EINVAL);
	fx_expect_unchanged(test, s, shot);
	fx_expect_inv(test, s);

	/* A second handle without a second reference: the step is incomplete */
	shot = fx_shoot(test, s);
	KUNIT_ASSERT_EQ(test, vms_registry_reserve(&s->frames, &id), 0);
	KUNIT_EXPECT_EQ(test, vms_store_insert_frame(s, id, slot), 0);
	fx_expect_unchanged_but(test, s, shot, VMSTORE_DUMP_FRAMES);
	KUNIT_EXPECT_EQ(test, vms_slot_from_in_use(&s->region, slot), 0);
	fx_expect_inv(test, s);
}

/* H9 to H12 require nothing but presence and absence, and change nothing else */
static void store_test_helpers_segment(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	struct helped h = make_helped(test);
	struct fx_shot *shot = fx_shoot(test, s), *before = fx_shoot(test, s);
	struct vms_segment seg = {};

	KUNIT_EXPECT_EQ(test, vms_store_extract_segment(s, 99, &seg), -ENOENT);
	KUNIT_EXPECT_EQ(test, vms_store_extract_segment(s, h.segment, &seg), 0);
	KUNIT_EXPECT_EQ(test, vms_segment_start(seg), 0x500000ULL);
	KUNIT_EXPECT_EQ(test, vms_segment_end(seg), 0x504000ULL);
	KUNIT_EXPECT_NULL(test, vms_registry_load(&s->segments, h.segment));
	KUNIT_EXPECT_EQ(test, vms_store_extract_segment(s, h.segment, &seg), -EBUSY);
	fx_expect_unchanged_but(test, s, before, VMSTORE_DUMP_SEGMENTS);
	KUNIT_EXPECT_EQ(test, vms_store_insert_segment(s, 99, seg), -EINVAL);
	KUNIT_EXPECT_EQ(test, vms_store_insert_segment(s, h.segment, seg), 0);
	KUNIT_EXPECT_EQ(test, vms_store_insert_segment(s, h.segment, seg), -EEXIST);
	fx_expect_unchanged(test, s, shot);
	fx_expect_inv(test, s);
}

static void store_test_helpers_unique(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	struct helped h = make_helped(test);
	struct fx_shot *shot = fx_shoot(test, s), *before = fx_shoot(test, s);
	u32 slot = 0;

	KUNIT_EXPECT_EQ(test, vms_store_extract_unique(s, 99, &slot), -ENOENT);
	KUNIT_EXPECT_EQ(test, vms_store_extract_unique(s, h.unique, &slot), 0);
	KUNIT_EXPECT_EQ(test, slot, vms_paddr_slot(0x600000));
	KUNIT_EXPECT_NULL(test, vms_registry_load(&s->uniques, h.unique));
	KUNIT_EXPECT_EQ(test, vms_store_extract_unique(s, h.unique, &slot), -EBUSY);
	fx_expect_unchanged_but(test, s, before, VMSTORE_DUMP_UNIQUES);
	KUNIT_EXPECT_EQ(test, vms_store_insert_unique(s, 99, slot), -EINVAL);
	KUNIT_EXPECT_EQ(test, vms_store_insert_unique(s, h.unique, slot), 0);
	KUNIT_EXPECT_EQ(test, vms_store_insert_unique(s, h.unique, slot), -EEXIST);
	fx_expect_unchanged(test, s, shot);
	fx_expect_inv(test, s);
}

static struct kunit_case store_test_cases[] = {
	KUNIT_CASE(store_test_setup_errors),
	KUNIT_CASE(store_test_defaults),
	KUNIT_CASE(store_test_never_set_up),
	KUNIT_CASE(store_test_charge),
	KUNIT_CASE(store_test_total_limit),
	KUNIT_CASE(store_test_two_stores),
	KUNIT_CASE(store_test_frame_entry),
	KUNIT_CASE(store_test_limits),
	KUNIT_CASE(store_test_get_space),
	KUNIT_CASE(store_test_claim_cursor),
	KUNIT_CASE(store_test_locks),
	KUNIT_CASE(store_test_reap),
	KUNIT_CASE(store_test_destroy),
	KUNIT_CASE(store_test_helpers_space),
	KUNIT_CASE(store_test_helpers_cursor),
	KUNIT_CASE(store_test_helpers_frame),
	KUNIT_CASE(store_test_helpers_segment),
	KUNIT_CASE(store_test_helpers_unique),
	{}
};

static struct kunit_suite store_test_suite = {
	.name = "vmstore-store",
	.init = fx_init,
	.exit = fx_exit,
	.test_cases = store_test_cases,
};

kunit_test_suite(store_test_suite);
