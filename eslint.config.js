// Rules that a parser can check without types: fast enough to run before every commit. What needs types is left to tsc.
import js from '@eslint/js'
import { configs as regexp } from 'eslint-plugin-regexp'
import tseslint from 'typescript-eslint'

const CLOCK = { selector: 'CallExpression[callee.object.name="Date"][callee.property.name="now"], NewExpression[callee.name="Date"][arguments.length=0]', message: 'Take the time from a Clock: what calls the system clock itself cannot be tested.' }
const ENVIRONMENT = { selector: 'MemberExpression[object.name="process"][property.name="env"]', message: 'Only composition roots read the environment; take a setting instead.' }
const SKIP = { selector: 'CallExpression[callee.property.name="skip"][callee.object.name=/^(describe|it|suite|test)$/]:not([arguments.0.value=/skipped: /])', message: 'Say in the title why: (skipped: there is no … here).' }
const ONLY = { selector: 'CallExpression[callee.property.name="only"][callee.object.name=/^(describe|it|suite|test)$/]', message: 'This leaves all other tests out.' }
const LOG = { selector: 'MemberExpression[object.name="console"]', message: 'Use the logger, which knows no secrets, or the command\'s output.' }
const EXIT = { selector: 'CallExpression[callee.object.name="process"][callee.property.name="exit"]', message: 'Set process.exitCode: exit() drops what is still being written.' }

const RESTRICTED = [CLOCK, ENVIRONMENT, LOG, EXIT]
// Without a rule it must be off: a bare `error` would keep the rules of the entry before.
const restrict = (...rules) => ({ 'no-restricted-syntax': rules.length === 0 ? 'off' : ['error', ...rules] })
const allow = (...rules) => restrict(...RESTRICTED.filter((rule) => !rules.includes(rule)))

export default tseslint.config(
  { ignores: ['**/node_modules/', '**/dist/', '**/dist-page/', '**/coverage/', '**/generated/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  tseslint.configs.recommended,
  regexp['flat/recommended'],
  {
    languageOptions: { globals: { process: 'readonly', console: 'readonly', URL: 'readonly' } },
    rules: {
      // tsc does these, with types.
      'no-undef': 'off', 'no-unused-vars': 'off', '@typescript-eslint/no-unused-vars': 'off', 'no-redeclare': 'off',
      // An empty catch without a comment swallows an error; a comment says why nothing is to be done.
      'no-empty': ['error', { allowEmptyCatch: false }],
      eqeqeq: ['error', 'always'],
      'no-eval': 'error', 'no-implied-eval': 'error', 'no-new-func': 'error',
      'no-throw-literal': 'error',
      'prefer-const': 'error',
      'no-var': 'error',
      'preserve-caught-error': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { disallowTypeAnnotations: false }],
      'max-lines-per-function': ['error', { max: 100, skipBlankLines: true, skipComments: true }],
      // Control characters are what much of this code looks for.
      'no-control-regex': 'off',
      // Of the rules for regular expressions those count that find slow, dead or wrong parts, not those that prefer a spelling.
      'regexp/prefer-w': 'off', 'regexp/prefer-d': 'off', 'regexp/prefer-character-class': 'off', 'regexp/use-ignore-case': 'off', 'regexp/match-any': 'off',
      'regexp/control-character-escape': 'off', 'regexp/no-useless-non-capturing-group': 'off', 'regexp/prefer-range': 'off',
      'regexp/prefer-question-quantifier': 'off', 'regexp/prefer-unicode-codepoint-escapes': 'off', 'regexp/sort-flags': 'off', 'regexp/optimal-quantifier-concatenation': 'off',
      ...restrict(...RESTRICTED),
    },
  },
  { name: 'the clock', files: ['shared/domain/src/index.ts', 'shared/service-kit/src/logger.ts'], rules: allow(CLOCK) },
  // A command is a process of its own at the edge: it prints for a person, by that person's clock and environment.
  { name: 'commands', files: ['services/cli/src/commands/**', 'services/*/src/{main,wire}.ts'], rules: allow(CLOCK, ENVIRONMENT) },
  { name: 'the command', files: ['services/cli/src/{agent,doctor,gateway}/**'], rules: allow(ENVIRONMENT) },
  // It is the first process of a namespace: when it ends, so does everything in there.
  { name: 'the first process of a namespace', files: ['services/cli/src/agent/namespace-init.ts'], rules: allow(ENVIRONMENT, EXIT) },
  { name: 'child processes of the sandbox', files: ['shared/sandbox/src/clients/main.ts'], rules: allow(ENVIRONMENT) },
  // Google's libraries read the environment themselves: their variables have to be judged before they do.
  { name: 'what Google\'s libraries read', files: ['shared/adapters/google-auth/src/create-credential-source.ts', 'shared/adapters/google-cloud/src/unsafe-environment.ts'], rules: allow(ENVIRONMENT) },
  { name: 'the clock of the browser', files: ['services/console/page/ticking.ts'], rules: allow(CLOCK) },
  { name: 'tools of the repository', files: ['scripts/**/*.ts'], rules: allow(CLOCK, ENVIRONMENT, LOG) },
  { name: 'what must end the process', files: ['scripts/setup.js', 'scripts/end-of-tests.ts', 'services/cli/bin/lockkeeper.js', 'infra/image/health.js'], rules: allow(ENVIRONMENT, EXIT) },
  { name: 'processes that are measured', files: ['scripts/bench/**'], rules: allow(CLOCK, ENVIRONMENT, LOG, EXIT) },
  {
    name: 'tests',
    files: ['**/*.test.ts', '**/test/**', '**/testing/**', 'shared/testkit/**'],
    rules: { ...restrict(ONLY, SKIP), 'max-lines-per-function': 'off', 'regexp/no-super-linear-backtracking': 'off' },
  },
)
