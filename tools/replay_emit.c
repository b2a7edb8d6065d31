// SPDX-License-Identifier: GPL-2.0-only
/*
 * Operations on lists of pages.
 */
#include <errno.h>
#include <stdlib.h>
#include "replay_emit.h"
#include "replay_vma.h"

/* A cursor covers pages that are not further apart than this ... */
#define RE_MAX_GAP	(64 * RE_PAGE)
/* ... and not more than this. */
#define RE_MAX_GROUP	512

#define RE_LAST_WORD	(RE_PAGE - 8)

#define RE_FLAGS	(VMSTORE_PROP_R | VMSTORE_PROP_W | VMSTORE_PROP_X)

/* --- pages ----------------------------------------------------------------- */

bool re_writable(const struct rp_page *page)
{
	return (page->prot & RMM_WRITE) && !page->cow;
}

static __u8 re_flags(const struct rp_page *page)
{
	__u8 flags = VMSTORE_PROP_R;

	if (re_writable(page))
		flags |= VMSTORE_PROP_W;
	if (page->prot & RMM_EXEC)
		flags |= VMSTORE_PROP_X;
	return flags;
}

struct vmstore_prop re_prop(const struct rp_page *page)
{
	return vms_prop(re_flags(page), VMSTORE_PRIV_USER);
}

bool re_is_mapped(const struct rp_page *page)
{
	return page->mapped;
}

bool re_is_held(const struct rp_page *page)
{
	return !page->mapped;
}

bool re_is_cow_writable(const struct rp_page *page)
{
	return page->mapped && page->cow && (page->prot & RMM_WRITE);
}

int re_select(struct rp_space *space, __u64 start, __u64 end,
	      bool (*is)(const struct rp_page *page), struct re_list *list)
{
	size_t from = rp_find(space, start), to = rp_find(space, end);

	list->nr = 0;
	list->page = calloc(to - from + 1, sizeof(*list->page));
	if (!list->page)
		return -ENOMEM;
	for (; from < to; from++)
		if (!is || is(space->page[from]))
			list->page[list->nr++] = space->page[from];
	return 0;
}

/* A page that ACCESS reaches: the last one below 2^47 is not. */
static bool re_reachable(__u64 va)
{
	return va + RE_PAGE <= VMSTORE_MAX_USERSPACE_VADDR;
}

/* Values that never repeat: a bijection of a running number. */
static __u64 re_unique(struct re *re)
{
	__u64 x = ++re->values * 0x9e3779b97f4a7c15ULL;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

static __u32 re_other_cpu(const struct re *re)
{
	return (re->cpu + 1) % re->nr_cpus;
}

/* --- cursors --------------------------------------------------------------- */

/*
 * A run of pages for one cursor. @at follows where the cursor is, so that it
 * jumps only when the next page is not the next address.
 */
struct re_group {
	struct rp_page **page;
	size_t nr;
	__u64 start;
	__u64 end;
};

struct re_cursor {
	__u64 ref;
	__u64 at;
};

static bool re_next_group(const struct re_list *list, size_t *done,
			  struct re_group *group)
{
	size_t i = *done;

	if (i == list->nr)
		return false;
	group->page = list->page + i;
	group->start = list->page[i]->va;
	for (i++; i < list->nr && i - *done < RE_MAX_GROUP &&
	     list->page[i]->va - list->page[i - 1]->va <= RE_MAX_GAP; i++)
		;
	group->nr = i - *done;
	group->end = list->page[i - 1]->va + RE_PAGE;
	*done = i;
	return true;
}

static struct re_cursor re_open(struct re *re, const struct rp_space *space,
				__u64 start, __u64 end)
{
	struct rq_want want = { .space = space->nr, .va = start };
	struct re_cursor cursor = { .at = start };
	size_t index;

	re->q.batch.cpu = re->cpu;
	index = vms_batch_cursor_open_mut(&re->q.batch, space->id, start, end,
					  0);
	cursor.ref = VMSTORE_REF(rq_want(&re->q, index, want));
	return cursor;
}

static void re_goto(struct re *re, struct re_cursor *cursor,
		    const struct rp_page *page)
{
	if (cursor->at != page->va)
		vms_batch_jump(&re->q.batch, cursor->ref, page->va);
	cursor->at = page->va;
}

static void re_close(struct re *re, const struct re_cursor *cursor)
{
	vms_batch_cursor_drop(&re->q.batch, cursor->ref);
}

static void re_map_one(struct re *re, struct re_cursor *cursor,
		       struct rp_page *page, __u64 handle)
{
	struct rq_want want = {
		.kind = RQ_FRESH,
		.space = page->space->nr,
		.va = page->va,
	};

	re_goto(re, cursor, page);
	rq_want(&re->q, vms_batch_map(&re->q.batch, cursor->ref, handle,
				      re_prop(page)), want);
	cursor->at += RE_PAGE;
	page->mapped = true;
	re->live++;
	re->mapped++;
}

static __u64 re_alloc(struct re *re, struct rp_frame *frame, __u64 *id)
{
	struct rq_want want = { .paddr = &frame->paddr, .id = id };

	if (++re->frames > re->top_frames)
		re->top_frames = re->frames;
	return VMSTORE_REF(rq_want(&re->q, vms_batch_frame_alloc(&re->q.batch),
				   want));
}

int re_map(struct re *re, const struct re_list *list)
{
	struct re_cursor cursor;
	struct re_group group;
	size_t done = 0, i;
	int err;

	while (re_next_group(list, &done, &group)) {
		err = rq_room(&re->q, 3 * group.nr + 2);
		if (err)
			return err;
		cursor = re_open(re, group.page[0]->space, group.start,
				 group.end);
		for (i = 0; i < group.nr; i++) {
			struct rp_page *page = group.page[i];
			__u64 handle = page->handle;

			page->handle = 0;
			if (!handle)
				handle = re_alloc(re, page->frame, NULL);
			re_map_one(re, &cursor, page, handle);
		}
		re_close(re, &cursor);
	}
	return 0;
}

static size_t re_query(struct re *re, struct re_cursor *cursor,
		       const struct rp_page *page, __u64 *id)
{
	struct rq_want want = {
		.kind = RQ_FRAME,
		.space = page->space->nr,
		.va = page->va,
		.value = page->frame->paddr,
		.id = id,
	};

	re_goto(re, cursor, page);
	return rq_want(&re->q, vms_batch_query(&re->q.batch, cursor->ref, 0),
		       want);
}

int re_hold(struct re *re, const struct re_list *list,
	    const struct re_list *into)
{
	struct re_cursor cursor;
	struct re_group group;
	size_t done = 0, first, i;
	int err;

	for (;;) {
		first = done;
		if (!re_next_group(list, &done, &group))
			break;
		err = rq_room(&re->q, 2 * group.nr + 2);
		if (err)
			return err;
		cursor = re_open(re, group.page[0]->space, group.start,
				 group.end);
		for (i = 0; i < group.nr; i++)
			re_query(re, &cursor, group.page[i],
				 &into->page[first + i]->handle);
		re_close(re, &cursor);
	}
	return rq_run(&re->q);
}

int re_unmap(struct re *re, struct rp_space *space, __u64 start, __u64 end,
	     const struct re_list *list)
{
	struct rq_want want = {
		.kind = RQ_REMOVED,
		.space = space->nr,
		.va = start,
		.value = list->nr,
	};
	struct re_cursor cursor;
	size_t i;
	int err = rq_room(&re->q, 3);

	if (err)
		return err;
	cursor = re_open(re, space, start, end);
	rq_want(&re->q, vms_batch_unmap(&re->q.batch, cursor.ref, end - start),
		want);
	re_close(re, &cursor);
	for (i = 0; i < list->nr; i++)
		list->page[i]->mapped = false;
	re->live -= list->nr;
	return 0;
}

static void re_protect_one(struct re *re, struct re_cursor *cursor,
			   const struct rp_page *page)
{
	struct rq_want want = {
		.kind = RQ_PROTECTED,
		.space = page->space->nr,
		.va = page->va,
		.value = re_flags(page),
	};

	re_goto(re, cursor, page);
	rq_want(&re->q, vms_batch_protect_next(&re->q.batch, cursor->ref,
					       RE_PAGE,
					       vms_prop(re_flags(page), 0),
					       vms_prop(RE_FLAGS, 0), 0), want);
	cursor->at += RE_PAGE;
}

int re_protect(struct re *re, const struct re_list *list)
{
	struct re_cursor cursor;
	struct re_group group;
	size_t done = 0, i;
	int err;

	while (re_next_group(list, &done, &group)) {
		err = rq_room(&re->q, 2 * group.nr + 3);
		if (err)
			return err;
		cursor = re_open(re, group.page[0]->space, group.start,
				 group.end);
		for (i = 0; i < group.nr; i++)
			re_protect_one(re, &cursor, group.page[i]);
		vms_batch_flush(&re->q.batch, cursor.ref, group.start,
				group.end - group.start);
		re_close(re, &cursor);
	}
	return 0;
}

int re_fork(struct re *re, const struct re_list *from,
	    const struct re_list *to)
{
	struct re_cursor parent, child;
	struct re_group group;
	size_t done = 0, first, i, query;
	int err;

	for (;;) {
		first = done;
		if (!re_next_group(from, &done, &group))
			return 0;
		err = rq_room(&re->q, 5 * group.nr + 5);
		if (err)
			return err;
		parent = re_open(re, group.page[0]->space, group.start,
				 group.end);
		child = re_open(re, to->page[0]->space, group.start, group.end);
		for (i = 0; i < group.nr; i++) {
			struct rp_page *page = group.page[i];
			bool protect = re_writable(page) && !page->frame->shared;

			query = re_query(re, &parent, page, NULL);
			page->cow = !page->frame->shared;
			if (protect)
				re_protect_one(re, &parent, page);
			re_map_one(re, &child, to->page[first + i],
				   VMSTORE_REF(query));
		}
		vms_batch_flush(&re->q.batch, parent.ref, group.start,
				group.end - group.start);
		re_close(re, &parent);
		re_close(re, &child);
	}
}

int re_drop_handles(struct re *re, const struct re_list *list)
{
	size_t i;
	int err = 0;

	re->q.batch.cpu = re->cpu;
	for (i = 0; !err && i < list->nr; i++) {
		vms_batch_frame_drop(&re->q.batch, list->page[i]->handle);
		list->page[i]->handle = 0;
		err = rq_room(&re->q, 1);
	}
	return err;
}

/* --- accesses -------------------------------------------------------------- */

static void re_load(struct re *re, const struct rp_page *page, __u64 offset,
		    __u64 value, enum rq_check check, __u32 cpu)
{
	struct rq_want want = {
		.kind = RQ_VALUE,
		.check = check,
		.space = page->space->nr,
		.va = page->va + offset,
		.value = value,
	};

	re->q.batch.cpu = cpu;
	rq_want(&re->q, vms_batch_load(&re->q.batch, page->space->id,
				       page->va + offset, 8), want);
}

/* Both words of a page, each on another CPU. */
static int re_load_both(struct re *re, const struct rp_page *page, __u64 first,
			__u64 last, enum rq_check check)
{
	if (!re_reachable(page->va))
		return 0;
	re_load(re, page, 0, first, check, re->cpu);
	re_load(re, page, RE_LAST_WORD, last, check, re_other_cpu(re));
	return rq_room(&re->q, 4);
}

/*
 * Writes a value where a store must succeed: at the page's address, or in the
 * linear window.
 */
static int re_store_both(struct re *re, const struct rp_page *page, __u64 base,
			 __u64 value, enum rq_check check)
{
	struct rq_want want = {
		.check = check,
		.space = page->space->nr,
		.va = page->va,
	};

	if (check == RQ_WRITE && !re_reachable(page->va))
		return 0;
	re->q.batch.cpu = re->cpu;
	rq_want(&re->q, vms_batch_write(&re->q.batch, page->space->id, base, 8,
					value), want);
	want.va += RE_LAST_WORD;
	rq_want(&re->q, vms_batch_write(&re->q.batch, page->space->id,
					base + RE_LAST_WORD, 8, ~value), want);
	return rq_room(&re->q, 4);
}

static int re_store_linear(struct re *re, const struct rp_page *page,
			   __u64 paddr, __u64 value)
{
	return re_store_both(re, page, VMSTORE_KERNEL_BASE + paddr, value,
			     RQ_LINEAR);
}

static int re_fault(struct re *re, const struct rp_space *space, __u64 va,
		    bool present, bool write, __u64 value, enum rq_check check,
		    __u32 cpu)
{
	struct rq_want want = {
		.kind = RQ_FAULT,
		.check = check,
		.space = space->nr,
		.va = va,
		.value = VMSTORE_FAULT_TAKEN |
			 (present ? VMSTORE_FAULT_PRESENT : 0) |
			 (write ? VMSTORE_FAULT_WRITE : 0),
	};
	size_t index;

	if (!re_reachable(va))
		return 0;
	re->q.batch.cpu = cpu;
	if (write)
		index = vms_batch_write(&re->q.batch, space->id, va, 8, value);
	else
		index = vms_batch_load(&re->q.batch, space->id, va, 8);
	rq_want(&re->q, index, want);
	return rq_room(&re->q, 4);
}

int re_fault_at(struct re *re, const struct rp_space *space, __u64 va,
		enum rq_check check)
{
	return re_fault(re, space, va, false, false, 0, check, re->cpu);
}

/* The value of a store that must not arrive is not what is there. */
int re_faults(struct re *re, const struct re_list *list, enum rq_check check)
{
	bool store = check == RQ_READ_ONLY || check == RQ_COW;
	size_t i;
	int err = 0;

	for (i = 0; !err && i < list->nr; i++) {
		const struct rp_page *page = list->page[i];

		err = re_fault(re, page->space, page->va, store,
			       store || i % 4 == 1, ~page->frame->value, check,
			       i % 2 ? re_other_cpu(re) : re->cpu);
	}
	return err;
}

int re_verify(struct re *re, const struct re_list *list, enum rq_check check)
{
	size_t i;
	int err = 0;

	for (i = 0; !err && i < list->nr; i++)
		err = re_load_both(re, list->page[i],
				   list->page[i]->frame->value,
				   ~list->page[i]->frame->value, check);
	return err;
}

static int re_fill_one(struct re *re, struct rp_page *page)
{
	int err;

	page->frame->value = re_unique(re);
	if (re_writable(page) && re_reachable(page->va))
		return re_store_both(re, page, page->va, page->frame->value,
				     RQ_WRITE);
	err = re_store_linear(re, page, page->frame->paddr, page->frame->value);
	if (err || re_writable(page))
		return err;
	return re_fault(re, page->space, page->va, true, true,
			~page->frame->value,
			page->prot & RMM_WRITE ? RQ_COW : RQ_READ_ONLY,
			re->cpu);
}

int re_fill(struct re *re, const struct re_list *list, bool fresh)
{
	size_t i;
	int err;

	/* The linear window needs to know where the frames are. */
	err = rq_run(&re->q);
	for (i = 0; !err && i < list->nr; i++) {
		if (fresh)
			err = re_load_both(re, list->page[i], 0, 0, RQ_ZERO);
		if (!err)
			err = re_fill_one(re, list->page[i]);
	}
	return err;
}

/* --- copy on write --------------------------------------------------------- */

/* Nobody else has the frame any more: allow the store. */
static int re_cow_reuse(struct re *re, const struct re_list *list)
{
	size_t i;
	int err;

	for (i = 0; i < list->nr; i++)
		list->page[i]->cow = false;
	re->reused += list->nr;
	err = re_protect(re, list);
	if (!err)
		err = re_fill(re, list, false);
	return err ? err : re_verify(re, list, RQ_READBACK);
}

/*
 * Copies the words that are checked: read at the page's address, written through
 * the linear window, as a kernel does before it maps the copy.
 */
static int re_cow_copy_words(struct re *re, const struct re_list *list,
			     struct rp_frame **copy)
{
	size_t i;
	int err = 0;

	re->q.batch.cpu = re->cpu;
	for (i = 0; !err && i < list->nr; i++) {
		re_alloc(re, copy[i], &list->page[i]->handle);
		err = rq_room(&re->q, 1);
	}
	if (!err)
		err = rq_run(&re->q);
	if (!err)
		err = re_verify(re, list, RQ_KEPT);
	for (i = 0; !err && i < list->nr; i++) {
		copy[i]->value = list->page[i]->frame->value;
		err = re_store_linear(re, list->page[i], copy[i]->paddr,
				      copy[i]->value);
	}
	return err;
}

/* Maps the copies over the originals. */
static int re_cow_map_over(struct re *re, const struct re_list *list)
{
	struct re_cursor cursor;
	struct re_group group;
	size_t done = 0, i;
	int err;

	while (re_next_group(list, &done, &group)) {
		err = rq_room(&re->q, 2 * group.nr + 2);
		if (err)
			return err;
		cursor = re_open(re, group.page[0]->space, group.start,
				 group.end);
		for (i = 0; i < group.nr; i++) {
			struct rp_page *page = group.page[i];
			struct rq_want want = {
				.kind = RQ_REPLACE,
				.space = page->space->nr,
				.va = page->va,
				.value = page->frame->paddr,
			};

			page->cow = false;
			re_goto(re, &cursor, page);
			rq_want(&re->q, vms_batch_map(&re->q.batch, cursor.ref,
						      page->handle,
						      re_prop(page)), want);
			page->handle = 0;
			cursor.at += RE_PAGE;
		}
		re_close(re, &cursor);
	}
	return 0;
}

/* Those that still have the original find the old value in it. */
static int re_cow_other_sides(struct re *re, struct rp_frame *const *old,
			      size_t nr)
{
	const struct rp_page *page;
	size_t i;
	int err = 0;

	for (i = 0; !err && i < nr; i++)
		for (page = old[i]->pages; !err && page; page = page->next)
			if (page->mapped)
				err = re_load_both(re, page, old[i]->value,
						   ~old[i]->value, RQ_OTHER);
	return err;
}

static int re_cow_copy(struct re *re, const struct re_list *list,
		       struct rp_frame **copy, struct rp_frame **old)
{
	size_t i;
	int err;

	err = re_cow_copy_words(re, list, copy);
	if (!err)
		err = re_cow_map_over(re, list);
	for (i = 0; i < list->nr; i++) {
		old[i] = list->page[i]->frame;
		rp_set_frame(list->page[i], copy[i]);
	}
	re->copies += list->nr;
	if (!err)
		err = re_verify(re, list, RQ_COPIED);
	if (!err)
		err = re_fill(re, list, false);
	if (!err)
		err = re_verify(re, list, RQ_READBACK);
	if (!err)
		err = re_cow_other_sides(re, old, list->nr);
	return err ? err : rq_run(&re->q);
}

static int re_cow_copies(struct re *re, const struct re_list *list)
{
	struct rp_frame **frames;
	size_t i;
	int err = -ENOMEM;

	if (!list->nr)
		return 0;
	frames = calloc(2 * list->nr, sizeof(struct rp_frame *));
	if (!frames)
		return -ENOMEM;
	for (i = 0; i < list->nr; i++) {
		frames[i] = calloc(1, sizeof(**frames));
		if (!frames[i])
			goto out;
	}
	err = re_cow_copy(re, list, frames, frames + list->nr);
	i = 0;
out:
	while (i)
		free(frames[--i]);
	free(frames);
	return err;
}

int re_cow(struct re *re, const struct re_list *list)
{
	struct re_list copy = { 0 }, reuse = { 0 };
	size_t i;
	int err;

	if (!list->nr)
		return 0;
	copy.page = calloc(list->nr, sizeof(*copy.page));
	reuse.page = calloc(list->nr, sizeof(*reuse.page));
	err = copy.page && reuse.page ? 0 : -ENOMEM;
	for (i = 0; !err && i < list->nr; i++) {
		struct rp_page *page = list->page[i];

		if (page->frame->nr_pages == 1)
			reuse.page[reuse.nr++] = page;
		else if (re->frames + copy.nr < re->room)
			copy.page[copy.nr++] = page;
		else
			re->no_copy++;
	}
	if (!err)
		err = re_faults(re, list, RQ_COW);
	if (!err)
		err = re_cow_reuse(re, &reuse);
	if (!err)
		err = re_cow_copies(re, &copy);
	free(copy.page);
	free(reuse.page);
	return err;
}
