/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The checker: every clause of the invariant as one function in one table.
 *
 * A full check recomputes H and P and the state of every node from nothing: from the
 * registries, the gathers and the bytes of the tables, never from counters that the
 * operations maintain. It runs on a quiet store.
 *
 * A clause has a scope and is evaluated for each object of it. It says whether its
 * premise held, and if it is violated what it expected and what it found.
 */
#ifndef VMS_INV_H
#define VMS_INV_H

#include "../store.h"

#define VMS_INV_MAX_VIOLATIONS	64

struct vms_inv_ctx;
struct vms_clause;

/* What a clause is evaluated for, once for each */
enum vms_scope {
	VMS_SCOPE_STORE,	/* last of all, in the order of the tables */
	VMS_SCOPE_SLOT,		/* may look at what struct vms_slot_key has, no more */
	VMS_SCOPE_FRAME,	/* a handle */
	VMS_SCOPE_SPACE,
	VMS_SCOPE_NODE,		/* a node reachable from a root */
	VMS_SCOPE_ENTRY,	/* an entry of such a node that is not none */
	VMS_SCOPE_LEAF,
	VMS_SCOPE_CURSOR,
	VMS_SCOPE_LINEAR,	/* an entry of the linear window */
	VMS_NR_SCOPES,
};

/**
 * struct vms_subject - what a clause is evaluated for; fields by scope
 * @slot: SLOT, FRAME: the slot. NODE, ENTRY, LEAF: the node's slot
 * @id: FRAME, SPACE, CURSOR: the id
 * @space: SPACE, NODE, ENTRY, LEAF, CURSOR: the space; NULL = kernel half
 * @cursor: CURSOR
 * @level: NODE, ENTRY, LEAF: level the walk says the node has
 * @va: NODE, ENTRY, LEAF: first address translated
 * @index: ENTRY, LEAF, LINEAR: index in the node
 * @pte: ENTRY, LEAF, LINEAR: the entry, A and D masked
 * @target: ENTRY, LEAF: slot @pte points at, VMS_NO_SLOT when not in the region
 * @parent: NODE: slot of the parent, VMS_NO_SLOT for a root
 */
struct vms_subject {
	u32 slot;
	u64 id;
	struct vms_space *space;
	struct vms_cursor *cursor;
	int level;
	u64 va;
	unsigned int index;
	u64 pte;
	u32 target;
	u32 parent;
};

/**
 * struct vms_verdict - what a clause says
 * @vacuous: its premise did not hold
 * @violated: it is false
 * @expected: what it demands, where that is a number
 * @found: what is there
 * @what: a few words: which conjunct
 */
struct vms_verdict {
	bool vacuous;
	bool violated;
	u64 expected;
	u64 found;
	const char *what;
};

/**
 * struct vms_clause - one numbered conjunct
 * @id: as in the model
 * @scope: what it is evaluated for
 * @eval: the clause
 * @text: for people
 */
struct vms_clause {
	const char *id;
	enum vms_scope scope;
	void (*eval)(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
		     struct vms_verdict *v);
	const char *text;
};

/* Recomputed per slot */
struct vms_recount {
	u32 h;			/* handles, gathered frames, leaves of gathered subtrees */
	u32 p;			/* leaves reachable from a root */
	u32 node_refs;		/* times seen as a node, from roots or gathers */
};

/**
 * struct vms_inv_ctx - one check in progress
 * @store: quiet
 * @recount: one per slot
 * @nr_nodes: nodes seen from roots
 * @nr_frames: handles seen
 * @next_va: end of the last leaf seen in the table being walked
 * @found: violations found by this check
 * @found_regions: how often R1 to R15 were found false, for S1
 * @found_owners: how often C2 was found false, for S6
 */
struct vms_inv_ctx {
	struct vms_store *store;
	struct vms_recount *recount;
	u64 nr_nodes;
	u64 nr_frames;
	u64 next_va;
	u64 found;
	u64 found_regions;
	u64 found_owners;
};

/**
 * struct vms_slot_key - all that clauses of scope SLOT may depend on
 * @word: rc; paths; in_list; H and P; node_refs, usage, type, storage, whether it lies in
 *	the tail of the region [D17], whether self is its index
 *
 * Most slots are equal in all of it to one that was evaluated before, and then they
 * have its verdicts.
 */
struct vms_slot_key {
	u64 word[5];
};

/* Counters of one clause since SETUP */
struct vms_clause_count {
	u64 evaluated;
	u64 not_vacuous;
	u64 violated;
};

/* A clause and its number */
struct vms_inv_row {
	const struct vms_clause *clause;
	u32 nr;
};

/**
 * struct vms_inv - the checker of a store
 * @recount: scratch of a check, one per slot
 * @row: all clauses, sorted by scope
 * @scope: index of the first row of each scope, and the end of the last
 * @count: one per clause, in the order of vms_inv_clause()
 * @nr_violations: found so far
 * @violation: the first of them
 */
struct vms_inv {
	struct vms_recount *recount;
	struct vms_inv_row *row;
	u32 scope[VMS_NR_SCOPES + 1];
	struct vms_clause_count *count;
	u64 nr_violations;
	struct vmstore_violation violation[VMS_INV_MAX_VIOLATIONS];
};

/* One table per family, in inv/<family>.c, each ended by an entry without id */
extern const struct vms_clause vms_clauses_regions[];
extern const struct vms_clause vms_clauses_tables[];
extern const struct vms_clause vms_clauses_cursors[];
extern const struct vms_clause vms_clauses_accounting[];

int vms_inv_init(struct vms_store *s);
void vms_inv_exit(struct vms_store *s);
u32 vms_inv_nr_clauses(void);
const struct vms_clause *vms_inv_clause(u32 i);
u64 vms_inv_check(struct vms_store *s);

/* --- for the clauses ------------------------------------------------------- */

/* Clauses that are conjuncts of others in another file */
void vms_clause_p10(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
		    struct vms_verdict *v);
void vms_clause_p11(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
		    struct vms_verdict *v);
void vms_clause_p12(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
		    struct vms_verdict *v);
void vms_clause_p13(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
		    struct vms_verdict *v);
void vms_clause_p14(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
		    struct vms_verdict *v);

void vms_inv_own_entries(const struct vms_inv_ctx *ctx, u32 node, int level,
			 unsigned int *first, unsigned int *end);
u64 vms_inv_mask(u64 pte);
u64 vms_inv_entry(struct vms_inv_ctx *ctx, u32 node, unsigned int i);
u32 vms_inv_target(const struct vms_inv_ctx *ctx, u64 pte);

/* vms_premise - of an implication; nothing is demanded when it does not @hold */
static inline bool vms_premise(struct vms_verdict *v, bool hold)
{
	v->vacuous = !hold;
	return hold;
}

static inline void vms_violate(struct vms_verdict *v, u64 expected, u64 found,
			       const char *what)
{
	if (v->violated)	/* the first conjunct that fails is the one named */
		return;
	v->violated = true;
	v->expected = expected;
	v->found = found;
	v->what = what;
}

static inline const struct vms_slot *vms_inv_slot(const struct vms_inv_ctx *ctx, u32 idx)
{
	return &ctx->store->region.slots[idx];
}

#endif /* VMS_INV_H */
