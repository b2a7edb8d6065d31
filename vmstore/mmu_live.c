// SPDX-License-Identifier: GPL-2.0-only
/*
 * The live machine: the CPU's own MMU on private page tables, beside Linux.
 *
 * An access runs in a window: IRQs off, page faults disabled, CR3 = private root.
 *
 *	set loaded[cpu]; smp_mb; CR3 = root (PCID 0, flushed)
 *	access
 *	CR3 = as it was; clear loaded[cpu]
 *
 * The upper half of the root is that of Linux's current top-level table, copied at
 * each entry, so that code, stack, buffers, NMIs and faults work as ever. Only the
 * slot at VMSTORE_KERNEL_BASE is the module's: entry 256, in Linux's guard hole.
 * Linux's own tables are read and never written.
 *
 *	4-level: CR3 -> root:  0..255 user half, 256 private, 257..511 Linux
 *	5-level: CR3 -> top:   0 root, 256..510 Linux, 511 P4D copy
 *		 P4D copy:     256 private, all others Linux
 *		 root:	       0..255 user half, nothing else
 *
 * Root and top have physical bit 12 clear: under page-table isolation an NMI would
 * take a CR3 with that bit for a user one and switch to the neighbouring page.
 *
 * Whatever the hardware may not meet in the user half, reserved bits above all, is
 * looked for in software first: the oops would come before the exception table.
 */

#define pr_fmt(fmt) "vmstore: " fmt

#include <linux/cc_platform.h>
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include <asm/asm.h>
#include <asm/cpufeature.h>
#include <asm/processor-flags.h>
#include <asm/smap.h>
#include <asm/special_insns.h>

#include "mmu.h"

#define VMS_PRIV_INDEX		256	/* the private slot, at the level of the root */
#define VMS_LDT_INDEX		272	/* top-level entry that differs between processes */
#define VMS_LAST_INDEX		511
#define VMS_CR3_BAD_BIT		BIT_ULL(12)

/* Accesses that fault although the tables permit them: changed meanwhile. Try again */
#define VMS_LIVE_RETRIES	8

/**
 * struct vms_live_cpu - one CPU
 * @csd: the IPI of a kick
 * @pending: the IPI is sent and not yet taken
 * @asked: kicks so far
 * @done: of these, answered
 * @active: root that is active here, or NULL
 */
struct vms_live_cpu {
	call_single_data_t csd;
	atomic_t pending;
	atomic64_t asked;
	atomic64_t done;
	struct vms_root *active;
} ____cacheline_aligned;

/**
 * struct vms_live - the live machine of one store
 * @lock: guards all @active, and held around on_kick for a CPU that is not online
 * @kicked: CPUs an IPI was ever sent to
 * @cpu: one per logical CPU
 */
struct vms_live {
	raw_spinlock_t lock;
	struct vms_cpuset kicked;
	struct vms_live_cpu cpu[];
};

/* An access on its way to its CPU */
struct vms_live_call {
	struct vms_mmu *m;
	struct vms_root *r;
	struct vms_access *a;
	int err;
};

static bool vms_live_probed;

static bool vms_live_5level(void)
{
	return native_read_cr4() & X86_CR4_LA57;
}

/* The top-level table this CPU walks now; preemption off */
static u64 *vms_linux_top(void)
{
	return __va(__native_read_cr3() & VMS_PTE_PA_MASK);
}

/*
 * The table of Linux whose entry 256 is at VMSTORE_KERNEL_BASE: the top level, or with
 * 5 levels the P4D page of the last slot; preemption off. NULL if that is none.
 */
static u64 *vms_linux_priv_table(void)
{
	u64 *top = vms_linux_top();
	u64 pte;

	if (!vms_live_5level())
		return top;
	pte = READ_ONCE(top[VMS_LAST_INDEX]);
	if (!(pte & VMS_PTE_PRESENT) || (pte & VMS_PTE_PS))
		return NULL;
	return __va(pte & VMS_PTE_PA_MASK);
}

/**
 * vms_mmu_live_probe - can the live machine work under this kernel?
 *
 * Once, when the module is loaded. Says why not. May sleep.
 *
 * Return: 0, -EOPNOTSUPP, or -EBUSY when the private slot is taken.
 */
int vms_mmu_live_probe(void)
{
	bool taken = true;
	u64 *table;

	if (boot_cpu_has(X86_FEATURE_XENPV)) {
		pr_err("not on Xen PV: it owns the page tables\n");
		return -EOPNOTSUPP;
	}
	if (cc_platform_has(CC_ATTR_MEM_ENCRYPT) ||
	    cc_platform_has(CC_ATTR_GUEST_MEM_ENCRYPT)) {
		pr_err("not with memory encryption: entries carry bits of their own\n");
		return -EOPNOTSUPP;
	}
	if (!boot_cpu_has(X86_FEATURE_NX)) {
		pr_err("the CPU has no NX bit, or it is switched off\n");
		return -EOPNOTSUPP;
	}
	if (vms_live_5level() && IS_ENABLED(CONFIG_KASAN)) {
		pr_err("KASAN uses the private slot in 5-level mode: boot with no5lvl\n");
		return -EOPNOTSUPP;
	}
	if (nr_cpu_ids > VMS_MAX_CPUS) {
		pr_err("%u CPUs, at most %u are supported\n", nr_cpu_ids, VMS_MAX_CPUS);
		return -EOPNOTSUPP;
	}

	preempt_disable();
	table = vms_linux_priv_table();
	if (table)
		taken = READ_ONCE(table[VMS_PRIV_INDEX]);
	preempt_enable();

	if (taken) {
		pr_err("top-level slot %d is not empty: somebody else uses it\n",
		       VMS_PRIV_INDEX);
		return -EBUSY;
	}
	vms_live_probed = true;
	return 0;
}

/**
 * vms_mmu_live_usable - did vms_mmu_live_probe() succeed?
 *
 * Any context.
 *
 * Return: true when it did.
 */
bool vms_mmu_live_usable(void)
{
	return vms_live_probed;
}

static u64 vms_hash_table(u64 hash, const u64 *table, int first, int skip)
{
	int i;

	for (i = first; i < VMS_NR_ENTRIES; i++) {
		if (i == skip)
			continue;
		/* FNV-1a over whole entries, and a turn for their upper bits */
		hash = (hash ^ (READ_ONCE(table[i]) & ~VMS_PTE_AD)) * 0x100000001b3ULL;
		hash ^= hash >> 29;
	}
	return hash;
}

/**
 * vms_mmu_live_host_table - checksum of Linux's own top-level table
 *
 * Of the upper half, and in 5-level mode of the P4D page of the last slot, without
 * accessed and dirty bits and without the slot of the LDT, which is a process's own.
 * It stays the same until memory is hot-plugged. Any context.
 *
 * Return: the checksum; 0 where the live machine is not usable.
 */
u64 vms_mmu_live_host_table(void)
{
	u64 hash = 0xcbf29ce484222325ULL;
	u64 *top, *table;

	if (!vms_live_probed)
		return 0;
	preempt_disable();
	top = vms_linux_top();
	hash = vms_hash_table(hash, top, VMS_NR_ENTRIES / 2, VMS_LDT_INDEX);
	table = vms_linux_priv_table();
	if (table && table != top)
		hash = vms_hash_table(hash, table, 0, -1);
	preempt_enable();
	return hash;
}

static struct vms_live_cpu *vms_live_cpu(struct vms_mmu *m, int cpu)
{
	return &((struct vms_live *)m->priv)->cpu[cpu];
}

static bool vms_live_cpu_valid(const struct vms_mmu *m, int cpu)
{
	return cpu >= 0 && cpu < m->nr_cpus;
}

static void vms_live_ipi(void *info);

static int vms_live_init(struct vms_mmu *m)
{
	struct vms_live *l;
	unsigned int cpu;

	l = kvzalloc(struct_size(l, cpu, nr_cpu_ids), GFP_KERNEL_ACCOUNT);
	if (!l)
		return -ENOMEM;
	raw_spin_lock_init(&l->lock);
	for (cpu = 0; cpu < nr_cpu_ids; cpu++)
		INIT_CSD(&l->cpu[cpu].csd, vms_live_ipi, m);
	m->priv = l;
	m->nr_cpus = nr_cpu_ids;
	m->caps = VMSTORE_CAP_HW_WALK;
	if (num_online_cpus() > 1)
		m->caps |= VMSTORE_CAP_REMOTE;
	if (vms_live_5level())
		m->caps |= VMSTORE_CAP_5LEVEL;
	if (boot_cpu_has(X86_FEATURE_PTI))
		m->caps |= VMSTORE_CAP_PTI;
	m->kernel_in_root = !vms_live_5level();
	return 0;
}

static void vms_live_nop(void *info)
{
}

static void vms_live_wait_cpu(struct vms_mmu *m, int cpu)
{
	struct vms_live_cpu *c = vms_live_cpu(m, cpu);
	s64 asked = atomic64_read(&c->asked);

	while (atomic64_read_acquire(&c->done) < asked) {
		cpu_relax();
		cond_resched();
	}
}

static void vms_live_exit(struct vms_mmu *m)
{
	struct vms_live *l = m->priv;
	unsigned int cpu;

	for_each_set_bit(cpu, l->kicked.bits, m->nr_cpus)
		vms_live_wait_cpu(m, cpu);
	/*
	 * A handler counts itself done some instructions before it returns. It runs
	 * with IRQs off, so whoever takes one more IPI has returned from it.
	 */
	on_each_cpu_mask(to_cpumask(l->kicked.bits), vms_live_nop, NULL, true);
	kvfree(l);
	m->priv = NULL;
}

static int vms_live_root_init(struct vms_mmu *m, struct vms_root *r)
{
	u64 *top;

	r->priv = NULL;
	if (WARN_ON_ONCE(r->pa & VMS_CR3_BAD_BIT))
		return -EINVAL;
	vms_root_clear_upper(r);
	if (m->kernel_in_root) {
		WRITE_ONCE(r->entries[VMS_PRIV_INDEX], m->kernel_pte);
		return 0;
	}
	/* Two pages: the top level at the even one, the P4D copy behind it */
	top = (u64 *)__get_free_pages(GFP_KERNEL_ACCOUNT | __GFP_ZERO, 1);
	if (!top)
		return -ENOMEM;
	top[0] = vms_pte_make_table(r->pa);
	top[VMS_LAST_INDEX] = vms_pte_make_table(__pa(top + VMS_NR_ENTRIES));
	top[VMS_NR_ENTRIES + VMS_PRIV_INDEX] = m->kernel_pte;
	r->priv = top;
	return 0;
}

static void vms_live_root_exit(struct vms_mmu *m, struct vms_root *r)
{
	free_pages((unsigned long)r->priv, 1);
	r->priv = NULL;
	vms_root_clear_upper(r);
}

/*
 * Between windows no CPU has the root loaded, so the order of Tl8 is only that of the
 * two sets: a flush decided at any time asks the CPU for one of its roots.
 */
static int vms_live_set_root(struct vms_mmu *m, int cpu, struct vms_root *r, u32 flags)
{
	struct vms_live *l = m->priv;
	struct vms_root *old;
	unsigned long irq;

	if (!vms_live_cpu_valid(m, cpu) || flags || (r && !cpu_online(cpu)))
		return -EINVAL;
	raw_spin_lock_irqsave(&l->lock, irq);
	old = l->cpu[cpu].active;
	if (old != r) {
		if (r)
			set_bit(cpu, r->active.bits);
		/* In the new set before out of the old one */
		smp_mb__after_atomic();
		l->cpu[cpu].active = r;
		if (old)
			clear_bit(cpu, old->active.bits);
	}
	raw_spin_unlock_irqrestore(&l->lock, irq);
	return 0;
}

/* Make @to as @from, but for entry @skip; other CPUs may do the same or walk it */
static void vms_live_copy(u64 *to, const u64 *from, int first, int end, int skip)
{
	int i;

	for (i = first; i < end; i++) {
		u64 pte = READ_ONCE(from[i]);

		if (i != skip && ((READ_ONCE(to[i]) ^ pte) & ~VMS_PTE_ACCESSED))
			WRITE_ONCE(to[i], pte);
	}
}

/*
 * Bring the upper half up to date and return what to load. The slot of the LDT stays
 * absent: it is for user mode, and its tables go with the process.
 */
static u64 vms_live_prepare(struct vms_root *r)
{
	u64 *top = r->priv;

	if (!top) {
		vms_live_copy(r->entries, vms_linux_top(), VMS_PRIV_INDEX + 1,
			      VMS_NR_ENTRIES, VMS_LDT_INDEX);
		return r->pa;
	}
	vms_live_copy(top, vms_linux_top(), VMS_NR_ENTRIES / 2, VMS_LAST_INDEX,
		      VMS_LDT_INDEX);
	vms_live_copy(top + VMS_NR_ENTRIES, vms_linux_priv_table(), 0, VMS_NR_ENTRIES,
		      VMS_PRIV_INDEX);
	return __pa(top);
}

/*
 * One mov that may fault. STAC in either half, so that the USER bit of an entry
 * decides nothing, also in the kernel half. On a fault the exception table leads to
 * label 2 with the trap number in rax.
 */
#define vms_live_mov(insn, trap, val, va)				\
({									\
	asm volatile(ASM_STAC "\n"					\
		     "1:	" insn "\n"				\
		     "2:	" ASM_CLAC "\n"				\
		     _ASM_EXTABLE_FAULT(1b, 2b)				\
		     : "+a"(trap), [v] "+&r"(val)			\
		     : [at] "r"(va)					\
		     : "memory");					\
})

/* Return: 0 or the number of the trap */
static notrace u64 vms_live_one(u64 va, void *buf, size_t len, bool write)
{
	u64 trap = 0, val = 0;

	if (write) {
		memcpy(&val, buf, len);
		switch (len) {
		case 1:
			vms_live_mov("movb %b[v], (%[at])", trap, val, va);
			break;
		case 2:
			vms_live_mov("movw %w[v], (%[at])", trap, val, va);
			break;
		case 4:
			vms_live_mov("movl %k[v], (%[at])", trap, val, va);
			break;
		case 8:
			vms_live_mov("movq %q[v], (%[at])", trap, val, va);
			break;
		}
		return trap;
	}
	switch (len) {
	case 1:
		vms_live_mov("movb (%[at]), %b[v]", trap, val, va);
		break;
	case 2:
		vms_live_mov("movw (%[at]), %w[v]", trap, val, va);
		break;
	case 4:
		vms_live_mov("movl (%[at]), %k[v]", trap, val, va);
		break;
	case 8:
		vms_live_mov("movq (%[at]), %q[v]", trap, val, va);
		break;
	}
	if (!trap)
		memcpy(buf, &val, len);
	return trap;
}

/* The longest aligned access at @va of at most @len bytes, which is not 0 */
static size_t vms_live_chunk(u64 va, size_t len)
{
	size_t n = 8;

	while (n > len || va % n)
		n /= 2;
	return n;
}

/* Return: 0 or the number of the trap; what was done is in @a */
static notrace u64 vms_live_copy_out(struct vms_access *a)
{
	while (a->done < a->len) {
		u64 va = a->va + a->done;
		size_t n = vms_live_chunk(va, a->len - a->done);
		u64 trap = vms_live_one(va, a->buf + a->done, n, a->write);

		if (trap)
			return trap;
		a->done += n;
	}
	return 0;
}

/*
 * In the window. The hardware tells that it faulted, not why: the tables tell that.
 * If they say that nothing is wrong, they were changed since, as for any kernel whose
 * page-fault handler finds nothing to do.
 */
static notrace int vms_live_do(struct vms_mmu *m, struct vms_root *r,
			       struct vms_access *a)
{
	struct vms_walk w;
	int retries;
	int err;

	for (retries = 0;; retries++) {
		err = vms_mmu_walk(m, r, a->va, &w);
		if (err)
			return err;
		if (retries) {
			a->fault = vms_walk_fault(&w, a->write);
			if (a->fault)
				return 0;
			if (retries == VMS_LIVE_RETRIES)
				break;
		}
		if (!vms_live_copy_out(a))
			return 0;
	}
	/* Permitted by the tables and still refused, say by a protection key */
	a->fault = VMSTORE_FAULT_TAKEN | VMSTORE_FAULT_PRESENT |
		   (a->write ? VMSTORE_FAULT_WRITE : 0);
	return 0;
}

/*
 * On the CPU of the access, IRQs off: in the caller or in an IPI. An IPI counts
 * pagefault_disabled of the task that it interrupts up and down again: no race,
 * whatever that task was doing with it.
 */
static notrace __no_kcsan void vms_live_window(void *info)
{
	struct vms_live_call *call = info;
	int cpu = smp_processor_id();
	struct vms_root *r = call->r;
	unsigned long saved;
	unsigned long irq;
	u64 cr3;

	/* 6.1 would not come back from a fault in a process without this */
	pagefault_disable();
	local_irq_save(irq);
	set_bit(cpu, r->loaded.bits);
	/* Pairs with the one of the dispatcher, between the entries and the mask */
	smp_mb__after_atomic();
	cr3 = vms_live_prepare(r);
	saved = __native_read_cr3();
	native_write_cr3(cr3);

	call->err = vms_live_do(call->m, r, call->a);

	/* Bit 63 reads as 0, so this flushes */
	native_write_cr3(saved);
	/* Whoever sees the bit clear may reuse what the window could read */
	smp_mb__before_atomic();
	clear_bit(cpu, r->loaded.bits);
	local_irq_restore(irq);
	pagefault_enable();
}

static int vms_live_access(struct vms_mmu *m, int cpu, struct vms_root *r,
			   struct vms_access *a)
{
	struct vms_live_call call = { .m = m, .r = r, .a = a };

	a->done = 0;
	a->fault = 0;
	if (!vms_live_cpu_valid(m, cpu) || !vms_access_valid(a))
		return -EINVAL;
	/* On this very CPU it is a plain call */
	if (smp_call_function_single(cpu, vms_live_window, &call, 1))
		return -EINVAL;
	return call.err;
}

/*
 * Outside a window nothing of a private root is cached: the load of CR3 that ends a
 * window flushes. It is executed all the same, as the model asks.
 */
static void vms_live_flush(struct vms_mmu *m, int cpu, const struct vms_flush *f)
{
	bool all = f->all;
	u32 i;

	/* Asked on behalf of a CPU that is not online and has no TLB */
	if (cpu != smp_processor_id())
		return;
	for (i = 0; i < f->nr && !all; i++) {
		const struct vms_flush_op *op = &f->ops[i];
		u64 va;

		all = op->end - op->start > VMS_FLUSH_MAX_PAGES * VMS_PAGE_SIZE;
		for (va = op->start; !all && va < op->end; va += VMS_PAGE_SIZE)
			asm volatile("invlpg (%0)" : : "r"(va) : "memory");
	}
	if (all)
		native_write_cr3(__native_read_cr3());
}

/*
 * Answer all kicks of @cpu so far. One at a time for a CPU: there with IRQs off, or
 * under the lock of the machine while it is not online.
 */
static void vms_live_answer(struct vms_mmu *m, int cpu)
{
	struct vms_live_cpu *c = vms_live_cpu(m, cpu);
	s64 asked = atomic64_read(&c->asked);

	m->on_kick(m, cpu);
	atomic64_set_release(&c->done, asked);
}

static void vms_live_ipi(void *info)
{
	struct vms_mmu *m = info;
	int cpu = smp_processor_id();

	atomic_set(&vms_live_cpu(m, cpu)->pending, 0);
	/*
	 * From here on a kick sends an IPI again. One that still found the flag set
	 * counted itself first, so it is among those answered now.
	 */
	smp_mb();
	vms_live_answer(m, cpu);
}

/* Preemption off, cpus_read_lock held */
static void vms_live_ask(struct vms_mmu *m, int cpu)
{
	struct vms_live *l = m->priv;
	struct vms_live_cpu *c = &l->cpu[cpu];
	unsigned long irq;

	atomic64_inc(&c->asked);
	if (cpu == smp_processor_id()) {
		local_irq_save(irq);
		vms_live_answer(m, cpu);
		local_irq_restore(irq);
	} else if (!cpu_online(cpu)) {
		raw_spin_lock_irqsave(&l->lock, irq);
		vms_live_answer(m, cpu);
		raw_spin_unlock_irqrestore(&l->lock, irq);
	} else {
		set_bit(cpu, l->kicked.bits);
		/* A full barrier, between the count and the flag */
		if (!atomic_xchg(&c->pending, 1))
			WARN_ON_ONCE(smp_call_function_single_async(cpu, &c->csd));
	}
}

static int vms_live_kick(struct vms_mmu *m, const struct vms_cpuset *cpus)
{
	unsigned int cpu;
	int self = get_cpu();

	/* The others first: they work while this CPU does */
	for_each_set_bit(cpu, cpus->bits, m->nr_cpus)
		if (cpu != self)
			vms_live_ask(m, cpu);
	if (test_bit(self, cpus->bits))
		vms_live_ask(m, self);
	put_cpu();
	return 0;
}

static int vms_live_wait(struct vms_mmu *m, const struct vms_cpuset *cpus)
{
	unsigned int cpu;

	/* Two CPUs that wait for each other with IRQs off never answer (Tl6) */
	if (WARN_ON_ONCE(irqs_disabled()))
		return -EINVAL;
	for_each_set_bit(cpu, cpus->bits, m->nr_cpus)
		vms_live_wait_cpu(m, cpu);
	return 0;
}

const struct vms_mmu_ops vms_mmu_live_ops = {
	.kind = VMSTORE_MACHINE_LIVE,
	.init = vms_live_init,
	.exit = vms_live_exit,
	.root_init = vms_live_root_init,
	.root_exit = vms_live_root_exit,
	.set_root = vms_live_set_root,
	.access = vms_live_access,
	.flush = vms_live_flush,
	.kick = vms_live_kick,
	.wait = vms_live_wait,
};
