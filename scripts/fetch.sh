#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Fetch a Debian kernel package and unpack it in the cache; install nothing.
#
#   fetch.sh image 6.1|6.12      a bootable kernel and its modules
#   fetch.sh headers 6.1|6.12    what external modules are built against
#   fetch.sh source 6.12         the patched source (UML, kselftest.h, checkpatch)
#   fetch.sh path KIND SERIES    print where it is; fetch it only if it is missing
#
# "path" prints: image: the kernel file; headers: the KDIR to give to make;
# source: the top of the source tree.
#
# The version is the one Debian's meta packages name now, so a later run picks up
# a security update. The old one stays in the cache until removed by hand.

set -eu
. "$(dirname "$0")/lib.sh"

# The version-carrying packages of KIND SERIES, one "name=version" a line.
resolve()
{
	local kind=$1 series=$2 meta

	case $kind-$series in
	image-6.1 | headers-6.1) meta=linux-$kind-amd64 ;;
	image-* | headers-*) meta=linux-$kind-$series-amd64 ;;
	source-*)
		apt-cache show --no-all-versions "linux-source-$series" 2>/dev/null |
			sed -n "s/^Version: /linux-source-$series=/p"
		return
		;;
	esac

	case $kind in
	image) depends_of "$meta" '^linux-image-' ;;
	headers)
		# The packages themselves, not their images: apt would
		# install a kernel along with the 6.12 headers.
		local flavour
		flavour=$(depends_of "$meta" '^linux-headers-')
		printf '%s\n' "$flavour"
		depends_of "${flavour%%=*}" '^linux-headers-.*-common'
		depends_of "${flavour%%=*}" '^linux-kbuild-'
		;;
	esac
}

# Dependencies of package $1 that match $2, with the version that is wanted.
depends_of()
{
	local name
	apt-cache show --no-all-versions "$1" 2>/dev/null |
		sed -n 's/^Depends: //p' | sed 's/[,|]/\n/g' |
		sed -e 's/^ *//' -e 's/[ (].*//' | grep -E -- "$2" | sort -u |
		while read -r name; do
			apt-cache show --no-all-versions "$name" 2>/dev/null |
				sed -n "s/^Version: /$name=/p"
		done
}

# Download the packages given as name=version into the current directory.
download()
{
	apt-get -q -o APT::Sandbox::User=root download "$@" >download.log 2>&1
}

unpack_source()
{
	local deb=$1 series=$2 into=$3
	dpkg-deb --fsys-tarfile "$deb" |
		tar -x -C "$into" --wildcards './usr/src/*.tar.xz'
	tar -x -C "$into" -f "$into"/usr/src/linux-source-"$series".tar.xz
	rm -r "${into:?}/usr"
}

# The header packages expect to be installed in /usr/src: one Makefile names
# the other tree by its absolute path. $2 is where they will finally be.
fix_headers()
{
	local tree=$1 final=$2
	sed -i "s,/usr/src/linux-headers,$final/usr/src/linux-headers,g" \
		"$tree"/usr/src/linux-headers-*-amd64/Makefile
}

fetch()
{
	local kind=$1 series=$2 packages version entry link deb stamp

	link=$VMSTORE_CACHE/$kind-$series
	stamp=$VMSTORE_CACHE/dist/$kind-$series.resolved
	# To ask takes seconds, and the answer changes only with apt's lists.
	if [ -e "$link" ] && [ "$stamp" -nt /var/lib/apt/lists ]; then
		return
	fi
	packages=$(resolve "$kind" "$series")
	if [ -z "$packages" ]; then
		say "no package for $kind $series known: updating the package lists"
		as_root apt-get -q update >&2 || warn "apt-get update failed"
		packages=$(resolve "$kind" "$series")
	fi
	if [ -z "$packages" ]; then
		[ ! -e "$link" ] || { warn "using the $kind $series fetched earlier"; return 0; }
		die "apt knows no $kind package for $series: enable Debian's" \
			"bookworm and bookworm-security sources and run apt-get update"
	fi

	version=${packages%%$'\n'*}
	version=${version#*=}
	entry=$VMSTORE_CACHE/dist/$kind-$series-$version
	if [ ! -e "$entry" ]; then
		make_tmp
		say "fetching $kind $series ($version)"
		cd "$VMSTORE_TMP"
		# shellcheck disable=SC2086 # one word per package
		if ! download $packages; then
			# The lists may name a version the archive has dropped.
			as_root apt-get -q update >&2 || warn "apt-get update failed"
			packages=$(resolve "$kind" "$series")
			version=${packages%%$'\n'*}
			version=${version#*=}
			entry=$VMSTORE_CACHE/dist/$kind-$series-$version
			# shellcheck disable=SC2086
			download $packages || {
				cat download.log >&2
				die "cannot download: $packages"
			}
		fi
		mkdir tree
		for deb in *.deb; do
			case $kind in
			source) unpack_source "$deb" "$series" tree ;;
			*) dpkg-deb -x "$deb" tree ;;
			esac
		done
		[ "$kind" != headers ] || fix_headers tree "$entry"
		mkdir -p "$VMSTORE_CACHE/dist"
		rm -rf "$entry"
		mv tree "$entry"
		cd "$VMSTORE_TOP"
	fi
	ln -sfn "dist/${entry##*/}" "$link.new.$$"
	mv -T "$link.new.$$" "$link"
	touch "$stamp"
}

path_of()
{
	local dir
	dir=$(readlink -f "$VMSTORE_CACHE/$1-$2") || return 1
	case $1 in
	image) set -- "$dir"/boot/vmlinuz-* ;;
	headers) set -- "$dir"/usr/src/linux-headers-*-amd64 ;;
	source) set -- "$dir"/linux-source-* ;;
	esac
	[ -e "$1" ] || return 1
	printf '%s\n' "$1"
}

want_path=
case ${1-} in
-h | --help) usage; exit 0 ;;
path) want_path=1; shift ;;
esac
[ $# = 2 ] || usage_error "want KIND and SERIES"
case $1 in
image | headers) check_series "$2" ;;
source) [ "$2" = "$VMSTORE_SOURCE_SERIES" ] ||
	die "only the source of $VMSTORE_SOURCE_SERIES is used" ;;
*) usage_error "unknown kind '$1'" ;;
esac

if [ -n "$want_path" ] && path_of "$1" "$2"; then
	exit 0
fi
hold_lock fetch
# Whoever held the lock may have fetched it meanwhile.
if [ -n "$want_path" ] && path_of "$1" "$2"; then
	exit 0
fi
fetch "$1" "$2"
if [ -n "$want_path" ]; then
	path_of "$1" "$2" || die "$1 $2 is not where it should be:" \
		"remove $VMSTORE_CACHE/dist/$1-$2-* and run again"
fi
