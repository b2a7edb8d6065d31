/* SPDX-License-Identifier: GPL-2.0-only */
/* Module and oracle side by side. */
#ifndef ORC_LOCKSTEP_H
#define ORC_LOCKSTEP_H

#include "device.h"
#include "gen.h"
#include "oracle.h"

#define LOCKSTEP_ERRNOS	134

/* How an operation is judged: orc_apply(), or something wrong to try the shrinker with */
typedef bool (*lockstep_judge)(struct orc_state *s, const struct vmstore_op *op,
			       struct orc_diff *diff);

/**
 * struct lockstep - a store and what the oracle says of it
 * @device: the module's side
 * @s: the oracle's
 * @judge: judges operations
 * @diff: what differed first
 */
struct lockstep {
	struct device device;
	struct orc_state *s;
	lockstep_judge judge;
	struct orc_diff diff;
};

/**
 * struct logged - an operation as it was executed
 * @op: ids resolved, outcome included
 * @data: what it pointed at, or NULL
 * @len: bytes of @data
 */
struct logged {
	struct vmstore_op op;
	__u8 *data;
	__u32 len;
};

/**
 * struct log - operations of one store, in order
 * @setup: of the store
 * @ops: struct logged
 * @nr: how many
 * @room: allocated
 */
struct log {
	struct vmstore_setup setup;
	struct logged *ops;
	size_t nr;
	size_t room;
};

/* Successes and failures: [opcode][errno] */
struct lockstep_table {
	__u64 count[__VMSTORE_OP_MAX][LOCKSTEP_ERRNOS];
};

int lockstep_open(struct lockstep *l, const struct vmstore_setup *setup, lockstep_judge judge);
void lockstep_close(struct lockstep *l);

/**
 * lockstep_run() - run a group on the module and judge each operation
 * @l: lockstep
 * @group: operations
 * @nr: how many
 * @log: if not NULL, where to write them
 * @table: if not NULL, where to count them
 *
 * Return: false when something differs: l->diff says what.
 */
bool lockstep_run(struct lockstep *l, struct gen_op *group, __u32 nr, struct log *log,
		  struct lockstep_table *table);

/* lockstep_compare - the whole state, and the module's own check */
bool lockstep_compare(struct lockstep *l);

void log_free(struct log *log);

#endif /* ORC_LOCKSTEP_H */
