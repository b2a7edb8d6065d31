// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dumps: each section against the operations that made the state; the same records
 * however small the buffer is; runs are as long as they can be and no longer.
 */

#include <linux/kernel.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "dump.h"
#include "inv/inv.h"
#include "fixture.h"

#define VA	(5ULL << 30)	/* first address of a level-2 node */

/* --- paging ------------------------------------------------------------------------ */

/* Read a section through a buffer of @room records; it must be @want */
static void expect_paged(struct kunit *test, u32 section, size_t room, const void *want,
			 size_t nr)
{
	struct vms_store *s = fx_store(test);
	size_t size = vms_dump_rec_size(section);
	/* a tail that is too short for a record is left alone */
	struct vms_dump_out out = { .len = room * size + size / 2 };
	void *all = kunit_kzalloc(test, (nr + room) * size, GFP_KERNEL);
	size_t got = 0;

	out.buf = kunit_kzalloc(test, out.len, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, all);
	KUNIT_ASSERT_NOT_NULL(test, out.buf);
	do {
		memset(out.buf, 0xaa, out.len);
		KUNIT_ASSERT_EQ(test, vms_store_lock_quiet(s), 0);
		KUNIT_EXPECT_EQ(test, vms_dump(s, section, &out), 0);
		vms_store_unlock_quiet(s);
		KUNIT_ASSERT_LE(test, out.used, room * size);
		KUNIT_EXPECT_EQ(test, out.used % size, 0);
		if (out.more)
			KUNIT_EXPECT_EQ(test, out.used, room * size);
		KUNIT_EXPECT_TRUE(test, !memchr_inv(out.buf + out.used, 0xaa,
						    out.len - out.used));
		KUNIT_ASSERT_LE(test, got + out.used, nr * size);
		memcpy(all + got, out.buf, out.used);
		got += out.used;
	} while (out.more);
	KUNIT_EXPECT_EQ_MSG(test, got, nr * size, "section %u, %zu records at a time",
			    section, room);
	KUNIT_EXPECT_FALSE_MSG(test, memcmp(all, want, nr * size),
			       "section %u, %zu records at a time", section, room);
	kunit_kfree(test, out.buf);
	kunit_kfree(test, all);
}

/* A bit of everything, with gathers in cursors and without */
static void make_state(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 c[3], space;
	int i, k;

	for (k = 0; k < 3; k++) {
		space = fx_space_new(test, s);
		c[k] = fx_open(test, s, true, space, VA, VA + 6 * vms_page_size(2));
		for (i = 0; i < 12; i++) {
			fx_map_new(test, s, c[k], VA + i * vms_page_size(2) / 4);
			fx_map_new(test, s, c[k], VA + i * vms_page_size(2) / 4 + FX_PAGE);
		}
		fx_open(test, s, false, space, 0, FX_PAGE);
	}
	for (i = 0; i < 5; i++) {
		u64 paddr;

		fx_frame_alloc(test, s, &paddr);
		fx_kio_new(test, s, i & 1, VMSTORE_KERNEL_BASE + paddr, FX_PAGE - i);
	}
	for (i = 0; i < 3; i++) {
		fx_segment_from_unused(test, s, 0x500000 + i * 0x2000, 0x502000 + i * 0x2000);
		fx_unique_from_unused(test, s, 0x600000 + i * FX_PAGE);
	}
	for (k = 0; k < 3; k++) {
		struct vms_gather *g;

		/* what nothing has flushed yet */
		g = ((struct vms_cursor *)xa_load(&s->cursors.xa, c[k]))->gather;
		vms_flush_push_all(&g->pending);
		for (i = 0; i < 4; i++) {
			u64 frame, paddr;
			u32 idx;

			frame = fx_frame_alloc(test, s, &paddr);
			idx = vms_frame_entry_slot(xa_load(&s->frames.xa, frame));
			vms_registry_extract(&s->frames, frame);
			vms_registry_release(&s->frames, frame);
			vms_gather_add(&s->tlb, g, idx, false);
		}
	}
	for (k = 0; k < 2; k++) {
		struct vms_gather *g = vms_gather_alloc(&s->tlb);
		struct vms_cursor *cur = xa_load(&s->cursors.xa, c[k]);

		KUNIT_ASSERT_NOT_NULL(test, g);
		swap(g, cur->gather);
		vms_store_leave_gather(s, g);
	}
	fx_expect_inv(test, s);
}

static void dump_paging(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u32 section;

	make_state(test);
	for (section = VMSTORE_DUMP_SPACES; section <= VMSTORE_DUMP_IOS; section++) {
		size_t nr, room;
		void *all;

		if (!vms_dump_rec_size(section))
			continue;
		all = fx_dump(test, s, section, &nr);
		KUNIT_EXPECT_GT_MSG(test, nr, 1, "section %u", section);
		for (room = 1; room <= nr + 1; room += 1 + room / 3)
			expect_paged(test, section, room, all, nr);
	}
}

static void dump_empty_store(struct kunit *test)
{
	static const size_t want[] = {
		[VMSTORE_DUMP_SLOTS] = 5,	/* top node, free, root, free, device */
		[VMSTORE_DUMP_NODES] = 2,
		[VMSTORE_DUMP_IOS] = 0,
	};
	u32 section;

	for (section = VMSTORE_DUMP_SPACES; section <= VMSTORE_DUMP_IOS; section++) {
		size_t nr;
		void *all;

		if (!vms_dump_rec_size(section))
			continue;
		all = fx_dump(test, fx_store(test), section, &nr);
		KUNIT_EXPECT_EQ_MSG(test, nr, want[section], "section %u", section);
		expect_paged(test, section, 1, all, nr);
	}
}

static void dump_no_such_section(struct kunit *test)
{
	static const u32 unknown[] = { 0, 100, 1000, U32_MAX };
	u8 buf[256];
	int i;

	for (i = 0; i < ARRAY_SIZE(unknown); i++) {
		struct vms_dump_out out = { .buf = buf, .len = sizeof(buf) };

		KUNIT_EXPECT_EQ(test, vms_dump_rec_size(unknown[i]), 0);
		KUNIT_EXPECT_EQ(test, vms_dump(fx_store(test), unknown[i], &out), -EINVAL);
	}
	for (i = VMSTORE_DUMP_SPACES; i <= VMSTORE_DUMP_STORY; i++) {
		struct vms_dump_out out = { .buf = buf, .len = vms_dump_rec_size(i) - 1 };

		if (!vms_dump_rec_size(i))
			continue;
		KUNIT_EXPECT_EQ(test, vms_dump(fx_store(test), i, &out), -EINVAL);
	}
}

/* pos comes from user space: any is good for something between nothing and all */
static void dump_any_pos(struct kunit *test)
{
	static const u64 pos[] = {
		0, 1, 2, 3, 100, FX_PAGE, VA, VA + 1, VA + 3, VMSTORE_USER_END - 1,
		VMSTORE_USER_END, VMSTORE_KERNEL_BASE - 1, VMSTORE_KERNEL_BASE,
		VMSTORE_KVIRT_BASE, VMSTORE_KVIRT_END, BIT_ULL(48), U32_MAX, U64_MAX - 1,
		U64_MAX,
	};
	struct vms_store *s = fx_store(test);
	u32 section;
	int i;

	make_state(test);
	for (section = VMSTORE_DUMP_SPACES; section <= VMSTORE_DUMP_IOS; section++) {
		size_t size = vms_dump_rec_size(section);
		size_t nr;

		if (!size)
			continue;
		kunit_kfree(test, fx_dump(test, s, section, &nr));
		for (i = 0; i < ARRAY_SIZE(pos) * ARRAY_SIZE(pos); i++) {
			struct vms_dump_out out = { .len = (nr + 1) * size };

			out.buf = kunit_kzalloc(test, out.len, GFP_KERNEL);
			KUNIT_ASSERT_NOT_NULL(test, out.buf);
			out.pos[0] = pos[i / ARRAY_SIZE(pos)];
			out.pos[1] = pos[i % ARRAY_SIZE(pos)];
			KUNIT_EXPECT_EQ(test, vms_dump(s, section, &out), 0);
			KUNIT_EXPECT_LE(test, out.used, nr * size);
			KUNIT_EXPECT_FALSE(test, out.more);
			kunit_kfree(test, out.buf);
		}
	}
}

/* --- sections ------------------------------------------------------------------------ */

static void dump_spaces(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 a = fx_space_new(test, s);
	u64 gone = fx_space_new(test, s);
	u64 b = fx_space_new(test, s);
	struct vmstore_rec_space *rec;
	struct vms_space *space;
	size_t nr;

	fx_space_drop(test, s, gone);
	fx_activate(test, s, 1, b);
	fx_open(test, s, false, b, 0, FX_PAGE);
	fx_open(test, s, true, b, VA, VA + FX_PAGE);
	rec = fx_dump(test, s, VMSTORE_DUMP_SPACES, &nr);
	KUNIT_ASSERT_EQ(test, nr, 2);
	KUNIT_EXPECT_EQ(test, rec[0].id, a);
	KUNIT_EXPECT_EQ(test, rec[0].active, 0);
	KUNIT_EXPECT_EQ(test, rec[0].cursors, 0);
	KUNIT_EXPECT_EQ(test, rec[1].id, b);
	KUNIT_EXPECT_EQ(test, rec[1].active, 2);
	KUNIT_EXPECT_EQ(test, rec[1].cursors, 2);
	space = xa_load(&s->spaces.xa, b);
	KUNIT_EXPECT_EQ(test, rec[1].root, vms_slot_paddr(space->pt.root));
}

static void dump_cursors(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 space = fx_space_new(test, s);
	u64 ro = fx_open(test, s, false, space, VA, VA + 2 * FX_PAGE);
	u64 mut = fx_open(test, s, true, space, 0, 3 * vms_page_size(2));
	struct vmstore_rec_cursor *rec;
	size_t nr;

	fx_jump(test, s, ro, VA + FX_PAGE);
	fx_map_new(test, s, mut, vms_page_size(2));
	rec = fx_dump(test, s, VMSTORE_DUMP_CURSORS, &nr);
	KUNIT_ASSERT_EQ(test, nr, 2);
	KUNIT_EXPECT_EQ(test, rec[0].id, ro);
	KUNIT_EXPECT_EQ(test, rec[0].space, space);
	KUNIT_EXPECT_EQ(test, rec[0].start, VA);
	KUNIT_EXPECT_EQ(test, rec[0].end, VA + 2 * FX_PAGE);
	KUNIT_EXPECT_EQ(test, rec[0].va, VA + FX_PAGE);
	KUNIT_EXPECT_EQ(test, rec[0].mut, 0);
	KUNIT_EXPECT_EQ(test, rec[0].level, 1);
	KUNIT_EXPECT_EQ(test, rec[0].guard_level, 1);
	KUNIT_EXPECT_EQ(test, rec[1].id, mut);
	KUNIT_EXPECT_EQ(test, rec[1].va, vms_page_size(2) + FX_PAGE);
	KUNIT_EXPECT_EQ(test, rec[1].mut, 1);
	KUNIT_EXPECT_EQ(test, rec[1].level, 1);
	KUNIT_EXPECT_EQ(test, rec[1].guard_level, 2);
	KUNIT_EXPECT_EQ(test, rec[1].gathered, 0);
	KUNIT_EXPECT_EQ(test, rec[1].pending, 0);
}

static void dump_frames(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	struct vmstore_rec_frame *rec;
	u64 paddr[3], id[3], again;
	size_t nr;
	int i;

	for (i = 0; i < 3; i++)
		id[i] = fx_frame_alloc(test, s, &paddr[i]);
	again = fx_frame_from_in_use(test, s, paddr[2]);
	fx_frame_drop(test, s, id[1]);
	rec = fx_dump(test, s, VMSTORE_DUMP_FRAMES, &nr);
	KUNIT_ASSERT_EQ(test, nr, 3);
	KUNIT_EXPECT_EQ(test, rec[0].id, id[0]);
	KUNIT_EXPECT_EQ(test, rec[0].paddr, paddr[0]);
	KUNIT_EXPECT_EQ(test, rec[1].id, id[2]);
	KUNIT_EXPECT_EQ(test, rec[2].id, again);
	KUNIT_EXPECT_EQ(test, rec[2].paddr, paddr[2]);
}

static void dump_segments(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 first = fx_segment_from_unused(test, s, 0x500000, 0x504000);
	u64 copy = fx_segment_slice(test, s, first, 0x501000, 0x503000);
	struct vmstore_rec_segment *rec;
	size_t nr;

	fx_segment_next(test, s, first);
	rec = fx_dump(test, s, VMSTORE_DUMP_SEGMENTS, &nr);
	KUNIT_ASSERT_EQ(test, nr, 2);
	KUNIT_EXPECT_EQ(test, rec[0].id, first);
	KUNIT_EXPECT_EQ(test, rec[0].start, 0x501000ULL);
	KUNIT_EXPECT_EQ(test, rec[0].end, 0x504000ULL);
	KUNIT_EXPECT_EQ(test, rec[1].id, copy);
	KUNIT_EXPECT_EQ(test, rec[1].start, 0x501000ULL);
	KUNIT_EXPECT_EQ(test, rec[1].end, 0x503000ULL);
}

static void dump_uniques(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 first = fx_unique_from_unused(test, s, 0x500000);
	u64 second = fx_unique_from_unused(test, s, 0x400000);
	struct vmstore_rec_unique *rec;
	size_t nr;

	rec = fx_dump(test, s, VMSTORE_DUMP_UNIQUES, &nr);
	KUNIT_ASSERT_EQ(test, nr, 2);
	KUNIT_EXPECT_EQ(test, rec[0].id, first);
	KUNIT_EXPECT_EQ(test, rec[0].paddr, 0x500000ULL);
	KUNIT_EXPECT_EQ(test, rec[1].id, second);
	KUNIT_EXPECT_EQ(test, rec[1].paddr, 0x400000ULL);
}

/* A record per link in order, with where the cursor is; one for an empty list */
static void dump_lists(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 empty = fx_list_new(test, s), list = fx_list_new(test, s);
	struct vmstore_rec_list *rec;
	size_t nr, i;

	for (i = 0; i < 3; i++)
		fx_list_push(test, s, list, 0x500000 - i * FX_PAGE);
	fx_list(test, s, VMSTORE_OP_LIST_CURSOR_BACK, list);
	rec = fx_dump(test, s, VMSTORE_DUMP_LISTS, &nr);
	KUNIT_ASSERT_EQ(test, nr, 4);
	KUNIT_EXPECT_EQ(test, rec[0].id, empty);
	KUNIT_EXPECT_EQ(test, rec[0].nr, 0ULL);
	KUNIT_EXPECT_EQ(test, rec[0].tag, 0ULL);
	KUNIT_EXPECT_EQ(test, rec[0].paddr, U64_MAX);
	KUNIT_EXPECT_EQ(test, rec[0].cursor, 0U);
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_EQ(test, rec[i + 1].id, list);
		KUNIT_EXPECT_EQ(test, rec[i + 1].nr, 3ULL);
		KUNIT_EXPECT_EQ(test, rec[i + 1].tag, 1ULL);
		KUNIT_EXPECT_EQ(test, rec[i + 1].index, i);
		KUNIT_EXPECT_EQ(test, rec[i + 1].paddr, 0x500000 - i * FX_PAGE);
		KUNIT_EXPECT_EQ(test, rec[i + 1].at, 2ULL);
		KUNIT_EXPECT_EQ(test, rec[i + 1].cursor, 1U);
	}
	for (i = 1; i < 5; i++)
		expect_paged(test, VMSTORE_DUMP_LISTS, i, rec, nr);
}

/* Of a store that is frozen for it links in a circle are shown, and that ends */
static void dump_broken_list(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 list = fx_list_new(test, s);
	u32 first = vms_paddr_slot(0x500000);
	struct vmstore_rec_list *rec;
	size_t nr;

	fx_list_push(test, s, list, 0x500000);
	fx_list_push(test, s, list, 0x501000);
	s->region.slots[first + 1].link.next = first;
	KUNIT_EXPECT_GT(test, fx_check(test, s), 0);
	rec = fx_dump(test, s, VMSTORE_DUMP_LISTS, &nr);
	KUNIT_EXPECT_EQ(test, nr, s->region.nr_slots);
	s->region.slots[first + 1].link.next = s->region.nr_slots;
	kunit_kfree(test, rec);
	rec = fx_dump(test, s, VMSTORE_DUMP_LISTS, &nr);
	KUNIT_ASSERT_EQ(test, nr, 2);
	KUNIT_EXPECT_EQ(test, rec[1].paddr, 0x501000ULL);
}

/* The record that @idx is in */
static struct vmstore_rec_slots *slots_at(struct kunit *test, struct vmstore_rec_slots *rec,
					  size_t nr, u32 idx)
{
	u64 paddr = vms_slot_paddr(idx);
	size_t i = 0;

	while (i < nr && paddr - rec[i].paddr >= rec[i].nr * FX_PAGE)
		i++;
	KUNIT_ASSERT_LT(test, i, nr);
	return &rec[i];
}

/* The records are the slots, in order and without a hole; neighbours differ */
static void expect_slots(struct kunit *test, struct vmstore_rec_slots *rec, size_t nr)
{
	const struct vms_region *r = &fx_store(test)->region;
	u64 next = 0;
	size_t i;
	u32 idx;

	for (i = 0; i < nr; i++) {
		KUNIT_EXPECT_EQ(test, rec[i].paddr, next);
		KUNIT_EXPECT_GT(test, rec[i].nr, 0);
		next += rec[i].nr * FX_PAGE;
		if (i && !rec[i].level)
			KUNIT_EXPECT_TRUE(test, memcmp(&rec[i].rc, &rec[i - 1].rc,
						       sizeof(*rec) - 16));
	}
	KUNIT_EXPECT_EQ(test, next, r->size);
	for (idx = 0; idx < r->nr_slots; idx++) {
		struct vmstore_rec_slots *got = slots_at(test, rec, nr, idx);
		struct vms_slot *slot = &r->slots[idx];

		KUNIT_ASSERT_EQ(test, got->rc, (u64)atomic64_read(&slot->rc));
		KUNIT_ASSERT_EQ(test, got->paths, (u64)atomic64_read(&slot->paths));
		KUNIT_ASSERT_EQ(test, got->in_list, slot->in_list);
		KUNIT_ASSERT_EQ(test, got->usage, slot->usage);
		KUNIT_ASSERT_EQ(test, got->storage, slot->storage);
		KUNIT_ASSERT_EQ(test, got->type, slot->type != VMS_TYPE_NONE);
		if (slot->type != VMS_TYPE_NODE)
			continue;
		KUNIT_ASSERT_EQ(test, got->nr, 1);
		KUNIT_ASSERT_EQ(test, got->level, slot->node.level);
		KUNIT_ASSERT_EQ(test, got->nr_children, slot->node.nr_children);
		KUNIT_ASSERT_EQ(test, got->stray, slot->node.stray);
		KUNIT_ASSERT_EQ(test, got->owner, slot->node.owner);
	}
}

static void dump_slots(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	struct vmstore_rec_slots *rec;
	size_t nr;
	u64 id;

	make_state(test);
	rec = fx_dump(test, s, VMSTORE_DUMP_SLOTS, &nr);
	expect_slots(test, rec, nr);

	/* a run of 32 handles splits the free slots; one among them splits it */
	for (id = 0; id < 32; id++)
		fx_frame_from_unused(test, s, SZ_4M + id * FX_PAGE);
	fx_frame_from_in_use(test, s, SZ_4M + 7 * FX_PAGE);
	rec = fx_dump(test, s, VMSTORE_DUMP_SLOTS, &nr);
	expect_slots(test, rec, nr);
	KUNIT_EXPECT_EQ(test, slots_at(test, rec, nr, 1024)->nr, 7);
	KUNIT_EXPECT_EQ(test, slots_at(test, rec, nr, 1024 + 7)->nr, 1);
	KUNIT_EXPECT_EQ(test, slots_at(test, rec, nr, 1024 + 7)->rc, 2);
	KUNIT_EXPECT_EQ(test, slots_at(test, rec, nr, 1024 + 8)->nr, 24);
}

static void dump_nodes(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 a = fx_space_new(test, s);
	u64 b = fx_space_new(test, s);
	u64 c = fx_open(test, s, true, b, VA, VA + 4 * vms_page_size(2));
	u64 first = VA + vms_page_size(2);
	u64 second = VA + 3 * vms_page_size(2);
	const struct vmstore_rec_node want[] = {
		{ .space = a, .level = 4 },
		{ .space = b, .level = 4, .nr_children = 1 },
		{ .space = b, .level = 3, .nr_children = 1 },
		{ .space = b, .level = 2, .nr_children = 2, .va = VA, .owner = c },
		{ .space = b, .level = 1, .nr_children = 1, .va = first, .owner = c },
		{ .space = b, .level = 1, .nr_children = 2, .va = second, .owner = c },
		{ .space = 0, .level = 4 },
		{ .space = 0, .level = 3, .va = VMSTORE_KERNEL_BASE },
	};
	struct vmstore_rec_node *rec;
	size_t i, nr;

	fx_map_new(test, s, c, first);
	fx_map_new(test, s, c, second);
	fx_map_new(test, s, c, second + FX_PAGE);
	rec = fx_dump(test, s, VMSTORE_DUMP_NODES, &nr);
	KUNIT_ASSERT_EQ(test, nr, ARRAY_SIZE(want));
	for (i = 0; i < nr; i++) {
		KUNIT_EXPECT_EQ(test, rec[i].space, want[i].space);
		KUNIT_EXPECT_EQ(test, rec[i].level, want[i].level);
		KUNIT_EXPECT_EQ(test, rec[i].va, want[i].va);
		KUNIT_EXPECT_EQ(test, rec[i].owner, want[i].owner);
		KUNIT_EXPECT_EQ(test, rec[i].nr_children, want[i].nr_children);
	}
	KUNIT_EXPECT_EQ(test, rec[6].paddr, vms_slot_paddr(s->kernel_pt.root));
	KUNIT_EXPECT_EQ(test, rec[7].paddr, vms_slot_paddr(s->kernel.top));
}

static void dump_ios(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 space = fx_space_new(test, s), paddr, id[3];
	struct vmstore_rec_io want[3], *rec;
	struct vmstore_op op;
	size_t nr;

	fx_activate(test, s, 0, space);
	fx_frame_alloc(test, s, &paddr);
	id[0] = fx_io_new(test, s, 0, false, space, VA, 3 * FX_PAGE);
	id[1] = fx_io_new(test, s, 0, true, space, 0, 0);
	id[2] = fx_kio_new(test, s, true, VMSTORE_KERNEL_BASE + paddr + 1, 100);
	op = fx_op_io_len(VMSTORE_OP_READER_SKIP, id[0], 7);
	fx_does(test, s, &op);
	op = fx_op_io_len(VMSTORE_OP_READER_LIMIT, id[0], 9);
	fx_does(test, s, &op);
	want[0] = (struct vmstore_rec_io) {
		.id = id[0], .space = space, .vaddr = VA, .len = 3 * FX_PAGE,
		.cursor = VA + 7, .end = VA + 16,
	};
	want[1] = (struct vmstore_rec_io) { .id = id[1], .space = space, .writer = 1 };
	want[2] = (struct vmstore_rec_io) {
		.id = id[2], .vaddr = VMSTORE_KERNEL_BASE + paddr + 1, .len = 100,
		.cursor = VMSTORE_KERNEL_BASE + paddr + 1,
		.end = VMSTORE_KERNEL_BASE + paddr + 101, .writer = 1,
	};
	rec = fx_dump(test, s, VMSTORE_DUMP_IOS, &nr);
	KUNIT_ASSERT_EQ(test, nr, ARRAY_SIZE(want));
	KUNIT_EXPECT_EQ(test, memcmp(rec, want, sizeof(want)), 0);
}

/* Three frames that follow each other: handles and their first paddr */
static u64 three_frames(struct kunit *test, u64 paddr, u64 id[3])
{
	int i;

	for (i = 0; i < 3; i++)
		id[i] = fx_frame_from_unused(test, fx_store(test), paddr + i * FX_PAGE);
	return paddr;
}

static void dump_leaves(struct kunit *test)
{
	const struct vmstore_prop ro = { .flags = VMSTORE_PROP_R };
	struct vms_store *s = fx_store(test);
	u64 space = fx_space_new(test, s);
	u64 end = VA + 2 * vms_page_size(2);
	u64 c = fx_open(test, s, true, space, VA, end);
	struct vmstore_rec_leaves *rec;
	u64 id[3], x, y;
	size_t nr;
	int i;

	/* one run across the border of two leaf tables, as va and paddr both go on */
	x = three_frames(test, SZ_4M, id);
	fx_jump(test, s, c, VA + vms_page_size(2) - 2 * FX_PAGE);
	for (i = 0; i < 3; i++)
		fx_map(test, s, c, id[i], fx_rw);
	/* a run ends where the property, ... */
	y = three_frames(test, SZ_4M + 3 * FX_PAGE, id);
	fx_map(test, s, c, id[0], ro);
	/* ... the frame, ... */
	fx_map(test, s, c, id[2], ro);
	/* ... or the address does not follow */
	fx_jump(test, s, c, end - FX_PAGE);
	fx_map(test, s, c, id[1], ro);

	rec = fx_dump(test, s, VMSTORE_DUMP_LEAVES, &nr);
	KUNIT_ASSERT_EQ(test, nr, 4);
	for (i = 0; i < 4; i++) {
		KUNIT_EXPECT_EQ(test, rec[i].space, space);
		KUNIT_EXPECT_EQ(test, rec[i].level, 1);
		KUNIT_EXPECT_EQ(test, rec[i].nr, i ? 1 : 3);
		KUNIT_EXPECT_FALSE(test, memcmp(&rec[i].prop, i ? &ro : &fx_rw, sizeof(ro)));
	}
	KUNIT_EXPECT_EQ(test, rec[0].va, VA + vms_page_size(2) - 2 * FX_PAGE);
	KUNIT_EXPECT_EQ(test, rec[0].paddr, x);
	KUNIT_EXPECT_EQ(test, rec[1].va, VA + vms_page_size(2) + FX_PAGE);
	KUNIT_EXPECT_EQ(test, rec[1].paddr, y);
	KUNIT_EXPECT_EQ(test, rec[2].paddr, y + 2 * FX_PAGE);
	KUNIT_EXPECT_EQ(test, rec[3].va, end - FX_PAGE);
	KUNIT_EXPECT_EQ(test, rec[3].paddr, y + FX_PAGE);
}

/* What the hardware sets is shown */
static void dump_leaves_accessed(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 space = fx_space_new(test, s);
	u64 c = fx_open(test, s, true, space, VA, VA + FX_PAGE);
	struct vmstore_rec_leaves *rec;
	size_t nr;

	fx_map_new(test, s, c, VA);
	fx_store_value(test, s, 0, space, VA, 8, 1);
	rec = fx_dump(test, s, VMSTORE_DUMP_LEAVES, &nr);
	KUNIT_ASSERT_EQ(test, nr, 1);
	KUNIT_EXPECT_EQ(test, rec[0].prop.flags,
			fx_rw.flags | VMSTORE_PROP_ACCESSED | VMSTORE_PROP_DIRTY);
}

static void dump_gathered(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 space = fx_space_new(test, s);
	u64 c = fx_open(test, s, true, space, VA, VA + FX_PAGE);
	struct vms_cursor *cur = xa_load(&s->cursors.xa, c);
	struct vmstore_rec_gathered *rec;
	struct vms_gather *g;
	u64 frame, paddr;
	size_t nr;

	frame = fx_frame_alloc(test, s, &paddr);
	vms_registry_extract(&s->frames, frame);
	vms_registry_release(&s->frames, frame);
	vms_gather_add(&s->tlb, cur->gather, vms_paddr_slot(paddr), false);
	vms_flush_push_all(&cur->gather->pending);
	rec = fx_dump(test, s, VMSTORE_DUMP_TLB, &nr);
	KUNIT_ASSERT_EQ(test, nr, 1);
	KUNIT_EXPECT_EQ(test, rec[0].space, space);
	KUNIT_EXPECT_EQ(test, rec[0].cursor, c);
	KUNIT_EXPECT_EQ(test, rec[0].paddr, paddr);
	KUNIT_EXPECT_EQ(test, rec[0].node, 0);
	KUNIT_EXPECT_EQ(test, rec[0].flushed, 0);

	/* no CPU walks the root: nothing to wait for */
	vms_tlb_dispatch(&s->tlb, cur->gather, &cur->space->pt.mroot);
	g = vms_gather_alloc(&s->tlb);
	KUNIT_ASSERT_NOT_NULL(test, g);
	swap(g, cur->gather);
	vms_store_leave_gather(s, g);
	rec = fx_dump(test, s, VMSTORE_DUMP_TLB, &nr);
	KUNIT_ASSERT_EQ(test, nr, 1);
	KUNIT_EXPECT_EQ(test, rec[0].cursor, 0);
	KUNIT_EXPECT_EQ(test, rec[0].flushed, 1);
	fx_reap(test, s);
	fx_dump(test, s, VMSTORE_DUMP_TLB, &nr);
	KUNIT_EXPECT_EQ(test, nr, 0);
}

static void expect_flush(struct kunit *test, const struct vmstore_rec_flush *rec, u64 cursor,
			 u32 state, u64 start, u64 end)
{
	KUNIT_EXPECT_EQ(test, rec->cursor, cursor);
	KUNIT_EXPECT_EQ(test, rec->state, state);
	KUNIT_EXPECT_EQ(test, rec->start, start);
	KUNIT_EXPECT_EQ(test, rec->end, end);
	KUNIT_EXPECT_EQ(test, rec->all, (u32)!end);
	KUNIT_EXPECT_EQ(test, rec->cpus, state == VMSTORE_FLUSH_SENT ? 3ULL : 0ULL);
}

/* What is issued, what is dispatched and owed, also of a cursor that is gone */
static void dump_flushes(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	struct vmstore_rec_flush *rec;
	struct vmstore_op op;
	u64 space, c, other;
	size_t nr, room;

	space = fx_space_new(test, s);
	c = fx_open(test, s, true, space, VA, VA + 4 * FX_PAGE);
	other = fx_open(test, s, true, space, 0, FX_PAGE);
	fx_activate(test, s, 0, space);
	fx_activate(test, s, 1, space);
	fx_late_begin(s);
	op = fx_op_issue(c, VA, FX_PAGE);
	fx_does(test, s, &op);
	op = fx_op_id(VMSTORE_OP_TLB_DISPATCH, c);
	fx_does(test, s, &op);
	op = fx_op_issue(c, VA + FX_PAGE, 2 * FX_PAGE);
	fx_does(test, s, &op);
	op = fx_op_issue(c, VA, FX_PAGE);
	fx_does(test, s, &op);
	op = fx_op_issue_with(other, fx_frame_alloc(test, s, NULL), 0, 0);
	fx_does(test, s, &op);
	fx_close(test, s, other);

	rec = fx_dump(test, s, VMSTORE_DUMP_FLUSHES, &nr);
	KUNIT_ASSERT_EQ(test, nr, 4);
	KUNIT_EXPECT_EQ(test, rec[0].space, space);
	expect_flush(test, &rec[0], c, VMSTORE_FLUSH_PENDING, VA + FX_PAGE, VA + 3 * FX_PAGE);
	expect_flush(test, &rec[1], c, VMSTORE_FLUSH_PENDING, VA, VA + FX_PAGE);
	expect_flush(test, &rec[2], c, VMSTORE_FLUSH_SENT, VA, VA + FX_PAGE);
	expect_flush(test, &rec[3], 0, VMSTORE_FLUSH_SENT, 0, 0);
	for (room = 1; room <= nr + 1; room++)
		expect_paged(test, VMSTORE_DUMP_FLUSHES, room, rec, nr);
	fx_reap(test, s);
	fx_dump(test, s, VMSTORE_DUMP_FLUSHES, &nr);
	KUNIT_EXPECT_EQ(test, nr, 0);
	fx_late_end(s);
}

/* A frozen store can be dumped, whatever its tables hold */
static void dump_broken_tables(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	struct vms_region *r = &s->region;
	struct vmstore_rec_leaves *rec;
	struct vms_space *space;
	size_t i, nr, outside = 0;
	u64 *entries;

	make_state(test);
	space = xa_load(&s->spaces.xa, 1);
	entries = vms_node_entries(r, space->pt.root);
	entries[5] = vms_pte_make_table(space->pt.mroot.pa);
	entries[6] = vms_pte_make_leaf(r->blocks[r->nr_blocks - 1].pa + VMS_BLOCK_SIZE, 4,
				       fx_rw);
	fx_dump(test, s, VMSTORE_DUMP_NODES, &nr);
	KUNIT_EXPECT_GT(test, nr, 0);
	rec = fx_dump(test, s, VMSTORE_DUMP_LEAVES, &nr);
	for (i = 0; i < nr; i++) {
		outside += rec[i].paddr == U64_MAX;
		KUNIT_EXPECT_TRUE(test, rec[i].paddr < r->size || rec[i].paddr == U64_MAX);
	}
	KUNIT_EXPECT_GE(test, outside, 1);
}

/* What the fixture promises */
static void fixture_unchanged(struct kunit *test)
{
	struct vms_store *s = fx_store(test);
	u64 frame;

	make_state(test);
	fx_expect_unchanged(test, s, fx_shoot(test, s));
	frame = fx_frame_alloc(test, s, NULL);
	fx_fails(test, s, fx_op_id(VMSTORE_OP_FRAME_DROP, frame + 1), -ENOENT);
	fx_fails(test, s, fx_op_paddr(VMSTORE_OP_FRAME_FROM_UNUSED, 1), -EINVAL);
	fx_fails(test, s, fx_op_simple(__VMSTORE_OP_MAX), -EOPNOTSUPP);
}

/* What the model has, then what each CPU of the soft machine has */
static void dump_cached(struct kunit *test)
{
	const struct vmstore_prop rw = { .flags = VMSTORE_PROP_R | VMSTORE_PROP_W };
	struct vms_store *s = fx_store(test);
	u64 frame = fx_frame_alloc(test, s, NULL);
	u64 space = fx_space_new(test, s);
	u64 c = fx_open(test, s, true, space, VA, VA + 4 * FX_PAGE);
	u64 area = fx_kvirt_frames(test, s, FX_PAGE, 0, &frame, 1, rw).start;
	u64 paddr = fx_map_new(test, s, c, VA);
	struct vmstore_rec_cached *rec;
	size_t nr, room, i, k;
	bool held = false;

	fx_activate(test, s, 1, space);
	fx_load(test, s, 1, space, VA, 8);
	fx_load(test, s, 1, space, area, 8);
	rec = fx_dump(test, s, VMSTORE_DUMP_CACHED, &nr);
	KUNIT_ASSERT_GE(test, nr, 2);
	for (i = 0; i < nr; i++)
		KUNIT_EXPECT_EQ(test, rec[i].cpu == VMSTORE_CPU_MODEL, i < 2);
	KUNIT_EXPECT_EQ(test, rec[0].space, space);
	KUNIT_EXPECT_EQ(test, rec[0].va, VA);
	KUNIT_EXPECT_EQ(test, rec[0].paddr, paddr);
	KUNIT_EXPECT_EQ(test, rec[0].level, 1);
	KUNIT_EXPECT_EQ(test, rec[0].flags, 0);
	KUNIT_EXPECT_EQ(test, rec[0].prop.flags, fx_rw.flags);
	KUNIT_EXPECT_EQ(test, rec[0].prop.priv, fx_rw.priv);
	KUNIT_EXPECT_EQ(test, rec[1].space, 0);
	KUNIT_EXPECT_EQ(test, rec[1].va, area);
	KUNIT_EXPECT_EQ(test, rec[1].prop.flags, rw.flags);
	for (room = 1; room <= nr + 1; room++)
		expect_paged(test, VMSTORE_DUMP_CACHED, room, rec, nr);

	/* A CPU may drop what it has at any time, but not each time */
	for (k = 0; !held && k < 100; k++) {
		fx_load(test, s, 1, space, VA, 8);
		rec = fx_dump(test, s, VMSTORE_DUMP_CACHED, &nr);
		for (i = 2; i < nr; i++)
			held |= rec[i].cpu == 1 && rec[i].space == space && rec[i].va == VA &&
				rec[i].paddr == paddr && rec[i].level == 1 && !rec[i].flags;
	}
	KUNIT_EXPECT_TRUE(test, held);
}

static struct kunit_case dump_test_cases[] = {
	KUNIT_CASE(dump_paging),
	KUNIT_CASE(dump_empty_store),
	KUNIT_CASE(dump_no_such_section),
	KUNIT_CASE(dump_any_pos),
	KUNIT_CASE(dump_spaces),
	KUNIT_CASE(dump_cursors),
	KUNIT_CASE(dump_frames),
	KUNIT_CASE(dump_segments),
	KUNIT_CASE(dump_uniques),
	KUNIT_CASE(dump_lists),
	KUNIT_CASE(dump_broken_list),
	KUNIT_CASE(dump_slots),
	KUNIT_CASE(dump_nodes),
	KUNIT_CASE(dump_ios),
	KUNIT_CASE(dump_leaves),
	KUNIT_CASE(dump_leaves_accessed),
	KUNIT_CASE(dump_gathered),
	KUNIT_CASE(dump_flushes),
	KUNIT_CASE(dump_cached),
	KUNIT_CASE(dump_broken_tables),
	KUNIT_CASE(fixture_unchanged),
	{}
};

static struct kunit_suite dump_test_suite = {
	.name = "vmstore-dump",
	.init = fx_init,
	.exit = fx_exit,
	.test_cases = dump_test_cases,
};

kunit_test_suite(dump_test_suite);
