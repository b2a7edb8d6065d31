#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Record what a real program does to its memory, and do it again on vmstore's
# page tables, in a guest. Then map one frame in a space and in a kernel area there, and
# look at it from all sides: tools/examples/views.vms.
#
#   demo.sh [--kernel 6.1|6.12] [--mode MODE] [--trace FILE] [--check MODE]
#           [-- PROGRAM...]
#
#   --trace FILE   replay this strace -f output instead of recording one
#   --check MODE   what is checked after each operation: step (default) is what
#                  it touched, full everything, off nothing until the end
#   PROGRAM        what to record (default: a pipeline and a bit of Python)
#
# --kernel and --mode are vm.sh's.

set -eu
. "$(dirname "$0")/lib.sh"

kernel=6.12 mode=4level trace='' check=step
while [ $# -gt 0 ]; do
	case $1 in
	-h | --help) usage; exit 0 ;;
	--kernel) need_arg "$1" $#; kernel=$2; shift ;;
	--mode) need_arg "$1" $#; mode=$2; shift ;;
	--check) need_arg "$1" $#; check=$2; shift ;;
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
cat >"$VMSTORE_TMP/show" <<END
set -e
vmstorectl replay --check=$check trace
printf '\\n--- one frame, seen from a space and from a kernel area ---\\n\\n'
vmstorectl run --tell views.vms
printf '\\n--- and where it is in the page tables, and in the area ---\\n\\n'
vmstorectl dump --section=tables --section=areas views.vms
printf '\\n--- what CPUs still answer when the tables have changed ---\\n\\n'
vmstorectl tlb stale.vms
printf '\\n--- what other CPUs still see of a page that was removed ---\\n\\n'
for test in Remote-unmap Remote-unmap-flush; do
	vmstorectl litmus --rounds=200 litmus/\$test.litmus
done
END
show=(sh show)
# The guest's side is a terminal even if ours is not: no colours, no progress then.
[ -t 1 ] || show=(sh -c "set -o pipefail; ${show[*]} 2>&1 | cat")
status=0
# A minute where nothing else runs; a busy machine may take its time.
"$scripts/vm.sh" --kernel "$kernel" --mode "$mode" --module "$module" --timeout 1800 \
	--add "$tools/vmstorectl" --add "$tools/examples/views.vms" \
	--add "$tools/examples/stale.vms" \
	--add "$VMSTORE_TOP/selftests/litmus" \
	--add "$trace:/test/trace" --add "$VMSTORE_TMP/show" \
	-- "${show[@]}" || status=$?
case $status in
0) say "done" ;;
*) say "the demonstration ended with status $status" ;;
esac
exit $status
