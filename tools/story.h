/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vmstorectl: what a store has done, as a script
 *
 * Ids become the names that earlier statements gave them, f12 for the frame with id 12.
 * An id that no statement made stays a number. A failed operation carries its errno, one
 * that succeeded those fields of its outcome that are the same whenever it is run in the
 * same state. Where a kernel area lies is the module's choice: an address in one is
 * written as the area's name and the distance from its start, k3+0x2000.
 */
#ifndef VMSTORECTL_STORY_H
#define VMSTORECTL_STORY_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>

#include "libvmstore.h"

/**
 * struct story - a script being written
 * @to: where to
 * @names: of ids, a tree
 * @areas: where the kernel areas lie, or lay, a tree
 * @next: number of the operation that comes next
 * @written: operations written
 * @lost: operations that are missing
 * @exact: their numbers are the order of their effects, so a second run takes the same
 *	frames
 * @error: memory was short for a name: 0 or -ENOMEM
 */
struct story {
	FILE *to;
	void *names;
	void *areas;
	__u64 next;
	__u64 written;
	__u64 lost;
	bool exact;
	int error;
};

/**
 * story_begin() - the statement that makes such a store
 * @story: to fill
 * @to: where to
 * @info: of a store that is made
 */
void story_begin(struct story *story, FILE *to, const struct vmstore_info *info);

/**
 * story_add() - the next statement
 * @story: the script
 * @rec: the operation
 */
void story_add(struct story *story, const struct vmstore_rec_story *rec);

/**
 * story_end() - release what it holds
 * @story: the script
 */
void story_end(struct story *story);

/**
 * story_print() - what a store remembers, as a script
 * @store: the store
 * @to: where to
 *
 * Return: 0 or a negative errno.
 */
int story_print(struct vms_store *store, FILE *to);

/**
 * story_json() - the same as an array of operations
 * @store: the store
 *
 * Return: the array, NULL when the store could not be read.
 */
json_object *story_json(struct vms_store *store);

#endif /* VMSTORECTL_STORY_H */
