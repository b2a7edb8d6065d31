// SPDX-License-Identifier: GPL-2.0-only
/* VMSTORE_CHECK and VMSTORE_DUMP. */
#include "op_recipes.h"
#include "vmstore_test.h"

#define VA	0x10000000ULL

FIXTURE(check) {
	int fd;
	struct vmstore_info info;
	__u64 space;
};

FIXTURE_VARIANT(check) {
	__u32 machine;
	__u32 mode;
};

FIXTURE_VARIANT_ADD(check, default_full) {
	.machine = VMSTORE_MACHINE_DEFAULT,
	.mode = VMSTORE_CHECK_FULL,
};

FIXTURE_VARIANT_ADD(check, default_off) {
	.machine = VMSTORE_MACHINE_DEFAULT,
	.mode = VMSTORE_CHECK_OFF,
};

FIXTURE_VARIANT_ADD(check, default_step) {
	.machine = VMSTORE_MACHINE_DEFAULT,
	.mode = VMSTORE_CHECK_STEP,
};

FIXTURE_VARIANT_ADD(check, soft_full) {
	.machine = VMSTORE_MACHINE_SOFT,
	.mode = VMSTORE_CHECK_FULL,
};

/*
 * A state with something of everything: handles, shared and freed frames, device
 * memory, two spaces with leaves of several properties, cursors of both kinds, tables
 * that stay empty, things gathered, readers and writers of a space and of the window,
 * frame lists with a cursor and without, kernel areas.
 */
static int populate(int fd, __u64 *space)
{
	static const __u64 in_area[] = { VMSTORE_REF(44), VMSTORE_REF(45) };
	const __u64 device = VT_SMALL - 4 * VT_PAGE;
	struct vmstore_op ops[] = {
		/* 0 */ vt_space_new(),
		/* 1 */ vt_space_new(),
		/* 2 */ vt_open_mut(VMSTORE_REF(0), VA, VA + VT_1G / 2),
		/* 3 */ vt_open_ro(VMSTORE_REF(1), 0, VT_PAGE),
		/* 4 */ vt_alloc(),
		/* 5 */ vt_alloc(),
		/* 6 */ vt_alloc(),
		/* 7 */ vt_alloc(),
		/* 8 */ vt_map(VMSTORE_REF(2), VMSTORE_REF(4), VT_RW),
		/* 9 */ vt_map(VMSTORE_REF(2), VMSTORE_REF(5), VT_RW),
		/* 10 */ vt_map(VMSTORE_REF(2), VMSTORE_REF(6), VT_RO),
		/* 11 */ vt_frame_drop(VMSTORE_REF(7)),
		/* 12 */ vt_jump(VMSTORE_REF(2), VA),
		/* 13 */ vt_query(VMSTORE_REF(2)),
		/* 14 */ vt_query(VMSTORE_REF(2)),
		/* 15 */ vt_jump(VMSTORE_REF(2), VA + 8 * VT_2M),
		/* 16 */ vt_map(VMSTORE_REF(2), VMSTORE_REF(13),
				vt_prop(0xc5, VMSTORE_CACHE_UC, 3)),
		/* 17 */ vt_alloc(),
		/* 18 */ vt_map(VMSTORE_REF(2), VMSTORE_REF(17), VT_RW),
		/* 19 */ vt_activate(VMSTORE_REF(0), 0),
		/* 20 */ vt_write(VMSTORE_REF(0), VA, 8, 1, 0),
		/* 21 */ vt_open_mut(VMSTORE_REF(1), VT_512G - VT_PAGE, VT_512G + VT_PAGE),
		/* 22 */ vt_alloc(),
		/* 23 */ vt_map(VMSTORE_REF(21), VMSTORE_REF(22), VT_RW),
		/* 24 */ vt_alloc(),
		/* 25 */ vt_map(VMSTORE_REF(21), VMSTORE_REF(24), VT_RW),
		/* 26 */ vt_jump(VMSTORE_REF(2), VA + 2 * VT_PAGE),
		/* 27 */ vt_unmap(VMSTORE_REF(2), VT_PAGE),
		/* 28 */ vt_from_unused(VT_SMALL / 2),
		/* 29 */ vt_kio_new(false, VMSTORE_KERNEL_BASE + VT_SMALL / 2, VT_PAGE),
		/* 30 */ vt_kio_new(true, VMSTORE_KERNEL_BASE + VT_SMALL / 2 + 8, 8),
		/* 31 */ vt_io_new(false, VMSTORE_REF(0), VA, VT_PAGE),
		/* 32 */ vt_io_new(true, VMSTORE_REF(0), VA + 2 * VT_PAGE, VT_PAGE),
		/* 33 */ VT_W(SEGMENT_FROM_UNUSED, VT_SMALL / 2 + 2 * VT_PAGE,
			      VT_SMALL / 2 + 5 * VT_PAGE, 0),
		/* 34 */ VT_W(SEGMENT_CLONE, VMSTORE_REF(33), 0, 0),
		/* 35 */ VT_W(UNIQUE_FROM_UNUSED, VT_SMALL / 2 + 6 * VT_PAGE, 0, 0),
		/* 36 */ VT_W(UNIQUE_FROM_UNUSED, VT_SMALL / 2 + 7 * VT_PAGE, 0, 0),
		/* 37 */ VT_W(UNIQUE_FROM_UNUSED, VT_SMALL / 2 + 8 * VT_PAGE, 0, 0),
		/* 38 */ VT_W(UNIQUE_FROM_UNUSED, VT_SMALL / 2 + 9 * VT_PAGE, 0, 0),
		/* 39 */ vt_list_new(),
		/* 40 */ vt_list_new(),
		/* 41 */ VT_W(LIST_PUSH_BACK, VMSTORE_REF(39), VMSTORE_REF(37), 0),
		/* 42 */ VT_W(LIST_PUSH_BACK, VMSTORE_REF(40), VMSTORE_REF(38), 0),
		/* 43 */ VT_W(LIST_CURSOR_FRONT, VMSTORE_REF(40), 0, 0),
		/* 44 */ vt_alloc(),
		/* 45 */ vt_alloc(),
		/* 46 */ vt_kvirt_map(4 * VT_PAGE, VT_PAGE, in_area, 2, VT_RW),
		/* 47 */ vt_kvirt_untracked(3 * VT_PAGE, 0, device, device + 2 * VT_PAGE, VT_RO),
	};
	int err = vt_run(fd, ops, ARRAY_SIZE(ops), 0, NULL);
	size_t i;

	for (i = 0; !err && i < ARRAY_SIZE(ops); i++) {
		err = ops[i].out_errno;
		if (err)
			fprintf(stderr, "# operation %zu of the set-up\n", i);
	}
	*space = ops[0].out.id;
	return err;
}

FIXTURE_SETUP(check)
{
	struct vmstore_setup setup = {
		.size = sizeof(setup),
		.region_size = VT_SMALL,
		.mmio_size = 4 * VT_PAGE,
		.machine = variant->machine,
		.check_mode = variant->mode,
	};
	const char *reason = vt_skip_reason(variant->machine);

	self->fd = -1;
	if (reason)
		SKIP(return, "%s", reason);
	self->fd = vt_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, vt_ioctl(self->fd, VMSTORE_SETUP, &setup));
	ASSERT_EQ(0, vt_info(self->fd, &self->info));
	ASSERT_EQ(0, populate(self->fd, &self->space));
}

FIXTURE_TEARDOWN(check)
{
	if (self->fd < 0)
		return;
	EXPECT_EQ(0, vt_settled(self->fd));
	EXPECT_EQ(0, close(self->fd));
}

/* --- CHECK ----------------------------------------------------------------- */

#define MAX_CLAUSES	256

/* All clauses, in a static array; how many, or -errno */
static int read_clauses(int fd, struct vmstore_clause *clause, __u32 room)
{
	struct vmstore_check check = {
		.size = sizeof(check),
		.clauses = (uintptr_t)clause,
		.nr_clauses = room,
	};
	int err = vt_ioctl(fd, VMSTORE_CHECK, &check);

	return err ? err : (int)check.out_stored_clauses;
}

static const struct vmstore_clause *
find_clause(const struct vmstore_clause *clause, int nr, const char *id)
{
	int i;

	for (i = 0; i < nr; i++)
		if (!strcmp(clause[i].id, id))
			return &clause[i];
	return NULL;
}

static struct vmstore_clause clauses[MAX_CLAUSES], again[MAX_CLAUSES];

TEST_F(check, no_arrays)
{
	struct vmstore_check check = { .size = sizeof(check) };

	ASSERT_EQ(0, vt_ioctl(self->fd, VMSTORE_CHECK, &check));
	EXPECT_EQ(0, check.out_violations);
	EXPECT_EQ(self->info.out_nr_clauses, check.out_clauses);
	EXPECT_EQ(0, check.out_stored_violations);
	EXPECT_EQ(0, check.out_stored_clauses);
}

TEST_F(check, partial_room)
{
	__u32 nr = self->info.out_nr_clauses, room;

	ASSERT_GT(MAX_CLAUSES, nr);
	for (room = 0; room <= nr + 1; room += nr / 3) {
		struct vmstore_violation violation[2];
		struct vmstore_check check = {
			.size = sizeof(check),
			.violations = (uintptr_t)violation,
			.nr_violations = 2,
			.clauses = (uintptr_t)clauses,
			.nr_clauses = room,
		};

		memset(clauses, 0x5a, sizeof(clauses));
		memset(violation, 0x5a, sizeof(violation));
		ASSERT_EQ(0, vt_ioctl(self->fd, VMSTORE_CHECK, &check));
		EXPECT_EQ(nr, check.out_clauses);
		EXPECT_EQ(room < nr ? room : nr, check.out_stored_clauses);
		EXPECT_EQ(0, check.out_stored_violations);
		/* Not one byte more than what was stored */
		EXPECT_EQ(0x5a, clauses[check.out_stored_clauses].id[0]);
		EXPECT_EQ(0x5a, violation[0].clause[0]);
	}
}

TEST_F(check, bad_arrays)
{
	static const __u64 bad[] = {
		4096, 0x0000800000000000, VMSTORE_KERNEL_BASE, 0xfffffffffffffff8,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct vmstore_check check = {
			.size = sizeof(check),
			.clauses = bad[i],
			.nr_clauses = 1,
		};

		EXPECT_EQ(-EFAULT, vt_ioctl(self->fd, VMSTORE_CHECK, &check));
		/* A count that would wrap when multiplied */
		check.clauses = (uintptr_t)clauses;
		check.nr_clauses = 0xffffffff;
		memset(clauses, 0, sizeof(clauses));
		EXPECT_EQ(0, vt_ioctl(self->fd, VMSTORE_CHECK, &check));
		EXPECT_EQ(self->info.out_nr_clauses, check.out_stored_clauses);
	}
}

/*
 * Clauses that have nothing to speak of: G2 and G3 compare with a copy of the state that
 * is kept in the checked modes only, T1 to T4 are about what the model considers cached,
 * which is kept there, too, and so is what G9 compares. G5 is about nodes that wait for a grace
 * period.
 */
static bool may_rest(const struct vmstore_clause *clause, __u32 mode)
{
	static const char *const checked[] = { "G2", "G3", "T1", "T2", "T3", "T4", "G9" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(checked); i++)
		if (!strcmp(clause->id, checked[i]))
			return mode == VMSTORE_CHECK_OFF;
	return !strcmp(clause->id, "G5");
}

TEST_F(check, clause_table)
{
	int nr = read_clauses(self->fd, clauses, MAX_CLAUSES);
	int i, k;

	ASSERT_EQ((int)self->info.out_nr_clauses, nr);
	for (i = 0; i < nr; i++) {
		ASSERT_LT(0, (int)strnlen(clauses[i].id, sizeof(clauses[i].id)));
		ASSERT_GT(sizeof(clauses[i].id), strnlen(clauses[i].id, sizeof(clauses[i].id)));
		EXPECT_LT(0, (int)strnlen(clauses[i].text, sizeof(clauses[i].text)));
		EXPECT_GT(sizeof(clauses[i].text),
			  strnlen(clauses[i].text, sizeof(clauses[i].text)));
		EXPECT_EQ(0, clauses[i].violated);
		EXPECT_LE(clauses[i].not_vacuous, clauses[i].evaluated);
		EXPECT_TRUE(clauses[i].evaluated || may_rest(&clauses[i], variant->mode))
			TH_LOG("%s", clauses[i].id);
		for (k = 0; k < i; k++)
			EXPECT_NE(0, strcmp(clauses[i].id, clauses[k].id))
				TH_LOG("%s is there twice", clauses[i].id);
	}
}

/* What the model demands of slots, tables, cursors and counts is all evaluated */
TEST_F(check, clauses_of_the_model)
{
	static const char *const demanded[] = {
		"I0", "S1", "S2", "S2h", "S3", "S5", "S6", "S7", "S8", "S9", "S10", "S11",
		"S12", "S13", "S14", "V1", "V2", "V3", "V4", "V5", "V6",
		"W1", "W2", "W3", "W4", "W5", "W6", "W7", "W8", "W9",
		"A1", "A2", "A3a", "A3b", "A3c", "A3d",
		"R1", "R2", "R3", "R4", "R5", "R6", "R7", "R8", "R9", "R10", "R11", "R12",
		"R13", "R14", "R15", "R16", "R17",
		"P1", "P2", "P3", "P4", "P5", "P6", "P7", "P8", "P9", "P10", "P11", "P12",
		"P13", "P14",
		"C1", "C2", "C3", "C4", "C5", "C6", "D16", "D17",
		"K1", "K2", "K3", "K4", "K5", "K6", "K7", "K8", "K9",
		"L1", "L2", "L3", "L4", "L5", "L6", "L7", "L8", "L9", "L10", "L11",
	};
	int nr = read_clauses(self->fd, clauses, MAX_CLAUSES);
	size_t i;

	ASSERT_LT(0, nr);
	for (i = 0; i < ARRAY_SIZE(demanded); i++) {
		const struct vmstore_clause *clause = find_clause(clauses, nr, demanded[i]);

		EXPECT_NE(NULL, clause)
			TH_LOG("clause %zu of the list: %s", i, demanded[i]);
	}
}

/*
 * Clauses whose premise holds in the fixture's state: a clause that is never put to
 * the test proves nothing. Left out: R11 (rc 0 is never seen between operations), P12 (no
 * huge leaves in user tables)
 */
TEST_F(check, not_vacuous)
{
	static const char *const exercised[] = {
		"I0", "S1", "S2", "S2h", "S3", "S5", "S6", "S7", "S8", "S9", "S10", "S11",
		"S12", "S13", "V1", "V2", "V3", "V4", "V5", "V6",
		"W1", "W2", "W3", "W4", "W5", "W6", "W7", "W8", "W9",
		"A1", "A2", "A3a", "A3b", "A3c", "A3d", "R2", "R5", "R6", "R7", "R9", "R12",
		"L1", "L2", "L3", "L4", "L5", "L6", "L7", "L8", "L9", "L10", "L11", "R8",
		"R13", "R15", "R16", "R17", "P1", "P2", "P3", "P5", "P6", "P7", "P8", "P9",
		"P10", "P11", "P13", "P14", "C1", "C2", "C3", "C4", "C5", "C6", "D16",
		"K1", "K2", "K3", "K4", "K5", "K6", "K7", "K8", "K9", "D17",
	};
	int nr = read_clauses(self->fd, clauses, MAX_CLAUSES);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(exercised); i++) {
		const struct vmstore_clause *clause = find_clause(clauses, nr, exercised[i]);

		ASSERT_NE(NULL, clause);
		EXPECT_LT(0, clause->not_vacuous)
			TH_LOG("%s", exercised[i]);
	}
}

/* Twice the same state: twice the same numbers more, and in off mode only by CHECK */
TEST_F(check, counts_grow)
{
	struct vmstore_op op = vt_vaddr(1);
	int nr = read_clauses(self->fd, clauses, MAX_CLAUSES);
	int i;

	ASSERT_EQ(nr, read_clauses(self->fd, again, MAX_CLAUSES));
	for (i = 0; i < nr; i++) {
		/* G9: of slots that were claimed since the last check, and none was */
		if (may_rest(&clauses[i], variant->mode) || !strcmp(clauses[i].id, "G9"))
			continue;
		EXPECT_LT(clauses[i].evaluated, again[i].evaluated)
			TH_LOG("%s", clauses[i].id);
	}
	ASSERT_EQ(0, vt_run1(self->fd, &op));
	ASSERT_EQ(nr, read_clauses(self->fd, clauses, MAX_CLAUSES));
	for (i = 0; i < nr; i++) {
		__u64 one = clauses[i].evaluated - again[i].evaluated;

		EXPECT_TRUE(one || may_rest(&clauses[i], variant->mode) ||
			    !strcmp(clauses[i].id, "G9"));
		if (variant->mode == VMSTORE_CHECK_FULL)
			EXPECT_EQ(0, one % 2);
	}
}

/* --- DUMP ------------------------------------------------------------------ */

/* Page by page, one record at a time, gives what one call with room enough gives */
TEST_F(check, dump_minimal_buffers)
{
	__u32 section;

	vt_for_each_section(section) {
		static const __u32 sizes[] = { 1, 2, 3, 7 };
		struct vt_sec whole, paged;
		size_t i;

		ASSERT_EQ(0, vt_dump(self->fd, section, 1 << 16, &whole));
		EXPECT_EQ(1, whole.pages)
			TH_LOG("%s", vt_section_name[section]);
		for (i = 0; i < ARRAY_SIZE(sizes); i++) {
			/* Some bytes more are no record */
			__u32 len = sizes[i] * vt_rec_size[section] + i;

			ASSERT_EQ(0, vt_dump(self->fd, section, len, &paged));
			EXPECT_EQ(whole.len, paged.len)
				TH_LOG("%s by %u", vt_section_name[section], sizes[i]);
			if (whole.len == paged.len && whole.len)
				EXPECT_EQ(0, memcmp(whole.data, paged.data, whole.len));
			EXPECT_LE(whole.nr / sizes[i], paged.pages);
			EXPECT_FALSE(paged.moved);
			EXPECT_EQ(whole.generation, paged.generation);
			vt_sec_free(&paged);
		}
		vt_sec_free(&whole);
	}
}

TEST_F(check, dump_sections)
{
	EXPECT_EQ(2, vt_count(self->fd, VMSTORE_DUMP_SPACES));
	EXPECT_EQ(3, vt_count(self->fd, VMSTORE_DUMP_CURSORS));
	EXPECT_EQ(2, vt_count(self->fd, VMSTORE_DUMP_FRAMES));
	EXPECT_EQ(4, vt_count(self->fd, VMSTORE_DUMP_IOS));
	EXPECT_LT(4, vt_count(self->fd, VMSTORE_DUMP_SLOTS));
	EXPECT_EQ(2, vt_count(self->fd, VMSTORE_DUMP_KVIRTS));
	EXPECT_EQ(4, vt_count_leaves(self->fd, 0));
	EXPECT_EQ(4, vt_count_leaves(self->fd, self->space));
	EXPECT_EQ(2, vt_count_leaves(self->fd, self->space + 1));
	/* 4, 3, 2, and two leaf tables; the other: 4, 3, 2, 1 twice below the root */
	EXPECT_EQ(5, vt_count_nodes(self->fd, self->space, 0));
	EXPECT_LE(7, vt_count_nodes(self->fd, self->space + 1, 0));
	EXPECT_LE(1, vt_count_nodes(self->fd, 0, 0));
}

/* Slots: every frame of the region once, in order, equal neighbours merged */
TEST_F(check, dump_slots_complete)
{
	const struct vmstore_rec_slots *rec;
	struct vt_sec sec;
	__u64 next = 0;
	size_t i;

	ASSERT_EQ(0, vt_dump(self->fd, VMSTORE_DUMP_SLOTS, 1 << 16, &sec));
	rec = (void *)sec.data;
	for (i = 0; i < sec.nr; i++) {
		EXPECT_EQ(next, rec[i].paddr);
		EXPECT_LT(0, rec[i].nr);
		if (rec[i].usage == VMSTORE_USAGE_PAGETABLE)
			EXPECT_EQ(1, rec[i].rc == VMSTORE_RC_UNUSED ? 1 : rec[i].nr);
		next += rec[i].nr * VT_PAGE;
		if (!i || rec[i].usage == VMSTORE_USAGE_PAGETABLE)
			continue;
		EXPECT_FALSE(rec[i].rc == rec[i - 1].rc && rec[i].paths == rec[i - 1].paths &&
			     rec[i].usage == rec[i - 1].usage &&
			     rec[i].in_list == rec[i - 1].in_list &&
			     rec[i].storage == rec[i - 1].storage &&
			     rec[i].type == rec[i - 1].type)
			TH_LOG("%#llx should be merged", rec[i].paddr);
	}
	EXPECT_EQ(self->info.out_region_size, next);
	vt_sec_free(&sec);
}

/* Nodes in pre-order: each comes after its parent and before what follows the parent */
TEST_F(check, dump_nodes_in_order)
{
	const struct vmstore_rec_node *rec;
	struct vt_sec sec;
	size_t i;

	ASSERT_EQ(0, vt_dump(self->fd, VMSTORE_DUMP_NODES, 1 << 16, &sec));
	rec = (void *)sec.data;
	for (i = 0; i < sec.nr; i++) {
		EXPECT_TRUE(rec[i].level >= 1 && rec[i].level <= 4);
		EXPECT_EQ(0, rec[i].paddr % VT_PAGE);
		EXPECT_EQ(0, rec[i].va % (VT_PAGE << 9 * rec[i].level) &
			     (rec[i].level < 4 ? ~0ULL : 0));
		if (!i || rec[i].space != rec[i - 1].space) {
			if (rec[i].space)
				EXPECT_EQ(4, rec[i].level);
			continue;
		}
		EXPECT_LE(rec[i - 1].va, rec[i].va);
		EXPECT_LE(rec[i - 1].level, rec[i].level + 1);
	}
	vt_sec_free(&sec);
}

/* Neighbours with the same property and frames that follow each other are one record */
TEST_F(check, dump_leaves_merged)
{
	/* The end of the region's allocatable part: nobody else is there yet */
	__u64 base = VT_SMALL - 4 * VT_PAGE - 20 * VT_PAGE, i;
	struct vmstore_op op;
	struct vt_sec sec;
	bool merged = false;
	size_t k;

	op = RUN_OK(self->fd, vt_space_new());
	op = RUN_OK(self->fd, vt_open_mut(op.out.id, VT_1G, VT_1G + VT_2M));
	for (i = 0; i < 20; i++) {
		struct vmstore_op got = RUN_OK(self->fd, vt_from_unused(base + i * VT_PAGE));

		RUN_OK(self->fd, vt_map(op.out.id, got.out.id, i < 12 ? VT_RW : VT_RO));
	}
	ASSERT_EQ(0, vt_dump(self->fd, VMSTORE_DUMP_LEAVES, 1 << 16, &sec));
	for (k = 0; k < sec.nr; k++) {
		struct vmstore_rec_leaves *rec = (void *)sec.data;

		if (rec[k].va != VT_1G)
			continue;
		merged = true;
		EXPECT_EQ(12, rec[k].nr);
		EXPECT_EQ(base, rec[k].paddr);
		EXPECT_EQ(1, rec[k].level);
		ASSERT_LT(k + 1, sec.nr);
		EXPECT_EQ(VT_1G + 12 * VT_PAGE, rec[k + 1].va);
		EXPECT_EQ(8, rec[k + 1].nr);
	}
	EXPECT_TRUE(merged);
	vt_sec_free(&sec);
}

/* Something removed and not released shows, with what waits for it */
TEST_F(check, dump_gathered)
{
	struct vmstore_info info;
	struct vt_sec sec;
	size_t i;

	ASSERT_EQ(0, vt_info(self->fd, &info));
	ASSERT_EQ(0, vt_dump(self->fd, VMSTORE_DUMP_TLB, 1 << 16, &sec));
	EXPECT_EQ(info.out_gathered, sec.nr);
	for (i = 0; i < sec.nr; i++) {
		struct vmstore_rec_gathered *rec = (void *)sec.data;

		EXPECT_LT(rec[i].paddr, VT_SMALL);
		EXPECT_GE(1, rec[i].node);
		EXPECT_GE(1, rec[i].flushed);
		EXPECT_NE(VMSTORE_RC_UNUSED, vt_slot(self->fd, rec[i].paddr).rc);
	}
	vt_sec_free(&sec);
	RUN_OK(self->fd, vt_reap());
	EXPECT_EQ(0, vt_count(self->fd, VMSTORE_DUMP_TLB));
}

/* It moves with every operation and stands still without */
TEST_F(check, dump_generation)
{
	struct vmstore_op ops[] = {
		vt_alloc(), vt_frame_drop(4711), vt_vaddr(1), vt_peek(1), vt_reap(),
	};
	struct vt_sec before, after;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		ASSERT_EQ(0, vt_dump(self->fd, VMSTORE_DUMP_SPACES, 4096, &before));
		ASSERT_EQ(0, vt_dump(self->fd, VMSTORE_DUMP_SLOTS, 1 << 16, &after));
		EXPECT_EQ(before.generation, after.generation);
		vt_sec_free(&after);
		vt_run1(self->fd, &ops[i]);
		ASSERT_EQ(0, vt_dump(self->fd, VMSTORE_DUMP_SPACES, 4096, &after));
		EXPECT_NE(before.generation, after.generation)
			TH_LOG("operation %zu", i);
		vt_sec_free(&before);
		vt_sec_free(&after);
	}
}

TEST_F(check, dump_refused)
{
	struct vmstore_rec_space rec[8];
	struct vmstore_dump good = {
		.size = sizeof(good),
		.section = VMSTORE_DUMP_SPACES,
		.rec_size = sizeof(rec[0]),
		.buf = (uintptr_t)rec,
		.buf_len = sizeof(rec),
	};
	struct vmstore_dump dump = good;

	ASSERT_EQ(0, vt_ioctl(self->fd, VMSTORE_DUMP, &dump));
	dump = good;
	dump.section = 0;
	EXPECT_EQ(-EINVAL, vt_ioctl(self->fd, VMSTORE_DUMP, &dump));
	dump.section = 1000;
	EXPECT_EQ(-EINVAL, vt_ioctl(self->fd, VMSTORE_DUMP, &dump));
	dump.section = 0x80000001;
	EXPECT_EQ(-EINVAL, vt_ioctl(self->fd, VMSTORE_DUMP, &dump));
	dump = good;
	dump.rec_size = 0;
	EXPECT_EQ(-EINVAL, vt_ioctl(self->fd, VMSTORE_DUMP, &dump));
	dump.rec_size = sizeof(rec[0]) - 8;
	EXPECT_EQ(-EINVAL, vt_ioctl(self->fd, VMSTORE_DUMP, &dump));
	dump = good;
	dump.buf_len = 0;
	EXPECT_EQ(-EINVAL, vt_ioctl(self->fd, VMSTORE_DUMP, &dump));
	dump.buf_len = sizeof(rec[0]) - 1;
	EXPECT_EQ(-EINVAL, vt_ioctl(self->fd, VMSTORE_DUMP, &dump));
	dump = good;
	dump.buf = 0;
	EXPECT_EQ(-EFAULT, vt_ioctl(self->fd, VMSTORE_DUMP, &dump));
	dump.buf = VMSTORE_KERNEL_BASE;
	EXPECT_EQ(-EFAULT, vt_ioctl(self->fd, VMSTORE_DUMP, &dump));
}

/* A length no buffer has: what is written is what there is */
TEST_F(check, dump_absurd_length)
{
	struct vmstore_rec_space rec[8];
	struct vmstore_dump dump = {
		.size = sizeof(dump),
		.section = VMSTORE_DUMP_SPACES,
		.rec_size = sizeof(rec[0]),
		.buf = (uintptr_t)rec,
		.buf_len = 0xffffffff,
	};

	ASSERT_EQ(0, vt_ioctl(self->fd, VMSTORE_DUMP, &dump));
	EXPECT_EQ(2 * sizeof(rec[0]), dump.out_len);
	EXPECT_EQ(0, dump.out_more);
}

/* Positions nobody left behind: an end or an error, never an endless dump or worse */
TEST_F(check, dump_any_position)
{
	static const __u64 odd[] = {
		1, 2, 511, 1 << 20, 1ULL << 32, VMSTORE_USER_END, 1ULL << 63, ~0ULL,
	};
	const size_t nr = ARRAY_SIZE(odd);
	char *buf = malloc(1 << 16);
	__u32 section;
	size_t i;

	ASSERT_NE(NULL, buf);
	vt_for_each_section(section) {
		for (i = 0; i < nr * nr; i++) {
			struct vmstore_dump dump = {
				.size = sizeof(dump),
				.section = section,
				.rec_size = vt_rec_size[section],
				.pos = { odd[i / nr], odd[i % nr] },
				.buf = (uintptr_t)buf,
				.buf_len = 1 << 16,
			};
			int err = vt_ioctl(self->fd, VMSTORE_DUMP, &dump);

			EXPECT_TRUE(!err || err == -EINVAL)
				TH_LOG("%s: errno %d", vt_section_name[section], -err);
			if (!err)
				EXPECT_EQ(0, dump.out_more);
		}
	}
	free(buf);
}

/* Looking changes nothing */
TEST_F(check, looking_changes_nothing)
{
	struct vt_state before, after;
	int i;

	ASSERT_EQ(0, vt_state_read(self->fd, &before));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(0, vt_check(self->fd));
	ASSERT_EQ(0, vt_state_read(self->fd, &after));
	EXPECT_TRUE(vt_state_same(&before, &after));
	EXPECT_EQ(before.sec[1].generation, after.sec[1].generation);
	vt_state_free(&before);
	vt_state_free(&after);
}

TEST_HARNESS_MAIN
