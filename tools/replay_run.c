// SPDX-License-Identifier: GPL-2.0-only
/*
 * Re-enacts a log. What each change becomes is in the header.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "replay_run.h"

/* Of a mapping that is scaled, this share of the free frames is populated ... */
#define RR_SHARE	4
/* ... and at most so many pages stand alone, each with its own table. */
#define RR_SPREAD	32

/* --- lists ----------------------------------------------------------------- */

static int rr_select(struct rmm_space *space, __u64 start, __u64 end,
		     bool (*is)(const struct rp_page *page),
		     struct re_list *list)
{
	return re_select(space->priv, start, end, is, list);
}

static bool rr_is_plain_writable(const struct rp_page *page)
{
	return page->mapped && re_writable(page);
}

static bool rr_is_not_writable(const struct rp_page *page)
{
	return page->mapped && !(page->prot & RMM_WRITE);
}

static bool rr_is_forked_writable(const struct rp_page *page)
{
	return page->mapped && !page->frame->shared &&
	       (page->prot & RMM_WRITE);
}

/* Runs a function on the pages of a range for which a condition holds. */
static int rr_on(struct rr *rr, struct rmm_space *space,
		 const struct rmm_vma *vma,
		 bool (*is)(const struct rp_page *page),
		 int (*fn)(struct re *re, const struct re_list *list))
{
	struct re_list list;
	int err = rr_select(space, vma->start, vma->end, is, &list);

	if (!err)
		err = fn(&rr->re, &list);
	free(list.page);
	return err;
}

static int rr_must_not_write(struct re *re, const struct re_list *list)
{
	return re_faults(re, list, RQ_READ_ONLY);
}

static int rr_must_not_write_cow(struct re *re, const struct re_list *list)
{
	return re_faults(re, list, RQ_COW);
}

static int rr_write_again(struct re *re, const struct re_list *list)
{
	int err = re_fill(re, list, false);

	return err ? err : re_verify(re, list, RQ_READBACK);
}

static void rr_set_prot(const struct re_list *list, unsigned int prot)
{
	size_t i;

	for (i = 0; i < list->nr; i++)
		list->page[i]->prot = prot;
}

/* Forgets pages; what the device must know of them was queued before. */
static int rr_forget(struct rr *rr, const struct re_list *list)
{
	struct rp_space *space;
	size_t i;
	int err = rq_run(&rr->re.q);

	if (!list->nr)
		return err;
	space = list->page[0]->space;
	for (i = 0; i < list->nr; i++)
		list->page[i]->gone = true;
	rr->re.frames -= rp_sweep(space);
	return err;
}

/* --- map ------------------------------------------------------------------- */

/* Frames that may be taken now; the device knows better how many tables are. */
static int rr_free_frames(struct rr *rr, __u64 *frames)
{
	struct vmstore_info info = { 0 };
	__u64 reserve = rr->re.room / 64, slots;
	int err;

	*frames = rr->re.frames < rr->re.room ?
		  rr->re.room - rr->re.frames : 0;
	if (!rr->re.q.store)
		return 0;
	err = rq_run(&rr->re.q);
	if (!err)
		err = vms_info(rr->re.q.store, &info);
	if (err)
		return err;
	slots = info.out_free_slots + info.out_gathered;
	slots = slots > reserve ? slots - reserve : 0;
	if (*frames > slots)
		*frames = slots;
	return 0;
}

static int rr_add_scaled(struct rr *rr, __u64 pages, __u64 populated)
{
	const struct st_event *event = rr->re.q.event;
	struct rr_scaled *scaled = rr->scaled;

	if (rr->nr_scaled == rr->room_scaled) {
		scaled = reallocarray(scaled, rr->room_scaled + 16,
				      sizeof(*scaled));
		if (!scaled)
			return -ENOMEM;
		rr->scaled = scaled;
		rr->room_scaled += 16;
	}
	scaled[rr->nr_scaled].line = event ? event->line : 0;
	scaled[rr->nr_scaled].pages = pages;
	scaled[rr->nr_scaled++].populated = populated;
	return 0;
}

/*
 * Which pages of a mapping are populated: all, or when there are not frames
 * enough the first ones, some at equal distances, and the last.
 */
struct rr_choice {
	__u64 pages;
	__u64 first;
	__u64 spread;
	__u64 populated;
};

static __u64 rr_chosen(const struct rr_choice *c, __u64 i)
{
	if (i < c->first)
		return i;
	if (i == c->populated - 1)
		return c->pages - 1;
	return c->first + (c->pages - c->first) / (c->spread + 1) *
			  (i - c->first + 1);
}

static int rr_choose(struct rr *rr, __u64 pages, __u64 missing,
		     struct rr_choice *c)
{
	__u64 frames;
	int err;

	memset(c, 0, sizeof(*c));
	c->pages = pages;
	c->first = pages;
	c->populated = pages;
	if (!missing)
		return 0;
	err = rr_free_frames(rr, &frames);
	if (err || missing <= frames)
		return err;
	c->populated = frames / RR_SHARE;
	c->spread = c->populated / RR_SHARE;
	if (c->spread > RR_SPREAD)
		c->spread = RR_SPREAD;
	c->first = c->populated ? c->populated - c->spread - 1 : 0;
	return rr_add_scaled(rr, pages, c->populated);
}

static int rr_new_pages(struct rp_space *space, const struct rmm_vma *vma,
			const struct rr_choice *c, struct re_list *list)
{
	struct rp_page *page;
	__u64 i, va;
	size_t at;

	list->nr = 0;
	list->page = calloc(c->populated + 1, sizeof(*list->page));
	if (!list->page)
		return -ENOMEM;
	for (i = 0; i < c->populated; i++) {
		va = vma->start + rr_chosen(c, i) * RE_PAGE;
		at = rp_find(space, va);
		if (at < space->nr_pages && space->page[at]->va == va)
			continue;
		page = rp_new(space, va, NULL);
		if (!page)
			return -ENOMEM;
		page->prot = vma->prot;
		page->frame->shared = vma->shared;
		list->page[list->nr++] = page;
	}
	return rp_insert(space, list->page, list->nr);
}

/* New pages get frames and values. */
static int rr_give_frames(struct rr *rr, const struct re_list *list)
{
	int err;

	rr->pages += list->nr;
	err = re_map(&rr->re, list);
	if (!err)
		err = re_fill(&rr->re, list, true);
	return err ? err : re_verify(&rr->re, list, RQ_READBACK);
}

/* Populates what is not populated of an accessible mapping. */
static int rr_populate(struct rr *rr, struct rp_space *space,
		       const struct rmm_vma *vma)
{
	__u64 pages = (vma->end - vma->start) / RE_PAGE;
	__u64 have = rp_find(space, vma->end) - rp_find(space, vma->start);
	struct rr_choice choice;
	struct re_list list;
	int err;

	err = rr_choose(rr, pages, pages - have, &choice);
	if (err)
		return err;
	err = rr_new_pages(space, vma, &choice, &list);
	if (!err && list.nr)
		err = rr_give_frames(rr, &list);
	free(list.page);
	return err;
}

static int rr_map(void *ctx, struct rmm_space *space, const struct rmm_vma *vma)
{
	struct rr *rr = ctx;

	rr->mappings++;
	if (vma->prot)
		return rr_populate(rr, space->priv, vma);
	rr->unpopulated++;
	return re_fault_at(&rr->re, space->priv, vma->start, RQ_NO_ACCESS);
}

/* --- unmap ----------------------------------------------------------------- */

/* Removes the leaves of a range and checks that they are gone. */
static int rr_take_away(struct rr *rr, struct rmm_space *space, __u64 start,
			__u64 end, const struct re_list *mapped,
			enum rq_check check)
{
	int err = re_unmap(&rr->re, space->priv, start, end, mapped);

	if (err)
		return err;
	if (!mapped->nr)
		return re_fault_at(&rr->re, space->priv, start, check);
	return re_faults(&rr->re, mapped, check);
}

static int rr_unmap(void *ctx, struct rmm_space *space, __u64 start, __u64 end)
{
	struct re_list mapped = { 0 }, held = { 0 };
	struct rr *rr = ctx;
	int err;

	err = rr_select(space, start, end, re_is_mapped, &mapped);
	if (!err)
		err = rr_select(space, start, end, re_is_held, &held);
	if (!err)
		err = re_verify(&rr->re, &mapped, RQ_KEPT);
	if (!err)
		err = rr_take_away(rr, space, start, end, &mapped,
				   RQ_UNMAPPED);
	if (!err)
		err = re_drop_handles(&rr->re, &held);
	if (!err) {
		rr->unmapped += mapped.nr + held.nr;
		err = rr_forget(rr, &held);
	}
	if (!err)
		err = rr_forget(rr, &mapped);
	free(mapped.page);
	free(held.page);
	return err;
}

/* --- protect --------------------------------------------------------------- */

/* The leaves go, handles keep the frames. */
static int rr_lose_access(struct rr *rr, struct rmm_space *space,
			  const struct rmm_vma *vma, const struct re_list *list)
{
	int err = re_verify(&rr->re, list, RQ_KEPT);

	if (!err)
		err = re_hold(&rr->re, list, list);
	rr->kept += list->nr;
	rr_set_prot(list, 0);
	return err ? err : rr_take_away(rr, space, vma->start, vma->end, list,
					RQ_NO_ACCESS);
}

/* Kept frames come back; what never had any is populated. */
static int rr_regain_access(struct rr *rr, struct rmm_space *space,
			    const struct rmm_vma *vma)
{
	struct re_list held;
	int err = rr_select(space, vma->start, vma->end, re_is_held, &held);

	if (!err) {
		rr_set_prot(&held, vma->prot);
		rr->re.returned += held.nr;
		err = re_map(&rr->re, &held);
	}
	if (!err)
		err = re_verify(&rr->re, &held, RQ_KEPT);
	free(held.page);
	return err ? err : rr_populate(rr, space->priv, vma);
}

static int rr_change_access(struct rr *rr, const struct rmm_vma *vma,
			    const struct re_list *list)
{
	int err = re_verify(&rr->re, list, RQ_KEPT);

	rr_set_prot(list, vma->prot);
	if (!err)
		err = re_protect(&rr->re, list);
	return err ? err : re_verify(&rr->re, list, RQ_KEPT);
}

/* What is allowed is done, what is not must fault. */
static int rr_try_access(struct rr *rr, struct rmm_space *space,
			 const struct rmm_vma *vma)
{
	int err = rr_on(rr, space, vma, rr_is_not_writable, rr_must_not_write);

	if (!err)
		err = rr_on(rr, space, vma, rr_is_plain_writable,
			    rr_write_again);
	return err ? err : rr_on(rr, space, vma, re_is_cow_writable, re_cow);
}

static int rr_protect(void *ctx, struct rmm_space *space,
		      const struct rmm_vma *vma, unsigned int old_prot)
{
	struct rr *rr = ctx;
	struct re_list list;
	int err;

	if (!old_prot) {
		err = rr_regain_access(rr, space, vma);
		return err ? err : rr_try_access(rr, space, vma);
	}
	err = rr_select(space, vma->start, vma->end, re_is_mapped, &list);
	if (!err && !vma->prot)
		err = rr_lose_access(rr, space, vma, &list);
	else if (!err)
		err = rr_change_access(rr, vma, &list);
	free(list.page);
	if (!err && vma->prot)
		err = rr_try_access(rr, space, vma);
	return err;
}

/* --- move and discard ------------------------------------------------------ */

/* Other addresses for all pages of a range. */
static int rr_relocate(struct rp_space *space, __u64 from, __u64 to, __u64 len)
{
	size_t first = rp_find(space, from), i;
	size_t nr = rp_find(space, from + len) - first;
	struct rp_page **pages = calloc(nr + 1, sizeof(struct rp_page *));
	int err;

	if (!pages)
		return -ENOMEM;
	rp_take(space, first, nr, pages);
	for (i = 0; i < nr; i++)
		pages[i]->va = pages[i]->va - from + to;
	err = rp_insert(space, pages, nr);
	free(pages);
	return err;
}

static int rr_move_pages(struct rr *rr, struct rmm_space *space, __u64 from,
			 __u64 to, __u64 len)
{
	struct rmm_vma target = { .start = to, .end = to + len };
	struct re_list list;
	int err;

	err = rr_select(space, from, from + len, re_is_mapped, &list);
	if (!err)
		err = re_verify(&rr->re, &list, RQ_KEPT);
	if (!err)
		err = re_hold(&rr->re, &list, &list);
	if (!err)
		err = rr_take_away(rr, space, from, from + len, &list,
				   RQ_UNMAPPED);
	if (!err)
		err = rr_relocate(space->priv, from, to, len);
	if (!err) {
		rr->re.moved += list.nr;
		err = re_map(&rr->re, &list);
	}
	if (!err)
		err = re_verify(&rr->re, &list, RQ_KEPT);
	free(list.page);
	return err ? err : rr_on(rr, space, &target, re_is_cow_writable,
				 re_cow);
}

/* New pages with the frames of others. */
static int rr_twins(struct rp_space *space, const struct re_list *list,
		    __u64 distance, struct re_list *twins)
{
	struct rp_page *page;
	size_t i;

	twins->nr = 0;
	twins->page = calloc(list->nr + 1, sizeof(*twins->page));
	if (!twins->page)
		return -ENOMEM;
	for (i = 0; i < list->nr; i++) {
		page = rp_new(space, list->page[i]->va + distance,
			      list->page[i]->frame);
		if (!page)
			return -ENOMEM;
		page->prot = list->page[i]->prot;
		page->cow = !page->frame->shared;
		twins->page[twins->nr++] = page;
	}
	return rp_insert(space, twins->page, twins->nr);
}

/* A second mapping of shared pages; a value written to one is in the other. */
static int rr_copy_mapping(struct rr *rr, struct rmm_space *space, __u64 from,
			   __u64 to, __u64 len)
{
	struct rmm_vma target = { .start = to, .end = to + len };
	struct re_list list = { 0 }, twins = { 0 };
	int err;

	err = rr_select(space, from, from + len, re_is_mapped, &list);
	if (!err)
		err = rr_twins(space->priv, &list, to - from, &twins);
	if (!err)
		err = re_hold(&rr->re, &list, &twins);
	if (!err)
		err = re_map(&rr->re, &twins);
	if (!err)
		err = re_verify(&rr->re, &twins, RQ_SHARED);
	if (!err)
		err = rr_on(rr, space, &target, rr_is_plain_writable,
			    rr_write_again);
	if (!err)
		err = re_verify(&rr->re, &list, RQ_SHARED);
	free(list.page);
	free(twins.page);
	return err;
}

static int rr_move(void *ctx, struct rmm_space *space, __u64 from, __u64 to,
		   __u64 len, bool copy)
{
	return (copy ? rr_copy_mapping : rr_move_pages)(ctx, space, from, to,
							len);
}

/* Shared pages come back with what was in them. */
static int rr_discard_shared(struct rr *rr, struct rmm_space *space,
			     const struct rmm_vma *vma,
			     const struct re_list *list)
{
	int err = re_hold(&rr->re, list, list);

	if (!err)
		err = rr_take_away(rr, space, vma->start, vma->end, list,
				   RQ_UNMAPPED);
	if (!err)
		err = re_map(&rr->re, list);
	return err ? err : re_verify(&rr->re, list, RQ_KEPT);
}

/* Gives pages frames that have no address yet; the old ones are gone. */
static int rr_renew_frames(struct rr *rr, const struct re_list *list)
{
	struct rp_frame *frame;
	size_t i;

	for (i = 0; i < list->nr; i++) {
		frame = calloc(1, sizeof(*frame));
		if (!frame)
			return -ENOMEM;
		rr->re.frames -= list->page[i]->frame->nr_pages == 1;
		rp_set_frame(list->page[i], frame);
		list->page[i]->cow = false;
	}
	return 0;
}

/* Splits a list into the pages that are populated and the others. */
static int rr_split(const struct rr_choice *choice, const struct re_list *all,
		    struct re_list *some, struct re_list *rest)
{
	__u64 next = 0;
	size_t i;

	some->page = calloc(all->nr + 1, sizeof(*some->page));
	rest->page = calloc(all->nr + 1, sizeof(*rest->page));
	if (!some->page || !rest->page)
		return -ENOMEM;
	for (i = 0; i < all->nr; i++) {
		if (next < choice->populated && rr_chosen(choice, next) == i) {
			some->page[some->nr++] = all->page[i];
			next++;
		} else {
			rest->page[rest->nr++] = all->page[i];
		}
	}
	return 0;
}

/*
 * Private pages come back empty: their frames go, others come. That takes more
 * frames than it gives when a fork shares the old ones.
 */
static int rr_discard_private(struct rr *rr, struct rmm_space *space,
			      const struct rmm_vma *vma,
			      const struct re_list *list)
{
	struct re_list some = { 0 }, rest = { 0 };
	struct rr_choice choice;
	int err;

	err = rr_take_away(rr, space, vma->start, vma->end, list, RQ_UNMAPPED);
	if (!err)
		err = rq_run(&rr->re.q);
	if (!err)
		err = rr_renew_frames(rr, list);
	if (!err)
		err = rr_choose(rr, list->nr, list->nr, &choice);
	if (!err)
		err = rr_split(&choice, list, &some, &rest);
	if (!err) {
		/* Their frames were never allocated, so they are not freed. */
		rr->re.frames += rest.nr;
		err = rr_forget(rr, &rest);
	}
	if (!err)
		err = rr_give_frames(rr, &some);
	free(some.page);
	free(rest.page);
	return err;
}

static int rr_discard(void *ctx, struct rmm_space *space,
		      const struct rmm_vma *vma)
{
	struct re_list mapped = { 0 }, held = { 0 };
	struct rr *rr = ctx;
	int err;

	err = rr_select(space, vma->start, vma->end, re_is_mapped, &mapped);
	if (!err)
		err = rr_select(space, vma->start, vma->end, re_is_held, &held);
	if (!err)
		err = re_verify(&rr->re, &mapped, RQ_KEPT);
	if (!err && mapped.nr)
		err = (vma->shared ? rr_discard_shared : rr_discard_private)
			(rr, space, vma, &mapped);
	if (!err && !vma->shared)
		err = re_drop_handles(&rr->re, &held);
	if (!err && !vma->shared)
		err = rr_forget(rr, &held);
	rr->discarded += mapped.nr + held.nr;
	free(mapped.page);
	free(held.page);
	return err;
}

/* --- spaces ---------------------------------------------------------------- */

static int rr_space_new(void *ctx, struct rmm_space *space)
{
	struct rp_space *pages = calloc(1, sizeof(*pages));
	struct rq_want want = { .space = space->nr };
	struct rr *rr = ctx;

	if (!pages)
		return -ENOMEM;
	want.id = &pages->id;
	space->priv = pages;
	pages->nr = space->nr;
	rr->re.q.batch.cpu = rr->re.cpu;
	rq_want(&rr->re.q, vms_batch_space_new(&rr->re.q.batch), want);
	return rq_run(&rr->re.q);
}

/* Handles of the frames that the parent keeps while they are PROT_NONE. */
static int rr_fork_held(struct rr *rr, const struct re_list *from,
			const struct re_list *to)
{
	struct re *re = &rr->re;
	struct rq_want want = { 0 };
	size_t i;
	int err = 0;

	re->q.batch.cpu = re->cpu;
	for (i = 0; !err && i < from->nr; i++) {
		from->page[i]->cow = !from->page[i]->frame->shared;
		want.id = &to->page[i]->handle;
		rq_want(&re->q,
			vms_batch_frame_from_in_use(&re->q.batch,
						    from->page[i]->frame->paddr),
			want);
		err = rq_room(&re->q, 1);
	}
	return err;
}

static int rr_fork_some(struct rr *rr, struct rmm_space *parent,
			struct rmm_space *child,
			bool (*is)(const struct rp_page *page),
			int (*fn)(struct rr *rr, const struct re_list *from,
				  const struct re_list *to))
{
	struct re_list from, to = { 0 };
	int err = rr_select(parent, 0, VMSTORE_USER_END, is, &from);

	if (!err)
		err = rr_twins(child->priv, &from, 0, &to);
	if (!err)
		err = fn(rr, &from, &to);
	free(from.page);
	free(to.page);
	return err;
}

static int rr_fork_mapped(struct rr *rr, const struct re_list *from,
			  const struct re_list *to)
{
	int err = re_fork(&rr->re, from, to);

	rr->forked += to->nr;
	if (!err)
		err = re_verify(&rr->re, to, RQ_KEPT);
	return err ? err : re_verify(&rr->re, from, RQ_KEPT);
}

/* Which pages of a mapping are written after a fork. */
static void rr_thin_out(const struct rr *rr, struct re_list *list)
{
	size_t i, keep = 0, step = rr->cow_every ? rr->cow_every : list->nr;

	for (i = 0; i < list->nr; i += step)
		list->page[keep++] = list->page[i];
	list->nr = keep;
}

/*
 * One side of a fork writes to some pages of every second mapping; @turn says of
 * which.
 */
static int rr_cow_writes(struct rr *rr, const struct rmm_maps *maps,
			 struct rmm_space *side, unsigned int turn)
{
	struct re_list all = { 0 }, list;
	size_t i, j, room = 0;
	int err = 0;

	for (i = turn; !err && i < maps->nr; i += 2) {
		const struct rmm_vma *vma = &maps->vma[i];

		err = rr_select(side, vma->start, vma->end, re_is_cow_writable,
				&list);
		if (err)
			break;
		rr_thin_out(rr, &list);
		if (all.nr + list.nr > room) {
			struct rp_page **grown;

			room = 2 * (all.nr + list.nr);
			grown = reallocarray(all.page, room, sizeof(*grown));
			if (!grown)
				err = -ENOMEM;
			else
				all.page = grown;
		}
		for (j = 0; !err && j < list.nr; j++)
			all.page[all.nr++] = list.page[j];
		free(list.page);
	}
	if (!err)
		err = re_cow(&rr->re, &all);
	free(all.page);
	return err;
}

/* What the child writes to a shared page, the parent finds. */
static int rr_shared_writes(struct rr *rr, struct rmm_space *parent,
			    struct rmm_space *child)
{
	const struct rmm_maps *maps = &child->maps;
	struct re_list mine, theirs;
	size_t i;
	int err = 0;

	for (i = 0; !err && i < maps->nr; i++) {
		const struct rmm_vma *vma = &maps->vma[i];

		if (!vma->shared || !(vma->prot & RMM_WRITE))
			continue;
		err = rr_select(child, vma->start, vma->end,
				rr_is_plain_writable, &mine);
		if (!err) {
			rr_thin_out(rr, &mine);
			err = rr_write_again(&rr->re, &mine);
			free(mine.page);
		}
		if (!err)
			err = rr_select(parent, vma->start, vma->end,
					re_is_mapped, &theirs);
		if (!err) {
			err = re_verify(&rr->re, &theirs, RQ_SHARED);
			free(theirs.page);
		}
	}
	return err;
}

static int rr_space_fork(void *ctx, struct rmm_space *parent,
			 struct rmm_space *child)
{
	static const struct rmm_vma all = { .end = VMSTORE_USER_END };
	const struct rmm_maps *maps = &child->maps;
	struct rr *rr = ctx;
	unsigned int turn;
	int err = rr_space_new(rr, child);

	if (!err)
		err = rr_fork_some(rr, parent, child, re_is_mapped,
				   rr_fork_mapped);
	if (!err)
		err = rr_fork_some(rr, parent, child, re_is_held, rr_fork_held);
	if (!err)
		err = rr_on(rr, child, &all, rr_is_forked_writable,
			    rr_must_not_write_cow);
	if (!err)
		err = rr_on(rr, parent, &all, rr_is_forked_writable,
			    rr_must_not_write_cow);
	for (turn = 0; !err && turn < 2; turn++) {
		err = rr_cow_writes(rr, maps, child, turn);
		if (!err)
			err = rr_cow_writes(rr, maps, parent, !turn);
	}
	return err ? err : rr_shared_writes(rr, parent, child);
}

static void rr_activate(struct rr *rr, __u32 cpu, struct rp_space *space)
{
	if (rr->active[cpu] == space)
		return;
	rr->active[cpu] = space;
	rr->re.q.batch.cpu = cpu;
	vms_batch_space_activate(&rr->re.q.batch, space ? space->id : 0);
}

static int rr_space_drop(void *ctx, struct rmm_space *space)
{
	struct rp_space *pages = space->priv;
	struct re_list mapped = { 0 }, held = { 0 };
	struct rr *rr = ctx;
	struct rq_want want = { .kind = RQ_LEAVES, .space = space->nr };
	__u32 cpu;
	int err;

	if (rr->on_space_end)
		rr->on_space_end(rr->ctx, space);
	err = rr_select(space, 0, VMSTORE_USER_END, re_is_mapped, &mapped);
	if (!err)
		err = rr_select(space, 0, VMSTORE_USER_END, re_is_held, &held);
	if (!err)
		err = re_verify(&rr->re, &mapped, RQ_KEPT);
	if (!err)
		err = re_drop_handles(&rr->re, &held);
	for (cpu = 0; cpu < rr->re.nr_cpus; cpu++)
		if (rr->active[cpu] == pages)
			rr_activate(rr, cpu, NULL);
	rr->re.q.batch.cpu = rr->re.cpu;
	want.value = mapped.nr;
	rq_want(&rr->re.q, vms_batch_space_drop(&rr->re.q.batch, pages->id),
		want);
	if (!err)
		err = rq_run(&rr->re.q);
	rr->re.live -= mapped.nr;
	free(mapped.page);
	free(held.page);
	rr->re.frames -= rp_free_space(pages);
	space->priv = NULL;
	return err;
}

/* --- events ---------------------------------------------------------------- */

static int rr_begin(void *ctx, const struct st_event *event,
		    const struct rmm_proc *proc)
{
	struct rr *rr = ctx;

	rr->re.q.event = event;
	rr->re.cpu = proc->index % rr->re.nr_cpus;
	if (proc->space && proc->space->priv)
		rr_activate(rr, rr->re.cpu, proc->space->priv);
	return 0;
}

static int rr_end(void *ctx, const struct st_event *event)
{
	struct rr *rr = ctx;
	int err = rq_run(&rr->re.q);

	rr->steps++;
	if (rr->re.live > rr->top_live) {
		rr->top_live = rr->re.live;
		rr->top_step = rr->steps;
		rr->top_line = event->line;
	}
	if (!err && rr->at_step)
		err = rr->at_step(rr->ctx, rr, event);
	return err;
}

static const struct rmm_ops rr_ops = {
	.begin = rr_begin,
	.end = rr_end,
	.space_new = rr_space_new,
	.space_fork = rr_space_fork,
	.space_drop = rr_space_drop,
	.map = rr_map,
	.unmap = rr_unmap,
	.protect = rr_protect,
	.move = rr_move,
	.discard = rr_discard,
};

int rr_run(struct rr *rr, struct st_log *log)
{
	rr->mm.ops = &rr_ops;
	rr->mm.ctx = rr;
	rr->mm.log = log;
	return rmm_run(&rr->mm);
}

void rr_free(struct rr *rr)
{
	size_t i;

	for (i = 0; i < rr->mm.nr_space; i++)
		if (rr->mm.space[i]->priv)
			rp_free_space(rr->mm.space[i]->priv);
	rmm_free(&rr->mm);
	rq_free(&rr->re.q);
	free(rr->scaled);
}
