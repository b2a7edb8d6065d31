#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Record what a real program does to its memory, and do it again on vmstore's
# page tables, in a guest.
#
#   demo.sh [--kernel 6.1|6.12] [--mode MODE] [--trace FILE] [-- PROGRAM...]
#
#   --trace FILE   replay this strace -f output instead of recording one
#   PROGRAM        what to record (default: a pipeline and a bit of Python)
#
# --kernel and --mode are vm.sh's.

set -eu
. "$(dirname "$0")/lib.sh"

kernel=6.12 mode=4level trace=''
while [ $# -gt 0 ]; do
	case $1 in
	-h | --help) usage; exit 0 ;;
	--kernel) need_arg "$1" $#; kernel=$2; shift ;;
	--mode) need_arg "$1" $#; mode=$2; shift ;;
	--trace) need_arg "$1" $#; trace=$2; shift ;;
	--) shift; break ;;
	*) usage_error "unknown option '$1'" ;;
	esac
	shift
done
check_series "$kernel"
[ -z "$trace" ] || [ -r "$trace" ] || die "cannot read $trace"
# A pipeline forks and execs; Python brings thousands of calls.
[ $# -gt 0 ] || set -- sh -c 'ls -l /usr/bin | sort | wc -l
	/usr/bin/python3 -c "import json, threading
rows = [list(range(n)) for n in range(2000)]
worker = threading.Thread(target=json.dumps, args=(rows,))
worker.start()
worker.join()"'

scripts=$VMSTORE_TOP/scripts
"$scripts/setup.sh" "headers:$kernel" "image:$kernel"
make_tmp
if [ -z "$trace" ]; then
	trace=$VMSTORE_TMP/program.strace
	say "recording the memory calls of: $(echo "$*" | tr -s '\n\t ' ' ' | cut -c1-60) ..."
	strace -f -e trace=memory,process -o "$trace" "$@" >/dev/null ||
		die "strace cannot trace here: give a trace with TRACE=file"
fi
say "$(wc -l <"$trace") lines of trace, $(cut -d' ' -f1 "$trace" | sort -u |
	wc -l) processes or threads"
say "building vmstore.ko for Debian's $kernel, and vmstorectl"
module=$("$scripts/build.sh" "$kernel")
tools=$("$scripts/user.sh" tools)
say "booting Debian's $kernel ($mode) and replaying the trace on private page tables"
replay=(vmstorectl replay trace)
# The guest's side is a terminal even if ours is not: no colours, no progress then.
[ -t 1 ] || replay=(sh -c "set -o pipefail; ${replay[*]} 2>&1 | cat")
status=0
"$scripts/vm.sh" --kernel "$kernel" --mode "$mode" --module "$module" \
	--add "$tools/vmstorectl" --add "$trace:/test/trace" \
	-- "${replay[@]}" || status=$?
case $status in
0) say "done" ;;
*) say "the replay ended with status $status" ;;
esac
exit $status
