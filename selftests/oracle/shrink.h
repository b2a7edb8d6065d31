/* SPDX-License-Identifier: GPL-2.0-only */
/* From a run that fails to the shortest script that still fails. */
#ifndef ORC_SHRINK_H
#define ORC_SHRINK_H

#include <stdio.h>

#include "lockstep.h"

/**
 * shrink() - drop operations while what is left still fails, on fresh stores
 * @log: of the run that failed; on return what is left, as it went in the last replay
 * @judge: as in that run
 * @seconds: stop looking after about this long
 * @diff: out: what differs in the end
 *
 * Ids and frames that an operation took from the outcome of an earlier one follow that
 * one's outcome in the replay.
 *
 * Return: true; false when the log does not fail again.
 */
bool shrink(struct log *log, lockstep_judge judge, unsigned int seconds,
	    struct orc_diff *diff);

/**
 * script_print() - a log in the language of "vmstorectl run"
 * @log: operations, their outcomes become what is expected
 * @to: where
 * @prefix: before each line
 */
void script_print(const struct log *log, FILE *to, const char *prefix);

#endif /* ORC_SHRINK_H */
