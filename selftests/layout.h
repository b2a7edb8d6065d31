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
AT(vmstore_setup, __reserved, 36);

SIZE_IS(vmstore_arg_paddr, 8);
SIZE_IS(vmstore_arg_id, 8);
SIZE_IS(vmstore_arg_open, 24);
SIZE_IS(vmstore_arg_len, 16);
SIZE_IS(vmstore_arg_jump, 16);
SIZE_IS(vmstore_arg_map, 24);
SIZE_IS(vmstore_arg_protect, 24);
SIZE_IS(vmstore_arg_flush, 24);
SIZE_IS(vmstore_arg_access, 32);

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
SIZE_IS(vmstore_out_access, 24);

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

SIZE_IS(vmstore_dump, 64);
AT(vmstore_dump, pos, 16);
AT(vmstore_dump, buf, 32);
AT(vmstore_dump, buf_len, 40);
AT(vmstore_dump, out_generation, 56);

#endif /* VMSTORE_LAYOUT_H */
