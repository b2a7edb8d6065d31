/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Breadth first through the states of a small domain, on the module.
 *
 * In every state every operation of the domain is run with every argument. What the
 * model refuses, and what only looks, must leave the state as it is and is run in one go;
 * whatever else is run in a state of its own.
 *
 * A state is made by the operations that lead to it from an empty store. A system call
 * per operation would take most of the time, a store per state the rest: so a group of
 * copies lives side by side in one store, each with spaces, frames, ids and a CPU of its
 * own, and one VMSTORE_RUN builds them all. Then, with each copy in the state after its
 * edge, the whole store is dumped and compared with the oracle and the module evaluates
 * its invariant from nothing; and all is dropped for the next group. That an operation
 * leaves the other copies alone is so shown, too: the oracle has all of them.
 */
#ifndef SMALLSCOPE_EXPLORE_H
#define SMALLSCOPE_EXPLORE_H

#include "../oracle/lockstep.h"
#include "domain.h"

#define OUTCOME_ERRNOS	134

/* Outcomes of what was enumerated: [opcode][errno] */
struct outcomes {
	__u64 count[__VMSTORE_OP_MAX][OUTCOME_ERRNOS];
};

/**
 * struct explored - what was done
 * @states: distinct states reached, those over the limits included
 * @outside: of these, over the limits
 * @expanded: in which everything was tried
 * @edges: operations run in a state; of these
 * @loops: that must and do leave the state as it is: refused, or only looking
 * @checks: evaluations of the whole invariant and comparisons of the whole state
 * @ops: operations run in all
 * @depth: complete to this depth
 * @fixpoint: all states within the limits were explored
 */
struct explored {
	__u64 states;
	__u64 outside;
	__u64 expanded;
	__u64 edges;
	__u64 loops;
	__u64 checks;
	__u64 ops;
	__u32 depth;
	bool fixpoint;
};

/**
 * struct explore_config - how to explore
 * @machine: enum vmstore_machine
 * @mode: enum vmstore_check_mode of the store, besides the check of each group
 * @most: expand no state of a new depth when so many states are known
 * @judge: orc_apply(), or something wrong to see that it is noticed
 */
struct explore_config {
	__u32 machine;
	__u32 mode;
	__u64 most;
	lockstep_judge judge;
};

/**
 * explore() - explore a domain
 * @d: domain
 * @config: how
 * @outcomes: added to
 * @done: out
 *
 * A difference or violation is printed, with the script that leads to it.
 *
 * Return: false after one, or when there is no store.
 */
bool explore(const struct domain *d, const struct explore_config *config,
	     struct outcomes *outcomes, struct explored *done);

#endif /* SMALLSCOPE_EXPLORE_H */
