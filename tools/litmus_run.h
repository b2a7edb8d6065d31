/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * TLB litmus tests: running them
 */
#ifndef VMSTORECTL_LITMUS_RUN_H
#define VMSTORECTL_LITMUS_RUN_H

#include "litmus_explore.h"

#define LITMUS_MAX_STRANGE	16
#define LITMUS_TEXT		160

/**
 * enum litmus_order - who decides which CPU goes on
 * @LITMUS_ORDER_DEFAULT: the seed on the soft machine, threads on the live one
 * @LITMUS_ORDER_SEED: the seed: one thread runs one operation after the other. On the
 *	soft machine the same seed gives the same outcomes
 * @LITMUS_ORDER_THREADS: the host: a thread for each CPU, delays from the seed
 */
enum litmus_order {
	LITMUS_ORDER_DEFAULT,
	LITMUS_ORDER_SEED,
	LITMUS_ORDER_THREADS,
};

/**
 * struct litmus_run_opts - how to run tests
 * @device: path, NULL = the usual one
 * @machine: enum vmstore_machine
 * @rounds: how often
 * @seed: of everything that is left to chance
 * @order: who decides which CPU goes on
 */
struct litmus_run_opts {
	const char *device;
	__u32 machine;
	unsigned int rounds;
	__u32 seed;
	enum litmus_order order;
};

/* An outcome that the model does not have */
struct litmus_strange {
	struct litmus_outcome outcome;
	unsigned int seen;
};

/**
 * struct litmus_counts - what came out
 * @rounds: that were run to the end
 * @void_rounds: of these, an area was made again at another address: nothing was seen
 * @machine: enum vmstore_machine
 * @order: who decided
 * @seen: how often each outcome of the model
 * @strange: outcomes that it does not have
 * @nr_strange: how many of these
 * @forbidden: rounds with one
 * @skip: why the test cannot run here, or ""
 * @error: what failed, or ""
 */
struct litmus_counts {
	unsigned int rounds;
	unsigned int void_rounds;
	__u32 machine;
	enum litmus_order order;
	unsigned int seen[LITMUS_MAX_OUTCOMES];
	struct litmus_strange strange[LITMUS_MAX_STRANGE];
	int nr_strange;
	unsigned int forbidden;
	char skip[LITMUS_TEXT];
	char error[LITMUS_TEXT];
};

/**
 * litmus_run() - run a test many times in a store of its own
 * @test: the test
 * @found: what is possible
 * @opts: how
 * @counts: to fill
 *
 * Return: 0, also when it was skipped or something failed; a negative errno when there is
 * no device, or no such machine.
 */
int litmus_run(const struct litmus *test, const struct litmus_reachable *found,
	       const struct litmus_run_opts *opts, struct litmus_counts *counts);

/* litmus_seen - rounds with an outcome that fulfils a condition */
unsigned int litmus_seen(const struct litmus *test, const struct litmus_reachable *found,
			 const struct litmus_counts *counts, const struct litmus_cond *cond);

#endif /* VMSTORECTL_LITMUS_RUN_H */
