// SPDX-License-Identifier: GPL-2.0-only
/*
 * The simulated machine: a TLB per CPU that keeps what it has until it is flushed.
 *
 * What it returns is always something x86 allows, but it is harsher than most real
 * machines: a translation of the active root stays cached until it is flushed, the
 * root changes, or the TLB is full; and a kicked CPU answers late, so that a missing
 * wait shows.
 *
 * A CPU is one at a time: @lock is held during an access, a flush and a change of its
 * root. Its on_kick runs under @kick_lock, with IRQs off as in an IPI. Locks nest
 * kick_lock -> queue lock of the tlb layer -> lock.
 */

#include <linux/atomic.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "mmu.h"

#define VMS_SOFT_SETS		64
#define VMS_SOFT_WAYS		8
#define VMS_SOFT_ENTRIES	(VMS_SOFT_SETS * VMS_SOFT_WAYS)

/**
 * struct vms_soft_entry - a cached translation
 * @tag: of the root it was made for
 * @va: first address
 * @pte: the leaf as it was walked, with what the walk set
 * @kva: where the page is
 * @level: of the leaf; 0 = unused
 * @write: every level permitted writing
 * @global: valid under every root, only flushed by address
 */
struct vms_soft_entry {
	u64 tag;
	u64 va;
	u64 pte;
	void *kva;
	u8 level;
	bool write;
	bool global;
};

/**
 * struct vms_soft_cpu - one CPU
 * @lock: guards @root, @used, @victim and @tlb
 * @root: active here, or NULL
 * @used: entries of @tlb in use
 * @victim: next one to evict of each set
 * @tlb: set i has the entries from i * VMS_SOFT_WAYS on
 * @kick_lock: guards @done and @random, held around on_kick
 * @asked: kicks so far
 * @done: of these, answered
 * @random: state of the generator
 */
struct vms_soft_cpu {
	raw_spinlock_t lock;
	struct vms_root *root;
	u32 used;
	u8 victim[VMS_SOFT_SETS];
	struct vms_soft_entry tlb[VMS_SOFT_ENTRIES];

	raw_spinlock_t kick_lock;
	atomic64_t asked;
	u64 done;
	u64 random;
};

static struct vms_soft_cpu *vms_soft_cpu(struct vms_mmu *m, int cpu)
{
	return &((struct vms_soft_cpu *)m->priv)[cpu];
}

static bool vms_soft_cpu_valid(const struct vms_mmu *m, int cpu)
{
	return cpu >= 0 && cpu < m->nr_cpus;
}

static int vms_soft_init(struct vms_mmu *m)
{
	struct vms_soft_cpu *cpus;
	u32 i;

	cpus = kvcalloc(m->nr_cpus, sizeof(*cpus), GFP_KERNEL_ACCOUNT);
	if (!cpus)
		return -ENOMEM;
	for (i = 0; i < m->nr_cpus; i++) {
		raw_spin_lock_init(&cpus[i].lock);
		raw_spin_lock_init(&cpus[i].kick_lock);
		/* Any fixed seed: a run must repeat */
		cpus[i].random = i + 1;
	}
	m->priv = cpus;
	m->caps = VMSTORE_CAP_KEEPS | VMSTORE_CAP_GLOBAL;
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

/* Under the lock of @c */
static void vms_soft_drop(struct vms_soft_cpu *c, struct vms_soft_entry *e)
{
	e->level = 0;
	c->used--;
}

/* Under the lock of @c: what a load of another root does to the entries of @tag */
static void vms_soft_drop_tag(struct vms_soft_cpu *c, u64 tag)
{
	struct vms_soft_entry *e;

	if (!c->used)
		return;
	for (e = c->tlb; e < c->tlb + VMS_SOFT_ENTRIES; e++)
		if (e->level && !e->global && e->tag == tag)
			vms_soft_drop(c, e);
}

static void vms_soft_root_exit(struct vms_mmu *m, struct vms_root *r)
{
	unsigned long irq;
	u32 i;

	for (i = 0; i < m->nr_cpus; i++) {
		struct vms_soft_cpu *c = vms_soft_cpu(m, i);

		raw_spin_lock_irqsave(&c->lock, irq);
		if (WARN_ON_ONCE(c->root == r))
			c->root = NULL;
		vms_soft_drop_tag(c, r->tag);
		raw_spin_unlock_irqrestore(&c->lock, irq);
	}
	vms_root_clear_upper(r);
}

/*
 * Tl8: the CPU is in the set before it can cache anything of the new root, and leaves
 * the old set when it has nothing of the old one any more.
 */
static int vms_soft_set_root(struct vms_mmu *m, int cpu, struct vms_root *r, u32 flags)
{
	struct vms_soft_cpu *c;
	struct vms_root *old;
	unsigned long irq;

	if (!vms_soft_cpu_valid(m, cpu) || flags)
		return -EINVAL;
	c = vms_soft_cpu(m, cpu);
	raw_spin_lock_irqsave(&c->lock, irq);
	old = c->root;
	if (old != r) {
		if (r)
			set_bit(cpu, r->active.bits);
		/* In the new set before the first walk of the new root */
		smp_mb__after_atomic();
		c->root = r;
		if (old) {
			vms_soft_drop_tag(c, old->tag);
			/* Out of the old set after the last use of the old root */
			smp_mb__before_atomic();
			clear_bit(cpu, old->active.bits);
		}
	}
	raw_spin_unlock_irqrestore(&c->lock, irq);
	return 0;
}

/* First entry of the set that may hold a translation of @va by a leaf at @level */
static struct vms_soft_entry *vms_soft_set(struct vms_soft_cpu *c, u64 va, int level)
{
	u64 set = va / vms_page_size(level) % VMS_SOFT_SETS;

	return &c->tlb[set * VMS_SOFT_WAYS];
}

static struct vms_soft_entry *vms_soft_lookup(struct vms_soft_cpu *c, u64 tag, u64 va)
{
	int level;

	for (level = 1; level <= VMS_MAX_LEAF_LEVEL; level++) {
		struct vms_soft_entry *e = vms_soft_set(c, va, level);
		struct vms_soft_entry *end = e + VMS_SOFT_WAYS;
		u64 start = vms_span_start(va, level);

		for (; e < end; e++)
			if (e->level == level && e->va == start &&
			    (e->global || e->tag == tag))
				return e;
	}
	return NULL;
}

static void vms_soft_fill(struct vms_soft_cpu *c, const struct vms_soft_entry *new)
{
	struct vms_soft_entry *set = vms_soft_set(c, new->va, new->level);
	unsigned int i;

	for (i = 0; i < VMS_SOFT_WAYS; i++)
		if (!set[i].level)
			break;
	if (i == VMS_SOFT_WAYS)
		i = c->victim[(set - c->tlb) / VMS_SOFT_WAYS]++ % VMS_SOFT_WAYS;
	else
		c->used++;
	set[i] = *new;
}

/* The processor's locked update of an entry; false = it is not what was walked */
static bool vms_soft_set_bits(u64 *entry, u64 pte, u64 bits)
{
	return (pte & bits) == bits || try_cmpxchg(entry, &pte, pte | bits);
}

/* Set the accessed bit of each table that was used; false = walk again */
static bool vms_soft_mark_tables(const struct vms_walk *w)
{
	int level;

	for (level = VMS_NR_LEVELS; level > w->level; level--)
		if (!vms_soft_set_bits(w->entry[level], w->pte[level],
				       VMS_PTE_ACCESSED))
			return false;
	return true;
}

/*
 * Walk the tables for an access, set accessed and dirty bits, make @e. As in hardware
 * an entry that changed under the walk is walked again, and a fault leaves the leaf
 * alone.
 */
static int vms_soft_walk(struct vms_mmu *m, struct vms_root *r, u64 va, bool write,
			 struct vms_soft_entry *e, u32 *fault)
{
	u64 bits = VMS_PTE_ACCESSED | (write ? VMS_PTE_DIRTY : 0);
	struct vms_walk w;
	u64 pte;
	u32 idx;
	int err;

	do {
		do {
			err = vms_mmu_walk(m, r, va, &w);
			if (err)
				return err;
		} while (!vms_soft_mark_tables(&w));
		*fault = vms_walk_fault(&w, write);
		if (*fault)
			return 0;
		pte = w.pte[w.level];
	} while (!vms_soft_set_bits(w.entry[w.level], pte, bits));

	err = vms_region_slot_of_pa(m->region, vms_pte_pa(pte), &idx);
	if (err)
		return err;
	*e = (struct vms_soft_entry) {
		.tag = r->tag,
		.va = vms_span_start(va, w.level),
		.pte = pte | bits,
		.kva = vms_slot_kva(m->region, idx),
		.level = w.level,
		.write = w.write,
		/*
		 * Only in the kernel half, which is the same under all roots. A global
		 * page of one space would be seen by every other, and an unmap asks
		 * the CPUs of its own space alone [Tl8]; x86 may drop it at any time.
		 */
		.global = (pte & VMS_PTE_GLOBAL) && va >= VMSTORE_KERNEL_BASE,
	};
	return 0;
}

/* Under the lock of @c: where @a goes, or its fault */
static int vms_soft_translate(struct vms_mmu *m, struct vms_soft_cpu *c,
			      struct vms_root *r, struct vms_access *a, void **kva)
{
	struct vms_soft_entry *e = vms_soft_lookup(c, r->tag, a->va);
	struct vms_soft_entry new;
	int err;

	if (e && a->write && !e->write) {
		/* The tables are not asked again; the fault drops the entry */
		vms_soft_drop(c, e);
		a->fault = VMSTORE_FAULT_TAKEN | VMSTORE_FAULT_PRESENT |
			   VMSTORE_FAULT_WRITE;
		return 0;
	}
	if (e && a->write && !vms_pte_dirty(e->pte)) {
		/* The table needs a dirty bit: what it says now counts */
		vms_soft_drop(c, e);
		e = NULL;
	}
	if (!e) {
		err = vms_soft_walk(m, r, a->va, a->write, &new, &a->fault);
		if (err || a->fault)
			return err;
		/*
		 * An inactive root is loaded for this access alone, and its entries
		 * go when the root before it comes back.
		 */
		if (new.global || c->root == r)
			vms_soft_fill(c, &new);
		e = &new;
	}
	*kva = e->kva + (a->va - e->va);
	return 0;
}

/* 1, 2, 4 and 8 bytes are one access, like a mov */
static void vms_soft_copy(void *kva, const struct vms_access *a)
{
	u64 v = 0;

	if (!is_power_of_2(a->len) || a->len > sizeof(v) || a->va % a->len) {
		if (a->write)
			memcpy(kva, a->buf, a->len);
		else
			memcpy(a->buf, kva, a->len);
		return;
	}
	if (a->write) {
		memcpy(&v, a->buf, a->len);
		switch (a->len) {
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
	switch (a->len) {
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
	memcpy(a->buf, &v, a->len);
}

static bool vms_soft_chance(struct vms_soft_cpu *c)
{
	/* xorshift64 */
	c->random ^= c->random << 13;
	c->random ^= c->random >> 7;
	c->random ^= c->random << 17;
	return !(c->random >> 32 & 3);
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
	if (asked != c->done && !(maybe && !vms_soft_chance(c))) {
		/* No interrupt in the middle of an access: wait for its end */
		raw_spin_lock(&c->lock);
		raw_spin_unlock(&c->lock);
		m->on_kick(m, cpu);
		WRITE_ONCE(c->done, asked);
	}
	raw_spin_unlock_irqrestore(&c->kick_lock, irq);
}

static int vms_soft_access(struct vms_mmu *m, int cpu, struct vms_root *r,
			   struct vms_access *a)
{
	struct vms_soft_cpu *c;
	unsigned long irq;
	void *kva = NULL;
	int err;

	a->done = 0;
	a->fault = 0;
	if (!vms_soft_cpu_valid(m, cpu) || !vms_access_valid(a))
		return -EINVAL;
	if (!a->len)
		return 0;
	c = vms_soft_cpu(m, cpu);
	if (READ_ONCE(c->done) != atomic64_read(&c->asked))
		vms_soft_deliver(m, cpu, false);

	raw_spin_lock_irqsave(&c->lock, irq);
	set_bit(cpu, r->loaded.bits);
	/* Pairs with the one of the dispatcher, between the entries and the mask */
	smp_mb__after_atomic();
	err = vms_soft_translate(m, c, r, a, &kva);
	if (kva) {
		vms_soft_copy(kva, a);
		a->done = a->len;
	}
	/* Whoever sees the bit clear may reuse what the access could read */
	smp_mb__before_atomic();
	clear_bit(cpu, r->loaded.bits);
	raw_spin_unlock_irqrestore(&c->lock, irq);
	return err;
}

static bool vms_soft_flush_hits(const struct vms_flush *f, const struct vms_soft_entry *e)
{
	u64 end = e->va + vms_page_size(e->level);
	u32 i;

	if (f->all && !e->global)
		return true;
	for (i = 0; i < f->nr; i++) {
		const struct vms_flush_op *op = &f->ops[i];

		if (op->start < end && e->va < op->end &&
		    (op->tag == e->tag || e->va >= VMSTORE_KERNEL_BASE))
			return true;
	}
	return false;
}

static void vms_soft_flush(struct vms_mmu *m, int cpu, const struct vms_flush *f)
{
	struct vms_soft_cpu *c = vms_soft_cpu(m, cpu);
	struct vms_soft_entry *e;
	unsigned long irq;

	raw_spin_lock_irqsave(&c->lock, irq);
	if (c->used)
		for (e = c->tlb; e < c->tlb + VMS_SOFT_ENTRIES; e++)
			if (e->level && vms_soft_flush_hits(f, e))
				vms_soft_drop(c, e);
	raw_spin_unlock_irqrestore(&c->lock, irq);
}

/*
 * A kicked CPU answers when its next access begins, when somebody waits for it, or by
 * chance at once.
 */
static int vms_soft_kick(struct vms_mmu *m, const struct vms_cpuset *cpus)
{
	unsigned int cpu;

	for_each_set_bit(cpu, cpus->bits, m->nr_cpus)
		atomic64_inc(&vms_soft_cpu(m, cpu)->asked);
	for_each_set_bit(cpu, cpus->bits, m->nr_cpus)
		vms_soft_deliver(m, cpu, true);
	return 0;
}

static int vms_soft_wait(struct vms_mmu *m, const struct vms_cpuset *cpus)
{
	unsigned int cpu;

	for_each_set_bit(cpu, cpus->bits, m->nr_cpus)
		vms_soft_deliver(m, cpu, false);
	return 0;
}

const struct vms_mmu_ops vms_mmu_soft_ops = {
	.kind = VMSTORE_MACHINE_SOFT,
	.init = vms_soft_init,
	.exit = vms_soft_exit,
	.root_init = vms_soft_root_init,
	.root_exit = vms_soft_root_exit,
	.set_root = vms_soft_set_root,
	.access = vms_soft_access,
	.flush = vms_soft_flush,
	.kick = vms_soft_kick,
	.wait = vms_soft_wait,
};
