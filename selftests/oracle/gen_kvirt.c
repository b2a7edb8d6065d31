// SPDX-License-Identifier: GPL-2.0-only
/* Random operations on kernel areas; see gen.c. */

#include <stdint.h>

#include "gen_parts.h"

#define GEN_2M	(ORC_PAGE << 9)

/* --- places -------------------------------------------------------------------------- */

/* gen_kvirt_va - the start of a page of an area: mapped, or anywhere near */
bool gen_kvirt_va(struct gen *g, bool mapped, __u64 *va)
{
	const struct orc_kvirt *area = gen_any(g, &g->s->kvirts);
	const struct orc_leaf *leaf;

	if (!area)
		return false;
	leaf = gen_any(g, &area->leaves);
	*va = area->start + gen_below(g, (area->end - area->start) / ORC_PAGE + 2) * ORC_PAGE;
	if (mapped && leaf)
		*va = leaf->va + gen_below(g, orc_span(leaf->level) / ORC_PAGE) * ORC_PAGE;
	return leaf || !mapped;
}

/* Any area, one that is pinned, or one that is not; -ENOENT wants none */
static bool gen_area_id(struct gen *g, int err, __u64 *id)
{
	__u32 n, i;

	if (err != EBUSY && (err == ENOENT || gen_chance(g, 20)))
		return gen_id(g, ORC_KVIRT, err, id);
	for (n = g->s->kvirts.nr, i = gen_below(g, n); n--; i = (i + 1) % g->s->kvirts.nr) {
		const struct orc_kvirt *area = orc_at(&g->s->kvirts, i);

		*id = area->id;
		if (orc_kvirt_pins(g->s, area) ? err == EBUSY : err != EBUSY)
			return true;
	}
	return false;
}

/* --- making -------------------------------------------------------------------------- */

static __u64 gen_area_pages(struct gen *g)
{
	if (gen_chance(g, 4))
		return 511 + gen_below(g, 3);
	return 1 + gen_below(g, gen_chance(g, 70) ? 6 : 20);
}

/* Nearly all addresses, all of them, more than there are */
static __u64 gen_too_large(struct gen *g)
{
	const __u64 all = VMSTORE_KVIRT_END - VMSTORE_KVIRT_BASE;

	switch (gen_below(g, 4)) {
	case 0:
		return all - gen_below(g, 3) * ORC_PAGE;
	case 1:
		return all + ORC_PAGE;
	case 2:
		return all - gen_below(g, 40) * GEN_2M;
	default:
		return -ORC_PAGE;
	}
}

static __u64 gen_odd(struct gen *g)
{
	return 1 + gen_below(g, ORC_PAGE - 1);
}

/* Something wrong with where @pages are to be mapped, or with how */
static void gen_bad_place(struct gen *g, __u64 *area_size, __u64 *map_offset, __u64 pages,
			  struct vmstore_prop *prop)
{
	switch (gen_below(g, 6)) {
	case 0:
		*area_size += gen_odd(g);
		break;
	case 1:
		*map_offset += gen_odd(g);
		break;
	case 2:
		*map_offset = *area_size + gen_below(g, 2) * ORC_PAGE;
		if (!pages)
			*map_offset = *area_size + ORC_PAGE;
		break;
	case 3:
		*map_offset = *area_size - (pages - 1) * ORC_PAGE;
		break;
	case 4:
		prop->flags |= VMSTORE_PROP_AVAIL1;
		break;
	case 5:
		*prop = gen_prop(g, false);
		break;
	}
}

static struct vmstore_prop gen_kernel_prop(struct gen *g)
{
	struct vmstore_prop prop = gen_prop(g, true);

	prop.flags &= ~VMSTORE_PROP_AVAIL1;
	return prop;
}

static bool gen_kvirt_frames(struct gen *g, struct vmstore_op *op, int err)
{
	struct gen_op *o = &g->group[g->nr];
	struct vmstore_arg_kvirt_frames *arg = &op->arg.kvirt_frames;
	__u64 pages = gen_area_pages(g), *ids = (__u64 *)o->data;
	__u32 i;

	arg->count = gen_below(g, (pages < 8 ? pages : 8) + 1);
	if (arg->count > g->s->frames.nr)
		arg->count = g->s->frames.nr;
	arg->area_size = pages * ORC_PAGE;
	arg->map_offset = gen_below(g, pages - arg->count + 1) * ORC_PAGE;
	if (arg->map_offset == arg->area_size)
		arg->map_offset = 0;
	arg->prop = gen_kernel_prop(g);
	for (i = 0; i < arg->count; i++)
		ids[i] = *(__u64 *)orc_at(&g->s->frames, (gen_below(g, 3) + 3 * i) %
					  g->s->frames.nr);
	if (arg->count && gen_chance(g, 20))
		ids[gen_below(g, arg->count)] = gen_ref(g, ORC_FRAME) ?: ids[0];
	arg->frames = (uintptr_t)ids;
	switch (err) {
	case EINVAL:
		if (arg->count > 1 && gen_chance(g, 10))
			ids[0] = ids[arg->count - 1];
		else
			gen_bad_place(g, &arg->area_size, &arg->map_offset, arg->count,
				      &arg->prop);
		break;
	case ENOENT:
		if (!arg->count)
			return false;
		ids[gen_below(g, arg->count)] = gen_bad_id(g, ORC_FRAME);
		break;
	case EFAULT:
		arg->frames = 0;
		arg->count = 1;
		return true;
	case ENOMEM:
		if (gen_chance(g, 70))
			arg->area_size = gen_too_large(g);
		break;
	}
	o->len = arg->count * sizeof(*ids);
	return true;
}

/* A range of device memory: some pages, or many around a page of 2 MiB */
static bool gen_device_range(struct gen *g, __u64 *start, __u64 *end)
{
	__u64 first = g->s->config.first_mmio * ORC_PAGE, last = orc_region_size(g->s);
	__u64 huge = (first + GEN_2M - 1) & -GEN_2M;

	*start = first + gen_below(g, (last - first) / ORC_PAGE + 1) * ORC_PAGE;
	*end = *start + gen_below(g, 8) * ORC_PAGE;
	if (huge < last && last - huge >= GEN_2M && gen_chance(g, 60)) {
		*start = huge + gen_below(g, (last - huge) / GEN_2M) * GEN_2M;
		*end = *start + GEN_2M + gen_below(g, 3) * ORC_PAGE;
		if (*start > first && gen_chance(g, 40))
			*start -= ORC_PAGE * (1 + gen_below(g, 4));
	}
	if (*end > last)
		*end = last;
	/* Without a tail a range is empty */
	return first < last || *start == *end;
}

static bool gen_kvirt_untracked(struct gen *g, struct vmstore_op *op, int err)
{
	struct vmstore_arg_kvirt_untracked *arg = &op->arg.kvirt_untracked;
	__u64 pages, spare = gen_below(g, 4);

	if (!gen_device_range(g, &arg->start, &arg->end))
		return false;
	pages = (arg->end - arg->start) / ORC_PAGE;
	arg->map_offset = gen_below(g, 3) * ORC_PAGE;
	arg->area_size = arg->map_offset + (pages + spare) * ORC_PAGE;
	arg->prop = gen_kernel_prop(g);
	switch (err) {
	case EINVAL:
		switch (gen_below(g, 5)) {
		case 0:
			arg->start += gen_odd(g);
			break;
		case 1:
			arg->end += gen_odd(g);
			break;
		case 2:
			arg->end = arg->start;
			arg->start += ORC_PAGE;
			break;
		case 3:		/* a frame that is no device memory */
			arg->start = gen_below(g, g->s->config.first_mmio) * ORC_PAGE;
			arg->end = arg->start + ORC_PAGE;
			break;
		case 4:
			gen_bad_place(g, &arg->area_size, &arg->map_offset, pages, &arg->prop);
			break;
		}
		break;
	case ERANGE:
		arg->end = orc_region_size(g->s) + ORC_PAGE * (1 + gen_below(g, 3));
		arg->area_size = arg->map_offset + arg->end - arg->start;
		break;
	case ENOMEM:
		if (gen_chance(g, 70))
			arg->area_size = gen_too_large(g);
		break;
	}
	return true;
}

/* --- looking ------------------------------------------------------------------------- */

static bool gen_kvirt_query(struct gen *g, struct vmstore_op *op, int err)
{
	struct vmstore_arg_kvirt_addr *arg = &op->arg.kvirt_addr;
	const struct orc_kvirt *area = gen_any(g, &g->s->kvirts);
	const struct orc_leaf *leaf;

	if (gen_chance(g, 30))
		op->flags |= VMSTORE_OPF_PEEK;
	arg->addr = VMSTORE_KVIRT_BASE;
	if (err == ENOENT)
		return gen_id(g, ORC_KVIRT, err, &arg->area);
	if (!area)
		return false;
	arg->area = area->id;
	if (err == EINVAL) {
		switch (gen_below(g, 3)) {
		case 0:
			arg->addr = area->end;
			break;
		case 1:
			arg->addr = area->start - 1;
			break;
		default:
			arg->addr = area->end + gen_random(g) % (1ULL << 40);
			break;
		}
		return true;
	}
	leaf = gen_any(g, &area->leaves);
	arg->addr = area->start + gen_below(g, area->end - area->start);
	if (leaf && gen_chance(g, 60))
		arg->addr = leaf->va + gen_below(g, orc_span(leaf->level));
	return area->start < area->end;
}

/* gen_kvirt_io - a kernel reader's or writer's range in an area */
bool gen_kvirt_io(struct gen *g, struct vmstore_op *op, int err)
{
	struct vmstore_arg_kio_new *arg = &op->arg.kio_new;
	__u64 va, len;

	if (!gen_kvirt_va(g, !err || gen_chance(g, 50), &va))
		return false;
	arg->vaddr = va + gen_below(g, gen_chance(g, 50) ? 64 : ORC_PAGE);
	len = gen_chance(g, 50) ? 64 : 2 * ORC_PAGE;
	if (!err && len > va + ORC_PAGE - arg->vaddr && gen_chance(g, 70))
		len = va + ORC_PAGE - arg->vaddr;
	arg->len = gen_below(g, len + 1);
	if (gen_chance(g, 50)) {
		arg->vaddr &= ~7ULL;
		arg->len &= ~7ULL;
	}
	return true;
}

/* --- removing and changing ----------------------------------------------------------- */

/* Part of an area; with @split the edge of a page of 2 MiB lies outside, if there is one */
static bool gen_part(struct gen *g, const struct orc_kvirt *area, bool split, __u64 *offset,
		     __u64 *len)
{
	__u64 pages = (area->end - area->start) / ORC_PAGE, first = gen_below(g, pages + 1);
	const struct orc_leaf *leaf = NULL;
	__u32 n = split ? 8 : 0;

	*offset = first * ORC_PAGE;
	*len = gen_below(g, pages - first + 1) * ORC_PAGE;
	if (gen_chance(g, 40) && *len > 6 * ORC_PAGE)
		*len = gen_below(g, 6) * ORC_PAGE;
	if (gen_chance(g, 15)) {
		*offset = 0;
		*len = area->end - area->start;
	}
	while (n-- && (!leaf || leaf->level < 2))
		leaf = gen_any(g, &area->leaves);
	if (!leaf || leaf->level < 2)
		return !split;
	*offset = leaf->va - area->start + gen_below(g, 512) * ORC_PAGE;
	if (*len > area->end - area->start - *offset)
		*len = area->end - area->start - *offset;
	return true;
}

static bool gen_kvirt_part(struct gen *g, int err, __u64 *id, __u64 *offset, __u64 *len)
{
	const struct orc_kvirt *area;
	bool full = !orc_free_slots(g->s);
	__u32 n;

	for (n = 0; n < 4; n++) {
		if (!gen_area_id(g, err == ENOMEM ? 0 : err, id))
			return false;
		area = orc_find(&g->s->kvirts, *id);
		if (!area) {
			*len = gen_below(g, 3) * ORC_PAGE;
			return err != ENOMEM;
		}
		if (gen_part(g, area, err == ENOMEM || (full && !err && gen_chance(g, 60)),
			     offset, len))
			break;
	}
	if (err != EINVAL)
		return true;
	switch (gen_below(g, 4)) {
	case 0:
		*offset += gen_odd(g);
		break;
	case 1:
		*len += gen_odd(g);
		break;
	case 2:
		*len = area->end - area->start - *offset + ORC_PAGE;
		break;
	case 3:
		*offset = gen_chance(g, 50) ? -ORC_PAGE : area->end - area->start + ORC_PAGE;
		break;
	}
	return true;
}

static bool gen_kvirt_unmap(struct gen *g, struct vmstore_op *op, int err)
{
	struct vmstore_arg_kvirt_range *arg = &op->arg.kvirt_range;

	return gen_kvirt_part(g, err, &arg->area, &arg->offset, &arg->len);
}

static bool gen_kvirt_protect(struct gen *g, struct vmstore_op *op, int err)
{
	struct vmstore_arg_kvirt_protect *arg = &op->arg.kvirt_protect;
	bool bad_change = err == EINVAL && gen_chance(g, 50);

	if (!gen_kvirt_part(g, bad_change ? 0 : err, &arg->area, &arg->offset, &arg->len))
		return false;
	arg->prop = gen_kernel_prop(g);
	arg->mask.flags = gen_random(g) & 0x9e;
	arg->mask.priv = gen_random(g) & 3;
	if (gen_chance(g, 30))
		op->flags |= VMSTORE_OPF_CACHE;
	else
		arg->prop.cache = 0;
	if (!bad_change)
		return true;
	switch (gen_below(g, 4)) {
	case 0:
		arg->mask.flags |= VMSTORE_PROP_R;
		arg->prop.flags &= ~VMSTORE_PROP_R;
		break;
	case 1:
		arg->mask.cache = 1;
		break;
	case 2:
		*(gen_chance(g, 50) ? &arg->prop.flags : &arg->mask.flags) |=
			VMSTORE_PROP_AVAIL1;
		break;
	case 3:
		arg->prop.flags |= 0x20;
		break;
	}
	return true;
}

/* gen_kvirt_build - the operation, so that this errno is likely */
bool gen_kvirt_build(struct gen *g, struct vmstore_op *op, int err)
{
	switch (op->opcode) {
	case VMSTORE_OP_KVIRT_MAP_FRAMES:
		return gen_kvirt_frames(g, op, err);
	case VMSTORE_OP_KVIRT_MAP_UNTRACKED:
		return gen_kvirt_untracked(g, op, err);
	case VMSTORE_OP_KVIRT_QUERY:
		return gen_kvirt_query(g, op, err);
	case VMSTORE_OP_KVIRT_DROP:
		return gen_area_id(g, err, &op->arg.id.id);
	case VMSTORE_OP_KVIRT_UNMAP_RANGE:
		return gen_kvirt_unmap(g, op, err);
	case VMSTORE_OP_KVIRT_PROTECT_RANGE:
		return gen_kvirt_protect(g, op, err);
	}
	return false;
}
