/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libvmstore: what the files with its operations share
 */
#ifndef LIBVMSTORE_LIBOPS_H
#define LIBVMSTORE_LIBOPS_H

#include <string.h>

#include "libvmstore.h"

static inline size_t add_id(struct vms_batch *batch, __u16 opcode, __u64 id)
{
	struct vmstore_op *op = vms_batch_add(batch, opcode);

	if (op)
		op->arg.id.id = id;
	return batch->nr - 1;
}

static inline size_t add_paddr(struct vms_batch *batch, __u16 opcode, __u64 paddr)
{
	struct vmstore_op *op = vms_batch_add(batch, opcode);

	if (op)
		op->arg.paddr.paddr = paddr;
	return batch->nr - 1;
}

/* A batch for one operation, on the stack: vms_batch_add() cannot fail. */
static inline struct vms_batch single(struct vms_store *store, struct vmstore_op *op)
{
	struct vms_batch batch = {
		.ops = op, .room = 1, .cpu = store->cpu,
	};

	return batch;
}

/* Run it; the outcome's structure, or its first words, go to *out. */
static inline int single_copy(struct vms_store *store, struct vmstore_op *op,
			      void *out, size_t size)
{
	int ret = vms_run_op(store, op);

	if (!ret && out)
		memcpy(out, &op->out, size);
	return ret;
}

#define single_out(store, op, out)	single_copy(store, op, out, sizeof(*(out)))

static inline int single_id(struct vms_store *store, struct vmstore_op *op, __u64 *id)
{
	return single_out(store, op, id);
}

#endif /* LIBVMSTORE_LIBOPS_H */
