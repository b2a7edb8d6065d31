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
 * entries before it reads the mask: one of the two sees the other. The kernel half is
 * below every root of the store, so what is removed there concerns every CPU.
 *
 * A range of addresses is stale from the change of its entries until every CPU has flushed
 * it [D5]. A gather knows it in one of three states, each a queue of at most 32 ranges, or
 * All: changed and nobody asked for a flush (ProtectNext leaves that to its caller), pending,
 * and sent. T5, that nothing in a gather has a new owner, is asked of each entry once more
 * when it is released.
 */
#ifndef VMS_TLB_H
#define VMS_TLB_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>

#include "node.h"
#include "tlb_model.h"

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
 * @model: what is cached, says the model; NULL in check mode off
 * @violates_t5: called when a release finds T5 violated at @slot; any context
 */
struct vms_tlb {
	struct vms_mmu *mmu;
	struct vms_cpu_tlb *cpu;
	atomic64_t flush_ops;
	atomic64_t dispatches;
	atomic64_t ipis;
	atomic64_t gathered;
	struct vms_tlb_model *model;
	void (*violates_t5)(struct vms_tlb *tlb, u32 slot, const char *what);
};

/* One thing a gather holds a reference of */
struct vms_gathered {
	u32 slot;
	u32 birth;		/* of the slot when it was removed */
	bool node;		/* the top node of a cut-off subtree */
};

/* vms_life - one number for a birth and for what was born, to be summed up */
static inline u32 vms_life(u32 birth, bool node)
{
	return birth << 1 | node;
}

/**
 * struct vms_gather_seen - what the checker saw of a gather, in modes step and full
 * @touched: in the touch set, or empty
 * @touch: that set
 * @of: the gather, NULL once that is freed
 * @nr: entries then
 * @entry: the same
 */
struct vms_gather_seen {
	struct list_head touched;
	struct vms_touch *touch;
	struct vms_gather *of;
	u32 nr;
	struct vms_gathered entry[VMS_GATHER_MAX];
};

/**
 * struct vms_gather - what was removed and must not be released yet
 * @link: in the store's list, once the cursor is gone
 * @rcu: REAP looks at the gathers of cursors without a lock. In front, for kvfree_rcu()
 *	wants it within the first 4096 bytes, and a set of CPUs is large
 * @space: id of the space it was removed from
 * @cursor: id of the cursor, 0 once that is gone
 * @changed: ranges that were changed, and no request issued since covers them
 * @pending: requests issued and not dispatched
 * @sent: those dispatched, until every CPU asked is known to have flushed them
 * @targets: CPUs that a dispatch asked, scratch
 * @nr: entries
 * @entry: frames and nodes removed
 * @has_node: one of them at least is a node, and
 * @rcu_state: the grace period after which no walker can see it
 * @seen: the checker's copy of it, NULL in mode off
 * @wait_seq: per CPU the request that must be done, 0 = none
 */
struct vms_gather {
	struct list_head link;
	struct rcu_head rcu;
	u64 space;
	u64 cursor;
	struct vms_flush changed;
	struct vms_flush pending;
	struct vms_flush sent;
	struct vms_cpuset targets;
	u32 nr;
	struct vms_gathered entry[VMS_GATHER_MAX];
	bool has_node;
	unsigned long rcu_state;
	struct vms_gather_seen *seen;
	u64 wait_seq[];
};

#ifdef CONFIG_VMSTORE_KUNIT_TEST
/* What a dispatch has read too early, with its barrier left out */
extern struct vms_cpuset vms_tlb_sets_read;
#endif

int vms_tlb_init(struct vms_tlb *tlb, struct vms_mmu *mmu);
void vms_tlb_exit(struct vms_tlb *tlb);

void vms_flush_push(struct vms_flush *f, u64 tag, u64 start, u64 end);
void vms_flush_push_all(struct vms_flush *f);
void vms_flush_merge(struct vms_flush *f, const struct vms_flush *more);
bool vms_flush_covers(const struct vms_flush *f, u64 start, u64 end);

static inline bool vms_flush_empty(const struct vms_flush *f)
{
	return !f->nr && !f->all;
}

/* vms_flush_count - requests in a queue; one for everything is one more than fit */
static inline u32 vms_flush_count(const struct vms_flush *f)
{
	return f->all ? VMS_FLUSH_MAX_OPS + 1 : f->nr;
}

/* vms_gather_idle - does it hold nothing and owe nothing? A moment's view */
static inline bool vms_gather_idle(const struct vms_gather *g)
{
	/* An operation may take the gather from its cursor now, and change it */
	return data_race(!g->nr && vms_flush_empty(&g->pending) && vms_flush_empty(&g->sent));
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
	f->global = false;
}

struct vms_gather *vms_gather_alloc(struct vms_tlb *tlb);
void vms_gather_free(struct vms_gather *g);
void vms_gather_free_rcu(struct vms_gather *g);
int vms_gather_watch(struct vms_gather *g, struct vms_touch *t);
void vms_gather_touch(struct vms_gather *g);
void vms_gather_seen_free(struct vms_gather_seen *seen);
bool vms_gather_full(const struct vms_gather *g);
void vms_gather_add(struct vms_tlb *tlb, struct vms_gather *g, u32 slot, bool node);
void vms_tlb_changed(struct vms_gather *g, struct vms_root *root, u64 start, u64 end);
void vms_tlb_issue(struct vms_tlb *tlb, struct vms_gather *g, struct vms_root *root,
		   u64 start, u64 end);
void vms_tlb_issue_changed(struct vms_tlb *tlb, struct vms_gather *g);
u64 vms_tlb_dispatch(struct vms_tlb *tlb, struct vms_gather *g, struct vms_root *root);
u32 vms_tlb_sync(struct vms_tlb *tlb, struct vms_gather *g);
u64 vms_tlb_owing(struct vms_tlb *tlb, const struct vms_gather *g);
int vms_tlb_flush_local(struct vms_tlb *tlb, int cpu, const struct vms_root *root,
			u64 start, u64 end);
bool vms_tlb_flushed(struct vms_tlb *tlb, const struct vms_gather *g);
bool vms_gather_try_release(struct vms_tlb *tlb, struct vms_gather *g,
			    struct vms_removed *sum);
void vms_gather_reap(struct vms_tlb *tlb, struct vms_gather *g, struct vms_removed *sum);

#endif /* VMS_TLB_H */
