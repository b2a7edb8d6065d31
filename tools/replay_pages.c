// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the re-enacted program should find in its pages.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "replay_pages.h"

size_t rp_find(const struct rp_space *space, __u64 va)
{
	size_t low = 0, high = space->nr_pages, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (space->page[mid]->va < va)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

void rp_set_frame(struct rp_page *page, struct rp_frame *frame)
{
	struct rp_frame *old = page->frame;
	struct rp_page **link;

	if (old) {
		for (link = &old->pages; *link != page; link = &(*link)->next)
			;
		*link = page->next;
		if (!--old->nr_pages)
			free(old);
	}
	page->frame = frame;
	page->next = NULL;
	if (frame) {
		page->next = frame->pages;
		frame->pages = page;
		frame->nr_pages++;
	}
}

struct rp_page *rp_new(struct rp_space *space, __u64 va, struct rp_frame *frame)
{
	struct rp_page *page = calloc(1, sizeof(*page));

	if (!page)
		return NULL;
	if (!frame)
		frame = calloc(1, sizeof(*frame));
	if (!frame) {
		free(page);
		return NULL;
	}
	page->space = space;
	page->va = va;
	rp_set_frame(page, frame);
	return page;
}

int rp_insert(struct rp_space *space, struct rp_page **pages, size_t nr)
{
	size_t want = space->nr_pages + nr, old, to;
	struct rp_page **grown;

	if (want > space->room) {
		size_t room = want + want / 2;

		grown = reallocarray(space->page, room, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		space->page = grown;
		space->room = room;
	}
	/* Merge from the back, so that nothing is overwritten. */
	old = space->nr_pages;
	for (to = want; nr; to--) {
		if (old && space->page[old - 1]->va > pages[nr - 1]->va)
			space->page[to - 1] = space->page[--old];
		else
			space->page[to - 1] = pages[--nr];
	}
	space->nr_pages = want;
	return 0;
}

void rp_take(struct rp_space *space, size_t from, size_t nr,
	     struct rp_page **pages)
{
	if (!nr)
		return;
	memcpy(pages, space->page + from, nr * sizeof(*pages));
	memmove(space->page + from, space->page + from + nr,
		(space->nr_pages - from - nr) * sizeof(*pages));
	space->nr_pages -= nr;
}

size_t rp_sweep(struct rp_space *space)
{
	size_t i, keep = 0, freed = 0;
	struct rp_page *page;

	for (i = 0; i < space->nr_pages; i++) {
		page = space->page[i];
		if (!page->gone) {
			space->page[keep++] = page;
			continue;
		}
		freed += page->frame->nr_pages == 1;
		rp_set_frame(page, NULL);
		free(page);
	}
	space->nr_pages = keep;
	return freed;
}

size_t rp_free_space(struct rp_space *space)
{
	size_t i, freed;

	for (i = 0; i < space->nr_pages; i++)
		space->page[i]->gone = true;
	freed = rp_sweep(space);
	free(space->page);
	free(space);
	return freed;
}
