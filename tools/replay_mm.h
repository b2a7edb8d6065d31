/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the calls in a log do to address spaces: processes, the spaces they share,
 * and the mappings in each space.
 *
 * What a call changes goes out through struct rmm_ops, one function per kind of
 * change, in the order in which it must happen. Pages are not known here, only
 * ranges.
 *
 * Decisions:
 *
 *  - The kernel maps the program, its loader, the stack and the vDSO at execve;
 *    no line tells. A range that is first heard of by mprotect or mremap is taken
 *    for such a mapping: private, readable, writable. Its pages are counted as
 *    learned. munmap and madvise of a range never heard of change nothing; its
 *    pages are counted as unknown.
 *  - Lines are in the order in which calls ended. A munmap that began before a
 *    mapping was made, and ended after it, does not remove that mapping: another
 *    thread was given the addresses in between.
 *  - Lines of a process can precede the end of the call that made it. While one
 *    such call is unfinished an unknown process is its child; while several are,
 *    the lines wait until one of them ends. A process that nobody can have made
 *    was attached to: it starts with an empty space.
 *  - Every MAP_SHARED mapping is an object of its own, shared by fork and by
 *    mremap with an old size of 0; which file it maps is not known.
 *  - Addresses are those of the lower half; what lies above is counted as outside.
 */
#ifndef VMS_REPLAY_MM_H
#define VMS_REPLAY_MM_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>
#include "replay_vma.h"
#include "strace.h"

/**
 * struct rmm_space - an address space
 * @nr: number for people, from 1
 * @users: processes and threads in it
 * @maps: its mappings
 * @brk: end of the heap, 0 when the log has not told yet
 * @priv: of whoever implements struct rmm_ops
 */
struct rmm_space {
	unsigned int nr;
	unsigned int users;
	struct rmm_maps maps;
	__u64 brk;
	void *priv;
};

struct rmm_proc;

/**
 * struct rmm_ops - the changes; each returns 0 or a negative errno
 * @begin: an event begins that may change something
 * @end: it ended
 * @space_new: an empty space
 * @space_fork: @child gets what @parent has; its list of mappings is made already
 * @space_drop: the last process left
 * @map: pages that are not there, zero
 * @unmap: everything in the range goes
 * @protect: a mapping changes from one protection to another
 * @move: what is at @from goes to @to, where nothing is; @copy: and stays
 * @discard: pages of a mapping go and come back, zero when private
 */
struct rmm_ops {
	int (*begin)(void *ctx, const struct st_event *event,
		     const struct rmm_proc *proc);
	int (*end)(void *ctx, const struct st_event *event);
	int (*space_new)(void *ctx, struct rmm_space *space);
	int (*space_fork)(void *ctx, struct rmm_space *parent,
			  struct rmm_space *child);
	int (*space_drop)(void *ctx, struct rmm_space *space);
	int (*map)(void *ctx, struct rmm_space *space,
		   const struct rmm_vma *vma);
	int (*unmap)(void *ctx, struct rmm_space *space, __u64 start, __u64 end);
	int (*protect)(void *ctx, struct rmm_space *space,
		       const struct rmm_vma *vma, unsigned int old_prot);
	int (*move)(void *ctx, struct rmm_space *space, __u64 from, __u64 to,
		    __u64 len, bool copy);
	int (*discard)(void *ctx, struct rmm_space *space,
		       const struct rmm_vma *vma);
};

/**
 * struct rmm_name - how often a call was seen
 * @name: of the call; of madvise with the advice
 * @calls: how often
 */
struct rmm_name {
	char *name;
	unsigned int calls;
};

struct rmm_names {
	struct rmm_name *list;
	size_t nr;
	size_t room;
};

/**
 * struct rmm_proc - a process or thread
 * @pid: its number in the log
 * @index: how many were there before it
 * @space: where it runs; NULL until it is needed, and when the process is over
 * @over: it called exit
 * @cloning: a call of it that makes a process is unfinished
 * @early: its child, known before that call ended; 0 = none
 * @flags: of that call; RMM_FLAGS_UNKNOWN when the log does not tell yet
 */
struct rmm_proc {
	int pid;
	unsigned int index;
	struct rmm_space *space;
	bool over;
	bool cloning;
	int early;
	__u64 flags;
};

#define RMM_FLAGS_UNKNOWN	0x8000000000000000ULL

/**
 * struct rmm - the model
 * @ops: where changes go
 * @ctx: first argument of @ops
 * @log: the log
 * @strict: lines whose arguments make no sense are added to those of the log
 * @proc: processes and threads there are, @nr_proc
 * @space: spaces there are, @nr_space
 * @waiting: events that wait until their process is known, @nr_waiting
 * @bad: the arguments of the last call made no sense
 * @replayed: calls re-enacted, by name
 * @neutral: calls that change no mapping, by name
 * @unmodelled: other calls, by name; of madvise with the advice
 * @failed: calls that returned an error
 * @no_result: calls that never returned, other than exit
 * @processes: made, those without a beginning in the log included
 * @threads: made
 * @forks: of the processes, those with a copy of their parent's space
 * @execs: programs started
 * @attached: processes without a beginning in the log
 * @left: processes and threads without an end in the log
 * @spaces: made
 * @learned: pages learned from mprotect and mremap
 * @unknown: pages that munmap or madvise named and nobody mapped
 * @outside: pages above the lower half
 * @overtaken: pages that a call left to a mapping made while it ran
 */
struct rmm {
	const struct rmm_ops *ops;
	void *ctx;
	struct st_log *log;
	bool strict;
	struct rmm_proc **proc;
	size_t nr_proc;
	size_t room_proc;
	struct rmm_space **space;
	size_t nr_space;
	size_t room_space;
	const struct st_event **waiting;
	size_t nr_waiting;
	size_t room_waiting;
	bool bad;
	struct rmm_names replayed;
	struct rmm_names neutral;
	struct rmm_names unmodelled;
	unsigned int failed;
	unsigned int no_result;
	unsigned int processes;
	unsigned int threads;
	unsigned int forks;
	unsigned int execs;
	unsigned int attached;
	unsigned int left;
	unsigned int spaces;
	__u64 learned;
	__u64 unknown;
	__u64 outside;
	__u64 overtaken;
};

/**
 * rmm_run() - do everything in the log
 * @mm: the model, zero but for @ops, @ctx, @log and @strict
 *
 * At the end the spaces that are left are dropped.
 *
 * Return: 0, a negative errno, or what a function of @ops returned.
 */
int rmm_run(struct rmm *mm);

/**
 * rmm_free() - release everything, without calling @ops
 * @mm: the model
 */
void rmm_free(struct rmm *mm);

#endif /* VMS_REPLAY_MM_H */
