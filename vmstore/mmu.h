/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The machine: what walks page tables and caches translations.
 *
 * Two exist. mmu_live is the CPU's own MMU, mmu_soft a simulated one whose TLB
 * keeps a translation until it is flushed. Both read the same entries from the
 * region and both set accessed and dirty bits with a compare-and-exchange.
 */
#ifndef VMS_MMU_H
#define VMS_MMU_H

#include <linux/bitmap.h>
#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/types.h>

#include "region.h"

#define VMS_SOFT_MAX_CPUS	64
#if NR_CPUS > VMS_SOFT_MAX_CPUS
#define VMS_MAX_CPUS		NR_CPUS
#else
#define VMS_MAX_CPUS		VMS_SOFT_MAX_CPUS
#endif

/* A set of logical CPUs; large enough to be used as a struct cpumask */
struct vms_cpuset {
	DECLARE_BITMAP(bits, VMS_MAX_CPUS);
};

struct vms_mmu;

/* Tag of the store's kernel page table: ids of spaces begin at 1 */
#define VMS_KERNEL_TAG		0

/**
 * struct vms_root - what a machine needs to know of an address space
 * @pa: machine address of the root node
 * @entries: the root node's entries
 * @tag: number of the root, never used again in a store
 * @loaded: CPUs that walk the root now, or are about to
 * @active: CPUs on which the space is active (Tl8)
 * @priv: the machine's own
 */
struct vms_root {
	u64 pa;
	u64 *entries;
	u64 tag;
	struct vms_cpuset loaded;
	struct vms_cpuset active;
	void *priv;
};

#define VMS_ACCESS_MAX		(16 * VMS_PAGE_SIZE)	/* what one window may take */

/**
 * struct vms_access - bytes that are accessed through the MMU in one window
 * @va: first address
 * @buf: kernel buffer
 * @len: bytes, at most VMS_ACCESS_MAX; 1, 2, 4 and 8 that are aligned are one access,
 *	more are aligned accesses of at most 8 bytes in ascending order
 * @write: store @buf instead of loading it
 * @done: out: bytes accessed, those before the first that faulted
 * @fault: out: 0, or VMSTORE_FAULT_TAKEN with the bits of the error code
 */
struct vms_access {
	u64 va;
	void *buf;
	size_t len;
	bool write;
	size_t done;
	u32 fault;
};

/**
 * struct vms_watch_count - what loads gave
 * @same: what the first one gave
 * @stale: of these, those when the tables did not map what they had at the first
 * @other: another value
 * @fault: a page fault
 */
struct vms_watch_count {
	u32 same;
	u32 stale;
	u32 other;
	u32 fault;
};

/**
 * struct vms_watch - an address loaded over and over, while a CPU may flush
 * @va: a multiple of @width
 * @width: 1, 2, 4 or 8
 * @loads: how often
 * @until: when it ends at the latest, in jiffies
 * @done: loads done
 * @first: what the first one gave
 * @first_fault: or its fault
 * @first_pa: where the tables said it lay then, 0 = nowhere
 * @first_flushes: flushes of the CPU before it
 * @flushes: since then
 * @before: loads before the first of these
 * @after: loads after it
 */
struct vms_watch {
	u64 va;
	u32 width;
	u32 loads;
	unsigned long until;
	u32 done;
	u64 first;
	u32 first_fault;
	u64 first_pa;
	u64 first_flushes;
	u64 flushes;
	struct vms_watch_count before;
	struct vms_watch_count after;
};

#define VMS_FLUSH_MAX_OPS	32		/* Tl2 */
#define VMS_FLUSH_MAX_PAGES	32		/* a longer range becomes All */

/* Every page of [@start, @end) of the root with @tag */
struct vms_flush_op {
	u64 tag;
	u64 start;
	u64 end;
};

/**
 * struct vms_flush - OpsStack of the model (Tl2)
 * @nr: ops in use
 * @all: flush everything that is not global; then @nr is 0
 * @global: with @all: what is global too, because one of the ranges it stands for lies in
 *	the kernel half
 * @ops: what to flush
 */
struct vms_flush {
	u32 nr;
	bool all;
	bool global;
	struct vms_flush_op ops[VMS_FLUSH_MAX_OPS];
};

#define VMS_ROOT_RESIDENT	0x1	/* flag of set_root */

/**
 * struct vms_cached - something a CPU has cached
 * @tag: of the root it belongs to
 * @va: first address it translates
 * @pte: the entry as it was read; the table it points at if it is none that maps memory
 * @level: of the entry
 * @global: a translation under every root
 * @usable: it may be used, now or when the window ends. What is left of a root that is
 *	not loaded any more may not: the next load flushes it
 */
struct vms_cached {
	u64 tag;
	u64 va;
	u64 pte;
	u8 level;
	bool global;
	bool usable;
};

/**
 * struct vms_mmu_ops - a machine
 * @kind: enum vmstore_machine
 * @init: make the machine of @m; sets m->caps and, if 0, m->nr_cpus. May sleep
 * @exit: no callback comes after it. May sleep
 * @root_init: prepare @r, whose pa and entries are set; fills root entries 256 and up
 *	as its paging mode needs them. May sleep
 * @root_exit: @r is loaded and active nowhere; forget all about it. May sleep
 * @set_root: @r is active on @cpu from now on, NULL = none; with VMS_ROOT_RESIDENT it
 *	stays loaded there as far as the machine can. One call at a time for a CPU.
 *	Process context, IRQs on, may sleep
 * @access: do @a on @cpu with @r loaded. 0; -EINVAL when @cpu is not online or @a is
 *	outside the user half and the private kernel slot; -EIO, after a->done bytes, when
 *	an entry on the way was not written by vmstore. A fault is not an error. The USER
 *	bit decides nothing: it is an access of the kernel. Process context, IRQs on,
 *	may sleep
 * @watch: do @w on @cpu with @r loaded, in the way @access does; other calls for the CPU
 *	go on meanwhile. A signal ends it early. 0, or as @access. Process context, IRQs
 *	on, may sleep
 * @flush: drop from the TLB of @cpu what @f says. Runs on that CPU, IRQs off
 * @flush_local: make @cpu do what @flush does, and nothing else: no on_kick, no kick is
 *	answered. 0, or -EINVAL when @cpu is not online. Process context, IRQs on
 * @kick: make every CPU of @cpus call m->on_kick(m, cpu), there, soon. A CPU that is
 *	not online has no TLB: called for it at once. Process context, IRQs on
 * @wait: until every CPU of @cpus has come back from an on_kick that a kick before this
 *	call asked for. Process context, IRQs on
 * @cached: the next thing @cpu has cached, from *@pos on, which is 0 at first; false when
 *	there is no more. NULL where the TLB cannot be looked into. Any context
 */
struct vms_mmu_ops {
	u32 kind;
	int (*init)(struct vms_mmu *m);
	void (*exit)(struct vms_mmu *m);
	int (*root_init)(struct vms_mmu *m, struct vms_root *r);
	void (*root_exit)(struct vms_mmu *m, struct vms_root *r);
	int (*set_root)(struct vms_mmu *m, int cpu, struct vms_root *r, u32 flags);
	int (*access)(struct vms_mmu *m, int cpu, struct vms_root *r, struct vms_access *a);
	int (*watch)(struct vms_mmu *m, int cpu, struct vms_root *r, struct vms_watch *w);
	void (*flush)(struct vms_mmu *m, int cpu, const struct vms_flush *f);
	int (*flush_local)(struct vms_mmu *m, int cpu, const struct vms_flush *f);
	int (*kick)(struct vms_mmu *m, const struct vms_cpuset *cpus);
	int (*wait)(struct vms_mmu *m, const struct vms_cpuset *cpus);
	bool (*cached)(struct vms_mmu *m, int cpu, u32 *pos, struct vms_cached *c);
};

/**
 * struct vms_mmu - the machine of one store
 * @ops: which one
 * @region: the memory its page tables live in
 * @caps: VMSTORE_CAP_*
 * @nr_cpus: logical CPUs
 * @seed: of the soft machine's chances, 0 = a fixed one; 0 for live
 * @kernel_pte: the entry for root index 256: the private kernel subtree. Set after
 *	@init and before the first @root_init
 * @kernel_in_root: root entry 256 holds @kernel_pte (not so under 5-level paging)
 * @on_kick: set by the tlb layer; IRQs off on a live CPU. May run for one CPU on
 *	several threads at once
 * @kick_data: its own
 * @priv: the machine's own
 */
struct vms_mmu {
	const struct vms_mmu_ops *ops;
	struct vms_region *region;
	u32 caps;
	u32 nr_cpus;
	u32 seed;
	u64 kernel_pte;
	bool kernel_in_root;
	void (*on_kick)(struct vms_mmu *m, int cpu);
	void *kick_data;
	void *priv;
};

extern const struct vms_mmu_ops vms_mmu_soft_ops;

#if defined(CONFIG_X86_64) && !defined(CONFIG_UML)
extern const struct vms_mmu_ops vms_mmu_live_ops;
int vms_mmu_live_probe(void);
int vms_mmu_live_start(void);
void vms_mmu_live_stop(void);
bool vms_mmu_live_usable(void);
u64 vms_mmu_live_host_table(void);
#else
static inline int vms_mmu_live_probe(void) { return 0; }
static inline int vms_mmu_live_start(void) { return 0; }
static inline void vms_mmu_live_stop(void) { }
static inline bool vms_mmu_live_usable(void) { return false; }
static inline u64 vms_mmu_live_host_table(void) { return 0; }
#endif

u32 vms_mmu_machines(void);
int vms_mmu_init(struct vms_mmu *m, u32 machine, struct vms_region *r, u32 nr_cpus);
void vms_mmu_exit(struct vms_mmu *m);

/* --- for the machines themselves ------------------------------------------ */

/**
 * struct vms_walk - what a walk of the tables found
 * @first: level of the first entry read
 * @level: level of the last entry read; it is a leaf or none
 * @write: every entry on the way permits writing
 * @entry: by level from @first down, where the entry lies
 * @pte: by level from @first down, what it held
 */
struct vms_walk {
	int first;
	int level;
	bool write;
	u64 *entry[VMS_NR_LEVELS + 1];
	u64 pte[VMS_NR_LEVELS + 1];
};

bool vms_access_valid(const struct vms_access *a);
int vms_mmu_walk(struct vms_mmu *m, struct vms_root *r, u64 va, struct vms_walk *w);
int vms_mmu_walk_table(struct vms_mmu *m, u64 *table, int level, u64 va, struct vms_walk *w);
u32 vms_walk_fault(const struct vms_walk *w, bool write);
void vms_root_clear_upper(struct vms_root *r);
bool vms_watch_valid(const struct vms_watch *w);
void vms_watch_note(struct vms_watch *w, const struct vms_walk *walk, u64 flushes, u64 value,
		    u32 fault);

/* vms_watch_over - is there nothing more to do? */
static inline bool vms_watch_over(const struct vms_watch *w)
{
	return w->done == w->loads || time_after_eq(jiffies, READ_ONCE(w->until));
}

#endif /* VMS_MMU_H */
