/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Id spaces: which object an id names [model 2.1]. Ids start at 1 and are never used
 * again.
 *
 * An id is absent, present, or in hand: an operation has its place and nobody sees an
 * entry. Reserving a fresh id takes it in hand with the memory for its entry, and so does
 * extracting an entry. Then it is inserted, or released for good. Both cannot fail for
 * want of memory, so an operation that fails late can put back what it took out.
 *
 *	absent -reserve-> in hand -insert-> present -extract-> in hand -release-> absent
 */
#ifndef VMS_REGISTRY_H
#define VMS_REGISTRY_H

#include <linux/atomic.h>
#include <linux/types.h>
#include <linux/xarray.h>

#include "touch.h"

/**
 * struct vms_registry - one id space of a store
 * @xa: entries by id; XA_ZERO_ENTRY for an id in hand
 * @last: id given out last
 * @count: ids present or in hand
 * @max: most of them allowed
 * @touch: where changes are marked, NULL in check mode off, and
 * @kind: as what, VMS_TOUCH_*
 */
struct vms_registry {
	struct xarray xa;
	atomic64_t last;
	atomic_t count;
	int max;
	struct vms_touch *touch;
	u32 kind;
};

void vms_registry_init(struct vms_registry *reg, int max, u32 kind);
void vms_registry_exit(struct vms_registry *reg);
int vms_registry_reserve(struct vms_registry *reg, u64 *id);
int vms_registry_insert(struct vms_registry *reg, u64 id, void *entry);
void *vms_registry_extract(struct vms_registry *reg, u64 id);
void vms_registry_release(struct vms_registry *reg, u64 id);
int vms_registry_with(struct vms_registry *reg, u64 id,
		      int (*fn)(void *entry, void *arg), void *arg);

/* vms_registry_load - the entry of a present id, or NULL; under RCU if it may go */
static inline void *vms_registry_load(struct vms_registry *reg, u64 id)
{
	return xa_load(&reg->xa, id);
}

#endif /* VMS_REGISTRY_H */
