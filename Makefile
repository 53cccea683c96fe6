# make demo   bring the embedded lab up, run the whole checklist against it, leave a report
# make test   everything: quick tests, Go tests, the lab with its faults and variants
# make check  format, lint, types, quick tests: under a minute, for every commit
# make bench  the figures of the README
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
ADDONS := karpenter kueue scheduler-plugins jobset lws
INOTIFY := /proc/sys/fs/inotify/max_user_instances
# The runs wait most of the time: more labs than cores.
LAB_WORKERS ?= 5

.PHONY: demo test check format docs lab-build lab-tests go-tests bench wheel clean

demo: $(READY)
	$(BIN)/aiconform lab up
	@$(BIN)/aiconform run --lab default; code=$$?; \
	if [ $$code -gt 2 ]; then exit $$code; fi; \
	echo "demo: exit code $$code of the run (0 every MUST passed, 1 one failed, 2 some unknown)"
	@echo "demo: the lab is still up; '$(BIN)/aiconform lab down' removes it"

test: check lab-build go-tests lab-tests wheel

check: $(READY)
	$(BIN)/ruff format --check src tests bench
	$(BIN)/ruff check src tests bench
	$(BIN)/mypy
	$(BIN)/python -m aiconform.docs_gen --check
	$(BIN)/python bench/readme.py --check
	$(BIN)/python -m pytest -q -m "not lab and not slow" -n 2

go-tests: $(READY)
	@# With the flags of the lab's own build, so that Kubernetes is not compiled a second time.
	cd lab-go && export CGO_ENABLED=0 && gofmt -l cmd | (! grep .) && \
	  go vet -trimpath ./cmd/... && go test -trimpath ./cmd/...

# Each test worker has a lab of its own. Everything is built first, so that its progress is seen.
lab-tests: lab-build
	@# A lab needs some 32 inotify instances, and the usual limit of 128 is too low for several side by side.
	@if [ $$(cat $(INOTIFY)) -lt 1024 ]; then \
	  echo "raising $(INOTIFY) to 1024 until the next boot"; echo 1024 > $(INOTIFY); fi
	$(BIN)/python -m pytest -m "lab or slow" -v -n $(LAB_WORKERS) --dist worksteal --durations=15 tests

lab-build: $(READY)
	$(BIN)/aiconform lab up --name build $(foreach a,$(ADDONS),--addon $(a))
	$(BIN)/aiconform lab down --name build

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
