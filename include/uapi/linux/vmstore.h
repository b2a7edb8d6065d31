/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * vmstore: an executable memory-management model on live page tables
 *
 * The ABI of /dev/vmstore. Ids in square brackets (S7, O-Map, ...) name items of
 * the model that the field, constant or operation stands for.
 *
 * General rules
 * -------------
 *  - A file descriptor is a store. open() makes an empty one; closing the last
 *    reference tears everything down. Stores never see each other.
 *  - Every ioctl argument starts with its own size. A shorter structure than the
 *    first published one is -EINVAL; a longer one is accepted when the tail the
 *    kernel does not know is zero, else -E2BIG.
 *  - Reserved fields must be zero, unknown flags are refused, output fields are
 *    named out_*. Pointers travel as __aligned_u64; 32-bit callers work.
 *  - Physical addresses are byte offsets into the store's region, never machine
 *    addresses. Ranges are half open. Sizes and addresses are bytes.
 *  - Ids start at 1, are counted per type and are never used again in a store.
 *  - An operation that fails changes nothing.
 *
 * errno values of operations [model 5.0]
 * --------------------------------------
 *  EINVAL     misaligned physical address; misaligned address or length of a
 *             move, a change, a flush or an access, or one past the cursor's range;
 *             bad argument, wrong kind of object, a property that cannot be
 *             encoded, reserved field set, dangling VMSTORE_REF
 *  ENOMEM     kernel memory or region exhausted
 *  EFAULT     the access took a page fault (out.access.fault says which), or a
 *             user pointer is bad
 *  EACCES     virtual range or address outside what the object allows; a range
 *             to open that is misaligned
 *  ERANGE     physical address at or above the end of the region
 *  EBUSY      frame in use or unique, object still referenced or active, range
 *             or object owned by another operation or cursor
 *  EAGAIN     slot is being constructed or torn down
 *  ENOENT     frame not in use, or unknown id
 *  EOVERFLOW  a reference count is saturated, or no tag is left for a frame list
 *  EINTR      a wait was ended by a signal
 *  ENOSPC     a limit of the store was reached
 *  EIO        the store was frozen by a violation of the invariant
 *  ECANCELED  this operation of a batch was not executed
 *  EOPNOTSUPP unknown opcode or flag
 */
#ifndef _UAPI_LINUX_VMSTORE_H
#define _UAPI_LINUX_VMSTORE_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define VMSTORE_ABI_VERSION	1

#define VMSTORE_IOC_TYPE	0xbb

/* --- constants of the model [model 1] ------------------------------------ */

#define VMSTORE_PAGE_SIZE	4096ULL		/* [N-PAGE_SIZE] */
#define VMSTORE_NR_ENTRIES	512
#define VMSTORE_NR_LEVELS	4
#define VMSTORE_BLOCK_SIZE	(4ULL << 20)	/* a region is made of these */

#define VMSTORE_USER_END	0x0000800000000000ULL	/* end of what a cursor may cover */
#define VMSTORE_MAX_USERSPACE_VADDR	0x00007ffffffff000ULL
#define VMSTORE_KERNEL_BASE	0xffff800000000000ULL	/* linear window of the region */
#define VMSTORE_KVIRT_BASE	0xffff804000000000ULL
#define VMSTORE_KVIRT_END	0xffff807000000000ULL	/* FRAME_METADATA_BASE_VADDR */

#define VMSTORE_RC_UNUSED	0xffffffffffffffffULL	/* [N-REF_COUNT_UNUSED] */
#define VMSTORE_RC_UNIQUE	0xfffffffffffffffeULL	/* [N-REF_COUNT_UNIQUE] */
#define VMSTORE_RC_MAX		0x7fffffffffffffffULL	/* [N-REF_COUNT_MAX] */

/**
 * enum vmstore_usage - what a slot's frame is used for [N-PageUsage]
 * @VMSTORE_USAGE_UNUSED:   never used since SETUP
 * @VMSTORE_USAGE_RESERVED: not to be touched
 * @VMSTORE_USAGE_FRAME:    untyped data frame
 * @VMSTORE_USAGE_PAGETABLE: page-table node
 * @VMSTORE_USAGE_META:     holds slots
 * @VMSTORE_USAGE_KERNEL:   kernel image
 * @VMSTORE_USAGE_MMIO:     device memory, the reserved tail of the region
 *
 * Sticky: a freed slot keeps its last usage until the next allocation.
 */
enum vmstore_usage {
	VMSTORE_USAGE_UNUSED = 0,
	VMSTORE_USAGE_RESERVED = 1,
	VMSTORE_USAGE_FRAME = 2,
	VMSTORE_USAGE_PAGETABLE = 3,
	VMSTORE_USAGE_META = 4,
	VMSTORE_USAGE_KERNEL = 5,
	VMSTORE_USAGE_MMIO = 6,
};

/* Page properties [N-PageProperty]: struct vmstore_prop.flags */
#define VMSTORE_PROP_R		0x01
#define VMSTORE_PROP_W		0x02
#define VMSTORE_PROP_X		0x04
#define VMSTORE_PROP_ACCESSED	0x08
#define VMSTORE_PROP_DIRTY	0x10
#define VMSTORE_PROP_AVAIL1	0x40
#define VMSTORE_PROP_AVAIL2	0x80

/* struct vmstore_prop.priv */
#define VMSTORE_PRIV_USER	0x01
#define VMSTORE_PRIV_GLOBAL	0x02
#define VMSTORE_PRIV_SHARED	0x80	/* TEE guests only: always refused */

/* struct vmstore_prop.cache */
enum vmstore_cache {
	VMSTORE_CACHE_WB = 0,		/* write-back */
	VMSTORE_CACHE_WT = 1,		/* write-through */
	VMSTORE_CACHE_UC = 2,		/* uncacheable */
	VMSTORE_CACHE_WC = 3,		/* write-combining: cannot be encoded */
	VMSTORE_CACHE_WP = 4,		/* write-protected: cannot be encoded */
};

/**
 * struct vmstore_prop - property of a mapping
 * @flags: VMSTORE_PROP_*
 * @cache: enum vmstore_cache
 * @priv:  VMSTORE_PRIV_*
 * @__reserved: must be zero
 */
struct vmstore_prop {
	__u8 flags;
	__u8 cache;
	__u8 priv;
	__u8 __reserved;
};

/* --- VMSTORE_INFO --------------------------------------------------------- */

/* enum vmstore_machine - what walks and caches the page tables */
enum vmstore_machine {
	VMSTORE_MACHINE_DEFAULT = 0,	/* live where it exists, else soft */
	VMSTORE_MACHINE_LIVE = 1,	/* the CPU's MMU */
	VMSTORE_MACHINE_SOFT = 2,	/* a simulated MMU with a TLB that keeps */
};

/* vmstore_info.out_machine_caps: what the store's machine models */
#define VMSTORE_CAP_HW_WALK	0x0001	/* the CPU's own walker and TLB */
#define VMSTORE_CAP_REMOTE	0x0002	/* more than one CPU, flushes by IPI */
#define VMSTORE_CAP_KEEPS	0x0004	/* a translation stays cached until it is flushed */
#define VMSTORE_CAP_GLOBAL	0x0008	/* global entries survive a root load */
#define VMSTORE_CAP_TAGGED	0x0010	/* tagged entries survive a root load */
#define VMSTORE_CAP_PSC		0x0020	/* paging-structure cache */
#define VMSTORE_CAP_5LEVEL	0x0040	/* the CPU runs with 5-level paging */
#define VMSTORE_CAP_PTI		0x0080	/* the kernel runs with page-table isolation */

/* enum vmstore_check_mode - how much is checked after each operation */
enum vmstore_check_mode {
	VMSTORE_CHECK_OFF = 0,		/* nothing, operations run concurrently */
	VMSTORE_CHECK_FULL = 1,		/* the whole invariant, recomputed from nothing */
	VMSTORE_CHECK_STEP = 2,		/* what the operation touched, against a copy */
};

/**
 * struct vmstore_info - VMSTORE_INFO: constants, limits and state of a store
 * @size: sizeof(struct vmstore_info)
 * @flags: must be zero
 * @out_abi_version: VMSTORE_ABI_VERSION
 * @out_nr_opcodes: opcodes from 1 to this number minus one are known
 * @out_region_size: bytes; 0 before SETUP
 * @out_mmio_size: bytes of the reserved tail of the region
 * @out_machine: enum vmstore_machine, of this store or of the default
 * @out_machine_caps: VMSTORE_CAP_*
 * @out_nr_cpus: op.cpu must be below this
 * @out_check_mode: enum vmstore_check_mode
 * @out_nr_slots: frames in the region
 * @out_free_slots: of these, free now
 * @out_nr_clauses: clauses VMSTORE_CHECK evaluates
 * @out_max_batch: longest VMSTORE_RUN array
 * @out_max_region_size: largest SETUP.region_size this module allows, bytes
 * @out_default_region_size: what SETUP takes for 0, bytes
 * @out_ops: operations executed since SETUP, failed ones included; those of
 *	VMSTORE_DUMP_STORY
 * @out_flush_ops: flush requests issued
 * @out_dispatches: times a flush queue was dispatched
 * @out_ipis: CPUs asked to flush by dispatches
 * @out_frozen: 1 after a violation
 * @out_machines: bit (1 << enum vmstore_machine) set for each usable machine
 * @out_max_nodes: most page-table nodes live at one time
 * @out_gathered: slots (frames and top nodes) waiting for a flush or grace period
 * @out_host_table: checksum of the kernel's own top-level table (and P4D page in
 *	5-level mode), without accessed bits: constant while vmstore behaves. 0 where
 *	the machine has none
 *
 * Before SETUP the fields of the region are 0 and the store is not created.
 */
struct vmstore_info {
	__u32 size;
	__u32 flags;
	__u32 out_abi_version;
	__u32 out_nr_opcodes;
	__aligned_u64 out_region_size;
	__aligned_u64 out_mmio_size;
	__u32 out_machine;
	__u32 out_machine_caps;
	__u32 out_nr_cpus;
	__u32 out_check_mode;
	__aligned_u64 out_nr_slots;
	__aligned_u64 out_free_slots;
	__u32 out_nr_clauses;
	__u32 out_max_batch;
	__aligned_u64 out_max_region_size;
	__aligned_u64 out_default_region_size;
	__aligned_u64 out_ops;
	__aligned_u64 out_flush_ops;
	__aligned_u64 out_dispatches;
	__aligned_u64 out_ipis;
	__u32 out_frozen;
	__u32 out_machines;
	__aligned_u64 out_max_nodes;
	__aligned_u64 out_gathered;
	__aligned_u64 out_host_table;
};

/* --- VMSTORE_SETUP -------------------------------------------------------- */

/**
 * struct vmstore_setup - VMSTORE_SETUP: make the store, once, before any op
 * @size: sizeof(struct vmstore_setup)
 * @flags: must be zero
 * @region_size: bytes, a multiple of VMSTORE_BLOCK_SIZE; 0 = default
 * @mmio_size: bytes at the end of the region that stand for device memory, a
 *	multiple of the page size and below @region_size
 * @machine: enum vmstore_machine
 * @nr_cpus: CPUs of the soft machine, 1 to 64; 0 = 4. Must be 0 for live
 * @check_mode: enum vmstore_check_mode
 * @seed: of what the soft machine leaves to chance; equal seeds repeat. 0 = a fixed one.
 *	Must be 0 for live
 *
 * Optional: the first RUN, CHECK or DUMP makes a store with all defaults.
 * Errors: -EBUSY the store exists, -EINVAL, -ENOMEM, -ENOSPC above a module
 * limit, -EOPNOTSUPP the machine does not exist here.
 */
struct vmstore_setup {
	__u32 size;
	__u32 flags;
	__aligned_u64 region_size;
	__aligned_u64 mmio_size;
	__u32 machine;
	__u32 nr_cpus;
	__u32 check_mode;
	__u32 seed;
};

/* --- VMSTORE_RUN ---------------------------------------------------------- */

/**
 * enum vmstore_opcode - the operations
 * @VMSTORE_OP_FRAME_FROM_UNUSED: claim a given free frame [O-FrameFromUnused]
 * @VMSTORE_OP_FRAME_FROM_IN_USE: one more handle of a shared frame
 *	[O-FrameFromInUse]
 * @VMSTORE_OP_FRAME_ALLOC: claim any free frame; its content is zeroed
 * @VMSTORE_OP_FRAME_DROP: drop a handle [O-FrameDrop]
 * @VMSTORE_OP_SPACE_NEW: make an empty address space [O-NewVmSpace]
 * @VMSTORE_OP_SPACE_DROP: tear an address space down [O-DropVmSpace]
 * @VMSTORE_OP_SPACE_ACTIVATE: make a space active on op.cpu; id 0 makes none
 *	active there [O-Activate]. With VMSTORE_OPF_RESIDENT the CPU keeps the root loaded
 *	as much as it can, and what it does with the space it does with what it has
 *	cached; given again without the flag it stays active only
 * @VMSTORE_OP_CURSOR_OPEN: open a read-only cursor [O-OpenCursor]
 * @VMSTORE_OP_CURSOR_OPEN_MUT: open a mutable cursor [O-OpenCursorMut]
 * @VMSTORE_OP_CURSOR_DROP: close a cursor [O-DropCursor]
 * @VMSTORE_OP_CURSOR_QUERY: what is at the current address; a leaf's frame is
 *	cloned into a new handle [O-Query]
 * @VMSTORE_OP_CURSOR_FIND_NEXT: move to the next leaf [O-FindNext]
 * @VMSTORE_OP_CURSOR_JUMP: move to an address [O-Jump]
 * @VMSTORE_OP_CURSOR_VADDR: the current address [O-VirtAddr]
 * @VMSTORE_OP_CURSOR_MAP: map a frame, consuming the handle [O-Map]
 * @VMSTORE_OP_CURSOR_UNMAP: remove all mappings in a length [O-Unmap]
 * @VMSTORE_OP_CURSOR_PROTECT_NEXT: change the property of the next leaf
 *	[O-ProtectNext]
 * @VMSTORE_OP_CURSOR_FLUSH: issue a flush of a range for the space of a mutable
 *	cursor, dispatch what is pending and wait for it (what a caller of
 *	PROTECT_NEXT does when the new permission must be visible) [O-Flusher]
 * @VMSTORE_OP_REAP: flush, wait for all CPUs and a grace period, release what
 *	earlier ops removed
 * @VMSTORE_OP_ACCESS: load or store 1, 2, 4 or 8 bytes through the MMU
 * @VMSTORE_OP_FRAME_CLONE: one more handle of a handle's frame [O-FrameExtra]
 * @VMSTORE_OP_SEGMENT_FROM_UNUSED: claim a range of free frames, all or none
 *	[O-SegmentFromUnused]
 * @VMSTORE_OP_SEGMENT_DROP: drop a segment [O-SegmentDrop]
 * @VMSTORE_OP_SEGMENT_SPLIT: cut a segment in two at an offset [O-SegmentSplit]
 * @VMSTORE_OP_SEGMENT_NEXT: take the first page out as a handle [O-SegmentNext]
 * @VMSTORE_OP_SEGMENT_CLONE: one more segment of the same range [O-SegmentClone]
 * @VMSTORE_OP_SEGMENT_SLICE: one more segment of a part of the range
 *	[O-SegmentSlice]
 * @VMSTORE_OP_FRAME_TO_SEGMENT: a handle becomes a segment of one page
 * @VMSTORE_OP_UNIQUE_FROM_UNUSED: claim a given free frame exclusively
 *	[O-UniqueFromUnused]
 * @VMSTORE_OP_UNIQUE_DROP: drop an exclusive handle [O-UniqueDrop]
 * @VMSTORE_OP_FROM_UNIQUE: an exclusive handle becomes a shared one [O-FromUnique]
 * @VMSTORE_OP_TRY_FROM_SHARED: the only handle of a frame becomes exclusive
 *	[O-TryFromShared]
 * @VMSTORE_OP_CURSOR_MAP_FRAMES: as many O-Map as there are handles, all or none
 * @VMSTORE_OP_CURSOR_MAP_SEGMENT: map every page of a segment, consuming it
 * @VMSTORE_OP_READER_NEW: a reader of a part of a space [O-NewReader]
 * @VMSTORE_OP_WRITER_NEW: a writer of a part of a space [O-NewWriter]
 * @VMSTORE_OP_KREADER_NEW: a reader of kernel addresses [O-NewKernelReader]
 * @VMSTORE_OP_KWRITER_NEW: a writer of kernel addresses [O-NewKernelWriter]
 * @VMSTORE_OP_READER_DROP: [O-DropReader]
 * @VMSTORE_OP_WRITER_DROP: [O-DropWriter]
 * @VMSTORE_OP_READER_READ_VAL: read a value, all of it or nothing [O-ReaderReadVal]
 * @VMSTORE_OP_READER_COLLECT: read all that remains [O-ReaderCollect]
 * @VMSTORE_OP_READER_LIMIT: shorten what remains [O-ReaderLimit]
 * @VMSTORE_OP_READER_SKIP: move forward [O-ReaderSkip]
 * @VMSTORE_OP_READER_QUERY: where it is [O-ReaderQuery]
 * @VMSTORE_OP_WRITER_WRITE_VAL: write a value [O-WriterWriteVal]
 * @VMSTORE_OP_WRITER_FILL_ZEROS: write zeros [O-WriterFillZeros]
 * @VMSTORE_OP_WRITER_LIMIT: shorten what is available [O-WriterLimit]
 * @VMSTORE_OP_WRITER_SKIP: move forward [O-WriterSkip]
 * @VMSTORE_OP_WRITER_QUERY: where it is [O-WriterQuery]
 * @VMSTORE_OP_READ: copy from a kernel reader to a kernel writer [O-Read]
 * @VMSTORE_OP_WRITE: the same seen from the writer [O-Write]
 * @VMSTORE_OP_READ_FALLIBLE: copy where one side at least is a space's
 *	[O-IoExtra]
 * @VMSTORE_OP_WRITE_FALLIBLE: the same seen from the writer [O-IoExtra]
 * @VMSTORE_OP_WRITER_FILL: fill a kernel writer with a value [O-IoExtra]
 * @VMSTORE_OP_READER_READ_ONCE: one load of a kernel reader [O-IoExtra]
 * @VMSTORE_OP_WRITER_WRITE_ONCE: one store of a kernel writer [O-IoExtra]
 * @VMSTORE_OP_KVIRT_MAP_FRAMES: make a kernel area and map handles in it, consuming
 *	them [O-KMapFrames]
 * @VMSTORE_OP_KVIRT_MAP_UNTRACKED: make a kernel area and map device memory in it
 *	[O-KMapUntracked]
 * @VMSTORE_OP_KVIRT_QUERY: what is at an address of an area; a tracked leaf's frame is
 *	cloned into a new handle [O-KQuery]
 * @VMSTORE_OP_KVIRT_DROP: unmap an area and give its addresses back [O-KDrop]
 * @VMSTORE_OP_KVIRT_UNMAP_RANGE: remove all mappings in a part of an area
 * @VMSTORE_OP_KVIRT_PROTECT_RANGE: change the property of all leaves in a part of an
 *	area
 * @VMSTORE_OP_LIST_NEW: make an empty frame list [O-LNew]
 * @VMSTORE_OP_LIST_DROP: tear every frame of a list down, and the list [O-LDrop]
 * @VMSTORE_OP_LIST_SIZE: how many frames are in a list [O-LSize, O-LIsEmpty]
 * @VMSTORE_OP_LIST_CONTAINS: is a frame in a list? [O-LContains]
 * @VMSTORE_OP_LIST_INSERT_AT: put a frame before the nth, consuming its exclusive handle
 *	[O-LInsertAt]
 * @VMSTORE_OP_LIST_PUSH_FRONT: put it before the first [O-LPushFront]
 * @VMSTORE_OP_LIST_PUSH_BACK: put it behind the last [O-LPushBack]
 * @VMSTORE_OP_LIST_TAKE_AT: take the nth frame out; it has an exclusive handle again
 *	[O-LTakeAt]
 * @VMSTORE_OP_LIST_POP_FRONT: take the first one out [O-LPopFront]
 * @VMSTORE_OP_LIST_POP_BACK: take the last one out [O-LPopBack]
 * @VMSTORE_OP_LIST_CURSOR_FRONT: give the list a cursor, which stands at the first frame
 *	[O-LCursorFront]
 * @VMSTORE_OP_LIST_CURSOR_BACK: at the last frame [O-LCursorBack]
 * @VMSTORE_OP_LIST_CURSOR_AT: at a frame that is named [O-LCursorAt]
 * @VMSTORE_OP_LIST_MOVE_NEXT: move the cursor to the next frame [O-LMoveNext]
 * @VMSTORE_OP_LIST_MOVE_PREV: to the one before [O-LMovePrev]
 * @VMSTORE_OP_LIST_CURRENT: the frame the cursor stands at [O-LCurrent]
 * @VMSTORE_OP_LIST_AS_LIST: VMSTORE_OP_LIST_SIZE of a list with a cursor [O-LAsList]
 * @VMSTORE_OP_LIST_CURSOR_INSERT_BEFORE: put a frame before the cursor
 *	[O-LCursorInsertBefore]
 * @VMSTORE_OP_LIST_CURSOR_TAKE: take the frame at the cursor out [O-LCursorTake]
 * @VMSTORE_OP_LIST_CURSOR_DROP: the list has no cursor any more [O-LCursorDrop]
 * @VMSTORE_OP_TLB_ISSUE: queue a flush request in a mutable cursor; nothing is sent
 *	[O-Flusher, Tl3]
 * @VMSTORE_OP_TLB_ISSUE_WITH: the same, and the queue takes a handle over: its frame is
 *	held until every CPU that is asked has flushed
 * @VMSTORE_OP_TLB_DISPATCH: ask the CPUs on which the cursor's space is loaded or active
 *	to flush all that is queued, and do not wait [Tl4]
 * @VMSTORE_OP_TLB_SYNC: wait until they have flushed all that was dispatched [Tl6]
 * @VMSTORE_OP_TLB_FLUSH_LOCAL: flush on op.cpu alone; asks nobody and ends no request
 * @VMSTORE_OP_TLB_WATCH: op.cpu loads an address over and over, and it is counted what
 *	that gives while others change the tables and flush
 * @__VMSTORE_OP_MAX: one more than the last opcode
 */
enum vmstore_opcode {
	VMSTORE_OP_FRAME_FROM_UNUSED = 1,
	VMSTORE_OP_FRAME_FROM_IN_USE = 2,
	VMSTORE_OP_FRAME_ALLOC = 3,
	VMSTORE_OP_FRAME_DROP = 4,
	VMSTORE_OP_SPACE_NEW = 5,
	VMSTORE_OP_SPACE_DROP = 6,
	VMSTORE_OP_SPACE_ACTIVATE = 7,
	VMSTORE_OP_CURSOR_OPEN = 8,
	VMSTORE_OP_CURSOR_OPEN_MUT = 9,
	VMSTORE_OP_CURSOR_DROP = 10,
	VMSTORE_OP_CURSOR_QUERY = 11,
	VMSTORE_OP_CURSOR_FIND_NEXT = 12,
	VMSTORE_OP_CURSOR_JUMP = 13,
	VMSTORE_OP_CURSOR_VADDR = 14,
	VMSTORE_OP_CURSOR_MAP = 15,
	VMSTORE_OP_CURSOR_UNMAP = 16,
	VMSTORE_OP_CURSOR_PROTECT_NEXT = 17,
	VMSTORE_OP_CURSOR_FLUSH = 18,
	VMSTORE_OP_REAP = 19,
	VMSTORE_OP_ACCESS = 20,
	VMSTORE_OP_FRAME_CLONE = 21,
	VMSTORE_OP_SEGMENT_FROM_UNUSED = 22,
	VMSTORE_OP_SEGMENT_DROP = 23,
	VMSTORE_OP_SEGMENT_SPLIT = 24,
	VMSTORE_OP_SEGMENT_NEXT = 25,
	VMSTORE_OP_SEGMENT_CLONE = 26,
	VMSTORE_OP_SEGMENT_SLICE = 27,
	VMSTORE_OP_FRAME_TO_SEGMENT = 28,
	VMSTORE_OP_UNIQUE_FROM_UNUSED = 29,
	VMSTORE_OP_UNIQUE_DROP = 30,
	VMSTORE_OP_FROM_UNIQUE = 31,
	VMSTORE_OP_TRY_FROM_SHARED = 32,
	VMSTORE_OP_CURSOR_MAP_FRAMES = 33,
	VMSTORE_OP_CURSOR_MAP_SEGMENT = 34,
	VMSTORE_OP_READER_NEW = 35,
	VMSTORE_OP_WRITER_NEW = 36,
	VMSTORE_OP_KREADER_NEW = 37,
	VMSTORE_OP_KWRITER_NEW = 38,
	VMSTORE_OP_READER_DROP = 39,
	VMSTORE_OP_WRITER_DROP = 40,
	VMSTORE_OP_READER_READ_VAL = 41,
	VMSTORE_OP_READER_COLLECT = 42,
	VMSTORE_OP_READER_LIMIT = 43,
	VMSTORE_OP_READER_SKIP = 44,
	VMSTORE_OP_READER_QUERY = 45,
	VMSTORE_OP_WRITER_WRITE_VAL = 46,
	VMSTORE_OP_WRITER_FILL_ZEROS = 47,
	VMSTORE_OP_WRITER_LIMIT = 48,
	VMSTORE_OP_WRITER_SKIP = 49,
	VMSTORE_OP_WRITER_QUERY = 50,
	VMSTORE_OP_READ = 51,
	VMSTORE_OP_WRITE = 52,
	VMSTORE_OP_READ_FALLIBLE = 53,
	VMSTORE_OP_WRITE_FALLIBLE = 54,
	VMSTORE_OP_WRITER_FILL = 55,
	VMSTORE_OP_READER_READ_ONCE = 56,
	VMSTORE_OP_WRITER_WRITE_ONCE = 57,
	VMSTORE_OP_KVIRT_MAP_FRAMES = 58,
	VMSTORE_OP_KVIRT_MAP_UNTRACKED = 59,
	VMSTORE_OP_KVIRT_QUERY = 60,
	VMSTORE_OP_KVIRT_DROP = 61,
	VMSTORE_OP_KVIRT_UNMAP_RANGE = 62,
	VMSTORE_OP_KVIRT_PROTECT_RANGE = 63,
	VMSTORE_OP_LIST_NEW = 64,
	VMSTORE_OP_LIST_DROP = 65,
	VMSTORE_OP_LIST_SIZE = 66,
	VMSTORE_OP_LIST_CONTAINS = 67,
	VMSTORE_OP_LIST_INSERT_AT = 68,
	VMSTORE_OP_LIST_PUSH_FRONT = 69,
	VMSTORE_OP_LIST_PUSH_BACK = 70,
	VMSTORE_OP_LIST_TAKE_AT = 71,
	VMSTORE_OP_LIST_POP_FRONT = 72,
	VMSTORE_OP_LIST_POP_BACK = 73,
	VMSTORE_OP_LIST_CURSOR_FRONT = 74,
	VMSTORE_OP_LIST_CURSOR_BACK = 75,
	VMSTORE_OP_LIST_CURSOR_AT = 76,
	VMSTORE_OP_LIST_MOVE_NEXT = 77,
	VMSTORE_OP_LIST_MOVE_PREV = 78,
	VMSTORE_OP_LIST_CURRENT = 79,
	VMSTORE_OP_LIST_AS_LIST = 80,
	VMSTORE_OP_LIST_CURSOR_INSERT_BEFORE = 81,
	VMSTORE_OP_LIST_CURSOR_TAKE = 82,
	VMSTORE_OP_LIST_CURSOR_DROP = 83,
	VMSTORE_OP_TLB_ISSUE = 84,
	VMSTORE_OP_TLB_ISSUE_WITH = 85,
	VMSTORE_OP_TLB_DISPATCH = 86,
	VMSTORE_OP_TLB_SYNC = 87,
	VMSTORE_OP_TLB_FLUSH_LOCAL = 88,
	VMSTORE_OP_TLB_WATCH = 89,
	__VMSTORE_OP_MAX = 90,
};

/*
 * In place of an id: the id that operation k of the same batch produced. The
 * operation must come earlier in the batch, have succeeded, and have produced
 * an id of the type the argument takes; else -EINVAL.
 */
#define VMSTORE_REF_FLAG	(1ULL << 63)
#define VMSTORE_REF(k)		(VMSTORE_REF_FLAG | (__u64)(k))
/* The second id it produced: the rest of SEGMENT_SPLIT */
#define VMSTORE_REF_SECOND_FLAG	(1ULL << 62)
#define VMSTORE_REF_SECOND(k)	(VMSTORE_REF(k) | VMSTORE_REF_SECOND_FLAG)

/* vmstore_op.flags */
#define VMSTORE_OPF_WAIT	0x0001	/* CURSOR_OPEN*: wait, interruptibly, for the range */
#define VMSTORE_OPF_WRITE	0x0002	/* ACCESS: store instead of load */
#define VMSTORE_OPF_PEEK	0x0004	/* *_QUERY: only look, make no handle */
#define VMSTORE_OPF_CACHE	0x0008	/* *_PROTECT_*: set the cache policy too */
#define VMSTORE_OPF_ALL		0x0010	/* TLB_*: everything that is not global */
#define VMSTORE_OPF_DEFER	0x0020	/* CURSOR_MAP*, CURSOR_UNMAP: dispatch nothing, see below */
#define VMSTORE_OPF_RESIDENT	0x0040	/* SPACE_ACTIVATE: keep the root loaded */

/* Most bytes one operation moves from or to the memory of its caller */
#define VMSTORE_MAX_DATA	(1U << 20)

/* FRAME_FROM_UNUSED, FRAME_FROM_IN_USE, UNIQUE_FROM_UNUSED */
struct vmstore_arg_paddr {
	__aligned_u64 paddr;
};

/*
 * FRAME_DROP, FRAME_CLONE, FRAME_TO_SEGMENT, TRY_FROM_SHARED, SPACE_DROP, SPACE_ACTIVATE,
 * CURSOR_DROP, CURSOR_QUERY, CURSOR_VADDR, SEGMENT_DROP, SEGMENT_NEXT, SEGMENT_CLONE,
 * UNIQUE_DROP, FROM_UNIQUE, READER_DROP, READER_QUERY, WRITER_DROP, WRITER_QUERY,
 * KVIRT_DROP, LIST_DROP, LIST_SIZE, LIST_POP_*, LIST_CURSOR_FRONT, LIST_CURSOR_BACK,
 * LIST_MOVE_*, LIST_CURRENT, LIST_AS_LIST, LIST_CURSOR_TAKE, LIST_CURSOR_DROP,
 * TLB_DISPATCH, TLB_SYNC
 */
struct vmstore_arg_id {
	__aligned_u64 id;
};

/* CURSOR_OPEN, CURSOR_OPEN_MUT */
struct vmstore_arg_open {
	__aligned_u64 space;
	__aligned_u64 start;
	__aligned_u64 end;
};

/* CURSOR_FIND_NEXT, CURSOR_UNMAP: @len bytes from the current address */
struct vmstore_arg_len {
	__aligned_u64 cursor;
	__aligned_u64 len;
};

/* CURSOR_JUMP */
struct vmstore_arg_jump {
	__aligned_u64 cursor;
	__aligned_u64 va;
};

/* CURSOR_MAP */
struct vmstore_arg_map {
	__aligned_u64 cursor;
	__aligned_u64 frame;
	struct vmstore_prop prop;
	__u32 __reserved;
};

/*
 * CURSOR_PROTECT_NEXT: of the property of the next leaf within @len bytes the
 * bits of @mask.flags and @mask.priv are replaced by those of @prop; with
 * VMSTORE_OPF_CACHE the cache policy too. Never flushes: see CURSOR_FLUSH.
 * @mask.cache must be zero, and @prop.cache too without VMSTORE_OPF_CACHE.
 */
struct vmstore_arg_protect {
	__aligned_u64 cursor;
	__aligned_u64 len;
	struct vmstore_prop prop;
	struct vmstore_prop mask;
};

/*
 * Flush requests. A mutable cursor has a queue of them. What an operation removes is kept,
 * a reference of each frame and node, until all CPUs that may have it cached have flushed,
 * and it asks them itself before it returns. With VMSTORE_OPF_DEFER it does not: its
 * requests stay in the queue, and CPUs may go on using what was removed, until
 * TLB_DISPATCH, CURSOR_FLUSH, CURSOR_DROP, an operation on the cursor without the flag that
 * removes something, or REAP, also one for want of a free frame. A queue takes 32 requests;
 * one more, or one for more than 32 pages, makes it a single one for everything [Tl2].
 *
 * CURSOR_FLUSH: @va and @len are page aligned, and the range lies in the user half, -EACCES
 * if not; @len 0 = everything of the space. No outcome. TLB_ISSUE: the same, but everything
 * is VMSTORE_OPF_ALL, with @va and @len 0, and else @len 0 is -EINVAL.
 */
struct vmstore_arg_flush {
	__aligned_u64 cursor;
	__aligned_u64 va;
	__aligned_u64 len;
};

/* TLB_ISSUE_WITH: as TLB_ISSUE; @frame is consumed */
struct vmstore_arg_issue_with {
	__aligned_u64 cursor;
	__aligned_u64 frame;
	__aligned_u64 va;
	__aligned_u64 len;
};

/*
 * TLB_FLUSH_LOCAL: as TLB_ISSUE, but the range may lie between KERNEL_BASE and KVIRT_END,
 * too. No outcome. -EINVAL also: op.cpu is not online.
 */
struct vmstore_arg_flush_local {
	__aligned_u64 space;
	__aligned_u64 va;
	__aligned_u64 len;
};

#define VMSTORE_MAX_LOADS	1000000

/*
 * TLB_WATCH: @va and @width as for ACCESS, @space is active on op.cpu, -EACCES if not.
 * Ends after @loads loads, 1 to VMSTORE_MAX_LOADS, or when a signal comes, or after two
 * seconds: what was done by then is told. In check mode off other operations run
 * meanwhile, in the other modes they wait.
 */
struct vmstore_arg_watch {
	__aligned_u64 space;
	__aligned_u64 va;
	__u32 width;
	__u32 loads;
};

/*
 * ACCESS: @va must be aligned to @width. Below MAX_USERSPACE_VADDR it is an
 * access of the space; in the linear window its slot must be a shared data frame; from
 * KVIRT_BASE to KVIRT_END it is one of whatever area is there, and a fault between them.
 */
struct vmstore_arg_access {
	__aligned_u64 space;
	__aligned_u64 va;
	__aligned_u64 value;	/* stored, with VMSTORE_OPF_WRITE */
	__u32 width;		/* 1, 2, 4 or 8 */
	__u32 __reserved;
};

/* SEGMENT_FROM_UNUSED: paddrs */
struct vmstore_arg_range {
	__aligned_u64 start;
	__aligned_u64 end;
};

/* SEGMENT_SPLIT: @offset bytes from the start; page aligned, inside */
struct vmstore_arg_split {
	__aligned_u64 segment;
	__aligned_u64 offset;
};

/* SEGMENT_SLICE: paddrs; page aligned, not empty, inside the segment */
struct vmstore_arg_slice {
	__aligned_u64 segment;
	__aligned_u64 start;
	__aligned_u64 end;
};

/*
 * CURSOR_MAP_FRAMES: @frames is a user pointer to @count handles, each an id or a
 * VMSTORE_REF, no id twice; they are mapped in order from the current address on.
 * 0 handles are none to map; @prop is looked at nevertheless. At most VMSTORE_MAX_DATA
 * bytes of them.
 */
struct vmstore_arg_map_frames {
	__aligned_u64 cursor;
	__aligned_u64 frames;
	struct vmstore_prop prop;
	__u32 count;
};

/* CURSOR_MAP_SEGMENT: its pages in order from the current address on */
struct vmstore_arg_map_segment {
	__aligned_u64 cursor;
	__aligned_u64 segment;
	struct vmstore_prop prop;
	__u32 __reserved;
};

/* READER_NEW, WRITER_NEW: [@vaddr, @vaddr + @len) of the space active on op.cpu */
struct vmstore_arg_io_new {
	__aligned_u64 space;
	__aligned_u64 vaddr;
	__aligned_u64 len;
};

/*
 * KREADER_NEW, KWRITER_NEW: the range lies in the linear window and every frame in it
 * is a shared data frame; the reader or writer keeps them so until it is dropped. Or it
 * lies in one area and all of it is mapped, for a writer writable: then nothing in that
 * area is unmapped or changed, nor the area dropped, before the reader or writer is.
 */
struct vmstore_arg_kio_new {
	__aligned_u64 vaddr;
	__aligned_u64 len;
};

/*
 * READER_READ_VAL, READER_COLLECT, WRITER_WRITE_VAL: @buf is a user pointer to @len
 * bytes, at most VMSTORE_MAX_DATA. COLLECT: room for what remains, -EINVAL if it is
 * too short; -ENOMEM if more than VMSTORE_MAX_DATA remain.
 */
struct vmstore_arg_io_data {
	__aligned_u64 io;
	__aligned_u64 buf;
	__aligned_u64 len;
};

/* READER_LIMIT, WRITER_LIMIT (at most @n left), READER_SKIP, WRITER_SKIP, WRITER_FILL_ZEROS */
struct vmstore_arg_io_len {
	__aligned_u64 io;
	__aligned_u64 n;
};

/* READ, WRITE, READ_FALLIBLE, WRITE_FALLIBLE: a reader and a writer */
struct vmstore_arg_io_pair {
	__aligned_u64 source;
	__aligned_u64 dest;
};

/*
 * WRITER_FILL, READER_READ_ONCE, WRITER_WRITE_ONCE: @width is 1, 2, 4 or 8 and the
 * address a multiple of it, -EINVAL if not; @value is zero for READ_ONCE.
 */
struct vmstore_arg_io_value {
	__aligned_u64 io;
	__aligned_u64 value;
	__u32 width;
	__u32 __reserved;
};

/*
 * KVIRT_MAP_FRAMES: @area_size bytes of kernel addresses; the frames are mapped in order
 * from @map_offset on. @frames as for CURSOR_MAP_FRAMES. -EINVAL: @area_size or
 * @map_offset not page aligned, @map_offset not below @area_size, the frames end past it,
 * AVAIL1 in @prop or @prop cannot be encoded. -ENOMEM also: no addresses left.
 */
struct vmstore_arg_kvirt_frames {
	__aligned_u64 area_size;
	__aligned_u64 frames;
	__aligned_u64 map_offset;
	struct vmstore_prop prop;
	__u32 count;
};

/*
 * KVIRT_MAP_UNTRACKED: paddrs [@start, @end), mapped from @map_offset on with pages of
 * 2 MiB where they fit. @start == @end maps nothing, and then @area_size may be 0. -EINVAL
 * as above, and when the range is misaligned, begins after its end or has a frame that is
 * not in the reserved tail of the region; -ERANGE when it ends past the region.
 */
struct vmstore_arg_kvirt_untracked {
	__aligned_u64 area_size;
	__aligned_u64 map_offset;
	__aligned_u64 start;
	__aligned_u64 end;
	struct vmstore_prop prop;
	__u32 __reserved;
};

/* KVIRT_QUERY: -EINVAL when @addr does not lie in the area */
struct vmstore_arg_kvirt_addr {
	__aligned_u64 area;
	__aligned_u64 addr;
};

/*
 * KVIRT_UNMAP_RANGE: @len bytes, @offset bytes from the start of the area; -EINVAL when
 * not page aligned or past its end. A 2 MiB page that lies in the range in part is split.
 * The addresses stay the area's.
 */
struct vmstore_arg_kvirt_range {
	__aligned_u64 area;
	__aligned_u64 offset;
	__aligned_u64 len;
};

/*
 * KVIRT_PROTECT_RANGE: the range as above, @prop and @mask as for CURSOR_PROTECT_NEXT, no
 * AVAIL1. All CPUs have flushed when it returns.
 */
struct vmstore_arg_kvirt_protect {
	__aligned_u64 area;
	__aligned_u64 offset;
	__aligned_u64 len;
	struct vmstore_prop prop;
	struct vmstore_prop mask;
};

/*
 * A list has a cursor or none. With one only the operations on cursors are possible, the
 * others are -EBUSY; without one these are -EINVAL. A cursor stands at a frame or past the
 * last one; from there it moves to the first, and back to the last.
 */

/* LIST_CONTAINS, LIST_CURSOR_AT: @paddr may be anything, what is no frame is in no list */
struct vmstore_arg_list_frame {
	__aligned_u64 list;
	__aligned_u64 paddr;
};

/* LIST_TAKE_AT: @n from 0 on */
struct vmstore_arg_list_at {
	__aligned_u64 list;
	__aligned_u64 n;
};

/*
 * LIST_INSERT_AT, LIST_PUSH_*, LIST_CURSOR_INSERT_BEFORE: the frame of the exclusive handle
 * @unique. @n is LIST_INSERT_AT's: -EINVAL when it is more than there are; else zero.
 * -EOVERFLOW: no tag left for the first frame of a list.
 */
struct vmstore_arg_list_insert {
	__aligned_u64 list;
	__aligned_u64 unique;
	__aligned_u64 n;
};

/* FRAME_*, SEGMENT_NEXT, FROM_UNIQUE, TRY_FROM_SHARED, UNIQUE_*: the new handle and its frame */
struct vmstore_out_frame {
	__aligned_u64 id;
	__aligned_u64 paddr;
};

/* FRAME_DROP, UNIQUE_DROP: @freed 1 when it was the last reference */
struct vmstore_out_drop {
	__aligned_u64 id;		/* 0 */
	__aligned_u64 paddr;
	__u32 freed;
	__u32 __reserved;
};

/* SPACE_DROP: what the teardown released */
struct vmstore_out_space_drop {
	__aligned_u64 id;		/* 0 */
	__aligned_u64 leaves;
	__aligned_u64 nodes;
	__aligned_u64 frames_freed;
};

/* CURSOR_OPEN*: @level is the level of the covering node */
struct vmstore_out_open {
	__aligned_u64 id;
	__u32 level;
	__u32 nodes_allocated;
};

/*
 * CURSOR_QUERY: the entry that holds the current address covers [start, end).
 * @found: 1 when it is a leaf; then @id is a new handle of its frame, unless
 * VMSTORE_OPF_PEEK was given. KVIRT_QUERY: the same of its address; @untracked: 1 when the
 * leaf maps device memory, and then there is no handle.
 */
struct vmstore_out_query {
	__aligned_u64 id;
	__aligned_u64 start;
	__aligned_u64 end;
	__aligned_u64 paddr;
	struct vmstore_prop prop;
	__u32 level;
	__u32 found;
	__u32 untracked;
};

/* CURSOR_FIND_NEXT, CURSOR_JUMP, CURSOR_VADDR: @va is where the cursor is now */
struct vmstore_out_va {
	__aligned_u64 id;		/* 0 */
	__aligned_u64 va;
	__u32 found;			/* FIND_NEXT: 1 when a leaf is at @va */
	__u32 level;
};

/*
 * CURSOR_MAP: @replaced 1 when a leaf was there; then @old_paddr and @old_prop,
 * with the accessed and dirty bits the hardware had set.
 */
struct vmstore_out_map {
	__aligned_u64 id;		/* 0 */
	__aligned_u64 va;		/* where the cursor is now */
	__aligned_u64 old_paddr;
	struct vmstore_prop old_prop;
	__u32 replaced;
	__u32 nodes_allocated;
	__u32 __reserved;
};

/* CURSOR_UNMAP */
struct vmstore_out_unmap {
	__aligned_u64 id;		/* 0 */
	__aligned_u64 va;		/* where the cursor is now */
	__aligned_u64 removed;		/* mappings */
	__aligned_u64 accessed;		/* of these, accessed */
	__aligned_u64 dirty;		/* of these, dirty */
	__aligned_u64 nodes;		/* page-table nodes removed */
};

/* CURSOR_PROTECT_NEXT: @old_prop with the accessed and dirty bits of the hardware */
struct vmstore_out_protect {
	__aligned_u64 id;		/* 0 */
	__aligned_u64 va;		/* where the cursor is now */
	__aligned_u64 start;		/* the leaf changed, when @found */
	__aligned_u64 end;
	struct vmstore_prop old_prop;
	struct vmstore_prop new_prop;
	__u32 found;
	__u32 __reserved;
};

/*
 * SEGMENT_*: the new segment. SEGMENT_SPLIT: @id is the first part, [@start, @middle),
 * @second the rest, [@middle, @end); else both are 0.
 */
struct vmstore_out_segment {
	__aligned_u64 id;
	__aligned_u64 second;
	__aligned_u64 start;
	__aligned_u64 middle;
	__aligned_u64 end;
};

/* SEGMENT_DROP */
struct vmstore_out_segment_drop {
	__aligned_u64 id;		/* 0 */
	__aligned_u64 start;
	__aligned_u64 end;
	__aligned_u64 frames_freed;
};

/* CURSOR_MAP_FRAMES, CURSOR_MAP_SEGMENT */
struct vmstore_out_map_many {
	__aligned_u64 id;		/* 0 */
	__aligned_u64 va;		/* where the cursor is now */
	__aligned_u64 mapped;
	__aligned_u64 replaced;		/* leaves that were there */
	__aligned_u64 nodes_allocated;
};

/* KVIRT_MAP_*: the new area [@start, @end) */
struct vmstore_out_kvirt {
	__aligned_u64 id;
	__aligned_u64 start;
	__aligned_u64 end;
	__aligned_u64 leaves;		/* mapped */
	__aligned_u64 huge;		/* of these, of 2 MiB */
	__aligned_u64 nodes_allocated;
};

/* KVIRT_DROP, KVIRT_UNMAP_RANGE: all CPUs have flushed when it returns */
struct vmstore_out_kvirt_unmap {
	__aligned_u64 id;		/* 0 */
	__aligned_u64 removed;		/* leaves */
	__aligned_u64 accessed;		/* of these, accessed */
	__aligned_u64 dirty;		/* of these, dirty */
	__aligned_u64 nodes;		/* page-table nodes removed */
	__aligned_u64 split;		/* 2 MiB pages split */
};

/* KVIRT_PROTECT_RANGE */
struct vmstore_out_kvirt_protect {
	__aligned_u64 id;		/* 0 */
	__aligned_u64 changed;		/* leaves */
	__aligned_u64 split;		/* 2 MiB pages split */
};

/*
 * LIST_* but LIST_DROP: the list as it is now. @found: 1 when there is a frame: the one put
 * in or taken out, asked for, or the one the cursor stands at. @id: LIST_NEW the new list;
 * of a frame taken out the new exclusive handle; else 0. Where there is no such frame the
 * operation succeeds and has done nothing (LIST_TAKE_AT, LIST_POP_*, LIST_CURSOR_TAKE,
 * LIST_CURSOR_AT).
 */
struct vmstore_out_list {
	__aligned_u64 id;
	__aligned_u64 paddr;		/* of that frame */
	__aligned_u64 nr;		/* frames in the list; 0 = it is empty */
	__aligned_u64 index;		/* where the cursor is, nr = past the last; else 0 */
	__aligned_u64 tag;		/* in_list of its frames; 0 = it never had any */
	__u32 found;
	__u32 __reserved;
};

/* LIST_DROP */
struct vmstore_out_list_drop {
	__aligned_u64 id;		/* 0 */
	__aligned_u64 frames_freed;
};

/*
 * READER_*, WRITER_*, READ*, WRITE*: @id is that of a new one, else 0; [@cursor, @end)
 * is what remains of the one named (the reader where two are); @done is how many bytes
 * were moved, for WRITER_FILL how many elements. A fault is errno EFAULT, @fault and
 * @done: these two are set although the operation failed.
 */
struct vmstore_out_io {
	__aligned_u64 id;
	__aligned_u64 cursor;
	__aligned_u64 end;
	__aligned_u64 done;
	__aligned_u64 value;		/* READ_ONCE */
	__u32 fault;			/* VMSTORE_FAULT_* */
	__u32 __reserved;
};

/*
 * TLB_ISSUE, TLB_ISSUE_WITH, TLB_DISPATCH, TLB_SYNC: @pending requests are queued now, 33
 * where they are one for everything
 */
struct vmstore_out_tlb {
	__aligned_u64 id;		/* 0 */
	__aligned_u64 asked;		/* TLB_DISPATCH: a bit per CPU, the first 64 */
	__u32 pending;
	__u32 waited;			/* TLB_SYNC: CPUs that had not flushed yet */
};

/*
 * What loads gave: the value of the first one (@stale: of these, those when the tables did
 * not map any more what they had mapped at the first), another value, or a page fault
 */
struct vmstore_watch_count {
	__u32 same;
	__u32 stale;
	__u32 other;
	__u32 fault;
};

/*
 * TLB_WATCH: the loads before the first flush that op.cpu executed after the first load,
 * for a handler or for TLB_FLUSH_LOCAL, those after it, and how many flushes there were. A
 * CPU may lose what it has cached at any time. @first is 0 when the first load faulted.
 */
struct vmstore_out_watch {
	__aligned_u64 id;		/* 0 */
	__aligned_u64 first;
	struct vmstore_watch_count before;
	struct vmstore_watch_count after;
	__u32 flushes;
	__u32 first_fault;		/* VMSTORE_FAULT_* */
};

/* REAP */
struct vmstore_out_reap {
	__aligned_u64 id;		/* 0 */
	__aligned_u64 refs;		/* references of data frames released */
	__aligned_u64 frames_freed;	/* of these frames, now unused */
	__aligned_u64 nodes;		/* nodes released */
};

/* vmstore_out_access.fault: bits of the x86 page-fault error code, and: */
#define VMSTORE_FAULT_PRESENT	0x0001	/* protection, not absence */
#define VMSTORE_FAULT_WRITE	0x0002
#define VMSTORE_FAULT_USER	0x0004
#define VMSTORE_FAULT_RSVD	0x0008
#define VMSTORE_FAULT_TAKEN	0x8000	/* set in every fault */

/*
 * ACCESS. A fault is errno EFAULT and @fault. @value is what was loaded, 0 after a
 * store. The accesses of a batch may be on any CPU.
 */
struct vmstore_out_access {
	__aligned_u64 id;		/* 0 */
	__aligned_u64 value;
	__u32 fault;
	__u32 __reserved;
};

/**
 * struct vmstore_op - one operation as data
 * @opcode: enum vmstore_opcode
 * @flags: VMSTORE_OPF_*, those the opcode knows
 * @cpu: logical CPU it runs for, below vmstore_info.out_nr_cpus
 * @out_errno: 0 or a negative errno
 * @__reserved: must be zero
 * @arg: arguments, by opcode; bytes beyond them must be zero
 * @out: outcome, by opcode; zero when the operation failed (ACCESS: but @fault;
 *	readers and writers: but @fault and @done)
 */
struct vmstore_op {
	__u16 opcode;
	__u16 flags;
	__u32 cpu;
	__s32 out_errno;
	__u32 __reserved;
	union {
		struct vmstore_arg_paddr paddr;
		struct vmstore_arg_id id;
		struct vmstore_arg_open open;
		struct vmstore_arg_len len;
		struct vmstore_arg_jump jump;
		struct vmstore_arg_map map;
		struct vmstore_arg_protect protect;
		struct vmstore_arg_flush flush;
		struct vmstore_arg_issue_with issue_with;
		struct vmstore_arg_flush_local flush_local;
		struct vmstore_arg_watch watch;
		struct vmstore_arg_access access;
		struct vmstore_arg_range range;
		struct vmstore_arg_split split;
		struct vmstore_arg_slice slice;
		struct vmstore_arg_map_frames map_frames;
		struct vmstore_arg_map_segment map_segment;
		struct vmstore_arg_io_new io_new;
		struct vmstore_arg_kio_new kio_new;
		struct vmstore_arg_io_data io_data;
		struct vmstore_arg_io_len io_len;
		struct vmstore_arg_io_pair io_pair;
		struct vmstore_arg_io_value io_value;
		struct vmstore_arg_kvirt_frames kvirt_frames;
		struct vmstore_arg_kvirt_untracked kvirt_untracked;
		struct vmstore_arg_kvirt_addr kvirt_addr;
		struct vmstore_arg_kvirt_range kvirt_range;
		struct vmstore_arg_kvirt_protect kvirt_protect;
		struct vmstore_arg_list_frame list_frame;
		struct vmstore_arg_list_at list_at;
		struct vmstore_arg_list_insert list_insert;
		__aligned_u64 raw[6];
	} arg;
	union {
		__aligned_u64 id;	/* what VMSTORE_REF yields; 0 = no id */
		struct vmstore_out_frame frame;
		struct vmstore_out_drop drop;
		struct vmstore_out_space_drop space_drop;
		struct vmstore_out_open open;
		struct vmstore_out_query query;
		struct vmstore_out_va va;
		struct vmstore_out_map map;
		struct vmstore_out_unmap unmap;
		struct vmstore_out_protect protect;
		struct vmstore_out_reap reap;
		struct vmstore_out_tlb tlb;
		struct vmstore_out_watch watch;
		struct vmstore_out_access access;
		struct vmstore_out_segment segment;
		struct vmstore_out_segment_drop segment_drop;
		struct vmstore_out_map_many map_many;
		struct vmstore_out_io io;
		struct vmstore_out_kvirt kvirt;
		struct vmstore_out_kvirt_unmap kvirt_unmap;
		struct vmstore_out_kvirt_protect kvirt_protect;
		struct vmstore_out_list list;
		struct vmstore_out_list_drop list_drop;
		__aligned_u64 raw[8];
	} out;
};

/* vmstore_run.flags */
#define VMSTORE_RUN_KEEP_GOING	0x0001	/* do not stop at the first failed op */

#define VMSTORE_MAX_BATCH	65536

/**
 * struct vmstore_run - VMSTORE_RUN: run an array of operations
 * @size: sizeof(struct vmstore_run)
 * @flags: VMSTORE_RUN_*
 * @ops: user pointer to the array, aligned to 8
 * @count: elements, at most VMSTORE_MAX_BATCH; 0 is allowed and does nothing
 * @op_size: sizeof(struct vmstore_op); the array's stride
 * @out_ran: operations executed, the failed ones included
 * @out_failed: of these, failed
 *
 * Before the first operation runs, every op's @out_errno is set to -ECANCELED.
 * Returns 0 when the batch ended as asked, even if operations failed; -EINTR when
 * a signal ended it between two operations (those done are reported);
 * -EFAULT, -EINVAL, -E2BIG, -ENOMEM, -EOPNOTSUPP for the call itself.
 */
struct vmstore_run {
	__u32 size;
	__u32 flags;
	__aligned_u64 ops;
	__u32 count;
	__u32 op_size;
	__u32 out_ran;
	__u32 out_failed;
};

/* --- VMSTORE_CHECK -------------------------------------------------------- */

/* enum vmstore_object - what a violation or dump record speaks of */
enum vmstore_object {
	VMSTORE_OBJ_STORE = 0,
	VMSTORE_OBJ_SLOT = 1,		/* object = paddr */
	VMSTORE_OBJ_FRAME = 2,		/* object = frame id */
	VMSTORE_OBJ_SPACE = 3,
	VMSTORE_OBJ_CURSOR = 4,
	VMSTORE_OBJ_NODE = 5,		/* object = paddr of the node */
	VMSTORE_OBJ_LEAF = 6,		/* object = va, space in @space */
	VMSTORE_OBJ_GATHER = 7,
	VMSTORE_OBJ_SEGMENT = 8,
	VMSTORE_OBJ_UNIQUE = 9,		/* object = id of the exclusive handle */
	VMSTORE_OBJ_IO = 10,		/* a reader or writer */
	VMSTORE_OBJ_KVIRT = 11,		/* a kernel area */
	VMSTORE_OBJ_LIST = 12,		/* a frame list */
};

/**
 * struct vmstore_violation - a clause found false
 * @clause: id of the clause, NUL terminated
 * @kind: enum vmstore_object
 * @__reserved: zero
 * @object: which one
 * @space: the space it belongs to, or 0
 * @expected: value the clause demands, where it is a number
 * @found: value found
 * @text: the same for people, NUL terminated
 */
struct vmstore_violation {
	char clause[16];
	__u32 kind;
	__u32 __reserved;
	__aligned_u64 object;
	__aligned_u64 space;
	__aligned_u64 expected;
	__aligned_u64 found;
	char text[96];
};

/**
 * struct vmstore_clause - a clause and how often it was put to the test
 * @id: id of the clause, NUL terminated
 * @evaluated: instances evaluated since SETUP (slots, nodes, cursors, ...)
 * @not_vacuous: of these, instances whose premise was true
 * @violated: of these, violations
 * @text: what it says, NUL terminated
 */
struct vmstore_clause {
	char id[16];
	__aligned_u64 evaluated;
	__aligned_u64 not_vacuous;
	__aligned_u64 violated;
	char text[88];
};

/**
 * struct vmstore_check - VMSTORE_CHECK: evaluate the whole invariant now
 * @size: sizeof(struct vmstore_check)
 * @flags: must be zero
 * @violations: user pointer to an array of struct vmstore_violation, or 0
 * @clauses: user pointer to an array of struct vmstore_clause, or 0
 * @nr_violations: room in @violations, elements
 * @nr_clauses: room in @clauses, elements
 * @out_violations: violations found, at most some are stored; includes those that
 *	froze the store earlier
 * @out_clauses: clauses known
 * @out_stored_violations: elements written to @violations
 * @out_stored_clauses: elements written to @clauses
 * @__reserved: must be zero
 *
 * A violation freezes the store: operations return -EIO, CHECK, DUMP and close
 * still work.
 */
struct vmstore_check {
	__u32 size;
	__u32 flags;
	__aligned_u64 violations;
	__aligned_u64 clauses;
	__u32 nr_violations;
	__u32 nr_clauses;
	__aligned_u64 out_violations;
	__u32 out_clauses;
	__u32 out_stored_violations;
	__u32 out_stored_clauses;
	__u32 __reserved;
};

/* --- VMSTORE_DUMP --------------------------------------------------------- */

/* enum vmstore_section - what to dump; the record type is named behind it */
enum vmstore_section {
	VMSTORE_DUMP_SPACES = 1,	/* struct vmstore_rec_space */
	VMSTORE_DUMP_CURSORS = 2,	/* struct vmstore_rec_cursor */
	VMSTORE_DUMP_FRAMES = 3,	/* struct vmstore_rec_frame: handles */
	VMSTORE_DUMP_SLOTS = 4,		/* struct vmstore_rec_slots: equal slots merged */
	VMSTORE_DUMP_NODES = 5,		/* struct vmstore_rec_node, pre-order per space */
	VMSTORE_DUMP_LEAVES = 6,	/* struct vmstore_rec_leaves: ranges merged */
	VMSTORE_DUMP_TLB = 7,		/* struct vmstore_rec_gathered: removed, not released */
	VMSTORE_DUMP_SEGMENTS = 8,	/* struct vmstore_rec_segment */
	VMSTORE_DUMP_UNIQUES = 9,	/* struct vmstore_rec_unique: exclusive handles */
	VMSTORE_DUMP_IOS = 10,		/* struct vmstore_rec_io: readers and writers */
	VMSTORE_DUMP_STORY = 11,	/* struct vmstore_rec_story: the last operations */
	VMSTORE_DUMP_KVIRTS = 12,	/* struct vmstore_rec_kvirt: kernel areas */
	VMSTORE_DUMP_LISTS = 13,	/* struct vmstore_rec_list: frame lists */
	VMSTORE_DUMP_FLUSHES = 14,	/* struct vmstore_rec_flush: what is not known flushed */
	VMSTORE_DUMP_CACHED = 15,	/* struct vmstore_rec_cached: translations held */
};

struct vmstore_rec_space {
	__aligned_u64 id;
	__aligned_u64 root;		/* paddr of the root node */
	__aligned_u64 active;		/* bit per CPU, the first 64 */
	__aligned_u64 cursors;		/* open cursors */
};

struct vmstore_rec_cursor {
	__aligned_u64 id;
	__aligned_u64 space;
	__aligned_u64 start;		/* range requested at open */
	__aligned_u64 end;
	__aligned_u64 va;
	__aligned_u64 gathered;		/* entries in its gather */
	__u32 mut;			/* 1 = mutable */
	__u32 level;
	__u32 guard_level;
	__u32 pending;			/* flush requests not dispatched */
};

struct vmstore_rec_frame {
	__aligned_u64 id;
	__aligned_u64 paddr;
};

/*
 * @nr consecutive slots from @paddr that agree in all the fields below. For
 * page-table nodes @level, @nr_children and @owner too; nodes never merge.
 */
struct vmstore_rec_slots {
	__aligned_u64 paddr;
	__aligned_u64 nr;
	__aligned_u64 rc;
	__aligned_u64 paths;
	__aligned_u64 in_list;
	__u8 usage;			/* enum vmstore_usage */
	__u8 storage;			/* 1 = initialised */
	__u8 type;			/* 1 = type tag set */
	__u8 level;
	__u16 nr_children;
	__u16 stray;
	__aligned_u64 owner;		/* cursor id, or 0 */
};

struct vmstore_rec_node {
	__aligned_u64 space;		/* 0 = the store's kernel half */
	__aligned_u64 va;		/* first address it translates */
	__aligned_u64 paddr;
	__aligned_u64 owner;		/* cursor id, or 0 */
	__u32 level;
	__u32 nr_children;
};

/*
 * @nr leaves of @level from @va on, with the same property and frames that follow
 * each other from @paddr.
 */
struct vmstore_rec_leaves {
	__aligned_u64 space;
	__aligned_u64 va;
	__aligned_u64 paddr;
	__aligned_u64 nr;
	struct vmstore_prop prop;
	__u32 level;
};

/* A frame, or the top node of a removed subtree, that waits to be released */
struct vmstore_rec_gathered {
	__aligned_u64 space;
	__aligned_u64 cursor;		/* 0 = the cursor is gone */
	__aligned_u64 paddr;
	__u32 node;			/* 1 = page-table node */
	__u32 flushed;			/* 1 = every CPU has flushed it */
};

struct vmstore_rec_segment {
	__aligned_u64 id;
	__aligned_u64 start;		/* paddrs */
	__aligned_u64 end;
};

struct vmstore_rec_unique {
	__aligned_u64 id;
	__aligned_u64 paddr;
};

struct vmstore_rec_io {
	__aligned_u64 id;
	__aligned_u64 space;		/* 0 = kernel addresses */
	__aligned_u64 vaddr;		/* as created */
	__aligned_u64 len;
	__aligned_u64 cursor;		/* [cursor, end) is what remains */
	__aligned_u64 end;
	__u32 writer;			/* 1 = writer, 0 = reader */
	__u32 __reserved;
};

struct vmstore_rec_kvirt {
	__aligned_u64 id;
	__aligned_u64 start;
	__aligned_u64 end;
	__aligned_u64 pins;		/* readers and writers in it */
};

/* A frame in a list, in the order of the list; of an empty one there is one record */
struct vmstore_rec_list {
	__aligned_u64 id;
	__aligned_u64 tag;		/* in_list of its frames; 0 = it never had any */
	__aligned_u64 nr;		/* frames in it */
	__aligned_u64 index;		/* of this one */
	__aligned_u64 paddr;		/* all bits set = there is none */
	__aligned_u64 at;		/* where its cursor is, nr = past the last; else 0 */
	__u32 cursor;			/* 1 = it has a cursor */
	__u32 __reserved;
};

/* vmstore_rec_flush.state */
#define VMSTORE_FLUSH_CHANGED	1	/* entries were changed, and nobody issued a flush */
#define VMSTORE_FLUSH_PENDING	2	/* issued and not dispatched */
#define VMSTORE_FLUSH_SENT	3	/* dispatched, and some CPU has not flushed yet */

/* A range of a space that may be cached although the tables say otherwise */
struct vmstore_rec_flush {
	__aligned_u64 cursor;		/* 0 = the cursor is gone */
	__aligned_u64 space;		/* 0 = the kernel half */
	__aligned_u64 start;
	__aligned_u64 end;
	__aligned_u64 cpus;		/* SENT: who has not flushed yet, the first 64 */
	__u32 state;			/* VMSTORE_FLUSH_* */
	__u32 all;			/* 1 = everything; @start and @end are 0 */
};

#define VMSTORE_CPU_MODEL	0xffffffffU	/* vmstore_rec_cached.cpu: no CPU, the model */

/* vmstore_rec_cached.flags */
#define VMSTORE_CACHED_TABLE	0x0001	/* the way to a table, not a translation */
#define VMSTORE_CACHED_GLOBAL	0x0002	/* used under every root */
#define VMSTORE_CACHED_IDLE	0x0004	/* not used any more: its root is not loaded */

/*
 * A translation that is cached: by the model, which has one set for all CPUs and keeps it in
 * check modes FULL and STEP, or by a CPU of the soft machine, with the tables on the way.
 * What a CPU holds is no state of the store: it changes as it does on hardware, also under
 * an operation that fails.
 */
struct vmstore_rec_cached {
	__aligned_u64 space;		/* 0 = the kernel half */
	__aligned_u64 va;
	__aligned_u64 paddr;		/* all bits set = a table of the linear window */
	struct vmstore_prop prop;	/* of a translation */
	__u32 level;			/* of the entry */
	__u32 cpu;			/* or VMSTORE_CPU_MODEL */
	__u32 flags;			/* VMSTORE_CACHED_* */
};

#define VMSTORE_STORY_OPS	256	/* operations a store remembers */
#define VMSTORE_STORY_DATA	96	/* bytes of the data of each, see below */

/**
 * struct vmstore_rec_story - an operation that was executed
 * @seq: its number, from 1; vmstore_info.out_ops is the number of the last one
 * @data_len: bytes it read from the memory of its caller, or wrote there
 * @op: the operation with its outcome; references are the ids they stood for, a user
 *	pointer is as it was given
 * @data: the first of these bytes, the rest is zero
 *
 * In check modes FULL and STEP the numbers are the order of the effects. In mode OFF
 * operations that overlap in time may have had their effects in another order; of two
 * that do not overlap the first one has the lower number in any mode. What was refused
 * before it was executed has no number (a bad flag, reference or pointer), nor has a
 * wait that a signal ended. The operation that a violation froze the store after is the
 * last one, with errno EIO.
 */
struct vmstore_rec_story {
	__aligned_u64 seq;
	__aligned_u64 data_len;
	struct vmstore_op op;
	__u8 data[VMSTORE_STORY_DATA];
};

/* vmstore_dump.flags */
#define VMSTORE_DUMP_WAIT	0x0001	/* STORY: wait until there is a record, see below */

/**
 * struct vmstore_dump - VMSTORE_DUMP: read a section of the state
 * @size: sizeof(struct vmstore_dump)
 * @section: enum vmstore_section
 * @flags: VMSTORE_DUMP_*, those the section knows
 * @rec_size: size of the section's record in this header, else -EINVAL. A later
 *	module that knows longer records will still take this size
 * @pos: where to go on: 0 first, then what the call before left here
 * @buf: user pointer to an array of records
 * @buf_len: its length in bytes, room for one record at least
 * @out_len: bytes written
 * @out_more: 1 = call again
 * @__reserved: must be zero
 * @out_generation: changes with every operation; equal over all pages of a dump
 *	means that nothing changed in between
 *
 * One call sees one state. Errors: -EINVAL, -EFAULT, -ENOMEM, -EOPNOTSUPP an unknown flag,
 * -EINTR.
 *
 * VMSTORE_DUMP_STORY holds up no operation and is no picture of one moment: @pos[0] is
 * the number of the first operation wanted (0 and 1: the oldest that is remembered), and
 * afterwards that of the next one, also with @out_more 0. So whoever calls again and
 * again follows the store. A number that is left out was overwritten before it was read.
 * With VMSTORE_DUMP_WAIT the call waits while there is nothing to read, until a signal
 * (-EINTR) or until the store is frozen; of a frozen store it returns what there is.
 * It also waits while the store is not set up, and does not set it up.
 */
struct vmstore_dump {
	__u32 size;
	__u32 section;
	__u32 flags;
	__u32 rec_size;
	__aligned_u64 pos[2];
	__aligned_u64 buf;
	__u32 buf_len;
	__u32 out_len;
	__u32 out_more;
	__u32 __reserved;
	__aligned_u64 out_generation;
};

#define VMSTORE_INFO	_IO(VMSTORE_IOC_TYPE, 0x00)
#define VMSTORE_SETUP	_IO(VMSTORE_IOC_TYPE, 0x01)
#define VMSTORE_RUN	_IO(VMSTORE_IOC_TYPE, 0x02)
#define VMSTORE_CHECK	_IO(VMSTORE_IOC_TYPE, 0x03)
#define VMSTORE_DUMP	_IO(VMSTORE_IOC_TYPE, 0x04)

#endif /* _UAPI_LINUX_VMSTORE_H */
