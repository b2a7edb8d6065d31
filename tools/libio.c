// SPDX-License-Identifier: GPL-2.0-only
/*
 * libvmstore: readers and writers
 */
#include <errno.h>
#include <stdint.h>

#include "libops.h"

/* --- builders -------------------------------------------------------------- */

static size_t add_new(struct vms_batch *batch, __u16 opcode, __u64 space,
		      __u64 va, __u64 len)
{
	struct vmstore_op *op = vms_batch_add(batch, opcode);

	if (op) {
		op->arg.io_new.space = space;
		op->arg.io_new.vaddr = va;
		op->arg.io_new.len = len;
	}
	return batch->nr - 1;
}

static size_t add_kernel(struct vms_batch *batch, __u16 opcode, __u64 va,
			 __u64 len)
{
	struct vmstore_op *op = vms_batch_add(batch, opcode);

	if (op) {
		op->arg.kio_new.vaddr = va;
		op->arg.kio_new.len = len;
	}
	return batch->nr - 1;
}

static size_t add_data(struct vms_batch *batch, __u16 opcode, __u64 io,
		       const void *buf, __u64 len)
{
	struct vmstore_op *op = vms_batch_add(batch, opcode);

	if (op) {
		op->arg.io_data.io = io;
		op->arg.io_data.buf = (uintptr_t)buf;
		op->arg.io_data.len = len;
	}
	return batch->nr - 1;
}

static size_t add_len(struct vms_batch *batch, __u16 opcode, __u64 io, __u64 n)
{
	struct vmstore_op *op = vms_batch_add(batch, opcode);

	if (op) {
		op->arg.io_len.io = io;
		op->arg.io_len.n = n;
	}
	return batch->nr - 1;
}

static size_t add_pair(struct vms_batch *batch, __u16 opcode, __u64 source,
		       __u64 dest)
{
	struct vmstore_op *op = vms_batch_add(batch, opcode);

	if (op) {
		op->arg.io_pair.source = source;
		op->arg.io_pair.dest = dest;
	}
	return batch->nr - 1;
}

static size_t add_value(struct vms_batch *batch, __u16 opcode, __u64 io,
			__u32 width, __u64 value)
{
	struct vmstore_op *op = vms_batch_add(batch, opcode);

	if (op) {
		op->arg.io_value.io = io;
		op->arg.io_value.width = width;
		op->arg.io_value.value = value;
	}
	return batch->nr - 1;
}

size_t vms_batch_reader_new(struct vms_batch *batch, __u64 space, __u64 va,
			    __u64 len)
{
	return add_new(batch, VMSTORE_OP_READER_NEW, space, va, len);
}

size_t vms_batch_writer_new(struct vms_batch *batch, __u64 space, __u64 va,
			    __u64 len)
{
	return add_new(batch, VMSTORE_OP_WRITER_NEW, space, va, len);
}

size_t vms_batch_kreader_new(struct vms_batch *batch, __u64 va, __u64 len)
{
	return add_kernel(batch, VMSTORE_OP_KREADER_NEW, va, len);
}

size_t vms_batch_kwriter_new(struct vms_batch *batch, __u64 va, __u64 len)
{
	return add_kernel(batch, VMSTORE_OP_KWRITER_NEW, va, len);
}

size_t vms_batch_reader_drop(struct vms_batch *batch, __u64 reader)
{
	return add_id(batch, VMSTORE_OP_READER_DROP, reader);
}

size_t vms_batch_writer_drop(struct vms_batch *batch, __u64 writer)
{
	return add_id(batch, VMSTORE_OP_WRITER_DROP, writer);
}

size_t vms_batch_reader_read_val(struct vms_batch *batch, __u64 reader,
				 void *buf, __u64 len)
{
	return add_data(batch, VMSTORE_OP_READER_READ_VAL, reader, buf, len);
}

size_t vms_batch_reader_collect(struct vms_batch *batch, __u64 reader,
				void *buf, __u64 room)
{
	return add_data(batch, VMSTORE_OP_READER_COLLECT, reader, buf, room);
}

size_t vms_batch_reader_limit(struct vms_batch *batch, __u64 reader, __u64 n)
{
	return add_len(batch, VMSTORE_OP_READER_LIMIT, reader, n);
}

size_t vms_batch_reader_skip(struct vms_batch *batch, __u64 reader, __u64 n)
{
	return add_len(batch, VMSTORE_OP_READER_SKIP, reader, n);
}

size_t vms_batch_reader_query(struct vms_batch *batch, __u64 reader)
{
	return add_id(batch, VMSTORE_OP_READER_QUERY, reader);
}

size_t vms_batch_writer_write_val(struct vms_batch *batch, __u64 writer,
				  const void *buf, __u64 len)
{
	return add_data(batch, VMSTORE_OP_WRITER_WRITE_VAL, writer, buf, len);
}

size_t vms_batch_writer_fill_zeros(struct vms_batch *batch, __u64 writer,
				   __u64 n)
{
	return add_len(batch, VMSTORE_OP_WRITER_FILL_ZEROS, writer, n);
}

size_t vms_batch_writer_limit(struct vms_batch *batch, __u64 writer, __u64 n)
{
	return add_len(batch, VMSTORE_OP_WRITER_LIMIT, writer, n);
}

size_t vms_batch_writer_skip(struct vms_batch *batch, __u64 writer, __u64 n)
{
	return add_len(batch, VMSTORE_OP_WRITER_SKIP, writer, n);
}

size_t vms_batch_writer_query(struct vms_batch *batch, __u64 writer)
{
	return add_id(batch, VMSTORE_OP_WRITER_QUERY, writer);
}

size_t vms_batch_io_read(struct vms_batch *batch, __u64 reader, __u64 writer)
{
	return add_pair(batch, VMSTORE_OP_READ, reader, writer);
}

size_t vms_batch_io_write(struct vms_batch *batch, __u64 reader, __u64 writer)
{
	return add_pair(batch, VMSTORE_OP_WRITE, reader, writer);
}

size_t vms_batch_io_read_fallible(struct vms_batch *batch, __u64 reader,
				  __u64 writer)
{
	return add_pair(batch, VMSTORE_OP_READ_FALLIBLE, reader, writer);
}

size_t vms_batch_io_write_fallible(struct vms_batch *batch, __u64 reader,
				   __u64 writer)
{
	return add_pair(batch, VMSTORE_OP_WRITE_FALLIBLE, reader, writer);
}

size_t vms_batch_writer_fill(struct vms_batch *batch, __u64 writer,
			     __u32 width, __u64 value)
{
	return add_value(batch, VMSTORE_OP_WRITER_FILL, writer, width, value);
}

size_t vms_batch_reader_read_once(struct vms_batch *batch, __u64 reader,
				  __u32 width)
{
	return add_value(batch, VMSTORE_OP_READER_READ_ONCE, reader, width, 0);
}

size_t vms_batch_writer_write_once(struct vms_batch *batch, __u64 writer,
				   __u32 width, __u64 value)
{
	return add_value(batch, VMSTORE_OP_WRITER_WRITE_ONCE, writer, width,
			 value);
}

/* --- single operations ----------------------------------------------------- */

/* Also a fault has an outcome. */
static int single_io(struct vms_store *store, struct vmstore_op *op,
		     struct vmstore_out_io *out)
{
	int ret = vms_run_op(store, op);

	if (out && (!ret || ret == -EFAULT))
		*out = op->out.io;
	return ret;
}

int vms_reader_new(struct vms_store *store, __u64 space, __u64 va, __u64 len,
		   __u64 *reader)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_reader_new(&batch, space, va, len);
	return single_id(store, &op, reader);
}

int vms_writer_new(struct vms_store *store, __u64 space, __u64 va, __u64 len,
		   __u64 *writer)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_writer_new(&batch, space, va, len);
	return single_id(store, &op, writer);
}

int vms_kreader_new(struct vms_store *store, __u64 va, __u64 len,
		    __u64 *reader)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_kreader_new(&batch, va, len);
	return single_id(store, &op, reader);
}

int vms_kwriter_new(struct vms_store *store, __u64 va, __u64 len,
		    __u64 *writer)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_kwriter_new(&batch, va, len);
	return single_id(store, &op, writer);
}

int vms_reader_drop(struct vms_store *store, __u64 reader,
		    struct vmstore_out_io *out)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_reader_drop(&batch, reader);
	return single_io(store, &op, out);
}

int vms_writer_drop(struct vms_store *store, __u64 writer,
		    struct vmstore_out_io *out)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_writer_drop(&batch, writer);
	return single_io(store, &op, out);
}

int vms_reader_read_val(struct vms_store *store, __u64 reader, void *buf,
			__u64 len, struct vmstore_out_io *out)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_reader_read_val(&batch, reader, buf, len);
	return single_io(store, &op, out);
}

int vms_reader_collect(struct vms_store *store, __u64 reader, void *buf,
		       __u64 room, struct vmstore_out_io *out)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_reader_collect(&batch, reader, buf, room);
	return single_io(store, &op, out);
}

int vms_reader_limit(struct vms_store *store, __u64 reader, __u64 n,
		     struct vmstore_out_io *out)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_reader_limit(&batch, reader, n);
	return single_io(store, &op, out);
}

int vms_reader_skip(struct vms_store *store, __u64 reader, __u64 n,
		    struct vmstore_out_io *out)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_reader_skip(&batch, reader, n);
	return single_io(store, &op, out);
}

int vms_reader_query(struct vms_store *store, __u64 reader,
		     struct vmstore_out_io *out)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_reader_query(&batch, reader);
	return single_io(store, &op, out);
}

int vms_writer_write_val(struct vms_store *store, __u64 writer,
			 const void *buf, __u64 len,
			 struct vmstore_out_io *out)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_writer_write_val(&batch, writer, buf, len);
	return single_io(store, &op, out);
}

int vms_writer_fill_zeros(struct vms_store *store, __u64 writer, __u64 n,
			  struct vmstore_out_io *out)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_writer_fill_zeros(&batch, writer, n);
	return single_io(store, &op, out);
}

int vms_writer_limit(struct vms_store *store, __u64 writer, __u64 n,
		     struct vmstore_out_io *out)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_writer_limit(&batch, writer, n);
	return single_io(store, &op, out);
}

int vms_writer_skip(struct vms_store *store, __u64 writer, __u64 n,
		    struct vmstore_out_io *out)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_writer_skip(&batch, writer, n);
	return single_io(store, &op, out);
}

int vms_writer_query(struct vms_store *store, __u64 writer,
		     struct vmstore_out_io *out)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_writer_query(&batch, writer);
	return single_io(store, &op, out);
}

int vms_io_read(struct vms_store *store, __u64 reader, __u64 writer,
		struct vmstore_out_io *out)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_io_read(&batch, reader, writer);
	return single_io(store, &op, out);
}

int vms_io_write(struct vms_store *store, __u64 reader, __u64 writer,
		 struct vmstore_out_io *out)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_io_write(&batch, reader, writer);
	return single_io(store, &op, out);
}

int vms_io_read_fallible(struct vms_store *store, __u64 reader, __u64 writer,
			 struct vmstore_out_io *out)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_io_read_fallible(&batch, reader, writer);
	return single_io(store, &op, out);
}

int vms_io_write_fallible(struct vms_store *store, __u64 reader, __u64 writer,
			  struct vmstore_out_io *out)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_io_write_fallible(&batch, reader, writer);
	return single_io(store, &op, out);
}

int vms_writer_fill(struct vms_store *store, __u64 writer, __u32 width,
		    __u64 value, struct vmstore_out_io *out)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_writer_fill(&batch, writer, width, value);
	return single_io(store, &op, out);
}

int vms_reader_read_once(struct vms_store *store, __u64 reader, __u32 width,
			 struct vmstore_out_io *out)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_reader_read_once(&batch, reader, width);
	return single_io(store, &op, out);
}

int vms_writer_write_once(struct vms_store *store, __u64 writer, __u32 width,
			  __u64 value, struct vmstore_out_io *out)
{
	struct vmstore_op op;
	struct vms_batch batch = single(store, &op);

	vms_batch_writer_write_once(&batch, writer, width, value);
	return single_io(store, &op, out);
}
