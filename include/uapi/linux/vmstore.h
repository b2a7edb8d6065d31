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
 *  EOVERFLOW  a reference count is saturated
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
 * @out_ops: operations executed since SETUP, failed ones included
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
 * @__reserved: must be zero
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
	__u32 __reserved;
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
 *	active there [O-Activate]
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
	__VMSTORE_OP_MAX = 21,
};

/*
 * In place of an id: the id that operation k of the same batch produced. The
 * operation must come earlier in the batch, have succeeded, and have produced
 * an id of the type the argument takes; else -EINVAL.
 */
#define VMSTORE_REF_FLAG	(1ULL << 63)
#define VMSTORE_REF(k)		(VMSTORE_REF_FLAG | (__u64)(k))

/* vmstore_op.flags */
#define VMSTORE_OPF_WAIT	0x0001	/* CURSOR_OPEN*: wait, interruptibly, for the range */
#define VMSTORE_OPF_WRITE	0x0002	/* ACCESS: store instead of load */
#define VMSTORE_OPF_PEEK	0x0004	/* CURSOR_QUERY: only look, make no handle */
#define VMSTORE_OPF_CACHE	0x0008	/* CURSOR_PROTECT_NEXT: set the cache policy too */

/* FRAME_FROM_UNUSED, FRAME_FROM_IN_USE */
struct vmstore_arg_paddr {
	__aligned_u64 paddr;
};

/* FRAME_DROP, SPACE_DROP, SPACE_ACTIVATE, CURSOR_DROP, CURSOR_QUERY, CURSOR_VADDR */
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
 * CURSOR_FLUSH: @va and @len are page aligned; @len 0 = everything of the space. No
 * outcome.
 */
struct vmstore_arg_flush {
	__aligned_u64 cursor;
	__aligned_u64 va;
	__aligned_u64 len;
};

/*
 * ACCESS: @va must be aligned to @width. Below MAX_USERSPACE_VADDR it is an
 * access of the space; in the linear window its slot must be a shared data frame.
 */
struct vmstore_arg_access {
	__aligned_u64 space;
	__aligned_u64 va;
	__aligned_u64 value;	/* stored, with VMSTORE_OPF_WRITE */
	__u32 width;		/* 1, 2, 4 or 8 */
	__u32 __reserved;
};

/* FRAME_*: the new handle and its frame */
struct vmstore_out_frame {
	__aligned_u64 id;
	__aligned_u64 paddr;
};

/* FRAME_DROP: @freed 1 when it was the last reference */
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
 * VMSTORE_OPF_PEEK was given.
 */
struct vmstore_out_query {
	__aligned_u64 id;
	__aligned_u64 start;
	__aligned_u64 end;
	__aligned_u64 paddr;
	struct vmstore_prop prop;
	__u32 level;
	__u32 found;
	__u32 __reserved;
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
 * ACCESS. A fault is errno EFAULT and @fault. @value is what was loaded. @paddr
 * is 0. The accesses of a batch may be on any CPU.
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
 * @out: outcome, by opcode; zero when the operation failed (ACCESS: but @fault)
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
		struct vmstore_arg_access access;
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
		struct vmstore_out_access access;
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

/**
 * struct vmstore_dump - VMSTORE_DUMP: read a section of the state
 * @size: sizeof(struct vmstore_dump)
 * @section: enum vmstore_section
 * @flags: must be zero
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
 * One call sees one state. Errors: -EINVAL, -EFAULT, -ENOMEM.
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
