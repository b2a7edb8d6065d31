// SPDX-License-Identifier: GPL-2.0-only
/*
 * Effects of the list operations on slots and on the list itself: see list.h. The ends
 * and the neighbours of a link are reached at once, a place by its number by walking.
 */

#include <linux/sched.h>
#include <linux/string.h>

#include "frame.h"
#include "list.h"

/* vms_list_init - an empty list, which has no tag yet [O-LNew] */
void vms_list_init(struct vms_list *list)
{
	*list = (struct vms_list) {
		.first = VMS_NO_SLOT,
		.last = VMS_NO_SLOT,
		.at = VMS_NO_SLOT,
	};
	INIT_LIST_HEAD(&list->by_tag);
}

static struct vms_link *vms_link(struct vms_region *r, u32 slot)
{
	return &r->slots[slot].link;
}

/**
 * vms_list_at - the link of a number
 * @r: region
 * @list: list in the caller's hand
 * @n: from 0 on
 *
 * From the nearer end. Process context.
 *
 * Return: its slot, or VMS_NO_SLOT: there are not so many.
 */
u32 vms_list_at(struct vms_region *r, const struct vms_list *list, u64 n)
{
	u32 slot, i;

	if (n >= list->nr)
		return VMS_NO_SLOT;
	if (n < list->nr / 2) {
		slot = list->first;
		for (i = 0; i < n; i++) {
			slot = vms_link(r, slot)->next;
			if (!(i % 1024))
				cond_resched();
		}
		return slot;
	}
	slot = list->last;
	for (i = list->nr - 1; i > n; i--) {
		slot = vms_link(r, slot)->prev;
		if (!(i % 1024))
			cond_resched();
	}
	return slot;
}

/**
 * vms_list_has - is a frame in a list? [O-LContains]
 * @r: region
 * @list: list in the caller's hand
 * @paddr: from a caller, anything
 * @slot: out: its slot, when it is
 *
 * The tag tells [L11], so nothing is walked. The slot may be in the hand of another
 * operation, but then it never had this tag and does not get it now. Any context.
 *
 * Return: true when it is; false also when @paddr is no frame.
 */
bool vms_list_has(const struct vms_region *r, const struct vms_list *list, u64 paddr,
		  u32 *slot)
{
	return list->tag && !vms_frame_slot(r, paddr, slot) &&
	       READ_ONCE(r->slots[*slot].in_list) == list->tag;
}

/* Let the link before @at, or the list if there is none, know what comes next */
static void vms_list_set_next(struct vms_region *r, struct vms_list *list, u32 at, u32 next)
{
	if (at == VMS_NO_SLOT) {
		list->first = next;
		return;
	}
	vms_touch_slot(r->touch, at);
	vms_link(r, at)->next = next;
}

/* The same backwards */
static void vms_list_set_prev(struct vms_region *r, struct vms_list *list, u32 at, u32 prev)
{
	if (at == VMS_NO_SLOT) {
		list->last = prev;
		return;
	}
	vms_touch_slot(r->touch, at);
	vms_link(r, at)->prev = prev;
}

static u32 vms_list_prev(struct vms_region *r, const struct vms_list *list, u32 at)
{
	return at == VMS_NO_SLOT ? list->last : vms_link(r, at)->prev;
}

/**
 * vms_list_insert - make a frame a link [O-LInsertAt, O-LCursorInsertBefore]
 * @r: region
 * @list: list in the caller's hand, which has a tag
 * @before: the link that comes behind it, VMS_NO_SLOT: it is the last one
 * @slot: UNIQUE slot whose exclusive handle the caller has, and then no more
 *
 * The content of the frame stays. With a cursor @before is where it stands, and there it
 * stays. Any context.
 */
void vms_list_insert(struct vms_region *r, struct vms_list *list, u32 before, u32 slot)
{
	u32 prev = vms_list_prev(r, list, before);
	struct vms_slot *s = &r->slots[slot];

	vms_touch_slot(r->touch, slot);
	s->link = (struct vms_link) { .prev = prev, .next = before };
	if (!VMS_WRONG(LINK_NO_TYPE))
		s->type = VMS_TYPE_LINK;
	WRITE_ONCE(s->in_list, VMS_WRONG(LINK_NO_TAG) ? 0 : list->tag);
	if (!VMS_WRONG(LINK_NEXT_LOST))
		vms_list_set_next(r, list, prev, slot);
	if (!VMS_WRONG(LINK_PREV_LOST))
		vms_list_set_prev(r, list, before, slot);
	list->nr++;
	if (list->out)
		list->index++;
}

/**
 * vms_list_take - make a link a frame again [O-LTakeAt, O-LCursorTake]
 * @r: region
 * @list: list in the caller's hand
 * @slot: a link of it; then the caller has the exclusive handle of its frame
 *
 * With a cursor @slot is where it stands; then it stands at the next one. Any context.
 */
void vms_list_take(struct vms_region *r, struct vms_list *list, u32 slot)
{
	struct vms_slot *s = &r->slots[slot];
	struct vms_link link = s->link;

	vms_list_set_next(r, list, link.prev, link.next);
	if (!VMS_WRONG(LINK_OTHER_PREV))
		vms_list_set_prev(r, list, link.next, link.prev);
	vms_touch_slot(r->touch, slot);
	if (!VMS_WRONG(LINK_KEPT))
		s->link = (struct vms_link) { VMS_NO_SLOT, VMS_NO_SLOT };
	if (!VMS_WRONG(LINK_TAG_KEPT))
		WRITE_ONCE(s->in_list, 0);
	s->type = VMS_TYPE_FRAME;
	list->nr--;
	if (list->out)
		list->at = link.next;
}

/**
 * vms_list_drop - tear all frames of a list down [O-LDrop]
 * @r: region
 * @list: list in the caller's hand, without a cursor
 *
 * Process context.
 *
 * Return: how many frames are unused now.
 */
u64 vms_list_drop(struct vms_region *r, struct vms_list *list)
{
	u64 freed = 0;

	while (list->first != VMS_NO_SLOT) {
		u32 slot = list->first;

		if (VMS_WRONG(LIST_LAST_LOST) && slot == list->last)
			break;
		vms_list_take(r, list, slot);
		vms_slot_put_unique(r, slot);
		if (!(++freed % 1024))
			cond_resched();
	}
	return freed;
}

static void vms_list_cursor_set(struct vms_list *list, u32 at, u32 index)
{
	list->out = true;
	list->at = at;
	list->index = index;
}

/* vms_list_cursor_front - a cursor at the first link, if there is one [O-LCursorFront] */
void vms_list_cursor_front(struct vms_list *list)
{
	vms_list_cursor_set(list, list->first, 0);
}

/* vms_list_cursor_back - a cursor at the last link, if there is one [O-LCursorBack] */
void vms_list_cursor_back(struct vms_list *list)
{
	vms_list_cursor_set(list, list->last, list->nr ? list->nr - 1 : 0);
}

/**
 * vms_list_cursor_at - a cursor at a link [O-LCursorAt]
 * @r: region
 * @list: list in the caller's hand
 * @slot: a link of it
 *
 * Walks to learn its number. Process context.
 */
void vms_list_cursor_at(struct vms_region *r, struct vms_list *list, u32 slot)
{
	u32 at = list->first;
	u32 index = 0;

	while (at != slot) {
		at = vms_link(r, at)->next;
		if (!(++index % 1024))
			cond_resched();
	}
	vms_list_cursor_set(list, slot, index);
}

/* vms_list_cursor_next - round through the place past the last link [O-LMoveNext] */
void vms_list_cursor_next(struct vms_region *r, struct vms_list *list)
{
	u32 at = list->at;

	if (at == VMS_NO_SLOT)
		vms_list_cursor_set(list, list->first,
				    VMS_WRONG(LIST_CURSOR_PAST) ? list->nr + 1 : 0);
	else
		vms_list_cursor_set(list, VMS_WRONG(LIST_CURSOR_STAYS) ? at :
				    vms_link(r, at)->next, list->index + 1);
}

/* vms_list_cursor_prev - the other way round [O-LMovePrev] */
void vms_list_cursor_prev(struct vms_region *r, struct vms_list *list)
{
	u32 at = list->at;

	if (at == list->first)		/* of an empty list: past its end */
		vms_list_cursor_set(list, VMS_NO_SLOT, list->nr);
	else
		vms_list_cursor_set(list, vms_list_prev(r, list, at), list->index - 1);
}

/* vms_list_cursor_drop - the list has no cursor any more [O-LCursorDrop] */
void vms_list_cursor_drop(struct vms_list *list)
{
	list->out = false;
	list->at = VMS_NO_SLOT;
	if (!VMS_WRONG(LIST_CURSOR_KEPT))
		list->index = 0;
}
