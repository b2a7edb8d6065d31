// SPDX-License-Identifier: GPL-2.0-only
/* Flush queues and gathers: see tlb.h for the protocol. */

#include <linux/minmax.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "tlb.h"
#include "trace.h"

#ifdef CONFIG_VMSTORE_KUNIT_TEST
struct vms_cpuset vms_tlb_sets_read;
#endif

static bool vms_flush_op_is_kernel(const struct vms_flush_op *op)
{
	return op->start >= VMSTORE_KERNEL_BASE && !VMS_OMIT(FLUSH_GLOBAL);
}

/**
 * vms_flush_push_all - ask for a flush of everything that is not global
 * @f: queue; where it has a range of the kernel half, what is global goes too
 */
void vms_flush_push_all(struct vms_flush *f)
{
	u32 i;

	for (i = 0; i < f->nr; i++)
		f->global |= vms_flush_op_is_kernel(&f->ops[i]);
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
	const struct vms_flush_op op = { tag, start, end };

	if (!f->all && f->nr < VMS_FLUSH_MAX_OPS &&
	    end - start <= VMS_FLUSH_MAX_PAGES * VMS_PAGE_SIZE) {
		f->ops[f->nr++] = op;
		return;
	}
	if (VMS_OMIT(FLUSH_COLLAPSE))
		return;
	vms_flush_push_all(f);
	f->global |= vms_flush_op_is_kernel(&op);
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
		f->global |= more->global;
		for (i = 0; i < more->nr; i++)
			f->global |= vms_flush_op_is_kernel(&more->ops[i]);
		return;
	}
	for (i = 0; i < more->nr; i++)
		f->ops[f->nr++] = more->ops[i];
}

static bool vms_flush_op_covers(const struct vms_flush_op *op, u64 start, u64 end)
{
	return op->start <= start && end <= op->end;
}

/**
 * vms_flush_covers - does one request of a queue cover a range of its root?
 * @f: queue; everything covers the kernel half only with what is global
 * @start: page aligned
 * @end: page aligned
 *
 * Return: true when one does.
 */
bool vms_flush_covers(const struct vms_flush *f, u64 start, u64 end)
{
	u32 i;

	if (f->all)
		return f->global || start < VMSTORE_KERNEL_BASE;
	for (i = 0; i < f->nr; i++)
		if (vms_flush_op_covers(&f->ops[i], start, end))
			return true;
	return false;
}

/* Take out what lies in a range */
static void vms_flush_take_out(struct vms_flush *f, u64 start, u64 end)
{
	const struct vms_flush_op range = { .start = start, .end = end };
	u32 i = f->nr;

	while (i--)
		if (vms_flush_op_covers(&range, f->ops[i].start, f->ops[i].end))
			f->ops[i] = f->ops[--f->nr];
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
		trace_vmstore_ipi_flush(cpu, c->queue.nr, c->queue.all);
		if (VMS_OMIT(ANSWER_ORDER))	/* too early */
			smp_store_release(&c->done, c->seq);
		if (!VMS_OMIT(ANSWER_FLUSH))
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
	vms_tlb_model_free(tlb->model);
	tlb->model = NULL;
	kvfree(tlb->cpu);
	tlb->cpu = NULL;
}

/**
 * vms_gather_watch - give a gather the checker's copy of it, which is empty
 * @g: gather
 * @t: touch set, NULL if nobody checks
 *
 * May sleep.
 *
 * Return: 0 or -ENOMEM.
 */
int vms_gather_watch(struct vms_gather *g, struct vms_touch *t)
{
	if (!t)
		return 0;
	g->seen = kzalloc(sizeof(*g->seen), GFP_KERNEL_ACCOUNT);
	if (!g->seen)
		return -ENOMEM;
	INIT_LIST_HEAD(&g->seen->touched);
	g->seen->touch = t;
	g->seen->of = g;
	return 0;
}

/* vms_gather_touch - mark what a gather holds, and whether anybody keeps it */
void vms_gather_touch(struct vms_gather *g)
{
	struct vms_gather_seen *seen = g->seen;

	if (likely(!seen))
		return;
	seen->touch->kinds |= VMS_TOUCH_GATHERS;
	if (list_empty(&seen->touched))
		list_add_tail(&seen->touched, &seen->touch->gathers);
}

/* A copy that holds anything, or is to be looked at, outlives its gather until then */
static void vms_gather_unwatch(struct vms_gather *g)
{
	struct vms_gather_seen *seen = g->seen;

	if (!seen)
		return;
	if (!seen->nr && list_empty(&seen->touched)) {
		kfree(seen);
		return;
	}
	vms_gather_touch(g);
	seen->of = NULL;
}

/* vms_gather_seen_free - the checker is through with a copy whose gather is freed */
void vms_gather_seen_free(struct vms_gather_seen *seen)
{
	list_del(&seen->touched);
	kfree(seen);
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
	if (!g)
		return NULL;
	INIT_LIST_HEAD(&g->link);
	if (vms_gather_watch(g, tlb->mmu->region->touch)) {
		kvfree(g);
		return NULL;
	}
	return g;
}

/* vms_gather_free - @g is empty, or its store goes away as a whole; NULL is fine */
void vms_gather_free(struct vms_gather *g)
{
	if (g)
		vms_gather_unwatch(g);
	kvfree(g);
}

/* vms_gather_free_rcu - free an empty gather that a REAP may still look at */
void vms_gather_free_rcu(struct vms_gather *g)
{
	vms_gather_unwatch(g);
	kvfree_rcu(g, rcu);
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
	if (VMS_WRONG(GATHER_LOST) && !node)
		return;
	if (VMS_WRONG(NODE_LEAKED) && node)
		return;
	if (node ? VMS_WRONG(NODE_FREED_EARLY) : VMS_WRONG(FREED_EARLY))
		vms_slot_put(tlb->mmu->region, slot);
	if (VMS_OMIT(GATHER_KEEP)) {
		vms_slot_put(tlb->mmu->region, slot);
		return;
	}
	vms_gather_touch(g);
	g->entry[g->nr] = (struct vms_gathered) {
		.slot = slot,
		.birth = tlb->mmu->region->slots[slot].birth + VMS_WRONG(GATHER_OTHER_LIFE),
		.node = node,
	};
	WRITE_ONCE(g->nr, g->nr + 1);
	atomic64_inc(&tlb->gathered);
	if (node) {
		g->has_node = true;
		g->rcu_state = start_poll_synchronize_rcu();
	}
}

/**
 * vms_tlb_changed - remember that a range is stale, though no flush is asked for
 * @g: gather of the cursor
 * @root: of its space
 * @start: page aligned
 * @end: page aligned
 *
 * Any context.
 */
void vms_tlb_changed(struct vms_gather *g, struct vms_root *root, u64 start, u64 end)
{
	vms_gather_touch(g);
	if (!VMS_WRONG(CHANGE_FORGOTTEN))
		vms_flush_push(&g->changed, root->tag, start, end);
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
	vms_gather_touch(g);
	if (VMS_WRONG(ISSUE_FORGOTTEN))
		return;
	if (start == end)
		vms_flush_push_all(&g->pending);
	else
		vms_flush_push(&g->pending, root->tag, start, end);
	if (g->pending.all || VMS_WRONG(CHANGE_TAKEN_OUT))
		vms_flush_clear(&g->changed);
	else
		vms_flush_take_out(&g->changed, start, end);
}

/**
 * vms_tlb_issue_changed - queue requests for what was changed and not flushed
 * @tlb: queues
 * @g: gather of the cursor
 *
 * Any context.
 */
void vms_tlb_issue_changed(struct vms_tlb *tlb, struct vms_gather *g)
{
	if (vms_flush_empty(&g->changed))
		return;
	atomic64_add(max(g->changed.nr, 1U), &tlb->flush_ops);
	vms_gather_touch(g);
	vms_flush_merge(&g->pending, &g->changed);
	vms_flush_clear(&g->changed);
}

static u64 vms_tlb_first_cpus(const struct vms_cpuset *cpus)
{
	u64 bits;

	bitmap_to_arr64(&bits, cpus->bits, 64);
	return bits;
}

/* Which CPUs may cache entries of a root; all of them those of the kernel half */
static void vms_tlb_targets(const struct vms_tlb *tlb, const struct vms_root *root,
			    struct vms_cpuset *cpus)
{
	bitmap_zero(cpus->bits, VMS_MAX_CPUS);
	if (!VMS_OMIT(DISPATCH_LOADED))
		bitmap_or(cpus->bits, cpus->bits, root->loaded.bits, VMS_MAX_CPUS);
	if (!VMS_OMIT(DISPATCH_ACTIVE))
		bitmap_or(cpus->bits, cpus->bits, root->active.bits, VMS_MAX_CPUS);
	if (root->tag == VMS_KERNEL_TAG && !VMS_OMIT(DISPATCH_KERNEL))
		bitmap_set(cpus->bits, 0, tlb->mmu->nr_cpus);
}

/**
 * vms_tlb_dispatch - ask every CPU that may cache entries of a root to flush (Tl4)
 * @tlb: queues
 * @g: gather whose pending requests are meant
 * @root: of its space, or of the store's kernel page table
 *
 * Asks exactly the CPUs in loaded or active, for the kernel half all there are, and does
 * not wait for them; they work while this CPU, if it is one of them, flushes. Nothing
 * pending is nothing to do. Process context, IRQs on, cpus_read_lock held on a live machine.
 *
 * Return: which of the first 64 CPUs were asked.
 */
u64 vms_tlb_dispatch(struct vms_tlb *tlb, struct vms_gather *g, struct vms_root *root)
{
	unsigned int cpu;
	u64 asked;

	if (vms_flush_empty(&g->pending))
		return 0;

	/* Entries are written; pairs with the barrier after loaded is set */
	smp_mb();
	vms_tlb_targets(tlb, root, &g->targets);
	VMS_OMIT_USE(DISPATCH_BARRIER, g->targets, vms_tlb_sets_read);
	asked = vms_tlb_first_cpus(&g->targets);
	atomic64_inc(&tlb->dispatches);
	trace_vmstore_dispatch(g->space, asked, g->pending.nr, g->pending.all);
	for_each_set_bit(cpu, g->targets.bits, tlb->mmu->nr_cpus) {
		struct vms_cpu_tlb *c = &tlb->cpu[cpu];
		unsigned long irq;

		raw_spin_lock_irqsave(&c->lock, irq);
		if (!VMS_OMIT(DISPATCH_MERGE))
			vms_flush_merge(&c->queue, &g->pending);
		g->wait_seq[cpu] = ++c->seq;
		raw_spin_unlock_irqrestore(&c->lock, irq);
		atomic64_inc(&tlb->ipis);
	}
	vms_gather_touch(g);
	if (!VMS_WRONG(SENT_FORGOTTEN))
		vms_flush_merge(&g->sent, &g->pending);
	if (unlikely(tlb->model))
		vms_tlb_model_flush(tlb->model, &g->pending);
	vms_flush_clear(&g->pending);
	if (!bitmap_empty(g->targets.bits, tlb->mmu->nr_cpus) && !VMS_OMIT(DISPATCH_KICK))
		tlb->mmu->ops->kick(tlb->mmu, &g->targets);
	return asked;
}

static bool vms_tlb_cpu_done(const struct vms_tlb *tlb, const struct vms_gather *g,
			     unsigned int cpu)
{
	const u64 *done = &tlb->cpu[cpu].done;

	if (VMS_OMIT(ANSWER_ACQUIRE))
		return g->wait_seq[cpu] <= READ_ONCE(*done);
	/* Pairs with the end of the handler */
	return g->wait_seq[cpu] <= smp_load_acquire(done);
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
 * vms_tlb_owing - who has not flushed yet what was dispatched for a gather?
 * @tlb: queues
 * @g: gather
 *
 * Any context.
 *
 * Return: these of the first 64 CPUs.
 */
u64 vms_tlb_owing(struct vms_tlb *tlb, const struct vms_gather *g)
{
	u32 nr = min(tlb->mmu->nr_cpus, 64U);
	u64 owing = 0;
	u32 cpu;

	for (cpu = 0; cpu < nr; cpu++)
		if (!vms_tlb_cpu_done(tlb, g, cpu))
			owing |= BIT_ULL(cpu);
	return owing;
}

/**
 * vms_tlb_sync - wait until every CPU has flushed what was dispatched (Tl6)
 * @tlb: queues
 * @g: gather
 *
 * It does not dispatch. Process context, IRQs on: two CPUs waiting for each other
 * with IRQs off would never answer.
 *
 * Return: CPUs that it waited for.
 */
u32 vms_tlb_sync(struct vms_tlb *tlb, struct vms_gather *g)
{
	unsigned int cpu;
	u32 nr = 0;

	bitmap_zero(g->targets.bits, VMS_MAX_CPUS);
	for (cpu = 0; cpu < tlb->mmu->nr_cpus; cpu++) {
		if (vms_tlb_cpu_done(tlb, g, cpu))
			continue;
		set_bit(cpu, g->targets.bits);
		nr++;
	}
	if (nr && !VMS_OMIT(SYNC_WAIT))
		tlb->mmu->ops->wait(tlb->mmu, &g->targets);
	WARN_ON_ONCE(!vms_tlb_flushed(tlb, g) && !VMS_OMIT_ANY());
	vms_flush_clear(&g->sent);
	return nr;
}

/**
 * vms_tlb_flush_local - flush on one CPU: nobody else is asked, and no request is done
 * @tlb: queues
 * @cpu: logical CPU
 * @root: whose entries
 * @start: page aligned
 * @end: page aligned; the same as @start for everything
 *
 * Process context, IRQs on.
 *
 * Return: 0, or -EINVAL when the CPU is not online.
 */
int vms_tlb_flush_local(struct vms_tlb *tlb, int cpu, const struct vms_root *root,
			u64 start, u64 end)
{
	struct vms_flush f;

	vms_flush_clear(&f);
	if (start == end)
		vms_flush_push_all(&f);
	else
		vms_flush_push(&f, root->tag, start, end);
	return VMS_OMIT(LOCAL_FLUSH) ? 0 : tlb->mmu->ops->flush_local(tlb->mmu, cpu, &f);
}

static void vms_tlb_violates_t5(struct vms_tlb *tlb, u32 slot, const char *what)
{
	if (tlb->violates_t5)
		tlb->violates_t5(tlb, slot, what);
}

/* Is the slot of an entry still what was removed? */
static bool vms_gathered_lives(const struct vms_region *r, const struct vms_gathered *e)
{
	const struct vms_slot *slot = &r->slots[e->slot];

	return slot->birth == e->birth && vms_rc_is_shared(vms_slot_rc(r, e->slot)) &&
	       slot->usage == (e->node ? VMSTORE_USAGE_PAGETABLE : VMSTORE_USAGE_FRAME);
}

/* T5 of one entry; what is not what was removed is not ours to drop */
static void vms_gathered_release(struct vms_tlb *tlb, const struct vms_gathered *e,
				 struct vms_removed *sum)
{
	struct vms_region *r = tlb->mmu->region;
	u64 lost = sum->lost;

	if (!vms_gathered_lives(r, e)) {
		vms_tlb_violates_t5(tlb, e->slot, "released, and has a new owner or none");
		return;
	}
	if (e->node)
		vms_node_release(r, e->slot, sum);
	else
		vms_node_leaf_put(r, e->slot + VMS_WRONG(FREED_OTHER), sum);
	if (sum->lost != lost)
		vms_tlb_violates_t5(tlb, e->slot, "released, and leads to what has no owner");
}

static void vms_gather_release(struct vms_tlb *tlb, struct vms_gather *g,
			       struct vms_removed *sum)
{
	if (!g->nr)
		return;
	vms_gather_touch(g);
	if (!vms_flush_empty(&g->pending) || !vms_tlb_flushed(tlb, g))
		vms_tlb_violates_t5(tlb, g->entry[0].slot, "released before it was flushed");
	while (g->nr) {
		WRITE_ONCE(g->nr, g->nr - 1);
		vms_gathered_release(tlb, &g->entry[g->nr], sum);
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
	bool pending = !vms_flush_empty(&g->pending) && !VMS_OMIT(RELEASE_PENDING);
	bool owed = !vms_tlb_flushed(tlb, g) && !VMS_OMIT(RELEASE_FLUSHED);

	if ((pending || owed) && !VMS_WRONG(RELEASED_EARLY))
		return !g->nr;
	vms_flush_clear(&g->sent);
	/* With a wrong effect at a time that does not depend on the machine's */
	if (g->has_node && !VMS_OMIT(RELEASE_READERS) &&
	    (VMS_WRONG_ANY() || !poll_state_synchronize_rcu(g->rcu_state)))
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
	if (!VMS_OMIT(REAP_SYNC))
		vms_tlb_sync(tlb, g);
	if (g->has_node && !VMS_OMIT(REAP_READERS))
		cond_synchronize_rcu(g->rcu_state);
	vms_gather_release(tlb, g, sum);
}
