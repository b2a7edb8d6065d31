/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vmstorectl: the state of a store for people and for machines
 *
 * Each vms_print_*() and vms_json_*() reads what it needs from the store; any
 * command may call them on its own store, frozen or not.
 */
#ifndef VMSTORECTL_SHOW_H
#define VMSTORECTL_SHOW_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>

#include "libvmstore.h"

/**
 * struct show_opts - how to print
 * @color: use colours
 * @width: frames a line of the region map; 0 = 64
 * @space: only this space; 0 = all
 * @compact: merge leaves of one property whose frames are scattered, too
 */
struct show_opts {
	bool color;
	unsigned int width;
	__u64 space;
	bool compact;
};

/**
 * vms_print_tables() - page tables as a tree, equal neighbours merged
 * @store: the store
 * @to: where to
 * @opts: how; NULL = plain
 *
 * Return: 0 or a negative errno of the dump.
 */
int vms_print_tables(struct vms_store *store, FILE *to,
		     const struct show_opts *opts);

/**
 * vms_print_region_map() - one character a frame, equal lines merged
 * @store: the store
 * @to: where to
 * @opts: how; NULL = plain
 *
 * Return: 0 or a negative errno of the dump.
 */
int vms_print_region_map(struct vms_store *store, FILE *to,
			 const struct show_opts *opts);

int vms_print_spaces(struct vms_store *store, FILE *to,
		     const struct show_opts *opts);
int vms_print_cursors(struct vms_store *store, FILE *to,
		      const struct show_opts *opts);
int vms_print_handles(struct vms_store *store, FILE *to,
		      const struct show_opts *opts);
int vms_print_segments(struct vms_store *store, FILE *to,
		       const struct show_opts *opts);
int vms_print_uniques(struct vms_store *store, FILE *to,
		      const struct show_opts *opts);
int vms_print_lists(struct vms_store *store, FILE *to,
		    const struct show_opts *opts);
int vms_print_areas(struct vms_store *store, FILE *to,
		    const struct show_opts *opts);
int vms_print_ios(struct vms_store *store, FILE *to,
		  const struct show_opts *opts);
int vms_print_gathered(struct vms_store *store, FILE *to,
		       const struct show_opts *opts);
int vms_print_flushes(struct vms_store *store, FILE *to,
		      const struct show_opts *opts);

/**
 * vms_print_report() - outcome of a check
 * @report: the report
 * @to: where to
 * @opts: how; NULL = plain
 * @clauses: print the table of clauses, too
 */
void vms_print_report(const struct vms_report *report, FILE *to,
		      const struct show_opts *opts, bool clauses);

/**
 * vms_json_report() - the same for machines
 * @report: the report
 *
 * Return: a new object.
 */
json_object *vms_json_report(const struct vms_report *report);

/**
 * vms_json_state() - all sections of a dump
 * @store: the store
 * @object: members are added to it
 *
 * Return: 0 or a negative errno of the dump.
 */
int vms_json_state(struct vms_store *store, json_object *object);

/**
 * vms_json_info() - a store's constants, limits and counters
 * @info: from vms_info()
 *
 * Return: a new object.
 */
json_object *vms_json_info(const struct vmstore_info *info);

const char *vms_machine_name(__u32 machine);
const char *vms_check_mode_name(__u32 mode);

#endif /* VMSTORECTL_SHOW_H */
