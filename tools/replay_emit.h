/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Operations on lists of pages: map them, take their mappings away, change what
 * is allowed, copy them on a write, and check through the MMU what each access
 * yields. The lists are of one space and ordered by address.
 */
#ifndef VMS_REPLAY_EMIT_H
#define VMS_REPLAY_EMIT_H

#include "replay_pages.h"
#include "replay_queue.h"

#define RE_PAGE		VMSTORE_PAGE_SIZE

/**
 * struct re - where operations go
 * @q: the queue
 * @cpu: CPU of the process that is re-enacted
 * @nr_cpus: CPUs to use
 * @values: unique values given out
 * @frames: frames that hold data
 * @top_frames: most of them at one time
 * @live: leaves there are
 * @mapped: pages mapped
 * @moved: of these, with the frame from another address
 * @returned: of these, with the frame they had before they became PROT_NONE
 * @copies: pages copied on a write
 * @reused: pages made writable on a write, since nobody else had the frame
 * @no_copy: pages not copied for lack of frames
 * @room: frames that may hold data
 */
struct re {
	struct rq q;
	__u32 cpu;
	__u32 nr_cpus;
	__u64 values;
	__u64 frames;
	__u64 top_frames;
	__u64 live;
	__u64 mapped;
	__u64 moved;
	__u64 returned;
	__u64 copies;
	__u64 reused;
	__u64 no_copy;
	__u64 room;
};

/**
 * struct re_list - pages
 * @page: the pages
 * @nr: how many
 */
struct re_list {
	struct rp_page **page;
	size_t nr;
};

/**
 * re_prop() - property of a page's leaf
 * @page: the page
 *
 * Return: what the program asked for, without W as long as a fork shares it.
 */
struct vmstore_prop re_prop(const struct rp_page *page);

/**
 * re_writable() - whether a store through the page's leaf succeeds
 * @page: the page, mapped
 *
 * Return: true when it does.
 */
bool re_writable(const struct rp_page *page);

/**
 * re_select() - the pages in a range that fulfil a condition
 * @space: the space
 * @start: first address
 * @end: behind the last
 * @is: the condition; NULL = all
 * @list: to fill; end with free(list->page)
 *
 * Return: 0 or -ENOMEM.
 */
int re_select(struct rp_space *space, __u64 start, __u64 end,
	      bool (*is)(const struct rp_page *page), struct re_list *list);

bool re_is_mapped(const struct rp_page *page);
bool re_is_held(const struct rp_page *page);
bool re_is_cow_writable(const struct rp_page *page);

/**
 * re_map() - map pages: with the frame they keep, else with a new one
 * @re: where to
 * @list: pages that are not mapped
 *
 * Return: as rq_run(), like all below.
 */
int re_map(struct re *re, const struct re_list *list);

/**
 * re_hold() - make a handle of each page's frame
 * @re: where to
 * @list: pages that are mapped
 * @into: the pages that keep the handles; may be @list
 */
int re_hold(struct re *re, const struct re_list *list,
	    const struct re_list *into);

/**
 * re_unmap() - take all mappings of a range away with one operation
 * @re: where to
 * @space: the space
 * @start: first address
 * @end: behind the last
 * @list: the pages that are mapped there
 */
int re_unmap(struct re *re, struct rp_space *space, __u64 start, __u64 end,
	     const struct re_list *list);

/**
 * re_protect() - give the leaves the property their pages ask for, and flush
 * @re: where to
 * @list: pages that are mapped
 */
int re_protect(struct re *re, const struct re_list *list);

/**
 * re_fork() - map the frames of pages in another space
 * @re: where to
 * @from: pages that are mapped
 * @to: pages of the other space, with the same frames
 *
 * Leaves of private pages lose W on both sides.
 */
int re_fork(struct re *re, const struct re_list *from,
	    const struct re_list *to);

/**
 * re_drop_handles() - drop the handles of pages that keep their frame
 * @re: where to
 * @list: pages that are not mapped
 */
int re_drop_handles(struct re *re, const struct re_list *list);

/**
 * re_fill() - write a unique value to each page, as the program or as the kernel
 * @re: where to
 * @list: pages that are mapped
 * @fresh: they must be zero before
 *
 * A store to a page that is not writable must fault.
 */
int re_fill(struct re *re, const struct re_list *list, bool fresh);

/**
 * re_verify() - read each page's value on two CPUs
 * @re: where to
 * @list: pages that are mapped
 * @check: why
 */
int re_verify(struct re *re, const struct re_list *list, enum rq_check check);

/**
 * re_faults() - an access to each page must fault
 * @re: where to
 * @list: the pages
 * @check: why; RQ_READ_ONLY and RQ_COW store, others load and store in turn
 */
int re_faults(struct re *re, const struct re_list *list, enum rq_check check);

/**
 * re_fault_at() - a load must fault since nothing is mapped
 * @re: where to
 * @space: the space
 * @va: where
 * @check: why
 */
int re_fault_at(struct re *re, const struct rp_space *space, __u64 va,
		enum rq_check check);

/**
 * re_cow() - write to pages that a fork shares: fault, copy, write
 * @re: where to
 * @list: pages for which re_is_cow_writable() holds
 *
 * The others that have the frame must still find the old value.
 */
int re_cow(struct re *re, const struct re_list *list);

#endif /* VMS_REPLAY_EMIT_H */
