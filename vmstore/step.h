/* SPDX-License-Identifier: GPL-2.0-only */
/* One operation: opcode -> checks, effect, name; one row per operation. */
#ifndef VMS_STEP_H
#define VMS_STEP_H

#include "store.h"

/* What kind of id an argument takes or an outcome gives */
enum vms_id_type {
	VMS_ID_NONE,
	VMS_ID_FRAME,
	VMS_ID_SPACE,
	VMS_ID_CURSOR,
};

#define VMS_MAX_ID_ARGS		2

struct vms_step;

/**
 * struct vms_op_row - one operation
 * @name: word of traces and scripts
 * @run: checks, effect, outcome; 0 or -errno, and then nothing has changed
 * @flags: VMSTORE_OPF_* it knows
 * @arg_size: bytes of struct vmstore_op.arg it uses
 * @id_arg: kinds of the ids among its arguments, which are the first ones
 * @id_out: kind of the id it gives
 */
struct vms_op_row {
	const char *name;
	int (*run)(struct vms_step *step);
	u16 flags;
	u16 arg_size;
	enum vms_id_type id_arg[VMS_MAX_ID_ARGS];
	enum vms_id_type id_out;
};

/**
 * struct vms_step - an operation being run
 * @store: on what
 * @op: what, and where its outcome goes
 * @wait_space: set by a failed open that may wait: a user of the space, and
 * @wait_seq: its count of closed cursors before the attempt
 */
struct vms_step {
	struct vms_store *store;
	struct vmstore_op *op;
	struct vms_space *wait_space;
	int wait_seq;
};

const struct vms_op_row *vms_op_row(u32 opcode);
int vms_step(struct vms_store *s, struct vmstore_op *op);

#endif /* VMS_STEP_H */
