/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What changed since the last check: the touch set of a store [design 7].
 *
 * The check modes step and full want to know what an operation changed. Who changes a
 * slot, a node, a gather or an entry of a registry marks it here, before or after the
 * change, but within the same operation. Only the lowest functions do so, those through
 * which every change goes (vms_slot_*, vms_node_*, vms_gather_*, vms_registry_*, the
 * claim of an object); whoever adds one of these marks too, and a row of the table of
 * operations declares the kinds it may touch. What changed without a mark is a violation
 * (G2, G3), what was touched and not declared as well (G4).
 *
 * In mode off there is no touch set, and a mark is one branch. In the others operations
 * run one at a time, so nothing here is atomic. Interrupts never mark.
 */
#ifndef VMS_TOUCH_H
#define VMS_TOUCH_H

#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/list.h>
#include <linux/types.h>

/* Kinds of things an operation may touch: struct vms_op_row.touches */
#define VMS_TOUCH_SLOTS		BIT(0)	/* count, paths, usage, type, storage, list */
#define VMS_TOUCH_TABLES	BIT(1)	/* entries and metadata of nodes */
#define VMS_TOUCH_GATHERS	BIT(2)
#define VMS_TOUCH_FRAMES	BIT(3)	/* registries, and what their entries hold */
#define VMS_TOUCH_SPACES	BIT(4)
#define VMS_TOUCH_CURSORS	BIT(5)
#define VMS_TOUCH_SEGMENTS	BIT(6)
#define VMS_TOUCH_UNIQUES	BIT(7)
#define VMS_TOUCH_IOS		BIT(8)
#define VMS_TOUCH_ACTIVATION	BIT(9)
#define VMS_TOUCH_KVIRTS	BIT(10)
#define VMS_TOUCH_LISTS		BIT(11)	/* and what stands at which link */
#define VMS_TOUCH_TLB		BIT(12)	/* what the model considers cached */

/* What a dispatch and the release of gathered references touch */
#define VMS_TOUCH_REAP		(VMS_TOUCH_SLOTS | VMS_TOUCH_TABLES | VMS_TOUCH_GATHERS | \
				 VMS_TOUCH_TLB)

/* Marks of a slot */
#define VMS_MARK_SLOT		BIT(0)	/* its record */
#define VMS_MARK_NODE		BIT(1)	/* as a node: entries, metadata */
#define VMS_MARK_COUNT		BIT(2)	/* by the checker: its recount moved */

/* More than any operation touches but those on whole arrays of handles */
#define VMS_TOUCH_MAX_IDS	1024

/* An entry of a registry */
struct vms_touched_id {
	u32 kind;
	u64 id;
};

/**
 * struct vms_touch - what changed since the last check
 * @kinds: VMS_TOUCH_* of all that was marked since the operation began
 * @declared: VMS_TOUCH_* that may be
 * @nr_slots: slots marked
 * @slot: which, in the order of their first mark
 * @mark: VMS_MARK_* of each slot of the region
 * @gathers: struct vms_gather_seen.touched of the gathers marked
 * @nr_ids: entries of registries marked, some perhaps more than once
 * @id: which
 * @overflow: there were more
 */
struct vms_touch {
	u32 kinds;
	u32 declared;
	u32 nr_slots;
	u32 *slot;
	u8 *mark;
	struct list_head gathers;
	u32 nr_ids;
	struct vms_touched_id id[VMS_TOUCH_MAX_IDS];
	bool overflow;
};

struct vms_touch *vms_touch_alloc(u32 nr_slots);
void vms_touch_free(struct vms_touch *t);
void vms_touch_clear(struct vms_touch *t);
void __vms_touch_slot(struct vms_touch *t, u32 idx, u8 mark);
void __vms_touch_id(struct vms_touch *t, u32 kind, u64 id);

/* vms_touch_slot - mark the record of a slot; @t may be NULL here and below */
static inline void vms_touch_slot(struct vms_touch *t, u32 idx)
{
	if (unlikely(t))
		__vms_touch_slot(t, idx, VMS_MARK_SLOT);
}

/* vms_touch_node - mark the entries and the metadata of a node */
static inline void vms_touch_node(struct vms_touch *t, u32 idx)
{
	if (unlikely(t))
		__vms_touch_slot(t, idx, VMS_MARK_NODE);
}

/*
 * vms_touch_id - mark an entry of the registry that is of @kind, VMS_TOUCH_*. The id of
 * ACTIVATION is that of a space.
 */
static inline void vms_touch_id(struct vms_touch *t, u32 kind, u64 id)
{
	if (unlikely(t))
		__vms_touch_id(t, kind, id);
}

/* vms_touch_declare - what the operation that begins now may touch, VMS_TOUCH_* */
static inline void vms_touch_declare(struct vms_touch *t, u32 kinds)
{
	if (likely(!t))
		return;
	t->kinds = 0;
	t->declared = kinds;
}

/* vms_touch_also - and this, too */
static inline void vms_touch_also(struct vms_touch *t, u32 kinds)
{
	if (unlikely(t))
		t->declared |= kinds;
}

#endif /* VMS_TOUCH_H */
