// SPDX-License-Identifier: GPL-2.0-only
/*
 * Flush queues and gathers [model 7, Lk11, D4].
 *
 * The protocol is tested on a machine made of paper: it notes what it is asked and
 * delivers a kick only when the test says so. Whether a flush does anything at all is
 * tested on the soft machine, whose TLB keeps what nobody flushes: there
 * tlb_test_stale fails if the flush in on_kick, the kick in dispatch or the wait in
 * sync is taken out, and on paper tlb_test_on_kick, tlb_test_targets and
 * tlb_test_sync name which of them it was.
 */

#include <kunit/test.h>
#include <linux/rcupdate.h>
#include <linux/string.h>

#include "tlb.h"

#define NR_CPUS_HERE	4
#define TAG		42ULL
#define VA		0x00007f1234567000ULL
#define VALUE		0x1122334455667788ULL
#define OTHER_VALUE	0x99aabbccddeeff00ULL

static const struct vmstore_prop rw = {
	.flags = VMSTORE_PROP_R | VMSTORE_PROP_W,
	.priv = VMSTORE_PRIV_USER,
};

struct tlb_fixture {
	struct vms_region region;
	struct vms_mmu mmu;
	struct vms_tlb tlb;
	struct vms_root root;
	struct vms_gather *g;
	unsigned int kicks, waits, flushes;
	struct vms_cpuset kicked, waited;
	u64 done_in_flush;		/* what done said while the CPU flushed */
	struct vms_flush flushed;	/* what it was asked */
	int flush_cpu;
	unsigned int local;		/* flushes that were no answer */
	int local_err;
	struct vms_flush queue[3];	/* too large for the stack */
};

/* --- the paper machine -------------------------------------------------------- */

static struct tlb_fixture *of(struct vms_mmu *m)
{
	return container_of(m, struct tlb_fixture, mmu);
}

static void paper_flush(struct vms_mmu *m, int cpu, const struct vms_flush *f)
{
	struct tlb_fixture *x = of(m);

	x->flushes++;
	x->flush_cpu = cpu;
	x->flushed = *f;
	x->done_in_flush = x->tlb.cpu[cpu].done;
}

static int paper_kick(struct vms_mmu *m, const struct vms_cpuset *cpus)
{
	of(m)->kicks++;
	of(m)->kicked = *cpus;
	return 0;
}

/* A wait ends when the kicked CPUs have answered, so here they do */
static int paper_wait(struct vms_mmu *m, const struct vms_cpuset *cpus)
{
	unsigned int cpu;

	of(m)->waits++;
	of(m)->waited = *cpus;
	for_each_set_bit(cpu, cpus->bits, m->nr_cpus)
		m->on_kick(m, cpu);
	return 0;
}

static int paper_flush_local(struct vms_mmu *m, int cpu, const struct vms_flush *f)
{
	of(m)->local++;
	paper_flush(m, cpu, f);
	return of(m)->local_err;
}

static const struct vms_mmu_ops paper_ops = {
	.flush = paper_flush,
	.flush_local = paper_flush_local,
	.kick = paper_kick,
	.wait = paper_wait,
};

static int tlb_test_init(struct kunit *test)
{
	struct tlb_fixture *x = kunit_kzalloc(test, sizeof(*x), GFP_KERNEL);

	if (!x)
		return -ENOMEM;
	test->priv = x;
	KUNIT_ASSERT_EQ(test, vms_region_init(&x->region, VMS_BLOCK_SIZE, 0), 0);
	x->mmu.ops = &paper_ops;
	x->mmu.region = &x->region;
	x->mmu.nr_cpus = NR_CPUS_HERE;
	x->root.tag = TAG;
	KUNIT_ASSERT_EQ(test, vms_tlb_init(&x->tlb, &x->mmu), 0);
	x->g = vms_gather_alloc(&x->tlb);
	KUNIT_ASSERT_NOT_NULL(test, x->g);
	return 0;
}

static void tlb_test_exit(struct kunit *test)
{
	struct tlb_fixture *x = test->priv;

	if (!x)
		return;
	vms_gather_free(x->g);
	vms_tlb_exit(&x->tlb);
	vms_region_exit(&x->region);
}

static void deliver(struct tlb_fixture *x, int cpu)
{
	x->mmu.on_kick(&x->mmu, cpu);
}

static void issue(struct tlb_fixture *x, struct vms_gather *g, u64 start, u64 end)
{
	vms_tlb_issue(&x->tlb, g, &x->root, start, end);
}

static u64 dispatch(struct tlb_fixture *x, struct vms_gather *g)
{
	return vms_tlb_dispatch(&x->tlb, g, &x->root);
}

/* Issue and dispatch one page */
static u64 send(struct tlb_fixture *x, struct vms_gather *g)
{
	issue(x, g, VA, VA + VMS_PAGE_SIZE);
	return dispatch(x, g);
}

static u32 new_frame(struct kunit *test)
{
	struct tlb_fixture *x = test->priv;
	u32 idx = VMS_NO_SLOT;

	KUNIT_ASSERT_EQ(test, vms_slot_alloc(&x->region, VMSTORE_USAGE_FRAME, false, &idx), 0);
	return idx;
}

static u32 new_node(struct kunit *test)
{
	struct tlb_fixture *x = test->priv;
	u32 idx = VMS_NO_SLOT;

	KUNIT_ASSERT_EQ(test, vms_node_alloc(&x->region, 1, false, 0, &idx), 0);
	return idx;
}

/* --- OpsStack, Tl2 --------------------------------------------------------------- */

/* Three empty queues */
static struct vms_flush *queues(struct kunit *test)
{
	struct tlb_fixture *x = test->priv;

	memset(x->queue, 0, sizeof(x->queue));
	return x->queue;
}

static void fill(struct vms_flush *f, u32 n, u64 base)
{
	u32 i;

	for (i = 0; i < n; i++)
		vms_flush_push(f, TAG, base + i * VMS_PAGE_SIZE, base + (i + 1) * VMS_PAGE_SIZE);
}

static void expect_ops(struct kunit *test, const struct vms_flush *f, u32 from, u32 n, u64 base)
{
	u32 i;

	for (i = 0; i < n; i++) {
		KUNIT_EXPECT_EQ(test, f->ops[from + i].tag, TAG);
		KUNIT_EXPECT_EQ(test, f->ops[from + i].start, base + i * VMS_PAGE_SIZE);
		KUNIT_EXPECT_EQ(test, f->ops[from + i].end, base + (i + 1) * VMS_PAGE_SIZE);
	}
}

static void expect_all(struct kunit *test, const struct vms_flush *f)
{
	KUNIT_EXPECT_TRUE(test, f->all);
	KUNIT_EXPECT_EQ(test, f->nr, 0U);
	KUNIT_EXPECT_FALSE(test, vms_flush_empty(f));
}

/* 32 fit, the 33rd makes All of it, and All it stays */
static void tlb_test_push(struct kunit *test)
{
	struct vms_flush *f = queues(test);

	KUNIT_EXPECT_TRUE(test, vms_flush_empty(f));
	fill(f, 32, VA);
	KUNIT_EXPECT_FALSE(test, f->all);
	KUNIT_EXPECT_EQ(test, f->nr, 32U);
	expect_ops(test, f, 0, 32, VA);
	vms_flush_push(f, TAG, VA, VA + VMS_PAGE_SIZE);
	expect_all(test, f);
	vms_flush_push(f, TAG, VA, VA + VMS_PAGE_SIZE);
	expect_all(test, f);
}

/* A range of 32 pages is a range, one of 33 is All */
static void tlb_test_push_range(struct kunit *test)
{
	struct vms_flush *f = queues(test);

	vms_flush_push(&f[0], TAG, VA, VA + 131072);
	KUNIT_EXPECT_FALSE(test, f[0].all);
	KUNIT_EXPECT_EQ(test, f[0].nr, 1U);
	KUNIT_EXPECT_EQ(test, f[0].ops[0].end - f[0].ops[0].start, 131072ULL);
	vms_flush_push(&f[0], TAG, VA, VA + 131072 + VMS_PAGE_SIZE);
	expect_all(test, &f[0]);
	vms_flush_push(&f[1], TAG, 0, VMSTORE_USER_END);
	expect_all(test, &f[1]);
	fill(&f[2], 5, VA);
	vms_flush_push_all(&f[2]);
	expect_all(test, &f[2]);
}

/* Every pair of sizes: below 32 together they are kept in order, from 32 on All */
static void tlb_test_merge(struct kunit *test)
{
	u32 a, b;

	for (a = 0; a <= 32; a++)
		for (b = 0; b <= 32; b++) {
			struct vms_flush *f = queues(test), *more = f + 1, *was = f + 2;

			fill(f, a, VA);
			fill(more, b, 0x10000);
			*was = *more;
			vms_flush_merge(f, more);
			KUNIT_ASSERT_EQ(test, memcmp(more, was, sizeof(*was)), 0);
			if (a + b >= 32) {
				expect_all(test, f);
				continue;
			}
			KUNIT_ASSERT_FALSE(test, f->all);
			KUNIT_ASSERT_EQ(test, f->nr, a + b);
			expect_ops(test, f, 0, a, VA);
			expect_ops(test, f, a, b, 0x10000);
		}
}

static void tlb_test_merge_all(struct kunit *test)
{
	struct vms_flush *all = queues(test), *some = all + 1, *none = all + 2;

	vms_flush_push_all(all);
	fill(some, 3, VA);
	vms_flush_merge(all, some);
	expect_all(test, all);
	vms_flush_merge(none, all);
	expect_all(test, none);
	vms_flush_merge(some, all);
	expect_all(test, some);
}

/* --- issue, dispatch, the answer, sync: Tl3 to Tl6 ------------------------------- */

static void tlb_test_issue(struct kunit *test)
{
	struct tlb_fixture *x = test->priv;

	x->root.active.bits[0] = 0xf;
	issue(x, x->g, VA, VA + VMS_PAGE_SIZE);
	issue(x, x->g, VA, VA + 2 * VMS_PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, x->g->pending.nr, 2U);
	KUNIT_EXPECT_EQ(test, x->g->pending.ops[1].tag, TAG);
	KUNIT_EXPECT_EQ(test, x->g->pending.ops[1].end, VA + 2 * VMS_PAGE_SIZE);
	issue(x, x->g, VA, VA);		/* everything */
	expect_all(test, &x->g->pending);
	/* Only queued */
	KUNIT_EXPECT_EQ(test, atomic64_read(&x->tlb.flush_ops), 3);
	KUNIT_EXPECT_EQ(test, atomic64_read(&x->tlb.dispatches), 0);
	KUNIT_EXPECT_EQ(test, x->kicks, 0U);
	KUNIT_EXPECT_TRUE(test, vms_flush_empty(&x->tlb.cpu[0].queue));
}

static void tlb_test_dispatch_nothing(struct kunit *test)
{
	struct tlb_fixture *x = test->priv;

	x->root.active.bits[0] = 0xf;
	KUNIT_EXPECT_EQ(test, dispatch(x, x->g), 0ULL);
	KUNIT_EXPECT_EQ(test, x->kicks, 0U);
	KUNIT_EXPECT_EQ(test, atomic64_read(&x->tlb.dispatches), 0);
	KUNIT_EXPECT_TRUE(test, vms_tlb_flushed(&x->tlb, x->g));
}

static void expect_asked(struct kunit *test, unsigned int cpu, bool asked, u64 seq)
{
	struct tlb_fixture *x = test->priv;
	struct vms_cpu_tlb *c = &x->tlb.cpu[cpu];

	KUNIT_EXPECT_EQ(test, vms_flush_empty(&c->queue), !asked);
	KUNIT_EXPECT_EQ(test, c->seq, seq + asked);
	KUNIT_EXPECT_EQ(test, x->g->wait_seq[cpu], asked ? seq + 1 : x->g->wait_seq[cpu]);
	KUNIT_EXPECT_EQ(test, x->g->wait_seq[cpu] > c->done, asked);
}

/* Tl4: all 256 pairs of sets: asked are exactly the CPUs in loaded or active */
static void tlb_test_targets(struct kunit *test)
{
	struct tlb_fixture *x = test->priv;
	unsigned int sets, cpu;

	for (sets = 0; sets < 256; sets++) {
		unsigned long want = (sets >> 4 | sets) & 0xf;
		s64 ipis = atomic64_read(&x->tlb.ipis);
		u64 seq[NR_CPUS_HERE];

		x->root.loaded.bits[0] = sets & 0xf;
		x->root.active.bits[0] = sets >> 4;
		x->kicks = 0;
		for (cpu = 0; cpu < NR_CPUS_HERE; cpu++)
			seq[cpu] = x->tlb.cpu[cpu].seq;
		KUNIT_EXPECT_EQ(test, send(x, x->g), (u64)want);

		KUNIT_EXPECT_EQ(test, x->kicks, want ? 1U : 0U);
		if (want)
			KUNIT_EXPECT_EQ(test, x->kicked.bits[0], want);
		KUNIT_EXPECT_EQ(test, atomic64_read(&x->tlb.ipis) - ipis,
				(s64)hweight_long(want));
		KUNIT_EXPECT_EQ(test, atomic64_read(&x->tlb.dispatches), (s64)sets + 1);
		KUNIT_EXPECT_TRUE(test, vms_flush_empty(&x->g->pending));
		KUNIT_EXPECT_EQ(test, vms_tlb_flushed(&x->tlb, x->g), !want);
		for (cpu = 0; cpu < NR_CPUS_HERE; cpu++) {
			expect_asked(test, cpu, want >> cpu & 1, seq[cpu]);
			deliver(x, cpu);
		}
		KUNIT_EXPECT_TRUE(test, vms_tlb_flushed(&x->tlb, x->g));
	}
}

/* The answer flushes what is queued, says so after the flush, and only once */
static void tlb_test_on_kick(struct kunit *test)
{
	struct tlb_fixture *x = test->priv;

	x->root.active.bits[0] = 4;
	send(x, x->g);
	issue(x, x->g, VA + VMS_PAGE_SIZE, VA + 2 * VMS_PAGE_SIZE);
	dispatch(x, x->g);
	KUNIT_EXPECT_EQ(test, x->flushes, 0U);
	deliver(x, 2);
	KUNIT_EXPECT_EQ(test, x->flushes, 1U);
	KUNIT_EXPECT_EQ(test, x->flush_cpu, 2);
	KUNIT_EXPECT_EQ(test, x->flushed.nr, 2U);
	expect_ops(test, &x->flushed, 0, 2, VA);
	/* Not before: done releases frames (Tl7) */
	KUNIT_EXPECT_EQ(test, x->done_in_flush, 0ULL);
	KUNIT_EXPECT_EQ(test, x->tlb.cpu[2].done, 2ULL);
	KUNIT_EXPECT_TRUE(test, vms_flush_empty(&x->tlb.cpu[2].queue));
	deliver(x, 2);
	KUNIT_EXPECT_EQ(test, x->flushes, 1U);
	KUNIT_EXPECT_EQ(test, x->tlb.cpu[2].done, 2ULL);
}

/* More than a queue holds, from several dispatches: All reaches the CPU */
static void tlb_test_queue_collapses(struct kunit *test)
{
	struct tlb_fixture *x = test->priv;
	unsigned int i;

	x->root.active.bits[0] = 1;
	for (i = 0; i < 32; i++)
		send(x, x->g);
	deliver(x, 0);
	expect_all(test, &x->flushed);
	KUNIT_EXPECT_EQ(test, x->flushes, 1U);
	KUNIT_EXPECT_EQ(test, x->tlb.cpu[0].done, 32ULL);
}

/* Who asked first waits for the first request, who asked later for the later one */
static void tlb_test_two_gathers(struct kunit *test)
{
	struct tlb_fixture *x = test->priv;
	struct vms_gather *late = vms_gather_alloc(&x->tlb);

	KUNIT_ASSERT_NOT_NULL(test, late);
	x->root.active.bits[0] = 2;
	send(x, x->g);
	deliver(x, 1);
	send(x, late);
	KUNIT_EXPECT_TRUE(test, vms_tlb_flushed(&x->tlb, x->g));
	KUNIT_EXPECT_FALSE(test, vms_tlb_flushed(&x->tlb, late));
	KUNIT_EXPECT_EQ(test, x->g->wait_seq[1], 1ULL);
	KUNIT_EXPECT_EQ(test, late->wait_seq[1], 2ULL);
	deliver(x, 1);
	KUNIT_EXPECT_TRUE(test, vms_tlb_flushed(&x->tlb, late));
	vms_gather_free(late);
}

/* Tl6: waits for exactly those that have not answered, and does not dispatch */
static void tlb_test_sync(struct kunit *test)
{
	struct tlb_fixture *x = test->priv;

	x->root.active.bits[0] = 7;
	send(x, x->g);
	deliver(x, 1);
	issue(x, x->g, VA, VA + VMS_PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, vms_tlb_owing(&x->tlb, x->g), 5ULL);
	KUNIT_EXPECT_EQ(test, vms_tlb_sync(&x->tlb, x->g), 2U);
	KUNIT_EXPECT_EQ(test, x->waits, 1U);
	KUNIT_EXPECT_EQ(test, x->waited.bits[0], 5UL);
	KUNIT_EXPECT_TRUE(test, vms_tlb_flushed(&x->tlb, x->g));
	KUNIT_EXPECT_EQ(test, x->g->pending.nr, 1U);
	KUNIT_EXPECT_EQ(test, x->kicks, 1U);
	/* Nobody left: no wait */
	KUNIT_EXPECT_EQ(test, vms_tlb_owing(&x->tlb, x->g), 0ULL);
	KUNIT_EXPECT_EQ(test, vms_tlb_sync(&x->tlb, x->g), 0U);
	KUNIT_EXPECT_EQ(test, x->waits, 1U);
}

/* What was dispatched is remembered until it is known that all have flushed it */
static void tlb_test_sent(struct kunit *test)
{
	struct tlb_fixture *x = test->priv;
	struct vms_removed sum = {};

	x->root.active.bits[0] = 3;
	send(x, x->g);
	issue(x, x->g, VA + VMS_PAGE_SIZE, VA + 2 * VMS_PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, x->g->sent.nr, 1U);
	dispatch(x, x->g);
	KUNIT_EXPECT_EQ(test, x->g->sent.nr, 2U);
	expect_ops(test, &x->g->sent, 0, 2, VA);
	deliver(x, 0);
	vms_gather_try_release(&x->tlb, x->g, &sum);
	KUNIT_EXPECT_EQ(test, x->g->sent.nr, 2U);
	KUNIT_EXPECT_FALSE(test, vms_gather_idle(x->g));
	deliver(x, 1);
	vms_gather_try_release(&x->tlb, x->g, &sum);
	KUNIT_EXPECT_TRUE(test, vms_flush_empty(&x->g->sent));
	KUNIT_EXPECT_TRUE(test, vms_gather_idle(x->g));
	issue(x, x->g, VA, VA);
	KUNIT_EXPECT_FALSE(test, vms_gather_idle(x->g));
	dispatch(x, x->g);
	expect_all(test, &x->g->sent);
	vms_tlb_sync(&x->tlb, x->g);
	KUNIT_EXPECT_TRUE(test, vms_flush_empty(&x->g->sent));
}

static void tlb_test_count(struct kunit *test)
{
	struct vms_flush *f = queues(test);
	u32 i;

	for (i = 0; i <= 32; i++) {
		KUNIT_EXPECT_EQ(test, vms_flush_count(f), i);
		fill(f, 1, VA);
	}
	KUNIT_EXPECT_EQ(test, vms_flush_count(f), 33U);
}

/* One CPU, no kick, and whoever waits for that CPU still waits */
static void tlb_test_flush_local(struct kunit *test)
{
	struct tlb_fixture *x = test->priv;
	struct vms_tlb *tlb = &x->tlb;

	x->root.active.bits[0] = 4;
	send(x, x->g);
	x->kicks = 0;
	KUNIT_EXPECT_EQ(test, vms_tlb_flush_local(tlb, 2, &x->root, VA, VA + 131072), 0);
	KUNIT_EXPECT_EQ(test, x->local, 1U);
	KUNIT_EXPECT_EQ(test, x->flush_cpu, 2);
	KUNIT_EXPECT_EQ(test, x->flushed.nr, 1U);
	KUNIT_EXPECT_EQ(test, x->flushed.ops[0].tag, TAG);
	KUNIT_EXPECT_EQ(test, x->flushed.ops[0].end, VA + 131072);
	KUNIT_EXPECT_EQ(test, vms_tlb_flush_local(tlb, 1, &x->root, VA, VA + 135168), 0);
	expect_all(test, &x->flushed);
	KUNIT_EXPECT_EQ(test, vms_tlb_flush_local(tlb, 1, &x->root, 0, 0), 0);
	expect_all(test, &x->flushed);
	KUNIT_EXPECT_EQ(test, x->kicks, 0U);
	KUNIT_EXPECT_EQ(test, vms_tlb_owing(tlb, x->g), 4ULL);
	KUNIT_EXPECT_EQ(test, x->tlb.cpu[2].queue.nr, 1U);
	x->local_err = -EINVAL;
	KUNIT_EXPECT_EQ(test, vms_tlb_flush_local(tlb, 1, &x->root, VA, VA), -EINVAL);
}

/* --- the gather: Tl7, Lk11 --------------------------------------------------------- */

static void tlb_test_gather_room(struct kunit *test)
{
	struct tlb_fixture *x = test->priv;
	struct vms_removed sum = {};
	u32 i;

	KUNIT_EXPECT_FALSE(test, vms_tlb_has_gathered(&x->tlb));
	for (i = 0; i < VMS_GATHER_MAX; i++) {
		KUNIT_EXPECT_FALSE(test, vms_gather_full(x->g));
		vms_gather_add(&x->tlb, x->g, new_frame(test), false);
		KUNIT_EXPECT_EQ(test, atomic64_read(&x->tlb.gathered), (s64)i + 1);
	}
	KUNIT_EXPECT_TRUE(test, vms_gather_full(x->g));
	KUNIT_EXPECT_TRUE(test, vms_tlb_has_gathered(&x->tlb));
	KUNIT_EXPECT_TRUE(test, vms_gather_try_release(&x->tlb, x->g, &sum));
	KUNIT_EXPECT_EQ(test, sum.leaves, (u64)VMS_GATHER_MAX);
	KUNIT_EXPECT_EQ(test, sum.freed, (u64)VMS_GATHER_MAX);
	KUNIT_EXPECT_FALSE(test, vms_tlb_has_gathered(&x->tlb));
	KUNIT_EXPECT_FALSE(test, vms_gather_full(x->g));
}

static void expect_kept(struct kunit *test, u32 idx)
{
	struct tlb_fixture *x = test->priv;
	struct vms_removed sum = {};

	KUNIT_EXPECT_FALSE(test, vms_gather_try_release(&x->tlb, x->g, &sum));
	KUNIT_EXPECT_EQ(test, sum.leaves + sum.nodes, 0ULL);
	KUNIT_EXPECT_EQ(test, x->g->nr, 1U);
	KUNIT_EXPECT_EQ(test, vms_slot_rc(&x->region, idx), 1ULL);
}

/* A frame: not while its flush is pending, nor before every CPU asked has flushed */
static void tlb_test_release_frame(struct kunit *test)
{
	struct tlb_fixture *x = test->priv;
	struct vms_removed sum = {};
	u32 idx = new_frame(test);

	x->root.active.bits[0] = 3;
	vms_gather_add(&x->tlb, x->g, idx, false);
	issue(x, x->g, VA, VA + VMS_PAGE_SIZE);
	expect_kept(test, idx);
	dispatch(x, x->g);
	expect_kept(test, idx);
	deliver(x, 0);
	expect_kept(test, idx);
	deliver(x, 1);
	KUNIT_EXPECT_TRUE(test, vms_gather_try_release(&x->tlb, x->g, &sum));
	KUNIT_EXPECT_EQ(test, sum.leaves, 1ULL);
	KUNIT_EXPECT_EQ(test, sum.freed, 1ULL);
	KUNIT_EXPECT_EQ(test, vms_slot_rc(&x->region, idx), VMSTORE_RC_UNUSED);
	KUNIT_EXPECT_EQ(test, x->g->nr, 0U);
}

/* A node: besides, a lock-free reader may still be in it */
static void tlb_test_release_node(struct kunit *test)
{
	struct tlb_fixture *x = test->priv;
	struct vms_removed sum = {};
	u32 idx = new_node(test);

	rcu_read_lock();
	vms_gather_add(&x->tlb, x->g, idx, true);
	send(x, x->g);		/* active nowhere: flushed at once */
	KUNIT_EXPECT_TRUE(test, vms_tlb_flushed(&x->tlb, x->g));
	expect_kept(test, idx);
	rcu_read_unlock();

	/* Not synchronize_rcu(): while booting that is another kind of grace period */
	while (!poll_state_synchronize_rcu(x->g->rcu_state))
		schedule_timeout_uninterruptible(1);
	KUNIT_EXPECT_TRUE(test, vms_gather_try_release(&x->tlb, x->g, &sum));
	KUNIT_EXPECT_EQ(test, sum.nodes, 1ULL);
	KUNIT_EXPECT_EQ(test, vms_slot_rc(&x->region, idx), VMSTORE_RC_UNUSED);
	KUNIT_EXPECT_FALSE(test, x->g->has_node);
}

/* The grace period does not stand in for the flush */
static void tlb_test_release_node_unflushed(struct kunit *test)
{
	struct tlb_fixture *x = test->priv;
	u32 idx = new_node(test);

	x->root.loaded.bits[0] = 8;
	vms_gather_add(&x->tlb, x->g, idx, true);
	send(x, x->g);
	synchronize_rcu();
	expect_kept(test, idx);
	deliver(x, 0);		/* the wrong one */
	expect_kept(test, idx);
	deliver(x, 3);
	KUNIT_EXPECT_TRUE(test, vms_tlb_flushed(&x->tlb, x->g));
}

/* Reap waits for both and gives everything back: subtrees with all below them */
static void tlb_test_reap(struct kunit *test)
{
	struct tlb_fixture *x = test->priv;
	struct vms_region *r = &x->region;
	u32 node = new_node(test), below = new_frame(test), frame = new_frame(test);
	struct vms_removed sum = {};

	KUNIT_ASSERT_EQ(test, vms_slot_from_in_use(r, frame), 0);
	vms_node_set(r, node, 0, vms_pte_make_leaf(vms_slot_pa(r, below), 1, rw));
	x->root.active.bits[0] = 0xf;
	vms_gather_add(&x->tlb, x->g, frame, false);
	vms_gather_add(&x->tlb, x->g, node, true);
	send(x, x->g);
	vms_gather_reap(&x->tlb, x->g, &sum);
	KUNIT_EXPECT_EQ(test, x->waits, 1U);
	KUNIT_EXPECT_EQ(test, x->flushes, 4U);
	KUNIT_EXPECT_EQ(test, sum.leaves, 2ULL);
	KUNIT_EXPECT_EQ(test, sum.nodes, 1ULL);
	KUNIT_EXPECT_EQ(test, sum.freed, 1ULL);
	KUNIT_EXPECT_EQ(test, vms_slot_rc(r, frame), 1ULL);
	KUNIT_EXPECT_EQ(test, vms_slot_rc(r, below), VMSTORE_RC_UNUSED);
	KUNIT_EXPECT_EQ(test, vms_slot_rc(r, node), VMSTORE_RC_UNUSED);
	KUNIT_EXPECT_FALSE(test, vms_tlb_has_gathered(&x->tlb));
}

static void tlb_test_try_release_empty(struct kunit *test)
{
	struct tlb_fixture *x = test->priv;
	struct vms_removed sum = {};

	KUNIT_EXPECT_TRUE(test, vms_gather_try_release(&x->tlb, x->g, &sum));
	vms_gather_free(NULL);
}

/* --- on the soft machine --------------------------------------------------------- */

/* A root with one page of @frame at VA, on a machine that keeps translations */
struct soft {
	struct vms_region region;
	struct vms_mmu mmu;
	struct vms_tlb tlb;
	struct vms_root root;
	struct vms_gather *g;
	u32 low, frame[2];
};

static void soft_init(struct kunit *test, struct soft *s)
{
	struct vms_region *r = &s->region;
	u32 node[5] = {};
	int level;

	KUNIT_ASSERT_EQ(test, vms_region_init(r, VMS_BLOCK_SIZE, 0), 0);
	KUNIT_ASSERT_EQ(test, vms_mmu_init(&s->mmu, VMSTORE_MACHINE_SOFT, r, 2), 0);
	for (level = 4; level; level--) {
		KUNIT_ASSERT_EQ(test, vms_node_alloc(r, level, level == 4, 0, &node[level]), 0);
		if (level < 4)
			vms_node_link(r, node[level + 1], vms_pte_index(VA, level + 1),
				      node[level]);
	}
	s->low = node[1];
	KUNIT_ASSERT_EQ(test, vms_slot_alloc(r, VMSTORE_USAGE_FRAME, false, &s->frame[0]), 0);
	KUNIT_ASSERT_EQ(test, vms_slot_alloc(r, VMSTORE_USAGE_FRAME, false, &s->frame[1]), 0);
	*(u64 *)vms_slot_kva(r, s->frame[0]) = VALUE;
	*(u64 *)vms_slot_kva(r, s->frame[1]) = OTHER_VALUE;
	s->root.pa = vms_slot_pa(r, node[4]);
	s->root.entries = vms_node_entries(r, node[4]);
	s->root.tag = TAG;
	KUNIT_ASSERT_EQ(test, s->mmu.ops->root_init(&s->mmu, &s->root), 0);
	KUNIT_ASSERT_EQ(test, vms_tlb_init(&s->tlb, &s->mmu), 0);
	s->g = vms_gather_alloc(&s->tlb);
	KUNIT_ASSERT_NOT_NULL(test, s->g);
}

static void soft_exit(struct soft *s)
{
	int cpu;

	for (cpu = 0; cpu < 2; cpu++)
		s->mmu.ops->set_root(&s->mmu, cpu, NULL, 0);
	s->mmu.ops->root_exit(&s->mmu, &s->root);
	vms_mmu_exit(&s->mmu);
	vms_gather_free(s->g);
	vms_tlb_exit(&s->tlb);
	vms_region_exit(&s->region);
}

static u64 soft_load(struct kunit *test, struct soft *s, int cpu)
{
	u64 value = 0;
	struct vms_access a = { .va = VA, .buf = &value, .len = 8 };

	KUNIT_EXPECT_EQ(test, s->mmu.ops->access(&s->mmu, cpu, &s->root, &a), 0);
	return a.fault ? 0 : value;
}

static u64 soft_map(struct soft *s, int i)
{
	u64 pte = i < 0 ? 0 : vms_pte_make_leaf(vms_slot_pa(&s->region, s->frame[i]), 1, rw);

	return vms_node_set(&s->region, s->low, vms_pte_index(VA, 1), pte);
}

/*
 * What was removed stays visible until dispatch and sync, and not a moment longer.
 * The first half says that the machine would show a missing flush, the second that
 * none is missing.
 */
static void tlb_test_stale(struct kunit *test)
{
	struct soft *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);
	struct vms_removed sum = {};
	int cpu;

	KUNIT_ASSERT_NOT_NULL(test, s);
	soft_init(test, s);
	soft_map(s, 0);
	for (cpu = 0; cpu < 2; cpu++) {
		KUNIT_EXPECT_EQ(test, s->mmu.ops->set_root(&s->mmu, cpu, &s->root, 0), 0);
		KUNIT_EXPECT_EQ(test, soft_load(test, s, cpu), VALUE);
	}
	soft_map(s, 1);
	vms_gather_add(&s->tlb, s->g, s->frame[0], false);
	vms_tlb_issue(&s->tlb, s->g, &s->root, VA, VA + VMS_PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, soft_load(test, s, 0), VALUE);
	KUNIT_EXPECT_EQ(test, soft_load(test, s, 1), VALUE);
	KUNIT_EXPECT_FALSE(test, vms_gather_try_release(&s->tlb, s->g, &sum));

	vms_tlb_dispatch(&s->tlb, s->g, &s->root);
	vms_tlb_sync(&s->tlb, s->g);
	KUNIT_EXPECT_EQ(test, soft_load(test, s, 0), OTHER_VALUE);
	KUNIT_EXPECT_EQ(test, soft_load(test, s, 1), OTHER_VALUE);
	KUNIT_EXPECT_TRUE(test, vms_gather_try_release(&s->tlb, s->g, &sum));
	soft_exit(s);
}

/* A CPU that has not answered is never one whose frames are released */
static void tlb_test_late_answer(struct kunit *test)
{
	struct soft *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);
	unsigned int round, late = 0;

	KUNIT_ASSERT_NOT_NULL(test, s);
	soft_init(test, s);
	KUNIT_EXPECT_EQ(test, s->mmu.ops->set_root(&s->mmu, 1, &s->root, 0), 0);
	for (round = 0; round < 64; round++) {
		struct vms_removed sum = {};
		u32 idx = VMS_NO_SLOT;

		soft_map(s, 0);
		KUNIT_EXPECT_EQ(test, soft_load(test, s, 1), VALUE);
		KUNIT_ASSERT_EQ(test, vms_slot_alloc(&s->region, VMSTORE_USAGE_FRAME, false,
						     &idx), 0);
		soft_map(s, -1);
		vms_gather_add(&s->tlb, s->g, idx, false);
		vms_tlb_issue(&s->tlb, s->g, &s->root, VA, VA + VMS_PAGE_SIZE);
		vms_tlb_dispatch(&s->tlb, s->g, &s->root);
		if (!vms_gather_try_release(&s->tlb, s->g, &sum)) {
			late++;
			KUNIT_EXPECT_EQ(test, vms_slot_rc(&s->region, idx), 1ULL);
			vms_gather_reap(&s->tlb, s->g, &sum);
		}
		KUNIT_EXPECT_EQ(test, vms_slot_rc(&s->region, idx), VMSTORE_RC_UNUSED);
		KUNIT_EXPECT_EQ(test, soft_load(test, s, 1), 0ULL);
	}
	/* Else the case has not seen what it is about */
	KUNIT_EXPECT_GT(test, late, 0U);
	soft_exit(s);
}

static struct kunit_case tlb_test_cases[] = {
	KUNIT_CASE(tlb_test_push),
	KUNIT_CASE(tlb_test_push_range),
	KUNIT_CASE(tlb_test_merge),
	KUNIT_CASE(tlb_test_merge_all),
	KUNIT_CASE(tlb_test_issue),
	KUNIT_CASE(tlb_test_dispatch_nothing),
	KUNIT_CASE(tlb_test_targets),
	KUNIT_CASE(tlb_test_on_kick),
	KUNIT_CASE(tlb_test_queue_collapses),
	KUNIT_CASE(tlb_test_two_gathers),
	KUNIT_CASE(tlb_test_sync),
	KUNIT_CASE(tlb_test_sent),
	KUNIT_CASE(tlb_test_count),
	KUNIT_CASE(tlb_test_flush_local),
	KUNIT_CASE(tlb_test_gather_room),
	KUNIT_CASE(tlb_test_release_frame),
	KUNIT_CASE(tlb_test_release_node),
	KUNIT_CASE(tlb_test_release_node_unflushed),
	KUNIT_CASE(tlb_test_reap),
	KUNIT_CASE(tlb_test_try_release_empty),
	KUNIT_CASE(tlb_test_stale),
	KUNIT_CASE(tlb_test_late_answer),
	{}
};

static struct kunit_suite tlb_test_suite = {
	.name = "vmstore-tlb",
	.init = tlb_test_init,
	.exit = tlb_test_exit,
	.test_cases = tlb_test_cases,
};

kunit_test_suite(tlb_test_suite);
