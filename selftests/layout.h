/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The layout of every structure of the ABI. The numbers are written down once more:
 * a structure that grows a hole, or differs between 32 and 64 bits, does not compile.
 */
#ifndef VMSTORE_LAYOUT_H
#define VMSTORE_LAYOUT_H

#include <stddef.h>

#include <linux/vmstore.h>

#define SIZE_IS(type, size) \
	_Static_assert(sizeof(struct type) == (size), "size of " #type)
#define AT(type, field, offset) \
	_Static_assert(offsetof(struct type, field) == (offset), #type "." #field)

SIZE_IS(vmstore_prop, 4);

SIZE_IS(vmstore_info, 152);
AT(vmstore_info, out_region_size, 16);
AT(vmstore_info, out_machine, 32);
AT(vmstore_info, out_nr_slots, 48);
AT(vmstore_info, out_nr_clauses, 64);
AT(vmstore_info, out_max_region_size, 72);
AT(vmstore_info, out_ops, 88);
AT(vmstore_info, out_frozen, 120);
AT(vmstore_info, out_max_nodes, 128);
AT(vmstore_info, out_gathered, 136);
AT(vmstore_info, out_host_table, 144);

SIZE_IS(vmstore_setup, 40);
AT(vmstore_setup, region_size, 8);
AT(vmstore_setup, mmio_size, 16);
AT(vmstore_setup, machine, 24);
AT(vmstore_setup, seed, 36);

SIZE_IS(vmstore_arg_paddr, 8);
SIZE_IS(vmstore_arg_id, 8);
SIZE_IS(vmstore_arg_open, 24);
SIZE_IS(vmstore_arg_len, 16);
SIZE_IS(vmstore_arg_jump, 16);
SIZE_IS(vmstore_arg_map, 24);
SIZE_IS(vmstore_arg_protect, 24);
SIZE_IS(vmstore_arg_flush, 24);
SIZE_IS(vmstore_arg_issue_with, 32);
SIZE_IS(vmstore_arg_flush_local, 24);
SIZE_IS(vmstore_arg_access, 32);
SIZE_IS(vmstore_arg_io_new, 24);
SIZE_IS(vmstore_arg_kio_new, 16);
SIZE_IS(vmstore_arg_io_data, 24);
AT(vmstore_arg_io_data, buf, 8);
SIZE_IS(vmstore_arg_io_len, 16);
SIZE_IS(vmstore_arg_io_pair, 16);
SIZE_IS(vmstore_arg_io_value, 24);
AT(vmstore_arg_io_value, width, 16);

SIZE_IS(vmstore_arg_kvirt_frames, 32);
AT(vmstore_arg_kvirt_frames, prop, 24);
SIZE_IS(vmstore_arg_kvirt_untracked, 40);
AT(vmstore_arg_kvirt_untracked, prop, 32);
SIZE_IS(vmstore_arg_kvirt_addr, 16);
SIZE_IS(vmstore_arg_kvirt_range, 24);
SIZE_IS(vmstore_arg_kvirt_protect, 32);
AT(vmstore_arg_kvirt_protect, mask, 28);
SIZE_IS(vmstore_arg_list_frame, 16);
SIZE_IS(vmstore_arg_list_at, 16);
SIZE_IS(vmstore_arg_list_insert, 24);

SIZE_IS(vmstore_out_frame, 16);
SIZE_IS(vmstore_out_drop, 24);
SIZE_IS(vmstore_out_space_drop, 32);
SIZE_IS(vmstore_out_open, 16);
SIZE_IS(vmstore_out_query, 48);
SIZE_IS(vmstore_out_va, 24);
SIZE_IS(vmstore_out_map, 40);
SIZE_IS(vmstore_out_unmap, 48);
SIZE_IS(vmstore_out_protect, 48);
SIZE_IS(vmstore_out_reap, 32);
SIZE_IS(vmstore_arg_watch, 24);
SIZE_IS(vmstore_watch_count, 16);
SIZE_IS(vmstore_out_watch, 56);
AT(vmstore_out_watch, flushes, 48);
SIZE_IS(vmstore_out_tlb, 24);
AT(vmstore_out_tlb, waited, 20);
SIZE_IS(vmstore_out_access, 24);
SIZE_IS(vmstore_out_io, 48);
AT(vmstore_out_io, done, 24);
AT(vmstore_out_io, fault, 40);
SIZE_IS(vmstore_out_list, 48);
AT(vmstore_out_list, found, 40);
SIZE_IS(vmstore_out_list_drop, 16);

AT(vmstore_out_query, untracked, 44);
SIZE_IS(vmstore_out_kvirt, 48);
SIZE_IS(vmstore_out_kvirt_unmap, 48);
SIZE_IS(vmstore_out_kvirt_protect, 24);

SIZE_IS(vmstore_op, 128);
AT(vmstore_op, flags, 2);
AT(vmstore_op, cpu, 4);
AT(vmstore_op, out_errno, 8);
AT(vmstore_op, __reserved, 12);
AT(vmstore_op, arg, 16);
AT(vmstore_op, out, 64);

SIZE_IS(vmstore_run, 32);
AT(vmstore_run, ops, 8);
AT(vmstore_run, count, 16);
AT(vmstore_run, out_ran, 24);

SIZE_IS(vmstore_violation, 152);
AT(vmstore_violation, object, 24);
AT(vmstore_violation, text, 56);
SIZE_IS(vmstore_clause, 128);
AT(vmstore_clause, evaluated, 16);
AT(vmstore_clause, text, 40);
SIZE_IS(vmstore_check, 56);
AT(vmstore_check, violations, 8);
AT(vmstore_check, nr_violations, 24);
AT(vmstore_check, out_violations, 32);
AT(vmstore_check, __reserved, 52);

SIZE_IS(vmstore_rec_space, 32);
SIZE_IS(vmstore_rec_cursor, 64);
SIZE_IS(vmstore_rec_frame, 16);
SIZE_IS(vmstore_rec_slots, 56);
AT(vmstore_rec_slots, usage, 40);
AT(vmstore_rec_slots, nr_children, 44);
AT(vmstore_rec_slots, owner, 48);
SIZE_IS(vmstore_rec_node, 40);
SIZE_IS(vmstore_rec_leaves, 40);
SIZE_IS(vmstore_rec_gathered, 32);
SIZE_IS(vmstore_rec_io, 56);
AT(vmstore_rec_io, writer, 48);
SIZE_IS(vmstore_rec_kvirt, 32);
SIZE_IS(vmstore_rec_list, 56);
AT(vmstore_rec_list, cursor, 48);
SIZE_IS(vmstore_rec_flush, 48);
AT(vmstore_rec_flush, state, 40);
SIZE_IS(vmstore_rec_cached, 40);
AT(vmstore_rec_cached, cpu, 32);
SIZE_IS(vmstore_rec_story, 240);
AT(vmstore_rec_story, op, 16);
AT(vmstore_rec_story, data, 144);

SIZE_IS(vmstore_dump, 64);
AT(vmstore_dump, pos, 16);
AT(vmstore_dump, buf, 32);
AT(vmstore_dump, buf_len, 40);
AT(vmstore_dump, out_generation, 56);

#endif /* VMSTORE_LAYOUT_H */
