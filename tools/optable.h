/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The operations, one row each; no include guard, libvmstore.c includes it more
 * than once with different meanings of ROW().
 *
 * ROW(opcode, script word, kind of id it makes, flags, arguments, outcome, help)
 *
 * ARG(name, kind, member of vmstore_op.arg)
 * OPT(name, kind, member of vmstore_op.arg, preset)
 * OUT(name, kind, member of vmstore_op.out)
 * ERR(...) as OUT, but meaningful when the operation failed, too
 */
ROW(FRAME_FROM_UNUSED, "frame-from-unused", FRAME, 0,
    ARGS(ARG("paddr", PADDR, paddr.paddr)),
    OUTS(OUT("id", FRAME, frame.id), OUT("paddr", PADDR, frame.paddr)),
    "claim the free frame at paddr; makes a handle")

ROW(FRAME_FROM_IN_USE, "frame-from-in-use", FRAME, 0,
    ARGS(ARG("paddr", PADDR, paddr.paddr)),
    OUTS(OUT("id", FRAME, frame.id), OUT("paddr", PADDR, frame.paddr)),
    "one more handle of the shared frame at paddr")

ROW(FRAME_ALLOC, "frame-alloc", FRAME, 0,
    ARGS(),
    OUTS(OUT("id", FRAME, frame.id), OUT("paddr", PADDR, frame.paddr)),
    "claim any free frame, zeroed; makes a handle")

ROW(FRAME_DROP, "frame-drop", NONE, 0,
    ARGS(ARG("frame", FRAME, id.id)),
    OUTS(OUT("paddr", PADDR, drop.paddr), OUT("freed", BOOL, drop.freed)),
    "drop a handle; frees the frame with the last reference")

ROW(SPACE_NEW, "space-new", SPACE, 0,
    ARGS(),
    OUTS(OUT("id", SPACE, id)),
    "make an empty address space")

ROW(SPACE_DROP, "space-drop", NONE, 0,
    ARGS(ARG("space", SPACE, id.id)),
    OUTS(OUT("leaves", COUNT, space_drop.leaves),
	 OUT("nodes", COUNT, space_drop.nodes),
	 OUT("frames_freed", COUNT, space_drop.frames_freed)),
    "tear an address space down")

ROW(SPACE_ACTIVATE, "space-activate", NONE, 0,
    ARGS(ARG("space", SPACE, id.id)),
    OUTS(),
    "make a space active on the op's CPU; space=0 makes none active there")

ROW(CURSOR_OPEN, "cursor-open", CURSOR, VMSTORE_OPF_WAIT,
    ARGS(ARG("space", SPACE, open.space), ARG("start", VA, open.start),
	 ARG("end", VA, open.end)),
    OUTS(OUT("id", CURSOR, open.id), OUT("level", COUNT, open.level),
	 OUT("nodes_allocated", COUNT, open.nodes_allocated)),
    "open a read-only cursor over [start, end)")

ROW(CURSOR_OPEN_MUT, "cursor-open-mut", CURSOR, VMSTORE_OPF_WAIT,
    ARGS(ARG("space", SPACE, open.space), ARG("start", VA, open.start),
	 ARG("end", VA, open.end)),
    OUTS(OUT("id", CURSOR, open.id), OUT("level", COUNT, open.level),
	 OUT("nodes_allocated", COUNT, open.nodes_allocated)),
    "open a mutable cursor over [start, end)")

ROW(CURSOR_DROP, "cursor-drop", NONE, 0,
    ARGS(ARG("cursor", CURSOR, id.id)),
    OUTS(),
    "close a cursor")

ROW(CURSOR_QUERY, "cursor-query", FRAME, VMSTORE_OPF_PEEK,
    ARGS(ARG("cursor", CURSOR, id.id)),
    OUTS(OUT("found", BOOL, query.found), OUT("id", FRAME, query.id),
	 OUT("start", VA, query.start), OUT("end", VA, query.end),
	 OUT("paddr", PADDR, query.paddr), OUT("prop", PROP, query.prop),
	 OUT("level", COUNT, query.level)),
    "what is at the current address; makes a handle of a leaf's frame")

ROW(CURSOR_FIND_NEXT, "cursor-find-next", NONE, 0,
    ARGS(ARG("cursor", CURSOR, len.cursor), ARG("len", LEN, len.len)),
    OUTS(OUT("found", BOOL, va.found), OUT("va", VA, va.va),
	 OUT("level", COUNT, va.level)),
    "move to the next leaf within len")

ROW(CURSOR_JUMP, "cursor-jump", NONE, 0,
    ARGS(ARG("cursor", CURSOR, jump.cursor), ARG("va", VA, jump.va)),
    OUTS(OUT("va", VA, va.va), OUT("level", COUNT, va.level)),
    "move to an address")

ROW(CURSOR_VADDR, "cursor-vaddr", NONE, 0,
    ARGS(ARG("cursor", CURSOR, id.id)),
    OUTS(OUT("va", VA, va.va), OUT("level", COUNT, va.level)),
    "the current address")

ROW(CURSOR_MAP, "cursor-map", NONE, 0,
    ARGS(ARG("cursor", CURSOR, map.cursor), ARG("frame", FRAME, map.frame),
	 ARG("prop", PROP, map.prop)),
    OUTS(OUT("va", VA, map.va), OUT("replaced", BOOL, map.replaced),
	 OUT("old_paddr", PADDR, map.old_paddr),
	 OUT("old_prop", PROP, map.old_prop),
	 OUT("nodes_allocated", COUNT, map.nodes_allocated)),
    "map a frame at the current address; the handle is consumed")

ROW(CURSOR_UNMAP, "cursor-unmap", NONE, 0,
    ARGS(ARG("cursor", CURSOR, len.cursor), ARG("len", LEN, len.len)),
    OUTS(OUT("va", VA, unmap.va), OUT("removed", COUNT, unmap.removed),
	 OUT("accessed", COUNT, unmap.accessed),
	 OUT("dirty", COUNT, unmap.dirty), OUT("nodes", COUNT, unmap.nodes)),
    "remove all mappings in the next len bytes")

ROW(CURSOR_PROTECT_NEXT, "cursor-protect-next", NONE, VMSTORE_OPF_CACHE,
    ARGS(ARG("cursor", CURSOR, protect.cursor), ARG("len", LEN, protect.len),
	 ARG("prop", PROP, protect.prop), ARG("mask", PROP, protect.mask)),
    OUTS(OUT("found", BOOL, protect.found), OUT("va", VA, protect.va),
	 OUT("start", VA, protect.start), OUT("end", VA, protect.end),
	 OUT("old_prop", PROP, protect.old_prop),
	 OUT("new_prop", PROP, protect.new_prop)),
    "change the mask's bits in the property of the next leaf; no flush")

ROW(CURSOR_FLUSH, "cursor-flush", NONE, 0,
    ARGS(ARG("cursor", CURSOR, flush.cursor), OPT("va", VA, flush.va, 0),
	 OPT("len", LEN, flush.len, 0)),
    OUTS(),
    "flush a range on every CPU and wait; len=0 is the whole space")

ROW(REAP, "reap", NONE, 0,
    ARGS(),
    OUTS(OUT("refs", COUNT, reap.refs),
	 OUT("frames_freed", COUNT, reap.frames_freed),
	 OUT("nodes", COUNT, reap.nodes)),
    "flush, wait for all CPUs, release what earlier ops removed")

ROW(ACCESS, "access", NONE, VMSTORE_OPF_WRITE,
    ARGS(ARG("space", SPACE, access.space), ARG("va", VA, access.va),
	 OPT("value", VALUE, access.value, 0),
	 OPT("width", COUNT, access.width, 8)),
    OUTS(OUT("value", VALUE, access.value), ERR("fault", FAULT, access.fault)),
    "load or, with write, store width bytes through the MMU")
