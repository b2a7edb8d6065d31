/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Operations with what is expected of each. They are collected, run with few
 * calls of the device, and each outcome is compared. Without a device everything
 * comes out as expected: that is a dry run.
 */
#ifndef VMS_REPLAY_QUEUE_H
#define VMS_REPLAY_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>
#include "libvmstore.h"
#include "strace.h"

/* Operations a call of the device; a caller adds fewer between two rq_room(). */
#define RQ_LIMIT	8192

/**
 * enum rq_check - why an access is made
 * @RQ_NONE: none is
 * @RQ_WRITE: a value is written
 * @RQ_LINEAR: a value is written through the linear window, as the kernel would
 * @RQ_ZERO: a fresh page is zero
 * @RQ_READBACK: the value written is there
 * @RQ_KEPT: the value is still there at the end or after a change
 * @RQ_COPIED: a copy has the value of the original
 * @RQ_OTHER: the original has its value though the copy was written
 * @RQ_SHARED: a value written elsewhere is seen here
 * @RQ_UNMAPPED: an access faults, the page was unmapped
 * @RQ_NO_ACCESS: it faults, the page is PROT_NONE or was never mapped
 * @RQ_READ_ONLY: a store faults, the page is read-only
 * @RQ_COW: a store faults, the page is shared by a fork
 */
enum rq_check {
	RQ_NONE,
	RQ_WRITE,
	RQ_LINEAR,
	RQ_ZERO,
	RQ_READBACK,
	RQ_KEPT,
	RQ_COPIED,
	RQ_OTHER,
	RQ_SHARED,
	RQ_UNMAPPED,
	RQ_NO_ACCESS,
	RQ_READ_ONLY,
	RQ_COW,
	RQ_NR_CHECKS,
};

/**
 * enum rq_kind - what must come out
 * @RQ_OK: no error
 * @RQ_VALUE: the load yields @value
 * @RQ_FAULT: a fault, of the bits @value
 * @RQ_FRESH: CURSOR_MAP replaces nothing
 * @RQ_REPLACE: CURSOR_MAP replaces the frame at paddr @value
 * @RQ_FRAME: CURSOR_QUERY finds the frame at paddr @value
 * @RQ_REMOVED: CURSOR_UNMAP removes @value mappings
 * @RQ_PROTECTED: CURSOR_PROTECT_NEXT finds @va and leaves it with flags @value
 * @RQ_LEAVES: SPACE_DROP releases @value leaves
 */
enum rq_kind {
	RQ_OK,
	RQ_VALUE,
	RQ_FAULT,
	RQ_FRESH,
	RQ_REPLACE,
	RQ_FRAME,
	RQ_REMOVED,
	RQ_PROTECTED,
	RQ_LEAVES,
};

/**
 * struct rq_want - what is expected of one operation
 * @kind: enum rq_kind
 * @check: enum rq_check
 * @space: number of the space for people
 * @va: where
 * @value: see @kind
 * @id: gets the id that was made, or NULL
 * @paddr: gets the frame's address, or NULL
 */
struct rq_want {
	enum rq_kind kind;
	enum rq_check check;
	unsigned int space;
	__u64 va;
	__u64 value;
	__u64 *id;
	__u64 *paddr;
};

/**
 * struct rq - a queue
 * @store: the device, NULL in a dry run
 * @batch: the operations; set its cpu before appending
 * @want: what is expected of each
 * @event: what the operations are for
 * @on_failure: called with a text for each difference; may be NULL
 * @ctx: passed to it
 * @runs: calls of the device
 * @ops: operations run
 * @checks: accesses that came out as expected, by enum rq_check
 * @failures: differences
 * @tables_built: page-table nodes made
 * @tables_removed: page-table nodes removed by unmapping or with their space
 * @frozen: the device found a violation
 * @fake: ids of a dry run
 */
struct rq {
	struct vms_store *store;
	struct vms_batch batch;
	struct rq_want *want;
	size_t room_want;
	const struct st_event *event;
	void (*on_failure)(void *ctx, const char *text);
	void *ctx;
	__u64 runs;
	__u64 ops;
	__u64 checks[RQ_NR_CHECKS];
	__u64 failures;
	__u64 tables_built;
	__u64 tables_removed;
	bool frozen;
	__u64 fake;
};

/**
 * rq_check_name() - "read back"
 * @check: enum rq_check
 *
 * Return: its name for machines, words joined by '_'.
 */
const char *rq_check_name(enum rq_check check);

/**
 * rq_want() - say what is expected of an operation
 * @q: the queue
 * @index: of the operation in @q->batch, the last one appended
 * @want: what; RQ_OK need not be said
 *
 * Return: @index.
 */
size_t rq_want(struct rq *q, size_t index, struct rq_want want);

/**
 * rq_run() - run what was collected and compare
 * @q: the queue, empty afterwards
 *
 * Differences are counted and reported, and are no error.
 *
 * Return: 0; -EIO when the store is frozen; or what the device said.
 */
int rq_run(struct rq *q);

/**
 * rq_room() - run what was collected when it has grown large
 * @q: the queue
 * @nr: operations about to be appended that name each other
 *
 * Return: as rq_run().
 */
int rq_room(struct rq *q, size_t nr);

/**
 * rq_free() - forget everything
 * @q: the queue
 */
void rq_free(struct rq *q);

#endif /* VMS_REPLAY_QUEUE_H */
