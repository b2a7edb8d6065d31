/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vmstorectl: scripts of operations
 *
 *	[name =] op-word [arg=value]... [flag]... [@cpu N] [-> outcome]
 *	setup [region=SIZE] [mmio=SIZE] [machine=M] [cpus=N] [check=MODE]
 *	check
 *
 * One statement a line, '#' starts a comment. A value is a sum of numbers (0x,
 * k, M, G, T), of names of earlier operations, which stand for the id these made,
 * and of name.field, a field of an earlier outcome; a property is letters. An
 * outcome is "ok", the name of an errno, or "any", then field=value or
 * field!=value; without it, "ok" is expected.
 */
#ifndef VMSTORECTL_SCRIPT_H
#define VMSTORECTL_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

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
 * struct script_arg - an argument with a reference, or a field expected
 * @field: of the operation's row
 * @value: what it is or should be
 * @unequal: should not be
 */
struct script_arg {
	const struct vms_field *field;
	struct script_value value;
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
 * @name: what its outcome is called, or NULL
 * @desc: the operation's row
 * @op: the operation; references filled in and outcome once it is executed
 * @args: arguments of the operation that refer to others
 * @nr_args: how many of these
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
	char *name;
	const struct vms_op_desc *desc;
	struct vmstore_op op;
	struct script_arg args[VMS_MAX_ARGS];
	unsigned int nr_args;
	enum script_outcome outcome;
	int err;
	struct script_arg *outs;
	unsigned int nr_outs;
	struct vmstore_setup setup;
	enum script_state state;
};

/**
 * struct script - a script
 * @path: for messages
 * @stmts: its statements
 * @nr: how many
 * @room: allocated
 * @names: names given, a tree
 * @errors: mistakes found
 * @err: where messages go
 * @color: use colours there
 */
struct script {
	const char *path;
	struct script_statement *stmts;
	size_t nr;
	size_t room;
	void *names;
	unsigned int errors;
	FILE *err;
	bool color;
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
 * Return: 0, -EINVAL with script->errors > 0, or another negative errno.
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
