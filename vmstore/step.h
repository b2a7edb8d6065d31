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
	VMS_ID_SEGMENT,
	VMS_ID_UNIQUE,
	VMS_ID_IO,
	VMS_ID_KVIRT,
	VMS_ID_LIST,
};

/* What lies in the memory that arg.raw[VMS_DATA_ARG] points at, if anything does */
enum vms_data {
	VMS_DATA_NONE,
	VMS_DATA_IN,		/* bytes the operation reads */
	VMS_DATA_OUT,		/* room for bytes it writes: the first out.io.done */
	VMS_DATA_FRAMES,	/* ids of handles it reads */
};

#define VMS_DATA_ARG		1

#define VMS_MAX_ID_ARGS		2

struct vms_step;

/**
 * struct vms_op_row - one operation
 * @name: word of traces and scripts
 * @run: checks, effect, outcome; 0 or -errno, and then nothing has changed
 * @flags: VMSTORE_OPF_* it knows
 * @arg_size: bytes of struct vmstore_op.arg it uses
 * @id_arg: kinds of the ids among its arguments, which are the first ones
 * @id_out: kind of the id it gives, and of the second where it gives two
 * @reap_busy: -EBUSY may be for want of a slot that is only gathered
 * @data: what it moves from or to its caller
 * @data_len: how many bytes that is; NULL without data
 * @touches: VMS_TOUCH_* of all it may change [G4]
 */
struct vms_op_row {
	const char *name;
	int (*run)(struct vms_step *step);
	u16 flags;
	u16 arg_size;
	enum vms_id_type id_arg[VMS_MAX_ID_ARGS];
	enum vms_id_type id_out;
	bool reap_busy;
	enum vms_data data;
	u64 (*data_len)(const struct vmstore_op *op);
	u32 touches;
};

/**
 * struct vms_step - an operation being run
 * @store: on what
 * @op: what, and where its outcome goes
 * @data: kernel memory of as many bytes as the row's data_len() says; NULL for none
 * @wait_space: set by a failed open that may wait: a user of the space, and
 * @wait_seq: its count of closed cursors before the attempt
 */
struct vms_step {
	struct vms_store *store;
	struct vmstore_op *op;
	void *data;
	struct vms_space *wait_space;
	int wait_seq;
};

const struct vms_op_row *vms_op_row(u32 opcode);
int vms_step(struct vms_store *s, struct vmstore_op *op, void *data);

#endif /* VMS_STEP_H */
