/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the generator share. */
#ifndef ORC_GEN_PARTS_H
#define ORC_GEN_PARTS_H

#include "gen.h"
#include "model.h"

bool gen_chance(struct gen *g, __u32 percent);
__u64 gen_ref(struct gen *g, enum orc_id kind);
__u64 gen_bad_id(struct gen *g, enum orc_id kind);
void *gen_any(struct gen *g, const struct orc_vec *v);
bool gen_id(struct gen *g, enum orc_id kind, int err, __u64 *id);
bool gen_cursor_id(struct gen *g, bool mut, int err, __u64 *id);
struct vmstore_prop gen_prop(struct gen *g, bool good);

/* --- flush requests ------------------------------------------------------------------ */

bool gen_tlb_build(struct gen *g, struct vmstore_op *op, int err);

/* --- kernel areas -------------------------------------------------------------------- */

bool gen_kvirt_va(struct gen *g, bool mapped, __u64 *va);
bool gen_kvirt_io(struct gen *g, struct vmstore_op *op, int err);
bool gen_kvirt_build(struct gen *g, struct vmstore_op *op, int err);

#endif /* ORC_GEN_PARTS_H */
