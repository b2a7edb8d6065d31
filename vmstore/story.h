/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The story of a store: a ring of the last operations it executed, with their outcomes.
 *
 * Operations that run side by side write side by side, without a lock. Each has a number
 * of its own, and with it an entry; the entry's mark says whose it is:
 *
 *	writer		mark = 2 * seq + 1	by cmpxchg; being written
 *			the record
 *			mark = 2 * seq		released; complete
 *	reader		mark, the record, mark again: it is whole if both are 2 * seq
 *
 * A writer that is overtaken by a whole round finds an entry that is being written, or
 * holds a later number. It leaves it alone and says in @lost that its number will not
 * come. A reader that finds neither its number, nor a later one, nor that, stops there:
 * the record is on its way.
 */
#ifndef VMS_STORY_H
#define VMS_STORY_H

#include <linux/atomic.h>
#include <linux/types.h>
#include <linux/wait.h>

#include <linux/vmstore.h>

/**
 * struct vms_story_entry - room for one operation
 * @mark: see above
 * @lost: the last number that was given up here
 * @data_len: as struct vmstore_rec_story
 * @op: likewise
 * @data: likewise; behind @data_len bytes it holds anything
 */
struct vms_story_entry {
	u64 mark;
	u64 lost;
	u64 data_len;
	struct vmstore_op op;
	u64 data[VMSTORE_STORY_DATA / sizeof(u64)];
} ____cacheline_aligned;

/**
 * struct vms_story - the last operations of a store
 * @last: number of the last operation, from 1; how many there were
 * @ended: there will be no more
 * @wait: who waits for the next one
 * @entry: from set-up on; number n is in entry n % VMSTORE_STORY_OPS
 */
struct vms_story {
	atomic64_t last;
	bool ended;
	wait_queue_head_t wait;
	struct vms_story_entry *entry;
};

void vms_story_init(struct vms_story *story);
int vms_story_begin(struct vms_story *story);
void vms_story_exit(struct vms_story *story);
void vms_story_add(struct vms_story *story, const struct vmstore_op *op, const void *data,
		   u64 data_len);
void vms_story_end(struct vms_story *story);
int vms_story_wait(struct vms_story *story, u64 seq);
bool vms_story_read(struct vms_story *story, u64 *seq, struct vmstore_rec_story *rec);

#endif /* VMS_STORY_H */
