// SPDX-License-Identifier: GPL-2.0-only
/* Readers and writers [5.3]. */

#include <stdint.h>
#include <stdlib.h>

#include "model.h"

/* --- making and dropping ------------------------------------------------------------- */

static bool orc_is_writer_op(__u16 opcode)
{
	switch (opcode) {
	case VMSTORE_OP_WRITER_NEW:
	case VMSTORE_OP_KWRITER_NEW:
	case VMSTORE_OP_WRITER_DROP:
	case VMSTORE_OP_WRITER_WRITE_VAL:
	case VMSTORE_OP_WRITER_FILL_ZEROS:
	case VMSTORE_OP_WRITER_LIMIT:
	case VMSTORE_OP_WRITER_SKIP:
	case VMSTORE_OP_WRITER_QUERY:
	case VMSTORE_OP_WRITER_FILL:
	case VMSTORE_OP_WRITER_WRITE_ONCE:
		return true;
	}
	return false;
}

static struct orc_io *orc_get_io(struct orc_step *t, __u64 id, bool writer)
{
	struct orc_io *io = orc_get(t, &t->s->ios, id);

	if (io && io->writer != writer)
		orc_refuse(t, EINVAL);
	return io;
}

static __u64 orc_left(const struct orc_io *io)
{
	return io ? io->end - io->cursor : 0;
}

static void orc_out_io(struct orc_step *t, const struct orc_io *io, __u64 done)
{
	t->want.out.io.cursor = io->cursor;
	t->want.out.io.end = io->end;
	t->want.out.io.done = done;
}

static void orc_new_io(struct orc_step *t, __u64 space, __u64 area, __u64 vaddr, __u64 len)
{
	struct orc_io *io = orc_add(&t->s->ios, orc_fresh(t, ORC_IO, t->op->out.io.id));

	io->space = space;
	io->area = area;
	io->vaddr = vaddr;
	io->len = len;
	io->cursor = vaddr;
	io->end = vaddr + len;
	io->writer = orc_is_writer_op(t->op->opcode);
	t->want.out.io.id = io->id;
	orc_out_io(t, io, 0);
}

void orc_io_new(struct orc_step *t)
{
	const struct vmstore_arg_io_new *arg = &t->op->arg.io_new;
	struct orc_space *space = orc_get(t, &t->s->spaces, arg->space);

	if (space && !(space->active & 1ULL << t->op->cpu))
		orc_refuse(t, EACCES);
	if (arg->vaddr > VMSTORE_MAX_USERSPACE_VADDR ||
	    arg->len > VMSTORE_MAX_USERSPACE_VADDR - arg->vaddr)
		orc_refuse(t, EACCES);
	if (orc_goes(t))
		orc_new_io(t, arg->space, 0, arg->vaddr, arg->len);
}

/* Pages of the region a kernel reader or writer was made over */
static void orc_pinned(__u64 vaddr, __u64 len, __u64 *first, __u64 *end)
{
	__u64 paddr = vaddr - VMSTORE_KERNEL_BASE;

	*first = paddr & -ORC_PAGE;
	*end = len ? paddr + len : *first;
}

/* Every frame of the range must be a shared data frame, and is pinned */
static void orc_may_pin(struct orc_step *t, __u64 vaddr, __u64 len)
{
	__u64 size = orc_region_size(t->s), at, end;

	if (vaddr < VMSTORE_KERNEL_BASE || vaddr - VMSTORE_KERNEL_BASE > size ||
	    len > size - (vaddr - VMSTORE_KERNEL_BASE)) {
		orc_refuse(t, EACCES);
		return;
	}
	orc_pinned(vaddr, len, &at, &end);
	for (; at < end; at += ORC_PAGE) {
		const struct orc_slot *slot = orc_peek(t->s, at);

		if (!slot || (!orc_users(slot) && !slot->gathered)) {
			orc_refuse(t, EACCES);
			return;
		}
		if (!orc_users(slot))
			orc_may_refuse(t, EACCES);
	}
}

static void orc_pin(struct orc_state *s, __u64 vaddr, __u64 len, int by)
{
	__u64 at, end;

	orc_pinned(vaddr, len, &at, &end);
	for (; at < end; at += ORC_PAGE)
		ORC_COUNT(s, at, pins, by);
}

/* All of the range in one area and mapped, for a writer writable; the area is pinned */
static const struct orc_kvirt *orc_may_pin_area(struct orc_step *t, __u64 vaddr, __u64 len)
{
	const struct orc_kvirt *area = orc_kvirt_of(t->s, vaddr, len);
	__u64 at;

	if (!area) {
		orc_refuse(t, EACCES);
		return NULL;
	}
	for (at = vaddr & -ORC_PAGE; len && at < vaddr + len; at += ORC_PAGE) {
		struct orc_target target = orc_kvirt_target(t->s, at);

		if (orc_fault(&target, orc_is_writer_op(t->op->opcode))) {
			orc_refuse(t, EACCES);
			break;
		}
	}
	return area;
}

void orc_kio_new(struct orc_step *t)
{
	const struct vmstore_arg_kio_new *arg = &t->op->arg.kio_new;
	const struct orc_kvirt *area = NULL;

	if (arg->vaddr >= VMSTORE_KVIRT_BASE)
		area = orc_may_pin_area(t, arg->vaddr, arg->len);
	else
		orc_may_pin(t, arg->vaddr, arg->len);
	if (!orc_goes(t))
		return;
	if (!area)
		orc_pin(t->s, arg->vaddr, arg->len, 1);
	orc_new_io(t, 0, area ? area->id : 0, arg->vaddr, arg->len);
}

void orc_io_drop(struct orc_step *t)
{
	struct orc_io *io = orc_get_io(t, t->op->arg.id.id, orc_is_writer_op(t->op->opcode));

	if (!orc_goes(t))
		return;
	orc_out_io(t, io, 0);
	if (!io->space && !io->area)
		orc_pin(t->s, io->vaddr, io->len, -1);
	orc_del(&t->s->ios, io);
}

/* --- moving -------------------------------------------------------------------------- */

void orc_io_limit(struct orc_step *t)
{
	const struct vmstore_arg_io_len *arg = &t->op->arg.io_len;
	struct orc_io *io = orc_get_io(t, arg->io, orc_is_writer_op(t->op->opcode));

	if (!orc_goes(t))
		return;
	if (arg->n < orc_left(io))
		io->end = io->cursor + arg->n;
	orc_out_io(t, io, 0);
}

void orc_io_skip(struct orc_step *t)
{
	const struct vmstore_arg_io_len *arg = &t->op->arg.io_len;
	struct orc_io *io = orc_get_io(t, arg->io, orc_is_writer_op(t->op->opcode));

	if (io && arg->n > orc_left(io))
		orc_refuse(t, EINVAL);
	if (!orc_goes(t))
		return;
	io->cursor += arg->n;
	orc_out_io(t, io, 0);
}

void orc_io_query(struct orc_step *t)
{
	struct orc_io *io = orc_get_io(t, t->op->arg.id.id, orc_is_writer_op(t->op->opcode));

	if (orc_goes(t))
		orc_out_io(t, io, 0);
}

/* --- bytes --------------------------------------------------------------------------- */

/* One page of what is read or written */
struct orc_chunk {
	struct orc_target *targets;
	unsigned int nr;
	__u64 at;	/* offset in the page */
	__u64 len;
};

/* What is at @va of @io's addresses, @len bytes at most; free chunk.targets */
static struct orc_chunk orc_chunk(struct orc_step *t, const struct orc_io *io, __u64 va,
				  __u64 len)
{
	struct orc_chunk chunk = { .at = va % ORC_PAGE, .len = ORC_PAGE - va % ORC_PAGE };

	if (chunk.len > len)
		chunk.len = len;
	if (io->space) {
		chunk.targets = orc_targets(orc_find(&t->s->spaces, io->space), t->op->cpu, va,
					    &chunk.nr);
		return chunk;
	}
	chunk.targets = calloc(1, sizeof(*chunk.targets));
	if (!chunk.targets)
		abort();
	chunk.targets[0] = (struct orc_target) {
		.mapped = true,
		.write = true,
		.paddr = (va & -ORC_PAGE) - VMSTORE_KERNEL_BASE,
	};
	if (io->area)
		chunk.targets[0] = orc_kvirt_target(t->s, va);
	chunk.nr = 1;
	return chunk;
}

/* How far an access gets: at least, at most, and the fault that may end it */
struct orc_reach {
	__u64 least;
	__u64 most;
	__u32 fault;
};

static struct orc_reach orc_reach(struct orc_step *t, const struct orc_io *io, __u64 n)
{
	struct orc_reach reach = { .least = n, .most = n };
	__u64 got = t->op->out.io.fault, done = 0;

	while (done < n) {
		struct orc_chunk chunk = orc_chunk(t, io, io->cursor + done, n - done);
		unsigned int faults = 0, i;

		for (i = 0; i < chunk.nr; i++) {
			__u32 fault = orc_fault(&chunk.targets[i], io->writer);

			if (!fault)
				continue;
			faults++;
			if (!reach.fault || fault == got)
				reach.fault = fault;
		}
		free(chunk.targets);
		if (faults && reach.least == n)
			reach.least = done;
		if (faults == chunk.nr) {
			reach.most = done;
			break;
		}
		done += chunk.len;
	}
	return reach;
}

/* What may end at a fault; the outcome of one is @fault and @done */
static bool orc_io_goes(struct orc_step *t, const struct orc_reach *reach, __u64 n)
{
	if (!t->nr_errnos && reach->most < n)
		orc_refuse(t, EFAULT);
	else if (!t->nr_errnos && reach->least < n)
		orc_may_refuse(t, EFAULT);
	if (orc_goes(t))
		return true;
	if (t->op->out_errno == -EFAULT && reach->fault)
		t->want.out.io.fault = reach->fault;
	return false;
}

static bool orc_faulted(const struct orc_step *t)
{
	return !orc_differs(t) && t->op->out_errno == -EFAULT && t->op->out.io.fault;
}

static __u64 orc_between(__u64 x, __u64 least, __u64 most)
{
	return x < least ? least : x > most ? most : x;
}

/* A page was accessed, or with @sure false perhaps it was */
static void orc_io_accessed(struct orc_step *t, const struct orc_io *io, __u64 va,
			    const struct orc_chunk *chunk, bool sure)
{
	if (io->space)
		orc_accessed(orc_find(&t->s->spaces, io->space), va, io->writer,
			     sure && chunk->nr == 1);
	else if (io->area)
		orc_kvirt_accessed(t->s, va, io->writer);
}

/* Are these the bytes from the cursor of reader @io on? Then they are known */
static void orc_check_read(struct orc_step *t, const struct orc_io *io, const __u8 *bytes,
			   __u64 n)
{
	__u64 done = 0;

	while (done < n) {
		__u64 va = io->cursor + done;
		struct orc_chunk chunk = orc_chunk(t, io, va, n - done);
		bool fits = false;
		unsigned int i;

		for (i = 0; i < chunk.nr; i++) {
			__u64 paddr = chunk.targets[i].paddr + chunk.at;

			if (!chunk.targets[i].mapped)
				continue;
			fits |= orc_holds(t->s, paddr, bytes + done, chunk.len);
			if (fits && chunk.nr == 1)
				orc_store(t->s, paddr, bytes + done, chunk.len);
		}
		if (!fits)
			orc_differ(t, "reads bytes at %#llx that are in no frame it may reach",
				   va);
		orc_io_accessed(t, io, va, &chunk, true);
		free(chunk.targets);
		done += chunk.len;
	}
}

/* A store to one page: certain, or perhaps, or into one of several frames */
static void orc_write_chunk(struct orc_step *t, const struct orc_chunk *chunk,
			    const __u8 *bytes, __u64 len, bool sure)
{
	unsigned int i;

	for (i = 0; i < chunk->nr; i++) {
		__u64 paddr = chunk->targets[i].paddr + chunk->at;

		if (orc_fault(&chunk->targets[i], true))
			continue;
		if (sure && bytes && chunk->nr == 1)
			orc_store(t->s, paddr, bytes, len);
		else
			orc_blur(t->s, paddr, len);
	}
}

/*
 * Writer @io wrote @least bytes, and perhaps up to @most. @bytes NULL: zeros when
 * @zeros, else not known.
 */
static void orc_take_write(struct orc_step *t, const struct orc_io *io, const __u8 *bytes,
			   __u64 least, __u64 most)
{
	__u64 done = 0;

	while (done < most) {
		__u64 va = io->cursor + done;
		struct orc_chunk chunk = orc_chunk(t, io, va, most - done);
		bool sure = done < least;

		if (sure && chunk.len > least - done)
			chunk.len = least - done;
		orc_write_chunk(t, &chunk, bytes ? bytes + done : NULL, chunk.len, sure);
		orc_io_accessed(t, io, va, &chunk, sure);
		free(chunk.targets);
		done += chunk.len;
	}
}

/* --- values -------------------------------------------------------------------------- */

static void orc_read_to_buffer(struct orc_step *t, struct orc_io *io, __u64 n)
{
	const __u8 *bytes = (const __u8 *)(uintptr_t)t->op->arg.io_data.buf;
	struct orc_reach reach = { .least = n, .most = n };

	if (!t->nr_errnos)
		reach = orc_reach(t, io, n);
	if (!orc_io_goes(t, &reach, n)) {
		/* Rewound, what was read is discarded */
		if (orc_faulted(t))
			t->want.out.io.done = orc_between(t->op->out.io.done, 0, reach.most);
		return;
	}
	orc_check_read(t, io, bytes, n);
	io->cursor += n;
	orc_out_io(t, io, n);
}

void orc_reader_read(struct orc_step *t)
{
	const struct vmstore_arg_io_data *arg = &t->op->arg.io_data;
	struct orc_io *io = orc_get_io(t, arg->io, false);

	if (arg->len > VMSTORE_MAX_DATA || (io && arg->len > orc_left(io)))
		orc_refuse(t, EINVAL);
	orc_read_to_buffer(t, io, arg->len);
}

void orc_reader_collect(struct orc_step *t)
{
	const struct vmstore_arg_io_data *arg = &t->op->arg.io_data;
	struct orc_io *io = orc_get_io(t, arg->io, false);

	if (arg->len > VMSTORE_MAX_DATA || (io && arg->len < orc_left(io)))
		orc_refuse(t, EINVAL);
	if (orc_left(io) > VMSTORE_MAX_DATA)
		orc_refuse(t, ENOMEM);
	orc_read_to_buffer(t, io, orc_left(io));
}

void orc_writer_write(struct orc_step *t)
{
	const struct vmstore_arg_io_data *arg = &t->op->arg.io_data;
	const __u8 *bytes = (const __u8 *)(uintptr_t)arg->buf;
	struct orc_io *io = orc_get_io(t, arg->io, true);
	struct orc_reach reach = { .least = arg->len, .most = arg->len };

	if (arg->len > VMSTORE_MAX_DATA || (io && arg->len > orc_left(io)))
		orc_refuse(t, EINVAL);
	if (!t->nr_errnos)
		reach = orc_reach(t, io, arg->len);
	if (!orc_io_goes(t, &reach, arg->len)) {
		/* Rewound, what was written stays */
		if (!orc_faulted(t))
			return;
		orc_take_write(t, io, bytes, reach.least, reach.most);
		t->want.out.io.done = orc_between(t->op->out.io.done, 0, reach.most);
		return;
	}
	orc_take_write(t, io, bytes, arg->len, arg->len);
	io->cursor += arg->len;
	orc_out_io(t, io, arg->len);
}

void orc_writer_fill_zeros(struct orc_step *t)
{
	const struct vmstore_arg_io_len *arg = &t->op->arg.io_len;
	struct orc_io *io = orc_get_io(t, arg->io, true);
	__u64 n = arg->n < orc_left(io) ? arg->n : orc_left(io), done = n;
	struct orc_reach reach = { .least = n, .most = n };
	__u8 *zeros;

	if (!t->nr_errnos)
		reach = orc_reach(t, io, n);
	if (!orc_io_goes(t, &reach, n)) {
		if (!orc_faulted(t))
			return;
		done = orc_between(t->op->out.io.done, reach.least, reach.most);
		t->want.out.io.done = done;
	}
	zeros = calloc(1, done + 1);
	if (!zeros)
		abort();
	orc_take_write(t, io, zeros, done, done);
	free(zeros);
	io->cursor += done;
	if (!t->op->out_errno)
		orc_out_io(t, io, done);
}

/* --- from one to another ------------------------------------------------------------- */

static bool orc_share_frame(const struct orc_chunk *a, const struct orc_chunk *b)
{
	unsigned int i, k;

	for (i = 0; i < a->nr; i++)
		for (k = 0; k < b->nr; k++)
			if (a->targets[i].mapped && b->targets[k].mapped &&
			    a->targets[i].paddr == b->targets[k].paddr)
				return true;
	return false;
}

/* One chunk; where source and destination are one frame the order is not said */
static __u64 orc_copy_chunk(struct orc_step *t, const struct orc_io *from,
			    const struct orc_io *to, __u64 done, __u64 n, bool overlap)
{
	struct orc_chunk src = orc_chunk(t, from, from->cursor + done, n - done);
	struct orc_chunk dst = orc_chunk(t, to, to->cursor + done, src.len);
	__u8 bytes[VMSTORE_PAGE_SIZE], known[VMSTORE_PAGE_SIZE];
	__u64 len = dst.len, ran = 0;

	orc_io_accessed(t, from, from->cursor + done, &src, true);
	orc_io_accessed(t, to, to->cursor + done, &dst, true);
	memset(known, 0, sizeof(known));
	if (src.nr == 1 && !overlap && !orc_share_frame(&src, &dst))
		orc_load(t->s, src.targets[0].paddr + src.at, bytes, known, len);
	/* Runs of bytes of which all or none are known */
	while (ran < len) {
		__u64 at = ran;
		struct orc_chunk run = dst;

		while (ran < len && known[ran] == known[at])
			ran++;
		run.at += at;
		orc_write_chunk(t, &run, bytes + at, ran - at, known[at]);
	}
	free(src.targets);
	free(dst.targets);
	return len;
}

/* Do the two reach one frame anywhere in their next @n bytes? */
static bool orc_overlap(struct orc_step *t, const struct orc_io *from, const struct orc_io *to,
			__u64 n)
{
	bool overlap = false;
	__u64 a = 0, b;

	while (a < n && !overlap) {
		struct orc_chunk src = orc_chunk(t, from, from->cursor + a, n - a);

		for (b = 0; b < n && !overlap;) {
			struct orc_chunk dst = orc_chunk(t, to, to->cursor + b, n - b);

			overlap = orc_share_frame(&src, &dst);
			free(dst.targets);
			b += dst.len;
		}
		free(src.targets);
		a += src.len;
	}
	return overlap;
}

/*
 * Which side's fault ends a copy: what is not read is not written either. If either can,
 * the module says which.
 */
static __u32 orc_first_fault(const struct orc_reach *src, const struct orc_reach *dst,
			     __u32 reported)
{
	bool src_may = src->fault && src->least <= dst->most;
	bool dst_may = dst->fault && dst->least < src->most;

	return dst_may && (!src_may || reported == dst->fault) ? dst->fault : src->fault;
}

void orc_io_copy(struct orc_step *t)
{
	const struct vmstore_arg_io_pair *arg = &t->op->arg.io_pair;
	bool fallible = t->op->opcode == VMSTORE_OP_READ_FALLIBLE ||
			t->op->opcode == VMSTORE_OP_WRITE_FALLIBLE;
	struct orc_io *from = orc_get_io(t, arg->source, false);
	struct orc_io *to = orc_get_io(t, arg->dest, true);
	__u64 n = orc_left(from) < orc_left(to) ? orc_left(from) : orc_left(to), done;
	struct orc_reach src = { .least = n, .most = n }, dst = src, reach;
	bool overlap;
	__u64 at = 0;

	if (from && to && (from->space || to->space) != fallible)
		orc_refuse(t, EINVAL);
	if (!t->nr_errnos) {
		src = orc_reach(t, from, n);
		dst = orc_reach(t, to, n);
	}
	reach.least = src.least < dst.least ? src.least : dst.least;
	reach.most = src.most < dst.most ? src.most : dst.most;
	reach.fault = orc_first_fault(&src, &dst, t->op->out.io.fault);
	done = n;
	if (!orc_io_goes(t, &reach, n)) {
		if (!orc_faulted(t))
			return;
		done = orc_between(t->op->out.io.done, reach.least, reach.most);
		t->want.out.io.done = done;
	}
	overlap = orc_overlap(t, from, to, done);
	while (at < done)
		at += orc_copy_chunk(t, from, to, at, done, overlap);
	from->cursor += done;
	to->cursor += done;
	if (!t->op->out_errno)
		orc_out_io(t, from, done);
}

/* --- kernel only --------------------------------------------------------------------- */

static bool orc_width(__u32 width)
{
	return width == 1 || width == 2 || width == 4 || width == 8;
}

static struct orc_io *orc_get_kernel_io(struct orc_step *t)
{
	const struct vmstore_arg_io_value *arg = &t->op->arg.io_value;
	struct orc_io *io = orc_get_io(t, arg->io, orc_is_writer_op(t->op->opcode));

	if (arg->__reserved || !orc_width(arg->width))
		orc_refuse(t, EINVAL);
	else if (io && (io->space || io->cursor % arg->width))
		orc_refuse(t, EINVAL);
	return io;
}

void orc_writer_fill(struct orc_step *t)
{
	const struct vmstore_arg_io_value *arg = &t->op->arg.io_value;
	struct orc_io *io = orc_get_kernel_io(t);
	__u64 n = orc_left(io), i;
	__u8 *bytes;

	if (!t->nr_errnos && n % arg->width)
		orc_refuse(t, EINVAL);
	if (!orc_goes(t))
		return;
	bytes = malloc(n + 1);
	if (!bytes)
		abort();
	for (i = 0; i < n; i++)
		bytes[i] = arg->value >> i % arg->width * 8;
	orc_take_write(t, io, bytes, n, n);
	free(bytes);
	io->cursor = io->end;
	orc_out_io(t, io, n / arg->width);
}

void orc_io_once(struct orc_step *t)
{
	const struct vmstore_arg_io_value *arg = &t->op->arg.io_value;
	bool write = t->op->opcode == VMSTORE_OP_WRITER_WRITE_ONCE;
	struct orc_io *io = orc_get_kernel_io(t);
	__u64 value = t->op->out.io.value;

	if (!t->nr_errnos && orc_left(io) < arg->width)
		orc_refuse(t, EINVAL);
	if (!write && arg->value)
		orc_refuse(t, EINVAL);
	if (!orc_goes(t))
		return;
	if (write) {
		orc_take_write(t, io, (const __u8 *)&arg->value, arg->width, arg->width);
	} else {
		orc_check_read(t, io, (const __u8 *)&value, arg->width);
		if (arg->width < 8)
			value &= (1ULL << 8 * arg->width) - 1;
		t->want.out.io.value = value;
	}
	io->cursor += arg->width;
	orc_out_io(t, io, arg->width);
}
