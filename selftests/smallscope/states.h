/* SPDX-License-Identifier: GPL-2.0-only */
/* The states that were reached: a set of hashes; of those to explore, how. */
#ifndef SMALLSCOPE_STATES_H
#define SMALLSCOPE_STATES_H

#include "domain.h"

/**
 * struct record - a state to explore
 * @parent: record whose state it was reached from; that of an empty store is its own
 * @depth: operations from the first state
 * @hash: canonical
 * @move: what led here, with its outcome; ids and paddrs as if it had run alone
 */
struct record {
	__u32 parent;
	__u32 depth;
	__u64 hash;
	struct move move;
};

/**
 * struct states - what is known
 * @keys: hash table; 0 = empty
 * @nr_keys: in use
 * @room_keys: a power of two
 * @records: to explore, in the order they were found
 * @nr: how many
 * @room: allocated
 */
struct states {
	__u64 *keys;
	__u32 nr_keys;
	__u32 room_keys;
	struct record *records;
	__u32 nr;
	__u32 room;
};

/* states_add - is the hash new? */
bool states_add(struct states *states, __u64 hash);
struct record *states_record(struct states *states, __u32 parent, __u32 depth, __u64 hash);
void states_free(struct states *states);

/**
 * struct part - the part of a store's state that belongs to one copy
 * @s: the store's state
 * @since: ids of each kind up to these are others'
 * @base: paddr of its window
 * @end: of that
 * @device: of device memory, which all copies share
 */
struct part {
	const struct orc_state *s;
	__u64 since[ORC_NR_IDS];
	__u64 base;
	__u64 end;
	__u64 device;
};

/**
 * part_hash() - canonical hash of a copy's state
 * @part: it
 *
 * Registries, mappings, positions, activation, how many nodes each space has. Ids and tags do
 * not count, nor the order things were made in, nor where the window and kernel areas are;
 * virtual addresses of spaces do, and which frames of the window.
 *
 * Return: the hash, not 0.
 */
__u64 part_hash(const struct part *part);

/* part_within - is the state one to explore? */
bool part_within(const struct part *part, const struct limits *limits);

#endif /* SMALLSCOPE_STATES_H */
