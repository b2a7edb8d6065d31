// SPDX-License-Identifier: GPL-2.0-only
/* The touch set of a store: see touch.h. */

#include <linux/overflow.h>
#include <linux/slab.h>

#include "region.h"
#include "touch.h"

/**
 * vms_touch_alloc - an empty touch set
 * @nr_slots: of the region
 *
 * May sleep.
 *
 * Return: the set, or NULL.
 */
struct vms_touch *vms_touch_alloc(u32 nr_slots)
{
	struct vms_touch *t = kvzalloc(sizeof(*t), GFP_KERNEL_ACCOUNT);

	if (!t)
		return NULL;
	INIT_LIST_HEAD(&t->gathers);
	t->declared = U32_MAX;
	t->slot = kvcalloc(nr_slots, sizeof(*t->slot), VMS_GFP_LARGE);
	t->mark = kvcalloc(nr_slots, sizeof(*t->mark), VMS_GFP_LARGE);
	if (!t->slot || !t->mark) {
		vms_touch_free(t);
		return NULL;
	}
	return t;
}

/* vms_touch_free - no gather is marked any more; NULL is fine */
void vms_touch_free(struct vms_touch *t)
{
	if (!t)
		return;
	kvfree(t->mark);
	kvfree(t->slot);
	kvfree(t);
}

/**
 * vms_touch_clear - begin anew
 * @t: set whose gathers are dealt with
 *
 * Until the next operation declares less, everything may be touched.
 */
void vms_touch_clear(struct vms_touch *t)
{
	while (t->nr_slots)
		t->mark[t->slot[--t->nr_slots]] = 0;
	t->nr_ids = 0;
	t->overflow = false;
	t->kinds = 0;
	t->declared = U32_MAX;
}

void __vms_touch_slot(struct vms_touch *t, u32 idx, u8 mark)
{
	t->kinds |= (mark & VMS_MARK_SLOT ? VMS_TOUCH_SLOTS : 0) |
		    (mark & VMS_MARK_NODE ? VMS_TOUCH_TABLES : 0);
	if (!t->mark[idx])
		t->slot[t->nr_slots++] = idx;
	t->mark[idx] |= mark;
}

void __vms_touch_id(struct vms_touch *t, u32 kind, u64 id)
{
	t->kinds |= kind;
	if (t->nr_ids == VMS_TOUCH_MAX_IDS)
		t->overflow = true;
	else
		t->id[t->nr_ids++] = (struct vms_touched_id) { kind, id };
}
