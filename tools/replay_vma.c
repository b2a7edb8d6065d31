// SPDX-License-Identifier: GPL-2.0-only
/*
 * The mappings of an address space.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "replay_vma.h"

size_t rmm_maps_find(const struct rmm_maps *maps, __u64 addr)
{
	size_t low = 0, high = maps->nr, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (maps->vma[mid].end <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static int rmm_maps_open_gap(struct rmm_maps *maps, size_t i)
{
	if (maps->nr == maps->room) {
		size_t room = maps->room ? maps->room * 2 : 32;
		struct rmm_vma *vma;

		vma = reallocarray(maps->vma, room, sizeof(*vma));
		if (!vma)
			return -ENOMEM;
		maps->vma = vma;
		maps->room = room;
	}
	memmove(&maps->vma[i + 1], &maps->vma[i],
		(maps->nr - i) * sizeof(*maps->vma));
	maps->nr++;
	return 0;
}

int rmm_maps_split(struct rmm_maps *maps, __u64 addr)
{
	size_t i = rmm_maps_find(maps, addr);

	if (i == maps->nr || maps->vma[i].start >= addr)
		return 0;
	if (rmm_maps_open_gap(maps, i))
		return -ENOMEM;
	maps->vma[i] = maps->vma[i + 1];
	maps->vma[i].end = addr;
	maps->vma[i + 1].start = addr;
	return 0;
}

int rmm_maps_insert(struct rmm_maps *maps, const struct rmm_vma *vma)
{
	size_t i = rmm_maps_find(maps, vma->start);

	if (rmm_maps_open_gap(maps, i))
		return -ENOMEM;
	maps->vma[i] = *vma;
	return 0;
}

void rmm_maps_remove(struct rmm_maps *maps, __u64 start, __u64 end)
{
	size_t from = rmm_maps_find(maps, start), to = from;

	while (to < maps->nr && maps->vma[to].start < end)
		to++;
	if (from == to)
		return;
	memmove(&maps->vma[from], &maps->vma[to],
		(maps->nr - to) * sizeof(*maps->vma));
	maps->nr -= to - from;
}

int rmm_maps_copy(struct rmm_maps *to, const struct rmm_maps *from)
{
	if (!from->nr)
		return 0;
	to->vma = reallocarray(NULL, from->nr, sizeof(*to->vma));
	if (!to->vma)
		return -ENOMEM;
	memcpy(to->vma, from->vma, from->nr * sizeof(*to->vma));
	to->nr = from->nr;
	to->room = from->nr;
	return 0;
}

void rmm_maps_free(struct rmm_maps *maps)
{
	free(maps->vma);
	memset(maps, 0, sizeof(*maps));
}
