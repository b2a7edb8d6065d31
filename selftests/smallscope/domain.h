/* SPDX-License-Identifier: GPL-2.0-only */
/* A small domain: which operations, with which arguments, on how many objects. */
#ifndef SMALLSCOPE_DOMAIN_H
#define SMALLSCOPE_DOMAIN_H

#include "../oracle/oracle.h"

#define MOVE_DATA	4	/* words an operation may point at */

/**
 * struct move - an operation to try in a state
 * @op: ids are those of the state it is made for. A pointer among its arguments is 0 or
 *	stands for @data
 * @data: what it points at
 * @len: of that, bytes
 */
struct move {
	struct vmstore_op op;
	__u64 data[MOVE_DATA];
	__u32 len;
};

struct range {
	__u64 start;
	__u64 len;
};

/* A kernel area to make, for @nr frames; more than 2 stands for a bad pointer */
struct area {
	__u64 size;
	__u64 offset;
	__u32 nr;
};

/* One to make for device memory, from its first byte on */
struct device_area {
	__u64 size;
	__u64 offset;
	__u64 start;
	__u64 len;
};

/* What PROTECT_NEXT is asked for */
struct change {
	struct vmstore_prop prop;
	struct vmstore_prop mask;
	__u16 flags;
};

/**
 * struct limits - states with more than this are reached and checked, not explored
 * @per_frame: handles of one frame
 * @frames: handles and exclusive handles
 * @uniques: exclusive handles
 * @segments: segments
 * @spaces: spaces
 * @cursors: cursors
 * @ios: readers and writers
 * @lists: frame lists
 * @areas: kernel areas
 */
struct limits {
	__u32 per_frame;
	__u32 frames;
	__u32 uniques;
	__u32 segments;
	__u32 spaces;
	__u32 cursors;
	__u32 ios;
	__u32 lists;
	__u32 areas;
};

/**
 * struct domain - what is enumerated
 * @name: of the test
 * @window: data frames that operations name; they follow each other
 * @spare: slots besides these, 0 = all of the region
 * @device: bytes of device memory, 0 = two pages
 * @depth: explore no deeper
 * @fixpoint: every state within the limits must be explored
 * @min_depth: to be complete to this depth
 * @min_states: to be reached at least
 * @limits: of what is explored
 * @ops: opcodes, 0 ends them
 * @opens: ranges to open
 * @vas: to jump to, to access
 * @lens: to walk, to unmap
 * @props: to map with
 * @changes: to protect with
 * @flushes: to flush; len 0 = all
 * @defers: what maps or unmaps does so with VMSTORE_OPF_DEFER, too
 * @ios: of readers and writers of a space
 * @kernel_ios: of kernel ones, paddr of the window's first frame as 0
 * @amounts: bytes to read, write, skip, limit
 * @areas: kernel areas to make
 * @device_areas: the same with device memory
 * @parts: of an area, to unmap or protect
 * @spots: offsets into an area, to query, to access
 * @area_ios: of readers and writers of an area, from its start on
 * @first: operations that lead to the first state explored; their ids count from 1, a
 *	paddr or an address in the linear window is a number of frames into the window
 *
 * Every list goes on to its nr_ member.
 */
struct domain {
	const char *name;
	__u32 window;
	__u32 spare;
	__u64 device;
	__u32 depth;
	bool fixpoint;
	__u32 min_depth;
	__u32 min_states;
	struct limits limits;
	const __u16 *ops;
	const struct range *opens;
	const __u64 *vas;
	const __u64 *lens;
	const struct vmstore_prop *props;
	const struct change *changes;
	const struct range *flushes;
	bool defers;
	const struct range *ios;
	const struct range *kernel_ios;
	const __u64 *amounts;
	const struct area *areas;
	const struct device_area *device_areas;
	const struct range *parts;
	const __u64 *spots;
	const struct range *area_ios;
	const struct vmstore_op *first;
	__u32 nr_opens, nr_vas, nr_lens, nr_props, nr_changes, nr_flushes, nr_ios,
	      nr_kernel_ios, nr_amounts, nr_areas, nr_device_areas, nr_parts, nr_spots,
	      nr_area_ios, nr_first;
};

/**
 * struct menu - every operation of a domain with every argument, for one state
 * @moves: them
 * @nr: how many
 * @room: allocated
 */
struct menu {
	struct move *moves;
	__u32 nr;
	__u32 room;
};

/**
 * menu_make() - what is to be tried in a state
 * @menu: zeroed, or of an earlier state; free menu->moves in the end
 * @d: domain
 * @s: state
 * @base: paddr of the first frame of the window
 *
 * Of objects that are equal up to their ids one is named. Every id argument is also one
 * that never was, which then comes with one value of the other arguments.
 */
void menu_make(struct menu *menu, const struct domain *d, const struct orc_state *s,
	       __u64 base);

#endif /* SMALLSCOPE_DOMAIN_H */
