// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the calls in a log do to address spaces. The decisions are in the header.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "replay_mm.h"

#define RMM_PAGE	4096ULL
#define RMM_END		0x800000000000ULL

#define RMM_MAP_SHARED		0x01
#define RMM_MREMAP_DONTUNMAP	0x04
#define RMM_CLONE_VM		0x00000100
#define RMM_CLONE_VFORK		0x00004000
#define RMM_CLONE_THREAD	0x00010000

static const struct st_bit rmm_prot_bits[] = {
	{ "PROT_NONE", 0 },
	{ "PROT_READ", RMM_READ },
	{ "PROT_WRITE", RMM_WRITE },
	{ "PROT_EXEC", RMM_EXEC },
	{ NULL, 0 }
};

static const struct st_bit rmm_map_bits[] = {
	{ "MAP_SHARED", RMM_MAP_SHARED },
	{ "MAP_SHARED_VALIDATE", RMM_MAP_SHARED },
	{ "MAP_DROPPABLE", 0x08 },
	{ NULL, 0 }
};

static const struct st_bit rmm_mremap_bits[] = {
	{ "MREMAP_MAYMOVE", 0x01 },
	{ "MREMAP_FIXED", 0x02 },
	{ "MREMAP_DONTUNMAP", RMM_MREMAP_DONTUNMAP },
	{ NULL, 0 }
};

static const struct st_bit rmm_clone_bits[] = {
	{ "CLONE_VM", RMM_CLONE_VM },
	{ "CLONE_VFORK", RMM_CLONE_VFORK },
	{ "CLONE_THREAD", RMM_CLONE_THREAD },
	{ NULL, 0 }
};

/* Calls of trace=memory,process that leave every mapping as it is. */
static const char *const rmm_neutral[] = {
	"arch_prctl", "cachestat", "get_mempolicy", "getpid", "gettid",
	"kill", "mbind", "membarrier", "migrate_pages", "mincore", "mlock",
	"mlock2", "mlockall", "move_pages", "msync", "munlock", "munlockall",
	"pidfd_getfd", "pidfd_open", "pidfd_send_signal", "pkey_alloc",
	"pkey_free", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "set_mempolicy",
	"set_mempolicy_home_node", "set_tid_address", "tgkill", "tkill",
	"wait4", "waitid", "waitpid", NULL
};

/* A call being re-enacted: of which process, and where. */
struct rmm_call {
	const struct st_event *event;
	struct rmm_proc *proc;
	struct rmm_space *space;
};

/* --- small things ---------------------------------------------------------- */

static int rmm_push(void *array, size_t *nr, size_t *room, void *item)
{
	void ***list = array;
	void **grown;

	if (*nr == *room) {
		grown = reallocarray(*list, *room ? *room * 2 : 16,
				     sizeof(void *));
		if (!grown)
			return -ENOMEM;
		*list = grown;
		*room = *room ? *room * 2 : 16;
	}
	(*list)[(*nr)++] = item;
	return 0;
}

static int rmm_count_name(struct rmm_names *names, const char *name)
{
	struct rmm_name *list;
	size_t i;

	for (i = 0; i < names->nr; i++) {
		if (!strcmp(names->list[i].name, name)) {
			names->list[i].calls++;
			return 0;
		}
	}
	if (names->nr == names->room) {
		list = reallocarray(names->list, names->room + 16,
				    sizeof(*list));
		if (!list)
			return -ENOMEM;
		names->list = list;
		names->room += 16;
	}
	names->list[names->nr].name = strdup(name);
	if (!names->list[names->nr].name)
		return -ENOMEM;
	names->list[names->nr++].calls = 1;
	return 0;
}

static void rmm_free_names(struct rmm_names *names)
{
	size_t i;

	for (i = 0; i < names->nr; i++)
		free(names->list[i].name);
	free(names->list);
}

static int rmm_bad(struct rmm *mm, const struct st_event *event,
		   const char *why)
{
	mm->bad = true;
	return mm->strict ? st_add_bad(mm->log, event->line, why) : 0;
}

static __u64 rmm_align(__u64 value)
{
	return (value + RMM_PAGE - 1) & ~(RMM_PAGE - 1);
}

static __u64 rmm_pages(__u64 start, __u64 end)
{
	return (end - start) / RMM_PAGE;
}

/* --- ranges of a space ----------------------------------------------------- */

/*
 * A call's range. False when there is nothing to do for it: it is malformed, or
 * lies above the lower half.
 */
static int rmm_range(struct rmm *mm, const struct st_event *event, __u64 start,
		     __u64 len, __u64 *end, bool *use)
{
	*use = false;
	if (start % RMM_PAGE)
		return rmm_bad(mm, event, "an address that is not page aligned");
	if (!len || len > ~0ULL - RMM_PAGE || start + rmm_align(len) < start)
		return rmm_bad(mm, event, "an impossible length");
	*end = start + rmm_align(len);
	if (*end > RMM_END)
		mm->outside += rmm_pages(start, *end);
	else
		*use = true;
	return 0;
}

static int rmm_split_both(struct rmm_space *space, __u64 start, __u64 end)
{
	int err = rmm_maps_split(&space->maps, start);

	return err ? err : rmm_maps_split(&space->maps, end);
}

/* Pages of the range that no mapping covers. */
static __u64 rmm_holes(const struct rmm_space *space, __u64 start, __u64 end)
{
	const struct rmm_maps *maps = &space->maps;
	size_t i = rmm_maps_find(maps, start);
	__u64 holes = rmm_pages(start, end), from, to;

	for (; i < maps->nr && maps->vma[i].start < end; i++) {
		from = maps->vma[i].start > start ? maps->vma[i].start : start;
		to = maps->vma[i].end < end ? maps->vma[i].end : end;
		holes -= rmm_pages(from, to);
	}
	return holes;
}

static int rmm_drop_range(struct rmm *mm, struct rmm_space *space, __u64 start,
			  __u64 end)
{
	rmm_maps_remove(&space->maps, start, end);
	return mm->ops->unmap(mm->ctx, space, start, end);
}

/*
 * Removes what was in the range when the call of @event began; see the header
 * for the mappings made since.
 */
static int rmm_unmap(struct rmm *mm, struct rmm_space *space,
		     const struct st_event *event, __u64 start, __u64 end)
{
	struct rmm_maps *maps = &space->maps;
	int err = rmm_split_both(space, start, end);
	__u64 stop, next;
	size_t i;

	while (!err && start < end) {
		i = rmm_maps_find(maps, start);
		while (i < maps->nr && maps->vma[i].start < end &&
		       maps->vma[i].born <= event->first)
			i++;
		stop = end;
		next = end;
		if (i < maps->nr && maps->vma[i].start < end) {
			stop = maps->vma[i].start;
			next = maps->vma[i].end;
			mm->overtaken += rmm_pages(stop, next);
		}
		if (stop > start)
			err = rmm_drop_range(mm, space, start, stop);
		start = next;
	}
	return err;
}

/* Maps; what was there before is replaced. */
static int rmm_map(struct rmm *mm, struct rmm_space *space,
		   const struct rmm_vma *vma)
{
	int err = rmm_split_both(space, vma->start, vma->end);

	if (!err && rmm_holes(space, vma->start, vma->end) <
		    rmm_pages(vma->start, vma->end))
		err = rmm_drop_range(mm, space, vma->start, vma->end);
	if (!err)
		err = rmm_maps_insert(&space->maps, vma);
	return err ? err : mm->ops->map(mm->ctx, space, vma);
}

/* Takes the holes in a range for mappings that execve made. */
static int rmm_learn(struct rmm *mm, struct rmm_space *space,
		     const struct st_event *event, __u64 start, __u64 end,
		     bool shared)
{
	struct rmm_vma vma = {
		.prot = RMM_READ | RMM_WRITE,
		.shared = shared,
		.born = event->first,
	};
	size_t i;
	int err;

	while (start < end) {
		i = rmm_maps_find(&space->maps, start);
		vma.start = start;
		vma.end = end;
		if (i < space->maps.nr && space->maps.vma[i].start < end)
			vma.end = space->maps.vma[i].start;
		if (vma.end <= start) {
			start = space->maps.vma[i].end;
			continue;
		}
		mm->learned += rmm_pages(vma.start, vma.end);
		err = rmm_maps_insert(&space->maps, &vma);
		if (!err)
			err = mm->ops->map(mm->ctx, space, &vma);
		if (err)
			return err;
		start = vma.end;
	}
	return 0;
}

/* --- calls about memory ---------------------------------------------------- */

static int rmm_do_mmap(struct rmm *mm, struct rmm_call *call)
{
	const struct st_event *event = call->event;
	struct rmm_vma vma = { .born = event->line };
	__u64 len, prot, flags;
	bool use;
	int err;

	if (event->nr_args < 4 || !st_number(event->args[1], &len) ||
	    !st_bits(event->args[2], rmm_prot_bits, &prot) ||
	    !st_bits(event->args[3], rmm_map_bits, &flags))
		return rmm_bad(mm, event, "arguments of mmap");
	err = rmm_range(mm, event, event->ret, len, &vma.end, &use);
	if (err || !use)
		return err;
	vma.start = event->ret;
	vma.prot = prot & (RMM_READ | RMM_WRITE | RMM_EXEC);
	vma.shared = flags & RMM_MAP_SHARED;
	return rmm_map(mm, call->space, &vma);
}

/* The range that munmap, mprotect and madvise begin with. */
static int rmm_arg_range(struct rmm *mm, struct rmm_call *call, __u64 *start,
			 __u64 *end, bool *use)
{
	const struct st_event *event = call->event;
	__u64 len;

	*use = false;
	if (event->nr_args < 2 || !st_number(event->args[0], start) ||
	    !st_number(event->args[1], &len))
		return rmm_bad(mm, event, "an address or a length that is no number");
	/* Allowed for mprotect and madvise, and nothing happens. */
	if (!len)
		return 0;
	return rmm_range(mm, event, *start, len, end, use);
}

static int rmm_do_munmap(struct rmm *mm, struct rmm_call *call)
{
	__u64 start, end;
	bool use;
	int err = rmm_arg_range(mm, call, &start, &end, &use);

	if (err || !use)
		return err;
	mm->unknown += rmm_holes(call->space, start, end);
	return rmm_unmap(mm, call->space, call->event, start, end);
}

static int rmm_do_mprotect(struct rmm *mm, struct rmm_call *call)
{
	const struct st_event *event = call->event;
	struct rmm_maps *maps = &call->space->maps;
	__u64 start, end, prot;
	struct rmm_vma *vma;
	unsigned int old;
	bool use;
	size_t i;
	int err;

	if (event->nr_args < 3 || !st_bits(event->args[2], rmm_prot_bits, &prot))
		return rmm_bad(mm, event, "arguments of mprotect");
	prot &= RMM_READ | RMM_WRITE | RMM_EXEC;
	err = rmm_arg_range(mm, call, &start, &end, &use);
	if (err || !use)
		return err;
	err = rmm_learn(mm, call->space, event, start, end, false);
	if (!err)
		err = rmm_split_both(call->space, start, end);
	for (i = rmm_maps_find(maps, start);
	     !err && i < maps->nr && maps->vma[i].start < end; i++) {
		vma = &maps->vma[i];
		old = vma->prot;
		vma->prot = prot;
		if (old != prot)
			err = mm->ops->protect(mm->ctx, call->space, vma, old);
	}
	return err;
}

static int rmm_do_brk(struct rmm *mm, struct rmm_call *call)
{
	const struct st_event *event = call->event;
	struct rmm_space *space = call->space;
	__u64 old = rmm_align(space->brk), now = rmm_align(event->ret);
	struct rmm_vma vma = {
		.start = old,
		.end = now,
		.prot = RMM_READ | RMM_WRITE,
		.born = event->line,
	};

	if (event->ret > RMM_END)
		return rmm_bad(mm, event, "an impossible break");
	space->brk = event->ret;
	if (!old || old == now)
		return 0;
	if (now > old)
		return rmm_map(mm, space, &vma);
	return rmm_unmap(mm, space, event, now, old);
}

static int rmm_do_madvise(struct rmm *mm, struct rmm_call *call)
{
	const struct st_event *event = call->event;
	struct rmm_maps *maps = &call->space->maps;
	__u64 start, end;
	struct rmm_vma vma;
	bool use;
	size_t i;
	int err = rmm_arg_range(mm, call, &start, &end, &use);

	if (err || !use)
		return err;
	mm->unknown += rmm_holes(call->space, start, end);
	for (i = rmm_maps_find(maps, start);
	     !err && i < maps->nr && maps->vma[i].start < end; i++) {
		vma = maps->vma[i];
		if (vma.born > event->first) {
			mm->overtaken += rmm_pages(vma.start, vma.end);
			continue;
		}
		if (vma.start < start)
			vma.start = start;
		if (vma.end > end)
			vma.end = end;
		err = mm->ops->discard(mm->ctx, call->space, &vma);
	}
	return err;
}

struct rmm_mremap {
	__u64 from;
	__u64 from_end;
	__u64 to;
	__u64 to_end;
	__u64 flags;
};

/* Old size 0: a second mapping of the same shared pages. */
static int rmm_mremap_copy(struct rmm *mm, struct rmm_call *call,
			   const struct rmm_mremap *m)
{
	__u64 len = m->to_end - m->to;
	struct rmm_vma vma;
	int err;

	err = rmm_learn(mm, call->space, call->event, m->from, m->from + len,
			true);
	if (err)
		return err;
	vma = call->space->maps.vma[rmm_maps_find(&call->space->maps, m->from)];
	vma.start = m->to;
	vma.end = m->to_end;
	vma.born = call->event->line;
	err = rmm_unmap(mm, call->space, call->event, m->to, m->to_end);
	if (!err)
		err = rmm_maps_insert(&call->space->maps, &vma);
	if (err)
		return err;
	return mm->ops->move(mm->ctx, call->space, m->from, m->to, len, true);
}

/* Moves one mapping, or what is left of it. */
static int rmm_mremap_piece(struct rmm *mm, struct rmm_call *call,
			    const struct rmm_mremap *m, struct rmm_vma vma)
{
	struct rmm_vma old = vma;
	int err;

	vma.start = old.start - m->from + m->to;
	vma.end = old.end - m->from + m->to;
	vma.born = call->event->line;
	if (old.born > call->event->first) {
		mm->overtaken += rmm_pages(old.start, old.end);
		return rmm_map(mm, call->space, &vma);
	}
	rmm_maps_remove(&call->space->maps, old.start, old.end);
	err = rmm_maps_insert(&call->space->maps, &vma);
	if (!err)
		err = mm->ops->move(mm->ctx, call->space, old.start, vma.start,
				    old.end - old.start, false);
	if (!err && (m->flags & RMM_MREMAP_DONTUNMAP)) {
		old.born = call->event->line;
		err = rmm_map(mm, call->space, &old);
	}
	return err;
}

static int rmm_mremap_move(struct rmm *mm, struct rmm_call *call,
			   const struct rmm_mremap *m, __u64 keep)
{
	struct rmm_maps *maps = &call->space->maps;
	__u64 at = m->from, next;
	struct rmm_vma vma;
	int err;

	err = rmm_unmap(mm, call->space, call->event, m->to, m->to_end);
	if (!err)
		err = rmm_split_both(call->space, m->from, m->from + keep);
	while (!err && at < m->from + keep) {
		vma = maps->vma[rmm_maps_find(maps, at)];
		next = vma.end;
		err = rmm_mremap_piece(mm, call, m, vma);
		at = next;
	}
	return err;
}

static bool rmm_mremap_args(const struct st_event *event, struct rmm_mremap *m,
			    __u64 *old_len, __u64 *new_len)
{
	m->flags = 0;
	return event->nr_args >= 3 && st_number(event->args[0], &m->from) &&
	       st_number(event->args[1], old_len) &&
	       st_number(event->args[2], new_len) &&
	       (event->nr_args < 4 ||
		st_bits(event->args[3], rmm_mremap_bits, &m->flags));
}

static int rmm_do_mremap(struct rmm *mm, struct rmm_call *call)
{
	const struct st_event *event = call->event;
	__u64 old_len, new_len, keep;
	struct rmm_mremap m;
	struct rmm_vma more;
	bool use;
	int err;

	if (!rmm_mremap_args(event, &m, &old_len, &new_len))
		return rmm_bad(mm, event, "arguments of mremap");
	m.to = event->ret;
	err = rmm_range(mm, event, m.to, new_len, &m.to_end, &use);
	if (err || !use)
		return err;
	err = rmm_range(mm, event, m.from, old_len ? old_len : new_len,
			&m.from_end, &use);
	if (err || !use)
		return err;
	if (m.from != m.to && m.from < m.to_end && m.to < m.from_end)
		return rmm_bad(mm, event, "mremap onto itself");
	if (!old_len)
		return rmm_mremap_copy(mm, call, &m);
	new_len = m.to_end - m.to;
	old_len = m.from_end - m.from;
	keep = old_len < new_len ? old_len : new_len;
	err = rmm_learn(mm, call->space, event, m.from, m.from_end, false);
	if (!err && old_len > keep)
		err = rmm_unmap(mm, call->space, event, m.from + keep,
				m.from_end);
	if (!err && m.to != m.from)
		err = rmm_mremap_move(mm, call, &m, keep);
	if (err || new_len == keep)
		return err;
	more = call->space->maps.vma[rmm_maps_find(&call->space->maps,
						   m.to + keep - 1)];
	more.start = m.to + keep;
	more.end = m.to_end;
	more.born = event->line;
	return rmm_map(mm, call->space, &more);
}

/* --- spaces and processes -------------------------------------------------- */

static struct rmm_space *rmm_space_alloc(struct rmm *mm)
{
	struct rmm_space *space = calloc(1, sizeof(*space));

	if (space && rmm_push(&mm->space, &mm->nr_space, &mm->room_space,
			      space)) {
		free(space);
		return NULL;
	}
	if (space) {
		space->nr = ++mm->spaces;
		space->users = 1;
	}
	return space;
}

static void rmm_space_free(struct rmm *mm, struct rmm_space *space)
{
	size_t i;

	for (i = 0; mm->space[i] != space; i++)
		;
	mm->space[i] = mm->space[--mm->nr_space];
	rmm_maps_free(&space->maps);
	free(space);
}

static int rmm_space_new(struct rmm *mm, struct rmm_proc *proc)
{
	proc->space = rmm_space_alloc(mm);
	return proc->space ? mm->ops->space_new(mm->ctx, proc->space) : -ENOMEM;
}

static int rmm_space_leave(struct rmm *mm, struct rmm_proc *proc)
{
	struct rmm_space *space = proc->space;
	int err;

	proc->space = NULL;
	if (!space || --space->users)
		return 0;
	err = mm->ops->space_drop(mm->ctx, space);
	rmm_space_free(mm, space);
	return err;
}

static struct rmm_proc *rmm_proc_find(struct rmm *mm, int pid)
{
	struct rmm_proc *proc = NULL, *named = NULL;
	size_t i, alive = 0;

	for (i = 0; i < mm->nr_proc; i++) {
		if (mm->proc[i]->pid == pid)
			named = mm->proc[i];
		if (!mm->proc[i]->over) {
			proc = alive ? proc : mm->proc[i];
			alive++;
		}
	}
	/* No column: the only process there is; the first when in doubt. */
	if (!pid && !(named && !named->over) && mm->nr_proc)
		return alive ? proc : mm->proc[0];
	return named;
}

static struct rmm_proc *rmm_proc_new(struct rmm *mm, int pid)
{
	struct rmm_proc *proc = calloc(1, sizeof(*proc));

	if (proc && rmm_push(&mm->proc, &mm->nr_proc, &mm->room_proc, proc)) {
		free(proc);
		return NULL;
	}
	if (proc) {
		proc->pid = pid;
		proc->index = mm->processes + mm->threads;
	}
	return proc;
}

static void rmm_proc_free(struct rmm *mm, struct rmm_proc *proc)
{
	size_t i;

	for (i = 0; mm->proc[i] != proc; i++)
		;
	memmove(&mm->proc[i], &mm->proc[i + 1],
		(mm->nr_proc - i - 1) * sizeof(*mm->proc));
	mm->nr_proc--;
	free(proc);
}

static int rmm_proc_gone(struct rmm *mm, struct rmm_proc *proc)
{
	int err = rmm_space_leave(mm, proc);

	rmm_proc_free(mm, proc);
	return err;
}

/* The parent's space exists once it has a child. */
static int rmm_make_child(struct rmm *mm, struct rmm_proc *parent, int pid,
			  __u64 flags)
{
	struct rmm_proc *child = rmm_proc_find(mm, pid);
	int err;

	if (child) {
		/* Its number is used again, or it was attached to. */
		if (!child->over)
			return 0;
		rmm_proc_free(mm, child);
	}
	if (!parent->space) {
		err = rmm_space_new(mm, parent);
		if (err)
			return err;
	}
	child = rmm_proc_new(mm, pid);
	if (!child)
		return -ENOMEM;
	if (flags & RMM_CLONE_THREAD)
		mm->threads++;
	else
		mm->processes++;
	if (flags & RMM_CLONE_VM) {
		child->space = parent->space;
		child->space->users++;
		return 0;
	}
	mm->forks++;
	child->space = rmm_space_alloc(mm);
	if (!child->space)
		return -ENOMEM;
	child->space->brk = parent->space->brk;
	err = rmm_maps_copy(&child->space->maps, &parent->space->maps);
	if (err)
		return err;
	return mm->ops->space_fork(mm->ctx, parent->space, child->space);
}

static bool rmm_clone_flags(const struct st_event *event, __u64 *flags)
{
	unsigned int i;

	*flags = 0;
	if (!strcmp(event->name, "fork"))
		return true;
	if (!strcmp(event->name, "vfork")) {
		*flags = RMM_CLONE_VM | RMM_CLONE_VFORK;
		return true;
	}
	for (i = 0; i < event->nr_args; i++)
		if (!strncmp(event->args[i], "flags=", 6) ||
		    event->args[i][0] == '{')
			return st_bits(event->args[i], rmm_clone_bits, flags);
	return false;
}

static int rmm_do_clone(struct rmm *mm, struct rmm_call *call)
{
	const struct st_event *event = call->event;
	__u64 flags;

	if (call->proc->early && call->proc->early == (int)event->ret)
		return 0;
	if (!event->ret || event->ret > 0x7fffffff ||
	    (int)event->ret == call->proc->pid ||
	    !rmm_clone_flags(event, &flags))
		return rmm_bad(mm, event, "flags or result of a clone");
	return rmm_make_child(mm, call->proc, event->ret, flags);
}

static int rmm_do_exec(struct rmm *mm, struct rmm_call *call)
{
	int err;

	mm->execs++;
	err = rmm_space_leave(mm, call->proc);
	return err ? err : rmm_space_new(mm, call->proc);
}

static int rmm_do_exit(struct rmm *mm, struct rmm_call *call)
{
	call->proc->over = true;
	return rmm_space_leave(mm, call->proc);
}

/* --- events ---------------------------------------------------------------- */

struct rmm_row {
	const char *name;
	bool needs_space;
	int (*fn)(struct rmm *mm, struct rmm_call *call);
};

static const struct rmm_row rmm_rows[] = {
	{ "brk", true, rmm_do_brk },
	{ "clone", false, rmm_do_clone },
	{ "clone2", false, rmm_do_clone },
	{ "clone3", false, rmm_do_clone },
	{ "execve", false, rmm_do_exec },
	{ "execveat", false, rmm_do_exec },
	{ "exit", false, rmm_do_exit },
	{ "exit_group", false, rmm_do_exit },
	{ "fork", false, rmm_do_clone },
	{ "madvise", true, rmm_do_madvise },
	{ "mmap", true, rmm_do_mmap },
	{ "mmap2", true, rmm_do_mmap },
	{ "mprotect", true, rmm_do_mprotect },
	{ "mremap", true, rmm_do_mremap },
	{ "munmap", true, rmm_do_munmap },
	{ "old_mmap", true, rmm_do_mmap },
	{ "pkey_mprotect", true, rmm_do_mprotect },
	{ "vfork", false, rmm_do_clone },
};

static const struct rmm_row *rmm_row(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(rmm_rows) / sizeof(*rmm_rows); i++)
		if (!strcmp(rmm_rows[i].name, name))
			return &rmm_rows[i];
	return NULL;
}

static bool rmm_is_clone(const struct st_event *event)
{
	const struct rmm_row *row = rmm_row(event->name);

	return row && row->fn == rmm_do_clone;
}

static int rmm_count_other(struct rmm *mm, const char *name)
{
	size_t i;

	for (i = 0; rmm_neutral[i]; i++)
		if (!strcmp(rmm_neutral[i], name))
			return rmm_count_name(&mm->neutral, name);
	return rmm_count_name(&mm->unmodelled, name);
}

/* True when the call is madvise and the advice is not to drop pages. */
static bool rmm_other_advice(const struct st_event *event, char *name,
			     size_t len)
{
	const char *advice = event->nr_args >= 3 ? event->args[2] : "?";

	if (strcmp(event->name, "madvise") ||
	    !strcmp(advice, "MADV_DONTNEED") ||
	    !strcmp(advice, "MADV_DONTNEED_LOCKED") || !strcmp(advice, "0x4"))
		return false;
	snprintf(name, len, "madvise(%s)", advice);
	return true;
}

static int rmm_call(struct rmm *mm, struct rmm_proc *proc,
		    const struct st_event *event)
{
	const struct rmm_row *row = rmm_row(event->name);
	struct rmm_call call = { .event = event, .proc = proc };
	char name[64];
	int err;

	if (proc->over)
		return rmm_bad(mm, event, "a call after exit");
	if (rmm_is_clone(event))
		proc->cloning = false;
	if (event->failed) {
		mm->failed++;
		return 0;
	}
	if (event->no_result && !(row && row->fn == rmm_do_exit)) {
		mm->no_result++;
		return 0;
	}
	if (!row)
		return rmm_count_other(mm, event->name);
	if (rmm_other_advice(event, name, sizeof(name)))
		return rmm_count_name(&mm->unmodelled, name);
	if (row->needs_space && !proc->space) {
		err = rmm_space_new(mm, proc);
		if (err)
			return err;
	}
	call.space = proc->space;
	mm->bad = false;
	err = row->fn(mm, &call);
	if (err || mm->bad)
		return err;
	return rmm_count_name(&mm->replayed, event->name);
}

static int rmm_superseded(struct rmm *mm, struct rmm_proc *proc,
			  const struct st_event *event)
{
	struct rmm_proc *by = rmm_proc_find(mm, event->by);
	int err;

	if (!by || by == proc)
		return 0;
	err = rmm_space_leave(mm, proc);
	rmm_proc_free(mm, proc);
	by->pid = event->pid;
	return err;
}

static int rmm_begin(struct rmm_proc *proc, const struct st_event *event)
{
	if (!rmm_is_clone(event))
		return 0;
	proc->cloning = true;
	proc->early = 0;
	if (!rmm_clone_flags(event, &proc->flags))
		proc->flags = RMM_FLAGS_UNKNOWN;
	return 0;
}

static int rmm_known(struct rmm *mm, struct rmm_proc *proc,
		     const struct st_event *event)
{
	int err, err2;

	if (event->kind == ST_BEGIN)
		return rmm_begin(proc, event);
	err = mm->ops->begin(mm->ctx, event, proc);
	if (err)
		return err;
	if (event->kind == ST_CALL)
		err = rmm_call(mm, proc, event);
	else if (event->kind == ST_SUPERSEDED)
		err = rmm_superseded(mm, proc, event);
	else
		err = rmm_proc_gone(mm, proc);
	err2 = mm->ops->end(mm->ctx, event);
	return err ? err : err2;
}

/* The only process that can have made an unknown one; *@many: there are more. */
static struct rmm_proc *rmm_only_parent(struct rmm *mm, bool *many)
{
	struct rmm_proc *parent = NULL;
	size_t i;

	*many = false;
	for (i = 0; i < mm->nr_proc; i++) {
		if (!mm->proc[i]->cloning || mm->proc[i]->early)
			continue;
		if (parent || mm->proc[i]->flags == RMM_FLAGS_UNKNOWN)
			*many = true;
		parent = mm->proc[i];
	}
	return parent;
}

/* Nobody can have made it: it is the program, or it was attached to. */
static int rmm_attach(struct rmm *mm, const struct st_event *event)
{
	struct rmm_proc *first = rmm_proc_find(mm, 0);

	if (first && !first->pid && event->pid) {
		first->pid = event->pid;
		return 0;
	}
	if (!rmm_proc_new(mm, event->pid))
		return -ENOMEM;
	if (mm->processes || event->kind == ST_GONE ||
	    !event->name || strcmp(event->name, "execve"))
		mm->attached++;
	mm->processes++;
	return 0;
}

/*
 * Makes the process of an event known. *@wait: it cannot be said yet whose child
 * it is. A fork belongs to the call that made it: it is done under that call's
 * name even though its line comes later.
 */
static int rmm_introduce(struct rmm *mm, const struct st_event *event,
			 bool *wait)
{
	struct rmm_proc *parent;
	int err, err2;

	parent = rmm_only_parent(mm, wait);
	if (*wait)
		return 0;
	if (!parent || !event->pid)
		return rmm_attach(mm, event);
	parent->early = event->pid;
	err = mm->ops->begin(mm->ctx, event, parent);
	if (err)
		return err;
	err = rmm_make_child(mm, parent, event->pid, parent->flags);
	err2 = mm->ops->end(mm->ctx, event);
	return err ? err : err2;
}

static int rmm_event(struct rmm *mm, const struct st_event *event, bool *wait)
{
	struct rmm_proc *proc = rmm_proc_find(mm, event->pid);
	int err;

	*wait = false;
	if (!proc) {
		/* The end of a thread that exec took along, or of one over. */
		err = rmm_introduce(mm, event, wait);
		if (err || *wait)
			return err;
		proc = rmm_proc_find(mm, event->pid);
	}
	return rmm_known(mm, proc, event);
}

/*
 * A process that made or did not make another: lines that waited may go on. They
 * stay in order, and one of them can make the process of the next.
 */
static int rmm_wake(struct rmm *mm)
{
	size_t i = 0;
	bool wait;
	int err;

	while (i < mm->nr_waiting) {
		const struct st_event *event = mm->waiting[i];

		err = rmm_event(mm, event, &wait);
		if (err)
			return err;
		if (wait) {
			i++;
			continue;
		}
		mm->nr_waiting--;
		memmove(&mm->waiting[i], &mm->waiting[i + 1],
			(mm->nr_waiting - i) * sizeof(*mm->waiting));
		i = 0;
	}
	return 0;
}

/* Lines that wait for a process hold back all later lines of that process. */
static bool rmm_is_waiting(const struct rmm *mm, int pid)
{
	size_t i;

	for (i = 0; i < mm->nr_waiting; i++)
		if (mm->waiting[i]->pid == pid)
			return true;
	return false;
}

static int rmm_end(struct rmm *mm)
{
	static const struct st_event none = { .kind = ST_GONE };
	struct rmm_proc *proc;
	size_t i;
	int err;

	/* No line can tell any more who made whom. */
	for (i = 0; i < mm->nr_proc; i++)
		mm->proc[i]->cloning = false;
	err = rmm_wake(mm);
	while (!err && mm->nr_proc) {
		proc = mm->proc[0];
		mm->left += !proc->over;
		err = mm->ops->begin(mm->ctx, &none, proc);
		if (!err)
			err = rmm_proc_gone(mm, proc);
		if (!err)
			err = mm->ops->end(mm->ctx, &none);
	}
	return err;
}

int rmm_run(struct rmm *mm)
{
	size_t i;
	bool wait;
	int err = 0;

	for (i = 0; !err && i < mm->log->nr_events; i++) {
		const struct st_event *event = &mm->log->events[i];

		wait = rmm_is_waiting(mm, event->pid);
		if (!wait)
			err = rmm_event(mm, event, &wait);
		if (!err && wait)
			err = rmm_push(&mm->waiting, &mm->nr_waiting,
				       &mm->room_waiting, (void *)event);
		else if (!err && mm->nr_waiting)
			err = rmm_wake(mm);
	}
	return err ? err : rmm_end(mm);
}

void rmm_free(struct rmm *mm)
{
	while (mm->nr_proc)
		rmm_proc_free(mm, mm->proc[0]);
	while (mm->nr_space)
		rmm_space_free(mm, mm->space[0]);
	free(mm->proc);
	free(mm->space);
	free(mm->waiting);
	rmm_free_names(&mm->replayed);
	rmm_free_names(&mm->neutral);
	rmm_free_names(&mm->unmodelled);
	memset(mm, 0, sizeof(*mm));
}
