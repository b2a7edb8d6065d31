/* SPDX-License-Identifier: GPL-2.0-only */
/* User address spaces, and on which CPU which one is active [model 5.1, Tl8]. */
#ifndef VMS_SPACE_H
#define VMS_SPACE_H

#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/wait.h>

#include "pt.h"

/**
 * struct vms_space - a user address space (VmSpace)
 * @id: its VmSpaceId, and the tag of its root
 * @pt: its page table
 * @users: cursors, readers and writers, CPUs it is active on, operations in flight; -1 =
 *	being dropped
 * @cursors: open cursors
 * @released: counts cursors closed; who waits for a range looks again when it moves
 * @wait: they wait here
 * @io_lock: guards @ios and @shared_reader
 * @ios: readers and writers of the owner record, by address: vmio.h says which
 *	[F-VmSpaceOwner]
 * @shared_reader: readers in @ios may overlap
 * @rcu: lookups are lock-free
 */
struct vms_space {
	u64 id;
	struct vms_pt pt;
	atomic_t users;
	atomic_t cursors;
	atomic_t released;
	wait_queue_head_t wait;
	struct mutex io_lock;	/* ios, shared_reader */
	struct list_head ios;
	bool shared_reader;
	struct rcu_head rcu;
};

/**
 * struct vms_activation - which space is active on which CPU
 * @lock: guards @space
 * @nr_cpus: logical CPUs
 * @space: per CPU, NULL = none; each holds one of the space's users
 */
struct vms_activation {
	struct mutex lock;	/* space */
	u32 nr_cpus;
	struct vms_space **space;
};

int vms_space_init(struct vms_space *space, struct vms_mmu *mmu, u64 id);
bool vms_space_get(struct vms_space *space);
void vms_space_put(struct vms_space *space);
int vms_space_kill(struct vms_space *space);
bool vms_space_ok(const struct vms_space *space, struct vms_region *r);
void vms_space_exit(struct vms_space *space, struct vms_mmu *mmu,
		    struct vms_removed *sum);

int vms_activation_init(struct vms_activation *act, u32 nr_cpus);
void vms_activation_exit(struct vms_activation *act);
int vms_space_activate(struct vms_activation *act, struct vms_mmu *mmu, int cpu,
		       struct vms_space *space, u32 flags);
bool vms_space_active(struct vms_activation *act, int cpu, const struct vms_space *space);

int vms_space_access(struct vms_space *space, struct vms_mmu *mmu, int cpu,
		     struct vms_access *a);
int vms_space_watch(struct vms_space *space, struct vms_mmu *mmu, int cpu,
		    struct vms_watch *w);

#endif /* VMS_SPACE_H */
