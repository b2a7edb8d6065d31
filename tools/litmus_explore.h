/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * TLB litmus tests: which outcomes are possible
 *
 * Every interleaving of a test is followed in a model of what x86 and the store's own
 * protocol allow:
 *
 *  - page tables are maps: a slot links a leaf table, or is one large leaf, or nothing;
 *    a leaf table has an entry for each page, with permissions and A and D bits;
 *  - each CPU has at most one translation per page and one per large page, and one cached
 *    link per leaf table. It may walk a page of the active space at any time and keep what
 *    it found; it may forget anything at any time; what it keeps it may use until it is
 *    flushed. What is not present is not kept;
 *  - a CPU takes an IPI between any two steps, and before the one who waits for it goes on;
 *  - memory is sequentially consistent. The order of x86's stores is not the subject.
 *
 * Each sentence is a rule that can be left out, to see which tests depend on it.
 */
#ifndef VMSTORECTL_LITMUS_EXPLORE_H
#define VMSTORECTL_LITMUS_EXPLORE_H

#include "litmus.h"

#define LITMUS_MAX_OUTCOMES	192

/* The rules of the model; litmus_rule_text() is what each says */
enum litmus_rule {
	LITMUS_RULE_CACHE,
	LITMUS_RULE_SPECULATE,
	LITMUS_RULE_EVICT,
	LITMUS_RULE_PRESENT,
	LITMUS_RULE_PERMISSIONS,
	LITMUS_RULE_FAULT,
	LITMUS_RULE_ACCESSED,
	LITMUS_RULE_DIRTY,
	LITMUS_RULE_TAG,
	LITMUS_RULE_LOAD,
	LITMUS_RULE_KEEP,
	LITMUS_RULE_GLOBAL,
	LITMUS_RULE_PSC,
	LITMUS_RULE_PSC_FLUSH,
	LITMUS_RULE_INVLPG,
	LITMUS_RULE_ALL,
	LITMUS_RULE_RANGE,
	LITMUS_RULE_IPI,
	LITMUS_RULE_DELAY,
	LITMUS_RULE_SYNC,
	LITMUS_RULE_ISSUE,
	LITMUS_RULE_SPLIT,
	LITMUS_RULE_QUARANTINE,
	LITMUS_NR_RULES,
};

/**
 * struct litmus_reachable - the outcomes that are possible
 * @outcomes: they
 * @stale: which of them need a CPU that keeps something
 * @nr: how many
 * @states: that were visited
 */
struct litmus_reachable {
	struct litmus_outcome outcomes[LITMUS_MAX_OUTCOMES];
	bool stale[LITMUS_MAX_OUTCOMES];
	int nr;
	unsigned long states;
};

/**
 * litmus_explore() - find all possible outcomes
 * @test: the test
 * @without: a bit per rule that is left out of the model
 * @found: to fill
 *
 * Return: 0, -ENOMEM, or -E2BIG: too many states or outcomes.
 */
int litmus_explore(const struct litmus *test, unsigned int without,
		   struct litmus_reachable *found);

/**
 * litmus_compare() - are the verdicts of a test those of the model?
 * @test: the test
 * @found: what is possible
 * @to: where differences are said, or NULL
 *
 * What is allowed must be possible, what is forbidden must not, and everything possible
 * must be allowed by some line.
 *
 * Return: number of differences.
 */
int litmus_compare(const struct litmus *test, const struct litmus_reachable *found, FILE *to);

/* litmus_find - index of an outcome in @found, or -1 */
int litmus_find(const struct litmus *test, const struct litmus_reachable *found,
		const struct litmus_outcome *outcome);

const char *litmus_rule_name(enum litmus_rule rule);
const char *litmus_rule_text(enum litmus_rule rule);

#endif /* VMSTORECTL_LITMUS_EXPLORE_H */
