/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Readers and writers: VmReader, VmWriter [model 2.11, 5.3].
 *
 * One of a space reads or writes user memory through the root of that space, whatever is
 * active, and may fault. One of kernel addresses goes through the store's kernel page
 * table and never faults. In the linear window it holds a reference of every frame it
 * covers from its making on, so these stay shared data frames; in an area it pins that, so
 * nothing there is unmapped or changed.
 *
 * The owner record of a space
 * ---------------------------
 * The operations allow readers and writers that overlap, the clauses W5 to W7 do not. So
 * one of a space enters the owner record only where these stay true, as a translation
 * enters the TLB model [D5]; where they would not, it works the same and is left out. A
 * reader that overlaps readers enters, and then the record says shared_reader (W6).
 */
#ifndef VMS_VMIO_H
#define VMS_VMIO_H

#include "kvirt.h"

/* The memory view of a reader or writer [F-VmIoEntry.owner] */
enum vms_view {
	VMS_VIEW_NONE,		/* of a space: what the MMU finds (V3) */
	VMS_VIEW_READ,		/* of kernel addresses: what it covers stays (V4) */
	VMS_VIEW_WRITE,		/* the same (V5) */
};

/**
 * struct vms_io - a reader or writer [F0-vm_ios]
 * @id: its VmIoId
 * @space: its space, of which it is a user; NULL = kernel addresses
 *	[F-VmIoEntry.vm_space]
 * @pt: page table its accesses go through
 * @area: the kernel area that it pins, or NULL
 * @writer: writer, else reader [F-VmIoEntry.kind]
 * @view: whether what it covers stays mapped: it holds the frames of
 *	[@vaddr, @vaddr + @len), or pins the area that they are mapped in
 * @vaddr: as created [F-VmIoEntry.vaddr]
 * @len: as created [F-VmIoEntry.len]
 * @cursor: [@cursor, @end) is what remains
 * @end: see there
 * @link: in the owner record of @space, or empty
 * @claimed: bit 0: an operation is working on it
 * @rcu: lookups are lock-free
 */
struct vms_io {
	u64 id;
	struct vms_space *space;
	struct vms_pt *pt;
	struct vms_kvirt *area;
	bool writer;
	enum vms_view view;
	u64 vaddr;
	u64 len;
	u64 cursor;
	u64 end;
	struct list_head link;
	unsigned long claimed;
	struct rcu_head rcu;
};

/* What moving bytes came to: a fault is that of byte @done */
struct vms_moved {
	u64 done;
	u32 fault;
};

int vms_io_init_space(struct vms_io *io, struct vms_space *space, bool writer, u64 vaddr,
		      u64 len);
int vms_io_init_kernel(struct vms_io *io, struct vms_region *r, struct vms_pt *kernel_pt,
		       bool writer, u64 vaddr, u64 len);
int vms_io_init_area(struct vms_io *io, struct vms_kvirts *k, struct vms_kvirt *area,
		     bool writer, u64 vaddr, u64 len);
void vms_io_exit(struct vms_io *io, struct vms_region *r, struct vms_kvirts *k);

int vms_io_move(struct vms_mmu *mmu, int cpu, struct vms_io *io, void *buf, u64 len,
		struct vms_moved *moved);
int vms_io_fill(struct vms_mmu *mmu, int cpu, struct vms_io *io, u64 value, u32 width,
		u64 len, struct vms_moved *moved);
int vms_io_copy(struct vms_mmu *mmu, int cpu, struct vms_io *source, struct vms_io *dest,
		struct vms_moved *moved);

static inline u64 vms_io_remain(const struct vms_io *io)
{
	return io->end - io->cursor;
}

/* Ranges that merely touch meet too [model 3.9] */
static inline bool vms_io_meets(const struct vms_io *a, const struct vms_io *b)
{
	return a->vaddr <= b->vaddr + b->len && b->vaddr <= a->vaddr + a->len;
}

/* vms_io_claim - one operation at a time works on it; the loser is -EBUSY */
static inline bool vms_io_claim(struct vms_io *io)
{
	return !test_and_set_bit_lock(0, &io->claimed);
}

static inline void vms_io_unclaim(struct vms_io *io)
{
	clear_bit_unlock(0, &io->claimed);
}

#endif /* VMS_VMIO_H */
