# The verbs people expect; each is a script or one SwiftPM call. `make` alone lists them.

PREFIX  ?= /usr/local
DESTDIR ?=
SUITE   ?=
SUITE_DIR ?=
KERNELS ?=
JOBS    ?=
RUNTIME ?=
WITHOUT ?=
SELECT  ?=
VM      ?=

.DEFAULT_GOAL := help
.PHONY: help run build install uninstall test vm-test conformance lint format docs bench images clean engines-test

help: ## list these verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

run: ## install what is needed, build, and run a container that shows itself
	@scripts/demo

build: ## build the release into out/bin
	@scripts/setup build
	@scripts/build

install: ## install to PREFIX=/usr/local (DESTDIR= for packagers)
	@scripts/setup build
	@scripts/build
	@scripts/install '$(DESTDIR)' '$(PREFIX)'

uninstall: ## remove what install put under PREFIX
	@scripts/install --remove '$(DESTDIR)' '$(PREFIX)'

test: ## run all tests (SUITE=lint|tools|unit|integration|engines|vm for one)
	@scripts/test $(SUITE)

vm-test: ## everything in virtual machines (KERNELS=all, or 6.1,6.12,sid; JOBS= machines at a time)
	@scripts/setup build images test vm
	@scripts/build
	@make -s -C Tests/Probe OUT='$(CURDIR)/.build/tests'
	@images/build -q busybox debian python nginx redis postgres
	@Tests/vm/suite --kernels '$(or $(KERNELS),6.1)' $(if $(JOBS),--jobs '$(JOBS)')

engines-test: ## podman, docker, containerd, buildah, Slurm on skiff, runc and crun (RUNTIME= SELECT= VM=)
	@scripts/setup build images test engines $(if $(VM),vm)
	@scripts/build
	@Tests/Engines/run --runtime '$(RUNTIME)' --select '$(SELECT)' $(if $(VM),--vm)

fuzz: ## mutate images for FUZZ_SECONDS (600) with a new seed (FUZZ_SEED)
	@scripts/setup build test
	@scripts/build
	@FUZZ_SECONDS='$(or $(FUZZ_SECONDS),600)' FUZZ_SEED='$(or $(FUZZ_SEED),$(shell date +%s))' \
		"$$(scripts/python-with-pytest)" -m pytest Tests/Integration/test_hostile_images.py -k mutations -rP -q

conformance: ## judge skiff, crun and runc by the specification (RUNTIME= WITHOUT= SUITE= SUITE_DIR=)
	@scripts/setup build test
	@scripts/build
	@Tests/Conformance/run --runtime '$(RUNTIME)' --without '$(WITHOUT)' --suite '$(SUITE)' --dir '$(SUITE_DIR)'

lint: ## check format, imports between layers, sizes, banned words, scripts
	@scripts/lint

format: ## format the Swift sources in place
	@swift format format --in-place --recursive --parallel Sources Tests Package.swift

docs: ## write docs/cli.md and docs/man/skiff.1 from the table of commands
	@scripts/setup build
	@scripts/build
	@mkdir -p docs/man
	@out/bin/skiff debug cli-reference >docs/cli.md
	@out/bin/skiff debug manual >docs/man/skiff.1

bench: ## compare with crun, runc and a minimal C program (SUITE=soak: 10,000 containers; engines: podman, ctr, docker)
	@scripts/setup build test $(if $(filter engines,$(SUITE)),engines images)
	@scripts/build
	$(if $(filter engines,$(SUITE)),@images/build -q busybox)
	@Tests/Benchmarks/$(or $(SUITE),run)

images: ## build every image of images/ into out/images
	@scripts/setup images
	@images/build --all

clean: ## remove everything that was built (.build, out)
	rm -rf .build out
