// SPDX-License-Identifier: GPL-2.0-only
/* User address spaces: life, activation, access. */

#include <linux/slab.h>

#include "space.h"

/**
 * vms_space_init - a new, empty, inactive space [O-NewVmSpace]
 * @space: zeroed
 * @mmu: machine
 * @id: its id
 *
 * May sleep.
 *
 * Return: 0 or -ENOMEM; then nothing is held.
 */
int vms_space_init(struct vms_space *space, struct vms_mmu *mmu, u64 id)
{
	space->id = id;
	init_waitqueue_head(&space->wait);
	mutex_init(&space->io_lock);
	INIT_LIST_HEAD(&space->ios);
	return vms_pt_init(&space->pt, mmu, id);
}

/* vms_space_get - become a user, unless the space is being dropped */
bool vms_space_get(struct vms_space *space)
{
	return atomic_inc_unless_negative(&space->users);
}

void vms_space_put(struct vms_space *space)
{
	atomic_dec(&space->users);
}

/**
 * vms_space_kill - refuse new users
 * @space: space the caller is a user of; on success it is none any more
 *
 * Return: 0, or -EBUSY while it has a cursor, is active or is in use otherwise.
 */
int vms_space_kill(struct vms_space *space)
{
	return atomic_cmpxchg(&space->users, 1, -1) == 1 ? 0 : -EBUSY;
}

/**
 * vms_space_ok - is it an inactive space with a sound root? [W1, as far as the root shows it]
 * @space: space that is not in the store
 * @r: region
 *
 * Return: true when it is. The tree below the root is the checker's.
 */
bool vms_space_ok(const struct vms_space *space, struct vms_region *r)
{
	u32 root = space->pt.root;

	return atomic_read(&space->users) <= 0 && root < r->nr_slots &&
	       vms_node_sound(r, root, VMS_NR_LEVELS);
}

/**
 * vms_space_exit - tear the page table down
 * @space: killed space, or one nobody has seen
 * @mmu: machine
 * @sum: added to: what was released
 *
 * The memory of @space stays until the caller frees it after a grace period. May sleep.
 */
void vms_space_exit(struct vms_space *space, struct vms_mmu *mmu, struct vms_removed *sum)
{
	vms_pt_exit(&space->pt, mmu, sum);
}

/**
 * vms_activation_init - no space is active anywhere
 * @act: zeroed
 * @nr_cpus: logical CPUs
 *
 * May sleep.
 *
 * Return: 0 or -ENOMEM.
 */
int vms_activation_init(struct vms_activation *act, u32 nr_cpus)
{
	mutex_init(&act->lock);
	act->space = kvcalloc(nr_cpus, sizeof(*act->space), GFP_KERNEL_ACCOUNT);
	if (!act->space)
		return -ENOMEM;
	act->nr_cpus = nr_cpus;
	return 0;
}

void vms_activation_exit(struct vms_activation *act)
{
	kvfree(act->space);
	act->space = NULL;
}

/**
 * vms_space_activate - make a space active on a CPU [O-Activate, Tl8]
 * @act: of the store
 * @mmu: machine, which keeps the sets of CPUs
 * @cpu: logical CPU
 * @space: space the caller is a user of, or NULL for none
 * @flags: VMS_ROOT_*
 *
 * The machine adds the CPU to the new set before it loads the root and takes it out
 * of the old set after. Process context, may sleep.
 *
 * Return: 0 or what the machine says.
 */
int vms_space_activate(struct vms_activation *act, struct vms_mmu *mmu, int cpu,
		       struct vms_space *space, u32 flags)
{
	struct vms_space *old;
	int err = 0;

	mutex_lock(&act->lock);
	old = act->space[cpu];
	err = mmu->ops->set_root(mmu, cpu, space ? &space->pt.mroot : NULL, flags);
	if (err || old == space)
		goto out;
	if (space)
		vms_touch_id(mmu->region->touch, VMS_TOUCH_ACTIVATION, space->id);
	if (old)
		vms_touch_id(mmu->region->touch, VMS_TOUCH_ACTIVATION, old->id);
	if (space)
		vms_space_get(space);	/* cannot fail: the caller is a user */
	act->space[cpu] = space;
	if (old)
		vms_space_put(old);
out:
	mutex_unlock(&act->lock);
	return err;
}

/**
 * vms_space_active - is a space active on a CPU?
 * @act: of the store
 * @cpu: logical CPU
 * @space: space the caller is a user of
 *
 * May sleep.
 *
 * Return: true when it is, now.
 */
bool vms_space_active(struct vms_activation *act, int cpu, const struct vms_space *space)
{
	bool active;

	mutex_lock(&act->lock);
	active = act->space[cpu] == space;
	mutex_unlock(&act->lock);
	return active;
}

/**
 * vms_space_access - load or store through the MMU
 * @space: space the caller is a user of; its root is loaded for the access
 * @mmu: machine
 * @cpu: logical CPU
 * @a: canonical address, in the user half below VMSTORE_MAX_USERSPACE_VADDR or in the
 *	linear window, checked by the caller
 *
 * Process context, IRQs on, may sleep.
 *
 * Return: as vms_pt_access().
 */
int vms_space_access(struct vms_space *space, struct vms_mmu *mmu, int cpu,
		     struct vms_access *a)
{
	return vms_pt_access(&space->pt, mmu, cpu, a);
}

/**
 * vms_space_watch - load an address over and over
 * @space: space the caller is a user of
 * @mmu: machine
 * @cpu: logical CPU
 * @w: the watch; where it may go is checked by the caller, as for vms_space_access()
 *
 * Process context, IRQs on, may sleep.
 *
 * Return: 0 or what the machine says.
 */
int vms_space_watch(struct vms_space *space, struct vms_mmu *mmu, int cpu, struct vms_watch *w)
{
	return mmu->ops->watch(mmu, cpu, &space->pt.mroot, w);
}
