/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Residency: a worker per CPU keeps roots loaded there, in windows that take IRQs.
 *
 * A window is short, and between two of them Linux goes on. The roots that are resident
 * on a CPU, at most one of each store, have windows in turn. What is to be done in the
 * windows of a root, with what the CPU has cached of it, is a job.
 */
#ifndef VMS_MMU_RESIDENT_H
#define VMS_MMU_RESIDENT_H

#include <linux/completion.h>

#include "mmu.h"

/**
 * struct vms_resident - a root that is resident on a CPU
 * @link: in the list of the CPU
 * @jobs: to be done in its windows, in order
 * @cpu: the CPU
 * @root: the root; NULL = none. Changes under the lock of the CPU
 */
struct vms_resident {
	struct list_head link;
	struct list_head jobs;
	unsigned int cpu;
	struct vms_root *root;
};

/**
 * struct vms_resident_job - something to be done in a resident window
 * @link: in the jobs of its root
 * @run: does it, or a part of it: then it is called again, IRQs having been taken in
 *	between. IRQs off. True when it is done
 * @stop: the caller wants no more parts
 * @served: it is done; set before @over
 * @over: nobody looks at it any more
 */
struct vms_resident_job {
	struct list_head link;
	bool (*run)(struct vms_resident_job *job);
	bool stop;
	bool served;
	struct completion over;
};

int vms_resident_start(void);
void vms_resident_stop(void);

void vms_resident_begin(struct vms_resident *r, unsigned int cpu, struct vms_root *root);
void vms_resident_end(struct vms_resident *r);
bool vms_resident_do(struct vms_resident *r, struct vms_root *root,
		     struct vms_resident_job *job);

#endif /* VMS_MMU_RESIDENT_H */
