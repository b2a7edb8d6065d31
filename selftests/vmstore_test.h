/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the selftests share: opening and setting up a store, one constructor per
 * operation, running them, and reading the whole state through VMSTORE_DUMP.
 *
 * Only the ABI is used, so that a test says what a program sees. The state is
 * compared whole: an operation that fails changes nothing, and a test of one
 * errno shows that too (RUN_ERR).
 */
#ifndef VMSTORE_TEST_H
#define VMSTORE_TEST_H

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/vmstore.h>

#include "kselftest_harness.h"

/* Seconds: a kernel that looks at every access and every lock needs more than 30 */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	200

#define VT_DEVICE	"/dev/vmstore"

#define VT_PAGE		VMSTORE_PAGE_SIZE
#define VT_2M		(2ULL << 20)	/* what a leaf table translates */
#define VT_1G		(1ULL << 30)
#define VT_512G		(512ULL << 30)
#define VT_SMALL	VMSTORE_BLOCK_SIZE	/* region of most tests */

/* Errors of the helpers themselves; no errno has these values */
#define VT_CHANGED	10001	/* the operation failed and changed the state */
#define VT_OUT		10002	/* the operation failed and left an outcome */
#define VT_CALL		10003	/* the ioctl failed, not the operation */

#define VT_UNUSED	__attribute__((unused))

/*
 * vt_show - say in a line what a test measured
 *
 * A line with this mark is shown by make check also where all went well.
 */
#define vt_show(fmt, ...)	fprintf(stderr, "## " fmt "\n", ##__VA_ARGS__)

/*
 * vt_rounds - how often to do what is done over and over
 * @usual: where nothing is slow
 *
 * Guests with checkers in the kernel set VMSTORE_ROUNDS, percent. Only for what is left
 * to chance anyway, and never for how large something is.
 */
static inline __u32 vt_rounds(__u32 usual)
{
	const char *percent = getenv("VMSTORE_ROUNDS");
	__u64 rounds = percent ? (__u64)usual * strtoul(percent, NULL, 10) / 100 : usual;

	return rounds ? rounds : 1;
}

/*
 * vt_check_mode - the check mode that a test gets that asks for @mode
 *
 * Where rounds are fewer, only what an operation touched is checked after it. The whole
 * invariant is what each test ends with, as everywhere.
 */
static inline __u32 vt_check_mode(__u32 mode)
{
	return mode == VMSTORE_CHECK_FULL && vt_rounds(100) < 100 ? VMSTORE_CHECK_STEP : mode;
}

/* --- calls ----------------------------------------------------------------- */

/* Return: what the call returned, or a negative errno */
static inline int vt_ioctl(int fd, unsigned long cmd, void *arg)
{
	int ret = ioctl(fd, cmd, arg);

	return ret < 0 ? -errno : ret;
}

/* vt_open - an empty store, or a negative errno */
static inline int vt_open(void)
{
	int fd = open(VT_DEVICE, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static inline int vt_info(int fd, struct vmstore_info *info)
{
	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	return vt_ioctl(fd, VMSTORE_INFO, info);
}

static inline int vt_setup(int fd, __u32 machine, __u32 mode, __u64 region_size)
{
	struct vmstore_setup setup = {
		.size = sizeof(setup),
		.region_size = region_size,
		.machine = machine,
		.check_mode = mode,
	};

	return vt_ioctl(fd, VMSTORE_SETUP, &setup);
}

/* vt_has_machine - can stores have this machine here? */
static inline bool vt_has_machine(__u32 machine)
{
	struct vmstore_info info;
	int fd = vt_open();
	int err;

	if (fd < 0)
		return false;
	err = vt_info(fd, &info);
	close(fd);
	if (err)
		return false;
	return machine == VMSTORE_MACHINE_DEFAULT ? info.out_machines :
	       info.out_machines & (1u << machine);
}

/* vt_store_device - vt_store() with a tail of device memory */
static inline int vt_store_device(__u32 machine, __u32 mode, __u64 region_size,
				  __u64 mmio_size)
{
	struct vmstore_setup setup = {
		.size = sizeof(setup),
		.region_size = region_size,
		.mmio_size = mmio_size,
		.machine = machine,
		.check_mode = vt_check_mode(mode),
	};
	int fd = vt_open();
	int err;

	if (fd < 0)
		return fd;
	err = vt_ioctl(fd, VMSTORE_SETUP, &setup);
	if (!err)
		return fd;
	close(fd);
	return err;
}

/* vt_store - open and set up, see vt_check_mode(); a file descriptor or a negative errno */
static inline int vt_store(__u32 machine, __u32 mode, __u64 region_size)
{
	return vt_store_device(machine, mode, region_size, 0);
}

/* vt_run - run an array of operations; @run, if not NULL, gets the outcome */
static inline int vt_run(int fd, struct vmstore_op *ops, __u32 count, __u32 flags,
			 struct vmstore_run *run)
{
	struct vmstore_run args = {
		.size = sizeof(args),
		.flags = flags,
		.ops = (uintptr_t)ops,
		.count = count,
		.op_size = sizeof(*ops),
	};
	int err = vt_ioctl(fd, VMSTORE_RUN, &args);

	if (run)
		*run = args;
	return err;
}

/* vt_run1 - run one operation; its errno, or -VT_CALL when the call itself failed */
static inline int vt_run1(int fd, struct vmstore_op *op)
{
	int err = vt_run(fd, op, 1, 0, NULL);

	if (err) {
		fprintf(stderr, "# VMSTORE_RUN: %s\n", strerror(-err));
		return -VT_CALL;
	}
	return op->out_errno;
}

/* --- operations as data ---------------------------------------------------- */

static inline struct vmstore_op vt_op(__u16 opcode)
{
	struct vmstore_op op;

	memset(&op, 0, sizeof(op));
	op.opcode = opcode;
	return op;
}

static inline struct vmstore_op vt_op_id(__u16 opcode, __u64 id)
{
	struct vmstore_op op = vt_op(opcode);

	op.arg.id.id = id;
	return op;
}

static inline struct vmstore_op vt_from_unused(__u64 paddr)
{
	struct vmstore_op op = vt_op(VMSTORE_OP_FRAME_FROM_UNUSED);

	op.arg.paddr.paddr = paddr;
	return op;
}

static inline struct vmstore_op vt_from_in_use(__u64 paddr)
{
	struct vmstore_op op = vt_op(VMSTORE_OP_FRAME_FROM_IN_USE);

	op.arg.paddr.paddr = paddr;
	return op;
}

static inline struct vmstore_op vt_alloc(void)
{
	return vt_op(VMSTORE_OP_FRAME_ALLOC);
}

static inline struct vmstore_op vt_frame_drop(__u64 frame)
{
	return vt_op_id(VMSTORE_OP_FRAME_DROP, frame);
}

static inline struct vmstore_op vt_frame_clone(__u64 frame)
{
	return vt_op_id(VMSTORE_OP_FRAME_CLONE, frame);
}

static inline struct vmstore_op vt_segment(__u64 start, __u64 end)
{
	struct vmstore_op op = vt_op(VMSTORE_OP_SEGMENT_FROM_UNUSED);

	op.arg.range.start = start;
	op.arg.range.end = end;
	return op;
}

static inline struct vmstore_op vt_segment_drop(__u64 segment)
{
	return vt_op_id(VMSTORE_OP_SEGMENT_DROP, segment);
}

static inline struct vmstore_op vt_segment_split(__u64 segment, __u64 offset)
{
	struct vmstore_op op = vt_op(VMSTORE_OP_SEGMENT_SPLIT);

	op.arg.split.segment = segment;
	op.arg.split.offset = offset;
	return op;
}

static inline struct vmstore_op vt_segment_next(__u64 segment)
{
	return vt_op_id(VMSTORE_OP_SEGMENT_NEXT, segment);
}

static inline struct vmstore_op vt_segment_clone(__u64 segment)
{
	return vt_op_id(VMSTORE_OP_SEGMENT_CLONE, segment);
}

static inline struct vmstore_op vt_segment_slice(__u64 segment, __u64 start, __u64 end)
{
	struct vmstore_op op = vt_op(VMSTORE_OP_SEGMENT_SLICE);

	op.arg.slice.segment = segment;
	op.arg.slice.start = start;
	op.arg.slice.end = end;
	return op;
}

static inline struct vmstore_op vt_frame_to_segment(__u64 frame)
{
	return vt_op_id(VMSTORE_OP_FRAME_TO_SEGMENT, frame);
}

static inline struct vmstore_op vt_unique(__u64 paddr)
{
	struct vmstore_op op = vt_op(VMSTORE_OP_UNIQUE_FROM_UNUSED);

	op.arg.paddr.paddr = paddr;
	return op;
}

static inline struct vmstore_op vt_unique_drop(__u64 unique)
{
	return vt_op_id(VMSTORE_OP_UNIQUE_DROP, unique);
}

static inline struct vmstore_op vt_from_unique(__u64 unique)
{
	return vt_op_id(VMSTORE_OP_FROM_UNIQUE, unique);
}

static inline struct vmstore_op vt_try_from_shared(__u64 frame)
{
	return vt_op_id(VMSTORE_OP_TRY_FROM_SHARED, frame);
}

static inline struct vmstore_op vt_list_new(void)
{
	return vt_op(VMSTORE_OP_LIST_NEW);
}

/* LIST_CONTAINS, LIST_CURSOR_AT */
static inline struct vmstore_op vt_list_frame(__u16 opcode, __u64 list, __u64 paddr)
{
	struct vmstore_op op = vt_op(opcode);

	op.arg.list_frame.list = list;
	op.arg.list_frame.paddr = paddr;
	return op;
}

static inline struct vmstore_op vt_list_take_at(__u64 list, __u64 n)
{
	struct vmstore_op op = vt_op(VMSTORE_OP_LIST_TAKE_AT);

	op.arg.list_at.list = list;
	op.arg.list_at.n = n;
	return op;
}

/* LIST_PUSH_FRONT, LIST_PUSH_BACK, LIST_CURSOR_INSERT_BEFORE */
static inline struct vmstore_op vt_list_put(__u16 opcode, __u64 list, __u64 unique)
{
	struct vmstore_op op = vt_op(opcode);

	op.arg.list_insert.list = list;
	op.arg.list_insert.unique = unique;
	return op;
}

static inline struct vmstore_op vt_list_insert_at(__u64 list, __u64 unique, __u64 n)
{
	struct vmstore_op op = vt_list_put(VMSTORE_OP_LIST_INSERT_AT, list, unique);

	op.arg.list_insert.n = n;
	return op;
}

static inline struct vmstore_op vt_space_new(void)
{
	return vt_op(VMSTORE_OP_SPACE_NEW);
}

static inline struct vmstore_op vt_space_drop(__u64 space)
{
	return vt_op_id(VMSTORE_OP_SPACE_DROP, space);
}

static inline struct vmstore_op vt_activate(__u64 space, __u32 cpu)
{
	struct vmstore_op op = vt_op_id(VMSTORE_OP_SPACE_ACTIVATE, space);

	op.cpu = cpu;
	return op;
}

/* Active, and loaded as much as can be */
static inline struct vmstore_op vt_resident(__u64 space, __u32 cpu)
{
	struct vmstore_op op = vt_activate(space, cpu);

	op.flags = VMSTORE_OPF_RESIDENT;
	return op;
}

static inline struct vmstore_op vt_open_ro(__u64 space, __u64 start, __u64 end)
{
	struct vmstore_op op = vt_op(VMSTORE_OP_CURSOR_OPEN);

	op.arg.open.space = space;
	op.arg.open.start = start;
	op.arg.open.end = end;
	return op;
}

static inline struct vmstore_op vt_open_mut(__u64 space, __u64 start, __u64 end)
{
	struct vmstore_op op = vt_open_ro(space, start, end);

	op.opcode = VMSTORE_OP_CURSOR_OPEN_MUT;
	return op;
}

static inline struct vmstore_op vt_cursor_drop(__u64 cursor)
{
	return vt_op_id(VMSTORE_OP_CURSOR_DROP, cursor);
}

static inline struct vmstore_op vt_query(__u64 cursor)
{
	return vt_op_id(VMSTORE_OP_CURSOR_QUERY, cursor);
}

static inline struct vmstore_op vt_peek(__u64 cursor)
{
	struct vmstore_op op = vt_query(cursor);

	op.flags = VMSTORE_OPF_PEEK;
	return op;
}

static inline struct vmstore_op vt_find_next(__u64 cursor, __u64 len)
{
	struct vmstore_op op = vt_op(VMSTORE_OP_CURSOR_FIND_NEXT);

	op.arg.len.cursor = cursor;
	op.arg.len.len = len;
	return op;
}

static inline struct vmstore_op vt_jump(__u64 cursor, __u64 va)
{
	struct vmstore_op op = vt_op(VMSTORE_OP_CURSOR_JUMP);

	op.arg.jump.cursor = cursor;
	op.arg.jump.va = va;
	return op;
}

static inline struct vmstore_op vt_vaddr(__u64 cursor)
{
	return vt_op_id(VMSTORE_OP_CURSOR_VADDR, cursor);
}

static inline struct vmstore_prop vt_prop(__u8 flags, __u8 cache, __u8 priv)
{
	return (struct vmstore_prop) { .flags = flags, .cache = cache, .priv = priv };
}

/* new_user(flags, Writeback) of the model */
static inline struct vmstore_prop vt_user(__u8 flags)
{
	return vt_prop(flags, VMSTORE_CACHE_WB, VMSTORE_PRIV_USER);
}

#define VT_RO	vt_user(VMSTORE_PROP_R)
#define VT_RW	vt_user(VMSTORE_PROP_R | VMSTORE_PROP_W)

static inline struct vmstore_op vt_map(__u64 cursor, __u64 frame, struct vmstore_prop prop)
{
	struct vmstore_op op = vt_op(VMSTORE_OP_CURSOR_MAP);

	op.arg.map.cursor = cursor;
	op.arg.map.frame = frame;
	op.arg.map.prop = prop;
	return op;
}

static inline struct vmstore_op vt_map_frames(__u64 cursor, const __u64 *frames, __u32 count,
					      struct vmstore_prop prop)
{
	struct vmstore_op op = vt_op(VMSTORE_OP_CURSOR_MAP_FRAMES);

	op.arg.map_frames.cursor = cursor;
	op.arg.map_frames.frames = (uintptr_t)frames;
	op.arg.map_frames.count = count;
	op.arg.map_frames.prop = prop;
	return op;
}

static inline struct vmstore_op vt_map_segment(__u64 cursor, __u64 segment,
					       struct vmstore_prop prop)
{
	struct vmstore_op op = vt_op(VMSTORE_OP_CURSOR_MAP_SEGMENT);

	op.arg.map_segment.cursor = cursor;
	op.arg.map_segment.segment = segment;
	op.arg.map_segment.prop = prop;
	return op;
}

static inline struct vmstore_op vt_unmap(__u64 cursor, __u64 len)
{
	struct vmstore_op op = vt_op(VMSTORE_OP_CURSOR_UNMAP);

	op.arg.len.cursor = cursor;
	op.arg.len.len = len;
	return op;
}

static inline struct vmstore_op vt_protect(__u64 cursor, __u64 len,
					   struct vmstore_prop prop,
					   struct vmstore_prop mask)
{
	struct vmstore_op op = vt_op(VMSTORE_OP_CURSOR_PROTECT_NEXT);

	op.arg.protect.cursor = cursor;
	op.arg.protect.len = len;
	op.arg.protect.prop = prop;
	op.arg.protect.mask = mask;
	return op;
}

static inline struct vmstore_op vt_issue(__u64 cursor, __u64 va, __u64 len)
{
	struct vmstore_op op = vt_op(VMSTORE_OP_TLB_ISSUE);

	op.arg.flush.cursor = cursor;
	op.arg.flush.va = va;
	op.arg.flush.len = len;
	return op;
}

static inline struct vmstore_op vt_issue_with(__u64 cursor, __u64 frame, __u64 va, __u64 len)
{
	struct vmstore_op op = vt_op(VMSTORE_OP_TLB_ISSUE_WITH);

	op.arg.issue_with.cursor = cursor;
	op.arg.issue_with.frame = frame;
	op.arg.issue_with.va = va;
	op.arg.issue_with.len = len;
	return op;
}

static inline struct vmstore_op vt_dispatch(__u64 cursor)
{
	return vt_op_id(VMSTORE_OP_TLB_DISPATCH, cursor);
}

static inline struct vmstore_op vt_sync(__u64 cursor)
{
	return vt_op_id(VMSTORE_OP_TLB_SYNC, cursor);
}

/* Loads of 8 bytes */
static inline struct vmstore_op vt_watch(__u64 space, __u64 va, __u32 loads, __u32 cpu)
{
	struct vmstore_op op = vt_op(VMSTORE_OP_TLB_WATCH);

	op.cpu = cpu;
	op.arg.watch.space = space;
	op.arg.watch.va = va;
	op.arg.watch.width = 8;
	op.arg.watch.loads = loads;
	return op;
}

static inline struct vmstore_op vt_flush_local(__u64 space, __u64 va, __u64 len, __u32 cpu)
{
	struct vmstore_op op = vt_op(VMSTORE_OP_TLB_FLUSH_LOCAL);

	op.cpu = cpu;
	op.arg.flush_local.space = space;
	op.arg.flush_local.va = va;
	op.arg.flush_local.len = len;
	return op;
}

static inline struct vmstore_op vt_flush(__u64 cursor, __u64 va, __u64 len)
{
	struct vmstore_op op = vt_op(VMSTORE_OP_CURSOR_FLUSH);

	op.arg.flush.cursor = cursor;
	op.arg.flush.va = va;
	op.arg.flush.len = len;
	return op;
}

static inline struct vmstore_op vt_reap(void)
{
	return vt_op(VMSTORE_OP_REAP);
}

static inline struct vmstore_op vt_load(__u64 space, __u64 va, __u32 width, __u32 cpu)
{
	struct vmstore_op op = vt_op(VMSTORE_OP_ACCESS);

	op.cpu = cpu;
	op.arg.access.space = space;
	op.arg.access.va = va;
	op.arg.access.width = width;
	return op;
}

static inline struct vmstore_op vt_write(__u64 space, __u64 va, __u32 width,
					 __u64 value, __u32 cpu)
{
	struct vmstore_op op = vt_load(space, va, width, cpu);

	op.flags = VMSTORE_OPF_WRITE;
	op.arg.access.value = value;
	return op;
}

static inline struct vmstore_op vt_io_new(bool writer, __u64 space, __u64 vaddr, __u64 len)
{
	struct vmstore_op op = vt_op(writer ? VMSTORE_OP_WRITER_NEW : VMSTORE_OP_READER_NEW);

	op.arg.io_new.space = space;
	op.arg.io_new.vaddr = vaddr;
	op.arg.io_new.len = len;
	return op;
}

static inline struct vmstore_op vt_kio_new(bool writer, __u64 vaddr, __u64 len)
{
	struct vmstore_op op = vt_op(writer ? VMSTORE_OP_KWRITER_NEW : VMSTORE_OP_KREADER_NEW);

	op.arg.kio_new.vaddr = vaddr;
	op.arg.kio_new.len = len;
	return op;
}

static inline struct vmstore_op vt_io_drop(bool writer, __u64 io)
{
	return vt_op_id(writer ? VMSTORE_OP_WRITER_DROP : VMSTORE_OP_READER_DROP, io);
}

static inline struct vmstore_op vt_io_data(__u16 opcode, __u64 io, const void *buf, __u64 len)
{
	struct vmstore_op op = vt_op(opcode);

	op.arg.io_data.io = io;
	op.arg.io_data.buf = (uintptr_t)buf;
	op.arg.io_data.len = len;
	return op;
}

static inline struct vmstore_op vt_io_len(__u16 opcode, __u64 io, __u64 n)
{
	struct vmstore_op op = vt_op(opcode);

	op.arg.io_len.io = io;
	op.arg.io_len.n = n;
	return op;
}

static inline struct vmstore_op vt_io_pair(__u16 opcode, __u64 source, __u64 dest)
{
	struct vmstore_op op = vt_op(opcode);

	op.arg.io_pair.source = source;
	op.arg.io_pair.dest = dest;
	return op;
}

static inline struct vmstore_op vt_io_value(__u16 opcode, __u64 io, __u32 width, __u64 value)
{
	struct vmstore_op op = vt_op(opcode);

	op.arg.io_value.io = io;
	op.arg.io_value.width = width;
	op.arg.io_value.value = value;
	return op;
}

/* Kernel areas: @prop and @mask as for the operations on cursors, @offset from the start */
static inline struct vmstore_op vt_kvirt_map(__u64 area_size, __u64 map_offset,
					     const __u64 *frames, __u32 count,
					     struct vmstore_prop prop)
{
	struct vmstore_op op = vt_op(VMSTORE_OP_KVIRT_MAP_FRAMES);

	op.arg.kvirt_frames.area_size = area_size;
	op.arg.kvirt_frames.frames = (uintptr_t)frames;
	op.arg.kvirt_frames.map_offset = map_offset;
	op.arg.kvirt_frames.prop = prop;
	op.arg.kvirt_frames.count = count;
	return op;
}

static inline struct vmstore_op vt_kvirt_untracked(__u64 area_size, __u64 map_offset,
						   __u64 start, __u64 end,
						   struct vmstore_prop prop)
{
	struct vmstore_op op = vt_op(VMSTORE_OP_KVIRT_MAP_UNTRACKED);

	op.arg.kvirt_untracked.area_size = area_size;
	op.arg.kvirt_untracked.map_offset = map_offset;
	op.arg.kvirt_untracked.start = start;
	op.arg.kvirt_untracked.end = end;
	op.arg.kvirt_untracked.prop = prop;
	return op;
}

static inline struct vmstore_op vt_kvirt_query(__u64 area, __u64 addr)
{
	struct vmstore_op op = vt_op(VMSTORE_OP_KVIRT_QUERY);

	op.arg.kvirt_addr.area = area;
	op.arg.kvirt_addr.addr = addr;
	return op;
}

static inline struct vmstore_op vt_kvirt_peek(__u64 area, __u64 addr)
{
	struct vmstore_op op = vt_kvirt_query(area, addr);

	op.flags = VMSTORE_OPF_PEEK;
	return op;
}

static inline struct vmstore_op vt_kvirt_drop(__u64 area)
{
	return vt_op_id(VMSTORE_OP_KVIRT_DROP, area);
}

static inline struct vmstore_op vt_kvirt_unmap(__u64 area, __u64 offset, __u64 len)
{
	struct vmstore_op op = vt_op(VMSTORE_OP_KVIRT_UNMAP_RANGE);

	op.arg.kvirt_range.area = area;
	op.arg.kvirt_range.offset = offset;
	op.arg.kvirt_range.len = len;
	return op;
}

static inline struct vmstore_op vt_kvirt_protect(__u64 area, __u64 offset, __u64 len,
						 struct vmstore_prop prop,
						 struct vmstore_prop mask)
{
	struct vmstore_op op = vt_op(VMSTORE_OP_KVIRT_PROTECT_RANGE);

	op.arg.kvirt_protect.area = area;
	op.arg.kvirt_protect.offset = offset;
	op.arg.kvirt_protect.len = len;
	op.arg.kvirt_protect.prop = prop;
	op.arg.kvirt_protect.mask = mask;
	return op;
}

/* --- the state, as VMSTORE_DUMP shows it ----------------------------------- */

#define VT_NR_SECTIONS	VMSTORE_DUMP_FLUSHES

/* 0 for STORY, which is no state */
static const __u32 vt_rec_size[VT_NR_SECTIONS + 1] = {
	[VMSTORE_DUMP_SPACES] = sizeof(struct vmstore_rec_space),
	[VMSTORE_DUMP_CURSORS] = sizeof(struct vmstore_rec_cursor),
	[VMSTORE_DUMP_FRAMES] = sizeof(struct vmstore_rec_frame),
	[VMSTORE_DUMP_SLOTS] = sizeof(struct vmstore_rec_slots),
	[VMSTORE_DUMP_NODES] = sizeof(struct vmstore_rec_node),
	[VMSTORE_DUMP_LEAVES] = sizeof(struct vmstore_rec_leaves),
	[VMSTORE_DUMP_TLB] = sizeof(struct vmstore_rec_gathered),
	[VMSTORE_DUMP_SEGMENTS] = sizeof(struct vmstore_rec_segment),
	[VMSTORE_DUMP_UNIQUES] = sizeof(struct vmstore_rec_unique),
	[VMSTORE_DUMP_IOS] = sizeof(struct vmstore_rec_io),
	[VMSTORE_DUMP_KVIRTS] = sizeof(struct vmstore_rec_kvirt),
	[VMSTORE_DUMP_LISTS] = sizeof(struct vmstore_rec_list),
	[VMSTORE_DUMP_FLUSHES] = sizeof(struct vmstore_rec_flush),
};

static const char *const vt_section_name[VT_NR_SECTIONS + 1] = {
	"", "spaces", "cursors", "frames", "slots", "nodes", "leaves", "tlb", "segments",
	"uniques", "ios", "story", "kvirts", "lists", "flushes",
};

/* The next one after @section; 0 behind the last */
static inline int vt_next_section(int section)
{
	while (++section <= VT_NR_SECTIONS)
		if (vt_rec_size[section])
			return section;
	return 0;
}

#define vt_for_each_section(i) \
	for ((i) = vt_next_section(0); (i); (i) = vt_next_section(i))

/* All records of one section */
struct vt_sec {
	char *data;
	size_t len;
	size_t nr;
	__u32 pages;		/* calls it took */
	__u64 generation;	/* of the first page */
	bool moved;		/* a later page had another generation */
};

/* The whole state of a store */
struct vt_state {
	struct vt_sec sec[VT_NR_SECTIONS + 1];
	__u64 free_slots;
	__u64 gathered;
};

static inline void vt_sec_free(struct vt_sec *sec)
{
	free(sec->data);
	memset(sec, 0, sizeof(*sec));
}

static inline int vt_sec_append(struct vt_sec *sec, const void *buf, size_t len)
{
	char *data = realloc(sec->data, sec->len + len + 1);

	if (!data)
		return -ENOMEM;
	memcpy(data + sec->len, buf, len);
	sec->data = data;
	sec->len += len;
	return 0;
}

/* vt_dump - read a section through a buffer of @buf_len bytes; 0 or -errno */
static inline int vt_dump(int fd, __u32 section, __u32 buf_len, struct vt_sec *sec)
{
	struct vmstore_dump dump = {
		.size = sizeof(dump),
		.section = section,
		.rec_size = vt_rec_size[section],
		.buf_len = buf_len,
	};
	void *buf;
	int err;

	memset(sec, 0, sizeof(*sec));
	buf = malloc(buf_len);
	err = buf ? 0 : -ENOMEM;
	dump.buf = (uintptr_t)buf;
	do {
		if (!err)
			err = vt_ioctl(fd, VMSTORE_DUMP, &dump);
		/* More to come and nothing given would be a loop without end */
		if (!err && (dump.out_len > buf_len || (dump.out_more && !dump.out_len)))
			err = -EPROTO;
		if (!err)
			err = vt_sec_append(sec, buf, dump.out_len);
		if (err)
			break;
		if (!sec->pages)
			sec->generation = dump.out_generation;
		sec->moved |= sec->generation != dump.out_generation;
		sec->pages++;
	} while (dump.out_more);
	free(buf);
	sec->nr = sec->len / vt_rec_size[section];
	if (err)
		vt_sec_free(sec);
	return err;
}

/* Does @b go on where @a ends? */
static inline bool vt_leaves_join(const struct vmstore_rec_leaves *a,
				  const struct vmstore_rec_leaves *b)
{
	__u64 len = a->nr * (VT_PAGE << 9 * (a->level - 1));

	return a->space == b->space && a->level == b->level && a->va + len == b->va &&
	       a->paddr + len == b->paddr && !memcmp(&a->prop, &b->prop, sizeof(a->prop));
}

/* vt_forget_accessed - leaves as they are, whether or not a CPU has walked to them by itself */
static inline void vt_forget_accessed(struct vt_sec *leaves)
{
	struct vmstore_rec_leaves *rec = (void *)leaves->data;
	size_t i, nr = 0;

	for (i = 0; i < leaves->nr; i++) {
		rec[i].prop.flags &= ~VMSTORE_PROP_ACCESSED;
		if (nr && vt_leaves_join(&rec[nr - 1], &rec[i]))
			rec[nr - 1].nr += rec[i].nr;
		else
			rec[nr++] = rec[i];
	}
	leaves->nr = nr;
	leaves->len = nr * sizeof(*rec);
}

static inline void vt_state_free(struct vt_state *st)
{
	int i;

	vt_for_each_section(i)
		vt_sec_free(&st->sec[i]);
}

static inline int vt_state_read(int fd, struct vt_state *st)
{
	struct vmstore_info info;
	int err = vt_info(fd, &info);
	int i;

	memset(st, 0, sizeof(*st));
	st->free_slots = info.out_free_slots;
	st->gathered = info.out_gathered;
	vt_for_each_section(i)
		err = err ?: vt_dump(fd, i, 1 << 16, &st->sec[i]);
	if (err)
		vt_state_free(st);
	else
		vt_forget_accessed(&st->sec[VMSTORE_DUMP_LEAVES]);
	return err;
}

/* vt_state_same - equal in every record of every section? Says where not */
static inline bool vt_state_same(const struct vt_state *a, const struct vt_state *b)
{
	bool same = a->free_slots == b->free_slots && a->gathered == b->gathered;
	int i;

	if (!same)
		fprintf(stderr, "# free slots %llu, then %llu; gathered %llu, then %llu\n",
			a->free_slots, b->free_slots, a->gathered, b->gathered);
	vt_for_each_section(i) {
		const struct vt_sec *x = &a->sec[i], *y = &b->sec[i];

		if (x->len == y->len && (!x->len || !memcmp(x->data, y->data, x->len)))
			continue;
		fprintf(stderr, "# section %s differs: %zu records, then %zu\n",
			vt_section_name[i], x->nr, y->nr);
		same = false;
	}
	return same;
}

/*
 * vt_refused - run an operation that must fail
 *
 * Return: its errno, if it left no outcome and changed nothing.
 */
static inline int vt_refused(int fd, struct vmstore_op *op)
{
	struct vmstore_op ran = *op;
	struct vt_state before, after;
	bool same;
	int err;
	size_t i;

	if (vt_state_read(fd, &before))
		return -VT_CALL;
	memset(&ran.out, 0xa5, sizeof(ran.out));
	ran.out_errno = 4711;
	err = vt_run1(fd, &ran);
	if (vt_state_read(fd, &after)) {
		vt_state_free(&before);
		return -VT_CALL;
	}
	same = vt_state_same(&before, &after);
	vt_state_free(&before);
	vt_state_free(&after);
	op->out_errno = ran.out_errno;
	op->out = ran.out;
	if (!same)
		return -VT_CHANGED;
	if (!err || op->opcode == VMSTORE_OP_ACCESS)
		return err;
	/* A reader or writer that faults tells after how many bytes, and nothing else */
	if (err == -EFAULT && ran.out.io.fault) {
		ran.out.io.done = 0;
		ran.out.io.fault = 0;
	}
	for (i = 0; i < ARRAY_SIZE(ran.out.raw); i++)
		if (ran.out.raw[i])
			return -VT_OUT;
	return err;
}

/* RUN_OK - run an operation that must succeed; its value is the operation run */
#define RUN_OK(fd, what) ({						\
	struct vmstore_op _op = (what);					\
									\
	ASSERT_EQ(0, vt_run1(fd, &_op))					\
		TH_LOG("opcode %u", _op.opcode);			\
	_op; })

/*
 * RUN_ERR - run an operation that must fail with @err and change nothing; its value
 * is the operation run
 */
#define RUN_ERR(fd, err, what) ({					\
	struct vmstore_op _op = (what);					\
									\
	EXPECT_EQ(-(err), vt_refused(fd, &_op))				\
		TH_LOG("opcode %u", _op.opcode);			\
	_op; })

/* vt_slot - what DUMP says of the slot of @paddr; nr is 0 when it says nothing */
static inline struct vmstore_rec_slots vt_slot(int fd, __u64 paddr)
{
	struct vmstore_rec_slots found = {};
	struct vt_sec sec;
	size_t i;

	if (vt_dump(fd, VMSTORE_DUMP_SLOTS, 1 << 16, &sec))
		return found;
	for (i = 0; i < sec.nr; i++) {
		struct vmstore_rec_slots *rec = (void *)sec.data;

		rec += i;
		if (paddr >= rec->paddr && paddr < rec->paddr + rec->nr * VT_PAGE)
			found = *rec;
	}
	vt_sec_free(&sec);
	return found;
}

/* vt_free_paddr - address of a free, allocatable frame, or ~0 */
static inline __u64 vt_free_paddr(int fd)
{
	__u64 paddr = ~0ULL;
	struct vt_sec sec;
	size_t i;

	if (vt_dump(fd, VMSTORE_DUMP_SLOTS, 1 << 16, &sec))
		return paddr;
	for (i = 0; i < sec.nr && paddr == ~0ULL; i++) {
		struct vmstore_rec_slots *rec = (void *)sec.data;

		rec += i;
		if (rec->rc == VMSTORE_RC_UNUSED && rec->usage != VMSTORE_USAGE_MMIO)
			paddr = rec->paddr;
	}
	vt_sec_free(&sec);
	return paddr;
}

/* vt_count - records of a section, or -errno */
static inline long vt_count(int fd, __u32 section)
{
	struct vt_sec sec;
	int err = vt_dump(fd, section, 1 << 16, &sec);
	long nr = err ? err : (long)sec.nr;

	vt_sec_free(&sec);
	return nr;
}

static inline __u64 vt_free_slots(int fd)
{
	struct vmstore_info info;

	return vt_info(fd, &info) ? ~0ULL : info.out_free_slots;
}

/* vt_segment_rec - what DUMP says of a segment; id is 0 when it is not there */
static inline struct vmstore_rec_segment vt_segment_rec(int fd, __u64 segment)
{
	struct vmstore_rec_segment found = {};
	struct vt_sec sec;
	size_t i;

	if (vt_dump(fd, VMSTORE_DUMP_SEGMENTS, 1 << 16, &sec))
		return found;
	for (i = 0; i < sec.nr; i++) {
		struct vmstore_rec_segment *rec = (void *)sec.data;

		if (rec[i].id == segment)
			found = rec[i];
	}
	vt_sec_free(&sec);
	return found;
}

/* vt_cursor_rec - what DUMP says of a cursor; id is 0 when it is not there */
static inline struct vmstore_rec_cursor vt_cursor_rec(int fd, __u64 cursor)
{
	struct vmstore_rec_cursor found = {};
	struct vt_sec sec;
	size_t i;

	if (vt_dump(fd, VMSTORE_DUMP_CURSORS, 1 << 16, &sec))
		return found;
	for (i = 0; i < sec.nr; i++) {
		struct vmstore_rec_cursor *rec = (void *)sec.data;

		if (rec[i].id == cursor)
			found = rec[i];
	}
	vt_sec_free(&sec);
	return found;
}

/* vt_space_rec - what DUMP says of a space; id is 0 when it is not there */
static inline struct vmstore_rec_space vt_space_rec(int fd, __u64 space)
{
	struct vmstore_rec_space found = {};
	struct vt_sec sec;
	size_t i;

	if (vt_dump(fd, VMSTORE_DUMP_SPACES, 1 << 16, &sec))
		return found;
	for (i = 0; i < sec.nr; i++) {
		struct vmstore_rec_space *rec = (void *)sec.data;

		if (rec[i].id == space)
			found = rec[i];
	}
	vt_sec_free(&sec);
	return found;
}

/* vt_count_nodes - nodes of a space of this level, 0 = of all levels; or -1 */
static inline long vt_count_nodes(int fd, __u64 space, __u32 level)
{
	struct vt_sec sec;
	long nr = 0;
	size_t i;

	if (vt_dump(fd, VMSTORE_DUMP_NODES, 1 << 16, &sec))
		return -1;
	for (i = 0; i < sec.nr; i++) {
		struct vmstore_rec_node *rec = (void *)sec.data;

		nr += rec[i].space == space && (!level || rec[i].level == level);
	}
	vt_sec_free(&sec);
	return nr;
}

/* vt_count_leaves - leaves of a space, or -1 */
static inline long vt_count_leaves(int fd, __u64 space)
{
	struct vt_sec sec;
	long nr = 0;
	size_t i;

	if (vt_dump(fd, VMSTORE_DUMP_LEAVES, 1 << 16, &sec))
		return -1;
	for (i = 0; i < sec.nr; i++) {
		struct vmstore_rec_leaves *rec = (void *)sec.data;

		if (rec[i].space == space)
			nr += rec[i].nr;
	}
	vt_sec_free(&sec);
	return nr;
}

/* --- the reference-count equation, computed here once more ----------------- */

/* Per slot: H, P, S and U counted from the dumps, and times seen as a node */
struct vt_tally {
	__u64 handles;
	__u64 leaves;
	__u64 segments;
	__u64 uniques;
	__u64 links;
	__u64 tag;		/* of the list it is a link of */
	__u64 nodes;
};

static inline void vt_tally_fill(const struct vt_state *st, struct vt_tally *tally,
				 __u64 nr)
{
	const struct vt_sec *sec = &st->sec[VMSTORE_DUMP_FRAMES];
	size_t i;
	__u64 k;

	for (i = 0; i < sec->nr; i++) {
		const struct vmstore_rec_frame *rec = (void *)sec->data;

		if (rec[i].paddr / VT_PAGE < nr)
			tally[rec[i].paddr / VT_PAGE].handles++;
	}
	sec = &st->sec[VMSTORE_DUMP_SEGMENTS];
	for (i = 0; i < sec->nr; i++) {
		const struct vmstore_rec_segment *rec = (const void *)sec->data;

		for (k = rec[i].start / VT_PAGE; k < rec[i].end / VT_PAGE && k < nr; k++)
			tally[k].segments++;
	}
	sec = &st->sec[VMSTORE_DUMP_UNIQUES];
	for (i = 0; i < sec->nr; i++) {
		const struct vmstore_rec_unique *rec = (const void *)sec->data;

		if (rec[i].paddr / VT_PAGE < nr)
			tally[rec[i].paddr / VT_PAGE].uniques++;
	}
	sec = &st->sec[VMSTORE_DUMP_LISTS];
	for (i = 0; i < sec->nr; i++) {
		const struct vmstore_rec_list *rec = (const void *)sec->data;

		if (rec[i].paddr / VT_PAGE >= nr)
			continue;
		tally[rec[i].paddr / VT_PAGE].links++;
		tally[rec[i].paddr / VT_PAGE].tag = rec[i].tag;
	}
	/* Kernel readers and writers hold what they were made over */
	sec = &st->sec[VMSTORE_DUMP_IOS];
	for (i = 0; i < sec->nr; i++) {
		const struct vmstore_rec_io *rec = (const void *)sec->data;
		__u64 paddr = rec[i].vaddr - VMSTORE_KERNEL_BASE;

		if (rec[i].space || !rec[i].len || rec[i].vaddr >= VMSTORE_KVIRT_BASE)
			continue;
		for (k = paddr / VT_PAGE; k <= (paddr + rec[i].len - 1) / VT_PAGE; k++)
			if (k < nr)
				tally[k].handles++;
	}
	sec = &st->sec[VMSTORE_DUMP_LEAVES];
	for (i = 0; i < sec->nr; i++) {
		const struct vmstore_rec_leaves *rec = (void *)sec->data;

		for (k = 0; k < rec[i].nr << 9 * (rec[i].level - 1); k++)
			if (rec[i].paddr / VT_PAGE + k < nr)
				tally[rec[i].paddr / VT_PAGE + k].leaves++;
	}
	sec = &st->sec[VMSTORE_DUMP_NODES];
	for (i = 0; i < sec->nr; i++) {
		const struct vmstore_rec_node *rec = (void *)sec->data;

		if (rec[i].paddr / VT_PAGE < nr)
			tally[rec[i].paddr / VT_PAGE].nodes++;
	}
}

static inline bool vt_slot_sound(const struct vmstore_rec_slots *rec,
				 const struct vt_tally *t)
{
	__u64 users = t->handles + t->leaves + t->segments;

	if (rec->in_list != t->tag || (rec->rc != VMSTORE_RC_UNIQUE && t->links))
		return false;
	/* Leaves of device memory are not counted [2.8, D17] */
	if (rec->usage == VMSTORE_USAGE_MMIO)
		return rec->rc == VMSTORE_RC_UNUSED && !t->handles && !t->segments &&
		       !t->uniques && !t->nodes && !rec->paths;
	if (rec->rc == VMSTORE_RC_UNUSED)
		return !users && !t->uniques && !t->nodes && !rec->paths &&
		       !rec->storage && !rec->type;
	if (rec->rc == VMSTORE_RC_UNIQUE)
		return rec->usage == VMSTORE_USAGE_FRAME &&
		       t->uniques + t->links == 1 && !users &&
		       !t->nodes && !rec->paths && rec->storage && rec->type;
	if (!rec->rc || rec->rc > VMSTORE_RC_MAX || !rec->storage || !rec->type)
		return false;
	if (rec->usage == VMSTORE_USAGE_PAGETABLE)
		return rec->rc == 1 && rec->paths == 1 && t->nodes == 1 &&
		       !users && !t->uniques && !rec->stray;
	return rec->usage == VMSTORE_USAGE_FRAME && !t->nodes && !t->uniques &&
	       rec->paths == t->leaves && rec->rc == users;
}

/*
 * vt_accounting - does every slot agree with the registries and tables? [A1..A3,
 * R7..R10, S3, S17, U2, U3, L3, L4, L11, P10, P11]
 *
 * The store must have nothing gathered: such frames count in H and have no id.
 * Return: slots that do not agree, or -errno.
 */
static inline long vt_accounting(int fd)
{
	const struct vmstore_rec_slots *rec;
	struct vt_tally *tally;
	struct vt_state st;
	__u64 nr = 0, k;
	long bad = 0;
	size_t i;
	int err = vt_state_read(fd, &st);

	if (err)
		return err;
	rec = (void *)st.sec[VMSTORE_DUMP_SLOTS].data;
	for (i = 0; i < st.sec[VMSTORE_DUMP_SLOTS].nr; i++)
		nr += rec[i].nr;
	tally = calloc(nr + 1, sizeof(*tally));
	if (!tally) {
		vt_state_free(&st);
		return -ENOMEM;
	}
	vt_tally_fill(&st, tally, nr);
	for (i = 0; i < st.sec[VMSTORE_DUMP_SLOTS].nr; i++) {
		for (k = 0; k < rec[i].nr; k++) {
			const struct vt_tally *t = &tally[rec[i].paddr / VT_PAGE + k];

			if (vt_slot_sound(&rec[i], t))
				continue;
			if (!bad++)
				fprintf(stderr,
					"# slot %#llx: rc %llu paths %llu usage %u, counted H %llu P %llu S %llu U %llu nodes %llu\n",
					rec[i].paddr + k * VT_PAGE, rec[i].rc,
					rec[i].paths, rec[i].usage, t->handles,
					t->leaves, t->segments, t->uniques, t->nodes);
		}
	}
	free(tally);
	vt_state_free(&st);
	return bad;
}

/* vt_check - evaluate the invariant; violations found, or -errno */
static inline long vt_check(int fd)
{
	struct vmstore_violation violation[4];
	struct vmstore_check check = {
		.size = sizeof(check),
		.violations = (uintptr_t)violation,
		.nr_violations = 4,
	};
	int err = vt_ioctl(fd, VMSTORE_CHECK, &check);
	__u32 i;

	if (err)
		return err;
	for (i = 0; i < check.out_stored_violations; i++)
		fprintf(stderr, "# violated: %.16s: %.96s (%#llx: expected %llu, found %llu)\n",
			violation[i].clause, violation[i].text, violation[i].object,
			violation[i].expected, violation[i].found);
	return check.out_violations;
}

/*
 * vt_settled - release what is gathered, evaluate the invariant, count again
 *
 * Return: 0 when all is well.
 */
static inline long vt_settled(int fd)
{
	struct vmstore_op op = vt_reap();
	long err = vt_run1(fd, &op);

	if (!err)
		err = vt_check(fd);
	return err ? err : vt_accounting(fd);
}

/* --- for fixtures ----------------------------------------------------------- */

/* Why a store of this machine cannot be had, or NULL */
static inline const char *vt_skip_reason(__u32 machine)
{
	int fd = vt_open();

	if (fd == -ENOENT)
		return "no " VT_DEVICE ": is the module loaded?";
	if (fd < 0)
		return "cannot open " VT_DEVICE ": CAP_SYS_ADMIN is needed";
	close(fd);
	if (!vt_has_machine(machine))
		return "this machine does not exist here";
	return NULL;
}

#endif /* VMSTORE_TEST_H */
