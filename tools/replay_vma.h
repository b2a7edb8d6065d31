/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The mappings of an address space: an array ordered by address, no two overlap.
 * Neighbours are never merged, so each keeps the line that made it.
 */
#ifndef VMS_REPLAY_VMA_H
#define VMS_REPLAY_VMA_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

/* As in <linux/mman.h>. */
#define RMM_READ	1
#define RMM_WRITE	2
#define RMM_EXEC	4

/**
 * struct rmm_vma - a mapping
 * @start: first address
 * @end: behind the last
 * @prot: RMM_READ, ... ; 0 = PROT_NONE
 * @shared: MAP_SHARED
 * @born: the line that made it
 */
struct rmm_vma {
	__u64 start;
	__u64 end;
	unsigned int prot;
	bool shared;
	unsigned int born;
};

struct rmm_maps {
	struct rmm_vma *vma;
	size_t nr;
	size_t room;
};

/**
 * rmm_maps_find() - the first mapping that ends above an address
 * @maps: the mappings
 * @addr: the address
 *
 * Return: its index, @maps->nr when there is none.
 */
size_t rmm_maps_find(const struct rmm_maps *maps, __u64 addr);

/**
 * rmm_maps_split() - make an address a border
 * @maps: the mappings
 * @addr: the mapping around it becomes two
 *
 * Return: 0 or -ENOMEM.
 */
int rmm_maps_split(struct rmm_maps *maps, __u64 addr);

/**
 * rmm_maps_insert() - add a mapping
 * @maps: nothing is in the range of @vma
 * @vma: to add
 *
 * Return: 0 or -ENOMEM.
 */
int rmm_maps_insert(struct rmm_maps *maps, const struct rmm_vma *vma);

/**
 * rmm_maps_remove() - remove what is in a range
 * @maps: the mappings; both ends are borders
 * @start: first address
 * @end: behind the last
 */
void rmm_maps_remove(struct rmm_maps *maps, __u64 start, __u64 end);

/**
 * rmm_maps_copy() - a second list of the same mappings
 * @to: empty
 * @from: to copy
 *
 * Return: 0 or -ENOMEM.
 */
int rmm_maps_copy(struct rmm_maps *to, const struct rmm_maps *from);

/**
 * rmm_maps_free() - release the list
 * @maps: empty afterwards
 */
void rmm_maps_free(struct rmm_maps *maps);

#endif /* VMS_REPLAY_VMA_H */
