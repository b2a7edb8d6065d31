/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The shadow: what the checker knows of a store without looking at all of it, in check
 * modes step and full [design 7].
 *
 * It holds the recount of every slot, a copy of every record of a slot, of the entries
 * of every node and of what every registry says. After an operation exactly what the
 * touch set names is compared with the copy, and the recount follows the differences:
 * an entry that came or went is an edge, to a frame or to a node, and a node that lost
 * its last edge takes its own with it. A full check recounts everything and wants the
 * same: what differs where nothing was marked has changed without being declared.
 *
 * Memory for a copy may be lacking after an operation that is done. Then the shadow is
 * not valid, the check is a full one, and builds it anew.
 */
#ifndef VMS_INV_SHADOW_H
#define VMS_INV_SHADOW_H

#include <linux/bitmap.h>

#include "inv.h"

/* The record of a slot, without what the checker has no interest in */
struct vms_slot_copy {
	u64 rc;
	u64 paths;
	u64 in_list;
	struct vms_link link;
	u64 owner;		/* from here on as a node */
	u32 self;
	u32 birth;
	u16 nr_children;
	u8 usage;
	u8 type;
	bool storage;
	u8 level;
	bool stray;
};

/**
 * struct vms_node_copy - a node that is reached, once
 * @gathered: from a gather, not from a root
 * @level: by its place
 * @index: of its entry in @parent
 * @parent: slot, VMS_NO_SLOT for a root or the top of a gathered subtree
 * @space: id of the space, 0 = kernel half or gathered
 * @changed: entries that changed since the last check
 * @entries: A and D masked; those that are not the page table's own are none
 */
struct vms_node_copy {
	bool gathered;
	u8 level;
	u16 index;
	u32 parent;
	u64 space;
	DECLARE_BITMAP(changed, VMS_NR_ENTRIES);
	u64 *entries;
};

/* Registries that have a copy */
enum vms_shadow_reg {
	VMS_SHADOW_SPACES,
	VMS_SHADOW_CURSORS,
	VMS_SHADOW_FRAMES,
	VMS_SHADOW_SEGMENTS,
	VMS_SHADOW_UNIQUES,
	VMS_SHADOW_IOS,
	VMS_SHADOW_KVIRTS,
	VMS_SHADOW_LISTS,
	VMS_SHADOW_NR,
};

/**
 * struct vms_shadow - see above
 * @valid: it is what the store was at the last check, up to what is marked
 * @recount: one per slot
 * @slot: one per slot
 * @node: one per slot, NULL where no node is reached
 * @word: per registry what its entries say, an xarray value by id
 * @nr: per registry entries
 */
struct vms_shadow {
	bool valid;
	struct vms_recount *recount;
	struct vms_slot_copy *slot;
	struct vms_node_copy **node;
	struct xarray word[VMS_SHADOW_NR];
	u64 nr[VMS_SHADOW_NR];
};

int vms_shadow_init(struct vms_store *s);
void vms_shadow_exit(struct vms_store *s);
bool vms_shadow_update(struct vms_store *s);
void vms_shadow_commit(struct vms_store *s);
void vms_shadow_rebuild(struct vms_store *s);
void vms_shadow_subject(struct vms_store *s, u32 idx, struct vms_subject *sub);
struct vms_registry *vms_shadow_registry(struct vms_store *s, enum vms_shadow_reg reg);
void *vms_shadow_word(struct vms_store *s, enum vms_shadow_reg reg, const void *entry);
struct vms_slot_copy vms_shadow_copy_slot(const struct vms_region *r, u32 idx);

#endif /* VMS_INV_SHADOW_H */
