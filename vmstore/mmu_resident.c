// SPDX-License-Identifier: GPL-2.0-only
/*
 * Residency: see mmu_resident.h.
 *
 *	BHs and preemption off, IRQs off, leave_mm; open the window
 *	repeat: IRQs on, off again; is the root still loaded? a job
 *	close the window; IRQs, preemption, BHs on
 *
 * An IRQ finds init_mm loaded as far as Linux knows: what it does to the TLB of the
 * user it does not do then, and an NMI does not look at user memory. Should Linux load
 * another table all the same, the window is over and that table stays.
 *
 * A CPU that goes away parks its worker. Whoever would wait for a job is told that it
 * was not done, and no root is loaded there until the CPU is back.
 */

#include <linux/irqflags.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/smpboot.h>
#include <linux/suspend.h>
#include <linux/timekeeping.h>

#include "compat.h"
#include "mmu_resident.h"
#include "mmu_window.h"

#define VMS_WINDOW_NS		(1500 * NSEC_PER_USEC)
#define VMS_JOB_SPINS		1000	/* times to look for the end of a job, before sleeping */

/* Why the worker of a CPU opens no window: bits of struct vms_resident_cpu.away */
#define VMS_AWAY_PARKED		0x1	/* the CPU is not online */
#define VMS_AWAY_ASLEEP		0x2	/* the machine is, or is about to be */

/**
 * struct vms_resident_cpu - the worker of a CPU
 * @lock: guards all but @now, and the jobs of @roots
 * @roots: resident here, the next one first
 * @now: whose window is open
 * @away: VMS_AWAY_*
 */
struct vms_resident_cpu {
	raw_spinlock_t lock;	/* see above */
	struct list_head roots;
	struct vms_resident *now;
	u32 away;
};

static DEFINE_PER_CPU(struct vms_resident_cpu, vms_resident_cpu);
static DEFINE_PER_CPU(struct task_struct *, vms_resident_task);

/* --- jobs ------------------------------------------------------------------------ */

/* Nobody is going to do the jobs of @r; under the lock */
static void vms_resident_dismiss(struct vms_resident *r)
{
	struct vms_resident_job *job, *next;

	list_for_each_entry_safe(job, next, &r->jobs, link) {
		list_del_init(&job->link);
		complete(&job->over);
	}
}

/* In the window of @r: its first job, or a part of it */
static void vms_resident_serve(struct vms_resident_cpu *rc, struct vms_resident *r)
{
	struct vms_resident_job *job;
	bool done;

	raw_spin_lock(&rc->lock);
	job = list_first_entry_or_null(&r->jobs, struct vms_resident_job, link);
	if (job)
		list_del_init(&job->link);
	raw_spin_unlock(&rc->lock);
	if (!job)
		return;

	done = job->run(job);

	raw_spin_lock(&rc->lock);
	job->served = done;
	if (!done && r->root && !rc->away)
		list_add_tail(&job->link, &r->jobs);
	else
		complete(&job->over);
	raw_spin_unlock(&rc->lock);
}

/* --- windows --------------------------------------------------------------------- */

static bool vms_resident_may_stay(const struct vms_resident_cpu *rc,
				  const struct vms_resident *r)
{
	return READ_ONCE(r->root) && !READ_ONCE(rc->away) && !need_resched();
}

/*
 * Take what is pending; IRQs off. STI lets one more instruction pass before it does, and
 * QEMU takes nothing between that and a CLI if the one is a PAUSE.
 */
static __always_inline void vms_take_irqs(void)
{
	local_irq_enable();
	asm volatile("nop");
	cpu_relax();
	local_irq_disable();
}

static __always_inline u64 vms_now(void)
{
	/* It is read while it changes, and then again: KCSAN of 6.12 does not know */
	return data_race(ktime_get_mono_fast_ns());
}

/* BHs, preemption and IRQs off, init_mm loaded; a while */
static notrace __no_kcsan void vms_resident_window(struct vms_resident_cpu *rc,
						   struct vms_resident *r,
						   struct vms_root *root)
{
	u64 end = vms_now() + VMS_WINDOW_NS;
	struct vms_window w;

	vms_window_enter(&w, root);
	do {
		vms_resident_serve(rc, r);
		vms_take_irqs();
	} while (vms_window_is_open(&w) && vms_resident_may_stay(rc, r) &&
		 vms_now() < end);
	vms_window_leave(&w);
}

/* Whose turn it is, and its root; IRQs off */
static struct vms_resident *vms_resident_next(struct vms_resident_cpu *rc,
					      struct vms_root **root)
{
	struct vms_resident *r = NULL;

	raw_spin_lock(&rc->lock);
	if (!rc->away)
		r = list_first_entry_or_null(&rc->roots, struct vms_resident, link);
	if (r) {
		list_move_tail(&r->link, &rc->roots);
		*root = r->root;
	}
	WRITE_ONCE(rc->now, r);
	raw_spin_unlock(&rc->lock);
	return r;
}

static void vms_resident_turn(unsigned int cpu)
{
	struct vms_resident_cpu *rc = per_cpu_ptr(&vms_resident_cpu, cpu);
	struct vms_resident *r;
	struct vms_root *root;

	local_bh_disable();
	preempt_disable();
	local_irq_disable();
	r = vms_resident_next(rc, &root);
	if (r) {
		vms_leave_mm(cpu);
		vms_resident_window(rc, r, root);
		/* Whoever sees that it is over may free what it was about */
		smp_store_release(&rc->now, NULL);
	}
	local_irq_enable();
	preempt_enable();
	local_bh_enable();
	cond_resched_tasks_rcu_qs();
}

/* --- the worker ------------------------------------------------------------------- */

static void vms_resident_set_away(unsigned int cpu, u32 set, u32 clear)
{
	struct vms_resident_cpu *rc = per_cpu_ptr(&vms_resident_cpu, cpu);
	struct vms_resident *r;
	unsigned long irq;

	raw_spin_lock_irqsave(&rc->lock, irq);
	WRITE_ONCE(rc->away, (rc->away | set) & ~clear);
	if (rc->away)
		list_for_each_entry(r, &rc->roots, link)
			vms_resident_dismiss(r);
	raw_spin_unlock_irqrestore(&rc->lock, irq);
}

static void vms_resident_park(unsigned int cpu)
{
	vms_resident_set_away(cpu, VMS_AWAY_PARKED, 0);
}

static void vms_resident_unpark(unsigned int cpu)
{
	vms_resident_set_away(cpu, 0, VMS_AWAY_PARKED);
}

static int vms_resident_should_run(unsigned int cpu)
{
	struct vms_resident_cpu *rc = per_cpu_ptr(&vms_resident_cpu, cpu);

	return !READ_ONCE(rc->away) && !list_empty(&rc->roots);
}

static struct smp_hotplug_thread vms_resident_threads = {
	.store = &vms_resident_task,
	.thread_should_run = vms_resident_should_run,
	.thread_fn = vms_resident_turn,
	.setup = vms_resident_unpark,
	.park = vms_resident_park,
	.unpark = vms_resident_unpark,
	.thread_comm = "vmstore/%u",
};

/* A parked worker, and one that is not there yet, look by themselves when they come */
static void vms_resident_wake(unsigned int cpu)
{
	struct task_struct *task = per_cpu(vms_resident_task, cpu);

	if (task)
		wake_up_process(task);
}

/* A machine that is to sleep has no use for CPUs that are never idle */
static int vms_resident_pm(struct notifier_block *nb, unsigned long event, void *data)
{
	bool asleep = event == PM_SUSPEND_PREPARE || event == PM_HIBERNATION_PREPARE ||
		      event == PM_RESTORE_PREPARE;
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		if (asleep) {
			vms_resident_set_away(cpu, VMS_AWAY_ASLEEP, 0);
		} else {
			vms_resident_set_away(cpu, 0, VMS_AWAY_ASLEEP);
			vms_resident_wake(cpu);
		}
	}
	return NOTIFY_OK;
}

static struct notifier_block vms_resident_pm_nb = {
	.notifier_call = vms_resident_pm,
};

/**
 * vms_resident_start - start the workers
 *
 * Once, before the first root is resident. May sleep.
 *
 * Return: 0 or a negative errno.
 */
int vms_resident_start(void)
{
	unsigned int cpu;
	int err;

	for_each_possible_cpu(cpu) {
		struct vms_resident_cpu *rc = per_cpu_ptr(&vms_resident_cpu, cpu);

		raw_spin_lock_init(&rc->lock);
		INIT_LIST_HEAD(&rc->roots);
		rc->away = VMS_AWAY_PARKED;
	}
	err = smpboot_register_percpu_thread(&vms_resident_threads);
	if (err)
		return err;
	err = register_pm_notifier(&vms_resident_pm_nb);
	if (err)
		smpboot_unregister_percpu_thread(&vms_resident_threads);
	return err;
}

/* vms_resident_stop - end the workers; no root is resident. May sleep */
void vms_resident_stop(void)
{
	unregister_pm_notifier(&vms_resident_pm_nb);
	smpboot_unregister_percpu_thread(&vms_resident_threads);
}

/* --- roots ------------------------------------------------------------------------ */

/**
 * vms_resident_begin - make a root resident
 * @r: where none is
 * @cpu: on which CPU
 * @root: the root; the CPU is in its active set already (Tl8)
 *
 * Process context.
 */
void vms_resident_begin(struct vms_resident *r, unsigned int cpu, struct vms_root *root)
{
	struct vms_resident_cpu *rc = per_cpu_ptr(&vms_resident_cpu, cpu);
	unsigned long irq;

	INIT_LIST_HEAD(&r->jobs);
	r->cpu = cpu;
	raw_spin_lock_irqsave(&rc->lock, irq);
	WRITE_ONCE(r->root, root);
	list_add_tail(&r->link, &rc->roots);
	raw_spin_unlock_irqrestore(&rc->lock, irq);
	vms_resident_wake(cpu);
}

/**
 * vms_resident_end - the root is resident no more
 * @r: one that is, or not
 *
 * When it returns no window of it is open. Process context, IRQs on, may sleep.
 */
void vms_resident_end(struct vms_resident *r)
{
	struct vms_resident_cpu *rc = per_cpu_ptr(&vms_resident_cpu, r->cpu);
	unsigned long irq;

	if (!r->root)
		return;
	raw_spin_lock_irqsave(&rc->lock, irq);
	WRITE_ONCE(r->root, NULL);
	list_del(&r->link);
	vms_resident_dismiss(r);
	raw_spin_unlock_irqrestore(&rc->lock, irq);
	/* Pairs with the end of the turn. On this CPU no window can be open */
	while (smp_load_acquire(&rc->now) == r && !VMS_OMIT(RESIDENT_END)) {
		cpu_relax();
		cond_resched();
	}
}

/**
 * vms_resident_do - have a job done in windows of a root
 * @r: where
 * @root: which root is meant
 * @job: its run is set
 *
 * A signal sets @job->stop. Process context, may sleep.
 *
 * Return: true when it is done. False when it is not, or only in part, because the root
 * is not resident there, or is no more.
 */
bool vms_resident_do(struct vms_resident *r, struct vms_root *root,
		     struct vms_resident_job *job)
{
	struct vms_resident_cpu *rc;
	unsigned long irq;
	bool here;
	int i;

	if (READ_ONCE(r->root) != root)
		return false;
	init_completion(&job->over);
	job->stop = false;
	job->served = false;
	rc = per_cpu_ptr(&vms_resident_cpu, r->cpu);
	raw_spin_lock_irqsave(&rc->lock, irq);
	here = r->root == root && !rc->away;
	if (here)
		list_add_tail(&job->link, &r->jobs);
	raw_spin_unlock_irqrestore(&rc->lock, irq);
	if (!here)
		return false;
	/* In an open window that is soon */
	for (i = 0; i < VMS_JOB_SPINS && READ_ONCE(rc->now) == r && !need_resched(); i++) {
		if (completion_done(&job->over))
			break;
		cpu_relax();
	}
	if (wait_for_completion_interruptible(&job->over)) {
		WRITE_ONCE(job->stop, true);
		wait_for_completion(&job->over);
	}
	return job->served;
}
