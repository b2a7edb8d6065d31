// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel areas [model 5.7, seed 2]: every errno, what happens to slots, what accesses,
 * readers and writers find in them, and what a CPU may still find after a change: nothing.
 *
 * Where an area lies is the module's choice; a test asks only that it may lie there.
 */
#include "vmstore_test.h"

#define REGION		(3 * VMSTORE_BLOCK_SIZE)
#define PAGES_BEFORE	16	/* of device memory, before two pages of 2 MiB */
#define MMIO_SIZE	(2 * VT_2M + PAGES_BEFORE * VT_PAGE)
#define MMIO		(REGION - MMIO_SIZE)
#define HUGE		(REGION - 2 * VT_2M)

#define VA		0x00007f1234567000ULL	/* of the user's mapping */
#define MAX_PAGES	513
#define FILLER		1500	/* handles, to fill the region with */

#define KERNEL_RW	vt_prop(VMSTORE_PROP_R | VMSTORE_PROP_W, VMSTORE_CACHE_WB, 0)
#define KERNEL_RO	vt_prop(VMSTORE_PROP_R, VMSTORE_CACHE_WB, 0)
#define ONLY(bits)	vt_prop(bits, 0, 0)

#define ABSENT		VMSTORE_FAULT_TAKEN
#define STORE		VMSTORE_FAULT_WRITE
#define READ_ONLY	(VMSTORE_FAULT_TAKEN | VMSTORE_FAULT_PRESENT | VMSTORE_FAULT_WRITE)

FIXTURE(kvirt) {
	int fd;
	struct vmstore_info info;
	__u64 space;
	__u64 frame[MAX_PAGES];	/* handles */
	__u64 paddr[MAX_PAGES];
	__u8 *in;
	__u8 *out;
};

FIXTURE_VARIANT(kvirt) {
	__u32 machine;
	__u32 mode;
};

FIXTURE_VARIANT_ADD(kvirt, default_full) {
	.machine = VMSTORE_MACHINE_DEFAULT,
	.mode = VMSTORE_CHECK_FULL,
};

FIXTURE_VARIANT_ADD(kvirt, default_step) {
	.machine = VMSTORE_MACHINE_DEFAULT,
	.mode = VMSTORE_CHECK_STEP,
};

FIXTURE_VARIANT_ADD(kvirt, default_off) {
	.machine = VMSTORE_MACHINE_DEFAULT,
	.mode = VMSTORE_CHECK_OFF,
};

FIXTURE_VARIANT_ADD(kvirt, soft_full) {
	.machine = VMSTORE_MACHINE_SOFT,
	.mode = VMSTORE_CHECK_FULL,
};

FIXTURE_SETUP(kvirt)
{
	const char *reason = vt_skip_reason(variant->machine);

	self->fd = -1;
	if (reason)
		SKIP(return, "%s", reason);
	self->fd = vt_store_device(variant->machine, variant->mode, REGION, MMIO_SIZE);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, vt_info(self->fd, &self->info));
	self->in = malloc(MAX_PAGES * VT_PAGE);
	self->out = malloc(MAX_PAGES * VT_PAGE);
	ASSERT_NE(NULL, self->in);
	ASSERT_NE(NULL, self->out);
	self->space = RUN_OK(self->fd, vt_space_new()).out.id;
}

FIXTURE_TEARDOWN(kvirt)
{
	struct vmstore_info info;

	if (self->fd < 0)
		return;
	EXPECT_EQ(0, vt_settled(self->fd));
	/* Linux's own tables are only read */
	EXPECT_EQ(0, vt_info(self->fd, &info));
	EXPECT_EQ(self->info.out_host_table, info.out_host_table);
	EXPECT_EQ(0, close(self->fd));
	free(self->in);
	free(self->out);
}

/* --- helpers -------------------------------------------------------------------------- */

/* Claim @nr frames; false when one cannot be had */
static bool take_frames(int fd, __u64 *frame, __u64 *paddr, __u32 nr)
{
	struct vmstore_op *ops = calloc(nr + 1, sizeof(*ops));
	bool ok = ops;
	__u32 i;

	for (i = 0; ok && i < nr; i++)
		ops[i] = vt_alloc();
	ok = ok && !vt_run(fd, ops, nr, 0, NULL);
	for (i = 0; ok && i < nr; i++) {
		ok = !ops[i].out_errno;
		frame[i] = ops[i].out.frame.id;
		if (paddr)
			paddr[i] = ops[i].out.frame.paddr;
	}
	free(ops);
	return ok;
}

#define TAKE(nr) ASSERT_TRUE(take_frames(self->fd, self->frame, self->paddr, nr))

/* An area of @pages with the first @nr frames of the fixture in it, from page @at on */
#define MAP(pages, at, nr) ({						\
	TAKE(nr);							\
	RUN_OK(self->fd, vt_kvirt_map((pages) * VT_PAGE, (at) * VT_PAGE, self->frame, nr, \
				      KERNEL_RW)).out.kvirt; })

/* Device memory [start, end), two pages of room before it and one behind */
#define MAP_DEVICE(start, end) \
	(RUN_OK(self->fd, vt_kvirt_untracked((end) - (start) + 3 * VT_PAGE, 2 * VT_PAGE, \
					     start, end, KERNEL_RW)).out.kvirt)

/* What DUMP says of an area; id is 0 when it is not there */
static struct vmstore_rec_kvirt area_rec(int fd, __u64 area)
{
	struct vmstore_rec_kvirt found = {};
	struct vt_sec sec;
	size_t i;

	if (vt_dump(fd, VMSTORE_DUMP_KVIRTS, 1 << 16, &sec))
		return found;
	for (i = 0; i < sec.nr; i++) {
		struct vmstore_rec_kvirt *rec = (void *)sec.data;

		if (rec[i].id == area)
			found = rec[i];
	}
	vt_sec_free(&sec);
	return found;
}

/* What DUMP says of the leaf of the kernel half at @va; level is 0 when there is none */
static struct vmstore_rec_leaves leaf_at(int fd, __u64 va)
{
	struct vmstore_rec_leaves found = {};
	struct vt_sec sec;
	size_t i;

	if (vt_dump(fd, VMSTORE_DUMP_LEAVES, 1 << 16, &sec))
		return found;
	for (i = 0; i < sec.nr; i++) {
		struct vmstore_rec_leaves *rec = (struct vmstore_rec_leaves *)sec.data + i;
		__u64 size = VT_PAGE << 9 * (rec->level - 1);

		if (rec->space || va < rec->va || va - rec->va >= rec->nr * size)
			continue;
		found = *rec;
		found.paddr += (va - rec->va) / size * size;
		found.va += (va - rec->va) / size * size;
		found.nr = 1;
	}
	vt_sec_free(&sec);
	return found;
}

#define EXPECT_LEAF(at, want_level, want_paddr, want_flags) do {	\
	struct vmstore_rec_leaves _l = leaf_at(self->fd, at);		\
									\
	EXPECT_EQ(want_level, _l.level);				\
	EXPECT_EQ(want_paddr, _l.paddr);				\
	EXPECT_EQ(want_flags, _l.prop.flags & ~(VMSTORE_PROP_ACCESSED |	\
						VMSTORE_PROP_DIRTY));	\
} while (0)

/* May an area of this size lie there, beside the others? */
static bool lies_well(int fd, const struct vmstore_out_kvirt *area, __u64 size)
{
	bool good = area->start % VT_PAGE == 0 && area->end - area->start == size &&
		    area->start >= VMSTORE_KVIRT_BASE && area->start <= area->end &&
		    area->end <= VMSTORE_KVIRT_END;
	struct vt_sec sec;
	size_t i;

	if (vt_dump(fd, VMSTORE_DUMP_KVIRTS, 1 << 16, &sec))
		return false;
	for (i = 0; i < sec.nr; i++) {
		struct vmstore_rec_kvirt *rec = (struct vmstore_rec_kvirt *)sec.data + i;

		/* A page at least between two of them */
		if (rec->id != area->id && rec->start <= area->end && area->start <= rec->end)
			good = false;
	}
	vt_sec_free(&sec);
	return good;
}

#define EXPECT_LOAD(want, va, cpu) \
	EXPECT_EQ(want, RUN_OK(self->fd, vt_load(self->space, va, 8, cpu)).out.access.value)

#define STORE_AT(va, value, cpu) \
	RUN_OK(self->fd, vt_write(self->space, va, 8, value, cpu))

/* A fault has these bits, and changes nothing */
#define EXPECT_FAULT(bits, what) \
	EXPECT_EQ(bits, RUN_ERR(self->fd, EFAULT, what).out.access.fault)

#define EXPECT_LOAD_FAULT(va, cpu) \
	EXPECT_FAULT(ABSENT, vt_load(self->space, va, 8, cpu))

#define EXPECT_STORE_FAULT(bits, va, cpu) \
	EXPECT_FAULT(bits, vt_write(self->space, va, 8, 1, cpu))

#define CPUS	(self->info.out_nr_cpus)

/* One kernel writer, or reader, over all of [va, va + len) and through it */
static int fill_range(int fd, __u64 va, const __u8 *in, __u64 len)
{
	struct vmstore_op op = vt_kio_new(true, va, len);
	__u64 io, done = 0, n;
	int err = vt_run1(fd, &op);

	io = op.out.io.id;
	for (; !err && done < len; done += n) {
		n = len - done < VMSTORE_MAX_DATA ? len - done : VMSTORE_MAX_DATA;
		op = vt_io_data(VMSTORE_OP_WRITER_WRITE_VAL, io, in + done, n);
		err = vt_run1(fd, &op);
	}
	op = vt_io_drop(true, io);
	return err ?: vt_run1(fd, &op);
}

static int read_range(int fd, __u64 va, __u8 *out, __u64 len)
{
	struct vmstore_op op = vt_kio_new(false, va, len);
	__u64 io, done = 0, n;
	int err = vt_run1(fd, &op);

	io = op.out.io.id;
	for (; !err && done < len; done += n) {
		n = len - done < VMSTORE_MAX_DATA ? len - done : VMSTORE_MAX_DATA;
		op = vt_io_data(VMSTORE_OP_READER_READ_VAL, io, out + done, n);
		err = vt_run1(fd, &op);
	}
	op = vt_io_drop(false, io);
	return err ?: vt_run1(fd, &op);
}

static void pattern(__u8 *buf, __u64 len, __u32 seed)
{
	__u64 i;

	for (i = 0; i < len; i++)
		buf[i] = (i + seed) * 13 + (i >> 12) + 1;
}

/* --- mapping frames [O-KMapFrames] ---------------------------------------------------- */

/* H - 1, P + 1, rc the same: what the handle held holds the leaf now */
TEST_F(kvirt, map_frames)
{
	struct vmstore_rec_slots slot;
	struct vmstore_out_kvirt area;
	__u64 extra, i;

	TAKE(3);
	extra = RUN_OK(self->fd, vt_frame_clone(self->frame[1])).out.id;
	area = RUN_OK(self->fd, vt_kvirt_map(6 * VT_PAGE, 2 * VT_PAGE, self->frame, 3,
					     KERNEL_RW)).out.kvirt;
	EXPECT_EQ(1, area.id);
	EXPECT_TRUE(lies_well(self->fd, &area, 6 * VT_PAGE));
	EXPECT_EQ(3, area.leaves);
	EXPECT_EQ(0, area.huge);
	EXPECT_EQ(area.id, area_rec(self->fd, area.id).id);
	EXPECT_EQ(area.start, area_rec(self->fd, area.id).start);
	EXPECT_EQ(area.end, area_rec(self->fd, area.id).end);
	EXPECT_EQ(0, area_rec(self->fd, area.id).pins);
	EXPECT_EQ(3, vt_count_leaves(self->fd, 0));
	for (i = 0; i < 3; i++) {
		slot = vt_slot(self->fd, self->paddr[i]);
		EXPECT_EQ(i == 1 ? 2 : 1, slot.rc);
		EXPECT_EQ(1, slot.paths);
		EXPECT_EQ(VMSTORE_USAGE_FRAME, slot.usage);
		/* AVAIL1, which tells tracked leaves, is never seen */
		EXPECT_LEAF(area.start + (2 + i) * VT_PAGE, 1, self->paddr[i],
			    VMSTORE_PROP_R | VMSTORE_PROP_W);
		RUN_ERR(self->fd, ENOENT, vt_frame_drop(self->frame[i]));
	}
	EXPECT_EQ(1, vt_count(self->fd, VMSTORE_DUMP_FRAMES));
	EXPECT_EQ(0, vt_accounting(self->fd));
	EXPECT_FALSE(RUN_OK(self->fd, vt_frame_drop(extra)).out.drop.freed);
}

/* Every property that can be encoded, and what is read back is what was written */
TEST_F(kvirt, properties)
{
	static const __u8 flags[] = {
		VMSTORE_PROP_R, VMSTORE_PROP_R | VMSTORE_PROP_X,
		VMSTORE_PROP_R | VMSTORE_PROP_W | VMSTORE_PROP_AVAIL2,
		VMSTORE_PROP_R | VMSTORE_PROP_W | VMSTORE_PROP_ACCESSED | VMSTORE_PROP_DIRTY,
	};
	struct vmstore_out_query got;
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		for (k = 0; k < 3; k++) {
			struct vmstore_prop prop = vt_prop(flags[i], k, i % 4);
			struct vmstore_out_kvirt area;

			TAKE(1);
			area = RUN_OK(self->fd, vt_kvirt_map(VT_PAGE, 0, self->frame, 1,
							     prop)).out.kvirt;
			got = RUN_OK(self->fd, vt_kvirt_peek(area.id, area.start)).out.query;
			if (!(prop.flags & VMSTORE_PROP_ACCESSED))
				got.prop.flags &= ~VMSTORE_PROP_ACCESSED;
			EXPECT_EQ(0, memcmp(&prop, &got.prop, sizeof(prop)));
		}
	}
}

TEST_F(kvirt, map_frames_refused)
{
	const struct vmstore_prop rw = KERNEL_RW;
	__u64 bad[2], *f = self->frame;

	TAKE(3);
	RUN_ERR(self->fd, EINVAL, vt_kvirt_map(VT_PAGE + 1, 0, f, 1, rw));
	RUN_ERR(self->fd, EINVAL, vt_kvirt_map(4 * VT_PAGE, 8, f, 1, rw));
	RUN_ERR(self->fd, EINVAL, vt_kvirt_map(0, 0, f, 1, rw));
	/* The offset must be below the size, also when there is nothing to map */
	RUN_ERR(self->fd, EINVAL, vt_kvirt_map(0, 0, f, 0, rw));
	RUN_ERR(self->fd, EINVAL, vt_kvirt_map(VT_PAGE, VT_PAGE, f, 0, rw));
	RUN_ERR(self->fd, EINVAL, vt_kvirt_map(VT_PAGE, -VT_PAGE, f, 1, rw));
	/* They end past the area */
	RUN_ERR(self->fd, EINVAL, vt_kvirt_map(2 * VT_PAGE, 0, f, 3, rw));
	RUN_ERR(self->fd, EINVAL, vt_kvirt_map(3 * VT_PAGE, VT_PAGE, f, 3, rw));
	/* AVAIL1 is the table's own; no R, no encoding; no such bit */
	RUN_ERR(self->fd, EINVAL, vt_kvirt_map(VT_PAGE, 0, f, 1, ONLY(VMSTORE_PROP_R |
								      VMSTORE_PROP_AVAIL1)));
	RUN_ERR(self->fd, EINVAL, vt_kvirt_map(VT_PAGE, 0, f, 1, ONLY(VMSTORE_PROP_W)));
	RUN_ERR(self->fd, EINVAL, vt_kvirt_map(VT_PAGE, 0, f, 1, ONLY(VMSTORE_PROP_R | 0x20)));
	RUN_ERR(self->fd, EINVAL, vt_kvirt_map(VT_PAGE, 0, f, 1,
					       vt_prop(VMSTORE_PROP_R, VMSTORE_CACHE_WC, 0)));
	RUN_ERR(self->fd, EINVAL, vt_kvirt_map(VT_PAGE, 0, f, 1,
					       vt_prop(VMSTORE_PROP_R, 0, VMSTORE_PRIV_SHARED)));
	RUN_ERR(self->fd, EINVAL, vt_kvirt_map(VT_PAGE, 0, f, 0, ONLY(VMSTORE_PROP_W)));
	/* The handles */
	bad[0] = f[0];
	bad[1] = f[0];
	RUN_ERR(self->fd, EINVAL, vt_kvirt_map(2 * VT_PAGE, 0, bad, 2, rw));
	bad[1] = f[2] + 100;
	RUN_ERR(self->fd, ENOENT, vt_kvirt_map(2 * VT_PAGE, 0, bad, 2, rw));
	bad[1] = 0;
	RUN_ERR(self->fd, ENOENT, vt_kvirt_map(2 * VT_PAGE, 0, bad, 2, rw));
	RUN_ERR(self->fd, EFAULT, vt_kvirt_map(2 * VT_PAGE, 0, NULL, 2, rw));
	RUN_ERR(self->fd, EINVAL, vt_kvirt_map(1ULL << 33, 0, f, VMSTORE_MAX_DATA / 8 + 1, rw));
	/* More addresses than there are */
	RUN_ERR(self->fd, ENOMEM, vt_kvirt_map(-VT_PAGE, 0, f, 1, rw));
	RUN_ERR(self->fd, ENOMEM, vt_kvirt_map(VMSTORE_KVIRT_END - VMSTORE_KVIRT_BASE + VT_PAGE,
					       0, f, 1, rw));
	/* And all of the handles are still there */
	RUN_OK(self->fd, vt_kvirt_map(3 * VT_PAGE, 0, f, 3, rw));
}

/* One frame twice, by two handles: a leaf and a unit of rc for each */
TEST_F(kvirt, one_frame_twice)
{
	struct vmstore_out_kvirt area;
	__u64 ids[3];

	TAKE(2);
	ids[0] = self->frame[0];
	ids[1] = RUN_OK(self->fd, vt_frame_clone(self->frame[0])).out.id;
	ids[2] = self->frame[1];
	area = RUN_OK(self->fd, vt_kvirt_map(3 * VT_PAGE, 0, ids, 3, KERNEL_RW)).out.kvirt;
	EXPECT_EQ(2, vt_slot(self->fd, self->paddr[0]).rc);
	EXPECT_EQ(2, vt_slot(self->fd, self->paddr[0]).paths);
	STORE_AT(area.start + 8, 0x1234, 0);
	EXPECT_LOAD(0x1234, area.start + VT_PAGE + 8, 0);
	EXPECT_LOAD(0, area.start + 2 * VT_PAGE + 8, 0);
}

TEST_F(kvirt, no_frames)
{
	struct vmstore_out_kvirt area = MAP(2, 1, 0);

	EXPECT_TRUE(lies_well(self->fd, &area, 2 * VT_PAGE));
	EXPECT_EQ(0, area.leaves);
	EXPECT_LOAD_FAULT(area.start, 0);
	EXPECT_EQ(0, RUN_OK(self->fd, vt_kvirt_drop(area.id)).out.kvirt_unmap.removed);
}

/* What one operation of a batch makes, the next one takes, in the list too */
TEST_F(kvirt, references)
{
	__u64 ids[2] = { VMSTORE_REF(0), VMSTORE_REF(1) };
	struct vmstore_op ops[] = {
		vt_alloc(),
		vt_alloc(),
		vt_kvirt_map(2 * VT_PAGE, 0, ids, 2, KERNEL_RW),
		vt_kvirt_protect(VMSTORE_REF(2), 0, VT_PAGE, KERNEL_RO, ONLY(VMSTORE_PROP_W)),
		vt_kvirt_unmap(VMSTORE_REF(2), VT_PAGE, VT_PAGE),
		vt_kvirt_drop(VMSTORE_REF(2)),
		vt_kvirt_drop(VMSTORE_REF(0)),		/* a handle */
		vt_frame_drop(VMSTORE_REF(2)),		/* an area */
		vt_kvirt_untracked(VT_PAGE, 0, MMIO, MMIO + VT_PAGE, KERNEL_RW),
		vt_kvirt_drop(VMSTORE_REF(8)),
	};
	struct vmstore_run run;
	size_t i;

	ASSERT_EQ(0, vt_run(self->fd, ops, ARRAY_SIZE(ops), VMSTORE_RUN_KEEP_GOING, &run));
	for (i = 0; i < ARRAY_SIZE(ops); i++)
		EXPECT_EQ(i == 6 || i == 7 ? -EINVAL : 0, ops[i].out_errno)
			TH_LOG("operation %zu", i);
	EXPECT_EQ(1, ops[5].out.kvirt_unmap.removed);
	EXPECT_EQ(0, vt_count(self->fd, VMSTORE_DUMP_KVIRTS));
}

TEST_F(kvirt, unknown_ids)
{
	struct vmstore_out_kvirt area = MAP(2, 0, 1);
	const __u64 bad[] = { 0, area.id + 1, ~VMSTORE_REF_FLAG };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		RUN_ERR(self->fd, ENOENT, vt_kvirt_query(bad[i], area.start));
		RUN_ERR(self->fd, ENOENT, vt_kvirt_drop(bad[i]));
		RUN_ERR(self->fd, ENOENT, vt_kvirt_unmap(bad[i], 0, VT_PAGE));
		RUN_ERR(self->fd, ENOENT, vt_kvirt_protect(bad[i], 0, VT_PAGE, KERNEL_RO,
							   ONLY(VMSTORE_PROP_W)));
	}
	RUN_OK(self->fd, vt_kvirt_drop(area.id));
	RUN_ERR(self->fd, ENOENT, vt_kvirt_drop(area.id));
	RUN_ERR(self->fd, ENOENT, vt_kvirt_query(area.id, area.start));
}

/* --- mapping device memory [O-KMapUntracked, D17] --------------------------------------- */

/* No slot changes but those of nodes, and no count is taken */
TEST_F(kvirt, map_untracked)
{
	struct vmstore_rec_slots slot;
	struct vmstore_out_kvirt area = MAP_DEVICE(MMIO, MMIO + 3 * VT_PAGE);

	EXPECT_TRUE(lies_well(self->fd, &area, 6 * VT_PAGE));
	EXPECT_EQ(3, area.leaves);
	EXPECT_EQ(0, area.huge);
	slot = vt_slot(self->fd, MMIO);
	EXPECT_EQ(VMSTORE_RC_UNUSED, slot.rc);
	EXPECT_EQ(VMSTORE_USAGE_MMIO, slot.usage);
	EXPECT_EQ(0, slot.paths);
	EXPECT_EQ(MMIO_SIZE / VT_PAGE, slot.nr);
	EXPECT_LEAF(area.start + 3 * VT_PAGE, 1, MMIO + VT_PAGE,
		    VMSTORE_PROP_R | VMSTORE_PROP_W);
	/* Twice, and with another property: nobody owns it */
	RUN_OK(self->fd, vt_kvirt_untracked(VT_PAGE, 0, MMIO, MMIO + VT_PAGE, KERNEL_RO));
	STORE_AT(area.start + 2 * VT_PAGE, 0x77, 0);
	EXPECT_EQ(0, vt_accounting(self->fd));
	RUN_OK(self->fd, vt_kvirt_drop(area.id));
	slot = vt_slot(self->fd, MMIO);
	EXPECT_EQ(VMSTORE_RC_UNUSED, slot.rc);
	EXPECT_EQ(MMIO_SIZE / VT_PAGE, slot.nr);
}

TEST_F(kvirt, map_untracked_refused)
{
	const struct vmstore_prop rw = KERNEL_RW;
	const __u64 m = MMIO, p = VT_PAGE;

	RUN_ERR(self->fd, EINVAL, vt_kvirt_untracked(p + 1, 0, m, m + p, rw));
	RUN_ERR(self->fd, EINVAL, vt_kvirt_untracked(2 * p, 1, m, m + p, rw));
	RUN_ERR(self->fd, EINVAL, vt_kvirt_untracked(2 * p, 0, m + 1, m + p, rw));
	RUN_ERR(self->fd, EINVAL, vt_kvirt_untracked(2 * p, 0, m, m + p + 1, rw));
	RUN_ERR(self->fd, EINVAL, vt_kvirt_untracked(2 * p, 0, m + p, m, rw));
	RUN_ERR(self->fd, EINVAL, vt_kvirt_untracked(p, 0, m, m + 2 * p, rw));
	RUN_ERR(self->fd, EINVAL, vt_kvirt_untracked(2 * p, p, m, m + 2 * p, rw));
	RUN_ERR(self->fd, EINVAL, vt_kvirt_untracked(p, p, m, m + p, rw));
	RUN_ERR(self->fd, EINVAL, vt_kvirt_untracked(p, -p, m, m + p, rw));
	RUN_ERR(self->fd, EINVAL, vt_kvirt_untracked(0, 0, m, m + p, rw));
	RUN_ERR(self->fd, EINVAL, vt_kvirt_untracked(p, 0, m, m + p, ONLY(VMSTORE_PROP_W)));
	RUN_ERR(self->fd, EINVAL, vt_kvirt_untracked(p, 0, m, m + p,
						     ONLY(VMSTORE_PROP_R | VMSTORE_PROP_AVAIL1)));
	/* Memory, in use or free, is tracked and never mapped so */
	TAKE(1);
	RUN_ERR(self->fd, EINVAL, vt_kvirt_untracked(p, 0, self->paddr[0],
						     self->paddr[0] + p, rw));
	RUN_ERR(self->fd, EINVAL, vt_kvirt_untracked(2 * p, 0, m - p, m + p, rw));
	RUN_ERR(self->fd, EINVAL, vt_kvirt_untracked(p, 0, m - p, m, rw));
	/* No such memory */
	RUN_ERR(self->fd, ERANGE, vt_kvirt_untracked(2 * p, 0, REGION - p, REGION + p, rw));
	RUN_ERR(self->fd, ERANGE, vt_kvirt_untracked(p, 0, REGION, REGION + p, rw));
	RUN_ERR(self->fd, ENOMEM, vt_kvirt_untracked(-p, 0, m, m + p, rw));
	/* Nor can it become a frame */
	RUN_ERR(self->fd, EBUSY, vt_from_unused(m));
}

/* Nothing to map: an area all the same, also one of no bytes [K8] */
TEST_F(kvirt, map_untracked_nothing)
{
	struct vmstore_out_kvirt none, one;

	none = RUN_OK(self->fd, vt_kvirt_untracked(0, 0, MMIO, MMIO, KERNEL_RW)).out.kvirt;
	EXPECT_LE(VMSTORE_KVIRT_BASE, none.start);
	EXPECT_EQ(none.start, none.end);
	one = RUN_OK(self->fd, vt_kvirt_untracked(VT_PAGE, 0, MMIO, MMIO, KERNEL_RW)).out.kvirt;
	EXPECT_TRUE(lies_well(self->fd, &one, VT_PAGE));
	EXPECT_EQ(0, one.leaves);
	RUN_ERR(self->fd, EINVAL, vt_kvirt_query(none.id, none.start));
	RUN_ERR(self->fd, EINVAL, vt_kvirt_unmap(none.id, 0, VT_PAGE));
	EXPECT_EQ(0, RUN_OK(self->fd, vt_kvirt_drop(none.id)).out.kvirt_unmap.removed);
	RUN_OK(self->fd, vt_kvirt_drop(one.id));
}

/* The largest pages that fit: 4 KiB up to the first whole page of 2 MiB, and after it */
TEST_F(kvirt, huge_pages)
{
	static const struct {
		__u64 start, end;
		__u64 leaves, huge;
	} ranges[] = {
		{ HUGE, HUGE + VT_2M, 1, 1 },
		{ HUGE, HUGE + 2 * VT_2M, 2, 2 },
		{ HUGE - 3 * VT_PAGE, HUGE + VT_2M + 2 * VT_PAGE, 6, 1 },
		{ HUGE - VT_PAGE, HUGE + 2 * VT_2M, 3, 2 },
		{ HUGE, HUGE + VT_2M - VT_PAGE, 511, 0 },
		{ HUGE + VT_PAGE, HUGE + VT_2M + VT_PAGE, 512, 0 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		struct vmstore_out_kvirt area = MAP_DEVICE(ranges[i].start, ranges[i].end);
		__u64 base = area.start + 2 * VT_PAGE - ranges[i].start;

		EXPECT_EQ(ranges[i].leaves, area.leaves);
		EXPECT_EQ(ranges[i].huge, area.huge);
		EXPECT_TRUE(lies_well(self->fd, &area,
				      ranges[i].end - ranges[i].start + 3 * VT_PAGE));
		if (ranges[i].huge) {
			EXPECT_EQ(0, base % VT_2M);
			EXPECT_LEAF(base + HUGE, 2, HUGE, VMSTORE_PROP_R | VMSTORE_PROP_W);
		}
		/* Both ends, and nothing beyond */
		STORE_AT(base + ranges[i].start, i + 1, 0);
		STORE_AT(base + ranges[i].end - 8, i + 2, CPUS - 1);
		EXPECT_LOAD(i + 1, base + ranges[i].start, CPUS - 1);
		EXPECT_LOAD(i + 2, base + ranges[i].end - 8, 0);
		EXPECT_LOAD_FAULT(base + ranges[i].start - 8, 0);
		EXPECT_LOAD_FAULT(base + ranges[i].end, 0);
		RUN_OK(self->fd, vt_kvirt_drop(area.id));
	}
}

/* --- query [seed 2, step_query] --------------------------------------------------------- */

/* The four requires: each one false, and no step is taken */
TEST_F(kvirt, query_requires)
{
	struct vmstore_out_kvirt area = MAP(3, 1, 1), other = MAP(1, 0, 1);

	/* inv before: else the store is frozen and there is no step at all */
	EXPECT_EQ(0, vt_check(self->fd));
	/* id in kvirt_areas */
	RUN_ERR(self->fd, ENOENT, vt_kvirt_query(other.id + 1, area.start));
	/* start <= addr < end; the end is outside, and so is another area */
	RUN_ERR(self->fd, EINVAL, vt_kvirt_query(area.id, area.start - 1));
	RUN_ERR(self->fd, EINVAL, vt_kvirt_query(area.id, area.end));
	RUN_ERR(self->fd, EINVAL, vt_kvirt_query(area.id, area.end + VT_PAGE));
	RUN_ERR(self->fd, EINVAL, vt_kvirt_query(area.id, other.start));
	RUN_ERR(self->fd, EINVAL, vt_kvirt_query(area.id, 0));
	RUN_ERR(self->fd, EINVAL, vt_kvirt_query(area.id, ~VMSTORE_REF_FLAG));
	RUN_ERR(self->fd, EINVAL, vt_kvirt_query(area.id, VMSTORE_KERNEL_BASE));
	RUN_OK(self->fd, vt_kvirt_query(area.id, area.start));
	RUN_OK(self->fd, vt_kvirt_query(area.id, area.end - 1));
	/* query_panic_condition false: saturated counts are seeded in KUnit */
}

/* Everything but handles and slots is as it was: kvirt_areas, the table, spaces */
static bool same_but_handles(const struct vt_state *a, const struct vt_state *b)
{
	bool same = true;
	int i;

	for (i = 1; i <= VT_NR_SECTIONS; i++) {
		const struct vt_sec *x = &a->sec[i], *y = &b->sec[i];

		if (i == VMSTORE_DUMP_FRAMES || i == VMSTORE_DUMP_SLOTS)
			continue;
		same &= x->len == y->len && (!x->len || !memcmp(x->data, y->data, x->len));
	}
	return same;
}

/* A tracked leaf: item equal to the mapping, cloned into frames, nothing else changed */
TEST_F(kvirt, query_tracked)
{
	struct vmstore_out_kvirt area = MAP(3, 1, 2);
	struct vmstore_rec_slots before, after;
	struct vt_state was, is;
	struct vmstore_op op;

	/* So that ACCESSED does not come meanwhile */
	EXPECT_LOAD(0, area.start + VT_PAGE, 0);
	EXPECT_LOAD(0, area.start + 2 * VT_PAGE, 0);
	ASSERT_EQ(0, vt_state_read(self->fd, &was));
	before = vt_slot(self->fd, self->paddr[1]);
	op = RUN_OK(self->fd, vt_kvirt_query(area.id, area.start + 2 * VT_PAGE + 123));
	ASSERT_EQ(0, vt_state_read(self->fd, &is));
	after = vt_slot(self->fd, self->paddr[1]);
	EXPECT_EQ(1, op.out.query.found);
	EXPECT_EQ(0, op.out.query.untracked);
	EXPECT_EQ(area.start + 2 * VT_PAGE, op.out.query.start);
	EXPECT_EQ(area.start + 3 * VT_PAGE, op.out.query.end);
	EXPECT_EQ(self->paddr[1], op.out.query.paddr);
	EXPECT_EQ(1, op.out.query.level);
	/* AVAIL1 is not shown */
	EXPECT_EQ(VMSTORE_PROP_R | VMSTORE_PROP_W | VMSTORE_PROP_ACCESSED,
		  op.out.query.prop.flags);
	/* The clone: rc + 1 and a handle; paths and the table as before */
	EXPECT_NE(0, op.out.query.id);
	EXPECT_EQ(1, is.sec[VMSTORE_DUMP_FRAMES].nr);
	EXPECT_EQ(op.out.query.id,
		  ((struct vmstore_rec_frame *)is.sec[VMSTORE_DUMP_FRAMES].data)->id);
	EXPECT_EQ(self->paddr[1],
		  ((struct vmstore_rec_frame *)is.sec[VMSTORE_DUMP_FRAMES].data)->paddr);
	EXPECT_EQ(before.rc + 1, after.rc);
	EXPECT_EQ(before.paths, after.paths);
	EXPECT_EQ(before.usage, after.usage);
	EXPECT_TRUE(same_but_handles(&was, &is));
	/* inv after */
	EXPECT_EQ(0, vt_check(self->fd));
	EXPECT_EQ(0, vt_accounting(self->fd));
	/* Dropped, all is as before */
	EXPECT_EQ(0, RUN_OK(self->fd, vt_frame_drop(op.out.query.id)).out.drop.freed);
	vt_state_free(&is);
	ASSERT_EQ(0, vt_state_read(self->fd, &is));
	EXPECT_TRUE(vt_state_same(&was, &is));
	vt_state_free(&was);
	vt_state_free(&is);
}

/* Run and see the whole state as it was; the outcome */
#define RUN_SAME(what) ({						\
	struct vt_state _was, _is;					\
	struct vmstore_op _ran;						\
									\
	ASSERT_EQ(0, vt_state_read(self->fd, &_was));			\
	_ran = RUN_OK(self->fd, what);					\
	ASSERT_EQ(0, vt_state_read(self->fd, &_is));			\
	EXPECT_TRUE(vt_state_same(&_was, &_is));			\
	vt_state_free(&_was);						\
	vt_state_free(&_is);						\
	_ran; })

/* An untracked leaf: (pa, level, prop), no count; the same item anywhere in it */
TEST_F(kvirt, query_untracked)
{
	struct vmstore_out_kvirt area = MAP_DEVICE(HUGE - VT_PAGE, HUGE + VT_2M);
	__u64 at = area.start + 3 * VT_PAGE;
	const __u64 offsets[] = { 0, 1, VT_PAGE, 77 * VT_PAGE + 5, VT_2M - 1 };
	struct vmstore_op op;
	size_t i;

	EXPECT_LOAD(0, at, 0);
	for (i = 0; i < ARRAY_SIZE(offsets); i++) {
		op = RUN_SAME(vt_kvirt_query(area.id, at + offsets[i]));
		EXPECT_EQ(1, op.out.query.found);
		EXPECT_EQ(1, op.out.query.untracked);
		EXPECT_EQ(0, op.out.query.id);
		EXPECT_EQ(2, op.out.query.level);
		EXPECT_EQ(HUGE, op.out.query.paddr);
		EXPECT_EQ(at, op.out.query.start);
		EXPECT_EQ(at + VT_2M, op.out.query.end);
		EXPECT_EQ(VMSTORE_PROP_R | VMSTORE_PROP_W | VMSTORE_PROP_ACCESSED,
			  op.out.query.prop.flags);
	}
	op = RUN_SAME(vt_kvirt_query(area.id, at - 1));
	EXPECT_EQ(1, op.out.query.level);
	EXPECT_EQ(HUGE - VT_PAGE, op.out.query.paddr);
	EXPECT_EQ(1, op.out.query.untracked);
}

/* Nothing mapped: none, and nothing changes */
TEST_F(kvirt, query_none)
{
	struct vmstore_out_kvirt area = MAP(3, 1, 1);
	const __u64 at[] = { area.start, area.start + VT_PAGE - 1, area.end - 1 };
	struct vmstore_op op;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(at); i++) {
		op = RUN_SAME(vt_kvirt_query(area.id, at[i]));
		EXPECT_EQ(0, op.out.query.found);
		EXPECT_EQ(0, op.out.query.id);
		EXPECT_EQ(0, op.out.query.paddr);
		EXPECT_EQ(0, op.out.query.prop.flags);
		/* The absent entry: it holds the address and no leaf */
		EXPECT_LE(op.out.query.start, at[i]);
		EXPECT_GT(op.out.query.end, at[i]);
		EXPECT_TRUE(op.out.query.end <= area.start + VT_PAGE ||
			    op.out.query.start >= area.start + 2 * VT_PAGE);
	}
	op = RUN_SAME(vt_kvirt_peek(area.id, area.start));
	EXPECT_EQ(0, op.out.query.found);
}

TEST_F(kvirt, query_peek)
{
	struct vmstore_out_kvirt area = MAP(1, 0, 1);
	struct vmstore_op op;

	EXPECT_LOAD(0, area.start, 0);
	op = RUN_SAME(vt_kvirt_peek(area.id, area.start));
	EXPECT_EQ(1, op.out.query.found);
	EXPECT_EQ(0, op.out.query.id);
	EXPECT_EQ(self->paddr[0], op.out.query.paddr);
}

/* --- unmapping a part ------------------------------------------------------------------- */

/* P - 1, rc - 1 after the flush in the operation; the addresses stay the area's */
TEST_F(kvirt, unmap_range)
{
	struct vmstore_out_kvirt area;
	struct vmstore_op op;
	__u64 extra, i;

	TAKE(5);
	extra = RUN_OK(self->fd, vt_frame_clone(self->frame[2])).out.id;
	area = RUN_OK(self->fd, vt_kvirt_map(7 * VT_PAGE, VT_PAGE, self->frame, 5,
					     KERNEL_RW)).out.kvirt;
	for (i = 0; i < 5; i++)
		STORE_AT(area.start + (1 + i) * VT_PAGE, 0x100 + i, i % CPUS);
	/* Pages 2 to 4 of the area: frames 1 to 3 */
	op = RUN_OK(self->fd, vt_kvirt_unmap(area.id, 2 * VT_PAGE, 3 * VT_PAGE));
	EXPECT_EQ(3, op.out.kvirt_unmap.removed);
	EXPECT_EQ(3, op.out.kvirt_unmap.accessed);
	EXPECT_EQ(3, op.out.kvirt_unmap.dirty);
	EXPECT_EQ(0, op.out.kvirt_unmap.split);
	for (i = 0; i < 5; i++) {
		bool gone = i >= 1 && i <= 3;

		EXPECT_EQ(!gone, vt_slot(self->fd, self->paddr[i]).paths);
		EXPECT_EQ(gone && i != 2 ? VMSTORE_RC_UNUSED : 1,
			  vt_slot(self->fd, self->paddr[i]).rc);
		if (gone) {
			EXPECT_LOAD_FAULT(area.start + (1 + i) * VT_PAGE, i % CPUS);
			continue;
		}
		EXPECT_LOAD(0x100 + i, area.start + (1 + i) * VT_PAGE, 0);
	}
	EXPECT_EQ(area.end, area_rec(self->fd, area.id).end);
	/* What a handle holds is still there */
	EXPECT_LOAD(0x102, VMSTORE_KERNEL_BASE + self->paddr[2], 0);
	EXPECT_EQ(1, RUN_OK(self->fd, vt_frame_drop(extra)).out.drop.freed);
	/* Again: nothing left to remove there */
	op = RUN_OK(self->fd, vt_kvirt_unmap(area.id, VT_PAGE, 4 * VT_PAGE));
	EXPECT_EQ(1, op.out.kvirt_unmap.removed);
	op = RUN_OK(self->fd, vt_kvirt_unmap(area.id, 0, 7 * VT_PAGE));
	EXPECT_EQ(1, op.out.kvirt_unmap.removed);
	op = RUN_OK(self->fd, vt_kvirt_unmap(area.id, 0, 7 * VT_PAGE));
	EXPECT_EQ(0, op.out.kvirt_unmap.removed);
	EXPECT_EQ(0, vt_settled(self->fd));
	RUN_OK(self->fd, vt_kvirt_drop(area.id));
}

TEST_F(kvirt, ranges_refused)
{
	static const __u64 bad[][2] = {
		{ 1, VT_PAGE }, { 0, 1 }, { 0, VT_PAGE + 8 }, { VT_PAGE + 8, VT_PAGE },
		{ 0, 4 * VT_PAGE }, { 3 * VT_PAGE, VT_PAGE }, { 2 * VT_PAGE, 2 * VT_PAGE },
		{ 4 * VT_PAGE, 0 }, { -VT_PAGE, VT_PAGE }, { -VT_PAGE, 2 * VT_PAGE },
		{ VT_PAGE, -VT_PAGE }, { VT_PAGE, -2 * VT_PAGE }, { 0, -VT_PAGE },
	};
	struct vmstore_out_kvirt area = MAP(3, 0, 3);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		RUN_ERR(self->fd, EINVAL, vt_kvirt_unmap(area.id, bad[i][0], bad[i][1]));
		RUN_ERR(self->fd, EINVAL, vt_kvirt_protect(area.id, bad[i][0], bad[i][1],
							   KERNEL_RO, ONLY(VMSTORE_PROP_W)));
	}
	/* Nothing of it, also at its end */
	EXPECT_EQ(0, RUN_OK(self->fd, vt_kvirt_unmap(area.id, 0, 0)).out.kvirt_unmap.removed);
	EXPECT_EQ(0, RUN_OK(self->fd, vt_kvirt_unmap(area.id, 3 * VT_PAGE, 0))
		     .out.kvirt_unmap.removed);
}

/* --- splitting pages of 2 MiB ----------------------------------------------------------- */

/* Unmap [from, to) of what MAP_DEVICE mapped at HUGE, and look at every edge */
static const struct {
	__u64 from, to;
	__u64 split, removed;
} cuts[] = {
	/* Both ends in one page */
	{ 5 * VT_PAGE, 9 * VT_PAGE, 1, 4 },
	{ 0, VT_PAGE, 1, 1 },
	{ VT_2M - VT_PAGE, VT_2M, 1, 1 },
	/* One end */
	{ VT_PAGE, VT_2M, 1, 511 },
	/* None: all of one, all of both */
	{ 0, VT_2M, 0, 1 },
	{ 0, 2 * VT_2M, 0, 2 },
	/* Each in its own, or one of them */
	{ VT_2M - 2 * VT_PAGE, VT_2M + 3 * VT_PAGE, 2, 5 },
	{ 0, VT_2M + VT_PAGE, 1, 2 },
	{ VT_PAGE, 2 * VT_2M, 1, 512 },
};

TEST_F(kvirt, unmap_splits)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cuts); i++) {
		struct vmstore_out_kvirt area = MAP_DEVICE(HUGE, HUGE + 2 * VT_2M);
		__u64 base = area.start + 2 * VT_PAGE, at;
		struct vmstore_op op;

		for (at = 0; at < 2 * VT_2M; at += 64 * VT_PAGE)
			STORE_AT(base + at, at + i, at / (64 * VT_PAGE) % CPUS);
		op = RUN_OK(self->fd, vt_kvirt_unmap(area.id, 2 * VT_PAGE + cuts[i].from,
						     cuts[i].to - cuts[i].from));
		EXPECT_EQ(cuts[i].split, op.out.kvirt_unmap.split);
		EXPECT_EQ(cuts[i].removed, op.out.kvirt_unmap.removed);
		EXPECT_LOAD_FAULT(base + cuts[i].from, 0);
		EXPECT_LOAD_FAULT(base + cuts[i].to - VT_PAGE, CPUS - 1);
		if (cuts[i].from)
			EXPECT_LEAF(base + cuts[i].from - VT_PAGE, 1,
				    HUGE + cuts[i].from - VT_PAGE,
				    VMSTORE_PROP_R | VMSTORE_PROP_W);
		if (cuts[i].to % VT_2M)
			EXPECT_LEAF(base + cuts[i].to, 1, HUGE + cuts[i].to,
				    VMSTORE_PROP_R | VMSTORE_PROP_W);
		/* The rest translates as it did, dirty as it was */
		for (at = 0; at < 2 * VT_2M; at += 64 * VT_PAGE)
			if (at < cuts[i].from || at >= cuts[i].to)
				EXPECT_LOAD(at + i, base + at, at / (64 * VT_PAGE) % CPUS);
		RUN_OK(self->fd, vt_kvirt_drop(area.id));
		EXPECT_EQ(0, vt_settled(self->fd));
	}
}

TEST_F(kvirt, protect_splits)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cuts); i++) {
		struct vmstore_out_kvirt area = MAP_DEVICE(HUGE, HUGE + 2 * VT_2M);
		__u64 base = area.start + 2 * VT_PAGE;
		struct vmstore_op op;

		STORE_AT(base + cuts[i].from, 1, 0);
		op = RUN_OK(self->fd, vt_kvirt_protect(area.id, 2 * VT_PAGE + cuts[i].from,
						       cuts[i].to - cuts[i].from, KERNEL_RO,
						       ONLY(VMSTORE_PROP_W)));
		EXPECT_EQ(cuts[i].split, op.out.kvirt_protect.split);
		EXPECT_EQ(cuts[i].removed, op.out.kvirt_protect.changed);
		EXPECT_STORE_FAULT(READ_ONLY, base + cuts[i].from, 0);
		EXPECT_STORE_FAULT(READ_ONLY, base + cuts[i].to - VT_PAGE, CPUS - 1);
		EXPECT_LOAD(1, base + cuts[i].from, 0);
		if (cuts[i].from)
			STORE_AT(base + cuts[i].from - 8, i, CPUS - 1);
		if (cuts[i].to < 2 * VT_2M)
			STORE_AT(base + cuts[i].to, i, 0);
		RUN_OK(self->fd, vt_kvirt_drop(area.id));
		EXPECT_EQ(0, vt_settled(self->fd));
	}
}

/* --- changing the property -------------------------------------------------------------- */

TEST_F(kvirt, protect_range)
{
	struct vmstore_out_kvirt area = MAP(5, 1, 3);
	struct vmstore_out_query got;
	struct vmstore_op op;

	STORE_AT(area.start + VT_PAGE, 5, 0);
	/* Two leaves of it, and pages where nothing is */
	op = RUN_OK(self->fd, vt_kvirt_protect(area.id, 0, 3 * VT_PAGE, KERNEL_RO,
					       ONLY(VMSTORE_PROP_W)));
	EXPECT_EQ(2, op.out.kvirt_protect.changed);
	EXPECT_EQ(0, op.out.kvirt_protect.split);
	/* What the hardware had set stays, and so does what the mask leaves alone */
	got = RUN_OK(self->fd, vt_kvirt_peek(area.id, area.start + VT_PAGE)).out.query;
	EXPECT_EQ(VMSTORE_PROP_R | VMSTORE_PROP_ACCESSED | VMSTORE_PROP_DIRTY, got.prop.flags);
	EXPECT_LEAF(area.start + 3 * VT_PAGE, 1, self->paddr[2],
		    VMSTORE_PROP_R | VMSTORE_PROP_W);
	/* No count changes */
	EXPECT_EQ(1, vt_slot(self->fd, self->paddr[0]).rc);
	EXPECT_EQ(1, vt_slot(self->fd, self->paddr[0]).paths);
	/* Other bits; the hardware's own can be cleared, and come again */
	RUN_OK(self->fd, vt_kvirt_protect(area.id, VT_PAGE, VT_PAGE,
					  vt_prop(VMSTORE_PROP_X | VMSTORE_PROP_AVAIL2, 0,
						  VMSTORE_PRIV_GLOBAL),
					  vt_prop(VMSTORE_PROP_X | VMSTORE_PROP_AVAIL2 |
						  VMSTORE_PROP_DIRTY, 0,
						  VMSTORE_PRIV_GLOBAL)));
	got = RUN_OK(self->fd, vt_kvirt_peek(area.id, area.start + VT_PAGE)).out.query;
	EXPECT_EQ(VMSTORE_PROP_R | VMSTORE_PROP_X | VMSTORE_PROP_AVAIL2,
		  got.prop.flags & ~VMSTORE_PROP_ACCESSED);
	EXPECT_EQ(VMSTORE_PRIV_GLOBAL, got.prop.priv);
	op = vt_kvirt_protect(area.id, VT_PAGE, VT_PAGE, vt_prop(0, VMSTORE_CACHE_UC, 0),
			      ONLY(0));
	op.flags = VMSTORE_OPF_CACHE;
	RUN_OK(self->fd, op);
	got = RUN_OK(self->fd, vt_kvirt_peek(area.id, area.start + VT_PAGE)).out.query;
	EXPECT_EQ(VMSTORE_CACHE_UC, got.prop.cache);
	EXPECT_EQ(VMSTORE_PRIV_GLOBAL, got.prop.priv);
	EXPECT_LOAD(5, area.start + VT_PAGE, 0);
}

TEST_F(kvirt, protect_refused)
{
	struct vmstore_out_kvirt area = MAP(1, 0, 1);
	struct vmstore_op op;

#define REFUSED(prop, mask) \
	RUN_ERR(self->fd, EINVAL, vt_kvirt_protect(area.id, 0, VT_PAGE, prop, mask))
	REFUSED(ONLY(VMSTORE_PROP_AVAIL1), ONLY(VMSTORE_PROP_AVAIL1));
	REFUSED(ONLY(0), ONLY(VMSTORE_PROP_AVAIL1));
	REFUSED(ONLY(VMSTORE_PROP_AVAIL1), ONLY(0));
	REFUSED(ONLY(0), ONLY(VMSTORE_PROP_R));
	REFUSED(ONLY(0x20), ONLY(0));
	REFUSED(ONLY(0), ONLY(0x20));
	REFUSED(vt_prop(0, 0, VMSTORE_PRIV_SHARED), vt_prop(0, 0, VMSTORE_PRIV_SHARED));
	REFUSED(vt_prop(0, VMSTORE_CACHE_UC, 0), ONLY(0));
	REFUSED(ONLY(0), vt_prop(0, 1, 0));
#undef REFUSED
	op = vt_kvirt_protect(area.id, 0, VT_PAGE, vt_prop(0, VMSTORE_CACHE_WC, 0), ONLY(0));
	op.flags = VMSTORE_OPF_CACHE;
	RUN_ERR(self->fd, EINVAL, op);
}

/* When PROTECT_RANGE returns, no CPU permits what it took away */
TEST_F(kvirt, protect_is_seen_everywhere)
{
	struct vmstore_out_kvirt area = MAP(2, 0, 2);
	__u32 round, cpu;

	for (round = 0; round < 4; round++) {
		/* Every CPU has it cached, for writing */
		for (cpu = 0; cpu < CPUS; cpu++) {
			STORE_AT(area.start, cpu, cpu);
			STORE_AT(area.start + VT_PAGE, cpu, cpu);
		}
		RUN_OK(self->fd, vt_kvirt_protect(area.id, 0, 2 * VT_PAGE, KERNEL_RO,
						  ONLY(VMSTORE_PROP_W)));
		for (cpu = 0; cpu < CPUS; cpu++) {
			EXPECT_STORE_FAULT(READ_ONLY, area.start, cpu);
			EXPECT_STORE_FAULT(READ_ONLY, area.start + VT_PAGE, cpu);
			EXPECT_LOAD(CPUS - 1, area.start, cpu);
		}
		RUN_OK(self->fd, vt_kvirt_protect(area.id, 0, 2 * VT_PAGE, KERNEL_RW,
						  ONLY(VMSTORE_PROP_W)));
	}
}

/* --- dropping [O-KDrop] ----------------------------------------------------------------- */

TEST_F(kvirt, drop)
{
	struct vmstore_out_kvirt area;
	struct vmstore_op op;
	__u64 free, extra;

	area = MAP(4, 1, 0);
	RUN_OK(self->fd, vt_kvirt_drop(area.id));
	RUN_OK(self->fd, vt_reap());
	TAKE(3);
	free = vt_free_slots(self->fd);
	extra = RUN_OK(self->fd, vt_frame_clone(self->frame[0])).out.id;
	area = RUN_OK(self->fd, vt_kvirt_map(4 * VT_PAGE, VT_PAGE, self->frame, 3,
					     KERNEL_RW)).out.kvirt;
	STORE_AT(area.start + VT_PAGE, 1, 0);
	EXPECT_LOAD(0, area.start + 2 * VT_PAGE, CPUS - 1);
	op = RUN_OK(self->fd, vt_kvirt_drop(area.id));
	EXPECT_EQ(0, op.out.kvirt_unmap.id);
	EXPECT_EQ(3, op.out.kvirt_unmap.removed);
	EXPECT_LE(2, op.out.kvirt_unmap.accessed);
	EXPECT_EQ(1, op.out.kvirt_unmap.dirty);
	EXPECT_EQ(0, op.out.kvirt_unmap.split);
	EXPECT_EQ(0, vt_count(self->fd, VMSTORE_DUMP_KVIRTS));
	EXPECT_EQ(0, vt_count_leaves(self->fd, 0));
	EXPECT_LOAD_FAULT(area.start + VT_PAGE, 0);
	EXPECT_LOAD_FAULT(area.start + 2 * VT_PAGE, CPUS - 1);
	EXPECT_EQ(0, vt_settled(self->fd));
	EXPECT_EQ(1, vt_slot(self->fd, self->paddr[0]).rc);
	EXPECT_EQ(0, vt_slot(self->fd, self->paddr[0]).paths);
	EXPECT_EQ(VMSTORE_RC_UNUSED, vt_slot(self->fd, self->paddr[1]).rc);
	/* Usage is sticky [1.5] */
	EXPECT_EQ(VMSTORE_USAGE_FRAME, vt_slot(self->fd, self->paddr[1]).usage);
	/* But for tables that stay */
	EXPECT_GE(free + 2, vt_free_slots(self->fd));
	EXPECT_LE(free, vt_free_slots(self->fd) + area.nodes_allocated);
	RUN_OK(self->fd, vt_frame_drop(extra));
}

/* --- sizes ------------------------------------------------------------------------------ */

/* Filled, read back by other ways, cut, changed, dropped, and made again with other frames */
TEST_F(kvirt, sizes)
{
	static const __u32 sizes[] = { 1, 511, 512, 513 };
	size_t i;
	__u32 k;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		__u32 nr = sizes[i], cut = nr / 3, part = nr / 2 ?: 1;
		struct vmstore_out_kvirt area;
		struct vmstore_op op;

		area = MAP(nr, 0, nr);
		EXPECT_TRUE(lies_well(self->fd, &area, nr * VT_PAGE));
		EXPECT_EQ(nr, area.leaves);
		pattern(self->in, nr * VT_PAGE, i);
		ASSERT_EQ(0, fill_range(self->fd, area.start, self->in, nr * VT_PAGE));
		memset(self->out, 0, nr * VT_PAGE);
		ASSERT_EQ(0, read_range(self->fd, area.start, self->out, nr * VT_PAGE));
		EXPECT_EQ(0, memcmp(self->in, self->out, nr * VT_PAGE));
		/* Each page is the frame it should be */
		for (k = 0; k < nr; k += nr / 7 + 1) {
			__u64 want;

			memcpy(&want, self->in + k * VT_PAGE, sizeof(want));
			EXPECT_LOAD(want, VMSTORE_KERNEL_BASE + self->paddr[k], k % CPUS);
			EXPECT_LOAD(want, area.start + k * VT_PAGE, k % CPUS);
		}
		op = RUN_OK(self->fd, vt_kvirt_protect(area.id, cut * VT_PAGE, part * VT_PAGE,
						       KERNEL_RO, ONLY(VMSTORE_PROP_W)));
		EXPECT_EQ(part, op.out.kvirt_protect.changed);
		EXPECT_STORE_FAULT(READ_ONLY, area.start + cut * VT_PAGE, 0);
		op = RUN_OK(self->fd, vt_kvirt_unmap(area.id, cut * VT_PAGE, part * VT_PAGE));
		EXPECT_EQ(part, op.out.kvirt_unmap.removed);
		EXPECT_LOAD_FAULT(area.start + cut * VT_PAGE, 0);
		EXPECT_LOAD_FAULT(area.start + (cut + part - 1) * VT_PAGE, CPUS - 1);
		EXPECT_EQ(nr - part, vt_count_leaves(self->fd, 0));
		if (cut)
			EXPECT_EQ(0, read_range(self->fd, area.start, self->out, cut * VT_PAGE));
		EXPECT_EQ(0, memcmp(self->in, self->out, cut * VT_PAGE));
		op = RUN_OK(self->fd, vt_kvirt_drop(area.id));
		EXPECT_EQ(nr - part, op.out.kvirt_unmap.removed);
		EXPECT_EQ(0, vt_settled(self->fd));
		EXPECT_EQ(0, vt_count(self->fd, VMSTORE_DUMP_FRAMES));
		EXPECT_EQ(VMSTORE_RC_UNUSED, vt_slot(self->fd, self->paddr[nr - 1]).rc);
		/* Frames are zero when claimed: nothing of the old content in a new area */
		area = MAP(nr, 0, nr);
		ASSERT_EQ(0, read_range(self->fd, area.start, self->out, nr * VT_PAGE));
		memset(self->in, 0, nr * VT_PAGE);
		EXPECT_EQ(0, memcmp(self->in, self->out, nr * VT_PAGE));
		RUN_OK(self->fd, vt_kvirt_drop(area.id));
	}
}

/* The same with a page of 2 MiB of device memory, the content of which stays */
TEST_F(kvirt, size_of_a_huge_page)
{
	struct vmstore_out_kvirt area = MAP_DEVICE(HUGE, HUGE + VT_2M);
	__u64 at = area.start + 2 * VT_PAGE;

	EXPECT_EQ(1, area.huge);
	pattern(self->in, VT_2M, 3);
	ASSERT_EQ(0, fill_range(self->fd, at, self->in, VT_2M));
	ASSERT_EQ(0, read_range(self->fd, at, self->out, VT_2M));
	EXPECT_EQ(0, memcmp(self->in, self->out, VT_2M));
	RUN_OK(self->fd, vt_kvirt_unmap(area.id, 12 * VT_PAGE, 100 * VT_PAGE));
	ASSERT_EQ(0, read_range(self->fd, at, self->out, 10 * VT_PAGE));
	EXPECT_EQ(-EACCES, read_range(self->fd, at, self->out, 11 * VT_PAGE));
	ASSERT_EQ(0, read_range(self->fd, at + 110 * VT_PAGE, self->out + 110 * VT_PAGE,
				VT_2M - 110 * VT_PAGE));
	EXPECT_EQ(0, memcmp(self->in, self->out, VT_2M));
	RUN_OK(self->fd, vt_kvirt_drop(area.id));
	/* Elsewhere and in small pages */
	area = RUN_OK(self->fd, vt_kvirt_untracked(VT_2M, 0, HUGE + VT_PAGE, HUGE + VT_2M,
						   KERNEL_RO)).out.kvirt;
	EXPECT_EQ(511, area.leaves);
	EXPECT_EQ(0, area.huge);
	ASSERT_EQ(0, read_range(self->fd, area.start, self->out, VT_2M - VT_PAGE));
	EXPECT_EQ(0, memcmp(self->in + VT_PAGE, self->out, VT_2M - VT_PAGE));
	EXPECT_EQ(-EACCES, fill_range(self->fd, area.start, self->in, VT_PAGE));
	RUN_OK(self->fd, vt_kvirt_drop(area.id));
}

/* --- addresses -------------------------------------------------------------------------- */

/* Nothing is mapped around an area, also between two of them */
TEST_F(kvirt, guard_pages)
{
	struct vmstore_out_kvirt area[8];
	__u32 i;

	for (i = 0; i < ARRAY_SIZE(area); i++) {
		area[i] = MAP(1 + i % 3, 0, 1 + i % 3);
		EXPECT_TRUE(lies_well(self->fd, &area[i], (1 + i % 3) * VT_PAGE));
	}
	for (i = 0; i < ARRAY_SIZE(area); i++) {
		if (area[i].start > VMSTORE_KVIRT_BASE)
			EXPECT_LOAD_FAULT(area[i].start - 8, i % CPUS);
		EXPECT_LOAD(0, area[i].start, i % CPUS);
		EXPECT_LOAD(0, area[i].end - 8, i % CPUS);
		EXPECT_LOAD_FAULT(area[i].end, i % CPUS);
		EXPECT_STORE_FAULT(ABSENT | STORE, area[i].end, i % CPUS);
		/* None has a reader that goes over its end */
		RUN_ERR(self->fd, EACCES, vt_kio_new(false, area[i].end - 8, 16));
	}
}

/* Blockers take all addresses but a few; then an area is where one was just before */
static __u32 take_addresses(int fd, __u64 *blocker, __u32 room, __u64 smallest)
{
	__u64 size = 1ULL << 40;
	__u32 nr = 0;

	for (; size >= smallest; size /= 2) {
		struct vmstore_op op = vt_kvirt_untracked(size, 0, MMIO, MMIO, KERNEL_RW);

		while (nr < room && !vt_run1(fd, &op)) {
			blocker[nr++] = op.out.id;
			op = vt_kvirt_untracked(size, 0, MMIO, MMIO, KERNEL_RW);
		}
	}
	return nr;
}

TEST_F(kvirt, no_addresses)
{
	static __u64 blocker[4096];
	struct vmstore_out_kvirt area;
	__u32 nr;

	nr = take_addresses(self->fd, blocker, ARRAY_SIZE(blocker), 1ULL << 20);
	ASSERT_LT(10, nr);
	ASSERT_GT(ARRAY_SIZE(blocker), nr);
	TAKE(1);
	RUN_ERR(self->fd, ENOMEM, vt_kvirt_map(1 << 20, 0, self->frame, 1, KERNEL_RW));
	RUN_ERR(self->fd, ENOMEM, vt_kvirt_untracked(1 << 20, 0, MMIO, MMIO + VT_PAGE, KERNEL_RW));
	RUN_ERR(self->fd, ENOMEM, vt_kvirt_untracked(VT_2M, 0, HUGE, HUGE + VT_2M, KERNEL_RW));
	/* One is given back, and can be had again */
	RUN_OK(self->fd, vt_kvirt_drop(blocker[nr - 1]));
	area = RUN_OK(self->fd, vt_kvirt_map(1 << 20, 0, self->frame, 1, KERNEL_RW)).out.kvirt;
	EXPECT_TRUE(lies_well(self->fd, &area, 1 << 20));
	EXPECT_LOAD(0, area.start, 0);
	while (nr-- > 1)
		RUN_OK(self->fd, vt_kvirt_drop(blocker[nr - 1]));
}

/* Addresses come back only after every CPU has flushed them: never the old content */
TEST_F(kvirt, addresses_used_again)
{
	static __u64 blocker[4096];
	__u64 last = 0;
	__u32 nr, round, cpu, again = 0;

	nr = take_addresses(self->fd, blocker, ARRAY_SIZE(blocker), 1ULL << 20);
	ASSERT_LT(10, nr);
	RUN_OK(self->fd, vt_kvirt_drop(blocker[--nr]));
	for (round = 0; round < vt_rounds(12); round++) {
		struct vmstore_out_kvirt area;
		__u64 value = 0x1000 + round;

		TAKE(2);
		area = RUN_OK(self->fd, vt_kvirt_map(1 << 20, 0, self->frame, 2,
						     KERNEL_RW)).out.kvirt;
		again += area.start == last;
		last = area.start;
		for (cpu = 0; cpu < CPUS; cpu++) {
			EXPECT_LOAD(0, area.start + 8 * cpu, cpu);
			EXPECT_LOAD(0, area.start + VT_PAGE + 8 * cpu, cpu);
		}
		for (cpu = 0; cpu < CPUS; cpu++)
			STORE_AT(area.start + 8 * cpu, value, cpu);
		if (round % 2)
			RUN_OK(self->fd, vt_kvirt_unmap(area.id, 0, VT_PAGE));
		RUN_OK(self->fd, vt_kvirt_drop(area.id));
		/* What is not there is cached nowhere */
		for (cpu = 0; cpu < CPUS; cpu++) {
			EXPECT_LOAD_FAULT(area.start, cpu);
			EXPECT_LOAD_FAULT(area.start + VT_PAGE, cpu);
		}
	}
	if (round > 1)
		EXPECT_LT(0, again);
	while (nr--)
		RUN_OK(self->fd, vt_kvirt_drop(blocker[nr]));
}

/* A registry has a limit */
TEST_F(kvirt, many_areas)
{
	struct vmstore_op *ops = calloc(VMSTORE_MAX_BATCH, sizeof(*ops));
	struct vmstore_op one = vt_kvirt_untracked(0, 0, MMIO, MMIO, KERNEL_RW);
	struct vmstore_run run;
	__u32 i;

	ASSERT_NE(NULL, ops);
	if (vt_rounds(100) < 100 || variant->mode != VMSTORE_CHECK_OFF) {
		free(ops);
		SKIP(return, "65536 areas, each checked, take too long");
	}
	for (i = 0; i < VMSTORE_MAX_BATCH; i++)
		ops[i] = one;
	ASSERT_EQ(0, vt_run(self->fd, ops, VMSTORE_MAX_BATCH, 0, &run));
	free(ops);
	EXPECT_TRUE(!run.out_failed || run.out_ran > 1);
	for (i = 0; i < VMSTORE_MAX_BATCH && !vt_run1(self->fd, &one); i++)
		;
	EXPECT_EQ(-ENOSPC, one.out_errno);
}

/* --- one memory, seen by several ways ---------------------------------------------------- */

/* The linear window, two areas, two spaces: a write by one is read by all, on any CPU */
TEST_F(kvirt, views_agree)
{
	__u64 other = RUN_OK(self->fd, vt_space_new()).out.id, ids[4], late;
	__u64 space[6], va[6];
	__u32 w, r, n = 0, cpu;
	__u64 cursor;

	TAKE(1);
	for (w = 0; w < ARRAY_SIZE(ids); w++)
		ids[w] = RUN_OK(self->fd, vt_frame_clone(self->frame[0])).out.id;
	cursor = RUN_OK(self->fd, vt_open_mut(self->space, VA, VA + VT_PAGE)).out.id;
	RUN_OK(self->fd, vt_map(cursor, ids[0], VT_RW));
	cursor = RUN_OK(self->fd, vt_open_mut(other, VA, VA + VT_PAGE)).out.id;
	RUN_OK(self->fd, vt_map(cursor, ids[1], VT_RW));
	RUN_OK(self->fd, vt_activate(self->space, 0));
	RUN_OK(self->fd, vt_activate(other, CPUS - 1));
	space[0] = self->space;
	va[0] = VA;
	space[1] = other;
	va[1] = VA;
	space[2] = self->space;
	va[2] = VMSTORE_KERNEL_BASE + self->paddr[0];
	space[3] = other;
	va[3] = RUN_OK(self->fd, vt_kvirt_map(VT_PAGE, 0, &ids[2], 1, KERNEL_RW))
		.out.kvirt.start;
	space[4] = self->space;
	va[4] = RUN_OK(self->fd, vt_kvirt_map(3 * VT_PAGE, VT_PAGE, &ids[3], 1, KERNEL_RW))
		.out.kvirt.start + VT_PAGE;
	/* A space made after the area has it too: one kernel half for all roots [Lk12] */
	late = RUN_OK(self->fd, vt_space_new()).out.id;
	space[5] = late;
	va[5] = va[3];
	for (w = 0; w < ARRAY_SIZE(va); w++) {
		for (cpu = 0; cpu < CPUS; cpu++) {
			__u64 value = 0xabc0000 + n++;

			RUN_OK(self->fd, vt_write(space[w], va[w] + 40, 8, value, cpu));
			for (r = 0; r < ARRAY_SIZE(va); r++) {
				__u32 on = (cpu + r) % CPUS;
				struct vmstore_op op = vt_load(space[r], va[r] + 40, 8, on);

				EXPECT_EQ(value, RUN_OK(self->fd, op).out.access.value)
					TH_LOG("written by %u, read by %u", w, r);
			}
		}
	}
	for (cpu = 0; cpu < CPUS; cpu++)
		RUN_OK(self->fd, vt_activate(0, cpu));
}

/* READ and WRITE between an area, the linear window, another area and a space */
TEST_F(kvirt, copies)
{
	struct vmstore_out_kvirt area = MAP(2, 0, 2), device;
	__u64 linear = VMSTORE_KERNEL_BASE, from, to, cursor, i;
	struct vmstore_op frame = RUN_OK(self->fd, vt_alloc()), op;

	device = MAP_DEVICE(MMIO, MMIO + 2 * VT_PAGE);
	linear += frame.out.frame.paddr;
	pattern(self->in, 2 * VT_PAGE, 9);
	ASSERT_EQ(0, fill_range(self->fd, area.start, self->in, 2 * VT_PAGE));
	/* Area to device memory, across a page */
	from = RUN_OK(self->fd, vt_kio_new(false, area.start + 100, VT_PAGE)).out.id;
	to = RUN_OK(self->fd, vt_kio_new(true, device.start + 2 * VT_PAGE + 50, VT_PAGE)).out.id;
	op = RUN_OK(self->fd, vt_io_pair(VMSTORE_OP_READ, from, to));
	EXPECT_EQ(VT_PAGE, op.out.io.done);
	RUN_OK(self->fd, vt_io_drop(false, from));
	RUN_OK(self->fd, vt_io_drop(true, to));
	ASSERT_EQ(0, read_range(self->fd, device.start + 2 * VT_PAGE + 50, self->out, VT_PAGE));
	EXPECT_EQ(0, memcmp(self->in + 100, self->out, VT_PAGE));
	/* Device memory to the linear window */
	from = RUN_OK(self->fd, vt_kio_new(false, device.start + 2 * VT_PAGE + 50, 64)).out.id;
	to = RUN_OK(self->fd, vt_kio_new(true, linear, 64)).out.id;
	op = RUN_OK(self->fd, vt_io_pair(VMSTORE_OP_WRITE, from, to));
	EXPECT_EQ(64, op.out.io.done);
	RUN_OK(self->fd, vt_io_drop(false, from));
	RUN_OK(self->fd, vt_io_drop(true, to));
	for (i = 0; i < 8; i++) {
		__u64 want;

		memcpy(&want, self->in + 100 + 8 * i, sizeof(want));
		EXPECT_LOAD(want, linear + 8 * i, i % CPUS);
	}
	/* Area to a space */
	cursor = RUN_OK(self->fd, vt_open_mut(self->space, VA, VA + VT_PAGE)).out.id;
	RUN_OK(self->fd, vt_map(cursor, frame.out.frame.id, VT_RW));
	RUN_OK(self->fd, vt_activate(self->space, 0));
	from = RUN_OK(self->fd, vt_kio_new(false, area.start + VT_PAGE - 8, 16)).out.id;
	to = RUN_OK(self->fd, vt_io_new(true, self->space, VA + 80, 16)).out.id;
	RUN_ERR(self->fd, EINVAL, vt_io_pair(VMSTORE_OP_READ, from, to));
	RUN_OK(self->fd, vt_io_pair(VMSTORE_OP_READ_FALLIBLE, from, to));
	RUN_OK(self->fd, vt_io_drop(false, from));
	RUN_OK(self->fd, vt_io_drop(true, to));
	for (i = 0; i < 2; i++) {
		__u64 want;

		memcpy(&want, self->in + VT_PAGE - 8 + 8 * i, sizeof(want));
		EXPECT_LOAD(want, VA + 80 + 8 * i, 0);
	}
	RUN_OK(self->fd, vt_activate(0, 0));
}

/* Values, one at a time and many, as in the linear window [O-IoExtra] */
TEST_F(kvirt, values)
{
	struct vmstore_out_kvirt area = MAP(1, 0, 1);
	__u64 w = RUN_OK(self->fd, vt_kio_new(true, area.start, 32)).out.id;
	__u64 r = RUN_OK(self->fd, vt_kio_new(false, area.start + 8, 24)).out.id;

	RUN_OK(self->fd, vt_io_value(VMSTORE_OP_WRITER_WRITE_ONCE, w, 8, 0x11));
	RUN_OK(self->fd, vt_io_value(VMSTORE_OP_WRITER_FILL, w, 8, 0x22));
	EXPECT_EQ(0x22, RUN_OK(self->fd, vt_io_value(VMSTORE_OP_READER_READ_ONCE, r, 8, 0))
			.out.io.value);
	EXPECT_LOAD(0x11, area.start, CPUS - 1);
	EXPECT_LOAD(0x22, area.start + 24, CPUS - 1);
	EXPECT_LOAD(0, area.start + 32, 0);
	RUN_OK(self->fd, vt_io_drop(true, w));
	w = RUN_OK(self->fd, vt_kio_new(true, area.start + 8, 8)).out.id;
	RUN_OK(self->fd, vt_io_len(VMSTORE_OP_WRITER_FILL_ZEROS, w, 8));
	EXPECT_LOAD(0, area.start + 8, 0);
	RUN_OK(self->fd, vt_io_drop(true, w));
	RUN_OK(self->fd, vt_io_drop(false, r));
}

/* --- readers and writers: what they may have, and what they hold -------------------------- */

TEST_F(kvirt, readers_refused)
{
	struct vmstore_out_kvirt area = MAP(4, 1, 2), other = MAP(1, 0, 1);
	int w;

	RUN_OK(self->fd, vt_kvirt_protect(area.id, 2 * VT_PAGE, VT_PAGE, KERNEL_RO,
					  ONLY(VMSTORE_PROP_W)));
	for (w = 0; w < 2; w++) {
		RUN_ERR(self->fd, EACCES, vt_kio_new(w, area.start, 8));
		RUN_ERR(self->fd, EACCES, vt_kio_new(w, area.start + VT_PAGE - 1, 2));
		RUN_ERR(self->fd, EACCES, vt_kio_new(w, area.start + 3 * VT_PAGE - 1, 2));
		RUN_ERR(self->fd, EACCES, vt_kio_new(w, area.end - 8, 16));
		RUN_ERR(self->fd, EACCES, vt_kio_new(w, other.end, 8));
		RUN_ERR(self->fd, EACCES, vt_kio_new(w, other.start, 2 * VT_PAGE));
		RUN_ERR(self->fd, EACCES, vt_kio_new(w, other.start, -other.start));
		RUN_ERR(self->fd, EACCES, vt_kio_new(w, other.start, ~0ULL));
		RUN_ERR(self->fd, EACCES, vt_kio_new(w, VMSTORE_KVIRT_END, 8));
		RUN_ERR(self->fd, EACCES, vt_kio_new(w, VMSTORE_KVIRT_END - 8, 8));
		RUN_ERR(self->fd, EACCES, vt_kio_new(w, VMSTORE_KVIRT_BASE - 8, 16));
	}
	/* A writer wants to write all of it */
	RUN_ERR(self->fd, EACCES, vt_kio_new(true, area.start + 2 * VT_PAGE, 8));
	RUN_ERR(self->fd, EACCES, vt_kio_new(true, area.start + VT_PAGE, VT_PAGE + 1));
	RUN_OK(self->fd, vt_kio_new(true, area.start + VT_PAGE, VT_PAGE));
	RUN_OK(self->fd, vt_kio_new(false, area.start + VT_PAGE, 2 * VT_PAGE));
	/* Of nothing it is nothing: anywhere in the area, also at its end */
	RUN_OK(self->fd, vt_kio_new(true, area.start + 2 * VT_PAGE + 8, 0));
	RUN_OK(self->fd, vt_kio_new(true, area.start + 8, 0));
	RUN_OK(self->fd, vt_kio_new(false, area.end, 0));
	RUN_ERR(self->fd, EACCES, vt_kio_new(false, area.end + 8, 0));
}

/* While one is in an area nothing of it goes or changes, and no slot count is taken */
TEST_F(kvirt, pins)
{
	struct vmstore_out_kvirt area = MAP(3, 0, 2), free_one = MAP(1, 0, 1);
	__u64 paddr = leaf_at(self->fd, area.start).paddr, reader, writer;
	int i;

	reader = RUN_OK(self->fd, vt_kio_new(false, area.start, 8)).out.id;
	writer = RUN_OK(self->fd, vt_kio_new(true, area.start + VT_PAGE, 16)).out.id;
	EXPECT_EQ(1, vt_slot(self->fd, paddr).rc);
	EXPECT_EQ(2, area_rec(self->fd, area.id).pins);
	EXPECT_EQ(0, area_rec(self->fd, free_one.id).pins);
	for (i = 0; i < 2; i++) {
		RUN_ERR(self->fd, EBUSY, vt_kvirt_drop(area.id));
		/* Also what it does not look at */
		RUN_ERR(self->fd, EBUSY, vt_kvirt_unmap(area.id, 0, VT_PAGE));
		RUN_ERR(self->fd, EBUSY, vt_kvirt_unmap(area.id, 2 * VT_PAGE, VT_PAGE));
		RUN_ERR(self->fd, EBUSY, vt_kvirt_protect(area.id, 0, VT_PAGE, KERNEL_RO,
							  ONLY(VMSTORE_PROP_W)));
		RUN_OK(self->fd, vt_kvirt_peek(area.id, area.start));
		if (i)
			break;
		/* Whatever LIMIT and SKIP leave */
		RUN_OK(self->fd, vt_io_len(VMSTORE_OP_WRITER_LIMIT, writer, 0));
		RUN_OK(self->fd, vt_io_drop(false, reader));
		EXPECT_EQ(1, area_rec(self->fd, area.id).pins);
	}
	/* Another area is nobody's business */
	RUN_OK(self->fd, vt_kvirt_drop(free_one.id));
	RUN_OK(self->fd, vt_io_drop(true, writer));
	EXPECT_EQ(0, area_rec(self->fd, area.id).pins);
	RUN_OK(self->fd, vt_kvirt_unmap(area.id, 0, VT_PAGE));
	RUN_OK(self->fd, vt_kvirt_drop(area.id));
}

/* --- accesses ---------------------------------------------------------------------------- */

TEST_F(kvirt, access)
{
	struct vmstore_out_kvirt area = MAP(2, 0, 1);
	struct vmstore_out_query got;
	__u32 width;

	got = RUN_OK(self->fd, vt_kvirt_peek(area.id, area.start)).out.query;
	EXPECT_EQ(0, got.prop.flags & VMSTORE_PROP_DIRTY);
	for (width = 1; width <= 8; width *= 2) {
		RUN_OK(self->fd, vt_write(self->space, area.start + 8 * width, width,
					  0x1122334455667788ULL, 0));
		EXPECT_EQ(0x1122334455667788ULL & (width == 8 ? ~0ULL : (1ULL << 8 * width) - 1),
			  RUN_OK(self->fd, vt_load(self->space, area.start + 8 * width, width,
						   CPUS - 1)).out.access.value);
		RUN_ERR(self->fd, EINVAL, vt_load(self->space, area.start + 1, 3, 0));
	}
	RUN_ERR(self->fd, EINVAL, vt_load(self->space, area.start + 4, 8, 0));
	RUN_ERR(self->fd, ENOENT, vt_load(self->space + 9, area.start, 8, 0));
	/* The walker says so in the leaf */
	got = RUN_OK(self->fd, vt_kvirt_peek(area.id, area.start)).out.query;
	EXPECT_EQ(VMSTORE_PROP_ACCESSED | VMSTORE_PROP_DIRTY,
		  got.prop.flags & (VMSTORE_PROP_ACCESSED | VMSTORE_PROP_DIRTY));
	EXPECT_FAULT(ABSENT, vt_load(self->space, area.start + VT_PAGE, 8, 0));
	EXPECT_FAULT(ABSENT | STORE, vt_write(self->space, area.start + VT_PAGE, 8, 0, 0));
	/* Where no area is; and what is no place for one */
	EXPECT_FAULT(ABSENT, vt_load(self->space, VMSTORE_KVIRT_END - 8, 8, 0));
	RUN_ERR(self->fd, EACCES, vt_load(self->space, VMSTORE_KVIRT_END, 8, 0));
	RUN_ERR(self->fd, EACCES, vt_load(self->space, VMSTORE_KVIRT_BASE - 8, 8, 0));
	RUN_ERR(self->fd, EACCES, vt_load(self->space, ~7ULL, 8, 0));
}

/* --- exhaustion -------------------------------------------------------------------------- */

/* Take all free slots; how many handles that is, or -errno */
static long take_all(int fd, __u64 *frame, __u32 room)
{
	struct vmstore_op *ops = calloc(room, sizeof(*ops));
	struct vmstore_run run;
	__u32 i;
	long nr;

	if (!ops)
		return -ENOMEM;
	for (i = 0; i < room; i++)
		ops[i] = vt_alloc();
	nr = vt_run(fd, ops, room, 0, &run);
	for (i = 0; !nr && i < room && !ops[i].out_errno; i++)
		frame[i] = ops[i].out.id;
	free(ops);
	return nr ? nr : i;
}

/* All slots are taken and given back many times: not with a look at all of them each time */
#define NOT_IN_FULL	"thousands of operations: not with a full check after each"

/*
 * With no slot free, with one, with two, ...: refused, and everything is as it was, until it
 * succeeds; that many slots it needed. @frame: one handle may be used by the operation.
 */
#define STARVE(what, most) ({						\
	static __u64 _filler[4 * FILLER];				\
	long _nr = take_all(self->fd, _filler, ARRAY_SIZE(_filler));	\
	__u32 _free = 0;						\
	struct vmstore_op _starved;					\
									\
	ASSERT_LT(0, _nr);						\
	ASSERT_EQ(0, vt_free_slots(self->fd));				\
	for (;; _free++) {						\
		_starved = (what);					\
		if (!vt_run1(self->fd, &_starved))			\
			break;						\
		EXPECT_EQ(-ENOMEM, _starved.out_errno);			\
		RUN_ERR(self->fd, ENOMEM, what);			\
		ASSERT_GT(most, _free);					\
		ASSERT_EQ(_free, vt_free_slots(self->fd));		\
		RUN_OK(self->fd, vt_frame_drop(_filler[--_nr]));	\
	}								\
	while (_nr > 0)							\
		RUN_OK(self->fd, vt_frame_drop(_filler[--_nr]));	\
	_free; })

TEST_F(kvirt, no_slots_to_map_frames)
{
	struct vmstore_op op;

	if (variant->mode == VMSTORE_CHECK_FULL)
		SKIP(return, NOT_IN_FULL);
	TAKE(2);
	op = vt_kvirt_map(2 * VT_PAGE, 0, self->frame, 2, KERNEL_RW);
	/* A table of level 2 and one or two of level 1 */
	EXPECT_LE(2, STARVE(op, 4));
	EXPECT_EQ(1, vt_count(self->fd, VMSTORE_DUMP_KVIRTS));
}

TEST_F(kvirt, no_slots_to_map_device)
{
	if (variant->mode == VMSTORE_CHECK_FULL)
		SKIP(return, NOT_IN_FULL);
	EXPECT_LE(2, STARVE(vt_kvirt_untracked(VT_PAGE, 0, MMIO, MMIO + VT_PAGE, KERNEL_RW), 4));
	/* Small pages on both sides of large ones: a table for each end, others may be there */
	STARVE(vt_kvirt_untracked(2 * VT_2M + 2 * VT_PAGE, 2 * VT_PAGE, HUGE - VT_PAGE,
				  HUGE + VT_2M + VT_PAGE, KERNEL_RW), 6);
	EXPECT_EQ(2, vt_count(self->fd, VMSTORE_DUMP_KVIRTS));
}

/* A page of 2 MiB that is split needs a table */
TEST_F(kvirt, no_slots_to_split)
{
	struct vmstore_out_kvirt area = MAP_DEVICE(HUGE, HUGE + 2 * VT_2M);
	const __u64 at = 2 * VT_PAGE;

	if (variant->mode == VMSTORE_CHECK_FULL)
		SKIP(return, NOT_IN_FULL);
	EXPECT_EQ(2, area.huge);
	/* Both, for one operation: two or none */
	EXPECT_EQ(2, STARVE(vt_kvirt_protect(area.id, at + VT_2M - VT_PAGE, 2 * VT_PAGE,
					     KERNEL_RO, ONLY(VMSTORE_PROP_W)), 3));
	RUN_OK(self->fd, vt_kvirt_drop(area.id));
	area = MAP_DEVICE(HUGE, HUGE + 2 * VT_2M);
	EXPECT_EQ(1, STARVE(vt_kvirt_unmap(area.id, at + VT_PAGE, VT_PAGE), 3));
	/* Nothing to split any more, or all of it in the range */
	EXPECT_EQ(0, STARVE(vt_kvirt_unmap(area.id, at + 3 * VT_PAGE, VT_PAGE), 1));
	EXPECT_EQ(0, STARVE(vt_kvirt_unmap(area.id, at + VT_2M, VT_2M), 1));
}

/* These need none */
TEST_F(kvirt, no_slots_needed)
{
	struct vmstore_out_kvirt area = MAP(3, 0, 3);

	if (variant->mode == VMSTORE_CHECK_FULL)
		SKIP(return, NOT_IN_FULL);
	EXPECT_EQ(0, STARVE(vt_kvirt_query(area.id, area.start), 1));
	EXPECT_EQ(0, STARVE(vt_kvirt_protect(area.id, 0, VT_PAGE, KERNEL_RO,
					     ONLY(VMSTORE_PROP_W)), 1));
	EXPECT_EQ(0, STARVE(vt_kvirt_unmap(area.id, 0, VT_PAGE), 1));
	EXPECT_EQ(0, STARVE(vt_kvirt_untracked(VT_PAGE, 0, MMIO, MMIO, KERNEL_RW), 1));
	EXPECT_EQ(0, STARVE(vt_kvirt_drop(area.id), 1));
}

/* --- the end of a store ------------------------------------------------------------------- */

/* Closed with everything in it: teardown in any state */
TEST_F(kvirt, closed_with_areas)
{
	struct vmstore_out_kvirt area = MAP(3, 0, 2);
	struct vmstore_out_kvirt device = MAP_DEVICE(HUGE - VT_PAGE, HUGE + VT_2M);

	EXPECT_LOAD(0, device.end - VT_PAGE - 8, 0);
	RUN_OK(self->fd, vt_kio_new(true, area.start, 16));
	RUN_OK(self->fd, vt_kvirt_query(area.id, area.start));
	EXPECT_LOAD(0, area.start, CPUS - 1);
}

TEST_HARNESS_MAIN
