/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Flush queues, the gather, dispatch and sync [model 7, D4].
 *
 * What an operation removes from a page table goes into the gather of its cursor
 * and keeps its reference there. Its flush request is queued, dispatched to every
 * CPU that walks or may walk the root, and the gather gives the references back
 * only when all these CPUs have flushed and, for nodes, a grace period has passed.
 *
 *	change entries -> issue -> dispatch: smp_mb, read loaded | active,
 *	merge into each CPU's queue, kick -> that CPU: flush, then done = seq
 *	-> release when done >= seq on every CPU asked
 *
 * A CPU sets its bit in loaded before it loads the root and the dispatcher writes
 * entries before it reads the mask: one of the two sees the other.
 */
#ifndef VMS_TLB_H
#define VMS_TLB_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>

#include "mmu.h"
#include "node.h"

#define VMS_GATHER_MAX		64

/**
 * struct vms_cpu_tlb - flush queue of one CPU
 * @lock: guards @queue and @seq; taken in IRQ context, and held while the CPU flushes
 * @queue: what the CPU is asked to flush
 * @seq: number of the last request merged into @queue
 * @done: all requests up to this number are flushed
 */
struct vms_cpu_tlb {
	raw_spinlock_t lock;
	struct vms_flush queue;
	u64 seq;
	u64 done;
};

/**
 * struct vms_tlb - flush queues of a store
 * @mmu: its machine
 * @cpu: one per logical CPU
 * @flush_ops: requests issued so far
 * @dispatches: dispatches so far
 * @ipis: CPUs they asked
 * @gathered: frames and nodes that all gathers hold
 */
struct vms_tlb {
	struct vms_mmu *mmu;
	struct vms_cpu_tlb *cpu;
	atomic64_t flush_ops;
	atomic64_t dispatches;
	atomic64_t ipis;
	atomic64_t gathered;
};

/* One thing a gather holds a reference of */
struct vms_gathered {
	u32 slot;
	bool node;		/* the top node of a cut-off subtree */
};

/**
 * struct vms_gather - what was removed and must not be released yet
 * @link: in the store's list, once the cursor is gone
 * @space: id of the space it was removed from
 * @cursor: id of the cursor, 0 once that is gone
 * @pending: requests issued and not dispatched
 * @targets: CPUs that a dispatch asked, scratch
 * @nr: entries
 * @entry: frames and nodes removed
 * @has_node: one of them at least is a node, and
 * @rcu_state: the grace period after which no walker can see it
 * @rcu: REAP looks at the gathers of cursors without a lock
 * @wait_seq: per CPU the request that must be done, 0 = none
 */
struct vms_gather {
	struct list_head link;
	u64 space;
	u64 cursor;
	struct vms_flush pending;
	struct vms_cpuset targets;
	u32 nr;
	struct vms_gathered entry[VMS_GATHER_MAX];
	bool has_node;
	unsigned long rcu_state;
	struct rcu_head rcu;
	u64 wait_seq[];
};

int vms_tlb_init(struct vms_tlb *tlb, struct vms_mmu *mmu);
void vms_tlb_exit(struct vms_tlb *tlb);

void vms_flush_push(struct vms_flush *f, u64 tag, u64 start, u64 end);
void vms_flush_push_all(struct vms_flush *f);
void vms_flush_merge(struct vms_flush *f, const struct vms_flush *more);

static inline bool vms_flush_empty(const struct vms_flush *f)
{
	return !f->nr && !f->all;
}

/* vms_tlb_has_gathered - might a reap release anything? A moment's view */
static inline bool vms_tlb_has_gathered(struct vms_tlb *tlb)
{
	return atomic64_read(&tlb->gathered);
}

static inline void vms_flush_clear(struct vms_flush *f)
{
	f->nr = 0;
	f->all = false;
}

struct vms_gather *vms_gather_alloc(struct vms_tlb *tlb);
void vms_gather_free(struct vms_gather *g);
bool vms_gather_full(const struct vms_gather *g);
void vms_gather_add(struct vms_tlb *tlb, struct vms_gather *g, u32 slot, bool node);
void vms_tlb_issue(struct vms_tlb *tlb, struct vms_gather *g, struct vms_root *root,
		   u64 start, u64 end);
void vms_tlb_dispatch(struct vms_tlb *tlb, struct vms_gather *g, struct vms_root *root);
void vms_tlb_sync(struct vms_tlb *tlb, struct vms_gather *g);
bool vms_tlb_flushed(struct vms_tlb *tlb, const struct vms_gather *g);
bool vms_gather_try_release(struct vms_tlb *tlb, struct vms_gather *g,
			    struct vms_removed *sum);
void vms_gather_reap(struct vms_tlb *tlb, struct vms_gather *g, struct vms_removed *sum);

#endif /* VMS_TLB_H */
