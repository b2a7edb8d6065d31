/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The oracle: the model of a store as sets and maps, written from the model's text and
 * the ABI header alone. No page tables, no entries, no bits, no code of the module.
 *
 * It is used in lockstep. The module runs an operation; orc_apply() gets the operation
 * with its outcome, says whether the model allows that outcome, and brings the state to
 * the next one. From time to time orc_compare() does the same for the whole state, as
 * VMSTORE_DUMP shows it.
 *
 *	s = orc_new(&config);
 *	run op on the module;
 *	if (!orc_apply(s, &op, &diff))
 *		puts(diff.text);
 *
 * What the model determines is predicted: errno, every field of the outcome, handles,
 * spaces, mappings, properties, cursors, readers, writers, reference counts, bytes in
 * memory. Where it leaves a choice, or where time decides, what the module reports is
 * checked to be one of the allowed choices and becomes part of the state (adopted):
 *
 *  - ids: any that was never used; the frame FRAME_ALLOC takes: any that is free;
 *  - nodes: how many an operation makes or removes and where they are. The oracle
 *    counts them per space, and a dump must show a sound tree for the mappings;
 *  - the addresses of a kernel area: any that are free, with a page to spare on both
 *    sides;
 *  - gathered frames and nodes: when they are released, but no sooner than removed
 *    and no later than REAP;
 *  - whether flush requests that were left pending are so still, where an operation may
 *    have reaped for want of a slot or room; how many CPUs a wait found that had not
 *    flushed;
 *  - the accessed bit may appear at any time, the dirty bit after a write was possible;
 *    neither goes away by itself;
 *  - translations that a CPU may still have cached, until they are flushed (section 7);
 *  - -EBUSY of an open below a node another cursor owns, where it depends on which
 *    nodes exist; -ENOMEM when fewer slots are free than the operation may need; how
 *    far past its range a cursor comes to stand; the level of a cursor.
 *
 * Where several preconditions are false and no order is stated, each of their errnos is
 * allowed.
 *
 * Everything is for one thread; the structures are to be read only by others than
 * the oracle. Nothing fails for want of memory: it aborts.
 */
#ifndef ORACLE_H
#define ORACLE_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/vmstore.h>

#include "vec.h"

#define ORC_NR_SECTIONS	VMSTORE_DUMP_FLUSHES	/* STORY is not state */

/**
 * struct orc_config - what SETUP fixed
 * @nr_slots: frames in the region
 * @first_mmio: slots from this one on stand for device memory
 * @nr_cpus: logical CPUs
 */
struct orc_config {
	__u64 nr_slots;
	__u64 first_mmio;
	__u32 nr_cpus;
};

/* A shared handle [2.3] */
struct orc_frame {
	__u64 id;
	__u64 paddr;
};

struct orc_segment {
	__u64 id;
	__u64 start;
	__u64 end;
};

struct orc_unique {
	__u64 id;
	__u64 paddr;
};

/**
 * struct orc_list - a frame list
 * @id: its id
 * @tag: in_list of its frames; 0 = it never had any
 * @cursor: it has a cursor, which is
 * @index: at this number, or past the last; else 0
 * @paddr: its frames, in order
 * @nr: how many
 * @room: allocated
 */
struct orc_list {
	__u64 id;
	__u64 tag;
	bool cursor;
	__u64 index;
	__u64 *paddr;
	__u64 nr;
	__u64 room;
};

/**
 * struct orc_leaf - a mapping of one page
 * @va: of the page
 * @paddr: of the frame
 * @prop: without ACCESSED and DIRTY
 * @level: 1, in kernel areas also 2: a page of 2 MiB
 * @must: of these two bits, those that are certainly set
 * @may: those that may be set
 */
struct orc_leaf {
	__u64 va;
	__u64 paddr;
	struct vmstore_prop prop;
	__u32 level;
	__u8 must;
	__u8 may;
};

/* What was done about a translation that is not what the tables say [7] */
enum orc_stale_state {
	ORC_CHANGED,	/* nothing */
	ORC_QUEUED,	/* a flush was issued; REAP dispatches it and waits */
	ORC_SENT,	/* and dispatched; REAP waits */
};

/**
 * struct orc_stale - what was changed or removed and may be cached
 * @va: of the page; there may be several of one page
 * @len: of a page, or of what tables were removed from: a CPU that goes on using one of
 *	those finds nothing there
 * @paddr: of the frame it names
 * @cpus: bit per CPU that may still use it
 * @cursor: id of the cursor that issued the flush
 * @state: enum orc_stale_state
 * @write: it permits writing
 * @held: it names something that is gathered, so whoever wants a slot reaps
 */
struct orc_stale {
	__u64 va;
	__u64 len;
	__u64 paddr;
	__u64 cpus;
	__u64 cursor;
	__u8 state;
	bool write;
	bool held;
};

#define ORC_HOLE	(~0ULL)		/* orc_stale.paddr: a table removed */
#define ORC_MAX_PENDING	33		/* requests: 32, and one for everything */
#define ORC_GATHER	64		/* references that a cursor holds at most [D4] */

/**
 * struct orc_space - an address space
 * @id: its id
 * @active: bit per CPU
 * @nodes: page-table nodes it has, as the outcomes say
 * @leaves: struct orc_leaf
 * @stale: struct orc_stale
 */
struct orc_space {
	__u64 id;
	__u64 active;
	__u64 nodes;
	struct orc_vec leaves;
	struct orc_vec stale;
};

/**
 * struct orc_cursor - a cursor
 * @id: its id
 * @space: id of its space
 * @start: range as opened
 * @end: of it
 * @va: where it is
 * @level: of the covering node: that of the smallest table that spans the range
 * @pending: bit n: n flush requests may be pending, ORC_MAX_PENDING = for everything
 * @asked: CPUs asked to flush since it last waited
 * @mut: mutable
 */
struct orc_cursor {
	__u64 id;
	__u64 space;
	__u64 start;
	__u64 end;
	__u64 va;
	__u32 level;
	__u64 pending;
	__u64 asked;
	bool mut;
};

/**
 * struct orc_kvirt - a kernel area
 * @id: its id
 * @start: addresses the module chose
 * @end: of them
 * @leaves: struct orc_leaf; one of device memory is not counted
 *
 * All CPUs have flushed what changes in an area before the operation ends: no CPU has
 * anything of an area cached that is not there.
 */
struct orc_kvirt {
	__u64 id;
	__u64 start;
	__u64 end;
	struct orc_vec leaves;
};

/**
 * struct orc_io - a reader or writer
 * @id: its id
 * @space: id of its space, 0 = kernel addresses
 * @area: id of the area it pins; 0 with kernel addresses: every frame of its range as
 *	created is pinned
 * @vaddr: range as created
 * @len: of it
 * @cursor: [cursor, end) is what remains
 * @end: see there
 * @writer: it is a writer
 */
struct orc_io {
	__u64 id;
	__u64 space;
	__u64 area;
	__u64 vaddr;
	__u64 len;
	__u64 cursor;
	__u64 end;
	bool writer;
};

/**
 * struct orc_page - what is known of the content of a frame; shared by clones
 * @refs: slots that point here
 * @known: bit per byte
 * @data: the bytes that are known
 */
struct orc_page {
	__u32 refs;
	__u8 known[512];
	__u8 data[4096];
};

/**
 * struct orc_slot - a slot that is not as SETUP left it
 * @index: paddr / 4096
 * @handles: H, without what is gathered or pinned
 * @leaves: P
 * @segments: S
 * @uniques: U; of a frame that is in a list 1, too
 * @pins: references of kernel readers and writers; these count in H
 * @gathered: references that removed mappings held and that may not be released yet;
 *	the true number, which counts in H too, is between 0 and this
 * @tag: that of the list it is in
 * @usage: enum vmstore_usage, as last seen
 * @node: the last dump showed a live node here
 * @page: content, NULL = zero
 */
struct orc_slot {
	__u64 index;
	__u32 handles;
	__u32 leaves;
	__u32 segments;
	__u32 uniques;
	__u32 pins;
	__u32 gathered;
	__u64 tag;
	__u8 usage;
	bool node;
	struct orc_page *page;
};

/**
 * enum orc_id - kinds of ids
 */
enum orc_id {
	ORC_FRAME,
	ORC_SPACE,
	ORC_CURSOR,
	ORC_SEGMENT,
	ORC_UNIQUE,
	ORC_IO,
	ORC_LIST,
	ORC_KVIRT,
	ORC_NR_IDS,
};

/**
 * struct orc_state - the state of a store
 * @config: as given
 * @frames: struct orc_frame
 * @segments: struct orc_segment
 * @uniques: struct orc_unique
 * @spaces: struct orc_space
 * @cursors: struct orc_cursor
 * @ios: struct orc_io
 * @lists: struct orc_list
 * @kvirts: struct orc_kvirt
 * @slots: struct orc_slot, those that differ from a new store's
 * @last: newest id of each kind
 * @last_tag: newest tag of a list
 * @nodes: live nodes, those of the kernel half included; 0 before the first dump
 * @unsure: of these, such as a page of 2 MiB may have taken the place of: an empty table,
 *	which MAP_UNTRACKED does not report
 * @strays: removed nodes that may not be released yet
 * @moved: nodes came or went since the last dump: @node and @usage of slots without
 *	users may be out of date
 * @in_use: slots with handles, leaves, segments, uniques or pins
 */
struct orc_state {
	struct orc_config config;
	struct orc_vec frames;
	struct orc_vec segments;
	struct orc_vec uniques;
	struct orc_vec spaces;
	struct orc_vec cursors;
	struct orc_vec ios;
	struct orc_vec lists;
	struct orc_vec kvirts;
	struct orc_vec slots;
	__u64 last[ORC_NR_IDS];
	__u64 last_tag;
	__u64 nodes;
	__u64 unsure;
	__u64 strays;
	bool moved;
	__u64 in_use;
};

/**
 * struct orc_diff - where module and model differ
 * @text: for people; empty when they do not
 */
struct orc_diff {
	char text[256];
};

/**
 * struct orc_dump - all sections of VMSTORE_DUMP
 * @rec: records of section i, struct vmstore_rec_*; NULL for STORY, which is no state
 * @nr: how many
 */
struct orc_dump {
	const void *rec[ORC_NR_SECTIONS + 1];
	size_t nr[ORC_NR_SECTIONS + 1];
};

/**
 * orc_new() - the state SETUP makes
 * @config: what it fixed
 *
 * How many nodes the kernel half has is the module's business: show a first dump to
 * orc_compare() before the first operation.
 *
 * Return: the state, to be freed with orc_free().
 */
struct orc_state *orc_new(const struct orc_config *config);

/**
 * orc_clone() - an independent copy
 * @s: state
 *
 * Return: the copy, to be freed with orc_free().
 */
struct orc_state *orc_clone(const struct orc_state *s);

void orc_free(struct orc_state *s);

/**
 * orc_apply() - judge one operation and take its effect
 * @s: state before; on success the state after
 * @op: as the module left it, errno and outcome included; its ids are resolved (no
 *	VMSTORE_REF) and what it points at is still there: data read by the module is in
 *	the buffer
 * @diff: out: what differs
 *
 * An operation that was not executed (-ECANCELED) must not be passed.
 *
 * Return: true when the model allows the outcome. Else @s is of no use any more.
 */
bool orc_apply(struct orc_state *s, const struct vmstore_op *op, struct orc_diff *diff);

/**
 * orc_refused() - must an operation fail?
 * @s: state, which stays as it is
 * @op: the operation, as for orc_apply(); its outcome is not looked at
 *
 * Return: 0 when it may succeed; else a negative errno the model demands, one of them if
 * there are several.
 */
int orc_refused(struct orc_state *s, const struct vmstore_op *op);

/**
 * orc_compare() - judge a dump and adopt what only a dump shows
 * @s: state
 * @dump: every section, with no operation in between
 * @diff: out: what differs
 *
 * Return: true when the dump is one the model allows.
 */
bool orc_compare(struct orc_state *s, const struct orc_dump *dump, struct orc_diff *diff);

/**
 * orc_inv() - the model's invariant, as far as it speaks of what the oracle keeps
 * @s: state
 * @diff: out: clause and object
 *
 * S8, S10 to S13, S16, S17, U1 to U3, V1, K4 to K8 and that the counts of each slot are those of
 * the registries and mappings (A1 to A3).
 *
 * Return: true when it holds.
 */
bool orc_inv(const struct orc_state *s, struct orc_diff *diff);

/* What orc_hash() looks at besides registries, mappings, counts and usage */
#define ORC_HASH_DATA	0x1	/* bytes in memory */
#define ORC_HASH_TLB	0x2	/* accessed, dirty, stale translations, gathered */
#define ORC_HASH_NODES	0x4	/* how many nodes each space has */

/**
 * orc_hash() - canonical hash of a state
 * @s: state
 * @what: ORC_HASH_*
 *
 * Equal for states that differ only in ids, whatever the order things were made in.
 * Physical and virtual addresses count, but not where kernel areas are.
 *
 * Return: the hash.
 */
__u64 orc_hash(const struct orc_state *s, unsigned int what);

/**
 * orc_equal() - are two states equal up to ids?
 * @a: state
 * @b: state
 * @what: ORC_HASH_*
 *
 * By two independent canonical hashes: wrong with probability 2^-128.
 */
bool orc_equal(const struct orc_state *a, const struct orc_state *b, unsigned int what);

/* orc_op_name - "CURSOR_MAP" for VMSTORE_OP_CURSOR_MAP, or NULL */
const char *orc_op_name(__u32 opcode);

#endif /* ORACLE_H */
