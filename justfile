# Names that other projects use for the scripts of package.json. Arguments follow the name: just logs --lines 20

# lists the recipes
default:
    @just --list

# installs the packages, and builds the program and the console
install *args:
    npm run setup --silent -- {{args}}

# runs everything; `just serve true` in the background, until `just stop`
serve background="false" *args:
    {{ if background == "true" { "mkdir -p .tidings && nohup npm run start --silent >> .tidings/tidings.log 2>&1 &" } else { "npm run start --silent -- " + args } }}

# runs the API only
run-api *args:
    npm run api --silent -- {{args}}

# runs the workers only
run-workers *args:
    npm run workers --silent -- {{args}}

# stops what runs from .tidings
stop *args:
    npm run stop --silent -- {{args}}

# prints the end of the log
logs *args:
    npm run logs --silent -- {{args}}

# checks format and lint
lint *args:
    npm run lint --silent -- {{args}}

# formats all files
format *args:
    npm run format --silent -- {{args}}

# checks the types
types *args:
    npm run types --silent -- {{args}}

# runs every check and test
test *args:
    npm run test --silent -- {{args}}

# the same
check-all *args:
    npm run check-all --silent -- {{args}}

# reports the coverage of the tests
coverage *args:
    npm run coverage --silent -- {{args}}

# brings the schema up to date
migrate *args:
    npm run migrate --silent -- {{args}}

# looks for what is wrong
doctor *args:
    npm run doctor --silent -- {{args}}

# opens a Node.js that calls a running Tidings
shell *args:
    npm run shell --silent -- {{args}}

# the same
console *args:
    npm run shell --silent -- {{args}}

# lists the documentation
docs *args:
    npm run docs --silent -- {{args}}

# checks each commit
hooks *args:
    npm run hooks --silent -- {{args}}

# measures the speed
bench *args:
    npm run bench --silent -- {{args}}

# lists the migrations that would run; write one by hand, see CONTRIBUTING.md
makemigrations *args:
    npm run migrate --silent -- --dry-run {{args}}
