// SPDX-License-Identifier: GPL-2.0-only
/* Flush queues and gathers: see tlb.h for the protocol. */

#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "tlb.h"

/**
 * vms_flush_push_all - ask for a flush of everything that is not global
 * @f: queue
 */
void vms_flush_push_all(struct vms_flush *f)
{
	f->all = true;
	f->nr = 0;
}

/**
 * vms_flush_push - ask for a flush of a range (Tl2)
 * @f: queue
 * @tag: of the root
 * @start: page aligned
 * @end: page aligned, above @start; a range of more than VMS_FLUSH_MAX_PAGES pages
 *	becomes All, and so does the 33rd request
 */
void vms_flush_push(struct vms_flush *f, u64 tag, u64 start, u64 end)
{
	if (f->all)
		return;
	if (end - start > VMS_FLUSH_MAX_PAGES * VMS_PAGE_SIZE || f->nr >= VMS_FLUSH_MAX_OPS)
		vms_flush_push_all(f);
	else
		f->ops[f->nr++] = (struct vms_flush_op) { tag, start, end };
}

/**
 * vms_flush_merge - add all requests of one queue to another (Tl2)
 * @f: queue
 * @more: requests to add
 */
void vms_flush_merge(struct vms_flush *f, const struct vms_flush *more)
{
	u32 i;

	if (f->all || more->all || f->nr + more->nr >= VMS_FLUSH_MAX_OPS) {
		vms_flush_push_all(f);
		return;
	}
	for (i = 0; i < more->nr; i++)
		f->ops[f->nr++] = more->ops[i];
}

/*
 * Runs on @cpu. Done is set after the flush, not before it as in Tl5: here it
 * releases frames (Tl7), it does not only end a wait.
 */
static void vms_tlb_on_kick(struct vms_mmu *mmu, int cpu)
{
	struct vms_tlb *tlb = mmu->kick_data;
	struct vms_cpu_tlb *c = &tlb->cpu[cpu];
	unsigned long irq;

	raw_spin_lock_irqsave(&c->lock, irq);
	if (!vms_flush_empty(&c->queue)) {
		mmu->ops->flush(mmu, cpu, &c->queue);
		vms_flush_clear(&c->queue);
	}
	/* The flush is over before anybody may release what it was for */
	smp_store_release(&c->done, c->seq);
	raw_spin_unlock_irqrestore(&c->lock, irq);
}

/**
 * vms_tlb_init - flush queues for all CPUs of a machine
 * @tlb: zeroed
 * @mmu: machine; its on_kick is set
 *
 * May sleep.
 *
 * Return: 0 or -ENOMEM.
 */
int vms_tlb_init(struct vms_tlb *tlb, struct vms_mmu *mmu)
{
	u32 i;

	tlb->cpu = kvcalloc(mmu->nr_cpus, sizeof(*tlb->cpu), GFP_KERNEL_ACCOUNT);
	if (!tlb->cpu)
		return -ENOMEM;
	for (i = 0; i < mmu->nr_cpus; i++)
		raw_spin_lock_init(&tlb->cpu[i].lock);
	tlb->mmu = mmu;
	mmu->kick_data = tlb;
	mmu->on_kick = vms_tlb_on_kick;
	return 0;
}

/**
 * vms_tlb_exit - free the queues
 * @tlb: queues of a machine that calls on_kick no more
 */
void vms_tlb_exit(struct vms_tlb *tlb)
{
	kvfree(tlb->cpu);
	tlb->cpu = NULL;
}

/**
 * vms_gather_alloc - an empty gather
 * @tlb: queues it will be dispatched to
 *
 * May sleep.
 *
 * Return: the gather, or NULL.
 */
struct vms_gather *vms_gather_alloc(struct vms_tlb *tlb)
{
	struct vms_gather *g;

	g = kvzalloc(struct_size(g, wait_seq, tlb->mmu->nr_cpus), GFP_KERNEL_ACCOUNT);
	if (g)
		INIT_LIST_HEAD(&g->link);
	return g;
}

/* vms_gather_free - @g is empty, or its store goes away as a whole; NULL is fine */
void vms_gather_free(struct vms_gather *g)
{
	kvfree(g);
}

/**
 * vms_gather_full - is there no room for one more entry?
 * @g: gather
 *
 * The caller then dispatches, reaps and goes on (D4).
 *
 * Return: true when there is none.
 */
bool vms_gather_full(const struct vms_gather *g)
{
	return g->nr == VMS_GATHER_MAX;
}

/**
 * vms_gather_add - take over a reference of something removed
 * @tlb: queues
 * @g: gather that is not full
 * @slot: the frame, or the top node of a subtree cut off
 * @node: which of the two
 *
 * Any context.
 */
void vms_gather_add(struct vms_tlb *tlb, struct vms_gather *g, u32 slot, bool node)
{
	g->entry[g->nr] = (struct vms_gathered) { slot, node };
	WRITE_ONCE(g->nr, g->nr + 1);
	atomic64_inc(&tlb->gathered);
	if (node) {
		g->has_node = true;
		g->rcu_state = start_poll_synchronize_rcu();
	}
}

/**
 * vms_tlb_issue - queue a flush request; nothing is sent (Tl3)
 * @tlb: queues
 * @g: gather of the cursor
 * @root: of its space
 * @start: page aligned
 * @end: page aligned; the same as @start for everything
 *
 * Any context.
 */
void vms_tlb_issue(struct vms_tlb *tlb, struct vms_gather *g, struct vms_root *root,
		   u64 start, u64 end)
{
	atomic64_inc(&tlb->flush_ops);
	if (start == end)
		vms_flush_push_all(&g->pending);
	else
		vms_flush_push(&g->pending, root->tag, start, end);
}

/**
 * vms_tlb_dispatch - ask every CPU that may cache entries of a root to flush (Tl4)
 * @tlb: queues
 * @g: gather whose pending requests are meant
 * @root: of its space
 *
 * Asks exactly the CPUs in loaded or active and does not wait for them. Process
 * context, IRQs on, cpus_read_lock held on a live machine.
 */
void vms_tlb_dispatch(struct vms_tlb *tlb, struct vms_gather *g, struct vms_root *root)
{
	unsigned int cpu;

	if (vms_flush_empty(&g->pending))
		return;

	/* Entries are written; pairs with the barrier after loaded is set */
	smp_mb();
	bitmap_or(g->targets.bits, root->loaded.bits, root->active.bits, VMS_MAX_CPUS);
	atomic64_inc(&tlb->dispatches);
	for_each_set_bit(cpu, g->targets.bits, tlb->mmu->nr_cpus) {
		struct vms_cpu_tlb *c = &tlb->cpu[cpu];
		unsigned long irq;

		raw_spin_lock_irqsave(&c->lock, irq);
		vms_flush_merge(&c->queue, &g->pending);
		g->wait_seq[cpu] = ++c->seq;
		raw_spin_unlock_irqrestore(&c->lock, irq);
		atomic64_inc(&tlb->ipis);
	}
	vms_flush_clear(&g->pending);
	if (!bitmap_empty(g->targets.bits, tlb->mmu->nr_cpus))
		tlb->mmu->ops->kick(tlb->mmu, &g->targets);
}

static bool vms_tlb_cpu_done(const struct vms_tlb *tlb, const struct vms_gather *g,
			     unsigned int cpu)
{
	/* Pairs with the end of the handler */
	return g->wait_seq[cpu] <= smp_load_acquire(&tlb->cpu[cpu].done);
}

/**
 * vms_tlb_flushed - has every CPU flushed what was dispatched for a gather?
 * @tlb: queues
 * @g: gather
 *
 * Any context.
 *
 * Return: true when they have, or when nobody was asked.
 */
bool vms_tlb_flushed(struct vms_tlb *tlb, const struct vms_gather *g)
{
	unsigned int cpu;

	for (cpu = 0; cpu < tlb->mmu->nr_cpus; cpu++)
		if (!vms_tlb_cpu_done(tlb, g, cpu))
			return false;
	return true;
}

/**
 * vms_tlb_sync - wait until every CPU has flushed what was dispatched (Tl6)
 * @tlb: queues
 * @g: gather
 *
 * It does not dispatch. Process context, IRQs on: two CPUs waiting for each other
 * with IRQs off would never answer.
 */
void vms_tlb_sync(struct vms_tlb *tlb, struct vms_gather *g)
{
	unsigned int cpu;

	bitmap_zero(g->targets.bits, VMS_MAX_CPUS);
	for (cpu = 0; cpu < tlb->mmu->nr_cpus; cpu++)
		if (!vms_tlb_cpu_done(tlb, g, cpu))
			set_bit(cpu, g->targets.bits);
	if (!bitmap_empty(g->targets.bits, tlb->mmu->nr_cpus))
		tlb->mmu->ops->wait(tlb->mmu, &g->targets);
	WARN_ON_ONCE(!vms_tlb_flushed(tlb, g));
}

static void vms_gather_release(struct vms_tlb *tlb, struct vms_gather *g,
			       struct vms_removed *sum)
{
	struct vms_region *r = tlb->mmu->region;

	while (g->nr) {
		struct vms_gathered *e = &g->entry[g->nr - 1];

		WRITE_ONCE(g->nr, g->nr - 1);
		if (e->node)
			vms_node_release(r, e->slot, sum);
		else
			vms_node_leaf_put(r, e->slot, sum);
		atomic64_dec(&tlb->gathered);
	}
	g->has_node = false;
}

/**
 * vms_gather_try_release - release what a gather holds, if it may be released now
 * @tlb: queues
 * @g: gather with nothing pending
 * @sum: added to: what was released
 *
 * Without nodes it is enough that all CPUs have flushed; with nodes a grace period
 * must have passed too, because a lock-free descent may still read them [Lk11].
 * Process context; does not wait.
 *
 * Return: true when the gather is empty now.
 */
bool vms_gather_try_release(struct vms_tlb *tlb, struct vms_gather *g,
			    struct vms_removed *sum)
{
	if (!vms_flush_empty(&g->pending) || !vms_tlb_flushed(tlb, g))
		return !g->nr;
	if (g->has_node && !poll_state_synchronize_rcu(g->rcu_state))
		return false;
	vms_gather_release(tlb, g, sum);
	return true;
}

/**
 * vms_gather_reap - wait for flushes and a grace period, then release everything
 * @tlb: queues
 * @g: gather with nothing pending
 * @sum: added to: what was released
 *
 * Process context, may sleep.
 */
void vms_gather_reap(struct vms_tlb *tlb, struct vms_gather *g, struct vms_removed *sum)
{
	vms_tlb_sync(tlb, g);
	if (g->has_node)
		cond_synchronize_rcu(g->rcu_state);
	vms_gather_release(tlb, g, sum);
}
