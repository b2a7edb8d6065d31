/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the re-enacted program should find in its pages: for each populated page
 * of each space which frame is behind it, and for each frame what is in it.
 */
#ifndef VMS_REPLAY_PAGES_H
#define VMS_REPLAY_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

struct rp_page;

/**
 * struct rp_frame - a frame of the region
 * @paddr: where it is
 * @value: what is in it: the value in its first 8 bytes, its complement in its
 *	last 8
 * @nr_pages: pages that have it
 * @pages: the first of them
 * @shared: MAP_SHARED: never copied
 */
struct rp_frame {
	__u64 paddr;
	__u64 value;
	unsigned int nr_pages;
	struct rp_page *pages;
	bool shared;
};

/**
 * struct rp_page - a populated page of a space
 * @va: where it is
 * @handle: of the frame while the page is not mapped
 * @frame: its frame
 * @space: its space
 * @next: next page of the same frame
 * @prot: what the program asked for
 * @mapped: there is a leaf for it; else the frame is kept by @handle
 * @cow: not writable before it is copied, since a fork
 * @gone: rp_sweep() will remove it
 */
struct rp_page {
	__u64 va;
	__u64 handle;
	struct rp_frame *frame;
	struct rp_space *space;
	struct rp_page *next;
	unsigned char prot;
	bool mapped;
	bool cow;
	bool gone;
};

/**
 * struct rp_space - the populated pages of a space
 * @nr: number for people
 * @id: of the space in the store
 * @page: ordered by address, @nr_pages
 */
struct rp_space {
	unsigned int nr;
	__u64 id;
	struct rp_page **page;
	size_t nr_pages;
	size_t room;
};

/**
 * rp_find() - the first page at or above an address
 * @space: the space
 * @va: the address
 *
 * Return: its index, @space->nr_pages when there is none.
 */
size_t rp_find(const struct rp_space *space, __u64 va);

/**
 * rp_new() - a page that is in no space's list yet
 * @space: its space
 * @va: its address
 * @frame: its frame; NULL = a new one
 *
 * Return: the page, NULL when memory is exhausted.
 */
struct rp_page *rp_new(struct rp_space *space, __u64 va,
		       struct rp_frame *frame);

/**
 * rp_insert() - put pages into a space's list
 * @space: the space
 * @pages: ordered, none at an address that is taken
 * @nr: how many
 *
 * Return: 0 or -ENOMEM; then nothing was inserted.
 */
int rp_insert(struct rp_space *space, struct rp_page **pages, size_t nr);

/**
 * rp_take() - take pages out of a space's list, keep them
 * @space: the space
 * @from: index of the first
 * @nr: how many
 * @pages: gets them
 */
void rp_take(struct rp_space *space, size_t from, size_t nr,
	     struct rp_page **pages);

/**
 * rp_set_frame() - give a page another frame
 * @page: the page
 * @frame: the frame; NULL = none; the old one is freed with its last page
 */
void rp_set_frame(struct rp_page *page, struct rp_frame *frame);

/**
 * rp_sweep() - free the pages marked gone
 * @space: the space
 *
 * Return: how many frames lost their last page.
 */
size_t rp_sweep(struct rp_space *space);

/**
 * rp_free_space() - free a space with all its pages
 * @space: the space
 *
 * Return: how many frames lost their last page.
 */
size_t rp_free_space(struct rp_space *space);

#endif /* VMS_REPLAY_PAGES_H */
