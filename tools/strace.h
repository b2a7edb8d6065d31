/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads the log of "strace -f -e trace=memory,process -o FILE PROGRAM".
 *
 * The log becomes a list of events in the order in which they ended: calls with
 * their arguments and result, beginnings of calls that another process
 * interrupted in the log, and ends of processes. The two halves of a call
 * ("<unfinished ...>", "<... resumed>") are one event again. What the calls mean
 * is not known here.
 */
#ifndef VMS_STRACE_H
#define VMS_STRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <linux/types.h>

#define ST_MAX_ARGS	8

/**
 * enum st_kind - what happened
 * @ST_CALL: a call ended
 * @ST_BEGIN: a call began and its line broke off; its ST_CALL follows, maybe
 * @ST_GONE: a process or thread ended, by itself or by a signal
 * @ST_SUPERSEDED: a thread called execve; its process goes on under @pid
 */
enum st_kind {
	ST_CALL,
	ST_BEGIN,
	ST_GONE,
	ST_SUPERSEDED,
};

/**
 * struct st_event - one event
 * @kind: enum st_kind
 * @pid: of the process or thread; 0 when the log has no such column
 * @by: ST_SUPERSEDED: the thread that called execve
 * @line: number of the line where it ended, from 1
 * @first: number of the line where it began
 * @name: of the call
 * @args: of the call, as text, without comments
 * @nr_args: how many, at most ST_MAX_ARGS are kept
 * @no_result: the call never returned ("= ?")
 * @failed: it returned an error
 * @ret: what it returned otherwise
 * @text: where the strings live
 */
struct st_event {
	enum st_kind kind;
	int pid;
	int by;
	unsigned int line;
	unsigned int first;
	const char *name;
	char *args[ST_MAX_ARGS];
	unsigned int nr_args;
	bool no_result;
	bool failed;
	__u64 ret;
	char *text;
};

/**
 * struct st_bad - a malformed line
 * @line: its number
 * @why: what is wrong
 */
struct st_bad {
	unsigned int line;
	const char *why;
};

/**
 * struct st_log - a log
 * @events: in log order, @nr_events
 * @bad: malformed lines in log order, @nr_bad
 * @lines: lines read
 * @calls: calls among the events
 * @joined: of these, calls that were in two pieces
 * @unfinished: calls that began and never ended
 * @signals: lines that told of a signal
 * @notes: lines that strace wrote about itself
 */
struct st_log {
	struct st_event *events;
	size_t nr_events;
	size_t room_events;
	struct st_bad *bad;
	size_t nr_bad;
	size_t room_bad;
	unsigned int lines;
	unsigned int calls;
	unsigned int joined;
	unsigned int unfinished;
	unsigned int signals;
	unsigned int notes;
};

/**
 * st_read() - read a log
 * @log: to fill; end with st_free()
 * @from: the file
 *
 * Malformed lines are no error: they are in @log->bad.
 *
 * Return: 0 or a negative errno.
 */
int st_read(struct st_log *log, FILE *from);

/**
 * st_free() - release what st_read() allocated
 * @log: the log
 */
void st_free(struct st_log *log);

/**
 * st_add_bad() - note a malformed line
 * @log: the log
 * @line: its number
 * @why: constant text
 *
 * For callers that understand more of a line than this file does. Keeps the
 * order of the lines.
 *
 * Return: 0 or -ENOMEM.
 */
int st_add_bad(struct st_log *log, unsigned int line, const char *why);

/**
 * st_number() - a number or an address
 * @arg: "4096", "0x7f00", "NULL"; "name=..." in front is skipped
 * @value: the number
 *
 * Return: true when it is one.
 */
bool st_number(const char *arg, __u64 *value);

/**
 * struct st_bit - name of a flag; a table ends with a NULL name
 * @name: as strace prints it
 * @bit: its value
 */
struct st_bit {
	const char *name;
	__u64 bit;
};

/**
 * st_bits() - flags
 * @arg: "PROT_READ|PROT_WRITE", "0x3"; "name=..." in front is skipped; of a
 *	"{flags=..., ...}" the member flags is taken
 * @table: the names that matter; others are skipped
 * @value: the flags
 *
 * Return: true when it looks like flags.
 */
bool st_bits(const char *arg, const struct st_bit *table, __u64 *value);

#endif /* VMS_STRACE_H */
