// `mocha` runs every test of the repository, `mocha 'shared/masking/**/*.test.ts'` only those that are named: mocha adds the names of
// its command line to those of its configuration, so the configuration holds none when there are some. What builds images and starts
// all of docker-compose.test.yml is run by its name alone: `npm run test:compose`; so is what takes minutes or judges the clock of a quiet
// machine: `npm run test:slow`.
const named = process.argv.slice(2).some((argument) => /\.test\.ts$/.test(argument))

module.exports = {
  spec: named ? [] : ['services/**/*.test.ts', 'shared/**/*.test.ts', 'scripts/**/*.test.ts'],
  ignore: ['**/node_modules/**', '**/dist/**', ...named ? [] : ['**/*.compose.test.ts', '**/*.slow.test.ts']],
  require: ['./scripts/end-of-tests.ts'],
  timeout: 10_000,
  'node-option': ['enable-source-maps'],
}
