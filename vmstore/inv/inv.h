/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The checker: every clause of the invariant as one function in one table.
 *
 * A full check recomputes H, P and S and the state of every node from nothing: from the
 * registries, the gathers and the bytes of the tables, never from counters that the
 * operations maintain. It runs on a quiet store.
 *
 * In check mode step the clauses are evaluated for what an operation touched, with the
 * recount that the shadow keeps (shadow.h). If one of them is violated a full check
 * follows at once, and that one is what is reported.
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
	VMS_SCOPE_SEGMENT,
	VMS_SCOPE_UNIQUE,	/* an exclusive handle */
	VMS_SCOPE_TABLE,	/* a page table: of a space or the store's own */
	VMS_SCOPE_SPACE,	/* after its table */
	VMS_SCOPE_NODE,		/* a node reachable from a root */
	VMS_SCOPE_ENTRY,	/* an entry of such a node that is not none */
	VMS_SCOPE_LEAF,
	VMS_SCOPE_CURSOR,
	VMS_SCOPE_IO,		/* a reader or writer */
	VMS_SCOPE_KVIRT,	/* a kernel area */
	VMS_SCOPE_LIST,		/* a frame list, when all links are counted */
	VMS_SCOPE_LINEAR,	/* an entry of the linear window */
	VMS_SCOPE_REMOVED,	/* a node of a gathered subtree */
	VMS_SCOPE_GATHER,
	VMS_SCOPE_MAPPING,	/* a translation that the model considers cached */
	VMS_SCOPE_COPY,		/* a slot and its copy in the shadow */
	VMS_SCOPE_MARKED,	/* the same, where the slot is marked as touched */
	VMS_SCOPE_WORD,		/* an entry of a registry and its copy */
	VMS_NR_SCOPES,
};

/**
 * struct vms_subject - what a clause is evaluated for; fields by scope
 * @slot: SLOT, FRAME, UNIQUE, COPY, MARKED: the slot. SEGMENT: the first. NODE, ENTRY,
 *	LEAF, REMOVED: the node's slot
 * @nr: SEGMENT: how many slots
 * @id: FRAME, SEGMENT, UNIQUE, SPACE, CURSOR, IO, KVIRT, LIST, WORD: the id. GATHER: that
 *	of its cursor. MAPPING: that of its space
 * @space: TABLE, SPACE, NODE, ENTRY, LEAF, CURSOR, IO: the space; NULL = kernel half
 * @cursor: CURSOR
 * @io: IO
 * @area: KVIRT
 * @list: LIST
 * @twin: LIST: another list with the same tag, or NULL
 * @gather: GATHER
 * @mapping: MAPPING
 * @level: NODE, ENTRY, LEAF: level the walk says the node has. MAPPING: its own
 * @va: NODE, ENTRY, LEAF, MAPPING: first address translated
 * @index: ENTRY, LEAF, LINEAR: index in the node
 * @pte: ENTRY, LEAF, LINEAR, MAPPING: the entry, A and D masked
 * @target: ENTRY, LEAF, MAPPING: slot @pte points at, VMS_NO_SLOT when not in the region
 * @parent: NODE: slot of the parent, VMS_NO_SLOT for a root
 * @kind: WORD: enum vms_shadow_reg
 */
struct vms_subject {
	u32 slot;
	u32 nr;
	u64 id;
	struct vms_space *space;
	struct vms_cursor *cursor;
	const struct vms_io *io;
	struct vms_kvirt *area;
	const struct vms_list *list;
	const struct vms_list *twin;
	const struct vms_gather *gather;
	struct vms_mapping *mapping;
	int level;
	u64 va;
	unsigned int index;
	u64 pte;
	u32 target;
	u32 parent;
	int kind;
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
	/* handles, gathered frames, leaves of gathered subtrees, what kernel readers hold */
	u32 h;
	u32 p;			/* leaves reachable from a root */
	u32 s;			/* segments that cover it [N-segment_cover_count] */
	u32 u;			/* exclusive handles */
	u32 node_refs;		/* times seen as a node, from roots or gathers */
	u32 gathered;		/* times a gather names it or what it names leads to it */
	u32 named;		/* of these, named */
	u32 lives;		/* and the sum of vms_life() over these */
	u32 l;			/* times seen as a link */
	u64 list;		/* id of the list it is a link of, 0 = none */
};

/**
 * struct vms_inv_ctx - one check in progress
 * @store: quiet
 * @recount: one per slot
 * @touched: only what was touched is looked at, and nothing is recorded
 * @nr_nodes: nodes seen from roots
 * @nr_frames: handles seen
 * @nr_segments: segments seen
 * @nr_areas: kernel areas seen
 * @next_va: end of the last leaf seen in the table being walked
 * @found: violations found by this check
 * @found_regions: how often R1 to R15 were found false, for S1
 * @found_owners: how often C2 was found false, for S6
 * @found_tree: how often P1, P6, P7 were found false in the table being walked, for W1
 * @found_overlap: the same of P9, for W3
 * @found_kernel: how often P1 to P7 were found false in the kernel half, for K2
 * @found_unsound: the same of P10 to P13, for K3
 * @found_record: how often W1 to W9 were found false for the space at hand, for S5
 * @found_cached: how often T1 to T3 were found false, for S4
 */
struct vms_inv_ctx {
	struct vms_store *store;
	struct vms_recount *recount;
	bool touched;
	u64 nr_nodes;
	u64 nr_frames;
	u64 nr_segments;
	u64 nr_areas;
	u64 next_va;
	u64 found;
	u64 found_regions;
	u64 found_owners;
	u64 found_tree;
	u64 found_overlap;
	u64 found_kernel;
	u64 found_unsound;
	u64 found_record;
	u64 found_cached;
};

/**
 * struct vms_slot_key - all that clauses of scope SLOT may depend on
 * @word: rc; paths; in_list; H and P; node_refs, usage, type, storage, whether it lies in
 *	the tail of the region [D17], whether self is its index; S; the list; whether it is
 *	gathered and then whether it is stray and has lived on
 *
 * Most slots are equal in all of it to one that was evaluated before, and then they
 * have its verdicts.
 */
struct vms_slot_key {
	u64 word[8];
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

struct vms_shadow;

/**
 * struct vms_inv - the checker of a store
 * @recount: scratch of a check, one per slot
 * @shadow: in modes step and full
 * @row: all clauses, sorted by scope
 * @scope: index of the first row of each scope, and the end of the last
 * @count: one per clause, in the order of vms_inv_clause()
 * @lock: guards what is below against operations that find something themselves
 * @at_release: found by operations since the last check
 * @nr_violations: found so far
 * @nr_stored: of these, in @violation
 * @violation: the first VMS_INV_MAX_VIOLATIONS, and behind them the first witness of each
 *	clause that is not among those
 */
struct vms_inv {
	struct vms_recount *recount;
	struct vms_shadow *shadow;
	struct vms_inv_row *row;
	u32 scope[VMS_NR_SCOPES + 1];
	struct vms_clause_count *count;
	spinlock_t lock;	/* see above */
	u64 at_release;
	u64 nr_violations;
	u32 nr_stored;
	struct vmstore_violation *violation;
};

/* One table per family, in inv/<family>.c, each ended by an entry without id */
extern const struct vms_clause vms_clauses_regions[];
extern const struct vms_clause vms_clauses_tables[];
extern const struct vms_clause vms_clauses_cursors[];
extern const struct vms_clause vms_clauses_io[];
extern const struct vms_clause vms_clauses_kernel[];
extern const struct vms_clause vms_clauses_lists[];
extern const struct vms_clause vms_clauses_tlb[];
extern const struct vms_clause vms_clauses_accounting[];
extern const struct vms_clause vms_clauses_touched[];

int vms_inv_init(struct vms_store *s);
void vms_inv_exit(struct vms_store *s);
u32 vms_inv_nr_clauses(void);
const struct vms_clause *vms_inv_clause(u32 i);
u64 vms_inv_check(struct vms_store *s);
u64 vms_inv_check_op(struct vms_store *s);
void vms_inv_forget(struct vms_store *s);
void vms_inv_report_t5(struct vms_store *s, u32 slot, const char *what);

/* --- for the clauses ------------------------------------------------------- */

/* Clauses that are conjuncts of others in another file */
void vms_clause_p8(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
		   struct vms_verdict *v);
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

void vms_inv_eval_scope(struct vms_inv_ctx *ctx, enum vms_scope scope,
			const struct vms_subject *sub);
void vms_inv_eval_touched(struct vms_inv_ctx *ctx);
void vms_inv_eval_copies(struct vms_inv_ctx *ctx);
void vms_inv_own_entries(const struct vms_inv_ctx *ctx, u32 node, int level,
			 unsigned int *first, unsigned int *end);
u64 vms_inv_mask(u64 pte);
u64 vms_inv_entry(struct vms_inv_ctx *ctx, u32 node, unsigned int i);
u32 vms_inv_target(const struct vms_inv_ctx *ctx, u64 pte);
void vms_inv_eval_list(struct vms_inv_ctx *ctx, u64 id);
void vms_inv_eval_marked(struct vms_inv_ctx *ctx);
void vms_inv_eval_gather(struct vms_inv_ctx *ctx, const struct vms_gather *g);
void vms_inv_eval_mapping(struct vms_inv_ctx *ctx, struct vms_mapping *m);

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

/* vms_inv_lives_on - does every gather that names a slot mean the same life of it? */
static inline bool vms_inv_lives_on(const struct vms_inv_ctx *ctx, u32 idx)
{
	const struct vms_slot *slot = vms_inv_slot(ctx, idx);
	const struct vms_recount *count = &ctx->recount[idx];

	return count->lives == count->named * vms_life(slot->birth, slot->usage ==
						       VMSTORE_USAGE_PAGETABLE);
}

#endif /* VMS_INV_H */
