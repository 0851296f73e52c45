# Needs Rust, Python 3.11 or newer, bash, zsh, jq and, for the tests, Node 20 or newer. Where there is apt-get, zsh and jq
# are installed with it. Everything else is installed into .venv and tests/policies/node_modules.

PYTHON ?= python3
VENV := $(CURDIR)/.venv
TOOLS := $(VENV)/.installed
TERMINAL := $(VENV)/.terminal
SIMULATOR := tests/policies/node_modules/.installed
TARGET := $(or $(CARGO_TARGET_DIR),target)
RELEASE := $(TARGET)/release/mfa-warden
CLI := $(TARGET)/cli

# Where cargo installs its tools. One file per tool and version, so that a new version here is installed.
CARGO_TOOLS := $(CURDIR)/.tools
CARGO_HOME ?= $(HOME)/.cargo
FUZZ_SECONDS ?= 60
FUZZ := cargo fuzz run --fuzz-dir tests/fuzz --sanitizer none --target-dir $(TARGET)/fuzz

# sam looks for cargo-lambda, and cargo-lambda for its linker, on the PATH.
export PATH := $(VENV)/bin:$(CARGO_TOOLS)/bin:$(PATH)
export SAM_CLI_TELEMETRY := 0

.PHONY: help
help: ## Print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(TOOLS) $(TERMINAL) binary ## Watch it work in an emulated AWS account on this machine
	@$(VENV)/bin/python demo/demo.py --bootstrap $(RELEASE)

.PHONY: event
event: event-given $(TOOLS) binary ## Try one event on the demo's account: make event EVENT=events/….json
	@$(VENV)/bin/python demo/event.py --bootstrap $(RELEASE) $(EVENT)

# Checked before anything is built.
.PHONY: event-given
event-given:
	@test -f "$(EVENT)" || { echo "Which event? make event EVENT=events/….json"; exit 1; }

# The policy tests judge the calls that the other tests record.
.PHONY: test
test: $(TOOLS) $(TERMINAL) ## Run all tests except the slow ones
	rm -rf $(TARGET)/recorded-calls
	MFA_WARDEN_PYTHON=$(VENV)/bin/python MFA_WARDEN_CALLS=$(abspath $(TARGET))/recorded-calls cargo test --locked --all-features
	MFA_WARDEN_CALLS=$(abspath $(TARGET))/recorded-calls $(MAKE) policies
	MFA_WARDEN_BOOTSTRAP=$(TARGET)/debug/mfa-warden $(VENV)/bin/python -m unittest discover --start-directory tests/stack

.PHONY: prove
prove: supply-chain reproducible fuzz mutants $(TOOLS) ## Run the slow tests: crashes on an emulator, fuzzing, two builds compared
	MFA_WARDEN_PYTHON=$(VENV)/bin/python cargo test --locked --all-features --test run -- --ignored

.PHONY: fuzz
fuzz: $(CARGO_TOOLS)/cargo-fuzz@0.13.2
	@mkdir -p $(TARGET)/fuzz-corpus/event $(TARGET)/fuzz-corpus/credential_report
	$(FUZZ) event $(TARGET)/fuzz-corpus/event events -- -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1
	$(FUZZ) credential_report $(TARGET)/fuzz-corpus/credential_report tests/fuzz/corpus/credential_report -- \
	  -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1

# The part of the mutants to test: an eighth, another one each day. 0/1 is all of them and takes half an hour.
MUTANTS ?= $(shell expr $$(date +%j) % 8)/8

.PHONY: mutants
mutants: $(CARGO_TOOLS)/cargo-mutants@27.1.0 ## Change the pure core in small ways: the pure tests must fail each time
	tests/mutants.sh $(abspath $(TARGET))/pure $(MUTANTS)

.PHONY: supply-chain
supply-chain: $(CARGO_TOOLS)/cargo-deny@0.20.2 $(CARGO_TOOLS)/cargo-machete@0.9.2
	cargo deny --locked check bans
	cargo deny --locked --all-features check licenses sources
	cargo machete

.PHONY: reproducible
reproducible: $(TOOLS) $(CARGO_TOOLS)/cargo-cyclonedx@0.5.9
	tests/reproducible.sh

.PHONY: policies
policies: $(SIMULATOR) ## Prove what the template's policies allow and deny
	@npm --prefix tests/policies --silent test

.PHONY: lint
lint: $(TOOLS) ## Check code, docs and template
	cargo fmt --check
	cargo clippy --locked --all-features --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --all-features --no-deps
	sam validate
	cfn-lint
	ruff check demo bench examples tests
	ruff format --check demo bench examples tests
	$(VENV)/bin/python demo/dashboard.py --check

.PHONY: bench
bench: $(TOOLS) binary ## Measure package size, start-up, AWS calls and memory
	@$(VENV)/bin/python bench/bench.py --binary $(RELEASE)

.PHONY: picture
picture: $(TOOLS) ## Draw the dashboard with sample data into .github/dashboard.svg
	@$(VENV)/bin/python demo/dashboard.py

.PHONY: cli
cli: ## Build the command line, its man pages and completions into target/cli
	cargo build --locked --release --features cli --bin warden
	@mkdir -p $(CLI)/man $(CLI)/completions
	@cp $(TARGET)/release/warden $(CLI)/
	@$(CLI)/warden man > $(CLI)/man/warden.1
	@for command in plan check explain status preview enroll completions man; do \
	  $(CLI)/warden man $$command > $(CLI)/man/warden-$$command.1 || exit 1; done
	@$(CLI)/warden completions bash > $(CLI)/completions/warden.bash
	@$(CLI)/warden completions fish > $(CLI)/completions/warden.fish
	@$(CLI)/warden completions zsh > $(CLI)/completions/_warden
	@echo "Copy $(CLI)/warden to a directory in your PATH."

# Without this, the package would contain paths of this machine, and would differ on every machine.
.PHONY: build
build: export RUSTFLAGS := --remap-path-prefix=$(CARGO_HOME)=/cargo --remap-path-prefix=$(CURDIR)=/mfa-warden
build: export SOURCE_DATE_EPOCH := $(shell git log -1 --format=%ct)
build: $(TOOLS) $(CARGO_TOOLS)/cargo-cyclonedx@0.5.9 ## Build the deployment package and its SBOM into .aws-sam
	sam build
	cargo cyclonedx --quiet --format json --spec-version 1.5 --override-filename sbom.cdx
	sed 's|$(CURDIR)|/mfa-warden|g' sbom.cdx.json > .aws-sam/sbom.cdx.json
	rm sbom.cdx.json

# Parameters that SET does not name keep their values. At first these are the template's defaults.
.PHONY: deploy
deploy: build ## Deploy to AWS: make deploy SET="DryRun=true OpsEmail=you@example.com"
	sam deploy $(if $(SET),--parameter-overrides '$(SET)')

.PHONY: binary
binary:
	@test -e $(RELEASE) || echo "Building the function. The first build takes five to ten minutes."
	@cargo build --locked --release --bin mfa-warden

$(TOOLS): requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	@echo "Installing the tools into .venv. This takes about a minute."
	@$(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check --requirement requirements.txt
	@touch $@

# What owners have at a terminal besides the AWS CLI: the demo and the tests type into real shells.
$(TERMINAL): tests/apt.txt | $(TOOLS)
	@(for tool in bash zsh jq; do command -v $$tool > /dev/null || exit 1; done) || { \
	  command -v apt-get > /dev/null && root=$$([ $$(id -u) = 0 ] || command -v sudo) && \
	    $$root apt-get update --quiet=2 && \
	    $$root apt-get install --yes --quiet=2 --no-install-recommends $$(cat tests/apt.txt); \
	} || { echo "bash, zsh and jq are needed. Install them and try again"; exit 1; }
	@touch $@

$(CARGO_TOOLS)/cargo-%:
	cargo install --quiet --locked --root $(CARGO_TOOLS) cargo-$*
	@touch $@

$(SIMULATOR): tests/policies/package-lock.json
	@node -e 'process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)' || { echo "Node 20 or newer is needed"; exit 1; }
	@npm --prefix tests/policies --silent ci
	@touch $@
