/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libvmstore: user space's side of /dev/vmstore
 *
 * Three layers, each usable alone:
 *
 *  - a store: vms_open(), vms_setup(), vms_info(), vms_close(), and one function
 *    per operation for programs that run one at a time;
 *  - a batch: vms_batch_*() append operations to an array, each returns its
 *    index; VMSTORE_REF(index) names what it will produce; vms_batch_run() runs
 *    them with one call and leaves each outcome in batch->ops[index].out;
 *  - the table of operations: names, arguments and outcomes as data, for
 *    programs that read or print operations as text.
 *
 * Functions return 0 or a negative errno; vms_strerror() says what it means and
 * what to do. Nothing is printed, nothing is global: threads may share a store
 * (give each its own copy of struct vms_store if they use different CPUs), but
 * not a batch.
 */
#ifndef LIBVMSTORE_H
#define LIBVMSTORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <linux/vmstore.h>

#ifdef __cplusplus
extern "C" {
#endif

#define VMS_DEVICE	"/dev/vmstore"
#define VMS_FD_VARIABLE	"VMSTORE_FD"	/* of the environment: see vms_open() */

/* --- a store --------------------------------------------------------------- */

/**
 * struct vms_store - a store
 * @fd: the file descriptor that is the store
 * @cpu: logical CPU that the functions for single operations run for
 * @inherited: it was another process's first, see vms_open()
 */
struct vms_store {
	int fd;
	__u32 cpu;
	bool inherited;
};

/**
 * enum vms_call - what failed, for vms_strerror()
 * @VMS_CALL_OPEN: vms_open()
 * @VMS_CALL_INFO: vms_info()
 * @VMS_CALL_SETUP: vms_setup()
 * @VMS_CALL_RUN: vms_batch_run() itself
 * @VMS_CALL_CHECK: vms_check()
 * @VMS_CALL_DUMP: vms_dump_read(), vms_dump_foreach(), vms_story_read()
 * @VMS_CALL_OP: an operation
 */
enum vms_call {
	VMS_CALL_OPEN,
	VMS_CALL_INFO,
	VMS_CALL_SETUP,
	VMS_CALL_RUN,
	VMS_CALL_CHECK,
	VMS_CALL_DUMP,
	VMS_CALL_OP,
};

/**
 * vms_open() - open a store
 * @store: to fill
 * @path: the device; NULL for the store of the environment, or else VMS_DEVICE
 *
 * Without @path, and with VMSTORE_FD in the environment, it is the store behind that
 * file descriptor, which another process made and may go on using; "vmstorectl record"
 * passes one on like this. In any other case it is a new one, and empty.
 *
 * Return: 0 or a negative errno; then @store->fd is -1. -EBADF: VMSTORE_FD is no number
 * of an open file.
 */
int vms_open(struct vms_store *store, const char *path);

/**
 * vms_close() - close a store, which tears everything in it down
 * @store: an open or a closed one
 */
void vms_close(struct vms_store *store);

/**
 * vms_setup() - make the store with other than default limits
 * @store: no operation ran in it yet
 * @setup: what to make; its size is filled in
 *
 * An inherited store that is made already stays as it is: who passed it on has chosen.
 *
 * Return: 0 or a negative errno.
 */
int vms_setup(struct vms_store *store, const struct vmstore_setup *setup);

/**
 * vms_info() - constants, limits and counters
 * @store: the store
 * @info: to fill
 *
 * Return: 0 or a negative errno.
 */
int vms_info(struct vms_store *store, struct vmstore_info *info);

/**
 * vms_strerror() - what an error means and what to do about it
 * @call: what failed
 * @err: negative or positive errno
 *
 * Return: text without a final stop or newline; never NULL.
 */
const char *vms_strerror(enum vms_call call, int err);

/**
 * vms_errno_name() - "EBUSY"
 * @err: negative or positive errno
 *
 * Return: its name, "ok" for 0, NULL when the library does not know it.
 */
const char *vms_errno_name(int err);

/**
 * vms_errno_parse() - the reverse of vms_errno_name()
 * @name: "EBUSY", "-EBUSY" or "ok", in any case
 *
 * Return: 0 or the negative errno, 1 for an unknown name.
 */
int vms_errno_parse(const char *name);

/* --- a batch --------------------------------------------------------------- */

/**
 * struct vms_batch - operations to run with one call
 * @ops: the operations; after the run with their outcomes
 * @nr: how many
 * @room: elements allocated
 * @cpu: logical CPU for those appended from now on
 * @error: the first failure to grow; vms_batch_run() then returns it
 *
 * Start with VMS_BATCH_INIT, end with vms_batch_free().
 */
struct vms_batch {
	struct vmstore_op *ops;
	size_t nr;
	size_t room;
	__u32 cpu;
	int error;
};

#define VMS_BATCH_INIT	{ NULL, 0, 0, 0, 0 }

/**
 * struct vms_counts - what a run did
 * @ran: operations executed, the failed ones included
 * @failed: of these, failed
 */
struct vms_counts {
	__u32 ran;
	__u32 failed;
};

/**
 * vms_batch_add() - append an operation without arguments
 * @batch: the batch
 * @opcode: enum vmstore_opcode, or any other number
 *
 * The base of all vms_batch_*(). The pointer is good until the next operation is
 * appended.
 *
 * Return: the operation, to fill in further; NULL when memory is exhausted.
 */
struct vmstore_op *vms_batch_add(struct vms_batch *batch, __u16 opcode);

/**
 * vms_batch_append() - append a copy of an operation
 * @batch: the batch
 * @op: to copy, CPU included
 *
 * Return: its index.
 */
size_t vms_batch_append(struct vms_batch *batch, const struct vmstore_op *op);

/**
 * vms_batch_clear() - forget the operations, keep the memory
 * @batch: the batch
 */
void vms_batch_clear(struct vms_batch *batch);

/**
 * vms_batch_free() - forget everything
 * @batch: the batch; empty afterwards
 */
void vms_batch_free(struct vms_batch *batch);

/**
 * vms_batch_run() - run all operations with one call
 * @store: the store
 * @batch: at most VMSTORE_MAX_BATCH operations
 * @flags: VMSTORE_RUN_*
 * @counts: what was done, also with -EINTR; may be NULL
 *
 * Return: 0 when the batch ended as asked even if operations failed (see
 * @counts and each out_errno); a negative errno for the call.
 */
int vms_batch_run(struct vms_store *store, struct vms_batch *batch, __u32 flags,
		  struct vms_counts *counts);

/*
 * Builders: one per operation. Each appends and returns the index. An id may be
 * VMSTORE_REF(index). What the arguments mean: <linux/vmstore.h>.
 */
size_t vms_batch_frame_from_unused(struct vms_batch *batch, __u64 paddr);
size_t vms_batch_frame_from_in_use(struct vms_batch *batch, __u64 paddr);
size_t vms_batch_frame_alloc(struct vms_batch *batch);
size_t vms_batch_frame_drop(struct vms_batch *batch, __u64 frame);
size_t vms_batch_space_new(struct vms_batch *batch);
size_t vms_batch_space_drop(struct vms_batch *batch, __u64 space);
size_t vms_batch_space_activate(struct vms_batch *batch, __u64 space);
size_t vms_batch_cursor_open(struct vms_batch *batch, __u64 space, __u64 start,
			     __u64 end, __u16 flags);
size_t vms_batch_cursor_open_mut(struct vms_batch *batch, __u64 space,
				 __u64 start, __u64 end, __u16 flags);
size_t vms_batch_cursor_drop(struct vms_batch *batch, __u64 cursor);
size_t vms_batch_query(struct vms_batch *batch, __u64 cursor, __u16 flags);
size_t vms_batch_find_next(struct vms_batch *batch, __u64 cursor, __u64 len);
size_t vms_batch_jump(struct vms_batch *batch, __u64 cursor, __u64 va);
size_t vms_batch_vaddr(struct vms_batch *batch, __u64 cursor);
size_t vms_batch_map(struct vms_batch *batch, __u64 cursor, __u64 frame,
		     struct vmstore_prop prop);
size_t vms_batch_unmap(struct vms_batch *batch, __u64 cursor, __u64 len);
size_t vms_batch_protect_next(struct vms_batch *batch, __u64 cursor, __u64 len,
			      struct vmstore_prop prop,
			      struct vmstore_prop mask, __u16 flags);
size_t vms_batch_flush(struct vms_batch *batch, __u64 cursor, __u64 va,
		       __u64 len);
size_t vms_batch_reap(struct vms_batch *batch);
size_t vms_batch_load(struct vms_batch *batch, __u64 space, __u64 va,
		      __u32 width);
size_t vms_batch_write(struct vms_batch *batch, __u64 space, __u64 va,
		       __u32 width, __u64 value);

/*
 * Segments, exclusive handles, many frames at once: the ids at @frames must be there
 * until the batch ran.
 */
size_t vms_batch_frame_clone(struct vms_batch *batch, __u64 frame);
size_t vms_batch_segment_from_unused(struct vms_batch *batch, __u64 start,
				     __u64 end);
size_t vms_batch_segment_drop(struct vms_batch *batch, __u64 segment);
size_t vms_batch_segment_split(struct vms_batch *batch, __u64 segment,
			       __u64 offset);
size_t vms_batch_segment_next(struct vms_batch *batch, __u64 segment);
size_t vms_batch_segment_clone(struct vms_batch *batch, __u64 segment);
size_t vms_batch_segment_slice(struct vms_batch *batch, __u64 segment,
			       __u64 start, __u64 end);
size_t vms_batch_frame_to_segment(struct vms_batch *batch, __u64 frame);
size_t vms_batch_unique_from_unused(struct vms_batch *batch, __u64 paddr);
size_t vms_batch_unique_drop(struct vms_batch *batch, __u64 unique);
size_t vms_batch_from_unique(struct vms_batch *batch, __u64 unique);
size_t vms_batch_try_from_shared(struct vms_batch *batch, __u64 frame);
size_t vms_batch_map_frames(struct vms_batch *batch, __u64 cursor,
			    const __u64 *frames, __u32 count,
			    struct vmstore_prop prop);
size_t vms_batch_map_segment(struct vms_batch *batch, __u64 cursor,
			     __u64 segment, struct vmstore_prop prop);

/* Readers and writers: memory that is pointed at must be there until the batch ran. */
size_t vms_batch_reader_new(struct vms_batch *batch, __u64 space, __u64 va,
			    __u64 len);
size_t vms_batch_writer_new(struct vms_batch *batch, __u64 space, __u64 va,
			    __u64 len);
size_t vms_batch_kreader_new(struct vms_batch *batch, __u64 va, __u64 len);
size_t vms_batch_kwriter_new(struct vms_batch *batch, __u64 va, __u64 len);
size_t vms_batch_reader_drop(struct vms_batch *batch, __u64 reader);
size_t vms_batch_writer_drop(struct vms_batch *batch, __u64 writer);
size_t vms_batch_reader_read_val(struct vms_batch *batch, __u64 reader,
				 void *buf, __u64 len);
size_t vms_batch_reader_collect(struct vms_batch *batch, __u64 reader,
				void *buf, __u64 room);
size_t vms_batch_reader_limit(struct vms_batch *batch, __u64 reader, __u64 n);
size_t vms_batch_reader_skip(struct vms_batch *batch, __u64 reader, __u64 n);
size_t vms_batch_reader_query(struct vms_batch *batch, __u64 reader);
size_t vms_batch_writer_write_val(struct vms_batch *batch, __u64 writer,
				  const void *buf, __u64 len);
size_t vms_batch_writer_fill_zeros(struct vms_batch *batch, __u64 writer,
				   __u64 n);
size_t vms_batch_writer_limit(struct vms_batch *batch, __u64 writer, __u64 n);
size_t vms_batch_writer_skip(struct vms_batch *batch, __u64 writer, __u64 n);
size_t vms_batch_writer_query(struct vms_batch *batch, __u64 writer);
size_t vms_batch_io_read(struct vms_batch *batch, __u64 reader, __u64 writer);
size_t vms_batch_io_write(struct vms_batch *batch, __u64 reader, __u64 writer);
size_t vms_batch_io_read_fallible(struct vms_batch *batch, __u64 reader,
				  __u64 writer);
size_t vms_batch_io_write_fallible(struct vms_batch *batch, __u64 reader,
				   __u64 writer);
size_t vms_batch_writer_fill(struct vms_batch *batch, __u64 writer,
			     __u32 width, __u64 value);
size_t vms_batch_reader_read_once(struct vms_batch *batch, __u64 reader,
				  __u32 width);
size_t vms_batch_writer_write_once(struct vms_batch *batch, __u64 writer,
				   __u32 width, __u64 value);

/* Kernel areas: @offset from the start of the area. */
size_t vms_batch_kvirt_map_frames(struct vms_batch *batch, __u64 size,
				  __u64 offset, const __u64 *frames,
				  __u32 count, struct vmstore_prop prop);
size_t vms_batch_kvirt_map_untracked(struct vms_batch *batch, __u64 size,
				     __u64 offset, __u64 start, __u64 end,
				     struct vmstore_prop prop);
size_t vms_batch_kvirt_query(struct vms_batch *batch, __u64 area, __u64 va,
			     __u16 flags);
size_t vms_batch_kvirt_drop(struct vms_batch *batch, __u64 area);
size_t vms_batch_kvirt_unmap_range(struct vms_batch *batch, __u64 area,
				   __u64 offset, __u64 len);
size_t vms_batch_kvirt_protect_range(struct vms_batch *batch, __u64 area,
				     __u64 offset, __u64 len,
				     struct vmstore_prop prop,
				     struct vmstore_prop mask, __u16 flags);

/*
 * Frame lists: @unique is an exclusive handle, which is consumed; what is taken out has a new
 * one. Of a list that has a cursor the functions from vms_batch_list_move_next() on are for.
 */
size_t vms_batch_list_new(struct vms_batch *batch);
size_t vms_batch_list_drop(struct vms_batch *batch, __u64 list);
size_t vms_batch_list_size(struct vms_batch *batch, __u64 list);
size_t vms_batch_list_contains(struct vms_batch *batch, __u64 list,
			       __u64 paddr);
size_t vms_batch_list_insert_at(struct vms_batch *batch, __u64 list,
				__u64 unique, __u64 n);
size_t vms_batch_list_push_front(struct vms_batch *batch, __u64 list,
				 __u64 unique);
size_t vms_batch_list_push_back(struct vms_batch *batch, __u64 list,
				__u64 unique);
size_t vms_batch_list_take_at(struct vms_batch *batch, __u64 list, __u64 n);
size_t vms_batch_list_pop_front(struct vms_batch *batch, __u64 list);
size_t vms_batch_list_pop_back(struct vms_batch *batch, __u64 list);
size_t vms_batch_list_cursor_front(struct vms_batch *batch, __u64 list);
size_t vms_batch_list_cursor_back(struct vms_batch *batch, __u64 list);
size_t vms_batch_list_cursor_at(struct vms_batch *batch, __u64 list,
				__u64 paddr);
size_t vms_batch_list_move_next(struct vms_batch *batch, __u64 list);
size_t vms_batch_list_move_prev(struct vms_batch *batch, __u64 list);
size_t vms_batch_list_current(struct vms_batch *batch, __u64 list);
size_t vms_batch_list_as_list(struct vms_batch *batch, __u64 list);
size_t vms_batch_list_cursor_insert_before(struct vms_batch *batch, __u64 list,
					   __u64 unique);
size_t vms_batch_list_cursor_take(struct vms_batch *batch, __u64 list);
size_t vms_batch_list_cursor_drop(struct vms_batch *batch, __u64 list);

/* Flush requests: @len 0 = everything. */
size_t vms_batch_tlb_issue(struct vms_batch *batch, __u64 cursor, __u64 va,
			   __u64 len);
size_t vms_batch_tlb_issue_with(struct vms_batch *batch, __u64 cursor,
				__u64 frame, __u64 va, __u64 len);
size_t vms_batch_tlb_dispatch(struct vms_batch *batch, __u64 cursor);
size_t vms_batch_tlb_sync(struct vms_batch *batch, __u64 cursor);
size_t vms_batch_tlb_flush_local(struct vms_batch *batch, __u64 space,
				 __u64 va, __u64 len);
size_t vms_batch_tlb_watch(struct vms_batch *batch, __u64 space, __u64 va,
			   __u32 width, __u32 loads);

/* --- single operations ----------------------------------------------------- */

/**
 * vms_run_op() - run one operation
 * @store: the store
 * @op: the operation; its CPU is its own
 *
 * Return: 0, or a negative errno of the call or of the operation.
 */
int vms_run_op(struct vms_store *store, struct vmstore_op *op);

/*
 * One function per operation, for @store->cpu. The outcome's fields or structure
 * come last, are written on success only, and may be NULL. vms_load() and
 * vms_write() write @fault in any case.
 */
int vms_frame_from_unused(struct vms_store *store, __u64 paddr, __u64 *frame);
int vms_frame_from_in_use(struct vms_store *store, __u64 paddr, __u64 *frame);
int vms_frame_alloc(struct vms_store *store, __u64 *frame, __u64 *paddr);
int vms_frame_drop(struct vms_store *store, __u64 frame, bool *freed);
int vms_space_new(struct vms_store *store, __u64 *space);
int vms_space_drop(struct vms_store *store, __u64 space,
		   struct vmstore_out_space_drop *out);
int vms_space_activate(struct vms_store *store, __u64 space);
int vms_cursor_open(struct vms_store *store, __u64 space, __u64 start,
		    __u64 end, __u16 flags, __u64 *cursor);
int vms_cursor_open_mut(struct vms_store *store, __u64 space, __u64 start,
			__u64 end, __u16 flags, __u64 *cursor);
int vms_cursor_drop(struct vms_store *store, __u64 cursor);
int vms_query(struct vms_store *store, __u64 cursor, __u16 flags,
	      struct vmstore_out_query *out);
int vms_find_next(struct vms_store *store, __u64 cursor, __u64 len,
		  struct vmstore_out_va *out);
int vms_jump(struct vms_store *store, __u64 cursor, __u64 va);
int vms_vaddr(struct vms_store *store, __u64 cursor, __u64 *va);
int vms_map(struct vms_store *store, __u64 cursor, __u64 frame,
	    struct vmstore_prop prop, struct vmstore_out_map *out);
int vms_unmap(struct vms_store *store, __u64 cursor, __u64 len,
	      struct vmstore_out_unmap *out);
int vms_protect_next(struct vms_store *store, __u64 cursor, __u64 len,
		     struct vmstore_prop prop, struct vmstore_prop mask,
		     __u16 flags, struct vmstore_out_protect *out);
int vms_flush(struct vms_store *store, __u64 cursor, __u64 va, __u64 len);
int vms_reap(struct vms_store *store, struct vmstore_out_reap *out);
int vms_load(struct vms_store *store, __u64 space, __u64 va, __u32 width,
	     __u64 *value, __u32 *fault);
int vms_write(struct vms_store *store, __u64 space, __u64 va, __u32 width,
	      __u64 value, __u32 *fault);

int vms_frame_clone(struct vms_store *store, __u64 frame, __u64 *clone);
int vms_segment_from_unused(struct vms_store *store, __u64 start, __u64 end,
			    __u64 *segment);
int vms_segment_drop(struct vms_store *store, __u64 segment,
		     struct vmstore_out_segment_drop *out);
int vms_segment_split(struct vms_store *store, __u64 segment, __u64 offset,
		      __u64 *first, __u64 *second);
int vms_segment_next(struct vms_store *store, __u64 segment, __u64 *frame,
		     __u64 *paddr);
int vms_segment_clone(struct vms_store *store, __u64 segment, __u64 *clone);
int vms_segment_slice(struct vms_store *store, __u64 segment, __u64 start,
		      __u64 end, __u64 *slice);
int vms_frame_to_segment(struct vms_store *store, __u64 frame, __u64 *segment);
int vms_unique_from_unused(struct vms_store *store, __u64 paddr, __u64 *unique);
int vms_unique_drop(struct vms_store *store, __u64 unique);
int vms_from_unique(struct vms_store *store, __u64 unique, __u64 *frame);
int vms_try_from_shared(struct vms_store *store, __u64 frame, __u64 *unique);
int vms_map_frames(struct vms_store *store, __u64 cursor, const __u64 *frames,
		   __u32 count, struct vmstore_prop prop,
		   struct vmstore_out_map_many *out);
int vms_map_segment(struct vms_store *store, __u64 cursor, __u64 segment,
		    struct vmstore_prop prop, struct vmstore_out_map_many *out);

/*
 * Readers and writers. Where @out is not NULL it is the outcome, also of a fault,
 * -EFAULT: then only its members done and fault mean something. A bad pointer to the
 * caller's memory is -EFAULT without a fault.
 */
int vms_reader_new(struct vms_store *store, __u64 space, __u64 va, __u64 len,
		   __u64 *reader);
int vms_writer_new(struct vms_store *store, __u64 space, __u64 va, __u64 len,
		   __u64 *writer);
int vms_kreader_new(struct vms_store *store, __u64 va, __u64 len,
		    __u64 *reader);
int vms_kwriter_new(struct vms_store *store, __u64 va, __u64 len,
		    __u64 *writer);
int vms_reader_drop(struct vms_store *store, __u64 reader,
		    struct vmstore_out_io *out);
int vms_writer_drop(struct vms_store *store, __u64 writer,
		    struct vmstore_out_io *out);
int vms_reader_read_val(struct vms_store *store, __u64 reader, void *buf,
			__u64 len, struct vmstore_out_io *out);
int vms_reader_collect(struct vms_store *store, __u64 reader, void *buf,
		       __u64 room, struct vmstore_out_io *out);
int vms_reader_limit(struct vms_store *store, __u64 reader, __u64 n,
		     struct vmstore_out_io *out);
int vms_reader_skip(struct vms_store *store, __u64 reader, __u64 n,
		    struct vmstore_out_io *out);
int vms_reader_query(struct vms_store *store, __u64 reader,
		     struct vmstore_out_io *out);
int vms_writer_write_val(struct vms_store *store, __u64 writer,
			 const void *buf, __u64 len,
			 struct vmstore_out_io *out);
int vms_writer_fill_zeros(struct vms_store *store, __u64 writer, __u64 n,
			  struct vmstore_out_io *out);
int vms_writer_limit(struct vms_store *store, __u64 writer, __u64 n,
		     struct vmstore_out_io *out);
int vms_writer_skip(struct vms_store *store, __u64 writer, __u64 n,
		    struct vmstore_out_io *out);
int vms_writer_query(struct vms_store *store, __u64 writer,
		     struct vmstore_out_io *out);
int vms_io_read(struct vms_store *store, __u64 reader, __u64 writer,
		struct vmstore_out_io *out);
int vms_io_write(struct vms_store *store, __u64 reader, __u64 writer,
		 struct vmstore_out_io *out);
int vms_io_read_fallible(struct vms_store *store, __u64 reader, __u64 writer,
			 struct vmstore_out_io *out);
int vms_io_write_fallible(struct vms_store *store, __u64 reader, __u64 writer,
			  struct vmstore_out_io *out);
int vms_writer_fill(struct vms_store *store, __u64 writer, __u32 width,
		    __u64 value, struct vmstore_out_io *out);
int vms_reader_read_once(struct vms_store *store, __u64 reader, __u32 width,
			 struct vmstore_out_io *out);
int vms_writer_write_once(struct vms_store *store, __u64 writer, __u32 width,
			  __u64 value, struct vmstore_out_io *out);

int vms_kvirt_map_frames(struct vms_store *store, __u64 size, __u64 offset,
			 const __u64 *frames, __u32 count,
			 struct vmstore_prop prop,
			 struct vmstore_out_kvirt *out);
int vms_kvirt_map_untracked(struct vms_store *store, __u64 size, __u64 offset,
			    __u64 start, __u64 end, struct vmstore_prop prop,
			    struct vmstore_out_kvirt *out);
int vms_kvirt_query(struct vms_store *store, __u64 area, __u64 va, __u16 flags,
		    struct vmstore_out_query *out);
int vms_kvirt_drop(struct vms_store *store, __u64 area,
		   struct vmstore_out_kvirt_unmap *out);
int vms_kvirt_unmap_range(struct vms_store *store, __u64 area, __u64 offset,
			  __u64 len, struct vmstore_out_kvirt_unmap *out);
int vms_kvirt_protect_range(struct vms_store *store, __u64 area, __u64 offset,
			    __u64 len, struct vmstore_prop prop,
			    struct vmstore_prop mask, __u16 flags,
			    struct vmstore_out_kvirt_protect *out);

int vms_list_new(struct vms_store *store, __u64 *list);
int vms_list_drop(struct vms_store *store, __u64 list, __u64 *freed);
int vms_list_size(struct vms_store *store, __u64 list,
		  struct vmstore_out_list *out);
int vms_list_contains(struct vms_store *store, __u64 list, __u64 paddr,
		      struct vmstore_out_list *out);
int vms_list_insert_at(struct vms_store *store, __u64 list, __u64 unique,
		       __u64 n, struct vmstore_out_list *out);
int vms_list_push_front(struct vms_store *store, __u64 list, __u64 unique,
			struct vmstore_out_list *out);
int vms_list_push_back(struct vms_store *store, __u64 list, __u64 unique,
		       struct vmstore_out_list *out);
int vms_list_take_at(struct vms_store *store, __u64 list, __u64 n,
		     struct vmstore_out_list *out);
int vms_list_pop_front(struct vms_store *store, __u64 list,
		       struct vmstore_out_list *out);
int vms_list_pop_back(struct vms_store *store, __u64 list,
		      struct vmstore_out_list *out);
int vms_list_cursor_front(struct vms_store *store, __u64 list,
			  struct vmstore_out_list *out);
int vms_list_cursor_back(struct vms_store *store, __u64 list,
			 struct vmstore_out_list *out);
int vms_list_cursor_at(struct vms_store *store, __u64 list, __u64 paddr,
		       struct vmstore_out_list *out);
int vms_list_move_next(struct vms_store *store, __u64 list,
		       struct vmstore_out_list *out);
int vms_list_move_prev(struct vms_store *store, __u64 list,
		       struct vmstore_out_list *out);
int vms_list_current(struct vms_store *store, __u64 list,
		     struct vmstore_out_list *out);
int vms_list_as_list(struct vms_store *store, __u64 list,
		     struct vmstore_out_list *out);
int vms_list_cursor_insert_before(struct vms_store *store, __u64 list,
				  __u64 unique, struct vmstore_out_list *out);
int vms_list_cursor_take(struct vms_store *store, __u64 list,
			 struct vmstore_out_list *out);
int vms_list_cursor_drop(struct vms_store *store, __u64 list,
			 struct vmstore_out_list *out);

int vms_tlb_issue(struct vms_store *store, __u64 cursor, __u64 va, __u64 len,
		  struct vmstore_out_tlb *out);
int vms_tlb_issue_with(struct vms_store *store, __u64 cursor, __u64 frame,
		       __u64 va, __u64 len, struct vmstore_out_tlb *out);
int vms_tlb_dispatch(struct vms_store *store, __u64 cursor,
		     struct vmstore_out_tlb *out);
int vms_tlb_sync(struct vms_store *store, __u64 cursor,
		 struct vmstore_out_tlb *out);
int vms_tlb_flush_local(struct vms_store *store, __u64 space, __u64 va,
			__u64 len);
int vms_tlb_watch(struct vms_store *store, __u64 space, __u64 va, __u32 width,
		  __u32 loads, struct vmstore_out_watch *out);

/* --- check ----------------------------------------------------------------- */

/**
 * struct vms_report - outcome of a check
 * @violations: those stored, @nr_violations
 * @clauses: all clauses, @nr_clauses
 * @nr_violations: elements of @violations
 * @nr_clauses: elements of @clauses
 * @total: violations found since SETUP, stored or not; 0 = the invariant holds
 */
struct vms_report {
	struct vmstore_violation *violations;
	struct vmstore_clause *clauses;
	__u32 nr_violations;
	__u32 nr_clauses;
	__u64 total;
};

/**
 * vms_check() - evaluate the whole invariant now
 * @store: the store
 * @report: to fill; end with vms_report_free()
 *
 * Return: 0 when it was evaluated, violated or not; or a negative errno.
 */
int vms_check(struct vms_store *store, struct vms_report *report);

/**
 * vms_report_free() - release what vms_check() allocated
 * @report: the report
 */
void vms_report_free(struct vms_report *report);

/**
 * vms_object_name() - "slot"
 * @kind: enum vmstore_object
 *
 * Return: its name, "?" for an unknown one.
 */
const char *vms_object_name(__u32 kind);

/* --- dump ------------------------------------------------------------------ */

/**
 * typedef vms_dump_fn - called for a record
 * @rec: the record, of the section's type
 * @ctx: of the caller
 *
 * Return: 0 to go on; anything else ends the iteration and is returned by it.
 */
typedef int (*vms_dump_fn)(const void *rec, void *ctx);

/**
 * vms_dump_read() - read a section, all its records of one moment
 * @store: the store
 * @section: enum vmstore_section
 * @rec_size: size of the section's record
 * @recs: set to an array to free(); NULL when the section is empty
 * @nr: its elements
 * @generation: of the store at that moment; may be NULL
 *
 * Starts again when another thread's operations change the store between two
 * pages.
 *
 * Return: 0; -EAGAIN when the store never kept still; or another negative errno.
 */
int vms_dump_read(struct vms_store *store, __u32 section, __u32 rec_size,
		  void **recs, size_t *nr, __u64 *generation);

/**
 * vms_dump_foreach() - call a function for each record of a section
 * @store: the store
 * @section: enum vmstore_section
 * @rec_size: size of the section's record
 * @fn: the function
 * @ctx: passed to it
 *
 * All records are of one moment, as with vms_dump_read().
 *
 * Return: 0, what @fn returned, or a negative errno.
 */
int vms_dump_foreach(struct vms_store *store, __u32 section, __u32 rec_size,
		     vms_dump_fn fn, void *ctx);

/* --- the story --------------------------------------------------------------- */

/**
 * vms_story_read() - the operations of a store from a number on
 * @store: the store
 * @next: number of the first one wanted, 0 = the oldest one remembered; afterwards
 *	that of the first one not read
 * @flags: 0, or VMSTORE_DUMP_WAIT to wait until there is one
 * @recs: to fill
 * @room: elements of @recs, 1 at least
 * @nr: set to the number of elements filled; what the store no longer remembers is
 *	left out, so the numbers in them tell what is missing
 *
 * Other threads and processes need not stop for it. With VMSTORE_DUMP_WAIT, no record
 * and an unchanged @next mean that the store is frozen: there will be no more.
 *
 * Return: 0 or a negative errno, -EINTR when a signal ended the wait.
 */
int vms_story_read(struct vms_store *store, __u64 *next, __u32 flags,
		   struct vmstore_rec_story *recs, size_t room, size_t *nr);

/* --- properties as text ---------------------------------------------------- */

/*
 * A property is written as letters: r w x, u user, a accessed, d dirty, g global,
 * s shared, 1 and 2 the available bits; then, unless it is write-back, a comma
 * and the cache policy: wt, uc, wc, wp. "rwu", "rxug", "rwuad,uc". Nothing at all
 * is "-".
 */
#define VMS_PROP_TEXT	24

/**
 * vms_prop() - a property with write-back caching
 * @flags: VMSTORE_PROP_*
 * @priv: VMSTORE_PRIV_*
 *
 * Return: the property.
 */
struct vmstore_prop vms_prop(__u8 flags, __u8 priv);

/**
 * vms_prop_parse() - a property from text
 * @text: as above; letters in any order and case, '-' skipped
 * @prop: to fill
 *
 * Return: 0, or -EINVAL.
 */
int vms_prop_parse(const char *text, struct vmstore_prop *prop);

/**
 * vms_prop_text() - a property as text that vms_prop_parse() reads
 * @prop: the property
 * @buf: at least VMS_PROP_TEXT characters
 *
 * Return: @buf.
 */
const char *vms_prop_text(struct vmstore_prop prop, char *buf);

/**
 * vms_prop_columns() - the same with a '-' for each clear bit, "rw-u-d-"
 * @prop: the property
 * @buf: at least VMS_PROP_TEXT characters
 *
 * The available bits and the cache policy are there only when they are set.
 *
 * Return: @buf.
 */
const char *vms_prop_columns(struct vmstore_prop prop, char *buf);

/* --- the table of operations ----------------------------------------------- */

/**
 * enum vms_kind - what a field holds, and so how it is read and printed
 * @VMS_KIND_NONE: no field
 * @VMS_KIND_FRAME: a frame id
 * @VMS_KIND_SPACE: a space id
 * @VMS_KIND_CURSOR: a cursor id
 * @VMS_KIND_SEGMENT: a segment id
 * @VMS_KIND_UNIQUE: id of an exclusive handle
 * @VMS_KIND_IO: id of a reader or writer
 * @VMS_KIND_KVIRT: id of a kernel area
 * @VMS_KIND_LIST: id of a frame list
 * @VMS_KIND_PADDR: byte offset into the region
 * @VMS_KIND_VA: virtual address
 * @VMS_KIND_LEN: bytes
 * @VMS_KIND_VALUE: data loaded or stored
 * @VMS_KIND_COUNT: how many, or a small number
 * @VMS_KIND_BOOL: 0 or 1
 * @VMS_KIND_PROP: struct vmstore_prop
 * @VMS_KIND_FAULT: VMSTORE_FAULT_*, as "taken+write+user"
 * @VMS_KIND_DATA: pointer to bytes; how many an argument or the outcome says
 * @VMS_KIND_FRAMES: pointer to frame ids, in text with commas between them, "-" is none
 */
enum vms_kind {
	VMS_KIND_NONE,
	VMS_KIND_FRAME,
	VMS_KIND_SPACE,
	VMS_KIND_CURSOR,
	VMS_KIND_SEGMENT,
	VMS_KIND_UNIQUE,
	VMS_KIND_IO,
	VMS_KIND_KVIRT,
	VMS_KIND_LIST,
	VMS_KIND_PADDR,
	VMS_KIND_VA,
	VMS_KIND_LEN,
	VMS_KIND_VALUE,
	VMS_KIND_COUNT,
	VMS_KIND_BOOL,
	VMS_KIND_PROP,
	VMS_KIND_FAULT,
	VMS_KIND_DATA,
	VMS_KIND_FRAMES,
};

/**
 * vms_kind_is_id() - does a field hold an id?
 * @kind: of the field
 *
 * Return: true for each kind of id.
 */
bool vms_kind_is_id(enum vms_kind kind);

/**
 * struct vms_field - an argument or a field of an outcome
 * @name: the word in scripts
 * @kind: what it holds
 * @offset: in struct vmstore_op
 * @size: bytes
 * @optional: may be left out, is @preset then
 * @on_error: holds something when the operation failed, too
 * @varies: may be another when the same operation is run again
 * @of_leaf: the same, but only where the outcome says that no leaf was found
 * @count: where @kind is VMS_KIND_FRAMES, offset of their number, a __u32
 * @preset: see @optional
 */
struct vms_field {
	const char *name;
	enum vms_kind kind;
	unsigned short offset;
	unsigned char size;
	bool optional;
	bool on_error;
	bool varies;
	bool of_leaf;
	unsigned short count;
	__u32 preset;
};

#define VMS_MAX_ARGS	5
#define VMS_MAX_OUTS	11

/**
 * struct vms_op_desc - an operation
 * @name: the word in scripts
 * @help: what it does
 * @args: its arguments; ends at VMS_KIND_NONE or at the end of the array
 * @outs: fields of its outcome, likewise
 * @opcode: enum vmstore_opcode
 * @flags: VMSTORE_OPF_* it knows
 * @makes: kind of the id it produces, or VMS_KIND_NONE
 */
struct vms_op_desc {
	const char *name;
	const char *help;
	struct vms_field args[VMS_MAX_ARGS];
	struct vms_field outs[VMS_MAX_OUTS];
	__u16 opcode;
	__u16 flags;
	enum vms_kind makes;
};

#define vms_for_each_field(field, fields, max)				\
	for ((field) = (fields);					\
	     (field) < (fields) + (max) && (field)->kind != VMS_KIND_NONE; \
	     (field)++)

#define vms_for_each_arg(field, desc)					\
	vms_for_each_field(field, (desc)->args, VMS_MAX_ARGS)

#define vms_for_each_out(field, desc)					\
	vms_for_each_field(field, (desc)->outs, VMS_MAX_OUTS)

/**
 * vms_op_desc() - an operation's row
 * @opcode: enum vmstore_opcode
 *
 * Return: the row, NULL for an unknown opcode.
 */
const struct vms_op_desc *vms_op_desc(__u16 opcode);

/**
 * vms_op_by_name() - an operation's row
 * @name: such as "cursor-map"
 *
 * Return: the row, NULL for an unknown name.
 */
const struct vms_op_desc *vms_op_by_name(const char *name);

/**
 * vms_op_arg() - an argument of an operation
 * @desc: the operation
 * @name: of the argument
 *
 * Return: the field, NULL when there is none of this name.
 */
const struct vms_field *vms_op_arg(const struct vms_op_desc *desc,
				   const char *name);

/**
 * vms_op_out() - a field of an operation's outcome
 * @desc: the operation
 * @name: of the field
 *
 * Return: the field, NULL when there is none of this name.
 */
const struct vms_field *vms_op_out(const struct vms_op_desc *desc,
				   const char *name);

/**
 * vms_op_init() - an operation with the presets of its arguments
 * @op: to fill
 * @desc: the operation
 */
void vms_op_init(struct vmstore_op *op, const struct vms_op_desc *desc);

/**
 * vms_flag_parse() - an operation's flag from text
 * @name: "wait", "write", "peek" or "cache"
 *
 * Return: VMSTORE_OPF_*, 0 for an unknown name.
 */
__u16 vms_flag_parse(const char *name);

/**
 * vms_flag_name() - the reverse of vms_flag_parse()
 * @flag: one VMSTORE_OPF_* bit
 *
 * Return: its name, NULL for an unknown one.
 */
const char *vms_flag_name(__u16 flag);

/**
 * vms_field_get() - read a field
 * @op: the operation
 * @field: of its row
 *
 * Return: the value; a property as its four bytes, flags lowest.
 */
__u64 vms_field_get(const struct vmstore_op *op, const struct vms_field *field);

/**
 * vms_field_set() - write a field
 * @op: the operation
 * @field: of its row
 * @value: as in vms_field_get()
 *
 * Return: 0, or -ERANGE when the field is too small for @value.
 */
int vms_field_set(struct vmstore_op *op, const struct vms_field *field,
		  __u64 value);

/**
 * vms_frames_nr() - how many ids an argument names
 * @op: the operation
 * @field: of its row, of the kind VMS_KIND_FRAMES
 *
 * Return: their number.
 */
__u32 vms_frames_nr(const struct vmstore_op *op, const struct vms_field *field);

/**
 * vms_frames_set_nr() - the reverse of vms_frames_nr()
 * @op: the operation
 * @field: of its row, of the kind VMS_KIND_FRAMES
 * @nr: how many ids
 */
void vms_frames_set_nr(struct vmstore_op *op, const struct vms_field *field,
		       __u32 nr);

/**
 * vms_number_parse() - a number from text
 * @text: decimal or 0x..., with k, M, G or T behind it for powers of 1024
 * @value: the number
 *
 * Return: 0, -EINVAL when it is no number, -ERANGE when it is too large.
 */
int vms_number_parse(const char *text, __u64 *value);

/**
 * vms_value_parse() - a field's value from text
 * @kind: of the field
 * @text: a number, a property, fault names
 * @value: as in vms_field_get()
 *
 * Return: 0, -EINVAL or -ERANGE.
 */
int vms_value_parse(enum vms_kind kind, const char *text, __u64 *value);

/**
 * vms_value_print() - a field's value as text that vms_value_parse() reads
 * @to: where to
 * @kind: of the field
 * @value: as in vms_field_get(); a VMSTORE_REF is printed as "#index"
 */
void vms_value_print(FILE *to, enum vms_kind kind, __u64 value);

/**
 * vms_data_parse() - bytes from text
 * @text: text in quotes, with the escapes n, t, r, 0, backslash, quote and xHH of C, or
 *	an even number of hexadecimal digits
 * @bytes: out: allocated, to be freed; NULL when there are none
 * @len: out: how many
 *
 * Return: 0, -EINVAL or -ENOMEM.
 */
int vms_data_parse(const char *text, unsigned char **bytes, size_t *len);

/**
 * vms_data_print() - bytes as text that vms_data_parse() reads
 * @to: where to
 * @bytes: what
 * @len: how many
 *
 * In quotes where all of it can be read, else hexadecimal. Of more than VMS_DATA_TEXT
 * bytes only the first ones, and "..." behind them.
 */
void vms_data_print(FILE *to, const unsigned char *bytes, size_t len);

#define VMS_DATA_TEXT	256

/**
 * vms_op_print() - an operation as it would be written in a script
 * @to: where to
 * @op: the operation
 * @data: what the pointer among its arguments names, or NULL: it is printed as "?"
 *
 * Optional arguments that hold their preset are left out. No newline. No pointer of @op
 * is followed: it may be another process's.
 */
void vms_op_print(FILE *to, const struct vmstore_op *op, const void *data);

/**
 * vms_outcome_print() - an operation's outcome as in a script's expectation
 * @to: where to
 * @op: the operation, executed
 * @data: as for vms_op_print()
 *
 * "ok va=0x401000 replaced=0 ..." or "EBUSY". No newline.
 */
void vms_outcome_print(FILE *to, const struct vmstore_op *op, const void *data);

#ifdef __cplusplus
}
#endif

#endif /* LIBVMSTORE_H */
