# make demo   bring the embedded lab up, run the whole checklist against it, leave a report
# make test   everything: quick tests, Go tests, the lab with its faults and variants
# make faults every broken and unusual platform on the lab, hours
# make versions  Kubernetes 1.34 to 1.36 on the lab: each is built for minutes
# make check  format, lint, types, quick tests: about a minute on two quiet cores, for every commit
# make bench  the figures of the README
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
ADDONS := karpenter kueue scheduler-plugins jobset lws kuberay envoy-gateway prometheus prometheus-operator
INOTIFY := /proc/sys/fs/inotify/max_user_instances
# The runs wait most of the time: more labs than cores, of 2 GiB each.
LAB_WORKERS ?= 5
# With more memory the lab's programs collect garbage less often: a tenth less processor time for half a GiB more a lab.
LAB_GOGC ?= $(shell awk '/^MemAvailable/ {print ($$2 > 18000000 ? 500 : 200)}' /proc/meminfo)
# What needs one core each is done side by side; what a part says comes when it ends.
CHECKED := types lint docs-checked
PARTS = $(MAKE) --no-print-directory --output-sync=target
# Without kept bytecode every process of the program compiles all of it anew: seconds each, hundreds of times.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test faults versions check lint types docs-checked quick-tests offline-tests format docs lab-build lab-tests go-tests bench wheel clean inotify

demo: $(READY)
	$(BIN)/aiconform lab up --profile full
	@$(BIN)/aiconform run --lab default --allow scales; code=$$?; \
	if [ $$code -gt 2 ]; then exit $$code; fi; \
	echo "demo: exit code $$code of the run (0 every MUST passed, 1 one failed, 2 some unknown)"
	@echo "demo: the lab is still up; '$(BIN)/aiconform lab down' removes it"

test: $(READY)
	@$(PARTS) -j 3 offline-tests $(CHECKED) wheel
	@$(MAKE) --no-print-directory lab-build go-tests lab-tests

check: $(READY)
	@$(PARTS) -j 2 quick-tests $(CHECKED)

lint: $(READY)
	$(BIN)/ruff format --check src tests bench
	$(BIN)/ruff check src tests bench

types: $(READY)
	$(BIN)/mypy

docs-checked: $(READY)
	$(BIN)/python -m aiconform.docs_gen --check
	$(BIN)/python bench/readme.py --check

# Some wait for sockets and processes: three workers for two cores.
quick-tests: $(READY)
	$(BIN)/python -m pytest -q -m "not lab and not slow" -n 3 --dist worksteal

# Everything that needs no lab.
offline-tests: $(READY)
	$(BIN)/python -m pytest -q -m "not lab" -n 3 --dist worksteal

go-tests: $(READY)
	@# With the flags of the lab's own build, so that Kubernetes is not compiled a second time.
	cd lab-go && export CGO_ENABLED=0 && gofmt -l cmd | (! grep .) && \
	  go vet -trimpath ./cmd/... && go test -trimpath ./cmd/...

# Each test worker has a lab of its own. Everything is built first, so that its progress is seen.
lab-tests: lab-build inotify
	GOGC=$(LAB_GOGC) $(BIN)/python -m pytest -m "lab and not every" -v -n $(LAB_WORKERS) --dist worksteal --durations=15 tests/lab

# Every broken and unusual platform, also those that `make test` judges from their recordings only. Takes hours.
faults: lab-build inotify
	GOGC=$(LAB_GOGC) $(BIN)/python -m pytest -m "lab" -v -n $(LAB_WORKERS) --dist worksteal tests/lab/test_platforms.py

# A lab needs some 32 inotify instances, and the usual limit of 128 is too low for several side by side.
inotify:
	@if [ $$(cat $(INOTIFY)) -lt 1024 ]; then \
	  echo "raising $(INOTIFY) to 1024 until the next boot"; echo 1024 > $(INOTIFY); fi

# Older versions of Kubernetes, sound and broken.
versions: lab-build
	for minor in 1.34 1.35 1.36; do $(BIN)/aiconform lab build --kubernetes $$minor || exit 1; done
	$(BIN)/python -m pytest -v --durations=15 tests/lab/test_versions.py

lab-build: $(READY)
	$(BIN)/aiconform lab build $(ADDONS)

wheel: $(READY)
	$(BIN)/python tests/wheel.py

bench: $(READY)
	$(BIN)/python bench/run.py

format: $(READY)
	$(BIN)/ruff format src tests bench
	$(BIN)/ruff check --fix src tests bench

docs: $(READY)
	$(BIN)/python -m aiconform.docs_gen

clean:
	rm -rf .venv dist build .mypy_cache .pytest_cache .ruff_cache

$(READY): pyproject.toml
	$(PYTHON) -m venv .venv || { echo "python3 -m venv does not work: install python3-venv" >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@
