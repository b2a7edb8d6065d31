// SPDX-License-Identifier: GPL-2.0-only
/* What the suites share: see fixture.h. */

#include <linux/string.h>

#include "dump.h"
#include "step.h"
#include "inv/inv.h"
#include "fixture.h"

const struct vmstore_prop fx_rw = {
	.flags = VMSTORE_PROP_R | VMSTORE_PROP_W,
	.priv = VMSTORE_PRIV_USER,
};

/**
 * fx_init_with - make the store of a test case
 * @test: whose priv becomes @fx
 * @fx: zeroed, lives as long as the case
 * @setup: as for VMSTORE_SETUP
 *
 * Return: 0 or what made the store fail.
 */
int fx_init_with(struct kunit *test, struct fx *fx, const struct vmstore_setup *setup)
{
	test->priv = fx;
	fx->s = vms_store_create();
	if (!fx->s)
		return -ENOMEM;
	return vms_store_setup(fx->s, setup);
}

/**
 * fx_init - .init of a suite: a small store on two simulated CPUs, which checks its
 *	whole invariant after every operation
 * @test: case
 *
 * Return: 0 or what made the store fail.
 */
int fx_init(struct kunit *test)
{
	static const struct vmstore_setup setup = {
		.size = sizeof(setup),
		.region_size = FX_REGION,
		.mmio_size = FX_MMIO,
		.machine = VMSTORE_MACHINE_SOFT,
		.nr_cpus = 2,
		.check_mode = VMSTORE_CHECK_FULL,
	};
	struct fx *fx = kunit_kzalloc(test, sizeof(*fx), GFP_KERNEL);

	return fx ? fx_init_with(test, fx, &setup) : -ENOMEM;
}

/* fx_exit - .exit of a suite, also after an init that failed */
void fx_exit(struct kunit *test)
{
	struct fx *fx = test->priv;

	if (fx && fx->s)
		vms_store_destroy(fx->s);
}

/* --- operations as data ------------------------------------------------------ */

struct vmstore_op fx_op_simple(u32 opcode)
{
	return (struct vmstore_op) { .opcode = opcode };
}

struct vmstore_op fx_op_id(u32 opcode, u64 id)
{
	return (struct vmstore_op) { .opcode = opcode, .arg.id.id = id };
}

struct vmstore_op fx_op_paddr(u32 opcode, u64 paddr)
{
	return (struct vmstore_op) { .opcode = opcode, .arg.paddr.paddr = paddr };
}

struct vmstore_op fx_op_len(u32 opcode, u64 cursor, u64 len)
{
	return (struct vmstore_op) {
		.opcode = opcode,
		.arg.len = { .cursor = cursor, .len = len },
	};
}

struct vmstore_op fx_op_open(bool mut, u64 space, u64 start, u64 end)
{
	return (struct vmstore_op) {
		.opcode = mut ? VMSTORE_OP_CURSOR_OPEN_MUT : VMSTORE_OP_CURSOR_OPEN,
		.arg.open = { .space = space, .start = start, .end = end },
	};
}

struct vmstore_op fx_op_jump(u64 cursor, u64 va)
{
	return (struct vmstore_op) {
		.opcode = VMSTORE_OP_CURSOR_JUMP,
		.arg.jump = { .cursor = cursor, .va = va },
	};
}

struct vmstore_op fx_op_map(u64 cursor, u64 frame, struct vmstore_prop prop)
{
	return (struct vmstore_op) {
		.opcode = VMSTORE_OP_CURSOR_MAP,
		.arg.map = { .cursor = cursor, .frame = frame, .prop = prop },
	};
}

struct vmstore_op fx_op_protect(u64 cursor, u64 len, struct vmstore_prop prop,
				struct vmstore_prop mask)
{
	return (struct vmstore_op) {
		.opcode = VMSTORE_OP_CURSOR_PROTECT_NEXT,
		.arg.protect = { .cursor = cursor, .len = len, .prop = prop, .mask = mask },
	};
}

struct vmstore_op fx_op_flush(u64 cursor, u64 va, u64 len)
{
	return (struct vmstore_op) {
		.opcode = VMSTORE_OP_CURSOR_FLUSH,
		.arg.flush = { .cursor = cursor, .va = va, .len = len },
	};
}

struct vmstore_op fx_op_load(u64 space, u64 va, u32 width)
{
	return (struct vmstore_op) {
		.opcode = VMSTORE_OP_ACCESS,
		.arg.access = { .space = space, .va = va, .width = width },
	};
}

struct vmstore_op fx_op_store(u64 space, u64 va, u32 width, u64 value)
{
	return (struct vmstore_op) {
		.opcode = VMSTORE_OP_ACCESS,
		.flags = VMSTORE_OPF_WRITE,
		.arg.access = { .space = space, .va = va, .width = width, .value = value },
	};
}

/* fx_op - run one operation; its errno */
int fx_op(struct vms_store *s, struct vmstore_op *op)
{
	return vms_step(s, op);
}

/* fx_does - run one operation that must succeed, or the case ends */
void fx_does(struct kunit *test, struct vms_store *s, struct vmstore_op *op)
{
	int err = fx_op(s, op);

	KUNIT_ASSERT_EQ_MSG(test, err, 0, "%s", vms_op_row(op->opcode)->name);
}

/* fx_fails - run one operation that must fail with @err and change nothing */
void fx_fails(struct kunit *test, struct vms_store *s, struct vmstore_op op, int err)
{
	const struct vms_op_row *row = vms_op_row(op.opcode);
	struct fx_shot *shot = fx_shoot(test, s);
	int got = fx_op(s, &op);

	KUNIT_EXPECT_EQ_MSG(test, got, err, "%s", row ? row->name : "unknown opcode");
	KUNIT_EXPECT_EQ(test, got, op.out_errno);
	fx_expect_unchanged(test, s, shot);
}

/* --- operations that succeed ---------------------------------------------------- */

u64 fx_frame_alloc(struct kunit *test, struct vms_store *s, u64 *paddr)
{
	struct vmstore_op op = fx_op_simple(VMSTORE_OP_FRAME_ALLOC);

	fx_does(test, s, &op);
	if (paddr)
		*paddr = op.out.frame.paddr;
	return op.out.id;
}

u64 fx_frame_from_unused(struct kunit *test, struct vms_store *s, u64 paddr)
{
	struct vmstore_op op = fx_op_paddr(VMSTORE_OP_FRAME_FROM_UNUSED, paddr);

	fx_does(test, s, &op);
	return op.out.id;
}

u64 fx_frame_from_in_use(struct kunit *test, struct vms_store *s, u64 paddr)
{
	struct vmstore_op op = fx_op_paddr(VMSTORE_OP_FRAME_FROM_IN_USE, paddr);

	fx_does(test, s, &op);
	return op.out.id;
}

/* Return: true when it was the last reference */
bool fx_frame_drop(struct kunit *test, struct vms_store *s, u64 frame)
{
	struct vmstore_op op = fx_op_id(VMSTORE_OP_FRAME_DROP, frame);

	fx_does(test, s, &op);
	return op.out.drop.freed;
}

u64 fx_space_new(struct kunit *test, struct vms_store *s)
{
	struct vmstore_op op = fx_op_simple(VMSTORE_OP_SPACE_NEW);

	fx_does(test, s, &op);
	return op.out.id;
}

struct vmstore_out_space_drop fx_space_drop(struct kunit *test, struct vms_store *s,
					    u64 space)
{
	struct vmstore_op op = fx_op_id(VMSTORE_OP_SPACE_DROP, space);

	fx_does(test, s, &op);
	return op.out.space_drop;
}

void fx_activate(struct kunit *test, struct vms_store *s, u32 cpu, u64 space)
{
	struct vmstore_op op = fx_op_id(VMSTORE_OP_SPACE_ACTIVATE, space);

	op.cpu = cpu;
	fx_does(test, s, &op);
}

u64 fx_open(struct kunit *test, struct vms_store *s, bool mut, u64 space, u64 start,
	    u64 end)
{
	struct vmstore_op op = fx_op_open(mut, space, start, end);

	fx_does(test, s, &op);
	return op.out.id;
}

void fx_close(struct kunit *test, struct vms_store *s, u64 cursor)
{
	struct vmstore_op op = fx_op_id(VMSTORE_OP_CURSOR_DROP, cursor);

	fx_does(test, s, &op);
}

struct vmstore_out_query fx_query(struct kunit *test, struct vms_store *s, u64 cursor,
				  bool peek)
{
	struct vmstore_op op = fx_op_id(VMSTORE_OP_CURSOR_QUERY, cursor);

	op.flags = peek ? VMSTORE_OPF_PEEK : 0;
	fx_does(test, s, &op);
	return op.out.query;
}

struct vmstore_out_va fx_find_next(struct kunit *test, struct vms_store *s, u64 cursor,
				   u64 len)
{
	struct vmstore_op op = fx_op_len(VMSTORE_OP_CURSOR_FIND_NEXT, cursor, len);

	fx_does(test, s, &op);
	return op.out.va;
}

struct vmstore_out_va fx_jump(struct kunit *test, struct vms_store *s, u64 cursor, u64 va)
{
	struct vmstore_op op = fx_op_jump(cursor, va);

	fx_does(test, s, &op);
	return op.out.va;
}

struct vmstore_out_va fx_vaddr(struct kunit *test, struct vms_store *s, u64 cursor)
{
	struct vmstore_op op = fx_op_id(VMSTORE_OP_CURSOR_VADDR, cursor);

	fx_does(test, s, &op);
	return op.out.va;
}

struct vmstore_out_map fx_map(struct kunit *test, struct vms_store *s, u64 cursor,
			      u64 frame, struct vmstore_prop prop)
{
	struct vmstore_op op = fx_op_map(cursor, frame, prop);

	fx_does(test, s, &op);
	return op.out.map;
}

/* fx_map_new - map a fresh frame at @va, which must be in the range; its paddr */
u64 fx_map_new(struct kunit *test, struct vms_store *s, u64 cursor, u64 va)
{
	u64 paddr;
	u64 frame = fx_frame_alloc(test, s, &paddr);

	fx_jump(test, s, cursor, va);
	fx_map(test, s, cursor, frame, fx_rw);
	return paddr;
}

struct vmstore_out_unmap fx_unmap(struct kunit *test, struct vms_store *s, u64 cursor,
				  u64 len)
{
	struct vmstore_op op = fx_op_len(VMSTORE_OP_CURSOR_UNMAP, cursor, len);

	fx_does(test, s, &op);
	return op.out.unmap;
}

struct vmstore_out_protect fx_protect(struct kunit *test, struct vms_store *s, u64 cursor,
				      u64 len, struct vmstore_prop prop,
				      struct vmstore_prop mask)
{
	struct vmstore_op op = fx_op_protect(cursor, len, prop, mask);

	fx_does(test, s, &op);
	return op.out.protect;
}

void fx_flush(struct kunit *test, struct vms_store *s, u64 cursor, u64 va, u64 len)
{
	struct vmstore_op op = fx_op_flush(cursor, va, len);

	fx_does(test, s, &op);
}

struct vmstore_out_reap fx_reap(struct kunit *test, struct vms_store *s)
{
	struct vmstore_op op = fx_op_simple(VMSTORE_OP_REAP);

	fx_does(test, s, &op);
	return op.out.reap;
}

u64 fx_load(struct kunit *test, struct vms_store *s, u32 cpu, u64 space, u64 va, u32 width)
{
	struct vmstore_op op = fx_op_load(space, va, width);

	op.cpu = cpu;
	fx_does(test, s, &op);
	return op.out.access.value;
}

void fx_store_value(struct kunit *test, struct vms_store *s, u32 cpu, u64 space, u64 va,
		    u32 width, u64 value)
{
	struct vmstore_op op = fx_op_store(space, va, width, value);

	op.cpu = cpu;
	fx_does(test, s, &op);
}

/* --- the state ------------------------------------------------------------------- */

static void fx_lock(struct kunit *test, struct vms_store *s)
{
	int err = vms_store_lock_quiet(s);

	KUNIT_ASSERT_EQ(test, err, 0);
}

/* fx_check - check the invariant; how many violations this found */
u64 fx_check(struct kunit *test, struct vms_store *s)
{
	u64 found;

	fx_lock(test, s);
	found = vms_inv_check(s);
	vms_store_unlock_quiet(s);
	return found;
}

/* fx_expect_inv - the invariant holds now and has held after each checked operation */
void fx_expect_inv(struct kunit *test, struct vms_store *s)
{
	u64 i, found = fx_check(test, s);

	KUNIT_EXPECT_EQ(test, found, 0);
	KUNIT_EXPECT_EQ(test, s->inv->nr_violations, 0);
	KUNIT_EXPECT_FALSE(test, s->frozen);
	for (i = 0; i < min_t(u64, s->inv->nr_violations, VMS_INV_MAX_VIOLATIONS); i++)
		kunit_err(test, "%s %s\n", s->inv->violation[i].clause,
			  s->inv->violation[i].text);
}

/* fx_expect_empty - nothing but the kernel half is left, once everything is reaped */
void fx_expect_empty(struct kunit *test, struct vms_store *s)
{
	int nr_free;

	fx_reap(test, s);
	nr_free = atomic_read(&s->region.nr_free);
	KUNIT_EXPECT_EQ(test, nr_free, (int)s->region.first_mmio - 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->region.nr_nodes), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->frames.count), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->cursors.count), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->spaces.count), 0);
}

/* One call of vms_dump(); the records written */
static size_t fx_dump_part(struct kunit *test, struct vms_store *s, u32 section,
			   struct vms_dump_out *out)
{
	int err;

	fx_lock(test, s);
	err = vms_dump(s, section, out);
	vms_store_unlock_quiet(s);
	KUNIT_ASSERT_EQ(test, err, 0);
	return out->used / vms_dump_rec_size(section);
}

/**
 * fx_dump - read a whole section
 * @test: case, which frees the result
 * @s: store
 * @section: enum vmstore_section
 * @nr: out: records
 *
 * Return: the records, to be freed with kunit_kfree() or by the end of the case.
 */
void *fx_dump(struct kunit *test, struct vms_store *s, u32 section, size_t *nr)
{
	size_t size = vms_dump_rec_size(section);
	struct vms_dump_out out = { .len = 64 * size };
	void *scratch = kunit_kzalloc(test, out.len, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, scratch);
	out.buf = scratch;
	*nr = 0;
	do {
		*nr += fx_dump_part(test, s, section, &out);
	} while (out.more);
	kunit_kfree(test, scratch);

	out = (struct vms_dump_out) { .len = (*nr + 1) * size };
	out.buf = kunit_kzalloc(test, out.len, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, out.buf);
	*nr = fx_dump_part(test, s, section, &out);
	KUNIT_ASSERT_FALSE(test, out.more);
	return out.buf;
}

/* A copy of the whole state, as dumped */
struct fx_shot {
	size_t nr[VMSTORE_DUMP_TLB + 1];
	void *rec[VMSTORE_DUMP_TLB + 1];
};

/* fx_shoot - remember the state, for one fx_expect_unchanged() */
struct fx_shot *fx_shoot(struct kunit *test, struct vms_store *s)
{
	struct fx_shot *shot = kunit_kzalloc(test, sizeof(*shot), GFP_KERNEL);
	u32 section;

	KUNIT_ASSERT_NOT_NULL(test, shot);
	for (section = VMSTORE_DUMP_SPACES; section <= VMSTORE_DUMP_TLB; section++)
		shot->rec[section] = fx_dump(test, s, section, &shot->nr[section]);
	return shot;
}

/* fx_expect_unchanged - the state is what it was at @shot, which is freed */
void fx_expect_unchanged(struct kunit *test, struct vms_store *s, struct fx_shot *shot)
{
	struct fx_shot *now = fx_shoot(test, s);
	u32 i;

	for (i = VMSTORE_DUMP_SPACES; i <= VMSTORE_DUMP_TLB; i++) {
		size_t len = shot->nr[i] * vms_dump_rec_size(i);

		KUNIT_EXPECT_EQ_MSG(test, now->nr[i], shot->nr[i], "section %u", i);
		if (now->nr[i] == shot->nr[i])
			KUNIT_EXPECT_FALSE_MSG(test, memcmp(now->rec[i], shot->rec[i], len),
					       "section %u has changed", i);
		kunit_kfree(test, now->rec[i]);
		kunit_kfree(test, shot->rec[i]);
	}
	kunit_kfree(test, now);
	kunit_kfree(test, shot);
}
