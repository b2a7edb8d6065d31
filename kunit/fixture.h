/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the suites share: a store that lives as long as a test case, single operations
 * through vms_step() with typed arguments, and expectations about the whole state.
 *
 * A suite has fx_init() as .init and fx_exit() as .exit, or an init of its own that
 * calls fx_init_with() on a struct that begins with a struct fx. fx_store() is the store
 * in both cases.
 *
 * Functions that return an id or an outcome assert that the operation succeeds. To see
 * one fail, make it with an fx_op_*() and give it to fx_fails(), which also expects that
 * nothing has changed.
 */
#ifndef VMS_FIXTURE_H
#define VMS_FIXTURE_H

#include <kunit/test.h>

#include "store.h"

#define FX_PAGE		VMS_PAGE_SIZE
#define FX_REGION	(2 * VMS_BLOCK_SIZE)
#define FX_MMIO		(16 * FX_PAGE)

/*
 * FX_ROUNDS - how often a case does what it does over and over
 *
 * Under KCSAN an operation with a full check takes nearly a tenth of a second, and KUnit
 * ends a case after 300 s.
 */
#define FX_ROUNDS(usual)	((usual) / (IS_ENABLED(CONFIG_KCSAN) ? 10 : 1))

struct fx {
	struct vms_store *s;
};

/* R and W, for user mode, write-back */
extern const struct vmstore_prop fx_rw;

int fx_init(struct kunit *test);
int fx_init_with(struct kunit *test, struct fx *fx, const struct vmstore_setup *setup);
void fx_exit(struct kunit *test);

static inline struct vms_store *fx_store(struct kunit *test)
{
	return ((struct fx *)test->priv)->s;
}

/* --- operations as data ------------------------------------------------------ */

struct vmstore_op fx_op_simple(u32 opcode);
struct vmstore_op fx_op_id(u32 opcode, u64 id);
struct vmstore_op fx_op_paddr(u32 opcode, u64 paddr);
struct vmstore_op fx_op_len(u32 opcode, u64 cursor, u64 len);
struct vmstore_op fx_op_open(bool mut, u64 space, u64 start, u64 end);
struct vmstore_op fx_op_jump(u64 cursor, u64 va);
struct vmstore_op fx_op_map(u64 cursor, u64 frame, struct vmstore_prop prop);
struct vmstore_op fx_op_protect(u64 cursor, u64 len, struct vmstore_prop prop,
				struct vmstore_prop mask);
struct vmstore_op fx_op_flush(u64 cursor, u64 va, u64 len);
struct vmstore_op fx_op_issue(u64 cursor, u64 va, u64 len);
struct vmstore_op fx_op_issue_with(u64 cursor, u64 frame, u64 va, u64 len);
struct vmstore_op fx_op_flush_local(u32 cpu, u64 space, u64 va, u64 len);
struct vmstore_op fx_op_range(u64 start, u64 end);
struct vmstore_op fx_op_split(u64 segment, u64 offset);
struct vmstore_op fx_op_slice(u64 segment, u64 start, u64 end);
struct vmstore_op fx_op_map_frames(u64 cursor, u32 count, struct vmstore_prop prop);
struct vmstore_op fx_op_kvirt_frames(u64 size, u64 offset, u32 count, struct vmstore_prop prop);
struct vmstore_op fx_op_kvirt_untracked(u64 size, u64 offset, u64 start, u64 end,
					struct vmstore_prop prop);
struct vmstore_op fx_op_kvirt_query(u64 area, u64 addr);
struct vmstore_op fx_op_kvirt_unmap(u64 area, u64 offset, u64 len);
struct vmstore_op fx_op_kvirt_protect(u64 area, u64 offset, u64 len, struct vmstore_prop prop,
				      struct vmstore_prop mask);
struct vmstore_op fx_op_map_segment(u64 cursor, u64 segment, struct vmstore_prop prop);
struct vmstore_op fx_op_load(u64 space, u64 va, u32 width);
struct vmstore_op fx_op_store(u64 space, u64 va, u32 width, u64 value);

struct vmstore_op fx_op_io_new(bool writer, u64 space, u64 vaddr, u64 len);
struct vmstore_op fx_op_kio_new(bool writer, u64 vaddr, u64 len);
struct vmstore_op fx_op_io_data(u32 opcode, u64 io, u64 len);
struct vmstore_op fx_op_io_len(u32 opcode, u64 io, u64 n);
struct vmstore_op fx_op_io_pair(u32 opcode, u64 source, u64 dest);
struct vmstore_op fx_op_io_value(u32 opcode, u64 io, u32 width, u64 value);

struct vmstore_op fx_op_list_frame(u32 opcode, u64 list, u64 paddr);
struct vmstore_op fx_op_list_at(u32 opcode, u64 list, u64 n);
struct vmstore_op fx_op_list_put(u32 opcode, u64 list, u64 unique);
struct vmstore_op fx_op_list_insert_at(u64 list, u64 unique, u64 n);

int fx_op(struct vms_store *s, struct vmstore_op *op);
void fx_does(struct kunit *test, struct vms_store *s, struct vmstore_op *op);
void fx_fails(struct kunit *test, struct vms_store *s, struct vmstore_op op, int err);
void fx_does_with(struct kunit *test, struct vms_store *s, struct vmstore_op *op, void *data);
void fx_fails_with(struct kunit *test, struct vms_store *s, struct vmstore_op op, void *data,
		   int err);

/* --- operations that succeed ---------------------------------------------------- */

u64 fx_frame_alloc(struct kunit *test, struct vms_store *s, u64 *paddr);
u64 fx_frame_from_unused(struct kunit *test, struct vms_store *s, u64 paddr);
u64 fx_frame_from_in_use(struct kunit *test, struct vms_store *s, u64 paddr);
bool fx_frame_drop(struct kunit *test, struct vms_store *s, u64 frame);
u64 fx_frame_clone(struct kunit *test, struct vms_store *s, u64 frame);
u64 fx_segment_from_unused(struct kunit *test, struct vms_store *s, u64 start, u64 end);
struct vmstore_out_segment_drop fx_segment_drop(struct kunit *test, struct vms_store *s,
						u64 segment);
struct vmstore_out_segment fx_segment_split(struct kunit *test, struct vms_store *s,
					    u64 segment, u64 offset);
struct vmstore_out_frame fx_segment_next(struct kunit *test, struct vms_store *s,
					 u64 segment);
u64 fx_segment_clone(struct kunit *test, struct vms_store *s, u64 segment);
u64 fx_segment_slice(struct kunit *test, struct vms_store *s, u64 segment, u64 start,
		     u64 end);
u64 fx_frame_to_segment(struct kunit *test, struct vms_store *s, u64 frame);
u64 fx_unique_from_unused(struct kunit *test, struct vms_store *s, u64 paddr);
void fx_unique_drop(struct kunit *test, struct vms_store *s, u64 unique);
u64 fx_from_unique(struct kunit *test, struct vms_store *s, u64 unique);
u64 fx_try_from_shared(struct kunit *test, struct vms_store *s, u64 frame);
u64 fx_list_new(struct kunit *test, struct vms_store *s);
struct vmstore_out_list fx_list(struct kunit *test, struct vms_store *s, u32 opcode,
				u64 list);
struct vmstore_out_list fx_list_push(struct kunit *test, struct vms_store *s, u64 list,
				     u64 paddr);
u64 fx_list_drop(struct kunit *test, struct vms_store *s, u64 list);
u64 fx_space_new(struct kunit *test, struct vms_store *s);
struct vmstore_out_space_drop fx_space_drop(struct kunit *test, struct vms_store *s,
					    u64 space);
void fx_activate(struct kunit *test, struct vms_store *s, u32 cpu, u64 space);
u64 fx_open(struct kunit *test, struct vms_store *s, bool mut, u64 space, u64 start,
	    u64 end);
void fx_close(struct kunit *test, struct vms_store *s, u64 cursor);
struct vmstore_out_query fx_query(struct kunit *test, struct vms_store *s, u64 cursor,
				  bool peek);
struct vmstore_out_va fx_find_next(struct kunit *test, struct vms_store *s, u64 cursor,
				   u64 len);
struct vmstore_out_va fx_jump(struct kunit *test, struct vms_store *s, u64 cursor, u64 va);
struct vmstore_out_va fx_vaddr(struct kunit *test, struct vms_store *s, u64 cursor);
struct vmstore_out_map fx_map(struct kunit *test, struct vms_store *s, u64 cursor,
			      u64 frame, struct vmstore_prop prop);
struct vmstore_out_map_many fx_map_frames(struct kunit *test, struct vms_store *s,
					  u64 cursor, u64 *frames, u32 count,
					  struct vmstore_prop prop);
struct vmstore_out_map_many fx_map_segment(struct kunit *test, struct vms_store *s,
					   u64 cursor, u64 segment,
					   struct vmstore_prop prop);
struct vmstore_out_kvirt fx_kvirt_frames(struct kunit *test, struct vms_store *s, u64 size,
					 u64 offset, u64 *frames, u32 count,
					 struct vmstore_prop prop);
struct vmstore_out_kvirt fx_kvirt_untracked(struct kunit *test, struct vms_store *s, u64 size,
					    u64 offset, u64 start, u64 end,
					    struct vmstore_prop prop);
struct vmstore_out_query fx_kvirt_query(struct kunit *test, struct vms_store *s, u64 area,
					u64 addr, bool peek);
struct vmstore_out_kvirt_unmap fx_kvirt_drop(struct kunit *test, struct vms_store *s, u64 area);
struct vmstore_out_kvirt_unmap fx_kvirt_unmap(struct kunit *test, struct vms_store *s, u64 area,
					      u64 offset, u64 len);
struct vmstore_out_kvirt_protect fx_kvirt_protect(struct kunit *test, struct vms_store *s,
						  u64 area, u64 offset, u64 len,
						  struct vmstore_prop prop,
						  struct vmstore_prop mask);
u64 fx_map_new(struct kunit *test, struct vms_store *s, u64 cursor, u64 va);
struct vmstore_out_unmap fx_unmap(struct kunit *test, struct vms_store *s, u64 cursor,
				  u64 len);
struct vmstore_out_protect fx_protect(struct kunit *test, struct vms_store *s, u64 cursor,
				      u64 len, struct vmstore_prop prop,
				      struct vmstore_prop mask);
void fx_flush(struct kunit *test, struct vms_store *s, u64 cursor, u64 va, u64 len);
struct vmstore_out_reap fx_reap(struct kunit *test, struct vms_store *s);
u64 fx_io_new(struct kunit *test, struct vms_store *s, u32 cpu, bool writer, u64 space,
	      u64 vaddr, u64 len);
u64 fx_kio_new(struct kunit *test, struct vms_store *s, bool writer, u64 vaddr, u64 len);
void fx_io_drop(struct kunit *test, struct vms_store *s, bool writer, u64 io);
u64 fx_load(struct kunit *test, struct vms_store *s, u32 cpu, u64 space, u64 va, u32 width);
void fx_store_value(struct kunit *test, struct vms_store *s, u32 cpu, u64 space, u64 va,
		    u32 width, u64 value);

/* --- a machine that answers late ------------------------------------------------- */

/*
 * From begin to end a kicked CPU of the soft machine flushes nothing before somebody waits
 * for it, and goes on using what it has.
 */
void fx_late_begin(struct vms_store *s);
void fx_late_end(struct vms_store *s);
unsigned int fx_late_waits(void);

/* --- the state ------------------------------------------------------------------- */

struct fx_shot;

u64 fx_check(struct kunit *test, struct vms_store *s);
void fx_expect_inv(struct kunit *test, struct vms_store *s);
void fx_expect_empty(struct kunit *test, struct vms_store *s);
void *fx_dump(struct kunit *test, struct vms_store *s, u32 section, size_t *nr);
struct fx_shot *fx_shoot(struct kunit *test, struct vms_store *s);
void fx_expect_unchanged(struct kunit *test, struct vms_store *s, struct fx_shot *shot);
void fx_expect_unchanged_but(struct kunit *test, struct vms_store *s, struct fx_shot *shot,
			     u32 changed);

#endif /* VMS_FIXTURE_H */
