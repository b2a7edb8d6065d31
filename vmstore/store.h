/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The store: VmStore and KVmStore over one region, their registries, and the helpers
 * that take entries out and put them in [model 2.1, 4].
 *
 * Lock order: cpus_read_lock, the store's lock, reap_lock, node, flush queue. A claim is
 * not waited for.
 * In check mode off operations run side by side and hold @rwsem for reading; what
 * wants a quiet store takes it for writing. In the other modes every operation and
 * its check hold @serial; @rwsem is then taken for reading only.
 */
#ifndef VMS_STORE_H
#define VMS_STORE_H

#include <linux/mutex.h>
#include <linux/percpu-rwsem.h>
#include <linux/xarray.h>

#include "cursor.h"

#define VMS_MAX_SPACES		65536
#define VMS_MAX_CURSORS		65536
#define VMS_MAX_FRAMES		16777216

struct vms_inv;

/**
 * struct vms_registry - one id space of a store
 * @xa: entries by id
 * @last: id given out last; ids are never used again
 * @count: live entries
 * @max: most of them allowed
 */
struct vms_registry {
	struct xarray xa;
	atomic64_t last;
	atomic_t count;
	int max;
};

/**
 * struct vms_store - a store
 * @setup_lock: SETUP, once; guards @ready
 * @ready: everything below exists
 * @serial: see above
 * @rwsem: see above
 * @mode: enum vmstore_check_mode
 * @frozen: a clause was violated; operations are -EIO
 * @region: its memory
 * @mmu: its machine
 * @tlb: its flush queues
 * @kernel: its kernel half
 * @act: which space is active where
 * @spaces: VmSpaceId -> struct vms_space [F0-vm_spaces]
 * @cursors: CursorId -> struct vms_cursor [F0-cursors]
 * @frames: FrameId -> slot as an xarray value [F0-frames, F-FrameEntry.paddr]
 * @reap_lock: held by a reap
 * @left_lock: guards @left
 * @left: gathers whose cursor is closed
 * @inv: the checker's counters and what it found
 * @ops: operations executed
 * @generation: moves with every operation
 */
struct vms_store {
	struct mutex setup_lock;	/* see above */
	bool ready;
	struct mutex serial;		/* see above */
	struct percpu_rw_semaphore rwsem;
	u32 mode;
	bool frozen;
	struct vms_region region;
	struct vms_mmu mmu;
	struct vms_tlb tlb;
	struct vms_kernel_half kernel;
	struct vms_activation act;
	struct vms_registry spaces;
	struct vms_registry cursors;
	struct vms_registry frames;
	struct mutex reap_lock;		/* one reap at a time */
	spinlock_t left_lock;		/* left */
	struct list_head left;
	struct vms_inv *inv;
	atomic64_t ops;
	atomic64_t generation;
};

struct vms_store *vms_store_create(void);
int vms_store_setup(struct vms_store *s, const struct vmstore_setup *args);
int vms_store_make_ready(struct vms_store *s);
void vms_store_destroy(struct vms_store *s);
u64 vms_store_default_region(void);
u64 vms_store_max_region(void);

static inline bool vms_store_ready(struct vms_store *s)
{
	/* Pairs with the end of the set-up */
	return smp_load_acquire(&s->ready);
}

int vms_store_lock(struct vms_store *s);
void vms_store_unlock(struct vms_store *s);
int vms_store_lock_quiet(struct vms_store *s);
void vms_store_unlock_quiet(struct vms_store *s);

int vms_registry_reserve(struct vms_registry *reg, u64 *id);
void vms_registry_unreserve(struct vms_registry *reg, u64 id);
void vms_registry_insert(struct vms_registry *reg, u64 id, void *entry);
void *vms_registry_extract(struct vms_registry *reg, u64 id);
void *vms_registry_hold(struct vms_registry *reg, u64 id);
void vms_registry_unhold(struct vms_registry *reg, u64 id, void *entry);

struct vms_space *vms_store_get_space(struct vms_store *s, u64 id);
struct vms_cursor *vms_store_claim_cursor(struct vms_store *s, u64 id, bool mut);

void vms_store_leave_gather(struct vms_store *s, struct vms_gather *g);
void vms_store_reap(struct vms_store *s, struct vms_removed *sum);

static inline void *vms_frame_entry(u32 slot)
{
	return xa_mk_value(slot);
}

static inline u32 vms_frame_entry_slot(const void *entry)
{
	return xa_to_value(entry);
}

#endif /* VMS_STORE_H */
