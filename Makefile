# Every command of the project. People and CI run the same targets.

PYTHON := .venv/bin/python
COVERAGE := $(PYTHON) -m coverage
PYTHON_CODE := functions local ops tests
SHELL_CODE := local/setup.sh .ci/run $(wildcard infra/*.sh infra/gcloud/*.sh)
UV_COMPILE := .venv/bin/uv pip compile --quiet --python-version 3.11 --universal --generate-hashes --no-emit-index-url --no-header
DEPLOYMENT = '--project=$(PROJECT)' '--env=$(ENV)' $(if $(REGION),'--region=$(REGION)') $(if $(filter 1,$(DRY_RUN)),--dry-run)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup docs run test test-unit test-rules chaos chaos-broadcast bench-api bench-broadcast bench-compact bench-register bench-send bench-stream bench-webhooks cost follow-a-push migrate rotate-keys simulate-month load lint format lock clean deploy destroy first-tenant logs
# The targets share .local and the machine's two cores: one after the other, also under `make -j`.
.NOTPARALLEL:

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-15s %s\n", $$1, $$2 }'

setup: node_modules/.installed .venv/.installed ## Install what is missing: the Python environment and the Node modules
	@:

.venv/.installed: requirements.txt
	@sh local/setup.sh python

node_modules/.installed: package-lock.json
	@sh local/setup.sh node

run: setup ## Start the local stack, send a first push and stay up until Ctrl-C
	@$(PYTHON) -m local

test: setup lint ## Run every check: lint, all tests, the rules, the coverage gate
	@mkdir -p .local/coverage
	@$(COVERAGE) erase
	$(COVERAGE) run -m pytest tests/unit tests/structure tests/month --numprocesses 2
	$(COVERAGE) run -m pytest tests/e2e tests/contract tests/surface --numprocesses 2 --dist loadfile --no-loadscope-reorder --durations 25
	@$(COVERAGE) combine -q
	$(COVERAGE) report --fail-under=90
	$(COVERAGE) report --include='functions/fanfare/domain/*' --fail-under=100
	@$(MAKE) --no-print-directory test-rules

test-unit: setup ## Run the unit and structure tests alone
	$(PYTHON) -m pytest tests/unit tests/structure --numprocesses 2

test-rules: setup ## Test the Firestore rules against an emulator
	$(PYTHON) -m local.emulators -- node --test tests/rules/*.test.mjs

chaos: setup ## Kill, repeat, reorder and starve the sender, then count what was lost (ARGS="--recipients 2000 --kills 8")
	$(PYTHON) -m tests.chaos $(ARGS)

chaos-broadcast: setup ## Kill fanout and send amid one broadcast, pause it, and print what became of it (ARGS="--recipients 2000 --kills 8")
	$(PYTHON) -m tests.chaos --broadcast $(ARGS)

bench-api: setup ## Measure POST /notify beside the commit and the task that it needs (ARGS=--quick)
	$(PYTHON) -m tests.bench.api $(ARGS)

bench-broadcast: setup ## Measure a broadcast to N devices beside libcurl, the SDK and the usual way (N=200000 ARGS=--write)
	$(PYTHON) -m tests.bench.broadcast $(or $(N),100000) $(ARGS)

bench-compact: setup ## Measure bringing an audience up to date beside the bare reads and writes (ARGS=--quick)
	$(PYTHON) -m tests.bench.compact $(ARGS)

bench-register: setup ## Measure registering devices in bulk beside bare batched writes (ARGS=--quick)
	$(PYTHON) -m tests.bench.register $(ARGS)

bench-send: setup ## Measure the sender beside the vendor's SDK and plain libcurl (ARGS=--quick)
	$(PYTHON) -m tests.bench.send $(ARGS)

bench-stream: setup ## Measure what fifty open streams cost the callers of POST /notify (ARGS=--quick)
	$(PYTHON) -m tests.bench.stream $(ARGS)

bench-webhooks: setup ## Measure delivering events beside bare requests, and what an endpoint that hangs does to the others (ARGS=--quick)
	$(PYTHON) -m tests.bench.webhooks $(ARGS)

cost: setup ## Print dollars per million recipients and for an idle month (ARGS=--write into docs/performance.md)
	@$(PYTHON) -m tests.bench.cost $(ARGS)

follow-a-push: setup ## Follow one push through FCM, receipt, webhook, stream, poll and Firestore (on the stack of make run, or its own)
	@$(PYTHON) -m tests.show

load: setup ## Drive mixed traffic for two minutes and count what was promised (ARGS="--seconds 30 --users 8", or --write into docs/performance.md)
	@$(PYTHON) -m tests.load $(ARGS)

lint: setup ## Check style, format, types and the shell scripts
	.venv/bin/ruff check $(PYTHON_CODE)
	.venv/bin/ruff format --check $(PYTHON_CODE)
	.venv/bin/mypy
	.venv/bin/shellcheck --external-sources $(SHELL_CODE)

deploy: setup ## Deploy with Terraform: PROJECT=… ENV=dev|prod (REGION=…, YES=1 without a question, DRY_RUN=1 only shows the commands)
	@infra/deploy.sh $(DEPLOYMENT) $(if $(filter 1,$(YES)),--yes)

destroy: ## Take a deployment down: PROJECT=… ENV=dev|prod; the database and the secrets stay (PURGE=1 deletes them too)
	@infra/destroy.sh $(DEPLOYMENT) $(if $(filter 1,$(PURGE)),--purge)

first-tenant: setup ## Make the platform's client of a deployment: ENV=… (CREDENTIAL=service-account.json NAME=… makes the first tenant too)
	@$(PYTHON) -m ops.first_tenant

logs: setup ## Follow what the functions of a deployment write: ENV=… (REQUEST=… NOTIFICATION=… SEVERITY=… MINUTES=10)
	@$(PYTHON) -m ops.logs

rotate-keys: setup ## Give every tenant new keys, or TENANT=…, and watch until all is written anew
	@$(PYTHON) -m local.rotate_keys

migrate: setup ## Bring what is stored to the form that this version writes (PROJECT=… ENV=…, ARGS=--dry-run)
	@$(PYTHON) -m ops.migrate $(ARGS)

simulate-month: setup ## Live a month of ten thousand devices on a fixed clock, and count what was promised (ARGS="--devices 200 --seed 2")
	@$(PYTHON) -m tests.month $(ARGS)

docs: setup ## Write what is generated into docs/
	$(PYTHON) -m tests.structure.route_table

format: setup ## Format the code and repair what can be repaired
	.venv/bin/ruff check --fix $(PYTHON_CODE)
	.venv/bin/ruff format $(PYTHON_CODE)

lock: setup ## Pin the newest versions of all dependencies
	$(UV_COMPILE) --upgrade functions/requirements.in -o functions/requirements.txt
	$(UV_COMPILE) --upgrade requirements.in -c functions/requirements.txt -o requirements.txt
	npm update --silent --package-lock-only

clean: ## Remove everything that can be made again
	rm -rf .venv node_modules .local .mypy_cache .pytest_cache .ruff_cache .hypothesis .schemathesis
	find functions local ops tests -name __pycache__ -type d -prune -exec rm -rf {} +
