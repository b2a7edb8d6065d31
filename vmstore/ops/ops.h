/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The operations. Each checks its arguments, pairs its effect on slots and tables with
 * its change of the registries, and writes the outcome; one file per kind of object.
 *
 * They run with the store locked. Each returns 0 or a negative errno, and then nothing
 * has changed.
 */
#ifndef VMS_OPS_H
#define VMS_OPS_H

#include "../step.h"
#include "../wrong.h"

/*
 * vms_op_must - the registry half of a step whose other half is done. What it requires
 * the operation has established: that it fails would be a bug, unless another operation
 * has frozen the store meanwhile.
 */
static inline void vms_op_must(int err)
{
	WARN_ON_ONCE(err && err != -EIO && !VMS_WRONG_ANY());
}

int vms_op_frame_from_unused(struct vms_step *step);
int vms_op_frame_from_in_use(struct vms_step *step);
int vms_op_frame_alloc(struct vms_step *step);
int vms_op_frame_drop(struct vms_step *step);
int vms_op_space_new(struct vms_step *step);
int vms_op_space_drop(struct vms_step *step);
int vms_op_space_activate(struct vms_step *step);
int vms_op_cursor_open(struct vms_step *step);
int vms_op_cursor_open_mut(struct vms_step *step);
int vms_op_cursor_drop(struct vms_step *step);
int vms_op_cursor_query(struct vms_step *step);
int vms_op_cursor_find_next(struct vms_step *step);
int vms_op_cursor_jump(struct vms_step *step);
int vms_op_cursor_vaddr(struct vms_step *step);
int vms_op_cursor_map(struct vms_step *step);
int vms_op_cursor_unmap(struct vms_step *step);
int vms_op_cursor_protect_next(struct vms_step *step);
int vms_op_cursor_flush(struct vms_step *step);
int vms_op_reap(struct vms_step *step);
int vms_op_access(struct vms_step *step);
int vms_op_frame_clone(struct vms_step *step);
int vms_op_segment_from_unused(struct vms_step *step);
int vms_op_segment_drop(struct vms_step *step);
int vms_op_segment_split(struct vms_step *step);
int vms_op_segment_next(struct vms_step *step);
int vms_op_segment_clone(struct vms_step *step);
int vms_op_segment_slice(struct vms_step *step);
int vms_op_frame_to_segment(struct vms_step *step);
int vms_op_unique_from_unused(struct vms_step *step);
int vms_op_unique_drop(struct vms_step *step);
int vms_op_from_unique(struct vms_step *step);
int vms_op_try_from_shared(struct vms_step *step);
int vms_op_cursor_map_frames(struct vms_step *step);
int vms_op_cursor_map_segment(struct vms_step *step);
int vms_op_reader_new(struct vms_step *step);
int vms_op_writer_new(struct vms_step *step);
int vms_op_kreader_new(struct vms_step *step);
int vms_op_kwriter_new(struct vms_step *step);
int vms_op_reader_drop(struct vms_step *step);
int vms_op_writer_drop(struct vms_step *step);
int vms_op_reader_read_val(struct vms_step *step);
int vms_op_reader_collect(struct vms_step *step);
int vms_op_reader_limit(struct vms_step *step);
int vms_op_reader_skip(struct vms_step *step);
int vms_op_reader_query(struct vms_step *step);
int vms_op_writer_write_val(struct vms_step *step);
int vms_op_writer_fill_zeros(struct vms_step *step);
int vms_op_writer_limit(struct vms_step *step);
int vms_op_writer_skip(struct vms_step *step);
int vms_op_writer_query(struct vms_step *step);
int vms_op_io_read(struct vms_step *step);
int vms_op_io_read_fallible(struct vms_step *step);
int vms_op_writer_fill(struct vms_step *step);
int vms_op_reader_read_once(struct vms_step *step);
int vms_op_writer_write_once(struct vms_step *step);
int vms_op_list_new(struct vms_step *step);
int vms_op_list_drop(struct vms_step *step);
int vms_op_list_size(struct vms_step *step);
int vms_op_list_contains(struct vms_step *step);
int vms_op_list_insert_at(struct vms_step *step);
int vms_op_list_push_front(struct vms_step *step);
int vms_op_list_push_back(struct vms_step *step);
int vms_op_list_take_at(struct vms_step *step);
int vms_op_list_pop_front(struct vms_step *step);
int vms_op_list_pop_back(struct vms_step *step);
int vms_op_list_cursor_front(struct vms_step *step);
int vms_op_list_cursor_back(struct vms_step *step);
int vms_op_list_cursor_at(struct vms_step *step);
int vms_op_list_move_next(struct vms_step *step);
int vms_op_list_move_prev(struct vms_step *step);
int vms_op_list_current(struct vms_step *step);
int vms_op_list_as_list(struct vms_step *step);
int vms_op_list_cursor_insert_before(struct vms_step *step);
int vms_op_list_cursor_take(struct vms_step *step);
int vms_op_list_cursor_drop(struct vms_step *step);
int vms_op_tlb_issue(struct vms_step *step);
int vms_op_tlb_issue_with(struct vms_step *step);
int vms_op_tlb_dispatch(struct vms_step *step);
int vms_op_tlb_sync(struct vms_step *step);
int vms_op_tlb_flush_local(struct vms_step *step);
int vms_op_tlb_watch(struct vms_step *step);
u64 vms_op_io_data_len(const struct vmstore_op *op);
int vms_op_kvirt_map_frames(struct vms_step *step);
int vms_op_kvirt_map_untracked(struct vms_step *step);
int vms_op_kvirt_query(struct vms_step *step);
int vms_op_kvirt_drop(struct vms_step *step);
int vms_op_kvirt_unmap_range(struct vms_step *step);
int vms_op_kvirt_protect_range(struct vms_step *step);

/* --- what several of them do ------------------------------------------------------- */

void vms_op_put_back_frames(struct vms_store *s, const u64 *id, const u32 *slot, u32 nr);
int vms_op_extract_frames(struct vms_store *s, const u64 *id, u32 *slot, u32 nr);
void vms_op_release_frames(struct vms_store *s, const u64 *id, u32 nr);
int vms_op_clone_slot(struct vms_store *s, u32 slot, u64 *id);

/* vms_op_change_valid - may a caller ask for that change of a property? */
static inline bool vms_op_change_valid(const struct vms_prop_change *change)
{
	return !change->mask.cache && !change->mask.__reserved && !change->prop.__reserved &&
	       (change->set_cache || !change->prop.cache) &&
	       vms_prop_bits_defined(change->prop) && vms_prop_bits_defined(change->mask);
}

#endif /* VMS_OPS_H */
