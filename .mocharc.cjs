// `mocha` runs every test of the repository, `mocha 'shared/masking/**/*.test.ts'` only those that are named: mocha adds the names of
// its command line to those of its configuration, so the configuration holds none when there are some. What builds images and starts
// all of docker-compose.test.yml is run by its name alone: `npm run test:compose`; so is what takes minutes or judges the clock of a quiet
// machine: `npm run test:slow`.
const { availableParallelism } = process.getBuiltinModule('node:os')

const named = process.argv.slice(2).some((argument) => /\.test\.ts$/.test(argument))

module.exports = {
  // The longest files stand in scripts/: begun first, none of them runs alone at the end.
  spec: named ? [] : ['scripts/**/*.test.ts', 'services/**/*.test.ts', 'shared/**/*.test.ts'],
  ignore: ['**/node_modules/**', '**/dist/**', ...named ? [] : ['**/*.compose.test.ts', '**/*.slow.test.ts']],
  require: ['./scripts/end-of-tests.ts'],
  timeout: 20_000,
  'node-option': ['enable-source-maps'],
  // Half of the time is waiting, so the files are given out to several processes. Named ones follow each other in one: it begins sooner, and knows `only`.
  ...named ? {} : { parallel: true, jobs: Math.min(4, Math.max(2, availableParallelism())) },
}
