/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vmstorectl: running scripts
 */
#ifndef VMSTORECTL_EXEC_H
#define VMSTORECTL_EXEC_H

#include <json-c/json.h>
#include <stdbool.h>

#include "out.h"
#include "script.h"

/**
 * enum exec_echo - what is printed of each statement
 * @EXEC_SILENT: nothing
 * @EXEC_ECHO: the operation as it was run, with its outcome
 * @EXEC_TELL: its comment, the statement as it is written, and of the outcome what is
 *	expected, or all where nothing is
 */
enum exec_echo {
	EXEC_SILENT,
	EXEC_ECHO,
	EXEC_TELL,
};

/**
 * struct exec - a script being run
 * @store: where
 * @script: what
 * @keep_going: go on behind an unexpected outcome
 * @machine: for a script that does not choose one; enum vmstore_machine
 * @echo: what to print on the way
 * @steps: for --json, not to be silent: array of operations, or NULL
 * @failures: for --json: array of unexpected outcomes, or NULL
 * @ran: operations executed
 * @checks: check statements executed
 * @unexpected: outcomes other than expected
 * @violated: the invariant is violated
 * @progress: what people see of a long run
 */
struct exec {
	struct vms_store *store;
	struct script *script;
	bool keep_going;
	__u32 machine;
	enum exec_echo echo;
	json_object *steps;
	json_object *failures;
	size_t ran;
	size_t checks;
	size_t unexpected;
	bool violated;
	struct out_progress progress;
};

/**
 * exec_script() - run a script, to its end or to the first unexpected outcome
 * @exec: the members up to @failures filled in, the others zero
 *
 * Operations are run in batches that are as long as possible, but none is
 * executed behind one with another outcome than expected, unless
 * exec->keep_going. Unexpected outcomes are printed, or added to
 * exec->failures.
 *
 * Return: CTL_OK, CTL_FAILED, CTL_VIOLATED, CTL_DEVICE or CTL_SYSTEM.
 */
int exec_script(struct exec *exec);

/**
 * exec_file() - load and run a script for a command that shows the state behind it
 * @store: where
 * @path: of the script; NULL runs nothing
 * @keep_going: go on behind an unexpected outcome
 * @failures: as in struct exec
 *
 * The store exists afterwards, even if the script has no operation.
 *
 * Return: as exec_script() and script_load().
 */
int exec_file(struct vms_store *store, const char *path, bool keep_going,
	      json_object *failures);

#endif /* VMSTORECTL_EXEC_H */
