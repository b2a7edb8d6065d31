/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Frame lists: effects of their operations on slots [model 5.8]. No registry here.
 *
 * The frames of a list are UNIQUE and have no handle; who takes one out has one again.
 * Their slots are the links, and carry the tag of their list in in_list. Links and list
 * change only in the hand of one operation (vms_store_extract_list()), so nothing here is
 * locked; in_list alone is read by others, who ask whether a frame is in a list of theirs.
 *
 * A list may have one cursor, at a link or past the last one. It is part of the list: the
 * list is then "out", and its id is the cursor's name too [L7].
 */
#ifndef VMS_LIST_H
#define VMS_LIST_H

#include <linux/list.h>

#include "region.h"

/**
 * struct vms_list - a frame list
 * @tag: in_list of its frames, 0 until it has had one; its own for ever
 * @first: slot, VMS_NO_SLOT when it is empty
 * @last: slot, VMS_NO_SLOT when it is empty
 * @nr: frames in it
 * @out: it has a cursor, which stands at
 * @at: this slot, VMS_NO_SLOT past the last one or without a cursor, which is
 * @index: this number in the list, from 0 to @nr; 0 without a cursor
 * @seen_tag: the checker's: the tag it has last compared with those of all others, and
 * @by_tag: what it sorts lists with
 */
struct vms_list {
	u64 tag;
	u32 first;
	u32 last;
	u32 nr;
	bool out;
	u32 at;
	u32 index;
	u64 seen_tag;
	struct list_head by_tag;
};

void vms_list_init(struct vms_list *list);
u32 vms_list_at(struct vms_region *r, const struct vms_list *list, u64 n);
bool vms_list_has(const struct vms_region *r, const struct vms_list *list, u64 paddr,
		  u32 *slot);
void vms_list_insert(struct vms_region *r, struct vms_list *list, u32 before, u32 slot);
void vms_list_take(struct vms_region *r, struct vms_list *list, u32 slot);
u64 vms_list_drop(struct vms_region *r, struct vms_list *list);

void vms_list_cursor_front(struct vms_list *list);
void vms_list_cursor_back(struct vms_list *list);
void vms_list_cursor_at(struct vms_region *r, struct vms_list *list, u32 slot);
void vms_list_cursor_next(struct vms_region *r, struct vms_list *list);
void vms_list_cursor_prev(struct vms_region *r, struct vms_list *list);
void vms_list_cursor_drop(struct vms_list *list);

#endif /* VMS_LIST_H */
