// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmstorectl: what a store has done, as a script
 */
#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "out.h"
#include "show.h"
#include "story.h"

/* --- names ----------------------------------------------------------------- */

/*
 * What stands for an id: a name is made of kind and id alone, so only which of them a
 * statement gave must be kept; the second id of an outcome is a field of the first one's
 * name.
 */
struct story_name {
	enum vms_kind kind;
	__u64 id;
	__u64 first;
	const struct vms_field *field;	/* of the outcome of the first; NULL = itself */
};

static int compare_names(const void *a, const void *b)
{
	const struct story_name *na = a, *nb = b;

	if (na->kind != nb->kind)
		return na->kind < nb->kind ? -1 : 1;
	return na->id < nb->id ? -1 : na->id > nb->id;
}

static char prefix(enum vms_kind kind)
{
	switch (kind) {
	case VMS_KIND_FRAME:
		return 'f';
	case VMS_KIND_SPACE:
		return 's';
	case VMS_KIND_CURSOR:
		return 'c';
	case VMS_KIND_SEGMENT:
		return 'g';
	case VMS_KIND_UNIQUE:
		return 'u';
	case VMS_KIND_KVIRT:
		return 'k';
	case VMS_KIND_LIST:
		return 'l';
	default:
		return 'v';
	}
}

static void give_name(struct story *story, const struct story_name *name)
{
	struct story_name *new = malloc(sizeof(*new)), **node;

	if (!new) {
		story->error = -ENOMEM;
		return;
	}
	*new = *name;
	node = tsearch(new, &story->names, compare_names);
	if (!node)
		story->error = -ENOMEM;
	if (!node || *node != new)
		free(new);
}

static void print_id(const struct story *story, enum vms_kind kind, __u64 id)
{
	const struct story_name *name, key = { .kind = kind, .id = id };
	void *node = tfind(&key, &story->names, compare_names);

	if (!node) {
		vms_value_print(story->to, kind, id);
		return;
	}
	name = *(struct story_name **)node;
	fprintf(story->to, "%c%llu", prefix(kind), name->first);
	if (name->field)
		fprintf(story->to, ".%s", name->field->name);
}

/* The ids that an operation has made, by its outcome */
static void name_outcome(struct story *story, const struct vms_op_desc *desc,
			 const struct vmstore_op *op)
{
	struct story_name name = { .kind = desc->makes, .id = op->out.id, .first = op->out.id };
	const struct vms_field *field;

	give_name(story, &name);
	vms_for_each_out(field, desc) {
		name.id = vms_field_get(op, field);
		name.field = field;
		if (field->kind == desc->makes && name.id && name.id != name.first)
			give_name(story, &name);
	}
}

/* --- addresses --------------------------------------------------------------- */

/*
 * An area and the page behind it, which is no other's: the end of a range may be there,
 * and so may what runs past it. One that was dropped stays until another one gets its
 * addresses, because using it after that is what a story may be about.
 */
struct story_area {
	__u64 start;
	__u64 guard_end;
	__u64 id;
};

/* They do not overlap, so those that do are equal. */
static int compare_areas(const void *a, const void *b)
{
	const struct story_area *aa = a, *ab = b;

	if (aa->guard_end <= ab->start)
		return -1;
	return aa->start >= ab->guard_end;
}

static bool is_placed(__u64 va)
{
	return va >= VMSTORE_KVIRT_BASE && va <= VMSTORE_KVIRT_END;
}

static struct story_area *find_area(const struct story *story, __u64 start, __u64 end)
{
	const struct story_area key = { .start = start, .guard_end = end };
	void *node = tfind(&key, &story->areas, compare_areas);

	return node ? *(struct story_area **)node : NULL;
}

static const struct story_area *area_at(const struct story *story, __u64 va)
{
	return is_placed(va) ? find_area(story, va, va + 1) : NULL;
}

static void forget_areas(struct story *story, __u64 start, __u64 end)
{
	struct story_area *area;

	while ((area = find_area(story, start, end))) {
		tdelete(area, &story->areas, compare_areas);
		free(area);
	}
}

/* A new one; without a name nobody is there any more. */
static void place_area(struct story *story, const struct vmstore_out_kvirt *out, bool named)
{
	struct story_area *new;

	forget_areas(story, out->start, out->end + VMSTORE_PAGE_SIZE);
	if (!named)
		return;
	new = malloc(sizeof(*new));
	if (!new) {
		story->error = -ENOMEM;
		return;
	}
	new->start = out->start;
	new->guard_end = out->end + VMSTORE_PAGE_SIZE;
	new->id = out->id;
	if (!tsearch(new, &story->areas, compare_areas)) {
		story->error = -ENOMEM;
		free(new);
	}
}

/* In an area that is not known, so that its address means nothing. */
static bool is_lost(const struct story *story, __u64 va)
{
	return is_placed(va) && !area_at(story, va);
}

static void print_va(const struct story *story, __u64 va)
{
	const struct story_area *area = area_at(story, va);

	if (!area) {
		vms_value_print(story->to, VMS_KIND_VA, va);
		return;
	}
	print_id(story, VMS_KIND_KVIRT, area->id);
	if (va != area->start)
		fprintf(story->to, "+%#llx", va - area->start);
}

/* --- statements ------------------------------------------------------------- */

static size_t known(const struct vmstore_rec_story *rec)
{
	return rec->data_len < sizeof(rec->data) ? rec->data_len : sizeof(rec->data);
}

static void print_frames(const struct story *story, const struct vmstore_rec_story *rec)
{
	size_t i, nr = known(rec) / sizeof(__u64);
	__u64 id;

	for (i = 0; i < nr; i++) {
		memcpy(&id, rec->data + i * sizeof(id), sizeof(id));
		if (i)
			fputc(',', story->to);
		print_id(story, VMS_KIND_FRAME, id);
	}
	if (!nr)
		fputc('-', story->to);
}

/* As many as there were, so that all else is as it was; add_statement() explains. */
static void print_bytes(const struct story *story, const struct vmstore_rec_story *rec)
{
	size_t i;

	if (rec->data_len <= sizeof(rec->data)) {
		vms_data_print(story->to, rec->data, rec->data_len);
		return;
	}
	for (i = 0; i < rec->data_len; i++)
		fprintf(story->to, "%02x", i < sizeof(rec->data) ? rec->data[i] : 0);
}

static void print_field(const struct story *story, const struct vmstore_rec_story *rec,
			const struct vms_field *field)
{
	__u64 value = vms_field_get(&rec->op, field);

	fprintf(story->to, " %s=", field->name);
	if (field->kind == VMS_KIND_DATA)
		print_bytes(story, rec);
	else if (field->kind == VMS_KIND_FRAMES)
		print_frames(story, rec);
	else if (vms_kind_is_id(field->kind))
		print_id(story, field->kind, value);
	else if (field->kind == VMS_KIND_VA)
		print_va(story, value);
	else
		vms_value_print(story->to, field->kind, value);
}

static void print_op(const struct story *story, const struct vms_op_desc *desc,
		     const struct vmstore_rec_story *rec)
{
	const struct vmstore_op *op = &rec->op;
	const struct vms_field *field;
	unsigned int bit;

	fputs(desc->name, story->to);
	vms_for_each_arg(field, desc) {
		if (!field->optional || vms_field_get(op, field) != field->preset)
			print_field(story, rec, field);
	}
	for (bit = 1; bit <= 0x8000; bit <<= 1) {
		if (op->flags & bit)
			fprintf(story->to, " %s", vms_flag_name(bit));
	}
	if (op->cpu)
		fprintf(story->to, " @cpu %u", op->cpu);
}

/* Is a field the same when the operation is run again in the same state? */
static bool is_sure(const struct story *story, const struct vmstore_rec_story *rec,
		    const struct vms_field *field)
{
	if (vms_kind_is_id(field->kind) || field->varies)
		return false;
	if (rec->op.out_errno && !field->on_error)
		return false;
	if (field->of_leaf && !rec->op.out.query.found)
		return false;
	if (field->kind == VMS_KIND_VA && is_lost(story, vms_field_get(&rec->op, field)))
		return false;
	if (field->on_error)	/* as in vms_outcome_print() */
		return vms_field_get(&rec->op, field);
	if (field->kind == VMS_KIND_DATA)
		return rec->data_len <= sizeof(rec->data);
	return story->exact || field->kind != VMS_KIND_PADDR;
}

static void print_outcome(const struct story *story, const struct vms_op_desc *desc,
			  const struct vmstore_rec_story *rec)
{
	const struct vmstore_op *op = &rec->op;
	const char *arrow = " ->", *name = vms_errno_name(op->out_errno);
	const struct vms_field *field;

	if (op->out_errno) {
		fprintf(story->to, "%s %s", arrow, name ? name : "any");
		arrow = "";
	}
	vms_for_each_out(field, desc) {
		if (!is_sure(story, rec, field))
			continue;
		fputs(arrow, story->to);
		print_field(story, rec, field);
		arrow = "";
	}
}

/* Is there data that the operation read, and that is not known to its end? */
static bool note_unknown(const struct story *story, const struct vms_op_desc *desc,
			 const struct vmstore_rec_story *rec)
{
	const struct vms_field *field;

	vms_for_each_arg(field, desc) {
		if ((field->kind != VMS_KIND_DATA && field->kind != VMS_KIND_FRAMES) ||
		    rec->data_len <= sizeof(rec->data))
			continue;
		fprintf(story->to, "# of the next %s only %zu of %llu bytes are known%s\n",
			field->name, sizeof(rec->data), rec->data_len,
			field->kind == VMS_KIND_DATA ? ", the others are 0 here" : "");
		return field->kind == VMS_KIND_FRAMES;
	}
	return false;
}

static void add_statement(struct story *story, const struct vmstore_rec_story *rec)
{
	const struct vmstore_op *op = &rec->op;
	const struct vms_op_desc *desc = vms_op_desc(op->opcode);
	bool named, known;

	if (!desc) {
		fprintf(story->to, "# opcode %u, which this vmstorectl does not know\n",
			op->opcode);
		return;
	}
	known = !note_unknown(story, desc, rec);
	if (!known)
		fputs("# ", story->to);
	named = known && !op->out_errno && op->out.id && desc->makes != VMS_KIND_NONE;
	if (named)
		fprintf(story->to, "%c%llu = ", prefix(desc->makes), op->out.id);
	print_op(story, desc, rec);
	print_outcome(story, desc, rec);
	fputc('\n', story->to);
	if (named)
		name_outcome(story, desc, op);
	if (!op->out_errno && desc->makes == VMS_KIND_KVIRT)
		place_area(story, &op->out.kvirt, named);
}

/* --- the script ------------------------------------------------------------- */

static const char *check_mode_name(__u32 mode)
{
	switch (mode) {
	case VMSTORE_CHECK_FULL:
		return "full";
	case VMSTORE_CHECK_STEP:
		return "step";
	default:
		return "off";
	}
}

void story_begin(struct story *story, FILE *to, const struct vmstore_info *info)
{
	memset(story, 0, sizeof(*story));
	story->to = to;
	story->next = 1;
	story->exact = info->out_check_mode != VMSTORE_CHECK_OFF;
	fprintf(to, "setup region=%lluk", info->out_region_size >> 10);
	if (info->out_mmio_size)
		fprintf(to, " mmio=%lluk", info->out_mmio_size >> 10);
	fprintf(to, " machine=%s", vms_machine_name(info->out_machine));
	if (info->out_machine == VMSTORE_MACHINE_SOFT)
		fprintf(to, " cpus=%u", info->out_nr_cpus);
	fprintf(to, " check=%s\n", check_mode_name(info->out_check_mode));
}

static void note_gap(struct story *story, __u64 missing)
{
	fprintf(story->to,
		"# %llu operation%s missing here; what they made has numbers, not names\n",
		missing, missing == 1 ? " is" : "s are");
	story->lost += missing;
}

void story_add(struct story *story, const struct vmstore_rec_story *rec)
{
	if (rec->seq > story->next)
		note_gap(story, rec->seq - story->next);
	add_statement(story, rec);
	story->next = rec->seq + 1;
	story->written++;
}

void story_end(struct story *story)
{
	tdestroy(story->names, free);
	tdestroy(story->areas, free);
	story->names = NULL;
	story->areas = NULL;
}

/* What a store remembers; free() it. */
static int read_all(struct vms_store *store, struct vmstore_info *info,
		    struct vmstore_rec_story **recs, size_t *nr)
{
	__u64 next = 0;
	int ret;

	ret = vms_info(store, info);
	if (ret)
		return ret;
	*recs = calloc(VMSTORE_STORY_OPS, sizeof(**recs));
	if (!*recs)
		return -ENOMEM;
	ret = vms_story_read(store, &next, 0, *recs, VMSTORE_STORY_OPS, nr);
	if (ret)
		free(*recs);
	return ret;
}

int story_print(struct vms_store *store, FILE *to)
{
	struct vmstore_rec_story *recs;
	struct vmstore_info info;
	struct story story;
	size_t i, nr;
	int ret;

	ret = read_all(store, &info, &recs, &nr);
	if (ret)
		return ret;
	fprintf(to, "# the last %zu operation%s, a script for vmstorectl run\n", nr,
		nr == 1 ? "" : "s");
	story_begin(&story, to, &info);
	for (i = 0; i < nr; i++)
		story_add(&story, &recs[i]);
	story_end(&story);
	free(recs);
	return story.error;
}

json_object *story_json(struct vms_store *store)
{
	struct vmstore_rec_story *recs;
	json_object *array, *object;
	struct vmstore_info info;
	size_t i, nr;

	if (read_all(store, &info, &recs, &nr))
		return NULL;
	array = json_object_new_array();
	for (i = 0; i < nr; i++) {
		object = out_json_op(&recs[i].op, recs[i].data_len <= sizeof(recs[i].data) ?
						  recs[i].data : NULL);
		out_json_count(object, "seq", recs[i].seq);
		json_object_array_add(array, object);
	}
	free(recs);
	return array;
}
