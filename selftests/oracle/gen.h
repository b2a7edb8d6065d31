/* SPDX-License-Identifier: GPL-2.0-only */
/* Random operations, valid and invalid. */
#ifndef ORC_GEN_H
#define ORC_GEN_H

#include "oracle.h"

#define GEN_MAX_GROUP	16
#define GEN_DATA	(16U << 10)	/* bytes an operation may point at */

/**
 * struct gen_op - an operation to run
 * @op: its ids may be VMSTORE_REF within the group
 * @data: GEN_DATA bytes for what it points at
 * @len: of these, used
 */
struct gen_op {
	struct vmstore_op op;
	__u8 *data;
	__u32 len;
};

/**
 * struct gen - a generator
 * @seed: state of the random numbers
 * @s: the state operations are made for
 * @group: operations of this group so far
 * @nr: how many
 * @tight: the region is nearly full: do not make room
 */
struct gen {
	__u64 seed;
	const struct orc_state *s;
	struct gen_op *group;
	__u32 nr;
	bool tight;
};

/**
 * struct gen_cell - an errno that an operation can have here
 * @opcode: enum vmstore_opcode
 * @err: errno, 0 = success
 */
struct gen_cell {
	__u16 opcode;
	int err;
};

extern const struct gen_cell gen_cells[];
extern const __u32 gen_nr_cells;

__u64 gen_random(struct gen *g);
__u64 gen_below(struct gen *g, __u64 n);

/**
 * gen_next() - one more operation for the group
 * @g: generator; on success g->nr is one more
 *
 * The first one of a group may wait; then nothing must come after it.
 *
 * Return: false when none was found that makes sense in this state.
 */
bool gen_next(struct gen *g);

#endif /* ORC_GEN_H */
