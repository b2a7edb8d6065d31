// SPDX-License-Identifier: GPL-2.0-only
/* The ring of the last operations: see story.h for the protocol. */

#include <linux/minmax.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "story.h"

#define VMS_STORY_WRITTEN(seq)	(2 * (seq))
#define VMS_STORY_WRITING(seq)	(2 * (seq) + 1)

static_assert(sizeof(struct vmstore_op) % sizeof(u64) == 0);

/* vms_story_init - of a store that is not set up yet; it can be waited for */
void vms_story_init(struct vms_story *story)
{
	init_waitqueue_head(&story->wait);
}

/**
 * vms_story_begin - make room for operations
 * @story: initialised
 *
 * May sleep.
 *
 * Return: 0 or -ENOMEM.
 */
int vms_story_begin(struct vms_story *story)
{
	story->entry = kvcalloc(VMSTORE_STORY_OPS, sizeof(*story->entry), GFP_KERNEL_ACCOUNT);
	return story->entry ? 0 : -ENOMEM;
}

/* vms_story_exit - forget it; nobody reads it any more */
void vms_story_exit(struct vms_story *story)
{
	kvfree(story->entry);
	story->entry = NULL;
}

static struct vms_story_entry *vms_story_entry(struct vms_story *story, u64 seq)
{
	return &story->entry[seq % VMSTORE_STORY_OPS];
}

/* To or from what others read or write meanwhile: word by word, none of them torn */
static void vms_story_put(u64 *to, const void *from, size_t len)
{
	u64 word;

	for (; len; len -= min(len, sizeof(word))) {
		word = 0;
		memcpy(&word, from, min(len, sizeof(word)));
		WRITE_ONCE(*to++, word);
		from += sizeof(word);
	}
}

static void vms_story_get(void *to, const u64 *from, size_t len)
{
	u64 word;

	for (; len; len -= min(len, sizeof(word))) {
		word = READ_ONCE(*from++);
		memcpy(to, &word, min(len, sizeof(word)));
		to += sizeof(word);
	}
}

/* Return: false when the entry is another's */
static bool vms_story_claim(struct vms_story_entry *e, u64 seq)
{
	u64 mark = READ_ONCE(e->mark);

	return !(mark & 1) && mark < VMS_STORY_WRITTEN(seq) &&
	       cmpxchg(&e->mark, mark, VMS_STORY_WRITING(seq)) == mark;
}

/* Of two that are given up in one entry the later one stays */
static void vms_story_give_up(struct vms_story_entry *e, u64 seq)
{
	u64 lost = READ_ONCE(e->lost);

	while (lost < seq && !try_cmpxchg(&e->lost, &lost, seq))
		;
}

/**
 * vms_story_add - the next operation
 * @story: of its store, not ended
 * @op: with its outcome
 * @data: what it has read from its caller or has for it; NULL without
 * @data_len: bytes of @data
 *
 * Any context but NMI. Takes no lock.
 */
void vms_story_add(struct vms_story *story, const struct vmstore_op *op, const void *data,
		   u64 data_len)
{
	struct vms_story_entry *e;
	u64 seq;

	preempt_disable();	/* not to be overtaken */
	seq = atomic64_inc_return(&story->last);
	e = vms_story_entry(story, seq);
	if (vms_story_claim(e, seq)) {
		WRITE_ONCE(e->data_len, data_len);
		vms_story_put((u64 *)&e->op, op, sizeof(*op));
		vms_story_put(e->data, data, min_t(u64, data_len, VMSTORE_STORY_DATA));
		/* Pairs with vms_story_read(): who sees the mark sees the record */
		smp_store_release(&e->mark, VMS_STORY_WRITTEN(seq));
	} else {
		vms_story_give_up(e, seq);
	}
	preempt_enable();
	/* Its barrier pairs with the one of who goes to sleep and looks once more */
	if (wq_has_sleeper(&story->wait))
		wake_up_interruptible(&story->wait);
}

/**
 * vms_story_end - that was the last operation
 * @story: of a store that is frozen now
 */
void vms_story_end(struct vms_story *story)
{
	WRITE_ONCE(story->ended, true);
	wake_up_interruptible(&story->wait);
}

/* Is operation @seq there? */
static bool vms_story_written(const struct vms_story_entry *e, u64 seq)
{
	/* Pairs with the end of writing */
	return smp_load_acquire(&e->mark) == VMS_STORY_WRITTEN(seq);
}

/* Will it never be, or not any more? */
static bool vms_story_gone(const struct vms_story_entry *e, u64 seq)
{
	return READ_ONCE(e->mark) > VMS_STORY_WRITING(seq) || READ_ONCE(e->lost) >= seq;
}

static bool vms_story_settled(struct vms_story *story, u64 seq)
{
	const struct vms_story_entry *e = vms_story_entry(story, seq);

	return vms_story_written(e, seq) || vms_story_gone(e, seq);
}

static bool vms_story_worth_reading(struct vms_story *story, u64 seq)
{
	/* The acquire is for the ring itself: the store may have been set up just now */
	return READ_ONCE(story->ended) ||
	       (seq <= atomic64_read_acquire(&story->last) && vms_story_settled(story, seq));
}

/**
 * vms_story_wait - until there is an operation to read, or the story has ended
 * @story: story, also one that has not begun
 * @seq: number from which on it is wanted, from a caller
 *
 * May sleep.
 *
 * Return: 0 or -EINTR.
 */
int vms_story_wait(struct vms_story *story, u64 seq)
{
	seq = max(seq, 1ULL);
	return wait_event_interruptible(story->wait, vms_story_worth_reading(story, seq)) ?
	       -EINTR : 0;
}

/* Return: false when the entry is not, or no longer, that of number @seq */
static bool vms_story_copy(const struct vms_story_entry *e, u64 seq,
			   struct vmstore_rec_story *rec)
{
	if (!vms_story_written(e, seq))
		return false;
	memset(rec, 0, sizeof(*rec));
	rec->seq = seq;
	rec->data_len = READ_ONCE(e->data_len);
	vms_story_get(&rec->op, (const u64 *)&e->op, sizeof(rec->op));
	vms_story_get(rec->data, e->data, min_t(u64, rec->data_len, VMSTORE_STORY_DATA));
	/* Pairs with the cmpxchg: who has read a word of the next record sees its mark */
	smp_rmb();
	return READ_ONCE(e->mark) == VMS_STORY_WRITTEN(seq);
}

/**
 * vms_story_read - the first operation that is remembered from a number on
 * @story: story that has begun
 * @seq: the number, from a caller; afterwards that of the operation found, or of the
 *	first one that is not there yet
 * @rec: out: the operation
 *
 * Takes no lock and holds nobody up.
 *
 * Return: false when there is none.
 */
bool vms_story_read(struct vms_story *story, u64 *seq, struct vmstore_rec_story *rec)
{
	u64 last = atomic64_read(&story->last);

	if (*seq > last)
		return false;
	*seq = max3(*seq, 1ULL, last < VMSTORE_STORY_OPS ? 1 : last - VMSTORE_STORY_OPS + 1);
	while (*seq <= last) {
		const struct vms_story_entry *e = vms_story_entry(story, *seq);

		if (vms_story_copy(e, *seq, rec))
			return true;
		/* One that has just become complete is no gap: once more */
		if (vms_story_gone(e, *seq))
			++*seq;
		else if (!vms_story_written(e, *seq))
			return false;
	}
	return false;
}
