/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * TLB litmus tests: the test as data, and how it is read
 *
 *	litmus NAME
 *	doc TEXT
 *	needs CAP...
 *	space S...			without it there is one, S
 *	frame a[=VALUE]...		a data frame and the word in it
 *	page x...			a user address; x+1 is the page behind it
 *	area k = a PROP			one kernel page that maps a
 *	huge h = a b PROP		a kernel page of 2 MiB; its pages h and h+1 are a and b
 *	map [S:]x a PROP		mapped at the beginning
 *	cpu N [S|none]			what follows runs on CPU N, where S is active
 *		OP...
 *	final				what follows runs when all CPUs are through
 *		OP...
 *	allowed|required|forbidden r=VALUE...
 *
 * One statement a line, '#' starts a comment. docs/litmus.md explains it.
 */
#ifndef VMSTORECTL_LITMUS_H
#define VMSTORECTL_LITMUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "lex.h"
#include "libvmstore.h"

#define LITMUS_MAX_CPUS		4
#define LITMUS_MAX_SPACES	3
#define LITMUS_MAX_PAGES	4
#define LITMUS_MAX_SLOTS	6
#define LITMUS_SLOT_PAGES	2
#define LITMUS_MAX_KEYS		(LITMUS_MAX_SLOTS * LITMUS_SLOT_PAGES)
#define LITMUS_MAX_CURSORS	8
#define LITMUS_MAX_FRAMES	8
#define LITMUS_MAX_VALUES	16
#define LITMUS_MAX_REGS		10
#define LITMUS_MAX_OPS		16
#define LITMUS_MAX_CONDS	16
#define LITMUS_NAME		32

/**
 * enum litmus_code - what an operation does
 * @LITMUS_LOAD: load the word at a place
 * @LITMUS_STORE: store one
 * @LITMUS_MAP: map a frame, over what is there
 * @LITMUS_UNMAP: remove a mapping
 * @LITMUS_UNMAP_TABLE: remove a leaf table with what is in it
 * @LITMUS_PROTECT: change what is permitted
 * @LITMUS_CLEAR: clear accessed or dirty bits
 * @LITMUS_INVLPG: flush on this CPU alone
 * @LITMUS_ISSUE: queue a flush request
 * @LITMUS_DISPATCH: send what is queued
 * @LITMUS_SYNC: wait for what was sent
 * @LITMUS_FLUSH: all three
 * @LITMUS_REAP: for everybody's
 * @LITMUS_REUSE: claim a frame that nobody has any more
 * @LITMUS_MERGE: drop an area of 2 MiB, make it again in one piece
 * @LITMUS_ACTIVATE: load another root
 * @LITMUS_BARRIER: wait until all CPUs have come here
 * @LITMUS_ACCESSED: final: is the accessed bit set?
 * @LITMUS_DIRTY: final: is the dirty bit set?
 * @LITMUS_WRITABLE: final: is writing permitted?
 * @LITMUS_EXECUTABLE: final: is execution permitted?
 * @LITMUS_VALUE: final: the word in a frame
 */
enum litmus_code {
	LITMUS_LOAD,
	LITMUS_STORE,
	LITMUS_MAP,
	LITMUS_UNMAP,
	LITMUS_UNMAP_TABLE,
	LITMUS_PROTECT,
	LITMUS_CLEAR,
	LITMUS_INVLPG,
	LITMUS_ISSUE,
	LITMUS_DISPATCH,
	LITMUS_SYNC,
	LITMUS_FLUSH,
	LITMUS_REAP,
	LITMUS_REUSE,
	LITMUS_MERGE,
	LITMUS_ACTIVATE,
	LITMUS_BARRIER,
	LITMUS_ACCESSED,
	LITMUS_DIRTY,
	LITMUS_WRITABLE,
	LITMUS_EXECUTABLE,
	LITMUS_VALUE,
};

/**
 * enum litmus_result - what a register can hold; values follow
 * @LITMUS_UNSET: nothing yet
 * @LITMUS_ABSENT: the access faulted, nothing is mapped there
 * @LITMUS_DENIED: it faulted, it is not permitted
 * @LITMUS_OK: it succeeded
 * @LITMUS_BUSY: somebody has the frame
 * @LITMUS_STRANGE: a word that the test does not know
 * @LITMUS_FIRST_VALUE: litmus.values[0]
 */
enum litmus_result {
	LITMUS_UNSET,
	LITMUS_ABSENT,
	LITMUS_DENIED,
	LITMUS_OK,
	LITMUS_BUSY,
	LITMUS_STRANGE,
	LITMUS_FIRST_VALUE,
};

enum litmus_slot_kind {
	LITMUS_USER,
	LITMUS_AREA,
	LITMUS_HUGE,
};

/**
 * struct litmus_slot - what one leaf table, or one large leaf, translates
 * @kind: which part of the address space
 * @space: whose it is, for LITMUS_USER
 * @page: index of the name in litmus.pages, for LITMUS_USER
 * @name: of an area
 */
struct litmus_slot {
	enum litmus_slot_kind kind;
	int space;
	int page;
	char name[LITMUS_NAME];
};

/**
 * struct litmus_place - a page
 * @slot: index in litmus.slots
 * @idx: which page of it
 */
struct litmus_place {
	int slot;
	int idx;
};

/**
 * struct litmus_op - a step of a program
 * @code: what it does
 * @place: where
 * @frame: of LITMUS_MAP, LITMUS_REUSE, LITMUS_VALUE
 * @value: index in litmus.values of what is stored
 * @prop: of LITMUS_MAP, LITMUS_PROTECT; bits to clear
 * @reg: where the result goes, -1 = nowhere
 * @space: of LITMUS_ACTIVATE, and of a flush of everything; -1 = none
 * @cursor: index in litmus.cursors, -1 = all of the CPU's
 * @all: a flush of everything in @space
 * @defer: its own flush requests stay queued
 * @line: number of the line
 */
struct litmus_op {
	enum litmus_code code;
	struct litmus_place place;
	int frame;
	int value;
	struct vmstore_prop prop;
	int reg;
	int space;
	int cursor;
	bool all;
	bool defer;
	unsigned int line;
};

/**
 * struct litmus_program - what one CPU does
 * @ops: its steps
 * @nr: how many
 * @space: active there at the beginning, -1 = none
 * @line: number of the line
 */
struct litmus_program {
	struct litmus_op ops[LITMUS_MAX_OPS];
	int nr;
	int space;
	unsigned int line;
};

/**
 * struct litmus_cursor - what a CPU changes a slot through
 * @cpu: the CPU
 * @slot: the slot
 * @wide: it can remove the leaf table
 */
struct litmus_cursor {
	int cpu;
	int slot;
	bool wide;
};

struct litmus_mapping {
	struct litmus_place place;
	int frame;
	struct vmstore_prop prop;
};

/**
 * struct litmus_frame - a data frame
 * @name: its name
 * @value: index in litmus.values of what is in it at the beginning
 * @numeric: the test says what that is; else the name stands for it
 */
struct litmus_frame {
	char name[LITMUS_NAME];
	int value;
	bool numeric;
};

/**
 * struct litmus_outcome - what is in the registers at the end
 * @reg: enum litmus_result or a value; in a condition LITMUS_UNSET = any
 */
struct litmus_outcome {
	unsigned char reg[LITMUS_MAX_REGS];
};

enum litmus_verdict {
	LITMUS_ALLOWED,
	LITMUS_REQUIRED,
	LITMUS_FORBIDDEN,
};

/**
 * struct litmus_cond - a line with a verdict
 * @verdict: LITMUS_REQUIRED is allowed, and the soft machine has to show it
 * @when: outcomes it speaks of
 * @line: number of the line
 */
struct litmus_cond {
	enum litmus_verdict verdict;
	struct litmus_outcome when;
	unsigned int line;
};

/**
 * struct litmus - a test
 * @source: where it comes from
 * @name: its name
 * @doc: one line
 * @needs: VMSTORE_CAP_* that it makes no sense without
 * @spaces: names
 * @pages: names of user addresses
 * @frames: data frames
 * @values: words
 * @slots: leaf tables
 * @mappings: at the beginning
 * @cpus: programs
 * @final: looked at when they are through
 * @cursors: what the programs change things through
 * @regs: names
 * @conds: verdicts
 */
struct litmus {
	struct source source;
	char name[LITMUS_NAME];
	char doc[120];
	__u32 needs;
	char spaces[LITMUS_MAX_SPACES][LITMUS_NAME];
	int nr_spaces;
	char pages[LITMUS_MAX_PAGES][LITMUS_NAME];
	int nr_pages;
	struct litmus_frame frames[LITMUS_MAX_FRAMES];
	int nr_frames;
	__u64 values[LITMUS_MAX_VALUES];
	int nr_values;
	struct litmus_slot slots[LITMUS_MAX_SLOTS];
	int nr_slots;
	struct litmus_mapping mappings[LITMUS_MAX_KEYS];
	int nr_mappings;
	struct litmus_program cpus[LITMUS_MAX_CPUS];
	int nr_cpus;
	struct litmus_program final;
	struct litmus_cursor cursors[LITMUS_MAX_CURSORS];
	int nr_cursors;
	char regs[LITMUS_MAX_REGS][LITMUS_NAME];
	int nr_regs;
	struct litmus_cond conds[LITMUS_MAX_CONDS];
	int nr_conds;
};

/**
 * litmus_parse() - read a test
 * @test: to fill
 * @path: for messages, must outlive @test
 * @from: where it is read from
 * @err: where messages go
 * @color: use colours there
 *
 * Return: 0, -EINVAL after messages, or another negative errno.
 */
int litmus_parse(struct litmus *test, const char *path, FILE *from, FILE *err, bool color);

/* litmus_is_kernel - is it a place of all spaces? */
bool litmus_is_kernel(const struct litmus *test, struct litmus_place place);

/**
 * litmus_active() - the space that is active when an operation runs
 * @test: the test
 * @cpu: whose program
 * @op: index of the operation
 *
 * Return: index of the space, -1 = none.
 */
int litmus_active(const struct litmus *test, int cpu, int op);

/* litmus_matches - does an outcome fulfil a condition? */
bool litmus_matches(const struct litmus *test, const struct litmus_outcome *cond,
		    const struct litmus_outcome *outcome);

/**
 * litmus_print() - an outcome, or a condition, as text
 * @test: the test
 * @outcome: the outcome
 * @to: the stream
 */
void litmus_print(const struct litmus *test, const struct litmus_outcome *outcome, FILE *to);

const char *litmus_verdict_name(enum litmus_verdict verdict);

/**
 * litmus_cap_name() - the word for a capability
 * @cap: VMSTORE_CAP_*
 *
 * Return: the word, or NULL.
 */
const char *litmus_cap_name(__u32 cap);

#endif /* VMSTORECTL_LITMUS_H */
