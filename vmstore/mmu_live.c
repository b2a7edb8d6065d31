// SPDX-License-Identifier: GPL-2.0-only
/*
 * The live machine: the CPU's own MMU on private page tables, beside Linux.
 *
 * An access runs in a window (mmu_window.c): a short one, IRQs off, in the caller or in
 * an IPI; or, where its root is resident, one that the CPU's worker keeps open
 * (mmu_resident.c) and in which flush IPIs land.
 */

#define pr_fmt(fmt) "vmstore: " fmt

#include <linux/cc_platform.h>
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/preempt.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/smp.h>

#include <asm/cpufeature.h>

#include "mmu_resident.h"
#include "mmu_window.h"

/* Loads of a watch between two times when IRQs are taken */
#define VMS_LIVE_WATCH_LOADS	32

/**
 * struct vms_live_cpu - one CPU
 * @csd: the IPI of a kick
 * @pending: the IPI is sent and not yet taken
 * @asked: kicks so far
 * @done: of these, answered
 * @flushes: flushes executed here; IRQs off
 * @active: root that is active here, or NULL
 * @resident: the same, while it is resident
 */
struct vms_live_cpu {
	call_single_data_t csd;
	atomic_t pending;
	atomic64_t asked;
	atomic64_t done;
	u64 flushes;
	struct vms_root *active;
	struct vms_resident resident;
} ____cacheline_aligned;

/**
 * struct vms_live - the live machine of one store
 * @lock: held around on_kick for a CPU that is not online
 * @kicked: CPUs an IPI was ever sent to
 * @cpu: one per logical CPU
 */
struct vms_live {
	raw_spinlock_t lock;
	struct vms_cpuset kicked;
	struct vms_live_cpu cpu[];
};

/* An access or a watch on its way to its CPU */
struct vms_live_call {
	struct vms_resident_job job;
	struct vms_mmu *m;
	struct vms_root *r;
	struct vms_access *a;
	struct vms_watch *w;
	int err;
};

static bool vms_live_usable;

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
	if (vms_host_5level() && IS_ENABLED(CONFIG_KASAN)) {
		pr_err("KASAN uses the private slot in 5-level mode: boot with no5lvl\n");
		return -EOPNOTSUPP;
	}
	if (nr_cpu_ids > VMS_MAX_CPUS) {
		pr_err("%u CPUs, at most %u are supported\n", nr_cpu_ids, VMS_MAX_CPUS);
		return -EOPNOTSUPP;
	}

	preempt_disable();
	table = vms_host_priv_table();
	if (table)
		taken = READ_ONCE(table[VMS_PRIV_INDEX]);
	preempt_enable();

	if (taken) {
		pr_err("top-level slot %d is not empty: somebody else uses it\n",
		       VMS_PRIV_INDEX);
		return -EBUSY;
	}
	return 0;
}

/**
 * vms_mmu_live_start - from now on the live machine may be used
 *
 * After vms_mmu_live_probe(). May sleep.
 *
 * Return: 0 or a negative errno.
 */
int vms_mmu_live_start(void)
{
	int err = vms_resident_start();

	vms_live_usable = !err;
	return err;
}

/* vms_mmu_live_stop - there is no live machine any more. May sleep */
void vms_mmu_live_stop(void)
{
	vms_live_usable = false;
	vms_resident_stop();
}

/**
 * vms_mmu_live_usable - is the live machine started?
 *
 * Any context.
 *
 * Return: true when it is.
 */
bool vms_mmu_live_usable(void)
{
	return vms_live_usable;
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

	if (!vms_live_usable)
		return 0;
	preempt_disable();
	top = vms_host_top();
	hash = vms_hash_table(hash, top, VMS_NR_ENTRIES / 2, VMS_LDT_INDEX);
	table = vms_host_priv_table();
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
	if (vms_host_5level())
		m->caps |= VMSTORE_CAP_5LEVEL;
	if (boot_cpu_has(X86_FEATURE_PTI))
		m->caps |= VMSTORE_CAP_PTI;
	m->kernel_in_root = !vms_host_5level();
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

/* Tl8: what was loaded is loaded no more before the CPU leaves the old set */
static int vms_live_set_root(struct vms_mmu *m, int cpu, struct vms_root *r, u32 flags)
{
	struct vms_root *stay = flags & VMS_ROOT_RESIDENT ? r : NULL;
	struct vms_live_cpu *c;
	struct vms_root *old;

	if (!vms_live_cpu_valid(m, cpu) || flags & ~VMS_ROOT_RESIDENT)
		return -EINVAL;
	c = vms_live_cpu(m, cpu);
	old = c->active;
	if (r && r != old && !cpu_online(cpu))
		return -EINVAL;
	if (r && !VMS_OMIT(RESIDENT_SET))
		set_bit(cpu, r->active.bits);
	/* In the new set before the new root is loaded */
	smp_mb__after_atomic();
	if (VMS_OMIT(RESIDENT_LEAVES) && old)
		clear_bit(cpu, old->active.bits);
	VMS_MEANWHILE(SWITCH);
	if (c->resident.root != stay) {
		vms_resident_end(&c->resident);
		if (stay)
			vms_resident_begin(&c->resident, cpu, stay);
	}
	c->active = r;
	if (old && old != r) {
		/* Out of the old set after the last use of the old root */
		smp_mb__before_atomic();
		clear_bit(cpu, old->active.bits);
	}
	return 0;
}

/* On the CPU of the access: in the caller or in an IPI */
static notrace void vms_live_short(void *info)
{
	struct vms_live_call *call = info;
	struct vms_window w;
	unsigned long irq;

	local_irq_save(irq);
	vms_window_enter(&w, call->r);
	call->job.run(&call->job);
	vms_window_leave(&w);
	local_irq_restore(irq);
}

static notrace bool vms_live_run_access(struct vms_resident_job *job)
{
	struct vms_live_call *call = container_of(job, struct vms_live_call, job);

	call->err = vms_window_access(call->m, call->r, call->a);
	return true;
}

static int vms_live_access(struct vms_mmu *m, int cpu, struct vms_root *r,
			   struct vms_access *a)
{
	struct vms_live_call call = {
		.job.run = vms_live_run_access, .m = m, .r = r, .a = a,
	};

	a->done = 0;
	a->fault = 0;
	if (!vms_live_cpu_valid(m, cpu) || !vms_access_valid(a))
		return -EINVAL;
	if (vms_resident_do(&vms_live_cpu(m, cpu)->resident, r, &call.job))
		return call.err;
	/* On this very CPU it is a plain call */
	if (smp_call_function_single(cpu, vms_live_short, &call, 1))
		return -EINVAL;
	return call.err;
}

/* In the window: some loads */
static notrace bool vms_live_run_watch(struct vms_resident_job *job)
{
	struct vms_live_call *call = container_of(job, struct vms_live_call, job);
	struct vms_live_cpu *c = vms_live_cpu(call->m, smp_processor_id());
	struct vms_watch *w = call->w;
	int i;

	for (i = 0; i < VMS_LIVE_WATCH_LOADS && !call->err && !vms_watch_over(w); i++) {
		u64 value = 0;
		struct vms_access a = { .va = w->va, .buf = &value, .len = w->width };
		struct vms_walk walk;

		call->err = vms_mmu_walk(call->m, call->r, w->va, &walk);
		if (!call->err)
			call->err = vms_window_access(call->m, call->r, &a);
		if (!call->err)
			vms_watch_note(w, &walk, c->flushes, value, a.fault);
	}
	return call->err || vms_watch_over(w) || READ_ONCE(job->stop);
}

/* Where the root is not resident each part has a window of its own */
static int vms_live_watch(struct vms_mmu *m, int cpu, struct vms_root *r,
			  struct vms_watch *w)
{
	struct vms_live_call call = {
		.job.run = vms_live_run_watch, .m = m, .r = r, .w = w,
	};

	if (!vms_live_cpu_valid(m, cpu) || !vms_watch_valid(w))
		return -EINVAL;
	while (!call.err && !vms_watch_over(w) && !signal_pending(current)) {
		if (vms_resident_do(&vms_live_cpu(m, cpu)->resident, r, &call.job))
			continue;
		if (smp_call_function_single(cpu, vms_live_short, &call, 1))
			return -EINVAL;
		cond_resched();
	}
	return call.err;
}

/*
 * In a resident window these are the translations of the private root. Outside nothing
 * of one is cached: the load of CR3 that ends a window flushes. It is executed all the
 * same, as the model asks.
 */
static void vms_live_flush(struct vms_mmu *m, int cpu, const struct vms_flush *f)
{
	bool all = f->all;
	u32 i;

	/* Asked on behalf of a CPU that is not online and has no TLB */
	if (cpu != smp_processor_id())
		return;
	vms_live_cpu(m, cpu)->flushes++;
	for (i = 0; i < f->nr && !all; i++) {
		const struct vms_flush_op *op = &f->ops[i];
		u64 va;

		all = op->end - op->start > VMS_FLUSH_MAX_PAGES * VMS_PAGE_SIZE;
		for (va = op->start; !all && va < op->end; va += VMS_PAGE_SIZE)
			if (!VMS_OMIT(INVLPG))
				asm volatile("invlpg (%0)" : : "r"(va) : "memory");
	}
	if (all && !VMS_OMIT(CR3_RELOAD))
		native_write_cr3(__native_read_cr3());
}

/* A flush on its way to its CPU */
struct vms_live_flush_call {
	struct vms_mmu *m;
	const struct vms_flush *f;
};

static void vms_live_flush_here(void *info)
{
	const struct vms_live_flush_call *call = info;

	vms_live_flush(call->m, smp_processor_id(), call->f);
}

static int vms_live_flush_local(struct vms_mmu *m, int cpu, const struct vms_flush *f)
{
	struct vms_live_flush_call call = { .m = m, .f = f };

	if (!vms_live_cpu_valid(m, cpu))
		return -EINVAL;
	return smp_call_function_single(cpu, vms_live_flush_here, &call, 1) ? -EINVAL : 0;
}

/*
 * Answer all kicks of @cpu so far. One at a time for a CPU: there with IRQs off, or
 * under the lock of the machine while it is not online.
 */
static void vms_live_answer(struct vms_mmu *m, int cpu)
{
	struct vms_live_cpu *c = vms_live_cpu(m, cpu);
	s64 asked = atomic64_read(&c->asked);

	if (VMS_OMIT(IPI_ANSWER))	/* too early */
		atomic64_set_release(&c->done, asked);
	m->on_kick(m, cpu);
	atomic64_set_release(&c->done, asked);
}

static void vms_live_ipi(void *info)
{
	struct vms_mmu *m = info;
	int cpu = smp_processor_id();

	if (!VMS_OMIT(IPI_ORDER))
		atomic_set(&vms_live_cpu(m, cpu)->pending, 0);
	/*
	 * From here on a kick sends an IPI again. One that still found the flag set
	 * counted itself first, so it is among those answered now.
	 */
	smp_mb();
	vms_live_answer(m, cpu);
	if (VMS_OMIT(IPI_ORDER))	/* too late */
		atomic_set(&vms_live_cpu(m, cpu)->pending, 0);
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
	} else if (!cpu_online(cpu) || VMS_OMIT(IPI_SEND)) {
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
	if (VMS_OMIT(IPI_WAIT))
		return 0;
	for_each_set_bit(cpu, cpus->bits, m->nr_cpus)
		vms_live_wait_cpu(m, cpu);
	return 0;
}

const struct vms_mmu_ops vms_mmu_live_ops = {
	.kind = VMSTORE_MACHINE_LIVE,
	.init = vms_live_init,
	.exit = vms_live_exit,
	.root_init = vms_window_root_init,
	.root_exit = vms_window_root_exit,
	.set_root = vms_live_set_root,
	.access = vms_live_access,
	.watch = vms_live_watch,
	.flush = vms_live_flush,
	.flush_local = vms_live_flush_local,
	.kick = vms_live_kick,
	.wait = vms_live_wait,
};
