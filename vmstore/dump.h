/* SPDX-License-Identifier: GPL-2.0-only */
/* State for people and the oracle: the sections of VMSTORE_DUMP. */
#ifndef VMS_DUMP_H
#define VMS_DUMP_H

#include "store.h"

/**
 * struct vms_dump_out - where records go
 * @buf: kernel buffer
 * @len: its length, bytes
 * @used: bytes written
 * @pos: where to go on, as struct vmstore_dump.pos
 * @more: records are left
 */
struct vms_dump_out {
	void *buf;
	size_t len;
	size_t used;
	u64 pos[2];
	bool more;
};

size_t vms_dump_rec_size(u32 section);
bool vms_dump_is_live(u32 section);
int vms_dump(struct vms_store *s, u32 section, struct vms_dump_out *out);

#endif /* VMS_DUMP_H */
