// SPDX-License-Identifier: GPL-2.0-only
/* The choice of a machine, and what the machines have in common. */

#include <linux/errno.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "mmu.h"

#define VMS_SOFT_DEFAULT_CPUS	4

static const struct vms_mmu_ops *vms_mmu_find(u32 machine)
{
#if defined(CONFIG_X86_64) && !defined(CONFIG_UML)
	if (machine == VMSTORE_MACHINE_LIVE && vms_mmu_live_usable())
		return &vms_mmu_live_ops;
#endif
	if (machine == VMSTORE_MACHINE_SOFT)
		return &vms_mmu_soft_ops;
	return NULL;
}

/**
 * vms_mmu_machines - which machines are usable here
 *
 * Any context.
 *
 * Return: a set of bits 1 << enum vmstore_machine; DEFAULT is not in it.
 */
u32 vms_mmu_machines(void)
{
	u32 set = 1U << VMSTORE_MACHINE_SOFT;

	if (vms_mmu_find(VMSTORE_MACHINE_LIVE))
		set |= 1U << VMSTORE_MACHINE_LIVE;
	return set;
}

/**
 * vms_mmu_init - make the machine of a store
 * @m: zeroed, but for seed
 * @machine: enum vmstore_machine
 * @r: region that outlives the machine
 * @nr_cpus: CPUs of a soft machine, 1 to VMS_SOFT_MAX_CPUS, 0 for the default; live
 *	has those that exist and takes only 0
 *
 * The caller then sets kernel_pte and on_kick. May sleep.
 *
 * Return: 0, -EINVAL, -ENOMEM, or -EOPNOTSUPP when there is no such machine here.
 */
int vms_mmu_init(struct vms_mmu *m, u32 machine, struct vms_region *r, u32 nr_cpus)
{
	const struct vms_mmu_ops *ops;
	int err;

	if (machine > VMSTORE_MACHINE_SOFT)
		return -EINVAL;
	if (machine == VMSTORE_MACHINE_DEFAULT)
		machine = vms_mmu_find(VMSTORE_MACHINE_LIVE) ? VMSTORE_MACHINE_LIVE :
							       VMSTORE_MACHINE_SOFT;
	ops = vms_mmu_find(machine);
	if (!ops)
		return -EOPNOTSUPP;
	if (machine == VMSTORE_MACHINE_SOFT) {
		if (nr_cpus > VMS_SOFT_MAX_CPUS)
			return -EINVAL;
		m->nr_cpus = nr_cpus ?: VMS_SOFT_DEFAULT_CPUS;
	} else {
		if (nr_cpus || m->seed)
			return -EINVAL;
		m->nr_cpus = 0;
	}
	m->region = r;
	m->caps = 0;
	m->ops = ops;
	err = ops->init(m);
	if (err)
		m->ops = NULL;
	return err;
}

/**
 * vms_mmu_exit - end a machine
 * @m: machine without roots, or one that was never initialised
 *
 * on_kick is not called any more when this returns. May sleep.
 */
void vms_mmu_exit(struct vms_mmu *m)
{
	if (!m->ops)
		return;
	m->ops->exit(m);
	m->ops = NULL;
}

static bool vms_va_is_kernel(u64 va)
{
	return va >= VMSTORE_KERNEL_BASE;
}

/**
 * vms_access_valid - is an access one that a machine may do?
 * @a: access
 *
 * Only the user half and the private kernel slot belong to vmstore. All else of the
 * kernel half is Linux's, and an address that is not canonical faults differently.
 * Any context.
 *
 * Return: true when it may be done.
 */
bool vms_access_valid(const struct vms_access *a)
{
	u64 start = vms_va_is_kernel(a->va) ? VMSTORE_KERNEL_BASE : 0;
	u64 size = start ? vms_page_size(VMS_NR_LEVELS) : VMSTORE_USER_END;
	u64 offset = a->va - start;

	return a->len <= VMS_ACCESS_MAX && offset < size && a->len <= size - offset;
}

/* The entry of the root, or what stands for it where the root cannot hold it */
static u64 *vms_root_entry(struct vms_mmu *m, struct vms_root *r, u64 va)
{
	if (vms_va_is_kernel(va) && !m->kernel_in_root)
		return &m->kernel_pte;
	return &r->entries[vms_pte_index(va, VMS_NR_LEVELS)];
}

/*
 * The table that @pte points at. Those of the linear window are no slots [D16] and
 * come from the page allocator.
 */
static u64 *vms_table_kva(const struct vms_mmu *m, u64 pte, bool kernel)
{
	u64 pa = vms_pte_pa(pte);
	u32 idx;

	if (!vms_region_slot_of_pa(m->region, pa, &idx))
		return vms_slot_kva(m->region, idx);
	if (kernel && pfn_valid(pa >> VMS_PAGE_SHIFT))
		return phys_to_virt(pa);
	return NULL;
}

static bool vms_leaf_in_region(const struct vms_mmu *m, u64 pte, int level)
{
	u64 pa = vms_pte_pa(pte);
	u32 idx;

	/* A block is aligned to its size, so an aligned leaf ends in it too */
	return level <= VMS_MAX_LEAF_LEVEL && !(pa & (vms_page_size(level) - 1)) &&
	       !vms_region_slot_of_pa(m->region, pa, &idx);
}

/* From entry @entry of a table at @level on */
static int vms_walk_from(struct vms_mmu *m, u64 *entry, int level, u64 va, struct vms_walk *w)
{
	w->first = level;
	w->write = true;
	for (;; level--) {
		/* Pairs with the release of every store of an entry */
		u64 pte = smp_load_acquire(entry);
		u64 *table;

		w->level = level;
		w->entry[level] = entry;
		w->pte[level] = pte;
		if (!vms_pte_well_formed(pte, level))
			return -EIO;
		switch (vms_pte_kind(pte)) {
		case VMS_ENTRY_NONE:
			return 0;
		case VMS_ENTRY_LEAF:
			if (!vms_leaf_in_region(m, pte, level))
				return -EIO;
			w->write &= !!(pte & VMS_PTE_WRITE);
			return 0;
		case VMS_ENTRY_TABLE:
			w->write &= !!(pte & VMS_PTE_WRITE);
			break;
		}
		table = vms_table_kva(m, pte, vms_va_is_kernel(va));
		if (!table)
			return -EIO;
		entry = &table[vms_pte_index(va, level - 1)];
	}
}

/**
 * vms_mmu_walk - walk the tables in software, changing nothing
 * @m: machine
 * @r: root
 * @va: of a valid access
 * @w: out: what was found
 *
 * Refuses everything that the hardware might take for a reserved bit or that leads
 * out of the region: on the live machine some of that is fatal. Any context.
 *
 * Return: 0, or -EIO when an entry was not written by vmstore.
 */
int vms_mmu_walk(struct vms_mmu *m, struct vms_root *r, u64 va, struct vms_walk *w)
{
	return vms_walk_from(m, vms_root_entry(m, r, va), VMS_NR_LEVELS, va, w);
}

/**
 * vms_mmu_walk_table - the lower part of a walk
 * @m: machine
 * @table: table that the upper part led to, perhaps some time ago
 * @level: of its entries
 * @va: of a valid access
 * @w: out: what was found
 *
 * Return: as vms_mmu_walk().
 */
int vms_mmu_walk_table(struct vms_mmu *m, u64 *table, int level, u64 va, struct vms_walk *w)
{
	return vms_walk_from(m, &table[vms_pte_index(va, level)], level, va, w);
}

/**
 * vms_walk_fault - what an access gets from the tables as they were walked
 * @w: walk that returned 0
 * @write: the access is a store
 *
 * Return: 0, or VMSTORE_FAULT_TAKEN with the bits of the error code.
 */
u32 vms_walk_fault(const struct vms_walk *w, bool write)
{
	u32 fault = VMSTORE_FAULT_TAKEN | (write ? VMSTORE_FAULT_WRITE : 0);

	if (vms_pte_kind(w->pte[w->level]) == VMS_ENTRY_NONE)
		return fault;
	return write && !w->write ? fault | VMSTORE_FAULT_PRESENT : 0;
}

/**
 * vms_watch_valid - is a watch one that a machine may do?
 * @w: watch
 *
 * Any context.
 *
 * Return: true when it may be done.
 */
bool vms_watch_valid(const struct vms_watch *w)
{
	const struct vms_access a = { .va = w->va, .len = w->width };

	return vms_access_valid(&a);
}

/* Where the tables say that @va lies, 0 = nowhere */
static u64 vms_walk_pa(const struct vms_walk *w, u64 va)
{
	u64 pte = w->pte[w->level];

	if (vms_pte_kind(pte) != VMS_ENTRY_LEAF)
		return 0;
	return vms_pte_pa(pte) + (va & (vms_page_size(w->level) - 1));
}

/**
 * vms_watch_note - count one load
 * @w: watch
 * @walk: of its address, just before the load
 * @flushes: flushes of the CPU so far; none between the walk and the load
 * @value: loaded
 * @fault: or its fault
 *
 * Any context.
 */
void vms_watch_note(struct vms_watch *w, const struct vms_walk *walk, u64 flushes, u64 value,
		    u32 fault)
{
	u64 pa = vms_walk_pa(walk, w->va);
	struct vms_watch_count *count;

	if (!w->done) {
		w->first = value;
		w->first_fault = fault;
		w->first_pa = pa;
		w->first_flushes = flushes;
	}
	WRITE_ONCE(w->done, w->done + 1);
	w->flushes = flushes - w->first_flushes;
	count = w->flushes ? &w->after : &w->before;
	if (fault) {
		count->fault++;
	} else if (w->first_fault || value != w->first) {
		count->other++;
	} else {
		count->same++;
		count->stale += pa != w->first_pa;
	}
}

/**
 * vms_root_clear_upper - remove what root_init put into a root node
 * @r: root that no CPU walks
 *
 * The frame may become a data frame next: nobody shall read machine addresses there.
 */
void vms_root_clear_upper(struct vms_root *r)
{
	memset(r->entries + VMS_USER_ROOT_ENTRIES, 0,
	       (VMS_NR_ENTRIES - VMS_USER_ROOT_ENTRIES) * sizeof(*r->entries));
}
