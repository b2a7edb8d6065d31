/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the oracle share. */
#ifndef ORC_MODEL_H
#define ORC_MODEL_H

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "oracle.h"

#define ORC_PAGE	VMSTORE_PAGE_SIZE
#define ORC_AD		(VMSTORE_PROP_ACCESSED | VMSTORE_PROP_DIRTY)
#define ORC_MAX_ERRNOS	12

/* --- the region ---------------------------------------------------------------------- */

struct orc_slot *orc_slot(struct orc_state *s, __u64 paddr);
const struct orc_slot *orc_peek(const struct orc_state *s, __u64 paddr);
void orc_count(struct orc_state *s, __u64 paddr, size_t field, int by);
__u64 orc_free_slots(const struct orc_state *s);
__u64 orc_free_even(const struct orc_state *s);
void orc_reaped(struct orc_state *s, bool sure);

/* Change one of the counts of the slot of @paddr */
#define ORC_COUNT(s, paddr, field, by)					\
	orc_count(s, paddr, offsetof(struct orc_slot, field), by)

/* References the oracle knows of; what is gathered comes on top */
static inline __u64 orc_users(const struct orc_slot *slot)
{
	return (__u64)slot->handles + slot->leaves + slot->segments + slot->pins;
}

static inline __u64 orc_region_size(const struct orc_state *s)
{
	return s->config.nr_slots * ORC_PAGE;
}

/* --- content ------------------------------------------------------------------------- */

void orc_page_get(struct orc_page *page);
void orc_page_put(struct orc_page *page);
void orc_zero(struct orc_state *s, __u64 paddr);
void orc_forget(struct orc_state *s, __u64 paddr);
void orc_forget_free(struct orc_state *s);
void orc_store(struct orc_state *s, __u64 paddr, const void *bytes, size_t len);
void orc_blur(struct orc_state *s, __u64 paddr, size_t len);
bool orc_holds(const struct orc_state *s, __u64 paddr, const void *bytes, size_t len);
bool orc_load(const struct orc_state *s, __u64 paddr, void *bytes, __u8 *known, size_t len);

/* --- lists --------------------------------------------------------------------------- */

__u64 orc_list_find(const struct orc_list *l, __u64 paddr);
void orc_list_copied(struct orc_list *l);

/* --- addresses ----------------------------------------------------------------------- */

/* orc_span - bytes an entry of a table of @level (1 to 5) stands for */
static inline __u64 orc_span(unsigned int level)
{
	return ORC_PAGE << (9 * (level - 1));
}

static inline bool orc_aligned(__u64 x)
{
	return !(x % ORC_PAGE);
}

unsigned int orc_covering_level(__u64 start, __u64 end);

/* --- one step ------------------------------------------------------------------------ */

/**
 * struct orc_step - an operation being judged
 * @s: state
 * @op: as the module left it
 * @want: the same with the outcome the model says
 * @errnos: of preconditions that are false
 * @nr_errnos: how many
 * @maybe: further errnos that are allowed
 * @nr_maybe: how many
 * @ask: find out whether the model refuses it, no more
 * @diff: where the difference goes
 */
struct orc_step {
	struct orc_state *s;
	const struct vmstore_op *op;
	struct vmstore_op want;
	int errnos[ORC_MAX_ERRNOS];
	int nr_errnos;
	int maybe[ORC_MAX_ERRNOS];
	int nr_maybe;
	bool ask;
	struct orc_diff *diff;
};

void orc_differ(struct orc_step *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool orc_differs(const struct orc_step *t);
void orc_refuse(struct orc_step *t, int err);
void orc_may_refuse(struct orc_step *t, int err);
void orc_need_slots(struct orc_step *t, __u64 nr);
bool orc_goes(struct orc_step *t);
__u64 orc_fresh(struct orc_step *t, enum orc_id kind, __u64 id);

/* Where an operation finds its object; a missing one is -ENOENT */
void *orc_get(struct orc_step *t, const struct orc_vec *v, __u64 id);
struct orc_cursor *orc_get_cursor(struct orc_step *t, __u64 id, bool mut);

/* --- spaces -------------------------------------------------------------------------- */

bool orc_prop_encodable(struct vmstore_prop prop);
void orc_stale_add(struct orc_space *space, __u64 va, __u64 paddr, bool write, bool held);
void orc_stale_add_hole(struct orc_space *space, __u64 start, __u64 end);
void orc_stale_issue(struct orc_space *space, const struct orc_cursor *c, __u64 start,
		     __u64 end);
void orc_stale_dispatch(struct orc_space *space, const struct orc_cursor *c);
void orc_stale_synced(struct orc_space *space, const struct orc_cursor *c);
void orc_stale_flushed(struct orc_space *space, __u64 start, __u64 end);
void orc_stale_flushed_on(struct orc_space *space, __u32 cpu, __u64 start, __u64 end);
void orc_stale_reused(struct orc_state *s, __u64 paddr);
void orc_stale_left(struct orc_space *space, __u32 cpu);

/**
 * struct orc_target - where an access of a page may go
 * @mapped: false: nowhere
 * @write: it may be written
 * @paddr: of the frame
 */
struct orc_target {
	bool mapped;
	bool write;
	__u64 paddr;
};

struct orc_target *orc_targets(const struct orc_space *space, __u32 cpu, __u64 va,
			       unsigned int *nr);
void orc_adopt_ad(struct orc_step *t, struct orc_leaf *leaf, struct vmstore_prop got);
void orc_accessed(struct orc_space *space, __u64 va, bool write, bool sure);
__u32 orc_fault(const struct orc_target *target, bool write);

/* --- flush requests ------------------------------------------------------------------ */

void orc_queue(struct orc_state *s, struct orc_cursor *c, __u64 nr);
void orc_queue_all(struct orc_cursor *c);
void orc_dispatch(struct orc_state *s, struct orc_cursor *c);
void orc_may_reap(struct orc_step *t);

/* --- kernel areas -------------------------------------------------------------------- */

struct orc_kvirt *orc_kvirt_of(const struct orc_state *s, __u64 va, __u64 len);
struct orc_leaf *orc_kvirt_leaf(const struct orc_kvirt *area, __u64 va);
struct orc_target orc_kvirt_target(const struct orc_state *s, __u64 va);
void orc_kvirt_accessed(const struct orc_state *s, __u64 va, bool write);
__u64 orc_kvirt_pins(const struct orc_state *s, const struct orc_kvirt *area);
bool orc_tracked(const struct orc_state *s, const struct orc_leaf *leaf);
__u64 orc_kernel_nodes(const struct orc_state *s);
bool orc_change_valid(struct vmstore_prop prop, struct vmstore_prop mask, bool cache);
void orc_change(struct orc_leaf *leaf, struct vmstore_prop prop, struct vmstore_prop mask,
		bool cache);
void orc_may_consume(struct orc_step *t, const __u64 *ids, __u32 nr);
void orc_no_nodes(struct orc_step *t);

/* --- the operations ------------------------------------------------------------------ */

void orc_frame_from_unused(struct orc_step *t);
void orc_frame_from_in_use(struct orc_step *t);
void orc_frame_alloc(struct orc_step *t);
void orc_frame_drop(struct orc_step *t);
void orc_frame_clone(struct orc_step *t);
void orc_frame_to_segment(struct orc_step *t);
void orc_segment_from_unused(struct orc_step *t);
void orc_segment_drop(struct orc_step *t);
void orc_segment_split(struct orc_step *t);
void orc_segment_next(struct orc_step *t);
void orc_segment_clone(struct orc_step *t);
void orc_segment_slice(struct orc_step *t);
void orc_unique_from_unused(struct orc_step *t);
void orc_unique_drop(struct orc_step *t);
void orc_from_unique(struct orc_step *t);
void orc_try_from_shared(struct orc_step *t);

void orc_space_new(struct orc_step *t);
void orc_space_drop(struct orc_step *t);
void orc_space_activate(struct orc_step *t);
void orc_cursor_open(struct orc_step *t);
void orc_cursor_open_mut(struct orc_step *t);
void orc_cursor_drop(struct orc_step *t);
void orc_cursor_query(struct orc_step *t);
void orc_cursor_find_next(struct orc_step *t);
void orc_cursor_jump(struct orc_step *t);
void orc_cursor_vaddr(struct orc_step *t);
void orc_cursor_map(struct orc_step *t);
void orc_cursor_map_frames(struct orc_step *t);
void orc_cursor_map_segment(struct orc_step *t);
void orc_cursor_unmap(struct orc_step *t);
void orc_cursor_protect_next(struct orc_step *t);
void orc_cursor_flush(struct orc_step *t);
void orc_reap(struct orc_step *t);
void orc_access(struct orc_step *t);

void orc_tlb_issue(struct orc_step *t);
void orc_tlb_issue_with(struct orc_step *t);
void orc_tlb_dispatch(struct orc_step *t);
void orc_tlb_sync(struct orc_step *t);
void orc_tlb_flush_local(struct orc_step *t);

void orc_list_new(struct orc_step *t);
void orc_list_drop(struct orc_step *t);
void orc_list_size(struct orc_step *t);
void orc_list_contains(struct orc_step *t);
void orc_list_insert(struct orc_step *t);
void orc_list_take(struct orc_step *t);
void orc_list_cursor(struct orc_step *t);
void orc_list_move(struct orc_step *t);
void orc_list_current(struct orc_step *t);
void orc_list_cursor_drop(struct orc_step *t);

void orc_io_new(struct orc_step *t);
void orc_kio_new(struct orc_step *t);
void orc_io_drop(struct orc_step *t);
void orc_reader_read(struct orc_step *t);
void orc_reader_collect(struct orc_step *t);
void orc_io_limit(struct orc_step *t);
void orc_io_skip(struct orc_step *t);
void orc_io_query(struct orc_step *t);
void orc_writer_write(struct orc_step *t);
void orc_writer_fill_zeros(struct orc_step *t);
void orc_io_copy(struct orc_step *t);
void orc_writer_fill(struct orc_step *t);
void orc_io_once(struct orc_step *t);

void orc_kvirt_map_frames(struct orc_step *t);
void orc_kvirt_map_untracked(struct orc_step *t);
void orc_kvirt_query(struct orc_step *t);
void orc_kvirt_drop(struct orc_step *t);
void orc_kvirt_unmap_range(struct orc_step *t);
void orc_kvirt_protect_range(struct orc_step *t);

#endif /* ORC_MODEL_H */
