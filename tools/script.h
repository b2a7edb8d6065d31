/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vmstorectl: scripts of operations
 *
 *	[name =] op-word [arg=value]... [flag]... [@cpu N] [-> outcome]
 *	setup [region=SIZE] [mmio=SIZE] [machine=M] [cpus=N] [check=MODE] [seed=N]
 *	check
 *
 * One statement a line, '#' starts a comment. A value is a sum of numbers (0x,
 * k, M, G, T), of names of earlier operations, which stand for the id these made,
 * and of name.field, a field of an earlier outcome; where an address is wanted, the
 * name of a kernel area is its first one; a property is letters; data is "text" in
 * quotes or hexadecimal digits. An outcome is "ok", the name of an errno, or
 * "any", then field=value or field!=value; without it, "ok" is expected.
 */
#ifndef VMSTORECTL_SCRIPT_H
#define VMSTORECTL_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "lex.h"
#include "libvmstore.h"

#define SCRIPT_MAX_REFS	2

/**
 * struct script_ref - what another statement will have found
 * @stmt: index of the statement
 * @field: of its outcome; NULL = the id that it makes
 */
struct script_ref {
	size_t stmt;
	const struct vms_field *field;
};

/**
 * struct script_value - a sum
 * @constant: what is known when the script is read
 * @refs: what is not
 * @nr_refs: how many of these
 */
struct script_value {
	__u64 constant;
	struct script_ref refs[SCRIPT_MAX_REFS];
	unsigned int nr_refs;
};

/**
 * struct script_data - bytes
 * @bytes: allocated, or NULL
 * @len: how many
 */
struct script_data {
	unsigned char *bytes;
	size_t len;
};

/**
 * struct script_arg - an argument with a reference, or a field expected
 * @field: of the operation's row
 * @value: what it is or should be
 * @data: the same, where @field is VMS_KIND_DATA
 * @unequal: should not be
 */
struct script_arg {
	const struct vms_field *field;
	struct script_value value;
	struct script_data data;
	bool unequal;
};

/**
 * enum script_outcome - what an operation should do
 * @SCRIPT_OK: succeed
 * @SCRIPT_FAIL: fail with script_statement.err
 * @SCRIPT_ANY: whatever it likes
 */
enum script_outcome {
	SCRIPT_OK,
	SCRIPT_FAIL,
	SCRIPT_ANY,
};

enum script_kind {
	SCRIPT_OP,
	SCRIPT_SETUP,
	SCRIPT_CHECK,
};

/**
 * enum script_state - how far a statement has come
 * @SCRIPT_WAITING: not yet executed
 * @SCRIPT_DONE: executed
 * @SCRIPT_SKIPPED: left out, as something it refers to is not there
 */
enum script_state {
	SCRIPT_WAITING,
	SCRIPT_DONE,
	SCRIPT_SKIPPED,
};

/**
 * struct script_statement - a line that says something
 * @kind: which kind of statement
 * @line: number of the line, from 1
 * @text: the line, without indentation
 * @said: characters of it without what is expected and without a comment
 * @comment: the lines before it that say nothing, without their #; or NULL
 * @name: what its outcome is called, or NULL
 * @desc: the operation's row
 * @op: the operation; references filled in and outcome once it is executed
 * @args: arguments of the operation that refer to others
 * @nr_args: how many of these
 * @data: what the operation reads, or room for what it writes
 * @frames: handles of an argument that is a list of them; their ids go to @data
 * @nr_frames: how many of these
 * @expects: it says what is expected
 * @outcome: what is expected
 * @err: negative errno, for SCRIPT_FAIL
 * @outs: fields expected
 * @nr_outs: how many of these
 * @setup: for SCRIPT_SETUP
 * @state: how far it has come
 */
struct script_statement {
	enum script_kind kind;
	unsigned int line;
	char *text;
	size_t said;
	char *comment;
	char *name;
	const struct vms_op_desc *desc;
	struct vmstore_op op;
	struct script_arg args[VMS_MAX_ARGS];
	unsigned int nr_args;
	struct script_data data;
	struct script_value *frames;
	unsigned int nr_frames;
	bool expects;
	enum script_outcome outcome;
	int err;
	struct script_arg *outs;
	unsigned int nr_outs;
	struct vmstore_setup setup;
	enum script_state state;
};

/**
 * struct script - a script
 * @source: where it comes from
 * @stmts: its statements
 * @nr: how many
 * @room: allocated
 * @comment: what comes behind the last statement, as script_statement.comment
 * @names: names given, a tree
 */
struct script {
	struct source source;
	struct script_statement *stmts;
	size_t nr;
	size_t room;
	char *comment;
	void *names;
};

/**
 * script_init() - an empty script
 * @script: to fill
 * @path: for messages
 * @err: where messages go
 * @color: use colours there
 */
void script_init(struct script *script, const char *path, FILE *err,
		 bool color);

/**
 * script_parse() - read statements to the end of a stream
 * @script: they are appended to it
 * @from: the stream
 *
 * Mistakes are printed with line, column and a caret; the rest is still read.
 *
 * Return: 0, -EINVAL with script->source.errors > 0, or another negative errno.
 */
int script_parse(struct script *script, FILE *from);

/**
 * script_free() - release what a script holds
 * @script: the script
 */
void script_free(struct script *script);

/**
 * script_load() - read a script for a command
 * @script: to fill; script_free() it in any case
 * @path: of the file, "-" = standard input
 *
 * Says itself what went wrong.
 *
 * Return: CTL_OK, CTL_INPUT, CTL_DATA or CTL_SYSTEM.
 */
int script_load(struct script *script, const char *path);

#endif /* VMSTORECTL_SCRIPT_H */
