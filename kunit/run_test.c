// SPDX-License-Identifier: GPL-2.0-only
/* Batches [VMSTORE_RUN]: what is refused, order, references, user memory. */

#include <linux/mman.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "fixture.h"
#include "run.h"

#define VA		0x00007f1234567000ULL
#define MAX_OPS		16U

static const struct vmstore_run one = {
	.size = sizeof(one),
	.ops = 0x10000,
	.count = 1,
	.op_size = sizeof(struct vmstore_op),
};

/* --- the call itself; user memory is not reached ------------------------------------------ */

static void expect_refused(struct kunit *test, struct vmstore_run run, int err)
{
	struct vms_store *s = fx_store(test);
	u32 ran = run.out_ran;

	KUNIT_EXPECT_EQ(test, vms_run(s, &run), err);
	KUNIT_EXPECT_EQ(test, run.out_ran, ran);
	KUNIT_EXPECT_EQ(test, atomic64_read(&s->story.last), 0);
}

#define WITH(field, value) \
	({ struct vmstore_run run = one; run.field = (value); run; })

static void run_test_refused(struct kunit *test)
{
	u32 bit;

	for (bit = 1; bit < 32; bit++)
		expect_refused(test, WITH(flags, 1U << bit), -EOPNOTSUPP);
	expect_refused(test, WITH(count, VMSTORE_MAX_BATCH + 1), -EINVAL);
	expect_refused(test, WITH(count, U32_MAX), -EINVAL);
	expect_refused(test, WITH(op_size, 0), -EINVAL);
	expect_refused(test, WITH(op_size, sizeof(struct vmstore_op) - 8), -EINVAL);
	expect_refused(test, WITH(op_size, sizeof(struct vmstore_op) + 4), -EINVAL);
	expect_refused(test, WITH(op_size, 2 * PAGE_SIZE), -E2BIG);
	expect_refused(test, WITH(ops, 0x10001), -EINVAL);
	expect_refused(test, WITH(ops, 0x10004), -EINVAL);
	expect_refused(test, WITH(count, 0), 0);
}

/* Outcomes of an earlier call are no input */
static void run_test_out_fields(struct kunit *test)
{
	struct vmstore_run run = WITH(count, 0);

	run.out_ran = 7;
	run.out_failed = 7;
	KUNIT_EXPECT_EQ(test, vms_run(fx_store(test), &run), 0);
	KUNIT_EXPECT_EQ(test, run.out_ran, 0U);
	KUNIT_EXPECT_EQ(test, run.out_failed, 0U);
}

/* --- in user memory --------------------------------------------------------------- */

/* Anonymous memory of a process made for the case; skips where KUnit has none */
static unsigned long user_pages(struct kunit *test, size_t len)
{
#if IS_ENABLED(CONFIG_MMU)
	unsigned long addr = kunit_vm_mmap(test, NULL, 0, len, PROT_READ | PROT_WRITE,
					   MAP_ANONYMOUS | MAP_PRIVATE, 0);

	KUNIT_ASSERT_NE(test, addr, 0UL);
	KUNIT_ASSERT_LT(test, addr, (unsigned long)TASK_SIZE);
	return addr;
#else
	kunit_skip(test, "this KUnit has no user memory");
	return 0;
#endif
}

struct batch {
	struct kunit *test;
	unsigned long user;
	struct vmstore_run run;
	struct vmstore_op op[MAX_OPS];
};

static struct batch *new_batch(struct kunit *test)
{
	struct batch *b = kunit_kzalloc(test, sizeof(*b), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, b);
	b->test = test;
	b->user = user_pages(test, 2 * PAGE_SIZE);
	b->run = one;
	b->run.ops = b->user;
	b->run.count = 0;
	return b;
}

static void add(struct batch *b, struct vmstore_op op)
{
	op.out_errno = 77;
	b->op[b->run.count++] = op;
}

/* Run it and fetch what it has left in user memory */
static void run(struct batch *b, int err, u32 ran, u32 failed)
{
	struct kunit *test = b->test;
	size_t len = b->run.count * sizeof(b->op[0]);

	KUNIT_ASSERT_EQ(test, copy_to_user((void __user *)b->user, b->op, len), 0UL);
	KUNIT_EXPECT_EQ(test, vms_run(fx_store(test), &b->run), err);
	KUNIT_EXPECT_EQ(test, b->run.out_ran, ran);
	KUNIT_EXPECT_EQ(test, b->run.out_failed, failed);
	KUNIT_ASSERT_EQ(test, copy_from_user(b->op, (void __user *)b->user, len), 0UL);
}

static void expect_errnos(struct batch *b, const int *errs)
{
	u32 i;

	for (i = 0; i < b->run.count; i++)
		KUNIT_EXPECT_EQ_MSG(b->test, b->op[i].out_errno, errs[i], "operation %u", i);
}

/* Each operation sees what those before it did, and refers to the ids they made */
static void run_test_references(struct kunit *test)
{
	static const int errs[MAX_OPS] = {};
	struct vms_store *s = fx_store(test);
	struct batch *b = new_batch(test);

	add(b, fx_op_simple(VMSTORE_OP_SPACE_NEW));
	add(b, fx_op_open(true, VMSTORE_REF(0), VA, VA + FX_PAGE));
	add(b, fx_op_paddr(VMSTORE_OP_FRAME_FROM_UNUSED, 0x300000));
	add(b, fx_op_map(VMSTORE_REF(1), VMSTORE_REF(2), fx_rw));
	add(b, fx_op_store(VMSTORE_REF(0), VA, 8, 4711));
	add(b, fx_op_load(VMSTORE_REF(0), VA, 8));
	add(b, fx_op_id(VMSTORE_OP_CURSOR_DROP, VMSTORE_REF(1)));
	add(b, fx_op_id(VMSTORE_OP_SPACE_DROP, VMSTORE_REF(0)));
	run(b, 0, 8, 0);
	expect_errnos(b, errs);
	KUNIT_EXPECT_EQ(test, b->op[5].out.access.value, 4711ULL);
	KUNIT_EXPECT_EQ(test, b->op[7].out.space_drop.leaves, 1ULL);
	/* The arguments are the caller's: never written */
	KUNIT_EXPECT_EQ(test, b->op[7].arg.id.id, VMSTORE_REF(0));
	fx_expect_empty(test, s);
	fx_expect_inv(test, s);
}

/* Dangling: later, itself, out of the batch, failed, another type, no id at all */
static void run_test_bad_references(struct kunit *test)
{
	static const int errs[] = {
		-EINVAL, 0, -EINVAL, -EINVAL, -EINVAL, -EINVAL, -EINVAL, -ERANGE, -EINVAL, 0,
		-EINVAL,
	};
	struct vms_store *s = fx_store(test);
	struct batch *b = new_batch(test);

	b->run.flags = VMSTORE_RUN_KEEP_GOING;
	add(b, fx_op_open(true, VMSTORE_REF(1), VA, VA + FX_PAGE));	/* later */
	add(b, fx_op_simple(VMSTORE_OP_SPACE_NEW));
	add(b, fx_op_open(true, VMSTORE_REF(2), VA, VA + FX_PAGE));	/* itself */
	add(b, fx_op_open(true, VMSTORE_REF(99), VA, VA + FX_PAGE));
	add(b, fx_op_open(true, VMSTORE_REF_FLAG | ~0ULL, VA, VA + FX_PAGE));
	add(b, fx_op_open(true, VMSTORE_REF(0), VA, VA + FX_PAGE));	/* failed */
	add(b, fx_op_id(VMSTORE_OP_FRAME_DROP, VMSTORE_REF(1)));	/* a space */
	add(b, fx_op_paddr(VMSTORE_OP_FRAME_FROM_UNUSED, FX_REGION));
	add(b, fx_op_id(VMSTORE_OP_FRAME_DROP, VMSTORE_REF(7)));	/* failed */
	add(b, fx_op_simple(VMSTORE_OP_REAP));
	add(b, fx_op_id(VMSTORE_OP_SPACE_DROP, VMSTORE_REF(9)));	/* no id */
	run(b, 0, 11, 9);
	expect_errnos(b, errs);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->spaces.count), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->cursors.count), 0);
}

/* A flag that asks for a reference in a place that holds no id is just a number */
static void run_test_no_reference(struct kunit *test)
{
	struct batch *b = new_batch(test);

	add(b, fx_op_paddr(VMSTORE_OP_FRAME_FROM_UNUSED, VMSTORE_REF(0)));
	run(b, 0, 1, 1);
	KUNIT_EXPECT_EQ(test, b->op[0].out_errno, -ERANGE);
}

/* It stops at the first failure; what was not run says so */
static void run_test_stops(struct kunit *test)
{
	static const int errs[] = { 0, -ENOENT, -ECANCELED, -ECANCELED };
	struct vms_store *s = fx_store(test);
	struct batch *b = new_batch(test);

	add(b, fx_op_simple(VMSTORE_OP_SPACE_NEW));
	add(b, fx_op_id(VMSTORE_OP_FRAME_DROP, 1));
	add(b, fx_op_simple(VMSTORE_OP_SPACE_NEW));
	add(b, fx_op_simple(VMSTORE_OP_SPACE_NEW));
	run(b, 0, 2, 1);
	expect_errnos(b, errs);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->spaces.count), 1);
}

static void run_test_keeps_going(struct kunit *test)
{
	static const int errs[] = { -EOPNOTSUPP, 0, -ENOENT, 0, -EINVAL, 0 };
	struct vms_store *s = fx_store(test);
	struct batch *b = new_batch(test);
	struct vmstore_op bad = fx_op_simple(VMSTORE_OP_SPACE_NEW);

	bad.__reserved = 1;
	b->run.flags = VMSTORE_RUN_KEEP_GOING;
	add(b, fx_op_simple(0));
	add(b, fx_op_simple(VMSTORE_OP_SPACE_NEW));
	add(b, fx_op_id(VMSTORE_OP_FRAME_DROP, 1));
	add(b, fx_op_simple(VMSTORE_OP_SPACE_NEW));
	add(b, bad);
	add(b, fx_op_simple(VMSTORE_OP_REAP));
	run(b, 0, 6, 3);
	expect_errnos(b, errs);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->spaces.count), 2);
}

/* Outcomes of failed operations are zero, in user memory too */
static void run_test_outcomes(struct kunit *test)
{
	struct batch *b = new_batch(test);
	u32 i;

	b->run.flags = VMSTORE_RUN_KEEP_GOING;
	add(b, fx_op_simple(0));
	add(b, fx_op_id(VMSTORE_OP_FRAME_DROP, 1));
	add(b, fx_op_open(true, VMSTORE_REF(7), 0, FX_PAGE));
	for (i = 0; i < 3; i++)
		memset(&b->op[i].out, 0xff, sizeof(b->op[i].out));
	run(b, 0, 3, 3);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_NULL(test, memchr_inv(&b->op[i].out, 0, sizeof(b->op[i].out)));
}

/* A larger op of a later caller: its tail must be zero, and the stride is its size */
static void run_test_longer_ops(struct kunit *test)
{
	const size_t stride = sizeof(struct vmstore_op) + 64;
	struct vms_store *s = fx_store(test);
	struct batch *b = new_batch(test);
	struct vmstore_op op = fx_op_simple(VMSTORE_OP_SPACE_NEW);
	char __user *at = (char __user *)b->user;
	u32 i;

	for (i = 0; i < 3; i++)
		KUNIT_ASSERT_EQ(test, copy_to_user(at + i * stride, &op, sizeof(op)), 0UL);
	b->run.count = 3;
	b->run.op_size = stride;
	KUNIT_EXPECT_EQ(test, vms_run(s, &b->run), 0);
	KUNIT_EXPECT_EQ(test, b->run.out_ran, 3U);
	KUNIT_ASSERT_EQ(test, copy_from_user(&op, at + 2 * stride, sizeof(op)), 0UL);
	KUNIT_EXPECT_EQ(test, op.out_errno, 0);
	KUNIT_EXPECT_EQ(test, op.out.id, 3ULL);

	/* The second one says something this kernel does not know: it ends there */
	memset(&op, 0, sizeof(op));
	op.opcode = VMSTORE_OP_SPACE_NEW;
	for (i = 0; i < 3; i++)
		KUNIT_ASSERT_EQ(test, copy_to_user(at + i * stride, &op, sizeof(op)), 0UL);
	KUNIT_ASSERT_EQ(test, put_user((char)1, at + 2 * stride - 1), 0);
	b->run.out_ran = 0;
	KUNIT_EXPECT_EQ(test, vms_run(s, &b->run), -E2BIG);
	KUNIT_EXPECT_EQ(test, b->run.out_ran, 1U);
	KUNIT_ASSERT_EQ(test, copy_from_user(&op, at + stride, sizeof(op)), 0UL);
	KUNIT_EXPECT_EQ(test, op.out_errno, -ECANCELED);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->spaces.count), 4);
}

/* An array that cannot be written in full runs nothing */
static void run_test_fault(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	struct batch *b = new_batch(test);
	struct vmstore_op op = fx_op_simple(VMSTORE_OP_SPACE_NEW);

	KUNIT_ASSERT_EQ(test, copy_to_user((void __user *)b->user, &op, sizeof(op)), 0UL);
	b->run.count = VMSTORE_MAX_BATCH;	/* far past what is mapped */
	KUNIT_EXPECT_EQ(test, vms_run(s, &b->run), -EFAULT);
	KUNIT_EXPECT_EQ(test, b->run.out_ran, 0U);
	b->run.count = 1;
	b->run.ops = 8;
	KUNIT_EXPECT_EQ(test, vms_run(s, &b->run), -EFAULT);
	b->run.ops = VMSTORE_KERNEL_BASE;
	KUNIT_EXPECT_EQ(test, vms_run(s, &b->run), -EFAULT);
	b->run.ops = -8ULL;
	KUNIT_EXPECT_EQ(test, vms_run(s, &b->run), -EFAULT);
	KUNIT_EXPECT_EQ(test, atomic64_read(&s->story.last), 0);
}

static struct kunit_case run_test_cases[] = {
	KUNIT_CASE(run_test_refused),
	KUNIT_CASE(run_test_out_fields),
	KUNIT_CASE(run_test_references),
	KUNIT_CASE(run_test_bad_references),
	KUNIT_CASE(run_test_no_reference),
	KUNIT_CASE(run_test_stops),
	KUNIT_CASE(run_test_keeps_going),
	KUNIT_CASE(run_test_outcomes),
	KUNIT_CASE(run_test_longer_ops),
	KUNIT_CASE(run_test_fault),
	{}
};

static struct kunit_suite run_test_suite = {
	.name = "vmstore-run",
	.init = fx_init,
	.exit = fx_exit,
	.test_cases = run_test_cases,
};

kunit_test_suite(run_test_suite);
