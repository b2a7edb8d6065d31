# SPDX-License-Identifier: GPL-2.0-only
#
# The front door. The kernel's build does not come here: it reads Kbuild.

KDIR ?= /lib/modules/$(shell uname -r)/build
KERNEL ?= 6.12
MODE ?= 4level
TIER ?=
AGAIN ?=
TRACE ?=

# Debian's kselftest headers, for the programs in selftests/.
kselftest = $(shell scripts/fetch.sh path source 6.12)/tools/testing/selftests

.DEFAULT_GOAL := help
.PHONY: help setup modules tools selftests demo check kunit shell clean

help: ## show this text
	@sed -n 's/^\([a-z]*\):.* ## /\1\t/p' Makefile | expand -t 12

setup: ## install the Debian packages needed; fetch kernels into the cache
	scripts/setup.sh

modules: ## build vmstore.ko [KDIR=/lib/modules/.../build]
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

tools: ## build libvmstore and vmstorectl [STATIC=1]
	$(MAKE) -C tools

selftests: ## build the user-space tests
	$(MAKE) -C selftests KSELFTEST=$(kselftest)

demo: ## replay a real program's memory calls in a guest, show one frame in two views [TRACE=file KERNEL=6.1|6.12 MODE=4level|5level|pti]
	scripts/demo.sh --kernel $(KERNEL) --mode $(MODE) $(if $(TRACE),--trace $(TRACE))

check: ## run every test [TIER=name...: scripts/check.sh --help lists them; AGAIN=1: also what has passed and not changed since]
	scripts/check.sh $(if $(AGAIN),--again) $(TIER)

kunit: ## run the KUnit suites in User Mode Linux
	scripts/kunit.sh

shell: ## a guest's shell with the module and vmstorectl [KERNEL=6.1|6.12 MODE=4level|5level|pti]
	scripts/vm.sh --kernel $(KERNEL) --mode $(MODE) \
		--add "$$(scripts/user.sh tools)/vmstorectl" --shell

clean: ## remove what was built in this tree
	@# Not through KDIR: cleaning must work without any kernel headers.
	find . -path ./.git -prune -o \( -name '*.o' -o -name '*.ko' -o \
		-name '*.mod' -o -name '*.mod.c' -o -name '.*.cmd' -o \
		-name '*.a' -o -name '*.symvers' -o -name modules.order \) \
		-type f -exec rm -f {} +
	[ ! -e tools/Makefile ] || $(MAKE) -C tools clean
	[ ! -e selftests/Makefile ] || $(MAKE) -C selftests KSELFTEST=. clean
