// SPDX-License-Identifier: GPL-2.0-only
/* Effects of the operations of readers and writers. No registry here. */

#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/sched/signal.h>

#include "vmio.h"

/* What is copied or filled at a time: one window on either side */
#define VMS_IO_CHUNK		VMS_ACCESS_MAX

static void vms_io_init(struct vms_io *io, bool writer, u64 vaddr, u64 len)
{
	io->writer = writer;
	io->vaddr = vaddr;
	io->len = len;
	io->cursor = vaddr;
	io->end = vaddr + len;
	INIT_LIST_HEAD(&io->link);
}

/* --- the owner record ------------------------------------------------------------ */

/*
 * Enter the record of the space, or not: see vmio.h. Ranges only shrink later, so those
 * at creation decide.
 */
static void vms_io_admit(struct vms_io *io)
{
	struct vms_space *space = io->space;
	struct list_head *before = NULL;
	bool shared = false;
	struct vms_io *other;

	mutex_lock(&space->io_lock);
	list_for_each_entry(other, &space->ios, link) {
		if (!before && other->vaddr > io->vaddr)
			before = &other->link;
		if (other->vaddr > io->end)
			break;
		if (!vms_io_meets(io, other))
			continue;
		if ((io->writer || other->writer) && !VMS_WRONG(IO_ADMITTED))
			goto out;
		shared = true;
	}
	list_add_tail(&io->link, before ?: &space->ios);
	space->shared_reader |= shared;
out:
	mutex_unlock(&space->io_lock);
}

static void vms_io_dismiss(struct vms_io *io)
{
	struct vms_space *space = io->space;

	mutex_lock(&space->io_lock);
	list_del_init(&io->link);
	if (list_empty(&space->ios))
		space->shared_reader = false;
	mutex_unlock(&space->io_lock);
}

/* --- life ------------------------------------------------------------------------- */

/**
 * vms_io_init_space - a reader or writer of a space [O-NewReader, O-NewWriter]
 * @io: zeroed
 * @space: space the caller is a user of; on success @io is instead
 * @writer: writer, else reader
 * @vaddr: first address
 * @len: bytes; neither need be mapped, both may be 0
 *
 * May sleep.
 *
 * Return: 0, or -EACCES when the range does not end by VMSTORE_MAX_USERSPACE_VADDR.
 */
int vms_io_init_space(struct vms_io *io, struct vms_space *space, bool writer, u64 vaddr,
		      u64 len)
{
	if (vaddr > VMSTORE_MAX_USERSPACE_VADDR || len > VMSTORE_MAX_USERSPACE_VADDR - vaddr)
		return -EACCES;
	vms_io_init(io, writer, vaddr, len);
	io->space = space;
	io->pt = &space->pt;
	if (VMS_WRONG(IO_USER_VIEW))
		io->view = VMS_VIEW_READ;
	vms_io_admit(io);
	return 0;
}

static int vms_io_can_hold(struct vms_region *r, u32 first, u32 nr)
{
	u32 i;
	int err = 0;

	for (i = 0; !err && i < nr; i++) {
		err = vms_slot_can_share(r, array_index_nospec(first + i, r->nr_slots));
		if (!(i % 1024))
			cond_resched();
	}
	return err;
}

static void vms_io_let_go(struct vms_region *r, u32 first, u32 nr)
{
	while (nr--) {
		if (!VMS_WRONG(IO_HELD_ON) || nr)
			vms_slot_put(r, first + nr);
		if (!(nr % 1024))
			cond_resched();
	}
}

/* One reference of each slot, or of none: another operation may come between */
static int vms_io_hold(struct vms_region *r, u32 first, u32 nr)
{
	int err = vms_io_can_hold(r, first, nr);
	u32 i;

	for (i = 0; !err && i < nr - (nr && VMS_WRONG(IO_NOT_HELD)); i++) {
		err = vms_slot_from_in_use(r, first + i);
		if (err)
			vms_io_let_go(r, first, i);
		if (!(i % 1024))
			cond_resched();
	}
	return err;
}

/**
 * vms_io_init_kernel - a reader or writer of kernel addresses [O-NewKernelReader,
 *	O-NewKernelWriter]
 * @io: zeroed
 * @r: region
 * @kernel_pt: the store's kernel page table
 * @writer: writer, else reader
 * @vaddr: first address, in the linear window
 * @len: bytes
 *
 * It holds the frames from here to vms_io_exit(). May sleep.
 *
 * Return: 0, -EACCES when the range is not within the window or has anything but shared
 * data frames in it, -EOVERFLOW one of them is saturated, -EAGAIN one is in flight.
 */
int vms_io_init_kernel(struct vms_io *io, struct vms_region *r, struct vms_pt *kernel_pt,
		       bool writer, u64 vaddr, u64 len)
{
	u32 first, nr;
	int err = vms_linear_range(r, vaddr, len, &first, &nr);

	if (err)
		return err;
	err = vms_io_hold(r, first, nr);
	if (err)
		return err == -EAGAIN || err == -EOVERFLOW ? err : -EACCES;
	vms_io_init(io, writer, vaddr, len);
	io->pt = kernel_pt;
	io->view = writer ? VMS_VIEW_WRITE : VMS_VIEW_READ;
	if (writer && VMS_WRONG(IO_NO_VIEW))
		io->view = VMS_VIEW_NONE;
	return 0;
}

/**
 * vms_io_init_area - a reader or writer of an area [O-NewKernelReader, O-NewKernelWriter]
 * @io: zeroed
 * @k: areas of the store
 * @area: claimed
 * @writer: writer, else reader
 * @vaddr: first address
 * @len: bytes
 *
 * It pins the area from here to vms_io_exit(). May sleep.
 *
 * Return: as vms_kvirt_pin().
 */
int vms_io_init_area(struct vms_io *io, struct vms_kvirts *k, struct vms_kvirt *area,
		     bool writer, u64 vaddr, u64 len)
{
	int err = vms_kvirt_pin(k, area, vaddr, len, writer);

	if (err)
		return err;
	vms_io_init(io, writer, vaddr, len);
	io->pt = k->pt;
	io->area = area;
	io->view = writer ? VMS_VIEW_WRITE : VMS_VIEW_READ;
	return 0;
}

/**
 * vms_io_exit - end a reader or writer [O-DropReader, O-DropWriter]
 * @io: claimed, or one that nobody has seen
 * @r: region
 * @k: areas of the store
 *
 * Its memory stays until the caller frees it after a grace period. May sleep.
 */
void vms_io_exit(struct vms_io *io, struct vms_region *r, struct vms_kvirts *k)
{
	u32 first, nr;

	if (io->space) {
		vms_io_dismiss(io);
		vms_space_put(io->space);
	} else if (io->area) {
		vms_kvirt_unpin(k, io->area);
	} else if (!vms_linear_range(r, io->vaddr, io->len, &first, &nr)) {
		vms_io_let_go(r, first, nr);
	}
}

/* --- moving bytes ------------------------------------------------------------------ */

/**
 * vms_io_move - load what a reader has next, or store what a writer gets next
 * @mmu: machine
 * @cpu: logical CPU
 * @io: claimed; its cursor stays where it is
 * @buf: kernel buffer
 * @len: bytes, at most what remains
 * @moved: out
 *
 * One window for each VMS_ACCESS_MAX bytes. Process context, IRQs on, may sleep.
 *
 * Return: 0, -EFAULT with @moved, or what the machine says.
 */
int vms_io_move(struct vms_mmu *mmu, int cpu, struct vms_io *io, void *buf, u64 len,
		struct vms_moved *moved)
{
	int err = 0;

	*moved = (struct vms_moved) {};
	while (!err && moved->done < len) {
		struct vms_access a = {
			.va = io->cursor + moved->done,
			.buf = buf + moved->done,
			.len = min_t(u64, len - moved->done, VMS_ACCESS_MAX),
			.write = io->writer,
		};

		err = vms_pt_access(io->pt, mmu, cpu, &a);
		moved->done += a.done;
		moved->fault = a.fault;
	}
	return err;
}

static void *vms_io_buffer(u64 len)
{
	return kvzalloc(min_t(u64, len, VMS_IO_CHUNK), GFP_KERNEL_ACCOUNT);
}

/* Between two chunks: who is dying does not go on for as long as all of it takes */
static int vms_io_pause(void)
{
	cond_resched();
	return fatal_signal_pending(current) ? -EINTR : 0;
}

/**
 * vms_io_fill - fill with a value what a writer gets next [O-WriterFillZeros, O-IoExtra]
 * @mmu: machine
 * @cpu: logical CPU
 * @io: claimed writer; its cursor moves past what was written
 * @value: the value
 * @width: its bytes, 1, 2, 4 or 8
 * @len: bytes, a multiple of @width, at most what remains
 * @moved: out
 *
 * Process context, IRQs on, may sleep.
 *
 * Return: 0, -ENOMEM, -EFAULT with @moved, -EINTR the caller is dying, or what the machine
 * says.
 */
int vms_io_fill(struct vms_mmu *mmu, int cpu, struct vms_io *io, u64 value, u32 width,
		u64 len, struct vms_moved *moved)
{
	u64 chunk = min_t(u64, len, VMS_IO_CHUNK);
	struct vms_moved part;
	void *buf;
	u64 i;
	int err = 0;

	*moved = (struct vms_moved) {};
	if (!len)
		return 0;
	buf = vms_io_buffer(chunk);
	if (!buf)
		return -ENOMEM;
	for (i = 0; value && i < chunk; i += width)
		memcpy(buf + i, &value, width);		/* little endian */
	while (!err && moved->done < len) {
		err = vms_io_move(mmu, cpu, io, buf, min(chunk, len - moved->done), &part);
		io->cursor += part.done;
		moved->done += part.done;
		moved->fault = part.fault;
		err = err ?: vms_io_pause();
	}
	kvfree(buf);
	return err;
}

/* One chunk; a fault of either side leaves both cursors behind the bytes that arrived */
static int vms_io_copy_chunk(struct vms_mmu *mmu, int cpu, struct vms_io *source,
			     struct vms_io *dest, void *buf, u64 len,
			     struct vms_moved *moved)
{
	struct vms_moved in, out;
	int err_in = vms_io_move(mmu, cpu, source, buf, len, &in);
	int err_out = vms_io_move(mmu, cpu, dest, buf, in.done, &out);

	source->cursor += out.done;
	dest->cursor += out.done;
	moved->done += out.done;
	/* A fault of the destination is at an earlier byte than one of the source */
	moved->fault = err_out ? out.fault : in.fault;
	return err_out ?: err_in;
}

/**
 * vms_io_copy - copy from a reader to a writer as much as both have [O-Read, O-IoExtra]
 * @mmu: machine
 * @cpu: logical CPU
 * @source: claimed reader; its cursor moves past what was copied
 * @dest: claimed writer; the same
 * @moved: out
 *
 * Through a kernel buffer, chunk by chunk; where both are the same memory the result is
 * as unspecified as memcpy()'s. Process context, IRQs on, may sleep.
 *
 * Return: as vms_io_fill().
 */
int vms_io_copy(struct vms_mmu *mmu, int cpu, struct vms_io *source, struct vms_io *dest,
		struct vms_moved *moved)
{
	u64 len = min(vms_io_remain(source), vms_io_remain(dest));
	void *buf;
	int err = 0;

	*moved = (struct vms_moved) {};
	if (!len)
		return 0;
	buf = vms_io_buffer(len);
	if (!buf)
		return -ENOMEM;
	while (!err && moved->done < len) {
		u64 chunk = min_t(u64, len - moved->done, VMS_IO_CHUNK);

		err = vms_io_copy_chunk(mmu, cpu, source, dest, buf, chunk, moved);
		err = err ?: vms_io_pause();
	}
	kvfree(buf);
	return err;
}
