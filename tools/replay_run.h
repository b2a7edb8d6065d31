/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Re-enacts a log: connects the model of the address spaces (replay_mm.h) with
 * operations on pages (replay_emit.h).
 *
 * What each change becomes:
 *
 *  - map: a frame for each page; a unique value is written and read back on
 *    another CPU at the end of the call. A page that is not writable gets its
 *    value through the linear window, and a store to it must fault. A mapping that
 *    needs more frames than are free gets some of its pages only: the first ones,
 *    some at equal distances, the last. PROT_NONE takes no frames.
 *  - unmap: all values are read once more, one operation removes the range, then
 *    an access to each page must fault.
 *  - protect: every leaf is changed and the range flushed; values must survive,
 *    what is forbidden must fault, what is allowed is done. For PROT_NONE, which a
 *    leaf cannot say, the leaves go and handles keep the frames.
 *  - move: handles keep the frames from one place to the other.
 *  - fork: the frames of the parent are mapped in the child, private ones without
 *    W on both sides, where each store must now fault. Then the first page (see
 *    @cow_every) of each writable private mapping is written by both sides, who
 *    take turns to be first: the first copies, the second finds itself alone.
 *    Other pages stay shared until they are unmapped or a call makes them
 *    writable or moves them: then they are written, too.
 */
#ifndef VMS_REPLAY_RUN_H
#define VMS_REPLAY_RUN_H

#include "replay_emit.h"
#include "replay_mm.h"

#define RR_MAX_CPUS	64

/**
 * struct rr_scaled - a mapping of which only some pages were populated
 * @line: of the call
 * @pages: it has
 * @populated: of these
 */
struct rr_scaled {
	unsigned int line;
	__u64 pages;
	__u64 populated;
};

/**
 * struct rr - a run
 * @re: where operations go
 * @mm: the model
 * @cow_every: after a fork write to every so manyth page; 0 = the first only
 * @at_step: called after each event; may be NULL; an error ends the run
 * @on_space_end: called before a space goes; may be NULL
 * @ctx: passed to them
 * @steps: events done
 * @top_step: after which one most leaves were there
 * @top_line: its line
 * @top_live: how many
 * @active: the space that is active on each CPU
 * @mappings: made
 * @unpopulated: of these, PROT_NONE: no frames yet
 * @scaled: of these, mappings of which only some pages were populated, @nr_scaled
 * @pages: pages populated
 * @unmapped: pages unmapped by the program
 * @discarded: pages that MADV_DONTNEED dropped
 * @kept: pages that became PROT_NONE and kept their frame
 * @forked: pages mapped in a child
 */
struct rr {
	struct re re;
	struct rmm mm;
	unsigned int cow_every;
	int (*at_step)(void *ctx, struct rr *rr, const struct st_event *event);
	void (*on_space_end)(void *ctx, const struct rmm_space *space);
	void *ctx;
	__u64 steps;
	__u64 top_step;
	unsigned int top_line;
	__u64 top_live;
	struct rp_space *active[RR_MAX_CPUS];
	__u64 mappings;
	__u64 unpopulated;
	struct rr_scaled *scaled;
	size_t nr_scaled;
	size_t room_scaled;
	__u64 pages;
	__u64 unmapped;
	__u64 discarded;
	__u64 kept;
	__u64 forked;
};

/**
 * rr_run() - re-enact a log
 * @rr: zero but for what the caller decides: re.q.store, re.q.on_failure,
 *	re.nr_cpus, re.room, mm.strict, cow_every, at_step, their contexts
 * @log: the log
 *
 * Return: 0; a negative errno (-EIO: the store is frozen); or what @at_step
 * returned.
 */
int rr_run(struct rr *rr, struct st_log *log);

/**
 * rr_free() - release everything
 * @rr: the run
 */
void rr_free(struct rr *rr);

#endif /* VMS_REPLAY_RUN_H */
