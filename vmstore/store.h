/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The store: VmStore and KVmStore over one region, their registries, and the helpers
 * that take entries out and put them in [model 2.1, 4].
 *
 * Lock order: cpus_read_lock, the store's lock, reap_lock or the lock of addresses, node,
 * flush queue. A claim is not waited for; a cursor over areas is, by who holds none of the
 * last four.
 * In check mode off operations run side by side and hold @rwsem for reading; what
 * wants a quiet store takes it for writing. In the other modes every operation and
 * its check hold @serial; @rwsem is then taken for reading only.
 */
#ifndef VMS_STORE_H
#define VMS_STORE_H

#include <linux/mutex.h>
#include <linux/percpu-rwsem.h>

#include "kvirt.h"
#include "list.h"
#include "registry.h"
#include "segment.h"
#include "story.h"
#include "vmio.h"

#define VMS_MAX_SPACES		65536
#define VMS_MAX_CURSORS		65536
#define VMS_MAX_FRAMES		16777216
#define VMS_MAX_SEGMENTS	1048576
#define VMS_MAX_UNIQUES		16777216
#define VMS_MAX_IOS		65536
#define VMS_MAX_KVIRTS		65536
#define VMS_MAX_LISTS		65536

struct vms_inv;

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
 * @kernel_pt: page table that has the kernel half and nothing else; active nowhere
 * @kvirts: the addresses of kernel areas
 * @act: which space is active where
 * @spaces: VmSpaceId -> struct vms_space [F0-vm_spaces]
 * @cursors: CursorId -> struct vms_cursor [F0-cursors]
 * @frames: FrameId -> slot as an xarray value [F0-frames, F-FrameEntry.paddr]
 * @segments: SegmentId -> range as an xarray value [F0-segments, F-SegmentEntry.range]
 * @uniques: UniqueId -> slot as an xarray value [F0-unique_frames, F-UniqueEntry.paddr]
 * @ios: VmIoId -> struct vms_io [F0-vm_ios]
 * @areas: KVirtId -> struct vms_kvirt [F2-kvirt_areas]
 * @lists: ListId -> struct vms_list
 * @last_tag: tag given to a list last; never one twice
 * @reap_lock: held by a reap
 * @left_lock: guards @left
 * @left: gathers whose cursor is closed
 * @inv: the checker's counters and what it found
 * @story: the operations executed last
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
	struct vms_pt kernel_pt;
	struct vms_kvirts kvirts;
	struct vms_activation act;
	struct vms_registry spaces;
	struct vms_registry cursors;
	struct vms_registry frames;
	struct vms_registry segments;
	struct vms_registry uniques;
	struct vms_registry ios;
	struct vms_registry areas;
	struct vms_registry lists;
	atomic64_t last_tag;
	struct mutex reap_lock;		/* one reap at a time */
	spinlock_t left_lock;		/* left */
	struct list_head left;
	struct vms_inv *inv;
	struct vms_story story;
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

struct vms_space *vms_store_get_space(struct vms_store *s, u64 id);
struct vms_cursor *vms_store_claim_cursor(struct vms_store *s, u64 id, bool mut);
struct vms_kvirt *vms_store_claim_kvirt(struct vms_store *s, u64 id);
struct vms_kvirt *vms_store_claim_kvirt_at(struct vms_store *s, u64 va);
struct vms_io *vms_store_claim_io(struct vms_store *s, u64 id, bool writer);
int vms_store_claim_ios(struct vms_store *s, u64 source, u64 dest, struct vms_io **reader,
			struct vms_io **writer);

int vms_store_extract_io(struct vms_store *s, u64 id, struct vms_io **io);
int vms_store_insert_io(struct vms_store *s, u64 id, struct vms_io *io);

struct vms_space *vms_store_extract_space(struct vms_store *s, u64 id);
int vms_store_insert_space(struct vms_store *s, u64 id, struct vms_space *space);
struct vms_cursor *vms_store_extract_cursor(struct vms_store *s, u64 id);
int vms_store_insert_cursor(struct vms_store *s, u64 id, struct vms_cursor *c);
int vms_store_extract_frame(struct vms_store *s, u64 id, u32 *slot);
int vms_store_insert_frame(struct vms_store *s, u64 id, u32 slot);
int vms_store_extract_segment(struct vms_store *s, u64 id, struct vms_segment *seg);
int vms_store_insert_segment(struct vms_store *s, u64 id, struct vms_segment seg);
int vms_store_extract_unique(struct vms_store *s, u64 id, u32 *slot);
int vms_store_insert_unique(struct vms_store *s, u64 id, u32 slot);
int vms_store_extract_list(struct vms_store *s, u64 id, bool out, struct vms_list **list);
int vms_store_insert_list(struct vms_store *s, u64 id, struct vms_list *list);

int vms_store_extract_kvirt(struct vms_store *s, u64 id, struct vms_kvirt **area);
int vms_store_insert_kvirt(struct vms_store *s, u64 id, struct vms_kvirt *area);

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

/* A segment is a plain value too: both numbers are below 2^31 */
static inline void *vms_segment_entry(struct vms_segment seg)
{
	return xa_mk_value((u64)seg.first << 31 | seg.nr);
}

static inline struct vms_segment vms_segment_of_entry(const void *entry)
{
	u64 value = xa_to_value(entry);

	return (struct vms_segment) { .first = value >> 31, .nr = value & S32_MAX };
}

#endif /* VMS_STORE_H */
