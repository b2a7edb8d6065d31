// SPDX-License-Identifier: GPL-2.0-only
/* Address spaces [model 5.1, Tl8]: life, users, activation, access. */

#include "fixture.h"

#define VA	0x00007f1234567000ULL
#define VALUE	0x1122334455667788ULL

static struct vmstore_op op_drop(u64 space)
{
	return fx_op_id(VMSTORE_OP_SPACE_DROP, space);
}

static struct vmstore_op op_activate(u32 cpu, u64 space)
{
	struct vmstore_op op = fx_op_id(VMSTORE_OP_SPACE_ACTIVATE, space);

	op.cpu = cpu;
	return op;
}

static struct vms_space *space_of(struct kunit *test, u64 id)
{
	struct vms_space *space = xa_load(&fx_store(test)->spaces.xa, id);

	KUNIT_ASSERT_NOT_NULL(test, space);
	return space;
}

/* The CPUs a space is active on, by the machine's set and by the store's */
static void expect_active(struct kunit *test, u64 id, unsigned long cpus)
{
	struct vms_store *s = fx_store(test);
	struct vms_space *space = space_of(test, id);
	unsigned int cpu;

	KUNIT_EXPECT_EQ(test, space->pt.mroot.active.bits[0], cpus);
	for (cpu = 0; cpu < s->act.nr_cpus; cpu++)
		KUNIT_EXPECT_EQ(test, s->act.space[cpu] == space, !!(cpus >> cpu & 1));
	KUNIT_EXPECT_EQ(test, atomic_read(&space->users), (int)hweight_long(cpus));
}

static void space_test_new(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 first = fx_space_new(test, s), second = fx_space_new(test, s);

	KUNIT_EXPECT_EQ(test, first, 1ULL);
	KUNIT_EXPECT_EQ(test, second, 2ULL);
	KUNIT_EXPECT_NE(test, space_of(test, first)->pt.root, space_of(test, second)->pt.root);
	KUNIT_EXPECT_NE(test, space_of(test, first)->pt.mroot.tag,
			space_of(test, second)->pt.mroot.tag);
	expect_active(test, first, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->region.nr_nodes), 4);
	fx_expect_inv(test, s);
}

static void space_test_new_fails(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u32 idx;

	s->mode = VMSTORE_CHECK_OFF;
	for (idx = 0; idx < s->region.first_mmio; idx += 2)
		if (vms_slot_rc(&s->region, idx) == VMSTORE_RC_UNUSED)
			fx_frame_from_unused(test, s, vms_slot_paddr(idx));
	s->mode = VMSTORE_CHECK_FULL;
	fx_fails(test, s, fx_op_simple(VMSTORE_OP_SPACE_NEW), -ENOMEM);
	fx_expect_inv(test, s);
	/* The id it would have had is not given again */
	KUNIT_EXPECT_EQ(test, atomic_read(&s->spaces.count), 0);
}

/* O-DropVmSpace, D6: nodes and leaves are given back, exactly */
static void space_test_drop(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	struct vmstore_out_space_drop out;
	u64 space = fx_space_new(test, s);
	u64 cursor, paddr, handle;

	cursor = fx_open(test, s, true, space, 0, VMSTORE_USER_END);
	fx_map_new(test, s, cursor, 0);
	fx_map_new(test, s, cursor, VMSTORE_USER_END - FX_PAGE);
	paddr = fx_map_new(test, s, cursor, VA);
	handle = fx_frame_from_in_use(test, s, paddr);
	fx_close(test, s, cursor);

	out = fx_space_drop(test, s, space);
	KUNIT_EXPECT_EQ(test, out.id, 0ULL);
	KUNIT_EXPECT_EQ(test, out.leaves, 3ULL);
	KUNIT_EXPECT_EQ(test, out.nodes, 10ULL);
	KUNIT_EXPECT_EQ(test, out.frames_freed, 2ULL);
	KUNIT_EXPECT_EQ(test, vms_slot_rc(&s->region, vms_paddr_slot(paddr)), 1ULL);
	fx_expect_inv(test, s);
	KUNIT_EXPECT_TRUE(test, fx_frame_drop(test, s, handle));
	fx_expect_empty(test, s);
	fx_expect_inv(test, s);
}

/* A space with a cursor, or active anywhere, stays; so does an unknown one unknown */
static void space_test_drop_errors(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 space = fx_space_new(test, s), cursor;
	bool mut;

	fx_fails(test, s, op_drop(0), -ENOENT);
	fx_fails(test, s, op_drop(space + 1), -ENOENT);
	for (mut = false;; mut = true) {
		cursor = fx_open(test, s, mut, space, VA, VA + FX_PAGE);
		fx_fails(test, s, op_drop(space), -EBUSY);
		fx_close(test, s, cursor);
		if (mut)
			break;
	}
	fx_activate(test, s, 1, space);
	fx_fails(test, s, op_drop(space), -EBUSY);
	fx_activate(test, s, 1, 0);
	fx_space_drop(test, s, space);
	fx_fails(test, s, op_drop(space), -ENOENT);
	fx_fails(test, s, fx_op_open(false, space, VA, VA + FX_PAGE), -ENOENT);
	fx_fails(test, s, op_activate(0, space), -ENOENT);
	fx_expect_empty(test, s);
	fx_expect_inv(test, s);
}

/* Frames that a dropped space shared with another stay mapped there */
static void space_test_drop_shared(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 a = fx_space_new(test, s), b = fx_space_new(test, s);
	u64 in_a = fx_open(test, s, true, a, VA, VA + FX_PAGE);
	u64 in_b = fx_open(test, s, true, b, VA, VA + FX_PAGE);
	u64 paddr = fx_map_new(test, s, in_a, VA);

	fx_map(test, s, in_b, fx_frame_from_in_use(test, s, paddr), fx_rw);
	fx_close(test, s, in_a);
	KUNIT_EXPECT_EQ(test, fx_space_drop(test, s, a).frames_freed, 0ULL);
	fx_jump(test, s, in_b, VA);
	KUNIT_EXPECT_EQ(test, fx_query(test, s, in_b, true).paddr, paddr);
	fx_close(test, s, in_b);
	KUNIT_EXPECT_EQ(test, fx_space_drop(test, s, b).frames_freed, 1ULL);
	fx_expect_empty(test, s);
	fx_expect_inv(test, s);
}

/* Users: none can be had of a space that is being dropped */
static void space_test_users(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	struct vms_removed sum = {};
	struct vms_space *space = kunit_kzalloc(test, sizeof(*space), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, space);
	KUNIT_ASSERT_EQ(test, vms_space_init(space, &s->mmu, 99), 0);
	KUNIT_EXPECT_TRUE(test, vms_space_get(space));
	KUNIT_EXPECT_TRUE(test, vms_space_get(space));
	KUNIT_EXPECT_EQ(test, vms_space_kill(space), -EBUSY);
	KUNIT_EXPECT_EQ(test, atomic_read(&space->users), 2);
	vms_space_put(space);
	KUNIT_EXPECT_EQ(test, vms_space_kill(space), 0);
	KUNIT_EXPECT_FALSE(test, vms_space_get(space));
	vms_space_exit(space, &s->mmu, &sum);
	KUNIT_EXPECT_EQ(test, sum.nodes, 1ULL);
	fx_expect_empty(test, s);
}

/* O-Activate, Tl8: in the new set, out of the old one, one user per CPU */
static void space_test_activate(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 a = fx_space_new(test, s), b = fx_space_new(test, s);

	fx_activate(test, s, 0, a);
	expect_active(test, a, 1);
	fx_activate(test, s, 0, a);		/* already: nothing happens */
	expect_active(test, a, 1);
	fx_activate(test, s, 1, a);
	expect_active(test, a, 3);
	fx_activate(test, s, 0, b);
	expect_active(test, a, 2);
	expect_active(test, b, 1);
	fx_activate(test, s, 1, 0);
	expect_active(test, a, 0);
	fx_activate(test, s, 1, 0);
	fx_activate(test, s, 0, 0);
	expect_active(test, b, 0);
	fx_expect_inv(test, s);
}

static void space_test_activate_errors(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 space = fx_space_new(test, s);

	fx_activate(test, s, 0, space);
	fx_fails(test, s, op_activate(0, space + 1), -ENOENT);
	fx_fails(test, s, op_activate(2, space), -EINVAL);
	fx_fails(test, s, op_activate(U32_MAX, 0), -EINVAL);
	expect_active(test, space, 1);
}

static int failing_set_root(struct vms_mmu *m, int cpu, struct vms_root *r, u32 flags)
{
	return -ENXIO;
}

/* What the machine refuses changes no set and no user */
static void space_test_activate_refused(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 a = fx_space_new(test, s), b = fx_space_new(test, s);
	const struct vms_mmu_ops *real = s->mmu.ops;
	struct vms_mmu_ops ops = *real;

	fx_activate(test, s, 0, a);
	ops.set_root = failing_set_root;
	s->mmu.ops = &ops;
	fx_fails(test, s, op_activate(0, b), -ENXIO);
	fx_fails(test, s, op_activate(0, 0), -ENXIO);
	s->mmu.ops = real;
	expect_active(test, a, 1);
	expect_active(test, b, 0);
}

/* Loads and stores go through the tables, each width, active or not */
static void space_test_access(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 space = fx_space_new(test, s);
	u64 cursor = fx_open(test, s, true, space, VA, VA + FX_PAGE);
	u64 paddr = fx_map_new(test, s, cursor, VA);
	u64 *word = vms_slot_kva(&s->region, vms_paddr_slot(paddr));
	u32 cpu;

	for (cpu = 0; cpu < 2; cpu++) {
		fx_activate(test, s, 1, cpu ? space : 0);
		*word = 0;
		fx_store_value(test, s, cpu, space, VA, 8, VALUE);
		KUNIT_EXPECT_EQ(test, *word, VALUE);
		KUNIT_EXPECT_EQ(test, fx_load(test, s, cpu, space, VA, 8), VALUE);
		KUNIT_EXPECT_EQ(test, fx_load(test, s, cpu, space, VA + 4, 4), VALUE >> 32);
		KUNIT_EXPECT_EQ(test, fx_load(test, s, cpu, space, VA + 2, 2),
				VALUE >> 16 & 0xffff);
		KUNIT_EXPECT_EQ(test, fx_load(test, s, cpu, space, VA + 7, 1), VALUE >> 56);
		fx_store_value(test, s, cpu, space, VA, 1, 0xff);
		KUNIT_EXPECT_EQ(test, *word, VALUE | 0xff);
	}
	fx_expect_inv(test, s);
}

static void expect_fault(struct kunit *test, struct vmstore_op op, u32 fault)
{
	struct vms_store *s = fx_store(test);

	KUNIT_EXPECT_EQ(test, fx_op(s, &op), -EFAULT);
	KUNIT_EXPECT_EQ(test, op.out.access.fault, fault);
	KUNIT_EXPECT_EQ(test, op.out.access.value, 0ULL);
}

/* Nothing there, or no right to write: EFAULT and the bits of the error code */
static void space_test_fault(struct kunit *test)
{
	const struct vmstore_prop ro = { .flags = VMSTORE_PROP_R, .priv = VMSTORE_PRIV_USER };
	struct vms_store *s = fx_store(test);
	u64 space = fx_space_new(test, s);
	u64 cursor = fx_open(test, s, true, space, VA, VA + FX_PAGE);

	expect_fault(test, fx_op_load(space, VA, 8), VMSTORE_FAULT_TAKEN);
	expect_fault(test, fx_op_store(space, VA, 8, VALUE),
		     VMSTORE_FAULT_TAKEN | VMSTORE_FAULT_WRITE);
	fx_map(test, s, cursor, fx_frame_alloc(test, s, NULL), ro);
	KUNIT_EXPECT_EQ(test, fx_load(test, s, 0, space, VA, 8), 0ULL);
	expect_fault(test, fx_op_store(space, VA, 8, VALUE), VMSTORE_FAULT_TAKEN |
		     VMSTORE_FAULT_WRITE | VMSTORE_FAULT_PRESENT);
	KUNIT_EXPECT_EQ(test, fx_load(test, s, 0, space, VA, 8), 0ULL);
	expect_fault(test, fx_op_load(space, VA + FX_PAGE, 1), VMSTORE_FAULT_TAKEN);
	fx_expect_inv(test, s);
}

/* As many loads as asked for, on a CPU where the space is active */
static void space_test_watch(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 space = fx_space_new(test, s);
	u64 cursor = fx_open(test, s, true, space, VA, VA + FX_PAGE);
	struct vmstore_op op = {
		.opcode = VMSTORE_OP_TLB_WATCH, .cpu = 1,
		.arg.watch = { .space = space, .va = VA, .width = 8, .loads = 50 },
	};

	fx_store_value(test, s, 0, space, VMSTORE_KERNEL_BASE + fx_map_new(test, s, cursor, VA),
		       8, VALUE);
	fx_fails(test, s, op, -EACCES);
	fx_activate(test, s, 1, space);
	KUNIT_EXPECT_EQ(test, fx_op(s, &op), 0);
	KUNIT_EXPECT_EQ(test, op.out.watch.first, VALUE);
	KUNIT_EXPECT_EQ(test, op.out.watch.before.same, 50U);
	KUNIT_EXPECT_EQ(test, op.out.watch.before.stale, 0U);
	KUNIT_EXPECT_EQ(test, op.out.watch.before.other, 0U);
	KUNIT_EXPECT_EQ(test, op.out.watch.flushes, 0U);

	op.arg.watch.loads = 0;
	fx_fails(test, s, op, -EINVAL);
	op.arg.watch.loads = VMSTORE_MAX_LOADS + 1;
	fx_fails(test, s, op, -EINVAL);
	op.arg.watch.loads = 1;
	op.arg.watch.width = 16;
	fx_fails(test, s, op, -EINVAL);
	op.arg.watch.width = 4;
	op.arg.watch.va = VA + 2;
	fx_fails(test, s, op, -EINVAL);
	op.arg.watch.va = VMSTORE_KERNEL_BASE + s->region.size;
	fx_fails(test, s, op, -EACCES);
	op.arg.watch.space = space + 1;
	fx_fails(test, s, op, -ENOENT);
	fx_expect_inv(test, s);
}

/* With the flag or without it the space is active, and may be so on all CPUs */
static void space_test_resident(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 space = fx_space_new(test, s);
	struct vmstore_op op = op_activate(1, space);
	u16 flags[] = { VMSTORE_OPF_RESIDENT, 0, VMSTORE_OPF_RESIDENT, VMSTORE_OPF_RESIDENT };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		op.flags = flags[i];
		KUNIT_EXPECT_EQ(test, fx_op(s, &op), 0);
		expect_active(test, space, 2);
	}
	fx_fails(test, s, fx_op_id(VMSTORE_OP_SPACE_DROP, space), -EBUSY);
	op = op_activate(1, 0);
	op.flags = VMSTORE_OPF_RESIDENT;
	KUNIT_EXPECT_EQ(test, fx_op(s, &op), 0);
	expect_active(test, space, 0);
	fx_expect_inv(test, s);
}

/* One space never sees what another maps at the same address */
static void space_test_isolation(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 space[2], cursor;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		space[i] = fx_space_new(test, s);
		cursor = fx_open(test, s, true, space[i], VA, VA + FX_PAGE);
		fx_map_new(test, s, cursor, VA);
		fx_close(test, s, cursor);
		fx_store_value(test, s, 0, space[i], VA, 8, VALUE + i);
	}
	for (i = 0; i < 4; i++) {
		fx_activate(test, s, 0, space[i / 2]);
		KUNIT_EXPECT_EQ(test, fx_load(test, s, 0, space[i & 1], VA, 8),
				VALUE + (i & 1));
		KUNIT_EXPECT_EQ(test, fx_load(test, s, 0, space[i / 2], VA, 8), VALUE + i / 2);
	}
	fx_expect_inv(test, s);
}

/*
 * Tl8 and Tl4 together: after an unmap and a reap no CPU on which the space is or was
 * active still sees the page.
 */
static void space_test_no_stale_after_reap(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 space = fx_space_new(test, s), other = fx_space_new(test, s);
	u64 cursor = fx_open(test, s, true, space, VA, VA + FX_PAGE);
	unsigned int round;
	u32 cpu;

	for (round = 0; round < 8; round++) {
		fx_map_new(test, s, cursor, VA);
		fx_activate(test, s, 0, space);
		fx_activate(test, s, 1, space);
		for (cpu = 0; cpu < 2; cpu++)
			fx_store_value(test, s, cpu, space, VA, 8, VALUE);
		if (round & 1)
			fx_activate(test, s, 1, other);
		fx_jump(test, s, cursor, VA);
		KUNIT_EXPECT_EQ(test, fx_unmap(test, s, cursor, FX_PAGE).removed, 1ULL);
		fx_reap(test, s);
		fx_activate(test, s, 1, space);
		for (cpu = 0; cpu < 2; cpu++) {
			struct vmstore_op op = fx_op_load(space, VA, 8);

			op.cpu = cpu;
			expect_fault(test, op, VMSTORE_FAULT_TAKEN);
		}
	}
	fx_expect_inv(test, s);
}

static struct kunit_case space_test_cases[] = {
	KUNIT_CASE(space_test_new),
	KUNIT_CASE(space_test_new_fails),
	KUNIT_CASE(space_test_drop),
	KUNIT_CASE(space_test_drop_errors),
	KUNIT_CASE(space_test_drop_shared),
	KUNIT_CASE(space_test_users),
	KUNIT_CASE(space_test_activate),
	KUNIT_CASE(space_test_activate_errors),
	KUNIT_CASE(space_test_activate_refused),
	KUNIT_CASE(space_test_access),
	KUNIT_CASE(space_test_fault),
	KUNIT_CASE(space_test_watch),
	KUNIT_CASE(space_test_resident),
	KUNIT_CASE(space_test_isolation),
	KUNIT_CASE(space_test_no_stale_after_reap),
	{}
};

static struct kunit_suite space_test_suite = {
	.name = "vmstore-space",
	.init = fx_init,
	.exit = fx_exit,
	.test_cases = space_test_cases,
};

kunit_test_suite(space_test_suite);
