// SPDX-License-Identifier: GPL-2.0-only
/*
 * The simulated machine: the worst that x86 allows.
 *
 * What it returns is always something x86 allows, but it is harsher than any real one:
 *  - a CPU keeps a translation until it is flushed, or was long not used, or there is no
 *    room; and tables on the way to it, which later walks begin at;
 *  - roots have tags: what is cached of one survives the load of another;
 *  - a CPU on which a root is active or loaded walks when nobody asks it to, by chance,
 *    where any CPU has been of late or just flushed. That sets accessed, never dirty;
 *  - a kicked CPU answers late, so that a missing wait shows.
 *
 * Chance is generators per CPU, seeded with the seed of the machine: the same calls with
 * the same seed have the same outcome.
 *
 * A CPU does one thing at a time: @window is held during an access, a load of a root and an
 * interrupt, with IRQs off. @lock guards what it caches. Its on_kick runs under @kick_lock.
 * Locks nest kick_lock -> window -> queue lock of the tlb layer -> lock. Root changes of
 * one CPU come one at a time.
 */

#include <linux/align.h>
#include <linux/atomic.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "soft_tlb.h"

#define VMS_SOFT_RECENT		16

/* One in so many, powers of two */
#define VMS_SOFT_SPECULATES	4
#define VMS_SOFT_EVICTS		16
#define VMS_SOFT_ANSWERS	4

/**
 * struct vms_soft_cpu - one CPU
 * @window: held while the CPU does anything, guards @window_random
 * @in_window: an access is going on
 * @window_random: state of a generator
 * @lock: guards @tlb, @flushes and @random
 * @tlb: what it caches, and which root is active and loaded
 * @flushes: executed so far
 * @random: state of another one
 * @kick_lock: guards @done and @kick_random, held around on_kick
 * @asked: kicks so far
 * @done: of these, answered
 * @kick_random: state of a third one
 */
struct vms_soft_cpu {
	raw_spinlock_t window;
	bool in_window;
	u64 window_random;

	raw_spinlock_t lock;
	struct vms_soft_tlb tlb;
	u64 flushes;
	u64 random;

	raw_spinlock_t kick_lock;
	atomic64_t asked;
	u64 done;
	u64 kick_random;
};

/**
 * struct vms_soft - the machine
 * @at: where in @recent the next address goes
 * @recent: pages that were accessed or flushed of late
 * @cpu: one per logical CPU
 */
struct vms_soft {
	atomic_t at;
	u64 recent[VMS_SOFT_RECENT];
	struct vms_soft_cpu cpu[];
};

static struct vms_soft_cpu *vms_soft_cpu(struct vms_mmu *m, int cpu)
{
	return &((struct vms_soft *)m->priv)->cpu[cpu];
}

static bool vms_soft_cpu_valid(const struct vms_mmu *m, int cpu)
{
	return cpu >= 0 && cpu < m->nr_cpus;
}

static u32 vms_soft_random(u64 *state)
{
	/* xorshift64 */
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state >> 32;
}

static bool vms_soft_chance(u64 *state, u32 one_in)
{
	return !(vms_soft_random(state) & (one_in - 1));
}

/* Never 0, and different for every CPU and seed */
static u64 vms_soft_seed(u32 seed, u32 nr)
{
	return ((u64)seed << 32 | (nr + 1)) * 0x9e3779b97f4a7c15ULL;
}

static int vms_soft_init(struct vms_mmu *m)
{
	struct vms_soft *soft;
	u32 i;

	soft = kvzalloc(struct_size(soft, cpu, m->nr_cpus), GFP_KERNEL_ACCOUNT);
	if (!soft)
		return -ENOMEM;
	for (i = 0; i < m->nr_cpus; i++) {
		struct vms_soft_cpu *c = &soft->cpu[i];

		raw_spin_lock_init(&c->window);
		raw_spin_lock_init(&c->lock);
		raw_spin_lock_init(&c->kick_lock);
		c->window_random = vms_soft_seed(m->seed, 3 * i);
		c->random = vms_soft_seed(m->seed, 3 * i + 1);
		c->kick_random = vms_soft_seed(m->seed, 3 * i + 2);
	}
	m->priv = soft;
	m->caps = VMSTORE_CAP_KEEPS | VMSTORE_CAP_GLOBAL | VMSTORE_CAP_TAGGED |
		  VMSTORE_CAP_PSC;
	if (m->nr_cpus > 1)
		m->caps |= VMSTORE_CAP_REMOTE;
	m->kernel_in_root = true;
	return 0;
}

/* A kick that nobody waited for is forgotten: nothing is cached any more */
static void vms_soft_exit(struct vms_mmu *m)
{
	kvfree(m->priv);
	m->priv = NULL;
}

static int vms_soft_root_init(struct vms_mmu *m, struct vms_root *r)
{
	vms_root_clear_upper(r);
	WRITE_ONCE(r->entries[VMS_USER_ROOT_ENTRIES], m->kernel_pte);
	return 0;
}

/* --- walks --------------------------------------------------------------------------- */

/* The processor's locked update of an entry; false = it is not what was walked */
static bool vms_soft_set_bits(u64 *entry, u64 pte, u64 bits)
{
	return (pte & bits) == bits || try_cmpxchg(entry, &pte, pte | bits);
}

/* Set the accessed bit of each table that was used; false = walk again */
static bool vms_soft_mark_tables(const struct vms_walk *w)
{
	int level;

	for (level = w->first; level > w->level; level--)
		if (!vms_soft_set_bits(w->entry[level], w->pte[level],
				       VMS_PTE_ACCESSED))
			return false;
	return true;
}

/*
 * Under the lock of @c: walk under the root it has loaded, from the lowest table on that is
 * cached. As in hardware an entry that changed under the walk is walked again.
 */
static int vms_soft_walk(struct vms_mmu *m, struct vms_soft_cpu *c, u64 va,
			 struct vms_walk *w)
{
	int err;

	do {
		const struct vms_soft_table *t = vms_soft_table_lookup(&c->tlb, va);

		if (t)
			err = vms_mmu_walk_table(m, t->table, t->level - 1, va, w);
		else
			err = vms_mmu_walk(m, c->tlb.now.root, va, w);
		if (err)
			return err;
	} while (!vms_soft_mark_tables(w));
	vms_soft_tables_fill(&c->tlb, va, w);
	return 0;
}

/*
 * Under the lock of @c: cache the leaf that was walked to, @bits set in it.
 *
 * Return: 0; -EAGAIN it changed; -EIO it was not written by vmstore.
 */
static int vms_soft_cache(struct vms_mmu *m, struct vms_soft_cpu *c, u64 va,
			  const struct vms_walk *w, u64 bits, struct vms_soft_entry *e)
{
	u64 pte = w->pte[w->level];
	u32 idx;
	int err = vms_region_slot_of_pa(m->region, vms_pte_pa(pte), &idx);

	if (err)
		return err;
	if (!vms_soft_set_bits(w->entry[w->level], pte, bits))
		return -EAGAIN;
	*e = (struct vms_soft_entry) {
		.va = vms_span_start(va, w->level),
		.pte = pte | bits,
		.kva = vms_slot_kva(m->region, idx),
		.level = w->level,
		.write = w->write,
		/*
		 * Only in the kernel half, which is the same under all roots. A global
		 * page of one space would be seen by every other, and an unmap asks
		 * the CPUs of its own space alone [Tl8]; x86 may drop it at any time.
		 */
		.global = (pte & VMS_PTE_GLOBAL) && va >= VMSTORE_KERNEL_BASE,
	};
	vms_soft_fill(&c->tlb, e);
	return 0;
}

/*
 * Under the lock of @c: walk for an access, make @e or say why not. A fault leaves the leaf
 * alone and drops what is cached of the tables. It may come of a table that is there no more:
 * a real handler would find nothing wrong and try again.
 */
static int vms_soft_walk_for(struct vms_mmu *m, struct vms_soft_cpu *c, u64 va, bool write,
			     struct vms_soft_entry *e, u32 *fault)
{
	u64 bits = VMS_PTE_ACCESSED | (write ? VMS_PTE_DIRTY : 0);
	struct vms_walk w;
	int err;

	do {
		err = vms_soft_walk(m, c, va, &w);
		if (err)
			return err;
		*fault = vms_walk_fault(&w, write);
		if (*fault) {
			vms_soft_tables_forget(&c->tlb, va);
			return 0;
		}
		err = vms_soft_cache(m, c, va, &w, bits, e);
	} while (err == -EAGAIN);
	return err;
}

/* --- what nobody asked for ------------------------------------------------------------ */

static void vms_soft_remember(struct vms_soft *soft, u64 va)
{
	u32 at = atomic_read(&soft->at);

	va = vms_span_start(va, 1);
	if (at && READ_ONCE(soft->recent[(at - 1) % VMS_SOFT_RECENT]) == va)
		return;
	at = atomic_fetch_inc(&soft->at);
	WRITE_ONCE(soft->recent[at % VMS_SOFT_RECENT], va);
}

/* One of these */
static u64 vms_soft_recent(const struct vms_soft *soft, u32 random)
{
	u32 nr = clamp_t(u32, atomic_read(&soft->at), 1, VMS_SOFT_RECENT);

	return READ_ONCE(soft->recent[random % nr]);
}

/* Under the lock of @c. No fault, no dirty bit, and only if @va translates to anything */
static void vms_soft_speculate(struct vms_mmu *m, struct vms_soft_cpu *c, u64 va)
{
	struct vms_soft_entry e;
	struct vms_walk w;

	if (!c->tlb.now.root || vms_soft_walk(m, c, va, &w) || vms_walk_fault(&w, false))
		return;
	/* Changed under the walk: then not */
	vms_soft_cache(m, c, va, &w, VMS_PTE_ACCESSED, &e);
}

/* Under the lock of @c: what a CPU does at any time. Half of it at @va, if that is not 0 */
static void vms_soft_idle(struct vms_mmu *m, struct vms_soft_cpu *c, u64 va)
{
	struct vms_soft *soft = m->priv;
	u32 random;

	if (!vms_soft_chance(&c->random, VMS_SOFT_SPECULATES))
		return;
	random = vms_soft_random(&c->random);
	if (!va || random & 1)
		va = vms_soft_recent(soft, random >> 1);
	vms_soft_speculate(m, c, va);
	if (vms_soft_chance(&c->random, VMS_SOFT_EVICTS))
		vms_soft_evict(&c->tlb, vms_soft_random(&c->random));
}

/* Some CPU does. @random is a number */
static void vms_soft_stir(struct vms_mmu *m, u32 random, u64 va)
{
	struct vms_soft_cpu *c = vms_soft_cpu(m, random % m->nr_cpus);
	unsigned long irq;

	/* A moment's view: it is about to load one, or nothing happens this time */
	if (!READ_ONCE(c->tlb.now.root))
		return;
	raw_spin_lock_irqsave(&c->lock, irq);
	vms_soft_idle(m, c, va);
	raw_spin_unlock_irqrestore(&c->lock, irq);
}

/* --- roots --------------------------------------------------------------------------- */

/* Load @r, NULL = none, to stay */
static void vms_soft_switch(struct vms_mmu *m, struct vms_soft_cpu *c, struct vms_root *r)
{
	unsigned long irq;

	raw_spin_lock_irqsave(&c->window, irq);
	raw_spin_lock(&c->lock);
	vms_soft_load(&c->tlb, r);
	c->tlb.active = c->tlb.now;
	vms_soft_idle(m, c, 0);
	raw_spin_unlock(&c->lock);
	raw_spin_unlock_irqrestore(&c->window, irq);
}

static void vms_soft_enter_set(int cpu, struct vms_root *r)
{
	if (r && !VMS_OMIT(ACTIVE_SET))
		set_bit(cpu, r->active.bits);
}

/*
 * Tl8: the CPU is in the set before it can cache anything of the new root, and leaves
 * the old set when it can use nothing of the old one any more.
 */
static int vms_soft_set_root(struct vms_mmu *m, int cpu, struct vms_root *r, u32 flags)
{
	struct vms_soft_cpu *c;
	struct vms_root *old;

	if (!vms_soft_cpu_valid(m, cpu) || flags & ~VMS_ROOT_RESIDENT)
		return -EINVAL;
	c = vms_soft_cpu(m, cpu);
	old = c->tlb.active.root;
	if (old == r)
		return 0;
	if (!VMS_OMIT(ACTIVE_BARRIER))
		vms_soft_enter_set(cpu, r);
	/* In the new set before the first walk of the new root */
	smp_mb__after_atomic();
	if (VMS_OMIT(ACTIVE_LEAVES) && old)
		clear_bit(cpu, old->active.bits);
	if (!VMS_OMIT(ACTIVE_BARRIER))
		VMS_MEANWHILE(SWITCH);
	vms_soft_switch(m, c, r);
	if (VMS_OMIT(ACTIVE_BARRIER)) {
		VMS_MEANWHILE(SWITCH);
		vms_soft_enter_set(cpu, r);
	}
	/* Out of the old set after the last use of the old root */
	smp_mb__before_atomic();
	if (old)
		clear_bit(cpu, old->active.bits);
	return 0;
}

static void vms_soft_root_exit(struct vms_mmu *m, struct vms_root *r)
{
	unsigned long irq;
	u32 i;

	for (i = 0; i < m->nr_cpus; i++) {
		struct vms_soft_cpu *c = vms_soft_cpu(m, i);

		raw_spin_lock_irqsave(&c->lock, irq);
		if (WARN_ON_ONCE(c->tlb.active.root == r)) {
			c->tlb.active.root = NULL;
			c->tlb.now.root = NULL;
		}
		if (!VMS_OMIT(FORGET_ROOT))
			vms_soft_tlb_forget_tag(&c->tlb, r->tag);
		raw_spin_unlock_irqrestore(&c->lock, irq);
	}
	vms_root_clear_upper(r);
}

/* --- interrupts ---------------------------------------------------------------------- */

/* Does @cpu take a pending interrupt now? One in a window never does */
static bool vms_soft_answers(struct vms_soft_cpu *c)
{
	return vms_soft_chance(&c->kick_random, VMS_SOFT_ANSWERS) && !READ_ONCE(c->in_window);
}

/*
 * Let @cpu take its pending interrupt. When it returns, on_kick has run for every
 * kick before the call; with @maybe only if chance wants it.
 */
static void vms_soft_deliver(struct vms_mmu *m, int cpu, bool maybe)
{
	struct vms_soft_cpu *c = vms_soft_cpu(m, cpu);
	unsigned long irq;
	u64 asked;

	raw_spin_lock_irqsave(&c->kick_lock, irq);
	asked = atomic64_read(&c->asked);
	if (asked != c->done && (!maybe || vms_soft_answers(c))) {
		/* No interrupt in the middle of an access: wait for its end */
		raw_spin_lock(&c->window);
		m->on_kick(m, cpu);
		raw_spin_unlock(&c->window);
		WRITE_ONCE(c->done, asked);
	}
	raw_spin_unlock_irqrestore(&c->kick_lock, irq);
}

/* --- accesses ------------------------------------------------------------------------ */

/* Under the lock of @c: where @a goes at @va, or its fault */
static int vms_soft_translate(struct vms_mmu *m, struct vms_soft_cpu *c,
			      struct vms_access *a, u64 va, void **kva)
{
	struct vms_soft_entry *e = vms_soft_lookup(&c->tlb, va, c->random & 1);
	struct vms_soft_entry new;
	int err;

	if (e && a->write && !e->write) {
		/* The tables are not asked again; the fault drops the entry */
		vms_soft_drop(&c->tlb, e);
		vms_soft_tables_forget(&c->tlb, va);
		a->fault = VMSTORE_FAULT_TAKEN | VMSTORE_FAULT_PRESENT |
			   VMSTORE_FAULT_WRITE;
		return 0;
	}
	if (e && a->write && !vms_pte_dirty(e->pte)) {
		/* The table needs a dirty bit: what it says now counts */
		vms_soft_drop(&c->tlb, e);
		e = NULL;
	}
	if (!e) {
		err = vms_soft_walk_for(m, c, va, a->write, &new, &a->fault);
		if (err || a->fault)
			return err;
		e = &new;
	}
	*kva = e->kva + (va - e->va);
	return 0;
}

/* 1, 2, 4 and 8 aligned bytes are one access, like a mov */
static void vms_soft_copy(void *kva, void *buf, size_t len, bool write)
{
	u64 v = 0;

	if (!is_power_of_2(len) || len > sizeof(v) || !IS_ALIGNED((unsigned long)kva, len)) {
		if (write)
			memcpy(kva, buf, len);
		else
			memcpy(buf, kva, len);
		return;
	}
	if (write) {
		memcpy(&v, buf, len);
		switch (len) {
		case 1:
			WRITE_ONCE(*(u8 *)kva, v);
			break;
		case 2:
			WRITE_ONCE(*(u16 *)kva, v);
			break;
		case 4:
			WRITE_ONCE(*(u32 *)kva, v);
			break;
		case 8:
			WRITE_ONCE(*(u64 *)kva, v);
			break;
		}
		return;
	}
	switch (len) {
	case 1:
		v = READ_ONCE(*(u8 *)kva);
		break;
	case 2:
		v = READ_ONCE(*(u16 *)kva);
		break;
	case 4:
		v = READ_ONCE(*(u32 *)kva);
		break;
	case 8:
		v = READ_ONCE(*(u64 *)kva);
		break;
	}
	memcpy(buf, &v, len);
}

/* In the window: what @a wants of the page where it stands */
static int vms_soft_access_page(struct vms_mmu *m, struct vms_soft_cpu *c,
				struct vms_access *a)
{
	u64 va = a->va + a->done;
	size_t page = VMS_PAGE_SIZE - va % VMS_PAGE_SIZE;
	size_t len = min(page, a->len - a->done);
	void *kva;
	int err;

	raw_spin_lock(&c->lock);
	vms_soft_idle(m, c, 0);
	err = vms_soft_translate(m, c, a, va, &kva);
	raw_spin_unlock(&c->lock);
	if (err || a->fault)
		return err;
	VMS_MEANWHILE(ACCESS);
	vms_soft_copy(kva, a->buf + a->done, len, a->write);
	a->done += len;
	return 0;
}

/* Under @window: load @r for an access, unless it is active; then what is active again */
static void vms_soft_window_load(struct vms_soft_cpu *c, struct vms_root *r)
{
	raw_spin_lock(&c->lock);
	if (!r)
		c->tlb.now = c->tlb.active;
	else if (c->tlb.active.root != r)
		vms_soft_load(&c->tlb, r);
	raw_spin_unlock(&c->lock);
}

/* Under @window */
static int vms_soft_window(struct vms_mmu *m, int cpu, struct vms_root *r,
			   struct vms_access *a)
{
	struct vms_soft_cpu *c = vms_soft_cpu(m, cpu);
	int err = 0;

	WRITE_ONCE(c->in_window, true);
	if (!VMS_OMIT(LOADED_SET) && !VMS_OMIT(LOADED_BARRIER))
		set_bit(cpu, r->loaded.bits);
	/* Pairs with the one of the dispatcher, between the entries and the mask */
	smp_mb__after_atomic();
	vms_soft_window_load(c, r);
	if (VMS_OMIT(LOADED_LEAVES))
		clear_bit(cpu, r->loaded.bits);
	while (!err && !a->fault && a->done < a->len) {
		err = vms_soft_access_page(m, c, a);
		if (VMS_OMIT(LOADED_BARRIER))
			set_bit(cpu, r->loaded.bits);
	}
	vms_soft_window_load(c, NULL);
	/* Whoever sees the bit clear may reuse what the access could read */
	smp_mb__before_atomic();
	clear_bit(cpu, r->loaded.bits);
	WRITE_ONCE(c->in_window, false);
	return err;
}

static int vms_soft_access(struct vms_mmu *m, int cpu, struct vms_root *r,
			   struct vms_access *a)
{
	struct vms_soft_cpu *c;
	unsigned long irq;
	u32 random;
	int err;

	a->done = 0;
	a->fault = 0;
	if (!vms_soft_cpu_valid(m, cpu) || !vms_access_valid(a))
		return -EINVAL;
	if (!a->len)
		return 0;
	c = vms_soft_cpu(m, cpu);
	if (READ_ONCE(c->done) != atomic64_read(&c->asked))
		vms_soft_deliver(m, cpu, true);
	vms_soft_remember(m->priv, a->va);

	raw_spin_lock_irqsave(&c->window, irq);
	err = vms_soft_window(m, cpu, r, a);
	random = vms_soft_random(&c->window_random);
	raw_spin_unlock_irqrestore(&c->window, irq);
	vms_soft_stir(m, random, a->va);
	return err;
}

/* One load of a watch. No handler comes between the walk and the load */
static int vms_soft_watch_one(struct vms_mmu *m, int cpu, struct vms_root *r,
			      struct vms_watch *w)
{
	struct vms_soft_cpu *c = vms_soft_cpu(m, cpu);
	u64 value = 0, flushes;
	struct vms_access a = { .va = w->va, .buf = &value, .len = w->width };
	struct vms_walk walk;
	unsigned long irq;
	u32 random;
	int err;

	raw_spin_lock_irqsave(&c->window, irq);
	flushes = READ_ONCE(c->flushes);
	err = vms_mmu_walk(m, r, w->va, &walk);
	if (!err)
		err = vms_soft_window(m, cpu, r, &a);
	if (!err)
		vms_watch_note(w, &walk, flushes, value, a.fault);
	random = vms_soft_random(&c->window_random);
	raw_spin_unlock_irqrestore(&c->window, irq);
	vms_soft_stir(m, random, w->va);
	return err;
}

static int vms_soft_watch(struct vms_mmu *m, int cpu, struct vms_root *r,
			  struct vms_watch *w)
{
	int err = 0;

	if (!vms_soft_cpu_valid(m, cpu) || !vms_watch_valid(w))
		return -EINVAL;
	vms_soft_remember(m->priv, w->va);
	while (!err && !vms_watch_over(w) && !signal_pending(current)) {
		vms_soft_deliver(m, cpu, true);
		err = vms_soft_watch_one(m, cpu, r, w);
		cond_resched();
	}
	return err;
}

/* --- flushes ------------------------------------------------------------------------- */

/* What was just flushed is what a CPU likes to walk to */
static void vms_soft_flush(struct vms_mmu *m, int cpu, const struct vms_flush *f)
{
	struct vms_soft_cpu *c = vms_soft_cpu(m, cpu);
	u64 va = f->nr ? f->ops[0].start : 0;
	unsigned long irq;

	raw_spin_lock_irqsave(&c->lock, irq);
	vms_soft_idle(m, c, va);
	vms_soft_tlb_flush(&c->tlb, f);
	WRITE_ONCE(c->flushes, c->flushes + 1);
	vms_soft_idle(m, c, va);
	raw_spin_unlock_irqrestore(&c->lock, irq);
}

static int vms_soft_flush_local(struct vms_mmu *m, int cpu, const struct vms_flush *f)
{
	struct vms_soft_cpu *c;
	unsigned long irq;

	if (!vms_soft_cpu_valid(m, cpu))
		return -EINVAL;
	c = vms_soft_cpu(m, cpu);
	raw_spin_lock_irqsave(&c->window, irq);
	vms_soft_flush(m, cpu, f);
	raw_spin_unlock_irqrestore(&c->window, irq);
	return 0;
}

/*
 * A kicked CPU answers when somebody waits for it, or by chance: at once, or when an access
 * begins.
 */
static int vms_soft_kick(struct vms_mmu *m, const struct vms_cpuset *cpus)
{
	unsigned int cpu;

	for_each_set_bit(cpu, cpus->bits, m->nr_cpus)
		atomic64_inc(&vms_soft_cpu(m, cpu)->asked);
	for_each_set_bit(cpu, cpus->bits, m->nr_cpus) {
		vms_soft_stir(m, cpu, 0);
		vms_soft_deliver(m, cpu, true);
	}
	return 0;
}

static int vms_soft_wait(struct vms_mmu *m, const struct vms_cpuset *cpus)
{
	unsigned int cpu;

	for_each_set_bit(cpu, cpus->bits, m->nr_cpus)
		vms_soft_deliver(m, cpu, false);
	return 0;
}

static bool vms_soft_cached(struct vms_mmu *m, int cpu, u32 *pos, struct vms_cached *cached)
{
	struct vms_soft_cpu *c = vms_soft_cpu(m, cpu);
	unsigned long irq;
	bool found;

	raw_spin_lock_irqsave(&c->lock, irq);
	found = vms_soft_tlb_cached(&c->tlb, pos, cached);
	raw_spin_unlock_irqrestore(&c->lock, irq);
	return found;
}

const struct vms_mmu_ops vms_mmu_soft_ops = {
	.kind = VMSTORE_MACHINE_SOFT,
	.init = vms_soft_init,
	.exit = vms_soft_exit,
	.root_init = vms_soft_root_init,
	.root_exit = vms_soft_root_exit,
	.set_root = vms_soft_set_root,
	.access = vms_soft_access,
	.watch = vms_soft_watch,
	.flush = vms_soft_flush,
	.flush_local = vms_soft_flush_local,
	.kick = vms_soft_kick,
	.wait = vms_soft_wait,
	.cached = vms_soft_cached,
};
