# Names that other projects use for the scripts of package.json. Arguments: make logs ARGS='--lines 20'

ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help makemigrations install serve run-api run-workers stop logs lint format types test check-all coverage migrate doctor shell console docs hooks bench

help: ## lists the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

install: ## installs the packages, and builds the program and the console
	npm run setup --silent -- $(ARGS)

serve: ## runs everything
	npm run start --silent -- $(ARGS)

run-api: ## runs the API only
	npm run api --silent -- $(ARGS)

run-workers: ## runs the workers only
	npm run workers --silent -- $(ARGS)

stop: ## stops what runs from .tidings
	npm run stop --silent -- $(ARGS)

logs: ## prints the end of the log
	npm run logs --silent -- $(ARGS)

lint: ## checks format and lint
	npm run lint --silent -- $(ARGS)

format: ## formats all files
	npm run format --silent -- $(ARGS)

types: ## checks the types
	npm run types --silent -- $(ARGS)

test: ## runs every check and test
	npm run test --silent -- $(ARGS)

check-all: ## the same
	npm run check-all --silent -- $(ARGS)

coverage: ## reports the coverage of the tests
	npm run coverage --silent -- $(ARGS)

migrate: ## brings the schema up to date
	npm run migrate --silent -- $(ARGS)

doctor: ## looks for what is wrong
	npm run doctor --silent -- $(ARGS)

shell: ## opens a Node.js that calls a running Tidings
	npm run shell --silent -- $(ARGS)

console: ## the same
	npm run shell --silent -- $(ARGS)

docs: ## lists the documentation
	npm run docs --silent -- $(ARGS)

hooks: ## checks each commit
	npm run hooks --silent -- $(ARGS)

bench: ## measures the speed
	npm run bench --silent -- $(ARGS)

makemigrations: ## lists the migrations that would run; write one by hand, see CONTRIBUTING.md
	npm run migrate --silent -- --dry-run $(ARGS)
